// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: the way from the old kernel to the new one.
 *
 * Preserved memory keeps its place: the ledger's references hold it while everything else
 * of the old kernel is taken down by the core's and the handlers' own ways to undo, so that
 * what was not preserved is freed (and poisoned, where the kernel is told to). Its content
 * is that of the last moment before, and it must make sense without the rest: no address
 * of the old kernel may stand in it.
 */
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/rmap.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/vmalloc.h>
#include <mm/internal.h>

#include "luokit_internal.h"

static void *luokit_run_address(const struct luokit_run *run)
{
	return page_address(pfn_to_page(run->pfn));
}

static struct folio *luokit_run_folio(const struct luokit_run *run)
{
	return page_folio(pfn_to_page(run->pfn));
}

static int luokit_snapshot(struct luokit *k)
{
	struct luokit_run *run;

	list_for_each_entry(run, &k->runs, list) {
		if (run->state != LUOKIT_PRESERVED)
			continue;
		run->shipped = true;
		run->released = false;
		run->user_data = luokit_run_folio(run)->mapping;
		run->copy = kvmalloc(luokit_run_bytes(run), GFP_KERNEL);
		if (!run->copy)
			return -ENOMEM;
		memcpy(run->copy, luokit_run_address(run), luokit_run_bytes(run));
	}

	return 0;
}

/*
 * What of the old kernel @word points to, or NULL. A number can look like an address: under
 * UML those are below 4 GiB, and 32 random bits before 32 zero bits do so once in fifty
 * times. Of code and data only the beginnings of symbols count.
 */
static const char *luokit_points_to(unsigned long word)
{
	unsigned long offset;
	struct page *page;

	/* Nothing that has an address worth saving is at an odd one. */
	if (!IS_ALIGNED(word, sizeof(word)))
		return NULL;
	if (kallsyms_lookup_size_offset(word, NULL, &offset))
		return offset ? NULL : "code or data of the kernel";
	if (is_vmalloc_addr((void *)word))
		return find_vm_area((void *)word) ? "vmalloc memory" : NULL;
	if (word < PAGE_OFFSET || word >= (unsigned long)high_memory ||
	    !virt_addr_valid((void *)word))
		return NULL;
	page = virt_to_page((void *)word);
	if (PageReserved(page))
		return NULL;

	/* Slabs have no references of their own. */
	page = compound_head(page);
	return PageSlab(page) || page_ref_count(page) ? "memory that is in use" : NULL;
}

static void luokit_complain_pointer(struct luokit *k, struct luokit_run *run, size_t word,
				    const char *what)
{
	unsigned long *words = run->copy;

	luokit_complain(k, "address of the old kernel, %#lx (%s), or a number like it, at %zu of what %pS preserved",
			words[word], what, word * sizeof(*words), run->caller);
}

static void luokit_scan(struct luokit *k)
{
	struct luokit_run *run;
	unsigned int nr = 0;

	list_for_each_entry(run, &k->runs, list) {
		unsigned long *words = run->copy;
		size_t i;

		/* A file's content may look like anything. */
		if (!run->shipped || run->user_data)
			continue;
		for (i = 0; i < luokit_run_bytes(run) / sizeof(*words); i++) {
			const char *what = luokit_points_to(words[i]);

			if (what && nr++ < 4)
				luokit_complain_pointer(k, run, i, what);
		}
	}
}

static void luokit_check_subtrees(struct luokit *k)
{
	struct luokit_run *run;
	unsigned int i;

	for (i = 0; i < LUOKIT_MAX_SUBTREES; i++) {
		if (!k->out[i].name)
			continue;
		run = xa_load(&k->pages, PHYS_PFN(k->out[i].phys));
		if (!run || run->state != LUOKIT_PRESERVED)
			luokit_complain(k, "subtree %s is not in preserved memory",
					k->out[i].name);
	}
}

/* What came from the kernel before and was restored or dropped is past. */
static void luokit_forget_past(struct luokit *k, bool unfinished)
{
	bool excuse = unfinished || k->expected_leak || k->expect_unretrieved ||
		      k->lost_vmalloc || !luokit_leaks_matter(k);
	struct luokit_run *run, *next;
	unsigned int nr = 0;

	luokit_ledger_check_restored(k, "at the reboot");
	list_for_each_entry_safe(run, next, &k->runs, list) {
		if (run->state == LUOKIT_PRESERVED)
			continue;
		if (run->state == LUOKIT_INCOMING) {
			if (!excuse && !run->excused && nr++ < 4)
				luokit_complain(k, "never restored until the reboot: %pS's %zu bytes",
						run->caller, luokit_run_bytes(run));
			luokit_run_put(run);
		}
		luokit_run_forget(k, run);
	}
	k->lost_vmalloc = false;
}

/* What becomes of a folio, or of a single page, that all owners have let go of. */
static void luokit_fresh_folio(struct luokit *k, struct luokit_run *run, struct folio *folio)
{
	if (folio_ref_count(folio) != 1)
		luokit_complain(k, "pfn %#lx, preserved by %pS, has %d references with all closed",
				folio_pfn(folio), run->caller, folio_ref_count(folio));
	if (folio->mapping)
		luokit_complain(k, "pfn %#lx, preserved by %pS, is still in a file",
				folio_pfn(folio), run->caller);

	/* On a list of pages to reclaim it would be until freed. */
	if (folio_test_lru(folio) && folio_isolate_lru(folio))
		folio_put(folio);
	folio->mapping = NULL;
	folio->index = 0;
	folio->private = NULL;
}

/*
 * What was preserved as pages is single pages in the new kernel, whatever it was before. The
 * ledger's is the only reference, on the folio; then it has one on each page.
 */
static void luokit_split(struct folio *folio)
{
	unsigned long nr = folio_nr_pages(folio), i;
	struct page *page = folio_page(folio, 0);

	page->flags.f &= ~PG_head_mask;
	for (i = 1; i < nr; i++) {
		clear_compound_head(page + i);
		page[i].mapping = NULL;
		page[i].private = 0;
		page[i].flags.f &= ~PAGE_FLAGS_CHECK_AT_PREP;
		atomic_set(&page[i]._mapcount, -1);
		set_page_count(page + i, 1);
	}
}

/* Struct pages as the boot after a kexec makes them, all but what the order needs. */
static void luokit_fresh_pages(struct luokit *k, struct luokit_run *run)
{
	struct folio *folio = luokit_run_folio(run);
	unsigned long i;

	if (run->folio && run->order) {
		luokit_fresh_folio(k, run, folio);
		folio_clear_large_rmappable(folio);
		folio->flags.f &= ~(PAGE_FLAGS_CHECK_AT_PREP & ~PG_head_mask);
		return;
	}
	for (i = 0; i < 1UL << run->order; i++) {
		struct page *page = pfn_to_page(run->pfn + i);

		folio = page_folio(page);
		luokit_fresh_folio(k, run, folio);
		/* Aligned to its size, so that it begins here, and lies within this run. */
		if (folio_test_large(folio))
			luokit_split(folio);
		page->flags.f &= ~PAGE_FLAGS_CHECK_AT_PREP;
		page->private = 0;
	}
}

static void luokit_arrive(struct luokit *k)
{
	struct luokit_run *run;
	unsigned int nr = 0;

	/* Page vectors of other CPUs hold references. */
	lru_add_drain_all();
	list_for_each_entry(run, &k->runs, list) {
		if (run->shipped && !run->released && nr++ < 4)
			luokit_complain(k, "still preserved when all is closed: %pS's %zu bytes",
					run->caller, luokit_run_bytes(run));
		luokit_fresh_pages(k, run);
		memcpy(luokit_run_address(run), run->copy, luokit_run_bytes(run));
		kvfree(run->copy);
		run->copy = NULL;
		run->shipped = false;
		run->state = LUOKIT_INCOMING;
	}
	memcpy(k->in, k->out, sizeof(k->in));
	memset(k->out, 0, sizeof(k->out));
}

int luokit_kexec(struct luokit *k)
{
	struct luokit_subtree out[LUOKIT_MAX_SUBTREES];
	struct luokit_stub stub;
	unsigned int unretrieved, left;
	int err;

	luokit_check_subtrees(k);
	err = luokit_snapshot(k);
	if (err)
		return err;
	luokit_scan(k);
	memcpy(out, k->out, sizeof(out));

	/* What follows undoes; a machine just stops, and the stub counts as if it did. */
	stub = k->stub;
	luokit_ledger_rearm(k);
	k->leaving = true;
	luokit_note(k, "reboot; the kit takes the old kernel down:");
	luokit_thaw(k);
	if (k->thawed)
		k->thawed(k, k->between_ctx);
	k->thawed = NULL;
	luokit_close_all(k);
	luokit_leave(k, NULL);
	left = k->world->sessions(&unretrieved);
	luokit_shutdown(k);
	luokit_forget_past(k, left);
	k->leaving = false;
	k->stub = stub;
	memcpy(k->out, out, sizeof(out));
	luokit_arrive(k);

	if (k->next_world)
		k->world = k->next_world;
	k->next_world = NULL;
	k->reboots++;
	if (k->first)
		k->first(k, k->between_ctx);
	k->first = NULL;
	k->last = NULL;

	luokit_note(k, "the new kernel boots");

	return luokit_start(k);
}
