/* SPDX-License-Identifier: MIT */
/*
 * Asking the scripted providers with libcurl, for the tests of the providers themselves. A fixture
 * starts one provider of each API: o (openai), a (anthropic), g (gemini), l (ollama), and `locked`
 * (openai), which demands the key sk-right-key and has the models m and n.
 */
#ifndef LLMFO_TESTS_ASKER_H
#define LLMFO_TESTS_ASKER_H

#include <curl/curl.h>
#include <stddef.h>

#include "fake_provider.h"

#define ASK_MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]"
#define ASK_OPENAI "{\"model\":\"m\"," ASK_MESSAGES "}"
#define ASK_OPENAI_STREAM "{\"model\":\"m\"," ASK_MESSAGES ",\"stream\":true}"
#define ASK_ANTHROPIC "{\"model\":\"m\",\"max_tokens\":9," ASK_MESSAGES "}"
#define ASK_ANTHROPIC_STREAM "{\"model\":\"m\",\"max_tokens\":9," ASK_MESSAGES ",\"stream\":true}"
#define ASK_GEMINI "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hello\"}]}]}"
#define ASK_OLLAMA "{\"model\":\"m\"," ASK_MESSAGES ",\"stream\":false}"
#define ASK_OLLAMA_STREAM "{\"model\":\"m\"," ASK_MESSAGES "}"

#define ASK_GENERATE "/v1beta/models/m:generateContent"
#define ASK_GENERATE_STREAM "/v1beta/models/m:streamGenerateContent?alt=sse"

/* The range of a loop test over a table. */
#define ASKER_FIRST 0
#define ASKER_END(table) ((int)(sizeof(table) / sizeof((table)[0])))

struct asker_reply {
	CURLcode result;
	long status;
	char *head; /* strings, never NULL */
	char *body;
	size_t head_len, body_len;
	int new_connections;
};

extern struct fake_provider *asker_fp;
extern CURL *asker_curl;

void asker_setup(void);
void asker_teardown(void);

/* One request; `body` NULL: GET. `headers` may be NULL, timeout_ms 0: none. Freed by asker_free. */
struct asker_reply asker_ask_with(const char *name, const char *path, const char *body,
	struct curl_slist *headers, long timeout_ms);
/* The same with the headers that the provider's API wants. */
struct asker_reply asker_ask(const char *name, const char *path, const char *body);
/* What provider o answers to this chat request after `script`. */
struct asker_reply asker_ask_scripted(const char *script, const char *body);
void asker_free(struct asker_reply *r);

void asker_assert_has(const char *text, const char *part);
int asker_count(const char *text, const char *part);

#endif
