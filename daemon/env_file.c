/* SPDX-License-Identifier: MIT */
/*
 * A `.env` file: NAME=value lines, `export` before them or not, # comments, quotes. In double
 * quotes \n \t \r \" \\ and \$ are escapes, in single quotes nothing is. There are no variables
 * inside values and no values over several lines. The last line of a name holds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"

#define FILE_MAX_BYTES (256 * 1024)

struct pair {
	char *name;
	char *value; /* may be a key: wiped when freed */
};

struct env_file {
	struct pair *pairs;
	size_t count;
};

const char *
env_file_get(const struct env_file *file, const char *name)
{
	for (size_t i = file ? file->count : 0; i > 0; i--)
		if (strcmp(file->pairs[i - 1].name, name) == 0)
			return file->pairs[i - 1].value;
	return NULL;
}

void
env_file_free(struct env_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->count; i++) {
		util_wipe(file->pairs[i].value, strlen(file->pairs[i].value));
		free(file->pairs[i].value);
		free(file->pairs[i].name);
	}
	free(file->pairs);
	free(file);
}

static const char *
skip_blanks(const char *at)
{
	return at + strspn(at, " \t\r");
}

static size_t
name_bytes(const char *at)
{
	static const char usable[] =
		"0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t length = strspn(at, usable);

	return at[0] >= '0' && at[0] <= '9' ? 0 : length;
}

static char
escaped(char c)
{
	return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
}

/* Copies a quoted value; *at moves behind the closing quote. NULL: there is none. */
static char *
quoted(const char **at)
{
	const char *from = *at + 1;
	char quote = **at, *value = x_malloc(strlen(from) + 1), *to = value;

	while (*from && *from != quote) {
		bool escape =
			quote == '"' && *from == '\\' && from[1] && strchr("ntr\"\\$", from[1]);
		*to++ = escape ? escaped(from[1]) : *from;
		from += escape ? 2 : 1;
	}
	*to = '\0';
	*at = from + (*from == quote);
	if (*from == quote)
		return value;
	util_wipe(value, (size_t)(to - value));
	free(value);
	return NULL;
}

/* Up to a comment (a # behind a blank) or the end, without blanks at the end. */
static char *
unquoted(const char **at)
{
	const char *from = *at, *end = from;

	while (*end && !(*end == '#' && (end == from || end[-1] == ' ' || end[-1] == '\t')))
		end++;
	*at = end;
	while (end > from && strchr(" \t\r", end[-1]))
		end--;
	return x_strndup(from, (size_t)(end - from));
}

/* What is wrong with the line; NULL: nothing. */
static const char *
read_line(struct env_file *file, const char *line)
{
	const char *at = skip_blanks(line);

	if (!*at || *at == '#')
		return NULL;
	if (util_starts_with(at, "export") && strchr(" \t", at[6]) && at[6])
		at = skip_blanks(at + 6);
	size_t length = name_bytes(at);
	const char *behind = skip_blanks(at + length);
	if (length == 0 || *behind != '=')
		return "is not NAME=value";
	const char *value_at = skip_blanks(behind + 1);
	bool quotes = *value_at == '"' || *value_at == '\'';
	char *value = quotes ? quoted(&value_at) : unquoted(&value_at);
	if (!value)
		return "has an opening quote without its closing one";
	file->pairs = x_realloc(file->pairs, (file->count + 1) * sizeof *file->pairs);
	file->pairs[file->count++] = (struct pair){x_strndup(at, length), value};
	value_at = skip_blanks(value_at);
	return *value_at && *value_at != '#' ? "has something behind the closing quote" : NULL;
}

static void
read_lines(struct env_file *file, char *text, const char *path, struct config_faults *faults)
{
	struct config_place place = {path, 0, 1, ""};

	while (text) {
		char *end = strchr(text, '\n');
		if (end)
			*end = '\0';
		place.line++;
		const char *why = read_line(file, text);
		if (why)
			config_fault_add(faults, false, place, "this line %s", why);
		text = end ? end + 1 : NULL;
	}
}

struct env_file *
env_file_read(const char *path, struct config_faults *faults)
{
	struct env_file *file = x_calloc(1, sizeof *file);
	struct config_place place = {path, 0, 0, ""};
	size_t before = faults->errors;
	struct buf text;

	buf_init(&text, FILE_MAX_BYTES + 1);
	int error = config_slurp(path, FILE_MAX_BYTES, &text, NULL, NULL);
	if (error)
		config_fault_add(faults, false, place, "cannot be read: %s",
			config_slurp_text(error, "larger than 256 KiB"));
	else if (strlen(text.data) != text.len)
		config_fault_add(faults, false, place, "holds a NUL byte; it must be text");
	else
		read_lines(file,
			util_starts_with(text.data, "\xef\xbb\xbf") ? text.data + 3 : text.data,
			path, faults);
	util_wipe(text.data, text.len);
	buf_free(&text);
	if (faults->errors == before)
		return file;
	env_file_free(file);
	return NULL;
}
