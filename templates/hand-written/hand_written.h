/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * hand_written.h - what user space needs to use /dev/hand_written.
 */
#ifndef _HAND_WRITTEN_H
#define _HAND_WRITTEN_H

#include <linux/ioctl.h>

/* How many bytes a file of this driver holds. */
#define HAND_WRITTEN_BYTES	32

/*
 * Make a file. Returns its descriptor, close-on-exec.
 *
 * Yours: letter and number. The kernel's list of those that are taken is
 * Documentation/userspace-api/ioctl/ioctl-number.rst.
 */
#define HAND_WRITTEN_CREATE	_IO('a', 0x41)

#endif /* _HAND_WRITTEN_H */
