// SPDX-License-Identifier: GPL-2.0
/*
 * fdt_kunit.c - tests of luosdk/fdt.h: what is written, what comes of it in the new kernel,
 * and what becomes of damaged trees.
 *
 * What a tree is made of is tested on trees in ordinary memory, and against libfdt. How a tree
 * crosses is tested on the engines of engine.h. The last lines put their handler through
 * the conformance kit.
 */

#include <kunit/test.h>
#include <linux/file.h>
#include <linux/libfdt.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <luokit_subject.h>
#include <luosdk/handler.h>

#include "engine.h"

struct engine_knobs engine_knobs;

static const struct engine_way *engine_way(struct luokit *k)
{
	return luokit_private(k);
}

static int fdt_init(struct kunit *test)
{
	engine_knobs = (struct engine_knobs){ };
	test->priv = luokit_boot(test, &engine_world);
	return 0;
}

static struct file *fdt_engine(struct luokit *k, u32 speed, u32 nr_maps)
{
	return luokit_own(k, engine_way(k)->create(speed, nr_maps));
}

static void fdt_expect_engine(struct kunit *test, struct file *file, u32 speed, u32 nr_maps)
{
	const struct engine_way *way = engine_way(test->priv);
	u32 i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, way->speed(file), speed);
	KUNIT_ASSERT_EQ(test, way->nr_maps(file), nr_maps);
	for (i = 0; i < nr_maps; i++)
		KUNIT_EXPECT_EQ(test, way->map(file, i), i * 0x9e3779b97f4a7c15ULL + 1);
}

/* ---- What a tree is made of ------------------------------------------------------------ */

/* A tree in ordinary memory, complete. It is freed with the test. */
static void *fdt_made(struct kunit *test, void (*write)(struct luosdk_fdt_out *out), u32 *bytes)
{
	struct luosdk_fdt_out out;
	void *fdt;

	luosdk_fdt_begin(&out);
	write(&out);
	KUNIT_ASSERT_EQ(test, luosdk_fdt_end(&out), 0);
	*bytes = fdt_totalsize(out.buf);
	/* To the byte: whoever reads behind the end is seen by KASAN. */
	fdt = kunit_kmalloc(test, *bytes, GFP_KERNEL);
	if (fdt)
		memcpy(fdt, out.buf, *bytes);
	luosdk_fdt_free(&out);
	KUNIT_ASSERT_NOT_NULL(test, fdt);

	return fdt;
}

/* Make it readable where it is. */
static struct luosdk_fdt_in *fdt_entered(struct kunit *test, const void *fdt, u32 bytes)
{
	struct luosdk_fdt_in *in = kunit_kzalloc(test, sizeof(*in), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, in);
	in->who = "test";
	KUNIT_ASSERT_STREQ(test, luosdk_fdt_enter(in, fdt, bytes) ?: "", "");

	return in;
}

static const u64 fdt_numbers[] = { 0, 1, U64_MAX, 0x0123456789abcdefULL };

/* One of everything. */
static void fdt_write_all(struct luosdk_fdt_out *out)
{
	luosdk_fdt_put_string(out, "model", "abc");
	luosdk_fdt_put_u32(out, "speed", 0x01020304);
	luosdk_fdt_put_u64(out, "size", 0x0102030405060708ULL);
	luosdk_fdt_put_u64s(out, "numbers", fdt_numbers, ARRAY_SIZE(fdt_numbers));
	luosdk_fdt_put_bytes(out, "bytes", "12345", 5);
	luosdk_fdt_put_bytes(out, "flag", NULL, 0);
	luosdk_fdt_begin_node(out, "mapping", 0);
	luosdk_fdt_put_u64(out, "size", 10);
	luosdk_fdt_begin_node(out, "part", 0xabcdef0123456789ULL);
	luosdk_fdt_put_u32(out, "speed", 11);
	luosdk_fdt_end_node(out);
	luosdk_fdt_end_node(out);
	luosdk_fdt_begin_node(out, "mappings", LUOSDK_FDT_NO_UNIT);
	luosdk_fdt_end_node(out);
	luosdk_fdt_begin_node(out, "mapping", 0x1f);
	luosdk_fdt_put_u64(out, "size", 20);
	luosdk_fdt_end_node(out);
	luosdk_fdt_begin_node(out, "mapping", 16);
	luosdk_fdt_end_node(out);
}

/* The bytes of it: ABI. */
static void fdt_golden(struct luosdk_fdt_out *out)
{
	luosdk_fdt_put_u32(out, "speed", 7);
	luosdk_fdt_begin_node(out, "map", 10);
	luosdk_fdt_put_bytes(out, "b", "x", 1);
	luosdk_fdt_end_node(out);
}

static void fdt_layout(struct kunit *test)
{
	static const u8 golden[] = {
		0xd0, 0x0d, 0xfe, 0xed, 0, 0, 0, 0x80,	/* magic, all bytes */
		0, 0, 0, 0x38, 0, 0, 0, 0x78,		/* structure, names */
		0, 0, 0, 0x28, 0, 0, 0, 17,		/* memory, version */
		0, 0, 0, 16, 0, 0, 0, 0,		/* compatible with, processor */
		0, 0, 0, 8, 0, 0, 0, 0x40,		/* bytes of names, of structure */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 1, 0, 0, 0, 0,			/* the root */
		0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 7,
		0, 0, 0, 1, 'm', 'a', 'p', '@', 'a', 0, 0, 0,
		0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 6, 'x', 0, 0, 0,
		0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 9,
		's', 'p', 'e', 'e', 'd', 0, 'b', 0,
	};
	u32 bytes;
	void *fdt = fdt_made(test, fdt_golden, &bytes);

	KUNIT_ASSERT_EQ(test, bytes, sizeof(golden));
	KUNIT_EXPECT_MEMEQ(test, fdt, golden, sizeof(golden));
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_fdt_ser, phys), 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_fdt_ser, room), 8);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_fdt_ser, bytes), 12);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_fdt_ser, crc), 20);
	KUNIT_EXPECT_EQ(test, sizeof(struct luosdk_fdt_ser), 24);
}

/* libfdt finds everything in it, by the same names. */
static void fdt_as_libfdt_reads(struct kunit *test)
{
	u32 bytes;
	void *fdt = fdt_made(test, fdt_write_all, &bytes);
	int at, len;

	KUNIT_ASSERT_EQ(test, fdt_check_header(fdt), 0);
	KUNIT_EXPECT_STREQ(test, fdt_getprop(fdt, 0, "model", &len), "abc");
	KUNIT_EXPECT_EQ(test, len, 4);
	KUNIT_EXPECT_EQ(test, fdt32_ld(fdt_getprop(fdt, 0, "speed", &len)), 0x01020304);
	KUNIT_EXPECT_NOT_NULL(test, fdt_getprop(fdt, 0, "flag", &len));
	KUNIT_EXPECT_EQ(test, len, 0);
	at = fdt_path_offset(fdt, "/mapping@0/part@abcdef0123456789");
	KUNIT_ASSERT_GT(test, at, 0);
	KUNIT_EXPECT_EQ(test, fdt32_ld(fdt_getprop(fdt, at, "speed", &len)), 11);
	at = fdt_path_offset(fdt, "/mapping@1f");
	KUNIT_ASSERT_GT(test, at, 0);
	KUNIT_EXPECT_EQ(test, fdt64_ld(fdt_getprop(fdt, at, "size", &len)), 20);
	KUNIT_EXPECT_GT(test, fdt_path_offset(fdt, "/mappings"), 0);
	KUNIT_EXPECT_GT(test, fdt_path_offset(fdt, "/mapping@10"), 0);
}

/* The same tree by libfdt's writer: its names are in another order, and it is read all the same. */
static void *fdt_by_libfdt(struct kunit *test, u32 *bytes)
{
	void *fdt = kunit_kzalloc(test, 1024, GFP_KERNEL);
	__be64 size = cpu_to_be64(20);
	int err;

	KUNIT_ASSERT_NOT_NULL(test, fdt);
	err = fdt_create(fdt, 1024) ?: fdt_finish_reservemap(fdt) ?: fdt_begin_node(fdt, "") ?:
	      fdt_property_string(fdt, "model", "abc") ?: fdt_property_u32(fdt, "speed", 7) ?:
	      fdt_begin_node(fdt, "mapping@1f") ?: fdt_property(fdt, "size", &size, 8) ?:
	      fdt_end_node(fdt) ?: fdt_end_node(fdt) ?: fdt_finish(fdt);
	KUNIT_ASSERT_EQ(test, err, 0);
	*bytes = fdt_totalsize(fdt);

	return fdt;
}

static void fdt_as_libfdt_writes(struct kunit *test)
{
	struct luosdk_fdt_node root, map = { };
	struct luosdk_fdt_in *in;
	u64 size = 0, unit = 0;
	u32 bytes, speed = 0;
	void *fdt = fdt_by_libfdt(test, &bytes);

	in = fdt_entered(test, fdt, bytes);
	root = luosdk_fdt_root(in);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32(&root, "speed", &speed), 0);
	KUNIT_EXPECT_EQ(test, speed, 7);
	KUNIT_ASSERT_TRUE(test, luosdk_fdt_next_node(&root, &map, "mapping"));
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64(&map, "size", &size), 0);
	KUNIT_EXPECT_EQ(test, size, 20);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_unit(&map, &unit), 0);
	KUNIT_EXPECT_EQ(test, unit, 0x1f);
	KUNIT_EXPECT_FALSE(test, luosdk_fdt_next_node(&root, &map, NULL));
}

/* In the order in which it was written, and backwards. */
static void fdt_properties(struct kunit *test)
{
	char name[] = "speed", data[5];
	struct luosdk_fdt_node root;
	u64 size = 0, numbers[4];
	const char *model = NULL;
	struct luosdk_fdt_in *in;
	u32 bytes, speed, round;
	size_t len = 9;
	void *fdt = fdt_made(test, fdt_write_all, &bytes);

	in = fdt_entered(test, fdt, bytes);
	root = luosdk_fdt_root(in);
	for (round = 0; round < 2; round++) {
		KUNIT_EXPECT_EQ(test, luosdk_fdt_get_string(&root, "model", &model), 0);
		KUNIT_EXPECT_STREQ(test, model, "abc");
		speed = 0;
		KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32(&root, "speed", &speed), 0);
		KUNIT_EXPECT_EQ(test, speed, 0x01020304);
		KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64(&root, "size", &size), 0);
		KUNIT_EXPECT_EQ(test, size, 0x0102030405060708ULL);
		KUNIT_EXPECT_EQ(test, luosdk_fdt_count_u64s(&root, "numbers"), 4);
		KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64s(&root, "numbers", numbers, 4), 0);
		KUNIT_EXPECT_MEMEQ(test, numbers, fdt_numbers, sizeof(numbers));
		KUNIT_EXPECT_EQ(test, luosdk_fdt_get_bytes(&root, "bytes", data, 5), 0);
		KUNIT_EXPECT_MEMEQ(test, data, "12345", 5);
		KUNIT_EXPECT_TRUE(test, luosdk_fdt_has(&root, "flag"));
	}

	speed = 0;
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_bytes(&root, "bytes", data, 5), 0);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64(&root, "size", &size), 0);
	/* A name that is no literal, and one that changes. */
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32(&root, name, &speed), 0);
	KUNIT_EXPECT_EQ(test, speed, 0x01020304);
	strscpy(name, "flag");
	KUNIT_EXPECT_NOT_NULL(test, luosdk_fdt_get_any(&root, name, &len));
	KUNIT_EXPECT_EQ(test, len, 0);
	KUNIT_EXPECT_NULL(test, luosdk_fdt_get_any(&root, "other", &len));
}

static void fdt_nodes(struct kunit *test)
{
	static const char * const names[] = {
		"mapping@0", "mappings", "mapping@1f", "mapping@10",
	};
	struct luosdk_fdt_node root, node = { }, part;
	struct luosdk_fdt_in *in;
	u32 bytes, speed, i;
	u64 unit = 7, size;
	void *fdt = fdt_made(test, fdt_write_all, &bytes);

	in = fdt_entered(test, fdt, bytes);
	root = luosdk_fdt_root(in);
	KUNIT_EXPECT_STREQ(test, luosdk_fdt_name_of(&root), "/");

	for (i = 0; luosdk_fdt_next_node(&root, &node, NULL); i++) {
		KUNIT_ASSERT_LT(test, i, 4);
		KUNIT_EXPECT_STREQ(test, luosdk_fdt_name_of(&node), names[i]);
		KUNIT_EXPECT_EQ(test, luosdk_fdt_node_is(&node, "mapping"), i != 1);
		KUNIT_EXPECT_EQ(test, luosdk_fdt_node_is(&node, "mappings"), i == 1);
		KUNIT_EXPECT_FALSE(test, luosdk_fdt_node_is(&node, "map"));
	}
	KUNIT_EXPECT_EQ(test, i, 4);
	/* At the end it stays there. */
	KUNIT_EXPECT_FALSE(test, luosdk_fdt_next_node(&root, &node, NULL));

	/* By name, wherever the properties were read up to. */
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32(&root, "speed", &speed), 0);
	memset(&node, 0, sizeof(node));
	for (i = 0; luosdk_fdt_next_node(&root, &node, "mapping"); i++)
		if (!i)
			KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64(&node, "size", &size), 0);
	KUNIT_EXPECT_EQ(test, i, 3);

	KUNIT_EXPECT_EQ(test, luosdk_fdt_node(&root, "mapping", 0x1f, &node), 0);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64(&node, "size", &size), 0);
	KUNIT_EXPECT_EQ(test, size, 20);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_node(&root, "mappings", LUOSDK_FDT_NO_UNIT, &node), 0);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_unit(&node, &unit), -EINVAL);
	KUNIT_EXPECT_EQ(test, unit, 7);
	KUNIT_EXPECT_FALSE(test, luosdk_fdt_next_node(&node, &(struct luosdk_fdt_node){ }, NULL));
	KUNIT_EXPECT_EQ(test, luosdk_fdt_node(&root, "mapping", 0, &node), 0);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_unit(&node, &unit), 0);
	KUNIT_EXPECT_EQ(test, unit, 0);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_node(&node, "part", 0xabcdef0123456789ULL, &part), 0);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_unit(&part, &unit), 0);
	KUNIT_EXPECT_EQ(test, unit, 0xabcdef0123456789ULL);

	KUNIT_EXPECT_EQ(test, luosdk_fdt_node(&root, "part", 0xabcdef0123456789ULL, &node),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_node(&root, "mapping", 1, &node), -ENOENT);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_node(&root, "", 1, &node), -ENOENT);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_node(&root, "a.name.that.is.longer.than.31.letters",
					      1, &node), -ENOENT);
}

static void fdt_write_units(struct luosdk_fdt_out *out)
{
	static const char * const names[] = {
		"a@", "a@g", "a@12345678901234567", "a@-1", "a", "a@1"
	};
	unsigned int i;

	/* Names that somebody made by hand. */
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		luosdk_fdt_begin_node(out, names[i], LUOSDK_FDT_NO_UNIT);
		luosdk_fdt_end_node(out);
	}
}

static void fdt_units(struct kunit *test)
{
	struct luosdk_fdt_node root, node = { };
	struct luosdk_fdt_in *in;
	u32 bytes, i;
	u64 unit = 0;
	void *fdt = fdt_made(test, fdt_write_units, &bytes);

	in = fdt_entered(test, fdt, bytes);
	root = luosdk_fdt_root(in);
	for (i = 0; luosdk_fdt_next_node(&root, &node, "a"); i++)
		KUNIT_EXPECT_EQ_MSG(test, luosdk_fdt_unit(&node, &unit), i < 5 ? -EINVAL : 0,
				    "%s", luosdk_fdt_name_of(&node));
	KUNIT_EXPECT_EQ(test, i, 6);
	KUNIT_EXPECT_EQ(test, unit, 1);
	/* The root has no name at all. */
	KUNIT_EXPECT_EQ(test, luosdk_fdt_unit(&root, &unit), -EINVAL);
}

static void fdt_write_lengths(struct luosdk_fdt_out *out)
{
	luosdk_fdt_begin_node(out, "node", 0);
	luosdk_fdt_put_u32(out, "speed", 7);
	luosdk_fdt_end_node(out);
	luosdk_fdt_begin_node(out, "node", 1);
	luosdk_fdt_put_u64(out, "speed", 7);
	luosdk_fdt_end_node(out);
}

/* What comes where it was expected, but is of another length than the one before it. */
static void fdt_expected_of_another_length(struct kunit *test)
{
	static const int want[] = { 0, -EINVAL };
	struct luosdk_fdt_node root, node = { };
	struct luosdk_fdt_in *in;
	u32 bytes, i, speed = 0;
	void *fdt = fdt_made(test, fdt_write_lengths, &bytes);

	in = fdt_entered(test, fdt, bytes);
	root = luosdk_fdt_root(in);
	for (i = 0; luosdk_fdt_next_node(&root, &node, "node"); i++)
		KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32(&node, "speed", &speed), want[i]);
	KUNIT_EXPECT_EQ(test, i, 2);
	KUNIT_EXPECT_EQ(test, speed, 7);
}

/* A reader gets what has its length, or an error and nothing. */
static void fdt_lengths(struct kunit *test)
{
	u64 size = 5, numbers[5] = { 5 };
	struct luosdk_fdt_node root;
	const char *model = "none";
	struct luosdk_fdt_in *in;
	u32 bytes, speed = 5;
	u8 data[6] = { 5 };
	void *fdt = fdt_made(test, fdt_write_all, &bytes);

	in = fdt_entered(test, fdt, bytes);
	root = luosdk_fdt_root(in);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32(&root, "size", &speed), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32(&root, "flag", &speed), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32(&root, "bytes", &speed), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32_or(&root, "size", &speed, 6), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32(&root, "none", &speed), -ENOENT);
	KUNIT_EXPECT_EQ(test, speed, 5);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64(&root, "speed", &size), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64(&root, "numbers", &size), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64_or(&root, "speed", &size, 6), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64(&root, "none", &size), -ENOENT);
	KUNIT_EXPECT_EQ(test, size, 5);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64s(&root, "numbers", numbers, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64s(&root, "numbers", numbers, 5), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64s(&root, "numbers", numbers, SIZE_MAX), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64s(&root, "none", numbers, 4), -ENOENT);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_count_u64s(&root, "bytes"), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_count_u64s(&root, "none"), -ENOENT);
	KUNIT_EXPECT_EQ(test, numbers[0], 5);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_bytes(&root, "bytes", data, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_bytes(&root, "bytes", data, 6), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_bytes(&root, "none", data, 5), -ENOENT);
	KUNIT_EXPECT_EQ(test, data[0], 5);
	/* No zero, a zero too early, nothing at all. */
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_string(&root, "bytes", &model), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_string(&root, "numbers", &model), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_string(&root, "flag", &model), -EINVAL);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_string(&root, "none", &model), -ENOENT);
	KUNIT_EXPECT_STREQ(test, model, "none");

	/* None of this is in the way of what is right. */
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32_or(&root, "none", &speed, 6), 0);
	KUNIT_EXPECT_EQ(test, speed, 6);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64_or(&root, "none", &size, 6), 0);
	KUNIT_EXPECT_EQ(test, size, 6);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32_or(&root, "speed", &speed, 6), 0);
	KUNIT_EXPECT_EQ(test, speed, 0x01020304);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u64_or(&root, "size", &size, 6), 0);
	KUNIT_EXPECT_EQ(test, size, 0x0102030405060708ULL);
}

/* More names than are remembered, by literals and not, twice: each is stored once, or twice. */
static void fdt_write_names(struct luosdk_fdt_out *out)
{
	char name[8];
	u32 node, i;

	luosdk_fdt_put_u32(out, "p3", 3);
	for (node = 0; node < 3; node++) {
		luosdk_fdt_begin_node(out, "node", node);
		for (i = 0; i < 40; i++) {
			scnprintf(name, sizeof(name), "p%u", i);
			luosdk_fdt_put_u32(out, name, 100 * node + i);
		}
		luosdk_fdt_end_node(out);
	}
}

static void fdt_many_names(struct kunit *test)
{
	struct luosdk_fdt_node root, node = { };
	struct luosdk_fdt_in *in;
	u32 bytes, i, value;
	char name[8];
	void *fdt = fdt_made(test, fdt_write_names, &bytes);

	KUNIT_EXPECT_EQ(test, fdt_size_dt_strings(fdt), 10 * 3 + 30 * 4);
	in = fdt_entered(test, fdt, bytes);
	root = luosdk_fdt_root(in);
	while (luosdk_fdt_next_node(&root, &node, "node")) {
		u64 unit;

		KUNIT_ASSERT_EQ(test, luosdk_fdt_unit(&node, &unit), 0);
		for (i = 0; i < 40; i++) {
			scnprintf(name, sizeof(name), "p%u", i);
			KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32(&node, name, &value), 0);
			KUNIT_EXPECT_EQ(test, value, 100 * unit + i);
		}
	}
}

static void fdt_write_literals(struct luosdk_fdt_out *out)
{
	u32 node;

	for (node = 0; node < 3; node++) {
		luosdk_fdt_begin_node(out, "node", node);
		luosdk_fdt_put_u32(out, "a0", 100 * node + 0);
		luosdk_fdt_put_u32(out, "a1", 100 * node + 1);
		luosdk_fdt_put_u32(out, "a2", 100 * node + 2);
		luosdk_fdt_put_u32(out, "a3", 100 * node + 3);
		luosdk_fdt_put_u32(out, "a4", 100 * node + 4);
		luosdk_fdt_put_u32(out, "a5", 100 * node + 5);
		luosdk_fdt_put_u32(out, "a6", 100 * node + 6);
		luosdk_fdt_put_u32(out, "a7", 100 * node + 7);
		luosdk_fdt_put_u32(out, "a8", 100 * node + 8);
		luosdk_fdt_put_u32(out, "a9", 100 * node + 9);
		luosdk_fdt_put_u32(out, "b0", 100 * node + 10);
		luosdk_fdt_put_u32(out, "b1", 100 * node + 11);
		luosdk_fdt_put_u32(out, "b2", 100 * node + 12);
		luosdk_fdt_put_u32(out, "b3", 100 * node + 13);
		luosdk_fdt_put_u32(out, "b4", 100 * node + 14);
		luosdk_fdt_put_u32(out, "b5", 100 * node + 15);
		luosdk_fdt_put_u32(out, "b6", 100 * node + 16);
		luosdk_fdt_put_u32(out, "b7", 100 * node + 17);
		luosdk_fdt_put_u32(out, "b8", 100 * node + 18);
		luosdk_fdt_put_u32(out, "b9", 100 * node + 19);
		luosdk_fdt_end_node(out);
	}
}

static void fdt_many_literals(struct kunit *test)
{
	struct luosdk_fdt_node root, node = { };
	struct luosdk_fdt_in *in;
	u32 bytes, value, nr = 0;
	void *fdt = fdt_made(test, fdt_write_literals, &bytes);

	KUNIT_EXPECT_EQ(test, fdt_size_dt_strings(fdt), 20 * 3);
	in = fdt_entered(test, fdt, bytes);
	root = luosdk_fdt_root(in);
	while (luosdk_fdt_next_node(&root, &node, "node")) {
		char name[3] = "a0";
		u32 i;

		for (i = 0; i < 20; i++) {
			name[0] = 'a' + i / 10;
			name[1] = '0' + i % 10;
			KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32(&node, name, &value), 0);
			KUNIT_EXPECT_EQ(test, value, 100 * nr + i);
		}
		KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32(&node, "a3", &value), 0);
		KUNIT_EXPECT_EQ(test, value, 100 * nr + 3);
		KUNIT_EXPECT_EQ(test, luosdk_fdt_get_u32(&node, "b9", &value), 0);
		KUNIT_EXPECT_EQ(test, value, 100 * nr + 19);
		nr++;
	}
	KUNIT_EXPECT_EQ(test, nr, 3);
}

/* ---- Misuse of the writer -------------------------------------------------------------- */

static void fdt_misuse_order(struct luosdk_fdt_out *out)
{
	luosdk_fdt_begin_node(out, "node", 1);
	luosdk_fdt_end_node(out);
	luosdk_fdt_put_u32(out, "late", 1);
}

static void fdt_misuse_open(struct luosdk_fdt_out *out)
{
	luosdk_fdt_begin_node(out, "node", 1);
}

static void fdt_misuse_close(struct luosdk_fdt_out *out)
{
	luosdk_fdt_end_node(out);
}

static void fdt_misuse_deep(struct luosdk_fdt_out *out)
{
	int i;

	for (i = 0; i < LUOSDK_FDT_DEPTH; i++)
		luosdk_fdt_begin_node(out, "node", i);
	for (i = 0; i < LUOSDK_FDT_DEPTH; i++)
		luosdk_fdt_end_node(out);
}

static void fdt_misuse_node(struct luosdk_fdt_out *out)
{
	luosdk_fdt_begin_node(out, "", 1);
	luosdk_fdt_end_node(out);
}

static void fdt_misuse_long_node(struct luosdk_fdt_out *out)
{
	luosdk_fdt_begin_node(out, "a.name.that.has.32.letters......", 1);
	luosdk_fdt_end_node(out);
}

static void fdt_misuse_name(struct luosdk_fdt_out *out)
{
	luosdk_fdt_put_u32(out, "", 1);
}

static void fdt_misuse_long_name(struct luosdk_fdt_out *out)
{
	luosdk_fdt_put_u32(out, "a.name.that.has.32.letters......", 1);
}

static void fdt_misuse_large(struct luosdk_fdt_out *out)
{
	luosdk_fdt_put_bytes(out, "bytes", fdt_numbers, SIZE_MAX);
}

/* Where the same property, of a length that is right, was just written. */
static void fdt_misuse_large_again(struct luosdk_fdt_out *out)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		luosdk_fdt_put_bytes(out, "bytes", fdt_numbers, i ? SIZE_MAX : 8);
}

static void fdt_misuse_large_array(struct luosdk_fdt_out *out)
{
	luosdk_fdt_put_u64s(out, "numbers", fdt_numbers, SIZE_MAX / 8 + 2);
}

static void fdt_misuse_large_together(struct luosdk_fdt_out *out)
{
	luosdk_fdt_put_bytes(out, "bytes", fdt_numbers, LUOSDK_FDT_MAX);
}

struct fdt_misuse {
	const char *name;
	void (*write)(struct luosdk_fdt_out *out);
	int err;
};

static const struct fdt_misuse fdt_misuses[] = {
	{ "a property after a node",	fdt_misuse_order,		-EINVAL },
	{ "a node does not end",	fdt_misuse_open,		-EINVAL },
	{ "the root is ended",		fdt_misuse_close,		-EINVAL },
	{ "nested too deep",		fdt_misuse_deep,		-EINVAL },
	{ "a node without a name",	fdt_misuse_node,		-EINVAL },
	{ "a node's name too long",	fdt_misuse_long_node,		-EINVAL },
	{ "a property without a name",	fdt_misuse_name,		-EINVAL },
	{ "a property's name too long",	fdt_misuse_long_name,		-EINVAL },
	{ "too large",			fdt_misuse_large,		-EFBIG },
	{ "too large, expected",	fdt_misuse_large_again,		-EFBIG },
	{ "an array too large",		fdt_misuse_large_array,		-EFBIG },
	{ "too large together",		fdt_misuse_large_together,	-EFBIG },
};

KUNIT_ARRAY_PARAM_DESC(fdt_misuse, fdt_misuses, name);

/* The first error is kept, whatever is written after it, and nothing is preserved. */
static void fdt_misused(struct kunit *test)
{
	const struct fdt_misuse *m = test->param_value;
	struct luosdk_fdt_ser ser = { };
	struct luosdk_fdt_out out;

	luosdk_fdt_begin(&out);
	m->write(&out);
	luosdk_fdt_put_u32(&out, "speed", 1);
	luosdk_fdt_put_bytes(&out, "bytes", "1", 1);
	luosdk_fdt_put_u64s(&out, "numbers", fdt_numbers, 2);
	KUNIT_EXPECT_EQ(test, luosdk_fdt_preserve(&out, &ser, 0), m->err);
	KUNIT_EXPECT_EQ(test, ser.phys, 0);
	KUNIT_EXPECT_NULL(test, out.buf);
}

/* As deep as it may be. */
static void fdt_write_deep(struct luosdk_fdt_out *out)
{
	int i;

	for (i = 1; i < LUOSDK_FDT_DEPTH; i++)
		luosdk_fdt_begin_node(out, "a.name.that.has.31.letters.....", U64_MAX - 1);
	for (i = 1; i < LUOSDK_FDT_DEPTH; i++)
		luosdk_fdt_end_node(out);
}

static void fdt_deep(struct kunit *test)
{
	struct luosdk_fdt_node node;
	struct luosdk_fdt_in *in;
	u32 bytes, i;
	void *fdt = fdt_made(test, fdt_write_deep, &bytes);

	in = fdt_entered(test, fdt, bytes);
	node = luosdk_fdt_root(in);
	for (i = 1; i < LUOSDK_FDT_DEPTH; i++) {
		KUNIT_EXPECT_EQ(test, luosdk_fdt_node(&node, "a.name.that.has.31.letters.....",
						      U64_MAX - 1, &node), 0);
		KUNIT_EXPECT_EQ(test, strlen(luosdk_fdt_name_of(&node)), LUOSDK_FDT_FULL_NAME - 1);
	}
	KUNIT_EXPECT_FALSE(test, luosdk_fdt_next_node(&node, &(struct luosdk_fdt_node){ }, NULL));
}

/* ---- Growth, and no growth ------------------------------------------------------------- */

static u32 fdt_nr;

static void fdt_write_many(struct luosdk_fdt_out *out)
{
	u32 i;

	for (i = 0; i < fdt_nr; i++) {
		luosdk_fdt_begin_node(out, "mapping", i);
		luosdk_fdt_put_u32(out, "speed", i);
		luosdk_fdt_put_bytes(out, "bytes", &i, 1 + i % 4);
		luosdk_fdt_end_node(out);
	}
}

static void fdt_expect_many(struct kunit *test, const void *fdt, u32 bytes)
{
	struct luosdk_fdt_in *in = fdt_entered(test, fdt, bytes);
	struct luosdk_fdt_node root = luosdk_fdt_root(in), map = { };
	u32 nr = 0, speed;

	while (luosdk_fdt_next_node(&root, &map, "mapping")) {
		KUNIT_ASSERT_EQ(test, luosdk_fdt_get_u32(&map, "speed", &speed), 0);
		KUNIT_ASSERT_EQ(test, speed, nr++);
	}
	KUNIT_EXPECT_EQ(test, nr, fdt_nr);
}

static void fdt_grows(struct kunit *test)
{
	static const u32 nr[] = { 0, 1, 5, 6, 7, 8, 9, 10, 11, 12, 100, 1000, 20000 };
	unsigned int i;
	u32 bytes;

	for (i = 0; i < ARRAY_SIZE(nr); i++) {
		void *fdt;

		fdt_nr = nr[i];
		fdt = fdt_made(test, fdt_write_many, &bytes);
		fdt_expect_many(test, fdt, bytes);
		kunit_kfree(test, fdt);
	}
}

/* In memory that does not grow, it fits to the byte, and not with one less. */
static void fdt_fits(struct kunit *test)
{
	struct luosdk_fdt_out out;
	u32 bytes, size, want;
	void *fdt, *room;

	fdt_nr = 20;
	fdt = fdt_made(test, fdt_write_many, &bytes);
	for (size = LUOSDK_FDT_STRUCT + 8; size < bytes + 300; size++) {
		room = kmalloc(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, room);
		memset(room, 0xa5, size);
		luosdk_fdt_start(&out, room, size);
		fdt_write_many(&out);
		want = size < bytes ? -ENOSPC : 0;
		KUNIT_EXPECT_EQ_MSG(test, luosdk_fdt_end(&out), want, "%u of %u", size, bytes);
		if (size >= bytes)
			KUNIT_EXPECT_MEMEQ(test, room, fdt, bytes);
		/* It is the caller's. */
		luosdk_fdt_free(&out);
		KUNIT_EXPECT_NULL(test, out.buf);
		kfree(room);
	}
}

/* ---- Damage, in memory ----------------------------------------------------------------- */

/* Read everything that there is, by all ways: nothing must come of it but numbers. */
static u64 fdt_read_all(struct luosdk_fdt_in *in, struct luosdk_fdt_node *node)
{
	static const char * const names[] = {
		"model", "speed", "size", "numbers", "bytes", "flag",
	};
	struct luosdk_fdt_node child = { };
	u64 sum = 0, unit;
	unsigned int i;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		const u8 *at = luosdk_fdt_get_any(node, names[i], &len);

		while (at && len--)
			sum = sum * 31 + at[len];
	}
	while (luosdk_fdt_next_node(node, &child, NULL)) {
		if (strchr(luosdk_fdt_name_of(&child), '@') && !luosdk_fdt_unit(&child, &unit))
			sum += unit;
		sum += fdt_read_all(in, &child);
	}

	return sum;
}

static bool fdt_try(const void *fdt, u32 bytes, u64 *sum)
{
	struct luosdk_fdt_in in = { .who = "test" };
	struct luosdk_fdt_node root;

	if (luosdk_fdt_enter(&in, fdt, bytes))
		return false;
	root = luosdk_fdt_root(&in);
	*sum = fdt_read_all(&in, &root);

	return true;
}

/* Without the checksum's help: each bit flipped, each byte replaced, each length. */
static void fdt_damaged_bits(struct kunit *test)
{
	u32 bytes, accepted = 0, i;
	u8 *fdt = fdt_made(test, fdt_write_all, &bytes);
	u64 sum;

	KUNIT_ASSERT_TRUE(test, fdt_try(fdt, bytes, &sum));
	for (i = 0; i < bytes * 8; i++) {
		fdt[i / 8] ^= 1 << i % 8;
		accepted += fdt_try(fdt, bytes, &sum);
		fdt[i / 8] ^= 1 << i % 8;
	}
	/* Values and letters of names may be anything. */
	KUNIT_EXPECT_GT(test, accepted, 0);
	KUNIT_EXPECT_LT(test, accepted, bytes * 8 / 2);
	for (i = 0; i < bytes; i++)
		KUNIT_EXPECT_FALSE(test, fdt_try(fdt, i, &sum));
}

/* The end of a tree that is cut, with a header that says so. */
static void fdt_damaged_ends(struct kunit *test)
{
	u32 bytes, i, names, block;
	u8 *fdt = fdt_made(test, fdt_write_all, &bytes);
	struct fdt_header *hdr = (void *)fdt;
	u64 sum;

	names = fdt_size_dt_strings(fdt);
	for (i = 1; i <= names; i++) {
		u8 *cut = kmemdup(fdt, bytes - i, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, cut);
		fdt_set_totalsize(cut, bytes - i);
		fdt_set_size_dt_strings(cut, names - i);
		KUNIT_EXPECT_FALSE(test, fdt_try(cut, bytes - i, &sum));
		kfree(cut);
	}
	block = fdt_size_dt_struct(fdt);
	for (i = 4; i <= block; i += 4) {
		hdr->size_dt_struct = cpu_to_fdt32(block - i);
		KUNIT_EXPECT_FALSE(test, fdt_try(fdt, bytes, &sum));
	}
	hdr->size_dt_struct = cpu_to_fdt32(block - 1);
	KUNIT_EXPECT_FALSE(test, fdt_try(fdt, bytes, &sum));
}

struct fdt_word {
	const char *name;
	/* In bytes from the begin of the structure, or of the header if @header. */
	bool header;
	u32 at;
	u32 value;
};

/* Of fdt_golden(): where each tag is. Each of these has to be refused. */
static const struct fdt_word fdt_words[] = {
	{ "no root",			false, 0x00, FDT_END },
	{ "a root with a name",		false, 0x04, 0x61000000 },
	{ "a root that is a property",	false, 0x00, FDT_PROP },
	{ "a root that ends at once",	false, 0x08, FDT_END_NODE },
	{ "a length out of bounds",	false, 0x0c, 0x30 },
	{ "a length that wraps",	false, 0x0c, 0xffffffff },
	{ "a length into the next tag",	false, 0x0c, 8 },
	{ "a name out of bounds",	false, 0x10, 8 },
	{ "a name that wraps",		false, 0x10, 0xffffffff },
	{ "a node without a name",	false, 0x1c, 0 },
	{ "a nop",			false, 0x18, FDT_NOP },
	{ "no tag",			false, 0x18, 0x77 },
	{ "a node does not end",	false, 0x34, FDT_END },
	{ "the root does not end",	false, 0x38, FDT_END },
	{ "a node ends twice",		false, 0x3c, FDT_END_NODE },
	{ "a property after a node",	false, 0x38, FDT_PROP },
	{ "another magic",		true, 0x00, 0xd00dfeee },
	{ "another size",		true, 0x04, 0x7f },
	{ "an older version",		true, 0x14, 16 },
	{ "a version it cannot read",	true, 0x18, 18 },
	{ "a structure out of bounds",	true, 0x08, 0x1000 },
	{ "a structure not aligned",	true, 0x08, 0x39 },
	{ "names out of bounds",	true, 0x0c, 0x1000 },
	{ "memory out of bounds",	true, 0x10, 0x80 },
	{ "memory is reserved",		true, 0x28, 1 },
	{ "bytes are reserved",		true, 0x30, 1 },
	{ "a structure with an odd end", true, 0x24, 0x3e },
	{ "names without an end",	true, 0x20, 7 },
};

KUNIT_ARRAY_PARAM_DESC(fdt_word, fdt_words, name);

static void fdt_damaged_words(struct kunit *test)
{
	const struct fdt_word *w = test->param_value;
	u32 bytes, at = w->header ? w->at : LUOSDK_FDT_STRUCT + w->at;
	u8 *fdt = fdt_made(test, fdt_golden, &bytes);
	u64 sum;

	KUNIT_ASSERT_TRUE(test, fdt_try(fdt, bytes, &sum));
	KUNIT_ASSERT_NE(test, fdt32_ld((fdt32_t *)(fdt + at)), w->value);
	fdt32_st(fdt + at, w->value);
	KUNIT_EXPECT_FALSE(test, fdt_try(fdt, bytes, &sum));
}

/* Two roots, nodes too deep, a name too long: what a writer of ours refuses to write. */
static void fdt_damaged_shapes(struct kunit *test)
{
	static const u32 two_roots[] = { 1, 0, 2, 1, 0, 2, 9 };
	u8 *fdt = kunit_kzalloc(test, 256, GFP_KERNEL), *name;
	u32 bytes, i, block;
	fdt32_t *at;
	u64 sum;

	KUNIT_ASSERT_NOT_NULL(test, fdt);
	memcpy(fdt, fdt_made(test, fdt_golden, &bytes), LUOSDK_FDT_STRUCT);
	fdt_set_size_dt_strings(fdt, 0);

	at = (void *)(fdt + LUOSDK_FDT_STRUCT);
	for (i = 0; i < ARRAY_SIZE(two_roots); i++)
		at[i] = cpu_to_fdt32(two_roots[i]);
	block = sizeof(two_roots);
	fdt_set_size_dt_struct(fdt, block);
	fdt_set_off_dt_strings(fdt, LUOSDK_FDT_STRUCT + block);
	fdt_set_totalsize(fdt, LUOSDK_FDT_STRUCT + block);
	KUNIT_EXPECT_FALSE(test, fdt_try(fdt, LUOSDK_FDT_STRUCT + block, &sum));

	/* Nodes named "n", one in the other: eight with the root are the most. */
	for (i = 7; i <= 9; i++) {
		u32 n = 0, d;

		for (d = 0; d < i; d++) {
			at[n++] = cpu_to_fdt32(FDT_BEGIN_NODE);
			at[n++] = d ? cpu_to_fdt32(0x6e000000) : 0;
		}
		for (d = 0; d < i; d++)
			at[n++] = cpu_to_fdt32(FDT_END_NODE);
		at[n++] = cpu_to_fdt32(FDT_END);
		block = n * 4;
		fdt_set_size_dt_struct(fdt, block);
		fdt_set_off_dt_strings(fdt, LUOSDK_FDT_STRUCT + block);
		fdt_set_totalsize(fdt, LUOSDK_FDT_STRUCT + block);
		KUNIT_EXPECT_EQ(test, fdt_try(fdt, LUOSDK_FDT_STRUCT + block, &sum), i <= 8);
	}

	/* Names of 48 letters and of 49, and one that ends with the structure. */
	for (i = 48; i <= 52; i++) {
		u32 n = 0;

		at[n++] = cpu_to_fdt32(FDT_BEGIN_NODE);
		at[n++] = 0;
		at[n++] = cpu_to_fdt32(FDT_BEGIN_NODE);
		name = (u8 *)&at[n];
		memset(name, 0, 56);
		memset(name, 'x', i);
		n += ALIGN(i + 1, 4) / 4;
		if (i < 52) {
			at[n++] = cpu_to_fdt32(FDT_END_NODE);
			at[n++] = cpu_to_fdt32(FDT_END_NODE);
			at[n++] = cpu_to_fdt32(FDT_END);
		} else {
			n -= 2;
		}
		block = n * 4;
		fdt_set_size_dt_struct(fdt, block);
		fdt_set_off_dt_strings(fdt, LUOSDK_FDT_STRUCT + block);
		fdt_set_totalsize(fdt, LUOSDK_FDT_STRUCT + block);
		KUNIT_EXPECT_EQ(test, fdt_try(fdt, LUOSDK_FDT_STRUCT + block, &sum), i == 48);
	}
}

/* Anything at all, seeded: over all of it, or a few words of a good one. */
static void fdt_damaged_random(struct kunit *test)
{
	u32 bytes, round, i, accepted = 0;
	u8 *good = fdt_made(test, fdt_write_all, &bytes);
	u8 *fdt = kunit_kmalloc(test, bytes, GFP_KERNEL);
	struct rnd_state rnd;
	u64 sum;

	KUNIT_ASSERT_NOT_NULL(test, fdt);
	prandom_seed_state(&rnd, 5);
	for (round = 0; round < 20000; round++) {
		memcpy(fdt, good, bytes);
		if (round % 4 == 0) {
			prandom_bytes_state(&rnd, fdt + LUOSDK_FDT_STRUCT,
					    bytes - LUOSDK_FDT_STRUCT);
		} else {
			for (i = 0; i < round % 4; i++) {
				u32 at = prandom_u32_state(&rnd) % (bytes / 4);

				/* Mostly small numbers: they come further. */
				fdt32_st(fdt + at * 4, prandom_u32_state(&rnd) >>
						       prandom_u32_state(&rnd) % 32);
			}
		}
		accepted += fdt_try(fdt, bytes, &sum);
	}
	KUNIT_EXPECT_GT(test, accepted, 0);
	KUNIT_EXPECT_LT(test, accepted, round / 2);
}

/* ---- How a tree crosses ---------------------------------------------------------------- */

static void fdt_cross(struct kunit *test)
{
	static const u32 nr_maps[] = { 0, 1, 16, 17, ENGINE_MAPS };
	struct luokit *k = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nr_maps); i++)
		fdt_expect_engine(test, luokit_carry(k, fdt_engine(k, 7 + i, nr_maps[i])),
				  7 + i, nr_maps[i]);
}

/* What is there when the kernel goes counts: more than before, or less, in the same memory. */
static void fdt_rewrite(struct kunit *test)
{
	static const u32 later[] = { 0, 5, 60 };
	struct luokit *k = test->priv;
	struct file *file, *s;
	unsigned int i;
	size_t bytes;

	for (i = 0; i < ARRAY_SIZE(later); i++) {
		engine_knobs.more = 55 * 36;
		file = fdt_engine(k, 1, 5);
		s = luokit_create(k, "s");
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
		bytes = luokit_preserved_bytes(k);
		KUNIT_EXPECT_EQ(test, bytes, 2 * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, engine_way(k)->set(file, 2, later[i]), 0);

		/* The update is aborted once, and nothing of it stays. */
		KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
		luokit_thaw(k);
		KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), bytes);
		KUNIT_EXPECT_EQ(test, engine_way(k)->set(file, 3, later[i]), 0);

		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		fdt_expect_engine(test, luokit_retrieve(k, s, 1), 3, later[i]);
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	}
}

/* More than there is room for: the update is aborted, the next one can do it. */
static void fdt_outgrown(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = fdt_engine(k, 1, 5), *s;

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_EXPECT_EQ(test, engine_way(k)->set(file, 2, 250), 0);
	KUNIT_EXPECT_EQ(test, luokit_reboot(k), -ENOSPC);
	KUNIT_EXPECT_EQ(test, engine_way(k)->set(file, 2, 6), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	fdt_expect_engine(test, luokit_retrieve(k, s, 1), 2, 6);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
}

/* Freeze allocates nothing: it succeeds where every allocation fails. */
static void fdt_freeze_does_not_allocate(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *file = fdt_engine(k, 1, 50), *s;

	if (!luokit_can_fail_alloc())
		kunit_skip(test, "needs CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC");
	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	luokit_fail_alloc_nth(k, 1);
	KUNIT_EXPECT_EQ(test, luokit_freeze(k), 0);
	KUNIT_EXPECT_FALSE(test, luokit_fail_end(k));
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	fdt_expect_engine(test, luokit_retrieve(k, s, 1), 1, 50);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
}

/* Memory that is taken before anything is written. */
static void fdt_reserved(struct kunit *test)
{
	static const size_t sizes[] = { 1, 4096, 4097, 40000 };
	struct luokit *k = test->priv;
	struct luosdk_fdt_ser ser;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct file *file = fdt_engine(k, 1, 30), *s = luokit_create(k, "s");

		engine_knobs.reserve = sizes[i];
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
		KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k),
				PAGE_SIZE + (PAGE_SIZE << get_order(sizes[i])));
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		fdt_expect_engine(test, luokit_retrieve(k, s, 1), 1, 30);
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	}

	KUNIT_EXPECT_EQ(test, luosdk_fdt_reserve(&ser, 0), -EFBIG);
	engine_knobs.reserve = LUOSDK_FDT_MAX + 1;
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, luokit_create(k, "s"), 1, fdt_engine(k, 1, 1)),
			-EFBIG);
}

/* ---- Older and newer ------------------------------------------------------------------- */

static void fdt_write_old(struct luosdk_fdt_out *out)
{
	luosdk_fdt_put_u32(out, "speed", 7);
	luosdk_fdt_begin_node(out, "mapping", 0);
	luosdk_fdt_put_u64(out, "iova", 0x1000);
	luosdk_fdt_end_node(out);
}

static void fdt_write_new(struct luosdk_fdt_out *out)
{
	luosdk_fdt_put_bytes(out, "turbo", NULL, 0);
	luosdk_fdt_put_u32(out, "burst", 16);
	luosdk_fdt_put_u32(out, "speed", 7);
	luosdk_fdt_begin_node(out, "interrupt", 0);
	luosdk_fdt_put_u64(out, "iova", 1);
	luosdk_fdt_end_node(out);
	luosdk_fdt_begin_node(out, "mapping", 0);
	luosdk_fdt_put_u64(out, "offset", 5);
	luosdk_fdt_put_u64(out, "iova", 0x1000);
	luosdk_fdt_begin_node(out, "mapping", 1);
	luosdk_fdt_end_node(out);
	luosdk_fdt_end_node(out);
}

static int fdt_read_old(struct luosdk_fdt_in *in)
{
	struct luosdk_fdt_node root = luosdk_fdt_root(in), map = { };
	u64 iova = 0;
	u32 speed = 0, nr = 0;
	int err;

	err = luosdk_fdt_get_u32(&root, "speed", &speed);
	while (!err && luosdk_fdt_next_node(&root, &map, "mapping")) {
		err = luosdk_fdt_get_u64(&map, "iova", &iova);
		nr++;
	}

	return err ?: speed == 7 && iova == 0x1000 && nr == 1 ? 0 : -EDOM;
}

static u32 fdt_burst;
static u64 fdt_offset;

static int fdt_read_new(struct luosdk_fdt_in *in)
{
	struct luosdk_fdt_node root = luosdk_fdt_root(in), map;
	int err;

	err = luosdk_fdt_get_u32_or(&root, "burst", &fdt_burst, 8);
	if (!err)
		err = luosdk_fdt_node(&root, "mapping", 0, &map);
	if (!err)
		err = luosdk_fdt_get_u64_or(&map, "offset", &fdt_offset, 3);

	return err ?: fdt_read_old(in);
}

static int fdt_read_needs(struct luosdk_fdt_in *in)
{
	struct luosdk_fdt_node root = luosdk_fdt_root(in);

	return luosdk_fdt_get_u32(&root, "burst", &fdt_burst);
}

static void fdt_write_other(struct luosdk_fdt_out *out)
{
	luosdk_fdt_put_u64(out, "burst", 16);
}

struct fdt_age {
	const char *name;
	void (*write)(struct luosdk_fdt_out *out);
	int (*read)(struct luosdk_fdt_in *in);
	int err;
	u32 burst;
	u64 offset;
};

static const struct fdt_age fdt_ages[] = {
	{ "an older reader",		fdt_write_new,	 fdt_read_old,	 0 },
	{ "a newer reader",		fdt_write_old,	 fdt_read_new,	 0, 8, 3 },
	{ "both newer",			fdt_write_new,	 fdt_read_new,	 0, 16, 5 },
	{ "a reader that needs it",	fdt_write_old,	 fdt_read_needs, -ENOENT },
	{ "a reader with another type",	fdt_write_other, fdt_read_needs, -EINVAL },
	{ "another type, optional",	fdt_write_other, fdt_read_new,	 -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(fdt_age, fdt_ages, name);

static void fdt_versions(struct kunit *test)
{
	const struct fdt_age *age = test->param_value;
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "s"), *file;

	fdt_burst = 0;
	fdt_offset = 0;
	engine_knobs.write = age->write;
	engine_knobs.read = age->read;
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, fdt_engine(k, 1, 1)), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	file = luokit_retrieve(k, s, 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(file), age->err);
	KUNIT_EXPECT_EQ(test, fdt_burst, age->burst);
	KUNIT_EXPECT_EQ(test, fdt_offset, age->offset);
	/* Refused or not, the memory is free. */
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

/* ---- Damage, on the way ---------------------------------------------------------------- */

struct fdt_damage {
	const char *name;
	void (*damage)(struct luosdk_fdt_ser *ser);
	/* Of the two pages that the tree's memory has. */
	size_t lost, reported;
	int err;
};

static void fdt_reseal(struct luosdk_fdt_ser *ser)
{
	ser->crc = crc32c(~0, phys_to_virt(ser->phys), ser->bytes);
}

static void damage_bit(struct luosdk_fdt_ser *ser)
{
	u8 *fdt = phys_to_virt(ser->phys);

	fdt[ser->bytes / 2] ^= 1;
}

static void damage_crc(struct luosdk_fdt_ser *ser)
{
	ser->crc++;
}

static void damage_phys(struct luosdk_fdt_ser *ser)
{
	ser->phys += PAGE_SIZE;
}

static void damage_phys_odd(struct luosdk_fdt_ser *ser)
{
	ser->phys += 8;
}

static void damage_phys_far(struct luosdk_fdt_ser *ser)
{
	ser->phys = BIT_ULL(50);
}

static void damage_phys_none(struct luosdk_fdt_ser *ser)
{
	ser->phys = 0;
}

static void damage_room(struct luosdk_fdt_ser *ser)
{
	ser->room += PAGE_SIZE;
}

static void damage_room_large(struct luosdk_fdt_ser *ser)
{
	ser->room = BIT(31);
}

static void damage_room_half(struct luosdk_fdt_ser *ser)
{
	ser->room /= 2;
}

static void damage_room_small(struct luosdk_fdt_ser *ser)
{
	ser->room = 2048;
}

static void damage_room_tiny(struct luosdk_fdt_ser *ser)
{
	ser->bytes = 1000;
	ser->room = 2048;
}

static void damage_bytes(struct luosdk_fdt_ser *ser)
{
	ser->bytes--;
}

static void damage_bytes_large(struct luosdk_fdt_ser *ser)
{
	ser->bytes = ser->room + 1;
}

static void damage_bytes_none(struct luosdk_fdt_ser *ser)
{
	ser->bytes = 0;
}

static void damage_all(struct luosdk_fdt_ser *ser)
{
	*ser = (struct luosdk_fdt_ser){ };
}

static void damage_all_but_bytes(struct luosdk_fdt_ser *ser)
{
	*ser = (struct luosdk_fdt_ser){ .bytes = ser->bytes };
}

static void damage_all_but_crc(struct luosdk_fdt_ser *ser)
{
	*ser = (struct luosdk_fdt_ser){ .crc = ser->crc };
}

static void damage_tag(struct luosdk_fdt_ser *ser)
{
	fdt32_st(phys_to_virt(ser->phys) + LUOSDK_FDT_STRUCT + 8, 0x77);
	fdt_reseal(ser);
}

static void damage_size(struct luosdk_fdt_ser *ser)
{
	ser->bytes -= 4;
	fdt_reseal(ser);
}

static void damage_short(struct luosdk_fdt_ser *ser)
{
	ser->bytes = 20;
	fdt_reseal(ser);
}

/* What is not certainly the tree's memory is lost; what is, is free although it is refused. */
static const struct fdt_damage fdt_damages[] = {
	{ "a bit",			damage_bit,		2, 2, -EBADMSG },
	{ "the checksum",		damage_crc,		2, 2, -EBADMSG },
	{ "an address, of others",	damage_phys,		2, 1, -EBADMSG },
	{ "an address not aligned",	damage_phys_odd,	2, 1, -EBADMSG },
	{ "an address out of memory",	damage_phys_far,	2, 1, -EBADMSG },
	{ "no address",			damage_phys_none,	2, 0, -EBADMSG },
	{ "a room that is no power",	damage_room,		2, 1, -EBADMSG },
	{ "a room too large",		damage_room_large,	2, 1, -EBADMSG },
	{ "a room too small",		damage_room_small,	2, 1, -EBADMSG },
	{ "room and length too small",	damage_room_tiny,	2, 1, -EBADMSG },
	{ "half the room",		damage_room_half,	0, 0, -EBADMSG },
	{ "a length",			damage_bytes,		2, 2, -EBADMSG },
	{ "a length too large",		damage_bytes_large,	2, 1, -EBADMSG },
	{ "no length",			damage_bytes_none,	2, 1, -EBADMSG },
	{ "none at all",		damage_all,		2, 0, -ENODATA },
	{ "nothing but a length",	damage_all_but_bytes,	2, 0, -EBADMSG },
	{ "nothing but a checksum",	damage_all_but_crc,	2, 0, -EBADMSG },
	{ "a tag, checksum right",	damage_tag,		0, 0, -EBADMSG },
	{ "a length, checksum right",	damage_size,		0, 0, -EBADMSG },
	{ "no header, checksum right",	damage_short,		0, 0, -EBADMSG },
};

KUNIT_ARRAY_PARAM_DESC(fdt_damage, fdt_damages, name);

struct fdt_case {
	const struct fdt_damage *damage;
	u64 handle;
};

static void fdt_do_damage(struct luokit *k, void *ctx)
{
	struct fdt_case *c = ctx;
	struct luosdk_state_hdr *hdr = phys_to_virt(c->handle);
	struct engine_luo_ser *ser = (void *)(hdr + 1);

	c->damage->damage(&ser->tree);
	/* The state itself is what the old kernel wrote. */
	luosdk_state_seal(ser);
}

static void fdt_damaged_then(struct kunit *test, bool retrieve)
{
	struct luokit *k = test->priv;
	struct fdt_case c = { test->param_value };
	struct file *file = fdt_engine(k, 1, 50), *s;

	engine_knobs.more = PAGE_SIZE;
	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserved_bytes(k), 3 * PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &c.handle), 0);
	luokit_between(k, NULL, fdt_do_damage, &c);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	if (retrieve)
		KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, 1), ERR_PTR(c.damage->err));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, engine_knobs.leaked, c.damage->reported * PAGE_SIZE);
	if (c.damage->lost)
		luokit_expect_leak(k, c.damage->lost * PAGE_SIZE);
}

static void fdt_damaged(struct kunit *test)
{
	fdt_damaged_then(test, true);
}

static void fdt_damaged_and_unwanted(struct kunit *test)
{
	fdt_damaged_then(test, false);
}

/* Nobody retrieves it, and it is freed. */
static void fdt_discarded(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "s");

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, fdt_engine(k, 1, 100)), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, engine_knobs.leaked, 0);
}

/* Closed twice, or after it was refused: nothing happens. */
static int fdt_read_and_close(struct luosdk_fdt_in *in)
{
	luosdk_fdt_close(in);
	luosdk_fdt_close(in);

	return 0;
}

static void fdt_closed_once(struct kunit *test)
{
	struct luosdk_fdt_ser none = { };
	struct luokit *k = test->priv;
	struct luosdk_fdt_in in;

	engine_knobs.read = fdt_read_and_close;
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, luokit_carry(k, fdt_engine(k, 1, 1)));
	KUNIT_EXPECT_EQ(test, luosdk_fdt_open(&in, &none, "test"), -ENODATA);
	KUNIT_EXPECT_EQ(test, in.leaked, 0);
	luosdk_fdt_close(&in);
	/* Nothing was preserved, and nothing is taken back. */
	luosdk_fdt_unpreserve(&none);
}

/* Every step of a preserve fails in turn. */
static int fdt_sweep_run(struct luokit *k, void *ctx)
{
	struct file *file = engine_way(k)->create(1, 100), *s;
	int err;

	if (IS_ERR(file))
		return PTR_ERR(file);
	luokit_own(k, file);
	s = luokit_create(k, "s");
	if (IS_ERR(s)) {
		luokit_put(k, file);
		return PTR_ERR(s);
	}
	err = luokit_preserve(k, s, 1, file);
	if (!err)
		err = luokit_freeze(k);
	if (!err)
		luokit_thaw(k);
	luokit_close(k, s);
	luokit_put(k, file);

	return err;
}

static void fdt_every_failure(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct luokit_sweep sweep = { .run = fdt_sweep_run };

	/* The memory that grows: 512 bytes, and four times the double. */
	KUNIT_EXPECT_GT(test, luokit_sweep(k, &sweep), 8);
}

static struct kunit_case fdt_cases[] = {
	KUNIT_CASE(fdt_layout),
	KUNIT_CASE(fdt_as_libfdt_reads),
	KUNIT_CASE(fdt_as_libfdt_writes),
	KUNIT_CASE(fdt_properties),
	KUNIT_CASE(fdt_nodes),
	KUNIT_CASE(fdt_units),
	KUNIT_CASE(fdt_expected_of_another_length),
	KUNIT_CASE(fdt_lengths),
	KUNIT_CASE(fdt_many_names),
	KUNIT_CASE(fdt_many_literals),
	KUNIT_CASE_PARAM(fdt_misused, fdt_misuse_gen_params),
	KUNIT_CASE(fdt_deep),
	KUNIT_CASE(fdt_grows),
	KUNIT_CASE(fdt_fits),
	KUNIT_CASE(fdt_damaged_bits),
	KUNIT_CASE(fdt_damaged_ends),
	KUNIT_CASE_PARAM(fdt_damaged_words, fdt_word_gen_params),
	KUNIT_CASE(fdt_damaged_shapes),
	KUNIT_CASE(fdt_damaged_random),
	KUNIT_CASE(fdt_cross),
	KUNIT_CASE(fdt_rewrite),
	KUNIT_CASE(fdt_outgrown),
	KUNIT_CASE(fdt_freeze_does_not_allocate),
	KUNIT_CASE(fdt_reserved),
	KUNIT_CASE_PARAM(fdt_versions, fdt_age_gen_params),
	KUNIT_CASE_PARAM(fdt_damaged, fdt_damage_gen_params),
	KUNIT_CASE_PARAM(fdt_damaged_and_unwanted, fdt_damage_gen_params),
	KUNIT_CASE(fdt_discarded),
	KUNIT_CASE(fdt_closed_once),
	KUNIT_CASE(fdt_every_failure),
	{}
};

static struct kunit_suite fdt_suite = {
	.name = "luosdk_fdt",
	.init = fdt_init,
	.test_cases = fdt_cases,
};

/* ---- The same handler under the conformance kit ---------------------------------------- */

static struct file *engine_subject_make(struct luokit *k, u64 arg)
{
	engine_knobs = (struct engine_knobs){ .more = 1024 };

	return engine_way(k)->create(arg >> 32, (u32)arg);
}

static const char *engine_subject_differ(struct luokit *k, struct file *want, struct file *got)
{
	const struct engine_way *way = engine_way(k);
	u32 i;

	if (way->speed(want) != way->speed(got))
		return "the speed";
	if (way->nr_maps(want) != way->nr_maps(got))
		return "the number of mappings";
	for (i = 0; i < way->nr_maps(want); i++)
		if (way->map(want, i) != way->map(got, i))
			return "a mapping";

	return NULL;
}

static int engine_subject_change(struct luokit *k, struct file *file, u64 n)
{
	return engine_way(k)->set(file, 100 + n, n % 8);
}

#define ENGINE(_speed, _nr)	((u64)(_speed) << 32 | (_nr))

static const struct luokit_subject engine_subject = {
	.world = &engine_world,
	.states = {
		{ "some mappings", ENGINE(7, 5) },
		{ "empty", ENGINE(0, 0), .empty = true },
		{ "one mapping", ENGINE(7, 1) },
		{ "two pages", ENGINE(7, 100), .large = true },
		{ "all mappings", ENGINE(U32_MAX, ENGINE_MAPS), .large = true },
	},
	.changes = { { "set", engine_subject_change } },
	.make = engine_subject_make,
	.differ = engine_subject_differ,
};

kunit_test_suite(fdt_suite);
LUOKIT_CONFORMANCE(luosdk_engine, engine_subject);

MODULE_DESCRIPTION("KUnit tests of luosdk/fdt.h");
MODULE_LICENSE("GPL");
