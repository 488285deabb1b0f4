// SPDX-License-Identifier: GPL-2.0
/* The vfio stub on a kernel without patches/7.3/0004; its Kbuild says so to luosdk/compat.h. */
#define VFIO_STUB_WORLD vfio_stub_alone_world
#include "vfio_stub_world.c"
