/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luokit: what a world (core and handlers) calls instead of the kernel's own functions,
 * and what the kit calls in a world. Included by luokit_world.h and by the kit; suites
 * need neither.
 */
#ifndef LUOKIT_FAKE_H
#define LUOKIT_FAKE_H

#include <linux/types.h>

struct file;
struct file_operations;
struct folio;
struct kho_vmalloc;
struct liveupdate_file_handler;
struct luokit;
struct miscdevice;
struct module;
struct page;

/* KHO, kept as a ledger (fake_kho.c). The contracts are those of linux/kexec_handover.h. */
bool luokit_kho_is_enabled(void);
bool luokit_is_kho_boot(void);
int luokit_kho_preserve_folio(struct folio *folio);
void luokit_kho_unpreserve_folio(struct folio *folio);
int luokit_kho_preserve_pages(struct page *page, unsigned long nr_pages);
void luokit_kho_unpreserve_pages(struct page *page, unsigned long nr_pages);
int luokit_kho_preserve_vmalloc(void *ptr, struct kho_vmalloc *preservation);
void luokit_kho_unpreserve_vmalloc(struct kho_vmalloc *preservation);
void *luokit_kho_alloc_preserve(size_t size);
void *luokit_core_alloc_preserve(size_t size);
void luokit_kho_unpreserve_free(void *mem);
void luokit_kho_restore_free(void *mem);
struct folio *luokit_kho_restore_folio(phys_addr_t phys);
struct page *luokit_kho_restore_pages(phys_addr_t phys, unsigned long nr_pages);
void *luokit_kho_restore_vmalloc(const struct kho_vmalloc *preservation);
int luokit_kho_add_subtree(const char *name, void *blob, size_t size);
void luokit_kho_remove_subtree(void *blob);
int luokit_kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size);

/* The core looks up and puts files (lifecycle.c). */
struct file *luokit_fget(unsigned int fd);
void luokit_fput(struct file *file);
bool luokit_is_frozen(void);
void luokit_set_frozen(void);
int luokit_misc_register(struct miscdevice *misc);
void luokit_misc_deregister(struct miscdevice *misc);

/* Handlers that register (watch.c), and what they do to modules and descriptors. */
void luokit_watch(struct liveupdate_file_handler *fh);
void luokit_unwatch(struct liveupdate_file_handler *fh);
bool luokit_try_module_get(struct module *module);
void luokit_module_put(struct module *module);
void luokit_fd_install(unsigned int fd, struct file *file);
int luokit_anon_inode_getfd(const char *name, const struct file_operations *fops, void *priv,
			    int flags);

__printf(1, 2) int luokit_printk(const char *fmt, ...);

/* What THIS_MODULE is in a world, so that a forgotten .owner can be told from it. */
#ifdef CONFIG_MODULES
#define LUOKIT_MODULE_BYTES	sizeof(struct module)
#else
#define LUOKIT_MODULE_BYTES	sizeof(long)
#endif
extern char luokit_this_module[];

/*
 * Allocations between these two are not for injected failures: those of the kit, and of what a
 * world may not fail halfway (inject.c).
 */
unsigned int luokit_quiet_begin(void);
void luokit_quiet_end(unsigned int saved);

/* Whether this allocation by vmalloc() or kvmalloc() is to fail (inject.c). */
bool luokit_should_fail_vmalloc(void);

/* Whether the core is to overlook files that are preserved twice (lifecycle.c). */
bool luokit_is_without_core_xarray(void);

/* In place of the core's panic(). */
__printf(1, 2) void luokit_restore_fail(const char *fmt, ...);

/* An initcall, exit call or early parameter of a world, in the order of the source. */
struct luokit_call {
	union {
		int (*init)(void);
		void (*exit)(void);
		int (*param)(char *arg);
	};
	const char *name;		/* of a parameter */
	int level;			/* of an initcall, or one of the two below */
	int seq;
};

#define LUOKIT_LEVEL_PARAM	(-2)
#define LUOKIT_LEVEL_EXIT	(-1)

/**
 * struct luokit_world - core and handlers, as the kit drives them
 * @name: of the world, for messages.
 * @data: start of all its writable data.
 * @data_end: behind it.
 * @call: start of its initcalls, exits and parameters.
 * @call_end: behind them.
 * @private: the author's, see luokit_private().
 * @open: open /dev/liveupdate and close it again.
 * @session_create: as LIVEUPDATE_IOCTL_CREATE_SESSION.
 * @session_retrieve: as LIVEUPDATE_IOCTL_RETRIEVE_SESSION.
 * @session_finish: as LIVEUPDATE_SESSION_FINISH.
 * @session_listed: whether the core still knows the session that had this private_data.
 * @sessions: number of sessions the core knows; those nobody retrieved in @unretrieved.
 * @preserve: as LIVEUPDATE_SESSION_PRESERVE_FD.
 * @retrieve: as LIVEUPDATE_SESSION_RETRIEVE_FD.
 * @data_of: serialized_data of a file.
 * @freeze: liveupdate_reboot(), and the lock it keeps released.
 * @thaw: undo that.
 * @register_handler: liveupdate_register_file_handler().
 * @stop: unregister what is registered and free the core's own state. Sessions that
 *        are left are dropped without their handlers being asked.
 */
struct luokit_world {
	const char *name;
	char *data;
	char *data_end;
	const struct luokit_call * const *call;
	const struct luokit_call * const *call_end;
	const void *private;

	int (*open)(void);
	int (*session_create)(const char *name, struct file **filep);
	int (*session_retrieve)(const char *name, struct file **filep);
	int (*session_finish)(struct file *file);
	bool (*session_listed)(const void *session);
	unsigned int (*sessions)(unsigned int *unretrieved);
	int (*preserve)(struct file *session, u64 token, int fd);
	int (*retrieve)(struct file *session, u64 token, struct file **filep);
	int (*data_of)(struct file *session, u64 token, u64 *data);
	int (*freeze)(void);
	void (*thaw)(void);
	int (*register_handler)(struct liveupdate_file_handler *fh);
	void (*stop)(void);
};

#endif /* LUOKIT_FAKE_H */
