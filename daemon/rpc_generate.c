/* SPDX-License-Identifier: MIT */
/* generate: from its parameters to a call, and from the call's result to a reply. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "llmfo.h"
#include "rpc.h"
#include "rpc_shape.h"

#define STOP_MAX 16
#define RETRIES_MAX 10
#define WHY_MAX_BYTES 300

/* A call and the request that waits for it. */
struct generate {
	struct session_request *request;
	struct call *call;
};

struct call_request *
rpc_call_request(struct session_request *request)
{
	struct core *core = request->session->core;
	struct call_request *call = x_calloc(1, sizeof *call);

	call->config = config_ref(core->config);
	call->fallback = core->config->fallback && core->config->enable_fallback;
	call->max_retries = -1;
	call->race.max_parallel = 1;
	call->uid = request->session->peer.uid;
	call->admin = rpc_privileged(core, &request->session->peer);
	core_request_id(core, call->request_id);
	return call;
}

/* A JSON parameter as a tree of that type. False: the request was answered. *json is NULL if it was
 * not given. */
static bool
take_json(struct session_request *request, const msgpack_object_map *map, const char *key,
	enum json_type type, struct json **json)
{
	const msgpack_object *value = message_get(map, key);
	const char *why = NULL;

	*json = NULL;
	if (!value)
		return true;
	if (value->type == MSGPACK_OBJECT_STR)
		*json = json_parse(value->via.str.ptr, value->via.str.size, true, &why);
	else if (value->type == MSGPACK_OBJECT_BIN)
		*json = json_parse(value->via.bin.ptr, value->via.bin.size, true, &why);
	else
		*json = json_from_msgpack(value, &why);
	if (!*json)
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `%s` is not usable JSON: %s", key,
			why ? why : "it cannot be read");
	else if (json_type(*json) != type)
		session_fail(request, LLMFO_EINVALID_REQUEST, "parameter `%s` must be %s", key,
			type == JSON_ARRAY ? "an array" : "a map");
	else
		return true;
	return false;
}

static struct json *
new_message(const char *role, const char *text, size_t length)
{
	struct json *message = json_new_object();

	json_set_text(message, "role", role);
	json_set(message, "content", json_new_string(text, length));
	return message;
}

static bool
take_messages(
	struct session_request *request, const msgpack_object_map *map, struct call_request *call)
{
	size_t length;
	const char *prompt = message_string(map, "prompt", &length);
	size_t system_length;
	const char *system = message_string(map, "system", &system_length);

	if (!take_json(request, map, "messages", JSON_ARRAY, &call->messages))
		return false;
	if (!call->messages && !prompt && !system)
		return true;
	if (!call->messages == !prompt || (call->messages && system)) {
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"give either `messages` or `prompt` (with `system` if you like)");
		return false;
	}
	if (call->messages)
		return true;
	call->messages = json_new_array();
	if (system)
		json_push(call->messages, new_message("system", system, system_length));
	json_push(call->messages, new_message("user", prompt, length));
	return true;
}

/* An integer within bounds; *value stays as it is if it was not given. False: the request was
 * answered. */
static bool
take_int(struct session_request *request, const msgpack_object_map *map, const char *key,
	int64_t low, int64_t high, int64_t *value)
{
	if (!message_get(map, key))
		return true;
	*value = message_int(map, key, low - 1);
	if (*value >= low && *value <= high)
		return true;
	session_fail(request, LLMFO_EINVALID_REQUEST, "parameter `%s` must be from %lld to %lld",
		key, (long long)low, (long long)high);
	return false;
}

static bool
take_number(struct session_request *request, const msgpack_object_map *map, const char *key,
	double high, bool *given, double *value)
{
	const msgpack_object *object = message_get(map, key);

	if (!object)
		return true;
	*given = true;
	if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
		*value = (double)object->via.u64;
	else
		*value = object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ? -1 : object->via.f64;
	if (*value >= 0 && *value <= high)
		return true;
	session_fail(request, LLMFO_EINVALID_REQUEST, "parameter `%s` must be from 0 to %.0f", key,
		high);
	return false;
}

/* The texts of a STRINGS parameter: how many; item(i) by strings_at(). */
static uint32_t
strings_count(const msgpack_object *value)
{
	if (!value)
		return 0;
	return value->type == MSGPACK_OBJECT_ARRAY ? value->via.array.size : 1;
}

static const msgpack_object_str *
strings_at(const msgpack_object *value, uint32_t index)
{
	return value->type == MSGPACK_OBJECT_ARRAY ? &value->via.array.ptr[index].via.str
						   : &value->via.str;
}

static bool
take_stop(struct session_request *request, const msgpack_object_map *map, struct call_request *call)
{
	const msgpack_object *value = message_get(map, "stop");
	uint32_t count = strings_count(value);

	if (count > STOP_MAX) {
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `stop` takes up to %d texts", STOP_MAX);
		return false;
	}
	if (count == 0)
		return true;
	call->params.stop = json_new_array();
	for (uint32_t i = 0; i < count; i++)
		json_push(call->params.stop,
			json_new_string(strings_at(value, i)->ptr, strings_at(value, i)->size));
	return true;
}

static bool
take_retry_on(
	struct session_request *request, const msgpack_object_map *map, struct call_request *call)
{
	const msgpack_object *value = message_get(map, "retry_on");

	for (uint32_t i = 0; i < strings_count(value); i++) {
		char *item = x_strndup(strings_at(value, i)->ptr, strings_at(value, i)->size);
		int error = config_retry_on_add(&call->retry_on, item);

		if (error)
			session_fail(request, LLMFO_EINVALID_REQUEST,
				"parameter `retry_on`: `%.40s` is no class, status, default or any",
				item);
		free(item);
		if (error)
			return false;
	}
	call->has_retry_on = value != NULL;
	return true;
}

static bool
take_on_break(
	struct session_request *request, const msgpack_object_map *map, struct call_request *call)
{
	static const char *const words[] = {
		[CALL_BREAK_ERROR] = "error",
		[CALL_BREAK_RESTART] = "restart",
		[CALL_BREAK_CONTINUE] = "continue",
	};
	size_t length;
	const char *word = message_string(map, "on_break", &length);

	for (size_t i = 0; word && i < UTIL_COUNT(words); i++) {
		if (strlen(words[i]) != length || memcmp(words[i], word, length) != 0)
			continue;
		call->on_break = (enum call_on_break)i;
		return true;
	}
	if (word)
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `on_break` must be error, restart or continue");
	return !word;
}

static bool
take_params(
	struct session_request *request, const msgpack_object_map *map, struct call_request *call)
{
	struct config_params *params = &call->params;
	int64_t retries = -1;

	if (!take_number(request, map, "temperature", 2, &params->has_temperature,
		    &params->temperature) ||
		!take_number(request, map, "top_p", 1, &params->has_top_p, &params->top_p) ||
		!take_int(request, map, "max_tokens", 1, INT32_MAX, &params->max_tokens) ||
		!take_int(request, map, "seed", INT64_MIN + 1, INT64_MAX, &params->seed) ||
		!take_int(request, map, "deadline_ms", 1, INT32_MAX, &call->deadline_ms) ||
		!take_int(request, map, "timeout_ms", 1, INT32_MAX, &call->timeout_ms) ||
		!take_int(request, map, "max_retries_per_model", 0, RETRIES_MAX, &retries) ||
		!take_stop(request, map, call) || !take_retry_on(request, map, call) ||
		!take_on_break(request, map, call) ||
		!take_json(request, map, "tools", JSON_ARRAY, &call->tools) ||
		!take_json(request, map, "response_format", JSON_OBJECT, &params->response_format))
		return false;
	params->has_seed = message_get(map, "seed") != NULL;
	call->max_retries = (int)retries;
	call->stream = message_bool(map, "stream", false);
	call->end_user = rpc_text(map, "user");
	call->workspace = rpc_text(map, "workspace");
	return true;
}

/* tool_choice is a word ("auto") or a map; a word is no JSON text. */
static bool
take_tool_choice(
	struct session_request *request, const msgpack_object_map *map, struct call_request *call)
{
	size_t length;
	const char *word = message_string(map, "tool_choice", &length);

	if (word && length > 0 && word[0] != '{') {
		call->tool_choice = json_new_string(word, length);
		return true;
	}
	return take_json(request, map, "tool_choice", JSON_OBJECT, &call->tool_choice);
}

/* False: the request was answered. */
static bool
check_shape(struct session_request *request, struct call_request *call)
{
	struct buf why;

	buf_init(&why, WHY_MAX_BYTES);
	bool good = (!call->messages || rpc_shape_messages(call->messages, &why)) &&
		rpc_shape_tools(call->tools, &why) &&
		rpc_shape_choice(call->tools, call->tool_choice, &why);
	if (!good)
		session_fail(request, LLMFO_EINVALID_REQUEST, "%s", why.data);
	buf_free(&why);
	return good;
}

bool
rpc_read_content(
	struct session_request *request, const msgpack_object_map *map, struct call_request *call)
{
	if (!take_messages(request, map, call) || !take_params(request, map, call) ||
		!take_tool_choice(request, map, call) || !check_shape(request, call))
		return false;
	call_request_judge(call);
	return true;
}

static void
pack_attempts(msgpack_packer *packer, const struct call_result *result)
{
	rpc_pack_text(packer, "attempts");
	msgpack_pack_array(packer, result->attempt_count);
	for (size_t i = 0; i < result->attempt_count; i++) {
		const struct call_attempt *attempt = &result->attempts[i];
		const struct outcome *outcome = &attempt->outcome;

		msgpack_pack_map(packer,
			4 + (outcome->http_status > 0) + (outcome->message[0] != '\0') +
				attempt->cost_unknown + attempt->cost_may);
		rpc_pack_pair_text(packer, "target", attempt->target);
		rpc_pack_pair_text(packer, "class", outcome_text(outcome->class));
		if (outcome->http_status > 0)
			rpc_pack_pair_int(packer, "http_status", outcome->http_status);
		if (outcome->message[0])
			rpc_pack_pair_text(packer, "message", outcome->message);
		rpc_pack_pair_int(packer, "latency_ms", attempt->latency_ms);
		rpc_pack_pair_int(packer, "cost_picousd", attempt->cost_picousd);
		if (attempt->cost_unknown)
			rpc_pack_pair_bool(packer, "cost_unknown", true);
		if (attempt->cost_may)
			rpc_pack_pair_bool(packer, "cost_estimated", true);
	}
}

static void
pack_usage(msgpack_packer *packer, const struct call_result *result)
{
	const struct provider_usage *usage = &result->answer->usage;

	rpc_pack_text(packer, "usage");
	msgpack_pack_map(packer, 5);
	rpc_pack_pair_int(packer, "prompt_tokens", usage->prompt_tokens);
	rpc_pack_pair_int(packer, "completion_tokens", usage->completion_tokens);
	rpc_pack_pair_int(packer, "cached_tokens", usage->cached_tokens);
	rpc_pack_pair_int(packer, "total_tokens", usage->total_tokens);
	rpc_pack_pair_bool(packer, "estimated", result->usage_estimated);
}

static void
reply_answer(struct session_request *request, const struct call_result *result)
{
	const struct provider_answer *answer = result->answer;
	const struct json *warnings = result->request->warnings;
	bool first_token = result->request->stream && result->first_token_ms >= 0;
	msgpack_packer *packer = session_reply_begin(request);

	msgpack_pack_map(packer,
		10 + (answer->tool_calls != NULL) + first_token + result->cost_unknown +
			(warnings != NULL));
	rpc_pack_text(packer, "text");
	msgpack_pack_str_with_body(packer, answer->text.data, answer->text.len);
	if (answer->tool_calls) {
		rpc_pack_text(packer, "tool_calls");
		json_pack(answer->tool_calls, packer);
	}
	rpc_pack_pair_text(packer, "finish_reason", provider_finish_text(answer->finish));
	rpc_pack_pair_text(packer, "provider_used", result->target->provider->name);
	rpc_pack_pair_text(packer, "model_used", result->target->model);
	rpc_pack_pair_bool(packer, "fallback_occurred", result->fallback_occurred);
	pack_attempts(packer, result);
	rpc_pack_pair_int(packer, "total_latency_ms", result->total_latency_ms);
	if (first_token)
		rpc_pack_pair_int(packer, "first_token_ms", result->first_token_ms);
	pack_usage(packer, result);
	rpc_pack_pair_int(packer, "cost_picousd", result->cost_picousd);
	if (result->cost_unknown)
		rpc_pack_pair_bool(packer, "cost_unknown", true);
	rpc_pack_pair_text(packer, "request_id", result->request->request_id);
	if (warnings) {
		rpc_pack_text(packer, "warnings");
		json_pack(warnings, packer);
	}
	session_reply_end(request);
}

static void
reply_error(struct session_request *request, const struct call_result *result)
{
	bool wait = result->retry_after_ms >= 0;
	msgpack_packer *packer = session_error_begin(
		request, result->error, result->message, 2 + wait + (result->partial != NULL));

	pack_attempts(packer, result);
	if (wait)
		rpc_pack_pair_int(packer, "retry_after_ms", result->retry_after_ms);
	if (result->partial) {
		rpc_pack_text(packer, "partial");
		msgpack_pack_str_with_body(packer, result->partial, result->partial_length);
	}
	rpc_pack_pair_text(packer, "request_id", result->request->request_id);
	msgpack_pack_nil(packer);
	session_reply_end(request);
}

static void
on_done(void *arg, const struct call_result *result)
{
	struct generate *generate = arg;
	struct session_request *request = generate->request;

	free(generate);
	if (result->error)
		reply_error(request, result);
	else
		reply_answer(request, result);
}

static void
on_cancel(void *arg)
{
	struct generate *generate = arg;

	call_cancel(generate->call);
	free(generate);
}

static void
on_abort(void *arg, int error, const char *message)
{
	struct generate *generate = arg;

	call_abort(generate->call, error, message);
}

static void
on_hold(void *arg, bool held)
{
	struct generate *generate = arg;

	call_hold(generate->call, held);
}

static void
on_text(void *arg, const char *text, size_t length)
{
	const struct generate *generate = arg;

	session_delta_text(generate->request, text, length);
}

static void
on_tool_call(void *arg, const struct json *call)
{
	const struct generate *generate = arg;

	session_delta_tool_call(generate->request, call);
}

static void
on_reset(void *arg)
{
	const struct generate *generate = arg;

	session_reset(generate->request);
}

static const struct call_events events = {.done = on_done};
static const struct call_events stream_events = {
	.done = on_done, .text = on_text, .tool_call = on_tool_call, .reset = on_reset};

static void
start(struct session_request *request, struct call_request *call)
{
	struct generate *generate = x_calloc(1, sizeof *generate);
	bool stream = call->stream;

	generate->request = request;
	request->arg = generate;
	request->cancel = on_cancel;
	request->abort = on_abort;
	request->hold = stream ? on_hold : NULL;
	generate->call = call_start(
		&request->session->core->env, call, stream ? &stream_events : &events, generate);
	if (stream && request->session->streams_held)
		call_hold(generate->call, true);
}

/* As reply_error() has it for a call. */
static void
reply_busy(struct session_request *request, const char *why)
{
	msgpack_packer *packer = session_error_begin(request, LLMFO_EBUSY, why, 2);
	char id[33];

	core_request_id(request->session->core, id);
	rpc_pack_text(packer, "attempts");
	msgpack_pack_array(packer, 0);
	rpc_pack_pair_text(packer, "request_id", id);
	msgpack_pack_nil(packer);
	session_reply_end(request);
}

/* One that could neither run nor wait is refused before it costs anything. False: it was. */
static bool
has_place(struct session_request *request)
{
	const struct session *session = request->session;
	const struct gate *gate = &session->core->gate;
	enum gate_fault fault = gate_fault(gate, &session->user->calls, false);

	if (fault == GATE_FITS || rpc_privileged(session->core, &session->peer))
		return true;
	char *why = call_crowded_text(gate, session->user, fault);
	reply_busy(request, why);
	free(why);
	return false;
}

void
rpc_generate(struct session_request *request, const msgpack_object_map *map)
{
	if (rpc_shuts_down(request))
		return;
	if (!has_place(request))
		return;
	struct call_request *call = rpc_call_request(request);
	bool read = rpc_choose(request, map, call);
	if (!read || !call->messages) {
		if (read)
			session_fail(request, LLMFO_EINVALID_REQUEST,
				"give either `messages` or `prompt` (with `system` if you like)");
		call_request_free(call);
		return;
	}
	start(request, call);
}
