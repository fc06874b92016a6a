/* SPDX-License-Identifier: MIT */
/*
 * See attempt.h. One timer bounds an attempt: until content comes by the share of the deadline,
 * then by the limit and the deadline alone. The transport has only the time to connect.
 */
#include "attempt.h"

#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "log.h"

enum attempt_state {
	ATTEMPT_WAITING,  /* for the first content */
	ATTEMPT_READING,  /* the answer */
	ATTEMPT_DRAINING, /* what comes behind a status that is a failure already */
	ATTEMPT_UNSENT,   /* the request could not be made: its outcome is on its way */
	ATTEMPT_OVER,     /* done() or cancel() came */
};

/* The body of an error says more than its status, and reading it keeps the connection: for so long.
 */
#define DRAIN_MS 1000

/*
 * A pooled connection that was dead already shows it within a round trip of the request; what
 * breaks later broke while the provider worked on it, and is a failure like any other.
 */
#define DEAD_CONNECTION_MS 300

struct attempt {
	enum attempt_state state;
	struct clock *clock;
	struct transport *transport;
	struct attempt_request request;
	struct http_request http;
	struct http_headers headers;
	struct buf body;
	struct transfer *transfer; /* NULL: none is running */
	struct clock_timer timer;
	int64_t started_ms;
	int64_t exchange_ms; /* when the present exchange began */
	int64_t draining_ms; /* when its failure was known */
	int status;          /* 0: no headers yet */
	bool replaced;       /* a dead pooled connection was replaced already */
	struct outcome outcome;
	const struct attempt_events *events;
	void *arg;
};

static void
set_state(struct attempt *attempt, enum attempt_state state)
{
	static const char *const names[] = {"waiting", "reading", "draining", "unsent", "over"};

	log_debug("attempt at %s: %s -> %s", attempt->request.target->name, names[attempt->state],
		names[state]);
	attempt->state = state;
}

static void
release(struct attempt *attempt)
{
	clock_stop(attempt->clock, &attempt->timer);
	if (attempt->transfer)
		transport_cancel(attempt->transport, attempt->transfer);
	attempt->transfer = NULL;
	http_request_free(&attempt->http);
	http_headers_free(&attempt->headers);
	buf_free(&attempt->body);
}

static void
finish(struct attempt *attempt, struct provider_answer *answer)
{
	struct attempt_result result = {
		.outcome = attempt->outcome,
		.answer = answer,
		.quota = quota_read(&attempt->headers, clock_wall_ms(attempt->clock),
			clock_now_ms(attempt->clock)),
		.latency_ms = clock_now_ms(attempt->clock) - attempt->started_ms,
		.first_content_ms = -1,
	};

	set_state(attempt, ATTEMPT_OVER);
	release(attempt);
	attempt->events->done(attempt->arg, &result);
	free(attempt);
}

/* The moment at which the attempt has to end if nothing more happens. */
static int64_t
next_limit_ms(const struct attempt *attempt)
{
	const struct attempt_request *request = &attempt->request;
	int64_t limit_ms = util_add_clamped(attempt->started_ms, request->limit_ms);

	if (attempt->state == ATTEMPT_WAITING && request->first_content_ms < request->limit_ms)
		limit_ms = util_add_clamped(attempt->started_ms, request->first_content_ms);
	if (attempt->state == ATTEMPT_DRAINING && attempt->draining_ms + DRAIN_MS < limit_ms)
		limit_ms = attempt->draining_ms + DRAIN_MS;
	return limit_ms < request->deadline_ms ? limit_ms : request->deadline_ms;
}

/* Judges what has come, once the exchange is over or is waited for no longer. */
static void
judge(struct attempt *attempt, enum transport_end end, const char *detail, const char *bad_call)
{
	struct outcome_input input = {
		.end = end,
		.detail = detail,
		.status = attempt->status,
		.headers = &attempt->headers,
		.body = attempt->body.data,
		.body_bytes = attempt->body.len,
		.wall_ms = clock_wall_ms(attempt->clock),
		.secret = attempt->request.target->provider->endpoint.key,
		.bad_call = bad_call,
	};

	outcome_judge(&input, &attempt->outcome);
}

static void
on_limit(void *arg)
{
	struct attempt *attempt = arg;
	int64_t now_ms = clock_now_ms(attempt->clock);
	int64_t ran_ms = now_ms - attempt->started_ms;

	if (attempt->state == ATTEMPT_DRAINING) {
		judge(attempt, TRANSPORT_DONE, NULL, NULL);
	} else if (now_ms >= attempt->request.deadline_ms &&
		ran_ms < attempt->request.own_limit_ms) {
		outcome_set(&attempt->outcome, OUTCOME_DEADLINE_EXCEEDED,
			"the call's deadline passed after %lld ms", (long long)ran_ms);
	} else {
		outcome_set(&attempt->outcome, OUTCOME_TIMEOUT, "no %s within %lld ms",
			attempt->state == ATTEMPT_WAITING ? "content" : "complete answer",
			(long long)ran_ms);
		attempt->outcome.counts = ran_ms >= attempt->request.own_limit_ms;
	}
	attempt->outcome.http_status = attempt->status;
	finish(attempt, NULL);
}

static void
arm(struct attempt *attempt)
{
	clock_start(attempt->clock, &attempt->timer, next_limit_ms(attempt), on_limit, attempt);
}

static void
on_headers(void *arg, int status, const struct http_headers *headers)
{
	struct attempt *attempt = arg;

	attempt->status = status;
	(void)buf_add(&attempt->headers.text, headers->text.data, headers->text.len);
	if (status >= 200 && status <= 299)
		return;
	attempt->body.max = ATTEMPT_ERROR_MAX_BYTES;
	attempt->draining_ms = clock_now_ms(attempt->clock);
	set_state(attempt, ATTEMPT_DRAINING);
	arm(attempt);
}

/* White space before an answer keeps a connection alive; it is no content. */
static bool
has_content(const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strchr(" \t\r\n", bytes[i]) || bytes[i] == '\0')
			return true;
	return false;
}

static void
on_body(void *arg, const char *bytes, size_t count)
{
	struct attempt *attempt = arg;
	size_t room = attempt->body.max - attempt->body.len;

	if (attempt->state == ATTEMPT_WAITING && has_content(bytes, count)) {
		set_state(attempt, ATTEMPT_READING);
		arm(attempt);
	}
	/* what is beyond is only read: a longer answer ends by the transport's own limit */
	(void)buf_add(&attempt->body, bytes, count < room ? count : room);
}

/* True: it is an answer. False: outcome says what it is instead. */
static bool
read_reply(struct attempt *attempt, const struct transport_result *result,
	struct provider_answer *answer)
{
	const struct provider_endpoint *endpoint = &attempt->request.target->provider->endpoint;
	bool answered = result->end == TRANSPORT_DONE && attempt->status >= 200 &&
		attempt->status <= 299 &&
		endpoint->preset->family->answer(attempt->body.data, attempt->body.len, answer);

	if (answered)
		outcome_set(&attempt->outcome, OUTCOME_OK, "%s", "");
	else
		judge(attempt, result->end, result->detail, answer->bad_call);
	attempt->outcome.http_status = attempt->status;
	return answered;
}

/* The pool kept a connection that the other side had given up: no failure of anybody's. */
static bool
was_dead(const struct attempt *attempt, const struct transport_result *result)
{
	return result->end == TRANSPORT_RESET && result->reused && !attempt->replaced &&
		clock_now_ms(attempt->clock) - attempt->exchange_ms <= DEAD_CONNECTION_MS;
}

static void begin_exchange(struct attempt *attempt);

static void
on_done(void *arg, const struct transport_result *result)
{
	struct attempt *attempt = arg;
	struct provider_answer answer;

	attempt->transfer = NULL;
	log_debug("attempt at %s: the exchange ended: %s, status %d", attempt->request.target->name,
		transport_end_name(result->end), result->status);
	if (was_dead(attempt, result)) {
		log_info("a pooled connection to %s was dead: another one takes the request",
			attempt->request.target->provider->name);
		attempt->replaced = true;
		begin_exchange(attempt);
		return;
	}
	provider_answer_init(&answer);
	bool answered = read_reply(attempt, result, &answer);
	finish(attempt, answered ? &answer : NULL);
	provider_answer_free(&answer);
}

static const struct transport_callbacks callbacks = {on_headers, on_body, on_done};

static void
begin_exchange(struct attempt *attempt)
{
	const struct config_provider *provider = attempt->request.target->provider;
	struct transport_request request = {
		.http = &attempt->http,
		.connect_timeout_ms = provider->timeout.connect_ms,
		.max_reply_bytes = ATTEMPT_REPLY_MAX_BYTES,
		.proxy = provider->proxy,
		.ca_file = provider->ca_file,
		.fresh_connection = attempt->replaced,
	};

	attempt->exchange_ms = clock_now_ms(attempt->clock);
	attempt->transfer = transport_start(attempt->transport, &request, &callbacks, attempt);
}

static void
on_unsent(void *arg)
{
	finish(arg, NULL);
}

/* The target cannot carry the request, or it is too long: the outcome is known without a network.
 */
static void
refuse(struct attempt *attempt, int error, const char *why)
{
	if (error == LLMFO_ETOO_LARGE)
		outcome_set(&attempt->outcome, OUTCOME_TOO_LARGE,
			"the request is longer than this target may be sent");
	else
		outcome_set(&attempt->outcome, OUTCOME_BAD_REQUEST, "%s", why);
	attempt->outcome.lacks_capability = true;
	set_state(attempt, ATTEMPT_UNSENT);
	clock_soon(attempt->clock, &attempt->timer, on_unsent, attempt);
}

/* A request may be this much longer than what the caller was allowed to send, for what escaping
 * adds. */
#define REQUEST_MAX_BYTES ((size_t)256 << 20)

struct attempt *
attempt_start(struct clock *clock, struct transport *transport,
	const struct attempt_request *request, const struct attempt_events *events, void *arg)
{
	const struct provider_endpoint *endpoint = &request->target->provider->endpoint;
	struct attempt *attempt = x_calloc(1, sizeof *attempt);
	struct buf why;

	attempt->clock = clock;
	attempt->transport = transport;
	attempt->request = *request;
	attempt->started_ms = clock_now_ms(clock);
	attempt->events = events;
	attempt->arg = arg;
	http_request_init(&attempt->http, REQUEST_MAX_BYTES);
	http_headers_init(&attempt->headers);
	buf_init(&attempt->body, ATTEMPT_REPLY_MAX_BYTES);
	buf_init(&why, OUTCOME_MESSAGE_BYTES);
	int error =
		endpoint->preset->family->request(endpoint, request->chat, &attempt->http, &why);
	if (error) {
		refuse(attempt, error, why.data);
	} else {
		arm(attempt);
		begin_exchange(attempt);
	}
	buf_free(&why);
	return attempt;
}

void
attempt_hold(struct attempt *attempt, bool held)
{
	if (attempt->transfer)
		transport_hold(attempt->transport, attempt->transfer, held);
}

int64_t
attempt_cancel(struct attempt *attempt)
{
	int64_t ran_ms = clock_now_ms(attempt->clock) - attempt->started_ms;

	set_state(attempt, ATTEMPT_OVER);
	release(attempt);
	free(attempt);
	return ran_ms;
}
