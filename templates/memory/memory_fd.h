/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * memory_fd.h - what user space needs to use /dev/memory_fd.
 */
#ifndef _MEMORY_FD_H
#define _MEMORY_FD_H

#include <linux/ioctl.h>

/* How many pages a file can have. */
#define MEMORY_FD_PAGES		262144UL

/*
 * Of /dev/memory_fd: make a file of that many pages, zeroed. Returns its descriptor,
 * close-on-exec.
 *
 * Yours: letter and numbers. The kernel's list of those that are taken is
 * Documentation/userspace-api/ioctl/ioctl-number.rst.
 */
#define MEMORY_FD_CREATE	_IO('a', 0x48)

/*
 * Of a file: add that many pages, zeroed. What is there stays where it is. EBUSY while a live
 * update has the file.
 */
#define MEMORY_FD_GROW		_IO('a', 0x49)

#endif /* _MEMORY_FD_H */
