// SPDX-License-Identifier: GPL-2.0
/* The world of docs/conformance.rst, as the reader copies it: it has to compile. */
#include "conformance_world_example.inc"
