// SPDX-License-Identifier: GPL-2.0
/*
 * Scenarios that must fail, each in its own way.
 *
 * `vmtest --self-test` runs them and is content only when each is reported as
 * the failure it is: a verdict that cannot fail is worth nothing.
 */
#define _GNU_SOURCE
#include <luotest.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

static void start(void)
{
	lt_ok(true, "the VM has started");
}

LT_SCENARIO(start) = {
	.name	= "self.start",
	.about	= "must pass: the VM starts and reports (also the probe for /dev/kvm)",
	.stage	= { { start, 1 } },
	.flags	= LT_ALONE | LT_HIDDEN,
};

static void wrong_value(void)
{
	int fd = lt_must(lt_eventfd(5, 0), "eventfd");

	lt_eventfd_is(fd, 6, 0, "an eventfd of 5, compared with 6,");
	lt_eventfd_is(fd, 5, EFD_SEMAPHORE, "a plain one, compared with a semaphore,");
	lt_eventfd_is(fd, 5, EFD_NONBLOCK, "a blocking one, compared with a non-blocking,");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	lt_eventfd_is(fd, 5, 0, "a non-blocking one, compared with a blocking,");
	close(fd);
	fd = memfd_create("memfd", MFD_CLOEXEC);
	lt_eventfd_is(fd, 0, 0, "a memfd, compared with an eventfd,");
	lt_eventfd_works(fd, "a memfd");
	close(fd);
	lt_eventfd_works(fd, "a closed descriptor");
	lt_result(-1, 0, "an error where success is expected");
	lt_result(0, -16, "success where -EBUSY is expected");
	lt_result(-22, -16, "-EINVAL where -EBUSY is expected");
	lt_eq(1, 2, "1 where 2 is expected");
	lt_ok(false, "a condition that does not hold");
}

LT_SCENARIO(wrong_value) = {
	.name	= "self.wrong-value",
	.about	= "must fail in every result: each kind of comparison sees a difference",
	.stage	= { { wrong_value, 12 } },
	.flags	= LT_ALONE | LT_HIDDEN,
};

static void warning(void)
{
	int fd = open("/dev/luosdk_fail", O_RDWR | O_CLOEXEC);

	lt_ok(lt_write_fd(fd, "warn") > 0, "a kernel warning is raised");
	close(fd);
}

LT_SCENARIO(warning) = {
	.name	= "self.warning",
	.about	= "must fail: a kernel warning on the console",
	.stage	= { { start, 1 }, { warning, 1 } },
	.flags	= LT_ALONE | LT_HIDDEN,
};

LT_SCENARIO(warning_expected) = {
	.name	= "self.warning-expected",
	.about	= "must pass: the same warning, declared",
	.stage	= { { warning, 1 } },
	.flags	= LT_ALONE | LT_HIDDEN,
	.expect	= "luosdk_fail: the warning that was asked for",
};

LT_SCENARIO(warning_missing) = {
	.name	= "self.warning-missing",
	.about	= "must fail: a declared warning that does not come",
	.stage	= { { start, 1 } },
	.flags	= LT_ALONE | LT_HIDDEN,
	.expect	= "luosdk_fail: the warning that was asked for",
};

LT_SCENARIO(short_plan) = {
	.name	= "self.short-plan",
	.about	= "must fail: one result where two are planned",
	.stage	= { { start, 2 } },
	.flags	= LT_ALONE | LT_HIDDEN,
};

static void early_end(void)
{
	lt_die("the stage cannot go on");
}

LT_SCENARIO(stage_dies) = {
	.name	= "self.stage-dies",
	.about	= "must fail: a stage that cannot go on",
	.stage	= { { early_end, 3 } },
	.flags	= LT_ALONE | LT_HIDDEN,
};

static void init_exits(void)
{
	lt_ok(true, "the first process is about to exit");
	exit(1);
}

LT_SCENARIO(panic) = {
	.name	= "self.panic",
	.about	= "must fail: the kernel panics",
	.stage	= { { init_exits, 1 } },
	.flags	= LT_ALONE | LT_HIDDEN,
};

LT_SCENARIO(no_panic) = {
	.name	= "self.no-panic",
	.about	= "must fail: the next kernel is to panic and does not",
	.stage	= { { start, 1 } },
	.flags	= LT_ALONE | LT_HIDDEN | LT_PANICS,
};

static void hang(void)
{
	lt_ok(true, "the last that is heard of this VM");
	for (;;)
		pause();
}

LT_SCENARIO(hang) = {
	.name	= "self.hang",
	.about	= "must fail: the VM says no more (run with a short --timeout)",
	.stage	= { { hang, 1 } },
	.flags	= LT_ALONE | LT_HIDDEN,
};

static void no_second_kernel(void)
{
	lt_ok(true, "the second kernel will not be told of the carried page");
}

static void nothing_carried(void)
{
	lt_carry_get("self", 4096);
	lt_ok(true, "what nobody preserved was found");
}

LT_SCENARIO(not_carried) = {
	.name	= "self.not-carried",
	.about	= "must fail: the second kernel looks for what nobody preserved",
	.stage	= { { no_second_kernel, 1 }, { nothing_carried, 1 } },
	.flags	= LT_ALONE | LT_HIDDEN,
};
