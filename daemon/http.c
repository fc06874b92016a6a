/* SPDX-License-Identifier: MIT */
/* See http.h. */
#include "http.h"

#include <stdlib.h>
#include <string.h>

#include "llmfo.h"

#define REQUEST_HEADERS_MAX_BYTES (64 * 1024)

static bool
is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool
has_control(const char *text)
{
	for (; *text; text++) {
		if (is_control(*text))
			return true;
	}
	return false;
}

void
http_request_init(struct http_request *request, size_t max_body_bytes)
{
	*request = (struct http_request){.method = "GET"};
	buf_init(&request->headers, REQUEST_HEADERS_MAX_BYTES);
	buf_init(&request->body, max_body_bytes);
}

void
http_request_free(struct http_request *request)
{
	util_wipe(request->headers.cap ? request->headers.data : NULL, request->headers.cap);
	buf_free(&request->headers);
	buf_free(&request->body);
	free(request->url);
	request->url = NULL;
}

int
http_request_header(struct http_request *request, const char *name, const char *value)
{
	if (name[0] == '\0' || strpbrk(name, ": ") || has_control(name) || has_control(value))
		return LLMFO_EINVALID_REQUEST;
	return buf_printf(&request->headers, "%s: %s\n", name, value);
}

void
http_headers_init(struct http_headers *headers)
{
	buf_init(&headers->text, HTTP_HEADERS_MAX_BYTES);
}

void
http_headers_free(struct http_headers *headers)
{
	buf_free(&headers->text);
}

void
http_headers_clear(struct http_headers *headers)
{
	buf_clear(&headers->text);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Bytes of the name before the colon, 0 when the line does not begin with a name. */
static size_t
name_bytes(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (line[i] == ':')
			return i;
		if (is_space(line[i]) || is_control(line[i]))
			return 0;
	}
	return 0;
}

void
http_headers_add_line(struct http_headers *headers, const char *line, size_t length)
{
	size_t name = name_bytes(line, length);

	if (name == 0)
		return;
	size_t from = name + 1, to = length;
	while (from < to && is_space(line[from]))
		from++;
	while (to > from && is_space(line[to - 1]))
		to--;
	char *out = buf_reserve(&headers->text, name + 2 + (to - from) + 1);
	if (!out)
		return;
	size_t at = 0;
	for (size_t i = 0; i < name; i++)
		out[at++] =
			line[i] >= 'A' && line[i] <= 'Z' ? (char)(line[i] + ('a' - 'A')) : line[i];
	out[at++] = ':';
	out[at++] = ' ';
	for (size_t i = from; i < to; i++)
		out[at++] = is_control(line[i]) ? ' ' : line[i];
	out[at++] = '\n';
	buf_added(&headers->text, at);
}

bool
http_headers_get(const struct http_headers *headers, const char *name, char *value, size_t size)
{
	size_t name_length = strlen(name);
	const char *line = headers->text.data;

	value[0] = '\0';
	while (*line) {
		size_t length = (size_t)(strchrnul(line, '\n') - line);
		if (length >= name_length + 2 && strncmp(line, name, name_length) == 0 &&
			line[name_length] == ':') {
			size_t bytes = length - name_length - 2;
			if (bytes >= size)
				bytes = size - 1;
			memcpy(value, line + name_length + 2, bytes);
			value[bytes] = '\0';
			return true;
		}
		line += length + (line[length] == '\n');
	}
	return false;
}
