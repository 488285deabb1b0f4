// SPDX-License-Identifier: GPL-2.0
/*
 * eventfd_layer.c - the project's eventfd handler, as it stands, for the bench.
 *
 * This is its own source compiled once more, because the bench has to choose
 * at run time which handler LUO offers a file to. Only its registration is
 * left out: LUO gets the same callbacks from bench_eventfd.c, under another
 * compatible string, and debugfs has the original's counters already. And its
 * trace event, a symbol of the whole kernel: what is measured has none.
 */

#include <linux/liveupdate.h>
#include <luosdk/stats.h>

#define liveupdate_register_file_handler(fh) ((void)(fh), 0)
#define luosdk_stats_register(...) do { } while (0)
/* It registers nothing, so it leaves no note either. */
#include <luosdk/note.h>
#undef LUOSDK_NOTE
#define LUOSDK_NOTE(...) do { } while (0)
#include <luosdk/handler.h>

#undef luosdk_module_handler
#define luosdk_module_handler(...) static_assert(true)
#include "../../handlers/eventfd/eventfd_luo.c"

#include "bench.h"

const struct liveupdate_file_ops *bench_layer_ops(void)
{
	/* Fills in the format, too. */
	return eventfd_luo_register() ? NULL : &eventfd_luo_ops;
}
