/* SPDX-License-Identifier: MIT */
#pragma once

#include "base.h"

#define WORDS_LINE_MAX 1024

/* A line of text, word by word. */
struct words {
	char text[WORDS_LINE_MAX];	/* copy of the line */
	char *word[128];		/* its words */
	unsigned int n;			/* how many */
	unsigned int at;		/* the next one */
};

/* What to tell about text that makes no sense. */
struct words_error {
	char *text;
	size_t n;	/* bytes there is room for */
};

bool words_split(struct words *w, const char *line, const char *alone);
const char *words_peek(const struct words *w);
const char *words_next(struct words *w);
bool words_take(struct words *w, const char *word);
bool words_number(const char *word, u64 max, u64 *v);
bool words_take_number(struct words *w, u64 max, u64 *v);
bool words_wrong(const struct words_error *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A table is an array whose rows begin with their name, or with NULL. */
int name_row(const void *table, size_t n, size_t size, const char *name);
bool name_bits(u64 *set, const char *list, const void *table, size_t n, size_t size);
#define NAME_ROW(table, name) name_row(table, ARRAY_SIZE(table), sizeof((table)[0]), name)
#define NAME_BITS(set, list, table) \
	name_bits(set, list, table, ARRAY_SIZE(table), sizeof((table)[0]))
