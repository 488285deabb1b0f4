// SPDX-License-Identifier: GPL-2.0
/*
 * shared_state_luo_world.c - a kernel with the driver, and the test's way to what is static in it.
 */
#include <luokit_world.h>
#include "shared_state.c"

#include "shared_state_luo_kunit.h"

/* Yours: what the tests see of a file, and of what all share. */
static u64 shared_state_id(struct file *file)
{
	return ((struct shared_state *)file->private_data)->id;
}

static u64 shared_state_get_next(void)
{
	guard(mutex)(&shared_state_lock);
	return shared_state_next;
}

static u64 shared_state_handle(void)
{
	return luosdk_state_handle(shared_state_ids_flb.where);
}

static u64 shared_state_copy(void)
{
	struct luosdk_flb *flb = &shared_state_ids_flb;

	return luosdk_state_handle(flb->copy[luosdk_flb_current(flb)]);
}

static size_t shared_state_leaked(void)
{
	return luosdk_stats_read(&shared_state_luo_handler.stats, LUOSDK_STAT_LEAKED) +
	       luosdk_stats_read(&shared_state_ids_flb.stats, LUOSDK_STAT_LEAKED);
}

static const struct shared_state_way shared_state_way = {
	.create_new = shared_state_create_new,
	.create = shared_state_create,
	.id = shared_state_id,
	.next = shared_state_get_next,
	.advance = shared_state_advance,
	.handle = shared_state_handle,
	.copy = shared_state_copy,
	.leaked = shared_state_leaked,
};

LUOKIT_WORLD(shared_state_luo_world, .private = &shared_state_way);
