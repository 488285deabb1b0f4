// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/private_data_first.cocci must not flag. */

struct kite {
	struct mutex lock;		/* all of it */
	struct kite *device;
	bool busy;
};

extern const struct file_operations kite_fops, kite_control_fops;
extern struct xarray kite_table;

struct kite *kite_of(struct file *file);		/* or NULL */
int kite_save(struct kite *k, struct liveupdate_file_op_args *args);

static bool kite_luo_can_preserve(struct liveupdate_file_handler *handler, struct file *file)
{
	struct kite *k = file->private_data;

	return file->f_op == &kite_fops && !READ_ONCE(k->busy);
}

/* LUO calls it for files of its own. */
static int kite_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct kite *k = args->file->private_data;

	guard(mutex)(&k->lock);
	if (k->busy)
		return -EBUSY;
	return kite_save(k, args);
}

static const struct liveupdate_file_ops kite_luo_ops = {
	.can_preserve = kite_luo_can_preserve,
	.preserve = kite_luo_preserve,
	.owner = THIS_MODULE,
};

/* Checked first, by return. */
static bool kite_luo_can_preserve_two(struct liveupdate_file_handler *handler,
				      struct file *file)
{
	struct kite *k;

	if (file->f_op != &kite_fops && file->f_op != &kite_control_fops)
		return false;

	k = file->private_data;
	return !READ_ONCE(k->busy);
}

static int kite_luo_preserve_two(struct liveupdate_file_op_args *args)
{
	struct kite *k = args->file->private_data;

	if (args->file->f_op != &kite_fops)
		return -EINVAL;
	guard(mutex)(&k->lock);
	return kite_save(k, args);
}

static const struct liveupdate_file_ops kite_luo_two_ops = {
	.can_preserve = kite_luo_can_preserve_two,
	.preserve = kite_luo_preserve_two,
	.owner = THIS_MODULE,
};

/* A helper knows the type. */
static bool kite_luo_can_preserve_of(struct liveupdate_file_handler *handler,
				     struct file *file)
{
	struct kite *k = kite_of(file);

	return k && !READ_ONCE(k->busy);
}

static const struct liveupdate_file_ops kite_luo_of_ops = {
	.can_preserve = kite_luo_can_preserve_of,
	.owner = THIS_MODULE,
};

/* The pointer is looked up, not looked behind. */
static bool kite_luo_can_preserve_known(struct liveupdate_file_handler *handler,
					struct file *file)
{
	void *private = READ_ONCE(file->private_data);

	return private && xa_load(&kite_table, (unsigned long)private);
}

static const struct liveupdate_file_ops kite_luo_known_ops = {
	.can_preserve = kite_luo_can_preserve_known,
	.owner = THIS_MODULE,
};

/* With the layer, behind .fops. */
static struct kite *kite_context(struct file *file)
{
	struct kite *k = file->private_data;

	return k->device;
}

#ifdef LUOSDK_HANDLER
LUOSDK_HANDLER(kite, "kite-v1",
	       struct kite, struct kite_ser,
	.fops = &kite_fops,
	.context = kite_context,
	.save = kite_save_state,
	.restore = kite_restore,
);
#endif
