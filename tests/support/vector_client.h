/* SPDX-License-Identifier: MIT */
/*
 * What the library's tests with vectors share: a made-up daemon that compares what comes and sends
 * what it should, parameters from their meaning, and values against theirs.
 */
#ifndef LLMFO_VECTOR_CLIENT_H
#define LLMFO_VECTOR_CLIENT_H

#include "json.h"
#include "llmfo.h"
#include "vector.h"

/* Is it [0, msgid, method, [{...}]] with that msgid and nothing in it that has no setter? Maps have
 * none: they may be given as JSON text. */
bool vector_can_make(const char *meaning, int64_t msgid);
/* A message's JSON; the caller frees it. */
struct json *vector_tree(const struct vector_step *step);
bool vector_is_notification(const struct vector_step *step);
/* Does a daemon that ends refuse what it has not begun? The library tells nobody and goes to the
 * next daemon. */
bool vector_is_refusal(const struct vector_step *step);
/* The parameters of a request's JSON; the caller frees them. */
struct llmfo_params *vector_params(const struct json *request);
/* Is the value that the library gives the one that the JSON says? */
bool vector_same(const struct json *json, const struct llmfo_value *value);
/* Is the end of a call what the step says? NULL, or what is not so, a new string. */
char *vector_look(const struct vector_file *file, const struct vector_step *step, int error,
	const struct llmfo_value *value);
/* A fake_serve: plays the vector arg on the first connection; the others are closed. */
void vector_serve(int fd, int connection, const void *arg);

#endif
