/* SPDX-License-Identifier: MIT */
/*
 * Ollama's native API, and the way to its OpenAI door. It streams unless told not to, one JSON
 * object a line; its errors are a bare text; unknown fields do not trouble it.
 */
#include <stdlib.h>
#include <string.h>

#include "shape.h"
#include "stream.h"

#define CREATED "2026-11-20T12:00:00.196249Z"

enum { PAGE_ROOT, PAGE_VERSION, PAGE_TAGS, PAGE_PS };

static const char *const ollama_models[] = {"llama3.2:latest", "gemma3:1b", NULL};

static const struct fault_row ollama_faults[] = {
	{404, "model", NULL, NULL, "model \"$M\" not found, try pulling it first"},
	{503, "overloaded", NULL, NULL,
		"server busy, please try again.  maximum pending requests exceeded"},
	{500, "capacity", NULL, NULL,
		"model requires more system memory (8.4 GiB) than is available (5.1 GiB)"},
	{400, "unsupported", NULL, NULL, "\"$M\" does not support tools"},
	{400, "context", NULL, NULL, "the input length exceeds the context length"},
	{400, NULL, NULL, NULL, "invalid character 'x' looking for beginning of value"},
	{401, NULL, NULL, NULL, "unauthorized"},
	{403, NULL, NULL, NULL, "forbidden"},
	{404, NULL, NULL, NULL, "model \"$M\" not found, try pulling it first"},
	{429, NULL, NULL, NULL, "rate limit exceeded"},
	{502, NULL, NULL, NULL, "could not reach ollama.com"},
	{503, NULL, NULL, NULL,
		"server busy, please try again.  maximum pending requests exceeded"},
	{520, NULL, "html", NULL, NULL},
	{522, NULL, "html", NULL, NULL},
	{524, NULL, "html", NULL, NULL},
	{0, NULL, NULL, NULL,
		"model runner has unexpectedly stopped, this may be due to resource limitations "
		"or an internal error, check ollama server logs for details"},
};

static void
ollama_page(struct ask *ask, int page)
{
	ask->what = ASK_CHECK;
	ask->page = page;
}

static void
ollama_route(struct ask *ask)
{
	const struct span path = ask->req->path;
	bool post = span_is(ask->req->method, "POST");

	if (span_ends(path, "/v1/chat/completions") || span_ends(path, "/v1/models")) {
		ask->shape = &shape_openai;
		ask->lenient = true;
		shape_openai.route(ask);
	} else if (post && span_ends(path, "/api/chat")) {
		ask->what = ASK_CHAT;
	} else if (!post && span_ends(path, "/api/version")) {
		ollama_page(ask, PAGE_VERSION);
	} else if (!post && span_ends(path, "/api/tags")) {
		ollama_page(ask, PAGE_TAGS);
	} else if (!post && span_ends(path, "/api/ps")) {
		ollama_page(ask, PAGE_PS);
	} else if (!post && span_is(path, "/")) {
		ollama_page(ask, PAGE_ROOT);
	}
}

static void
ollama_check_key(struct ask *ask)
{
	ask_set_key(ask, http_header(ask->req, "authorization"), "Bearer ");
	if (!ask_key_ok(ask))
		ask_refuse(ask, 401, NULL, NULL, NULL, NULL, NULL);
}

static void
ollama_check_messages(struct ask *ask)
{
	json_object *messages = ask_field(ask->json, "messages");

	if (messages && !json_object_is_type(messages, json_type_array)) {
		ask_refuse(ask, 400, NULL, NULL, NULL,
			"json: cannot unmarshal string into Go struct field ChatRequest.messages "
			"of type "
			"[]api.Message",
			NULL);
		return;
	}
	for (size_t i = 0; messages && i < json_object_array_length(messages); i++) {
		json_object *message = json_object_array_get_idx(messages, i);
		const char *role = ask_string(message, "role");
		json_object *content = ask_field(message, "content");

		if (content && !json_object_is_type(content, json_type_string))
			ask_refuse(ask, 400, NULL, NULL, NULL,
				"json: cannot unmarshal array into Go struct field "
				"ChatRequest.messages.content "
				"of type string",
				NULL);
		ask_count(ask, content, role && strcmp(role, "user") == 0);
	}
}

static void
ollama_check(struct ask *ask)
{
	json_object *limit, *stream;
	const char *model;

	ollama_check_key(ask);
	if (ask->fault.status)
		return;
	if (!ask_read_json(ask)) {
		ask_refuse(ask, 400, NULL, NULL, NULL, NULL, NULL);
		return;
	}
	model = ask_string(ask->json, "model");
	if (!model || !*model)
		ask_refuse(ask, 400, NULL, NULL, NULL, "model is required", NULL);
	ask->model = strdup(model ? model : "");
	limit = ask_field(ask_field(ask->json, "options"), "num_predict");
	if (limit && json_object_get_int64(limit) >= 0)
		ask->max_words = json_object_get_int64(limit);
	stream = ask_field(ask->json, "stream");
	ask->stream = !stream || json_object_get_boolean(stream);
	ollama_check_messages(ask);
}

static void
ollama_models_list(struct out *o, const struct ask *ask, const char *more)
{
	const char *const *m = provider_models(ask->provider);

	out_put(o, "{'models':[");
	for (; *m; m++) {
		out_put(o, "{'name':%q,'model':%q,'size':2019393189,'digest':'a80c4f17acd5',%s,",
			*m, *m, more);
		out_put(o,
			"'details':{'format':'gguf','family':'llama','parameter_size':'3.2B',"
			"'quantization_level':'Q4_K_M'}}%s",
			m[1] ? "," : "");
	}
	out_text(o, "]}\n");
}

static void
ollama_list(struct out *o, const struct ask *ask)
{
	if (ask->page == PAGE_ROOT)
		out_text(o, "Ollama is running");
	else if (ask->page == PAGE_VERSION)
		out_put(o, "{'version':'0.12.6'}\n");
	else if (ask->page == PAGE_TAGS)
		ollama_models_list(o, ask, "\"modified_at\":\"" CREATED "\"");
	else
		ollama_models_list(
			o, ask, "\"expires_at\":\"" CREATED "\",\"size_vram\":2019393189");
}

static void
ollama_message(struct out *o, const struct answer *a, const char *text, bool tool)
{
	out_put(o,
		"{'model':%q,'created_at':'" CREATED "','message':{'role':'assistant','content':%q",
		a->model, text);
	if (tool)
		out_put(o, ",'tool_calls':[{'function':{'name':%q,'arguments':%s}}]", a->tool_name,
			a->tool_arguments);
}

/* The last object's fields; `reason` may be NULL. */
static void
ollama_end(struct out *o, const struct answer *a, const char *reason)
{
	if (reason)
		out_put(o, ",'done_reason':%q", reason);
	out_put(o, ",'done':true,'total_duration':174560334,'load_duration':101397084");
	if (a->usage)
		out_put(o,
			",'prompt_eval_count':%s,'prompt_eval_duration':13074791,"
			"'eval_count':%s,'eval_duration':52479709",
			a->prompt_tokens, a->completion_tokens);
	out_text(o, "}");
}

/* Ollama has no reason of its own for tool calls. */
static const char *
ollama_reason(const struct answer *a)
{
	return strcmp(a->finish, "tool_calls") == 0 ? "stop" : a->finish;
}

static void
ollama_answer(struct out *o, const struct answer *a)
{
	ollama_message(o, a, a->tool_name ? "" : a->text, a->tool_name != NULL);
	if (a->reasoning)
		out_put(o, ",'thinking':%q", a->reasoning);
	out_text(o, "}");
	ollama_end(o, a, ollama_reason(a));
}

static void
ollama_error(struct out *o, const struct ask *ask, const struct fault *fault)
{
	(void)ask;
	out_put(o, "{'error':%q}", fault->message);
}

static void
ollama_line(struct sink *s)
{
	out_put(&s->payload, "},'done':false}");
	sink_event(s, NULL);
}

static void
ollama_begin(struct sink *s, const struct answer *a)
{
	(void)s; /* the first line is the first text */
	(void)a;
}

static void
ollama_thought(struct sink *s, const struct answer *a)
{
	ollama_message(&s->payload, a, "", false);
	out_put(&s->payload, ",'thinking':%q", a->reasoning);
	ollama_line(s);
}

static void
ollama_delta(struct sink *s, const struct answer *a, const char *text)
{
	ollama_message(&s->payload, a, text, false);
	ollama_line(s);
}

static void
ollama_tool(struct sink *s, const struct answer *a)
{
	ollama_message(&s->payload, a, "", true);
	ollama_line(s);
}

static void
ollama_finish(struct sink *s, const struct answer *a, bool with_reason)
{
	if (!with_reason)
		return;
	ollama_message(&s->payload, a, "", false);
	out_text(&s->payload, "}");
	ollama_end(&s->payload, a, ollama_reason(a));
	sink_event(s, NULL);
}

static void
ollama_done(struct sink *s, const struct answer *a)
{
	(void)s; /* the line with done:true is the end mark */
	(void)a;
}

static void
ollama_ping(struct sink *s, const struct answer *a)
{
	ollama_delta(s, a, "");
}

const struct shape shape_ollama = {
	.name = "ollama",
	.headers = "",
	.stream_type = "application/x-ndjson",
	.json_type = "application/json; charset=utf-8",
	.models = ollama_models,
	.faults = ollama_faults,
	.route = ollama_route,
	.check = ollama_check,
	.check_key = ollama_check_key,
	.list = ollama_list,
	.answer = ollama_answer,
	.error = ollama_error,
	.begin = ollama_begin,
	.thought = ollama_thought,
	.delta = ollama_delta,
	.tool = ollama_tool,
	.finish = ollama_finish,
	.done = ollama_done,
	.ping = ollama_ping,
};
