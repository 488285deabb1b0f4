// SPDX-License-Identifier: GPL-2.0
/*
 * foreign_fd_luo.c - carries files over a live update whose type is somebody else's.
 *
 * A short file of ramfs that is open for reading comes back with its contents and its
 * position. ramfs knows nothing of this: its files are recognized, read and made again by
 * what the kernel exports. Three things differ from a driver's own type. The guard cannot
 * be a member of the object, so it is a table that goes by the object's address. What the
 * object is has to be asked of its owner. And since the owner does not ask the guard, the
 * owner's own means have to keep the object from changing once it is saved.
 */

/**
 * DOC: foreign-fd
 *
 * Preserved: the contents, up to 960 bytes; the position, O_NONBLOCK and O_APPEND as they are
 * when LUO freezes the file. From preserve to unpreserve nobody can open the file for writing
 * or truncate it (ETXTBSY), as with a program that is being executed.
 *
 * Not preserved: the name, for the file system it is a name in is gone; owner, permissions
 * and times, which are those of a new file; FD_CLOEXEC, which LUO sets.
 *
 * Refused: a longer file (EFBIG), and one that anybody has open for writing (ETXTBSY).
 */

/* Live update: its steps are the event luosdk_foreign_fd. */
#define LUOSDK_TRACE foreign_fd

#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <luosdk/handler.h>

#include "foreign_fd_luo_abi.h"

#define FOREIGN_FD_FLAGS	(O_NONBLOCK | O_APPEND)

/* Where files are made again: a ramfs that nobody else sees. */
static struct vfsmount *foreign_fd_mnt;

/*
 * Yours: whose file is it, and which object stands behind it? NULL for every file of
 * another type, of which nothing that a type defines may be looked at, as private_data.
 * Two files of one object must give the same answer: here two opens share an inode.
 */
static struct inode *foreign_fd_context(struct file *file)
{
	struct inode *inode = file_inode(file);

	return inode->i_sb->s_magic == RAMFS_MAGIC && S_ISREG(inode->i_mode) ? inode : NULL;
}

/*
 * Yours: what of it may change until freeze. Called at preserve and again at freeze; it must
 * not allocate.
 */
static int foreign_fd_save(struct file *file, struct inode *inode,
			   struct foreign_fd_luo_ser *ser)
{
	ser->pos = READ_ONCE(file->f_pos);
	ser->file_flags = luosdk_file_flags(file) & FOREIGN_FD_FLAGS;
	return 0;
}

/*
 * Yours: how the owner is told to leave the object as it is, and what is saved then. User
 * space runs on while LUO freezes, so what has no such means needs some other: a mark in the
 * object by a patch, or a value that is also written to @ser whenever it changes.
 */
static int foreign_fd_preserve(struct file *file, struct inode *inode,
			       struct foreign_fd_luo_ser *ser)
{
	ssize_t len;
	loff_t pos = 0;
	int err;

	err = deny_write_access(file);
	if (err)
		return err;

	len = i_size_read(inode) > sizeof(ser->data) ? -EFBIG :
	      kernel_read(file, ser->data, sizeof(ser->data), &pos);
	if (len < 0) {
		allow_write_access(file);
		return len;
	}
	ser->len = len;
	return 0;
}

/* Yours: the same undone. */
static void foreign_fd_unpreserve(struct file *file, struct inode *inode,
				  struct foreign_fd_luo_ser *ser)
{
	allow_write_access(file);
}

/* Yours: what the state owns besides its own bytes. Here that is nothing. */
static void foreign_fd_discard(const struct foreign_fd_luo_ser *ser)
{
}

static int foreign_fd_fill(struct file *file, const u8 *data, u32 len)
{
	loff_t pos = 0;
	ssize_t done = kernel_write(file, data, len, &pos);

	if (done < 0)
		return done;
	return done == len ? 0 : -EIO;
}

/*
 * Yours: how the owner makes such a file. No file of user space's may be needed for it, and
 * no right of who retrieves. It must be complete when it is returned.
 */
static struct file *foreign_fd_create(const u8 *data, u32 len, loff_t pos, u32 flags)
{
	const struct path root = { .mnt = foreign_fd_mnt, .dentry = foreign_fd_mnt->mnt_root };
	struct file *writer, *file;
	int err;

	scoped_with_kernel_creds()
		writer = kernel_tmpfile_open(mnt_idmap(root.mnt), &root, S_IFREG | 0400,
					     O_RDWR | O_LARGEFILE, current_cred());
	if (IS_ERR(writer))
		return writer;

	err = foreign_fd_fill(writer, data, len);
	file = err ? ERR_PTR(err) : dentry_open(&writer->f_path, O_RDONLY | O_LARGEFILE | flags,
						current_cred());
	if (!IS_ERR(file))
		file->f_pos = pos;
	fput(writer);
	return file;
}

/*
 * Yours: the bytes arrive as they were saved, but from another kernel: check all that could do
 * harm.
 */
static struct file *foreign_fd_restore(const struct foreign_fd_luo_ser *ser)
{
	if (ser->len > sizeof(ser->data) || ser->file_flags & ~FOREIGN_FD_FLAGS ||
	    ser->pos > MAX_LFS_FILESIZE)
		return ERR_PTR(-EINVAL);
	return foreign_fd_create(ser->data, ser->len, ser->pos, ser->file_flags);
}

/* No .fops, which are the owner's, and no .guard: so the guard is the table. */
LUOSDK_HANDLER(foreign_fd, FOREIGN_FD_LUO_FH_COMPATIBLE,
	       struct inode, struct foreign_fd_luo_ser,
	.context = foreign_fd_context,
	.save = foreign_fd_save,
	.preserve = foreign_fd_preserve,
	.unpreserve = foreign_fd_unpreserve,
	.restore = foreign_fd_restore,
	.discard = foreign_fd_discard,
	.layout = LUOSDK_LAYOUT(struct foreign_fd_luo_ser, pos, file_flags, len, data),
);

/* Yours: where nothing has to be there beforehand, luosdk_module_handler() is all. */
static int __init foreign_fd_init(void)
{
	struct file_system_type *type = get_fs_type("ramfs");
	int err;

	if (!type)
		return -ENODEV;
	foreign_fd_mnt = kern_mount(type);
	if (IS_ERR(foreign_fd_mnt))
		return PTR_ERR(foreign_fd_mnt);

	err = foreign_fd_luo_register();
	if (err)
		kern_unmount(foreign_fd_mnt);
	return err;
}
module_init(foreign_fd_init);

/* Files that were restored keep their file system; only its mount goes. */
static void __exit foreign_fd_exit(void)
{
	foreign_fd_luo_unregister();
	kern_unmount(foreign_fd_mnt);
}
module_exit(foreign_fd_exit);

/* Yours: what it is, and whose. */
MODULE_DESCRIPTION("foreign-fd: live update of ramfs files");
MODULE_LICENSE("GPL");
