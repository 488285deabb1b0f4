// SPDX-License-Identifier: GPL-2.0
/* Compiles the example in luosdk/guard.h: what surrounds it in a driver. */
#include <luosdk/guard.h>

struct widget;
void widget_reset(struct widget *w);
int widget_set(struct widget *w, u64 value);
void widget_shutdown(struct widget *w);

#include "guard_example.inc"

void widget_reset(struct widget *w)
{
	w->value = 0;
}
