/* SPDX-License-Identifier: MIT */
/*
 * What json-c lets pass even when told to be strict, and a caller's JSON may not have: control
 * characters in strings, NaN and its kin, numbers JSON does not know. And what json-c would harm:
 * integers beyond 64 bits, keys with a NUL. Looks at tokens only; how they stand together is
 * json-c's to judge.
 */
#include "json_strict.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define INTEGER_DIGITS_MAX 20
/* Makes a double of an integer, which json-c keeps as text; nobody else writes an exponent so. */
#define WIDE_MARK "e-000000000000000000"

/* Bytes of the string from its opening quote to its closing one, or to the end; 0 for a bad one. */
static size_t
string_bytes(const char *text, size_t length)
{
	for (size_t i = 1; i < length; i++) {
		if ((unsigned char)text[i] < 0x20)
			return 0;
		if (text[i] == '\\')
			i++;
		else if (text[i] == '"')
			return i + 1;
	}
	return length;
}

static size_t
digits(const char *text, size_t length)
{
	size_t count = 0;

	while (count < length && text[count] >= '0' && text[count] <= '9')
		count++;
	return count;
}

static bool
fits_64_bits(const char *text, size_t length)
{
	char copy[INTEGER_DIGITS_MAX + 2];

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	errno = 0;
	if (copy[0] == '-')
		strtoll(copy, NULL, 10);
	else
		strtoull(copy, NULL, 10);
	return errno == 0;
}

/* Is all of it a number as JSON writes them? */
static bool
is_number(const char *text, size_t length)
{
	size_t at = text[0] == '-';
	size_t whole = digits(text + at, length - at);

	if (whole == 0 || (whole > 1 && text[at] == '0'))
		return false;
	at += whole;
	if (at == length)
		return true;
	if (text[at] == '.') {
		size_t fraction = digits(text + at + 1, length - at - 1);
		if (fraction == 0)
			return false;
		at += 1 + fraction;
	}
	if (at < length && (text[at] == 'e' || text[at] == 'E')) {
		at++;
		if (at < length && (text[at] == '+' || text[at] == '-'))
			at++;
		size_t exponent = digits(text + at, length - at);
		if (exponent == 0)
			return false;
		at += exponent;
	}
	return at == length;
}

static bool
is_word(const char *text, size_t length)
{
	return (length == 4 && memcmp(text, "true", 4) == 0) ||
		(length == 4 && memcmp(text, "null", 4) == 0) ||
		(length == 5 && memcmp(text, "false", 5) == 0);
}

static size_t
bare_bytes(const char *text, size_t length)
{
	size_t count = 0;

	while (count < length && !strchr(" \t\r\n,:[]{}\"", text[count]))
		count++;
	return count;
}

const char *
json_strict_fault(const char *text, size_t length)
{
	for (size_t at = 0; at < length;) {
		size_t bytes;
		if (text[at] == '"') {
			bytes = string_bytes(text + at, length - at);
			if (bytes == 0)
				return "a control character in a string";
		} else if (strchr(" \t\r\n,:[]{}", text[at])) {
			bytes = 1;
		} else {
			bytes = bare_bytes(text + at, length - at);
			bool number = text[at] == '-' || digits(text + at, 1);
			if (number && !is_number(text + at, bytes))
				return "a number that JSON does not know";
			if (!number && !is_word(text + at, bytes))
				return "unexpected character";
		}
		at += bytes;
	}
	return NULL;
}

/* Is it an integer that would be cut? */
static bool
is_wide(const char *text, size_t length)
{
	size_t minus = length > 0 && text[0] == '-';

	return length > INTEGER_DIGITS_MAX - 2 &&
		digits(text + minus, length - minus) + minus == length &&
		!fits_64_bits(text, length);
}

/* Bytes of the token at text, of a lax string too. */
static size_t
token_bytes(const char *text, size_t length)
{
	size_t end = 1;

	if (text[0] != '"')
		return strchr(" \t\r\n,:[]{}", text[0]) ? 1 : bare_bytes(text, length);
	while (end < length && text[end] != '"')
		end += text[end] == '\\' ? 2 : 1;
	return end < length ? end + 1 : length;
}

/* Can there be one? As many digits in a row cover one of the bytes that are looked at. */
static bool
may_be_wide(const char *text, size_t length)
{
	for (size_t at = 0; at < length; at += INTEGER_DIGITS_MAX - 3) {
		size_t first = at;

		while (first > 0 && digits(text + first, 1) && digits(text + first - 1, 1))
			first--;
		if (digits(text + first, length - first) >= INTEGER_DIGITS_MAX - 2)
			return true;
	}
	return false;
}

bool
json_strict_widen(const char *text, size_t length, struct buf *out)
{
	size_t done = 0;

	if (!may_be_wide(text, length))
		return false;
	for (size_t at = 0, bytes; at < length; at += bytes) {
		bytes = token_bytes(text + at, length - at);
		if (!is_wide(text + at, bytes))
			continue;
		(void)buf_add(out, text + done, at + bytes - done);
		(void)buf_puts(out, WIDE_MARK);
		done = at + bytes;
	}
	if (done > 0)
		(void)buf_add(out, text + done, length - done);
	return done > 0;
}

size_t
json_strict_narrow(const char *text, size_t length)
{
	static const char mark[] = WIDE_MARK;
	size_t end = sizeof(mark) - 1;

	if (length <= end || memcmp(text + length - end, mark, end) != 0 ||
		!is_wide(text, length - end))
		return length;
	return length - end;
}

/* Does an escaped NUL stand in the string? */
static bool
holds_nul(const char *text, size_t length)
{
	for (size_t i = 0; i + 5 < length; i++) {
		if (text[i] != '\\')
			continue;
		if (memcmp(text + i, "\\u0000", 6) == 0)
			return true;
		i++;
	}
	return false;
}

bool
json_strict_cuts_key(const char *text, size_t length)
{
	bool nul = false; /* in the last string */

	/* most texts have no escapes, and memchr is much the faster of the two */
	const char *escape = memchr(text, '\\', length);
	if (!escape || !memmem(escape, length - (size_t)(escape - text), "\\u0000", 6))
		return false;
	for (size_t at = 0, bytes; at < length; at += bytes) {
		bytes = token_bytes(text + at, length - at);
		if (text[at] == '"')
			nul = holds_nul(text + at, bytes);
		else if (text[at] == ':' && nul)
			return true;
		else if (!strchr(" \t\r\n", text[at]))
			nul = false;
	}
	return false;
}
