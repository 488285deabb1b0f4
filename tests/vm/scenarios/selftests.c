// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own selftests of live update, as they are, with our memfd handler.
 *
 * vmtest compiles the programs of tools/testing/selftests/liveupdate from the tree of
 * the kernel under test and puts them into /selftests. liveupdate is a row of tests in
 * one kernel. The others are stages: the first leaves a process behind that holds its
 * sessions, the second looks for them after the live update. Each wants /dev/liveupdate
 * to itself, so it is closed here while one runs.
 */
#include "../luotest.h"

#include <stdio.h>
#include <string.h>

/* Everything a program says; the longest is that of liveupdate. */
static char said[1 << 16];

/* The kernel's way to tell results: lines that start with the verdict. */
static unsigned int lines_with(const char *start)
{
	unsigned int n = !strncmp(said, start, strlen(start));
	char with_newline[32];
	const char *p = said;

	snprintf(with_newline, sizeof(with_newline), "\n%s", start);
	while ((p = strstr(p, with_newline))) {
		n++;
		p++;
	}
	return n;
}

static int selftest(const char *program, const char *stage)
{
	char path[64];
	const char *const argv[] = { path, stage ? "-s" : NULL, stage, NULL };

	snprintf(path, sizeof(path), "/selftests/%s", program);
	lt_device_close();
	return lt_run(argv, said, sizeof(said));
}

/* Did ours do the work, and not the kernel's handler that it stands before? */
static void ours_did(const char *count, long long before, long long want)
{
	long long now = lt_memfd_count(count);

	lt_note("%s: %lld more", count, now - before);
	lt_ok(before >= 0 && now - before >= want, "our handler %s at least %lld memfds", count,
	      want);
}

/* Memfds that the tests of liveupdate.c preserve, not counting those to be refused. */
#define LIVEUPDATE_MEMFDS	(1 + 2 + 4 + 1 + 500)

static void liveupdate(void)
{
	long long before = lt_memfd_count("preserved");

	lt_result(selftest("liveupdate", NULL), 0, "the program ends well");
	lt_ok(lines_with("ok ") >= 14 && !lines_with("not ok "), "all of its tests pass");
	lt_eq(lines_with("ok ") ? strstr(said, "# SKIP") != NULL : 1, 0, "none was skipped");
	ours_did("preserved", before, LIVEUPDATE_MEMFDS);
}

LT_SCENARIO(selftests_liveupdate) = {
	.name	= "selftests.liveupdate",
	.about	= "the kernel's selftest of the device, sessions and memfds",
	.stage	= { { liveupdate, 4 } },
	.flags	= LT_SELFTESTS,
};

/* Each also preserves a memfd that says which stage comes next. */
static void stage_1(const char *program, unsigned int memfds)
{
	long long before = lt_memfd_count("preserved");

	lt_result(selftest(program, "1"), 0, "stage 1 ends well");
	ours_did("preserved", before, memfds + 1);
}

static void stage_2(const char *program, unsigned int memfds)
{
	long long before = lt_memfd_count("restored");

	lt_result(selftest(program, "2"), 0, "stage 2 ends well");
	lt_ok(strstr(said, "KEXEC TEST PASSED"), "it says that it passed");
	ours_did("restored", before, memfds + 1);
}

#define LT_SELFTEST(id, title, program, memfds, what)			\
	static void id##_before(void)					\
	{								\
		stage_1(program, memfds);				\
	}								\
									\
	static void id##_after(void)					\
	{								\
		stage_2(program, memfds);				\
	}								\
									\
	LT_SCENARIO(id) = {						\
		.name	= "selftests." title,				\
		.about	= what,						\
		.stage	= { { id##_before, 2 }, { id##_after, 3 } },	\
		.flags	= LT_SELFTESTS,					\
	}

LT_SELFTEST(kexec_simple, "kexec-simple", "luo_kexec_simple", 1,
	    "the kernel's selftest with one memfd over a kexec");
LT_SELFTEST(multi_session, "multi-session", "luo_multi_session", 3,
	    "the kernel's selftest with four sessions over a kexec");
LT_SELFTEST(stress_files, "stress-files", "luo_stress_files", 500,
	    "the kernel's selftest with 500 memfds over a kexec");
LT_SELFTEST(stress_sessions, "stress-sessions", "luo_stress_sessions", 0,
	    "the kernel's selftest with 2000 sessions over a kexec");
