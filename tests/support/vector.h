/* SPDX-License-Identifier: MIT */
/*
 * The files of proto/vectors, as their README describes them: read into lists of steps, compared
 * with what a program sent, and written again. It knows bytes and JSON; who plays a vector, and
 * against what, is not its business.
 */
#ifndef LLMFO_VECTOR_H
#define LLMFO_VECTOR_H

#include <stdint.h>

#include "buf.h"

enum vector_kind { VECTOR_GIVEN, VECTOR_SEND, VECTOR_RECEIVE, VECTOR_CLOSED };

/* A value that may be another one: so many bytes of a message, from there. */
struct vector_span {
	size_t at, count;
};

struct vector_step {
	enum vector_kind kind;
	int line;
	char *text;               /* the sentence, or the meaning as JSON ("-": none) */
	bool written;             /* its bytes stand in the file */
	struct buf bytes;         /* of a message */
	struct vector_span *open; /* owned */
	size_t open_count;
};

struct vector {
	char *name, *about;
	int line;
	struct vector_step *steps;
	size_t step_count;
};

struct vector_file {
	char *path, *name; /* name: without folder and ".txt" */
	char *head;        /* the comment that it begins with */
	struct vector *list;
	size_t count;
};

/* Where the files are; valid until the process ends. */
const char *vector_folder(void);
/* How many files there are; the first call reads all of them and ends the program, after telling
 * why, if one cannot be read. */
size_t vector_file_count(void);
/* Borrowed, until vector_files_free(). */
struct vector_file *vector_file_at(size_t index);
void vector_files_free(void);
/* The file of a name, or NULL. */
struct vector_file *vector_file_find(const char *name);
/* Writes a file anew, from its steps. */
void vector_file_write(const struct vector_file *file);

/* The bytes that a meaning stands for; false: it is "-" or no JSON. */
bool vector_pack(const char *meaning, struct buf *bytes);
/* Finds the values of a message that may be others, by their keys. */
void vector_open(struct vector_step *step);
/* The message that begins at bytes + *at: its bytes; *at goes behind it. false: there is none. */
bool vector_next(const struct buf *bytes, size_t *at, struct buf *message);
/*
 * Is the message what the step says? NULL, or the difference, a new string. What stands in its open
 * places is noted in *seen (of step->open_count), which the caller gives.
 */
char *vector_compare(
	const struct vector_step *step, const struct buf *message, struct vector_span *seen);
/* Hexadecimal, as in the files. */
void vector_hex(const struct vector_step *step, struct buf *text);

#endif
