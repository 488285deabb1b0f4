// SPDX-License-Identifier: GPL-2.0
/* A kernel with the memfd handler, and without the kernel's own. */
#ifndef MEMFD_SDK_WORLD
#define MEMFD_SDK_WORLD memfd_sdk_world
#define MEMFD_LARGE_FOLIOS
#endif

#include "memfd_sdk_world.h"
#include "memfd_luo_kunit.h"

/* The kernel's parameters, and whether it was booted with live update. */
static int memfd_world_init(bool luo, bool enabled, bool replace)
{
	int err;

	memfd_enabled = enabled;
	memfd_replace = replace;
	luo_global.enabled = luo;
	err = memfd_luo_init();
	luo_global.enabled = true;

	return err;
}

static const struct memfd_world_private memfd_world_private = {
	.init = memfd_world_init,
	.exit = memfd_luo_exit,
	.handler = &memfd_luo_handler,
	.v2 = &memfd_v2_handler,
	.overflown = &memfd_world_overflown,
	.format = &memfd_format,
	.format_ops = &memfd_format_ops,
};

LUOKIT_WORLD(MEMFD_SDK_WORLD, .private = &memfd_world_private);
