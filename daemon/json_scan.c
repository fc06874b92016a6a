/* SPDX-License-Identifier: MIT */
/* See json_scan.h. */
#include "json_scan.h"

#include <string.h>

#define DEPTH_MAX 64

void
json_scan_begin(struct json_scan *scan, const char *text, size_t length)
{
	*scan = (struct json_scan){.text = text, .at = text, .end = text + length};
}

static bool
fault(struct json_scan *scan, const char *why)
{
	if (!scan->why)
		scan->why = why;
	return false;
}

static void
skip_blanks(struct json_scan *scan)
{
	while (!scan->why && scan->at < scan->end &&
		(*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
		scan->at++;
}

enum json_scan_kind
json_scan_peek(struct json_scan *scan)
{
	skip_blanks(scan);
	if (scan->why || scan->at == scan->end)
		return JSON_SCAN_NONE;
	switch (*scan->at) {
	case '{': return JSON_SCAN_OBJECT;
	case '[': return JSON_SCAN_ARRAY;
	case '"': return JSON_SCAN_STRING;
	case 't':
	case 'f':
	case 'n': return JSON_SCAN_WORD;
	default:
		return *scan->at == '-' || (*scan->at >= '0' && *scan->at <= '9') ? JSON_SCAN_NUMBER
										  : JSON_SCAN_NONE;
	}
}

/* The next byte that is no blank; false if it is not that one. */
static bool
expect(struct json_scan *scan, char c, const char *why)
{
	skip_blanks(scan);
	if (scan->why)
		return false;
	if (scan->at == scan->end)
		return fault(scan, "unexpected end");
	if (*scan->at != c)
		return fault(scan, why);
	scan->at++;
	return true;
}

bool
json_scan_enter(struct json_scan *scan)
{
	return expect(scan, '{', "expected {");
}

static bool
take_string(struct json_scan *scan, struct json_scan_value *value)
{
	const char *at = scan->at + 1;

	while (at < scan->end && *at != '"') {
		if ((unsigned char)*at < 0x20) {
			scan->at = at;
			return fault(scan, "a control character in a text");
		}
		at += *at == '\\' && at + 1 < scan->end ? 2 : 1;
	}
	if (at >= scan->end) {
		scan->at = scan->end;
		return fault(scan, "unexpected end");
	}
	*value = (struct json_scan_value){
		JSON_SCAN_STRING, scan->at + 1, (size_t)(at - scan->at - 1)};
	scan->at = at + 1;
	return true;
}

static bool
take_word(struct json_scan *scan, struct json_scan_value *value)
{
	static const char *const words[] = {"true", "false", "null"};
	size_t left = (size_t)(scan->end - scan->at);

	for (size_t i = 0; i < UTIL_COUNT(words); i++) {
		size_t length = strlen(words[i]);

		if (left < length || memcmp(scan->at, words[i], length) != 0)
			continue;
		*value = (struct json_scan_value){JSON_SCAN_WORD, scan->at, length};
		scan->at += length;
		return true;
	}
	return fault(scan, "expected a value");
}

static size_t
count_digits(const char *at, const char *end)
{
	const char *start = at;

	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return (size_t)(at - start);
}

static bool
take_number(struct json_scan *scan, struct json_scan_value *value)
{
	const char *start = scan->at, *end = scan->end, *at = start + (*start == '-');
	size_t digits = count_digits(at, end), more = 1;

	if (digits == 0 || (digits > 1 && *at == '0'))
		return fault(scan, "not a number");
	at += digits;
	if (at < end && *at == '.') {
		more = count_digits(at + 1, end);
		at += 1 + more;
	}
	if (more > 0 && at < end && (*at == 'e' || *at == 'E')) {
		at++;
		at += at < end && (*at == '-' || *at == '+');
		more = count_digits(at, end);
		at += more;
	}
	if (more == 0)
		return fault(scan, "not a number");
	*value = (struct json_scan_value){JSON_SCAN_NUMBER, start, (size_t)(at - start)};
	scan->at = at;
	return true;
}

static bool take(struct json_scan *scan, struct json_scan_value *value, int depth);

bool
json_scan_key(struct json_scan *scan, struct json_scan_value *key, bool *first)
{
	skip_blanks(scan);
	if (!scan->why && scan->at < scan->end && *scan->at == '}') {
		scan->at++;
		return false;
	}
	if (!*first && !expect(scan, ',', "expected , or }"))
		return false;
	*first = false;
	if (json_scan_peek(scan) != JSON_SCAN_STRING)
		return fault(scan, scan->at == scan->end ? "unexpected end" : "expected a key");
	return take_string(scan, key) && expect(scan, ':', "expected :");
}

static bool
take_object(struct json_scan *scan, int depth)
{
	struct json_scan_value ignored;
	bool first = true;

	while (json_scan_key(scan, &ignored, &first))
		if (!take(scan, &ignored, depth + 1))
			return false;
	return !scan->why;
}

static bool
take_array(struct json_scan *scan, int depth)
{
	struct json_scan_value ignored;
	bool first = true;

	for (;; first = false) {
		skip_blanks(scan);
		if (scan->at < scan->end && *scan->at == ']') {
			scan->at++;
			return true;
		}
		if (!first && !expect(scan, ',', "expected , or ]"))
			return false;
		if (!take(scan, &ignored, depth + 1))
			return false;
	}
}

static bool
take(struct json_scan *scan, struct json_scan_value *value, int depth)
{
	enum json_scan_kind kind = json_scan_peek(scan);
	const char *start = scan->at;
	bool sound;

	if (depth > DEPTH_MAX)
		return fault(scan, "nested too deep");
	switch (kind) {
	case JSON_SCAN_STRING: return take_string(scan, value);
	case JSON_SCAN_NUMBER: return take_number(scan, value);
	case JSON_SCAN_WORD: return take_word(scan, value);
	case JSON_SCAN_NONE:
		return fault(scan, scan->at == scan->end ? "unexpected end" : "expected a value");
	default: break;
	}
	scan->at++;
	sound = kind == JSON_SCAN_OBJECT ? take_object(scan, depth) : take_array(scan, depth);
	*value = (struct json_scan_value){kind, start, (size_t)(scan->at - start)};
	return sound;
}

bool
json_scan_take(struct json_scan *scan, struct json_scan_value *value)
{
	return take(scan, value, 1);
}

bool
json_scan_finish(struct json_scan *scan)
{
	skip_blanks(scan);
	return !scan->why && (scan->at == scan->end || fault(scan, "expected the end"));
}

bool
json_scan_is(const struct json_scan_value *value, const char *text)
{
	return value->length == strlen(text) && memcmp(value->text, text, value->length) == 0;
}

void
json_scan_place(const struct json_scan *scan, const char *at, int *line, int *column)
{
	const char *start = scan->text;

	*line = 1;
	for (const char *c = scan->text; c < at; c++)
		if (*c == '\n') {
			++*line;
			start = c + 1;
		}
	*column = (int)(at - start) + 1;
}
