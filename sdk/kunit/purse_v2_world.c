// SPDX-License-Identifier: GPL-2.0
/* A kernel whose files share the purse of purse.h; which one, is said there. */
#include <luokit_world.h>
#define PURSE_VERSION	2
#include "purse.c"

LUOKIT_WORLD(purse_v2_world, .private = &purse_way);
