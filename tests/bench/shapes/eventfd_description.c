// SPDX-License-Identifier: GPL-2.0
/* The eventfd handler in the shape "description". What the author writes: */
#include <linux/eventfd.h>
#include "description.h"
#include "../../../handlers/eventfd/eventfd_luo_abi.h"

/* begin */
static void *eventfd_context(struct file *file)
{
	return eventfd_file_ctx(file);
}

static int eventfd_save(struct file *file, void *context, void *state)
{
	struct eventfd_ctx *ctx = context;
	struct eventfd_luo_ser *ser = state;

	ser->flags = eventfd_ctx_peek(ctx, &ser->count) & EFD_SEMAPHORE;
	ser->file_flags = luosdk_file_flags(file) & O_NONBLOCK;
	return 0;
}

static int eventfd_freeze(struct file *file, void *context, void *state)
{
	struct eventfd_luo_ser *ser = state;

	eventfd_ctx_mirror(context, &ser->count);
	return 0;
}

static void eventfd_thaw(struct file *file, void *context, void *state)
{
	eventfd_ctx_mirror(context, NULL);
}

static struct file *eventfd_restore(const void *state)
{
	const struct eventfd_luo_ser *ser = state;

	if (ser->flags & ~EFD_SEMAPHORE || ser->file_flags & ~O_NONBLOCK)
		return ERR_PTR(-EINVAL);

	return eventfd_create_file(ser->count, ser->flags | ser->file_flags);
}

static const struct luosdk_type eventfd_luo_type = {
	.context = eventfd_context,
	.save = eventfd_save,
	.freeze = eventfd_freeze,
	.thaw = eventfd_thaw,
	.restore = eventfd_restore,
	.drain = HZ,
};

SHAPE_CALLBACKS(eventfd, &eventfd_luo_type);
SHAPE_HANDLER(eventfd, EVENTFD_LUO_FH_COMPATIBLE,
	      sizeof(struct eventfd_luo_ser),
	      offsetof(struct eventfd_luo_ser, count))
/* end */
luosdk_module_handler(eventfd);
