// SPDX-License-Identifier: GPL-2.0
/* The handler of anon-fd in the shape "macro". What the author writes: */
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

LUOSDK_HANDLER(anon_fd, ANON_FD_LUO_FH_COMPATIBLE,
	       struct anon_fd, struct anon_fd_luo_ser,
	.fops = &anon_fd_fops,
	.guard = LUOSDK_GUARD_IN(struct anon_fd, guard),
	.save = anon_fd_save,
	.restore = anon_fd_restore,
);
/* end */
luosdk_module_handler(anon_fd);
