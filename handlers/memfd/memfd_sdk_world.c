// SPDX-License-Identifier: GPL-2.0
/* A kernel with the memfd handler, and without the kernel's own. */
#ifndef MEMFD_SDK_WORLD
#define MEMFD_SDK_WORLD memfd_sdk_world
#define MEMFD_LARGE_FOLIOS
#endif

#include "memfd_sdk_world.h"
#include "memfd_luo_kunit.h"

static const struct memfd_world_private memfd_world_private = {
	.handler = &memfd_luo_handler,
	.format = &memfd_format,
	.format_ops = &memfd_format_ops,
};

LUOKIT_WORLD(MEMFD_SDK_WORLD, .private = &memfd_world_private);
