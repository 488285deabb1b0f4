// SPDX-License-Identifier: GPL-2.0
/*
 * char_device_luo_kunit.c - tests of the handler, without a reboot.
 *
 * The conformance suites at the end are the greater part: they are told how a device is
 * opened, changed and compared, and try every rule that a handler has to keep. Above them
 * stands what they cannot know: the layout of the saved state, values in it that no device
 * can have had, which device it is, and what happens where the eventfd is not there.
 */

#include <kunit/test.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <luokit_subject.h>
#include <luosdk/handler.h>

#include "char_device_luo_abi.h"
#include "char_device_luo_kunit.h"

enum { DEVICE = 1, EVENTFD };

static int char_device_kunit_init(struct kunit *test)
{
	test->priv = luokit_boot(test, &char_device_luo_world);
	return 0;
}

static int char_device_alone_init(struct kunit *test)
{
	test->priv = luokit_boot(test, &char_device_luo_alone_world);
	return 0;
}

static const struct char_device_way *char_device_way(struct luokit *k)
{
	return luokit_private(k);
}

static int char_device_attach_new(struct luokit *k, struct file *file)
{
	struct file *eventfd = eventfd_create_file(0, 0);
	int err;

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	err = char_device_way(k)->set_irq(file, eventfd);
	fput(eventfd);
	return err;
}

/* Yours: a file as it is when it has been used for a while. */
static struct file *char_device_make(struct luokit *k, unsigned int number, bool irq)
{
	const struct char_device_way *way = char_device_way(k);
	struct file *file = luokit_own(k, way->open(number, O_RDWR | O_NONBLOCK));
	u64 events;

	if (IS_ERR(file) || way->raise(file, 2) || way->take(file, &events) ||
	    (irq && char_device_attach_new(k, file)) || way->raise(file, 3))
		return NULL;

	return file;
}

/* A session with the device, and with its eventfd if it has one. */
static struct file *char_device_session(struct kunit *test, struct file *file)
{
	struct luokit *k = test->priv;
	struct file *irq, *s = luokit_create(k, "s");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, DEVICE, file), 0);
	irq = char_device_way(k)->irq(file);
	if (irq)
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, EVENTFD, irq), 0);

	return s;
}

static void char_device_end(struct kunit *test, struct file *session)
{
	KUNIT_EXPECT_EQ(test, luokit_finish(test->priv, session), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(test->priv, session), 0);
}

/* A state that is intact, and that no device can have had. */
struct char_device_lie {
	u64 handle;
	int err;
	struct char_device_luo_ser ser;
};

static void char_device_lie_tell(struct luokit *k, void *ctx)
{
	struct char_device_lie *lie = ctx;
	struct luosdk_state_hdr *hdr = phys_to_virt(lie->handle);
	struct char_device_luo_ser *ser = (void *)(hdr + 1);

	*ser = lie->ser;
	luosdk_state_seal(ser);
}

static void char_device_impossible_state(struct kunit *test)
{
	/* Yours: whatever restore has to refuse. Token 99 is no file's. */
	struct char_device_lie lies[] = {
		{ .err = -EINVAL, .ser = { .events = 1, .seen = 2 } },
		{ .err = -EINVAL, .ser = { .flags = ~(u32)CHAR_DEVICE_LUO_IRQ } },
		{ .err = -EINVAL, .ser = { .reserved = 1 } },
		{ .err = -EINVAL, .ser = { .file_flags = O_ACCMODE } },
		{ .err = -ENODEV, .ser = { .number = CHAR_DEVICE_KUNIT_DEVICES } },
		{ .err = -ENOENT, .ser = { .flags = CHAR_DEVICE_LUO_IRQ, .irq = 99 } },
	};
	struct luokit *k = test->priv;
	struct file *s;
	int i;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		s = char_device_session(test, char_device_make(k, 0, false));
		KUNIT_ASSERT_EQ(test, luokit_data(k, s, DEVICE, &lies[i].handle), 0);
		luokit_between(k, NULL, char_device_lie_tell, &lies[i]);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luokit_retrieve(k, s, DEVICE)),
				lies[i].err);
		char_device_end(test, s);
	}
}

/*
 * The layout is a contract between kernels: these are its bytes.
 *
 * Yours: the bytes of a device whose every field differs from zero.
 */
static void char_device_golden_layout(struct kunit *test)
{
	static const u8 golden[] = {
		0x03, 0x00, 0x00, 0x00,		/* number */
		0x02, 0x08, 0x00, 0x00,		/* O_RDWR | O_NONBLOCK */
		0x05, 0, 0, 0, 0, 0, 0, 0,	/* events */
		0x02, 0, 0, 0, 0, 0, 0, 0,	/* seen */
		EVENTFD, 0, 0, 0, 0, 0, 0, 0,	/* irq */
		0x01, 0x00, 0x00, 0x00,		/* flags */
		0x00, 0x00, 0x00, 0x00,		/* reserved */
	};
	struct luokit *k = test->priv;
	struct file *s = char_device_session(test, char_device_make(k, 3, true));
	u64 data;

	KUNIT_EXPECT_STREQ(test, CHAR_DEVICE_LUO_FH_COMPATIBLE, "luosdk-char-device-v1");
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, DEVICE, &data), 0);
	/* Which file the eventfd is, is known at freeze. */
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)phys_to_virt(data) +
			   sizeof(struct luosdk_state_hdr), golden, sizeof(golden));
	luokit_thaw(k);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

/* What came back is this device and no other, and its other files are not there. */
static void char_device_which(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct char_device_way *way = char_device_way(k);
	struct file *file = char_device_make(k, 7, false), *other, *s;
	struct char_device_luo_ser ser = {};
	u64 events;

	other = luokit_open_misc(k, "char_device7", O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	KUNIT_ASSERT_EQ(test, way->raise(other, 10), 0);
	char_device_session(test, file);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);

	s = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, s, DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	way->look(file, &ser);
	KUNIT_EXPECT_EQ(test, ser.number, 7);
	KUNIT_EXPECT_EQ(test, ser.events, 15);
	/* Each file has seen what it has seen. */
	other = luokit_open_misc(k, "char_device7", O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	KUNIT_EXPECT_EQ(test, way->take(other, &events), -EAGAIN);
	KUNIT_EXPECT_EQ(test, way->take(file, &events), 0);
	KUNIT_EXPECT_EQ(test, events, 13);
	char_device_end(test, s);
}

/* One device, two files, whichever is first. */
static void char_device_two_files(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *one = char_device_make(k, 0, false), *two, *s, *t;

	two = luokit_open_misc(k, "char_device0", O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(two));
	s = char_device_session(test, one);
	t = luokit_create(k, "t");
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 5, two), -EBUSY);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, t, 5, two), -EBUSY);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, t, 5, two), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, t), 0);
}

/* Somebody opens the device before its file is retrieved: his it is. */
static void char_device_taken(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct char_device_way *way = char_device_way(k);
	struct file *other, *s;
	u64 events;

	char_device_session(test, char_device_make(k, 0, false));
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	other = luokit_open_misc(k, "char_device0", O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, DEVICE), ERR_PTR(-EBUSY));
	KUNIT_EXPECT_EQ(test, way->take(other, &events), -EAGAIN);
	char_device_end(test, s);
}

/* The eventfd is not preserved: the update is aborted, and all goes on. */
static void char_device_missing_eventfd(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = char_device_make(k, 0, true), *s = luokit_create(k, "s");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, DEVICE, file), 0);
	/* Or everything from here on would wait for the end. */
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), -ENOENT);
	KUNIT_EXPECT_EQ(test, char_device_way(k)->raise(file, 1), 0);
	/* Without it, or with it, there is nothing in the way. */
	KUNIT_EXPECT_EQ(test, char_device_way(k)->set_irq(file, NULL), 0);
	KUNIT_EXPECT_EQ(test, luokit_freeze(k), 0);
	luokit_thaw(k);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

/* The number leads to a file that is no eventfd: the device is as it was found. */
static void char_device_no_eventfd(struct kunit *test)
{
	struct char_device_lie lie = {
		.ser = { .events = 4, .flags = CHAR_DEVICE_LUO_IRQ, .irq = 10 },
	};
	struct luokit *k = test->priv;
	struct char_device_luo_ser ser = {};
	struct file *file, *s;

	s = char_device_session(test, char_device_make(k, 0, false));
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 10, char_device_make(k, 1, false)), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, DEVICE, &lie.handle), 0);
	luokit_between(k, NULL, char_device_lie_tell, &lie);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, DEVICE), ERR_PTR(-EINVAL));
	file = luokit_open_misc(k, "char_device0", O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	char_device_way(k)->look(file, &ser);
	KUNIT_EXPECT_EQ(test, ser.events, 0);
	char_device_end(test, s);
}

/* Both files, preserved and retrieved in any order, or not retrieved. */
static int char_device_files_make(struct luokit *k, struct file **files)
{
	files[0] = char_device_make(k, 0, true);
	if (!files[0])
		return -ENOMEM;
	files[1] = luokit_own(k, get_file(char_device_way(k)->irq(files[0])));

	return 0;
}

static const char *char_device_files_differ(struct luokit *k, struct file **files)
{
	struct eventfd_ctx *ctx;
	u64 before, after;

	if (!files[0] || !files[1])
		return NULL;
	if (char_device_way(k)->irq(files[0]) != files[1])
		return "which eventfd is signalled";

	ctx = eventfd_ctx_fileget(files[1]);
	eventfd_ctx_peek(ctx, &before);
	char_device_way(k)->raise(files[0], 1);
	eventfd_ctx_peek(ctx, &after);
	eventfd_ctx_put(ctx);

	return after == before + 1 ? NULL : "whether the eventfd is signalled";
}

static const struct luokit_ordered char_device_files = {
	.names = { "device", "eventfd" },
	.nr = 2,
	.make = char_device_files_make,
	.differ = char_device_files_differ,
};

static void char_device_orders(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, luokit_orders(test->priv, &char_device_files), 2 * 2 + 16);
}

static struct kunit_case char_device_luo_cases[] = {
	KUNIT_CASE(char_device_golden_layout),
	KUNIT_CASE(char_device_impossible_state),
	KUNIT_CASE(char_device_which),
	KUNIT_CASE(char_device_two_files),
	KUNIT_CASE(char_device_taken),
	KUNIT_CASE(char_device_missing_eventfd),
	KUNIT_CASE(char_device_no_eventfd),
	KUNIT_CASE(char_device_orders),
	{}
};

static struct kunit_suite char_device_luo_suite = {
	.name = "char_device_luo",
	.init = char_device_kunit_init,
	.test_cases = char_device_luo_cases,
};

/* ---- A kernel without look-ups ----------------------------------------------------- */

/* With an eventfd it cannot be carried over, and that is said at once. */
static void char_device_alone_refused(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = char_device_make(k, 0, true), *s = luokit_create(k, "s");

	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, DEVICE, file), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, char_device_way(k)->set_irq(file, NULL), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, DEVICE, file), 0);
	/* Or too late for that: the update is aborted. */
	KUNIT_EXPECT_EQ(test, char_device_attach_new(k, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

static struct kunit_case char_device_alone_cases[] = {
	KUNIT_CASE(char_device_alone_refused),
	{}
};

static struct kunit_suite char_device_alone_suite = {
	.name = "char_device_luo_alone",
	.init = char_device_alone_init,
	.test_cases = char_device_alone_cases,
};

kunit_test_suites(&char_device_luo_suite, &char_device_alone_suite);

/* ---- The conformance suite: every rule, every order, everything that can fail ---- */

/* Yours: first an ordinary state, then the empty one, every limit, every flag. */
static const struct {
	u64 seen, unseen;
	u32 flags;
	bool irq;
} char_device_states[] = {
	{ 2, 3, O_RDWR },
	{ 0, 0, O_RDWR },
	{ 2, 3, O_RDWR, .irq = true },
	{ 0, 0, O_RDWR, .irq = true },
	{ 5, 0, O_RDWR },
	{ 1, U64_MAX - 1, O_RDWR },
	{ 1, 1, O_RDONLY },
	{ 1, 1, O_WRONLY },
	{ 1, 1, O_RDWR | O_NONBLOCK },
};

/*
 * Not always the first device that nobody has: that can be promised to a file that is not
 * retrieved yet. Boots do not change it, so it is none of a kernel's.
 */
static unsigned int char_device_turn;

static struct file *char_device_next(struct luokit *k, u32 flags)
{
	struct file *file = ERR_PTR(-EBUSY);
	unsigned int i;

	for (i = 0; i < CHAR_DEVICE_KUNIT_DEVICES && file == ERR_PTR(-EBUSY); i++)
		file = char_device_way(k)->open(char_device_turn++ % CHAR_DEVICE_KUNIT_DEVICES,
						flags);
	return file;
}

static struct file *char_device_subject_make(struct luokit *k, u64 arg)
{
	const struct char_device_way *way = char_device_way(k);
	struct file *file = char_device_next(k, char_device_states[arg].flags);
	u64 events;
	int err;

	if (IS_ERR(file))
		return file;

	err = way->raise(file, char_device_states[arg].seen);
	if (!err && char_device_states[arg].seen)
		err = way->take(file, &events);
	if (!err && char_device_states[arg].irq)
		err = char_device_attach_new(k, file);
	if (!err)
		err = way->raise(file, char_device_states[arg].unseen);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}

	return file;
}

/* Yours: everything that has to arrive. What is not compared is not tested. */
static const char *char_device_subject_differ(struct luokit *k, struct file *want,
					      struct file *got)
{
	const struct char_device_way *way = char_device_way(k);
	struct char_device_luo_ser w = {}, g = {};

	way->look(want, &w);
	way->look(got, &g);
	if (w.events != g.events)
		return "events";
	if (w.seen != g.seen)
		return "events seen";
	if (w.file_flags != g.file_flags)
		return "file flags";
	if (!way->irq(want) != !way->irq(got))
		return "the interrupt";
	return NULL;
}

/* A second open, which is a second struct file. */
static struct file *char_device_subject_twin(struct luokit *k, struct file *file)
{
	struct char_device_luo_ser ser = {};
	char name[64];
	struct file *twin;

	char_device_way(k)->look(file, &ser);
	snprintf(name, sizeof(name), "char_device%u", ser.number);
	twin = luokit_open_misc(k, name, O_RDWR);
	/* That one is the kit's already; the caller is given one more reference. */
	return IS_ERR(twin) ? twin : get_file(twin);
}

/* The files that it needs. */
static unsigned int char_device_subject_company(struct luokit *k, struct file *file,
						struct file **files, unsigned int max)
{
	struct file *irq = char_device_way(k)->irq(file);

	if (irq && max)
		files[0] = irq;
	return irq ? 1 : 0;
}

/* Yours: what users do to a preserved file, each time something else. */
static int char_device_subject_raise(struct luokit *k, struct file *file, u64 n)
{
	return char_device_way(k)->raise(file, n);
}

static int char_device_subject_take(struct luokit *k, struct file *file, u64 n)
{
	u64 events;
	int err = char_device_way(k)->take(file, &events);

	return err == -EAGAIN ? 0 : err;
}

static int char_device_subject_detach(struct luokit *k, struct file *file, u64 n)
{
	return char_device_way(k)->set_irq(file, NULL);
}

/* What fcntl(F_SETFL) does. */
static int char_device_subject_setfl(struct luokit *k, struct file *file, u64 n)
{
	spin_lock(&file->f_lock);
	file->f_flags ^= n & 1 ? O_NONBLOCK : O_APPEND;
	spin_unlock(&file->f_lock);
	return 0;
}

static size_t char_device_subject_leaked(struct luokit *k)
{
	return char_device_way(k)->leaked();
}

/* Yours: the names of states and changes; luokit_subject.h has what else can be told. */
static const struct luokit_subject char_device_subject = {
	.world = &char_device_luo_world,
	.states = {
		{ "some events seen", 0 },
		{ "no events", 1, .empty = true },
		{ "with an eventfd", 2 },
		{ "with an eventfd and no events", 3 },
		{ "all events seen", 4 },
		{ "as many events as can be", 5 },
		{ "read-only", 6 },
		{ "write-only", 7 },
		{ "non-blocking", 8 },
	},
	.changes = {
		{ "events", char_device_subject_raise },
		{ "the events are read", char_device_subject_take },
		{ "the eventfd is detached", char_device_subject_detach },
		{ "F_SETFL", char_device_subject_setfl, .until_freeze = true },
	},
	.make = char_device_subject_make,
	.differ = char_device_subject_differ,
	.twin = char_device_subject_twin,
	.company = char_device_subject_company,
	.leaked = char_device_subject_leaked,
};

LUOKIT_CONFORMANCE(char_device_luo, char_device_subject);

/* The same without look-ups. */
static const struct luokit_subject char_device_alone_subject = {
	.world = &char_device_luo_alone_world,
	.states = {
		{ "some events seen", 0 },
		{ "no events", 1, .empty = true },
		{ "with an eventfd", 2, .refused = true },
		{ "non-blocking", 8 },
	},
	.changes = {
		{ "events", char_device_subject_raise },
	},
	.make = char_device_subject_make,
	.differ = char_device_subject_differ,
	.twin = char_device_subject_twin,
	.spoil = char_device_attach_new,
	.leaked = char_device_subject_leaked,
};

LUOKIT_CONFORMANCE(char_device_luo_alone, char_device_alone_subject);

MODULE_DESCRIPTION("KUnit tests of char-device");
MODULE_LICENSE("GPL");
