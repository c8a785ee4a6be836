// SPDX-License-Identifier: MIT
/* Text that people write: the words of a line, numbers, and lists of names. */
#include <errno.h>
#include <stdlib.h>

#include "words.h"

/**
 * words_split - Split a line into words
 * @w: filled in
 * @line: the line; blanks separate its words
 * @alone: characters that are words of their own
 *
 * Return: false when it is too long.
 */
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

/**
 * words_peek - Look at the next word
 * @w: the line
 *
 * Return: the word, "" behind the last.
 */
const char *words_peek(const struct words *w)
{
	return w->at < w->n ? w->word[w->at] : "";
}

/**
 * words_next - Take the next word
 * @w: the line
 *
 * Return: the word, "" behind the last.
 */
const char *words_next(struct words *w)
{
	return w->at < w->n ? w->word[w->at++] : "";
}

/**
 * words_take - Take the next word if it is a certain one
 * @w: the line
 * @word: that word
 *
 * Return: true when it was.
 */
bool words_take(struct words *w, const char *word)
{
	if (strcmp(words_peek(w), word))
		return false;
	w->at++;
	return true;
}

/**
 * words_number - Read a number
 * @word: decimal, octal or hexadecimal digits, as in C
 * @max: the largest that makes sense
 * @v: set to it
 *
 * Return: false when it is none, or too large.
 */
bool words_number(const char *word, u64 max, u64 *v)
{
	char *end;

	errno = 0;
	*v = strtoull(word, &end, 0);
	return *word && *word != '-' && !*end && !errno && *v <= max;
}

/**
 * words_number32 - Read a number of 32 bits
 * @word: as words_number() takes it
 * @v: set to it, when it is one
 *
 * Return: false when it is none.
 */
bool words_number32(const char *word, u32 *v)
{
	u64 wide;

	if (!words_number(word, UINT32_MAX, &wide))
		return false;
	*v = wide;
	return true;
}

/**
 * words_list - Walk a list of names
 * @list: names separated by commas
 * @fn: called for each
 * @opaque: its first argument
 *
 * Return: false when @fn has ended the walk.
 */
bool words_list(const char *list, words_fn fn, void *opaque)
{
	char *copy = strdup(list), *save = NULL;
	bool ok = true;

	for (char *s = strtok_r(copy, ",", &save); s && ok; s = strtok_r(NULL, ",", &save))
		ok = fn(opaque, s);
	free(copy);
	return ok;
}
