// SPDX-License-Identifier: GPL-2.0
/*
 * memfd_v2.c - memfds in the format of the kernel's own handler, "memfd-v2".
 *
 * For an update to, or from, a kernel that has only that one. It reads what
 * mm/memfd_luo.c wrote, and writes what mm/memfd_luo.c reads when luosdk_memfd.format
 * says so. In a kernel that has mm/memfd_luo.c built in, that does both, unless
 * luosdk_memfd.replace is set.
 *
 * The format cannot say everything that a memfd is. What it has no place for and the other
 * kernel would silently change is refused at preserve: permissions other than
 * 0777, which every new memfd has, and O_APPEND and the like. The owner is not carried
 * over: it becomes who retrieves. Nothing protects the state against damage,
 * so what can be compared is compared, and no more is possible.
 */

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kho/abi/memfd.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/printk.h>
#include <linux/vmalloc.h>

#include "memfd_luo.h"

/* Set by newer versions of mm/memfd_luo.c: nobody may execute the file. */
#define MEMFD_V2_NOEXEC		BIT(0)
#define MEMFD_V2_MODE		0777

static int memfd_v2_attrs(struct file *file, struct memfd_luo_attrs *attrs)
{
	int err;

	err = memfd_attrs_read(file, attrs);
	if (err)
		return err;
	if (attrs->mode != MEMFD_V2_MODE || attrs->file_flags) {
		pr_err_ratelimited("luosdk: memfd: mode %04o and flags %#o cannot be written as memfd-v2\n",
				   attrs->mode, attrs->file_flags);
		return -EOPNOTSUPP;
	}

	return 0;
}

static void memfd_v2_write(struct memfd_luo_ser *ser, const struct memfd_luo_attrs *attrs)
{
	ser->pos = attrs->pos;
	ser->size = attrs->size;
	ser->seals = attrs->seals;
}

/* The folios of a file whose content is pinned, one after the other: they are there. */
static struct folio *memfd_v2_folio(struct file *file, pgoff_t index)
{
	struct folio *folio = filemap_get_folio(file->f_mapping, index);

	folio_put(folio);

	return folio;
}

static void memfd_v2_unpin(struct file *file, u64 nr)
{
	struct folio *folio;
	pgoff_t index = 0;

	for (; nr; nr--) {
		folio = memfd_v2_folio(file, index);
		index += folio_nr_pages(folio);
		unpin_folio(folio);
	}
}

static void memfd_v2_unpreserve_folios(const struct memfd_luo_folio_ser *folios, u64 nr)
{
	while (nr--)
		kho_unpreserve_folio(pfn_folio(folios[nr].pfn));
}

static int memfd_v2_preserve_folios(struct file *file, struct memfd_luo_folio_ser *folios,
				    u64 nr)
{
	pgoff_t index = 0;
	u64 i;
	int err;

	for (i = 0; i < nr; i++) {
		struct folio *folio = memfd_v2_folio(file, index);

		err = kho_preserve_folio(folio);
		if (err) {
			memfd_v2_unpreserve_folios(folios, i);
			return err;
		}
		folios[i].pfn = folio_pfn(folio);
		folios[i].flags = MEMFD_LUO_FOLIO_DIRTY | MEMFD_LUO_FOLIO_UPTODATE;
		folios[i].index = index;
		index += folio_nr_pages(folio);
	}

	return 0;
}

/* Pin all of a file; @nr: how many folios that are. */
static int memfd_v2_pin(struct file *file, u64 *nr)
{
	struct memfd_pin pin;
	int more;

	*nr = 0;
	more = memfd_pin_begin(&pin, file);
	if (more)
		return more;
	while ((more = memfd_pin_next(&pin)) > 0)
		*nr += more;
	memfd_pin_end(&pin);
	if (more) {
		memfd_v2_unpin(file, *nr);
		memfd_thaw_mapping(file_inode(file));
	}

	return more;
}

/* The memory of a file, into @ser; the array that lists it, or NULL for none. */
static struct memfd_luo_folio_ser *memfd_v2_take(struct file *file,
						 struct memfd_luo_ser *ser)
{
	struct memfd_luo_folio_ser *folios;
	u64 nr;
	int err;

	err = memfd_v2_pin(file, &nr);
	if (err)
		return ERR_PTR(err);
	/* It may have changed until just now. */
	ser->size = i_size_read(file_inode(file));
	if (!nr)
		return NULL;

	folios = vcalloc(nr, sizeof(*folios));
	if (!folios) {
		err = -ENOMEM;
		goto err_unpin;
	}
	err = memfd_v2_preserve_folios(file, folios, nr);
	if (err)
		goto err_free;
	err = kho_preserve_vmalloc(folios, &ser->folios);
	if (err)
		goto err_unpreserve;
	ser->nr_folios = nr;

	return folios;

err_unpreserve:
	memfd_v2_unpreserve_folios(folios, nr);
err_free:
	vfree(folios);
err_unpin:
	memfd_v2_unpin(file, nr);
	memfd_thaw_mapping(file_inode(file));
	return ERR_PTR(err);
}

static int memfd_v2_preserve(struct liveupdate_file_op_args *args)
{
	struct luosdk_stats *stats = &memfd_handler->stats;
	struct luosdk_guards *guards = &memfd_handler->guards;
	struct inode *inode = memfd_inode(args->file);
	struct memfd_luo_folio_ser *folios;
	struct memfd_luo_ser *ser;
	struct memfd_luo_attrs attrs;
	int err;

	if (!inode)
		return luosdk_stats_failed(stats, -EINVAL);
	/* The same guards as of the other format: one file, one preserve. */
	err = luosdk_guards_claim(guards, inode, args->file);
	if (err == -EBUSY) {
		luosdk_stats_inc(stats, LUOSDK_STAT_REFUSED_BUSY);
		return err;
	}
	if (err)
		return luosdk_stats_failed(stats, err);
	err = memfd_v2_attrs(args->file, &attrs);
	if (err)
		goto err_release;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser)) {
		err = PTR_ERR(ser);
		goto err_release;
	}
	memfd_v2_write(ser, &attrs);
	folios = memfd_v2_take(args->file, ser);
	if (IS_ERR(folios)) {
		err = PTR_ERR(folios);
		goto err_free;
	}

	args->private_data = folios;
	args->serialized_data = virt_to_phys(ser);
	luosdk_stats_inc(stats, LUOSDK_STAT_PRESERVED);
	luosdk_stats_inc(stats, LUOSDK_STAT_OTHER_FORMAT);

	return 0;

err_free:
	kho_unpreserve_free(ser);
err_release:
	luosdk_guards_release(guards, inode, args->file);
	return luosdk_stats_failed(stats, err);
}

static void memfd_v2_unpreserve(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_ser *ser = phys_to_virt(args->serialized_data);

	if (ser->nr_folios) {
		kho_unpreserve_vmalloc(&ser->folios);
		memfd_v2_unpreserve_folios(args->private_data, ser->nr_folios);
		memfd_v2_unpin(args->file, ser->nr_folios);
		vfree(args->private_data);
	}
	kho_unpreserve_free(ser);
	memfd_thaw_mapping(file_inode(args->file));
	luosdk_guards_release(&memfd_handler->guards, memfd_inode(args->file), args->file);
	luosdk_stats_inc(&memfd_handler->stats, LUOSDK_STAT_UNPRESERVED);
	luosdk_stats_add(&memfd_handler->stats, LUOSDK_STAT_OTHER_FORMAT, -1);
}

static int memfd_v2_freeze(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_attrs attrs;
	int err;

	err = memfd_v2_attrs(args->file, &attrs);
	if (err)
		return luosdk_stats_failed(&memfd_handler->stats, err);
	memfd_v2_write(phys_to_virt(args->serialized_data), &attrs);
	luosdk_stats_inc(&memfd_handler->stats, LUOSDK_STAT_FROZEN);

	return 0;
}

static void memfd_v2_unfreeze(struct liveupdate_file_op_args *args)
{
	luosdk_stats_inc(&memfd_handler->stats, LUOSDK_STAT_THAWED);
}

/*
 * The page that the handle leads to, if it looks like what KHO keeps for this format. It is
 * read where it is, and freed when all is done.
 */
static struct memfd_luo_ser *memfd_v2_open(u64 handle)
{
	struct memfd_luo_ser *ser;

	if (!handle || offset_in_page(handle) || !pfn_valid(PHYS_PFN(handle)))
		return NULL;
	ser = phys_to_virt(handle);
	if (ser->flags & ~MEMFD_V2_NOEXEC || ser->size > MAX_LFS_FILESIZE ||
	    !ser->nr_folios != !ser->size ||
	    ser->nr_folios > DIV_ROUND_UP_ULL(ser->size, PAGE_SIZE))
		return NULL;

	return ser;
}

/* The list of folios, restored; NULL if it is damaged or has not come. */
static struct memfd_luo_folio_ser *memfd_v2_list(const struct memfd_luo_ser *ser)
{
	struct memfd_luo_folio_ser *folios = kho_restore_vmalloc(&ser->folios);
	struct vm_struct *area = folios ? find_vm_area(folios) : NULL;

	/* It says itself how long it is. */
	if (area && get_vm_area_size(area) / sizeof(*folios) >= ser->nr_folios)
		return folios;
	vfree(folios);

	return NULL;
}

/* Restore the folio of a record; what an earlier one named already is NULL. */
static struct folio *memfd_v2_restore_folio(const struct memfd_luo_folio_ser *f)
{
	return f->pfn && pfn_valid(f->pfn) ? kho_restore_folio(PFN_PHYS(f->pfn)) : NULL;
}

static int memfd_v2_fill(struct file *file, const struct memfd_luo_folio_ser *folios,
			 u64 nr, u64 size)
{
	u64 end = DIV_ROUND_UP_ULL(size, PAGE_SIZE), next = 0, i;
	struct memfd_fill fill;
	struct folio *folio;
	int err = 0;

	memfd_fill_begin(&fill, file);
	for (i = 0; i < nr; i++) {
		folio = memfd_v2_restore_folio(&folios[i]);
		if (!folio) {
			err = err ?: -EIO;
			continue;
		}
		/* In order, and none over another: the page cache is not asked. */
		if (!err && (folios[i].index < next || folios[i].index >= end))
			err = -EBADMSG;
		if (err) {
			folio_put(folio);
			continue;
		}
		next = folios[i].index + folio_nr_pages(folio);
		err = memfd_fill_account(&fill, folio_nr_pages(folio));
		if (err)
			folio_put(folio);
		else
			err = memfd_fill_folio(&fill, folio, folios[i].index);
	}

	return memfd_fill_end(&fill, err);
}

static void memfd_v2_free_folios(const struct memfd_luo_folio_ser *folios, u64 nr)
{
	struct folio *folio;
	u64 i;

	for (i = 0; i < nr; i++) {
		folio = memfd_v2_restore_folio(&folios[i]);
		if (folio)
			folio_put(folio);
	}
}

static struct file *memfd_v2_restore(const struct memfd_luo_ser *ser)
{
	const struct memfd_luo_attrs attrs = {
		.pos = ser->pos,
		.size = ser->size,
		.seals = ser->seals,
		.mode = ser->flags & MEMFD_V2_NOEXEC ? MEMFD_V2_MODE & ~0111 : MEMFD_V2_MODE,
		.uid = from_kuid(&init_user_ns, current_fsuid()),
		.gid = from_kgid(&init_user_ns, current_fsgid()),
	};
	struct memfd_luo_folio_ser *folios = NULL;
	struct file *file;
	int err = 0;

	if (ser->nr_folios) {
		folios = memfd_v2_list(ser);
		if (!folios)
			return ERR_PTR(-EBADMSG);
	}
	file = memfd_attrs_create(&attrs);
	if (IS_ERR(file)) {
		memfd_v2_free_folios(folios, ser->nr_folios);
	} else if (folios) {
		err = memfd_v2_fill(file, folios, ser->nr_folios, ser->size);
		if (err) {
			fput(file);
			file = ERR_PTR(err);
		}
	}
	vfree(folios);

	return file;
}

static int memfd_v2_retrieve(struct liveupdate_file_op_args *args)
{
	struct luosdk_stats *stats = &memfd_handler->stats;
	struct memfd_luo_ser *ser = memfd_v2_open(args->serialized_data);
	struct file *file;
	int err;

	if (!ser) {
		pr_err("luosdk: memfd: incoming memfd-v2 state %#llx is damaged, its memory is lost until the next reboot\n",
		       args->serialized_data);
		return luosdk_stats_failed(stats, -EBADMSG);
	}
	file = memfd_v2_restore(ser);
	kho_restore_free(ser);
	if (IS_ERR(file)) {
		pr_err("luosdk: memfd: incoming memfd-v2 state %#llx refused: %pe\n",
		       args->serialized_data, file);
		return luosdk_stats_failed(stats, PTR_ERR(file));
	}
	err = luosdk_guards_restore(&memfd_handler->guards, file_inode(file), file);
	if (err) {
		fput(file);
		return luosdk_stats_failed(stats, err);
	}
	args->file = file;
	luosdk_stats_inc(stats, LUOSDK_STAT_RESTORED);

	return 0;
}

static void memfd_v2_finish(struct liveupdate_file_op_args *args)
{
	struct memfd_luo_folio_ser *folios;
	struct memfd_luo_ser *ser;

	if (args->retrieve_status < 0)
		return;
	if (args->retrieve_status > 0) {
		luosdk_guards_release(&memfd_handler->guards, file_inode(args->file),
				      args->file);
		luosdk_stats_inc(&memfd_handler->stats, LUOSDK_STAT_FINISHED);
		return;
	}

	ser = memfd_v2_open(args->serialized_data);
	if (!ser) {
		pr_err("luosdk: memfd: incoming memfd-v2 state %#llx is damaged, its memory is lost until the next reboot\n",
		       args->serialized_data);
		return;
	}
	folios = ser->nr_folios ? memfd_v2_list(ser) : NULL;
	if (folios)
		memfd_v2_free_folios(folios, ser->nr_folios);
	vfree(folios);
	kho_restore_free(ser);
	luosdk_stats_inc(&memfd_handler->stats, LUOSDK_STAT_DISCARDED);
}

static bool memfd_v2_can_preserve(struct liveupdate_file_handler *handler,
				  struct file *file)
{
	return memfd_wants_v2() && memfd_inode(file);
}

static const struct liveupdate_file_ops memfd_v2_ops = {
	.can_preserve = memfd_v2_can_preserve,
	.preserve = memfd_v2_preserve,
	.unpreserve = memfd_v2_unpreserve,
	.freeze = memfd_v2_freeze,
	.unfreeze = memfd_v2_unfreeze,
	.retrieve = memfd_v2_retrieve,
	.finish = memfd_v2_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler memfd_v2_handler = {
	.ops = &memfd_v2_ops,
	.compatible = MEMFD_LUO_FH_COMPATIBLE,
};

static bool memfd_v2_registered;

/* A kernel that was booted without live update needs no handler. */
int memfd_v2_register(void)
{
	int err = liveupdate_register_file_handler(&memfd_v2_handler);

	/* Versions are those of the string; the layout is the kernel's, see kho/abi/memfd.h. */
	LUOSDK_NOTE(LUOSDK_NOTE_FILE, MEMFD_LUO_FH_COMPATIBLE, 0, 1, 1,
		    sizeof(struct memfd_luo_ser), 0, 0);
	memfd_v2_registered = !err;

	return err == -EOPNOTSUPP ? 0 : err;
}

void memfd_v2_unregister(void)
{
	if (memfd_v2_registered)
		luosdk_unregister_file_handler(&memfd_v2_handler);
	memfd_v2_registered = false;
}
