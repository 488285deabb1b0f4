/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luokit: the rogue handler of the kit's own tests, in memfd_core_world.c, and how
 * luokit_kunit.c tells it what to do.
 */
#ifndef LUOKIT_ROGUE_H
#define LUOKIT_ROGUE_H

#include <linux/fs.h>
#include <linux/liveupdate.h>

struct luokit_rogue {
	int (*preserve)(struct liveupdate_file_op_args *args);
	void (*unpreserve)(struct liveupdate_file_op_args *args);
	int (*retrieve)(struct liveupdate_file_op_args *args);
	void (*finish)(struct liveupdate_file_op_args *args);
	unsigned int exits;
};

/* Outside of the world, so that a boot does not reset them. */
extern struct luokit_rogue *luokit_rogue;
extern const struct file_operations luokit_rogue_fops;

/* What the world shows of itself. */
struct luokit_rogue_private {
	int (*count)(void);
	int *static_data;
};

#endif /* LUOKIT_ROGUE_H */
