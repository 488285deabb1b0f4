// SPDX-License-Identifier: GPL-2.0
/* Compiles the example in luosdk/folios.h: what surrounds it in a driver. */
#include <luosdk/folios.h>

struct buffer {
	unsigned long nr_pages;
	struct page **pages;
};

int buffer_preserve(struct buffer *b, struct luosdk_folios_ser *ser);
void buffer_unpreserve(struct luosdk_folios_ser *ser);
int buffer_restore(struct buffer *b, const struct luosdk_folios_ser *ser);
void buffer_discard(const struct luosdk_folios_ser *ser);

#include "folios_example.inc"
