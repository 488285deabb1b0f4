/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memfd_luo_kunit.h - the kernels that the memfd handler's suites run on.
 */
#ifndef _MEMFD_LUO_KUNIT_H
#define _MEMFD_LUO_KUNIT_H

#include <linux/types.h>

struct kernel_param_ops;
struct liveupdate_file_handler;
struct luokit_world;
struct luosdk_handler;

/* With the handler of this folder; the same, told to write memfd-v2. */
extern const struct luokit_world memfd_sdk_world, memfd_sdk_v2_world;

/* With mm/memfd_luo.c of the tree under test. */
extern const struct luokit_world memfd_kernel_world;

/* What the tests see of the first two. */
struct memfd_world_private {
	/* The handler's init once more, as in such a kernel, and its exit. */
	int (*init)(bool luo, bool enabled, bool replace);
	void (*exit)(void);
	struct luosdk_handler *handler;
	struct liveupdate_file_handler *v2;
	/* Which of the next folios cannot be pinned where it is found; 1 is the first. */
	unsigned int *overflown;
	/* Not a static of the test's: it starts anew with each kernel. */
	unsigned int *format;
	const struct kernel_param_ops *format_ops;
};

#endif /* _MEMFD_LUO_KUNIT_H */
