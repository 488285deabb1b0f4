// SPDX-License-Identifier: GPL-2.0
/* A kernel with the handlers of shelf.h, of which they do not know that it has look-ups. */
#include <luokit_world.h>
#include "shelf.c"

static const struct shelf_way shelf_way = { SHELF_WAY };

LUOKIT_WORLD(shelf_alone_world, .private = &shelf_way);
