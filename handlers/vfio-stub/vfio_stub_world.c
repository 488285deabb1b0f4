// SPDX-License-Identifier: GPL-2.0
/* A kernel with the vfio stub, and with the handlers of what its devices need. */
#ifndef VFIO_STUB_WORLD
#define VFIO_STUB_WORLD vfio_stub_world
#endif

#include "memfd_sdk_world.h"

/* Two handlers in one unit cannot both have a parameter of that name. */
#undef luosdk_module_handler
#define luosdk_module_handler(_name)					\
	static int __init _name##_world_init(void)			\
	{								\
		return _name##_luo_register();				\
	}								\
	module_init(_name##_world_init);				\
	static void __exit _name##_world_exit(void)			\
	{								\
		_name##_luo_unregister();				\
	}								\
	module_exit(_name##_world_exit)
#undef luosdk_module_enabled
#define luosdk_module_enabled(_name)	static bool _name##_luo_enabled = true

#undef LUOSDK_TRACE
#include "eventfd_luo.c"
#undef LUOSDK_TRACE

/*
 * Injected failures fail bus_register() as a whole. Where memory ends within it, the driver core
 * of Linux 7.3 unregisters a lock that it did not register so far, and warns of it.
 */
static int vfio_stub_world_bus_register(const struct bus_type *bus)
{
	void *first = kmalloc(1, GFP_KERNEL);
	unsigned int quiet;
	int err;

	if (!first)
		return -ENOMEM;
	kfree(first);
	quiet = luokit_quiet_begin();
	err = bus_register(bus);
	luokit_quiet_end(quiet);

	return err;
}

#define bus_register	vfio_stub_world_bus_register

/* Its ioctls deal with descriptors, those of whoever calls them; its handlers must not. */
#undef fget
#undef fd_install
#include "vfio_stub_bus.c"
#include "vfio_stub_device.c"
#include "vfio_stub_container.c"
#define fget		luokit_fget
#define fd_install	luokit_fd_install
#include "vfio_stub_luo.c"

#include "vfio_stub_luo_kunit.h"

static int __init vfio_stub_world_hardware(void)
{
	vfio_stub_devices = vfio_stub_kunit_devices;
	vfio_stub_serial = vfio_stub_kunit_serial;
	vfio_stub_luo_enabled = vfio_stub_kunit_enabled;
	return 0;
}
core_initcall(vfio_stub_world_hardware);

static void vfio_stub_world_newer_bus(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vfio_stub_bus_flb.copy); i++) {
		luosdk_state_hdr(vfio_stub_bus_flb.copy[i])->version++;
		luosdk_state_seal(vfio_stub_bus_flb.copy[i]);
	}
}

/* What somebody else has that the stub wants at boot. */
static struct miscdevice vfio_stub_rival_misc = { .name = "vfio-stub" };
static struct liveupdate_flb vfio_stub_rival_flb = {
	.ops = &vfio_stub_bus_flb_ops,
	.compatible = VFIO_STUB_BUS_LUO_FLB_COMPATIBLE,
};

static int vfio_stub_world_occupy(enum vfio_stub_occupied what)
{
	switch (what) {
	case VFIO_STUB_OCCUPIED_MISC:
		return misc_register(&vfio_stub_rival_misc);
	case VFIO_STUB_OCCUPIED_CONTAINER:
		return vfio_stub_container_luo_register();
	case VFIO_STUB_OCCUPIED_DEVICE:
		return vfio_stub_luo_register();
	default:
		return liveupdate_register_flb(&eventfd_luo_handler.fh, &vfio_stub_rival_flb);
	}
}

static void vfio_stub_world_vacate(enum vfio_stub_occupied what)
{
	switch (what) {
	case VFIO_STUB_OCCUPIED_MISC:
		misc_deregister(&vfio_stub_rival_misc);
		break;
	case VFIO_STUB_OCCUPIED_CONTAINER:
		vfio_stub_container_luo_unregister();
		break;
	case VFIO_STUB_OCCUPIED_DEVICE:
		vfio_stub_luo_unregister();
		break;
	default:
		liveupdate_unregister_flb(&eventfd_luo_handler.fh, &vfio_stub_rival_flb);
	}
}

static const struct vfio_stub_world_private vfio_stub_world_private = {
	.device = &vfio_stub_luo_handler,
	.container = &vfio_stub_container_luo_handler,
	.hardware = vfio_stub_world_hardware,
	.init = vfio_stub_init,
	.exit = vfio_stub_exit,
	.occupy = vfio_stub_world_occupy,
	.vacate = vfio_stub_world_vacate,
	.find = vfio_stub_bus_find,
	.open = vfio_stub_device_file,
	.container_create = vfio_stub_container_create,
	.map = vfio_stub_container_map,
	.unmap = vfio_stub_container_unmap,
	.command = vfio_stub_device_do,
	.config = vfio_stub_config_set,
	.info = vfio_stub_device_info,
	.unreserve = vfio_stub_unreserve,
	.bus_register = vfio_stub_bus_flb_register,
	.bus_unregister = vfio_stub_bus_flb_unregister,
	.newer_bus = vfio_stub_world_newer_bus,
};

LUOKIT_WORLD(VFIO_STUB_WORLD, .private = &vfio_stub_world_private);
