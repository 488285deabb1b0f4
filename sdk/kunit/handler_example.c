// SPDX-License-Identifier: GPL-2.0
/* Compiles the example in luosdk/handler.h: what surrounds it in a driver. */
#include <luosdk/handler.h>

struct widget {
	struct luosdk_guard guard;
	u64 value;
};

static const struct file_operations widget_fops;

static struct file *widget_create_file(u64 value)
{
	return luosdk_anon_file("[widget]", &widget_fops, NULL, O_RDWR);
}

#include "handler_example.inc"

module_init(widget_init);
module_exit(widget_exit);
