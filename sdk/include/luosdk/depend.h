/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luosdk/depend.h - files that need other files.
 *
 * A device that is bound to a container, a container that maps memory, an interrupt that
 * signals an eventfd: such a file cannot be restored without another one, its parent. User
 * space preserves and retrieves them all, one by one and in any order. This header finds the
 * parent: a number for it in the old kernel, its struct file in the new one.
 */
#ifndef _LUOSDK_DEPEND_H
#define _LUOSDK_DEPEND_H

#include <linux/bits.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <luosdk/compat.h>
#include <luosdk/guard.h>
#include <luosdk/state.h>

/**
 * DOC: depend
 *
 * handler.h includes this header. A handler whose files need others has two more functions:
 * .link says in the old kernel which they are, .bind gets them in the new one::
 *
 *	LUOSDK_HANDLER_DECLARE(shelf);
 *
 *	static struct luosdk_handler *const widget_parents[] = {
 *		&shelf_luo_handler, NULL
 *	};
 *
 *	static int widget_link(struct file *file, struct widget *w,
 *			       struct widget_luo_ser *ser, struct luosdk_links *links)
 *	{
 *		return luosdk_link_file(links, w->shelf, &ser->shelf);
 *	}
 *
 *	static int widget_bind(struct file *file, struct widget *w,
 *			       const struct widget_luo_ser *ser, struct luosdk_links *links)
 *	{
 *		struct file *shelf = luosdk_bind_file(links, ser->shelf, &shelf_fops);
 *
 *		if (IS_ERR(shelf))
 *			return PTR_ERR(shelf);
 *		w->shelf = shelf;
 *		return 0;
 *	}
 *
 *	LUOSDK_HANDLER(widget, "widget-v1",
 *		       struct widget, struct widget_luo_ser,
 *		.fops = &widget_fops,
 *		.guard = LUOSDK_GUARD_IN(struct widget, guard),
 *		.save = widget_save,
 *		.restore = widget_restore,
 *		.link = widget_link,
 *		.bind = widget_bind,
 *		.parents = widget_parents,
 *	);
 *
 *	LUOSDK_HANDLER(shelf, "shelf-v1",
 *		       struct shelf, struct shelf_luo_ser,
 *		.fops = &shelf_fops,
 *		.guard = LUOSDK_GUARD_IN(struct shelf, guard),
 *		.save = shelf_save,
 *		.restore = shelf_restore,
 *		.parent = true,
 *	);
 *
 * The fields, beside those in the DOC section "handler":
 *
 * ``int link(struct file *file, ctx *ctx, ser *ser, struct luosdk_links *links)``
 *	Call luosdk_link_file() for each file that this one needs, and write down the number it
 *	gives. Called twice. Last in preserve, as a dry run (luosdk_links_dry()): the numbers
 *	are not known yet, and what this kernel can never carry over is refused early. In
 *	freeze, after .save and before .freeze, for the numbers: by then every file of the
 *	session is preserved, so that user space was free in the order. It may be that what
 *	was right in preserve is not any more: a failure aborts the update, and nothing else.
 * ``int bind(struct file *file, ctx *ctx, const ser *ser, struct luosdk_links *links)``
 *	Call luosdk_bind_file() for each number and give @ctx what it needs. Called in retrieve
 *	with the file that .restore made, which nobody else has seen. A failure fails the
 *	retrieve, for good: the file is put, and its release() has to cope with what is bound
 *	and what is not.
 * ``struct luosdk_handler *const *parents``
 *	Handlers of this very module whose files may be needed, NULL at the end; those that
 *	are defined further down by LUOSDK_HANDLER_DECLARE(). Through it a parent is known by
 *	its object, whichever of the object's files is the preserved one; and on a kernel
 *	without look-ups (see below) these are all the parents there can be.
 * ``bool parent``
 *	Needed of a handler that stands in .parents of another one, or of its own.
 *
 * **Why freeze.** LUO preserves files in the order that user space chose and retrieves them
 * in the order that it chooses, and whether either has to respect dependencies is not settled
 * upstream: what is posted there wants parents preserved first, and does not care about the
 * order of retrieving. Looking the numbers up in freeze makes the question go away: the files
 * of a session are preserved before the first of them is frozen, none comes or goes after
 * that, and in the new kernel a parent is retrieved when it is asked for.
 *
 * **With look-ups.** On a kernel whose handlers get the session and that has
 * liveupdate_get_token_outgoing() and liveupdate_get_file_incoming() (the liveupdate tree's
 * next branch, or patches/7.3/0004) the number is the token that user space gave the parent.
 * A parent can be any file that is preserved in the same session, by any handler.
 *
 * **Without.** On Linux 7.3 as released a handler learns nothing of other files, and only
 * handlers of one module can know of each other. The number is where the parent's state is,
 * the parent is restored by its own handler as soon as it is needed, and when LUO asks for it
 * later, it gets the same file. What differs for a driver and its users:
 *
 * - A parent of another handler cannot be carried over: luosdk_link_file() returns
 *   -EOPNOTSUPP in preserve already, and a message names the handler.
 * - That a parent is preserved in another session is not noticed in the old kernel. In the new
 *   one the child is restored and works, but the parent is part of that other session: it
 *   has to be retrieved or finished there, and should be last. With look-ups, -ENOENT
 *   aborts the update.
 * - A parent that only its children asked for counts for .ready, and is finished like one
 *   that was retrieved. So it is with look-ups, but there LUO sees to it.
 *
 * A state that was saved with numbers of one kind is refused with -EOPNOTSUPP by a kernel
 * that reads those of the other kind: both kernels of an update have look-ups, or none.
 *
 * **Circles** cannot be restored by anybody: retrieving one file would need that it was
 * retrieved before. luosdk_bind_file() returns -ELOOP to the one that closes the circle, and
 * also where more than eight files are being restored for each other, in which case their
 * parents can be retrieved first. A file that needs itself is refused in preserve.
 */

/* As many as the core nests. Each is a retrieve() on the stack. */
#define LUOSDK_MAX_DEPTH	8

/* In the version of a state whose numbers were made without look-ups. */
#define LUOSDK_VERSION_BY_HANDLE	BIT(31)

struct luosdk_handler;

/**
 * LUOSDK_HANDLER_DECLARE() - Name a handler before it is defined.
 * @_name: What will be given to LUOSDK_HANDLER(), in the same source file.
 */
#define LUOSDK_HANDLER_DECLARE(_name)	static struct luosdk_handler _name##_luo_handler

/* What a handler knows of the dependencies of its files. */
struct luosdk_depend {
	struct luosdk_handler *const *parents;
	/* The object behind one of its files, if files of others may need them. */
	void *(*context)(struct file *file);
	/* LUO's callback, which without look-ups is called for children as well. */
	int (*retrieve)(struct liveupdate_file_op_args *args);
	/* Where in the object the guard is, as LUOSDK_GUARD_IN() says. */
	size_t guard;
	/* It has a .link, so that there are numbers in its states. */
	bool links;
	/* Without look-ups. The lists below; sessions go in parallel. */
	struct mutex lock;
	/* Preserved files that others may need. */
	struct list_head outgoing;
	/* Files that were asked for, and what came of it. */
	struct list_head incoming;
};

#define LUOSDK_DEPEND_INIT(name) {					\
	.lock = __MUTEX_INITIALIZER((name).lock),			\
	.outgoing = LIST_HEAD_INIT((name).outgoing),			\
	.incoming = LIST_HEAD_INIT((name).incoming),			\
}

/* handler.h defines it, and includes this file. */
static inline struct luosdk_depend *luosdk_handler_depend(struct luosdk_handler *h);
static inline const char *luosdk_handler_name(const struct luosdk_handler *h);
static inline const struct luosdk_format *
luosdk_handler_format(const struct luosdk_handler *h);
static inline struct luosdk_guards *luosdk_handler_guards(struct luosdk_handler *h);
static inline struct liveupdate_file_handler *luosdk_handler_fh(struct luosdk_handler *h);

/**
 * struct luosdk_links - The files that a file needs. Valid during one .link or .bind.
 */
struct luosdk_links {
	/* private: */
	struct luosdk_handler *handler;
	struct liveupdate_session *session;
	struct file *file;
	void *ctx;
	bool dry;
	unsigned int depth;
};

/**
 * luosdk_links_dry() - Tell whether .link is called for a trial.
 * @links: What .link got.
 *
 * Context: Any.
 * Return: True in preserve, where luosdk_link_file() gives no numbers yet.
 */
static inline bool luosdk_links_dry(const struct luosdk_links *links)
{
	return links->dry;
}

/* The one of .parents whose files @file is one of, and the object behind it; or NULL. */
static inline struct luosdk_handler *
luosdk_parent_of(const struct luosdk_links *links, struct file *file, void **ctx)
{
	struct luosdk_handler *const *p = luosdk_handler_depend(links->handler)->parents;

	for (; p && *p; p++) {
		struct luosdk_depend *depend = luosdk_handler_depend(*p);

		if (WARN_ONCE(!depend->context,
			      "luosdk: %s: '%s' stands in .parents, is not registered or has no .parent\n",
			      luosdk_handler_name(links->handler), luosdk_handler_name(*p)))
			continue;
		*ctx = depend->context(file);
		if (*ctx)
			return *p;
	}

	return NULL;
}

/* ---- With look-ups ---------------------------------------------------------------- */

static inline int luosdk_link_by_token(struct luosdk_links *links, struct file *parent,
				       struct luosdk_handler *h, void *ctx, u64 *token)
{
	struct luosdk_depend *depend;
	struct file *holder;
	int err;

	err = luosdk_session_token(links->session, parent, token);
	if (err != -ENOENT || !h)
		return err;

	/* The object may be preserved through another of its files. */
	depend = luosdk_handler_depend(h);
	if (depend->guard) {
		holder = (struct file *)luosdk_guard_holder(ctx + depend->guard - 1);
		return luosdk_session_token(links->session, holder, token);
	}

	holder = luosdk_guards_get_file(luosdk_handler_guards(h), ctx);
	if (!holder)
		return -ENOENT;
	err = luosdk_session_token(links->session, holder, token);
	fput(holder);

	return err;
}

/* ---- Without: the old kernel -------------------------------------------------------- */

/* A preserved file that others may need. */
struct luosdk_leaver {
	struct list_head list;
	void *ctx;
	u64 handle;
};

static inline struct luosdk_leaver *luosdk_leaver_find(struct luosdk_depend *depend, void *ctx)
{
	struct luosdk_leaver *it;

	lockdep_assert_held(&depend->lock);

	list_for_each_entry(it, &depend->outgoing, list)
		if (it->ctx == ctx)
			return it;

	return NULL;
}

static inline int luosdk_leaver_add(struct luosdk_depend *depend, void *ctx, u64 handle)
{
	struct luosdk_leaver *leaver = kmalloc(sizeof(*leaver), GFP_KERNEL);

	if (!leaver)
		return -ENOMEM;
	leaver->ctx = ctx;
	leaver->handle = handle;

	guard(mutex)(&depend->lock);
	list_add(&leaver->list, &depend->outgoing);

	return 0;
}

static inline void luosdk_leaver_del(struct luosdk_depend *depend, void *ctx)
{
	struct luosdk_leaver *leaver;

	guard(mutex)(&depend->lock);
	leaver = luosdk_leaver_find(depend, ctx);
	if (leaver)
		list_del(&leaver->list);
	kfree(leaver);
}

static inline int luosdk_link_by_handle(struct luosdk_handler *h, void *ctx, u64 *token)
{
	struct luosdk_depend *depend = luosdk_handler_depend(h);
	struct luosdk_leaver *leaver;

	guard(mutex)(&depend->lock);
	leaver = luosdk_leaver_find(depend, ctx);
	if (!leaver)
		return -ENOENT;
	*token = leaver->handle;

	return 0;
}

/* ---- Without: the new kernel -------------------------------------------------------- */

/*
 * A file that was asked for, by LUO or by a file that needs it. Stays until LUO finishes it.
 * @task: who is restoring it; NULL when that is over.
 * @done: that it is over.
 * @held: @file has a reference of ours, as LUO has not asked for it.
 */
struct luosdk_arrival {
	struct list_head list;
	u64 handle;
	struct task_struct *task;
	struct completion done;
	int err;
	struct file *file;
	bool held;
};

static inline struct luosdk_arrival *
luosdk_arrival_find(struct luosdk_depend *depend, u64 handle)
{
	struct luosdk_arrival *it;

	lockdep_assert_held(&depend->lock);

	list_for_each_entry(it, &depend->incoming, list)
		if (it->handle == handle)
			return it;

	return NULL;
}

/* A reference for who asked. That of the arrival goes to LUO, which keeps one till finish. */
static inline int luosdk_arrival_take(struct luosdk_depend *depend,
				      struct luosdk_arrival *arrival, bool luo,
				      struct file **filep)
{
	lockdep_assert_held(&depend->lock);

	if (arrival->err)
		return arrival->err;
	if (luo && arrival->held)
		arrival->held = false;
	else
		get_file(arrival->file);
	*filep = arrival->file;

	return 0;
}

/*
 * Somebody asks for the file behind @handle: @child, or LUO if there is none. If it is the
 * first time, @first is what luosdk_arrival_done() has to be told how it went.
 */
static inline int luosdk_arrival_ask(struct luosdk_handler *h, u64 handle,
				     const struct luosdk_links *child,
				     struct luosdk_arrival **first, struct file **filep)
{
	struct luosdk_depend *depend = luosdk_handler_depend(h);
	struct luosdk_arrival *arrival;

	*first = NULL;
	guard(mutex)(&depend->lock);

	arrival = luosdk_arrival_find(depend, handle);
	if (!arrival && child && child->depth + 1 == LUOSDK_MAX_DEPTH) {
		pr_err("luosdk: %s: needed by files that are nested deeper than %u\n",
		       luosdk_handler_name(h), LUOSDK_MAX_DEPTH);
		return -ELOOP;
	}
	if (!arrival) {
		/* LUO remembers an error of retrieve for ever: wait for the memory. */
		arrival = kzalloc(sizeof(*arrival), GFP_KERNEL | __GFP_NOFAIL);
		arrival->handle = handle;
		arrival->task = current;
		init_completion(&arrival->done);
		list_add(&arrival->list, &depend->incoming);
		*first = arrival;
		return 0;
	}
	if (!arrival->task)
		return luosdk_arrival_take(depend, arrival, !child, filep);
	if (child && arrival->task == current) {
		pr_err("luosdk: %s: a file needs itself, by way of others\n",
		       luosdk_handler_name(h));
		return -ELOOP;
	}
	/*
	 * One session is never in two tasks. The file is of another one, and to wait here,
	 * in the middle of a retrieve, is to wait for one that may be waiting for this.
	 */
	if (child)
		return -ENOENT;

	/* LUO, with nothing begun that anybody could wait for. Only LUO removes it. */
	mutex_unlock(&depend->lock);
	wait_for_completion(&arrival->done);
	mutex_lock(&depend->lock);

	return luosdk_arrival_take(depend, arrival, true, filep);
}

/* @err or *@filep is what came of restoring it; the same for who asked first. */
static inline int luosdk_arrival_done(struct luosdk_depend *depend,
				      struct luosdk_arrival *arrival, bool luo, int err,
				      struct file **filep)
{
	guard(mutex)(&depend->lock);

	arrival->err = err;
	arrival->file = err ? NULL : *filep;
	arrival->held = !err;
	arrival->task = NULL;
	err = luosdk_arrival_take(depend, arrival, luo, filep);
	complete_all(&arrival->done);

	return err;
}

/* The file that was restored for others, and that LUO has not asked for; or NULL. */
static inline struct file *luosdk_arrival_file(struct luosdk_depend *depend, u64 handle)
{
	struct luosdk_arrival *arrival;

	guard(mutex)(&depend->lock);
	arrival = luosdk_arrival_find(depend, handle);

	return arrival && !arrival->task && arrival->held ? arrival->file : NULL;
}

/* LUO finishes the file behind @handle. NULL if nobody ever asked for it. */
static inline struct luosdk_arrival *
luosdk_arrival_remove(struct luosdk_depend *depend, u64 handle)
{
	struct luosdk_arrival *arrival;

	mutex_lock(&depend->lock);
	arrival = luosdk_arrival_find(depend, handle);
	mutex_unlock(&depend->lock);
	if (!arrival)
		return NULL;

	/* A file of another session may be restoring it just now. */
	wait_for_completion(&arrival->done);
	mutex_lock(&depend->lock);
	list_del(&arrival->list);
	mutex_unlock(&depend->lock);

	return arrival;
}

/* Sessions that were never finished leave something. */
static inline void luosdk_depend_end(struct luosdk_depend *depend)
{
	struct luosdk_arrival *arrival, *next;

	list_for_each_entry_safe(arrival, next, &depend->incoming, list) {
		list_del(&arrival->list);
		if (arrival->held)
			fput(arrival->file);
		kfree(arrival);
	}
}

/*
 * Which of .parents the state at @handle is one of. First whether its file was asked for: then the
 * state is consumed, and its memory may be anybody's.
 */
static inline struct luosdk_handler *
luosdk_arrival_handler(const struct luosdk_links *links, u64 handle)
{
	struct luosdk_handler *const *parents = luosdk_handler_depend(links->handler)->parents;
	struct luosdk_handler *const *p;

	for (p = parents; p && *p; p++) {
		struct luosdk_depend *depend = luosdk_handler_depend(*p);

		guard(mutex)(&depend->lock);
		if (luosdk_arrival_find(depend, handle))
			return *p;
	}
	for (p = parents; p && *p; p++)
		if (luosdk_state_claimed(luosdk_handler_format(*p), handle))
			return *p;

	return NULL;
}

static inline struct file *luosdk_bind_by_handle(struct luosdk_links *links, u64 handle)
{
	struct luosdk_handler *h = luosdk_arrival_handler(links, handle);
	struct liveupdate_file_op_args args = {
		.serialized_data = handle,
		/* LUO passes none here: by that the callback knows who asks. */
		.private_data = links,
	};
	int err;

	if (!h || !luosdk_handler_depend(h)->retrieve)
		return ERR_PTR(-ENOENT);
	args.handler = luosdk_handler_fh(h);
	err = luosdk_handler_depend(h)->retrieve(&args);

	return err ? ERR_PTR(err) : args.file;
}

/* ---- Either way ---------------------------------------------------------------------- */

/**
 * luosdk_link_file() - Say that this file needs another one.
 * @links:  What .link got.
 * @parent: The file that is needed, or another file of the same object if its handler
 *          stands in .parents.
 * @token:  What to save; for luosdk_bind_file(). Zero in a dry run.
 *
 * Context: In .link. Sleeps.
 * Return: 0; -ENOENT if @parent is not preserved in this session (in freeze only);
 *         -EOPNOTSUPP if this kernel cannot carry over that a file needs one of another
 *         module; -ELOOP if @parent is the file itself.
 */
static inline int luosdk_link_file(struct luosdk_links *links, struct file *parent,
				   u64 *token)
{
	struct luosdk_handler *h;
	void *ctx = NULL;

	*token = 0;
	h = luosdk_parent_of(links, parent, &ctx);
	if (parent == links->file || (h == links->handler && ctx == links->ctx))
		return -ELOOP;

	if (!LUOSDK_LOOKUPS && !h) {
		pr_err("luosdk: %s: needs a file that none of its .parents has; a kernel without liveupdate_get_file_incoming() cannot carry that over\n",
		       luosdk_handler_name(links->handler));
		return -EOPNOTSUPP;
	}
	if (links->dry)
		return 0;

	return LUOSDK_LOOKUPS ? luosdk_link_by_token(links, parent, h, ctx, token) :
				luosdk_link_by_handle(h, ctx, token);
}

/**
 * luosdk_bind_file() - Get a file that this one needs.
 * @links: What .bind got.
 * @token: What luosdk_link_file() gave.
 * @fops:  The file's operations, so that it is one of the right type; or NULL if the caller
 *         finds out by itself, as it must before it looks into private_data.
 *
 * The file is retrieved if it was not yet. It is the same for all who ask.
 *
 * Context: In .bind. Sleeps.
 * Return: The file, and the caller owes an fput(); ERR_PTR(-ENOENT) if the session has no
 *         such file; -EINVAL if it is of another type; -ELOOP if it cannot be restored before
 *         this one, or if too many files need each other; what its own retrieve returned.
 */
static inline struct file *luosdk_bind_file(struct luosdk_links *links, u64 token,
					    const struct file_operations *fops)
{
	struct file *file = NULL;
	int err = 0;

	if (LUOSDK_LOOKUPS)
		err = luosdk_session_file(links->session, token, &file);
	else
		file = luosdk_bind_by_handle(links, token);
	if (err)
		return ERR_PTR(err);
	if (IS_ERR(file))
		return file;

	if (fops && file->f_op != fops) {
		pr_err("luosdk: %s: the file it needs is of another type\n",
		       luosdk_handler_name(links->handler));
		fput(file);
		return ERR_PTR(-EINVAL);
	}

	return file;
}

/* For who includes this header alone. */
#include <luosdk/handler.h>

#endif /* _LUOSDK_DEPEND_H */
