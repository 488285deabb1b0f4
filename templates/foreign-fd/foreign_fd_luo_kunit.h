/* SPDX-License-Identifier: GPL-2.0 */
/*
 * foreign_fd_luo_kunit.h - what the tests need of the handler beyond what LUO sees.
 */
#ifndef _FOREIGN_FD_LUO_KUNIT_H
#define _FOREIGN_FD_LUO_KUNIT_H

#include <linux/types.h>

struct luokit_world;
struct vfsmount;

/* LUO's core and the handler. */
extern const struct luokit_world foreign_fd_luo_world;

/* Yours: static functions of foreign_fd_luo.c that the tests call, or what stands for them. */
struct foreign_fd_way {
	struct vfsmount *(*mnt)(void);
	size_t (*leaked)(void);
};

#endif /* _FOREIGN_FD_LUO_KUNIT_H */
