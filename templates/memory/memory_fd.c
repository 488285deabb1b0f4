// SPDX-License-Identifier: GPL-2.0
/*
 * memory_fd.c - a driver whose files own memory that survives a live update.
 *
 * A file of this driver is a number of pages, made by an ioctl of /dev/memory_fd, to be
 * mapped, read and written. A live update hands the pages over where they are: nothing is
 * copied, mappings go on working, and what is written through them arrives, up to the last
 * moment of the old kernel. So only *which* pages they are has to stand still meanwhile.
 *
 * Everything that live update adds is marked: one member, one question before the pages
 * change, the section "Live update", and one line each in init and exit.
 */

/* Live update: its steps are the event luosdk_memory_fd. */
#define LUOSDK_TRACE memory_fd

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <luosdk/folios.h>
#include <luosdk/handler.h>

#include "memory_fd.h"
#include "memory_fd_luo_abi.h"

/* Yours: what the object behind a file is. The guard stays, as any member. */
struct memory_fd {
	/* Live update: is this object preserved? */
	struct luosdk_guard guard;
	/* Protects what follows; not the contents of the pages. */
	struct mutex lock;
	struct page **pages;
	unsigned long nr_pages;
};

/*
 * Yours: where the memory comes from. It must not be movable, nor be freed or exchanged while
 * it is preserved: the next kernel finds it where it is.
 */
static struct page *memory_fd_alloc_page(void)
{
	return alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
}

/* The pages up to the first that is not there. */
static void memory_fd_free_pages(struct page **pages, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr && pages[i]; i++)
		put_page(pages[i]);
	kvfree(pages);
}

static void memory_fd_free(struct memory_fd *m)
{
	memory_fd_free_pages(m->pages, m->nr_pages);
	kfree(m);
}

/* Room for the pages of @old and for more, which are not there yet. */
static struct page **memory_fd_array(struct page **old, unsigned long nr_old, unsigned long nr)
{
	struct page **pages;

	if (nr > MEMORY_FD_PAGES)
		return ERR_PTR(-EFBIG);
	pages = kvcalloc(nr, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return ERR_PTR(-ENOMEM);
	if (nr_old)
		memcpy(pages, old, nr_old * sizeof(*pages));
	return pages;
}

static struct memory_fd *memory_fd_new(struct page **pages, unsigned long nr_pages)
{
	struct memory_fd *m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);

	if (!m)
		return ERR_PTR(-ENOMEM);
	mutex_init(&m->lock);
	m->pages = pages;
	m->nr_pages = nr_pages;
	return m;
}

/*
 * Yours: what changes which memory the object has. It is refused while that is preserved: a
 * page that came later would not be carried over, and one that went would be freed twice.
 */
static int memory_fd_grow(struct memory_fd *m, unsigned long more)
{
	unsigned long i, nr;
	struct page **pages;

	guard(mutex)(&m->lock);
	/* Live update: whoever claims the object waits for this lock before it looks. */
	switch (luosdk_guard_phase(&m->guard)) {
	case LUOSDK_PRESERVED:
	case LUOSDK_FROZEN:
		return -EBUSY;
	default:
		break;
	}
	if (more > MEMORY_FD_PAGES)
		return -EFBIG;
	if (!more)
		return 0;

	nr = m->nr_pages + more;
	pages = memory_fd_array(m->pages, m->nr_pages, nr);
	if (IS_ERR(pages))
		return PTR_ERR(pages);
	for (i = m->nr_pages; i < nr; i++) {
		pages[i] = memory_fd_alloc_page();
		if (!pages[i]) {
			while (i-- > m->nr_pages)
				put_page(pages[i]);
			kvfree(pages);
			return -ENOMEM;
		}
	}
	swap(m->pages, pages);
	m->nr_pages = nr;
	kvfree(pages);

	return 0;
}

/* A page with a reference, or NULL behind the last one. */
static struct page *memory_fd_get_page(struct memory_fd *m, unsigned long index)
{
	guard(mutex)(&m->lock);
	if (index >= m->nr_pages)
		return NULL;
	get_page(m->pages[index]);
	return m->pages[index];
}

/* Yours: what can be done with the contents. It may go on to the end of the old kernel. */
static ssize_t memory_fd_copy(struct kiocb *iocb, struct iov_iter *iter, bool write)
{
	struct memory_fd *m = iocb->ki_filp->private_data;
	ssize_t done = 0;

	while (iov_iter_count(iter)) {
		size_t offset = offset_in_page(iocb->ki_pos), copied;
		size_t want = min(iov_iter_count(iter), PAGE_SIZE - offset);
		struct page *page = memory_fd_get_page(m, iocb->ki_pos >> PAGE_SHIFT);

		if (!page && write)
			return done ?: -ENOSPC;
		if (!page)
			return done;
		copied = write ? copy_page_from_iter(page, offset, want, iter) :
				 copy_page_to_iter(page, offset, want, iter);
		put_page(page);
		iocb->ki_pos += copied;
		done += copied;
		if (copied < want)
			return done ?: -EFAULT;
	}

	return done;
}

static ssize_t memory_fd_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return memory_fd_copy(iocb, to, false);
}

static ssize_t memory_fd_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return memory_fd_copy(iocb, from, true);
}

static loff_t memory_fd_llseek(struct file *file, loff_t offset, int whence)
{
	struct memory_fd *m = file->private_data;
	loff_t size;

	scoped_guard(mutex, &m->lock)
		size = (loff_t)m->nr_pages << PAGE_SHIFT;
	return fixed_size_llseek(file, offset, whence, size);
}

static vm_fault_t memory_fd_fault(struct vm_fault *vmf)
{
	struct memory_fd *m = vmf->vma->vm_file->private_data;

	vmf->page = memory_fd_get_page(m, vmf->pgoff);
	return vmf->page ? 0 : VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct memory_fd_vm_ops = {
	.fault = memory_fd_fault,
};

static int memory_fd_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &memory_fd_vm_ops;
	return 0;
}

static long memory_fd_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != MEMORY_FD_GROW)
		return -ENOTTY;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	return memory_fd_grow(file->private_data, arg);
}

static int memory_fd_release(struct inode *inode, struct file *file)
{
	memory_fd_free(file->private_data);
	return 0;
}

static const struct file_operations memory_fd_fops = {
	.owner = THIS_MODULE,
	.read_iter = memory_fd_read_iter,
	.write_iter = memory_fd_write_iter,
	.llseek = memory_fd_llseek,
	.mmap = memory_fd_mmap,
	.unlocked_ioctl = memory_fd_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = memory_fd_release,
};

/* The one way to make a file: for the ioctl, and for live update. @m is the file's then. */
static struct file *memory_fd_open(struct memory_fd *m, loff_t pos, u32 flags)
{
	struct file *file = luosdk_anon_file("[memory_fd]", &memory_fd_fops, m, flags);

	if (IS_ERR(file))
		return file;
	file->f_mode |= FMODE_PREAD | FMODE_PWRITE;
	file->f_pos = pos;
	return file;
}

static struct file *memory_fd_create(unsigned long nr_pages, u32 flags)
{
	struct memory_fd *m = memory_fd_new(NULL, 0);
	struct file *file;
	int err;

	if (IS_ERR(m))
		return ERR_CAST(m);
	err = memory_fd_grow(m, nr_pages);
	file = err ? ERR_PTR(err) : memory_fd_open(m, 0, flags);
	if (IS_ERR(file))
		memory_fd_free(m);
	return file;
}

/* ------------------------------ Live update ------------------------------ */

/*
 * Yours: what has to survive beside the memory. Called at preserve, where it may refuse what
 * cannot be saved, and again at freeze, for what has changed since. It must not allocate.
 */
static int memory_fd_save(struct file *file, struct memory_fd *m,
			  struct memory_fd_luo_ser *ser)
{
	ser->file_flags = luosdk_file_flags(file);
	ser->pos = READ_ONCE(file->f_pos);
	return 0;
}

/*
 * Yours: which memory it is, in its order. What lies side by side becomes one record of 8
 * bytes, so large or contiguous memory costs little.
 */
static int memory_fd_preserve(struct file *file, struct memory_fd *m,
			      struct memory_fd_luo_ser *ser)
{
	struct luosdk_folios_out out;
	unsigned long i;
	int err = 0;

	guard(mutex)(&m->lock);
	ser->nr_pages = m->nr_pages;
	luosdk_folios_begin(&out, &ser->folios, LUOSDK_FOLIOS_ORDER);
	for (i = 0; !err && i < m->nr_pages; i++)
		err = luosdk_folios_add(&out, m->pages[i], 1, i);
	if (!err)
		err = luosdk_folios_end(&out);
	if (err)
		luosdk_folios_abort(&out, NULL);
	return err;
}

static void memory_fd_unpreserve(struct file *file, struct memory_fd *m,
				 struct memory_fd_luo_ser *ser)
{
	luosdk_folios_unpreserve(&ser->folios, NULL);
}

static void memory_fd_report(u64 leaked);

/* Nobody wants the memory: it is freed. */
static void memory_fd_discard(const struct memory_fd_luo_ser *ser)
{
	memory_fd_report(luosdk_folios_discard(&ser->folios));
}

/* Yours: the memory into the object. Each page is to be there, and once. */
static int memory_fd_take(struct page **pages, const struct memory_fd_luo_ser *ser)
{
	struct luosdk_folios_in in;
	struct luosdk_chunk chunk;
	unsigned long i;
	int err = luosdk_folios_open(&in, &ser->folios, ser->nr_pages);

	if (err) {
		memory_fd_report(in.leaked);
		return err;
	}
	while (!err && luosdk_folios_next(&in, &chunk)) {
		struct page *page = luosdk_chunk_pages(&chunk);

		if (!page)
			err = -EIO;
		for (i = 0; page && i < 1UL << chunk.order; i++)
			pages[chunk.index + i] = page + i;
	}
	luosdk_folios_close(&in);
	return err;
}

static struct memory_fd *memory_fd_restore_object(const struct memory_fd_luo_ser *ser)
{
	struct page **pages = NULL;
	struct memory_fd *m;
	int err;

	if (ser->folios.pages != ser->nr_pages || ser->pos > (u64)ser->nr_pages << PAGE_SHIFT)
		pages = ERR_PTR(-EINVAL);
	else if (ser->nr_pages)
		pages = memory_fd_array(NULL, 0, ser->nr_pages);
	if (IS_ERR(pages)) {
		memory_fd_discard(ser);
		return ERR_CAST(pages);
	}

	/* From here on the memory is taken or freed, whatever happens. */
	err = memory_fd_take(pages, ser);
	m = err ? ERR_PTR(err) : memory_fd_new(pages, ser->nr_pages);
	if (IS_ERR(m))
		memory_fd_free_pages(pages, ser->nr_pages);
	return m;
}

/*
 * Yours: how it is made again in the new kernel. The state arrives as it was saved, but from
 * another kernel: check all that could do harm.
 */
static struct file *memory_fd_restore(const struct memory_fd_luo_ser *ser)
{
	struct memory_fd *m = memory_fd_restore_object(ser);
	struct file *file;

	if (IS_ERR(m))
		return ERR_CAST(m);
	file = memory_fd_open(m, ser->pos, ser->file_flags);
	if (IS_ERR(file))
		memory_fd_free(m);
	return file;
}

LUOSDK_HANDLER(memory_fd, MEMORY_FD_LUO_FH_COMPATIBLE,
	       struct memory_fd, struct memory_fd_luo_ser,
	.fops = &memory_fd_fops,
	.guard = LUOSDK_GUARD_IN(struct memory_fd, guard),
	.save = memory_fd_save,
	.preserve = memory_fd_preserve,
	.unpreserve = memory_fd_unpreserve,
	.restore = memory_fd_restore,
	.discard = memory_fd_discard,
	.layout = LUOSDK_LAYOUT(struct memory_fd_luo_ser, pos, file_flags, nr_pages, folios),
);

/* What a damaged list of pages named may be anybody's: it is left alone, and that is said. */
static void memory_fd_report(u64 leaked)
{
	if (!leaked)
		return;
	pr_err("memory_fd: a damaged list of pages, %llu bytes are lost until the next reboot\n",
	       leaked);
	luosdk_stats_add(&memory_fd_luo_handler.stats, LUOSDK_STAT_LEAKED, leaked);
}

/* ------------------------------ The device ------------------------------- */

/* Yours: how user space gets a file. */
static long memory_fd_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != MEMORY_FD_CREATE)
		return -ENOTTY;

	return FD_ADD(O_CLOEXEC, memory_fd_create(arg, O_RDWR));
}

static const struct file_operations memory_fd_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = memory_fd_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice memory_fd_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "memory_fd",
	.fops = &memory_fd_dev_fops,
};

static int __init memory_fd_init(void)
{
	int err = misc_register(&memory_fd_dev);

	if (err)
		return err;

	/* Live update: from here on LUO can ask for files of this driver. */
	err = memory_fd_luo_register();
	if (err)
		misc_deregister(&memory_fd_dev);
	return err;
}
module_init(memory_fd_init);

static void __exit memory_fd_exit(void)
{
	memory_fd_luo_unregister();
	misc_deregister(&memory_fd_dev);
}
module_exit(memory_fd_exit);

/* Yours: what it is, and whose. */
MODULE_DESCRIPTION("memory-fd: files that own memory and survive a live update");
MODULE_LICENSE("GPL");
