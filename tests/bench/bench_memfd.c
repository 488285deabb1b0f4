// SPDX-License-Identifier: GPL-2.0
/*
 * bench_memfd.c - what it costs to carry memfds over, by two handlers.
 *
 * The project's handler and the kernel's own take memfds of the same layout in
 * one boot. Which of them takes a file is said by the project's parameter
 * luosdk_memfd.format. Where the pages of a memfd are in memory decides what it
 * costs, so this code puts them where a layout wants them, and looks whether they
 * are there: in the old kernel, and once more in the new one.
 */

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/abi/memfd.h>
#include <linux/kho_block.h>
#include <linux/memcontrol.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/swap.h>
#include <linux/xarray.h>
#include <uapi/linux/memfd.h>

#include "bench.h"
#include "internal.h"
#include "luo_internal.h"

#define BENCH_HUGE	BIT(PMD_ORDER)

/* The layouts that are judged are of this size, in pages. */
#define BENCH_PAGES	(SZ_256M >> PAGE_SHIFT)
#define BENCH_WARM	MAX_ORDER_NR_PAGES

/* For the plot: 4 KiB, 16 KiB, ... */
#define BENCH_SIZES	10
#define BENCH_SIZE(n)	(1UL << (2 * (n)))
#define BENCH_SIZE_NAME	16

/* Small memfds, of one page each. */
#define BENCH_SMALL	1000

enum bench_variant {
	BENCH_LUOSDK,
	BENCH_KERNEL,
	BENCH_NR,
};

static const struct {
	const char *name;
	const char *format;
} bench_variants[BENCH_NR] = {
	[BENCH_LUOSDK]	= { "luosdk", "luosdk" },
	[BENCH_KERNEL]	= { "kernel", MEMFD_LUO_FH_COMPATIBLE },
};

enum bench_layout {
	/* One stretch of memory; number of page frame and page agree modulo 2 MiB. */
	BENCH_CONGRUENT,
	/* One stretch of memory that begins one page further. */
	BENCH_CONTIG,
	/* As congruent, in pieces of 2 MiB with the last one first in memory. */
	BENCH_PIECES,
	/* No page is followed in memory by the one that follows it in the file. */
	BENCH_FRAG,
	/* Folios of 2 MiB. */
	BENCH_FOLIOS,
	BENCH_LAYOUTS,
	/* What is there. */
	BENCH_WRITTEN = BENCH_LAYOUTS,
};

/* How a file's pages are in memory. */
struct bench_shape {
	unsigned long folios;
	unsigned long runs;
	unsigned long congruent;
};

/* A layout, and what has to be found when it is looked at. */
static const struct {
	const char *name;
	struct bench_shape shape;
} bench_layouts[BENCH_LAYOUTS] = {
	[BENCH_CONGRUENT] = { "congruent", { BENCH_PAGES, 1, BENCH_PAGES } },
	[BENCH_CONTIG]	  = { "contig", { BENCH_PAGES, 1, 0 } },
	[BENCH_PIECES]	  = { "pieces", { BENCH_PAGES, BENCH_PAGES / BENCH_HUGE, BENCH_PAGES } },
	[BENCH_FRAG]	  = { "frag", { BENCH_PAGES, BENCH_PAGES, 2 * BENCH_PAGES / BENCH_HUGE } },
	/* Runs are as long as the allocator's mood. */
	[BENCH_FOLIOS]	  = { "huge", { BENCH_PAGES / BENCH_HUGE, 0, BENCH_PAGES } },
};

/* Written into each page when it is preserved. */
struct bench_stamp {
	u64 index;
	u64 pfn;
};

/* Who takes memfds from now on. */
static int bench_choose(enum bench_variant variant)
{
	const struct kernel_param *kp;
	int err = -ENOENT;

	kernel_param_lock(NULL);
	for (kp = __start___param; kp < __stop___param; kp++)
		if (!strcmp(kp->name, "luosdk_memfd.format"))
			err = kp->ops->set(bench_variants[variant].format, kp);
	kernel_param_unlock(NULL);

	return err;
}

/*
 * A stretch of @nr blocks of MAX_ORDER_NR_PAGES pages each: the number of its first
 * page frame. Blocks are taken until @nr are neighbours, and the rest given back.
 */
static long bench_take_stretch(unsigned long nr)
{
	unsigned long at, first, last;
	struct page *page;
	struct xarray taken;
	long pfn;

	xa_init(&taken);
	do {
		page = alloc_pages(GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN,
				   MAX_PAGE_ORDER);
		if (!page) {
			pfn = -ENOMEM;
			goto out;
		}
		first = page_to_pfn(page) >> MAX_PAGE_ORDER;
		last = first;
		pfn = xa_err(xa_store(&taken, first, page, GFP_KERNEL));
		if (pfn) {
			__free_pages(page, MAX_PAGE_ORDER);
			goto out;
		}
		while (xa_load(&taken, first - 1))
			first--;
		while (xa_load(&taken, last + 1))
			last++;
	} while (last - first + 1 < nr);

	pfn = first << MAX_PAGE_ORDER;
	while (nr--)
		split_page(xa_erase(&taken, first++), MAX_PAGE_ORDER);

out:
	xa_for_each(&taken, at, page)
		__free_pages(page, MAX_PAGE_ORDER);
	xa_destroy(&taken);

	return pfn;
}

/* On success the page cache has the caller's reference. */
static int bench_insert(struct inode *inode, struct folio *folio, pgoff_t index)
{
	struct address_space *mapping = inode->i_mapping;
	gfp_t gfp = mapping_gfp_mask(mapping);
	long nr = folio_nr_pages(folio);
	int err;

	__folio_set_locked(folio);
	__folio_set_swapbacked(folio);
	err = mem_cgroup_charge(folio, NULL, gfp);
	if (!err)
		err = shmem_inode_acct_blocks(inode, nr);
	if (!err) {
		err = shmem_add_to_page_cache(folio, mapping, index, NULL, gfp);
		/* Takes blocks back that no page is in the cache for. */
		shmem_recalc_inode(inode, nr, 0);
	}
	if (!err) {
		folio_mark_uptodate(folio);
		folio_mark_dirty(folio);
		folio_add_lru(folio);
	}
	folio_unlock(folio);
	if (!err)
		folio_put(folio);

	return err;
}

/* Where in a stretch of memory is page @index of a file of @nr pages? */
static unsigned long bench_place(enum bench_layout layout, unsigned long index,
				 unsigned long nr)
{
	switch (layout) {
	case BENCH_CONTIG:
		return index + 1;
	case BENCH_PIECES:
		return nr - BENCH_HUGE - index + 2 * (index % BENCH_HUGE);
	case BENCH_FRAG:
		/* Each place once: the factor is odd, the number a power of two. */
		return index * 40503 % nr;
	default:
		return index;
	}
}

/* @nr is a power of two, and a multiple of MAX_ORDER_NR_PAGES. */
static int bench_fill_stretch(struct inode *inode, enum bench_layout layout,
			      unsigned long nr)
{
	/* One more, for what begins one page further. */
	unsigned long blocks = nr / MAX_ORDER_NR_PAGES + 1, i;
	unsigned long *used;
	int err = 0;
	long pfn;

	used = bitmap_zalloc(blocks * MAX_ORDER_NR_PAGES, GFP_KERNEL);
	if (!used)
		return -ENOMEM;
	pfn = bench_take_stretch(blocks);
	if (pfn < 0) {
		bitmap_free(used);
		return pfn;
	}

	for (i = 0; !err && i < nr; i++) {
		unsigned long place = bench_place(layout, i, nr);

		err = bench_insert(inode, pfn_folio(pfn + place), i);
		if (!err)
			__set_bit(place, used);
	}
	for_each_clear_bit(i, used, blocks * MAX_ORDER_NR_PAGES)
		__free_page(pfn_to_page(pfn + i));
	bitmap_free(used);

	return err;
}

static int bench_fill_folios(struct inode *inode, unsigned long nr)
{
	struct folio *folio;
	unsigned long i;
	int err;

	for (i = 0; i < nr; i += BENCH_HUGE) {
		folio = folio_alloc(GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN, PMD_ORDER);
		if (!folio)
			return -ENOMEM;
		err = bench_insert(inode, folio, i);
		if (err) {
			folio_put(folio);
			return err;
		}
	}

	return 0;
}

/*
 * As if @nr pages had been written one after the other: whatever memory there is.
 * Only not memory for what can be moved. Of that, preserve has to copy some away from
 * where the next kernel will be, more or less as it happens.
 */
static int bench_fill_pages(struct inode *inode, unsigned long nr)
{
	unsigned long i;
	int err = 0;

	for (i = 0; !err && i < nr; i++) {
		struct folio *folio = folio_alloc(GFP_HIGHUSER, 0);

		if (!folio)
			return -ENOMEM;
		err = bench_insert(inode, folio, i);
		if (err)
			folio_put(folio);
	}

	return err;
}

static struct file *bench_make_memfd(enum bench_layout layout, unsigned long nr)
{
	struct file *file = memfd_alloc_file("bench", MFD_ALLOW_SEALING);
	int err;

	if (IS_ERR(file))
		return file;
	if (layout == BENCH_WRITTEN)
		err = bench_fill_pages(file_inode(file), nr);
	else if (layout == BENCH_FOLIOS)
		err = bench_fill_folios(file_inode(file), nr);
	else
		err = bench_fill_stretch(file_inode(file), layout, nr);
	if (err) {
		__fput_sync(file);
		return ERR_PTR(err);
	}
	i_size_write(file_inode(file), nr << PAGE_SHIFT);

	return file;
}

/*
 * How a file is in memory. In the old kernel each page gets its stamp, in the
 * new one it must have it: the page is the one that it was, in its place.
 */
static int bench_look(struct file *file, unsigned long nr, bool stamp,
		      struct bench_shape *shape)
{
	unsigned long index = 0, pfn, last = 0;
	struct bench_stamp *s;
	struct folio *folio;
	unsigned long i;
	int err = 0;

	*shape = (struct bench_shape){};
	while (!err && index < nr) {
		folio = filemap_get_folio(file->f_mapping, index);
		if (IS_ERR(folio))
			return PTR_ERR(folio);
		shape->folios++;
		if (folio->index != index || !folio_test_uptodate(folio) ||
		    !folio_test_dirty(folio))
			err = -EBADMSG;
		for (i = 0; !err && i < folio_nr_pages(folio); i++, index++) {
			pfn = folio_pfn(folio) + i;
			shape->runs += pfn != last + 1;
			shape->congruent += pfn % BENCH_HUGE == index % BENCH_HUGE;
			last = pfn;
			s = page_address(folio_page(folio, i));
			if (stamp)
				*s = (struct bench_stamp){ index, pfn };
			else if (s->index != index || s->pfn != pfn)
				err = -EBADMSG;
		}
		folio_put(folio);
	}
	if (!err && i_size_read(file_inode(file)) != nr << PAGE_SHIFT)
		err = -EBADMSG;

	return err;
}

static void bench_memfd_session(char *name, enum bench_variant variant, const char *what)
{
	snprintf(name, LIVEUPDATE_SESSION_NAME_LENGTH, "bench-memfd-%s-%s",
		 bench_variants[variant].name, what);
}

__printf(4, 5)
static void bench_memfd_figure(struct seq_file *m, s64 num, u64 den, const char *fmt, ...)
{
	char name[48];
	va_list args;

	va_start(args, fmt);
	vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);
	bench_figure(m, name, num, den);
}

/* What one memfd's preserve gave. */
struct bench_preserved {
	s64 preserve;
	s64 unpreserve;
	s64 pages;
};

/* Preserve a memfd and take it back. @what: of the profile, as the figures are called. */
static int bench_round(struct seq_file *m, int fd, const char *what, struct bench_preserved *got)
{
	struct file *session;
	char name[64];
	int err;

	err = luo_session_create("bench-round", &session);
	if (err)
		return err;
	bench_profile_start();
	got->preserve = bench_preserve_all(session, &fd, 1);
	snprintf(name, sizeof(name), "memfd_preserve.%s", what);
	bench_profile_stop(m, name);
	if (got->preserve >= 0) {
		bench_profile_start();
		got->unpreserve = bench_unpreserve_all(session);
		snprintf(name, sizeof(name), "memfd_unpreserve.%s", what);
		bench_profile_stop(m, name);
	}
	__fput_sync(session);

	return min(got->preserve, 0);
}

/* Preserve a memfd for the next kernel. This one holds the session until it is gone. */
static int bench_keep(int fd, const char *name, unsigned long nr, struct bench_preserved *got)
{
	s64 ticks, before, after;
	struct file *session;
	int err;

	err = luo_session_create(name, &session);
	if (err)
		return err;
	before = bench_preserved_pages();
	ticks = bench_preserve_all(session, &fd, 1);
	after = bench_preserved_pages();
	if (ticks < 0) {
		__fput_sync(session);
		return ticks;
	}
	got->preserve = min(got->preserve, ticks);
	got->pages = after - before - nr - bench_session_pages(session);

	return min(before, 0);
}

/*
 * Preserve @file, a memfd of @nr pages, take it back, and preserve it once more for
 * the next kernel. The first is left out where no shape is wanted of the memfd.
 */
static int bench_keep_memfd(struct seq_file *m, struct file *file, unsigned long nr,
			    enum bench_variant variant, const char *what,
			    const struct bench_shape *want, struct bench_preserved *got)
{
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	struct bench_shape shape;
	char which[32];
	int fd, err;

	err = bench_choose(variant);
	if (err)
		return err;
	fd = FD_ADD(O_CLOEXEC, get_file(file));
	if (fd < 0)
		return fd;

	bench_memfd_session(name, variant, what);
	got->preserve = S64_MAX;
	snprintf(which, sizeof(which), "%s.%s", what, bench_variants[variant].name);
	if (want)
		err = bench_round(m, fd, which, got);
	if (!err)
		err = bench_keep(fd, name, nr, got);
	close_fd(fd);
	if (!err)
		err = bench_look(file, nr, true, &shape);
	if (!err && want && (shape.folios != want->folios || shape.congruent != want->congruent ||
			     (want->runs && shape.runs != want->runs))) {
		pr_err("luosdk_bench: %s: %lu folios, %lu runs, %lu congruent pages\n",
		       name, shape.folios, shape.runs, shape.congruent);
		err = -EBADMSG;
	}

	return err;
}

static int bench_keep_layout(struct seq_file *m, enum bench_layout layout,
			     enum bench_variant variant)
{
	const char *which = bench_variants[variant].name;
	const char *what = bench_layouts[layout].name;
	struct bench_preserved got;
	struct file *file;
	int err;

	file = bench_make_memfd(layout, BENCH_PAGES);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = bench_keep_memfd(m, file, BENCH_PAGES, variant, what, &bench_layouts[layout].shape,
			       &got);
	__fput_sync(file);
	if (err)
		return err;

	bench_memfd_figure(m, got.preserve, BENCH_PAGES, "memfd_preserve.%s.%s", what, which);
	bench_memfd_figure(m, got.unpreserve, BENCH_PAGES, "memfd_unpreserve.%s.%s", what, which);
	bench_memfd_figure(m, got.pages * PAGE_SIZE, BENCH_PAGES, "memfd_bytes.%s.%s", what, which);

	return 0;
}

/* A memfd that warms up what the others are measured with. */
static int bench_keep_warm(struct seq_file *m, enum bench_variant variant)
{
	struct bench_preserved got;
	struct file *file;
	int err;

	file = bench_make_memfd(BENCH_FRAG, BENCH_WARM);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = bench_keep_memfd(m, file, BENCH_WARM, variant, "warm", NULL, &got);
	__fput_sync(file);

	return err;
}

static int bench_memfd_keep(struct seq_file *m)
{
	enum bench_variant variant;
	enum bench_layout layout;
	int err = 0;

	/*
	 * The warm ones are last here and first in the new kernel. The state
	 * of the first layout must not find room beside that of another memfd.
	 */
	for (layout = 0; layout < BENCH_LAYOUTS; layout++)
		for (variant = 0; !err && variant < BENCH_NR; variant++)
			err = bench_keep_layout(m, layout, variant);
	for (variant = 0; !err && variant < BENCH_NR; variant++)
		err = bench_keep_warm(m, variant);

	return err;
}

/* Was it this handler that a session's files were preserved by? */
static bool bench_preserved_by(struct file *file, enum bench_variant variant)
{
	struct luo_session *session = file->private_data;
	struct luo_file_ser *ser;
	struct kho_block_set_it it;

	kho_block_set_it_init(&it, &session->file_set.block_set);
	ser = kho_block_set_it_read_entry(&it);

	return ser && !strcmp(ser->compatible, MEMFD_LUO_FH_COMPATIBLE) ==
		      (variant == BENCH_KERNEL);
}

/* The ticks of retrieve and finish, or a negative errno. */
static s64 bench_retrieve_memfd(struct seq_file *m, unsigned long nr, enum bench_variant variant,
				const char *what, unsigned long *folios)
{
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	struct bench_shape shape;
	struct file *session, *file;
	char profile[64];
	s64 ticks, more;
	int err;

	bench_memfd_session(name, variant, what);
	err = luo_session_retrieve(name, &session);
	if (err)
		return err;
	if (!bench_preserved_by(session, variant)) {
		err = -EBADMSG;
		goto out;
	}

	bench_profile_start();
	ticks = bench_retrieve_all(session, &file, 1);
	snprintf(profile, sizeof(profile), "memfd_retrieve.%s.%s", what,
		 bench_variants[variant].name);
	bench_profile_stop(m, profile);
	if (ticks < 0) {
		err = ticks;
		goto out;
	}
	more = bench_finish_all(session);
	err = more < 0 ? more : bench_look(file, nr, false, &shape);
	*folios = shape.folios;
	__fput_sync(file);

out:
	__fput_sync(session);
	return err ?: ticks + more;
}

static int bench_retrieve_warm(struct seq_file *m)
{
	enum bench_variant variant;
	unsigned long folios;
	s64 ticks = 0;

	for (variant = 0; ticks >= 0 && variant < BENCH_NR; variant++)
		ticks = bench_retrieve_memfd(m, BENCH_WARM, variant, "warm", &folios);

	return min(ticks, 0);
}

static int bench_memfd_retrieve(struct seq_file *m)
{
	enum bench_variant variant;
	enum bench_layout layout;
	unsigned long folios;
	s64 ticks;
	int err;

	err = bench_retrieve_warm(m);
	if (err)
		return err;

	for (layout = 0; layout < BENCH_LAYOUTS; layout++) {
		for (variant = 0; variant < BENCH_NR; variant++) {
			const char *which = bench_variants[variant].name;
			const char *what = bench_layouts[layout].name;

			ticks = bench_retrieve_memfd(m, BENCH_PAGES, variant, what, &folios);
			if (ticks < 0)
				return ticks;
			bench_memfd_figure(m, ticks, BENCH_PAGES, "memfd_retrieve.%s.%s",
					   what, which);
			bench_memfd_figure(m, folios, 1, "memfd_folios.%s.%s", what, which);
		}
	}

	return 0;
}

/*
 * Some memfds of each size, so that what else a kernel has to do now and then falls
 * out. Of the large ones it is a small part. vmtest takes a VM for dead that says
 * nothing for long.
 */
static int bench_size_rounds(int size)
{
	pr_info("luosdk_bench: %lu pages\n", BENCH_SIZE(size));

	return BENCH_SIZE(size) > MAX_ORDER_NR_PAGES ? 1 : BENCH_ROUNDS;
}

static void bench_size_name(char *what, int size, int round)
{
	snprintf(what, BENCH_SIZE_NAME, "%lu-%d", BENCH_SIZE(size), round);
}

/* The least that it took to preserve a memfd, or a negative errno. */
static s64 bench_size_keep_one(struct seq_file *m, int size, enum bench_variant variant)
{
	int rounds = bench_size_rounds(size), round, err;
	struct bench_preserved got;
	char what[BENCH_SIZE_NAME];
	s64 best = S64_MAX;

	for (round = 0; round < rounds; round++) {
		struct file *file = bench_make_memfd(BENCH_WRITTEN, BENCH_SIZE(size));

		if (IS_ERR(file))
			return PTR_ERR(file);
		bench_size_name(what, size, round);
		err = bench_keep_memfd(m, file, BENCH_SIZE(size), variant, what, NULL, &got);
		__fput_sync(file);
		if (err)
			return err;
		best = min(best, got.preserve);
	}

	return best;
}

static s64 bench_size_retrieve_one(struct seq_file *m, int size, enum bench_variant variant)
{
	int rounds = bench_size_rounds(size), round;
	char what[BENCH_SIZE_NAME];
	s64 ticks, best = S64_MAX;
	unsigned long folios;

	for (round = 0; round < rounds; round++) {
		bench_size_name(what, size, round);
		ticks = bench_retrieve_memfd(m, BENCH_SIZE(size), variant, what, &folios);
		if (ticks < 0)
			return ticks;
		best = min(best, ticks);
	}

	return best;
}

static int bench_sizes(struct seq_file *m, const char *step,
		       s64 (*one)(struct seq_file *m, int size, enum bench_variant variant))
{
	enum bench_variant variant;
	s64 ticks;
	int size;

	for (size = 0; size < BENCH_SIZES; size++) {
		for (variant = 0; variant < BENCH_NR; variant++) {
			ticks = one(m, size, variant);
			if (ticks < 0)
				return ticks;
			bench_memfd_figure(m, ticks, 1, "memfd_size.%lu.%s.%s",
					   BENCH_SIZE(size) * PAGE_SIZE, step,
					   bench_variants[variant].name);
		}
	}

	return 0;
}

static int bench_size_keep(struct seq_file *m)
{
	enum bench_variant variant;
	int err = 0;

	for (variant = 0; !err && variant < BENCH_NR; variant++)
		err = bench_keep_warm(m, variant);

	return err ?: bench_sizes(m, "preserve", bench_size_keep_one);
}

static int bench_size_retrieve(struct seq_file *m)
{
	int err = bench_retrieve_warm(m);

	return err ?: bench_sizes(m, "retrieve", bench_size_retrieve_one);
}

/*
 * A handler that does nothing. What memory a preserve takes with it is LUO's
 * own, and is taken off what it takes with another one.
 */
static bool bench_none_wanted;

static bool bench_none_can_preserve(struct liveupdate_file_handler *handler,
				    struct file *file)
{
	return bench_none_wanted;
}

static int bench_none_preserve(struct liveupdate_file_op_args *args)
{
	return 0;
}

static void bench_none_unpreserve(struct liveupdate_file_op_args *args)
{
}

static int bench_none_retrieve(struct liveupdate_file_op_args *args)
{
	return -EOPNOTSUPP;
}

static const struct liveupdate_file_ops bench_none_ops = {
	.can_preserve	= bench_none_can_preserve,
	.preserve	= bench_none_preserve,
	.unpreserve	= bench_none_unpreserve,
	.retrieve	= bench_none_retrieve,
	.finish		= bench_none_unpreserve,
	.owner		= THIS_MODULE,
};

static struct liveupdate_file_handler bench_none = {
	.ops = &bench_none_ops,
	.compatible = "luosdk-bench-none",
};

static struct file *bench_make_small(unsigned int n)
{
	return bench_make_memfd(BENCH_WRITTEN, 1);
}

/* Pages that are handed over for BENCH_SMALL memfds, theirs and LUO's own aside. */
static s64 bench_small_pages(void)
{
	struct file *session;
	s64 before, after;
	int *fds;
	int err;

	fds = bench_make_fds(BENCH_SMALL, bench_make_small);
	if (IS_ERR(fds))
		return PTR_ERR(fds);
	err = luo_session_create("bench-small", &session);
	if (!err) {
		before = bench_preserved_pages();
		err = min(bench_preserve_all(session, fds, BENCH_SMALL), 0);
		after = bench_preserved_pages() - BENCH_SMALL - bench_session_pages(session);
		if (before < 0)
			err = before;
		__fput_sync(session);
	}
	bench_close_fds(fds, BENCH_SMALL);

	return err ?: after - before;
}

static int bench_memfd_small(struct seq_file *m)
{
	enum bench_variant variant;
	s64 none, bytes, pages;
	int err;

	bench_none_wanted = true;
	none = bench_memory_all(BENCH_SMALL / 2, bench_make_small);
	bench_none_wanted = false;
	if (none < 0)
		return none;

	for (variant = 0; variant < BENCH_NR; variant++) {
		const char *which = bench_variants[variant].name;

		err = bench_choose(variant);
		if (err)
			return err;
		bytes = bench_memory_all(BENCH_SMALL / 2, bench_make_small);
		if (bytes < 0)
			return bytes;
		pages = bench_small_pages();
		if (pages < 0)
			return pages;
		bench_memfd_figure(m, bytes - none, BENCH_SMALL / 2, "memfd_small.memory.%s",
				   which);
		bench_memfd_figure(m, pages * PAGE_SIZE, BENCH_SMALL, "memfd_small.preserved.%s",
				   which);
	}

	return 0;
}

const struct bench_file bench_memfd_files[] = {
	{ "memfd_small", bench_memfd_small },
	{ "memfd_keep", bench_memfd_keep },
	{ "memfd_retrieve", bench_memfd_retrieve },
	{ "memfd_size_keep", bench_size_keep },
	{ "memfd_size_retrieve", bench_size_retrieve },
	{}
};

int __init bench_memfd_init(void)
{
	return liveupdate_register_file_handler(&bench_none);
}
