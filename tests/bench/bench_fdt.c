// SPDX-License-Identifier: GPL-2.0
/*
 * bench_fdt.c - what a state costs as a tree, beside the same state as a struct.
 *
 * The state is a device's: 8 mappings, 4 interrupts and 256 bytes of config space. It is written
 * in this kernel and read in the next one, by four ways that differ in its form only:
 *
 * ======  ======================================================================
 * packed  a struct, by state.h, in a page of its own
 * slots   the same, six to a page, as state.h does it for states of that size
 * tree    a tree, by fdt.h, in a page of its own; and the small state that names it
 * libfdt  as tree, but written and read by libfdt's own functions
 * ======  ======================================================================
 *
 * The tree is as one would write it for firmware: a mapping@n has "reg", its address and size, and
 * "memfd", a reference with an argument; an interrupt@n has its number in its name.
 *
 * Writing is all of: take preserved memory, write, checksum. Reading is all of: check, restore
 * the memory, read every field into the device, free. Counted are instructions for each state,
 * over many states, the first ones aside. Of the others the middle half counts: now and then a
 * state has to wait for pages that come or go in a batch, or for an interrupt.
 */

#include <linux/err.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kstrtox.h>
#include <linux/libfdt.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <luosdk/fdt.h>
#include <luosdk/state.h>

#include "bench.h"

#define BENCH_STATES	256
#define BENCH_WARM	32
#define BENCH_COUNTED	(BENCH_STATES - BENCH_WARM)
#define BENCH_MAPS	8
#define BENCH_IRQS	4
#define BENCH_SUBTREE	"luosdk-bench-fdt"

/* What a driver has in memory. */
struct bench_device {
	u32 nr_maps;
	u32 nr_irqs;
	struct {
		u64 iova, bytes, offset, token;
	} map[BENCH_MAPS];
	struct {
		u32 index;
		u64 token;
	} irq[BENCH_IRQS];
	u8 config[256];
};

/* The same as a struct that is saved. */
struct bench_packed {
	u32 nr_maps;
	u32 nr_irqs;
	struct {
		u64 iova, bytes, offset, token;
	} map[BENCH_MAPS];
	struct {
		u32 index, reserved;
		u64 token;
	} irq[BENCH_IRQS];
	u8 config[256];
};

struct bench_tree {
	struct luosdk_fdt_ser tree;
};

static struct luosdk_format bench_packed_format = {
	.compatible = "luosdk-bench-packed",
	.version = 1,
	.min_version = 1,
	.bytes = sizeof(struct bench_packed),
	.sealed = sizeof(struct bench_packed),
};

static struct luosdk_format bench_tree_format = {
	.compatible = "luosdk-bench-tree",
	.version = 1,
	.min_version = 1,
	.bytes = sizeof(struct bench_tree),
	.sealed = sizeof(struct bench_tree),
};

/* Slots of which a page holds one only: states get pages of their own, as a tree does. */
static struct luosdk_slots bench_pages = LUOSDK_SLOTS_INIT(bench_pages, PAGE_SIZE / 2);
static struct luosdk_slots bench_slots =
	LUOSDK_SLOTS_INIT(bench_slots, sizeof(struct bench_packed));
static struct luosdk_slots bench_small =
	LUOSDK_SLOTS_INIT(bench_small, sizeof(struct bench_tree));

static void bench_device_init(struct bench_device *d, unsigned int n)
{
	unsigned int i;

	memset(d, 0, sizeof(*d));
	d->nr_maps = BENCH_MAPS;
	d->nr_irqs = BENCH_IRQS;
	for (i = 0; i < BENCH_MAPS; i++) {
		d->map[i].iova = (u64)(n + i) << 21;
		d->map[i].bytes = (i + 1) << 12;
		d->map[i].offset = (u64)i << 30;
		d->map[i].token = 100 * n + i;
	}
	for (i = 0; i < BENCH_IRQS; i++) {
		d->irq[i].index = i;
		d->irq[i].token = 100 * n + 50 + i;
	}
	for (i = 0; i < sizeof(d->config); i++)
		d->config[i] = n + i;
}

/* ---- A struct -------------------------------------------------------------------------- */

static __always_inline s64 bench_write_struct(const struct bench_device *d,
					      struct luosdk_slots *slots)
{
	struct bench_packed *ser = luosdk_state_alloc(slots, &bench_packed_format);
	unsigned int i;

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->nr_maps = d->nr_maps;
	ser->nr_irqs = d->nr_irqs;
	for (i = 0; i < d->nr_maps; i++) {
		ser->map[i].iova = d->map[i].iova;
		ser->map[i].bytes = d->map[i].bytes;
		ser->map[i].offset = d->map[i].offset;
		ser->map[i].token = d->map[i].token;
	}
	for (i = 0; i < d->nr_irqs; i++) {
		ser->irq[i].index = d->irq[i].index;
		ser->irq[i].token = d->irq[i].token;
	}
	memcpy(ser->config, d->config, sizeof(ser->config));
	luosdk_state_seal(ser);

	return luosdk_state_handle(ser);
}

static __always_inline int bench_read_struct(struct bench_device *d, u64 handle,
					     struct luosdk_slots *slots)
{
	const struct bench_packed *ser;
	struct luosdk_incoming in;
	unsigned int i;
	int err;

	err = luosdk_state_open(&in, slots, &bench_packed_format, handle);
	if (err)
		return err;
	ser = in.payload;
	if (ser->nr_maps > BENCH_MAPS || ser->nr_irqs > BENCH_IRQS) {
		luosdk_state_close(&in);
		return -EINVAL;
	}
	d->nr_maps = ser->nr_maps;
	d->nr_irqs = ser->nr_irqs;
	for (i = 0; i < d->nr_maps; i++) {
		d->map[i].iova = ser->map[i].iova;
		d->map[i].bytes = ser->map[i].bytes;
		d->map[i].offset = ser->map[i].offset;
		d->map[i].token = ser->map[i].token;
	}
	for (i = 0; i < d->nr_irqs; i++) {
		d->irq[i].index = ser->irq[i].index;
		d->irq[i].token = ser->irq[i].token;
	}
	memcpy(d->config, ser->config, sizeof(d->config));
	luosdk_state_close(&in);

	return 0;
}

static noinline __noclone s64 bench_write_packed(const struct bench_device *d)
{
	return bench_write_struct(d, &bench_pages);
}

static noinline __noclone int bench_read_packed(struct bench_device *d, u64 handle)
{
	return bench_read_struct(d, handle, &bench_pages);
}

static noinline __noclone s64 bench_write_slots(const struct bench_device *d)
{
	return bench_write_struct(d, &bench_slots);
}

static noinline __noclone int bench_read_slots(struct bench_device *d, u64 handle)
{
	return bench_read_struct(d, handle, &bench_slots);
}

/* ---- A tree ---------------------------------------------------------------------------- */

static void bench_write_nodes(const struct bench_device *d, struct luosdk_fdt_out *out)
{
	unsigned int i;

	luosdk_fdt_put_bytes(out, "config", d->config, sizeof(d->config));
	for (i = 0; i < d->nr_maps; i++) {
		const u64 reg[] = { d->map[i].iova, d->map[i].bytes };
		const u64 memfd[] = { d->map[i].token, d->map[i].offset };

		luosdk_fdt_begin_node(out, "mapping", i);
		luosdk_fdt_put_u64s(out, "reg", reg, ARRAY_SIZE(reg));
		luosdk_fdt_put_u64s(out, "memfd", memfd, ARRAY_SIZE(memfd));
		luosdk_fdt_end_node(out);
	}
	for (i = 0; i < d->nr_irqs; i++) {
		luosdk_fdt_begin_node(out, "interrupt", d->irq[i].index);
		luosdk_fdt_put_u64(out, "token", d->irq[i].token);
		luosdk_fdt_end_node(out);
	}
}

/* The small state, with memory for the tree. */
static struct bench_tree *bench_tree_alloc(void)
{
	struct bench_tree *ser = luosdk_state_alloc(&bench_small, &bench_tree_format);
	int err;

	if (IS_ERR(ser))
		return ser;
	err = luosdk_fdt_reserve(&ser->tree, 2048);
	if (err) {
		luosdk_state_free(&bench_small, ser);
		return ERR_PTR(err);
	}

	return ser;
}

static s64 bench_tree_sealed(struct bench_tree *ser, int err)
{
	if (err) {
		luosdk_fdt_unpreserve(&ser->tree);
		luosdk_state_free(&bench_small, ser);
		return err;
	}
	luosdk_state_seal(ser);

	return luosdk_state_handle(ser);
}

static noinline __noclone s64 bench_write_tree(const struct bench_device *d)
{
	struct bench_tree *ser = bench_tree_alloc();
	struct luosdk_fdt_out out;

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	luosdk_fdt_rewrite(&out, &ser->tree);
	bench_write_nodes(d, &out);

	return bench_tree_sealed(ser, luosdk_fdt_commit(&out, &ser->tree));
}

static int bench_read_map(struct bench_device *d, struct luosdk_fdt_node *node)
{
	unsigned int i = d->nr_maps;
	u64 reg[2], memfd[2];
	int err;

	if (i == BENCH_MAPS)
		return -EINVAL;
	err = luosdk_fdt_get_u64s(node, "reg", reg, ARRAY_SIZE(reg));
	if (!err)
		err = luosdk_fdt_get_u64s(node, "memfd", memfd, ARRAY_SIZE(memfd));
	if (err)
		return err;
	d->map[i].iova = reg[0];
	d->map[i].bytes = reg[1];
	d->map[i].token = memfd[0];
	d->map[i].offset = memfd[1];
	d->nr_maps++;

	return 0;
}

static int bench_read_irq(struct bench_device *d, struct luosdk_fdt_node *node)
{
	unsigned int i = d->nr_irqs;
	u64 index;
	int err;

	if (i == BENCH_IRQS)
		return -EINVAL;
	err = luosdk_fdt_unit(node, &index);
	d->irq[i].index = index;
	if (!err)
		err = luosdk_fdt_get_u64(node, "token", &d->irq[i].token);
	d->nr_irqs++;

	return err;
}

static int bench_read_nodes(struct bench_device *d, struct luosdk_fdt_in *in)
{
	struct luosdk_fdt_node root = luosdk_fdt_root(in), node = { };
	int err;

	d->nr_maps = 0;
	d->nr_irqs = 0;
	err = luosdk_fdt_get_bytes(&root, "config", d->config, sizeof(d->config));
	while (!err && luosdk_fdt_next_node(&root, &node, NULL)) {
		if (luosdk_fdt_node_is(&node, "mapping"))
			err = bench_read_map(d, &node);
		else if (luosdk_fdt_node_is(&node, "interrupt"))
			err = bench_read_irq(d, &node);
	}

	return err;
}

static __always_inline int bench_read_tree_by(struct bench_device *d, u64 handle,
					      int (*read)(struct bench_device *d,
							  struct luosdk_fdt_in *in))
{
	const struct bench_tree *ser;
	struct luosdk_incoming in;
	struct luosdk_fdt_in tree;
	int err;

	err = luosdk_state_open(&in, &bench_small, &bench_tree_format, handle);
	if (err)
		return err;
	ser = in.payload;
	err = luosdk_fdt_open(&tree, &ser->tree, "bench");
	if (!err) {
		err = read(d, &tree);
		luosdk_fdt_close(&tree);
	}
	luosdk_state_close(&in);

	return err;
}

static noinline __noclone int bench_read_tree(struct bench_device *d, u64 handle)
{
	return bench_read_tree_by(d, handle, bench_read_nodes);
}

/* ---- The same by libfdt ---------------------------------------------------------------- */

static int bench_put_u64(void *fdt, const char *name, u64 value)
{
	return fdt_property_u64(fdt, name, value);
}

static noinline __noclone s64 bench_write_libfdt(const struct bench_device *d)
{
	struct bench_tree *ser = bench_tree_alloc();
	unsigned int i;
	char name[24];
	__be64 pair[2];
	void *fdt;
	int err;

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	fdt = phys_to_virt(ser->tree.phys);
	err = fdt_create(fdt, ser->tree.room);
	err |= fdt_finish_reservemap(fdt);
	err |= fdt_begin_node(fdt, "");
	err |= fdt_property(fdt, "config", d->config, sizeof(d->config));
	for (i = 0; i < d->nr_maps; i++) {
		snprintf(name, sizeof(name), "mapping@%x", i);
		err |= fdt_begin_node(fdt, name);
		pair[0] = cpu_to_be64(d->map[i].iova);
		pair[1] = cpu_to_be64(d->map[i].bytes);
		err |= fdt_property(fdt, "reg", pair, sizeof(pair));
		pair[0] = cpu_to_be64(d->map[i].token);
		pair[1] = cpu_to_be64(d->map[i].offset);
		err |= fdt_property(fdt, "memfd", pair, sizeof(pair));
		err |= fdt_end_node(fdt);
	}
	for (i = 0; i < d->nr_irqs; i++) {
		snprintf(name, sizeof(name), "interrupt@%x", d->irq[i].index);
		err |= fdt_begin_node(fdt, name);
		err |= bench_put_u64(fdt, "token", d->irq[i].token);
		err |= fdt_end_node(fdt);
	}
	err |= fdt_end_node(fdt);
	err |= fdt_finish(fdt);
	ser->tree.bytes = fdt_totalsize(fdt);
	ser->tree.crc = crc32c(~0, fdt, ser->tree.bytes);

	return bench_tree_sealed(ser, err ? -ENOSPC : 0);
}

static int bench_get(const void *fdt, int node, const char *name, void *value, int bytes)
{
	const void *at;
	int len;

	at = fdt_getprop(fdt, node, name, &len);
	if (!at || len != bytes)
		return -EINVAL;
	memcpy(value, at, bytes);
	if (bytes == sizeof(u64))
		*(u64 *)value = be64_to_cpup(value);
	else if (bytes == sizeof(u32))
		*(u32 *)value = be32_to_cpup(value);

	return 0;
}

static int bench_read_by_libfdt(struct bench_device *d, struct luosdk_fdt_in *in)
{
	const void *fdt = in->fdt;
	int node, err;

	d->nr_maps = 0;
	d->nr_irqs = 0;
	err = bench_get(fdt, 0, "config", d->config, sizeof(d->config));
	fdt_for_each_subnode(node, fdt, 0) {
		const char *name = fdt_get_name(fdt, node, NULL);

		if (!strncmp(name, "mapping@", 8) && d->nr_maps < BENCH_MAPS) {
			unsigned int i = d->nr_maps++;
			__be64 reg[2] = {}, memfd[2] = {};

			err |= bench_get(fdt, node, "reg", reg, sizeof(reg));
			err |= bench_get(fdt, node, "memfd", memfd, sizeof(memfd));
			d->map[i].iova = be64_to_cpu(reg[0]);
			d->map[i].bytes = be64_to_cpu(reg[1]);
			d->map[i].token = be64_to_cpu(memfd[0]);
			d->map[i].offset = be64_to_cpu(memfd[1]);
		} else if (!strncmp(name, "interrupt@", 10) && d->nr_irqs < BENCH_IRQS) {
			unsigned int i = d->nr_irqs++;

			err |= kstrtou32(name + 10, 16, &d->irq[i].index);
			err |= bench_get(fdt, node, "token", &d->irq[i].token, 8);
		}
	}

	return err ? -EINVAL : 0;
}

static noinline __noclone int bench_read_libfdt(struct bench_device *d, u64 handle)
{
	return bench_read_tree_by(d, handle, bench_read_by_libfdt);
}

/* ---- Both kernels ---------------------------------------------------------------------- */

static const struct bench_form {
	const char *name;
	s64 (*write)(const struct bench_device *d);
	int (*read)(struct bench_device *d, u64 handle);
} bench_forms[] = {
	{ "packed", bench_write_packed, bench_read_packed },
	{ "slots", bench_write_slots, bench_read_slots },
	{ "tree", bench_write_tree, bench_read_tree },
	{ "libfdt", bench_write_libfdt, bench_read_libfdt },
};

#define BENCH_FORMS	ARRAY_SIZE(bench_forms)

/* The handles, for the next kernel. */
struct bench_handles {
	u64 handle[BENCH_FORMS][BENCH_STATES];
};

static void bench_formats_init(void)
{
	bench_packed_format.compat = luosdk_compat_hash(bench_packed_format.compatible);
	bench_tree_format.compat = luosdk_compat_hash(bench_tree_format.compatible);
}

static int bench_compare(const void *a, const void *b)
{
	return cmp_int(*(const u64 *)a, *(const u64 *)b);
}

static void bench_middle(struct seq_file *m, const char *form, const char *what, u64 *ticks)
{
	unsigned int n;
	char name[48];
	u64 sum = 0;

	sort(ticks, BENCH_COUNTED, sizeof(*ticks), bench_compare, NULL);
	for (n = BENCH_COUNTED / 4; n < BENCH_COUNTED * 3 / 4; n++)
		sum += ticks[n];
	snprintf(name, sizeof(name), "fdt_state.%s.%s", form, what);
	bench_figure(m, name, sum, BENCH_COUNTED / 2);
}

static int bench_fdt_keep(struct seq_file *m)
{
	u64 *ticks = kcalloc(BENCH_COUNTED, sizeof(*ticks), GFP_KERNEL);
	struct bench_handles *handles = kho_alloc_preserve(sizeof(*handles));
	struct bench_device *d = kzalloc_obj(struct bench_device);
	unsigned int form, n;

	if (IS_ERR(handles) || !d || !ticks) {
		kfree(d);
		kfree(ticks);
		return -ENOMEM;
	}
	bench_formats_init();
	for (form = 0; form < BENCH_FORMS; form++) {
		u64 start;

		for (n = 0; n < BENCH_STATES; n++) {
			s64 handle;

			bench_device_init(d, n);
			start = rdtsc();
			handle = bench_forms[form].write(d);
			if (n >= BENCH_WARM)
				ticks[n - BENCH_WARM] = rdtsc() - start;
			if (handle < 0) {
				kfree(d);
				kfree(ticks);
				return handle;
			}
			handles->handle[form][n] = handle;
		}
		bench_middle(m, bench_forms[form].name, "write", ticks);
	}
	kfree(d);
	kfree(ticks);

	return kho_add_subtree(BENCH_SUBTREE, handles, sizeof(*handles));
}

static int bench_fdt_read(struct seq_file *m)
{
	struct bench_device *want = kzalloc_obj(struct bench_device);
	struct bench_device *got = kzalloc_obj(struct bench_device);
	u64 *ticks = kcalloc(BENCH_COUNTED, sizeof(*ticks), GFP_KERNEL);
	struct bench_handles *handles;
	unsigned int form, n;
	phys_addr_t phys;
	size_t size;
	int err = 0;

	if (!want || !got || !ticks)
		err = -ENOMEM;
	if (!err)
		err = kho_retrieve_subtree(BENCH_SUBTREE, &phys, &size);
	if (!err && size != sizeof(*handles))
		err = -EBADMSG;
	handles = err ? NULL : phys_to_virt(phys);
	bench_formats_init();
	for (form = 0; !err && form < BENCH_FORMS; form++) {
		u64 start;

		for (n = 0; !err && n < BENCH_STATES; n++) {
			memset(got, 0, sizeof(*got));
			start = rdtsc();
			err = bench_forms[form].read(got, handles->handle[form][n]);
			if (n >= BENCH_WARM)
				ticks[n - BENCH_WARM] = rdtsc() - start;
			bench_device_init(want, n);
			if (!err && memcmp(want, got, sizeof(*want)))
				err = -EBADMSG;
		}
		bench_middle(m, bench_forms[form].name, "read", ticks);
	}
	kho_restore_free(handles);
	kfree(want);
	kfree(got);
	kfree(ticks);

	return err;
}

const struct bench_file bench_fdt_files[] = {
	{ "fdt_keep", bench_fdt_keep },
	{ "fdt_read", bench_fdt_read },
	{}
};
