// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/goto_cleanup.cocci has to flag: the lines marked here. */

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

/* Half converted: the state is freed twice. */
static int queue_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct queue_ser *ser __free(queue_ser) = kho_alloc_preserve(sizeof(*ser));
	struct queue *q = args->file->private_data;
	int err;

	if (IS_ERR(ser))
		return PTR_ERR(ser);

	err = queue_stop(q);
	if (err)
		goto err_free;					/* flagged */

	args->serialized_data = virt_to_phys(no_free_ptr(ser));
	return 0;

err_free:
	kho_unpreserve_free(ser);
	return err;
}

static int queue_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct queue_ser *ser = phys_to_virt(args->serialized_data);
	struct queue *q = args->file->private_data;
	int err;

	guard(mutex)(&q->lock);
	err = queue_stop(q);
	if (err)
		goto out;					/* flagged */
	ser->length = q->length;
out:
	return err;
}

static u64 queue_luo_length(struct queue *q)
{
	u64 length = 0;

	if (!mutex_trylock(&q->lock))
		goto out;					/* flagged */
	scoped_guard(spinlock_irq, &q->tail_lock)
		length = q->length;
	mutex_unlock(&q->lock);
out:
	return length;
}
