// SPDX-License-Identifier: GPL-2.0
/* The subject of docs/conformance.rst, as the reader copies it: it has to compile. */
#include "conformance_subject_example.inc"
