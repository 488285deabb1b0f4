// SPDX-License-Identifier: GPL-2.0
/*
 * memfd_luo_kunit.c - tests of the memfd handler, without a reboot.
 *
 * First what it does with the attributes of a file, then with its memory, then the
 * kernel's own format, in both directions between a kernel with this handler and
 * one with mm/memfd_luo.c. The last lines put both formats through the conformance
 * kit.
 *
 * User Mode Linux has no large folios, no swap and no memory cgroups; those are in
 * the scenarios of tests/vm.
 */

#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/memfd.h>
#include <linux/memfd.h>
#include <linux/moduleparam.h>
#include <linux/shmem_fs.h>
#include <linux/uidgid.h>
#include <uapi/linux/memfd.h>
#include <luokit_subject.h>
#include <luosdk/handler.h>

#include "memfd_luo_abi.h"
#include "memfd_luo_kunit.h"
#include "memfd_subject.h"

static int memfd_init(struct kunit *test)
{
	test->priv = luokit_boot(test, &memfd_sdk_world);
	return 0;
}

static const struct memfd_world_private *memfd_world(struct luokit *k)
{
	return luokit_private(k);
}

static long memfd_stat(struct luokit *k, enum luosdk_stat stat)
{
	return luosdk_stats_read(&memfd_world(k)->handler->stats, stat);
}

static struct file *memfd_make(struct kunit *test, u64 arg)
{
	struct file *file = luokit_own(test->priv, memfd_subject_make(test->priv, arg));

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);

	return file;
}

static struct file *memfd_preserved(struct kunit *test, struct file *file)
{
	struct file *session = luokit_create(test->priv, "s");

	KUNIT_ASSERT_EQ(test, luokit_preserve(test->priv, session, 1, file), 0);

	return session;
}

/* What comes of the file of memfd_preserved() in the next kernel; its session is closed. */
static struct file *memfd_arrived(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session, *file;

	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	session = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, session, 1);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, session), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);

	return file;
}

static int memfd_refused(struct kunit *test, struct file *file)
{
	struct file *session = luokit_create(test->priv, "another");
	int err = luokit_preserve(test->priv, session, 1, file);

	KUNIT_EXPECT_EQ(test, luokit_close(test->priv, session), 0);

	return err;
}

/* A file with the content that memfd_subject_make() gives to this size. */
static void memfd_expect_content(struct kunit *test, struct file *file, u64 arg)
{
	struct file *same = luokit_own(test->priv, memfd_subject_make(test->priv, arg));

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	same->f_pos = file->f_pos;
	KUNIT_EXPECT_STREQ(test, memfd_subject_differ(test->priv, same, file) ?: "", "");
	luokit_put(test->priv, same);
}

/* ---- What is written down -------------------------------------------------------------- */

static void memfd_layout(struct kunit *test)
{
	static const u8 golden[sizeof(struct memfd_luo_state)] = {
		0x01, 0x02, 0, 0, 0, 0, 0, 0,		/* pos */
		0x03, 0x10, 0, 0, 0, 0, 0, 0,		/* size */
		0x0f, 0, 0, 0, 0xb6, 0x01, 0, 0,	/* seals, mode */
		0xe8, 0x03, 0, 0, 0xe9, 0x03, 0, 0,	/* uid, gid */
		0x00, 0x04, 0, 0, 0, 0, 0, 0,		/* file_flags */
		0x02, 0, 0, 0, 0, 0, 0, 0,		/* pages */
		0x00, 0x50, 0, 0, 0, 0, 0, 0,		/* next */
		0x01, 0, 0, 0, 0x09, 0, 0, 0,		/* nr_runs, max_order */
		0x21, 0x43, 0, 0, 0, 0x01, 0, 0,	/* two pages at 0x4321 */
	};
	struct memfd_luo_state ser = {
		.attrs = {
			.pos = 0x201, .size = 0x1003, .seals = 0xf, .mode = 0666, .uid = 1000,
			.gid = 1001, .file_flags = O_APPEND,
		},
		.folios = {
			.pages = 2, .next = 0x5000, .nr_runs = 1, .max_order = 9,
			.run = { luosdk_run_pack(0x4321, 2) },
		},
	};

	KUNIT_EXPECT_MEMEQ(test, &ser, golden, sizeof(golden));
	KUNIT_EXPECT_STREQ(test, MEMFD_LUO_SDK_COMPATIBLE, "luosdk-memfd-v1");
}

/* A kernel for one user knows of one. */
static unsigned int memfd_id(unsigned int id)
{
	return IS_ENABLED(CONFIG_MULTIUSER) ? id : 0;
}

static void memfd_attributes(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = memfd_make(test, 5000);
	struct inode *inode = file_inode(file);

	inode->i_mode = S_IFREG | 04751;
	inode->i_uid = KUIDT_INIT(1234);
	inode->i_gid = KGIDT_INIT(4321);
	file->f_flags |= O_APPEND | O_NONBLOCK | O_NOATIME;
	file->f_pos = 1ULL << 40;
	file = luokit_carry(k, file);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	inode = file_inode(file);
	KUNIT_EXPECT_EQ(test, inode->i_mode, S_IFREG | 04751);
	KUNIT_EXPECT_EQ(test, __kuid_val(inode->i_uid), memfd_id(1234));
	KUNIT_EXPECT_EQ(test, __kgid_val(inode->i_gid), memfd_id(4321));
	KUNIT_EXPECT_EQ(test, file->f_flags & (O_APPEND | O_NONBLOCK | O_NOATIME | O_ACCMODE),
			O_APPEND | O_NONBLOCK | O_NOATIME | O_RDWR);
	KUNIT_EXPECT_EQ(test, file->f_pos, 1ULL << 40);
	KUNIT_EXPECT_EQ(test, i_size_read(inode), 5000);
	KUNIT_EXPECT_STREQ(test, file->f_path.dentry->d_name.name, "memfd:");
	/* As of any file that is made anew: none that nothing asked for. */
	KUNIT_EXPECT_EQ(test, inode->i_blocks, 16);
}

/* Everything that can change without the size or the content, after the preserve. */
static void memfd_late_attributes(struct kunit *test)
{
	struct file *file = memfd_make(test, 5000);

	memfd_preserved(test, file);
	KUNIT_ASSERT_EQ(test, memfd_add_seals(file, F_SEAL_SHRINK | F_SEAL_SEAL), 0);
	file_inode(file)->i_mode = S_IFREG | 0640;
	file_inode(file)->i_uid = KUIDT_INIT(77);
	file->f_flags |= O_APPEND;
	file->f_pos = 17;
	file = memfd_arrived(test);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, memfd_get_seals(file), F_SEAL_SHRINK | F_SEAL_SEAL);
	KUNIT_EXPECT_EQ(test, file_inode(file)->i_mode, S_IFREG | 0640);
	KUNIT_EXPECT_EQ(test, __kuid_val(file_inode(file)->i_uid), memfd_id(77));
	KUNIT_EXPECT_TRUE(test, file->f_flags & O_APPEND);
	KUNIT_EXPECT_EQ(test, file->f_pos, 17);
}

/* Each set of seals, of files that can and that cannot be executed. */
static void memfd_seals(struct kunit *test)
{
	struct luokit *k = test->priv;
	unsigned int seals;

	for (seals = 0; seals < 2 * 64; seals++) {
		u64 arg = 100 | MEMFD_SEALS(seals & 63) | (seals & 64 ? MEMFD_NOEXEC : 0);
		struct file *file = memfd_make(test, arg);
		int want = memfd_get_seals(file);
		umode_t mode = file_inode(file)->i_mode;

		file = luokit_carry(k, file);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
		KUNIT_EXPECT_EQ(test, memfd_get_seals(file), want);
		KUNIT_EXPECT_EQ(test, file_inode(file)->i_mode, mode);
		luokit_put(k, file);
	}
}

/* A seal of some later kernel: refused before, at the freeze, and when it comes in. */
static void memfd_unknown_seal(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = memfd_make(test, 5000), *session;

	SHMEM_I(file_inode(file))->seals |= BIT(20);
	KUNIT_EXPECT_EQ(test, memfd_refused(test, file), -EOPNOTSUPP);
	SHMEM_I(file_inode(file))->seals &= ~BIT(20);

	session = memfd_preserved(test, file);
	SHMEM_I(file_inode(file))->seals |= BIT(20);
	KUNIT_EXPECT_EQ(test, luokit_freeze(k), -EOPNOTSUPP);
	SHMEM_I(file_inode(file))->seals &= ~BIT(20);
	KUNIT_EXPECT_EQ(test, luokit_freeze(k), 0);
	luokit_thaw(k);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
}

static void memfd_access_mode(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = memfd_make(test, 100), *again;

	again = luokit_own(k, dentry_open(&file->f_path, O_RDONLY, current_cred()));
	KUNIT_EXPECT_EQ(test, memfd_refused(test, again), -EOPNOTSUPP);
	again = luokit_own(k, dentry_open(&file->f_path, O_WRONLY, current_cred()));
	KUNIT_EXPECT_EQ(test, memfd_refused(test, again), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, memfd_refused(test, file), 0);
}

/* A file that somebody can find by its name is none of a session's. */
static void memfd_linked(struct kunit *test)
{
	struct file *file = memfd_make(test, 100);

	set_nlink(file_inode(file), 1);
	KUNIT_EXPECT_EQ(test, memfd_refused(test, file), -ENOENT);
	clear_nlink(file_inode(file));
	KUNIT_EXPECT_EQ(test, memfd_refused(test, file), 0);
}

/* Of hugetlbfs: refused, with a reason in the log. */
static void memfd_hugetlb(struct kunit *test)
{
	struct file *file = memfd_make(test, 100);
	u8 bits = file_inode(file)->i_blkbits;

	file_inode(file)->i_blkbits = PMD_SHIFT;
	KUNIT_EXPECT_EQ(test, memfd_refused(test, file), -EOPNOTSUPP);
	*memfd_world(test->priv)->format = 1;
	KUNIT_EXPECT_EQ(test, memfd_refused(test, file), -EOPNOTSUPP);
	file_inode(file)->i_blkbits = bits;
	KUNIT_EXPECT_EQ(test, memfd_refused(test, file), 0);
}

/* Which of the two handlers there are, as the kernel was booted. */
static void memfd_registered(struct kunit *test)
{
	static const struct {
		bool luo, enabled, replace;
		int err, sdk, v2;
	} boots[] = {
		{ false, true, true, 0, -ENOENT, -ENOENT },
		{ true, false, true, 0, -ENOENT, -ENOENT },
		/* The kernel's own one, which this world has not, has the other format. */
		{ true, true, false, 0, 0, -ENOENT },
		{ true, true, true, 0, 0, 0 },
	};
	const struct memfd_world_private *world = memfd_world(test->priv);
	struct file *file = memfd_make(test, 100);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(boots); i++) {
		world->exit();
		KUNIT_EXPECT_EQ(test, world->init(boots[i].luo, boots[i].enabled,
						  boots[i].replace), boots[i].err);
		*world->format = 0;
		KUNIT_EXPECT_EQ_MSG(test, memfd_refused(test, file), boots[i].sdk, "boot %u", i);
		*world->format = 1;
		KUNIT_EXPECT_EQ_MSG(test, memfd_refused(test, file), boots[i].v2, "boot %u", i);
	}
	/* Twice is an error, and no reason to have the other format twice. */
	KUNIT_EXPECT_EQ(test, world->init(true, true, true), -EEXIST);
	KUNIT_EXPECT_EQ(test, memfd_refused(test, file), 0);
}

/* What stands in /sys/module/luosdk_memfd/parameters/format. */
static void memfd_format_parameter(struct kunit *test)
{
	const struct memfd_world_private *world = memfd_world(test->priv);
	char *page = (char *)__get_free_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, world->format_ops->get(page, NULL), 7);
	KUNIT_EXPECT_STREQ(test, page, "luosdk\n");
	KUNIT_EXPECT_EQ(test, world->format_ops->set("memfd-v3", NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, *world->format, 0);
	KUNIT_EXPECT_EQ(test, world->format_ops->set("memfd-v2\n", NULL), 0);
	KUNIT_EXPECT_EQ(test, world->format_ops->get(page, NULL), 9);
	KUNIT_EXPECT_STREQ(test, page, "memfd-v2\n");
	KUNIT_EXPECT_EQ(test, *world->format, 1);
	free_page((unsigned long)page);
}

/* ---- Memory ---------------------------------------------------------------------------- */

static void memfd_bytes(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session = luokit_create(k, "s");
	unsigned int i, slots = luosdk_slots_per_page(memfd_world(k)->handler->slots.slot_bytes);

	/* All small ones together on one page: at most 256 bytes each. */
	KUNIT_EXPECT_GE(test, slots, PAGE_SIZE / 256);
	for (i = 0; i < slots; i++)
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, i, memfd_make(test, 10)), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), (1 + slots) * PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, i, memfd_make(test, 10)), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), (2 + slots + 1) * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);

	/* Scattered: 8 bytes a page, in a page of runs. */
	session = memfd_preserved(test, memfd_make(test, 100 * PAGE_SIZE | MEMFD_SCATTERED));
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), (2 + 100) * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, memfd_stat(k, LUOSDK_STAT_BYTES),
			PAGE_SIZE + memfd_world(k)->handler->slots.slot_bytes);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
	KUNIT_EXPECT_EQ(test, memfd_stat(k, LUOSDK_STAT_BYTES), 0);
}

/* The content is the same pages, and what is written until the end is in them. */
static void memfd_in_place(struct kunit *test)
{
	static const char late[] = "written after the preserve";
	char got[sizeof(late)];
	struct file *file = memfd_make(test, 3 * PAGE_SIZE);
	unsigned long pfn[3];
	struct folio *folio;
	unsigned int i;
	loff_t pos = PAGE_SIZE - 5;

	for (i = 0; i < 3; i++) {
		folio = filemap_get_folio(file->f_mapping, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
		pfn[i] = page_to_pfn(folio_file_page(folio, i));
		folio_put(folio);
	}
	memfd_preserved(test, file);
	KUNIT_EXPECT_EQ(test, kernel_write(file, late, sizeof(late), &pos), sizeof(late));
	file = memfd_arrived(test);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	for (i = 0; i < 3; i++) {
		folio = filemap_get_folio(file->f_mapping, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
		KUNIT_EXPECT_EQ(test, page_to_pfn(folio_file_page(folio, i)), pfn[i]);
		KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio) && folio_test_uptodate(folio) &&
				  folio_test_swapbacked(folio) && !folio_test_locked(folio));
		folio_put(folio);
	}
	pos = PAGE_SIZE - 5;
	KUNIT_EXPECT_EQ(test, kernel_read(file, got, sizeof(got), &pos), sizeof(got));
	KUNIT_EXPECT_STREQ(test, got, late);
}

static unsigned int memfd_order(struct file *file, pgoff_t index)
{
	struct folio *folio = filemap_get_folio(file->f_mapping, index);
	unsigned int order;

	if (IS_ERR(folio))
		return UINT_MAX;
	order = folio_order(folio);
	folio_put(folio);

	return order;
}

/*
 * Single pages that lie like large folios come back as such, large folios as large ones;
 * and in a kernel without them as single pages again.
 */
static void memfd_large(struct kunit *test)
{
	const u64 arg = (44 * PAGE_SIZE - 3) | MEMFD_CONGRUENT;
	static const unsigned int orders[] = { 5, 3, 2 };
	static const pgoff_t at[] = { 0, 32, 40 };
	struct luokit *k = test->priv;
	struct file *file = memfd_make(test, arg);
	unsigned int round, i;

	KUNIT_EXPECT_EQ(test, memfd_order(file, 0), 0);
	for (round = 0; round < 3; round++) {
		memfd_preserved(test, file);
		KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), (1 + 44) * PAGE_SIZE);
		if (round == 2)
			luokit_next_world(k, &memfd_sdk_v2_world);
		file = memfd_arrived(test);
		memfd_expect_content(test, file, arg);
		for (i = 0; i < ARRAY_SIZE(at); i++)
			KUNIT_EXPECT_EQ(test, memfd_order(file, at[i]), round < 2 ? orders[i] : 0);
		KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 44);
		KUNIT_EXPECT_EQ(test, file_inode(file)->i_blocks, 44 * PAGE_SIZE / 512);
	}
	KUNIT_EXPECT_EQ(test, vfs_truncate(&file->f_path, 5), 0);
	KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 1);
}

/* Memory that lies like a folio larger than any file has comes back as single pages. */
static void memfd_larger_than_large(struct kunit *test)
{
	const u64 arg = (512 * PAGE_SIZE) | MEMFD_CONGRUENT;
	struct file *file = luokit_carry(test->priv, memfd_make(test, arg));

	memfd_expect_content(test, file, arg);
	KUNIT_EXPECT_EQ(test, memfd_order(file, 0), 0);
	KUNIT_EXPECT_EQ(test, memfd_order(file, 511), 0);
	KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 512);
}

/* From preserve to unpreserve the file keeps its pages; before and after it does as always. */
static void memfd_keeps_its_pages(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = memfd_make(test, 5 * PAGE_SIZE), *session;
	unsigned int round;

	for (round = 0; round < 2; round++) {
		session = memfd_preserved(test, file);
		KUNIT_EXPECT_EQ(test, vfs_truncate(&file->f_path, PAGE_SIZE), -EPERM);
		KUNIT_EXPECT_EQ(test, vfs_truncate(&file->f_path, 9 * PAGE_SIZE), -EPERM);
		KUNIT_EXPECT_EQ(test, memfd_subject_append(k, file, 1), -EPERM);
		KUNIT_EXPECT_EQ(test, memfd_subject_punch(k, file, 1), -EPERM);
		KUNIT_EXPECT_EQ(test, vfs_fallocate(file, 0, 0, 9 * PAGE_SIZE), -EPERM);
		KUNIT_EXPECT_EQ(test, memfd_subject_write(k, file, 1), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);

		KUNIT_EXPECT_EQ(test, memfd_subject_punch(k, file, 1), 0);
		KUNIT_EXPECT_EQ(test, memfd_subject_append(k, file, 1), 0);
		KUNIT_EXPECT_EQ(test, vfs_truncate(&file->f_path, 4 * PAGE_SIZE), 0);
	}
}

/* What cannot be pinned at the first sight is pinned at the second, and each once. */
static void memfd_pinned_once(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = memfd_make(test, 7 * PAGE_SIZE), *session;

	*memfd_world(k)->overflown = 3;
	session = memfd_preserved(test, file);
	KUNIT_EXPECT_EQ(test, *memfd_world(k)->overflown, 0);
	KUNIT_EXPECT_EQ(test, memfd_add_seals(file, F_SEAL_WRITE), -EBUSY);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
	/* Not as long as there is a pin. */
	KUNIT_EXPECT_EQ(test, memfd_add_seals(file, F_SEAL_WRITE), 0);
}

/* One inode, whoever opened it, and whoever preserved it. */
static void memfd_once(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = memfd_make(test, 100), *session = memfd_preserved(test, file);
	struct inode *inode = file_inode(file);

	KUNIT_EXPECT_EQ(test, memfd_refused(test, file), -EBUSY);
	KUNIT_EXPECT_EQ(test, memfd_refused(test, luokit_own(k, memfd_subject_twin(k, file))),
			-EBUSY);
	/* Also when new ones are to be written in the other format. */
	*memfd_world(k)->format = 1;
	KUNIT_EXPECT_EQ(test, memfd_refused(test, luokit_own(k, memfd_subject_twin(k, file))),
			-EBUSY);
	/* The first was the same struct file, which LUO itself knows. */
	KUNIT_EXPECT_EQ(test, memfd_stat(k, LUOSDK_STAT_REFUSED_BUSY), 2);
	*memfd_world(k)->format = 0;
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);

	/* The mark of the kernel's own handler, which stays its own. */
	inode_lock(inode);
	shmem_freeze(inode, true);
	inode_unlock(inode);
	KUNIT_EXPECT_EQ(test, memfd_refused(test, file), -EBUSY);
	KUNIT_EXPECT_TRUE(test, SHMEM_I(inode)->flags & SHMEM_F_MAPPING_FROZEN);
	inode_lock(inode);
	shmem_freeze(inode, false);
	inode_unlock(inode);
	KUNIT_EXPECT_EQ(test, memfd_refused(test, file), 0);
}

/* Holes that no memory is left for: an error, no search for somebody to kill. */
static void memfd_no_room(struct kunit *test)
{
	static const u64 sizes[] = { 1ULL << 33, 1ULL << 40, MEMFD_TOO_LARGE, MAX_LFS_FILESIZE };
	struct file *file = memfd_make(test, 100);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_ASSERT_EQ(test, vfs_truncate(&file->f_path, sizes[i]), 0);
		KUNIT_EXPECT_EQ(test, memfd_refused(test, file), -ENOMEM);
		KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 1);
	}
	KUNIT_EXPECT_EQ(test, vfs_truncate(&file->f_path, 100), 0);
	KUNIT_EXPECT_EQ(test, memfd_refused(test, file), 0);
}

/* The page cache is as good as that of any file: it is truncated, written and counted. */
static void memfd_works_after(struct kunit *test)
{
	struct luokit *k = test->priv;
	/* Scattered: a large folio cannot be split here, where nobody else has them. */
	struct file *file = luokit_carry(k, memfd_make(test, 200 * PAGE_SIZE | MEMFD_SCATTERED));

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 200);
	KUNIT_EXPECT_EQ(test, file_inode(file)->i_blocks, 200 * PAGE_SIZE / 512);
	KUNIT_EXPECT_EQ(test, vfs_truncate(&file->f_path, 7 * PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 7);
	KUNIT_EXPECT_EQ(test, memfd_subject_punch(k, file, 1), 0);
	KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 6);
	KUNIT_EXPECT_EQ(test, file_inode(file)->i_blocks, 6 * PAGE_SIZE / 512);
	KUNIT_EXPECT_EQ(test, memfd_subject_append(k, file, 1), 0);
	/* And preserved once more. */
	file = luokit_carry(k, file);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, i_size_read(file_inode(file)), 7 * PAGE_SIZE + 4);
}

/* ---- States that no kernel writes ------------------------------------------------------ */

struct memfd_nonsense {
	const char *name;
	void (*write)(struct memfd_luo_state *ser);
	int err;
};

static void nonsense_pos(struct memfd_luo_state *ser)
{
	ser->attrs.pos = 1ULL << 63;
}

static void nonsense_size(struct memfd_luo_state *ser)
{
	ser->attrs.size = 1ULL << 63;
}

static void nonsense_short(struct memfd_luo_state *ser)
{
	ser->attrs.size = 0;
}

static void nonsense_seals(struct memfd_luo_state *ser)
{
	ser->attrs.seals |= BIT(20);
}

static void nonsense_mode(struct memfd_luo_state *ser)
{
	ser->attrs.mode |= S_IFBLK;
}

static void nonsense_uid(struct memfd_luo_state *ser)
{
	ser->attrs.uid = (u32)-1;
}

static void nonsense_gid(struct memfd_luo_state *ser)
{
	ser->attrs.gid = (u32)-1;
}

static void nonsense_flags(struct memfd_luo_state *ser)
{
	ser->attrs.file_flags |= O_PATH;
}

static void nonsense_reserved(struct memfd_luo_state *ser)
{
	ser->attrs.reserved = 1;
}

static const struct memfd_nonsense memfd_nonsenses[] = {
	{ "position",		nonsense_pos,		-EINVAL },
	{ "size",		nonsense_size,		-EINVAL },
	{ "too short",		nonsense_short,		-EBADMSG },
	{ "seals",		nonsense_seals,		-EOPNOTSUPP },
	{ "mode",		nonsense_mode,		-EINVAL },
	{ "owner",		nonsense_uid,		-EINVAL },
	{ "group",		nonsense_gid,		-EINVAL },
	{ "flags",		nonsense_flags,		-EINVAL },
	{ "reserved",		nonsense_reserved,	-EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(memfd_nonsense, memfd_nonsenses, name);

struct memfd_handle {
	void (*write)(struct memfd_luo_state *ser);
	u64 handle;
};

static void memfd_write_nonsense(struct luokit *k, void *ctx)
{
	struct memfd_handle *h = ctx;
	struct luosdk_state_hdr *hdr = phys_to_virt(h->handle);

	h->write((struct memfd_luo_state *)(hdr + 1));
	luosdk_state_seal(hdr + 1);
}

/* What of the file of memfd_preserved() comes when @write was at its state. */
static struct file *memfd_with(struct kunit *test, struct file *session,
			       void (*write)(struct memfd_luo_state *ser))
{
	struct memfd_handle *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	h->write = write;
	KUNIT_ASSERT_EQ(test, luokit_data(test->priv, session, 1, &h->handle), 0);
	luokit_between(test->priv, NULL, memfd_write_nonsense, h);

	return memfd_arrived(test);
}

/* Refused, and the memory is given back, but where it is the memory that makes no sense. */
static void memfd_nonsense(struct kunit *test)
{
	const struct memfd_nonsense *n = test->param_value;
	size_t leaked = n->write == nonsense_short ? 3 * PAGE_SIZE : 0;
	struct file *session;

	if (!IS_ENABLED(CONFIG_MULTIUSER) && (n->write == nonsense_uid || n->write == nonsense_gid))
		kunit_skip(test, "every owner is right in a kernel for one user");
	session = memfd_preserved(test, memfd_make(test, 3 * PAGE_SIZE));
	KUNIT_EXPECT_PTR_EQ(test, memfd_with(test, session, n->write), ERR_PTR(n->err));
	KUNIT_EXPECT_EQ(test, memfd_stat(test->priv, LUOSDK_STAT_LEAKED), leaked);
	if (leaked)
		luokit_expect_leak(test->priv, leaked);
}

static void nonsense_order(struct memfd_luo_state *ser)
{
	ser->folios.run[0] = luosdk_run_pack(luosdk_run_pfn(ser->folios.run[0]), 4);
	ser->folios.pages = 4;
}

/* The state says that memory was preserved in a smaller piece than it was. */
static void memfd_wrong_order(struct kunit *test)
{
	struct file *session;

	session = memfd_preserved(test, memfd_make(test, 8 * PAGE_SIZE | MEMFD_CONGRUENT));
	KUNIT_EXPECT_PTR_EQ(test, memfd_with(test, session, nonsense_order), ERR_PTR(-EIO));
	KUNIT_EXPECT_EQ(test, memfd_stat(test->priv, LUOSDK_STAT_LEAKED), 0);
}

static void damage_list(struct memfd_luo_state *ser)
{
	struct luosdk_runs_page *page = phys_to_virt(ser->folios.next);

	page->run[3] ^= 1;
}

/* Eight pages are named by the state itself. The rest is lost, and counted. */
static void memfd_damaged_list(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *session;

	session = memfd_preserved(test, memfd_make(test, 20 * PAGE_SIZE | MEMFD_SCATTERED));
	KUNIT_EXPECT_PTR_EQ(test, memfd_with(test, session, damage_list), ERR_PTR(-EBADMSG));
	KUNIT_EXPECT_EQ(test, memfd_stat(k, LUOSDK_STAT_LEAKED), (20 - 8 + 1) * PAGE_SIZE);
	luokit_expect_leak(k, (20 - 8 + 1) * PAGE_SIZE);
}

/* ---- The kernel's own format ----------------------------------------------------------- */

struct memfd_way {
	const char *name;
	const struct luokit_world *from, *to;
};

static const struct memfd_way memfd_ways[] = {
	{ "kernel's to ours", &memfd_kernel_world, &memfd_sdk_world },
	{ "ours to kernel's", &memfd_sdk_v2_world, &memfd_kernel_world },
	{ "ours to ours", &memfd_sdk_v2_world, &memfd_sdk_v2_world },
};

KUNIT_ARRAY_PARAM_DESC(memfd_way, memfd_ways, name);

/* All that both handlers and the format agree on comes across, in each direction. */
static void memfd_v2_crosses(struct kunit *test)
{
	static const u64 args[] = {
		0, 1, PAGE_SIZE, 5 * PAGE_SIZE - 7, (9 * PAGE_SIZE + 100) | MEMFD_HOLES,
		(3 * PAGE_SIZE) | MEMFD_EMPTY_PAGES, 100 | MEMFD_FAR, 100 | MEMFD_PLAIN,
		5000 | MEMFD_SEALS(F_SEAL_SHRINK | F_SEAL_WRITE),
		(300 * PAGE_SIZE) | MEMFD_SCATTERED,
	};
	const struct memfd_way *way = test->param_value;
	struct luokit *k;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(args); i++) {
		struct file *file;

		k = luokit_boot(test, way->from);
		test->priv = k;
		memfd_preserved(test, memfd_make(test, args[i]));
		luokit_next_world(k, way->to);
		file = memfd_arrived(test);
		memfd_expect_content(test, file, args[i]);
		luokit_end(k);
	}
}

/* Nobody retrieves it. */
static void memfd_v2_discarded(struct kunit *test)
{
	const struct memfd_way *way = test->param_value;
	struct luokit *k = luokit_boot(test, way->from);
	struct file *session;
	unsigned int i;

	test->priv = k;
	session = luokit_create(k, "s");
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, i,
						      memfd_make(test, i * 3 * PAGE_SIZE)), 0);
	luokit_next_world(k, way->to);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	session = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_finish(k, session), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
}

/* What the other kernel would change without a word is refused, also when it comes late. */
static void memfd_v2_refuses(struct kunit *test)
{
	struct luokit *k = luokit_boot(test, &memfd_sdk_v2_world);
	struct file *file, *session;

	test->priv = k;
	KUNIT_EXPECT_EQ(test, memfd_refused(test, memfd_make(test, 100 | MEMFD_NOEXEC)),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, memfd_refused(test, memfd_make(test, 100 | MEMFD_READ_ONLY)),
			-EOPNOTSUPP);
	file = memfd_make(test, 100);
	file->f_flags |= O_APPEND;
	KUNIT_EXPECT_EQ(test, memfd_refused(test, file), -EOPNOTSUPP);
	file->f_flags &= ~O_APPEND;
	session = memfd_preserved(test, file);
	file_inode(file)->i_mode = S_IFREG | 0600;
	KUNIT_EXPECT_EQ(test, luokit_freeze(k), -EOPNOTSUPP);
	file_inode(file)->i_mode = S_IFREG | 0777;
	KUNIT_EXPECT_EQ(test, luokit_freeze(k), 0);
	luokit_thaw(k);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
}

/* Newer versions of mm/memfd_luo.c tell that a file is not executable. */
static struct memfd_luo_ser *v2_ser(void *ctx)
{
	return phys_to_virt(((struct memfd_handle *)ctx)->handle);
}

static void v2_noexec(struct luokit *k, void *ctx)
{
	struct memfd_luo_ser *ser = v2_ser(ctx);

	ser->flags = BIT(0);
	ser->seals = F_SEAL_EXEC;
}

static void v2_flags(struct luokit *k, void *ctx)
{
	v2_ser(ctx)->flags = BIT(7);
}

static struct memfd_luo_folio_ser *v2_folios(struct memfd_luo_ser *ser)
{
	struct kho_vmalloc_chunk *chunk = KHOSER_LOAD_PTR(ser->folios.first);

	return phys_to_virt(chunk->phys[0]);
}

static void v2_order(struct luokit *k, void *ctx)
{
	v2_folios(v2_ser(ctx))[1].index = 0;
}

static void v2_beyond(struct luokit *k, void *ctx)
{
	v2_folios(v2_ser(ctx))[2].index = 1000;
}

static void v2_count(struct luokit *k, void *ctx)
{
	struct memfd_luo_ser *ser = v2_ser(ctx);

	ser->size = 1000 * PAGE_SIZE;
	ser->nr_folios = 1000;
}

static void v2_size(struct luokit *k, void *ctx)
{
	v2_ser(ctx)->size = 1ULL << 63;
}

static void v2_many(struct luokit *k, void *ctx)
{
	v2_ser(ctx)->nr_folios = 4;
}

static void v2_nowhere(struct luokit *k, void *ctx)
{
	v2_folios(v2_ser(ctx))[1].pfn = 0;
}

static void v2_askew(struct luokit *k, void *ctx)
{
	v2_folios(v2_ser(ctx))[0].index = 1;
}

static void v2_no_folios(struct luokit *k, void *ctx)
{
	v2_ser(ctx)->nr_folios = 0;
}

/* In the next reboot @write is at the state of the file in @session. */
static void memfd_v2_write_to(struct kunit *test, struct file *session,
			      void (*write)(struct luokit *k, void *ctx))
{
	struct memfd_handle *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	KUNIT_ASSERT_EQ(test, luokit_data(test->priv, session, 1, &h->handle), 0);
	luokit_between(test->priv, NULL, write, h);
}

static struct file *memfd_v2_with(struct kunit *test,
				  void (*write)(struct luokit *k, void *ctx))
{
	test->priv = luokit_boot(test, &memfd_sdk_v2_world);
	memfd_v2_write_to(test, memfd_preserved(test, memfd_make(test, 3 * PAGE_SIZE)), write);

	return memfd_arrived(test);
}

/* The same, and nobody wants it. */
static void memfd_v2_unwanted_with(struct kunit *test,
				   void (*write)(struct luokit *k, void *ctx))
{
	struct luokit *k = luokit_boot(test, &memfd_sdk_v2_world);
	struct file *session;

	test->priv = k;
	memfd_v2_write_to(test, memfd_preserved(test, memfd_make(test, 3 * PAGE_SIZE)), write);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	session = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_finish(k, session), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
}

static void memfd_v2_noexec(struct kunit *test)
{
	struct file *file = memfd_v2_with(test, v2_noexec);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, file_inode(file)->i_mode, S_IFREG | 0666);
	KUNIT_EXPECT_EQ(test, memfd_get_seals(file), F_SEAL_EXEC);
}

/* A session that writes memfd-v2, with a large folio that this kernel has in a file. */
static struct file *memfd_v2_large(struct kunit *test)
{
	struct luokit *k = luokit_boot(test, &memfd_sdk_world);
	struct file *file;

	test->priv = k;
	file = luokit_carry(k, memfd_make(test, 16 * PAGE_SIZE | MEMFD_CONGRUENT));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, memfd_order(file, 0), 4);
	*memfd_world(k)->format = 1;

	return memfd_preserved(test, file);
}

/*
 * A large folio for a kernel that cannot have it in a file: an error, where the kernel's own
 * handler would lose all but its first page. The other format knows a way, see memfd_large.
 */
static void memfd_v2_too_large(struct kunit *test)
{
	memfd_v2_large(test);
	luokit_next_world(test->priv, &memfd_sdk_v2_world);
	KUNIT_EXPECT_PTR_EQ(test, memfd_arrived(test), ERR_PTR(-EOPNOTSUPP));
}

/* A large folio where none can be: at an index that is no multiple of its size. */
static void memfd_v2_askew(struct kunit *test)
{
	memfd_v2_write_to(test, memfd_v2_large(test), v2_askew);
	KUNIT_EXPECT_PTR_EQ(test, memfd_arrived(test), ERR_PTR(-EINVAL));
}

/* LUO asked can_preserve() some time ago: preserve looks for itself. */
static void memfd_v2_preserve_looks_again(struct kunit *test)
{
	struct luokit *k = luokit_boot(test, &memfd_sdk_v2_world);
	struct liveupdate_file_op_args args = { };
	struct liveupdate_file_handler *h;
	struct file *session;

	test->priv = k;
	h = memfd_world(k)->v2;
	args.handler = h;
	args.file = memfd_make(test, 100);
	set_nlink(file_inode(args.file), 1);
	KUNIT_EXPECT_EQ(test, h->ops->preserve(&args), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_stats_read_failed(&memfd_world(k)->handler->stats, -EINVAL),
			1);
	KUNIT_EXPECT_EQ(test, memfd_stat(k, LUOSDK_STAT_PRESERVED), 0);

	/* Somebody else was faster. */
	clear_nlink(file_inode(args.file));
	session = memfd_preserved(test, args.file);
	args.file = luokit_own(k, memfd_subject_twin(k, args.file));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, args.file);
	KUNIT_EXPECT_EQ(test, h->ops->preserve(&args), -EBUSY);
	KUNIT_EXPECT_EQ(test, memfd_stat(k, LUOSDK_STAT_REFUSED_BUSY), 1);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);
}

/* Handles that lead nowhere: refused, and nothing is read. */
static void memfd_v2_wrong_handles(struct kunit *test)
{
	static const u64 handles[] = { 0, 8, PAGE_SIZE + 1, BIT_ULL(50) };
	struct luokit *k = luokit_boot(test, &memfd_sdk_v2_world);
	struct liveupdate_file_handler *h;
	unsigned int i;

	test->priv = k;
	h = memfd_world(k)->v2;
	for (i = 0; i < ARRAY_SIZE(handles); i++) {
		struct liveupdate_file_op_args args = {
			.handler = h,
			.serialized_data = handles[i],
		};

		KUNIT_EXPECT_EQ_MSG(test, h->ops->retrieve(&args), -EBADMSG, "%#llx", handles[i]);
		h->ops->finish(&args);
	}
	KUNIT_EXPECT_EQ(test, luosdk_stats_read_failed(&memfd_world(k)->handler->stats, -EBADMSG),
			ARRAY_SIZE(handles));
	KUNIT_EXPECT_EQ(test, memfd_stat(k, LUOSDK_STAT_DISCARDED), 0);
}

/* Without a checksum, what can be compared is compared. */
static void memfd_v2_damaged(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, memfd_v2_with(test, v2_order), ERR_PTR(-EBADMSG));
	luokit_end(test->priv);
	KUNIT_EXPECT_PTR_EQ(test, memfd_v2_with(test, v2_beyond), ERR_PTR(-EBADMSG));
	luokit_end(test->priv);

	/* The state itself is in doubt: what it names is left alone, and that is said. */
	KUNIT_EXPECT_PTR_EQ(test, memfd_v2_with(test, v2_flags), ERR_PTR(-EBADMSG));
	luokit_expect_leak(test->priv, 6 * PAGE_SIZE);
	luokit_end(test->priv);
	KUNIT_EXPECT_PTR_EQ(test, memfd_v2_with(test, v2_no_folios), ERR_PTR(-EBADMSG));
	luokit_expect_leak(test->priv, 6 * PAGE_SIZE);
	luokit_end(test->priv);
	KUNIT_EXPECT_PTR_EQ(test, memfd_v2_with(test, v2_size), ERR_PTR(-EBADMSG));
	luokit_expect_leak(test->priv, 6 * PAGE_SIZE);
	luokit_end(test->priv);
	KUNIT_EXPECT_PTR_EQ(test, memfd_v2_with(test, v2_many), ERR_PTR(-EBADMSG));
	luokit_expect_leak(test->priv, 6 * PAGE_SIZE);
	luokit_end(test->priv);
	memfd_v2_unwanted_with(test, v2_many);
	luokit_expect_leak(test->priv, 6 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, memfd_stat(test->priv, LUOSDK_STAT_DISCARDED), 0);
	luokit_end(test->priv);
	/* One page is not named any more. */
	KUNIT_EXPECT_PTR_EQ(test, memfd_v2_with(test, v2_nowhere), ERR_PTR(-EIO));
	luokit_expect_leak(test->priv, PAGE_SIZE);
	luokit_end(test->priv);
	/* The list is as long as it says, so it is freed. What it would name is not known. */
	KUNIT_EXPECT_PTR_EQ(test, memfd_v2_with(test, v2_count), ERR_PTR(-EBADMSG));
	luokit_expect_leak(test->priv, 3 * PAGE_SIZE);
}

static struct kunit_case memfd_cases[] = {
	KUNIT_CASE(memfd_layout),
	KUNIT_CASE(memfd_attributes),
	KUNIT_CASE(memfd_late_attributes),
	KUNIT_CASE(memfd_seals),
	KUNIT_CASE(memfd_unknown_seal),
	KUNIT_CASE(memfd_access_mode),
	KUNIT_CASE(memfd_linked),
	KUNIT_CASE(memfd_hugetlb),
	KUNIT_CASE(memfd_registered),
	KUNIT_CASE(memfd_format_parameter),
	KUNIT_CASE(memfd_bytes),
	KUNIT_CASE(memfd_in_place),
	KUNIT_CASE(memfd_large),
	KUNIT_CASE(memfd_larger_than_large),
	KUNIT_CASE(memfd_keeps_its_pages),
	KUNIT_CASE(memfd_pinned_once),
	KUNIT_CASE(memfd_once),
	KUNIT_CASE(memfd_no_room),
	KUNIT_CASE(memfd_works_after),
	KUNIT_CASE_PARAM(memfd_nonsense, memfd_nonsense_gen_params),
	KUNIT_CASE(memfd_wrong_order),
	KUNIT_CASE(memfd_damaged_list),
	{}
};

static struct kunit_suite memfd_suite = {
	.name = "memfd_luo",
	.init = memfd_init,
	.test_cases = memfd_cases,
};

/* ---- The conformance kit --------------------------------------------------------------- */

/* And what only this handler carries over. */
static const char *memfd_differ(struct luokit *k, struct file *want, struct file *got)
{
	struct inode *a = file_inode(want), *b = file_inode(got);

	if (a->i_mode != b->i_mode)
		return "the mode";
	if (!uid_eq(a->i_uid, b->i_uid) || !gid_eq(a->i_gid, b->i_gid))
		return "the owner";
	if ((want->f_flags ^ got->f_flags) & (O_APPEND | O_NONBLOCK | O_NOATIME))
		return "the flags";

	return memfd_subject_differ(k, want, got);
}

static int memfd_chown(struct luokit *k, struct file *file, u64 n)
{
	file_inode(file)->i_uid = KUIDT_INIT(n);
	file_inode(file)->i_gid = KGIDT_INIT(2 * n);

	return 0;
}

static int memfd_set_flags(struct luokit *k, struct file *file, u64 n)
{
	spin_lock(&file->f_lock);
	file->f_flags ^= n & 1 ? O_NONBLOCK : O_NOATIME;
	spin_unlock(&file->f_lock);

	return 0;
}

static const struct luokit_subject memfd_subject = {
	.world = &memfd_sdk_world,
	.states = {
		MEMFD_SUBJECT_STATES
		{ "scattered", (12 * PAGE_SIZE + 5) | MEMFD_SCATTERED },
		{ "as if large", (22 * PAGE_SIZE) | MEMFD_CONGRUENT },
		{ "two pages of runs", (530 * PAGE_SIZE + 5) | MEMFD_SCATTERED, .large = true },
	},
	.changes = {
		{ "write", memfd_subject_write },
		{ "lseek", memfd_subject_seek, .until_freeze = true },
		{ "add a seal", memfd_subject_seal, .until_freeze = true },
		{ "truncate", memfd_subject_truncate },
		{ "append", memfd_subject_append },
		{ "punch a hole", memfd_subject_punch },
		{ "chmod", memfd_subject_chmod, .until_freeze = true },
		{ "chown", memfd_chown, .until_freeze = true },
		{ "F_SETFL", memfd_set_flags, .until_freeze = true },
	},
	.make = memfd_subject_make,
	.differ = memfd_differ,
	.twin = memfd_subject_twin,
	.refs = memfd_subject_refs,
	.spoil = memfd_subject_spoil,
};

/* The kernel's format: nothing in it can tell damage from data. That is all. */
static void memfd_v2_is_judged(struct kunit *test)
{
	struct luokit_subject *subject = kunit_kmalloc(test, sizeof(*subject), GFP_KERNEL);
	struct luokit_verdict *verdict = kunit_kzalloc(test, sizeof(*verdict), GFP_KERNEL);
	struct luokit_change *change;
	unsigned int id, i;

	if (IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kunit_skip(test, "a handler with findings leaves memory that the checkers report");
	KUNIT_ASSERT_NOT_NULL(test, subject);
	KUNIT_ASSERT_NOT_NULL(test, verdict);
	*subject = memfd_subject;
	subject->world = &memfd_sdk_v2_world;
	subject->differ = memfd_subject_differ;
	for (i = 0; subject->states[i].name; i++)
		if (subject->states[i].arg & MEMFD_NOEXEC)
			subject->states[i].refused = true;
	/* What this format refuses: the update is aborted. */
	for (change = subject->changes; change->apply != memfd_subject_chmod; change++)
		;
	change->name = NULL;
	luokit_judge(test, subject, verdict);
	for (id = 0; id < LUOKIT_NR_CASES; id++)
		if (verdict->found[id] && id != LUOKIT_CASE_c20_damaged_state)
			KUNIT_FAIL(test, "%s: %s", luokit_case_name(id), verdict->text[id]);
	KUNIT_EXPECT_GT(test, verdict->found[LUOKIT_CASE_c20_damaged_state], 0);
}

static struct kunit_case memfd_v2_cases[] = {
	KUNIT_CASE_PARAM(memfd_v2_crosses, memfd_way_gen_params),
	KUNIT_CASE_PARAM(memfd_v2_discarded, memfd_way_gen_params),
	KUNIT_CASE(memfd_v2_refuses),
	KUNIT_CASE(memfd_v2_noexec),
	KUNIT_CASE(memfd_v2_too_large),
	KUNIT_CASE(memfd_v2_askew),
	KUNIT_CASE(memfd_v2_preserve_looks_again),
	KUNIT_CASE(memfd_v2_wrong_handles),
	KUNIT_CASE(memfd_v2_damaged),
	KUNIT_CASE_SLOW(memfd_v2_is_judged),
	{}
};

static struct kunit_suite memfd_v2_suite = {
	.name = "memfd_luo_v2",
	.test_cases = memfd_v2_cases,
};

kunit_test_suites(&memfd_suite, &memfd_v2_suite);
LUOKIT_CONFORMANCE(memfd_luo, memfd_subject);

MODULE_DESCRIPTION("KUnit tests of the memfd live update handler");
MODULE_LICENSE("GPL");
