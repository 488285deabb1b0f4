// SPDX-License-Identifier: GPL-2.0
/*
 * libfdt.c - the part of the kernel's libfdt that reads, for a module that uses luosdk/fdt.h.
 *
 * The kernel has it, in lib/, and does not export it. sdk/Kbuild.include compiles this into
 * each module that asks for it, from the source that the kernel's own is compiled from, so a
 * fix there is a fix here. Other modules do not see it: nothing is exported here either.
 */
#include <linux/libfdt_env.h>

/* From the kernel's scripts/dtc/libfdt. */
#include "fdt.c"
#include "fdt_ro.c"
#include "fdt_strerror.c"
#ifdef LUOSDK_LIBFDT_WRITES
#include "fdt_sw.c"
#endif
