/* SPDX-License-Identifier: MIT */
/* See model.h. */
#include "model.h"

#include <string.h>

static const char *const capabilities[] = {
#define X(name, text, help) text,
#include "model_capability.def"
#undef X
};

static const char names[] =
#define X(name, text, help) ", " text
#include "model_capability.def"
#undef X
	;

unsigned
model_capability(const char *name)
{
	for (unsigned i = 0; i < UTIL_COUNT(capabilities); i++)
		if (strcmp(capabilities[i], name) == 0)
			return 1u << i;
	return 0;
}

const char *
model_capability_name(size_t index)
{
	return index < UTIL_COUNT(capabilities) ? capabilities[index] : NULL;
}

const char *
model_capability_names(void)
{
	return names + strlen(", ");
}

void
model_merge(struct model_facts *into, const struct model_facts *from, unsigned which)
{
	unsigned take = from->known & which & ~into->known;

	if (take & MODEL_CONTEXT)
		into->context_tokens = from->context_tokens;
	if (take & MODEL_MAX_OUTPUT)
		into->max_output_tokens = from->max_output_tokens;
	if (take & MODEL_INPUT_PRICE)
		into->input_picousd = from->input_picousd;
	if (take & MODEL_OUTPUT_PRICE)
		into->output_picousd = from->output_picousd;
	if (take & MODEL_CACHED_PRICE)
		into->cached_picousd = from->cached_picousd;
	if (take & MODEL_QUALITY)
		into->quality = from->quality;
	if (take & MODEL_LATENCY)
		into->typical_latency_ms = from->typical_latency_ms;
	into->known |= take;
	if (which & MODEL_CAPABLE) {
		unsigned fresh = from->capabilities_known & ~into->capabilities_known;

		into->capabilities |= from->capabilities & fresh;
		into->capabilities_known |= fresh;
	}
}
