// SPDX-License-Identifier: GPL-2.0
/* All handlers that the rules of tools/coccinelle have to flag, to see that they compile. */
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

#include "alloc_preserve_null_wrong.c"
#include "goto_cleanup_wrong.c"
#include "inode_identity_wrong.c"
#include "ops_owner_wrong.c"
#include "phys_to_virt_test_wrong.c"
#include "private_data_first_wrong.c"
#include "restore_err_ptr_wrong.c"
#include "retrieve_leak_wrong.c"
#include "unclaimed_wrong.c"
