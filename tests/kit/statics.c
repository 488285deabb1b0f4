// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: the statics of a world as the compiler left them.
 *
 * The first boot of a world keeps a copy of its writable data, every boot puts that copy
 * back. Built without KASAN: the space between two variables is none of its business
 * here.
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "luokit_internal.h"

struct luokit_pristine {
	struct list_head list;
	const struct luokit_world *world;
	unsigned long data[];
};

static LIST_HEAD(luokit_pristine);

/* Word by word, so that no instrumented memcpy() is called for it. */
static void luokit_copy_words(unsigned long *to, const unsigned long *from, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(*to); i++)
		WRITE_ONCE(to[i], READ_ONCE(from[i]));
}

int luokit_statics_reset(const struct luokit_world *world)
{
	size_t bytes = world->data_end - world->data;
	struct luokit_pristine *it;

	list_for_each_entry(it, &luokit_pristine, list) {
		if (it->world == world) {
			luokit_copy_words((unsigned long *)world->data, it->data, bytes);
			return 0;
		}
	}

	/* Stays as long as the world does: the copy cannot be made a second time. */
	it = kmalloc(struct_size(it, data, bytes / sizeof(it->data[0])), GFP_KERNEL);
	if (!it)
		return -ENOMEM;
	it->world = world;
	luokit_copy_words(it->data, (unsigned long *)world->data, bytes);
	list_add(&it->list, &luokit_pristine);

	return 0;
}

void luokit_statics_forget(struct module *module)
{
	struct luokit_pristine *it, *next;

	list_for_each_entry_safe(it, next, &luokit_pristine, list) {
		if (!within_module((unsigned long)it->world, module))
			continue;
		list_del(&it->list);
		kfree(it);
	}
}
