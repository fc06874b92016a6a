/* SPDX-License-Identifier: MIT */
/*
 * Keeps a snapshot in the state file, in tables that a person can read with sqlite3. The thread and
 * all that may go wrong with the file are db.c's.
 */
#ifndef LLMFO_STATE_SQLITE_H
#define LLMFO_STATE_SQLITE_H

#include "db.h"
#include "state.h"

/*
 * Opens the file at path (absolute), made with its folder where it is missing, and reads what is
 * there into *found, whatever that held: the time that went by since is off it already. Blocks, so
 * it is called before the loop runs. Never fails: what is wrong is told in why and logged, and
 * tried again.
 */
struct state *state_sqlite_open(const char *path, struct snapshot *found, struct buf *why);
/* How the file is. From any thread. */
void state_sqlite_look(struct state *state, struct db_look *look);
/* Waits until the newest snapshot is written, for DB_CLOSE_MS at most, and ends the thread. NULL is
 * fine. */
void state_sqlite_close(struct state *state);

#endif
