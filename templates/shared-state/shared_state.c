// SPDX-License-Identifier: GPL-2.0
/*
 * shared_state.c - a driver with files that share a state, all of which survives a live
 * update.
 *
 * Each file of this driver has an id, and no other file ever has the same: not one that is
 * made later, and not one that is made by the next kernel, whether or not the files of this
 * one were retrieved by then. So which id is next belongs to no single file, and it changes
 * with files that nobody preserves. It is what the files share. Files are made by an ioctl
 * of /dev/shared_state and live on the anonymous inode.
 *
 * What live update adds is one member, the call in shared_state_new_id(), the section "Live
 * update", and a few lines in init and exit.
 */

/* Live update: its steps are the event luosdk_shared_state. */
#define LUOSDK_TRACE shared_state

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <luosdk/flb.h>
#include <luosdk/handler.h>

#include "shared_state.h"
#include "shared_state_luo_abi.h"

/* Yours: what each file has for itself. */
struct shared_state {
	/* Live update: is this object preserved? */
	struct luosdk_guard guard;
	u64 id;
};

/* Yours: what all files share, and the lock that protects it. */
static DEFINE_MUTEX(shared_state_lock);
static u64 shared_state_next = 1;

/* Live update: tell the state that is preserved, if one is, that ids up to @id are taken. */
static int shared_state_luo_note(u64 id);

static int shared_state_new_id(u64 *id)
{
	mutex_lock(&shared_state_lock);
	*id = shared_state_next++;
	mutex_unlock(&shared_state_lock);

	/*
	 * Live update: before anybody sees it, and without the lock. Who preserves the first
	 * file meanwhile saves what was changed above.
	 */
	return shared_state_luo_note(*id);
}

static long shared_state_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct shared_state *s = file->private_data;

	if (cmd != SHARED_STATE_GET_ID)
		return -ENOTTY;

	return put_user(s->id, (__u64 __user *)arg);
}

static int shared_state_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations shared_state_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = shared_state_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = shared_state_release,
	.llseek = noop_llseek,
};

/* The one way to make a file: for a new one, and for live update. */
static struct file *shared_state_create(u64 id, u32 flags)
{
	struct shared_state *s = kzalloc(sizeof(*s), GFP_KERNEL);
	struct file *file;

	if (!s)
		return ERR_PTR(-ENOMEM);

	s->id = id;
	file = luosdk_anon_file("[shared_state]", &shared_state_fops, s, flags);
	if (IS_ERR(file))
		kfree(s);
	return file;
}

static struct file *shared_state_create_new(u32 flags)
{
	u64 id;
	int err = shared_state_new_id(&id);

	return err ? ERR_PTR(err) : shared_state_create(id, flags);
}

/* ------------------------------ Live update ------------------------------ */

/* First what all files share. */

/* The first file is about to be preserved. Yours: what they share at this moment. */
static int shared_state_ids_save(struct shared_state_ids_luo_ser *ser)
{
	guard(mutex)(&shared_state_lock);
	ser->next = shared_state_next;
	return 0;
}

/* In the new kernel. The bytes are intact; are they sensible? */
static struct shared_state_ids_luo_ser *
shared_state_ids_restore(const struct shared_state_ids_luo_ser *ser)
{
	struct shared_state_ids_luo_ser *ids;

	if (!ser->next)
		return ERR_PTR(-EINVAL);
	ids = kmemdup(ser, sizeof(*ser), GFP_KERNEL);

	return ids ?: ERR_PTR(-ENOMEM);
}

/* The last file is finished. Yours: what ends with them. Ids do not. */
static void shared_state_ids_release(struct shared_state_ids_luo_ser *ids)
{
	kfree(ids);
}

LUOSDK_FLB(shared_state_ids, SHARED_STATE_LUO_FLB_COMPATIBLE,
	   struct shared_state_ids_luo_ser, struct shared_state_ids_luo_ser,
	.save = shared_state_ids_save,
	.restore = shared_state_ids_restore,
	.release = shared_state_ids_release,
	.layout = LUOSDK_LAYOUT(struct shared_state_ids_luo_ser, next),
);

/*
 * LUO says nothing of the coming kexec to what files share, so it is kept right at any time,
 * until the machine is gone: by a copy that is changed and then, at once, is the one that
 * counts. Changes can overtake each other on their way here.
 */
static int shared_state_luo_note(u64 id)
{
	struct shared_state_ids_luo_ser *ser = shared_state_ids_flb_begin();
	int err = PTR_ERR_OR_ZERO(ser);

	/* No file is preserved. */
	if (err)
		return err == -ENOENT ? 0 : err;

	ser->next = max(ser->next, id + 1);
	shared_state_ids_flb_end(ser);

	return 0;
}

/* Ids up to @next are taken, by this kernel or by one before. */
static void shared_state_advance(u64 next)
{
	guard(mutex)(&shared_state_lock);
	shared_state_next = max(shared_state_next, next);
}

/* Before the first file is made in this kernel. Yours: what has to be known by then. */
static void shared_state_luo_expect(void)
{
	struct shared_state_ids_luo_ser *ids = shared_state_ids_flb_get();
	int err = PTR_ERR_OR_ZERO(ids);

	if (!err)
		shared_state_advance(ids->next);
	else if (err != -ENOENT && err != -ENODATA && err != -EOPNOTSUPP)
		pr_warn("shared_state: which ids are taken is lost, some may come twice: %pe\n",
			ids);
	shared_state_ids_flb_put(ids);
}

/* Then each file for itself. Yours: what has to survive; called more than once. */
static int shared_state_save(struct file *file, struct shared_state *s,
			     struct shared_state_luo_ser *ser)
{
	ser->id = s->id;
	ser->file_flags = luosdk_file_flags(file);
	return 0;
}

static struct file *shared_state_restore(const struct shared_state_luo_ser *ser)
{
	if (!ser->id || ser->id == U64_MAX || ser->reserved)
		return ERR_PTR(-EINVAL);

	/* Nothing new, unless what they share was damaged on its way. */
	shared_state_advance(ser->id + 1);

	return shared_state_create(ser->id, ser->file_flags);
}

LUOSDK_HANDLER(shared_state, SHARED_STATE_LUO_FH_COMPATIBLE,
	       struct shared_state, struct shared_state_luo_ser,
	.fops = &shared_state_fops,
	.guard = LUOSDK_GUARD_IN(struct shared_state, guard),
	.save = shared_state_save,
	.restore = shared_state_restore,
	.layout = LUOSDK_LAYOUT(struct shared_state_luo_ser, id, file_flags, reserved),
);

/* The handler first, then what its files share; the other way round to end. */
static int shared_state_live_register(void)
{
	int err = shared_state_luo_register();

	if (err)
		return err;

	err = shared_state_ids_flb_register(&shared_state_luo_handler);
	if (err)
		shared_state_luo_unregister();
	return err;
}

static void shared_state_live_unregister(void)
{
	shared_state_ids_flb_unregister(&shared_state_luo_handler);
	shared_state_luo_unregister();
}

/* ------------------------------ The device ------------------------------- */

static long shared_state_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != SHARED_STATE_CREATE)
		return -ENOTTY;

	return FD_ADD(O_CLOEXEC, shared_state_create_new(O_RDWR));
}

static const struct file_operations shared_state_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = shared_state_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice shared_state_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "shared_state",
	.fops = &shared_state_dev_fops,
};

static int __init shared_state_init(void)
{
	int err;

	/* Live update: what the kernel before this one has left, then what this one can take. */
	shared_state_luo_expect();
	err = shared_state_live_register();
	if (err)
		return err;

	err = misc_register(&shared_state_dev);
	if (err)
		shared_state_live_unregister();
	return err;
}
module_init(shared_state_init);

static void __exit shared_state_exit(void)
{
	misc_deregister(&shared_state_dev);
	shared_state_live_unregister();
}
module_exit(shared_state_exit);

/* Yours: what the driver does. */
MODULE_DESCRIPTION("Files with ids that no live update repeats");
MODULE_LICENSE("GPL");
