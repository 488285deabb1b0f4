// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: two threads on two CPUs at the same moment.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "luokit_internal.h"

struct luokit_racer {
	struct luokit *k;
	void (*fn)(struct luokit *k, void *ctx, unsigned int round);
	void *ctx;
	atomic_t *ready;
	atomic_t *started;
	atomic_t *done;
	unsigned int *go;	/* the round to run; 0: none yet */
	unsigned int rounds;
};

static int luokit_racer(void *data)
{
	struct luokit_racer *racer = data;
	unsigned int round;

	for (round = 1; round <= racer->rounds; round++) {
		atomic_inc(racer->ready);
		/* The test's thread may want this CPU: it says when to go. */
		while (READ_ONCE(*racer->go) != round)
			cond_resched();
		/* From here on only the other racer is waited for. */
		atomic_inc(racer->started);
		while (atomic_read(racer->started) < 2 * round)
			cpu_relax();
		racer->fn(racer->k, racer->ctx, round - 1);
		/* Order what @fn did before the round is seen as done. */
		atomic_inc_return_release(racer->done);
		while (READ_ONCE(*racer->go) == round)
			cond_resched();
	}

	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);

	return 0;
}

void luokit_race(struct luokit *k, unsigned int rounds,
		 void (*a)(struct luokit *k, void *ctx, unsigned int round),
		 void (*b)(struct luokit *k, void *ctx, unsigned int round),
		 void (*between)(struct luokit *k, void *ctx, unsigned int round),
		 void *ctx)
{
	atomic_t ready = ATOMIC_INIT(0), started = ATOMIC_INIT(0);
	atomic_t done = ATOMIC_INIT(0);
	unsigned int go = 0, round, cpu[2];
	struct luokit_racer racers[2] = {
		{ .fn = a }, { .fn = b },
	};
	struct task_struct *tasks[2];
	int i;

	if (num_online_cpus() < 2)
		kunit_skip(k->test, "needs two CPUs (UML: ncpus=2)");

	cpu[0] = cpumask_first(cpu_online_mask);
	cpu[1] = cpumask_next(cpu[0], cpu_online_mask);
	for (i = 0; i < 2; i++) {
		racers[i].k = k;
		racers[i].ctx = ctx;
		racers[i].ready = &ready;
		racers[i].started = &started;
		racers[i].done = &done;
		racers[i].go = &go;
		racers[i].rounds = rounds;
		tasks[i] = kthread_create_on_cpu(luokit_racer, &racers[i], cpu[i],
						 "luokit-race/%u");
		KUNIT_ASSERT_NOT_ERR_OR_NULL(k->test, tasks[i]);
	}
	for (i = 0; i < 2; i++)
		wake_up_process(tasks[i]);

	for (round = 1; round <= rounds; round++) {
		/* Not spinning: this thread shares a CPU with one of them. */
		while (atomic_read(&ready) != 2 * round)
			schedule();
		WRITE_ONCE(go, round);
		while (atomic_read_acquire(&done) != 2 * round)
			schedule();
		if (between)
			between(k, ctx, round - 1);
		WRITE_ONCE(go, 0);
	}
	for (i = 0; i < 2; i++)
		kthread_stop(tasks[i]);
	luokit_flush_puts(k);
}
