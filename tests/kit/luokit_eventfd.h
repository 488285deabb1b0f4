/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luokit: eventfds that survive, for worlds whose files need them.
 *
 * A driver that signals an eventfd can be tested with real ones: its world has their handler
 * beside its own, if it includes this header before the driver::
 *
 *	#include <luokit_world.h>
 *	#include <luokit_eventfd.h>
 *	#include "doorbell.c"
 *	LUOKIT_WORLD(doorbell_luo_world);
 *
 * The handler needs a kernel with patches/7.3/0002; the Kbuild of the suite has to say so.
 */
#ifndef LUOKIT_EVENTFD_H
#define LUOKIT_EVENTFD_H

/* One unit is one file to the layer, whoever else is in it. */
#undef LUOSDK_TRACE
#include "../../handlers/eventfd/eventfd_luo.c"
#undef LUOSDK_TRACE

#endif /* LUOKIT_EVENTFD_H */
