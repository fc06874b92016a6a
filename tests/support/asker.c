/* SPDX-License-Identifier: MIT */
/*
 * Asking the scripted providers with libcurl: one connection pool, one request at a time.
 */
#include "asker.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { ASKER_MAX_BYTES = 4 << 20 };

struct fake_provider *asker_fp;
CURL *asker_curl;

void
asker_setup(void)
{
	static const char *const options[] = {"--provider", "o=openai", "--provider", "a=anthropic",
		"--provider", "g=gemini", "--provider", "l=ollama", "--provider", "locked=openai",
		"--key", "locked:sk-right-key", "--models", "locked:m,n", NULL};

	asker_fp = fake_provider_start(options);
	asker_curl = curl_easy_init();
	ck_assert_ptr_nonnull(asker_curl);
}

void
asker_teardown(void)
{
	curl_easy_cleanup(asker_curl);
	fake_provider_stop(asker_fp);
}

static size_t
asker_keep(char **text, size_t *len, const char *bytes, size_t n)
{
	if (*len + n > ASKER_MAX_BYTES)
		return 0;
	*text = realloc(*text, *len + n + 1);
	ck_assert_ptr_nonnull(*text);
	memcpy(*text + *len, bytes, n);
	*len += n;
	(*text)[*len] = '\0';
	return n;
}

static size_t
asker_on_head(char *bytes, size_t size, size_t n, void *arg)
{
	struct asker_reply *r = arg;

	return asker_keep(&r->head, &r->head_len, bytes, size * n);
}

static size_t
asker_on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct asker_reply *r = arg;

	return asker_keep(&r->body, &r->body_len, bytes, size * n);
}

void
asker_free(struct asker_reply *r)
{
	free(r->head);
	free(r->body);
	memset(r, 0, sizeof(*r));
}

/* One request; `body` NULL: GET. `headers` may be NULL. */
struct asker_reply
asker_ask_with(const char *name, const char *path, const char *body, struct curl_slist *headers,
	long timeout_ms)
{
	struct asker_reply r = {0};
	char url[256];
	long opened = 0;

	snprintf(url, sizeof(url), "%s%s", fake_provider_url(asker_fp, name), path);
	curl_easy_reset(asker_curl);
	curl_easy_setopt(asker_curl, CURLOPT_URL, url);
	curl_easy_setopt(asker_curl, CURLOPT_PROXY, "");
	curl_easy_setopt(asker_curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(asker_curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(asker_curl, CURLOPT_HEADERFUNCTION, asker_on_head);
	curl_easy_setopt(asker_curl, CURLOPT_HEADERDATA, &r);
	curl_easy_setopt(asker_curl, CURLOPT_WRITEFUNCTION, asker_on_body);
	curl_easy_setopt(asker_curl, CURLOPT_WRITEDATA, &r);
	if (timeout_ms)
		curl_easy_setopt(asker_curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	if (body)
		curl_easy_setopt(asker_curl, CURLOPT_POSTFIELDS, body);
	r.result = curl_easy_perform(asker_curl);
	curl_easy_getinfo(asker_curl, CURLINFO_RESPONSE_CODE, &r.status);
	curl_easy_getinfo(asker_curl, CURLINFO_NUM_CONNECTS, &opened);
	r.new_connections = (int)opened;
	if (!r.body)
		asker_keep(&r.body, &r.body_len, "", 0);
	if (!r.head)
		asker_keep(&r.head, &r.head_len, "", 0);
	return r;
}

struct asker_reply
asker_ask(const char *name, const char *path, const char *body)
{
	struct curl_slist *headers = NULL;
	struct asker_reply r;

	if (strcmp(name, "a") == 0) {
		headers = curl_slist_append(headers, "x-api-key: k");
		headers = curl_slist_append(headers, "anthropic-version: 2023-06-01");
	}
	r = asker_ask_with(name, path, body, headers, 0);
	curl_slist_free_all(headers);
	return r;
}

/* What OpenAI's path answers after `script`. */
struct asker_reply
asker_ask_scripted(const char *script, const char *body)
{
	fake_provider_script(asker_fp, "o", script);
	return asker_ask("o", "/v1/chat/completions", body);
}

void
asker_assert_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no %s in: %s", part, text);
}

int
asker_count(const char *text, const char *part)
{
	int n = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		n++;
	}
	return n;
}
