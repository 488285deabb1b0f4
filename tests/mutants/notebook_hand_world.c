// SPDX-License-Identifier: GPL-2.0
/* A kernel with notebooks, whose handler was written by hand. */
#include <luokit_world.h>
#include "notebook_world.h"

LUOKIT_WORLD(notebook_hand_world, .private = &notebook_way);
