// SPDX-License-Identifier: GPL-2.0
/*
 * flb_kunit.c - tests of luosdk/flb.h: one state, and many files that come and go.
 *
 * The files and what they share are those of purse.h. What LUO's core gets wrong
 * (docs/findings) is expected of the core as it is, and not with patches/upstream; the
 * cases that meet it run on both.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/io.h>
#include <linux/slab.h>
#include <luokit.h>
#include <luosdk/flb.h>

#include "purse.h"

struct purse_knobs purse_knobs;

struct flb_param {
	const char *name;
	const struct luokit_world *world;
	bool fixed;
};

static const struct flb_param flb_params[] = {
	{ "as it is", &purse_world, false },
	{ "patched", &purse_fixed_world, true },
};

KUNIT_ARRAY_PARAM_DESC(flb, flb_params, name);

static const struct flb_param *flb_param(struct kunit *test)
{
	return test->param_value ?: &flb_params[0];
}

static const struct purse_way *flb_way(struct luokit *k)
{
	return luokit_private(k);
}

static int flb_init(struct kunit *test)
{
	purse_knobs = (struct purse_knobs){};
	test->priv = luokit_boot(test, flb_param(test)->world);
	return 0;
}

/* The same machine anew, as the knobs are now. */
static struct luokit *flb_reinstall(struct kunit *test, const struct luokit_world *world)
{
	luokit_end(test->priv);
	test->priv = luokit_boot(test, world);
	return test->priv;
}

static long flb_stat(struct luokit *k, enum luosdk_stat stat)
{
	return luosdk_stats_read(flb_way(k)->stats, stat);
}

static struct file *flb_coin(struct luokit *k, u64 value)
{
	return luokit_own(k, flb_way(k)->create_coin(value));
}

static struct file *flb_note(struct luokit *k, u64 value)
{
	return luokit_own(k, flb_way(k)->create_note(value));
}

/* A session with a coin, token 1, and a note, token 2. */
static struct file *flb_session(struct kunit *test, const char *name, u64 coin, u64 note)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, name);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, flb_coin(k, coin)), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, flb_note(k, note)), 0);
	return s;
}

/* What the purse says, asked for and put. */
static void flb_expect_purse(struct kunit *test, u64 files, u64 total)
{
	const struct purse_way *way = flb_way(test->priv);
	struct purse *purse = way->get();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, purse);
	KUNIT_EXPECT_EQ(test, purse->files, files);
	KUNIT_EXPECT_EQ(test, purse->total, total);
	way->put(purse);
}

/* ---- Old kernel ------------------------------------------------------------------------ */

/* What .save wrote arrives although nobody changes it after that. */
static void flb_unchanged(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s;

	purse_knobs.quiet = true;
	flb_session(test, "s", 5, 10);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	flb_expect_purse(test, 0, 0);
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

/* With the first file until the last, over sessions and types, and again. */
static void flb_first_to_last(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct purse_way *way = flb_way(k);
	struct file *one, *two;
	int round;

	for (round = 1; round <= 2; round++) {
		KUNIT_EXPECT_EQ(test, way->add(0, 1), -ENOENT);
		one = flb_session(test, "one", 2, 20);
		KUNIT_EXPECT_EQ(test, purse_knobs.saved, round);
		two = flb_session(test, "two", 5, 50);
		KUNIT_EXPECT_EQ(test, purse_knobs.saved, round);
		KUNIT_EXPECT_EQ(test, flb_stat(k, LUOSDK_STAT_PRESERVED), round);
		KUNIT_EXPECT_GT(test, flb_stat(k, LUOSDK_STAT_BYTES), 0);

		KUNIT_EXPECT_EQ(test, luokit_close(k, one), 0);
		KUNIT_EXPECT_EQ(test, purse_knobs.unpreserved, round - 1);
		KUNIT_EXPECT_EQ(test, way->add(0, 0), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, two), 0);
		KUNIT_EXPECT_EQ(test, purse_knobs.unpreserved, round);
		KUNIT_EXPECT_EQ(test, purse_knobs.last_unpreserved.files, 0);
		KUNIT_EXPECT_EQ(test, purse_knobs.last_unpreserved.total, 0);
		KUNIT_EXPECT_EQ(test, flb_stat(k, LUOSDK_STAT_UNPRESERVED), round);
		KUNIT_EXPECT_EQ(test, flb_stat(k, LUOSDK_STAT_BYTES), 0);
		KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
	}
}

/* The file is not preserved, and all is as it was before. */
static void flb_save_fails(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct purse_way *way = flb_way(k);
	struct file *coin = flb_coin(k, 1), *s = luokit_create(k, "s");

	purse_knobs.save = -ENOKEY;
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, coin), -ENOKEY);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
	KUNIT_EXPECT_EQ(test, way->add(0, 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, luosdk_stats_read_failed(way->stats, -ENOKEY), 1);
	/* The handler never heard of it. */
	KUNIT_EXPECT_EQ(test, luosdk_stats_read(way->coin_stats, LUOSDK_STAT_PRESERVED), 0);

	/* A positive value is no success. */
	purse_knobs.save = 1;
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, coin), -EINVAL);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.unpreserved, 0);

	purse_knobs.save = 0;
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, coin), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

/* Somebody has a reference by LUO's own function while the last file goes. */
static void flb_held_over_unpreserve(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct purse_way *way = flb_way(k);
	struct file *s = flb_session(test, "s", 2, 20);

	KUNIT_ASSERT_EQ(test, way->hold(), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.unpreserved, 0);
	KUNIT_EXPECT_EQ(test, way->add(0, 0), 0);

	/* A new file finds the old state. */
	s = flb_session(test, "s", 3, 30);
	KUNIT_EXPECT_EQ(test, purse_knobs.saved, 1);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	way->let_go();
	KUNIT_EXPECT_EQ(test, purse_knobs.unpreserved, 1);
	KUNIT_EXPECT_EQ(test, way->add(0, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
}

#define FLB_RACES	200

/* Changes, and the state that comes and goes, at the same moment. */
struct flb_race {
	struct kunit *test;
	struct file *session;
	unsigned int changed, came_late;
};

static void flb_race_change(struct luokit *k, void *ctx, unsigned int round)
{
	const struct purse_way *way = flb_way(k);
	struct flb_race *race = ctx;
	int err;

	err = way->add(2, 14);
	if (err == -ENOENT)
		race->came_late++;
	else if (!err)
		race->changed++;
	else
		KUNIT_FAIL(race->test, "a change fails: %d", err);
	err = way->check(7);
	if (err && err != -ENOENT)
		KUNIT_FAIL(race->test, "the state is in two minds: %d", err);
}

static void flb_race_session(struct luokit *k, void *ctx, unsigned int round)
{
	struct flb_race *race = ctx;

	KUNIT_EXPECT_EQ(race->test, luokit_preserve(k, race->session, 1, flb_coin(k, 7)), 0);
	KUNIT_EXPECT_EQ(race->test, luokit_close(k, race->session), 0);
}

static void flb_race_between(struct luokit *k, void *ctx, unsigned int round)
{
	struct flb_race *race = ctx;

	race->session = luokit_create(k, "race");
}

static void flb_changes_race(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct flb_race race = {
		.test = test,
		.session = luokit_create(k, "race"),
	};
	unsigned int run;

	run = luokit_race(k, FLB_RACES, flb_race_change, flb_race_session, flb_race_between,
			  &race);
	kunit_info(test, "%u changes, %u found no state", race.changed, race.came_late);
	KUNIT_EXPECT_EQ(test, luokit_close(k, race.session), 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.unpreserved, run);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
}

/* ---- From the old kernel to the new one ------------------------------------------------- */

static void flb_add_late(struct luokit *k, void *ctx)
{
	int *err = ctx;

	*err = flb_way(k)->add(100, 1000);
}

/* Several sessions and types: what all have changed arrives, until after the freeze. */
static void flb_life(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct purse_way *way = flb_way(k);
	struct file *one, *two, *three;
	struct purse *held, *again;
	int err = 1;

	one = flb_session(test, "one", 2, 20);
	two = flb_session(test, "two", 5, 50);
	three = flb_session(test, "three", 1, 1);
	KUNIT_EXPECT_EQ(test, luokit_close(k, three), 0);
	KUNIT_EXPECT_EQ(test, way->add(10, 100), 0);
	/* There is no freeze, and no thaw. */
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	luokit_thaw(k);
	luokit_between(k, flb_add_late, NULL, &err);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, err, 0);
	purse_knobs.unpreserved = 0;

	/* Asked for before any file was retrieved, and restored once. */
	KUNIT_EXPECT_EQ(test, purse_knobs.restored, 0);
	flb_expect_purse(test, 114, 1177);
	held = way->get();
	again = way->get();
	KUNIT_EXPECT_PTR_EQ(test, held, again);
	way->put(again);
	KUNIT_EXPECT_EQ(test, purse_knobs.restored, 1);
	KUNIT_EXPECT_EQ(test, flb_stat(k, LUOSDK_STAT_RESTORED), 1);
	KUNIT_EXPECT_EQ(test, way->add(0, 0), -ENOENT);

	purse_knobs.asked = true;
	one = luokit_retrieve_session(k, "one");
	two = luokit_retrieve_session(k, "two");
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_retrieve(k, one, 1));
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_retrieve(k, two, 2));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, one), 0);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, two), 0);

	/* Somebody still has it. */
	KUNIT_EXPECT_EQ(test, purse_knobs.released, 0);
	KUNIT_EXPECT_EQ(test, held->files, 114);
	way->put(held);
	KUNIT_EXPECT_EQ(test, purse_knobs.released, 1);
	KUNIT_EXPECT_EQ(test, flb_stat(k, LUOSDK_STAT_FINISHED), 1);
	KUNIT_EXPECT_PTR_EQ(test, way->get(), ERR_PTR(-ENODATA));
	way->put(ERR_PTR(-ENODATA));
	KUNIT_EXPECT_EQ(test, purse_knobs.released, 1);
	KUNIT_EXPECT_EQ(test, flb_stat(k, LUOSDK_STAT_LEAKED), 0);
}

/* Released with the last file, and preserved once more by the kernel that got it. */
static void flb_two_updates(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = flb_session(test, "s", 2, 20);

	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	flb_expect_purse(test, 2, 22);
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.released, 1);

	s = flb_session(test, "t", 3, 30);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	flb_expect_purse(test, 2, 33);
	s = luokit_retrieve_session(k, "t");
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.released, 2);
}

static void flb_tear(struct luokit *k, void *ctx)
{
	int *err = ctx;

	*err = flb_way(k)->tear();
}

/* The kernel ends while somebody is between begin and end. */
static void flb_torn(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = flb_session(test, "s", 2, 20);
	int err = 1;

	luokit_between(k, flb_tear, NULL, &err);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, err, 0);
	flb_expect_purse(test, 2, 22);
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.released, 1);
	KUNIT_EXPECT_EQ(test, flb_stat(k, LUOSDK_STAT_LEAKED), 0);
}

/* No file is retrieved and nobody wants the state: it ends with the session. */
static void flb_nobody_asks(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = flb_session(test, "s", 2, 20);
	bool warned;

	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	warned = luokit_finish_warns(test->priv, s);
	if (!flb_param(test)->fixed) {
		/* The warning itself comes once in a kernel's life. */
		KUNIT_EXPECT_EQ(test, purse_knobs.released, 0);
		luokit_expect_leak(k, PAGE_SIZE);
		return;
	}
	KUNIT_EXPECT_FALSE(test, warned);
	KUNIT_EXPECT_EQ(test, purse_knobs.restored, 1);
	KUNIT_EXPECT_EQ(test, purse_knobs.released, 1);
}

/* The author's restore fails, or answers what is no answer: the state is consumed. */
static void flb_restore_fails(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct purse_way *way = flb_way(k);
	struct file *s;
	int i, err;

	for (i = 0; i < 2; i++) {
		s = flb_session(test, "s", 2, 20);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		purse_knobs = (struct purse_knobs){
			.asked = true,
			.restore = -EDOM,
			.restore_null = i,
		};
		err = i ? -EIO : -EDOM;
		s = luokit_retrieve_session(k, "s");
		kunit_warning_suppress(test) {
			KUNIT_EXPECT_PTR_EQ(test, way->get(), ERR_PTR(err));
			KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, i);
		}
		/* The files that need it fail as well, and it is not tried again. */
		KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, 1), ERR_PTR(err));
		KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, 2), ERR_PTR(err));
		KUNIT_EXPECT_EQ(test, purse_knobs.restored, 1);

		KUNIT_EXPECT_EQ(test, luokit_finish_warns(test->priv, s), !flb_param(test)->fixed);
		KUNIT_EXPECT_EQ(test, purse_knobs.restored, 1);
		KUNIT_EXPECT_EQ(test, purse_knobs.released, 0);
		KUNIT_EXPECT_EQ(test, flb_stat(k, LUOSDK_STAT_LEAKED), 0);
		KUNIT_EXPECT_EQ(test, luosdk_stats_read_failed(way->stats, err), 1);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
		purse_knobs = (struct purse_knobs){};
	}
}

/* The handlers share something that they did not in the old kernel. */
static void flb_new_in_new_kernel(struct kunit *test)
{
	struct luokit *k;
	struct file *s;

	purse_knobs.coin_alone = true;
	purse_knobs.note_alone = true;
	k = flb_reinstall(test, flb_param(test)->world);
	s = flb_session(test, "s", 2, 20);
	purse_knobs = (struct purse_knobs){};
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_TRUE(test, PTR_ERR(flb_way(k)->get()) == -ENOENT);
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_retrieve(k, s, 1));
	if (flb_param(test)->fixed)
		KUNIT_EXPECT_FALSE(test, luokit_finish_warns(test->priv, s));
	else
		luokit_finish_warns(test->priv, s);
	KUNIT_EXPECT_EQ(test, purse_knobs.restored, 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.released, 0);
}

/* Nobody in the new kernel knows what the files share: the page is lost, they are not. */
static void flb_gone_in_new_kernel(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = flb_session(test, "s", 2, 20);

	purse_knobs.coin_alone = true;
	purse_knobs.note_alone = true;
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_retrieve(k, s, 1));
	KUNIT_EXPECT_FALSE(test, luokit_finish_warns(test->priv, s));
	KUNIT_EXPECT_EQ(test, purse_knobs.restored, 0);
	luokit_expect_leak(k, PAGE_SIZE);
}

/* A session with a coin and one with a note, carried over; the purse is asked for. */
static void flb_carry_two(struct kunit *test, struct file **coins, struct file **notes,
			  bool coin_alone, bool note_alone)
{
	struct luokit *k = test->priv;

	*coins = luokit_create(k, "coins");
	*notes = luokit_create(k, "notes");
	/* A note that does not share the purse finds none to put itself into. */
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, *notes, 1, flb_note(k, 5)), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, *coins, 1, flb_coin(k, 1)), 0);
	purse_knobs.coin_alone = coin_alone;
	purse_knobs.note_alone = note_alone;
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	*coins = luokit_retrieve_session(k, "coins");
	*notes = luokit_retrieve_session(k, "notes");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, *coins);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, *notes);
}

/* In the new kernel notes share the purse as well: a note must not end that of coins. */
static void flb_handler_joins(struct kunit *test)
{
	struct file *coins, *notes;
	struct luokit *k;

	purse_knobs.note_alone = true;
	k = flb_reinstall(test, flb_param(test)->world);
	flb_carry_two(test, &coins, &notes, false, false);
	flb_expect_purse(test, 1, 1);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, notes), 0);
	if (!flb_param(test)->fixed) {
		KUNIT_EXPECT_EQ(test, purse_knobs.released, 1);
		KUNIT_EXPECT_PTR_EQ(test, flb_way(k)->get(), ERR_PTR(-ENODATA));
		/* A count below zero: it warns once in a kernel's life. */
		luokit_finish_warns(test->priv, coins);
		return;
	}
	KUNIT_EXPECT_EQ(test, purse_knobs.released, 0);
	flb_expect_purse(test, 1, 1);
	KUNIT_EXPECT_FALSE(test, luokit_finish_warns(test->priv, coins));
	KUNIT_EXPECT_EQ(test, purse_knobs.released, 1);
}

/* In the new kernel notes do not: the purse ends with the last coin. */
static void flb_handler_leaves(struct kunit *test)
{
	struct file *coins, *notes;
	struct luokit *k = test->priv;

	flb_carry_two(test, &coins, &notes, false, true);
	flb_expect_purse(test, 2, 6);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, notes), 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.released, 0);
	KUNIT_EXPECT_FALSE(test, luokit_finish_warns(test->priv, coins));
	KUNIT_EXPECT_EQ(test, purse_knobs.released, flb_param(test)->fixed);
	/* Nobody else will. */
	if (!flb_param(test)->fixed)
		kfree(flb_way(k)->get());
}

/* ---- Damage ----------------------------------------------------------------------------- */

enum flb_damaged {
	FLB_UNDAMAGED,
	FLB_WHERE,		/* a byte of what LUO's handle leads to */
	FLB_CURRENT,		/* of the copy that counts */
	FLB_OTHER,		/* of the other one */
	FLB_ELSEWHERE,		/* the other one is not where it is said to be */
	FLB_PAGE,		/* of the head of the page they are in */
};

struct flb_trip {
	enum flb_damaged what;
	unsigned int byte;
	u64 handle;
};

static void flb_remember(struct luokit *k, void *ctx)
{
	struct flb_trip *trip = ctx;

	trip->handle = flb_way(k)->handle();
}

static void flb_damage(struct luokit *k, void *ctx)
{
	struct flb_trip *trip = ctx;
	struct luosdk_state_hdr *hdr = phys_to_virt(trip->handle);
	struct luosdk_flb_ser *where = (void *)(hdr + 1);
	unsigned int now = where->current_copy != LUOSDK_FLB_COPY(0);
	u8 *bytes = NULL;

	switch (trip->what) {
	case FLB_UNDAMAGED:
		return;
	case FLB_WHERE:
		bytes = (u8 *)hdr;
		break;
	case FLB_CURRENT:
		bytes = phys_to_virt(where->copy[now]);
		break;
	case FLB_OTHER:
		bytes = phys_to_virt(where->copy[!now]);
		break;
	case FLB_ELSEWHERE:
		where->copy[!now] &= PAGE_MASK;
		luosdk_state_seal(where);
		return;
	case FLB_PAGE:
		bytes = (u8 *)((unsigned long)hdr & PAGE_MASK);
		break;
	}
	bytes[trip->byte] ^= 0x10;
}

/* Damaged in this way, the state is refused with @err and @leak bytes are missing. */
static void flb_trip(struct kunit *test, enum flb_damaged what, unsigned int byte, int err,
		     size_t leak)
{
	struct luokit *k = flb_reinstall(test, &purse_fixed_world);
	const struct purse_way *way = flb_way(k);
	struct flb_trip trip = { .what = what, .byte = byte };
	struct file *s = flb_session(test, "s", 2, 20);
	struct purse *purse;

	KUNIT_EXPECT_EQ(test, way->add(1, 1), 0);
	purse_knobs.restored = 0;
	purse_knobs.released = 0;
	luokit_between(k, flb_remember, flb_damage, &trip);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	purse = way->get();
	KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(purse), err, "damage %d, byte %u", what, byte);
	if (!IS_ERR(purse)) {
		KUNIT_EXPECT_EQ(test, purse->files, 3);
		KUNIT_EXPECT_EQ(test, purse->total, 23);
	}
	way->put(purse);
	KUNIT_EXPECT_EQ(test, purse_knobs.restored, !err);
	KUNIT_EXPECT_EQ_MSG(test, flb_stat(k, LUOSDK_STAT_LEAKED), leak, "damage %d, byte %u",
			    what, byte);
	KUNIT_EXPECT_EQ(test, luosdk_stats_read_failed(way->stats, err), !!err);

	/* The files are not harmed. */
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_retrieve(k, s, 1));
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_retrieve(k, s, 2));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.released, !err);
	luokit_expect_leak(k, leak);
}

static void flb_damaged(struct kunit *test)
{
	unsigned int i, where = sizeof(struct luosdk_state_hdr) + sizeof(struct luosdk_flb_ser);
	unsigned int copy = sizeof(struct luosdk_state_hdr) + 16;

	flb_trip(test, FLB_UNDAMAGED, 0, 0, 0);
	/* Where the copies are is not known any more, or which of them counts. */
	for (i = 0; i < where - 8; i++)
		flb_trip(test, FLB_WHERE, i, -EBADMSG, PAGE_SIZE);
	for (; i < where; i++)
		flb_trip(test, FLB_WHERE, i, -EBADMSG, 0);
	for (i = 0; i < copy; i++)
		flb_trip(test, FLB_CURRENT, i, -EBADMSG, 0);
	/* Nobody reads the other one. */
	for (i = 0; i < copy; i++)
		flb_trip(test, FLB_OTHER, i, 0, 0);
	/* But it takes a place, and now for good. */
	flb_trip(test, FLB_ELSEWHERE, 0, 0, PAGE_SIZE);
	/* The magic number; and the bit of the third slot, which is the second copy's. */
	flb_trip(test, FLB_PAGE, 0, -EBADMSG, PAGE_SIZE);
	flb_trip(test, FLB_PAGE, offsetof(struct luosdk_slot_page, used), -EBADMSG, PAGE_SIZE);
}

/* ---- Versions and sizes ----------------------------------------------------------------- */

static void flb_versions(struct kunit *test)
{
	struct purse *purse;
	struct luokit *k;
	struct file *s;

	/* To a newer one, on a core that does not warn of a failed retrieve, and back. */
	k = flb_reinstall(test, &purse_world);
	s = flb_session(test, "s", 2, 20);
	luokit_next_world(k, &purse_v2_world);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	purse = flb_way(k)->get();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, purse);
	KUNIT_EXPECT_EQ(test, purse->files, 2);
	KUNIT_EXPECT_EQ(test, purse->total, 22);
	KUNIT_EXPECT_EQ(test, purse->currency, 756);
	flb_way(k)->put(purse);
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);

	s = flb_session(test, "s", 3, 30);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	purse = flb_way(k)->get();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, purse);
	KUNIT_EXPECT_EQ(test, purse->currency, 978);
	KUNIT_EXPECT_EQ(test, purse->total, 33);
	flb_way(k)->put(purse);
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);

	s = flb_session(test, "s", 4, 40);
	luokit_next_world(k, &purse_fixed_world);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_PTR_EQ(test, flb_way(k)->get(), ERR_PTR(-EOPNOTSUPP));
	KUNIT_EXPECT_EQ(test, flb_stat(k, LUOSDK_STAT_LEAKED), 0);
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
}

/* A state that shares no page, the same from one end to the other. */
static void flb_big(struct kunit *test)
{
	struct luokit *k = flb_reinstall(test, &purse_big_world);
	struct file *s;
	int err = 1;

	KUNIT_EXPECT_GT(test, flb_way(k)->ser_bytes, PAGE_SIZE / 2);
	s = flb_session(test, "s", 2, 20);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);

	s = flb_session(test, "s", 3, 30);
	luokit_between(k, flb_tear, NULL, &err);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, err, 0);
	flb_expect_purse(test, 2, 33);
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.released, 1);
}

/* Without what leads to them, both copies are lost, and it if it is none. */
static void flb_big_damaged(struct kunit *test)
{
	static const unsigned int bytes[] = { sizeof(struct luosdk_state_hdr), 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct luokit *k = flb_reinstall(test, &purse_big_world);
		struct flb_trip trip = { .what = FLB_WHERE, .byte = bytes[i] };
		struct file *s = flb_session(test, "s", 2, 20);

		luokit_between(k, flb_remember, flb_damage, &trip);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		KUNIT_EXPECT_PTR_EQ(test, flb_way(k)->get(), ERR_PTR(-EBADMSG));
		KUNIT_EXPECT_EQ(test, flb_stat(k, LUOSDK_STAT_LEAKED), (2 + i) * PAGE_SIZE);
		s = luokit_retrieve_session(k, "s");
		luokit_finish_warns(k, s);
		luokit_expect_leak(k, (2 + i) * PAGE_SIZE);
	}
}

/* What a begin gave goes to the end, and nothing else: there is no change, and no lock left. */
static void flb_end_without_begin(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = flb_session(test, "s", 2, 20);

	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, flb_way(k)->end_another(), 0);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	KUNIT_EXPECT_EQ(test, flb_way(k)->check(11), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.last_unpreserved.files, 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.last_unpreserved.total, 0);
}

/* What a person reads in debugfs. */
static void flb_debugfs(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct seq_file m = { .size = PAGE_SIZE };

	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	m.private = flb_way(k)->stats;
	KUNIT_EXPECT_EQ(test, luosdk_stats_show(&m, NULL), 0);
	KUNIT_EXPECT_TRUE(test, strstarts(m.buf, "compatible luosdk-purse-v1\nkind shared\n"
					  "version 1\npayload 16\n"));
}

/* What is in memory. ABI. */
static void flb_layout(struct kunit *test)
{
	static const u8 first[] = { 0xc3, 0xc3, 0x3c, 0x3c, 0x5a, 0x5a, 0xa5, 0xa5 };
	static const u8 second[] = { 0x3c, 0x3c, 0xc3, 0xc3, 0xa5, 0xa5, 0x5a, 0x5a };
	u64 copy = LUOSDK_FLB_COPY(0);

	KUNIT_EXPECT_MEMEQ(test, (u8 *)&copy, first, sizeof(first));
	copy = LUOSDK_FLB_COPY(1);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)&copy, second, sizeof(second));
	KUNIT_EXPECT_EQ(test, sizeof(struct luosdk_flb_ser), 24);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_flb_ser, copy[1]), 8);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_flb_ser, current_copy), 16);
}

/* ---- Failures ---------------------------------------------------------------------------- */

struct flb_sweep {
	struct kunit *test;
	struct file *session, *coin;
};

static void flb_sweep_prepare(struct luokit *k, void *ctx)
{
	struct flb_sweep *sweep = ctx;

	sweep->session = luokit_create(k, "sweep");
	sweep->coin = flb_coin(k, 1);
}

static int flb_sweep_preserve(struct luokit *k, void *ctx)
{
	struct flb_sweep *sweep = ctx;

	return luokit_preserve(k, sweep->session, 1, sweep->coin);
}

static void flb_sweep_undo(struct luokit *k, void *ctx, int err)
{
	struct flb_sweep *sweep = ctx;

	/* A file that is not preserved leaves no state behind. */
	KUNIT_EXPECT_EQ(sweep->test, flb_way(k)->add(0, 0), err ? -ENOENT : 0);
	if (err)
		KUNIT_EXPECT_EQ(sweep->test, luokit_preserved_bytes(k), 0);
	luokit_close(k, sweep->session);
	luokit_put(k, sweep->coin);
}

static void flb_preserve_failure_points(struct kunit *test)
{
	struct flb_sweep ctx = { .test = test };
	const struct luokit_sweep sweep = {
		.prepare = flb_sweep_prepare,
		.run = flb_sweep_preserve,
		.undo = flb_sweep_undo,
		.ctx = &ctx,
	};

	/* At least a page for the purse and one for the coin. */
	KUNIT_EXPECT_GE(test, luokit_sweep(test->priv, &sweep), 2);
	/* And one for each copy of the purse, and what leads to them. */
	flb_reinstall(test, &purse_big_world);
	KUNIT_EXPECT_GE(test, luokit_sweep(test->priv, &sweep), 4);
}

/* A retrieve is not repeated, so each failure is a machine of its own. */
static void flb_retrieve_failure_points(struct kunit *test)
{
	const struct purse_way *way;
	struct purse *purse;
	unsigned int nth, hits = 0, kind;
	bool hit, failed;
	struct luokit *k;
	struct file *s;

	if (!luokit_can_fail_alloc())
		kunit_skip(test, "needs CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC");
	for (kind = 0; kind < 2; kind++) {
		for (nth = 1, hit = true; hit; nth++) {
			k = flb_reinstall(test, flb_param(test)->world);
			way = flb_way(k);
			s = flb_session(test, "s", 2, 20);
			KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
			purse_knobs.released = 0;
			if (kind)
				luokit_fail_kho_nth(k, nth);
			else
				luokit_fail_alloc_nth(k, nth);
			purse = way->get();
			hit = luokit_fail_end(k);
			failed = IS_ERR(purse);
			hits += failed;
			/* What the kernel's checkers allocate for themselves matters to nobody. */
			KUNIT_EXPECT_TRUE(test, hit || !failed);
			way->put(purse);
			s = luokit_retrieve_session(k, "s");
			KUNIT_EXPECT_EQ(test, luokit_finish_warns(test->priv, s),
					failed && !flb_param(test)->fixed);
			KUNIT_EXPECT_EQ(test, purse_knobs.released, !failed);
			KUNIT_EXPECT_EQ(test, flb_stat(k, LUOSDK_STAT_LEAKED), 0);
			KUNIT_ASSERT_LT(test, nth, 100);
		}
	}
	KUNIT_EXPECT_GE(test, hits, 1);
}

/* ---- Registration ------------------------------------------------------------------------ */

static void flb_registered(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct purse_way *way = flb_way(k);
	struct file *s;

	/* Once for each handler. */
	KUNIT_EXPECT_EQ(test, way->register_coin(), -EEXIST);
	way->unregister_coin();
	KUNIT_EXPECT_EQ(test, way->register_coin(), 0);

	/* Coins have nothing to do with it any more, notes have. */
	way->unregister_coin();
	s = luokit_create(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, flb_coin(k, 2)), 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.saved, 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 2, flb_note(k, 2)), 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.saved, 1);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, purse_knobs.unpreserved, 1);

	/* A handler that goes takes its share along; what is left to do is to count it. */
	KUNIT_EXPECT_EQ(test, way->register_coin(), 0);
	KUNIT_EXPECT_EQ(test, way->handlers(), 2);
	KUNIT_EXPECT_EQ(test, way->unregister_handler_first(), 0);
	KUNIT_EXPECT_EQ(test, way->handlers(), 1);

	/* Not before its handler. */
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, way->register_too_early(), -EINVAL);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
}

/* Nothing to do, and nothing to undo. */
static void flb_registered_without_luo(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct purse_way *way = flb_way(k);

	way->unregister_coin();
	KUNIT_EXPECT_EQ(test, way->register_without_luo(), 0);
	KUNIT_EXPECT_EQ(test, way->handlers(), 1);
}

#define FLB_BOTH(_name) KUNIT_CASE_PARAM(_name, flb_gen_params)

static struct kunit_case luosdk_flb_cases[] = {
	FLB_BOTH(flb_unchanged),
	FLB_BOTH(flb_first_to_last),
	FLB_BOTH(flb_save_fails),
	FLB_BOTH(flb_held_over_unpreserve),
	KUNIT_CASE(flb_changes_race),
	FLB_BOTH(flb_life),
	FLB_BOTH(flb_two_updates),
	KUNIT_CASE(flb_torn),
	FLB_BOTH(flb_nobody_asks),
	FLB_BOTH(flb_restore_fails),
	FLB_BOTH(flb_new_in_new_kernel),
	FLB_BOTH(flb_gone_in_new_kernel),
	FLB_BOTH(flb_handler_joins),
	FLB_BOTH(flb_handler_leaves),
	KUNIT_CASE(flb_damaged),
	KUNIT_CASE(flb_versions),
	KUNIT_CASE(flb_big),
	KUNIT_CASE(flb_big_damaged),
	KUNIT_CASE(flb_end_without_begin),
	KUNIT_CASE(flb_debugfs),
	KUNIT_CASE(flb_layout),
	KUNIT_CASE(flb_preserve_failure_points),
	FLB_BOTH(flb_retrieve_failure_points),
	KUNIT_CASE(flb_registered),
	KUNIT_CASE(flb_registered_without_luo),
	{}
};

static struct kunit_suite luosdk_flb_suite = {
	.name = "luosdk_flb",
	.init = flb_init,
	.test_cases = luosdk_flb_cases,
};

kunit_test_suite(luosdk_flb_suite);

MODULE_DESCRIPTION("KUnit tests of luosdk/flb.h");
MODULE_LICENSE("GPL");
