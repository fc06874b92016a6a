/* SPDX-License-Identifier: MIT */
/* report: what came of a call that a program made itself, from parameters to one outcome. */
#include <stdlib.h>
#include <string.h>

#include "attempt.h"
#include "llmfo.h"
#include "log.h"
#include "pick.h"
#include "rpc.h"

#define LATENCY_MAX_MS 86400000
/* A status below it is no failure by itself. */
#define STATUS_FAILED 400

static bool
refuse(struct session_request *request, const char *why)
{
	session_fail(request, LLMFO_EINVALID_REQUEST, "%s", why);
	return false;
}

static bool
no_such_class(struct session_request *request, const char *name)
{
	struct buf known;

	buf_init(&known, 1024);
	for (int i = OUTCOME_OK + 1; i < OUTCOME_CLASSES; i++)
		(void)buf_printf(&known, "%s%s", known.len ? ", " : "", outcome_text(i));
	session_fail(request, LLMFO_EINVALID_REQUEST,
		"parameter `class`: `%.40s` is not one of: %s", name, known.data);
	buf_free(&known);
	return false;
}

/* A failure of which the class is told. */
static bool
take_class(struct session_request *request, const msgpack_object_map *map, struct outcome *outcome)
{
	char *name = rpc_text(map, "class");
	int class = outcome_from_text(name);
	size_t length;
	const char *message = message_string(map, "message", &length);
	bool taken = class > OUTCOME_OK;

	if (!taken) {
		(void)no_such_class(request, name);
	} else {
		outcome_set(outcome, (enum outcome_class) class, "%s", "");
		outcome->http_status = (int)message_int(map, "http_status", 0);
		if (message)
			outcome_scrub(
				message, length, NULL, outcome->message, sizeof outcome->message);
	}
	free(name);
	return taken;
}

/* A failure of which the status is told, and perhaps what the provider wrote: judged as one of the
 * daemon's own would be. */
static void
judge(struct session_request *request, const msgpack_object_map *map, struct outcome *outcome)
{
	size_t length = 0;
	const char *message = message_string(map, "message", &length);
	struct outcome_input input = {
		.end = TRANSPORT_DONE,
		.status = (int)message_int(map, "http_status", 0),
		.body = message,
		.body_bytes = length < ATTEMPT_ERROR_MAX_BYTES ? length : ATTEMPT_ERROR_MAX_BYTES,
		.wall_ms = clock_wall_ms(request->session->core->clock),
	};

	outcome_judge(&input, outcome);
}

static bool
take_failure(
	struct session_request *request, const msgpack_object_map *map, struct outcome *outcome)
{
	int64_t retry_after_ms = message_int(map, "retry_after_ms", 0);

	if (retry_after_ms < 0)
		return refuse(request, "parameter `retry_after_ms` must be 0 or more");
	if (message_get(map, "class")) {
		if (!take_class(request, map, outcome))
			return false;
	} else if (message_int(map, "http_status", 0) >= STATUS_FAILED) {
		judge(request, map, outcome);
	} else {
		return refuse(request,
			"a failure needs `class`, or an `http_status` of 400 and up to judge by");
	}
	if (retry_after_ms > 0)
		outcome->retry_after_ms = retry_after_ms;
	return true;
}

static bool
take_outcome(
	struct session_request *request, const msgpack_object_map *map, struct outcome *outcome)
{
	char *word = rpc_text(map, "outcome");
	int64_t status = message_int(map, "http_status", 200);
	bool taken = false;

	if (word && (status < 100 || status > 599)) {
		(void)refuse(request, "parameter `http_status` must be from 100 to 599");
	} else if (word && strcmp(word, "failed") == 0) {
		taken = take_failure(request, map, outcome);
	} else if (!word || strcmp(word, "ok") != 0) {
		(void)refuse(request, "parameter `outcome` must be ok or failed");
	} else if (message_get(map, "class") || message_get(map, "retry_after_ms") ||
		message_get(map, "message")) {
		(void)refuse(request,
			"`class`, `message` and `retry_after_ms` belong to `outcome` failed");
	} else if (status >= STATUS_FAILED) {
		(void)refuse(request, "`outcome` ok has an `http_status` below 400");
	} else {
		outcome_set(outcome, OUTCOME_OK, "%s", "");
		taken = true;
	}
	outcome->reported = true;
	free(word);
	return taken;
}

/* The tokens of a usage, for the log; -1 where it does not say, -2 where it is no usage. */
static int64_t
tokens(const struct json *usage, const char *key)
{
	const struct json *value = json_get(usage, key);
	int64_t number;

	if (!value)
		return -1;
	return json_int(value, &number) && number >= 0 ? number : -2;
}

static bool
take_usage(struct session_request *request, const msgpack_object_map *map, int64_t *prompt,
	int64_t *completion)
{
	const msgpack_object *value = message_get(map, "usage");
	const char *why = NULL;

	*prompt = *completion = -1;
	if (!value)
		return true;
	struct json *usage = value->type == MSGPACK_OBJECT_STR
		? json_parse(value->via.str.ptr, value->via.str.size, true, &why)
		: json_from_msgpack(value, &why);
	bool good = json_type(usage) == JSON_OBJECT;
	*prompt = tokens(usage, "prompt_tokens");
	*completion = tokens(usage, "completion_tokens");
	json_free(usage);
	if (good && *prompt > -2 && *completion > -2)
		return true;
	return refuse(request, "parameter `usage` must be a map of numbers of tokens");
}

/* Tokens are told to the log; nothing else counts them. */
static void
log_report(const struct session_request *request, const char *where, const struct outcome *outcome,
	int64_t prompt, int64_t completion)
{
	const struct log_field fields[] = {
		LOG_NUMBER("user", request->session->peer.uid),
		LOG_NUMBER("pid", request->session->peer.pid),
		LOG_STRING("class", outcome_text(outcome->class)),
		{.key = outcome->http_status ? "http_status" : "", .number = outcome->http_status},
		{.key = prompt >= 0 ? "prompt_tokens" : "", .number = prompt},
		{.key = completion >= 0 ? "completion_tokens" : "", .number = completion},
	};

	log_line(LOG_DEBUG, fields, UTIL_COUNT(fields), "%s reported", where);
}

static void
reply(struct session_request *request, enum circuit_state state)
{
	msgpack_packer *packer = session_reply_begin(request);

	msgpack_pack_map(packer, 2);
	rpc_pack_pair_bool(packer, "noted", true);
	rpc_pack_pair_text(packer, "state", circuit_state_text(state));
	session_reply_end(request);
}

static void
note(struct session_request *request, const struct pick_report *report)
{
	enum circuit_state state;

	if (pick_report(request->session->core, report, &state) == 0)
		reply(request, state);
	else if (report->lease)
		session_fail(request, LLMFO_ENOT_FOUND,
			"you hold no such lease; it may have run out or been reported already");
	else
		rpc_no_such(request, "target", report->target);
}

void
rpc_report(struct session_request *request, const msgpack_object_map *map)
{
	char *lease = rpc_text(map, "lease");
	char *target = rpc_text(map, "target");
	struct outcome outcome = {0};
	int64_t latency_ms = message_int(map, "latency_ms", -1);
	int64_t prompt, completion;

	if (!lease == !target) {
		(void)refuse(request, "give either `lease` or `target`");
	} else if (message_get(map, "latency_ms") &&
		(latency_ms < 0 || latency_ms > LATENCY_MAX_MS)) {
		(void)refuse(request, "parameter `latency_ms` must be from 0 to 86400000");
	} else if (take_outcome(request, map, &outcome) &&
		take_usage(request, map, &prompt, &completion)) {
		struct pick_report report = {
			.uid = request->session->peer.uid,
			.lease = lease,
			.target = target,
			.outcome = &outcome,
			.latency_ms = latency_ms,
		};

		log_report(
			request, target ? target : "a picked call", &outcome, prompt, completion);
		note(request, &report);
	}
	free(lease);
	free(target);
}
