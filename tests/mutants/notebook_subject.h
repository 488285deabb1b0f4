/* SPDX-License-Identifier: GPL-2.0 */
/*
 * notebook_subject.h - what the conformance kit is told about notebooks, whichever handler
 * they have, and the way from there into a world.
 */
#ifndef _NOTEBOOK_SUBJECT_H
#define _NOTEBOOK_SUBJECT_H

#include <linux/types.h>

struct file;
struct luokit_subject;
struct luokit_world;

/* What can be seen of a notebook, all but its text. */
struct notebook_look {
	char title[32];
	u32 flags;
	u64 mark;
	u64 length;
};

/*
 * The driver of a world, whose struct notebook nobody else knows. A file that create, twin
 * or reader returns is the caller's; the others are asked about files of the driver.
 */
struct notebook_way {
	u32 max_pages;
	struct file *(*create)(unsigned int flags);
	struct file *(*twin)(struct file *file);
	struct file *(*reader)(struct file *file);
	void (*look)(struct file *file, struct notebook_look *look);
	ssize_t (*read)(struct file *file, u64 pos, void *text, size_t count);
	ssize_t (*write)(struct file *file, u64 pos, const void *text, size_t count);
	int (*set_title)(struct file *file, const char *title);
	int (*set_mark)(struct file *file, u64 mark);
	int (*set_flags)(struct file *file, u32 flags);
	int (*erase)(struct file *file);
	long (*refs)(struct file *file);
};

extern const struct luokit_world notebook_hand_world;
extern const struct luokit_world notebook_sdk_world;

/* The same but for the world. */
extern const struct luokit_subject notebook_hand_subject;
extern const struct luokit_subject notebook_sdk_subject;

#endif /* _NOTEBOOK_SUBJECT_H */
