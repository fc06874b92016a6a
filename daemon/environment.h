/* SPDX-License-Identifier: MIT */
/*
 * The variables that the daemon was started with, out of sight: /proc/PID/environ shows the block
 * that the kernel made for as long as a process lives, so secrets are moved out of it into memory
 * of our own, which is kept out of core files and, where that is allowed, out of swap.
 */
#ifndef LLMFO_ENVIRONMENT_H
#define LLMFO_ENVIRONMENT_H

#include "util.h"

struct environment;

/* Moves every variable whose name says that it is a secret. To be called before there are threads,
 * once: from then on getenv() has an empty text for what was moved. */
struct environment *environment_take(void);
/* A variable's value, NULL if it is not set. It is moved, too: who asks is the configuration, and
 * what it asks for may be a key. Not so what the daemon itself needs to find, as HOME. Valid until
 * environment_free(). */
const char *environment_get(struct environment *environment, const char *name);
/* Wipes it all. NULL is fine. */
void environment_free(struct environment *environment);

#endif
