/* SPDX-License-Identifier: MIT */
/*
 * One connection to the state file: opened and checked, or why not. What SQLite is told about how
 * it has to treat the file stands here. Used by db.c alone.
 */
#ifndef LLMFO_DB_CONNECT_H
#define LLMFO_DB_CONNECT_H

#include <sqlite3.h>

#include "db_file.h"

/* "llmf", in the file's header. */
#define DB_APPLICATION_ID 0x6c6c6d66
#define DB_VERSION 1
/* Somebody else's lock is waited for so long. */
#define DB_BUSY_MS 100
/* A larger file is not read as a whole at the start. */
#define DB_CHECK_MAX_BYTES (64 << 20)

enum db_fault {
	DB_WELL,
	DB_BUSY,   /* somebody has it locked */
	DB_FAILED, /* it may go well another time */
	DB_BROKEN, /* the file is no good */
	DB_NEWER,  /* a later llmfod wrote it */
};

/* What an SQLite result code means for the file. */
enum db_fault db_fault_of(int code);
/* Puts the message of the connection into why. */
void db_say(sqlite3 *sqlite, const char *path, struct buf *why);
/* Opens a file that is there. writing: false looks at it and leaves it as it is, for another
 * process may write. NULL with *fault and why. */
sqlite3 *db_connect(const char *path, bool writing, enum db_fault *fault, struct buf *why);
/* Opens it for reading where that fails because nothing can be written, not even what SQLite keeps
 * beside it: for one that nobody writes. NULL: not even so. */
sqlite3 *db_connect_rescue(const char *path);
/* Makes a new, empty one at path, where there must be none. */
int db_create(const char *path, struct buf *why);
/* Statements that return nothing. An SQLite result code. */
int db_execute(sqlite3 *sqlite, const char *statements);

#endif
