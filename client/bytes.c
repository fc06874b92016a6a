/* SPDX-License-Identifier: MIT */
/* See bytes.h. */
#include "bytes.h"

#include <stdlib.h>
#include <string.h>

#include "llmfo.h"

#define BYTES_FIRST 512
/* An idle connection keeps at most this much. */
#define BYTES_KEEP ((size_t)128 * 1024)

void
bytes_init(struct bytes *b, size_t max_bytes)
{
	*b = (struct bytes){.max = max_bytes};
}

void
bytes_free(struct bytes *b)
{
	free(b->data);
	bytes_init(b, b->max);
}

int
bytes_reserve(struct bytes *b, size_t count)
{
	if (count > b->max || b->len > b->max - count)
		return LLMFO_ETOO_LARGE;
	size_t need = b->len + count;
	if (need <= b->cap)
		return 0;
	size_t cap = b->cap ? b->cap * 2 : BYTES_FIRST;
	if (cap < need)
		cap = need;
	if (cap > b->max)
		cap = b->max;
	char *data = realloc(b->data, cap);
	if (!data)
		return LLMFO_ENO_MEMORY;
	b->data = data;
	b->cap = cap;
	return 0;
}

int
bytes_add(struct bytes *b, const void *data, size_t count)
{
	if (count == 0)
		return 0;
	int error = bytes_reserve(b, count);
	if (error)
		return error;
	memcpy(b->data + b->len, data, count);
	b->len += count;
	return 0;
}

void
bytes_consume(struct bytes *b, size_t count)
{
	b->len -= count;
	if (b->len > 0 && count > 0)
		memmove(b->data, b->data + count, b->len);
	if (b->len == 0 && b->cap > BYTES_KEEP)
		bytes_free(b);
}
