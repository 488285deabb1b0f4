// SPDX-License-Identifier: GPL-2.0
/* A kernel with its own memfd handler and none of ours. */
#include <luokit_world.h>
#include <mm/memfd_luo.c>

LUOKIT_WORLD(memfd_kernel_world, .private = &memfd_luo_handler);
