// SPDX-License-Identifier: GPL-2.0
/* Compiles the example in luosdk/fdt.h: what surrounds it in a driver. */
#include <luosdk/fdt.h>

struct engine {
	const char *model;
	u32 speed;
	u32 burst;
	unsigned int nr_maps;
	struct {
		u64 iova;
		u64 bytes;
	} map[8];
};

int engine_map(struct engine *e, u64 iova, u64 bytes);
void engine_write(struct engine *e, struct luosdk_fdt_out *out);
int engine_preserve(struct engine *e, struct luosdk_fdt_ser *ser);
int engine_freeze(struct engine *e, struct luosdk_fdt_ser *ser);
void engine_unpreserve(struct luosdk_fdt_ser *ser);
int engine_read(struct engine *e, struct luosdk_fdt_in *in);
int engine_restore(struct engine *e, const struct luosdk_fdt_ser *ser);
void engine_discard(const struct luosdk_fdt_ser *ser);

#include "fdt_example.inc"
