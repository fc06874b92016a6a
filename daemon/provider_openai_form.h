/* SPDX-License-Identifier: MIT */
/* Messages in OpenAI's form, made fit for a preset that differs in some detail. */
#ifndef LLMFO_PROVIDER_OPENAI_FORM_H
#define LLMFO_PROVIDER_OPENAI_FORM_H

#include "provider.h"

/* The messages for a preset, to be freed; those that need no change are the given ones. */
struct json *provider_openai_messages(
	const struct provider_preset *preset, const struct json *messages);

#endif
