// SPDX-License-Identifier: GPL-2.0
/*
 * eventfd_luo.c - carries eventfds over a live update.
 *
 * A program preserves an eventfd in a LUO session, the kernel is replaced, and
 * the program gets an eventfd back that has every event that was ever signalled
 * and not read. Needs the patch "eventfd: let a live update carry the counter
 * over" from patches/.
 */

/**
 * DOC: eventfd Preservation via LUO
 *
 * Preserved properties
 * ====================
 *
 * Counter
 *   All 64 bits, also the values beyond ULLONG_MAX - 1 that only the kernel can
 *   reach by signalling. Writes, reads and signals from inside the kernel go on
 *   until the last moment of the old kernel. None is lost, none counts twice.
 *
 * EFD_SEMAPHORE
 *   As the eventfd was created.
 *
 * O_NONBLOCK
 *   As it is when LUO freezes the file, however it was set.
 *
 * Properties that are not preserved
 * =================================
 *
 * Waiters
 *   Tasks that block in read(2), write(2) or poll(2) are gone with the old
 *   kernel, as all tasks are.
 *
 * epoll registration
 *   The eventfd is in no epoll set. It must be added again.
 *
 * Bindings inside the kernel
 *   KVM irqfds and ioeventfds, VFIO interrupts, AIO: whoever was bound to the
 *   eventfd has to be bound again.
 *
 * FD_CLOEXEC
 *   Belongs to the descriptor, not the file. LUO sets it on the new one.
 */

#define LUOSDK_TRACE eventfd

#include <linux/eventfd.h>
#include <linux/module.h>
#include <luosdk/handler.h>

#include "eventfd_luo_abi.h"

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

/* The counter cannot stand still, so the saved one moves along from here. */
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
	.layout = LUOSDK_LAYOUT(struct eventfd_luo_ser, flags, file_flags, count),
);
luosdk_module_handler(eventfd);

MODULE_DESCRIPTION("Live update of eventfds");
MODULE_LICENSE("GPL");
