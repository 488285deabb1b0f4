// SPDX-License-Identifier: GPL-2.0
/*
 * The live update that `make demo` tells: one session, four eventfds, two memfds, a device
 * at work, two kernels.
 *
 * Every claim of the story is also a result, so the story cannot be told of an
 * update that went wrong without the verdict saying so.
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
#include <sys/mount.h>
#include <sys/utsname.h>
#include <unistd.h>

#define STATS	"/sys/kernel/debug/luosdk-eventfd/stats"
#define SESSION	"demo"
#define TRACING	"/sys/kernel/tracing"

static const struct {
	const char *name;
	__u64 count;
	int flags;
} made[] = {
	{ "plain", 5, 0 },
	{ "semaphore", 3, EFD_SEMAPHORE },
	{ "non-blocking", 0, EFD_NONBLOCK },
	{ "nearly full", UINT64_MAX - 1, 0 },
};

#define NR	ARRAY_SIZE(made)

#define MIB	(1024 * 1024ul)

static const struct {
	const char *name;
	size_t size;
	unsigned int flags, seals;
} memfd[] = {
	{ "guest memory", 64 * MIB, MFD_NOEXEC_SEAL, F_SEAL_SHRINK | F_SEAL_GROW },
	{ "odd size", 1234567, MFD_ALLOW_SEALING, 0 },
};

#define NR_MEMFDS	ARRAY_SIZE(memfd)

/*
 * A device that counts, into the memory of a program: number n goes to place n of a ring, and
 * each EVERY numbers the device raises an eventfd. All that it needs is preserved with it.
 */
enum { DEVICE, CONTAINER, MEMORY, INTERRUPT, DEVICE_FILES };

static const struct {
	const char *name, *what;
} device_file[DEVICE_FILES] = {
	[DEVICE]	= { "device", "/dev/vfio-stub0, which counts all the time" },
	[CONTAINER]	= { "container", "says which memory the device may reach" },
	[MEMORY]	= { "memory", "a memfd, which the device writes to" },
	[INTERRUPT]	= { "interrupt", "an eventfd, which the device raises" },
};

#define DEVICE_TOKEN	(NR + NR_MEMFDS)
#define IOVA		0x10000
#define SLOTS		8192ul
#define PERIOD_US	200
#define EVERY		100

/* What the first kernel tells the second, in a page that is carried over. */
struct book {
	struct {
		__u64 count;
		int flags;
	} was[NR];
	struct lt_memfd_state memfd[NR_MEMFDS];
	struct lt_pages pages[NR_MEMFDS];
	__u64 device_count;
	long long bytes, memfd_bytes;
	__u64 preserve_ns, memfd_preserve_ns, load_ns, cpu_khz;
	struct lt_stamp reboot;
};

/*
 * The handlers' trace events go to the console while nobody can read them any more, and
 * to nowhere else while somebody takes the time of a system call: a line there costs more
 * than what it tells of. vmtest reads both ways and shows them as one timeline.
 */
static void trace_to_console(bool on)
{
	lt_must(lt_write_file("/proc/sys/kernel/tracepoint_printk", on ? "1" : "0"),
		"switch the trace events' way to the console");
}

/* What the events' clock shows now, for vmtest to find it on the host's. */
static void tell_clock(int kernel)
{
	lt_note("clock %d: %llu", kernel, lt_ns());
}

static void tell_trace(int kernel)
{
	static char buf[65536];
	char *line, *save;

	if (mount("tracefs", TRACING, "tracefs", 0, NULL) && errno != EBUSY)
		lt_die("mount tracefs: %s", lt_errname(-errno));
	lt_must(lt_read_file(TRACING "/trace", buf, sizeof(buf)), "read the trace");
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (*line != '#')
			lt_note("trace %d: %s", kernel, line);
	tell_clock(kernel);
}

/* Said once for each preserve that reaches a handler, in order: what the file is called. */
static void name_trace(const char *name)
{
	lt_note("file 1: %s", name);
	tell_clock(1);
}

static const char *flags_text(int flags)
{
	if (flags & EFD_SEMAPHORE)
		return flags & EFD_NONBLOCK ? "semaphore, non-blocking" : "semaphore";
	return flags & EFD_NONBLOCK ? "non-blocking" : "none";
}

static void headline(const char *what)
{
	struct utsname uts;

	uname(&uts);
	lt_story("%s kernel: Linux %s, booted %.1f s ago", what, uts.release, lt_ns() / 1e9);
}

static void table_head(const char *last)
{
	lt_story("  %-14s %20s  %-14s %s", "eventfd", "count", "flags", last);
}

static const char *seals_text(unsigned int seals)
{
	static const struct {
		unsigned int seal;
		const char *name;
	} known[] = {
		{ F_SEAL_SEAL, "seal" }, { F_SEAL_SHRINK, "shrink" }, { F_SEAL_GROW, "grow" },
		{ F_SEAL_WRITE, "write" }, { F_SEAL_FUTURE_WRITE, "future" },
		{ F_SEAL_EXEC, "exec" },
	};
	static char text[64];
	unsigned int i;

	snprintf(text, sizeof(text), "%s", seals ? "" : "none");
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (seals & known[i].seal)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 *text ? " " : "", known[i].name);
	return text;
}

static void memfd_head(const char *last)
{
	lt_story("  %-14s %9s  %-16s  %-16s  %s", "memfd", "bytes", "seals", "checksum", last);
}

static void memfd_line(const char *name, const struct lt_memfd_state *state, const char *last)
{
	lt_story("  %-14s %9llu  %-16s  %016llx  %s", name, state->size,
		 seals_text(state->seals), state->sum, last);
}

/* A mapping that shows all pages; the file can be sealed against other kinds. */
static void look_at_pages(int fd, size_t size, struct lt_pages *pages)
{
	void *mem = lt_map(fd, size);

	lt_pages(mem, size, pages);
	munmap(mem, size);
}

static void memfds_before(struct book *book, int session, int other)
{
	int fd, again, ret;
	unsigned int i;
	__u64 start;
	void *mem;

	memfd_head("preserved in the same session");
	for (i = 0; i < NR_MEMFDS; i++) {
		fd = lt_memfd(memfd[i].flags, memfd[i].size);
		mem = lt_map(fd, memfd[i].size);
		lt_fill(mem, memfd[i].size, i);
		if (memfd[i].seals && fcntl(fd, F_ADD_SEALS, memfd[i].seals))
			lt_die("seal a memfd: %s", lt_errname(-errno));
		start = lt_ns();
		ret = lt_preserve(session, fd, NR + i);
		book->memfd_preserve_ns += lt_ns() - start;
		lt_result(ret, 0, "%s is preserved", memfd[i].name);
		name_trace(memfd[i].name);
		/* A page that could not stay where it was has been moved by now. */
		munmap(mem, memfd[i].size);
		look_at_pages(fd, memfd[i].size, &book->pages[i]);
		lt_memfd_look(fd, &book->memfd[i]);
		memfd_line(memfd[i].name, &book->memfd[i], ret ? lt_errname(ret) : "yes");
		if (i)
			continue;
		/* LUO knows struct files, and this is another one: only the handler can tell. */
		again = lt_reopen(fd, O_RDWR);
		ret = lt_preserve(other, again, NR);
		name_trace("the same again");
		lt_result(ret, -EBUSY, "the same memory by another file is refused");
		memfd_line("the same again", &book->memfd[i], ret == -EBUSY ?
			   "refused, EBUSY" : ret ? lt_errname(ret) : "NOT refused");
		close(again);
	}
	book->memfd_bytes = lt_memfd_count("bytes");
	lt_ok(book->memfd_bytes > 0, "the memfd handler counts the bytes of its saved state");
}

static int command(int fd, unsigned long cmd, const void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static int open_path(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static __u64 device_count(int device)
{
	struct vfio_stub_info info = {};

	lt_must(command(device, VFIO_STUB_INFO, &info), "ask the device");
	return info.count;
}

static void device_before(int session, int fd[DEVICE_FILES])
{
	struct vfio_stub_map_args map = { .bytes = 8 * SLOTS, .iova = IOVA };
	struct vfio_stub_irq_args irq = { .index = 0 };
	struct vfio_stub_start_args start = {
		.iova = IOVA, .bytes = 8 * SLOTS, .period_us = PERIOD_US, .every = EVERY,
	};
	unsigned int i;
	int ret;

	fd[DEVICE] = lt_must(open_path("/dev/vfio-stub0"), "open the device");
	fd[CONTAINER] = lt_must(command(lt_must(open_path("/dev/vfio-stub"), "open the bus"),
					VFIO_STUB_CONTAINER, NULL), "make a container");
	fd[MEMORY] = lt_memfd(0, map.bytes);
	fd[INTERRUPT] = lt_must(lt_eventfd(0, 0), "eventfd");
	map.memfd = fd[MEMORY];
	irq.eventfd = fd[INTERRUPT];
	lt_must(command(fd[CONTAINER], VFIO_STUB_MAP, &map), "map the memory");
	lt_must(command(fd[DEVICE], VFIO_STUB_BIND, &fd[CONTAINER]), "bind the device");
	lt_must(command(fd[DEVICE], VFIO_STUB_SET_IRQ, &irq), "attach the eventfd");
	lt_must(command(fd[DEVICE], VFIO_STUB_START, &start), "start the engine");

	lt_story("  %-14s %-44s  %s", "device", "", "preserved in the same session");
	for (i = 0; i < DEVICE_FILES; i++) {
		ret = lt_preserve(session, fd[i], DEVICE_TOKEN + i);
		lt_result(ret, 0, "%s is preserved", device_file[i].name);
		name_trace(device_file[i].name);
		lt_story("  %-14s %-44s  %s", device_file[i].name, device_file[i].what,
			 ret ? lt_errname(ret) : "yes");
	}
}

/* The newest number in the ring, if all before it are there that it has room for. */
static __u64 ring_newest(const atomic_ullong *ring)
{
	__u64 newest = 0, n;
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (ring[i] > newest)
			newest = ring[i];
	for (n = newest > SLOTS ? newest - SLOTS + 1 : 1; n < newest; n++)
		if (ring[n % SLOTS] != n)
			return 0;
	return newest;
}

/* The device comes first, for it is what others wait for; its parents come with it. */
static void device_after(const struct book *book, int session)
{
	int memory = lt_must(lt_retrieve(session, DEVICE_TOKEN + MEMORY), "retrieve the memory");
	const atomic_ullong *ring = lt_map(memory, 8 * SLOTS);
	__u64 last = ring_newest(ring), first, count, irqs = 0;
	int device, container, interrupt, tries;
	bool semaphore;

	device = lt_must(lt_retrieve(session, DEVICE_TOKEN + DEVICE), "retrieve the device");
	for (tries = 1 << 24; ring[(last + 1) % SLOTS] != last + 1 && tries--;)
		;
	lt_note("write 2: %llu", lt_ns());
	first = ring[(last + 1) % SLOTS];
	container = lt_must(lt_retrieve(session, DEVICE_TOKEN + CONTAINER), "retrieve");
	interrupt = lt_must(lt_retrieve(session, DEVICE_TOKEN + INTERRUPT), "retrieve");
	lt_ok(last && last >= book->device_count,
	      "the device's memory is whole, to the last number of the old kernel");
	lt_eq(first, last + 1, "the device goes on with the next number");
	lt_must(command(device, VFIO_STUB_BIND, &container), "bind the device again");
	count = device_count(device);
	lt_must(lt_eventfd_info(interrupt, &irqs, &semaphore), "look at the eventfd");
	lt_ok(irqs >= (count - 1) / EVERY && irqs <= (device_count(device) + 1) / EVERY,
	      "and no interrupt is missing");

	lt_story("  %-14s %20s", "device", "count");
	lt_story("  %-14s %20llu  before reboot(2)", "vfio-stub0", book->device_count);
	lt_story("  %-14s %20llu  the last number that the old kernel wrote", "", last);
	lt_story("  %-14s %20llu  the first that this one wrote%s", "", first,
		 last && first == last + 1 ? ": none is missing" : ": WRONG");
	lt_story("  %-14s %20llu  raised by number %llu, one each %u", "interrupt", irqs, count,
		 EVERY);
	lt_story(" ");
}

/* What a careful user asks before the update: will the next kernel bring all of this back? */
static void ask_preflight(void)
{
	static const char *const argv[] = { "/preflight", "/bzImage", NULL };
	static char out[4096];
	char *line, *save;
	int status = lt_run(argv, out, sizeof(out));

	lt_result(status, 0, "preflight says that all files will come back");
	lt_story("  Will the next kernel bring them back? scripts/preflight says:");
	for (line = strtok_r(out, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		lt_story("    %s", line);
	lt_story(" ");
}

static void before(void)
{
	struct book *book = lt_carry_new("demo-book", sizeof(*book));
	int session, other, fd[NR], device[DEVICE_FILES], ret;
	__u64 start;
	unsigned int i;

	trace_to_console(false);
	headline("Old");
	lt_story(" ");
	session = lt_session_create(SESSION);
	lt_result(session, 0, "a session is created");
	for (i = 0; i < NR; i++)
		fd[i] = lt_must(lt_eventfd(made[i].count, made[i].flags), made[i].name);

	table_head("preserved in session \"" SESSION "\"");
	for (i = 0; i < NR; i++) {
		start = lt_ns();
		ret = lt_preserve(session, fd[i], i);
		book->preserve_ns += lt_ns() - start;
		lt_result(ret, 0, "%s is preserved", made[i].name);
		name_trace(made[i].name);
		lt_story("  %-14s %20llu  %-14s %s", made[i].name, made[i].count,
			 flags_text(made[i].flags), ret ? lt_errname(ret) : "yes");
	}

	other = lt_must(lt_session_create("demo-other"), "another session");
	ret = lt_preserve(other, fd[0], 0);
	lt_result(ret, -EBUSY, "the second preserve of an eventfd is refused");
	lt_story(" ");
	lt_story("  The plain one again, in another session: %s",
		 ret == -EBUSY ? "refused, EBUSY. It is preserved already." :
		 ret ? lt_errname(ret) : "NOT refused");
	lt_story(" ");
	memfds_before(book, session, other);
	close(other);
	lt_story(" ");
	/* The device brings one more. */
	book->bytes = lt_stat(STATS, "bytes");
	lt_ok(book->bytes > 0, "the handler counts the bytes of its saved state");
	device_before(session, device);
	lt_story(" ");
	ask_preflight();

	lt_eventfd_write(fd[0], 2);
	lt_eventfd_signal(fd[2]);
	lt_story("  All stay in use: 2 is written to the plain eventfd, the kernel signals the");
	lt_story("  non-blocking one, the device counts.");

	for (i = 0; i < NR; i++) {
		bool semaphore;
		__u64 count;

		lt_must(lt_eventfd_info(fd[i], &count, &semaphore), made[i].name);
		book->was[i].count = count;
		book->was[i].flags = made[i].flags;
	}
	start = lt_ns();
	ret = lt_kexec_load();
	book->load_ns = lt_ns() - start;
	lt_result(ret, 0, "the new kernel is loaded by kexec_file_load(2)");
	book->cpu_khz = lt_cycles_per_ns() * 1e6;
	tell_trace(1);
	trace_to_console(true);
	book->device_count = device_count(device[DEVICE]);
	lt_stamp_reboot(&book->reboot);
	lt_story(" ");
	lt_story("  New kernel loaded by kexec_file_load(2). Now reboot(2), and the old one ends.");
	lt_story(" ");
}

struct took {
	__u64 ns;
	unsigned long pages, same_frames;
};

static void memfds_after(const struct book *book, int session, struct took *took)
{
	char why[128], last[192];
	unsigned int i;
	__u64 start;

	memfd_head("came back");
	for (i = 0; i < NR_MEMFDS; i++) {
		struct lt_memfd_state state = {};
		struct lt_pages pages = {};
		bool same, in_place;
		int fd;

		start = lt_ns();
		fd = lt_retrieve(session, NR + i);
		took->ns += lt_ns() - start;
		if (fd < 0) {
			snprintf(why, sizeof(why), "retrieve: %s", lt_errname(fd));
			same = false;
		} else {
			same = !lt_memfd_differs(fd, &book->memfd[i], why, sizeof(why));
			lt_memfd_look(fd, &state);
			look_at_pages(fd, memfd[i].size, &pages);
		}
		/* The same frames in the same order, and every one of them. */
		in_place = pages.present && pages.present == book->pages[i].present &&
			   pages.sum == book->pages[i].sum;
		took->pages += book->pages[i].present;
		took->same_frames += in_place ? pages.present : 0;
		lt_ok(same, "%s came back as it was", memfd[i].name);
		lt_ok(in_place, "in the same page frames, so none was copied");
		snprintf(last, sizeof(last), "%s%s%s", same ? "as it was" : "DIFFERS: ",
			 same ? "" : why, in_place ? ", in place" : ", MOVED");
		memfd_line(memfd[i].name, &state, last);
	}
}

static void phase(const char *name, double ms, const char *what)
{
	lt_story("  %-14s %17.3f ms  %s", name, ms, what);
}

static void after(void)
{
	struct book *book = lt_carry_get("demo-book", sizeof(*book));
	double gap_ms = (double)(lt_cycles_at_init() - book->reboot.cycles) / book->cpu_khz;
	__u64 start, retrieve_ns = 0, finish_ns;
	struct took took = {};
	int session, fd[NR], ret;
	char why[128];
	unsigned int i;

	trace_to_console(false);
	headline("New");
	lt_story(" ");
	session = lt_session_retrieve(SESSION);
	lt_result(session, 0, "the session is found by its name");

	device_after(book, session);
	table_head("came back");
	for (i = 0; i < NR; i++) {
		bool same, semaphore = false;
		__u64 count = 0;

		start = lt_ns();
		fd[i] = lt_retrieve(session, i);
		retrieve_ns += lt_ns() - start;
		tell_clock(2);
		if (fd[i] < 0)
			snprintf(why, sizeof(why), "retrieve: %s", lt_errname(fd[i]));
		same = fd[i] >= 0 && !lt_eventfd_differs(fd[i], book->was[i].count,
							 book->was[i].flags, why, sizeof(why));
		lt_eventfd_info(fd[i], &count, &semaphore);
		lt_ok(same, "%s came back as it was", made[i].name);
		lt_story("  %-14s %20llu  %-14s %s%s", made[i].name, count,
			 flags_text((semaphore ? EFD_SEMAPHORE : 0) |
				    (fcntl(fd[i], F_GETFL) & EFD_NONBLOCK)),
			 same ? "as it was" : "DIFFERS: ", same ? "" : why);
	}

	lt_story(" ");
	memfds_after(book, session, &took);

	start = lt_ns();
	ret = lt_finish(session);
	finish_ns = lt_ns() - start;
	lt_result(ret, 0, "the session is finished");
	close(session);
	lt_story(" ");
	lt_story("  Session finished: %s",
		 ret ? lt_errname(ret) : "the files are their user's own again.");
	for (i = 0; i < NR; i++) {
		bool works = !lt_eventfd_broken(fd[i], why, sizeof(why));

		lt_ok(works, "%s polls, reads, writes and wakes", made[i].name);
		lt_story("  %-14s %s%s", made[i].name,
			 works ? "polls, reads, writes and wakes a blocked reader" : "BROKEN: ",
			 works ? "" : why);
	}

	lt_story(" ");
	lt_story("What it took");
	lt_story(" ");
	lt_story("  %-14s %17lld B   saved state of %zu eventfds, %lld each", "handed over",
		 book->bytes, NR, book->bytes / (long long)NR);
	lt_story("  %-14s %17lld B   saved state of %zu memfds", "", book->memfd_bytes, NR_MEMFDS);
	lt_story("  %-14s %13lu pages   of the memfds' %lu are in the page frames they were in",
		 "not copied", took.same_frames, took.pages);
	phase("preserve", book->preserve_ns / 1e6, "the eventfds, in the running old kernel");
	phase("", book->memfd_preserve_ns / 1e6, "the memfds");
	phase("load", book->load_ns / 1e6, "kexec_file_load(2), in the running old kernel");
	phase("gap", gap_ms, "reboot(2) until the new kernel starts /init");
	phase("retrieve", retrieve_ns / 1e6, "the eventfds");
	phase("", took.ns / 1e6, "the memfds");
	phase("finish", finish_ns / 1e6, "the session");
	tell_trace(2);
}

LT_SCENARIO(demo) = {
	.name	= "demo.story",
	.about	= "the story that make demo tells",
	.stage	= { { before, 17 }, { after, 17 } },
	.flags	= LT_ALONE,
	.cmdline = "trace_event=luosdk:* trace_clock=mono tp_printk",
};
