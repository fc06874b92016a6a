/* SPDX-License-Identifier: MIT */
/*
 * What is known of one model: how much it takes, what it costs, what it is good for. Pure values.
 * Anything may be unknown, which is neither zero nor no; where the facts come from is registry.h.
 */
#ifndef LLMFO_MODEL_H
#define LLMFO_MODEL_H

#include "buf.h"

/* The indices are only for tables. */
enum model_capability_index {
#define X(name, text, help) MODEL_CAN_AT_##name,
#include "model_capability.def"
#undef X
	MODEL_CAPABILITIES
};

enum model_capability {
#define X(name, text, help) MODEL_CAN_##name = 1 << MODEL_CAN_AT_##name,
#include "model_capability.def"
#undef X
};

/* What a model_facts says something about. */
enum model_fact {
	MODEL_CONTEXT = 1 << 0,
	MODEL_MAX_OUTPUT = 1 << 1,
	MODEL_INPUT_PRICE = 1 << 2,
	MODEL_OUTPUT_PRICE = 1 << 3,
	MODEL_CACHED_PRICE = 1 << 4,
	MODEL_QUALITY = 1 << 5,
	MODEL_LATENCY = 1 << 6,
	MODEL_CAPABLE = 1 << 7, /* in masks alone: which ones are known is capabilities_known */
	MODEL_PRICES = MODEL_INPUT_PRICE | MODEL_OUTPUT_PRICE | MODEL_CACHED_PRICE,
	MODEL_EVERYTHING = (1 << 8) - 1
};

#define MODEL_LONG_CONTEXT_TOKENS 100000
/* The highest price there may be, in pico-USD a token: a million USD per million tokens. */
#define MODEL_PRICE_MAX INT64_C(1000000000000)

/* All zero: nothing is known. What `known` does not name is 0. */
struct model_facts {
	unsigned known; /* MODEL_CONTEXT and so on */
	int64_t context_tokens, max_output_tokens;
	int64_t input_picousd, output_picousd, cached_picousd; /* a token */
	int quality;                                           /* 0 to 100, to order by alone */
	int64_t typical_latency_ms;  /* of an answer of 200 tokens, until there is a measurement */
	unsigned capabilities;       /* MODEL_CAN_...: those it has */
	unsigned capabilities_known; /* those of which it is known whether it has them */
	bool local;                  /* runs on a machine of the user's: costs nothing */
};

/* The capability of a name (exact); 0 if there is none. */
unsigned model_capability(const char *name);
/* The name of the capability with that index, NULL beyond the end. */
const char *model_capability_name(size_t index);
/* "chat, code, ..." for messages about unknown names. Static. */
const char *model_capability_names(void);
/* Fills what `into` does not know from `from`, as far as `which` (MODEL_...) lets it. */
void model_merge(struct model_facts *into, const struct model_facts *from, unsigned which);

#endif
