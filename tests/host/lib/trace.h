/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_TRACE_H
#define VGPU_HOST_TRACE_H

#include <stdio.h>

#include "base.h"

/**
 * struct trace - a file of JSON lines
 * @out: the file, or NULL when nobody traces
 * @lines: lines begun so far
 * @requests: requests are written in full
 */
struct trace {
	FILE *out;
	u64 lines;
	bool requests;
};

int trace_open(struct trace *t, const char *path);
void trace_close(struct trace *t);
void trace_begin(struct trace *t, const char *event);
void trace_u64(struct trace *t, const char *key, u64 value);
void trace_str(struct trace *t, const char *key, const char *value);
void trace_bytes(struct trace *t, const char *key, const void *p, size_t len);
void trace_end(struct trace *t);
void trace_event(struct trace *t, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
