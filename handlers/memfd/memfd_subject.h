/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memfd_subject.h - memfds as a subject of the conformance kit.
 *
 * How they are made, changed and compared does not depend on the handler: the one of this
 * folder is judged with this, and the kernel's own in tests/intree.
 */
#ifndef _MEMFD_SUBJECT_H
#define _MEMFD_SUBJECT_H

#include <linux/bits.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <luokit_subject.h>

/* What a state is made of, in &luokit_state.arg: the size, and any of these. */
#define MEMFD_HOLES		BIT_ULL(48)	/* one page in four is written to */
#define MEMFD_FAR		BIT_ULL(49)	/* the position is beyond the end */
#define MEMFD_NOEXEC		BIT_ULL(50)	/* MFD_NOEXEC_SEAL */
#define MEMFD_PLAIN		BIT_ULL(51)	/* sealing is not allowed */
#define MEMFD_READ_ONLY		BIT_ULL(52)	/* a second struct file, open for reading */
#define MEMFD_EMPTY_PAGES	BIT_ULL(53)	/* fallocate() and no write */
#define MEMFD_SCATTERED		BIT_ULL(54)	/* no two neighbours are neighbours in memory */
#define MEMFD_CONGRUENT		BIT_ULL(55)	/* single pages that lie like large folios */
#define MEMFD_SEALS(_seals)	((u64)(_seals) << 56)
#define MEMFD_SIZE(_arg)	((_arg) & GENMASK_ULL(47, 0))

/* Sizes that exist to be refused: more pages than can be counted, or than there are. */
#define MEMFD_TOO_LARGE		((u64)UINT_MAX * PAGE_SIZE + 1)

/* The states that every handler of memfds has to cope with. */
#define MEMFD_SUBJECT_STATES								\
	{ "almost five pages", 5 * PAGE_SIZE - 7 },					\
	{ "empty", 0, .empty = true },							\
	{ "one byte", 1 },								\
	{ "a page", PAGE_SIZE },							\
	{ "a page and a byte", PAGE_SIZE + 1 },						\
	{ "holes", (9 * PAGE_SIZE + 100) | MEMFD_HOLES },				\
	{ "allocated, never written", (3 * PAGE_SIZE) | MEMFD_EMPTY_PAGES },		\
	{ "position beyond the end", 100 | MEMFD_FAR },					\
	{ "no sealing", 100 | MEMFD_PLAIN },						\
	{ "sealed: no shrinking", 5000 | MEMFD_SEALS(F_SEAL_SHRINK) },			\
	{ "sealed: no growing", 5000 | MEMFD_SEALS(F_SEAL_GROW) },			\
	{ "sealed: no writing", 5000 | MEMFD_SEALS(F_SEAL_WRITE) },			\
	{ "sealed: no writing from now on", 5000 | MEMFD_SEALS(F_SEAL_FUTURE_WRITE) },	\
	{ "sealed: no chmod, executable", 5000 | MEMFD_SEALS(F_SEAL_EXEC) },		\
	{ "sealed: for good",								\
	  5000 | MEMFD_SEALS(F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_WRITE) },		\
	{ "too large", MEMFD_TOO_LARGE, .refused = true },				\
	{ "MFD_NOEXEC_SEAL", 5000 | MEMFD_NOEXEC },					\
	{ "open for reading only", 5000 | MEMFD_READ_ONLY, .refused = true },

struct file *memfd_subject_make(struct luokit *k, u64 arg);
const char *memfd_subject_differ(struct luokit *k, struct file *want, struct file *got);
int memfd_subject_write(struct luokit *k, struct file *file, u64 n);
int memfd_subject_seek(struct luokit *k, struct file *file, u64 n);
int memfd_subject_seal(struct luokit *k, struct file *file, u64 n);
int memfd_subject_truncate(struct luokit *k, struct file *file, u64 n);
int memfd_subject_append(struct luokit *k, struct file *file, u64 n);
int memfd_subject_punch(struct luokit *k, struct file *file, u64 n);
int memfd_subject_chmod(struct luokit *k, struct file *file, u64 n);
struct file *memfd_subject_twin(struct luokit *k, struct file *file);
long memfd_subject_refs(struct luokit *k, struct file *file);
int memfd_subject_spoil(struct luokit *k, struct file *file);

#endif /* _MEMFD_SUBJECT_H */
