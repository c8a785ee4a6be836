// SPDX-License-Identifier: MIT
/*
 * The trace: one JSON object a line, in the order things happened. Nothing in
 * it depends on time, addresses or process ids, so that two runs of the same
 * guest can be compared byte for byte.
 */
#include <errno.h>
#include <stdarg.h>

#include "trace.h"

/* Begin to trace into a file, "-" for standard output. Returns 0 or a negative errno. */
int trace_open(struct trace *t, const char *path)
{
	t->out = strcmp(path, "-") ? fopen(path, "we") : stdout;
	return t->out ? 0 : -errno;
}

void trace_close(struct trace *t)
{
	if (t->out && t->out != stdout)
		fclose(t->out);
	t->out = NULL;
}

/* Begin a line; @event is the value of its "ev" member. */
void trace_begin(struct trace *t, const char *event)
{
	if (!t->out)
		return;
	fprintf(t->out, "{\"n\":%llu,\"ev\":\"%s\"", ++t->lines, event);
}

void trace_u64(struct trace *t, const char *key, u64 value)
{
	if (t->out)
		fprintf(t->out, ",\"%s\":%llu", key, value);
}

/* Add a string of any bytes; what JSON does not take is escaped. */
void trace_str(struct trace *t, const char *key, const char *value)
{
	if (!t->out)
		return;
	fprintf(t->out, ",\"%s\":\"", key);
	for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(t->out, "\\%c", *p);
		else if (*p < 0x20 || *p > 0x7e)
			fprintf(t->out, "\\u%04x", *p);
		else
			fputc(*p, t->out);
	}
	fputc('"', t->out);
}

/* Add bytes as a string of hexadecimal digits. */
void trace_bytes(struct trace *t, const char *key, const void *p, size_t len)
{
	const u8 *b = p;

	if (!t->out)
		return;
	fprintf(t->out, ",\"%s\":\"", key);
	for (size_t i = 0; i < len; i++)
		fprintf(t->out, "%02x", b[i]);
	fputc('"', t->out);
}

/* End a line and flush it: the process may be killed at any moment. */
void trace_end(struct trace *t)
{
	if (!t->out)
		return;
	fputs("}\n", t->out);
	fflush(t->out);
}

/* Write a line: @fmt formats its members but "ev", with ' for ", and strings of ours only. */
void trace_event(struct trace *t, const char *event, const char *fmt, ...)
{
	char members[256];
	va_list ap;

	if (!t->out)
		return;
	va_start(ap, fmt);
	vsnprintf(members, sizeof(members), fmt, ap);
	va_end(ap);
	for (char *p = members; *p; p++)
		if (*p == '\'')
			*p = '"';
	trace_begin(t, event);
	fprintf(t->out, "%s%s", *members ? "," : "", members);
	trace_end(t);
}
