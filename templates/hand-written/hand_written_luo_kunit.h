/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hand_written_luo_kunit.h - what the tests need of the driver beyond what LUO sees.
 */
#ifndef _HAND_WRITTEN_LUO_KUNIT_H
#define _HAND_WRITTEN_LUO_KUNIT_H

#include <linux/types.h>

struct file;
struct hand_written_luo_ser;
struct luokit_world;

/* LUO's core and the driver. */
extern const struct luokit_world hand_written_luo_world;

/* Yours: static functions of hand_written.c that the tests call, or what stands for them. */
struct hand_written_way {
	struct file *(*create)(const u8 *text, u32 len, u32 flags);
	void (*get)(struct file *file, u8 *text, u32 *len);
	int (*set)(struct file *file, const u8 *text, u32 len);
	/* Have the checksum fit the rest. */
	void (*seal)(struct hand_written_luo_ser *ser);
};

#endif /* _HAND_WRITTEN_LUO_KUNIT_H */
