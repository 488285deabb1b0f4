// SPDX-License-Identifier: GPL-2.0
/*
 * shared_state_vm.c - the driver as a module, over a real live update in a VM.
 *
 * A program of user space. Files come back with their ids, and no id comes twice: not one of
 * a file that was made while the old kernel went down, and not before the first file is
 * retrieved in the new one.
 */
#define _GNU_SOURCE
#include <luotest.h>

#include "shared_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE	"shared_state"

/* Yours: how a program makes a file, and what it can see of what all files share. */
static int make_file(void)
{
	int dev, fd;

	dev = open("/dev/shared_state", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		return -errno;
	fd = ioctl(dev, SHARED_STATE_CREATE);
	if (fd < 0)
		fd = -errno;
	close(dev);
	return fd;
}

static __u64 id_of(int fd)
{
	__u64 id = 0;

	if (ioctl(fd, SHARED_STATE_GET_ID, &id) < 0)
		lt_die("ask for the id: %s", lt_errname(-errno));
	return id;
}

static __u64 new_id(void)
{
	int fd = lt_must(make_file(), "make a file");
	__u64 id = id_of(fd);

	close(fd);
	return id;
}

/* The ids that were seen, in a carried page. */
struct book {
	atomic_ullong last;
	__u64 kept[2];
};

/* Yours: a program that goes on changing what is shared, and writes down what it saw. */
static pid_t maker(struct book *book)
{
	pid_t child = fork();

	if (child)
		return child;
	/* Not on the CPU that the reboot runs on: it goes on for longest. */
	lt_pin_cpu(lt_nr_cpus() - 1);
	for (;;)
		book->last = new_id();
}

static void first_kernel(void)
{
	int one, two, fail, fd[2];
	struct book *book;
	pid_t child;
	__u64 last;

	lt_result(lt_module_load(MODULE), 0, "the module is loaded");
	one = lt_must(lt_session_create("shared-state"), "session");
	two = lt_must(lt_session_create("shared-state-two"), "session");
	book = lt_carry_new("shared-state-book", sizeof(*book));

	lt_eq(new_id(), 1, "the first file has an id");
	fd[0] = lt_must(make_file(), "make a file");
	fd[1] = lt_must(make_file(), "make a file");
	book->kept[0] = id_of(fd[0]);
	book->kept[1] = id_of(fd[1]);
	lt_ok(book->kept[0] == 2 && book->kept[1] == 3, "the next two have others");
	lt_result(lt_preserve(one, fd[0], 1), 0, "a file is preserved");
	lt_result(lt_preserve(two, fd[1], 1), 0, "another one in another session");
	lt_result(lt_preserve(two, fd[0], 2), -EBUSY, "refused: one that is preserved already");
	lt_result(lt_module_unload(MODULE), -EAGAIN, "in use, the module refuses to go");

	/* An update that is aborted after the files have frozen: ids go on. */
	fail = open("/dev/luosdk_fail", O_RDWR | O_CLOEXEC);
	lt_must(lt_write_fd(fail, "freeze -5"), "make a freeze fail");
	lt_must(lt_preserve(two, fail, 2), "preserve a file that fails");
	lt_must(lt_kexec_load(), "load the next kernel");
	child = maker(book);
	lt_sleep_ms(50);
	lt_result(lt_kexec_reboot(), -EIO, "a live update is aborted in freeze");
	last = book->last;
	lt_sleep_ms(200);
	lt_ok(book->last > last, "who makes files goes on");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(two);
	two = lt_must(lt_session_create("shared-state-two"), "session");
	lt_result(lt_preserve(two, fd[1], 1), 0, "the second file is preserved again");

	maker(book);
	lt_sleep_ms(100);
}

static void second_kernel(void)
{
	int one, two, fd;
	struct book *book;
	__u64 id;

	lt_result(lt_module_load(MODULE), 0, "the module is loaded");
	book = lt_carry_get("shared-state-book", sizeof(*book));

	/* Before any file is retrieved. */
	id = new_id();
	lt_note("the last id in the old kernel that was seen is %llu, the new one's first is %llu",
		book->last, id);
	/* One was on its way, and nobody has seen it. */
	lt_ok(id > book->last && id <= book->last + 2, "ids go on where they were");

	one = lt_must(lt_session_retrieve("shared-state"), "session");
	fd = lt_must(lt_retrieve(one, 1), "retrieve");
	lt_eq(id_of(fd), book->kept[0], "a file comes back with its id");
	lt_result(lt_finish(one), 0, "its session is finished");
	close(one);
	lt_result(lt_module_unload(MODULE), -EAGAIN, "in use, the module refuses to go");

	/* Nobody wants the other one. */
	two = lt_must(lt_session_retrieve("shared-state-two"), "session");
	lt_result(lt_finish(two), 0, "the other session is finished, its file not retrieved");
	close(two);
	lt_eq(new_id(), id + 1, "ids go on when all is finished");

	two = lt_must(lt_session_create("shared-state"), "session");
	lt_result(lt_preserve(two, fd, 1), 0, "the file can be preserved again");
	close(two);
	close(fd);
	lt_result(lt_module_unload(MODULE), 0, "idle, the module is unloaded");
}

/* The numbers are how many results each stage gives. */
LT_SCENARIO(shared_state) = {
	.name	= "shared-state.live-update",
	.about	= "as a module: files come back, and what they share goes on until the end",
	.stage	= { { first_kernel, 10 }, { second_kernel, 9 } },
	.flags	= LT_ALONE | LT_MODULES,
};
