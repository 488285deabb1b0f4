// SPDX-License-Identifier: GPL-2.0
/*
 * anon_fd_luo_kunit.c - tests of the template's handler, without a reboot.
 *
 * Copy them with the driver: what a file of yours carries over, what changes
 * late, what a damaged state does, and every failure point are questions for
 * every handler. Whatever leaks, is freed twice or points into the old kernel
 * is found by the kit in each of these cases without being asked.
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <luokit.h>
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

static void anon_fd_expect(struct kunit *test, struct file *file, const char *text)
{
	char found[ANON_FD_BYTES + 1] = {};
	u32 len;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	anon_fd_way(test->priv)->get(file, found, &len);
	KUNIT_EXPECT_EQ(test, len, strlen(text));
	KUNIT_EXPECT_STREQ(test, found, text);
}

/* Empty, short and full; read-only, write-only and non-blocking. */
static void anon_fd_carries_state(struct kunit *test)
{
	static const char * const texts[] = {
		"", "x", "hello", "exactly thirty-two bytes of text",
	};
	static const u32 flags[] = {
		O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_NONBLOCK,
	};
	struct luokit *k = test->priv;
	struct file *file;
	int i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		file = luokit_carry(k, anon_fd_make(k, texts[i], flags[i]));
		anon_fd_expect(test, file, texts[i]);
		KUNIT_EXPECT_EQ(test, luosdk_file_flags(file), flags[i]);
	}
}

/* What is written after the preserve arrives; after the freeze nobody writes. */
static void anon_fd_changes_late(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = anon_fd_make(k, "early", O_RDWR);
	struct file *s = luokit_create(k, "s");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_EXPECT_EQ(test, anon_fd_way(k)->set(file, "late", 4), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, s, 1);
	anon_fd_expect(test, file, "late");
	KUNIT_EXPECT_EQ(test, anon_fd_way(k)->phase(file), LUOSDK_RESTORED);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, anon_fd_way(k)->phase(file), LUOSDK_IDLE);
}

/* A writer during an update that is aborted waits, and notices nothing else. */
struct anon_fd_writer {
	struct luokit *k;
	struct file *file;
	int err;
	bool done;
};

static int anon_fd_writer(void *data)
{
	struct anon_fd_writer *w = data;

	w->err = anon_fd_way(w->k)->set(w->file, "patient", 7);
	WRITE_ONCE(w->done, true);
	while (!kthread_should_stop())
		usleep_range(1000, 2000);
	return 0;
}

static void anon_fd_aborted(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct anon_fd_writer w = { .k = k, .file = anon_fd_make(k, "old", O_RDWR) };
	struct file *s = luokit_create(k, "s");
	struct task_struct *task;

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, w.file), 0);
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	task = kthread_run(anon_fd_writer, &w, "anon-fd-writer");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	msleep(20);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(w.done));
	anon_fd_expect(test, w.file, "old");

	luokit_thaw(k);
	while (!READ_ONCE(w.done))
		usleep_range(1000, 2000);
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, w.err, 0);
	anon_fd_expect(test, w.file, "patient");
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

/* One object, one preserve, whoever asks. */
static void anon_fd_twice(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *one = anon_fd_make(k, "1", O_RDWR), *two = anon_fd_make(k, "2", O_RDWR);
	struct file *a = luokit_create(k, "a"), *b = luokit_create(k, "b");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, a, 1, one), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, a, 2, two), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, b, 1, one), -EBUSY);
	KUNIT_EXPECT_EQ(test, luokit_close(k, a), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, b, 1, one), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, b), 0);
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

/* Each call of a preserve that can fail does: an error, and nothing is left. */
struct anon_fd_sweep {
	struct file *file, *session;
};

static void anon_fd_sweep_create(struct luokit *k, void *ctx)
{
	struct anon_fd_sweep *sweep = ctx;

	sweep->session = luokit_create(k, "s");
}

static int anon_fd_sweep_preserve(struct luokit *k, void *ctx)
{
	struct anon_fd_sweep *sweep = ctx;

	return luokit_preserve(k, sweep->session, 1, sweep->file);
}

static void anon_fd_sweep_close(struct luokit *k, void *ctx, int result)
{
	struct anon_fd_sweep *sweep = ctx;

	luokit_close(k, sweep->session);
}

static void anon_fd_failure_points(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct anon_fd_sweep ctx = { .file = anon_fd_make(k, "a", O_RDWR) };
	struct luokit_sweep sweep = {
		.prepare = anon_fd_sweep_create,
		.run = anon_fd_sweep_preserve,
		.undo = anon_fd_sweep_close,
		.ctx = &ctx,
	};

	KUNIT_EXPECT_GE(test, luokit_sweep(k, &sweep), 2);
	KUNIT_EXPECT_EQ(test, anon_fd_way(k)->phase(ctx.file), LUOSDK_IDLE);
}

/* The layout is a contract between kernels: these are its bytes. */
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
	KUNIT_CASE(anon_fd_carries_state),
	KUNIT_CASE(anon_fd_changes_late),
	KUNIT_CASE(anon_fd_aborted),
	KUNIT_CASE(anon_fd_twice),
	KUNIT_CASE(anon_fd_impossible_state),
	KUNIT_CASE(anon_fd_failure_points),
	{}
};

static struct kunit_suite anon_fd_luo_suite = {
	.name = "anon_fd_luo",
	.init = anon_fd_kunit_init,
	.test_cases = anon_fd_luo_cases,
};

kunit_test_suite(anon_fd_luo_suite);

MODULE_DESCRIPTION("KUnit tests of the template anon-fd");
MODULE_LICENSE("GPL");
