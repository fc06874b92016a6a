/* SPDX-License-Identifier: MIT */
/*
 * About how many tokens a text is, without any model's vocabulary: by the kinds of characters in
 * it. Fitted to what OpenAI's o200k makes of the samples in tests/data/token-samples.jsonl, where
 * it is off by 8 % on average and by less than 25 % for each; older vocabularies (cl100k) need up
 * to a third more for European languages and two to four times as many for other scripts.
 */
#ifndef LLMFO_TOKENS_H
#define LLMFO_TOKENS_H

#include "util.h"

/* Never below 1 for a text that is not empty. What is not UTF-8 counts as rare characters. */
int64_t tokens_estimate(const char *text, size_t length);
/* How many there are in any case where so many were estimated, which may be a quarter too high. */
int64_t tokens_at_least(int64_t estimated);

#endif
