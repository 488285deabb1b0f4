// SPDX-License-Identifier: GPL-2.0
/*
 * The same file is not preserved twice, and two files are two files.
 *
 * That is the check LUO could leave to the handlers: only they know by what private
 * object a file is the same as another one.
 */
#define _GNU_SOURCE
#include <luotest.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

static void two_files(void)
{
	int session = lt_must(lt_session_create("two"), "session");
	int a = lt_must(lt_eventfd(1, 0), "eventfd"), b = lt_must(lt_eventfd(2, 0), "eventfd");
	struct stat sa, sb;

	lt_ok(!fstat(a, &sa) && !fstat(b, &sb) && sa.st_dev == sb.st_dev &&
	      sa.st_ino == sb.st_ino,
	      "two eventfds share one inode: a mark there would refuse the second");
	lt_result(lt_preserve(session, a, 1), 0, "the first is preserved");
	lt_result(lt_preserve(session, b, 2), 0, "the second is preserved beside it");
	close(session);
	close(a);
	close(b);
}

LT_SCENARIO(two) = {
	.name	= "delegation.two",
	.about	= "two eventfds at once, although they share their inode",
	.stage	= { { two_files, 3 } },
};

static void same_file(void)
{
	int one = lt_must(lt_session_create("same-one"), "session");
	int two = lt_must(lt_session_create("same-two"), "session");
	int fd = lt_must(lt_eventfd(5, 0), "eventfd"), twin = dup(fd), other;

	other = lt_must(lt_eventfd(6, 0), "eventfd");
	lt_result(lt_preserve(one, fd, 1), 0, "an eventfd is preserved");
	lt_result(lt_preserve(one, fd, 1), -EEXIST, "refused: the same token");
	lt_result(lt_preserve(one, fd, 2), -EBUSY, "refused: the same session, another token");
	lt_result(lt_preserve(two, fd, 1), -EBUSY, "refused: another session");
	lt_result(lt_preserve(one, twin, 2), -EBUSY, "refused: the same session, through dup()");
	lt_result(lt_preserve(two, twin, 1), -EBUSY, "refused: another session, through dup()");
	lt_result(lt_preserve(two, other, 1), 0, "another eventfd is preserved there");
	close(fd);
	lt_result(lt_preserve(two, twin, 2), -EBUSY, "refused: the first descriptor is closed");
	close(two);
	lt_result(lt_preserve(one, other, 2), 0, "a closed session's is free for this one");
	close(one);
	one = lt_must(lt_session_create("same-one"), "session");
	lt_result(lt_preserve(one, twin, 1), 0, "after unpreserve it can be preserved again");
	close(one);
	lt_eventfd_is(twin, 5, 0, "the eventfd");
	close(twin);
	close(other);
}

LT_SCENARIO(same) = {
	.name	= "delegation.same",
	.about	= "the same eventfd through dup() and in two sessions; again after unpreserve",
	.stage	= { { same_file, 11 } },
};

static void retrieved_before(void)
{
	int session = lt_must(lt_session_create("retrieved"), "session");
	int fd = lt_must(lt_eventfd(7, 0), "eventfd");

	lt_result(lt_preserve(session, fd, 1), 0, "an eventfd is preserved");
}

static void retrieved_after(void)
{
	int session = lt_must(lt_session_retrieve("retrieved"), "session");
	int next = lt_must(lt_session_create("retrieved-next"), "session");
	int fd = lt_must(lt_retrieve(session, 1), "retrieve"), twin = dup(fd);
	int fresh = lt_must(lt_eventfd(0, 0), "eventfd");

	lt_result(lt_preserve(next, fd, 1), -EBUSY, "refused: retrieved and not finished");
	lt_result(lt_preserve(next, twin, 1), -EBUSY, "refused: the same through dup()");
	lt_result(lt_preserve(next, fresh, 2), 0, "a new eventfd is preserved meanwhile");
	lt_result(lt_finish(session), 0, "the session is finished");
	lt_result(lt_preserve(next, twin, 1), 0, "after finish it is preserved");
	lt_result(lt_preserve(next, fd, 3), -EBUSY, "and refused the second time");
	close(session);
	close(next);
	close(fd);
	close(twin);
	close(fresh);
}

LT_SCENARIO(retrieved) = {
	.name	= "delegation.retrieved",
	.about	= "retrieved and not finished is refused, finished is not",
	.stage	= { { retrieved_before, 1 }, { retrieved_after, 6 } },
};

/* ---- two preserves race ---- */

static struct {
	int fd;
	unsigned long rounds;
	atomic_ulong arrived;
	/* What each of the two got in this round, and from when to when it asked. */
	struct {
		int result;
		__u64 from, to;
	} got[2];
	unsigned long won[2];
	unsigned long overlapped;
	struct lt_tally wrong;
} race;

/*
 * Wait for the other one without going to sleep, to start at the same moment. But
 * where the host has taken its CPU away, let it have this one.
 */
static void race_meet(unsigned long *turn)
{
	unsigned int spins = 0;

	*turn += 2;
	atomic_fetch_add(&race.arrived, 1);
	while (atomic_load(&race.arrived) < *turn) {
		if (++spins > 5000)
			lt_sleep_us(20);
	}
}

static void race_judge(unsigned long round)
{
	int a = race.got[0].result, b = race.got[1].result;

	race.won[0] += !a;
	race.won[1] += !b;
	race.overlapped += race.got[0].from < race.got[1].to &&
			   race.got[1].from < race.got[0].to;
	lt_tally(&race.wrong, (!a && b == -EBUSY) || (!b && a == -EBUSY),
		 "round %lu: %s and %s", round, lt_errname(a), lt_errname(b));
}

static void *racer(void *arg)
{
	const int me = (long)arg;
	unsigned long turn = 0, round;
	char name[16];
	int session;

	lt_pin_cpu(me);
	snprintf(name, sizeof(name), "race-%d", me);
	for (round = 0; round < race.rounds; round++) {
		session = lt_session_create(name);
		race_meet(&turn);
		race.got[me].from = lt_cycles();
		race.got[me].result = session < 0 ? session : lt_preserve(session, race.fd, 1);
		race.got[me].to = lt_cycles();
		/* Nobody closes, and so frees the eventfd, before both have tried. */
		race_meet(&turn);
		if (!me)
			race_judge(round);
		close(session);
	}
	return NULL;
}

static void race_run(void)
{
	pthread_t thread[2];
	__u64 start = lt_ns();
	int session;
	long i;

	if (lt_nr_cpus() < 2)
		lt_die("a race needs two CPUs");
	race.rounds = lt_option("rounds", 10000);
	race.fd = lt_must(lt_eventfd(1, 0), "eventfd");
	lt_must(lt_device(), "open /dev/liveupdate");
	for (i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, racer, (void *)i))
			lt_die("start a thread");
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	lt_note("%lu rounds in %llu ms, won %lu to %lu, %lu at the same moment", race.rounds,
		(lt_ns() - start) / 1000000, race.won[0], race.won[1], race.overlapped);
	lt_tally_ok(&race.wrong, "exactly one wins each of the rounds");
	lt_ok(race.overlapped >= race.rounds / 10, "the two were at it at the same moment");
	lt_ok(race.won[0] && race.won[1], "each of the two wins some");
	session = lt_must(lt_session_create("race"), "session");
	lt_result(lt_preserve(session, race.fd, 1), 0, "after the last it can be preserved");
	close(session);
	close(race.fd);
}

LT_SCENARIO(race) = {
	.name	= "delegation.race",
	.about	= "two preserves race on two CPUs (--set rounds=N, 10000)",
	.stage	= { { race_run, 4 } },
};
