/* SPDX-License-Identifier: MIT */
/* See config_fault.h. */
#include "config_fault.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX_BYTES 1000
#define LINE_MAX_BYTES 8192

/* One line without control characters or anything that looks like a key; a new string. */
static char *
clean(const char *text)
{
	char out[TEXT_MAX_BYTES];

	outcome_scrub(text, strlen(text), NULL, out, sizeof out);
	return x_strdup(out);
}

void
config_fault_vadd(struct config_faults *faults, bool warning, struct config_place place,
	const char *format, va_list args)
{
	if (!warning)
		faults->errors++;
	if (faults->count >= CONFIG_FAULTS_MAX)
		return;
	faults->list = x_realloc(faults->list, (faults->count + 1) * sizeof *faults->list);
	char *text = x_vasprintf(format, args);
	faults->list[faults->count++] = (struct config_fault){
		.warning = warning,
		.file = x_strdup(place.file ? place.file : ""),
		.line = place.line,
		.column = place.column,
		.path = clean(place.path ? place.path : ""),
		.text = clean(text),
	};
	free(text);
}

void
config_fault_add(struct config_faults *faults, bool warning, struct config_place place,
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	config_fault_vadd(faults, warning, place, format, args);
	va_end(args);
}

void
config_faults_free(struct config_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		free(faults->list[i].file);
		free(faults->list[i].path);
		free(faults->list[i].text);
	}
	free(faults->list);
	*faults = (struct config_faults){.count = 0};
}

char *
config_fault_text(const struct config_fault *fault)
{
	struct buf out;

	buf_init(&out, LINE_MAX_BYTES);
	if (fault->file[0])
		buf_puts(&out, fault->file);
	if (fault->file[0] && fault->line > 0)
		buf_printf(&out, ":%d:%d", fault->line, fault->column);
	if (out.len)
		buf_puts(&out, ": ");
	if (fault->path[0])
		buf_printf(&out, "%s: ", fault->path);
	buf_puts(&out, fault->text);
	return buf_take(&out, NULL);
}

/* The index of the first fault of the same file: files keep the order in which they were met. */
static size_t
file_rank(const struct config_faults *faults, const char *file)
{
	size_t i = 0;

	while (i < faults->count && strcmp(faults->list[i].file, file) != 0)
		i++;
	return i;
}

struct sortable {
	struct config_fault fault;
	size_t file, order;
};

static int
compare(const void *left, const void *right)
{
	const struct sortable *a = left, *b = right;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->fault.line != b->fault.line)
		return a->fault.line < b->fault.line ? -1 : 1;
	if (a->fault.column != b->fault.column)
		return a->fault.column < b->fault.column ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

void
config_faults_sort(struct config_faults *faults)
{
	struct sortable *all = x_calloc(faults->count, sizeof *all);

	for (size_t i = 0; i < faults->count; i++)
		all[i] = (struct sortable){
			faults->list[i], file_rank(faults, faults->list[i].file), i};
	qsort(all, faults->count, sizeof *all, compare);
	for (size_t i = 0; i < faults->count; i++)
		faults->list[i] = all[i].fault;
	free(all);
}
