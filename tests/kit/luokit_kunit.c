// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of luokit itself: that it notices what it is there to notice.
 *
 * The world has the kernel's own memfd handler; the rest is done with the stub.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memfd.h>
#include <uapi/linux/memfd.h>

#include <luokit.h>

static int luokit_kunit_init(struct kunit *test)
{
	test->priv = luokit_boot(test, &memfd_core_world);

	return 0;
}

static void luokit_boots(struct kunit *test)
{
	struct luokit *k = test->priv;

	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
}

static void luokit_carries_stub(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = luokit_carry(k, luokit_stub_file(k, 42));

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, luokit_stub_number(file), 42);
}

static void luokit_carries_memfd(struct kunit *test)
{
	static const char text[] = "what a memfd holds";
	struct luokit *k = test->priv;
	char buf[sizeof(text)] = "";
	struct file *file;
	loff_t pos = 4096 - 7;

	file = luokit_own(k, memfd_alloc_file("luokit", MFD_ALLOW_SEALING));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, kernel_write(file, text, sizeof(text), &pos), sizeof(text));
	file = luokit_carry(k, file);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	pos = 4096 - 7;
	KUNIT_ASSERT_EQ(test, kernel_read(file, buf, sizeof(buf), &pos), sizeof(buf));
	KUNIT_EXPECT_STREQ(test, buf, text);
}

static struct kunit_case luokit_cases[] = {
	KUNIT_CASE(luokit_boots),
	KUNIT_CASE(luokit_carries_stub),
	KUNIT_CASE(luokit_carries_memfd),
	{}
};

static struct kunit_suite luokit_suite = {
	.name = "luokit",
	.init = luokit_kunit_init,
	.test_cases = luokit_cases,
};

kunit_test_suite(luokit_suite);
MODULE_DESCRIPTION("Tests of the kit that tests live-update file handlers");
MODULE_LICENSE("GPL");
