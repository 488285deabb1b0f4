// SPDX-License-Identifier: GPL-2.0
/*
 * LUO's core with a handler of the tests' own: it returns what it is told, and its files
 * depend on an FLB. No handler of Linux 7.3 has one.
 *
 * Compiled into two worlds: luo_core, and with patches/upstream luo_core_fixed.
 */
#ifndef LUO_CORE_WORLD
#define LUO_CORE_WORLD luo_core_world
#endif

#include <luokit_world.h>

#include "luo_core_kunit.h"

static int luo_core_flb_preserve(struct liveupdate_flb_op_args *args)
{
	u64 *state = kho_alloc_preserve(sizeof(*state));

	if (IS_ERR(state))
		return PTR_ERR(state);
	luo_core->flb_preserved++;
	args->data = virt_to_phys(state);
	args->obj = state;

	return 0;
}

static void luo_core_flb_unpreserve(struct liveupdate_flb_op_args *args)
{
	luo_core->flb_unpreserved++;
	kho_unpreserve_free(args->obj);
}

static int luo_core_flb_retrieve(struct liveupdate_flb_op_args *args)
{
	luo_core->flb_retrieved++;
	if (luo_core->flb_retrieve) {
		kho_restore_free(phys_to_virt(args->data));
		return luo_core->flb_retrieve;
	}
	args->obj = phys_to_virt(args->data);

	return 0;
}

static void luo_core_flb_finish(struct liveupdate_flb_op_args *args)
{
	luo_core->flb_finished++;
	kho_restore_free(args->obj);
}

static const struct liveupdate_flb_ops luo_core_flb_ops = {
	.preserve = luo_core_flb_preserve,
	.unpreserve = luo_core_flb_unpreserve,
	.retrieve = luo_core_flb_retrieve,
	.finish = luo_core_flb_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_flb luo_core_flb = {
	.ops = &luo_core_flb_ops,
	.compatible = "luo-core-flb-v1",
};

static bool luo_core_can_preserve(struct liveupdate_file_handler *handler, struct file *file)
{
	return file->f_op == &luo_core_fops;
}

static int luo_core_preserve(struct liveupdate_file_op_args *args)
{
	return luo_core->preserve;
}

static void luo_core_unpreserve(struct liveupdate_file_op_args *args)
{
}

static int luo_core_freeze(struct liveupdate_file_op_args *args)
{
	return luo_core->freeze;
}

static int luo_core_retrieve(struct liveupdate_file_op_args *args)
{
	struct file *file;
	void *obj;
	int err;

	if (luo_core->retrieve)
		return luo_core->retrieve;
	if (luo_core->uses_flb) {
		err = liveupdate_flb_get_incoming(&luo_core_flb, &obj);
		if (err)
			return err;
		liveupdate_flb_put_incoming(&luo_core_flb);
	}
	file = anon_inode_getfile("[luo-core]", &luo_core_fops, NULL, O_RDWR);
	if (IS_ERR(file))
		return PTR_ERR(file);
	args->file = file;

	return 0;
}

static void luo_core_finish(struct liveupdate_file_op_args *args)
{
}

static const struct liveupdate_file_ops luo_core_ops = {
	.can_preserve = luo_core_can_preserve,
	.preserve = luo_core_preserve,
	.unpreserve = luo_core_unpreserve,
	.freeze = luo_core_freeze,
	.retrieve = luo_core_retrieve,
	.finish = luo_core_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler luo_core_handler = {
	.ops = &luo_core_ops,
	.compatible = "luo-core-v1",
};

static int __init luo_core_handler_init(void)
{
	int err = liveupdate_register_file_handler(&luo_core_handler);

	if (err || !luo_core->has_flb)
		return err;

	return liveupdate_register_flb(&luo_core_handler, &luo_core_flb);
}
module_init(luo_core_handler_init);

static int luo_core_hold(void)
{
	void *obj;

	return liveupdate_flb_get_outgoing(&luo_core_flb, &obj);
}

static void luo_core_let_go(void)
{
	liveupdate_flb_put_outgoing(&luo_core_flb);
}

static const struct luo_core_way luo_core_way = {
	.hold = luo_core_hold,
	.let_go = luo_core_let_go,
	.ioctl = luo_ioctl,
};

#define LUO_CORE_DEFINE(_world) LUOKIT_WORLD(_world, .private = &luo_core_way)
LUO_CORE_DEFINE(LUO_CORE_WORLD);
