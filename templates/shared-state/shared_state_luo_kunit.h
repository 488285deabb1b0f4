/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shared_state_luo_kunit.h - what the tests need of the driver beyond what LUO sees.
 */
#ifndef _SHARED_STATE_LUO_KUNIT_H
#define _SHARED_STATE_LUO_KUNIT_H

#include <linux/types.h>

struct file;
struct luokit_world;

/* LUO's core and the driver. */
extern const struct luokit_world shared_state_luo_world;

/* Yours: static functions of shared_state.c that the tests call, or what stands for them. */
struct shared_state_way {
	/* A file with an id of its own, and one with a given id. */
	struct file *(*create_new)(u32 flags);
	struct file *(*create)(u64 id, u32 flags);
	u64 (*id)(struct file *file);
	/* The id that is next, and how to have it be another one. */
	u64 (*next)(void);
	void (*advance)(u64 next);
	/* Where LUO has the shared state, and where the copy of it is that counts. */
	u64 (*handle)(void);
	u64 (*copy)(void);
	size_t (*leaked)(void);
};

#endif /* _SHARED_STATE_LUO_KUNIT_H */
