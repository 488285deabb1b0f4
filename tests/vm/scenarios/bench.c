// SPDX-License-Identifier: GPL-2.0
/*
 * What the layer costs: run by tests/bench/run-bench, which judges the figures.
 *
 * The measuring is done by tests/bench in the kernel. Here its files are read one
 * after the other, and what they say is passed on as lines "figure NAME VALUE".
 */
#define _GNU_SOURCE
#include "../luotest.h"

#include <stdio.h>
#include <string.h>

static void measure(const char *what)
{
	char path[128], answer[4096], *line;
	int len;

	snprintf(path, sizeof(path), "/sys/kernel/debug/luosdk-bench/%s", what);
	len = lt_read_file(path, answer, sizeof(answer));
	if (len > 0)
		for (line = strtok(answer, "\n"); line; line = strtok(NULL, "\n"))
			lt_note("figure %s", line);
	lt_ok(len > 0, "measured: %s", what);
}

static void count_before(void)
{
	measure("unit");
	measure("guard_embedded");
	measure("guard_mapped");
	measure("eventfd_preserve");
	measure("eventfd_memory");
	measure("eventfd_keep");
}

static void count_after(void)
{
	/* The first to open the device makes LUO read what was handed over. */
	lt_result(lt_device(), 0, "/dev/liveupdate opens after the live update");
	measure("eventfd_retrieve");
}

LT_SCENARIO(count) = {
	.name	 = "bench.count",
	.about	 = "instructions and bytes, on a processor that counts them",
	.stage	 = { { count_before, 6 }, { count_after, 2 } },
	.flags	 = LT_ALONE | LT_HIDDEN | LT_EMULATED | LT_COUNTED,
	.cmdline = "luosdk_bench",
};

static void contend(void)
{
	if (lt_nr_cpus() < 2)
		lt_skip("this VM has one processor", "measured: guard_contention");
	else
		measure("guard_contention");
}

LT_SCENARIO(contend) = {
	.name	 = "bench.contention",
	.about	 = "one guard, entered by one processor and by two",
	.stage	 = { { contend, 1 } },
	.flags	 = LT_ALONE | LT_HIDDEN,
	.cmdline = "luosdk_bench",
};
