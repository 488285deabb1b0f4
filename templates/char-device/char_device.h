/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * char_device.h - what user space needs to use /dev/char_device0 and its like.
 */
#ifndef _CHAR_DEVICE_H
#define _CHAR_DEVICE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * Yours: what can be done with a device. Here
 * write(2) of a __u64 raises that many events. read(2) of a __u64 gives how many there were
 * since this file was read last, and does not wait for any: -EAGAIN if there were none.
 */

/*
 * The interrupt: signal this eventfd whenever there are events. -1 for none.
 *
 * Yours: letter and number. The kernel's list of those that are taken is
 * Documentation/userspace-api/ioctl/ioctl-number.rst.
 */
#define CHAR_DEVICE_SET_IRQ	_IOW('a', 0x60, __s32)

#endif /* _CHAR_DEVICE_H */
