// SPDX-License-Identifier: GPL-2.0
/*
 * The device of handlers/vfio-stub over a real live update, with its engine running.
 *
 * The engine writes consecutive numbers into a ring in a memfd. That makes every claim one
 * about memory: a number that is missing is a write that was lost, and a ring that begins
 * anew is a device that was reset. Each device has a session of its own, with its
 * container, the memfd, and an eventfd that the device raises.
 */
#define _GNU_SOURCE
#include <luotest.h>
#include "../../../handlers/vfio-stub/vfio_stub.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define IOVA		0x10000
#define SLOTS		8192ul
#define BYTES		(8 * SLOTS)
#define PERIOD_US	500
#define EVERY		20

/* The device's own, and that of the eventfds it needs. Memfds are the kernel's own. */
#define MODULES		"eventfd_luo vfio_stub"

/* The files of a device, which are the tokens in its session as well. */
enum { DEVICE, CONTAINER, MEMORY, IRQ, FILES };

struct rig {
	unsigned int address;
	int session;
	int fd[FILES];
	atomic_ullong *ring;
};

static int open_device(unsigned int address)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio-stub%u", address);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int command(int fd, unsigned long cmd, const void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

static struct vfio_stub_info device_info(const struct rig *r)
{
	struct vfio_stub_info info = {};

	lt_must(command(r->fd[DEVICE], VFIO_STUB_INFO, &info), "ask the device");
	return info;
}

static int start_engine(const struct rig *r)
{
	struct vfio_stub_start_args start = {
		.iova = IOVA, .bytes = BYTES, .period_us = PERIOD_US, .irq = 1, .every = EVERY,
	};

	return command(r->fd[DEVICE], VFIO_STUB_START, &start);
}

static int map_memory(const struct rig *r, int memfd)
{
	struct vfio_stub_map_args map = { .memfd = memfd, .bytes = BYTES, .iova = IOVA };

	return command(r->fd[CONTAINER], VFIO_STUB_MAP, &map);
}

/* A device that works, bound and mapped, in memory that is all its own. */
static void make_rig(struct rig *r, unsigned int address)
{
	struct vfio_stub_irq_args irq = { .index = 1 };
	int ctl, fd;

	r->address = address;
	r->session = -1;
	ctl = open("/dev/vfio-stub", O_RDWR | O_CLOEXEC);
	fd = ioctl(ctl, VFIO_STUB_CONTAINER);
	r->fd[CONTAINER] = lt_must(fd < 0 ? -errno : fd, "make a container");
	close(ctl);
	r->fd[DEVICE] = lt_must(open_device(address), "open the device");
	r->fd[MEMORY] = lt_memfd(0, BYTES);
	r->ring = lt_map(r->fd[MEMORY], BYTES);
	r->fd[IRQ] = lt_must(lt_eventfd(0, EFD_NONBLOCK), "eventfd");
	irq.eventfd = r->fd[IRQ];
	lt_must(map_memory(r, r->fd[MEMORY]), "map the memory");
	lt_must(command(r->fd[DEVICE], VFIO_STUB_BIND, &r->fd[CONTAINER]), "bind the device");
	lt_must(command(r->fd[DEVICE], VFIO_STUB_SET_IRQ, &irq), "attach the eventfd");
	if (pwrite(r->fd[DEVICE], &address, sizeof(address), 64) != sizeof(address))
		lt_die("write config space: %s", lt_errname(-errno));
	lt_must(start_engine(r), "start the engine");
}

static void close_rig(struct rig *r)
{
	unsigned int i;

	munmap((void *)r->ring, BYTES);
	for (i = 0; i < FILES; i++)
		close(r->fd[i]);
	if (r->session >= 0)
		close(r->session);
}

static void session_name(char *name, size_t len, unsigned int address)
{
	snprintf(name, len, "vfio-stub%u", address);
}

/* Preserve all files but those in @without, the device first or last. */
static int preserve_rig(struct rig *r, bool device_first, unsigned int without)
{
	char name[32];
	int err = 0;
	unsigned int i, n;

	session_name(name, sizeof(name), r->address);
	r->session = lt_must(lt_session_create(name), "session");
	for (i = 0; i < FILES && !err; i++) {
		n = device_first ? i : FILES - 1 - i;
		if (!(without & BIT(n)))
			err = lt_preserve(r->session, r->fd[n], n);
	}
	return err;
}

static void find_session(struct rig *r, unsigned int address)
{
	char name[32];

	memset(r, 0, sizeof(*r));
	r->address = address;
	session_name(name, sizeof(name), address);
	r->session = lt_must(lt_session_retrieve(name), "find the session");
}

static int retrieve_one(struct rig *r, unsigned int file)
{
	r->fd[file] = lt_retrieve(r->session, file);
	return r->fd[file] < 0 ? r->fd[file] : 0;
}

/*
 * All numbers are there up to @first, as far back as the ring reaches when the newest is
 * @last, and none beyond that.
 */
static bool ring_is_whole(const struct rig *r, const __u64 ring[SLOTS], __u64 first, __u64 last)
{
	__u64 n = last > SLOTS ? last - SLOTS + 1 : 1;
	unsigned int i;

	for (; n <= first; n++) {
		if (ring[n % SLOTS] != n) {
			lt_note("device %u: of %llu to %llu, %llu is missing, there is %llu",
				r->address, first, last, n, ring[n % SLOTS]);
			return false;
		}
	}
	for (i = 0; i < SLOTS; i++) {
		if (ring[i] > last) {
			lt_note("device %u: at %llu it has written %llu", r->address, last,
				ring[i]);
			return false;
		}
	}
	return true;
}

static __u64 newest(const struct rig *r)
{
	__u64 max = 0;
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (r->ring[i] > max)
			max = r->ring[i];
	return max;
}

/* The same of a ring to which nobody writes. */
static bool memory_is_whole(const struct rig *r)
{
	return newest(r) && ring_is_whole(r, (const __u64 *)r->ring, newest(r), newest(r));
}

/* The engine counts on, nothing is missing, and each interrupt came that was due. */
static bool engine_works(const struct rig *r, __u64 before)
{
	static __u64 ring[SLOTS];
	__u64 was, first, last, irqs = 0;
	int tries = 100;
	bool semaphore;

	was = device_info(r).count;
	while (device_info(r).count == was && tries--)
		lt_sleep_ms(5);
	first = device_info(r).count;
	memcpy(ring, (const void *)r->ring, sizeof(ring));
	lt_must(lt_eventfd_info(r->fd[IRQ], &irqs, &semaphore), "look at the eventfd");
	/* A number is in memory before the device says so. */
	last = device_info(r).count + 1;
	if (!ring_is_whole(r, ring, first, last))
		return false;
	if (first == was || was < before) {
		lt_note("device %u: it counted to %llu before, now from %llu to %llu", r->address,
			before, was, first);
		return false;
	}
	/* And it is in memory before the interrupt. */
	if (irqs < (first - 1) / EVERY || irqs > last / EVERY) {
		lt_note("device %u: %llu interrupts at %llu to %llu", r->address, irqs, first,
			last);
		return false;
	}
	return true;
}

/* Everything that a program can do with it, of which a frozen one would do nothing. */
static bool device_obeys(const struct rig *r)
{
	__u32 config = 0;
	__u64 irqs;
	int err;

	err = command(r->fd[DEVICE], VFIO_STUB_STOP, NULL);
	/* It begins anew, and so does the book on it. */
	memset((void *)r->ring, 0, BYTES);
	lt_eventfd_read(r->fd[IRQ], &irqs);
	if (!err)
		err = start_engine(r);
	if (!err && (pread(r->fd[DEVICE], &config, sizeof(config), 64) != sizeof(config) ||
		     config != r->address))
		err = -EILSEQ;
	if (!err && pwrite(r->fd[DEVICE], &config, sizeof(config), 64) != sizeof(config))
		err = -errno;
	if (err)
		lt_note("device %u: %s", r->address, lt_errname(err));
	return !err;
}

/* ------------------------------- It continues ------------------------------- */

/*
 * Four devices, one for each order: first or last to be preserved, first or last to be
 * retrieved. A fifth is preserved and not retrieved, a sixth is not preserved.
 */
#define ORDERS		4
#define ABANDONED	4
#define LEFT		5
#define RIGS		6
#define SIX		"vfio_stub.devices=6"

struct book {
	__u64 count[RIGS];
};

static const char *order_name(unsigned int i)
{
	static const char *const name[ORDERS] = {
		"preserved first, retrieved first", "preserved last, retrieved first",
		"preserved first, retrieved last", "preserved last, retrieved last",
	};

	return name[i];
}

static void engine_before(void)
{
	struct book *book = lt_carry_new("vfio-stub-book", sizeof(*book));
	struct lt_tally t = {};
	static struct rig rig[RIGS];
	int session, second;
	unsigned int i;

	for (i = 0; i < RIGS; i++)
		make_rig(&rig[i], i);
	for (i = 0; i < RIGS; i++)
		lt_tally(&t, engine_works(&rig[i], 0), "device %u", i);
	lt_tally_ok(&t, "six engines run");

	for (i = 0; i < ORDERS; i++)
		lt_result(preserve_rig(&rig[i], !(i & 1), 0), 0, "a device is preserved %s",
			  i & 1 ? "last" : "first");
	lt_result(preserve_rig(&rig[ABANDONED], true, 0), 0, "and a fifth one is preserved");
	session = lt_must(lt_session_create("vfio-stub-left"), "session");
	/* Its engine writes to memory that lives on: that must end with the old kernel. */
	lt_result(lt_preserve(session, rig[LEFT].fd[MEMORY], 0), 0,
		  "of a sixth only the memory is preserved");
	second = lt_must(open_device(0), "open a device again");
	lt_result(lt_preserve(session, second, 1), -EBUSY,
		  "one device by two files: the second is refused");
	lt_ok(device_obeys(&rig[0]), "a preserved device does what it is told");
	close(second);

	memset(&t, 0, sizeof(t));
	for (i = 0; i < RIGS; i++) {
		lt_tally(&t, engine_works(&rig[i], 0), "device %u", i);
		book->count[i] = device_info(&rig[i]).count;
	}
	lt_tally_ok(&t, "all of them go on");
}

/* The state of what the old kernel left, when nobody has touched it yet. */
static void untouched(const struct book *book, struct rig *r)
{
	__u64 last;

	lt_must(retrieve_one(r, MEMORY), "retrieve the memory");
	r->ring = lt_map(r->fd[MEMORY], BYTES);
	last = newest(r);
	lt_ok(last >= book->count[r->address] && memory_is_whole(r),
	      "the memory of device %u is whole, to the old kernel's last write", r->address);
	lt_note("device %u counted %llu while the old kernel ended", r->address,
		last - book->count[r->address]);
	lt_sleep_ms(20);
	lt_eq(newest(r), last, "and nobody writes to it");
}

static void retrieve_rig(struct rig *r, bool device_first)
{
	unsigned int i, n;

	for (i = 0; i < FILES; i++) {
		n = device_first ? i : FILES - 1 - i;
		if (r->fd[n] <= 0)
			lt_must(retrieve_one(r, n), "retrieve");
	}
	if (!r->ring)
		r->ring = lt_map(r->fd[MEMORY], BYTES);
}

static void engine_after(void)
{
	struct book *book = lt_carry_get("vfio-stub-book", sizeof(*book));
	struct rig rig[RIGS] = {};
	struct lt_tally t = {};
	int fd, session;
	unsigned int i;
	__u32 config;

	for (i = 0; i <= ABANDONED; i++)
		lt_tally(&t, open_device(i) == -EBUSY, "device %u", i);
	lt_tally_ok(&t, "nobody can open a device that is to be retrieved");

	session = lt_must(lt_session_retrieve("vfio-stub-left"), "session");
	rig[LEFT] = (struct rig){ .address = LEFT, .session = session };
	rig[LEFT].fd[MEMORY] = lt_must(lt_retrieve(session, 0), "retrieve");
	rig[LEFT].ring = lt_map(rig[LEFT].fd[MEMORY], BYTES);
	i = newest(&rig[LEFT]);
	lt_ok(i >= book->count[LEFT] && memory_is_whole(&rig[LEFT]),
	      "the device that was not preserved had stopped in order");
	lt_note("it counted %llu while the old kernel ended", i - book->count[LEFT]);
	fd = lt_must(open_device(LEFT), "open it");
	rig[LEFT].fd[DEVICE] = fd;
	lt_ok(!device_info(&rig[LEFT]).flags, "it is as new");
	lt_must(lt_finish(session), "finish");
	close(session);
	close(fd);

	for (i = 0; i < ORDERS; i++) {
		struct rig *r = &rig[i];
		__u64 before = book->count[i];

		find_session(r, i);
		if (i & 2) {
			untouched(book, r);
			before = newest(r);
		}
		retrieve_rig(r, !(i & 2));
		lt_ok(engine_works(r, before), "%s: it goes on where it was", order_name(i));
		config = 0;
		lt_ok(pread(r->fd[DEVICE], &config, sizeof(config), 64) == sizeof(config) &&
		      config == i, "its config space is as it was");
		lt_result(lt_finish(r->session), -EBUSY,
			  "the session cannot finish: nobody is in charge");
		lt_result(command(r->fd[DEVICE], VFIO_STUB_STOP, NULL), -ENOTCONN,
			  "nor does the device obey");
	}

	lt_result(command(rig[0].fd[DEVICE], VFIO_STUB_BIND, &rig[1].fd[CONTAINER]), -EINVAL,
		  "it cannot be bound to another container");
	for (i = 0; i < ORDERS; i++) {
		struct rig *r = &rig[i];

		if (i == 1)
			lt_result(command(r->fd[DEVICE], VFIO_STUB_GIVE_UP, NULL), 0,
				  "one is given up");
		else
			lt_must(command(r->fd[DEVICE], VFIO_STUB_BIND, &r->fd[CONTAINER]), "bind");
		lt_result(lt_finish(r->session), 0, "device %u: the session finishes", i);
		close(r->session);
		r->session = -1;
	}
	lt_ok(!device_info(&rig[1]).flags, "the one that was given up is as new");
	lt_ok(engine_works(&rig[0], book->count[0]), "the others run");
	lt_ok(device_obeys(&rig[2]), "and do what they are told");

	find_session(&rig[ABANDONED], ABANDONED);
	lt_result(open_device(ABANDONED), -EBUSY, "the fifth one is still kept for its file");
	lt_result(lt_finish(rig[ABANDONED].session), 0,
		  "which is finished without being retrieved");
	fd = open_device(ABANDONED);
	lt_result(fd, 0, "then anybody can open the device");
	close(fd);

	/* And once more, with the files that came. */
	lt_result(preserve_rig(&rig[3], true, 0), 0, "a device is preserved again");
	lt_result(preserve_rig(&rig[0], false, 0), 0, "and a second one");
	book = lt_carry_new("vfio-stub-book2", sizeof(*book));
	book->count[3] = device_info(&rig[3]).count;
	book->count[0] = device_info(&rig[0]).count;
}

static void engine_third(void)
{
	struct book *book = lt_carry_get("vfio-stub-book2", sizeof(*book));
	static const unsigned int came[] = { 3, 0 };
	struct rig rig;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(came); i++) {
		find_session(&rig, came[i]);
		retrieve_rig(&rig, i);
		lt_ok(engine_works(&rig, book->count[came[i]]),
		      "device %u goes on in the third kernel", came[i]);
		lt_must(command(rig.fd[DEVICE], VFIO_STUB_BIND, &rig.fd[CONTAINER]), "bind");
		lt_result(lt_finish(rig.session), 0, "its session finishes");
		lt_ok(device_obeys(&rig), "it does what it is told");
		close_rig(&rig);
	}
}

LT_SCENARIO(engine) = {
	.name	= "vfio-stub.engine",
	.about	= "engines run through two live updates, in all orders, and nothing is lost",
	.stage	= { { engine_before, 10 }, { engine_after, 37 }, { engine_third, 6 } },
	.flags	= LT_ALONE,
	.cmdline = SIX,
	.modules = MODULES,
	.says	= "vfio-stub5: reset\nvfio-stub4: works on\nvfio-stub0: works on",
};

/* ------------------------- It cannot come along ------------------------- */

/* An update that ends with @want: everything works as before, and the session can end. */
static void update_ends(struct rig *r, int want, const char *why)
{
	__u64 before = device_info(r).count;

	lt_result(lt_kexec_reboot(), want, "%s: the update is aborted", why);
	lt_ok(engine_works(r, before), "the engine ran on");
	lt_ok(device_obeys(r), "the device does what it is told");
	close(r->session);
	r->session = -1;
}

static void refuse_all(void)
{
	struct rig r, other;
	int second, fail, session;
	char name[32];

	make_rig(&r, 0);
	make_rig(&other, 1);
	lt_must(lt_kexec_load(), "load the next kernel");

	lt_must(preserve_rig(&r, true, BIT(MEMORY)), "preserve");
	update_ends(&r, -ENOENT, "a memfd that is not preserved");
	lt_must(preserve_rig(&r, true, BIT(CONTAINER)), "preserve");
	update_ends(&r, -ENOENT, "a container that is not preserved");
	lt_must(preserve_rig(&r, false, BIT(IRQ)), "preserve");
	update_ends(&r, -ENOENT, "an eventfd that is not preserved");

	session = lt_must(lt_session_create("vfio-stub-elsewhere"), "session");
	lt_must(lt_preserve(session, r.fd[MEMORY], 0), "preserve");
	lt_must(preserve_rig(&r, true, BIT(MEMORY)), "preserve");
	update_ends(&r, -ENOENT, "a memfd in another session");
	close(session);

	lt_must(preserve_rig(&r, true, 0), "preserve");
	session = lt_must(lt_session_create("vfio-stub-fails"), "session");
	fail = open("/dev/luosdk_fail", O_RDWR | O_CLOEXEC);
	lt_must(lt_write_fd(fail, "freeze -5"), "make a freeze fail");
	lt_must(lt_preserve(session, fail, 1), "preserve a file that fails");
	update_ends(&r, -EIO, "another file that fails, with all devices frozen");
	close(session);
	close(fail);

	session_name(name, sizeof(name), 0);
	session = lt_must(lt_session_create(name), "session");
	second = lt_must(open_device(2), "open a device");
	lt_result(lt_preserve(session, second, 1), -ENOTCONN,
		  "a device that is not bound is refused");
	close(second);
	second = lt_must(open_device(0), "open a device again");
	lt_must(lt_preserve(session, r.fd[DEVICE], 1), "preserve");
	lt_result(lt_preserve(session, second, 2), -EBUSY, "as is the second file of a device");
	close(session);
	session = lt_must(lt_session_create(name), "session");
	lt_result(lt_preserve(session, second, 2), 0, "which then is the first");
	close(session);
	close(second);
	lt_ok(engine_works(&other, 0), "another device noticed nothing of all that");
	close_rig(&r);
	close_rig(&other);
}

LT_SCENARIO(refused) = {
	.name	= "vfio-stub.refused",
	.about	= "parents that are missing, or elsewhere: an errno, and the device works on",
	.stage	= { { refuse_all, 19 } },
	.flags	= LT_ALONE,
	.cmdline = SIX,
	.modules = MODULES,
};

/* ------------------------- It does not come back ------------------------- */

static void lost_before(void)
{
	struct rig rig[3];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rig); i++) {
		make_rig(&rig[i], i);
		lt_result(preserve_rig(&rig[i], i & 1, 0), 0, "device %u is preserved", i);
	}
}

/* The device failed with @want: for good; its parents come, and the session ends. */
static void lost(struct rig *r, int want, const char *why)
{
	lt_result(retrieve_one(r, DEVICE), want, "%s", why);
	lt_result(retrieve_one(r, DEVICE), want, "for good");
	lt_must(retrieve_one(r, CONTAINER), "retrieve the container");
	lt_must(retrieve_one(r, MEMORY), "retrieve the memory");
	lt_must(retrieve_one(r, IRQ), "retrieve the eventfd");
	r->ring = lt_map(r->fd[MEMORY], BYTES);
	lt_ok(memory_is_whole(r), "its memory is whole");
	lt_result(lt_finish(r->session), 0, "the session finishes");
	close_rig(r);
}

static void gone_after(void)
{
	struct rig r;
	int fd;

	find_session(&r, 2);
	lost(&r, -ENODEV, "a device that is gone");

	/* The memory of the next does not come, as nobody can have another file. */
	find_session(&r, 1);
	lt_result(lt_retrieve_with_no_file_left(r.session, MEMORY), -ENFILE,
		  "a memory that cannot be retrieved");
	lt_result(retrieve_one(&r, DEVICE), -ENFILE, "takes the device along");
	lt_result(retrieve_one(&r, CONTAINER), -ENFILE, "and the container");
	fd = open_device(1);
	lt_result(fd, 0, "anybody can open the device then");
	close(fd);
	lt_result(lt_finish(r.session), 0, "the session finishes");
	close(r.session);

	find_session(&r, 0);
	retrieve_rig(&r, true);
	lt_ok(engine_works(&r, 1), "a third device is well");
	lt_must(command(r.fd[DEVICE], VFIO_STUB_BIND, &r.fd[CONTAINER]), "bind");
	lt_result(lt_finish(r.session), 0, "its session finishes");
}

LT_SCENARIO(gone) = {
	.name	= "vfio-stub.gone",
	.about	= "the new kernel lacks a device; a memory is lost",
	.stage	= { { lost_before, 3 },
		    { gone_after, 11, .cmdline = "vfio_stub.devices=2" } },
	.flags	= LT_ALONE,
	.cmdline = SIX,
	.modules = MODULES,
};

static void other_after(void)
{
	unsigned int i;
	struct rig r;
	int fd;

	fd = open_device(0);
	lt_result(fd, 0, "a device with another serial number is nobody's");
	close(fd);
	for (i = 0; i < 3; i++) {
		find_session(&r, i);
		lost(&r, -ESTALE, "a device that is another one");
	}
}

LT_SCENARIO(other) = {
	.name	= "vfio-stub.other",
	.about	= "the new kernel has other devices in the places of the old ones",
	.stage	= { { lost_before, 3 },
		    { other_after, 13, .cmdline = "vfio_stub.serial=5000" } },
	.flags	= LT_ALONE,
	.cmdline = SIX,
	.modules = MODULES,
};

/* --------------------------- Modules come and go --------------------------- */

static const char *const module[] = { "eventfd_luo", "vfio_stub" };

static void load_modules(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(module); i++)
		lt_must(lt_module_load(module[i]), "load a module");
}

/* One result: each of them answers @want when it is to go. */
static void unload_modules(int want, const char *why)
{
	struct lt_tally t = {};
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(module); i++) {
		err = lt_module_unload(module[i]);
		lt_tally(&t, err == want, "%s: %s", module[i], lt_errname(err));
	}
	lt_tally_ok(&t, "%s", why);
}

/* The descriptors alone; what LUO has is all that is left of them. */
static void close_files(struct rig *r)
{
	int session = r->session;

	r->session = -1;
	close_rig(r);
	r->session = session;
}

static void modules_before(void)
{
	struct rig r;

	lt_result(open_device(0), -ENOENT, "without the module there is no device");
	load_modules();
	unload_modules(0, "idle, they are unloaded");
	load_modules();
	make_rig(&r, 0);
	lt_result(preserve_rig(&r, true, 0), 0, "a device is preserved");
	close_files(&r);
	unload_modules(-EAGAIN, "while their files are preserved, they refuse to go");
	close(r.session);
	unload_modules(0, "after unpreserve they are unloaded");
	lt_result(open_device(0), -ENOENT, "and took the devices along");

	load_modules();
	make_rig(&r, 0);
	lt_result(preserve_rig(&r, false, 0), 0, "another one is preserved");
	lt_ok(engine_works(&r, 0), "it works");
}

static void modules_after(void)
{
	struct rig r;
	int fd;

	load_modules();
	find_session(&r, 0);
	lt_result(open_device(0), -EBUSY, "the module keeps the device for its file");
	unload_modules(-EAGAIN, "files are to come: the modules refuse to go");
	retrieve_rig(&r, true);
	lt_ok(engine_works(&r, 1), "the device goes on");
	lt_must(command(r.fd[DEVICE], VFIO_STUB_BIND, &r.fd[CONTAINER]), "bind");
	close_files(&r);
	unload_modules(-EAGAIN, "and until they are finished");
	lt_result(lt_finish(r.session), 0, "the session finishes");
	close(r.session);
	unload_modules(0, "then they are unloaded");

	load_modules();
	fd = open_device(0);
	lt_result(fd, 0, "loaded again, the device is anybody's");
	close(fd);
	unload_modules(0, "and they go once more");
}

LT_SCENARIO(modules) = {
	.name	= "modules.vfio-stub",
	.about	= "it and its eventfds as modules: pinned while in use, unloaded when idle",
	.stage	= { { modules_before, 8 }, { modules_after, 8 } },
	.flags	= LT_ALONE | LT_MODULES,
	.cmdline = "eventfd_luo.enabled=0 vfio_stub.enabled=0",
};
