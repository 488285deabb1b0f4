/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench.h - what the parts of the bench share.
 *
 * A measurement is a file in debugfs. Reading it measures and returns lines
 * "name value", which the scenario in tests/vm/scenarios/bench.c passes on to
 * tests/bench/run-bench. Values have three decimals.
 */
#ifndef _LUOSDK_BENCH_H
#define _LUOSDK_BENCH_H

#include <asm/tsc.h>
#include <linux/init.h>
#include <linux/liveupdate.h>
#include <linux/seq_file.h>
#include <linux/types.h>

/* Rounds of the same measurement; the first one warms up and is not counted. */
#define BENCH_ROUNDS	4

/**
 * struct bench_file - One measurement.
 * @name: Its file's name.
 * @show: Measures, and writes the lines. Returns 0 or a negative errno.
 */
struct bench_file {
	const char *name;
	int (*show)(struct seq_file *m);
};

extern const struct bench_file bench_guard_files[];
extern const struct bench_file bench_eventfd_files[];

int __init bench_eventfd_init(void);

/* One line of the result: @num / @den. */
void bench_figure(struct seq_file *m, const char *name, s64 num, u64 den);

/* Free pages now, those in per-CPU lists included. */
u64 bench_free_pages(void);

/* The handlers that are compared. They differ in how they were written only. */
const struct liveupdate_file_ops *bench_layer_ops(void);
const struct liveupdate_file_ops *bench_hand_ops(void);
const struct liveupdate_file_ops *bench_naive_ops(void);

#endif /* _LUOSDK_BENCH_H */
