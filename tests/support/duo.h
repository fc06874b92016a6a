/* SPDX-License-Identifier: MIT */
/*
 * Two providers behind the real daemon, a that a test lets fail and b that answers, and one client:
 * what the tests of the sixteen faults share. a (OpenAI's form) has model m; b (Ollama's, which
 * goes on from the assistant's words) has m and long. Chains: default a/m b/m; three a/m b/m
 * b/long.
 */
#ifndef LLMFO_TESTS_DUO_H
#define LLMFO_TESTS_DUO_H

#include "daemon.h"
#include "fake_provider.h"
#include "told.h"

#define DUO_HELLO "\"prompt\":\"hello\""
#define DUO_TEXT_OF_B "the whole answer of b"

/* How a call is made: one loop index each. */
enum duo_mode { DUO_WHOLE, DUO_STREAMED, DUO_MODES };

/* What a stream becomes that breaks: one loop index each. */
enum duo_on_break { DUO_BREAK_ERROR, DUO_BREAK_RESTART, DUO_BREAK_CONTINUE, DUO_BREAKS };
extern const char *const duo_on_breaks[];

extern struct fake_provider *duo_fp;
extern struct daemon *const duo_daemon;
extern struct wire duo_wire;
extern struct told duo_told; /* the last call, until duo_forget() */

/* timeout: of a, in YAML; more: further lines of the configuration. */
void duo_begin(const char *timeout, const char *more);
void duo_end(void);
/* A call of these params (a JSON map's members) and its reply, which is duo_told's. */
const struct wire_reply *duo_ask_with(enum duo_mode mode, const char *params, const char *code);
const struct wire_reply *duo_ask(enum duo_mode mode);
void duo_forget(void);
/* Asks once; that is the text, told in one go, and who said it. */
void duo_answers(enum duo_mode mode, const char *text, const char *provider);
/* So many requests came to a and to b so far. */
void duo_assert_asked(int64_t at_a, int64_t at_b);
/* The class of an attempt of the last call. */
void duo_assert_class(size_t attempt, const char *class);
void duo_assert_has(const char *text, const char *part);
/* "word1 word2" or " word3 word4", a part of what the scripted provider counts. The caller frees
 * it. */
char *duo_words(int from, int to);

#endif
