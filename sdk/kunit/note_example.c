// SPDX-License-Identifier: GPL-2.0
/* Compiles the example in luosdk/note.h: what surrounds it in a handler. */
#include <linux/liveupdate.h>
#include <luosdk/note.h>

static struct liveupdate_file_handler widget_handler;

int widget_register(void);

#include "note_example.inc"
