/* SPDX-License-Identifier: MIT */
/*
 * The few things every file needs: small allocations that cannot fail (the daemon would rather be
 * restarted than limp on without 40 bytes), array length, the owner of an embedded member. What a
 * peer can size never comes from here: see buf.h.
 */
#ifndef LLMFO_UTIL_H
#define LLMFO_UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTIL_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UTIL_OWNER(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#define UTIL_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define UTIL_MUST_CHECK __attribute__((warn_unused_result))

/* Each aborts with a message when there is no memory; x_strdup(NULL) is NULL. The caller frees with
 * free(). */
void *x_malloc(size_t bytes);
void *x_calloc(size_t count, size_t bytes);
void *x_realloc(void *old, size_t bytes);
char *x_strdup(const char *text);
char *x_strndup(const char *text, size_t length);
char *x_asprintf(const char *format, ...) UTIL_PRINTF(1, 2);
char *x_vasprintf(const char *format, va_list args) UTIL_PRINTF(1, 0);

/* Overwrites a secret so that the compiler cannot leave it out. NULL is fine. */
void util_wipe(void *secret, size_t bytes);
/* ASCII, without looking at the locale. */
bool util_equal_nocase(const char *a, const char *b);
bool util_starts_with(const char *text, const char *prefix);
/* a + b and a * b, held at INT64_MAX / INT64_MIN instead of overflowing. */
int64_t util_add_clamped(int64_t a, int64_t b);

#endif
