// SPDX-License-Identifier: GPL-2.0
/*
 * char_device.c - a driver of character devices that survive a live update.
 *
 * A device counts events, and signals an eventfd whenever there are some: its interrupt. It
 * can be open several times. What belongs to one open file, here how many of the events it
 * has read, is in a struct char_device_open, and everything else is the device's.
 *
 * What is preserved is the device, by way of any one of its files: a second file of it is
 * refused, with -EBUSY, and other files of it are not there in the new kernel. Where open
 * files have nothing in common but the driver, the struct of an open file is what is
 * preserved, the guard belongs there, and no .context is needed.
 *
 * The eventfd has to be preserved in the same session, before or after the device. On a
 * kernel whose handlers cannot look up other files a device with an eventfd is refused, with
 * -EOPNOTSUPP, and one without is preserved.
 *
 * In the new kernel the file comes back to a device that nobody has opened, or not at all:
 * -EBUSY. It is a file on the anonymous inode, so fstat(2) does not show the device.
 */

/* Live update: its steps are the event luosdk_char_device. */
#define LUOSDK_TRACE char_device

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <luosdk/handler.h>

#include "char_device.h"
#include "char_device_luo_abi.h"

/* Yours: how devices are found. These have no hardware, so there are as many as one likes. */
static unsigned int char_device_count = 4;
module_param_named(devices, char_device_count, uint, 0444);
MODULE_PARM_DESC(devices, "number of devices (default: 4)");

/* Yours: what a device is. Keep the guard, the lock, and the number of open files. */
struct char_device {
	struct miscdevice misc;
	char name[64];
	/* Live update: is this device preserved, and may it still change? */
	struct luosdk_guard guard;
	/* Protects what follows, and the files' own part. */
	struct mutex lock;
	unsigned int opens;
	u64 events;
	/* The interrupt: its file, of which this holds a reference, and what is behind it. */
	struct file *irq;
	struct eventfd_ctx *irq_ctx;
};

/* Yours: what belongs to one open file. */
struct char_device_open {
	struct char_device *device;
	u64 seen;
};

static struct char_device *char_devices;

static struct char_device *char_device_of(struct file *file)
{
	return ((struct char_device_open *)file->private_data)->device;
}

static int char_device_raise(struct file *file, u64 events)
{
	struct char_device *d = char_device_of(file);
	/* Live update: wait while a frozen kernel is about to be replaced. */
	int err = luosdk_access_begin_wait(&d->guard);

	if (err)
		return err;

	scoped_guard(mutex, &d->lock) {
		d->events += events;
		if (d->irq)
			eventfd_signal(d->irq_ctx);
	}
	luosdk_access_end(&d->guard);

	return 0;
}

static int char_device_take(struct file *file, u64 *events)
{
	struct char_device_open *open = file->private_data;
	/* Live update: reading changes what is saved as well. */
	int err = luosdk_access_begin_wait(&open->device->guard);

	if (err)
		return err;

	scoped_guard(mutex, &open->device->lock) {
		*events = open->device->events - open->seen;
		open->seen = open->device->events;
	}
	luosdk_access_end(&open->device->guard);

	return *events ? 0 : -EAGAIN;
}

/* Attach the interrupt to @eventfd, or to nothing if that is NULL. With the lock. */
static int char_device_attach(struct char_device *d, struct file *eventfd)
{
	struct eventfd_ctx *ctx = NULL;

	lockdep_assert_held(&d->lock);

	if (eventfd) {
		ctx = eventfd_ctx_fileget(eventfd);
		if (IS_ERR(ctx))
			return PTR_ERR(ctx);
		get_file(eventfd);
	}
	if (d->irq) {
		eventfd_ctx_put(d->irq_ctx);
		fput(d->irq);
	}
	d->irq = eventfd;
	d->irq_ctx = ctx;

	return 0;
}

static int char_device_set_irq(struct file *file, struct file *eventfd)
{
	struct char_device *d = char_device_of(file);
	int err = luosdk_access_begin_wait(&d->guard);

	if (err)
		return err;

	scoped_guard(mutex, &d->lock)
		err = char_device_attach(d, eventfd);
	luosdk_access_end(&d->guard);

	return err;
}

static ssize_t char_device_read(struct file *file, char __user *buf, size_t count, loff_t *ppos)
{
	u64 events;
	int err;

	if (count < sizeof(events))
		return -EINVAL;
	err = char_device_take(file, &events);
	if (err)
		return err;

	return copy_to_user(buf, &events, sizeof(events)) ? -EFAULT : sizeof(events);
}

static ssize_t char_device_write(struct file *file, const char __user *buf, size_t count,
				 loff_t *ppos)
{
	u64 events;
	int err;

	if (count != sizeof(events))
		return -EINVAL;
	/* May sleep for as long as user space likes, so it comes first. */
	if (copy_from_user(&events, buf, sizeof(events)))
		return -EFAULT;

	err = char_device_raise(file, events);
	return err ?: count;
}

static long char_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct file *eventfd = NULL;
	s32 fd;
	int err;

	if (cmd != CHAR_DEVICE_SET_IRQ)
		return -ENOTTY;
	if (get_user(fd, (s32 __user *)arg))
		return -EFAULT;
	if (fd != -1) {
		eventfd = fget(fd);
		if (!eventfd)
			return -EBADF;
	}

	err = char_device_set_irq(file, eventfd);
	if (eventfd)
		fput(eventfd);
	return err;
}

/* One more open file. Live update: @ser is what it was in the old kernel. */
static struct char_device_open *char_device_get(struct char_device *d,
						const struct char_device_luo_ser *ser)
{
	struct char_device_open *open = kzalloc(sizeof(*open), GFP_KERNEL);

	if (!open)
		return ERR_PTR(-ENOMEM);
	open->device = d;

	guard(mutex)(&d->lock);
	/* Somebody was quicker, and may have changed the device. */
	if (ser && d->opens) {
		kfree(open);
		return ERR_PTR(-EBUSY);
	}
	d->opens++;
	if (ser)
		d->events = ser->events;
	open->seen = ser ? ser->seen : d->events;

	return open;
}

/* The last one leaves the device as it was found. */
static void char_device_put(struct char_device_open *open)
{
	struct char_device *d = open->device;

	scoped_guard(mutex, &d->lock) {
		if (!--d->opens) {
			d->events = 0;
			char_device_attach(d, NULL);
		}
	}
	kfree(open);
}

static int char_device_open(struct inode *inode, struct file *file)
{
	struct miscdevice *misc = file->private_data;
	struct char_device_open *open;

	open = char_device_get(container_of(misc, struct char_device, misc), NULL);
	if (IS_ERR(open))
		return PTR_ERR(open);
	file->private_data = open;

	return 0;
}

static int char_device_release(struct inode *inode, struct file *file)
{
	char_device_put(file->private_data);
	return 0;
}

static const struct file_operations char_device_fops = {
	.owner = THIS_MODULE,
	.open = char_device_open,
	.read = char_device_read,
	.write = char_device_write,
	.unlocked_ioctl = char_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = char_device_release,
	.llseek = noop_llseek,
};

/* Live update: open the device for its incoming file. */
static struct file *char_device_file(struct char_device *d, const struct char_device_luo_ser *ser)
{
	struct char_device_open *open = char_device_get(d, ser);
	struct file *file;

	if (IS_ERR(open))
		return ERR_CAST(open);

	file = luosdk_anon_file("[char_device]", &char_device_fops, open, ser->file_flags);
	if (IS_ERR(file))
		char_device_put(open);
	return file;
}

/* ------------------------------ Live update ------------------------------ */

/* What is preserved: the device. Asked only for files with these operations. */
static struct char_device *char_device_context(struct file *file)
{
	return char_device_of(file);
}

/* Yours: what has to survive, of the device and of @file; called more than once. */
static int char_device_save(struct file *file, struct char_device *d,
			    struct char_device_luo_ser *ser)
{
	struct char_device_open *open = file->private_data;

	guard(mutex)(&d->lock);
	ser->number = d - char_devices;
	ser->file_flags = luosdk_file_flags(file);
	ser->events = d->events;
	ser->seen = open->seen;
	return 0;
}

/*
 * Yours: each file that the device cannot be without. In preserve this is a trial, in freeze
 * it is for real; a reference, as between the two somebody can take the eventfd away.
 */
static int char_device_link(struct file *file, struct char_device *d,
			    struct char_device_luo_ser *ser, struct luosdk_links *links)
{
	struct file *eventfd = NULL;
	int err;

	scoped_guard(mutex, &d->lock)
		if (d->irq)
			eventfd = get_file(d->irq);
	ser->flags = eventfd ? CHAR_DEVICE_LUO_IRQ : 0;
	if (!eventfd)
		return 0;

	err = luosdk_link_file(links, eventfd, &ser->irq);
	fput(eventfd);
	return err;
}

/* Make it again in the new kernel. The bytes are intact; are they sensible? */
static struct file *char_device_restore(const struct char_device_luo_ser *ser)
{
	if (ser->seen > ser->events || ser->flags & ~CHAR_DEVICE_LUO_IRQ || ser->reserved)
		return ERR_PTR(-EINVAL);
	/* Yours: whether it is the same device, and not another one in its place. */
	if (ser->number >= char_device_count)
		return ERR_PTR(-ENODEV);

	return char_device_file(&char_devices[ser->number], ser);
}

/* Yours: the same files as in .link. Without the lock: the eventfd may have to be restored. */
static int char_device_bind(struct file *file, struct char_device *d,
			    const struct char_device_luo_ser *ser, struct luosdk_links *links)
{
	struct file *eventfd;
	int err;

	if (!(ser->flags & CHAR_DEVICE_LUO_IRQ))
		return 0;

	eventfd = luosdk_bind_file(links, ser->irq, NULL);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);

	/* Knows whether it is an eventfd. */
	scoped_guard(mutex, &d->lock)
		err = char_device_attach(d, eventfd);
	fput(eventfd);
	return err;
}

LUOSDK_HANDLER(char_device, CHAR_DEVICE_LUO_FH_COMPATIBLE,
	       struct char_device, struct char_device_luo_ser,
	.fops = &char_device_fops,
	.context = char_device_context,
	.guard = LUOSDK_GUARD_IN(struct char_device, guard),
	.save = char_device_save,
	.restore = char_device_restore,
	.link = char_device_link,
	.bind = char_device_bind,
	.layout = LUOSDK_LAYOUT(struct char_device_luo_ser, number, file_flags, events, seen, irq,
				flags, reserved),
);

/* ------------------------------ The devices ------------------------------ */

static int char_device_add(unsigned int number)
{
	struct char_device *d = &char_devices[number];

	mutex_init(&d->lock);
	snprintf(d->name, sizeof(d->name), "char_device%u", number);
	d->misc.minor = MISC_DYNAMIC_MINOR;
	d->misc.name = d->name;
	d->misc.fops = &char_device_fops;

	return misc_register(&d->misc);
}

static void char_device_remove(unsigned int count)
{
	while (count--)
		misc_deregister(&char_devices[count].misc);
	kfree(char_devices);
}

static int __init char_device_init(void)
{
	unsigned int i;
	int err;

	char_devices = kcalloc(char_device_count, sizeof(*char_devices), GFP_KERNEL);
	if (!char_devices)
		return -ENOMEM;

	for (i = 0; i < char_device_count; i++) {
		err = char_device_add(i);
		if (err)
			goto err_remove;
	}

	/* Live update: from here on LUO can ask for files of these devices. */
	err = char_device_luo_register();
	if (err)
		goto err_remove;

	return 0;

err_remove:
	char_device_remove(i);
	return err;
}
module_init(char_device_init);

static void __exit char_device_exit(void)
{
	char_device_luo_unregister();
	char_device_remove(char_device_count);
}
module_exit(char_device_exit);

/* Yours: what the driver does. */
MODULE_DESCRIPTION("Devices that survive a live update");
MODULE_LICENSE("GPL");
