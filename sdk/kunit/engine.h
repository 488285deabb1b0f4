/* SPDX-License-Identifier: GPL-2.0 */
/*
 * engine.h - the handler that the tests of luosdk/fdt.h are about.
 *
 * An engine is an anonymous file with a speed and any number of mappings, which are saved as a
 * tree. A test can have another tree written, and read, in its place. Built into one
 * world: engine_world.
 */
#ifndef _ENGINE_H
#define _ENGINE_H

#include <linux/types.h>
#include <luosdk/fdt.h>

#define ENGINE_MAPS	256

struct file;
struct luokit_world;
struct luosdk_handler;

extern const struct luokit_world engine_world;

struct engine_luo_ser {
	u32 maps;
	u32 reserved;
	struct luosdk_fdt_ser tree;
};

/* Set by a test, lives outside of the worlds: a reboot does not change it. */
struct engine_knobs {
	/* How much the tree may grow; without growing, what is taken at once. */
	size_t more;
	size_t reserve;
	/* Written, and read, in place of what an engine has. */
	void (*write)(struct luosdk_fdt_out *out);
	int (*read)(struct luosdk_fdt_in *in);
	/* As luosdk_fdt_open() or _discard() said. */
	size_t leaked;
};

extern struct engine_knobs engine_knobs;

/* What luokit_private() of the world returns: a way to static functions. */
struct engine_way {
	struct luosdk_handler *handler;
	struct file *(*create)(u32 speed, u32 nr_maps);
	int (*set)(struct file *file, u32 speed, u32 nr_maps);
	u32 (*speed)(struct file *file);
	u32 (*nr_maps)(struct file *file);
	u64 (*map)(struct file *file, u32 nr);
};

#endif /* _ENGINE_H */
