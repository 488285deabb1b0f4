/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vfio_stub.h - what a program says to the vfio stub: its ioctls.
 *
 * For kernel and user space. /dev/vfio-stub makes containers, /dev/vfio-stub0 and so on are the
 * devices. The life of a device, without error handling::
 *
 *	int container = ioctl(open("/dev/vfio-stub", O_RDWR), VFIO_STUB_CONTAINER);
 *	int device = open("/dev/vfio-stub0", O_RDWR);
 *
 *	ioctl(container, VFIO_STUB_MAP, &(struct vfio_stub_map_args){
 *		.memfd = memfd, .iova = 0x10000, .bytes = 1 << 16 });
 *	ioctl(device, VFIO_STUB_BIND, &container);
 *	ioctl(device, VFIO_STUB_SET_IRQ, &(struct vfio_stub_irq_args){
 *		.index = 0, .eventfd = eventfd });
 *	ioctl(device, VFIO_STUB_START, &(struct vfio_stub_start_args){
 *		.iova = 0x10000, .bytes = 1 << 16, .period_us = 100, .every = 1000 });
 *
 * Bytes 0 to 255 of a device file are its config space, for pread(2) and pwrite(2).
 *
 * Every ioctl returns 0 or an errno. Those of a preserved device or container that is frozen
 * wait, killable, for what becomes of the live update.
 */
#ifndef VFIO_STUB_H
#define VFIO_STUB_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VFIO_STUB_CONFIG_BYTES	256
#define VFIO_STUB_IRQS		4
#define VFIO_STUB_MAPS		64
#define VFIO_STUB_MAP_BYTES	0x40000000ULL

/**
 * struct vfio_stub_map_args - Let devices reach a part of a memfd.
 * @memfd:  The memfd's descriptor.
 * @flags:  0.
 * @offset: Where in the memfd, in bytes; a multiple of the page size, as all that follow.
 * @bytes:  How much, up to VFIO_STUB_MAP_BYTES.
 * @iova:   Under which address of the devices.
 */
struct vfio_stub_map_args {
	__s32 memfd;
	__u32 flags;
	__u64 offset;
	__u64 bytes;
	__u64 iova;
};

/**
 * struct vfio_stub_irq_args - Attach an eventfd to an interrupt.
 * @index:   Which interrupt, below VFIO_STUB_IRQS.
 * @eventfd: The eventfd's descriptor, or -1 to detach it.
 */
struct vfio_stub_irq_args {
	__u32 index;
	__s32 eventfd;
};

/**
 * struct vfio_stub_start_args - Start the device's engine.
 * @iova:      Where it writes; a multiple of 8, within one mapping of the container.
 * @bytes:     How much it has to write to; a multiple of 8.
 * @period_us: Microseconds from one write to the next; 20 to 1000000.
 * @irq:       The interrupt it raises ...
 * @every:     ... each time it has written so often; 0 for never.
 * @flags:     0.
 *
 * The engine counts, from 1. It writes each number n to the memory as a u64, at @iova plus
 * 8 * (n % (@bytes / 8)), as a ring. It goes on while the device has no user but a preserved
 * file, while a live update replaces the kernel as long as the old one lives, and in the new
 * kernel as soon as the device's file is retrieved, with the next number.
 */
struct vfio_stub_start_args {
	__u64 iova;
	__u64 bytes;
	__u32 period_us;
	__u32 irq;
	__u32 every;
	__u32 flags;
};

/**
 * struct vfio_stub_info - What a device says of itself.
 * @serial:   Its serial number.
 * @count:    How far its engine has counted.
 * @address:  Its address on the bus.
 * @flags:    VFIO_STUB_BOUND, _RUNNING, _INCOMING.
 */
struct vfio_stub_info {
	__u64 serial;
	__u64 count;
	__u32 address;
	__u32 flags;
};

#define VFIO_STUB_BOUND		0x1	/* to a container */
#define VFIO_STUB_RUNNING	0x2	/* its engine is */
#define VFIO_STUB_INCOMING	0x4	/* came by a live update, nobody bound it so far */

#define VFIO_STUB_TYPE		0xb5

/* /dev/vfio-stub: make a container. Returns its descriptor. */
#define VFIO_STUB_CONTAINER	_IO(VFIO_STUB_TYPE, 0)

/* Containers. -EEXIST: overlaps another mapping. -EBUSY: an engine writes there. */
#define VFIO_STUB_MAP		_IOW(VFIO_STUB_TYPE, 1, struct vfio_stub_map_args)
#define VFIO_STUB_UNMAP		_IOW(VFIO_STUB_TYPE, 2, __u64)

/*
 * Devices. To bind is to name the container's descriptor, or -1 to unbind. A device that came by
 * a live update has its container already, and its engine runs, but the new program has not
 * said so far that it is in charge: until it binds the device, to that container and no
 * other, or gives it up, the session cannot finish. To give up is to reset.
 *
 * -ENOTCONN: is not bound. -EBUSY: is bound, or running, already.
 */
#define VFIO_STUB_INFO		_IOR(VFIO_STUB_TYPE, 3, struct vfio_stub_info)
#define VFIO_STUB_BIND		_IOW(VFIO_STUB_TYPE, 4, __s32)
#define VFIO_STUB_SET_IRQ	_IOW(VFIO_STUB_TYPE, 5, struct vfio_stub_irq_args)
#define VFIO_STUB_START		_IOW(VFIO_STUB_TYPE, 6, struct vfio_stub_start_args)
#define VFIO_STUB_STOP		_IO(VFIO_STUB_TYPE, 7)
#define VFIO_STUB_RESET		_IO(VFIO_STUB_TYPE, 8)
#define VFIO_STUB_GIVE_UP	_IO(VFIO_STUB_TYPE, 9)

#endif /* VFIO_STUB_H */
