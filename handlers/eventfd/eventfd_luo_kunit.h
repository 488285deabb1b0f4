/* SPDX-License-Identifier: GPL-2.0 */
/*
 * eventfd_luo_kunit.h - the kernels that the eventfd handler's suite runs on.
 */
#ifndef _EVENTFD_LUO_KUNIT_H
#define _EVENTFD_LUO_KUNIT_H

struct luokit_world;

/* LUO's core as it is, and one that does not notice double preserves. */
extern const struct luokit_world eventfd_luo_world;
extern const struct luokit_world eventfd_luo_alone_world;

#endif /* _EVENTFD_LUO_KUNIT_H */
