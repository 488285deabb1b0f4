// SPDX-License-Identifier: GPL-2.0
/* Compiles the example in luosdk/flb.h: what surrounds it in a driver. */
#include <luosdk/flb.h>

struct bus {
	u64 preserved;
};

struct bus *bus_create(u64 preserved);
void bus_destroy(struct bus *bus);

#include "flb_example.inc"

int bus_example(struct luosdk_handler *device_handler);
int bus_example(struct luosdk_handler *device_handler)
{
	int err = bus_register(device_handler);

	if (!err && !bus_promised(1))
		err = bus_add(1);
	return err;
}
