/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luosdk/folios.h - memory that crosses the kexec in its place, as runs.
 *
 * A file with memory behind it (a memfd, guest memory, a device's buffer) hands
 * over the pages themselves. Somebody has to tell the new kernel which they
 * are. A record for each page costs as many bytes, as many calls of KHO and as
 * many insertions as there are pages, though memory is mostly contiguous. This
 * header keeps runs instead: what is contiguous, in memory and in the file, is
 * one record of 8 bytes.
 */
#ifndef _LUOSDK_FOLIOS_H
#define _LUOSDK_FOLIOS_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pfn.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#include <luosdk/compat.h>

/**
 * DOC: folios
 *
 * The saved state has a &struct luosdk_folios_ser in it. In the old kernel it
 * is filled, in the order of the file, and undone as a whole::
 *
 *	int buffer_preserve(struct buffer *b, struct luosdk_folios_ser *ser)
 *	{
 *		struct luosdk_folios_out out;
 *		unsigned long i;
 *		int err = 0;
 *
 *		luosdk_folios_begin(&out, ser, LUOSDK_FOLIOS_ORDER);
 *		for (i = 0; !err && i < b->nr_pages; i++)
 *			err = luosdk_folios_add(&out, b->pages[i], 1, i);
 *		if (!err)
 *			err = luosdk_folios_end(&out);
 *		if (err)
 *			luosdk_folios_abort(&out, NULL);
 *		return err;
 *	}
 *
 *	void buffer_unpreserve(struct luosdk_folios_ser *ser)
 *	{
 *		luosdk_folios_unpreserve(ser, NULL);
 *	}
 *
 * In the new kernel it is opened, which checks it, then taken piece by piece,
 * then closed, which gives back whatever was not taken::
 *
 *	int buffer_restore(struct buffer *b, const struct luosdk_folios_ser *ser)
 *	{
 *		struct luosdk_folios_in in;
 *		struct luosdk_chunk chunk;
 *		unsigned long i;
 *		int err = luosdk_folios_open(&in, ser, b->nr_pages);
 *
 *		if (err)
 *			return err;
 *		while (!err && luosdk_folios_next(&in, &chunk)) {
 *			struct page *page = luosdk_chunk_pages(&chunk);
 *
 *			if (!page)
 *				err = -EIO;
 *			for (i = 0; page && i < 1UL << chunk.order; i++)
 *				b->pages[chunk.index + i] = page + i;
 *		}
 *		luosdk_folios_close(&in);
 *		return err;
 *	}
 *
 *	void buffer_discard(const struct luosdk_folios_ser *ser)
 *	{
 *		luosdk_folios_discard(ser);
 *	}
 *
 * **Chunks.** KHO keeps powers of two of pages that are aligned to their size. So
 * a run is cut into chunks, by a rule that both kernels know, and each chunk is one
 * key of KHO. If a run's place in memory and its place in the file agree modulo some
 * power of two (they are *congruent*), no chunk is larger than that allows: it can
 * come back as one large folio, whatever size its folios had. Otherwise chunks
 * are as large as memory alone allows, and come back as single pages.
 *
 * **Where the runs are.** The first few stand in the state itself, so a small or
 * contiguous file has no page of its own. The others are in a chain of preserved
 * pages; each has a checksum, over its link to the next one as well, so nothing
 * is read that was not checked.
 */

/* A run: 40 bits of pfn, 24 bits of length. All ones as pfn: a hole. */
#define LUOSDK_RUN_PFN_BITS	40
#define LUOSDK_RUN_HOLE		(BIT_ULL(LUOSDK_RUN_PFN_BITS) - 1)
#define LUOSDK_RUN_PAGES_MAX	BIT_ULL(64 - LUOSDK_RUN_PFN_BITS)

#define LUOSDK_RUNS_INLINE	8
#define LUOSDK_RUNS_MAGIC	0x524f554c	/* "LUOR" in memory */

/* Smaller folios than of 16 KiB are not worth one key each. */
#define LUOSDK_CONGRUENT_ORDER	2

/* What a page table maps with one entry: no page cache has larger folios. */
#define LUOSDK_FOLIOS_ORDER	(PMD_SHIFT - PAGE_SHIFT)

/* Above any order that memory can be allocated in: what no kernel writes. */
#define LUOSDK_FOLIOS_ORDER_MAX	20

/**
 * struct luosdk_folios_ser - Memory, as runs. Part of a saved state. ABI.
 * @pages:     The pages of all runs; holes do not count.
 * @next:      Physical address of the first &struct luosdk_runs_page; zero if
 *             there is none.
 * @nr_runs:   The runs, holes included, here and in the chain.
 * @max_order: No chunk has a higher order.
 * @run:       The first runs.
 *
 * Has to lie in the part of the state that the checksum covers.
 */
struct luosdk_folios_ser {
	u64 pages;
	u64 next;
	u32 nr_runs;
	u32 max_order;
	u64 run[LUOSDK_RUNS_INLINE];
};

static_assert(sizeof(struct luosdk_folios_ser) == 24 + 8 * LUOSDK_RUNS_INLINE);
static_assert(offsetof(struct luosdk_folios_ser, run) == 24);

#define LUOSDK_RUNS_PER_PAGE	((PAGE_SIZE - 24) / 8)

/**
 * struct luosdk_runs_page - A page of more runs. ABI.
 * @magic:    LUOSDK_RUNS_MAGIC.
 * @checksum: CRC-32C of all that follows, up to the last run.
 * @next:     Physical address of the next page; zero in the last one.
 * @nr:       The runs in this page; only the last one can have room left.
 * @seq:      Its place in the chain, from zero.
 * @run:      The runs.
 */
struct luosdk_runs_page {
	u32 magic;
	u32 checksum;
	u64 next;
	u32 nr;
	u32 seq;
	u64 run[LUOSDK_RUNS_PER_PAGE];
};

static_assert(sizeof(struct luosdk_runs_page) == PAGE_SIZE);
static_assert(offsetof(struct luosdk_runs_page, run) == 24);

/**
 * struct luosdk_chunk - A piece of memory, as KHO keeps it.
 * @pfn:       Its first page.
 * @index:     The place of that page in the file.
 * @order:     Its size: 2^@order pages.
 * @congruent: Whether it can be one folio of the page cache.
 */
struct luosdk_chunk {
	u64 pfn;
	u64 index;
	unsigned int order;
	bool congruent;
};

static inline u64 luosdk_run_pack(u64 pfn, u64 nr)
{
	return pfn | (nr - 1) << LUOSDK_RUN_PFN_BITS;
}

static inline u64 luosdk_run_pfn(u64 run)
{
	return run & LUOSDK_RUN_HOLE;
}

static inline u64 luosdk_run_nr(u64 run)
{
	return (run >> LUOSDK_RUN_PFN_BITS) + 1;
}

/*
 * The rule by which a run is cut, the same in both kernels: ABI. @nr pages are
 * left of the run, @pfn is the next one and its place in the file is @index.
 */
static inline struct luosdk_chunk luosdk_chunk_cut(u64 pfn, u64 index, u64 nr,
						   u32 max_order)
{
	struct luosdk_chunk chunk = { .pfn = pfn, .index = index };
	u64 limit = BIT_ULL(min_t(u32, ilog2(nr), max_order));

	chunk.congruent = !((pfn ^ index) & (BIT(LUOSDK_CONGRUENT_ORDER) - 1));
	if (chunk.congruent)
		limit |= index;
	chunk.order = __ffs64(limit | pfn);

	return chunk;
}

/* ---- The old kernel ---------------------------------------------------- */

/**
 * struct luosdk_folios_out - Runs that are being written.
 */
struct luosdk_folios_out {
	/* private: */
	struct luosdk_folios_ser *ser;
	struct luosdk_runs_page *page;
	/* The run that may still grow, and where in the file it ends. */
	u64 pfn;
	u64 nr;
	u64 end;
	int nid;
};

/**
 * luosdk_folios_begin() - Begin to hand memory over.
 * @out:       Filled in.
 * @ser:       Where the runs go, in preserved memory.
 * @max_order: The largest chunk, LUOSDK_FOLIOS_ORDER for a page cache.
 *
 * Context: Any.
 */
static inline void luosdk_folios_begin(struct luosdk_folios_out *out,
				       struct luosdk_folios_ser *ser,
				       unsigned int max_order)
{
	*out = (struct luosdk_folios_out){ .ser = ser };
	*ser = (struct luosdk_folios_ser){
		.max_order = min_t(unsigned int, max_order, MAX_PAGE_ORDER),
	};
}

/* Give up the first @done pages of a run, as they were cut. */
static inline void luosdk_run_unpreserve(u64 pfn, u64 index, u64 nr, u64 done,
					 u32 max_order)
{
	u64 at;

	for (at = 0; at < done; ) {
		struct luosdk_chunk c = luosdk_chunk_cut(pfn + at, index + at,
							 nr - at, max_order);

		kho_unpreserve_pages(pfn_to_page(c.pfn), 1UL << c.order);
		at += 1ULL << c.order;
	}
}

static inline int luosdk_run_preserve(u64 pfn, u64 index, u64 nr, u32 max_order)
{
	u64 at;
	int err;

	/*
	 * Fragmented memory is nothing but such, and KHO gets to the same key in half the
	 * instructions when the page is called a folio. luosdk_runs_drop() does alike.
	 */
	if (nr == 1) {
		struct folio *folio = pfn_folio(pfn);

		return folio_test_large(folio) ? -EINVAL : kho_preserve_folio(folio);
	}

	for (at = 0; at < nr; ) {
		struct luosdk_chunk c = luosdk_chunk_cut(pfn + at, index + at,
							 nr - at, max_order);

		err = kho_preserve_pages(pfn_to_page(c.pfn), 1UL << c.order);
		if (err) {
			luosdk_run_unpreserve(pfn, index, nr, at, max_order);
			return err;
		}
		at += 1ULL << c.order;
	}

	return 0;
}

/* Room for one more run, or an ERR_PTR(). It counts when nr_runs is raised. */
static inline u64 *luosdk_run_slot(struct luosdk_folios_out *out)
{
	struct luosdk_folios_ser *ser = out->ser;
	struct luosdk_runs_page *page = out->page;

	if (ser->nr_runs < LUOSDK_RUNS_INLINE)
		return &ser->run[ser->nr_runs];
	if (page && page->nr < LUOSDK_RUNS_PER_PAGE)
		return &page->run[page->nr];

	page = kho_alloc_preserve(sizeof(*page));
	if (IS_ERR(page))
		return ERR_CAST(page);
	page->magic = LUOSDK_RUNS_MAGIC;
	if (out->page) {
		page->seq = out->page->seq + 1;
		out->page->next = virt_to_phys(page);
	} else {
		ser->next = virt_to_phys(page);
	}
	out->page = page;

	return page->run;
}

static inline int luosdk_run_write(struct luosdk_folios_out *out, u64 pfn, u64 nr)
{
	struct luosdk_folios_ser *ser = out->ser;
	u64 *slot;
	int err;

	/* The length of the chain is bounded by what its places can count. */
	if (ser->nr_runs == U32_MAX)
		return -EFBIG;
	slot = luosdk_run_slot(out);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	if (pfn != LUOSDK_RUN_HOLE) {
		err = luosdk_run_preserve(pfn, out->end - nr, nr, ser->max_order);
		if (err)
			return err;
		ser->pages += nr;
	}
	*slot = luosdk_run_pack(pfn, nr);
	if (ser->nr_runs++ >= LUOSDK_RUNS_INLINE)
		out->page->nr++;

	return 0;
}

/* Write down the run that was growing; on failure it stays as it is. */
static inline int luosdk_run_flush(struct luosdk_folios_out *out)
{
	int err;

	if (!out->nr)
		return 0;
	err = luosdk_run_write(out, out->pfn, out->nr);
	if (!err)
		out->nr = 0;

	return err;
}

/**
 * luosdk_folios_add() - Hand over contiguous pages.
 * @out:   What luosdk_folios_begin() filled in.
 * @page:  The first one; the head if they are a folio.
 * @nr:    How many.
 * @index: The place of the first one in the file, in pages. Not before what was
 *         added last; what is left out is a hole.
 *
 * The pages must stay where they are until the kernel is gone or
 * luosdk_folios_unpreserve() was called: not be freed, migrated, or split. Nor may
 * they be in memory that KHO has reserved for the next kernel (scratch), where
 * movable pages can be: pin them for long (FOLL_LONGTERM, memfd_pin_folios())
 * or allocate them unmovable.
 *
 * Context: Sleeps. For preserve.
 * Return: 0; -EINVAL for an index that goes back, or for one page alone of a
 *         larger folio; -EFBIG for more than 2^32 runs; -ENOMEM; what KHO
 *         returns. After an error @page is not among what
 *         luosdk_folios_abort() gives back.
 */
static inline int luosdk_folios_add(struct luosdk_folios_out *out,
				    struct page *page, u64 nr, u64 index)
{
	u64 pfn = page_to_pfn(page);
	int nid = page_to_nid(page);
	int err;

	if (out->nr && pfn == out->pfn + out->nr && index == out->end &&
	    nid == out->nid && out->nr + nr <= LUOSDK_RUN_PAGES_MAX) {
		out->nr += nr;
		out->end += nr;
		return 0;
	}

	if (index < out->end || !nr || nr > LUOSDK_RUN_PAGES_MAX ||
	    pfn + nr > LUOSDK_RUN_HOLE)
		return -EINVAL;

	/* KHO cannot restore what lies on two nodes: each run is on one. */
	err = luosdk_run_flush(out);
	if (err)
		return err;
	while (out->end < index) {
		u64 gap = min(index - out->end, LUOSDK_RUN_PAGES_MAX);

		err = luosdk_run_write(out, LUOSDK_RUN_HOLE, gap);
		if (err)
			return err;
		out->end += gap;
	}
	out->pfn = pfn;
	out->nr = nr;
	out->end = index + nr;
	out->nid = nid;

	return 0;
}

static inline u32 luosdk_runs_checksum(const struct luosdk_runs_page *page)
{
	return crc32c(~0, &page->next,
		      offsetof(struct luosdk_runs_page, run) -
		      offsetof(struct luosdk_runs_page, next) +
		      page->nr * sizeof(page->run[0]));
}

/**
 * luosdk_folios_end() - Complete what is handed over.
 * @out: What luosdk_folios_begin() filled in.
 *
 * Context: Sleeps. For preserve.
 * Return: 0, and the memory is preserved; as luosdk_folios_add() otherwise.
 */
static inline int luosdk_folios_end(struct luosdk_folios_out *out)
{
	struct luosdk_runs_page *page;
	phys_addr_t phys;
	int err;

	err = luosdk_run_flush(out);
	if (err)
		return err;
	for (phys = out->ser->next; phys; phys = page->next) {
		page = phys_to_virt(phys);
		page->checksum = luosdk_runs_checksum(page);
	}

	return 0;
}

/**
 * luosdk_folios_bytes() - The memory that the runs take beside the state.
 * @ser: What luosdk_folios_end() completed.
 *
 * Context: Any.
 * Return: Bytes, for a handler's counters.
 */
static inline u64 luosdk_folios_bytes(const struct luosdk_folios_ser *ser)
{
	u32 more = ser->nr_runs - min_t(u32, ser->nr_runs, LUOSDK_RUNS_INLINE);

	return (u64)DIV_ROUND_UP(more, LUOSDK_RUNS_PER_PAGE) * PAGE_SIZE;
}

/* Let go of each folio that begins among these pages. */
static __always_inline void luosdk_run_put(u64 pfn, u64 nr,
					   void (*put)(struct folio *folio))
{
	u64 end = pfn + nr;

	while (pfn < end) {
		struct folio *folio = pfn_folio(pfn);

		pfn += folio_nr_pages(folio);
		put(folio);
	}
}

/* Give up runs, and let go of their folios. Returns where in the file the last one ends. */
static __always_inline u64 luosdk_runs_drop(const u64 *run, u32 nr_runs, u64 index,
					    u32 max_order, void (*put)(struct folio *folio))
{
	const u64 *end = run + nr_runs;

	for (; run < end; run++) {
		u64 pfn = luosdk_run_pfn(*run), nr = luosdk_run_nr(*run);
		struct folio *folio;

		index += nr;
		if (pfn == LUOSDK_RUN_HOLE)
			continue;
		/* One page alone is a folio: luosdk_run_preserve() refuses others. */
		if (nr == 1) {
			folio = pfn_folio(pfn);
			kho_unpreserve_folio(folio);
			if (put)
				put(folio);
			continue;
		}
		luosdk_run_unpreserve(pfn, index - nr, nr, nr, max_order);
		if (put)
			luosdk_run_put(pfn, nr, put);
	}

	return index;
}

/**
 * luosdk_folios_unpreserve() - Take everything back.
 * @ser: What luosdk_folios_end() completed.
 * @put: Called for each folio when KHO has let go of it: unpin_folio(), if they
 *       were pinned to be preserved. NULL if nothing is to be done.
 *
 * Context: Sleeps. For unpreserve.
 */
static __always_inline void
luosdk_folios_unpreserve(struct luosdk_folios_ser *ser,
			 void (*put)(struct folio *folio))
{
	struct luosdk_runs_page *page, *next;
	u64 index;

	index = luosdk_runs_drop(ser->run, min_t(u32, ser->nr_runs, LUOSDK_RUNS_INLINE),
				 0, ser->max_order, put);
	for (page = ser->next ? phys_to_virt(ser->next) : NULL; page; page = next) {
		next = page->next ? phys_to_virt(page->next) : NULL;
		index = luosdk_runs_drop(page->run, page->nr, index, ser->max_order, put);
		kho_unpreserve_free(page);
	}
	*ser = (struct luosdk_folios_ser){ };
}

/**
 * luosdk_folios_abort() - Take back what was added so far.
 * @out: What luosdk_folios_begin() filled in.
 * @put: As for luosdk_folios_unpreserve().
 *
 * Context: Sleeps. For a preserve that fails, in luosdk_folios_add() and
 *          luosdk_folios_end() or anywhere between.
 */
static __always_inline void
luosdk_folios_abort(struct luosdk_folios_out *out,
		    void (*put)(struct folio *folio))
{
	if (put && out->nr)
		luosdk_run_put(out->pfn, out->nr, put);
	luosdk_folios_unpreserve(out->ser, put);
}

/* ---- The new kernel ---------------------------------------------------- */

/**
 * struct luosdk_folios_in - Runs that are being read.
 * @leaked: After luosdk_folios_open() failed: how many bytes of preserved
 *          memory stay lost until the next reboot. Zero if none.
 */
struct luosdk_folios_in {
	u64 leaked;
	/* private: */
	const struct luosdk_folios_ser *ser;
	/* The page of the run that is next, NULL for those in the state. */
	struct luosdk_runs_page *page;
	u32 at;
	/* Runs that were read, and how many there are to read. */
	u32 done;
	u32 nr_runs;
	/* What is left of the current run, and its place in the file. */
	u64 pfn;
	u64 left;
	u64 index;
};

/* The next run, of those that were checked. */
static inline bool luosdk_folios_next_run(struct luosdk_folios_in *in)
{
	u64 run;

	if (in->done == in->nr_runs)
		return false;
	if (in->done < LUOSDK_RUNS_INLINE) {
		run = in->ser->run[in->done];
	} else {
		if (!in->page || in->at == in->page->nr) {
			in->page = phys_to_virt(in->page ? in->page->next :
						in->ser->next);
			in->at = 0;
		}
		run = in->page->run[in->at++];
	}
	in->done++;
	in->pfn = luosdk_run_pfn(run);
	in->left = luosdk_run_nr(run);

	return true;
}

/**
 * luosdk_folios_next() - Go on to the next chunk.
 * @in:    What luosdk_folios_open() filled in.
 * @chunk: Filled in. It is the caller's from here on: to be restored with
 *         luosdk_chunk_folio() or luosdk_chunk_pages().
 *
 * Context: Any.
 * Return: Whether there is one more.
 */
static inline bool luosdk_folios_next(struct luosdk_folios_in *in,
				      struct luosdk_chunk *chunk)
{
	while (!in->left || in->pfn == LUOSDK_RUN_HOLE) {
		in->index += in->left;
		in->left = 0;
		if (!luosdk_folios_next_run(in))
			return false;
	}

	*chunk = luosdk_chunk_cut(in->pfn, in->index, in->left, in->ser->max_order);
	in->pfn += 1ULL << chunk->order;
	in->index += 1ULL << chunk->order;
	in->left -= 1ULL << chunk->order;

	return true;
}

/**
 * luosdk_chunk_folio() - Restore a chunk as one folio.
 * @chunk: The chunk.
 *
 * Whatever it was in the old kernel: KHO makes a folio of the order that its key
 * says. In a page cache only a chunk that is congruent can be one.
 *
 * Context: Sleeps.
 * Return: The folio with one reference; NULL, with a warning by KHO, if the old kernel
 *         did not preserve this memory. It is then nobody's to give back.
 */
static inline struct folio *luosdk_chunk_folio(const struct luosdk_chunk *chunk)
{
	return kho_restore_folio(PFN_PHYS(chunk->pfn));
}

/**
 * luosdk_chunk_pages() - Restore a chunk as single pages.
 * @chunk: The chunk.
 *
 * Context: Sleeps.
 * Return: The first of them, each with one reference; NULL as for
 *         luosdk_chunk_folio().
 */
static inline struct page *luosdk_chunk_pages(const struct luosdk_chunk *chunk)
{
	return kho_restore_pages(PFN_PHYS(chunk->pfn), 1UL << chunk->order);
}

/**
 * luosdk_folios_close() - Be done with what was handed over.
 * @in: What luosdk_folios_open() filled in.
 *
 * Frees what luosdk_folios_next() did not give out yet, and the pages of runs.
 *
 * Context: Sleeps.
 */
static inline void luosdk_folios_close(struct luosdk_folios_in *in)
{
	struct luosdk_runs_page *page, *next;
	struct luosdk_chunk chunk;
	u32 nr = in->nr_runs;

	while (luosdk_folios_next(in, &chunk)) {
		struct folio *folio = luosdk_chunk_folio(&chunk);

		if (folio)
			folio_put(folio);
	}

	page = nr > LUOSDK_RUNS_INLINE ? phys_to_virt(in->ser->next) : NULL;
	for (nr -= min_t(u32, nr, LUOSDK_RUNS_INLINE); nr; page = next) {
		nr -= page->nr;
		next = nr ? phys_to_virt(page->next) : NULL;
		kho_restore_free(page);
	}
}

/* May these runs be used at all? Adds them to what is known so far. */
static inline int luosdk_runs_check(const u64 *run, u32 nr, u64 *pages, u64 *end,
				    u64 max_pages)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		u64 pfn = luosdk_run_pfn(run[i]), len = luosdk_run_nr(run[i]);

		if (len > max_pages - *end)
			return -EBADMSG;
		*end += len;
		if (pfn == LUOSDK_RUN_HOLE)
			continue;
		if (!pfn_valid(pfn) || !pfn_valid(pfn + len - 1))
			return -EBADMSG;
		*pages += len;
	}

	return 0;
}

/* A page of the chain: is it one, is it whole, is it where it belongs? */
static inline struct luosdk_runs_page *
luosdk_runs_page_check(u64 phys, u32 seq, u32 left)
{
	struct luosdk_runs_page *page;
	u32 nr = min_t(u32, left, LUOSDK_RUNS_PER_PAGE);

	if (!phys || offset_in_page(phys) || !pfn_valid(PHYS_PFN(phys)))
		return ERR_PTR(-EBADMSG);
	page = phys_to_virt(phys);
	if (page->magic != LUOSDK_RUNS_MAGIC || page->nr != nr ||
	    page->checksum != luosdk_runs_checksum(page) || page->seq != seq ||
	    !page->next != !(left - nr))
		return ERR_PTR(-EBADMSG);

	return page;
}

/**
 * luosdk_folios_open() - Check memory that was handed over, and begin to take it.
 * @in:        Filled in.
 * @ser:       The runs, from a state whose checksum is right.
 * @max_pages: How many pages the file can have, holes included.
 *
 * Everything is checked before anything is touched: each run is within the
 * file and within memory, their number and their sum are as the state says, and
 * the pages they are read from are unharmed. Whether the old kernel
 * really preserved a page KHO tells when it is restored.
 *
 * When this fails, there is nothing to close. The memory that unharmed runs name was
 * freed. What a damaged page of runs named may be anybody's and is left alone, as
 * are the pages of the chain from there on: @in->leaked says how much that is.
 *
 * Context: Sleeps. For retrieve.
 * Return: 0, and the caller owes a luosdk_folios_close(); -EBADMSG.
 */
static inline int luosdk_folios_open(struct luosdk_folios_in *in,
				     const struct luosdk_folios_ser *ser,
				     u64 max_pages)
{
	u32 left = ser->nr_runs, nr = min_t(u32, left, LUOSDK_RUNS_INLINE);
	u64 next = ser->next, pages = 0, end = 0, sum = 0;
	struct luosdk_runs_page *page;
	u32 seq;
	int err;

	*in = (struct luosdk_folios_in){ .ser = ser };
	left -= nr;

	err = ser->max_order > LUOSDK_FOLIOS_ORDER_MAX ? -EBADMSG :
	      luosdk_runs_check(ser->run, nr, &sum, &end, max_pages);
	for (seq = 0; !err; seq++) {
		/* These runs are good. */
		in->nr_runs += nr;
		pages = sum;
		if (!left)
			break;
		page = luosdk_runs_page_check(next, seq, left);
		if (IS_ERR(page)) {
			err = PTR_ERR(page);
			break;
		}
		nr = page->nr;
		err = luosdk_runs_check(page->run, nr, &sum, &end, max_pages);
		if (!err) {
			next = page->next;
			left -= nr;
		}
	}
	if (!err && pages == ser->pages)
		return 0;

	/* Runs whose sum is wrong are all there, and are all that there is. */
	if (err && ser->pages > pages)
		in->leaked = (ser->pages - pages) * PAGE_SIZE;
	in->leaked += DIV_ROUND_UP(left, LUOSDK_RUNS_PER_PAGE) * PAGE_SIZE;
	luosdk_folios_close(in);

	return -EBADMSG;
}

/**
 * luosdk_folios_discard() - Free memory that nobody wants.
 * @ser: The runs, from a state whose checksum is right.
 *
 * Context: Sleeps. For the finish of a file that nobody retrieved, and for a
 *          retrieve that fails before it comes to the memory.
 * Return: How many bytes stay lost until the next reboot, because of damage.
 */
static inline u64 luosdk_folios_discard(const struct luosdk_folios_ser *ser)
{
	struct luosdk_folios_in in;

	if (!luosdk_folios_open(&in, ser, U64_MAX))
		luosdk_folios_close(&in);

	return in.leaked;
}

#endif /* _LUOSDK_FOLIOS_H */
