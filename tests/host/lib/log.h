/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_LOG_H
#define VGPU_HOST_LOG_H

extern int log_verbose;

void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_die(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));
void *xcalloc(unsigned long n, unsigned long size);

#endif
