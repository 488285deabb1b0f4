// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own handler, mm/memfd_luo.c, under the conformance kit.
 *
 * It is judged twice: as it is in the tree under test, and with the patches of
 * patches/upstream. What the kit finds is known, page by page, in docs/findings; these tests
 * fail when it finds anything else, and also when it finds less. Below the subject
 * stands a test for each finding by itself, which says what happens without the patch
 * and what with it.
 */
#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/memfd.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/slab.h>
#include <uapi/linux/fcntl.h>
#include <uapi/linux/memfd.h>
#include <asm/sections.h>

#include <luokit_subject.h>

#include "../../handlers/memfd/memfd_luo_kunit.h"
#include "../../handlers/memfd/memfd_subject.h"

extern const struct luokit_world memfd_luo_fixed_world;

/* ---- The subject ------------------------------------------------------------------------ */

/* All that a memfd can be. */
static const struct luokit_subject memfd_subject = {
	.world = &memfd_kernel_world,
	.states = { MEMFD_SUBJECT_STATES },
	.changes = {
		{ "write", memfd_subject_write },
		{ "lseek", memfd_subject_seek },
		{ "add a seal", memfd_subject_seal },
		{ "truncate", memfd_subject_truncate },
		{ "append", memfd_subject_append },
		{ "punch a hole", memfd_subject_punch },
		{ "chmod", memfd_subject_chmod },
	},
	.make = memfd_subject_make,
	.differ = memfd_subject_differ,
	.twin = memfd_subject_twin,
	.refs = memfd_subject_refs,
	.spoil = memfd_subject_spoil,
	.relies_on_core = true,
};

/* ---- The whole suite -------------------------------------------------------------------- */

/*
 * The same, patched. What the patches do not change is left out here and has a test below: what
 * is neither content nor size is final when the file is frozen (05-late-position.rst).
 */
static const struct luokit_subject *memfd_fixed_subject(struct kunit *test)
{
	struct luokit_subject *subject = kunit_kmalloc(test, sizeof(*subject), GFP_KERNEL);
	struct luokit_change *change;

	KUNIT_ASSERT_NOT_NULL(test, subject);
	*subject = memfd_subject;
	subject->world = &memfd_luo_fixed_world;
	for (change = subject->changes; change->name; change++)
		change->until_freeze = change->apply == memfd_subject_seek ||
				       change->apply == memfd_subject_seal ||
				       change->apply == memfd_subject_chmod;

	return subject;
}

/*
 * What a race finds depends on who wins: of a handler that loses late changes race_of_changes may
 * see that, and of one that does not it must find nothing.
 */
static bool is_luck(const struct luokit_subject *subject, enum luokit_case_id id)
{
	return subject == &memfd_subject && id == LUOKIT_CASE_race_of_changes;
}

static void judge(struct kunit *test, const struct luokit_subject *subject,
		  const enum luokit_case_id *known, unsigned int nr_known)
{
	struct luokit_verdict *verdict = kunit_kzalloc(test, sizeof(*verdict), GFP_KERNEL);
	unsigned int i, id;

	/* A case that finds something ends where it stands, and leaves all it held. */
	if (IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kunit_skip(test, "a handler with findings leaves memory that the checkers report");
	KUNIT_ASSERT_NOT_NULL(test, verdict);
	luokit_judge(test, subject, verdict);
	for (id = 0; id < LUOKIT_NR_CASES; id++) {
		bool expected = false;

		if (is_luck(subject, id))
			continue;
		for (i = 0; i < nr_known; i++)
			expected |= known[i] == id;
		if (verdict->found[id] && !expected)
			KUNIT_FAIL(test, "%s finds what no page of docs/findings tells: %s",
				   luokit_case_name(id), verdict->text[id]);
		if (!verdict->found[id] && expected)
			KUNIT_FAIL(test, "%s no longer finds what it should; see docs/findings",
				   luokit_case_name(id));
	}
}

/* Each says in its report which page it belongs to; docs/findings/index.rst has the list. */
static void intree_memfd_is_judged(struct kunit *test)
{
	static const enum luokit_case_id known[] = {
		/* 03: the folios are lost when retrieve fails early */
		LUOKIT_CASE_c02_failed_retrieve_leaks_nothing,
		/* 02: MFD_NOEXEC_SEAL, in each case that compares all states */
		LUOKIT_CASE_c07_every_size,
		LUOKIT_CASE_several_files_and_sessions,
		LUOKIT_CASE_two_updates,
		/* 04: what is open for reading only is not refused */
		LUOKIT_CASE_c11_locks_and_context,
		LUOKIT_CASE_c15_queries_keep_no_reference,
		/* 01 and 05: late seals, late positions */
		LUOKIT_CASE_c08_late_changes_arrive,
		LUOKIT_CASE_c23_freeze_is_undone,
		/* 15: nothing of the state is checked */
		LUOKIT_CASE_c20_damaged_state,
	};

	judge(test, &memfd_subject, known, ARRAY_SIZE(known));
}

static void intree_memfd_fixed_is_judged(struct kunit *test)
{
	static const enum luokit_case_id known[] = {
		/* 15: what can be compared is checked; there is no checksum */
		LUOKIT_CASE_c20_damaged_state,
	};

	judge(test, memfd_fixed_subject(test), known, ARRAY_SIZE(known));
}

/* ---- One by one ------------------------------------------------------------------------- */

struct memfd_param {
	const char *name;
	const struct luokit_world *world;
	bool fixed;
};

static const struct memfd_param memfd_params[] = {
	{ "as it is", &memfd_kernel_world, false },
	{ "patched", &memfd_luo_fixed_world, true },
};

KUNIT_ARRAY_PARAM_DESC(memfd, memfd_params, name);

static bool is_fixed(struct kunit *test)
{
	return ((const struct memfd_param *)test->param_value)->fixed;
}

static int memfd_init(struct kunit *test)
{
	const struct memfd_param *param = test->param_value;

	/* The suites that judge boot their own. */
	if (param)
		test->priv = luokit_boot(test, param->world);

	return 0;
}

static struct file *memfd_make(struct kunit *test, u64 arg)
{
	struct file *file = luokit_own(test->priv, memfd_subject_make(test->priv, arg));

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);

	return file;
}

/* A session with @file in it. */
static struct file *memfd_preserved(struct kunit *test, struct file *file)
{
	struct file *session = luokit_create(test->priv, "vm");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, session);
	KUNIT_ASSERT_EQ(test, luokit_preserve(test->priv, session, 1, file), 0);

	return session;
}

static struct file *memfd_session(struct kunit *test)
{
	struct file *session;

	KUNIT_ASSERT_EQ(test, luokit_reboot(test->priv), 0);
	session = luokit_retrieve_session(test->priv, "vm");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, session);

	return session;
}

static struct file *memfd_carried(struct kunit *test)
{
	struct file *file = luokit_retrieve(test->priv, memfd_session(test), 1);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);

	return file;
}

static void intree_memfd_late_seals(struct kunit *test)
{
	struct file *file = memfd_make(test, 100);

	memfd_preserved(test, file);
	KUNIT_ASSERT_EQ(test, memfd_add_seals(file, F_SEAL_SHRINK | F_SEAL_SEAL), 0);
	file = memfd_carried(test);
	KUNIT_EXPECT_EQ(test, memfd_get_seals(file),
			is_fixed(test) ? F_SEAL_SHRINK | F_SEAL_SEAL : 0);
}

static void intree_memfd_noexec(struct kunit *test)
{
	struct file *file = memfd_make(test, 100 | MEMFD_NOEXEC);

	KUNIT_ASSERT_EQ(test, memfd_get_seals(file), F_SEAL_EXEC);
	memfd_preserved(test, file);
	file = memfd_carried(test);
	if (is_fixed(test)) {
		KUNIT_EXPECT_EQ(test, memfd_get_seals(file), F_SEAL_EXEC);
		KUNIT_EXPECT_EQ(test, file_inode(file)->i_mode & 0777, 0666);
	} else {
		KUNIT_EXPECT_EQ(test, memfd_get_seals(file),
				F_SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
				F_SEAL_FUTURE_WRITE);
		KUNIT_EXPECT_EQ(test, file_inode(file)->i_mode & 0777, 0777);
	}
}

/* Not executable, and all other seals beside: the seals alone do not tell it apart. */
static void intree_memfd_noexec_sealed(struct kunit *test)
{
	struct file *file = memfd_make(test, 100 | MEMFD_NOEXEC |
				       MEMFD_SEALS(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
						   F_SEAL_FUTURE_WRITE));
	int seals = memfd_get_seals(file);

	memfd_preserved(test, file);
	file = memfd_carried(test);
	KUNIT_EXPECT_EQ(test, memfd_get_seals(file), seals);
	KUNIT_EXPECT_EQ(test, file_inode(file)->i_mode & 0777, is_fixed(test) ? 0666 : 0777);
}

/* What is damaged, and where. */
struct memfd_damage {
	void (*damage)(struct memfd_luo_ser *ser, struct memfd_luo_folio_ser *folios);
	u64 handle;
};

static void damage_first(struct luokit *k, void *ctx)
{
	struct memfd_damage *d = ctx;
	struct memfd_luo_ser *ser = phys_to_virt(d->handle);
	struct kho_vmalloc_chunk *chunk = KHOSER_LOAD_PTR(ser->folios.first);

	d->damage(ser, phys_to_virt(chunk->phys[0]));
}

static void damage_seals(struct memfd_luo_ser *ser, struct memfd_luo_folio_ser *folios)
{
	ser->seals |= BIT(20);
}

static void damage_flags(struct memfd_luo_ser *ser, struct memfd_luo_folio_ser *folios)
{
	ser->flags |= BIT(7);
}

static void damage_index(struct memfd_luo_ser *ser, struct memfd_luo_folio_ser *folios)
{
	folios[1].index = 1000;
}

static void damage_count(struct memfd_luo_ser *ser, struct memfd_luo_folio_ser *folios)
{
	ser->nr_folios = 1000;
}

static void damage_size(struct memfd_luo_ser *ser, struct memfd_luo_folio_ser *folios)
{
	ser->size = U64_MAX;
}

/* Returns what came of a file of three pages. */
static struct file *memfd_damaged(struct kunit *test,
				  void (*damage)(struct memfd_luo_ser *ser,
						 struct memfd_luo_folio_ser *folios))
{
	struct memfd_damage d = { damage };
	struct luokit *k = test->priv;
	struct file *session;

	session = memfd_preserved(test, memfd_make(test, 3 * PAGE_SIZE));
	KUNIT_ASSERT_EQ(test, luokit_data(k, session, 1, &d.handle), 0);
	luokit_between(k, NULL, damage_first, &d);

	return luokit_retrieve(k, memfd_session(test), 1);
}

/* What is left unclaimed when the @nth allocation of a retrieve fails; a file of ten pages. */
static size_t memfd_left(struct kunit *test, unsigned int nth, int *err)
{
	struct luokit *k = test->priv;
	struct file *session, *file;

	memfd_preserved(test, memfd_make(test, 10 * PAGE_SIZE));
	session = memfd_session(test);
	luokit_fail_alloc_nth(k, nth);
	file = luokit_retrieve(k, session, 1);
	*err = PTR_ERR_OR_ZERO(file);
	/* Or was it one that retrieve can do without? */
	if (luokit_fail_end(k) && !*err)
		*err = 1;
	KUNIT_EXPECT_EQ(test, luokit_finish(k, session), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, session), 0);

	return luokit_incoming_bytes(k);
}

static void intree_memfd_failed_retrieve(struct kunit *test)
{
	unsigned int nth, made = 0;
	size_t none, left;
	int err;

	if (!luokit_can_fail_alloc())
		kunit_skip(test, "needs CONFIG_FAILSLAB");
	/* The core keeps a page. */
	none = memfd_left(test, UINT_MAX, &err);
	KUNIT_ASSERT_EQ(test, err, 0);
	if (!is_fixed(test)) {
		/* The first is for the new file. Its pages are lost, their list, and its map. */
		KUNIT_EXPECT_EQ(test, memfd_left(test, 1, &err), none + 12 * PAGE_SIZE);
		KUNIT_EXPECT_LT(test, err, 0);
		luokit_expect_leak(test->priv, 12 * PAGE_SIZE);
		return;
	}
	for (nth = 1;; nth++) {
		left = memfd_left(test, nth, &err);
		if (!err)
			break;
		/* Nothing helps where the list itself cannot be restored. */
		if (err == -EINVAL || err == 1)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, left, none, "allocation %u", nth);
		made++;
	}
	/* The file and its inode at least; a node of its page cache is asked for again. */
	KUNIT_EXPECT_GE(test, made, 2);
}

/* The new kernel is an older one, which does not know a seal. */
static void intree_memfd_unknown_seal(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, memfd_damaged(test, damage_seals), ERR_PTR(-EOPNOTSUPP));
	if (!is_fixed(test))
		luokit_expect_leak(test->priv, 5 * PAGE_SIZE);
}

static void intree_memfd_read_only(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = memfd_make(test, 100 | MEMFD_READ_ONLY), *session;

	session = luokit_create(k, "vm");
	if (is_fixed(test)) {
		KUNIT_EXPECT_EQ(test, luokit_preserve(k, session, 1, file), -EOPNOTSUPP);
		return;
	}
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, 1, file), 0);
	file = memfd_carried(test);
	KUNIT_EXPECT_TRUE(test, file->f_mode & FMODE_WRITE);
}

static void move_last(struct luokit *k, void *ctx)
{
	struct file *file = ctx;

	vfs_llseek(file, 77, SEEK_SET);
}

/* With or without the patches: what is done after the freeze is lost. */
static void intree_memfd_late_position(struct kunit *test)
{
	struct file *file = memfd_make(test, 300);

	memfd_preserved(test, file);
	vfs_llseek(file, 55, SEEK_SET);
	luokit_between(test->priv, move_last, NULL, file);
	file = memfd_carried(test);
	KUNIT_EXPECT_EQ(test, file->f_pos, 55);
}

static void intree_memfd_one_tib(struct kunit *test)
{
	struct kunit_suppressed_warning *warning;
	struct luokit *k = test->priv;
	struct file *file = memfd_make(test, 1ULL << 40), *session = luokit_create(k, "vm");

	/* It warns once in a kernel's life, which others may have used up. */
	memset(__start_once, 0, __end_once - __start_once);
	warning = kunit_start_suppress_warning(test);
	/* This machine has no memory for the array of folios either. */
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, session, 1, file), -ENOMEM);
	KUNIT_EXPECT_EQ(test, kunit_suppressed_warning_count(warning), !is_fixed(test));
	kunit_end_suppress_warning(test, warning);
}

static void intree_memfd_name(struct kunit *test)
{
	struct file *file;

	memfd_preserved(test, memfd_make(test, 100));
	file = memfd_carried(test);
	KUNIT_EXPECT_STREQ(test, file->f_path.dentry->d_name.name, is_fixed(test) ? "memfd:" : "");
}

static void intree_memfd_damaged_flags(struct kunit *test)
{
	struct file *file = memfd_damaged(test, damage_flags);

	if (!is_fixed(test)) {
		KUNIT_EXPECT_NOT_ERR_OR_NULL(test, file);
		return;
	}
	KUNIT_EXPECT_PTR_EQ(test, file, ERR_PTR(-EINVAL));
	/* What a damaged state names is not freed: three folios, their list, its map. */
	luokit_expect_leak(test->priv, 5 * PAGE_SIZE);
}

static void intree_memfd_damaged_index(struct kunit *test)
{
	struct file *file = memfd_damaged(test, damage_index);

	if (is_fixed(test))
		KUNIT_EXPECT_PTR_EQ(test, file, ERR_PTR(-EINVAL));
	else
		KUNIT_EXPECT_NOT_ERR_OR_NULL(test, file);
}

/* Without the patch these read beyond the end of the list: the judge's machine does it. */
static void intree_memfd_damaged_count(struct kunit *test)
{
	if (!is_fixed(test))
		kunit_skip(test, "would read beyond the end of the list");
	KUNIT_EXPECT_PTR_EQ(test, memfd_damaged(test, damage_count), ERR_PTR(-EINVAL));
	luokit_expect_leak(test->priv, 5 * PAGE_SIZE);
}

static void intree_memfd_damaged_size(struct kunit *test)
{
	struct file *file = memfd_damaged(test, damage_size);

	if (is_fixed(test)) {
		KUNIT_EXPECT_PTR_EQ(test, file, ERR_PTR(-EINVAL));
		luokit_expect_leak(test->priv, 5 * PAGE_SIZE);
		return;
	}
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_LT(test, i_size_read(file_inode(file)), 0);
}

#define MEMFD_CASE(_name) KUNIT_CASE_PARAM(_name, memfd_gen_params)

static struct kunit_case intree_memfd_cases[] = {
	MEMFD_CASE(intree_memfd_late_seals),
	MEMFD_CASE(intree_memfd_noexec),
	MEMFD_CASE(intree_memfd_noexec_sealed),
	MEMFD_CASE(intree_memfd_failed_retrieve),
	MEMFD_CASE(intree_memfd_unknown_seal),
	MEMFD_CASE(intree_memfd_read_only),
	MEMFD_CASE(intree_memfd_late_position),
	MEMFD_CASE(intree_memfd_one_tib),
	MEMFD_CASE(intree_memfd_name),
	MEMFD_CASE(intree_memfd_damaged_flags),
	MEMFD_CASE(intree_memfd_damaged_index),
	MEMFD_CASE(intree_memfd_damaged_count),
	MEMFD_CASE(intree_memfd_damaged_size),
	KUNIT_CASE_SLOW(intree_memfd_is_judged),
	KUNIT_CASE_SLOW(intree_memfd_fixed_is_judged),
	{}
};

static struct kunit_suite intree_memfd_suite = {
	.name = "intree_memfd_luo",
	.init = memfd_init,
	.test_cases = intree_memfd_cases,
};

kunit_test_suite(intree_memfd_suite);

MODULE_DESCRIPTION("KUnit tests of the kernel's own memfd live update handler");
MODULE_LICENSE("GPL");
