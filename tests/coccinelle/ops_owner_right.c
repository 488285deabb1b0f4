// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/ops_owner.cocci must not flag. */

bool lamp_luo_can_preserve(struct liveupdate_file_handler *handler, struct file *file);
int lamp_luo_preserve(struct liveupdate_file_op_args *args);
void lamp_luo_unpreserve(struct liveupdate_file_op_args *args);
int lamp_luo_retrieve(struct liveupdate_file_op_args *args);
void lamp_luo_finish(struct liveupdate_file_op_args *args);
int lamp_flb_preserve(struct liveupdate_flb_op_args *argp);
void lamp_flb_unpreserve(struct liveupdate_flb_op_args *argp);
int lamp_flb_retrieve(struct liveupdate_flb_op_args *argp);
void lamp_flb_finish(struct liveupdate_flb_op_args *argp);

static const struct liveupdate_file_ops lamp_luo_ops = {
	.owner = THIS_MODULE,
	.can_preserve = lamp_luo_can_preserve,
	.preserve = lamp_luo_preserve,
	.unpreserve = lamp_luo_unpreserve,
	.retrieve = lamp_luo_retrieve,
	.finish = lamp_luo_finish,
};

static struct liveupdate_file_handler lamp_luo_handler = {
	.ops = &lamp_luo_ops,
	.compatible = "lamp-v1",
};

static const struct liveupdate_flb_ops lamp_flb_ops = {
	.preserve = lamp_flb_preserve,
	.unpreserve = lamp_flb_unpreserve,
	.retrieve = lamp_flb_retrieve,
	.finish = lamp_flb_finish,
	.owner = THIS_MODULE,
};
