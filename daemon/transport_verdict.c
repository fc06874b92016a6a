/* SPDX-License-Identifier: MIT */
/*
 * See transport_verdict.h. One row a code; what a code means depends on how far the exchange had
 * come.
 */
#include "transport_verdict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct code_row {
	CURLcode code;
	enum transport_end ends[3]; /* by transport_phase */
	const char *text;           /* NULL: libcurl's own words for the code */
};

#define ALWAYS(end) \
	{ \
		end, end, end \
	}
#define BY_PHASE(connecting, waiting, replying) \
	{ \
		connecting, waiting, replying \
	}
#define CUT BY_PHASE(TRANSPORT_UNREACHABLE, TRANSPORT_RESET, TRANSPORT_TRUNCATED)
#define NOT_HTTP BY_PHASE(TRANSPORT_INTERNAL, TRANSPORT_PROTOCOL, TRANSPORT_PROTOCOL)

static const struct code_row code_rows[] = {
	{CURLE_OK, ALWAYS(TRANSPORT_DONE), ""},
	{CURLE_UNSUPPORTED_PROTOCOL, NOT_HTTP, "what came is not HTTP"},
	{CURLE_URL_MALFORMAT, ALWAYS(TRANSPORT_INTERNAL), "the URL is not valid"},
	{CURLE_COULDNT_RESOLVE_PROXY, ALWAYS(TRANSPORT_DNS), "the proxy's name has no address"},
	{CURLE_COULDNT_RESOLVE_HOST, ALWAYS(TRANSPORT_DNS), "the name has no address"},
	{CURLE_COULDNT_CONNECT, ALWAYS(TRANSPORT_UNREACHABLE), "cannot connect"},
	{CURLE_INTERFACE_FAILED, ALWAYS(TRANSPORT_UNREACHABLE), NULL},
	{CURLE_PROXY, ALWAYS(TRANSPORT_UNREACHABLE), "the proxy did not let it through"},
	{CURLE_OPERATION_TIMEDOUT,
		BY_PHASE(TRANSPORT_CONNECT_TIMEOUT, TRANSPORT_TIMEOUT, TRANSPORT_TIMEOUT), NULL},
	{CURLE_GOT_NOTHING, CUT, NULL},
	{CURLE_SEND_ERROR, CUT, NULL},
	{CURLE_RECV_ERROR, CUT, NULL},
	{CURLE_PARTIAL_FILE, CUT, NULL},
	{CURLE_HTTP2, CUT, "the HTTP/2 connection broke down"},
	{CURLE_HTTP2_STREAM, CUT, "the HTTP/2 stream was reset"},
	{CURLE_SEND_FAIL_REWIND, ALWAYS(TRANSPORT_RESET), NULL},
	{CURLE_WEIRD_SERVER_REPLY, NOT_HTTP, "what came is not HTTP"},
	{CURLE_BAD_CONTENT_ENCODING, NOT_HTTP, "the reply cannot be decompressed"},
	{CURLE_WRITE_ERROR, NOT_HTTP, "the reply cannot be read"},
	{CURLE_FILESIZE_EXCEEDED, ALWAYS(TRANSPORT_TOO_LARGE), NULL},
#ifdef CURLE_TOO_LARGE
	{CURLE_TOO_LARGE, ALWAYS(TRANSPORT_TOO_LARGE), "the reply's headers are too long"},
#endif
	{CURLE_SSL_CONNECT_ERROR, ALWAYS(TRANSPORT_TLS), NULL},
	{CURLE_PEER_FAILED_VERIFICATION, ALWAYS(TRANSPORT_TLS), NULL},
	{CURLE_SSL_CERTPROBLEM, ALWAYS(TRANSPORT_TLS), NULL},
	{CURLE_SSL_CIPHER, ALWAYS(TRANSPORT_TLS), NULL},
	{CURLE_SSL_CACERT_BADFILE, ALWAYS(TRANSPORT_TLS), NULL},
	{CURLE_SSL_ISSUER_ERROR, ALWAYS(TRANSPORT_TLS), NULL},
	{CURLE_SSL_INVALIDCERTSTATUS, ALWAYS(TRANSPORT_TLS), NULL},
	{CURLE_USE_SSL_FAILED, ALWAYS(TRANSPORT_TLS), NULL},
};

static const struct {
	int error;
	enum transport_end end;
} connect_errors[] = {
	{ECONNREFUSED, TRANSPORT_REFUSED},
	{ETIMEDOUT, TRANSPORT_CONNECT_TIMEOUT},
	{EMFILE, TRANSPORT_INTERNAL},
	{ENFILE, TRANSPORT_INTERNAL},
	{ENOMEM, TRANSPORT_INTERNAL},
	{ENOBUFS, TRANSPORT_INTERNAL},
	{ENOSPC, TRANSPORT_INTERNAL},
	{EADDRNOTAVAIL, TRANSPORT_INTERNAL},
};

static const struct {
	enum transport_end end;
	const char *text;
} stops[] = {
	[TRANSPORT_STOP_BODY_TOO_LARGE] = {TRANSPORT_TOO_LARGE, "the reply is too long"},
	[TRANSPORT_STOP_HEADERS_TOO_LARGE] = {TRANSPORT_TOO_LARGE,
		"the reply's headers are too long"},
	[TRANSPORT_STOP_NO_STATUS] = {TRANSPORT_PROTOCOL, "the reply has no final status"},
	[TRANSPORT_STOP_SECOND_SENDING] = {TRANSPORT_RESET,
		"the connection broke before a reply came"},
};

static void
say(struct transport_result *result, enum transport_end end, const char *text)
{
	result->end = end;
	snprintf(result->detail, sizeof(result->detail), "%s", text);
	for (char *c = result->detail; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
}

/* The words where the code alone decides not: by phase. */
static const char *
words(const struct transport_facts *facts, enum transport_end end)
{
	static const char *const timeouts[] = {
		"no connection in time", "no reply in time", "the reply was not complete in time"};

	if (facts->code == CURLE_OPERATION_TIMEDOUT)
		return timeouts[facts->phase];
	if (end == TRANSPORT_TLS && facts->text[0])
		return facts->text;
	if (facts->system_error && end != TRANSPORT_TLS)
		return strerror(facts->system_error);
	if (end == TRANSPORT_RESET)
		return "the connection broke before a reply came";
	if (end == TRANSPORT_TRUNCATED)
		return "the connection broke within the reply";
	return curl_easy_strerror(facts->code);
}

static const struct code_row *
find_row(CURLcode code)
{
	for (size_t i = 0; i < UTIL_COUNT(code_rows); i++) {
		if (code_rows[i].code == code)
			return &code_rows[i];
	}
	return NULL;
}

static bool
judge_connect(const struct transport_facts *facts, struct transport_result *result)
{
	if (facts->starved) {
		say(result, TRANSPORT_INTERNAL, strerror(EMFILE));
		return true;
	}
	if (facts->code != CURLE_COULDNT_CONNECT || !facts->system_error)
		return false;
	enum transport_end end = TRANSPORT_UNREACHABLE;
	for (size_t i = 0; i < UTIL_COUNT(connect_errors); i++) {
		if (connect_errors[i].error == facts->system_error)
			end = connect_errors[i].end;
	}
	say(result, end, strerror(facts->system_error));
	return true;
}

/* The code, where libcurl has one for two things or none at all. */
static CURLcode
meant(const struct transport_facts *facts)
{
	/* An end within the headers counts as a whole reply. */
	if (facts->code == CURLE_OK && !facts->whole_headers)
		return CURLE_PARTIAL_FILE;
	/*
	 * A system call that fails leaves its errno; without one (and without TLS) it is bad
	 * chunking.
	 */
	if (facts->code == CURLE_RECV_ERROR && !facts->system_error && !facts->encrypted)
		return CURLE_WEIRD_SERVER_REPLY;
	return facts->code;
}

void
transport_verdict(const struct transport_facts *facts, struct transport_result *result)
{
	enum transport_stop stop = facts->stop;

	/* How libcurl calls a header line beyond its own ceiling. */
	if (!stop && facts->code == CURLE_OUT_OF_MEMORY && facts->phase == TRANSPORT_REPLYING &&
		!facts->whole_headers)
		stop = TRANSPORT_STOP_HEADERS_TOO_LARGE;
	if (stop) {
		say(result, stops[stop].end, stops[stop].text);
		return;
	}
	if (facts->phase == TRANSPORT_CONNECTING && facts->code && judge_connect(facts, result))
		return;
	CURLcode code = meant(facts);
	const struct code_row *row = find_row(code);
	enum transport_end end = row ? row->ends[facts->phase] : TRANSPORT_INTERNAL;
	say(result, end, row && row->text ? row->text : words(facts, end));
}
