/* SPDX-License-Identifier: MIT */
/*
 * Growing bytes and JSON text. Its own small formatter, because printf can neither quote JSON nor
 * spare us the backslashes that make JSON in C unreadable.
 */
#include "out.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
out_check(void *p)
{
	if (!p) {
		fputs("fakellm: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
out_alloc(size_t bytes)
{
	return out_check(calloc(1, bytes ? bytes : 1));
}

void *
out_realloc(void *old, size_t bytes)
{
	return out_check(realloc(old, bytes ? bytes : 1));
}

char *
out_strndup(const char *text, size_t len)
{
	char *copy = out_alloc(len + 1);

	if (len)
		memcpy(copy, text, len);
	return copy;
}

void
out_free(struct out *o)
{
	free(o->data);
	memset(o, 0, sizeof(*o));
}

char *
out_room(struct out *o, size_t more)
{
	size_t cap = o->cap ? o->cap : 256;

	while (cap - o->len < more)
		cap *= 2;
	if (cap != o->cap) {
		o->data = out_realloc(o->data, cap);
		o->cap = cap;
	}
	return o->data + o->len;
}

void
out_add(struct out *o, const void *bytes, size_t len)
{
	if (!len)
		return;
	memcpy(out_room(o, len), bytes, len);
	o->len += len;
}

void
out_text(struct out *o, const char *text)
{
	out_add(o, text, strlen(text));
}

static void
out_json_char(struct out *o, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	if (c == '"' || c == '\\') {
		escape[1] = (char)c;
		out_add(o, escape, 2);
	} else if (c == '\n') {
		out_text(o, "\\n");
	} else {
		out_add(o, escape, sizeof(escape));
	}
}

void
out_json(struct out *o, const char *text, size_t len)
{
	size_t start = 0;

	if (!text) {
		out_text(o, "null");
		return;
	}
	out_add(o, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		out_add(o, text + start, i - start);
		out_json_char(o, c);
		start = i + 1;
	}
	out_add(o, text + start, len - start);
	out_add(o, "\"", 1);
}

static void
out_number(struct out *o, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	out_text(o, text);
}

static void
out_argument(struct out *o, char type, va_list *ap)
{
	const char *text;

	if (type == 'd') {
		out_number(o, va_arg(*ap, int64_t));
	} else if (type == 's') {
		text = va_arg(*ap, const char *);
		out_text(o, text ? text : "");
	} else if (type == 'q') {
		text = va_arg(*ap, const char *);
		out_json(o, text, text ? strlen(text) : 0);
	} else {
		out_add(o, &type, 1);
	}
}

void
out_put(struct out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		size_t plain = strcspn(fmt, "%'");

		out_add(o, fmt, plain);
		fmt += plain;
		if (!*fmt)
			break;
		if (*fmt == '\'')
			out_add(o, "\"", 1);
		else
			out_argument(o, *++fmt, &ap);
	}
	va_end(ap);
}

char *
out_take(struct out *o)
{
	char *text;

	out_add(o, "", 1);
	text = o->data;
	memset(o, 0, sizeof(*o));
	return text;
}
