// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: two threads on two CPUs at the same moment.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/sched/task.h>
#include <linux/wait.h>

#include "luokit_internal.h"

static unsigned int luokit_rounds = UINT_MAX;
module_param_named(rounds, luokit_rounds, uint, 0644);
MODULE_PARM_DESC(rounds, "at most so many rounds of a race, for an emulated CPU (all there are)");

struct luokit_race;

struct luokit_racer {
	struct luokit_race *race;
	int nr;
};

struct luokit_race {
	struct luokit_racer racers[2];
	struct luokit *k;
	void (*fn[2])(struct luokit *k, void *ctx, unsigned int round);
	void (*between)(struct luokit *k, void *ctx, unsigned int round);
	void *ctx;
	unsigned int rounds;
	unsigned int run;	/* of them, counted by the first racer */
	unsigned long deadline;
	bool stop;		/* set by the first racer, between two rounds */
	atomic_t arrived;
	atomic_t running;
	struct completion over;
	wait_queue_head_t sleeper;
};

/* No round takes so long, on however busy a host; of a wrong handler it is to be expected. */
#define LUOKIT_STUCK(k)	((k)->judge && (k)->judge->verdict ? 5 * HZ : 20 * HZ)

/*
 * By then two threads have met often enough. Otherwise a round takes microseconds, but where
 * other guests want the CPUs of the host they take turns, and it is milliseconds.
 */
#define LUOKIT_RACE_TIME	(10 * HZ)

/* As many turns of a spinning CPU as the other one needs if it runs at all. */
#define LUOKIT_SPINS	2000

/*
 * Wait until both have come here for the @nth time. Spins, so that both leave it at the same
 * moment. But the CPUs may be virtual, and the other one may be waiting for this very CPU
 * of the host: who has spun long enough sleeps, and is woken.
 */
static void luokit_meet(struct luokit_race *race, unsigned int nth)
{
	unsigned int spins;

	/* Ordered before the look at who sleeps, as the sleeper's look at this is after. */
	atomic_inc_return(&race->arrived);
	if (wq_has_sleeper(&race->sleeper))
		wake_up(&race->sleeper);
	for (spins = 0; spins < LUOKIT_SPINS; spins++) {
		if (atomic_read_acquire(&race->arrived) >= 2 * nth)
			return;
		cpu_relax();
	}
	wait_event(race->sleeper, atomic_read_acquire(&race->arrived) >= 2 * nth);
}

static int luokit_racer(void *data)
{
	struct luokit_racer *racer = data;
	struct luokit_race *race = racer->race;
	unsigned int round;

	for (round = 0; round < race->rounds; round++) {
		/* After the first both are awake, after the second both are in step. */
		luokit_meet(race, 3 * round + 1);
		if (race->stop)
			break;
		luokit_meet(race, 3 * round + 2);
		race->fn[racer->nr](race->k, race->ctx, round);
		luokit_meet(race, 3 * round + 3);
		if (!racer->nr && race->between)
			race->between(race->k, race->ctx, round);
		if (racer->nr)
			continue;
		race->run++;
		/* What was found in a case is enough, and what follows may be anything. */
		if (race->k->judge && race->k->judge->findings)
			race->stop = true;
		if (time_after(jiffies, race->deadline))
			race->stop = true;
	}
	if (atomic_dec_and_test(&race->running))
		complete(&race->over);

	return 0;
}

unsigned int luokit_race(struct luokit *k, unsigned int rounds,
			 void (*a)(struct luokit *k, void *ctx, unsigned int round),
			 void (*b)(struct luokit *k, void *ctx, unsigned int round),
			 void (*between)(struct luokit *k, void *ctx, unsigned int round),
			 void *ctx)
{
	unsigned int cpu = cpumask_first(cpu_online_mask), run;
	struct task_struct *tasks[2];
	struct luokit_race *race;
	int i, arrived;

	if (num_online_cpus() < 2)
		kunit_skip(k->test, "needs two CPUs (UML: ncpus=2 seccomp=on)");

	/* Threads that wait for ever go on using it. */
	race = kzalloc_obj(*race, GFP_KERNEL | __GFP_NOFAIL);
	race->k = k;
	race->fn[0] = a;
	race->fn[1] = b;
	race->between = between;
	race->ctx = ctx;
	race->rounds = min(rounds, luokit_rounds);
	race->deadline = jiffies + LUOKIT_RACE_TIME;
	atomic_set(&race->running, 2);
	init_completion(&race->over);
	init_waitqueue_head(&race->sleeper);
	for (i = 0; i < 2; i++) {
		race->racers[i].race = race;
		race->racers[i].nr = i;
		tasks[i] = kthread_create_on_cpu(luokit_racer, &race->racers[i], cpu,
						 "luokit-race/%u");
		cpu = cpumask_next(cpu, cpu_online_mask);
	}
	if (IS_ERR(tasks[0]) || IS_ERR(tasks[1])) {
		for (i = 0; i < 2; i++)
			if (!IS_ERR(tasks[i]))
				kthread_stop(tasks[i]);
		KUNIT_FAIL_AND_ABORT(k->test, "no threads for a race");
	}
	/* Held until kthread_stop(): they may be gone by then. */
	for (i = 0; i < 2; i++)
		get_task_struct(tasks[i]);
	k->racing = true;
	for (i = 0; i < 2; i++)
		wake_up_process(tasks[i]);
	do {
		arrived = atomic_read(&race->arrived);
		if (wait_for_completion_timeout(&race->over, LUOKIT_STUCK(k)))
			break;
		if (arrived == atomic_read(&race->arrived)) {
			luokit_complain_of(k, 11, "a thread of the race waits for ever");
			KUNIT_FAIL_AND_ABORT(k->test, "a race that hangs cannot be ended");
		}
	} while (true);
	for (i = 0; i < 2; i++)
		kthread_stop_put(tasks[i]);
	k->racing = false;
	run = race->run;
	kfree(race);
	luokit_flush_puts(k);

	return run;
}
