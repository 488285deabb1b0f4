// SPDX-License-Identifier: GPL-2.0
/*
 * foreign_fd_luo_kunit.c - tests of the handler, without a reboot.
 *
 * The conformance suite at the end is the greater part: it is told how a file is made,
 * changed and compared, and tries every rule that a handler has to keep. Above it stands
 * what it cannot know: the layout of the saved state, values in it that no file can have
 * had, and what the owner of the type must refuse meanwhile.
 */

#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mount.h>
#include <luokit_subject.h>
#include <luosdk/handler.h>

#include "foreign_fd_luo_abi.h"
#include "foreign_fd_luo_kunit.h"

static int foreign_fd_kunit_init(struct kunit *test)
{
	test->priv = luokit_boot(test, &foreign_fd_luo_world);
	return 0;
}

static const struct foreign_fd_way *foreign_fd_way(struct luokit *k)
{
	return luokit_private(k);
}

static struct path foreign_fd_root(struct luokit *k)
{
	struct vfsmount *mnt = foreign_fd_way(k)->mnt();

	return (struct path){ .mnt = mnt, .dentry = mnt->mnt_root };
}

/* Yours: a file of the type, as a user makes it. */
static struct file *foreign_fd_user_file(struct luokit *k, const void *data, size_t len,
					 loff_t pos, u32 flags)
{
	struct path root = foreign_fd_root(k);
	struct file *writer, *file;
	loff_t at = 0;

	writer = luokit_own(k, kernel_tmpfile_open(mnt_idmap(root.mnt), &root, S_IFREG | 0600,
						   O_RDWR | O_LARGEFILE, current_cred()));
	if (IS_ERR(writer))
		return writer;
	if (kernel_write(writer, data, len, &at) == len)
		file = dentry_open(&writer->f_path, O_RDONLY | O_LARGEFILE | flags,
				   current_cred());
	else
		file = ERR_PTR(-EIO);
	luokit_put(k, writer);
	if (!IS_ERR(file))
		file->f_pos = pos;
	return file;
}

static struct file *foreign_fd_make(struct luokit *k, const char *text, loff_t pos, u32 flags)
{
	return luokit_own(k, foreign_fd_user_file(k, text, strlen(text), pos, flags));
}

/* A state that is intact, and that no file can have had. */
struct foreign_fd_lie {
	u64 handle;
	struct foreign_fd_luo_ser ser;
};

static void foreign_fd_lie_tell(struct luokit *k, void *ctx)
{
	struct foreign_fd_lie *lie = ctx;
	struct luosdk_state_hdr *hdr = phys_to_virt(lie->handle);
	struct foreign_fd_luo_ser *ser = (void *)(hdr + 1);

	*ser = lie->ser;
	luosdk_state_seal(ser);
}

static void foreign_fd_impossible_state(struct kunit *test)
{
	/* Yours: whatever restore has to refuse. */
	static struct foreign_fd_lie lies[] = {
		{ .ser = { .len = FOREIGN_FD_BYTES + 1 } },
		{ .ser = { .len = ~0 } },
		{ .ser = { .pos = 1ULL << 63 } },
		{ .ser = { .file_flags = O_WRONLY } },
		{ .ser = { .file_flags = O_CREAT } },
	};
	struct luokit *k = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		struct file *s = luokit_create(k, "s");

		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1,
						      foreign_fd_make(k, "a", 0, 0)), 0);
		KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &lies[i].handle), 0);
		luokit_between(k, NULL, foreign_fd_lie_tell, &lies[i]);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luokit_retrieve(k, s, 1)), -EINVAL);
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	}
}

/*
 * The layout is a contract between kernels: these are its bytes.
 *
 * Yours: the bytes of a file whose every field differs from zero.
 */
static void foreign_fd_golden_layout(struct kunit *test)
{
	static const u8 golden[] = {
		0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,	/* pos */
		0x00, 0x08, 0x00, 0x00,				/* O_NONBLOCK */
		0x05, 0x00, 0x00, 0x00,				/* len */
		'h', 'e', 'l', 'l', 'o', 0,
	};
	struct luokit *k = test->priv;
	struct file *file = foreign_fd_make(k, "hello", 3, O_NONBLOCK);
	struct file *s = luokit_create(k, "s");
	u64 data;

	KUNIT_EXPECT_STREQ(test, FOREIGN_FD_LUO_FH_COMPATIBLE, "luosdk-foreign-fd-v1");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &data), 0);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)phys_to_virt(data) +
			   sizeof(struct luosdk_state_hdr), golden, sizeof(golden));
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

/* Yours: what the owner refuses as long as the object is preserved, and no longer. */
static void foreign_fd_held_still(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = foreign_fd_make(k, "hello", 0, 0), *writer;
	struct file *s = luokit_create(k, "s");

	KUNIT_EXPECT_EQ(test, vfs_truncate(&file->f_path, 4), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_EXPECT_EQ(test, vfs_truncate(&file->f_path, 3), -ETXTBSY);
	writer = dentry_open(&file->f_path, O_WRONLY, current_cred());
	KUNIT_EXPECT_PTR_EQ(test, luokit_own(k, writer), ERR_PTR(-ETXTBSY));
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);

	/* The other way round: who writes already keeps it from being preserved. */
	writer = luokit_own(k, dentry_open(&file->f_path, O_WRONLY, current_cred()));
	KUNIT_ASSERT_FALSE(test, IS_ERR(writer));
	s = luokit_create(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, file), -ETXTBSY);
	luokit_put(k, writer);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, vfs_truncate(&file->f_path, FOREIGN_FD_BYTES + 1), 0);

	/* A preserve that fails leaves it as it was. */
	s = luokit_create(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, file), -EFBIG);
	KUNIT_EXPECT_EQ(test, vfs_truncate(&file->f_path, 2), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

static struct kunit_case foreign_fd_luo_cases[] = {
	KUNIT_CASE(foreign_fd_golden_layout),
	KUNIT_CASE(foreign_fd_impossible_state),
	KUNIT_CASE(foreign_fd_held_still),
	{}
};

static struct kunit_suite foreign_fd_luo_suite = {
	.name = "foreign_fd_luo",
	.init = foreign_fd_kunit_init,
	.test_cases = foreign_fd_luo_cases,
};

kunit_test_suite(foreign_fd_luo_suite);

/* ---- The conformance suite: every rule, every order, everything that can fail ---- */

/* Yours: first an ordinary state, then the empty one, every limit, every flag. */
static const struct {
	u32 len;
	loff_t pos;
	u32 flags;
} foreign_fd_states[] = {
	{ 5, 2, 0 },
	{ 0, 0, 0 },
	{ 1, 0, 0 },
	{ FOREIGN_FD_BYTES, FOREIGN_FD_BYTES, 0 },
	{ 9, 1LL << 40, 0 },
	{ 7, 0, O_NONBLOCK },
	{ 7, 0, O_APPEND },
	{ FOREIGN_FD_BYTES + 1, 0, 0 },
};

static struct file *foreign_fd_subject_make(struct luokit *k, u64 arg)
{
	u8 data[FOREIGN_FD_BYTES + 1];
	int i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i % 251;
	return foreign_fd_user_file(k, data, foreign_fd_states[arg].len,
				    foreign_fd_states[arg].pos, foreign_fd_states[arg].flags);
}

/* Yours: everything that has to arrive. What is not compared is not tested. */
static const char *foreign_fd_subject_differ(struct luokit *k, struct file *want,
					     struct file *got)
{
	loff_t size = i_size_read(file_inode(want)), at[2] = { };
	u8 data[2][64];

	if (size != i_size_read(file_inode(got)))
		return "size";
	while (at[0] < size) {
		ssize_t len = kernel_read(want, data[0], sizeof(data[0]), &at[0]);

		if (len <= 0 || kernel_read(got, data[1], sizeof(data[1]), &at[1]) != len)
			return "what can be read";
		if (memcmp(data[0], data[1], len))
			return "contents";
	}
	if (want->f_pos != got->f_pos)
		return "position";
	if (want->f_flags != got->f_flags)
		return "file flags";
	if (want->f_mode != got->f_mode)
		return "f_mode";
	if (want->f_op != got->f_op)
		return "file operations";
	return NULL;
}

/*
 * Yours: what users do to a preserved file, each time something else. The suite does it at any
 * time, preserve included, so what makes preserve refuse the file, as a writer, is no change in
 * its sense: foreign_fd_held_still() has that.
 */
static int foreign_fd_subject_seek(struct luokit *k, struct file *file, u64 n)
{
	return vfs_llseek(file, n, SEEK_SET) == n ? 0 : -EIO;
}

/* What fcntl(F_SETFL) does. */
static int foreign_fd_subject_setfl(struct luokit *k, struct file *file, u64 n)
{
	spin_lock(&file->f_lock);
	file->f_flags ^= n & 1 ? O_NONBLOCK : O_APPEND;
	spin_unlock(&file->f_lock);
	return 0;
}

/* Yours: a second file of the same object, where the owner makes such. */
static struct file *foreign_fd_subject_twin(struct luokit *k, struct file *file)
{
	return dentry_open(&file->f_path, O_RDONLY | O_LARGEFILE, current_cred());
}

/* Yours: the owner's references, which asking for the context must not raise. */
static long foreign_fd_subject_refs(struct luokit *k, struct file *file)
{
	return d_count(file->f_path.dentry);
}

static int foreign_fd_subject_spoil(struct luokit *k, struct file *file)
{
	return vfs_truncate(&file->f_path, FOREIGN_FD_BYTES + 1);
}

/* Yours: what could be taken for a file of the type, and is none. */
static unsigned int foreign_fd_subject_foreign(struct luokit *k, struct luokit_foreign *files,
					       unsigned int max)
{
	struct path root = foreign_fd_root(k);
	struct file *dir;

	if (!max)
		return 0;
	dir = luokit_own(k, dentry_open(&root, O_RDONLY | O_DIRECTORY, current_cred()));
	if (IS_ERR(dir))
		return 0;
	files[0] = (struct luokit_foreign){ "directory of ramfs", dir };
	return 1;
}

static size_t foreign_fd_subject_leaked(struct luokit *k)
{
	return foreign_fd_way(k)->leaked();
}

/* Yours: the names of states and changes; luokit_subject.h has what else can be told. */
static const struct luokit_subject foreign_fd_subject = {
	.world = &foreign_fd_luo_world,
	.states = {
		{ "five bytes", 0 },
		{ "empty", 1, .empty = true },
		{ "one byte", 2 },
		{ "full, at its end", 3 },
		{ "far beyond its end", 4 },
		{ "non-blocking", 5 },
		{ "append", 6 },
		{ "too long", 7, .refused = true },
	},
	.changes = {
		{ "lseek", foreign_fd_subject_seek, .until_freeze = true },
		{ "F_SETFL", foreign_fd_subject_setfl, .until_freeze = true },
	},
	.make = foreign_fd_subject_make,
	.differ = foreign_fd_subject_differ,
	.twin = foreign_fd_subject_twin,
	.refs = foreign_fd_subject_refs,
	.spoil = foreign_fd_subject_spoil,
	.foreign = foreign_fd_subject_foreign,
	.leaked = foreign_fd_subject_leaked,
};

LUOKIT_CONFORMANCE(foreign_fd_luo, foreign_fd_subject);

MODULE_DESCRIPTION("KUnit tests of foreign-fd");
MODULE_LICENSE("GPL");
