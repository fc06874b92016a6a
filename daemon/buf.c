/* SPDX-License-Identifier: MIT */
/* See buf.h. */
#include "buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "utf8.h"

#define BUF_FIRST_BYTES 256

static char empty[1];

void
buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){.data = empty, .max = max_bytes};
}

void
buf_free(struct buf *b)
{
	if (b->cap)
		free(b->data);
	buf_init(b, b->max);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->cap)
		b->data[0] = '\0';
}

/* Makes room for count more bytes and the NUL behind them. */
static int
grow(struct buf *b, size_t count)
{
	if (count > b->max || b->len > b->max - count) {
		b->failed = true;
		return LLMFO_ETOO_LARGE;
	}
	size_t need = b->len + count + 1;
	if (need <= b->cap)
		return 0;
	size_t cap = b->cap ? b->cap * 2 : BUF_FIRST_BYTES;
	if (cap < need)
		cap = need;
	if (cap > b->max + 1)
		cap = b->max + 1;
	char *data = realloc(b->cap ? b->data : NULL, cap);
	if (!data) {
		b->failed = true;
		return LLMFO_ENO_MEMORY;
	}
	b->data = data;
	b->cap = cap;
	return 0;
}

char *
buf_reserve(struct buf *b, size_t count)
{
	if (grow(b, count))
		return NULL;
	/* a buffer that never held anything has no NUL yet */
	b->data[b->len] = '\0';
	return b->data + b->len;
}

void
buf_added(struct buf *b, size_t count)
{
	assert(b->cap > b->len + count);
	b->len += count;
	b->data[b->len] = '\0';
}

int
buf_add(struct buf *b, const void *bytes, size_t count)
{
	int error = grow(b, count);

	if (error)
		return error;
	if (count)
		memcpy(b->data + b->len, bytes, count);
	buf_added(b, count);
	return 0;
}

int
buf_puts(struct buf *b, const char *text)
{
	return buf_add(b, text, strlen(text));
}

int
buf_putc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int
buf_add_mended(struct buf *b, const char *text, size_t length)
{
	for (;;) {
		size_t good = utf8_good_bytes(text, length);
		int error = buf_add(b, text, good);

		if (error || good == length)
			return error;
		error = buf_puts(b, UTF8_REPLACEMENT);
		if (error)
			return error;
		text += good + 1;
		length -= good + 1;
	}
}

int
buf_vprintf(struct buf *b, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int count = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (count < 0) {
		b->failed = true;
		return LLMFO_EINTERNAL;
	}
	int error = grow(b, (size_t)count);
	if (error)
		return error;
	vsnprintf(b->data + b->len, (size_t)count + 1, format, args);
	buf_added(b, (size_t)count);
	return 0;
}

int
buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int error = buf_vprintf(b, format, args);
	va_end(args);
	return error;
}

void
buf_consume(struct buf *b, size_t count)
{
	assert(count <= b->len);
	if (count == 0)
		return;
	b->len -= count;
	memmove(b->data, b->data + count, b->len + 1);
}

char *
buf_take(struct buf *b, size_t *length)
{
	if (length)
		*length = b->len;
	char *data = b->cap ? b->data : x_calloc(1, 1);
	b->cap = 0;
	buf_init(b, b->max);
	return data;
}
