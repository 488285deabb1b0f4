// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/retrieve_leak.cocci has to flag: the lines marked here. */

#define TAPE_MAGIC	0x65706174

struct tape_ser {
	u32 magic, version;
	u64 nr;
	struct kho_vmalloc table;
};

struct tape;

extern const struct file_operations tape_fops;

struct tape *tape_alloc(void);				/* or NULL */
struct tape *tape_restore(const struct tape_ser *ser);	/* or an ERR_PTR() */
int tape_load(struct tape *t, const u64 *table, u64 nr);
void tape_free(struct tape *t);

/* Success frees it, and nothing else does. */
static int tape_luo_retrieve(struct liveupdate_file_op_args *args)
{
	struct tape_ser *ser = phys_to_virt(args->serialized_data);
	struct tape *t = tape_restore(ser);
	struct file *file;

	if (IS_ERR(t))
		return PTR_ERR(t);				/* flagged */

	file = anon_inode_getfile("[tape]", &tape_fops, t, O_RDWR);
	if (IS_ERR(file)) {
		tape_free(t);
		return PTR_ERR(file);				/* flagged */
	}

	kho_restore_free(ser);
	args->file = file;
	return 0;
}

static const struct liveupdate_file_ops tape_luo_ops = {
	.retrieve = tape_luo_retrieve,
	.owner = THIS_MODULE,
};

/* The path that was written last went past the label. */
static int tape_luo_retrieve_table(struct liveupdate_file_op_args *args)
{
	struct tape_ser *ser = phys_to_virt(args->serialized_data);
	struct tape *t;
	u64 *table;
	int err;

	if (ser->magic != TAPE_MAGIC)
		return -EBADMSG;
	if (ser->version > 1)
		return -EOPNOTSUPP;				/* flagged */

	table = kho_restore_vmalloc(&ser->table);
	if (!table) {
		err = -EIO;
		goto out;
	}

	t = tape_alloc();
	if (!t) {
		err = -ENOMEM;
		goto out;
	}

	err = tape_load(t, table, ser->nr);
	vfree(table);
	if (err) {
		tape_free(t);
		goto out;
	}

	args->file = anon_inode_getfile("[tape]", &tape_fops, t, O_RDWR);
	err = PTR_ERR_OR_ZERO(args->file);
out:
	kho_restore_free(ser);
	return err;						/* flagged */
}

static const struct liveupdate_file_ops tape_luo_table_ops = {
	.retrieve = tape_luo_retrieve_table,
	.owner = THIS_MODULE,
};

/* Nobody frees it at all. */
static int tape_luo_retrieve_plain(struct liveupdate_file_op_args *args)
{
	const struct tape_ser *ser = phys_to_virt(args->serialized_data);
	struct tape *t = tape_alloc();

	if (!t)
		return -ENOMEM;					/* flagged */
	if (ser->nr) {
		tape_free(t);
		return -EINVAL;					/* flagged */
	}

	args->file = anon_inode_getfile("[tape]", &tape_fops, t, O_RDWR);
	return PTR_ERR_OR_ZERO(args->file);			/* flagged */
}

static const struct liveupdate_file_ops tape_luo_plain_ops = {
	.retrieve = tape_luo_retrieve_plain,
	.owner = THIS_MODULE,
};
