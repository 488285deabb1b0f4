// SPDX-License-Identifier: GPL-2.0
/*
 * char_device_luo_alone_world.c - the same on a kernel whose handlers cannot look up other
 * files; its Kbuild says so.
 */
#define CHAR_DEVICE_WORLD	char_device_luo_alone_world
#include "char_device_luo_world.c"
