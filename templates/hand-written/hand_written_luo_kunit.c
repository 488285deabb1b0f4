// SPDX-License-Identifier: GPL-2.0
/*
 * hand_written_luo_kunit.c - tests of the handler, without a reboot.
 *
 * The conformance suite at the end is the greater part: it is told how a file is made,
 * changed and compared, and tries every rule that a handler has to keep. Above it stands
 * what it cannot know: the layout of the saved state, and values in it that no file can
 * have had.
 */

#include <kunit/test.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <luokit_subject.h>

#include "hand_written_luo_abi.h"
#include "hand_written_luo_kunit.h"

static int hand_written_kunit_init(struct kunit *test)
{
	test->priv = luokit_boot(test, &hand_written_luo_world);
	return 0;
}

static const struct hand_written_way *hand_written_way(struct luokit *k)
{
	return luokit_private(k);
}

static struct file *hand_written_make(struct luokit *k, const char *text, u32 flags)
{
	return luokit_own(k, hand_written_way(k)->create(text, strlen(text), flags));
}

/* A state that is intact, and that no file can have had. */
struct hand_written_lie {
	u64 handle;
	struct hand_written_luo_ser ser;
};

static void hand_written_lie_tell(struct luokit *k, void *ctx)
{
	struct hand_written_lie *lie = ctx;
	struct hand_written_luo_ser *ser = phys_to_virt(lie->handle);

	ser->len = lie->ser.len;
	ser->file_flags = lie->ser.file_flags;
	hand_written_way(k)->seal(ser);
}

static void hand_written_impossible_state(struct kunit *test)
{
	/* Yours: whatever restore has to refuse. */
	struct hand_written_lie lies[] = {
		{ .ser = { .len = HAND_WRITTEN_BYTES + 1 } },
		{ .ser = { .len = ~0 } },
		{ .ser = { .file_flags = O_ACCMODE } },
		{ .ser = { .file_flags = O_CREAT } },
	};
	struct luokit *k = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		struct file *s = luokit_create(k, "s");

		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1,
						      hand_written_make(k, "a", O_RDWR)), 0);
		KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &lies[i].handle), 0);
		luokit_between(k, NULL, hand_written_lie_tell, &lies[i]);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luokit_retrieve(k, s, 1)), -EINVAL);
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	}
}

/*
 * The layout is a contract between kernels: these are its bytes.
 *
 * Yours: the bytes of a file whose every field differs from zero.
 */
static void hand_written_golden_layout(struct kunit *test)
{
	static const u8 golden[] = {
		0x62, 0x77, 0x75, 0x6c,		/* magic */
		0x01, 0x00, 0x00, 0x00,		/* version */
		0x38, 0x00, 0x00, 0x00,		/* bytes */
		0x86, 0x2e, 0xee, 0x88,		/* checksum of what follows */
		0x02, 0x08, 0x00, 0x00,		/* O_RDWR | O_NONBLOCK */
		0x05, 0x00, 0x00, 0x00,		/* len */
		'h', 'e', 'l', 'l', 'o', 0,
	};
	struct luokit *k = test->priv;
	struct file *file = hand_written_make(k, "hello", O_RDWR | O_NONBLOCK);
	struct file *s = luokit_create(k, "s");
	u64 data;

	KUNIT_EXPECT_STREQ(test, HAND_WRITTEN_LUO_FH_COMPATIBLE, "luosdk-hand-written-v1");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &data), 0);
	/* Written down at freeze. */
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	KUNIT_EXPECT_MEMEQ(test, phys_to_virt(data), golden, sizeof(golden));
	luokit_thaw(k);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

static struct kunit_case hand_written_luo_cases[] = {
	KUNIT_CASE(hand_written_golden_layout),
	KUNIT_CASE(hand_written_impossible_state),
	{}
};

static struct kunit_suite hand_written_luo_suite = {
	.name = "hand_written_luo",
	.init = hand_written_kunit_init,
	.test_cases = hand_written_luo_cases,
};

kunit_test_suite(hand_written_luo_suite);

/* ---- The conformance suite: every rule, every order, everything that can fail ---- */

/* Yours: first an ordinary state, then the empty one, every limit, every flag. */
static const struct {
	const char *text;
	u32 flags;
} hand_written_states[] = {
	{ "hello", O_RDWR },
	{ "", O_RDWR },
	{ "x", O_RDWR },
	{ "exactly thirty-two bytes of text", O_RDWR },
	{ "read me", O_RDONLY },
	{ "write me", O_WRONLY },
	{ "do not wait", O_RDWR | O_NONBLOCK },
};

static struct file *hand_written_subject_make(struct luokit *k, u64 arg)
{
	const char *text = hand_written_states[arg].text;

	return hand_written_way(k)->create(text, strlen(text), hand_written_states[arg].flags);
}

/* Yours: everything that has to arrive. What is not compared is not tested. */
static const char *hand_written_subject_differ(struct luokit *k, struct file *want,
					       struct file *got)
{
	u8 text[2][HAND_WRITTEN_BYTES];
	u32 len[2];

	hand_written_way(k)->get(want, text[0], &len[0]);
	hand_written_way(k)->get(got, text[1], &len[1]);
	if (len[0] != len[1])
		return "length";
	if (memcmp(text[0], text[1], len[0]))
		return "text";
	if (want->f_flags != got->f_flags)
		return "file flags";
	return NULL;
}

/*
 * Yours: what users do to a preserved file, each time something else: here the number as
 * text.
 */
static int hand_written_subject_write(struct luokit *k, struct file *file, u64 n)
{
	char text[HAND_WRITTEN_BYTES + 1];

	return hand_written_way(k)->set(file, text, scnprintf(text, sizeof(text), "%llu", n));
}

/* What fcntl(F_SETFL) does. */
static int hand_written_subject_setfl(struct luokit *k, struct file *file, u64 n)
{
	spin_lock(&file->f_lock);
	file->f_flags ^= n & 1 ? O_NONBLOCK : O_APPEND;
	spin_unlock(&file->f_lock);
	return 0;
}

/* Yours: the names of states and changes; luokit_subject.h has what else can be told. */
static const struct luokit_subject hand_written_subject = {
	.world = &hand_written_luo_world,
	.states = {
		{ "five bytes", 0 },
		{ "empty", 1, .empty = true },
		{ "one byte", 2 },
		{ "full", 3 },
		{ "read-only", 4 },
		{ "write-only", 5 },
		{ "non-blocking", 6 },
	},
	.changes = {
		{ "write", hand_written_subject_write },
		{ "F_SETFL", hand_written_subject_setfl, .until_freeze = true },
	},
	.make = hand_written_subject_make,
	.differ = hand_written_subject_differ,
};

LUOKIT_CONFORMANCE(hand_written_luo, hand_written_subject);

MODULE_DESCRIPTION("KUnit tests of hand-written");
MODULE_LICENSE("GPL");
