/* SPDX-License-Identifier: MIT */
/*
 * A reply as JSON. Written here and not by the JSON library because the values are the client
 * library's own, and because what is printed has to be harmless on a terminal: bytes that are no
 * UTF-8 and every control character are escaped.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

static void
put_code(FILE *file, int32_t code)
{
	if (code >= 0x10000) {
		code -= 0x10000;
		fprintf(file, "\\u%04x", (unsigned)(0xd800 | code >> 10));
		code = 0xdc00 | (code & 0x3ff);
	}
	fprintf(file, "\\u%04x", (unsigned)code);
}

static bool
needs_escape(int32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
		(code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void
ctl_json_string(FILE *file, const char *text, size_t length)
{
	static const char short_codes[] = "\b\f\n\r\t\"\\";
	static const char short_names[] = "bfnrt\"\\";

	fputc('"', file);
	for (size_t i = 0; i < length;) {
		int32_t code;
		size_t bytes = ctl_utf8(text + i, length - i, &code);
		const char *at = code > 0 && code < 0x80 ? strchr(short_codes, code) : NULL;

		if (at)
			fprintf(file, "\\%c", short_names[at - short_codes]);
		else if (code < 0)
			fputs("\\ufffd", file);
		else if (needs_escape(code))
			put_code(file, code);
		else
			fwrite(text + i, 1, bytes, file);
		i += bytes;
	}
	fputc('"', file);
}

/* The shortest decimal that reads back as the same number. */
static void
put_double(FILE *file, double number)
{
	char text[40];

	if (!isfinite(number)) {
		fputs("null", file);
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	fputs(text, file);
	if (!strpbrk(text, ".e"))
		fputs(".0", file);
}

static void
new_line(FILE *file, bool pretty, int depth)
{
	if (pretty)
		fprintf(file, "\n%*s", depth * 2, "");
}

static void put_value(FILE *file, const struct llmfo_value *value, bool pretty, int depth);

static void
put_children(FILE *file, const struct llmfo_value *value, bool pretty, int depth)
{
	bool map = llmfo_value_type(value) == LLMFO_MAP;
	size_t count = llmfo_value_count(value);

	fputc(map ? '{' : '[', file);
	for (size_t i = 0; i < count; i++) {
		const char *key = llmfo_value_key(value, i);

		if (i)
			fputs(pretty ? "," : ", ", file);
		new_line(file, pretty, depth + 1);
		if (map) {
			ctl_json_string(file, key ? key : "?", key ? strlen(key) : 1);
			fputs(": ", file);
		}
		put_value(file, llmfo_value_at(value, i), pretty, depth + 1);
	}
	if (count)
		new_line(file, pretty, depth);
	fputc(map ? '}' : ']', file);
}

static void
put_value(FILE *file, const struct llmfo_value *value, bool pretty, int depth)
{
	const char *text;
	size_t length;

	switch (llmfo_value_type(value)) {
	case LLMFO_NIL: fputs("null", file); break;
	case LLMFO_BOOL: fputs(llmfo_value_bool(value, false) ? "true" : "false", file); break;
	case LLMFO_INT: fprintf(file, "%" PRId64, llmfo_value_int(value, 0)); break;
	case LLMFO_DOUBLE: put_double(file, llmfo_value_double(value, 0)); break;
	case LLMFO_STRING:
		text = llmfo_value_string(value, &length);
		ctl_json_string(file, text, length);
		break;
	case LLMFO_ARRAY:
	case LLMFO_MAP: put_children(file, value, pretty, depth); break;
	}
}

void
ctl_json(FILE *file, const struct llmfo_value *value, bool pretty)
{
	put_value(file, value, pretty, 0);
	fputc('\n', file);
}
