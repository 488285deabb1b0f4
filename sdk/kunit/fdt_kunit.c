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

static struct kunit_case fdt_cases[] = {
	KUNIT_CASE(fdt_cross),
	{}
};

static struct kunit_suite fdt_suite = {
	.name = "luosdk_fdt",
	.init = fdt_init,
	.test_cases = fdt_cases,
};

kunit_test_suite(fdt_suite);

MODULE_DESCRIPTION("KUnit tests of luosdk/fdt.h");
MODULE_LICENSE("GPL");
