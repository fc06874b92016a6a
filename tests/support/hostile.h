/* SPDX-License-Identifier: MIT */
/*
 * A daemon with one scripted provider `a`, and the question whether it is as before: what was done
 * to it must leave no connection, no descriptor and no memory behind, and an honest client gets its
 * answer.
 */
#ifndef LLMFO_TESTS_HOSTILE_H
#define LLMFO_TESTS_HOSTILE_H

#include "daemon.h"
#include "fake_provider.h"

extern struct fake_provider *hostile_fp;
extern struct daemon hostile_daemon;

/* Starts both, makes a call, and remembers how things are. settings: further lines of the
 * configuration. */
void hostile_begin(const char *settings);
/* The same as a fixture, with no settings. */
void hostile_setup(void);
/* Everything as it was at the beginning? An honest call is made for it. */
void hostile_as_before(void);
/* Asks whether that is so, and ends both. */
void hostile_teardown(void);
/* A call that is answered. */
void hostile_honest_call(void);

/* A repeatable random number; the seed is $LLMFO_SEED or a fixed one, and is printed. */
uint32_t hostile_random(void);
void hostile_random_bytes(char *bytes, size_t count);
/* few, or many with LLMFO_LONG set. */
unsigned hostile_rounds(unsigned few, unsigned many);

#endif
