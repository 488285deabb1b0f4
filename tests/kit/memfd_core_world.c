// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: a world with the kernel's own memfd handler, for the tests of the kit.
 */
#include <luokit_world.h>
#include <mm/memfd_luo.c>

LUOKIT_WORLD(memfd_core_world);
