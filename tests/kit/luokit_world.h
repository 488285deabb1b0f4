/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luokit: make a world, that is a kernel to be tested, of one compilation unit.
 *
 * A world is a file <subject>_world.c::
 *
 *	#include <luokit_world.h>
 *	#include "eventfd_luo.c"
 *	LUOKIT_WORLD(eventfd_luo_world);
 *
 * and two lines in the Kbuild of its folder::
 *
 *	luokit-world-$(CONFIG_EVENTFD_LUO_KUNIT_TEST) += eventfd_luo
 *	include $(src)/../../tests/kit/Kbuild.include
 *
 * This header brings LUO's core of the tree under test, unchanged, with every kho_*()
 * call, fget(), fput(), misc_register() and the panic after a failed boot redirected to the
 * kit, and makes initcalls a table that luokit_boot() works off. Handlers included below
 * it are treated the same way. The Kbuild part then joins all writable data of the unit, so
 * that a boot can reset it, and hides all symbols but the world's, so that several worlds,
 * each with a core of its own, live in one kernel; beside the real core if there is one.
 *
 * To give a suite a way to static functions: LUOKIT_WORLD(x, .private = &table), read by
 * luokit_private(). A handler with a pr_fmt() unlike the usual one needs #undef pr_fmt first.
 */
#ifndef LUOKIT_WORLD_H
#define LUOKIT_WORLD_H

/* UML cannot have these; what they change is all inside this unit. */
#ifndef CONFIG_LIVEUPDATE
#define CONFIG_LIVEUPDATE 1
#endif
#ifndef CONFIG_LIVEUPDATE_MEMFD
#define CONFIG_LIVEUPDATE_MEMFD 1
#endif
/* The kernel's own test registers with every core it finds. */
#undef CONFIG_LIVEUPDATE_TEST

/* A tracepoint is a symbol of the whole kernel, and of one handler there may be many worlds. */
#ifndef NOTRACE
#define NOTRACE
#endif

/* As all of the core has it: must stand before the first #include. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kexec_handover.h>
#include <linux/kho_block.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>
#include <luokit_fake.h>

/* Only now: with it the header needs more than UML's memory management has. */
#ifndef CONFIG_KEXEC_HANDOVER
#define CONFIG_KEXEC_HANDOVER 1
#endif

/* Initcalls run when the kit boots the world, not when the real kernel boots. */
#define LUOKIT_CALL(_member, _fn, _level, _name)				\
	static const struct luokit_call * const __UNIQUE_ID(luokit_call)	\
	__used __section(".luokit.call") = &(const struct luokit_call){		\
		._member = _fn, .name = _name, .level = _level,			\
		.seq = __COUNTER__,						\
	}

#undef early_param
#undef early_initcall
#undef pure_initcall
#undef core_initcall
#undef postcore_initcall
#undef arch_initcall
#undef subsys_initcall
#undef fs_initcall
#undef device_initcall
#undef late_initcall
#undef late_initcall_sync
#undef module_init
#undef module_exit
#define early_param(name, fn)	LUOKIT_CALL(param, fn, LUOKIT_LEVEL_PARAM, name)
#define early_initcall(fn)	LUOKIT_CALL(init, fn, 0, #fn)
#define pure_initcall(fn)	LUOKIT_CALL(init, fn, 0, #fn)
#define core_initcall(fn)	LUOKIT_CALL(init, fn, 1, #fn)
#define postcore_initcall(fn)	LUOKIT_CALL(init, fn, 2, #fn)
#define arch_initcall(fn)	LUOKIT_CALL(init, fn, 3, #fn)
#define subsys_initcall(fn)	LUOKIT_CALL(init, fn, 4, #fn)
#define fs_initcall(fn)		LUOKIT_CALL(init, fn, 5, #fn)
#define device_initcall(fn)	LUOKIT_CALL(init, fn, 6, #fn)
#define late_initcall(fn)	LUOKIT_CALL(init, fn, 7, #fn)
#define late_initcall_sync(fn)	LUOKIT_CALL(init, fn, 7, #fn)
#define module_init(fn)		device_initcall(fn)
#define module_exit(fn)		LUOKIT_CALL(exit, fn, LUOKIT_LEVEL_EXIT, #fn)

/* The redirections. Headers included from here on follow them as well. */
#define kho_is_enabled		luokit_kho_is_enabled
#define is_kho_boot		luokit_is_kho_boot
#define kho_preserve_folio	luokit_kho_preserve_folio
#define kho_unpreserve_folio	luokit_kho_unpreserve_folio
#define kho_preserve_pages	luokit_kho_preserve_pages
#define kho_unpreserve_pages	luokit_kho_unpreserve_pages
#define kho_preserve_vmalloc	luokit_kho_preserve_vmalloc
#define kho_unpreserve_vmalloc	luokit_kho_unpreserve_vmalloc
#define kho_unpreserve_free	luokit_kho_unpreserve_free
#define kho_restore_free	luokit_kho_restore_free
#define kho_restore_folio	luokit_kho_restore_folio
#define kho_restore_pages	luokit_kho_restore_pages
#define kho_restore_vmalloc	luokit_kho_restore_vmalloc
#define kho_add_subtree		luokit_kho_add_subtree
#define kho_remove_subtree	luokit_kho_remove_subtree
#define kho_retrieve_subtree	luokit_kho_retrieve_subtree
#define fget			luokit_fget
#define fput			luokit_fput
#define misc_register		luokit_misc_register
#define misc_deregister		luokit_misc_deregister
#define try_module_get		luokit_try_module_get
#define module_put		luokit_module_put
#define fd_install		luokit_fd_install
#define anon_inode_getfd	luokit_anon_inode_getfd
#define _printk			luokit_printk

/* kmalloc() fails by the kernel's own fault injection, which does not know these. */
#define LUOKIT_VMALLOC(call)	(luokit_should_fail_vmalloc() ? NULL : (call))
#define vmalloc_noprof(...)	LUOKIT_VMALLOC((vmalloc_noprof)(__VA_ARGS__))
#define vzalloc_noprof(...)	LUOKIT_VMALLOC((vzalloc_noprof)(__VA_ARGS__))
#define vcalloc_noprof(...)	LUOKIT_VMALLOC((vcalloc_noprof)(__VA_ARGS__))
#define __vmalloc_noprof(...)	LUOKIT_VMALLOC((__vmalloc_noprof)(__VA_ARGS__))
#define vmalloc_array_noprof(...) LUOKIT_VMALLOC((vmalloc_array_noprof)(__VA_ARGS__))
#define __kvmalloc_node_noprof(...) \
	LUOKIT_VMALLOC((__kvmalloc_node_noprof)(__VA_ARGS__))
#define _kvmalloc_array_node_noprof(...) \
	LUOKIT_VMALLOC((_kvmalloc_array_node_noprof)(__VA_ARGS__))

/* Built in, all owners would be NULL, and a missing one nobody's mistake. */
#undef THIS_MODULE
#define THIS_MODULE		((struct module *)luokit_this_module)

/* LUO's core. What it allocates is counted apart from what handlers do. */
#include <kernel/liveupdate/luo_internal.h>
#undef luo_restore_fail
#define luo_restore_fail	luokit_restore_fail

#define kho_alloc_preserve	luokit_core_alloc_preserve
#include <kernel/liveupdate/kho_block.c>
#include <kernel/liveupdate/luo_flb.c>

/* Linux before 7.1 does not notice a file preserved twice: luokit_without_core_xarray(). */
static inline int luokit_xa_insert(struct xarray *xa, unsigned long index, void *entry,
				   gfp_t gfp)
{
	return luokit_is_without_core_xarray() ? 0 : xa_insert(xa, index, entry, gfp);
}

static inline void *luokit_xa_erase(struct xarray *xa, unsigned long index)
{
	return luokit_is_without_core_xarray() ? NULL : xa_erase(xa, index);
}

#define xa_insert		luokit_xa_insert
#define xa_erase		luokit_xa_erase
#include <kernel/liveupdate/luo_file.c>
#undef xa_insert
#undef xa_erase

#include <kernel/liveupdate/luo_session.c>

/* luo_core.c uses three names of luo_session.c anew. */
#undef IOCTL_OP
#define ucmd_buffer		luokit_core_ucmd_buffer
#define luo_ioctl_op		luokit_core_ioctl_op
#include <kernel/liveupdate/luo_core.c>
#undef IOCTL_OP
#undef ucmd_buffer
#undef luo_ioctl_op

#undef kho_alloc_preserve
#define kho_alloc_preserve	luokit_kho_alloc_preserve

/* Handlers register below: the kit looks at their callbacks. */
static int luokit_world_register_handler(struct liveupdate_file_handler *fh)
{
	const struct liveupdate_file_ops *ops = fh->ops;
	int err;

	luokit_watch(fh);
	err = liveupdate_register_file_handler(fh);
	/* Refused as it is registered already: that one goes on being watched. */
	if (err && fh->ops != ops)
		luokit_unwatch(fh);

	return err;
}

static void luokit_world_unregister_handler(struct liveupdate_file_handler *fh)
{
	liveupdate_unregister_file_handler(fh);
	luokit_unwatch(fh);
}

#define liveupdate_register_file_handler	luokit_world_register_handler
#define liveupdate_unregister_file_handler	luokit_world_unregister_handler

/*
 * The kit's way in. The ioctl functions themselves copy from user space and install fds,
 * of which a kernel thread has none: these take the same locks in the same order and make
 * the same checks.
 */
static int luokit_world_open(void)
{
	/* The core looks at private_data only. */
	struct file *file = kzalloc(sizeof(*file), GFP_KERNEL | __GFP_NOFAIL);
	int err;

	file->private_data = &luo_dev.miscdev;
	err = luo_open(NULL, file);
	if (!err)
		luo_release(NULL, file);
	kfree(file);

	return err;
}

static int luokit_world_session_create(const char *name, struct file **filep)
{
	return luo_session_create(name, filep);
}

static int luokit_world_session_retrieve(const char *name, struct file **filep)
{
	return luo_session_retrieve(name, filep);
}

static int luokit_world_session_finish(struct file *file)
{
	struct luo_session *session = file->private_data;

	if (!session->retrieved)
		return -EINVAL;

	guard(rwsem_read)(&luo_session_serialize_rwsem);
	if (luokit_is_frozen())
		return -EDEADLK;
	return luo_session_finish_one(session);
}

static bool luokit_world_session_listed(const void *session)
{
	struct luo_session *it;

	scoped_guard(rwsem_read, &luo_session_global.incoming.rwsem)
		list_for_each_entry(it, &luo_session_global.incoming.list, list)
			if (it == session)
				return true;
	scoped_guard(rwsem_read, &luo_session_global.outgoing.rwsem)
		list_for_each_entry(it, &luo_session_global.outgoing.list, list)
			if (it == session)
				return true;

	return false;
}

static unsigned int luokit_world_sessions(unsigned int *unretrieved)
{
	struct luo_session *it;

	guard(rwsem_read)(&luo_session_global.incoming.rwsem);
	*unretrieved = 0;
	list_for_each_entry(it, &luo_session_global.incoming.list, list)
		if (!it->retrieved)
			++*unretrieved;

	return luo_session_global.incoming.count + luo_session_global.outgoing.count;
}

static int luokit_world_preserve(struct file *file, u64 token, int fd)
{
	struct luo_session *session = file->private_data;

	if (session->retrieved)
		return -EINVAL;

	guard(rwsem_read)(&luo_session_serialize_rwsem);
	if (luokit_is_frozen())
		return -EDEADLK;
	guard(mutex)(&session->mutex);
	return luo_preserve_file(&session->file_set, token, fd);
}

static int luokit_world_retrieve(struct file *file, u64 token, struct file **filep)
{
	struct luo_session *session = file->private_data;

	if (!session->retrieved)
		return -EINVAL;

	guard(rwsem_read)(&luo_session_serialize_rwsem);
	if (luokit_is_frozen())
		return -EDEADLK;
	guard(mutex)(&session->mutex);
	return luo_retrieve_file(&session->file_set, token, filep);
}

static int luokit_world_data_of(struct file *file, u64 token, u64 *data)
{
	struct luo_session *session = file->private_data;
	struct luo_file *it;

	guard(mutex)(&session->mutex);
	list_for_each_entry(it, &session->file_set.files_list, list) {
		if (it->token == token) {
			*data = it->serialized_data;
			return 0;
		}
	}

	return -ENOENT;
}

/*
 * After a success the core keeps its lock until the machine is gone. The kit cannot: the
 * thread that ends a test is another one. Whoever waited for it then gets -EDEADLK, as the
 * machine would have gone down around him.
 */
static int luokit_world_freeze(void)
{
	int err = liveupdate_reboot();

	if (!err) {
		luokit_set_frozen();
		up_write(&luo_session_serialize_rwsem);
	}

	return err;
}

static void luokit_world_thaw(void)
{
	struct luo_session_header *sh = &luo_session_global.outgoing;
	struct luo_session *session;
	struct kho_block_set_it it;

	guard(rwsem_write)(&luo_session_serialize_rwsem);
	guard(rwsem_write)(&sh->rwsem);

	/* Step behind the last session's entry, then undo from there to the first. */
	kho_block_set_it_init(&it, &sh->block_set);
	list_for_each_entry(session, &sh->list, list)
		kho_block_set_it_read_entry(&it);
	list_for_each_entry_reverse(session, &sh->list, list) {
		struct luo_session_ser *ser = kho_block_set_it_prev(&it);

		luo_session_unfreeze_one(session, ser);
		memset(ser->name, 0, sizeof(ser->name));
	}
	*sh->sessions_pa = 0;
}

/* The files of a session nobody finished: what the core knows of them, and no more. */
static void luokit_world_drop_session(struct luo_session *session)
{
	struct luo_file_set *file_set = &session->file_set;
	struct luo_file *luo_file, *next;

	list_for_each_entry_safe(luo_file, next, &file_set->files_list, list) {
		if (luo_file->file) {
			xa_erase(&luo_preserved_files,
				 luo_get_id(luo_file->fh, luo_file->file));
			fput(luo_file->file);
		}
		list_del(&luo_file->list);
		mutex_destroy(&luo_file->mutex);
		kfree(luo_file);
	}
	file_set->count = 0;
	kho_block_set_destroy(&file_set->block_set);
	list_del(&session->list);
	luo_session_free(session);
}

static void luokit_world_stop(void)
{
	struct liveupdate_file_handler *fh, *next_fh;
	struct luo_session *session, *next;

	list_for_each_entry_safe(session, next, &luo_session_global.incoming.list, list)
		luokit_world_drop_session(session);
	kho_block_set_destroy(&luo_session_global.incoming.block_set);
	kho_block_set_destroy(&luo_session_global.outgoing.block_set);

	list_private_for_each_entry_safe(fh, next_fh, &luo_file_handler_list, list)
		luokit_world_unregister_handler(fh);

	/* Never given back by the core, in neither direction. */
	kho_restore_free(luo_flb_global.incoming.header_ser);
	kho_unpreserve_free(luo_flb_global.outgoing.header_ser);
	if (luo_global.luo_ser_out) {
		kho_remove_subtree(luo_global.luo_ser_out);
		kho_unpreserve_free(luo_global.luo_ser_out);
	}
}

/* Set by world.lds. */
extern char luokit_data_start[], luokit_data_end[];
extern const struct luokit_call * const luokit_call_start[], * const luokit_call_end[];

/* Define the world @_name; what follows are further members of &struct luokit_world. */
#define LUOKIT_WORLD(_name, ...)						\
	extern const struct luokit_world _name;					\
	const struct luokit_world _name = {					\
		.name			= #_name,				\
		.data			= luokit_data_start,			\
		.data_end		= luokit_data_end,			\
		.call			= luokit_call_start,			\
		.call_end		= luokit_call_end,			\
		.open			= luokit_world_open,			\
		.session_create		= luokit_world_session_create,		\
		.session_retrieve	= luokit_world_session_retrieve,	\
		.session_finish		= luokit_world_session_finish,		\
		.session_listed		= luokit_world_session_listed,		\
		.sessions		= luokit_world_sessions,		\
		.preserve		= luokit_world_preserve,		\
		.retrieve		= luokit_world_retrieve,		\
		.data_of		= luokit_world_data_of,			\
		.freeze			= luokit_world_freeze,			\
		.thaw			= luokit_world_thaw,			\
		.register_handler	= luokit_world_register_handler,	\
		.stop			= luokit_world_stop,			\
		__VA_ARGS__							\
	}

#endif /* LUOKIT_WORLD_H */
