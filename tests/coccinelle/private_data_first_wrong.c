// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/private_data_first.cocci has to flag: the lines marked here. */

struct kite {
	struct mutex lock;		/* all of it */
	u32 id;
	bool busy;
	struct kite *device;
};

extern const struct file_operations kite_fops;
extern struct xarray kite_table;

bool kite_idle(struct kite *k);
int kite_save(struct kite *k, struct liveupdate_file_op_args *args);

/* The look is the check. */
static bool kite_luo_can_preserve(struct liveupdate_file_handler *handler, struct file *file)
{
	struct kite *k = file->private_data;

	return xa_load(&kite_table, k->id) == k;		/* flagged */
}

/* Only for files of its own, but then why does it ask? */
static int kite_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct kite *k = args->file->private_data;

	guard(mutex)(&k->lock);					/* flagged */
	if (args->file->f_op != &kite_fops)
		return -EINVAL;
	return kite_save(k, args);
}

static const struct liveupdate_file_ops kite_luo_ops = {
	.can_preserve = kite_luo_can_preserve,
	.preserve = kite_luo_preserve,
	.owner = THIS_MODULE,
};

/* The order of two conditions. */
static bool kite_luo_can_preserve_idle(struct liveupdate_file_handler *handler,
				       struct file *file)
{
	struct kite *k = file->private_data;

	return !READ_ONCE(k->busy) && file->f_op == &kite_fops;	/* flagged */
}

static const struct liveupdate_file_ops kite_luo_idle_ops = {
	.can_preserve = kite_luo_can_preserve_idle,
	.owner = THIS_MODULE,
};

/* A lock of somebody else's. */
static bool kite_luo_can_preserve_locked(struct liveupdate_file_handler *handler,
					 struct file *file)
{
	struct kite *k = file->private_data;
	bool idle;

	if (!k)
		return false;
	mutex_lock(&k->lock);					/* flagged */
	idle = !k->busy;
	mutex_unlock(&k->lock);

	return idle && file->f_op == &kite_fops;
}

static const struct liveupdate_file_ops kite_luo_locked_ops = {
	.can_preserve = kite_luo_can_preserve_locked,
	.owner = THIS_MODULE,
};

/* Nothing but the object is asked. */
static bool kite_luo_can_preserve_asked(struct liveupdate_file_handler *handler,
					struct file *file)
{
	return kite_idle(file->private_data);			/* flagged */
}

static const struct liveupdate_file_ops kite_luo_asked_ops = {
	.can_preserve = kite_luo_can_preserve_asked,
	.owner = THIS_MODULE,
};

static bool kite_luo_can_preserve_cast(struct liveupdate_file_handler *handler,
				       struct file *file)
{
	return !((struct kite *)file->private_data)->busy;	/* flagged */
}

static const struct liveupdate_file_ops kite_luo_cast_ops = {
	.can_preserve = kite_luo_can_preserve_cast,
	.owner = THIS_MODULE,
};

/* With the layer, .context in place of .fops. */
static struct kite *kite_context(struct file *file)
{
	struct kite *k = file->private_data;

	return k->device;					/* flagged */
}

#ifdef LUOSDK_HANDLER
LUOSDK_HANDLER(kite, "kite-v1",
	       struct kite, struct kite_ser,
	.context = kite_context,
	.save = kite_save_state,
	.restore = kite_restore,
);
#endif
