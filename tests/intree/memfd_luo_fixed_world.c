// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own handler with the patches of patches/upstream; the Kbuild beside this file
 * sees to it that the copy is found.
 */
#include <luokit_world.h>
#include <mm/memfd_luo.c>

LUOKIT_WORLD(memfd_luo_fixed_world);
