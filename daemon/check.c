/* SPDX-License-Identifier: MIT */
/* See check.h. */
#include "check.h"

#include <stdlib.h>

#include "llmfo.h"

/* A model list may be long (OpenRouter's is half a megabyte); a check need not wait for ever. */
#define CHECK_REPLY_MAX_BYTES ((size_t)8 << 20)
#define CHECK_TIMEOUT_MS 10000

struct check {
	struct clock *clock;
	struct transport *transport;
	char *const *models;
	struct http_request http;
	struct http_headers headers;
	struct buf body;
	struct transfer *transfer;
	struct clock_timer timer;
	int64_t started_ms;
	struct check_result result;
	check_done done;
	void *arg;
};

static void
release(struct check *check)
{
	clock_stop(check->clock, &check->timer);
	if (check->transfer)
		transport_cancel(check->transport, check->transfer);
	http_request_free(&check->http);
	http_headers_free(&check->headers);
	buf_free(&check->body);
	free(check->result.models_missing);
	free(check);
}

static void
finish(struct check *check)
{
	check->result.latency_ms = clock_now_ms(check->clock) - check->started_ms;
	check->done(check->arg, &check->result);
	release(check);
}

static void
on_timeout(void *arg)
{
	struct check *check = arg;

	outcome_set(&check->result.outcome, OUTCOME_TIMEOUT, "no answer within %d ms",
		CHECK_TIMEOUT_MS);
	finish(check);
}

static void
on_headers(void *arg, int status, const struct http_headers *headers)
{
	struct check *check = arg;

	(void)status;
	(void)buf_add(&check->headers.text, headers->text.data, headers->text.len);
}

static void
on_body(void *arg, const char *bytes, size_t count)
{
	struct check *check = arg;

	(void)buf_add(&check->body, bytes, count);
}

/* Which of the wanted models the list does not have. */
static void
look_for_models(struct check *check)
{
	const struct provider_family *family = check->result.provider->endpoint.preset->family;
	size_t missing = 0;

	for (size_t i = 0; check->models[i]; i++)
		if (family->check_has_model(check->body.data, check->body.len, check->models[i]) ==
			0)
			check->result.models_missing[missing++] = check->models[i];
}

static void
on_done(void *arg, const struct transport_result *result)
{
	struct check *check = arg;
	struct outcome_input input = {
		.end = result->end,
		.detail = result->detail,
		.status = result->status,
		.headers = &check->headers,
		.body = check->body.data,
		.body_bytes = check->body.len,
		.wall_ms = clock_wall_ms(check->clock),
		.secret = check->result.provider->endpoint.key,
	};

	check->transfer = NULL;
	check->result.reachable = result->status > 0;
	if (result->end == TRANSPORT_DONE && result->status >= 200 && result->status <= 299) {
		check->result.key_ok = check->result.well = true;
		look_for_models(check);
	} else {
		outcome_judge(&input, &check->result.outcome);
		enum outcome_class class = check->result.outcome.class;
		check->result.key_ok = check->result.reachable && class != OUTCOME_AUTH &&
			class != OUTCOME_PERMISSION;
	}
	finish(check);
}

static const struct transport_callbacks callbacks = {on_headers, on_body, on_done};

static void
on_unsent(void *arg)
{
	finish(arg);
}

struct check *
check_start(struct clock *clock, struct transport *transport, struct config_provider *provider,
	char *const *models, check_done done, void *arg)
{
	struct check *check = x_calloc(1, sizeof *check);
	struct transport_request request = {
		.http = &check->http,
		.connect_timeout_ms = provider->timeout.connect_ms,
		.max_reply_bytes = CHECK_REPLY_MAX_BYTES,
		.proxy = provider->proxy,
		.ca_file = provider->ca_file,
	};
	size_t count = 0;

	while (models[count])
		count++;
	check->clock = clock;
	check->transport = transport;
	check->models = models;
	check->started_ms = clock_now_ms(clock);
	check->done = done;
	check->arg = arg;
	check->result.provider = provider;
	check->result.models_missing = x_calloc(count + 1, sizeof(char *));
	http_request_init(&check->http, 0);
	http_headers_init(&check->headers);
	buf_init(&check->body, CHECK_REPLY_MAX_BYTES);
	if (provider->endpoint.preset->family->check(&provider->endpoint, &check->http)) {
		outcome_set(&check->result.outcome, OUTCOME_BAD_REQUEST,
			"the check's request could not be made");
		clock_soon(clock, &check->timer, on_unsent, check);
		return check;
	}
	clock_start(clock, &check->timer, check->started_ms + CHECK_TIMEOUT_MS, on_timeout, check);
	check->transfer = transport_start(transport, &request, &callbacks, check);
	return check;
}

void
check_cancel(struct check *check)
{
	release(check);
}
