// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/phys_to_virt_test.cocci has to flag: the lines marked here. */

struct lease_ser {
	u64 until;
};

static int lease_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct lease_ser *ser;

	ser = phys_to_virt(args->serialized_data);
	if (!ser)						/* flagged */
		return -EINVAL;

	ser->until = 0;
	return 0;
}

static const struct lease_ser *lease_luo_state(u64 handle)
{
	const struct lease_ser *ser = phys_to_virt(handle);

	if (ser == NULL)					/* flagged */
		return ERR_PTR(-EINVAL);
	return ser;
}

static void lease_luo_finish(struct liveupdate_file_op_args *args)
{
	struct lease_ser *ser = phys_to_virt(args->serialized_data);

	if (args->retrieve_status)
		return;
	if (IS_ERR_OR_NULL(ser))				/* flagged */
		return;
	kho_restore_free(ser);
}
