// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own handler, as it is in the tree under test.
 */
#include <luokit_world.h>
#include <mm/memfd_luo.c>

LUOKIT_WORLD(memfd_luo_world);
