// SPDX-License-Identifier: GPL-2.0
/* A kernel with the memfd handler, and without the kernel's own. */
#ifndef MEMFD_SDK_WORLD
#define MEMFD_SDK_WORLD memfd_sdk_world
#define MEMFD_LARGE_FOLIOS
#endif

#include "memfd_sdk_world.h"

LUOKIT_WORLD(MEMFD_SDK_WORLD, .private = &memfd_world_private);
