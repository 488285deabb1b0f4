// SPDX-License-Identifier: GPL-2.0
/*
 * memfd_subject.c - memfds, made and changed and compared. See memfd_subject.h.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memfd.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <uapi/linux/fcntl.h>
#include <uapi/linux/memfd.h>
#include <mm/internal.h>

#include "memfd_subject.h"

/* The largest file that is really written; beyond are sizes that exist to be refused. */
#define MEMFD_WRITTEN		(2048 * PAGE_SIZE)

static u8 memfd_byte(loff_t pos)
{
	return pos * 7 + pos / PAGE_SIZE + 1;
}

/* The page that is written as the @n-th of @nr: in order, or so that no neighbour follows. */
static loff_t memfd_page_nr(u64 arg, loff_t n, loff_t nr)
{
	if (!(arg & MEMFD_SCATTERED))
		return n;

	return n < (nr + 1) / 2 ? 2 * n : 2 * (nr - 1 - n) + 1;
}

/* The pages of a file of @size bytes, side by side in memory, aligned to what they are. */
static int memfd_add_block(struct file *file, loff_t size)
{
	struct address_space *mapping = file->f_mapping;
	unsigned long nr = DIV_ROUND_UP_ULL(size, PAGE_SIZE), i;
	unsigned int order = get_order(size);
	struct page *block = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);
	int err = 0;

	if (!block)
		return -ENOMEM;
	split_page(block, order);
	for (i = 0; !err && i < nr; i++) {
		struct folio *folio = page_folio(block + i);

		__folio_set_locked(folio);
		__folio_set_swapbacked(folio);
		err = shmem_add_to_page_cache(folio, mapping, i, NULL, GFP_KERNEL);
		if (!err) {
			folio_mark_uptodate(folio);
			folio_mark_dirty(folio);
			folio_add_lru(folio);
		}
		folio_unlock(folio);
	}
	if (!err)
		err = shmem_inode_acct_blocks(file_inode(file), nr);
	shmem_recalc_inode(file_inode(file), err ? 0 : nr, 0);
	for (i = 0; i < 1UL << order; i++)
		__free_page(block + i);
	if (!err)
		i_size_write(file_inode(file), size);

	return err;
}

static int memfd_write_pages(struct file *file, u64 arg)
{
	u8 *page __free(kfree) = kmalloc(PAGE_SIZE, GFP_KERNEL);
	loff_t size = MEMFD_SIZE(arg), nr = DIV_ROUND_UP_ULL(size, PAGE_SIZE), n;

	if (!page)
		return -ENOMEM;

	for (n = 0; n < nr; n++) {
		loff_t pos = memfd_page_nr(arg, n, nr) * PAGE_SIZE, at = pos;
		size_t len = min_t(loff_t, PAGE_SIZE, size - pos), i;

		if ((arg & MEMFD_HOLES) && pos / PAGE_SIZE % 4 != 1)
			continue;
		for (i = 0; i < len; i++)
			page[i] = memfd_byte(pos + i);
		if (kernel_write(file, page, len, &at) != len)
			return -EIO;
	}

	return vfs_truncate(&file->f_path, size);
}

static struct file *memfd_reopen(struct file *file, int flags)
{
	return dentry_open(&file->f_path, flags | O_LARGEFILE, current_cred());
}

struct file *memfd_subject_make(struct luokit *k, u64 arg)
{
	unsigned int flags = arg & MEMFD_NOEXEC ? MFD_NOEXEC_SEAL : MFD_ALLOW_SEALING;
	loff_t size = MEMFD_SIZE(arg);
	struct file *file, *again;
	int err;

	file = memfd_alloc_file("memfd:luokit", arg & MEMFD_PLAIN ? 0 : flags);
	if (IS_ERR(file))
		return file;
	if (arg & MEMFD_EMPTY_PAGES)
		err = vfs_fallocate(file, 0, 0, size);
	else if (arg & MEMFD_CONGRUENT)
		err = memfd_add_block(file, size) ?: memfd_write_pages(file, arg);
	else if (size > MEMFD_WRITTEN)
		err = vfs_truncate(&file->f_path, size);
	else
		err = memfd_write_pages(file, arg);
	if (!err && arg >> 56)
		err = memfd_add_seals(file, arg >> 56);
	file->f_pos = arg & MEMFD_FAR ? size + 4711 : size / 3;
	if (err || !(arg & MEMFD_READ_ONLY)) {
		if (!err)
			return file;
		__fput_sync(file);
		return ERR_PTR(err);
	}
	again = memfd_reopen(file, O_RDONLY);
	__fput_sync(file);

	return again;
}

static const char *memfd_content_differs(struct file *want, struct file *got)
{
	u8 *a __free(kfree) = kmalloc(2 * PAGE_SIZE, GFP_KERNEL | __GFP_NOFAIL), *b = a + PAGE_SIZE;
	loff_t size = i_size_read(file_inode(want)), pos, at;
	ssize_t len;

	for (pos = 0; pos < size && pos < MEMFD_WRITTEN; pos += len) {
		at = pos;
		len = kernel_read(want, a, PAGE_SIZE, &at);
		at = pos;
		if (len <= 0 || kernel_read(got, b, PAGE_SIZE, &at) != len ||
		    memcmp(a, b, len))
			return "the content";
	}

	return NULL;
}

/* What the handler's documentation says is preserved; and executable or not. */
const char *memfd_subject_differ(struct luokit *k, struct file *want, struct file *got)
{
	if (i_size_read(file_inode(want)) != i_size_read(file_inode(got)))
		return "the size";
	if (memfd_get_seals(want) != memfd_get_seals(got))
		return "the set of seals";
	if ((file_inode(want)->i_mode ^ file_inode(got)->i_mode) & 0111)
		return "whether it can be executed";
	if ((want->f_flags ^ got->f_flags) & (O_ACCMODE | O_LARGEFILE))
		return "the access mode";
	if (want->f_pos != got->f_pos)
		return "the position";

	return memfd_content_differs(want, got);
}

int memfd_subject_write(struct luokit *k, struct file *file, u64 n)
{
	loff_t size = i_size_read(file_inode(file)), pos = size ? n * 1021 % size : 0;
	u8 byte = n;
	ssize_t len = kernel_write(file, &byte, 1, &pos);

	return len < 0 ? len : 0;
}

int memfd_subject_seek(struct luokit *k, struct file *file, u64 n)
{
	loff_t pos = vfs_llseek(file, n * 3, SEEK_SET);

	return pos < 0 ? pos : 0;
}

int memfd_subject_seal(struct luokit *k, struct file *file, u64 n)
{
	return memfd_add_seals(file, n & 1 ? F_SEAL_SHRINK : F_SEAL_GROW);
}

int memfd_subject_truncate(struct luokit *k, struct file *file, u64 n)
{
	return vfs_truncate(&file->f_path, n * 1000);
}

int memfd_subject_append(struct luokit *k, struct file *file, u64 n)
{
	loff_t pos = i_size_read(file_inode(file));
	ssize_t len = kernel_write(file, "more", 4, &pos);

	return len < 0 ? len : 0;
}

int memfd_subject_punch(struct luokit *k, struct file *file, u64 n)
{
	return vfs_fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE_SIZE);
}

int memfd_subject_chmod(struct luokit *k, struct file *file, u64 n)
{
	struct iattr attr = {
		.ia_valid = ATTR_MODE,
		.ia_mode = S_IFREG | (n & 1 ? 0666 : 0777),
	};
	struct inode *inode = file_inode(file);
	int err;

	inode_lock(inode);
	err = notify_change(&nop_mnt_idmap, file->f_path.dentry, &attr, NULL);
	inode_unlock(inode);

	return err;
}

/* As an open of /proc/self/fd/N does. */
struct file *memfd_subject_twin(struct luokit *k, struct file *file)
{
	return memfd_reopen(file, O_RDWR);
}

long memfd_subject_refs(struct luokit *k, struct file *file)
{
	return d_count(file->f_path.dentry);
}

int memfd_subject_spoil(struct luokit *k, struct file *file)
{
	return vfs_truncate(&file->f_path, MEMFD_TOO_LARGE);
}
