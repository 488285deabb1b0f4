// SPDX-License-Identifier: GPL-2.0
/* The eventfd handler in the shape "macro". What the author writes: */
#include <linux/eventfd.h>
#include <luosdk/handler.h>
#include "eventfd_luo_abi.h"

/* begin */
static struct eventfd_ctx *eventfd_context(struct file *file)
{
	return eventfd_file_ctx(file);
}

static int eventfd_save(struct file *file, struct eventfd_ctx *ctx,
			struct eventfd_luo_ser *ser)
{
	ser->flags = eventfd_ctx_peek(ctx, &ser->count) & EFD_SEMAPHORE;
	ser->file_flags = luosdk_file_flags(file) & O_NONBLOCK;
	return 0;
}

static int eventfd_freeze(struct file *file, struct eventfd_ctx *ctx,
			  struct eventfd_luo_ser *ser)
{
	eventfd_ctx_mirror(ctx, &ser->count);
	return 0;
}

static void eventfd_thaw(struct file *file, struct eventfd_ctx *ctx,
			 struct eventfd_luo_ser *ser)
{
	eventfd_ctx_mirror(ctx, NULL);
}

static struct file *eventfd_restore(const struct eventfd_luo_ser *ser)
{
	if (ser->flags & ~EFD_SEMAPHORE || ser->file_flags & ~O_NONBLOCK)
		return ERR_PTR(-EINVAL);

	return eventfd_create_file(ser->count, ser->flags | ser->file_flags);
}

LUOSDK_HANDLER(eventfd, EVENTFD_LUO_FH_COMPATIBLE,
	       struct eventfd_ctx, struct eventfd_luo_ser,
	.context = eventfd_context,
	.save = eventfd_save,
	.freeze = eventfd_freeze,
	.thaw = eventfd_thaw,
	.restore = eventfd_restore,
	.sealed = offsetof(struct eventfd_luo_ser, count),
);
/* end */
luosdk_module_handler(eventfd);
