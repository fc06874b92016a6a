/* SPDX-License-Identifier: MIT */
/*
 * What there is to judge in the body and headers of a reply, gathered from the envelopes of all
 * families: machine-readable words, messages, a status within the body, the objects that may hold a
 * wait. For the outcome_*.c files alone.
 */
#ifndef LLMFO_OUTCOME_FACTS_H
#define LLMFO_OUTCOME_FACTS_H

#include "json.h"
#include "outcome.h"

#define OUTCOME_WORDS_MAX 32
#define OUTCOME_MESSAGES_MAX 8
#define OUTCOME_PLACES_MAX 16
#define OUTCOME_ROOTS_MAX 4

/* Where a word stood; the more specific comes first. Words of an error within an error come before.
 */
enum outcome_place {
	OUTCOME_PLACE_REASON,       /* details[].reason, what we derive ourselves */
	OUTCOME_PLACE_INNER,        /* innererror.code, details.error_code */
	OUTCOME_PLACE_AVAILABILITY, /* availability.code */
	OUTCOME_PLACE_ERROR_TYPE,
	OUTCOME_PLACE_CODE,
	OUTCOME_PLACE_STATUS, /* google.rpc status */
	OUTCOME_PLACE_TYPE,
	OUTCOME_PLACE_HEADER, /* x-amzn-errortype */
	OUTCOME_PLACE_LEGACY, /* errors[].reason */
	OUTCOME_PLACES
};

struct outcome_word {
	int rank;
	const char *text;
};

struct outcome_facts {
	struct outcome_word words[OUTCOME_WORDS_MAX]; /* most specific first */
	size_t word_count;
	const char *messages[OUTCOME_MESSAGES_MAX]; /* the innermost first */
	size_t message_count;
	const struct json *places[OUTCOME_PLACES_MAX]; /* objects that may hold a wait */
	size_t place_count;
	int claimed_status; /* within the body; 0: none */
	bool has_error;     /* the body says that it is an error */
	bool has_json;
	bool empty; /* nothing but white space */
	bool html;

	/* What the pointers above point into. */
	struct json *roots[OUTCOME_ROOTS_MAX];
	size_t root_count;
	char header_word[64];
	char exception[64]; /* "litellm.RateLimitError" before a message */
	char *text;         /* of a body that is not JSON, or of its <title> */
};

/* Gathers the facts of a reply; to be freed. */
void outcome_facts_init(struct outcome_facts *facts, const struct outcome_input *in);
void outcome_facts_free(struct outcome_facts *facts);

#endif
