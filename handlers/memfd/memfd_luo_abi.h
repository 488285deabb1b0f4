/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memfd_luo_abi.h - what the memfd handler saves. ABI between kernels.
 *
 * A change of this layout needs a new version and an upgrade step, see
 * luosdk/state.h. The golden bytes are in memfd_luo_kunit.c. The format of the
 * kernel's own handler is in linux/kho/abi/memfd.h.
 */
#ifndef _MEMFD_LUO_SDK_ABI_H
#define _MEMFD_LUO_SDK_ABI_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <luosdk/folios.h>

/* The compatible string of the handler, known to both kernels. */
#define MEMFD_LUO_SDK_COMPATIBLE	"luosdk-memfd-v1"

/**
 * struct memfd_luo_attrs - Everything of a memfd but its content.
 * @pos:        The position, not negative.
 * @size:       The size in bytes.
 * @seals:      F_SEAL_* as they are at freeze. Those are uapi.
 * @mode:       The permission bits of the inode: 07777.
 * @uid:        Its owner, as the initial user namespace has it.
 * @gid:        Its group, the same.
 * @file_flags: O_APPEND, O_NONBLOCK, O_NOATIME or nothing, as they are at freeze.
 * @reserved:   Zero.
 */
struct memfd_luo_attrs {
	u64 pos;
	u64 size;
	u32 seals;
	u32 mode;
	u32 uid;
	u32 gid;
	u32 file_flags;
	u32 reserved;
};

static_assert(sizeof(struct memfd_luo_attrs) == 40);
static_assert(offsetof(struct memfd_luo_attrs, pos) == 0);
static_assert(offsetof(struct memfd_luo_attrs, size) == 8);
static_assert(offsetof(struct memfd_luo_attrs, seals) == 16);
static_assert(offsetof(struct memfd_luo_attrs, mode) == 20);
static_assert(offsetof(struct memfd_luo_attrs, uid) == 24);
static_assert(offsetof(struct memfd_luo_attrs, gid) == 28);
static_assert(offsetof(struct memfd_luo_attrs, file_flags) == 32);
static_assert(offsetof(struct memfd_luo_attrs, reserved) == 36);

/**
 * struct memfd_luo_state - Saved state of a memfd.
 * @attrs:  What it is.
 * @folios: Its memory, in the order of the file.
 */
struct memfd_luo_state {
	struct memfd_luo_attrs attrs;
	struct luosdk_folios_ser folios;
};

static_assert(sizeof(struct memfd_luo_state) == 40 + sizeof(struct luosdk_folios_ser));
static_assert(offsetof(struct memfd_luo_state, folios) == 40);

#endif /* _MEMFD_LUO_SDK_ABI_H */
