/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luosdk/flb.h - state that several files share.
 *
 * Some of what a live update carries over belongs to no single file: which
 * devices of a bus are promised to somebody, what an IOMMU has mapped for all of
 * them. LUO carries it beside the files, from the first that is preserved until the
 * last is finished, and calls it an FLB, file-lifecycle-bound data. The author
 * writes three typed functions; LUOSDK_FLB() makes the rest.
 */
#ifndef _LUOSDK_FLB_H
#define _LUOSDK_FLB_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <luosdk/compat.h>
#include <luosdk/handler.h>
#include <luosdk/note.h>
#include <luosdk/state.h>
#include <luosdk/stats.h>

#ifndef LUOSDK_HAVE_FLB
#error "luosdk: this kernel has no state that files share (FLB): take Linux 7.0 or later"
#endif

/**
 * DOC: flb
 *
 * A bus whose devices are preserved one by one, and which has to know in the new
 * kernel, before the first is opened, which of them are promised::
 *
 *	struct bus_luo_ser {
 *		u64 preserved;
 *	};
 *
 *	static int bus_save(struct bus_luo_ser *ser)
 *	{
 *		ser->preserved = 0;
 *		return 0;
 *	}
 *
 *	static struct bus *bus_restore(const struct bus_luo_ser *ser)
 *	{
 *		return bus_create(ser->preserved);
 *	}
 *
 *	static void bus_release(struct bus *bus)
 *	{
 *		bus_destroy(bus);
 *	}
 *
 *	LUOSDK_FLB(bus, "bus-v1", struct bus, struct bus_luo_ser,
 *		.save = bus_save,
 *		.restore = bus_restore,
 *		.release = bus_release,
 *	);
 *
 *	static int bus_register(struct luosdk_handler *device_handler)
 *	{
 *		return bus_flb_register(device_handler);
 *	}
 *
 *	static int bus_add(unsigned int nr)
 *	{
 *		struct bus_luo_ser *ser = bus_flb_begin();
 *
 *		if (IS_ERR(ser))
 *			return PTR_ERR(ser);
 *		ser->preserved |= BIT_ULL(nr);
 *		bus_flb_end(ser);
 *		return 0;
 *	}
 *
 *	static bool bus_promised(unsigned int nr)
 *	{
 *		struct bus *bus = bus_flb_get();
 *		bool promised;
 *
 *		if (IS_ERR(bus))
 *			return false;
 *		promised = bus->preserved & BIT_ULL(nr);
 *		bus_flb_put(bus);
 *		return promised;
 *	}
 *
 * The state lives as long as files of the handlers that it is registered with do.
 * Its functions, which must be static, in the order of its life. The first,
 * .restore and .release have to be there:
 *
 * ``int save(ser *ser)``
 *	Old kernel, with the first file, before that file's own preserve: write the
 *	state. @ser is zeroed. May allocate and preserve memory; a failure leaves
 *	nothing behind, and the file is not preserved.
 * ``void unpreserve(ser *ser)``
 *	Old kernel, after the last file was unpreserved: undo what .save and changes
 *	since have done besides writing to @ser.
 * ``obj *restore(const ser *ser)``
 *	New kernel, when somebody asks for the state, at the latest when the last
 *	file is finished. @ser is intact and of the newest version; its values are
 *	still the old kernel's and have to be checked. Returns the object or an
 *	ERR_PTR(). Takes over what the state owns, also when it fails.
 * ``void release(obj *obj)``
 *	New kernel, after the last file was finished and everybody has put the
 *	object: it ends.
 * ``u32 version, min_version``, ``const struct luosdk_upgrade *upgrades``
 *	See &struct luosdk_format. Version 1, and nothing older, by default.
 * ``u32 layout``
 *	LUOSDK_LAYOUT() of @ser, as for a handler.
 *
 * There is no freeze: LUO tells a shared state nothing of the coming kexec, and user
 * space runs until the machine is gone. So the state has to be right at any time, also
 * while it is being changed. It exists twice: begin hands out a copy, end seals that
 * and makes it the one that counts, by one store. A kernel that ends between the
 * two leaves the state as it was before begin.
 *
 * Locks: LUO calls .save, .unpreserve and .release, and may call .restore, with the lock held
 * under which handlers register. .save, .unpreserve and what stands between begin
 * and end exclude each other. So a change of the driver's own data that is followed by begin
 * is never lost: either .save sees it, or begin succeeds. A lock that .save takes
 * must not be held around begin.
 *
 * A handler is registered first, then what its files share; to unregister, the other way
 * round. What kernels do with a shared state that nobody asked for, or whose .restore failed,
 * is in docs/shared-state.rst: some need patches/upstream for that.
 */

/**
 * struct luosdk_flb_ser - Where the shared state is. ABI.
 * @copy:    Handles of its two copies, each a state of its own.
 * @current_copy: Which of them counts, LUOSDK_FLB_COPY(0) or (1). It changes until
 *           the old kernel is gone, and so lies behind what is sealed.
 *
 * This is the state that LUO's own handle leads to.
 */
struct luosdk_flb_ser {
	u64 copy[2];
	u64 current_copy;
};

static_assert(sizeof(struct luosdk_flb_ser) == 24);
static_assert(offsetof(struct luosdk_flb_ser, current_copy) == 16);

/* All bits differ, so that what damage makes of one is never the other. */
#define LUOSDK_FLB_COPY(nr)						\
	((nr) ? 0x5a5aa5a5c3c33c3cULL : 0xa5a55a5a3c3cc3c3ULL)

/*
 * What LUOSDK_FLB() knows of a shared state, with the types erased; compare
 * struct luosdk_type in handler.h.
 */
struct luosdk_flb_type {
	int (*save)(void *ser);
	void (*unpreserve)(void *ser);
	void *(*restore)(const void *ser);
	void (*release)(void *obj);
	struct luosdk_format format;
};

/**
 * struct luosdk_flb - What a shared state needs at run time.
 * @name:  Its name, for messages and debugfs.
 * @flb:   What LUO registers.
 * @format: Its saved state.
 * @slots: Its page of saved state.
 * @stats: Its counters, in debugfs as those of a handler.
 *
 * LUOSDK_FLB() defines it under the name <name>_flb.
 */
struct luosdk_flb {
	const char *name;
	struct liveupdate_flb flb;
	struct luosdk_format format;
	struct luosdk_slots slots;
	struct luosdk_stats stats;
	/* private: */
	struct mutex lock;
	struct luosdk_flb_ser *where;
	void *copy[2];
	unsigned int handlers;
};

/* The layout of struct luosdk_flb_ser itself, under the same compatible string. */
static __always_inline struct luosdk_format
luosdk_flb_where_format(const struct luosdk_format *fmt)
{
	return (struct luosdk_format){
		.compatible = fmt->compatible,
		.version = 1,
		.min_version = 1,
		.bytes = sizeof(struct luosdk_flb_ser),
		.sealed = offsetof(struct luosdk_flb_ser, current_copy),
	};
}

static inline unsigned int luosdk_flb_current(const struct luosdk_flb *f)
{
	return f->where->current_copy != LUOSDK_FLB_COPY(0);
}

static inline long luosdk_flb_bytes(const struct luosdk_flb *f)
{
	return 3 * f->slots.slot_bytes;
}

static inline void luosdk_flb_free(struct luosdk_flb *f)
{
	luosdk_state_free(&f->slots, f->copy[1]);
	luosdk_state_free(&f->slots, f->copy[0]);
	luosdk_state_free(&f->slots, f->where);
	f->where = NULL;
}

static __always_inline int
luosdk_flb_preserve(struct liveupdate_flb_op_args *args,
		    const struct luosdk_flb_type *t)
{
	struct luosdk_flb *f = container_of(args->flb, struct luosdk_flb, flb);
	const struct luosdk_format where_fmt = luosdk_flb_where_format(&t->format);
	struct luosdk_flb_ser *where;
	int err;

	mutex_lock(&f->lock);

	where = luosdk_state_alloc(&f->slots, &where_fmt);
	err = PTR_ERR_OR_ZERO(where);
	if (err)
		goto err_unlock;

	f->copy[0] = luosdk_state_alloc(&f->slots, &t->format);
	err = PTR_ERR_OR_ZERO(f->copy[0]);
	if (err)
		goto err_free_where;

	f->copy[1] = luosdk_state_alloc(&f->slots, &t->format);
	err = PTR_ERR_OR_ZERO(f->copy[1]);
	if (err)
		goto err_free_copy;

	err = luosdk_author_result(f->name, "save", t->save(f->copy[0]));
	if (err)
		goto err_free_copies;

	luosdk_state_seal(f->copy[0]);
	where->copy[0] = luosdk_state_handle(f->copy[0]);
	where->copy[1] = luosdk_state_handle(f->copy[1]);
	where->current_copy = LUOSDK_FLB_COPY(0);
	luosdk_state_seal(where);
	f->where = where;
	mutex_unlock(&f->lock);

	args->data = luosdk_state_handle(where);
	/* To LUO, no object means no state. */
	args->obj = f;
	luosdk_stats_inc(&f->stats, LUOSDK_STAT_PRESERVED);
	luosdk_stats_add(&f->stats, LUOSDK_STAT_BYTES, luosdk_flb_bytes(f));

	return 0;

err_free_copies:
	luosdk_state_free(&f->slots, f->copy[1]);
err_free_copy:
	luosdk_state_free(&f->slots, f->copy[0]);
err_free_where:
	luosdk_state_free(&f->slots, where);
err_unlock:
	mutex_unlock(&f->lock);
	return luosdk_stats_failed(&f->stats, err);
}

static __always_inline void
luosdk_flb_unpreserve(struct liveupdate_flb_op_args *args,
		      const struct luosdk_flb_type *t)
{
	struct luosdk_flb *f = container_of(args->flb, struct luosdk_flb, flb);

	/* Waits for who is between begin and end. */
	mutex_lock(&f->lock);
	if (t->unpreserve)
		t->unpreserve(f->copy[luosdk_flb_current(f)]);
	luosdk_flb_free(f);
	mutex_unlock(&f->lock);

	luosdk_stats_inc(&f->stats, LUOSDK_STAT_UNPRESERVED);
	luosdk_stats_add(&f->stats, LUOSDK_STAT_BYTES, -luosdk_flb_bytes(f));
}

static inline void *luosdk_flb_begin(struct luosdk_flb *f)
{
	unsigned int now;

	mutex_lock(&f->lock);
	if (!f->where) {
		mutex_unlock(&f->lock);
		return ERR_PTR(-ENOENT);
	}

	now = luosdk_flb_current(f);
	return memcpy(f->copy[!now], f->copy[now],
		      luosdk_state_hdr(f->copy[now])->bytes);
}

static inline void luosdk_flb_end(struct luosdk_flb *f, void *ser)
{
	unsigned int now;

	lockdep_assert_held(&f->lock);

	now = luosdk_flb_current(f);
	if (!WARN(ser != f->copy[!now], "luosdk: %s: end without its begin\n",
		  f->name)) {
		luosdk_state_seal(ser);
		/* All of the copy is in memory before it counts. */
		smp_store_release(&f->where->current_copy, LUOSDK_FLB_COPY(!now));
	}
	mutex_unlock(&f->lock);
}

/*
 * How much is lost with a damaged struct luosdk_flb_ser, of which @leaked is known
 * already: nobody can say any more where the copies are.
 */
static inline size_t luosdk_flb_lost(const struct luosdk_flb *f,
				     const struct luosdk_format *fmt, size_t leaked)
{
	if (luosdk_slots_useful(f->slots.slot_bytes))
		return DIV_ROUND_UP(3, luosdk_slots_per_page(f->slots.slot_bytes)) *
		       PAGE_SIZE;
	return leaked + 2 * (PAGE_SIZE << get_order(LUOSDK_SLOT_BYTES(fmt->bytes)));
}

static inline int luosdk_flb_refused(struct luosdk_flb *f, int err, size_t leaked)
{
	pr_err("luosdk: %s: the files' shared state is refused: %pe\n", f->name,
	       ERR_PTR(err));
	luosdk_stats_add(&f->stats, LUOSDK_STAT_LEAKED, leaked);
	return luosdk_stats_failed(&f->stats, err);
}

static __always_inline int
luosdk_flb_retrieve(struct liveupdate_flb_op_args *args,
		    const struct luosdk_flb_type *t)
{
	struct luosdk_flb *f = container_of(args->flb, struct luosdk_flb, flb);
	const struct luosdk_format where_fmt = luosdk_flb_where_format(&t->format);
	struct luosdk_flb_ser where;
	struct luosdk_incoming in;
	unsigned int now;
	size_t leaked;
	void *obj;
	int err;

	err = luosdk_state_open(&in, &f->slots, &where_fmt, args->data);
	if (err)
		return luosdk_flb_refused(f, err, luosdk_flb_lost(f, &t->format,
								  in.leaked));
	memcpy(&where, in.payload, sizeof(where));
	luosdk_state_close(&in);

	if (where.current_copy != LUOSDK_FLB_COPY(0) &&
	    where.current_copy != LUOSDK_FLB_COPY(1)) {
		leaked = luosdk_state_drop(&f->slots, &t->format, where.copy[0]);
		leaked += luosdk_state_drop(&f->slots, &t->format, where.copy[1]);
		return luosdk_flb_refused(f, -EBADMSG, leaked);
	}
	now = where.current_copy != LUOSDK_FLB_COPY(0);

	/* Somebody may have been about to change it when the old kernel ended. */
	leaked = luosdk_state_drop(&f->slots, &t->format, where.copy[!now]);
	err = luosdk_state_open(&in, &f->slots, &t->format, where.copy[now]);
	if (err) {
		if (t->unpreserve)
			pr_err("luosdk: %s: what the refused state owned is lost until the next reboot\n",
			       f->name);
		return luosdk_flb_refused(f, err, leaked + in.leaked);
	}
	luosdk_stats_add(&f->stats, LUOSDK_STAT_LEAKED, leaked);

	obj = t->restore(in.payload);
	luosdk_state_close(&in);
	if (WARN(!obj, "luosdk: %s: restore returned no object\n", f->name))
		obj = ERR_PTR(-EIO);
	if (IS_ERR(obj))
		return luosdk_stats_failed(&f->stats, PTR_ERR(obj));

	args->obj = obj;
	luosdk_stats_inc(&f->stats, LUOSDK_STAT_RESTORED);

	return 0;
}

static __always_inline void
luosdk_flb_finish(struct liveupdate_flb_op_args *args,
		  const struct luosdk_flb_type *t)
{
	struct luosdk_flb *f = container_of(args->flb, struct luosdk_flb, flb);

	/* The state was consumed by retrieve, which LUO calls at the latest now. */
	t->release(args->obj);
	luosdk_stats_inc(&f->stats, LUOSDK_STAT_FINISHED);
}

static inline void *luosdk_flb_get(struct luosdk_flb *f)
{
	void *obj;
	int err = liveupdate_flb_get_incoming(&f->flb, &obj);

	return err ? ERR_PTR(err) : obj;
}

static inline void luosdk_flb_put(struct luosdk_flb *f, void *obj)
{
	if (!IS_ERR_OR_NULL(obj))
		luosdk_flb_put_incoming(&f->flb);
}

static inline int luosdk_flb_register(struct luosdk_flb *f, struct luosdk_handler *h)
{
	int err;

	/* A kernel that was booted without live update: nothing to do. */
	if (h->no_luo)
		return 0;
	/* LUO would follow a list that is not there. */
	if (WARN(!h->registered, "luosdk: %s: handler %s is to be registered first\n",
		 f->name, h->name))
		return -EINVAL;

	err = liveupdate_register_flb(&h->fh, &f->flb);
	if (err) {
		pr_err("luosdk: %s: LUO refused shared state '%s' for handler %s: %pe\n",
		       f->name, f->flb.compatible, h->name, ERR_PTR(err));
		return err;
	}

	if (!f->handlers++) {
		luosdk_stats_describe(&f->stats, &f->format, true);
		luosdk_stats_register(&f->stats, f->name);
	}

	return 0;
}

static inline void luosdk_flb_unregister(struct luosdk_flb *f, struct luosdk_handler *h)
{
	if (h->no_luo)
		return;

	/* A handler that is unregistered has taken what its files share along. */
	if (h->registered)
		luosdk_unregister_flb(&h->fh, &f->flb);
	if (!--f->handlers)
		luosdk_stats_unregister(&f->stats);
}

/**
 * LUOSDK_FLB() - Define a state that files share.
 * @_name:   Its name, as in bus; prefix of all that is defined.
 * @_compat: The compatible string, a literal. It is what the old and the new
 *           kernel agree on; formats under it have versions of their own.
 * @_obj:    The type of the object that the new kernel makes of it.
 * @_ser:    The type of the saved state: fixed-width fields without padding.
 * @...:     The fields that the DOC section "flb" lists.
 *
 * Defines LUO's callbacks <name>_flb_preserve(), _unpreserve(), _retrieve() and
 * _finish(), the struct luosdk_flb <name>_flb, and for the driver
 *
 * ``int <name>_flb_register(struct luosdk_handler *h)``
 *	Files of @h share this state. Once for each such handler, after it was
 *	registered. Returns 0, also in a kernel that was booted without live
 *	update, or a negative errno, after a message.
 * ``void <name>_flb_unregister(struct luosdk_handler *h)``
 *	Undo that, before the handler is unregistered. Once for each that succeeded.
 * ``_ser *<name>_flb_begin(void)``
 *	Old kernel: begin to change the state. Sleeps. ERR_PTR(-ENOENT) while no
 *	file is preserved.
 * ``void <name>_flb_end(_ser *ser)``
 *	The change is complete. Has to follow every begin that succeeded, soon
 *	and in the same thread; @ser is not to be used any more.
 * ``_obj *<name>_flb_get(void)``
 *	New kernel: the object, restored when it is asked for first, and a
 *	reference to it. Sleeps. ERR_PTR(): -ENOENT if there is no such state,
 *	-ENODATA if there is nothing at all or the last file is finished already,
 *	-EOPNOTSUPP without live update, or the error of its retrieve, the same
 *	each time. May be called before anything is registered.
 * ``void <name>_flb_put(_obj *obj)``
 *	Give back what get returned; the object may end with it. Ignores an
 *	ERR_PTR(). Before Linux 7.2 get gives no reference: there the object is
 *	only certain to live while a file is not finished.
 */
#define LUOSDK_FLB(_name, _compat, _obj, _ser, ...)			\
	static_assert(sizeof(_compat) <= LIVEUPDATE_FLB_COMPAT_LENGTH,	\
		      "luosdk: the compatible string is too long for LUO"); \
	static_assert(sizeof(_ser) % 4 == 0 && __alignof__(_ser) <= 8,	\
		      "luosdk: saved state needs fixed-width fields");	\
									\
	static const struct {						\
		int (*save)(_ser *ser);					\
		void (*unpreserve)(_ser *ser);				\
		_obj *(*restore)(const _ser *ser);			\
		void (*release)(_obj *obj);				\
		u32 version;						\
		u32 min_version;					\
		const struct luosdk_upgrade *upgrades;			\
		u32 layout;						\
	} _name##_flb_author = { __VA_ARGS__ };				\
									\
	static inline int _name##_flb_do_save(void *ser)		\
	{								\
		return _name##_flb_author.save(ser);			\
	}								\
	static inline void _name##_flb_do_unpreserve(void *ser)		\
	{								\
		_name##_flb_author.unpreserve(ser);			\
	}								\
	static inline void *_name##_flb_do_restore(const void *ser)	\
	{								\
		return _name##_flb_author.restore(ser);			\
	}								\
	static inline void _name##_flb_do_release(void *obj)		\
	{								\
		_name##_flb_author.release(obj);			\
	}								\
									\
	/* Folded to constants wherever it is inlined. */		\
	static __always_inline struct luosdk_flb_type _name##_flb_type(void) \
	{								\
		return (struct luosdk_flb_type){			\
			.save = _name##_flb_do_save,			\
			.unpreserve = _name##_flb_author.unpreserve ?	\
				      _name##_flb_do_unpreserve : NULL,	\
			.restore = _name##_flb_do_restore,		\
			.release = _name##_flb_do_release,		\
			.format = {					\
				.compatible = _compat,			\
				.version = _name##_flb_author.version ?: 1, \
				.min_version = _name##_flb_author.min_version ?: \
					       _name##_flb_author.version ?: 1, \
				.bytes = sizeof(_ser),			\
				.sealed = sizeof(_ser),			\
				.layout = _name##_flb_author.layout,	\
				.upgrades = _name##_flb_author.upgrades, \
			},						\
		};							\
	}								\
									\
	static int _name##_flb_preserve(struct liveupdate_flb_op_args *args) \
	{								\
		const struct luosdk_flb_type t = _name##_flb_type();	\
									\
		return luosdk_flb_preserve(args, &t);			\
	}								\
									\
	static void _name##_flb_unpreserve(struct liveupdate_flb_op_args *args) \
	{								\
		const struct luosdk_flb_type t = _name##_flb_type();	\
									\
		luosdk_flb_unpreserve(args, &t);			\
	}								\
									\
	static int _name##_flb_retrieve(struct liveupdate_flb_op_args *args) \
	{								\
		const struct luosdk_flb_type t = _name##_flb_type();	\
									\
		return luosdk_flb_retrieve(args, &t);			\
	}								\
									\
	static void _name##_flb_finish(struct liveupdate_flb_op_args *args) \
	{								\
		const struct luosdk_flb_type t = _name##_flb_type();	\
									\
		luosdk_flb_finish(args, &t);				\
	}								\
									\
	static const struct liveupdate_flb_ops _name##_flb_ops = {	\
		.preserve = _name##_flb_preserve,			\
		.unpreserve = _name##_flb_unpreserve,			\
		.retrieve = _name##_flb_retrieve,			\
		.finish = _name##_flb_finish,				\
		.owner = THIS_MODULE,					\
	};								\
									\
	static struct luosdk_flb _name##_flb = {			\
		.name = #_name "-flb",					\
		.flb = {						\
			.ops = &_name##_flb_ops,			\
			.compatible = _compat,				\
		},							\
		.slots = LUOSDK_SLOTS_INIT(_name##_flb.slots,		\
					   MAX_T(u32, sizeof(_ser),	\
						 sizeof(struct luosdk_flb_ser))), \
		.lock = __MUTEX_INITIALIZER(_name##_flb.lock),		\
	};								\
									\
	static int _name##_flb_register(struct luosdk_handler *h)	\
	{								\
		BUILD_BUG_ON_MSG(!_name##_flb_author.save,		\
				 "luosdk: .save is missing");		\
		BUILD_BUG_ON_MSG(!_name##_flb_author.restore,		\
				 "luosdk: .restore is missing");	\
		BUILD_BUG_ON_MSG(!_name##_flb_author.release,		\
				 "luosdk: .release is missing");	\
		BUILD_BUG_ON_MSG(_name##_flb_author.min_version &&	\
				 _name##_flb_author.min_version <	\
				 _name##_flb_author.version &&		\
				 !_name##_flb_author.upgrades,		\
				 "luosdk: .upgrades is missing");	\
									\
		LUOSDK_NOTE(LUOSDK_NOTE_SHARED, _compat, LUOSDK_STATE_MAGIC, \
			    _name##_flb_author.version ?: 1,		\
			    _name##_flb_author.min_version ?:		\
			    _name##_flb_author.version ?: 1,		\
			    sizeof(_ser), sizeof(_ser),			\
			    _name##_flb_author.layout);			\
		_name##_flb.format = _name##_flb_type().format;		\
									\
		return luosdk_flb_register(&_name##_flb, h);		\
	}								\
									\
	static void __maybe_unused					\
	_name##_flb_unregister(struct luosdk_handler *h)		\
	{								\
		luosdk_flb_unregister(&_name##_flb, h);			\
	}								\
									\
	static _ser * __maybe_unused _name##_flb_begin(void)		\
	{								\
		return luosdk_flb_begin(&_name##_flb);			\
	}								\
									\
	static void __maybe_unused _name##_flb_end(_ser *ser)		\
	{								\
		luosdk_flb_end(&_name##_flb, ser);			\
	}								\
									\
	static _obj * __maybe_unused _name##_flb_get(void)		\
	{								\
		return luosdk_flb_get(&_name##_flb);			\
	}								\
									\
	static void __maybe_unused _name##_flb_put(_obj *obj)		\
	{								\
		luosdk_flb_put(&_name##_flb, obj);			\
	}								\
	static_assert(true)

#endif /* _LUOSDK_FLB_H */
