// SPDX-License-Identifier: GPL-2.0
/* Compiles the example in luosdk/file.h: what surrounds it in a driver. */
#include <linux/slab.h>
#include <luosdk/file.h>

struct widget {
	u64 value;
};

struct widget_luo_ser {
	u64 value;
	u32 file_flags;
};

static const struct file_operations widget_fops;

static struct widget *widget_create(u64 value)
{
	struct widget *w = kzalloc(sizeof(*w), GFP_KERNEL);

	if (!w)
		return ERR_PTR(-ENOMEM);
	w->value = value;
	return w;
}

static void widget_destroy(struct widget *w)
{
	kfree(w);
}

#include "file_example.inc"

struct file *widget_example(const struct widget_luo_ser *ser);
struct file *widget_example(const struct widget_luo_ser *ser)
{
	return widget_luo_restore(ser);
}
