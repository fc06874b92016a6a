/* SPDX-License-Identifier: MIT */
/* See words.h. */
#include "words.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"

static const char *
cut_quoted(const char *at, struct buf *word)
{
	for (at++; *at && *at != '"'; at++) {
		if (*at == '\\' && at[1]) {
			at++;
			(void)buf_putc(word, *at == 'n' ? '\n' : *at);
		} else {
			(void)buf_putc(word, *at);
		}
	}
	return *at ? at + 1 : NULL;
}

char *
words_cut(struct words *words, const char *line)
{
	*words = (struct words){0};
	for (const char *at = line; at && *at && *at != '#' && *at != '\n';) {
		struct buf word;

		if (*at == ' ' || *at == '\t') {
			at++;
			continue;
		}
		if (words->count == WORDS_MAX)
			return x_strdup("the line is too long");
		buf_init(&word, 65536);
		words->quoted[words->count] = *at == '"';
		if (*at == '"') {
			at = cut_quoted(at, &word);
		} else {
			size_t length = *at == ',' ? 1 : strcspn(at, " \t\n,\"");
			(void)buf_add(&word, at, length);
			at += length;
		}
		words->text[words->count++] = buf_take(&word, NULL);
		if (!at)
			return x_strdup("a quote is not closed");
	}
	return NULL;
}

void
words_free(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->text[i]);
	words->count = 0;
}

bool
words_end(const struct words *words)
{
	return words->next == words->count;
}

const char *
words_peek(const struct words *words)
{
	return words_end(words) ? "" : words->text[words->next];
}

const char *
words_take(struct words *words)
{
	return words_end(words) ? NULL : words->text[words->next++];
}

bool
words_accept(struct words *words, const char *word)
{
	if (words_end(words) || words->quoted[words->next] || strcmp(words_peek(words), word) != 0)
		return false;
	words->next++;
	return true;
}

/* Reads the digits of the next word; *rest is what stands behind them. */
static bool
digits(const struct words *words, int64_t *number, const char **rest)
{
	const char *text = words_peek(words);
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	*number = strtoll(text, &end, 10);
	*rest = end;
	return true;
}

bool
words_number(struct words *words, int64_t *number)
{
	const char *rest;

	if (!digits(words, number, &rest) || *rest)
		return false;
	words->next++;
	return true;
}

bool
words_time(struct words *words, int64_t *ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
	const char *unit;
	int64_t number;
	size_t used = 1;

	if (!digits(words, &number, &unit))
		return false;
	if (*unit == '\0' && words->next + 1 < words->count) {
		unit = words->text[words->next + 1];
		used = 2;
	}
	for (size_t i = 0; i < UTIL_COUNT(units); i++)
		if (strcmp(unit, units[i].name) == 0) {
			*ms = number * units[i].ms;
			words->next += used;
			return true;
		}
	return false;
}

char *
words_fault(const struct words *words, const char *wanted)
{
	if (words_end(words))
		return x_asprintf("the line ends where %s should stand", wanted);
	return x_asprintf("\"%s\" stands where %s should", words_peek(words), wanted);
}
