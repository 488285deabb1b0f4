/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luokit: KUnit tests that live-update a file handler without a reboot.
 *
 * What a suite includes. A *world* is a kernel to be tested: LUO's own core and the
 * handlers under test, compiled from the tree under test in one unit. It is made of three
 * lines (see luokit_world.h) and used through &struct luokit, the machine it runs on::
 *
 *	#include <luokit.h>
 *
 *	static int eventfd_luo_kunit_init(struct kunit *test)
 *	{
 *		test->priv = luokit_boot(test, &eventfd_luo_world);
 *		return 0;
 *	}
 *
 *	static void eventfd_luo_carries_count(struct kunit *test)
 *	{
 *		struct luokit *k = test->priv;
 *		struct file *file = luokit_own(k, make_eventfd(7)), *s;
 *
 *		s = luokit_create(k, "vm");
 *		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
 *		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
 *		// @file and @s are gone, with everything else that was not preserved
 *		s = luokit_retrieve_session(k, "vm");
 *		file = luokit_retrieve(k, s, 1);
 *		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
 *		KUNIT_EXPECT_EQ(test, count_of(file), 7);
 *		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
 *	}
 *
 * What the kit itself checks, in every test, without being asked: each kho_*() call is
 * balanced and made in the right kernel; nothing preserved, restored or retrieved is left
 * when the test ends; preserved memory holds no pointer into the old kernel; what the old
 * kernel preserved it also lets go of when asked to. A rule broken fails the test with a
 * sentence that names who preserved what.
 *
 * All functions sleep and are called from the test's thread, if not said otherwise.
 * Files, sessions included, that the kit hands out belong to it: it puts them at the next
 * reboot and when the test ends. A &struct file returned may be an ERR_PTR().
 */
#ifndef LUOKIT_H
#define LUOKIT_H

#include <linux/types.h>
#include <kunit/test.h>

struct file;
struct luokit;
struct luokit_world;

/* ---- The machine ---------------------------------------------------------------- */

/*
 * Boot @world for @test, with the statics of core and handlers as the compiler left them.
 * Everything is undone and checked when the test ends. Ends the test where it fails.
 */
struct luokit *luokit_boot(struct kunit *test, const struct luokit_world *world);

/*
 * From now on LUO's core does not notice that a file is preserved twice, like that of Linux
 * before 7.1: the handler alone must. To be called before the first preserve.
 */
void luokit_without_core_xarray(struct luokit *k);

/* The check at the test's end, earlier: closes everything and reports what is left. */
void luokit_end(struct luokit *k);

/* What the world gave as .private in LUOKIT_WORLD(): a way to its static functions. */
const void *luokit_private(struct luokit *k);

/* ---- Files ---------------------------------------------------------------------- */

/* Hand a reference to the kit. Returns @file; an ERR_PTR() passes through. */
struct file *luokit_own(struct luokit *k, struct file *file);

/* Put a file the kit holds now. Its release() has run on return if it was the last. */
void luokit_put(struct luokit *k, struct file *file);

/*
 * A file of the character device that the world registered with misc_register() under
 * @name, opened with @flags (O_RDWR, ...). No device node is involved.
 */
struct file *luokit_open_misc(struct luokit *k, const char *name, int flags);

/* Files of other types, to offer to a handler that must refuse them. */
struct luokit_foreign {
	const char *name;	/* "pipe", "shmem", "eventfd", "luokit-stub", ... */
	struct file *file;
};

/* Fill up to @max entries with one file of each type this kernel has; their number. */
unsigned int luokit_foreign(struct luokit *k, struct luokit_foreign *files, unsigned int max);

/* ---- The life of a session: what /dev/liveupdate and its session files offer ---- */

struct file *luokit_create(struct luokit *k, const char *name);
struct file *luokit_retrieve_session(struct luokit *k, const char *name);
int luokit_preserve(struct luokit *k, struct file *session, u64 token, struct file *file);
struct file *luokit_retrieve(struct luokit *k, struct file *session, u64 token);
int luokit_finish(struct luokit *k, struct file *session);
/* The same, where it has to succeed: did the kernel warn of itself? The warning is no splat. */
bool luokit_finish_warns(struct luokit *k, struct file *session);

/*
 * Close a session: unpreserves in the old kernel, finishes in the new one. -EBUSY when a
 * can_finish() refused and the session is stranded (close(2) would hide that).
 */
int luokit_close(struct luokit *k, struct file *session);

/* The handle a handler gave LUO for a file (serialized_data), here as LUO has it now. */
int luokit_data(struct luokit *k, struct file *session, u64 token, u64 *data);

/*
 * The freeze: what the kexec reboot call does last. Returns what liveupdate_reboot()
 * returned; when it failed the core has undone it. After a success, only luokit_thaw() and
 * luokit_reboot() may follow: every session call would wait for ever.
 */
int luokit_freeze(struct luokit *k);

/* Undo a successful freeze, as the core does when a later session fails to freeze. */
void luokit_thaw(struct luokit *k);

/*
 * Freeze (unless frozen), leave the old kernel, boot the new one and open /dev/liveupdate.
 * Returns the error of the freeze (the old kernel runs on), or of that open (-EIO).
 */
int luokit_reboot(struct luokit *k);

/*
 * Have @fn called in the next reboot. @last: after the freeze, user space still running,
 * all files alive. @first: preserved memory is in place, nothing booted yet; the hour to
 * damage a state. Either may be NULL. Both are forgotten after that reboot.
 */
void luokit_between(struct luokit *k, void (*last)(struct luokit *k, void *ctx),
		    void (*first)(struct luokit *k, void *ctx), void *ctx);

/* The next reboot boots @world: another version of a handler, or a kernel without it. */
void luokit_next_world(struct luokit *k, const struct luokit_world *world);

/* Carry one file over: session, preserve, reboot, retrieve, finish, close. */
struct file *luokit_carry(struct luokit *k, struct file *file);

/* How many reboots since luokit_boot(). */
unsigned int luokit_reboots(struct luokit *k);

/* ---- The stub: a file type of the kit's own, whose handler does as it is told ---- */

/*
 * What its callbacks return, and how often each was called since luokit_boot(). A stub
 * file carries a number over and can fail anywhere: to make the freeze of an earlier or
 * later file fail, or to keep a session from finishing. @freeze of one stub file is set
 * with luokit_stub_freeze(); the rest is for all stub files at once.
 */
struct luokit_stub {
	int preserve, retrieve;		/* 0, or the error to return */
	bool cannot_finish;
	unsigned int preserved, unpreserved, frozen, unfrozen, retrieved, finished;
};

struct luokit_stub *luokit_stub(struct luokit *k);
struct file *luokit_stub_file(struct luokit *k, u64 number);
u64 luokit_stub_number(struct file *file);
void luokit_stub_freeze(struct file *file, int err);

/* ---- The ledger ------------------------------------------------------------------ */

/* Bytes of whole pages now preserved by handlers; the core's own are not counted. */
size_t luokit_preserved_bytes(struct luokit *k);
/* The same for the core: session and file blocks, and the rest of its state. */
size_t luokit_core_bytes(struct luokit *k);
/* Bytes that came from the old kernel and nobody has restored yet, of either. */
size_t luokit_incoming_bytes(struct luokit *k);
/* Log every page of the ledger with who preserved it. */
void luokit_dump(struct luokit *k);

/*
 * That much of the old kernel's memory will never be restored (damaged state is leaked,
 * not trusted): exactly @bytes may and must be left. luokit_expect_unretrieved(): sessions
 * nobody retrieves keep theirs, however much it is.
 */
void luokit_expect_leak(struct luokit *k, size_t bytes);
void luokit_expect_unretrieved(struct luokit *k);

/*
 * For tests of wrong handlers: the kit's next complaint must contain @text; it is counted
 * instead of failing the test. luokit_complained() tells how often that happened, and
 * ends the expectation.
 */
void luokit_expect_complaint(struct luokit *k, const char *text);
unsigned int luokit_complained(struct luokit *k);

/* ---- Injected failures ----------------------------------------------------------- */

/*
 * Fail the @nth (from 1) kho_*() call that can fail, or the @nth allocation of slab or
 * page memory made by this thread inside core and handlers. The functions above that
 * the kit needs memory for itself are not disturbed. luokit_fail_end() ends it and tells
 * whether a failure was injected. Allocations need CONFIG_FAILSLAB and
 * CONFIG_FAIL_PAGE_ALLOC: luokit_can_fail_alloc().
 */
void luokit_fail_kho_nth(struct luokit *k, unsigned int nth);
void luokit_fail_alloc_nth(struct luokit *k, unsigned int nth);
bool luokit_fail_end(struct luokit *k);
bool luokit_can_fail_alloc(void);

/*
 * Every failure point of an operation. Each round calls @prepare, @run with the n-th
 * kho_*() call failing, and @undo; n grows until no failure was reached; then the same
 * with allocations. An injected failure must surface in @run as an errno < 0, unless it
 * is @may_succeed, or an allocation with __GFP_NOWARN: whoever says that has another way.
 * After @undo the ledger must be as it was before @prepare. @prepare and @undo may be NULL.
 * Returns the number of failures injected.
 */
struct luokit_sweep {
	void (*prepare)(struct luokit *k, void *ctx);
	int (*run)(struct luokit *k, void *ctx);
	void (*undo)(struct luokit *k, void *ctx, int run_result);
	bool may_succeed;
	void *ctx;
};

unsigned int luokit_sweep(struct luokit *k, const struct luokit_sweep *sweep);

/* ---- Files that need each other ---------------------------------------------------- */

#define LUOKIT_MAX_ORDERED	5

/*
 * A set of files of which some need others. @make fills in @nr new files, linked with each
 * other; like luokit_own()'s they belong to the kit. They are preserved under the tokens 1
 * to @nr. @differ compares what arrived with what @make makes, links included: NULL, or what
 * differs, for a person to read. A file that was not retrieved is NULL there.
 *
 *	static const struct luokit_ordered vfio_stub_files = {
 *		.names = { "device", "container", "memfd", "eventfd" },
 *		.nr = 4,
 *		.make = vfio_stub_files_make,
 *		.differ = vfio_stub_files_differ,
 *	};
 *
 *	KUNIT_EXPECT_EQ(test, luokit_orders(k, &vfio_stub_files), 576 + 64);
 */
struct luokit_ordered {
	const char *names[LUOKIT_MAX_ORDERED];
	unsigned int nr;
	int (*make)(struct luokit *k, struct file **files);
	const char *(*differ)(struct luokit *k, struct file **files);
};

/*
 * Carry @files over, each time new ones, once for every order of preserving with every order
 * of retrieving; then with every subset of them retrieved, the session finished or just
 * closed. Says how long the orders took, and ends with the first that goes wrong, which fails
 * the test. Returns how often they were carried over: nr! * nr! for the orders, and for the
 * subsets 4 << nr (2 << nr if there is one file only).
 */
unsigned int luokit_orders(struct luokit *k, const struct luokit_ordered *files);

/* ---- Two threads ------------------------------------------------------------------ */

/*
 * Run @a and @b at the same moment on two CPUs, @rounds times or for ten seconds, whichever
 * ends first; each gets the number of the round. @between, if any, is called after each round
 * in the thread of @a, which is not the test's: expect there, but do not assert. A session
 * call that comes after a freeze returns -EDEADLK in a race, where it would wait for ever on a
 * machine. Skips the test where there is one CPU only. Returns how many rounds there were.
 */
unsigned int luokit_race(struct luokit *k, unsigned int rounds,
			 void (*a)(struct luokit *k, void *ctx, unsigned int round),
			 void (*b)(struct luokit *k, void *ctx, unsigned int round),
			 void (*between)(struct luokit *k, void *ctx, unsigned int round),
			 void *ctx);

/* Worlds that come with the kit; a suite declares its own likewise. */
extern const struct luokit_world memfd_core_world;

#endif /* LUOKIT_H */
