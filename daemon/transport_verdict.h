/* SPDX-License-Identifier: MIT */
/* What the way a libcurl transfer ended means. Pure: values in, an end and words for people out. */
#ifndef LLMFO_TRANSPORT_VERDICT_H
#define LLMFO_TRANSPORT_VERDICT_H

#include <curl/curl.h>

#include "transport.h"

/* How far it came. */
enum transport_phase {
	TRANSPORT_CONNECTING, /* nothing of the request was sent */
	TRANSPORT_WAITING,    /* it may have been sent, in part or whole; nothing has come */
	TRANSPORT_REPLYING,   /* the reply has begun */
};

/* Why we ourselves broke it off. */
enum transport_stop {
	TRANSPORT_STOP_NONE,
	TRANSPORT_STOP_BODY_TOO_LARGE,
	TRANSPORT_STOP_HEADERS_TOO_LARGE,
	TRANSPORT_STOP_NO_STATUS,      /* no final reply will come: a body already, or "101" */
	TRANSPORT_STOP_SECOND_SENDING, /* libcurl was about to send the request once more */
};

struct transport_facts {
	CURLcode code;
	enum transport_phase phase;
	enum transport_stop stop;
	bool whole_headers; /* those of the final reply were told */
	bool encrypted;
	bool starved;     /* this process has no descriptor left */
	int system_error; /* errno of the socket call that failed, 0: none is known */
	const char *text; /* libcurl's message, "" if none */
};

/*
 * Sets end and detail. Of libcurl's message only that of a failed handshake gets into detail:
 * others may hold URLs.
 */
void transport_verdict(const struct transport_facts *facts, struct transport_result *result);

#endif
