// SPDX-License-Identifier: GPL-2.0
/*
 * The test VM's /init: runs the scenarios' stages and live-updates in between.
 *
 * The kernel command line says what to do:
 *	luosdk.scenario=a,b	the scenarios of this boot
 *	luosdk.stage=2		which of their stages this kernel is for (default 1)
 *	luosdk.set.KEY=NUMBER	options of scenarios
 *	retain_initrd		keeps this image for the next kernel's boot
 *
 * Results go as KTAP to the second serial line, so that the kernel's messages
 * on the first can never cut a result in two. Run anywhere else than as the first
 * process, the program only lists its scenarios, for vmtest.
 */
#define _GNU_SOURCE
#include "luotest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/liveupdate.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CARRY_TOKEN	1
/* Before the name of a scenario: run with its handlers as modules. */
#define AS_MODULES	"modules."
#define FILE_MAX	"/proc/sys/fs/file-max"
#define MEMFD_FORMAT	"/sys/module/luosdk_memfd/parameters/format"
#define MEMFD_STATS	"/sys/kernel/debug/luosdk-memfd/stats"

/* Bits of /proc/kpageflags, and of an entry of /proc/self/pagemap. */
#define KPF_HEAD	BIT_ULL(15)
#define KPF_TAIL	BIT_ULL(16)
#define PM_PRESENT	BIT_ULL(63)
#define PM_PFN		(BIT_ULL(55) - 1)

static char cmdline[2048];
/* What the stages of the next kernel want on its command line beside that. */
static const char *next_cmdline;
static unsigned int stage = 1;
static __u64 cycles_at_init, ns_at_init;

/* The running stage: how many results it gave, how many of them were bad. */
static unsigned int nr_results, nr_bad;
static jmp_buf stage_end;

static int results_fd = STDOUT_FILENO;

/* Every line leaves in one write, so that lines of two processes never mix. */
static void put_line(const char *fmt, ...) __printf(1, 2);
static void put_vline(const char *head, const char *fmt, va_list ap)
{
	char buf[512];
	int n, m;

	n = snprintf(buf, sizeof(buf), "%s", head);
	m = vsnprintf(buf + n, sizeof(buf) - n - 1, fmt, ap);
	n += m < (int)sizeof(buf) - n - 1 ? m : (int)sizeof(buf) - n - 2;
	buf[n++] = '\n';
	if (write(results_fd, buf, n) != n)
		_exit(1);
}

static void put_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_vline("", fmt, ap);
	va_end(ap);
}

static bool result(bool good, const char *tail, const char *fmt, va_list ap)
{
	char head[48], text[256];

	vsnprintf(text, sizeof(text), fmt, ap);
	nr_results++;
	if (!good)
		nr_bad++;
	snprintf(head, sizeof(head), "    %s %u ", good ? "ok" : "not ok", nr_results);
	put_line("%s%s%s", head, text, tail);
	return good;
}

bool lt_ok(bool good, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	result(good, "", fmt, ap);
	va_end(ap);
	return good;
}

bool lt_eq(__u64 got, __u64 want, const char *fmt, ...)
{
	va_list ap;

	if (got != want)
		lt_note("got %llu (%#llx), expected %llu (%#llx)",
			got, got,
			want, want);
	va_start(ap, fmt);
	result(got == want, "", fmt, ap);
	va_end(ap);
	return got == want;
}

const char *lt_errname(long err)
{
	const char *name;

	if (err >= 0)
		return "success";
	name = strerrorname_np(-err);
	return name ? name : "an unknown error";
}

bool lt_result(long got, int want, const char *fmt, ...)
{
	bool good = want ? got == want : got >= 0;
	va_list ap;

	if (!good)
		lt_note("got %ld (%s), expected %s", got, lt_errname(got),
			lt_errname(want));
	va_start(ap, fmt);
	result(good, "", fmt, ap);
	va_end(ap);
	return good;
}

void lt_skip(const char *why, const char *fmt, ...)
{
	char tail[128];
	va_list ap;

	snprintf(tail, sizeof(tail), " # SKIP %s", why);
	va_start(ap, fmt);
	result(true, tail, fmt, ap);
	va_end(ap);
}

void lt_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	result(false, "", fmt, ap);
	va_end(ap);
	longjmp(stage_end, 1);
}

void lt_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_vline("    # ", fmt, ap);
	va_end(ap);
}

void lt_story(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_vline("    # | ", fmt, ap);
	va_end(ap);
}

void lt_tally(struct lt_tally *t, bool good, const char *fmt, ...)
{
	va_list ap;

	if (good || t->wrong++)
		return;
	va_start(ap, fmt);
	vsnprintf(t->first, sizeof(t->first), fmt, ap);
	va_end(ap);
}

bool lt_tally_ok(const struct lt_tally *t, const char *fmt, ...)
{
	va_list ap;

	if (t->wrong)
		lt_note("%u wrong, the first: %s", t->wrong, t->first);
	va_start(ap, fmt);
	result(!t->wrong, "", fmt, ap);
	va_end(ap);
	return !t->wrong;
}

int lt_must(int ret, const char *what)
{
	if (ret < 0)
		lt_die("%s: %s", what, lt_errname(ret));
	return ret;
}

/* The value of the last "KEY=" on the command line, up to the next blank. */
static bool option(const char *key, char *buf, size_t len)
{
	size_t klen = strlen(key);
	bool found = false;
	const char *p = cmdline;

	while (*p) {
		size_t n = strcspn(p, " ");

		if (n > klen && !strncmp(p, key, klen) && p[klen] == '=') {
			snprintf(buf, len, "%.*s", (int)(n - klen - 1), p + klen + 1);
			found = true;
		}
		p += n;
		p += strspn(p, " ");
	}
	return found;
}

unsigned long lt_option(const char *key, unsigned long fallback)
{
	char full[64], val[32];

	snprintf(full, sizeof(full), "luosdk.set.%s", key);
	return option(full, val, sizeof(val)) ? strtoul(val, NULL, 0) : fallback;
}

static int neg_errno(long ret)
{
	return ret < 0 ? -errno : (int)ret;
}

/* LUO lets one process have the device open, once: all stages share this one. */
static int device = -1;

int lt_device(void)
{
	if (device < 0)
		device = neg_errno(open("/dev/liveupdate", O_RDWR | O_CLOEXEC));
	return device;
}

void lt_device_close(void)
{
	if (device >= 0)
		close(device);
	device = -1;
}

pid_t lt_fork(void)
{
	pid_t child = fork();

	if (child < 0)
		lt_die("fork: %s", lt_errname(-errno));
	if (!child)
		lt_device_close();
	return child;
}

int lt_session_create(const char *name)
{
	struct liveupdate_ioctl_create_session arg = { .size = sizeof(arg) };
	int dev = lt_device();

	if (dev < 0)
		return dev;
	snprintf((char *)arg.name, sizeof(arg.name), "%s", name);
	if (ioctl(dev, LIVEUPDATE_IOCTL_CREATE_SESSION, &arg) < 0)
		return -errno;
	return arg.fd;
}

int lt_session_retrieve(const char *name)
{
	struct liveupdate_ioctl_retrieve_session arg = { .size = sizeof(arg) };
	int dev = lt_device();

	if (dev < 0)
		return dev;
	snprintf((char *)arg.name, sizeof(arg.name), "%s", name);
	if (ioctl(dev, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &arg) < 0)
		return -errno;
	return arg.fd;
}

int lt_preserve(int session, int fd, __u64 token)
{
	struct liveupdate_session_preserve_fd arg = {
		.size = sizeof(arg), .fd = fd, .token = token,
	};

	return neg_errno(ioctl(session, LIVEUPDATE_SESSION_PRESERVE_FD, &arg));
}

int lt_retrieve(int session, __u64 token)
{
	struct liveupdate_session_retrieve_fd arg = {
		.size = sizeof(arg), .token = token,
	};

	if (ioctl(session, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg) < 0)
		return -errno;
	return arg.fd;
}

int lt_finish(int session)
{
	struct liveupdate_session_finish arg = { .size = sizeof(arg) };

	return neg_errno(ioctl(session, LIVEUPDATE_SESSION_FINISH, &arg));
}

/* Only who has no privilege is refused a new file when the machine has too many. */
int lt_retrieve_with_no_file_left(int session, __u64 token)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {};
	char max[32];
	int err;
	pid_t child;

	lt_must(lt_read_file(FILE_MAX, max, sizeof(max)), "read " FILE_MAX);
	lt_must(lt_write_file(FILE_MAX, "0"), "write " FILE_MAX);
	child = fork();
	if (!child) {
		if (syscall(SYS_capset, &head, none))
			_exit(1);
		err = lt_retrieve(session, token);
		_exit(err < 0 ? -err : 0);
	}
	err = lt_wait_exit(child, 5000);
	lt_write_file(FILE_MAX, max);
	return -err;
}

/*
 * A memfd's pages stay where they are and stay mapped until the old kernel ends. The kernel's
 * own handler carries it: what is written there is not to depend on what is tested.
 */
void *lt_carry_new(const char *name, size_t size)
{
	int fd = lt_memfd(0, size), session;
	void *mem = lt_map(fd, size);

	session = lt_must(lt_session_create(name), "session for the carried page");
	lt_must(lt_preserve_by_kernel(session, fd, CARRY_TOKEN), "preserve the carried page");
	return mem;
}

void *lt_carry_get(const char *name, size_t size)
{
	int fd, session;
	void *mem;

	session = lt_must(lt_session_retrieve(name), "session of the carried page");
	fd = lt_must(lt_retrieve(session, CARRY_TOKEN), "retrieve the carried page");
	mem = lt_map(fd, size);
	lt_must(lt_finish(session), "finish the carried page's session");
	close(session);
	return mem;
}

int lt_kexec_load(void)
{
	static bool loaded;
	int kernel, initrd, err;
	char next[2048];
	char *p;
	int n;

	if (loaded)
		return 0;

	/* Nothing can be found in it twice: the last stage on the line counts. */
	p = strstr(cmdline, " luosdk.stage=");
	n = p ? p - cmdline : (int)strlen(cmdline);
	n = snprintf(next, sizeof(next), "%.*s%s%s luosdk.stage=%u", n, cmdline,
		     next_cmdline ? " " : "", next_cmdline ? next_cmdline : "", stage + 1);
	if (n >= (int)sizeof(next))
		return -E2BIG;

	kernel = open("/bzImage", O_RDONLY | O_CLOEXEC);
	if (kernel < 0)
		return -errno;
	initrd = open("/sys/firmware/initrd", O_RDONLY | O_CLOEXEC);
	if (initrd < 0) {
		err = -errno;
		goto out_kernel;
	}
	err = neg_errno(syscall(SYS_kexec_file_load, kernel, initrd,
				strlen(next) + 1, next, 0UL));
	loaded = !err;
	close(initrd);
out_kernel:
	close(kernel);
	return err;
}

static struct lt_stamp *reboot_stamp;

void lt_stamp_reboot(struct lt_stamp *where)
{
	reboot_stamp = where;
}

int lt_kexec_reboot(void)
{
	int err = lt_kexec_load();

	if (err)
		return err;
	tcdrain(results_fd);
	if (reboot_stamp)
		reboot_stamp->cycles = lt_cycles();
	reboot(RB_KEXEC);
	return -errno;
}

__u64 lt_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

__u64 lt_cycles(void)
{
	return __builtin_ia32_rdtsc();
}

double lt_cycles_per_ns(void)
{
	__u64 ns = lt_ns() - ns_at_init;

	/* Long enough for the error of the two readings not to matter. */
	if (ns < 200000000) {
		lt_sleep_ms(200);
		ns = lt_ns() - ns_at_init;
	}
	return (double)(lt_cycles() - cycles_at_init) / ns;
}

__u64 lt_cycles_at_init(void)
{
	return cycles_at_init;
}

void lt_sleep_us(int us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000l };

	nanosleep(&ts, NULL);
}

void lt_sleep_ms(int ms)
{
	lt_sleep_us(ms * 1000);
}

int lt_write_fd(int fd, const char *text)
{
	return neg_errno(write(fd, text, strlen(text)));
}

int lt_write_file(const char *path, const char *text)
{
	int fd, ret;

	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = lt_write_fd(fd, text);
	close(fd);
	return ret;
}

int lt_read_file(const char *path, char *buf, size_t len)
{
	size_t have = 0;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (have < len - 1) {
		n = read(fd, buf + have, len - 1 - have);
		if (n <= 0)
			break;
		have += n;
	}
	buf[have] = '\0';
	close(fd);
	return have;
}

int lt_module_load(const char *name)
{
	char path[64], params[256] = "";
	size_t len = strlen(name), used = 0;
	const char *p;
	int fd, ret;

	for (p = cmdline; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		if (n > len && !strncmp(p, name, len) && p[len] == '.')
			used += snprintf(params + used, sizeof(params) - used, "%.*s ",
					 (int)(n - len - 1), p + len + 1);
		if (used >= sizeof(params))
			return -E2BIG;
		p += n;
	}
	snprintf(path, sizeof(path), "/modules/%s.ko", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = neg_errno(syscall(SYS_finit_module, fd, params, 0));
	close(fd);
	return ret;
}

int lt_module_unload(const char *name)
{
	return neg_errno(syscall(SYS_delete_module, name, O_NONBLOCK));
}

long long lt_stat(const char *path, const char *name)
{
	size_t len = strlen(name);
	char buf[4096], *line;
	int n;

	n = lt_read_file(path, buf, sizeof(buf));
	if (n < 0)
		return n;
	for (line = strtok(buf, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, name, len) && strchr(" \t:", line[len]) && line[len])
			return strtoll(line + len + 1, NULL, 0);
	return -ENOENT;
}

long lt_free_bytes(void)
{
	long pages = lt_must(lt_stat("/proc/meminfo", "MemFree"), "read /proc/meminfo") * 1024l /
		     sysconf(_SC_PAGESIZE);
	static char zones[32768];
	const char *p = zones;

	/* A processor keeps what it freed at hand, some MiB, which is not in MemFree. */
	lt_must(lt_read_file("/proc/zoneinfo", zones, sizeof(zones)), "read /proc/zoneinfo");
	while ((p = strstr(p, " count:"))) {
		p += strlen(" count:");
		pages += strtol(p, NULL, 10);
	}
	return pages * sysconf(_SC_PAGESIZE);
}

/* Lines as they come, so that a program that hangs has said how far it got. */
static void note_lines(const char *text, size_t *from, bool all)
{
	const char *end;

	while ((end = strchr(text + *from, '\n'))) {
		lt_note("%.*s", (int)(end - text - *from), text + *from);
		*from = end - text + 1;
	}
	if (all && text[*from])
		lt_note("%s", text + *from);
}

int lt_run(const char *const argv[], char *out, size_t len)
{
	static const char *const env[] = { "PATH=/", NULL };
	size_t have = 0, noted = 0;
	int said[2], err;
	ssize_t n;
	pid_t child;

	if (pipe2(said, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child < 0) {
		err = -errno;
		close(said[0]);
		close(said[1]);
		return err;
	}
	if (!child) {
		dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
		dup2(said[1], STDOUT_FILENO);
		dup2(said[1], STDERR_FILENO);
		close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
		execve(argv[0], (char *const *)argv, (char *const *)env);
		dprintf(STDERR_FILENO, "%s: %s\n", argv[0], lt_errname(-errno));
		_exit(127);
	}
	close(said[1]);
	/* Until it and all that it started have closed their end. */
	while ((n = read(said[0], out + have, len - 1 - have)) > 0) {
		have += n;
		out[have] = '\0';
		note_lines(out, &noted, false);
	}
	out[have] = '\0';
	note_lines(out, &noted, true);
	close(said[0]);
	return lt_wait_exit(child, 5000);
}

bool lt_is_blocked(pid_t pid, int ms)
{
	char path[32], buf[512], *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (;;) {
		if (lt_read_file(path, buf, sizeof(buf)) > 0) {
			p = strrchr(buf, ')');
			if (p && p[2] == 'S')
				return true;
		}
		if (ms <= 0)
			return false;
		lt_sleep_ms(10);
		ms -= 10;
	}
}

int lt_wait_exit(pid_t pid, int ms)
{
	int status;

	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got < 0)
			return -errno;
		if (got == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
		if (ms <= 0)
			return -ETIMEDOUT;
		lt_sleep_ms(10);
		ms -= 10;
	}
}

void lt_pin_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int lt_nr_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

int lt_eventfd_write(int fd, __u64 value)
{
	return neg_errno(write(fd, &value, sizeof(value)));
}

int lt_eventfd_read(int fd, __u64 *value)
{
	return neg_errno(read(fd, value, sizeof(*value)));
}

int lt_eventfd(__u64 count, int flags)
{
	__u64 rest = count > UINT32_MAX ? count - UINT32_MAX : 0;
	int fd, err;

	fd = eventfd(count - rest, flags | EFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (rest) {
		err = lt_eventfd_write(fd, rest);
		if (err < 0) {
			close(fd);
			return err;
		}
	}
	return fd;
}

int lt_eventfd_signal(int fd)
{
	static aio_context_t ctx;
	static int file = -1;
	struct io_event event;
	struct iocb *list[1];
	struct iocb cb = {};
	static char byte;

	if (file < 0) {
		file = memfd_create("aio", MFD_CLOEXEC);
		if (file < 0)
			return -errno;
		if (write(file, "x", 1) != 1 || syscall(SYS_io_setup, 8, &ctx) < 0)
			return -errno;
	}
	cb.aio_lio_opcode = IOCB_CMD_PREAD;
	cb.aio_fildes = file;
	cb.aio_buf = (uintptr_t)&byte;
	cb.aio_nbytes = 1;
	cb.aio_flags = IOCB_FLAG_RESFD;
	cb.aio_resfd = fd;
	list[0] = &cb;
	if (syscall(SYS_io_submit, ctx, 1, list) != 1)
		return -errno;
	return neg_errno(syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL));
}

int lt_eventfd_info(int fd, __u64 *count, bool *semaphore)
{
	char path[48], buf[512], *p;
	int n;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	n = lt_read_file(path, buf, sizeof(buf));
	if (n < 0)
		return n;
	p = strstr(buf, "eventfd-count:");
	if (!p)
		return -EINVAL;
	*count = strtoull(p + strlen("eventfd-count:"), NULL, 16);
	p = strstr(buf, "eventfd-semaphore:");
	if (!p)
		return -EINVAL;
	*semaphore = strtoul(p + strlen("eventfd-semaphore:"), NULL, 10);
	return 0;
}

static short poll_now(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&pfd, 1, 0) < 0 ? POLLNVAL : pfd.revents;
}

static short poll_wanted(__u64 count)
{
	return (count ? POLLIN : 0) | (count == UINT64_MAX ? POLLERR : 0) |
	       (count < UINT64_MAX - 1 ? POLLOUT : 0);
}

int lt_eventfd_differs(int fd, __u64 count, int flags, char *why, size_t len)
{
	bool semaphore;
	__u64 got;
	int ret;

	ret = lt_eventfd_info(fd, &got, &semaphore);
	if (ret) {
		snprintf(why, len, "it is no eventfd (%s)", lt_errname(ret));
		return 1;
	}
	if (got != count) {
		snprintf(why, len, "count is %#llx, expected %#llx",
			 got, count);
		return 1;
	}
	if (semaphore != !!(flags & EFD_SEMAPHORE)) {
		snprintf(why, len, "semaphore is %d", semaphore);
		return 1;
	}
	ret = fcntl(fd, F_GETFL);
	if (ret < 0 || (ret & O_ACCMODE) != O_RDWR ||
	    !!(ret & O_NONBLOCK) != !!(flags & EFD_NONBLOCK)) {
		snprintf(why, len, "file flags are %#x", ret);
		return 1;
	}
	if (poll_now(fd) != poll_wanted(count)) {
		snprintf(why, len, "poll says %#x, expected %#x",
			 poll_now(fd), poll_wanted(count));
		return 1;
	}
	return 0;
}

bool lt_eventfd_is(int fd, __u64 count, int flags, const char *name)
{
	char why[128];

	if (lt_eventfd_differs(fd, count, flags, why, sizeof(why))) {
		lt_note("%s", why);
		return lt_ok(false, "%s is as it was", name);
	}
	return lt_ok(true, "%s is as it was", name);
}

/*
 * Drains @fd, and then: an epoll sees it become readable, a reader in another
 * process blocks, is woken by a write and reads what was written.
 * Leaves the count at 0 and the flags as they are.
 */
int lt_eventfd_broken(int fd, char *why, size_t len)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fl = fcntl(fd, F_GETFL), ep, ret;
	bool semaphore;
	__u64 val;
	pid_t child;

	ret = lt_eventfd_info(fd, &val, &semaphore);
	if (ret || fl < 0) {
		snprintf(why, len, "it is no eventfd");
		return 1;
	}

	fcntl(fd, F_SETFL, fl | O_NONBLOCK);
	/* A semaphore with a large count cannot be drained one by one. */
	if (semaphore && val > 1000) {
		ret = lt_eventfd_read(fd, &val);
		fcntl(fd, F_SETFL, fl);
		if (ret != sizeof(val) || val != 1) {
			snprintf(why, len, "a large semaphore gave %llu (%s)",
				 val, lt_errname(ret));
			return 1;
		}
		return 0;
	}
	do
		ret = lt_eventfd_read(fd, &val);
	while (ret == sizeof(val));
	fcntl(fd, F_SETFL, fl);
	if (ret != -EAGAIN) {
		snprintf(why, len, "draining it ended with %s", lt_errname(ret));
		return 1;
	}

	ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) ||
	    epoll_wait(ep, &ev, 1, 0) != 0) {
		snprintf(why, len, "epoll does not see it empty");
		goto close_ep;
	}

	child = fork();
	if (!child) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		/* A non-blocking one is waited for with poll instead. */
		if (fl & O_NONBLOCK)
			poll(&pfd, 1, -1);
		_exit(lt_eventfd_read(fd, &val) == sizeof(val) &&
		      val == (semaphore ? 1 : 7) ? 0 : 1);
	}
	if (child < 0 || !lt_is_blocked(child, 5000)) {
		snprintf(why, len, "a reader does not block");
		goto kill_child;
	}
	if (lt_eventfd_write(fd, semaphore ? 1 : 7) != sizeof(val)) {
		snprintf(why, len, "a write failed");
		goto kill_child;
	}
	ret = lt_wait_exit(child, 5000);
	if (ret) {
		snprintf(why, len, ret < 0 ? "a blocked reader was not woken" :
					     "a woken reader read the wrong value");
		goto kill_child;
	}
	if (lt_eventfd_write(fd, 1) != sizeof(val) || epoll_wait(ep, &ev, 1, 0) != 1 ||
	    lt_eventfd_read(fd, &val) != sizeof(val) || val != 1) {
		snprintf(why, len, "epoll and read disagree after a write");
		goto close_ep;
	}
	close(ep);
	return 0;

kill_child:
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
close_ep:
	close(ep);
	return 1;
}

bool lt_eventfd_works(int fd, const char *name)
{
	char why[128];
	bool good = !lt_eventfd_broken(fd, why, sizeof(why));

	if (!good)
		lt_note("%s", why);
	return lt_ok(good, "%s polls, reads, writes and wakes", name);
}

int lt_memfd(unsigned int flags, size_t size)
{
	int fd = lt_must(neg_errno(memfd_create("luotest", MFD_CLOEXEC | flags)), "make a memfd");

	lt_must(neg_errno(ftruncate(fd, size)), "set a memfd's size");
	return fd;
}

int lt_memfd_with(unsigned int flags, const void *data, size_t size)
{
	int fd = lt_memfd(flags, 0);

	if (write(fd, data, size) != (ssize_t)size)
		lt_die("write to a memfd: %s", lt_errname(-errno));
	return fd;
}

int lt_reopen(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return lt_must(neg_errno(open(path, flags | O_CLOEXEC)), "open a file again");
}

void *lt_map(int fd, size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);

	if (mem == MAP_FAILED)
		lt_die("map a memfd: %s", lt_errname(-errno));
	return mem;
}

#define GOLDEN		0x9e3779b97f4a7c15ull

void lt_fill(void *mem, size_t size, __u64 seed)
{
	__u64 word = (seed + 1) * GOLDEN;
	size_t i;

	for (i = 0; i + 8 <= size; i += 8, word += GOLDEN)
		*(__u64 *)(mem + i) = word;
	memcpy(mem + i, &word, size - i);
}

static __u64 sum_more(__u64 sum, const void *mem, size_t size)
{
	__u64 word;
	size_t i;

	for (i = 0; i < size; i += 8) {
		word = 0;
		memcpy(&word, mem + i, size - i < 8 ? size - i : 8);
		/* A word counts by its place, and zeros count by their number. */
		sum = (sum ^ word) * GOLDEN;
		sum ^= sum >> 32;
	}
	return sum;
}

__u64 lt_sum(const void *mem, size_t size)
{
	return sum_more(~size, mem, size);
}

__u64 lt_file_sum(int fd)
{
	static char buf[1 << 20];
	__u64 sum = GOLDEN;
	off_t pos = 0;
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), pos)) > 0) {
		sum = sum_more(sum, buf, n);
		pos += n;
	}
	lt_must(neg_errno(n), "read a memfd");
	return sum ^ pos;
}

long long lt_memfd_count(const char *name)
{
	return lt_stat(MEMFD_STATS, name);
}

int lt_preserve_by_kernel(int session, int fd, __u64 token)
{
	char was[32];
	int err;

	/* Without the switch there is none but the kernel's. */
	if (lt_read_file(MEMFD_FORMAT, was, sizeof(was)) < 0)
		return lt_preserve(session, fd, token);
	lt_must(lt_write_file(MEMFD_FORMAT, "memfd-v2"), "write " MEMFD_FORMAT);
	err = lt_preserve(session, fd, token);
	lt_must(lt_write_file(MEMFD_FORMAT, was), "write " MEMFD_FORMAT);
	return err;
}

void lt_memfd_look(int fd, struct lt_memfd_state *state)
{
	struct stat st;

	lt_must(neg_errno(fstat(fd, &st)), "look at a memfd");
	memset(state, 0, sizeof(*state));
	state->size = st.st_size;
	state->mode = st.st_mode;
	state->uid = st.st_uid;
	state->gid = st.st_gid;
	state->pos = lseek(fd, 0, SEEK_CUR);
	state->seals = lt_must(neg_errno(fcntl(fd, F_GET_SEALS)), "look at a memfd's seals");
	state->flags = fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_NOATIME);
	state->sum = lt_file_sum(fd);
}

int lt_memfd_differs(int fd, const struct lt_memfd_state *was, char *why, size_t len)
{
	struct lt_memfd_state is;

	if (fcntl(fd, F_GET_SEALS) < 0) {
		snprintf(why, len, "it is no memfd (%s)", lt_errname(-errno));
		return 1;
	}
	lt_memfd_look(fd, &is);
	if (is.size != was->size)
		snprintf(why, len, "size is %llu, expected %llu", is.size, was->size);
	else if (is.sum != was->sum)
		snprintf(why, len, "its content is another");
	else if (is.pos != was->pos)
		snprintf(why, len, "position is %lld, expected %lld", is.pos, was->pos);
	else if (is.seals != was->seals)
		snprintf(why, len, "seals are %#x, expected %#x", is.seals, was->seals);
	else if (is.mode != was->mode)
		snprintf(why, len, "mode is %#o, expected %#o", is.mode, was->mode);
	else if (is.uid != was->uid || is.gid != was->gid)
		snprintf(why, len, "owner is %u:%u, expected %u:%u", is.uid, is.gid, was->uid,
			 was->gid);
	else if (is.flags != was->flags)
		snprintf(why, len, "file flags are %#x, expected %#x", is.flags, was->flags);
	else
		return 0;
	return 1;
}

bool lt_memfd_is(int fd, const struct lt_memfd_state *was, const char *name)
{
	char why[128];
	bool good = !lt_memfd_differs(fd, was, why, sizeof(why));

	if (!good)
		lt_note("%s", why);
	return lt_ok(good, "%s is as it was", name);
}

/* What /proc/kpageflags says of @nr frames from @pfn on, into @pages. */
static void count_frames(int flags, __u64 pfn, unsigned int nr, struct lt_pages *pages)
{
	static __u64 flag[512];
	unsigned int i;

	if (pread(flags, flag, nr * sizeof(*flag), pfn * sizeof(*flag)) !=
	    (ssize_t)(nr * sizeof(*flag)))
		lt_die("read /proc/kpageflags: %s", lt_errname(-errno));
	for (i = 0; i < nr; i++) {
		pages->present++;
		pages->large += !!(flag[i] & (KPF_HEAD | KPF_TAIL));
		pages->folios += !(flag[i] & KPF_TAIL);
	}
}

/* How many of @nr pages, at page @at of the address space, are in aligned groups of @group. */
static size_t in_groups(const __u64 *entry, size_t at, size_t nr, size_t group)
{
	size_t i = -at & (group - 1), j, found = 0;

	for (; i + group <= nr; i += group) {
		for (j = 0; j < group && entry[i] && entry[i + j] == entry[i] + j;)
			j++;
		if (j == group && !(entry[i] & (group - 1)))
			found += group;
	}
	return found;
}

void lt_pages(const void *mem, size_t size, struct lt_pages *pages)
{
	int map = lt_must(neg_errno(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)),
			  "open /proc/self/pagemap");
	int flags = lt_must(neg_errno(open("/proc/kpageflags", O_RDONLY | O_CLOEXEC)),
			    "open /proc/kpageflags");
	size_t page = sysconf(_SC_PAGESIZE), at = (uintptr_t)mem / page;
	size_t nr = (size + page - 1) / page, n, i, j;
	static __u64 entry[512];

	memset(pages, 0, sizeof(*pages));
	for (; nr; nr -= n, at += n) {
		n = nr < ARRAY_SIZE(entry) ? nr : ARRAY_SIZE(entry);
		if (pread(map, entry, n * sizeof(*entry), at * sizeof(*entry)) !=
		    (ssize_t)(n * sizeof(*entry)))
			lt_die("read /proc/self/pagemap: %s", lt_errname(-errno));
		for (i = 0; i < n; i++)
			entry[i] = entry[i] & PM_PRESENT ? entry[i] & PM_PFN : 0;
		pages->sum = sum_more(pages->sum, entry, n * sizeof(*entry));
		pages->fours += in_groups(entry, at, n, 4);
		pages->blocks += in_groups(entry, at, n, 512) / 512;
		/* Frames that follow each other are asked for at once. */
		for (i = 0; i < n; i = j) {
			for (j = i + 1; j < n && entry[i] && entry[j] == entry[i] + j - i;)
				j++;
			if (entry[i])
				count_frames(flags, entry[i], j - i, pages);
		}
	}
	close(map);
	close(flags);
}

static const struct lt_scenario *find_scenario(const char *name)
{
	const struct lt_scenario *const *p;

	for (p = __start_lt_scenarios; p < __stop_lt_scenarios; p++)
		if (!strcmp((*p)->name, name))
			return *p;
	return NULL;
}

static unsigned int nr_stages(const struct lt_scenario *s)
{
	unsigned int n = 0;

	while (n < LT_MAX_STAGES && s->stage[n].run)
		n++;
	return n;
}

/* Call @fn for each of the modules of @s, until one call fails. */
static int each_module(const struct lt_scenario *s, int (*fn)(const char *name))
{
	char names[128], *rest, *name;
	int err = 0;

	snprintf(names, sizeof(names), "%s", s->modules ? s->modules : "");
	for (name = strtok_r(names, " ", &rest); name && !err; name = strtok_r(NULL, " ", &rest))
		err = fn(name);

	return err;
}

static int print_disabled(const char *name)
{
	printf(" %s.enabled=0", name);

	return 0;
}

static int load_early(const char *name)
{
	int err = lt_module_load(name);

	if (err && err != -EEXIST)
		put_line("Bail out! the module %s cannot be loaded: %s", name, lt_errname(err));

	return err == -EEXIST ? 0 : err;
}

static void list_scenario(const struct lt_scenario *s, bool as_modules)
{
	static const char * const flag[] = {
		"alone", "hidden", "emulated", "modules", "counted", "panics", "defect",
		"selftests", "kunit",
	};
	unsigned int i;
	const char *text;

	printf("%s%s\t", as_modules ? AS_MODULES : "", s->name);
	for (i = 0; i < nr_stages(s); i++)
		printf("%s%u", i ? "," : "", s->stage[i].plan);
	printf("\t");
	for (i = 0; i < ARRAY_SIZE(flag); i++)
		printf("%s ", s->flags & BIT(i) ? flag[i] : "");
	if (as_modules)
		printf("modules ");
	printf("\t%s\t%s", s->expect ? s->expect : "", s->cmdline ? s->cmdline : "");
	if (as_modules)
		each_module(s, print_disabled);
	/* What makes the kernels of two scenarios different ones. */
	printf("\t");
	for (i = 0; i < nr_stages(s); i++)
		if (s->stage[i].cmdline)
			printf("%u:%s;", i + 1, s->stage[i].cmdline);
	printf("\t%u\t", s->memory);
	for (text = s->says; text && *text; text++)
		putchar(*text == '\n' ? ';' : *text);
	printf("\t%s%s\n", s->about, as_modules ? ", as modules" : "");
}

/* One scenario a line, fields separated by tabs: vmtest reads this. */
static int list_scenarios(void)
{
	const struct lt_scenario *const *p;

	for (p = __start_lt_scenarios; p < __stop_lt_scenarios; p++) {
		list_scenario(*p, false);
		if ((*p)->modules)
			list_scenario(*p, true);
	}
	return 0;
}

static bool run_stage(const struct lt_scenario *s, const char *name, unsigned int nr)
{
	const struct lt_stage *st = &s->stage[stage - 1];
	__u64 start = lt_ns();

	nr_results = 0;
	nr_bad = 0;
	put_line("    KTAP version 1");
	put_line("    # Subtest: %s", name);
	put_line("    1..%u", st->plan);
	if (!setjmp(stage_end))
		st->run();
	if (nr_results != st->plan)
		lt_note("the stage gave %u results, its plan says %u", nr_results, st->plan);
	lt_note("%llu ms", (lt_ns() - start) / 1000000);
	nr_bad += nr_results != st->plan;
	put_line("%s %u %s", nr_bad ? "not ok" : "ok", nr, name);
	return !nr_bad;
}

static void mount_all(void)
{
	static const struct {
		const char *where, *type;
	} fs[] = {
		{ "/proc", "proc" }, { "/sys", "sysfs" }, { "/dev", "devtmpfs" },
		{ "/sys/kernel/debug", "debugfs" }, { "/tmp", "tmpfs" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fs); i++) {
		mkdir(fs[i].where, 0755);
		if (mount(fs[i].type, fs[i].where, fs[i].type, 0, NULL) && errno != EBUSY)
			put_line("# cannot mount %s: %s", fs[i].where, lt_errname(-errno));
	}
}

static void open_results(void)
{
	struct termios tio;
	int fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (!tcgetattr(fd, &tio)) {
		cfmakeraw(&tio);
		tcsetattr(fd, TCSANOW, &tio);
	}
	results_fd = fd;
}

static void power_off(void)
{
	tcdrain(results_fd);
	/* QEMU runs with -no-reboot: a reset ends it, and needs no ACPI. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	struct rlimit many = { 65536, 65536 };
	const struct lt_scenario *todo[64];
	const char *as[ARRAY_SIZE(todo)];
	unsigned int nr_todo = 0, here = 0, last = 0, i, nr;
	char names[sizeof(cmdline)], val[16], *name;
	struct utsname uts;
	int err;

	if (getpid() != 1) {
		if (argc == 2 && !strcmp(argv[1], "--list"))
			return list_scenarios();
		fprintf(stderr, "%s: this is the test VM's /init; tests/vm/vmtest runs it\n",
			argv[0]);
		return 2;
	}

	cycles_at_init = lt_cycles();
	ns_at_init = lt_ns();
	mount_all();
	open_results();
	setrlimit(RLIMIT_NOFILE, &many);
	if (lt_read_file("/proc/cmdline", cmdline, sizeof(cmdline)) < 0)
		power_off();
	cmdline[strcspn(cmdline, "\n")] = '\0';
	if (option("luosdk.stage", val, sizeof(val)))
		stage = strtoul(val, NULL, 10);
	if (!option("luosdk.scenario", names, sizeof(names)))
		names[0] = '\0';

	for (name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		size_t prefix = strlen(AS_MODULES);
		const struct lt_scenario *s = find_scenario(name);
		bool as_modules = !s && !strncmp(name, AS_MODULES, prefix);

		if (as_modules)
			s = find_scenario(name + prefix);
		if (!s || nr_todo == ARRAY_SIZE(todo)) {
			put_line("Bail out! no scenario %s", name);
			power_off();
		}
		if (as_modules && each_module(s, load_early))
			power_off();
		as[nr_todo] = name;
		todo[nr_todo++] = s;
		here += nr_stages(s) >= stage;
		/* vmtest puts only those into one boot that agree on it. */
		if (nr_stages(s) > stage && s->stage[stage].cmdline)
			next_cmdline = s->stage[stage].cmdline;
		/* One more kernel for a scenario that is about how that ends. */
		if (nr_stages(s) + !!(s->flags & LT_PANICS) > last)
			last = nr_stages(s) + !!(s->flags & LT_PANICS);
	}

	uname(&uts);
	put_line("KTAP version 1");
	put_line("# stage %u of %u, Linux %s, %d CPUs", stage, last, uts.release, lt_nr_cpus());
	put_line("1..%u", here);
	for (i = 0, nr = 0; i < nr_todo; i++)
		if (nr_stages(todo[i]) >= stage)
			run_stage(todo[i], as[i], ++nr);

	if (stage < last) {
		put_line("# kexec");
		err = lt_kexec_reboot();
		put_line("Bail out! the live update failed: %s", lt_errname(err));
	} else {
		put_line("# end");
	}
	power_off();
}
