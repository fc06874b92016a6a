/* SPDX-License-Identifier: MIT */
/* A table whose columns are as wide as their widest cell, counted in terminal columns. See
 * ctl_out.h. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_out.h"

struct cell {
	char *text; /* owned, harmless */
	enum ctl_style style;
};

struct ctl_table {
	const char *const *heads;
	const char *align;
	size_t columns;
	struct cell *cells;
	size_t count;
	size_t cap;
};

struct ctl_table *
ctl_table_new(const char *const *heads, const char *align)
{
	struct ctl_table *table = ctl_must(calloc(1, sizeof *table));

	table->heads = heads;
	table->align = align;
	table->columns = strlen(align);
	return table;
}

void
ctl_cell(struct ctl_table *table, enum ctl_style style, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = ctl_must(NULL);
	va_end(args);
	if (table->count == table->cap) {
		table->cap = table->cap ? table->cap * 2 : 64;
		table->cells =
			ctl_must(reallocarray(table->cells, table->cap, sizeof *table->cells));
	}
	table->cells[table->count++] = (struct cell){ctl_harmless(text, strlen(text)), style};
	free(text);
}

static int
column_width(const struct ctl_table *table, size_t column)
{
	int widest = ctl_width(table->heads[column]);

	for (size_t i = column; i < table->count; i += table->columns) {
		int width = ctl_width(table->cells[i].text);

		if (width > widest)
			widest = width;
	}
	return widest;
}

/* blanks: what has to come before the next cell that is not empty, so that no line ends in them. */
static void
put_cell(const struct ctl_table *table, struct ctl_out *out, size_t column, int width,
	const struct cell *cell, int *blanks)
{
	int rest = width - ctl_width(cell->text);
	bool right = table->align[column] == 'r';

	if (*cell->text) {
		fprintf(out->file, "%*s", *blanks + (right ? rest : 0), "");
		ctl_put(out, cell->style, "%s", cell->text);
		*blanks = right ? 0 : rest;
	} else {
		*blanks += width;
	}
	*blanks += 2;
	if (column + 1 == table->columns) {
		fputc('\n', out->file);
		*blanks = 0;
	}
}

void
ctl_table_print(struct ctl_table *table, struct ctl_out *out)
{
	int *widths = ctl_must(calloc(table->columns, sizeof *widths));
	int blanks = 0;

	for (size_t c = 0; c < table->columns; c++)
		widths[c] = column_width(table, c);
	for (size_t c = 0; table->count && c < table->columns; c++) {
		struct cell head = {
			ctl_harmless(table->heads[c], strlen(table->heads[c])), CTL_DIM};

		put_cell(table, out, c, widths[c], &head, &blanks);
		free(head.text);
	}
	for (size_t i = 0; i < table->count; i++) {
		size_t c = i % table->columns;

		put_cell(table, out, c, widths[c], &table->cells[i], &blanks);
		free(table->cells[i].text);
	}
	free(widths);
	free(table->cells);
	free(table);
}
