/* SPDX-License-Identifier: MIT */
/*
 * Growing bytes and JSON text for the scripted provider. Memory that cannot be had ends the
 * program: it is a test tool and has nobody to tell. Sizes are bounded by the callers.
 */
#ifndef FAKELLM_OUT_H
#define FAKELLM_OUT_H

#include <stddef.h>
#include <stdint.h>

struct out {
	char *data; /* NULL while empty; not NUL-terminated */
	size_t len;
	size_t cap;
};

/* Zeroed memory; the caller frees it. */
void *out_alloc(size_t bytes);
void *out_realloc(void *old, size_t bytes);
char *out_strndup(const char *text, size_t len);

void out_free(struct out *o);
/* Room for `more` bytes behind what is there; returns where they go. */
char *out_room(struct out *o, size_t more);
void out_add(struct out *o, const void *bytes, size_t len);
void out_text(struct out *o, const char *text);
/* A JSON string with its quotes; NULL gives null. */
void out_json(struct out *o, const char *text, size_t len);
/*
 * Text from a template: %s a string, %q a JSON string (NULL: null), %d an int64_t, %% a percent
 * sign, and ' a double quote, so that JSON can be read in C.
 */
void out_put(struct out *o, const char *fmt, ...);
/* The bytes as a string that the caller frees; the buffer is empty afterwards. */
char *out_take(struct out *o);

#endif
