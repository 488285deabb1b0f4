// SPDX-License-Identifier: GPL-2.0
/*
 * anon_fd.c - a driver with files of its own that survive a live update.
 *
 * A file of this driver holds a few bytes: write(2) replaces them, read(2)
 * returns them. Files are made by an ioctl of /dev/anon_fd and live on the
 * anonymous inode, as those of KVM, eventfd and many drivers do.
 *
 * Everything that live update adds is marked: one member, one pair of calls
 * around what changes the object, the section "Live update", and one line each
 * in init and exit.
 */

/* Live update: its steps are the event luosdk_anon_fd. */
#define LUOSDK_TRACE anon_fd

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <luosdk/handler.h>

#include "anon_fd.h"
#include "anon_fd_luo_abi.h"

/* Yours: what the object behind a file is. The guard stays, as any member. */
struct anon_fd {
	/* Live update: is this object preserved, and may it still change? */
	struct luosdk_guard guard;
	/* Protects what follows. */
	struct mutex lock;
	u32 len;
	u8 text[ANON_FD_BYTES];
};

/* Yours: what can be done with a file. What only reads needs nothing more. */
static ssize_t anon_fd_read(struct file *file, char __user *buf, size_t count,
			    loff_t *ppos)
{
	struct anon_fd *a = file->private_data;
	u8 text[ANON_FD_BYTES];
	u32 len;

	scoped_guard(mutex, &a->lock) {
		len = a->len;
		memcpy(text, a->text, len);
	}

	return simple_read_from_buffer(buf, count, ppos, text, len);
}

/*
 * Yours: what changes the object. Each such place stands between begin and end,
 * or the change can come after the object was saved and be lost. Freeze waits
 * for who is inside, so be short: no copy from user space, no wait for a user.
 */
static int anon_fd_set(struct anon_fd *a, const u8 *text, u32 len)
{
	/* Live update: wait while the object is frozen. */
	int err = luosdk_access_begin_wait(&a->guard);

	if (err)
		return err;

	scoped_guard(mutex, &a->lock) {
		memcpy(a->text, text, len);
		a->len = len;
	}
	luosdk_access_end(&a->guard);

	return 0;
}

static ssize_t anon_fd_write(struct file *file, const char __user *buf,
			     size_t count, loff_t *ppos)
{
	u8 text[ANON_FD_BYTES];
	int err;

	if (count > sizeof(text))
		return -EFBIG;
	/* May sleep for as long as user space likes, so it comes first. */
	if (copy_from_user(text, buf, count))
		return -EFAULT;

	err = anon_fd_set(file->private_data, text, count);
	return err ?: count;
}

static int anon_fd_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations anon_fd_fops = {
	.owner = THIS_MODULE,
	.read = anon_fd_read,
	.write = anon_fd_write,
	.release = anon_fd_release,
	.llseek = noop_llseek,
};

/*
 * The one way to make a file: for the ioctl, and for live update.
 *
 * Yours: what an object is made of. Complete it first, then make the file, which
 * can be used at once; if that fails the object is still to be freed here.
 */
static struct file *anon_fd_create(const u8 *text, u32 len, u32 flags)
{
	struct anon_fd *a = kzalloc(sizeof(*a), GFP_KERNEL);
	struct file *file;

	if (!a)
		return ERR_PTR(-ENOMEM);

	mutex_init(&a->lock);
	memcpy(a->text, text, len);
	a->len = len;

	file = luosdk_anon_file("[anon_fd]", &anon_fd_fops, a, flags);
	if (IS_ERR(file))
		kfree(a);
	return file;
}

/* ------------------------------ Live update ------------------------------ */

/*
 * Yours: what has to survive. Called at preserve, where it may refuse what
 * cannot be saved, and again at freeze, for what has changed since. It must
 * not allocate.
 */
static int anon_fd_save(struct file *file, struct anon_fd *a,
			struct anon_fd_luo_ser *ser)
{
	guard(mutex)(&a->lock);
	ser->file_flags = luosdk_file_flags(file);
	ser->len = a->len;
	memcpy(ser->text, a->text, sizeof(ser->text));
	return 0;
}

/*
 * Yours: how it is made again in the new kernel. The bytes arrive as they were
 * saved, but from another kernel: check all that could do harm.
 */
static struct file *anon_fd_restore(const struct anon_fd_luo_ser *ser)
{
	if (ser->len > sizeof(ser->text))
		return ERR_PTR(-EINVAL);
	return anon_fd_create(ser->text, ser->len, ser->file_flags);
}

LUOSDK_HANDLER(anon_fd, ANON_FD_LUO_FH_COMPATIBLE,
	       struct anon_fd, struct anon_fd_luo_ser,
	.fops = &anon_fd_fops,
	.guard = LUOSDK_GUARD_IN(struct anon_fd, guard),
	.save = anon_fd_save,
	.restore = anon_fd_restore,
	.layout = LUOSDK_LAYOUT(struct anon_fd_luo_ser, file_flags, len, text),
);

/* ------------------------------ The device ------------------------------- */

/* Yours: how user space gets a file. */
static long anon_fd_dev_ioctl(struct file *file, unsigned int cmd,
			      unsigned long arg)
{
	if (cmd != ANON_FD_CREATE)
		return -ENOTTY;

	return FD_ADD(O_CLOEXEC, anon_fd_create(NULL, 0, O_RDWR));
}

static const struct file_operations anon_fd_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = anon_fd_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice anon_fd_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "anon_fd",
	.fops = &anon_fd_dev_fops,
};

static int __init anon_fd_init(void)
{
	int err = misc_register(&anon_fd_dev);

	if (err)
		return err;

	/* Live update: from here on LUO can ask for files of this driver. */
	err = anon_fd_luo_register();
	if (err)
		misc_deregister(&anon_fd_dev);
	return err;
}
module_init(anon_fd_init);

static void __exit anon_fd_exit(void)
{
	anon_fd_luo_unregister();
	misc_deregister(&anon_fd_dev);
}
module_exit(anon_fd_exit);

/* Yours: what it is, and whose. */
MODULE_DESCRIPTION("anon-fd: files that survive a live update");
MODULE_LICENSE("GPL");
