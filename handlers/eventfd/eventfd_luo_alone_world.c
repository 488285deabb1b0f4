// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel whose core does not notice a file that is preserved twice, like 6.19
 * and 7.0: the handler's guard is alone.
 */
#define LUOKIT_NO_CORE_XARRAY
#include <luokit_world.h>
#include "eventfd_luo.c"

LUOKIT_WORLD(eventfd_luo_alone_world, .private = &eventfd_luo_handler);
