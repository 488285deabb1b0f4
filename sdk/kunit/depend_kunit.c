// SPDX-License-Identifier: GPL-2.0
/*
 * depend_kunit.c - tests of luosdk/depend.h, and of the look-ups that patches/7.3 adds to
 * LUO's core: files that need other files, in every order, and all that can be wrong with the
 * files they need. Each case runs on a kernel with look-ups and on one without.
 */

#include <kunit/test.h>
#include <linux/file.h>
#include <linux/io.h>
#include <luokit.h>
#include <luosdk/handler.h>

#include "shelf.h"

struct shelf_knobs shelf_knobs;

struct depend_param {
	const char *name;
	const struct luokit_world *world;
};

static const struct depend_param depend_params[] = {
	{ "with look-ups", &shelf_world },
	{ "without", &shelf_alone_world },
};

KUNIT_ARRAY_PARAM_DESC(depend, depend_params, name);

static const struct shelf_way *depend_way(struct luokit *k)
{
	return luokit_private(k);
}

static struct file *depend_box(struct luokit *k, u64 value)
{
	return luokit_own(k, depend_way(k)->box(value));
}

/* A shelf with up to three files on it. */
static struct file *depend_shelf(struct luokit *k, u64 value, struct file *a, struct file *b)
{
	struct file *file = luokit_own(k, depend_way(k)->shelf(value));

	if (IS_ERR(file))
		return file;
	if (a)
		depend_way(k)->put(file, 0, a, SHELF_ANY, false);
	if (b)
		depend_way(k)->put(file, 1, b, SHELF_ANY, false);

	return file;
}

static struct file *depend_held(struct luokit *k, struct file *shelf, unsigned int place)
{
	return depend_way(k)->held(shelf, place);
}

static long depend_stat(struct luosdk_handler *h, enum luosdk_stat stat)
{
	return luosdk_stats_read(&h->stats, stat);
}

/* No record of the layer's own is left. */
static void depend_expect_no_records(struct kunit *test, struct luokit *k)
{
	const struct shelf_way *way = depend_way(k);

	KUNIT_EXPECT_TRUE(test, list_empty(&way->box_handler->depend.incoming));
	KUNIT_EXPECT_TRUE(test, list_empty(&way->box_handler->depend.outgoing));
	KUNIT_EXPECT_TRUE(test, list_empty(&way->shelf_handler->depend.incoming));
	KUNIT_EXPECT_TRUE(test, list_empty(&way->shelf_handler->depend.outgoing));
}

static int depend_init(struct kunit *test)
{
	const struct depend_param *param = test->param_value;

	shelf_knobs = (struct shelf_knobs){};
	test->priv = luokit_boot(test, param ? param->world : &shelf_world);
	return 0;
}

static void depend_exit(struct kunit *test)
{
	luokit_end(test->priv);
	/* Not one object of either kernel is left. */
	KUNIT_EXPECT_EQ(test, shelf_knobs.boxes, 0);
	KUNIT_EXPECT_EQ(test, shelf_knobs.shelves, 0);
}

/* The worlds are what their names say. */
static void depend_worlds(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct depend_param *param = test->param_value;

	KUNIT_EXPECT_EQ(test, depend_way(k)->lookups, param->world == &shelf_world);
}

/* A whole life: the child first in both kernels, so that each has to find what is not there. */
static void depend_life(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *box = depend_box(k, 7), *shelf = depend_shelf(k, 1, box, NULL), *s;
	const struct shelf_way *way = depend_way(k);

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, shelf), 0);
	KUNIT_EXPECT_EQ(test, shelf_knobs.linked_dry, 1);
	KUNIT_EXPECT_EQ(test, shelf_knobs.linked, 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, box), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	KUNIT_EXPECT_EQ(test, shelf_knobs.linked_dry, 1);
	KUNIT_EXPECT_EQ(test, shelf_knobs.linked, 1);

	s = luokit_retrieve_session(k, "s");
	shelf = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(shelf));
	KUNIT_EXPECT_EQ(test, way->shelf_value(shelf), 1);
	box = depend_held(k, shelf, 0);
	KUNIT_ASSERT_NOT_NULL(test, box);
	KUNIT_EXPECT_EQ(test, way->box_value(box), 7);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(way->box_guard(box)), LUOSDK_RESTORED);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(way->shelf_guard(shelf)), LUOSDK_RESTORED);
	/* The shelf's, and LUO's or that of the record. */
	KUNIT_EXPECT_EQ(test, file_count(box), 2);

	/* User space gets the same file, and it was made once. */
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, s, 2), box);
	KUNIT_EXPECT_EQ(test, file_count(box), 3);
	KUNIT_EXPECT_EQ(test, shelf_knobs.box_restored, 1);
	KUNIT_EXPECT_EQ(test, depend_stat(way->box_handler, LUOSDK_STAT_RESTORED), 1);

	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, file_count(box), 2);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(way->box_guard(box)), LUOSDK_IDLE);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(way->shelf_guard(shelf)), LUOSDK_IDLE);
	KUNIT_EXPECT_EQ(test, depend_stat(way->box_handler, LUOSDK_STAT_FINISHED), 1);
	KUNIT_EXPECT_EQ(test, shelf_knobs.box_discarded, 0);
	depend_expect_no_records(test, k);
}

/* A device with a container and an interrupt, and the container's memory. */
enum { DEVICE, CONTAINER, MEMORY, EVENT, DEPEND_FILES };

static int depend_files_make(struct luokit *k, struct file **files)
{
	files[MEMORY] = depend_box(k, 30);
	files[EVENT] = depend_box(k, 40);
	files[CONTAINER] = depend_shelf(k, 20, files[MEMORY], NULL);
	files[DEVICE] = depend_shelf(k, 10, files[CONTAINER], files[EVENT]);

	return 0;
}

static const char *depend_files_differ(struct luokit *k, struct file **files)
{
	const struct shelf_way *way = depend_way(k);
	struct file *device = files[DEVICE], *container = files[CONTAINER];

	if (files[MEMORY] && way->box_value(files[MEMORY]) != 30)
		return "memory";
	if (files[EVENT] && way->box_value(files[EVENT]) != 40)
		return "event";
	if (container && way->shelf_value(container) != 20)
		return "container";
	if (container && files[MEMORY] && way->held(container, 0) != files[MEMORY])
		return "the container's memory";
	if (container && way->box_value(way->held(container, 0)) != 30)
		return "the container's memory's value";
	if (device && way->shelf_value(device) != 10)
		return "device";
	if (device && container && way->held(device, 0) != container)
		return "the device's container";
	if (device && files[EVENT] && way->held(device, 1) != files[EVENT])
		return "the device's event";
	if (device && way->box_value(way->held(way->held(device, 0), 0)) != 30)
		return "the memory by way of the device";

	return NULL;
}

static void depend_orders(struct kunit *test)
{
	static const struct luokit_ordered files = {
		.names = { "device", "container", "memory", "event" },
		.nr = DEPEND_FILES,
		.make = depend_files_make,
		.differ = depend_files_differ,
	};

	KUNIT_EXPECT_EQ(test, luokit_orders(test->priv, &files), 24 * 24 + 64);
	depend_expect_no_records(test, test->priv);
}

/* A file of a handler that knows nothing of the layer. */
static int depend_foreign_make(struct luokit *k, struct file **files)
{
	files[0] = luokit_stub_file(k, 50);
	files[1] = depend_shelf(k, 20, files[0], NULL);
	files[2] = depend_shelf(k, 10, files[1], files[0]);

	return 0;
}

static const char *depend_foreign_differ(struct luokit *k, struct file **files)
{
	const struct shelf_way *way = depend_way(k);

	if (files[0] && luokit_stub_number(files[0]) != 50)
		return "stub";
	if (files[1] && files[0] && way->held(files[1], 0) != files[0])
		return "the inner shelf's stub";
	if (files[2] && files[0] && way->held(files[2], 1) != files[0])
		return "the outer shelf's stub";
	if (files[2] && luokit_stub_number(way->held(way->held(files[2], 0), 0)) != 50)
		return "the stub by way of the outer shelf";

	return NULL;
}

static void depend_foreign(struct kunit *test)
{
	static const struct luokit_ordered files = {
		.names = { "stub", "inner", "outer" },
		.nr = 3,
		.make = depend_foreign_make,
		.differ = depend_foreign_differ,
	};
	struct luokit *k = test->priv;
	struct file *stub, *shelf, *s;

	if (depend_way(k)->lookups) {
		KUNIT_EXPECT_EQ(test, luokit_orders(k, &files), 6 * 6 + 32);
		return;
	}

	/* Refused at once, whether the other file is preserved or not. */
	stub = luokit_stub_file(k, 1);
	shelf = depend_shelf(k, 1, stub, NULL);
	s = luokit_create(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, shelf), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 2, stub), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, shelf), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(depend_way(k)->shelf_guard(shelf)), LUOSDK_IDLE);
	KUNIT_EXPECT_EQ(test, depend_stat(depend_way(k)->shelf_handler, LUOSDK_STAT_BYTES), 0);
	/* What it can carry over it does. */
	depend_way(k)->put(shelf, 0, depend_box(k, 2), SHELF_ANY, false);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, shelf), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	depend_expect_no_records(test, k);
}

/* A parent that nobody preserved aborts the update, and nothing else. */
static void depend_missing(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *box = depend_box(k, 7), *shelf = depend_shelf(k, 1, box, NULL), *s;
	const struct shelf_way *way = depend_way(k);

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, shelf), 0);
	KUNIT_EXPECT_EQ(test, luokit_reboot(k), -ENOENT);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(way->shelf_guard(shelf)), LUOSDK_PRESERVED);

	/* Now it is there, and gone, and there. */
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, box), 0);
	KUNIT_ASSERT_EQ(test, luokit_close(k, s), 0);
	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, shelf), 0);
	KUNIT_EXPECT_EQ(test, luokit_reboot(k), -ENOENT);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, box), 0);

	/* .freeze comes last; when it fails the numbers are just written again. */
	shelf_knobs.freeze = -EDOM;
	KUNIT_EXPECT_EQ(test, luokit_reboot(k), -EDOM);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(way->shelf_guard(shelf)), LUOSDK_PRESERVED);
	shelf_knobs.freeze = 0;
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	shelf = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(shelf));
	KUNIT_EXPECT_EQ(test, way->box_value(depend_held(k, shelf, 0)), 7);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
}

/* What a file needs may change until it is frozen, also between two attempts. */
static void depend_changed(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *a = depend_box(k, 1), *b = depend_box(k, 2), *s;
	struct file *shelf = depend_shelf(k, 9, a, NULL);
	const struct shelf_way *way = depend_way(k);

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, a), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, shelf), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 3, b), 0);
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	luokit_thaw(k);
	way->put(shelf, 0, b, SHELF_BOX, false);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	shelf = luokit_retrieve(k, s, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(shelf));
	KUNIT_EXPECT_EQ(test, way->box_value(depend_held(k, shelf, 0)), 2);
	KUNIT_EXPECT_PTR_EQ(test, depend_held(k, shelf, 0), luokit_retrieve(k, s, 3));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
}

/* A parent is known by its object, whichever of the object's files is preserved. */
static void depend_identity_of(struct kunit *test, struct file *(*create)(u64 value))
{
	struct luokit *k = test->priv;
	const struct shelf_way *way = depend_way(k);
	struct file *box = luokit_own(k, create(7));
	struct file *twin = luokit_own(k, way->box_twin(box));
	struct file *shelf = depend_shelf(k, 1, twin, NULL), *s;

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, shelf), 0);
	KUNIT_EXPECT_EQ(test, luokit_reboot(k), -ENOENT);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, box), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	shelf = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(shelf));
	KUNIT_EXPECT_EQ(test, way->box_value(depend_held(k, shelf, 0)), 7);
	KUNIT_EXPECT_PTR_EQ(test, depend_held(k, shelf, 0), luokit_retrieve(k, s, 2));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

/* Whether its guard is in the object or in its handler's table. */
static void depend_identity(struct kunit *test)
{
	depend_identity_of(test, depend_way(test->priv)->box);
	depend_identity_of(test, depend_way(test->priv)->crate);
}

/* One of .parents is not there: LUO may find the file all the same, the layer cannot. */
static void depend_not_registered(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct shelf_way *way = depend_way(k);
	void *(*context)(struct file *file) = way->crate_handler->depend.context;
	struct file *crate = luokit_own(k, way->crate(7));
	struct file *shelf = depend_shelf(k, 1, crate, NULL), *s;
	int want = way->lookups ? 0 : -EOPNOTSUPP;

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, crate), 0);
	way->crate_handler->depend.context = NULL;
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, shelf), want);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	way->crate_handler->depend.context = context;
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	depend_expect_no_records(test, k);
}

/*
 * Another session is another matter. Where the layer has to find the parent by itself it
 * cannot tell: the child works, and the parent stays with its own session.
 */
static void depend_other_session(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct shelf_way *way = depend_way(k);
	struct file *box = depend_box(k, 7), *shelf = depend_shelf(k, 1, box, NULL), *s, *other;

	s = luokit_create(k, "s");
	other = luokit_create(k, "other");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, shelf), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, other, 1, box), 0);
	if (way->lookups) {
		KUNIT_EXPECT_EQ(test, luokit_reboot(k), -ENOENT);
		KUNIT_EXPECT_EQ(test, luosdk_guard_phase(way->shelf_guard(shelf)),
				LUOSDK_PRESERVED);
		return;
	}

	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	shelf = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(shelf));
	box = depend_held(k, shelf, 0);
	KUNIT_EXPECT_EQ(test, way->box_value(box), 7);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(way->box_guard(box)), LUOSDK_RESTORED);
	other = luokit_retrieve_session(k, "other");
	KUNIT_EXPECT_PTR_EQ(test, luokit_retrieve(k, other, 1), box);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, other), 0);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(way->box_guard(box)), LUOSDK_IDLE);
	depend_expect_no_records(test, k);
}

/* Two that need each other: each fails for good, and the session ends. */
static void depend_circle(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct shelf_way *way = depend_way(k);
	struct file *a, *b, *s;
	int tolerant;

	for (tolerant = 0; tolerant < 2; tolerant++) {
		shelf_knobs.tolerant = tolerant;
		a = depend_shelf(k, 1, NULL, NULL);
		b = depend_shelf(k, 2, NULL, NULL);
		way->put(a, 0, b, SHELF_SHELF, true);
		way->put(b, 0, a, SHELF_SHELF, true);
		s = luokit_create(k, "s");
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, a), 0);
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, b), 0);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		a = luokit_retrieve(k, s, 1);
		KUNIT_EXPECT_EQ(test, shelf_knobs.bind_err, -ELOOP);
		b = luokit_retrieve(k, s, 2);
		if (!tolerant) {
			KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(a), -ELOOP);
			KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(b), -ELOOP);
			KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luokit_retrieve(k, s, 1)), -ELOOP);
			KUNIT_EXPECT_EQ(test, shelf_knobs.shelf_restored, 2);
		} else {
			/* The refusal is b's alone: a is being retrieved, and has not failed. */
			KUNIT_ASSERT_FALSE(test, IS_ERR(a));
			KUNIT_ASSERT_FALSE(test, IS_ERR(b));
			KUNIT_EXPECT_PTR_EQ(test, depend_held(k, a, 0), b);
			KUNIT_EXPECT_NULL(test, depend_held(k, b, 0));
		}
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
		depend_expect_no_records(test, k);
	}
}

/* A file that needs itself is refused, also when it is another file of the same object. */
static void depend_itself(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *a = depend_shelf(k, 1, NULL, NULL), *s;
	struct file *twin = depend_shelf(k, 2, NULL, NULL);
	void *own = twin->private_data;

	depend_way(k)->put(a, 0, twin, SHELF_ANY, true);
	twin->private_data = a->private_data;
	s = luokit_create(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, a), -ELOOP);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	twin->private_data = own;

	depend_way(k)->put(a, 0, a, SHELF_ANY, true);
	s = luokit_create(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, a), -ELOOP);
	KUNIT_EXPECT_EQ(test, shelf_knobs.link_err, -ELOOP);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(depend_way(k)->shelf_guard(a)), LUOSDK_IDLE);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	depend_expect_no_records(test, k);
}

/* The parent's retrieve fails: once, for both, in either order. */
static void depend_parent_fails(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *box, *shelf, *s;
	int parent_first;

	for (parent_first = 0; parent_first < 2; parent_first++) {
		box = depend_box(k, 7);
		shelf = depend_shelf(k, 1, box, NULL);
		s = luokit_create(k, "s");
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, shelf), 0);
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, box), 0);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		shelf_knobs.box_restore = -EDOM;
		shelf_knobs.box_restored = 0;
		s = luokit_retrieve_session(k, "s");
		KUNIT_EXPECT_EQ(test, PTR_ERR(luokit_retrieve(k, s, 1 + parent_first)), -EDOM);
		shelf_knobs.box_restore = 0;
		KUNIT_EXPECT_EQ(test, PTR_ERR(luokit_retrieve(k, s, 2 - parent_first)), -EDOM);
		KUNIT_EXPECT_EQ(test, shelf_knobs.box_restored, 1);
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		KUNIT_EXPECT_EQ(test, shelf_knobs.box_discarded, 0);
		KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
		depend_expect_no_records(test, k);
		/* Its file came and went. */
		KUNIT_EXPECT_EQ(test, shelf_knobs.shelves, 0);
	}

	/* The same when nobody but the child ever asks for it. */
	box = depend_box(k, 7);
	shelf = depend_shelf(k, 1, box, NULL);
	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, shelf), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, box), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	shelf_knobs.box_restore = -EDOM;
	s = luokit_retrieve_session(k, "s");
	KUNIT_EXPECT_EQ(test, PTR_ERR(luokit_retrieve(k, s, 1)), -EDOM);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_EQ(test, shelf_knobs.box_discarded, 0);
	depend_expect_no_records(test, k);
}

/* The child's own .bind fails after it got the parent: nothing of the child is left. */
static void depend_bind_fails(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct shelf_way *way = depend_way(k);
	struct file *box = depend_box(k, 7), *shelf = depend_shelf(k, 1, box, NULL), *s;

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, shelf), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, box), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	shelf_knobs.bind = -EPERM;
	KUNIT_EXPECT_EQ(test, PTR_ERR(luokit_retrieve(k, s, 1)), -EPERM);
	KUNIT_EXPECT_EQ(test, shelf_knobs.shelves, 0);
	KUNIT_EXPECT_EQ(test, depend_stat(way->shelf_handler, LUOSDK_STAT_RESTORED), 0);
	KUNIT_EXPECT_EQ(test, depend_stat(way->shelf_handler, LUOSDK_STAT_LEAKED), 0);
	KUNIT_EXPECT_EQ(test, luosdk_stats_read_failed(&way->shelf_handler->stats, -EPERM), 1);
	/* A positive value is no success. */
	KUNIT_EXPECT_EQ(test, PTR_ERR(luokit_retrieve(k, s, 1)), -EPERM);
	/* The parent is none the worse for it. */
	box = luokit_retrieve(k, s, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(box));
	KUNIT_EXPECT_EQ(test, file_count(box), 2);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, file_count(box), 1);
}

/* Numbers that are not what the old kernel meant. */
struct depend_damage {
	u64 handle;
	u64 token;
	u32 kind;
};

static void depend_do_damage(struct luokit *k, void *ctx)
{
	struct depend_damage *damage = ctx;
	struct luosdk_state_hdr *hdr = phys_to_virt(damage->handle);
	struct shelf_luo_ser *ser = (void *)(hdr + 1);

	ser->token[0] = damage->token;
	ser->kind[0] = damage->kind;
	luosdk_state_seal(ser);
}

/*
 * A shelf (token 1) that needs a box (token 2) goes over, with @damage done to it; what its
 * retrieve returns. @of: whose handle or token it is to have, 0: as @damage says.
 */
static int depend_damaged(struct kunit *test, struct depend_damage damage, u64 of)
{
	struct luokit *k = test->priv;
	struct file *box = depend_box(k, 7), *shelf = depend_shelf(k, 1, box, NULL), *s;
	int err;

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, shelf), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, box), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &damage.handle), 0);
	if (of && depend_way(k)->lookups)
		damage.token = of;
	else if (of)
		KUNIT_ASSERT_EQ(test, luokit_data(k, s, of, &damage.token), 0);
	luokit_between(k, NULL, depend_do_damage, &damage);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	shelf = luokit_retrieve(k, s, 1);
	err = PTR_ERR_OR_ZERO(shelf);
	/* The box is not affected, and was made once at most. */
	box = luokit_retrieve(k, s, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(box));
	KUNIT_EXPECT_EQ(test, file_count(box), err ? 2 : 3);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	if (!err)
		luokit_put(k, shelf);
	luokit_put(k, box);
	KUNIT_EXPECT_EQ(test, shelf_knobs.boxes, 0);
	KUNIT_EXPECT_EQ(test, shelf_knobs.shelves, 0);
	depend_expect_no_records(test, k);

	return err;
}

static void depend_wrong_number(struct kunit *test)
{
	static const u64 wrong[] = {
		0, 3, 5, 12, 24, PAGE_SIZE, PAGE_SIZE + 8, 1ULL << 40, ~7ULL, ~0ULL,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		KUNIT_EXPECT_EQ_MSG(test, depend_damaged(test,
							 (struct depend_damage){
								.token = wrong[i] }, 0),
				    -ENOENT, "number %#llx", wrong[i]);
	/* The box, as it should be: what is tested above is the damage. */
	KUNIT_EXPECT_EQ(test, depend_damaged(test, (struct depend_damage){}, 2), 0);
	/* Another type; a type there is none of; itself. */
	KUNIT_EXPECT_EQ(test, depend_damaged(test, (struct depend_damage){
			.kind = SHELF_SHELF }, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, depend_damaged(test, (struct depend_damage){
			.kind = 17 }, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, depend_damaged(test, (struct depend_damage){}, 1), -ELOOP);
}

/* A chain of files, each of which needs the next one. Tokens 1 to @nr. */
static struct file *depend_chain(struct kunit *test, unsigned int nr)
{
	struct luokit *k = test->priv;
	struct file *s = luokit_create(k, "s"), *next = NULL;
	unsigned int i;

	for (i = nr; i; i--) {
		next = depend_shelf(k, i, next, NULL);
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, i, next), 0);
	}
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);

	return luokit_retrieve_session(k, "s");
}

static void depend_depth(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s, *file;
	unsigned int i;

	/* As many as may be, in one go. */
	s = depend_chain(test, LUOSDK_MAX_DEPTH);
	file = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	for (i = 1; i < LUOSDK_MAX_DEPTH; i++) {
		file = depend_held(k, file, 0);
		KUNIT_ASSERT_NOT_NULL(test, file);
		KUNIT_EXPECT_EQ(test, depend_way(k)->shelf_value(file), i + 1);
	}
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);

	/* One more: all that wait for it fail, and it does not. */
	s = depend_chain(test, LUOSDK_MAX_DEPTH + 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luokit_retrieve(k, s, 1)), -ELOOP);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luokit_retrieve(k, s, LUOSDK_MAX_DEPTH)), -ELOOP);
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_retrieve(k, s, LUOSDK_MAX_DEPTH + 1)));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);

	/* From the other end there is no limit; nor for what is there already. */
	s = depend_chain(test, 3 * LUOSDK_MAX_DEPTH);
	for (i = 3 * LUOSDK_MAX_DEPTH; i; i -= LUOSDK_MAX_DEPTH)
		KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_retrieve(k, s, i - LUOSDK_MAX_DEPTH + 1)));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	depend_expect_no_records(test, k);
}

/* Asked for by its child alone, a parent is ready or not, and is finished like any other. */
static void depend_only_child(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct shelf_way *way = depend_way(k);
	struct file *box = depend_box(k, 7), *shelf = depend_shelf(k, 1, box, NULL), *s;

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, shelf), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, box), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 3, depend_box(k, 8)), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	s = luokit_retrieve_session(k, "s");
	shelf = luokit_retrieve(k, s, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(shelf));
	box = depend_held(k, shelf, 0);
	shelf_knobs.box_not_ready = true;
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), -EBUSY);
	shelf_knobs.box_not_ready = false;
	shelf_knobs.asked_ready = 0;
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	/* One of the two boxes: the other one nobody has seen. */
	KUNIT_EXPECT_EQ(test, shelf_knobs.asked_ready, 1);
	KUNIT_EXPECT_EQ(test, shelf_knobs.box_discarded, 1);
	KUNIT_EXPECT_EQ(test, depend_stat(way->box_handler, LUOSDK_STAT_FINISHED), 1);
	KUNIT_EXPECT_EQ(test, luosdk_guard_phase(way->box_guard(box)), LUOSDK_IDLE);
	KUNIT_EXPECT_EQ(test, file_count(box), 1);
	/* And it can be preserved again. */
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	s = luokit_create(k, "s");
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 1, shelf), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserve(k, s, 2, box), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	depend_expect_no_records(test, k);
}

/* A shelf (1) with a box (2) of number 7 crossed, to another kernel if @next; their session. */
static struct file *depend_crossed(struct kunit *test, const struct luokit_world *next)
{
	struct luokit *k = test->priv;
	struct file *box = depend_box(k, 7), *shelf = depend_shelf(k, 1, box, NULL), *s;

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, shelf), 0);
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 2, box), 0);
	if (next)
		luokit_next_world(k, next);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);

	return luokit_retrieve_session(k, "s");
}

/* The module goes while a session cannot be finished: what was restored for others goes too. */
static void depend_never_finished(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *s = depend_crossed(test, NULL), *shelf = luokit_retrieve(k, s, 1);

	KUNIT_ASSERT_FALSE(test, IS_ERR(shelf));
	shelf_knobs.box_not_ready = true;
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), -EBUSY);
	luokit_expect_complaint(k, "stranded");
	luokit_end(k);
	KUNIT_EXPECT_EQ(test, luokit_complained(k), 1);
	KUNIT_EXPECT_EQ(test, shelf_knobs.boxes, 0);
	KUNIT_EXPECT_EQ(test, shelf_knobs.shelves, 0);
}

/* The new kernel's handler of the parent says no more that its files may be needed. */
static void depend_no_parent_any_more(struct kunit *test)
{
	struct luokit *k = test->priv;
	const struct shelf_way *way = depend_way(k);
	struct file *s = depend_crossed(test, NULL), *box;
	int (*retrieve)(struct liveupdate_file_op_args *args);

	retrieve = way->box_handler->depend.retrieve;
	way->box_handler->depend.retrieve = NULL;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luokit_retrieve(k, s, 1)),
			way->lookups ? 0 : -ENOENT);
	way->box_handler->depend.retrieve = retrieve;
	box = luokit_retrieve(k, s, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(box));
	KUNIT_EXPECT_EQ(test, way->box_value(box), 7);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	depend_expect_no_records(test, k);
}

/* Numbers of one kind mean nothing to a kernel that reads the other one. */
static void depend_other_kernel(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *box, *s;

	s = depend_crossed(test, depend_way(k)->lookups ? &shelf_alone_world : &shelf_world);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luokit_retrieve(k, s, 1)), -EOPNOTSUPP);
	box = luokit_retrieve(k, s, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(box));
	KUNIT_EXPECT_EQ(test, depend_way(k)->box_value(box), 7);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
}

/* Every failure point of preserve and freeze, and of what happens in the new kernel. */
struct depend_swept {
	struct file *s, *shelf, *inner, *box;
	bool retrieve;
};

static void depend_sweep_prepare(struct luokit *k, void *ctx)
{
	struct depend_swept *w = ctx;

	w->box = depend_box(k, 7);
	w->inner = depend_shelf(k, 2, w->box, NULL);
	w->shelf = depend_shelf(k, 1, w->inner, w->box);
	w->s = luokit_create(k, "s");
	if (!w->retrieve)
		return;
	if (luokit_preserve(k, w->s, 1, w->shelf) || luokit_preserve(k, w->s, 2, w->inner) ||
	    luokit_preserve(k, w->s, 3, w->box) || luokit_reboot(k))
		pr_err("depend: the sweep cannot begin\n");
	w->s = luokit_retrieve_session(k, "s");
}

static int depend_sweep_run(struct luokit *k, void *ctx)
{
	struct depend_swept *w = ctx;
	int err;

	if (w->retrieve) {
		w->shelf = luokit_retrieve(k, w->s, 1);
		w->inner = luokit_retrieve(k, w->s, 2);
		w->box = luokit_retrieve(k, w->s, 3);
		return PTR_ERR_OR_ZERO(w->shelf) ?: PTR_ERR_OR_ZERO(w->inner) ?:
		       PTR_ERR_OR_ZERO(w->box);
	}
	err = luokit_preserve(k, w->s, 1, w->shelf) ?: luokit_preserve(k, w->s, 2, w->inner) ?:
	      luokit_preserve(k, w->s, 3, w->box) ?: luokit_freeze(k);
	if (!err)
		luokit_thaw(k);

	return err;
}

static void depend_sweep_undo(struct luokit *k, void *ctx, int result)
{
	struct depend_swept *w = ctx;

	luokit_close(k, w->s);
	if (!IS_ERR(w->shelf))
		luokit_put(k, w->shelf);
	if (!IS_ERR(w->inner))
		luokit_put(k, w->inner);
	if (!IS_ERR(w->box))
		luokit_put(k, w->box);
	if (shelf_knobs.shelves || shelf_knobs.boxes)
		pr_err("depend: %d shelves and %d boxes are left\n", shelf_knobs.shelves,
		       shelf_knobs.boxes);
}

static void depend_failure_points(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct depend_swept w = {};
	struct luokit_sweep sweep = {
		.prepare = depend_sweep_prepare,
		.run = depend_sweep_run,
		.undo = depend_sweep_undo,
		.ctx = &w,
	};

	KUNIT_EXPECT_GE(test, luokit_sweep(k, &sweep), luokit_can_fail_alloc() ? 4 : 3);
	depend_expect_no_records(test, k);
	w.retrieve = true;
	KUNIT_EXPECT_GE(test, luokit_sweep(k, &sweep), luokit_can_fail_alloc() ? 6 : 0);
	depend_expect_no_records(test, k);
	KUNIT_EXPECT_EQ(test, shelf_knobs.shelves, 0);
	KUNIT_EXPECT_EQ(test, shelf_knobs.boxes, 0);
}

/*
 * Two sessions at a time, a child in one, its parent in the other: the worst that can be where
 * the layer cannot tell. Whoever comes second gets the same file, or learns that it is not of
 * his session; nobody waits for ever.
 */
#define DEPEND_ROUNDS	100

struct depend_two {
	struct file *s, *other;
	struct file *shelf[DEPEND_ROUNDS], *box[DEPEND_ROUNDS];
};

static void depend_race_child(struct luokit *k, void *ctx, unsigned int round)
{
	struct depend_two *two = ctx;

	two->shelf[round] = luokit_retrieve(k, two->s, round + 1);
}

static void depend_race_parent(struct luokit *k, void *ctx, unsigned int round)
{
	struct depend_two *two = ctx;

	two->box[round] = luokit_retrieve(k, two->other, round + 1);
}

static void depend_race(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct depend_two *two;
	unsigned int i, run, refused = 0;

	if (depend_way(k)->lookups)
		kunit_skip(test, "a parent in another session is refused in the old kernel");
	two = kunit_kzalloc(test, sizeof(*two), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, two);
	two->s = luokit_create(k, "s");
	two->other = luokit_create(k, "other");
	for (i = 0; i < DEPEND_ROUNDS; i++) {
		struct file *box = depend_box(k, i), *shelf = depend_shelf(k, i, box, NULL);

		KUNIT_ASSERT_EQ(test, luokit_preserve(k, two->s, i + 1, shelf), 0);
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, two->other, i + 1, box), 0);
	}
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	two->s = luokit_retrieve_session(k, "s");
	two->other = luokit_retrieve_session(k, "other");
	run = luokit_race(k, DEPEND_ROUNDS, depend_race_child, depend_race_parent, NULL, two);
	for (i = 0; i < run; i++) {
		KUNIT_ASSERT_FALSE(test, IS_ERR(two->box[i]));
		KUNIT_EXPECT_EQ(test, depend_way(k)->box_value(two->box[i]), i);
		if (IS_ERR(two->shelf[i])) {
			KUNIT_EXPECT_EQ(test, PTR_ERR(two->shelf[i]), -ENOENT);
			refused++;
			continue;
		}
		KUNIT_EXPECT_PTR_EQ(test, depend_held(k, two->shelf[i], 0), two->box[i]);
	}
	kunit_info(test, "%u of %u came while the other one was at it\n", refused, run);
	KUNIT_EXPECT_EQ(test, shelf_knobs.box_restored, run);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, two->s), 0);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, two->other), 0);
	depend_expect_no_records(test, k);
}

/* ---- LUO's core itself --------------------------------------------------------------- */

/* Every callback gets its own session. */
static void depend_core_session(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *peer = luokit_own(k, depend_way(k)->peer()), *s;
	const void **seen = shelf_knobs.session;
	int op;

	luokit_create(k, "another");
	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, peer), 0);
	KUNIT_ASSERT_EQ(test, luokit_freeze(k), 0);
	luokit_thaw(k);
	for (op = PEER_PRESERVE; op <= PEER_UNFREEZE; op++)
		if (op != PEER_UNPRESERVE)
			KUNIT_EXPECT_PTR_EQ_MSG(test, seen[op], s->private_data, "op %d", op);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	KUNIT_EXPECT_PTR_EQ(test, seen[PEER_UNPRESERVE], seen[PEER_PRESERVE]);

	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, peer), 0);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
	luokit_retrieve_session(k, "another");
	s = luokit_retrieve_session(k, "s");
	KUNIT_ASSERT_FALSE(test, IS_ERR(luokit_retrieve(k, s, 1)));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	for (op = PEER_RETRIEVE; op < PEER_NR_OPS; op++)
		KUNIT_EXPECT_PTR_EQ_MSG(test, seen[op], s->private_data, "op %d", op);
}

/* Tokens as the core gives them, and that nothing is incoming in the old kernel. */
static void depend_core_token(struct kunit *test)
{
	struct luokit *k = test->priv;
	struct file *peer = luokit_own(k, depend_way(k)->peer()), *s, *other;
	struct file *box = depend_box(k, 1);
	const u64 token = 0x123456789abcdef0;

	shelf_knobs.peer_wants = box;
	s = luokit_create(k, "s");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, peer), 0);
	KUNIT_EXPECT_EQ(test, shelf_knobs.peer_token_err[0], -ENOENT);
	/* In another session it does not count. */
	other = luokit_create(k, "other");
	KUNIT_ASSERT_EQ(test, luokit_preserve(k, other, token, box), 0);
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, luokit_freeze(k), 0);
		KUNIT_EXPECT_EQ(test, shelf_knobs.peer_token_err[1], -ENOENT);
		KUNIT_EXPECT_EQ(test, shelf_knobs.peer_file_err, -EINVAL);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	luokit_thaw(k);
	KUNIT_ASSERT_EQ(test, luokit_close(k, other), 0);

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, token, box), 0);
	shelf_knobs.peer_file_err = 0;
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, luokit_freeze(k), 0);
	}
	KUNIT_EXPECT_EQ(test, shelf_knobs.peer_token_err[1], 0);
	KUNIT_EXPECT_EQ(test, shelf_knobs.peer_token, token);
	luokit_thaw(k);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
}

static struct kunit_case luosdk_depend_cases[] = {
	KUNIT_CASE_PARAM(depend_worlds, depend_gen_params),
	KUNIT_CASE_PARAM(depend_life, depend_gen_params),
	KUNIT_CASE_PARAM_ATTR(depend_orders, depend_gen_params, { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE_PARAM(depend_foreign, depend_gen_params),
	KUNIT_CASE_PARAM(depend_missing, depend_gen_params),
	KUNIT_CASE_PARAM(depend_changed, depend_gen_params),
	KUNIT_CASE_PARAM(depend_identity, depend_gen_params),
	KUNIT_CASE_PARAM(depend_not_registered, depend_gen_params),
	KUNIT_CASE_PARAM(depend_other_session, depend_gen_params),
	KUNIT_CASE_PARAM(depend_circle, depend_gen_params),
	KUNIT_CASE_PARAM(depend_itself, depend_gen_params),
	KUNIT_CASE_PARAM(depend_parent_fails, depend_gen_params),
	KUNIT_CASE_PARAM(depend_bind_fails, depend_gen_params),
	KUNIT_CASE_PARAM(depend_wrong_number, depend_gen_params),
	KUNIT_CASE_PARAM(depend_depth, depend_gen_params),
	KUNIT_CASE_PARAM(depend_only_child, depend_gen_params),
	KUNIT_CASE_PARAM(depend_never_finished, depend_gen_params),
	KUNIT_CASE_PARAM(depend_no_parent_any_more, depend_gen_params),
	KUNIT_CASE_PARAM(depend_other_kernel, depend_gen_params),
	KUNIT_CASE_PARAM(depend_failure_points, depend_gen_params),
	KUNIT_CASE_PARAM_ATTR(depend_race, depend_gen_params, { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE(depend_core_session),
	KUNIT_CASE(depend_core_token),
	{}
};

static struct kunit_suite luosdk_depend_suite = {
	.name = "luosdk_depend",
	.init = depend_init,
	.exit = depend_exit,
	.test_cases = luosdk_depend_cases,
};

kunit_test_suite(luosdk_depend_suite);

MODULE_DESCRIPTION("KUnit tests of luosdk/depend.h");
MODULE_LICENSE("GPL");
