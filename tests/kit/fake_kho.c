// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: a fake KHO that keeps a ledger.
 *
 * The real KHO is a bitmap: it notices neither a double preserve nor an unpreserve of what
 * was not preserved, and restores once per boot without asking who. This one knows of each
 * page who preserved it, in which kernel, and what became of it, and complains about every
 * call that a machine would let pass. Return values are those of the real one.
 *
 * The ledger holds a reference on what is preserved, so that a page freed too early is seen,
 * and on what was restored, until its new owner freed it: a forgotten free is seen too.
 * Pages that went into a file's page cache are let go at once, since their reference count
 * has a meaning there.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kallsyms.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/swap.h>
#include <linux/vmalloc.h>
#include <mm/internal.h>

#include "luokit_internal.h"

/* struct kho_vmalloc has no public names for its flags; a handler only passes them on. */
#define LUOKIT_VMALLOC_FLAGS	1

void luokit_ledger_init(struct luokit *k)
{
	spin_lock_init(&k->lock);
	mutex_init(&k->preserving);
	INIT_LIST_HEAD(&k->runs);
	xa_init(&k->pages);
}

static struct page *luokit_run_page(const struct luokit_run *run)
{
	return pfn_to_page(run->pfn);
}

static unsigned long luokit_run_nr(const struct luokit_run *run)
{
	return 1UL << run->order;
}

size_t luokit_run_bytes(const struct luokit_run *run)
{
	return PAGE_SIZE << run->order;
}

void luokit_describe(struct luokit_run *run, const char *what)
{
	char name[KSYM_NAME_LEN];
	bool top = true;
	unsigned int i;

	kunit_err(luokit_machine->test, "  left over, %s: %zu bytes at pfn %#lx%s, preserved by %pS\n",
		  what, luokit_run_bytes(run), run->pfn, run->core ? " (core)" : "", run->caller);
	for (i = 0; i < run->nr_stack; i++) {
		snprintf(name, sizeof(name), "%ps", (void *)run->stack[i]);
		/* The kit's own, on top. */
		if (top && (strstarts(name, "luokit_") || strstr(name, "stack_trace")))
			continue;
		top = false;
		kunit_err(luokit_machine->test, "    %pS\n", (void *)run->stack[i]);
	}
}

/*
 * Reference counts are counts of folios, and what was preserved as pages can be of folios, one
 * or several.
 */
static bool luokit_counts(struct luokit_run *run, unsigned long i)
{
	return !PageTail(luokit_run_page(run) + i);
}

static void luokit_run_get(struct luokit_run *run)
{
	unsigned long i;

	for (i = 0; i < luokit_run_nr(run); i++)
		if (luokit_counts(run, i))
			get_page(luokit_run_page(run) + i);
}

/* Drop the ledger's own reference. */
void luokit_run_put(struct luokit_run *run)
{
	unsigned long i;

	/* The last one first: what the first reference keeps is looked at until then. */
	for (i = luokit_run_nr(run); i--;)
		if (luokit_counts(run, i))
			put_page(luokit_run_page(run) + i);
}

/* Whether the ledger's reference is the only one. */
static bool luokit_run_ours_alone(struct luokit_run *run)
{
	unsigned long i;

	for (i = 0; i < luokit_run_nr(run); i++)
		if (luokit_counts(run, i) &&
		    folio_ref_count(page_folio(luokit_run_page(run) + i)) != 1)
			return false;

	return true;
}

/* Whether some of it is in a file, and nothing is anywhere else. */
static bool luokit_run_in_file(struct luokit_run *run)
{
	bool in_file = false;
	unsigned long i;

	for (i = 0; i < luokit_run_nr(run); i++) {
		struct folio *folio = page_folio(luokit_run_page(run) + i);

		if (folio->mapping)
			in_file = true;
		else if (folio_ref_count(folio) != 1)
			return false;
	}

	return in_file;
}

/* Take a run out of the ledger. The reference has been dropped or handed on. */
void luokit_run_forget(struct luokit *k, struct luokit_run *run)
{
	unsigned long i;

	/* A page restored and preserved anew has a younger entry. */
	for (i = 0; i < luokit_run_nr(run); i++)
		xa_cmpxchg(&k->pages, run->pfn + i, run, NULL, GFP_ATOMIC);
	spin_lock(&k->lock);
	list_del(&run->list);
	spin_unlock(&k->lock);
	if (run->kept)
		luokit_run_put(run);
	kvfree(run->copy);
	kfree(run);
}

/* The kernel's own check speaks once in a second, and there are thousands of calls in that. */
static void luokit_might_sleep(void *caller)
{
	if (!preemptible())
		luokit_complain_of(luokit_machine, 11, "%pS calls KHO, which sleeps, with a spinlock held or interrupts off",
				   caller);
	else
		might_sleep();
}

/* ---- Preserve --------------------------------------------------------------------- */

/* What of a range makes it unfit to be preserved; NULL if nothing. */
static const char *luokit_unfit(unsigned long pfn, unsigned int order)
{
	struct folio *first = page_folio(pfn_to_page(pfn));
	unsigned long end = pfn + (1UL << order), i;
	struct folio *last = page_folio(pfn_to_page(end - 1));

	if (folio_pfn(first) != pfn || folio_pfn(last) + folio_nr_pages(last) != end)
		return "a part of a compound page: its owner cannot give it back in parts";

	for (i = 0; i < 1UL << order; i++) {
		struct page *page = pfn_to_page(pfn + i);

		if (PageSlab(page))
			return "slab memory, which shares its pages with others";
		if (!page_ref_count(compound_head(page)))
			return "a free page, or the tail of an allocation that is not split";
		if (PageReserved(page))
			return "a page that the page allocator does not own";
	}

	return NULL;
}

static int luokit_run_add(struct luokit *k, unsigned long pfn, unsigned int order,
			  bool folio, bool core, void *caller)
{
	const char *unfit = luokit_unfit(pfn, order);
	struct luokit_run *run, *old;
	unsigned int quiet;
	unsigned long i;

	if (unfit) {
		luokit_complain(k, "%pS preserves %s", caller, unfit);
		return 0;
	}

	guard(mutex)(&k->preserving);
	for (i = 0; i < 1UL << order; i++) {
		old = xa_load(&k->pages, pfn + i);
		if (!old)
			continue;
		if (old->state == LUOKIT_PRESERVED) {
			luokit_complain(k, "%pS preserves pfn %#lx twice; %pS did before",
					caller, pfn + i, old->caller);
			return 0;
		}
		if (old->state == LUOKIT_INCOMING) {
			luokit_complain(k, "%pS preserves pfn %#lx; %pS did in the old kernel",
					caller, pfn + i, old->caller);
			return 0;
		}
		/* Its owner preserves it once more: watched as such from now on. */
		if (old->state == LUOKIT_RESTORED) {
			luokit_run_put(old);
			old->state = LUOKIT_DONE;
		}
	}

	quiet = luokit_quiet_begin();
	run = kzalloc_obj(*run, GFP_KERNEL | __GFP_NOFAIL);
	run->pfn = pfn;
	run->order = order;
	run->folio = folio;
	run->core = core;
	run->caller = caller;
	run->state = LUOKIT_PRESERVED;
#ifdef CONFIG_STACKTRACE
	run->nr_stack = stack_trace_save(run->stack, ARRAY_SIZE(run->stack), 2);
#endif
	luokit_run_get(run);
	for (i = 0; i < 1UL << order; i++)
		xa_store(&k->pages, pfn + i, run, GFP_KERNEL | __GFP_NOFAIL);
	spin_lock(&k->lock);
	list_add_tail(&run->list, &k->runs);
	spin_unlock(&k->lock);
	luokit_quiet_end(quiet);

	return 0;
}

static void luokit_run_del(struct luokit *k, unsigned long pfn, unsigned int order,
			   bool folio, void *caller)
{
	struct luokit_run *run;

	luokit_might_sleep(caller);
	guard(mutex)(&k->preserving);
	run = xa_load(&k->pages, pfn);
	if (!run || run->state != LUOKIT_PRESERVED) {
		luokit_complain(k, "%pS unpreserves pfn %#lx, which is not preserved",
				caller, pfn);
		return;
	}
	if (run->pfn != pfn || run->order != order || (order && run->folio != folio)) {
		luokit_complain(k, "%pS unpreserves %#lx pages at %#lx; %pS preserved %#lx at %#lx",
				caller, 1UL << order, pfn, run->caller, luokit_run_nr(run),
				run->pfn);
		return;
	}
	if (run->released) {
		luokit_complain(k, "%pS unpreserves pfn %#lx twice", caller, pfn);
		return;
	}
	if (luokit_run_ours_alone(run))
		luokit_complain(k, "pfn %#lx, preserved by %pS, was freed before unpreserve",
				pfn, run->caller);
	if (k->leaving) {
		/* Its content is on its way: only note that the owner let go. */
		run->released = true;
		return;
	}
	luokit_run_put(run);
	luokit_run_forget(k, run);
}

/* The largest aligned power of two of pages at @pfn, as KHO cuts a range. */
static unsigned int luokit_chunk_order(unsigned long pfn, unsigned long nr)
{
	return min_t(unsigned int, pfn ? __ffs(pfn) : BITS_PER_LONG - 1, ilog2(nr));
}

static int luokit_range_add(struct luokit *k, unsigned long pfn, unsigned long nr,
			    void *caller)
{
	unsigned int order;

	unsigned long first = pfn, all = nr;
	struct luokit_run *run;

	for (; nr; pfn += 1UL << order, nr -= 1UL << order) {
		order = luokit_chunk_order(pfn, nr);
		luokit_run_add(k, pfn, order, false, false, caller);
	}
	run = xa_load(&k->pages, first);
	if (run)
		run->whole = luokit_run_nr(run) == all;

	return 0;
}

static void luokit_range_del(struct luokit *k, unsigned long pfn, unsigned long nr,
			     void *caller)
{
	unsigned int order;

	for (; nr; pfn += 1UL << order, nr -= 1UL << order) {
		order = luokit_chunk_order(pfn, nr);
		luokit_run_del(k, pfn, order, false, caller);
	}
}

int luokit_kho_preserve_folio(struct folio *folio)
{
	struct luokit *k = luokit_machine;

	luokit_might_sleep(__builtin_return_address(0));
	if (luokit_should_fail_kho(k))
		return -ENOMEM;

	return luokit_run_add(k, folio_pfn(folio), folio_order(folio), true, false,
			      __builtin_return_address(0));
}

void luokit_kho_unpreserve_folio(struct folio *folio)
{
	luokit_run_del(luokit_machine, folio_pfn(folio), folio_order(folio), true,
		       __builtin_return_address(0));
}

int luokit_kho_preserve_pages(struct page *page, unsigned long nr_pages)
{
	struct luokit *k = luokit_machine;

	luokit_might_sleep(__builtin_return_address(0));
	if (luokit_should_fail_kho(k))
		return -ENOMEM;

	return luokit_range_add(k, page_to_pfn(page), nr_pages, __builtin_return_address(0));
}

void luokit_kho_unpreserve_pages(struct page *page, unsigned long nr_pages)
{
	luokit_range_del(luokit_machine, page_to_pfn(page), nr_pages,
			 __builtin_return_address(0));
}

/* Memory that holds a state, not what a state names. */
static void luokit_run_mark_state(struct luokit *k, unsigned long pfn, bool state)
{
	struct luokit_run *run = xa_load(&k->pages, pfn);

	if (run)
		run->state_memory = state;
}

static void *luokit_alloc_preserve(size_t size, bool core, void *caller)
{
	struct luokit *k = luokit_machine;
	struct folio *folio;
	unsigned int order;

	luokit_might_sleep(caller);
	if (!size)
		return ERR_PTR(-EINVAL);
	order = get_order(size);
	if (order > MAX_PAGE_ORDER)
		return ERR_PTR(-E2BIG);
	if (luokit_should_fail_kho(k))
		return ERR_PTR(-ENOMEM);
	folio = folio_alloc(GFP_KERNEL | __GFP_ZERO, order);
	if (!folio)
		return ERR_PTR(-ENOMEM);
	luokit_run_add(k, folio_pfn(folio), order, true, core, caller);
	luokit_run_mark_state(k, folio_pfn(folio), !core);

	return folio_address(folio);
}

void *luokit_kho_alloc_preserve(size_t size)
{
	return luokit_alloc_preserve(size, false, __builtin_return_address(0));
}

void *luokit_core_alloc_preserve(size_t size)
{
	return luokit_alloc_preserve(size, true, __builtin_return_address(0));
}

void luokit_kho_unpreserve_free(void *mem)
{
	struct folio *folio;

	luokit_might_sleep(__builtin_return_address(0));
	if (!mem)
		return;
	if (IS_ERR(mem) || !virt_addr_valid(mem)) {
		luokit_complain(luokit_machine, "%pS frees %pK, which is no memory of KHO's",
				__builtin_return_address(0), mem);
		return;
	}
	folio = virt_to_folio(mem);
	luokit_run_del(luokit_machine, folio_pfn(folio), folio_order(folio), true,
		       __builtin_return_address(0));
	folio_put(folio);
}

/* A page of physical addresses, preserved; hung behind @prev. */
static struct kho_vmalloc_chunk *luokit_chunk_add(struct luokit *k,
						  struct kho_vmalloc_chunk *prev,
						  void *caller)
{
	struct kho_vmalloc_chunk *chunk = (void *)get_zeroed_page(GFP_KERNEL);

	if (!chunk)
		return NULL;
	luokit_range_add(k, PHYS_PFN(virt_to_phys(chunk)), 1, caller);
	if (prev)
		KHOSER_STORE_PTR(prev->hdr.next, chunk);

	return chunk;
}

static void luokit_vmalloc_undo(struct luokit *k, struct kho_vmalloc *preservation,
				void *caller)
{
	struct kho_vmalloc_chunk *chunk, *next;
	unsigned int i;

	for (chunk = KHOSER_LOAD_PTR(preservation->first); chunk; chunk = next) {
		for (i = 0; i < ARRAY_SIZE(chunk->phys) && chunk->phys[i]; i++)
			luokit_range_del(k, PHYS_PFN(chunk->phys[i]),
					 1UL << preservation->order, caller);
		next = KHOSER_LOAD_PTR(chunk->hdr.next);
		luokit_range_del(k, PHYS_PFN(virt_to_phys(chunk)), 1, caller);
		free_page((unsigned long)chunk);
	}
}

int luokit_kho_preserve_vmalloc(void *ptr, struct kho_vmalloc *preservation)
{
	void *caller = __builtin_return_address(0);
	struct luokit *k = luokit_machine;
	struct vm_struct *vm = find_vm_area(ptr);
	struct kho_vmalloc_chunk *chunk;
	unsigned int i, slot = 0;

	luokit_might_sleep(__builtin_return_address(0));
	if (!vm || !vm->pages) {
		luokit_complain(k, "%pS preserves %pK as vmalloc memory, which it is not",
				caller, ptr);
		return -EINVAL;
	}
	if (luokit_should_fail_kho(k))
		return -ENOMEM;

	chunk = luokit_chunk_add(k, NULL, caller);
	if (!chunk)
		return -ENOMEM;
	KHOSER_STORE_PTR(preservation->first, chunk);
	preservation->total_pages = vm->nr_pages;
	preservation->flags = LUOKIT_VMALLOC_FLAGS;
	preservation->order = 0;

	for (i = 0; i < vm->nr_pages; i++) {
		if (slot == ARRAY_SIZE(chunk->phys)) {
			chunk = luokit_chunk_add(k, chunk, caller);
			if (!chunk) {
				luokit_vmalloc_undo(k, preservation, caller);
				return -ENOMEM;
			}
			slot = 0;
		}
		luokit_range_add(k, page_to_pfn(vm->pages[i]), 1, caller);
		luokit_run_mark_state(k, page_to_pfn(vm->pages[i]), true);
		chunk->phys[slot++] = page_to_phys(vm->pages[i]);
	}

	return 0;
}

void luokit_kho_unpreserve_vmalloc(struct kho_vmalloc *preservation)
{
	luokit_might_sleep(__builtin_return_address(0));
	luokit_vmalloc_undo(luokit_machine, preservation, __builtin_return_address(0));
}

/* ---- Restore ----------------------------------------------------------------------- */

/* Of single pages, on each of which the ledger has a reference, make one folio. */
static void luokit_run_merge(struct luokit_run *run)
{
	unsigned long i;

	run->folio = true;
	if (!run->order)
		return;
	for (i = 1; i < luokit_run_nr(run); i++)
		set_page_count(luokit_run_page(run) + i, 0);
	prep_compound_page(luokit_run_page(run), run->order);
}

/*
 * Give a run back: its owner's reference beside the ledger's. Does not sleep, like the real
 * one. NULL after a complaint; @order as preserved if not NULL.
 */
static struct page *luokit_run_restore(struct luokit *k, phys_addr_t phys, bool folio,
				       unsigned int *order, void *caller)
{
	unsigned long pfn = PHYS_PFN(phys);
	const char *wrong = NULL;
	struct luokit_run *run;

	run = xa_load(&k->pages, pfn);
	if (!run)
		wrong = "nobody preserved";
	else if (run->state == LUOKIT_PRESERVED)
		wrong = "was preserved by this kernel, not by the old one";
	else if (run->state != LUOKIT_INCOMING)
		wrong = "was restored before";
	else if (run->pfn != pfn)
		wrong = "lies inside what was preserved";
	else if (run->order && run->folio && !folio)
		wrong = "was preserved as a folio, not as pages";
	else if (run->order && !run->folio && !run->whole && folio)
		wrong = "is a part of the pages that were preserved together, not a folio";
	if (wrong) {
		luokit_complain(k, "%pS restores pfn %#lx, which %s (%pS)", caller, pfn, wrong,
				run ? run->caller : NULL);
		return NULL;
	}

	if (folio && !run->folio)
		luokit_run_merge(run);
	luokit_run_get(run);
	run->state = LUOKIT_RESTORED;
	if (order)
		*order = run->order;

	return luokit_run_page(run);
}

/* An injected failure: whoever should have had these pages cannot free them. */
static void luokit_excuse(struct luokit *k, phys_addr_t phys)
{
	struct luokit_run *run = xa_load(&k->pages, PHYS_PFN(phys));

	if (run)
		run->excused = true;
}

struct folio *luokit_kho_restore_folio(phys_addr_t phys)
{
	struct luokit *k = luokit_machine;
	struct page *page;

	if (luokit_should_fail_kho(k)) {
		luokit_excuse(k, phys);
		return NULL;
	}
	page = luokit_run_restore(k, phys, true, NULL, __builtin_return_address(0));

	return page ? page_folio(page) : NULL;
}

static struct page *luokit_range_restore(struct luokit *k, phys_addr_t phys,
					 unsigned long nr, void *caller)
{
	unsigned long pfn = PHYS_PFN(phys);
	unsigned int order, got;

	for (; nr; pfn += 1UL << order, nr -= 1UL << order) {
		order = luokit_chunk_order(pfn, nr);
		if (!luokit_run_restore(k, PFN_PHYS(pfn), false, &got, caller))
			return NULL;
		if (got != order) {
			luokit_complain(k, "%pS restores %#lx pages where %#lx were preserved",
					caller, 1UL << order, 1UL << got);
			return NULL;
		}
	}

	return pfn_to_page(PHYS_PFN(phys));
}

struct page *luokit_kho_restore_pages(phys_addr_t phys, unsigned long nr_pages)
{
	struct luokit *k = luokit_machine;
	unsigned long i;

	if (luokit_should_fail_kho(k)) {
		for (i = 0; i < nr_pages; i++)
			luokit_excuse(k, phys + i * PAGE_SIZE);
		return NULL;
	}

	return luokit_range_restore(k, phys, nr_pages, __builtin_return_address(0));
}

void luokit_kho_restore_free(void *mem)
{
	struct page *page;

	if (!mem)
		return;
	page = luokit_run_restore(luokit_machine, virt_to_phys(mem), true, NULL,
				  __builtin_return_address(0));
	if (page)
		folio_put(page_folio(page));
}

void *luokit_kho_restore_vmalloc(const struct kho_vmalloc *preservation)
{
	void *caller = __builtin_return_address(0), *mem;
	struct kho_vmalloc_chunk *chunk, *next;
	struct luokit *k = luokit_machine;
	unsigned int total = preservation->total_pages, nr = 0, i;
	struct page **pages, *page;

	luokit_might_sleep(__builtin_return_address(0));
	if (luokit_should_fail_kho(k)) {
		k->lost_vmalloc = true;
		return NULL;
	}
	if (preservation->flags != LUOKIT_VMALLOC_FLAGS || preservation->order)
		return NULL;
	pages = kvmalloc_array(total, sizeof(*pages), GFP_KERNEL);
	if (!pages) {
		k->lost_vmalloc = true;
		return NULL;
	}

	for (chunk = KHOSER_LOAD_PTR(preservation->first); chunk; chunk = next) {
		for (i = 0; i < ARRAY_SIZE(chunk->phys) && chunk->phys[i]; i++) {
			if (nr == total)
				goto err_free;
			page = luokit_range_restore(k, chunk->phys[i], 1, caller);
			if (!page)
				goto err_free;
			pages[nr++] = page;
		}
		next = KHOSER_LOAD_PTR(chunk->hdr.next);
		page = luokit_range_restore(k, virt_to_phys(chunk), 1, caller);
		if (!page)
			goto err_free;
		__free_page(page);
	}
	if (nr != total)
		goto err_free;

	/* vfree() then frees the pages and the array, as after the real one. */
	mem = vmap(pages, nr, VM_MAP | VM_MAP_PUT_PAGES, PAGE_KERNEL);
	if (mem)
		return mem;
	k->lost_vmalloc = true;

err_free:
	/* The real one loses what it had restored so far; here it would be a leak of ours. */
	while (nr)
		__free_page(pages[--nr]);
	kvfree(pages);

	return NULL;
}

/* ---- The rest of KHO --------------------------------------------------------------- */

bool luokit_kho_is_enabled(void)
{
	return true;
}

bool luokit_is_kho_boot(void)
{
	return luokit_machine->reboots;
}

static struct luokit_subtree *luokit_subtree_find(struct luokit_subtree *trees,
						  const char *name)
{
	unsigned int i;

	for (i = 0; i < LUOKIT_MAX_SUBTREES; i++)
		if (trees[i].name && !strcmp(trees[i].name, name))
			return &trees[i];

	return NULL;
}

int luokit_kho_add_subtree(const char *name, void *blob, size_t size)
{
	struct luokit *k = luokit_machine;
	unsigned int i;

	luokit_might_sleep(__builtin_return_address(0));
	if (luokit_should_fail_kho(k))
		return -ENOMEM;
	if (luokit_subtree_find(k->out, name))
		return -EEXIST;
	for (i = 0; i < LUOKIT_MAX_SUBTREES; i++) {
		if (!k->out[i].name) {
			k->out[i].name = name;
			k->out[i].phys = virt_to_phys(blob);
			k->out[i].size = size;
			return 0;
		}
	}

	return -ENOMEM;
}

void luokit_kho_remove_subtree(void *blob)
{
	struct luokit *k = luokit_machine;
	unsigned int i;

	for (i = 0; i < LUOKIT_MAX_SUBTREES; i++) {
		if (k->out[i].name && k->out[i].phys == virt_to_phys(blob)) {
			k->out[i].name = NULL;
			return;
		}
	}
	luokit_complain(k, "%pS removes a subtree that was not added",
			__builtin_return_address(0));
}

int luokit_kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size)
{
	struct luokit_subtree *tree = luokit_subtree_find(luokit_machine->in, name);

	if (!tree)
		return -ENOENT;
	*phys = tree->phys;
	*size = tree->size;

	return 0;
}

/* ---- Looking at the ledger --------------------------------------------------------- */

static size_t luokit_sum(struct luokit *k, enum luokit_page_state state, int core)
{
	struct luokit_run *run;
	size_t sum = 0;

	list_for_each_entry(run, &k->runs, list)
		if (run->state == state && (core < 0 || run->core == core))
			sum += luokit_run_bytes(run);

	return sum;
}

size_t luokit_preserved_bytes(struct luokit *k)
{
	return luokit_sum(k, LUOKIT_PRESERVED, false);
}

size_t luokit_core_bytes(struct luokit *k)
{
	return luokit_sum(k, LUOKIT_PRESERVED, true);
}

size_t luokit_incoming_bytes(struct luokit *k)
{
	return luokit_sum(k, LUOKIT_INCOMING, -1);
}

void luokit_dump(struct luokit *k)
{
	static const char * const states[] = {
		[LUOKIT_PRESERVED]	= "preserved",
		[LUOKIT_INCOMING]	= "incoming",
		[LUOKIT_RESTORED]	= "restored",
		[LUOKIT_IN_FILE]	= "restored, in a file",
	};
	struct luokit_run *run;

	list_for_each_entry(run, &k->runs, list)
		if (run->state != LUOKIT_DONE)
			luokit_describe(run, states[run->state]);
}

void luokit_ledger_watch(struct luokit *k)
{
	struct luokit_run *run;

	/* Two threads of a race both end up here, and both change the ledger. */
	guard(mutex)(&k->preserving);
	list_for_each_entry(run, &k->runs, list) {
		if (run->state != LUOKIT_RESTORED)
			continue;
		if (luokit_run_ours_alone(run)) {
			run->state = LUOKIT_DONE;
			/*
			 * What was freed keeps its content on a machine, for a while. Here it must,
			 * so that whoever reads it again gets as far as to be noticed; KASAN
			 * notices him at once.
			 */
			run->kept = k->judge && !IS_ENABLED(CONFIG_KASAN);
			if (run->kept)
				continue;
		} else if (luokit_run_in_file(run)) {
			run->state = LUOKIT_IN_FILE;
		} else {
			continue;
		}
		luokit_run_put(run);
	}
}

void luokit_ledger_rearm(struct luokit *k)
{
	struct luokit_run *run;

	list_for_each_entry(run, &k->runs, list) {
		struct folio *folio = page_folio(luokit_run_page(run));

		/* Not what has been preserved again, for that is watched anyway. */
		if (run->state != LUOKIT_IN_FILE || (run->order && !run->folio) ||
		    xa_load(&k->pages, run->pfn) != run || !folio_try_get(folio))
			continue;
		if (folio_pfn(folio) == run->pfn && folio->mapping)
			run->state = LUOKIT_RESTORED;
		else
			folio_put(folio);
	}
}

static void luokit_complain_run(struct luokit *k, struct luokit_run *run, const char *what,
				unsigned int nth)
{
	if (nth < 4) {
		luokit_describe(run, what);
		luokit_complain(k, "%s: %zu bytes at pfn %#lx, preserved by %pS", what,
				luokit_run_bytes(run), run->pfn, run->caller);
	} else if (nth == 4) {
		luokit_complain(k, "%s: and more; luokit_dump() lists them", what);
	}
}

void luokit_ledger_check_restored(struct luokit *k, const char *when)
{
	struct luokit_run *run;
	unsigned int nr = 0;
	char what[64];

	snprintf(what, sizeof(what), "restored and never freed, %s", when);
	luokit_ledger_watch(k);
	if (luokit_sum(k, LUOKIT_RESTORED, -1)) {
		/* What a CPU is about to add to a list of pages has a reference for that. */
		lru_add_drain_all();
		luokit_ledger_watch(k);
	}
	list_for_each_entry(run, &k->runs, list) {
		if (run->state != LUOKIT_RESTORED)
			continue;
		if (!run->excused && luokit_leaks_matter(k))
			luokit_complain_run(k, run, what, nr++);
		luokit_run_put(run);
		run->state = LUOKIT_DONE;
	}
}

/*
 * One handler that loses memory when a retrieve fails would fail half of the conformance
 * suite: of the cases with a class only those that look for it say so.
 */
bool luokit_leaks_matter(struct luokit *k)
{
	unsigned int class = k->judge ? k->judge->class : 0;

	return !class || class == 2 || class == 20;
}

size_t luokit_ledger_unclaimed(struct luokit *k)
{
	struct luokit_run *run;
	unsigned int nr = 0;
	size_t sum = 0;

	if (k->lost_vmalloc || !luokit_leaks_matter(k))
		return 0;
	list_for_each_entry(run, &k->runs, list) {
		if (run->state != LUOKIT_INCOMING || run->core || run->excused)
			continue;
		if (!nr++)
			luokit_describe(run, "never restored");
		sum += luokit_run_bytes(run);
	}

	return sum;
}

void luokit_ledger_excuse(struct luokit *k)
{
	struct luokit_run *run;

	list_for_each_entry(run, &k->runs, list)
		if (run->state == LUOKIT_INCOMING && !run->core)
			run->excused = true;
}

void luokit_ledger_close(struct luokit *k)
{
	bool excuse = k->expect_unretrieved || k->lost_vmalloc || k->expected_leak ||
		      !luokit_leaks_matter(k);
	unsigned int nr_preserved = 0, nr_incoming = 0;
	struct luokit_run *run, *next;
	size_t leaked = 0;

	luokit_ledger_check_restored(k, "at the end");
	list_for_each_entry_safe(run, next, &k->runs, list) {
		switch (run->state) {
		case LUOKIT_PRESERVED:
			luokit_complain_run(k, run, "still preserved at the end",
					    nr_preserved++);
			luokit_run_put(run);
			break;
		case LUOKIT_INCOMING:
			leaked += luokit_run_bytes(run);
			if (!excuse && !run->excused)
				luokit_complain_run(k, run, "never restored",
						    nr_incoming++);
			luokit_run_put(run);
			break;
		default:
			break;
		}
		luokit_run_forget(k, run);
	}
	if (k->expected_leak && leaked != k->expected_leak)
		luokit_complain(k, "%zu bytes of the old kernel were leaked, not %zu", leaked,
				k->expected_leak);
	xa_destroy(&k->pages);
}
