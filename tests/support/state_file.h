/* SPDX-License-Identifier: MIT */
/*
 * A state file for a test: a folder of its own, what the log says, snapshots that can be told from
 * one another and from half of one. Failures of its own end the test.
 */
#ifndef LLMFO_TESTS_STATE_FILE_H
#define LLMFO_TESTS_STATE_FILE_H

#include <sys/types.h>

#include "state_sqlite.h"

/* So many circuits where nothing else is said. */
#define STATE_FILE_CIRCUITS 50

extern char state_folder[64];
extern char state_path[96]; /* the file in it: not there yet */

/* Fixtures: makes the folder and listens to the log, removes both. */
void state_file_setup(void);
void state_file_teardown(void);

/* Opens the file at the path; what it found is left out where found is NULL. This and the next one
 * tell Check nothing: who is killed while he writes to Check leaves it half a message. */
struct state *state_file_open(struct snapshot *found);
/* Gives it a snapshot of so many circuits that all bear the mark. */
void state_file_save(struct state *state, int mark, int circuits);
/* The mark of a whole snapshot of so many circuits, 0 of an empty one. */
int state_file_mark(const struct snapshot *snapshot, int circuits);
/* Opens the file, looks for the mark, and closes it. */
int state_file_marked(int circuits);
/* Opens it, saves and closes: a file with that in it. */
void state_file_make(int mark, int circuits);

/* Waits until it is well, or is not and says why. */
void state_file_wait(struct state *state, bool ok, const char *why);
/* Runs statements, with a connection of the test's own; what a query of one number says. */
void state_file_execute(const char *statements);
int64_t state_file_number(const char *query);
/* Waits until a query of one number says so. */
void state_file_wait_number(const char *query, int64_t number);

/* Monotonic. */
int64_t state_file_now_ms(void);

/* The path with a suffix: valid until the next but seven. */
const char *state_file_name(const char *suffix);
/* Is there one with that suffix? */
bool state_file_there(const char *suffix);
/* The content of one with that suffix; all of it is put there by the second. */
char *state_file_bytes(const char *suffix, size_t *count);
void state_file_put(const char *suffix, const void *bytes, size_t count);
/* How often a text was logged. */
unsigned state_file_logged(const char *part);

/* A process of its own that does this and then waits; returns when it has done it. */
pid_t state_file_fork(void (*act)(void));
/* For it: a daemon whose state stays open, with STATE_FILE_CIRCUITS of mark 1 in it. */
void state_file_be_a_daemon(void);
/* Ends it by a signal. */
void state_file_end(pid_t pid, int signal);

#endif
