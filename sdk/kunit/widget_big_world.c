// SPDX-License-Identifier: GPL-2.0
/* A kernel with the handler of widget.h; which one, is said there. */
#include <luokit_world.h>
#define WIDGET_BALLAST	3000
#include "widget.c"

LUOKIT_WORLD(widget_big_world, .private = &widget_way);
