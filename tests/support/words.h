/* SPDX-License-Identifier: MIT */
/*
 * A line of a story, cut into words: blanks part them, "quotes" keep them together, a comma is a
 * word of its own, # begins a comment. Read from left to right by what the words mean.
 */
#ifndef LLMFO_WORDS_H
#define LLMFO_WORDS_H

#include "util.h"

#define WORDS_MAX 128

struct words {
	char *text[WORDS_MAX]; /* owned */
	bool quoted[WORDS_MAX];
	size_t count, next;
};

/* NULL, or what is wrong with the line, a new string. */
char *words_cut(struct words *words, const char *line);
void words_free(struct words *words);
bool words_end(const struct words *words);
/* The next word without taking it, "" at the end. */
const char *words_peek(const struct words *words);
/* Takes the next word: NULL at the end. Borrowed from words. */
const char *words_take(struct words *words);
/* Takes the next word if it is this one. */
bool words_accept(struct words *words, const char *word);
/* Takes a number, or a time in ms ("30s", "800 ms", "5m"): false, with nothing taken, if there is
 * none. */
bool words_number(struct words *words, int64_t *number);
bool words_time(struct words *words, int64_t *ms);
/* "I do not understand ..." at the next word, a new string. */
char *words_fault(const struct words *words, const char *wanted);

#endif
