// SPDX-License-Identifier: GPL-2.0
/*
 * hand_written_vm.c - the driver as a module, over a real live update in a VM.
 *
 * A program of user space. What a driver with files of its own has to show is here, from
 * "it comes back" to "who writes while the kernel goes down waits".
 */
#define _GNU_SOURCE
#include <luotest.h>

#include "hand_written.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE	"hand_written"

/* Yours: how a program makes a file and gives it something to keep. */
static int make_file(const char *text)
{
	int dev, fd;

	dev = open("/dev/hand_written", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		return -errno;
	fd = ioctl(dev, HAND_WRITTEN_CREATE);
	if (fd < 0)
		fd = -errno;
	close(dev);
	if (fd >= 0)
		lt_must(lt_write_fd(fd, text), "write to it");
	return fd;
}

/* Yours: whether it came back as it was. Here for a file that was not read from yet. */
static bool hand_written_has(int fd, const char *text, const char *name)
{
	char buf[HAND_WRITTEN_BYTES + 1] = "";
	int n = read(fd, buf, HAND_WRITTEN_BYTES);

	if (n < 0 || strcmp(buf, text))
		lt_note("it has '%s' (%d), expected '%s'", buf, n, text);
	return lt_ok(n >= 0 && !strcmp(buf, text), "%s has what was written", name);
}

/* What the writer has begun and what it has come back from, in a carried page. */
struct book {
	atomic_ullong started, done;
	atomic_ullong stamp;	/* cycles, when it last came back */
	struct lt_stamp reboot;	/* cycles, at reboot(2) */
};

/* Yours: a program that goes on changing the file, and writes down what it did. */
static pid_t writer(struct book *book, int fd)
{
	pid_t child = fork();
	char text[HAND_WRITTEN_BYTES];
	__u64 n;

	if (child)
		return child;
	/* Not on the CPU that the reboot runs on: it goes on for longest. */
	lt_pin_cpu(lt_nr_cpus() - 1);
	for (n = book->started + 1; ; n++) {
		snprintf(text, sizeof(text), "%llu", n);
		book->started = n;
		if (lt_write_fd(fd, text) < 0)
			_exit(1);
		book->stamp = lt_cycles();
		book->done = n;
	}
}

static void first_kernel(void)
{
	int one, two, still, busy, fail;
	struct book *book;
	__u64 done;
	pid_t child;

	lt_result(lt_module_load(MODULE), 0, "the module is loaded");
	one = lt_must(lt_session_create("hand-written"), "session");
	two = lt_must(lt_session_create("hand-written-two"), "session");
	still = lt_must(make_file("nobody changes this"), "make a file");
	busy = lt_must(make_file("0"), "make a file");
	book = lt_carry_new("hand-written-book", sizeof(*book));

	lt_result(lt_preserve(one, still, 1), 0, "a file is preserved");
	lt_result(lt_preserve(one, busy, 2), 0, "a second one is preserved beside it");
	lt_result(lt_preserve(one, still, 3), -EBUSY, "refused: the same session");
	lt_result(lt_preserve(two, still, 3), -EBUSY, "refused: another session");
	lt_result(lt_module_unload(MODULE), -EAGAIN, "in use, the module refuses to go");
	fcntl(still, F_SETFL, fcntl(still, F_GETFL) | O_NONBLOCK);

	/* An update that is aborted after the files have frozen. */
	fail = open("/dev/luosdk_fail", O_RDWR | O_CLOEXEC);
	lt_must(lt_write_fd(fail, "freeze -5"), "make a freeze fail");
	lt_must(lt_preserve(two, fail, 1), "preserve a file that fails");
	lt_must(lt_kexec_load(), "load the next kernel");
	child = writer(book, busy);
	lt_sleep_ms(50);
	lt_result(lt_kexec_reboot(), -EIO, "a live update is aborted in freeze");
	done = book->done;
	lt_sleep_ms(200);
	lt_ok(book->done > done, "a writer in another process goes on");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(two);

	writer(book, busy);
	lt_sleep_ms(100);
	lt_stamp_reboot(&book->reboot);
}

static void second_kernel(void)
{
	struct book *book;
	int session, still, busy;
	char text[HAND_WRITTEN_BYTES + 1] = "";
	double ms;
	__u64 got;

	lt_result(lt_module_load(MODULE), 0, "the module is loaded");
	book = lt_carry_get("hand-written-book", sizeof(*book));
	session = lt_must(lt_session_retrieve("hand-written"), "session");
	still = lt_must(lt_retrieve(session, 1), "retrieve");
	busy = lt_must(lt_retrieve(session, 2), "retrieve");
	hand_written_has(still, "nobody changes this", "the one left alone");
	lt_ok(fcntl(still, F_GETFL) & O_NONBLOCK, "and it is non-blocking, as it was made");
	lt_ok(!(fcntl(busy, F_GETFL) & O_NONBLOCK), "the other one is not");

	lt_ok(read(busy, text, HAND_WRITTEN_BYTES) > 0, "the one that was written to is read");
	got = strtoull(text, NULL, 10);
	ms = (double)(__s64)(book->stamp - book->reboot.cycles) / lt_cycles_per_ns() / 1e6;
	lt_note("it has %llu, by the book %llu to %llu", got, book->done, book->started);
	lt_note("the last write came back %.3f ms %s reboot(2)", ms < 0 ? -ms : ms,
		ms < 0 ? "before" : "after");
	/* A write that came back is in it. One that could not be saved never came back. */
	lt_ok(got >= book->done && got <= book->started, "it has the last write that came back");

	lt_result(lt_preserve(session, still, 3), -EINVAL, "an incoming session takes no file");
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
	lt_ok(lt_write_fd(busy, "new") == 3, "it can be written to");
	session = lt_must(lt_session_create("hand-written"), "session");
	lt_result(lt_preserve(session, still, 1), 0, "the files can be preserved again");
	close(session);
	close(still);
	close(busy);
	lt_result(lt_module_unload(MODULE), 0, "idle, the module is unloaded");
}

/* The numbers are how many results each stage gives. */
LT_SCENARIO(hand_written) = {
	.name	= "hand-written.live-update",
	.about	= "as a module: files come back, are guarded, their writers wait in freeze",
	.stage	= { { first_kernel, 8 }, { second_kernel, 11 } },
	.flags	= LT_ALONE | LT_MODULES,
};
