// SPDX-License-Identifier: GPL-2.0
/* A kernel with the handler of buffer.h. */
#include <luokit_world.h>

#include <linux/anon_inodes.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <luosdk/handler.h>

#include "buffer.h"

struct buffer {
	struct luosdk_guard guard;
	unsigned long nr_pages;
	struct page *pages[] __counted_by(nr_pages);
};

static void buffer_free(struct buffer *b)
{
	unsigned long i;

	/* A page inside of a folio has its reference by the first. */
	for (i = 0; i < b->nr_pages; i++)
		if (b->pages[i] && !PageTail(b->pages[i]))
			put_page(b->pages[i]);
	kvfree(b);
}

static int buffer_release(struct inode *inode, struct file *file)
{
	buffer_free(file->private_data);
	return 0;
}

static const struct file_operations buffer_fops = {
	.release = buffer_release,
};

static struct file *buffer_file(struct buffer *b)
{
	struct file *file = luosdk_anon_file("[buffer]", &buffer_fops, b, O_RDWR);

	if (IS_ERR(file))
		buffer_free(b);

	return file;
}

static struct buffer *buffer_alloc(u64 nr)
{
	struct buffer *b;

	if (nr > 100000)
		return ERR_PTR(-EINVAL);
	b = kvzalloc(struct_size(b, pages, nr), GFP_KERNEL);
	if (!b)
		return ERR_PTR(-ENOMEM);
	b->nr_pages = nr;

	return b;
}

static struct file *buffer_create(struct page *const *pages, unsigned long nr)
{
	struct buffer *b = buffer_alloc(nr);
	unsigned long i;

	if (IS_ERR(b))
		return ERR_CAST(b);
	for (i = 0; i < nr; i++)
		b->pages[i] = pages[i];

	return buffer_file(b);
}

static int buffer_save(struct file *file, struct buffer *b, struct buffer_luo_ser *ser)
{
	ser->nr_pages = b->nr_pages;
	ser->max_order = buffer_knobs.max_order;

	return 0;
}

static void buffer_put(struct folio *folio)
{
	buffer_knobs.put++;
}

static int buffer_preserve(struct file *file, struct buffer *b, struct buffer_luo_ser *ser)
{
	struct luosdk_folios_out out;
	unsigned long i;
	int err = 0;

	luosdk_folios_begin(&out, &ser->folios, ser->max_order);
	for (i = 0; !err && i < b->nr_pages; i++)
		if (b->pages[i])
			err = luosdk_folios_add(&out, b->pages[i], 1, i);
	if (!err)
		err = luosdk_folios_end(&out);
	if (err)
		luosdk_folios_abort(&out, buffer_put);

	return err;
}

static void buffer_unpreserve(struct file *file, struct buffer *b, struct buffer_luo_ser *ser)
{
	luosdk_folios_unpreserve(&ser->folios, buffer_put);
}

static struct page *buffer_take(const struct luosdk_chunk *chunk)
{
	struct folio *folio;

	if (!buffer_knobs.as_folios || !chunk->congruent)
		return luosdk_chunk_pages(chunk);
	folio = luosdk_chunk_folio(chunk);

	return folio ? folio_page(folio, 0) : NULL;
}

static int buffer_fill(struct buffer *b, struct luosdk_folios_in *in)
{
	struct buffer_knobs *knobs = &buffer_knobs;
	unsigned int taken = 0;
	struct luosdk_chunk c;
	unsigned long i;

	while (!knobs->stop_after || taken++ < knobs->stop_after) {
		struct page *page;

		if (!luosdk_folios_next(in, &c))
			return 0;
		if (knobs->nr_chunks < ARRAY_SIZE(knobs->chunk))
			knobs->chunk[knobs->nr_chunks++] = c;
		page = buffer_take(&c);
		if (!page)
			return -EIO;
		for (i = 0; i < 1UL << c.order; i++)
			b->pages[c.index + i] = page + i;
	}

	return -EINTR;
}

static void buffer_discard(const struct buffer_luo_ser *ser)
{
	buffer_knobs.leaked = luosdk_folios_discard(&ser->folios);
	if (buffer_knobs.leaked)
		pr_err("buffer: damaged, %llu bytes are lost\n", buffer_knobs.leaked);
}

static struct file *buffer_restore(const struct buffer_luo_ser *ser)
{
	struct buffer *b = buffer_alloc(ser->nr_pages);
	struct luosdk_folios_in in;
	int err;

	if (IS_ERR(b)) {
		buffer_discard(ser);
		return ERR_CAST(b);
	}
	err = luosdk_folios_open(&in, &ser->folios, ser->nr_pages);
	if (err) {
		buffer_knobs.leaked = in.leaked;
		if (in.leaked)
			pr_err("buffer: damaged, %llu bytes are lost\n", in.leaked);
	} else {
		err = buffer_fill(b, &in);
		luosdk_folios_close(&in);
	}
	if (err) {
		buffer_free(b);
		return ERR_PTR(err);
	}

	return buffer_file(b);
}

LUOSDK_HANDLER(buffer, "luosdk-buffer-v1",
	       struct buffer, struct buffer_luo_ser,
	.fops = &buffer_fops,
	.guard = LUOSDK_GUARD_IN(struct buffer, guard),
	.save = buffer_save,
	.preserve = buffer_preserve,
	.unpreserve = buffer_unpreserve,
	.restore = buffer_restore,
	.discard = buffer_discard,
);
luosdk_module_handler(buffer);

static struct page *buffer_page(struct file *file, unsigned long index)
{
	struct buffer *b = file->private_data;

	return b->pages[index];
}

static unsigned long buffer_nr_pages(struct file *file)
{
	struct buffer *b = file->private_data;

	return b->nr_pages;
}

static const struct buffer_way buffer_way = {
	.handler = &buffer_luo_handler,
	.create = buffer_create,
	.page = buffer_page,
	.nr_pages = buffer_nr_pages,
};

LUOKIT_WORLD(buffer_world, .private = &buffer_way);
