/* SPDX-License-Identifier: MIT */
/*
 * The OpenAI chat completions API, which Ollama and Gemini offer beside their own as well. The
 * wording of its errors is the real one, since clients under test classify by it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shape.h"
#include "stream.h"

#define QUOTA_DOCS "https://platform.openai.com/docs/guides/error-codes/api-errors."
#define LIMIT_DOCS "Visit https://platform.openai.com/account/rate-limits to learn more."
#define BAD "invalid_request_error"

enum { PAGE_MODELS, PAGE_MODEL, PAGE_HEALTH };

static const char *const openai_models[] = {"gpt-4o-mini", "gpt-4o", NULL};

static const struct fault_row openai_faults[] = {
	{401, NULL, BAD, "invalid_api_key",
		"Incorrect API key provided: $1. You can find your API key at "
		"https://platform.openai.com/account/api-keys."},
	{401, "auth", BAD, NULL,
		"You didn't provide an API key. You need to provide your API key in an "
		"Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."},
	{400, "context", BAD, "context_length_exceeded",
		"This model's maximum context length is 8192 tokens. However, your messages "
		"resulted in 9214 tokens. Please reduce the length of the messages."},
	{400, "policy", BAD, "content_policy_violation",
		"Your request was rejected as a result of our safety system. Your prompt may "
		"contain text that is not allowed by our safety system."},
	{400, "billing", "billing_limit_user_error", "billing_hard_limit_reached",
		"Billing hard limit has been reached"},
	{429, "billing", "billing_not_active", "billing_not_active",
		"Your account is not active, please check your billing details on our website."},
	{400, "param", BAD, "decimal_above_max_value",
		"Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but "
		"got 200 instead."},
	{400, "unsupported", BAD, "unsupported_parameter",
		"Unsupported parameter: 'tools' is not supported with this model."},
	{404, "model", BAD, "model_not_found",
		"The model `$M` does not exist or you do not have access to it."},
	{403, "region", "request_forbidden", "unsupported_country_region_territory",
		"Country, region, or territory not supported"},
	{403, "permission", BAD, NULL,
		"You have insufficient permissions for this operation. Missing scopes: "
		"model.request."},
	{429, "insufficient_quota", "insufficient_quota", "insufficient_quota",
		"You exceeded your current quota, please check your plan and billing details. For "
		"more information on this error, read the docs: " QUOTA_DOCS},
	{402, "insufficient_quota", BAD, "insufficient_quota", "Insufficient balance"},
	{429, "tokens", "tokens", "rate_limit_exceeded",
		"Rate limit reached for $M in organization org-A on tokens per min (TPM): Limit "
		"30000, Used 29937, Requested 385. Please try again in 644ms. " LIMIT_DOCS},
	{429, "too_large", "tokens", "rate_limit_exceeded",
		"Request too large for $M in organization org-A on tokens per min (TPM): Limit "
		"30000, Requested 31538. The input or output tokens must be reduced in order to "
		"run successfully. " LIMIT_DOCS},
	{429, "daily", "requests", "rate_limit_exceeded",
		"Rate limit reached for $M in organization org-A on requests per day (RPD): Limit "
		"200, Used 200, Requested 1. Please try again in 7m12s. " LIMIT_DOCS},
	{429, "overloaded", "server_error", NULL,
		"That model is currently overloaded with other requests. You can retry your "
		"request, or contact us through our help center at help.openai.com if the error "
		"persists."},
	{503, "overloaded", "server_error", NULL,
		"The engine is currently overloaded, please try again later"},
	{503, "loading", "unavailable_error", NULL, "Loading model"},
	{503, "capacity", "internal_server_error", NULL, "$M is currently over capacity."},
	{400, NULL, BAD, NULL, "We could not parse the JSON body of your request."},
	{402, NULL, BAD, "insufficient_quota", "Insufficient balance"},
	{403, NULL, BAD, NULL, "You are not allowed to sample from this model"},
	{404, NULL, BAD, "model_not_found",
		"The model `$M` does not exist or you do not have access to it."},
	{405, NULL, BAD, "method_not_supported", "Not allowed to GET on this path."},
	{408, NULL, "server_error", NULL, "Request timed out."},
	{409, NULL, BAD, NULL, "The resource was updated by another process."},
	{413, NULL, BAD, NULL, "Maximum content size limit (26214400) exceeded."},
	{422, NULL, BAD, NULL, "Unprocessable request."},
	{429, NULL, "requests", "rate_limit_exceeded",
		"Rate limit reached for $M in organization org-A on requests per min (RPM): Limit "
		"3, Used 3, Requested 1. " LIMIT_DOCS},
	{498, NULL, "server_error", "capacity_exceeded", "Flex tier capacity exceeded for $M."},
	{501, NULL, "not_supported_error", NULL, "This server does not support this request."},
	{502, NULL, "html", NULL, NULL},
	{503, NULL, "server_error", NULL, "The server is currently unable to handle the request."},
	{504, NULL, "html", NULL, NULL},
	{520, NULL, "html", NULL, NULL},
	{522, NULL, "html", NULL, NULL},
	{524, NULL, "html", NULL, NULL},
	{529, NULL, "server_error", "overloaded", "The engine is currently overloaded."},
	{0, NULL, "server_error", NULL,
		"The server had an error while processing your request. Sorry about that!"},
};

static const char *const openai_known[] = {
	"audio",
	"frequency_penalty",
	"function_call",
	"functions",
	"logit_bias",
	"logprobs",
	"max_completion_tokens",
	"max_tokens",
	"messages",
	"metadata",
	"modalities",
	"model",
	"n",
	"parallel_tool_calls",
	"prediction",
	"presence_penalty",
	"prompt_cache_key",
	"reasoning_effort",
	"response_format",
	"safety_identifier",
	"seed",
	"service_tier",
	"stop",
	"store",
	"stream",
	"stream_options",
	"temperature",
	"tool_choice",
	"tools",
	"top_logprobs",
	"top_p",
	"user",
	"verbosity",
	"web_search_options",
	NULL,
};

static void
openai_route(struct ask *ask)
{
	const struct span path = ask->req->path;
	bool get = !span_is(ask->req->method, "POST");

	if (!get && span_ends(path, "/chat/completions")) {
		ask->what = ASK_CHAT;
	} else if (get && span_ends(path, "/models")) {
		ask->what = ASK_CHECK;
		ask->page = PAGE_MODELS;
	} else if (get && memmem(path.p, path.n, "/models/", 8)) {
		const char *name = (const char *)memmem(path.p, path.n, "/models/", 8) + 8;

		ask->what = ASK_CHECK;
		ask->page = PAGE_MODEL;
		ask->model = out_strndup(name, (size_t)(path.p + path.n - name));
	} else if (get && (span_ends(path, "/health") || span_ends(path, "/key"))) {
		ask->what = ASK_CHECK;
		ask->page = PAGE_HEALTH;
	}
}

static void
openai_check_key(struct ask *ask)
{
	ask_set_key(ask, http_header(ask->req, "authorization"), "Bearer ");
	ask_set_key(ask, http_header(ask->req, "api-key"), "");
	if (ask_key_ok(ask) || ask->page == PAGE_HEALTH)
		return;
	if (!ask->key)
		ask_refuse_kind(ask, 401, "auth");
	else
		ask_refuse(ask, 401, NULL, NULL, NULL, NULL, NULL);
}

static void
openai_check_message(struct ask *ask, json_object *message)
{
	static const char *const roles[] = {
		"system",
		"developer",
		"user",
		"assistant",
		"tool",
		"function",
		NULL,
	};
	const char *role = ask_string(message, "role");
	json_object *content = ask_field(message, "content");
	const char *const *r = roles;

	while (role && *r && strcmp(*r, role) != 0)
		r++;
	if (!role || !*r)
		ask_refuse(ask, 400, BAD, "invalid_value", "messages[0].role",
			"Invalid value: '$1'. Supported values are: 'system', 'assistant', 'user', "
			"'function', 'tool', and 'developer'.",
			role);
	else if (!content && !ask_field(message, "tool_calls") && strcmp(role, "assistant") != 0)
		ask_refuse(ask, 400, BAD, NULL, "messages[0].content",
			"Invalid value for 'content': expected a string, got null.", NULL);
	else if (strcmp(role, "tool") == 0 && !ask_string(message, "tool_call_id"))
		ask_refuse(ask, 400, BAD, "missing_required_parameter", "messages[0].tool_call_id",
			"Missing parameter 'tool_call_id': messages with role 'tool' must have a "
			"'tool_call_id'.",
			NULL);
	else
		ask_count(ask, content, strcmp(role, "user") == 0);
}

static void
openai_check_messages(struct ask *ask)
{
	json_object *messages = ask_field(ask->json, "messages");

	if (!messages)
		ask_refuse(ask, 400, BAD, "missing_required_parameter", "messages",
			"Missing required parameter: 'messages'.", NULL);
	else if (!json_object_is_type(messages, json_type_array))
		ask_refuse(ask, 400, BAD, "invalid_type", "messages",
			"Invalid type for 'messages': expected an array of objects.", NULL);
	else if (!json_object_array_length(messages))
		ask_refuse(ask, 400, BAD, "empty_array", "messages",
			"Invalid 'messages': empty array. Expected an array with minimum length 1, "
			"but "
			"got an empty array instead.",
			NULL);
	for (size_t i = 0; !ask->fault.status && i < json_object_array_length(messages); i++)
		openai_check_message(ask, json_object_array_get_idx(messages, i));
}

/* Numbers: their type and range. */
static void
openai_check_number(struct ask *ask, const char *name, double least, double most)
{
	json_object *value = ask_field(ask->json, name);
	double n = json_object_get_double(value);

	if (!value)
		return;
	if (!json_object_is_type(value, json_type_int) &&
		!json_object_is_type(value, json_type_double))
		ask_refuse(ask, 400, BAD, "invalid_type", name,
			"Invalid type for '$1': expected a decimal, but got another type instead.",
			name);
	else if (n > most)
		ask_refuse(ask, 400, BAD, "decimal_above_max_value", name,
			"Invalid '$1': decimal above maximum value.", name);
	else if (n < least)
		ask_refuse(ask, 400, BAD, "decimal_below_min_value", name,
			"Invalid '$1': decimal below minimum value.", name);
}

static void
openai_check_limit(struct ask *ask)
{
	static const char *const newer[] = {"o1", "o3", "o4", "gpt-5"};
	json_object *limit = ask_field(ask->json, "max_tokens");

	for (size_t i = 0; limit && i < sizeof(newer) / sizeof(newer[0]); i++) {
		if (strncmp(ask->model, newer[i], strlen(newer[i])) == 0)
			ask_refuse(ask, 400, BAD, "unsupported_parameter", "max_tokens",
				"Unsupported parameter: 'max_tokens' is not supported with this "
				"model. Use "
				"'max_completion_tokens' instead.",
				NULL);
	}
	openai_check_number(ask, "max_tokens", 1, 1e9);
	openai_check_number(ask, "max_completion_tokens", 1, 1e9);
	openai_check_number(ask, "temperature", 0, 2);
	openai_check_number(ask, "top_p", 0, 1);
	if (!limit)
		limit = ask_field(ask->json, "max_completion_tokens");
	if (limit)
		ask->max_words = json_object_get_int64(limit);
}

static void
openai_check(struct ask *ask)
{
	const char *field;

	openai_check_key(ask);
	if (ask->fault.status)
		return;
	if (!ask_read_json(ask)) {
		ask_refuse(ask, 400, NULL, NULL, NULL, NULL, NULL);
		return;
	}
	if (ask_string(ask->json, "model"))
		ask->model = strdup(ask_string(ask->json, "model"));
	else
		ask->model = strdup("");
	if (!ask->model[0] && !memmem(ask->req->path.p, ask->req->path.n, "/deployments/", 13))
		ask_refuse(ask, 400, BAD, NULL, NULL, "you must provide a model parameter", NULL);
	field = ask_unknown_field(ask->json, openai_known);
	if (field && !ask->lenient)
		ask_refuse(ask, 400, BAD, NULL, NULL, "Unrecognized request argument supplied: $1",
			field);
	openai_check_messages(ask);
	openai_check_limit(ask);
	ask->stream = json_object_get_boolean(ask_field(ask->json, "stream"));
	ask->include_usage = json_object_get_boolean(
		ask_field(ask_field(ask->json, "stream_options"), "include_usage"));
	if (!ask->stream && ask_field(ask->json, "stream_options"))
		ask_refuse(ask, 400, BAD, NULL, "stream_options",
			"The 'stream_options' parameter is only allowed when 'stream' is enabled.",
			NULL);
}

static void
openai_model(struct out *o, const char *name)
{
	out_put(o, "{'id':%q,'object':'model','created':1715367049,'owned_by':'system'}", name);
}

static void
openai_list(struct out *o, const struct ask *ask)
{
	const char *const *m = provider_models(ask->provider);

	if (ask->page == PAGE_HEALTH) {
		out_put(o, "{'status':'ok'}\n");
	} else if (ask->page == PAGE_MODEL) {
		openai_model(o, ask->model);
	} else {
		out_put(o, "{'object':'list','data':[");
		for (; *m; m++) {
			openai_model(o, *m);
			out_text(o, m[1] ? "," : "");
		}
		out_put(o, "]}\n");
	}
}

static void
openai_usage(struct out *o, const struct answer *a)
{
	out_put(o, "'usage':{'prompt_tokens':%s,'completion_tokens':%s,'total_tokens':%s,",
		a->prompt_tokens, a->completion_tokens, a->total_tokens);
	out_put(o,
		"'prompt_tokens_details':{'cached_tokens':0,'audio_tokens':0},"
		"'completion_tokens_details':{'reasoning_tokens':0,'audio_tokens':0}}");
}

static void
openai_answer(struct out *o, const struct answer *a)
{
	out_put(o, "{'id':'chatcmpl-%s','object':'chat.completion','created':%d,'model':%q,", a->id,
		a->created_s, a->model);
	if (a->nothing) {
		out_put(o, "'choices':[]}\n");
		return;
	}
	out_put(o,
		"'choices':[{'index':0,'message':{'role':'assistant','content':%q,'refusal':null",
		a->tool_name ? NULL : a->text);
	if (a->reasoning)
		out_put(o, ",'reasoning_content':%q", a->reasoning);
	if (a->tool_name)
		out_put(o,
			",'tool_calls':[{'id':'call_%s','type':'function',"
			"'function':{'name':%q,'arguments':%q}}]",
			a->id, a->tool_name, a->tool_arguments);
	out_put(o, "},'logprobs':null,'finish_reason':%q}],", a->finish);
	if (a->usage) {
		openai_usage(o, a);
		out_text(o, ",");
	}
	out_put(o, "'service_tier':'default','system_fingerprint':'fp_fake'}\n");
}

static void
openai_error(struct out *o, const struct ask *ask, const struct fault *fault)
{
	(void)ask;
	out_put(o, "{\n    'error': {\n        'message': %q,\n        'type': %q,\n",
		fault->message, fault->type);
	out_put(o, "        'param': %q,\n        'code': %q\n    }\n}", fault->param, fault->code);
	out_text(o, "\n");
}

/* One chunk, `delta` and `finish` being JSON. */
static void
openai_chunk(struct sink *s, const struct answer *a, const char *delta, const char *finish)
{
	out_put(&s->payload,
		"{'id':'chatcmpl-%s','object':'chat.completion.chunk','created':%d,'model':%q,",
		a->id, a->created_s, a->model);
	out_put(&s->payload,
		"'system_fingerprint':'fp_fake','choices':[{'index':0,'delta':%s,"
		"'logprobs':null,'finish_reason':%s}]%s}",
		delta, finish, s->ask->include_usage ? ",\"usage\":null" : "");
	sink_event(s, NULL);
}

static void
openai_begin(struct sink *s, const struct answer *a)
{
	openai_chunk(s, a, "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}", "null");
}

static void
openai_delta_of(struct sink *s, const struct answer *a, const char *field, const char *text)
{
	struct out delta = {0};
	char *made;

	out_put(&delta, "{'%s':%q}", field, text);
	made = out_take(&delta);
	openai_chunk(s, a, made, "null");
	free(made);
}

static void
openai_thought(struct sink *s, const struct answer *a)
{
	openai_delta_of(s, a, "reasoning_content", a->reasoning);
}

static void
openai_delta(struct sink *s, const struct answer *a, const char *text)
{
	openai_delta_of(s, a, "content", text);
}

static void
openai_tool_part(struct sink *s, const struct answer *a, bool first, const char *arguments)
{
	struct out delta = {0};
	char *made;

	out_put(&delta, "{'tool_calls':[{'index':0,");
	if (first)
		out_put(&delta, "'id':'call_%s','type':'function','function':{'name':%q,", a->id,
			a->tool_name);
	else
		out_put(&delta, "'function':{");
	out_put(&delta, "'arguments':%q}}]}", arguments);
	made = out_take(&delta);
	openai_chunk(s, a, made, "null");
	free(made);
}

static void
openai_tool(struct sink *s, const struct answer *a)
{
	size_t half = strlen(a->tool_arguments) / 2;
	char *start = out_strndup(a->tool_arguments, half);

	openai_tool_part(s, a, true, "");
	openai_tool_part(s, a, false, start);
	openai_tool_part(s, a, false, a->tool_arguments + half);
	free(start);
}

static void
openai_finish(struct sink *s, const struct answer *a, bool with_reason)
{
	struct out reason = {0};
	char *made;

	out_json(&reason, a->finish, strlen(a->finish));
	made = out_take(&reason);
	if (with_reason)
		openai_chunk(s, a, "{}", made);
	free(made);
	if (!s->ask->include_usage || !a->usage)
		return;
	out_put(&s->payload,
		"{'id':'chatcmpl-%s','object':'chat.completion.chunk','created':%d,'model':%q,"
		"'choices':[],",
		a->id, a->created_s, a->model);
	openai_usage(&s->payload, a);
	out_text(&s->payload, "}");
	sink_event(s, NULL);
}

static void
openai_done(struct sink *s, const struct answer *a)
{
	(void)a;
	sink_raw(s, "data: [DONE]\n\n");
}

static void
openai_ping(struct sink *s, const struct answer *a)
{
	(void)a;
	sink_raw(s, ": keep-alive\n\n");
}

const struct shape shape_openai = {
	.name = "openai",
	.headers = "x-request-id: req_fake\r\nopenai-processing-ms: 7\r\nopenai-version: "
		   "2020-10-01\r\n",
	.stream_type = "text/event-stream; charset=utf-8",
	.json_type = "application/json",
	.models = openai_models,
	.faults = openai_faults,
	.route = openai_route,
	.check = openai_check,
	.check_key = openai_check_key,
	.list = openai_list,
	.answer = openai_answer,
	.error = openai_error,
	.begin = openai_begin,
	.thought = openai_thought,
	.delta = openai_delta,
	.tool = openai_tool,
	.finish = openai_finish,
	.done = openai_done,
	.ping = openai_ping,
};
