/* SPDX-License-Identifier: GPL-2.0 */
/*
 * anon_fd_luo_kunit.h - what the tests need of the driver beyond what LUO sees.
 */
#ifndef _ANON_FD_LUO_KUNIT_H
#define _ANON_FD_LUO_KUNIT_H

#include <linux/types.h>

struct file;
struct luokit_world;

/* LUO's core and the driver. */
extern const struct luokit_world anon_fd_luo_world;

/* Yours: static functions of anon_fd.c that the tests call, or what stands for them. */
struct anon_fd_way {
	struct file *(*create)(const u8 *text, u32 len, u32 flags);
	void (*get)(struct file *file, u8 *text, u32 *len);
	int (*set)(struct file *file, const u8 *text, u32 len);
	size_t (*leaked)(void);
};

#endif /* _ANON_FD_LUO_KUNIT_H */
