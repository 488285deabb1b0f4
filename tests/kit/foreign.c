// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: files of other types, for handlers to refuse.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memfd.h>
#include <linux/pipe_fs_i.h>
#include <linux/shmem_fs.h>
#include <uapi/linux/memfd.h>

#include "luokit_internal.h"

/* An anon file without private_data, on the inode that all anon files share. */
static const struct file_operations luokit_bare_fops;

static void luokit_foreign_add(struct luokit *k, struct luokit_foreign *files,
			       unsigned int max, unsigned int *nr, const char *name,
			       struct file *file)
{
	if (IS_ERR_OR_NULL(file))
		return;
	luokit_own(k, file);
	if (*nr == max) {
		luokit_put(k, file);
		return;
	}
	files[*nr].name = name;
	files[*nr].file = file;
	++*nr;
}

unsigned int luokit_foreign(struct luokit *k, struct luokit_foreign *files, unsigned int max)
{
	struct file *pipe[2];
	unsigned int nr = 0;

#define ADD(name, file) luokit_foreign_add(k, files, max, &nr, name, file)
	ADD("bare", anon_inode_getfile("[bare]", &luokit_bare_fops, NULL, O_RDWR));
	ADD("shmem", shmem_kernel_file_setup("luokit", PAGE_SIZE, EMPTY_VMA_FLAGS));
#ifdef CONFIG_MEMFD_CREATE
	ADD("memfd", memfd_alloc_file("luokit", MFD_ALLOW_SEALING));
#endif
	if (!create_pipe_files(pipe, 0)) {
		ADD("pipe, read end", pipe[0]);
		ADD("pipe, write end", pipe[1]);
	}
#undef ADD
	if (nr < max)
		files[nr++] = (struct luokit_foreign){ "luokit-stub", luokit_stub_file(k, 0) };

	return nr;
}
