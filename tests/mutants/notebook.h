/* SPDX-License-Identifier: GPL-2.0 */
/*
 * notebook.h - /dev/notebook, a small driver whose files a live update can carry over.
 *
 * The subject that the conformance kit is proven on. The driver is notebook.c; its live
 * update handler exists twice, once against the plain interface of LUO and KHO
 * (notebook_hand_luo.c) and once with the header layer (notebook_sdk_luo.c). Both are right
 * in every way, and meant to be read. The patches in this folder make them wrong, each in
 * one way.
 */
#ifndef _NOTEBOOK_H
#define _NOTEBOOK_H

#include <linux/bits.h>
#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/types.h>

/* What the handler keeps in each notebook, and how many pages it can carry over. */
#ifdef NOTEBOOK_SDK
#include "notebook_sdk_luo.h"
#else
#include "notebook_hand_luo.h"
#endif

/* A title, with the zero byte at its end. */
#define NOTEBOOK_TITLE_BYTES	32

/* Flags of a notebook; a notebook that is lent cannot be carried over. */
#define NOTEBOOK_RULED		BIT(0)
#define NOTEBOOK_PRIVATE	BIT(1)
#define NOTEBOOK_LENT		BIT(2)
#define NOTEBOOK_FLAGS		(NOTEBOOK_RULED | NOTEBOOK_PRIVATE | NOTEBOOK_LENT)

/* On /dev/notebook: a new, empty notebook. Returns a descriptor, as do REOPEN and READER. */
#define NOTEBOOK_CREATE		_IO('n', 0x60)
/* On a notebook. REOPEN: one more file for it. READER: one that shows its content only. */
#define NOTEBOOK_SET_TITLE	_IOW('n', 0x61, char[NOTEBOOK_TITLE_BYTES])
#define NOTEBOOK_SET_MARK	_IOW('n', 0x62, __u64)
#define NOTEBOOK_SET_FLAGS	_IOW('n', 0x63, __u32)
#define NOTEBOOK_ERASE		_IO('n', 0x64)
#define NOTEBOOK_REOPEN		_IO('n', 0x65)
#define NOTEBOOK_READER		_IO('n', 0x66)

/**
 * struct notebook - The object behind a file.
 * @ref:      One for each file.
 * @shelf:    In the list of all notebooks that are attached to the device.
 * @lock:     Protects what follows.
 * @luo:      The handler's part.
 * @attached: The device knows the notebook.
 * @asleep:   The device was told to leave it alone, and takes no writes.
 * @title:    What the user calls it; zeroes behind its end.
 * @flags:    Of NOTEBOOK_FLAGS.
 * @mark:     A number the user keeps here.
 * @length:   How many bytes are written.
 * @nr_pages: How many pages there are, used or not.
 * @page:     The pages.
 */
struct notebook {
	struct kref ref;
	struct list_head shelf;
	struct mutex lock; /* for all that follows */
	struct notebook_luo luo;
	bool attached;
	bool asleep;
	char title[NOTEBOOK_TITLE_BYTES];
	u32 flags;
	u64 mark;
	u64 length;
	u32 nr_pages;
	struct page *page[NOTEBOOK_MAX_PAGES];
};

/* ---- The driver ------------------------------------------------------------------ */

extern const struct file_operations notebook_fops;

/* A notebook with one reference and no file; empty and unknown to the device. Or NULL. */
struct notebook *notebook_new(void);
void notebook_get(struct notebook *n);
void notebook_put(struct notebook *n);

/*
 * A file for a notebook, which becomes known to the device if it is not. The caller's
 * reference becomes the file's, unless this fails: an ERR_PTR().
 */
struct file *notebook_file(struct notebook *n, unsigned int flags);
struct file *notebook_reader(struct notebook *n);

/* The notebook of a file, which keeps it; NULL if the file is of any other type. */
struct notebook *notebook_of(struct file *file);

ssize_t notebook_read(struct notebook *n, u64 pos, void *text, size_t count);
ssize_t notebook_write(struct notebook *n, u64 pos, const void *text, size_t count);
int notebook_set_title(struct notebook *n, const char *title);
int notebook_set_mark(struct notebook *n, u64 mark);
int notebook_set_flags(struct notebook *n, u32 flags);
int notebook_erase(struct notebook *n);

/* Have the device finish what it does with a notebook, and leave it alone; and back. */
int notebook_suspend(struct notebook *n);
void notebook_resume(struct notebook *n);

/* The hardware: 0, or an error. Tests supply it, to make it fail. */
int notebook_device_call(const char *what);

/* ---- What the driver asks of its live update handler --------------------------------- */

void notebook_luo_init(struct notebook *n);

/*
 * Around everything that changes a notebook; in between its lock is held. Waits while the
 * notebook is frozen, and fails if the task is killed meanwhile.
 */
int notebook_change_begin(struct notebook *n);
void notebook_change_end(struct notebook *n);

/* With the lock held: must the pages stay as they are, and the notebook here? */
bool notebook_luo_keeps_pages(struct notebook *n);
bool notebook_luo_keeps_notebook(struct notebook *n);

int notebook_luo_register(void);
void notebook_luo_unregister(void);

#endif /* _NOTEBOOK_H */
