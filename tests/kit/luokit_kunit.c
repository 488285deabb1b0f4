// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of luokit itself: that it carries what is right, and notices what is wrong.
 *
 * What is wrong is done by the rogue (luokit_rogue.h), a handler whose callbacks stand here;
 * each such test expects the kit's complaint and fails if there is none.
 */
#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/kho/abi/kexec_handover.h>
#include <uapi/linux/memfd.h>

#include <luokit.h>
#include <luokit_fake.h>

#include "luokit_rogue.h"

extern const struct luokit_world bare_core_world;

/* ---- The rogue: right by default ---------------------------------------------------- */

struct luokit_rogue *luokit_rogue;
const struct file_operations luokit_rogue_fops = {};

/* What crosses the reboot; tests put into it what must not. */
struct rogue_ser {
	u64 number;
	unsigned long pointer;
};

static unsigned long rogue_pointer;

static int rogue_preserve(struct liveupdate_file_op_args *args)
{
	struct rogue_ser *ser = luokit_kho_alloc_preserve(sizeof(*ser));

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->number = 7;
	ser->pointer = rogue_pointer;
	args->serialized_data = virt_to_phys(ser);

	return 0;
}

static void rogue_unpreserve(struct liveupdate_file_op_args *args)
{
	luokit_kho_unpreserve_free(phys_to_virt(args->serialized_data));
}

static int rogue_file(struct liveupdate_file_op_args *args)
{
	struct file *file = anon_inode_getfile("[kit]", &luokit_rogue_fops, NULL, O_RDWR);

	if (IS_ERR(file))
		return PTR_ERR(file);
	args->file = file;

	return 0;
}

static int rogue_retrieve(struct liveupdate_file_op_args *args)
{
	luokit_kho_restore_free(phys_to_virt(args->serialized_data));

	return rogue_file(args);
}

static void rogue_finish(struct liveupdate_file_op_args *args)
{
	if (!args->retrieve_status)
		luokit_kho_restore_free(phys_to_virt(args->serialized_data));
}

static int luokit_kunit_init(struct kunit *test)
{
	static struct luokit_rogue rogue;

	rogue = (struct luokit_rogue){
		.preserve = rogue_preserve,
		.unpreserve = rogue_unpreserve,
		.retrieve = rogue_retrieve,
		.finish = rogue_finish,
	};
	luokit_rogue = &rogue;
	rogue_pointer = 0;
	test->priv = luokit_boot(test, &memfd_core_world);

	return 0;
}

static struct file *rogue(struct luokit *k)
{
	return luokit_own(k, anon_inode_getfile("[kit]", &luokit_rogue_fops, NULL, O_RDWR));
}

static struct file *memfd_of(struct luokit *k, const char *text, loff_t pos)
{
	struct file *file = luokit_own(k, memfd_alloc_file("luokit", MFD_ALLOW_SEALING));

	if (!IS_ERR(file) && kernel_write(file, text, strlen(text) + 1, &pos) < 0)
		return ERR_PTR(-EIO);

	return file;
}

static void expect_text(struct kunit *test, struct file *file, const char *text, loff_t pos)
{
	char buf[64] = "";

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, kernel_read(file, buf, strlen(text) + 1, &pos), strlen(text) + 1);
	KUNIT_EXPECT_STREQ(test, buf, text);
}

/* ---- What is right ----------------------------------------------------------------------- */

static void luokit_boots_clean(struct kunit *test)
{
	struct luokit *k = test->priv;

	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
	KUNIT_EXPECT_GT(test, luokit_core_bytes(k), 0);
	KUNIT_EXPECT_EQ(test, luokit_incoming_bytes(k), 0);
	KUNIT_EXPECT_EQ(test, luokit_reboots(k), 0);
}

static void luokit_resets_statics(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct luokit_rogue_private *world = luokit_private(k);

	KUNIT_EXPECT_EQ(test, world->count(), 1001);
	KUNIT_EXPECT_EQ(test, world->count(), 1102);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, world->count(), 1001);
	KUNIT_EXPECT_EQ(test, luokit_rogue->exits, 1);
	KUNIT_EXPECT_EQ(test, luokit_reboots(k), 1);
}

static void luokit_carries_stub(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct luokit_stub *stub = luokit_stub(k);
	struct file *file = luokit_carry(k, luokit_stub_file(k, 42));

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, luokit_stub_number(file), 42);
	KUNIT_EXPECT_EQ(test, stub->preserved, 1);
	KUNIT_EXPECT_EQ(test, stub->frozen, 1);
	KUNIT_EXPECT_EQ(test, stub->unfrozen, 0);
	KUNIT_EXPECT_EQ(test, stub->unpreserved, 0);
	KUNIT_EXPECT_EQ(test, stub->retrieved, 1);
	KUNIT_EXPECT_EQ(test, stub->finished, 1);
}

static void luokit_carries_rogue(struct kunit *test)
{
	struct luokit *k = test->priv;

	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_carry(k, rogue(k)));
}

static void luokit_carries_memfd_twice(struct kunit *test)
{
	static const char text[] = "what a memfd holds";
	struct luokit *k = test->priv;
	struct file *file;

	file = memfd_of(k, text, 5 * PAGE_SIZE - 7);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	file = luokit_carry(k, file);
	expect_text(test, file, text, 5 * PAGE_SIZE - 7);
	/* As a second user would: it is a memfd like any other. */
	KUNIT_EXPECT_EQ(test, memfd_add_seals(file, F_SEAL_WRITE), 0);
	file = luokit_carry(k, file);
	expect_text(test, file, text, 5 * PAGE_SIZE - 7);
	KUNIT_EXPECT_EQ(test, memfd_get_seals(file), F_SEAL_WRITE);
	KUNIT_EXPECT_EQ(test, luokit_reboots(k), 2);
}

static void luokit_discards_unretrieved(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "vm");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, memfd_of(k, "gone", 0)), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, luokit_stub_file(k, 1)), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_GT(test, luokit_incoming_bytes(k), 0);
	s = luokit_retrieve_session(k, "vm");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_stub(k)->finished, 1);
}

static void luokit_session_calls(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "vm"), *stub = luokit_stub_file(k, 3), *got;
	u64 data;

	KUNIT_EXPECT_PTR_EQ(test, luokit_create(k, "vm"), ERR_PTR(-EEXIST));
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve_session(k, "vm"), ERR_PTR(-ENOENT));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), -EINVAL);
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, 1), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, stub), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, rogue(k)), -EEXIST);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 2, stub), -EBUSY);
	KUNIT_EXPECT_EQ(test, luokit_data(k, s, 2, &data), -ENOENT);
	KUNIT_EXPECT_EQ(test, luokit_data(k, s, 1, &data), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "vm");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	got = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, got);
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, 1), got);
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, 9), ERR_PTR(-ENOENT));
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, got), -EINVAL);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

static void luokit_retrieve_fails(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "vm");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, luokit_stub_file(k, 3)), 0);
	luokit_stub(k)->retrieve = -ENOSPC;
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "vm");
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, 1), ERR_PTR(-ENOSPC));
	luokit_stub(k)->retrieve = 0;
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, 1), ERR_PTR(-ENOSPC));
}

/* The last of three files does not freeze: the two before it are thawed. */
static void luokit_freeze_fails(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "vm"), *bad = luokit_stub_file(k, 3);
	struct luokit_stub *stub = luokit_stub(k);

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, luokit_stub_file(k, 1)), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, luokit_stub_file(k, 2)), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 3, bad), 0);
	luokit_stub_freeze(bad, -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, luokit_reboot(k), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, luokit_reboots(k), 0);
	KUNIT_EXPECT_EQ(test, stub->frozen, 2);
	KUNIT_EXPECT_EQ(test, stub->unfrozen, 2);
	luokit_stub_freeze(bad, 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "vm");
	KUNIT_EXPECT_EQ(test, luokit_stub_number(luokit_retrieve(k, s, 2)), 2);
}

static void luokit_thaws(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct luokit_stub *stub = luokit_stub(k);
	struct file *s[3];
	char name[] = "vm0";
	int i;

	for (i = 0; i < 3; i++) {
		name[2] = '0' + i;
		s[i] = luokit_create(k, name);
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s[i], 1, luokit_stub_file(k, i)), 0);
	}
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	luokit_thaw(k);
	KUNIT_EXPECT_EQ(test, stub->frozen, 3);
	KUNIT_EXPECT_EQ(test, stub->unfrozen, 3);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s[1]), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve_session(k, "vm1"), ERR_PTR(-ENOENT));
	s[2] = luokit_retrieve_session(k, "vm2");
	KUNIT_EXPECT_EQ(test, luokit_stub_number(luokit_retrieve(k, s[2], 1)), 2);
	KUNIT_EXPECT_EQ(test, luokit_close(k, luokit_retrieve_session(k, "vm0")), 0);
}

static void between_last(struct luokit *k, void *ctx)
{
	*(int *)ctx += 1 + 10 * luokit_reboots(k);
}

static void between_first(struct luokit *k, void *ctx)
{
	*(int *)ctx += 100 * luokit_reboots(k);
}

static void luokit_between_kernels(struct kunit *test)
{
	struct luokit *k = test->priv;
	int sum = 0;

	luokit_between(k, between_last, between_first, &sum);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, sum, 101);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, sum, 101);
}

/* A kernel without the handler: LUO refuses everything for good. */
static void luokit_new_kernel_lacks_handler(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "vm");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, rogue(k)), 0);
	luokit_next_world(k, &bare_core_world);
	luokit_expect_unretrieved(k);
	KUNIT_EXPECT_EQ(test, luokit_reboot(k), -EIO);
	KUNIT_EXPECT_PTR_EQ(test, luokit_create(k, "new"), ERR_PTR(-EIO));
}

/* Without the core's xarray nobody but the handler can refuse the second preserve. */
static void luokit_core_without_xarray(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *a, *b, *file;

	a = luokit_create(k, "a");
	b = luokit_create(k, "b");
	file = luokit_stub_file(k, 1);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, a, 1, file), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, b, 1, file), -EBUSY);
	luokit_close(k, a);
	luokit_without_core_xarray(k);
	a = luokit_create(k, "a");
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, a, 1, file), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, b, 1, file), 0);
}

static void luokit_opens_misc(struct kunit *test)
{
	struct luokit *k = test->priv;

	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_open_misc(k, "luokit-rogue", O_RDWR));
	KUNIT_EXPECT_PTR_EQ(test, luokit_open_misc(k, "none", O_RDWR), ERR_PTR(-ENODEV));
}

static void luokit_offers_foreign_files(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct luokit_foreign files[16];
	struct file *s = luokit_create(k, "vm");
	unsigned int nr = luokit_foreign(k, files, ARRAY_SIZE(files)), i;

	KUNIT_EXPECT_GE(test, nr, 5);
	for (i = 0; i < nr; i++) {
		int err = luokit_preserve(k, s, i, files[i].file);

		if (strstr(files[i].name, "stub") || strstr(files[i].name, "memfd") ||
		    strstr(files[i].name, "shmem"))
			KUNIT_EXPECT_EQ_MSG(test, err, 0, "%s", files[i].name);
		else
			KUNIT_EXPECT_EQ_MSG(test, err, -ENOENT, "%s", files[i].name);
	}
}

/* Everything KHO can carry, by content: one folio of each order, pages, vmalloc. */
#define CARRY_PAGES	5
#define CARRY_VMALLOC	(600 * PAGE_SIZE)	/* more than one page of addresses */

struct carry_ser {
	u64 folio;
	u64 pages;
	struct kho_vmalloc vmalloc;
};

static struct folio *carry_folio;
static void *carry_pages, *carry_vmalloc;

static int carry_preserve(struct liveupdate_file_op_args *args)
{
	struct carry_ser *ser = luokit_kho_alloc_preserve(sizeof(*ser));

	carry_folio = folio_alloc(GFP_KERNEL, 2);
	memset(folio_address(carry_folio), 0xa1, 4 * PAGE_SIZE);
	carry_pages = alloc_pages_exact(CARRY_PAGES * PAGE_SIZE, GFP_KERNEL);
	memset(carry_pages, 0xb2, CARRY_PAGES * PAGE_SIZE);
	carry_vmalloc = vmalloc(CARRY_VMALLOC);
	memset(carry_vmalloc, 0xc3, CARRY_VMALLOC);
	if (luokit_kho_preserve_folio(carry_folio) ||
	    luokit_kho_preserve_pages(virt_to_page(carry_pages), CARRY_PAGES) ||
	    luokit_kho_preserve_vmalloc(carry_vmalloc, &ser->vmalloc))
		return -ENOMEM;
	ser->folio = PFN_PHYS(folio_pfn(carry_folio));
	ser->pages = virt_to_phys(carry_pages);
	args->serialized_data = virt_to_phys(ser);

	return 0;
}

static void carry_unpreserve(struct liveupdate_file_op_args *args)
{
	struct carry_ser *ser = phys_to_virt(args->serialized_data);

	luokit_kho_unpreserve_folio(carry_folio);
	folio_put(carry_folio);
	luokit_kho_unpreserve_pages(virt_to_page(carry_pages), CARRY_PAGES);
	free_pages_exact(carry_pages, CARRY_PAGES * PAGE_SIZE);
	luokit_kho_unpreserve_vmalloc(&ser->vmalloc);
	vfree(carry_vmalloc);
	luokit_kho_unpreserve_free(ser);
}

static int carry_retrieve(struct liveupdate_file_op_args *args)
{
	struct carry_ser *ser = phys_to_virt(args->serialized_data);
	struct folio *folio = luokit_kho_restore_folio(ser->folio);
	struct page *pages = luokit_kho_restore_pages(ser->pages, CARRY_PAGES);
	void *mem = luokit_kho_restore_vmalloc(&ser->vmalloc);
	int err = -EINVAL, i;

	if (folio && folio_order(folio) == 2 && pages && mem &&
	    !memchr_inv(folio_address(folio), 0xa1, 4 * PAGE_SIZE) &&
	    !memchr_inv(page_address(pages), 0xb2, CARRY_PAGES * PAGE_SIZE) &&
	    !memchr_inv(mem, 0xc3, CARRY_VMALLOC))
		err = rogue_file(args);
	if (folio)
		folio_put(folio);
	for (i = 0; pages && i < CARRY_PAGES; i++)
		__free_page(pages + i);
	vfree(mem);
	luokit_kho_restore_free(ser);

	return err;
}

static void luokit_carries_all_kinds(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file;

	luokit_rogue->preserve = carry_preserve;
	luokit_rogue->unpreserve = carry_unpreserve;
	luokit_rogue->retrieve = carry_retrieve;
	file = luokit_carry(k, rogue(k));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	file = luokit_carry(k, file);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, file);
}

/* ---- What is wrong ------------------------------------------------------------------------ */

/* The complaint that is expected until here has come. */
static void expect_complained(struct kunit *test, struct luokit *k)
{
	KUNIT_EXPECT_GT(test, luokit_complained(k), 0);
}

static void luokit_notices_misuse(struct kunit *test)
{
	struct luokit *k = test->priv;
	void *mem = luokit_kho_alloc_preserve(PAGE_SIZE), *slab = kmalloc(32, GFP_KERNEL);
	struct folio *folio = folio_alloc(GFP_KERNEL, 1);

	luokit_expect_complaint(k, "twice");
	luokit_kho_preserve_folio(virt_to_folio(mem));
	expect_complained(test, k);

	luokit_expect_complaint(k, "not preserved");
	luokit_kho_unpreserve_folio(folio);
	expect_complained(test, k);

	luokit_expect_complaint(k, "slab memory");
	luokit_kho_preserve_pages(virt_to_page(slab), 1);
	expect_complained(test, k);

	luokit_expect_complaint(k, "compound");
	luokit_kho_preserve_pages(folio_page(folio, 0), 1);
	expect_complained(test, k);

	luokit_expect_complaint(k, "by this kernel");
	KUNIT_EXPECT_NULL(test, luokit_kho_restore_folio(virt_to_phys(mem)));
	expect_complained(test, k);

	luokit_expect_complaint(k, "nobody preserved");
	KUNIT_EXPECT_NULL(test, luokit_kho_restore_folio(PFN_PHYS(folio_pfn(folio))));
	expect_complained(test, k);

	KUNIT_ASSERT_EQ(test, luokit_kho_preserve_folio(folio), 0);
	luokit_expect_complaint(k, "unpreserves 0x1 pages");
	luokit_kho_unpreserve_pages(folio_page(folio, 0), 1);
	expect_complained(test, k);
	luokit_expect_complaint(k, "freed before");
	folio_put(folio);
	luokit_kho_unpreserve_folio(folio);
	expect_complained(test, k);

	luokit_expect_complaint(k, "no memory of KHO's");
	luokit_kho_unpreserve_free(ERR_PTR(-ENOMEM));
	expect_complained(test, k);

	luokit_expect_complaint(k, "vmalloc");
	KUNIT_EXPECT_NE(test, luokit_kho_preserve_vmalloc(slab, NULL), 0);
	expect_complained(test, k);

	luokit_expect_complaint(k, "subtree that was not added");
	luokit_kho_remove_subtree(mem);
	expect_complained(test, k);

	kfree(slab);
	luokit_kho_unpreserve_free(mem);
}

static void no_unpreserve(struct liveupdate_file_op_args *args)
{
}

static void luokit_notices_leftover(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "vm");
	u64 data = 0;

	luokit_rogue->unpreserve = no_unpreserve;
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, rogue(k)), 0);
	luokit_data(k, s, 1, &data);
	luokit_expect_complaint(k, "still preserved at the end");
	luokit_end(k);
	expect_complained(test, k);
	folio_put(virt_to_folio(phys_to_virt(data)));
}

static void luokit_notices_leftover_at_reboot(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "vm");
	u64 data = 0;

	luokit_rogue->unpreserve = no_unpreserve;
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, rogue(k)), 0);
	luokit_data(k, s, 1, &data);
	/* Twice: nobody unpreserved it, and so nobody put it. */
	luokit_expect_complaint(k, "preserved");
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, luokit_complained(k), 2);
	folio_put(virt_to_folio(phys_to_virt(data)));
	KUNIT_EXPECT_EQ(test, luokit_close(k, luokit_retrieve_session(k, "vm")), 0);
}

static int forgetful_retrieve(struct liveupdate_file_op_args *args)
{
	return rogue_file(args);
}

static void luokit_notices_never_restored(struct kunit *test)
{
	struct luokit *k = test->priv;

	luokit_rogue->retrieve = forgetful_retrieve;
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, luokit_carry(k, rogue(k)));
	luokit_expect_complaint(k, "never restored");
	luokit_end(k);
	expect_complained(test, k);
}

static void luokit_notices_never_restored_at_reboot(struct kunit *test)
{
	struct luokit *k = test->priv;

	luokit_rogue->retrieve = forgetful_retrieve;
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, luokit_carry(k, rogue(k)));
	luokit_expect_complaint(k, "never restored until the reboot");
	KUNIT_EXPECT_EQ(test, luokit_reboot(k), 0);
	expect_complained(test, k);
}

static void luokit_accepts_declared_leak(struct kunit *test)
{
	struct luokit *k = test->priv;

	luokit_rogue->retrieve = forgetful_retrieve;
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, luokit_carry(k, rogue(k)));
	luokit_expect_leak(k, PAGE_SIZE);
}

static void luokit_notices_wrong_leak(struct kunit *test)
{
	struct luokit *k = test->priv;

	luokit_rogue->retrieve = forgetful_retrieve;
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, luokit_carry(k, rogue(k)));
	luokit_expect_leak(k, 2 * PAGE_SIZE);
	luokit_expect_complaint(k, "were leaked, not");
	luokit_end(k);
	expect_complained(test, k);
}

static struct folio *restored;

static int keeping_retrieve(struct liveupdate_file_op_args *args)
{
	restored = luokit_kho_restore_folio(args->serialized_data);

	return rogue_file(args);
}

static void luokit_notices_never_freed(struct kunit *test)
{
	struct luokit *k = test->priv;

	luokit_rogue->retrieve = keeping_retrieve;
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, luokit_carry(k, rogue(k)));
	luokit_expect_complaint(k, "restored and never freed");
	luokit_end(k);
	expect_complained(test, k);
	folio_put(restored);
}

static void luokit_knows_freed_later(struct kunit *test)
{
	struct luokit *k = test->priv;

	luokit_rogue->retrieve = keeping_retrieve;
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, luokit_carry(k, rogue(k)));
	folio_put(restored);
}

static int doubling_retrieve(struct liveupdate_file_op_args *args)
{
	luokit_kho_restore_free(phys_to_virt(args->serialized_data));

	return rogue_retrieve(args);
}

static void luokit_notices_restored_twice(struct kunit *test)
{
	struct luokit *k = test->priv;

	luokit_rogue->retrieve = doubling_retrieve;
	luokit_expect_complaint(k, "was restored before");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, luokit_carry(k, rogue(k)));
	KUNIT_EXPECT_EQ(test, luokit_complained(k), 1);
}

static int positive_retrieve(struct liveupdate_file_op_args *args)
{
	luokit_kho_restore_free(phys_to_virt(args->serialized_data));

	return 1;
}

static void luokit_notices_positive_retrieve(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "vm");

	luokit_rogue->retrieve = positive_retrieve;
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, rogue(k)), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	luokit_expect_complaint(k, "returned 1");
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, luokit_retrieve_session(k, "vm"), 1),
			    ERR_PTR(-EIO));
	expect_complained(test, k);
}

/* Each kind of address, and a number that is none. */
static void luokit_notices_old_pointers(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct luokit_rogue_private *world = luokit_private(k);
	void *slab = kunit_kzalloc(test, 64, GFP_KERNEL), *vm = vmalloc(PAGE_SIZE);
	const unsigned long pointers[] = {
		(unsigned long)slab, (unsigned long)vm + 8, (unsigned long)world->static_data & ~7,
		(unsigned long)&luokit_rogue_fops & ~7, (unsigned long)slab + 4,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pointers); i++) {
		rogue_pointer = pointers[i];
		luokit_expect_complaint(k, "address of the old kernel");
		KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_carry(k, rogue(k)));
		KUNIT_EXPECT_EQ_MSG(test, luokit_complained(k), i < 4, "pointer %u", i);
	}
	rogue_pointer = virt_to_phys(slab);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_carry(k, rogue(k)));
	vfree(vm);
}

static void luokit_notices_stranded_session(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "vm");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, luokit_stub_file(k, 1)), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	luokit_stub(k)->cannot_finish = true;
	s = luokit_retrieve_session(k, "vm");
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), -EBUSY);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), -EBUSY);
	luokit_expect_complaint(k, "");
	luokit_end(k);
	/* The session is stranded, and so is what its file preserved. */
	KUNIT_EXPECT_EQ(test, luokit_complained(k), 2);
}

static void luokit_notices_unretrieved_session(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "vm");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, luokit_stub_file(k, 1)), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	luokit_expect_complaint(k, "");
	luokit_end(k);
	KUNIT_EXPECT_EQ(test, luokit_complained(k), 2);
}

static void luokit_notices_calls_while_frozen(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "vm");

	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	luokit_expect_complaint(k, "waits for ever");
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, luokit_stub_file(k, 1)), -EDEADLK);
	KUNIT_EXPECT_PTR_EQ(test, luokit_create(k, "b"), ERR_PTR(-EDEADLK));
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), -EDEADLK);
	KUNIT_EXPECT_EQ(test, luokit_complained(k), 3);
}

static void damage_core(struct luokit *k, void *ctx)
{
	phys_addr_t phys;
	size_t size;

	if (!luokit_kho_retrieve_subtree("LUO", &phys, &size))
		*(char *)phys_to_virt(phys) = 'L';
}

static void luokit_notices_panic(struct kunit *test)
{
	struct luokit *k = test->priv;

	luokit_between(k, NULL, damage_core, NULL);
	luokit_expect_unretrieved(k);
	luokit_expect_complaint(k, "");
	KUNIT_EXPECT_NE(test, luokit_reboot(k), 0);
	/* The panic, and that LUO is off afterwards. */
	KUNIT_EXPECT_EQ(test, luokit_complained(k), 2);
}

/* ---- Injected failures, threads -------------------------------------------------------------- */

static int sweep_preserve(struct luokit *k, void *ctx)
{
	struct file **s = ctx;

	s[0] = luokit_create(k, "vm");
	if (IS_ERR(s[0]))
		return PTR_ERR(s[0]);

	return luokit_preserve(k, s[0], 1, s[1]);
}

static void sweep_close(struct luokit *k, void *ctx, int result)
{
	struct file **s = ctx;

	if (!IS_ERR(s[0]))
		luokit_close(k, s[0]);
}

static void luokit_sweeps_memfd(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s[2] = { NULL, memfd_of(k, "some text", 3 * PAGE_SIZE) };
	const struct luokit_sweep sweep = {
		.run = sweep_preserve,
		.undo = sweep_close,
		.ctx = s,
	};
	unsigned int nr;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s[1]);
	nr = luokit_sweep(k, &sweep);
	kunit_info(test, "%u failures injected\n", nr);
	KUNIT_EXPECT_GT(test, nr, luokit_can_fail_alloc() ? 10 : 4);
}

static int deaf_preserve(struct liveupdate_file_op_args *args)
{
	struct folio *folio = folio_alloc(GFP_KERNEL | __GFP_NOFAIL, 0);

	args->serialized_data = PFN_PHYS(folio_pfn(folio));
	args->private_data = luokit_kho_preserve_folio(folio) ? NULL : folio;
	if (!args->private_data)
		folio_put(folio);

	return 0;
}

static void deaf_unpreserve(struct liveupdate_file_op_args *args)
{
	struct folio *folio = args->private_data;

	if (!folio)
		return;
	luokit_kho_unpreserve_folio(folio);
	folio_put(folio);
}

static int leaky_preserve(struct liveupdate_file_op_args *args)
{
	void *mem = luokit_kho_alloc_preserve(PAGE_SIZE), *more;

	if (IS_ERR(mem))
		return PTR_ERR(mem);
	more = luokit_kho_alloc_preserve(PAGE_SIZE);
	if (IS_ERR(more))
		return PTR_ERR(more);
	luokit_kho_unpreserve_free(more);
	args->serialized_data = virt_to_phys(mem);

	return 0;
}

static void luokit_sweep_notices(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s[2] = { NULL, rogue(k) };
	const struct luokit_sweep sweep = {
		.run = sweep_preserve,
		.undo = sweep_close,
		.ctx = s,
	};

	luokit_rogue->preserve = deaf_preserve;
	luokit_rogue->unpreserve = deaf_unpreserve;
	luokit_expect_complaint(k, "nothing reports it");
	luokit_sweep(k, &sweep);
	expect_complained(test, k);

	luokit_rogue->preserve = leaky_preserve;
	luokit_rogue->unpreserve = rogue_unpreserve;
	luokit_expect_complaint(k, "");
	luokit_sweep(k, &sweep);
	luokit_end(k);
	expect_complained(test, k);
}

struct racing {
	struct file *session[2], *file;
	int err[2];
	unsigned int both, none;
};

static void race_a(struct luokit *k, void *ctx, unsigned int round)
{
	struct racing *r = ctx;

	r->err[0] = luokit_preserve(k, r->session[0], 1, r->file);
}

static void race_b(struct luokit *k, void *ctx, unsigned int round)
{
	struct racing *r = ctx;

	r->err[1] = luokit_preserve(k, r->session[1], 1, r->file);
}

static void race_between(struct luokit *k, void *ctx, unsigned int round)
{
	struct racing *r = ctx;

	r->both += !r->err[0] && !r->err[1];
	r->none += r->err[0] && r->err[1];
	luokit_close(k, r->session[0]);
	luokit_close(k, r->session[1]);
	r->session[0] = luokit_create(k, "a");
	r->session[1] = luokit_create(k, "b");
}

static void luokit_races(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct racing r = { .file = luokit_stub_file(k, 1) };

	r.session[0] = luokit_create(k, "a");
	r.session[1] = luokit_create(k, "b");
	luokit_race(k, 1000, race_a, race_b, race_between, &r);
	KUNIT_EXPECT_EQ(test, r.both, 0);
	KUNIT_EXPECT_EQ(test, r.none, 0);
}

static void race_freeze(struct luokit *k, void *ctx, unsigned int round)
{
	struct racing *r = ctx;
	unsigned int i;

	/* Early in one round, late in another. */
	for (i = 0; i < round % 20 * 200; i++)
		cpu_relax();
	r->err[1] = luokit_freeze(k);
}

/* Preserved in time or not at all; never after what was frozen has been written down. */
static void race_freeze_between(struct luokit *k, void *ctx, unsigned int round)
{
	struct racing *r = ctx;
	struct luokit_stub *stub = luokit_stub(k);

	r->both += !r->err[0] && !r->err[1];
	r->none += r->err[1] || (r->err[0] && r->err[0] != -EDEADLK) ||
		   stub->preserved != stub->frozen;
	luokit_thaw(k);
	luokit_close(k, r->session[0]);
	r->session[0] = luokit_create(k, "a");
}

static void luokit_races_with_freeze(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct racing r = { .file = luokit_stub_file(k, 1) };

	r.session[0] = luokit_create(k, "a");
	luokit_race(k, 200, race_a, race_freeze, race_freeze_between, &r);
	KUNIT_EXPECT_EQ(test, r.none, 0);
	kunit_info(test, "%u of 200 preserved in time\n", r.both);
}

struct overlap {
	atomic_t here;
	unsigned int met, rounds;
};

/* Wait a moment for the other: two threads on one CPU never meet. */
static void overlap_one(struct luokit *k, void *ctx, unsigned int round)
{
	struct overlap *o = ctx;
	int i, want = 2 * (round + 1);

	atomic_inc(&o->here);
	for (i = 0; i < 10000000 && atomic_read(&o->here) < want; i++)
		cpu_relax();
	if (atomic_read(&o->here) >= want)
		WRITE_ONCE(o->met, round + 1);
}

static void overlap_count(struct luokit *k, void *ctx, unsigned int round)
{
	struct overlap *o = ctx;

	o->rounds += o->met == round + 1;
}

static void luokit_race_is_parallel(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct overlap o = {};

	luokit_race(k, 100, overlap_one, overlap_one, overlap_count, &o);
	KUNIT_EXPECT_EQ(test, o.rounds, 100);
}

/* Files that come in every order, and one of the rounds that goes wrong. */
static unsigned int ordered_rounds, ordered_wrong;

static int ordered_make(struct luokit *k, struct file **files)
{
	int i;

	for (i = 0; i < 3; i++)
		files[i] = luokit_stub_file(k, 10 + i);

	return 0;
}

static const char *ordered_differ(struct luokit *k, struct file **files)
{
	int i;

	for (i = 0; i < 3; i++)
		if (files[i] && luokit_stub_number(files[i]) != 10 + i)
			return "number";

	return ++ordered_rounds == ordered_wrong ? "the round" : NULL;
}

static const struct luokit_ordered ordered_files = {
	.names = { "a", "b", "c" },
	.nr = 3,
	.make = ordered_make,
	.differ = ordered_differ,
};

static void luokit_carries_in_every_order(struct kunit *test)
{
	struct luokit *k = test->priv;
	/* All orders, and twice, closed or finished, all subsets. */
	const unsigned int rounds = 6 * 6 + 4 * 8;

	ordered_rounds = 0;
	ordered_wrong = 0;
	KUNIT_EXPECT_EQ(test, luokit_orders(k, &ordered_files), rounds);
	KUNIT_EXPECT_EQ(test, ordered_rounds, rounds);
	KUNIT_EXPECT_EQ(test, luokit_stub(k)->preserved, 3 * rounds);
	/* Half of the files of all subsets. */
	KUNIT_EXPECT_EQ(test, luokit_stub(k)->retrieved, 3 * 36 + 3 * 32 / 2);
	KUNIT_EXPECT_EQ(test, luokit_stub(k)->finished, 3 * rounds);
}

static void luokit_orders_notices(struct kunit *test)
{
	static const struct {
		unsigned int round;
		const char *text;
	} wrong[] = {
		{ 1,
		  "preserved a, b, c; retrieved a, b, c; finished: what arrived differs" },
		{ 9, "preserved b, a, c; retrieved c, a, b; finished" },
		{ 36, "preserved c, b, a; retrieved c, b, a; finished" },
		{ 37, "preserved a, b, c; retrieved nothing; finished" },
		{ 68, "preserved c, b, a; retrieved a, b, c; closed" },
	};
	struct luokit *k = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		ordered_rounds = 0;
		ordered_wrong = wrong[i].round;
		luokit_expect_complaint(k, wrong[i].text);
		KUNIT_EXPECT_EQ(test, luokit_orders(k, &ordered_files), wrong[i].round - 1);
		KUNIT_EXPECT_EQ(test, luokit_complained(k), 1);
	}

	/* What cannot be preserved, and what cannot be retrieved. */
	ordered_wrong = 0;
	luokit_stub(k)->preserve = -EDOM;
	luokit_expect_complaint(k, "cannot preserve a (-33)");
	KUNIT_EXPECT_EQ(test, luokit_orders(k, &ordered_files), 0);
	KUNIT_EXPECT_EQ(test, luokit_complained(k), 1);
	luokit_stub(k)->preserve = 0;
}

static struct kunit_case luokit_cases[] = {
	KUNIT_CASE(luokit_boots_clean),
	KUNIT_CASE(luokit_resets_statics),
	KUNIT_CASE(luokit_carries_stub),
	KUNIT_CASE(luokit_carries_rogue),
	KUNIT_CASE(luokit_carries_memfd_twice),
	KUNIT_CASE(luokit_carries_all_kinds),
	KUNIT_CASE(luokit_discards_unretrieved),
	KUNIT_CASE(luokit_session_calls),
	KUNIT_CASE(luokit_retrieve_fails),
	KUNIT_CASE(luokit_freeze_fails),
	KUNIT_CASE(luokit_thaws),
	KUNIT_CASE(luokit_between_kernels),
	KUNIT_CASE(luokit_new_kernel_lacks_handler),
	KUNIT_CASE(luokit_core_without_xarray),
	KUNIT_CASE(luokit_opens_misc),
	KUNIT_CASE(luokit_offers_foreign_files),
	KUNIT_CASE(luokit_notices_misuse),
	KUNIT_CASE(luokit_notices_leftover),
	KUNIT_CASE(luokit_notices_leftover_at_reboot),
	KUNIT_CASE(luokit_notices_never_restored),
	KUNIT_CASE(luokit_notices_never_restored_at_reboot),
	KUNIT_CASE(luokit_accepts_declared_leak),
	KUNIT_CASE(luokit_notices_wrong_leak),
	KUNIT_CASE(luokit_notices_never_freed),
	KUNIT_CASE(luokit_knows_freed_later),
	KUNIT_CASE(luokit_notices_restored_twice),
	KUNIT_CASE(luokit_notices_positive_retrieve),
	KUNIT_CASE(luokit_notices_old_pointers),
	KUNIT_CASE(luokit_notices_stranded_session),
	KUNIT_CASE(luokit_notices_unretrieved_session),
	KUNIT_CASE(luokit_notices_calls_while_frozen),
	KUNIT_CASE(luokit_notices_panic),
	KUNIT_CASE(luokit_carries_in_every_order),
	KUNIT_CASE(luokit_orders_notices),
	KUNIT_CASE(luokit_sweeps_memfd),
	KUNIT_CASE(luokit_sweep_notices),
	KUNIT_CASE_SLOW(luokit_races),
	KUNIT_CASE(luokit_races_with_freeze),
	KUNIT_CASE(luokit_race_is_parallel),
	{}
};

static struct kunit_suite luokit_suite = {
	.name = "luokit",
	.init = luokit_kunit_init,
	.test_cases = luokit_cases,
};

kunit_test_suite(luokit_suite);
MODULE_DESCRIPTION("Tests of the kit that tests live-update file handlers");
MODULE_LICENSE("GPL");
