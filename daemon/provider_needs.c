/* SPDX-License-Identifier: MIT */
/*
 * What a request needs beyond plain text, and which models cannot give it. The facts are rows of
 * provider_need.def, provider.def and provider_model.def; here is how a request is looked at.
 */
#include <fnmatch.h>
#include <string.h>

#include "llmfo.h"
#include "provider_common.h"

static const struct model_row {
	const char *preset, *model;
	unsigned lacks;
	int64_t max_tokens;
} model_rows[] = {
#define X(preset, model, lacks, max_tokens) {preset, model, lacks, max_tokens},
#include "provider_model.def"
#undef X
};

static const char *const texts[PROVIDER_NEEDS] = {
#define X(name, text) text,
#include "provider_need.def"
#undef X
};

/* ---- targets ---- */

const char *
provider_bare_model(const char *model)
{
	static const char *const starts[] = {"models/", "ft:"};

	for (size_t i = 0; i < UTIL_COUNT(starts); i++)
		if (util_starts_with(model, starts[i]))
			model += strlen(starts[i]);
	return model;
}

static const struct model_row *
find_model(const struct provider_preset *preset, const char *model)
{
	model = provider_bare_model(model);
	for (size_t i = 0; i < UTIL_COUNT(model_rows); i++)
		if (strcmp(preset->name, model_rows[i].preset) == 0 &&
			fnmatch(model_rows[i].model, model, FNM_NOESCAPE) == 0)
			return &model_rows[i];
	return NULL;
}

unsigned
provider_lacks(const struct provider_preset *preset, const char *model, unsigned needs)
{
	const struct model_row *row = needs ? find_model(preset, model) : NULL;

	return needs & (preset->lacks | (row ? row->lacks : 0));
}

int64_t
provider_default_max_tokens(const struct provider_preset *preset, const char *model)
{
	const struct model_row *row = find_model(preset, model);

	return row ? row->max_tokens : 0;
}

void
provider_lacks_text(unsigned lacks, struct buf *text)
{
	const char *comma = "";

	for (unsigned i = 0; i < PROVIDER_NEEDS; i++) {
		if (!(lacks & (1u << i)))
			continue;
		(void)buf_printf(text, "%s%s", comma, texts[i]);
		comma = ", ";
	}
}

int
provider_refuse_lacks(
	const struct provider_endpoint *endpoint, const struct provider_chat *chat, struct buf *why)
{
	unsigned needs = provider_needs_join(
		provider_needs_of_messages(chat), provider_needs_of_params(chat));
	unsigned lacks = provider_lacks(endpoint->preset, chat->model, needs);

	if (!lacks)
		return 0;
	buf_clear(why);
	buf_printf(why, "%s ", endpoint->preset->name);
	provider_lacks_text(lacks, why);
	return LLMFO_EBAD_REQUEST;
}

/* ---- messages ---- */

/* The needs of a content's parts; *blank: there is nothing in it to see. */
static unsigned
needs_of_content(const struct json *content, bool *blank)
{
	struct provider_part part;
	unsigned needs = 0;

	*blank = true;
	for (size_t i = 0; provider_read_part(content, i, &part); i++) {
		switch (part.kind) {
		case PROVIDER_PART_TEXT:
			*blank &= provider_is_blank(part.text, part.length);
			continue;
		case PROVIDER_PART_IMAGE:
			needs |= part.data ? PROVIDER_NEED_IMAGE_DATA : PROVIDER_NEED_IMAGE_URL;
			break;
		case PROVIDER_PART_OTHER: needs |= PROVIDER_NEED_MEDIA; break;
		}
		*blank = false;
	}
	return needs;
}

static bool
is_role(const struct json *message, const char *role)
{
	const char *own = json_text(message, "role");

	return own && strcmp(own, role) == 0;
}

/* Is one of these tools, or calls of tools, no function? */
static bool
has_custom(const struct json *list)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const char *type = json_text(json_at(list, i), "type");
		if (type && strcmp(type, "function") != 0)
			return true;
	}
	return false;
}

static unsigned
needs_of_message(const struct json *message, bool *system)
{
	const struct json *calls = json_get(message, "tool_calls");
	bool tool = is_role(message, "tool"), called = json_count(calls) > 0, blank;
	unsigned needs = needs_of_content(json_get(message, "content"), &blank);

	*system = is_role(message, "system") || is_role(message, "developer");
	if (called || tool)
		needs |= PROVIDER_NEED_TOOLS;
	if (has_custom(calls))
		needs |= PROVIDER_NEED_TOOL_CUSTOM;
	if (blank && !called && !tool && !*system)
		needs |= PROVIDER_NEED_EMPTY;
	if (!tool && json_truthy(json_get(message, "name")))
		needs |= PROVIDER_NEED_SPEAKERS;
	return needs;
}

static unsigned
needs_of_tools(const struct json *tools, const struct json *choice)
{
	const char *word = json_string(choice, NULL);
	unsigned needs;

	if (json_count(tools) == 0 || (word && strcmp(word, "none") == 0))
		return 0;
	needs = PROVIDER_NEED_TOOLS | PROVIDER_NEED_JSON_TOOLS;
	if (word && strcmp(word, "required") == 0)
		needs |= PROVIDER_NEED_TOOL_REQUIRED;
	else if (json_type(choice) > JSON_NULL && !(word && strcmp(word, "auto") == 0))
		needs |= PROVIDER_NEED_TOOL_NAMED;
	return has_custom(tools) ? needs | PROVIDER_NEED_TOOL_CUSTOM : needs;
}

const struct json *
provider_last_message(const struct provider_chat *chat)
{
	size_t count = json_type(chat->messages) == JSON_ARRAY ? json_count(chat->messages) : 0;

	return count > 0 ? json_at(chat->messages, count - 1) : NULL;
}

bool
provider_is_prefill(const struct json *last)
{
	return is_role(last, "assistant") && json_count(json_get(last, "tool_calls")) == 0;
}

static unsigned
with_prefill(unsigned needs)
{
	return needs | PROVIDER_NEED_PREFILL |
		(needs & PROVIDER_NEED_TOOLS ? PROVIDER_NEED_PREFILL_TOOLS : 0);
}

unsigned
provider_needs_of_messages(const struct provider_chat *chat)
{
	size_t count = json_type(chat->messages) == JSON_ARRAY ? json_count(chat->messages) : 0;
	unsigned needs = needs_of_tools(chat->tools, chat->tool_choice);
	bool alone = true, system;

	for (size_t i = 0; i < count; i++) {
		needs |= needs_of_message(json_at(chat->messages, i), &system);
		alone &= system;
	}
	if (alone && count > 0)
		needs |= PROVIDER_NEED_SYSTEM_ALONE;
	return provider_is_prefill(provider_last_message(chat)) ? with_prefill(needs) : needs;
}

/* ---- parameters ---- */

static unsigned
needs_of_format(const struct json *format)
{
	const char *type = json_text(format, "type");

	if (json_type(format) <= JSON_NULL || (type && strcmp(type, "text") == 0))
		return 0;
	if (type && strcmp(type, "json_object") == 0)
		return PROVIDER_NEED_JSON_OBJECT;
	if (type && strcmp(type, "json_schema") == 0)
		return PROVIDER_NEED_JSON_SCHEMA;
	return PROVIDER_NEED_JSON_OTHER;
}

static unsigned
needs_of_stop(const struct json *stop)
{
	size_t count = json_type(stop) == JSON_ARRAY ? json_count(stop) : 0;
	unsigned needs = count > 0 ? PROVIDER_NEED_STOP : 0;

	if (count > 4)
		needs |= PROVIDER_NEED_STOP_5;
	if (count > 5)
		needs |= PROVIDER_NEED_STOP_6;
	for (size_t i = 0; i < count; i++) {
		size_t length = 0;
		const char *text = json_string(json_at(stop, i), &length);
		if (text && provider_is_blank(text, length))
			needs |= PROVIDER_NEED_STOP_BLANK;
	}
	return needs;
}

unsigned
provider_needs_of_params(const struct provider_chat *chat)
{
	bool temperature = chat->has_temperature && chat->temperature != 1;
	bool top_p = chat->has_top_p && chat->top_p != 1;
	unsigned needs = needs_of_format(chat->response_format) | needs_of_stop(chat->stop);

	if (chat->has_seed)
		needs |= PROVIDER_NEED_SEED;
	if (temperature || top_p)
		needs |= PROVIDER_NEED_SAMPLING;
	if (temperature && top_p)
		needs |= PROVIDER_NEED_SAMPLING_BOTH;
	if (temperature && chat->temperature > 1)
		needs |= PROVIDER_NEED_TEMPERATURE_HIGH;
	return needs;
}

unsigned
provider_needs_join(unsigned messages, unsigned params)
{
	static const unsigned json = PROVIDER_NEED_JSON_OBJECT | PROVIDER_NEED_JSON_SCHEMA;
	unsigned needs = messages | params;

	return needs & json ? needs : needs & ~(unsigned)PROVIDER_NEED_JSON_TOOLS;
}

bool
provider_takes_prefill(const struct provider_preset *preset, const struct provider_chat *chat)
{
	static const unsigned prefill = PROVIDER_NEED_PREFILL | PROVIDER_NEED_PREFILL_TOOLS |
		PROVIDER_NEED_GOING_ON;
	unsigned needs = with_prefill(provider_needs_of_messages(chat)) | PROVIDER_NEED_GOING_ON;

	return needs_of_format(chat->response_format) == 0 &&
		!provider_lacks(preset, chat->model, needs & prefill);
}
