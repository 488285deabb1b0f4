// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: the kit as a module, for suites that are modules.
 *
 * Each folder's suites and worlds are one module (Kbuild.include), which runs its tests when it
 * is loaded, as KUnit has it, and can be unloaded. What they need of the kit is exported
 * here, in one place: built in, nobody needs it.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/notifier.h>

#include "luokit_internal.h"

/* What suites call (luokit.h). */
EXPORT_SYMBOL_GPL(luokit_boot);
EXPORT_SYMBOL_GPL(luokit_without_core_xarray);
EXPORT_SYMBOL_GPL(luokit_end);
EXPORT_SYMBOL_GPL(luokit_private);
EXPORT_SYMBOL_GPL(luokit_own);
EXPORT_SYMBOL_GPL(luokit_put);
EXPORT_SYMBOL_GPL(luokit_open_misc);
EXPORT_SYMBOL_GPL(luokit_foreign);
EXPORT_SYMBOL_GPL(luokit_create);
EXPORT_SYMBOL_GPL(luokit_retrieve_session);
EXPORT_SYMBOL_GPL(luokit_preserve);
EXPORT_SYMBOL_GPL(luokit_retrieve);
EXPORT_SYMBOL_GPL(luokit_finish);
EXPORT_SYMBOL_GPL(luokit_finish_warns);
EXPORT_SYMBOL_GPL(luokit_close);
EXPORT_SYMBOL_GPL(luokit_data);
EXPORT_SYMBOL_GPL(luokit_freeze);
EXPORT_SYMBOL_GPL(luokit_thaw);
EXPORT_SYMBOL_GPL(luokit_reboot);
EXPORT_SYMBOL_GPL(luokit_between);
EXPORT_SYMBOL_GPL(luokit_next_world);
EXPORT_SYMBOL_GPL(luokit_carry);
EXPORT_SYMBOL_GPL(luokit_reboots);
EXPORT_SYMBOL_GPL(luokit_stub);
EXPORT_SYMBOL_GPL(luokit_stub_file);
EXPORT_SYMBOL_GPL(luokit_stub_number);
EXPORT_SYMBOL_GPL(luokit_stub_freeze);
EXPORT_SYMBOL_GPL(luokit_preserved_bytes);
EXPORT_SYMBOL_GPL(luokit_core_bytes);
EXPORT_SYMBOL_GPL(luokit_incoming_bytes);
EXPORT_SYMBOL_GPL(luokit_dump);
EXPORT_SYMBOL_GPL(luokit_expect_leak);
EXPORT_SYMBOL_GPL(luokit_expect_unretrieved);
EXPORT_SYMBOL_GPL(luokit_expect_complaint);
EXPORT_SYMBOL_GPL(luokit_complained);
EXPORT_SYMBOL_GPL(luokit_fail_kho_nth);
EXPORT_SYMBOL_GPL(luokit_fail_alloc_nth);
EXPORT_SYMBOL_GPL(luokit_fail_end);
EXPORT_SYMBOL_GPL(luokit_can_fail_alloc);
EXPORT_SYMBOL_GPL(luokit_sweep);
EXPORT_SYMBOL_GPL(luokit_orders);
EXPORT_SYMBOL_GPL(luokit_race);

/* What they say of their subjects (luokit_subject.h). */
EXPORT_SYMBOL_GPL(luokit_judge);
EXPORT_SYMBOL_GPL(luokit_case_name);
EXPORT_SYMBOL_GPL(luokit_hook);
#define EXPORT_CASE(_name)	EXPORT_SYMBOL_GPL(luokit_##_name);
LUOKIT_CASES(EXPORT_CASE)

/* What worlds call in place of the kernel's own (luokit_fake.h). */
EXPORT_SYMBOL_GPL(luokit_kho_is_enabled);
EXPORT_SYMBOL_GPL(luokit_is_kho_boot);
EXPORT_SYMBOL_GPL(luokit_kho_preserve_folio);
EXPORT_SYMBOL_GPL(luokit_kho_unpreserve_folio);
EXPORT_SYMBOL_GPL(luokit_kho_preserve_pages);
EXPORT_SYMBOL_GPL(luokit_kho_unpreserve_pages);
EXPORT_SYMBOL_GPL(luokit_kho_preserve_vmalloc);
EXPORT_SYMBOL_GPL(luokit_kho_unpreserve_vmalloc);
EXPORT_SYMBOL_GPL(luokit_kho_alloc_preserve);
EXPORT_SYMBOL_GPL(luokit_core_alloc_preserve);
EXPORT_SYMBOL_GPL(luokit_kho_unpreserve_free);
EXPORT_SYMBOL_GPL(luokit_kho_restore_free);
EXPORT_SYMBOL_GPL(luokit_kho_restore_folio);
EXPORT_SYMBOL_GPL(luokit_kho_restore_pages);
EXPORT_SYMBOL_GPL(luokit_kho_restore_vmalloc);
EXPORT_SYMBOL_GPL(luokit_kho_add_subtree);
EXPORT_SYMBOL_GPL(luokit_kho_remove_subtree);
EXPORT_SYMBOL_GPL(luokit_kho_retrieve_subtree);
EXPORT_SYMBOL_GPL(luokit_fget);
EXPORT_SYMBOL_GPL(luokit_fput);
EXPORT_SYMBOL_GPL(luokit_is_frozen);
EXPORT_SYMBOL_GPL(luokit_set_frozen);
EXPORT_SYMBOL_GPL(luokit_misc_register);
EXPORT_SYMBOL_GPL(luokit_misc_deregister);
EXPORT_SYMBOL_GPL(luokit_watch);
EXPORT_SYMBOL_GPL(luokit_unwatch);
EXPORT_SYMBOL_GPL(luokit_try_module_get);
EXPORT_SYMBOL_GPL(luokit_module_put);
EXPORT_SYMBOL_GPL(luokit_fd_install);
EXPORT_SYMBOL_GPL(luokit_anon_inode_getfd);
EXPORT_SYMBOL_GPL(luokit_printk);
EXPORT_SYMBOL_GPL(luokit_quiet_begin);
EXPORT_SYMBOL_GPL(luokit_quiet_end);
EXPORT_SYMBOL_GPL(luokit_should_fail_vmalloc);
EXPORT_SYMBOL_GPL(luokit_is_without_core_xarray);
EXPORT_SYMBOL_GPL(luokit_restore_fail);
EXPORT_SYMBOL_GPL(luokit_this_module);

#ifdef MODULE
/* Another suite's world may come to where this one's was. */
static int luokit_module_event(struct notifier_block *nb, unsigned long event, void *data)
{
	if (event == MODULE_STATE_GOING)
		luokit_statics_forget(data);

	return NOTIFY_OK;
}

static struct notifier_block luokit_module_nb = {
	.notifier_call = luokit_module_event,
};

static int __init luokit_init(void)
{
	luokit_module_init();

	return register_module_notifier(&luokit_module_nb);
}
module_init(luokit_init);

static void __exit luokit_exit(void)
{
	unregister_module_notifier(&luokit_module_nb);
}
module_exit(luokit_exit);
#endif

MODULE_DESCRIPTION("KUnit tests that live-update file handlers without a reboot");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
