// SPDX-License-Identifier: GPL-2.0
/*
 * A handler for kvm-vm files that guards them and does nothing else.
 *
 * It shows on real virtual machines what the guard is for: all anon files share one
 * inode, so only the handler, by the object behind the file, can tell two virtual
 * machines apart and one from itself. The scenario is tests/vm/scenarios/kvm.c.
 *
 * Built in only: file_is_kvm() is exported to none but KVM's own modules.
 */

#include <linux/err.h>
#include <linux/init.h>
#include <linux/kvm_host.h>
#include <luosdk/handler.h>

/* The layer wants a state to keep; there is nothing to put into it. */
struct kvm_guard_ser {
	u64 unused;
};

/* Statistics, processors and devices hold the same struct kvm under other f_op. */
static struct kvm *kvm_guard_context(struct file *file)
{
	return file_is_kvm(file) ? file->private_data : NULL;
}

static int kvm_guard_save(struct file *file, struct kvm *kvm,
			  struct kvm_guard_ser *ser)
{
	return 0;
}

static struct file *kvm_guard_restore(const struct kvm_guard_ser *ser)
{
	return ERR_PTR(-EOPNOTSUPP);
}

LUOSDK_HANDLER(kvm_guard, "luosdk-kvm-guard-v1",
	       struct kvm, struct kvm_guard_ser,
	.context = kvm_guard_context,
	.save = kvm_guard_save,
	.restore = kvm_guard_restore,
);

static int __init kvm_guard_init(void)
{
	return kvm_guard_luo_register();
}
device_initcall(kvm_guard_init);
