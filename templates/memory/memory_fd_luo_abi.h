/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memory_fd_luo_abi.h - what a live update saves of a file. ABI between kernels: a changed
 * layout needs a new version, see luosdk/state.h.
 */
#ifndef _MEMORY_FD_LUO_ABI_H
#define _MEMORY_FD_LUO_ABI_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <luosdk/folios.h>

/*
 * The compatible string of the handler, known to both kernels.
 *
 * Yours: a name that nobody else has, at most 47 bytes long. Once released it never changes:
 * a kernel that does not know it loses every session. Formats under it have versions.
 */
#define MEMORY_FD_LUO_FH_COMPATIBLE	"luosdk-memory-fd-v1"

/**
 * struct memory_fd_luo_ser - Saved state of one file.
 * @pos:        The position, as it is at freeze.
 * @file_flags: Access mode and O_NONBLOCK of the file, as they are at freeze.
 * @nr_pages:   How many pages the file has.
 * @folios:     Which they are. They stay where they are, so the contents need no more.
 */
struct memory_fd_luo_ser {
	/* Yours: fixed-width fields, without padding and without pointers. */
	u64 pos;
	u32 file_flags;
	u32 nr_pages;
	struct luosdk_folios_ser folios;
};

static_assert(sizeof(struct memory_fd_luo_ser) == 16 + sizeof(struct luosdk_folios_ser));
static_assert(offsetof(struct memory_fd_luo_ser, folios) == 16);

#endif /* _MEMORY_FD_LUO_ABI_H */
