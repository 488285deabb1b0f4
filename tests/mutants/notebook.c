// SPDX-License-Identifier: GPL-2.0
/*
 * notebook.c - /dev/notebook: files on the anonymous inode that hold pages of text.
 *
 * A notebook has a title, a number the user left in it, flags, and up to
 * NOTEBOOK_MAX_PAGES pages. A write replaces all that follows its position. Several files
 * can lead to one notebook. A device has to know each notebook and can fail.
 *
 * Live update shows in four places here: what changes a notebook is put between
 * notebook_change_begin() and _end(), pages come and go only if notebook_luo_keeps_pages()
 * has nothing against it, a notebook is lent only if notebook_luo_keeps_notebook() has not,
 * and init and exit register the handler.
 */

#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "notebook.h"

/* All notebooks that the device knows. */
static DEFINE_MUTEX(notebook_shelf_lock);
static LIST_HEAD(notebook_shelf);

/* ---- The device -------------------------------------------------------------------- */

static int notebook_attach(struct notebook *n)
{
	int err;

	if (n->attached)
		return 0;
	err = notebook_device_call("notebook attach");
	if (err)
		return err;

	scoped_guard(mutex, &notebook_shelf_lock)
		list_add_tail(&n->shelf, &notebook_shelf);
	n->attached = true;

	return 0;
}

static void notebook_detach(struct notebook *n)
{
	guard(mutex)(&notebook_shelf_lock);
	list_del(&n->shelf);
	n->attached = false;
}

int notebook_suspend(struct notebook *n)
{
	int err = notebook_device_call("notebook suspend");

	if (err)
		return err;
	scoped_guard(mutex, &n->lock)
		n->asleep = true;

	return 0;
}

void notebook_resume(struct notebook *n)
{
	guard(mutex)(&n->lock);
	n->asleep = false;
}

/* ---- The object ----------------------------------------------------------------------- */

struct notebook *notebook_new(void)
{
	struct notebook *n = kzalloc_obj(*n);

	if (!n)
		return NULL;
	kref_init(&n->ref);
	INIT_LIST_HEAD(&n->shelf);
	mutex_init(&n->lock);
	notebook_luo_init(n);

	return n;
}

static void notebook_free_pages(struct notebook *n)
{
	while (n->nr_pages)
		__free_page(n->page[--n->nr_pages]);
	n->length = 0;
}

static void notebook_free(struct kref *ref)
{
	struct notebook *n = container_of(ref, struct notebook, ref);

	if (n->attached)
		notebook_detach(n);
	notebook_free_pages(n);
	kfree(n);
}

void notebook_get(struct notebook *n)
{
	kref_get(&n->ref);
}

void notebook_put(struct notebook *n)
{
	kref_put(&n->ref, notebook_free);
}

/* As much as there is, up to the end of the page. */
ssize_t notebook_read(struct notebook *n, u64 pos, void *text, size_t count)
{
	guard(mutex)(&n->lock);
	if (pos >= n->length)
		return 0;
	count = min3(count, PAGE_SIZE - offset_in_page(pos), n->length - pos);
	memcpy(text, page_address(n->page[pos / PAGE_SIZE]) + offset_in_page(pos), count);

	return count;
}

static int notebook_add_page(struct notebook *n)
{
	struct page *page;

	if (n->nr_pages == NOTEBOOK_MAX_PAGES)
		return -ENOSPC;
	if (notebook_luo_keeps_pages(n))
		return -EBUSY;
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	n->page[n->nr_pages++] = page;

	return 0;
}

/* As much as the page has room for. What had been written behind @pos is gone. */
ssize_t notebook_write(struct notebook *n, u64 pos, const void *text, size_t count)
{
	int err = notebook_change_begin(n);

	if (err)
		return err;

	if (n->asleep)
		err = -EIO;
	else if (pos > n->length)
		err = -EINVAL;
	else if (pos == (u64)n->nr_pages * PAGE_SIZE)
		err = notebook_add_page(n);
	if (!err) {
		count = min(count, PAGE_SIZE - offset_in_page(pos));
		memcpy(page_address(n->page[pos / PAGE_SIZE]) + offset_in_page(pos), text,
		       count);
		n->length = pos + count;
	}
	notebook_change_end(n);

	return err ?: count;
}

int notebook_set_title(struct notebook *n, const char *title)
{
	int err = notebook_change_begin(n);

	if (err)
		return err;
	strscpy_pad(n->title, title, sizeof(n->title));
	notebook_change_end(n);

	return 0;
}

int notebook_set_mark(struct notebook *n, u64 mark)
{
	int err = notebook_change_begin(n);

	if (err)
		return err;
	n->mark = mark;
	notebook_change_end(n);

	return 0;
}

int notebook_set_flags(struct notebook *n, u32 flags)
{
	int err;

	if (flags & ~NOTEBOOK_FLAGS)
		return -EINVAL;

	err = notebook_change_begin(n);
	if (err)
		return err;
	if (flags & NOTEBOOK_LENT && notebook_luo_keeps_notebook(n))
		err = -EBUSY;
	else
		n->flags = flags;
	notebook_change_end(n);

	return err;
}

int notebook_erase(struct notebook *n)
{
	int err = notebook_change_begin(n);

	if (err)
		return err;
	if (n->nr_pages && notebook_luo_keeps_pages(n))
		err = -EBUSY;
	else
		notebook_free_pages(n);
	notebook_change_end(n);

	return err;
}

/* ---- Its files ------------------------------------------------------------------------- */

static ssize_t notebook_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	size_t count = min(iov_iter_count(to), PAGE_SIZE);
	void *text = kmalloc(count, GFP_KERNEL);
	ssize_t got;

	if (!text)
		return -ENOMEM;
	got = notebook_read(iocb->ki_filp->private_data, iocb->ki_pos, text, count);
	if (got > 0 && copy_to_iter(text, got, to) != got)
		got = -EFAULT;
	kfree(text);
	if (got > 0)
		iocb->ki_pos += got;

	return got;
}

static ssize_t notebook_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	size_t count = min(iov_iter_count(from), PAGE_SIZE);
	void *text = kmalloc(count, GFP_KERNEL);
	ssize_t done;

	if (!text)
		return -ENOMEM;
	/* May sleep as long as user space likes, so no lock is held yet. */
	if (copy_from_iter(text, count, from) != count)
		done = -EFAULT;
	else
		done = notebook_write(iocb->ki_filp->private_data, iocb->ki_pos, text, count);
	kfree(text);
	if (done > 0)
		iocb->ki_pos += done;

	return done;
}

static long notebook_ioctl_title(struct notebook *n, const char __user *arg)
{
	char title[NOTEBOOK_TITLE_BYTES];

	if (copy_from_user(title, arg, sizeof(title)))
		return -EFAULT;
	if (strnlen(title, sizeof(title)) == sizeof(title))
		return -EINVAL;

	return notebook_set_title(n, title);
}

static long notebook_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct notebook *n = file->private_data;
	struct file *more;
	u64 mark;
	u32 flags;

	switch (cmd) {
	case NOTEBOOK_SET_TITLE:
		return notebook_ioctl_title(n, (const char __user *)arg);
	case NOTEBOOK_SET_MARK:
		if (copy_from_user(&mark, (void __user *)arg, sizeof(mark)))
			return -EFAULT;
		return notebook_set_mark(n, mark);
	case NOTEBOOK_SET_FLAGS:
		if (copy_from_user(&flags, (void __user *)arg, sizeof(flags)))
			return -EFAULT;
		return notebook_set_flags(n, flags);
	case NOTEBOOK_ERASE:
		return notebook_erase(n);
	case NOTEBOOK_REOPEN:
		notebook_get(n);
		more = notebook_file(n, O_RDWR);
		break;
	case NOTEBOOK_READER:
		notebook_get(n);
		more = notebook_reader(n);
		break;
	default:
		return -ENOTTY;
	}
	if (IS_ERR(more))
		notebook_put(n);

	return FD_ADD(O_CLOEXEC, more);
}

static int notebook_release(struct inode *inode, struct file *file)
{
	notebook_put(file->private_data);
	return 0;
}

const struct file_operations notebook_fops = {
	.owner = THIS_MODULE,
	.read_iter = notebook_read_iter,
	.write_iter = notebook_write_iter,
	.unlocked_ioctl = notebook_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = notebook_release,
};

/* Shares the notebook with the files above, and is none of them. */
static const struct file_operations notebook_reader_fops = {
	.owner = THIS_MODULE,
	.read_iter = notebook_read_iter,
	.release = notebook_release,
};

struct file *notebook_file(struct notebook *n, unsigned int flags)
{
	int err = notebook_attach(n);

	if (err)
		return ERR_PTR(err);

	return anon_inode_getfile_fmode("[notebook]", &notebook_fops, n, flags,
					FMODE_PREAD | FMODE_PWRITE);
}

struct file *notebook_reader(struct notebook *n)
{
	return anon_inode_getfile_fmode("[notebook-reader]", &notebook_reader_fops, n,
					O_RDONLY, FMODE_PREAD);
}

struct notebook *notebook_of(struct file *file)
{
	return file->f_op == &notebook_fops ? file->private_data : NULL;
}

/* ---- /dev/notebook ------------------------------------------------------------------------ */

static long notebook_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct notebook *n;
	struct file *book;

	if (cmd != NOTEBOOK_CREATE)
		return -ENOTTY;

	n = notebook_new();
	if (!n)
		return -ENOMEM;
	book = notebook_file(n, O_RDWR);
	if (IS_ERR(book))
		notebook_put(n);

	return FD_ADD(O_CLOEXEC, book);
}

static const struct file_operations notebook_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = notebook_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice notebook_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "notebook",
	.fops = &notebook_dev_fops,
};

static int __init notebook_init(void)
{
	int err = misc_register(&notebook_dev);

	if (err)
		return err;
	err = notebook_luo_register();
	if (err)
		misc_deregister(&notebook_dev);

	return err;
}
module_init(notebook_init);

static void __exit notebook_exit(void)
{
	notebook_luo_unregister();
	misc_deregister(&notebook_dev);
	/* With the last file went the last notebook. */
	WARN_ON(!list_empty(&notebook_shelf));
}
module_exit(notebook_exit);

MODULE_DESCRIPTION("Notebooks: the driver that the conformance kit is proven on");
MODULE_LICENSE("GPL");
