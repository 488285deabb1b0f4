/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luosdk/fdt.h - state as a flattened device tree.
 *
 * A struct is the right form for a state whose parts are known when it is compiled.
 * A device has any number of mappings and interrupts, and gains properties
 * from release to release. For it there is the form that the kernel knows from
 * firmware: named nodes with named properties, where a reader takes what it
 * knows and leaves the rest. This header writes such a tree into preserved memory
 * and reads it in the new kernel, where nothing in it is used before it was checked.
 */
#ifndef _LUOSDK_FDT_H
#define _LUOSDK_FDT_H

#include <linux/align.h>
#include <linux/array_size.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/hex.h>
#include <linux/io.h>
#include <linux/libfdt.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/unaligned.h>
#include <luosdk/compat.h>
#include <asm/word-at-a-time.h>

/**
 * DOC: fdt
 *
 * The saved state has a &struct luosdk_fdt_ser in it, and one function writes
 * the tree. In preserve it writes into memory that grows, which tells how much has
 * to be preserved; in freeze, where nothing may be allocated, it writes
 * again, into what was preserved. Errors are kept and asked for once, at the end::
 *
 *	void engine_write(struct engine *e, struct luosdk_fdt_out *out)
 *	{
 *		unsigned int i;
 *
 *		luosdk_fdt_put_string(out, "model", e->model);
 *		luosdk_fdt_put_u32(out, "speed", e->speed);
 *		for (i = 0; i < e->nr_maps; i++) {
 *			luosdk_fdt_begin_node(out, "mapping", i);
 *			luosdk_fdt_put_u64(out, "iova", e->map[i].iova);
 *			luosdk_fdt_put_u64(out, "bytes", e->map[i].bytes);
 *			luosdk_fdt_end_node(out);
 *		}
 *	}
 *
 *	int engine_preserve(struct engine *e, struct luosdk_fdt_ser *ser)
 *	{
 *		struct luosdk_fdt_out out;
 *
 *		luosdk_fdt_begin(&out);
 *		engine_write(e, &out);
 *		return luosdk_fdt_preserve(&out, ser, 1024);
 *	}
 *
 *	int engine_freeze(struct engine *e, struct luosdk_fdt_ser *ser)
 *	{
 *		struct luosdk_fdt_out out;
 *
 *		luosdk_fdt_rewrite(&out, ser);
 *		engine_write(e, &out);
 *		return luosdk_fdt_commit(&out, ser);
 *	}
 *
 *	void engine_unpreserve(struct luosdk_fdt_ser *ser)
 *	{
 *		luosdk_fdt_unpreserve(ser);
 *	}
 *
 * In the new kernel it is opened, which checks the whole of it, then read, then
 * closed, which frees it. Each property is asked for by name and type, and its
 * length is checked. What older kernels did not write has a default here; what only
 * newer ones write nobody asks for::
 *
 *	int engine_read(struct engine *e, struct luosdk_fdt_in *in)
 *	{
 *		struct luosdk_fdt_node root = luosdk_fdt_root(in), map = { };
 *		int err;
 *
 *		err = luosdk_fdt_get_u32(&root, "speed", &e->speed);
 *		if (!err)
 *			err = luosdk_fdt_get_u32_or(&root, "burst", &e->burst, 8);
 *		while (!err && luosdk_fdt_next_node(&root, &map, "mapping")) {
 *			u64 iova, bytes;
 *
 *			err = luosdk_fdt_get_u64(&map, "iova", &iova);
 *			if (!err)
 *				err = luosdk_fdt_get_u64(&map, "bytes", &bytes);
 *			if (!err)
 *				err = engine_map(e, iova, bytes);
 *		}
 *		return err;
 *	}
 *
 *	int engine_restore(struct engine *e, const struct luosdk_fdt_ser *ser)
 *	{
 *		struct luosdk_fdt_in in;
 *		int err = luosdk_fdt_open(&in, ser, "engine");
 *
 *		if (err)
 *			return err;
 *		err = engine_read(e, &in);
 *		luosdk_fdt_close(&in);
 *		return err;
 *	}
 *
 *	void engine_discard(const struct luosdk_fdt_ser *ser)
 *	{
 *		luosdk_fdt_discard(ser, "engine");
 *	}
 *
 * **The tree.** It is an ordinary one, of version 17: dtc and fdtdump read it, and so does
 * the project's scripts/show-state. Nodes of one kind are told apart by a unit number,
 * as in mapping@3, in hexadecimal. A node's properties come before its
 * children. Numbers are stored as firmware stores them, most significant byte first.
 *
 * **libfdt.** The checks of the header and whatever is not found where it is expected are
 * libfdt's. Its sequential writer compares each property's name with all
 * others and walks the tree once more to correct them, and each of its steps in reading
 * checks the header again: together about twenty times the instructions of a struct.
 * So the writer here remembers where it put a name, the whole tree is checked
 * once, and a property that is asked for in the order in which it was written is
 * found without a search.
 *
 * Built in, a driver says "select LIBFDT" in its Kconfig. A module has to bring libfdt
 * along, because the kernel does not export it: its Kbuild says "luosdk-libfdt := yes" before
 * it includes sdk/Kbuild.include, and where that leads stands there.
 */

/* The largest piece of memory that can be preserved at once. */
#define LUOSDK_FDT_MAX		(PAGE_SIZE << MAX_PAGE_ORDER)

/* Nodes within nodes, the root included. */
#define LUOSDK_FDT_DEPTH	8

/* The longest name of a property or, without its unit number, of a node. */
#define LUOSDK_FDT_NAME		31

/* A node that has no unit number. */
#define LUOSDK_FDT_NO_UNIT	U64_MAX

/* A node's name with '@', 16 digits, and the zero behind it. */
#define LUOSDK_FDT_FULL_NAME	(LUOSDK_FDT_NAME + 1 + 16 + 1)

/* Names whose place is remembered; a tree can have any number. */
#define LUOSDK_FDT_KNOWN	16

/* Where the structure begins: behind the header and an empty memory map. */
#define LUOSDK_FDT_STRUCT	(ALIGN(FDT_V17_SIZE, 8) +		\
				 sizeof(struct fdt_reserve_entry))

/**
 * struct luosdk_fdt_ser - A tree in preserved memory. Part of a saved state. ABI.
 * @phys:     Where it is; zero if there is none.
 * @room:     The memory that was preserved for it, in bytes: a power of two.
 * @bytes:    How much of that is the tree.
 * @reserved: Zero.
 * @crc:      CRC-32C of the tree. In the upper half of its eight bytes, where it is no
 *            number like an address.
 *
 * Has to lie in the part of the state that the checksum covers.
 */
struct luosdk_fdt_ser {
	u64 phys;
	u32 room;
	u32 bytes;
	u32 reserved;
	u32 crc;
};

static_assert(sizeof(struct luosdk_fdt_ser) == 24);
static_assert(offsetof(struct luosdk_fdt_ser, crc) == 20);

/*
 * Where the names are that came up before, and which of them followed which: trees are written
 * and read in loops. They are known by their address, which is as good as their text
 * for literals and wrong for anything that can change.
 */
struct luosdk_fdt_known {
	const char *name[LUOSDK_FDT_KNOWN];
	fdt32_t offset[LUOSDK_FDT_KNOWN];
	u8 after[LUOSDK_FDT_KNOWN];
	u8 last;
	u8 nr;
};

static inline void luosdk_fdt_know_none(struct luosdk_fdt_known *k)
{
	k->name[0] = NULL;
	k->after[0] = 0;
	k->last = 0;
	k->nr = 0;
}

/* The name that will come next, if all goes on as it did. */
static inline u32 luosdk_fdt_expected(const struct luosdk_fdt_known *k)
{
	return k->after[k->last];
}

/* The length of a name that is a literal, and so is known by its address; 0 for others. */
#define LUOSDK_FDT_LITERAL(name)					\
	((u32)(__builtin_constant_p(name) ? __builtin_strlen(name) : 0))

static inline int luosdk_fdt_known(struct luosdk_fdt_known *k, const char *name)
{
	u32 i;

	for (i = 0; i < k->nr; i++) {
		if (k->name[i] == name) {
			k->after[k->last] = i;
			k->last = i;
			return i;
		}
	}

	return -ENOENT;
}

static inline void luosdk_fdt_remember(struct luosdk_fdt_known *k, const char *name,
				       fdt32_t offset)
{
	u32 i = k->nr;

	if (i == ARRAY_SIZE(k->name))
		return;
	k->name[i] = name;
	k->offset[i] = offset;
	k->after[i] = 0;
	k->after[k->last] = i;
	k->last = i;
	k->nr++;
}

/* How many letters a number takes behind a name, '@' included. */
static inline u32 luosdk_fdt_unit_len(u64 unit)
{
	return unit == LUOSDK_FDT_NO_UNIT ? 0 : 1 + (fls64(unit | 1) + 3) / 4;
}

/* Write them. */
static inline void luosdk_fdt_put_unit(char *at, u32 len, u64 unit)
{
	if (!len)
		return;
	at[0] = '@';
	while (--len) {
		at[len] = "0123456789abcdef"[unit & 15];
		unit >>= 4;
	}
}

/* ---- The old kernel: writing ------------------------------------------- */

/**
 * struct luosdk_fdt_out - A tree that is being written.
 */
struct luosdk_fdt_out {
	/* private: */
	void *buf;
	u32 size;
	/* The structure ends here, the names begin here: there is room between. */
	u32 end;
	u32 names;
	/* The same for properties; zero once they cannot come any more: a child did. */
	u32 limit;
	/* Bytes of names; behind them may be room as well. */
	u32 nr_names;
	bool grows;
	int depth;
	int err;
	const char *why;
	struct luosdk_fdt_known known;
};

/* The first error stays, and nothing is written any more: there is no room. */
static inline void luosdk_fdt_fail(struct luosdk_fdt_out *out, int err, const char *why)
{
	if (!out->err) {
		out->err = err;
		out->why = why;
	}
	out->names = 0;
	out->limit = 0;
}

/*
 * Room for @more bytes of structure and @name bytes of names, by moving the names to
 * the end, or into more memory.
 */
static inline bool luosdk_fdt_make_room(struct luosdk_fdt_out *out, u32 more, u32 name)
{
	u64 need = (u64)out->end + more + out->nr_names + name;
	void *buf = out->buf;
	u32 size = out->size, at;

	if (out->err)
		return false;
	if (need > LUOSDK_FDT_MAX) {
		luosdk_fdt_fail(out, -EFBIG, "it is too large to be preserved");
		return false;
	}
	if (need > size) {
		if (!out->grows) {
			luosdk_fdt_fail(out, -ENOSPC,
					"it has outgrown the memory that was preserved for it");
			return false;
		}
		size = roundup_pow_of_two(max_t(u32, need, 512));
		buf = kvmalloc(size, GFP_KERNEL);
		if (!buf) {
			luosdk_fdt_fail(out, -ENOMEM, "there is no memory");
			return false;
		}
		if (out->buf)
			memcpy(buf, out->buf, out->end);
	}

	/* A few names more will fit without coming here again. */
	at = size - out->nr_names - name - min_t(u32, size - need, 64);
	if (out->buf)
		memmove(buf + at, out->buf + out->names, out->nr_names);
	if (buf != out->buf) {
		kvfree(out->buf);
		out->buf = buf;
		out->size = size;
	}
	if (out->limit)
		out->limit = at;
	out->names = at;

	return true;
}

/* The next @bytes of the structure, a multiple of 4; NULL if there is no room. */
static inline void *luosdk_fdt_grab(struct luosdk_fdt_out *out, u32 bytes)
{
	void *at;

	if (out->end + bytes > out->names && !luosdk_fdt_make_room(out, bytes, 0))
		return NULL;
	at = out->buf + out->end;
	out->end += bytes;

	return at;
}

static inline void luosdk_fdt_tag(struct luosdk_fdt_out *out, u32 tag)
{
	fdt32_t *at = luosdk_fdt_grab(out, sizeof(*at));

	if (at)
		*at = cpu_to_fdt32(tag);
}

/* Where a name is among the names; it is added if it is not. */
static inline fdt32_t luosdk_fdt_name(struct luosdk_fdt_out *out, const char *name, u32 literal)
{
	u32 bytes = (literal ?: strnlen(name, LUOSDK_FDT_NAME + 1)) + 1, at;

	if (bytes == 1 || bytes > LUOSDK_FDT_NAME + 1)
		luosdk_fdt_fail(out, -EINVAL, "a property has no proper name");
	if (out->err)
		return 0;
	/* A literal that is new is not looked for: twice the same name does no harm. */
	at = literal && out->known.nr < LUOSDK_FDT_KNOWN ? out->nr_names : 0;
	for (; at < out->nr_names; at += strlen(out->buf + out->names + at) + 1)
		if (!strcmp(out->buf + out->names + at, name))
			break;
	if (at == out->nr_names) {
		if (out->names + at + bytes > out->size && !luosdk_fdt_make_room(out, 0, bytes))
			return 0;
		memcpy(out->buf + out->names + at, name, bytes);
		out->nr_names += bytes;
	}
	if (literal)
		luosdk_fdt_remember(&out->known, name, cpu_to_fdt32(at));

	return cpu_to_fdt32(at);
}

static __always_inline void *
luosdk_fdt_fill_prop(struct fdt_property *prop, fdt32_t nameoff, u32 len)
{
	prop->tag = cpu_to_fdt32(FDT_PROP);
	prop->len = cpu_to_fdt32(len);
	prop->nameoff = nameoff;
	/* What fills up the last four bytes is no leftover of something else. */
	if (len % FDT_TAGSIZE)
		memset(prop->data + ALIGN_DOWN(len, FDT_TAGSIZE), 0, FDT_TAGSIZE);

	return prop->data;
}

/* A property that is not the expected one, or needs more room than there is. */
static noinline __maybe_unused void *
luosdk_fdt_put_slow(struct luosdk_fdt_out *out, const char *name, u32 literal, size_t len)
{
	int known = literal ? luosdk_fdt_known(&out->known, name) : -ENOENT;
	struct fdt_property *prop;
	fdt32_t nameoff;

	if (!out->limit)
		luosdk_fdt_fail(out, -EINVAL, "a property comes after a child node");
	if (len > LUOSDK_FDT_MAX)
		luosdk_fdt_fail(out, -EFBIG, "a property is too large to be preserved");
	if (out->err)
		return NULL;
	nameoff = known < 0 ? luosdk_fdt_name(out, name, literal) : out->known.offset[known];
	prop = luosdk_fdt_grab(out, sizeof(*prop) + ALIGN(len, FDT_TAGSIZE));

	return prop ? luosdk_fdt_fill_prop(prop, nameoff, len) : NULL;
}

/* A property of @len bytes: where they go, or NULL. */
static __always_inline void *luosdk_fdt_put(struct luosdk_fdt_out *out, const char *name,
					    u32 literal, size_t len)
{
	u32 known = luosdk_fdt_expected(&out->known), end = out->end;

	if (!literal || out->known.name[known] != name || len > LUOSDK_FDT_MAX ||
	    end + sizeof(struct fdt_property) + ALIGN(len, FDT_TAGSIZE) > out->limit)
		return luosdk_fdt_put_slow(out, name, literal, len);
	out->end = end + sizeof(struct fdt_property) + ALIGN(len, FDT_TAGSIZE);
	out->known.last = known;

	return luosdk_fdt_fill_prop(out->buf + end, out->known.offset[known], len);
}

/* What luosdk_fdt_begin() and luosdk_fdt_rewrite() have in common. */
static inline void luosdk_fdt_start(struct luosdk_fdt_out *out, void *buf, u32 size)
{
	fdt32_t *root;

	out->buf = buf;
	out->size = size;
	out->end = LUOSDK_FDT_STRUCT;
	out->names = size - min_t(u32, size, 64);
	out->limit = 1;
	out->nr_names = 0;
	out->grows = !buf;
	out->depth = 1;
	out->err = 0;
	out->why = NULL;
	luosdk_fdt_know_none(&out->known);

	/* The root has a name of no letters. */
	root = luosdk_fdt_grab(out, 2 * FDT_TAGSIZE);
	if (root) {
		root[0] = cpu_to_fdt32(FDT_BEGIN_NODE);
		root[1] = 0;
		out->limit = out->names;
	}
}

/**
 * luosdk_fdt_begin() - Begin to write a tree into memory that grows.
 * @out: Filled in. To be given to luosdk_fdt_preserve() or luosdk_fdt_free().
 *
 * What is written next are properties of the root.
 *
 * Context: Sleeps. For preserve.
 */
static inline void luosdk_fdt_begin(struct luosdk_fdt_out *out)
{
	luosdk_fdt_start(out, NULL, 0);
}

/* A node whose name has @len letters: where they go, or NULL. */
static __always_inline char *luosdk_fdt_put_node(struct luosdk_fdt_out *out, size_t len, u64 unit)
{
	u32 digits = luosdk_fdt_unit_len(unit), bytes;
	struct fdt_node_header *node;

	if (!len || len > LUOSDK_FDT_NAME)
		luosdk_fdt_fail(out, -EINVAL, "a node has no proper name");
	if (out->depth++ == LUOSDK_FDT_DEPTH)
		luosdk_fdt_fail(out, -EINVAL, "its nodes are nested too deep");
	bytes = ALIGN((u32)len + digits + 1, FDT_TAGSIZE);
	node = luosdk_fdt_grab(out, FDT_TAGSIZE + bytes);
	if (!node)
		return NULL;
	out->limit = out->names;
	node->tag = cpu_to_fdt32(FDT_BEGIN_NODE);
	memset(node->name + bytes - FDT_TAGSIZE, 0, FDT_TAGSIZE);
	luosdk_fdt_put_unit(node->name + len, digits, unit);

	return node->name;
}

/**
 * luosdk_fdt_begin_node() - Begin a child of the current node.
 * @out:  The tree.
 * @name: Its name, at most LUOSDK_FDT_NAME letters; all children of one kind
 *        have the same.
 * @unit: The number that tells it from others of that name; LUOSDK_FDT_NO_UNIT if
 *        there is one only.
 *
 * What is written next belongs to it, up to luosdk_fdt_end_node().
 *
 * Context: Sleeps in memory that grows, any otherwise.
 */
static __always_inline void luosdk_fdt_begin_node(struct luosdk_fdt_out *out, const char *name,
						  u64 unit)
{
	size_t len = strlen(name);
	char *at = luosdk_fdt_put_node(out, len, unit);

	if (at)
		memcpy(at, name, len);
}

/**
 * luosdk_fdt_end_node() - End what luosdk_fdt_begin_node() began.
 * @out: The tree.
 *
 * Context: As luosdk_fdt_begin_node().
 */
static inline void luosdk_fdt_end_node(struct luosdk_fdt_out *out)
{
	if (out->depth == 1) {
		luosdk_fdt_fail(out, -EINVAL, "a node ends that did not begin");
		return;
	}
	out->depth--;
	out->limit = 0;
	luosdk_fdt_tag(out, FDT_END_NODE);
}

static __always_inline void luosdk_fdt_do_put_u32(struct luosdk_fdt_out *out, const char *name,
						  u32 literal, u32 value)
{
	fdt32_t *at = luosdk_fdt_put(out, name, literal, sizeof(value));

	if (at)
		*at = cpu_to_fdt32(value);
}

/**
 * luosdk_fdt_put_u32() - Write a number of 32 bits.
 * @out:   The tree.
 * @name:  The property's name, at most LUOSDK_FDT_NAME letters.
 * @value: Its value.
 *
 * Context: As luosdk_fdt_begin_node().
 */
#define luosdk_fdt_put_u32(out, name, value)				\
	luosdk_fdt_do_put_u32(out, name, LUOSDK_FDT_LITERAL(name), value)

static __always_inline void luosdk_fdt_do_put_u64(struct luosdk_fdt_out *out, const char *name,
						  u32 literal, u64 value)
{
	void *at = luosdk_fdt_put(out, name, literal, sizeof(value));
	fdt64_t stored = cpu_to_fdt64(value);

	/* A tree aligns to 4 bytes only. */
	if (at)
		memcpy(at, &stored, sizeof(stored));
}

/**
 * luosdk_fdt_put_u64() - Write a number of 64 bits.
 * @out:   The tree.
 * @name:  The property's name.
 * @value: Its value.
 *
 * Context: As luosdk_fdt_begin_node().
 */
#define luosdk_fdt_put_u64(out, name, value)				\
	luosdk_fdt_do_put_u64(out, name, LUOSDK_FDT_LITERAL(name), value)

static __always_inline void luosdk_fdt_do_put_u64s(struct luosdk_fdt_out *out, const char *name,
						   u32 literal, const u64 *values, size_t nr)
{
	void *at = luosdk_fdt_put(out, name, literal,
				  min_t(size_t, nr, LUOSDK_FDT_MAX) * sizeof(*values));
	size_t i;

	for (i = 0; at && i < nr; i++) {
		fdt64_t stored = cpu_to_fdt64(values[i]);

		memcpy(at + i * sizeof(stored), &stored, sizeof(stored));
	}
}

/**
 * luosdk_fdt_put_u64s() - Write an array of numbers of 64 bits.
 * @out:    The tree.
 * @name:   The property's name.
 * @values: The numbers.
 * @nr:     How many.
 *
 * Context: As luosdk_fdt_begin_node().
 */
#define luosdk_fdt_put_u64s(out, name, values, nr)			\
	luosdk_fdt_do_put_u64s(out, name, LUOSDK_FDT_LITERAL(name), values, nr)

static inline void luosdk_fdt_do_put_bytes(struct luosdk_fdt_out *out, const char *name,
					   u32 literal, const void *data, size_t len)
{
	void *at = luosdk_fdt_put(out, name, literal, len);

	if (at && len)
		memcpy(at, data, len);
}

/**
 * luosdk_fdt_put_bytes() - Write bytes as they are.
 * @out:  The tree.
 * @name: The property's name.
 * @data: The bytes. Without padding or pointers, if it is a struct.
 * @len:  How many. With none the property is a flag: it is there or is not.
 *
 * Context: As luosdk_fdt_begin_node().
 */
#define luosdk_fdt_put_bytes(out, name, data, len)			\
	luosdk_fdt_do_put_bytes(out, name, LUOSDK_FDT_LITERAL(name), data, len)

static inline void luosdk_fdt_do_put_string(struct luosdk_fdt_out *out,
					    const char *name, u32 literal,
					    const char *string)
{
	luosdk_fdt_do_put_bytes(out, name, literal, string, strlen(string) + 1);
}

/**
 * luosdk_fdt_put_string() - Write a string.
 * @out:    The tree.
 * @name:   The property's name.
 * @string: The string.
 *
 * Context: As luosdk_fdt_begin_node().
 */
#define luosdk_fdt_put_string(out, name, string)			\
	luosdk_fdt_do_put_string(out, name, LUOSDK_FDT_LITERAL(name), string)

/* Complete what was written. Returns the first error. */
static inline int luosdk_fdt_end(struct luosdk_fdt_out *out)
{
	struct fdt_reserve_entry *none;
	struct fdt_header *hdr;
	fdt32_t *end;

	if (out->depth != 1)
		luosdk_fdt_fail(out, -EINVAL, "a node did not end");
	end = luosdk_fdt_grab(out, 2 * FDT_TAGSIZE);
	if (!end) {
		pr_err("luosdk: a tree of state cannot be written, %s: %pe\n",
		       out->why, ERR_PTR(out->err));
		return out->err;
	}
	end[0] = cpu_to_fdt32(FDT_END_NODE);
	end[1] = cpu_to_fdt32(FDT_END);
	memmove(out->buf + out->end, out->buf + out->names, out->nr_names);
	out->names = out->end;

	hdr = out->buf;
	hdr->magic = cpu_to_fdt32(FDT_MAGIC);
	hdr->totalsize = cpu_to_fdt32(out->end + out->nr_names);
	hdr->off_dt_struct = cpu_to_fdt32(LUOSDK_FDT_STRUCT);
	hdr->off_dt_strings = cpu_to_fdt32(out->end);
	hdr->off_mem_rsvmap = cpu_to_fdt32(LUOSDK_FDT_STRUCT - sizeof(*none));
	hdr->version = cpu_to_fdt32(FDT_LAST_SUPPORTED_VERSION);
	hdr->last_comp_version = cpu_to_fdt32(FDT_LAST_COMPATIBLE_VERSION);
	hdr->boot_cpuid_phys = 0;
	hdr->size_dt_strings = cpu_to_fdt32(out->nr_names);
	hdr->size_dt_struct = cpu_to_fdt32(out->end - LUOSDK_FDT_STRUCT);
	none = out->buf + LUOSDK_FDT_STRUCT - sizeof(*none);
	none->address = 0;
	none->size = 0;

	return 0;
}

/**
 * luosdk_fdt_free() - Drop a tree that grows and is not to be preserved.
 * @out: What luosdk_fdt_begin() filled in.
 *
 * Context: Sleeps.
 */
static inline void luosdk_fdt_free(struct luosdk_fdt_out *out)
{
	if (out->grows)
		kvfree(out->buf);
	out->buf = NULL;
}

/**
 * luosdk_fdt_reserve() - Take the memory for a tree that is to be written in freeze.
 * @ser:   Filled in.
 * @bytes: How much at least; it becomes a power of two of pages.
 *
 * For whoever knows without writing how large the tree can become.
 *
 * Context: Sleeps. For preserve.
 * Return: 0, and the caller owes a luosdk_fdt_unpreserve(); -EFBIG; -ENOMEM; what
 *         KHO returns.
 */
static inline int luosdk_fdt_reserve(struct luosdk_fdt_ser *ser, size_t bytes)
{
	void *mem;

	*ser = (struct luosdk_fdt_ser){ };
	if (!bytes || bytes > LUOSDK_FDT_MAX)
		return -EFBIG;
	mem = kho_alloc_preserve(bytes);
	if (IS_ERR(mem))
		return PTR_ERR(mem);
	ser->phys = virt_to_phys(mem);
	ser->room = PAGE_SIZE << get_order(bytes);

	return 0;
}

static inline void luosdk_fdt_seal(const struct luosdk_fdt_out *out, struct luosdk_fdt_ser *ser)
{
	ser->bytes = out->end + out->nr_names;
	ser->crc = crc32c(~0, phys_to_virt(ser->phys), ser->bytes);
}

/**
 * luosdk_fdt_preserve() - Complete a tree and hand it over.
 * @out:  What luosdk_fdt_begin() filled in. Is gone afterwards, in any case.
 * @ser:  Filled in.
 * @more: By how many bytes it may grow until freeze. A property takes 12 bytes and its
 *        value, a node 8 and its name, each rounded up to 4.
 *
 * Context: Sleeps. For preserve.
 * Return: 0, and the caller owes a luosdk_fdt_unpreserve(); the first error of what
 *         was written: -EINVAL for a misuse, -EFBIG, -ENOMEM; what KHO
 *         returns. A misuse is named in a message.
 */
static inline int luosdk_fdt_preserve(struct luosdk_fdt_out *out,
				      struct luosdk_fdt_ser *ser, size_t more)
{
	int err = luosdk_fdt_end(out);

	if (!err)
		err = luosdk_fdt_reserve(ser, size_add(out->end + out->nr_names, more));
	if (!err) {
		memcpy(phys_to_virt(ser->phys), out->buf, out->end + out->nr_names);
		luosdk_fdt_seal(out, ser);
	}
	luosdk_fdt_free(out);

	return err;
}

/**
 * luosdk_fdt_rewrite() - Begin to write again, into the memory that is preserved.
 * @out: Filled in. To be given to luosdk_fdt_commit().
 * @ser: What luosdk_fdt_preserve() or luosdk_fdt_reserve() filled in.
 *
 * Nothing is allocated from here to luosdk_fdt_commit(). The tree that was there
 * is gone.
 *
 * Context: Any. For freeze.
 */
static inline void luosdk_fdt_rewrite(struct luosdk_fdt_out *out, struct luosdk_fdt_ser *ser)
{
	ser->bytes = 0;
	luosdk_fdt_start(out, phys_to_virt(ser->phys), ser->room);
}

/**
 * luosdk_fdt_commit() - Complete a tree that was written again.
 * @out: What luosdk_fdt_rewrite() filled in.
 * @ser: The same as there.
 *
 * The state that @ser is in has to be sealed after this.
 *
 * Context: Any. For freeze.
 * Return: 0; -ENOSPC if more came up than there is room for; -EINVAL for a misuse. There
 *         is no tree then, and freeze has to fail.
 */
static inline int luosdk_fdt_commit(struct luosdk_fdt_out *out, struct luosdk_fdt_ser *ser)
{
	int err = luosdk_fdt_end(out);

	if (!err)
		luosdk_fdt_seal(out, ser);

	return err;
}

/**
 * luosdk_fdt_unpreserve() - Take the memory of a tree back.
 * @ser: What luosdk_fdt_preserve() or luosdk_fdt_reserve() filled in.
 *
 * Context: Sleeps. For unpreserve.
 */
static inline void luosdk_fdt_unpreserve(struct luosdk_fdt_ser *ser)
{
	if (ser->phys)
		kho_unpreserve_free(phys_to_virt(ser->phys));
	*ser = (struct luosdk_fdt_ser){ };
}

/* ---- The new kernel: reading ------------------------------------------- */

/**
 * struct luosdk_fdt_in - A tree that is being read.
 * @fdt:    The tree, checked: what libfdt has to read with can be used on it.
 * @leaked: After luosdk_fdt_open() failed: how many bytes of preserved memory stay
 *          lost until the next reboot. Zero if none.
 */
struct luosdk_fdt_in {
	const void *fdt;
	size_t leaked;
	/* private: */
	const char *who;
	struct folio *folio;
	const void *block;
	const char *names;
	struct luosdk_fdt_known known;
};

/**
 * struct luosdk_fdt_node - A node of a tree that is being read.
 * @at: Where it is: the offset that libfdt's functions take.
 */
struct luosdk_fdt_node {
	int at;
	/* private: */
	struct luosdk_fdt_in *in;
	/* Behind the property that was read last. */
	u32 next;
	/* Behind its name, and the zeroes that fill it up. */
	u32 inside;
};

static inline u32 luosdk_fdt_u32(const void *at)
{
	return fdt32_to_cpu(*(const fdt32_t *)at);
}

static inline const char *luosdk_fdt_node_name(const void *block, u32 at)
{
	return block + at + FDT_TAGSIZE;
}

/* The length of the name in the @max bytes at @name; @max if it does not end there. */
static inline u32 luosdk_fdt_strnlen(const char *name, u32 max)
{
	const struct word_at_a_time constants = WORD_AT_A_TIME_CONSTANTS;
	unsigned long word, zeroes;
	u32 len = 0;

	for (; len + sizeof(word) <= max; len += sizeof(word)) {
		/* get_unaligned() says nothing new about const, but sparse does. */
		word = get_unaligned((unsigned long *)(name + len));
		if (has_zero(word, &zeroes, &constants)) {
			zeroes = prep_zero_mask(word, zeroes, &constants);
			return len + find_zero(create_zero_mask(zeroes));
		}
	}
	while (len < max && name[len])
		len++;

	return len;
}

/*
 * Behind a node's name: its first property, or child, or its end. The name is filled up with zeroes
 * to a multiple of 4, so that the first four bytes of which the last is zero are its end.
 */
static inline u32 luosdk_fdt_inside(const void *block, u32 at)
{
	do {
		at += FDT_TAGSIZE;
	} while (*(const char *)(block + at + FDT_TAGSIZE - 1));

	return at + FDT_TAGSIZE;
}

/* Behind the property at @at. */
static inline u32 luosdk_fdt_behind(const void *block, u32 at)
{
	const struct fdt_property *prop = block + at;

	return at + sizeof(*prop) + ALIGN(fdt32_to_cpu(prop->len), FDT_TAGSIZE);
}

/*
 * The whole structure, tag by tag: each is within its bounds and where it may be, there
 * is one root, every name ends. Whoever reads later relies on this. Returns NULL, or what is
 * wrong with it.
 */
static inline const char *luosdk_fdt_check_struct(const void *block, u32 size, u32 nr_names)
{
	u32 len, left = size, depth = 0;
	const void *at = block;

	for (;;) {
		const struct fdt_property *prop = at;
		fdt32_t tag;

		if (left < FDT_TAGSIZE)
			return "it has no end";
		tag = prop->tag;

		if (tag == cpu_to_fdt32(FDT_END_NODE)) {
			if (!depth)
				return "a node ends twice";
			depth--;
			at += FDT_TAGSIZE;
			left -= FDT_TAGSIZE;
			continue;
		}
		if (tag == cpu_to_fdt32(FDT_END))
			return depth || at == block || left != FDT_TAGSIZE ?
			       "it ends in its midst" : NULL;
		if (tag == cpu_to_fdt32(FDT_PROP))
			return "a property is misplaced";
		if (tag != cpu_to_fdt32(FDT_BEGIN_NODE))
			return "a tag is unknown";

		len = luosdk_fdt_strnlen(at + FDT_TAGSIZE, min_t(u32, left - FDT_TAGSIZE,
								 LUOSDK_FDT_FULL_NAME));
		if (FDT_TAGSIZE + len == left || len == LUOSDK_FDT_FULL_NAME || !len != !depth)
			return "a node's name is damaged";
		/* Where it ends is clear, also to who looks at the end of what fills it up. */
		if (*(const char *)(at + FDT_TAGSIZE + (len | (FDT_TAGSIZE - 1))))
			return "a node's name is damaged";
		if (!depth && at != block)
			return "it has more than one root";
		if (depth++ == LUOSDK_FDT_DEPTH)
			return "its nodes are nested too deep";
		len = ALIGN(FDT_TAGSIZE + len + 1, FDT_TAGSIZE);
		at += len;
		left -= len;

		/* Most of a tree is properties, and this is the only place for them. */
		for (prop = at; left >= sizeof(*prop) && prop->tag == cpu_to_fdt32(FDT_PROP);
		     prop = at) {
			left -= sizeof(*prop);
			len = fdt32_to_cpu(prop->len);
			if (len > left)
				return "a property is too long";
			if (fdt32_to_cpu(prop->nameoff) >= nr_names)
				return "a property has no name";
			/* As @left is, so that what fills it up is there as well. */
			len = ALIGN(len, FDT_TAGSIZE);
			at += sizeof(*prop) + len;
			left -= len;
		}
	}
}

/* Is it a tree as this header writes them? Returns NULL, or what is wrong with it. */
static inline const char *luosdk_fdt_check(const void *fdt, u32 bytes)
{
	const struct fdt_reserve_entry *none;
	const char *names;
	u32 nr_names;

	if (bytes < FDT_V17_SIZE || fdt_check_header(fdt) || fdt_totalsize(fdt) != bytes)
		return "its header is damaged";
	if (fdt_version(fdt) != FDT_LAST_SUPPORTED_VERSION)
		return "its version is another one";
	if (fdt_off_mem_rsvmap(fdt) > bytes - sizeof(*none) ||
	    fdt_size_dt_struct(fdt) % FDT_TAGSIZE)
		return "its header is damaged";
	none = fdt + fdt_off_mem_rsvmap(fdt);
	if (none->address || none->size)
		return "it reserves memory";
	/* The last name ends, so all do. */
	names = fdt + fdt_off_dt_strings(fdt);
	nr_names = fdt_size_dt_strings(fdt);
	if (nr_names && names[nr_names - 1])
		return "its names are damaged";

	return luosdk_fdt_check_struct(fdt + fdt_off_dt_struct(fdt), fdt_size_dt_struct(fdt),
				       nr_names);
}

/* Make a tree of @bytes readable, wherever it is. Returns NULL, or what is wrong with it. */
static inline const char *luosdk_fdt_enter(struct luosdk_fdt_in *in, const void *fdt, u32 bytes)
{
	const char *why = luosdk_fdt_check(fdt, bytes);

	if (!why) {
		in->fdt = fdt;
		in->block = fdt + fdt_off_dt_struct(fdt);
		in->names = fdt + fdt_off_dt_strings(fdt);
	}

	return why;
}

/* Can this be a tree at all? It is in memory, then, as far as its room goes. */
static inline bool luosdk_fdt_ser_sane(const struct luosdk_fdt_ser *ser)
{
	return ser->bytes && ser->bytes <= ser->room && ser->room >= PAGE_SIZE &&
	       ser->room <= LUOSDK_FDT_MAX && is_power_of_2(ser->room) &&
	       ser->phys && IS_ALIGNED(ser->phys, ser->room) &&
	       pfn_valid(PHYS_PFN(ser->phys)) &&
	       (ser->room == PAGE_SIZE ||
		pfn_valid(PHYS_PFN(ser->phys + ser->room - 1)));
}

/*
 * Whose memory is it? The state says where a tree has to be, how long it is and what its checksum
 * is. All of that right, it is the one; otherwise it is left alone.
 */
static inline const char *luosdk_fdt_take(struct luosdk_fdt_in *in,
					  const struct luosdk_fdt_ser *ser)
{
	const void *fdt;

	in->leaked = ser->room;
	if (!luosdk_fdt_ser_sane(ser)) {
		/* A number that means nothing; some page will have been there. */
		in->leaked = ser->phys ? PAGE_SIZE : 0;
		return "its place is no place";
	}
	fdt = phys_to_virt(ser->phys);
	if (crc32c(~0, fdt, ser->bytes) != ser->crc)
		return "its checksum is wrong";
	in->folio = kho_restore_folio(ser->phys);
	if (!in->folio)
		return "its memory was not preserved";
	in->leaked = 0;
	if (folio_size(in->folio) != ser->room)
		return "its memory has another size";

	return luosdk_fdt_enter(in, fdt, ser->bytes);
}

/**
 * luosdk_fdt_close() - Be done with a tree.
 * @in: What luosdk_fdt_open() filled in.
 *
 * Nothing that was read by reference may be used after this. Does nothing the second
 * time, or after an luosdk_fdt_open() that failed.
 *
 * Context: Sleeps.
 */
static inline void luosdk_fdt_close(struct luosdk_fdt_in *in)
{
	if (in->folio)
		folio_put(in->folio);
	in->folio = NULL;
	in->fdt = NULL;
}

/**
 * luosdk_fdt_open() - Check an incoming tree and make it readable.
 * @in:  Filled in.
 * @ser: Where it is, from a state whose checksum is right.
 * @who: Who reads it, for messages: the handler's name.
 *
 * The whole tree is checked, whatever of it will be read. So no function that
 * reads it can leave it.
 *
 * When this fails, there is nothing to close. What is certainly the tree's memory
 * was freed. What does not have its checksum may be anybody's and is left alone: it
 * stays lost until the next reboot, and @in->leaked says how much that is. A message
 * names @who and the reason.
 *
 * Context: Sleeps. For retrieve.
 * Return: 0, and the caller owes a luosdk_fdt_close(); -ENODATA if the old kernel
 *         preserved none; -EBADMSG.
 */
static inline int luosdk_fdt_open(struct luosdk_fdt_in *in,
				  const struct luosdk_fdt_ser *ser, const char *who)
{
	const char *why = "there is none";
	int err = -ENODATA;

	in->fdt = NULL;
	in->leaked = 0;
	in->who = who;
	in->folio = NULL;
	luosdk_fdt_know_none(&in->known);
	if (ser->phys || ser->room || ser->bytes || ser->crc) {
		err = -EBADMSG;
		why = luosdk_fdt_take(in, ser);
	}
	if (why) {
		pr_err("luosdk: %s: incoming tree refused, %s: %pe%s\n", who, why, ERR_PTR(err),
		       in->leaked ? ", its memory is lost until the next reboot" : "");
		luosdk_fdt_close(in);
		return err;
	}

	return 0;
}

/**
 * luosdk_fdt_discard() - Free a tree that nobody wants.
 * @ser: Where it is, from a state whose checksum is right.
 * @who: As for luosdk_fdt_open().
 *
 * Context: Sleeps. For the finish of a file that nobody retrieved, and for a
 *          retrieve that fails before it comes to the tree.
 * Return: How many bytes stay lost until the next reboot, because of damage.
 */
static inline size_t luosdk_fdt_discard(const struct luosdk_fdt_ser *ser, const char *who)
{
	struct luosdk_fdt_in in;

	if (!luosdk_fdt_open(&in, ser, who))
		luosdk_fdt_close(&in);

	return in.leaked;
}

static inline struct luosdk_fdt_node luosdk_fdt_node_at(struct luosdk_fdt_in *in, int at)
{
	u32 inside = luosdk_fdt_inside(in->block, at);

	return (struct luosdk_fdt_node){
		.at = at,
		.in = in,
		.next = inside,
		.inside = inside,
	};
}

/**
 * luosdk_fdt_root() - The node that all others are in.
 * @in: The open tree.
 *
 * Context: Any.
 * Return: The root.
 */
static inline struct luosdk_fdt_node luosdk_fdt_root(struct luosdk_fdt_in *in)
{
	return luosdk_fdt_node_at(in, 0);
}

/**
 * luosdk_fdt_node() - Find a child by its name and number.
 * @parent: The node that it is in.
 * @name:   Its name.
 * @unit:   Its unit number, or LUOSDK_FDT_NO_UNIT.
 * @child:  Filled in. May be @parent itself.
 *
 * Context: Any.
 * Return: 0; -ENOENT if there is none.
 */
static inline int luosdk_fdt_node(const struct luosdk_fdt_node *parent, const char *name,
				  u64 unit, struct luosdk_fdt_node *child)
{
	u32 digits = luosdk_fdt_unit_len(unit);
	char full[LUOSDK_FDT_FULL_NAME];
	size_t len = strlen(name);
	int at;

	if (!len || len > LUOSDK_FDT_NAME)
		return -ENOENT;
	memcpy(full, name, len);
	luosdk_fdt_put_unit(full + len, digits, unit);
	at = fdt_subnode_offset_namelen(parent->in->fdt, parent->at, full, len + digits);
	if (at < 0)
		return -ENOENT;
	*child = luosdk_fdt_node_at(parent->in, at);

	return 0;
}

/* From somewhere within a node, among its properties, to behind its end. */
static inline u32 luosdk_fdt_skip(const void *block, u32 at)
{
	u32 depth = 1;

	for (;;) {
		switch (luosdk_fdt_u32(block + at)) {
		case FDT_BEGIN_NODE:
			at = luosdk_fdt_inside(block, at);
			depth++;
			break;
		case FDT_PROP:
			at = luosdk_fdt_behind(block, at);
			break;
		default:
			at += FDT_TAGSIZE;
			if (!--depth)
				return at;
		}
	}
}

/**
 * luosdk_fdt_node_is() - Is it a node of this name?
 * @node: The node.
 * @name: The name, without a unit number.
 *
 * Context: Any.
 * Return: Whether it is, with a number or without.
 */
static __always_inline bool luosdk_fdt_node_is(const struct luosdk_fdt_node *node,
					       const char *name)
{
	const char *full = luosdk_fdt_node_name(node->in->block, node->at);
	size_t len = strlen(name);

	/* With the zero behind it: so long it is, whatever it is. */
	return node->inside - node->at - FDT_TAGSIZE > len && !memcmp(full, name, len) &&
	       (!full[len] || full[len] == '@');
}

/**
 * luosdk_fdt_next_node() - Go on to the next child.
 * @parent: The node that the children are in.
 * @child:  All zero for the first one, then the one before. Filled in.
 * @name:   Only children of this name, whatever their number; NULL for all.
 *
 * In the order in which they were written.
 *
 * Context: Any.
 * Return: Whether there is one more.
 */
static __always_inline bool luosdk_fdt_next_node(const struct luosdk_fdt_node *parent,
						 struct luosdk_fdt_node *child, const char *name)
{
	const void *block = parent->in->block;
	u32 at = parent->next;

	if (child->in)
		at = luosdk_fdt_skip(block, child->next);
	else
		while (luosdk_fdt_u32(block + at) == FDT_PROP)
			at = luosdk_fdt_behind(block, at);

	while (luosdk_fdt_u32(block + at) == FDT_BEGIN_NODE) {
		*child = luosdk_fdt_node_at(parent->in, at);
		if (!name || luosdk_fdt_node_is(child, name))
			return true;
		at = luosdk_fdt_skip(block, child->next);
	}

	return false;
}

/**
 * luosdk_fdt_name_of() - A node's name.
 * @node: The node.
 *
 * Context: Any.
 * Return: The name, with the unit number if it has one; "/" for the root.
 */
static inline const char *luosdk_fdt_name_of(const struct luosdk_fdt_node *node)
{
	return node->at ? luosdk_fdt_node_name(node->in->block, node->at) : "/";
}

/* What the other kernel named a node is printed with its odd letters escaped. */
static inline void luosdk_fdt_refuse(const struct luosdk_fdt_node *node, const char *name,
				     const char *why)
{
	const char *its = luosdk_fdt_name_of(node);

	pr_err("luosdk: %s: incoming tree: '%s' of node %*pE %s\n", node->in->who, name,
	       (int)strlen(its), its, why);
}

/**
 * luosdk_fdt_unit() - A node's number.
 * @node: The node.
 * @unit: Filled in.
 *
 * Context: Any.
 * Return: 0; -EINVAL if it has none.
 */
static inline int luosdk_fdt_unit(const struct luosdk_fdt_node *node, u64 *unit)
{
	const char *name = luosdk_fdt_node_name(node->in->block, node->at);
	u32 i = node->inside - node->at - FDT_TAGSIZE;
	u64 number = 0;
	int shift, value;

	while (i && !name[i - 1])
		i--;
	/* From its end: how long the name before it is does not matter. */
	for (shift = 0; i; shift += 4) {
		if (name[--i] == '@') {
			if (!shift)
				break;
			*unit = number;
			return 0;
		}
		value = hex_to_bin(name[i]);
		if (value < 0 || shift == 64)
			break;
		number |= (u64)value << shift;
	}

	luosdk_fdt_refuse(node, "@", "is followed by no number");
	return -EINVAL;
}

/* The property of that name, in most cases the next one; NULL if there is none. */
static inline const struct fdt_property *
luosdk_fdt_find(struct luosdk_fdt_node *node, const char *name, u32 literal)
{
	struct luosdk_fdt_in *in = node->in;
	const struct fdt_property *prop = in->block + node->next;
	int known = literal ? luosdk_fdt_known(&in->known, name) : -ENOENT;
	int len;

	if (prop->tag != cpu_to_fdt32(FDT_PROP) ||
	    ((known < 0 || in->known.offset[known] != prop->nameoff) &&
	     strcmp(in->names + fdt32_to_cpu(prop->nameoff), name))) {
		prop = fdt_get_property_namelen(in->fdt, node->at, name, strlen(name), &len);
		if (!prop)
			return NULL;
	}
	node->next = luosdk_fdt_behind(in->block, (const void *)prop - in->block);
	if (literal && known < 0)
		luosdk_fdt_remember(&in->known, name, prop->nameoff);

	return prop;
}

/* A property that is not the expected one, or is not there, or not as it should be. */
static noinline __maybe_unused const void *
luosdk_fdt_value_slow(struct luosdk_fdt_node *node, const char *name, u32 literal,
		      size_t len, bool needed)
{
	const struct fdt_property *prop = luosdk_fdt_find(node, name, literal);

	if (!prop) {
		if (needed)
			luosdk_fdt_refuse(node, name, "is missing");
		return ERR_PTR(-ENOENT);
	}
	if (fdt32_to_cpu(prop->len) != len) {
		luosdk_fdt_refuse(node, name, "has another length");
		return ERR_PTR(-EINVAL);
	}

	return prop->data;
}

/* The value of a property that has to have this length; or an ERR_PTR(). */
static __always_inline const void *
luosdk_fdt_value(struct luosdk_fdt_node *node, const char *name, u32 literal, size_t len,
		 bool needed)
{
	const struct fdt_property *prop = node->in->block + node->next;
	struct luosdk_fdt_known *k = &node->in->known;
	u32 i = luosdk_fdt_expected(k);

	if (!literal || k->name[i] != name || prop->tag != cpu_to_fdt32(FDT_PROP) ||
	    prop->nameoff != k->offset[i] || fdt32_to_cpu(prop->len) != len)
		return luosdk_fdt_value_slow(node, name, literal, len, needed);
	k->last = i;
	node->next += sizeof(*prop) + ALIGN(len, FDT_TAGSIZE);

	return prop->data;
}

/**
 * luosdk_fdt_has() - Is there a property of this name?
 * @node: The node.
 * @name: The property's name.
 *
 * For properties that older kernels did not write, and for flags.
 *
 * Context: Any.
 * Return: Whether there is.
 */
static inline bool luosdk_fdt_has(const struct luosdk_fdt_node *node, const char *name)
{
	struct luosdk_fdt_node copy = *node;

	return luosdk_fdt_find(&copy, name, false);
}

static __always_inline int luosdk_fdt_do_get_u32(struct luosdk_fdt_node *node, const char *name,
						 u32 literal, u32 *value)
{
	const void *at = luosdk_fdt_value(node, name, literal,
					  sizeof(*value), true);

	if (IS_ERR(at))
		return PTR_ERR(at);
	*value = luosdk_fdt_u32(at);

	return 0;
}

/**
 * luosdk_fdt_get_u32() - Read a number of 32 bits.
 * @node:  The node.
 * @name:  The property's name.
 * @value: Filled in if there is one.
 *
 * Context: Any.
 * Return: 0; -ENOENT if there is no such property; -EINVAL if its length is another.
 *         A message names reader, node and property.
 */
#define luosdk_fdt_get_u32(node, name, value)				\
	luosdk_fdt_do_get_u32(node, name, LUOSDK_FDT_LITERAL(name), value)

static inline int luosdk_fdt_do_get_u32_or(struct luosdk_fdt_node *node,
					   const char *name, u32 literal, u32 *value,
					   u32 otherwise)
{
	const void *at = luosdk_fdt_value(node, name, literal,
					  sizeof(*value), false);

	if (IS_ERR(at) && PTR_ERR(at) != -ENOENT)
		return PTR_ERR(at);
	*value = IS_ERR(at) ? otherwise : luosdk_fdt_u32(at);

	return 0;
}

/**
 * luosdk_fdt_get_u32_or() - Read a number of 32 bits that may not be there.
 * @node:      The node.
 * @name:      The property's name.
 * @value:     Filled in.
 * @otherwise: Its value where there is no such property.
 *
 * Context: Any.
 * Return: 0; -EINVAL as for luosdk_fdt_get_u32().
 */
#define luosdk_fdt_get_u32_or(node, name, value, otherwise)		\
	luosdk_fdt_do_get_u32_or(node, name, LUOSDK_FDT_LITERAL(name), value, otherwise)

static inline u64 luosdk_fdt_u64(const void *at)
{
	fdt64_t stored;

	memcpy(&stored, at, sizeof(stored));

	return fdt64_to_cpu(stored);
}

static __always_inline int luosdk_fdt_do_get_u64(struct luosdk_fdt_node *node, const char *name,
						 u32 literal, u64 *value)
{
	const void *at = luosdk_fdt_value(node, name, literal,
					  sizeof(*value), true);

	if (IS_ERR(at))
		return PTR_ERR(at);
	*value = luosdk_fdt_u64(at);

	return 0;
}

/**
 * luosdk_fdt_get_u64() - Read a number of 64 bits.
 * @node:  The node.
 * @name:  The property's name.
 * @value: Filled in if there is one.
 *
 * Context: Any.
 * Return: As luosdk_fdt_get_u32().
 */
#define luosdk_fdt_get_u64(node, name, value)				\
	luosdk_fdt_do_get_u64(node, name, LUOSDK_FDT_LITERAL(name), value)

static inline int luosdk_fdt_do_get_u64_or(struct luosdk_fdt_node *node,
					   const char *name, u32 literal, u64 *value,
					   u64 otherwise)
{
	const void *at = luosdk_fdt_value(node, name, literal,
					  sizeof(*value), false);

	if (IS_ERR(at) && PTR_ERR(at) != -ENOENT)
		return PTR_ERR(at);
	*value = IS_ERR(at) ? otherwise : luosdk_fdt_u64(at);

	return 0;
}

/**
 * luosdk_fdt_get_u64_or() - Read a number of 64 bits that may not be there.
 * @node:      The node.
 * @name:      The property's name.
 * @value:     Filled in.
 * @otherwise: Its value where there is no such property.
 *
 * Context: Any.
 * Return: 0; -EINVAL as for luosdk_fdt_get_u32().
 */
#define luosdk_fdt_get_u64_or(node, name, value, otherwise)		\
	luosdk_fdt_do_get_u64_or(node, name, LUOSDK_FDT_LITERAL(name), value, otherwise)

/**
 * luosdk_fdt_count_u64s() - How many numbers an array of them has.
 * @node: The node.
 * @name: The property's name.
 *
 * Context: Any.
 * Return: The number; -ENOENT if there is no such property; -EINVAL if its length is no
 *         multiple of 8, with a message.
 */
static inline int luosdk_fdt_count_u64s(const struct luosdk_fdt_node *node, const char *name)
{
	struct luosdk_fdt_node copy = *node;
	const struct fdt_property *prop = luosdk_fdt_find(&copy, name, false);

	if (!prop)
		return -ENOENT;
	if (fdt32_to_cpu(prop->len) % sizeof(u64)) {
		luosdk_fdt_refuse(node, name, "is no array of numbers");
		return -EINVAL;
	}

	return fdt32_to_cpu(prop->len) / sizeof(u64);
}

static __always_inline int
luosdk_fdt_do_get_u64s(struct luosdk_fdt_node *node, const char *name, u32 literal, u64 *values,
		       size_t nr)
{
	const void *at = luosdk_fdt_value(node, name, literal,
					  array_size(nr, sizeof(*values)), true);
	size_t i;

	if (IS_ERR(at))
		return PTR_ERR(at);
	for (i = 0; i < nr; i++)
		values[i] = luosdk_fdt_u64(at + i * sizeof(*values));

	return 0;
}

/**
 * luosdk_fdt_get_u64s() - Read an array of numbers of 64 bits.
 * @node:   The node.
 * @name:   The property's name.
 * @values: Filled in if there is one.
 * @nr:     How many there have to be.
 *
 * Context: Any.
 * Return: As luosdk_fdt_get_u32().
 */
#define luosdk_fdt_get_u64s(node, name, values, nr)			\
	luosdk_fdt_do_get_u64s(node, name, LUOSDK_FDT_LITERAL(name), values, nr)

static inline int luosdk_fdt_do_get_bytes(struct luosdk_fdt_node *node,
					  const char *name, u32 literal, void *data,
					  size_t len)
{
	const void *at = luosdk_fdt_value(node, name, literal, len, true);

	if (IS_ERR(at))
		return PTR_ERR(at);
	memcpy(data, at, len);

	return 0;
}

/**
 * luosdk_fdt_get_bytes() - Read bytes as they are.
 * @node: The node.
 * @name: The property's name.
 * @data: Filled in if there is one.
 * @len:  How many there have to be.
 *
 * Context: Any.
 * Return: As luosdk_fdt_get_u32().
 */
#define luosdk_fdt_get_bytes(node, name, data, len)			\
	luosdk_fdt_do_get_bytes(node, name, LUOSDK_FDT_LITERAL(name), data, len)

/**
 * luosdk_fdt_get_any() - Look at a property of any length.
 * @node: The node.
 * @name: The property's name.
 * @len:  Filled in if there is one: its length, which the caller has to check.
 *
 * Context: Any.
 * Return: Its value, aligned to 4 bytes, valid until luosdk_fdt_close(); NULL if there is
 *         no such property.
 */
static inline const void *luosdk_fdt_get_any(struct luosdk_fdt_node *node,
					     const char *name, size_t *len)
{
	const struct fdt_property *prop = luosdk_fdt_find(node, name, false);

	if (!prop)
		return NULL;
	*len = fdt32_to_cpu(prop->len);

	return prop->data;
}

static inline int luosdk_fdt_do_get_string(struct luosdk_fdt_node *node,
					   const char *name, u32 literal,
					   const char **string)
{
	const struct fdt_property *prop = luosdk_fdt_find(node, name, literal);
	u32 len;

	if (!prop) {
		luosdk_fdt_refuse(node, name, "is missing");
		return -ENOENT;
	}
	len = fdt32_to_cpu(prop->len);
	if (!len || strnlen(prop->data, len) != len - 1) {
		luosdk_fdt_refuse(node, name, "is no string");
		return -EINVAL;
	}
	*string = prop->data;

	return 0;
}

/**
 * luosdk_fdt_get_string() - Look at a string.
 * @node:   The node.
 * @name:   The property's name.
 * @string: Filled in if there is one. Valid until luosdk_fdt_close().
 *
 * Context: Any.
 * Return: 0; -ENOENT if there is no such property; -EINVAL if it is no string: it has to end
 *         with a zero and have no other. A message names reader, node and property.
 */
#define luosdk_fdt_get_string(node, name, string)			\
	luosdk_fdt_do_get_string(node, name, LUOSDK_FDT_LITERAL(name), string)

#endif /* _LUOSDK_FDT_H */
