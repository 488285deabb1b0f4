// SPDX-License-Identifier: GPL-2.0
/*
 * shelf.c - the handlers that the tests of luosdk/depend.h are about; see shelf.h.
 *
 * Included by the *_world.c files.
 */

#include <linux/anon_inodes.h>
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <luosdk/depend.h>

#include "shelf.h"

/* ---- Boxes ------------------------------------------------------------------------ */

struct box {
	struct luosdk_guard guard;
	struct kref files;
	u64 value;
};

static void box_free(struct kref *files)
{
	shelf_knobs.boxes--;
	kfree(container_of(files, struct box, files));
}

static int box_release(struct inode *inode, struct file *file)
{
	struct box *box = file->private_data;

	kref_put(&box->files, box_free);
	return 0;
}

static const struct file_operations box_fops = {
	.release = box_release,
};

static struct file *box_create_as(const struct file_operations *fops, u64 value)
{
	struct box *box = kzalloc_obj(*box);
	struct file *file;

	if (!box)
		return ERR_PTR(-ENOMEM);
	kref_init(&box->files);
	box->value = value;
	shelf_knobs.boxes++;
	file = luosdk_anon_file("[box]", fops, box, O_RDWR);
	if (IS_ERR(file))
		kref_put(&box->files, box_free);

	return file;
}

static struct file *box_create(u64 value)
{
	return box_create_as(&box_fops, value);
}

static struct file *box_twin(struct file *file)
{
	struct box *box = file->private_data;
	struct file *twin = luosdk_anon_file("[box]", file->f_op, box, O_RDWR);

	if (!IS_ERR(twin))
		kref_get(&box->files);

	return twin;
}

static int box_save(struct file *file, struct box *box, struct box_luo_ser *ser)
{
	ser->value = box->value;
	return 0;
}

static struct file *box_restore(const struct box_luo_ser *ser)
{
	shelf_knobs.box_restored++;
	if (shelf_knobs.box_restore)
		return ERR_PTR(shelf_knobs.box_restore);

	return box_create(ser->value);
}

static void box_discard(const struct box_luo_ser *ser)
{
	shelf_knobs.box_discarded++;
}

static bool box_ready(struct file *file, struct box *box)
{
	shelf_knobs.asked_ready++;
	return !shelf_knobs.box_not_ready;
}

LUOSDK_HANDLER(box, "luosdk-box-v1",
	       struct box, struct box_luo_ser,
	.fops = &box_fops,
	.guard = LUOSDK_GUARD_IN(struct box, guard),
	.save = box_save,
	.restore = box_restore,
	.discard = box_discard,
	.ready = box_ready,
	.parent = true,
);

/* ---- Crates ----------------------------------------------------------------------- */

/* Not the same as a box's, however it is linked. */
static const struct file_operations crate_fops = {
	.release = box_release,
	.llseek = noop_llseek,
};

static struct file *crate_create(u64 value)
{
	return box_create_as(&crate_fops, value);
}

static struct box *crate_context(struct file *file)
{
	return file->f_op == &crate_fops ? file->private_data : NULL;
}

static struct file *crate_restore(const struct box_luo_ser *ser)
{
	return crate_create(ser->value);
}

LUOSDK_HANDLER(crate, "luosdk-crate-v1",
	       struct box, struct box_luo_ser,
	.context = crate_context,
	.save = box_save,
	.restore = crate_restore,
	.discard = box_discard,
	.parent = true,
);

/* ---- Shelves ------------------------------------------------------------------------ */

struct shelf {
	struct luosdk_guard guard;
	u64 value;
	unsigned int nr;
	struct shelf_place {
		struct file *file;
		enum shelf_kind kind;
		bool weak;
	} place[SHELF_PLACES];
};

static int shelf_release(struct inode *inode, struct file *file)
{
	struct shelf *shelf = file->private_data;
	unsigned int i;

	for (i = 0; i < SHELF_PLACES; i++)
		if (shelf->place[i].file && !shelf->place[i].weak)
			fput(shelf->place[i].file);
	shelf_knobs.shelves--;
	kfree(shelf);
	return 0;
}

static const struct file_operations shelf_fops = {
	.release = shelf_release,
};

static struct file *shelf_create(u64 value)
{
	struct shelf *shelf = kzalloc_obj(*shelf);
	struct file *file;

	if (!shelf)
		return ERR_PTR(-ENOMEM);
	shelf->value = value;
	file = luosdk_anon_file("[shelf]", &shelf_fops, shelf, O_RDWR);
	if (IS_ERR(file))
		kfree(shelf);
	else
		shelf_knobs.shelves++;

	return file;
}

static void shelf_put(struct file *file, unsigned int place, struct file *held,
		      enum shelf_kind kind, bool weak)
{
	struct shelf *shelf = file->private_data;
	struct shelf_place *p = &shelf->place[place];

	if (p->file && !p->weak)
		fput(p->file);
	*p = (struct shelf_place){
		.file = held && !weak ? get_file(held) : held,
		.kind = kind,
		.weak = weak,
	};
	shelf->nr = max(shelf->nr, place + 1);
}

static int shelf_save(struct file *file, struct shelf *shelf, struct shelf_luo_ser *ser)
{
	unsigned int i;

	ser->value = shelf->value;
	ser->nr = shelf->nr;
	for (i = 0; i < SHELF_PLACES; i++)
		ser->kind[i] = shelf->place[i].kind;
	return 0;
}

static int shelf_freeze(struct file *file, struct shelf *shelf, struct shelf_luo_ser *ser)
{
	return shelf_knobs.freeze;
}

static void shelf_thaw(struct file *file, struct shelf *shelf, struct shelf_luo_ser *ser)
{
}

static struct file *shelf_restore(const struct shelf_luo_ser *ser)
{
	struct file *file;
	struct shelf *shelf;

	if (ser->nr > SHELF_PLACES)
		return ERR_PTR(-EINVAL);
	file = shelf_create(ser->value);
	if (IS_ERR(file))
		return file;
	shelf_knobs.shelf_restored++;
	shelf = file->private_data;
	shelf->nr = ser->nr;

	return file;
}

static int shelf_link(struct file *file, struct shelf *shelf, struct shelf_luo_ser *ser,
		      struct luosdk_links *links)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < shelf->nr && !err; i++)
		err = luosdk_link_file(links, shelf->place[i].file, &ser->token[i]);
	if (luosdk_links_dry(links))
		shelf_knobs.linked_dry++;
	else
		shelf_knobs.linked++;
	shelf_knobs.link_err = err;

	return err;
}

static int shelf_bind(struct file *file, struct shelf *shelf,
		      const struct shelf_luo_ser *ser, struct luosdk_links *links)
{
	static const struct file_operations * const fops[] = {
		[SHELF_ANY] = NULL,
		[SHELF_BOX] = &box_fops,
		[SHELF_SHELF] = &shelf_fops,
	};
	unsigned int i;

	for (i = 0; i < ser->nr; i++) {
		struct file *held;

		if (ser->kind[i] >= ARRAY_SIZE(fops))
			return -EINVAL;
		held = luosdk_bind_file(links, ser->token[i], fops[ser->kind[i]]);
		if (IS_ERR(held)) {
			shelf_knobs.bind_err = PTR_ERR(held);
			if (!shelf_knobs.tolerant)
				return PTR_ERR(held);
			continue;
		}
		shelf->place[i].file = held;
		shelf->place[i].kind = ser->kind[i];
	}

	return shelf_knobs.bind;
}

static struct luosdk_handler *const shelf_parents[];

LUOSDK_HANDLER(shelf, "luosdk-shelf-v1",
	       struct shelf, struct shelf_luo_ser,
	.fops = &shelf_fops,
	.guard = LUOSDK_GUARD_IN(struct shelf, guard),
	.save = shelf_save,
	.freeze = shelf_freeze,
	.thaw = shelf_thaw,
	.restore = shelf_restore,
	.link = shelf_link,
	.bind = shelf_bind,
	.parents = shelf_parents,
	.parent = true,
);

static struct luosdk_handler *const shelf_parents[] = {
	&shelf_luo_handler, &box_luo_handler, &crate_luo_handler, NULL
};

static int __init shelf_init(void)
{
	int err = box_luo_register();

	if (err)
		return err;
	err = crate_luo_register();
	if (err)
		goto err_box;
	err = shelf_luo_register();
	if (err)
		goto err_crate;
	return 0;

err_crate:
	crate_luo_unregister();
err_box:
	box_luo_unregister();
	return err;
}
module_init(shelf_init);

static void __exit shelf_exit(void)
{
	shelf_luo_unregister();
	crate_luo_unregister();
	box_luo_unregister();
}
module_exit(shelf_exit);

/* ---- The way in ------------------------------------------------------------------------ */

static u64 box_value(struct file *file)
{
	struct box *box = file->private_data;

	return box->value;
}

static struct luosdk_guard *box_guard(struct file *file)
{
	struct box *box = file->private_data;

	return &box->guard;
}

static u64 shelf_value(struct file *file)
{
	struct shelf *shelf = file->private_data;

	return shelf->value;
}

static struct luosdk_guard *shelf_guard(struct file *file)
{
	struct shelf *shelf = file->private_data;

	return &shelf->guard;
}

static struct file *shelf_held(struct file *file, unsigned int place)
{
	struct shelf *shelf = file->private_data;

	return shelf->place[place].file;
}

#define SHELF_WAY						\
	.lookups = LUOSDK_LOOKUPS,				\
	.box_handler = &box_luo_handler,			\
	.crate_handler = &crate_luo_handler,			\
	.shelf_handler = &shelf_luo_handler,			\
	.box = box_create,					\
	.crate = crate_create,					\
	.box_twin = box_twin,					\
	.box_value = box_value,					\
	.box_guard = box_guard,					\
	.shelf = shelf_create,					\
	.shelf_value = shelf_value,				\
	.shelf_guard = shelf_guard,				\
	.put = shelf_put,					\
	.held = shelf_held
