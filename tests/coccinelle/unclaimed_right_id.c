// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/unclaimed.cocci must not flag: get_id() names the object. */

struct gate {
	u64 id;
};

bool gate_luo_can_preserve(struct liveupdate_file_handler *handler, struct file *file);
int gate_luo_preserve(struct liveupdate_file_op_args *args);
void gate_luo_unpreserve(struct liveupdate_file_op_args *args);
int gate_luo_retrieve(struct liveupdate_file_op_args *args);
void gate_luo_finish(struct liveupdate_file_op_args *args);

static unsigned long gate_luo_get_id(struct file *file)
{
	return (unsigned long)file->private_data;
}

static const struct liveupdate_file_ops gate_luo_ops = {
	.can_preserve = gate_luo_can_preserve,
	.preserve = gate_luo_preserve,
	.unpreserve = gate_luo_unpreserve,
	.retrieve = gate_luo_retrieve,
	.finish = gate_luo_finish,
	.get_id = gate_luo_get_id,
	.owner = THIS_MODULE,
};
