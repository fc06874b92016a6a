/* SPDX-License-Identifier: MIT */
/* What the provider_<family>.c files share with one another, and with nobody else. */
#ifndef LLMFO_PROVIDER_COMMON_H
#define LLMFO_PROVIDER_COMMON_H

#include "provider.h"

/* Sets method, URL (taken over), the JSON headers and the key's: 0 or LLMFO_EBAD_REQUEST with *why.
 */
int provider_begin(const struct provider_endpoint *endpoint, const char *method, char *url,
	struct http_request *request, struct buf *why);
/* Fills usage from two counters; it stays unreported when one of them is not a possible number. */
void provider_read_usage(struct provider_usage *usage, const struct json *prompt,
	const struct json *completion, const struct json *total, const struct json *cached);
/*
 * Makes tool calls of a reply those of an answer: missing ids are made up ("call_0"), arguments
 * that are objects become text. NULL if one of them has no name.
 */
struct json *provider_tool_calls(struct json *calls);
/* Is model one of the strings under key in the objects of an array? 1, 0, or -1 when it is no list.
 */
int provider_list_has(const struct json *list, const char *key, const char *model,
	bool (*same)(const char *listed, const char *model));

#endif
