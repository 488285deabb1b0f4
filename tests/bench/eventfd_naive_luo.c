// SPDX-License-Identifier: GPL-2.0
/*
 * eventfd_naive_luo.c - an eventfd handler as one writes it in an afternoon.
 *
 * A baseline of the bench: a preserved page for each eventfd, nobody checks
 * whether it is preserved already, and the new kernel believes what it finds.
 */

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>

#include "bench.h"

struct eventfd_naive_ser {
	u32 flags;
	u32 file_flags;
	u64 count;
};

static bool eventfd_naive_can_preserve(struct liveupdate_file_handler *handler,
				       struct file *file)
{
	return eventfd_file_ctx(file);
}

static int eventfd_naive_preserve(struct liveupdate_file_op_args *args)
{
	struct eventfd_naive_ser *ser = kho_alloc_preserve(sizeof(*ser));

	if (IS_ERR(ser))
		return PTR_ERR(ser);

	args->serialized_data = virt_to_phys(ser);
	args->private_data = ser;

	return 0;
}

static void eventfd_naive_unpreserve(struct liveupdate_file_op_args *args)
{
	kho_unpreserve_free(args->private_data);
}

static int eventfd_naive_freeze(struct liveupdate_file_op_args *args)
{
	struct eventfd_ctx *ctx = eventfd_file_ctx(args->file);
	struct eventfd_naive_ser *ser = args->private_data;

	ser->flags = eventfd_ctx_peek(ctx, &ser->count) & EFD_SEMAPHORE;
	ser->file_flags = args->file->f_flags & O_NONBLOCK;
	eventfd_ctx_mirror(ctx, &ser->count);

	return 0;
}

static void eventfd_naive_unfreeze(struct liveupdate_file_op_args *args)
{
	eventfd_ctx_mirror(eventfd_file_ctx(args->file), NULL);
}

static int eventfd_naive_retrieve(struct liveupdate_file_op_args *args)
{
	struct eventfd_naive_ser *ser = phys_to_virt(args->serialized_data);
	struct file *file;

	file = eventfd_create_file(ser->count, ser->flags | ser->file_flags);
	kho_restore_free(ser);
	if (IS_ERR(file))
		return PTR_ERR(file);

	args->file = file;

	return 0;
}

static void eventfd_naive_finish(struct liveupdate_file_op_args *args)
{
	if (!args->retrieve_status)
		kho_restore_free(phys_to_virt(args->serialized_data));
}

static const struct liveupdate_file_ops eventfd_naive_luo_ops = {
	.can_preserve	= eventfd_naive_can_preserve,
	.preserve	= eventfd_naive_preserve,
	.unpreserve	= eventfd_naive_unpreserve,
	.freeze		= eventfd_naive_freeze,
	.unfreeze	= eventfd_naive_unfreeze,
	.retrieve	= eventfd_naive_retrieve,
	.finish		= eventfd_naive_finish,
	.owner		= THIS_MODULE,
};

const struct liveupdate_file_ops *bench_naive_ops(void)
{
	return &eventfd_naive_luo_ops;
}
