/* SPDX-License-Identifier: GPL-2.0 */
/*
 * notebook_world.h - the driver with one of its handlers, and the tests' way into it.
 *
 * For a world: included once, behind luokit_world.h, with NOTEBOOK_SDK defined for the
 * handler that uses the header layer. Each mutant's world includes its own, changed copy.
 */
#include <luokit_subject.h>

#include "notebook.c"
#ifdef NOTEBOOK_SDK
#include "notebook_sdk_luo.c"
#else
#include "notebook_hand_luo.c"
#endif

#include "notebook_subject.h"

int notebook_device_call(const char *what)
{
	return luokit_hook(what);
}

static struct file *notebook_way_create(unsigned int flags)
{
	struct notebook *n = notebook_new();
	struct file *file;

	if (!n)
		return ERR_PTR(-ENOMEM);
	file = notebook_file(n, flags);
	if (IS_ERR(file))
		notebook_put(n);

	return file;
}

static struct file *notebook_way_twin(struct file *file)
{
	struct notebook *n = file->private_data;
	struct file *twin;

	notebook_get(n);
	twin = notebook_file(n, O_RDWR);
	if (IS_ERR(twin))
		notebook_put(n);

	return twin;
}

static struct file *notebook_way_reader(struct file *file)
{
	struct notebook *n = file->private_data;
	struct file *reader;

	notebook_get(n);
	reader = notebook_reader(n);
	if (IS_ERR(reader))
		notebook_put(n);

	return reader;
}

static void notebook_way_look(struct file *file, struct notebook_look *look)
{
	struct notebook *n = file->private_data;

	guard(mutex)(&n->lock);
	memcpy(look->title, n->title, sizeof(look->title));
	look->flags = n->flags;
	look->mark = n->mark;
	look->length = n->length;
}

static ssize_t notebook_way_read(struct file *file, u64 pos, void *text, size_t count)
{
	return notebook_read(file->private_data, pos, text, count);
}

static ssize_t notebook_way_write(struct file *file, u64 pos, const void *text, size_t count)
{
	return notebook_write(file->private_data, pos, text, count);
}

static int notebook_way_set_title(struct file *file, const char *title)
{
	return notebook_set_title(file->private_data, title);
}

static int notebook_way_set_mark(struct file *file, u64 mark)
{
	return notebook_set_mark(file->private_data, mark);
}

static int notebook_way_set_flags(struct file *file, u32 flags)
{
	return notebook_set_flags(file->private_data, flags);
}

static int notebook_way_erase(struct file *file)
{
	return notebook_erase(file->private_data);
}

static long notebook_way_refs(struct file *file)
{
	struct notebook *n = file->private_data;

	return kref_read(&n->ref);
}

static const struct notebook_way notebook_way = {
	.max_pages = NOTEBOOK_MAX_PAGES,
	.create = notebook_way_create,
	.twin = notebook_way_twin,
	.reader = notebook_way_reader,
	.look = notebook_way_look,
	.read = notebook_way_read,
	.write = notebook_way_write,
	.set_title = notebook_way_set_title,
	.set_mark = notebook_way_set_mark,
	.set_flags = notebook_way_set_flags,
	.erase = notebook_way_erase,
	.refs = notebook_way_refs,
};
