/* SPDX-License-Identifier: MIT */
/* See fake_transport.h. Two timers a transfer: one for its beginning, one for its end. */
#include "fake_transport.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define BODY_MAX_BYTES ((size_t)64 << 20)

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
	struct fake_behaviour behaviour; /* texts borrowed from the host */
	struct transport_callbacks callbacks;
	void *arg;
	struct clock_timer begin, end;
	struct http_headers headers;
	char *body; /* owned */
	size_t length, sent;
	size_t request; /* its place among the requests */
	bool check;     /* no request of a call: not kept */
	bool begun;
	bool in_callback, cancelled;
};

struct fake_behaviour
fake_behaviour_new(void)
{
	struct fake_behaviour behaviour = {.end = TRANSPORT_DONE, .status = 200, .begins_ms = -1};

	buf_init(&behaviour.headers, HTTP_HEADERS_MAX_BYTES);
	return behaviour;
}

static void
free_behaviour(struct fake_behaviour *behaviour)
{
	free(behaviour->text);
	free(behaviour->type);
	free(behaviour->code);
	free(behaviour->body);
	buf_free(&behaviour->headers);
}

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
			free_behaviour(&host->forever);
		host->forever = *behaviour;
		host->has_forever = true;
		return;
	}
	host->queue = x_realloc(host->queue, (host->count + 1) * sizeof *host->queue);
	host->queue[host->count++] = *behaviour;
}

static struct fake_behaviour
next_behaviour(const struct fake_transport *fake, const char *name)
{
	struct fake_host *host = find_host(fake, name);

	if (host && host->next < host->count)
		return host->queue[host->next++];
	if (host && host->has_forever)
		return host->forever;
	return fake_behaviour_new();
}

static struct json *
text_or_null(const char *text)
{
	return text ? json_new_string(text, strlen(text)) : NULL;
}

static struct json *
openai_answer(const struct fake_behaviour *behaviour, const char *text)
{
	struct json *answer = json_new_object(), *choices = json_new_array();
	struct json *choice = json_new_object(), *message = json_new_object();

	json_set_text(message, "role", "assistant");
	json_set_text(message, "content", text);
	json_set_int(choice, "index", 0);
	json_set(choice, "message", message);
	json_set_text(choice, "finish_reason", "stop");
	json_push(choices, choice);
	json_set_text(answer, "object", "chat.completion");
	json_set(answer, "choices", choices);
	if (!behaviour->no_usage) {
		struct json *usage = json_new_object();

		json_set_int(usage, "prompt_tokens", 5);
		json_set_int(usage, "completion_tokens", 3);
		json_set_int(usage, "total_tokens", 8);
		json_set(answer, "usage", usage);
	}
	return answer;
}

static struct json *
ollama_answer(const struct fake_behaviour *behaviour, const char *text)
{
	struct json *answer = json_new_object(), *message = json_new_object();

	json_set_text(message, "role", "assistant");
	json_set_text(message, "content", text);
	json_set_text(answer, "model", "m");
	json_set(answer, "message", message);
	json_set_text(answer, "done_reason", "stop");
	json_set_bool(answer, "done", true);
	if (!behaviour->no_usage) {
		json_set_int(answer, "prompt_eval_count", 5);
		json_set_int(answer, "eval_count", 3);
	}
	return answer;
}

static struct json *
error_body(const struct fake_behaviour *behaviour, const char *text, bool ollama)
{
	struct json *body = json_new_object(), *error;

	if (ollama) {
		json_set_text(body, "error", text);
		return body;
	}
	error = json_new_object();
	json_set_text(error, "message", text);
	json_set(error, "type", text_or_null(behaviour->type));
	json_set(error, "param", NULL);
	json_set(error, "code", text_or_null(behaviour->code));
	json_set(body, "error", error);
	return body;
}

/* The body in the shape of the family that the URL belongs to. */
static char *
make_body(const struct fake_behaviour *behaviour, const struct fake_request *request)
{
	bool ollama = strstr(request->url, "/api/") != NULL;
	bool good = behaviour->status >= 200 && behaviour->status <= 299;
	char *text = behaviour->text ? x_strdup(behaviour->text)
		: good               ? x_asprintf("hello from %s", request->host)
				     : x_asprintf("%s says %d", request->host, behaviour->status);
	struct json *tree;
	struct buf out;

	if (!good)
		tree = error_body(behaviour, text, ollama);
	else
		tree = ollama ? ollama_answer(behaviour, text) : openai_answer(behaviour, text);
	buf_init(&out, BODY_MAX_BYTES);
	assert(json_write(tree, &out) == 0);
	json_free(tree);
	free(text);
	return buf_take(&out, NULL);
}

static void
free_transfer(struct transfer *transfer)
{
	struct fake_transport *fake = transfer->fake;

	clock_stop(&fake->clock->clock, &transfer->begin);
	clock_stop(&fake->clock->clock, &transfer->end);
	list_remove(&transfer->node);
	if (!transfer->check) {
		fake->in_flight--;
		if (fake->ended)
			fake->ended(fake->arg, transfer->request);
	}
	http_headers_free(&transfer->headers);
	free(transfer->body);
	free(transfer);
}

/* One piece of the body, and false if the transfer was cancelled meanwhile. */
static bool
send_piece(struct transfer *transfer, size_t count)
{
	if (count == 0)
		return true;
	const char *bytes = transfer->body + transfer->sent;
	transfer->sent += count;
	transfer->in_callback = true;
	transfer->callbacks.on_body(transfer->arg, bytes, count);
	transfer->in_callback = false;
	return !transfer->cancelled;
}

static bool
send_beginning(struct transfer *transfer)
{
	if (transfer->begun || transfer->behaviour.status == 0)
		return true;
	transfer->begun = true;
	transfer->in_callback = true;
	transfer->callbacks.on_headers(
		transfer->arg, transfer->behaviour.status, &transfer->headers);
	transfer->in_callback = false;
	return !transfer->cancelled && send_piece(transfer, transfer->length > 0);
}

static void
on_begin(void *arg)
{
	struct transfer *transfer = arg;

	if (!send_beginning(transfer))
		free_transfer(transfer);
}

static void
on_end(void *arg)
{
	struct transfer *transfer = arg;
	size_t half = transfer->length / 2;
	struct transport_result result = {
		.end = transfer->behaviour.end,
		.status = transfer->behaviour.status,
		.reused = transfer->behaviour.reused,
	};

	if (result.end != TRANSPORT_DONE)
		(void)snprintf(
			result.detail, sizeof result.detail, "%s", transport_end_name(result.end));
	if (send_beginning(transfer) &&
		send_piece(transfer, half > transfer->sent ? half - transfer->sent : 0) &&
		(result.end != TRANSPORT_DONE ||
			send_piece(transfer, transfer->length - transfer->sent))) {
		struct transport_callbacks callbacks = transfer->callbacks;
		void *callback_arg = transfer->arg;

		free_transfer(transfer);
		callbacks.on_done(callback_arg, &result);
	} else {
		free_transfer(transfer);
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
	};
	return request;
}

/* Sets the timers of what will happen. */
static void
schedule(struct transfer *transfer, const struct transport_request *asked)
{
	const struct fake_behaviour *behaviour = &transfer->behaviour;
	struct clock *clock = &transfer->fake->clock->clock;
	int64_t now_ms = clock_now_ms(clock);
	int64_t after_ms = behaviour->after_ms;

	if (behaviour->hangs)
		return;
	if (behaviour->end == TRANSPORT_CONNECT_TIMEOUT)
		after_ms = asked->connect_timeout_ms;
	if (behaviour->begins_ms >= 0)
		clock_start(
			clock, &transfer->begin, now_ms + behaviour->begins_ms, on_begin, transfer);
	clock_start(clock, &transfer->end, now_ms + after_ms, on_end, transfer);
}

/* A check: no script is used up by it. */
static void
begin_check(struct transfer *transfer, const struct transport_request *asked)
{
	char *name = host_of(asked->http->url);
	const struct fake_host *host = find_host(transfer->fake, name);

	transfer->check = true;
	transfer->behaviour = fake_behaviour_new();
	if (host && host->checked) {
		transfer->body = x_strdup(host->checked);
		transfer->length = strlen(transfer->body);
	} else {
		transfer->behaviour.end = TRANSPORT_REFUSED;
		transfer->behaviour.status = 0;
	}
	free(name);
}

static void
begin_request(struct transfer *transfer, const struct transport_request *asked)
{
	struct fake_transport *fake = transfer->fake;
	const struct fake_request *request = keep_request(fake, asked);
	struct fake_behaviour *behaviour = &transfer->behaviour;

	transfer->request = fake->request_count - 1;
	*behaviour = next_behaviour(fake, request->host);
	if (asked->fresh_connection)
		behaviour->reused = false;
	(void)buf_add(&transfer->headers.text, behaviour->headers.data, behaviour->headers.len);
	if (behaviour->status > 0) {
		transfer->body =
			behaviour->body ? x_strdup(behaviour->body) : make_body(behaviour, request);
		transfer->length = strlen(transfer->body);
	}
	fake->in_flight++;
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
	http_headers_init(&transfer->headers);
	list_append(&fake->transfers, &transfer->node);
	if (strcmp(asked->http->method, "POST") == 0)
		begin_request(transfer, asked);
	else
		begin_check(transfer, asked);
	schedule(transfer, asked);
	return transfer;
}

static void
cancel(struct transfer *transfer)
{
	assert(!transfer->cancelled);
	transfer->cancelled = true;
	if (!transfer->in_callback)
		free_transfer(transfer);
}

static void
hold(struct transfer *transfer, bool held)
{
	(void)transfer;
	(void)held;
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
		free_behaviour(&host->queue[i]);
	if (host->has_forever)
		free_behaviour(&host->forever);
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
