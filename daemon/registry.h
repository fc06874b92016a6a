/* SPDX-License-Identifier: MIT */
/*
 * The registry: facts about models by name, in layers. A later layer outranks an earlier one, fact
 * by fact. Pure: it is filled by config_models.c (our files) and registry_litellm.c (LiteLLM's
 * price list), and asked once for each target when a configuration is read, never on a call's way.
 */
#ifndef LLMFO_REGISTRY_H
#define LLMFO_REGISTRY_H

#include "model.h"

struct registry;

/* Whose facts are wanted. All borrowed; only preset and model must be there. */
struct registry_key {
	const char *provider; /* as it is configured: "eu-openai" */
	const char *derived_from;
	const char *preset; /* its kind: "openai" */
	const char *model;
};

/* An empty one, without a layer. The caller frees it; NULL is fine there. */
struct registry *registry_new(void);
void registry_free(struct registry *registry);
/* A new layer on top: what is added from now on goes there. */
void registry_open(struct registry *registry);
/* Ends it: from now on it is found. */
void registry_close(struct registry *registry);
/*
 * Adds a model: "provider/model", where the provider is a configured one or a kind of provider, or
 * "model", which holds at every provider. Of two with one name in a layer the first one counts.
 */
void registry_add(struct registry *registry, const char *name, const struct model_facts *facts);
/* How many names there are, in all layers. */
size_t registry_count(const struct registry *registry);
/*
 * Puts together what is known of a model at a provider. Under its name at this provider or at its
 * kind of provider, and under its bare name, everything holds; ":latest" of Ollama's and a date of
 * eight digits at the end are the same model. Another provider's model of that name, one of another
 * date and one of another Ollama tag tell what such a model can do, never what it costs.
 */
void registry_find(
	const struct registry *registry, const struct registry_key *key, struct model_facts *facts);

#endif
