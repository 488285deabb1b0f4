// SPDX-License-Identifier: GPL-2.0
/* The eventfd handler in the shape "include". What the author writes: */
#include <linux/eventfd.h>
#include <luosdk/handler.h>
#include "../../../handlers/eventfd/eventfd_luo_abi.h"

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

#define SHAPE_NAME	eventfd
#define SHAPE_COMPAT	EVENTFD_LUO_FH_COMPATIBLE
#define SHAPE_CTX	struct eventfd_ctx
#define SHAPE_SER	struct eventfd_luo_ser
#define SHAPE_SEALED	offsetof(struct eventfd_luo_ser, count)
#define SHAPE_HAS_CONTEXT
#define SHAPE_HAS_FREEZE
#include "include.h"
/* end */
luosdk_module_handler(eventfd);
