/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "base.h"

/* A file of JSON lines. */
struct trace {
	FILE *out;	/* the file, or NULL when nobody traces */
	u64 lines;	/* lines begun so far */
	bool requests;	/* requests are written in full */
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
