// SPDX-License-Identifier: GPL-2.0
/* A kernel with the handler of engine.h. */
#include <luokit_world.h>

#include <linux/anon_inodes.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <luosdk/handler.h>

#include "engine.h"

struct engine {
	struct luosdk_guard guard;
	u32 speed;
	u32 nr_maps;
	u64 map[ENGINE_MAPS];
};

static int engine_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations engine_fops = {
	.release = engine_release,
};

static struct file *engine_file(struct engine *e)
{
	struct file *file = luosdk_anon_file("[engine]", &engine_fops, e, O_RDWR);

	if (IS_ERR(file))
		kfree(e);

	return file;
}

static struct file *engine_create(u32 speed, u32 nr_maps)
{
	struct engine *e = kzalloc(sizeof(*e), GFP_KERNEL);
	u32 i;

	if (!e)
		return ERR_PTR(-ENOMEM);
	e->speed = speed;
	e->nr_maps = nr_maps;
	for (i = 0; i < ENGINE_MAPS; i++)
		e->map[i] = i * 0x9e3779b97f4a7c15ULL + 1;

	return engine_file(e);
}

static int engine_set(struct file *file, u32 speed, u32 nr_maps)
{
	struct engine *e = file->private_data;
	int err = luosdk_access_begin(&e->guard);

	if (err)
		return err;
	e->speed = speed;
	e->nr_maps = nr_maps;
	luosdk_access_end(&e->guard);

	return 0;
}

static void engine_write(struct engine *e, struct luosdk_fdt_out *out)
{
	u32 i;

	if (engine_knobs.write) {
		engine_knobs.write(out);
		return;
	}
	luosdk_fdt_put_string(out, "model", "test engine");
	luosdk_fdt_put_u32(out, "speed", e->speed);
	for (i = 0; i < e->nr_maps; i++) {
		luosdk_fdt_begin_node(out, "mapping", i);
		luosdk_fdt_put_u64(out, "iova", e->map[i]);
		luosdk_fdt_end_node(out);
	}
}

static int engine_save(struct file *file, struct engine *e, struct engine_luo_ser *ser)
{
	ser->maps = e->nr_maps;

	return 0;
}

static int engine_preserve(struct file *file, struct engine *e, struct engine_luo_ser *ser)
{
	struct luosdk_fdt_out out;

	if (engine_knobs.reserve)
		return luosdk_fdt_reserve(&ser->tree, engine_knobs.reserve);

	luosdk_fdt_begin(&out);
	engine_write(e, &out);

	return luosdk_fdt_preserve(&out, &ser->tree, engine_knobs.more);
}

static void engine_unpreserve(struct file *file, struct engine *e, struct engine_luo_ser *ser)
{
	luosdk_fdt_unpreserve(&ser->tree);
}

static int engine_freeze(struct file *file, struct engine *e, struct engine_luo_ser *ser)
{
	struct luosdk_fdt_out out;

	luosdk_fdt_rewrite(&out, &ser->tree);
	engine_write(e, &out);

	return luosdk_fdt_commit(&out, &ser->tree);
}

static int engine_read(struct engine *e, struct luosdk_fdt_in *in)
{
	struct luosdk_fdt_node root = luosdk_fdt_root(in), map = { };
	const char *model;
	int err;

	if (engine_knobs.read)
		return engine_knobs.read(in);

	err = luosdk_fdt_get_string(&root, "model", &model);
	if (!err)
		err = luosdk_fdt_get_u32(&root, "speed", &e->speed);
	while (!err && luosdk_fdt_next_node(&root, &map, "mapping")) {
		if (e->nr_maps == ENGINE_MAPS)
			return -EINVAL;
		err = luosdk_fdt_get_u64(&map, "iova", &e->map[e->nr_maps++]);
	}

	return err;
}

static void engine_discard(const struct engine_luo_ser *ser)
{
	engine_knobs.leaked = luosdk_fdt_discard(&ser->tree, "engine");
}

static struct file *engine_restore(const struct engine_luo_ser *ser)
{
	struct engine *e = kzalloc(sizeof(*e), GFP_KERNEL);
	struct luosdk_fdt_in in;
	int err;

	if (!e) {
		engine_discard(ser);
		return ERR_PTR(-ENOMEM);
	}
	err = luosdk_fdt_open(&in, &ser->tree, "engine");
	if (err) {
		engine_knobs.leaked = in.leaked;
	} else {
		err = engine_read(e, &in);
		luosdk_fdt_close(&in);
	}
	if (err) {
		kfree(e);
		return ERR_PTR(err);
	}

	return engine_file(e);
}

LUOSDK_HANDLER(engine, "luosdk-engine-v1",
	       struct engine, struct engine_luo_ser,
	.fops = &engine_fops,
	.guard = LUOSDK_GUARD_IN(struct engine, guard),
	.save = engine_save,
	.preserve = engine_preserve,
	.unpreserve = engine_unpreserve,
	.freeze = engine_freeze,
	.restore = engine_restore,
	.discard = engine_discard,
);
luosdk_module_handler(engine);

static u32 engine_speed(struct file *file)
{
	struct engine *e = file->private_data;

	return e->speed;
}

static u32 engine_nr_maps(struct file *file)
{
	struct engine *e = file->private_data;

	return e->nr_maps;
}

static u64 engine_map(struct file *file, u32 nr)
{
	struct engine *e = file->private_data;

	return e->map[nr];
}

static const struct engine_way engine_way = {
	.handler = &engine_luo_handler,
	.create = engine_create,
	.set = engine_set,
	.speed = engine_speed,
	.nr_maps = engine_nr_maps,
	.map = engine_map,
};

LUOKIT_WORLD(engine_world, .private = &engine_way);
