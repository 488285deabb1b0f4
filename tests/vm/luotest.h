/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The small library that every live-update scenario stands on.
 *
 * One static program is the whole user space of the test VM: it is /init, it
 * holds all scenarios, and it carries itself over each kexec. A scenario is a
 * row of stages, one per kernel: what stage 1 sets up, stage 2 finds after the
 * live update. A scenario file defines
 *
 *	static void one_before(void) { ... }
 *	static void one_after(void) { ... }
 *
 *	LT_SCENARIO(one) = {
 *		.name	= "eventfd.one",
 *		.about	= "one eventfd comes back as it was",
 *		.stage	= { { one_before, 3 }, { one_after, 7 } },
 *	};
 *
 * The number beside a stage is its plan: a stage that reports fewer or more
 * results has failed, however good they look. tests/vm/vmtest starts the VM
 * and reads the results.
 *
 * Functions named after a system call return what the call returns, or the
 * negative errno: they never set errno for the caller to look at.
 */
#ifndef LUOTEST_H
#define LUOTEST_H

#include <linux/types.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The kernel's words for what the C library has no word for. */
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define BIT(n)			(1u << (n))
#define BIT_ULL(n)		(1ull << (n))
#define LT_ATTRIBUTE(a)		__attribute__((a))
#define __printf(a, b)		LT_ATTRIBUTE(format(printf, a, b))
#define __noreturn		LT_ATTRIBUTE(noreturn)
#define __packed		LT_ATTRIBUTE(packed)
#define __used			LT_ATTRIBUTE(used)
#define __section(s)		LT_ATTRIBUTE(section(s))

#define LT_MAX_STAGES		4

/* The VM boots for this scenario only; nothing else runs beside it. */
#define LT_ALONE		BIT(0)
/* Not part of a normal run: vmtest runs it by name or for its self-test. */
#define LT_HIDDEN		BIT(1)
/* Needs the processor that QEMU emulates, whatever the host could offer. */
#define LT_EMULATED		BIT(2)
/* Needs the handlers as modules, built against this kernel: see lt_module_load(). */
#define LT_MODULES		BIT(3)
/* One emulated processor whose time stamp counter counts instructions. */
#define LT_COUNTED		BIT(4)
/* The kernel after the last stage panics in the words of .expect, and nothing follows. */
#define LT_PANICS		BIT(5)
/* .expect and LT_PANICS are a defect: with --set fixed=1 neither may come. */
#define LT_DEFECT		BIT(6)
/* Needs the programs of the kernel's own selftests: see lt_selftest(). */
#define LT_SELFTESTS		BIT(7)
/* Needs the KUnit suites as modules, built against this kernel. */
#define LT_KUNIT		BIT(8)

struct lt_stage {
	void (*run)(void);
	unsigned int plan;
	/* Parameters that the kernels from this stage's on have; a later one wins. */
	const char *cmdline;
};

/**
 * struct lt_scenario - one subject, over one or more kernels
 * @name:	"subject.case", what vmtest is asked for
 * @about:	one line for vmtest --list
 * @stage:	what to do in the first kernel, in the second, ...
 * @flags:	LT_*
 * @expect:	the one kernel splat that must appear, as a part of its line; NULL for none
 * @says:	what lines of the console must contain, one a line; NULL for nothing
 * @cmdline:	kernel parameters it needs from the first boot on; NULL for none
 * @modules:	run it a second time, as "modules." and its name, with these loaded in each
 *		kernel as an initramfs does, and left out (NAME.enabled=0) where they are built
 *		in; names with a blank between them, NULL for none
 * @memory:	MiB of memory the VM must have; 0 for what vmtest gives it
 */
struct lt_scenario {
	const char *name;
	const char *about;
	struct lt_stage stage[LT_MAX_STAGES];
	unsigned int flags;
	const char *expect;
	const char *says;
	const char *cmdline;
	const char *modules;
	unsigned int memory;
};

#define LT_SCENARIO(id)							\
	static const struct lt_scenario lt_scenario_##id;		\
	static const struct lt_scenario *const lt_scenario_p_##id	\
	__used __section("lt_scenarios") =		\
		&lt_scenario_##id;					\
	static const struct lt_scenario lt_scenario_##id

/* The linker's ends of the table that LT_SCENARIO() fills. */
extern const struct lt_scenario *const __start_lt_scenarios[];
extern const struct lt_scenario *const __stop_lt_scenarios[];

/* Results. Each call is one of the stage's planned results. */
bool lt_ok(bool good, const char *fmt, ...) __printf(2, 3);
bool lt_eq(__u64 got, __u64 want, const char *fmt, ...)
	__printf(3, 4);
bool lt_result(long got, int want, const char *fmt, ...)
	__printf(3, 4);
void lt_skip(const char *why, const char *fmt, ...)
	__printf(2, 3);
/* A result that failed and leaves no sense in going on: the stage ends here. */
void lt_die(const char *fmt, ...) __printf(1, 2) __noreturn;
/* A diagnostic line; and a line of the story that vmtest --demo tells. */
void lt_note(const char *fmt, ...) __printf(1, 2);
void lt_story(const char *fmt, ...) __printf(1, 2);

/* For a set too large for one result each: count and name the first that is wrong. */
struct lt_tally {
	unsigned int wrong;
	char first[160];
};

void lt_tally(struct lt_tally *t, bool good, const char *fmt, ...)
	__printf(3, 4);
bool lt_tally_ok(const struct lt_tally *t, const char *fmt, ...)
	__printf(2, 3);

const char *lt_errname(long err);

/* A number given to this run, as in `vmtest --set rounds=100`. */
unsigned long lt_option(const char *key, unsigned long fallback);

/* /dev/liveupdate and its sessions. Tokens and names are the caller's. */
int lt_device(void);
/* Let another program have the device; the next lt_device() opens it again. */
void lt_device_close(void);
/* fork(), for a process that goes on when its scenario's stage has ended. */
pid_t lt_fork(void);
int lt_session_create(const char *name);
int lt_session_retrieve(const char *name);
int lt_preserve(int session, int fd, __u64 token);
int lt_retrieve(int session, __u64 token);
int lt_finish(int session);

/*
 * The same, for steps that only lead up to what a scenario is about: the stage
 * ends when one fails, and success is no result of its own.
 */
int lt_must(int ret, const char *what);

/*
 * Retrieve without privilege, while the machine is said to have as many open files as
 * it may have: the answer is -ENFILE, early in a handler's retrieve.
 */
int lt_retrieve_with_no_file_left(int session, __u64 token);

/* Memory shared with children that is also there, in place, after the kexec. */
void *lt_carry_new(const char *name, size_t size);
void *lt_carry_get(const char *name, size_t size);

/*
 * The live update itself. The library loads the next kernel and leaves for it
 * when all scenarios of a stage are done; a scenario calls these only when
 * the load or a reboot that fails is its subject. lt_kexec_reboot() returns only
 * a negative errno.
 */
int lt_kexec_load(void);
int lt_kexec_reboot(void);
/* Where to put lt_cycles() as the last act before reboot(2): in a carried page. */
struct lt_stamp {
	atomic_ullong cycles;
};

void lt_stamp_reboot(struct lt_stamp *where);

/* Time: nanoseconds of the running kernel; cycles run on through a kexec. */
__u64 lt_ns(void);
__u64 lt_cycles(void);
double lt_cycles_per_ns(void);
/* lt_cycles() when this kernel entered user space. */
__u64 lt_cycles_at_init(void);

/* Eventfds. */
int lt_eventfd(__u64 count, int flags);
int lt_eventfd_info(int fd, __u64 *count, bool *semaphore);
int lt_eventfd_write(int fd, __u64 value);
int lt_eventfd_read(int fd, __u64 *value);
/* Asynchronous read from a file that signals @fd from inside the kernel. */
int lt_eventfd_signal(int fd);
/* 0, or what differs, as words in @why. */
int lt_eventfd_differs(int fd, __u64 count, int flags, char *why, size_t len);
int lt_eventfd_broken(int fd, char *why, size_t len);
/* One result each: it is as described; it polls, reads, writes and wakes. */
bool lt_eventfd_is(int fd, __u64 count, int flags, const char *name);
bool lt_eventfd_works(int fd, const char *name);

/* Memfds. What goes wrong in making one ends the stage. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	8u
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC	0x20
#endif

int lt_memfd(unsigned int flags, size_t size);
int lt_memfd_with(unsigned int flags, const void *data, size_t size);
/* Another struct file for the file of @fd. */
int lt_reopen(int fd, int flags);
void *lt_map(int fd, size_t size);
/* Every word of @mem depends on @seed and on where it is. */
void lt_fill(void *mem, size_t size, __u64 seed);
__u64 lt_sum(const void *mem, size_t size);
/* Of all that can be read from the file, and of its size. */
__u64 lt_file_sum(int fd);
/* Whose memfd handler has the files: what ours has counted, or a negative errno. */
long long lt_memfd_count(const char *name);
/* As lt_preserve(), by the kernel's own memfd handler even where ours comes first. */
int lt_preserve_by_kernel(int session, int fd, __u64 token);

/* All of a memfd that comes back, and what was written down of it before. */
struct lt_memfd_state {
	__u64 size;
	__u64 sum;		/* lt_file_sum() */
	__s64 pos;
	__u32 seals;
	__u32 mode;
	__u32 uid, gid;
	__u32 flags;		/* O_ACCMODE, O_APPEND, O_NONBLOCK, O_NOATIME */
};

void lt_memfd_look(int fd, struct lt_memfd_state *state);
/* 0, or what differs, as words in @why. */
int lt_memfd_differs(int fd, const struct lt_memfd_state *was, char *why, size_t len);
/* One result. */
bool lt_memfd_is(int fd, const struct lt_memfd_state *was, const char *name);

/*
 * Two kernels: one with the kernel's own memfd handler alone, one with ours in its place,
 * for its format.
 */
#define LT_MEMFD_THEIRS		"luosdk_memfd.enabled=0"
#define LT_MEMFD_REPLACED	"luosdk_memfd.enabled=1 luosdk_memfd.replace=1 " \
				"luosdk_memfd.format=memfd-v2"

/* The physical pages behind a mapping that is populated. */
struct lt_pages {
	unsigned long present;		/* of them all */
	unsigned long large;		/* in a folio of more than one */
	unsigned long folios;
	/*
	 * Naturally aligned groups, of the mapping, that are such groups of memory: pages in
	 * groups of four, and 2 MiB ones. What can come back large, whatever it is now.
	 */
	unsigned long fours;
	unsigned long blocks;
	__u64 sum;			/* of their numbers, in order */
};

void lt_pages(const void *mem, size_t size, struct lt_pages *pages);

/* Files and processes. */
int lt_write_file(const char *path, const char *text);
int lt_write_fd(int fd, const char *text);
int lt_read_file(const char *path, char *buf, size_t len);
/*
 * Modules: the file comes from /modules, parameters from the kernel's command line, as with
 * modprobe. A module in use is -EAGAIN to unload.
 */
int lt_module_load(const char *name);
int lt_module_unload(const char *name);
/* The value of "name value" or "name: value" in @path, or a negative errno. */
long long lt_stat(const char *path, const char *name);
/* Free memory, with what each processor keeps at hand. */
long lt_free_bytes(void);
/*
 * Run a program to its end, with what it says as diagnostic lines and in @out: its exit
 * status, or a negative errno. What it leaves behind may go on.
 */
int lt_run(const char *const argv[], char *out, size_t len);
/* Is @pid asleep in a system call? Waits up to @ms for it. */
bool lt_is_blocked(pid_t pid, int ms);
/* Waits up to @ms for @pid to end: its exit status, or -ETIMEDOUT. */
int lt_wait_exit(pid_t pid, int ms);
void lt_pin_cpu(int cpu);
int lt_nr_cpus(void);
void lt_sleep_ms(int ms);
void lt_sleep_us(int us);

#endif /* LUOTEST_H */
