/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vfio_stub_luo_abi.h - what of the vfio stub crosses a kexec. ABI.
 *
 * Two kinds of files and the state of the bus. Of the files the states are trees
 * (luosdk/fdt.h), with little beside them that never grows::
 *
 *	/ {					// a device
 *		address = <u32>;		// on the bus
 *		serial = <u64>;
 *		config = [ 256 bytes ];
 *		container = <u64>;		// number of the file that it is bound to
 *		engine {			// only if it runs
 *			reg = <u64 u64>;	// iova and bytes
 *			period-us = <u32>;
 *			irq = <u32>;		// both only if it raises interrupts
 *			every = <u32>;
 *		};
 *		interrupt@0 {			// one for each in use
 *			eventfd = <u64>;	// the file's number
 *		};
 *	};
 *
 *	/ {					// a container
 *		mapping@10000 {			// one for each, by address of the devices
 *			reg = <u64 u64>;	// iova and bytes
 *			memfd = <u64 u64>;	// the file's number, offset in it
 *		};
 *	};
 *
 * Numbers of files are those of luosdk/depend.h. A reader leaves alone what it does not know, and
 * what is optional above it may find missing. Anything else that changes needs a new version.
 */
#ifndef VFIO_STUB_LUO_ABI_H
#define VFIO_STUB_LUO_ABI_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <luosdk/fdt.h>

#define VFIO_STUB_LUO_FH_COMPATIBLE		"luosdk-vfio-stub-v1"
#define VFIO_STUB_CONTAINER_LUO_FH_COMPATIBLE	"luosdk-vfio-stub-container-v1"
#define VFIO_STUB_BUS_LUO_FLB_COMPATIBLE	"luosdk-vfio-stub-bus-v1"

/**
 * struct vfio_stub_luo_ser - A device.
 * @tree:       All that is described above.
 * @file_flags: Of its file.
 * @reserved:   Zero.
 * @count:      How far its engine has counted. Written until the old kernel is gone, and
 *              therefore not covered by the checksum.
 */
struct vfio_stub_luo_ser {
	struct luosdk_fdt_ser tree;
	u32 file_flags;
	u32 reserved;
	u64 count;
};

static_assert(sizeof(struct vfio_stub_luo_ser) == 40);
static_assert(offsetof(struct vfio_stub_luo_ser, count) == 32);

/**
 * struct vfio_stub_container_luo_ser - A container.
 * @tree:       All that is described above.
 * @file_flags: Of its file.
 * @reserved:   Zero.
 */
struct vfio_stub_container_luo_ser {
	struct luosdk_fdt_ser tree;
	u32 file_flags;
	u32 reserved;
};

static_assert(sizeof(struct vfio_stub_container_luo_ser) == 32);

/**
 * struct vfio_stub_bus_luo_ser - Which devices of the bus are preserved.
 * @devices: Bit n is the device with address n.
 * @serial:  Its serial number.
 */
struct vfio_stub_bus_luo_ser {
	u64 devices;
	u64 serial[64];
};

static_assert(sizeof(struct vfio_stub_bus_luo_ser) == 520);

#endif /* VFIO_STUB_LUO_ABI_H */
