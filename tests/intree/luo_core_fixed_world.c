// SPDX-License-Identifier: GPL-2.0
/*
 * LUO's core with the patches of patches/upstream, see luo_core_world.c.
 */
#define LUO_CORE_WORLD luo_core_fixed_world
#include "luo_core_world.c"
