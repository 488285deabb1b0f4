// SPDX-License-Identifier: GPL-2.0
/* The handler of anon-fd in the shape "include". What the author writes: */
#include "anon_fd.h"

/* begin */
static int anon_fd_save(struct file *file, struct anon_fd *a,
			struct anon_fd_luo_ser *ser)
{
	guard(mutex)(&a->lock);
	ser->file_flags = luosdk_file_flags(file);
	ser->len = a->len;
	memcpy(ser->text, a->text, sizeof(ser->text));
	return 0;
}

static struct file *anon_fd_restore(const struct anon_fd_luo_ser *ser)
{
	if (ser->len > sizeof(ser->text))
		return ERR_PTR(-EINVAL);
	return anon_fd_create(ser->text, ser->len, ser->file_flags);
}

#define SHAPE_NAME	anon_fd
#define SHAPE_COMPAT	ANON_FD_LUO_FH_COMPATIBLE
#define SHAPE_CTX	struct anon_fd
#define SHAPE_SER	struct anon_fd_luo_ser
#define SHAPE_FOPS	(&anon_fd_fops)
#define SHAPE_GUARD	LUOSDK_GUARD_IN(struct anon_fd, guard)
#include "include.h"
/* end */
luosdk_module_handler(anon_fd);
