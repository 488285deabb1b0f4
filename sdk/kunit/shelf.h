/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shelf.h - the file types that the tests of luosdk/depend.h are about.
 *
 * A *box* is a file with a number in it; several files can be of one box. A *crate* is the
 * same, but its guard is in the handler's table. A *shelf* is a file with a number that
 * holds up to three other files: boxes, shelves, or files of anybody. Their handlers
 * (shelf.c) are ordinary ones, except that they can be told to do wrong. Built into two
 * worlds:
 *
 * =====================  ==================================================
 * world                  the layer finds parents
 * =====================  ==================================================
 * shelf_world            as the kernel under test lets it: by look-ups
 * shelf_alone_world      as on a kernel without look-ups
 * =====================  ==================================================
 *
 * A third type, the *peer*, has a handler made by hand that asks the core directly.
 */
#ifndef _SHELF_H
#define _SHELF_H

#include <linux/types.h>

struct file;
struct luokit_world;
struct luosdk_handler;

extern const struct luokit_world shelf_world;
extern const struct luokit_world shelf_alone_world;

#define SHELF_PLACES	3

/* What a place of a shelf takes. */
enum shelf_kind {
	SHELF_ANY,
	SHELF_BOX,
	SHELF_SHELF,
};

struct box_luo_ser {
	u64 value;
};

struct shelf_luo_ser {
	u64 value;
	u32 nr;
	u32 kind[SHELF_PLACES];
	u64 token[SHELF_PLACES];
};

/* The callbacks of a peer's handler. */
enum peer_op {
	PEER_PRESERVE,
	PEER_UNPRESERVE,
	PEER_FREEZE,
	PEER_UNFREEZE,
	PEER_RETRIEVE,
	PEER_CAN_FINISH,
	PEER_FINISH,
	PEER_NR_OPS,
};

/* Set and read by a test, lives outside of the worlds: a reboot does not change it. */
struct shelf_knobs {
	/* What .restore of a box, or .bind and .freeze of a shelf, returns in place of 0. */
	int box_restore;
	int bind;
	int freeze;
	/* A shelf does without what it cannot get. */
	bool tolerant;
	bool box_not_ready;
	unsigned int box_restored;
	unsigned int box_discarded;
	unsigned int shelf_restored;
	unsigned int asked_ready;
	/* How often .link was called for a trial and in earnest; what that ended with. */
	unsigned int linked_dry;
	unsigned int linked;
	int link_err;
	/* What luosdk_bind_file() last failed with. */
	int bind_err;
	/* How many shelves and boxes there are. */
	int shelves;
	int boxes;
	/* Of a peer: the session of its callbacks, as they got it; what the core answered. */
	const void *session[PEER_NR_OPS];
	struct file *peer_wants;
	int peer_token_err[2];
	u64 peer_token;
	int peer_file_err;
};

extern struct shelf_knobs shelf_knobs;

/* What luokit_private() of these worlds returns: a way to static functions. */
struct shelf_way {
	bool lookups;
	struct luosdk_handler *box_handler;
	struct luosdk_handler *crate_handler;
	struct luosdk_handler *shelf_handler;
	struct file *(*box)(u64 value);
	struct file *(*crate)(u64 value);
	/* A second file of the same box, or crate. */
	struct file *(*box_twin)(struct file *file);
	u64 (*box_value)(struct file *file);
	struct luosdk_guard *(*box_guard)(struct file *file);
	struct file *(*shelf)(u64 value);
	u64 (*shelf_value)(struct file *file);
	struct luosdk_guard *(*shelf_guard)(struct file *file);
	/* Put @held there; a weak place holds no reference. */
	void (*put)(struct file *file, unsigned int place, struct file *held,
		    enum shelf_kind kind, bool weak);
	struct file *(*held)(struct file *file, unsigned int place);
	struct file *(*peer)(void);
};

#endif /* _SHELF_H */
