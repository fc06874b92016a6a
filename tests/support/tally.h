/* SPDX-License-Identifier: MIT */
/*
 * Started calls of a client, counted: how often each was called back and how they ended. And the
 * loop of a program that has no other: poll on what the client says, until so many have ended.
 */
#ifndef LLMFO_TESTS_TALLY_H
#define LLMFO_TESTS_TALLY_H

#include "llmfo.h"

#define TALLY_MAX 4096
#define TALLY_LONG_MS 20000

struct tally {
	struct llmfo_client *client;
	size_t started, ended;
	size_t with[64]; /* ended with error -index */
	struct tally_call {
		struct tally *tally;
		uint64_t id;
		int times; /* called back: 1 is right */
		int error;
		struct llmfo_reply *reply; /* owned */
	} calls[TALLY_MAX];
	bool starting; /* no callback may come */
	void (*then)(
		struct tally *tally, struct tally_call *call); /* at the end of each callback */
};

void tally_init(struct tally *tally, struct llmfo_client *client);
/* Frees the replies; every call must have ended exactly once. */
void tally_check(struct tally *tally);
/* Starts a call that must be taken: its index. */
size_t tally_start(struct tally *tally, const char *method, const struct llmfo_params *params,
	int64_t timeout_ms);
void tally_cancel(struct tally *tally, size_t index);
/* One wait of at most so long, and what then can be done. */
void tally_step(struct tally *tally, int64_t at_most_ms);
/* Until so many have ended, or, at the latest after TALLY_LONG_MS, the test has. */
void tally_run(struct tally *tally, size_t ended);

/* A text of so many bytes as the parameter `prompt`; to be freed. */
struct llmfo_params *tally_params(size_t length);

#endif
