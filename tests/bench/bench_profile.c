// SPDX-License-Identifier: GPL-2.0
/*
 * bench_profile.c - in which functions the instructions of a measurement are.
 *
 * With the kernel parameter "luosdk_bench_profile" a timer interrupts what is
 * measured every 50,000 instructions and notes where it was. The figures
 * of such a boot are too high; their shares are right. What runs with
 * interrupts off is seen where they are switched on again: in who takes the lock.
 */

#include <linux/hrtimer.h>
#include <linux/kallsyms.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <asm/irq_regs.h>
#include <asm/unwind.h>

#include "bench.h"

/* Nanoseconds, and so instructions, from one look to the next. */
#define BENCH_PROFILE_STEP	49999
#define BENCH_PROFILE_MOST	65536
#define BENCH_PROFILE_LINES	16

static bool bench_profile_wanted;
core_param(luosdk_bench_profile, bench_profile_wanted, bool, 0);

static unsigned long *bench_profile_ips;
static unsigned int bench_profile_nr;
static struct hrtimer bench_profile_timer;

/* A function, and how often it was found running. */
struct bench_profile_line {
	unsigned long start;
	unsigned int count;
};

/* Lock functions are in a section of their own, what they call need not be. */
static bool bench_profile_in_lock(unsigned long ip)
{
	static char name[KSYM_SYMBOL_LEN];

	if (in_lock_functions(ip))
		return true;
	sprint_symbol_no_offset(name, ip);

	return strstarts(name, "__raw_");
}

/* Where @regs are, or who called the lock function that they are in. */
static unsigned long bench_profile_ip(struct pt_regs *regs)
{
	unsigned long ip = instruction_pointer(regs);
	struct unwind_state state;

	if (!bench_profile_in_lock(ip))
		return ip;
	for (unwind_start(&state, current, regs, NULL); !unwind_done(&state);
	     unwind_next_frame(&state)) {
		unsigned long caller = unwind_get_return_address(&state);

		if (!caller)
			break;
		ip = caller;
		if (!bench_profile_in_lock(ip))
			break;
	}

	return ip;
}

static enum hrtimer_restart bench_profile_look(struct hrtimer *timer)
{
	struct pt_regs *regs = get_irq_regs();

	if (regs && bench_profile_nr < BENCH_PROFILE_MOST)
		bench_profile_ips[bench_profile_nr++] = bench_profile_ip(regs);
	hrtimer_forward_now(timer, ns_to_ktime(BENCH_PROFILE_STEP));

	return HRTIMER_RESTART;
}

void bench_profile_start(void)
{
	if (!bench_profile_wanted)
		return;
	if (!bench_profile_ips) {
		bench_profile_ips = kvmalloc_array(BENCH_PROFILE_MOST,
						   sizeof(*bench_profile_ips), GFP_KERNEL);
		if (!bench_profile_ips)
			return;
		hrtimer_setup(&bench_profile_timer, bench_profile_look, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL_PINNED_HARD);
	}
	bench_profile_nr = 0;
	hrtimer_start(&bench_profile_timer, ns_to_ktime(BENCH_PROFILE_STEP),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

static int bench_profile_by_start(const void *a, const void *b)
{
	unsigned long l = *(const unsigned long *)a, r = *(const unsigned long *)b;

	return l < r ? -1 : l > r;
}

/* Puts a function among the most frequent ones, if it is one of them. */
static void bench_profile_rank(struct bench_profile_line *lines, unsigned long start,
			       unsigned int count)
{
	unsigned int i, j;

	for (i = 0; i < BENCH_PROFILE_LINES && lines[i].count >= count; i++)
		;
	for (j = BENCH_PROFILE_LINES - 1; j > i; j--)
		lines[j] = lines[j - 1];
	if (i < BENCH_PROFILE_LINES)
		lines[i] = (struct bench_profile_line){ start, count };
}

/* Lines "profile NAME FUNCTION PER-MILLE", the most frequent function first. */
void bench_profile_stop(struct seq_file *m, const char *name)
{
	struct bench_profile_line lines[BENCH_PROFILE_LINES] = {};
	unsigned long size, offset;
	unsigned int i, count;

	if (!bench_profile_ips)
		return;
	hrtimer_cancel(&bench_profile_timer);

	for (i = 0; i < bench_profile_nr; i++)
		if (kallsyms_lookup_size_offset(bench_profile_ips[i], &size, &offset))
			bench_profile_ips[i] -= offset;
	sort(bench_profile_ips, bench_profile_nr, sizeof(*bench_profile_ips),
	     bench_profile_by_start, NULL);
	for (i = 0; i < bench_profile_nr; i += count) {
		for (count = 1; i + count < bench_profile_nr; count++)
			if (bench_profile_ips[i + count] != bench_profile_ips[i])
				break;
		bench_profile_rank(lines, bench_profile_ips[i], count);
	}

	for (i = 0; i < BENCH_PROFILE_LINES && lines[i].count; i++)
		seq_printf(m, "profile %s %ps %u\n", name, (void *)lines[i].start,
			   lines[i].count * 1000 / bench_profile_nr);
}
