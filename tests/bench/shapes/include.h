/* SPDX-License-Identifier: GPL-2.0 */
/*
 * include.h - the shape "include": the author defines SHAPE_NAME, SHAPE_COMPAT,
 * SHAPE_CTX and SHAPE_SER, writes functions of fixed names, says by more
 * defines which of the optional ones there are, and includes this.
 */
#include "description.h"

#define SHAPE_PASTE2(_a, _b)	_a##_b
#define SHAPE_PASTE(_a, _b)	SHAPE_PASTE2(_a, _b)
#define SHAPE_FN(_op)		SHAPE_PASTE(SHAPE_NAME, _op)
#define SHAPE_CALLBACKS2(_n, _t) SHAPE_CALLBACKS(_n, _t)
#define SHAPE_HANDLER2(_n, _c, _b, _s) SHAPE_HANDLER(_n, _c, _b, _s)

#ifndef SHAPE_SEALED
#define SHAPE_SEALED	sizeof(SHAPE_SER)
#endif

#ifdef SHAPE_HAS_CONTEXT
static inline void *SHAPE_FN(_do_context)(struct file *file)
{
	return SHAPE_FN(_context)(file);
}
#endif

static inline int SHAPE_FN(_do_save)(struct file *file, void *ctx, void *ser)
{
	return SHAPE_FN(_save)(file, (SHAPE_CTX *)ctx, (SHAPE_SER *)ser);
}

#ifdef SHAPE_HAS_FREEZE
static inline int SHAPE_FN(_do_freeze)(struct file *file, void *ctx, void *ser)
{
	return SHAPE_FN(_freeze)(file, ctx, ser);
}

static inline void SHAPE_FN(_do_thaw)(struct file *file, void *ctx, void *ser)
{
	SHAPE_FN(_thaw)(file, ctx, ser);
}
#endif

static inline struct file *SHAPE_FN(_do_restore)(const void *ser)
{
	return SHAPE_FN(_restore)(ser);
}

static const struct luosdk_type SHAPE_FN(_luo_type) = {
#ifdef SHAPE_FOPS
	.fops = SHAPE_FOPS,
#endif
#ifdef SHAPE_HAS_CONTEXT
	.context = SHAPE_FN(_do_context),
#endif
#ifdef SHAPE_GUARD
	.guard = SHAPE_GUARD,
#endif
	.drain = HZ,
	.save = SHAPE_FN(_do_save),
#ifdef SHAPE_HAS_FREEZE
	.freeze = SHAPE_FN(_do_freeze),
	.thaw = SHAPE_FN(_do_thaw),
#endif
	.restore = SHAPE_FN(_do_restore),
};

SHAPE_CALLBACKS2(SHAPE_NAME, &SHAPE_FN(_luo_type));
SHAPE_HANDLER2(SHAPE_NAME, SHAPE_COMPAT, sizeof(SHAPE_SER), SHAPE_SEALED)
