/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luosdk/note.h - what a kernel's file says of the handlers in it.
 *
 * Whether a preserved file comes back is decided in a kernel that is not running yet. So each
 * handler leaves an ELF note, in the kernel's image or in its module: which state it
 * writes and reads. scripts/preflight compares the notes of a kernel that is about to be
 * started with what is preserved now. LUOSDK_HANDLER() and LUOSDK_FLB() make them; an author
 * adds LUOSDK_LAYOUT().
 */
#ifndef _LUOSDK_NOTE_H
#define _LUOSDK_NOTE_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/stddef.h>
#include <linux/stringify.h>
#include <linux/types.h>

/**
 * DOC: note
 *
 * A handler that is not made by LUOSDK_HANDLER() says what its state is where it
 * registers::
 *
 *	struct widget_ser {
 *		u64 value;
 *		u32 flags;
 *		u8 name[4];
 *	};
 *
 *	int widget_register(void)
 *	{
 *		LUOSDK_NOTE(LUOSDK_NOTE_FILE, "widget-v1", 0, 1, 1, sizeof(struct widget_ser),
 *			    sizeof(struct widget_ser),
 *			    LUOSDK_LAYOUT(struct widget_ser, value, flags, name));
 *		return liveupdate_register_file_handler(&widget_handler);
 *	}
 *
 * A note costs no instruction and is data that nobody writes. It follows the code: a
 * compiler that finds out that a handler is never registered drops its note as well.
 */

/* Types of notes; the owner is "luosdk". ABI. */
#define LUOSDK_NOTE_FILE	1	/* a handler of files */
#define LUOSDK_NOTE_SHARED	2	/* state that files share (an FLB) */

/* What the first word of a note is: the form of the rest. ABI. */
#define LUOSDK_NOTE_FORM	1

/**
 * LUOSDK_NOTE() - Leave a note about a handler in the file that it is linked into.
 * @_type:    LUOSDK_NOTE_FILE or LUOSDK_NOTE_SHARED.
 * @_compat:  The compatible string, a literal.
 * @_magic:   What every state begins with, LUOSDK_STATE_MAGIC; 0 for a form of one's own.
 * @_version: The version that is written, and the newest that is read.
 * @_min:     The oldest version that is read.
 * @_bytes:   Size of the payload of @_version.
 * @_sealed:  How many bytes of it the checksum covers.
 * @_layout:  Its LUOSDK_LAYOUT(), or 0.
 *
 * A statement, in the function that registers. All numbers are constants, to the
 * optimiser at least. The note's content is these as words of 32 bits, after
 * LUOSDK_NOTE_FORM, in the order from @_magic to @_layout, and then the string.
 */
#define LUOSDK_NOTE(_type, _compat, _magic, _version, _min, _bytes, _sealed, _layout) \
	do {								\
		asm_inline(						\
			".pushsection .note.luosdk, \"a\", %%note\n"	\
			"	.balign 4\n"				\
			"	.long 2f - 1f, 4f - 3f, %c0\n"		\
			"1:	.asciz \"luosdk\"\n"			\
			"2:	.balign 4\n"				\
			"3:	.long %c1, %c2, %c3, %c4, %c5, %c6, %c7\n" \
			"	.ascii " __stringify(_compat) "\n"	\
			"	.byte 0\n"				\
			"	.balign 4\n"				\
			"4:\n"						\
			".popsection"					\
			: : "i" (_type), "i" (LUOSDK_NOTE_FORM),	\
			    "i" ((u32)(_magic)), "i" ((u32)(_version)),	\
			    "i" ((u32)(_min)), "i" ((u32)(_bytes)),	\
			    "i" ((u32)(_sealed)), "i" ((u32)(_layout)));	\
	} while (0)

/* One after the other, at most 32 of them, added up. */
#define __LUOSDK_EACH_1(m, type, f)	m(type, f)
#define __LUOSDK_EACH_2(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_1(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_3(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_2(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_4(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_3(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_5(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_4(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_6(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_5(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_7(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_6(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_8(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_7(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_9(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_8(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_10(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_9(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_11(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_10(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_12(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_11(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_13(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_12(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_14(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_13(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_15(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_14(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_16(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_15(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_17(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_16(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_18(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_17(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_19(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_18(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_20(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_19(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_21(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_20(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_22(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_21(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_23(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_22(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_24(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_23(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_25(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_24(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_26(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_25(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_27(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_26(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_28(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_27(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_29(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_28(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_30(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_29(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_31(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_30(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_32(m, type, f, ...)	\
	(m(type, f) + __LUOSDK_EACH_31(m, type, __VA_ARGS__))
#define __LUOSDK_EACH_NR(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
			 _16, _17, _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, \
			 _29, _30, _31, _32, nr, ...)	__LUOSDK_EACH_##nr
#define __LUOSDK_EACH(m, type, ...)					\
	__LUOSDK_EACH_NR(__VA_ARGS__, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, \
			 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, \
			 1)(m, type, __VA_ARGS__)

/* A name of up to 32 letters as a number, without a loop: a constant for initialisers. */
#define __LUOSDK_LETTER(s, i)	((u32)((i) < sizeof(s) ? (s)[(i) < sizeof(s) ? (i) : 0] : 0))
#define __LUOSDK_NAME_1(h, s, i)	((h) * 0x01000193u + __LUOSDK_LETTER(s, i))
#define __LUOSDK_NAME_2(h, s, i)	__LUOSDK_NAME_1(__LUOSDK_NAME_1(h, s, i), s, (i) + 1)
#define __LUOSDK_NAME_4(h, s, i)	__LUOSDK_NAME_2(__LUOSDK_NAME_2(h, s, i), s, (i) + 2)
#define __LUOSDK_NAME_8(h, s, i)	__LUOSDK_NAME_4(__LUOSDK_NAME_4(h, s, i), s, (i) + 4)
#define __LUOSDK_NAME_16(h, s, i)	__LUOSDK_NAME_8(__LUOSDK_NAME_8(h, s, i), s, (i) + 8)
#define __LUOSDK_NAME(s)						\
	__LUOSDK_NAME_16(__LUOSDK_NAME_16(0x811c9dc5u, s, 0), s, 16)

/* What kind of number; those of another kind are known by their size alone. */
#define __LUOSDK_KIND(v)						\
	_Generic((v),							\
		 u8: 1, s8: 2, u16: 3, s16: 4, u32: 5, s32: 6, u64: 7, s64: 8, \
		 bool: 9, char: 10,					\
		 typeof(u8 *): 11, typeof(s8 *): 12, typeof(u16 *): 13,	\
		 typeof(s16 *): 14, typeof(u32 *): 15, typeof(s32 *): 16, \
		 typeof(u64 *): 17, typeof(s64 *): 18, typeof(bool *): 19, \
		 typeof(char *): 20,					\
		 default: 0)

#define __LUOSDK_FIELD_SIZE(type, f)	sizeof(((type *)NULL)->f)
/* Adds up to the square of the size when all bytes are covered once. */
#define __LUOSDK_FIELD_AREA(type, f)					\
	((2 * offsetof(type, f) + __LUOSDK_FIELD_SIZE(type, f)) *	\
	 __LUOSDK_FIELD_SIZE(type, f))
#define __LUOSDK_FIELD_PLACE(type, f)					\
	((u32)(offsetof(type, f) * 0x9e3779b1u +			\
	       __LUOSDK_FIELD_SIZE(type, f) * 0x85ebca77u +		\
	       __LUOSDK_KIND(((type *)NULL)->f) * 0xc2b2ae3du))
/* A product, or two fields that change places would add up to the same. */
#define __LUOSDK_FIELD(type, f)						\
	((__LUOSDK_FIELD_PLACE(type, f) ^ (__LUOSDK_FIELD_PLACE(type, f) >> 15)) * \
	 __LUOSDK_NAME(#f))

#define __LUOSDK_LAYOUT_COVERS(_type, ...)				\
	(0 * sizeof(struct {						\
		int covered;						\
		static_assert(__LUOSDK_EACH(__LUOSDK_FIELD_SIZE, _type, __VA_ARGS__) == \
			      sizeof(_type) &&				\
			      __LUOSDK_EACH(__LUOSDK_FIELD_AREA, _type, __VA_ARGS__) == \
			      sizeof(_type) * sizeof(_type),		\
			      "luosdk: LUOSDK_LAYOUT() lists every field once; no holes"); \
	}))

/**
 * LUOSDK_LAYOUT() - The layout of a saved state, as a number.
 * @_type: The struct.
 * @...:   All of its fields, at most 32, by name. What is a struct itself counts by its
 *         size; with a dot in the name, as in attrs.uid, its fields can stand here instead.
 *
 * Two builds have the same number if all fields have the same names, offsets, sizes and kinds
 * of numbers. A field that is forgotten, or a hole between two, does not compile.
 * The order of the list means nothing.
 *
 * Return: A constant that is not zero.
 */
#ifdef __CHECKER__
#define LUOSDK_LAYOUT(_type, ...)	1u
#else
#define LUOSDK_LAYOUT(_type, ...)					\
	((u32)(__LUOSDK_EACH(__LUOSDK_FIELD, _type, __VA_ARGS__) +	\
	       __LUOSDK_LAYOUT_COVERS(_type, __VA_ARGS__)) | 1u)
#endif

#endif /* _LUOSDK_NOTE_H */
