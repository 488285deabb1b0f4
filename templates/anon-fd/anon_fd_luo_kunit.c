// SPDX-License-Identifier: GPL-2.0
/*
 * anon_fd_luo_kunit.c - tests of the handler, without a reboot.
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
#include <luosdk/handler.h>

#include "anon_fd_luo_abi.h"
#include "anon_fd_luo_kunit.h"

static int anon_fd_kunit_init(struct kunit *test)
{
	test->priv = luokit_boot(test, &anon_fd_luo_world);
	return 0;
}

static const struct anon_fd_way *anon_fd_way(struct luokit *k)
{
	return luokit_private(k);
}

static struct file *anon_fd_make(struct luokit *k, const char *text, u32 flags)
{
	return luokit_own(k, anon_fd_way(k)->create(text, strlen(text), flags));
}

/* A state that is intact, and that no file can have had. */
struct anon_fd_lie {
	u64 handle;
	struct anon_fd_luo_ser ser;
};

static void anon_fd_lie_tell(struct luokit *k, void *ctx)
{
	struct anon_fd_lie *lie = ctx;
	struct luosdk_state_hdr *hdr = phys_to_virt(lie->handle);
	struct anon_fd_luo_ser *ser = (void *)(hdr + 1);

	*ser = lie->ser;
	luosdk_state_seal(ser);
}

static void anon_fd_impossible_state(struct kunit *test)
{
	/* Yours: whatever restore has to refuse. */
	struct anon_fd_lie lies[] = {
		{ .ser = { .len = ANON_FD_BYTES + 1 } },
		{ .ser = { .len = ~0 } },
		{ .ser = { .file_flags = O_ACCMODE } },
		{ .ser = { .file_flags = O_CREAT } },
	};
	struct luokit *k = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		struct file *s = luokit_create(k, "s");

		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1,
						      anon_fd_make(k, "a", O_RDWR)), 0);
		KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &lies[i].handle), 0);
		luokit_between(k, NULL, anon_fd_lie_tell, &lies[i]);
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
static void anon_fd_golden_layout(struct kunit *test)
{
	static const u8 golden[] = {
		0x02, 0x08, 0x00, 0x00,		/* O_RDWR | O_NONBLOCK */
		0x05, 0x00, 0x00, 0x00,		/* len */
		'h', 'e', 'l', 'l', 'o', 0,
	};
	struct luokit *k = test->priv;
	struct file *file = anon_fd_make(k, "hello", O_RDWR | O_NONBLOCK);
	struct file *s = luokit_create(k, "s");
	u64 data;

	KUNIT_EXPECT_STREQ(test, ANON_FD_LUO_FH_COMPATIBLE, "luosdk-anon-fd-v1");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &data), 0);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)phys_to_virt(data) +
			   sizeof(struct luosdk_state_hdr), golden, sizeof(golden));
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

static struct kunit_case anon_fd_luo_cases[] = {
	KUNIT_CASE(anon_fd_golden_layout),
	KUNIT_CASE(anon_fd_impossible_state),
	{}
};

static struct kunit_suite anon_fd_luo_suite = {
	.name = "anon_fd_luo",
	.init = anon_fd_kunit_init,
	.test_cases = anon_fd_luo_cases,
};

kunit_test_suite(anon_fd_luo_suite);

/* ---- The conformance suite: every rule, every order, everything that can fail ---- */

/* Yours: first an ordinary state, then the empty one, every limit, every flag. */
static const struct {
	const char *text;
	u32 flags;
} anon_fd_states[] = {
	{ "hello", O_RDWR },
	{ "", O_RDWR },
	{ "x", O_RDWR },
	{ "exactly thirty-two bytes of text", O_RDWR },
	{ "read me", O_RDONLY },
	{ "write me", O_WRONLY },
	{ "do not wait", O_RDWR | O_NONBLOCK },
};

static struct file *anon_fd_subject_make(struct luokit *k, u64 arg)
{
	const char *text = anon_fd_states[arg].text;

	return anon_fd_way(k)->create(text, strlen(text), anon_fd_states[arg].flags);
}

/* Yours: everything that has to arrive. What is not compared is not tested. */
static const char *anon_fd_subject_differ(struct luokit *k, struct file *want,
					  struct file *got)
{
	u8 text[2][ANON_FD_BYTES];
	u32 len[2];

	anon_fd_way(k)->get(want, text[0], &len[0]);
	anon_fd_way(k)->get(got, text[1], &len[1]);
	if (len[0] != len[1])
		return "length";
	if (memcmp(text[0], text[1], len[0]))
		return "text";
	if (luosdk_file_flags(want) != luosdk_file_flags(got))
		return "file flags";
	return NULL;
}

/*
 * Yours: what users do to a preserved file, each time something else: here the number as
 * text.
 */
static int anon_fd_subject_write(struct luokit *k, struct file *file, u64 n)
{
	char text[ANON_FD_BYTES + 1];

	return anon_fd_way(k)->set(file, text, scnprintf(text, sizeof(text), "%llu", n));
}

/* What fcntl(F_SETFL) does. */
static int anon_fd_subject_setfl(struct luokit *k, struct file *file, u64 n)
{
	spin_lock(&file->f_lock);
	file->f_flags ^= n & 1 ? O_NONBLOCK : O_APPEND;
	spin_unlock(&file->f_lock);
	return 0;
}

static size_t anon_fd_subject_leaked(struct luokit *k)
{
	return anon_fd_way(k)->leaked();
}

/* Yours: the names of states and changes; luokit_subject.h has what else can be told. */
static const struct luokit_subject anon_fd_subject = {
	.world = &anon_fd_luo_world,
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
		{ "write", anon_fd_subject_write },
		{ "F_SETFL", anon_fd_subject_setfl, .until_freeze = true },
	},
	.make = anon_fd_subject_make,
	.differ = anon_fd_subject_differ,
	.leaked = anon_fd_subject_leaked,
};

LUOKIT_CONFORMANCE(anon_fd_luo, anon_fd_subject);

MODULE_DESCRIPTION("KUnit tests of anon-fd");
MODULE_LICENSE("GPL");
