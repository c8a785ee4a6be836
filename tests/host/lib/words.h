/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_WORDS_H
#define VGPU_HOST_WORDS_H

#include "base.h"

#define WORDS_LINE_MAX 1024

/**
 * struct words - a line of text, word by word
 * @text: copy of the line
 * @word: its words
 * @n: how many
 * @at: the next one
 */
struct words {
	char text[WORDS_LINE_MAX];
	char *word[128];
	unsigned int n, at;
};

/** typedef words_fn - called for each name of a list; false ends the walk */
typedef bool (*words_fn)(void *opaque, const char *name);

bool words_split(struct words *w, const char *line, const char *alone);
const char *words_peek(const struct words *w);
const char *words_next(struct words *w);
bool words_take(struct words *w, const char *word);
bool words_number(const char *word, u64 max, u64 *v);
bool words_number32(const char *word, u32 *v);
bool words_list(const char *list, words_fn fn, void *opaque);

#endif
