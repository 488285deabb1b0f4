// SPDX-License-Identifier: GPL-2.0
/*
 * anon_fd_luo_world.c - a kernel with the driver, and the test's way to what is static in it.
 */
#include <luokit_world.h>
#include "anon_fd.c"

#include "anon_fd_luo_kunit.h"

/* Yours: what the tests see of an object, and do to it. */
static void anon_fd_get(struct file *file, u8 *text, u32 *len)
{
	struct anon_fd *a = file->private_data;

	guard(mutex)(&a->lock);
	*len = a->len;
	memcpy(text, a->text, a->len);
}

static int anon_fd_set_file(struct file *file, const u8 *text, u32 len)
{
	return anon_fd_set(file->private_data, text, len);
}

static size_t anon_fd_leaked(void)
{
	return luosdk_stats_read(&anon_fd_luo_handler.stats, LUOSDK_STAT_LEAKED);
}

static const struct anon_fd_way anon_fd_way = {
	.create = anon_fd_create,
	.get = anon_fd_get,
	.set = anon_fd_set_file,
	.leaked = anon_fd_leaked,
};

LUOKIT_WORLD(anon_fd_luo_world, .private = &anon_fd_way);
