// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/retrieve_leak.cocci must not flag. */

#define TAPE_MAGIC	0x65706174

struct tape_ser {
	u32 magic, version;
	u64 nr;
	struct kho_vmalloc table;
};

struct tape {
	struct tape_ser *ser;
};

extern const struct file_operations tape_fops;

struct tape *tape_alloc(void);				/* or NULL */
struct tape *tape_restore(const struct tape_ser *ser);	/* or an ERR_PTR() */
int tape_consume(struct tape_ser *ser, struct file **file);
int tape_load(struct tape *t, const u64 *table, u64 nr);
void tape_free(struct tape *t);

static int tape_luo_retrieve(struct liveupdate_file_op_args *args)
{
	struct tape_ser *ser = phys_to_virt(args->serialized_data);
	struct tape *t = tape_restore(ser);
	struct file *file;

	/* Not needed any more, however this ends. */
	kho_restore_free(ser);
	if (IS_ERR(t))
		return PTR_ERR(t);

	file = anon_inode_getfile("[tape]", &tape_fops, t, O_RDWR);
	if (IS_ERR(file)) {
		tape_free(t);
		return PTR_ERR(file);
	}

	args->file = file;
	return 0;
}

static const struct liveupdate_file_ops tape_luo_ops = {
	.retrieve = tape_luo_retrieve,
	.owner = THIS_MODULE,
};

static int tape_luo_retrieve_table(struct liveupdate_file_op_args *args)
{
	struct tape_ser *ser;
	struct tape *t;
	u64 *table;
	int err;

	if (!args->serialized_data)
		return -EINVAL;

	ser = phys_to_virt(args->serialized_data);
	/* What does not look like a tape is not ours to free. */
	if (ser->magic != TAPE_MAGIC)
		return -EBADMSG;
	if (ser->version > 1) {
		err = -EOPNOTSUPP;
		goto err_free_ser;
	}

	table = kho_restore_vmalloc(&ser->table);
	if (!table) {
		err = -EIO;
		goto err_free_ser;
	}

	t = tape_alloc();
	if (!t) {
		err = -ENOMEM;
		goto err_free_table;
	}

	err = tape_load(t, table, ser->nr);
	if (err)
		goto err_free_tape;

	args->file = anon_inode_getfile("[tape]", &tape_fops, t, O_RDWR);
	if (IS_ERR(args->file)) {
		err = PTR_ERR(args->file);
		goto err_free_tape;
	}

	vfree(table);
	kho_restore_free(ser);
	return 0;

err_free_tape:
	tape_free(t);
err_free_table:
	vfree(table);
err_free_ser:
	kho_restore_free(ser);
	return err;
}

static const struct liveupdate_file_ops tape_luo_table_ops = {
	.retrieve = tape_luo_retrieve_table,
	.owner = THIS_MODULE,
};

/* Another function has it from here on. */
static int tape_luo_retrieve_short(struct liveupdate_file_op_args *args)
{
	struct tape_ser *ser = phys_to_virt(args->serialized_data);

	return tape_consume(ser, &args->file);
}

static const struct liveupdate_file_ops tape_luo_short_ops = {
	.retrieve = tape_luo_retrieve_short,
	.owner = THIS_MODULE,
};

/* The object keeps it, and frees it with itself. */
static int tape_luo_retrieve_kept(struct liveupdate_file_op_args *args)
{
	struct tape_ser *ser = phys_to_virt(args->serialized_data);
	struct tape *t = tape_alloc();
	struct file *file;

	if (!t) {
		kho_restore_free(ser);
		return -ENOMEM;
	}
	t->ser = ser;

	file = anon_inode_getfile("[tape]", &tape_fops, t, O_RDWR);
	if (IS_ERR(file)) {
		tape_free(t);
		return PTR_ERR(file);
	}
	args->file = file;
	return 0;
}

static const struct liveupdate_file_ops tape_luo_kept_ops = {
	.retrieve = tape_luo_retrieve_kept,
	.owner = THIS_MODULE,
};
