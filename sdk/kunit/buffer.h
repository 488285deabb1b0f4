/* SPDX-License-Identifier: GPL-2.0 */
/*
 * buffer.h - the handler that the tests of luosdk/folios.h are about.
 *
 * A buffer is an anonymous file with pages behind it, as a device's driver would have
 * them: which pages, in which order, and where there are none is up to the test. Built
 * into one world: buffer_world.
 */
#ifndef _BUFFER_H
#define _BUFFER_H

#include <linux/types.h>
#include <luosdk/folios.h>

struct file;
struct luokit_world;
struct luosdk_handler;

extern const struct luokit_world buffer_world;

struct buffer_luo_ser {
	u64 nr_pages;
	u32 max_order;
	u32 reserved;
	struct luosdk_folios_ser folios;
};

/* Set by a test, lives outside of the worlds: a reboot does not change it. */
struct buffer_knobs {
	/* The largest chunk. */
	u32 max_order;
	/* Restore congruent chunks as folios. */
	bool as_folios;
	/* What came, chunk by chunk. */
	struct luosdk_chunk chunk[64];
	unsigned int nr_chunks;
	/* Let go of a folio in unpreserve: how often. */
	unsigned int put;
	/* Stop after so many chunks, with an error. */
	unsigned int stop_after;
	/* What luosdk_folios_open() or _discard() said is lost. */
	u64 leaked;
};

extern struct buffer_knobs buffer_knobs;

/* What luokit_private() of the world returns: a way to static functions. */
struct buffer_way {
	struct luosdk_handler *handler;
	/* Takes over one reference to each of the pages, of which some may be NULL. */
	struct file *(*create)(struct page *const *pages, unsigned long nr);
	struct page *(*page)(struct file *file, unsigned long index);
	unsigned long (*nr_pages)(struct file *file);
};

#endif /* _BUFFER_H */
