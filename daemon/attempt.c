/* SPDX-License-Identifier: MIT */
/*
 * See attempt.h. One timer bounds an attempt, by what attempt_times.h reckons; the transport has
 * only the time to connect. A sign of life does not set it anew: when it fires it looks again.
 */
#include "attempt.h"

#include <stdlib.h>
#include <string.h>

#include "attempt_times.h"
#include "llmfo.h"
#include "log.h"
#include "provider_stream.h"

enum attempt_state {
	ATTEMPT_WAITING,  /* for the first content */
	ATTEMPT_READING,  /* the answer */
	ATTEMPT_ENDING,   /* a stream whose answer is whole: the connection's end of it */
	ATTEMPT_DRAINING, /* what comes behind a status that is a failure already */
	ATTEMPT_UNSENT,   /* the request could not be made: its outcome is on its way */
	ATTEMPT_OVER,     /* done() or cancel() came */
};

/* The body of an error says more than its status, and reading it keeps the connection: for so long.
 */
#define DRAIN_MS 1000

/*
 * The end of a chunked reply comes with the answer's or right behind it; for so long it is waited
 * for, since a connection that is left before is lost.
 */
#define ENDING_MS 20

/* A stream that has told why it ended may still tell its usage and its end mark, within this. */
#define LAST_WORDS_MS 1000

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
	struct buf body;                /* of what is no stream */
	struct provider_stream *stream; /* NULL: none was asked for */
	struct provider_echo echo;
	struct transfer *transfer; /* NULL: none is running */
	struct clock_timer timer;
	struct attempt_times times;
	int64_t exchange_ms;      /* when the present exchange began */
	int64_t state_ms;         /* and the present state */
	int64_t first_content_ms; /* from the start; -1 */
	int status;               /* 0: no headers yet */
	bool replaced;            /* a dead pooled connection was replaced already */
	struct outcome outcome;
	struct provider_usage usage; /* of a reply that is no answer */
	bool usage_unfinished;
	const struct attempt_events *events;
	void *arg;
};

static void
set_state(struct attempt *attempt, enum attempt_state state)
{
	static const char *const names[] = {
		"waiting", "reading", "ending", "draining", "unsent", "over"};

	log_debug("attempt at %s: %s -> %s", attempt->request.target->name, names[attempt->state],
		names[state]);
	attempt->state = state;
	attempt->state_ms = clock_now_ms(attempt->clock);
}

/* Nothing comes any more. */
static void
leave(struct attempt *attempt)
{
	clock_stop(attempt->clock, &attempt->timer);
	if (attempt->transfer)
		transport_cancel(attempt->transport, attempt->transfer);
	attempt->transfer = NULL;
}

static void
release(struct attempt *attempt)
{
	http_request_free(&attempt->http);
	http_headers_free(&attempt->headers);
	buf_free(&attempt->body);
	provider_stream_free(attempt->stream);
	provider_echo_free(&attempt->echo);
	free(attempt);
}

static void
finish(struct attempt *attempt, struct provider_answer *answer)
{
	struct attempt_result result = {
		.outcome = attempt->outcome,
		.answer = answer,
		.usage = answer ? answer->usage : attempt->usage,
		.usage_unfinished = attempt->usage_unfinished,
		.quota = quota_read(&attempt->headers, clock_wall_ms(attempt->clock),
			clock_now_ms(attempt->clock)),
		.latency_ms = clock_now_ms(attempt->clock) - attempt->times.started_ms,
		.held_ms = attempt_times_held_ms(&attempt->times, clock_now_ms(attempt->clock)),
		.first_content_ms = attempt->first_content_ms,
	};

	set_state(attempt, ATTEMPT_OVER);
	leave(attempt);
	attempt->events->done(attempt->arg, &result);
	release(attempt);
}

/* The moment at which the attempt has to end if nothing more happens. */
static int64_t
next_limit_ms(const struct attempt *attempt)
{
	int64_t limit_ms = attempt_times_end_ms(&attempt->times), state_ms = CLOCK_NEVER;

	if (attempt->state == ATTEMPT_DRAINING)
		state_ms = attempt->state_ms + DRAIN_MS;
	else if (attempt->state == ATTEMPT_ENDING)
		state_ms = attempt->state_ms + ENDING_MS;
	return state_ms < limit_ms ? state_ms : limit_ms;
}

/* Is what comes the stream that was asked for? */
static bool
is_stream(const struct attempt *attempt)
{
	return attempt->stream && attempt->status >= 200 && attempt->status <= 299;
}

/* Judges what has come, once the exchange is over or is waited for no longer. */
static void
judge(struct attempt *attempt, enum transport_end end, const char *detail, const char *bad_call)
{
	const struct buf *body =
		is_stream(attempt) ? provider_stream_fault(attempt->stream) : &attempt->body;
	struct outcome_input input = {
		.end = end,
		.detail = detail,
		.status = attempt->status,
		.headers = &attempt->headers,
		.body = body->data,
		.body_bytes = body->len,
		.wall_ms = clock_wall_ms(attempt->clock),
		.secret = attempt->request.target->provider->endpoint.key,
		.bad_call = bad_call,
	};

	if (is_stream(attempt))
		input.why = provider_stream_why(attempt->stream);
	outcome_judge(&input, &attempt->outcome);
}

/* What a stream that is no answer has told of its usage. */
static void
take_usage(struct attempt *attempt)
{
	attempt->usage = provider_stream_answer(attempt->stream)->usage;
	attempt->usage_unfinished = !provider_stream_finished(attempt->stream);
}

static void
finish_stream(struct attempt *attempt)
{
	outcome_set(&attempt->outcome, OUTCOME_OK, "%s", "");
	attempt->outcome.http_status = attempt->status;
	finish(attempt, provider_stream_answer(attempt->stream));
}

/* What it came to that nothing more is waited for. */
static void
set_timeout(struct attempt *attempt)
{
	const struct attempt_times *times = &attempt->times;
	int64_t now_ms = clock_now_ms(attempt->clock), own_end_ms = attempt_times_own_end_ms(times);
	long long ran_ms = now_ms - times->started_ms;

	if (now_ms >= times->deadline_ms && now_ms < own_end_ms) {
		outcome_set(&attempt->outcome, OUTCOME_DEADLINE_EXCEEDED,
			"the call's deadline passed after %lld ms", ran_ms);
		return;
	}
	if (attempt_times_silent(times, now_ms))
		outcome_set(&attempt->outcome, OUTCOME_TIMEOUT, "nothing more came for %lld ms",
			(long long)(now_ms - times->sign_ms));
	else
		outcome_set(&attempt->outcome, OUTCOME_TIMEOUT, "no %s within %lld ms",
			times->begun ? "complete answer" : "content", ran_ms);
	attempt->outcome.counts = now_ms >= own_end_ms;
}

static void arm(struct attempt *attempt);

static void
on_limit(void *arg)
{
	struct attempt *attempt = arg;

	if (clock_now_ms(attempt->clock) < next_limit_ms(attempt)) {
		arm(attempt);
		return;
	}
	if (attempt->state == ATTEMPT_ENDING ||
		(attempt->state == ATTEMPT_READING && is_stream(attempt) &&
			provider_stream_end(attempt->stream))) {
		finish_stream(attempt);
		return;
	}
	if (attempt->state == ATTEMPT_DRAINING)
		judge(attempt, TRANSPORT_DONE, NULL, NULL);
	else
		set_timeout(attempt);
	if (is_stream(attempt))
		take_usage(attempt);
	attempt->outcome.http_status = attempt->status;
	finish(attempt, NULL);
}

static void
arm(struct attempt *attempt)
{
	clock_start(attempt->clock, &attempt->timer, next_limit_ms(attempt), on_limit, attempt);
}

/* ---- what a stream brings ---- */

static void
on_progress(void *arg)
{
	struct attempt *attempt = arg;

	if (!attempt_times_sign(&attempt->times, clock_now_ms(attempt->clock)))
		return;
	set_state(attempt, ATTEMPT_READING);
	arm(attempt);
}

static void
note_content(struct attempt *attempt)
{
	on_progress(attempt);
	if (attempt->first_content_ms < 0)
		attempt->first_content_ms = attempt->times.sign_ms - attempt->times.started_ms;
}

static void
on_text(void *arg, const char *text, size_t length)
{
	struct attempt *attempt = arg;

	note_content(attempt);
	attempt->events->text(attempt->arg, text, length);
}

static void
on_tool_call(void *arg, const struct json *call)
{
	struct attempt *attempt = arg;

	note_content(attempt);
	attempt->events->tool_call(attempt->arg, call);
}

static const struct provider_stream_sink sink = {on_text, on_tool_call, on_progress};

/* It is broken, or has come to its end without being an answer. */
static void
fail_stream(struct attempt *attempt, enum transport_end end, const char *detail)
{
	take_usage(attempt);
	judge(attempt, end, detail, provider_stream_answer(attempt->stream)->bad_call);
	attempt->outcome.http_status = attempt->status;
	finish(attempt, NULL);
}

/* Nothing may touch the attempt after it. */
static void
take_pieces(struct attempt *attempt, const char *bytes, size_t count)
{
	if (!provider_stream_feed(attempt->stream, bytes, count)) {
		fail_stream(attempt, TRANSPORT_DONE, NULL);
	} else if (provider_stream_whole(attempt->stream)) {
		set_state(attempt, ATTEMPT_ENDING);
		arm(attempt);
	} else if (provider_stream_finished(attempt->stream) &&
		attempt->times.idle_ms > LAST_WORDS_MS) {
		on_progress(attempt);
		attempt->times.idle_ms = LAST_WORDS_MS;
		arm(attempt);
	}
}

/* ---- the exchange ---- */

static void
on_headers(void *arg, int status, const struct http_headers *headers)
{
	struct attempt *attempt = arg;

	attempt->status = status;
	(void)buf_add(&attempt->headers.text, headers->text.data, headers->text.len);
	if (status >= 200 && status <= 299)
		return;
	attempt->body.max = ATTEMPT_ERROR_MAX_BYTES;
	(void)attempt_times_sign(&attempt->times, clock_now_ms(attempt->clock));
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

	if (is_stream(attempt)) {
		if (attempt->state != ATTEMPT_ENDING)
			take_pieces(attempt, bytes, count);
		return;
	}
	if (attempt->state == ATTEMPT_WAITING && has_content(bytes, count))
		on_progress(attempt);
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

	if (answered) {
		(void)provider_echo_cut(&attempt->echo, &answer->text, true);
		outcome_set(&attempt->outcome, OUTCOME_OK, "%s", "");
	} else {
		judge(attempt, result->end, result->detail, answer->bad_call);
	}
	attempt->usage = answer->usage;
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
	if (is_stream(attempt)) {
		if (attempt->state == ATTEMPT_ENDING || provider_stream_end(attempt->stream))
			finish_stream(attempt);
		else
			fail_stream(attempt, result->end, result->detail);
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
		.stream = attempt->request.stream,
	};

	attempt->exchange_ms = clock_now_ms(attempt->clock);
	attempt->transfer = transport_start(attempt->transport, &request, &callbacks, attempt);
	if (attempt->times.held_since_ms != CLOCK_NEVER)
		transport_hold(attempt->transport, attempt->transfer, true);
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

static void
set_times(struct attempt *attempt)
{
	const struct attempt_request *request = &attempt->request;

	attempt->times = (struct attempt_times){
		.own_limit_ms = request->own_limit_ms,
		.limit_ms = request->limit_ms,
		.first_token_ms = request->stream ? request->first_token_ms : CLOCK_NEVER,
		.idle_ms = request->stream ? request->idle_ms : CLOCK_NEVER,
		.share_ms = request->first_content_ms,
		.deadline_ms = request->deadline_ms,
	};
	attempt_times_start(&attempt->times, clock_now_ms(attempt->clock));
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
	attempt->first_content_ms = -1;
	attempt->events = events;
	attempt->arg = arg;
	set_times(attempt);
	provider_echo_init(&attempt->echo, endpoint->preset, request->chat);
	if (request->stream) {
		attempt->stream = provider_stream_new(
			endpoint->preset->family, &sink, attempt, ATTEMPT_REPLY_MAX_BYTES);
		provider_stream_skip(attempt->stream, &attempt->echo);
	}
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
	attempt_times_hold(&attempt->times, held, clock_now_ms(attempt->clock));
	if (!attempt->transfer)
		return;
	transport_hold(attempt->transport, attempt->transfer, held);
	if (!held)
		arm(attempt);
}

int64_t
attempt_cancel(struct attempt *attempt)
{
	int64_t ran_ms = clock_now_ms(attempt->clock) - attempt->times.started_ms;

	set_state(attempt, ATTEMPT_OVER);
	leave(attempt);
	release(attempt);
	return ran_ms;
}
