// SPDX-License-Identifier: GPL-2.0
/*
 * memory_fd_luo_world.c - a kernel with the driver, and the test's way to what is static in
 * it.
 */
#include <luokit_world.h>
#include "memory_fd.c"

#include "memory_fd_luo_kunit.h"

/* Yours: what the tests see of an object, and do to it. */
static unsigned long memory_fd_nr_pages(struct file *file)
{
	struct memory_fd *m = file->private_data;

	guard(mutex)(&m->lock);
	return m->nr_pages;
}

static void *memory_fd_page(struct file *file, unsigned long index)
{
	struct memory_fd *m = file->private_data;

	guard(mutex)(&m->lock);
	return index < m->nr_pages ? page_address(m->pages[index]) : NULL;
}

static int memory_fd_grow_file(struct file *file, unsigned long more)
{
	return memory_fd_grow(file->private_data, more);
}

static void memory_fd_turn(struct file *file)
{
	struct memory_fd *m = file->private_data;
	unsigned long i;

	guard(mutex)(&m->lock);
	for (i = 0; i < m->nr_pages / 2; i++)
		swap(m->pages[i], m->pages[m->nr_pages - 1 - i]);
}

static const struct memory_fd_way memory_fd_way = {
	.create = memory_fd_create,
	.nr_pages = memory_fd_nr_pages,
	.page = memory_fd_page,
	.grow = memory_fd_grow_file,
	.turn = memory_fd_turn,
};

LUOKIT_WORLD(memory_fd_luo_world, .private = &memory_fd_way);
