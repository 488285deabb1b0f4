/* SPDX-License-Identifier: GPL-2.0 */
/*
 * widget.h - the handler that the layer's own tests are about.
 *
 * A widget is an anonymous file that holds a number. Its handler (widget.c) is
 * an ordinary one, except that it can be told to do wrong. It is built into
 * several worlds, which differ in the version of the saved state:
 *
 * ================  =======================================================
 * world             saves and reads
 * ================  =======================================================
 * widget_world      version 1: the number
 * widget_v2_world   version 2: and a tag; reads 1 as well, tag 0
 * widget_v3_world   version 3: the number in two halves; reads 1 and 2
 * widget_big_world  version 1, with so much ballast that a page holds one
 * ================  =======================================================
 */
#ifndef _WIDGET_H
#define _WIDGET_H

#include <linux/types.h>

struct file;
struct luokit_world;
struct luosdk_guard;
struct luosdk_handler;

extern const struct luokit_world widget_world;
extern const struct luokit_world widget_v2_world;
extern const struct luokit_world widget_v3_world;
extern const struct luokit_world widget_big_world;

/* What restore() does wrong. */
enum widget_restore {
	WIDGET_RESTORE_RIGHT,
	WIDGET_RESTORE_ERROR,
	WIDGET_RESTORE_NULL,
	WIDGET_RESTORE_FOREIGN,
	WIDGET_RESTORE_SHARED,
	WIDGET_RESTORE_CLAIMED,
};

/* What luosdk_trace_end() said, of which the test sees the first ones. */
struct widget_traced {
	const char *handler;
	u32 op;
	const void *ctx;
	u64 state;
	size_t bytes;
	u64 ns;
	int err;
};

/*
 * Set by a test, lives outside of the worlds: a reboot does not change it. The
 * counters say how often a function of the author's was called.
 */
struct widget_knobs {
	int save;
	int preserve;
	int freeze;
	bool unwilling;
	int upgrade;
	enum widget_restore restore;
	struct file *shared;
	bool not_ready;
	unsigned int preserved;
	unsigned int unpreserved;
	unsigned int thawed;
	unsigned int discarded;
	unsigned int asked_ready;
	u64 last_discarded;
	/* The trace event of widget_world is on; but not the first times that somebody asks. */
	bool tracing;
	unsigned int not_yet;
	struct widget_traced traced[8];
	unsigned int nr_traced;
};

extern struct widget_knobs widget_knobs;

/* What luokit_private() of these worlds returns: a way to static functions. */
struct widget_way {
	struct luosdk_handler *handler;
	struct file *(*create)(u64 value);
	u64 (*value)(struct file *file);
	u32 (*tag)(struct file *file);
	int (*set)(struct file *file, u64 value);
	struct luosdk_guard *(*guard_of)(struct file *file);
	/* Open and close an incoming state, as retrieve does. */
	int (*consume)(u64 handle);
	/* The module's init once more: without LUO, with "enabled" off, or as it is. */
	int (*init_without_luo)(void);
	int (*init_disabled)(void);
	/* Report an unfreeze, as a handler made by hand does. */
	void (*trace)(int err);
	int (*init)(void);
	void (*exit)(void);
	unsigned int ser_bytes;
};

#endif /* _WIDGET_H */
