/* SPDX-License-Identifier: GPL-2.0 */
/* anon_fd.h - what the three shapes of the template's handler have in common. */
#include <linux/mutex.h>
#include <luosdk/handler.h>
#include "../../../templates/anon-fd/anon_fd_luo_abi.h"

struct anon_fd {
	struct luosdk_guard guard;
	/* Protects what follows. */
	struct mutex lock;
	u32 len;
	u8 text[ANON_FD_BYTES];
};

extern const struct file_operations shape_anon_fd_fops;
struct file *shape_anon_fd_create(const u8 *text, u32 len, u32 flags);

static const struct file_operations anon_fd_fops;

static struct file *anon_fd_create(const u8 *text, u32 len, u32 flags)
{
	return shape_anon_fd_create(text, len, flags);
}
