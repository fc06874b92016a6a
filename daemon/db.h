/* SPDX-License-Identifier: MIT */
/*
 * The state file as a database: its one connection, and the thread that alone uses it once the
 * daemon runs. What is in it belongs to tasks: each has tables, reads them at the start, and writes
 * them on the thread whenever its owner says that there is something. What goes wrong is told,
 * tried again each second, and in nobody's way; a file that cannot be used is set aside and a new
 * one begun.
 */
#ifndef LLMFO_DB_H
#define LLMFO_DB_H

#include "buf.h"

#define DB_RETRY_MS 1000
/* So long the end waits for what is not written yet. */
#define DB_CLOSE_MS 2000
/* While somebody else reads, what is written is kept beside the file; beyond this nothing more is
 * written. */
#define DB_LOG_MAX_BYTES (32 << 20)

struct sqlite3;
struct db;

/* Embedded in its owner. The functions get it back and return an SQLite result code, after which
 * its message is read from the connection. */
struct db_task {
	const char *schema; /* CREATE TABLE IF NOT EXISTS ...; */
	/* At the start, before the thread: reads what is there. May be called again, and what it
	 * read before is void then. */
	int (*load)(struct db_task *task, struct sqlite3 *sqlite);
	/* On the thread, in a transaction: writes. Unless all of it went well none of it counts,
	 * and it is called again. */
	int (*run)(struct db_task *task, struct sqlite3 *sqlite);
	bool wanted; /* db.c's alone */
	struct db_task *next;
};

/* How it is, for `status`. */
struct db_look {
	const char *path; /* valid until db_close() */
	bool ok;
	char why[256]; /* why not; "": ok */
};

/* Opens the file, makes it where it is missing, lets the task read, and starts the thread. Never
 * fails: what is wrong is told in why, logged, and tried again. */
struct db *db_open(const char *path, struct db_task *task, struct buf *why);
/* There is something to be written. From any thread; does not wait. */
void db_want(struct db *db, struct db_task *task);
/* From any thread. */
void db_look(struct db *db, struct db_look *look);
/*
 * Waits until all is written, DB_CLOSE_MS at most, and ends the thread. False: it hangs in the
 * kernel; then it goes on by itself, and everything it uses (its tasks too) has to stay.
 */
bool db_close(struct db *db);

#endif
