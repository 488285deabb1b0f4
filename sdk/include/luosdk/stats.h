/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luosdk/stats.h - what a handler has done, for a person to read.
 *
 * LUO itself shows nothing: user space cannot list sessions, files or
 * handlers. Each handler on this layer has a folder in debugfs, named
 * luosdk-<handler>, with one file "stats" of lines "name value".
 */
#ifndef _LUOSDK_STATS_H
#define _LUOSDK_STATS_H

#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>
#include <luosdk/state.h>

/**
 * DOC: stats
 *
 * handler.h counts for a handler that is made with it. Without it::
 *
 *	static struct luosdk_stats widget_stats;
 *
 *	int widget_init(void)
 *	{
 *		luosdk_stats_register(&widget_stats, "widget");
 *		return 0;
 *	}
 *
 *	int widget_preserve(int err)
 *	{
 *		if (err)
 *			return luosdk_stats_failed(&widget_stats, err);
 *		luosdk_stats_inc(&widget_stats, LUOSDK_STAT_PRESERVED);
 *		return 0;
 *	}
 *
 *	void widget_exit(void)
 *	{
 *		luosdk_stats_unregister(&widget_stats);
 *	}
 *
 * ================  ========================================================
 * compatible        not a number: the handler's compatible string
 * kind              not a number: file, or shared for state that files share
 * version           that is written
 * payload           size of a state of that version
 * sealed            how much of it the checksum covers
 * layout            LUOSDK_LAYOUT() of it, 0 if nobody said
 * preserved_now     files (shared states) that a kexec now would carry over in it
 * ================  ========================================================
 *
 * These, which scripts/preflight reads, come first, if the handler has a format: one made with
 * handler.h or flb.h, or one whose luosdk_stats has it from luosdk_stats_describe().
 *
 * ================  ========================================================
 * line              counts
 * ================  ========================================================
 * preserved         files preserved
 * refused_busy      preserves refused because the object was claimed already
 * unpreserved       files unpreserved before any reboot
 * frozen            files frozen
 * thawed            files thawed after an aborted update
 * restored          files retrieved
 * finished          files finished after they were retrieved
 * discarded         states freed in finish because nobody retrieved them
 * leaked            bytes lost until the next reboot to damaged states
 * bytes             bytes of saved state that exist now
 * other_format      files preserved now in another format than that of the handler
 * failed_<errno>    callbacks that returned this error; only if there are any
 * ================  ========================================================
 */

/**
 * enum luosdk_stat - What is counted.
 * @LUOSDK_STAT_PRESERVED:    Files preserved.
 * @LUOSDK_STAT_REFUSED_BUSY: Preserves of an object that was claimed already.
 * @LUOSDK_STAT_UNPRESERVED:  Files unpreserved.
 * @LUOSDK_STAT_FROZEN:       Files frozen.
 * @LUOSDK_STAT_THAWED:       Files thawed.
 * @LUOSDK_STAT_RESTORED:     Files retrieved.
 * @LUOSDK_STAT_FINISHED:     Retrieved files finished.
 * @LUOSDK_STAT_DISCARDED:    States freed that nobody retrieved.
 * @LUOSDK_STAT_LEAKED:       Bytes lost until the next reboot.
 * @LUOSDK_STAT_BYTES:        Bytes of saved state that exist now.
 * @LUOSDK_STAT_OTHER_FORMAT: Files preserved now in another format.
 * @LUOSDK_STAT_NR:           How many there are.
 */
enum luosdk_stat {
	LUOSDK_STAT_PRESERVED,
	LUOSDK_STAT_REFUSED_BUSY,
	LUOSDK_STAT_UNPRESERVED,
	LUOSDK_STAT_FROZEN,
	LUOSDK_STAT_THAWED,
	LUOSDK_STAT_RESTORED,
	LUOSDK_STAT_FINISHED,
	LUOSDK_STAT_DISCARDED,
	LUOSDK_STAT_LEAKED,
	LUOSDK_STAT_BYTES,
	LUOSDK_STAT_OTHER_FORMAT,
	LUOSDK_STAT_NR,
};

/* Errors up to EHWPOISON have a counter of their own, all others share one. */
#define LUOSDK_STATS_ERRNOS	134

/**
 * struct luosdk_stats - The counters of one handler. All zeroes is the start.
 */
struct luosdk_stats {
	/* private: */
	atomic_long_t count[LUOSDK_STAT_NR];
	atomic_t failed[LUOSDK_STATS_ERRNOS];
	const struct luosdk_format *format;
	bool shared;
	struct dentry *dir;
};

/**
 * luosdk_stats_add() - Add to a counter.
 * @stats: The handler's counters.
 * @stat:  Which one.
 * @n:     How much; may be negative for LUOSDK_STAT_BYTES and _OTHER_FORMAT.
 *
 * Context: Any.
 */
static inline void luosdk_stats_add(struct luosdk_stats *stats,
				    enum luosdk_stat stat, long n)
{
	atomic_long_add(n, &stats->count[stat]);
}

/**
 * luosdk_stats_inc() - Count one event.
 * @stats: The handler's counters.
 * @stat:  Which one.
 *
 * Context: Any.
 */
static inline void luosdk_stats_inc(struct luosdk_stats *stats,
				    enum luosdk_stat stat)
{
	luosdk_stats_add(stats, stat, 1);
}

/**
 * luosdk_stats_read() - Read a counter.
 * @stats: The handler's counters.
 * @stat:  Which one.
 *
 * Context: Any.
 * Return: Its value.
 */
static inline long luosdk_stats_read(struct luosdk_stats *stats,
				     enum luosdk_stat stat)
{
	return atomic_long_read(&stats->count[stat]);
}

static inline atomic_t *luosdk_stats_errno(struct luosdk_stats *stats, int err)
{
	return &stats->failed[err < 0 && -err < LUOSDK_STATS_ERRNOS ? -err : 0];
}

/**
 * luosdk_stats_failed() - Count a callback that fails.
 * @stats: The handler's counters.
 * @err:   Its errno, negative.
 *
 * Context: Any.
 * Return: @err, so that it can stand in a return statement.
 */
static inline int luosdk_stats_failed(struct luosdk_stats *stats, int err)
{
	atomic_inc(luosdk_stats_errno(stats, err));
	return err;
}

/**
 * luosdk_stats_read_failed() - Read how often callbacks failed with an error.
 * @stats: The handler's counters.
 * @err:   The errno, negative.
 *
 * Context: Any.
 * Return: How often.
 */
static inline int luosdk_stats_read_failed(struct luosdk_stats *stats, int err)
{
	return atomic_read(luosdk_stats_errno(stats, err));
}

/**
 * luosdk_stats_describe() - Say whose files are counted, for scripts/preflight.
 * @stats:  The counters.
 * @format: What the files are saved as. Must stay.
 * @shared: It is no file but state that files share.
 *
 * Context: Any. Before luosdk_stats_register().
 */
static inline void luosdk_stats_describe(struct luosdk_stats *stats,
					 const struct luosdk_format *format,
					 bool shared)
{
	stats->format = format;
	stats->shared = shared;
}

static inline void luosdk_stats_show_format(struct seq_file *m,
					    struct luosdk_stats *stats)
{
	const struct luosdk_format *fmt = stats->format;

	seq_printf(m, "compatible %s\nkind %s\n", fmt->compatible,
		   stats->shared ? "shared" : "file");
	seq_printf(m, "version %u\npayload %u\nsealed %u\nlayout %#x\n",
		   fmt->version, fmt->bytes, fmt->sealed, fmt->layout);
	seq_printf(m, "preserved_now %ld\n",
		   luosdk_stats_read(stats, LUOSDK_STAT_PRESERVED) -
		   luosdk_stats_read(stats, LUOSDK_STAT_UNPRESERVED) -
		   luosdk_stats_read(stats, LUOSDK_STAT_OTHER_FORMAT));
}

static inline int luosdk_stats_show(struct seq_file *m, void *unused)
{
	static const char * const names[LUOSDK_STAT_NR] = {
		[LUOSDK_STAT_PRESERVED]    = "preserved",
		[LUOSDK_STAT_REFUSED_BUSY] = "refused_busy",
		[LUOSDK_STAT_UNPRESERVED]  = "unpreserved",
		[LUOSDK_STAT_FROZEN]       = "frozen",
		[LUOSDK_STAT_THAWED]       = "thawed",
		[LUOSDK_STAT_RESTORED]     = "restored",
		[LUOSDK_STAT_FINISHED]     = "finished",
		[LUOSDK_STAT_DISCARDED]    = "discarded",
		[LUOSDK_STAT_LEAKED]       = "leaked",
		[LUOSDK_STAT_BYTES]        = "bytes",
		[LUOSDK_STAT_OTHER_FORMAT] = "other_format",
	};
	struct luosdk_stats *stats = m->private;
	int i;

	if (stats->format)
		luosdk_stats_show_format(m, stats);
	for (i = 0; i < LUOSDK_STAT_NR; i++)
		seq_printf(m, "%s %ld\n", names[i], luosdk_stats_read(stats, i));

	for (i = 1; i < LUOSDK_STATS_ERRNOS; i++)
		if (luosdk_stats_read_failed(stats, -i))
			seq_printf(m, "failed_%pe %d\n", ERR_PTR(-i),
				   luosdk_stats_read_failed(stats, -i));
	if (luosdk_stats_read_failed(stats, 0))
		seq_printf(m, "failed_other %d\n",
			   luosdk_stats_read_failed(stats, 0));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(luosdk_stats);

/**
 * luosdk_stats_register() - Show a handler's counters in debugfs.
 * @stats: The counters.
 * @name:  The handler's name, unique in this kernel.
 *
 * A kernel without debugfs, or one that cannot make the folder, still counts.
 *
 * Context: Sleeps.
 */
static inline void luosdk_stats_register(struct luosdk_stats *stats,
					 const char *name)
{
	char folder[64];

	snprintf(folder, sizeof(folder), "luosdk-%s", name);
	stats->dir = debugfs_create_dir(folder, NULL);
	debugfs_create_file("stats", 0444, stats->dir, stats,
			    &luosdk_stats_fops);
}

/**
 * luosdk_stats_unregister() - Remove a handler's folder from debugfs.
 * @stats: The counters.
 *
 * Context: Sleeps.
 */
static inline void luosdk_stats_unregister(struct luosdk_stats *stats)
{
	debugfs_remove(stats->dir);
	stats->dir = NULL;
}

#endif /* _LUOSDK_STATS_H */
