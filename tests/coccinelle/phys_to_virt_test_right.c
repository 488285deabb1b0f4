// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/phys_to_virt_test.cocci must not flag. */

struct lease_ser {
	u64 until;
	u64 next;
};

static int lease_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct lease_ser *ser;

	if (WARN_ON_ONCE(!args->serialized_data))
		return -EINVAL;

	ser = phys_to_virt(args->serialized_data);
	ser->until = 0;
	return 0;
}

/* NULL ends the list here, and not by way of phys_to_virt(). */
static u64 lease_luo_count(u64 first)
{
	struct lease_ser *ser = phys_to_virt(first);
	u64 nr = 0;

	while (nr < 64) {
		nr++;
		ser = ser->next ? phys_to_virt(ser->next) : NULL;
		if (!ser)
			break;
	}
	return nr;
}
