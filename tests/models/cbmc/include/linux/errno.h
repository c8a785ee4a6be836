/* SPDX-License-Identifier: MIT */
/* The C library includes this one as well. */
#include_next <linux/errno.h>
