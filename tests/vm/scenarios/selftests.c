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
#include <luotest.h>

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

	lt_eq(selftest("liveupdate", NULL), 0, "the program ends well");
	lt_ok(lines_with("ok ") >= 15 && !lines_with("not ok "), "all of its tests pass");
	lt_ok(!strstr(said, "# SKIP"), "none is skipped");
	ours_did("preserved", before, LIVEUPDATE_MEMFDS);
}

LT_SCENARIO(selftests_liveupdate) = {
	.name	= "selftests.liveupdate",
	.about	= "the kernel's selftest of the device, sessions and memfds",
	.stage	= { { liveupdate, 4 } },
	.flags	= LT_SELFTESTS,
};

struct selftest {
	const char *program;
	/* Beside the one that says which stage comes next. */
	unsigned int memfds;
};

static void stage_1(const struct selftest *test)
{
	long long before = lt_memfd_count("preserved");

	lt_eq(selftest(test->program, "1"), 0, "stage 1 ends well");
	ours_did("preserved", before, test->memfds + 1);
}

static void stage_2(const struct selftest *test)
{
	long long before = lt_memfd_count("restored");

	lt_eq(selftest(test->program, "2"), 0, "stage 2 ends well");
	lt_ok(strstr(said, "KEXEC TEST PASSED"), "it says that it passed");
	ours_did("restored", before, test->memfds + 1);
}

#define STAGES(id)							\
	static void id##_before(void)					\
	{								\
		stage_1(&id);						\
	}								\
									\
	static void id##_after(void)					\
	{								\
		stage_2(&id);						\
	}

static const struct selftest kexec_simple = { "luo_kexec_simple", 1 };

STAGES(kexec_simple)

LT_SCENARIO(kexec_simple) = {
	.name	= "selftests.kexec-simple",
	.about	= "the kernel's selftest with one memfd over a kexec",
	.stage	= { { kexec_simple_before, 2 }, { kexec_simple_after, 3 } },
	.flags	= LT_SELFTESTS,
};

static void nothing(void)
{
}

/* In the kernels that memfd.formats runs in as well. */
LT_SCENARIO(kexec_simple_v2) = {
	.name	 = "selftests.kexec-simple-v2",
	.about	 = "the same in the kernel's format, which our handler writes and reads",
	.stage	 = { { nothing, 0 }, { kexec_simple_before, 2, LT_MEMFD_REPLACED },
		     { kexec_simple_after, 3 }, { nothing, 0, LT_MEMFD_THEIRS } },
	.flags	 = LT_SELFTESTS,
	.cmdline = LT_MEMFD_THEIRS,
};

static const struct selftest multi_session = { "luo_multi_session", 3 };

STAGES(multi_session)

LT_SCENARIO(multi_session) = {
	.name	= "selftests.multi-session",
	.about	= "the kernel's selftest with four sessions over a kexec",
	.stage	= { { multi_session_before, 2 }, { multi_session_after, 3 } },
	.flags	= LT_SELFTESTS,
};

static const struct selftest stress_files = { "luo_stress_files", 500 };

STAGES(stress_files)

LT_SCENARIO(stress_files) = {
	.name	= "selftests.stress-files",
	.about	= "the kernel's selftest with 500 memfds over a kexec",
	.stage	= { { stress_files_before, 2 }, { stress_files_after, 3 } },
	.flags	= LT_SELFTESTS,
};

static const struct selftest stress_sessions = { "luo_stress_sessions", 0 };

STAGES(stress_sessions)

LT_SCENARIO(stress_sessions) = {
	.name	= "selftests.stress-sessions",
	.about	= "the kernel's selftest with 2000 sessions over a kexec",
	.stage	= { { stress_sessions_before, 2 }, { stress_sessions_after, 3 } },
	.flags	= LT_SELFTESTS,
};
