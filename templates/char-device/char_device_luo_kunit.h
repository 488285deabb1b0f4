/* SPDX-License-Identifier: GPL-2.0 */
/*
 * char_device_luo_kunit.h - what the tests need of the driver beyond what LUO sees.
 */
#ifndef _CHAR_DEVICE_LUO_KUNIT_H
#define _CHAR_DEVICE_LUO_KUNIT_H

#include <linux/types.h>

struct char_device_luo_ser;
struct file;
struct luokit_world;

/* LUO's core, the driver, and the handler of eventfds. */
extern const struct luokit_world char_device_luo_world;
/* The same on a kernel whose handlers cannot look up other files. */
extern const struct luokit_world char_device_luo_alone_world;

/* As many devices as the worlds have. */
#define CHAR_DEVICE_KUNIT_DEVICES	64

/* Yours: static functions of char_device.c that the tests call, or what stands for them. */
struct char_device_way {
	/* The first file of a device; -EBUSY if it has one. */
	struct file *(*open)(unsigned int number, u32 flags);
	int (*raise)(struct file *file, u64 events);
	int (*take)(struct file *file, u64 *events);
	int (*set_irq)(struct file *file, struct file *eventfd);
	/* Without a reference; NULL if there is none. */
	struct file *(*irq)(struct file *file);
	/* What is saved of the device and the file, but for the interrupt. */
	void (*look)(struct file *file, struct char_device_luo_ser *ser);
	/* Of both handlers. */
	size_t (*leaked)(void);
};

#endif /* _CHAR_DEVICE_LUO_KUNIT_H */
