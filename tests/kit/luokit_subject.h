/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luokit: put a file handler, whoever wrote it, through every rule.
 *
 * A suite describes its *subject*, that is how a file of the handler's type is made, changed
 * and compared, and gets the whole conformance suite for one line more::
 *
 *	#include <luokit_subject.h>
 *
 *	static struct file *eventfd_subject_make(struct luokit *k, u64 arg)
 *	{
 *		return eventfd_create_file(arg, 0);
 *	}
 *
 *	static const char *eventfd_subject_differ(struct luokit *k, struct file *want,
 *						  struct file *got)
 *	{
 *		return count_of(want) != count_of(got) ? "count" : NULL;
 *	}
 *
 *	static const struct luokit_subject eventfd_subject = {
 *		.world = &eventfd_luo_world,
 *		.states = { { "zero", 0, .empty = true }, { "one", 1 } },
 *		.make = eventfd_subject_make,
 *		.differ = eventfd_subject_differ,
 *	};
 *	LUOKIT_CONFORMANCE(eventfd_luo, eventfd_subject);
 *
 * The handler needs no SDK and no change: its .c file is compiled into a world as it is
 * (luokit_world.h). Each case of the suite is named after the class of defects it looks for,
 * and docs/defects.rst explains each class. What a case found it reports with the rule, the
 * calls that led there, what was left over and who it belongs to.
 *
 * The more a subject tells, the more is proven: what it leaves out is skipped by name.
 */
#ifndef LUOKIT_SUBJECT_H
#define LUOKIT_SUBJECT_H

#include <luokit.h>

#define LUOKIT_MAX_STATES	24
#define LUOKIT_MAX_CHANGES	12
#define LUOKIT_MAX_LOOSE	4

/**
 * struct luokit_state - a state a file can be in
 * @name: what the reports call it; NULL ends the list.
 * @arg: what &luokit_subject.make is told.
 * @empty: the empty object: no content, no pages, nothing pending. One state should be.
 * @refused: a file in this state must be refused by preserve.
 * @large: has so many parts that to fail each step of each operation would take long: it is
 *	carried over, and fails where smaller ones do.
 */
struct luokit_state {
	const char *name;
	u64 arg;
	bool empty;
	bool refused;
	bool large;
};

/**
 * struct luokit_change - something a user can do to a preserved file
 * @name: what the reports call it; NULL ends the list.
 * @apply: do it for the @n-th time, counted from 1; a call that failed is counted again. What
 *	the file is after that may depend on the state it was made in and on the calls with the
 *	numbers 1 to @n, on nothing else: the kit repeats them on a new file to learn what has
 *	to arrive. Returns 0 or a negative errno: a frozen object may refuse, and may make its
 *	caller wait. One call at a time, beside all that LUO does.
 * @until_freeze: the type's documentation says that this is final when the file is frozen.
 */
struct luokit_change {
	const char *name;
	int (*apply)(struct luokit *k, struct file *file, u64 n);
	bool until_freeze;
};

/**
 * struct luokit_loose - bytes of the saved state that may hold any value
 * @offset: from where the handle points, in bytes.
 * @bytes: how many.
 *
 * A handler that goes on writing into its state until the kernel is gone cannot seal it:
 * another value there is another, equally good state.
 */
struct luokit_loose {
	u32 offset;
	u32 bytes;
};

/*
 * The cases. The first 23 are the classes of docs/defects.rst, in its order; what follows
 * are orders of calls and races.
 */
#define LUOKIT_CASES(_case)			\
	_case(c01_finish_after_failed_retrieve)	\
	_case(c02_failed_retrieve_leaks_nothing)\
	_case(c03_errors_are_not_lost)		\
	_case(c04_cleanup_uses_real_addresses)	\
	_case(c05_half_done_is_undone)		\
	_case(c06_empty_object)			\
	_case(c07_every_size)			\
	_case(c08_late_changes_arrive)		\
	_case(c09_foreign_files_are_refused)	\
	_case(c10_preserve_checks_again)	\
	_case(c11_locks_and_context)		\
	_case(c12_failed_preserve_leaves_no_trace) \
	_case(c13_cleanup_frees_once)		\
	_case(c14_error_pointers)		\
	_case(c15_queries_keep_no_reference)	\
	_case(c16_half_built_file)		\
	_case(c17_module_reference)		\
	_case(c18_return_values)		\
	_case(c19_failure_strands_no_session)	\
	_case(c20_damaged_state)		\
	_case(c21_preserved_once)		\
	_case(c22_not_visible_early)		\
	_case(c23_freeze_is_undone)		\
	_case(every_order)			\
	_case(several_files_and_sessions)	\
	_case(two_updates)			\
	_case(race_of_two_preserves)		\
	_case(race_of_changes)

#define LUOKIT_CASE_ID(_name)	LUOKIT_CASE_##_name,

enum luokit_case_id {
	LUOKIT_CASES(LUOKIT_CASE_ID)
	LUOKIT_NR_CASES
};

#undef LUOKIT_CASE_ID

/**
 * struct luokit_subject - what the kit has to know of a handler's type of file
 * @world: the kernel with the handler.
 * @states: the states worth a test: first an ordinary one, then the empty one, sizes
 *	around every limit, every flag, and what has to be refused.
 * @changes: what a user may do to a file between preserve and the end of the kernel.
 * @loose: what of the saved state cannot be checked.
 * @relies_on_core: the handler leaves it to LUO's core to notice an object that is preserved
 *	twice, with a get_id(): right where it runs on Linux 7.1 and later only.
 * @make: make a file in the state of &luokit_state.arg. Returns it with one reference, which
 *	becomes the kit's, or an ERR_PTR(). Needed.
 * @differ: compare two files by what has to be carried over. NULL if they are equal, or else
 *	what differs, for a person to read. Must not change either. Needed.
 * @twin: a second struct file for the object of @file, or an ERR_PTR(). For types whose
 *	objects can have several.
 * @refs: the number of references to the object of @file, for objects that count them.
 * @spoil: change @file so that the handler must refuse it from now on.
 * @foreign: more files of other types for the handler to refuse: those most easily taken
 *	for its own. Fills up to @max entries and returns their number.
 * @company: what @file needs beside it in its session: the files that it depends on, and those
 *	that these depend on. Fills up to @max entries and returns their number. The kit preserves
 *	them before each freeze; in the new kernel nobody but the handler asks for them.
 * @hardware: called before the world of a case boots, with the case: for worlds that find
 *	devices, of which few cases need many and each takes its time.
 * @settle: what a user has to do to a retrieved file before its session can finish. Returns 0 or
 *	a negative errno.
 * @leaked: bytes of the old kernel's memory that the handler reported as lost since the
 *	world booted. Without it a message of level warning or above is the report.
 *
 * All are called in process context and may sleep. @world, @make and @differ are needed.
 */
struct luokit_subject {
	const struct luokit_world *world;
	struct luokit_state states[LUOKIT_MAX_STATES];
	struct luokit_change changes[LUOKIT_MAX_CHANGES];
	struct luokit_loose loose[LUOKIT_MAX_LOOSE];
	bool relies_on_core;
	struct file *(*make)(struct luokit *k, u64 arg);
	const char *(*differ)(struct luokit *k, struct file *want, struct file *got);
	struct file *(*twin)(struct luokit *k, struct file *file);
	long (*refs)(struct luokit *k, struct file *file);
	int (*spoil)(struct luokit *k, struct file *file);
	unsigned int (*foreign)(struct luokit *k, struct luokit_foreign *files,
				unsigned int max);
	unsigned int (*company)(struct luokit *k, struct file *file, struct file **files,
				unsigned int max);
	void (*hardware)(enum luokit_case_id id);
	int (*settle)(struct luokit *k, struct file *file);
	size_t (*leaked)(struct luokit *k);
};

#define LUOKIT_DECLARE_CASE(_name)	\
	void luokit_##_name(struct kunit *test);
LUOKIT_CASES(LUOKIT_DECLARE_CASE)
#undef LUOKIT_DECLARE_CASE

#define LUOKIT_KUNIT_CASE(_name)						\
	{ .run_case = luokit_##_name, .name = #_name, .module_name = KBUILD_MODNAME },

/**
 * LUOKIT_CONFORMANCE() - instantiate the conformance suite for a subject
 * @_name: prefix of the suite's name, which is <name>_conformance.
 * @_subject: the &struct luokit_subject.
 */
#define LUOKIT_CONFORMANCE(_name, _subject)					\
	static int _name##_conformance_init(struct kunit *test)			\
	{									\
		test->priv = (void *)&(_subject);				\
		return 0;							\
	}									\
	static struct kunit_case _name##_conformance_cases[] = {		\
		LUOKIT_CASES(LUOKIT_KUNIT_CASE)					\
		{}								\
	};									\
	static struct kunit_suite _name##_conformance_suite = {			\
		.name = #_name "_conformance",					\
		.init = _name##_conformance_init,				\
		.test_cases = _name##_conformance_cases,			\
	};									\
	kunit_test_suite(_name##_conformance_suite)

/**
 * struct luokit_verdict - what a whole conformance run found
 * @found: for each case, the number of findings.
 * @skipped: for each case, whether the subject does not tell what it needs.
 * @text: for each case, the first finding in one line.
 */
struct luokit_verdict {
	unsigned int found[LUOKIT_NR_CASES];
	bool skipped[LUOKIT_NR_CASES];
	char text[LUOKIT_NR_CASES][160];
};

/*
 * Run all cases on @subject and collect what they find, instead of failing the test: for
 * handlers that are wrong, or known to be. Findings are logged in full. A case that is the
 * end of the handler (a crash) leaves its machine behind.
 */
void luokit_judge(struct kunit *test, const struct luokit_subject *subject,
		  struct luokit_verdict *verdict);

/* The name of a case, as in LUOKIT_CASES(). */
const char *luokit_case_name(enum luokit_case_id id);

/*
 * To be called by a world in place of, or before, something of its own that can fail (a
 * device, a firmware): 0, or -EIO when the kit wants this call to fail. Every such call
 * fails in turn, like allocations and kho_*() calls do.
 */
int luokit_hook(const char *name);

#endif /* LUOKIT_SUBJECT_H */
