/* SPDX-License-Identifier: MIT */
/* See registry_litellm.h. */
#include "registry_litellm.h"

#include <stdio.h>
#include <string.h>

#include "decimal.h"
#include "json_scan.h"
#include "llmfo.h"

#define NAME_MAX_BYTES 256
/* USD a token as they stand there, in pico-USD. */
#define PRICE_PLACES 12
#define TOKENS_MAX INT64_C(1000000000)
#define WARNINGS_MAX 10

struct reader {
	struct registry *registry;
	struct json_scan scan;
	const char *file;
	struct config_faults *faults;
	size_t warnings;
};

struct model {
	const struct json_scan_value *key;
	char provider[NAME_MAX_BYTES]; /* "": not said */
	bool other;                    /* makes pictures, speech or the like */
	struct model_facts facts;
};

/* Names of providers that are called otherwise here. */
static const struct {
	const char *theirs, *ours;
} providers[] = {
	{"together_ai", "together"},
	{"text-completion-openai", "openai"},
	{"ollama_chat", "ollama"},
	{"azure_text", "azure"},
};

static const struct {
	const char *mode;
	unsigned can, known;
} modes[] = {
	{"chat", MODEL_CAN_CHAT, MODEL_CAN_CHAT | MODEL_CAN_EMBEDDING},
	{"completion", MODEL_CAN_CHAT, MODEL_CAN_CHAT | MODEL_CAN_EMBEDDING},
	{"responses", MODEL_CAN_CHAT, MODEL_CAN_CHAT | MODEL_CAN_EMBEDDING},
	{"embedding", MODEL_CAN_EMBEDDING, MODEL_CAN_CHAT | MODEL_CAN_EMBEDDING},
};

static const struct {
	const char *key;
	unsigned fact;
	size_t offset;
} numbers[] = {
	{"max_input_tokens", MODEL_CONTEXT, offsetof(struct model_facts, context_tokens)},
	{"max_output_tokens", MODEL_MAX_OUTPUT, offsetof(struct model_facts, max_output_tokens)},
	{"input_cost_per_token", MODEL_INPUT_PRICE, offsetof(struct model_facts, input_picousd)},
	{"output_cost_per_token", MODEL_OUTPUT_PRICE, offsetof(struct model_facts, output_picousd)},
	{"cache_read_input_token_cost", MODEL_CACHED_PRICE,
		offsetof(struct model_facts, cached_picousd)},
};

static const struct {
	const char *key;
	unsigned capability;
} flags[] = {
	{"supports_vision", MODEL_CAN_VISION},
	{"supports_function_calling", MODEL_CAN_TOOLS},
	{"supports_response_schema", MODEL_CAN_JSON},
	{"supports_reasoning", MODEL_CAN_REASONING},
};

static void
complain(struct reader *r, bool warning, const struct json_scan_value *key,
	const struct json_scan_value *field, const char *at, const char *what)
{
	struct config_place place = {.file = r->file};
	char path[2 * NAME_MAX_BYTES] = "";

	if (key)
		(void)snprintf(path, sizeof path, "%.*s%s%.*s", (int)key->length, key->text,
			field ? "." : "", field ? (int)field->length : 0, field ? field->text : "");
	place.path = path;
	if (warning && r->warnings++ >= WARNINGS_MAX)
		return;
	json_scan_place(&r->scan, at, &place.line, &place.column);
	config_fault_add(r->faults, warning, place, "%s", what);
}

/* ---- fields ---- */

static void
read_number(struct reader *r, struct model *model, const struct json_scan_value *field,
	const struct json_scan_value *value, size_t index)
{
	bool price = (numbers[index].fact & MODEL_PRICES) != 0;
	int64_t most = price ? MODEL_PRICE_MAX : TOKENS_MAX, number = 0;

	if (json_scan_is(value, "null"))
		return;
	int error = value->kind == JSON_SCAN_NUMBER
		? decimal_read(value->text, value->length, price ? PRICE_PLACES : 0, &number, NULL)
		: LLMFO_EINVALID_REQUEST;
	if (error || number < 0 || number > most) {
		complain(r, true, model->key, field, value->text,
			error == LLMFO_EINVALID_REQUEST ? "is no number: unknown"
							: "cannot be: unknown");
		return;
	}
	memcpy((char *)&model->facts + numbers[index].offset, &number, sizeof number);
	model->facts.known |= numbers[index].fact;
}

static void
read_provider(struct model *model, const struct json_scan_value *value)
{
	if (value->kind == JSON_SCAN_STRING && value->length < sizeof model->provider) {
		memcpy(model->provider, value->text, value->length);
		model->provider[value->length] = '\0';
	}
}

static void
read_mode(struct model *model, const struct json_scan_value *value)
{
	model->other = true;
	for (size_t i = 0; i < UTIL_COUNT(modes); i++)
		if (json_scan_is(value, modes[i].mode)) {
			model->other = false;
			model->facts.capabilities |= modes[i].can;
			model->facts.capabilities_known |= modes[i].known;
		}
}

static void
read_field(struct reader *r, struct model *model, const struct json_scan_value *field,
	const struct json_scan_value *value)
{
	if (json_scan_is(field, "litellm_provider"))
		read_provider(model, value);
	else if (json_scan_is(field, "mode"))
		read_mode(model, value);
	for (size_t i = 0; i < UTIL_COUNT(numbers); i++)
		if (json_scan_is(field, numbers[i].key))
			read_number(r, model, field, value, i);
	for (size_t i = 0; i < UTIL_COUNT(flags); i++) {
		if (!json_scan_is(field, flags[i].key) || value->kind != JSON_SCAN_WORD)
			continue;
		/* what is said nowhere may be so all the same */
		model->facts.capabilities |= json_scan_is(value, "true") * flags[i].capability;
		model->facts.capabilities_known |=
			!json_scan_is(value, "null") * flags[i].capability;
	}
}

/* ---- entries ---- */

static const char *
our_name(const char *provider)
{
	for (size_t i = 0; i < UTIL_COUNT(providers); i++)
		if (strcmp(providers[i].theirs, provider) == 0)
			return providers[i].ours;
	return provider;
}

/* A key is "provider/model", with the provider's name as it stands there, or the model alone. */
static void
add(struct reader *r, struct model *model)
{
	const char *text = model->key->text;
	size_t length = model->key->length, prefix = strlen(model->provider);
	char name[2 * NAME_MAX_BYTES];

	if (length > prefix && strncmp(text, model->provider, prefix) == 0 && text[prefix] == '/') {
		text += prefix + 1;
		length -= prefix + 1;
	}
	if (length >= NAME_MAX_BYTES || memchr(text, '\\', length)) {
		complain(
			r, true, model->key, NULL, model->key->text, "is no model's name: ignored");
		return;
	}
	/* where no price for what is cached is published, it is the same as the other */
	if ((model->facts.known & MODEL_INPUT_PRICE) &&
		!(model->facts.known & MODEL_CACHED_PRICE)) {
		model->facts.cached_picousd = model->facts.input_picousd;
		model->facts.known |= MODEL_CACHED_PRICE;
	}
	(void)snprintf(name, sizeof name, "%s/%.*s", our_name(model->provider), (int)length, text);
	registry_add(r->registry, name, &model->facts);
}

/* Does it describe the list itself rather than a model? */
static bool
is_no_model(const struct json_scan_value *key)
{
	return json_scan_is(key, "sample_spec") || json_scan_is(key, "fallback_generalizations");
}

static void
read_entry(struct reader *r, const struct json_scan_value *key)
{
	struct json_scan_value field, value;
	struct model model = {.key = key};
	bool first = true;

	if (is_no_model(key) || json_scan_peek(&r->scan) != JSON_SCAN_OBJECT) {
		const char *at = r->scan.at;

		if (json_scan_take(&r->scan, &value) && !is_no_model(key))
			complain(r, true, key, NULL, at, "is no model: ignored");
		return;
	}
	(void)json_scan_enter(&r->scan);
	while (json_scan_key(&r->scan, &field, &first))
		if (json_scan_take(&r->scan, &value))
			read_field(r, &model, &field, &value);
	if (r->scan.why || model.other)
		return;
	if (model.provider[0])
		add(r, &model);
	else
		complain(r, true, key, NULL, key->text, "has no litellm_provider: ignored");
}

void
registry_litellm_read(struct registry *registry, const char *text, size_t length, const char *file,
	struct config_faults *faults)
{
	struct reader r = {.registry = registry, .file = file, .faults = faults};
	struct json_scan_value key;
	bool first = true;
	char why[200];

	json_scan_begin(&r.scan, text, length);
	if (json_scan_enter(&r.scan))
		while (json_scan_key(&r.scan, &key, &first))
			read_entry(&r, &key);
	if (!r.scan.why)
		(void)json_scan_finish(&r.scan);
	if (r.scan.why) {
		(void)snprintf(why, sizeof why, "not valid JSON: %s", r.scan.why);
		complain(&r, false, NULL, NULL, r.scan.at, why);
	}
	if (r.warnings > WARNINGS_MAX) {
		(void)snprintf(why, sizeof why, "%zu more values cannot be used",
			r.warnings - WARNINGS_MAX);
		config_fault_add(faults, true, (struct config_place){file, 0, 0, ""}, "%s", why);
	}
}
