/* SPDX-License-Identifier: GPL-2.0 */
/*
 * foreign_fd_luo_abi.h - what a live update saves of a file. ABI between kernels: a
 * changed layout needs a new version, see luosdk/state.h.
 */
#ifndef _FOREIGN_FD_LUO_ABI_H
#define _FOREIGN_FD_LUO_ABI_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

/*
 * The compatible string of the handler, known to both kernels.
 *
 * Yours: a name that nobody else has, at most 47 bytes long. Once released it never changes:
 * a kernel that does not know it loses every session. Formats under it have versions.
 */
#define FOREIGN_FD_LUO_FH_COMPATIBLE	"luosdk-foreign-fd-v1"

/* Longer files are refused. Four states share a page. */
#define FOREIGN_FD_BYTES		960

/**
 * struct foreign_fd_luo_ser - Saved state of one file.
 * @pos:        The position, as it is at freeze.
 * @file_flags: O_NONBLOCK and O_APPEND of the file, as they are at freeze.
 * @len:        How many bytes of @data are in use.
 * @data:       The contents.
 */
struct foreign_fd_luo_ser {
	/* Yours: fixed-width fields, without padding and without pointers. */
	u64 pos;
	u32 file_flags;
	u32 len;
	u8 data[FOREIGN_FD_BYTES];
};

static_assert(sizeof(struct foreign_fd_luo_ser) == 16 + FOREIGN_FD_BYTES);
static_assert(offsetof(struct foreign_fd_luo_ser, data) == 16);

#endif /* _FOREIGN_FD_LUO_ABI_H */
