// SPDX-License-Identifier: GPL-2.0
/*
 * memfd_pin.c - take the memory of a memfd, for as long as the old kernel lives.
 *
 * The file must keep its size and its pages from then on, and the pages their place.
 */

#include <linux/cacheflush.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <mm/internal.h>

#include "memfd_luo.h"

/*
 * Pages that are pinned at a time, and for as long as which the lock of the page cache is held.
 * A multiple of the largest folio, as which they are aligned, so that none is pinned
 * by two calls.
 */
#define MEMFD_WINDOW	2048

/*
 * Holes get pages. A file of many and a machine of little memory would end with the OOM
 * killer looking for somebody else's process; better is a refusal beforehand.
 */
static bool memfd_has_room(struct inode *inode, u64 pages)
{
	u64 there = READ_ONCE(inode->i_mapping->nrpages);

	return pages <= there || pages - there <= si_mem_available();
}

/*
 * Two handlers must not preserve one file, and one of them may be the kernel's own,
 * which has no other mark of it.
 */
static int memfd_freeze_mapping(struct inode *inode)
{
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
 * memfd_thaw_mapping() - Let a file be truncated, punched and extended again.
 * @inode: Its inode. Its folios were unpinned.
 *
 * Context: Sleeps; takes the inode's lock.
 */
void memfd_thaw_mapping(struct inode *inode)
{
	inode_lock(inode);
	shmem_freeze(inode, false);
	inode_unlock(inode);
}

/**
 * memfd_pin_begin() - Begin to pin the whole content of a file.
 * @pin:  Filled in.
 * @file: The file.
 *
 * From here on the file keeps its size and its pages, until memfd_thaw_mapping().
 *
 * Context: Sleeps; takes the inode's lock.
 * Return: 0, and the caller owes a memfd_pin_end(); -EBUSY if another handler has
 *         preserved this file; -ENOMEM if there is not enough memory for its holes.
 */
int memfd_pin_begin(struct memfd_pin *pin, struct file *file)
{
	struct inode *inode = file_inode(file);
	u64 pages;
	int err;

	BUILD_BUG_ON(MEMFD_WINDOW % (1UL << MAX_PAGECACHE_ORDER));

	err = memfd_freeze_mapping(inode);
	if (err)
		return err;

	*pin = (struct memfd_pin){ .file = file, .size = i_size_read(inode) };
	pages = DIV_ROUND_UP_ULL(pin->size, PAGE_SIZE);
	if (!memfd_has_room(inode, pages)) {
		pr_warn_ratelimited("luosdk: memfd: %llu pages are not there yet, and there is not memory enough for them\n",
				    pages - READ_ONCE(inode->i_mapping->nrpages));
		err = -ENOMEM;
		goto err_thaw;
	}
	pin->window = min_t(u64, pages, MEMFD_WINDOW);
	if (pages) {
		pin->folios = kvmalloc_array(pin->window, sizeof(*pin->folios), GFP_KERNEL);
		if (!pin->folios) {
			err = -ENOMEM;
			goto err_thaw;
		}
	}

	return 0;

err_thaw:
	memfd_thaw_mapping(inode);
	return err;
}

/**
 * memfd_pin_end() - Be done with pinning.
 * @pin: What memfd_pin_begin() filled in.
 *
 * Context: Sleeps.
 */
void memfd_pin_end(struct memfd_pin *pin)
{
	kvfree(pin->folios);
}

/*
 * Most folios are there and may stay where they are. They are pinned in one walk; the
 * first that is in swap, missing, or where the next kernel will be ends it.
 */
static pgoff_t memfd_pin_present(struct memfd_pin *pin, pgoff_t index, pgoff_t end)
{
	XA_STATE(xas, &pin->file->f_mapping->i_pages, index);
	struct folio *folio;

	xas_lock_irq(&xas);
	for (folio = xas_load(&xas); index < end; folio = xas_next(&xas)) {
		if (!folio || xa_is_value(folio) || !folio_is_longterm_pinnable(folio) ||
		    try_grab_folio(folio, 1, FOLL_PIN))
			break;
		pin->folios[pin->nr++] = folio;
		index = folio_next_index(folio);
		if (folio_test_large(folio))
			xas_advance(&xas, index - 1);
	}
	xas_unlock_irq(&xas);

	return index;
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

/**
 * memfd_pin_next() - Pin the next part of a file.
 * @pin: What memfd_pin_begin() filled in.
 *
 * Brings pages back from swap, moves them out of where the next kernel will be,
 * and fills holes.
 *
 * Context: Sleeps. Ends early if the task is killed.
 * Return: 0 if all is pinned; the number of folios now in @pin->folios, in the
 *         order of the file, whose pins are the caller's; -EINTR; what
 *         memfd_pin_folios() returns, as -ENOMEM.
 */
int memfd_pin_next(struct memfd_pin *pin)
{
	loff_t end = min_t(loff_t, pin->size, pin->start + MEMFD_WINDOW * PAGE_SIZE);
	pgoff_t last = DIV_ROUND_UP_ULL(end, PAGE_SIZE), index, offset;
	unsigned int i;
	long more;

	if (pin->start >= pin->size)
		return 0;
	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;

	pin->nr = 0;
	index = memfd_pin_present(pin, pin->start >> PAGE_SHIFT, last);
	if (index < last) {
		more = memfd_pin_folios(pin->file, (loff_t)index << PAGE_SHIFT, end - 1,
					pin->folios + pin->nr, pin->window - pin->nr,
					&offset);
		if (more < 0) {
			memfd_pin_drop(pin, 0);
			return more;
		}
		pin->nr += more;
	}
	for (i = 0; i < pin->nr; i++)
		if (unlikely(!folio_test_uptodate(pin->folios[i])))
			memfd_make_uptodate(pin->folios[i]);
	pin->start = end;

	return pin->nr;
}

/**
 * memfd_pin_drop() - Unpin some of what memfd_pin_next() returned last.
 * @pin:  What memfd_pin_begin() filled in.
 * @from: The first of @pin->folios to unpin.
 *
 * Context: Any.
 */
void memfd_pin_drop(struct memfd_pin *pin, unsigned int from)
{
	unpin_folios(pin->folios + from, pin->nr - from);
}
