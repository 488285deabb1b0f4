// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/inode_identity.cocci has to flag: the lines marked here. */

#define BADGE_PRESERVED		S_IMMUTABLE

extern const struct file_operations badge_fops;

int badge_save(struct liveupdate_file_op_args *args);

static bool badge_luo_can_preserve(struct liveupdate_file_handler *handler, struct file *file)
{
	return file->f_op == &badge_fops;
}

static int badge_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct inode *inode = file_inode(args->file);

	if (inode->i_flags & BADGE_PRESERVED)
		return -EBUSY;

	inode->i_flags |= BADGE_PRESERVED;			/* flagged */
	return badge_save(args);
}

static unsigned long badge_luo_get_id(struct file *file)
{
	return (unsigned long)file_inode(file);			/* flagged */
}

static const struct liveupdate_file_ops badge_luo_ops = {
	.can_preserve = badge_luo_can_preserve,
	.preserve = badge_luo_preserve,
	.get_id = badge_luo_get_id,
	.owner = THIS_MODULE,
};

static int badge_luo_preserve_short(struct liveupdate_file_op_args *args)
{
	file_inode(args->file)->i_flags |= BADGE_PRESERVED;	/* flagged */
	return badge_save(args);
}

static unsigned long badge_luo_get_number(struct file *file)
{
	const struct inode *inode = file->f_inode;		/* flagged */

	return inode->i_ino;
}

static const struct liveupdate_file_ops badge_luo_short_ops = {
	.can_preserve = badge_luo_can_preserve,
	.preserve = badge_luo_preserve_short,
	.get_id = badge_luo_get_number,
	.owner = THIS_MODULE,
};
