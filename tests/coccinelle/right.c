// SPDX-License-Identifier: GPL-2.0
/* All handlers that the rules of tools/coccinelle must not flag, to see that they compile. */
#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include "alloc_preserve_null_right.c"
#include "goto_cleanup_right.c"
#include "inode_identity_right.c"
#include "ops_owner_right.c"
#include "phys_to_virt_test_right.c"
#include "private_data_first_right.c"
#include "restore_err_ptr_right.c"
#include "retrieve_leak_right.c"
#include "unclaimed_right.c"
#include "unclaimed_right_id.c"
