/* SPDX-License-Identifier: MIT */
/*
 * The state file as a file: its folder, who may write it, whether what stands in its place may be
 * opened, how a new one gets there, and where one goes that cannot be used. It knows nothing of
 * what is in it. Used by db.c alone.
 */
#ifndef LLMFO_DB_FILE_H
#define LLMFO_DB_FILE_H

#include "buf.h"

/* So many of a kind are set aside; then a person has to look after them. */
#define DB_FILE_ASIDE_MAX 100

enum db_file_look {
	DB_FILE_ABSENT,
	DB_FILE_THERE,   /* a regular file, private by now */
	DB_FILE_EMPTY,   /* one without a single byte, which none of ours ever is */
	DB_FILE_REFUSED, /* a link, a folder, somebody else's: with why */
};

/* Which file it is. */
struct db_file_id {
	uint64_t device, inode;
};

/* Makes the folders that are missing on the way to it, nobody else's business. */
int db_file_make_folder(const char *path, struct buf *why);
/*
 * Who writes it holds a lock, a file of its own beside it that stays there. The descriptor that
 * holds it until it is closed; -1: another process has it; -2 with why: it cannot be had.
 */
int db_file_lock(const char *path, struct buf *why);
enum db_file_look db_file_look(const char *path, struct db_file_id *id, struct buf *why);
/* Is it still this one? */
bool db_file_is(const char *path, const struct db_file_id *id);
/* Bytes of the file beside it with that suffix; 0: there is none. */
int64_t db_file_bytes(const char *path, const char *suffix);
/* An empty file for nobody else, ready to be filled, whose name (path with the suffix ".new") it
 * appends to name. What a former attempt left is removed. */
int db_file_begin(const char *path, struct buf *name, struct buf *why);
/* Puts that file in its place. There must be none. */
int db_file_finish(const char *path, const char *name, struct buf *why);
/* Renames what there is of it and of the two files beside it to path.word-1 or the next free
 * number, and appends that name to aside. */
int db_file_set_aside(const char *path, const char *word, struct buf *aside, struct buf *why);

#endif
