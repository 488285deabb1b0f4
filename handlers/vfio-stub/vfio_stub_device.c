// SPDX-License-Identifier: GPL-2.0
/*
 * vfio_stub_device.c - a device of the vfio stub: its files, its interrupts and its engine.
 *
 * Each open makes an object of its own, and all of them lead to the one device, as the character
 * devices of vfio do. The engine is what makes it a device: it writes to memory without being
 * asked, from a timer's interrupt, and does not care which kernel is running.
 */

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <luosdk/file.h>

#include "vfio_stub_priv.h"

/* ------------------------------- The engine ------------------------------- */

static u64 *vfio_stub_engine_slot(struct vfio_stub_engine *engine, u64 count)
{
	u64 pos = 8 * (count % (engine->args.bytes / 8));

	pos += engine->args.iova - engine->map->iova;

	return engine->map->page[pos >> PAGE_SHIFT] + offset_in_page(pos);
}

static enum hrtimer_restart vfio_stub_engine_tick(struct hrtimer *timer)
{
	struct vfio_stub_engine *engine = container_of(timer, struct vfio_stub_engine, timer);
	struct vfio_stub_device *device = container_of(engine, struct vfio_stub_device, engine);
	struct vfio_stub_irq *irq;
	u64 count;

	guard(spinlock)(&engine->lock);

	if (!engine->args.bytes)
		return HRTIMER_NORESTART;

	count = engine->count + 1;
	WRITE_ONCE(*vfio_stub_engine_slot(engine, count), count);
	WRITE_ONCE(engine->count, count);
	/* Last: a kernel that ends before this makes the new one write the same once more. */
	if (engine->mirror)
		WRITE_ONCE(*engine->mirror, count);

	irq = &device->irq[engine->args.irq];
	if (engine->args.every && !(count % engine->args.every) && irq->ctx)
		eventfd_signal(irq->ctx);

	hrtimer_forward_now(timer, us_to_ktime(engine->args.period_us));
	return HRTIMER_RESTART;
}

/**
 * vfio_stub_engine_check() - Are these arguments sensible?
 * @args: To start the engine with.
 *
 * Context: Any.
 * Return: 0 or -EINVAL.
 */
int vfio_stub_engine_check(const struct vfio_stub_start_args *args)
{
	if (!args->bytes || (args->bytes | args->iova) % 8 || args->period_us < 20 ||
	    args->period_us > USEC_PER_SEC || args->irq >= VFIO_STUB_IRQS || args->flags)
		return -EINVAL;

	return 0;
}

/**
 * vfio_stub_engine_start() - Start the engine.
 * @device: The device.
 * @args:   What with; checked.
 * @count:  After which number it goes on.
 *
 * Context: Sleeps; the device's lock is held.
 * Return: 0; -ENOTCONN if there is no container; -EFAULT if that has no such memory; -EBUSY if the
 *         engine runs.
 */
int vfio_stub_engine_start(struct vfio_stub_device *device,
			   const struct vfio_stub_start_args *args, u64 count)
{
	struct vfio_stub_engine *engine = &device->engine;
	struct vfio_stub_map *map;

	lockdep_assert_held(&device->lock);

	if (!device->container)
		return -ENOTCONN;
	if (engine->map)
		return -EBUSY;
	map = vfio_stub_map_get(device->container, args->iova, args->bytes);
	if (!map)
		return -EFAULT;

	scoped_guard(spinlock_irqsave, &engine->lock) {
		engine->map = map;
		engine->args = *args;
		engine->count = count;
	}
	hrtimer_start(&engine->timer, us_to_ktime(args->period_us), HRTIMER_MODE_REL);

	return 0;
}

static void vfio_stub_engine_stop(struct vfio_stub_device *device)
{
	struct vfio_stub_engine *engine = &device->engine;
	struct vfio_stub_map *map;

	lockdep_assert_held(&device->lock);

	scoped_guard(spinlock_irqsave, &engine->lock)
		engine->args = (struct vfio_stub_start_args){};
	hrtimer_cancel(&engine->timer);

	map = engine->map;
	engine->map = NULL;
	if (map)
		vfio_stub_map_put(device->container, map);
}

/**
 * vfio_stub_engine_mirror() - Live update: write each number to another place as well.
 * @device: The device.
 * @mirror: Where, or NULL for no longer. Up to date on return.
 *
 * Context: Any but the engine's own interrupt.
 */
void vfio_stub_engine_mirror(struct vfio_stub_device *device, u64 *mirror)
{
	struct vfio_stub_engine *engine = &device->engine;

	guard(spinlock_irqsave)(&engine->lock);
	engine->mirror = mirror;
	if (mirror)
		WRITE_ONCE(*mirror, engine->count);
}

/* ------------------------------- The device ------------------------------- */

/**
 * vfio_stub_irq_set() - Attach an eventfd to an interrupt.
 * @device:  The device.
 * @index:   Which interrupt.
 * @eventfd: The eventfd, of which the interrupt takes a reference; NULL to detach it.
 *
 * Context: Sleeps; the device's lock is held.
 * Return: 0; -EINVAL if it is no eventfd.
 */
int vfio_stub_irq_set(struct vfio_stub_device *device, u32 index, struct file *eventfd)
{
	struct vfio_stub_irq *irq = &device->irq[index], old = *irq;
	struct eventfd_ctx *ctx = NULL;

	lockdep_assert_held(&device->lock);

	if (eventfd) {
		ctx = eventfd_ctx_fileget(eventfd);
		if (IS_ERR(ctx))
			return PTR_ERR(ctx);
		get_file(eventfd);
	}

	scoped_guard(spinlock_irqsave, &device->engine.lock) {
		irq->ctx = ctx;
		irq->file = eventfd;
		irq->incoming = false;
	}

	if (old.file) {
		eventfd_ctx_put(old.ctx);
		fput(old.file);
	}

	return 0;
}

static void vfio_stub_device_unbind(struct vfio_stub_device *device)
{
	vfio_stub_engine_stop(device);
	if (device->container)
		fput(device->container);
	device->container = NULL;
}

/**
 * vfio_stub_device_reset() - Make a device as it was when it was found.
 * @device: The device.
 *
 * Context: Sleeps; the device's lock is held.
 */
void vfio_stub_device_reset(struct vfio_stub_device *device)
{
	u32 i;

	vfio_stub_device_unbind(device);
	for (i = 0; i < VFIO_STUB_IRQS; i++)
		vfio_stub_irq_set(device, i, NULL);
	device->engine.count = 0;
	device->incoming = false;
	memset(device->config, 0, sizeof(device->config));
}

/**
 * vfio_stub_device_setup() - Initialise a device that was just allocated.
 * @device: The device, all zeroes.
 *
 * Context: Any.
 */
void vfio_stub_device_setup(struct vfio_stub_device *device)
{
	mutex_init(&device->lock);
	spin_lock_init(&device->engine.lock);
	hrtimer_setup(&device->engine.timer, vfio_stub_engine_tick, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL);
}

static int vfio_stub_device_bind(struct vfio_stub_device *device, struct file *container)
{
	if (!container) {
		if (!device->container || device->incoming)
			return -ENOTCONN;
		vfio_stub_device_unbind(device);
		return 0;
	}
	if (container->f_op != &vfio_stub_container_fops)
		return -EINVAL;

	if (device->incoming) {
		/* It writes to that one's memory. */
		if (container->private_data != device->container->private_data)
			return -EINVAL;
		device->incoming = false;
		return 0;
	}
	if (device->container)
		return -EBUSY;
	device->container = get_file(container);

	return 0;
}

static int vfio_stub_device_command(struct vfio_stub_device *device, unsigned int cmd,
				    struct file *other, const struct vfio_stub_start_args *start,
				    u32 index)
{
	if (cmd == VFIO_STUB_BIND)
		return vfio_stub_device_bind(device, other);

	if (cmd == VFIO_STUB_GIVE_UP) {
		if (!device->incoming)
			return -EINVAL;
		vfio_stub_device_reset(device);
		return 0;
	}

	/* Nobody has said so far that the device is theirs. */
	if (device->incoming)
		return -ENOTCONN;

	switch (cmd) {
	case VFIO_STUB_SET_IRQ:
		return vfio_stub_irq_set(device, index, other);
	case VFIO_STUB_START:
		return vfio_stub_engine_start(device, start, 0);
	case VFIO_STUB_STOP:
		if (!device->engine.map)
			return -ENOTCONN;
		vfio_stub_engine_stop(device);
		return 0;
	case VFIO_STUB_RESET:
		vfio_stub_device_reset(device);
		return 0;
	default:
		return -ENOTTY;
	}
}

/* What a program can do to a device; everything that comes from it was copied before. */
static int vfio_stub_device_do(struct vfio_stub_device *device, unsigned int cmd,
			       struct file *other, const struct vfio_stub_start_args *start,
			       u32 index)
{
	int err;

	/* Live update: wait while a frozen kernel is about to be replaced. */
	err = luosdk_access_begin_wait(&device->guard);
	if (err)
		return err;
	scoped_guard(mutex, &device->lock)
		err = vfio_stub_device_command(device, cmd, other, start, index);
	luosdk_access_end(&device->guard);

	return err;
}

static int vfio_stub_config_set(struct vfio_stub_device *device, loff_t begin, const u8 *data,
				size_t count)
{
	int err;

	err = luosdk_access_begin_wait(&device->guard);
	if (err)
		return err;
	scoped_guard(mutex, &device->lock)
		memcpy(device->config + begin, data, count);
	luosdk_access_end(&device->guard);

	return 0;
}

static void vfio_stub_device_info(struct vfio_stub_device *device, struct vfio_stub_info *info)
{
	guard(mutex)(&device->lock);

	info->serial = device->serial;
	info->address = device->address;
	info->count = READ_ONCE(device->engine.count);
	if (device->container)
		info->flags |= VFIO_STUB_BOUND;
	if (device->engine.map)
		info->flags |= VFIO_STUB_RUNNING;
	if (device->incoming)
		info->flags |= VFIO_STUB_INCOMING;
}

static long vfio_stub_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vfio_stub_device *device = ((struct vfio_stub_open *)file->private_data)->device;
	struct vfio_stub_start_args start = {};
	void __user *uarg = (void __user *)arg;
	struct vfio_stub_irq_args irq = {};
	struct vfio_stub_info info = {};
	struct file *other = NULL;
	s32 fd = -1;
	int err;

	switch (cmd) {
	case VFIO_STUB_INFO:
		vfio_stub_device_info(device, &info);
		return copy_to_user(uarg, &info, sizeof(info)) ? -EFAULT : 0;
	case VFIO_STUB_BIND:
		if (copy_from_user(&fd, uarg, sizeof(fd)))
			return -EFAULT;
		break;
	case VFIO_STUB_SET_IRQ:
		if (copy_from_user(&irq, uarg, sizeof(irq)))
			return -EFAULT;
		if (irq.index >= VFIO_STUB_IRQS)
			return -EINVAL;
		fd = irq.eventfd;
		break;
	case VFIO_STUB_START:
		if (copy_from_user(&start, uarg, sizeof(start)))
			return -EFAULT;
		err = vfio_stub_engine_check(&start);
		if (err)
			return err;
		break;
	}

	if (fd != -1) {
		other = fget(fd);
		if (!other)
			return -EBADF;
	}

	err = vfio_stub_device_do(device, cmd, other, &start, irq.index);

	if (other)
		fput(other);

	return err;
}

static ssize_t vfio_stub_device_read(struct file *file, char __user *buf, size_t count,
				     loff_t *ppos)
{
	struct vfio_stub_device *device = ((struct vfio_stub_open *)file->private_data)->device;
	u8 config[VFIO_STUB_CONFIG_BYTES];

	scoped_guard(mutex, &device->lock)
		memcpy(config, device->config, sizeof(config));

	return simple_read_from_buffer(buf, count, ppos, config, sizeof(config));
}

static ssize_t vfio_stub_device_write(struct file *file, const char __user *buf, size_t count,
				      loff_t *ppos)
{
	struct vfio_stub_device *device = ((struct vfio_stub_open *)file->private_data)->device;
	u8 config[VFIO_STUB_CONFIG_BYTES];
	loff_t begin = *ppos;
	ssize_t written;
	int err;

	written = simple_write_to_buffer(config, sizeof(config), ppos, buf, count);
	if (written <= 0)
		return written ?: count ? -ENOSPC : 0;

	err = vfio_stub_config_set(device, begin, config + begin, written);

	return err ?: written;
}

/*
 * One more user of a device. Live update: a device that is reserved is open to the file that it is
 * reserved for and to nobody else; that file comes to a device nobody has opened, or not at all.
 */
static struct vfio_stub_open *vfio_stub_device_get(struct vfio_stub_device *device,
						   bool incoming)
{
	struct vfio_stub_open *open = kzalloc(sizeof(*open), GFP_KERNEL);

	if (!open)
		return ERR_PTR(-ENOMEM);

	guard(mutex)(&device->lock);

	if (incoming ? device->opens > 0 :
		       luosdk_guard_phase(&device->guard) == LUOSDK_RESERVED) {
		kfree(open);
		return ERR_PTR(-EBUSY);
	}
	device->opens++;
	open->device = device;

	return open;
}

static void vfio_stub_device_put(struct vfio_stub_open *open)
{
	struct vfio_stub_device *device = open->device;

	scoped_guard(mutex, &device->lock) {
		if (!--device->opens)
			vfio_stub_device_reset(device);
	}
	kfree(open);
}

static int vfio_stub_device_open(struct inode *inode, struct file *file)
{
	struct miscdevice *misc = file->private_data;
	struct vfio_stub_open *open;

	open = vfio_stub_device_get(container_of(misc, struct vfio_stub_device, misc), false);
	if (IS_ERR(open))
		return PTR_ERR(open);
	file->private_data = open;

	return 0;
}

static int vfio_stub_device_release(struct inode *inode, struct file *file)
{
	vfio_stub_device_put(file->private_data);
	return 0;
}

const struct file_operations vfio_stub_device_fops = {
	.owner = THIS_MODULE,
	.open = vfio_stub_device_open,
	.read = vfio_stub_device_read,
	.write = vfio_stub_device_write,
	.unlocked_ioctl = vfio_stub_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = vfio_stub_device_release,
	.llseek = default_llseek,
};

/**
 * vfio_stub_device_file() - Live update: open a device for its incoming file.
 * @device: The device.
 * @flags:  Of the file.
 *
 * Context: Sleeps; takes the device's lock.
 * Return: The file; ERR_PTR(-EBUSY) if somebody has the device open; another ERR_PTR().
 */
struct file *vfio_stub_device_file(struct vfio_stub_device *device, u32 flags)
{
	struct vfio_stub_open *open = vfio_stub_device_get(device, true);
	struct file *file;

	if (IS_ERR(open))
		return ERR_CAST(open);

	file = luosdk_anon_file("[vfio-stub]", &vfio_stub_device_fops, open, flags);
	if (IS_ERR(file)) {
		vfio_stub_device_put(open);
		return file;
	}
	/* As those of open(2): config space is read and written at an offset. */
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;

	return file;
}
