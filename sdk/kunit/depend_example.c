// SPDX-License-Identifier: GPL-2.0
/* Compiles the example in luosdk/depend.h: what surrounds it in a driver. */
#include <luosdk/depend.h>

struct shelf {
	struct luosdk_guard guard;
	u64 size;
};

struct shelf_luo_ser {
	u64 size;
};

struct widget {
	struct luosdk_guard guard;
	struct file *shelf;
};

struct widget_luo_ser {
	u64 shelf;
};

static const struct file_operations widget_fops, shelf_fops;

static int widget_save(struct file *file, struct widget *w, struct widget_luo_ser *ser)
{
	return 0;
}

static struct file *widget_restore(const struct widget_luo_ser *ser)
{
	return luosdk_anon_file("[widget]", &widget_fops, NULL, O_RDWR);
}

static int shelf_save(struct file *file, struct shelf *s, struct shelf_luo_ser *ser)
{
	ser->size = s->size;
	return 0;
}

static struct file *shelf_restore(const struct shelf_luo_ser *ser)
{
	return luosdk_anon_file("[shelf]", &shelf_fops, NULL, O_RDWR);
}

#include "depend_example.inc"

static int __init widget_init(void)
{
	int err = shelf_luo_register();

	if (err)
		return err;
	err = widget_luo_register();
	if (err)
		shelf_luo_unregister();
	return err;
}
module_init(widget_init);

static void __exit widget_exit(void)
{
	widget_luo_unregister();
	shelf_luo_unregister();
}
module_exit(widget_exit);
