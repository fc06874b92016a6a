/* SPDX-License-Identifier: MIT */
/* The reading half of provider_anthropic.c, for it alone: as struct provider_family has it. */
#ifndef LLMFO_PROVIDER_ANTHROPIC_ANSWER_H
#define LLMFO_PROVIDER_ANTHROPIC_ANSWER_H

#include "provider.h"

bool provider_anthropic_read(const char *body, size_t length, struct provider_answer *answer);
bool provider_anthropic_event(struct provider_pieces *pieces, const struct json *event);
bool provider_anthropic_finish(struct provider_pieces *pieces);
void provider_anthropic_usage(const struct json *usage, struct provider_usage *out);

#endif
