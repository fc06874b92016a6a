/* SPDX-License-Identifier: MIT */
/* Parts that several sections have: sampling parameters, timeouts, what fails over. */
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"
#include "config_value.h"
#include "llmfo.h"

#define STOP_MAX 16

/* ---- sampling parameters ---- */

static void
read_stop(struct config_reader *r, struct config_node *node, struct config_params *params)
{
	struct json *stop = json_new_array();
	size_t count = node->kind == CONFIG_LIST ? node->count : 1;

	if (node->kind == CONFIG_MAP || count > STOP_MAX)
		config_error(r, node, "must be a text or a list of at most %d texts", STOP_MAX);
	for (size_t i = 0; i < count && !node->bad; i++) {
		struct config_node *item = node->kind == CONFIG_LIST ? node->items[i] : node;
		const char *text = config_text_free(r, item);
		if (text && !*text)
			config_error(r, item, "is empty; give a text or remove it");
		else if (text)
			json_push(stop, json_new_string(text, strlen(text)));
	}
	params->stop = stop;
}

/* A plain scalar as YAML's core schema has it. */
static struct json *
plain_json(const char *text)
{
	struct buf why;
	int64_t number;
	double decimal;
	bool yes;
	struct json *json = NULL;

	buf_init(&why, 200);
	if (config_value_bool(text, &yes, &why) == 0)
		json = json_new_bool(yes);
	else if (config_value_int(text, &number, &why) == 0)
		json = json_new_int(number);
	else if (config_value_decimal(text, &decimal, &why) == 0)
		json = json_new_double(decimal);
	else
		json = json_new_string(text, strlen(text));
	buf_free(&why);
	return json;
}

static struct json *
to_json(struct config_reader *r, struct config_node *node)
{
	if (node->kind == CONFIG_MAP) {
		struct json *map = json_new_object();
		for (size_t i = 0; i < node->count; i++)
			json_set(map, node->items[i]->key, to_json(r, node->items[i]));
		return map;
	}
	if (node->kind == CONFIG_LIST) {
		struct json *list = json_new_array();
		for (size_t i = 0; i < node->count; i++)
			json_push(list, to_json(r, node->items[i]));
		return list;
	}
	const char *text = node->null ? NULL : config_text_free(r, node);
	if (!text)
		return NULL;
	return node->plain ? plain_json(text) : json_new_string(text, strlen(text));
}

void
config_params_read(struct config_reader *r, struct config_node *node, struct config_params *params)
{
	struct config_node *stop = config_node_get(node, "stop");
	struct config_node *format = config_node_get(node, "response_format");

	config_section_read(r, node, "params", params);
	params->has_temperature = config_node_get(node, "temperature") != NULL;
	params->has_top_p = config_node_get(node, "top_p") != NULL;
	params->has_seed = config_node_get(node, "seed") != NULL;
	if (stop)
		read_stop(r, stop, params);
	if (format && format->kind != CONFIG_MAP)
		config_error(r, format, "must be a map, such as {type: json_object}");
	else if (format && !config_node_get(format, "type"))
		config_error(r, format, "has no type; write {type: json_object} or another");
	else if (format)
		params->response_format = to_json(r, format);
}

void
config_params_free(struct config_params *params)
{
	json_free(params->stop);
	json_free(params->response_format);
	*params = (struct config_params){.stop = NULL};
}

void
config_params_merge(struct config_params *into, const struct config_params *from)
{
	if (!into->has_temperature && from->has_temperature) {
		into->has_temperature = true;
		into->temperature = from->temperature;
	}
	if (!into->has_top_p && from->has_top_p) {
		into->has_top_p = true;
		into->top_p = from->top_p;
	}
	if (!into->has_seed && from->has_seed) {
		into->has_seed = true;
		into->seed = from->seed;
	}
	if (!into->max_tokens)
		into->max_tokens = from->max_tokens;
	if (!into->stop && from->stop)
		into->stop = json_ref(from->stop);
	if (!into->response_format && from->response_format)
		into->response_format = json_ref(from->response_format);
}

/* ---- timeouts ---- */

static void
at_most(int64_t *value, int64_t limit)
{
	if (*value > limit)
		*value = limit;
}

void
config_timeout_clamp(struct config_timeout *timeout)
{
	at_most(&timeout->connect_ms, timeout->total_ms);
	at_most(&timeout->first_token_ms, timeout->total_ms);
	at_most(&timeout->idle_ms, timeout->total_ms);
}

void
config_timeout_read(
	struct config_reader *r, struct config_node *node, struct config_timeout *timeout)
{
	if (node->kind == CONFIG_SCALAR && !node->null)
		config_section_value(r, node, "timeout.total", timeout);
	else
		config_section_read(r, node, "timeout", timeout);
	config_timeout_clamp(timeout);
}

/* ---- retry_on ---- */

/* "429" or "5xx". */
static bool
parse_status(const char *item, int *low, int *high)
{
	if (strlen(item) != 3 || item[0] < '1' || item[0] > '5')
		return false;
	*low = (item[0] - '0') * 100;
	*high = *low + 99;
	if (util_equal_nocase(item + 1, "xx"))
		return true;
	if (item[1] < '0' || item[1] > '9' || item[2] < '0' || item[2] > '9')
		return false;
	*low += (item[1] - '0') * 10 + item[2] - '0';
	*high = *low;
	return true;
}

static bool ends_the_call(enum outcome_class class)
{
	return class == OUTCOME_OK || class == OUTCOME_CANCELLED ||
		class == OUTCOME_DEADLINE_EXCEEDED;
}

int
config_retry_on_add(struct config_retry_on *rules, const char *item)
{
	int low, high, class = outcome_from_text(item);

	if (strcmp(item, "any") == 0) {
		rules->any = true;
	} else if (strcmp(item, "default") == 0) {
		rules->include_default = true;
	} else if (class >= 0 && !ends_the_call((enum outcome_class) class)) {
		rules->classes |= UINT32_C(1) << class;
	} else if (parse_status(item, &low, &high)) {
		if (rules->status_count == CONFIG_RETRY_STATUSES)
			return LLMFO_EINVALID_REQUEST;
		rules->statuses[rules->status_count].low = low;
		rules->statuses[rules->status_count++].high = high;
	} else {
		return LLMFO_EINVALID_REQUEST;
	}
	rules->set = true;
	return 0;
}

bool
config_retries_on(const struct config_retry_on *rules, enum outcome_class class, int http_status,
	bool by_default)
{
	if (ends_the_call(class))
		return false;
	if (!rules->set)
		return by_default;
	if (rules->any || (rules->include_default && by_default) ||
		(rules->classes & (UINT32_C(1) << class)))
		return true;
	for (size_t i = 0; i < rules->status_count; i++)
		if (http_status >= rules->statuses[i].low && http_status <= rules->statuses[i].high)
			return true;
	return false;
}

static void
unknown_rule(struct config_reader *r, struct config_node *node, const char *item)
{
	const char *words[OUTCOME_CLASSES + 3] = {"default", "any"};
	struct buf list;
	size_t count = 2;

	buf_init(&list, 1000);
	for (int class = 0; class < OUTCOME_CLASSES; class ++)
		if (!ends_the_call((enum outcome_class) class))
			words[count++] = outcome_text((enum outcome_class) class);
	for (size_t i = 2; i < count; i++)
		buf_printf(&list, "%s%s", i > 2 ? ", " : "", words[i]);
	const char *nearest = config_nearest(item, words);
	if (nearest)
		config_error(r, node, "unknown failure `%s`; did you mean `%s`?", item, nearest);
	else
		config_error(r, node,
			"unknown failure `%s`; write default, any, a status (429, "
			"5xx) or a class: %s",
			item, list.data);
	buf_free(&list);
}

void
config_retry_on_read(
	struct config_reader *r, struct config_node *node, struct config_retry_on *rules)
{
	if (!node || !config_is_list(r, node, "[default, content_policy]"))
		return;
	for (size_t i = 0; i < node->count; i++) {
		const char *item = config_text(r, node->items[i]);
		if (item && rules->status_count == CONFIG_RETRY_STATUSES)
			config_error(r, node->items[i], "more than %d statuses; write 4xx or 5xx",
				CONFIG_RETRY_STATUSES);
		else if (item && config_retry_on_add(rules, item) != 0)
			unknown_rule(r, node->items[i], item);
	}
	if (node->count == 0 && !node->null)
		config_error(r, node, "is empty; write [default], or leave it out");
}

/* Takes from one layer of parameters what the layers before it left open. */
static void
add_params(struct provider_chat *chat, const struct config_params *params)
{
	if (!chat->has_temperature && params->has_temperature) {
		chat->has_temperature = true;
		chat->temperature = params->temperature;
	}
	if (!chat->has_top_p && params->has_top_p) {
		chat->has_top_p = true;
		chat->top_p = params->top_p;
	}
	if (!chat->has_seed && params->has_seed) {
		chat->has_seed = true;
		chat->seed = params->seed;
	}
	if (chat->max_tokens == 0)
		chat->max_tokens = params->max_tokens;
	if (!chat->stop)
		chat->stop = params->stop;
	if (!chat->response_format)
		chat->response_format = params->response_format;
}

/*
 * What the configuration says for all models is no demand: a model that takes no temperature or
 * top_p goes without. What the call itself asks for stays, and rules such a model out.
 */
static void
leave_out_sampling(struct provider_chat *chat, const struct config_params *own,
	const struct config_target *target)
{
	if (!provider_lacks(
		    target->provider->endpoint.preset, target->model, PROVIDER_NEED_SAMPLING))
		return;
	chat->has_temperature &= own->has_temperature;
	chat->has_top_p &= own->has_top_p;
}

void
config_params_fill(struct provider_chat *chat, const struct config_params *own,
	const struct config_chain *chain, const struct config_target *target,
	const struct config *config)
{
	add_params(chat, own);
	add_params(chat, &chain->params);
	add_params(chat, &target->provider->params);
	add_params(chat, &config->params);
	leave_out_sampling(chat, own, target);
}
