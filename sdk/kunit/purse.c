// SPDX-License-Identifier: GPL-2.0
/*
 * purse.c - the shared state that the tests of luosdk/flb.h are about; see purse.h.
 *
 * Included by the *_world.c files, which set PURSE_VERSION and PURSE_BALLAST.
 */

#include <linux/anon_inodes.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <luosdk/flb.h>

#include "purse.h"

#ifndef PURSE_VERSION
#define PURSE_VERSION	1
#endif
#ifndef PURSE_BALLAST
#define PURSE_BALLAST	0
#endif

struct purse_luo_ser_v1 {
	u64 files;
	u64 total;
	u8 ballast[PURSE_BALLAST];
};

struct purse_luo_ser_v2 {
	u64 total;
	u64 files;
	u32 currency;
	u32 reserved;
};

#if PURSE_VERSION == 1
#define purse_ser	purse_luo_ser_v1
#else
#define purse_ser	purse_luo_ser_v2
#endif

/* ---- The purse ------------------------------------------------------------------------ */

static int purse_save(struct purse_ser *ser)
{
	purse_knobs.saved++;
#if PURSE_VERSION > 1
	ser->currency = 978;
#endif
	return purse_knobs.save;
}

static void purse_unpreserve(struct purse_ser *ser)
{
	purse_knobs.unpreserved++;
	purse_knobs.last_unpreserved.files = ser->files;
	purse_knobs.last_unpreserved.total = ser->total;
}

static struct purse *purse_restore(const struct purse_ser *ser)
{
	struct purse *purse;

	purse_knobs.restored++;
	if (purse_knobs.restore_null)
		return NULL;
	if (purse_knobs.restore)
		return ERR_PTR(purse_knobs.restore);

	purse = kzalloc(sizeof(*purse), GFP_KERNEL);
	if (!purse)
		return ERR_PTR(-ENOMEM);
	purse->files = ser->files;
	purse->total = ser->total;
#if PURSE_VERSION > 1
	purse->currency = ser->currency;
#endif
	return purse;
}

static void purse_release(struct purse *purse)
{
	purse_knobs.released++;
	kfree(purse);
}

#if PURSE_VERSION > 1
static int purse_v1_to_v2(const void *old, void *new)
{
	const struct purse_luo_ser_v1 *v1 = old;
	struct purse_luo_ser_v2 *v2 = new;

	v2->files = v1->files;
	v2->total = v1->total;
	v2->currency = 756;
	return 0;
}

static const struct luosdk_upgrade purse_upgrades[] = {
	{
		.bytes = sizeof(struct purse_luo_ser_v1),
		.sealed = sizeof(struct purse_luo_ser_v1),
		.step = purse_v1_to_v2,
	},
};
#endif

LUOSDK_FLB(purse, "luosdk-purse-v1",
	   struct purse, struct purse_ser,
	.save = purse_save,
	.unpreserve = purse_unpreserve,
	.restore = purse_restore,
	.release = purse_release,
	.version = PURSE_VERSION,
	.min_version = 1,
#if PURSE_VERSION > 1
	.upgrades = purse_upgrades,
#endif
);

static int purse_add(s64 files, s64 value)
{
	struct purse_ser *ser = purse_flb_begin();

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->files += files;
	/* Somebody who looks at a wrong moment must find it wrong. */
	cond_resched();
	ser->total += value;
	purse_flb_end(ser);
	return 0;
}

static int purse_check(u64 per_file)
{
	struct purse_ser *ser = purse_flb_begin();
	int err;

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	err = ser->total == ser->files * per_file ? 0 : -EBADMSG;
	purse_flb_end(ser);
	return err;
}

/* The machine goes down while another thread is between begin and end. */
static int purse_tear(void)
{
	struct purse_ser *ser = purse_flb_begin();

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->files = ~0ULL;
	ser->total = 1;
	/* The kit takes the old kernel down in an orderly way. */
	mutex_unlock(&purse_flb.lock);
	return 0;
}

static int purse_end_another(void)
{
	struct purse_ser *ser = purse_flb_begin();

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->files = ~0ULL;
	purse_flb_end(ser + 1);
	return 0;
}

/* ---- Coins and notes ------------------------------------------------------------------ */

struct money {
	struct luosdk_guard guard;
	u64 value;
};

struct money_luo_ser {
	u64 value;
};

static int money_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations coin_fops = {
	.release = money_release,
};

/* Not the same, however it is linked. */
static const struct file_operations note_fops = {
	.release = money_release,
	.llseek = noop_llseek,
};

static struct file *money_create(const struct file_operations *fops, u64 value)
{
	struct money *m = kzalloc(sizeof(*m), GFP_KERNEL);
	struct file *file;

	if (!m)
		return ERR_PTR(-ENOMEM);
	m->value = value;
	file = luosdk_anon_file("[money]", fops, m, O_RDWR);
	if (IS_ERR(file))
		kfree(m);
	return file;
}

static struct file *coin_create(u64 value)
{
	return money_create(&coin_fops, value);
}

static struct file *note_create(u64 value)
{
	return money_create(&note_fops, value);
}

static int money_save(struct file *file, struct money *m, struct money_luo_ser *ser)
{
	ser->value = m->value;
	return 0;
}

/* Where the files do not share the purse, there is none. */
static int money_preserve(struct file *file, struct money *m, struct money_luo_ser *ser)
{
	int err = purse_knobs.quiet ? 0 : purse_add(1, m->value);

	return err == -ENOENT ? 0 : err;
}

static void money_unpreserve(struct file *file, struct money *m, struct money_luo_ser *ser)
{
	if (!purse_knobs.quiet)
		purse_add(-1, -(s64)m->value);
}

static void money_discard(const struct money_luo_ser *ser)
{
}

static struct file *money_restore(const struct file_operations *fops,
				  const struct money_luo_ser *ser)
{
	if (purse_knobs.asked) {
		struct purse *purse = purse_flb_get();

		if (IS_ERR(purse))
			return ERR_CAST(purse);
		purse_flb_put(purse);
	}
	return money_create(fops, ser->value);
}

static struct file *coin_restore(const struct money_luo_ser *ser)
{
	return money_restore(&coin_fops, ser);
}

static struct file *note_restore(const struct money_luo_ser *ser)
{
	return money_restore(&note_fops, ser);
}

LUOSDK_HANDLER(coin, "luosdk-coin-v1",
	       struct money, struct money_luo_ser,
	.fops = &coin_fops,
	.guard = LUOSDK_GUARD_IN(struct money, guard),
	.save = money_save,
	.preserve = money_preserve,
	.unpreserve = money_unpreserve,
	.restore = coin_restore,
	.discard = money_discard,
);

LUOSDK_HANDLER(note, "luosdk-note-v1",
	       struct money, struct money_luo_ser,
	.fops = &note_fops,
	.guard = LUOSDK_GUARD_IN(struct money, guard),
	.save = money_save,
	.preserve = money_preserve,
	.unpreserve = money_unpreserve,
	.restore = note_restore,
	.discard = money_discard,
);

static bool purse_of_coins, purse_of_notes;

static int purse_register_coin(void)
{
	int err = purse_flb_register(&coin_luo_handler);

	purse_of_coins |= !err;
	return err;
}

static void purse_unregister_coin(void)
{
	purse_of_coins = false;
	purse_flb_unregister(&coin_luo_handler);
}

static int __init purse_init(void)
{
	int err = coin_luo_register();

	if (!err)
		err = note_luo_register();
	if (!err && !purse_knobs.coin_alone)
		err = purse_register_coin();
	if (!err && !purse_knobs.note_alone) {
		err = purse_flb_register(&note_luo_handler);
		purse_of_notes = !err;
	}
	return err;
}
module_init(purse_init);

static void __exit purse_exit(void)
{
	if (purse_of_notes)
		purse_flb_unregister(&note_luo_handler);
	if (purse_of_coins)
		purse_flb_unregister(&coin_luo_handler);
	note_luo_unregister();
	coin_luo_unregister();
}
module_exit(purse_exit);

static int purse_hold(void)
{
	void *obj;

	return liveupdate_flb_get_outgoing(&purse_flb.flb, &obj);
}

static void purse_let_go(void)
{
	liveupdate_flb_put_outgoing(&purse_flb.flb);
}

static int purse_unregister_handler_first(void)
{
	coin_luo_unregister();
	purse_unregister_coin();
	return coin_luo_register();
}

static u64 purse_handle(void)
{
	return luosdk_state_handle(purse_flb.where);
}

static int purse_register_too_early(void)
{
	int err;

	coin_luo_handler.registered = false;
	err = purse_flb_register(&coin_luo_handler);
	coin_luo_handler.registered = true;
	return err;
}

static unsigned int purse_handlers(void)
{
	return purse_flb.handlers;
}

static int purse_register_without_luo(void)
{
	int err;

	coin_luo_unregister();
	luo_global.enabled = false;
	err = coin_luo_register();
	if (!err)
		err = purse_register_coin();
	purse_unregister_coin();
	luo_global.enabled = true;
	return err;
}

static const struct purse_way purse_way = {
	.stats = &purse_flb.stats,
	.coin_stats = &coin_luo_handler.stats,
	.handlers = purse_handlers,
	.create_coin = coin_create,
	.create_note = note_create,
	.add = purse_add,
	.tear = purse_tear,
	.end_another = purse_end_another,
	.check = purse_check,
	.get = purse_flb_get,
	.put = purse_flb_put,
	.hold = purse_hold,
	.let_go = purse_let_go,
	.handle = purse_handle,
	.register_coin = purse_register_coin,
	.unregister_coin = purse_unregister_coin,
	.unregister_handler_first = purse_unregister_handler_first,
	.register_too_early = purse_register_too_early,
	.register_without_luo = purse_register_without_luo,
	.ser_bytes = sizeof(struct purse_ser),
};
