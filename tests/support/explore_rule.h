/* SPDX-License-Identifier: MIT */
/* How the explorer's rules are written: a sentence, and a function that says whether it holds. */
#ifndef LLMFO_EXPLORE_RULE_H
#define LLMFO_EXPLORE_RULE_H

#include "explore_state.h"

/* What is looked at; what does not belong to the moment is NULL. */
struct explore_moment {
	struct explore *explore;
	struct explore_call *call;
	const struct explore_request *request;
	const struct explore_candidate *candidate;
	const struct call_result *result;
	char why[400];
};

struct explore_rule {
	const char *sentence;
	bool (*holds)(struct explore_moment *moment);
};

/* Looks at each; the first that does not hold is blamed. */
void explore_apply(struct explore_moment *moment, const struct explore_rule *rules, size_t count);
/* Says why, if it does not hold. */
bool explore_holds(struct explore_moment *moment, bool holds, const char *format, ...)
	UTIL_PRINTF(3, 4);

#endif
