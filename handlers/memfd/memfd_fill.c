// SPDX-License-Identifier: GPL-2.0
/*
 * memfd_fill.c - give the old kernel's memory to a new memfd.
 *
 * What the kernel's own handler does for every page is done here for a batch of
 * them, or for the file: one lock of the page cache and one update of its counters for
 * a batch, one accounting of blocks for the file.
 */

#include <linux/fs.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/vmstat.h>
#include <linux/xarray.h>
#include <mm/internal.h>

#include "memfd_luo.h"

/*
 * The memory exists, whoever is charged for it, and a retrieve that fails loses it: beyond its
 * limit the cgroup is asked once to reclaim something, and nobody is killed.
 */
#define MEMFD_CHARGE_GFP	(GFP_KERNEL | __GFP_NORETRY | __GFP_HIGH)

/* The nodes of the page cache are charged as well; but they have to be allocated first. */
#define MEMFD_NODE_GFP		(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_HIGH)

/**
 * memfd_fill_begin() - Begin to fill a file.
 * @fill: Filled in.
 * @file: The file, which nobody else knows, of its final size and without content.
 *
 * Context: Sleeps. The caller owes a memfd_fill_end().
 */
void memfd_fill_begin(struct memfd_fill *fill, struct file *file)
{
	fill->inode = file_inode(file);
	fill->nr = 0;
	fill->pages = 0;

	/* The statistics of a batch are right only if all of it has one owner. */
	fill->memcg = get_mem_cgroup_from_mm(current->mm);
	fill->outer = set_active_memcg(fill->memcg);
}

/**
 * memfd_fill_account() - Account for pages that are going to be added.
 * @fill:  What memfd_fill_begin() filled in.
 * @pages: How many.
 *
 * Context: Sleeps.
 * Return: 0; -ENOSPC or -ENOMEM if so much memory may not be in files.
 */
int memfd_fill_account(struct memfd_fill *fill, u64 pages)
{
	int err = shmem_inode_acct_blocks(fill->inode, pages);

	if (!err)
		fill->pages += pages;

	return err;
}

/* Ready to be seen; not seen by anybody yet, so no flag needs to be set atomically. */
static int memfd_fill_prepare(struct memfd_fill *fill, struct folio *folio, pgoff_t index)
{
	int err;

	err = mem_cgroup_charge(folio, NULL, MEMFD_CHARGE_GFP);
	if (err)
		return err;
	__folio_set_locked(folio);
	__folio_set_swapbacked(folio);
	__folio_mark_uptodate(folio);
	/* A clean page would be dropped under memory pressure, and its content with it. */
	folio_set_dirty(folio);
	folio->mapping = fill->inode->i_mapping;
	folio->index = index;

	return 0;
}

/* Done with, on its way to whoever reclaims or truncates it. */
static void memfd_fill_publish(struct folio *folio)
{
	folio_add_lru(folio);
	folio_unlock(folio);
}

static void memfd_fill_drop(struct folio *folio)
{
	folio->mapping = NULL;
	folio_clear_dirty(folio);
	folio_unlock(folio);
	folio_put(folio);
}

static void memfd_fill_count(struct address_space *mapping, struct folio *folio, long nr)
{
	mapping->nrpages += nr;
	lruvec_stat_mod_folio(folio, NR_FILE_PAGES, nr);
	lruvec_stat_mod_folio(folio, NR_SHMEM, nr);
}

/*
 * Single pages with consecutive indexes, into empty places. The one reference that each
 * has becomes the page cache's.
 */
static int memfd_fill_flush(struct memfd_fill *fill)
{
	struct address_space *mapping = fill->inode->i_mapping;
	XA_STATE(xas, &mapping->i_pages, fill->index);
	unsigned int nr = fill->nr, done = 0, i;

	fill->nr = 0;
	if (!nr)
		return 0;

	do {
		unsigned int first = done;

		xas_lock_irq(&xas);
		while (done < nr) {
			xas_store(&xas, fill->batch[done]);
			if (xas_error(&xas))
				break;
			done++;
			xas_next(&xas);
		}
		if (done > first)
			memfd_fill_count(mapping, fill->batch[first], done - first);
		xas_unlock_irq(&xas);
	} while (xas_nomem(&xas, MEMFD_NODE_GFP));

	for (i = 0; i < done; i++)
		memfd_fill_publish(fill->batch[i]);
	for (; i < nr; i++)
		memfd_fill_drop(fill->batch[i]);

	return done < nr ? xas_error(&xas) : 0;
}

static int memfd_fill_large(struct memfd_fill *fill, struct folio *folio, pgoff_t index)
{
	struct address_space *mapping = fill->inode->i_mapping;
	XA_STATE_ORDER(xas, &mapping->i_pages, index, folio_order(folio));
	long nr = folio_nr_pages(folio);
	int err;

	/* As the page allocator would have made it for a file. */
	folio_set_large_rmappable(folio);
	err = memfd_fill_prepare(fill, folio, index);
	if (err) {
		folio_put(folio);
		return err;
	}

	do {
		xas_lock_irq(&xas);
		xas_store(&xas, folio);
		if (!xas_error(&xas)) {
			folio_ref_add(folio, nr - 1);
			memfd_fill_count(mapping, folio, nr);
			if (folio_test_pmd_mappable(folio))
				lruvec_stat_mod_folio(folio, NR_SHMEM_THPS, nr);
		}
		xas_unlock_irq(&xas);
	} while (xas_nomem(&xas, MEMFD_NODE_GFP));

	err = xas_error(&xas);
	if (err)
		memfd_fill_drop(folio);
	else
		memfd_fill_publish(folio);

	return err;
}

/* Can this kernel's page cache have such folios at all? */
static bool memfd_fill_takes(unsigned int order)
{
	return IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) && order <= MAX_PAGECACHE_ORDER;
}

/**
 * memfd_fill_folio() - Add a folio to a file.
 * @fill:  What memfd_fill_begin() filled in.
 * @folio: The folio, as KHO restored it. Consumed, also when this fails.
 * @index: Its place in the file: beyond all that was added before.
 *
 * Context: Sleeps.
 * Return: 0; -EINVAL for a large folio that does not fit its place; -EOPNOTSUPP
 *         for one that is larger than this kernel can have in a file; -ENOMEM.
 */
int memfd_fill_folio(struct memfd_fill *fill, struct folio *folio, pgoff_t index)
{
	unsigned int order = folio_order(folio);
	int err = 0;

	if (order && !memfd_fill_takes(order))
		err = -EOPNOTSUPP;
	else if (index & (folio_nr_pages(folio) - 1))
		err = -EINVAL;
	else if (order || fill->nr == MEMFD_BATCH || index != fill->index + fill->nr)
		err = memfd_fill_flush(fill);
	if (!err && order)
		return memfd_fill_large(fill, folio, index);
	if (!err)
		err = memfd_fill_prepare(fill, folio, index);
	if (err) {
		folio_put(folio);
		return err;
	}

	if (!fill->nr)
		fill->index = index;
	fill->batch[fill->nr++] = folio;

	return 0;
}

/**
 * memfd_fill_chunk() - Restore a piece of memory and add it to a file.
 * @fill:  What memfd_fill_begin() filled in.
 * @chunk: The piece. Consumed, also when this fails.
 *
 * Context: Sleeps.
 * Return: 0; -EIO if the old kernel did not preserve it so; as memfd_fill_folio().
 */
int memfd_fill_chunk(struct memfd_fill *fill, const struct luosdk_chunk *chunk)
{
	unsigned long nr = 1UL << chunk->order, i;
	struct folio *folio;
	struct page *page;
	int err = 0;

	if (chunk->order && chunk->congruent && memfd_fill_takes(chunk->order)) {
		folio = luosdk_chunk_folio(chunk);
		if (!folio)
			return -EIO;
		if (folio_order(folio) != chunk->order) {
			folio_put(folio);
			return -EIO;
		}
		return memfd_fill_folio(fill, folio, chunk->index);
	}

	page = luosdk_chunk_pages(chunk);
	if (!page)
		return -EIO;
	for (i = 0; !err && i < nr; i++)
		err = memfd_fill_folio(fill, page_folio(page + i), chunk->index + i);
	for (; i < nr; i++)
		folio_put(page_folio(page + i));

	return err;
}

/**
 * memfd_fill_end() - Complete a file.
 * @fill: What memfd_fill_begin() filled in.
 * @err:  What went wrong until here, or 0.
 *
 * Context: Sleeps.
 * Return: @err; what goes wrong now. In both cases the file has what was added so
 *         far, and takes it along when it is put.
 */
int memfd_fill_end(struct memfd_fill *fill, int err)
{
	int last = memfd_fill_flush(fill);

	/* Gives back what was accounted for and has not come. */
	shmem_recalc_inode(fill->inode, fill->pages, 0);
	set_active_memcg(fill->outer);
	mem_cgroup_put(fill->memcg);

	return err ?: last;
}
