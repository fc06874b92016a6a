/* SPDX-License-Identifier: MIT */
/*
 * LiteLLM's price list (model_prices_and_context_window.json) as facts about models. What it does
 * not say stays unknown: a price that is missing there is not a price of nothing.
 */
#ifndef LLMFO_REGISTRY_LITELLM_H
#define LLMFO_REGISTRY_LITELLM_H

#include "config_fault.h"
#include "registry.h"

/*
 * Adds all models that answer messages, and embeddings, to the layer that is open. A text that is
 * no such list is an error; a value that cannot be used is a warning and leaves that one fact
 * unknown. file names the text in faults.
 */
void registry_litellm_read(struct registry *registry, const char *text, size_t length,
	const char *file, struct config_faults *faults);

#endif
