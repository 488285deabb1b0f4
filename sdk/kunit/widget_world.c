// SPDX-License-Identifier: GPL-2.0
/* A kernel with the handler of widget.h; which one, is said there. Its events go to the test. */
#include <luokit_world.h>
#include <linux/tracepoint.h>
#include "widget.h"

static bool widget_tracing(void)
{
	if (!widget_knobs.tracing || !widget_knobs.not_yet)
		return widget_knobs.tracing;
	widget_knobs.not_yet--;

	return false;
}

static void luosdk_op_traced(const char *handler, u32 op, const void *ctx, u64 state,
			     size_t bytes, u64 ns, int err)
{
	if (widget_knobs.nr_traced < ARRAY_SIZE(widget_knobs.traced))
		widget_knobs.traced[widget_knobs.nr_traced] = (struct widget_traced){
			handler, op, ctx, state, bytes, ns, err };
	widget_knobs.nr_traced++;
}

/* User Mode Linux is built without tracing, and a world has no tracepoint: this is in its place. */
#undef DECLARE_EVENT_CLASS
#define DECLARE_EVENT_CLASS(...)
#undef DEFINE_EVENT
#define DEFINE_EVENT(_class, _name, _proto, _args)				\
	static bool trace_##_name##_enabled(void)				\
	{									\
		return widget_tracing();					\
	}									\
	static void trace_##_name(_proto)					\
	{									\
		_class##_traced(_args);						\
	}

#define LUOSDK_TRACE widget
#include "widget.c"

LUOKIT_WORLD(widget_world, .private = &widget_way);
