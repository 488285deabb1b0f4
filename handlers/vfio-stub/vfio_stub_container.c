// SPDX-License-Identifier: GPL-2.0
/*
 * vfio_stub_container.c - containers: the memory that devices of the vfio stub reach.
 *
 * What an iommufd is to vfio: a file of its own, to which several devices can be bound, with
 * mappings from addresses of the devices to memory. The memory is that of memfds, pinned as long
 * as it is mapped.
 */

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/file.h>
/* Before memfd.h, which needs it and does not say so. */
#include <linux/mm.h>
#include <linux/memfd.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <luosdk/file.h>

#include "vfio_stub_priv.h"

static void vfio_stub_map_unpin(struct vfio_stub_map *map)
{
	kvfree(map->page);
	map->page = NULL;
	if (map->folios)
		unpin_folios(map->folios, map->nr_folios);
	kvfree(map->folios);
	map->folios = NULL;
	if (map->memfd)
		fput(map->memfd);
	map->memfd = NULL;
}

static void vfio_stub_map_free(struct vfio_stub_map *map)
{
	vfio_stub_map_unpin(map);
	kfree(map);
}

/* Where each page of a mapping is, of which the folios may be larger. */
static bool vfio_stub_map_pages(struct vfio_stub_map *map, pgoff_t first)
{
	unsigned long nr = map->bytes >> PAGE_SHIFT, i, n = 0;
	pgoff_t next = first;

	for (i = 0; i < map->nr_folios; i++) {
		struct folio *folio = map->folios[i];
		pgoff_t page;

		for (page = next; page < folio_nr_pages(folio) && n < nr; page++)
			map->page[n++] = page_address(folio_page(folio, page));
		next = 0;
	}

	return n == nr;
}

/**
 * vfio_stub_map_pin() - Pin the memory of a mapping.
 * @map:   The mapping, with iova, bytes and offset, and no memory so far.
 * @memfd: The memfd. The mapping takes a reference of its own.
 *
 * Context: Sleeps.
 * Return: 0; -EINVAL if it is no memfd or too short; -ENOMEM; what the pinning of pages says.
 */
int vfio_stub_map_pin(struct vfio_stub_map *map, struct file *memfd)
{
	unsigned long nr = map->bytes >> PAGE_SHIFT;
	pgoff_t first;
	long pinned;

	map->folios = kvmalloc_array(nr, sizeof(*map->folios), GFP_KERNEL);
	map->page = kvmalloc_array(nr, sizeof(*map->page), GFP_KERNEL);
	if (!map->folios || !map->page)
		pinned = -ENOMEM;
	else
		pinned = memfd_pin_folios(memfd, map->offset, map->offset + map->bytes - 1,
					  map->folios, nr, &first);
	if (pinned < 0) {
		kvfree(map->folios);
		kvfree(map->page);
		map->folios = NULL;
		map->page = NULL;
		return pinned;
	}

	map->nr_folios = pinned;
	map->memfd = get_file(memfd);
	/* The first folio may begin before the range; that is told in bytes. */
	if (vfio_stub_map_pages(map, first >> PAGE_SHIFT))
		return 0;

	vfio_stub_map_unpin(map);
	return -EINVAL;
}

/* Is the address space of @map free? Where would it be inserted? */
static struct list_head *vfio_stub_container_place(struct vfio_stub_container *container,
						   const struct vfio_stub_map *map)
{
	struct vfio_stub_map *other;

	list_for_each_entry(other, &container->maps, list) {
		if (other->iova >= map->iova + map->bytes)
			break;
		if (other->iova + other->bytes > map->iova)
			return NULL;
	}

	return &other->list;
}

static int vfio_stub_map_check(const struct vfio_stub_map *map)
{
	u64 end;

	if (!map->bytes || map->bytes > VFIO_STUB_MAP_BYTES ||
	    !PAGE_ALIGNED(map->bytes | map->offset | map->iova) ||
	    check_add_overflow(map->iova, map->bytes, &end) ||
	    check_add_overflow(map->offset, map->bytes, &end))
		return -EINVAL;

	return 0;
}

/**
 * vfio_stub_container_add() - Add a mapping to a container.
 * @container: The container.
 * @wanted:    The mapping. On success its memory is the container's; on failure it stays the
 *             caller's.
 *
 * Context: Sleeps; takes the container's lock.
 * Return: 0; -EINVAL; -EEXIST if it overlaps another one; -ENOSPC; -ENOMEM.
 */
int vfio_stub_container_add(struct vfio_stub_container *container,
			    const struct vfio_stub_map *wanted)
{
	struct vfio_stub_map *map;
	struct list_head *place;
	int err;

	err = vfio_stub_map_check(wanted);
	if (err)
		return err;

	guard(mutex)(&container->lock);

	if (container->nr_maps == VFIO_STUB_MAPS)
		return -ENOSPC;
	place = vfio_stub_container_place(container, wanted);
	if (!place)
		return -EEXIST;
	map = kmemdup(wanted, sizeof(*map), GFP_KERNEL);
	if (!map)
		return -ENOMEM;

	list_add_tail(&map->list, place);
	container->nr_maps++;

	return 0;
}

static int vfio_stub_container_map(struct vfio_stub_container *container,
				   const struct vfio_stub_map_args *args, struct file *memfd)
{
	struct vfio_stub_map map = {
		.iova = args->iova,
		.bytes = args->bytes,
		.offset = args->offset,
	};
	int err;

	if (args->flags)
		return -EINVAL;
	err = vfio_stub_map_check(&map);
	if (err)
		return err;
	err = vfio_stub_map_pin(&map, memfd);
	if (err)
		return err;

	/* Live update: not across the pinning, which can take long. */
	err = luosdk_access_begin_wait(&container->guard);
	if (!err) {
		err = vfio_stub_container_add(container, &map);
		luosdk_access_end(&container->guard);
	}
	if (err)
		vfio_stub_map_unpin(&map);

	return err;
}

static int vfio_stub_container_unmap(struct vfio_stub_container *container, u64 iova)
{
	struct vfio_stub_map *map, *found = NULL;
	int err;

	err = luosdk_access_begin_wait(&container->guard);
	if (err)
		return err;

	scoped_guard(mutex, &container->lock) {
		err = -ENOENT;
		list_for_each_entry(map, &container->maps, list) {
			if (map->iova != iova)
				continue;
			err = map->users ? -EBUSY : 0;
			if (!err)
				found = map;
			break;
		}
		if (found) {
			list_del(&found->list);
			container->nr_maps--;
		}
	}
	luosdk_access_end(&container->guard);

	if (found)
		vfio_stub_map_free(found);

	return err;
}

/**
 * vfio_stub_map_get() - Find the mapping of a range, and keep it there.
 * @container: The container's file.
 * @iova:      The range's begin.
 * @bytes:     Its size.
 *
 * Context: Sleeps; takes the container's lock.
 * Return: The mapping, and the caller owes a vfio_stub_map_put(); NULL if the range is not part
 *         of one mapping.
 */
struct vfio_stub_map *vfio_stub_map_get(struct file *container, u64 iova, u64 bytes)
{
	struct vfio_stub_container *c = container->private_data;
	struct vfio_stub_map *map;

	guard(mutex)(&c->lock);

	list_for_each_entry(map, &c->maps, list) {
		if (iova >= map->iova && iova - map->iova < map->bytes &&
		    bytes <= map->bytes - (iova - map->iova)) {
			map->users++;
			return map;
		}
	}

	return NULL;
}

/**
 * vfio_stub_map_put() - Let go of a mapping.
 * @container: The container's file.
 * @map:       What vfio_stub_map_get() returned.
 *
 * Context: Sleeps; takes the container's lock.
 */
void vfio_stub_map_put(struct file *container, struct vfio_stub_map *map)
{
	struct vfio_stub_container *c = container->private_data;

	guard(mutex)(&c->lock);
	map->users--;
}

static long vfio_stub_container_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vfio_stub_container *container = file->private_data;
	void __user *uarg = (void __user *)arg;
	struct vfio_stub_map_args map;
	struct file *memfd;
	u64 iova;
	int err;

	switch (cmd) {
	case VFIO_STUB_MAP:
		if (copy_from_user(&map, uarg, sizeof(map)))
			return -EFAULT;
		memfd = fget(map.memfd);
		if (!memfd)
			return -EBADF;
		err = vfio_stub_container_map(container, &map, memfd);
		fput(memfd);
		return err;
	case VFIO_STUB_UNMAP:
		if (copy_from_user(&iova, uarg, sizeof(iova)))
			return -EFAULT;
		return vfio_stub_container_unmap(container, iova);
	default:
		return -ENOTTY;
	}
}

static void vfio_stub_container_free(struct vfio_stub_container *container)
{
	struct vfio_stub_map *map, *next;

	list_for_each_entry_safe(map, next, &container->maps, list)
		vfio_stub_map_free(map);
	mutex_destroy(&container->lock);
	kfree(container);
}

static int vfio_stub_container_release(struct inode *inode, struct file *file)
{
	vfio_stub_container_free(file->private_data);
	return 0;
}

const struct file_operations vfio_stub_container_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vfio_stub_container_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = vfio_stub_container_release,
	.llseek = noop_llseek,
};

/**
 * vfio_stub_container_create() - Make an empty container.
 * @flags: Of its file.
 *
 * Context: Sleeps.
 * Return: Its file, or an ERR_PTR().
 */
struct file *vfio_stub_container_create(u32 flags)
{
	struct vfio_stub_container *container = kzalloc(sizeof(*container), GFP_KERNEL);
	struct file *file;

	if (!container)
		return ERR_PTR(-ENOMEM);

	mutex_init(&container->lock);
	INIT_LIST_HEAD(&container->maps);

	file = luosdk_anon_file("[vfio-stub-container]", &vfio_stub_container_fops, container,
				flags);
	if (IS_ERR(file))
		vfio_stub_container_free(container);

	return file;
}
