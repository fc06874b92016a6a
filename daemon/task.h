/* SPDX-License-Identifier: MIT */
/*
 * From the kind of a task to the chain for it, and from a request to the kind of its task. Pure.
 */
#ifndef LLMFO_TASK_H
#define LLMFO_TASK_H

#include "config.h"

/* A prompt of that many tokens (by estimate) and more is long, one of that many and less short. */
#define TASK_LONG_TOKENS 32000
#define TASK_SHORT_TOKENS 100

/*
 * The chain of a task's name: in any case, singular or plural, with - for _, and `code` for
 * code_generation. NULL: there is none.
 */
struct config_chain *task_chain(const struct config *config, const char *type);
/* What kind of task a request is, as the name of a chain that is always there: static. */
const char *task_judge(const struct json *messages, bool images, bool tools, int64_t prompt_tokens);

#endif
