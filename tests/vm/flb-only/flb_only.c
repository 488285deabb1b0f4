// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/luosdk_sharedN: files that share one object over a live update, an FLB of LUO's.
 *
 * No file type of Linux 7.3 has an FLB, so the scenarios in tests/vm/scenarios that look at
 * what LUO does with one bring their own. Each device has a handler and an FLB to itself:
 * what one scenario does to its counts is nothing to the others. Write to an open file:
 *
 *	"retrieve -12"	the FLB's retrieve in the next kernel answers -12
 *	"hold"		take a reference to the outgoing FLB and keep it
 *
 * and read from it how often the FLB's callbacks ran in this kernel.
 */

#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kstrtox.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#define FLB_ONLY_NR		4

/* What crosses the kexec for all files of a device. */
struct flb_only_ser {
	s64 retrieve;
};

struct flb_only {
	struct liveupdate_file_handler *handler;
	struct liveupdate_flb *flb;
	struct miscdevice misc;
	/* Written by a user, and taken along when the first file is preserved. */
	atomic_t retrieve;
	/* The live state while a file is preserved. */
	struct flb_only_ser *ser;
	atomic_t nr_preserve, nr_unpreserve, nr_retrieve, nr_finish;
};

static struct flb_only flb_only_devices[FLB_ONLY_NR];

/* ---- The FLB -------------------------------------------------------------------------- */

static struct flb_only *flb_only_of_flb(struct liveupdate_flb *flb);

static int flb_only_flb_preserve(struct liveupdate_flb_op_args *args)
{
	struct flb_only *shared = flb_only_of_flb(args->flb);
	struct flb_only_ser *ser = kho_alloc_preserve(sizeof(*ser));

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	atomic_inc(&shared->nr_preserve);
	ser->retrieve = atomic_read(&shared->retrieve);
	args->data = virt_to_phys(ser);
	args->obj = ser;
	WRITE_ONCE(shared->ser, ser);
	return 0;
}

static void flb_only_flb_unpreserve(struct liveupdate_flb_op_args *args)
{
	struct flb_only *shared = flb_only_of_flb(args->flb);

	atomic_inc(&shared->nr_unpreserve);
	WRITE_ONCE(shared->ser, NULL);
	kho_unpreserve_free(args->obj);
}

static int flb_only_flb_retrieve(struct liveupdate_flb_op_args *args)
{
	struct flb_only *shared = flb_only_of_flb(args->flb);
	struct flb_only_ser *ser = phys_to_virt(args->data);
	int err = clamp_t(s64, ser->retrieve, -MAX_ERRNO, 0);

	atomic_inc(&shared->nr_retrieve);
	args->obj = ser;
	return err;
}

static void flb_only_flb_finish(struct liveupdate_flb_op_args *args)
{
	atomic_inc(&flb_only_of_flb(args->flb)->nr_finish);
	kho_restore_free(args->obj);
}

static const struct liveupdate_flb_ops flb_only_flb_ops = {
	.preserve	= flb_only_flb_preserve,
	.unpreserve	= flb_only_flb_unpreserve,
	.retrieve	= flb_only_flb_retrieve,
	.finish		= flb_only_flb_finish,
	.owner		= THIS_MODULE,
};

#define FLB_ONLY_FLB(n)	{					\
	.ops		= &flb_only_flb_ops,			\
	.compatible	= "luosdk-flb-only-flb" #n "-v1",		\
}

static struct liveupdate_flb flb_only_flbs[FLB_ONLY_NR] = {
	FLB_ONLY_FLB(0), FLB_ONLY_FLB(1), FLB_ONLY_FLB(2), FLB_ONLY_FLB(3),
};

static struct flb_only *flb_only_of_flb(struct liveupdate_flb *flb)
{
	return &flb_only_devices[flb - flb_only_flbs];
}

/* ---- The files -------------------------------------------------------------------------- */

static int flb_only_open(struct inode *inode, struct file *file)
{
	struct miscdevice *misc = file->private_data;

	file->private_data = container_of(misc, struct flb_only, misc);
	return 0;
}

static ssize_t flb_only_read(struct file *file, char __user *ubuf, size_t len,
			     loff_t *ppos)
{
	struct flb_only *shared = file->private_data;
	char buf[96];
	int n;

	n = scnprintf(buf, sizeof(buf), "preserve %d\nunpreserve %d\nretrieve %d\nfinish %d\n",
		      atomic_read(&shared->nr_preserve), atomic_read(&shared->nr_unpreserve),
		      atomic_read(&shared->nr_retrieve), atomic_read(&shared->nr_finish));
	return simple_read_from_buffer(ubuf, len, ppos, buf, n);
}

static ssize_t flb_only_write(struct file *file, const char __user *ubuf, size_t len,
			      loff_t *ppos)
{
	struct flb_only *shared = file->private_data;
	char buf[32];
	void *obj;
	int err, num;

	if (len >= sizeof(buf))
		return -EINVAL;
	if (copy_from_user(buf, ubuf, len))
		return -EFAULT;
	buf[len] = '\0';

	if (sysfs_streq(buf, "hold")) {
		err = liveupdate_flb_get_outgoing(shared->flb, &obj);
		return err ?: len;
	}
	if (!strstarts(buf, "retrieve "))
		return -EINVAL;
	err = kstrtoint(strim(buf + strlen("retrieve ")), 10, &num);
	if (err)
		return err;
	if (num > 0 || num < -MAX_ERRNO)
		return -EINVAL;
	atomic_set(&shared->retrieve, num);
	return len;
}

static const struct file_operations flb_only_fops = {
	.owner		= THIS_MODULE,
	.open		= flb_only_open,
	.read		= flb_only_read,
	.write		= flb_only_write,
	.llseek		= default_llseek,
};

/* ---- The handlers: a file is what it shares, and no more ---------------------------------- */

static struct flb_only *flb_only_of_handler(struct liveupdate_file_handler *handler);

static bool flb_only_can_preserve(struct liveupdate_file_handler *handler,
				  struct file *file)
{
	return file->f_op == &flb_only_fops &&
	       file->private_data == flb_only_of_handler(handler);
}

static int flb_only_preserve(struct liveupdate_file_op_args *args)
{
	return 0;
}

static void flb_only_unpreserve(struct liveupdate_file_op_args *args)
{
}

static int flb_only_retrieve(struct liveupdate_file_op_args *args)
{
	struct flb_only *shared = flb_only_of_handler(args->handler);
	struct file *file;
	void *obj;
	int err;

	err = liveupdate_flb_get_incoming(shared->flb, &obj);
	if (err)
		return err;
	liveupdate_flb_put_incoming(shared->flb);
	file = anon_inode_getfile("[luosdk_shared]", &flb_only_fops, shared, O_RDWR);
	if (IS_ERR(file))
		return PTR_ERR(file);
	args->file = file;
	return 0;
}

static void flb_only_finish(struct liveupdate_file_op_args *args)
{
}

static const struct liveupdate_file_ops flb_only_luo_ops = {
	.can_preserve	= flb_only_can_preserve,
	.preserve	= flb_only_preserve,
	.unpreserve	= flb_only_unpreserve,
	.retrieve	= flb_only_retrieve,
	.finish		= flb_only_finish,
	.owner		= THIS_MODULE,
};

#define FLB_ONLY_HANDLER(n)	{					\
	.ops		= &flb_only_luo_ops,			\
	.compatible	= "luosdk-flb-only" #n "-v1",		\
}

static struct liveupdate_file_handler flb_only_handlers[FLB_ONLY_NR] = {
	FLB_ONLY_HANDLER(0), FLB_ONLY_HANDLER(1),
	FLB_ONLY_HANDLER(2), FLB_ONLY_HANDLER(3),
};

static struct flb_only *flb_only_of_handler(struct liveupdate_file_handler *handler)
{
	return &flb_only_devices[handler - flb_only_handlers];
}

static int __init flb_only_add(struct flb_only *shared, unsigned int nr)
{
	static const char * const name[FLB_ONLY_NR] = {
		"luosdk_shared0", "luosdk_shared1", "luosdk_shared2", "luosdk_shared3",
	};
	int err;

	shared->handler = &flb_only_handlers[nr];
	shared->flb = &flb_only_flbs[nr];
	shared->misc.minor = MISC_DYNAMIC_MINOR;
	shared->misc.name = name[nr];
	shared->misc.fops = &flb_only_fops;

	err = liveupdate_register_file_handler(shared->handler);
	if (err)
		return err;
	err = liveupdate_register_flb(shared->handler, shared->flb);
	if (!err)
		err = misc_register(&shared->misc);
	/* Takes the handler's FLBs along. */
	if (err)
		liveupdate_unregister_file_handler(shared->handler);
	return err;
}

static int __init flb_only_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < FLB_ONLY_NR; i++) {
		err = flb_only_add(&flb_only_devices[i], i);
		/* A kernel booted without liveupdate=on has no use for the devices. */
		if (err)
			return err == -EOPNOTSUPP ? 0 : err;
	}
	return 0;
}
device_initcall(flb_only_init);
