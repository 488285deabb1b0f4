// SPDX-License-Identifier: GPL-2.0
/*
 * What the conformance kit found in Linux itself, over a real kexec.
 *
 * Each scenario is one page of docs/findings and expects the kernel to be wrong in the way
 * that page tells. One that fails means that a kernel has mended it: then the page and
 * the patch in patches/upstream are to be looked at. With --set fixed=1, for a kernel
 * with those patches, each expects the opposite.
 */
#define _GNU_SOURCE
#include <luotest.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/liveupdate.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN	1
#define MIB	(1024 * 1024ul)

static const char text[] = "what the file holds";

static bool is_fixed(void)
{
	return lt_option("fixed", 0);
}

/* Whether the defect is there, which it must be without the patches, and not with them. */
static void defect(bool there, const char *fmt, ...) __printf(2, 3);
static void defect(bool there, const char *fmt, ...)
{
	char what[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	lt_ok(there != is_fixed(), "%s: %s", is_fixed() ? "mended" : "defect", what);
}

/* A memfd that holds @text. */
static int memfd_with_text(unsigned int flags)
{
	return lt_memfd_with(flags, text, sizeof(text));
}

/* The findings about memfds are about the kernel's handler, not about ours. */
static void preserve_in(const char *session, int fd)
{
	lt_must(lt_preserve_by_kernel(lt_must(lt_session_create(session), "session"), fd, TOKEN),
		"preserve");
}

static int retrieve_from(const char *session)
{
	return lt_must(lt_retrieve(lt_must(lt_session_retrieve(session), "session"), TOKEN),
		       "retrieve");
}

/* ---- 01: seals that are added after preserve ---------------------------------------- */

static void late_seals_before(void)
{
	int fd = memfd_with_text(MFD_ALLOW_SEALING);

	preserve_in("late-seals", fd);
	lt_result(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0,
		  "a preserved memfd is sealed");
	lt_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
	      "it has the seals");
}

static void late_seals_after(void)
{
	int fd = retrieve_from("late-seals");

	defect(fcntl(fd, F_GET_SEALS) == 0, "it has come back without them");
	defect(ftruncate(fd, 0) == 0, "it can be truncated");
}

LT_SCENARIO(late_seals) = {
	.name	= "findings.late-seals",
	.about	= "01: a memfd loses the seals that were added after preserve",
	.stage	= { { late_seals_before, 2 }, { late_seals_after, 2 } },
};

/* ---- 02: a memfd that must not be executable ------------------------------------------ */

static void noexec_before(void)
{
	int fd = memfd_with_text(MFD_NOEXEC_SEAL);
	struct stat st;

	lt_ok(!fstat(fd, &st) && !(st.st_mode & 0111), "a memfd nobody can execute");
	lt_eq(fcntl(fd, F_GET_SEALS), F_SEAL_EXEC, "that is sealed, and nothing else is");
	preserve_in("noexec", fd);
}

static void noexec_after(void)
{
	int fd = retrieve_from("noexec");
	struct stat st;

	defect(!fstat(fd, &st) && (st.st_mode & 0111) == 0111,
	       "it has come back executable for all");
	defect(fcntl(fd, F_GET_SEALS) == (F_SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW |
					  F_SEAL_WRITE | F_SEAL_FUTURE_WRITE),
	       "it has four seals nobody set");
	defect(pwrite(fd, "x", 1, 0) < 0 && errno == EPERM, "it cannot be written to");
}

LT_SCENARIO(noexec) = {
	.name	= "findings.noexec",
	.about	= "02: a memfd made with MFD_NOEXEC_SEAL comes back executable and sealed",
	.stage	= { { noexec_before, 2 }, { noexec_after, 3 } },
};

/* ---- 03: a failed retrieve ---------------------------------------------------------- */

#define LEAK_BYTES	(64 * MIB)

static void leak_before(void)
{
	static const char * const session[] = { "leak-failed", "leak-untried" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(session); i++) {
		int fd = lt_memfd(0, 0);

		lt_result(fallocate(fd, 0, 0, LEAK_BYTES), 0, "a memfd of 64 MiB");
		preserve_in(session[i], fd);
	}
}

static void leak_after(void)
{
	int failed = lt_must(lt_session_retrieve("leak-failed"), "session");
	int untried = lt_must(lt_session_retrieve("leak-untried"), "session");
	long before;

	before = lt_free_bytes();
	lt_result(lt_retrieve_with_no_file_left(failed, TOKEN), -ENFILE,
		  "a retrieve fails for a passing reason");
	lt_result(lt_retrieve(failed, TOKEN), -ENFILE, "that is final");
	lt_result(lt_finish(failed), 0, "its session is finished");
	close(failed);
	lt_sleep_ms(100);
	defect(lt_free_bytes() - before < (long)(4 * MIB), "its 64 MiB are not freed");

	before = lt_free_bytes();
	lt_result(lt_finish(untried), 0, "a session nobody retrieved from is finished");
	close(untried);
	lt_sleep_ms(100);
	before = lt_free_bytes() - before;
	lt_note("%ld KiB came back", before / 1024);
	lt_ok(before > (long)(60 * MIB), "and its 64 MiB are freed");
}

LT_SCENARIO(leak) = {
	.name	= "findings.failed-retrieve-leaks",
	.about	= "03: a memfd's memory is lost when its retrieve fails early",
	.stage	= { { leak_before, 2 }, { leak_after, 6 } },
};

/* ---- 04: a read-only file --------------------------------------------------------------- */

static void read_only_before(void)
{
	int fd = memfd_with_text(0), ro = lt_reopen(fd, O_RDONLY), tmp;

	lt_ok(pwrite(ro, "x", 1, 0) < 0 && errno == EBADF, "a memfd opened read-only");
	defect(lt_preserve_by_kernel(lt_must(lt_session_create("read-only"), "session"), ro,
				     TOKEN) == 0,
	       "it is preserved");

	tmp = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (tmp < 0 || write(tmp, text, sizeof(text)) != sizeof(text))
		lt_die("a file of tmpfs: %s", lt_errname(-errno));
	defect(lt_preserve_by_kernel(lt_must(lt_session_create("tmpfile"), "session"),
				     lt_reopen(tmp, O_RDONLY), TOKEN) == 0,
	       "an unlinked file of tmpfs, read-only, is preserved as a memfd");
}

static void read_only_after(void)
{
	int session = lt_must(lt_session_retrieve("read-only"), "session");
	int fd = lt_retrieve(session, TOKEN);

	defect(fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR,
	       "it has come back read-write");
	defect(fd >= 0 && pwrite(fd, "x", 1, 0) == 1, "it is written to");
	fd = lt_retrieve(lt_must(lt_session_retrieve("tmpfile"), "session"), TOKEN);
	defect(fd >= 0 && pwrite(fd, "x", 1, 0) == 1, "so is the file of tmpfs");
}

LT_SCENARIO(read_only) = {
	.name	= "findings.read-only",
	.about	= "04: a file that was open for reading comes back open for writing",
	.stage	= { { read_only_before, 3 }, { read_only_after, 3 } },
};

/* ---- 05: the position after the freeze -------------------------------------------------- */

static void late_position_before(void)
{
	atomic_ullong *shown = lt_carry_new("late-position-shown", 4096);
	int fd = memfd_with_text(0);

	preserve_in("late-position", fd);
	if (!lt_fork()) {
		off_t pos;

		/* Until the machine stops, which is some time after the freeze. */
		for (pos = 1;; pos++) {
			lseek(fd, pos, SEEK_SET);
			*shown = pos;
			lt_sleep_us(100);
		}
	}
	lt_ok(true, "a process goes on moving a preserved memfd's position");
}

static void late_position_after(void)
{
	atomic_ullong *shown = lt_carry_get("late-position-shown", 4096);
	off_t pos = lseek(retrieve_from("late-position"), 0, SEEK_CUR);

	lt_note("position %lld, while %llu was set before the kernel ended", (long long)pos,
		(unsigned long long)*shown);
	lt_ok(pos > 0, "the position when the file was frozen has arrived");
	/* There is no patch for that. */
	lt_ok((unsigned long long)pos < *shown, "the last position has not");
}

LT_SCENARIO(late_position) = {
	.name	= "findings.late-position",
	.about	= "05: a position set after a memfd's freeze is lost, its content is not",
	.stage	= { { late_position_before, 1 }, { late_position_after, 2 } },
};

/* ---- 06: a memfd of 1 TiB ----------------------------------------------------------------- */

static void one_tib(void)
{
	int session = lt_must(lt_session_create("one-tib"), "session");
	int fd = lt_memfd(0, 0);

	lt_result(ftruncate(fd, 1l << 40), 0, "a sparse memfd of 1 TiB");
	lt_result(lt_preserve_by_kernel(session, fd, TOKEN), -ENOMEM,
		  "there is no memory for it; defect: a kernel warning says so");
	close(session);
	close(fd);
}

LT_SCENARIO(one_tib_memfd) = {
	.name	= "findings.one-tib",
	.about	= "06: a memfd of 1 TiB cannot be preserved, and the kernel warns of itself",
	.stage	= { { one_tib, 2 } },
	.flags	= LT_DEFECT,
	.expect	= "mm/slub.c",
};

/* ---- 07: the name ------------------------------------------------------------------------- */

static void name_of(int fd, char *buf, size_t len)
{
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, buf, len - 1);
	buf[n < 0 ? 0 : n] = '\0';
}

static void name_before(void)
{
	int fd = memfd_with_text(0);
	char name[64];

	name_of(fd, name, sizeof(name));
	lt_ok(!strncmp(name, "/memfd:", 7), "a memfd is known by its name");
	preserve_in("name", fd);
}

static void name_after(void)
{
	char name[64];

	name_of(retrieve_from("name"), name, sizeof(name));
	lt_note("its name is '%s'", name);
	defect(strncmp(name, "/memfd:", 7), "it has come back as something else");
}

LT_SCENARIO(name) = {
	.name	= "findings.name",
	.about	= "07: a memfd comes back without the name by which memfds are told",
	.stage	= { { name_before, 1 }, { name_after, 1 } },
};

/* ---- 08: the answer that cannot be delivered -------------------------------------------- */

static void lost_session_before(void)
{
	preserve_in("lost-session", memfd_with_text(0));
	lt_ok(true, "a session with a memfd");
}

static void lost_session_after(void)
{
	struct liveupdate_ioctl_retrieve_session *arg;
	int dev = lt_must(lt_device(), "/dev/liveupdate");

	arg = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arg == MAP_FAILED)
		lt_die("mmap: %s", lt_errname(-errno));
	arg->size = sizeof(*arg);
	snprintf((char *)arg->name, sizeof(arg->name), "lost-session");
	mprotect(arg, 4096, PROT_READ);
	lt_result(ioctl(dev, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, arg) < 0 ? -errno : 0, -EFAULT,
		  "it is asked for with an argument that the kernel cannot write to");
	defect(lt_session_retrieve("lost-session") == -ENOENT, "it is gone, with all its files");
}

LT_SCENARIO(lost_session) = {
	.name	= "findings.lost-session",
	.about	= "08: a session is destroyed when its descriptor cannot be reported",
	.stage	= { { lost_session_before, 1 }, { lost_session_after, 2 } },
};

/* ---- 09: a session name that is taken --------------------------------------------------- */

/* Sessions that fill a block of LUO's: a page without its header of 16 bytes. */
#define SESSIONS_PER_BLOCK	((4096 - 16) / (LIVEUPDATE_SESSION_NAME_LENGTH + 16))

static void taken_name(void)
{
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	unsigned int i;

	for (i = 0; i < SESSIONS_PER_BLOCK; i++) {
		snprintf(name, sizeof(name), "taken-%u", i);
		lt_must(lt_session_create(name), "session");
	}
	lt_ok(true, "as many sessions as LUO keeps in a block");
	lt_result(lt_session_create("taken-0"), -EEXIST, "one more, with a name that is taken");
}

LT_SCENARIO(taken_name) = {
	.name	= "findings.taken-name",
	.about	= "09: a session name that is taken makes the next kernel panic",
	.stage	= { { taken_name, 2 } },
	.flags	= LT_ALONE | LT_PANICS | LT_DEFECT,
	.expect	= "The incoming tree failed to initialize properly",
};

/* ---- 10 to 12: state that files share (FLB) ----------------------------------------------- */

/* Each scenario has a device, and so an FLB, to itself: see tests/vm/flb-only. */
static int shared_open(unsigned int nr)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/luosdk_shared%u", nr);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		lt_die("open %s: %s", path, lt_errname(-errno));
	return fd;
}

static long long shared_count(unsigned int nr, const char *callback)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/luosdk_shared%u", nr);
	return lt_stat(path, callback);
}

static void flb_untouched_before(void)
{
	preserve_in("flb-untouched", shared_open(0));
	lt_eq(shared_count(0, "preserve"), 1, "a file and its FLB are preserved");
}

static void flb_untouched_after(void)
{
	int session = lt_must(lt_session_retrieve("flb-untouched"), "session");

	lt_result(lt_finish(session), 0, "the session is finished, nothing was retrieved");
	defect(shared_count(0, "finish") == 0, "the FLB is never finished");
}

LT_SCENARIO(flb_untouched) = {
	.name	= "findings.flb-untouched",
	.about	= "10: an FLB nobody retrieved: its reference count underflows, it is lost",
	.stage	= { { flb_untouched_before, 1 }, { flb_untouched_after, 2 } },
	.flags	= LT_DEFECT,
	.expect	= "refcount_t: underflow",
};

static void flb_failed_before(void)
{
	int fd = shared_open(1);

	lt_must(lt_write_fd(fd, "retrieve -12"), "set the FLB's answer");
	preserve_in("flb-failed", fd);
	lt_ok(true, "a file whose FLB cannot be retrieved");
}

static void flb_failed_after(void)
{
	int session = lt_must(lt_session_retrieve("flb-failed"), "session");

	lt_result(lt_retrieve(session, TOKEN), -ENOMEM, "the file's retrieve fails with the FLB's");
	lt_result(lt_finish(session), 0, "the session is finished; defect: with a warning");
}

LT_SCENARIO(flb_failed) = {
	.name	= "findings.flb-failed",
	.about	= "11: an FLB whose retrieve failed is a kernel warning in finish",
	.stage	= { { flb_failed_before, 1 }, { flb_failed_after, 2 } },
	.flags	= LT_DEFECT,
	.expect	= "kernel/liveupdate/luo_flb.c",
};

static void flb_held_before(void)
{
	int fd = shared_open(2);

	preserve_in("flb-held", fd);
	lt_must(lt_write_fd(fd, "hold"), "hold the FLB");
	lt_ok(true, "a file whose driver holds the FLB until the end of the kernel");
}

static void flb_held_after(void)
{
	int session = lt_must(lt_session_retrieve("flb-held"), "session");

	lt_result(lt_retrieve(session, TOKEN), 0, "the file is retrieved, with the FLB");
	lt_result(lt_finish(session), 0, "its session is finished");
	lt_eq(shared_count(2, "retrieve"), 1, "the FLB was retrieved");
	defect(shared_count(2, "finish") == 0, "it is never finished");
}

LT_SCENARIO(flb_held) = {
	.name	= "findings.flb-held",
	.about	= "12: references of the old kernel keep an FLB of the new one for ever",
	.stage	= { { flb_held_before, 1 }, { flb_held_after, 4 } },
};
