// SPDX-License-Identifier: GPL-2.0
/*
 * What the layer costs: run by tests/bench/run-bench, which judges the figures.
 *
 * The measuring is done by tests/bench in the kernel. Here its files are read one
 * after the other, and what they say is passed on as lines "figure NAME VALUE".
 */
#define _GNU_SOURCE
#include <luotest.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define CGROUPS	"/sys/fs/cgroup"
#define CGROUP	CGROUPS "/bench"

/*
 * Where instructions are counted, calibrating the local APIC's timer is waiting by
 * instructions: some seconds for each kernel. The other timers do.
 */
#define COUNTED "luosdk_bench nolapic_timer"

static void measure(const char *what)
{
	static char answer[65536];
	char path[128], *line;
	int len;

	snprintf(path, sizeof(path), "/sys/kernel/debug/luosdk-bench/%s", what);
	len = lt_read_file(path, answer, sizeof(answer));
	if (len > 0)
		for (line = strtok(answer, "\n"); line; line = strtok(NULL, "\n"))
			lt_note("%s%s", strncmp(line, "profile ", 8) ? "figure " : "", line);
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
	.cmdline = COUNTED,
};

/* Memfds belong to a service, and a service's memory is charged to its cgroup. */
static void enter_cgroup(void)
{
	lt_must(mount("none", CGROUPS, "cgroup2", 0, NULL) ? -errno : 0, "mount " CGROUPS);
	lt_must(lt_write_file(CGROUPS "/cgroup.subtree_control", "+memory"), "enable memory");
	lt_must(mkdir(CGROUP, 0755) ? -errno : 0, "make " CGROUP);
	lt_must(lt_write_file(CGROUP "/cgroup.procs", "0"), "enter " CGROUP);
}

static void memfd_before(void)
{
	enter_cgroup();
	measure("unit");
	measure("memfd_small");
	measure("memfd_keep");
}

static void memfd_after(void)
{
	enter_cgroup();
	lt_result(lt_device(), 0, "/dev/liveupdate opens after the live update");
	measure("memfd_retrieve");
}

LT_SCENARIO(memfd) = {
	.name	 = "bench.memfd",
	.about	 = "instructions and bytes for memfds, by where their pages are",
	.stage	 = { { memfd_before, 3 }, { memfd_after, 2 } },
	.flags	 = LT_ALONE | LT_HIDDEN | LT_EMULATED | LT_COUNTED,
	.cmdline = COUNTED,
	/* Five layouts of 256 MiB for two handlers, and as much for all else. */
	.memory	 = 5120,
};

static void profile_after(void)
{
	/* A kernel's timers are only fine once it trusts its clock. */
	lt_sleep_ms(5000);
	memfd_after();
}

LT_SCENARIO(memfd_profile) = {
	.name	 = "bench.memfd_profile",
	.about	 = "the functions that the instructions of bench.memfd are in",
	.stage	 = { { memfd_before, 3 }, { profile_after, 2 } },
	.flags	 = LT_ALONE | LT_HIDDEN | LT_EMULATED | LT_COUNTED,
	.cmdline = COUNTED " luosdk_bench_profile",
	.memory	 = 5120,
};

static void size_before(void)
{
	enter_cgroup();
	measure("unit");
	measure("memfd_size_keep");
}

static void size_after(void)
{
	enter_cgroup();
	lt_result(lt_device(), 0, "/dev/liveupdate opens after the live update");
	measure("memfd_size_retrieve");
}

LT_SCENARIO(memfd_size) = {
	.name	 = "bench.memfd_size",
	.about	 = "instructions for memfds from 4 KiB to 1 GiB",
	.stage	 = { { size_before, 2 }, { size_after, 2 } },
	.flags	 = LT_ALONE | LT_HIDDEN | LT_EMULATED | LT_COUNTED,
	.cmdline = COUNTED,
	/* Twice as much as all sizes have for both handlers. */
	.memory	 = 6144,
};

static void state_before(void)
{
	measure("unit");
	measure("fdt_keep");
}

static void state_after(void)
{
	measure("fdt_read");
}

LT_SCENARIO(state) = {
	.name	 = "bench.state",
	.about	 = "instructions for a state as a struct and as a tree",
	.stage	 = { { state_before, 2 }, { state_after, 1 } },
	.flags	 = LT_ALONE | LT_HIDDEN | LT_EMULATED | LT_COUNTED,
	.cmdline = COUNTED,
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
