// SPDX-License-Identifier: GPL-2.0
/* Compiles the example in luosdk/trace.h: what surrounds it in a driver. */
#include "trace_example.inc"

struct widget {
	struct luosdk_guard guard;
	u64 value;
};

struct widget_luo_ser {
	u64 value;
};

static const struct file_operations widget_fops;

static int widget_save(struct file *file, struct widget *w, struct widget_luo_ser *ser)
{
	ser->value = w->value;
	return 0;
}

static struct file *widget_restore(const struct widget_luo_ser *ser)
{
	return luosdk_anon_file("[widget]", &widget_fops, NULL, O_RDWR);
}

LUOSDK_HANDLER(widget, "widget-v1",
	       struct widget, struct widget_luo_ser,
	.fops = &widget_fops,
	.guard = LUOSDK_GUARD_IN(struct widget, guard),
	.save = widget_save,
	.restore = widget_restore,
);
luosdk_module_handler(widget);
