// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: a world without any handler but the stub, and whose core does not notice a file
 * preserved twice.
 */
#define LUOKIT_NO_CORE_XARRAY
#include <luokit_world.h>

LUOKIT_WORLD(bare_core_world);
