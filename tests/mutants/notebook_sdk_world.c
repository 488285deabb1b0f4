// SPDX-License-Identifier: GPL-2.0
/* A kernel with notebooks, whose handler uses the header layer. */
#define NOTEBOOK_SDK
#include <luokit_world.h>
#include "notebook_world.h"

LUOKIT_WORLD(notebook_sdk_world, .private = &notebook_way);
