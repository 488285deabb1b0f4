// SPDX-License-Identifier: GPL-2.0
/*
 * guard_kunit.c - tests of luosdk/guard.h: one holder per object, in both forms.
 *
 * Most cases run once for the embedded and once for the mapped guard, through
 * one set of operations, because the two promise the same.
 */

#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <luokit.h>
#include <luosdk/guard.h>

#include "widget.h"

/* What the two forms have in common, on one object. */
struct guard_form {
	const char *name;
	int (*claim)(void *ctx, const void *holder);
	int (*reserve)(void *ctx, const void *holder);
	int (*restore)(void *ctx, const void *holder);
	int (*freeze)(void *ctx, const void *holder);
	void (*thaw)(void *ctx, const void *holder);
	void (*release)(void *ctx, const void *holder);
	enum luosdk_phase (*phase)(void *ctx);
};

/* An object of somebody else's type: nothing in it is ever written. */
struct foreign {
	struct luosdk_guard guard;
} __aligned(8);

static struct luosdk_guards guards = LUOSDK_GUARDS_INIT(guards);

#define GUARD_FORM_OP(_op)						\
	static int embedded_##_op(void *ctx, const void *holder)	\
	{								\
		struct foreign *object = ctx;				\
									\
		return luosdk_guard_##_op(&object->guard, holder);	\
	}								\
	static int mapped_##_op(void *ctx, const void *holder)		\
	{								\
		return luosdk_guards_##_op(&guards, ctx, holder);	\
	}

GUARD_FORM_OP(claim)
GUARD_FORM_OP(reserve)
GUARD_FORM_OP(restore)

static int embedded_freeze(void *ctx, const void *holder)
{
	struct foreign *object = ctx;

	return luosdk_guard_freeze(&object->guard, holder, HZ);
}

static int mapped_freeze(void *ctx, const void *holder)
{
	return luosdk_guards_freeze(&guards, ctx, holder);
}

static void embedded_thaw(void *ctx, const void *holder)
{
	struct foreign *object = ctx;

	luosdk_guard_thaw(&object->guard, holder);
}

static void mapped_thaw(void *ctx, const void *holder)
{
	luosdk_guards_thaw(&guards, ctx, holder);
}

static void embedded_release(void *ctx, const void *holder)
{
	struct foreign *object = ctx;

	luosdk_guard_release(&object->guard, holder);
}

static void mapped_release(void *ctx, const void *holder)
{
	luosdk_guards_release(&guards, ctx, holder);
}

static enum luosdk_phase embedded_phase(void *ctx)
{
	struct foreign *object = ctx;

	return luosdk_guard_phase(&object->guard);
}

static enum luosdk_phase mapped_phase(void *ctx)
{
	return luosdk_guards_phase(&guards, ctx);
}

#define GUARD_FORM(_form) {						\
	.name = #_form,							\
	.claim = _form##_claim,						\
	.reserve = _form##_reserve,					\
	.restore = _form##_restore,					\
	.freeze = _form##_freeze,					\
	.thaw = _form##_thaw,						\
	.release = _form##_release,					\
	.phase = _form##_phase,						\
}

static const struct guard_form guard_forms[] = {
	GUARD_FORM(embedded),
	GUARD_FORM(mapped),
};

KUNIT_ARRAY_PARAM_DESC(guard_form, guard_forms, name);

/* Holders are only compared. */
static u64 anna, bert;

static void guard_one_holder(struct kunit *test)
{
	const struct guard_form *f = test->param_value;
	struct foreign a = {}, b = {};

	KUNIT_EXPECT_EQ(test, f->phase(&a), LUOSDK_IDLE);
	KUNIT_EXPECT_EQ(test, f->claim(&a, &anna), 0);
	KUNIT_EXPECT_EQ(test, f->phase(&a), LUOSDK_PRESERVED);
	KUNIT_EXPECT_EQ(test, f->claim(&a, &bert), -EBUSY);
	KUNIT_EXPECT_EQ(test, f->claim(&a, &anna), -EBUSY);
	/* Another object is another matter. */
	KUNIT_EXPECT_EQ(test, f->claim(&b, &anna), 0);
	f->release(&b, &anna);
	f->release(&a, &anna);
	KUNIT_EXPECT_EQ(test, f->phase(&a), LUOSDK_IDLE);
	KUNIT_EXPECT_EQ(test, f->claim(&a, &bert), 0);
	f->release(&a, &bert);
}

static void guard_phases(struct kunit *test)
{
	const struct guard_form *f = test->param_value;
	struct foreign a = {};

	KUNIT_ASSERT_EQ(test, f->claim(&a, &anna), 0);
	KUNIT_EXPECT_EQ(test, f->freeze(&a, &anna), 0);
	KUNIT_EXPECT_EQ(test, f->phase(&a), LUOSDK_FROZEN);
	KUNIT_EXPECT_EQ(test, f->claim(&a, &bert), -EBUSY);
	KUNIT_EXPECT_EQ(test, f->restore(&a, &bert), -EBUSY);
	f->thaw(&a, &anna);
	KUNIT_EXPECT_EQ(test, f->phase(&a), LUOSDK_PRESERVED);
	f->release(&a, &anna);

	KUNIT_EXPECT_EQ(test, f->reserve(&a, &anna), 0);
	KUNIT_EXPECT_EQ(test, f->phase(&a), LUOSDK_RESERVED);
	KUNIT_EXPECT_EQ(test, f->reserve(&a, &bert), -EBUSY);
	KUNIT_EXPECT_EQ(test, f->claim(&a, &bert), -EBUSY);
	KUNIT_EXPECT_EQ(test, f->restore(&a, &bert), 0);
	KUNIT_EXPECT_EQ(test, f->phase(&a), LUOSDK_RESTORED);
	KUNIT_EXPECT_EQ(test, f->restore(&a, &anna), -EBUSY);
	KUNIT_EXPECT_EQ(test, f->claim(&a, &anna), -EBUSY);
	f->release(&a, &bert);

	KUNIT_EXPECT_EQ(test, f->restore(&a, &anna), 0);
	f->release(&a, &anna);

	/* A reservation nobody came for. */
	KUNIT_EXPECT_EQ(test, f->reserve(&a, &anna), 0);
	f->release(&a, &anna);
	KUNIT_EXPECT_EQ(test, f->phase(&a), LUOSDK_IDLE);
}

/* Who it is that holds, for a driver that finds an object held. */
static void guard_tells_holder(struct kunit *test)
{
	struct luosdk_guard guard = {};

	KUNIT_EXPECT_NULL(test, luosdk_guard_holder(&guard));
	KUNIT_ASSERT_EQ(test, luosdk_guard_claim(&guard, &anna), 0);
	KUNIT_EXPECT_PTR_EQ(test, luosdk_guard_holder(&guard), (const void *)&anna);
	KUNIT_EXPECT_EQ(test, luosdk_guard_freeze(&guard, &anna, HZ), 0);
	KUNIT_EXPECT_PTR_EQ(test, luosdk_guard_holder(&guard), (const void *)&anna);
	luosdk_guard_release(&guard, &anna);
	KUNIT_EXPECT_NULL(test, luosdk_guard_holder(&guard));

	KUNIT_ASSERT_EQ(test, luosdk_guard_reserve(&guard, &anna), 0);
	KUNIT_ASSERT_EQ(test, luosdk_guard_restore(&guard, &bert), 0);
	KUNIT_EXPECT_PTR_EQ(test, luosdk_guard_holder(&guard), (const void *)&bert);
	luosdk_guard_release(&guard, &bert);
}

static void guard_non_holder(struct kunit *test)
{
	const struct guard_form *f = test->param_value;
	struct foreign a = {};
	int warned = 0;

	/* Idle: there is nothing to release, thaw or freeze. */
	kunit_warning_suppress(test) {
		f->release(&a, &anna);
		f->thaw(&a, &anna);
		KUNIT_EXPECT_EQ(test, f->freeze(&a, &anna), -EINVAL);
		warned = KUNIT_SUPPRESSED_WARNING_COUNT();
	}
	KUNIT_EXPECT_EQ(test, warned, 3);
	KUNIT_EXPECT_EQ(test, f->phase(&a), LUOSDK_IDLE);

	KUNIT_ASSERT_EQ(test, f->claim(&a, &anna), 0);
	kunit_warning_suppress(test) {
		f->release(&a, &bert);
		f->thaw(&a, &anna);
		KUNIT_EXPECT_EQ(test, f->freeze(&a, &bert), -EINVAL);
		warned = KUNIT_SUPPRESSED_WARNING_COUNT();
	}
	KUNIT_EXPECT_EQ(test, warned, 3);
	KUNIT_EXPECT_EQ(test, f->phase(&a), LUOSDK_PRESERVED);
	KUNIT_EXPECT_EQ(test, f->claim(&a, &bert), -EBUSY);
	f->release(&a, &anna);
}

/* Two claimers at once: one of them, never both and never none. */
struct guard_race {
	const struct guard_form *f;
	struct foreign object;
	int err[2];
	unsigned int wrong;
};

static void guard_race_anna(struct luokit *k, void *ctx, unsigned int round)
{
	struct guard_race *race = ctx;

	race->err[0] = race->f->claim(&race->object, &anna);
}

static void guard_race_bert(struct luokit *k, void *ctx, unsigned int round)
{
	struct guard_race *race = ctx;

	race->err[1] = race->f->claim(&race->object, &bert);
}

static void guard_race_judge(struct luokit *k, void *ctx, unsigned int round)
{
	struct guard_race *race = ctx;
	bool anna_won = !race->err[0], bert_won = !race->err[1];

	if (anna_won == bert_won ||
	    race->err[anna_won ? 1 : 0] != -EBUSY)
		race->wrong++;
	if (anna_won)
		race->f->release(&race->object, &anna);
	if (bert_won)
		race->f->release(&race->object, &bert);
}

static void guard_claimers_race(struct kunit *test)
{
	struct guard_race race = { .f = test->param_value };
	struct luokit *k = luokit_boot(test, &widget_world);

	luokit_race(k, 10000, guard_race_anna, guard_race_bert,
		    guard_race_judge, &race);
	KUNIT_EXPECT_EQ(test, race.wrong, 0);
	KUNIT_EXPECT_EQ(test, race.f->phase(&race.object), LUOSDK_IDLE);
}

static void guard_race_anna_restores(struct luokit *k, void *ctx, unsigned int round)
{
	struct guard_race *race = ctx;

	race->err[0] = race->f->restore(&race->object, &anna);
}

static void guard_race_bert_restores(struct luokit *k, void *ctx, unsigned int round)
{
	struct guard_race *race = ctx;

	race->err[1] = race->f->restore(&race->object, &bert);
}

static void guard_race_reserve(struct luokit *k, void *ctx, unsigned int round)
{
	struct guard_race *race = ctx;

	guard_race_judge(k, ctx, round);
	if (race->f->reserve(&race->object, &guards))
		race->wrong++;
}

/* One reservation, two who come for it: it ends once. */
static void guard_restorers_race(struct kunit *test)
{
	struct guard_race race = { .f = test->param_value };
	struct luokit *k = luokit_boot(test, &widget_world);

	KUNIT_ASSERT_EQ(test, race.f->reserve(&race.object, &guards), 0);
	luokit_race(k, 1000, guard_race_anna_restores, guard_race_bert_restores,
		    guard_race_reserve, &race);
	KUNIT_EXPECT_EQ(test, race.wrong, 0);
	race.f->release(&race.object, &guards);
	KUNIT_EXPECT_EQ(test, race.f->phase(&race.object), LUOSDK_IDLE);
}

/* An object that only changes inside of access sections. */
struct guard_counter {
	struct luosdk_guard guard;
	u64 value;
	u64 accepted;
	bool wait;
	int err;
	struct completion inside;
	struct completion leave;
};

static int guard_mutator(void *data)
{
	struct guard_counter *c = data;

	while (!kthread_should_stop()) {
		if (c->wait ? luosdk_access_begin_wait(&c->guard) :
			      luosdk_access_begin(&c->guard)) {
			cond_resched();
			continue;
		}
		WRITE_ONCE(c->value, c->value + 1);
		luosdk_access_end(&c->guard);
		WRITE_ONCE(c->accepted, c->accepted + 1);
		cond_resched();
	}

	return 0;
}

static struct guard_counter *guard_counter_alloc(struct kunit *test)
{
	struct guard_counter *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	init_completion(&c->inside);
	init_completion(&c->leave);
	return c;
}

/* While frozen the value stands still, however hard somebody tries. */
static void guard_mutator_against_freeze(struct kunit *test)
{
	struct guard_counter *c = guard_counter_alloc(test);
	struct task_struct *task;
	u64 frozen, before = 0;
	int i;

	task = kthread_run(guard_mutator, c, "luosdk-mutator");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));

	KUNIT_EXPECT_EQ(test, luosdk_guard_claim(&c->guard, &anna), 0);
	for (i = 0; i < 200; i++) {
		KUNIT_EXPECT_EQ(test, luosdk_guard_freeze(&c->guard, &anna, HZ), 0);
		frozen = READ_ONCE(c->value);
		cond_resched();
		usleep_range(20, 50);
		KUNIT_EXPECT_EQ(test, READ_ONCE(c->value), frozen);
		luosdk_guard_thaw(&c->guard, &anna);
		while (READ_ONCE(c->value) == frozen)
			cond_resched();
		before = frozen;
	}
	luosdk_guard_release(&c->guard, &anna);
	kthread_stop(task);

	KUNIT_EXPECT_GT(test, c->value, before);
	KUNIT_EXPECT_EQ(test, c->value, c->accepted);
}

/* The waiting form: nobody is refused, and after a thaw everything goes on. */
static void guard_mutator_waits(struct kunit *test)
{
	struct guard_counter *c = guard_counter_alloc(test);
	struct task_struct *task;
	u64 frozen;

	c->wait = true;
	KUNIT_EXPECT_EQ(test, luosdk_guard_claim(&c->guard, &anna), 0);
	KUNIT_EXPECT_EQ(test, luosdk_guard_freeze(&c->guard, &anna, HZ), 0);

	task = kthread_run(guard_mutator, c, "luosdk-mutator");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	frozen = c->value;
	msleep(30);
	KUNIT_EXPECT_EQ(test, READ_ONCE(c->value), frozen);
	KUNIT_EXPECT_EQ(test, READ_ONCE(task->__state) & TASK_KILLABLE, TASK_KILLABLE);

	luosdk_guard_thaw(&c->guard, &anna);
	while (READ_ONCE(c->value) == frozen)
		cond_resched();

	/* A release is as good as a thaw. */
	KUNIT_EXPECT_EQ(test, luosdk_guard_freeze(&c->guard, &anna, HZ), 0);
	frozen = READ_ONCE(c->value);
	msleep(20);
	luosdk_guard_release(&c->guard, &anna);
	while (READ_ONCE(c->value) == frozen)
		cond_resched();
	kthread_stop(task);
}

static int guard_sitter(void *data)
{
	struct guard_counter *c = data;

	c->err = luosdk_access_begin(&c->guard);
	complete(&c->inside);
	wait_for_completion(&c->leave);
	luosdk_access_end(&c->guard);
	while (!kthread_should_stop())
		usleep_range(1000, 2000);

	return 0;
}

/* A section that stays open: freeze waits for it, but not for ever. */
static void guard_freeze_drains(struct kunit *test)
{
	struct guard_counter *c = guard_counter_alloc(test);
	struct task_struct *task;

	task = kthread_run(guard_sitter, c, "luosdk-sitter");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&c->inside);
	KUNIT_EXPECT_EQ(test, c->err, 0);

	KUNIT_EXPECT_EQ(test, luosdk_guard_claim(&c->guard, &anna), 0);
	KUNIT_EXPECT_EQ(test, luosdk_guard_freeze(&c->guard, &anna, 2), -EBUSY);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(&c->guard), LUOSDK_PRESERVED);

	complete(&c->leave);
	KUNIT_EXPECT_EQ(test, luosdk_guard_freeze(&c->guard, &anna, 10 * HZ), 0);
	KUNIT_EXPECT_EQ(test, luosdk_access_begin(&c->guard), -EBUSY);
	luosdk_guard_thaw(&c->guard, &anna);
	KUNIT_EXPECT_EQ(test, luosdk_access_begin(&c->guard), 0);
	luosdk_access_end(&c->guard);
	luosdk_guard_release(&c->guard, &anna);
	kthread_stop(task);
}

/* Freeze waits for all sections that are open, not for the next that ends. */
static void guard_freeze_drains_all(struct kunit *test)
{
	struct luosdk_guard guard = {};

	KUNIT_ASSERT_EQ(test, luosdk_access_begin(&guard), 0);
	KUNIT_ASSERT_EQ(test, luosdk_access_begin(&guard), 0);
	KUNIT_EXPECT_EQ(test, luosdk_guard_claim(&guard, &anna), 0);
	KUNIT_EXPECT_EQ(test, luosdk_guard_freeze(&guard, &anna, 2), -EBUSY);
	luosdk_access_end(&guard);
	KUNIT_EXPECT_EQ(test, luosdk_guard_freeze(&guard, &anna, 2), -EBUSY);
	luosdk_access_end(&guard);
	KUNIT_EXPECT_EQ(test, luosdk_guard_freeze(&guard, &anna, 2), 0);
	luosdk_guard_release(&guard, &anna);
}

/* One waiter is killed; it must not be stuck until the kernel is gone. */
static int guard_killed_waiter(void *data)
{
	struct guard_counter *c = data;

	allow_signal(SIGKILL);
	complete(&c->inside);
	c->err = luosdk_access_begin_wait(&c->guard);
	complete(&c->leave);
	while (!kthread_should_stop())
		usleep_range(1000, 2000);

	return 0;
}

static void guard_waiter_is_killable(struct kunit *test)
{
	struct guard_counter *c = guard_counter_alloc(test);
	struct task_struct *task;

	KUNIT_EXPECT_EQ(test, luosdk_guard_claim(&c->guard, &anna), 0);
	KUNIT_EXPECT_EQ(test, luosdk_guard_freeze(&c->guard, &anna, HZ), 0);
	task = kthread_run(guard_killed_waiter, c, "luosdk-waiter");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&c->inside);
	msleep(20);
	send_sig(SIGKILL, task, 1);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&c->leave, 10 * HZ), 0);
	KUNIT_EXPECT_EQ(test, c->err, -ERESTARTSYS);
	luosdk_guard_release(&c->guard, &anna);
	kthread_stop(task);
}

/* The table grows and shrinks, and finds everything at every size. */
static void guard_mapped_many(struct kunit *test)
{
	const unsigned int nr = 5000;
	struct foreign *objects;
	unsigned int i;

	objects = kvcalloc(nr, sizeof(*objects), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objects);

	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, luosdk_guards_claim(&guards, &objects[i], &anna), 0);
	KUNIT_EXPECT_EQ(test, guards.count, nr);
	KUNIT_EXPECT_GE(test, 2UL << guards.bits, nr);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, luosdk_guards_claim(&guards, &objects[i], &bert), -EBUSY);
	for (i = 0; i < nr; i += 2)
		luosdk_guards_release(&guards, &objects[i], &anna);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, luosdk_guards_phase(&guards, &objects[i]),
				i % 2 ? LUOSDK_PRESERVED : LUOSDK_IDLE);
	for (i = 1; i < nr; i += 2)
		luosdk_guards_release(&guards, &objects[i], &anna);
	KUNIT_EXPECT_EQ(test, guards.count, 0);
	KUNIT_EXPECT_NULL(test, guards.grown);
	kvfree(objects);
}

/* A table that is made at run time, where there was something else before. */
static void guard_mapped_init(struct kunit *test)
{
	struct luosdk_guards *made = kunit_kmalloc(test, sizeof(*made), GFP_KERNEL);
	struct foreign objects[20] = {};
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, made);
	memset(made, 0xa5, sizeof(*made));
	luosdk_guards_init(made);

	for (i = 0; i < ARRAY_SIZE(objects); i++)
		KUNIT_EXPECT_EQ(test, luosdk_guards_phase(made, &objects[i]), LUOSDK_IDLE);
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		KUNIT_EXPECT_EQ(test, luosdk_guards_claim(made, &objects[i], &anna), 0);
	/* Another handler's table is another matter. */
	KUNIT_EXPECT_EQ(test, luosdk_guards_phase(&guards, &objects[0]), LUOSDK_IDLE);
	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		KUNIT_EXPECT_EQ(test, luosdk_guards_claim(made, &objects[i], &bert), -EBUSY);
		luosdk_guards_release(made, &objects[i], &anna);
	}
	KUNIT_EXPECT_NULL(test, made->grown);
}

#define GUARD_GROWTH_FULL	BIT(LUOSDK_GUARDS_MIN_BITS)

/* Two claims that both find the table full. */
struct guard_growth {
	struct foreign objects[GUARD_GROWTH_FULL + 2];
	unsigned int wrong;
};

static void guard_growth_fill(struct guard_growth *g)
{
	unsigned int i;

	for (i = 0; i < GUARD_GROWTH_FULL; i++)
		if (luosdk_guards_claim(&guards, &g->objects[i], &anna))
			g->wrong++;
}

static void guard_growth_empty(struct guard_growth *g, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		luosdk_guards_release(&guards, &g->objects[i], &anna);
}

static void guard_growth_one(struct luokit *k, void *ctx, unsigned int round)
{
	struct guard_growth *g = ctx;

	if (luosdk_guards_claim(&guards, &g->objects[GUARD_GROWTH_FULL], &anna))
		g->wrong++;
}

static void guard_growth_other(struct luokit *k, void *ctx, unsigned int round)
{
	struct guard_growth *g = ctx;

	if (luosdk_guards_claim(&guards, &g->objects[GUARD_GROWTH_FULL + 1], &anna))
		g->wrong++;
}

static void guard_growth_judge(struct luokit *k, void *ctx, unsigned int round)
{
	struct guard_growth *g = ctx;
	unsigned int i;

	/* It has grown once, and nobody was lost on the way. */
	if (guards.bits != LUOSDK_GUARDS_MIN_BITS + 1)
		g->wrong++;
	for (i = 0; i < ARRAY_SIZE(g->objects); i++)
		if (luosdk_guards_phase(&guards, &g->objects[i]) != LUOSDK_PRESERVED)
			g->wrong++;
	guard_growth_empty(g, ARRAY_SIZE(g->objects));
	guard_growth_fill(g);
}

static void guard_mapped_growers_race(struct kunit *test)
{
	struct luokit *k = luokit_boot(test, &widget_world);
	struct guard_growth *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, g);
	guard_growth_fill(g);
	luokit_race(k, 1000, guard_growth_one, guard_growth_other, guard_growth_judge, g);
	guard_growth_empty(g, GUARD_GROWTH_FULL);
	KUNIT_EXPECT_EQ(test, g->wrong, 0);
	KUNIT_EXPECT_EQ(test, guards.count, 0);
}

static const struct file_operations guard_fops;

/* From the context to the file: a driver holds the one and needs the other. */
static void guard_mapped_get_file(struct kunit *test)
{
	struct foreign a = {};
	struct file *file, *found;

	file = anon_inode_getfile("[guard]", &guard_fops, NULL, O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));

	KUNIT_EXPECT_NULL(test, luosdk_guards_get_file(&guards, &a));
	KUNIT_ASSERT_EQ(test, luosdk_guards_claim(&guards, &a, file), 0);
	found = luosdk_guards_get_file(&guards, &a);
	KUNIT_EXPECT_PTR_EQ(test, found, file);
	KUNIT_EXPECT_EQ(test, file_count(file), 2);
	if (found)
		fput(found);
	luosdk_guards_release(&guards, &a, file);

	/* Who reserves is no file. */
	KUNIT_ASSERT_EQ(test, luosdk_guards_reserve(&guards, &a, &anna), 0);
	KUNIT_EXPECT_NULL(test, luosdk_guards_get_file(&guards, &a));
	luosdk_guards_release(&guards, &a, &anna);
	fput(file);
}

/* Each allocation of a claim fails once; what is left then still works. */
static void guard_mapped_no_memory(struct kunit *test)
{
	struct luokit *k = luokit_boot(test, &widget_world);
	struct foreign objects[32] = {};
	unsigned int i, failed = 0;

	if (!luokit_can_fail_alloc())
		kunit_skip(test, "needs CONFIG_FAILSLAB");

	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		int err;

		/* The entry. */
		luokit_fail_alloc_nth(k, 1);
		err = luosdk_guards_claim(&guards, &objects[i], &anna);
		KUNIT_EXPECT_TRUE(test, luokit_fail_end(k));
		KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_EXPECT_EQ(test, luosdk_guards_phase(&guards, &objects[i]),
				LUOSDK_IDLE);

		/* The larger table, where one is due: it does without. */
		luokit_fail_alloc_nth(k, 2);
		err = luosdk_guards_claim(&guards, &objects[i], &anna);
		failed += luokit_fail_end(k);
		KUNIT_EXPECT_EQ(test, err, 0);
	}
	KUNIT_EXPECT_GT(test, failed, 0);
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		luosdk_guards_release(&guards, &objects[i], &anna);

	/* A claim in retrieve does not fail for want of memory. */
	luokit_fail_alloc_nth(k, 1);
	KUNIT_EXPECT_EQ(test, luosdk_guards_restore(&guards, &objects[0], &anna), 0);
	luokit_fail_end(k);
	luosdk_guards_release(&guards, &objects[0], &anna);
}

static struct kunit_case luosdk_guard_cases[] = {
	KUNIT_CASE_PARAM(guard_one_holder, guard_form_gen_params),
	KUNIT_CASE_PARAM(guard_phases, guard_form_gen_params),
	KUNIT_CASE(guard_tells_holder),
	KUNIT_CASE_PARAM(guard_non_holder, guard_form_gen_params),
	KUNIT_CASE_PARAM(guard_claimers_race, guard_form_gen_params),
	KUNIT_CASE_PARAM(guard_restorers_race, guard_form_gen_params),
	KUNIT_CASE(guard_mutator_against_freeze),
	KUNIT_CASE(guard_mutator_waits),
	KUNIT_CASE(guard_freeze_drains),
	KUNIT_CASE(guard_freeze_drains_all),
	KUNIT_CASE(guard_waiter_is_killable),
	KUNIT_CASE(guard_mapped_many),
	KUNIT_CASE(guard_mapped_init),
	KUNIT_CASE(guard_mapped_growers_race),
	KUNIT_CASE(guard_mapped_get_file),
	KUNIT_CASE(guard_mapped_no_memory),
	{}
};

static struct kunit_suite luosdk_guard_suite = {
	.name = "luosdk_guard",
	.test_cases = luosdk_guard_cases,
};

kunit_test_suite(luosdk_guard_suite);

MODULE_DESCRIPTION("KUnit tests of luosdk/guard.h");
MODULE_LICENSE("GPL");
