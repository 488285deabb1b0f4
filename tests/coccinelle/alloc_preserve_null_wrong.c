// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/alloc_preserve_null.cocci has to flag: the lines marked here. */

struct ring_ser {
	u64 head;
	u64 table;
};

struct ring {
	u64 head;
	struct ring_ser *ser;
	u64 *table;
};

static int ring_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct ring *r = args->file->private_data;
	struct ring_ser *ser = kho_alloc_preserve(sizeof(*ser));

	if (!ser)						/* flagged */
		return -ENOMEM;

	ser->head = r->head;
	args->serialized_data = virt_to_phys(ser);
	return 0;
}

static int ring_luo_preserve_table(struct ring *r, size_t bytes)
{
	int err;

	r->ser = kho_alloc_preserve(sizeof(*r->ser));
	if (IS_ERR(r->ser))
		return PTR_ERR(r->ser);

	r->table = kho_alloc_preserve(bytes);
	if (r->table == NULL) {					/* flagged */
		err = -ENOMEM;
		goto err_free;
	}
	r->ser->table = virt_to_phys(r->table);
	return 0;

err_free:
	kho_unpreserve_free(r->ser);
	return err;
}

static bool ring_luo_reserve(struct ring *r)
{
	if (!(r->ser = kho_alloc_preserve(sizeof(*r->ser))))	/* flagged */
		return false;

	r->table = kho_alloc_preserve(PAGE_SIZE);
	if (r->table)						/* flagged */
		return true;

	kho_unpreserve_free(r->ser);
	return false;
}
