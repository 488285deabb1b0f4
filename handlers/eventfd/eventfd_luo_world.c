// SPDX-License-Identifier: GPL-2.0
/* A kernel with the eventfd handler. */
#include <luokit_world.h>
#include "eventfd_luo.c"

LUOKIT_WORLD(eventfd_luo_world, .private = &eventfd_luo_handler);
