// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: the cases of the conformance suite.
 *
 * Each is a life, or many, of files that the subject makes, arranged so that a handler with a
 * defect of the case's class shows it. Much that is checked is not in here: the ledger, the
 * watch on every callback and the kernel's log complain on their own wherever something is
 * wrong. A complaint does not return when a case runs (conform.c), so there is no cleanup
 * in here for the case that something was.
 */
#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "luokit_internal.h"

static unsigned int luokit_damaged = 1000;
module_param_named(damaged, luokit_damaged, uint, 0644);
MODULE_PARM_DESC(damaged, "how many damaged states each handler is given (1000)");

static unsigned int luokit_seed = 1;
module_param_named(seed, luokit_seed, uint, 0644);
MODULE_PARM_DESC(seed, "of the damage; a report names it (1)");

/* A finding unless @cond holds. @class 0: of the case's own class. */
#define EXPECT(k, class, cond, fmt, ...)					\
	do {									\
		if (!(cond))							\
			luokit_complain_of(k, class, fmt, ##__VA_ARGS__);	\
	} while (0)

/* A user's call that has no reason to wait is done by then. */
#define PROMPT_MS	2000

/* ---- Files of the subject ------------------------------------------------------- */

static unsigned int nr_states(const struct luokit_subject *s)
{
	unsigned int n = 0;

	while (n < LUOKIT_MAX_STATES && s->states[n].name)
		n++;

	return n;
}

static unsigned int nr_changes(const struct luokit_subject *s)
{
	unsigned int n = 0;

	while (n < LUOKIT_MAX_CHANGES && s->changes[n].name)
		n++;

	return n;
}

/* Whether every failure point of a file in this state is worth its time. */
static bool sweepable(const struct luokit_subject *s, unsigned int state)
{
	return !s->states[state].refused && !s->states[state].large;
}

/* One handler among many that are wrong: find out, but do not try everything thrice. */
static bool in_a_hurry(struct luokit *k)
{
	return k->judge->verdict;
}

/* The states that cases go through whose subject is not the states. */
static unsigned int nr_swept(struct luokit *k, const struct luokit_subject *s)
{
	return in_a_hurry(k) ? min(nr_states(s), 3U) : nr_states(s);
}

static struct file *make_file(struct luokit *k, const struct luokit_subject *s, unsigned int state)
{
	struct file *file = s->make(k, s->states[state].arg);

	EXPECT(k, 0, !IS_ERR_OR_NULL(file), "the subject cannot make a file, state \"%s\": %pe",
	       s->states[state].name, file);
	luokit_own(k, file);
	k->judge->fops = file->f_op;

	return file;
}

static struct file *create_session(struct luokit *k, const char *name)
{
	struct file *session = luokit_create(k, name);

	EXPECT(k, 0, !IS_ERR(session), "no session: %pe", session);

	return session;
}

static struct file *incoming_session(struct luokit *k, const char *name)
{
	struct file *session = luokit_retrieve_session(k, name);

	EXPECT(k, 0, !IS_ERR(session), "the session did not arrive: %pe", session);

	return session;
}

static void preserve_file(struct luokit *k, struct file *session, u64 token, struct file *file)
{
	int err = luokit_preserve(k, session, token, file);

	EXPECT(k, 0, !err, "preserve returns %pe", ERR_PTR(err));
}

static void reboot(struct luokit *k)
{
	int err = luokit_reboot(k);

	EXPECT(k, 0, !err, "the live update fails: %pe", ERR_PTR(err));
}

static void finish_session(struct luokit *k, struct file *session)
{
	int err = luokit_finish(k, session);

	EXPECT(k, err == -EBUSY ? 19 : 0, !err, "finish returns %pe", ERR_PTR(err));
}

static void close_session(struct luokit *k, struct file *session)
{
	int err = luokit_close(k, session);

	EXPECT(k, 19, !err, "the session cannot end: can_finish() refuses for ever");
}

/* All that the old kernel handed over has an owner, or is free. */
static void expect_all_claimed(struct luokit *k)
{
	size_t left;

	luokit_ledger_check_restored(k, "after the session's end");
	left = luokit_ledger_unclaimed(k);
	EXPECT(k, 2, !left, "%zu bytes were handed over, and no callback restored them", left);
}

/* Compare @got with a new file: state @state, and change @change made @n times. */
static void expect_equal(struct luokit *k, const struct luokit_subject *s, unsigned int class,
			 struct file *got, unsigned int state, unsigned int change, u64 n,
			 const char *when)
{
	struct file *want = make_file(k, s, state);
	const char *difference;
	u64 i;
	int err;

	for (i = 1; i <= n; i++) {
		err = s->changes[change].apply(k, want, i);
		EXPECT(k, 0, !err, "the subject's change \"%s\" fails on an idle file: %pe",
		       s->changes[change].name, ERR_PTR(err));
	}
	difference = s->differ(k, want, got);
	EXPECT(k, class, !difference, "%s%s%s, state \"%s\": %s differs", when,
	       n ? ", with the change " : "", n ? s->changes[change].name : "",
	       s->states[state].name, difference);
	EXPECT(k, 18, want->f_op == got->f_op, "%s: the file has other operations (%ps)", when,
	       got->f_op);
	luokit_put(k, want);
}

/* What must be the same before and after something that is undone. */
struct before {
	struct file *file;
	long file_refs, object_refs;
	size_t bytes;
	int module_users;
};

static void remember(struct luokit *k, const struct luokit_subject *s, struct file *file,
		     struct before *b)
{
	b->file = file;
	b->file_refs = file_count(file);
	b->object_refs = s->refs ? s->refs(k, file) : 0;
	b->bytes = luokit_preserved_bytes(k);
	b->module_users = k->module_users;
}

static void expect_as_before(struct luokit *k, const struct luokit_subject *s,
			     const struct before *b, unsigned int state, const char *when)
{
	long refs = s->refs ? s->refs(k, b->file) : 0;

	if (luokit_preserved_bytes(k) != b->bytes)
		luokit_dump(k);
	EXPECT(k, 5, luokit_preserved_bytes(k) == b->bytes,
	       "%s: %zu bytes are preserved, before it were %zu", when,
	       luokit_preserved_bytes(k), b->bytes);
	EXPECT(k, 12, file_count(b->file) == b->file_refs,
	       "%s: the file has %ld references, before it had %ld", when,
	       file_count(b->file), b->file_refs);
	EXPECT(k, 12, refs == b->object_refs,
	       "%s: the object has %ld references, before it had %ld", when, refs,
	       b->object_refs);
	EXPECT(k, 17, k->module_users == b->module_users,
	       "%s: %d references to the module, before it were %d", when, k->module_users,
	       b->module_users);
	expect_equal(k, s, 12, b->file, state, 0, 0, when);
}

/* ---- A change by a thread of its own, which may have to wait -------------------- */

struct late {
	struct luokit *k;
	struct luokit_change change;	/* a copy: the thread may be there when the case is not */
	struct file *file;
	u64 n;
	int err;
	struct completion done;
	struct task_struct *task;
};

static int late_thread(void *data)
{
	struct late *l = data;

	l->err = l->change.apply(l->k, l->file, l->n);
	complete_all(&l->done);

	return 0;
}

static struct late *late_start(struct luokit *k, const struct luokit_subject *s,
			       struct file *file, unsigned int change, u64 n)
{
	struct late *l = kzalloc_obj(*l, GFP_KERNEL | __GFP_NOFAIL);

	l->k = k;
	l->change = s->changes[change];
	l->file = file;
	l->n = n;
	init_completion(&l->done);
	l->task = kthread_run(late_thread, l, "luokit-change");
	EXPECT(k, 0, !IS_ERR(l->task), "no thread: %pe", l->task);
	get_task_struct(l->task);

	return l;
}

/*
 * Until the thread is through or waits for something. It may be doing neither for a long
 * while where the host is busy, and what it does then is still to come.
 */
static bool settled(struct completion *done, struct task_struct *task)
{
	unsigned int ms, asleep = 0;

	for (ms = 0; ms < PROMPT_MS && asleep < 3; ms++) {
		if (wait_for_completion_timeout(done, 1))
			return true;
		asleep = task_is_running(task) ? 0 : asleep + 1;
	}

	return completion_done(done);
}

static bool late_done(struct late *l, unsigned int ms)
{
	return wait_for_completion_timeout(&l->done, msecs_to_jiffies(ms));
}

/* The thread's result. A thread that does not end is a finding, and its memory is left. */
static int late_join(struct late *l, unsigned int class, const char *when)
{
	struct luokit *k = l->k;
	int err;

	EXPECT(k, class, late_done(l, PROMPT_MS), "%s: the change \"%s\" waits for ever", when,
	       l->change.name);
	err = l->err;
	kthread_stop_put(l->task);
	kfree(l);

	return err;
}

static int change_now(struct luokit *k, const struct luokit_subject *s, struct file *file,
		      unsigned int change, u64 n, const char *when)
{
	int err = late_join(late_start(k, s, file, change, n), 23, when);

	luokit_note(k, "change \"%s\", number %llu: %d", s->changes[change].name, n, err);

	return err;
}

/* ---- Everything that can fail does, one after the other ------------------------- */

#define FAULT_KHO	BIT(0)
#define FAULT_VMALLOC	BIT(1)
#define FAULT_HOOK	BIT(2)
#define FAULT_ALLOC	BIT(3)
#define FAULT_ANY	GENMASK(3, 0)

struct round {
	const struct luokit_fault *fault;
	unsigned int nth;
	bool hit, quiet;
};

/* Start the rounds with @r zeroed. False when all are over. */
static bool next_round(struct luokit *k, struct round *r, unsigned int faults, const char *op)
{
	const struct luokit_fault *end = luokit_faults + luokit_nr_faults();

	if (!r->fault)
		r->fault = luokit_faults - 1;
	if (r->fault < luokit_faults || !r->hit) {
		do {
			r->fault++;
		} while (r->fault < end && !(faults & BIT(r->fault - luokit_faults)));
		r->nth = 0;
	}
	if (r->fault == end)
		return false;
	r->nth++;
	EXPECT(k, 0, r->nth < 100000, "%s never ends: a call that fails is repeated", op);
	luokit_notes_reset(k);
	luokit_note(k, "in this round %s %u of %s fails", r->fault->name, r->nth, op);

	return true;
}

static void arm(struct luokit *k, struct round *r)
{
	r->fault->arm(k, r->nth);
}

static void disarm(struct luokit *k, struct round *r)
{
	r->hit = luokit_fail_end(k);
	r->quiet = k->fail_quiet;
	k->fail_kho_hit = false;
	k->fail_quiet = false;
}

/* A failure is reported, by a negative errno, and nothing else is. */
static void expect_reported(struct luokit *k, struct round *r, const char *op, int err)
{
	EXPECT(k, 18, err <= 0, "%s returns %d, neither 0 nor a negative errno", op, err);
	EXPECT(k, 3, !r->hit || err || r->quiet, "%s %u fails, and %s returns 0",
	       r->fault->name, r->nth, op);
	EXPECT(k, 0, r->hit || !err, "%s returns %pe although nothing failed", op,
	       ERR_PTR(err));
}

static void sweep_preserve(struct luokit *k, const struct luokit_subject *s, unsigned int state,
			   unsigned int faults)
{
	struct round r = {};

	while (next_round(k, &r, faults, "preserve")) {
		struct file *file = make_file(k, s, state), *session = create_session(k, "s");
		struct before b;
		int err;

		remember(k, s, file, &b);
		arm(k, &r);
		err = luokit_preserve(k, session, 1, file);
		disarm(k, &r);
		expect_reported(k, &r, "preserve", err);
		if (err) {
			expect_as_before(k, s, &b, state, "after a preserve that failed");
			err = luokit_preserve(k, session, 1, file);
			EXPECT(k, 12, !err, "after a preserve that failed the next one fails, too: %pe",
			       ERR_PTR(err));
		}
		close_session(k, session);
		expect_as_before(k, s, &b, state, "after unpreserve");
		luokit_put(k, file);
	}
}

static void sweep_freeze(struct luokit *k, const struct luokit_subject *s, unsigned int state,
			 unsigned int faults)
{
	struct round r = {};

	while (next_round(k, &r, faults, "freeze")) {
		struct file *file = make_file(k, s, state), *session = create_session(k, "s");
		struct before b;
		bool changed = false;
		unsigned int i;
		int err;

		remember(k, s, file, &b);
		preserve_file(k, session, 1, file);
		arm(k, &r);
		err = luokit_freeze(k);
		disarm(k, &r);
		expect_reported(k, &r, "freeze", err);
		if (err) {
			/* The core does not unfreeze the file whose own freeze failed. */
			for (i = 0; i < nr_changes(s); i++)
				change_now(k, s, file, i, 1, "after a freeze that failed");
			changed = nr_changes(s);
			err = luokit_freeze(k);
		}
		EXPECT(k, 23, !err, "after a freeze that failed the next one fails, too: %pe",
		       ERR_PTR(err));
		luokit_thaw(k);
		close_session(k, session);
		if (!changed)
			expect_as_before(k, s, &b, state, "after unfreeze and unpreserve");
		luokit_put(k, file);
	}
}

static void sweep_retrieve(struct luokit *k, const struct luokit_subject *s, unsigned int state,
			   unsigned int faults, bool finished)
{
	struct round r = {};

	while (next_round(k, &r, faults, "retrieve")) {
		struct file *session = create_session(k, "s"), *file, *again;

		preserve_file(k, session, 1, make_file(k, s, state));
		reboot(k);
		session = incoming_session(k, "s");
		arm(k, &r);
		file = luokit_retrieve(k, session, 1);
		disarm(k, &r);
		expect_reported(k, &r, "retrieve", PTR_ERR_OR_ZERO(file));
		if (IS_ERR(file)) {
			again = luokit_retrieve(k, session, 1);
			EXPECT(k, 1, again == file,
			       "a retrieve that failed with %pe is repeated: %pe", file, again);
		} else {
			expect_equal(k, s, 0, file, state, 0, 0, "after the update");
		}
		if (finished)
			finish_session(k, session);
		close_session(k, session);
		EXPECT(k, 17, !k->module_users, "the session has ended, and the module has %d references",
		       k->module_users);
		if (!IS_ERR(file))
			luokit_put(k, file);
		expect_all_claimed(k);
	}
}

static void sweep_finish(struct luokit *k, const struct luokit_subject *s, unsigned int state,
			 unsigned int faults)
{
	struct round r = {};

	while (next_round(k, &r, faults, "finish")) {
		struct file *session = create_session(k, "s");
		int err;

		preserve_file(k, session, 1, make_file(k, s, state));
		reboot(k);
		session = incoming_session(k, "s");
		arm(k, &r);
		err = luokit_finish(k, session);
		disarm(k, &r);
		/* A file nobody retrieved is dropped, and a callback that cannot fail does it. */
		EXPECT(k, 19, !err, "finish returns %pe", ERR_PTR(err));
		close_session(k, session);
		/* Dropping what needs memory to be found may lose it, if that is said. */
		if (!r.hit || !k->warnings)
			expect_all_claimed(k);
		else
			luokit_ledger_excuse(k);
		k->warnings = 0;
	}
}

/* From one end to the other, and nothing fails. */
static void life(struct luokit *k, const struct luokit_subject *s, unsigned int state,
		 bool retrieved, bool finished)
{
	struct file *session = create_session(k, "s"), *file;

	luokit_notes_reset(k);
	luokit_note(k, "state \"%s\"", s->states[state].name);
	preserve_file(k, session, 1, make_file(k, s, state));
	reboot(k);
	session = incoming_session(k, "s");
	if (retrieved) {
		file = luokit_retrieve(k, session, 1);
		EXPECT(k, 0, !IS_ERR(file), "retrieve returns %pe", file);
		expect_equal(k, s, 0, file, state, 0, 0, "after the update");
	}
	if (finished)
		finish_session(k, session);
	close_session(k, session);
	EXPECT(k, 17, !k->module_users, "the session has ended, and the module has %d references",
	       k->module_users);
	if (retrieved) {
		EXPECT(k, 15, file_count(file) == 1,
		       "the session has ended, and the file has %ld references besides the user's",
		       file_count(file) - 1);
		luokit_put(k, file);
	}
	expect_all_claimed(k);
}

/* Preserve and take it back. */
static void not_carried(struct luokit *k, const struct luokit_subject *s, unsigned int state)
{
	struct file *file = make_file(k, s, state), *session = create_session(k, "s");
	struct before b;

	remember(k, s, file, &b);
	preserve_file(k, session, 1, file);
	close_session(k, session);
	expect_as_before(k, s, &b, state, "after unpreserve");
	luokit_put(k, file);
}

/* A file that preserve has to refuse, and that stays as it is. */
static void refuse_state(struct luokit *k, const struct luokit_subject *s, unsigned int state)
{
	struct file *file = make_file(k, s, state), *session;
	struct before b;
	int err;

	luokit_notes_reset(k);
	luokit_note(k, "state \"%s\", which must be refused", s->states[state].name);
	session = create_session(k, "s");
	remember(k, s, file, &b);
	err = luokit_preserve(k, session, 1, file);
	EXPECT(k, 7, err, "state \"%s\" is preserved", s->states[state].name);
	expect_as_before(k, s, &b, state, "after a preserve that was refused");
	close_session(k, session);
	luokit_put(k, file);
}

/* Each way to have preserve refused: nothing stays behind, and no lock. */
static void refusals(struct luokit *k, const struct luokit_subject *s)
{
	struct file *file, *session;
	struct before b;
	unsigned int i;
	int err;

	for (i = 0; i < nr_states(s); i++)
		if (s->states[i].refused)
			refuse_state(k, s, i);

	/* Once more, by a core that does not notice and one that does. */
	luokit_notes_reset(k);
	file = make_file(k, s, 0);
	session = create_session(k, "s");
	preserve_file(k, session, 1, file);
	remember(k, s, file, &b);
	k->no_core_xarray = !s->relies_on_core;
	for (i = 0; i < 2; i++) {
		err = luokit_preserve(k, session, 2, file);
		k->no_core_xarray = false;
		EXPECT(k, 21, err, "a file is preserved twice");
		expect_as_before(k, s, &b, 0, "after a second preserve, which was refused");
	}
	close_session(k, session);
	luokit_put(k, file);

	if (!s->spoil)
		return;
	luokit_notes_reset(k);
	file = make_file(k, s, 0);
	err = s->spoil(k, file);
	EXPECT(k, 0, !err, "the subject cannot spoil a file: %pe", ERR_PTR(err));
	session = create_session(k, "s");
	b.object_refs = s->refs ? s->refs(k, file) : 0;
	err = luokit_preserve(k, session, 1, file);
	EXPECT(k, 10, err, "a file that is unfit is preserved");
	EXPECT(k, 12, file_count(file) == 1, "preserve refused, and the file has %ld references",
	       file_count(file));
	EXPECT(k, 12, !s->refs || s->refs(k, file) == b.object_refs,
	       "preserve refused, and keeps references to the object");
	close_session(k, session);
	luokit_put(k, file);
}

/* private_data of ours under operations of nobody's. */
static const struct file_operations liar_fops;

/* The handler that takes the subject's files: there may be others beside it in this world. */
static struct luokit_watched *judged(struct luokit *k, struct file *own)
{
	struct luokit_watched *w;

	list_for_each_entry(w, &k->watched, list)
		if (w->fh->ops->can_preserve(w->fh, own))
			return w;
	EXPECT(k, 0, false, "no handler takes the subject's file");

	return NULL;
}

static void refuse(struct luokit *k, struct luokit_watched *judged, struct file *file,
		   const char *name)
{
	struct luokit_watched *w;
	struct file *session;
	bool taken = false;
	int err;

	luokit_notes_reset(k);
	luokit_note(k, "a file of another type: %s", name);
	list_for_each_entry(w, &k->watched, list) {
		bool takes = w->fh->ops->can_preserve(w->fh, file);

		EXPECT(k, 9, w != judged || !takes, "%ps() takes a file of another type (%s)",
		       w->real->can_preserve, name);
		taken |= takes;
	}
	session = create_session(k, "s");
	err = luokit_preserve(k, session, 1, file);
	EXPECT(k, 9, err < 0 || taken, "a file of another type (%s) is preserved", name);
	luokit_stub(k)->preserved = 0;
	close_session(k, session);
}

static void refuse_liar(struct luokit *k, const struct luokit_subject *s)
{
	struct file *own = make_file(k, s, 0), *liar;
	struct luokit_watched *its = judged(k, own);
	long refs = s->refs ? s->refs(k, own) : 0;

	liar = luokit_own(k, anon_inode_getfile("[liar]", &liar_fops, own->private_data,
						O_RDWR));
	EXPECT(k, 0, !IS_ERR(liar), "no file: %pe", liar);
	refuse(k, its, liar, "one with the same private_data");
	EXPECT(k, 15, !s->refs || s->refs(k, own) == refs,
	       "a file of another type was refused, and references to the object are kept");
	luokit_put(k, liar);
	luokit_put(k, own);
}

/* ---- The classes ---------------------------------------------------------------- */

static void case_c01_finish_after_failed_retrieve(struct luokit *k,
						  const struct luokit_subject *s)
{
	sweep_retrieve(k, s, 0, FAULT_ANY, true);
}

static void case_c02_failed_retrieve_leaks_nothing(struct luokit *k,
						   const struct luokit_subject *s)
{
	unsigned int i;

	for (i = 0; i < nr_swept(k, s); i++) {
		if (s->states[i].refused)
			continue;
		life(k, s, i, true, true);
		life(k, s, i, false, true);
		life(k, s, i, false, false);
		if (sweepable(s, i))
			sweep_retrieve(k, s, i, FAULT_ANY, false);
	}
	sweep_finish(k, s, 0, FAULT_ANY);
}

static void case_c03_errors_are_not_lost(struct luokit *k, const struct luokit_subject *s)
{
	sweep_preserve(k, s, 0, FAULT_ANY);
	sweep_freeze(k, s, 0, FAULT_ANY);
	sweep_retrieve(k, s, 0, FAULT_ANY, true);
}

static void case_c04_cleanup_uses_real_addresses(struct luokit *k,
						 const struct luokit_subject *s)
{
	unsigned int i;

	for (i = 0; i < nr_swept(k, s); i++) {
		if (s->states[i].refused)
			continue;
		not_carried(k, s, i);
		/* Nobody retrieves it: cleaned up in the new kernel. */
		life(k, s, i, false, true);
		if (sweepable(s, i))
			sweep_preserve(k, s, i, FAULT_KHO | FAULT_VMALLOC);
	}
	sweep_retrieve(k, s, 0, FAULT_KHO | FAULT_VMALLOC, true);
}

static void case_c05_half_done_is_undone(struct luokit *k, const struct luokit_subject *s)
{
	unsigned int i;

	for (i = 0; i < nr_swept(k, s); i++)
		if (sweepable(s, i))
			sweep_preserve(k, s, i, FAULT_ANY);
	sweep_retrieve(k, s, 0, FAULT_ANY, true);
}

static void case_c06_empty_object(struct luokit *k, const struct luokit_subject *s)
{
	unsigned int i, nr = 0;

	for (i = 0; i < nr_states(s); i++) {
		if (!s->states[i].empty)
			continue;
		nr++;
		not_carried(k, s, i);
		life(k, s, i, true, true);
		life(k, s, i, false, true);
		sweep_preserve(k, s, i, FAULT_ANY);
		sweep_retrieve(k, s, i, FAULT_ANY, true);
	}
	if (!nr)
		luokit_skip(k, "the subject names no empty state");
}

static void case_c07_every_size(struct luokit *k, const struct luokit_subject *s)
{
	unsigned int i;

	for (i = 0; i < nr_states(s); i++) {
		if (s->states[i].refused) {
			refuse_state(k, s, i);
			continue;
		}
		not_carried(k, s, i);
		life(k, s, i, true, true);
	}
}

/* Changes after preserve, after the freeze, or both. @arrives: how many were made. */
struct moment {
	const struct luokit_subject *s;
	unsigned int change;
	struct file *file;
	struct late *late;
	u64 arrives;
};

static void change_last(struct luokit *k, void *ctx)
{
	struct moment *m = ctx;
	const char *name = m->s->changes[m->change].name;

	m->late = late_start(k, m->s, m->file, m->change, m->arrives + 1);
	if (!settled(&m->late->done, m->late->task)) {
		luokit_note(k, "change \"%s\" after the freeze waits", name);
	} else {
		luokit_note(k, "change \"%s\" after the freeze: %d", name, m->late->err);
		m->arrives += !m->late->err;
	}
}

static void change_thawed(struct luokit *k, void *ctx)
{
	struct moment *m = ctx;

	late_join(m->late, 23, "after unfreeze");
}

static void change_late(struct luokit *k, const struct luokit_subject *s, unsigned int state,
			unsigned int change, bool early, bool last)
{
	struct moment m = { .s = s, .change = change };
	struct file *session = create_session(k, "s"), *file;

	luokit_notes_reset(k);
	m.file = make_file(k, s, state);
	preserve_file(k, session, 1, m.file);
	if (early) {
		m.arrives += !change_now(k, s, m.file, change, m.arrives + 1, "after preserve");
		m.arrives += !change_now(k, s, m.file, change, m.arrives + 1, "after preserve");
	}
	if (last) {
		luokit_between(k, change_last, NULL, &m);
		k->thawed = change_thawed;
	}
	reboot(k);
	session = incoming_session(k, "s");
	file = luokit_retrieve(k, session, 1);
	EXPECT(k, 0, !IS_ERR(file), "retrieve returns %pe", file);
	expect_equal(k, s, 8, file, state, change, m.arrives, "after the update");
	finish_session(k, session);
	close_session(k, session);
	luokit_put(k, file);
}

static void case_c08_late_changes_arrive(struct luokit *k, const struct luokit_subject *s)
{
	unsigned int i, state;

	if (!nr_changes(s)) {
		luokit_skip(k, "the subject names no change");
		return;
	}
	for (state = 0; state < nr_states(s) && state < (in_a_hurry(k) ? 1 : 3); state++) {
		if (s->states[state].refused)
			continue;
		for (i = 0; i < nr_changes(s); i++) {
			change_late(k, s, state, i, true, false);
			if (s->changes[i].until_freeze)
				continue;
			change_late(k, s, state, i, true, true);
			if (!in_a_hurry(k))
				change_late(k, s, state, i, false, true);
		}
	}
}

static void case_c09_foreign_files_are_refused(struct luokit *k,
					       const struct luokit_subject *s)
{
	struct luokit_watched *its = judged(k, make_file(k, s, 0));
	struct luokit_foreign files[16];
	unsigned int nr, i;

	refuse_liar(k, s);

	nr = luokit_foreign(k, files, ARRAY_SIZE(files));
	if (s->foreign)
		nr += s->foreign(k, files + nr, ARRAY_SIZE(files) - nr);
	for (i = 0; i < nr; i++)
		/* The kit's collection may hold one of the subject's own type. */
		if (files[i].file->f_op != k->judge->fops)
			refuse(k, its, files[i].file, files[i].name);
}

static void case_c10_preserve_checks_again(struct luokit *k, const struct luokit_subject *s)
{
	struct file *file, *session;
	size_t bytes;
	int err;

	if (!s->spoil) {
		luokit_skip(k, "the subject does not tell what makes its files unfit");
		return;
	}
	file = make_file(k, s, 0);
	session = create_session(k, "s");
	bytes = luokit_preserved_bytes(k);
	k->judge->spoil = true;
	err = luokit_preserve(k, session, 1, file);
	EXPECT(k, 0, !k->judge->spoil, "no handler takes the subject's own file");
	EXPECT(k, 0, err, "a file that had become unfit is preserved");
	EXPECT(k, 5, luokit_preserved_bytes(k) == bytes, "preserve refused, and %zu bytes stay preserved",
	       luokit_preserved_bytes(k) - bytes);
	EXPECT(k, 12, file_count(file) == 1, "preserve refused, and the file has %ld references",
	       file_count(file));
	close_session(k, session);

	/* And asked at once. */
	session = create_session(k, "s");
	err = luokit_preserve(k, session, 1, file);
	EXPECT(k, 0, err, "a file that is unfit is preserved");
	close_session(k, session);
}

static void case_c11_locks_and_context(struct luokit *k, const struct luokit_subject *s)
{
	life(k, s, 0, true, true);
	life(k, s, 0, false, true);
	refusals(k, s);
	sweep_preserve(k, s, 0, FAULT_ANY);
	sweep_freeze(k, s, 0, FAULT_ANY);
	sweep_retrieve(k, s, 0, FAULT_ANY, true);
}

static void case_c12_failed_preserve_leaves_no_trace(struct luokit *k,
						     const struct luokit_subject *s)
{
	struct file *file, *session;
	unsigned int i;
	int err;

	for (i = 0; i < nr_swept(k, s); i++) {
		if (s->states[i].refused)
			continue;
		not_carried(k, s, i);
		if (sweepable(s, i))
			sweep_preserve(k, s, i, FAULT_ANY);
	}
	/* Given up, it is as free as ever. */
	for (i = 0; i < nr_changes(s); i++) {
		luokit_notes_reset(k);
		file = make_file(k, s, 0);
		session = create_session(k, "s");
		preserve_file(k, session, 1, file);
		close_session(k, session);
		err = change_now(k, s, file, i, 1, "after unpreserve");
		EXPECT(k, 0, !err, "after unpreserve the change \"%s\" fails: %pe",
		       s->changes[i].name, ERR_PTR(err));
		expect_equal(k, s, 0, file, 0, i, 1, "after unpreserve");
		luokit_put(k, file);
	}
}

static void case_c13_cleanup_frees_once(struct luokit *k, const struct luokit_subject *s)
{
	sweep_preserve(k, s, 0, FAULT_ANY);
	sweep_freeze(k, s, 0, FAULT_ANY);
	sweep_retrieve(k, s, 0, FAULT_ANY, true);
	sweep_finish(k, s, 0, FAULT_ANY);
	/* Memory freed twice is handed out twice. */
	life(k, s, 0, true, true);
}

static void case_c14_error_pointers(struct luokit *k, const struct luokit_subject *s)
{
	unsigned int i;

	for (i = 0; i < nr_swept(k, s); i++) {
		if (!sweepable(s, i))
			continue;
		sweep_preserve(k, s, i, FAULT_KHO);
		sweep_retrieve(k, s, i, FAULT_KHO | FAULT_ALLOC, true);
	}
	sweep_freeze(k, s, 0, FAULT_KHO);
}

static void case_c15_queries_keep_no_reference(struct luokit *k,
					       const struct luokit_subject *s)
{
	unsigned int i;

	for (i = 0; i < nr_swept(k, s); i++) {
		if (s->states[i].refused)
			continue;
		not_carried(k, s, i);
		life(k, s, i, true, true);
		life(k, s, i, true, false);
	}
	refusals(k, s);
	refuse_liar(k, s);
}

static void case_c16_half_built_file(struct luokit *k, const struct luokit_subject *s)
{
	unsigned int i;

	for (i = 0; i < nr_swept(k, s); i++)
		if (sweepable(s, i))
			sweep_retrieve(k, s, i, FAULT_ALLOC | FAULT_VMALLOC | FAULT_HOOK, false);
}

static void case_c17_module_reference(struct luokit *k, const struct luokit_subject *s)
{
	struct file *file = make_file(k, s, 0), *session;
	struct luokit_watched *w;
	int err, users;

	list_for_each_entry(w, &k->watched, list) {
		if (w->fh == &luokit_stub_handler)
			continue;
		EXPECT(k, 0, (void *)w->real->owner == luokit_this_module,
		       "handler \"%s\": .owner is not its module, which can be unloaded under it",
		       w->fh->compatible);
	}
	/* One for the file, and one for each state that it shares with others. */
	users = 1 + list_count_nodes(&ACCESS_PRIVATE(judged(k, file)->fh, flb_list));
	session = create_session(k, "s");
	preserve_file(k, session, 1, file);
	EXPECT(k, 0, k->module_users == users,
	       "a file is preserved, and the module has %d references, not %d", k->module_users,
	       users);
	err = luokit_preserve(k, session, 2, file);
	EXPECT(k, 21, err, "a file is preserved twice");
	close_session(k, session);
	EXPECT(k, 0, !k->module_users, "nothing is preserved, and the module has %d references",
	       k->module_users);
	life(k, s, 0, true, true);
	life(k, s, 0, false, false);
	sweep_retrieve(k, s, 0, FAULT_ANY, true);
}

static void case_c18_return_values(struct luokit *k, const struct luokit_subject *s)
{
	struct file *session, *file, *fresh;
	unsigned int i;

	for (i = 0; i < nr_swept(k, s); i++) {
		if (s->states[i].refused)
			continue;
		session = create_session(k, "s");
		preserve_file(k, session, 1, make_file(k, s, i));
		reboot(k);
		session = incoming_session(k, "s");
		file = luokit_retrieve(k, session, 1);
		EXPECT(k, 0, !IS_ERR(file), "retrieve returns %pe", file);
		fresh = make_file(k, s, i);
		EXPECT(k, 0, file->f_op == fresh->f_op, "retrieve returns a file of another type (%ps)",
		       file->f_op);
		EXPECT(k, 0, !((file->f_mode ^ fresh->f_mode) & (FMODE_READ | FMODE_WRITE)),
		       "retrieve returns a file of another access mode");
		/* One reference is LUO's, one the user's. */
		EXPECT(k, 0, file_count(file) == 2, "the retrieved file has %ld references, not 2",
		       file_count(file));
		finish_session(k, session);
		close_session(k, session);
		luokit_put(k, fresh);
		luokit_put(k, file);
	}
	sweep_preserve(k, s, 0, FAULT_ANY);
	sweep_freeze(k, s, 0, FAULT_ANY);
	sweep_retrieve(k, s, 0, FAULT_ANY, true);
}

static void case_c19_failure_strands_no_session(struct luokit *k,
						const struct luokit_subject *s)
{
	/* Closed, not finished: nobody is there to ask again. */
	sweep_retrieve(k, s, 0, FAULT_ANY, false);
	life(k, s, 0, false, false);
}

/* ---- Damage --------------------------------------------------------------------- */

#define DAMAGE_FILES	32

struct damage {
	const struct luokit_subject *s;
	struct rnd_state rnd;
	u64 handle[DAMAGE_FILES];
	bool loose[DAMAGE_FILES];	/* touched what may hold anything */
	unsigned int nr, updates;
};

static u32 below(struct damage *d, u32 n)
{
	return n ? prandom_u32_state(&d->rnd) % n : 0;
}

static void damage_bytes(struct damage *d, u8 *at, size_t len)
{
	static const u64 words[] = {
		0, 1, 2, ~0ULL, S32_MAX, U32_MAX, S64_MAX, PAGE_SIZE, 1ULL << 52,
	};
	size_t pos, n;
	u64 word;

	switch (below(d, 7)) {
	case 0:			/* one bit */
		at[below(d, len)] ^= 1 << below(d, 8);
		break;
	case 1:			/* some bits */
		for (n = 2 + below(d, 7); n; n--)
			at[below(d, len)] ^= 1 << below(d, 8);
		break;
	case 2:			/* one byte */
		at[below(d, len)] = below(d, 256);
		break;
	case 3:			/* cut off */
		pos = below(d, len);
		memset(at + pos, 0, len - pos);
		break;
	case 4:			/* grown in the middle */
		pos = below(d, len);
		n = min_t(size_t, 1 + below(d, 16), len - pos);
		memmove(at + pos + n, at + pos, len - pos - n);
		prandom_bytes_state(&d->rnd, at + pos, n);
		break;
	case 5:			/* a number that means something to somebody */
		if (len < sizeof(word))
			break;
		word = words[below(d, ARRAY_SIZE(words))];
		n = below(d, 2) ? sizeof(u32) : sizeof(u64);
		pos = below(d, (len - n) / n + 1) * n;
		memcpy(at + pos, &word, n);
		break;
	default:		/* noise */
		prandom_bytes_state(&d->rnd, at, len);
		break;
	}
}

/* How much of @len bytes at @at is in use, as far as one can see, and a bit more. */
static size_t in_use(const u8 *at, size_t len)
{
	size_t used = len;

	while (used && !at[used - 1])
		used--;

	return min_t(size_t, round_up(used + 16, 8), len);
}

/* Damage what is in use of @start to @end; the state of file @file, if it is one's. */
static void damage_range(struct damage *d, u64 start, u64 end, int file)
{
	const struct luokit_loose *l;
	u8 *mem = phys_to_virt(start), *copy;
	size_t len = in_use(mem, end - start), i;

	if (!len)
		return;
	copy = kmemdup(mem, len, GFP_KERNEL | __GFP_NOFAIL);
	damage_bytes(d, mem, len);
	d->nr += !!memcmp(mem, copy, len);
	for (l = d->s->loose; file >= 0 && l < d->s->loose + LUOKIT_MAX_LOOSE; l++)
		for (i = l->offset; i < l->offset + l->bytes && i < len; i++)
			if (mem[i] != copy[i])
				d->loose[file] = true;
	kfree(copy);
}

static bool has_handle(struct damage *d, struct luokit_run *run)
{
	unsigned int i;

	for (i = 0; i < DAMAGE_FILES; i++)
		if (d->handle[i] >= PFN_PHYS(run->pfn) &&
		    d->handle[i] < PFN_PHYS(run->pfn) + luokit_run_bytes(run))
			return true;

	return false;
}

/* The new kernel is about to boot: damage memory that holds state. */
static void damage(struct luokit *k, void *ctx)
{
	struct damage *d = ctx;
	struct luokit_run *run, *found = NULL;
	unsigned int nr = 0, i, j;
	u64 start, end;

	for (i = 0; i < DAMAGE_FILES; i++)
		d->loose[i] = false;

	/* Memory that no handle leads to: what a state names in turn. */
	if (!(d->updates++ % 2)) {
		unsigned int before = d->nr;

		list_for_each_entry(run, &k->runs, list)
			if (run->state == LUOKIT_INCOMING && run->state_memory &&
			    !has_handle(d, run))
				damage_range(d, PFN_PHYS(run->pfn),
					     PFN_PHYS(run->pfn) + luokit_run_bytes(run), -1);
		if (d->nr != before)
			return;
	}

	/* Or each file's own: from its handle to the next one, or the end of the pages. */
	if (below(d, 8)) {
		for (i = 0; i < DAMAGE_FILES; i++) {
			run = xa_load(&k->pages, PHYS_PFN(d->handle[i]));
			if (!run || !run->state_memory)
				continue;
			start = d->handle[i];
			end = PFN_PHYS(run->pfn) + luokit_run_bytes(run);
			for (j = 0; j < DAMAGE_FILES; j++)
				if (d->handle[j] > start && d->handle[j] < end)
					end = d->handle[j];
			damage_range(d, start, end, i);
		}
		return;
	}

	/* Or what several share: the beginning of pages with handles in them. */
	list_for_each_entry(run, &k->runs, list)
		if (run->state == LUOKIT_INCOMING && run->state_memory && !below(d, ++nr))
			found = run;
	if (!found)
		return;
	start = PFN_PHYS(found->pfn);
	end = start + luokit_run_bytes(found);
	for (i = 0; i < DAMAGE_FILES; i++)
		if (d->handle[i] >= start && d->handle[i] < end)
			end = d->handle[i];
	damage_range(d, start, end, -1);
}

static void case_c20_damaged_state(struct luokit *k, const struct luokit_subject *s)
{
	unsigned int i, round, state, usable = 0, wanted = luokit_damaged;
	struct damage d = { .s = s };

	if (in_a_hurry(k))
		wanted = min(wanted, 200U);
	prandom_seed_state(&d.rnd, luokit_seed);
	for (i = 0; i < nr_states(s); i++)
		usable += !s->states[i].refused;

	for (round = 0; d.nr < wanted && round < 2 * wanted + 100; round++) {
		struct file *session = create_session(k, "s"), *file;
		unsigned int made[DAMAGE_FILES];
		size_t left;

		luokit_notes_reset(k);
		luokit_note(k, "damage %u of seed %u", d.nr, luokit_seed);
		for (i = 0; i < DAMAGE_FILES; i++) {
			/* A large one takes as long as many others: not often. */
			state = below(&d, nr_states(s));
			while (s->states[state].refused ||
			       (s->states[state].large && below(&d, 10)))
				state = (state + 1) % nr_states(s);
			made[i] = state;
			preserve_file(k, session, i, make_file(k, s, state));
			luokit_data(k, session, i, &d.handle[i]);
		}
		luokit_between(k, NULL, damage, &d);
		k->hush = true;
		reboot(k);
		k->warnings = 0;
		session = incoming_session(k, "s");
		for (i = 0; i < DAMAGE_FILES; i++) {
			/* Some are never retrieved: finish has to do with the damage. */
			if (!below(&d, 8))
				continue;
			file = luokit_retrieve(k, session, i);
			if (IS_ERR(file))
				continue;
			if (!d.loose[i])
				expect_equal(k, s, 20, file, made[i], 0, 0,
					     "a damaged state was accepted");
			luokit_put(k, file);
		}
		finish_session(k, session);
		close_session(k, session);
		luokit_ledger_check_restored(k, "with a damaged state");
		left = luokit_ledger_unclaimed(k);
		if (left && s->leaked)
			EXPECT(k, 20, s->leaked(k) >= left,
			       "%zu bytes are lost to a damaged state, and %zu reported", left,
			       s->leaked(k));
		else if (left)
			EXPECT(k, 20, k->warnings,
			       "%zu bytes are lost to a damaged state, and nothing says so", left);
		luokit_ledger_excuse(k);
		k->hush = false;
	}
	EXPECT(k, 0, d.nr || !round, "no memory holds the state: nothing to damage");
	kunit_info(k->test, "%u damaged states in %u updates\n", d.nr, round);
}

/* ---- The rest of the classes ---------------------------------------------------- */

static void expect_busy(struct luokit *k, struct file *session, u64 token, struct file *file,
			const char *what)
{
	int err = luokit_preserve(k, session, token, file);

	EXPECT(k, 0, err, "%s is preserved a second time", what);
	EXPECT(k, 0, !err || err == -EBUSY, "%s: the second preserve returns %pe, not -EBUSY",
	       what, ERR_PTR(err));
}

static void preserved_once(struct luokit *k, const struct luokit_subject *s)
{
	struct file *one, *two, *twin = NULL, *a, *b;

	one = make_file(k, s, 0);
	two = make_file(k, s, 0);
	a = create_session(k, "a");
	b = create_session(k, "b");
	/* Two objects are two, however much of them is the same. */
	preserve_file(k, a, 1, one);
	preserve_file(k, a, 2, two);
	expect_busy(k, a, 3, one, "a file");
	expect_busy(k, b, 1, one, "a file, in another session");
	if (s->twin) {
		twin = luokit_own(k, s->twin(k, one));
		EXPECT(k, 0, !IS_ERR(twin), "the subject cannot make a twin: %pe", twin);
		expect_busy(k, a, 4, twin, "an object, through a second file");
		expect_busy(k, b, 2, twin, "an object, through a second file in another session");
	}
	close_session(k, a);
	preserve_file(k, b, 3, twin ?: one);
	expect_busy(k, b, 4, one, "a file");
	close_session(k, b);

	/* In the new kernel it is LUO's until finish. */
	a = create_session(k, "a");
	preserve_file(k, a, 1, one);
	reboot(k);
	a = incoming_session(k, "a");
	one = luokit_retrieve(k, a, 1);
	EXPECT(k, 0, !IS_ERR(one), "retrieve returns %pe", one);
	b = create_session(k, "b");
	expect_busy(k, b, 1, one, "a file that was retrieved and not finished");
	if (s->twin) {
		twin = luokit_own(k, s->twin(k, one));
		EXPECT(k, 0, !IS_ERR(twin), "the subject cannot make a twin: %pe", twin);
		expect_busy(k, b, 2, twin, "an object that was retrieved and not finished");
	}
	finish_session(k, a);
	preserve_file(k, b, 3, twin ?: one);
	close_session(k, b);
	close_session(k, a);
	luokit_close_all(k);
}

static void case_c21_preserved_once(struct luokit *k, const struct luokit_subject *s)
{
	preserved_once(k, s);
	if (s->relies_on_core)
		return;
	/* Linux before 7.1 leaves it to the handler alone. */
	luokit_note(k, "the same on a core without an xarray of preserved files");
	luokit_without_core_xarray(k);
	preserved_once(k, s);
}

static void case_c22_not_visible_early(struct luokit *k, const struct luokit_subject *s)
{
	life(k, s, 0, true, true);
	sweep_retrieve(k, s, 0, FAULT_ANY, true);
}

/* An update that another file aborts, before or after ours was frozen. */
static void abort_update(struct luokit *k, const struct luokit_subject *s, unsigned int change,
			 bool stub_first)
{
	struct file *file = make_file(k, s, 0), *stub = luokit_stub_file(k, 1);
	struct file *session = create_session(k, "s");
	struct before b;
	u64 arrives = 0;
	int err, before = -ENOENT;

	luokit_notes_reset(k);
	remember(k, s, file, &b);
	if (stub_first)
		preserve_file(k, session, 2, stub);
	preserve_file(k, session, 1, file);
	if (!stub_first)
		preserve_file(k, session, 2, stub);
	if (nr_changes(s)) {
		before = change_now(k, s, file, change, 1, "after preserve");
		arrives = !before;
	}

	luokit_stub_freeze(stub, -EIO);
	err = luokit_freeze(k);
	EXPECT(k, 0, err, "another file's freeze failed, and the update goes on");
	expect_equal(k, s, 23, file, 0, change, arrives, "after an aborted update");
	if (!before) {
		err = change_now(k, s, file, change, ++arrives, "after an aborted update");
		EXPECT(k, 23, !err, "after an aborted update the change \"%s\" fails: %pe",
		       s->changes[change].name, ERR_PTR(err));
		expect_equal(k, s, 23, file, 0, change, arrives, "changed after an aborted update");
	}

	/* The next attempt works, and carries what was done in between. */
	luokit_stub_freeze(stub, 0);
	reboot(k);
	session = incoming_session(k, "s");
	file = luokit_retrieve(k, session, 1);
	EXPECT(k, 0, !IS_ERR(file), "retrieve after a second freeze returns %pe", file);
	expect_equal(k, s, 23, file, 0, change, arrives, "aborted once and updated then");
	luokit_retrieve(k, session, 2);
	finish_session(k, session);
	close_session(k, session);
	luokit_close_all(k);
}

static void case_c23_freeze_is_undone(struct luokit *k, const struct luokit_subject *s)
{
	struct file *file, *session;
	struct before b;
	unsigned int i;
	int err;

	for (i = 0; !i || i < nr_changes(s); i += in_a_hurry(k) ? 2 : 1) {
		abort_update(k, s, i, false);
		abort_update(k, s, i, true);
	}
	sweep_freeze(k, s, 0, FAULT_ANY);

	/* Frozen, aborted, given up: free. */
	for (i = 0; i < nr_changes(s); i++) {
		luokit_notes_reset(k);
		file = make_file(k, s, 0);
		session = create_session(k, "s");
		remember(k, s, file, &b);
		preserve_file(k, session, 1, file);
		err = luokit_freeze(k);
		EXPECT(k, 0, !err, "freeze returns %pe", ERR_PTR(err));
		luokit_thaw(k);
		close_session(k, session);
		expect_as_before(k, s, &b, 0, "after an aborted update");
		err = change_now(k, s, file, i, 1, "after an aborted update and unpreserve");
		EXPECT(k, 0, !err, "after an aborted update and unpreserve the change \"%s\" fails: %pe",
		       s->changes[i].name, ERR_PTR(err));
		luokit_put(k, file);
	}
}

/* ---- Orders --------------------------------------------------------------------- */

enum { OLD_PRESERVE_A, OLD_PRESERVE_B, OLD_CLOSE, OLD_FREEZE_FAILS, OLD_FREEZE_UNDONE, NR_OLD };

static const char * const old_names[NR_OLD] = {
	"preserve A", "preserve B", "close, open another", "freeze, and another file's fails",
	"freeze, undone",
};

struct order {
	struct file *file[2], *session, *stub;
	bool preserved[2];
};

static void order_close(struct luokit *k, struct order *o)
{
	close_session(k, o->session);
	o->preserved[0] = false;
	o->preserved[1] = false;
	o->session = create_session(k, "s");
	preserve_file(k, o->session, 9, o->stub);
}

static void order_step(struct luokit *k, struct order *o, int op)
{
	int err;

	switch (op) {
	case OLD_PRESERVE_A:
	case OLD_PRESERVE_B:
		err = luokit_preserve(k, o->session, op, o->file[op]);
		EXPECT(k, 0, !!err == o->preserved[op], "\"%s\" returns %pe", old_names[op],
		       ERR_PTR(err));
		o->preserved[op] = true;
		break;
	case OLD_CLOSE:
		order_close(k, o);
		break;
	case OLD_FREEZE_FAILS:
		luokit_stub_freeze(o->stub, -EIO);
		err = luokit_freeze(k);
		EXPECT(k, 0, err == -EIO, "\"%s\" returns %pe", old_names[op], ERR_PTR(err));
		luokit_stub_freeze(o->stub, 0);
		break;
	case OLD_FREEZE_UNDONE:
		err = luokit_freeze(k);
		EXPECT(k, 0, !err, "\"%s\" returns %pe", old_names[op], ERR_PTR(err));
		luokit_thaw(k);
		break;
	}
}

/* Bits of @way: retrieve A, B, the second first, each twice, and finish before close. */
static void order_new(struct luokit *k, const struct luokit_subject *s, struct order *o,
		      unsigned int way)
{
	struct file *session = incoming_session(k, "s"), *got;
	unsigned int i, f;

	for (i = 0; i < 2; i++) {
		f = i ^ !!(way & 4);
		if (!(way & BIT(f)))
			continue;
		got = luokit_retrieve(k, session, f);
		EXPECT(k, 0, !IS_ERR(got) == o->preserved[f], "retrieve %c returns %pe", 'A' + f,
		       got);
		if (IS_ERR(got))
			continue;
		expect_equal(k, s, 0, got, 0, 0, 0, "after the update");
		if (way & 8)
			EXPECT(k, 0, luokit_retrieve(k, session, f) == got,
			       "retrieve %c, the second time, returns another file", 'A' + f);
	}
	if (way & 16)
		finish_session(k, session);
	close_session(k, session);
	luokit_close_all(k);
	expect_all_claimed(k);
}

static void case_every_order(struct luokit *k, const struct luokit_subject *s)
{
	unsigned int old, way = 0, steps, depth;
	struct order o;

	for (old = 0; old < NR_OLD * NR_OLD * NR_OLD; old += in_a_hurry(k) ? 4 : 1) {
		luokit_notes_reset(k);
		o = (struct order){
			.file = { make_file(k, s, 0), make_file(k, s, 0) },
			.session = create_session(k, "s"),
			.stub = luokit_stub_file(k, 1),
		};
		preserve_file(k, o.session, 9, o.stub);
		for (steps = old, depth = 0; depth < 3; depth++, steps /= NR_OLD)
			order_step(k, &o, steps % NR_OLD);
		reboot(k);
		/* All 32 ways come up with every beginning that matters. */
		order_new(k, s, &o, way);
		way = (way + 11) % 32;
	}
}

static void case_several_files_and_sessions(struct luokit *k, const struct luokit_subject *s)
{
	static const char * const names[] = { "one", "two", "three" };
	struct file *session[3], *file;
	unsigned int i, j, nr = 0, state;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		session[i] = create_session(k, names[i]);
	for (j = 0; j < 3 * nr_states(s); j++) {
		state = j % nr_states(s);
		if (s->states[state].refused)
			continue;
		preserve_file(k, session[nr++ % 3], j, make_file(k, s, state));
	}
	/* A session that ends takes nothing along that is another's. */
	close_session(k, session[1]);
	session[1] = create_session(k, names[1]);
	preserve_file(k, session[1], 1000, make_file(k, s, 0));

	reboot(k);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		session[i] = incoming_session(k, names[i]);
	nr = 0;
	for (j = 0; j < 3 * nr_states(s); j++) {
		state = j % nr_states(s);
		if (s->states[state].refused || nr++ % 3 == 1)
			continue;
		/* Every third is never asked for. */
		if (j % 3 == 2)
			continue;
		file = luokit_retrieve(k, session[(nr - 1) % 3], j);
		EXPECT(k, 0, !IS_ERR(file), "retrieve returns %pe", file);
		expect_equal(k, s, 0, file, state, 0, 0, "one of many, after the update");
	}
	for (i = ARRAY_SIZE(names); i--;) {
		if (i)
			finish_session(k, session[i]);
		close_session(k, session[i]);
	}
	luokit_close_all(k);
	expect_all_claimed(k);
}

static void case_two_updates(struct luokit *k, const struct luokit_subject *s)
{
	struct file *session, *file;
	unsigned int i, update;

	for (i = 0; i < nr_states(s); i++) {
		if (s->states[i].refused)
			continue;
		luokit_notes_reset(k);
		file = make_file(k, s, i);
		for (update = 0; update < 3; update++) {
			session = create_session(k, "s");
			preserve_file(k, session, 1, file);
			reboot(k);
			session = incoming_session(k, "s");
			file = luokit_retrieve(k, session, 1);
			EXPECT(k, 0, !IS_ERR(file), "retrieve %u returns %pe", update + 1, file);
			expect_equal(k, s, 0, file, i, 0, 0, "after several updates");
			finish_session(k, session);
			close_session(k, session);
		}
		luokit_put(k, file);
		expect_all_claimed(k);
	}
}

/* ---- Races ---------------------------------------------------------------------- */

struct preserves {
	struct file *file[2], *session[2];
	int err[2];
	unsigned int wrong;
	int wrong_err[2];
};

static void preserve_a(struct luokit *k, void *ctx, unsigned int round)
{
	struct preserves *p = ctx;

	p->err[0] = luokit_preserve(k, p->session[0], round, p->file[0]);
}

static void preserve_b(struct luokit *k, void *ctx, unsigned int round)
{
	struct preserves *p = ctx;

	p->err[1] = luokit_preserve(k, p->session[1], round, p->file[1]);
}

static void preserve_judge(struct luokit *k, void *ctx, unsigned int round)
{
	struct preserves *p = ctx;
	int i;

	if (!p->err[0] == !p->err[1] && !p->wrong++) {
		p->wrong_err[0] = p->err[0];
		p->wrong_err[1] = p->err[1];
	}
	for (i = 0; i < 2; i++) {
		if (p->err[i])
			continue;
		luokit_close(k, p->session[i]);
		p->session[i] = luokit_create(k, i ? "b" : "a");
	}
	luokit_notes_reset(k);
}

static void case_race_of_two_preserves(struct luokit *k, const struct luokit_subject *s)
{
	struct preserves p = {};

	if (num_online_cpus() < 2) {
		luokit_skip(k, "needs two CPUs (UML: ncpus=2 seccomp=on)");
		return;
	}
	if (!s->relies_on_core)
		luokit_without_core_xarray(k);
	p.file[0] = make_file(k, s, 0);
	p.file[1] = p.file[0];
	if (s->twin)
		p.file[1] = luokit_own(k, s->twin(k, p.file[0]));
	p.session[0] = create_session(k, "a");
	p.session[1] = create_session(k, "b");
	luokit_race(k, in_a_hurry(k) || IS_ENABLED(CONFIG_KASAN) ? 100 : 1000,
		    preserve_a, preserve_b, preserve_judge, &p);
	if (k->judge->findings)
		luokit_escape(k->judge);
	EXPECT(k, 21, !p.wrong, "of two preserves at once one returned %d, the other %d (%u times)",
	       p.wrong_err[0], p.wrong_err[1], p.wrong);
}

/* One thread goes on changing the file until it is told to stop, or this often. */
#define STREAM_MAX	100000

struct stream {
	struct luokit *k;
	struct luokit_change change;
	struct file *file;
	u64 done, arrives;	/* how often: now, and in the last moment of the kernel */
	bool stop;
	struct completion over;
	struct task_struct *task;
};

static int stream_thread(void *data)
{
	struct stream *t = data;
	u64 n;

	/* A case that was left in the middle tells nobody to stop. */
	for (n = 0; n < STREAM_MAX && !READ_ONCE(t->stop) && !READ_ONCE(t->k->abandoned);) {
		if (!t->change.apply(t->k, t->file, n + 1))
			/* Counted when it is done: read in stream_last(). */
			smp_store_release(&t->done, ++n);
		cond_resched();
	}
	complete_all(&t->over);

	return 0;
}

static void stream_start(struct luokit *k, struct stream *t)
{
	init_completion(&t->over);
	t->task = kthread_run(stream_thread, t, "luokit-stream");
	EXPECT(k, 0, !IS_ERR(t->task), "no thread: %pe", t->task);
	get_task_struct(t->task);
	/* It is on its way when the file is preserved. */
	while (!READ_ONCE(t->done))
		schedule_timeout_uninterruptible(1);
}

/* The last moment of the old kernel: nothing more may arrive than is done now. */
static void stream_last(struct luokit *k, void *ctx)
{
	struct stream *t = ctx;

	WRITE_ONCE(t->stop, true);
	settled(&t->over, t->task);
	/* What was counted is in the file: written in stream_thread(). */
	t->arrives = smp_load_acquire(&t->done);
}

static void stream_join(struct luokit *k, void *ctx)
{
	struct stream *t = ctx;

	WRITE_ONCE(t->stop, true);
	EXPECT(k, 23, wait_for_completion_timeout(&t->over, msecs_to_jiffies(PROMPT_MS)),
	       "the change \"%s\" waits for ever after unfreeze", t->change.name);
	kthread_stop_put(t->task);
}

static void race_changes(struct luokit *k, const struct luokit_subject *s, unsigned int change,
			 unsigned int unpreserved)
{
	struct stream *t = kzalloc_obj(*t, GFP_KERNEL | __GFP_NOFAIL);
	struct file *session, *file;
	int err;

	t->k = k;
	t->change = s->changes[change];
	t->file = make_file(k, s, 0);
	luokit_notes_reset(k);
	luokit_note(k, "a second thread does \"%s\" all the time", s->changes[change].name);
	stream_start(k, t);
	for (; unpreserved; unpreserved--) {
		session = create_session(k, "s");
		preserve_file(k, session, 1, t->file);
		err = luokit_freeze(k);
		EXPECT(k, 0, !err, "freeze beside changes returns %pe", ERR_PTR(err));
		luokit_thaw(k);
		close_session(k, session);
	}
	session = create_session(k, "s");
	preserve_file(k, session, 1, t->file);
	luokit_between(k, stream_last, NULL, t);
	k->thawed = stream_join;
	reboot(k);
	session = incoming_session(k, "s");
	file = luokit_retrieve(k, session, 1);
	EXPECT(k, 0, !IS_ERR(file), "retrieve returns %pe", file);
	expect_equal(k, s, 8, file, 0, change, t->arrives, "changed all the time");
	finish_session(k, session);
	close_session(k, session);
	luokit_put(k, file);
	kfree(t);
}

static void case_race_of_changes(struct luokit *k, const struct luokit_subject *s)
{
	unsigned int i, round;

	if (num_online_cpus() < 2) {
		luokit_skip(k, "needs two CPUs (UML: ncpus=2 seccomp=on)");
		return;
	}
	if (!nr_changes(s)) {
		luokit_skip(k, "the subject names no change");
		return;
	}
	for (i = 0; i < nr_changes(s); i++) {
		if (s->changes[i].until_freeze)
			continue;
		for (round = 0; round < (in_a_hurry(k) ? 1 : 8); round++)
			race_changes(k, s, i, round);
	}
}

#define LUOKIT_CASE_FN(_name)	\
	[LUOKIT_CASE_##_name] = case_##_name,
void (* const luokit_case_fns[LUOKIT_NR_CASES])(struct luokit *k,
						const struct luokit_subject *s) = {
	LUOKIT_CASES(LUOKIT_CASE_FN)
};
