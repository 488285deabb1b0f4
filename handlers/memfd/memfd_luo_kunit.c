// SPDX-License-Identifier: GPL-2.0
/* placeholder */
#include <kunit/test.h>
#include <luokit_subject.h>
#include "memfd_luo_kunit.h"
#include "memfd_subject.h"

static const struct luokit_subject memfd_sdk_subject = {
	.world = &memfd_sdk_world,
	.states = { MEMFD_SUBJECT_STATES
		{ "scattered", (1200 * PAGE_SIZE + 5) | MEMFD_SCATTERED, .large = true },
		{ "a few scattered", (12 * PAGE_SIZE + 5) | MEMFD_SCATTERED },
	},
	.changes = {
		{ "write", memfd_subject_write },
		{ "lseek", memfd_subject_seek, .until_freeze = true },
		{ "add a seal", memfd_subject_seal, .until_freeze = true },
		{ "truncate", memfd_subject_truncate },
		{ "append", memfd_subject_append },
		{ "punch a hole", memfd_subject_punch },
		{ "chmod", memfd_subject_chmod, .until_freeze = true },
	},
	.make = memfd_subject_make,
	.differ = memfd_subject_differ,
	.twin = memfd_subject_twin,
	.refs = memfd_subject_refs,
	.spoil = memfd_subject_spoil,
};

LUOKIT_CONFORMANCE(memfd_sdk, memfd_sdk_subject);
MODULE_DESCRIPTION("KUnit tests of the memfd live update handler");
MODULE_LICENSE("GPL");
