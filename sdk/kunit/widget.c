// SPDX-License-Identifier: GPL-2.0
/*
 * widget.c - the handler that the layer's own tests are about; see widget.h.
 *
 * Included by the *_world.c files, which set WIDGET_VERSION and WIDGET_BALLAST.
 */

#include <linux/anon_inodes.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <luosdk/handler.h>

#include "widget.h"

#ifndef WIDGET_VERSION
#define WIDGET_VERSION	1
#endif
#ifndef WIDGET_BALLAST
#define WIDGET_BALLAST	0
#endif

struct widget {
	struct luosdk_guard guard;
	u64 value;
	u32 tag;
};

struct widget_luo_ser_v1 {
	u64 value;
	u8 ballast[WIDGET_BALLAST];
};

struct widget_luo_ser_v2 {
	u64 value;
	u32 tag;
	u32 reserved;
};

struct widget_luo_ser_v3 {
	u32 tag;
	u32 reserved;
	u64 high;
	u64 low;
};

static int widget_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations widget_fops = {
	.release = widget_release,
};

static const struct file_operations widget_foreign_fops = {
	.release = widget_release,
};

static struct file *widget_create_as(const struct file_operations *fops,
				     u64 value, u32 tag)
{
	struct widget *w = kzalloc(sizeof(*w), GFP_KERNEL);
	struct file *file;

	if (!w)
		return ERR_PTR(-ENOMEM);
	w->value = value;
	w->tag = tag;

	file = luosdk_anon_file("[widget]", fops, w, O_RDWR);
	if (IS_ERR(file))
		kfree(w);
	return file;
}

static struct file *widget_create(u64 value)
{
	return widget_create_as(&widget_fops, value, 5);
}

static int widget_set(struct file *file, u64 value)
{
	struct widget *w = file->private_data;
	int err = luosdk_access_begin(&w->guard);

	if (err)
		return err;
	w->value = value;
	luosdk_access_end(&w->guard);
	return 0;
}

/* What every version of the author's functions begins or ends with. */
static struct file *widget_restore_as(u64 value, u32 tag)
{
	struct file *file;

	switch (widget_knobs.restore) {
	case WIDGET_RESTORE_ERROR:
		return ERR_PTR(-EDOM);
	case WIDGET_RESTORE_NULL:
		return NULL;
	case WIDGET_RESTORE_FOREIGN:
		return widget_create_as(&widget_foreign_fops, value, tag);
	default:
		break;
	}

	file = widget_create_as(&widget_fops, value, tag);
	if (IS_ERR(file))
		return file;
	if (widget_knobs.restore == WIDGET_RESTORE_SHARED)
		widget_knobs.shared = get_file(file);
	if (widget_knobs.restore == WIDGET_RESTORE_CLAIMED) {
		struct widget *w = file->private_data;

		if (luosdk_guard_claim(&w->guard, &widget_knobs))
			pr_err("widget: a new object is claimed\n");
	}
	return file;
}

#if WIDGET_VERSION == 1

#define WIDGET_SER	struct widget_luo_ser_v1

static int widget_save(struct file *file, struct widget *w,
		       struct widget_luo_ser_v1 *ser)
{
	ser->value = w->value;
	return widget_knobs.save;
}

static struct file *widget_restore(const struct widget_luo_ser_v1 *ser)
{
	return widget_restore_as(ser->value, 0);
}

static void widget_discard(const struct widget_luo_ser_v1 *ser)
{
	widget_knobs.discarded++;
	widget_knobs.last_discarded = ser->value;
}

#else

static int widget_v1_to_v2(const void *old, void *new)
{
	const struct widget_luo_ser_v1 *v1 = old;
	struct widget_luo_ser_v2 *v2 = new;

	v2->value = v1->value;
	return widget_knobs.upgrade;
}

static __maybe_unused int widget_v2_to_v3(const void *old, void *new)
{
	const struct widget_luo_ser_v2 *v2 = old;
	struct widget_luo_ser_v3 *v3 = new;

	v3->tag = v2->tag;
	v3->high = v2->value >> 32;
	v3->low = (u32)v2->value;
	return widget_knobs.upgrade;
}

static const struct luosdk_upgrade widget_upgrades[] = {
	{
		.bytes = sizeof(struct widget_luo_ser_v1),
		.sealed = sizeof(struct widget_luo_ser_v1),
		.step = widget_v1_to_v2,
	},
#if WIDGET_VERSION == 3
	{
		.bytes = sizeof(struct widget_luo_ser_v2),
		.sealed = sizeof(struct widget_luo_ser_v2),
		.step = widget_v2_to_v3,
	},
#endif
};

#if WIDGET_VERSION == 2

#define WIDGET_SER	struct widget_luo_ser_v2

static int widget_save(struct file *file, struct widget *w,
		       struct widget_luo_ser_v2 *ser)
{
	ser->value = w->value;
	ser->tag = w->tag;
	return widget_knobs.save;
}

static struct file *widget_restore(const struct widget_luo_ser_v2 *ser)
{
	return widget_restore_as(ser->value, ser->tag);
}

static void widget_discard(const struct widget_luo_ser_v2 *ser)
{
	widget_knobs.discarded++;
	widget_knobs.last_discarded = ser->value;
}

#else

#define WIDGET_SER	struct widget_luo_ser_v3

static int widget_save(struct file *file, struct widget *w,
		       struct widget_luo_ser_v3 *ser)
{
	ser->high = w->value >> 32;
	ser->low = (u32)w->value;
	ser->tag = w->tag;
	return widget_knobs.save;
}

static struct file *widget_restore(const struct widget_luo_ser_v3 *ser)
{
	return widget_restore_as(ser->high << 32 | ser->low, ser->tag);
}

static void widget_discard(const struct widget_luo_ser_v3 *ser)
{
	widget_knobs.discarded++;
	widget_knobs.last_discarded = ser->high << 32 | ser->low;
}

#endif
#endif

static bool widget_accept(struct file *file, struct widget *w)
{
	return !widget_knobs.unwilling;
}

static int widget_preserve(struct file *file, struct widget *w, WIDGET_SER *ser)
{
	widget_knobs.preserved++;
	return widget_knobs.preserve;
}

static void widget_unpreserve(struct file *file, struct widget *w, WIDGET_SER *ser)
{
	widget_knobs.unpreserved++;
}

static int widget_freeze(struct file *file, struct widget *w, WIDGET_SER *ser)
{
	return widget_knobs.freeze;
}

static void widget_thaw(struct file *file, struct widget *w, WIDGET_SER *ser)
{
	widget_knobs.thawed++;
}

static bool widget_ready(struct file *file, struct widget *w)
{
	widget_knobs.asked_ready++;
	return !widget_knobs.not_ready;
}

LUOSDK_HANDLER(widget, "luosdk-widget-v1",
	       struct widget, WIDGET_SER,
	.fops = &widget_fops,
	.guard = LUOSDK_GUARD_IN(struct widget, guard),
	.accept = widget_accept,
	.save = widget_save,
	.preserve = widget_preserve,
	.unpreserve = widget_unpreserve,
	.freeze = widget_freeze,
	.thaw = widget_thaw,
	.restore = widget_restore,
	.ready = widget_ready,
	.discard = widget_discard,
	.version = WIDGET_VERSION,
	.min_version = 1,
#if WIDGET_VERSION > 1
	.upgrades = widget_upgrades,
#endif
	.drain_ms = 50,
);
luosdk_module_handler(widget);

static u64 widget_value(struct file *file)
{
	struct widget *w = file->private_data;

	return w->value;
}

static u32 widget_tag(struct file *file)
{
	struct widget *w = file->private_data;

	return w->tag;
}

static struct luosdk_guard *widget_guard(struct file *file)
{
	struct widget *w = file->private_data;

	return &w->guard;
}

static int widget_consume(u64 handle)
{
	struct luosdk_incoming in;
	int err = luosdk_state_open(&in, &widget_luo_handler.slots,
				    &widget_luo_handler.format, handle);

	if (!err)
		luosdk_state_close(&in);
	return err;
}

static void widget_trace(int err)
{
	luosdk_trace_end("widget", LUOSDK_OP_UNFREEZE, NULL, 0, 0, luosdk_trace_begin(), err);
}

/* As in a kernel that was booted without liveupdate=on. */
static int widget_init_without_luo(void)
{
	int err;

	luo_global.enabled = false;
	err = widget_luo_init();
	luo_global.enabled = true;
	return err;
}

static int widget_init_disabled(void)
{
	int err;

	widget_luo_enabled = false;
	err = widget_luo_init();
	widget_luo_enabled = true;
	return err;
}

static const struct widget_way widget_way = {
	.handler = &widget_luo_handler,
	.create = widget_create,
	.value = widget_value,
	.tag = widget_tag,
	.set = widget_set,
	.guard_of = widget_guard,
	.consume = widget_consume,
	.init_without_luo = widget_init_without_luo,
	.init_disabled = widget_init_disabled,
	.trace = widget_trace,
	.init = widget_luo_init,
	.exit = widget_luo_exit,
	.ser_bytes = sizeof(WIDGET_SER),
};
