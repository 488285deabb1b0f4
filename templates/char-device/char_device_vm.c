// SPDX-License-Identifier: GPL-2.0
/*
 * char_device_vm.c - the driver as a module, over a real live update in a VM.
 *
 * A program of user space. Devices with an eventfd and without, one that is open twice, one
 * that somebody opens before its file is retrieved; and events that are raised until the old
 * kernel is gone: each of them is there afterwards, in the device and in its eventfd.
 */
#define _GNU_SOURCE
#include <luotest.h>

#include "char_device.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE	"char_device"

/* Tokens, and the numbers of the devices that are not busy. */
enum { BUSY, QUIET, TAKEN, ALONE, IRQ };

/* Yours: how a program opens a device, uses it and looks at it. */
static int open_device(unsigned int number)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/char_device%u", number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int raise_events(int fd, __u64 events)
{
	return write(fd, &events, sizeof(events)) < 0 ? -errno : 0;
}

static long long take_events(int fd)
{
	__u64 events;

	return read(fd, &events, sizeof(events)) < 0 ? -errno : (long long)events;
}

static int set_irq(int fd, __s32 eventfd)
{
	return ioctl(fd, CHAR_DEVICE_SET_IRQ, &eventfd) < 0 ? -errno : 0;
}

static __u64 signalled(int eventfd)
{
	__u64 count = 0;
	bool semaphore;

	lt_must(lt_eventfd_info(eventfd, &count, &semaphore), "look at the eventfd");
	return count;
}

/* What the writer has begun and what it has come back from, in a carried page. */
struct book {
	atomic_ullong started, done;
};

/* Yours: a program that goes on using the device, and writes down what it did. */
static pid_t writer(struct book *book, int fd)
{
	pid_t child = fork();

	if (child)
		return child;
	/* Not on the CPU that the reboot runs on: it goes on for longest. */
	lt_pin_cpu(lt_nr_cpus() - 1);
	for (;;) {
		book->started++;
		if (raise_events(fd, 1))
			_exit(1);
		book->done++;
	}
}

static void first_kernel(void)
{
	int session, two, busy, other, quiet, taken, alone, irq, irq_two;
	struct book *book;
	__u64 done;
	pid_t child;

	lt_result(lt_module_load(MODULE), 0, "the module is loaded");
	session = lt_must(lt_session_create("char-device"), "session");
	two = lt_must(lt_session_create("char-device-two"), "session");
	busy = lt_must(open_device(BUSY), "open a device");
	other = lt_must(open_device(BUSY), "open it again");
	quiet = lt_must(open_device(QUIET), "open a device");
	taken = lt_must(open_device(TAKEN), "open a device");
	alone = lt_must(open_device(ALONE), "open a device");
	irq = lt_must(lt_eventfd(0, EFD_NONBLOCK), "eventfd");
	irq_two = lt_must(lt_eventfd(0, EFD_NONBLOCK), "eventfd");
	book = lt_carry_new("char-device-book", sizeof(*book));

	lt_result(set_irq(busy, irq), 0, "a device has an eventfd for its interrupt");
	lt_result(set_irq(busy, quiet), -EINVAL, "refused: what is no eventfd");
	lt_must(raise_events(quiet, 7), "raise events");
	lt_eq(take_events(quiet), 7, "a file reads what there was");
	lt_must(raise_events(quiet, 5), "raise events");

	lt_result(lt_preserve(session, busy, BUSY), 0, "the device with the eventfd is preserved");
	lt_result(lt_preserve(session, quiet, QUIET), 0, "and one without");
	lt_result(lt_preserve(session, other, 9), -EBUSY, "refused: a second file of a device");
	lt_result(lt_preserve(two, other, 9), -EBUSY, "refused: in another session");
	lt_result(lt_preserve(session, irq, IRQ), 0, "the eventfd is preserved after it");
	lt_must(lt_preserve(session, taken, TAKEN), "preserve a third device");
	lt_result(lt_module_unload(MODULE), -EAGAIN, "in use, the module refuses to go");

	/* A device whose eventfd is not preserved: nothing happens. */
	lt_must(set_irq(alone, irq_two), "attach an eventfd");
	lt_must(lt_preserve(two, alone, ALONE), "preserve a device without its eventfd");
	lt_must(lt_kexec_load(), "load the next kernel");
	child = writer(book, other);
	lt_sleep_ms(50);
	lt_result(lt_kexec_reboot(), -ENOENT, "without its eventfd the update is aborted");
	done = book->done;
	lt_sleep_ms(200);
	lt_ok(book->done > done, "who uses a device goes on");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(two);

	writer(book, other);
	lt_sleep_ms(100);
}

static void second_kernel(void)
{
	int session, busy, other, quiet, irq;
	struct book *book;
	long long events;

	lt_result(lt_module_load(MODULE), 0, "the module is loaded");
	book = lt_carry_get("char-device-book", sizeof(*book));
	session = lt_must(lt_session_retrieve("char-device"), "session");

	other = lt_must(open_device(TAKEN), "open a device whose file is still to come");
	lt_result(lt_retrieve(session, TAKEN), -EBUSY, "its file does not come any more");
	close(other);

	busy = lt_must(lt_retrieve(session, BUSY), "retrieve");
	irq = lt_must(lt_retrieve(session, IRQ), "retrieve");
	quiet = lt_must(lt_retrieve(session, QUIET), "retrieve");
	events = take_events(busy);
	lt_note("%lld events, by the book %llu to %llu", events, book->done, book->started);
	/* A write that came back is there. One that could not be saved never came back. */
	lt_ok(events >= (long long)book->done && events <= (long long)book->started,
	      "the device has the last event that was raised");
	lt_eq(signalled(irq), events, "and its eventfd was signalled for each");
	other = lt_must(open_device(BUSY), "open the device again");
	lt_result(take_events(other), -EAGAIN, "a new file has seen them all");
	lt_must(raise_events(other, 1), "raise an event");
	lt_eq(take_events(busy), 1, "the file that came back sees a new one");
	lt_eq(signalled(irq), events + 1, "so does the eventfd");
	lt_eq(take_events(quiet), 5, "the device without one has what its file had not read");

	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
	session = lt_must(lt_session_create("char-device"), "session");
	lt_result(lt_preserve(session, other, 1), 0, "it can be preserved again, by any file");
	close(session);
	close(busy);
	close(other);
	close(quiet);
	lt_result(lt_module_unload(MODULE), 0, "idle, the module is unloaded");
}

/* The numbers are how many results each stage gives. */
LT_SCENARIO(char_device) = {
	.name	= "char-device.live-update",
	.about	= "as a module: devices come back, with and without an eventfd, once each",
	.stage	= { { first_kernel, 12 }, { second_kernel, 11 } },
	.flags	= LT_ALONE | LT_MODULES,
};
