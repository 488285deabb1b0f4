// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: hand out what was executed when all tests are over.
 *
 * For tests/kit/run-kunit --coverage: the worlds and suites are then compiled by clang
 * with counters (Kbuild.include), and the compiler's own run-time library is linked in to
 * write them down (Kbuild), because the format is another one in each release of it. At
 * the reboot or halt that ends the run, whatever suites ran, the profile is written to the
 * file on the host that luokit.coverage= names.
 *
 * The library would do so on its own at the exit of a program. User Mode Linux does exit,
 * but by then nothing of a program's life is left to it, and malloc() is the kernel's.
 */
#include <linux/err.h>
#include <linux/init.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>
#include <os.h>

#include "coverage.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "luokit."

static char *luokit_coverage_path;
module_param_named(coverage, luokit_coverage_path, charp, 0);
MODULE_PARM_DESC(coverage, "where on the host the profile is written");

static int luokit_coverage_put(const char *buffer, u64 bytes)
{
	int fd, written;

	fd = os_open_file(luokit_coverage_path, of_trunc(of_create(of_write(OPENFLAGS()))), 0644);
	if (fd < 0)
		return fd;

	for (; bytes; buffer += written, bytes -= written) {
		written = os_write_file(fd, buffer, min_t(u64, bytes, SZ_1M));
		if (written <= 0)
			break;
	}
	os_close_file(fd);
	if (!bytes)
		return 0;

	return written ?: -EIO;
}

static int luokit_coverage_write(void)
{
	u64 bytes = __llvm_profile_get_size_for_buffer();
	char *buffer;
	int err;

	buffer = vmalloc(bytes);
	if (!buffer)
		return -ENOMEM;

	err = __llvm_profile_write_buffer(buffer) ? -EIO : luokit_coverage_put(buffer, bytes);
	vfree(buffer);

	return err;
}

static int luokit_coverage_notify(struct notifier_block *nb, unsigned long event, void *data)
{
	int err = luokit_coverage_write();

	if (err)
		pr_err("BUG: luokit: no coverage written to '%s': %pe\n", luokit_coverage_path,
		       ERR_PTR(err));

	return NOTIFY_DONE;
}

static struct notifier_block luokit_coverage_nb = {
	.notifier_call = luokit_coverage_notify,
};

static int __init luokit_coverage_init(void)
{
	return luokit_coverage_path ? register_reboot_notifier(&luokit_coverage_nb) : 0;
}
late_initcall(luokit_coverage_init);
