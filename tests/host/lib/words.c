// SPDX-License-Identifier: MIT
/* Text that people write: the words of a line, numbers, and lists of names. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "words.h"

/* Split a line at blanks; characters of @alone are words, too. False: it is too long. */
bool words_split(struct words *w, const char *line, const char *alone)
{
	bool within = false;
	size_t n = 0;

	w->n = 0;
	w->at = 0;
	for (; *line && *line != '\n'; line++) {
		bool single = strchr(alone, *line), blank = strchr(" \t\r", *line);

		if (within && (single || blank))
			w->text[n++] = 0;
		if (!blank && (single || !within)) {
			if (w->n == ARRAY_SIZE(w->word))
				return false;
			w->word[w->n++] = &w->text[n];
		}
		if (!blank)
			w->text[n++] = *line;
		if (single)
			w->text[n++] = 0;
		within = !blank && !single;
		if (n + 4 > sizeof(w->text))
			return false;
	}
	w->text[n] = 0;
	return true;
}

/* Get the next word, "" behind the last. */
const char *words_peek(const struct words *w)
{
	return w->at < w->n ? w->word[w->at] : "";
}

/* Take the next word, "" behind the last. */
const char *words_next(struct words *w)
{
	return w->at < w->n ? w->word[w->at++] : "";
}

/* Take the next word if it is @word. */
bool words_take(struct words *w, const char *word)
{
	if (strcmp(words_peek(w), word))
		return false;
	w->at++;
	return true;
}

/* Read a number as in C. False: @word is none, or it exceeds @max. */
bool words_number(const char *word, u64 max, u64 *v)
{
	char *end;

	errno = 0;
	*v = strtoull(word, &end, 0);
	return *word && *word != '-' && !*end && !errno && *v <= max;
}

/* Take the next word if it is a number. */
bool words_take_number(struct words *w, u64 max, u64 *v)
{
	if (!words_number(words_peek(w), max, v))
		return false;
	w->at++;
	return true;
}

/* Tell what is wrong. Returns false, as callers do then. */
bool words_wrong(const struct words_error *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->text, e->n, fmt, ap);
	va_end(ap);
	return false;
}

/* Find the row of a name in a table of @n rows of @size bytes, -1 when there is none. */
int name_row(const void *table, size_t n, size_t size, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		const char *row = *(const char *const *)((const u8 *)table + i * size);

		if (row && !strcmp(row, name))
			return i;
	}
	return -1;
}

/*
 * Change a set of bits, bit n being row n of a table, as a list of names says: "+name" or a bare
 * name adds, "-name" takes away, "none" takes all away. False: there is no such name.
 */
bool name_bits(u64 *set, const char *list, const void *table, size_t n, size_t size)
{
	struct words w;

	if (!words_split(&w, list, ","))
		return false;
	while (w.at < w.n) {
		const char *name = words_next(&w);
		bool off = *name == '-';
		int bit = name_row(table, n, size, name + (off || *name == '+'));

		if (bit < 0 && strcmp(name, "none"))
			return false;
		if (bit < 0)
			*set = 0;
		else
			*set = off ? *set & ~BIT64(bit) : *set | BIT64(bit);
		words_take(&w, ",");
	}
	return true;
}
