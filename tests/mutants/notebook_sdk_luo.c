// SPDX-License-Identifier: GPL-2.0
/*
 * notebook_sdk_luo.c - carries notebooks over a live update; with the header layer.
 *
 * The same driver as with notebook_hand_luo.c. What is left to write is what a notebook is:
 * who may preserve it and how often, the memory of the state and its checksum, and what
 * happens when something fails are the layer's. The layer has nothing for pages yet that
 * stay where they are, so the text is copied into the state.
 */

#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <luosdk/handler.h>

#include "notebook.h"

static_assert(sizeof_field(struct notebook_ser, title) == NOTEBOOK_TITLE_BYTES);
static_assert(sizeof_field(struct notebook_ser, text) == NOTEBOOK_MAX_PAGES * PAGE_SIZE);

/* ---- What the driver asks ------------------------------------------------------------ */

void notebook_luo_init(struct notebook *n)
{
	/* Zeroes are an idle guard. */
}

int notebook_change_begin(struct notebook *n)
{
	int err = luosdk_access_begin_wait(&n->luo.guard);

	if (err)
		return err;
	mutex_lock(&n->lock);

	return 0;
}

void notebook_change_end(struct notebook *n)
{
	mutex_unlock(&n->lock);
	luosdk_access_end(&n->luo.guard);
}

bool notebook_luo_keeps_notebook(struct notebook *n)
{
	enum luosdk_phase phase = luosdk_guard_phase(&n->luo.guard);

	return phase == LUOSDK_PRESERVED || phase == LUOSDK_FROZEN;
}

/* They are saved as they are at the freeze. */
bool notebook_luo_keeps_pages(struct notebook *n)
{
	return false;
}

/* ---- The handler --------------------------------------------------------------------------- */

static int notebook_save(struct file *file, struct notebook *n, struct notebook_ser *ser)
{
	u32 i;

	guard(mutex)(&n->lock);
	if (n->flags & NOTEBOOK_LENT)
		return -EBUSY;

	ser->file_flags = luosdk_file_flags(file);
	ser->flags = n->flags;
	ser->mark = n->mark;
	memcpy(ser->title, n->title, sizeof(ser->title));
	ser->length = n->length;
	for (i = 0; i < n->nr_pages; i++)
		memcpy(ser->text + i * PAGE_SIZE, page_address(n->page[i]), PAGE_SIZE);

	return 0;
}

static int notebook_freeze(struct file *file, struct notebook *n, struct notebook_ser *ser)
{
	return notebook_suspend(n);
}

static void notebook_thaw(struct file *file, struct notebook *n, struct notebook_ser *ser)
{
	notebook_resume(n);
}

static int notebook_fill(struct notebook *n, const struct notebook_ser *ser)
{
	u32 pos;
	ssize_t done;
	int err;

	for (pos = 0; pos < ser->length; pos += done) {
		done = notebook_write(n, pos, ser->text + pos, ser->length - pos);
		if (done < 0)
			return done;
	}
	err = notebook_set_title(n, ser->title);
	if (!err)
		err = notebook_set_mark(n, ser->mark);
	if (!err)
		err = notebook_set_flags(n, ser->flags);

	return err;
}

static struct file *notebook_restore(const struct notebook_ser *ser)
{
	struct notebook *n;
	struct file *file;
	int err;

	if (ser->length > sizeof(ser->text) || ser->flags & NOTEBOOK_LENT ||
	    ser->file_flags & ~LUOSDK_FILE_FLAGS ||
	    (ser->file_flags & O_ACCMODE) == O_ACCMODE ||
	    strnlen(ser->title, sizeof(ser->title)) == sizeof(ser->title))
		return ERR_PTR(-EINVAL);

	n = notebook_new();
	if (!n)
		return ERR_PTR(-ENOMEM);
	err = notebook_fill(n, ser);
	file = err ? ERR_PTR(err) : notebook_file(n, ser->file_flags);
	if (IS_ERR(file))
		notebook_put(n);

	return file;
}

static bool notebook_ready(struct file *file, struct notebook *n)
{
	return READ_ONCE(n->attached);
}

LUOSDK_HANDLER(notebook_sdk, NOTEBOOK_COMPATIBLE,
	       struct notebook, struct notebook_ser,
	.fops = &notebook_fops,
	.guard = LUOSDK_GUARD_IN(struct notebook, luo.guard),
	.save = notebook_save,
	.freeze = notebook_freeze,
	.thaw = notebook_thaw,
	.restore = notebook_restore,
	.ready = notebook_ready,
);

int notebook_luo_register(void)
{
	return notebook_sdk_luo_register();
}

void notebook_luo_unregister(void)
{
	notebook_sdk_luo_unregister();
}
