// SPDX-License-Identifier: GPL-2.0
/*
 * note_kunit.c - tests of luosdk/note.h: a layout's number tells layouts apart, and the notes
 * are in the kernel's image as they should be.
 *
 * The program that reads them is tested by tests/scripts/test_preflight.py.
 */

#include <kunit/test.h>
#include <linux/align.h>
#include <linux/elf.h>
#include <linux/string.h>
#include <luosdk/note.h>

#include "note.h"

struct note_base {
	u32 uid;
	u32 gid;
	u64 count;
	u8 name[8];
};

#define NOTE_BASE	LUOSDK_LAYOUT(struct note_base, uid, gid, count, name)

static void note_same_layout(struct kunit *test)
{
	struct note_again {
		u32 uid;
		u32 gid;
		u64 count;
		u8 name[8];
	};
	struct note_nested {
		struct {
			u32 uid;
			u32 gid;
		} owner;
		u64 count;
		u8 name[8];
	};

	KUNIT_EXPECT_EQ(test, NOTE_BASE, LUOSDK_LAYOUT(struct note_again, uid, gid, count, name));
	/* In whichever order the fields are listed. */
	KUNIT_EXPECT_EQ(test, NOTE_BASE, LUOSDK_LAYOUT(struct note_base, name, count, gid, uid));
	/* A nested struct counts as a whole, or by its fields; those are two layouts. */
	KUNIT_EXPECT_NE(test, LUOSDK_LAYOUT(struct note_nested, owner, count, name),
			LUOSDK_LAYOUT(struct note_nested, owner.uid, owner.gid, count, name));
}

/* Kernels that were built years apart compare these: the number of a layout is ABI. */
static void note_golden_layout(struct kunit *test)
{
	struct note_kinds {
		u64 a;
		s64 b;
		u32 c;
		s32 d;
		u16 e;
		s16 f;
		u8 g;
		s8 h;
		bool i;
		char j;
		u32 words[2];
		char text[8];
	};

	KUNIT_EXPECT_EQ(test, NOTE_BASE, 0x45daed9f);
	KUNIT_EXPECT_EQ(test, LUOSDK_LAYOUT(struct note_kinds, a, b, c, d, e, f, g, h, i, j,
					    words, text), 0xa4e2a127);
}

static void note_other_layouts(struct kunit *test)
{
	struct note_swapped {
		u32 gid;
		u32 uid;
		u64 count;
		u8 name[8];
	};
	struct note_moved {
		u64 count;
		u32 uid;
		u32 gid;
		u8 name[8];
	};
	struct note_resized {
		u32 uid;
		u32 gid;
		u32 count;
		u8 name[12];
	};
	struct note_added {
		u32 uid;
		u32 gid;
		u64 count;
		u8 name[8];
		u64 more;
	};
	struct note_split {
		u32 uid;
		u32 gid;
		u64 count;
		u8 name[4];
		u32 more;
	};
	struct note_renamed {
		u32 uid;
		u32 gid;
		u64 total;
		u8 name[8];
	};
	struct note_signed {
		s32 uid;
		u32 gid;
		u64 count;
		u8 name[8];
	};
	struct note_words {
		u32 uid;
		u32 gid;
		u64 count;
		u16 name[4];
	};
	const u32 layouts[] = {
		NOTE_BASE,
		LUOSDK_LAYOUT(struct note_swapped, gid, uid, count, name),
		LUOSDK_LAYOUT(struct note_moved, count, uid, gid, name),
		LUOSDK_LAYOUT(struct note_resized, uid, gid, count, name),
		LUOSDK_LAYOUT(struct note_added, uid, gid, count, name, more),
		LUOSDK_LAYOUT(struct note_split, uid, gid, count, name, more),
		LUOSDK_LAYOUT(struct note_renamed, uid, gid, total, name),
		LUOSDK_LAYOUT(struct note_signed, uid, gid, count, name),
		LUOSDK_LAYOUT(struct note_words, uid, gid, count, name),
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		KUNIT_EXPECT_NE(test, layouts[i], 0);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE_MSG(test, layouts[i], layouts[j], "%u and %u", i, j);
	}
}

/* The note that is about @compat in this kernel, and how often it is there. */
static const u32 *note_find(const char *compat, u32 type, unsigned int *times)
{
	const char *at = __start_notes;
	const u32 *found = NULL;

	*times = 0;
	while (at + sizeof(struct elf32_note) <= __stop_notes) {
		const struct elf32_note *note = (const void *)at;
		const char *owner = (const char *)(note + 1);
		const u32 *desc = (const void *)(owner + ALIGN(note->n_namesz, 4));

		at = (const char *)desc + ALIGN(note->n_descsz, 4);
		if (note->n_namesz != sizeof("luosdk") || strcmp(owner, "luosdk") ||
		    note->n_type != type || note->n_descsz < 28 + strlen(compat) + 1 ||
		    strcmp((const char *)(desc + 7), compat))
			continue;
		found = desc;
		++*times;
	}

	return found;
}

/* A type that scripts/preflight does not know: no handler is behind it. */
#define NOTE_TEST	77

static void note_in_the_image(struct kunit *test)
{
	unsigned int times;
	const u32 *desc;

	LUOSDK_NOTE(NOTE_TEST, "luosdk-note-test-v1", 0x11223344, BIT(31) | 7, 3,
		    sizeof(struct note_base), offsetof(struct note_base, name), NOTE_BASE);

	if (IS_ENABLED(MODULE))
		kunit_skip(test, "a module cannot find its notes");

	desc = note_find("luosdk-note-test-v1", NOTE_TEST, &times);
	KUNIT_ASSERT_NOT_NULL(test, desc);
	KUNIT_EXPECT_EQ(test, times, 1);
	KUNIT_EXPECT_EQ(test, desc[0], LUOSDK_NOTE_FORM);
	KUNIT_EXPECT_EQ(test, desc[1], 0x11223344);
	KUNIT_EXPECT_EQ(test, desc[2], 0x80000007);
	KUNIT_EXPECT_EQ(test, desc[3], 3);
	KUNIT_EXPECT_EQ(test, desc[4], 24);
	KUNIT_EXPECT_EQ(test, desc[5], 16);
	KUNIT_EXPECT_EQ(test, desc[6], NOTE_BASE);
}

/* Handlers that are only in worlds are none that this kernel could offer a file to. */
static void note_none_of_worlds(struct kunit *test)
{
	unsigned int times;

	if (IS_ENABLED(MODULE))
		kunit_skip(test, "a module cannot find the kernel's notes");

	KUNIT_EXPECT_NULL(test, note_find("luosdk-widget-v1", LUOSDK_NOTE_FILE, &times));
	KUNIT_EXPECT_NULL(test, note_find("luosdk-eventfd-v1", LUOSDK_NOTE_FILE, &times));
}

static struct kunit_case luosdk_note_cases[] = {
	KUNIT_CASE(note_same_layout),
	KUNIT_CASE(note_golden_layout),
	KUNIT_CASE(note_other_layouts),
	KUNIT_CASE(note_in_the_image),
	KUNIT_CASE(note_none_of_worlds),
	{}
};

static struct kunit_suite luosdk_note_suite = {
	.name = "luosdk_note",
	.test_cases = luosdk_note_cases,
};

kunit_test_suite(luosdk_note_suite);

MODULE_DESCRIPTION("KUnit tests of luosdk/note.h");
MODULE_LICENSE("GPL");
