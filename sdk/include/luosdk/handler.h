/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luosdk/handler.h - a live update file handler from its type-specific lines.
 *
 * LUO wants nine callbacks from a handler. What differs between two handlers
 * is which object is behind a file, what of it is saved, and how it is made
 * again. The author writes these as typed functions; LUOSDK_HANDLER() makes the
 * callbacks, which keep the rules that every handler has to keep.
 */
#ifndef _LUOSDK_HANDLER_H
#define _LUOSDK_HANDLER_H

#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/stddef.h>
#include <luosdk/compat.h>
#include <luosdk/depend.h>
#include <luosdk/file.h>
#include <luosdk/guard.h>
#include <luosdk/note.h>
#include <luosdk/state.h>
#include <luosdk/stats.h>
#include <luosdk/trace.h>

/**
 * DOC: handler
 *
 * A complete handler for a driver's own kind of file::
 *
 *	struct widget_luo_ser {
 *		u64 value;
 *	};
 *
 *	static int widget_save(struct file *file, struct widget *w,
 *			       struct widget_luo_ser *ser)
 *	{
 *		ser->value = w->value;
 *		return 0;
 *	}
 *
 *	static struct file *widget_restore(const struct widget_luo_ser *ser)
 *	{
 *		return widget_create_file(ser->value);
 *	}
 *
 *	LUOSDK_HANDLER(widget, "widget-v1",
 *		       struct widget, struct widget_luo_ser,
 *		.fops = &widget_fops,
 *		.guard = LUOSDK_GUARD_IN(struct widget, guard),
 *		.save = widget_save,
 *		.restore = widget_restore,
 *	);
 *
 *	static int __init widget_init(void)
 *	{
 *		return widget_luo_register();
 *	}
 *
 *	static void __exit widget_exit(void)
 *	{
 *		widget_luo_unregister();
 *	}
 *
 * The functions must be the file's own (static), for the compiler to see that
 * they are there. The fields, in the order of a file's life. All but .save, .restore and one of
 * .fops and .context may be left out; what is missing is right as it is.
 *
 * ``const struct file_operations *fops``
 *	The files are those with these operations.
 * ``ctx *context(struct file *file)``
 *	The object behind a file; NULL if the file is of another type. Without
 *	.fops this is the type check, and must not look into private_data before
 *	it knows the type. Without .context it is file->private_data. Asked at any
 *	time, so it must take no reference and always give the same answer.
 * ``bool accept(struct file *file, ctx *ctx)``
 *	Whether to take this file at all, for a handler that can be switched off at
 *	run time in favour of another one. Asked when LUO looks for a handler, and
 *	never again.
 * ``guard``
 *	LUOSDK_GUARD_IN(), if the object has room for an embedded guard.
 * ``int save(struct file *file, ctx *ctx, ser *ser)``
 *	Write the state. Called in preserve, so that what cannot be saved is
 *	refused early, and again in freeze, so that nothing that changed since is
 *	lost. Must not allocate. @ser is zeroed before the first call.
 * ``int preserve(struct file *file, ctx *ctx, ser *ser)``
 *	For a state that owns more than its own bytes, as memory: take it, and
 *	write down what it is. Called once, after the first .save. May allocate.
 *	A failure leaves nothing behind. Then .unpreserve and .discard have to be
 *	there as well, and .restore takes over what is owned, also when it fails.
 * ``void unpreserve(struct file *file, ctx *ctx, ser *ser)``
 *	Undo .preserve: the file is not to be carried over.
 * ``int freeze(struct file *file, ctx *ctx, ser *ser)``
 *	Called in freeze, after .save: the last thing done to the object. For
 *	what must be switched over, as a mirror. User space is still running.
 * ``void thaw(struct file *file, ctx *ctx, ser *ser)``
 *	Undo .freeze: the update was aborted.
 * ``struct file *restore(const ser *ser)``
 *	Make object and file in the new kernel. @ser is intact and of the newest
 *	version; its values are still the old kernel's and have to be checked.
 *	Returns the file with one reference, or an ERR_PTR().
 * ``bool ready(struct file *file, ctx *ctx)``
 *	May the session finish? Asked only for a file that was retrieved, so that
 *	a failed retrieve can never strand a session.
 * ``void discard(const ser *ser)``
 *	Release what the state owns besides its own bytes: nobody retrieved it.
 * ``u32 version, min_version``, ``const struct luosdk_upgrade *upgrades``
 *	See &struct luosdk_format. Version 1, and nothing older, by default.
 * ``u32 sealed``
 *	How many bytes of @ser the checksum covers. All by default; fewer if
 *	fields at its end still change between freeze and the kexec.
 * ``u32 layout``
 *	LUOSDK_LAYOUT() of @ser, for scripts/preflight to tell whether another kernel
 *	lays the same version out in the same way. Without it that compares sizes.
 * ``unsigned int drain_ms``
 *	How long freeze waits for open access sections. 1000 by default.
 * ``.link``, ``.bind``, ``.parents``, ``.parent``
 *	For files that need other files: see the DOC section "depend".
 *
 * All of them are called with the session's mutex held, in process context, and
 * may sleep. For one file they are never called at the same time.
 */

/* An update that waits longer than this for one file has lost its purpose. */
#define LUOSDK_DRAIN_MS		1000

/**
 * LUOSDK_GUARD_IN() - Say where in the object its embedded guard is.
 * @type:   The type of the object.
 * @member: Its member, a struct luosdk_guard.
 */
#define LUOSDK_GUARD_IN(type, member)					\
	(1 + offsetof(type, member) +					\
	 BUILD_BUG_ON_ZERO(!__same_type(((type *)NULL)->member,		\
					struct luosdk_guard)))

/*
 * What LUOSDK_HANDLER() knows of a type, with the types of context and state
 * erased. There is one, constant, per handler, and everything that takes it is
 * inlined into that handler's callbacks: the compiler sees through it, and no
 * call by pointer remains.
 */
struct luosdk_type {
	const struct file_operations *fops;
	size_t guard;
	long drain;
	void *(*context)(struct file *file);
	bool (*accept)(struct file *file, void *ctx);
	int (*save)(struct file *file, void *ctx, void *ser);
	int (*preserve)(struct file *file, void *ctx, void *ser);
	void (*unpreserve)(struct file *file, void *ctx, void *ser);
	int (*freeze)(struct file *file, void *ctx, void *ser);
	void (*thaw)(struct file *file, void *ctx, void *ser);
	struct file *(*restore)(const void *ser);
	bool (*ready)(struct file *file, void *ctx);
	void (*discard)(const void *ser);
	int (*link)(struct file *file, void *ctx, void *ser,
		    struct luosdk_links *links);
	int (*bind)(struct file *file, void *ctx, const void *ser,
		    struct luosdk_links *links);
	/* Files of its own module may need it, which only this layer knows of. */
	bool recorded;
};

/**
 * struct luosdk_handler - What a handler needs at run time.
 * @name:   Its name, for messages and debugfs.
 * @fh:     What LUO registers.
 * @format: Its saved state.
 * @guards: The contexts that are claimed, unless its guard is embedded.
 * @slots:  Its pages of saved state.
 * @stats:  Its counters.
 * @depend: What its files need, and who needs them.
 *
 * LUOSDK_HANDLER() defines it under the name <name>_luo_handler. A driver can
 * ask it, for instance for luosdk_guards_get_file().
 */
struct luosdk_handler {
	const char *name;
	struct liveupdate_file_handler fh;
	struct luosdk_format format;
	struct luosdk_guards guards;
	struct luosdk_slots slots;
	struct luosdk_stats stats;
	struct luosdk_depend depend;
	/* private: */
	bool registered;
	bool no_luo;
};

/* What depend.h has to know of it. */
static inline struct luosdk_depend *luosdk_handler_depend(struct luosdk_handler *h)
{
	return &h->depend;
}

static inline const char *luosdk_handler_name(const struct luosdk_handler *h)
{
	return h->name;
}

static inline const struct luosdk_format *
luosdk_handler_format(const struct luosdk_handler *h)
{
	return &h->format;
}

static inline struct luosdk_guards *luosdk_handler_guards(struct luosdk_handler *h)
{
	return &h->guards;
}

static inline struct liveupdate_file_handler *luosdk_handler_fh(struct luosdk_handler *h)
{
	return &h->fh;
}

static __always_inline struct luosdk_guard *
luosdk_type_guard(const struct luosdk_type *t, void *ctx)
{
	return ctx + t->guard - 1;
}

static __always_inline int luosdk_type_claim(struct luosdk_handler *h,
					     const struct luosdk_type *t,
					     void *ctx, struct file *file)
{
	if (t->guard)
		return luosdk_guard_claim(luosdk_type_guard(t, ctx), file);
	return luosdk_guards_claim(&h->guards, ctx, file);
}

static __always_inline void luosdk_type_release(struct luosdk_handler *h,
						const struct luosdk_type *t,
						void *ctx, struct file *file)
{
	if (t->guard)
		luosdk_guard_release(luosdk_type_guard(t, ctx), file);
	else
		luosdk_guards_release(&h->guards, ctx, file);
}

static __always_inline int luosdk_type_freeze(struct luosdk_handler *h,
					      const struct luosdk_type *t,
					      void *ctx, struct file *file)
{
	if (t->guard)
		return luosdk_guard_freeze(luosdk_type_guard(t, ctx), file,
					   t->drain);
	return luosdk_guards_freeze(&h->guards, ctx, file);
}

static __always_inline void luosdk_type_thaw(struct luosdk_handler *h,
					     const struct luosdk_type *t,
					     void *ctx, struct file *file)
{
	if (t->guard)
		luosdk_guard_thaw(luosdk_type_guard(t, ctx), file);
	else
		luosdk_guards_thaw(&h->guards, ctx, file);
}

static __always_inline int luosdk_type_restored(struct luosdk_handler *h,
						const struct luosdk_type *t,
						void *ctx, struct file *file)
{
	if (t->guard)
		return luosdk_guard_restore(luosdk_type_guard(t, ctx), file);
	return luosdk_guards_restore(&h->guards, ctx, file);
}

/* NULL for a foreign file, of which nothing but f_op was looked at. */
static __always_inline void *luosdk_type_context(const struct luosdk_type *t,
						 struct file *file)
{
	if (t->fops && file->f_op != t->fops)
		return NULL;
	return t->context ? t->context(file) : file->private_data;
}

/*
 * The author's functions return 0 or a negative errno. LUO would take a
 * positive value of retrieve for success, and others for anything.
 */
static inline int luosdk_author_result(const char *name, const char *op, int err)
{
	if (WARN_ONCE(err > 0, "luosdk: %s: %s returned %d, which is no errno\n",
		      name, op, err))
		return -EINVAL;
	return err;
}

/* The author's .link: which other files this one needs. */
static __always_inline int
luosdk_handler_link(struct liveupdate_file_op_args *args, struct luosdk_handler *h,
		    const struct luosdk_type *t, void *ctx, void *ser, bool dry)
{
	struct luosdk_links links = {
		.handler = h,
		.session = luosdk_args_session(args),
		.file = args->file,
		.ctx = ctx,
		.dry = dry,
	};

	return luosdk_author_result(h->name, "link", t->link(args->file, ctx, ser, &links));
}

static __always_inline int
luosdk_handler_preserve(struct liveupdate_file_op_args *args,
			struct luosdk_handler *h, const struct luosdk_type *t)
{
	struct file *file = args->file;
	void *ctx = luosdk_type_context(t, file);
	void *ser;
	int err;

	/* can_preserve() was asked some time ago, and not by this function. */
	if (!ctx)
		return luosdk_stats_failed(&h->stats, -EINVAL);

	err = luosdk_type_claim(h, t, ctx, file);
	if (err == -EBUSY) {
		luosdk_stats_inc(&h->stats, LUOSDK_STAT_REFUSED_BUSY);
		return err;
	}
	if (err)
		return luosdk_stats_failed(&h->stats, err);

	ser = luosdk_state_alloc(&h->slots, &h->format);
	if (IS_ERR(ser)) {
		err = PTR_ERR(ser);
		goto err_release;
	}

	err = luosdk_author_result(h->name, "save", t->save(file, ctx, ser));
	if (!err && t->preserve)
		err = luosdk_author_result(h->name, "preserve",
					   t->preserve(file, ctx, ser));
	if (err)
		goto err_free;
	if (t->link)
		err = luosdk_handler_link(args, h, t, ctx, ser, true);
	if (!err && t->recorded)
		err = luosdk_leaver_add(&h->depend, ctx, luosdk_state_handle(ser));
	if (err)
		goto err_unpreserve;

	args->serialized_data = luosdk_state_handle(ser);
	args->private_data = ser;
	luosdk_stats_inc(&h->stats, LUOSDK_STAT_PRESERVED);
	luosdk_stats_add(&h->stats, LUOSDK_STAT_BYTES, h->slots.slot_bytes);

	return 0;

err_unpreserve:
	if (t->unpreserve)
		t->unpreserve(file, ctx, ser);
err_free:
	luosdk_state_free(&h->slots, ser);
err_release:
	luosdk_type_release(h, t, ctx, file);
	return luosdk_stats_failed(&h->stats, err);
}

static __always_inline void
luosdk_handler_unpreserve(struct liveupdate_file_op_args *args,
			  struct luosdk_handler *h, const struct luosdk_type *t)
{
	void *ctx = luosdk_type_context(t, args->file);

	if (t->recorded)
		luosdk_leaver_del(&h->depend, ctx);
	if (t->unpreserve)
		t->unpreserve(args->file, ctx, args->private_data);
	luosdk_state_free(&h->slots, args->private_data);
	luosdk_type_release(h, t, ctx, args->file);
	luosdk_stats_inc(&h->stats, LUOSDK_STAT_UNPRESERVED);
	luosdk_stats_add(&h->stats, LUOSDK_STAT_BYTES,
			 -(long)h->slots.slot_bytes);
}

static __always_inline int
luosdk_handler_freeze(struct liveupdate_file_op_args *args,
		      struct luosdk_handler *h, const struct luosdk_type *t)
{
	struct file *file = args->file;
	void *ctx = luosdk_type_context(t, file);
	void *ser = args->private_data;
	int err;

	err = luosdk_type_freeze(h, t, ctx, file);
	if (err) {
		pr_err("luosdk: %s: an access section was still open after %u ms, the live update is aborted\n",
		       h->name, jiffies_to_msecs(t->drain));
		return luosdk_stats_failed(&h->stats, err);
	}

	err = luosdk_author_result(h->name, "save", t->save(file, ctx, ser));
	if (!err && t->link)
		err = luosdk_handler_link(args, h, t, ctx, ser, false);
	if (!err && t->freeze)
		err = luosdk_author_result(h->name, "freeze",
					   t->freeze(file, ctx, ser));
	if (err) {
		/* LUO does not call unfreeze for the file whose freeze failed. */
		luosdk_type_thaw(h, t, ctx, file);
		return luosdk_stats_failed(&h->stats, err);
	}

	luosdk_state_seal(ser);
	luosdk_stats_inc(&h->stats, LUOSDK_STAT_FROZEN);

	return 0;
}

static __always_inline void
luosdk_handler_unfreeze(struct liveupdate_file_op_args *args,
			struct luosdk_handler *h, const struct luosdk_type *t)
{
	struct file *file = args->file;
	void *ctx = luosdk_type_context(t, file);

	if (t->thaw)
		t->thaw(file, ctx, args->private_data);
	luosdk_type_thaw(h, t, ctx, file);
	luosdk_stats_inc(&h->stats, LUOSDK_STAT_THAWED);
}

/*
 * Take over what the author's restore() returned, if it is what the contract
 * says: one reference to a file of this type, whose object is nobody else's.
 */
static __always_inline int luosdk_handler_adopt(struct luosdk_handler *h,
						const struct luosdk_type *t,
						struct file *file, const void *ser,
						struct luosdk_links *links)
{
	void *ctx;
	int err;

	if (IS_ERR(file))
		return PTR_ERR(file);
	if (WARN(!file, "luosdk: %s: restore returned no file\n", h->name))
		return -EIO;

	ctx = luosdk_type_context(t, file);
	if (WARN(!ctx, "luosdk: %s: restore returned a file of another type\n",
		 h->name)) {
		err = -EIO;
		goto err_fput;
	}
	if (WARN(file_count(file) != 1,
		 "luosdk: %s: restore returned a file that somebody has already\n",
		 h->name)) {
		err = -EIO;
		goto err_fput;
	}

	if (t->bind) {
		links->file = file;
		links->ctx = ctx;
		err = luosdk_author_result(h->name, "bind", t->bind(file, ctx, ser, links));
		if (err)
			goto err_fput;
	}

	err = luosdk_type_restored(h, t, ctx, file);
	if (WARN(err, "luosdk: %s: restore returned an object that is claimed\n",
		 h->name))
		goto err_fput;

	return 0;

err_fput:
	fput(file);
	return err;
}

/* An incoming state that cannot be used, and what that costs. */
static __always_inline void luosdk_handler_refused(struct luosdk_handler *h,
						   const struct luosdk_type *t,
						   const struct luosdk_incoming *in)
{
	luosdk_stats_add(&h->stats, LUOSDK_STAT_LEAKED, in->leaked);
	if (t->discard)
		pr_err("luosdk: %s: what the refused state owned is lost until the next reboot\n",
		       h->name);
}

/* From the state to the file, which @depth files wait for already. */
static __always_inline int
luosdk_handler_load(struct liveupdate_file_op_args *args, struct luosdk_handler *h,
		    const struct luosdk_type *t, unsigned int depth)
{
	struct luosdk_links links = {
		.handler = h,
		.session = luosdk_args_session(args),
		.depth = depth,
	};
	struct luosdk_incoming in;
	struct file *file;
	int err;

	err = luosdk_state_open(&in, &h->slots, &h->format,
				args->serialized_data);
	if (err) {
		luosdk_handler_refused(h, t, &in);
		return luosdk_stats_failed(&h->stats, err);
	}

	file = t->restore(in.payload);
	err = luosdk_handler_adopt(h, t, file, in.payload, &links);
	luosdk_state_close(&in);
	if (err)
		return luosdk_stats_failed(&h->stats, err);

	args->file = file;
	luosdk_stats_inc(&h->stats, LUOSDK_STAT_RESTORED);

	return 0;
}

/* Called by LUO, and by files that need this one: whoever is first has it restored. */
static __always_inline int
luosdk_handler_retrieve_recorded(struct liveupdate_file_op_args *args,
				 struct luosdk_handler *h, const struct luosdk_type *t)
{
	const struct luosdk_links *child = args->private_data;
	struct luosdk_arrival *first;
	int err;

	err = luosdk_arrival_ask(h, args->serialized_data, child, &first, &args->file);
	if (!first)
		return err;

	err = luosdk_handler_load(args, h, t, child ? child->depth + 1 : 0);

	return luosdk_arrival_done(&h->depend, first, !child, err, &args->file);
}

static __always_inline int
luosdk_handler_retrieve(struct liveupdate_file_op_args *args,
			struct luosdk_handler *h, const struct luosdk_type *t)
{
	if (t->recorded)
		return luosdk_handler_retrieve_recorded(args, h, t);
	return luosdk_handler_load(args, h, t, 0);
}

static __always_inline bool
luosdk_handler_can_finish(struct liveupdate_file_op_args *args,
			  struct luosdk_handler *h, const struct luosdk_type *t)
{
	struct file *file = args->file;

	if (!t->ready || args->retrieve_status < 0)
		return true;
	if (!args->retrieve_status) {
		/* Others may use it all the same. */
		file = t->recorded ? luosdk_arrival_file(&h->depend, args->serialized_data) :
				     NULL;
		if (!file)
			return true;
	}
	return t->ready(file, luosdk_type_context(t, file));
}

static __always_inline void
luosdk_handler_finish_restored(struct luosdk_handler *h, const struct luosdk_type *t,
			       struct file *file)
{
	luosdk_type_release(h, t, luosdk_type_context(t, file), file);
	luosdk_stats_inc(&h->stats, LUOSDK_STAT_FINISHED);
}

/* Its own record decides, as others may have asked for what LUO never retrieved. */
static __always_inline bool
luosdk_handler_finish_recorded(struct liveupdate_file_op_args *args,
			       struct luosdk_handler *h, const struct luosdk_type *t)
{
	struct luosdk_arrival *arrival;

	arrival = luosdk_arrival_remove(&h->depend, args->serialized_data);
	if (!arrival)
		return false;

	if (!arrival->err)
		luosdk_handler_finish_restored(h, t, arrival->file);
	if (arrival->held)
		fput(arrival->file);
	kfree(arrival);

	return true;
}

/* LUO wants no result; the trace event shows what was done, and with what success. */
static __always_inline int
luosdk_handler_finish(struct liveupdate_file_op_args *args,
		      struct luosdk_handler *h, const struct luosdk_type *t,
		      enum luosdk_op *op)
{
	struct luosdk_incoming in;
	int err;

	*op = LUOSDK_OP_FINISH;
	if (t->recorded && luosdk_handler_finish_recorded(args, h, t))
		return args->retrieve_status < 0 ? args->retrieve_status : 0;

	/* A retrieve that failed has consumed the state. */
	if (args->retrieve_status < 0)
		return args->retrieve_status;

	if (args->retrieve_status > 0) {
		luosdk_handler_finish_restored(h, t, args->file);
		return 0;
	}

	*op = LUOSDK_OP_DISCARD;
	err = luosdk_state_open(&in, &h->slots, &h->format,
				args->serialized_data);
	if (err) {
		luosdk_handler_refused(h, t, &in);
		return err;
	}
	if (t->discard)
		t->discard(in.payload);
	luosdk_state_close(&in);
	luosdk_stats_inc(&h->stats, LUOSDK_STAT_DISCARDED);

	return 0;
}

/* A callback has ended with @err; it began at @began. */
static __always_inline void
luosdk_handler_trace(struct liveupdate_file_op_args *args,
		     struct luosdk_handler *h, const struct luosdk_type *t,
		     enum luosdk_op op, u64 began, int err)
{
	if (luosdk_trace_enabled())
		luosdk_trace_end(h->name, op, args->file ?
				 luosdk_type_context(t, args->file) : NULL,
				 args->serialized_data,
				 err ? 0 : h->slots.slot_bytes, began, err);
}

/* Numbers of files mean something else where there are no look-ups. */
#define LUOSDK_VERSION_LINKS(links)					\
	(!LUOSDK_LOOKUPS && (links) ? LUOSDK_VERSION_BY_HANDLE : 0)

static inline int luosdk_handler_register(struct luosdk_handler *h)
{
	int err;

	h->format.compat = luosdk_compat_hash(h->format.compatible);
	h->format.version |= LUOSDK_VERSION_LINKS(h->depend.links);
	h->format.min_version |= LUOSDK_VERSION_LINKS(h->depend.links);

	err = liveupdate_register_file_handler(&h->fh);
	/* A kernel that was booted without live update: nothing to do. */
	h->no_luo = err == -EOPNOTSUPP;
	if (h->no_luo)
		return 0;
	if (err) {
		pr_err("luosdk: %s: LUO refused handler '%s': %pe\n", h->name,
		       h->fh.compatible, ERR_PTR(err));
		return err;
	}

	luosdk_stats_describe(&h->stats, &h->format, false);
	luosdk_stats_register(&h->stats, h->name);
	h->registered = true;

	return 0;
}

static inline void luosdk_handler_unregister(struct luosdk_handler *h)
{
	if (!h->registered)
		return;

	h->registered = false;
	luosdk_unregister_file_handler(&h->fh);
	luosdk_depend_end(&h->depend);
	luosdk_stats_unregister(&h->stats);
}

/**
 * LUOSDK_HANDLER() - Define a live update file handler.
 * @_name:   The type, as in eventfd; prefix of all that is defined.
 * @_compat: The compatible string, a literal. It is what the old and the new
 *           kernel agree on; formats under it have versions of their own.
 * @_ctx:    The type of the object behind a file.
 * @_ser:    The type of its saved state: fixed-width fields without padding.
 * @...:     The fields that the DOC section "handler" lists.
 *
 * Defines the callbacks <name>_luo_can_preserve(), _preserve(), _unpreserve(),
 * _freeze(), _unfreeze(), _retrieve(), _can_finish() and _finish(); the handler
 * <name>_luo_handler; and the two functions for the driver's own init and exit,
 * <name>_luo_register() and <name>_luo_unregister().
 *
 * There is no get_id: LUO then identifies struct files and the guard identifies
 * objects, and the two can never contradict each other.
 */
#define LUOSDK_HANDLER(_name, _compat, _ctx, _ser, ...)			\
	static_assert(sizeof(_compat) <= LIVEUPDATE_HNDL_COMPAT_LENGTH,	\
		      "luosdk: the compatible string is too long for LUO"); \
	static_assert(sizeof(_ser) % 4 == 0 && __alignof__(_ser) <= 8,	\
		      "luosdk: saved state needs fixed-width fields");	\
									\
	static const struct {						\
		const struct file_operations *fops;			\
		_ctx *(*context)(struct file *file);			\
		bool (*accept)(struct file *file, _ctx *ctx);		\
		size_t guard;						\
		int (*save)(struct file *file, _ctx *ctx, _ser *ser);	\
		int (*preserve)(struct file *file, _ctx *ctx, _ser *ser); \
		void (*unpreserve)(struct file *file, _ctx *ctx, _ser *ser); \
		int (*freeze)(struct file *file, _ctx *ctx, _ser *ser);	\
		void (*thaw)(struct file *file, _ctx *ctx, _ser *ser);	\
		struct file *(*restore)(const _ser *ser);		\
		bool (*ready)(struct file *file, _ctx *ctx);		\
		void (*discard)(const _ser *ser);			\
		int (*link)(struct file *file, _ctx *ctx, _ser *ser,	\
			    struct luosdk_links *links);		\
		int (*bind)(struct file *file, _ctx *ctx, const _ser *ser, \
			    struct luosdk_links *links);		\
		struct luosdk_handler *const *parents;			\
		bool parent;						\
		u32 version;						\
		u32 min_version;					\
		const struct luosdk_upgrade *upgrades;			\
		u32 sealed;						\
		u32 layout;						\
		unsigned int drain_ms;					\
	} _name##_luo_author = { __VA_ARGS__ };				\
									\
	static inline void *_name##_luo_do_context(struct file *file)	\
	{								\
		return _name##_luo_author.context(file);		\
	}								\
	static inline bool _name##_luo_do_accept(struct file *file, void *ctx) \
	{								\
		return _name##_luo_author.accept(file, ctx);		\
	}								\
	static inline int _name##_luo_do_save(struct file *file,	\
					      void *ctx, void *ser)	\
	{								\
		return _name##_luo_author.save(file, ctx, ser);		\
	}								\
	static inline int _name##_luo_do_preserve(struct file *file,	\
						  void *ctx, void *ser)	\
	{								\
		return _name##_luo_author.preserve(file, ctx, ser);	\
	}								\
	static inline void _name##_luo_do_unpreserve(struct file *file,	\
						     void *ctx, void *ser) \
	{								\
		_name##_luo_author.unpreserve(file, ctx, ser);		\
	}								\
	static inline int _name##_luo_do_freeze(struct file *file,	\
						void *ctx, void *ser)	\
	{								\
		return _name##_luo_author.freeze(file, ctx, ser);	\
	}								\
	static inline void _name##_luo_do_thaw(struct file *file,	\
					       void *ctx, void *ser)	\
	{								\
		_name##_luo_author.thaw(file, ctx, ser);		\
	}								\
	static inline struct file *_name##_luo_do_restore(const void *ser) \
	{								\
		return _name##_luo_author.restore(ser);			\
	}								\
	static inline bool _name##_luo_do_ready(struct file *file, void *ctx) \
	{								\
		return _name##_luo_author.ready(file, ctx);		\
	}								\
	static inline void _name##_luo_do_discard(const void *ser)	\
	{								\
		_name##_luo_author.discard(ser);			\
	}								\
	static inline int _name##_luo_do_link(struct file *file, void *ctx, \
					      void *ser,		\
					      struct luosdk_links *links) \
	{								\
		return _name##_luo_author.link(file, ctx, ser, links);	\
	}								\
	static inline int _name##_luo_do_bind(struct file *file, void *ctx, \
					      const void *ser,		\
					      struct luosdk_links *links) \
	{								\
		return _name##_luo_author.bind(file, ctx, ser, links);	\
	}								\
									\
	static struct luosdk_handler _name##_luo_handler;		\
									\
	/* Folded to constants wherever it is inlined. */		\
	static __always_inline struct luosdk_type _name##_luo_type(void) \
	{								\
		return (struct luosdk_type){				\
			.fops = _name##_luo_author.fops,		\
			.guard = _name##_luo_author.guard,		\
			.drain = msecs_to_jiffies(_name##_luo_author.drain_ms ?: \
						  LUOSDK_DRAIN_MS),	\
			.context = _name##_luo_author.context ?		\
				   _name##_luo_do_context : NULL,	\
			.accept = _name##_luo_author.accept ?		\
				  _name##_luo_do_accept : NULL,		\
			.save = _name##_luo_do_save,			\
			.preserve = _name##_luo_author.preserve ?	\
				    _name##_luo_do_preserve : NULL,	\
			.unpreserve = _name##_luo_author.unpreserve ?	\
				      _name##_luo_do_unpreserve : NULL,	\
			.freeze = _name##_luo_author.freeze ?		\
				  _name##_luo_do_freeze : NULL,		\
			.thaw = _name##_luo_author.thaw ?		\
				_name##_luo_do_thaw : NULL,		\
			.restore = _name##_luo_do_restore,		\
			.ready = _name##_luo_author.ready ?		\
				 _name##_luo_do_ready : NULL,		\
			.discard = _name##_luo_author.discard ?		\
				   _name##_luo_do_discard : NULL,	\
			.link = _name##_luo_author.link ?		\
				_name##_luo_do_link : NULL,		\
			.bind = _name##_luo_author.bind ?		\
				_name##_luo_do_bind : NULL,		\
			.recorded = _name##_luo_author.parent &&	\
				    !LUOSDK_LOOKUPS,			\
		};							\
	}								\
									\
	static bool							\
	_name##_luo_can_preserve(struct liveupdate_file_handler *handler, \
				 struct file *file)			\
	{								\
		const struct luosdk_type t = _name##_luo_type();	\
		void *ctx = luosdk_type_context(&t, file);		\
									\
		return ctx && (!t.accept || t.accept(file, ctx));	\
	}								\
									\
	static int							\
	_name##_luo_preserve(struct liveupdate_file_op_args *args)	\
	{								\
		const struct luosdk_type t = _name##_luo_type();	\
		u64 began = luosdk_trace_begin();			\
		int err;						\
									\
		err = luosdk_handler_preserve(args, &_name##_luo_handler, &t); \
		luosdk_handler_trace(args, &_name##_luo_handler, &t,	\
				     LUOSDK_OP_PRESERVE, began, err);	\
									\
		return err;						\
	}								\
									\
	static void							\
	_name##_luo_unpreserve(struct liveupdate_file_op_args *args)	\
	{								\
		const struct luosdk_type t = _name##_luo_type();	\
		u64 began = luosdk_trace_begin();			\
									\
		luosdk_handler_unpreserve(args, &_name##_luo_handler, &t); \
		luosdk_handler_trace(args, &_name##_luo_handler, &t,	\
				     LUOSDK_OP_UNPRESERVE, began, 0);	\
	}								\
									\
	static int _name##_luo_freeze(struct liveupdate_file_op_args *args) \
	{								\
		const struct luosdk_type t = _name##_luo_type();	\
		u64 began = luosdk_trace_begin();			\
		int err;						\
									\
		err = luosdk_handler_freeze(args, &_name##_luo_handler, &t); \
		luosdk_handler_trace(args, &_name##_luo_handler, &t,	\
				     LUOSDK_OP_FREEZE, began, err);	\
									\
		return err;						\
	}								\
									\
	static void							\
	_name##_luo_unfreeze(struct liveupdate_file_op_args *args)	\
	{								\
		const struct luosdk_type t = _name##_luo_type();	\
		u64 began = luosdk_trace_begin();			\
									\
		luosdk_handler_unfreeze(args, &_name##_luo_handler, &t); \
		luosdk_handler_trace(args, &_name##_luo_handler, &t,	\
				     LUOSDK_OP_UNFREEZE, began, 0);	\
	}								\
									\
	static int							\
	_name##_luo_retrieve(struct liveupdate_file_op_args *args)	\
	{								\
		const struct luosdk_type t = _name##_luo_type();	\
		u64 began = luosdk_trace_begin();			\
		int err;						\
									\
		err = luosdk_handler_retrieve(args, &_name##_luo_handler, &t); \
		luosdk_handler_trace(args, &_name##_luo_handler, &t,	\
				     LUOSDK_OP_RETRIEVE, began, err);	\
									\
		return err;						\
	}								\
									\
	static bool							\
	_name##_luo_can_finish(struct liveupdate_file_op_args *args)	\
	{								\
		const struct luosdk_type t = _name##_luo_type();	\
									\
		return luosdk_handler_can_finish(args, &_name##_luo_handler, &t); \
	}								\
									\
	static void _name##_luo_finish(struct liveupdate_file_op_args *args) \
	{								\
		const struct luosdk_type t = _name##_luo_type();	\
		u64 began = luosdk_trace_begin();			\
		enum luosdk_op op;					\
		int err;						\
									\
		err = luosdk_handler_finish(args, &_name##_luo_handler, &t, &op); \
		luosdk_handler_trace(args, &_name##_luo_handler, &t, op, began, err); \
	}								\
									\
	static const struct liveupdate_file_ops _name##_luo_ops = {	\
		.can_preserve = _name##_luo_can_preserve,		\
		.preserve = _name##_luo_preserve,			\
		.unpreserve = _name##_luo_unpreserve,			\
		.freeze = _name##_luo_freeze,				\
		.unfreeze = _name##_luo_unfreeze,			\
		.retrieve = _name##_luo_retrieve,			\
		.can_finish = _name##_luo_can_finish,			\
		.finish = _name##_luo_finish,				\
		.owner = THIS_MODULE,					\
	};								\
									\
	static struct luosdk_handler _name##_luo_handler = {		\
		.name = #_name,						\
		.fh = {							\
			.ops = &_name##_luo_ops,			\
			.compatible = _compat,				\
		},							\
		.guards = LUOSDK_GUARDS_INIT(_name##_luo_handler.guards), \
		.slots = LUOSDK_SLOTS_INIT(_name##_luo_handler.slots,	\
					   sizeof(_ser)),		\
		.depend = LUOSDK_DEPEND_INIT(_name##_luo_handler.depend), \
	};								\
									\
	static inline void *_name##_luo_parent_context(struct file *file) \
	{								\
		const struct luosdk_type t = _name##_luo_type();	\
									\
		return luosdk_type_context(&t, file);			\
	}								\
									\
	static int _name##_luo_register(void)				\
	{								\
		/* Where somebody else's fops are is not known before the kernel is linked. */ \
		BUILD_BUG_ON_MSG(__builtin_constant_p(!_name##_luo_author.fops) && \
				 !_name##_luo_author.fops &&		\
				 !_name##_luo_author.context,		\
				 "luosdk: .fops or a static .context must say which files"); \
		BUILD_BUG_ON_MSG(!_name##_luo_author.save,		\
				 "luosdk: .save is missing");		\
		BUILD_BUG_ON_MSG(!_name##_luo_author.restore,		\
				 "luosdk: .restore is missing");	\
		BUILD_BUG_ON_MSG(!_name##_luo_author.freeze &&		\
				 _name##_luo_author.thaw,		\
				 "luosdk: .thaw without .freeze");	\
		BUILD_BUG_ON_MSG(!_name##_luo_author.preserve !=	\
				 !_name##_luo_author.unpreserve,	\
				 "luosdk: .preserve and .unpreserve go together"); \
		BUILD_BUG_ON_MSG(_name##_luo_author.preserve &&		\
				 !_name##_luo_author.discard,		\
				 "luosdk: .preserve without .discard");	\
		BUILD_BUG_ON_MSG(_name##_luo_author.sealed > sizeof(_ser), \
				 "luosdk: .sealed is beyond the state"); \
		BUILD_BUG_ON_MSG(_name##_luo_author.min_version &&	\
				 _name##_luo_author.min_version <	\
				 _name##_luo_author.version &&		\
				 !_name##_luo_author.upgrades,		\
				 "luosdk: .upgrades is missing");	\
		BUILD_BUG_ON_MSG(!_name##_luo_author.link !=		\
				 !_name##_luo_author.bind,		\
				 "luosdk: .link and .bind go together"); \
		BUILD_BUG_ON_MSG(_name##_luo_author.parents &&		\
				 !_name##_luo_author.link,		\
				 "luosdk: .parents without .link");	\
									\
		_name##_luo_handler.format = (struct luosdk_format){	\
			.compatible = _compat,				\
			.version = _name##_luo_author.version ?: 1,	\
			.min_version = _name##_luo_author.min_version ?: \
				       _name##_luo_author.version ?: 1,	\
			.bytes = sizeof(_ser),				\
			.sealed = _name##_luo_author.sealed ?: sizeof(_ser), \
			.layout = _name##_luo_author.layout,		\
			.upgrades = _name##_luo_author.upgrades,	\
		};							\
		_name##_luo_handler.depend.parents = _name##_luo_author.parents; \
		_name##_luo_handler.depend.links = _name##_luo_author.link; \
		if (_name##_luo_author.parent) {			\
			_name##_luo_handler.depend.context =		\
				_name##_luo_parent_context;		\
			_name##_luo_handler.depend.retrieve = _name##_luo_retrieve; \
			_name##_luo_handler.depend.guard = _name##_luo_author.guard; \
		}							\
									\
		LUOSDK_NOTE(LUOSDK_NOTE_FILE, _compat, LUOSDK_STATE_MAGIC, \
			    (_name##_luo_author.version ?: 1) |		\
			    LUOSDK_VERSION_LINKS(_name##_luo_author.link), \
			    (_name##_luo_author.min_version ?:		\
			     _name##_luo_author.version ?: 1) |		\
			    LUOSDK_VERSION_LINKS(_name##_luo_author.link), \
			    sizeof(_ser),				\
			    _name##_luo_author.sealed ?: sizeof(_ser),	\
			    _name##_luo_author.layout);			\
		return luosdk_handler_register(&_name##_luo_handler);	\
	}								\
									\
	static void __maybe_unused _name##_luo_unregister(void)		\
	{								\
		luosdk_handler_unregister(&_name##_luo_handler);	\
	}								\
	static_assert(true)

/* modprobe hands what is meant for the one that is built in to the one it loads. */
#ifdef MODULE
#define __luosdk_module_enabled(_name)					\
	static bool _name##_luo_enabled = true
#else
#define __luosdk_module_enabled(_name)					\
	static bool _name##_luo_enabled = true;				\
	module_param_named(enabled, _name##_luo_enabled, bool, 0);	\
	MODULE_PARM_DESC(enabled, "register the handler (default: yes)")
#endif

/**
 * luosdk_module_enabled() - The parameter that leaves out what is built in.
 * @_name: Of the driver; its init looks at _name_luo_enabled.
 *
 * For a kernel that has a handler built in and is to be without it, or to load another one
 * in its place: <module>.enabled=0 on its command line. A module does not have the
 * parameter, and it has no file in sysfs, because a built-in module with a folder there
 * could not be loaded as a module any more; so a driver that uses this gives no other
 * parameter a file there.
 */
#define luosdk_module_enabled(_name)	__luosdk_module_enabled(_name)

/**
 * luosdk_module_handler() - Init and exit of a module that is only a handler.
 * @_name: The name that was given to LUOSDK_HANDLER().
 *
 * Built-in, this registers as a device initcall: before the kernel's own
 * handlers, which are late initcalls. LUO takes the first that fits. Includes
 * luosdk_module_enabled().
 */
#define luosdk_module_handler(_name)					\
	luosdk_module_enabled(_name);					\
									\
	static int __init _name##_luo_init(void)			\
	{								\
		return _name##_luo_enabled ? _name##_luo_register() : 0; \
	}								\
	module_init(_name##_luo_init);					\
									\
	static void __exit _name##_luo_exit(void)			\
	{								\
		_name##_luo_unregister();				\
	}								\
	module_exit(_name##_luo_exit)

#endif /* _LUOSDK_HANDLER_H */
