/* SPDX-License-Identifier: MIT */
/* See util.h. */
#include "util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void *
must(void *memory)
{
	if (!memory) {
		fputs("<2>llmfod: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *
x_malloc(size_t bytes)
{
	return must(malloc(bytes ? bytes : 1));
}

void *
x_calloc(size_t count, size_t bytes)
{
	return must(calloc(count ? count : 1, bytes ? bytes : 1));
}

void *
x_realloc(void *old, size_t bytes)
{
	return must(realloc(old, bytes ? bytes : 1));
}

char *
x_strdup(const char *text)
{
	return text ? must(strdup(text)) : NULL;
}

char *
x_strndup(const char *text, size_t length)
{
	return must(strndup(text, length));
}

char *
x_vasprintf(const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	return must(text);
}

char *
x_asprintf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = x_vasprintf(format, args);
	va_end(args);
	return text;
}

void
util_wipe(void *secret, size_t bytes)
{
	if (secret)
		explicit_bzero(secret, bytes);
}

static unsigned char
lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? (unsigned char)(u + ('a' - 'A')) : u;
}

bool
util_equal_nocase(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

bool
util_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

int64_t
util_add_clamped(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}
