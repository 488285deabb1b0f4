// SPDX-License-Identifier: GPL-2.0
/*
 * misuse.c - handlers that must not compile, and what the compiler must say.
 *
 * Compiled once for each number with -DMISUSE=number. The line that says
 * "MISUSE number: text" gives what must stand in the error; number 0 compiles.
 */
#include <luosdk/handler.h>

struct misuse {
	struct luosdk_guard guard;
	u64 value;
};

struct misuse_luo_ser {
	u64 value;
};

static const struct file_operations misuse_fops;

static int misuse_save(struct file *file, struct misuse *m, struct misuse_luo_ser *ser)
{
	ser->value = m->value;
	return 0;
}

static void __maybe_unused misuse_thaw(struct file *file, struct misuse *m,
				       struct misuse_luo_ser *ser)
{
}

static int __maybe_unused misuse_preserve(struct file *file, struct misuse *m,
					  struct misuse_luo_ser *ser)
{
	return 0;
}

static void __maybe_unused misuse_unpreserve(struct file *file, struct misuse *m,
					     struct misuse_luo_ser *ser)
{
}

static int __maybe_unused misuse_link(struct file *file, struct misuse *m,
				      struct misuse_luo_ser *ser, struct luosdk_links *links)
{
	return luosdk_link_file(links, file, &ser->value);
}

static int __maybe_unused misuse_bind(struct file *file, struct misuse *m,
				      const struct misuse_luo_ser *ser, struct luosdk_links *links)
{
	return PTR_ERR_OR_ZERO(luosdk_bind_file(links, ser->value, NULL));
}

static struct luosdk_handler *const misuse_parents[] __maybe_unused = { NULL };

static struct file *misuse_restore(const struct misuse_luo_ser *ser)
{
	return luosdk_anon_file("[misuse]", &misuse_fops, NULL, O_RDWR);
}

#define SHORT	"misuse-v1"
#define LONG	"misuse-with-a-compatible-string-that-is-too-long-v1"

#if MISUSE == 0
/* MISUSE 0: */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.guard = LUOSDK_GUARD_IN(struct misuse, guard),
	.save = misuse_save,
	.restore = misuse_restore,
);
#elif MISUSE == 1
/* MISUSE 1: the compatible string is too long for LUO */
LUOSDK_HANDLER(misuse, LONG,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.restore = misuse_restore,
);
#elif MISUSE == 2
/* MISUSE 2: luosdk: .save is missing */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.restore = misuse_restore,
);
#elif MISUSE == 3
/* MISUSE 3: luosdk: .restore is missing */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
);
#elif MISUSE == 4
/* MISUSE 4: must say which files */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.save = misuse_save,
	.restore = misuse_restore,
);
#elif MISUSE == 5
/* MISUSE 5: luosdk: .thaw without .freeze */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.thaw = misuse_thaw,
	.restore = misuse_restore,
);
#elif MISUSE == 6
/* MISUSE 6: luosdk: .sealed is beyond the state */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.restore = misuse_restore,
	.sealed = sizeof(struct misuse_luo_ser) + 1,
);
#elif MISUSE == 7
/* MISUSE 7: luosdk: .upgrades is missing */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.restore = misuse_restore,
	.version = 2,
	.min_version = 1,
);
#elif MISUSE == 8
/* MISUSE 8: struct luosdk_guard */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.guard = LUOSDK_GUARD_IN(struct misuse, value),
	.save = misuse_save,
	.restore = misuse_restore,
);
#elif MISUSE == 9
/* MISUSE 9: incompatible pointer type */
static int misuse_save_swapped(struct file *file, struct misuse_luo_ser *ser,
			       struct misuse *m)
{
	return 0;
}

LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save_swapped,
	.restore = misuse_restore,
);
#elif MISUSE == 10
/* MISUSE 10: saved state needs fixed-width fields */
struct misuse_odd_ser {
	u8 value[3];
};

static int misuse_save_odd(struct file *file, struct misuse *m, struct misuse_odd_ser *ser)
{
	return 0;
}

static struct file *misuse_restore_odd(const struct misuse_odd_ser *ser)
{
	return NULL;
}

LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_odd_ser,
	.fops = &misuse_fops,
	.save = misuse_save_odd,
	.restore = misuse_restore_odd,
);
#elif MISUSE == 11
/* MISUSE 11: luosdk: .preserve and .unpreserve go together */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.preserve = misuse_preserve,
	.restore = misuse_restore,
);
#elif MISUSE == 12
/* MISUSE 12: luosdk: .preserve without .discard */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.preserve = misuse_preserve,
	.unpreserve = misuse_unpreserve,
	.restore = misuse_restore,
);
#elif MISUSE == 13
/* MISUSE 13: luosdk: .link and .bind go together */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.restore = misuse_restore,
	.link = misuse_link,
);
#elif MISUSE == 14
/* MISUSE 14: luosdk: .link and .bind go together */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.restore = misuse_restore,
	.bind = misuse_bind,
);
#elif MISUSE == 15
/* MISUSE 15: luosdk: .parents without .link */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.restore = misuse_restore,
	.parents = misuse_parents,
);
#elif MISUSE == 16
/* MISUSE 16: */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.restore = misuse_restore,
	.link = misuse_link,
	.bind = misuse_bind,
	.parents = misuse_parents,
	.parent = true,
);
#elif MISUSE == 17
/* MISUSE 17: luosdk: LUOSDK_LAYOUT() lists every field once */
struct misuse_forgets {
	u64 one;
	u64 two;
};

LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.restore = misuse_restore,
	.layout = LUOSDK_LAYOUT(struct misuse_forgets, one),
);
#elif MISUSE == 18
/* MISUSE 18: luosdk: LUOSDK_LAYOUT() lists every field once */
struct misuse_twice {
	u64 one;
	u64 two;
};

LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.restore = misuse_restore,
	.layout = LUOSDK_LAYOUT(struct misuse_twice, one, one),
);
#elif MISUSE == 19
/* MISUSE 19: luosdk: LUOSDK_LAYOUT() lists every field once */
struct misuse_hole {
	u32 one;
	u64 two;
};

LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.restore = misuse_restore,
	.layout = LUOSDK_LAYOUT(struct misuse_hole, one, two),
);
#elif MISUSE == 20
/* MISUSE 20: */
LUOSDK_HANDLER(misuse, SHORT,
	       struct misuse, struct misuse_luo_ser,
	.fops = &misuse_fops,
	.save = misuse_save,
	.restore = misuse_restore,
	.layout = LUOSDK_LAYOUT(struct misuse_luo_ser, value),
	.version = 3,
	.min_version = 3,
);
#endif

luosdk_module_handler(misuse);

MODULE_LICENSE("GPL");
