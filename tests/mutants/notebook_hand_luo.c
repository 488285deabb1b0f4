// SPDX-License-Identifier: GPL-2.0
/*
 * notebook_hand_luo.c - carries notebooks over a live update; without the header layer.
 *
 * A reference of how a handler looks that is written against LUO and KHO alone and keeps
 * every rule. The state is two pieces of memory of its own, the notebook and the table of
 * its pages, and the pages themselves, which stay where they are. All memory is taken in
 * preserve. From then on pages neither come nor go; the rest of the notebook can change
 * until freeze, which writes it down and seals it with checksums.
 *
 * The new kernel believes nothing that it did not check. What a damaged state names may
 * belong to somebody else: it is left alone, which loses it until the next reboot, and that
 * is reported. What is certainly its own is used or freed, whatever else fails.
 */

#include <linux/build_bug.h>
#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "notebook.h"

static_assert(sizeof_field(struct notebook_ser, title) == NOTEBOOK_TITLE_BYTES);
static_assert(NOTEBOOK_MAX_PAGES * sizeof(struct notebook_page_ser) <= PAGE_SIZE);

/* What of a file's flags is carried over. */
#define NOTEBOOK_FILE_FLAGS	(O_ACCMODE | O_NONBLOCK)

/* ---- What the driver asks ------------------------------------------------------------ */

void notebook_luo_init(struct notebook *n)
{
	n->luo.phase = NOTEBOOK_IDLE;
	init_waitqueue_head(&n->luo.thawed);
}

int notebook_change_begin(struct notebook *n)
{
	int err;

	mutex_lock(&n->lock);
	while (n->luo.phase == NOTEBOOK_FROZEN) {
		mutex_unlock(&n->lock);
		err = wait_event_killable(n->luo.thawed,
					  READ_ONCE(n->luo.phase) != NOTEBOOK_FROZEN);
		if (err)
			return err;
		mutex_lock(&n->lock);
	}

	return 0;
}

void notebook_change_end(struct notebook *n)
{
	mutex_unlock(&n->lock);
}

bool notebook_luo_keeps_notebook(struct notebook *n)
{
	return n->luo.phase == NOTEBOOK_PRESERVED || n->luo.phase == NOTEBOOK_FROZEN;
}

bool notebook_luo_keeps_pages(struct notebook *n)
{
	return notebook_luo_keeps_notebook(n);
}

/* ---- The old kernel ------------------------------------------------------------------- */

/* One at a time, through whichever file: the phase is the notebook's. */
static int notebook_luo_claim(struct notebook *n)
{
	int err = 0;

	mutex_lock(&n->lock);
	if (n->luo.phase != NOTEBOOK_IDLE || n->flags & NOTEBOOK_LENT)
		err = -EBUSY;
	else
		n->luo.phase = NOTEBOOK_PRESERVED;
	mutex_unlock(&n->lock);

	return err;
}

static void notebook_luo_set_phase(struct notebook *n, enum notebook_phase phase)
{
	mutex_lock(&n->lock);
	WRITE_ONCE(n->luo.phase, phase);
	mutex_unlock(&n->lock);
	wake_up_all(&n->luo.thawed);
}

/* Of a claimed notebook, whose pages stay as they are. */
static int notebook_luo_preserve_pages(struct notebook *n, struct notebook_ser *ser)
{
	struct notebook_page_ser *table;
	u32 i;
	int err;

	if (!n->nr_pages)
		return 0;

	table = kho_alloc_preserve(n->nr_pages * sizeof(*table));
	if (IS_ERR(table))
		return PTR_ERR(table);

	for (i = 0; i < n->nr_pages; i++) {
		err = kho_preserve_pages(n->page[i], 1);
		if (err)
			goto err_unpreserve;
		table[i].pfn = page_to_pfn(n->page[i]);
	}

	ser->table = virt_to_phys(table);
	ser->nr_pages = n->nr_pages;

	return 0;

err_unpreserve:
	while (i--)
		kho_unpreserve_pages(n->page[i], 1);
	kho_unpreserve_free(table);
	return err;
}

static void notebook_luo_unpreserve_pages(struct notebook *n, struct notebook_ser *ser)
{
	u32 i;

	if (!ser->nr_pages)
		return;

	for (i = 0; i < ser->nr_pages; i++)
		kho_unpreserve_pages(n->page[i], 1);
	kho_unpreserve_free(phys_to_virt(ser->table));
}

static bool notebook_luo_can_preserve(struct liveupdate_file_handler *handler,
				      struct file *file)
{
	struct notebook *n = notebook_of(file);

	return n && !(READ_ONCE(n->flags) & NOTEBOOK_LENT);
}

static int notebook_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct notebook *n = notebook_of(args->file);
	struct notebook_ser *ser;
	int err;

	/* can_preserve() was some time ago. */
	if (!n)
		return -EINVAL;
	err = notebook_luo_claim(n);
	if (err)
		return err;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser)) {
		err = PTR_ERR(ser);
		goto err_release;
	}
	ser->magic = NOTEBOOK_SER_MAGIC;
	ser->version = NOTEBOOK_SER_VERSION;
	ser->bytes = sizeof(*ser);

	err = notebook_luo_preserve_pages(n, ser);
	if (err)
		goto err_free;

	args->serialized_data = virt_to_phys(ser);
	args->private_data = ser;

	return 0;

err_free:
	kho_unpreserve_free(ser);
err_release:
	notebook_luo_set_phase(n, NOTEBOOK_IDLE);
	return err;
}

static void notebook_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct notebook *n = notebook_of(args->file);
	struct notebook_ser *ser = args->private_data;

	notebook_luo_unpreserve_pages(n, ser);
	kho_unpreserve_free(ser);
	notebook_luo_set_phase(n, NOTEBOOK_IDLE);
}

static u32 notebook_luo_checksum(const struct notebook_ser *ser)
{
	return crc32_le(~0, (const u8 *)&ser->file_flags,
			sizeof(*ser) - offsetof(struct notebook_ser, file_flags));
}

static u32 notebook_luo_page_checksum(struct page *page)
{
	return crc32_le(~0, page_address(page), PAGE_SIZE);
}

static u32 notebook_luo_table_checksum(const struct notebook_page_ser *table, u32 nr)
{
	return crc32_le(~0, (const u8 *)table, nr * sizeof(*table));
}

/* Of a frozen notebook. */
static void notebook_luo_save(struct file *file, struct notebook *n,
			      struct notebook_ser *ser)
{
	u32 i;

	mutex_lock(&n->lock);
	ser->file_flags = READ_ONCE(file->f_flags) & NOTEBOOK_FILE_FLAGS;
	ser->flags = n->flags;
	ser->mark = n->mark;
	ser->length = n->length;
	memcpy(ser->title, n->title, sizeof(ser->title));

	if (ser->nr_pages) {
		struct notebook_page_ser *table = phys_to_virt(ser->table);

		for (i = 0; i < ser->nr_pages; i++)
			table[i].checksum = notebook_luo_page_checksum(n->page[i]);
		ser->table_checksum = notebook_luo_table_checksum(table, ser->nr_pages);
	}
	ser->checksum = notebook_luo_checksum(ser);
	mutex_unlock(&n->lock);
}

static int notebook_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct notebook *n = notebook_of(args->file);
	int err;

	/* User space is still running; who comes from here on has to wait. */
	notebook_luo_set_phase(n, NOTEBOOK_FROZEN);
	err = notebook_suspend(n);
	if (err) {
		/* The file whose freeze failed gets no unfreeze. */
		notebook_luo_set_phase(n, NOTEBOOK_PRESERVED);
		return err;
	}
	notebook_luo_save(args->file, n, args->private_data);

	return 0;
}

static void notebook_luo_unfreeze(struct liveupdate_file_op_args *args)
{
	struct notebook *n = notebook_of(args->file);

	notebook_resume(n);
	notebook_luo_set_phase(n, NOTEBOOK_PRESERVED);
}

/* ---- The new kernel --------------------------------------------------------------------- */

/* Whether @phys can be the address of a page at all. */
static bool notebook_luo_is_page(u64 phys)
{
	return phys && IS_ALIGNED(phys, PAGE_SIZE) && pfn_valid(PHYS_PFN(phys));
}

/* Is it what the old kernel wrote, and can a notebook look like this? */
static int notebook_luo_check(const struct notebook_ser *ser)
{
	if (ser->version != NOTEBOOK_SER_VERSION)
		return -EOPNOTSUPP;
	if (ser->bytes != sizeof(*ser) || ser->checksum != notebook_luo_checksum(ser))
		return -EBADMSG;

	if (ser->nr_pages > NOTEBOOK_MAX_PAGES || !ser->nr_pages != !ser->table ||
	    (ser->nr_pages && !notebook_luo_is_page(ser->table)) ||
	    ser->length > (u64)ser->nr_pages * PAGE_SIZE)
		return -EINVAL;
	if (ser->flags & (~NOTEBOOK_FLAGS | NOTEBOOK_LENT) ||
	    ser->file_flags & ~NOTEBOOK_FILE_FLAGS ||
	    (ser->file_flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if (strnlen(ser->title, sizeof(ser->title)) == sizeof(ser->title))
		return -EINVAL;

	return 0;
}

/* Copy the saved notebook that LUO has for us, give its memory back, and check it. */
static int notebook_luo_take(u64 handle, struct notebook_ser *ser)
{
	struct notebook_ser *saved;
	int err;

	/* Memory that does not look like ours is not ours to free. */
	if (!notebook_luo_is_page(handle))
		goto err_lost;
	saved = phys_to_virt(handle);
	if (saved->magic != NOTEBOOK_SER_MAGIC)
		goto err_lost;
	*ser = *saved;
	kho_restore_free(saved);

	err = notebook_luo_check(ser);
	if (err)
		pr_err("notebook: damaged state (%pe); the pages it names are lost until the next reboot\n",
		       ERR_PTR(err));

	return err;

err_lost:
	pr_err("notebook: no saved notebook at %#llx; what was there is lost until the next reboot\n",
	       handle);
	return -EBADMSG;
}

static void notebook_luo_put_pages(struct page **page, u32 nr)
{
	while (nr--)
		if (page[nr])
			__free_page(page[nr]);
}

static struct page *notebook_luo_take_page(const struct notebook_page_ser *saved, int *err)
{
	u64 phys = PFN_PHYS(saved->pfn);
	struct page *page = NULL;

	if (notebook_luo_is_page(phys))
		page = kho_restore_pages(phys, 1);
	if (!page) {
		pr_err("notebook: a page is missing at %#llx\n", phys);
		*err = -EIO;
	} else if (saved->checksum != notebook_luo_page_checksum(page)) {
		pr_err("notebook: the page at %#llx is damaged\n", phys);
		*err = -EBADMSG;
	}

	return page;
}

/* Take the pages of a saved notebook over: all of them, or none and those are freed. */
static int notebook_luo_take_pages(const struct notebook_ser *ser, struct page **page)
{
	struct notebook_page_ser *table;
	int err = 0;
	u32 i;

	if (!ser->nr_pages)
		return 0;

	table = phys_to_virt(ser->table);
	if (ser->table_checksum == notebook_luo_table_checksum(table, ser->nr_pages)) {
		/* To the end, whatever happens: nobody else would free the rest. */
		for (i = 0; i < ser->nr_pages; i++)
			page[i] = notebook_luo_take_page(&table[i], &err);
		if (err)
			notebook_luo_put_pages(page, ser->nr_pages);
	} else {
		pr_err("notebook: damaged list of pages; all %u are lost until the next reboot\n",
		       ser->nr_pages);
		err = -EBADMSG;
	}
	kho_restore_free(table);

	return err;
}

static int notebook_luo_retrieve(struct liveupdate_file_op_args *args)
{
	struct page *page[NOTEBOOK_MAX_PAGES];
	struct notebook_ser ser;
	struct notebook *n;
	struct file *file;
	int err;

	err = notebook_luo_take(args->serialized_data, &ser);
	if (err)
		return err;
	err = notebook_luo_take_pages(&ser, page);
	if (err)
		return err;

	n = notebook_new();
	if (!n) {
		notebook_luo_put_pages(page, ser.nr_pages);
		return -ENOMEM;
	}
	memcpy(n->page, page, ser.nr_pages * sizeof(*page));
	n->nr_pages = ser.nr_pages;
	n->length = ser.length;
	n->mark = ser.mark;
	n->flags = ser.flags;
	memcpy(n->title, ser.title, sizeof(n->title));
	n->luo.phase = NOTEBOOK_RESTORED;

	/* The file comes last: a file whose object is complete can be put. */
	file = notebook_file(n, ser.file_flags);
	if (IS_ERR(file)) {
		notebook_put(n);
		return PTR_ERR(file);
	}
	args->file = file;

	return 0;
}

/* Only a notebook that is there could have something left to do. */
static bool notebook_luo_can_finish(struct liveupdate_file_op_args *args)
{
	if (args->retrieve_status <= 0)
		return true;

	return READ_ONCE(notebook_of(args->file)->attached);
}

static void notebook_luo_finish(struct liveupdate_file_op_args *args)
{
	struct page *page[NOTEBOOK_MAX_PAGES];
	struct notebook_ser ser;

	/* A retrieve that failed has freed what could be freed. */
	if (args->retrieve_status < 0)
		return;

	if (args->retrieve_status > 0) {
		notebook_luo_set_phase(notebook_of(args->file), NOTEBOOK_IDLE);
		return;
	}

	/* Nobody wanted it. */
	if (!notebook_luo_take(args->serialized_data, &ser) &&
	    !notebook_luo_take_pages(&ser, page))
		notebook_luo_put_pages(page, ser.nr_pages);
}

/* ---- The handler --------------------------------------------------------------------------- */

static const struct liveupdate_file_ops notebook_luo_ops = {
	.can_preserve = notebook_luo_can_preserve,
	.preserve = notebook_luo_preserve,
	.unpreserve = notebook_luo_unpreserve,
	.freeze = notebook_luo_freeze,
	.unfreeze = notebook_luo_unfreeze,
	.retrieve = notebook_luo_retrieve,
	.can_finish = notebook_luo_can_finish,
	.finish = notebook_luo_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler notebook_luo_handler = {
	.ops = &notebook_luo_ops,
	.compatible = NOTEBOOK_COMPATIBLE,
};

static bool notebook_luo_registered;

int notebook_luo_register(void)
{
	int err = liveupdate_register_file_handler(&notebook_luo_handler);

	/* A kernel that was booted without live update still has notebooks. */
	if (err == -EOPNOTSUPP)
		return 0;
	if (err)
		pr_err("notebook: LUO refused the handler: %pe\n", ERR_PTR(err));
	else
		notebook_luo_registered = true;

	return err;
}

void notebook_luo_unregister(void)
{
	if (notebook_luo_registered)
		liveupdate_unregister_file_handler(&notebook_luo_handler);
	notebook_luo_registered = false;
}
