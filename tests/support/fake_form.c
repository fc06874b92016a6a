/* SPDX-License-Identifier: MIT */
/* See fake_form.h. */
#include "fake_form.h"

#include <assert.h>
#include <string.h>

#include "json.h"

enum fake_form
fake_form_of(const char *url)
{
	return strstr(url, "/api/") ? FAKE_OLLAMA : FAKE_OPENAI;
}

static void
write_tree(struct json *tree, struct buf *out)
{
	assert(json_write(tree, out) == 0);
	json_free(tree);
}

/* ---- in one go ---- */

static struct json *
text_or_null(const char *text)
{
	return text ? json_new_string(text, strlen(text)) : NULL;
}

static struct json *
message_of(const char *text)
{
	struct json *message = json_new_object();

	json_set_text(message, "role", "assistant");
	json_set_text(message, "content", text);
	return message;
}

static struct json *
openai_usage(void)
{
	struct json *usage = json_new_object();

	json_set_int(usage, "prompt_tokens", 5);
	json_set_int(usage, "completion_tokens", 3);
	json_set_int(usage, "total_tokens", 8);
	return usage;
}

static void
set_ollama_end(struct json *answer, const char *reason, bool no_usage)
{
	json_set_text(answer, "done_reason", reason);
	json_set_bool(answer, "done", true);
	if (!no_usage) {
		json_set_int(answer, "prompt_eval_count", 5);
		json_set_int(answer, "eval_count", 3);
	}
}

static struct json *
openai_answer(const char *text, bool no_usage)
{
	struct json *answer = json_new_object(), *choices = json_new_array();
	struct json *choice = json_new_object();

	json_set_int(choice, "index", 0);
	json_set(choice, "message", message_of(text));
	json_set_text(choice, "finish_reason", "stop");
	json_push(choices, choice);
	json_set_text(answer, "object", "chat.completion");
	json_set(answer, "choices", choices);
	if (!no_usage)
		json_set(answer, "usage", openai_usage());
	return answer;
}

static struct json *
ollama_answer(const char *text, bool no_usage)
{
	struct json *answer = json_new_object();

	json_set_text(answer, "model", "m");
	json_set(answer, "message", message_of(text));
	set_ollama_end(answer, "stop", no_usage);
	return answer;
}

void
fake_form_answer(enum fake_form form, const char *text, bool no_usage, struct buf *out)
{
	write_tree(
		form == FAKE_OLLAMA ? ollama_answer(text, no_usage) : openai_answer(text, no_usage),
		out);
}

void
fake_form_error(
	enum fake_form form, const char *text, const char *type, const char *code, struct buf *out)
{
	struct json *body = json_new_object(), *error;

	if (form == FAKE_OLLAMA) {
		json_set_text(body, "error", text);
	} else {
		error = json_new_object();
		json_set_text(error, "message", text);
		json_set(error, "type", text_or_null(type));
		json_set(error, "param", NULL);
		json_set(error, "code", text_or_null(code));
		json_set(body, "error", error);
	}
	write_tree(body, out);
}

/* ---- as a stream ---- */

static void
write_event(enum fake_form form, struct json *tree, struct buf *out)
{
	if (form == FAKE_OPENAI)
		(void)buf_puts(out, "data: ");
	write_tree(tree, out);
	(void)buf_puts(out, form == FAKE_OPENAI ? "\n\n" : "\n");
}

/* One event of OpenAI's; delta is taken over. */
static void
openai_chunk(struct json *delta, const char *reason, struct json *usage, struct buf *out)
{
	struct json *chunk = json_new_object(), *choices = json_new_array();
	struct json *choice = json_new_object();

	json_set_int(choice, "index", 0);
	json_set(choice, "delta", delta);
	json_set(choice, "finish_reason", text_or_null(reason));
	json_push(choices, choice);
	json_set_text(chunk, "object", "chat.completion.chunk");
	json_set(chunk, "choices", choices);
	if (usage)
		json_set(chunk, "usage", usage);
	write_event(FAKE_OPENAI, chunk, out);
}

/* One line of Ollama's; message is taken over. */
static void
ollama_line(struct json *message, struct buf *out)
{
	struct json *line = json_new_object();

	json_set_text(line, "model", "m");
	json_set(line, "message", message);
	json_set_bool(line, "done", false);
	write_event(FAKE_OLLAMA, line, out);
}

void
fake_form_begin(enum fake_form form, struct buf *out)
{
	if (form == FAKE_OPENAI)
		openai_chunk(message_of(""), NULL, NULL, out);
}

static void
piece_text(enum fake_form form, const char *text, struct buf *out)
{
	struct json *delta;

	if (form == FAKE_OLLAMA) {
		ollama_line(message_of(text), out);
		return;
	}
	delta = json_new_object();
	json_set_text(delta, "content", text);
	openai_chunk(delta, NULL, NULL, out);
}

static void
piece_reasoning(enum fake_form form, const char *text, struct buf *out)
{
	struct json *delta = form == FAKE_OLLAMA ? message_of("") : json_new_object();

	json_set_text(delta, form == FAKE_OLLAMA ? "thinking" : "reasoning_content", text);
	if (form == FAKE_OLLAMA)
		ollama_line(delta, out);
	else
		openai_chunk(delta, NULL, NULL, out);
}

static struct json *
calls_of(struct json *function, const char *id)
{
	struct json *calls = json_new_array(), *call = json_new_object();

	if (id) {
		json_set_int(call, "index", 0);
		json_set_text(call, "id", id);
		json_set_text(call, "type", "function");
	}
	json_set(call, "function", function);
	json_push(calls, call);
	return calls;
}

/* In two events: the name with the beginning of its arguments, then the rest of them. */
static void
openai_tool(const char *name, const char *arguments, struct buf *out)
{
	size_t half = strlen(arguments) / 2;
	const char *parts[2] = {arguments, arguments + half};
	size_t lengths[2] = {half, strlen(arguments) - half};

	for (int i = 0; i < 2; i++) {
		struct json *delta = json_new_object(), *function = json_new_object();
		struct json *calls = calls_of(function, i == 0 ? "call_1" : NULL);

		if (i == 0)
			json_set_text(function, "name", name);
		else
			json_set_int(json_at(calls, 0), "index", 0);
		json_set(function, "arguments", json_new_string(parts[i], lengths[i]));
		json_set(delta, "tool_calls", calls);
		openai_chunk(delta, NULL, NULL, out);
	}
}

static void
piece_tool(enum fake_form form, const char *text, struct buf *out)
{
	size_t length = strcspn(text, " ");
	char *name = x_strndup(text, length);
	const char *arguments = text + length + (text[length] == ' '), *why;

	if (form == FAKE_OPENAI) {
		openai_tool(name, arguments, out);
	} else {
		struct json *function = json_new_object(), *message = message_of("");

		json_set_text(function, "name", name);
		json_set(function, "arguments",
			json_parse(arguments, strlen(arguments), true, &why));
		json_set(message, "tool_calls", calls_of(function, NULL));
		ollama_line(message, out);
	}
	free(name);
}

static void
piece_finish(enum fake_form form, const char *reason, bool no_usage, struct buf *out)
{
	struct json *line;

	if (form == FAKE_OPENAI) {
		openai_chunk(json_new_object(), reason, NULL, out);
		if (!no_usage) {
			line = json_new_object();
			json_set_text(line, "object", "chat.completion.chunk");
			json_set(line, "choices", json_new_array());
			json_set(line, "usage", openai_usage());
			write_event(form, line, out);
		}
		return;
	}
	line = json_new_object();
	json_set_text(line, "model", "m");
	json_set(line, "message", message_of(""));
	set_ollama_end(line, reason, no_usage);
	write_event(form, line, out);
}

static void
piece_error(enum fake_form form, const char *message, struct buf *out)
{
	if (form == FAKE_OPENAI)
		(void)buf_puts(out, "data: ");
	fake_form_error(form, message, "server_error", NULL, out);
	(void)buf_puts(out, form == FAKE_OPENAI ? "\n\n" : "\n");
}

void
fake_form_piece(enum fake_form form, const struct fake_piece *piece, bool no_usage, struct buf *out)
{
	const char *text = piece->text ? piece->text : "";

	switch (piece->kind) {
	case FAKE_BYTES: (void)buf_puts(out, text); break;
	case FAKE_TEXT: piece_text(form, text, out); break;
	case FAKE_REASONING: piece_reasoning(form, text, out); break;
	case FAKE_TOOL: piece_tool(form, text, out); break;
	case FAKE_PING: (void)buf_puts(out, form == FAKE_OPENAI ? ": ping\n\n" : "\n"); break;
	case FAKE_NONSENSE:
		(void)buf_puts(
			out, form == FAKE_OPENAI ? "data: {\"choices\": [\n\n" : "{\"mess\n");
		break;
	case FAKE_ERROR: piece_error(form, text, out); break;
	case FAKE_FINISH: piece_finish(form, piece->text ? text : "stop", no_usage, out); break;
	case FAKE_MARK:
		if (form == FAKE_OPENAI)
			(void)buf_puts(out, "data: [DONE]\n\n");
		break;
	}
}
