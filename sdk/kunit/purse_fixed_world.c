// SPDX-License-Identifier: GPL-2.0
/* A kernel whose files share the purse of purse.h; which one, is said there. */
#include <luokit_world.h>
#include "purse.c"

LUOKIT_WORLD(purse_fixed_world, .private = &purse_way);
