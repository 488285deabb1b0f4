// SPDX-License-Identifier: GPL-2.0
/*
 * vfio_stub_kunit.c - tests of the vfio stub itself: what programs can say to it, and how its bus
 * comes and goes.
 *
 * Everything goes through the file operations, from memory of a program: the test's thread is
 * given an address space and descriptors. The live update is vfio_stub_luo_kunit.c's.
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/eventfd.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <luokit.h>

#include "memfd_subject.h"
#include "vfio_stub_luo_kunit.h"

#define PROGRAM_DEVICES		2
#define PROGRAM_MEMFD		(4 * PAGE_SIZE)
#define PROGRAM_IOVA		0x10000ULL

/* A descriptor that nobody has. */
#define PROGRAM_NO_FD		1000

/*
 * A program. @page is its memory, @ctl is /dev/vfio-stub, @device is /dev/vfio-stub0, @memfd is
 * PROGRAM_MEMFD large.
 */
struct program {
	struct luokit *k;
	const struct vfio_stub_world_private *world;
	void __user *page;
	struct file *ctl, *device, *container, *memfd, *eventfd;
};

static struct vfio_stub_device *program_device(struct kunit *test)
{
	struct program *p = test->priv;

	return ((struct vfio_stub_open *)p->device->private_data)->device;
}

static struct vfio_stub_container *program_container(struct kunit *test)
{
	struct program *p = test->priv;

	return p->container->private_data;
}

/* ioctl(2), of as much as the command says; @arg is memory of the kernel. */
static long program_ioctl(struct kunit *test, struct file *file, unsigned int cmd, void *arg)
{
	struct program *p = test->priv;
	long ret;

	KUNIT_ASSERT_EQ(test, copy_to_user(p->page, arg, _IOC_SIZE(cmd)), 0);
	ret = file->f_op->unlocked_ioctl(file, cmd, (unsigned long)p->page);
	if (_IOC_DIR(cmd) & _IOC_READ)
		KUNIT_ASSERT_EQ(test, copy_from_user(arg, p->page, _IOC_SIZE(cmd)), 0);

	return ret;
}

/* A descriptor for a file that the kit holds; close_fd() is the caller's. */
static int program_fd(struct kunit *test, struct file *file)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);

	KUNIT_ASSERT_GE(test, fd, 0);
	fd_install(fd, get_file(file));

	return fd;
}

static long program_map(struct kunit *test, struct file *memfd, struct vfio_stub_map_args args)
{
	struct program *p = test->priv;
	long ret;

	args.memfd = program_fd(test, memfd);
	ret = program_ioctl(test, p->container, VFIO_STUB_MAP, &args);
	close_fd(args.memfd);

	return ret;
}

static long program_unmap(struct kunit *test, u64 iova)
{
	struct program *p = test->priv;

	return program_ioctl(test, p->container, VFIO_STUB_UNMAP, &iova);
}

/* NULL: unbind. */
static long program_bind(struct kunit *test, struct file *container)
{
	struct program *p = test->priv;
	s32 fd = container ? program_fd(test, container) : -1;
	long ret = program_ioctl(test, p->device, VFIO_STUB_BIND, &fd);

	if (container)
		close_fd(fd);

	return ret;
}

/* NULL: detach. */
static long program_irq(struct kunit *test, u32 index, struct file *eventfd)
{
	struct program *p = test->priv;
	struct vfio_stub_irq_args args = { .index = index, .eventfd = -1 };
	long ret;

	if (eventfd)
		args.eventfd = program_fd(test, eventfd);
	ret = program_ioctl(test, p->device, VFIO_STUB_SET_IRQ, &args);
	if (eventfd)
		close_fd(args.eventfd);

	return ret;
}

static long program_start(struct kunit *test, struct vfio_stub_start_args args)
{
	struct program *p = test->priv;

	return program_ioctl(test, p->device, VFIO_STUB_START, &args);
}

static long program_command(struct kunit *test, unsigned int cmd)
{
	struct program *p = test->priv;

	return program_ioctl(test, p->device, cmd, NULL);
}

static struct vfio_stub_info program_info(struct kunit *test)
{
	struct program *p = test->priv;
	struct vfio_stub_info info;

	memset(&info, 0xff, sizeof(info));
	KUNIT_EXPECT_EQ(test, program_ioctl(test, p->device, VFIO_STUB_INFO, &info), 0);

	return info;
}

/* Until the engine has counted so far, or does not. */
static void program_count(struct kunit *test, u64 count)
{
	unsigned int ms;

	for (ms = 0; ms < 10000 && program_info(test).count < count; ms += 20)
		msleep(20);
	KUNIT_EXPECT_GE(test, program_info(test).count, count);
}

static const struct vfio_stub_map_args program_mapping = {
	.iova = PROGRAM_IOVA, .bytes = PROGRAM_MEMFD,
};

static const struct vfio_stub_start_args program_engine = {
	.iova = PROGRAM_IOVA, .bytes = PROGRAM_MEMFD, .period_us = 200, .irq = 1, .every = 4,
};

static int program_init(struct kunit *test)
{
	struct program *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	unsigned long page;
	long fd;

	KUNIT_ASSERT_NOT_NULL(test, p);
	page = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_TRUE(test, page && !IS_ERR_VALUE(page));
	p->page = (void __user *)page;
	test->priv = p;

	vfio_stub_kunit_devices = PROGRAM_DEVICES;
	p->k = luokit_boot(test, &vfio_stub_world);
	p->world = luokit_private(p->k);
	p->ctl = luokit_open_misc(p->k, "vfio-stub", O_RDWR);
	p->device = luokit_open_misc(p->k, "vfio-stub0", O_RDWR);
	p->memfd = luokit_own(p->k, memfd_subject_make(p->k, PROGRAM_MEMFD));
	p->eventfd = luokit_own(p->k, eventfd_create_file(0, 0));
	KUNIT_ASSERT_FALSE(test, IS_ERR(p->ctl) || IS_ERR(p->device) || IS_ERR(p->memfd) ||
			   IS_ERR(p->eventfd));

	fd = program_ioctl(test, p->ctl, VFIO_STUB_CONTAINER, NULL);
	KUNIT_ASSERT_GE(test, fd, 0);
	p->container = luokit_own(p->k, fget(fd));
	close_fd(fd);
	KUNIT_ASSERT_NOT_NULL(test, p->container);

	return 0;
}

static void program_exit(struct kunit *test)
{
	vfio_stub_kunit_enabled = true;
}

/* ---- Programs ------------------------------------------------------------------------------- */

/* What vfio_stub.h shows, and back. */
static void vfio_stub_life(struct kunit *test)
{
	struct program *p = test->priv;
	struct vfio_stub_info info;
	u64 signals;

	info = program_info(test);
	KUNIT_EXPECT_EQ(test, info.flags, 0);
	KUNIT_EXPECT_EQ(test, info.address, 0);
	KUNIT_EXPECT_EQ(test, info.serial, vfio_stub_kunit_serial);

	KUNIT_ASSERT_EQ(test, program_map(test, p->memfd, program_mapping), 0);
	KUNIT_ASSERT_EQ(test, program_bind(test, p->container), 0);
	KUNIT_EXPECT_EQ(test, program_info(test).flags, VFIO_STUB_BOUND);
	KUNIT_EXPECT_EQ(test, program_irq(test, 1, p->eventfd), 0);
	KUNIT_EXPECT_EQ(test, program_start(test, program_engine), 0);
	program_count(test, 8);
	KUNIT_EXPECT_EQ(test, program_info(test).flags, VFIO_STUB_BOUND | VFIO_STUB_RUNNING);
	KUNIT_EXPECT_EQ(test, program_unmap(test, PROGRAM_IOVA), -EBUSY);

	KUNIT_EXPECT_EQ(test, program_command(test, VFIO_STUB_STOP), 0);
	info = program_info(test);
	KUNIT_EXPECT_EQ(test, info.flags, VFIO_STUB_BOUND);
	eventfd_ctx_peek(program_device(test)->irq[1].ctx, &signals);
	KUNIT_EXPECT_EQ(test, signals, info.count / 4);
	KUNIT_EXPECT_EQ(test, program_command(test, VFIO_STUB_STOP), -ENOTCONN);

	KUNIT_EXPECT_EQ(test, program_irq(test, 1, NULL), 0);
	KUNIT_EXPECT_NULL(test, program_device(test)->irq[1].file);
	KUNIT_EXPECT_EQ(test, program_bind(test, NULL), 0);
	KUNIT_EXPECT_EQ(test, program_bind(test, NULL), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, program_unmap(test, PROGRAM_IOVA), 0);
	KUNIT_EXPECT_EQ(test, program_container(test)->nr_maps, 0);
	KUNIT_EXPECT_EQ(test, program_unmap(test, PROGRAM_IOVA), -ENOENT);
	KUNIT_EXPECT_EQ(test, program_command(test, VFIO_STUB_RESET), 0);
	KUNIT_EXPECT_EQ(test, program_info(test).count, 0);
}

/* What nobody listens to does not stop the engine; nor does nobody who wants to be told. */
static void vfio_stub_no_listener(struct kunit *test)
{
	struct program *p = test->priv;
	struct vfio_stub_start_args args = program_engine;

	KUNIT_ASSERT_EQ(test, program_map(test, p->memfd, program_mapping), 0);
	KUNIT_ASSERT_EQ(test, program_bind(test, p->container), 0);
	for (args.every = 0; args.every < 2; args.every++) {
		KUNIT_ASSERT_EQ(test, program_start(test, args), 0);
		program_count(test, 4);
		KUNIT_EXPECT_EQ(test, program_command(test, VFIO_STUB_STOP), 0);
	}
}

/* The timer has expired, and then the engine is stopped before the expiry gets its lock. */
static void vfio_stub_late_tick(struct kunit *test)
{
	struct program *p = test->priv;
	struct hrtimer *timer = &program_device(test)->engine.timer;
	enum hrtimer_restart restart;
	u64 count;

	KUNIT_ASSERT_EQ(test, program_map(test, p->memfd, program_mapping), 0);
	KUNIT_ASSERT_EQ(test, program_bind(test, p->container), 0);
	KUNIT_ASSERT_EQ(test, program_start(test, program_engine), 0);
	KUNIT_ASSERT_EQ(test, program_command(test, VFIO_STUB_STOP), 0);
	count = program_info(test).count;
	local_irq_disable();
	restart = ACCESS_PRIVATE(timer, function)(timer);
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, restart, HRTIMER_NORESTART);
	KUNIT_EXPECT_EQ(test, program_info(test).count, count);
}

static void vfio_stub_no_such_ioctl(struct kunit *test)
{
	struct program *p = test->priv;

	KUNIT_EXPECT_EQ(test, program_ioctl(test, p->ctl, VFIO_STUB_STOP, NULL), -ENOTTY);
	KUNIT_EXPECT_EQ(test, program_ioctl(test, p->container, VFIO_STUB_STOP, NULL), -ENOTTY);
	KUNIT_EXPECT_EQ(test, program_command(test, VFIO_STUB_CONTAINER), -ENOTTY);
	KUNIT_EXPECT_EQ(test, program_command(test, VFIO_STUB_GIVE_UP), -EINVAL);
}

/* Where the argument should be there is nothing. */
static void vfio_stub_fault(struct kunit *test)
{
	struct program *p = test->priv;
	const struct {
		struct file *file;
		unsigned int cmd;
	} calls[] = {
		{ p->container, VFIO_STUB_MAP }, { p->container, VFIO_STUB_UNMAP },
		{ p->device, VFIO_STUB_INFO }, { p->device, VFIO_STUB_BIND },
		{ p->device, VFIO_STUB_SET_IRQ }, { p->device, VFIO_STUB_START },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		struct file *file = calls[i].file;

		KUNIT_EXPECT_EQ_MSG(test, file->f_op->unlocked_ioctl(file, calls[i].cmd, 0),
				    -EFAULT, "call %u", i);
	}
}

static void vfio_stub_no_such_file(struct kunit *test)
{
	struct program *p = test->priv;
	struct vfio_stub_map_args map = program_mapping;
	struct vfio_stub_irq_args irq = { .eventfd = PROGRAM_NO_FD };
	s32 fd = PROGRAM_NO_FD;

	map.memfd = PROGRAM_NO_FD;
	KUNIT_EXPECT_EQ(test, program_ioctl(test, p->container, VFIO_STUB_MAP, &map), -EBADF);
	KUNIT_EXPECT_EQ(test, program_ioctl(test, p->device, VFIO_STUB_BIND, &fd), -EBADF);
	KUNIT_EXPECT_EQ(test, program_ioctl(test, p->device, VFIO_STUB_SET_IRQ, &irq), -EBADF);

	/* Or one of another type. */
	KUNIT_EXPECT_EQ(test, program_map(test, p->eventfd, program_mapping), -EINVAL);
	KUNIT_EXPECT_EQ(test, program_bind(test, p->memfd), -EINVAL);
	KUNIT_EXPECT_EQ(test, program_irq(test, 0, p->memfd), -EINVAL);
	KUNIT_EXPECT_EQ(test, program_irq(test, VFIO_STUB_IRQS, p->eventfd), -EINVAL);
	KUNIT_EXPECT_NULL(test, program_device(test)->container);
	KUNIT_EXPECT_NULL(test, program_device(test)->irq[0].file);
}

static void vfio_stub_no_memory(struct kunit *test)
{
	struct program *p = test->priv;
	unsigned int n, failed = 0;
	bool hit = true;
	long fd;

	if (!luokit_can_fail_alloc())
		kunit_skip(test, "needs CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC");

	for (n = 1; hit && n < 100; n++) {
		luokit_fail_alloc_nth(p->k, n);
		fd = p->ctl->f_op->unlocked_ioctl(p->ctl, VFIO_STUB_CONTAINER, 0);
		hit = luokit_fail_end(p->k);
		if (fd < 0) {
			KUNIT_EXPECT_TRUE(test, hit);
			KUNIT_EXPECT_EQ(test, fd, -ENOMEM);
			failed++;
			continue;
		}
		/* None failed, or one of the kernel's checkers, which have other ways. */
		luokit_own(p->k, fget(fd));
		close_fd(fd);
	}
	/* The container and its file at the least. */
	KUNIT_EXPECT_GE(test, failed, 2);
	KUNIT_EXPECT_FALSE(test, hit);
}

/* ---- Containers ----------------------------------------------------------------------------- */

static void vfio_stub_map_refused(struct kunit *test)
{
	struct program *p = test->priv;
	const struct vfio_stub_map_args args[] = {
		{ .iova = PROGRAM_IOVA, .bytes = PAGE_SIZE, .flags = 1 },
		{ .iova = PROGRAM_IOVA },
		{ .iova = PROGRAM_IOVA, .bytes = VFIO_STUB_MAP_BYTES + PAGE_SIZE },
		{ .iova = PROGRAM_IOVA, .bytes = PAGE_SIZE + 8 },
		{ .iova = PROGRAM_IOVA + 8, .bytes = PAGE_SIZE },
		{ .iova = PROGRAM_IOVA, .bytes = PAGE_SIZE, .offset = 8 },
		{ .iova = -PAGE_SIZE, .bytes = 2 * PAGE_SIZE },
		{ .iova = PROGRAM_IOVA, .bytes = 2 * PAGE_SIZE, .offset = -PAGE_SIZE },
		{ .iova = PROGRAM_IOVA, .bytes = PAGE_SIZE, .offset = PROGRAM_MEMFD },
		{ .iova = PROGRAM_IOVA, .bytes = PROGRAM_MEMFD + PAGE_SIZE },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(args); i++)
		KUNIT_EXPECT_EQ_MSG(test, program_map(test, p->memfd, args[i]), -EINVAL,
				    "mapping %u", i);
	KUNIT_EXPECT_EQ(test, program_container(test)->nr_maps, 0);
}

/* Wherever the next one goes: by address, and never where another one is. */
static void vfio_stub_map_overlaps(struct kunit *test)
{
	struct program *p = test->priv;
	const struct {
		u64 page, pages;
		long ret;
	} maps[] = {
		{ 16, 2, 0 }, { 32, 2, 0 }, { 24, 2, 0 }, { 8, 2, 0 }, { 18, 2, 0 },
		{ 24, 2, -EEXIST }, { 25, 1, -EEXIST }, { 23, 2, -EEXIST }, { 33, 4, -EEXIST },
		{ 31, 4, -EEXIST }, { 9, 1, -EEXIST }, { 14, 3, -EEXIST }, { 20, 4, 0 },
	};
	struct vfio_stub_map *map;
	unsigned int i, nr = 0;
	u64 end = 0;

	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		const struct vfio_stub_map_args args = {
			.iova = maps[i].page * PAGE_SIZE, .bytes = maps[i].pages * PAGE_SIZE,
		};

		KUNIT_EXPECT_EQ_MSG(test, program_map(test, p->memfd, args), maps[i].ret,
				    "mapping %u", i);
		nr += !maps[i].ret;
	}
	KUNIT_EXPECT_EQ(test, program_container(test)->nr_maps, nr);
	list_for_each_entry(map, &program_container(test)->maps, list) {
		KUNIT_EXPECT_GE(test, map->iova, end);
		end = map->iova + map->bytes;
	}
	/* Not the first in the list. */
	KUNIT_EXPECT_EQ(test, program_unmap(test, 24 * PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, program_unmap(test, 24 * PAGE_SIZE), -ENOENT);
	KUNIT_EXPECT_EQ(test, program_container(test)->nr_maps, nr - 1);
}

static void vfio_stub_map_limit(struct kunit *test)
{
	struct program *p = test->priv;
	struct vfio_stub_map_args args = { .bytes = PAGE_SIZE };
	unsigned int i;

	for (i = 0; i < VFIO_STUB_MAPS; i++, args.iova += PAGE_SIZE)
		KUNIT_ASSERT_EQ(test, program_map(test, p->memfd, args), 0);
	KUNIT_EXPECT_EQ(test, program_map(test, p->memfd, args), -ENOSPC);
	KUNIT_EXPECT_EQ(test, program_container(test)->nr_maps, VFIO_STUB_MAPS);
	KUNIT_EXPECT_EQ(test, program_unmap(test, 0), 0);
	KUNIT_EXPECT_EQ(test, program_map(test, p->memfd, args), 0);
}

/* ---- The engine ----------------------------------------------------------------------------- */

static void vfio_stub_start_refused(struct kunit *test)
{
	struct program *p = test->priv;
	const struct {
		struct vfio_stub_start_args args;
		long ret;
	} starts[] = {
		/* What makes no sense anywhere. */
		{ { PROGRAM_IOVA, 0, 100 }, -EINVAL },
		{ { PROGRAM_IOVA, 12, 100 }, -EINVAL },
		{ { PROGRAM_IOVA + 4, 16, 100 }, -EINVAL },
		{ { PROGRAM_IOVA, 16, 19 }, -EINVAL },
		{ { PROGRAM_IOVA, 16, USEC_PER_SEC + 1 }, -EINVAL },
		{ { PROGRAM_IOVA, 16, 100, VFIO_STUB_IRQS }, -EINVAL },
		{ { PROGRAM_IOVA, 16, 100, .flags = 1 }, -EINVAL },
		/* Before the memory, behind it, and beyond its end. */
		{ { PROGRAM_IOVA - 8, 16, 100 }, -EFAULT },
		{ { PROGRAM_IOVA + PROGRAM_MEMFD, 16, 100 }, -EFAULT },
		{ { PROGRAM_IOVA + PROGRAM_MEMFD - 8, 16, 100 }, -EFAULT },
		{ { PROGRAM_IOVA, PROGRAM_MEMFD + 8, 100 }, -EFAULT },
		{ { PROGRAM_IOVA + 8, -16ULL, 100 }, -EFAULT },
		/* At the very limits. */
		{ { PROGRAM_IOVA + PROGRAM_MEMFD - 16, 16, USEC_PER_SEC, VFIO_STUB_IRQS - 1 }, 0 },
		{ { PROGRAM_IOVA, 16, 100 }, -EBUSY },
	};
	unsigned int i;

	KUNIT_EXPECT_EQ(test, program_start(test, program_engine), -ENOTCONN);
	KUNIT_ASSERT_EQ(test, program_map(test, p->memfd, program_mapping), 0);
	KUNIT_ASSERT_EQ(test, program_bind(test, p->container), 0);
	KUNIT_EXPECT_EQ(test, program_bind(test, p->container), -EBUSY);
	for (i = 0; i < ARRAY_SIZE(starts); i++)
		KUNIT_EXPECT_EQ_MSG(test, program_start(test, starts[i].args), starts[i].ret,
				    "start %u", i);
	KUNIT_EXPECT_EQ(test, program_info(test).flags, VFIO_STUB_BOUND | VFIO_STUB_RUNNING);
}

/* ---- Config space --------------------------------------------------------------------------- */

static ssize_t program_read(struct kunit *test, loff_t pos, void *data, size_t count)
{
	struct program *p = test->priv;
	ssize_t ret = p->device->f_op->read(p->device, p->page, count, &pos);

	if (ret > 0)
		KUNIT_ASSERT_EQ(test, copy_from_user(data, p->page, ret), 0);

	return ret;
}

static ssize_t program_write(struct kunit *test, loff_t pos, const void *data, size_t count)
{
	struct program *p = test->priv;

	KUNIT_ASSERT_EQ(test, copy_to_user(p->page, data, count), 0);

	return p->device->f_op->write(p->device, p->page, count, &pos);
}

static void vfio_stub_config_space(struct kunit *test)
{
	struct program *p = test->priv;
	static const char written[] = "written";
	char read[16] = {};
	loff_t pos = 0;

	KUNIT_EXPECT_EQ(test, program_write(test, 100, written, sizeof(written)), sizeof(written));
	KUNIT_EXPECT_EQ(test, program_read(test, 100, read, sizeof(read)), sizeof(read));
	KUNIT_EXPECT_STREQ(test, read, written);
	KUNIT_EXPECT_EQ(test, program_read(test, 99, read, 2), 2);
	KUNIT_EXPECT_MEMEQ(test, read, "\0w", 2);

	/* As much as there is room for. */
	KUNIT_EXPECT_EQ(test, program_write(test, VFIO_STUB_CONFIG_BYTES - 3, written, 5), 3);
	KUNIT_EXPECT_EQ(test, program_read(test, VFIO_STUB_CONFIG_BYTES - 3, read, 5), 3);
	KUNIT_EXPECT_MEMEQ(test, read, "wri", 3);
	KUNIT_EXPECT_EQ(test, program_write(test, VFIO_STUB_CONFIG_BYTES, written, 5), -ENOSPC);
	KUNIT_EXPECT_EQ(test, program_write(test, VFIO_STUB_CONFIG_BYTES, written, 0), 0);
	KUNIT_EXPECT_EQ(test, program_read(test, VFIO_STUB_CONFIG_BYTES, read, 5), 0);
	KUNIT_EXPECT_EQ(test, program_write(test, -1, written, 5), -EINVAL);
	KUNIT_EXPECT_EQ(test, p->device->f_op->write(p->device, NULL, 5, &pos), -EFAULT);
	KUNIT_EXPECT_EQ(test, p->device->f_op->read(p->device, NULL, 5, &pos), -EFAULT);
	KUNIT_EXPECT_EQ(test, pos, 0);
}

/* ---- Live update ---------------------------------------------------------------------------- */

/* Who waits for a frozen kernel can be killed, and then has changed nothing. */
static void vfio_stub_killed(struct kunit *test)
{
	struct program *p = test->priv;
	struct file *session = luokit_create(p->k, "s");
	struct vfio_stub_map_args more = { .bytes = PAGE_SIZE };
	u8 config = 0;

	KUNIT_ASSERT_EQ(test, program_map(test, p->memfd, program_mapping), 0);
	KUNIT_ASSERT_EQ(test, program_bind(test, p->container), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(p->k, session, 1, p->device), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(p->k, session, 2, p->container), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(p->k, session, 3, p->memfd), 0);
	KUNIT_ASSERT_EQ(test, luokit_freeze(p->k), 0);

	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	KUNIT_EXPECT_EQ(test, program_map(test, p->memfd, more), -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, program_unmap(test, PROGRAM_IOVA), -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, program_bind(test, NULL), -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, program_write(test, 0, "x", 1), -ERESTARTSYS);
	/* To look is allowed. */
	KUNIT_EXPECT_EQ(test, program_info(test).flags, VFIO_STUB_BOUND);
	KUNIT_EXPECT_EQ(test, program_read(test, 0, &config, 1), 1);
	flush_signals(current);
	disallow_signal(SIGKILL);

	KUNIT_EXPECT_EQ(test, program_container(test)->nr_maps, 1);
	KUNIT_EXPECT_EQ(test, config, 0);
	luokit_thaw(p->k);
	KUNIT_EXPECT_EQ(test, program_map(test, p->memfd, more), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(p->k, session), 0);
}

/* ---- The bus -------------------------------------------------------------------------------- */

/* As a module that is unloaded, of which nobody may have files. */
static void program_unload(struct kunit *test)
{
	struct program *p = test->priv;

	luokit_put(p->k, p->ctl);
	luokit_put(p->k, p->device);
	luokit_put(p->k, p->container);
	p->world->exit();
	KUNIT_EXPECT_NULL(test, p->world->find(0));
}

/* What init returns with other parameters; the next boot has those that were. */
static int program_load(struct kunit *test, unsigned int devices, bool enabled)
{
	struct program *p = test->priv;
	int err;

	vfio_stub_kunit_devices = devices;
	vfio_stub_kunit_enabled = enabled;
	p->world->hardware();
	err = p->world->init();
	vfio_stub_kunit_devices = PROGRAM_DEVICES;
	vfio_stub_kunit_enabled = true;
	p->world->hardware();

	return err;
}

static bool program_loaded(struct kunit *test)
{
	struct program *p = test->priv;
	struct file *file = luokit_open_misc(p->k, "vfio-stub", O_RDWR);

	if (IS_ERR(file))
		return p->world->find(0);
	luokit_put(p->k, file);

	return true;
}

static void vfio_stub_parameters(struct kunit *test)
{
	struct program *p = test->priv;

	KUNIT_EXPECT_NOT_NULL(test, p->world->find(PROGRAM_DEVICES - 1));
	KUNIT_EXPECT_NULL(test, p->world->find(PROGRAM_DEVICES));
	KUNIT_EXPECT_NULL(test, p->world->find(VFIO_STUB_DEVICES));

	program_unload(test);
	KUNIT_EXPECT_EQ(test, program_load(test, PROGRAM_DEVICES, false), 0);
	KUNIT_EXPECT_FALSE(test, program_loaded(test));
	KUNIT_EXPECT_EQ(test, program_load(test, VFIO_STUB_DEVICES + 1, true), -EINVAL);
	KUNIT_EXPECT_FALSE(test, program_loaded(test));
	KUNIT_ASSERT_EQ(test, program_load(test, VFIO_STUB_DEVICES, true), 0);
	KUNIT_EXPECT_TRUE(test, program_loaded(test));
	KUNIT_EXPECT_NOT_NULL(test, p->world->find(VFIO_STUB_DEVICES - 1));
}

/* Something that it needs is somebody else's already: then it leaves nothing else behind. */
static void vfio_stub_occupied(struct kunit *test)
{
	struct program *p = test->priv;
	enum vfio_stub_occupied what;

	program_unload(test);
	for (what = 0; what < VFIO_STUB_NR_OCCUPIED; what++) {
		KUNIT_ASSERT_EQ(test, p->world->occupy(what), 0);
		KUNIT_EXPECT_EQ_MSG(test, program_load(test, PROGRAM_DEVICES, true), -EEXIST,
				    "occupied: %u", what);
		KUNIT_EXPECT_NULL(test, p->world->find(0));
		p->world->vacate(what);
		KUNIT_EXPECT_FALSE(test, program_loaded(test));
	}
	KUNIT_EXPECT_EQ(test, program_load(test, PROGRAM_DEVICES, true), 0);
	KUNIT_EXPECT_TRUE(test, program_loaded(test));
}

/*
 * Whatever cannot be allocated: all is there or nothing, and can be loaded the next time. The
 * driver core has more that it can do without, and reports none of it. Returns how often
 * it was nothing.
 */
static unsigned int program_load_fails(struct kunit *test)
{
	struct program *p = test->priv;
	unsigned int n, failed = 0;
	bool hit = true;
	int err;

	for (n = 1; hit && n < 1000; n++) {
		luokit_fail_alloc_nth(p->k, n);
		err = p->world->init();
		hit = luokit_fail_end(p->k);
		KUNIT_ASSERT_FALSE_MSG(test, err && !hit, "allocation %u: %d", n, err);
		if (err) {
			KUNIT_EXPECT_EQ_MSG(test, err, -ENOMEM, "allocation %u", n);
			KUNIT_EXPECT_FALSE_MSG(test, program_loaded(test), "allocation %u", n);
			failed++;
		} else {
			KUNIT_EXPECT_TRUE_MSG(test, program_loaded(test), "allocation %u", n);
			p->world->exit();
		}
	}
	KUNIT_EXPECT_FALSE(test, hit);

	return failed;
}

static void vfio_stub_load_fails(struct kunit *test)
{
	unsigned int round;

	if (!luokit_can_fail_alloc())
		kunit_skip(test, "needs CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC");

	program_unload(test);
	/* Pages for the slabs count as well, now and then: one round can miss an allocation. */
	for (round = 0; round < 3; round++)
		KUNIT_EXPECT_GT(test, program_load_fails(test), 10);
	KUNIT_EXPECT_EQ(test, program_load(test, PROGRAM_DEVICES, true), 0);
}

static struct kunit_case vfio_stub_program_cases[] = {
	KUNIT_CASE(vfio_stub_life),
	KUNIT_CASE(vfio_stub_no_listener),
	KUNIT_CASE(vfio_stub_late_tick),
	KUNIT_CASE(vfio_stub_no_such_ioctl),
	KUNIT_CASE(vfio_stub_fault),
	KUNIT_CASE(vfio_stub_no_such_file),
	KUNIT_CASE(vfio_stub_no_memory),
	KUNIT_CASE(vfio_stub_map_refused),
	KUNIT_CASE(vfio_stub_map_overlaps),
	KUNIT_CASE(vfio_stub_map_limit),
	KUNIT_CASE(vfio_stub_start_refused),
	KUNIT_CASE(vfio_stub_config_space),
	KUNIT_CASE(vfio_stub_killed),
	KUNIT_CASE(vfio_stub_parameters),
	KUNIT_CASE(vfio_stub_occupied),
	KUNIT_CASE(vfio_stub_load_fails),
	{}
};

static struct kunit_suite vfio_stub_program_suite = {
	.name = "vfio_stub",
	.init = program_init,
	.exit = program_exit,
	.test_cases = vfio_stub_program_cases,
};

kunit_test_suite(vfio_stub_program_suite);

MODULE_DESCRIPTION("KUnit tests of the vfio stub");
MODULE_LICENSE("GPL");
