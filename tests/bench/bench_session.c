// SPDX-License-Identifier: GPL-2.0
/*
 * bench_session.c - files through a live update, with a clock beside it.
 *
 * Files are preserved and retrieved by the functions that the ioctls of a
 * session call. So a figure has all of LUO's work in it and nothing of the
 * system call. Time is kept by the processor's counter, see bench_main.c.
 */

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho_block.h>
#include <linux/kho_radix_tree.h>
#include <linux/libfdt.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bench.h"
#include "luo_internal.h"

/* What KHO lays open of its own state. */
#define BENCH_KHO_FDT	"/sys/kernel/debug/kho/out/fdt"

void bench_close_fds(int *fds, unsigned int nr)
{
	while (nr--)
		close_fd(fds[nr]);
	kvfree(fds);
}

/* Files of the calling process, the n-th made by make(n). */
int *bench_make_fds(unsigned int nr, struct file *(*make)(unsigned int n))
{
	int *fds = kvcalloc(nr, sizeof(*fds), GFP_KERNEL);
	unsigned int i;

	if (!fds)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < nr; i++) {
		fds[i] = FD_ADD(O_CLOEXEC, make(i));
		if (fds[i] < 0) {
			int err = fds[i];

			bench_close_fds(fds, i);
			return ERR_PTR(err);
		}
	}

	return fds;
}

/* The n-th file gets the token n. */
s64 bench_preserve_all(struct file *file, const int *fds, unsigned int nr)
{
	struct luo_session *session = file->private_data;
	unsigned int i;
	int err = 0;
	u64 ticks;

	guard(mutex)(&session->mutex);

	ticks = rdtsc();
	for (i = 0; !err && i < nr; i++)
		err = luo_preserve_file(&session->file_set, i, fds[i]);

	return err ?: rdtsc() - ticks;
}

s64 bench_unpreserve_all(struct file *file)
{
	struct luo_session *session = file->private_data;
	u64 ticks;

	guard(mutex)(&session->mutex);

	ticks = rdtsc();
	luo_file_unpreserve_files(&session->file_set);

	return rdtsc() - ticks;
}

/* Each of @files is the caller's to put, also those before one that failed. */
s64 bench_retrieve_all(struct file *file, struct file **files, unsigned int nr)
{
	struct luo_session *session = file->private_data;
	unsigned int i;
	int err = 0;
	u64 ticks;

	memset(files, 0, nr * sizeof(*files));
	guard(mutex)(&session->mutex);

	ticks = rdtsc();
	for (i = 0; !err && i < nr; i++)
		err = luo_retrieve_file(&session->file_set, i, &files[i]);

	return err ?: rdtsc() - ticks;
}

s64 bench_finish_all(struct file *file)
{
	struct luo_session *session = file->private_data;
	u64 ticks;
	int err;

	guard(mutex)(&session->mutex);

	ticks = rdtsc();
	err = luo_file_finish(&session->file_set);

	return err ?: rdtsc() - ticks;
}

/*
 * All memory that is gone while one more session of @nr files is preserved,
 * in bytes, LUO's own included, that of the files not. A session of as many is
 * there already: partly filled slabs and pages do not blur the difference.
 */
s64 bench_memory_all(unsigned int nr, struct file *(*make)(unsigned int n))
{
	struct file *sessions[2] = {};
	int *fds[2] = {};
	u64 pages[2];
	s64 bytes = 0;
	int i;

	for (i = 0; i < 2; i++) {
		fds[i] = bench_make_fds(nr, make);
		if (IS_ERR(fds[i])) {
			bytes = PTR_ERR(fds[i]);
			fds[i] = NULL;
			goto out;
		}
		bytes = luo_session_create(i ? "bench-memory" : "bench-before", &sessions[i]);
		if (bytes)
			goto out;
	}

	for (i = 0; i < 2; i++) {
		pages[i] = bench_free_pages();
		bytes = bench_preserve_all(sessions[i], fds[i], nr);
		if (bytes < 0)
			goto out;
	}
	bytes = (s64)(pages[1] - bench_free_pages()) * PAGE_SIZE;

out:
	for (i = 0; i < 2; i++) {
		if (sessions[i])
			__fput_sync(sessions[i]);
		if (fds[i])
			bench_close_fds(fds[i], nr);
	}
	return bytes;
}

static int bench_add_pages(unsigned long key, void *data)
{
	unsigned int order = 64 - PAGE_SHIFT - (fls64(key) - 1);
	u64 *pages = data;

	*pages += 1ULL << order;

	return 0;
}

/*
 * KHO's tree has a key for each piece of memory that is handed over: its order
 * is a bit of the key, above the number of the page. Where the tree is stands
 * in the device tree that the next kernel reads.
 */
s64 bench_preserved_pages(void)
{
	static const struct kho_radix_walk_cb cb = { .leaf = bench_add_pages };
	const struct debugfs_blob_wrapper *blob;
	struct kho_radix_tree tree;
	const void *root;
	struct file *file;
	u64 pages = 0, phys;
	int len;

	file = filp_open(BENCH_KHO_FDT, O_RDONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	blob = file_inode(file)->i_private;
	root = fdt_getprop(blob->data, 0, KHO_FDT_MEMORY_MAP_PROP_NAME, &len);
	__fput_sync(file);
	if (!root || len != sizeof(phys))
		return -EBADMSG;

	/* KHO's own lock is out of reach; nobody else preserves anything now. */
	memcpy(&phys, root, sizeof(phys));
	tree.root = phys_to_virt(phys);
	mutex_init(&tree.lock);
	kho_radix_walk_tree(&tree, &cb, &pages);
	mutex_destroy(&tree.lock);

	return pages;
}

u64 bench_session_pages(struct file *file)
{
	struct luo_session *session = file->private_data;

	return session->file_set.block_set.nblocks * (KHO_BLOCK_SIZE >> PAGE_SHIFT);
}
