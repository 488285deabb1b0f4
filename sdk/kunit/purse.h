/* SPDX-License-Identifier: GPL-2.0 */
/*
 * purse.h - the shared state that the tests of luosdk/flb.h are about.
 *
 * Coins and notes are anonymous files that are worth something, with a handler for
 * each of the two. The purse (purse.c) is what they share: how many of them are preserved,
 * and what they are worth together. Each file adds itself in preserve. It is built into
 * several worlds:
 *
 * ==================  =====================================================
 * world               is
 * ==================  =====================================================
 * purse_world         version 1 of the state, on LUO's core as it is
 * purse_fixed_world   the same, on the core with patches/upstream
 * purse_v2_world      version 2, with a currency; reads 1 as well
 * purse_big_world     version 1, too large to share a page
 * ==================  =====================================================
 */
#ifndef _PURSE_H
#define _PURSE_H

#include <linux/types.h>
#include <luosdk/stats.h>

struct file;
struct luokit_world;

extern const struct luokit_world purse_world;
extern const struct luokit_world purse_fixed_world;
extern const struct luokit_world purse_v2_world;
extern const struct luokit_world purse_big_world;

struct purse {
	u64 files, total;
	u32 currency;
};

/*
 * Set by a test, lives outside of the worlds: a reboot does not change it. The
 * counters say how often a function of the author's was called.
 */
struct purse_knobs {
	/* From the next boot on, the files of this type do not share the purse. */
	bool coin_alone, note_alone;
	/* A file's retrieve asks for the purse. */
	bool asked;
	/* Files do not add themselves: nobody changes the state that .save wrote. */
	bool quiet;
	int save;
	int restore;
	bool restore_null;
	unsigned int saved, unpreserved, restored, released;
	struct purse last_unpreserved;
};

extern struct purse_knobs purse_knobs;

/*
 * What luokit_private() of these worlds returns: a way to static functions. LUO's own
 * structs differ between the worlds, so nobody outside looks into one.
 */
struct purse_way {
	struct luosdk_stats *stats, *coin_stats;
	unsigned int (*handlers)(void);
	struct file *(*create_coin)(u64 value);
	struct file *(*create_note)(u64 value);
	/* Old kernel: add to the state; begin that and leave the kernel in the middle. */
	int (*add)(s64 files, s64 value);
	int (*tear)(void);
	/* Change the state, and end with something that begin did not give. */
	int (*end_another)(void);
	/* Do both parts of the state still fit each other? */
	int (*check)(u64 per_file);
	struct purse *(*get)(void);
	void (*put)(struct purse *purse);
	/* A reference of somebody else's, by LUO's own function. */
	int (*hold)(void);
	void (*let_go)(void);
	/* Where LUO has the state. */
	u64 (*handle)(void);
	int (*register_coin)(void);
	void (*unregister_coin)(void);
	/* The coins' handler goes before its share does, and comes back without one. */
	int (*unregister_handler_first)(void);
	/* Before the handler itself is registered. */
	int (*register_too_early)(void);
	/* The same as in a kernel that was booted without live update. */
	int (*register_without_luo)(void);
	unsigned int ser_bytes;
};

#endif /* _PURSE_H */
