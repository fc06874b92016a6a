/* SPDX-License-Identifier: MIT */
/* How long a provider asks to be left alone, in all the forms it may say so. */
#ifndef LLMFO_OUTCOME_WAIT_H
#define LLMFO_OUTCOME_WAIT_H

#include "outcome_facts.h"

/*
 * The provider's own wait in ms, or -1: the best of its hints that is usable. A hint that is no
 * number, not above zero or beyond a year is passed over. `limited`: the failure is a rate limit,
 * so the reset headers of a used-up dimension count as well; `prose`: the words of the message too.
 */
int64_t outcome_wait_ms(const struct outcome_input *in, const struct outcome_facts *facts,
	bool limited, bool prose);

/* Now, in ms since 1970, by the provider's own clock (Date) where it tells it. */
int64_t outcome_wait_now_ms(const struct outcome_input *in);

/* Single forms; -1 for what is none. Each takes white space around it. */
/* "3", "0.5", "1m12.5s", "34.4s", an epoch in s or ms, HTTP date, RFC 3339. A bare number is in
 * unit_ms. */
int64_t outcome_wait_parse(const char *text, int64_t unit_ms, int64_t now_ms);
/* The wait in a sentence: "try again in 9m38.016s", "retry after 45 seconds". */
int64_t outcome_wait_prose(const char *text);

#endif
