/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shared_state_luo_abi.h - what a live update saves of shared_state files, and of what they
 * share. ABI between kernels: a changed layout needs a new version, see luosdk/state.h.
 */
#ifndef _SHARED_STATE_LUO_ABI_H
#define _SHARED_STATE_LUO_ABI_H

#include <linux/build_bug.h>
#include <linux/types.h>

/*
 * The compatible strings, known to both kernels: of the handler, and of what its files share.
 *
 * Yours: what your driver is called, with your project in front. They never change; formats
 * under them have versions.
 */
#define SHARED_STATE_LUO_FH_COMPATIBLE	"luosdk-shared-state-v1"
#define SHARED_STATE_LUO_FLB_COMPATIBLE	"luosdk-shared-state-ids-v1"

/**
 * struct shared_state_luo_ser - Saved state of one file.
 * @id:         Its id, not 0.
 * @file_flags: Access mode and O_NONBLOCK of the file, as they are at freeze.
 * @reserved:   0.
 *
 * Yours: what each file has for itself. Fixed-width fields, no padding.
 */
struct shared_state_luo_ser {
	u64 id;
	u32 file_flags;
	u32 reserved;
};

static_assert(sizeof(struct shared_state_luo_ser) == 16);

/**
 * struct shared_state_ids_luo_ser - Saved state of what all files share.
 * @next: The id that the next file gets, not 0.
 *
 * Yours: what they share.
 */
struct shared_state_ids_luo_ser {
	u64 next;
};

static_assert(sizeof(struct shared_state_ids_luo_ser) == 8);

#endif /* _SHARED_STATE_LUO_ABI_H */
