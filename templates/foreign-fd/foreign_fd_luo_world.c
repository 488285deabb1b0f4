// SPDX-License-Identifier: GPL-2.0
/*
 * foreign_fd_luo_world.c - a kernel with the handler, and the test's way to what is static
 * in it.
 */
#include <luokit_world.h>
#include "foreign_fd_luo.c"

#include "foreign_fd_luo_kunit.h"

static struct vfsmount *foreign_fd_the_mnt(void)
{
	return foreign_fd_mnt;
}

static size_t foreign_fd_leaked(void)
{
	return luosdk_stats_read(&foreign_fd_luo_handler.stats, LUOSDK_STAT_LEAKED);
}

static const struct foreign_fd_way foreign_fd_way = {
	.mnt = foreign_fd_the_mnt,
	.leaked = foreign_fd_leaked,
};

LUOKIT_WORLD(foreign_fd_luo_world, .private = &foreign_fd_way);
