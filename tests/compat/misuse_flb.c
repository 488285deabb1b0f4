// SPDX-License-Identifier: GPL-2.0
/*
 * misuse_flb.c - the same as misuse.c, for shared states; number 0 is the right use, which
 * has to compile on every kernel that has FLBs.
 */
#include <luosdk/flb.h>

struct misuse {
	u64 value;
};

struct misuse_luo_ser {
	u64 value;
};

static struct misuse misuse_object;

static int misuse_save(struct misuse_luo_ser *ser)
{
	ser->value = misuse_object.value;
	return 0;
}

static struct misuse *misuse_restore(const struct misuse_luo_ser *ser)
{
	misuse_object.value = ser->value;
	return &misuse_object;
}

static void misuse_release(struct misuse *m)
{
}

#define SHORT	"misuse-v1"
#define LONG	"misuse-with-a-compatible-string-that-is-too-long-v1"

#if MISUSE == 0
/* MISUSE 0: */
LUOSDK_FLB(misuse, SHORT,
	   struct misuse, struct misuse_luo_ser,
	.save = misuse_save,
	.restore = misuse_restore,
	.release = misuse_release,
);
#elif MISUSE == 1
/* MISUSE 1: the compatible string is too long for LUO */
LUOSDK_FLB(misuse, LONG,
	   struct misuse, struct misuse_luo_ser,
	.save = misuse_save,
	.restore = misuse_restore,
	.release = misuse_release,
);
#elif MISUSE == 2
/* MISUSE 2: luosdk: .save is missing */
LUOSDK_FLB(misuse, SHORT,
	   struct misuse, struct misuse_luo_ser,
	.restore = misuse_restore,
	.release = misuse_release,
);
#elif MISUSE == 3
/* MISUSE 3: luosdk: .restore is missing */
LUOSDK_FLB(misuse, SHORT,
	   struct misuse, struct misuse_luo_ser,
	.save = misuse_save,
	.release = misuse_release,
);
#elif MISUSE == 4
/* MISUSE 4: luosdk: .release is missing */
LUOSDK_FLB(misuse, SHORT,
	   struct misuse, struct misuse_luo_ser,
	.save = misuse_save,
	.restore = misuse_restore,
);
#elif MISUSE == 5
/* MISUSE 5: luosdk: .upgrades is missing */
LUOSDK_FLB(misuse, SHORT,
	   struct misuse, struct misuse_luo_ser,
	.save = misuse_save,
	.restore = misuse_restore,
	.release = misuse_release,
	.version = 2,
	.min_version = 1,
);
#elif MISUSE == 6
/* MISUSE 6: saved state needs fixed-width fields */
struct misuse_odd_ser {
	u8 value[3];
};

static int misuse_save_odd(struct misuse_odd_ser *ser)
{
	return 0;
}

static struct misuse *misuse_restore_odd(const struct misuse_odd_ser *ser)
{
	return NULL;
}

LUOSDK_FLB(misuse, SHORT,
	   struct misuse, struct misuse_odd_ser,
	.save = misuse_save_odd,
	.restore = misuse_restore_odd,
	.release = misuse_release,
);
#elif MISUSE == 7
/* MISUSE 7: incompatible pointer type */
LUOSDK_FLB(misuse, SHORT,
	   struct file, struct misuse_luo_ser,
	.save = misuse_save,
	.restore = misuse_restore,
	.release = misuse_release,
);
#endif

int misuse_use(struct luosdk_handler *h);
int misuse_use(struct luosdk_handler *h)
{
	struct misuse_luo_ser *ser = misuse_flb_begin();
	struct misuse *m = misuse_flb_get();

	if (!IS_ERR(ser))
		misuse_flb_end(ser);
	misuse_flb_put(m);
	misuse_flb_unregister(h);
	return misuse_flb_register(h);
}

MODULE_DESCRIPTION("Wrong uses of luosdk/flb.h");
MODULE_LICENSE("GPL");
