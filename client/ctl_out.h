/* SPDX-License-Identifier: MIT */
/*
 * How llmfoctl writes for people: colours where a terminal takes them, columns that stay aligned
 * whatever the script, human units. Everything that goes through here is made harmless first: what
 * a provider says must not steer a terminal.
 */
#ifndef LLMFO_CTL_OUT_H
#define LLMFO_CTL_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum ctl_style {
	CTL_PLAIN,
	CTL_BOLD,
	CTL_DIM,
	CTL_RED,
	CTL_GREEN,
	CTL_YELLOW,
	CTL_CYAN,
};

struct ctl_out {
	FILE *file; /* borrowed */
	bool terminal;
	bool colour;
};

/* Colour if the file is a terminal and neither NO_COLOR nor TERM=dumb speaks against it. */
void ctl_out_init(struct ctl_out *out, FILE *file);

/* Writes formatted text in one style; control characters in it, newlines too, become visible
 * escapes. */
__attribute__((format(printf, 3, 4))) void ctl_put(
	struct ctl_out *out, enum ctl_style style, const char *format, ...);
/* The same and a newline. */
__attribute__((format(printf, 3, 4))) void ctl_line(
	struct ctl_out *out, enum ctl_style style, const char *format, ...);
/* Text of several lines: tabs and newlines stay. Ends with a newline. */
void ctl_text(struct ctl_out *out, const char *text, size_t length);
/* The harmless form of one line of text; to be freed. Ends the program when there is no memory. */
char *ctl_harmless(const char *text, size_t length);
/* The same for a piece of such a text, with nothing behind it. */
void ctl_piece(struct ctl_out *out, const char *text, size_t length);
/* Columns a text takes on a terminal. */
int ctl_width(const char *text);
/* The length in bytes of the UTF-8 character at text and its code, 1 and -1 for a byte that is
 * none. */
size_t ctl_utf8(const char *text, size_t length, int32_t *code);
/* Does it move a cursor, or turn the direction of what follows? So does a byte that is no character
 * (-1). */
bool ctl_is_harmful(int32_t code);

/* A table: cells are added row by row, then it is printed with its columns aligned. */
struct ctl_table;

/* heads: one for each letter of align, 'l' or 'r'. Borrowed until it is printed. */
struct ctl_table *ctl_table_new(const char *const *heads, const char *align);
__attribute__((format(printf, 3, 4))) void ctl_cell(
	struct ctl_table *table, enum ctl_style style, const char *format, ...);
/* Prints and frees it; nothing when it has no rows. */
void ctl_table_print(struct ctl_table *table, struct ctl_out *out);

/* A short text by value, to be used within one expression: ctl_time(ms).text. */
struct ctl_unit {
	char text[48];
};

/* "340 ms", "1.2 s", "12 s", "2m 13s", "2h 5m", "3d 4h". */
struct ctl_unit ctl_time(int64_t ms);
/* 0.9921 is "99.2 %"; only all is "100 %". Below 0: "-". */
struct ctl_unit ctl_rate(double rate);
/* "1 call", "2 calls". */
struct ctl_unit ctl_count(int64_t count, const char *thing);
/* "$0.000123" from pico-dollars, at least two and at most six decimals. */
struct ctl_unit ctl_money(int64_t picousd);

/* Memory or the end of the program: a command has nothing to go on with. */
void *ctl_must(void *memory);

#endif
