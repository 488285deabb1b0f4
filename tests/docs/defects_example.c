// SPDX-License-Identifier: GPL-2.0
/*
 * The examples of docs/defects.rst, as the reader sees them: the test is that they compile,
 * the wrong ones as well. Nothing is linked or run.
 */
#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

/* What the page does not repeat where it shows a table of callbacks. */
bool ring_luo_can_preserve(struct liveupdate_file_handler *handler, struct file *file);
int ring_luo_preserve(struct liveupdate_file_op_args *args);
void ring_luo_unpreserve(struct liveupdate_file_op_args *args);
int ring_luo_retrieve(struct liveupdate_file_op_args *args);
void ring_luo_finish(struct liveupdate_file_op_args *args);

#include "defects_example.inc"
