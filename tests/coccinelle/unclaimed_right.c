// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/unclaimed.cocci must not flag. */

struct door_ser {
	u64 open;
};

struct door {
	struct mutex lock;		/* all of it */
	bool open, claimed;
};

bool door_luo_can_preserve(struct liveupdate_file_handler *handler, struct file *file);
void door_luo_unpreserve(struct liveupdate_file_op_args *args);
int door_luo_retrieve(struct liveupdate_file_op_args *args);
void door_luo_finish(struct liveupdate_file_op_args *args);

static int door_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct door *d = args->file->private_data;
	struct door_ser *ser;

	guard(mutex)(&d->lock);
	if (d->claimed)
		return -EBUSY;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);

	ser->open = d->open;
	d->claimed = true;
	args->serialized_data = virt_to_phys(ser);
	return 0;
}

static const struct liveupdate_file_ops door_luo_ops = {
	.can_preserve = door_luo_can_preserve,
	.preserve = door_luo_preserve,
	.unpreserve = door_luo_unpreserve,
	.retrieve = door_luo_retrieve,
	.finish = door_luo_finish,
	.owner = THIS_MODULE,
};
