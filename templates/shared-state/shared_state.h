/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * shared_state.h - what user space needs to use /dev/shared_state.
 */
#ifndef _SHARED_STATE_H
#define _SHARED_STATE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * On /dev/shared_state: make a file. Returns its descriptor, close-on-exec.
 *
 * Yours: letter and number. The kernel's list of those that are taken is
 * Documentation/userspace-api/ioctl/ioctl-number.rst.
 */
#define SHARED_STATE_CREATE	_IO('a', 0x50)

/* On such a file: its id, which no other file ever has. */
#define SHARED_STATE_GET_ID	_IOR('a', 0x51, __u64)

#endif /* _SHARED_STATE_H */
