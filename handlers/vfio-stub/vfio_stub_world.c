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
#define luosdk_module_enabled(_name)	static const bool _name##_luo_enabled = true

#undef LUOSDK_TRACE
#include "eventfd_luo.c"
#undef LUOSDK_TRACE

#include "vfio_stub_bus.c"
#include "vfio_stub_device.c"
#include "vfio_stub_container.c"
#include "vfio_stub_luo.c"

#include "vfio_stub_luo_kunit.h"

static int __init vfio_stub_world_hardware(void)
{
	vfio_stub_devices = vfio_stub_kunit_devices;
	vfio_stub_serial = vfio_stub_kunit_serial;
	return 0;
}
core_initcall(vfio_stub_world_hardware);

static const struct vfio_stub_world_private vfio_stub_world_private = {
	.device = &vfio_stub_luo_handler,
	.container = &vfio_stub_container_luo_handler,
	.find = vfio_stub_bus_find,
	.open = vfio_stub_device_file,
	.container_create = vfio_stub_container_create,
	.map = vfio_stub_container_map,
	.unmap = vfio_stub_container_unmap,
	.command = vfio_stub_device_do,
	.config = vfio_stub_config_set,
	.info = vfio_stub_device_info,
	.shutdown = vfio_stub_bus_shutdown,
	.unreserve = vfio_stub_unreserve,
};

LUOKIT_WORLD(VFIO_STUB_WORLD, .private = &vfio_stub_world_private);
