// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suites as modules: loaded, run, unloaded.
 *
 * What the suites prove they prove under User Mode Linux, in seconds. Here it is to be seen
 * that they can be modules of a kernel that was built without them, and that nothing of them
 * is left behind. KUnit runs a module's suites when it is loaded and keeps what it has to say
 * of each in a file until it is unloaded.
 */
#define _GNU_SOURCE
#include "../luotest.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIT		"luokit"
#define KUNIT		"/sys/kernel/debug/kunit"
/* An emulator takes minutes for what is seconds elsewhere: fewer damaged states and races. */
#define CMDLINE		"kunit.autorun=1 luokit.damaged=40 luokit.rounds=100 eventfd_luo.enabled=0"

struct verdict {
	unsigned int suites, passed, skipped, failed;
};

/* Count the cases in KUnit's KTAP for @suite: fewer than it planned are failures as well. */
static void read_suite(const char *suite, struct verdict *verdict)
{
	static char buf[1 << 20];
	unsigned int planned = 0, seen = 0, skipped = 0, passed = 0;
	char path[320], *line, *rest;
	int len;

	snprintf(path, sizeof(path), KUNIT "/%s/results", suite);
	len = lt_must(lt_read_file(path, buf, sizeof(buf)), "read the results of a suite");
	if (len >= (int)sizeof(buf) - 1)
		lt_die("the results of %s are too long", suite);
	for (line = strtok_r(buf, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		/* The suite's own cases; parameters of one stand deeper. */
		if (strncmp(line, "    ", 4) || line[4] == ' ')
			continue;
		line += 4;
		if (sscanf(line, "1..%u", &planned) == 1)
			continue;
		if (!strncmp(line, "ok ", 3)) {
			seen++;
			if (strstr(line, "# SKIP"))
				skipped++;
			else
				passed++;
		} else if (!strncmp(line, "not ok ", 7)) {
			seen++;
			lt_note("%s: %s", suite, line);
		}
	}
	if (!planned || seen != planned)
		lt_note("%s: %u of %u cases have a result", suite, seen, planned);
	lt_note("%s: %u of %u cases pass, %u do not apply", suite, passed, planned, skipped);
	verdict->suites++;
	verdict->passed += passed;
	verdict->skipped += skipped;
	verdict->failed += (planned > seen ? planned : seen) - passed - skipped + !planned;
}

static void read_suites(struct verdict *verdict)
{
	DIR *dir = opendir(KUNIT);
	struct dirent *entry;

	if (!dir)
		lt_die("open " KUNIT ": %s", lt_errname(-errno));
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			read_suite(entry->d_name, verdict);
	closedir(dir);
}

static void run_module(const char *module)
{
	struct verdict verdict = {};

	lt_must(lt_module_load(KIT), "load the kit");
	lt_result(lt_module_load(module), 0, "the suites are loaded, and run");
	read_suites(&verdict);
	lt_ok(verdict.suites && verdict.passed && !verdict.failed, "all of their cases pass");
	lt_result(lt_module_unload(KIT), -EAGAIN, "the kit stays as long as they are there");
	lt_result(lt_module_unload(module), 0, "they are unloaded");
	memset(&verdict, 0, sizeof(verdict));
	read_suites(&verdict);
	lt_ok(!verdict.suites, "and nothing of them is left");
	lt_result(lt_module_unload(KIT), 0, "so is the kit");
}

#define KUNIT_MODULE(_run)							\
	.about	= "its KUnit suites as a module",				\
	.stage	= { { _run, 6 } },						\
	.flags	= LT_KUNIT,							\
	.cmdline = CMDLINE

static void run_sdk(void)
{
	run_module("luosdk_test");
}

LT_SCENARIO(kunit_sdk) = { .name = "kunit.sdk", KUNIT_MODULE(run_sdk) };

static void run_eventfd(void)
{
	run_module("eventfd_luo_test");
}

LT_SCENARIO(kunit_eventfd) = { .name = "kunit.eventfd", KUNIT_MODULE(run_eventfd) };

static void run_anon_fd(void)
{
	run_module("anon_fd_luo_test");
}

LT_SCENARIO(kunit_anon_fd) = { .name = "kunit.anon-fd", KUNIT_MODULE(run_anon_fd) };
