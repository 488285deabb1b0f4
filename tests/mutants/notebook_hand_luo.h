/* SPDX-License-Identifier: GPL-2.0 */
/*
 * notebook_hand_luo.h - what notebook_hand_luo.c keeps in a notebook, and what it saves.
 *
 * Included by notebook.h. The saved structures are ABI between kernels: fixed-width fields,
 * no padding, and a new version for each change.
 */
#ifndef _NOTEBOOK_HAND_LUO_H
#define _NOTEBOOK_HAND_LUO_H

#include <linux/build_bug.h>
#include <linux/types.h>
#include <linux/wait.h>

#define NOTEBOOK_MAX_PAGES	16

/**
 * enum notebook_phase - Where a notebook stands in a live update.
 * @NOTEBOOK_IDLE:      Nowhere.
 * @NOTEBOOK_PRESERVED: It is going to be carried over. Its pages stay, all else can change.
 * @NOTEBOOK_FROZEN:    What is saved is final: nothing of it can change.
 * @NOTEBOOK_RESTORED:  It was carried over, and its session is not finished.
 */
enum notebook_phase {
	NOTEBOOK_IDLE,
	NOTEBOOK_PRESERVED,
	NOTEBOOK_FROZEN,
	NOTEBOOK_RESTORED,
};

/**
 * struct notebook_luo - The handler's part of a notebook.
 * @phase:  Under the notebook's lock.
 * @thawed: Where those wait who want to change a frozen notebook.
 */
struct notebook_luo {
	enum notebook_phase phase;
	wait_queue_head_t thawed;
};

/* The compatible string, and what a saved state begins with. */
#define NOTEBOOK_COMPATIBLE	"notebook-hand-v1"
#define NOTEBOOK_SER_MAGIC	0x4b4f4f42	/* "BOOK" in memory */
#define NOTEBOOK_SER_VERSION	1

/**
 * struct notebook_page_ser - A page of a notebook.
 * @pfn:      Where it is.
 * @reserved: Zero.
 * @checksum: CRC-32 of its content.
 */
struct notebook_page_ser {
	u64 pfn;
	u32 reserved;
	u32 checksum;
};

static_assert(sizeof(struct notebook_page_ser) == 16);

/**
 * struct notebook_ser - A notebook.
 * @magic:          NOTEBOOK_SER_MAGIC.
 * @version:        NOTEBOOK_SER_VERSION.
 * @bytes:          Size of this structure.
 * @checksum:       CRC-32 of all that follows.
 * @file_flags:     Access mode and O_NONBLOCK of the file.
 * @flags:          As in &struct notebook.
 * @mark:           The same.
 * @length:         The same.
 * @table:          Physical address of an array of @nr_pages &struct notebook_page_ser; 0
 *                  if there is no page.
 * @nr_pages:       How many pages.
 * @table_checksum: CRC-32 of the array.
 * @title:          As in &struct notebook.
 */
struct notebook_ser {
	u32 magic;
	u32 version;
	u32 bytes;
	u32 checksum;
	u32 file_flags;
	u32 flags;
	u64 mark;
	u64 length;
	u64 table;
	u32 nr_pages;
	u32 table_checksum;
	char title[32];
};

static_assert(sizeof(struct notebook_ser) == 88);
static_assert(offsetof(struct notebook_ser, file_flags) == 16);

#endif /* _NOTEBOOK_HAND_LUO_H */
