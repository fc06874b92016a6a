/* SPDX-License-Identifier: MIT */
/*
 * See transport_curl.h. Owns the multi handle and the transfers. libcurl is entered from the loop alone: start() only
 * queues, and what a callback cancels while libcurl is on the stack is mute at once and removed right after. After each
 * entry every completion is read, whatever entered, and libcurl's "at once" is served before the loop sleeps.
 */
#include "transport_curl.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "list.h"
#include "transport_easy.h"
#include "transport_poll.h"
#include "transport_verdict.h"

/* Connections kept, used and idle: beyond it the longest idle one goes when a transfer ends. */
#define POOL_CONNECTIONS 1024L
/* All headers of a reply, interim replies included: without it an endless row of them would be free. */
#define REPLY_HEADERS_MAX_BYTES (256 * 1024)
/* Handles kept for the next transfer. */
#define SPARE_MAX 64
/* Entries for libcurl's "at once" in one turn of the loop: beyond it others get their turn first. */
#define ROUNDS_MAX 32

enum transfer_state {
	TRANSFER_QUEUED,           /* start() was called, libcurl knows nothing of it yet */
	TRANSFER_RUNNING,
	TRANSFER_CANCELLED,        /* mute; still in libcurl's hands */
	TRANSFER_ENDED,            /* on_done is being called, or it is a spare */
};

struct transfer {
	struct list link;
	struct transport_curl *owner;
	enum transfer_state state;
	CURL *easy;                /* NULL: libcurl had no memory for it */
	struct transport_callbacks callbacks;
	void *arg;
	const char *broken;        /* not NULL: it cannot run, and why */
	const struct buf *body;    /* borrowed while queued or running */
	size_t body_sent;
	size_t reply_max, reply_bytes, header_bytes;
	struct http_headers headers;
	struct transport_easy_headers request_headers;
	bool sent, reused, in_block, whole_headers;
	bool sound;                /* ended: stands among the spares */
	enum transport_stop stop;
	int open_error;            /* errno of the socket that could not be made */
	char error_text[CURL_ERROR_SIZE];
};

struct transport_curl {
	struct transport base;
	struct transport_poll *poll;
	CURLM *multi;              /* NULL after it broke, until the next transfer */
	const char *user_agent;
	const char *system_ca;
	struct list queued, launching, running, cancelled;
	struct list spare;         /* the one used last at its end */
	struct list worn;          /* not to be used again */
	size_t spares;
	bool inside;               /* libcurl is on the stack */
	bool unusable;             /* the multi handle said so */
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
};

static struct transfer *
first(const struct list *list)
{
	return list_empty(list) ? NULL : LIST_OWNER(list->next, struct transfer, link);
}

static void
enter(struct transfer *transfer, struct list *list, enum transfer_state state)
{
	transfer->state = state;
	list_append(list, &transfer->link);
}

/* ---- what libcurl calls. Any of these may find that the transfer was cancelled meanwhile. ---- */

static size_t
end_of_headers(struct transfer *transfer, size_t count)
{
	long status = 0;

	transfer->in_block = false;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 101)
		transfer->stop = TRANSPORT_STOP_NO_STATUS;
	if (status < 200)
		return transfer->stop ? 0 : count;
	transfer->whole_headers = true;
	transfer->callbacks.on_headers(transfer->arg, (int)status, &transfer->headers);
	return transfer->state == TRANSFER_RUNNING ? count : 0;
}

static size_t
on_header(char *line, size_t size, size_t items, void *arg)
{
	struct transfer *transfer = arg;
	size_t count = size * items;

	if (transfer->state != TRANSFER_RUNNING)
		return 0;
	transfer->header_bytes += count;
	if (transfer->header_bytes > REPLY_HEADERS_MAX_BYTES) {
		transfer->stop = TRANSPORT_STOP_HEADERS_TOO_LARGE;
		return 0;
	}
	if (transfer->whole_headers)
		return count;      /* trailers */
	if (line[0] == '\r' || line[0] == '\n')
		return end_of_headers(transfer, count);
	if (transfer->in_block)
		http_headers_add_line(&transfer->headers, line, count);
	else
		http_headers_clear(&transfer->headers);
	transfer->in_block = true;
	return count;
}

static size_t
on_body(char *bytes, size_t size, size_t items, void *arg)
{
	struct transfer *transfer = arg;
	size_t count = size * items;

	if (transfer->state != TRANSFER_RUNNING)
		return 0;
	if (!transfer->whole_headers)
		transfer->stop = TRANSPORT_STOP_NO_STATUS;
	else if (count > transfer->reply_max - transfer->reply_bytes)
		transfer->stop = TRANSPORT_STOP_BODY_TOO_LARGE;
	if (transfer->stop)
		return 0;
	transfer->reply_bytes += count;
	if (count)
		transfer->callbacks.on_body(transfer->arg, bytes, count);
	return transfer->state == TRANSFER_RUNNING ? count : 0;
}

static size_t
on_read(char *bytes, size_t size, size_t items, void *arg)
{
	struct transfer *transfer = arg;

	if (transfer->state != TRANSFER_RUNNING)
		return CURL_READFUNC_ABORT;
	size_t count = transfer->body->len - transfer->body_sent;
	if (count > size * items)
		count = size * items;
	memcpy(bytes, transfer->body->data + transfer->body_sent, count);
	transfer->body_sent += count;
	return count;
}

/* Rewinding would be for a second sending alone. */
static int
on_seek(void *arg, curl_off_t offset, int origin)
{
	struct transfer *transfer = arg;

	(void)offset;
	(void)origin;
	transfer->stop = TRANSPORT_STOP_SECOND_SENDING;
	return CURL_SEEKFUNC_FAIL;
}

static int
before_request(void *arg, char *peer, char *own, int peer_port, int own_port)
{
	struct transfer *transfer = arg;
	long connects = 0;

	(void)peer;
	(void)own;
	(void)peer_port;
	(void)own_port;
	if (transfer->state != TRANSFER_RUNNING)
		return CURL_PREREQFUNC_ABORT;
	if (transfer->sent) {
		transfer->stop = TRANSPORT_STOP_SECOND_SENDING;
		return CURL_PREREQFUNC_ABORT;
	}
	curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
	transfer->reused = connects == 0;
	transfer->sent = true;
	return CURL_PREREQFUNC_OK;
}

static curl_socket_t
on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = arg;

	(void)purpose;
	if (transfer->sent) {
		transfer->stop = TRANSPORT_STOP_SECOND_SENDING;
		return CURL_SOCKET_BAD;
	}
	int fd = transport_poll_open_socket(transfer->owner->poll, address);
	if (fd < 0) {
		transfer->open_error = -fd;
		return CURL_SOCKET_BAD;
	}
	return fd;
}

static const struct transport_easy_hooks hooks = {
	.header = on_header,
	.body = on_body,
	.read = on_read,
	.seek = on_seek,
	.before_request = before_request,
	.open_socket = on_open_socket,
	.close_socket = transport_poll_close_socket,
};

/* ---- how a transfer ends ---- */

static void
destroy(struct transfer *transfer)
{
	transport_easy_forget(transfer->easy, &transfer->request_headers);
	http_headers_free(&transfer->headers);
	curl_easy_cleanup(transfer->easy);
	free(transfer);
}

/* A handle that did not end well is not used again: libcurl would keep the old errno in it. */
static void
release(struct transfer *transfer, bool sound)
{
	transport_easy_forget(transfer->easy, &transfer->request_headers);
	http_headers_clear(&transfer->headers);
	transfer->body = NULL;
	transfer->sound = sound;
	enter(transfer, sound ? &transfer->owner->spare : &transfer->owner->worn, TRANSFER_ENDED);
	transfer->owner->spares += sound;
	transport_poll_wake(transfer->owner->poll);
}

static bool
is_starved(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd < 0 && (errno == EMFILE || errno == ENFILE);
}

static int
system_error_of(const struct transfer *transfer, CURLcode code)
{
	long error = 0;

	if (code == CURLE_COULDNT_CONNECT && transfer->open_error)
		return transfer->open_error;
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR)
		curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);
	return (int)error;
}

static enum transport_phase
phase_of(const struct transfer *transfer)
{
	if (!transfer->sent)
		return TRANSPORT_CONNECTING;
	return transfer->header_bytes > 0 ? TRANSPORT_REPLYING : TRANSPORT_WAITING;
}

static int64_t
connect_time_ms(CURL *easy)
{
	curl_off_t connected = 0, handshaken = 0;

	curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
	curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &handshaken);
	return (handshaken > connected ? handshaken : connected) / 1000;
}

static void
judge(const struct transfer *transfer, CURLcode code, struct transport_result *result)
{
	struct transport_facts facts = {
		.code = code,
		.phase = phase_of(transfer),
		.stop = transfer->stop,
		.whole_headers = transfer->whole_headers,
		.starved = code && !transfer->sent && is_starved(),
		.system_error = system_error_of(transfer, code),
		.text = transfer->error_text,
	};
	long status = 0;
	const char *scheme = NULL;

	curl_easy_getinfo(transfer->easy, CURLINFO_SCHEME, &scheme);
	facts.encrypted = scheme && strcasecmp(scheme, "https") == 0;
	if (transfer->whole_headers)
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	result->status = (int)status;
	result->reused = transfer->reused;
	if (transfer->sent && !transfer->reused)
		result->connect_ms = connect_time_ms(transfer->easy);
	transport_verdict(&facts, result);
}

/* Tells it and gives the transfer back; it is in no list meanwhile. */
static void
end(struct transfer *transfer, const struct transport_result *result)
{
	transfer->state = TRANSFER_ENDED;
	transport_easy_forget(transfer->easy, &transfer->request_headers);
	transfer->callbacks.on_done(transfer->arg, result);
	release(transfer, result->end == TRANSPORT_DONE);
}

static void
end_broken(struct transfer *transfer)
{
	struct transport_result result = {.end = TRANSPORT_INTERNAL};

	snprintf(result.detail, sizeof(result.detail), "%s", transfer->broken);
	end(transfer, &result);
}

static void
forget(struct transport_curl *curl, struct transfer *transfer)
{
	if (curl_multi_remove_handle(curl->multi, transfer->easy))
		curl->unusable = true;
	list_remove(&transfer->link);
}

static void
reap(struct transport_curl *curl)
{
	CURLMsg *message;
	int left;

	while (curl->multi && (message = curl_multi_info_read(curl->multi, &left))) {
		struct transport_result result = {0};
		struct transfer *transfer = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
		bool told = transfer->state == TRANSFER_RUNNING;
		if (told)
			judge(transfer, code, &result);
		forget(curl, transfer);
		if (told)
			end(transfer, &result);
		else
			release(transfer, false);
	}
}

static void
drop_cancelled(struct transport_curl *curl)
{
	struct transfer *transfer;

	while ((transfer = first(&curl->cancelled))) {
		forget(curl, transfer);
		release(transfer, false);
	}
}

/* ---- entering libcurl ---- */

static void
act(struct transport_curl *curl, curl_socket_t fd, int flags)
{
	int running;

	curl->inside = true;
	CURLMcode code = curl_multi_socket_action(curl->multi, fd, flags, &running);
	curl->inside = false;
	if (code) {
		curl->unusable = true;
		transport_poll_wake(curl->poll);
	}
	drop_cancelled(curl);
	reap(curl);
}

/* Not endless: what is left after some rounds waits for the loop's next turn. */
static void
act_while_due(struct transport_curl *curl)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		if (!curl->multi || curl->unusable || !transport_poll_take_due(curl->poll))
			return;
		act(curl, CURL_SOCKET_TIMEOUT, 0);
	}
	transport_poll_wake(curl->poll);
}

static void
on_ready(void *arg, curl_socket_t fd, int flags)
{
	struct transport_curl *curl = arg;

	if (!curl->multi || curl->unusable)
		return;
	act(curl, fd, flags);
	act_while_due(curl);
}

static bool
make_multi(struct transport_curl *curl)
{
	CURLM *multi = curl_multi_init();
	CURLMcode code = CURLM_OUT_OF_MEMORY;

	if (multi)
		code = transport_poll_attach(curl->poll, multi);
	if (!code)
		code = curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, POOL_CONNECTIONS);
	if (!code)
		code = curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	if (code)
		curl_multi_cleanup(multi);
	else
		curl->multi = multi;
	return !code;
}

/* After an error libcurl promises nothing of any transfer: all of them go back to the queue, as broken. */
static void
give_up_multi(struct transport_curl *curl)
{
	struct transfer *transfer;

	drop_cancelled(curl);
	while ((transfer = first(&curl->running))) {
		forget(curl, transfer);
		transfer->broken = "libcurl had to be started anew";
		enter(transfer, &curl->queued, TRANSFER_QUEUED);
	}
	curl_multi_cleanup(curl->multi);
	curl->multi = NULL;
	curl->unusable = false;
}

static void
launch(struct transport_curl *curl, struct transfer *transfer)
{
	list_remove(&transfer->link);
	if (!transfer->broken && !curl->multi && !make_multi(curl))
		transfer->broken = "libcurl cannot be started";
	if (!transfer->broken && curl_multi_add_handle(curl->multi, transfer->easy))
		transfer->broken = "libcurl does not take the request";
	if (transfer->broken)
		end_broken(transfer);
	else
		enter(transfer, &curl->running, TRANSFER_RUNNING);
}

/* Not those that callbacks queue meanwhile, lest a caller who tries again for ever keeps us here. */
static void
launch_queued(struct transport_curl *curl)
{
	struct transfer *transfer;

	list_splice(&curl->launching, &curl->queued);
	while ((transfer = first(&curl->launching)))
		launch(curl, transfer);
}

static void
trim_spares(struct transport_curl *curl, size_t most)
{
	struct transfer *transfer;

	while ((transfer = first(&curl->worn)) ||
		(curl->spares > most && (transfer = first(&curl->spare)))) {
		curl->spares -= transfer->sound;
		list_remove(&transfer->link);
		destroy(transfer);
	}
}

static void
on_all_closed(void *arg)
{
	struct transport_curl *curl = arg;

	curl->closed(curl->closed_arg);
	free(curl);
}

static void
close_all(struct transport_curl *curl)
{
	if (curl->multi)
		give_up_multi(curl);
	trim_spares(curl, 0);
	transport_poll_close(curl->poll, on_all_closed, curl);
}

static void
on_turn(void *arg)
{
	struct transport_curl *curl = arg;

	if (curl->closing) {
		close_all(curl);
		return;
	}
	if (curl->unusable)
		give_up_multi(curl);
	launch_queued(curl);
	act_while_due(curl);
	trim_spares(curl, SPARE_MAX);
}

/* ---- the seam ---- */

/* The one used last: its handle still holds what helps the next one (TLS sessions). */
static struct transfer *
obtain(struct transport_curl *curl)
{
	struct transfer *transfer;

	if (curl->spares > 0) {
		transfer = LIST_OWNER(curl->spare.prev, struct transfer, link);
		list_remove(&transfer->link);
		curl->spares--;
		return transfer;
	}
	transfer = x_calloc(1, sizeof(*transfer));
	transfer->owner = curl;
	http_headers_init(&transfer->headers);
	transfer->easy = transport_easy_new(
		&hooks, transfer, curl->poll, curl->user_agent, transfer->error_text);
	return transfer;
}

static struct transfer *
start(struct transport *transport, const struct transport_request *request,
	const struct transport_callbacks *callbacks, void *arg)
{
	struct transport_curl *curl = (struct transport_curl *)transport;
	struct transfer *transfer = obtain(curl);

	assert(!curl->closing);
	transfer->callbacks = *callbacks;
	transfer->arg = arg;
	transfer->body = &request->http->body;
	transfer->reply_max = request->max_reply_bytes;
	transfer->body_sent = transfer->reply_bytes = transfer->header_bytes = 0;
	transfer->sent = transfer->reused = transfer->in_block = transfer->whole_headers = false;
	transfer->stop = TRANSPORT_STOP_NONE;
	transfer->open_error = 0;
	transfer->error_text[0] = '\0';
	transfer->broken = NULL;
	if (!transfer->easy)
		transfer->broken = "libcurl is out of memory";
	else if (transport_easy_request(
			 transfer->easy, request, curl->system_ca, &transfer->request_headers))
		transfer->broken = "libcurl does not take the request";
	enter(transfer, &curl->queued, TRANSFER_QUEUED);
	transport_poll_wake(curl->poll);
	return transfer;
}

static void
cancel(struct transfer *transfer)
{
	struct transport_curl *curl = transfer->owner;

	switch (transfer->state) {
	case TRANSFER_QUEUED:
		list_remove(&transfer->link);
		release(transfer, false);
		break;
	case TRANSFER_RUNNING:
		if (curl->inside) {
			list_remove(&transfer->link);
			enter(transfer, &curl->cancelled, TRANSFER_CANCELLED);
		} else {
			forget(curl, transfer);
			release(transfer, false);
		}
		break;
	case TRANSFER_CANCELLED:
	case TRANSFER_ENDED:
		break;
	}
}

static const struct transport_ops ops = {start, cancel};
static const struct transport_poll_ops poll_ops = {on_ready, on_turn};

struct transport *
transport_curl_new(uv_loop_t *loop, const char *user_agent, const char **why)
{
	const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);

	if (!(version->features & CURL_VERSION_ASYNCHDNS)) {
		*why = "this libcurl resolves names only by waiting for them";
		return NULL;
	}
	if (!(version->features & CURL_VERSION_SSL)) {
		*why = "this libcurl has no TLS";
		return NULL;
	}
	struct transport_curl *curl = x_calloc(1, sizeof(*curl));
	curl->base.ops = &ops;
	curl->user_agent = user_agent;
	curl->system_ca = transport_easy_system_ca();
	list_init(&curl->queued);
	list_init(&curl->launching);
	list_init(&curl->running);
	list_init(&curl->cancelled);
	list_init(&curl->spare);
	list_init(&curl->worn);
	curl->poll = transport_poll_new(loop, &poll_ops, curl);
	return &curl->base;
}

void
transport_curl_close(struct transport *transport, void (*closed)(void *arg), void *arg)
{
	struct transport_curl *curl = (struct transport_curl *)transport;
	struct transfer *transfer;

	assert(!curl->closing);
	curl->closing = true;
	curl->closed = closed;
	curl->closed_arg = arg;
	while ((transfer = first(&curl->launching)) || (transfer = first(&curl->queued)) ||
		(transfer = first(&curl->running)))
		cancel(transfer);
	transport_poll_wake(curl->poll);
}
