/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vfio_stub_luo_kunit.h - the kernels that the vfio stub's suites run on.
 */
#ifndef VFIO_STUB_LUO_KUNIT_H
#define VFIO_STUB_LUO_KUNIT_H

#include "vfio_stub_priv.h"

struct luokit_world;
struct luosdk_handler;

/* LUO's core, the vfio stub, and the handlers of memfds and eventfds. */
extern const struct luokit_world vfio_stub_world;
/* The same on a kernel whose handlers cannot look up other files. */
extern const struct luokit_world vfio_stub_alone_world;

/* What the stub needs and somebody else can have: the name of its bus's state is the last. */
enum vfio_stub_occupied {
	VFIO_STUB_OCCUPIED_MISC,
	VFIO_STUB_OCCUPIED_CONTAINER,
	VFIO_STUB_OCCUPIED_DEVICE,
	VFIO_STUB_OCCUPIED_BUS,
	VFIO_STUB_NR_OCCUPIED
};

/* What luokit_private() of these worlds leads to. */
struct vfio_stub_world_private {
	struct luosdk_handler *device, *container;
	/* The parameters as vfio_stub_kunit_*, and what comes and goes with the module. */
	int (*hardware)(void);
	int (*init)(void);
	void (*exit)(void);
	int (*occupy)(enum vfio_stub_occupied what);
	void (*vacate)(enum vfio_stub_occupied what);
	struct vfio_stub_device *(*find)(u32 address);
	struct file *(*open)(struct vfio_stub_device *device, u32 flags);
	struct file *(*container_create)(u32 flags);
	int (*map)(struct vfio_stub_container *container, const struct vfio_stub_map_args *args,
		   struct file *memfd);
	int (*unmap)(struct vfio_stub_container *container, u64 iova);
	int (*command)(struct vfio_stub_device *device, unsigned int cmd, struct file *other,
		       const struct vfio_stub_start_args *start, u32 index);
	int (*config)(struct vfio_stub_device *device, loff_t begin, const u8 *data,
		      size_t count);
	void (*info)(struct vfio_stub_device *device, struct vfio_stub_info *info);
	void (*unreserve)(struct vfio_stub_device *device);
	int (*bus_register)(struct luosdk_handler *device);
	void (*bus_unregister)(struct luosdk_handler *device);
	/* What is preserved of the bus is of a later version. */
	void (*newer_bus)(void);
};

/* The hardware of the next kernel that boots. Not a part of any kernel. */
extern unsigned int vfio_stub_kunit_devices;
extern unsigned long vfio_stub_kunit_serial;
extern bool vfio_stub_kunit_enabled;

#endif /* VFIO_STUB_LUO_KUNIT_H */
