// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/goto_cleanup.cocci must not flag. */

struct queue_ser {
	u64 length;
};

struct queue {
	struct mutex lock;		/* queue_stop() */
	spinlock_t tail_lock;		/* length */
	u64 length;
};

int queue_stop(struct queue *q);
void queue_unpreserve(struct queue_ser *ser);		/* or an ERR_PTR() */

DEFINE_FREE(queue_ser, struct queue_ser *, queue_unpreserve(_T))

static int queue_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct queue_ser *ser __free(queue_ser) = kho_alloc_preserve(sizeof(*ser));
	struct queue *q = args->file->private_data;
	int err;

	if (IS_ERR(ser))
		return PTR_ERR(ser);

	err = queue_stop(q);
	if (err)
		return err;

	args->serialized_data = virt_to_phys(no_free_ptr(ser));
	return 0;
}

/* The word is in a comment: no goto beside guard(). */
static u64 queue_luo_length(struct queue *q)
{
	u64 length;

	scoped_guard(spinlock_irq, &q->tail_lock) {
		length = q->length;
	}
	return length;
}

/* The other way, all the way: no __free(), no guard(). */
static int queue_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct queue_ser *ser = phys_to_virt(args->serialized_data);
	struct queue *q = args->file->private_data;
	int err;

	mutex_lock(&q->lock);
	err = queue_stop(q);
	if (err)
		goto out;
	ser->length = q->length;
out:
	mutex_unlock(&q->lock);
	return err;
}
