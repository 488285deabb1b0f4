// SPDX-License-Identifier: GPL-2.0
/*
 * shared_state_luo_kunit.c - tests of the handler and of what its files share, without a
 * reboot.
 *
 * The conformance suite at the end is the greater part: it is told how a file is made,
 * changed and compared, and tries every rule that a handler has to keep. It knows nothing of
 * what files share: that is tested above it, with the layout of the saved states, and values
 * in them that no file can have had.
 */

#include <kunit/test.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <luokit_subject.h>
#include <luosdk/handler.h>

#include "shared_state_luo_abi.h"
#include "shared_state_luo_kunit.h"

static int shared_state_kunit_init(struct kunit *test)
{
	test->priv = luokit_boot(test, &shared_state_luo_world);
	return 0;
}

static const struct shared_state_way *shared_state_way(struct luokit *k)
{
	return luokit_private(k);
}

static struct file *shared_state_make(struct luokit *k)
{
	return luokit_own(k, shared_state_way(k)->create_new(O_RDWR));
}

/* The id of a new file, which ends again. */
static u64 shared_state_new(struct luokit *k)
{
	struct file *file = shared_state_make(k);
	u64 id;

	if (IS_ERR(file))
		return 0;
	id = shared_state_way(k)->id(file);
	luokit_put(k, file);

	return id;
}

/* A session with a new file, token 1. */
static struct file *shared_state_session(struct kunit *test, const char *name)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, name);

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, shared_state_make(k)), 0);
	return s;
}

static void shared_state_end(struct kunit *test, struct file *session)
{
	KUNIT_EXPECT_EQ(test, luokit_finish(test->priv, session), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(test->priv, session), 0);
}

/* A state that is intact, and that no file, or no kernel, can have had. */
struct shared_state_lie {
	u64 handle;
	struct shared_state_luo_ser ser;
};

static void shared_state_lie_tell(struct luokit *k, void *ctx)
{
	struct shared_state_lie *lie = ctx;
	struct luosdk_state_hdr *hdr = phys_to_virt(lie->handle);
	struct shared_state_luo_ser *ser = (void *)(hdr + 1);

	*ser = lie->ser;
	luosdk_state_seal(ser);
}

static void shared_state_impossible_state(struct kunit *test)
{
	/* Yours: whatever restore has to refuse. */
	struct shared_state_lie lies[] = {
		{ .ser = { .id = 0 } },
		{ .ser = { .id = U64_MAX } },
		{ .ser = { .id = 1, .reserved = 1 } },
		{ .ser = { .id = 1, .file_flags = O_ACCMODE } },
	};
	struct luokit *k = test->priv;
	struct file *s;
	int i;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		s = shared_state_session(test, "s");
		KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &lies[i].handle), 0);
		luokit_between(k, NULL, shared_state_lie_tell, &lies[i]);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luokit_retrieve(k, s, 1)), -EINVAL);
		shared_state_end(test, s);
	}
}

/*
 * The layouts are a contract between kernels: these are their bytes.
 *
 * Yours: the bytes of states whose every field differs from zero.
 */
static void shared_state_golden_layout(struct kunit *test)
{
	static const u8 golden[] = {
		0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,	/* id */
		0x02, 0x08, 0x00, 0x00,				/* O_RDWR | O_NONBLOCK */
		0x00, 0x00, 0x00, 0x00,				/* reserved */
	};
	static const u8 golden_ids[] = {
		0x09, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,	/* next */
	};
	struct luokit *k = test->priv;
	const struct shared_state_way *way = shared_state_way(k);
	struct file *file, *s = luokit_create(k, "s");
	u64 data;

	KUNIT_EXPECT_STREQ(test, SHARED_STATE_LUO_FH_COMPATIBLE, "luosdk-shared-state-v1");
	KUNIT_EXPECT_STREQ(test, SHARED_STATE_LUO_FLB_COMPATIBLE, "luosdk-shared-state-ids-v1");
	way->advance(0x0102030405060708);
	file = luokit_own(k, way->create_new(O_RDWR | O_NONBLOCK));
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &data), 0);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)phys_to_virt(data) +
			   sizeof(struct luosdk_state_hdr), golden, sizeof(golden));
	KUNIT_EXPECT_MEMEQ(test, (u8 *)phys_to_virt(way->copy()) +
			   sizeof(struct luosdk_state_hdr), golden_ids, sizeof(golden_ids));
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

/* ---- What all files share ---------------------------------------------------------- */

/* Yours: from here to the conformance suite, whatever has to hold of it. */

static void shared_state_new_late(struct luokit *k, void *ctx)
{
	*(u64 *)ctx = shared_state_new(k);
}

/* No id comes twice, of whichever files it was: until the machine is gone. */
static void shared_state_goes_on(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct shared_state_way *way = shared_state_way(k);
	struct file *s, *file;
	u64 late = 0;

	KUNIT_EXPECT_EQ(test, shared_state_new(k), 1);
	KUNIT_EXPECT_EQ(test, shared_state_new(k), 2);
	shared_state_session(test, "s");
	KUNIT_EXPECT_EQ(test, shared_state_new(k), 4);
	luokit_between(k, shared_state_new_late, NULL, &late);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, late, 5);

	/* Before anybody has asked for a file. */
	KUNIT_EXPECT_EQ(test, way->next(), 6);
	KUNIT_EXPECT_EQ(test, shared_state_new(k), 6);
	s = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, way->id(file), 3);
	KUNIT_EXPECT_EQ(test, shared_state_new(k), 7);
	shared_state_end(test, s);
	KUNIT_EXPECT_EQ(test, shared_state_new(k), 8);
}

/* From the first file that is preserved to the last that is not, over sessions. */
static void shared_state_first_to_last(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *one, *two;

	one = shared_state_session(test, "one");
	two = shared_state_session(test, "two");
	KUNIT_EXPECT_EQ(test, luokit_close(k, one), 0);
	KUNIT_EXPECT_EQ(test, shared_state_new(k), 3);
	KUNIT_EXPECT_EQ(test, luokit_close(k, two), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
	/* Nothing is preserved, and ids go on all the same. */
	KUNIT_EXPECT_EQ(test, shared_state_new(k), 4);
	shared_state_session(test, "one");
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, shared_state_new(k), 6);
	shared_state_end(test, luokit_retrieve_session(k, "one"));
}

/* An update that is aborted, nobody who retrieves, and a second update. */
static void shared_state_again(struct kunit *test)
{
	struct luokit *k = test->priv;

	shared_state_session(test, "s");
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	KUNIT_EXPECT_EQ(test, shared_state_new(k), 2);
	luokit_thaw(k);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	shared_state_end(test, luokit_retrieve_session(k, "s"));

	KUNIT_EXPECT_EQ(test, shared_state_new(k), 3);
	shared_state_session(test, "s");
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, shared_state_new(k), 5);
	shared_state_end(test, luokit_retrieve_session(k, "s"));
}

/* The shared state says 0: the driver works, and takes no id of a file that came back. */
static void shared_state_lie_of_all(struct luokit *k, void *ctx)
{
	struct luosdk_state_hdr *hdr = phys_to_virt(*(u64 *)ctx);
	struct shared_state_ids_luo_ser *ser = (void *)(hdr + 1);

	ser->next = 0;
	luosdk_state_seal(ser);
}

static void shared_state_impossible_ids(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct shared_state_way *way = shared_state_way(k);
	struct file *s, *file;
	u64 handle;

	way->advance(10);
	shared_state_session(test, "s");
	handle = way->copy();
	luokit_between(k, NULL, shared_state_lie_of_all, &handle);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, way->next(), 1);
	s = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, way->id(file), 10);
	KUNIT_EXPECT_EQ(test, shared_state_new(k), 11);
	shared_state_end(test, s);
}

/* New files, and the state that comes and goes, at the same moment: no change is lost. */
#define SHARED_STATE_RACES	100

struct shared_state_race {
	struct kunit *test;
	struct file *session;
};

static void shared_state_race_new(struct luokit *k, void *ctx, unsigned int round)
{
	struct file *file = shared_state_way(k)->create_new(O_RDWR);

	if (!IS_ERR(file))
		fput(file);
}

static void shared_state_race_preserve(struct luokit *k, void *ctx, unsigned int round)
{
	struct shared_state_race *race = ctx;
	struct file *file = luokit_own(k, shared_state_way(k)->create(U64_MAX - 1, O_RDWR));

	KUNIT_EXPECT_EQ(race->test, luokit_preserve(k, race->session, 1, file), 0);
}

/* What is preserved is what is next. */
static void shared_state_race_between(struct luokit *k, void *ctx, unsigned int round)
{
	const struct shared_state_way *way = shared_state_way(k);
	struct luosdk_state_hdr *hdr = phys_to_virt(way->copy());
	struct shared_state_ids_luo_ser *ser = (void *)(hdr + 1);
	struct shared_state_race *race = ctx;

	KUNIT_EXPECT_EQ(race->test, ser->next, way->next());
	KUNIT_EXPECT_EQ(race->test, luokit_close(k, race->session), 0);
	race->session = luokit_create(k, "race");
}

static void shared_state_races(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct shared_state_race race = { .test = test, .session = luokit_create(k, "race") };
	unsigned int run;

	run = luokit_race(k, SHARED_STATE_RACES, shared_state_race_new,
			  shared_state_race_preserve, shared_state_race_between, &race);
	KUNIT_EXPECT_EQ(test, shared_state_way(k)->next(), run + 1);
	KUNIT_EXPECT_EQ(test, luokit_close(k, race.session), 0);
}

static struct kunit_case shared_state_luo_cases[] = {
	KUNIT_CASE(shared_state_golden_layout),
	KUNIT_CASE(shared_state_impossible_state),
	KUNIT_CASE(shared_state_goes_on),
	KUNIT_CASE(shared_state_first_to_last),
	KUNIT_CASE(shared_state_again),
	KUNIT_CASE(shared_state_impossible_ids),
	KUNIT_CASE(shared_state_races),
	{}
};

static struct kunit_suite shared_state_luo_suite = {
	.name = "shared_state_luo",
	.init = shared_state_kunit_init,
	.test_cases = shared_state_luo_cases,
};

kunit_test_suite(shared_state_luo_suite);

/* ---- The conformance suite: every rule, every order, everything that can fail ---- */

/* Yours: first an ordinary state, then the empty one, every limit, every flag. */
static const struct {
	u64 id;
	u32 flags;
} shared_state_states[] = {
	{ 1000, O_RDWR },
	{ 1, O_RDWR },
	{ U64_MAX - 1, O_RDWR },
	{ 1001, O_RDONLY },
	{ 1002, O_WRONLY },
	{ 1003, O_RDWR | O_NONBLOCK },
};

static struct file *shared_state_subject_make(struct luokit *k, u64 arg)
{
	return shared_state_way(k)->create(shared_state_states[arg].id,
					   shared_state_states[arg].flags);
}

/* Yours: everything that has to arrive. What is not compared is not tested. */
static const char *shared_state_subject_differ(struct luokit *k, struct file *want,
					       struct file *got)
{
	if (shared_state_way(k)->id(want) != shared_state_way(k)->id(got))
		return "id";
	if (luosdk_file_flags(want) != luosdk_file_flags(got))
		return "file flags";
	return NULL;
}

/* What fcntl(F_SETFL) does. */
static int shared_state_subject_setfl(struct luokit *k, struct file *file, u64 n)
{
	spin_lock(&file->f_lock);
	file->f_flags ^= n & 1 ? O_NONBLOCK : O_APPEND;
	spin_unlock(&file->f_lock);
	return 0;
}

/* Yours: what users do beside a preserved file that changes what all share. */
static int shared_state_subject_new(struct luokit *k, struct file *file, u64 n)
{
	struct file *other = shared_state_way(k)->create_new(O_RDWR);

	if (IS_ERR(other))
		return PTR_ERR(other);
	/* Now: a worker that ends them later does not keep up with a race. */
	__fput_sync(other);
	return 0;
}

static size_t shared_state_subject_leaked(struct luokit *k)
{
	return shared_state_way(k)->leaked();
}

/* Yours: the names of states and changes; luokit_subject.h has what else can be told. */
static const struct luokit_subject shared_state_subject = {
	.world = &shared_state_luo_world,
	.states = {
		{ "an id", 0 },
		{ "the first id", 1, .empty = true },
		{ "the last id", 2 },
		{ "read-only", 3 },
		{ "write-only", 4 },
		{ "non-blocking", 5 },
	},
	.changes = {
		{ "F_SETFL", shared_state_subject_setfl, .until_freeze = true },
		{ "a new file", shared_state_subject_new },
	},
	.make = shared_state_subject_make,
	.differ = shared_state_subject_differ,
	.leaked = shared_state_subject_leaked,
};

LUOKIT_CONFORMANCE(shared_state_luo, shared_state_subject);

MODULE_DESCRIPTION("KUnit tests of shared-state");
MODULE_LICENSE("GPL");
