// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/luosdk_fail: a file type whose live update fails when told to.
 *
 * The scenarios in tests/vm/scenarios need an update that is called off after
 * some files have frozen and others have not. No real file type does that on
 * demand, so this one does. Write one of these to an open file:
 *
 *	"freeze -5"	its freeze answers -5 (-EIO); "freeze 0" makes it succeed
 *	"preserve -12"	its preserve answers -12 (-ENOMEM)
 *	"retrieve -12"	its retrieve in the next kernel answers -12
 *	"warn"		the write itself raises a kernel warning, at once
 *
 * The handler is written by hand against LUO alone. If it stood on the layer
 * that the scenarios test, a defect there could hide itself.
 */

#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kstrtox.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

/* What crosses the kexec: a page of its own, since size is no subject here. */
struct freeze_fail_ser {
	s64 retrieve;
};

/* One open file: what its callbacks answer, and how often they ran. */
struct freeze_fail {
	/* Orders what is set by a write against the callbacks. */
	struct mutex lock;
	int preserve;
	int freeze;
	int retrieve;
	unsigned int nr_freeze;
	unsigned int nr_unfreeze;
};

static struct freeze_fail *freeze_fail_alloc(void)
{
	struct freeze_fail *ff = kzalloc(sizeof(*ff), GFP_KERNEL);

	if (ff)
		mutex_init(&ff->lock);
	return ff;
}

static int freeze_fail_open(struct inode *inode, struct file *file)
{
	file->private_data = freeze_fail_alloc();
	return file->private_data ? 0 : -ENOMEM;
}

static int freeze_fail_release(struct inode *inode, struct file *file)
{
	struct freeze_fail *ff = file->private_data;

	mutex_destroy(&ff->lock);
	kfree(ff);
	return 0;
}

static ssize_t freeze_fail_read(struct file *file, char __user *ubuf,
				size_t len, loff_t *ppos)
{
	struct freeze_fail *ff = file->private_data;
	char buf[64];
	int n;

	scoped_guard(mutex, &ff->lock)
		n = scnprintf(buf, sizeof(buf), "freeze %u unfreeze %u\n",
			      ff->nr_freeze, ff->nr_unfreeze);
	return simple_read_from_buffer(ubuf, len, ppos, buf, n);
}

static ssize_t freeze_fail_write(struct file *file, const char __user *ubuf,
				 size_t len, loff_t *ppos)
{
	struct freeze_fail *ff = file->private_data;
	char buf[32], *val;
	int err, num;

	if (len >= sizeof(buf))
		return -EINVAL;
	if (copy_from_user(buf, ubuf, len))
		return -EFAULT;
	buf[len] = '\0';

	if (sysfs_streq(buf, "warn")) {
		WARN(1, "luosdk_fail: the warning that was asked for\n");
		return len;
	}

	val = strim(buf);
	strsep(&val, " ");
	if (!val)
		return -EINVAL;
	err = kstrtoint(val, 10, &num);
	if (err)
		return err;
	if (num > 0 || num < -MAX_ERRNO)
		return -EINVAL;

	guard(mutex)(&ff->lock);
	if (!strcmp(buf, "freeze"))
		ff->freeze = num;
	else if (!strcmp(buf, "preserve"))
		ff->preserve = num;
	else if (!strcmp(buf, "retrieve"))
		ff->retrieve = num;
	else
		return -EINVAL;
	return len;
}

static const struct file_operations freeze_fail_fops = {
	.owner		= THIS_MODULE,
	.open		= freeze_fail_open,
	.release	= freeze_fail_release,
	.read		= freeze_fail_read,
	.write		= freeze_fail_write,
	.llseek		= default_llseek,
};

static bool freeze_fail_can_preserve(struct liveupdate_file_handler *handler,
				     struct file *file)
{
	return file->f_op == &freeze_fail_fops;
}

static int freeze_fail_preserve(struct liveupdate_file_op_args *args)
{
	struct freeze_fail *ff = args->file->private_data;
	struct freeze_fail_ser *ser;

	guard(mutex)(&ff->lock);
	if (ff->preserve)
		return ff->preserve;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);
	args->serialized_data = virt_to_phys(ser);
	return 0;
}

static void freeze_fail_unpreserve(struct liveupdate_file_op_args *args)
{
	kho_unpreserve_free(phys_to_virt(args->serialized_data));
}

static int freeze_fail_freeze(struct liveupdate_file_op_args *args)
{
	struct freeze_fail_ser *ser = phys_to_virt(args->serialized_data);
	struct freeze_fail *ff = args->file->private_data;

	guard(mutex)(&ff->lock);
	ff->nr_freeze++;
	ser->retrieve = ff->retrieve;
	return ff->freeze;
}

static void freeze_fail_unfreeze(struct liveupdate_file_op_args *args)
{
	struct freeze_fail *ff = args->file->private_data;

	guard(mutex)(&ff->lock);
	ff->nr_unfreeze++;
}

static int freeze_fail_retrieve(struct liveupdate_file_op_args *args)
{
	struct freeze_fail_ser *ser = phys_to_virt(args->serialized_data);
	int err = clamp_t(s64, ser->retrieve, -MAX_ERRNO, 0);
	struct freeze_fail *ff;
	struct file *file;

	kho_restore_free(ser);
	if (err)
		return err;

	ff = freeze_fail_alloc();
	if (!ff)
		return -ENOMEM;
	file = anon_inode_getfile("[luosdk_fail]", &freeze_fail_fops, ff, O_RDWR);
	if (IS_ERR(file)) {
		kfree(ff);
		return PTR_ERR(file);
	}
	args->file = file;
	return 0;
}

static void freeze_fail_finish(struct liveupdate_file_op_args *args)
{
	/* A retrieve that was tried has given the page back, whatever came of it. */
	if (!args->retrieve_status)
		kho_restore_free(phys_to_virt(args->serialized_data));
}

static const struct liveupdate_file_ops freeze_fail_luo_ops = {
	.can_preserve	= freeze_fail_can_preserve,
	.preserve	= freeze_fail_preserve,
	.unpreserve	= freeze_fail_unpreserve,
	.freeze		= freeze_fail_freeze,
	.unfreeze	= freeze_fail_unfreeze,
	.retrieve	= freeze_fail_retrieve,
	.finish		= freeze_fail_finish,
	.owner		= THIS_MODULE,
};

static struct liveupdate_file_handler freeze_fail_handler = {
	.ops		= &freeze_fail_luo_ops,
	.compatible	= "luosdk-fail-v1",
};

static struct miscdevice freeze_fail_dev = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "luosdk_fail",
	.fops	= &freeze_fail_fops,
};

static int __init freeze_fail_init(void)
{
	int err = liveupdate_register_file_handler(&freeze_fail_handler);

	/* A kernel booted without liveupdate=on has no use for the device. */
	if (err)
		return err == -EOPNOTSUPP ? 0 : err;

	err = misc_register(&freeze_fail_dev);
	if (err)
		liveupdate_unregister_file_handler(&freeze_fail_handler);
	return err;
}
device_initcall(freeze_fail_init);
