/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench.h - what the parts of the bench share.
 *
 * A measurement is a file in debugfs. Reading it measures and returns lines
 * "name value", which the scenarios in tests/vm/scenarios/bench.c pass on to
 * tests/bench/run-bench. Values have three decimals.
 */
#ifndef _LUOSDK_BENCH_H
#define _LUOSDK_BENCH_H

#include <asm/tsc.h>
#include <linux/fs.h>
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
extern const struct bench_file bench_memfd_files[];
extern const struct bench_file bench_fdt_files[];

int __init bench_eventfd_init(void);
int __init bench_memfd_init(void);

/* One line of the result: @num / @den. */
void bench_figure(struct seq_file *m, const char *name, s64 num, u64 den);

/* Free pages now, those in per-CPU lists included. */
u64 bench_free_pages(void);

/*
 * Sessions, and the files in them: bench_session.c. What returns s64 returns
 * the ticks that it took, or a negative errno.
 */
int *bench_make_fds(unsigned int nr, struct file *(*make)(unsigned int n));
void bench_close_fds(int *fds, unsigned int nr);
s64 bench_preserve_all(struct file *session, const int *fds, unsigned int nr);
s64 bench_unpreserve_all(struct file *session);
s64 bench_retrieve_all(struct file *session, struct file **files, unsigned int nr);
s64 bench_finish_all(struct file *session);
s64 bench_memory_all(unsigned int nr, struct file *(*make)(unsigned int n));

/* Pages that KHO hands over to the next kernel, as preserved now. */
s64 bench_preserved_pages(void);

/* Pages that LUO itself needs to hand over the files of @session. */
u64 bench_session_pages(struct file *session);

/* Where the instructions are that run in between: bench_profile.c. */
void bench_profile_start(void);
void bench_profile_stop(struct seq_file *m, const char *name);

/* The handlers that are compared. They differ in how they were written only. */
const struct liveupdate_file_ops *bench_layer_ops(void);
const struct liveupdate_file_ops *bench_hand_ops(void);
const struct liveupdate_file_ops *bench_naive_ops(void);

#endif /* _LUOSDK_BENCH_H */
