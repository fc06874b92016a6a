/* SPDX-License-Identifier: MIT */
/* See transport_easy.h. What looks superfluous here has a default that the environment changes. */
#include "transport_easy.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "llmfo.h"
#include "transport_lookup.h"

/* What idled longer is not trusted any more: many servers hang up after a minute. */
#define MAX_IDLE_S 55L
/* Certificates and addresses change: no connection is used for longer. */
#define MAX_LIFETIME_S 3600L
#define KEEPALIVE_S 30L
/* How much longer than a pilot the others take an address. */
#define GRACE_S 10L
/* What is read at once: libcurl's own measure, and of a stream. */
#define BUFFER_BYTES 16384L
#define STREAM_BUFFER_BYTES 4096L
/*
 * A body up to this is given to libcurl as a copy, which sends it in one packet with the headers (a
 * third less work a request); a longer one it asks for piece by piece, so that it is not there
 * twice.
 */
#define COPIED_BODY_MAX_BYTES ((size_t)32 * 1024)

const char *
transport_easy_system_ca(void)
{
	static const char *const places[] = {
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/ssl/cert.pem",
	};
	const char *own = curl_version_info(CURLVERSION_NOW)->cainfo;

	if (own && access(own, R_OK) == 0)
		return own;
	for (size_t i = 0; i < UTIL_COUNT(places); i++) {
		if (access(places[i], R_OK) == 0)
			return places[i];
	}
	return NULL;
}

/* Notes a refusal in `bad`; libcurl's options have three types, which a function could not take. */
#define SET(option, value) bad = curl_easy_setopt(easy, option, value) != CURLE_OK || bad

static bool
set_hooks(CURL *easy, const struct transport_easy_hooks *hooks, void *arg, void *close_arg)
{
	bool bad = false;

	SET(CURLOPT_HEADERFUNCTION, hooks->header);
	SET(CURLOPT_HEADERDATA, arg);
	SET(CURLOPT_WRITEFUNCTION, hooks->body);
	SET(CURLOPT_WRITEDATA, arg);
	SET(CURLOPT_READFUNCTION, hooks->read);
	SET(CURLOPT_READDATA, arg);
	SET(CURLOPT_SEEKFUNCTION, hooks->seek);
	SET(CURLOPT_SEEKDATA, arg);
	SET(CURLOPT_PREREQFUNCTION, hooks->before_request);
	SET(CURLOPT_PREREQDATA, arg);
	SET(CURLOPT_OPENSOCKETFUNCTION, hooks->open_socket);
	SET(CURLOPT_OPENSOCKETDATA, arg);
	SET(CURLOPT_CLOSESOCKETFUNCTION, hooks->close_socket);
	SET(CURLOPT_CLOSESOCKETDATA, close_arg);
	SET(CURLOPT_PRIVATE, arg);
	return !bad;
}

static bool
set_manners(CURL *easy)
{
	bool bad = false;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_NOPROGRESS, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOPROXY, "");
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_PIPEWAIT, 0L);
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
	SET(CURLOPT_TCP_KEEPINTVL, KEEPALIVE_S);
	SET(CURLOPT_MAXAGE_CONN, MAX_IDLE_S);
	SET(CURLOPT_MAXLIFETIME_CONN, MAX_LIFETIME_S);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	return !bad;
}

CURL *
transport_easy_new(const struct transport_easy_hooks *hooks, void *arg, void *close_arg,
	const char *user_agent, char *error_text)
{
	CURL *easy = curl_easy_init();
	bool bad = false;

	if (!easy)
		return NULL;
	if (!set_hooks(easy, hooks, arg, close_arg) || !set_manners(easy))
		bad = true;
	SET(CURLOPT_ERRORBUFFER, error_text);
	SET(CURLOPT_USERAGENT, user_agent);
	if (bad) {
		curl_easy_cleanup(easy);
		return NULL;
	}
	return easy;
}

static size_t
count_lines(const struct buf *text)
{
	size_t lines = 0;

	for (size_t i = 0; i < text->len; i++)
		lines += text->data[i] == '\n';
	return lines;
}

/* Header values cannot hold a line break, so that a line is a header. */
static void
make_headers(struct transport_easy_headers *headers, const struct http_request *http)
{
	/* No waiting for "100 Continue"; no form's content type that libcurl would make up. */
	static char no_expect[] = "Expect:", no_type[] = "Content-Type:";
	size_t lines = count_lines(&http->headers), used = 0;
	bool typed = false;

	headers->size = http->headers.len + 1;
	headers->text = x_malloc(headers->size);
	memcpy(headers->text, http->headers.data, headers->size);
	headers->nodes = x_calloc(lines + 2, sizeof(struct curl_slist));
	for (char *line = headers->text; used < lines; used++) {
		char *end = strchr(line, '\n');
		if (!end)
			break;
		*end = '\0';
		typed = typed || strncasecmp(line, no_type, strlen(no_type)) == 0;
		headers->nodes[used].data = line;
		line = end + 1;
	}
	headers->nodes[used++].data = no_expect;
	if (!typed)
		headers->nodes[used++].data = no_type;
	for (size_t i = 0; i + 1 < used; i++)
		headers->nodes[i].next = &headers->nodes[i + 1];
}

void
transport_easy_forget(CURL *easy, struct transport_easy_headers *headers)
{
	if (easy) {
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
		curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, NULL);
	}
	util_wipe(headers->text, headers->size);
	free(headers->text);
	free(headers->nodes);
	*headers = (struct transport_easy_headers){0};
}

static bool
set_method(CURL *easy, const struct http_request *http)
{
	bool bad = false, get = strcmp(http->method, "GET") == 0;

	SET(CURLOPT_CUSTOMREQUEST, NULL);
	SET(CURLOPT_NOBODY, 0L);
	if (get) {
		SET(CURLOPT_HTTPGET, 1L);
	} else if (strcmp(http->method, "HEAD") == 0) {
		SET(CURLOPT_NOBODY, 1L);
	} else {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)http->body.len);
		if (http->body.len > COPIED_BODY_MAX_BYTES)
			SET(CURLOPT_POSTFIELDS, NULL);
		else
			SET(CURLOPT_COPYPOSTFIELDS, http->body.data);
		if (strcmp(http->method, "POST") != 0)
			SET(CURLOPT_CUSTOMREQUEST, http->method);
	}
	return !bad;
}

static long
limit_ms(int64_t time_ms)
{
	if (time_ms <= 0)
		return 0;
	return time_ms > INT_MAX ? INT_MAX : (long)time_ms;
}

static bool
set_certificates(CURL *easy, const char *ca_file, bool proxied)
{
	bool bad = false;

	if (!ca_file)
		return true;
	/* A directory beside the bundle would keep libcurl from caching it: 20 ms a connection. */
	SET(CURLOPT_CAINFO, ca_file);
	SET(CURLOPT_CAPATH, NULL);
	if (proxied) {
		SET(CURLOPT_PROXY_CAINFO, ca_file);
		SET(CURLOPT_PROXY_CAPATH, NULL);
	}
	return !bad;
}

/*
 * A stream may be held. On HTTP/2 libcurl would go on reading for its sake, since it shares its
 * connection with others: 32 MiB and more of it waited in memory with 7.88, up to 10 MB with later
 * ones, and no option lowers that. On HTTP/1.1 the socket itself is left alone. No compression for
 * the same reason: what one read inflates to comes at once. A small buffer, since thousands of
 * streams have one each and what comes in one read is little.
 */
static bool
set_stream(CURL *easy, bool stream)
{
	bool bad = false;

	SET(CURLOPT_HTTP_VERSION,
		stream ? (long)CURL_HTTP_VERSION_1_1 : (long)CURL_HTTP_VERSION_2TLS);
	SET(CURLOPT_ACCEPT_ENCODING, stream ? NULL : "gzip");
	SET(CURLOPT_BUFFERSIZE, stream ? STREAM_BUFFER_BYTES : BUFFER_BYTES);
	return !bad;
}

int
transport_easy_request(CURL *easy, const struct transport_request *request, const char *system_ca,
	struct transport_easy_headers *headers)
{
	const struct http_request *http = request->http;
	bool bad = false;

	make_headers(headers, http);
	SET(CURLOPT_HTTPHEADER, headers->nodes);
	SET(CURLOPT_URL, http->url);
	SET(CURLOPT_PROXY, request->proxy ? request->proxy : "");
	SET(CURLOPT_CONNECTTIMEOUT_MS, limit_ms(request->connect_timeout_ms));
	SET(CURLOPT_FRESH_CONNECT, request->fresh_connection ? 1L : 0L);
	bad = !set_method(easy, http) || bad;
	bad = !set_stream(easy, request->stream) || bad;
	const char *ca_file = request->ca_file ? request->ca_file : system_ca;
	bad = !set_certificates(easy, ca_file, request->proxy != NULL) || bad;
	return bad ? LLMFO_EINTERNAL : 0;
}

void
transport_easy_limit_connect(CURL *easy, int64_t timeout_ms)
{
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, limit_ms(timeout_ms));
}

void
transport_easy_look_up(CURL *easy, bool pilot)
{
	curl_easy_setopt(
		easy, CURLOPT_DNS_CACHE_TIMEOUT, TRANSPORT_LOOKUP_KNOWN_S + (pilot ? 0L : GRACE_S));
}
