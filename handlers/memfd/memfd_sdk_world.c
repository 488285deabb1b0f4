// SPDX-License-Identifier: GPL-2.0
/* A kernel with the memfd handler, and without the kernel's own. */
#ifndef MEMFD_SDK_WORLD
#define MEMFD_SDK_WORLD memfd_sdk_world
#endif

#include <luokit_world.h>
#include "memfd_luo.c"
#include "memfd_pin.c"
#include "memfd_fill.c"
#include "memfd_v2.c"

#include "memfd_luo_kunit.h"

static const struct memfd_world_private memfd_world_private = {
	.handler = &memfd_luo_handler,
	.format = &memfd_format,
};

/* As if mm/memfd_luo.c were not there, which the kit's worlds can have. */
static int __init memfd_world_boot(void)
{
	memfd_replace = true;
	return 0;
}
core_initcall(memfd_world_boot);

LUOKIT_WORLD(MEMFD_SDK_WORLD, .private = &memfd_world_private);
