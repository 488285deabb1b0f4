// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/alloc_preserve_null.cocci must not flag. */

struct ring_ser {
	u64 head;
	u64 table;
};

struct ring {
	u64 head;
	struct ring_ser *ser;
	u64 *shadow;
};

static int ring_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct ring *r = args->file->private_data;
	struct ring_ser *ser = kho_alloc_preserve(sizeof(*ser));

	if (IS_ERR(ser))
		return PTR_ERR(ser);

	/* Not KHO's: NULL is right here. */
	r->shadow = kcalloc(16, sizeof(*r->shadow), GFP_KERNEL);
	if (!r->shadow) {
		kho_unpreserve_free(ser);
		return -ENOMEM;
	}

	ser->head = r->head;
	args->serialized_data = virt_to_phys(ser);
	return 0;
}

/* NULL by the time it is tested. */
static int ring_luo_preserve_if(struct ring *r, bool wanted)
{
	struct ring_ser *ser = kho_alloc_preserve(sizeof(*ser));

	if (IS_ERR(ser))
		return PTR_ERR(ser);
	if (!wanted) {
		kho_unpreserve_free(ser);
		ser = NULL;
	}
	r->ser = ser;
	return 0;
}

static void ring_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct ring *r = args->file->private_data;

	if (r->ser)
		kho_unpreserve_free(r->ser);
	r->ser = NULL;
}
