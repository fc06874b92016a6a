/* SPDX-License-Identifier: MIT */
/*
 * What is set on a libcurl handle: the things that hold for every exchange of llmfo (no redirects,
 * no environment, no second sending), and what one request adds to them. Each option is here and
 * nowhere else.
 */
#ifndef LLMFO_TRANSPORT_EASY_H
#define LLMFO_TRANSPORT_EASY_H

#include <curl/curl.h>

#include "transport.h"

/* Where the exchange goes on: libcurl's callbacks, and who closes the sockets. */
struct transport_easy_hooks {
	curl_write_callback header, body;
	curl_read_callback read;
	curl_seek_callback seek;
	curl_prereq_callback before_request;
	curl_opensocket_callback open_socket;
	curl_closesocket_callback close_socket;
};

/* Headers in libcurl's form, which must outlive the transfer. Holds the key. */
struct transport_easy_headers {
	char *text;
	size_t size;
	struct curl_slist *nodes;
};

/*
 * The system's bundle of certificates, NULL if none was found (then libcurl's own ideas hold).
 * Static or libcurl's.
 */
const char *transport_easy_system_ca(void);
/*
 * A handle with everything that holds for every request, NULL when libcurl fails. arg is for all
 * hooks but close_socket, which gets close_arg: a connection outlives its transfer. error_text:
 * CURL_ERROR_SIZE bytes.
 */
CURL *transport_easy_new(const struct transport_easy_hooks *hooks, void *arg, void *close_arg,
	const char *user_agent, char *error_text);
/*
 * Sets what this request asks for; undone by the next call. LLMFO_EINTERNAL when libcurl takes
 * something ill.
 */
int transport_easy_request(CURL *easy, const struct transport_request *request,
	const char *system_ca, struct transport_easy_headers *headers);
/* Another limit on connecting than the request's; counts from the start, 0: none. */
void transport_easy_limit_connect(CURL *easy, int64_t timeout_ms);
/*
 * Whether an address that counts as known no longer (transport_lookup.h) is to be looked up, as it
 * is for a pilot. The others take it a little longer: none of them ever comes to a look-up of its
 * own.
 */
void transport_easy_look_up(CURL *easy, bool pilot);
/*
 * Wipes and frees the headers, and takes them and the copy of a body from the handle (which may be
 * NULL).
 */
void transport_easy_forget(CURL *easy, struct transport_easy_headers *headers);

#endif
