// SPDX-License-Identifier: GPL-2.0
/*
 * eventfd_hand_luo.c - an eventfd handler written by hand, and written well.
 *
 * The baseline that the layer has to keep up with: it does all that
 * handlers/eventfd does, without a line of the layer. An eventfd is preserved
 * at most once, by its context; the file of a preserved context can be found
 * in any context; small states share preserved pages; each has a header with
 * a checksum, and the new kernel believes nothing that it did not check;
 * whatever happens is counted.
 *
 * Where the layer has to be general, this is particular: sizes are constants,
 * there is one version of the format, and the hash table has the right size
 * for as many eventfds as the bench preserves.
 */

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/build_bug.h>
#include <linux/bug.h>
#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "bench.h"

#define EVENTFD_HAND_COMPATIBLE	"luosdk-bench-hand"
#define EVENTFD_HAND_MAGIC	0x31444645
#define EVENTFD_HAND_PAGE_MAGIC	0x31504645
#define EVENTFD_HAND_VERSION	1

/* Saved state of an eventfd. The checksum covers all before it, and the flags. */
struct eventfd_hand_ser {
	u32 magic;
	u32 compat;
	u32 version;
	u32 bytes;
	u32 sealed;
	u32 checksum;
	u32 flags;
	u32 file_flags;
	u64 count;
};

static_assert(sizeof(struct eventfd_hand_ser) == 40);

#define EVENTFD_HAND_SLOTS	101

/* A preserved page of them. */
struct eventfd_hand_page {
	u32 magic;
	u32 compat;
	u32 slot_bytes;
	u32 nr_slots;
	u64 used[2];
	struct eventfd_hand_ser slot[EVENTFD_HAND_SLOTS];
};

static_assert(sizeof(struct eventfd_hand_page) <= PAGE_SIZE);
static_assert(EVENTFD_HAND_SLOTS <= 128);

enum eventfd_hand_phase {
	EVENTFD_HAND_PRESERVED,
	EVENTFD_HAND_FROZEN,
	EVENTFD_HAND_RESTORED,
};

/* A preserved or restored eventfd. */
struct eventfd_hand {
	struct hlist_node node;
	struct eventfd_ctx *ctx;
	struct file *file;
	struct eventfd_hand_ser *ser;
	enum eventfd_hand_phase phase;
};

static struct {
	atomic_long_t preserved, refused_busy, unpreserved, frozen, thawed;
	atomic_long_t restored, finished, discarded, failed, leaked, bytes;
} eventfd_hand_stats;

static u32 eventfd_hand_compat;

/* Which contexts are preserved. Asked by drivers that must not sleep. */
static DEFINE_SPINLOCK(eventfd_hand_lock);
static DEFINE_HASHTABLE(eventfd_hand_table, 10);

/* The pages with a free slot. */
static DEFINE_MUTEX(eventfd_hand_pages_lock);
static LIST_HEAD(eventfd_hand_partial);

static int eventfd_hand_failed(int err)
{
	atomic_long_inc(&eventfd_hand_stats.failed);
	return err;
}

static struct eventfd_hand *eventfd_hand_find(struct eventfd_ctx *ctx)
{
	struct eventfd_hand *hand;

	hash_for_each_possible(eventfd_hand_table, hand, node, (unsigned long)ctx)
		if (hand->ctx == ctx)
			return hand;

	return NULL;
}

static struct eventfd_hand *eventfd_hand_claim(struct eventfd_ctx *ctx,
					       struct file *file,
					       enum eventfd_hand_phase phase,
					       gfp_t gfp)
{
	struct eventfd_hand *hand = kmalloc_obj(*hand, gfp);

	if (!hand)
		return ERR_PTR(-ENOMEM);
	hand->ctx = ctx;
	hand->file = file;
	hand->phase = phase;

	spin_lock(&eventfd_hand_lock);
	if (eventfd_hand_find(ctx)) {
		spin_unlock(&eventfd_hand_lock);
		kfree(hand);
		return ERR_PTR(-EBUSY);
	}
	hash_add(eventfd_hand_table, &hand->node, (unsigned long)ctx);
	spin_unlock(&eventfd_hand_lock);

	return hand;
}

static void eventfd_hand_release(struct eventfd_hand *hand)
{
	spin_lock(&eventfd_hand_lock);
	hash_del(&hand->node);
	spin_unlock(&eventfd_hand_lock);
	kfree(hand);
}

/* The file of a preserved eventfd, for who holds its context; the caller puts it. */
static __maybe_unused struct file *eventfd_hand_get_file(struct eventfd_ctx *ctx)
{
	struct eventfd_hand *hand;
	struct file *file;

	spin_lock(&eventfd_hand_lock);
	hand = eventfd_hand_find(ctx);
	file = hand ? get_file(hand->file) : NULL;
	spin_unlock(&eventfd_hand_lock);

	return file;
}

static struct eventfd_hand_page *eventfd_hand_page(struct eventfd_hand_ser *ser)
{
	return (struct eventfd_hand_page *)((unsigned long)ser & PAGE_MASK);
}

static unsigned long *eventfd_hand_bits(struct eventfd_hand_page *page)
{
	return (unsigned long *)page->used;
}

static struct eventfd_hand_ser *eventfd_hand_alloc(void)
{
	struct eventfd_hand_page *page;
	struct eventfd_hand_ser *ser;
	unsigned int nr;

	mutex_lock(&eventfd_hand_pages_lock);
	if (list_empty(&eventfd_hand_partial)) {
		page = kho_alloc_preserve(sizeof(*page));
		if (IS_ERR(page)) {
			mutex_unlock(&eventfd_hand_pages_lock);
			return ERR_CAST(page);
		}
		page->magic = EVENTFD_HAND_PAGE_MAGIC;
		page->compat = eventfd_hand_compat;
		page->slot_bytes = sizeof(*ser);
		page->nr_slots = EVENTFD_HAND_SLOTS;
		list_add(&virt_to_page(page)->lru, &eventfd_hand_partial);
	} else {
		page = page_to_virt(list_first_entry(&eventfd_hand_partial,
						     struct page, lru));
	}

	nr = find_first_zero_bit(eventfd_hand_bits(page), EVENTFD_HAND_SLOTS);
	__set_bit(nr, eventfd_hand_bits(page));
	if (bitmap_full(eventfd_hand_bits(page), EVENTFD_HAND_SLOTS))
		list_del_init(&virt_to_page(page)->lru);
	ser = &page->slot[nr];
	mutex_unlock(&eventfd_hand_pages_lock);

	*ser = (struct eventfd_hand_ser){
		.magic = EVENTFD_HAND_MAGIC,
		.compat = eventfd_hand_compat,
		.version = EVENTFD_HAND_VERSION,
		.bytes = sizeof(*ser) - offsetof(struct eventfd_hand_ser, flags),
		.sealed = offsetof(struct eventfd_hand_ser, count) -
			  offsetof(struct eventfd_hand_ser, flags),
	};

	return ser;
}

static void eventfd_hand_free(struct eventfd_hand_ser *ser)
{
	struct eventfd_hand_page *page = eventfd_hand_page(ser);
	struct list_head *node = &virt_to_page(page)->lru;

	mutex_lock(&eventfd_hand_pages_lock);
	if (bitmap_full(eventfd_hand_bits(page), EVENTFD_HAND_SLOTS))
		list_add(node, &eventfd_hand_partial);
	__clear_bit(ser - page->slot, eventfd_hand_bits(page));
	if (bitmap_empty(eventfd_hand_bits(page), EVENTFD_HAND_SLOTS)) {
		list_del(node);
		kho_unpreserve_free(page);
	}
	mutex_unlock(&eventfd_hand_pages_lock);
}

/* In the new kernel, where a page is on no list. */
static void eventfd_hand_consume(struct eventfd_hand_ser *ser)
{
	struct eventfd_hand_page *page = eventfd_hand_page(ser);

	mutex_lock(&eventfd_hand_pages_lock);
	__clear_bit(ser - page->slot, eventfd_hand_bits(page));
	if (bitmap_empty(eventfd_hand_bits(page), EVENTFD_HAND_SLOTS))
		kho_restore_free(page);
	mutex_unlock(&eventfd_hand_pages_lock);
}

static u32 eventfd_hand_checksum(const struct eventfd_hand_ser *ser)
{
	u32 crc = crc32c(~0, ser, offsetof(struct eventfd_hand_ser, checksum));

	return crc32c(crc, &ser->flags, offsetof(struct eventfd_hand_ser, count) -
					offsetof(struct eventfd_hand_ser, flags));
}

/* The checked state that @handle leads to; it has to be consumed by the caller. */
static struct eventfd_hand_ser *eventfd_hand_open(u64 handle)
{
	struct eventfd_hand_page *page;
	struct eventfd_hand_ser *ser;
	u32 offset, nr;
	int err = -EINVAL;

	if (!handle || handle % 8 || !pfn_valid(PHYS_PFN(handle)) ||
	    offset_in_page(handle) < offsetof(struct eventfd_hand_page, slot))
		goto err_leak;

	ser = phys_to_virt(handle);
	page = eventfd_hand_page(ser);
	offset = offset_in_page(handle) - offsetof(struct eventfd_hand_page, slot);
	nr = offset / sizeof(*ser);
	if (page->magic != EVENTFD_HAND_PAGE_MAGIC ||
	    page->slot_bytes != sizeof(*ser) ||
	    page->nr_slots != EVENTFD_HAND_SLOTS) {
		err = -EBADMSG;
		goto err_leak;
	}
	if (page->compat != eventfd_hand_compat || offset % sizeof(*ser) ||
	    nr >= EVENTFD_HAND_SLOTS)
		goto err_leak;
	if (!test_bit(nr, eventfd_hand_bits(page))) {
		err = -EBADMSG;
		goto err_leak;
	}

	if (ser->magic != EVENTFD_HAND_MAGIC ||
	    ser->checksum != eventfd_hand_checksum(ser)) {
		err = -EBADMSG;
		goto err_consume;
	}
	if (ser->compat != eventfd_hand_compat)
		goto err_consume;
	if (ser->version != EVENTFD_HAND_VERSION) {
		err = -EOPNOTSUPP;
		goto err_consume;
	}
	if (ser->bytes != sizeof(*ser) - offsetof(struct eventfd_hand_ser, flags) ||
	    ser->sealed != offsetof(struct eventfd_hand_ser, count) -
			   offsetof(struct eventfd_hand_ser, flags))
		goto err_consume;

	return ser;

err_consume:
	eventfd_hand_consume(ser);
	pr_err("eventfd_hand: incoming state %#llx refused: %pe\n", handle, ERR_PTR(err));
	return ERR_PTR(err);
err_leak:
	pr_err("eventfd_hand: incoming state %#llx refused: %pe, its page is lost\n",
	       handle, ERR_PTR(err));
	atomic_long_add(PAGE_SIZE, &eventfd_hand_stats.leaked);
	return ERR_PTR(err);
}

static void eventfd_hand_save(struct file *file, struct eventfd_ctx *ctx,
			      struct eventfd_hand_ser *ser)
{
	ser->flags = eventfd_ctx_peek(ctx, &ser->count) & EFD_SEMAPHORE;
	ser->file_flags = READ_ONCE(file->f_flags) & O_NONBLOCK;
}

static bool eventfd_hand_can_preserve(struct liveupdate_file_handler *handler,
				      struct file *file)
{
	return eventfd_file_ctx(file);
}

static int eventfd_hand_preserve(struct liveupdate_file_op_args *args)
{
	struct eventfd_ctx *ctx = eventfd_file_ctx(args->file);
	struct eventfd_hand *hand;
	int err;

	if (!ctx)
		return eventfd_hand_failed(-EINVAL);

	hand = eventfd_hand_claim(ctx, args->file, EVENTFD_HAND_PRESERVED, GFP_KERNEL);
	if (hand == ERR_PTR(-EBUSY)) {
		atomic_long_inc(&eventfd_hand_stats.refused_busy);
		return -EBUSY;
	}
	if (IS_ERR(hand))
		return eventfd_hand_failed(PTR_ERR(hand));

	hand->ser = eventfd_hand_alloc();
	if (IS_ERR(hand->ser)) {
		err = PTR_ERR(hand->ser);
		eventfd_hand_release(hand);
		return eventfd_hand_failed(err);
	}
	eventfd_hand_save(args->file, ctx, hand->ser);

	args->serialized_data = virt_to_phys(hand->ser);
	args->private_data = hand;
	atomic_long_inc(&eventfd_hand_stats.preserved);
	atomic_long_add(sizeof(*hand->ser), &eventfd_hand_stats.bytes);

	return 0;
}

static void eventfd_hand_unpreserve(struct liveupdate_file_op_args *args)
{
	struct eventfd_hand *hand = args->private_data;

	eventfd_hand_free(hand->ser);
	eventfd_hand_release(hand);
	atomic_long_inc(&eventfd_hand_stats.unpreserved);
	atomic_long_sub(sizeof(*hand->ser), &eventfd_hand_stats.bytes);
}

static int eventfd_hand_freeze(struct liveupdate_file_op_args *args)
{
	struct eventfd_hand *hand = args->private_data;

	spin_lock(&eventfd_hand_lock);
	hand->phase = EVENTFD_HAND_FROZEN;
	spin_unlock(&eventfd_hand_lock);

	eventfd_hand_save(args->file, hand->ctx, hand->ser);
	eventfd_ctx_mirror(hand->ctx, &hand->ser->count);
	hand->ser->checksum = eventfd_hand_checksum(hand->ser);
	atomic_long_inc(&eventfd_hand_stats.frozen);

	return 0;
}

static void eventfd_hand_unfreeze(struct liveupdate_file_op_args *args)
{
	struct eventfd_hand *hand = args->private_data;

	eventfd_ctx_mirror(hand->ctx, NULL);
	spin_lock(&eventfd_hand_lock);
	hand->phase = EVENTFD_HAND_PRESERVED;
	spin_unlock(&eventfd_hand_lock);
	atomic_long_inc(&eventfd_hand_stats.thawed);
}

static int eventfd_hand_retrieve(struct liveupdate_file_op_args *args)
{
	struct eventfd_hand_ser *ser = eventfd_hand_open(args->serialized_data);
	struct eventfd_hand *hand;
	struct file *file;
	int err;

	if (IS_ERR(ser))
		return eventfd_hand_failed(PTR_ERR(ser));

	if (ser->flags & ~EFD_SEMAPHORE || ser->file_flags & ~O_NONBLOCK)
		file = ERR_PTR(-EINVAL);
	else
		file = eventfd_create_file(ser->count, ser->flags | ser->file_flags);
	eventfd_hand_consume(ser);
	if (IS_ERR(file))
		return eventfd_hand_failed(PTR_ERR(file));

	hand = eventfd_hand_claim(eventfd_file_ctx(file), file, EVENTFD_HAND_RESTORED,
				  GFP_KERNEL | __GFP_NOFAIL);
	if (WARN_ON(IS_ERR(hand))) {
		err = PTR_ERR(hand);
		fput(file);
		return eventfd_hand_failed(err);
	}

	args->file = file;
	atomic_long_inc(&eventfd_hand_stats.restored);

	return 0;
}

static void eventfd_hand_finish(struct liveupdate_file_op_args *args)
{
	struct eventfd_hand *hand;

	if (args->retrieve_status < 0)
		return;

	if (!args->retrieve_status) {
		struct eventfd_hand_ser *ser = eventfd_hand_open(args->serialized_data);

		if (!IS_ERR(ser)) {
			eventfd_hand_consume(ser);
			atomic_long_inc(&eventfd_hand_stats.discarded);
		}
		return;
	}

	spin_lock(&eventfd_hand_lock);
	hand = eventfd_hand_find(eventfd_file_ctx(args->file));
	if (hand)
		hash_del(&hand->node);
	spin_unlock(&eventfd_hand_lock);
	if (WARN_ON(!hand))
		return;
	kfree(hand);
	atomic_long_inc(&eventfd_hand_stats.finished);
}

static const struct liveupdate_file_ops eventfd_hand_luo_ops = {
	.can_preserve	= eventfd_hand_can_preserve,
	.preserve	= eventfd_hand_preserve,
	.unpreserve	= eventfd_hand_unpreserve,
	.freeze		= eventfd_hand_freeze,
	.unfreeze	= eventfd_hand_unfreeze,
	.retrieve	= eventfd_hand_retrieve,
	.finish		= eventfd_hand_finish,
	.owner		= THIS_MODULE,
};

const struct liveupdate_file_ops *bench_hand_ops(void)
{
	eventfd_hand_compat = crc32c(~0, EVENTFD_HAND_COMPATIBLE,
				     strlen(EVENTFD_HAND_COMPATIBLE));
	return &eventfd_hand_luo_ops;
}
