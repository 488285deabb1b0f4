// SPDX-License-Identifier: GPL-2.0
/*
 * What docs/findings tells of LUO's core, one test for each: with the core as it is in the tree
 * under test, which is expected to be wrong in that way, and with patches/upstream.
 */
#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kho/abi/block.h>
#include <linux/kho/abi/luo.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <uapi/linux/liveupdate.h>
#include <uapi/linux/memfd.h>

#include <luokit.h>

#include "luo_core_kunit.h"

extern const struct luokit_world luo_core_world, luo_core_fixed_world;

struct luo_core *luo_core;
const struct file_operations luo_core_fops = {};

struct luo_core_param {
	const char *name;
	const struct luokit_world *world;
	bool fixed;
};

static const struct luo_core_param luo_core_params[] = {
	{ "as it is", &luo_core_world, false },
	{ "patched", &luo_core_fixed_world, true },
};

KUNIT_ARRAY_PARAM_DESC(luo_core, luo_core_params, name);

static int luo_core_boot(struct kunit *test, bool has_flb)
{
	const struct luo_core_param *param = test->param_value;
	static struct luo_core core;

	core = (struct luo_core){ .has_flb = has_flb };
	luo_core = &core;
	test->priv = luokit_boot(test, param->world);

	return 0;
}

static int luo_core_init(struct kunit *test)
{
	return luo_core_boot(test, false);
}

static int luo_flb_init(struct kunit *test)
{
	return luo_core_boot(test, true);
}

static bool is_fixed(struct kunit *test)
{
	return ((const struct luo_core_param *)test->param_value)->fixed;
}

static struct file *core_file(struct luokit *k)
{
	return luokit_own(k, anon_inode_getfile("[luo-core]", &luo_core_fops, NULL, O_RDWR));
}

/* A session of that name with a file in it, carried over; the session there. */
static struct file *carry_session(struct kunit *test, const char *name)
{
	struct luokit *k = test->priv;
	struct file *session = luokit_create(k, name);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, session);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, 1, core_file(k)), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	session = luokit_retrieve_session(k, name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, session);

	return session;
}

/* ---- 08, 09 and 14: sessions ------------------------------------------------------------ */

/* The argument lies in memory that the process may read and not write. */
static void intree_luo_core_lost_session(struct kunit *test)
{
	struct liveupdate_ioctl_retrieve_session arg = {
		.size = sizeof(arg),
		.name = "vm",
	};
	struct luokit *k = test->priv;
	const struct luo_core_way *way = luokit_private(k);
	struct file *file, *session;
	unsigned long at;
	loff_t pos = 0;

	session = luokit_create(k, "vm");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, 1, core_file(k)), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	/* The kit opens /dev/liveupdate at the first call. */
	KUNIT_ASSERT_PTR_EQ(test, luokit_retrieve_session(k, "none"), ERR_PTR(-ENOENT));

	file = memfd_alloc_file("argument", 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, kernel_write(file, &arg, sizeof(arg), &pos), sizeof(arg));
	at = kunit_vm_mmap(test, file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0);
	__fput_sync(file);
	KUNIT_ASSERT_NE(test, at, 0);
	KUNIT_EXPECT_EQ(test, way->ioctl(NULL, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, at), -EFAULT);
	/* Files are put on the way back to user space, here on that of the next call. */
	luokit_retrieve_session(k, "none");

	session = luokit_retrieve_session(k, "vm");
	if (!is_fixed(test)) {
		KUNIT_EXPECT_PTR_EQ(test, session, ERR_PTR(-ENOENT));
		return;
	}
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, session);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_retrieve(k, session, 1));
}

/* As many sessions as fill a block, and one more whose name is taken. */
static void intree_luo_core_taken_name(struct kunit *test)
{
	unsigned int per_block = (PAGE_SIZE - sizeof(struct kho_block_header_ser)) /
				 sizeof(struct luo_session_ser), i;
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	struct luokit *k = test->priv;
	size_t bytes;

	for (i = 0; i < per_block; i++) {
		snprintf(name, sizeof(name), "vm%u", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, luokit_create(k, name));
	}
	bytes = luokit_core_bytes(k);
	KUNIT_EXPECT_PTR_EQ(test, luokit_create(k, "vm0"), ERR_PTR(-EEXIST));

	luokit_expect_unretrieved(k);
	if (!is_fixed(test)) {
		KUNIT_EXPECT_EQ(test, luokit_core_bytes(k), bytes + PAGE_SIZE);
		/* "The new kernel panics", and it does not come up. */
		luokit_expect_complaint(k, "");
		luokit_reboot(k);
		KUNIT_EXPECT_EQ(test, luokit_complained(k), 2);
		return;
	}
	KUNIT_EXPECT_EQ(test, luokit_core_bytes(k), bytes);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_retrieve_session(k, "vm7"));
}

/* can_finish() refuses when the session is closed, and would agree a moment later. */
static void intree_luo_core_closed_too_early(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session = luokit_create(k, "vm");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, 1, luokit_stub_file(k, 7)), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	session = luokit_retrieve_session(k, "vm");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, session);
	luokit_stub(k)->cannot_finish = true;
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), -EBUSY);

	luokit_stub(k)->cannot_finish = false;
	session = luokit_retrieve_session(k, "vm");
	if (!is_fixed(test)) {
		KUNIT_EXPECT_PTR_EQ(test, session, ERR_PTR(-EINVAL));
		luokit_expect_complaint(k, "");
		luokit_end(k);
		/* It is stranded, and so is what its file preserved. */
		KUNIT_EXPECT_EQ(test, luokit_complained(k), 2);
		return;
	}
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, session);
	KUNIT_EXPECT_EQ(test, luokit_stub_number(luokit_retrieve(k, session, 1)), 7);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, session), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
}

/* ---- 10 to 12: state that files share (FLB) --------------------------------------------- */

static void intree_luo_flb_untouched(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session = carry_session(test, "vm");
	bool warned = luokit_finish_warns(test->priv, session);

	if (!is_fixed(test)) {
		/* The warning itself comes once in a kernel's life. */
		KUNIT_EXPECT_EQ(test, luo_core->flb_finished, 0);
		luokit_expect_leak(k, PAGE_SIZE);
		return;
	}
	KUNIT_EXPECT_FALSE(test, warned);
	KUNIT_EXPECT_EQ(test, luo_core->flb_retrieved, 1);
	KUNIT_EXPECT_EQ(test, luo_core->flb_finished, 1);
}

/* Two files: the FLB is finished with the second. */
static void intree_luo_flb_shared(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *one = luokit_create(k, "one"), *two = luokit_create(k, "two");

	luo_core->uses_flb = true;
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, one, 1, core_file(k)), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, two, 1, core_file(k)), 0);
	KUNIT_EXPECT_EQ(test, luo_core->flb_preserved, 1);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	one = luokit_retrieve_session(k, "one");
	two = luokit_retrieve_session(k, "two");
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_retrieve(k, one, 1));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, one), 0);
	KUNIT_EXPECT_EQ(test, luo_core->flb_finished, 0);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, two), 0);
	KUNIT_EXPECT_EQ(test, luo_core->flb_retrieved, 1);
	KUNIT_EXPECT_EQ(test, luo_core->flb_finished, 1);
}

/* The handler has an FLB that it did not have in the old kernel. */
static void intree_luo_flb_added(struct kunit *test)
{
	struct file *session;
	struct luokit *k;

	/* Another machine, which boots an older kernel first. */
	luokit_end(test->priv);
	luo_core_boot(test, false);
	k = test->priv;
	luo_core->has_flb = true;
	session = carry_session(test, "vm");
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_retrieve(k, session, 1));
	if (is_fixed(test))
		KUNIT_EXPECT_FALSE(test, luokit_finish_warns(test->priv, session));
	else
		luokit_finish_warns(test->priv, session);
	KUNIT_EXPECT_EQ(test, luo_core->flb_retrieved, 0);
	KUNIT_EXPECT_EQ(test, luo_core->flb_finished, 0);
}

static void intree_luo_flb_failed(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session;

	luo_core->uses_flb = true;
	luo_core->flb_retrieve = -ENOMEM;
	session = carry_session(test, "vm");
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, session, 1), ERR_PTR(-ENOMEM));
	KUNIT_EXPECT_EQ(test, luokit_finish_warns(test->priv, session), !is_fixed(test));
	KUNIT_EXPECT_EQ(test, luo_core->flb_retrieved, 1);
	KUNIT_EXPECT_EQ(test, luo_core->flb_finished, 0);
}

static void let_go(struct luokit *k, void *ctx)
{
	const struct luo_core_way *way = ctx;

	way->let_go();
}

/* The old kernel's driver has a reference of its own when the count is saved. */
static void intree_luo_flb_held(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct luo_core_way *way = luokit_private(k);
	struct file *session = luokit_create(k, "vm");

	luo_core->uses_flb = true;
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, 1, core_file(k)), 0);
	KUNIT_ASSERT_EQ(test, way->hold(), 0);
	/* A machine would just stop; here everything has to be let go of. */
	luokit_between(k, let_go, NULL, (void *)way);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	session = luokit_retrieve_session(k, "vm");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, session);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_retrieve(k, session, 1));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, session), 0);
	KUNIT_EXPECT_EQ(test, luo_core->flb_finished, is_fixed(test));
	if (!is_fixed(test))
		luokit_expect_leak(k, PAGE_SIZE);
}

/* ---- 13: what a handler returns --------------------------------------------------------- */

static void intree_luo_core_positive_preserve(struct kunit *test)
{
	struct kunit_suppressed_warning *warning = kunit_start_suppress_warning(test);
	struct luokit *k = test->priv;
	struct file *session = luokit_create(k, "vm");
	u64 data;

	/* To user space a positive value is success, and the file is not preserved. */
	luo_core->preserve = 1;
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, session, 1, core_file(k)),
			is_fixed(test) ? -EINVAL : 1);
	KUNIT_EXPECT_EQ(test, luokit_data(k, session, 1, &data), -ENOENT);
	KUNIT_EXPECT_EQ(test, !!kunit_suppressed_warning_count(warning), is_fixed(test));
	kunit_end_suppress_warning(test, warning);
}

static void intree_luo_core_positive_freeze(struct kunit *test)
{
	struct kunit_suppressed_warning *warning = kunit_start_suppress_warning(test);
	struct luokit *k = test->priv;
	struct file *session = luokit_create(k, "vm");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, 1, core_file(k)), 0);
	luo_core->freeze = 1;
	KUNIT_EXPECT_EQ(test, luokit_freeze(k), is_fixed(test) ? -EINVAL : 0);
	kunit_end_suppress_warning(test, warning);
}

static void intree_luo_core_positive_retrieve(struct kunit *test)
{
	struct kunit_suppressed_warning *warning = kunit_start_suppress_warning(test);
	struct luokit *k = test->priv;
	struct file *session = carry_session(test, "vm");

	luo_core->retrieve = 1;
	if (is_fixed(test)) {
		KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, session, 1), ERR_PTR(-EINVAL));
		KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, session, 1), ERR_PTR(-EINVAL));
	} else {
		/* The ioctl would install a file that was never set. */
		luokit_expect_complaint(k, "neither 0 nor an error");
		luokit_retrieve(k, session, 1);
		KUNIT_EXPECT_EQ(test, luokit_complained(k), 1);
	}
	kunit_end_suppress_warning(test, warning);
}

#define LUO_CORE_CASE(_name) KUNIT_CASE_PARAM(_name, luo_core_gen_params)

static struct kunit_case intree_luo_core_cases[] = {
	LUO_CORE_CASE(intree_luo_core_lost_session),
	LUO_CORE_CASE(intree_luo_core_taken_name),
	LUO_CORE_CASE(intree_luo_core_closed_too_early),
	LUO_CORE_CASE(intree_luo_core_positive_preserve),
	LUO_CORE_CASE(intree_luo_core_positive_freeze),
	LUO_CORE_CASE(intree_luo_core_positive_retrieve),
	{}
};

static struct kunit_suite intree_luo_core_suite = {
	.name = "intree_luo_core",
	.init = luo_core_init,
	.test_cases = intree_luo_core_cases,
};

static struct kunit_case intree_luo_flb_cases[] = {
	LUO_CORE_CASE(intree_luo_flb_untouched),
	LUO_CORE_CASE(intree_luo_flb_shared),
	LUO_CORE_CASE(intree_luo_flb_added),
	LUO_CORE_CASE(intree_luo_flb_failed),
	LUO_CORE_CASE(intree_luo_flb_held),
	{}
};

static struct kunit_suite intree_luo_flb_suite = {
	.name = "intree_luo_flb",
	.init = luo_flb_init,
	.test_cases = intree_luo_flb_cases,
};

kunit_test_suites(&intree_luo_core_suite, &intree_luo_flb_suite);

MODULE_DESCRIPTION("KUnit tests of what LUO's core gets wrong");
MODULE_LICENSE("GPL");
