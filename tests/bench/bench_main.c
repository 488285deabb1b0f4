// SPDX-License-Identifier: GPL-2.0
/*
 * bench_main.c - the bench's files in debugfs, and its unit of measure.
 *
 * Under QEMU's -icount with a shift of 0, one executed instruction is one
 * nanosecond of the guest's time and one tick of its time stamp counter, in
 * every run the same. The file "unit" proves it on a loop of a known number of
 * instructions, before anything else is believed.
 */

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/vmstat.h>

#include "bench.h"

/* Answers are shorter; a buffer that never grows is never filled twice. */
#define BENCH_ANSWER	SZ_64K

/* Only the command line makes the bench more than dead code. */
static bool bench_wanted;
core_param(luosdk_bench, bench_wanted, bool, 0);

void bench_figure(struct seq_file *m, const char *name, s64 num, u64 den)
{
	u64 milli = div64_u64(abs(num) * 1000 + den / 2, den);

	seq_printf(m, "%s %s%llu.%03llu\n", name, num < 0 ? "-" : "",
		   milli / 1000, milli % 1000);
}

u64 bench_free_pages(void)
{
	struct zone *zone;
	u64 pages = 0;

	/* What was freed is free: nodes of xarrays, files. */
	rcu_barrier();
	/* The VM that counts instructions has one CPU. */
	drain_local_pages(NULL);
	for_each_populated_zone(zone)
		pages += zone_page_state_snapshot(zone, NR_FREE_PAGES);

	return pages;
}

/* Two instructions a turn. */
static noinline u64 bench_turns(unsigned long turns)
{
	unsigned long flags;
	u64 ticks;

	local_irq_save(flags);
	ticks = rdtsc();
	asm volatile("1: dec %0\n\tjnz 1b" : "+r" (turns) : : "cc");
	ticks = rdtsc() - ticks;
	local_irq_restore(flags);

	return ticks;
}

/*
 * Ticks per instruction, from loops of three lengths. What the clock itself
 * costs falls out of the differences.
 */
static int bench_unit(struct seq_file *m)
{
	u64 none = bench_turns(1);
	u64 some = bench_turns(1 + 1000) - none;
	u64 many = bench_turns(1 + 1000000) - none;

	bench_figure(m, "unit.short", some, 2 * 1000);
	bench_figure(m, "unit.long", many, 2 * 1000000);

	return 0;
}

static const struct bench_file bench_main_files[] = {
	{ "unit", bench_unit },
	{}
};

static int bench_show(struct seq_file *m, void *unused)
{
	const struct bench_file *file = m->private;

	return file->show(m);
}

static int bench_open(struct inode *inode, struct file *file)
{
	return single_open_size(file, bench_show, inode->i_private, BENCH_ANSWER);
}

static const struct file_operations bench_fops = {
	.owner		= THIS_MODULE,
	.open		= bench_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= single_release,
};

static void __init bench_add(struct dentry *dir, const struct bench_file *file)
{
	for (; file->name; file++)
		debugfs_create_file(file->name, 0400, dir, (void *)file,
				    &bench_fops);
}

/* Before the handlers that it takes files away from: LUO asks the first. */
static int __init bench_init(void)
{
	struct dentry *dir;
	int err;

	if (!bench_wanted)
		return 0;

	err = bench_eventfd_init();
	if (!err)
		err = bench_memfd_init();
	if (err)
		return err;

	dir = debugfs_create_dir("luosdk-bench", NULL);
	bench_add(dir, bench_main_files);
	bench_add(dir, bench_guard_files);
	bench_add(dir, bench_eventfd_files);
	bench_add(dir, bench_memfd_files);
	bench_add(dir, bench_fdt_files);

	return 0;
}
fs_initcall(bench_init);
