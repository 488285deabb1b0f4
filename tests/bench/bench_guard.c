// SPDX-License-Identifier: GPL-2.0
/*
 * bench_guard.c - what guards cost, beside an xarray under pointer keys.
 *
 * The figures are instructions per object for a claim and its release. What
 * the loop around them costs is measured with the same loop around nothing,
 * and taken off.
 */

#include <linux/compiler.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <luosdk/guard.h>

#include "bench.h"

#define BENCH_MOST	100000
#define BENCH_KEYS	10000

/* Where sparse keys lie: as wide as the direct map of a machine with 64 GiB. */
#define BENCH_SPREAD	(64ULL << 30)

/* An object of the size of many a driver's. */
struct bench_object {
	struct luosdk_guard guard;
	char rest[48];
};

static void *bench_holder = &bench_holder;

/*
 * Never called by a measurement: run-bench reads the object code of these two
 * for atomic operations and calls.
 */
noinline int bench_guard_claim(struct luosdk_guard *guard, const void *holder);
noinline int bench_guard_claim(struct luosdk_guard *guard, const void *holder)
{
	return luosdk_guard_claim(guard, holder);
}

noinline void bench_guard_release(struct luosdk_guard *guard, const void *holder);
noinline void bench_guard_release(struct luosdk_guard *guard, const void *holder)
{
	luosdk_guard_release(guard, holder);
}

/* One pass over all objects, then another one; inlined with both operations. */
static __always_inline u64 bench_passes(void **objects, unsigned int nr,
					unsigned int times,
					int (*first)(void *object),
					int (*second)(void *object), int *err)
{
	unsigned int i;
	int bad = 0;
	u64 ticks;

	ticks = rdtsc();
	while (times--) {
		for (i = 0; i < nr; i++)
			bad |= first(objects[i]);
		for (i = 0; i < nr; i++)
			bad |= second(objects[i]);
	}
	ticks = rdtsc() - ticks;
	*err = bad;

	return ticks;
}

static __always_inline int bench_nothing(void *object)
{
	/* The compiler must not see that nobody needs the object. */
	asm volatile("" : : "r" (object));
	return 0;
}

/* Not cloned, here and below: the loops have to be compiled the same way. */
static noinline __noclone u64 bench_empty(void **objects, unsigned int nr, unsigned int times)
{
	int err;

	return bench_passes(objects, nr, times, bench_nothing, bench_nothing, &err);
}

static __always_inline int bench_embedded_claim(void *object)
{
	return luosdk_guard_claim(object, bench_holder);
}

static __always_inline int bench_embedded_release(void *object)
{
	luosdk_guard_release(object, bench_holder);
	return 0;
}

static noinline __noclone s64 bench_embedded(void **objects, unsigned int nr,
					     unsigned int times, int *err)
{
	unsigned long flags;
	s64 ticks;

	local_irq_save(flags);
	ticks = bench_passes(objects, nr, times, bench_embedded_claim,
			     bench_embedded_release, err);
	ticks -= bench_empty(objects, nr, times);
	local_irq_restore(flags);

	return ticks;
}

static __always_inline int bench_access_both(void *object)
{
	int err = luosdk_access_begin(object);

	if (!err)
		luosdk_access_end(object);
	return err;
}

static noinline __noclone s64 bench_access(void **objects, unsigned int nr,
					   unsigned int times, int *err)
{
	unsigned long flags;
	s64 ticks;

	local_irq_save(flags);
	ticks = bench_passes(objects, nr, times, bench_access_both,
			     bench_nothing, err);
	ticks -= bench_empty(objects, nr, times);
	local_irq_restore(flags);

	return ticks;
}

static struct luosdk_guards bench_guards = LUOSDK_GUARDS_INIT(bench_guards);

static __always_inline int bench_mapped_claim(void *key)
{
	return luosdk_guards_claim(&bench_guards, key, bench_holder);
}

static __always_inline int bench_mapped_release(void *key)
{
	luosdk_guards_release(&bench_guards, key, bench_holder);
	return 0;
}

/* Both allocate, so interrupts stay on: a tick now and then is in the figure. */
static noinline __noclone s64 bench_mapped(void **keys, unsigned int nr, int *err)
{
	s64 ticks = bench_passes(keys, nr, 1, bench_mapped_claim,
				 bench_mapped_release, err);

	return ticks - bench_empty(keys, nr, 1);
}

static DEFINE_XARRAY(bench_xarray);

static __always_inline int bench_xarray_insert(void *key)
{
	return xa_insert(&bench_xarray, (unsigned long)key, bench_holder,
			 GFP_KERNEL);
}

static __always_inline int bench_xarray_erase(void *key)
{
	return xa_erase(&bench_xarray, (unsigned long)key) ? 0 : -ENOENT;
}

static noinline __noclone s64 bench_xarray_pair(void **keys, unsigned int nr, int *err)
{
	s64 ticks = bench_passes(keys, nr, 1, bench_xarray_insert,
				 bench_xarray_erase, err);

	return ticks - bench_empty(keys, nr, 1);
}

/* Addresses as objects have them, all over a large memory; never followed. */
static void bench_sparse_keys(void **keys, unsigned int nr)
{
	u64 x = 1;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		keys[i] = (void *)(PAGE_OFFSET + ((x >> 20) % BENCH_SPREAD & ~63ULL));
	}
}

static void bench_free_objects(void **objects, unsigned int nr)
{
	while (nr--)
		kfree(objects[nr]);
	kvfree(objects);
}

static void **bench_make_objects(unsigned int nr)
{
	void **objects = kvcalloc(nr, sizeof(*objects), GFP_KERNEL);
	unsigned int i;

	if (!objects)
		return NULL;
	for (i = 0; i < nr; i++) {
		objects[i] = kzalloc_obj(struct bench_object);
		if (!objects[i]) {
			bench_free_objects(objects, i);
			return NULL;
		}
	}

	return objects;
}

static int bench_guard_embedded(struct seq_file *m)
{
	static const unsigned int sizes[] = { 1, 100, 10000, BENCH_MOST };
	void **objects = bench_make_objects(BENCH_MOST);
	int i, err = 0;

	if (!objects)
		return -ENOMEM;

	for (i = 0; !err && i < ARRAY_SIZE(sizes); i++) {
		char name[32];
		s64 ticks;

		ticks = bench_embedded(objects, sizes[i], BENCH_MOST / sizes[i], &err);
		snprintf(name, sizeof(name), "guard_embedded.%u", sizes[i]);
		bench_figure(m, name, ticks, BENCH_MOST);
	}
	if (!err) {
		s64 ticks = bench_access(objects, BENCH_MOST, 1, &err);

		bench_figure(m, "guard_access", ticks, BENCH_MOST);
	}

	/* The baseline: neighbouring objects of one slab cache. */
	for (i = 0; !err && i < BENCH_ROUNDS; i++) {
		s64 ticks = bench_xarray_pair(objects, BENCH_KEYS, &err);

		if (i == BENCH_ROUNDS - 1)
			bench_figure(m, "xarray.dense", ticks, BENCH_KEYS);
	}
	bench_free_objects(objects, BENCH_MOST);

	return err;
}

/* Bytes of a table with all keys claimed: what its own allocations add up to. */
static u64 bench_mapped_bytes(void)
{
	return BENCH_KEYS * kmalloc_size_roundup(sizeof(struct luosdk_guards_entry)) +
	       (bench_guards.grown ? sizeof(void *) << bench_guards.bits : 0) +
	       sizeof(bench_guards);
}

static int bench_guard_mapped(struct seq_file *m)
{
	void **keys = kvcalloc(BENCH_KEYS, sizeof(*keys), GFP_KERNEL);
	s64 mapped = 0, xarray = 0;
	u64 before, after;
	int i, err = 0;

	if (!keys)
		return -ENOMEM;
	bench_sparse_keys(keys, BENCH_KEYS);

	for (i = 0; !err && i < BENCH_ROUNDS; i++)
		mapped = bench_mapped(keys, BENCH_KEYS, &err);
	for (i = 0; !err && i < BENCH_ROUNDS; i++)
		xarray = bench_xarray_pair(keys, BENCH_KEYS, &err);
	if (err)
		goto out;
	bench_figure(m, "guard_mapped", mapped, BENCH_KEYS);
	bench_figure(m, "xarray.sparse", xarray, BENCH_KEYS);

	before = bench_free_pages();
	for (i = 0; i < BENCH_KEYS; i++)
		err |= bench_mapped_claim(keys[i]);
	after = bench_free_pages();
	bench_figure(m, "guard_mapped.bytes", bench_mapped_bytes(), BENCH_KEYS);
	bench_figure(m, "guard_mapped.page_bytes",
		     (s64)(before - after) * PAGE_SIZE, BENCH_KEYS);
	for (i = 0; !err && i < BENCH_KEYS; i++)
		bench_mapped_release(keys[i]);
	if (err)
		goto out;

	before = bench_free_pages();
	for (i = 0; i < BENCH_KEYS; i++)
		err |= bench_xarray_insert(keys[i]);
	after = bench_free_pages();
	bench_figure(m, "xarray.sparse.page_bytes",
		     (s64)(before - after) * PAGE_SIZE, BENCH_KEYS);
	xa_destroy(&bench_xarray);

out:
	kvfree(keys);
	return err;
}

/* How long each of the threads of a contention round runs. */
#define BENCH_CONTENTION_MS	500

struct bench_thread {
	struct task_struct *task;
	struct completion done;
	struct luosdk_guard *guard;
	u64 pairs;
	u64 ns;
};

static int bench_contend(void *data)
{
	struct bench_thread *thread = data;
	u64 start = ktime_get_ns(), now;
	int i;

	do {
		for (i = 0; i < 1000; i++)
			if (!luosdk_access_begin(thread->guard))
				luosdk_access_end(thread->guard);
		thread->pairs += i;
		cond_resched();
		now = ktime_get_ns();
	} while (now - start < BENCH_CONTENTION_MS * NSEC_PER_MSEC);
	thread->ns = now - start;
	complete(&thread->done);

	return 0;
}

/* Threads on CPUs of their own; pairs of begin and end, of all, in a second. */
static int bench_contention_round(unsigned int nr, u64 *rate)
{
	static struct luosdk_guard guard;
	struct bench_thread threads[2] = {};
	unsigned int i;
	int err = 0;

	for (i = 0; i < nr; i++) {
		threads[i].guard = &guard;
		init_completion(&threads[i].done);
		threads[i].task = kthread_create_on_cpu(bench_contend, &threads[i],
							i, "luosdk-bench/%u");
		if (IS_ERR(threads[i].task)) {
			err = PTR_ERR(threads[i].task);
			break;
		}
		get_task_struct(threads[i].task);
	}
	nr = i;
	for (i = 0; i < nr; i++)
		wake_up_process(threads[i].task);

	*rate = 0;
	for (i = 0; i < nr; i++) {
		wait_for_completion(&threads[i].done);
		kthread_stop_put(threads[i].task);
		*rate += div64_u64(threads[i].pairs * NSEC_PER_SEC, threads[i].ns);
	}

	return err;
}

static int bench_guard_contention(struct seq_file *m)
{
	u64 one, two;
	int err;

	if (num_online_cpus() < 2)
		return -ENODEV;
	err = bench_contention_round(1, &one);
	if (!err)
		err = bench_contention_round(2, &two);
	if (err)
		return err;
	bench_figure(m, "guard_access.rate_1", one, 1);
	bench_figure(m, "guard_access.rate_2", two, 1);

	return 0;
}

const struct bench_file bench_guard_files[] = {
	{ "guard_embedded", bench_guard_embedded },
	{ "guard_mapped", bench_guard_mapped },
	{ "guard_contention", bench_guard_contention },
	{}
};
