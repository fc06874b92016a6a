/* SPDX-License-Identifier: MIT */
/*
 * The Anthropic messages API. It demands more of a request than the others do: max_tokens, a
 * version header, no system role; and it knows every field by name.
 */
#include <stdlib.h>
#include <string.h>

#include "shape.h"
#include "stream.h"

#define BAD "invalid_request_error"

static const char *const anthropic_models[] = {"claude-sonnet-4-5", "claude-haiku-4-5", NULL};

static const struct fault_row anthropic_faults[] = {
	{400, "context", BAD, NULL, "prompt is too long: 213462 tokens > 200000 maximum"},
	{400, "policy", BAD, NULL, "Output blocked by content filtering policy"},
	{400, "billing", BAD, NULL,
		"Your credit balance is too low to access the Anthropic API. Please go to Plans & "
		"Billing to upgrade or purchase credits."},
	{400, "insufficient_quota", BAD, NULL,
		"You have reached your specified API usage limits. You will regain access on "
		"2026-12-01 at 00:00 UTC."},
	{429, "spend_limit", "rate_limit_error", "enforced_spend_limit_reached",
		"You have reached your API usage limits: your organization has crossed its "
		"monthly API usage threshold, set based on your organization's API tier. You will "
		"regain access on 2026-12-01 at 00:00 UTC."},
	{400, "param", BAD, NULL,
		"max_tokens: 16384 > 8192, which is the maximum allowed number of output tokens "
		"for $M"},
	{400, "unsupported", BAD, NULL,
		"This model does not support effort level 'xhigh'. Supported levels: high, low, "
		"max, medium."},
	{401, "auth", "authentication_error", NULL, "x-api-key header is required"},
	{404, "model", "not_found_error", NULL, "model: $M"},
	{529, "overloaded", "overloaded_error", NULL, "Overloaded"},
	{429, "tokens", "rate_limit_error", NULL,
		"This request would exceed the rate limit for your organization of 30,000 input "
		"tokens per minute. For details, refer to: "
		"https://docs.claude.com/en/api/rate-limits."},
	{403, "permission", "permission_error", NULL,
		"Your API key does not have permission to use the specified resource."},
	{403, "region", "forbidden", NULL, "Request not allowed"},
	{413, "too_large", "request_too_large", NULL, "Request exceeds the maximum size"},
	{400, NULL, BAD, NULL, "The request body is not valid JSON"},
	{401, NULL, "authentication_error", NULL, "invalid x-api-key"},
	{402, NULL, "billing_error", NULL,
		"There is an issue with your billing or payment information."},
	{403, NULL, "permission_error", NULL,
		"Your API key does not have permission to use the specified resource."},
	{404, NULL, "not_found_error", NULL, "model: $M"},
	{413, NULL, "request_too_large", NULL, "Request exceeds the maximum size"},
	{429, NULL, "rate_limit_error", NULL,
		"Number of concurrent connections has exceeded your rate limit. Please try again "
		"later or contact sales at https://www.anthropic.com/contact-sales to discuss "
		"your options for a rate limit increase."},
	{502, NULL, "html", NULL, NULL},
	{503, NULL, "api_error", NULL, "Service unavailable"},
	{504, NULL, "timeout_error", NULL, "Request timed out"},
	{520, NULL, "html", NULL, NULL},
	{522, NULL, "html", NULL, NULL},
	{524, NULL, "html", NULL, NULL},
	{529, NULL, "overloaded_error", NULL, "Overloaded"},
	{0, NULL, "api_error", NULL, "Internal server error"},
};

static const char *const anthropic_known[] = {
	"cache_control",
	"container",
	"context_management",
	"inference_geo",
	"max_tokens",
	"mcp_servers",
	"messages",
	"metadata",
	"model",
	"output_config",
	"output_format",
	"service_tier",
	"speed",
	"stop_sequences",
	"stream",
	"system",
	"temperature",
	"thinking",
	"tool_choice",
	"tools",
	"top_k",
	"top_p",
	NULL,
};

static const char *const anthropic_reasons[] = {
	"stop",
	"end_turn",
	"length",
	"max_tokens",
	"tool_calls",
	"tool_use",
	"content_filter",
	"refusal",
	"blocked",
	"refusal",
	NULL,
};

static void
anthropic_route(struct ask *ask)
{
	const struct span path = ask->req->path;
	bool get = !span_is(ask->req->method, "POST");

	if (!get && span_ends(path, "/messages"))
		ask->what = ASK_CHAT;
	else if (get && span_ends(path, "/models"))
		ask->what = ASK_CHECK;
}

static void
anthropic_check_key(struct ask *ask)
{
	ask_set_key(ask, http_header(ask->req, "x-api-key"), "");
	if (!ask->key)
		ask_refuse_kind(ask, 401, "auth");
	else if (!ask_key_ok(ask))
		ask_refuse(ask, 401, NULL, NULL, NULL, NULL, NULL);
	else if (!http_header(ask->req, "anthropic-version").p)
		ask_refuse(
			ask, 400, BAD, NULL, NULL, "anthropic-version: header is required", NULL);
}

static void
anthropic_check_message(struct ask *ask, json_object *message)
{
	const char *role = ask_string(message, "role");

	if (!role)
		ask_refuse(ask, 400, BAD, NULL, NULL, "messages.0.role: Field required", NULL);
	else if (strcmp(role, "system") == 0)
		ask_refuse(ask, 400, BAD, NULL, NULL,
			"messages: Unexpected role \"system\". The Messages API accepts a "
			"top-level "
			"`system` parameter, not \"system\" as an input message role.",
			NULL);
	else if (strcmp(role, "user") != 0 && strcmp(role, "assistant") != 0)
		ask_refuse(ask, 400, BAD, NULL, NULL,
			"messages.0.role: Input should be 'user' or 'assistant'", NULL);
	else if (!ask_field(message, "content"))
		ask_refuse(ask, 400, BAD, NULL, NULL, "messages.0.content: Field required", NULL);
	else
		ask_count(ask, ask_field(message, "content"), strcmp(role, "user") == 0);
}

static void
anthropic_check_messages(struct ask *ask)
{
	json_object *messages = ask_field(ask->json, "messages");

	if (!messages)
		ask_refuse(ask, 400, BAD, NULL, NULL, "messages: Field required", NULL);
	else if (!json_object_is_type(messages, json_type_array))
		ask_refuse(
			ask, 400, BAD, NULL, NULL, "messages: Input should be a valid list", NULL);
	else if (!json_object_array_length(messages))
		ask_refuse(ask, 400, BAD, NULL, NULL, "messages: at least one message is required",
			NULL);
	for (size_t i = 0; !ask->fault.status && i < json_object_array_length(messages); i++)
		anthropic_check_message(ask, json_object_array_get_idx(messages, i));
}

static void
anthropic_check(struct ask *ask)
{
	json_object *limit, *temperature;
	const char *field;

	anthropic_check_key(ask);
	if (ask->fault.status)
		return;
	if (!ask_read_json(ask)) {
		ask_refuse(ask, 400, NULL, NULL, NULL, NULL, NULL);
		return;
	}
	if (!ask_string(ask->json, "model"))
		ask_refuse(ask, 400, BAD, NULL, NULL, "model: Field required", NULL);
	ask->model = strdup(ask_string(ask->json, "model") ? ask_string(ask->json, "model") : "");
	field = ask_unknown_field(ask->json, anthropic_known);
	if (field)
		ask_refuse(ask, 400, BAD, NULL, NULL, "$1: Extra inputs are not permitted", field);
	limit = ask_field(ask->json, "max_tokens");
	if (!limit)
		ask_refuse(ask, 400, BAD, NULL, NULL, "max_tokens: Field required", NULL);
	else if (!json_object_is_type(limit, json_type_int) || json_object_get_int64(limit) < 1)
		ask_refuse(ask, 400, BAD, NULL, NULL,
			"max_tokens: Input should be greater than or equal to 1", NULL);
	ask->max_words = json_object_get_int64(limit);
	temperature = ask_field(ask->json, "temperature");
	if (temperature && json_object_get_double(temperature) > 1)
		ask_refuse(ask, 400, BAD, NULL, NULL, "temperature: range: 0..1", NULL);
	ask_count(ask, ask_field(ask->json, "system"), false);
	anthropic_check_messages(ask);
	ask->stream = json_object_get_boolean(ask_field(ask->json, "stream"));
}

static void
anthropic_list(struct out *o, const struct ask *ask)
{
	const char *const *m = provider_models(ask->provider);

	out_put(o, "{'data':[");
	for (; *m; m++)
		out_put(o,
			"{'type':'model','id':%q,'display_name':%q,"
			"'created_at':'2025-09-29T00:00:00Z'}%s",
			*m, *m, m[1] ? "," : "");
	out_put(o, "],'has_more':false,'first_id':null,'last_id':null}\n");
}

static void
anthropic_usage(struct out *o, const struct answer *a, const char *completion)
{
	if (a->usage)
		out_put(o,
			"'usage':{'input_tokens':%s,'cache_creation_input_tokens':0,"
			"'cache_read_input_tokens':0,'output_tokens':%s,'service_tier':'standard'}",
			a->prompt_tokens, completion);
	else
		out_put(o, "'usage':{}");
}

static void
anthropic_head(struct out *o, const struct answer *a)
{
	out_put(o, "{'id':'msg_%s','type':'message','role':'assistant','model':%q,", a->id,
		a->model);
}

static void
anthropic_answer(struct out *o, const struct answer *a)
{
	anthropic_head(o, a);
	out_put(o, "'content':[");
	if (a->reasoning)
		out_put(o, "{'type':'thinking','thinking':%q,'signature':'c2ln'},", a->reasoning);
	if (a->tool_name)
		out_put(o, "{'type':'tool_use','id':'toolu_%s','name':%q,'input':%s}", a->id,
			a->tool_name, a->tool_arguments);
	else if (!a->nothing)
		out_put(o, "{'type':'text','text':%q}", a->text);
	out_put(o, "],'stop_reason':%q,'stop_sequence':null,",
		shape_map(anthropic_reasons, a->finish));
	anthropic_usage(o, a, a->completion_tokens);
	out_text(o, "}\n");
}

static void
anthropic_error(struct out *o, const struct ask *ask, const struct fault *fault)
{
	(void)ask;
	out_text(o, "{");
	if (fault->status != 413) /* that one comes from the network in front */
		out_put(o, "'type':'error',");
	out_put(o, "'error':{'type':%q,'message':%q", fault->type, fault->message);
	if (fault->code)
		out_put(o, ",'details':{'error_code':%q}", fault->code);
	out_text(o, "}");
	if (fault->status != 413)
		out_put(o, ",'request_id':'req_fake'");
	out_text(o, "}");
}

static void
anthropic_block(struct sink *s, int64_t index, const char *start)
{
	out_put(&s->payload, "{'type':'content_block_start','index':%d,'content_block':%s}", index,
		start);
	sink_event(s, "content_block_start");
}

static void
anthropic_block_end(struct sink *s, int64_t index)
{
	out_put(&s->payload, "{'type':'content_block_stop','index':%d}", index);
	sink_event(s, "content_block_stop");
}

static void
anthropic_block_delta(
	struct sink *s, int64_t index, const char *type, const char *field, const char *text)
{
	out_put(&s->payload,
		"{'type':'content_block_delta','index':%d,'delta':{'type':'%s','%s':%q}}", index,
		type, field, text);
	sink_event(s, "content_block_delta");
}

static int64_t
anthropic_index(const struct answer *a)
{
	return a->reasoning ? 1 : 0;
}

static void
anthropic_ping(struct sink *s, const struct answer *a)
{
	(void)a;
	out_put(&s->payload, "{'type': 'ping'}");
	sink_event(s, "ping");
}

static void
anthropic_begin(struct sink *s, const struct answer *a)
{
	out_put(&s->payload, "{'type':'message_start','message':");
	anthropic_head(&s->payload, a);
	out_put(&s->payload, "'content':[],'stop_reason':null,'stop_sequence':null,");
	anthropic_usage(&s->payload, a, "1");
	out_text(&s->payload, "}}");
	sink_event(s, "message_start");
	if (!a->reasoning && !a->tool_name)
		anthropic_block(s, 0, "{\"type\":\"text\",\"text\":\"\"}");
	anthropic_ping(s, a);
}

static void
anthropic_thought(struct sink *s, const struct answer *a)
{
	anthropic_block(s, 0, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}");
	anthropic_block_delta(s, 0, "thinking_delta", "thinking", a->reasoning);
	anthropic_block_delta(s, 0, "signature_delta", "signature", "c2ln");
	anthropic_block_end(s, 0);
	if (!a->tool_name)
		anthropic_block(s, 1, "{\"type\":\"text\",\"text\":\"\"}");
}

static void
anthropic_delta(struct sink *s, const struct answer *a, const char *text)
{
	anthropic_block_delta(s, anthropic_index(a), "text_delta", "text", text);
}

static void
anthropic_tool(struct sink *s, const struct answer *a)
{
	size_t half = strlen(a->tool_arguments) / 2;
	char *start = out_strndup(a->tool_arguments, half);
	struct out block = {0};
	char *made;

	out_put(&block, "{'type':'tool_use','id':'toolu_%s','name':%q,'input':{}}", a->id,
		a->tool_name);
	made = out_take(&block);
	anthropic_block(s, anthropic_index(a), made);
	anthropic_block_delta(s, anthropic_index(a), "input_json_delta", "partial_json", "");
	anthropic_block_delta(s, anthropic_index(a), "input_json_delta", "partial_json", start);
	anthropic_block_delta(s, anthropic_index(a), "input_json_delta", "partial_json",
		a->tool_arguments + half);
	free(start);
	free(made);
}

static void
anthropic_finish(struct sink *s, const struct answer *a, bool with_reason)
{
	anthropic_block_end(s, anthropic_index(a));
	if (!with_reason)
		return;
	out_put(&s->payload,
		"{'type':'message_delta','delta':{'stop_reason':%q,'stop_sequence':null},",
		shape_map(anthropic_reasons, a->finish));
	if (a->usage)
		out_put(&s->payload, "'usage':{'output_tokens':%s}}", a->completion_tokens);
	else
		out_put(&s->payload, "'usage':{}}");
	sink_event(s, "message_delta");
}

static void
anthropic_done(struct sink *s, const struct answer *a)
{
	(void)a;
	out_put(&s->payload, "{'type':'message_stop'}");
	sink_event(s, "message_stop");
}

const struct shape shape_anthropic = {
	.name = "anthropic",
	.headers = "request-id: req_fake\r\nanthropic-organization-id: org_fake\r\n",
	.stream_type = "text/event-stream; charset=utf-8",
	.json_type = "application/json",
	.models = anthropic_models,
	.faults = anthropic_faults,
	.route = anthropic_route,
	.check = anthropic_check,
	.check_key = anthropic_check_key,
	.list = anthropic_list,
	.answer = anthropic_answer,
	.error = anthropic_error,
	.begin = anthropic_begin,
	.thought = anthropic_thought,
	.delta = anthropic_delta,
	.tool = anthropic_tool,
	.finish = anthropic_finish,
	.done = anthropic_done,
	.ping = anthropic_ping,
};
