/* SPDX-License-Identifier: MIT */
/* What a family makes of a chat and of a reply, as texts that tables can hold. */
#ifndef LLMFO_TEST_FAMILY_H
#define LLMFO_TEST_FAMILY_H

#include "provider.h"

struct family_request {
	int error;
	char *url, *headers, *body, *why;
};

/* The request of a preset with the key "k" for the chat that a JSON object describes: messages,
 * tools, ... in OpenAI's form. */
struct family_request family_ask(const char *preset, const char *model, const char *chat);
void family_request_free(struct family_request *request);
/*
 * A reply as its family reads it, a JSON text: {"text", "tool_calls", "finish", "usage": [prompt,
 * completion, cached, total]}; or, when it is no answer, the class that the judge finds, with a "!"
 * behind it when that counts. A new string.
 */
char *family_read(const char *preset, const char *body);

#endif
