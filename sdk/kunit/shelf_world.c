// SPDX-License-Identifier: GPL-2.0
/* A kernel with the handlers of shelf.h, and with one that asks LUO's core by itself. */
#include <luokit_world.h>
#include "shelf.c"

static const struct file_operations peer_fops;

static struct file *peer_create(void)
{
	return luosdk_anon_file("[peer]", &peer_fops, NULL, O_RDWR);
}

static bool peer_can_preserve(struct liveupdate_file_handler *fh, struct file *file)
{
	return file->f_op == &peer_fops;
}

static void peer_seen(enum peer_op op, const struct liveupdate_file_op_args *args)
{
	shelf_knobs.session[op] = args->session;
}

/* What the core says of the file it wants: in preserve and in freeze. */
static void peer_ask(struct liveupdate_file_op_args *args, unsigned int when)
{
	struct shelf_knobs *knobs = &shelf_knobs;

	if (!knobs->peer_wants)
		return;
	knobs->peer_token_err[when] = liveupdate_get_token_outgoing(args->session,
								    knobs->peer_wants,
								    &knobs->peer_token);
}

static int peer_preserve(struct liveupdate_file_op_args *args)
{
	peer_seen(PEER_PRESERVE, args);
	peer_ask(args, 0);
	return 0;
}

static void peer_unpreserve(struct liveupdate_file_op_args *args)
{
	peer_seen(PEER_UNPRESERVE, args);
}

static int peer_freeze(struct liveupdate_file_op_args *args)
{
	struct file *file;

	peer_seen(PEER_FREEZE, args);
	peer_ask(args, 1);
	/* Nothing is incoming here. */
	if (shelf_knobs.peer_wants)
		shelf_knobs.peer_file_err = liveupdate_get_file_incoming(args->session,
									 shelf_knobs.peer_token,
									 &file);
	return 0;
}

static void peer_unfreeze(struct liveupdate_file_op_args *args)
{
	peer_seen(PEER_UNFREEZE, args);
}

static int peer_retrieve(struct liveupdate_file_op_args *args)
{
	struct file *file = peer_create();

	peer_seen(PEER_RETRIEVE, args);
	if (IS_ERR(file))
		return PTR_ERR(file);
	args->file = file;
	return 0;
}

static bool peer_can_finish(struct liveupdate_file_op_args *args)
{
	peer_seen(PEER_CAN_FINISH, args);
	return true;
}

static void peer_finish(struct liveupdate_file_op_args *args)
{
	peer_seen(PEER_FINISH, args);
}

static const struct liveupdate_file_ops peer_ops = {
	.can_preserve = peer_can_preserve,
	.preserve = peer_preserve,
	.unpreserve = peer_unpreserve,
	.freeze = peer_freeze,
	.unfreeze = peer_unfreeze,
	.retrieve = peer_retrieve,
	.can_finish = peer_can_finish,
	.finish = peer_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler peer_handler = {
	.ops = &peer_ops,
	.compatible = "luosdk-peer-v1",
};

static int __init peer_init(void)
{
	return liveupdate_register_file_handler(&peer_handler);
}
module_init(peer_init);

static void __exit peer_exit(void)
{
	liveupdate_unregister_file_handler(&peer_handler);
}
module_exit(peer_exit);

static const struct shelf_way shelf_way = {
	SHELF_WAY,
	.peer = peer_create,
};

LUOKIT_WORLD(shelf_world, .private = &shelf_way);
