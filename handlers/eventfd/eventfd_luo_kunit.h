/* SPDX-License-Identifier: GPL-2.0 */
/*
 * eventfd_luo_kunit.h - the kernel that the eventfd handler's suites run on.
 */
#ifndef _EVENTFD_LUO_KUNIT_H
#define _EVENTFD_LUO_KUNIT_H

struct luokit_world;

/* LUO's core and the handler. */
extern const struct luokit_world eventfd_luo_world;

#endif /* _EVENTFD_LUO_KUNIT_H */
