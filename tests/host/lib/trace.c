// SPDX-License-Identifier: MIT
/*
 * The trace: one JSON object a line, in the order things happened. Nothing in
 * it depends on time, addresses or process ids, so that two runs of the same
 * guest can be compared byte for byte.
 */
#include <errno.h>
#include <stdarg.h>

#include "trace.h"

/**
 * trace_open - Begin to trace
 * @t: the trace
 * @path: file to write, "-" for standard output
 *
 * Return: 0 or a negative errno.
 */
int trace_open(struct trace *t, const char *path)
{
	t->out = strcmp(path, "-") ? fopen(path, "we") : stdout;
	return t->out ? 0 : -errno;
}

/**
 * trace_close - Write out what is buffered and end
 * @t: the trace
 */
void trace_close(struct trace *t)
{
	if (t->out && t->out != stdout)
		fclose(t->out);
	t->out = NULL;
}

/**
 * trace_begin - Begin a line
 * @t: the trace
 * @event: value of its "ev" member
 */
void trace_begin(struct trace *t, const char *event)
{
	if (!t->out)
		return;
	fprintf(t->out, "{\"n\":%llu,\"ev\":\"%s\"",
		(unsigned long long)++t->lines, event);
}

/**
 * trace_u64 - Add an unsigned number
 * @t: the trace
 * @key: name
 * @value: value
 */
void trace_u64(struct trace *t, const char *key, u64 value)
{
	if (t->out)
		fprintf(t->out, ",\"%s\":%llu", key, (unsigned long long)value);
}

/**
 * trace_str - Add a string
 * @t: the trace
 * @key: name
 * @value: any bytes; what JSON does not take is escaped
 */
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

/**
 * trace_bytes - Add bytes as a string of hexadecimal digits
 * @t: the trace
 * @key: name
 * @p: bytes
 * @len: how many
 */
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

/**
 * trace_end - End a line and write it out
 * @t: the trace
 *
 * Each line is flushed: the process may be killed at any moment.
 */
void trace_end(struct trace *t)
{
	if (!t->out)
		return;
	fputs("}\n", t->out);
	fflush(t->out);
}

/**
 * trace_event - Write a line
 * @t: the trace
 * @event: value of its "ev" member
 * @fmt: printf format of its other members, with ' in place of "; strings in it are our own
 */
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
