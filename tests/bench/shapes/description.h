/* SPDX-License-Identifier: GPL-2.0 */
/*
 * description.h - the shape "description": the author fills in a const struct
 * luosdk_type with functions that take void pointers, and names it.
 *
 * The generated callbacks differ from luosdk/handler.h in nothing but where the
 * type comes from.
 */
#ifndef _SHAPES_DESCRIPTION_H
#define _SHAPES_DESCRIPTION_H

#include <luosdk/handler.h>

#define SHAPE_CALLBACKS(_name, _t)						\
	static struct luosdk_handler _name##_luo_handler;			\
	static bool _name##_luo_can_preserve(struct liveupdate_file_handler *fh, \
					     struct file *file)			\
	{									\
		return luosdk_type_context(_t, file);				\
	}									\
	static int _name##_luo_preserve(struct liveupdate_file_op_args *args)	\
	{									\
		return luosdk_handler_preserve(args, &_name##_luo_handler, _t);	\
	}									\
	static void _name##_luo_unpreserve(struct liveupdate_file_op_args *args) \
	{									\
		luosdk_handler_unpreserve(args, &_name##_luo_handler, _t);	\
	}									\
	static int _name##_luo_freeze(struct liveupdate_file_op_args *args)	\
	{									\
		return luosdk_handler_freeze(args, &_name##_luo_handler, _t);	\
	}									\
	static void _name##_luo_unfreeze(struct liveupdate_file_op_args *args)	\
	{									\
		luosdk_handler_unfreeze(args, &_name##_luo_handler, _t);	\
	}									\
	static int _name##_luo_retrieve(struct liveupdate_file_op_args *args)	\
	{									\
		return luosdk_handler_retrieve(args, &_name##_luo_handler, _t);	\
	}									\
	static bool _name##_luo_can_finish(struct liveupdate_file_op_args *args) \
	{									\
		return luosdk_handler_can_finish(args, &_name##_luo_handler, _t); \
	}									\
	static void _name##_luo_finish(struct liveupdate_file_op_args *args)	\
	{									\
		enum luosdk_op op;						\
										\
		luosdk_handler_finish(args, &_name##_luo_handler, _t, &op);	\
	}									\
	static const struct liveupdate_file_ops _name##_luo_ops = {		\
		.can_preserve = _name##_luo_can_preserve,			\
		.preserve = _name##_luo_preserve,				\
		.unpreserve = _name##_luo_unpreserve,				\
		.freeze = _name##_luo_freeze,					\
		.unfreeze = _name##_luo_unfreeze,				\
		.retrieve = _name##_luo_retrieve,				\
		.can_finish = _name##_luo_can_finish,				\
		.finish = _name##_luo_finish,					\
		.owner = THIS_MODULE,						\
	}

#define SHAPE_HANDLER(_name, _compat, _bytes, _sealed)				\
	static struct luosdk_handler _name##_luo_handler = {			\
		.name = #_name,							\
		.fh = { .ops = &_name##_luo_ops, .compatible = _compat },	\
		.guards = LUOSDK_GUARDS_INIT(_name##_luo_handler.guards),	\
		.slots = LUOSDK_SLOTS_INIT(_name##_luo_handler.slots, _bytes),	\
		.format = {							\
			.compatible = _compat,					\
			.version = 1,						\
			.min_version = 1,					\
			.bytes = _bytes,					\
			.sealed = _sealed,					\
		},								\
	};									\
	static int _name##_luo_register(void)					\
	{									\
		return luosdk_handler_register(&_name##_luo_handler);		\
	}									\
	static void _name##_luo_unregister(void)				\
	{									\
		luosdk_handler_unregister(&_name##_luo_handler);		\
	}

#endif /* _SHAPES_DESCRIPTION_H */
