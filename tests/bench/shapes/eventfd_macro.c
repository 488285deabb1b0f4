// SPDX-License-Identifier: GPL-2.0
/* The eventfd handler in the shape "macro": the handler as it is. */
#include "../../../handlers/eventfd/eventfd_luo.c"
