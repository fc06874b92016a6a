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

/*
 * A streamed reply as its family reads it: the texts as they were told, tool calls between < and >,
 * then "|" and the finish with its usage ("stop 10+5=15, 3 cached"), or the class that the judge
 * finds, with a "!" behind it when that counts, and its message; a "~" at the end if the model
 * showed that it works. A new string. cut: the bytes come in one piece (0), one by one (1), or are
 * cut there.
 */
char *family_stream(const char *preset, const char *bytes, size_t length, size_t cut);

#endif
