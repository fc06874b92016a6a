/* SPDX-License-Identifier: MIT */
/*
 * See transport_curl.h. Owns the multi handle and the transfers. libcurl is entered from the loop
 * alone: start() only queues, and what a callback cancels while libcurl is on the stack is mute at
 * once and removed right after. After each entry every completion is read, whatever entered, and
 * libcurl's "at once" is served before the loop sleeps.
 */
#include "transport_curl.h"

#include <assert.h>
#include <stdlib.h>

#include "transport_transfer.h"
#include "transport_wait.h"

/* Connections kept, used and idle: beyond it the longest idle one goes when a transfer ends. */
#define POOL_CONNECTIONS 1024L
/* Handles kept for the next transfer. */
#define SPARE_MAX 64
/* Entries for libcurl's "at once" in one turn of the loop; beyond it others come first. */
#define ROUNDS_MAX 32

struct transport_curl {
	struct transport base;
	struct transport_poll *poll;
	CURLM *multi; /* NULL after it broke, until the next transfer */
	const char *user_agent;
	const char *system_ca;
	struct transport_wait *wait;
	struct list queued, launching, running, cancelled;
	struct list resumed; /* were held, and paused by libcurl; by transfer.resumed */
	struct list spare;   /* the one used last at its end */
	struct list worn;    /* not to be used again */
	size_t spares;
	bool inside;   /* libcurl is on the stack */
	bool unusable; /* the multi handle said so */
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
};

/* ---- how a transfer ends ---- */

/* A handle that did not end well is not used again: libcurl would keep the old errno in it. */
static void
release(struct transfer *transfer, bool sound)
{
	assert(transfer->seat.role == TRANSPORT_LOOKUP_FREE);
	transport_transfer_forget(transfer);
	transfer->sound = sound;
	transport_transfer_enter(
		transfer, sound ? &transfer->owner->spare : &transfer->owner->worn, TRANSFER_ENDED);
	transfer->owner->spares += sound;
	transport_poll_wake(transfer->owner->poll);
}

/* Tells it and gives the transfer back; it is in no list meanwhile. */
static void
end(struct transfer *transfer, const struct transport_result *result)
{
	transfer->state = TRANSFER_ENDED;
	transport_transfer_forget(transfer);
	transfer->callbacks.on_done(transfer->arg, result);
	release(transfer, result->end == TRANSPORT_DONE);
}

static void
forget(struct transport_curl *curl, struct transfer *transfer)
{
	if (curl_multi_remove_handle(curl->multi, transfer->easy))
		curl->unusable = true;
	list_remove(&transfer->link);
	transport_wait_leave(curl->wait, transfer);
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
		transport_transfer_judge(transfer, code, &result);
		if (result.end == TRANSPORT_DNS)
			transport_wait_fail(curl->wait, transfer, &result);
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

	while ((transfer = transport_transfer_first(&curl->cancelled))) {
		forget(curl, transfer);
		release(transfer, false);
	}
}

/* ---- entering libcurl ---- */

/* What is to be done whenever libcurl has run. */
static void
settle(struct transport_curl *curl)
{
	transport_wait_mind_pilots(curl->wait);
	drop_cancelled(curl);
	reap(curl);
}

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
	settle(curl);
}

/*
 * What was read before comes from within. An error of that is told to nobody but us: libcurl would
 * keep the transfer for ever.
 */
static void
resume(struct transport_curl *curl, struct transfer *transfer)
{
	struct transport_result result = {0};

	transfer->paused = false;
	curl->inside = true;
	CURLcode code = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
	curl->inside = false;
	if (code && transfer->state == TRANSFER_RUNNING) {
		transport_transfer_judge(transfer, code, &result);
		forget(curl, transfer);
		end(transfer, &result);
	}
	settle(curl);
}

/* Not those that are let go meanwhile, as with launch_queued(). */
static void
resume_all(struct transport_curl *curl)
{
	struct list now;

	list_init(&now);
	list_splice(&now, &curl->resumed);
	while (!list_empty(&now)) {
		struct transfer *transfer = LIST_OWNER(now.next, struct transfer, resumed);

		list_remove(&transfer->resumed);
		if (!curl->unusable && transfer->state == TRANSFER_RUNNING && transfer->paused &&
			!transfer->held)
			resume(curl, transfer);
	}
}

/* Not endless: what is left after some rounds waits for the loop's next turn. */
static void
act_while_due(struct transport_curl *curl)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		if (!transport_poll_take_due(curl->poll) || !curl->multi || curl->unusable)
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

/* After an error libcurl promises nothing of any transfer: all go back to the queue, as broken. */
static void
give_up_multi(struct transport_curl *curl)
{
	struct transfer *transfer;

	drop_cancelled(curl);
	while ((transfer = transport_transfer_first(&curl->wait->looking))) {
		forget(curl, transfer);
		release(transfer, false);
	}
	while ((transfer = transport_transfer_first(&curl->running))) {
		forget(curl, transfer);
		transport_transfer_settle(
			transfer, TRANSPORT_INTERNAL, "libcurl had to be started anew");
		transport_wait_queue(curl->wait, transfer);
	}
	transport_wait_forget(curl->wait);
	curl_multi_cleanup(curl->multi);
	curl->multi = NULL;
	curl->unusable = false;
	(void)transport_poll_take_due(curl->poll);
}

static void
run(struct transport_curl *curl, struct transfer *transfer)
{
	transport_wait_limit(curl->wait, transfer);
	if (curl_multi_add_handle(curl->multi, transfer->easy))
		transport_transfer_settle(
			transfer, TRANSPORT_INTERNAL, "libcurl does not take the request");
	else
		transport_transfer_enter(transfer, &curl->running, TRANSFER_RUNNING);
}

static void
launch(struct transport_curl *curl, struct transfer *transfer)
{
	list_remove(&transfer->link);
	if (!transfer->judged && !curl->multi && !make_multi(curl))
		transport_transfer_settle(
			transfer, TRANSPORT_INTERNAL, "libcurl cannot be started");
	if (!transfer->judged && transport_wait_must(curl->wait, transfer))
		return;
	if (!transfer->judged)
		run(curl, transfer);
	if (transfer->judged) {
		transport_wait_leave(curl->wait, transfer);
		end(transfer, &transfer->verdict);
	}
}

/* Not those that callbacks queue meanwhile: who tries again for ever must not keep us here. */
static void
launch_queued(struct transport_curl *curl)
{
	struct transfer *transfer;

	list_splice(&curl->launching, &curl->queued);
	while ((transfer = transport_transfer_first(&curl->launching)))
		launch(curl, transfer);
}

static void
on_alarm(void *arg)
{
	struct transport_curl *curl = arg;
	static const struct transport_result result = {
		.end = TRANSPORT_CONNECT_TIMEOUT, .detail = "no connection in time"};
	struct transfer *transfer;

	transport_wait_mind_time(curl->wait);
	while ((transfer = transport_transfer_first(&curl->wait->stale))) {
		forget(curl, transfer);
		release(transfer, false);
	}
	while ((transfer = transport_transfer_first(&curl->wait->late))) {
		transport_wait_abandon(curl->wait, transfer);
		transfer->callbacks.on_done(transfer->arg, &result);
	}
}

static void
trim_spares(struct transport_curl *curl, size_t most)
{
	struct transfer *transfer;

	while ((transfer = transport_transfer_first(&curl->worn)) ||
		(curl->spares > most && (transfer = transport_transfer_first(&curl->spare)))) {
		curl->spares -= transfer->sound;
		list_remove(&transfer->link);
		transport_transfer_free(transfer);
	}
}

static void
on_all_closed(void *arg)
{
	struct transport_curl *curl = arg;

	curl->closed(curl->closed_arg);
	transport_wait_free(curl->wait);
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
	resume_all(curl);
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
	return transport_transfer_new(curl, curl->poll, curl->user_agent);
}

static struct transfer *
start(struct transport *transport, const struct transport_request *request,
	const struct transport_callbacks *callbacks, void *arg)
{
	struct transport_curl *curl = (struct transport_curl *)transport;

	assert(!curl->closing);
	struct transfer *transfer = obtain(curl);
	transport_transfer_prepare(transfer, request, callbacks, arg, curl->system_ca);
	transport_wait_begin(transfer, request->connect_timeout_ms);
	transport_transfer_enter(transfer, &curl->queued, TRANSFER_QUEUED);
	transport_poll_wake(curl->poll);
	return transfer;
}

static void
cancel(struct transfer *transfer)
{
	struct transport_curl *curl = transfer->owner;

	switch (transfer->state) {
	case TRANSFER_QUEUED:
	case TRANSFER_WAITING:
		list_remove(&transfer->link);
		transport_wait_leave(curl->wait, transfer);
		release(transfer, false);
		break;
	case TRANSFER_RUNNING:
		if (transport_wait_looks_up(transfer)) {
			transport_wait_abandon(curl->wait, transfer);
		} else if (curl->inside) {
			list_remove(&transfer->link);
			transport_transfer_enter(transfer, &curl->cancelled, TRANSFER_CANCELLED);
		} else {
			forget(curl, transfer);
			release(transfer, false);
		}
		break;
	case TRANSFER_LOOKING:
	case TRANSFER_CANCELLED:
	case TRANSFER_ENDED: break;
	}
}

/* Here it is only noted: libcurl would call back at once. */
static void
hold(struct transfer *transfer, bool held)
{
	struct transport_curl *curl = transfer->owner;

	transfer->held = held;
	list_remove(&transfer->resumed);
	if (held || !transfer->paused)
		return;
	list_append(&curl->resumed, &transfer->resumed);
	transport_poll_wake(curl->poll);
}

static const struct transport_ops ops = {start, cancel, hold};
static const struct transport_poll_ops poll_ops = {on_ready, on_turn, on_alarm};

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
	list_init(&curl->resumed);
	list_init(&curl->spare);
	list_init(&curl->worn);
	curl->poll = transport_poll_new(loop, &poll_ops, curl);
	curl->wait = transport_wait_new(curl->poll, &curl->queued);
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
	while ((transfer = transport_transfer_first(&curl->launching)) ||
		(transfer = transport_transfer_first(&curl->queued)) ||
		(transfer = transport_transfer_first(&curl->running)) ||
		(transfer = transport_transfer_first(&curl->wait->waiting)) ||
		(transfer = transport_transfer_first(&curl->wait->late)))
		cancel(transfer);
	transport_poll_wake(curl->poll);
}
