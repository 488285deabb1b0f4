/* SPDX-License-Identifier: GPL-2.0 */
/*
 * char_device_luo_abi.h - what a live update saves of a char_device and of its preserved
 * file. ABI between kernels: a changed layout needs a new version, see luosdk/state.h.
 */
#ifndef _CHAR_DEVICE_LUO_ABI_H
#define _CHAR_DEVICE_LUO_ABI_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>

/*
 * The compatible string of the handler, known to both kernels.
 *
 * Yours: what your driver is called, with your project in front. It never changes; formats
 * under it have versions.
 */
#define CHAR_DEVICE_LUO_FH_COMPATIBLE	"luosdk-char-device-v1"

/* In @flags: the interrupt has an eventfd. */
#define CHAR_DEVICE_LUO_IRQ		BIT(0)

/**
 * struct char_device_luo_ser - Saved state of one device, and of the file it is preserved by.
 * @number:     Which device it is.
 * @file_flags: Access mode and O_NONBLOCK of the file, as they are at freeze.
 * @events:     How many events the device has had.
 * @seen:       How many of them the file had read.
 * @irq:        Which file of the session the eventfd is, as luosdk_link_file() says.
 * @flags:      CHAR_DEVICE_LUO_IRQ, or 0.
 * @reserved:   0.
 *
 * Yours: what has to survive. Fixed-width fields, no padding.
 */
struct char_device_luo_ser {
	u32 number;
	u32 file_flags;
	u64 events;
	u64 seen;
	u64 irq;
	u32 flags;
	u32 reserved;
};

static_assert(sizeof(struct char_device_luo_ser) == 40);

#endif /* _CHAR_DEVICE_LUO_ABI_H */
