/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luosdk/file.h - a struct file without a file descriptor.
 *
 * Retrieve has to return a struct file. LUO installs the descriptor itself,
 * when the user's request can no longer fail. A handler that makes its file by
 * way of a descriptor shows it to every thread of the process before it is
 * ready, and one that makes the file before the object behind it lets release
 * run on nothing. This header has the one right order.
 */
#ifndef _LUOSDK_FILE_H
#define _LUOSDK_FILE_H

#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/types.h>

/**
 * DOC: file
 *
 * Restore the object, then the file; whoever fails gives back what was made
 * before it::
 *
 *	static struct file *widget_luo_restore(const struct widget_luo_ser *ser)
 *	{
 *		struct widget *w = widget_create(ser->value);
 *		struct file *file;
 *
 *		if (IS_ERR(w))
 *			return ERR_CAST(w);
 *		file = luosdk_anon_file("[widget]", &widget_fops, w,
 *					ser->file_flags);
 *		if (IS_ERR(file))
 *			widget_destroy(w);
 *		return file;
 *	}
 *
 * The flags of a file that cross a live update are its access mode and what
 * fcntl(F_SETFL) can change and an anonymous file can have.
 */

/* The O_* values are uapi; a kexec does not change the architecture. */
#define LUOSDK_FILE_FLAGS	(O_ACCMODE | O_NONBLOCK | O_APPEND)

/**
 * luosdk_file_flags() - The flags of a file that are worth saving.
 * @file: The file.
 *
 * fcntl(2) changes them at any time, so save them in freeze or later.
 *
 * Context: Any.
 * Return: For luosdk_anon_file(), or to be checked by LUOSDK_FILE_FLAGS.
 */
static inline u32 luosdk_file_flags(const struct file *file)
{
	return READ_ONCE(file->f_flags) & LUOSDK_FILE_FLAGS;
}

/**
 * luosdk_anon_file() - Make a file on the anonymous inode.
 * @name:  Its name in /proc, as "[widget]".
 * @fops:  Its operations. The file holds a reference to their owner.
 * @ctx:   The object behind it, complete: this file can be used at once. Stays
 *         the caller's if this fails, becomes the file's otherwise.
 * @flags: What luosdk_file_flags() had returned in the old kernel.
 *
 * Context: Sleeps.
 * Return: The file, with one reference; ERR_PTR(-EINVAL) for flags that no
 *         saved file can have, which means a damaged state; ERR_PTR(-ENOMEM);
 *         ERR_PTR(-ENFILE).
 */
static inline struct file *luosdk_anon_file(const char *name,
					    const struct file_operations *fops,
					    void *ctx, u32 flags)
{
	struct file *file;

	if (flags & ~LUOSDK_FILE_FLAGS || (flags & O_ACCMODE) == O_ACCMODE)
		return ERR_PTR(-EINVAL);

	file = anon_inode_getfile(name, fops, ctx, flags);
	/* It takes access mode and O_NONBLOCK, and drops the rest. */
	if (!IS_ERR(file))
		file->f_flags |= flags & O_APPEND;

	return file;
}

#endif /* _LUOSDK_FILE_H */
