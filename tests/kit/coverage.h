/* SPDX-License-Identifier: GPL-2.0 */
/* What coverage.c uses of compiler-rt, as its profile/instr_prof_interface.h declares it. */
#ifndef LUOKIT_COVERAGE_H
#define LUOKIT_COVERAGE_H

#include <linux/types.h>

u64 __llvm_profile_get_size_for_buffer(void);
int __llvm_profile_write_buffer(char *buffer);

#endif /* LUOKIT_COVERAGE_H */
