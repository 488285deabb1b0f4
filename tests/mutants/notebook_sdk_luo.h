/* SPDX-License-Identifier: GPL-2.0 */
/*
 * notebook_sdk_luo.h - what notebook_sdk_luo.c keeps in a notebook, and what it saves.
 *
 * Included by notebook.h. The saved structure is ABI between kernels.
 */
#ifndef _NOTEBOOK_SDK_LUO_H
#define _NOTEBOOK_SDK_LUO_H

#include <linux/build_bug.h>
#include <linux/types.h>
#include <luosdk/guard.h>

/* The pages travel inside the state, so there are few of them. */
#define NOTEBOOK_MAX_PAGES	4

/**
 * struct notebook_luo - The handler's part of a notebook.
 * @guard: Is it preserved, and may it still change?
 */
struct notebook_luo {
	struct luosdk_guard guard;
};

#define NOTEBOOK_COMPATIBLE	"notebook-sdk-v1"

/**
 * struct notebook_ser - A notebook.
 * @file_flags: Of luosdk_file_flags().
 * @flags:      As in &struct notebook.
 * @mark:       The same.
 * @title:      The same.
 * @length:     The same.
 * @reserved:   Zero.
 * @text:       What is written in it.
 */
struct notebook_ser {
	u32 file_flags;
	u32 flags;
	u64 mark;
	char title[32];
	u32 length;
	u32 reserved;
	u8 text[16384];
};

static_assert(sizeof(struct notebook_ser) == 56 + 16384);

#endif /* _NOTEBOOK_SDK_LUO_H */
