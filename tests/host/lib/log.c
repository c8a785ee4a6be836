// SPDX-License-Identifier: MIT
/*
 * Messages of the device process itself. What the guest does wrong goes
 * through bug.c, what happened goes through trace.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"

int log_verbose;

static void log_line(const char *tag, const char *fmt, va_list ap)
{
	fprintf(stderr, "vgpu-host: %s", tag);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

/**
 * log_info - Print a message that only --verbose shows
 * @fmt: printf format
 */
void log_info(const char *fmt, ...)
{
	va_list ap;

	if (!log_verbose)
		return;
	va_start(ap, fmt);
	log_line("", fmt, ap);
	va_end(ap);
}

/**
 * log_warn - Print a message about our surroundings that is always shown
 * @fmt: printf format
 */
void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("warning: ", fmt, ap);
	va_end(ap);
}

/**
 * log_die - Print a message and end the process with status 2
 * @fmt: printf format
 */
void log_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("fatal: ", fmt, ap);
	va_end(ap);
	exit(2);
}

/**
 * xcalloc - Allocate zeroed memory for our own bookkeeping or die
 * @n: number of elements
 * @size: bytes of each
 *
 * Only for sizes the guest does not choose.
 *
 * Return: the memory, never NULL.
 */
void *xcalloc(unsigned long n, unsigned long size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		log_die("out of memory");
	return p;
}
