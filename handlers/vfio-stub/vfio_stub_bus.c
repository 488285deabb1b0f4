// SPDX-License-Identifier: GPL-2.0
/*
 * vfio_stub_bus.c - the bus of the vfio stub: which devices there are.
 *
 * Module parameters say how many, and which: a device is known by its address on the bus, and
 * by a serial number that another device at the same address would not have. Built-in,
 * that is vfio_stub.devices=4 vfio_stub.serial=7000 on the kernel's command line, and
 * vfio_stub.enabled=0 leaves the place to a module.
 *
 * What a bus has to do with live update: at boot it keeps the devices that files are going to
 * come for, and at shutdown it resets all devices but those that are preserved.
 */

#include <linux/device.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <luosdk/handler.h>

#include "vfio_stub_priv.h"

luosdk_module_enabled(vfio_stub);

static unsigned int vfio_stub_devices = 2;
module_param_named(devices, vfio_stub_devices, uint, 0);
MODULE_PARM_DESC(devices, "how many devices there are, up to 64 (default: 2)");

static ulong vfio_stub_serial = 1000;
module_param_named(serial, vfio_stub_serial, ulong, 0);
MODULE_PARM_DESC(serial, "serial number of the first device (default: 1000)");

static struct vfio_stub_device *vfio_stub_table[VFIO_STUB_DEVICES];

/**
 * vfio_stub_bus_find() - Find a device.
 * @address: Its address, any number.
 *
 * Context: Any, while the module is there.
 * Return: The device, or NULL.
 */
struct vfio_stub_device *vfio_stub_bus_find(u32 address)
{
	return address < VFIO_STUB_DEVICES ? vfio_stub_table[address] : NULL;
}

/**
 * vfio_stub_bus_shutdown() - The kernel is about to be replaced: quiesce a device.
 * @device: The device.
 *
 * A device that is preserved works on: that is the point of it. Everything else must not write
 * to memory that will be somebody else's.
 *
 * Context: Sleeps. In the reboot system call, after LUO's freeze.
 */
void vfio_stub_bus_shutdown(struct vfio_stub_device *device)
{
	if (luosdk_guard_phase(&device->guard) == LUOSDK_FROZEN) {
		dev_info(&device->dev, "works on\n");
		return;
	}

	guard(mutex)(&device->lock);
	vfio_stub_device_reset(device);
	dev_info(&device->dev, "reset\n");
}

static struct vfio_stub_device *to_vfio_stub_device(struct device *dev)
{
	return container_of(dev, struct vfio_stub_device, dev);
}

static int vfio_stub_bus_probe(struct device *dev)
{
	struct vfio_stub_device *device = to_vfio_stub_device(dev);

	/* Before anybody can open it. */
	vfio_stub_luo_reserve(device);

	device->misc = (struct miscdevice){
		.minor = MISC_DYNAMIC_MINOR,
		.name = device->name,
		.fops = &vfio_stub_device_fops,
		.parent = dev,
	};

	return misc_register(&device->misc);
}

static void vfio_stub_bus_remove(struct device *dev)
{
	misc_deregister(&to_vfio_stub_device(dev)->misc);
}

static void vfio_stub_bus_shutdown_one(struct device *dev)
{
	vfio_stub_bus_shutdown(to_vfio_stub_device(dev));
}

static const struct bus_type vfio_stub_bus = {
	.name = "vfio-stub",
	.probe = vfio_stub_bus_probe,
	.remove = vfio_stub_bus_remove,
	.shutdown = vfio_stub_bus_shutdown_one,
};

/* There is no other driver for these devices. */
static struct device_driver vfio_stub_driver = {
	.name = "vfio-stub",
	.bus = &vfio_stub_bus,
	.suppress_bind_attrs = true,
};

static void vfio_stub_bus_release(struct device *dev)
{
	struct vfio_stub_device *device = to_vfio_stub_device(dev);

	mutex_destroy(&device->lock);
	kfree(device);
}

static int vfio_stub_bus_add(u32 address)
{
	struct vfio_stub_device *device = kzalloc(sizeof(*device), GFP_KERNEL);
	int err;

	if (!device)
		return -ENOMEM;

	vfio_stub_device_setup(device);
	device->address = address;
	device->serial = vfio_stub_serial + address;
	snprintf(device->name, sizeof(device->name), "vfio-stub%u", address);

	device->dev.bus = &vfio_stub_bus;
	device->dev.release = vfio_stub_bus_release;
	device_initialize(&device->dev);
	err = dev_set_name(&device->dev, "%s", device->name);
	if (!err)
		err = device_add(&device->dev);
	if (err) {
		put_device(&device->dev);
		return err;
	}
	vfio_stub_table[address] = device;

	return 0;
}

static void vfio_stub_bus_remove_all(void)
{
	u32 i;

	for (i = 0; i < VFIO_STUB_DEVICES; i++) {
		if (vfio_stub_table[i])
			device_unregister(&vfio_stub_table[i]->dev);
		vfio_stub_table[i] = NULL;
	}
}

/* ----------------------- /dev/vfio-stub, the way to containers ----------------------- */

static long vfio_stub_ctl_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != VFIO_STUB_CONTAINER)
		return -ENOTTY;

	return FD_ADD(O_CLOEXEC, vfio_stub_container_create(O_RDWR));
}

static const struct file_operations vfio_stub_ctl_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vfio_stub_ctl_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice vfio_stub_ctl = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vfio-stub",
	.fops = &vfio_stub_ctl_fops,
};

static int __init vfio_stub_init(void)
{
	u32 i;
	int err;

	if (!vfio_stub_luo_enabled)
		return 0;
	if (vfio_stub_devices > VFIO_STUB_DEVICES) {
		pr_err("vfio-stub: devices=%u: a bus has room for %u\n", vfio_stub_devices,
		       VFIO_STUB_DEVICES);
		return -EINVAL;
	}

	err = bus_register(&vfio_stub_bus);
	if (err)
		return err;
	/* What is to come decides who may open a device. */
	vfio_stub_luo_expect();
	err = driver_register(&vfio_stub_driver);
	if (err)
		goto err_bus;
	for (i = 0; i < vfio_stub_devices; i++) {
		err = vfio_stub_bus_add(i);
		if (err)
			goto err_devices;
	}
	err = misc_register(&vfio_stub_ctl);
	if (err)
		goto err_devices;
	/* Files come for devices that are there. */
	err = vfio_stub_handlers_register();
	if (err)
		goto err_ctl;

	return 0;

err_ctl:
	misc_deregister(&vfio_stub_ctl);
err_devices:
	vfio_stub_bus_remove_all();
	driver_unregister(&vfio_stub_driver);
err_bus:
	bus_unregister(&vfio_stub_bus);
	return err;
}
module_init(vfio_stub_init);

static void __exit vfio_stub_exit(void)
{
	vfio_stub_handlers_unregister();
	misc_deregister(&vfio_stub_ctl);
	vfio_stub_bus_remove_all();
	driver_unregister(&vfio_stub_driver);
	bus_unregister(&vfio_stub_bus);
}
module_exit(vfio_stub_exit);

MODULE_DESCRIPTION("A device that survives a live update, for those who have a real one");
MODULE_LICENSE("GPL");
