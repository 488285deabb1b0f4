// SPDX-License-Identifier: GPL-2.0
/*
 * memory_fd_luo_kunit.c - tests of the handler, without a reboot.
 *
 * The conformance suite at the end is the greater part: it is told how a file is made,
 * changed and compared, and tries every rule that a handler has to keep. Above it stands
 * what it cannot know: the layout of the saved state, values in it that no file can have
 * had, and that the pages stay the same while they are preserved.
 */

#include <kunit/test.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <luokit_subject.h>
#include <luosdk/handler.h>

#include "memory_fd.h"
#include "memory_fd_luo_abi.h"
#include "memory_fd_luo_kunit.h"

static int memory_fd_kunit_init(struct kunit *test)
{
	test->priv = luokit_boot(test, &memory_fd_luo_world);
	return 0;
}

static const struct memory_fd_way *memory_fd_way(struct luokit *k)
{
	return luokit_private(k);
}

static struct file *memory_fd_make(struct luokit *k, unsigned long nr_pages, u32 flags)
{
	return luokit_own(k, memory_fd_way(k)->create(nr_pages, flags));
}

/* A state that is intact, and that no file can have had. */
struct memory_fd_lie {
	void (*tell)(struct memory_fd_luo_ser *ser);
	int err;
	u64 handle;
};

static void memory_fd_lie_more(struct memory_fd_luo_ser *ser)
{
	ser->nr_pages++;
}

static void memory_fd_lie_fewer(struct memory_fd_luo_ser *ser)
{
	ser->nr_pages--;
}

static void memory_fd_lie_many(struct memory_fd_luo_ser *ser)
{
	ser->nr_pages = MEMORY_FD_PAGES + 1;
	ser->folios.pages = ser->nr_pages;
}

static void memory_fd_lie_sum(struct memory_fd_luo_ser *ser)
{
	ser->nr_pages++;
	ser->folios.pages++;
}

static void memory_fd_lie_pos(struct memory_fd_luo_ser *ser)
{
	ser->pos = ser->nr_pages * PAGE_SIZE + 1;
}

static void memory_fd_lie_flags(struct memory_fd_luo_ser *ser)
{
	ser->file_flags = O_ACCMODE;
}

static void memory_fd_lie_tell(struct luokit *k, void *ctx)
{
	struct memory_fd_lie *lie = ctx;
	struct luosdk_state_hdr *hdr = phys_to_virt(lie->handle);
	struct memory_fd_luo_ser *ser = (void *)(hdr + 1);

	lie->tell(ser);
	luosdk_state_seal(ser);
}

/* It is refused, and what it owns is given back, as the kit sees. */
static void memory_fd_impossible_state(struct kunit *test)
{
	/* Yours: whatever restore has to refuse. */
	struct memory_fd_lie lies[] = {
		{ memory_fd_lie_more, -EINVAL },
		{ memory_fd_lie_fewer, -EINVAL },
		{ memory_fd_lie_many, -EFBIG },
		{ memory_fd_lie_sum, -EBADMSG },
		{ memory_fd_lie_pos, -EINVAL },
		{ memory_fd_lie_flags, -EINVAL },
	};
	struct luokit *k = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		struct file *s = luokit_create(k, "s");

		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1,
						      memory_fd_make(k, 3, O_RDWR)), 0);
		KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &lies[i].handle), 0);
		luokit_between(k, NULL, memory_fd_lie_tell, &lies[i]);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luokit_retrieve(k, s, 1)), lies[i].err);
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	}
}

/*
 * The layout is a contract between kernels: these are its bytes.
 *
 * Yours: the bytes of a file whose every field differs from zero.
 */
static void memory_fd_golden_layout(struct kunit *test)
{
	static const u8 golden[] = {
		0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,	/* pos */
		0x02, 0x08, 0x00, 0x00,				/* O_RDWR | O_NONBLOCK */
		0x01, 0x00, 0x00, 0x00,				/* nr_pages */
		0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,	/* folios.pages */
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,	/* folios.next */
		0x01, 0x00, 0x00, 0x00,				/* folios.nr_runs */
	};
	struct luokit *k = test->priv;
	struct file *file = memory_fd_make(k, 1, O_RDWR | O_NONBLOCK);
	struct file *s = luokit_create(k, "s");
	struct memory_fd_luo_ser *ser;
	u64 data;

	KUNIT_EXPECT_STREQ(test, MEMORY_FD_LUO_FH_COMPATIBLE, "luosdk-memory-fd-v1");
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	file->f_pos = 3;
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &data), 0);
	ser = phys_to_virt(data) + sizeof(struct luosdk_state_hdr);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)ser, golden, sizeof(golden));
	KUNIT_EXPECT_EQ(test, ser->folios.run[0],
			virt_to_phys(memory_fd_way(k)->page(file, 0)) >> PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

/* Yours: which memory it is cannot change while that is preserved, and can again after. */
static void memory_fd_same_pages(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = memory_fd_make(k, 2, O_RDWR), *s = luokit_create(k, "s");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_EXPECT_EQ(test, memory_fd_way(k)->grow(file, 1), -EBUSY);
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	KUNIT_EXPECT_EQ(test, memory_fd_way(k)->grow(file, 1), -EBUSY);
	luokit_thaw(k);
	KUNIT_EXPECT_EQ(test, memory_fd_way(k)->grow(file, 1), -EBUSY);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, memory_fd_way(k)->grow(file, 1), 0);

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, memory_fd_way(k)->nr_pages(file), 3);
	/* Nobody will ask any more which they were. */
	KUNIT_EXPECT_EQ(test, memory_fd_way(k)->grow(file, 1), 0);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, memory_fd_way(k)->nr_pages(file), 4);
}

static struct kunit_case memory_fd_luo_cases[] = {
	KUNIT_CASE(memory_fd_golden_layout),
	KUNIT_CASE(memory_fd_impossible_state),
	KUNIT_CASE(memory_fd_same_pages),
	{}
};

static struct kunit_suite memory_fd_luo_suite = {
	.name = "memory_fd_luo",
	.init = memory_fd_kunit_init,
	.test_cases = memory_fd_luo_cases,
};

kunit_test_suite(memory_fd_luo_suite);

/* ---- The conformance suite: every rule, every order, everything that can fail ---- */

/*
 * Yours: first an ordinary state, then the empty one, every limit, every flag. Turned round,
 * each page is a record of its own: nine are one more than the state itself has room for, and
 * 600 need two pages of records.
 */
static const struct {
	unsigned long nr_pages;
	u32 flags;
	loff_t pos;
	bool turned;
} memory_fd_states[] = {
	{ 3, O_RDWR, 5 },
	{ 0, O_RDWR },
	{ 1, O_RDWR, PAGE_SIZE },
	{ 8, O_RDWR },
	{ 9, O_RDWR, 0, true },
	{ 600, O_RDWR, 0, true },
	{ 1500, O_RDWR },
	{ 1, O_RDONLY },
	{ 1, O_WRONLY },
	{ 1, O_RDWR | O_NONBLOCK },
};

static struct file *memory_fd_subject_make(struct luokit *k, u64 arg)
{
	const struct memory_fd_way *way = memory_fd_way(k);
	struct file *file;
	unsigned long i;

	file = way->create(memory_fd_states[arg].nr_pages, memory_fd_states[arg].flags);
	if (IS_ERR(file))
		return file;
	if (memory_fd_states[arg].turned)
		way->turn(file);
	for (i = 0; i < memory_fd_states[arg].nr_pages; i++)
		memset64(way->page(file, i), (i + 1) * 0x0101010101010101ULL,
			 PAGE_SIZE / sizeof(u64));
	file->f_pos = memory_fd_states[arg].pos;
	return file;
}

/* Yours: everything that has to arrive. What is not compared is not tested. */
static const char *memory_fd_subject_differ(struct luokit *k, struct file *want,
					    struct file *got)
{
	const struct memory_fd_way *way = memory_fd_way(k);
	unsigned long i, nr = way->nr_pages(want);

	if (nr != way->nr_pages(got))
		return "number of pages";
	for (i = 0; i < nr; i++)
		if (memcmp(way->page(want, i), way->page(got, i), PAGE_SIZE))
			return "contents";
	if (want->f_pos != got->f_pos)
		return "position";
	if (want->f_flags != got->f_flags)
		return "file flags";
	if (want->f_mode != got->f_mode)
		return "f_mode";
	return NULL;
}

/* Yours: what users do to a preserved file, each time something else. */
static int memory_fd_subject_store(struct luokit *k, struct file *file, u64 n)
{
	const struct memory_fd_way *way = memory_fd_way(k);
	unsigned long nr = way->nr_pages(file);

	if (nr)
		WRITE_ONCE(*(u64 *)way->page(file, n % nr), n);
	return 0;
}

static int memory_fd_subject_write(struct luokit *k, struct file *file, u64 n)
{
	loff_t pos = PAGE_SIZE - 4;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	return kernel_write(file, &n, 4, &pos) == 4 ? 0 : -ENOSPC;
}

static int memory_fd_subject_grow(struct luokit *k, struct file *file, u64 n)
{
	return memory_fd_way(k)->grow(file, 1);
}

static int memory_fd_subject_seek(struct luokit *k, struct file *file, u64 n)
{
	loff_t pos = vfs_llseek(file, n % PAGE_SIZE, SEEK_SET);

	return pos < 0 ? pos : 0;
}

/* What fcntl(F_SETFL) does. */
static int memory_fd_subject_setfl(struct luokit *k, struct file *file, u64 n)
{
	spin_lock(&file->f_lock);
	file->f_flags ^= n & 1 ? O_NONBLOCK : O_APPEND;
	spin_unlock(&file->f_lock);
	return 0;
}

/*
 * Yours: the names of states and changes; luokit_subject.h has what else can be told. Memory
 * that a damaged state named is lost and cannot be counted: a message says so, hence no
 * .leaked.
 */
static const struct luokit_subject memory_fd_subject = {
	.world = &memory_fd_luo_world,
	.states = {
		{ "three pages", 0 },
		{ "no page", 1, .empty = true },
		{ "one page", 2 },
		{ "eight pages", 3 },
		{ "nine records", 4 },
		{ "600 records", 5, .large = true },
		{ "1500 pages", 6, .large = true },
		{ "read-only", 7 },
		{ "write-only", 8 },
		{ "non-blocking", 9 },
	},
	.changes = {
		{ "store", memory_fd_subject_store },
		{ "write", memory_fd_subject_write },
		{ "grow", memory_fd_subject_grow },
		{ "lseek", memory_fd_subject_seek, .until_freeze = true },
		{ "F_SETFL", memory_fd_subject_setfl, .until_freeze = true },
	},
	.make = memory_fd_subject_make,
	.differ = memory_fd_subject_differ,
};

LUOKIT_CONFORMANCE(memory_fd_luo, memory_fd_subject);

MODULE_DESCRIPTION("KUnit tests of memory-fd");
MODULE_LICENSE("GPL");
