/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luosdk/state.h - the bytes that cross the kexec.
 *
 * What a handler saves is read by another kernel: maybe an older one, maybe
 * one that was built with another compiler, maybe after the memory was
 * damaged. So every saved state carries a header that says what it is, and
 * nothing in it is used before it was checked. A state is allocated in
 * preserve, sealed in freeze, and consumed exactly once in the new kernel.
 */
#ifndef _LUOSDK_STATE_H
#define _LUOSDK_STATE_H

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <luosdk/compat.h>

/**
 * DOC: state
 *
 * A handler describes its state by a &struct luosdk_format and an ABI struct
 * of fixed-width fields without padding. handler.h does the rest. Without it::
 *
 *	static const struct luosdk_format widget_format = {
 *		.compatible = "widget-v1",
 *		.version = 1,
 *		.min_version = 1,
 *		.bytes = sizeof(struct widget_luo_ser),
 *		.sealed = sizeof(struct widget_luo_ser),
 *	};
 *	static struct luosdk_slots widget_slots =
 *		LUOSDK_SLOTS_INIT(widget_slots, sizeof(struct widget_luo_ser));
 *
 *	int widget_save(u64 *handle)
 *	{
 *		struct widget_luo_ser *ser;
 *
 *		ser = luosdk_state_alloc(&widget_slots, &widget_format);
 *		if (IS_ERR(ser))
 *			return PTR_ERR(ser);
 *		ser->value = 42;
 *		luosdk_state_seal(ser);
 *		*handle = luosdk_state_handle(ser);
 *		return 0;
 *	}
 *
 *	int widget_load(u64 handle, u64 *value)
 *	{
 *		struct luosdk_incoming in;
 *		const struct widget_luo_ser *ser;
 *		int err = luosdk_state_open(&in, &widget_slots, &widget_format, handle);
 *
 *		if (err)
 *			return err;
 *		ser = in.payload;
 *		*value = ser->value;
 *		luosdk_state_close(&in);
 *		return 0;
 *	}
 *
 * Small states share pages, in *slots*: a page per state would spend 4096 bytes
 * on the 16 bytes of an eventfd. States of which fewer than two fit a page
 * have pages of their own.
 */

#define LUOSDK_STATE_MAGIC	0x534f554c	/* "LUOS" in memory */
#define LUOSDK_PAGE_MAGIC	0x504f554c	/* "LUOP" in memory */

/**
 * struct luosdk_state_hdr - What every saved state begins with. ABI.
 * @magic:    LUOSDK_STATE_MAGIC.
 * @compat:   CRC-32C of the handler's compatible string.
 * @version:  Version of the payload's format.
 * @bytes:    Size of the payload that follows.
 * @sealed:   How many bytes of the payload, from its start, the checksum
 *            covers. What lies behind may change until the old kernel is gone.
 * @checksum: CRC-32C of the fields above and the sealed bytes.
 */
struct luosdk_state_hdr {
	u32 magic;
	u32 compat;
	u32 version;
	u32 bytes;
	u32 sealed;
	u32 checksum;
};

static_assert(sizeof(struct luosdk_state_hdr) == 24);
static_assert(offsetof(struct luosdk_state_hdr, checksum) == 20);

/* The smallest slot is a header and 8 bytes: no page has more slots. */
#define LUOSDK_SLOTS_MAX	(PAGE_SIZE / 32)

/**
 * struct luosdk_slot_page - What every page of slots begins with. ABI.
 * @magic:      LUOSDK_PAGE_MAGIC.
 * @compat:     CRC-32C of the handler's compatible string.
 * @slot_bytes: Size of one slot, its state's header included.
 * @nr_slots:   How many slots follow.
 * @used:       Bit n is set while slot n holds a state. In the new kernel a bit
 *              is cleared when its state is consumed; the page goes with the
 *              last bit.
 * @unused:     The same bits inverted: a flipped one would free a page too
 *              early, or never.
 */
struct luosdk_slot_page {
	u32 magic;
	u32 compat;
	u32 slot_bytes;
	u32 nr_slots;
	u64 used[LUOSDK_SLOTS_MAX / 64];
	u64 unused[LUOSDK_SLOTS_MAX / 64];
};

static_assert(sizeof(struct luosdk_slot_page) == 16 + PAGE_SIZE / 128);

/**
 * struct luosdk_upgrade - One step from an older format to the next.
 * @bytes:  Size of the older payload.
 * @sealed: How many bytes of it the checksum covers.
 * @step:   Writes the newer payload into @new, which is zeroed; @old was
 *          checked. Both are private copies. Returns 0 or a negative errno.
 */
struct luosdk_upgrade {
	u32 bytes;
	u32 sealed;
	int (*step)(const void *old, void *new);
};

/**
 * struct luosdk_format - Description of a handler's saved state.
 * @compatible:  The handler's compatible string.
 * @compat:      Its luosdk_compat_hash(), or zero to have it computed each time.
 * @version:     The version that is written, and the newest that is read.
 * @min_version: The oldest version that is read.
 * @bytes:       Size of the payload of @version.
 * @sealed:      How many bytes of it the checksum covers: all, unless fields at
 *               its end are mirrored.
 * @layout:      LUOSDK_LAYOUT() of the payload of @version; 0 if nobody said. For
 *               scripts/preflight, see luosdk/note.h.
 * @upgrades:    One step for each version from @min_version to @version - 1.
 */
struct luosdk_format {
	const char *compatible;
	u32 compat;
	u32 version;
	u32 min_version;
	u32 bytes;
	u32 sealed;
	u32 layout;
	const struct luosdk_upgrade *upgrades;
};

/**
 * struct luosdk_slots - A handler's pages of small states.
 *
 * Belongs to one handler: what shares a page is consumed by the same code.
 */
struct luosdk_slots {
	/* private: */
	struct mutex lock;
	struct list_head partial;
	u32 slot_bytes;
};

#define LUOSDK_SLOT_BYTES(payload)					\
	ALIGN(sizeof(struct luosdk_state_hdr) + (payload), 8)

/**
 * LUOSDK_SLOTS_INIT() - Static initialiser of a struct luosdk_slots.
 * @name:    The variable that is being initialised.
 * @payload: Size of the payload in bytes.
 */
#define LUOSDK_SLOTS_INIT(name, payload) {				\
	.lock = __MUTEX_INITIALIZER((name).lock),			\
	.partial = LIST_HEAD_INIT((name).partial),			\
	.slot_bytes = LUOSDK_SLOT_BYTES(payload),			\
}

/**
 * luosdk_compat_hash() - What stands for a compatible string in saved state.
 * @compatible: The string.
 *
 * Context: Any.
 * Return: Its CRC-32C.
 */
static inline u32 luosdk_compat_hash(const char *compatible)
{
	return crc32c(~0, compatible, strlen(compatible));
}

static inline u32 luosdk_state_compat(const struct luosdk_format *fmt)
{
	return fmt->compat ?: luosdk_compat_hash(fmt->compatible);
}

static inline u32 luosdk_slots_per_page(u32 slot_bytes)
{
	u32 room = PAGE_SIZE - sizeof(struct luosdk_slot_page);

	return min_t(u32, room / slot_bytes, LUOSDK_SLOTS_MAX);
}

/* Two states must fit, or a page is shared with nobody. */
static inline bool luosdk_slots_useful(u32 slot_bytes)
{
	return slot_bytes <= (PAGE_SIZE - sizeof(struct luosdk_slot_page)) / 2;
}

static inline struct luosdk_state_hdr *luosdk_state_hdr(const void *payload)
{
	return (struct luosdk_state_hdr *)payload - 1;
}

static inline struct luosdk_slot_page *luosdk_slot_page(const void *state)
{
	return (struct luosdk_slot_page *)((unsigned long)state & PAGE_MASK);
}

static inline unsigned long *luosdk_slot_bits(struct luosdk_slot_page *page)
{
	BUILD_BUG_ON(sizeof(page->used[0]) != sizeof(unsigned long));

	return (unsigned long *)page->used;
}

static inline u32 luosdk_slot_nr(struct luosdk_slot_page *page, const void *state)
{
	return (state - (void *)(page + 1)) / page->slot_bytes;
}

/* Both bitmaps, so that a bit that flips in one of them is noticed. */
static inline void luosdk_slot_flip(struct luosdk_slot_page *page, u32 nr)
{
	page->used[nr / 64] ^= BIT_ULL(nr % 64);
	page->unused[nr / 64] ^= BIT_ULL(nr % 64);
}

static inline bool luosdk_slot_bits_intact(const struct luosdk_slot_page *page)
{
	u64 wrong = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(page->used); i++)
		wrong |= ~(page->used[i] ^ page->unused[i]);

	return !wrong;
}

/*
 * In the kernel that fills them, pages with a free slot are listed by their
 * struct page, whose private counts the slots in use. Both are ours as long as
 * the page is, and neither is seen by the other kernel.
 */
static inline struct luosdk_state_hdr *
luosdk_slot_alloc(struct luosdk_slots *slots, u32 compat)
{
	struct luosdk_slot_page *page;
	struct page *desc;
	u32 nr;

	guard(mutex)(&slots->lock);

	if (list_empty(&slots->partial)) {
		page = kho_alloc_preserve(PAGE_SIZE);
		if (IS_ERR(page))
			return ERR_CAST(page);
		page->magic = LUOSDK_PAGE_MAGIC;
		page->compat = compat;
		page->slot_bytes = slots->slot_bytes;
		page->nr_slots = luosdk_slots_per_page(slots->slot_bytes);
		memset(page->unused, 0xff, sizeof(page->unused));
		desc = virt_to_page(page);
		set_page_private(desc, 0);
		list_add(&desc->lru, &slots->partial);
	} else {
		desc = list_first_entry(&slots->partial, struct page, lru);
		page = page_to_virt(desc);
	}

	nr = find_first_zero_bit(luosdk_slot_bits(page), page->nr_slots);
	luosdk_slot_flip(page, nr);
	set_page_private(desc, page_private(desc) + 1);
	if (page_private(desc) == page->nr_slots)
		list_del_init(&desc->lru);

	/* A slot may have been used before; it is a multiple of 8 bytes. */
	return memset64((void *)(page + 1) + nr * page->slot_bytes, 0,
			page->slot_bytes / sizeof(u64));
}

static inline void luosdk_slot_free(struct luosdk_slots *slots, void *state)
{
	struct luosdk_slot_page *page = luosdk_slot_page(state);
	struct page *desc = virt_to_page(page);

	guard(mutex)(&slots->lock);

	if (page_private(desc) == page->nr_slots)
		list_add(&desc->lru, &slots->partial);

	luosdk_slot_flip(page, luosdk_slot_nr(page, state));
	set_page_private(desc, page_private(desc) - 1);
	if (!page_private(desc)) {
		list_del(&desc->lru);
		kho_unpreserve_free(page);
	}
}

/**
 * luosdk_state_alloc() - Allocate the state of one file.
 * @slots: The handler's pages.
 * @fmt:   What is going to be saved.
 *
 * Everything a state needs is allocated here: freeze must not allocate, and
 * must not move the state, as LUO keeps the handle it has when freeze fails.
 *
 * Context: Sleeps. For preserve.
 * Return: The zeroed payload, aligned to 8 bytes; ERR_PTR(-ENOMEM), or what
 *         KHO returns.
 */
static inline void *luosdk_state_alloc(struct luosdk_slots *slots,
				       const struct luosdk_format *fmt)
{
	u32 compat = luosdk_state_compat(fmt);
	struct luosdk_state_hdr *hdr;

	if (luosdk_slots_useful(slots->slot_bytes))
		hdr = luosdk_slot_alloc(slots, compat);
	else
		hdr = kho_alloc_preserve(sizeof(*hdr) + fmt->bytes);
	if (IS_ERR(hdr))
		return hdr;

	hdr->magic = LUOSDK_STATE_MAGIC;
	hdr->compat = compat;
	hdr->version = fmt->version;
	hdr->bytes = fmt->bytes;
	hdr->sealed = fmt->sealed;

	return hdr + 1;
}

/**
 * luosdk_state_free() - Free a state in the kernel that allocated it.
 * @slots:   The handler's pages.
 * @payload: What luosdk_state_alloc() returned.
 *
 * Context: Sleeps. For unpreserve, and for a preserve that fails.
 */
static inline void luosdk_state_free(struct luosdk_slots *slots, void *payload)
{
	if (luosdk_slots_useful(slots->slot_bytes))
		luosdk_slot_free(slots, luosdk_state_hdr(payload));
	else
		kho_unpreserve_free(luosdk_state_hdr(payload));
}

/**
 * luosdk_state_handle() - The number that LUO carries over for a state.
 * @payload: What luosdk_state_alloc() returned.
 *
 * Context: Any.
 * Return: For serialized_data. Never zero.
 */
static inline u64 luosdk_state_handle(const void *payload)
{
	return virt_to_phys(luosdk_state_hdr(payload));
}

static inline u32 luosdk_state_checksum(const struct luosdk_state_hdr *hdr)
{
	u32 crc = crc32c(~0, hdr, offsetof(struct luosdk_state_hdr, checksum));

	return crc32c(crc, hdr + 1, hdr->sealed);
}

/**
 * luosdk_state_seal() - Write the checksum.
 * @payload: What luosdk_state_alloc() returned.
 *
 * Context: Any. For freeze, after the last change of a sealed field. May be
 *          done again.
 */
static inline void luosdk_state_seal(void *payload)
{
	struct luosdk_state_hdr *hdr = luosdk_state_hdr(payload);

	hdr->checksum = luosdk_state_checksum(hdr);
}

/**
 * struct luosdk_incoming - A state in the new kernel, open for reading.
 * @payload: The checked payload, of the newest version.
 * @leaked:  After luosdk_state_open() failed: how many bytes of preserved
 *           memory stay lost until the next reboot. Zero if none.
 */
struct luosdk_incoming {
	const void *payload;
	size_t leaked;
	/* private: */
	struct luosdk_slots *slots;
	struct luosdk_state_hdr *hdr;
	struct folio *folio;
	void *copy;
};

static inline void luosdk_slot_consume(struct luosdk_slots *slots,
				       struct luosdk_state_hdr *hdr)
{
	struct luosdk_slot_page *page = luosdk_slot_page(hdr);

	guard(mutex)(&slots->lock);

	luosdk_slot_flip(page, luosdk_slot_nr(page, hdr));
	if (bitmap_empty(luosdk_slot_bits(page), page->nr_slots))
		kho_restore_free(page);
}

/**
 * luosdk_state_close() - Consume a state.
 * @in: The open state.
 *
 * Once for each luosdk_state_open() that returned 0, whether or not the file
 * could be restored from it. What it named must have been taken by then.
 *
 * Context: Sleeps. For retrieve, or for the finish of a file that nobody
 *          retrieved.
 */
static inline void luosdk_state_close(struct luosdk_incoming *in)
{
	kfree(in->copy);
	if (in->folio)
		folio_put(in->folio);
	else
		luosdk_slot_consume(in->slots, in->hdr);
}

/*
 * Does @handle lead to a used slot of this handler? The page was written by
 * the other kernel, so each of its fields is checked before it is used.
 */
static inline int luosdk_slot_check(const struct luosdk_format *fmt, u64 handle)
{
	struct luosdk_slot_page *page = phys_to_virt(handle & PAGE_MASK);
	u32 offset = offset_in_page(handle) - sizeof(*page);

	if (offset_in_page(handle) < sizeof(*page))
		return -EINVAL;
	if (page->magic != LUOSDK_PAGE_MAGIC)
		return -EBADMSG;
	if (page->compat != luosdk_state_compat(fmt))
		return -EINVAL;
	if (page->slot_bytes < LUOSDK_SLOT_BYTES(0) || page->slot_bytes % 8 ||
	    !luosdk_slots_useful(page->slot_bytes) ||
	    page->nr_slots != luosdk_slots_per_page(page->slot_bytes) ||
	    !luosdk_slot_bits_intact(page))
		return -EBADMSG;
	if (offset % page->slot_bytes ||
	    offset / page->slot_bytes >= page->nr_slots)
		return -EINVAL;
	if (!test_bit(offset / page->slot_bytes, luosdk_slot_bits(page)))
		return -EBADMSG;

	return 0;
}

static inline bool luosdk_handle_sane(u64 handle)
{
	return handle && handle % 8 == 0 && pfn_valid(PHYS_PFN(handle));
}

/* Whose is what @handle, a sane one, leads to? Only a state of ours makes its pages ours. */
static inline int luosdk_state_whose(const struct luosdk_format *fmt, u64 handle)
{
	const struct luosdk_state_hdr *hdr = phys_to_virt(handle);

	if (offset_in_page(handle))
		return luosdk_slot_check(fmt, handle);
	if (hdr->magic != LUOSDK_STATE_MAGIC || hdr->compat != luosdk_state_compat(fmt))
		return -EBADMSG;

	return 0;
}

/*
 * Does @handle seem to lead to a state of this handler? Only to tell whose it would be: it
 * is checked when it is opened.
 */
static inline bool luosdk_state_claimed(const struct luosdk_format *fmt, u64 handle)
{
	return luosdk_handle_sane(handle) && !luosdk_state_whose(fmt, handle);
}

/* What the header says, of a state that has room for @room bytes of payload. */
static inline int luosdk_state_check(const struct luosdk_format *fmt,
				     const struct luosdk_state_hdr *hdr,
				     size_t room)
{
	u32 bytes = fmt->bytes, sealed = fmt->sealed;

	if (hdr->magic != LUOSDK_STATE_MAGIC)
		return -EBADMSG;
	if (hdr->sealed > hdr->bytes || hdr->bytes > room)
		return -EBADMSG;
	if (hdr->checksum != luosdk_state_checksum(hdr))
		return -EBADMSG;
	if (hdr->compat != luosdk_state_compat(fmt))
		return -EINVAL;
	if (hdr->version > fmt->version || hdr->version < fmt->min_version)
		return -EOPNOTSUPP;
	if (hdr->version < fmt->version) {
		bytes = fmt->upgrades[hdr->version - fmt->min_version].bytes;
		sealed = fmt->upgrades[hdr->version - fmt->min_version].sealed;
	}
	if (hdr->bytes != bytes || hdr->sealed != sealed)
		return -EINVAL;

	return 0;
}

/*
 * Walk the payload of an older version up to the newest, from one private copy
 * to the next. Retrieve cannot be repeated, so the copies are waited for.
 */
static inline int luosdk_state_upgrade(struct luosdk_incoming *in,
				       const struct luosdk_format *fmt)
{
	u32 version = in->hdr->version;
	void *old;
	int err;

	old = kmemdup(in->hdr + 1, in->hdr->bytes, GFP_KERNEL | __GFP_NOFAIL);

	for (; version < fmt->version; version++) {
		const struct luosdk_upgrade *up;
		bool last = version + 1 == fmt->version;
		void *new;

		up = &fmt->upgrades[version - fmt->min_version];
		new = kzalloc(last ? fmt->bytes : up[1].bytes,
			      GFP_KERNEL | __GFP_NOFAIL);
		err = up->step(old, new);
		kfree(old);
		if (WARN_ONCE(err > 0, "luosdk: %s: upgrade from version %u returned %d\n",
			      fmt->compatible, version, err))
			err = -EINVAL;
		if (err) {
			kfree(new);
			return err;
		}
		old = new;
	}

	in->copy = old;
	return 0;
}

/*
 * Find the state that @handle leads to and make its memory ours, if that is
 * certain; what the state says of itself is not looked at.
 */
static inline int luosdk_state_take(struct luosdk_incoming *in,
				    struct luosdk_slots *slots,
				    const struct luosdk_format *fmt, u64 handle,
				    size_t *room)
{
	int err;

	*in = (struct luosdk_incoming){ .slots = slots };

	if (!luosdk_handle_sane(handle))
		return -EINVAL;

	in->hdr = phys_to_virt(handle);
	in->leaked = PAGE_SIZE;
	err = luosdk_state_whose(fmt, handle);
	if (err)
		return err;

	if (offset_in_page(handle)) {
		*room = luosdk_slot_page(in->hdr)->slot_bytes;
	} else {
		in->folio = kho_restore_folio(handle);
		if (!in->folio)
			return -EBADMSG;
		*room = folio_size(in->folio);
	}
	in->leaked = 0;

	return 0;
}

/**
 * luosdk_state_open() - Check an incoming state and make it readable.
 * @in:     Filled in.
 * @slots:  The handler's pages.
 * @fmt:    What this kernel reads.
 * @handle: What LUO carried over.
 *
 * Nothing that comes from the old kernel is believed: neither that @handle
 * leads to a state, nor any field of it. An older version is brought up to
 * date on a private copy.
 *
 * When this fails, the state has been consumed and there is nothing to close.
 * What is certainly the state's own is given back. What only a damaged state
 * claims is left alone, because it may be somebody else's: it stays lost until
 * the next reboot, and @in->leaked says how much that is. A message names
 * handler and reason.
 *
 * Context: Sleeps. For retrieve and finish.
 * Return: 0; -EBADMSG for damage; -EINVAL for what is intact and still not a
 *         state of this handler, or has a size its version does not have;
 *         -EOPNOTSUPP for a version that is too new or too old; what an
 *         upgrade step returned.
 */
static inline int luosdk_state_open(struct luosdk_incoming *in,
				    struct luosdk_slots *slots,
				    const struct luosdk_format *fmt, u64 handle)
{
	size_t room;
	int err;

	err = luosdk_state_take(in, slots, fmt, handle, &room);
	if (err)
		goto err_report;

	err = luosdk_state_check(fmt, in->hdr, room - sizeof(*in->hdr));
	if (err)
		goto err_close;

	in->payload = in->hdr + 1;
	if (in->hdr->version < fmt->version) {
		err = luosdk_state_upgrade(in, fmt);
		if (err)
			goto err_close;
		in->payload = in->copy;
	}

	return 0;

err_close:
	luosdk_state_close(in);
err_report:
	pr_err("luosdk: %s: incoming state %#llx refused: %pe%s\n",
	       fmt->compatible, handle, ERR_PTR(err),
	       in->leaked ? ", its memory is lost until the next reboot" : "");
	return err;
}

/**
 * luosdk_state_drop() - Consume an incoming state without reading it.
 * @slots:  The handler's pages.
 * @fmt:    What this kernel reads.
 * @handle: What LUO carried over.
 *
 * For a state whose content nobody needs: it may be half written.
 *
 * Context: Sleeps.
 * Return: How many bytes of preserved memory stay lost until the next reboot,
 *         because @handle does not lead to a state of this handler. Zero if
 *         none.
 */
static inline size_t luosdk_state_drop(struct luosdk_slots *slots,
				       const struct luosdk_format *fmt,
				       u64 handle)
{
	struct luosdk_incoming in;
	size_t room;

	if (!luosdk_state_take(&in, slots, fmt, handle, &room))
		luosdk_state_close(&in);
	return in.leaked;
}

#endif /* _LUOSDK_STATE_H */
