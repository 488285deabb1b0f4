// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: judging a handler. Runs a case of the conformance suite on a machine of its own
 * and reports what it finds.
 *
 * A handler that is wrong may do anything, and a report is wanted all the same. So the first
 * finding ends the case, wherever it was made: in the middle of a callback, if need be, with
 * all locks held and memory half freed. The machine is left as it is then and never used
 * again. Under UML the same goes for an access to an address that is none.
 */
#include <linux/err.h>
#include <linux/kasan.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/sections.h>

#include "luokit_internal.h"

static const struct {
	unsigned int class;
	const char *rule;
} luokit_rules[LUOKIT_NR_CASES] = {
#define LUOKIT_RULE(_class, _case, _rule)	\
	[LUOKIT_CASE_##_case] = { _class, _rule },
#include "rules.h"
};

static const char * const luokit_names[LUOKIT_NR_CASES] = {
#define LUOKIT_NAME(_name)	\
	[LUOKIT_CASE_##_name] = #_name,
	LUOKIT_CASES(LUOKIT_NAME)
};

const char *luokit_case_name(enum luokit_case_id id)
{
	return luokit_names[id];
}

static const char *luokit_rule_of_class(unsigned int class)
{
	int i;

	for (i = 0; i < LUOKIT_NR_CASES; i++)
		if (luokit_rules[i].class == class)
			return luokit_rules[i].rule;

	return NULL;
}

#ifdef __CHECKER__
/* Not known to sparse, which does not need to know what they do. */
static inline void __noreturn luokit_checker_longjmp(void **buf, int value)
{
	unreachable();
}

#define __builtin_setjmp(_buf)	(!*(_buf))
#define __builtin_longjmp	luokit_checker_longjmp
#endif

/* ---- The way out ------------------------------------------------------------------------- */

#ifdef CONFIG_UML
/* Entered instead of the instruction that touched a wrong address; on the same stack. */
static void luokit_crashed(void)
{
	struct luokit *k = luokit_machine;
	char text[128];

	if (k->inside)
		snprintf(text, sizeof(text), "%ps() crashes: it, or what it calls, uses an address that is none",
			 k->inside);
	else
		strscpy(text, "crash outside of the callbacks, as in the release of a file: an address that is none is used");
	pr_err("luokit: an address that is none is used below:\n");
	dump_stack();
	luokit_finding(k, 0, text);
	/* A case that is over already: nobody waits for the escape. */
	panic("luokit: crash outside of a case");
}

void luokit_judge_rearm(struct luokit *k)
{
	if (k->judge->armed)
		current->thread.segv_continue = luokit_crashed;
}

static void luokit_disarm(void)
{
	current->thread.segv_continue = NULL;
}
#else
void luokit_judge_rearm(struct luokit *k)
{
}

static void luokit_disarm(void)
{
}
#endif

noinline void __noreturn luokit_escape(struct luokit_judge *judge)
{
	__builtin_longjmp(judge->escape, 1);
}

/* Undo what code that was left in the middle did to the thread. */
static void luokit_escaped(struct luokit *k)
{
	luokit_fail_end(k);
	preempt_count_set(k->judge->preempt);
	local_irq_enable();
#ifdef CONFIG_LOCKDEP
	lockdep_init_task(current);
#endif
	kasan_unpoison_task_stack(current);
}

/* Call @fn. False if it did not come back. */
static noinline bool luokit_try(struct luokit *k,
				void (*fn)(struct luokit *k, const struct luokit_subject *s))
{
	struct luokit_judge *judge = k->judge;

	judge->preempt = preempt_count();
	/* What makes UML look for a way on instead of a panic. */
	pagefault_disable();
	if (__builtin_setjmp(judge->escape)) {
		/* No local variable is to be trusted here. */
		judge = luokit_machine->judge;
		judge->armed = false;
		luokit_escaped(luokit_machine);
		luokit_disarm();
		pagefault_enable();
		return false;
	}
	judge->armed = true;
	luokit_judge_rearm(k);
	fn(k, judge->subject);
	luokit_log_read(k, true);
	luokit_end(k);
	luokit_log_read(k, true);
	judge->armed = false;
	luokit_disarm();
	pagefault_enable();

	return true;
}

/* ---- Findings ------------------------------------------------------------------------------ */

void luokit_finding(struct luokit *k, unsigned int class, const char *text)
{
	struct luokit_judge *judge = k->judge;
	const char *rule = class ? luokit_rule_of_class(class) : NULL;
	bool escape = judge->armed && judge->task == current && !k->ended;

	if (!rule) {
		class = luokit_rules[judge->id].class;
		rule = luokit_rules[judge->id].rule;
	}
	judge->findings++;
	if (judge->verdict) {
		if (!judge->verdict->found[judge->id]++)
			strscpy(judge->verdict->text[judge->id], text);
		kunit_info(k->test, "%s finds: %s\n", luokit_names[judge->id], text);
	} else {
		KUNIT_FAIL(k->test, "%s", text);
	}
	if (judge->findings == 1) {
		kunit_err(k->test, "  rule: %s\n", rule);
		if (class)
			kunit_err(k->test, "  class %u, explained in docs/defects.rst#class-%u\n",
				  class, class);
		kunit_err(k->test, "  calls that led here:\n");
		luokit_notes_print(k);
	}
	if (escape)
		luokit_escape(judge);
}

void luokit_skip(struct luokit *k, const char *why)
{
	k->judge->skipped = why;
}

/* ---- Running cases --------------------------------------------------------------------------- */

static void luokit_run_case(struct kunit *test, const struct luokit_subject *subject,
			    enum luokit_case_id id, struct luokit_judge *judge,
			    struct luokit_verdict *verdict)
{
	struct luokit *k;

	*judge = (struct luokit_judge){
		.subject = subject,
		.id = id,
		.class = luokit_rules[id].class,
		.verdict = verdict,
		.task = current,
	};
	/*
	 * What the kernel warns of only once was said of somebody else. Beyond a module's reach;
	 * what the world says of itself only once is among its statics.
	 */
#ifndef MODULE
	memset(__start_once, 0, __end_once - __start_once);
#endif
	if (subject->hardware)
		subject->hardware(id);
	k = luokit_boot(test, subject->world);
	k->judge = judge;
	if (!luokit_try(k, luokit_case_fns[id]))
		luokit_abandon(k);
	else
		k->judge = NULL;
}

/* A case of a suite: whatever it finds fails the test. */
void luokit_conformance_case(struct kunit *test, enum luokit_case_id id)
{
	/* Outlives the machine only if that is abandoned; then it must. */
	struct luokit_judge *judge = kzalloc_obj(*judge);
	const char *skipped;

	KUNIT_ASSERT_NOT_NULL(test, judge);
	luokit_run_case(test, test->priv, id, judge, NULL);
	skipped = judge->skipped;
	if (!judge->findings)
		kfree(judge);
	if (skipped)
		kunit_skip(test, "%s", skipped);
}

#define LUOKIT_DEFINE_CASE(_name)						\
void luokit_##_name(struct kunit *test)						\
{										\
	luokit_conformance_case(test, LUOKIT_CASE_##_name);			\
}

LUOKIT_CASES(LUOKIT_DEFINE_CASE)

void luokit_judge(struct kunit *test, const struct luokit_subject *subject,
		  struct luokit_verdict *verdict)
{
	enum luokit_case_id id;

	memset(verdict, 0, sizeof(*verdict));
	/* What the kernel says from here on is the handler's fault, and counted as a finding. */
	pr_info("luokit: judged from here\n");
	for (id = 0; id < LUOKIT_NR_CASES; id++) {
		struct luokit_judge *judge = kzalloc_obj(*judge);

		KUNIT_ASSERT_NOT_NULL(test, judge);
		luokit_run_case(test, subject, id, judge, verdict);
		verdict->skipped[id] = judge->skipped;
		if (!judge->findings)
			kfree(judge);
	}
	pr_info("luokit: judged to here\n");
}
