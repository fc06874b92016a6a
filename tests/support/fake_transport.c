/* SPDX-License-Identifier: MIT */
/* See fake_transport.h. One timer a transfer, for what the network brings next. */
#include "fake_transport.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_host {
	struct list node;
	char *name;
	struct fake_behaviour *queue; /* owned; those before next are used up */
	size_t count, next;
	struct fake_behaviour forever;
	bool has_forever;
	char *checked; /* the body for checks; NULL: they fail */
};

struct transfer {
	struct list node;
	struct fake_transport *fake;
	struct transport_callbacks callbacks;
	void *arg;
	struct http_headers headers;
	struct fake_reply reply;
	struct transport_result result;
	struct clock_timer timer; /* the next step, or the end */
	struct clock_timer again; /* what waited while it was held */
	int64_t started_ms;
	size_t next_step;
	size_t arrived, sent; /* bytes of the body */
	size_t cut_bytes;
	size_t request; /* its place among the requests */
	bool check;     /* no request of a call: not kept */
	bool begun;     /* the headers have come */
	bool ended;     /* the network brings no more */
	bool held;
	bool in_callback, cancelled;
	bool counted; /* among those in flight */
};

static struct fake_host *
find_host(const struct fake_transport *fake, const char *name)
{
	for (struct list *node = fake->hosts.next; node != &fake->hosts; node = node->next) {
		struct fake_host *host = LIST_OWNER(node, struct fake_host, node);

		if (strcmp(host->name, name) == 0)
			return host;
	}
	return NULL;
}

static struct fake_host *
make_host(struct fake_transport *fake, const char *name)
{
	struct fake_host *host = find_host(fake, name);

	if (host)
		return host;
	host = x_calloc(1, sizeof *host);
	host->name = x_strdup(name);
	list_append(&fake->hosts, &host->node);
	return host;
}

void
fake_transport_check(struct fake_transport *fake, const char *name, const char *body)
{
	struct fake_host *host = make_host(fake, name);

	free(host->checked);
	host->checked = x_strdup(body);
}

void
fake_transport_script(struct fake_transport *fake, const char *name,
	const struct fake_behaviour *behaviour, bool forever)
{
	struct fake_host *host = make_host(fake, name);

	if (forever) {
		if (host->has_forever)
			fake_behaviour_free(&host->forever);
		host->forever = *behaviour;
		host->has_forever = true;
		return;
	}
	host->queue = x_realloc(host->queue, (host->count + 1) * sizeof *host->queue);
	host->queue[host->count++] = *behaviour;
}

/* What is scripted, borrowed from the host; NULL: nothing is. */
static const struct fake_behaviour *
scripted(const struct fake_transport *fake, const char *name)
{
	struct fake_host *host = find_host(fake, name);

	if (host && host->next < host->count)
		return &host->queue[host->next++];
	return host && host->has_forever ? &host->forever : NULL;
}

/* It is in flight no longer. */
static void
count_out(struct transfer *transfer)
{
	struct fake_transport *fake = transfer->fake;

	if (!transfer->counted)
		return;
	transfer->counted = false;
	fake->in_flight--;
	if (fake->ended)
		fake->ended(fake->arg, transfer->request);
}

static void
free_transfer(struct transfer *transfer)
{
	struct fake_transport *fake = transfer->fake;

	clock_stop(&fake->clock->clock, &transfer->timer);
	clock_stop(&fake->clock->clock, &transfer->again);
	list_remove(&transfer->node);
	count_out(transfer);
	http_headers_free(&transfer->headers);
	fake_reply_free(&transfer->reply);
	free(transfer);
}

/* True if the transfer was cancelled meanwhile. */
static bool
tell_headers(struct transfer *transfer)
{
	transfer->begun = true;
	transfer->in_callback = true;
	transfer->callbacks.on_headers(transfer->arg, transfer->result.status, &transfer->headers);
	transfer->in_callback = false;
	return transfer->cancelled;
}

/* Likewise. */
static bool
tell_bytes(struct transfer *transfer)
{
	size_t count = transfer->arrived - transfer->sent;
	const char *bytes = transfer->reply.body.data + transfer->sent;

	if (transfer->cut_bytes > 0 && count > transfer->cut_bytes)
		count = transfer->cut_bytes;
	assert(!transfer->held);
	transfer->sent += count;
	transfer->in_callback = true;
	transfer->callbacks.on_body(transfer->arg, bytes, count);
	transfer->in_callback = false;
	return transfer->cancelled;
}

static void
tell_end(struct transfer *transfer)
{
	struct transport_callbacks callbacks = transfer->callbacks;
	struct transport_result result = transfer->result;
	void *arg = transfer->arg;

	free_transfer(transfer);
	callbacks.on_done(arg, &result);
}

/* Tells what has arrived. False: the transfer is gone. */
static bool
deliver(struct transfer *transfer)
{
	bool gone = false;

	while (!gone && !transfer->held && transfer->sent < transfer->arrived)
		gone = tell_bytes(transfer);
	if (gone)
		free_transfer(transfer);
	else if (transfer->ended && transfer->sent == transfer->arrived)
		tell_end(transfer);
	else
		return true;
	return false;
}

static void
on_again(void *arg)
{
	(void)deliver(arg);
}

static void on_time(void *arg);

static void
await_next(struct transfer *transfer)
{
	const struct fake_reply *reply = &transfer->reply;
	int64_t at_ms = transfer->next_step < reply->step_count
		? reply->steps[transfer->next_step].at_ms
		: reply->end_ms;

	if (at_ms != CLOCK_NEVER)
		clock_start(&transfer->fake->clock->clock, &transfer->timer,
			transfer->started_ms + at_ms, on_time, transfer);
}

/* All that comes at this moment. */
static void
on_time(void *arg)
{
	struct transfer *transfer = arg;
	const struct fake_reply *reply = &transfer->reply;
	int64_t at_ms = transfer->fake->clock->time_ms - transfer->started_ms;

	for (; transfer->next_step < reply->step_count; transfer->next_step++) {
		if (reply->steps[transfer->next_step].at_ms > at_ms)
			break;
		if (!transfer->begun && tell_headers(transfer)) {
			free_transfer(transfer);
			return;
		}
		transfer->arrived = reply->steps[transfer->next_step].bytes;
		if (!deliver(transfer))
			return;
	}
	if (transfer->next_step == reply->step_count && reply->end_ms <= at_ms) {
		transfer->ended = true;
		(void)deliver(transfer);
	} else {
		await_next(transfer);
	}
}

/* The first label of a URL's host, a new string. */
static char *
host_of(const char *url)
{
	const char *host = strstr(url, "://");

	assert(host);
	return x_strndup(host + 3, strcspn(host + 3, ".:/"));
}

static const struct fake_request *
keep_request(struct fake_transport *fake, const struct transport_request *asked)
{
	struct fake_request *request;

	fake->requests =
		x_realloc(fake->requests, (fake->request_count + 1) * sizeof *fake->requests);
	request = &fake->requests[fake->request_count++];
	*request = (struct fake_request){
		.host = host_of(asked->http->url),
		.url = x_strdup(asked->http->url),
		.headers = x_strdup(asked->http->headers.data),
		.body = x_strdup(asked->http->body.data),
		.at_ms = fake->clock->time_ms,
		.fresh = asked->fresh_connection,
		.stream = asked->stream,
	};
	return request;
}

static void
begin(struct transfer *transfer, const struct fake_behaviour *behaviour, const char *host,
	const struct transport_request *asked)
{
	struct fake_behaviour does = *behaviour;

	if (does.end == TRANSPORT_CONNECT_TIMEOUT)
		does.after_ms = asked->connect_timeout_ms;
	fake_reply_make(&transfer->reply, &does, host, asked->http->url, asked->stream);
	transfer->cut_bytes = does.cut_bytes;
	transfer->result.end = transfer->reply.end;
	transfer->result.status = does.status;
	transfer->result.reused = does.reused && !asked->fresh_connection;
	if (transfer->result.end != TRANSPORT_DONE)
		(void)snprintf(transfer->result.detail, sizeof transfer->result.detail, "%s",
			transport_end_name(transfer->result.end));
	(void)buf_add(&transfer->headers.text, does.headers.data, does.headers.len);
	await_next(transfer);
}

/* A check: no script is used up by it. */
static void
begin_check(struct transfer *transfer, const struct transport_request *asked)
{
	char *name = host_of(asked->http->url);
	const struct fake_host *host = find_host(transfer->fake, name);
	struct fake_behaviour behaviour = fake_behaviour_new();

	transfer->check = true;
	if (host && host->checked) {
		behaviour.body = x_strdup(host->checked);
	} else {
		behaviour.end = TRANSPORT_REFUSED;
		behaviour.status = 0;
	}
	begin(transfer, &behaviour, name, asked);
	fake_behaviour_free(&behaviour);
	free(name);
}

static void
begin_request(struct transfer *transfer, const struct transport_request *asked)
{
	struct fake_transport *fake = transfer->fake;
	const struct fake_request *request = keep_request(fake, asked);
	const struct fake_behaviour *script = scripted(fake, request->host);
	struct fake_behaviour own = fake_behaviour_new();

	transfer->request = fake->request_count - 1;
	if (!script && fake->improvise)
		own = fake->improvise(fake->arg, transfer->request);
	begin(transfer, script ? script : &own, request->host, asked);
	fake_behaviour_free(&own);
	fake->in_flight++;
	transfer->counted = true;
	if (fake->started)
		fake->started(fake->arg, transfer->request);
}

static struct transfer *
start(struct transport *transport, const struct transport_request *asked,
	const struct transport_callbacks *callbacks, void *arg)
{
	struct fake_transport *fake = UTIL_OWNER(transport, struct fake_transport, transport);
	struct transfer *transfer = x_calloc(1, sizeof *transfer);

	transfer->fake = fake;
	transfer->callbacks = *callbacks;
	transfer->arg = arg;
	transfer->started_ms = fake->clock->time_ms;
	http_headers_init(&transfer->headers);
	list_append(&fake->transfers, &transfer->node);
	if (strcmp(asked->http->method, "POST") == 0)
		begin_request(transfer, asked);
	else
		begin_check(transfer, asked);
	return transfer;
}

static void
cancel(struct transfer *transfer)
{
	assert(!transfer->cancelled);
	transfer->cancelled = true;
	count_out(transfer);
	if (!transfer->in_callback)
		free_transfer(transfer);
}

static void
hold(struct transfer *transfer, bool held)
{
	struct clock *clock = &transfer->fake->clock->clock;

	assert(!transfer->cancelled);
	transfer->held = held;
	if (held)
		clock_stop(clock, &transfer->again);
	else if (!transfer->in_callback)
		clock_soon(clock, &transfer->again, on_again, transfer);
}

void
fake_transport_init(struct fake_transport *fake, struct fake_clock *clock)
{
	static const struct transport_ops ops = {start, cancel, hold};

	*fake = (struct fake_transport){.transport.ops = &ops, .clock = clock};
	list_init(&fake->hosts);
	list_init(&fake->transfers);
}

static void
free_host(struct fake_host *host)
{
	list_remove(&host->node);
	for (size_t i = 0; i < host->count; i++)
		fake_behaviour_free(&host->queue[i]);
	if (host->has_forever)
		fake_behaviour_free(&host->forever);
	free(host->queue);
	free(host->checked);
	free(host->name);
	free(host);
}

void
fake_transport_free(struct fake_transport *fake)
{
	while (!list_empty(&fake->transfers))
		free_transfer(LIST_OWNER(fake->transfers.next, struct transfer, node));
	while (!list_empty(&fake->hosts))
		free_host(LIST_OWNER(fake->hosts.next, struct fake_host, node));
	for (size_t i = 0; i < fake->request_count; i++) {
		free(fake->requests[i].host);
		free(fake->requests[i].url);
		free(fake->requests[i].headers);
		free(fake->requests[i].body);
	}
	free(fake->requests);
}

size_t
fake_transport_count(const struct fake_transport *fake, const char *host)
{
	size_t count = 0;

	for (size_t i = 0; i < fake->request_count; i++)
		count += strcmp(fake->requests[i].host, host) == 0;
	return count;
}

const struct fake_request *
fake_transport_last(const struct fake_transport *fake, const char *host)
{
	for (size_t i = fake->request_count; i-- > 0;)
		if (strcmp(fake->requests[i].host, host) == 0)
			return &fake->requests[i];
	return NULL;
}

int
fake_transport_in_flight(const struct fake_transport *fake, const char *host)
{
	int count = 0;

	for (struct list *node = fake->transfers.next; node != &fake->transfers;
		node = node->next) {
		size_t request = LIST_OWNER(node, struct transfer, node)->request;

		count += !LIST_OWNER(node, struct transfer, node)->check &&
			strcmp(fake->requests[request].host, host) == 0;
	}
	return count;
}
