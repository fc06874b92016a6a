/* SPDX-License-Identifier: MIT */
/*
 * A growing run of bytes with a ceiling, for the library: unlike the daemon's buffer it never
 * aborts and hands every failed allocation back, because a library must not end the program that
 * uses it.
 */
#ifndef LLMFO_CLIENT_BYTES_H
#define LLMFO_CLIENT_BYTES_H

#include <stddef.h>

struct bytes {
	char *data; /* owned; NULL while nothing was ever added */
	size_t len;
	size_t cap;
	size_t max; /* ceiling of len */
};

/* Empty, allocates nothing. */
void bytes_init(struct bytes *b, size_t max_bytes);
/* Gives the memory back; empty and usable again. */
void bytes_free(struct bytes *b);
/* 0, LLMFO_ETOO_LARGE (the ceiling) or LLMFO_ENO_MEMORY; a failure leaves the content as it was. */
int bytes_reserve(struct bytes *b, size_t count);
int bytes_add(struct bytes *b, const void *data, size_t count);
/* Removes count bytes from the front; a large allocation that is then empty is given back. */
void bytes_consume(struct bytes *b, size_t count);

#endif
