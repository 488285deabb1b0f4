// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: look for leaked memory when all tests are over.
 *
 * kmemleak is driven through a file in debugfs that takes its commands from user memory. A
 * kernel that only runs KUnit has neither a mount nor a user: a kernel thread gets both for a
 * moment, at the reboot or halt that ends the run, whatever suites ran. What kmemleak finds
 * it prints (kmemleak.verbose=1), and tests/kit/run-kunit takes it for a failure.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/reboot.h>
#include <linux/uaccess.h>

/* kmemleak does not report what is younger (MSECS_MIN_AGE in mm/kmemleak.c). */
#define LUOKIT_LEAK_AGE_MS	5500

static int luokit_leak_command(struct file *file, const char *command)
{
	unsigned long user = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	ssize_t written = -EFAULT;
	loff_t pos = 0;

	if (IS_ERR_VALUE(user))
		return user;
	if (!copy_to_user((char __user *)user, command, strlen(command) + 1))
		written = file->f_op->write(file, (char __user *)user, strlen(command), &pos);
	vm_munmap(user, PAGE_SIZE);

	return written < 0 ? written : 0;
}

static int luokit_leak_scan(void)
{
	struct vfsmount *mnt;
	struct file *file;
	int err, i;

	err = kunit_attach_mm();
	if (err)
		return err;
	mnt = kern_mount(get_fs_type("debugfs"));
	if (IS_ERR(mnt))
		return PTR_ERR(mnt);
	file = file_open_root_mnt(mnt, "kmemleak", O_RDWR, 0);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto err_mount;
	}

	msleep(LUOKIT_LEAK_AGE_MS);
	/* The first scan only notes what changed since it was allocated. */
	for (i = 0; i < 2 && !err; i++)
		err = luokit_leak_command(file, "scan");
	__fput_sync(file);

err_mount:
	kern_unmount(mnt);

	return err;
}

struct luokit_leak_work {
	struct completion done;
	int err;
};

static int luokit_leak_thread(void *data)
{
	struct luokit_leak_work *work = data;

	work->err = luokit_leak_scan();
	complete(&work->done);

	return 0;
}

static int luokit_leak_notify(struct notifier_block *nb, unsigned long event, void *data)
{
	struct luokit_leak_work work = {
		.done = COMPLETION_INITIALIZER_ONSTACK(work.done),
	};
	struct task_struct *task;

	task = kthread_run(luokit_leak_thread, &work, "luokit-leaks");
	if (IS_ERR(task))
		work.err = PTR_ERR(task);
	else
		wait_for_completion(&work.done);
	if (work.err)
		pr_err("BUG: luokit: no search for leaks: %pe\n", ERR_PTR(work.err));
	else
		pr_info("luokit: searched for leaks\n");

	return NOTIFY_DONE;
}

static struct notifier_block luokit_leak_nb = {
	.notifier_call = luokit_leak_notify,
};

static int __init luokit_leak_init(void)
{
	return register_reboot_notifier(&luokit_leak_nb);
}
late_initcall(luokit_leak_init);
