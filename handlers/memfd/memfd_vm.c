// SPDX-License-Identifier: GPL-2.0
/*
 * Memfds over a real live update: what comes back, and what is refused.
 *
 * What was is written down by the old kernel, in a carried page, and compared by the new
 * one. memfd.twice and memfd.formats also run the kernel's own handler, which none of our
 * code touches: when memfd.twice fails, the fault is in the kernel, the VM or the harness.
 * Where memory is the subject (large folios, swap, memory cgroups, 1 GiB), the scenarios
 * are in memfd_memory.c.
 */
#define _GNU_SOURCE
#include <luotest.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC	0x10u
#endif

#define TOKEN		1
#define PAGE		4096ul
#define MIB		(1024 * 1024ul)

static const char text[] = "written before the live update";

/* ---- the kernel's own handler --------------------------------------------------------- */

static void twice_before(void)
{
	int session = lt_must(lt_session_create("memfd"), "session");
	int fd = lt_memfd_with(0, text, sizeof(text));

	lt_result(lt_preserve_by_kernel(session, fd, TOKEN), 0, "a memfd is preserved");
}

static void twice_between(void)
{
	char buf[sizeof(text)] = "";
	int session = lt_must(lt_session_retrieve("memfd"), "session");
	int fd = lt_must(lt_retrieve(session, TOKEN), "retrieve");

	lt_ok(pread(fd, buf, sizeof(buf), 0) == sizeof(buf) && !strcmp(buf, text),
	      "its content is there");
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
	session = lt_must(lt_session_create("memfd"), "second session");
	lt_result(lt_preserve_by_kernel(session, fd, TOKEN), 0, "it is preserved again");
}

LT_SCENARIO(memfd_twice) = {
	.name	= "memfd.twice",
	.about	= "the kernel's own handler over two live updates in a row",
	.stage	= { { twice_before, 1 }, { twice_between, 3 }, { twice_between, 3 } },
};

/* ---- seals, mode bits and file flags -------------------------------------------------- */

#define ALL_BUT_EXEC	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | \
			 F_SEAL_FUTURE_WRITE)

/* What is done to a memfd before it is preserved, and after that. */
static const struct {
	const char *name;
	unsigned int flags;
	unsigned int seals, late_seals;
	unsigned int mode, late_mode;	/* 0 leaves it */
	unsigned int owner;
	int fl, late_fl;
} made[] = {
	{ "one that cannot be sealed", 0 },
	{ "one without seals", MFD_ALLOW_SEALING },
	{ "one sealed against sealing", MFD_ALLOW_SEALING, .seals = F_SEAL_SEAL },
	{ "one sealed against shrinking", MFD_ALLOW_SEALING, .seals = F_SEAL_SHRINK },
	{ "one sealed against growing", MFD_ALLOW_SEALING, .seals = F_SEAL_GROW },
	{ "one sealed against writing", MFD_ALLOW_SEALING, .seals = F_SEAL_WRITE },
	{ "one sealed against new writers", MFD_ALLOW_SEALING, .seals = F_SEAL_FUTURE_WRITE },
	{ "one that is never executable", MFD_NOEXEC_SEAL },
	{ "one executable for ever", MFD_EXEC | MFD_ALLOW_SEALING, .seals = F_SEAL_EXEC },
	{ "one with all seals", MFD_NOEXEC_SEAL, .seals = ALL_BUT_EXEC },
	{ "one sealed late against shrinking", MFD_ALLOW_SEALING, .late_seals = F_SEAL_SHRINK },
	{ "one sealed late against growing", MFD_ALLOW_SEALING, .late_seals = F_SEAL_GROW },
	{ "one sealed late against new writers", MFD_ALLOW_SEALING,
	  .late_seals = F_SEAL_FUTURE_WRITE },
	{ "one sealed late against execution", MFD_ALLOW_SEALING,
	  .mode = 0644, .late_seals = F_SEAL_EXEC },
	{ "one sealed early and late", MFD_NOEXEC_SEAL,
	  .seals = F_SEAL_SHRINK, .late_seals = F_SEAL_GROW | F_SEAL_SEAL },
	{ "one for its owner alone", 0, .mode = 0600 },
	{ "one for nobody", 0, .mode = 07000 },
	{ "one with all mode bits", MFD_EXEC, .mode = 07777 },
	{ "one whose mode changes late", 0, .mode = 0640, .late_mode = 0400 },
	{ "one of another owner", 0, .owner = 1234 },
	{ "one that appends", 0, .fl = O_APPEND },
	{ "one that does not block", 0, .fl = O_NONBLOCK },
	{ "one that does both, set late", 0, .late_fl = O_APPEND | O_NONBLOCK },
	{ "one that leaves no time of access", 0, .fl = O_NOATIME },
};

#define NR_MADE	ARRAY_SIZE(made)

static void change(int fd, unsigned int seals, unsigned int mode, int fl, const char *name)
{
	int err = 0;

	if (mode && fchmod(fd, mode & 07777))
		err = -errno;
	if (seals && fcntl(fd, F_ADD_SEALS, seals))
		err = -errno;
	if (fl && fcntl(fd, F_SETFL, fl))
		err = -errno;
	if (err)
		lt_die("%s: %s", name, lt_errname(err));
}

static void properties_before(void)
{
	struct lt_memfd_state *was = lt_carry_new("properties-book", NR_MADE * sizeof(*was));
	int session = lt_must(lt_session_create("memfd-properties"), "session");
	struct lt_tally tally = {};
	unsigned int i;
	int fd, err;

	for (i = 0; i < NR_MADE; i++) {
		const char *name = made[i].name;

		fd = lt_memfd_with(made[i].flags, text, sizeof(text));
		change(fd, made[i].seals, made[i].mode, made[i].fl, name);
		if (made[i].owner && fchown(fd, made[i].owner, made[i].owner + 1))
			lt_die("%s: %s", name, lt_errname(-errno));
		err = lt_preserve(session, fd, i);
		lt_tally(&tally, !err, "%s: %s", name, lt_errname(err));
		change(fd, made[i].late_seals, made[i].late_mode, made[i].late_fl, name);
		lt_must(lseek(fd, 3 * i, SEEK_SET), name);
		lt_memfd_look(fd, &was[i]);
	}
	lt_tally_ok(&tally, "%zu memfds are preserved", NR_MADE);
}

/* Whether a call that returned @ret was refused exactly if a seal of @seals is there. */
static bool held(int ret, unsigned int seals)
{
	return seals ? ret < 0 && errno == EPERM : ret >= 0;
}

/* The seals are not only told, they hold; and none does that is not told. */
static void seals_hold(int fd, const char *name, struct lt_tally *tally)
{
	unsigned int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	/* A file with the write seal cannot shrink or grow in content, yet in size. */
	fstat(fd, &st);
	lt_tally(tally, held(fchmod(fd, st.st_mode ^ 0111), seals & F_SEAL_EXEC),
		 "%s: execution", name);
	lt_tally(tally, held(pwrite(fd, "x", 1, 0), seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)),
		 "%s: writing", name);
	lt_tally(tally, held(ftruncate(fd, 1), seals & F_SEAL_SHRINK), "%s: shrinking", name);
	lt_tally(tally, held(ftruncate(fd, 2 * PAGE), seals & F_SEAL_GROW), "%s: growing", name);
	lt_tally(tally, held(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), seals & F_SEAL_SEAL),
		 "%s: sealing", name);
}

static void properties_after(void)
{
	struct lt_memfd_state *was = lt_carry_get("properties-book", NR_MADE * sizeof(*was));
	int session = lt_must(lt_session_retrieve("memfd-properties"), "session");
	struct lt_tally tally = {};
	unsigned int i;

	for (i = 0; i < NR_MADE; i++) {
		int fd = lt_must(lt_retrieve(session, i), made[i].name);

		lt_memfd_is(fd, &was[i], made[i].name);
		seals_hold(fd, made[i].name, &tally);
	}
	lt_tally_ok(&tally, "what is sealed is refused, what is not is done");
	lt_result(lt_finish(session), 0, "the session is finished");
}

LT_SCENARIO(memfd_properties) = {
	.name	= "memfd.properties",
	.about	= "seals, mode bits, file flags and position, also changed after preserve",
	.stage	= { { properties_before, 1 }, { properties_after, NR_MADE + 2 } },
};

/* ---- content and size ------------------------------------------------------------------- */

/* Two stretches of data in each, and the rest is holes. */
static const struct {
	const char *name;
	size_t size;
	size_t from, to, from2, to2;
	size_t allocate;	/* by fallocate() without a change of size */
} content[] = {
	{ "an empty memfd", 0 },
	{ "one byte", 1, 0, 1 },
	{ "a page less one byte", PAGE - 1, 0, PAGE - 1 },
	{ "a page", PAGE, 0, PAGE },
	{ "a page and a byte", PAGE + 1, 0, PAGE + 1 },
	{ "an odd size", 1234567, 0, 1234567 },
	{ "a memfd that is all hole", 300001 },
	{ "data behind a hole", MIB + 5, MIB, MIB + 5 },
	{ "data before a hole", MIB + 5, 0, 10 },
	{ "data between holes", 3 * MIB, 7 * PAGE, 9 * PAGE + 11, 2 * MIB - 3, 2 * MIB + 3 },
	{ "a memfd nobody wrote to", 256 * 1024, .allocate = 256 * 1024 },
	{ "one with pages behind its end", PAGE + 7, 0, PAGE + 7, .allocate = MIB },
	{ "a hole of 64 MiB", 64 * MIB, 0, 1, 64 * MIB - 1, 64 * MIB },
};

#define NR_CONTENT	ARRAY_SIZE(content)

static void put_data(int fd, size_t from, size_t to, __u64 seed)
{
	static char buf[MIB];

	while (from < to) {
		size_t n = to - from < sizeof(buf) ? to - from : sizeof(buf);

		lt_fill(buf, n, seed++);
		if (pwrite(fd, buf, n, from) != (ssize_t)n)
			lt_die("write to a memfd: %s", lt_errname(-errno));
		from += n;
	}
}

static int content_memfd(unsigned int i)
{
	int fd = lt_memfd(0, content[i].size);

	if (content[i].allocate &&
	    fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, content[i].allocate))
		lt_die("fallocate: %s", lt_errname(-errno));
	put_data(fd, content[i].from, content[i].to, i);
	put_data(fd, content[i].from2, content[i].to2, i + 100);
	lseek(fd, content[i].size / 2, SEEK_SET);
	return fd;
}

static void content_before(void)
{
	struct lt_memfd_state *was = lt_carry_new("content-book", NR_CONTENT * sizeof(*was));
	int session = lt_must(lt_session_create("memfd-content"), "session");
	struct lt_tally tally = {};
	char why[128];
	unsigned int i;

	for (i = 0; i < NR_CONTENT; i++) {
		int fd = content_memfd(i), err;

		lt_memfd_look(fd, &was[i]);
		err = lt_preserve(session, fd, i);
		lt_tally(&tally, !err, "%s: %s", content[i].name, lt_errname(err));
		lt_tally(&tally, !lt_memfd_differs(fd, &was[i], why, sizeof(why)),
			 "preserving changed %s: %s", content[i].name, why);
	}
	lt_tally_ok(&tally, "%zu memfds are preserved, which changes none", NR_CONTENT);
}

static void content_after(void)
{
	struct lt_memfd_state *was = lt_carry_get("content-book", NR_CONTENT * sizeof(*was));
	int session = lt_must(lt_session_retrieve("memfd-content"), "session");
	struct lt_tally tally = {};
	unsigned int i, j;

	for (i = 0; i < NR_CONTENT; i++) {
		int fd = lt_must(lt_retrieve(session, i), content[i].name);
		char more[2 * PAGE];

		lt_memfd_is(fd, &was[i], content[i].name);
		if (ftruncate(fd, content[i].size + sizeof(more)) ||
		    pread(fd, more, sizeof(more), content[i].size) != sizeof(more)) {
			lt_tally(&tally, false, "%s does not grow", content[i].name);
			continue;
		}
		for (j = 0; j < sizeof(more) && !more[j];)
			j++;
		lt_tally(&tally, j == sizeof(more), "%s, grown, has data behind its end",
			 content[i].name);
	}
	lt_tally_ok(&tally, "each can grow, by zeros");
	lt_result(lt_finish(session), 0, "the session is finished");
}

LT_SCENARIO(memfd_content) = {
	.name	= "memfd.content",
	.about	= "sizes from nothing to odd, holes, pages that were never written to",
	.stage	= { { content_before, 1 }, { content_after, NR_CONTENT + 2 } },
};

/* ---- 1,000 small ones ---------------------------------------------------------------------- */

#define NR_SMALL	1000

static void thousand_before(void)
{
	int session = lt_must(lt_session_create("memfd-thousand"), "session");
	struct lt_tally tally = {};
	char line[64];
	unsigned int i;
	__u64 start = lt_ns();

	for (i = 0; i < NR_SMALL; i++) {
		int fd, err;

		snprintf(line, sizeof(line), "memfd %u of %u", i, NR_SMALL);
		fd = lt_memfd_with(0, line, strlen(line));
		err = lt_preserve(session, fd, i);
		lt_tally(&tally, !err, "memfd %u: %s", i, lt_errname(err));
		close(fd);
	}
	lt_note("%llu us each", (lt_ns() - start) / 1000 / NR_SMALL);
	lt_tally_ok(&tally, "1,000 memfds are preserved and closed");
}

static void thousand_after(void)
{
	int session = lt_must(lt_session_retrieve("memfd-thousand"), "session");
	struct lt_tally tally = {};
	char line[64], got[64];
	__u64 start = lt_ns();
	unsigned int i;

	/* Not in the order in which they were preserved; 7 and 1000 have no common factor. */
	for (i = 0; i < NR_SMALL; i++) {
		unsigned int nr = i * 7 % NR_SMALL;
		int fd = lt_retrieve(session, nr);
		ssize_t n = pread(fd, got, sizeof(got), 0);

		snprintf(line, sizeof(line), "memfd %u of %u", nr, NR_SMALL);
		lt_tally(&tally, n == (ssize_t)strlen(line) && !memcmp(line, got, n),
			 "memfd %u: %s", nr, fd < 0 ? lt_errname(fd) : "another content");
		close(fd);
	}
	lt_note("%llu us each", (lt_ns() - start) / 1000 / NR_SMALL);
	lt_tally_ok(&tally, "1,000 memfds come back, each with its own content");
	lt_result(lt_finish(session), 0, "the session is finished");
}

LT_SCENARIO(memfd_thousand) = {
	.name	= "memfd.thousand",
	.about	= "1,000 small memfds in a session",
	.stage	= { { thousand_before, 1 }, { thousand_after, 2 } },
};

/* ---- two live updates in a row --------------------------------------------------------- */

#define CHAIN_SIZE	(2 * MIB + 17)

struct chain_book {
	struct lt_memfd_state was[2];
};

/* A memfd whose pages this kernel made, and one whose pages have come from further back. */
static void chain_preserve(struct chain_book *book, int fd[2])
{
	int session = lt_must(lt_session_create("memfd-chain"), "session");
	unsigned int i;

	for (i = 0; i < 2; i++) {
		lt_result(lt_preserve(session, fd[i], i), 0, "memfd %u is preserved", i);
		lt_memfd_look(fd[i], &book->was[i]);
	}
}

static void chain_first(void)
{
	struct chain_book *book = lt_carry_new("chain-book", sizeof(*book));
	int fd[2] = { lt_memfd(MFD_ALLOW_SEALING, CHAIN_SIZE),
		      lt_memfd(MFD_NOEXEC_SEAL, CHAIN_SIZE) };

	put_data(fd[0], 0, CHAIN_SIZE, 1);
	put_data(fd[1], 5 * PAGE, 6 * PAGE + 1, 2);
	chain_preserve(book, fd);
}

static void chain_retrieve(int fd[2])
{
	struct chain_book *book = lt_carry_get("chain-book", sizeof(*book));
	int session = lt_must(lt_session_retrieve("memfd-chain"), "session");
	unsigned int i;

	for (i = 0; i < 2; i++) {
		fd[i] = lt_must(lt_retrieve(session, i), "retrieve");
		lt_memfd_is(fd[i], &book->was[i], i ? "a memfd with holes" : "a full memfd");
	}
	lt_result(lt_finish(session), 0, "the session is finished");
	lt_must(close(session), "close the session");
	munmap(book, sizeof(*book));
}

static void chain_second(void)
{
	struct chain_book *book;
	int fd[2];

	chain_retrieve(fd);
	/* Some of its pages go, some are written to, some are new; some come along. */
	if (fallocate(fd[0], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 16 * PAGE, 3 * PAGE))
		lt_die("punch a hole: %s", lt_errname(-errno));
	put_data(fd[0], MIB - 5, MIB + 5, 3);
	put_data(fd[0], CHAIN_SIZE, CHAIN_SIZE + 5 * PAGE, 4);
	put_data(fd[1], 100 * PAGE, 100 * PAGE + 3, 5);
	change(fd[0], F_SEAL_SHRINK, 0600, O_APPEND, "a memfd");
	book = lt_carry_new("chain-book", sizeof(*book));
	chain_preserve(book, fd);
}

static void chain_third(void)
{
	int fd[2];

	chain_retrieve(fd);
	lt_ok(fcntl(fd[0], F_GET_SEALS) == F_SEAL_SHRINK &&
	      fcntl(fd[1], F_GET_SEALS) == F_SEAL_EXEC, "their seals are their own");
}

LT_SCENARIO(memfd_chain) = {
	.name	= "memfd.chain",
	.about	= "two live updates in a row, with changes in between",
	.stage	= { { chain_first, 2 }, { chain_second, 5 }, { chain_third, 4 } },
};

/* ---- who holds what ------------------------------------------------------------------------ */

static void refuse(void)
{
	int session = lt_must(lt_session_create("memfd-refused"), "session");
	int other = lt_must(lt_session_create("memfd-refused-other"), "session");
	int fd = lt_memfd_with(0, text, sizeof(text)), again = lt_reopen(fd, O_RDWR), file;
	long long bytes = lt_memfd_count("bytes");

	lt_result(lt_preserve(session, lt_reopen(fd, O_RDONLY), 1), -EOPNOTSUPP,
		  "a memfd that is open for reading only is refused");
	file = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
	lt_must(file, "make a memfd of huge pages");
	lt_result(lt_preserve(session, file, 2), -EOPNOTSUPP, "one of huge pages is refused");
	file = open("/tmp/linked", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	lt_must(file, "make a file in tmpfs");
	lt_result(lt_preserve(session, file, 3), -ENOENT, "a file with a name in tmpfs is refused");
	lt_ok(lt_memfd_count("bytes") == bytes, "nothing of them is saved");

	/* The refused one left no trace. */
	lt_result(lt_preserve(session, again, 4), 0, "the same memfd, open for writing, is not");
	lt_result(lt_preserve(session, fd, 5), -EBUSY, "its other file is, in the same session");
	lt_result(lt_preserve(other, fd, 5), -EBUSY, "and in another");
	lt_result(lt_preserve(other, again, 5), -EBUSY, "so is the file itself");
	close(session);
	lt_result(lt_preserve(other, fd, 5), 0, "not when the session is closed");
	close(other);
	unlink("/tmp/linked");
}

LT_SCENARIO(memfd_refused) = {
	.name	= "memfd.refused",
	.about	= "read-only, hugetlb, a file of tmpfs, and what is preserved already",
	.stage	= { { refuse, 9 } },
};

/* ---- frozen from preserve to unpreserve ------------------------------------------------ */

#define FROZEN_SIZE	(64 * 1024ul)

static int neg(int ret)
{
	return ret < 0 ? -errno : 0;
}

static void freeze(void)
{
	int session = lt_must(lt_session_create("memfd-frozen"), "session");
	int fd = lt_memfd(MFD_ALLOW_SEALING, FROZEN_SIZE);
	int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	char *mem = lt_map(fd, FROZEN_SIZE);
	struct lt_memfd_state was;

	lt_fill(mem, FROZEN_SIZE, 1);
	lt_result(lt_preserve(session, fd, TOKEN), 0, "a memfd is preserved");
	lt_memfd_look(fd, &was);
	lt_result(neg(ftruncate(fd, PAGE)), -EPERM, "it does not shrink");
	lt_result(neg(ftruncate(fd, 2 * FROZEN_SIZE)), -EPERM, "nor grow");
	lt_result(neg(fallocate(fd, 0, FROZEN_SIZE, PAGE)), -EPERM, "nor by fallocate");
	lt_result(neg(pwrite(fd, "x", 1, FROZEN_SIZE)), -EPERM, "nor by a write");
	lt_result(neg(fallocate(fd, punch, PAGE, PAGE)), -EPERM, "it gets no hole");
	lt_memfd_is(fd, &was, "all that time it");
	lt_ok(pwrite(fd, "y", 1, 0) == 1 && mem[0] == 'y', "it is written to");
	mem[PAGE] = 'z';
	lt_ok(pread(fd, &was, 1, PAGE) == 1 && *(char *)&was == 'z', "so is its mapping");
	munmap(mem, FROZEN_SIZE);
	/* Whoever has the pages pinned might write to them. */
	lt_result(neg(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)), -EBUSY,
		  "it cannot be sealed against writing");

	lt_result(close(session), 0, "the session is closed");
	lt_result(neg(pwrite(fd, "x", 1, FROZEN_SIZE)), 0, "a write makes it grow");
	lt_result(neg(fallocate(fd, 0, FROZEN_SIZE, PAGE)), 0, "so does fallocate");
	lt_result(neg(ftruncate(fd, 2 * FROZEN_SIZE)), 0, "so does ftruncate");
	lt_result(neg(fallocate(fd, punch, PAGE, PAGE)), 0, "it gets a hole");
	mem = lt_map(fd, FROZEN_SIZE);
	lt_ok(mem[0] == 'y' && !mem[PAGE] && mem[2 * PAGE], "there is nothing in it");
	munmap(mem, FROZEN_SIZE);
	lt_result(neg(ftruncate(fd, PAGE)), 0, "it shrinks");
	lt_result(neg(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)), 0, "it is sealed against writing");
	close(fd);
}

LT_SCENARIO(memfd_frozen) = {
	.name	= "memfd.frozen",
	.about	= "from preserve to unpreserve its size stands, its content does not",
	.stage	= { { freeze, 18 } },
};

/* ---- written to until the end ---------------------------------------------------------- */

/*
 * A process writes rising numbers to the pages of a memfd, one after the other, and notes
 * in a carried page before and after each how far it is. The truth lies in between.
 */
#define LATE_PAGES	64

enum { BY_MAPPING, BY_WRITE, NR_WRITERS };

struct late_book {
	atomic_ullong started[NR_WRITERS];
	atomic_ullong done[NR_WRITERS];
	atomic_ullong stamp[NR_WRITERS];
	struct lt_stamp reboot;
};

static void late_writer(struct late_book *book, int how, int fd, atomic_ullong *mem)
{
	__u64 n;

	if (lt_fork())
		return;
	/* Not where the reboot runs: it goes on until that processor is stopped. */
	lt_pin_cpu(lt_nr_cpus() - 1);
	for (n = 1;; n++) {
		off_t pos = n % LATE_PAGES * PAGE;

		book->started[how] = n;
		if (how == BY_MAPPING)
			mem[pos / sizeof(*mem)] = n;
		else if (pwrite(fd, &n, sizeof(n), pos) != sizeof(n))
			_exit(1);
		book->stamp[how] = lt_cycles();
		book->done[how] = n;
		/* The other scenarios of this boot need the processor as well. */
		lt_sleep_us(50);
	}
}

static void late_before(void)
{
	int first = lt_must(lt_session_create("memfd-late-first"), "session");
	int fd[NR_WRITERS], i, last;
	struct late_book *book;
	void *mem;

	/* One of the first to freeze, and one of the last. */
	for (i = 0; i < NR_WRITERS; i++)
		fd[i] = lt_memfd(0, LATE_PAGES * PAGE);
	mem = lt_map(fd[BY_MAPPING], LATE_PAGES * PAGE);
	lt_result(lt_preserve(first, fd[BY_MAPPING], TOKEN), 0, "a mapped memfd is preserved");
	book = lt_carry_new("late-book", sizeof(*book));
	last = lt_must(lt_session_create("memfd-late-last"), "session");
	lt_result(lt_preserve(last, fd[BY_WRITE], TOKEN), 0, "so is one that is not");
	for (i = 0; i < NR_WRITERS; i++)
		late_writer(book, i, fd[i], mem);
	lt_sleep_ms(50);
	lt_ok(book->done[BY_MAPPING] && book->done[BY_WRITE], "both are written to");
	lt_stamp_reboot(&book->reboot);
}

static void late_after(void)
{
	static const char * const session[] = { "memfd-late-first", "memfd-late-last" };
	static const char * const name[] = { "the mapping", "write(2)" };
	struct late_book *book = lt_carry_get("late-book", sizeof(*book));
	double per_ms = lt_cycles_per_ns() * 1e6;
	int i, page;

	for (i = 0; i < NR_WRITERS; i++) {
		int s = lt_must(lt_session_retrieve(session[i]), "session");
		int fd = lt_must(lt_retrieve(s, TOKEN), "retrieve");
		__u64 done = book->done[i], started = book->started[i], n, want;
		struct lt_tally tally = {};

		for (page = 0; page < LATE_PAGES; page++) {
			if (pread(fd, &n, sizeof(n), page * PAGE) != sizeof(n))
				n = ~0ull;
			/* The last number that belongs here, of those that are done. */
			want = done - (done - page) % LATE_PAGES;
			lt_tally(&tally, n == want || (n == started && n % LATE_PAGES ==
				 (__u64)page), "page %d has %llu, not %llu", page, n, want);
		}
		lt_tally_ok(&tally, "by %s: the last of %llu writes has arrived, in each page",
			    name[i], done);
		lt_note("it was done %.3f ms after reboot(2) was called",
			(double)(__s64)(book->stamp[i] - book->reboot.cycles) / per_ms);
		lt_ok(book->stamp[i] > book->reboot.cycles,
		      "by %s: it was done while the kernel went down", name[i]);
		lt_result(lt_finish(s), 0, "the session is finished");
	}
}

LT_SCENARIO(memfd_late_writes) = {
	.name	= "memfd.late-writes",
	.about	= "written to through a mapping and by write(2) until the old kernel's end",
	.stage	= { { late_before, 3 }, { late_after, 6 } },
};

/* ---- the kernel's format, by the kernel's handler and by ours ------------------------- */

#define NR_FORMATS	3

struct formats_book {
	struct lt_memfd_state was[NR_FORMATS];
};

/* Without what the kernel's format has no place for: mode bits, file flags, exec seal. */
static void formats_preserve(int fd[NR_FORMATS])
{
	struct formats_book *book = lt_carry_new("formats-book", sizeof(*book));
	int session = lt_must(lt_session_create("memfd-formats"), "session");
	unsigned int i;

	for (i = 0; i < NR_FORMATS; i++) {
		lt_result(lt_preserve(session, fd[i], i), 0, "memfd %u is preserved", i);
		lseek(fd[i], 7 * i, SEEK_CUR);
		lt_memfd_look(fd[i], &book->was[i]);
	}
}

static void formats_retrieve(int fd[NR_FORMATS])
{
	struct formats_book *book = lt_carry_get("formats-book", sizeof(*book));
	int session = lt_must(lt_session_retrieve("memfd-formats"), "session");
	char name[16];
	unsigned int i;

	for (i = 0; i < NR_FORMATS; i++) {
		fd[i] = lt_must(lt_retrieve(session, i), "retrieve");
		snprintf(name, sizeof(name), "memfd %u", i);
		lt_memfd_is(fd[i], &book->was[i], name);
	}
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
}

/* A session that nobody retrieves from. */
static void formats_spare(const char *name)
{
	int session = lt_must(lt_session_create(name), "session");
	int fd = lt_memfd(0, 32 * MIB);

	put_data(fd, 0, 32 * MIB, 1);
	lt_result(lt_preserve(session, fd, TOKEN), 0, "a memfd nobody asks for is preserved");
}

static void formats_drop(const char *name)
{
	int session = lt_must(lt_session_retrieve(name), "session");
	long before = lt_free_bytes();

	lt_result(lt_finish(session), 0, "a session nobody retrieved from is finished");
	close(session);
	lt_sleep_ms(100);
	before = lt_free_bytes() - before;
	lt_note("%ld KiB came back", before / 1024);
	lt_ok(before > 30 * (long)MIB, "its 32 MiB are freed");
}

static void formats_theirs(void)
{
	int fd[NR_FORMATS] = { lt_memfd(0, 0), lt_memfd(MFD_ALLOW_SEALING, 5 * PAGE + 3),
			       lt_memfd(0, 4 * MIB) };

	lt_ok(lt_memfd_count("preserved") < 0, "the kernel's handler alone");
	put_data(fd[1], PAGE, 5 * PAGE + 3, 1);
	lt_must(fcntl(fd[1], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), "seal a memfd");
	put_data(fd[2], MIB, 2 * MIB, 2);
	formats_preserve(fd);
	formats_spare("formats-theirs");
}

static void formats_ours(void)
{
	int fd[NR_FORMATS];

	formats_retrieve(fd);
	formats_drop("formats-theirs");
	lt_ok(lt_memfd_count("restored") >= NR_FORMATS && lt_memfd_count("discarded") >= 1,
	      "our handler read what the kernel's wrote");
	put_data(fd[2], 3 * MIB, 3 * MIB + 1, 3);
	formats_preserve(fd);
	formats_spare("formats-ours");
	lt_ok(lt_memfd_count("preserved") >= NR_FORMATS + 1, "and writes the same");
}

static void formats_ours_again(void)
{
	int fd[NR_FORMATS];

	formats_retrieve(fd);
	formats_drop("formats-ours");
	formats_preserve(fd);
	formats_spare("formats-back");
	lt_ok(lt_memfd_count("preserved") >= NR_FORMATS + 1, "our handler wrote it");
}

static void formats_back(void)
{
	int fd[NR_FORMATS];

	formats_retrieve(fd);
	formats_drop("formats-back");
	lt_ok(lt_memfd_count("restored") < 0, "the kernel's handler alone has read it");
}

LT_SCENARIO(memfd_formats) = {
	.name	 = "memfd.formats",
	.about	 = "from a kernel without our handler to one with it, and back to one without",
	.stage	 = { { formats_theirs, 5 }, { formats_ours, 12, LT_MEMFD_REPLACED },
		     { formats_ours_again, 11 }, { formats_back, 7, LT_MEMFD_THEIRS } },
	.cmdline = LT_MEMFD_THEIRS,
};
