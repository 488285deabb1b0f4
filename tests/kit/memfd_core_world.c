// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: the world of the kit's own tests. It has the kernel's own memfd handler, and a
 * rogue: a handler whose callbacks the tests supply, to be wrong in every way.
 */
#include <luokit_world.h>
#include <mm/memfd_luo.c>

#include "luokit_rogue.h"

static bool luokit_rogue_can_preserve(struct liveupdate_file_handler *handler,
				      struct file *file)
{
	return file->f_op == &luokit_rogue_fops;
}

static int luokit_rogue_preserve(struct liveupdate_file_op_args *args)
{
	return luokit_rogue->preserve(args);
}

static void luokit_rogue_unpreserve(struct liveupdate_file_op_args *args)
{
	luokit_rogue->unpreserve(args);
}

static int luokit_rogue_retrieve(struct liveupdate_file_op_args *args)
{
	return luokit_rogue->retrieve(args);
}

static void luokit_rogue_finish(struct liveupdate_file_op_args *args)
{
	luokit_rogue->finish(args);
}

static const struct liveupdate_file_ops luokit_rogue_ops = {
	.can_preserve = luokit_rogue_can_preserve,
	.preserve = luokit_rogue_preserve,
	.unpreserve = luokit_rogue_unpreserve,
	.retrieve = luokit_rogue_retrieve,
	.finish = luokit_rogue_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler luokit_rogue_handler = {
	.ops = &luokit_rogue_ops,
	.compatible = "luokit-rogue-v1",
};

static int luokit_rogue_open(struct inode *inode, struct file *file)
{
	struct miscdevice *misc = file->private_data;

	return strcmp(misc->name, "luokit-rogue") ? -ENXIO : 0;
}

static const struct file_operations luokit_rogue_misc_fops = {
	.open = luokit_rogue_open,
};

static struct miscdevice luokit_rogue_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "luokit-rogue",
	.fops = &luokit_rogue_misc_fops,
};

static int __init luokit_rogue_init(void)
{
	int err = misc_register(&luokit_rogue_misc);

	return err ?: liveupdate_register_file_handler(&luokit_rogue_handler);
}
module_init(luokit_rogue_init);

static void __exit luokit_rogue_exit(void)
{
	luokit_rogue->exits++;
	liveupdate_unregister_file_handler(&luokit_rogue_handler);
	misc_deregister(&luokit_rogue_misc);
}
module_exit(luokit_rogue_exit);

/* Statics of each kind, to see that a boot resets them. */
static int luokit_zero;
static int luokit_nine = 9;

static int luokit_count(void)
{
	luokit_nine++;

	return luokit_nine * 100 + ++luokit_zero;
}

static const struct luokit_rogue_private luokit_rogue_private = {
	.count = luokit_count,
	.static_data = &luokit_nine,
};

LUOKIT_WORLD(memfd_core_world, .private = &luokit_rogue_private);
