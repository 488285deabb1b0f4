// SPDX-License-Identifier: GPL-2.0
/* The handler of anon-fd in the shape "description". What the author writes: */
#include "anon_fd.h"
#include "description.h"

/* begin */
static int anon_fd_save(struct file *file, void *context, void *state)
{
	struct anon_fd *a = context;
	struct anon_fd_luo_ser *ser = state;

	guard(mutex)(&a->lock);
	ser->file_flags = luosdk_file_flags(file);
	ser->len = a->len;
	memcpy(ser->text, a->text, sizeof(ser->text));
	return 0;
}

static struct file *anon_fd_restore(const void *state)
{
	const struct anon_fd_luo_ser *ser = state;

	if (ser->len > sizeof(ser->text))
		return ERR_PTR(-EINVAL);
	return anon_fd_create(ser->text, ser->len, ser->file_flags);
}

static const struct luosdk_type anon_fd_luo_type = {
	.fops = &anon_fd_fops,
	.guard = LUOSDK_GUARD_IN(struct anon_fd, guard),
	.save = anon_fd_save,
	.restore = anon_fd_restore,
	.drain = HZ,
};

SHAPE_CALLBACKS(anon_fd, &anon_fd_luo_type);
SHAPE_HANDLER(anon_fd, ANON_FD_LUO_FH_COMPATIBLE,
	      sizeof(struct anon_fd_luo_ser), sizeof(struct anon_fd_luo_ser))
/* end */
luosdk_module_handler(anon_fd);
