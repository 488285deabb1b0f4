// SPDX-License-Identifier: GPL-2.0
/*
 * memory_fd_vm.c - the driver as a module, over a real live update in a VM.
 *
 * A program of user space. The pages come back where they were, with all that was stored in
 * them until the old kernel was gone; which pages they are cannot change meanwhile.
 */
#define _GNU_SOURCE
#include <luotest.h>

#include "memory_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE	"memory_fd"
#define PAGES	700
#define SEED	0x5eed

static size_t page_bytes(void)
{
	return sysconf(_SC_PAGESIZE);
}

/* Yours: how a program makes a file. */
static int make_file(unsigned long pages)
{
	int dev, fd;

	dev = open("/dev/memory_fd", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		return -errno;
	fd = ioctl(dev, MEMORY_FD_CREATE, pages);
	if (fd < 0)
		fd = -errno;
	close(dev);
	return fd;
}

static int grow(int fd, unsigned long pages)
{
	return ioctl(fd, MEMORY_FD_GROW, pages) ? -errno : 0;
}

static void *map_file(int fd, unsigned long pages)
{
	void *mem = mmap(NULL, pages * page_bytes(), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, fd, 0);

	if (mem == MAP_FAILED)
		lt_die("map it: %s", lt_errname(-errno));
	return mem;
}

/* What was there before, and what the writer has stored, in a carried page. */
struct book {
	__u64 sum;		/* of the contents */
	__u64 where;		/* of the numbers of the pages */
	atomic_ullong done;	/* the last store that was over */
};

/* Yours: a program that goes on changing the contents, and writes down what it did. */
static pid_t writer(struct book *book, atomic_ullong *word)
{
	pid_t child = fork();
	__u64 n;

	if (child)
		return child;
	/* Not on the CPU that the reboot runs on: it goes on for longest. */
	lt_pin_cpu(lt_nr_cpus() - 1);
	for (n = book->done + 1; ; n++) {
		*word = n;
		book->done = n;
	}
}

static void first_kernel(void)
{
	size_t bytes = PAGES * page_bytes();
	int one, two, still, busy, fail;
	struct lt_pages pages;
	struct book *book;
	char *mem, *word;
	__u64 done;
	pid_t child;

	lt_result(lt_module_load(MODULE), 0, "the module is loaded");
	one = lt_must(lt_session_create("memory-fd"), "session");
	two = lt_must(lt_session_create("memory-fd-two"), "session");
	still = lt_must(make_file(PAGES - 1), "make a file");
	busy = lt_must(make_file(1), "make a file");
	book = lt_carry_new("memory-fd-book", sizeof(*book));

	lt_result(lt_preserve(one, still, 1), 0, "a file is preserved");
	lt_result(lt_preserve(one, busy, 2), 0, "a second one is preserved beside it");
	lt_result(lt_preserve(two, still, 3), -EBUSY, "refused: another session");
	lt_result(lt_module_unload(MODULE), -EAGAIN, "in use, the module refuses to go");
	lt_result(grow(still, 1), -EBUSY, "preserved, it does not grow");
	close(one);
	lt_result(grow(still, 1), 0, "given up, it grows");

	one = lt_must(lt_session_create("memory-fd"), "session");
	lt_must(lt_preserve(one, still, 1), "preserve it");
	lt_must(lt_preserve(one, busy, 2), "preserve the second one");
	/* Only now: what is stored after preserve has to arrive as well. */
	mem = map_file(still, PAGES);
	lt_fill(mem, bytes, SEED);
	book->sum = lt_sum(mem, bytes);
	lt_pages(mem, bytes, &pages);
	lt_eq(pages.present, PAGES, "all its pages are mapped");
	book->where = pages.sum;
	lt_must(lseek(still, 3 * page_bytes(), SEEK_SET), "move its position");

	/* An update that is aborted after the files have frozen. */
	fail = open("/dev/luosdk_fail", O_RDWR | O_CLOEXEC);
	lt_must(lt_write_fd(fail, "freeze -5"), "make a freeze fail");
	lt_must(lt_preserve(two, fail, 1), "preserve a file that fails");
	lt_must(lt_kexec_load(), "load the next kernel");
	word = map_file(busy, 1);
	child = writer(book, (atomic_ullong *)word);
	lt_sleep_ms(50);
	lt_result(lt_kexec_reboot(), -EIO, "a live update is aborted in freeze");
	done = book->done;
	lt_sleep_ms(200);
	lt_ok(book->done > done, "a writer in another process goes on");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(two);

	writer(book, (atomic_ullong *)word);
	lt_sleep_ms(100);
}

static void second_kernel(void)
{
	size_t bytes = PAGES * page_bytes();
	struct lt_pages pages;
	int session, still, busy;
	char buf[8] = "";
	struct book *book;
	char *mem, *word;
	__u64 got;

	lt_result(lt_module_load(MODULE), 0, "the module is loaded");
	book = lt_carry_get("memory-fd-book", sizeof(*book));
	session = lt_must(lt_session_retrieve("memory-fd"), "session");
	busy = lt_must(lt_retrieve(session, 2), "retrieve");
	still = lt_must(lt_retrieve(session, 1), "retrieve");

	/* Yours: whether it came back as it was. */
	lt_eq(lseek(still, 0, SEEK_CUR), 3 * page_bytes(), "its position is where it was last");
	lt_eq(lseek(still, 0, SEEK_END), bytes, "it is as large as it was");
	mem = map_file(still, PAGES);
	lt_eq(lt_sum(mem, bytes), book->sum, "it has what was stored in it");
	lt_pages(mem, bytes, &pages);
	lt_eq(pages.sum, book->where, "its pages are where they were");

	word = map_file(busy, 1);
	got = *(__u64 *)word;
	lt_note("the last store that arrived is %llu, by the book it was %llu", got,
		(__u64)book->done);
	/* A store and its note are two; the kernel can go between them. */
	lt_ok(got == book->done || got == book->done + 1, "it has the last store of all");

	lt_result(lt_preserve(session, still, 3), -EINVAL, "an incoming session takes no file");
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
	lt_result(grow(still, 1), 0, "it grows");
	lt_ok(pwrite(still, "new", 3, bytes) == 3 && pread(still, buf, 3, bytes) == 3 &&
	      !strcmp(buf, "new"), "what is new is written and read");
	lt_eq(lt_sum(mem, bytes), book->sum, "and what was there is still there");

	session = lt_must(lt_session_create("memory-fd"), "session");
	lt_result(lt_preserve(session, still, 1), 0, "it can be preserved again");
	close(session);
	munmap(mem, bytes);
	close(still);
	close(busy);
	lt_result(lt_module_unload(MODULE), -EAGAIN, "with a mapping left the module stays");
	munmap(word, page_bytes());
	lt_result(lt_module_unload(MODULE), 0, "idle, the module is unloaded");
}

/* The numbers are how many results each stage gives. */
LT_SCENARIO(memory_fd) = {
	.name	= "memory-fd.live-update",
	.about	= "as a module: pages come back in place, with every store until the end",
	.stage	= { { first_kernel, 10 }, { second_kernel, 14 } },
	.flags	= LT_ALONE | LT_MODULES,
};
