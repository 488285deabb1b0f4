/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memfd_luo.h - what the parts of the memfd handler share.
 *
 * memfd_luo.c is the handler with the layer's own saved state, memfd_v2.c reads and
 * writes the state of the kernel's own handler, memfd_pin.c takes the memory of a file
 * in the old kernel, and memfd_fill.c gives it to a file in the new one.
 */
#ifndef _MEMFD_LUO_SDK_H
#define _MEMFD_LUO_SDK_H

#include <linux/pagemap.h>
#include <linux/types.h>
#include <luosdk/folios.h>
#include <luosdk/handler.h>

#include "memfd_luo_abi.h"

/* ---- memfd_luo.c ---- */

extern struct luosdk_handler *const memfd_handler;

/* Whether new preserves are to be written in the kernel's own format. */
bool memfd_wants_v2(void);

struct inode *memfd_inode(struct file *file);
int memfd_attrs_read(struct file *file, struct memfd_luo_attrs *attrs);
struct file *memfd_attrs_create(const struct memfd_luo_attrs *attrs);

/* ---- memfd_pin.c ---- */

/**
 * struct memfd_pin - A file whose content is being pinned, part by part.
 * @folios: The folios of one part.
 * @nr:     How many.
 */
struct memfd_pin {
	struct folio **folios;
	unsigned int nr;
	/* private: */
	struct file *file;
	loff_t size;
	loff_t start;
	unsigned int window;
};

int memfd_pin_begin(struct memfd_pin *pin, struct file *file);
int memfd_pin_next(struct memfd_pin *pin);
void memfd_pin_drop(struct memfd_pin *pin, unsigned int from);
void memfd_pin_end(struct memfd_pin *pin);
void memfd_thaw_mapping(struct inode *inode);

/* ---- memfd_fill.c ---- */

/* Folios that enter the page cache under one lock. */
#define MEMFD_BATCH	64

/**
 * struct memfd_fill - A file that gets its memory from the old kernel.
 */
struct memfd_fill {
	/* private: */
	struct inode *inode;
	struct mem_cgroup *memcg;
	struct mem_cgroup *outer;
	u64 pages;
	pgoff_t index;
	unsigned int nr;
	struct folio *batch[MEMFD_BATCH];
};

void memfd_fill_begin(struct memfd_fill *fill, struct file *file);
int memfd_fill_account(struct memfd_fill *fill, u64 pages);
int memfd_fill_folio(struct memfd_fill *fill, struct folio *folio, pgoff_t index);
int memfd_fill_chunk(struct memfd_fill *fill, const struct luosdk_chunk *chunk);
int memfd_fill_end(struct memfd_fill *fill, int err);

/* ---- memfd_v2.c ---- */

int memfd_v2_register(void);
void memfd_v2_unregister(void);

#endif /* _MEMFD_LUO_SDK_H */
