// SPDX-License-Identifier: GPL-2.0
/*
 * memfd_pin.c - take the memory of a memfd, for as long as the old kernel lives.
 *
 * From memfd_pin_begin() to memfd_pin_end() the file keeps its size and its pages; after
 * memfd_pin_all() the pages keep their place as well.
 */

#include <linux/cacheflush.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "memfd_luo.h"

/*
 * Pages that are pinned at a time. A multiple of the largest folio, as which they are
 * aligned, so that none is pinned by two calls.
 */
#define MEMFD_WINDOW	4096

/**
 * memfd_pin_begin() - Keep a file from being truncated, punched, or extended.
 * @file: The file.
 *
 * Context: Sleeps; takes the inode's lock.
 * Return: 0, and the caller owes a memfd_pin_end(); -EBUSY if another handler has
 *         done so before, for its own preserve of this file.
 */
int memfd_pin_begin(struct file *file)
{
	struct inode *inode = file_inode(file);
	int err = 0;

	inode_lock(inode);
	if (SHMEM_I(inode)->flags & SHMEM_F_MAPPING_FROZEN)
		err = -EBUSY;
	else
		shmem_freeze(inode, true);
	inode_unlock(inode);

	return err;
}

/**
 * memfd_pin_end() - Let a file change again.
 * @file: The file. Its folios were unpinned.
 *
 * Context: Sleeps; takes the inode's lock.
 */
void memfd_pin_end(struct file *file)
{
	struct inode *inode = file_inode(file);

	inode_lock(inode);
	shmem_freeze(inode, false);
	inode_unlock(inode);
}

/*
 * Allocated and never used: the new kernel takes everything for used, so it must not
 * find here what the page's last owner left. Whoever uses it first zeroes it as well, under
 * the same lock.
 */
static void memfd_make_uptodate(struct folio *folio)
{
	folio_lock(folio);
	if (!folio_test_uptodate(folio)) {
		folio_zero_range(folio, 0, folio_size(folio));
		flush_dcache_folio(folio);
		folio_mark_uptodate(folio);
	}
	folio_unlock(folio);
}

/*
 * Holes get pages. A file of many and a machine of little memory would end with the OOM
 * killer looking for somebody else's process; better is a refusal beforehand.
 */
static bool memfd_has_room(struct inode *inode, u64 pages)
{
	u64 there = READ_ONCE(inode->i_mapping->nrpages);

	return pages <= there || pages - there <= si_mem_available();
}

/**
 * memfd_pin_all() - Pin the whole content of a file.
 * @file:   The file, after memfd_pin_begin().
 * @pinned: Called for each folio, in order; the pin becomes its own if it returns 0.
 * @arg:    For @pinned.
 *
 * Brings pages back from swap, moves them out of where the next kernel will be,
 * and fills holes.
 *
 * Context: Sleeps. Long, for a large file: ends early if the task is killed.
 * Return: 0; what @pinned returned; -EINTR; -ENOMEM; what memfd_pin_folios()
 *         returns. After an error those that @pinned took are the caller's to unpin.
 */
int memfd_pin_all(struct file *file, memfd_pinned_t pinned, void *arg)
{
	loff_t size = i_size_read(file_inode(file)), start, end;
	struct folio **folios;
	unsigned int window;
	pgoff_t offset;
	int err = 0;
	long nr, i;
	u64 pages;

	BUILD_BUG_ON(MEMFD_WINDOW % (1UL << MAX_PAGECACHE_ORDER));

	if (!size)
		return 0;
	pages = DIV_ROUND_UP_ULL(size, PAGE_SIZE);
	if (!memfd_has_room(file_inode(file), pages)) {
		pr_warn_ratelimited("luosdk: memfd: a file of %llu pages is not backed by memory, and there is not enough left\n",
				    pages);
		return -ENOMEM;
	}
	window = min_t(u64, pages, MEMFD_WINDOW);
	folios = kvmalloc_array(window, sizeof(*folios), GFP_KERNEL);
	if (!folios)
		return -ENOMEM;

	for (start = 0; !err && start < size; start = end) {
		end = min_t(loff_t, size, start + MEMFD_WINDOW * PAGE_SIZE);
		nr = memfd_pin_folios(file, start, end - 1, folios, window, &offset);
		if (nr < 0) {
			err = nr;
			break;
		}
		for (i = 0; !err && i < nr; i++) {
			if (unlikely(!folio_test_uptodate(folios[i])))
				memfd_make_uptodate(folios[i]);
			err = pinned(arg, folios[i]);
		}
		if (err)
			unpin_folios(folios + i - 1, nr - i + 1);
		else if (fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	kvfree(folios);

	return err;
}
