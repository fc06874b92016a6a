/* SPDX-License-Identifier: MIT */
/*
 * From facts to a class: the tables outcome_words.def and outcome_phrases.def and the one of
 * statuses. For the outcome_*.c files alone.
 */
#ifndef LLMFO_OUTCOME_RULES_H
#define LLMFO_OUTCOME_RULES_H

#include "outcome_facts.h"

struct outcome_verdict {
	enum outcome_class class;
	bool lacks_capability;
	bool model_made; /* the model's own doing, no evidence against the provider */
};

/* What a reply with this status and these facts is. It is taken to be a failure. */
struct outcome_verdict outcome_rules_judge(const struct outcome_facts *facts, int status);
/*
 * Copies text for comparing: lower case, blanks collapsed, quoted sentences taken out, typographic
 * apostrophes made plain, cut at size.
 */
void outcome_rules_normalise(const char *text, char *out, size_t size);
/*
 * Is the phrase (outcome_phrases.def tells its form) in the normalised text? The end of the match,
 * or NULL.
 */
const char *outcome_rules_find(const char *text, const char *phrase);

#endif
