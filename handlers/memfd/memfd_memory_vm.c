// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of memfds over a real live update: large folios, swap, memory cgroups, size.
 *
 * A test that claims something of memory looks at the memory: at page frames and their
 * folios in /proc/kpageflags, at what is resident, at the counters of a memory cgroup.
 * Swap is on a RAM disk.
 */
#define _GNU_SOURCE
#include <luotest.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#define TOKEN		1
#define PAGE		4096ul
#define MIB		(1024 * 1024ul)
#define HUGE		(2 * MIB)

#define SHMEM_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

#define SPLIT_HUGE	"/sys/kernel/debug/split_huge_pages"

/* ---- large folios -------------------------------------------------------------------- */

#define LARGE_SIZE	(4 * HUGE)

/*
 * In huge pages; with one page new in each of those; split, in place, to the last page; and
 * with a huge page that the file ends in.
 */
enum { WHOLE, PUNCHED, SPLIT, CUT, NR_LARGE };

#define CUT_SIZE	(LARGE_SIZE - HUGE / 2 - 123)

static const char * const large_name[] = {
	"a memfd of huge pages", "one of huge pages with a new page in each",
	"one of small pages side by side", "one that ends within a huge page",
};

struct large_book {
	struct lt_memfd_state was[NR_LARGE];
	struct lt_pages pages[NR_LARGE];
};

/* Aligned, as the folios are: madvise() pages no folio out that is mapped in two parts. */
static void *map_aligned(int fd, size_t size)
{
	void *mem = mmap(NULL, size + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem != MAP_FAILED)
		mem = mmap((void *)(((uintptr_t)mem + HUGE - 1) & ~(HUGE - 1)), size,
			   PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0);
	if (mem == MAP_FAILED)
		lt_die("map a memfd: %s", lt_errname(-errno));
	return mem;
}

static int large_memfd(__u64 seed, size_t size)
{
	int fd = lt_memfd(0, size);
	void *mem;

	/* Even where the file ends within one, if there is a mapping for all of it. */
	lt_must(lt_write_file(SHMEM_ENABLED, "force"), "write " SHMEM_ENABLED);
	mem = map_aligned(fd, LARGE_SIZE);
	lt_fill(mem, size, seed);
	munmap(mem, LARGE_SIZE);
	lt_must(lt_write_file(SHMEM_ENABLED, "never"), "write " SHMEM_ENABLED);
	return fd;
}

static void look_at_pages(int fd, size_t size, struct lt_pages *pages)
{
	void *mem = map_aligned(fd, size);

	lt_pages(mem, size, pages);
	lt_note("%lu pages, %lu in large folios, %lu folios; %lu whole blocks", pages->present,
		pages->large, pages->folios, pages->blocks);
	munmap(mem, size);
}

/* A page that is punched out of it splits a folio into few. */
static void punch_each(int fd)
{
	size_t at;

	for (at = 0; at < LARGE_SIZE; at += HUGE)
		if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at + 200 * PAGE,
			      PAGE))
			lt_die("punch a hole: %s", lt_errname(-errno));
}

static void split_each(int fd)
{
	char *mem = map_aligned(fd, LARGE_SIZE), what[96];

	snprintf(what, sizeof(what), "%d,%p,%p,0", getpid(), mem, mem + LARGE_SIZE);
	lt_must(lt_write_file(SPLIT_HUGE, what), "write " SPLIT_HUGE);
	munmap(mem, LARGE_SIZE);
}

static bool all_huge(const struct lt_pages *pages)
{
	return pages->large == LARGE_SIZE / PAGE && pages->folios == LARGE_SIZE / HUGE;
}

/* All that can be huge; the others may have been moved by compaction before they were preserved. */
static bool huge_again(const struct lt_pages *now, const struct lt_pages *was)
{
	return now->large >= was->blocks * (HUGE / PAGE) &&
	       now->folios <= was->present - was->blocks * (HUGE / PAGE - 1);
}

/* A pair that was moved to where it is no part of four comes back as two pages. */
static bool no_smaller(const struct lt_pages *now, const struct lt_pages *was)
{
	unsigned long lost = now->large < was->large ? was->large - now->large : 0;

	return now->large >= was->fours && now->folios <= was->folios + lost / 2;
}

static bool ends_in_huge(const struct lt_pages *pages)
{
	return pages->large == (CUT_SIZE + PAGE - 1) / PAGE && pages->folios == LARGE_SIZE / HUGE;
}

static void large_preserve(int fd[NR_LARGE])
{
	struct large_book *book = lt_carry_new("large-book", sizeof(*book));
	int session = lt_must(lt_session_create("memfd-large"), "session"), i;
	struct lt_pages *pages = book->pages;

	for (i = 0; i < NR_LARGE; i++) {
		lt_result(lt_preserve(session, fd[i], i), 0, "%s is preserved", large_name[i]);
		/* Their pages may have been moved for that, and will not be any more. */
		lt_memfd_look(fd[i], &book->was[i]);
		look_at_pages(fd[i], book->was[i].size, &pages[i]);
	}
	lt_ok(all_huge(&pages[WHOLE]), "the first has huge pages only");
	lt_ok(pages[PUNCHED].folios > LARGE_SIZE / HUGE && pages[PUNCHED].large,
	      "the second has large ones and small ones");
	lt_ok(pages[SPLIT].blocks > 0, "the third has small ones side by side");
	lt_ok(ends_in_huge(&pages[CUT]), "the last ends within a huge one");
}

static void large_retrieve(int fd[NR_LARGE])
{
	struct large_book *book = lt_carry_get("large-book", sizeof(*book));
	int session = lt_must(lt_session_retrieve("memfd-large"), "session"), i;
	struct lt_pages pages[NR_LARGE];

	for (i = 0; i < NR_LARGE; i++) {
		fd[i] = lt_must(lt_retrieve(session, i), large_name[i]);
		look_at_pages(fd[i], book->was[i].size, &pages[i]);
		lt_memfd_is(fd[i], &book->was[i], large_name[i]);
		lt_eq(pages[i].sum, book->pages[i].sum, "it has the same page frames");
	}
	lt_ok(all_huge(&pages[WHOLE]), "huge pages come back huge");
	lt_ok(no_smaller(&pages[PUNCHED], &book->pages[PUNCHED]),
	      "large ones among small ones come back no smaller");
	lt_ok(huge_again(&pages[SPLIT], &book->pages[SPLIT]),
	      "small ones side by side come back as huge ones");
	lt_ok(ends_in_huge(&pages[CUT]), "a huge one that the file ends in comes back whole");
	lt_result(lt_finish(session), 0, "the session is finished");
	lt_must(close(session), "close the session");
	munmap(book, sizeof(*book));
}

static void large_first(void)
{
	struct lt_pages pages;
	int fd[NR_LARGE], i, tries = 10;

	for (i = 0; i < NR_LARGE; i++)
		fd[i] = large_memfd(i, i == CUT ? CUT_SIZE : LARGE_SIZE);
	punch_each(fd[PUNCHED]);
	split_each(fd[SPLIT]);
	look_at_pages(fd[SPLIT], LARGE_SIZE, &pages);
	/* Compaction, which the others' huge pages started, takes small pages elsewhere. */
	while (pages.blocks < LARGE_SIZE / HUGE && --tries) {
		close(fd[SPLIT]);
		fd[SPLIT] = large_memfd(SPLIT, LARGE_SIZE);
		split_each(fd[SPLIT]);
		look_at_pages(fd[SPLIT], LARGE_SIZE, &pages);
	}
	lt_ok(!pages.large && pages.folios == LARGE_SIZE / PAGE &&
	      pages.blocks == LARGE_SIZE / HUGE,
	      "a memfd of small pages that lie side by side");
	large_preserve(fd);
}

static void large_second(void)
{
	int fd[NR_LARGE];

	large_retrieve(fd);
	large_preserve(fd);
}

static void large_third(void)
{
	int fd[NR_LARGE], i;

	large_retrieve(fd);
	/* They are ordinary large folios: they can be split, freed and made anew. */
	for (i = 0; i < NR_LARGE; i++)
		lt_ok(!fallocate(fd[i], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 7 * PAGE,
				 LARGE_SIZE - 20 * PAGE) && !ftruncate(fd[i], LARGE_SIZE / 2) &&
		      !ftruncate(fd[i], LARGE_SIZE) && pwrite(fd[i], "x", 1, LARGE_SIZE - 1) == 1,
		      "holes and truncation take %s apart", large_name[i]);
}

LT_SCENARIO(memfd_large) = {
	.name	= "memfd.large-folios",
	.about	= "pages come back in place, huge ones huge, and small ones as large as they can be",
	.stage	= { { large_first, 9 }, { large_second, 21 }, { large_third, 17 } },
};

/* ---- swap ---------------------------------------------------------------------------------- */

#define SWAP_DISK	"/dev/ram0"
#define SWAP_SIZE	(64 * MIB)

/* What mkswap(8) writes: the first page says how many there are. */
struct swap_header {
	char boot[1024];
	__u32 version;
	__u32 last_page;
	char unused[4096 - 1024 - 8 - 10];
	char magic[10];
} __packed;

static void swap_on(void)
{
	static bool done;
	struct swap_header head = { .version = 1, .last_page = SWAP_SIZE / PAGE - 1 };
	int fd;

	if (done)
		return;
	memcpy(head.magic, "SWAPSPACE2", sizeof(head.magic));
	fd = open(SWAP_DISK, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, &head, sizeof(head)) != sizeof(head) || fsync(fd))
		lt_die("write " SWAP_DISK ": %s", lt_errname(-errno));
	close(fd);
	if (swapon(SWAP_DISK, 0))
		lt_die("swapon " SWAP_DISK ": %s", lt_errname(-errno));
	done = true;
}

/* Pages of a mapped memfd that are not in memory. */
static unsigned long pages_out(void *mem, size_t size)
{
	size_t nr = size / PAGE, i;
	unsigned char *in = malloc(nr);
	unsigned long out = 0;

	if (!in || mincore(mem, size, in))
		lt_die("mincore: %s", lt_errname(-errno));
	for (i = 0; i < nr; i++)
		out += !(in[i] & 1);
	free(in);
	return out;
}

static unsigned long page_out(void *mem, size_t size)
{
	if (madvise(mem, size, MADV_PAGEOUT))
		lt_die("madvise: %s", lt_errname(-errno));
	return pages_out(mem, size);
}

/* One of single pages, one of huge ones. */
#define SWAPPED_SIZE	LARGE_SIZE
#define NR_SWAPPED	2

static const char * const swapped_name[] = { "of single pages", "of huge pages" };

struct swap_book {
	__u64 sum[NR_SWAPPED];
};

static bool page_most_out(void *mem)
{
	unsigned long out = page_out(mem, SWAPPED_SIZE);

	lt_note("%lu of %lu pages are out", out, SWAPPED_SIZE / PAGE);
	return out > SWAPPED_SIZE / PAGE / 2;
}

static void swapped_before(void)
{
	struct swap_book *book = lt_carry_new("swapped-book", sizeof(*book));
	int session = lt_must(lt_session_create("memfd-swapped"), "session");
	int fd[NR_SWAPPED] = { lt_memfd(0, SWAPPED_SIZE), large_memfd(1, SWAPPED_SIZE) }, i;

	swap_on();
	for (i = 0; i < NR_SWAPPED; i++) {
		void *mem = map_aligned(fd[i], SWAPPED_SIZE);

		lt_fill(mem, SWAPPED_SIZE, i);
		book->sum[i] = lt_sum(mem, SWAPPED_SIZE);
		lt_ok(page_most_out(mem), "a memfd %s is swapped out", swapped_name[i]);
		lt_result(lt_preserve(session, fd[i], i), 0, "it is preserved");
		lt_eq(pages_out(mem, SWAPPED_SIZE), 0, "it is all in memory");
		lt_eq(page_out(mem, SWAPPED_SIZE), 0, "and stays there");
		lt_eq(lt_sum(mem, SWAPPED_SIZE), book->sum[i], "with its content");
	}
}

static void swapped_after(void)
{
	struct swap_book *book = lt_carry_get("swapped-book", sizeof(*book));
	int session = lt_must(lt_session_retrieve("memfd-swapped"), "session"), fd[NR_SWAPPED], i;

	for (i = 0; i < NR_SWAPPED; i++)
		fd[i] = lt_must(lt_retrieve(session, i), "retrieve");
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
	swap_on();
	for (i = 0; i < NR_SWAPPED; i++) {
		void *mem = map_aligned(fd[i], SWAPPED_SIZE);

		lt_eq(lt_sum(mem, SWAPPED_SIZE), book->sum[i], "a memfd %s has its content",
		      swapped_name[i]);
		lt_ok(page_most_out(mem), "it can be swapped out");
		lt_eq(lt_sum(mem, SWAPPED_SIZE), book->sum[i], "and comes back in as it was");
		munmap(mem, SWAPPED_SIZE);
		close(fd[i]);
	}
}

LT_SCENARIO(memfd_swapped) = {
	.name	= "memfd.swapped",
	.about	= "swapped out when it is preserved, and again when it was retrieved",
	.stage	= { { swapped_before, 10 }, { swapped_after, 7 } },
};

/* ---- memory cgroups ------------------------------------------------------------------------ */

#define CGROUPS		"/sys/fs/cgroup"
#define CHARGED_SIZE	(8 * MIB)

static void cgroup_path(char path[64], const char *group, const char *file)
{
	snprintf(path, 64, CGROUPS "/%s%s%s", group, file ? "/" : "", file ? file : "");
}

static long long cgroup_read(const char *group, const char *file)
{
	char path[64], buf[32];

	cgroup_path(path, group, file);
	lt_must(lt_read_file(path, buf, sizeof(buf)), path);
	return strtoll(buf, NULL, 10);
}

static void cgroup_write(const char *group, const char *file, const char *text)
{
	char path[64];

	cgroup_path(path, group, file);
	lt_must(lt_write_file(path, text), path);
}

static long long cgroup_shmem(const char *group)
{
	char path[64];

	cgroup_path(path, group, "memory.stat");
	return lt_stat(path, "shmem");
}

static void cgroup_new(const char *group, const char *max)
{
	static bool mounted;
	char path[64];

	if (!mounted && mount("cgroup2", CGROUPS, "cgroup2", 0, NULL))
		lt_die("mount " CGROUPS ": %s", lt_errname(-errno));
	mounted = true;
	lt_must(lt_write_file(CGROUPS "/cgroup.subtree_control", "+memory"),
		"ask for memory cgroups");
	cgroup_path(path, group, NULL);
	if (mkdir(path, 0755))
		lt_die("mkdir %s: %s", path, lt_errname(-errno));
	cgroup_write(group, "memory.max", max);
}

/* What a cgroup has been charged, and what the process in it was told. */
struct charge_report {
	long long before, charged, shmem, uncharged;
	unsigned long out;
};

struct charge_book {
	__u64 sum;
};

static void charge_preserve(const char *session_name, size_t size)
{
	struct charge_book *book = lt_carry_new(session_name, sizeof(*book));
	char name[64];
	int session, fd = lt_memfd(0, size);
	void *mem = lt_map(fd, size);

	snprintf(name, sizeof(name), "%s-memfd", session_name);
	session = lt_must(lt_session_create(name), "session");
	lt_fill(mem, size, size);
	book->sum = lt_sum(mem, size);
	munmap(mem, size);
	lt_result(lt_preserve(session, fd, TOKEN), 0, "a memfd of %zu MiB is preserved",
		  size / MIB);
}

/* More than fits beside the memfd, used more than once: something has to go. */
static void press(size_t size)
{
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int round;
	size_t at;

	if (mem == MAP_FAILED)
		_exit(1);
	for (round = 0; round < 2; round++)
		for (at = 0; at < size; at += PAGE)
			mem[at]++;
	munmap(mem, size);
}

/*
 * In the cgroup there may be no memory left after retrieve, not even for the kernel's work on
 * a small call: nothing is done then but to leave.
 */
static void charge_child(atomic_int *retrieved, const char *group, int session,
			 size_t pressure)
{
	*retrieved = -EINPROGRESS;
	cgroup_write(group, "cgroup.procs", "0");
	*retrieved = lt_retrieve(session, TOKEN);
	if (pressure)
		press(pressure);
	_exit(0);
}

/*
 * Retrieve in a process of a cgroup that may have @max bytes, and put it under @pressure.
 * The session keeps the file, so the content is compared by us, whom no limit binds.
 */
static void charge_retrieve(struct charge_report *out, const char *name, const char *max,
			    bool swap, size_t pressure)
{
	struct charge_book *book = lt_carry_get(name, sizeof(*book));
	int session, status, fd;
	atomic_int *retrieved;
	char session_name[64];
	pid_t child;
	void *mem;

	retrieved = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (retrieved == MAP_FAILED)
		lt_die("mmap: %s", lt_errname(-errno));
	snprintf(session_name, sizeof(session_name), "%s-memfd", name);
	session = lt_must(lt_session_retrieve(session_name), "session");
	cgroup_new(name, max);
	if (swap)
		swap_on();
	else
		cgroup_write(name, "memory.swap.max", "0");
	out->before = cgroup_read(name, "memory.current");
	child = fork();
	if (!child)
		charge_child(retrieved, name, session, pressure);
	status = lt_wait_exit(child, 60000);
	lt_eq(status, 0, "a process in a cgroup retrieves it and goes on");
	lt_result(*retrieved, 0, "the memfd is retrieved");
	munmap(retrieved, PAGE);
	out->charged = cgroup_read(name, "memory.current");
	out->shmem = cgroup_shmem(name);

	fd = lt_must(lt_retrieve(session, TOKEN), "retrieve it again");
	mem = mmap(NULL, CHARGED_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		lt_die("map a memfd: %s", lt_errname(-errno));
	out->out = pages_out(mem, CHARGED_SIZE);
	lt_eq(lt_sum(mem, CHARGED_SIZE), book->sum, "its content has come back");
	munmap(mem, CHARGED_SIZE);
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
	close(fd);
	out->uncharged = cgroup_read(name, "memory.current");
	lt_note("the cgroup has %lld KiB, after retrieve %lld (shmem %lld), after close %lld",
		out->before / 1024, out->charged / 1024, out->shmem / 1024,
		out->uncharged / 1024);
}

static void charged_before(void)
{
	charge_preserve("charged", CHARGED_SIZE);
}

static bool charged_in_full(const struct charge_report *r)
{
	return r->charged - r->before >= (long long)CHARGED_SIZE &&
	       r->charged - r->before < (long long)(CHARGED_SIZE + 2 * MIB);
}

static void charged_after(void)
{
	struct charge_report r;

	charge_retrieve(&r, "charged", "max", false, 0);
	lt_ok(charged_in_full(&r), "the cgroup of who retrieves it pays for it");
	lt_ok(r.shmem >= (long long)CHARGED_SIZE, "as shared memory");
	lt_ok(r.uncharged - r.before < (long long)(2 * MIB), "until it is closed");
}

LT_SCENARIO(memfd_charged) = {
	.name	= "memfd.charged",
	.about	= "retrieve charges the memory cgroup of the process, close gives it back",
	.stage	= { { charged_before, 1 }, { charged_after, 7 } },
};

#define SMALL_MAX	"2097152"

static void over_limit_before(void)
{
	charge_preserve("over-limit", CHARGED_SIZE);
	charge_preserve("over-limit-swap", CHARGED_SIZE);
}

static void over_limit_after(void)
{
	struct charge_report r;

	charge_retrieve(&r, "over-limit", SMALL_MAX, false, 0);
	lt_ok(charged_in_full(&r), "it is charged beyond the limit");
	lt_ok(r.uncharged < (long long)(2 * MIB), "until it is closed");

	/* With swap there is another way, if it is taken. */
	charge_retrieve(&r, "over-limit-swap", SMALL_MAX, true, 0);
	lt_note("%lu pages are out", r.out);
	lt_ok(charged_in_full(&r) || r.out, "it is charged beyond the limit or swapped out");
	lt_ok(r.uncharged < (long long)(2 * MIB), "until it is closed");
}

LT_SCENARIO(memfd_over_limit) = {
	.name	= "memfd.over-limit",
	.about	= "a memfd larger than memory.max of who retrieves it is not lost, nor is he",
	.stage	= { { over_limit_before, 2 }, { over_limit_after, 12 } },
};

#define PRESSED_MAX	"12582912"	/* CHARGED_SIZE and 4 MiB */

static void pressed_before(void)
{
	charge_preserve("pressed", CHARGED_SIZE);
}

static void pressed_after(void)
{
	long long out = lt_stat("/proc/vmstat", "pswpout");
	struct charge_report r;

	charge_retrieve(&r, "pressed", PRESSED_MAX, true, 12 * MIB);
	lt_note("%lu pages are out", r.out);
	lt_ok(lt_stat("/proc/vmstat", "pswpout") > out, "the cgroup had to swap");
	lt_ok(r.out > 0, "pages of the memfd were swapped out");
}

LT_SCENARIO(memfd_pressed) = {
	.name	= "memfd.pressed",
	.about	= "memory pressure after retrieve loses nothing of it",
	.stage	= { { pressed_before, 1 }, { pressed_after, 6 } },
};

/* ---- a retrieve that fails --------------------------------------------------------------- */

#define LOST_SIZE	(64 * MIB)

static void failed_before(void)
{
	static const char * const name[] = { "memfd-failed", "memfd-untried" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(name); i++) {
		int fd = lt_memfd(0, 0);

		if (fallocate(fd, 0, 0, LOST_SIZE))
			lt_die("fallocate: %s", lt_errname(-errno));
		lt_result(lt_preserve(lt_must(lt_session_create(name[i]), "session"), fd, TOKEN),
			  0, "a memfd of 64 MiB is preserved");
	}
}

static void expect_freed(long before)
{
	/* Files are closed a moment after the call that closes them. */
	lt_sleep_ms(100);
	before = lt_free_bytes() - before;
	lt_note("%ld KiB came back", before / 1024);
	lt_ok(before > 60 * (long)MIB, "its 64 MiB are freed");
}

static void failed_after(void)
{
	int failed = lt_must(lt_session_retrieve("memfd-failed"), "session");
	int untried = lt_must(lt_session_retrieve("memfd-untried"), "session");
	long before = lt_free_bytes();

	lt_result(lt_retrieve_with_no_file_left(failed, TOKEN), -ENFILE,
		  "a retrieve fails early");
	lt_result(lt_retrieve(failed, TOKEN), -ENFILE, "that is final");
	lt_result(lt_finish(failed), 0, "its session is finished");
	close(failed);
	expect_freed(before);

	before = lt_free_bytes();
	lt_result(lt_finish(untried), 0, "a session nobody retrieved from is finished");
	close(untried);
	expect_freed(before);
}

LT_SCENARIO(memfd_failed) = {
	.name	= "memfd.failed-retrieve",
	.about	= "a retrieve that fails, and one that never comes, give the memory back",
	.stage	= { { failed_before, 2 }, { failed_after, 6 } },
};

/* ---- 1 GiB ----------------------------------------------------------------------------------- */

#define GIB_SIZE	(1024 * MIB)

struct gib_book {
	__u64 sum;
	struct lt_pages pages;
};

static void gib_before(void)
{
	struct gib_book *book = lt_carry_new("gib-book", sizeof(*book));
	int session = lt_must(lt_session_create("memfd-gib"), "session");
	int fd = lt_memfd(0, GIB_SIZE);
	void *mem = lt_map(fd, GIB_SIZE);
	__u64 start;

	lt_fill(mem, GIB_SIZE, 1);
	start = lt_ns();
	lt_result(lt_preserve(session, fd, TOKEN), 0, "a memfd of 1 GiB is preserved");
	lt_note("preserve: %.1f ms", (lt_ns() - start) / 1e6);
	munmap(mem, GIB_SIZE);
	mem = lt_map(fd, GIB_SIZE);
	book->sum = lt_sum(mem, GIB_SIZE);
	lt_pages(mem, GIB_SIZE, &book->pages);
	lt_eq(book->pages.present, GIB_SIZE / PAGE, "all of it is in memory");
}

static void gib_after(void)
{
	struct gib_book *book = lt_carry_get("gib-book", sizeof(*book));
	int session = lt_must(lt_session_retrieve("memfd-gib"), "session");
	struct lt_pages pages;
	__u64 start = lt_ns();
	int fd = lt_retrieve(session, TOKEN);
	void *mem;

	lt_note("retrieve: %.1f ms", (lt_ns() - start) / 1e6);
	lt_result(fd, 0, "it is retrieved");
	start = lt_ns();
	lt_result(lt_finish(session), 0, "the session is finished");
	lt_note("finish: %.1f ms", (lt_ns() - start) / 1e6);
	mem = lt_map(fd, GIB_SIZE);
	lt_eq(lt_sum(mem, GIB_SIZE), book->sum, "all of its content has come back");
	lt_pages(mem, GIB_SIZE, &pages);
	lt_note("before: %lu folios, now: %lu", book->pages.folios, pages.folios);
	lt_eq(pages.sum, book->pages.sum, "in the same page frames, one for one");
}

LT_SCENARIO(memfd_gib) = {
	.name	= "memfd.1gib",
	.about	= "1 GiB, compared to the last byte and the last page frame",
	.stage	= { { gib_before, 2 }, { gib_after, 4 } },
	.flags	= LT_ALONE,
	.memory	= 2560,
};
