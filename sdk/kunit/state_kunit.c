// SPDX-License-Identifier: GPL-2.0
/*
 * state_kunit.c - tests of luosdk/state.h: what crosses the kexec is believed
 * only as far as it was checked, and is consumed exactly once.
 *
 * Each case lets a widget (widget.h) live through a reboot and damages its
 * state on the way, as bad memory, another version or a foreign address would.
 */

#include <kunit/test.h>
#include <linux/crc32.h>
#include <linux/file.h>
#include <linux/io.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <luokit.h>
#include <luosdk/handler.h>

#include "widget.h"

/* One widget on its way to the new kernel, and what is done to its state. */
struct state_trip {
	struct kunit *test;
	struct luokit *k;
	u64 handle;
	/* A second widget in the same page of slots, never harmed. */
	u64 other;
	void (*damage)(struct state_trip *trip);
	u32 arg, value;
};

static const struct widget_way *state_way(struct luokit *k)
{
	return luokit_private(k);
}

static struct luosdk_state_hdr *state_hdr(struct state_trip *trip)
{
	return phys_to_virt(trip->handle);
}

static struct luosdk_slot_page *state_page(struct state_trip *trip)
{
	return phys_to_virt(trip->handle & PAGE_MASK);
}

/* A liar's seal: the checksum fits what was changed. */
static void state_reseal(struct luosdk_state_hdr *hdr)
{
	u32 crc = crc32c(~0, hdr, offsetof(struct luosdk_state_hdr, checksum));

	hdr->checksum = crc32c(crc, hdr + 1, hdr->sealed);
}

static void state_damage(struct luokit *k, void *ctx)
{
	struct state_trip *trip = ctx;

	if (trip->damage)
		trip->damage(trip);
}

/* Preserve a new widget. The machine is the one that runs now. */
static void state_preserve(struct kunit *test, struct file *session, u64 token,
			   u64 value)
{
	struct luokit *k = test->priv;
	struct file *file = luokit_own(k, state_way(k)->create(value));

	KUNIT_ASSERT_EQ(test, luokit_preserve(k, session, token, file), 0);
}

/* Boot @world as the machine of @test. */
static struct luokit *state_boot(struct kunit *test, const struct luokit_world *world)
{
	test->priv = luokit_boot(test, world);
	return test->priv;
}

/* Preserve two widgets, reboot, damage the first one's state. */
static struct file *state_trip_start(struct state_trip *trip)
{
	struct luokit *k = trip->k;
	struct kunit *test = trip->test;
	struct file *s;

	s = luokit_create(k, "trip");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	state_preserve(test, s, 1, 0x123456789abULL);
	state_preserve(test, s, 2, 22);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 1, &trip->handle), 0);
	KUNIT_ASSERT_EQ(test, luokit_data(k, s, 2, &trip->other), 0);
	luokit_between(k, NULL, state_damage, trip);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);

	s = luokit_retrieve_session(k, "trip");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	return s;
}

/*
 * The damaged one is refused with @err, the other one is fine, the session ends
 * and @leak bytes are missing.
 */
static void state_trip(struct kunit *test, const struct luokit_world *world,
		       void (*damage)(struct state_trip *trip), u32 arg,
		       u32 value, int err, size_t leak)
{
	struct state_trip trip = {
		.test = test,
		.k = state_boot(test, world),
		.damage = damage,
		.arg = arg,
		.value = value,
	};
	struct luokit *k = trip.k;
	struct luosdk_stats *stats;
	struct file *s, *file;

	s = state_trip_start(&trip);
	stats = &state_way(k)->handler->stats;

	file = luokit_retrieve(k, s, 1);
	KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(file), err,
			    "field or byte %u, value %#x", arg, value);
	KUNIT_EXPECT_EQ(test, luosdk_stats_read(stats, LUOSDK_STAT_LEAKED), leak);
	KUNIT_EXPECT_EQ(test, luosdk_stats_read_failed(stats, err), !!err);

	file = luokit_retrieve(k, s, 2);
	if (!IS_ERR(file))
		KUNIT_EXPECT_EQ(test, state_way(k)->value(file), 22);
	else
		KUNIT_EXPECT_GT(test, leak, 0);

	luokit_expect_leak(k, leak);
	KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
	KUNIT_EXPECT_EQ(test, luokit_close(k, s), 0);
	luokit_end(k);
}

static void state_set_hdr(struct state_trip *trip)
{
	((u32 *)state_hdr(trip))[trip->arg] = trip->value;
}

static void state_set_hdr_sealed(struct state_trip *trip)
{
	state_set_hdr(trip);
	/* A length from here to nowhere cannot be sealed. */
	if (state_hdr(trip)->sealed <= PAGE_SIZE / 2)
		state_reseal(state_hdr(trip));
}

static void state_flip_hdr(struct state_trip *trip)
{
	((u8 *)state_hdr(trip))[trip->arg] ^= trip->value;
}

#define HDR(_field)	(offsetof(struct luosdk_state_hdr, _field) / sizeof(u32))

/* One bit of each byte of header and payload: damage, and nothing is lost. */
static void state_every_byte_damaged(struct kunit *test)
{
	size_t bytes = sizeof(struct luosdk_state_hdr) + 8;
	u32 i;

	for (i = 0; i < bytes; i++)
		state_trip(test, &widget_world, state_flip_hdr, i,
			   1 << (i * 3 % 8), -EBADMSG, 0);
}

/* Undamaged, but not what the handler writes. */
static void state_every_field_wrong(struct kunit *test)
{
	struct {
		u32 field, value;
		int err;
	} const wrong[] = {
		{ HDR(magic), 0, -EBADMSG },
		{ HDR(magic), ~LUOSDK_STATE_MAGIC, -EBADMSG },
		{ HDR(compat), 0, -EINVAL },
		{ HDR(compat), ~0, -EINVAL },
		{ HDR(version), 0, -EOPNOTSUPP },
		{ HDR(version), 2, -EOPNOTSUPP },
		{ HDR(version), ~0, -EOPNOTSUPP },
		{ HDR(bytes), 0, -EBADMSG },	/* shorter than what is sealed */
		{ HDR(bytes), 7, -EBADMSG },
		{ HDR(bytes), 9, -EBADMSG },	/* longer than the slot */
		{ HDR(bytes), PAGE_SIZE, -EBADMSG },
		{ HDR(bytes), INT_MAX, -EBADMSG },
		{ HDR(bytes), ~0, -EBADMSG },
		{ HDR(sealed), 0, -EINVAL },
		{ HDR(sealed), 7, -EINVAL },
		{ HDR(sealed), 9, -EBADMSG },
		{ HDR(sealed), PAGE_SIZE, -EBADMSG },
		{ HDR(sealed), ~0, -EBADMSG },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		state_trip(test, &widget_world, state_set_hdr_sealed,
			   wrong[i].field, wrong[i].value, wrong[i].err, 0);
}

static void state_shorten(struct state_trip *trip)
{
	state_hdr(trip)->bytes = trip->arg;
	state_hdr(trip)->sealed = trip->arg;
	state_reseal(state_hdr(trip));
}

/* Lengths that are consistent in themselves, in pages of the state's own. */
static void state_every_length_wrong(struct kunit *test)
{
	u32 right = 3008, i;
	u32 lengths[] = { 0, 1, 8, right - 8, right - 1, right + 1,
			  PAGE_SIZE - sizeof(struct luosdk_state_hdr) };

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		state_trip(test, &widget_big_world, state_shorten, lengths[i],
			   0, -EINVAL, 0);
	state_trip(test, &widget_big_world, state_shorten, right, 0, 0, 0);
	/* Beyond its pages. */
	state_trip(test, &widget_big_world, state_set_hdr, HDR(bytes),
		   PAGE_SIZE - sizeof(struct luosdk_state_hdr) + 1, -EBADMSG, 0);
	/* What does not say that it is a state of ours may be anybody's. */
	state_trip(test, &widget_big_world, state_set_hdr, HDR(magic), 0,
		   -EBADMSG, PAGE_SIZE);
	state_trip(test, &widget_big_world, state_set_hdr, HDR(compat), 1,
		   -EBADMSG, PAGE_SIZE);
}

static void state_set_page(struct state_trip *trip)
{
	((u32 *)state_page(trip))[trip->arg] = trip->value;
}

#define PAGE_FIELD(_field) (offsetof(struct luosdk_slot_page, _field) / sizeof(u32))

/* Damage to what the slots of a page share: both widgets are lost, and said so. */
static void state_page_damaged(struct kunit *test)
{
	struct {
		u32 field, value;
		int err;
	} const wrong[] = {
		{ PAGE_FIELD(magic), 0, -EBADMSG },
		{ PAGE_FIELD(compat), 0, -EINVAL },
		{ PAGE_FIELD(slot_bytes), 0, -EBADMSG },
		{ PAGE_FIELD(slot_bytes), 12, -EBADMSG },
		{ PAGE_FIELD(slot_bytes), 33, -EBADMSG },
		{ PAGE_FIELD(slot_bytes), 4072, -EBADMSG },
		{ PAGE_FIELD(slot_bytes), ~7, -EBADMSG },
		{ PAGE_FIELD(nr_slots), 0, -EBADMSG },
		{ PAGE_FIELD(nr_slots), 1000, -EBADMSG },
		{ PAGE_FIELD(used), 0, -EBADMSG },
		/* A state too many: the page would never be given back. */
		{ PAGE_FIELD(used), 7, -EBADMSG },
		{ PAGE_FIELD(unused), ~7, -EBADMSG },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct state_trip trip = {
			.test = test,
			.k = state_boot(test, &widget_world),
			.damage = state_set_page,
			.arg = wrong[i].field,
			.value = wrong[i].value,
		};
		struct file *s = state_trip_start(&trip);
		struct luosdk_stats *stats = &state_way(trip.k)->handler->stats;

		KUNIT_EXPECT_EQ_MSG(test,
				    PTR_ERR_OR_ZERO(luokit_retrieve(trip.k, s, 1)),
				    wrong[i].err, "field %u", wrong[i].field);
		KUNIT_EXPECT_EQ(test,
				PTR_ERR_OR_ZERO(luokit_retrieve(trip.k, s, 2)),
				wrong[i].err);
		KUNIT_EXPECT_EQ(test, luosdk_stats_read(stats, LUOSDK_STAT_LEAKED),
				2 * PAGE_SIZE);
		luokit_expect_leak(trip.k, PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, luokit_finish(trip.k, s), 0);
		KUNIT_EXPECT_EQ(test, luokit_close(trip.k, s), 0);
		luokit_end(trip.k);
	}
}

/* Handles that lead nowhere, or beside a state. */
static void state_wrong_handles(struct kunit *test)
{
	struct state_trip trip = {
		.test = test,
		.k = state_boot(test, &widget_world),
	};
	struct file *s = state_trip_start(&trip);
	int (*consume)(u64 handle) = state_way(trip.k)->consume;

	KUNIT_EXPECT_EQ(test, consume(0), -EINVAL);
	KUNIT_EXPECT_EQ(test, consume(~0ULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, consume(~7ULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, consume(trip.handle + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, consume(trip.handle + 8), -EINVAL);
	KUNIT_EXPECT_EQ(test, consume((trip.handle & PAGE_MASK) + 8), -EINVAL);
	/* A slot of the same page that holds nothing. */
	KUNIT_EXPECT_EQ(test, consume(trip.other + (trip.other - trip.handle)),
			-EBADMSG);
	/* The start of a page of slots is no state. */
	KUNIT_EXPECT_EQ(test, consume(trip.handle & PAGE_MASK), -EBADMSG);

	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_retrieve(trip.k, s, 1)));
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_retrieve(trip.k, s, 2)));
	KUNIT_EXPECT_EQ(test, luokit_finish(trip.k, s), 0);
}

/* What is left of a page behind its last slot is no slot. */
static void state_handle_behind_slots(struct kunit *test)
{
	struct state_trip trip = {
		.test = test,
		.k = state_boot(test, &widget_v2_world),
	};
	struct file *s = state_trip_start(&trip);
	u32 bytes = state_way(trip.k)->handler->slots.slot_bytes;
	u64 end = (trip.handle & PAGE_MASK) + sizeof(struct luosdk_slot_page) +
		  luosdk_slots_per_page(bytes) * bytes;

	/* It must be in the same page, or this tests nothing. */
	KUNIT_ASSERT_EQ(test, end & PAGE_MASK, trip.handle & PAGE_MASK);
	KUNIT_EXPECT_EQ(test, state_way(trip.k)->consume(end), -EINVAL);

	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_retrieve(trip.k, s, 1)));
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_retrieve(trip.k, s, 2)));
	KUNIT_EXPECT_EQ(test, luokit_finish(trip.k, s), 0);
}

static void state_consumed_twice(struct kunit *test)
{
	struct state_trip trip = {
		.test = test,
		.k = state_boot(test, &widget_world),
	};
	struct file *s = state_trip_start(&trip);

	KUNIT_EXPECT_EQ(test, state_way(trip.k)->consume(trip.handle), 0);
	KUNIT_EXPECT_EQ(test, state_way(trip.k)->consume(trip.handle), -EBADMSG);
	/* LUO does not know, and asks; the one beside it is not disturbed. */
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(luokit_retrieve(trip.k, s, 1)), -EBADMSG);
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_retrieve(trip.k, s, 2)));
	KUNIT_EXPECT_EQ(test, luokit_finish(trip.k, s), 0);
}

/* How many pages the slots of @nr widgets take. */
static size_t state_pages(struct luokit *k, unsigned int nr)
{
	u32 per_page = luosdk_slots_per_page(state_way(k)->handler->slots.slot_bytes);

	return DIV_ROUND_UP(nr, per_page) * PAGE_SIZE;
}

/* Pages come with the first state in them and go with the last, in both kernels. */
static void state_slots(struct kunit *test)
{
	struct luokit *k = state_boot(test, &widget_world);
	const unsigned int nr = 300;
	struct file *a, *b;
	unsigned int i;

	a = luokit_create(k, "a");
	b = luokit_create(k, "b");
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), 0);
	for (i = 0; i < 2 * nr; i++)
		state_preserve(test, i % 2 ? b : a, i, i);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), state_pages(k, 2 * nr));

	/* Every second slot gets free, no page does; the next ones fill them. */
	KUNIT_EXPECT_EQ(test, luokit_close(k, b), 0);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), state_pages(k, 2 * nr));
	b = luokit_create(k, "b");
	for (i = 1; i < 2 * nr; i += 2)
		state_preserve(test, b, i, i);
	KUNIT_EXPECT_EQ(test, luokit_preserved_bytes(k), state_pages(k, 2 * nr));

	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);

	/* Session a is retrieved, then b: its pages go with the last of both. */
	a = luokit_retrieve_session(k, "a");
	for (i = 0; i < 2 * nr; i += 2) {
		struct file *file = luokit_retrieve(k, a, i);

		KUNIT_ASSERT_FALSE(test, IS_ERR(file));
		KUNIT_EXPECT_EQ(test, state_way(k)->value(file), i);
	}
	KUNIT_EXPECT_EQ(test, luokit_finish(k, a), 0);
	KUNIT_EXPECT_GE(test, luokit_incoming_bytes(k), state_pages(k, 2 * nr));

	b = luokit_retrieve_session(k, "b");
	for (i = 1; i < 2 * nr; i += 4)
		KUNIT_ASSERT_FALSE(test, IS_ERR(luokit_retrieve(k, b, i)));
	/* The other half is discarded by the finish. */
	widget_knobs.discarded = 0;
	KUNIT_EXPECT_EQ(test, luokit_finish(k, b), 0);
	KUNIT_EXPECT_EQ(test, widget_knobs.discarded, nr / 2);
}

/* Nobody comes for the session: it keeps its pages, and no more than those. */
static void state_never_retrieved(struct kunit *test)
{
	struct luokit *k = state_boot(test, &widget_world);
	struct file *a, *b;

	a = luokit_create(k, "a");
	b = luokit_create(k, "b");
	state_preserve(test, a, 1, 1);
	state_preserve(test, b, 1, 2);
	KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);

	a = luokit_retrieve_session(k, "a");
	KUNIT_EXPECT_FALSE(test, IS_ERR(luokit_retrieve(k, a, 1)));
	KUNIT_EXPECT_EQ(test, luokit_finish(k, a), 0);
	KUNIT_EXPECT_GE(test, luokit_incoming_bytes(k), PAGE_SIZE);
	luokit_expect_unretrieved(k);
}

/* From each version to each: up is a walk, down is refused. */
static void state_versions(struct kunit *test)
{
	static const struct luokit_world * const worlds[] = {
		&widget_world, &widget_v2_world, &widget_v3_world,
	};
	const u64 value = 0xfedcba9876543210ULL;
	int from, to;

	for (from = 0; from < 3; from++) {
		for (to = 0; to < 3; to++) {
			struct luokit *k = state_boot(test, worlds[from]);
			struct file *s, *file;

			s = luokit_create(k, "s");
			file = luokit_own(k, state_way(k)->create(value));
			KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
			luokit_next_world(k, worlds[to]);
			KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
			s = luokit_retrieve_session(k, "s");
			file = luokit_retrieve(k, s, 1);
			if (to < from) {
				KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(file), -EOPNOTSUPP);
			} else {
				KUNIT_ASSERT_FALSE(test, IS_ERR(file));
				KUNIT_EXPECT_EQ(test, state_way(k)->value(file), value);
				/* Version 1 knows no tag. */
				KUNIT_EXPECT_EQ(test, state_way(k)->tag(file),
						from ? 5 : 0);
			}
			KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
			luokit_end(k);
		}
	}
}

/* An upgrade that fails: the error arrives, the state is gone, nothing leaks. */
static void state_upgrade_fails(struct kunit *test)
{
	const int results[] = { -ENOKEY, 1 };
	int i;

	for (i = 0; i < ARRAY_SIZE(results); i++) {
		struct luokit *k = state_boot(test, &widget_world);
		struct file *s, *file;

		s = luokit_create(k, "s");
		file = luokit_own(k, state_way(k)->create(1));
		KUNIT_ASSERT_EQ(test, luokit_preserve(k, s, 1, file), 0);
		luokit_next_world(k, &widget_v3_world);
		KUNIT_ASSERT_EQ(test, luokit_reboot(k), 0);
		s = luokit_retrieve_session(k, "s");
		widget_knobs.upgrade = results[i];
		kunit_warning_suppress(test) {
			file = luokit_retrieve(k, s, 1);
			KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, results[i] > 0);
		}
		widget_knobs.upgrade = 0;
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(file),
				results[i] > 0 ? -EINVAL : results[i]);
		KUNIT_EXPECT_EQ(test, luokit_finish(k, s), 0);
		luokit_end(k);
	}
}

/* The layout is a contract between kernels: these are its bytes. */
static void state_golden_layout(struct kunit *test)
{
	static const struct luosdk_format format = {
		.compatible = "golden",
		.version = 3,
		.min_version = 3,
		.bytes = 16,
		.sealed = 8,
	};
	static const u8 golden[] = {
		0x4c, 0x55, 0x4f, 0x53,		/* "LUOS" */
		0xd4, 0xde, 0x94, 0xbd,		/* crc32c("golden") */
		0x03, 0x00, 0x00, 0x00,		/* version */
		0x10, 0x00, 0x00, 0x00,		/* bytes */
		0x08, 0x00, 0x00, 0x00,		/* sealed */
		0x00, 0x00, 0x00, 0x00,		/* checksum, see below */
		0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	};
	struct {
		struct luosdk_state_hdr hdr;
		u64 payload[2];
	} state = {
		.hdr = {
			.magic = LUOSDK_STATE_MAGIC,
			.compat = luosdk_compat_hash(format.compatible),
			.version = format.version,
			.bytes = format.bytes,
			.sealed = format.sealed,
		},
		.payload = { 0x0102030405060708ULL, ~0ULL },
	};

	KUNIT_EXPECT_MEMEQ(test, (u8 *)&state, golden, sizeof(golden));
	luosdk_state_seal(&state.payload);
	KUNIT_EXPECT_EQ(test, state.hdr.checksum, 0x01452df9);
	/* What is not sealed may change. */
	state.payload[1] = 0;
	KUNIT_EXPECT_EQ(test, luosdk_state_check(&format, &state.hdr, 16), 0);
	state.payload[0]++;
	KUNIT_EXPECT_EQ(test, luosdk_state_check(&format, &state.hdr, 16), -EBADMSG);

	KUNIT_EXPECT_EQ(test, sizeof(struct luosdk_slot_page), 48);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_slot_page, slot_bytes), 8);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_slot_page, nr_slots), 12);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_slot_page, used), 16);
	KUNIT_EXPECT_EQ(test, offsetof(struct luosdk_slot_page, unused), 32);
}

static struct kunit_case luosdk_state_cases[] = {
	KUNIT_CASE(state_golden_layout),
	KUNIT_CASE(state_every_byte_damaged),
	KUNIT_CASE(state_every_field_wrong),
	KUNIT_CASE(state_every_length_wrong),
	KUNIT_CASE(state_page_damaged),
	KUNIT_CASE(state_wrong_handles),
	KUNIT_CASE(state_handle_behind_slots),
	KUNIT_CASE(state_consumed_twice),
	KUNIT_CASE(state_slots),
	KUNIT_CASE(state_never_retrieved),
	KUNIT_CASE(state_versions),
	KUNIT_CASE(state_upgrade_fails),
	{}
};

static int luosdk_state_init(struct kunit *test)
{
	widget_knobs = (struct widget_knobs){};
	return 0;
}

static struct kunit_suite luosdk_state_suite = {
	.name = "luosdk_state",
	.init = luosdk_state_init,
	.test_cases = luosdk_state_cases,
};

kunit_test_suite(luosdk_state_suite);

MODULE_DESCRIPTION("KUnit tests of luosdk/state.h");
MODULE_LICENSE("GPL");
