/* SPDX-License-Identifier: MIT */
/*
 * Walking through a large JSON text without making a tree of it: a value is looked at where it
 * stands or skipped, numbers stay the text they are, and a fault has its place. What is small, or
 * comes from the network, is json.h's.
 */
#ifndef LLMFO_JSON_SCAN_H
#define LLMFO_JSON_SCAN_H

#include "util.h"

struct json_scan {
	const char *text, *at, *end;
	const char *why; /* what is wrong at `at`, static; NULL while nothing is */
};

enum json_scan_kind {
	JSON_SCAN_NONE,
	JSON_SCAN_OBJECT,
	JSON_SCAN_ARRAY,
	JSON_SCAN_STRING,
	JSON_SCAN_NUMBER,
	JSON_SCAN_WORD, /* true, false, null */
};

/* A value as it stands in the text; of a string what is between the quotes, escapes and all. */
struct json_scan_value {
	enum json_scan_kind kind;
	const char *text;
	size_t length;
};

void json_scan_begin(struct json_scan *scan, const char *text, size_t length);
/* What comes next, without taking it. */
enum json_scan_kind json_scan_peek(struct json_scan *scan);
/* Steps into an object; false (with a fault) if none comes. */
bool json_scan_enter(struct json_scan *scan);
/*
 * The next key of the object, after which its value comes; false at the object's end, which is
 * taken, and after a fault. *first: true before the first one.
 */
bool json_scan_key(struct json_scan *scan, struct json_scan_value *key, bool *first);
/* Takes one value, whatever is in it; false after a fault. */
bool json_scan_take(struct json_scan *scan, struct json_scan_value *value);
/* Is there nothing but white space left? A fault if not. */
bool json_scan_finish(struct json_scan *scan);
/* Is it this word, number or string? */
bool json_scan_is(const struct json_scan_value *value, const char *text);
/* Where something in the text stands, from 1, the column in bytes. */
void json_scan_place(const struct json_scan *scan, const char *at, int *line, int *column);

#endif
