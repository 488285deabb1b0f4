// SPDX-License-Identifier: GPL-2.0
/*
 * char_device_luo_world.c - a kernel with the driver, and the test's way to what is static in it.
 */
#ifndef CHAR_DEVICE_WORLD
#define CHAR_DEVICE_WORLD	char_device_luo_world
#endif

#include <luokit_world.h>
#include <luokit_eventfd.h>
#include "char_device.c"

#include "char_device_luo_kunit.h"

/* Yours: the hardware that this kernel finds. */
static int __init char_device_world_hardware(void)
{
	char_device_count = CHAR_DEVICE_KUNIT_DEVICES;
	return 0;
}
core_initcall(char_device_world_hardware);

/* Yours: what the tests see of a device, and do to it. */
static struct file *char_device_open_first(unsigned int number, u32 flags)
{
	const struct char_device_luo_ser untouched = { .file_flags = flags };

	return char_device_file(&char_devices[number], &untouched);
}

static struct file *char_device_irq(struct file *file)
{
	return char_device_of(file)->irq;
}

static void char_device_look(struct file *file, struct char_device_luo_ser *ser)
{
	char_device_save(file, char_device_of(file), ser);
}

static size_t char_device_leaked(void)
{
	return luosdk_stats_read(&char_device_luo_handler.stats, LUOSDK_STAT_LEAKED) +
	       luosdk_stats_read(&eventfd_luo_handler.stats, LUOSDK_STAT_LEAKED);
}

static const struct char_device_way char_device_way = {
	.open = char_device_open_first,
	.raise = char_device_raise,
	.take = char_device_take,
	.set_irq = char_device_set_irq,
	.irq = char_device_irq,
	.look = char_device_look,
	.leaked = char_device_leaked,
};

LUOKIT_WORLD(CHAR_DEVICE_WORLD, .private = &char_device_way);
