/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luosdk/trace.h - every step of a handler's files as a trace event.
 *
 * LUO has no tracepoint. A handler that defines LUOSDK_TRACE gets one, of a class that is
 * the same for all handlers, and nothing else changes in its source. handler.h includes
 * this header and reports each callback; define_trace.h reads it again, several times.
 */
#ifndef _LUOSDK_TRACE_H
#define _LUOSDK_TRACE_H

#include <linux/types.h>

/**
 * DOC: trace
 *
 * One line, above the first header of the layer that the file includes::
 *
 *	#define LUOSDK_TRACE widget
 *
 *	#include <luosdk/handler.h>
 *
 * makes the event luosdk_widget in the system luosdk. The name has to be unique in a kernel:
 * a tracepoint is a global symbol. Files with several handlers share one event, which is
 * why each event says whose it is. All handlers of a kernel at once, from its boot on, are
 * ``trace_event=luosdk:*`` on its command line; with ``tp_printk`` beside it the events go
 * to the console as well, and that is the way to see a freeze: after it nobody in the old
 * kernel reads anything. At run time it is ``events/luosdk/enable`` in tracefs.
 *
 * =======  ==================================================================
 * field    says
 * =======  ==================================================================
 * handler  the name that was given to LUOSDK_HANDLER()
 * op       &enum luosdk_op
 * ctx      the object behind the file, hashed as by %p. Names it in one
 *          kernel. None where a file was not made, or not retrieved
 * state    the saved state: where it is in memory. Names the file in both
 *          kernels. Zero where a preserve failed
 * bytes    of that state, with its header, but without what the handler's
 *          .preserve took in addition; zero where the step failed
 * ns       how long the callback took. In a retrieve or finish this includes
 *          its parents', if it was the first to ask for them
 * err      0, or the errno it returned, negative. finish: that of the retrieve
 *          before it; discard: why the state could not be read
 * =======  ==================================================================
 *
 * An event that is off costs two no-ops in each callback, or two loads and branches where the
 * kernel has no jump labels. A handler without LUOSDK_TRACE, or a kernel without tracing, pays
 * nothing.
 */

/**
 * enum luosdk_op - The steps in the life of a preserved file.
 * @LUOSDK_OP_PRESERVE:   Old kernel: it is to be carried over.
 * @LUOSDK_OP_UNPRESERVE: Old kernel: it is not, after all.
 * @LUOSDK_OP_FREEZE:     Old kernel, in reboot(2): its state is final.
 * @LUOSDK_OP_UNFREEZE:   Old kernel: the update was aborted.
 * @LUOSDK_OP_RETRIEVE:   New kernel: the file was made of its state.
 * @LUOSDK_OP_FINISH:     New kernel: it is a file like others again.
 * @LUOSDK_OP_DISCARD:    New kernel: nobody retrieved it, its state is freed.
 */
enum luosdk_op {
	LUOSDK_OP_PRESERVE,
	LUOSDK_OP_UNPRESERVE,
	LUOSDK_OP_FREEZE,
	LUOSDK_OP_UNFREEZE,
	LUOSDK_OP_RETRIEVE,
	LUOSDK_OP_FINISH,
	LUOSDK_OP_DISCARD,
};

#ifdef LUOSDK_TRACE
#include <linux/args.h>
#include <linux/timekeeping.h>
#include <linux/tracepoint.h>

#define LUOSDK_TRACE_EVENT	CONCATENATE(luosdk_, LUOSDK_TRACE)
#define LUOSDK_TRACE_CALL	CONCATENATE(trace_, LUOSDK_TRACE_EVENT)
#define LUOSDK_TRACE_ENABLED	CONCATENATE(LUOSDK_TRACE_CALL, _enabled)
#endif

#endif /* _LUOSDK_TRACE_H */

#ifdef LUOSDK_TRACE

#undef TRACE_SYSTEM
#define TRACE_SYSTEM luosdk

#if !defined(_LUOSDK_TRACE_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define _LUOSDK_TRACE_EVENTS_H

TRACE_DEFINE_ENUM(LUOSDK_OP_PRESERVE);
TRACE_DEFINE_ENUM(LUOSDK_OP_UNPRESERVE);
TRACE_DEFINE_ENUM(LUOSDK_OP_FREEZE);
TRACE_DEFINE_ENUM(LUOSDK_OP_UNFREEZE);
TRACE_DEFINE_ENUM(LUOSDK_OP_RETRIEVE);
TRACE_DEFINE_ENUM(LUOSDK_OP_FINISH);
TRACE_DEFINE_ENUM(LUOSDK_OP_DISCARD);

DECLARE_EVENT_CLASS(luosdk_op,
	TP_PROTO(const char *handler, enum luosdk_op op, const void *ctx, u64 state,
		 size_t bytes, u64 ns, int err),
	TP_ARGS(handler, op, ctx, state, bytes, ns, err),
	TP_STRUCT__entry(
		__string(handler, handler)
		__field(const void *, ctx)
		__field(u64, state)
		__field(u64, bytes)
		__field(u64, ns)
		__field(u32, op)
		__field(int, err)
	),
	TP_fast_assign(
		__assign_str(handler);
		__entry->ctx = ctx;
		__entry->state = state;
		__entry->bytes = bytes;
		__entry->ns = ns;
		__entry->op = op;
		__entry->err = err;
	),
	TP_printk("handler=%s op=%s ctx=%p state=%#llx bytes=%llu ns=%llu err=%d",
		  __get_str(handler),
		  __print_symbolic(__entry->op,
				   { LUOSDK_OP_PRESERVE,   "preserve" },
				   { LUOSDK_OP_UNPRESERVE, "unpreserve" },
				   { LUOSDK_OP_FREEZE,	   "freeze" },
				   { LUOSDK_OP_UNFREEZE,   "unfreeze" },
				   { LUOSDK_OP_RETRIEVE,   "retrieve" },
				   { LUOSDK_OP_FINISH,	   "finish" },
				   { LUOSDK_OP_DISCARD,	   "discard" }),
		  __entry->ctx, __entry->state, __entry->bytes, __entry->ns, __entry->err)
);

/* By way of a macro, since DEFINE_EVENT() itself would not look at what the name stands for. */
#undef LUOSDK_DEFINE_EVENT
#define LUOSDK_DEFINE_EVENT(name)							\
	DEFINE_EVENT(luosdk_op, name,							\
		TP_PROTO(const char *handler, enum luosdk_op op, const void *ctx, u64 state, \
			 size_t bytes, u64 ns, int err),				\
		TP_ARGS(handler, op, ctx, state, bytes, ns, err))

LUOSDK_DEFINE_EVENT(LUOSDK_TRACE_EVENT);

#endif /* _LUOSDK_TRACE_EVENTS_H */

/* The file that includes this is the one that has the event. */
#ifndef TRACE_HEADER_MULTI_READ

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH luosdk
#define TRACE_INCLUDE_FILE trace
#define CREATE_TRACE_POINTS
#include <trace/define_trace.h>
#undef CREATE_TRACE_POINTS
#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE

#endif
#endif /* LUOSDK_TRACE */

#ifndef _LUOSDK_TRACE_CALLS_H
#define _LUOSDK_TRACE_CALLS_H

#ifdef LUOSDK_TRACE

static __always_inline bool luosdk_trace_enabled(void)
{
	return LUOSDK_TRACE_ENABLED();
}

static __always_inline u64 luosdk_trace_now(void)
{
	return ktime_get_ns();
}

static __always_inline void luosdk_trace_event(const char *handler, enum luosdk_op op,
					       const void *ctx, u64 state, size_t bytes,
					       u64 ns, int err)
{
	LUOSDK_TRACE_CALL(handler, op, ctx, state, bytes, ns, err);
}

#else

static __always_inline bool luosdk_trace_enabled(void)
{
	return false;
}

static __always_inline u64 luosdk_trace_now(void)
{
	return 0;
}

static __always_inline void luosdk_trace_event(const char *handler, enum luosdk_op op,
					       const void *ctx, u64 state, size_t bytes,
					       u64 ns, int err)
{
}

#endif /* LUOSDK_TRACE */

/**
 * luosdk_trace_begin() - Note when a callback began.
 *
 * For a handler that is not made with LUOSDK_HANDLER().
 *
 * Context: Any.
 * Return: The time for luosdk_trace_end(), or 0 while the event is off.
 */
static __always_inline u64 luosdk_trace_begin(void)
{
	return luosdk_trace_enabled() ? luosdk_trace_now() : 0;
}

/**
 * luosdk_trace_end() - Report a callback that ended.
 * @handler: The handler's name.
 * @op:      Which callback it was.
 * @ctx:     The object behind the file, or NULL.
 * @state:   The file's serialized_data, or 0.
 * @bytes:   The size of that state.
 * @began:   What luosdk_trace_begin() returned. With 0 the event has no duration: it was
 *           switched on in between.
 * @err:     What the callback returns.
 *
 * Context: Any.
 */
static __always_inline void luosdk_trace_end(const char *handler, enum luosdk_op op,
					     const void *ctx, u64 state, size_t bytes,
					     u64 began, int err)
{
	if (luosdk_trace_enabled())
		luosdk_trace_event(handler, op, ctx, state, bytes,
				   began ? luosdk_trace_now() - began : 0, err);
}

#endif /* _LUOSDK_TRACE_CALLS_H */
