/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hand_written_luo_abi.h - what a live update saves of a hand_written file. ABI between
 * kernels: another layout needs another version.
 */
#ifndef _HAND_WRITTEN_LUO_ABI_H
#define _HAND_WRITTEN_LUO_ABI_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include "hand_written.h"

/*
 * The compatible string of the handler, known to both kernels.
 *
 * Yours: what your driver is called, with your project in front. It never changes.
 */
#define HAND_WRITTEN_LUO_FH_COMPATIBLE	"luosdk-hand-written-v1"

/* Yours: a number of your own, by which no other driver's memory is taken for this one's. */
#define HAND_WRITTEN_LUO_MAGIC		0x6c757762
#define HAND_WRITTEN_LUO_VERSION	1

/**
 * struct hand_written_luo_ser - Saved state of one file; a page of its own.
 * @magic:      HAND_WRITTEN_LUO_MAGIC.
 * @version:    HAND_WRITTEN_LUO_VERSION.
 * @bytes:      The size of this struct.
 * @checksum:   CRC32C of all that follows.
 * @file_flags: Access mode and O_NONBLOCK of the file, as they are at freeze.
 * @len:        How many bytes of @text are in use.
 * @text:       The contents.
 *
 * Yours: what stands behind @checksum. Fixed-width fields, no padding, no pointers.
 */
struct hand_written_luo_ser {
	u32 magic;
	u32 version;
	u32 bytes;
	u32 checksum;
	u32 file_flags;
	u32 len;
	u8 text[HAND_WRITTEN_BYTES];
};

static_assert(sizeof(struct hand_written_luo_ser) == 24 + HAND_WRITTEN_BYTES);
static_assert(offsetof(struct hand_written_luo_ser, file_flags) == 16);

#endif /* _HAND_WRITTEN_LUO_ABI_H */
