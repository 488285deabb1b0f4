// SPDX-License-Identifier: GPL-2.0
/*
 * memfd_luo.c - carries memfds over a live update.
 *
 * A program preserves a memfd in a LUO session, the kernel is replaced, and the
 * program gets a memfd back with the same memory: the pages stay where they are,
 * nothing is copied. Built in only, for it works on the page cache.
 */

/**
 * DOC: memfd Preservation via LUO, by the SDK
 *
 * Preserved properties
 * ====================
 *
 * Content
 *   In its place, without a copy. Mappings that exist go on working, and what
 *   is written through them arrives, up to the last moment of the old kernel.
 *   Large folios come back as large ones, and so does memory that merely lies like a
 *   large folio, where the new kernel has them (CONFIG_TRANSPARENT_HUGEPAGE).
 *
 * Size
 *   Any, zero included. From preserve to unpreserve it cannot change, and no
 *   hole can be punched: such calls return -EPERM. Holes get pages when the file is
 *   preserved, because a page that came into being later would not be carried over.
 *
 * Position, seals, permission bits, owner, O_APPEND, O_NONBLOCK, O_NOATIME
 *   As they are when LUO freezes the file.
 *
 * Properties that are not preserved
 * =================================
 *
 * The name
 *   It is "memfd:" in /proc.
 *
 * Times, extended attributes, locks, leases, memory policy
 *   As of a new file.
 *
 * FD_CLOEXEC
 *   Belongs to the descriptor, not the file. LUO sets it on the new one.
 *
 * Limits
 * ======
 *
 * Only files that are open for reading and writing can be preserved: LUO gives back
 * one that is. MFD_HUGETLB is not supported. Both give -EOPNOTSUPP. F_SEAL_WRITE
 * cannot be added while the file is preserved: its pages are pinned, which looks like
 * somebody writing to them (-EBUSY).
 *
 * The memory is charged to the memory cgroup of who retrieves, even beyond its limit:
 * it is there already, and a retrieve that fails loses it. The limit bites when that
 * cgroup asks for more.
 */

#define LUOSDK_TRACE memfd

#include <linux/cred.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/memfd.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/shmem_fs.h>
#include <linux/uidgid.h>
#include <uapi/linux/memfd.h>

#include "memfd_luo.h"

#define MEMFD_FILE_FLAGS	(O_APPEND | O_NONBLOCK | O_NOATIME)

/* The seals that this handler knows; others are refused in both kernels. */
#define MEMFD_SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | \
			 F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

static const char * const memfd_formats[] = { "luosdk", "memfd-v2" };

static unsigned int memfd_format;

static int memfd_format_set(const char *val, const struct kernel_param *kp)
{
	int format = sysfs_match_string(memfd_formats, val);

	if (format < 0) {
		pr_err("luosdk: memfd: format is 'luosdk' or 'memfd-v2'\n");
		return format;
	}
	WRITE_ONCE(memfd_format, format);

	return 0;
}

static int memfd_format_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", memfd_formats[READ_ONCE(memfd_format)]);
}

static const struct kernel_param_ops memfd_format_ops = {
	.set = memfd_format_set,
	.get = memfd_format_get,
};
module_param_cb(format, &memfd_format_ops, NULL, 0644);
MODULE_PARM_DESC(format, "what new preserves are written as: luosdk (default); memfd-v2, by the kernel's own handler if it has one");

static bool memfd_replace;
module_param_named(replace, memfd_replace, bool, 0444);
MODULE_PARM_DESC(replace, "take memfd-v2 over from the kernel's own handler as well (default: no)");

static bool memfd_enabled = true;
module_param_named(enabled, memfd_enabled, bool, 0444);
MODULE_PARM_DESC(enabled, "register the handler (default: yes)");

bool memfd_wants_v2(void)
{
	return READ_ONCE(memfd_format);
}

/*
 * Who is behind a file: its inode, which all opens of a memfd share. What is not linked
 * anywhere is a memfd, or as good as one. With hugetlb it is so as to be refused with a reason.
 */
struct inode *memfd_inode(struct file *file)
{
	struct inode *inode = file_inode(file);

	if (!shmem_file(file) && !is_file_hugepages(file))
		return NULL;

	return inode->i_nlink ? NULL : inode;
}

/*
 * A file that this handler has claimed stays its own, so that the second preserve of
 * it is refused whatever the switch says by then.
 */
static bool memfd_accept(struct file *file, struct inode *inode)
{
	return !memfd_wants_v2() ||
	       luosdk_guards_phase(&memfd_handler->guards, inode) != LUOSDK_IDLE;
}

/* What a file is, all but its memory. What cannot be carried over is refused here. */
int memfd_attrs_read(struct file *file, struct memfd_luo_attrs *attrs)
{
	struct inode *inode = file_inode(file);
	int seals = memfd_get_seals(file);

	if (is_file_hugepages(file)) {
		pr_warn_ratelimited("luosdk: memfd: MFD_HUGETLB is not supported\n");
		return -EOPNOTSUPP;
	}
	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) != (FMODE_READ | FMODE_WRITE))
		return -EOPNOTSUPP;
	/* An error has bits beyond these as well; only other files have one. */
	if (seals & ~MEMFD_SEALS)
		return -EOPNOTSUPP;

	attrs->pos = READ_ONCE(file->f_pos);
	attrs->size = i_size_read(inode);
	attrs->seals = seals;
	attrs->mode = READ_ONCE(inode->i_mode) & 07777;
	attrs->uid = from_kuid(&init_user_ns, inode->i_uid);
	attrs->gid = from_kgid(&init_user_ns, inode->i_gid);
	attrs->file_flags = READ_ONCE(file->f_flags) & MEMFD_FILE_FLAGS;

	return 0;
}

/* A file with these attributes, and a hole for content. Nothing in them is believed. */
struct file *memfd_attrs_create(const struct memfd_luo_attrs *attrs)
{
	kuid_t uid = make_kuid(&init_user_ns, attrs->uid);
	kgid_t gid = make_kgid(&init_user_ns, attrs->gid);
	struct inode *inode;
	struct file *file;
	int err;

	if (attrs->seals & ~MEMFD_SEALS)
		return ERR_PTR(-EOPNOTSUPP);
	if (attrs->pos > MAX_LFS_FILESIZE || attrs->size > MAX_LFS_FILESIZE ||
	    attrs->mode & ~07777 || attrs->file_flags & ~MEMFD_FILE_FLAGS ||
	    attrs->reserved || !uid_valid(uid) || !gid_valid(gid))
		return ERR_PTR(-EINVAL);

	file = memfd_alloc_file("memfd:", MFD_ALLOW_SEALING);
	if (IS_ERR(file))
		return file;

	/* Before the seals: F_SEAL_EXEC adds others if the file can be executed. */
	inode = file_inode(file);
	inode->i_mode = (inode->i_mode & ~07777) | attrs->mode;
	inode->i_uid = uid;
	inode->i_gid = gid;
	err = memfd_add_seals(file, attrs->seals);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	file->f_flags |= attrs->file_flags;
	file->f_pos = attrs->pos;
	i_size_write(inode, attrs->size);

	return file;
}

static int memfd_save(struct file *file, struct inode *inode,
		      struct memfd_luo_state *ser)
{
	return memfd_attrs_read(file, &ser->attrs);
}

/* All of the content, into @out. What was added when this fails is the caller's to unpin. */
static int memfd_add_all(struct memfd_pin *pin, struct luosdk_folios_out *out)
{
	int nr, i, err;

	while ((nr = memfd_pin_next(pin)) > 0) {
		for (i = 0; i < nr; i++) {
			struct folio *folio = pin->folios[i];

			err = luosdk_folios_add(out, folio_page(folio, 0),
						folio_nr_pages(folio), folio->index);
			if (err) {
				memfd_pin_drop(pin, i);
				return err;
			}
		}
	}

	return nr ?: luosdk_folios_end(out);
}

/* What is handed over beside the content; the layer counts the state itself. */
static void memfd_count_bytes(long bytes)
{
	luosdk_stats_add(&memfd_handler->stats, LUOSDK_STAT_BYTES, bytes);
}

static int memfd_preserve(struct file *file, struct inode *inode,
			  struct memfd_luo_state *ser)
{
	struct luosdk_folios_out out;
	struct memfd_pin pin;
	int err;

	err = memfd_pin_begin(&pin, file);
	if (err)
		return err;
	luosdk_folios_begin(&out, &ser->folios, LUOSDK_FOLIOS_ORDER);
	err = memfd_add_all(&pin, &out);
	if (err) {
		luosdk_folios_abort(&out, unpin_folio);
		memfd_thaw_mapping(inode);
	} else {
		memfd_count_bytes(luosdk_folios_bytes(&ser->folios));
	}
	memfd_pin_end(&pin);

	return err;
}

static void memfd_unpreserve(struct file *file, struct inode *inode,
			     struct memfd_luo_state *ser)
{
	memfd_count_bytes(-(long)luosdk_folios_bytes(&ser->folios));
	luosdk_folios_unpreserve(&ser->folios, unpin_folio);
	memfd_thaw_mapping(inode);
}

static void memfd_report_leak(u64 bytes)
{
	if (!bytes)
		return;
	pr_err("luosdk: memfd: a damaged list of pages, %llu bytes are lost until the next reboot\n",
	       bytes);
	luosdk_stats_add(&memfd_handler->stats, LUOSDK_STAT_LEAKED, bytes);
}

static void memfd_discard(const struct memfd_luo_state *ser)
{
	memfd_report_leak(luosdk_folios_discard(&ser->folios));
}

/* The memory of @ser into @file. All of it is taken or freed, whatever happens. */
static int memfd_restore_memory(struct file *file, const struct memfd_luo_state *ser)
{
	u64 size = ser->attrs.size;
	struct luosdk_folios_in in;
	struct luosdk_chunk chunk;
	struct memfd_fill fill;
	int err;

	/* The last folio may be larger than what the file has of it. */
	err = luosdk_folios_open(&in, &ser->folios,
				 size ? DIV_ROUND_UP(size, PAGE_SIZE) +
					BIT_ULL(LUOSDK_FOLIOS_ORDER_MAX) : 0);
	if (err) {
		memfd_report_leak(in.leaked);
		return err;
	}
	memfd_fill_begin(&fill, file);
	err = memfd_fill_account(&fill, ser->folios.pages);
	while (!err && luosdk_folios_next(&in, &chunk))
		err = memfd_fill_chunk(&fill, &chunk);
	err = memfd_fill_end(&fill, err);
	luosdk_folios_close(&in);

	return err;
}

static struct file *memfd_restore(const struct memfd_luo_state *ser)
{
	struct file *file = memfd_attrs_create(&ser->attrs);
	int err;

	if (IS_ERR(file)) {
		memfd_discard(ser);
		return file;
	}
	err = memfd_restore_memory(file, ser);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}

	return file;
}

LUOSDK_HANDLER(memfd, MEMFD_LUO_SDK_COMPATIBLE,
	       struct inode, struct memfd_luo_state,
	.context = memfd_inode,
	.accept = memfd_accept,
	.save = memfd_save,
	.preserve = memfd_preserve,
	.unpreserve = memfd_unpreserve,
	.restore = memfd_restore,
	.discard = memfd_discard,
	.layout = LUOSDK_LAYOUT(struct memfd_luo_state, attrs.pos, attrs.size, attrs.seals,
				attrs.mode, attrs.uid, attrs.gid, attrs.file_flags,
				attrs.reserved, folios),
);

struct luosdk_handler *const memfd_handler = &memfd_luo_handler;

/* Before the kernel's own handler, a late initcall: LUO takes the first that fits. */
static int __init memfd_luo_init(void)
{
	int err;

	if (!memfd_enabled)
		return 0;
	err = memfd_luo_register();
	if (!err && (memfd_replace || !IS_ENABLED(CONFIG_LIVEUPDATE_MEMFD)))
		err = memfd_v2_register();

	return err;
}
device_initcall(memfd_luo_init);

/* Nobody unloads what is built in; but the conformance kit takes its kernels down by this. */
static void __exit memfd_luo_exit(void)
{
	memfd_v2_unregister();
	memfd_luo_unregister();
}
module_exit(memfd_luo_exit);
