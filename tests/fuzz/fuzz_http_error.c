/* SPDX-License-Identifier: MIT */
/*
 * What a provider answers when it fails: two bytes are the status, lines up to an empty one are its
 * headers, the rest is the body. What is said about it is one line of text without the key.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "outcome.h"
#include "utf8.h"

#define SECRET "sk-fuzz-0123456789abcdef"

const char fuzz_name[] = "http_error";

static size_t
head_bytes(const char *text, size_t count)
{
	const char *end = memmem(text, count, "\n\n", 2);

	return end ? (size_t)(end - text) + 1 : 0;
}

static void
look_at(const struct outcome *outcome)
{
	size_t length = strlen(outcome->message);

	if (length >= sizeof outcome->message || !utf8_valid(outcome->message, length) ||
		strstr(outcome->message, SECRET) || outcome->retry_after_ms < -1)
		abort();
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)outcome->message[i] < 0x20 || outcome->message[i] == 0x7f)
			abort();
	if (outcome_from_text(outcome_text(outcome->class)) != (int)outcome->class)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	struct outcome outcome = {.retry_after_ms = -1};
	struct http_headers headers;

	if (count < 2)
		return 0;
	char *text = malloc(count);
	memcpy(text, bytes + 2, count - 2);
	size_t head = head_bytes(text, count - 2);
	http_headers_init(&headers);
	for (size_t at = 0; at < head;) {
		const char *end = memchr(text + at, '\n', head - at);
		size_t length = (size_t)(end - text) - at;

		http_headers_add_line(&headers, text + at, length);
		at += length + 1;
	}
	struct outcome_input input = {.end = TRANSPORT_DONE,
		.status = 100 + (bytes[0] << 8 | bytes[1]) % 500,
		.headers = &headers,
		.body = text + head,
		.body_bytes = count - 2 - head,
		.wall_ms = 1700000000000,
		.secret = SECRET};
	outcome_judge(&input, &outcome);
	look_at(&outcome);
	http_headers_free(&headers);
	free(text);
	return 0;
}
