/* SPDX-License-Identifier: MIT */
/*
 * What a Redis means by an error, in words that say what to do and hold no secret: it may quote
 * what it was sent, and it may be anything.
 */
#ifndef LLMFO_REDIS_ERROR_H
#define LLMFO_REDIS_ERROR_H

#include "redis_url.h"

/* When it came: in answer to the password, to what else is said at the start, or later. */
enum redis_error_at { REDIS_ERROR_AT_AUTH, REDIS_ERROR_AT_START, REDIS_ERROR_LATER };

/* Writes at most size bytes with the NUL, one line of UTF-8. error is not NUL-terminated. */
void redis_error_text(const struct redis_url *url, enum redis_error_at at, const char *error,
	size_t length, char *why, size_t size);
/* Does it concern all that could be asked, rather than this one thing? */
bool redis_error_is_away(const char *error, size_t length);
/* Is it about what stands under a name, which is none of ours? */
bool redis_error_is_wrong_type(const char *error, size_t length);

#endif
