/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * anon_fd.h - what user space needs to use /dev/anon_fd.
 */
#ifndef _ANON_FD_H
#define _ANON_FD_H

#include <linux/ioctl.h>

/* How many bytes a file of this driver holds. */
#define ANON_FD_BYTES		32

/*
 * Make a file. Returns its descriptor, close-on-exec.
 *
 * Yours: letter and number. The kernel's list of those that are taken is
 * Documentation/userspace-api/ioctl/ioctl-number.rst.
 */
#define ANON_FD_CREATE		_IO('a', 0x40)

#endif /* _ANON_FD_H */
