// SPDX-License-Identifier: GPL-2.0
/*
 * bench_eventfd.c - what it costs to carry eventfds over, by three handlers.
 *
 * The layer's handler, one written by hand and a naive one take the same files
 * in one boot. LUO calls their callbacks directly: a handler is offered here
 * under a compatible string of the bench's own, with its own callbacks in all
 * places but can_preserve, which says yes for the one that is being measured.
 *
 * What the handler alone has of a figure is measured in rounds of their own,
 * with callbacks in between that look at the clock.
 */

#include <linux/bitmap.h>
#include <linux/eventfd.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho_block.h>
#include <linux/memblock.h>
#include <linux/pfn.h>
#include <linux/slab.h>

#include "bench.h"
#include "luo_internal.h"

#define BENCH_FILES	1000

enum bench_variant {
	BENCH_LAYER,
	BENCH_HAND,
	BENCH_NAIVE,
	BENCH_NR,
};

/* A handler that is compared, as LUO sees it. */
struct bench_handler {
	const char *name;
	const struct liveupdate_file_ops *(*get)(void);
	const struct liveupdate_file_ops *target;
	struct liveupdate_file_ops ops;
	struct liveupdate_file_handler fh;
};

static struct bench_handler bench_handlers[BENCH_NR] = {
	[BENCH_LAYER] = {
		.name = "layer",
		.get = bench_layer_ops,
		.fh.compatible = "luosdk-bench-layer",
	},
	[BENCH_HAND] = {
		.name = "hand",
		.get = bench_hand_ops,
		.fh.compatible = "luosdk-bench-hand",
	},
	[BENCH_NAIVE] = {
		.name = "naive",
		.get = bench_naive_ops,
		.fh.compatible = "luosdk-bench-naive",
	},
};

/*
 * LUO asks one handler after the other, so its place in the row is part of what
 * a preserve costs. Where that is measured, all three take turns as the first.
 */
static struct liveupdate_file_ops bench_first_ops;
static struct liveupdate_file_handler bench_first = {
	.compatible = "luosdk-bench-first",
};

/* Who is offered files now, and on whose behalf. */
static struct liveupdate_file_handler *bench_offered;
static const struct liveupdate_file_ops *bench_target;

/* Ticks inside of the handler's own callbacks, in a round that asks for them. */
static u64 bench_inside;

static bool bench_can_preserve(struct liveupdate_file_handler *fh,
			       struct file *file)
{
	return fh == bench_offered && bench_target->can_preserve(fh, file);
}

static int bench_timed_preserve(struct liveupdate_file_op_args *args)
{
	u64 ticks = rdtsc();
	int err = bench_target->preserve(args);

	bench_inside += rdtsc() - ticks;
	return err;
}

static void bench_timed_unpreserve(struct liveupdate_file_op_args *args)
{
	u64 ticks = rdtsc();

	bench_target->unpreserve(args);
	bench_inside += rdtsc() - ticks;
}

static int bench_timed_retrieve(struct liveupdate_file_op_args *args)
{
	u64 ticks = rdtsc();
	int err = bench_target->retrieve(args);

	bench_inside += rdtsc() - ticks;
	return err;
}

static bool bench_timed_can_finish(struct liveupdate_file_op_args *args)
{
	u64 ticks = rdtsc();
	bool yes = !bench_target->can_finish || bench_target->can_finish(args);

	bench_inside += rdtsc() - ticks;
	return yes;
}

static void bench_timed_finish(struct liveupdate_file_op_args *args)
{
	u64 ticks = rdtsc();

	bench_target->finish(args);
	bench_inside += rdtsc() - ticks;
}

/* Give LUO a handler's callbacks, with a clock around them or as they are. */
static void bench_fill_ops(struct liveupdate_file_ops *ops,
			   const struct liveupdate_file_ops *target, bool timed)
{
	*ops = *target;
	ops->can_preserve = bench_can_preserve;
	if (!timed)
		return;
	ops->preserve = bench_timed_preserve;
	ops->unpreserve = bench_timed_unpreserve;
	ops->retrieve = bench_timed_retrieve;
	ops->can_finish = bench_timed_can_finish;
	ops->finish = bench_timed_finish;
}

static void bench_offer(struct liveupdate_file_handler *fh,
			const struct liveupdate_file_ops *target)
{
	bench_target = target;
	bench_offered = fh;
}

/* The n-th has the count n. */
static struct file *bench_make_eventfd(unsigned int n)
{
	return eventfd_create_file(n, 0);
}

/* One fresh session: all files preserved and unpreserved. */
static s64 bench_preserve_round(const int *fds, unsigned int nr)
{
	struct file *session;
	s64 ticks;
	int err;

	err = luo_session_create("bench-round", &session);
	if (err)
		return err;
	ticks = bench_preserve_all(session, fds, nr);
	if (ticks >= 0)
		ticks += bench_unpreserve_all(session);
	__fput_sync(session);

	return ticks;
}

/*
 * The best of some rounds, the first one aside; the handlers change places
 * from round to round. @timed: the handler's own share is the figure.
 */
static int bench_preserve_rounds(struct seq_file *m, const int *fds, bool timed)
{
	s64 best[BENCH_NR] = { S64_MAX, S64_MAX, S64_MAX };
	char name[48];
	int round, i;

	for (round = 0; round < BENCH_ROUNDS; round++) {
		for (i = 0; i < BENCH_NR; i++) {
			int variant = (round + i) % BENCH_NR;
			s64 ticks;

			bench_fill_ops(&bench_first_ops,
				       bench_handlers[variant].target, timed);
			bench_offer(&bench_first, bench_handlers[variant].target);
			bench_inside = 0;
			ticks = bench_preserve_round(fds, BENCH_FILES);
			bench_offer(NULL, NULL);
			if (ticks < 0)
				return ticks;
			if (timed)
				ticks = bench_inside;
			if (round)
				best[variant] = min(best[variant], ticks);
		}
	}

	for (i = 0; i < BENCH_NR; i++) {
		snprintf(name, sizeof(name), "eventfd_preserve.%s%s",
			 bench_handlers[i].name, timed ? ".inside" : "");
		bench_figure(m, name, best[i], BENCH_FILES);
	}

	return 0;
}

static int bench_preserve(struct seq_file *m)
{
	int *fds = bench_make_fds(BENCH_FILES, bench_make_eventfd);
	int err;

	if (IS_ERR(fds))
		return PTR_ERR(fds);
	err = bench_preserve_rounds(m, fds, false);
	if (!err)
		err = bench_preserve_rounds(m, fds, true);
	bench_close_fds(fds, BENCH_FILES);

	return err;
}

static int bench_memory_one(struct seq_file *m, struct bench_handler *h)
{
	char name[48];
	s64 bytes;

	bench_fill_ops(&bench_first_ops, h->target, false);
	bench_offer(&bench_first, h->target);
	bytes = bench_memory_all(BENCH_FILES / 2, bench_make_eventfd);
	bench_offer(NULL, NULL);
	if (bytes < 0)
		return bytes;
	snprintf(name, sizeof(name), "eventfd_memory.%s", h->name);
	bench_figure(m, name, bytes, BENCH_FILES / 2);

	return 0;
}

static int bench_memory(struct seq_file *m)
{
	int i, err = 0;

	for (i = 0; !err && i < BENCH_NR; i++)
		err = bench_memory_one(m, &bench_handlers[i]);

	return err;
}

static void bench_session_name(char *name, int variant, int round, bool timed)
{
	snprintf(name, LIVEUPDATE_SESSION_NAME_LENGTH, "bench-%s-%d%s",
		 bench_handlers[variant].name, round, timed ? "-timed" : "");
}

/* Sessions for the next kernel; this one holds them until it is gone. */
static int bench_keep_one(int variant, int round, bool timed)
{
	struct bench_handler *h = &bench_handlers[variant];
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	struct file *session;
	s64 ticks;
	int *fds;
	int err;

	fds = bench_make_fds(BENCH_FILES, bench_make_eventfd);
	if (IS_ERR(fds))
		return PTR_ERR(fds);
	bench_session_name(name, variant, round, timed);
	err = luo_session_create(name, &session);
	if (!err) {
		bench_offer(&h->fh, h->target);
		ticks = bench_preserve_all(session, fds, BENCH_FILES);
		bench_offer(NULL, NULL);
		if (ticks < 0) {
			err = ticks;
			__fput_sync(session);
		}
	}
	/* LUO has references of its own. */
	bench_close_fds(fds, BENCH_FILES);

	return err;
}

static int bench_keep(struct seq_file *m)
{
	int round, i, timed, err = 0;

	for (timed = 0; timed < 2; timed++)
		for (round = 0; round < BENCH_ROUNDS; round++)
			for (i = 0; !err && i < BENCH_NR; i++)
				err = bench_keep_one((round + i) % BENCH_NR, round, timed);
	if (!err)
		bench_figure(m, "kept", 2 * BENCH_ROUNDS * BENCH_NR * BENCH_FILES, 1);

	return err;
}

/* The pages that the handles of a session's files lead to, each counted once. */
static int bench_state_pages(struct luo_session *session, u64 *pages)
{
	unsigned long *seen = bitmap_zalloc(max_pfn, GFP_KERNEL);
	struct luo_file_ser *ser;
	struct kho_block_set_it it;
	int err = 0;

	if (!seen)
		return -ENOMEM;
	kho_block_set_it_init(&it, &session->file_set.block_set);
	while ((ser = kho_block_set_it_read_entry(&it))) {
		if (PHYS_PFN(ser->data) >= max_pfn)
			err = -ERANGE;
		else
			__set_bit(PHYS_PFN(ser->data), seen);
	}
	*pages = bitmap_weight(seen, max_pfn);
	bitmap_free(seen);

	return err;
}

/* What came back is what was preserved, or no figure counts. */
static int bench_check_files(struct file **files)
{
	unsigned int i;
	u64 count;

	for (i = 0; i < BENCH_FILES; i++) {
		struct eventfd_ctx *ctx = eventfd_file_ctx(files[i]);

		if (!ctx)
			return -EBADF;
		eventfd_ctx_peek(ctx, &count);
		if (count != i)
			return -EBADMSG;
	}

	return 0;
}

static s64 bench_retrieve_one(int variant, int round, bool timed,
			      struct file **files, u64 *pages)
{
	struct bench_handler *h = &bench_handlers[variant];
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	struct file *session;
	s64 ticks, more;
	unsigned int i;
	int err;

	bench_session_name(name, variant, round, timed);
	err = luo_session_retrieve(name, &session);
	if (err)
		return err;
	err = bench_state_pages(session->private_data, pages);
	if (err)
		goto out;

	bench_fill_ops(&h->ops, h->target, timed);
	bench_offer(NULL, h->target);
	bench_inside = 0;
	ticks = bench_retrieve_all(session, files, BENCH_FILES);
	if (ticks < 0) {
		err = ticks;
	} else {
		err = bench_check_files(files);
		more = bench_finish_all(session);
		if (more < 0)
			err = more;
		else
			ticks += more;
	}
	for (i = 0; i < BENCH_FILES && files[i]; i++)
		__fput_sync(files[i]);

out:
	__fput_sync(session);
	return err ?: timed ? bench_inside : ticks;
}

static int bench_retrieve_rounds(struct seq_file *m, struct file **files, bool timed)
{
	s64 best[BENCH_NR] = { S64_MAX, S64_MAX, S64_MAX };
	u64 pages[BENCH_NR], shared;
	char name[48];
	int round, i;

	for (round = 0; round < BENCH_ROUNDS; round++) {
		for (i = 0; i < BENCH_NR; i++) {
			int variant = (round + i) % BENCH_NR;
			s64 ticks;

			/* Only a handler's first session began on a page of its own. */
			ticks = bench_retrieve_one(variant, round, timed, files,
						   round ? &shared : &pages[variant]);
			if (ticks < 0)
				return ticks;
			if (round)
				best[variant] = min(best[variant], ticks);
		}
	}

	for (i = 0; i < BENCH_NR; i++) {
		snprintf(name, sizeof(name), "eventfd_retrieve.%s%s",
			 bench_handlers[i].name, timed ? ".inside" : "");
		bench_figure(m, name, best[i], BENCH_FILES);
		if (timed)
			continue;
		snprintf(name, sizeof(name), "eventfd_bytes.%s", bench_handlers[i].name);
		bench_figure(m, name, pages[i] * PAGE_SIZE, BENCH_FILES);
	}

	return 0;
}

static int bench_retrieve(struct seq_file *m)
{
	struct file **files = kvcalloc(BENCH_FILES, sizeof(*files), GFP_KERNEL);
	int err;

	if (!files)
		return -ENOMEM;
	err = bench_retrieve_rounds(m, files, false);
	if (!err)
		err = bench_retrieve_rounds(m, files, true);
	kvfree(files);

	return err;
}

const struct bench_file bench_eventfd_files[] = {
	{ "eventfd_preserve", bench_preserve },
	{ "eventfd_memory", bench_memory },
	{ "eventfd_keep", bench_keep },
	{ "eventfd_retrieve", bench_retrieve },
	{}
};

int __init bench_eventfd_init(void)
{
	int i, err;

	bench_fill_ops(&bench_first_ops, bench_naive_ops(), false);
	bench_first.ops = &bench_first_ops;
	err = liveupdate_register_file_handler(&bench_first);

	for (i = 0; !err && i < BENCH_NR; i++) {
		struct bench_handler *h = &bench_handlers[i];

		h->target = h->get();
		if (!h->target)
			return -EINVAL;
		bench_fill_ops(&h->ops, h->target, false);
		h->fh.ops = &h->ops;
		err = liveupdate_register_file_handler(&h->fh);
	}

	return err;
}
