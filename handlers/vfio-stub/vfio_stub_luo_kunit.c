// SPDX-License-Identifier: GPL-2.0
/*
 * vfio_stub_luo_kunit.c - tests of the vfio stub's live update, without a reboot.
 *
 * First devices and their bus, then what happens where a file that is needed is not there, or
 * what was saved is not what it should be, then all orders in which four files can be preserved
 * and retrieved. The last lines put both types of files through the conformance kit.
 *
 * The engine runs on a timer, and the fake kexec does not stop time: how exactly it goes on is
 * for the scenarios of tests/vm.
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <luokit_subject.h>
#include <luosdk/fdt.h>
#include <luosdk/handler.h>

#include "memfd_subject.h"
#include "vfio_stub_luo_abi.h"
#include "vfio_stub_luo_kunit.h"

#define STUB_DEVICES		4
#define STUB_SERIAL		1000

unsigned int vfio_stub_kunit_devices = STUB_DEVICES;
unsigned long vfio_stub_kunit_serial = STUB_SERIAL;
bool vfio_stub_kunit_enabled = true;

/* What a device is made of, in &luokit_state.arg. */
#define STUB_RUNS		BIT_ULL(0)
#define STUB_QUIET		BIT_ULL(1)	/* it runs and raises no interrupts */
#define STUB_CONFIG		BIT_ULL(2)
#define STUB_NONBLOCK		BIT_ULL(3)
#define STUB_UNBOUND		BIT_ULL(4)
#define STUB_IRQS(_n)		((u64)(_n) << 8)
#define STUB_MAPS(_n)		((u64)(_n) << 16)

#define STUB_MAP_BYTES		(2 * PAGE_SIZE)
/* With room between mappings, or they would have to be told apart by nothing. */
#define STUB_IOVA(_n)		(0x10000ULL * ((_n) + 1))

static const struct vfio_stub_world_private *stub_world(struct luokit *k)
{
	return luokit_private(k);
}

static struct vfio_stub_device *stub_device(struct file *file)
{
	return ((struct vfio_stub_open *)file->private_data)->device;
}

static int stub_command(struct luokit *k, struct file *file, unsigned int cmd,
			struct file *other)
{
	return stub_world(k)->command(stub_device(file), cmd, other, NULL, 0);
}

static int stub_map(struct luokit *k, struct file *container, struct file *memfd, u64 iova)
{
	const struct vfio_stub_map_args args = { .iova = iova, .bytes = STUB_MAP_BYTES };

	return stub_world(k)->map(container->private_data, &args, memfd);
}

static struct file *stub_container_make(struct luokit *k, u64 arg)
{
	struct file *container = stub_world(k)->container_create(O_RDWR |
				(arg & STUB_NONBLOCK ? O_NONBLOCK : 0));
	unsigned int i, maps = arg >> 16 & 0xff;
	int err = 0;

	for (i = 0; !IS_ERR(container) && !err && i < maps; i++) {
		struct file *memfd = memfd_subject_make(k, STUB_MAP_BYTES);

		err = PTR_ERR_OR_ZERO(memfd);
		if (!err) {
			err = stub_map(k, container, memfd, STUB_IOVA(i));
			fput(memfd);
		}
	}
	if (err) {
		fput(container);
		return ERR_PTR(err);
	}

	return container;
}

/* The first device that nobody has and nobody is promised. */
static struct vfio_stub_device *stub_free_device(struct luokit *k)
{
	u32 i;

	for (i = 0; i < VFIO_STUB_DEVICES; i++) {
		struct vfio_stub_device *device = stub_world(k)->find(i);

		if (device && !device->opens && luosdk_guard_phase(&device->guard) == LUOSDK_IDLE)
			return device;
	}

	return NULL;
}

static int stub_setup(struct luokit *k, struct file *file, u64 arg)
{
	struct vfio_stub_start_args start = {
		.iova = STUB_IOVA(0), .bytes = STUB_MAP_BYTES, .period_us = 500, .every = 4,
	};
	struct vfio_stub_device *device = stub_device(file);
	static const u8 config[] = "configured";
	unsigned int i, irqs = arg >> 8 & 0xff;
	struct file *other;
	int err = 0;

	if (!(arg & STUB_UNBOUND)) {
		other = stub_container_make(k, arg);
		if (IS_ERR(other))
			return PTR_ERR(other);
		err = stub_command(k, file, VFIO_STUB_BIND, other);
		fput(other);
	}
	for (i = 0; !err && i < irqs; i++) {
		other = eventfd_create_file(0, 0);
		if (IS_ERR(other))
			return PTR_ERR(other);
		err = stub_world(k)->command(device, VFIO_STUB_SET_IRQ, other, NULL, i);
		fput(other);
	}
	if (!err && arg & STUB_CONFIG)
		err = stub_world(k)->config(device, 17, config, sizeof(config));
	if (arg & STUB_QUIET)
		start.every = 0;
	if (!err && arg & STUB_RUNS)
		err = stub_world(k)->command(device, VFIO_STUB_START, NULL, &start, 0);

	return err;
}

static struct file *stub_make(struct luokit *k, u64 arg)
{
	struct vfio_stub_device *device = stub_free_device(k);
	struct file *file;
	int err;

	if (!device)
		return ERR_PTR(-EBUSY);
	file = stub_world(k)->open(device, O_RDWR | (arg & STUB_NONBLOCK ? O_NONBLOCK : 0));
	if (IS_ERR(file))
		return file;
	err = stub_setup(k, file, arg);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}

	return file;
}

static int stub_init(struct kunit *test)
{
	vfio_stub_kunit_devices = STUB_DEVICES;
	test->priv = luokit_boot(test, &vfio_stub_world);

	return 0;
}

static void stub_exit(struct kunit *test)
{
	vfio_stub_kunit_devices = STUB_DEVICES;
	vfio_stub_kunit_serial = STUB_SERIAL;
}

static struct file *stub_make_own(struct kunit *test, u64 arg)
{
	struct file *file = luokit_own(test->priv, stub_make(test->priv, arg));

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);

	return file;
}

/* Tokens of the files of a device: itself, its container, memfds, eventfds. */
enum { DEVICE = 1, CONTAINER = 2, MEMFD = 10, EVENTFD = 20 };

static int stub_preserve_container(struct luokit *k, struct file *session, struct file *container)
{
	struct vfio_stub_container *c = container->private_data;
	struct vfio_stub_map *map;
	u64 token = MEMFD;
	int err;

	err = luokit_preserve(k, session, CONTAINER, container);
	list_for_each_entry(map, &c->maps, list)
		if (!err)
			err = luokit_preserve(k, session, token++, map->memfd);

	return err;
}

static int stub_preserve(struct luokit *k, struct file *session, struct file *file)
{
	struct vfio_stub_device *device = stub_device(file);
	int err;
	u32 i;

	err = luokit_preserve(k, session, DEVICE, file);
	if (!err)
		err = stub_preserve_container(k, session, device->container);
	for (i = 0; i < VFIO_STUB_IRQS; i++)
		if (!err && device->irq[i].file)
			err = luokit_preserve(k, session, EVENTFD + i, device->irq[i].file);

	return err;
}

/* Into the next kernel, up to the session. */
static struct file *stub_preserved(struct kunit *test, u64 arg)
{
	struct file *session = luokit_create(test->priv, "s");

	KUNIT_ASSERT_EQ(test, stub_preserve(test->priv, session, stub_make_own(test, arg)), 0);

	return session;
}

static struct file *stub_arrived(struct kunit *test, u64 arg)
{
	stub_preserved(test, arg);
	KUNIT_ASSERT_EQ(test, luokit_reboot(test->priv), 0);

	return luokit_retrieve_session(test->priv, "s");
}

static void stub_end(struct kunit *test, struct file *session)
{
	KUNIT_EXPECT_EQ(test, luokit_finish(test->priv, session), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(test->priv, session), 0);
}

/* ---- Devices and their bus ------------------------------------------------------------------ */

static void vfio_stub_layout(struct kunit *test)
{
	static const u8 golden[sizeof(struct vfio_stub_luo_ser)] = {
		0x00, 0x50, 0x43, 0, 0, 0, 0, 0,	/* tree.phys */
		0x00, 0x10, 0, 0, 0x21, 0x03, 0, 0,	/* .room, .bytes */
		0, 0, 0, 0, 0xef, 0xbe, 0xad, 0xde,	/* .crc */
		0x02, 0x08, 0, 0, 0, 0, 0, 0,		/* file_flags */
		0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,	/* count */
	};
	struct vfio_stub_luo_ser ser = {
		.tree = {
			.phys = 0x435000, .room = 0x1000, .bytes = 0x321, .crc = 0xdeadbeef,
		},
		.file_flags = O_RDWR | O_NONBLOCK,
		.count = 0x0102030405060708,
	};

	KUNIT_EXPECT_MEMEQ(test, &ser, golden, sizeof(golden));
	KUNIT_EXPECT_STREQ(test, VFIO_STUB_LUO_FH_COMPATIBLE, "luosdk-vfio-stub-v1");
	KUNIT_EXPECT_STREQ(test, VFIO_STUB_CONTAINER_LUO_FH_COMPATIBLE,
			   "luosdk-vfio-stub-container-v1");
	KUNIT_EXPECT_STREQ(test, VFIO_STUB_BUS_LUO_FLB_COMPATIBLE, "luosdk-vfio-stub-bus-v1");
}

/* How far the engine has come, which is further than @count: it has ten seconds. */
static u64 stub_count_beyond(struct kunit *test, struct vfio_stub_device *device, u64 count)
{
	unsigned int ms;

	for (ms = 0; ms < 10000 && READ_ONCE(device->engine.count) <= count; ms += 20)
		msleep(20);
	KUNIT_EXPECT_GT(test, READ_ONCE(device->engine.count), count);

	return READ_ONCE(device->engine.count);
}

/* It goes on where it was, by itself, at the same place, and its interrupts arrive. */
static void vfio_stub_engine(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = stub_make_own(test, STUB_RUNS | STUB_MAPS(1) | STUB_IRQS(1)), *session;
	struct vfio_stub_device *device = stub_device(file);
	u64 count, slot, pos;

	session = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, stub_preserve(k, session, file), 0);
	stub_count_beyond(test, device, 0);
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	count = stub_count_beyond(test, device, READ_ONCE(device->engine.count));
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);

	session = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, session, DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	device = stub_device(file);
	KUNIT_EXPECT_GE(test, READ_ONCE(device->engine.count), count);
	count = stub_count_beyond(test, device, READ_ONCE(device->engine.count));
	pos = count * 8 % STUB_MAP_BYTES;
	slot = *(u64 *)(device->engine.map->page[pos >> PAGE_SHIFT] + offset_in_page(pos));
	KUNIT_EXPECT_GE(test, slot, count);
	eventfd_ctx_peek(device->irq[0].ctx, &slot);
	KUNIT_EXPECT_GE(test, slot + 2, count / 4);

	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_BIND, device->container), 0);
	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_STOP, NULL), 0);
	stub_end(test, session);
}

/* Everybody has to wait until its file was there. */
static void vfio_stub_reserved(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session = stub_arrived(test, STUB_MAPS(1)), *file;
	struct vfio_stub_device *device = stub_world(k)->find(0);

	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(&device->guard), LUOSDK_RESERVED);
	KUNIT_EXPECT_PTR_EQ(test, luokit_open_misc(k, "vfio-stub0", O_RDWR), ERR_PTR(-EBUSY));
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_open_misc(k, "vfio-stub1", O_RDWR)));

	file = luokit_retrieve(k, session, DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_open_misc(k, "vfio-stub0", O_RDWR)));
	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_GIVE_UP, NULL), 0);
	stub_end(test, session);
}

/* Nobody comes for it: then it is free when the session ends. */
static void vfio_stub_not_retrieved(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session = stub_arrived(test, STUB_MAPS(1));
	struct vfio_stub_device *device = stub_world(k)->find(0);

	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(&device->guard), LUOSDK_RESERVED);
	stub_end(test, session);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(&device->guard), LUOSDK_IDLE);
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_open_misc(k, "vfio-stub0", O_RDWR)));
}

/* A program has to say that it is in charge, and of what. */
static void vfio_stub_bound_again(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session = stub_arrived(test, STUB_MAPS(1) | STUB_IRQS(1)), *file, *other;
	struct vfio_stub_device *device;

	file = luokit_retrieve(k, session, DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	device = stub_device(file);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, session), -EBUSY);
	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_STOP, NULL), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_RESET, NULL), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_BIND, NULL), -ENOTCONN);
	other = luokit_own(k, stub_container_make(k, 0));
	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_BIND, other), -EINVAL);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, session), -EBUSY);
	other = luokit_retrieve(k, session, CONTAINER);
	KUNIT_EXPECT_PTR_EQ(test, other, device->container);
	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_BIND, other), 0);
	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_GIVE_UP, NULL), -EINVAL);
	stub_end(test, session);
	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_RESET, NULL), 0);
}

static void vfio_stub_given_up(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session = stub_arrived(test, STUB_MAPS(1) | STUB_RUNS | STUB_CONFIG), *file;
	struct vfio_stub_info info = {};

	file = luokit_retrieve(k, session, DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	stub_world(k)->info(stub_device(file), &info);
	KUNIT_EXPECT_EQ(test, info.flags, VFIO_STUB_BOUND | VFIO_STUB_RUNNING | VFIO_STUB_INCOMING);
	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_GIVE_UP, NULL), 0);
	memset(&info, 0, sizeof(info));
	stub_world(k)->info(stub_device(file), &info);
	KUNIT_EXPECT_EQ(test, info.flags, 0);
	KUNIT_EXPECT_EQ(test, info.count, 0);
	KUNIT_EXPECT_EQ(test, stub_device(file)->config[17], 0);
	stub_end(test, session);
}

/* Two struct files, one device. */
static void vfio_stub_two_files(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *one, *two, *session = luokit_create(k, "s"), *another;

	one = luokit_open_misc(k, "vfio-stub3", O_RDWR);
	two = luokit_open_misc(k, "vfio-stub3", O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(one) || IS_ERR(two));
	KUNIT_EXPECT_PTR_NE(test, one->private_data, two->private_data);
	KUNIT_ASSERT_EQ(test, stub_setup(k, two, STUB_MAPS(1)), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, session, 1, one), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, session, 2, two), -EBUSY);
	another = luokit_create(k, "another");
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, another, 1, two), -EBUSY);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, another, 1, two), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, another), 0);
}

/* Two devices that write to the same memory find it in one container again. */
static void vfio_stub_shared_container(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *a = stub_make_own(test, STUB_MAPS(2)), *b = stub_make_own(test, STUB_UNBOUND);
	struct file *session = luokit_create(k, "s");

	KUNIT_ASSERT_EQ(test, stub_command(k, b, VFIO_STUB_BIND, stub_device(a)->container), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, 100, b), 0);
	KUNIT_ASSERT_EQ(test, stub_preserve(k, session, a), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	session = luokit_retrieve_session(k, "s");
	a = luokit_retrieve(k, session, DEVICE);
	b = luokit_retrieve(k, session, 100);
	KUNIT_ASSERT_FALSE(test, IS_ERR(a) || IS_ERR(b));
	KUNIT_EXPECT_PTR_EQ(test, stub_device(a)->container, stub_device(b)->container);
	KUNIT_EXPECT_EQ(test, stub_device(a)->serial, STUB_SERIAL);
	KUNIT_EXPECT_EQ(test, stub_device(b)->serial, STUB_SERIAL + 1);
	KUNIT_EXPECT_EQ(test, stub_command(k, a, VFIO_STUB_GIVE_UP, NULL), 0);
	KUNIT_EXPECT_EQ(test, stub_command(k, b, VFIO_STUB_GIVE_UP, NULL), 0);
	stub_end(test, session);
}

static void vfio_stub_device_gone(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session;

	stub_preserved(test, STUB_MAPS(1));
	vfio_stub_kunit_devices = 0;
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	session = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, session, DEVICE), ERR_PTR(-ENODEV));
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, session, DEVICE), ERR_PTR(-ENODEV));
	/* The rest is there all the same. */
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_retrieve(k, session, CONTAINER)));
	stub_end(test, session);
}

static void vfio_stub_device_differs(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session;

	stub_preserved(test, STUB_MAPS(1));
	vfio_stub_kunit_serial = 2000;
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(&stub_world(k)->find(0)->guard), LUOSDK_IDLE);
	session = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, session, DEVICE), ERR_PTR(-ESTALE));
	stub_end(test, session);
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_open_misc(k, "vfio-stub0", O_RDWR)));
}

static void vfio_stub_device_taken(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session = stub_arrived(test, STUB_MAPS(1));

	/* As on a bus that could not be told what is coming. */
	stub_world(k)->unreserve(stub_world(k)->find(0));
	KUNIT_ASSERT_FALSE(test, IS_ERR(luokit_open_misc(k, "vfio-stub0", O_RDWR)));
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, session, DEVICE), ERR_PTR(-EBUSY));
	stub_end(test, session);
}

static void stub_newer_bus(struct luokit *k, void *ctx)
{
	stub_world(k)->newer_bus();
}

/*
 * The old kernel's bus says what this one's cannot read. No device is reserved: whoever opens one
 * first has it, and here that is its file.
 */
static void vfio_stub_newer_bus(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session, *file;

	stub_preserved(test, STUB_MAPS(1));
	luokit_between(k, stub_newer_bus, NULL, NULL);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(&stub_world(k)->find(0)->guard), LUOSDK_IDLE);
	session = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, session, DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_GIVE_UP, NULL), 0);
	stub_end(test, session);
}

/* The driver core asks the bus. */
static void stub_shutdown(struct file *file)
{
	struct device *dev = &stub_device(file)->dev;

	dev->bus->shutdown(dev);
}

/* What is preserved works on, all else is reset. */
static void vfio_stub_shutdown(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = stub_make_own(test, STUB_MAPS(1) | STUB_RUNS);
	struct file *other = stub_make_own(test, STUB_MAPS(1) | STUB_RUNS);
	struct file *session = luokit_create(k, "s");

	KUNIT_ASSERT_EQ(test, stub_preserve(k, session, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	stub_shutdown(file);
	stub_shutdown(other);
	KUNIT_EXPECT_NOT_NULL(test, stub_device(file)->engine.map);
	KUNIT_EXPECT_NULL(test, stub_device(other)->engine.map);
	KUNIT_EXPECT_NULL(test, stub_device(other)->container);
	luokit_thaw(k);
	/* A reboot that is no live update. */
	stub_shutdown(file);
	KUNIT_EXPECT_NULL(test, stub_device(file)->engine.map);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
}

/* ---- Files that are not there --------------------------------------------------------------- */

static void vfio_stub_unbound(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = stub_make_own(test, STUB_UNBOUND), *session = luokit_create(k, "s");

	KUNIT_EXPECT_EQ(test, luokit_preserve(k, session, DEVICE, file), -ENOTCONN);
	/* Or later: then the update is aborted, and all goes on. */
	KUNIT_ASSERT_EQ(test, stub_setup(k, file, STUB_MAPS(1)), 0);
	KUNIT_EXPECT_EQ(test, stub_preserve(k, session, file), 0);
	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_BIND, NULL), 0);
	KUNIT_EXPECT_EQ(test, luokit_freeze(k), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, stub_setup(k, file, 0), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
}

/* LUO does not know of the bus: nobody would keep the device for its file. */
static void vfio_stub_no_bus(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = stub_make_own(test, STUB_MAPS(1)), *session = luokit_create(k, "s");

	stub_world(k)->bus_unregister(stub_world(k)->device);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, session, DEVICE, file), -ENOENT);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(&stub_device(file)->guard), LUOSDK_IDLE);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
	KUNIT_EXPECT_EQ(test, stub_world(k)->bus_register(stub_world(k)->device), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, session, DEVICE, file), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
}

/* Each of the four files misses one that it needs. */
static void vfio_stub_missing(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = stub_make_own(test, STUB_MAPS(1) | STUB_IRQS(1)), *session;
	struct vfio_stub_device *device = stub_device(file);
	struct file *memfd = list_first_entry(&((struct vfio_stub_container *)
			device->container->private_data)->maps, struct vfio_stub_map, list)->memfd;
	struct file *files[] = { file, device->container, memfd, device->irq[0].file };
	unsigned int missing, i;

	for (missing = 1; missing < ARRAY_SIZE(files); missing++) {
		session = luokit_create(k, "s");
		for (i = 0; i < ARRAY_SIZE(files); i++)
			if (i != missing)
				KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, i, files[i]), 0);
		KUNIT_EXPECT_EQ_MSG(test, luokit_freeze(k), -ENOENT, "without file %u", missing);
		/* The old kernel is in order, and so is the device. */
		KUNIT_EXPECT_EQ(test, stub_world(k)->config(device, 0, "x", 1), 0);
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, missing, files[missing]), 0);
		KUNIT_EXPECT_EQ(test, luokit_freeze(k), 0);
		luokit_thaw(k);
		KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
	}
}

static void vfio_stub_other_session(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = stub_make_own(test, STUB_MAPS(1));
	struct file *session = luokit_create(k, "s"), *other = luokit_create(k, "other");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, 1, file), 0);
	KUNIT_ASSERT_EQ(test, stub_preserve_container(k, other, stub_device(file)->container), 0);
	KUNIT_EXPECT_EQ(test, luokit_freeze(k), -ENOENT);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, other), 0);
}

/* Its memfd's state is damaged: the container fails with it, and then the device. */
static void stub_damage(struct luokit *k, void *ctx)
{
	u32 *state = phys_to_virt(*(u64 *)ctx);

	state[8] ^= 1;
}

static void vfio_stub_parent_failed(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session = stub_preserved(test, STUB_MAPS(1)), *file;
	u64 handle;

	KUNIT_ASSERT_EQ(test, luokit_data(k, session, MEMFD, &handle), 0);
	luokit_between(k, NULL, stub_damage, &handle);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	session = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, session, DEVICE);
	KUNIT_EXPECT_PTR_EQ(test, file, ERR_PTR(-EBADMSG));
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, session, CONTAINER), ERR_PTR(-EBADMSG));
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, session, MEMFD), ERR_PTR(-EBADMSG));
	stub_end(test, session);
	/* Nobody's any more. */
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_open_misc(k, "vfio-stub0", O_RDWR)));
	/* The pages that the damaged state names. */
	luokit_expect_leak(k, STUB_MAP_BYTES);
}

/* ---- Trees that are intact, and not what the abi says --------------------------------------- */

enum stub_oddity {
	ODD_NOTHING,
	/* Of a device. */
	ODD_NO_ADDRESS, ODD_FAR_ADDRESS, ODD_NO_SERIAL, ODD_NO_CONFIG, ODD_NO_CONTAINER,
	ODD_CONTAINER, ODD_NO_PERIOD, ODD_PERIOD, ODD_IRQ, ODD_EVERY, ODD_NO_NUMBER,
	ODD_FAR_NUMBER, ODD_NO_EVENTFD, ODD_EVENTFD,
	/* Of a device's engine or a container's mapping. */
	ODD_NO_REG,
	/* Of a container. */
	ODD_NO_MEMFD, ODD_NO_BYTES, ODD_TWICE,
};

struct stub_odd {
	const char *name;
	enum stub_oddity what;
	int err;
	bool unknown;	/* even which device it is of */
};

/* What was preserved in whose name, and what to make of it. */
struct stub_forger {
	const struct stub_odd *odd;
	bool container;
	struct vfio_stub_device *device;
	u64 handle;
	int err;
};

static struct vfio_stub_map *stub_first_map(struct vfio_stub_device *device)
{
	struct vfio_stub_container *container = device->container->private_data;

	return list_first_entry(&container->maps, struct vfio_stub_map, list);
}

static void stub_forge_engine(struct luosdk_fdt_out *out, enum stub_oddity odd)
{
	const u64 reg[] = { STUB_IOVA(0), STUB_MAP_BYTES };

	luosdk_fdt_begin_node(out, "engine", LUOSDK_FDT_NO_UNIT);
	if (odd != ODD_NO_REG)
		luosdk_fdt_put_u64s(out, "reg", reg, ARRAY_SIZE(reg));
	if (odd != ODD_NO_PERIOD)
		luosdk_fdt_put_u32(out, "period-us", odd == ODD_PERIOD ? 1 : 500);
	if (odd == ODD_IRQ)
		luosdk_fdt_put_u64(out, "irq", 0);
	else
		luosdk_fdt_put_u32(out, "irq", 0);
	if (odd == ODD_EVERY)
		luosdk_fdt_put_u64(out, "every", 4);
	else
		luosdk_fdt_put_u32(out, "every", 4);
	luosdk_fdt_end_node(out);
}

static void stub_forge_device(struct luosdk_fdt_out *out, struct vfio_stub_device *device,
			      enum stub_oddity odd)
{
	u64 memfd = stub_first_map(device)->token;

	if (odd != ODD_NO_ADDRESS)
		luosdk_fdt_put_u32(out, "address", odd == ODD_FAR_ADDRESS ? VFIO_STUB_DEVICES :
						   device->address);
	if (odd != ODD_NO_SERIAL)
		luosdk_fdt_put_u64(out, "serial", device->serial);
	if (odd != ODD_NO_CONFIG)
		luosdk_fdt_put_bytes(out, "config", device->config, sizeof(device->config));
	if (odd != ODD_NO_CONTAINER)
		luosdk_fdt_put_u64(out, "container", odd == ODD_CONTAINER ? memfd : device->token);
	stub_forge_engine(out, odd);
	luosdk_fdt_begin_node(out, "interrupt", odd == ODD_NO_NUMBER ? LUOSDK_FDT_NO_UNIT :
						odd == ODD_FAR_NUMBER ? VFIO_STUB_IRQS : 0);
	if (odd != ODD_NO_EVENTFD)
		luosdk_fdt_put_u64(out, "eventfd", odd == ODD_EVENTFD ? memfd :
						   device->irq[0].token);
	luosdk_fdt_end_node(out);
}

static void stub_forge_container(struct luosdk_fdt_out *out, struct vfio_stub_device *device,
				 enum stub_oddity odd)
{
	const u64 reg[] = { STUB_IOVA(0), odd == ODD_NO_BYTES ? 0 : STUB_MAP_BYTES };
	const u64 memfd[] = { stub_first_map(device)->token, 0 };
	unsigned int i;

	for (i = 0; i < (odd == ODD_TWICE ? 2 : 1); i++) {
		luosdk_fdt_begin_node(out, "mapping", i);
		if (odd != ODD_NO_REG)
			luosdk_fdt_put_u64s(out, "reg", reg, ARRAY_SIZE(reg));
		if (odd != ODD_NO_MEMFD)
			luosdk_fdt_put_u64s(out, "memfd", memfd, ARRAY_SIZE(memfd));
		luosdk_fdt_end_node(out);
	}
}

/* After the freeze: all links have their numbers. Both states begin with the tree. */
static void stub_forge(struct luokit *k, void *ctx)
{
	struct stub_forger *f = ctx;
	struct luosdk_state_hdr *hdr = phys_to_virt(f->handle);
	struct luosdk_fdt_ser *tree = (void *)(hdr + 1);
	struct luosdk_fdt_out out;

	luosdk_fdt_rewrite(&out, tree);
	if (f->container)
		stub_forge_container(&out, f->device, f->odd->what);
	else
		stub_forge_device(&out, f->device, f->odd->what);
	f->err = luosdk_fdt_commit(&out, tree);
	luosdk_state_seal(tree);
}

/* In the next kernel, with the tree of a device or of its container as @odd says. */
static struct file *stub_forged(struct kunit *test, const struct stub_odd *odd, bool container)
{
	struct luokit *k = test->priv;
	struct stub_forger f = { .odd = odd, .container = container };
	struct file *file = stub_make_own(test, STUB_RUNS | STUB_MAPS(1) | STUB_IRQS(1));
	struct file *session = luokit_create(k, "s");

	f.device = stub_device(file);
	KUNIT_ASSERT_EQ(test, stub_preserve(k, session, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, session, container ? CONTAINER : DEVICE,
					  &f.handle), 0);
	luokit_between(k, stub_forge, NULL, &f);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_ASSERT_EQ(test, f.err, 0);

	return luokit_retrieve_session(k, "s");
}

static const struct stub_odd stub_odd_devices[] = {
	{ "nothing odd", ODD_NOTHING, 0 },
	{ "no address", ODD_NO_ADDRESS, -ENOENT, .unknown = true },
	{ "an address that no bus has", ODD_FAR_ADDRESS, -ENODEV, .unknown = true },
	{ "no serial number", ODD_NO_SERIAL, -ENOENT, .unknown = true },
	{ "no config space", ODD_NO_CONFIG, -ENOENT },
	{ "no container", ODD_NO_CONTAINER, -ENOENT },
	{ "a container that is a memfd", ODD_CONTAINER, -EINVAL },
	{ "an engine that writes nowhere", ODD_NO_REG, -ENOENT },
	{ "an engine without a period", ODD_NO_PERIOD, -ENOENT },
	{ "an engine with a bad period", ODD_PERIOD, -EINVAL },
	{ "an engine with a long irq", ODD_IRQ, -EINVAL },
	{ "an engine with a long every", ODD_EVERY, -EINVAL },
	{ "an interrupt without a number", ODD_NO_NUMBER, -EINVAL },
	{ "an interrupt that is one too many", ODD_FAR_NUMBER, -EINVAL },
	{ "an interrupt without an eventfd", ODD_NO_EVENTFD, -ENOENT },
	{ "an eventfd that is a memfd", ODD_EVENTFD, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(stub_odd_device, stub_odd_devices, name);

/* It is refused, and the device is whoever's comes next, as if it had never been preserved. */
static void vfio_stub_odd_device(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct stub_odd *odd = test->param_value;
	struct file *session = stub_forged(test, odd, false), *file;
	struct vfio_stub_device *device = stub_world(k)->find(0);

	file = luokit_retrieve(k, session, DEVICE);
	if (odd->err) {
		KUNIT_EXPECT_PTR_EQ(test, file, ERR_PTR(odd->err));
		KUNIT_EXPECT_EQ(test, luosdk_guard_phase(&device->guard),
				odd->unknown ? LUOSDK_RESERVED : LUOSDK_IDLE);
	} else {
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
		KUNIT_EXPECT_NOT_NULL(test, device->engine.map);
		KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_GIVE_UP, NULL), 0);
	}
	stub_end(test, session);

	file = luokit_open_misc(k, "vfio-stub0", O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_FALSE(test, device->incoming || device->container || device->irq[0].file ||
			   device->irq[0].incoming || device->engine.args.bytes);
	KUNIT_EXPECT_EQ(test, stub_setup(k, file, STUB_RUNS | STUB_MAPS(1)), 0);
}

/* Nobody asks for it. */
static void vfio_stub_odd_device_left(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session = stub_forged(test, test->param_value, false);

	KUNIT_EXPECT_PTR_EQ(test, luokit_open_misc(k, "vfio-stub0", O_RDWR), ERR_PTR(-EBUSY));
	stub_end(test, session);
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_open_misc(k, "vfio-stub0", O_RDWR)));
}

static const struct stub_odd stub_odd_containers[] = {
	{ "nothing odd", ODD_NOTHING, 0 },
	{ "a mapping that is nowhere", ODD_NO_REG, -ENOENT },
	{ "a mapping of nothing", ODD_NO_MEMFD, -ENOENT },
	{ "a mapping without length", ODD_NO_BYTES, -EINVAL },
	{ "two mappings in one place", ODD_TWICE, -EEXIST },
};

KUNIT_ARRAY_PARAM_DESC(stub_odd_container, stub_odd_containers, name);

/* The device goes with it; the memfd is still there. */
static void vfio_stub_odd_container(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct stub_odd *odd = test->param_value;
	struct file *session = stub_forged(test, odd, true), *file;

	file = luokit_retrieve(k, session, DEVICE);
	if (odd->err) {
		KUNIT_EXPECT_PTR_EQ(test, file, ERR_PTR(odd->err));
		KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, session, CONTAINER),
				    ERR_PTR(odd->err));
	} else {
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
		KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_GIVE_UP, NULL), 0);
	}
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_retrieve(k, session, MEMFD)));
	stub_end(test, session);
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_open_misc(k, "vfio-stub0", O_RDWR)));
}

/* ---- All orders ----------------------------------------------------------------------------- */

static int stub_settle(struct luokit *k, struct file *file)
{
	struct vfio_stub_device *device = stub_device(file);

	return device->incoming ? stub_command(k, file, VFIO_STUB_BIND, device->container) : 0;
}

static int stub_files_make(struct luokit *k, struct file **files)
{
	struct file *file = luokit_own(k, stub_make(k, STUB_MAPS(1) | STUB_IRQS(1) | STUB_CONFIG));
	struct vfio_stub_device *device;
	struct vfio_stub_container *c;

	if (IS_ERR(file))
		return PTR_ERR(file);
	device = stub_device(file);
	c = device->container->private_data;
	files[0] = file;
	files[1] = luokit_own(k, get_file(device->container));
	files[2] = luokit_own(k, get_file(list_first_entry(&c->maps, struct vfio_stub_map,
							   list)->memfd));
	files[3] = luokit_own(k, get_file(device->irq[0].file));

	return 0;
}

static const char *stub_files_differ(struct luokit *k, struct file **files)
{
	struct vfio_stub_container *c = files[1] ? files[1]->private_data : NULL;
	struct vfio_stub_device *device;

	if (c && c->nr_maps != 1)
		return "the number of mappings";
	if (c && files[2] && files[2] != list_first_entry(&c->maps, struct vfio_stub_map,
							  list)->memfd)
		return "which memfd is mapped";
	if (!files[0])
		return NULL;

	device = stub_device(files[0]);
	if (files[1] && files[1] != device->container)
		return "which container it is bound to";
	if (files[3] && files[3] != device->irq[0].file)
		return "which eventfd the interrupt signals";
	if (memcmp(device->config + 17, "configured", 10))
		return "config space";

	return stub_settle(k, files[0]) ? "whose device it is" : NULL;
}

static const struct luokit_ordered stub_files = {
	.names = { "device", "container", "memfd", "eventfd" },
	.nr = 4,
	.make = stub_files_make,
	.differ = stub_files_differ,
};

/* 24 times 24, and then each set of them retrieved or not. */
static void vfio_stub_orders(struct kunit *test)
{
	/* What the bus finds at each boot is most of the time. */
	vfio_stub_kunit_devices = 1;
	KUNIT_EXPECT_EQ(test, luokit_orders(test->priv, &stub_files), 24 * 24 + 64);
}

/* ---- A kernel without look-ups -------------------------------------------------------------- */

static int stub_alone_init(struct kunit *test)
{
	vfio_stub_kunit_devices = STUB_DEVICES;
	test->priv = luokit_boot(test, &vfio_stub_alone_world);

	return 0;
}

/* Of files of its own module it can carry over who needs whom ... */
static void vfio_stub_alone_container(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session = stub_arrived(test, STUB_CONFIG), *file, *container;

	file = luokit_retrieve(k, session, DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	container = luokit_retrieve(k, session, CONTAINER);
	KUNIT_EXPECT_PTR_EQ(test, container, stub_device(file)->container);
	KUNIT_EXPECT_EQ(test, stub_command(k, file, VFIO_STUB_BIND, container), 0);
	stub_end(test, session);
}

/* ... and of others it cannot, and says so at once. */
static void vfio_stub_alone_foreign(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session = luokit_create(k, "s");
	struct file *file = stub_make_own(test, STUB_IRQS(1));
	struct file *container = luokit_own(k, stub_container_make(k, STUB_MAPS(1)));

	KUNIT_EXPECT_EQ(test, luokit_preserve(k, session, 1, file), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, session, 1, container), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
}

/* ---- Conformance ---------------------------------------------------------------------------- */

static const char *stub_container_differ(struct luokit *k, struct file *want, struct file *got)
{
	struct vfio_stub_container *w = want->private_data, *g = got->private_data;
	struct vfio_stub_map *a, *b;
	const char *difference;

	if (luosdk_file_flags(want) != luosdk_file_flags(got))
		return "O_NONBLOCK";
	if (w->nr_maps != g->nr_maps)
		return "the number of mappings";
	b = list_first_entry(&g->maps, struct vfio_stub_map, list);
	list_for_each_entry(a, &w->maps, list) {
		if (a->iova != b->iova || a->bytes != b->bytes || a->offset != b->offset)
			return "a mapping";
		/* An engine changes what it is given. */
		difference = a->users ? NULL : memfd_subject_differ(k, a->memfd, b->memfd);
		if (difference)
			return difference;
		b = list_next_entry(b, list);
	}

	return NULL;
}

static const char *stub_differ(struct luokit *k, struct file *want, struct file *got)
{
	struct vfio_stub_device *w = stub_device(want), *g = stub_device(got);
	u32 i;

	if (luosdk_file_flags(want) != luosdk_file_flags(got))
		return "O_NONBLOCK";
	if (memcmp(w->config, g->config, sizeof(w->config)))
		return "config space";
	if (memcmp(&w->engine.args, &g->engine.args, sizeof(w->engine.args)))
		return "the engine";
	for (i = 0; i < VFIO_STUB_IRQS; i++)
		if (!w->irq[i].file != !g->irq[i].file)
			return "an interrupt";
	if (!w->container != !g->container)
		return "the container";

	return w->container ? stub_container_differ(k, w->container, g->container) : NULL;
}

static unsigned int stub_container_company(struct luokit *k, struct file *file,
					   struct file **files, unsigned int max)
{
	struct vfio_stub_container *container = file->private_data;
	struct vfio_stub_map *map;
	unsigned int n = 0, i;

	list_for_each_entry(map, &container->maps, list) {
		for (i = 0; i < n; i++)
			if (files[i] == map->memfd)
				break;
		if (i == n && n < max)
			files[n++] = map->memfd;
	}

	return n;
}

static unsigned int stub_company(struct luokit *k, struct file *file, struct file **files,
				 unsigned int max)
{
	struct vfio_stub_device *device = stub_device(file);
	unsigned int n = 0;
	u32 i;

	if (!device->container)
		return 0;
	files[n++] = device->container;
	for (i = 0; i < VFIO_STUB_IRQS; i++)
		if (device->irq[i].file)
			files[n++] = device->irq[i].file;

	return n + stub_container_company(k, device->container, files + n, max - n);
}

static int stub_change_config(struct luokit *k, struct file *file, u64 n)
{
	return stub_world(k)->config(stub_device(file), 100, (const u8 *)&n, sizeof(n));
}

/* Of the memfd that is mapped already, so that nothing else has to be preserved. */
static int stub_change_maps(struct luokit *k, struct file *file, u64 n)
{
	struct vfio_stub_container *container = file->private_data;
	struct vfio_stub_map *first = list_first_entry_or_null(&container->maps,
							       struct vfio_stub_map, list);

	if (!first)
		return 0;
	if (n % 2)
		return stub_map(k, file, first->memfd, STUB_IOVA(50));
	return stub_world(k)->unmap(container, STUB_IOVA(50));
}

/* A second open, which is a second struct file. */
static struct file *stub_twin(struct luokit *k, struct file *file)
{
	struct file *twin = luokit_open_misc(k, stub_device(file)->name, O_RDWR);

	/* That one is the kit's already; the caller is given one more reference. */
	return IS_ERR(twin) ? twin : get_file(twin);
}

static int stub_spoil(struct luokit *k, struct file *file)
{
	return stub_command(k, file, VFIO_STUB_BIND, NULL);
}

/* Few cases have many files at once. */
static void stub_hardware(enum luokit_case_id id)
{
	vfio_stub_kunit_devices = id == LUOKIT_CASE_c20_damaged_state ||
				  id == LUOKIT_CASE_several_files_and_sessions ? 40 : 6;
}

/* Containers need no device. */
static void stub_container_hardware(enum luokit_case_id id)
{
	vfio_stub_kunit_devices = 0;
}

static const struct luokit_subject vfio_stub_subject = {
	.world = &vfio_stub_world,
	.states = {
		{ "mapping, interrupt, config space",
		  STUB_MAPS(1) | STUB_IRQS(1) | STUB_CONFIG },
		{ "bound to an empty container", 0, .empty = true },
		{ "running", STUB_RUNS | STUB_MAPS(1) | STUB_IRQS(1) },
		{ "running without interrupts", STUB_RUNS | STUB_QUIET | STUB_MAPS(1) },
		{ "all interrupts, several mappings", STUB_IRQS(4) | STUB_MAPS(3), .large = true },
		{ "O_NONBLOCK", STUB_NONBLOCK },
		{ "not bound", STUB_UNBOUND, .refused = true },
	},
	.changes = {
		{ "config space", stub_change_config },
	},
	/* The engine's count, written until the old kernel is gone. */
	.loose = { { sizeof(struct luosdk_state_hdr) + offsetof(struct vfio_stub_luo_ser, count),
		     sizeof(u64) } },
	.make = stub_make,
	.differ = stub_differ,
	.twin = stub_twin,
	.spoil = stub_spoil,
	.company = stub_company,
	.hardware = stub_hardware,
	.settle = stub_settle,
};

static const struct luokit_subject vfio_stub_container_subject = {
	.world = &vfio_stub_world,
	.states = {
		{ "one mapping", STUB_MAPS(1) },
		{ "empty", 0, .empty = true },
		{ "four mappings", STUB_MAPS(4) },
		{ "as many mappings as can be", STUB_MAPS(30), .large = true },
		{ "O_NONBLOCK", STUB_NONBLOCK },
	},
	.changes = {
		{ "map, and unmap", stub_change_maps },
	},
	.make = stub_container_make,
	.differ = stub_container_differ,
	.company = stub_container_company,
	.hardware = stub_container_hardware,
};

static struct kunit_case vfio_stub_cases[] = {
	KUNIT_CASE(vfio_stub_layout),
	KUNIT_CASE(vfio_stub_engine),
	KUNIT_CASE(vfio_stub_reserved),
	KUNIT_CASE(vfio_stub_not_retrieved),
	KUNIT_CASE(vfio_stub_bound_again),
	KUNIT_CASE(vfio_stub_given_up),
	KUNIT_CASE(vfio_stub_two_files),
	KUNIT_CASE(vfio_stub_shared_container),
	KUNIT_CASE(vfio_stub_device_gone),
	KUNIT_CASE(vfio_stub_device_differs),
	KUNIT_CASE(vfio_stub_device_taken),
	KUNIT_CASE(vfio_stub_newer_bus),
	KUNIT_CASE(vfio_stub_shutdown),
	KUNIT_CASE(vfio_stub_unbound),
	KUNIT_CASE(vfio_stub_no_bus),
	KUNIT_CASE(vfio_stub_missing),
	KUNIT_CASE(vfio_stub_other_session),
	KUNIT_CASE(vfio_stub_parent_failed),
	KUNIT_CASE_PARAM(vfio_stub_odd_device, stub_odd_device_gen_params),
	KUNIT_CASE_PARAM(vfio_stub_odd_device_left, stub_odd_device_gen_params),
	KUNIT_CASE_PARAM(vfio_stub_odd_container, stub_odd_container_gen_params),
	KUNIT_CASE_SLOW(vfio_stub_orders),
	{}
};

static struct kunit_suite vfio_stub_suite = {
	.name = "vfio_stub_luo",
	.init = stub_init,
	.exit = stub_exit,
	.test_cases = vfio_stub_cases,
};

static struct kunit_case vfio_stub_alone_cases[] = {
	KUNIT_CASE(vfio_stub_alone_container),
	KUNIT_CASE(vfio_stub_alone_foreign),
	{}
};

static struct kunit_suite vfio_stub_alone_suite = {
	.name = "vfio_stub_luo_alone",
	.init = stub_alone_init,
	.exit = stub_exit,
	.test_cases = vfio_stub_alone_cases,
};

kunit_test_suites(&vfio_stub_suite, &vfio_stub_alone_suite);

LUOKIT_CONFORMANCE(vfio_stub_luo, vfio_stub_subject);
LUOKIT_CONFORMANCE(vfio_stub_container_luo, vfio_stub_container_subject);

MODULE_DESCRIPTION("KUnit tests of the vfio stub's live update");
MODULE_LICENSE("GPL");
