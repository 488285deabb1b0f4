// SPDX-License-Identifier: GPL-2.0
/* Compiles the example in luosdk/state.h: what surrounds it in a handler. */
#include <luosdk/state.h>

struct widget_luo_ser {
	u64 value;
};

int widget_save(u64 *handle);
int widget_load(u64 handle, u64 *value);

#include "state_example.inc"
