// SPDX-License-Identifier: GPL-2.0
/*
 * handler_kunit.c - tests of luosdk/handler.h and stats.h: what the generated
 * callbacks do around the author's functions, and what they do when those
 * break their contract.
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/namei.h>
#include <luokit.h>
#include <luosdk/handler.h>

#include "widget.h"

struct widget_knobs widget_knobs;

static const struct widget_way *handler_way(struct luokit *k)
{
	return luokit_private(k);
}

static struct file *handler_widget(struct luokit *k, u64 value)
{
	return luokit_own(k, handler_way(k)->create(value));
}

static enum luosdk_phase handler_phase(struct luokit *k, struct file *file)
{
	return luosdk_guard_phase(handler_way(k)->guard_of(file));
}

static long handler_stat(struct luokit *k, enum luosdk_stat stat)
{
	return luosdk_stats_read(&handler_way(k)->handler->stats, stat);
}

static int handler_init(struct kunit *test)
{
	widget_knobs = (struct widget_knobs){};
	test->priv = luokit_boot(test, &widget_world);
	return 0;
}

/* A whole life, and the phase and the counters at each step. */
static void handler_life(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = handler_widget(k, 1), *s;
	struct luosdk_handler *h = handler_way(k)->handler;

	s = luokit_create(k, "s");
	KUNIT_EXPECT_EQ(test, handler_phase(k, file), LUOSDK_IDLE);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_EXPECT_EQ(test, handler_phase(k, file), LUOSDK_PRESERVED);
	KUNIT_EXPECT_EQ(test, handler_stat(k, LUOSDK_STAT_PRESERVED), 1);
	KUNIT_EXPECT_EQ(test, handler_stat(k, LUOSDK_STAT_BYTES), h->slots.slot_bytes);

	/* What changes after preserve is not lost. */
	KUNIT_EXPECT_EQ(test, handler_way(k)->set(file, 2), 0);

	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	KUNIT_EXPECT_EQ(test, handler_phase(k, file), LUOSDK_FROZEN);
	KUNIT_EXPECT_EQ(test, handler_way(k)->set(file, 3), -EBUSY);
	KUNIT_EXPECT_EQ(test, handler_stat(k, LUOSDK_STAT_FROZEN), 1);
	luokit_thaw(k);
	KUNIT_EXPECT_EQ(test, handler_phase(k, file), LUOSDK_PRESERVED);
	KUNIT_EXPECT_EQ(test, handler_stat(k, LUOSDK_STAT_THAWED), 1);
	KUNIT_EXPECT_EQ(test, widget_knobs.thawed, 1);
	KUNIT_EXPECT_EQ(test, handler_way(k)->set(file, 4), 0);

	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, handler_way(k)->value(file), 4);
	KUNIT_EXPECT_EQ(test, handler_phase(k, file), LUOSDK_RESTORED);
	KUNIT_EXPECT_EQ(test, handler_stat(k, LUOSDK_STAT_RESTORED), 1);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, handler_phase(k, file), LUOSDK_IDLE);
	KUNIT_EXPECT_EQ(test, handler_stat(k, LUOSDK_STAT_FINISHED), 1);
	KUNIT_EXPECT_EQ(test, handler_stat(k, LUOSDK_STAT_DISCARDED), 0);
}

static void handler_unpreserve(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = handler_widget(k, 1), *s;

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, handler_phase(k, file), LUOSDK_IDLE);
	KUNIT_EXPECT_EQ(test, handler_stat(k, LUOSDK_STAT_UNPRESERVED), 1);
	KUNIT_EXPECT_EQ(test, handler_stat(k, LUOSDK_STAT_BYTES), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
}

/* Files of all other types: refused, and not looked into. */
static void handler_foreign_files(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct luokit_foreign foreign[16];
	unsigned int i, nr, refused = 0;
	struct file *s;

	nr = luokit_foreign(k, foreign, ARRAY_SIZE(foreign));
	KUNIT_EXPECT_GE(test, nr, 3);
	s = luokit_create(k, "s");
	for (i = 0; i < nr; i++) {
		int err = luokit_preserve(k, s, i, foreign[i].file);

		/* Nobody but the kit's own stub wants any of them. */
		if (err) {
			KUNIT_EXPECT_EQ_MSG(test, err, -ENOENT, "%s", foreign[i].name);
			refused++;
		}
	}
	KUNIT_EXPECT_GE(test, refused, nr - 1);
	KUNIT_EXPECT_EQ(test, handler_stat(k, LUOSDK_STAT_PRESERVED), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

/* LUO asked can_preserve() some time ago: preserve looks for itself. */
static void handler_preserve_of_foreign(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct luosdk_handler *h = handler_way(k)->handler;
	struct liveupdate_file_op_args args = {
		.handler = &h->fh,
		.file = luokit_stub_file(k, 1),
	};

	KUNIT_EXPECT_EQ(test, h->fh.ops->preserve(&args), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_stats_read_failed(&h->stats, -EINVAL), 1);
	KUNIT_EXPECT_EQ(test, handler_stat(k, LUOSDK_STAT_PRESERVED), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
}

/* Whether LUO finds the widgets' handler. */
static int handler_try(struct luokit *k)
{
	struct file *s = luokit_create(k, "try");
	int err = luokit_preserve(k, s, 1, handler_widget(k, 1));

	luokit_close(k, s);
	return err;
}

/*
 * Nothing to do without LUO, nothing wanted with enabled=0: neither is an error,
 * and the exit that follows has nothing to undo.
 */
static void handler_not_registered(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct widget_way *way = handler_way(k);

	KUNIT_EXPECT_EQ(test, handler_try(k), 0);
	way->exit();
	KUNIT_EXPECT_EQ(test, handler_try(k), -ENOENT);

	KUNIT_EXPECT_EQ(test, way->init_without_luo(), 0);
	KUNIT_EXPECT_EQ(test, handler_try(k), -ENOENT);
	way->exit();

	KUNIT_EXPECT_EQ(test, way->init_disabled(), 0);
	KUNIT_EXPECT_EQ(test, handler_try(k), -ENOENT);
	way->exit();

	KUNIT_EXPECT_EQ(test, way->init(), 0);
	KUNIT_EXPECT_EQ(test, handler_try(k), 0);
}

/* LUO has a handler of that name: refused, and the first one is not disturbed. */
static void handler_registered_twice(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct widget_way *way = handler_way(k);

	KUNIT_EXPECT_EQ(test, way->init(), -EEXIST);
	KUNIT_EXPECT_EQ(test, handler_try(k), 0);
	way->exit();
	KUNIT_EXPECT_EQ(test, handler_try(k), -ENOENT);
	KUNIT_EXPECT_EQ(test, way->init(), 0);
}

/* save() refuses: nothing is left behind, and the object stays free. */
static void handler_save_fails(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = handler_widget(k, 1), *s;

	s = luokit_create(k, "s");
	widget_knobs.save = -ENOKEY;
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, file), -ENOKEY);
	KUNIT_EXPECT_EQ(test, handler_phase(k, file), LUOSDK_IDLE);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);

	/* A positive value is no success. */
	widget_knobs.save = 1;
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, file), -EINVAL);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	KUNIT_EXPECT_EQ(test, handler_phase(k, file), LUOSDK_IDLE);

	widget_knobs.save = 0;
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_EXPECT_EQ(test, luosdk_stats_read_failed(&handler_way(k)->handler->stats,
						       -ENOKEY), 1);
}

/*
 * LUO gives the file whose freeze failed no unfreeze. It must be as free as
 * before, and so must the files frozen before and after it.
 */
static void handler_freeze_fails(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *first = handler_widget(k, 1);
	struct file *stub = luokit_stub_file(k, 2);
	struct file *s;
	int i;

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, first), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, stub), 0);

	/* Its own freeze, in either of the author's functions. */
	for (i = 0; i < 2; i++) {
		widget_knobs.freeze = i ? -ENOKEY : 0;
		widget_knobs.save = i ? 0 : -EDOM;
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), i ? -ENOKEY : -EDOM);
		KUNIT_EXPECT_EQ(test, handler_phase(k, first), LUOSDK_PRESERVED);
		KUNIT_EXPECT_EQ(test, handler_way(k)->set(first, 10 + i), 0);
		/* What was not frozen by the author is not thawed by him. */
		KUNIT_EXPECT_EQ(test, widget_knobs.thawed, 0);
	}
	widget_knobs.freeze = 0;
	widget_knobs.save = 0;

	/* The freeze of a later file. */
	luokit_stub_freeze(stub, -EIO);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), -EIO);
	KUNIT_EXPECT_EQ(test, handler_phase(k, first), LUOSDK_PRESERVED);
	KUNIT_EXPECT_EQ(test, widget_knobs.thawed, 1);
	KUNIT_EXPECT_EQ(test, handler_way(k)->set(first, 20), 0);

	/* And after all that it works. */
	luokit_stub_freeze(stub, 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	first = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(first));
	KUNIT_EXPECT_EQ(test, handler_way(k)->value(first), 20);
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_retrieve(k, s, 2)));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
}

/* An access section that does not end: the update is aborted, not hung. */
static void handler_freeze_bound(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = handler_widget(k, 1), *s;
	struct luosdk_guard *guard = handler_way(k)->guard_of(file);

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_ASSERT_EQ(test, luosdk_access_begin(guard), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), -EBUSY);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(guard), LUOSDK_PRESERVED);
	luosdk_access_end(guard);
	KUNIT_EXPECT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_retrieve(k, s, 1)));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
}

/* Whatever restore() returns, retrieve fails cleanly and the session can end. */
static void handler_wrong_restore(struct kunit *test)
{
	struct {
		enum widget_restore how;
		int err;
		bool warns;
	} const wrong[] = {
		{ WIDGET_RESTORE_ERROR, -EDOM, false },
		{ WIDGET_RESTORE_NULL, -EIO, true },
		{ WIDGET_RESTORE_FOREIGN, -EIO, true },
		{ WIDGET_RESTORE_SHARED, -EIO, true },
		{ WIDGET_RESTORE_CLAIMED, -EBUSY, true },
	};
	struct luokit *k = test->priv;
	struct file *s, *file;
	int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		s = luokit_create(k, "s");
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, handler_widget(k, 1)), 0);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		widget_knobs.restore = wrong[i].how;
		kunit_warning_suppress(test) {
			file = luokit_retrieve(k, s, 1);
			KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, wrong[i].warns);
		}
		widget_knobs.restore = WIDGET_RESTORE_RIGHT;
		if (widget_knobs.shared)
			luokit_own(k, widget_knobs.shared);
		widget_knobs.shared = NULL;
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(file), wrong[i].err,
				    "case %d", i);
		/* LUO remembers, and can still finish, whatever ready() thinks. */
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luokit_retrieve(k, s, 1)),
				wrong[i].err);
		widget_knobs.not_ready = true;
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		widget_knobs.not_ready = false;
		KUNIT_EXPECT_EQ(test, widget_knobs.asked_ready, 0);
		/* The state was consumed by the retrieve: finish does not look for it. */
		KUNIT_EXPECT_EQ(test, widget_knobs.discarded, 0);
		KUNIT_EXPECT_EQ(test, handler_stat(k, LUOSDK_STAT_LEAKED), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	}
}

/* ready() keeps a session open, and only for files that were retrieved. */
static void handler_ready(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s;

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, handler_widget(k, 1)), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	KUNIT_ASSERT_FALSE(test, IS_ERR(luokit_retrieve(k, s, 1)));
	widget_knobs.not_ready = true;
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), -EBUSY);
	KUNIT_EXPECT_EQ(test, widget_knobs.asked_ready, 1);
	widget_knobs.not_ready = false;
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
}

/* Nobody retrieves it: finish discards, exactly once, and asks nobody. */
/* What the state owns is taken after the first save, and given back once. */
static void handler_preserve_and_unpreserve(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = handler_widget(k, 1), *s;

	s = luokit_create(k, "s");
	widget_knobs.save = -ENOKEY;
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, file), -ENOKEY);
	KUNIT_EXPECT_EQ(test, widget_knobs.preserved, 0);
	widget_knobs.save = 0;

	widget_knobs.preserve = -ENOSPC;
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, file), -ENOSPC);
	KUNIT_EXPECT_EQ(test, widget_knobs.preserved, 1);
	widget_knobs.preserve = 1;
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, file), -EINVAL);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	KUNIT_EXPECT_EQ(test, widget_knobs.unpreserved, 0);
	KUNIT_EXPECT_EQ(test, handler_phase(k, file), LUOSDK_IDLE);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);

	widget_knobs.preserve = 0;
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_EXPECT_EQ(test, luokit_freeze(k), 0);
	luokit_thaw(k);
	KUNIT_EXPECT_EQ(test, widget_knobs.preserved, 3);
	KUNIT_EXPECT_EQ(test, widget_knobs.unpreserved, 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, widget_knobs.unpreserved, 1);
}

/* A handler that stands back is asked once, and keeps what it has. */
static void handler_accept(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = handler_widget(k, 5), *s = luokit_create(k, "s");

	widget_knobs.unwilling = true;
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, file), -ENOENT);
	widget_knobs.unwilling = false;
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	widget_knobs.unwilling = true;
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, handler_way(k)->value(file), 5);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
}

static void handler_discard(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s;

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, handler_widget(k, 77)), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	widget_knobs.not_ready = true;
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, widget_knobs.discarded, 1);
	KUNIT_EXPECT_EQ(test, widget_knobs.last_discarded, 77);
	KUNIT_EXPECT_EQ(test, handler_stat(k, LUOSDK_STAT_DISCARDED), 1);
}

/* Every failure point of preserve, of the freeze, and of retrieve and finish. */
static int handler_sweep_preserve(struct luokit *k, void *ctx)
{
	struct file **files = ctx;

	return luokit_preserve(k, files[0], 1, files[1]);
}

static void handler_sweep_create(struct luokit *k, void *ctx)
{
	struct file **files = ctx;

	files[0] = luokit_create(k, "s");
}

static void handler_sweep_close(struct luokit *k, void *ctx, int result)
{
	struct file **files = ctx;

	luokit_close(k, files[0]);
}

static void handler_failure_points(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *files[2] = { NULL, handler_widget(k, 1) };
	struct luokit_sweep sweep = {
		.prepare = handler_sweep_create,
		.run = handler_sweep_preserve,
		.undo = handler_sweep_close,
		.ctx = files,
	};

	KUNIT_EXPECT_GE(test, luokit_sweep(k, &sweep), 2);
	KUNIT_EXPECT_EQ(test, handler_phase(k, files[1]), LUOSDK_IDLE);
}

/* What a person reads in debugfs. */
static void handler_debugfs(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = handler_widget(k, 1), *s;
	struct dentry *dir, *stats;
	struct seq_file m = {};

	if (!IS_ENABLED(CONFIG_DEBUG_FS))
		kunit_skip(test, "needs CONFIG_DEBUG_FS");

	dir = debugfs_lookup("luosdk-widget", NULL);
	KUNIT_ASSERT_NOT_NULL(test, dir);
	stats = debugfs_lookup("stats", dir);
	KUNIT_EXPECT_NOT_NULL(test, stats);
	dput(stats);
	dput(dir);

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	widget_knobs.save = -ENOKEY;
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 2, handler_widget(k, 1)), -ENOKEY);

	m.size = PAGE_SIZE;
	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	m.private = &handler_way(k)->handler->stats;
	KUNIT_EXPECT_EQ(test, luosdk_stats_show(&m, NULL), 0);
	KUNIT_EXPECT_TRUE(test, strstarts(m.buf, "compatible luosdk-widget-v1\nkind file\n"
					  "version 1\npayload 8\nsealed 8\nlayout 0x0\n"
					  "preserved_now 1\npreserved 1\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "refused_busy 0\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "bytes 32\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "failed_-126 1\n") ?:
			      strstr(m.buf, "failed_-ENOKEY 1\n"));
	KUNIT_EXPECT_NULL(test, strstr(m.buf, "failed_other"));

	/* An errno that no user ever sees has no line of its own. */
	widget_knobs.save = -ERESTARTSYS;
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 3, handler_widget(k, 1)), -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 4, handler_widget(k, 1)), -ERESTARTSYS);
	m.count = 0;
	KUNIT_EXPECT_EQ(test, luosdk_stats_show(&m, NULL), 0);
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "failed_other 2\n"));

	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	m.count = 0;
	KUNIT_EXPECT_EQ(test, luosdk_stats_show(&m, NULL), 0);
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf, "\npreserved_now 0\n"));

	/* Counters of a driver that has no LUOSDK_HANDLER(), and so no format of the layer's. */
	m.count = 0;
	m.private = kunit_kzalloc(test, sizeof(struct luosdk_stats), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.private);
	KUNIT_EXPECT_EQ(test, luosdk_stats_show(&m, NULL), 0);
	KUNIT_EXPECT_TRUE(test, strstarts(m.buf, "preserved 0\n"));

	luokit_end(k);
	KUNIT_EXPECT_NULL(test, debugfs_lookup("luosdk-widget", NULL));
}

/* What the last callback told the trace event; nothing else did. */
static void handler_expect_traced(struct kunit *test, enum luosdk_op op, const void *ctx,
				  u64 state, int err)
{
	struct luosdk_handler *h = handler_way(test->priv)->handler;
	const struct widget_traced *t = &widget_knobs.traced[0];

	KUNIT_EXPECT_EQ(test, widget_knobs.nr_traced, 1);
	widget_knobs.nr_traced = 0;
	KUNIT_EXPECT_STREQ(test, t->handler, "widget");
	KUNIT_EXPECT_EQ(test, t->op, op);
	KUNIT_EXPECT_PTR_EQ(test, t->ctx, ctx);
	KUNIT_EXPECT_EQ(test, t->state, state);
	KUNIT_EXPECT_EQ(test, t->bytes, err ? 0 : h->slots.slot_bytes);
	KUNIT_EXPECT_EQ(test, t->err, err);
}

/* Each step of a file is one event that says what the DOC section "trace" promises. */
static void handler_trace(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = handler_widget(k, 1), *s = luokit_create(k, "s");
	const void *ctx = file->private_data;
	u64 began, state, other, ns;

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	handler_way(k)->trace(-EDOM);
	KUNIT_EXPECT_EQ(test, widget_knobs.nr_traced, 0);

	widget_knobs.tracing = true;
	handler_way(k)->trace(-EDOM);
	handler_expect_traced(test, LUOSDK_OP_UNFREEZE, NULL, 0, -EDOM);
	widget_knobs.save = -ENOKEY;
	s = luokit_create(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, file), -ENOKEY);
	handler_expect_traced(test, LUOSDK_OP_PRESERVE, ctx, 0, -ENOKEY);
	widget_knobs.save = 0;
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &state), 0);
	handler_expect_traced(test, LUOSDK_OP_PRESERVE, ctx, state, 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	handler_expect_traced(test, LUOSDK_OP_UNPRESERVE, ctx, state, 0);

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &state), 0);
	/* Somebody is inside all the time that freeze waits, and the event says how long. */
	widget_knobs.nr_traced = 0;
	KUNIT_ASSERT_EQ(test, luosdk_access_begin(handler_way(k)->guard_of(file)), 0);
	began = ktime_get_ns();
	KUNIT_EXPECT_EQ(test, luokit_freeze(k), -EBUSY);
	ns = widget_knobs.traced[0].ns;
	KUNIT_EXPECT_GE(test, ns, 50 * NSEC_PER_MSEC);
	KUNIT_EXPECT_LE(test, ns, ktime_get_ns() - began);
	handler_expect_traced(test, LUOSDK_OP_FREEZE, ctx, state, -EBUSY);
	/* Switched on in the middle of it: there is no duration. */
	widget_knobs.not_yet = 1;
	KUNIT_EXPECT_EQ(test, luokit_freeze(k), -EBUSY);
	KUNIT_EXPECT_EQ(test, widget_knobs.traced[0].ns, 0);
	handler_expect_traced(test, LUOSDK_OP_FREEZE, ctx, state, -EBUSY);
	luosdk_access_end(handler_way(k)->guard_of(file));
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	handler_expect_traced(test, LUOSDK_OP_FREEZE, ctx, state, 0);
	luokit_thaw(k);
	handler_expect_traced(test, LUOSDK_OP_UNFREEZE, ctx, state, 0);

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, handler_widget(k, 2)), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 2, &other), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	widget_knobs.nr_traced = 0;
	s = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	handler_expect_traced(test, LUOSDK_OP_RETRIEVE, file->private_data, state, 0);
	widget_knobs.restore = WIDGET_RESTORE_ERROR;
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, 2), ERR_PTR(-EDOM));
	handler_expect_traced(test, LUOSDK_OP_RETRIEVE, NULL, other, -EDOM);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, widget_knobs.nr_traced, 2);
	KUNIT_EXPECT_EQ(test, widget_knobs.traced[0].op, LUOSDK_OP_FINISH);
	KUNIT_EXPECT_EQ(test, widget_knobs.traced[1].op, LUOSDK_OP_FINISH);
	KUNIT_EXPECT_EQ(test, widget_knobs.traced[0].err + widget_knobs.traced[1].err, -EDOM);

	/* One that nobody retrieves. */
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, handler_widget(k, 3)), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &state), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	widget_knobs.nr_traced = 0;
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	handler_expect_traced(test, LUOSDK_OP_DISCARD, NULL, state, 0);
}

static struct kunit_case luosdk_handler_cases[] = {
	KUNIT_CASE(handler_life),
	KUNIT_CASE(handler_unpreserve),
	KUNIT_CASE(handler_foreign_files),
	KUNIT_CASE(handler_preserve_of_foreign),
	KUNIT_CASE(handler_not_registered),
	KUNIT_CASE(handler_registered_twice),
	KUNIT_CASE(handler_save_fails),
	KUNIT_CASE(handler_freeze_fails),
	KUNIT_CASE(handler_freeze_bound),
	KUNIT_CASE(handler_wrong_restore),
	KUNIT_CASE(handler_ready),
	KUNIT_CASE(handler_preserve_and_unpreserve),
	KUNIT_CASE(handler_accept),
	KUNIT_CASE(handler_discard),
	KUNIT_CASE(handler_failure_points),
	KUNIT_CASE(handler_debugfs),
	KUNIT_CASE(handler_trace),
	{}
};

static struct kunit_suite luosdk_handler_suite = {
	.name = "luosdk_handler",
	.init = handler_init,
	.test_cases = luosdk_handler_cases,
};

kunit_test_suite(luosdk_handler_suite);

MODULE_DESCRIPTION("KUnit tests of luosdk/handler.h");
MODULE_LICENSE("GPL");
