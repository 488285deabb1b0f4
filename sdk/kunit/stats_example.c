// SPDX-License-Identifier: GPL-2.0
/* Compiles the example in luosdk/stats.h: what surrounds it in a handler. */
#include <luosdk/stats.h>

int widget_init(void);
int widget_preserve(int err);
void widget_exit(void);

#include "stats_example.inc"
