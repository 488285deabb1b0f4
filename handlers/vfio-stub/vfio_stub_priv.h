/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vfio_stub_priv.h - the parts of the vfio stub, to each other.
 *
 * vfio_stub_bus.c finds devices and takes part in boot and shutdown, vfio_stub_device.c is the
 * device and its engine, vfio_stub_container.c the memory that devices reach. All that is
 * for live update alone is in vfio_stub_luo.c, and here between the lines that say so.
 */
#ifndef VFIO_STUB_PRIV_H
#define VFIO_STUB_PRIV_H

#include <linux/device.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <luosdk/guard.h>

#include "vfio_stub.h"

/* As many as a bus can have, and a u64 has bits. */
#define VFIO_STUB_DEVICES	64

/**
 * struct vfio_stub_map - A mapping.
 * @list:      In the container's, by iova.
 * @iova:      Where devices see it.
 * @bytes:     How large it is.
 * @offset:    Where in the memfd it begins.
 * @memfd:     The memfd, of which it holds a reference. NULL for a moment in a container that is
 *             being restored.
 * @folios:    What is pinned of it.
 * @nr_folios: How many these are.
 * @page:      The address of each of its pages.
 * @users:     How many engines write to it.
 * @token:     Live update: which file of the session the memfd is.
 */
struct vfio_stub_map {
	struct list_head list;
	u64 iova;
	u64 bytes;
	u64 offset;
	struct file *memfd;
	struct folio **folios;
	unsigned long nr_folios;
	void **page;
	unsigned int users;
	u64 token;
};

/**
 * struct vfio_stub_container - The memory that devices reach; behind an anon file.
 * @guard:   Live update: is it preserved, and may it still change?
 * @lock:    Protects what follows. Taken after a device's.
 * @maps:    The mappings, by iova.
 * @nr_maps: How many.
 */
struct vfio_stub_container {
	struct luosdk_guard guard;
	/* What follows. */
	struct mutex lock;
	struct list_head maps;
	unsigned int nr_maps;
};

/**
 * struct vfio_stub_engine - What writes to memory by itself, as DMA does.
 * @timer:  Each expiry is a write.
 * @lock:   Protects the members below against the timer.
 * @args:   What it was started with; .bytes is 0 while it is stopped.
 * @map:    The mapping it writes to.
 * @count:  The last number it wrote.
 * @mirror: Live update: where else to write it, from freeze until the kernel is gone.
 */
struct vfio_stub_engine {
	struct hrtimer timer;
	/* What follows, against the timer. */
	spinlock_t lock;
	struct vfio_stub_start_args args;
	struct vfio_stub_map *map;
	u64 count;
	u64 *mirror;
};

/**
 * struct vfio_stub_irq - An interrupt.
 * @file:  The eventfd, of which it holds a reference.
 * @ctx:   What is behind it.
 * @token: Live update: which file of the session the eventfd is.
 * @incoming: Live update: it had one in the old kernel.
 */
struct vfio_stub_irq {
	struct file *file;
	struct eventfd_ctx *ctx;
	u64 token;
	bool incoming;
};

/**
 * struct vfio_stub_device - A device.
 * @dev:       On the bus.
 * @misc:      The character device.
 * @name:      Of both.
 * @address:   Which one it is on the bus.
 * @serial:    Which one it is in the world.
 * @guard:     Live update: is it preserved, reserved, and may it still change?
 * @lock:      Protects what follows; .engine.lock beside it what the timer looks at.
 * @opens:     How many open files it has.
 * @container: The container it is bound to, of which it holds a reference.
 * @irq:       Its interrupts.
 * @engine:    Its engine.
 * @incoming:  Live update: restored, and nobody has bound it or given it up.
 * @token:     Live update: which file of the session the container is.
 * @config:    Its config space.
 */
struct vfio_stub_device {
	struct device dev;
	struct miscdevice misc;
	char name[16];
	u32 address;
	u64 serial;
	struct luosdk_guard guard;
	/* What follows. */
	struct mutex lock;
	unsigned int opens;
	struct file *container;
	struct vfio_stub_irq irq[VFIO_STUB_IRQS];
	struct vfio_stub_engine engine;
	bool incoming;
	u64 token;
	u8 config[VFIO_STUB_CONFIG_BYTES];
};

/**
 * struct vfio_stub_open - What is behind one open file of a device.
 * @device: The device, whose files can be many.
 */
struct vfio_stub_open {
	struct vfio_stub_device *device;
};

/* vfio_stub_container.c */
extern const struct file_operations vfio_stub_container_fops;
struct file *vfio_stub_container_create(u32 flags);
int vfio_stub_container_add(struct vfio_stub_container *container,
			    const struct vfio_stub_map *wanted);
int vfio_stub_map_pin(struct vfio_stub_map *map, struct file *memfd);
struct vfio_stub_map *vfio_stub_map_get(struct file *container, u64 iova, u64 bytes);
void vfio_stub_map_put(struct file *container, struct vfio_stub_map *map);

/* vfio_stub_device.c */
extern const struct file_operations vfio_stub_device_fops;
void vfio_stub_device_setup(struct vfio_stub_device *device);
void vfio_stub_device_reset(struct vfio_stub_device *device);
struct file *vfio_stub_device_file(struct vfio_stub_device *device, u32 flags);
int vfio_stub_irq_set(struct vfio_stub_device *device, u32 index, struct file *eventfd);
int vfio_stub_engine_check(const struct vfio_stub_start_args *args);
int vfio_stub_engine_start(struct vfio_stub_device *device,
			   const struct vfio_stub_start_args *args, u64 count);
void vfio_stub_engine_mirror(struct vfio_stub_device *device, u64 *mirror);

/* vfio_stub_bus.c */
struct vfio_stub_device *vfio_stub_bus_find(u32 address);
void vfio_stub_bus_shutdown(struct vfio_stub_device *device);

/* vfio_stub_luo.c: live update. */
void vfio_stub_luo_expect(void);
int vfio_stub_handlers_register(void);
void vfio_stub_handlers_unregister(void);
void vfio_stub_luo_reserve(struct vfio_stub_device *device);

#endif /* VFIO_STUB_PRIV_H */
