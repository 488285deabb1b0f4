// SPDX-License-Identifier: GPL-2.0
/*
 * folios_kunit.c - tests of luosdk/folios.h: how runs are cut and written, what comes of
 * them in the new kernel, and what becomes of damaged ones.
 *
 * The buffers of buffer.h are made of pages that lie exactly as a test wants them. The
 * last lines put the same handler through the conformance kit.
 */

#include <kunit/test.h>
#include <linux/file.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <luokit_subject.h>
#include <luosdk/handler.h>

#include "buffer.h"

struct buffer_knobs buffer_knobs;

static const struct buffer_way *buffer_way(struct luokit *k)
{
	return luokit_private(k);
}

static int folios_init(struct kunit *test)
{
	buffer_knobs = (struct buffer_knobs){ .max_order = 9 };
	test->priv = luokit_boot(test, &buffer_world);
	return 0;
}

/* ---- How a run is cut ------------------------------------------------------------------ */

struct folios_cut {
	const char *name;
	u64 pfn, index, nr;
	u32 max_order;
	unsigned int order;
	bool congruent;
};

static const struct folios_cut folios_cuts[] = {
	{ "one page",			0x1000, 0, 1, 9, 0, true },
	{ "all agrees",			0x1200, 0x200, 512, 9, 9, true },
	{ "not above the limit",	0x1000, 0x1000, 4096, 9, 9, true },
	{ "a lower limit",		0x1000, 0x1000, 4096, 4, 4, true },
	{ "as many as are left",	0x1000, 0x1000, 500, 9, 8, true },
	{ "as pfn is aligned",		0x1010, 0x1010, 4096, 9, 4, true },
	{ "as index is aligned",	0x1000, 0x1010, 4096, 9, 4, true },
	{ "index unaligned alike",	0x1003, 0x2003, 512, 9, 0, true },
	{ "congruent modulo four",	0x1004, 0x2008, 512, 9, 2, true },
	{ "congruent modulo two only",	0x1000, 0x0002, 512, 9, 9, false },
	{ "not congruent",		0x1000, 0x0001, 512, 9, 9, false },
	{ "not congruent, not aligned",	0x1008, 0x0001, 512, 9, 3, false },
	{ "pfn zero",			0, 0, 512, 9, 9, true },
};

KUNIT_ARRAY_PARAM_DESC(folios_cut, folios_cuts, name);

static void folios_cut(struct kunit *test)
{
	const struct folios_cut *c = test->param_value;
	struct luosdk_chunk chunk = luosdk_chunk_cut(c->pfn, c->index, c->nr, c->max_order);

	KUNIT_EXPECT_EQ(test, chunk.pfn, c->pfn);
	KUNIT_EXPECT_EQ(test, chunk.index, c->index);
	KUNIT_EXPECT_EQ(test, chunk.order, c->order);
	KUNIT_EXPECT_EQ(test, chunk.congruent, c->congruent);
}

/* Any run is covered without gap or overlap, by what KHO and a page cache can take. */
static void folios_cut_any(struct kunit *test)
{
	struct rnd_state rnd;
	unsigned int round;

	prandom_seed_state(&rnd, 4);
	for (round = 0; round < 10000; round++) {
		u64 pfn = prandom_u32_state(&rnd), index = prandom_u32_state(&rnd);
		u64 nr = 1 + prandom_u32_state(&rnd) % 5000, at, pieces = 0;

		if (round % 2)
			index = pfn & GENMASK(prandom_u32_state(&rnd) % 20, 0);
		for (at = 0; at < nr; pieces++) {
			struct luosdk_chunk c = luosdk_chunk_cut(pfn + at, index + at,
								 nr - at, 9);

			if (c.order > 9 || (c.pfn & (BIT_ULL(c.order) - 1)) ||
			    (c.congruent && (c.index & (BIT_ULL(c.order) - 1))) ||
			    BIT_ULL(c.order) > nr - at) {
				KUNIT_FAIL(test, "run %#llx %#llx %llu: chunk %#llx of order %u",
					   pfn, index, nr, c.pfn, c.order);
				return;
			}
			at += BIT_ULL(c.order);
		}
		KUNIT_EXPECT_EQ(test, at, nr);
		/* As few as there can be: up, the largest ones, and down again. */
		if (!((pfn ^ index) & 511) || ((pfn ^ index) & 3))
			KUNIT_EXPECT_LE(test, pieces, nr / 512 + 18);
	}
}

/* What a run looks like in memory, and a page of them. ABI. */
static void folios_layout(struct kunit *test)
{
	static const u8 run[] = { 0x34, 0x12, 0, 0, 0, 0x04, 0x03, 0 };
	u64 packed = cpu_to_le64(luosdk_run_pack(0x1234, 0x305));

	KUNIT_EXPECT_MEMEQ(test, &packed, run, sizeof(run));
	packed = luosdk_run_pack(LUOSDK_RUN_HOLE - 1, LUOSDK_RUN_PAGES_MAX);
	KUNIT_EXPECT_EQ(test, packed, ~1ULL);
	KUNIT_EXPECT_EQ(test, luosdk_run_pfn(packed), LUOSDK_RUN_HOLE - 1);
	KUNIT_EXPECT_EQ(test, luosdk_run_nr(packed), BIT_ULL(24));
	KUNIT_EXPECT_EQ(test, luosdk_run_nr(luosdk_run_pack(1, 1)), 1);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_folios_ser, next), 8);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_folios_ser, nr_runs), 16);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_folios_ser, max_order), 20);
	KUNIT_EXPECT_EQ(test, sizeof(struct luosdk_folios_ser), 88);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_runs_page, checksum), 4);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_runs_page, next), 8);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_runs_page, nr), 16);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_runs_page, seq), 20);
	KUNIT_EXPECT_EQ(test, LUOSDK_RUNS_MAGIC, 0x524f554c);
}

/* ---- Buffers --------------------------------------------------------------------------- */

/* How the pages of a buffer lie. */
enum folios_lie {
	FOLIOS_CONTIGUOUS,	/* one aligned block, in order */
	FOLIOS_SHIFTED,		/* the same, but index 0 is the second page */
	FOLIOS_BACKWARDS,	/* the last page first */
	FOLIOS_ALTERNATING,	/* each second page, as the file has it */
	FOLIOS_HOLES,		/* every third page is missing */
	FOLIOS_PACKED,		/* the same, and the others stand without a gap */
};

static u64 folios_mark(unsigned long index)
{
	return index * 0x9e3779b97f4a7c15ULL + 1;
}

/* The place in the block of the page with this index, or -1 for a hole. */
static long folios_at(enum folios_lie lie, unsigned long index, unsigned long nr)
{
	switch (lie) {
	case FOLIOS_SHIFTED:
		return index + 1;
	case FOLIOS_BACKWARDS:
		return nr - 1 - index;
	case FOLIOS_ALTERNATING:
		return 2 * index;
	case FOLIOS_HOLES:
		return index % 3 == 2 ? -1 : index;
	case FOLIOS_PACKED:
		return index % 3 == 2 ? -1 : index - index / 3;
	default:
		return index;
	}
}

/*
 * A buffer of @nr pages, each with a number that tells its place. What of the block is not
 * in the buffer is freed at once. There is one block, or several large ones.
 */
static struct file *folios_make(struct luokit *k, enum folios_lie lie, unsigned long nr)
{
	unsigned long need = lie == FOLIOS_ALTERNATING ? 2 * nr : nr + 1, i, n;
	unsigned int order = min(get_order(need * PAGE_SIZE), MAX_PAGE_ORDER);
	struct page **pages = kvcalloc(nr + 1, sizeof(*pages), GFP_KERNEL | __GFP_NOFAIL);
	struct file *file;

	for (n = 0; n < need; n += 1UL << order) {
		struct page *block = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);

		if (!block) {
			file = ERR_PTR(-ENOMEM);
			goto err_free;
		}
		split_page(block, order);
		for (i = 0; i < nr; i++) {
			long at = folios_at(lie, i, nr) - (long)n;

			if (at < 0 || at >= 1L << order || folios_at(lie, i, nr) < 0)
				continue;
			pages[i] = block + at;
			get_page(pages[i]);
			*(u64 *)page_address(pages[i]) = folios_mark(i);
		}
		for (i = 0; i < 1UL << order; i++)
			__free_page(block + i);
	}
	file = buffer_way(k)->create(pages, nr);
	kvfree(pages);

	return file;

err_free:
	for (i = 0; i < nr; i++)
		if (pages[i])
			put_page(pages[i]);
	kvfree(pages);

	return file;
}

static struct file *folios_buffer(struct luokit *k, enum folios_lie lie, unsigned long nr)
{
	return luokit_own(k, folios_make(k, lie, nr));
}

static void folios_expect_same(struct kunit *test, struct file *file, enum folios_lie lie,
			       unsigned long nr)
{
	const struct buffer_way *way = buffer_way(test->priv);
	unsigned long i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, way->nr_pages(file), nr);
	for (i = 0; i < nr; i++) {
		struct page *page = way->page(file, i);

		if (folios_at(lie, i, nr) < 0) {
			KUNIT_EXPECT_NULL(test, page);
			continue;
		}
		KUNIT_ASSERT_NOT_NULL(test, page);
		if (*(u64 *)page_address(page) != folios_mark(i)) {
			KUNIT_FAIL(test, "page %lu has another's content", i);
			return;
		}
	}
}

struct folios_way {
	const char *name;
	enum folios_lie lie;
	unsigned long nr;
	/* Pages of runs, beside the page that the state is in. */
	unsigned int chain;
	unsigned int chunks;
};

static const struct folios_way folios_ways[] = {
	{ "nothing",			FOLIOS_CONTIGUOUS,	0,	0, 0 },
	{ "one page",			FOLIOS_CONTIGUOUS,	1,	0, 1 },
	{ "contiguous",			FOLIOS_CONTIGUOUS,	100,	0, 3 },
	{ "contiguous and large",	FOLIOS_CONTIGUOUS,	1000,	0, 6 },
	{ "shifted",			FOLIOS_SHIFTED,		64,	0, 7 },
	{ "as many runs as fit",	FOLIOS_BACKWARDS,	8,	0, 8 },
	{ "one run more",		FOLIOS_BACKWARDS,	9,	1, 9 },
	{ "backwards",			FOLIOS_BACKWARDS,	40,	1, 40 },
	{ "a page of runs",		FOLIOS_ALTERNATING,	8 + 509, 1, 64 },
	{ "one run more than that",	FOLIOS_ALTERNATING,	9 + 509, 2, 64 },
	{ "many",			FOLIOS_ALTERNATING,	1600,	4, 64 },
	{ "holes",			FOLIOS_HOLES,		9,	0, 4 },
	{ "many holes",			FOLIOS_HOLES,		60,	1, 30 },
	{ "holes in the file only",	FOLIOS_PACKED,		9,	0, 6 },
};

KUNIT_ARRAY_PARAM_DESC(folios_way, folios_ways, name);

static void folios_cross(struct kunit *test)
{
	const struct folios_way *way = test->param_value;
	struct luokit *k = test->priv;
	struct file *file = folios_buffer(k, way->lie, way->nr), *s;
	unsigned long pages = 0, i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	for (i = 0; i < way->nr; i++)
		pages += folios_at(way->lie, i, way->nr) >= 0;
	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), (1 + way->chain + pages) * PAGE_SIZE);

	/* As written after the preserve. */
	for (i = 0; i < way->nr; i++) {
		struct page *page = buffer_way(k)->page(file, i);

		if (page)
			*(u64 *)page_address(page) = folios_mark(i);
	}
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, s, 1);
	folios_expect_same(test, file, way->lie, way->nr);
	/* Chunks of many pages only where memory is contiguous. */
	if (way->lie == FOLIOS_CONTIGUOUS || way->nr <= 64)
		KUNIT_EXPECT_LE(test, buffer_knobs.nr_chunks, way->chunks);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
}

/* Pages that lie like a folio come back as one; the same file when they do not. */
static void folios_become_large(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file;
	unsigned int i;

	buffer_knobs.as_folios = true;
	file = luokit_carry(k, folios_buffer(k, FOLIOS_CONTIGUOUS, 100));
	folios_expect_same(test, file, FOLIOS_CONTIGUOUS, 100);
	KUNIT_EXPECT_EQ(test, folio_order(page_folio(buffer_way(k)->page(file, 0))), 6);
	KUNIT_EXPECT_EQ(test, folio_order(page_folio(buffer_way(k)->page(file, 64))), 5);
	KUNIT_EXPECT_EQ(test, folio_order(page_folio(buffer_way(k)->page(file, 96))), 2);
	for (i = 0; i < buffer_knobs.nr_chunks; i++)
		KUNIT_EXPECT_TRUE(test, buffer_knobs.chunk[i].congruent);

	buffer_knobs.nr_chunks = 0;
	file = luokit_carry(k, folios_buffer(k, FOLIOS_SHIFTED, 64));
	folios_expect_same(test, file, FOLIOS_SHIFTED, 64);
	KUNIT_EXPECT_EQ(test, folio_order(page_folio(buffer_way(k)->page(file, 1))), 0);
	for (i = 0; i < buffer_knobs.nr_chunks; i++)
		KUNIT_EXPECT_FALSE(test, buffer_knobs.chunk[i].congruent);
}

static void folios_limit(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file;
	unsigned int i;

	buffer_knobs.max_order = 3;
	file = luokit_carry(k, folios_buffer(k, FOLIOS_CONTIGUOUS, 64));
	folios_expect_same(test, file, FOLIOS_CONTIGUOUS, 64);
	KUNIT_EXPECT_EQ(test, buffer_knobs.nr_chunks, 8);
	for (i = 0; i < buffer_knobs.nr_chunks; i++)
		KUNIT_EXPECT_EQ(test, buffer_knobs.chunk[i].order, 3);
}

/* Each folio is let go of once, whether it was handed over whole, in part, or not at all. */
static void folios_put_once(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = folios_buffer(k, FOLIOS_ALTERNATING, 600), *s;
	unsigned int nth;
	int err;

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_EXPECT_EQ(test, buffer_knobs.put, 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, buffer_knobs.put, 600);

	/*
	 * Calls of KHO: LUO's own page and the state; for each run its chunk, and a page of runs
	 * before the 9th and the 518th. Page n is added when all runs before n - 1 are
	 * written: those are let go of, and the one that was growing.
	 */
	for (nth = 1; nth <= 604; nth++) {
		unsigned int runs = nth < 3 ? 0 : nth - 3;

		runs -= (runs > 8) + (runs > 8 + 1 + 509);
		s = luokit_create(k, "s");
		buffer_knobs.put = 0;
		luokit_fail_kho_nth(k, nth);
		err = luokit_preserve(k, s, 1, file);
		KUNIT_EXPECT_TRUE(test, luokit_fail_end(k));
		KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_EXPECT_EQ_MSG(test, buffer_knobs.put, nth < 3 ? 0 : runs + 1,
				    "call %u", nth);
		KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	}
}

/* The same where it is a hole that needs a page of runs: before the 518th run. */
static void folios_no_room_for_hole(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = folios_buffer(k, FOLIOS_HOLES, 900), *s;
	unsigned int nth;
	bool hit = true;
	int err;

	for (nth = 300; hit; nth++) {
		s = luokit_create(k, "s");
		luokit_fail_kho_nth(k, nth);
		err = luokit_preserve(k, s, 1, file);
		hit = luokit_fail_end(k);
		KUNIT_EXPECT_EQ_MSG(test, err, hit ? -ENOMEM : 0, "call %u", nth);
		if (err)
			KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	}
	/* LUO's own page and the state; of each run its pages, as they are aligned; two pages. */
	KUNIT_EXPECT_EQ(test, nth - 2, 2 + 300 + 150 + 2);
}

/* As many runs as can be counted. */
static void folios_too_many(struct kunit *test)
{
	struct luosdk_folios_out out;
	struct luosdk_folios_ser ser;
	struct page *page = alloc_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	luosdk_folios_begin(&out, &ser, 9);
	ser.nr_runs = U32_MAX;
	KUNIT_EXPECT_EQ(test, luosdk_folios_add(&out, page, 1, 1), -EFBIG);
	KUNIT_EXPECT_EQ(test, ser.nr_runs, U32_MAX);
	__free_page(page);
}

/* An index must not go back. */
static void folios_order_of_indexes(struct kunit *test)
{
	struct luosdk_folios_out out;
	struct luosdk_folios_ser ser;
	struct page *page = alloc_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	luosdk_folios_begin(&out, &ser, 9);
	KUNIT_EXPECT_EQ(test, luosdk_folios_add(&out, page, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_folios_add(&out, page, LUOSDK_RUN_PAGES_MAX + 1, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_folios_add(&out, page, 1, 5), 0);
	KUNIT_EXPECT_EQ(test, luosdk_folios_add(&out, page, 1, 5), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_folios_add(&out, page, 1, 4), -EINVAL);
	__free_page(page);
}

/* One page of a larger folio has no key of its own. */
static void folios_part_of_one(struct kunit *test)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 2);
	struct luosdk_folios_out out;
	struct luosdk_folios_ser ser;

	KUNIT_ASSERT_NOT_NULL(test, folio);
	luosdk_folios_begin(&out, &ser, 9);
	KUNIT_EXPECT_EQ(test, luosdk_folios_add(&out, folio_page(folio, 1), 1, 0), 0);
	KUNIT_EXPECT_EQ(test, luosdk_folios_end(&out), -EINVAL);
	KUNIT_EXPECT_EQ(test, ser.nr_runs, 0);
	folio_put(folio);
}

/* A hole that is longer than a run can be. */
static void folios_long_hole(struct kunit *test)
{
	struct luosdk_folios_out out;
	struct luosdk_folios_ser ser;
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	luosdk_folios_begin(&out, &ser, 9);
	KUNIT_EXPECT_EQ(test, luosdk_folios_add(&out, page, 1, 2 * LUOSDK_RUN_PAGES_MAX + 7), 0);
	KUNIT_ASSERT_EQ(test, ser.nr_runs, 3);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, luosdk_run_pfn(ser.run[i]), LUOSDK_RUN_HOLE);
		KUNIT_EXPECT_EQ(test, luosdk_run_nr(ser.run[i]), i < 2 ? LUOSDK_RUN_PAGES_MAX : 7);
	}
	KUNIT_EXPECT_EQ(test, ser.pages, 0);
	__free_page(page);
}

/* ---- What is damaged ------------------------------------------------------------------- */

struct folios_damage {
	const char *name;
	void (*damage)(struct buffer_luo_ser *ser);
	/* Of the 600 pages and the two pages of runs. */
	unsigned int leaked;
	/* Where more is lost than anybody can know. */
	unsigned int lost;
};

static struct luosdk_runs_page *runs_page(struct buffer_luo_ser *ser, unsigned int nr)
{
	struct luosdk_runs_page *page = phys_to_virt(ser->folios.next);

	return nr ? phys_to_virt(page->next) : page;
}

/* Damage that the checksum was made to fit: the old kernel wrote nonsense. */
static void runs_reseal(struct luosdk_runs_page *page)
{
	page->checksum = luosdk_runs_checksum(page);
}

static void damage_run(struct buffer_luo_ser *ser)
{
	runs_page(ser, 0)->run[17] ^= BIT_ULL(3);
}

static void damage_last_page(struct buffer_luo_ser *ser)
{
	runs_page(ser, 1)->run[0] ^= BIT_ULL(50);
}

static void damage_magic(struct buffer_luo_ser *ser)
{
	runs_page(ser, 0)->magic++;
}

static void damage_link(struct buffer_luo_ser *ser)
{
	runs_page(ser, 0)->next ^= PAGE_SIZE;
}

static void damage_link_resealed(struct buffer_luo_ser *ser)
{
	runs_page(ser, 0)->next += 8;
	runs_reseal(runs_page(ser, 0));
}

static void damage_link_far(struct buffer_luo_ser *ser)
{
	runs_page(ser, 0)->next = BIT_ULL(45);
	runs_reseal(runs_page(ser, 0));
}

static void damage_link_gone(struct buffer_luo_ser *ser)
{
	runs_page(ser, 0)->next = 0;
	runs_reseal(runs_page(ser, 0));
}

static void damage_link_too_many(struct buffer_luo_ser *ser)
{
	runs_page(ser, 1)->next = ser->folios.next;
	runs_reseal(runs_page(ser, 1));
}

static void damage_loop(struct buffer_luo_ser *ser)
{
	runs_page(ser, 0)->next = ser->folios.next;
	runs_reseal(runs_page(ser, 0));
}

static void damage_seq(struct buffer_luo_ser *ser)
{
	runs_page(ser, 1)->seq++;
	runs_reseal(runs_page(ser, 1));
}

static void damage_nr(struct buffer_luo_ser *ser)
{
	runs_page(ser, 1)->nr--;
	runs_reseal(runs_page(ser, 1));
}

static void damage_pfn_far(struct buffer_luo_ser *ser)
{
	runs_page(ser, 1)->run[5] = luosdk_run_pack(BIT_ULL(38), 1);
	runs_reseal(runs_page(ser, 1));
}

static void damage_too_long(struct buffer_luo_ser *ser)
{
	runs_page(ser, 1)->run[5] += BIT_ULL(LUOSDK_RUN_PFN_BITS + 10);
	runs_reseal(runs_page(ser, 1));
}

static void damage_max_order(struct buffer_luo_ser *ser)
{
	ser->folios.max_order = 33;
}

static void damage_first_run(struct buffer_luo_ser *ser)
{
	ser->folios.run[0] = luosdk_run_pack(BIT_ULL(38), 1);
}

static void damage_sum(struct buffer_luo_ser *ser)
{
	ser->folios.pages--;
}

static void damage_no_page(struct buffer_luo_ser *ser)
{
	ser->folios.next = 0;
}

static void damage_pfn_last(struct buffer_luo_ser *ser)
{
	u64 pfn = luosdk_run_pfn(ser->folios.run[0]);

	while (pfn_valid(pfn + 1))
		pfn++;
	runs_page(ser, 1)->run[5] = luosdk_run_pack(pfn, 2);
	runs_reseal(runs_page(ser, 1));
}

static void damage_sum_and_run(struct buffer_luo_ser *ser)
{
	ser->folios.pages = 1;
	runs_page(ser, 1)->run[0] ^= BIT_ULL(50);
}

/* 600 runs: 8 in the state, 509 and 83 in pages. */
static const struct folios_damage folios_damages[] = {
	{ "a run",			damage_run,		600 - 8 + 2 },
	{ "a run of the last page",	damage_last_page,	83 + 1 },
	{ "a page that is none",	damage_magic,		600 - 8 + 2 },
	{ "a link",			damage_link,		600 - 8 + 2 },
	{ "a link that is not aligned",	damage_link_resealed,	83 + 1 },
	{ "a link out of memory",	damage_link_far,	83 + 1 },
	{ "no link",			damage_link_gone,	600 - 8 + 2 },
	{ "a link too many",		damage_link_too_many,	83 + 1 },
	{ "a link back",		damage_loop,		83 + 1 },
	{ "a page out of order",	damage_seq,		83 + 1 },
	{ "a number of runs",		damage_nr,		83 + 1 },
	{ "a pfn out of memory",	damage_pfn_far,		83 + 1 },
	{ "a run out of the file",	damage_too_long,	83 + 1 },
	{ "the largest order",		damage_max_order,	600 + 2 },
	{ "a run of the state",		damage_first_run,	600 + 2 },
	{ "the sum",			damage_sum,		0 },
	{ "no page of runs",		damage_no_page,		600 - 8 + 2 },
	{ "a run that leaves memory",	damage_pfn_last,	83 + 1 },
	{ "a run, the sum too small",	damage_sum_and_run,	1, 83 + 1 },
};

KUNIT_ARRAY_PARAM_DESC(folios_damage, folios_damages, name);

struct folios_case {
	const struct folios_damage *damage;
	u64 handle;
};

static void folios_do_damage(struct luokit *k, void *ctx)
{
	struct folios_case *c = ctx;
	struct luosdk_state_hdr *hdr = phys_to_virt(c->handle);

	c->damage->damage((struct buffer_luo_ser *)(hdr + 1));
	/* The state itself is what the old kernel wrote. */
	luosdk_state_seal(hdr + 1);
}

/*
 * It is refused, or discarded, all that is certain is freed, and exactly the rest is reported
 * as lost.
 */
static void folios_damaged_then(struct kunit *test, bool retrieve)
{
	struct luokit *k = test->priv;
	struct folios_case c = { test->param_value };
	struct file *file = folios_buffer(k, FOLIOS_ALTERNATING, 600), *s;

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &c.handle), 0);
	luokit_between(k, NULL, folios_do_damage, &c);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	if (retrieve)
		KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, 1), ERR_PTR(-EBADMSG));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, buffer_knobs.leaked, c.damage->leaked * PAGE_SIZE);
	if (c.damage->leaked)
		luokit_expect_leak(k, (c.damage->lost ?: c.damage->leaked) * PAGE_SIZE);
}

static void folios_damaged(struct kunit *test)
{
	folios_damaged_then(test, true);
}

static void folios_damaged_and_unwanted(struct kunit *test)
{
	const struct folios_damage *damage = test->param_value;

	/* Only who retrieves knows how long the file is. */
	if (damage->damage == damage_too_long)
		kunit_skip(test, "discard does not know the length of the file");
	folios_damaged_then(test, false);
}

/* Whoever stops in the middle loses nothing of the rest. */
static void folios_stopped(struct kunit *test)
{
	static const unsigned int after[] = { 1, 7, 8, 9, 516, 517, 518, 599 };
	struct luokit *k = test->priv;
	struct file *file, *s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(after); i++) {
		file = folios_buffer(k, FOLIOS_ALTERNATING, 600);
		s = luokit_create(k, "s");
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		buffer_knobs.stop_after = after[i];
		KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, 1), ERR_PTR(-EINTR));
		buffer_knobs.stop_after = 0;
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	}
}

/* Nobody retrieves it, and it is all freed. */
static void folios_discarded(struct kunit *test)
{
	static const enum folios_lie lies[] = {
		FOLIOS_CONTIGUOUS, FOLIOS_SHIFTED, FOLIOS_ALTERNATING, FOLIOS_HOLES,
	};
	struct luokit *k = test->priv;
	struct file *s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		s = luokit_create(k, "s");
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, folios_buffer(k, lies[i], 600)), 0);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	}
}

static struct kunit_case folios_cases[] = {
	KUNIT_CASE_PARAM(folios_cut, folios_cut_gen_params),
	KUNIT_CASE(folios_cut_any),
	KUNIT_CASE(folios_layout),
	KUNIT_CASE_PARAM(folios_cross, folios_way_gen_params),
	KUNIT_CASE(folios_become_large),
	KUNIT_CASE(folios_limit),
	KUNIT_CASE(folios_put_once),
	KUNIT_CASE(folios_no_room_for_hole),
	KUNIT_CASE(folios_too_many),
	KUNIT_CASE(folios_order_of_indexes),
	KUNIT_CASE(folios_part_of_one),
	KUNIT_CASE(folios_long_hole),
	KUNIT_CASE_PARAM(folios_damaged, folios_damage_gen_params),
	KUNIT_CASE_PARAM(folios_damaged_and_unwanted, folios_damage_gen_params),
	KUNIT_CASE(folios_stopped),
	KUNIT_CASE(folios_discarded),
	{}
};

static struct kunit_suite folios_suite = {
	.name = "luosdk_folios",
	.init = folios_init,
	.test_cases = folios_cases,
};

/* ---- The same handler under the conformance kit ---------------------------------------- */

static struct file *buffer_subject_make(struct luokit *k, u64 arg)
{
	buffer_knobs = (struct buffer_knobs){ .max_order = 9 };

	return folios_make(k, arg >> 32, (u32)arg);
}

static const char *buffer_subject_differ(struct luokit *k, struct file *want, struct file *got)
{
	const struct buffer_way *way = buffer_way(k);
	unsigned long i;

	if (way->nr_pages(want) != way->nr_pages(got))
		return "the number of pages";
	for (i = 0; i < way->nr_pages(want); i++) {
		struct page *a = way->page(want, i), *b = way->page(got, i);

		if (!a != !b)
			return "where there are holes";
		if (a && memcmp(page_address(a), page_address(b), PAGE_SIZE))
			return "the content";
	}

	return NULL;
}

#define BUFFER(_lie, _nr)	((u64)(_lie) << 32 | (_nr))

static const struct luokit_subject buffer_subject = {
	.world = &buffer_world,
	.states = {
		{ "contiguous", BUFFER(FOLIOS_CONTIGUOUS, 20) },
		{ "empty", BUFFER(FOLIOS_CONTIGUOUS, 0), .empty = true },
		{ "one page", BUFFER(FOLIOS_CONTIGUOUS, 1) },
		{ "shifted", BUFFER(FOLIOS_SHIFTED, 20) },
		{ "scattered", BUFFER(FOLIOS_ALTERNATING, 12) },
		{ "two pages of runs", BUFFER(FOLIOS_ALTERNATING, 600), .large = true },
		{ "holes", BUFFER(FOLIOS_HOLES, 10) },
	},
	.make = buffer_subject_make,
	.differ = buffer_subject_differ,
};

kunit_test_suite(folios_suite);
LUOKIT_CONFORMANCE(luosdk_buffer, buffer_subject);

MODULE_DESCRIPTION("KUnit tests of luosdk/folios.h");
MODULE_LICENSE("GPL");
