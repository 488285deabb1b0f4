// SPDX-License-Identifier: GPL-2.0
/*
 * hand_written_luo_world.c - a kernel with the driver, and the test's way to what is static in it.
 */
#include <luokit_world.h>
#include "hand_written.c"

#include "hand_written_luo_kunit.h"

/* Yours: what the tests see of an object, and do to it. */
static void hand_written_get(struct file *file, u8 *text, u32 *len)
{
	struct hand_written *h = file->private_data;

	guard(mutex)(&h->lock);
	*len = h->len;
	memcpy(text, h->text, h->len);
}

static int hand_written_set_file(struct file *file, const u8 *text, u32 len)
{
	return hand_written_set(file->private_data, text, len);
}

static struct file *hand_written_create_idle(const u8 *text, u32 len, u32 flags)
{
	return hand_written_create(text, len, flags, HAND_WRITTEN_IDLE);
}

static void hand_written_seal(struct hand_written_luo_ser *ser)
{
	ser->checksum = hand_written_luo_checksum(ser);
}

static const struct hand_written_way hand_written_way = {
	.create = hand_written_create_idle,
	.get = hand_written_get,
	.set = hand_written_set_file,
	.seal = hand_written_seal,
};

LUOKIT_WORLD(hand_written_luo_world, .private = &hand_written_way);
