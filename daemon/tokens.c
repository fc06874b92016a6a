/* SPDX-License-Identifier: MIT */
/* See tokens.h. A text is cut into words, numbers, runs of signs and of white space, as
 * vocabularies cut it; the figures are thousandths of a token. */
#include "tokens.h"

#include "utf8.h"

enum kind { BLANK, DIGIT, LOWER, UPPER, LATIN, SIGN, OTHER };

struct character {
	enum kind kind;
	size_t bytes;
	int weight; /* of an OTHER: what it is by itself; of a LATIN what it makes a word dearer */
};

/* Scripts by their first and last character. What is none of these is rare: 1500. */
static const struct {
	uint32_t first, last;
	enum kind kind;
	int weight;
} scripts[] = {
	{0x00c0, 0x00ff, LATIN, 300},  /* Western European letters */
	{0x0100, 0x024f, LATIN, 1500}, /* and the rest of Europe's */
	{0x0370, 0x03ff, OTHER, 380},  /* Greek */
	{0x0400, 0x052f, OTHER, 260},  /* Cyrillic */
	{0x0590, 0x05ff, OTHER, 420},  /* Hebrew */
	{0x0600, 0x077f, OTHER, 310},  /* Arabic */
	{0x0900, 0x0dff, OTHER, 330},  /* India's */
	{0x1100, 0x11ff, OTHER, 540},  /* Korean */
	{0x2000, 0x303f, OTHER, 700},  /* signs */
	{0x3040, 0x30ff, OTHER, 700},  /* Japanese syllables */
	{0x3400, 0x9fff, OTHER, 720},  /* Chinese characters */
	{0xac00, 0xd7af, OTHER, 540},  /* Korean syllables */
	{0xff00, 0xffef, OTHER, 700},  /* wide forms */
};

#define RARE 1500

static uint32_t
code_of(const unsigned char *text, size_t bytes)
{
	uint32_t code = bytes == 1 ? text[0] : text[0] & (0x7fu >> bytes);

	for (size_t i = 1; i < bytes; i++)
		code = code << 6 | (text[i] & 0x3fu);
	return code;
}

static enum kind
kind_of_ascii(unsigned char c)
{
	if (c == ' ' || (c >= '\t' && c <= '\r'))
		return BLANK;
	if (c >= '0' && c <= '9')
		return DIGIT;
	if (c >= 'a' && c <= 'z')
		return LOWER;
	return c >= 'A' && c <= 'Z' ? UPPER : SIGN;
}

static struct character
look(const char *text, size_t left)
{
	size_t bytes = (unsigned char)*text < 0x80 ? 1 : utf8_char_bytes(text, left);
	struct character rare = {OTHER, bytes ? bytes : 1, RARE};

	if ((unsigned char)*text < 0x80)
		return (struct character){kind_of_ascii((unsigned char)*text), 1, 0};
	uint32_t code = bytes ? code_of((const unsigned char *)text, bytes) : 0;
	for (size_t i = 0; i < UTIL_COUNT(scripts); i++)
		if (code >= scripts[i].first && code <= scripts[i].last)
			return (struct character){scripts[i].kind, bytes, scripts[i].weight};
	return rare;
}

static bool
is_letter(enum kind kind)
{
	return kind == LOWER || kind == UPPER || kind == LATIN;
}

/* How many small letters follow: the most of all text, so it is gone over quickly. */
static int64_t
small_letters(const char **at, const char *end)
{
	const char *start = *at;

	while (*at < end && **at >= 'a' && **at <= 'z')
		++*at;
	return *at - start;
}

/* A word ends where a capital letter follows another one's small one: "camelCase" is two. */
static int64_t
word(const char **at, const char *end)
{
	int64_t letters = 0, capitals = 0, dearer = 0;
	enum kind before = UPPER;

	while (*at < end) {
		int64_t small = small_letters(at, end);
		if (small > 0)
			before = LOWER;
		letters += small;
		if (*at == end)
			break;
		struct character c = look(*at, (size_t)(end - *at));
		if (!is_letter(c.kind) || (c.kind == UPPER && before != UPPER))
			break;
		letters++;
		capitals += c.kind == UPPER;
		dearer += c.weight;
		before = c.kind;
		*at += c.bytes;
	}
	if (capitals > 1)
		return letters > 2 ? 500 * letters : 1000;
	return 1000 + dearer + (letters > 7 ? 150 * (letters - 7) : 0);
}

/* How many bytes of one kind follow; only ASCII is of these kinds. */
static int64_t
run(const char **at, const char *end, enum kind kind)
{
	const char *start = *at;

	while (*at < end && (unsigned char)**at < 0x80 &&
		kind_of_ascii((unsigned char)**at) == kind)
		++*at;
	return *at - start;
}

static int64_t
next(const char **at, const char *end)
{
	struct character c = look(*at, (size_t)(end - *at));
	const char *start = *at;
	int64_t count;

	switch (c.kind) {
	case LOWER:
	case UPPER:
	case LATIN: return word(at, end);
	case DIGIT: return (run(at, end, DIGIT) + 2) / 3 * 1000;
	case SIGN: return 800 + (run(at, end, SIGN) - 1) * 320;
	case BLANK:
		/* a space before a word is a part of it */
		count = run(at, end, BLANK);
		return count == 1 && *start == ' ' ? 0 : 700 + count / 16 * 1000;
	default: *at += c.bytes; return c.weight;
	}
}

int64_t
tokens_estimate(const char *text, size_t length)
{
	const char *at = text, *end = text + length;
	int64_t sum = 0;

	while (at < end)
		sum += next(&at, end);
	return length > 0 && sum < 1000 ? 1 : (sum + 999) / 1000;
}

int64_t
tokens_at_least(int64_t estimated)
{
	return estimated - estimated / 5;
}
