/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memfd_sdk_world.h - the memfd handler, for a world that has it.
 *
 * Included below nothing and above what else is in that world. User Mode Linux has no
 * transparent huge pages. But its page cache can have large folios, if told to (XARRAY_MULTI), and
 * that is all that the handler wants to know. A world that defines MEMFD_LARGE_FOLIOS says that
 * it has them.
 */
#ifndef _MEMFD_SDK_WORLD_H
#define _MEMFD_SDK_WORLD_H

#include <luokit_world.h>
#include <luokit_subject.h>

#include <linux/hugetlb.h>
#include <linux/memcontrol.h>
#include <linux/memfd.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/xarray.h>
#include <mm/internal.h>

#ifdef MEMFD_LARGE_FOLIOS
#undef CONFIG_TRANSPARENT_HUGEPAGE
#define CONFIG_TRANSPARENT_HUGEPAGE 1
#endif

/* What can fail on a large machine and never does here. */
static void *memfd_world_store(struct xa_state *xas, void *entry)
{
	if (luokit_hook("xas_store()")) {
		xas_set_err(xas, -EIO);
		return NULL;
	}

	return xas_store(xas, entry);
}

/* There is no hugetlbfs: what has a block size as of its files is taken for one of them. */
#undef is_file_hugepages
#define is_file_hugepages(file)	(file_inode(file)->i_blkbits == PMD_SHIFT)

static bool memfd_world_shmem_file(struct file *file)
{
	return !is_file_hugepages(file) && shmem_file(file);
}

#define shmem_file		memfd_world_shmem_file

/* The so many-th of the next folios is found to have as many references as can be. */
static unsigned int memfd_world_overflown;

#define try_grab_folio(folio, refs, flags)				\
	(memfd_world_overflown && !--memfd_world_overflown ? -ENOMEM :	\
	 (try_grab_folio)(folio, refs, flags))

#define xas_store		memfd_world_store
#define fatal_signal_pending(task) \
	(luokit_hook("a signal that kills") || (fatal_signal_pending)(task))
#define mem_cgroup_charge(folio, mm, gfp) \
	(luokit_hook("mem_cgroup_charge()") ?: (mem_cgroup_charge)(folio, mm, gfp))
#define shmem_inode_acct_blocks(inode, pages) \
	(luokit_hook("shmem_inode_acct_blocks()") ?: (shmem_inode_acct_blocks)(inode, pages))
#define memfd_add_seals(file, seals) \
	(luokit_hook("memfd_add_seals()") ?: (memfd_add_seals)(file, seals))
#define memfd_pin_folios(...) \
	(luokit_hook("memfd_pin_folios()") ?: (memfd_pin_folios)(__VA_ARGS__))

#include "memfd_luo.c"
#include "memfd_pin.c"
#include "memfd_fill.c"
#include "memfd_v2.c"

/* As if mm/memfd_luo.c were not there, which the kit's worlds can have. */
static int __init memfd_world_boot(void)
{
	memfd_replace = true;
	return 0;
}
core_initcall(memfd_world_boot);

#endif /* _MEMFD_SDK_WORLD_H */
