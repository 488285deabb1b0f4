/* SPDX-License-Identifier: GPL-2.0 */
/*
 * eventfd_luo_abi.h - what the eventfd handler saves. ABI between kernels.
 *
 * A change of this layout needs a new version and an upgrade step, see
 * luosdk/state.h. The golden bytes are in eventfd_luo_kunit.c.
 */
#ifndef _EVENTFD_LUO_ABI_H
#define _EVENTFD_LUO_ABI_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

/* The compatible string of the handler, known to both kernels. */
#define EVENTFD_LUO_FH_COMPATIBLE	"luosdk-eventfd-v1"

/**
 * struct eventfd_luo_ser - Saved state of an eventfd.
 * @flags:      EFD_SEMAPHORE or nothing.
 * @file_flags: O_NONBLOCK or nothing, as it is at freeze.
 * @count:      The counter. Outside the checksum: it is written until the very
 *              last moment of the old kernel.
 */
struct eventfd_luo_ser {
	u32 flags;
	u32 file_flags;
	u64 count;
};

static_assert(sizeof(struct eventfd_luo_ser) == 16);
static_assert(offsetof(struct eventfd_luo_ser, flags) == 0);
static_assert(offsetof(struct eventfd_luo_ser, file_flags) == 4);
static_assert(offsetof(struct eventfd_luo_ser, count) == 8);

#endif /* _EVENTFD_LUO_ABI_H */
