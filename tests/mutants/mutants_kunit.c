// SPDX-License-Identifier: GPL-2.0
/*
 * mutants_kunit.c - does the conformance kit find what it claims to find?
 *
 * One case for each patch in this folder. The kit judges the driver with that patch and has
 * to find something in a case of the class that the patch is named after. For each mutant
 * there is one line of log that says which cases found how much::
 *
 *	mutant 01_finish_discards_again class 1: c01_finish_after_failed_retrieve=2
 *
 * The suite is very slow, in KUnit's words, so that a run of all suites leaves it out.
 */

#include <kunit/test.h>
#include <linux/debug_locks.h>
#include <linux/seq_buf.h>
#include <linux/slab.h>
#include <luokit_subject.h>

#include "notebook_subject.h"

/* Written by the Kbuild: the worlds, and MUTANTS(_mutant). */
#include "mutants_list.h"

#define MUTANT_LINE	1000

static void mutant_judge(struct kunit *test, const struct luokit_world *world,
			 const char *name, unsigned int class,
			 const struct luokit_subject *reference)
{
	struct luokit_verdict *verdict = kunit_kzalloc(test, sizeof(*verdict), GFP_KERNEL);
	struct luokit_subject *subject = kunit_kzalloc(test, sizeof(*subject), GFP_KERNEL);
	char *line = kunit_kmalloc(test, MUTANT_LINE, GFP_KERNEL);
	enum luokit_case_id id;
	struct seq_buf s;

	KUNIT_ASSERT_NOT_NULL(test, verdict);
	KUNIT_ASSERT_NOT_NULL(test, subject);
	KUNIT_ASSERT_NOT_NULL(test, line);

	/* A mutant before may have brought lockdep to turn itself off, for good. */
	debug_locks = 1;
	*subject = *reference;
	subject->world = world;
	luokit_judge(test, subject, verdict);

	seq_buf_init(&s, line, MUTANT_LINE);
	for (id = 0; id < LUOKIT_NR_CASES; id++)
		if (verdict->found[id])
			seq_buf_printf(&s, " %s=%u", luokit_case_name(id), verdict->found[id]);
	pr_info("mutant %s class %u:%s\n", name, class, seq_buf_str(&s));

	/* The first 23 cases are the classes, in order. */
	id = class - 1;
	KUNIT_EXPECT_FALSE_MSG(test, verdict->skipped[id],
			       "%s: case %s was skipped", name, luokit_case_name(id));
	KUNIT_EXPECT_GT_MSG(test, verdict->found[id], 0,
			    "%s: case %s found nothing", name, luokit_case_name(id));
}

#define MUTANT_JUDGE(_name, _class, _reference)					\
	static void mutant_##_name(struct kunit *test)				\
	{									\
		mutant_judge(test, &mutant_##_name##_world, #_name, _class,	\
			     &notebook_##_reference##_subject);			\
	}
MUTANTS(MUTANT_JUDGE)

#define MUTANT_CASE(_name, ...)	KUNIT_CASE(mutant_##_name),

static struct kunit_case mutants_cases[] = {
	MUTANTS(MUTANT_CASE)
	{}
};

/* The name makes it one of those that <*_conformance> selects. */
static struct kunit_suite mutants_suite = {
	.name = "mutants_conformance",
	.attr.speed = KUNIT_SPEED_VERY_SLOW,
	.test_cases = mutants_cases,
};

kunit_test_suite(mutants_suite);

MODULE_DESCRIPTION("The conformance kit on handlers that are wrong");
MODULE_LICENSE("GPL");
