// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/inode_identity.cocci must not flag. */

#define BADGE_PRESERVED		S_IMMUTABLE

extern const struct file_operations badge_fops;

int badge_save(struct liveupdate_file_op_args *args);

static bool badge_luo_can_preserve(struct liveupdate_file_handler *handler, struct file *file)
{
	return file->f_op == &badge_fops;
}

static unsigned long badge_luo_get_id(struct file *file)
{
	return (unsigned long)file->private_data;
}

static const struct liveupdate_file_ops badge_luo_ops = {
	.can_preserve = badge_luo_can_preserve,
	.preserve = badge_save,
	.get_id = badge_luo_get_id,
	.owner = THIS_MODULE,
};

/* A file of shmem has an inode of its own. */
static bool badge_luo_can_preserve_memory(struct liveupdate_file_handler *handler,
					  struct file *file)
{
	return shmem_file(file) && !file_inode(file)->i_nlink;
}

static int badge_luo_preserve_memory(struct liveupdate_file_op_args *args)
{
	struct inode *inode = file_inode(args->file);

	inode->i_flags |= BADGE_PRESERVED;
	return badge_save(args);
}

static unsigned long badge_luo_get_inode(struct file *file)
{
	return (unsigned long)file_inode(file);
}

static const struct liveupdate_file_ops badge_luo_memory_ops = {
	.can_preserve = badge_luo_can_preserve_memory,
	.preserve = badge_luo_preserve_memory,
	.get_id = badge_luo_get_inode,
	.owner = THIS_MODULE,
};
