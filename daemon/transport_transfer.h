/* SPDX-License-Identifier: MIT */
/*
 * One exchange as libcurl sees it: the handle, what the request lends, what has come so far, and
 * the callbacks that libcurl makes for it. It knows nothing of the multi handle and of its
 * siblings; who moves it from state to state is transport_curl.c.
 */
#ifndef LLMFO_TRANSPORT_TRANSFER_H
#define LLMFO_TRANSPORT_TRANSFER_H

#include <curl/curl.h>

#include "list.h"
#include "transport_easy.h"
#include "transport_lookup.h"
#include "transport_poll.h"
#include "transport_verdict.h"

enum transfer_state {
	TRANSFER_QUEUED,  /* libcurl knows nothing of it yet */
	TRANSFER_WAITING, /* likewise; another looks up the name that it goes to */
	TRANSFER_RUNNING,
	TRANSFER_LOOKING,   /* its caller's no more; still looks up a name for those that wait */
	TRANSFER_CANCELLED, /* mute; still in libcurl's hands */
	TRANSFER_ENDED,     /* on_done is being called, or it is a spare */
};

struct transfer {
	struct list link;
	struct transport_curl *owner;
	struct transport_poll *poll; /* which opens its sockets */
	enum transfer_state state;
	CURL *easy; /* NULL: libcurl had no memory for it */
	struct transport_callbacks callbacks;
	void *arg;
	bool judged; /* it ends as `verdict` says, without libcurl */
	struct transport_result verdict;
	struct transport_lookup_seat seat;
	char *name;          /* owned; what it has to enter the look-up with, NULL: done or none */
	bool late;           /* see transport_name() */
	bool found;          /* no address is to be looked up any more */
	int64_t deadline_ms; /* for connecting, by uv_hrtime(); 0: none */
	const struct buf *body; /* borrowed while queued or running */
	size_t body_sent;
	size_t reply_max, reply_bytes, header_bytes;
	struct http_headers headers;
	struct transport_easy_headers request_headers;
	bool sent, reused, in_block, whole_headers;
	bool sound;          /* ended: stands among the spares */
	bool held;           /* its caller takes no body at the moment */
	bool paused;         /* libcurl was told so: it has bytes that it will bring again */
	struct list resumed; /* in the owner's list of those to be let go, by its next turn */
	enum transport_stop stop;
	int open_error; /* errno of the socket that could not be made */
	char error_text[CURL_ERROR_SIZE];
};

/* The first of a list, NULL: it is empty. */
static inline struct transfer *
transport_transfer_first(const struct list *list)
{
	return list_empty(list) ? NULL : LIST_OWNER(list->next, struct transfer, link);
}

static inline void
transport_transfer_enter(struct transfer *transfer, struct list *list, enum transfer_state state)
{
	transfer->state = state;
	list_append(list, &transfer->link);
}

/* In no list and no state; owner is noted only. user_agent is borrowed. Never NULL. */
struct transfer *transport_transfer_new(
	struct transport_curl *owner, struct transport_poll *poll, const char *user_agent);
/* Makes it ready for a request as if it were new; what cannot be is judged at once. */
void transport_transfer_prepare(struct transfer *transfer, const struct transport_request *request,
	const struct transport_callbacks *callbacks, void *arg, const char *system_ca);
/* Settles how it ends; text is for people. */
void transport_transfer_settle(struct transfer *transfer, enum transport_end end, const char *text);
/* What to tell of a transfer that libcurl has ended with code, while it still has the handle. */
void transport_transfer_judge(
	const struct transfer *transfer, CURLcode code, struct transport_result *result);
/* Lets go of all that belongs to the request; the key is wiped. */
void transport_transfer_forget(struct transfer *transfer);
void transport_transfer_free(struct transfer *transfer);

#endif
