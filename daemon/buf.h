/* SPDX-License-Identifier: MIT */
/*
 * A growing run of bytes with a ceiling given where it is made: the only thing whose size a peer
 * may decide. It is always NUL-terminated behind its last byte, so that text in it can be handed on
 * as a string.
 */
#ifndef LLMFO_BUF_H
#define LLMFO_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "util.h"

struct buf {
	char *data;  /* owned; "" (not owned) while empty and never grown */
	size_t len;  /* bytes in use */
	size_t cap;  /* bytes allocated */
	size_t max;  /* ceiling of len */
	bool failed; /* something did not fit; stays until buf_clear() */
};

/* An empty buffer that holds at most max_bytes. Allocates nothing. */
void buf_init(struct buf *b, size_t max_bytes);
/* Gives the memory back; the buffer is empty and usable again. */
void buf_free(struct buf *b);
/* Forgets the content, keeps the memory. */
void buf_clear(struct buf *b);
/*
 * Appending: 0, or LLMFO_ETOO_LARGE (the ceiling) or LLMFO_ENO_MEMORY, after which the content is
 * as before and `failed` is set, so that a run of appends can be checked once at its end.
 */
int buf_add(struct buf *b, const void *bytes, size_t count);
int buf_puts(struct buf *b, const char *text);
int buf_putc(struct buf *b, char c);
/* The text with each byte that belongs to no UTF-8 character replaced by U+FFFD. */
int buf_add_mended(struct buf *b, const char *text, size_t length);
int buf_printf(struct buf *b, const char *format, ...) UTIL_PRINTF(2, 3);
int buf_vprintf(struct buf *b, const char *format, va_list args) UTIL_PRINTF(2, 0);
/* Room for count more bytes behind data + len, which the caller fills and then claims by
 * buf_added(); NULL if there is none. */
char *buf_reserve(struct buf *b, size_t count);
void buf_added(struct buf *b, size_t count);
/* Removes count bytes from the front. */
void buf_consume(struct buf *b, size_t count);
/* Hands the bytes over (to be freed with free(), never NULL) and leaves the buffer empty. length
 * may be NULL. */
char *buf_take(struct buf *b, size_t *length);

#endif
