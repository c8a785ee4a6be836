// SPDX-License-Identifier: MIT
/* Messages of the process itself; bug.c tells of the guest, and trace.c of what happened. */
#include <stdarg.h>
#include <stdio.h>

#include "log.h"

int log_verbose;

/* Print a line that begins with our name and a tag. */
void log_print(const char *tag, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "vgpu-host: %s", tag);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* Allocate zeroed memory for our own bookkeeping, of a size the guest does not choose, or die. */
void *xcalloc(unsigned long n, unsigned long size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		log_die("out of memory");
	return p;
}
