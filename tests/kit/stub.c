// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: the stub, a file type of the kit's own. It carries a number over and fails where
 * it is told to; registered in every world after the handlers under test.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "luokit_internal.h"

struct luokit_stub_priv {
	u64 number;
	int freeze;
};

/* What crosses the reboot. */
struct luokit_stub_ser {
	u64 number;
};

static int luokit_stub_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);

	return 0;
}

static const struct file_operations luokit_stub_fops = {
	.release = luokit_stub_release,
};

static struct file *luokit_stub_make(u64 number)
{
	struct luokit_stub_priv *priv = kzalloc_obj(*priv);
	struct file *file;

	if (!priv)
		return ERR_PTR(-ENOMEM);
	priv->number = number;
	file = anon_inode_getfile("[luokit-stub]", &luokit_stub_fops, priv, O_RDWR);
	if (IS_ERR(file))
		kfree(priv);

	return file;
}

struct file *luokit_stub_file(struct luokit *k, u64 number)
{
	return luokit_own(k, luokit_stub_make(number));
}

u64 luokit_stub_number(struct file *file)
{
	struct luokit_stub_priv *priv = file->private_data;

	return priv->number;
}

void luokit_stub_freeze(struct file *file, int err)
{
	struct luokit_stub_priv *priv = file->private_data;

	priv->freeze = err;
}

struct luokit_stub *luokit_stub(struct luokit *k)
{
	return &k->stub;
}

static bool luokit_stub_can_preserve(struct liveupdate_file_handler *handler,
				     struct file *file)
{
	return file->f_op == &luokit_stub_fops;
}

static int luokit_stub_preserve(struct liveupdate_file_op_args *args)
{
	struct luokit_stub_priv *priv = args->file->private_data;
	struct luokit_stub *stub = &luokit_machine->stub;
	struct luokit_stub_ser *ser;

	if (stub->preserve)
		return stub->preserve;
	ser = luokit_kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->number = priv->number;
	args->serialized_data = virt_to_phys(ser);
	stub->preserved++;

	return 0;
}

static void luokit_stub_unpreserve(struct liveupdate_file_op_args *args)
{
	luokit_machine->stub.unpreserved++;
	luokit_kho_unpreserve_free(phys_to_virt(args->serialized_data));
}

static int luokit_stub_do_freeze(struct liveupdate_file_op_args *args)
{
	struct luokit_stub_priv *priv = args->file->private_data;

	if (priv->freeze)
		return priv->freeze;
	luokit_machine->stub.frozen++;

	return 0;
}

static void luokit_stub_unfreeze(struct liveupdate_file_op_args *args)
{
	luokit_machine->stub.unfrozen++;
}

static int luokit_stub_retrieve(struct liveupdate_file_op_args *args)
{
	struct luokit_stub_ser *ser = phys_to_virt(args->serialized_data);
	struct luokit_stub *stub = &luokit_machine->stub;
	u64 number = ser->number;
	struct file *file;

	luokit_kho_restore_free(ser);
	if (stub->retrieve)
		return stub->retrieve;
	file = luokit_stub_make(number);
	if (IS_ERR(file))
		return PTR_ERR(file);
	args->file = file;
	stub->retrieved++;

	return 0;
}

static bool luokit_stub_can_finish(struct liveupdate_file_op_args *args)
{
	return !luokit_machine->stub.cannot_finish;
}

static void luokit_stub_finish(struct liveupdate_file_op_args *args)
{
	luokit_machine->stub.finished++;
	if (!args->retrieve_status)
		luokit_kho_restore_free(phys_to_virt(args->serialized_data));
}

static const struct liveupdate_file_ops luokit_stub_ops = {
	.can_preserve = luokit_stub_can_preserve,
	.preserve = luokit_stub_preserve,
	.unpreserve = luokit_stub_unpreserve,
	.freeze = luokit_stub_do_freeze,
	.unfreeze = luokit_stub_unfreeze,
	.retrieve = luokit_stub_retrieve,
	.can_finish = luokit_stub_can_finish,
	.finish = luokit_stub_finish,
	.owner = THIS_MODULE,
};

/*
 * It is no part of a world: a machine left in the middle leaves the handler registered, and a
 * core that a patch has given more to remember finds what it left.
 */
void luokit_stub_reset(void)
{
	luokit_stub_room.fh.ops = &luokit_stub_ops;
	memset(luokit_stub_room.more, 0, sizeof(luokit_stub_room.more));
}

struct luokit_stub_room luokit_stub_room = {
	.fh = {
		.ops = &luokit_stub_ops,
		.compatible = "luokit-stub-v1",
	},
};
