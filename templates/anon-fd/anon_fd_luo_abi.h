/* SPDX-License-Identifier: GPL-2.0 */
/*
 * anon_fd_luo_abi.h - what a live update saves of an anon_fd file. ABI between
 * kernels: a changed layout needs a new version, see luosdk/state.h.
 */
#ifndef _ANON_FD_LUO_ABI_H
#define _ANON_FD_LUO_ABI_H

#include <linux/build_bug.h>
#include <linux/types.h>

#include "anon_fd.h"

/*
 * The compatible string of the handler, known to both kernels.
 *
 * Yours: a name that nobody else has, at most 47 bytes long. Once released it never changes:
 * a kernel that does not know it loses every session. Formats under it have versions.
 */
#define ANON_FD_LUO_FH_COMPATIBLE	"luosdk-anon-fd-v1"

/**
 * struct anon_fd_luo_ser - Saved state of one file.
 * @file_flags: Access mode and O_NONBLOCK of the file, as they are at freeze.
 * @len:        How many bytes of @text are in use.
 * @text:       The contents.
 */
struct anon_fd_luo_ser {
	/* Yours: fixed-width fields, without padding and without pointers. */
	u32 file_flags;
	u32 len;
	u8 text[ANON_FD_BYTES];
};

static_assert(sizeof(struct anon_fd_luo_ser) == 8 + ANON_FD_BYTES);

#endif /* _ANON_FD_LUO_ABI_H */
