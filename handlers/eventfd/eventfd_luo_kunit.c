// SPDX-License-Identifier: GPL-2.0
/*
 * eventfd_luo_kunit.c - tests of the eventfd handler, without a reboot.
 *
 * Every case runs twice: on LUO's core as it is, and on a core that does not
 * notice double preserves, like that of 6.19 and 7.0. The answers must be the
 * same, because it is the handler's guard that gives them.
 *
 * What needs user space (poll, blocking writers) is in the scenarios of
 * tests/vm.
 */

#include <kunit/test-bug.h>
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/xarray.h>
#include <luokit_subject.h>
#include <luosdk/handler.h>

#include "eventfd_luo_abi.h"
#include "eventfd_luo_kunit.h"

static const struct eventfd_core {
	const char *name;
	bool without_xarray;
} eventfd_cores[] = {
	{ "core and guard", false },
	{ "guard alone", true },
};

KUNIT_ARRAY_PARAM_DESC(eventfd_core, eventfd_cores, name);

#define EVENTFD_CASE(_fn) KUNIT_CASE_PARAM(_fn, eventfd_core_gen_params)

static int eventfd_kunit_init(struct kunit *test)
{
	const struct eventfd_core *core = test->param_value;

	test->priv = luokit_boot(test, &eventfd_luo_world);
	if (core && core->without_xarray)
		luokit_without_core_xarray(test->priv);
	return 0;
}

static struct file *eventfd_make(struct luokit *k, u64 count, int flags)
{
	return luokit_own(k, eventfd_create_file(count, flags));
}

static u64 eventfd_count(struct file *file)
{
	u64 count;

	eventfd_ctx_peek(eventfd_file_ctx(file), &count);
	return count;
}

static int eventfd_flags(struct file *file)
{
	u64 count;

	return eventfd_ctx_peek(eventfd_file_ctx(file), &count) & EFD_SEMAPHORE;
}

/* read(2), as far as a kernel thread can. */
static ssize_t eventfd_take(struct file *file, u64 *value)
{
	loff_t pos = 0;

	return kernel_read(file, value, sizeof(*value), &pos);
}

static struct luosdk_handler *eventfd_handler(struct luokit *k)
{
	return (struct luosdk_handler *)luokit_private(k);
}

static enum luosdk_phase eventfd_phase(struct luokit *k, struct file *file)
{
	return luosdk_guards_phase(&eventfd_handler(k)->guards,
				   eventfd_file_ctx(file));
}

/* What is carried over, from the smallest count to the largest. */
static void eventfd_carries_state(struct kunit *test)
{
	static const u64 counts[] = {
		0, 1, 42, U32_MAX, 1ULL << 32, ULLONG_MAX - 1, ULLONG_MAX,
	};
	static const int flags[] = {
		0, EFD_SEMAPHORE, EFD_NONBLOCK, EFD_SEMAPHORE | EFD_NONBLOCK,
	};
	struct luokit *k = test->priv;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			struct file *file;

			file = luokit_carry(k, eventfd_make(k, counts[i], flags[j]));
			KUNIT_ASSERT_FALSE(test, IS_ERR(file));
			KUNIT_EXPECT_EQ(test, eventfd_count(file), counts[i]);
			KUNIT_EXPECT_EQ(test, eventfd_flags(file),
					flags[j] & EFD_SEMAPHORE);
			KUNIT_EXPECT_EQ(test, file->f_flags & O_NONBLOCK,
					flags[j] & EFD_NONBLOCK);
			KUNIT_EXPECT_EQ(test, file->f_flags & O_ACCMODE, O_RDWR);
			KUNIT_EXPECT_TRUE(test, file->f_mode & FMODE_NOWAIT);
			KUNIT_EXPECT_EQ(test, file_count(file), 1);
			luokit_put(k, file);
		}
	}
}

/* A restored eventfd is an eventfd: it is signalled, read, and empty then. */
static void eventfd_works_after(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file;
	u64 value;

	file = luokit_carry(k, eventfd_make(k, 5, EFD_NONBLOCK));
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	eventfd_signal(eventfd_file_ctx(file));
	KUNIT_EXPECT_EQ(test, eventfd_take(file, &value), sizeof(value));
	KUNIT_EXPECT_EQ(test, value, 6);
	KUNIT_EXPECT_EQ(test, eventfd_take(file, &value), -EAGAIN);

	file = luokit_carry(k, eventfd_make(k, 2, EFD_NONBLOCK | EFD_SEMAPHORE));
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, eventfd_take(file, &value), sizeof(value));
	KUNIT_EXPECT_EQ(test, value, 1);
	KUNIT_EXPECT_EQ(test, eventfd_count(file), 1);
}

/* As it is at freeze, not as it was when it was preserved. */
static void eventfd_nonblock_at_freeze(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *on = eventfd_make(k, 0, 0), *off = eventfd_make(k, 0, EFD_NONBLOCK);
	struct file *s = luokit_create(k, "s");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, on), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, off), 0);
	/* What fcntl(F_SETFL) does. */
	on->f_flags |= O_NONBLOCK;
	off->f_flags &= ~O_NONBLOCK;
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	on = luokit_retrieve(k, s, 1);
	off = luokit_retrieve(k, s, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(on) || IS_ERR(off));
	KUNIT_EXPECT_TRUE(test, on->f_flags & O_NONBLOCK);
	KUNIT_EXPECT_FALSE(test, off->f_flags & O_NONBLOCK);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
}

/*
 * Signals and reads from before the preserve until the last moment of the old
 * kernel, in two threads. What was signalled is what was read and what arrives.
 */
struct eventfd_traffic {
	struct file *file;
	u64 signalled;
	u64 taken;
	struct task_struct *signaller;
	struct task_struct *reader;
};

static int eventfd_signaller(void *data)
{
	struct eventfd_traffic *t = data;

	while (!kthread_should_stop()) {
		eventfd_signal(eventfd_file_ctx(t->file));
		t->signalled++;
		cond_resched();
	}
	return 0;
}

static int eventfd_reader(void *data)
{
	struct eventfd_traffic *t = data;
	u64 value;

	while (!kthread_should_stop()) {
		if (eventfd_take(t->file, &value) == sizeof(value))
			t->taken += value;
		usleep_range(10, 50);
	}
	return 0;
}

static void eventfd_traffic_stop(struct luokit *k, void *ctx)
{
	struct eventfd_traffic *t = ctx;

	/* Frozen for a while, and still nobody was refused. */
	msleep(20);
	kthread_stop(t->reader);
	kthread_stop(t->signaller);
}

static void eventfd_loses_no_event(struct kunit *test)
{
	struct luokit *k = test->priv;
	int i;

	for (i = 0; i < 4; i++) {
		struct eventfd_traffic t = {
			.file = eventfd_make(k, 0, EFD_NONBLOCK |
					     (i & 1 ? EFD_SEMAPHORE : 0)),
		};
		struct file *s = luokit_create(k, "s");
		/* First frozen or last frozen: the order must not matter. */
		struct file *other = eventfd_make(k, 9, 0);

		t.signaller = kthread_run(eventfd_signaller, &t, "luosdk-signal");
		t.reader = kthread_run(eventfd_reader, &t, "luosdk-read");
		KUNIT_ASSERT_FALSE(test, IS_ERR(t.signaller) || IS_ERR(t.reader));
		if (i & 2)
			KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, other), 0);
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, t.file), 0);
		if (!(i & 2))
			KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, other), 0);

		luokit_between(k, eventfd_traffic_stop, NULL, &t);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		t.file = luokit_retrieve(k, s, 1);
		KUNIT_ASSERT_FALSE(test, IS_ERR(t.file));
		KUNIT_EXPECT_EQ(test, t.taken + eventfd_count(t.file), t.signalled);
		KUNIT_EXPECT_GT(test, t.signalled, 0);
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	}
}

/* An aborted update: nothing of the mirror remains, in memory or in behaviour. */
struct eventfd_abort {
	struct file *file;
	u64 *ser_count;
	u64 got;
	ssize_t ret;
	struct completion done;
};

static int eventfd_blocked_reader(void *data)
{
	struct eventfd_abort *a = data;

	a->ret = eventfd_take(a->file, &a->got);
	complete(&a->done);
	while (!kthread_should_stop())
		usleep_range(1000, 2000);
	return 0;
}

static void eventfd_aborted(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct eventfd_abort a = { .file = eventfd_make(k, 0, 0) };
	struct file *stub = luokit_stub_file(k, 1), *s;
	struct task_struct *task;
	u64 data, *count;

	init_completion(&a.done);
	task = kthread_run(eventfd_blocked_reader, &a, "luosdk-blocked");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, a.file), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, stub), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &data), 0);
	count = phys_to_virt(data) + sizeof(struct luosdk_state_hdr) +
		offsetof(struct eventfd_luo_ser, count);

	luokit_stub_freeze(stub, -EIO);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), -EIO);
	KUNIT_EXPECT_EQ(test, eventfd_phase(k, a.file), LUOSDK_PRESERVED);

	/* The reader still waits, and is woken by the next event. */
	KUNIT_EXPECT_FALSE(test, completion_done(&a.done));
	eventfd_signal(eventfd_file_ctx(a.file));
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&a.done, 10 * HZ), 0);
	KUNIT_EXPECT_EQ(test, a.ret, sizeof(a.got));
	KUNIT_EXPECT_EQ(test, a.got, 1);
	kthread_stop(task);

	/* Nothing is written into the state any more. */
	*count = 0x5a5a;
	eventfd_signal(eventfd_file_ctx(a.file));
	KUNIT_EXPECT_EQ(test, *count, 0x5a5a);

	/* Frozen again, everything moves along again. */
	luokit_stub_freeze(stub, 0);
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	KUNIT_EXPECT_EQ(test, *count, 1);
	eventfd_signal(eventfd_file_ctx(a.file));
	KUNIT_EXPECT_EQ(test, *count, 2);
	luokit_thaw(k);
	eventfd_signal(eventfd_file_ctx(a.file));
	KUNIT_EXPECT_EQ(test, *count, 2);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, eventfd_phase(k, a.file), LUOSDK_IDLE);
}

/*
 * The check that was posted first: a mark in the inode. Here to show what it
 * would have done.
 */
static int inode_flag_claim(struct xarray *marked, struct file *file)
{
	return xa_insert(marked, (unsigned long)file_inode(file), file, GFP_KERNEL);
}

static void eventfd_two_at_once(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *one = eventfd_make(k, 1, 0), *two = eventfd_make(k, 2, 0);
	struct file *s = luokit_create(k, "s");
	struct xarray marked;

	xa_init(&marked);
	/* All anonymous files share one inode, so its mark refuses the second. */
	KUNIT_EXPECT_PTR_EQ(test, file_inode(one), file_inode(two));
	KUNIT_EXPECT_EQ(test, inode_flag_claim(&marked, one), 0);
	KUNIT_EXPECT_EQ(test, inode_flag_claim(&marked, two), -EBUSY);
	xa_destroy(&marked);

	/* The guard tells them apart. */
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, one), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 2, two), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

/* The same eventfd again, whichever way one asks. */
static void eventfd_twice(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = eventfd_make(k, 1, 0), *alias;
	struct file *a = luokit_create(k, "a"), *b = luokit_create(k, "b");

	/* What dup(2) and SCM_RIGHTS make: another reference. */
	alias = luokit_own(k, get_file(file));

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, a, 1, file), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, a, 2, file), -EBUSY);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, a, 3, alias), -EBUSY);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, b, 1, file), -EBUSY);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, b, 2, alias), -EBUSY);
	KUNIT_EXPECT_EQ(test, eventfd_phase(k, file), LUOSDK_PRESERVED);

	/* Given up, it is free again, for the other session too. */
	KUNIT_EXPECT_EQ(test, luokit_close(k, a), 0);
	KUNIT_EXPECT_EQ(test, eventfd_phase(k, file), LUOSDK_IDLE);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, b, 3, alias), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, b), 0);
}

/*
 * Two files on one context, which eventfd does not make but KVM, memfd and
 * devices do: the core sees two files, the guard sees one object.
 */
static void eventfd_two_files_one_context(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = eventfd_make(k, 1, 0), *twin, *s;
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);

	twin = luokit_own(k, luosdk_anon_file("[eventfd]", file->f_op, ctx, O_RDWR));
	KUNIT_ASSERT_FALSE(test, IS_ERR(twin));
	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 2, twin), -EBUSY);
	KUNIT_EXPECT_EQ(test, luosdk_stats_read(&eventfd_handler(k)->stats,
						LUOSDK_STAT_REFUSED_BUSY), 1);
	/* From the context a driver holds to the file that was preserved. */
	twin = luokit_own(k, luosdk_guards_get_file(&eventfd_handler(k)->guards, ctx));
	KUNIT_EXPECT_PTR_EQ(test, twin, file);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

/* Two threads on two CPUs preserve one eventfd in two sessions. */
struct eventfd_race {
	struct kunit *test;
	struct file *file;
	struct file *session[2];
	int err[2];
	unsigned int wrong;
};

static void eventfd_race_a(struct luokit *k, void *ctx, unsigned int round)
{
	struct eventfd_race *race = ctx;

	race->err[0] = luokit_preserve(k, race->session[0], round, race->file);
}

static void eventfd_race_b(struct luokit *k, void *ctx, unsigned int round)
{
	struct eventfd_race *race = ctx;

	race->err[1] = luokit_preserve(k, race->session[1], round, race->file);
}

static void eventfd_race_judge(struct luokit *k, void *ctx, unsigned int round)
{
	struct eventfd_race *race = ctx;
	int winner = race->err[0] ? 1 : 0;

	if (race->err[winner] || race->err[!winner] != -EBUSY)
		race->wrong++;
	/* Only a session as a whole can be unpreserved. */
	if (!race->err[winner]) {
		luokit_close(k, race->session[winner]);
		race->session[winner] = luokit_create(k, winner ? "b" : "a");
	}
}

static void eventfd_preserves_race(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct eventfd_race race = {
		.test = test,
		.file = eventfd_make(k, 1, 0),
		.session = { luokit_create(k, "a"), luokit_create(k, "b") },
	};

	/* Each round is much slower where every access is checked. */
	luokit_race(k, IS_ENABLED(CONFIG_KASAN) ? 1000 : 10000, eventfd_race_a, eventfd_race_b,
		    eventfd_race_judge, &race);
	KUNIT_EXPECT_EQ(test, race.wrong, 0);
	KUNIT_EXPECT_EQ(test, eventfd_phase(k, race.file), LUOSDK_IDLE);
}

/* Retrieved and not finished: LUO still owns it. Finished: it is free. */
static void eventfd_after_retrieve(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = eventfd_make(k, 1, 0);
	struct file *s = luokit_create(k, "s"), *next;

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, eventfd_phase(k, file), LUOSDK_RESTORED);

	next = luokit_create(k, "next");
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, next, 1, file), -EBUSY);
	/* Asked again, LUO hands out the same file. */
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, 1), file);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, next, 1, file), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, next), 0);
}

/* Session closed instead of finished; and finished without a retrieve. */
static void eventfd_never_retrieved(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s;
	int i;

	for (i = 0; i < 2; i++) {
		s = luokit_create(k, "s");
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, eventfd_make(k, 1, 0)), 0);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		if (i)
			KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
		KUNIT_EXPECT_EQ(test, luosdk_stats_read(&eventfd_handler(k)->stats,
							LUOSDK_STAT_DISCARDED), 1);
	}
}

/* Every failure point of a preserve: it fails, and the eventfd is free. */
struct eventfd_sweep {
	struct file *file;
	struct file *session;
};

static void eventfd_sweep_create(struct luokit *k, void *ctx)
{
	struct eventfd_sweep *sweep = ctx;

	sweep->session = luokit_create(k, "s");
}

static int eventfd_sweep_preserve(struct luokit *k, void *ctx)
{
	struct eventfd_sweep *sweep = ctx;

	return luokit_preserve(k, sweep->session, 1, sweep->file);
}

static void eventfd_sweep_undo(struct luokit *k, void *ctx, int result)
{
	struct eventfd_sweep *sweep = ctx;
	struct kunit *test = kunit_get_current_test();

	if (result)
		KUNIT_EXPECT_EQ(test, eventfd_phase(k, sweep->file), LUOSDK_IDLE);
	luokit_close(k, sweep->session);
	KUNIT_EXPECT_EQ(test, eventfd_phase(k, sweep->file), LUOSDK_IDLE);
}

static void eventfd_failed_preserve(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct eventfd_sweep ctx = { .file = eventfd_make(k, 1, 0) };
	struct luokit_sweep sweep = {
		.prepare = eventfd_sweep_create,
		.run = eventfd_sweep_preserve,
		.undo = eventfd_sweep_undo,
		.ctx = &ctx,
	};

	KUNIT_EXPECT_GE(test, luokit_sweep(k, &sweep), luokit_can_fail_alloc() ? 3 : 2);
}

/* Every failure point of a retrieve: an error, nothing left, session can end. */
static void eventfd_failed_retrieve(struct kunit *test)
{
	struct luokit *k = test->priv;
	unsigned int nth, failed = 1;

	if (!luokit_can_fail_alloc())
		kunit_skip(test, "needs CONFIG_FAILSLAB");

	for (nth = 1; failed; nth++) {
		struct file *s = luokit_create(k, "s"), *file;

		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, eventfd_make(k, 7, 0)), 0);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		luokit_fail_alloc_nth(k, nth);
		file = luokit_retrieve(k, s, 1);
		failed = luokit_fail_end(k);
		if (!IS_ERR(file))
			KUNIT_EXPECT_EQ(test, eventfd_count(file), 7);
		else
			KUNIT_EXPECT_TRUE(test, failed);
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	}
	KUNIT_EXPECT_GE(test, nth, 3);
}

/* A state that is intact and still impossible. */
struct eventfd_lie {
	u64 handle;
	u32 flags, file_flags;
};

static void eventfd_lie_tell(struct luokit *k, void *ctx)
{
	struct eventfd_lie *lie = ctx;
	struct luosdk_state_hdr *hdr = phys_to_virt(lie->handle);
	struct eventfd_luo_ser *ser = (void *)(hdr + 1);

	ser->flags = lie->flags;
	ser->file_flags = lie->file_flags;
	luosdk_state_seal(ser);
}

static void eventfd_impossible_state(struct kunit *test)
{
	struct eventfd_lie lies[] = {
		{ .flags = 2 },
		{ .flags = EFD_NONBLOCK },
		{ .flags = ~0 },
		{ .file_flags = O_RDWR },
		{ .file_flags = O_CLOEXEC },
		{ .file_flags = ~0 },
	};
	struct luokit *k = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		struct file *s = luokit_create(k, "s");

		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, eventfd_make(k, 7, 0)), 0);
		KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &lies[i].handle), 0);
		luokit_between(k, NULL, eventfd_lie_tell, &lies[i]);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luokit_retrieve(k, s, 1)), -EINVAL);
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	}
}

/* At most 64 preserved bytes an eventfd when there are many. */
static void eventfd_bytes(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "s");
	const unsigned int nr = 1000;
	unsigned int i;

	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, i, eventfd_make(k, i, 0)), 0);
	KUNIT_EXPECT_LE(test, luokit_preserved_bytes(k), 64 * nr);
	kunit_info(test, "%zu preserved bytes for %u eventfds",
		   luokit_preserved_bytes(k), nr);

	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	for (i = nr; i--;) {
		struct file *file = luokit_retrieve(k, s, i);

		KUNIT_ASSERT_FALSE(test, IS_ERR(file));
		KUNIT_EXPECT_EQ(test, eventfd_count(file), i);
	}
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
}

/* The layout is a contract between kernels: these are its bytes. */
static void eventfd_golden_layout(struct kunit *test)
{
	static const u8 golden[] = {
		0x01, 0x00, 0x00, 0x00,				/* EFD_SEMAPHORE */
		0x00, 0x08, 0x00, 0x00,				/* O_NONBLOCK */
		0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,	/* count */
	};
	struct luokit *k = test->priv;
	struct file *file = eventfd_make(k, 0x0102030405060708ULL,
					 EFD_SEMAPHORE | EFD_NONBLOCK);
	struct file *s = luokit_create(k, "s");
	u64 data;

	KUNIT_EXPECT_STREQ(test, EVENTFD_LUO_FH_COMPATIBLE, "luosdk-eventfd-v1");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &data), 0);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)phys_to_virt(data) +
			   sizeof(struct luosdk_state_hdr), golden, sizeof(golden));
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

static struct kunit_case eventfd_luo_cases[] = {
	EVENTFD_CASE(eventfd_golden_layout),
	EVENTFD_CASE(eventfd_carries_state),
	EVENTFD_CASE(eventfd_works_after),
	EVENTFD_CASE(eventfd_nonblock_at_freeze),
	EVENTFD_CASE(eventfd_loses_no_event),
	EVENTFD_CASE(eventfd_aborted),
	EVENTFD_CASE(eventfd_two_at_once),
	EVENTFD_CASE(eventfd_twice),
	EVENTFD_CASE(eventfd_two_files_one_context),
	EVENTFD_CASE(eventfd_preserves_race),
	EVENTFD_CASE(eventfd_after_retrieve),
	EVENTFD_CASE(eventfd_never_retrieved),
	EVENTFD_CASE(eventfd_failed_preserve),
	EVENTFD_CASE(eventfd_failed_retrieve),
	EVENTFD_CASE(eventfd_impossible_state),
	EVENTFD_CASE(eventfd_bytes),
	{}
};

static struct kunit_suite eventfd_luo_suite = {
	.name = "eventfd_luo",
	.init = eventfd_kunit_init,
	.test_cases = eventfd_luo_cases,
};

kunit_test_suite(eventfd_luo_suite);

/* ---- The conformance suite ---- */

/* A state: the count, with the flags in bits that no count of the tests has. */
#define SUBJECT_SEMAPHORE	BIT_ULL(62)
#define SUBJECT_NONBLOCK	BIT_ULL(61)

static struct file *eventfd_subject_make(struct luokit *k, u64 arg)
{
	int flags = (arg & SUBJECT_SEMAPHORE ? EFD_SEMAPHORE : 0) |
		    (arg & SUBJECT_NONBLOCK ? EFD_NONBLOCK : 0);

	if (arg == ULLONG_MAX || arg == ULLONG_MAX - 1)
		return eventfd_create_file(arg, 0);
	return eventfd_create_file(arg & ~(SUBJECT_SEMAPHORE | SUBJECT_NONBLOCK),
				   flags);
}

static const char *eventfd_subject_differ(struct luokit *k, struct file *want,
					  struct file *got)
{
	if (eventfd_count(want) != eventfd_count(got))
		return "count";
	if (eventfd_flags(want) != eventfd_flags(got))
		return "EFD_SEMAPHORE";
	if ((want->f_flags ^ got->f_flags) & (O_NONBLOCK | O_ACCMODE))
		return "f_flags";
	if ((want->f_mode ^ got->f_mode) & FMODE_NOWAIT)
		return "FMODE_NOWAIT";
	return NULL;
}

static int eventfd_subject_signal(struct luokit *k, struct file *file, u64 n)
{
	eventfd_signal(eventfd_file_ctx(file));
	return 0;
}

/* read(2) and write(2), one event at a time: a reader must not take what comes next. */
static int eventfd_subject_drain(struct luokit *k, struct file *file, u64 n)
{
	u64 value;

	if (n & 1) {
		eventfd_signal(eventfd_file_ctx(file));
		return 0;
	}
	/* Blocking or not, there is something to read. */
	return eventfd_take(file, &value) == sizeof(value) ? 0 : -EIO;
}

/* What fcntl(F_SETFL) does. */
static int eventfd_subject_setfl(struct luokit *k, struct file *file, u64 n)
{
	spin_lock(&file->f_lock);
	file->f_flags ^= n & 1 ? O_NONBLOCK : 0;
	spin_unlock(&file->f_lock);
	return 0;
}

/* As KVM and VFIO do: another struct file does not exist, another user does. */
static struct file *eventfd_subject_twin(struct luokit *k, struct file *file)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);

	return luosdk_anon_file("[eventfd]", file->f_op, ctx, O_RDWR);
}

static size_t eventfd_subject_leaked(struct luokit *k)
{
	return luosdk_stats_read(&eventfd_handler(k)->stats, LUOSDK_STAT_LEAKED);
}

static const struct luokit_subject eventfd_subject = {
	.world = &eventfd_luo_world,
	.states = {
		{ "count 42", 42 },
		{ "count 0", 0, .empty = true },
		{ "semaphore", 3 | SUBJECT_SEMAPHORE },
		{ "non-blocking", 1 | SUBJECT_NONBLOCK },
		{ "both", 7 | SUBJECT_SEMAPHORE | SUBJECT_NONBLOCK },
		{ "32 bits", U32_MAX },
		{ "33 bits", 1ULL << 32 },
		{ "largest a user can write", ULLONG_MAX - 1 },
		{ "largest of all", ULLONG_MAX },
	},
	.changes = {
		{ "signal", eventfd_subject_signal },
		{ "signal and read", eventfd_subject_drain },
		{ "F_SETFL", eventfd_subject_setfl, .until_freeze = true },
	},
	.loose = {
		/* Written until the kernel is gone, so the checksum cannot cover it. */
		{ sizeof(struct luosdk_state_hdr) + offsetof(struct eventfd_luo_ser, count),
		  sizeof(u64) },
	},
	.make = eventfd_subject_make,
	.differ = eventfd_subject_differ,
	.twin = eventfd_subject_twin,
	.leaked = eventfd_subject_leaked,
};

LUOKIT_CONFORMANCE(eventfd_luo, eventfd_subject);

MODULE_DESCRIPTION("KUnit tests of the eventfd live update handler");
MODULE_LICENSE("GPL");
