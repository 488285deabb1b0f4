/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What luo_core_kunit.c and its worlds share.
 */
#ifndef LUO_CORE_KUNIT_H
#define LUO_CORE_KUNIT_H

#include <linux/fs.h>

extern const struct file_operations luo_core_fops;

/**
 * struct luo_core - what the handler's callbacks do, and what they did
 * @preserve: what the callbacks of that name return.
 * @freeze: the same for freeze.
 * @retrieve: the same for retrieve.
 * @flb_retrieve: the same for the FLB.
 * @has_flb: from the next boot on the handler has an FLB.
 * @uses_flb: a file's retrieve needs the FLB.
 * @flb_preserved: how often the FLB was preserved.
 * @flb_unpreserved: unpreserved.
 * @flb_retrieved: retrieved.
 * @flb_finished: finished.
 */
struct luo_core {
	int preserve, freeze, retrieve, flb_retrieve;
	bool has_flb, uses_flb;
	unsigned int flb_preserved, flb_unpreserved, flb_retrieved, flb_finished;
};

extern struct luo_core *luo_core;

/* The way into a world. */
struct luo_core_way {
	int (*hold)(void);		/* take a reference to the outgoing FLB */
	void (*let_go)(void);
	long (*ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
};

#endif /* LUO_CORE_KUNIT_H */
