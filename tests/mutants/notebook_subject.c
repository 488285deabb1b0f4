// SPDX-License-Identifier: GPL-2.0
/*
 * notebook_subject.c - what the conformance kit is told about notebooks, and the two
 * references' conformance suites.
 */

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <luokit_subject.h>

#include "notebook_subject.h"

/* As in notebook.h, which belongs to a world. */
#define RULED		BIT(0)
#define PRIVATE		BIT(1)
#define LENT		BIT(2)

/* Where the ordinary notebook ends, and what is written there needs one page more. */
#define ORDINARY_BYTES	(3 * PAGE_SIZE)

/* So many bytes less than a notebook can hold. */
#define FULL_BUT(bytes)	(U64_MAX - (bytes))

/* How a notebook is made, by &luokit_state.arg. @had: so long it was before. */
static const struct notebook_kind {
	const char *title;
	u64 length, had;
	u64 mark;
	u32 flags;
	u32 file_flags;
} notebook_kinds[] = {
	{ "a notebook", ORDINARY_BYTES, .mark = 7, .flags = RULED, .file_flags = O_RDWR },
	{ "", 0, .file_flags = O_RDWR },
	{ "one byte", 1, .file_flags = O_RDWR },
	{ "short of a page", PAGE_SIZE - 1, .file_flags = O_RDWR },
	{ "a page", PAGE_SIZE, .file_flags = O_RDWR },
	{ "over a page", PAGE_SIZE + 1, .file_flags = O_RDWR },
	{ "nearly full", FULL_BUT(1), .file_flags = O_RDWR },
	{ "full", FULL_BUT(0), .file_flags = O_RDWR },
	{ "spare pages", 5, .had = 2 * PAGE_SIZE, .file_flags = O_RDWR },
	{ "thirty-one bytes and not a more", 0, .mark = U32_MAX, .file_flags = O_RDWR },
	{ "highest mark", 10, .mark = U64_MAX, .file_flags = O_RDWR },
	{ "beyond 32 bits", 10, .mark = BIT_ULL(32), .file_flags = O_RDWR },
	{ "private", 10, .flags = RULED | PRIVATE, .file_flags = O_RDWR },
	{ "read-only", 10, .file_flags = O_RDONLY },
	{ "write-only", 10, .file_flags = O_WRONLY },
	{ "does not block", 10, .file_flags = O_RDWR | O_NONBLOCK },
	{ "lent", ORDINARY_BYTES, .flags = LENT, .file_flags = O_RDWR },
};

#define NOTEBOOK_STATES {							\
	{ "ordinary", 0 }, { "empty", 1, .empty = true }, { "one byte", 2 },	\
	{ "a byte less than a page", 3 }, { "a page", 4 },			\
	{ "a byte more than a page", 5 }, { "a byte less than full", 6, .large = true },	\
	{ "full", 7, .large = true }, { "pages to spare", 8 }, { "longest title", 9 },		\
	{ "highest mark", 10 }, { "mark of 33 bits", 11 }, { "all flags", 12 },	\
	{ "read-only", 13 }, { "write-only", 14 }, { "non-blocking", 15 },	\
	{ "lent", 16, .refused = true },					\
}

static const struct notebook_way *notebook_way(struct luokit *k)
{
	return luokit_private(k);
}

/* The text of a notebook: no two pages are alike. */
static void notebook_text(u8 *text, size_t count, u64 pos, u64 n)
{
	size_t i;

	for (i = 0; i < count; i++)
		text[i] = (pos + i) % 251 + (pos + i) / PAGE_SIZE + n;
}

static int notebook_fill_to(const struct notebook_way *way, struct file *file, u64 length)
{
	u8 *text = kmalloc(PAGE_SIZE, GFP_KERNEL | __GFP_NOFAIL);
	ssize_t done = 0;
	u64 pos;

	for (pos = 0; pos < length; pos += done) {
		size_t count = min(length - pos, PAGE_SIZE);

		notebook_text(text, count, pos, 0);
		done = way->write(file, pos, text, count);
		if (done < 0)
			break;
	}
	kfree(text);

	return min(done, 0);
}

static struct file *notebook_subject_make(struct luokit *k, u64 arg)
{
	const struct notebook_kind *kind = &notebook_kinds[arg];
	const struct notebook_way *way = notebook_way(k);
	u64 length = kind->length;
	struct file *file;
	int err;

	/* From 0 for a full one upwards. */
	if (length > FULL_BUT(PAGE_SIZE))
		length = way->max_pages * PAGE_SIZE - (U64_MAX - length);

	file = way->create(kind->file_flags);
	if (IS_ERR(file))
		return file;
	err = notebook_fill_to(way, file, max(length, kind->had));
	if (!err && kind->had)
		err = notebook_fill_to(way, file, length);
	if (!err)
		err = way->set_title(file, kind->title);
	if (!err)
		err = way->set_mark(file, kind->mark);
	if (!err)
		err = way->set_flags(file, kind->flags);
	if (err) {
		__fput_sync(file);
		return ERR_PTR(err);
	}

	return file;
}

static bool notebook_same_text(const struct notebook_way *way, struct file *want,
			       struct file *got, u64 length)
{
	u8 *text = kmalloc(2 * PAGE_SIZE, GFP_KERNEL | __GFP_NOFAIL);
	ssize_t done = 1;
	u64 pos;

	for (pos = 0; pos < length && done > 0; pos += done) {
		done = way->read(want, pos, text, PAGE_SIZE);
		if (done <= 0 || way->read(got, pos, text + PAGE_SIZE, PAGE_SIZE) != done ||
		    memcmp(text, text + PAGE_SIZE, done))
			done = 0;
	}
	kfree(text);

	return done > 0;
}

static const char *notebook_subject_differ(struct luokit *k, struct file *want,
					   struct file *got)
{
	const struct notebook_way *way = notebook_way(k);
	const unsigned int file_flags = O_ACCMODE | O_NONBLOCK;
	struct notebook_look a, b;

	way->look(want, &a);
	way->look(got, &b);
	if (strncmp(a.title, b.title, sizeof(a.title)))
		return "title";
	if (a.flags != b.flags)
		return "flags";
	if (a.mark != b.mark)
		return "mark";
	if (a.length != b.length)
		return "length";
	if (!notebook_same_text(way, want, got, a.length))
		return "text";
	if ((want->f_flags & file_flags) != (got->f_flags & file_flags))
		return "flags of the file";

	return NULL;
}

/* ---- What a user does ------------------------------------------------------------------ */

/* Up to 64 bytes from @pos on, which are all there is then. */
static int notebook_change_text(struct luokit *k, struct file *file, u64 pos, u64 n)
{
	size_t count = 1 + n % 64;
	ssize_t done;
	u8 text[64];

	notebook_text(text, count, pos, n);
	done = notebook_way(k)->write(file, pos, text, count);

	return min(done, 0);
}

static int notebook_change_rewrite(struct luokit *k, struct file *file, u64 n)
{
	return notebook_change_text(k, file, 0, n);
}

static int notebook_change_grow(struct luokit *k, struct file *file, u64 n)
{
	return notebook_change_text(k, file, ORDINARY_BYTES, n);
}

static int notebook_change_title(struct luokit *k, struct file *file, u64 n)
{
	char title[32];

	snprintf(title, sizeof(title), "title %llu", n);

	return notebook_way(k)->set_title(file, title);
}

static int notebook_change_mark(struct luokit *k, struct file *file, u64 n)
{
	return notebook_way(k)->set_mark(file, n);
}

static int notebook_change_flags(struct luokit *k, struct file *file, u64 n)
{
	return notebook_way(k)->set_flags(file, n & (RULED | PRIVATE));
}

static int notebook_change_erase(struct luokit *k, struct file *file, u64 n)
{
	return notebook_way(k)->erase(file);
}

#define NOTEBOOK_CHANGES {							\
	{ "rewrite", notebook_change_rewrite }, { "grow", notebook_change_grow }, \
	{ "set title", notebook_change_title }, { "set mark", notebook_change_mark }, \
	{ "set flags", notebook_change_flags }, { "erase", notebook_change_erase }, \
}

/* ---- The rest ----------------------------------------------------------------------------- */

static struct file *notebook_subject_twin(struct luokit *k, struct file *file)
{
	return notebook_way(k)->twin(file);
}

static long notebook_subject_refs(struct luokit *k, struct file *file)
{
	return notebook_way(k)->refs(file);
}

static int notebook_subject_spoil(struct luokit *k, struct file *file)
{
	return notebook_way(k)->set_flags(file, LENT);
}

/* One that shares the object with a notebook's file, and one of the same driver. */
static unsigned int notebook_subject_foreign(struct luokit *k, struct luokit_foreign *files,
					     unsigned int max)
{
	struct file *file = luokit_own(k, notebook_subject_make(k, 0));
	unsigned int nr = 0;

	if (!IS_ERR(file) && nr < max)
		files[nr++] = (struct luokit_foreign){
			"reader of a notebook",
			luokit_own(k, notebook_way(k)->reader(file)),
		};
	if (nr < max)
		files[nr++] = (struct luokit_foreign){
			"/dev/notebook", luokit_open_misc(k, "notebook", O_RDWR),
		};

	return nr;
}

#define NOTEBOOK_SUBJECT(_world) {						\
	.world = &(_world),							\
	.states = NOTEBOOK_STATES,						\
	.changes = NOTEBOOK_CHANGES,						\
	.make = notebook_subject_make,						\
	.differ = notebook_subject_differ,					\
	.twin = notebook_subject_twin,						\
	.refs = notebook_subject_refs,						\
	.spoil = notebook_subject_spoil,					\
	.foreign = notebook_subject_foreign,					\
}

const struct luokit_subject notebook_hand_subject = NOTEBOOK_SUBJECT(notebook_hand_world);
const struct luokit_subject notebook_sdk_subject = NOTEBOOK_SUBJECT(notebook_sdk_world);

LUOKIT_CONFORMANCE(mutants_hand, notebook_hand_subject);
LUOKIT_CONFORMANCE(mutants_sdk, notebook_sdk_subject);

MODULE_DESCRIPTION("The conformance kit on the references of its mutants");
MODULE_LICENSE("GPL");
