/* SPDX-License-Identifier: MIT */
/* See registry.h. */
#include "registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 512
/* What the same model somewhere else, or another size of it, says about this one. */
#define FROM_NAMESAKE (MODEL_CONTEXT | MODEL_MAX_OUTPUT | MODEL_QUALITY | MODEL_CAPABLE)
#define FROM_SIBLING (MODEL_CONTEXT | MODEL_MAX_OUTPUT | MODEL_CAPABLE)

struct entry {
	char *name;
	const char *model; /* in name, behind its first slash; name itself if there is none */
	size_t place;
	struct model_facts facts;
};

struct layer {
	struct entry *entries; /* by name once the layer is closed */
	struct entry **models; /* the same by model; NULL before */
	size_t count, room;
};

struct registry {
	struct layer *layers;
	size_t count;
};

struct registry *
registry_new(void)
{
	return x_calloc(1, sizeof(struct registry));
}

void
registry_free(struct registry *registry)
{
	for (size_t i = 0; registry && i < registry->count; i++) {
		struct layer *layer = &registry->layers[i];

		for (size_t k = 0; k < layer->count; k++)
			free(layer->entries[k].name);
		free(layer->entries);
		free(layer->models);
	}
	if (registry)
		free(registry->layers);
	free(registry);
}

void
registry_open(struct registry *registry)
{
	registry->layers =
		x_realloc(registry->layers, (registry->count + 1) * sizeof registry->layers[0]);
	registry->layers[registry->count++] = (struct layer){0};
}

void
registry_add(struct registry *registry, const char *name, const struct model_facts *facts)
{
	struct layer *layer = &registry->layers[registry->count - 1];

	if (layer->count == layer->room) {
		layer->room = layer->room ? layer->room * 2 : 64;
		layer->entries = x_realloc(layer->entries, layer->room * sizeof layer->entries[0]);
	}
	struct entry *entry = &layer->entries[layer->count];
	*entry = (struct entry){.name = x_strdup(name), .place = layer->count, .facts = *facts};
	layer->count++;
}

size_t
registry_count(const struct registry *registry)
{
	size_t count = 0;

	for (size_t i = 0; i < registry->count; i++)
		count += registry->layers[i].count;
	return count;
}

static int
compare_places(const struct entry *a, const struct entry *b)
{
	return a->place < b->place ? -1 : a->place > b->place;
}

static int
compare_names(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : compare_places(a, b);
}

static int
compare_models(const void *left, const void *right)
{
	const struct entry *a = *(struct entry *const *)left;
	const struct entry *b = *(struct entry *const *)right;
	int order = strcmp(a->model, b->model);

	return order ? order : compare_places(a, b);
}

void
registry_close(struct registry *registry)
{
	struct layer *layer = &registry->layers[registry->count - 1];

	if (layer->count == 0)
		return;
	qsort(layer->entries, layer->count, sizeof layer->entries[0], compare_names);
	layer->models = x_calloc(layer->count, sizeof(struct entry *));
	for (size_t i = 0; i < layer->count; i++) {
		struct entry *entry = &layer->entries[i];
		const char *slash = strchr(entry->name, '/');

		entry->model = slash ? slash + 1 : entry->name;
		layer->models[i] = entry;
	}
	qsort(layer->models, layer->count, sizeof(struct entry *), compare_models);
}

/* ---- finding ---- */

/* The first entry of that name. */
static const struct entry *
by_name(const struct layer *layer, const char *name)
{
	size_t low = 0, high = layer->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(layer->entries[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	bool found = low < layer->count && strcmp(layer->entries[low].name, name) == 0;
	return found ? &layer->entries[low] : NULL;
}

/* The first of a model's entries, whoever offers it. */
static const struct entry *
by_model(const struct layer *layer, const char *model)
{
	size_t low = 0, high = layer->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(layer->models[middle]->model, model) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	bool found = low < layer->count && strcmp(layer->models[low]->model, model) == 0;
	return found ? layer->models[low] : NULL;
}

static void
take(struct model_facts *facts, const struct entry *entry, unsigned which)
{
	if (entry)
		model_merge(facts, &entry->facts, which);
}

static void
take_at(struct model_facts *facts, const struct layer *layer, const char *provider,
	const char *model, unsigned which)
{
	char name[NAME_MAX_BYTES];

	if (!provider)
		return;
	int length = snprintf(name, sizeof name, "%s/%s", provider, model);
	if (length > 0 && (size_t)length < sizeof name)
		take(facts, by_name(layer, name), which);
}

/* What is said of the model at this very provider, or of it wherever it is. */
static void
find_own(const struct registry *registry, const struct registry_key *key, const char *model,
	unsigned which, struct model_facts *facts)
{
	for (size_t i = registry->count; i > 0; i--) {
		const struct layer *layer = &registry->layers[i - 1];

		take_at(facts, layer, key->provider, model, which);
		take_at(facts, layer, key->derived_from, model, which);
		take_at(facts, layer, key->preset, model, which);
		if (!strchr(model, '/'))
			take(facts, by_name(layer, model), which);
	}
}

/* What is said of a model of that name somewhere else. */
static void
find_namesake(const struct registry *registry, const char *model, unsigned which,
	struct model_facts *facts)
{
	for (size_t i = registry->count; i > 0; i--) {
		take(facts, by_model(&registry->layers[i - 1], model), which);
		take(facts, by_name(&registry->layers[i - 1], model), which);
	}
}

/* Bytes of a model's name before a pattern of 9s (digits) at its end; 0 if it does not end so. */
static size_t
before(const char *model, const char *pattern)
{
	size_t length = strlen(model), tail = strlen(pattern);

	if (length <= tail)
		return 0;
	for (size_t i = 0; i < tail; i++) {
		char c = model[length - tail + i];

		if (pattern[i] == '9' ? c < '0' || c > '9' : c != pattern[i])
			return 0;
	}
	return length - tail;
}

/* The other name of the very same model; "" if there is none. */
static void
same_model(const struct registry_key *key, const char *model, char *other, size_t size)
{
	size_t length = before(model, "-99999999");

	other[0] = '\0';
	if (strcmp(key->preset, "ollama") == 0) {
		size_t plain = before(model, ":latest");

		if (plain > 0)
			(void)snprintf(other, size, "%.*s", (int)plain, model);
		else if (!strchr(model, ':'))
			(void)snprintf(other, size, "%s:latest", model);
	} else if (length > 0) {
		(void)snprintf(other, size, "%.*s", (int)length, model);
	}
}

/* The name without a date or a tag: of another model, but of the same kind; "" if there is none. */
static void
sibling(const struct registry_key *key, const char *model, char *other, size_t size)
{
	size_t length = before(model, "-9999-99-99");

	if (strcmp(key->preset, "ollama") == 0)
		length = strcspn(model, ":") < strlen(model) ? strcspn(model, ":") : 0;
	(void)snprintf(other, size, "%.*s", (int)length, model);
}

/* Where nobody said it, the context does. */
static void
know_long_context(struct model_facts *facts)
{
	if (!(facts->known & MODEL_CONTEXT) || (facts->capabilities_known & MODEL_CAN_LONG_CONTEXT))
		return;
	facts->capabilities_known |= MODEL_CAN_LONG_CONTEXT;
	if (facts->context_tokens >= MODEL_LONG_CONTEXT_TOKENS)
		facts->capabilities |= MODEL_CAN_LONG_CONTEXT;
}

void
registry_find(
	const struct registry *registry, const struct registry_key *key, struct model_facts *facts)
{
	char same[NAME_MAX_BYTES], near[NAME_MAX_BYTES];
	const char *model = key->model;

	*facts = (struct model_facts){0};
	if (util_starts_with(model, "models/"))
		model += strlen("models/");
	if (strlen(model) >= NAME_MAX_BYTES)
		return;
	same_model(key, model, same, sizeof same);
	sibling(key, model, near, sizeof near);
	find_own(registry, key, model, MODEL_EVERYTHING, facts);
	find_own(registry, key, same, MODEL_EVERYTHING, facts);
	find_namesake(registry, model, FROM_NAMESAKE, facts);
	find_namesake(registry, same, FROM_NAMESAKE, facts);
	find_own(registry, key, near, FROM_SIBLING, facts);
	find_namesake(registry, near, FROM_SIBLING, facts);
	know_long_context(facts);
}
