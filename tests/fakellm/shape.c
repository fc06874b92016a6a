/* SPDX-License-Identifier: MIT */
/*
 * What the shapes share: reading a request's JSON, refusing it, tables of errors.
 */
#include "shape.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_SAID_MAX_BYTES = 60 };

const struct shape *
shape_find(const char *name)
{
	static const struct shape *const shapes[] = {
		&shape_openai,
		&shape_anthropic,
		&shape_gemini,
		&shape_ollama,
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (strcmp(shapes[i]->name, name) == 0)
			return shapes[i];
	}
	return NULL;
}

void
ask_read(struct ask *ask, struct provider *p, const struct request *req)
{
	memset(ask, 0, sizeof(*ask));
	ask->provider = p;
	ask->shape = p->shape;
	ask->req = req;
	ask->max_words = -1;
	p->shape->route(ask);
	if (ask->what == ASK_UNKNOWN)
		ask_refuse(ask, 404, NULL, NULL, NULL, NULL, NULL);
	else if (ask->what == ASK_CHAT)
		ask->shape->check(ask);
	else
		ask->shape->check_key(ask);
	if (ask->what == ASK_CHAT && !ask->fault.status && !provider_has_model(p, ask->model))
		ask_refuse_kind(ask, 404, "model");
}

void
ask_free(struct ask *ask)
{
	json_object_put(ask->json);
	free(ask->model);
	free(ask->said);
	free(ask->key);
	free(ask->fault_message);
}

char *
shape_message(const char *text, const char *model, const char *name)
{
	struct out o = {0};

	for (; *text; text++) {
		size_t plain = strcspn(text, "$");

		out_add(&o, text, plain);
		text += plain;
		if (!*text)
			break;
		if (text[1] == 'M' || text[1] == '1') {
			const char *value = text[1] == 'M' ? model : name;

			out_text(&o, value ? value : "");
			text++;
		} else {
			out_text(&o, "$");
		}
	}
	return out_take(&o);
}

void
ask_refuse(struct ask *ask, int status, const char *type, const char *code, const char *param,
	const char *message, const char *name)
{
	if (ask->fault.status)
		return;
	ask->fault = (struct fault){.status = status, .type = type, .code = code, .param = param};
	if (message) {
		ask->fault_message = shape_message(message, ask->model, name);
		ask->fault.message = ask->fault_message;
	}
}

void
ask_refuse_kind(struct ask *ask, int status, const char *kind)
{
	ask_refuse(ask, status, NULL, NULL, NULL, NULL, NULL);
	if (!ask->fault.kind && !ask->fault.message)
		ask->fault.kind = kind;
}

void
ask_refuse_prefill(struct ask *ask)
{
	json_object *turns = ask_field(ask->json, "messages"), *last = NULL;
	const char *role;

	if (!turns)
		turns = ask_field(ask->json, "contents");
	if (json_object_is_type(turns, json_type_array) && json_object_array_length(turns) > 0)
		last = json_object_array_get_idx(turns, json_object_array_length(turns) - 1);
	role = ask_string(last, "role");
	if (role && (strcmp(role, "assistant") == 0 || strcmp(role, "model") == 0))
		ask_refuse(ask, 400, NULL, NULL, NULL,
			"This model does not support assistant message prefill. The conversation "
			"must end with a user message.",
			NULL);
}

bool
ask_read_json(struct ask *ask)
{
	json_tokener *tokener = json_tokener_new_ex(64);

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	ask->json = json_tokener_parse_ex(
		tokener, ask->req->body.p ? ask->req->body.p : "", (int)ask->req->body.n);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
		!json_object_is_type(ask->json, json_type_object)) {
		json_object_put(ask->json);
		ask->json = NULL;
	}
	json_tokener_free(tokener);
	return ask->json != NULL;
}

const char *
ask_unknown_field(json_object *object, const char *const *known)
{
	json_object_object_foreach(object, name, value)
	{
		const char *const *k = known;

		(void)value;
		while (*k && strcmp(*k, name) != 0)
			k++;
		if (!*k)
			return name;
	}
	return NULL;
}

json_object *
ask_field(json_object *object, const char *name)
{
	json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, name, &value);
	return value;
}

const char *
ask_string(json_object *object, const char *name)
{
	json_object *value = ask_field(object, name);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static int64_t
ask_words(const char *text)
{
	int64_t n = 0;
	bool inside = false;

	for (; *text; text++) {
		bool blank = isspace((unsigned char)*text);

		n += !blank && !inside;
		inside = !blank;
	}
	return n;
}

static void
ask_keep(struct ask *ask, const char *text)
{
	size_t n = strlen(text);

	if (n > ASK_SAID_MAX_BYTES) {
		n = ASK_SAID_MAX_BYTES;
		while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	free(ask->said);
	ask->said = out_strndup(text, n);
}

void
ask_count(struct ask *ask, json_object *content, bool user)
{
	const char *text;

	if (json_object_is_type(content, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(content); i++)
			ask_count(ask, json_object_array_get_idx(content, i), user);
		return;
	}
	if (json_object_is_type(content, json_type_string))
		text = json_object_get_string(content);
	else
		text = ask_string(content, "text");
	if (!text)
		return;
	ask->prompt_words += ask_words(text);
	if (user)
		ask_keep(ask, text);
}

void
ask_set_key(struct ask *ask, struct span value, const char *prefix)
{
	size_t n = strlen(prefix);

	if (ask->key || !value.p || value.n < n || memcmp(value.p, prefix, n) != 0)
		return;
	ask->key = out_strndup(value.p + n, value.n - n);
}

bool
ask_key_ok(const struct ask *ask)
{
	const char *right = ask->provider->key;

	return !right || (ask->key && strcmp(ask->key, right) == 0);
}

const struct shape *
ask_error_shape(const struct ask *ask)
{
	return ask->in_array ? &shape_gemini : ask->shape;
}

const struct fault_row *
shape_fault(const struct fault_row *rows, int status, const char *kind)
{
	const struct fault_row *row;

	for (row = rows; kind && (row->status || row->kind); row++) {
		if (row->status == status && row->kind && strcmp(row->kind, kind) == 0)
			return row;
	}
	for (row = rows; kind && (row->status || row->kind); row++) {
		if (row->kind && strcmp(row->kind, kind) == 0)
			return row;
	}
	for (row = rows; row->status || row->kind; row++) {
		if (row->status == status && !row->kind)
			return row;
	}
	return row;
}

void
shape_html(struct out *o, const char *host, int status)
{
	out_put(o, "<!DOCTYPE html>\n<html class='no-js' lang='en-US'>\n<head>\n");
	out_put(o, "<title>%s | %d: %s</title>\n", host, (int64_t)status, http_reason(status));
	out_put(o, "<meta charset='UTF-8' />\n</head>\n<body>\n<div id='cf-wrapper'>\n");
	out_put(o, "<h1>Error code %d</h1>\n</div>\n</body>\n</html>\n", (int64_t)status);
}

const char *
shape_map(const char *const *map, const char *name)
{
	for (; map[0]; map += 2) {
		if (strcmp(map[0], name) == 0)
			return map[1];
	}
	return name;
}
