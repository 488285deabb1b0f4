// SPDX-License-Identifier: GPL-2.0
/*
 * hand_written.c - a driver with files of its own that survive a live update, whose
 * handler is written straight on LUO and KHO.
 *
 * A file of this driver holds a few bytes: write(2) replaces them, read(2) returns them.
 * Files are made by an ioctl of /dev/hand_written and live on the anonymous inode, as those
 * of KVM, eventfd and many drivers do.
 *
 * What live update adds are two members, the pair of calls around what changes the object,
 * the section "Live update", and one line each in init and exit. Each part of that section
 * says which rule it keeps.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "hand_written.h"
#include "hand_written_luo_abi.h"

/*
 * Live update: where an object stands. In the old kernel it goes from idle to preserved and
 * frozen, and back the same way if the update is aborted; in the new one from restored,
 * until its session is finished, to idle.
 */
enum hand_written_phase {
	HAND_WRITTEN_IDLE,
	HAND_WRITTEN_PRESERVED,
	HAND_WRITTEN_FROZEN,
	HAND_WRITTEN_RESTORED,
};

/* Yours: what the object is. Keep the phase, and the lock that protects it. */
struct hand_written {
	/* Protects what follows. */
	struct mutex lock;
	/* Live update: is this object preserved, and may it still change? */
	enum hand_written_phase phase;
	/* Live update: who waits for it to change again. */
	wait_queue_head_t thawed;
	u32 len;
	u8 text[HAND_WRITTEN_BYTES];
};

/*
 * Live update: whatever changes an object does it between these two, and nothing slow. User
 * space runs while LUO freezes, and also after that: who changes what was saved already
 * would be told that it succeeded, and the new kernel would not know of it. So it waits,
 * for the end of the machine or of the attempt, and notices nothing of an aborted update.
 */
static int hand_written_change_begin(struct hand_written *h)
{
	int err;

	mutex_lock(&h->lock);
	while (h->phase == HAND_WRITTEN_FROZEN) {
		mutex_unlock(&h->lock);
		/* Or the task could not be killed while the machine goes down. */
		err = wait_event_killable(h->thawed,
					  READ_ONCE(h->phase) != HAND_WRITTEN_FROZEN);
		if (err)
			return err;
		mutex_lock(&h->lock);
	}

	return 0;
}

static void hand_written_change_end(struct hand_written *h)
{
	mutex_unlock(&h->lock);
}

/* Yours: what your driver does, from here to the section "Live update". */
static ssize_t hand_written_read(struct file *file, char __user *buf, size_t count,
				 loff_t *ppos)
{
	struct hand_written *h = file->private_data;
	u8 text[HAND_WRITTEN_BYTES];
	u32 len;

	scoped_guard(mutex, &h->lock) {
		len = h->len;
		memcpy(text, h->text, len);
	}

	return simple_read_from_buffer(buf, count, ppos, text, len);
}

static int hand_written_set(struct hand_written *h, const u8 *text, u32 len)
{
	int err = hand_written_change_begin(h);

	if (err)
		return err;

	memcpy(h->text, text, len);
	h->len = len;
	hand_written_change_end(h);

	return 0;
}

static ssize_t hand_written_write(struct file *file, const char __user *buf, size_t count,
				  loff_t *ppos)
{
	u8 text[HAND_WRITTEN_BYTES];
	int err;

	if (count > sizeof(text))
		return -EFBIG;
	/* May sleep for as long as user space likes, so it comes first. */
	if (copy_from_user(text, buf, count))
		return -EFAULT;

	err = hand_written_set(file->private_data, text, count);
	return err ?: count;
}

static int hand_written_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations hand_written_fops = {
	.owner = THIS_MODULE,
	.read = hand_written_read,
	.write = hand_written_write,
	.release = hand_written_release,
	.llseek = noop_llseek,
};

/*
 * The one way to make a file: for the ioctl, and for live update. The object first, complete,
 * then the file: the release() of a file that has no object behind it is a crash. And no
 * descriptor: LUO makes that, when nothing can fail any more.
 */
static struct file *hand_written_create(const u8 *text, u32 len, u32 flags,
					enum hand_written_phase phase)
{
	struct hand_written *h = kzalloc(sizeof(*h), GFP_KERNEL);
	struct file *file;

	if (!h)
		return ERR_PTR(-ENOMEM);

	mutex_init(&h->lock);
	init_waitqueue_head(&h->thawed);
	h->phase = phase;
	memcpy(h->text, text, len);
	h->len = len;

	file = anon_inode_getfile("[hand_written]", &hand_written_fops, h, flags);
	if (IS_ERR(file)) {
		kfree(h);
		return file;
	}
	/* It takes access mode and O_NONBLOCK, and drops the rest. */
	file->f_flags |= flags & O_APPEND;

	return file;
}

/* ------------------------------ Live update ------------------------------ */

/* Yours: what of a file's flags your files can have and fcntl(F_SETFL) can change. */
#define HAND_WRITTEN_FILE_FLAGS	(O_ACCMODE | O_NONBLOCK | O_APPEND)

/*
 * The object behind a file. Nothing but f_op tells a file's type, so it is looked at before
 * private_data is. All anonymous files share one inode: it says nothing.
 */
static struct hand_written *hand_written_of(struct file *file)
{
	return file->f_op == &hand_written_fops ? file->private_data : NULL;
}

static void hand_written_luo_set_phase(struct hand_written *h, enum hand_written_phase phase)
{
	scoped_guard(mutex, &h->lock)
		WRITE_ONCE(h->phase, phase);
	wake_up_all(&h->thawed);
}

/* At most once, whatever session or thread asks: that is the handler's to check. */
static int hand_written_luo_claim(struct hand_written *h)
{
	guard(mutex)(&h->lock);
	if (h->phase != HAND_WRITTEN_IDLE)
		return -EBUSY;
	h->phase = HAND_WRITTEN_PRESERVED;

	return 0;
}

static u32 hand_written_luo_checksum(const struct hand_written_luo_ser *ser)
{
	return crc32c(~0, &ser->file_flags,
		      sizeof(*ser) - offsetof(struct hand_written_luo_ser, file_flags));
}

/* A question: it takes no reference, changes nothing, and its answer may be out of date. */
static bool hand_written_luo_can_preserve(struct liveupdate_file_handler *handler,
					  struct file *file)
{
	return hand_written_of(file);
}

/*
 * Takes all the memory there is to take: freeze is in reboot(2), which is too late to fail for
 * want of it. Claims first, so that who comes second has nothing to undo; and what fails
 * after that leaves no trace.
 */
static int hand_written_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct hand_written *h = hand_written_of(args->file);
	struct hand_written_luo_ser *ser;
	int err;

	/* Who asked can_preserve() did so some time ago. */
	if (!h)
		return -EINVAL;
	err = hand_written_luo_claim(h);
	if (err)
		return err;

	/* Zeroed, at least a page, and an error is no NULL. */
	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser)) {
		hand_written_luo_set_phase(h, HAND_WRITTEN_IDLE);
		return PTR_ERR(ser);
	}
	ser->magic = HAND_WRITTEN_LUO_MAGIC;
	ser->version = HAND_WRITTEN_LUO_VERSION;
	ser->bytes = sizeof(*ser);

	args->serialized_data = virt_to_phys(ser);
	args->private_data = ser;

	return 0;
}

/* Undoes preserve, wholly and without a result: there is nobody to tell. */
static void hand_written_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	kho_unpreserve_free(args->private_data);
	hand_written_luo_set_phase(hand_written_of(args->file), HAND_WRITTEN_IDLE);
}

/*
 * What changed since preserve is not lost: the state is written here. It is final, because
 * from here on nobody changes the object, and sealed, because the new kernel has to be able
 * to tell. The state stays where it is: LUO may keep the handle that it knows. A freeze that
 * can fail has to undo itself: LUO calls no unfreeze for that file.
 */
static int hand_written_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct hand_written *h = hand_written_of(args->file);
	struct hand_written_luo_ser *ser = args->private_data;

	guard(mutex)(&h->lock);
	WRITE_ONCE(h->phase, HAND_WRITTEN_FROZEN);
	/* Yours: what has to survive. */
	ser->file_flags = READ_ONCE(args->file->f_flags) & HAND_WRITTEN_FILE_FLAGS;
	ser->len = h->len;
	memcpy(ser->text, h->text, sizeof(ser->text));
	ser->checksum = hand_written_luo_checksum(ser);

	return 0;
}

/* Another file could not be frozen, and the old kernel goes on: so does who had to wait. */
static void hand_written_luo_unfreeze(struct liveupdate_file_op_args *args)
{
	hand_written_luo_set_phase(hand_written_of(args->file), HAND_WRITTEN_PRESERVED);
}

/* The old kernel's word is not to be trusted: is this what it wrote, and can it be true? */
static int hand_written_luo_check(const struct hand_written_luo_ser *ser)
{
	/* Before anything that another version may have elsewhere. */
	if (ser->version != HAND_WRITTEN_LUO_VERSION)
		return -EOPNOTSUPP;
	if (ser->bytes != sizeof(*ser) || ser->checksum != hand_written_luo_checksum(ser))
		return -EBADMSG;
	/* Yours: whether the values, which are intact, make sense. */
	if (ser->len > sizeof(ser->text) || ser->file_flags & ~HAND_WRITTEN_FILE_FLAGS ||
	    (ser->file_flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;

	return 0;
}

/*
 * Copy the state that LUO leads to, and give its memory back, whatever comes of it: this is
 * the one place where a state is consumed, and it is done exactly once, by retrieve or,
 * where nobody retrieved, by finish. Memory that does not look like ours may be anybody's and
 * is not freed; it is lost until the next reboot, which is said.
 */
static int hand_written_luo_take(u64 handle, struct hand_written_luo_ser *copy)
{
	struct hand_written_luo_ser *ser;
	int err;

	/* An address is always some pointer: whether there is memory has to be asked before. */
	if (!handle || !IS_ALIGNED(handle, PAGE_SIZE) || !pfn_valid(PHYS_PFN(handle)))
		goto err_lost;
	ser = phys_to_virt(handle);
	if (ser->magic != HAND_WRITTEN_LUO_MAGIC)
		goto err_lost;
	*copy = *ser;
	kho_restore_free(ser);

	err = hand_written_luo_check(copy);
	if (err)
		pr_err("the saved state of a file is refused: %pe\n", ERR_PTR(err));

	return err;

err_lost:
	pr_err("no saved state at %#llx; what was there is lost until the next reboot\n", handle);
	return -EBADMSG;
}

/* Success is 0 and a file with one reference; an error is final, LUO does not ask again. */
static int hand_written_luo_retrieve(struct liveupdate_file_op_args *args)
{
	struct hand_written_luo_ser ser;
	struct file *file;
	int err;

	err = hand_written_luo_take(args->serialized_data, &ser);
	if (err)
		return err;

	/* Restored, not idle: it cannot be preserved again while this session lasts. */
	file = hand_written_create(ser.text, ser.len, ser.file_flags, HAND_WRITTEN_RESTORED);
	if (IS_ERR(file))
		return PTR_ERR(file);
	args->file = file;

	return 0;
}

/* No can_finish: a session of such files may always end, also when a retrieve failed. */
static void hand_written_luo_finish(struct liveupdate_file_op_args *args)
{
	struct hand_written_luo_ser ser;

	if (args->retrieve_status > 0)
		hand_written_luo_set_phase(hand_written_of(args->file), HAND_WRITTEN_IDLE);
	else if (!args->retrieve_status)
		hand_written_luo_take(args->serialized_data, &ser);
	/* A retrieve that failed has consumed the state. */
}

/*
 * No get_id: LUO then knows files by their address, and the phase knows objects. The owner is
 * what keeps the module while a file is preserved.
 */
static const struct liveupdate_file_ops hand_written_luo_ops = {
	.can_preserve = hand_written_luo_can_preserve,
	.preserve = hand_written_luo_preserve,
	.unpreserve = hand_written_luo_unpreserve,
	.freeze = hand_written_luo_freeze,
	.unfreeze = hand_written_luo_unfreeze,
	.retrieve = hand_written_luo_retrieve,
	.finish = hand_written_luo_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler hand_written_luo_handler = {
	.ops = &hand_written_luo_ops,
	.compatible = HAND_WRITTEN_LUO_FH_COMPATIBLE,
};

static_assert(sizeof(HAND_WRITTEN_LUO_FH_COMPATIBLE) <= LIVEUPDATE_HNDL_COMPAT_LENGTH);

static bool hand_written_luo_registered;

static int hand_written_luo_register(void)
{
	int err = liveupdate_register_file_handler(&hand_written_luo_handler);

	/* In a kernel that was booted without live update the driver works all the same. */
	if (err == -EOPNOTSUPP)
		return 0;
	if (err)
		pr_err("LUO refused the handler '%s': %pe\n", hand_written_luo_handler.compatible,
		       ERR_PTR(err));
	else
		hand_written_luo_registered = true;

	return err;
}

static void hand_written_luo_unregister(void)
{
	if (hand_written_luo_registered)
		liveupdate_unregister_file_handler(&hand_written_luo_handler);
}

/* ------------------------------ The device ------------------------------- */

static long hand_written_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != HAND_WRITTEN_CREATE)
		return -ENOTTY;

	return FD_ADD(O_CLOEXEC, hand_written_create(NULL, 0, O_RDWR, HAND_WRITTEN_IDLE));
}

static const struct file_operations hand_written_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = hand_written_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice hand_written_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hand_written",
	.fops = &hand_written_dev_fops,
};

static int __init hand_written_init(void)
{
	int err = misc_register(&hand_written_dev);

	if (err)
		return err;

	/* Live update: from here on LUO can ask for files of this driver. */
	err = hand_written_luo_register();
	if (err)
		misc_deregister(&hand_written_dev);
	return err;
}
module_init(hand_written_init);

static void __exit hand_written_exit(void)
{
	hand_written_luo_unregister();
	misc_deregister(&hand_written_dev);
}
module_exit(hand_written_exit);

/* Yours: what the driver does. */
MODULE_DESCRIPTION("Files that survive a live update");
MODULE_LICENSE("GPL");
