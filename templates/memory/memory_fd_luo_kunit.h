/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memory_fd_luo_kunit.h - what the tests need of the driver beyond what LUO sees.
 */
#ifndef _MEMORY_FD_LUO_KUNIT_H
#define _MEMORY_FD_LUO_KUNIT_H

#include <linux/types.h>

struct file;
struct luokit_world;
struct page;

/* LUO's core and the driver. */
extern const struct luokit_world memory_fd_luo_world;

/* Yours: static functions of memory_fd.c that the tests call, or what stands for them. */
struct memory_fd_way {
	struct file *(*create)(unsigned long nr_pages, u32 flags);
	unsigned long (*nr_pages)(struct file *file);
	/* What a mapping shows; NULL behind the last page. */
	void *(*page)(struct file *file, unsigned long index);
	int (*grow)(struct file *file, unsigned long more);
	/* Turn the order of the pages, so that no two neighbours are side by side. */
	void (*turn)(struct file *file);
};

#endif /* _MEMORY_FD_LUO_KUNIT_H */
