// SPDX-License-Identifier: GPL-2.0
/* luokit: a world without any handler but the stub. */
#include <luokit_world.h>

LUOKIT_WORLD(bare_core_world);
