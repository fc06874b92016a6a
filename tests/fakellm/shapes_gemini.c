/* SPDX-License-Identifier: MIT */
/*
 * Gemini's native API, and the way to its OpenAI door, whose answers are OpenAI's and whose errors
 * are Gemini's own in an array. In the table of errors `code` is a quota's name or an ErrorInfo
 * reason.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "shape.h"
#include "stream.h"

#define QUOTA_TEXT \
	"You exceeded your current quota, please check your plan and billing details. For " \
	"more information on this error, head to: " \
	"https://ai.google.dev/gemini-api/docs/rate-limits."
#define RPC "type.googleapis.com/google.rpc."

enum { PAGE_MODELS, PAGE_MODEL };

static const char *const gemini_models[] = {"gemini-2.5-flash", "gemini-2.5-pro", NULL};

static const struct fault_row gemini_faults[] = {
	{400, "auth", "INVALID_ARGUMENT", "API_KEY_INVALID",
		"API key not valid. Please pass a valid API key."},
	{401, "auth", "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED",
		"Request had invalid authentication credentials."},
	{400, "context", "INVALID_ARGUMENT", NULL,
		"The input token count (1189051) exceeds the maximum number of tokens allowed "
		"(1048576)."},
	{400, "region", "FAILED_PRECONDITION", NULL,
		"User location is not supported for the API use."},
	{400, "policy", "INVALID_ARGUMENT", NULL, "The request was blocked by the safety filters."},
	{404, "model", "NOT_FOUND", NULL,
		"models/$M is not found for API version v1beta, or is not supported for "
		"generateContent. Call ModelService.ListModels to see the list of available "
		"models and their supported methods."},
	{429, "daily", "RESOURCE_EXHAUSTED", "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
		QUOTA_TEXT},
	{429, "tokens", "RESOURCE_EXHAUSTED",
		"GenerateContentInputTokensPerModelPerMinute-FreeTier", QUOTA_TEXT},
	{429, "capacity", "RESOURCE_EXHAUSTED", "MODEL_CAPACITY_EXHAUSTED",
		"No capacity available for model $M on the server"},
	{429, "insufficient_quota", "RESOURCE_EXHAUSTED", NULL,
		"Resource has been exhausted (e.g. check quota)."},
	{403, "billing", "PERMISSION_DENIED", "BILLING_DISABLED",
		"This API method requires billing to be enabled."},
	{403, "permission", "PERMISSION_DENIED", "SERVICE_DISABLED",
		"Generative Language API has not been used in project 000000000000 before or it "
		"is disabled."},
	{503, "overloaded", "UNAVAILABLE", NULL,
		"The model is overloaded. Please try again later."},
	{400, NULL, "INVALID_ARGUMENT", NULL, "Invalid JSON payload received. Unexpected token."},
	{401, NULL, "UNAUTHENTICATED", NULL, "Request had invalid authentication credentials."},
	{403, NULL, "PERMISSION_DENIED", NULL,
		"Method doesn't allow unregistered callers (callers without established "
		"identity). Please use API Key or other form of API consumer identity to call "
		"this API."},
	{404, NULL, "NOT_FOUND", NULL,
		"models/$M is not found for API version v1beta, or is not supported for "
		"generateContent."},
	{408, NULL, "DEADLINE_EXCEEDED", NULL, "Request timed out."},
	{409, NULL, "ABORTED", NULL, "The operation was aborted."},
	{413, NULL, "INVALID_ARGUMENT", NULL,
		"Request payload size exceeds the limit: 20971520 bytes."},
	{429, NULL, "RESOURCE_EXHAUSTED", "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
		QUOTA_TEXT},
	{501, NULL, "UNIMPLEMENTED", NULL, "Operation is not implemented, supported, or enabled."},
	{502, NULL, "html", NULL, NULL},
	{503, NULL, "UNAVAILABLE", NULL, "The model is overloaded. Please try again later."},
	{504, NULL, "DEADLINE_EXCEEDED", NULL, "Deadline expired before operation could complete."},
	{520, NULL, "html", NULL, NULL},
	{522, NULL, "html", NULL, NULL},
	{524, NULL, "html", NULL, NULL},
	{0, NULL, "INTERNAL", NULL,
		"An internal error has occurred. Please retry or report in "
		"https://developers.generativeai.google/guide/troubleshooting"},
};

static const char *const gemini_known[] = {
	"cachedContent",
	"cached_content",
	"contents",
	"generationConfig",
	"generation_config",
	"labels",
	"model",
	"safetySettings",
	"safety_settings",
	"systemInstruction",
	"system_instruction",
	"toolConfig",
	"tool_config",
	"tools",
	NULL,
};

static const char *const gemini_config_known[] = {
	"candidateCount",
	"frequencyPenalty",
	"logprobs",
	"maxOutputTokens",
	"presencePenalty",
	"responseJsonSchema",
	"responseLogprobs",
	"responseMimeType",
	"responseModalities",
	"responseSchema",
	"seed",
	"speechConfig",
	"stopSequences",
	"temperature",
	"thinkingConfig",
	"topK",
	"topP",
	"max_output_tokens",
	"response_mime_type",
	"response_schema",
	"stop_sequences",
	"top_k",
	"top_p",
	NULL,
};

static const char *const gemini_reasons[] = {
	"stop",
	"STOP",
	"length",
	"MAX_TOKENS",
	"tool_calls",
	"STOP",
	"content_filter",
	"SAFETY",
	NULL,
};

/* What stands between `/models/` and the verb. */
static void
gemini_route_model(struct ask *ask, const char *end)
{
	const struct span path = ask->req->path;
	const char *start = memmem(path.p, path.n, "/models/", 8);

	if (start && start + 8 <= end)
		ask->model = out_strndup(start + 8, (size_t)(end - start) - 8);
}

static void
gemini_route(struct ask *ask)
{
	const struct span path = ask->req->path;
	const char *verb = memchr(path.p, ':', path.n);

	if (memmem(path.p, path.n, "/openai/", 8)) {
		ask->shape = &shape_openai;
		ask->in_array = true;
		shape_openai.route(ask);
	} else if (span_is(ask->req->method, "POST") && verb) {
		ask->stream = span_ends(path, ":streamGenerateContent");
		ask->json_stream = ask->stream && !span_is(http_query(ask->req, "alt"), "sse");
		gemini_route_model(ask, verb);
		if (ask->model && (ask->stream || span_ends(path, ":generateContent")))
			ask->what = ASK_CHAT;
	} else if (!span_is(ask->req->method, "POST") && span_ends(path, "/models")) {
		ask->what = ASK_CHECK;
	} else if (!span_is(ask->req->method, "POST")) {
		ask->page = PAGE_MODEL;
		gemini_route_model(ask, path.p + path.n);
		ask->what = ask->model ? ASK_CHECK : ASK_UNKNOWN;
	}
}

static void
gemini_check_key(struct ask *ask)
{
	ask_set_key(ask, http_header(ask->req, "x-goog-api-key"), "");
	ask_set_key(ask, http_query(ask->req, "key"), "");
	if (ask_key_ok(ask))
		return;
	if (ask->key)
		ask_refuse_kind(ask, 400, "auth");
	else
		ask_refuse(ask, 403, NULL, NULL, NULL, NULL, NULL);
}

static json_object *
gemini_either(json_object *object, const char *camel, const char *snake)
{
	json_object *value = ask_field(object, camel);

	return value ? value : ask_field(object, snake);
}

static void
gemini_check_contents(struct ask *ask)
{
	json_object *contents = ask_field(ask->json, "contents");

	if (!json_object_is_type(contents, json_type_array) ||
		!json_object_array_length(contents)) {
		ask_refuse(ask, 400, "INVALID_ARGUMENT", NULL, NULL,
			"* GenerateContentRequest.contents: contents is not specified", NULL);
		return;
	}
	for (size_t i = 0; i < json_object_array_length(contents); i++) {
		json_object *turn = json_object_array_get_idx(contents, i);
		const char *role = ask_string(turn, "role");

		if (role && strcmp(role, "user") != 0 && strcmp(role, "model") != 0)
			ask_refuse(ask, 400, "INVALID_ARGUMENT", NULL, NULL,
				"Please use a valid role: user, model.", NULL);
		if (!json_object_is_type(ask_field(turn, "parts"), json_type_array))
			ask_refuse(ask, 400, "INVALID_ARGUMENT", NULL, NULL,
				"* GenerateContentRequest.contents.parts: contents.parts must not "
				"be empty.",
				NULL);
		ask_count(ask, ask_field(turn, "parts"), !role || strcmp(role, "user") == 0);
	}
}

static void
gemini_check(struct ask *ask)
{
	json_object *config, *limit;
	const char *field;

	gemini_check_key(ask);
	if (ask->fault.status)
		return;
	if (!ask_read_json(ask)) {
		ask_refuse(ask, 400, NULL, NULL, NULL, NULL, NULL);
		return;
	}
	config = gemini_either(ask->json, "generationConfig", "generation_config");
	field = ask_unknown_field(ask->json, gemini_known);
	if (!field && json_object_is_type(config, json_type_object))
		field = ask_unknown_field(config, gemini_config_known);
	if (field)
		ask_refuse(ask, 400, "INVALID_ARGUMENT", NULL, NULL,
			"Invalid JSON payload received. Unknown name \"$1\": Cannot find field.",
			field);
	limit = gemini_either(config, "maxOutputTokens", "max_output_tokens");
	if (limit)
		ask->max_words = json_object_get_int64(limit);
	ask_count(ask,
		ask_field(gemini_either(ask->json, "systemInstruction", "system_instruction"),
			"parts"),
		false);
	gemini_check_contents(ask);
}

static void
gemini_model(struct out *o, const char *name)
{
	out_put(o,
		"{'name':'models/%s','version':'001','displayName':%q,'inputTokenLimit':1048576,"
		"'outputTokenLimit':65536,"
		"'supportedGenerationMethods':['generateContent','countTokens']}",
		name, name);
}

static void
gemini_list(struct out *o, const struct ask *ask)
{
	const char *const *m = provider_models(ask->provider);

	if (ask->page == PAGE_MODEL) {
		gemini_model(o, ask->model);
		return;
	}
	out_put(o, "{'models':[");
	for (; *m; m++) {
		gemini_model(o, *m);
		out_text(o, m[1] ? "," : "");
	}
	out_text(o, "]}\n");
}

static void
gemini_usage(struct out *o, const struct answer *a)
{
	if (a->usage)
		out_put(o,
			"'usageMetadata':{'promptTokenCount':%s,'candidatesTokenCount':%s,"
			"'totalTokenCount':%s},",
			a->prompt_tokens, a->completion_tokens, a->total_tokens);
	out_put(o, "'modelVersion':%q,'responseId':%q}", a->model, a->id);
}

/* One response with these parts (JSON, "" for none); `reason` may be NULL. */
static void
gemini_response(struct out *o, const struct answer *a, const char *parts, const char *reason)
{
	if (strcmp(a->finish, "blocked") == 0) {
		out_put(o, "{'promptFeedback':{'blockReason':'PROHIBITED_CONTENT'},");
		gemini_usage(o, a);
		return;
	}
	out_put(o, "{'candidates':[{'content':{");
	if (*parts)
		out_put(o, "'parts':[%s],", parts);
	out_put(o, "'role':'model'}");
	if (reason)
		out_put(o, ",'finishReason':%q", reason);
	out_put(o, ",'index':0}],");
	gemini_usage(o, a);
}

static void
gemini_thought_part(struct out *o, const struct answer *a)
{
	out_put(o, "{'text':%q,'thought':true}", a->reasoning);
}

static void
gemini_tool_part(struct out *o, const struct answer *a)
{
	out_put(o, "{'functionCall':{'name':%q,'args':%s}}", a->tool_name, a->tool_arguments);
}

static void
gemini_answer(struct out *o, const struct answer *a)
{
	struct out parts = {0};
	char *made;

	if (a->reasoning) {
		gemini_thought_part(&parts, a);
		out_text(&parts, ",");
	}
	if (a->tool_name)
		gemini_tool_part(&parts, a);
	else if (!a->nothing)
		out_put(&parts, "{'text':%q}", a->text);
	made = out_take(&parts);
	gemini_response(o, a, made, shape_map(gemini_reasons, a->finish));
	out_text(o, "\n");
	free(made);
}

static void
gemini_details(struct out *o, const struct fault *fault)
{
	const char *comma = "";

	out_put(o, ",\n    'details': [");
	if (fault->code && strncmp(fault->code, "Generate", 8) == 0) {
		out_put(o,
			"\n      {'@type': '" RPC "QuotaFailure', 'violations': [{'quotaMetric': "
			"'generativelanguage.googleapis.com/generate_content_free_tier_requests', "
			"'quotaId': %q, 'quotaValue': '10'}]}",
			fault->code);
		comma = ",";
	} else if (fault->code) {
		out_put(o,
			"\n      {'@type': '" RPC
			"ErrorInfo', 'reason': %q, 'domain': 'googleapis.com'}",
			fault->code);
		comma = ",";
	}
	if (fault->retry_after)
		out_put(o, "%s\n      {'@type': '" RPC "RetryInfo', 'retryDelay': '%ss'}", comma,
			fault->retry_after);
	out_text(o, "\n    ]");
}

static void
gemini_error(struct out *o, const struct ask *ask, const struct fault *fault)
{
	const char *type = fault->type;

	if (!isupper((unsigned char)type[0])) /* a refusal worded by the OpenAI door's checks */
		type = shape_fault(gemini_faults, fault->status, NULL)->type;
	out_put(o, "%s{\n  'error': {\n    'code': %d,\n", ask->in_array ? "[" : "",
		(int64_t)fault->status);
	out_put(o, "    'message': %q,\n    'status': %q", fault->message, type);
	if (fault->code || fault->retry_after)
		gemini_details(o, fault);
	out_put(o, "\n  }\n}%s\n", ask->in_array ? "]" : "");
}

static void
gemini_event(struct sink *s, const struct answer *a, struct out *parts, const char *reason)
{
	char *made = out_take(parts);

	gemini_response(&s->payload, a, made, reason);
	free(made);
	sink_event(s, NULL);
}

static void
gemini_begin(struct sink *s, const struct answer *a)
{
	(void)s; /* the first event is the first text */
	(void)a;
}

static void
gemini_thought(struct sink *s, const struct answer *a)
{
	struct out parts = {0};

	gemini_thought_part(&parts, a);
	gemini_event(s, a, &parts, NULL);
}

static void
gemini_delta(struct sink *s, const struct answer *a, const char *text)
{
	struct out parts = {0};

	out_put(&parts, "{'text':%q}", text);
	gemini_event(s, a, &parts, NULL);
}

static void
gemini_tool(struct sink *s, const struct answer *a)
{
	struct out parts = {0};

	gemini_tool_part(&parts, a);
	gemini_event(s, a, &parts, NULL);
}

static void
gemini_finish(struct sink *s, const struct answer *a, bool with_reason)
{
	struct out parts = {0};

	if (!with_reason)
		return;
	out_put(&parts, "{'text':''}");
	gemini_event(s, a, &parts, shape_map(gemini_reasons, a->finish));
}

static void
gemini_done(struct sink *s, const struct answer *a)
{
	(void)s; /* there is no end mark */
	(void)a;
}

static void
gemini_ping(struct sink *s, const struct answer *a)
{
	(void)a;
	if (!s->ask->json_stream)
		sink_raw(s, ": keep-alive\n\n");
}

const struct shape shape_gemini = {
	.name = "gemini",
	.headers = "server: scaffolding on HTTPServer2\r\nx-xss-protection: 0\r\n",
	.stream_type = "text/event-stream",
	.json_type = "application/json; charset=UTF-8",
	.retry_in_body = true,
	.models = gemini_models,
	.faults = gemini_faults,
	.route = gemini_route,
	.check = gemini_check,
	.check_key = gemini_check_key,
	.list = gemini_list,
	.answer = gemini_answer,
	.error = gemini_error,
	.begin = gemini_begin,
	.thought = gemini_thought,
	.delta = gemini_delta,
	.tool = gemini_tool,
	.finish = gemini_finish,
	.done = gemini_done,
	.ping = gemini_ping,
};
