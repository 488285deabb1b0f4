// SPDX-License-Identifier: GPL-2.0
/* A kernel with the handler of widget.h; which one, is said there. */
#include <luokit_world.h>
#include "widget.c"

LUOKIT_WORLD(widget_world, .private = &widget_way);
