// SPDX-License-Identifier: GPL-2.0
/* A kernel with the memfd handler, booted with luosdk_memfd.format=memfd-v2. */
#define MEMFD_SDK_WORLD memfd_sdk_v2_world
#include "memfd_sdk_world.c"

static int __init memfd_v2_boot(void)
{
	return memfd_format_set("memfd-v2", NULL);
}
core_initcall(memfd_v2_boot);
