// SPDX-License-Identifier: GPL-2.0
/*
 * vfio_stub_luo.c - live update of the vfio stub: devices, containers, and the bus.
 *
 * What authors of a real device have to think of is here, once and small: a file that needs
 * files of its own module (its container) and of others (memfds, eventfds); a state that has any
 * number of parts; something that goes on while kernels change; and a bus that must know at
 * boot which of its devices are promised.
 */

#define LUOSDK_TRACE vfio_stub

#include <linux/array_size.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/slab.h>
#include <luosdk/fdt.h>
#include <luosdk/flb.h>
#include <luosdk/handler.h>

#include "vfio_stub_luo_abi.h"
#include "vfio_stub_priv.h"

/**
 * DOC: Live update of the vfio stub
 *
 * Preserved properties, as they are at freeze if nothing else is said:
 *
 * - of a device its config space, its interrupts with their eventfds, the container that it
 *   is bound to, and its engine: that goes on counting until the old kernel is gone, and in
 *   the new one as soon as its file is retrieved, with the next number at the next place;
 * - of a container its mappings with their memfds;
 * - O_NONBLOCK and O_APPEND.
 *
 * All files that are named here have to be preserved in the same session, in any order.
 *
 * Properties that are not preserved: other open files of the same device, positions, FD_CLOEXEC.
 *
 * From preserve on, a device is told from others by address and serial number; in the new kernel
 * nobody can open it before its file is retrieved or its session is finished. A device that was
 * retrieved works, but keeps its session from finishing until a program says that it is in
 * charge: VFIO_STUB_BIND, or VFIO_STUB_GIVE_UP.
 */

/* ------------------------------- The bus ------------------------------- */

/* What the bus was told of the kernel before this one. */
static struct vfio_stub_bus_luo_ser vfio_stub_coming;

/* Nobody will come for the device. */
static void vfio_stub_unreserve(struct vfio_stub_device *device)
{
	guard(mutex)(&device->lock);

	if (luosdk_guard_phase(&device->guard) == LUOSDK_RESERVED)
		luosdk_guard_release(&device->guard, device);
}

/* A file came, and could not be restored: whoever is next finds the device in order. */
static void vfio_stub_abandon(struct vfio_stub_device *device)
{
	scoped_guard(mutex, &device->lock)
		vfio_stub_device_reset(device);
	vfio_stub_unreserve(device);
}

static int vfio_stub_bus_save(struct vfio_stub_bus_luo_ser *ser)
{
	/* Each device adds itself. */
	return 0;
}

static struct vfio_stub_bus_luo_ser *vfio_stub_bus_restore(const struct vfio_stub_bus_luo_ser *ser)
{
	return kmemdup(ser, sizeof(*ser), GFP_KERNEL | __GFP_NOFAIL);
}

/* All files are finished, or lost: nobody will come for the devices that are left. */
static void vfio_stub_bus_release_all(struct vfio_stub_bus_luo_ser *coming)
{
	u32 i;

	for (i = 0; i < VFIO_STUB_DEVICES; i++) {
		struct vfio_stub_device *device = vfio_stub_bus_find(i);

		if (device && coming->devices & BIT_ULL(i))
			vfio_stub_unreserve(device);
	}
	kfree(coming);
}

LUOSDK_FLB(vfio_stub_bus, VFIO_STUB_BUS_LUO_FLB_COMPATIBLE,
	   struct vfio_stub_bus_luo_ser, struct vfio_stub_bus_luo_ser,
	.save = vfio_stub_bus_save,
	.restore = vfio_stub_bus_restore,
	.release = vfio_stub_bus_release_all,
	.layout = LUOSDK_LAYOUT(struct vfio_stub_bus_luo_ser, devices, serial),
);

static int vfio_stub_bus_note(struct vfio_stub_device *device, bool preserved)
{
	struct vfio_stub_bus_luo_ser *ser = vfio_stub_bus_flb_begin();

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	if (preserved)
		ser->devices |= BIT_ULL(device->address);
	else
		ser->devices &= ~BIT_ULL(device->address);
	ser->serial[device->address] = preserved ? device->serial : 0;
	vfio_stub_bus_flb_end(ser);

	return 0;
}

/**
 * vfio_stub_luo_expect() - Find out which devices are promised.
 *
 * Context: Sleeps. At boot, before there are devices.
 */
void vfio_stub_luo_expect(void)
{
	struct vfio_stub_bus_luo_ser *coming = vfio_stub_bus_flb_get();
	int err = PTR_ERR_OR_ZERO(coming);

	if (!err)
		vfio_stub_coming = *coming;
	else if (err != -ENOENT && err != -ENODATA && err != -EOPNOTSUPP)
		pr_warn("vfio-stub: which devices are preserved cannot be told: %pe\n", coming);
	vfio_stub_bus_flb_put(coming);
}

/**
 * vfio_stub_luo_reserve() - Keep a device, if a file is going to come for it.
 * @device: The device, which nobody can have opened.
 *
 * Context: Sleeps. At boot, or whenever a device is found.
 */
void vfio_stub_luo_reserve(struct vfio_stub_device *device)
{
	u64 serial = vfio_stub_coming.serial[device->address];

	if (!(vfio_stub_coming.devices & BIT_ULL(device->address)))
		return;
	if (serial != device->serial) {
		dev_warn(&device->dev, "a device with serial number %llu is preserved, this one has %llu\n",
			 serial, device->serial);
		return;
	}
	luosdk_guard_reserve(&device->guard, device);
	dev_info(&device->dev, "reserved for a preserved file\n");
}

/* ------------------------------ Containers ------------------------------ */

/* One mapping in the tree, with its share of the names. */
#define VFIO_STUB_MAP_TREE_BYTES	128

static int vfio_stub_container_save(struct file *file, struct vfio_stub_container *container,
				    struct vfio_stub_container_luo_ser *ser)
{
	ser->file_flags = luosdk_file_flags(file);
	return 0;
}

static void vfio_stub_container_write(struct vfio_stub_container *container,
				      struct luosdk_fdt_out *out)
{
	struct vfio_stub_map *map;

	list_for_each_entry(map, &container->maps, list) {
		const u64 reg[] = { map->iova, map->bytes };
		const u64 memfd[] = { map->token, map->offset };

		luosdk_fdt_begin_node(out, "mapping", map->iova);
		luosdk_fdt_put_u64s(out, "reg", reg, ARRAY_SIZE(reg));
		luosdk_fdt_put_u64s(out, "memfd", memfd, ARRAY_SIZE(memfd));
		luosdk_fdt_end_node(out);
	}
}

static int vfio_stub_container_preserve(struct file *file, struct vfio_stub_container *container,
					struct vfio_stub_container_luo_ser *ser)
{
	struct luosdk_fdt_out out;
	unsigned int more;

	guard(mutex)(&container->lock);
	luosdk_fdt_begin(&out);
	vfio_stub_container_write(container, &out);
	/* Until the freeze there can be as many mappings as a container may have. */
	more = VFIO_STUB_MAPS - container->nr_maps;
	return luosdk_fdt_preserve(&out, &ser->tree, more * VFIO_STUB_MAP_TREE_BYTES);
}

static void vfio_stub_container_unpreserve(struct file *file,
					   struct vfio_stub_container *container,
					   struct vfio_stub_container_luo_ser *ser)
{
	luosdk_fdt_unpreserve(&ser->tree);
}

static int vfio_stub_container_link(struct file *file, struct vfio_stub_container *container,
				    struct vfio_stub_container_luo_ser *ser,
				    struct luosdk_links *links)
{
	struct luosdk_fdt_out out;
	struct vfio_stub_map *map;
	int err;

	guard(mutex)(&container->lock);

	list_for_each_entry(map, &container->maps, list) {
		err = luosdk_link_file(links, map->memfd, &map->token);
		if (err) {
			pr_err("vfio-stub: container: the memfd mapped at %#llx cannot come along: %pe\n",
			       map->iova, ERR_PTR(err));
			return err;
		}
	}
	if (luosdk_links_dry(links))
		return 0;

	luosdk_fdt_rewrite(&out, &ser->tree);
	vfio_stub_container_write(container, &out);
	return luosdk_fdt_commit(&out, &ser->tree);
}

static int vfio_stub_container_read(struct vfio_stub_container *container,
				    struct luosdk_fdt_in *in)
{
	struct luosdk_fdt_node root = luosdk_fdt_root(in), node = {};

	while (luosdk_fdt_next_node(&root, &node, "mapping")) {
		struct vfio_stub_map map = {};
		u64 reg[2], memfd[2];
		int err;

		err = luosdk_fdt_get_u64s(&node, "reg", reg, ARRAY_SIZE(reg));
		if (!err)
			err = luosdk_fdt_get_u64s(&node, "memfd", memfd, ARRAY_SIZE(memfd));
		if (err)
			return err;
		map.iova = reg[0];
		map.bytes = reg[1];
		map.token = memfd[0];
		map.offset = memfd[1];
		err = vfio_stub_container_add(container, &map);
		if (err)
			return err;
	}

	return 0;
}

static struct file *vfio_stub_container_restore(const struct vfio_stub_container_luo_ser *ser)
{
	struct luosdk_fdt_in in;
	struct file *file;
	int err;

	err = luosdk_fdt_open(&in, &ser->tree, "vfio_stub_container");
	if (err)
		return ERR_PTR(err);

	file = vfio_stub_container_create(ser->file_flags);
	if (!IS_ERR(file)) {
		err = vfio_stub_container_read(file->private_data, &in);
		if (err) {
			fput(file);
			file = ERR_PTR(err);
		}
	}
	luosdk_fdt_close(&in);

	return file;
}

static int vfio_stub_container_bind(struct file *file, struct vfio_stub_container *container,
				    const struct vfio_stub_container_luo_ser *ser,
				    struct luosdk_links *links)
{
	struct vfio_stub_map *map;
	int err;

	/* Nobody else has this container so far. */
	list_for_each_entry(map, &container->maps, list) {
		struct file *memfd = luosdk_bind_file(links, map->token, NULL);

		if (IS_ERR(memfd)) {
			err = PTR_ERR(memfd);
		} else {
			err = vfio_stub_map_pin(map, memfd);
			fput(memfd);
		}
		if (err) {
			pr_err("vfio-stub: container: the memory at %#llx did not come along: %pe\n",
			       map->iova, ERR_PTR(err));
			return err;
		}
	}

	return 0;
}

static void vfio_stub_container_discard(const struct vfio_stub_container_luo_ser *ser)
{
	luosdk_fdt_discard(&ser->tree, "vfio_stub_container");
}

LUOSDK_HANDLER(vfio_stub_container, VFIO_STUB_CONTAINER_LUO_FH_COMPATIBLE,
	       struct vfio_stub_container, struct vfio_stub_container_luo_ser,
	.fops = &vfio_stub_container_fops,
	.guard = LUOSDK_GUARD_IN(struct vfio_stub_container, guard),
	.save = vfio_stub_container_save,
	.preserve = vfio_stub_container_preserve,
	.unpreserve = vfio_stub_container_unpreserve,
	.link = vfio_stub_container_link,
	.restore = vfio_stub_container_restore,
	.bind = vfio_stub_container_bind,
	.discard = vfio_stub_container_discard,
	.parent = true,
	.layout = LUOSDK_LAYOUT(struct vfio_stub_container_luo_ser, tree, file_flags, reserved),
);

/* ------------------------------- Devices ------------------------------- */

/* An engine and an interrupt in the tree. */
#define VFIO_STUB_PART_TREE_BYTES	128

/* The identity is the device, whichever of its files is preserved. */
static struct vfio_stub_device *vfio_stub_context(struct file *file)
{
	struct vfio_stub_open *open = file->private_data;

	return open->device;
}

static int vfio_stub_save(struct file *file, struct vfio_stub_device *device,
			  struct vfio_stub_luo_ser *ser)
{
	guard(mutex)(&device->lock);

	/* What it writes to has to come along. */
	if (!device->container)
		return -ENOTCONN;
	ser->file_flags = luosdk_file_flags(file);

	return 0;
}

static void vfio_stub_write(struct vfio_stub_device *device, struct luosdk_fdt_out *out)
{
	const struct vfio_stub_start_args *args = &device->engine.args;
	const u64 reg[] = { args->iova, args->bytes };
	u32 i;

	luosdk_fdt_put_u32(out, "address", device->address);
	luosdk_fdt_put_u64(out, "serial", device->serial);
	luosdk_fdt_put_bytes(out, "config", device->config, sizeof(device->config));
	luosdk_fdt_put_u64(out, "container", device->token);

	if (args->bytes) {
		luosdk_fdt_begin_node(out, "engine", LUOSDK_FDT_NO_UNIT);
		luosdk_fdt_put_u64s(out, "reg", reg, ARRAY_SIZE(reg));
		luosdk_fdt_put_u32(out, "period-us", args->period_us);
		if (args->every) {
			luosdk_fdt_put_u32(out, "irq", args->irq);
			luosdk_fdt_put_u32(out, "every", args->every);
		}
		luosdk_fdt_end_node(out);
	}

	for (i = 0; i < VFIO_STUB_IRQS; i++) {
		if (!device->irq[i].file)
			continue;
		luosdk_fdt_begin_node(out, "interrupt", i);
		luosdk_fdt_put_u64(out, "eventfd", device->irq[i].token);
		luosdk_fdt_end_node(out);
	}
}

static int vfio_stub_preserve(struct file *file, struct vfio_stub_device *device,
			      struct vfio_stub_luo_ser *ser)
{
	struct luosdk_fdt_out out;
	int err;

	scoped_guard(mutex, &device->lock) {
		luosdk_fdt_begin(&out);
		vfio_stub_write(device, &out);
		err = luosdk_fdt_preserve(&out, &ser->tree,
					  (1 + VFIO_STUB_IRQS) * VFIO_STUB_PART_TREE_BYTES);
	}
	if (err)
		return err;

	err = vfio_stub_bus_note(device, true);
	if (err)
		luosdk_fdt_unpreserve(&ser->tree);

	return err;
}

static void vfio_stub_unpreserve(struct file *file, struct vfio_stub_device *device,
				 struct vfio_stub_luo_ser *ser)
{
	vfio_stub_bus_note(device, false);
	luosdk_fdt_unpreserve(&ser->tree);
}

static int vfio_stub_link(struct file *file, struct vfio_stub_device *device,
			  struct vfio_stub_luo_ser *ser, struct luosdk_links *links)
{
	struct luosdk_fdt_out out;
	int err;
	u32 i;

	guard(mutex)(&device->lock);

	if (!device->container)
		return -ENOTCONN;
	err = luosdk_link_file(links, device->container, &device->token);
	if (err) {
		dev_err(&device->dev, "its container cannot come along: %pe\n", ERR_PTR(err));
		return err;
	}
	for (i = 0; i < VFIO_STUB_IRQS; i++) {
		if (!device->irq[i].file)
			continue;
		err = luosdk_link_file(links, device->irq[i].file, &device->irq[i].token);
		if (err) {
			dev_err(&device->dev, "the eventfd of interrupt %u cannot come along: %pe\n",
				i, ERR_PTR(err));
			return err;
		}
	}
	if (luosdk_links_dry(links))
		return 0;

	luosdk_fdt_rewrite(&out, &ser->tree);
	vfio_stub_write(device, &out);
	return luosdk_fdt_commit(&out, &ser->tree);
}

/* The engine does not stop, so its count is written down until there is no time left. */
static int vfio_stub_freeze(struct file *file, struct vfio_stub_device *device,
			    struct vfio_stub_luo_ser *ser)
{
	vfio_stub_engine_mirror(device, &ser->count);
	return 0;
}

static void vfio_stub_thaw(struct file *file, struct vfio_stub_device *device,
			   struct vfio_stub_luo_ser *ser)
{
	vfio_stub_engine_mirror(device, NULL);
}

/* What restore reads and bind needs: how the engine was started. */
static int vfio_stub_read_engine(struct luosdk_fdt_node *root, struct vfio_stub_start_args *args)
{
	struct luosdk_fdt_node node;
	u64 reg[2];
	int err;

	*args = (struct vfio_stub_start_args){};
	if (luosdk_fdt_node(root, "engine", LUOSDK_FDT_NO_UNIT, &node))
		return 0;

	err = luosdk_fdt_get_u64s(&node, "reg", reg, ARRAY_SIZE(reg));
	if (err)
		return err;
	args->iova = reg[0];
	args->bytes = reg[1];
	err = luosdk_fdt_get_u32(&node, "period-us", &args->period_us);
	if (!err)
		err = luosdk_fdt_get_u32_or(&node, "irq", &args->irq, 0);
	if (!err)
		err = luosdk_fdt_get_u32_or(&node, "every", &args->every, 0);

	return err ?: vfio_stub_engine_check(args);
}

static int vfio_stub_read(struct vfio_stub_device *device, struct luosdk_fdt_in *in)
{
	struct luosdk_fdt_node root = luosdk_fdt_root(in), node = {};
	u64 index;
	int err;

	err = luosdk_fdt_get_bytes(&root, "config", device->config, sizeof(device->config));
	if (!err)
		err = luosdk_fdt_get_u64(&root, "container", &device->token);
	if (!err)
		err = vfio_stub_read_engine(&root, &device->engine.args);

	while (!err && luosdk_fdt_next_node(&root, &node, "interrupt")) {
		err = luosdk_fdt_unit(&node, &index);
		if (!err && index >= VFIO_STUB_IRQS)
			err = -EINVAL;
		if (!err)
			err = luosdk_fdt_get_u64(&node, "eventfd", &device->irq[index].token);
		if (!err)
			device->irq[index].incoming = true;
	}

	return err;
}

/* The device that the tree is of; only if it is that very one. */
static struct vfio_stub_device *vfio_stub_read_device(struct luosdk_fdt_in *in)
{
	struct luosdk_fdt_node root = luosdk_fdt_root(in);
	struct vfio_stub_device *device;
	u32 address;
	u64 serial;
	int err;

	err = luosdk_fdt_get_u32(&root, "address", &address);
	if (!err)
		err = luosdk_fdt_get_u64(&root, "serial", &serial);
	if (err)
		return ERR_PTR(err);

	device = vfio_stub_bus_find(address);
	if (!device) {
		pr_err("vfio-stub: device %u, serial number %llu, is gone\n", address, serial);
		return ERR_PTR(-ENODEV);
	}
	if (device->serial != serial) {
		dev_err(&device->dev, "serial number %llu is not the %llu that was preserved\n",
			device->serial, serial);
		return ERR_PTR(-ESTALE);
	}

	return device;
}

static struct file *vfio_stub_restore(const struct vfio_stub_luo_ser *ser)
{
	struct vfio_stub_device *device;
	struct luosdk_fdt_in in;
	struct file *file;
	int err;

	err = luosdk_fdt_open(&in, &ser->tree, "vfio_stub");
	if (err)
		return ERR_PTR(err);

	device = vfio_stub_read_device(&in);
	if (IS_ERR(device)) {
		luosdk_fdt_close(&in);
		return ERR_CAST(device);
	}

	file = vfio_stub_device_file(device, ser->file_flags);
	if (IS_ERR(file)) {
		vfio_stub_unreserve(device);
	} else {
		scoped_guard(mutex, &device->lock)
			err = vfio_stub_read(device, &in);
		if (err) {
			vfio_stub_abandon(device);
			fput(file);
			file = ERR_PTR(err);
		}
	}
	luosdk_fdt_close(&in);

	return file;
}

/* The eventfds of its interrupts, by index. Without its lock: each may have to be retrieved. */
static int vfio_stub_bind_irqs(struct vfio_stub_device *device, struct luosdk_links *links,
			       struct file *eventfd[VFIO_STUB_IRQS])
{
	u32 i;

	for (i = 0; i < VFIO_STUB_IRQS; i++) {
		struct file *file;

		if (!device->irq[i].incoming)
			continue;
		file = luosdk_bind_file(links, device->irq[i].token, NULL);
		if (IS_ERR(file)) {
			dev_err(&device->dev, "the eventfd of interrupt %u did not come along: %pe\n",
				i, file);
			return PTR_ERR(file);
		}
		eventfd[i] = file;
	}

	return 0;
}

/* Takes over the container's reference. */
static int vfio_stub_resume(struct vfio_stub_device *device, u64 count, struct file *container,
			    struct file *eventfd[VFIO_STUB_IRQS])
{
	struct vfio_stub_start_args args;
	int err;
	u32 i;

	guard(mutex)(&device->lock);

	device->container = container;
	device->incoming = true;
	for (i = 0; i < VFIO_STUB_IRQS; i++) {
		if (!eventfd[i])
			continue;
		err = vfio_stub_irq_set(device, i, eventfd[i]);
		if (err) {
			dev_err(&device->dev, "interrupt %u: what came along is no eventfd: %pe\n",
				i, ERR_PTR(err));
			return err;
		}
	}

	/* That was to keep them; from here on it means that the engine runs. */
	args = device->engine.args;
	device->engine.args = (struct vfio_stub_start_args){};
	device->engine.count = count;

	return args.bytes ? vfio_stub_engine_start(device, &args, count) : 0;
}

static int vfio_stub_bind(struct file *file, struct vfio_stub_device *device,
			  const struct vfio_stub_luo_ser *ser, struct luosdk_links *links)
{
	struct file *eventfd[VFIO_STUB_IRQS] = {}, *container;
	int err;
	u32 i;

	container = luosdk_bind_file(links, device->token, &vfio_stub_container_fops);
	err = PTR_ERR_OR_ZERO(container);
	if (err) {
		dev_err(&device->dev, "its container did not come along: %pe\n", container);
		goto err_abandon;
	}
	err = vfio_stub_bind_irqs(device, links, eventfd);
	if (err)
		fput(container);
	else
		err = vfio_stub_resume(device, ser->count, container, eventfd);
	for (i = 0; i < VFIO_STUB_IRQS; i++)
		if (eventfd[i])
			fput(eventfd[i]);
	if (err)
		goto err_abandon;

	return 0;

err_abandon:
	vfio_stub_abandon(device);
	return err;
}

static bool vfio_stub_ready(struct file *file, struct vfio_stub_device *device)
{
	guard(mutex)(&device->lock);
	return !device->incoming;
}

static void vfio_stub_discard(const struct vfio_stub_luo_ser *ser)
{
	struct vfio_stub_device *device;
	struct luosdk_fdt_in in;

	if (luosdk_fdt_open(&in, &ser->tree, "vfio_stub"))
		return;
	device = vfio_stub_read_device(&in);
	if (!IS_ERR(device))
		vfio_stub_unreserve(device);
	luosdk_fdt_close(&in);
}

static struct luosdk_handler * const vfio_stub_parents[] = {
	&vfio_stub_container_luo_handler, NULL
};

LUOSDK_HANDLER(vfio_stub, VFIO_STUB_LUO_FH_COMPATIBLE,
	       struct vfio_stub_device, struct vfio_stub_luo_ser,
	.fops = &vfio_stub_device_fops,
	.context = vfio_stub_context,
	.guard = LUOSDK_GUARD_IN(struct vfio_stub_device, guard),
	.save = vfio_stub_save,
	.preserve = vfio_stub_preserve,
	.unpreserve = vfio_stub_unpreserve,
	.link = vfio_stub_link,
	.freeze = vfio_stub_freeze,
	.thaw = vfio_stub_thaw,
	.restore = vfio_stub_restore,
	.bind = vfio_stub_bind,
	.ready = vfio_stub_ready,
	.discard = vfio_stub_discard,
	.sealed = offsetof(struct vfio_stub_luo_ser, count),
	.layout = LUOSDK_LAYOUT(struct vfio_stub_luo_ser, tree, file_flags, reserved, count),
	.parents = vfio_stub_parents,
);

/**
 * vfio_stub_handlers_register() - From here on LUO can ask for files of the vfio stub.
 *
 * Context: Sleeps. When there are devices.
 * Return: 0, also in a kernel without live update; what LUO says.
 */
int vfio_stub_handlers_register(void)
{
	u32 i;
	int err;

	for (i = 0; i < VFIO_STUB_DEVICES; i++)
		if (vfio_stub_coming.devices & BIT_ULL(i) && !vfio_stub_bus_find(i))
			pr_warn("vfio-stub: device %u, serial number %llu, is preserved and not there\n",
				i, vfio_stub_coming.serial[i]);

	err = vfio_stub_container_luo_register();
	if (err)
		return err;
	err = vfio_stub_luo_register();
	if (err)
		goto err_container;
	err = vfio_stub_bus_flb_register(&vfio_stub_luo_handler);
	if (err)
		goto err_device;

	return 0;

err_device:
	vfio_stub_luo_unregister();
err_container:
	vfio_stub_container_luo_unregister();
	return err;
}

/**
 * vfio_stub_handlers_unregister() - Undo vfio_stub_handlers_register().
 *
 * Context: Sleeps.
 */
void vfio_stub_handlers_unregister(void)
{
	vfio_stub_bus_flb_unregister(&vfio_stub_luo_handler);
	vfio_stub_luo_unregister();
	vfio_stub_container_luo_unregister();
}
