// SPDX-License-Identifier: GPL-2.0
/*
 * Eventfds over a real live update: what comes back, and that nothing is lost.
 */
#define _GNU_SOURCE
#include <luotest.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATS	"/sys/kernel/debug/luosdk-eventfd/stats"

/* An eventfd, made and preserved. */
static int preserved_eventfd(int session, __u64 token, __u64 count, int flags)
{
	int fd = lt_must(lt_eventfd(count, flags), "make an eventfd");

	lt_must(lt_preserve(session, fd, token), "preserve an eventfd");
	return fd;
}

/* ---- one ---- */

static void one_before(void)
{
	int session = lt_must(lt_session_create("one"), "session");
	int fd = lt_must(lt_eventfd(5, 0), "eventfd");

	lt_result(lt_preserve(session, fd, 1), 0, "an eventfd is preserved");
	lt_eventfd_is(fd, 5, 0, "preserving it left it alone: it");
}

static void one_after(void)
{
	int session = lt_must(lt_session_retrieve("one"), "session");
	int fd, again;

	lt_result(lt_retrieve(session, 2), -ENOENT, "a token that was not preserved is unknown");
	fd = lt_retrieve(session, 1);
	lt_result(fd, 0, "it is retrieved");
	again = lt_retrieve(session, 1);
	lt_eventfd_is(fd, 5, 0, "it");
	lt_eventfd_write(again, 3);
	lt_eventfd_is(fd, 8, 0, "retrieved twice, it is one file: after a write to the other it");
	close(again);
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
	lt_eventfd_works(fd, "it");
}

LT_SCENARIO(one) = {
	.name	= "eventfd.one",
	.about	= "one eventfd comes back as it was",
	.stage	= { { one_before, 2 }, { one_after, 6 } },
};

/* ---- each kind of state, and each change between preserve and the kexec ---- */

static void add_seven(int fd)
{
	lt_must(lt_eventfd_write(fd, 7), "write");
}

static void take(int fd)
{
	__u64 val;

	lt_must(lt_eventfd_read(fd, &val), "read");
}

static void signal_it(int fd)
{
	lt_must(lt_eventfd_signal(fd), "signal from inside the kernel");
}

static void set_nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void clear_nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

static void fill_and_take(int fd)
{
	add_seven(fd);
	take(fd);
	take(fd);
	add_seven(fd);
}

static const struct kind {
	const char *name;
	__u64 count;
	int flags;
	void (*first)(int fd);	/* before it is preserved */
	void (*then)(int fd);	/* between preserve and the live update */
	__u64 count_after;
	int flags_after;
} kinds[] = {
	{ "empty", 0, 0, NULL, NULL, 0, 0 },
	{ "a count of 1", 1, 0, NULL, NULL, 1, 0 },
	{ "a count of 2^32", 1ull << 32, 0, NULL, NULL, 1ull << 32, 0 },
	{ "ULLONG_MAX - 1", UINT64_MAX - 1, 0, NULL, NULL, UINT64_MAX - 1, 0 },
	{ "ULLONG_MAX, by a signal", UINT64_MAX - 1, 0, signal_it, NULL, UINT64_MAX, 0 },
	{ "semaphore", 3, EFD_SEMAPHORE, NULL, NULL, 3, EFD_SEMAPHORE },
	{ "empty semaphore", 0, EFD_SEMAPHORE, NULL, NULL, 0, EFD_SEMAPHORE },
	{ "semaphore of ULLONG_MAX - 1", UINT64_MAX - 1, EFD_SEMAPHORE, NULL, NULL,
	  UINT64_MAX - 1, EFD_SEMAPHORE },
	{ "non-blocking", 2, EFD_NONBLOCK, NULL, NULL, 2, EFD_NONBLOCK },
	{ "non-blocking semaphore", 2, EFD_NONBLOCK | EFD_SEMAPHORE, NULL, NULL,
	  2, EFD_NONBLOCK | EFD_SEMAPHORE },
	{ "written after preserve", 5, 0, NULL, add_seven, 12, 0 },
	{ "read after preserve", 5, 0, NULL, take, 0, 0 },
	{ "semaphore read after preserve", 3, EFD_SEMAPHORE, NULL, take, 2, EFD_SEMAPHORE },
	{ "signalled after preserve", 5, 0, NULL, signal_it, 6, 0 },
	{ "signalled to ULLONG_MAX after preserve", UINT64_MAX - 1, 0, NULL, signal_it,
	  UINT64_MAX, 0 },
	{ "semaphore written and read after preserve", 1, EFD_SEMAPHORE, NULL, fill_and_take,
	  13, EFD_SEMAPHORE },
	{ "made non-blocking after preserve", 2, 0, NULL, set_nonblock, 2, EFD_NONBLOCK },
	{ "made blocking after preserve", 2, EFD_NONBLOCK, NULL, clear_nonblock, 2, 0 },
};

static void kinds_before(void)
{
	int session = lt_must(lt_session_create("kinds"), "session");
	struct lt_tally wrong = {};
	char why[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *k = &kinds[i];
		int fd = lt_must(lt_eventfd(k->count, k->flags), k->name);

		if (k->first)
			k->first(fd);
		lt_must(lt_preserve(session, fd, i), k->name);
		if (k->then)
			k->then(fd);
		lt_tally(&wrong, !lt_eventfd_differs(fd, k->count_after, k->flags_after,
						     why, sizeof(why)),
			 "%s: %s", k->name, why);
	}
	lt_tally_ok(&wrong, "%zu kinds of eventfd are preserved", ARRAY_SIZE(kinds));
}

static void kinds_after(void)
{
	int session = lt_must(lt_session_retrieve("kinds"), "session");
	int fd[ARRAY_SIZE(kinds)];
	struct lt_tally wrong = {};
	char why[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		fd[i] = lt_must(lt_retrieve(session, i), kinds[i].name);
		lt_eventfd_is(fd[i], kinds[i].count_after, kinds[i].flags_after, kinds[i].name);
	}
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		lt_tally(&wrong, !lt_eventfd_broken(fd[i], why, sizeof(why)),
			 "%s: %s", kinds[i].name, why);
		close(fd[i]);
	}
	lt_tally_ok(&wrong, "each of them polls, reads, writes and wakes");
}

LT_SCENARIO(kinds) = {
	.name	= "eventfd.kinds",
	.about	= "each kind of state, and each way to change it after preserve",
	.stage	= { { kinds_before, 1 }, { kinds_after, ARRAY_SIZE(kinds) + 2 } },
};

/* ---- a thousand ---- */

#define THOUSAND	1000

static __u64 thousand_count(unsigned int i)
{
	/* Spread over the whole range, and never the same twice. */
	return i % 10 ? i * 0x0123456789abcdull : i;
}

static int thousand_flags(unsigned int i)
{
	return (i & 1 ? EFD_SEMAPHORE : 0) | (i & 2 ? EFD_NONBLOCK : 0);
}

static void thousand_before(void)
{
	int session = lt_must(lt_session_create("thousand"), "session");
	struct lt_tally wrong = {};
	__u64 start = lt_ns();
	unsigned int i;
	int err;

	for (i = 0; i < THOUSAND; i++) {
		int fd = lt_must(lt_eventfd(thousand_count(i), thousand_flags(i)), "eventfd");

		err = lt_preserve(session, fd, i);
		lt_tally(&wrong, !err, "number %u: %s", i, lt_errname(err));
		/* The session holds the file; descriptors are not what is preserved. */
		close(fd);
	}
	lt_tally_ok(&wrong, "%d eventfds are preserved", THOUSAND);
	lt_note("made and preserved in %llu ms",
		(lt_ns() - start) / 1000000);
}

static void thousand_after(void)
{
	int session = lt_must(lt_session_retrieve("thousand"), "session");
	struct lt_tally missing = {}, different = {}, broken = {};
	static int fd[THOUSAND];
	__u64 start = lt_ns(), val;
	char why[128];
	unsigned int i;

	/* Last to first: the order of retrieval is user space's own. */
	for (i = THOUSAND; i-- > 0; ) {
		fd[i] = lt_retrieve(session, i);
		lt_tally(&missing, fd[i] >= 0, "number %u: %s", i, lt_errname(fd[i]));
	}
	lt_note("retrieved in %llu ms", (lt_ns() - start) / 1000000);
	if (!lt_tally_ok(&missing, "%d eventfds are retrieved", THOUSAND))
		lt_die("the rest cannot be compared");
	for (i = 0; i < THOUSAND; i++)
		lt_tally(&different, !lt_eventfd_differs(fd[i], thousand_count(i),
							 thousand_flags(i), why, sizeof(why)),
			 "number %u: %s", i, why);
	lt_tally_ok(&different, "each is as it was");
	start = lt_ns();
	lt_result(lt_finish(session), 0, "the session is finished");
	lt_note("finished in %llu ms", (lt_ns() - start) / 1000000);
	for (i = 0; i < THOUSAND; i++) {
		/* Each one a write and a read, and some of them everything. */
		if (i % 100 == 0)
			lt_tally(&broken, !lt_eventfd_broken(fd[i], why, sizeof(why)),
				 "number %u: %s", i, why);
		else
			lt_tally(&broken, lt_eventfd_write(fd[i], 1) == sizeof(val) &&
				 lt_eventfd_read(fd[i], &val) == sizeof(val) &&
				 val == (i & 1 ? 1 : thousand_count(i) + 1),
				 "number %u does not write and read", i);
		close(fd[i]);
	}
	lt_tally_ok(&broken, "each writes and reads");
	close(session);
}

LT_SCENARIO(thousand) = {
	.name	= "eventfd.thousand",
	.about	= "1000 eventfds of one session",
	.stage	= { { thousand_before, 1 }, { thousand_after, 4 } },
};

/* ---- the order of files in a session ---- */

static void memfd_with(int session, __u64 token, const char *text, size_t size)
{
	int fd = lt_memfd(0, size);

	if (pwrite(fd, text, strlen(text), 0) < 0)
		lt_die("write to a memfd: %s", lt_errname(-errno));
	lt_must(lt_preserve(session, fd, token), "preserve a memfd");
	close(fd);
}

static void memfd_has(int session, __u64 token, const char *text, const char *name)
{
	char buf[64] = "";
	int fd = lt_must(lt_retrieve(session, token), "retrieve a memfd");

	lt_ok(pread(fd, buf, strlen(text), 0) == (ssize_t)strlen(text) && !strcmp(buf, text),
	      "%s has its content", name);
	close(fd);
}

static void order_before(void)
{
	int first = lt_must(lt_session_create("order-first"), "session");
	int last = lt_must(lt_session_create("order-last"), "session");
	int fd;

	fd = preserved_eventfd(first, 1, 11, 0);
	memfd_with(first, 2, "behind an eventfd", 4096);
	lt_must(lt_eventfd_write(fd, 1), "write");

	memfd_with(last, 1, "before an eventfd", 4096);
	fd = preserved_eventfd(last, 2, 21, EFD_SEMAPHORE);
	lt_must(lt_eventfd_write(fd, 1), "write");
	lt_ok(true, "eventfd before memfd, and memfd before eventfd");
}

static void order_after(void)
{
	int first = lt_must(lt_session_retrieve("order-first"), "session");
	int last = lt_must(lt_session_retrieve("order-last"), "session");
	int fd;

	memfd_has(first, 2, "behind an eventfd", "the memfd behind the eventfd");
	fd = lt_must(lt_retrieve(first, 1), "retrieve");
	lt_eventfd_is(fd, 12, 0, "the eventfd before the memfd");
	fd = lt_must(lt_retrieve(last, 2), "retrieve");
	lt_eventfd_is(fd, 22, EFD_SEMAPHORE, "the eventfd behind the memfd");
	memfd_has(last, 1, "before an eventfd", "the memfd before the eventfd");
	lt_result(lt_finish(last), 0, "the last session is finished first");
	lt_result(lt_finish(first), 0, "the first session is finished");
	close(first);
	close(last);
}

LT_SCENARIO(order) = {
	.name	= "eventfd.order",
	.about	= "preserved before and behind a memfd, retrieved in another order",
	.stage	= { { order_before, 1 }, { order_after, 6 } },
};

/* ---- sessions that do not end by finish ---- */

static void closed_before(void)
{
	int session = lt_must(lt_session_create("closed"), "session");
	int unused = lt_must(lt_session_create("closed-unused"), "session");

	preserved_eventfd(session, 1, 31, 0);
	preserved_eventfd(session, 2, 32, EFD_SEMAPHORE);
	preserved_eventfd(unused, 1, 33, 0);
	lt_ok(true, "two sessions");
}

static void closed_after(void)
{
	int session = lt_must(lt_session_retrieve("closed"), "session");
	int unused = lt_must(lt_session_retrieve("closed-unused"), "session");
	int fd = lt_must(lt_retrieve(session, 1), "retrieve");

	lt_eventfd_is(fd, 31, 0, "the retrieved one");
	lt_result(close(session), 0, "its session is closed, not finished");
	lt_result(close(unused), 0, "a session of which nothing was retrieved is closed");
	lt_result(lt_session_retrieve("closed"), -ENOENT, "a closed session is gone");
	session = lt_must(lt_session_create("closed"), "session");
	lt_result(lt_preserve(session, fd, 1), 0, "the retrieved one can be preserved again");
	close(session);
	lt_eventfd_works(fd, "the retrieved one");
	close(fd);
}

LT_SCENARIO(closed) = {
	.name	= "eventfd.closed",
	.about	= "the session is closed in the new kernel instead of finished",
	.stage	= { { closed_before, 1 }, { closed_after, 6 } },
};

static void unretrieved_before(void)
{
	int session = lt_must(lt_session_create("unretrieved"), "session");
	int none = lt_must(lt_session_create("unretrieved-none"), "session");
	unsigned int i;

	for (i = 0; i < 5; i++)
		preserved_eventfd(session, i, 40 + i, 0);
	for (i = 0; i < 100; i++)
		preserved_eventfd(none, i, i, EFD_NONBLOCK);
	lt_ok(true, "two sessions");
}

static void unretrieved_after(void)
{
	int session = lt_must(lt_session_retrieve("unretrieved"), "session");
	int none = lt_must(lt_session_retrieve("unretrieved-none"), "session");
	int fd = lt_must(lt_retrieve(session, 2), "retrieve");

	lt_result(lt_finish(none), 0, "a session is finished of which nothing was retrieved");
	lt_result(lt_retrieve(none, 0), -ENOENT, "nothing can be retrieved of it any more");
	lt_result(lt_finish(session), 0, "one is finished of which one in five was retrieved");
	lt_result(lt_retrieve(session, 0), -ENOENT, "the other four are gone");
	lt_eventfd_is(fd, 42, 0, "the retrieved one");
	lt_eventfd_works(fd, "the retrieved one");
	close(session);
	close(none);
	close(fd);
}

LT_SCENARIO(unretrieved) = {
	.name	= "eventfd.unretrieved",
	.about	= "finish without retrieve",
	.stage	= { { unretrieved_before, 1 }, { unretrieved_after, 6 } },
};

/* ---- abort before the reboot ---- */

/* A child that blocks in read(2) and wants to read @want. */
static pid_t blocked_reader(int fd, __u64 want)
{
	pid_t child = fork();
	__u64 val;

	if (!child)
		_exit(lt_eventfd_read(fd, &val) == sizeof(val) && val == want ? 0 : 1);
	if (child < 0 || !lt_is_blocked(child, 5000))
		lt_die("a reader does not block");
	return child;
}

/* A child that blocks in epoll_wait(2) until @fd can be read. */
static pid_t blocked_epoll(int fd)
{
	pid_t child = fork();

	if (!child) {
		struct epoll_event ev = { .events = EPOLLIN };
		int ep = epoll_create1(EPOLL_CLOEXEC);

		if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
			_exit(2);
		_exit(epoll_wait(ep, &ev, 1, -1) == 1 && ev.events == EPOLLIN ? 0 : 1);
	}
	if (child < 0 || !lt_is_blocked(child, 5000))
		lt_die("a waiter in epoll does not block");
	return child;
}

static void abort_before(void)
{
	int session = lt_must(lt_session_create("abort"), "session");
	int full = preserved_eventfd(session, 1, 50, EFD_SEMAPHORE);
	int empty = lt_must(lt_eventfd(0, 0), "eventfd");
	pid_t reader, waiter;

	reader = blocked_reader(empty, 9);
	waiter = blocked_epoll(empty);
	lt_result(lt_preserve(session, empty, 2), 0, "one with a blocked reader is preserved");
	lt_result(close(session), 0, "the session is closed");
	lt_ok(lt_is_blocked(reader, 0) && lt_is_blocked(waiter, 0),
	      "reader and epoll are still blocked");
	lt_eventfd_is(full, 50, EFD_SEMAPHORE, "the other one");
	lt_must(lt_eventfd_write(empty, 9), "write");
	lt_result(lt_wait_exit(reader, 5000), 0, "a write wakes the reader");
	/* The reader may have emptied it before the waiter looked. */
	lt_must(lt_eventfd_write(empty, 1), "write");
	lt_result(lt_wait_exit(waiter, 5000), 0, "and the epoll");
	lt_eventfd_works(empty, "the blocked-on one");
	session = lt_must(lt_session_create("abort"), "session of the same name");
	lt_result(lt_preserve(session, full, 1), 0, "it can be preserved again");
	lt_result(lt_preserve(session, empty, 2), 0, "and the other one");
}

static void abort_after(void)
{
	int session = lt_must(lt_session_retrieve("abort"), "session");
	int fd = lt_must(lt_retrieve(session, 1), "retrieve");

	lt_eventfd_is(fd, 50, EFD_SEMAPHORE, "the one that was preserved twice");
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
	close(fd);
}

LT_SCENARIO(abort) = {
	.name	= "eventfd.abort",
	.about	= "called off before the reboot; preserved again and updated",
	.stage	= { { abort_before, 9 }, { abort_after, 2 } },
};

/* ---- two live updates in a row ---- */

static void twice_first(void)
{
	int session = lt_must(lt_session_create("twice"), "session");

	preserved_eventfd(session, 1, 60, 0);
	preserved_eventfd(session, 2, UINT64_MAX - 1, EFD_SEMAPHORE | EFD_NONBLOCK);
	lt_ok(true, "two eventfds");
}

static void twice_second(void)
{
	int session = lt_must(lt_session_retrieve("twice"), "session");
	int plain = lt_must(lt_retrieve(session, 1), "retrieve");
	int sem = lt_must(lt_retrieve(session, 2), "retrieve");
	__u64 val;

	lt_eventfd_is(plain, 60, 0, "the plain one");
	lt_eventfd_is(sem, UINT64_MAX - 1, EFD_SEMAPHORE | EFD_NONBLOCK, "the semaphore");
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
	session = lt_must(lt_session_create("twice"), "session");
	lt_result(lt_preserve(session, plain, 1), 0, "the plain one is preserved again");
	lt_result(lt_preserve(session, sem, 2), 0, "and the semaphore");
	lt_must(lt_eventfd_write(plain, 3), "write");
	lt_must(lt_eventfd_read(sem, &val), "read");
}

static void twice_third(void)
{
	int session = lt_must(lt_session_retrieve("twice"), "session");
	int plain = lt_must(lt_retrieve(session, 1), "retrieve");
	int sem = lt_must(lt_retrieve(session, 2), "retrieve");

	lt_eventfd_is(plain, 63, 0, "the plain one");
	lt_eventfd_is(sem, UINT64_MAX - 2, EFD_SEMAPHORE | EFD_NONBLOCK, "the semaphore");
	lt_result(lt_finish(session), 0, "the session is finished");
	lt_eventfd_works(plain, "the plain one");
	lt_eventfd_works(sem, "the semaphore");
	close(session);
}

LT_SCENARIO(twice) = {
	.name	= "eventfd.twice",
	.about	= "two live updates in a row",
	.stage	= { { twice_first, 1 }, { twice_second, 5 }, { twice_third, 5 } },
};

/* ---- a freeze that fails, and everything works on ---- */

static int open_fail(int session, __u64 token)
{
	int fd = open("/dev/luosdk_fail", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		lt_die("open /dev/luosdk_fail: %s", strerror(errno));
	lt_must(lt_preserve(session, fd, token), "preserve a file that can fail");
	return fd;
}

static bool fail_calls(int fd, const char *want)
{
	char buf[64] = "";

	/* Each is read once: a file that was retrieved has no position to read at. */
	if (read(fd, buf, sizeof(buf) - 1) < 0)
		return false;
	buf[strcspn(buf, "\n")] = '\0';
	if (strcmp(buf, want))
		lt_note("its callbacks: %s, expected %s", buf, want);
	return !strcmp(buf, want);
}

#define FROZEN_PAGE	4096

static void freeze_before(void)
{
	static const char *const where[] = {
		"the first file of all", "a file in the middle", "the last file of all",
	};
	int a = lt_must(lt_session_create("freeze-a"), "session");
	int b = lt_must(lt_session_create("freeze-b"), "session");
	int c = lt_must(lt_session_create("freeze-c"), "session");
	int fail[3], plain, sem, empty, polled, other, again, memfd, err;
	pid_t reader, waiter;
	__u64 val;
	unsigned int i;

	/* Frozen in this order: sessions as created, files as preserved. */
	fail[0] = open_fail(a, 1);
	plain = preserved_eventfd(a, 2, 70, 0);
	empty = preserved_eventfd(a, 3, 0, 0);
	sem = preserved_eventfd(b, 1, 71, EFD_SEMAPHORE);
	fail[1] = open_fail(b, 2);
	polled = preserved_eventfd(b, 3, 0, 0);
	other = preserved_eventfd(c, 1, UINT64_MAX - 1, EFD_NONBLOCK);
	memfd = lt_memfd(MFD_NOEXEC_SEAL, 2 * FROZEN_PAGE);
	lt_must(lt_preserve(c, memfd, 3), "preserve a memfd");
	fail[2] = open_fail(c, 2);
	lt_must(lt_kexec_load(), "load the next kernel");
	reader = blocked_reader(empty, 9);
	waiter = blocked_epoll(polled);

	for (i = 0; i < 3; i++) {
		lt_must(lt_write_fd(fail[i], "freeze -5"), "make a freeze fail");
		err = lt_kexec_reboot();
		lt_result(err, -EIO, "the live update fails with %s", where[i]);
		lt_must(lt_write_fd(fail[i], "freeze 0"), "make it succeed again");
		lt_must(lt_eventfd_write(plain, 1), "write");
		lt_must(lt_eventfd_read(sem, &val), "read");
	}
	/* LUO does not unfreeze the file whose freeze failed. */
	lt_ok(fail_calls(fail[0], "freeze 3 unfreeze 2") &&
	      fail_calls(fail[1], "freeze 2 unfreeze 1") &&
	      fail_calls(fail[2], "freeze 1 unfreeze 0"), "files froze and thawed as they should");
	lt_eq(lt_stat(STATS, "frozen"), 3 + 5, "the handler froze the eventfds before those");
	lt_eq(lt_stat(STATS, "thawed"), 3 + 5, "and thawed each of them");
	lt_ok(lt_is_blocked(reader, 0) && lt_is_blocked(waiter, 0),
	      "reader and epoll are still blocked");
	lt_eventfd_is(plain, 73, 0, "one written to after each failure");
	lt_eventfd_is(sem, 68, EFD_SEMAPHORE, "one read after each failure");
	lt_eventfd_is(other, UINT64_MAX - 1, EFD_NONBLOCK, "one left alone");
	again = lt_must(lt_session_create("freeze-again"), "session");
	lt_result(lt_preserve(again, plain, 1), -EBUSY, "it is still preserved");

	lt_must(lt_eventfd_write(empty, 9), "write");
	lt_result(lt_wait_exit(reader, 5000), 0, "a write wakes the reader");
	lt_must(lt_eventfd_write(polled, 1), "write");
	lt_result(lt_wait_exit(waiter, 5000), 0, "a write wakes the epoll");

	/* A memfd is frozen from its preserve on, whatever becomes of the update. */
	lt_ok(ftruncate(memfd, FROZEN_PAGE) < 0 && errno == EPERM, "a memfd does not shrink");
	lt_ok(pwrite(memfd, "thawed", 6, FROZEN_PAGE) == 6 && !fchmod(memfd, 0640) &&
	      !fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK) && lseek(memfd, 17, SEEK_SET) == 17,
	      "it is written to, changes its mode, its seals, its position");

	lt_result(close(b), 0, "a session that was frozen is closed");
	lt_eventfd_works(sem, "its eventfd");
	lt_must(lt_eventfd_write(sem, 5), "write");
	lt_result(lt_preserve(again, sem, 1), 0, "it can be preserved again");
	lt_must(lt_write_fd(fail[1], "retrieve -12"), "make a retrieve fail");
	lt_result(lt_preserve(again, fail[1], 2), 0, "so can the file that failed");
	lt_must(lt_eventfd_write(plain, 1), "write");
}

static void freeze_after(void)
{
	int a = lt_must(lt_session_retrieve("freeze-a"), "session");
	int c = lt_must(lt_session_retrieve("freeze-c"), "session");
	int again = lt_must(lt_session_retrieve("freeze-again"), "session");
	struct stat st;
	char buf[6];
	int fd;

	lt_result(lt_session_retrieve("freeze-b"), -ENOENT, "the closed session did not come");
	fd = lt_must(lt_retrieve(a, 2), "retrieve");
	lt_eventfd_is(fd, 74, 0, "one that was frozen and thawed twice");
	lt_eventfd_works(fd, "it");
	fd = lt_must(lt_retrieve(again, 1), "retrieve");
	lt_eventfd_is(fd, 5, EFD_SEMAPHORE, "one that was preserved again");
	fd = lt_must(lt_retrieve(c, 1), "retrieve");
	lt_eventfd_is(fd, UINT64_MAX - 1, EFD_NONBLOCK, "one left alone");
	fd = lt_must(lt_retrieve(c, 3), "retrieve");
	lt_ok(pread(fd, buf, 6, FROZEN_PAGE) == 6 && !memcmp(buf, "thawed", 6),
	      "a memfd has what was written to it after it was frozen and thawed");
	lt_ok(!fstat(fd, &st) && (st.st_mode & 07777) == 0640 && st.st_size == 2 * FROZEN_PAGE &&
	      fcntl(fd, F_GET_SEALS) == (F_SEAL_EXEC | F_SEAL_SHRINK) &&
	      lseek(fd, 0, SEEK_CUR) == 17, "its mode, seals and position are the last ones");
	fd = lt_must(lt_retrieve(a, 1), "retrieve");
	lt_ok(fail_calls(fd, "freeze 0 unfreeze 0"), "the file that failed first is new");
	lt_result(lt_retrieve(again, 2), -ENOMEM, "a retrieve fails");
	lt_result(lt_retrieve(again, 2), -ENOMEM, "and again");
	lt_result(lt_finish(again), 0, "its session is finished all the same");
	lt_result(lt_finish(a), 0, "the first session is finished");
	lt_result(close(c), 0, "the last session is closed");
}

LT_SCENARIO(freeze_fails) = {
	.name	= "eventfd.freeze-fails",
	.about	= "the reboot fails three times in freeze, everything works on, then it succeeds",
	.stage	= { { freeze_before, 19 }, { freeze_after, 13 } },
	.flags	= LT_ALONE,
};

/* ---- nothing lost, nothing counted twice, to the last moment ---- */

/*
 * Tasks use eventfds while the kernel goes down under them, and keep book in a
 * preserved page. A task notes that it starts before the call and that it is done
 * after it, so the truth lies in between; there is one call in flight at most.
 */
#define FIELD_BITS	21
#define FIELD		((1ull << FIELD_BITS) - 1)

enum { W_FIRST, W_SECOND, W_SIGNAL, W_SEM, R_SEM, W_LOG, R_LOG, NR_TASKS };

struct book {
	atomic_ullong started[NR_TASKS];
	atomic_ullong done[NR_TASKS];
	atomic_ullong stamp[NR_TASKS];	/* cycles, at the last one done */
	struct lt_stamp reboot;		/* cycles, at reboot(2) */
	/* What R_LOG read in sum after an even and after an odd number of reads. */
	atomic_ullong total[2];
	/* Where the kernel puts what R_LOG reads: it is here or it was not read. */
	atomic_ullong slot;
};

static void hammer(struct book *book, int task, int fd, __u64 weight)
{
	__u64 val, n;
	bool good;

	for (n = 0; n < FIELD; n++) {
		if (task == R_LOG)
			book->slot = 0;
		book->started[task] = n + 1;
		switch (task) {
		case W_SIGNAL:
			good = lt_eventfd_signal(fd) >= 0;
			break;
		case R_SEM:
			good = lt_eventfd_read(fd, &val) == sizeof(val) && val == 1;
			break;
		case R_LOG:
			good = lt_eventfd_read(fd, (__u64 *)&book->slot) == sizeof(val);
			book->total[(n + 1) & 1] = book->total[n & 1] + book->slot;
			break;
		default:
			good = lt_eventfd_write(fd, weight) == sizeof(weight);
		}
		if (!good)
			_exit(1);
		book->stamp[task] = lt_cycles();
		book->done[task] = n + 1;
	}
	_exit(0);
}

static void hammer_task(struct book *book, int task, int fd, __u64 weight)
{
	if (lt_fork())
		return;
	/*
	 * The reboot runs on the first CPU. A task on another one goes on until
	 * that is stopped, long after the files have frozen.
	 */
	if (task != W_SECOND && task != W_SEM)
		lt_pin_cpu(lt_nr_cpus() - 1);
	hammer(book, task, fd, weight);
}

static void hammer_before(void)
{
	int first = lt_must(lt_session_create("hammer-first"), "session");
	int last, sum, sem, log, i;
	struct book *book;
	bool all = true;

	/* The first file to freeze, one in the middle, and the last. */
	sum = preserved_eventfd(first, 1, 0, 0);
	memfd_with(first, 2, "some time to freeze", 1 << 20);
	sem = preserved_eventfd(first, 3, 0, EFD_SEMAPHORE);
	book = lt_carry_new("hammer-book", sizeof(*book));
	last = lt_must(lt_session_create("hammer-last"), "session");
	log = preserved_eventfd(last, 1, 0, 0);

	lt_must(lt_kexec_load(), "load the next kernel");
	/* A signal adds 1. Each of the three has a third of the count to itself. */
	hammer_task(book, W_SIGNAL, sum, 1);
	hammer_task(book, W_FIRST, sum, 1ull << FIELD_BITS);
	hammer_task(book, W_SECOND, sum, 1ull << 2 * FIELD_BITS);
	hammer_task(book, W_SEM, sem, 1);
	hammer_task(book, R_SEM, sem, 0);
	hammer_task(book, W_LOG, log, 3);
	hammer_task(book, R_LOG, log, 0);
	lt_sleep_ms(300);
	for (i = 0; i < NR_TASKS; i++)
		all = all && book->done[i];
	lt_ok(all, "writers, readers and signals are at work");
	lt_stamp_reboot(&book->reboot);
}

static bool between(const char *what, __u64 got, __u64 low, __u64 high)
{
	lt_note("%s: %llu, by the book %llu to %llu", what, got,
		low, high);
	return lt_ok(got >= low && got <= high, "%s: none lost, none twice", what);
}

static void hammer_after(void)
{
	struct book *book = lt_carry_get("hammer-book", sizeof(*book));
	int first = lt_must(lt_session_retrieve("hammer-first"), "session");
	int last = lt_must(lt_session_retrieve("hammer-last"), "session");
	const atomic_ullong *started = book->started, *done = book->done;
	__u64 sum, count, read, latest = 0;
	bool semaphore;
	int fd, i;

	fd = lt_must(lt_retrieve(first, 1), "retrieve");
	lt_must(lt_eventfd_info(fd, &sum, &semaphore), "look at the sum");
	between("signals", sum & FIELD, done[W_SIGNAL], started[W_SIGNAL]);
	between("the first writer", sum >> FIELD_BITS & FIELD, done[W_FIRST], started[W_FIRST]);
	between("the second writer", sum >> 2 * FIELD_BITS, done[W_SECOND], started[W_SECOND]);

	fd = lt_must(lt_retrieve(first, 3), "retrieve");
	lt_must(lt_eventfd_info(fd, &count, &semaphore), "look at the semaphore");
	/* A reader that had nothing to read has started, and taken nothing. */
	between("the semaphore, with what was taken", count + done[R_SEM],
		done[W_SEM] - (started[R_SEM] - done[R_SEM]), started[W_SEM]);

	fd = lt_must(lt_retrieve(last, 1), "retrieve");
	lt_must(lt_eventfd_info(fd, &count, &semaphore), "look at the log");
	read = book->total[done[R_LOG] & 1];
	if (started[R_LOG] != done[R_LOG])
		read += book->slot;
	lt_eq((count + read) % 3, 0, "the log: whole writes");
	between("the log, with what was read", (count + read) / 3, done[W_LOG], started[W_LOG]);

	for (i = 0; i < NR_TASKS; i++)
		if (book->stamp[i] > latest)
			latest = book->stamp[i];
	lt_note("the last call was done %.3f ms after reboot(2) was called",
		(double)(__s64)(latest - book->reboot.cycles) / lt_cycles_per_ns() / 1e6);
	lt_ok(latest > book->reboot.cycles, "they were at work while the kernel went down");
	lt_result(lt_finish(first), 0, "the first session is finished");
	lt_result(lt_finish(last), 0, "the last session is finished");
}

LT_SCENARIO(hammer) = {
	.name	= "eventfd.hammer",
	.about	= "writers, readers and in-kernel signals until the old kernel's last moment",
	.stage	= { { hammer_before, 1 }, { hammer_after, 9 } },
	.flags	= LT_ALONE,
};
