/* SPDX-License-Identifier: GPL-2.0 */
/* note.h - where the kernel's notes are, as its linker script says. */
#ifndef LUOSDK_KUNIT_NOTE_H
#define LUOSDK_KUNIT_NOTE_H

#ifdef MODULE
/* A module's notes are in its file, and nothing leads from here to where they were loaded. */
#define __start_notes	((const char *)NULL)
#define __stop_notes	((const char *)NULL)
#else
extern const char __start_notes[], __stop_notes[];
#endif

#endif /* LUOSDK_KUNIT_NOTE_H */
