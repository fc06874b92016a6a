/* SPDX-License-Identifier: MIT */
/* One attempt at a simulated provider, and all that it told. One at a time. */
#ifndef LLMFO_ATTEMPT_STAGE_H
#define LLMFO_ATTEMPT_STAGE_H

#include "attempt.h"
#include "fake_transport.h"

#define HOUR 3600000

/* As many pieces as a script here has; those that are left out are none. */
#define PIECES 8
#define TEXT(after, bytes) \
	{ \
		after, FAKE_TEXT, (char *)(uintptr_t)bytes \
	}
#define PIECE(after, kind) \
	{ \
		after, FAKE_##kind, NULL \
	}
#define SAYS(after, kind, bytes) \
	{ \
		after, FAKE_##kind, (char *)(uintptr_t)bytes \
	}

struct attempt_stage {
	struct fake_clock clock;
	struct fake_transport network;
	struct config *config; /* targets a/m (OpenAI's family) and o/m (Ollama's) */
	struct json *messages;
	struct provider_chat chat;
	struct attempt_request request; /* of a/m; a test may change it before the start */
	struct attempt *attempt;        /* NULL: none, or it is done */
	struct buf text;                /* told */
	int calls, done;                /* how often */
	struct attempt_result told;
	bool answered;
	char *answer, *call_name;
	void (*at_text)(void); /* called from inside; NULL */
};

extern struct attempt_stage stage;

/* A checked fixture. */
void attempt_stage_open(void);
void attempt_stage_close(void);
/* Lets a host do this with its next request; takes over the behaviour. */
void attempt_stage_script(
	const char *host, struct fake_behaviour behaviour, const struct fake_piece *pieces);
void attempt_stage_start(void);
/* Lets time go by. */
void attempt_stage_pass(int64_t ms);

#endif
