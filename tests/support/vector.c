/* SPDX-License-Identifier: MIT */
/* See vector.h. */
#include "vector.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "json.h"

#define MESSAGE_MAX_BYTES ((size_t)1 << 24)
/* As many equal bytes are written as one and their number. */
#define REPEATS_MIN 24

static struct vector_file *files;
static size_t file_count;
static bool files_read;

static void UTIL_PRINTF(3, 4) __attribute__((noreturn))
die(const struct vector_file *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = x_vasprintf(format, args);
	va_end(args);
	fprintf(stderr, "%s:%d: %s\n", file->path, line, text);
	free(text);
	exit(EXIT_FAILURE);
}

/* ---- bytes ---- */

bool
vector_pack(const char *meaning, struct buf *bytes)
{
	struct json *tree = json_parse(meaning, strlen(meaning), true, NULL);
	msgpack_sbuffer packed;
	msgpack_packer packer;

	if (!tree)
		return false;
	msgpack_sbuffer_init(&packed);
	msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
	json_pack(tree, &packer);
	buf_clear(bytes);
	(void)buf_add(bytes, packed.data, packed.size);
	msgpack_sbuffer_destroy(&packed);
	json_free(tree);
	return true;
}

/* How many of the bytes are one value. */
static size_t
value_bytes(const char *bytes, size_t count)
{
	struct frame frame;
	size_t used = 0;

	frame_init(&frame, MESSAGE_MAX_BYTES);
	return frame_scan(&frame, bytes, count, &used) == FRAME_COMPLETE ? used : 0;
}

bool
vector_next(const struct buf *bytes, size_t *at, struct buf *message)
{
	size_t count = *at < bytes->len ? value_bytes(bytes->data + *at, bytes->len - *at) : 0;

	buf_clear(message);
	(void)buf_add(message, bytes->data + *at, count);
	*at += count;
	return count > 0;
}

static void
add_open(struct vector_step *step, size_t at, size_t count)
{
	step->open = x_realloc(step->open, (step->open_count + 1) * sizeof step->open[0]);
	step->open[step->open_count++] = (struct vector_span){at, count};
}

void
vector_open(struct vector_step *step)
{
	static const char *const keys[] = {"\xa3pid", "\xa7version", "\xa5lease"};
	const struct buf *bytes = &step->bytes;

	step->open_count = 0;
	for (size_t at = 0; at < bytes->len; at++)
		for (size_t k = 0; k < UTIL_COUNT(keys); k++) {
			size_t length = strlen(keys[k]), value = at + length;

			if (value < bytes->len && memcmp(bytes->data + at, keys[k], length) == 0)
				add_open(step, value,
					value_bytes(bytes->data + value, bytes->len - value));
		}
}

char *
vector_compare(const struct vector_step *step, const struct buf *message, struct vector_span *seen)
{
	const struct buf *wanted = &step->bytes;
	size_t at = 0, there = 0, next = 0;

	while (at < wanted->len && there < message->len) {
		if (next < step->open_count && step->open[next].at == at) {
			size_t count = value_bytes(message->data + there, message->len - there);

			seen[next] = (struct vector_span){there, count};
			at += step->open[next++].count;
			there += count;
			continue;
		}
		if (wanted->data[at] != message->data[there])
			return x_asprintf("byte %zu is %02x instead of %02x (the vector's %zu)",
				there, (unsigned char)message->data[there],
				(unsigned char)wanted->data[at], at);
		at++;
		there++;
	}
	if (at < wanted->len || there < message->len)
		return x_asprintf("%zu bytes came instead of %zu", message->len, wanted->len);
	return NULL;
}

/* ---- hexadecimal ---- */

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "94 00 a3*3 { 01 }": what is wrong with it, or NULL. */
static const char *
read_hex(const char *text, struct vector_step *step)
{
	bool inside = false;
	size_t begin = 0;

	for (const char *at = text; *at;) {
		if (isspace((unsigned char)*at)) {
			at++;
		} else if (*at == '{' && !inside) {
			inside = true;
			begin = step->bytes.len;
			at++;
		} else if (*at == '}' && inside) {
			inside = false;
			add_open(step, begin, step->bytes.len - begin);
			at++;
		} else if (digit(at[0]) >= 0 && digit(at[1]) >= 0) {
			char byte = (char)(digit(at[0]) * 16 + digit(at[1]));
			char *end = NULL;
			unsigned long count = at[2] == '*' ? strtoul(at + 3, &end, 10) : 1;

			if (count < 1 || count > MESSAGE_MAX_BYTES)
				return "so many equal bytes";
			while (count-- > 0)
				(void)buf_putc(&step->bytes, byte);
			at = end ? end : at + 2;
		} else {
			return "this is not hexadecimal";
		}
	}
	return inside ? "a brace is not closed" : NULL;
}

static size_t
repeats(const struct buf *bytes, size_t at, size_t end)
{
	size_t count = 1;

	while (at + count < end && bytes->data[at + count] == bytes->data[at])
		count++;
	return count;
}

/* One word of the text; lines are broken before column 100. */
static void
add_word(struct buf *text, size_t *column, const char *word)
{
	if (*column + 1 + strlen(word) > 99) {
		(void)buf_puts(text, "\n   ");
		*column = 3;
	}
	(void)buf_printf(text, " %s", word);
	*column += 1 + strlen(word);
}

static size_t
next_edge(const struct vector_step *step, size_t next)
{
	return next < step->open_count ? step->open[next].at : step->bytes.len;
}

void
vector_hex(const struct vector_step *step, struct buf *text)
{
	const struct buf *bytes = &step->bytes;
	size_t column = strlen("hex:"), next = 0, close = SIZE_MAX;
	char word[32];

	for (size_t at = 0; at < bytes->len;) {
		if (at == next_edge(step, next)) {
			add_word(text, &column, "{");
			close = at + step->open[next++].count;
		}
		size_t end = close != SIZE_MAX ? close : next_edge(step, next);
		size_t count = repeats(bytes, at, end);
		snprintf(word, sizeof word, "%02x", (unsigned char)bytes->data[at]);
		if (count >= REPEATS_MIN)
			snprintf(word, sizeof word, "%02x*%zu", (unsigned char)bytes->data[at],
				count);
		add_word(text, &column, word);
		at += count >= REPEATS_MIN ? count : 1;
		if (at == close) {
			add_word(text, &column, "}");
			close = SIZE_MAX;
		}
	}
}

/* ---- reading ---- */

static struct vector_step *
add_step(struct vector *vector, enum vector_kind kind, int line, const char *text)
{
	struct vector_step *step;

	vector->steps = x_realloc(vector->steps, (vector->step_count + 1) * sizeof *step);
	step = &vector->steps[vector->step_count++];
	*step = (struct vector_step){.kind = kind, .line = line, .text = x_strdup(text)};
	buf_init(&step->bytes, MESSAGE_MAX_BYTES);
	return step;
}

static void
take_hex(struct vector_file *file, int line, struct vector *vector, const char *text)
{
	struct vector_step *step =
		vector->step_count ? &vector->steps[vector->step_count - 1] : NULL;
	const char *fault;

	if (!step || step->written || (step->kind != VECTOR_SEND && step->kind != VECTOR_RECEIVE))
		die(file, line, "no message stands before these bytes");
	fault = read_hex(text, step);
	if (fault)
		die(file, line, "%s", fault);
	step->written = true;
}

static void
take_key(struct vector_file *file, int line, const char *key, const char *text)
{
	struct vector *vector = file->count ? &file->list[file->count - 1] : NULL;

	if (strcmp(key, "vector") == 0) {
		file->list = x_realloc(file->list, (file->count + 1) * sizeof *vector);
		file->list[file->count++] = (struct vector){.name = x_strdup(text), .line = line};
	} else if (!vector) {
		die(file, line, "a vector begins with its name");
	} else if (strcmp(key, "about") == 0) {
		free(vector->about);
		vector->about = x_strdup(text);
	} else if (strcmp(key, "given") == 0) {
		(void)add_step(vector, VECTOR_GIVEN, line, text);
	} else if (strcmp(key, "send") == 0) {
		(void)add_step(vector, VECTOR_SEND, line, text);
	} else if (strcmp(key, "receive") == 0) {
		(void)add_step(vector, VECTOR_RECEIVE, line, text);
	} else if (strcmp(key, "closed") == 0) {
		(void)add_step(vector, VECTOR_CLOSED, line, text);
	} else if (strcmp(key, "hex") == 0) {
		take_hex(file, line, vector, text);
	} else {
		die(file, line, "there is no key `%s`", key);
	}
}

/* A key with everything that belongs to it. */
static void
take_entry(struct vector_file *file, int line, const struct buf *entry)
{
	const char *colon = strchr(entry->data, ':');

	if (entry->len == 0)
		return;
	if (!colon)
		die(file, line, "a line is `key: text`, or begins with a blank");
	char *key = x_strndup(entry->data, (size_t)(colon - entry->data));
	take_key(file, line, key, colon + 1 + strspn(colon + 1, " "));
	free(key);
}

static void
read_file(struct vector_file *file)
{
	FILE *stream = fopen(file->path, "r");
	struct buf entry, head;
	char *line = NULL;
	size_t size = 0;
	int number = 0, begin = 0;

	if (!stream)
		die(file, 0, "cannot be opened");
	buf_init(&entry, MESSAGE_MAX_BYTES);
	buf_init(&head, 65536);
	while (getline(&line, &size, stream) >= 0) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' && file->count == 0)
			(void)buf_printf(&head, "%s\n", line);
		if (line[0] == ' ') {
			(void)buf_printf(&entry, " %s", line + strspn(line, " "));
			continue;
		}
		take_entry(file, begin, &entry);
		buf_clear(&entry);
		begin = number;
		if (line[0] != '#')
			(void)buf_puts(&entry, line);
	}
	take_entry(file, begin, &entry);
	file->head = buf_take(&head, NULL);
	buf_free(&entry);
	free(line);
	(void)fclose(stream);
}

const char *
vector_folder(void)
{
	static char folder[4096];
	const char *top = getenv("top_srcdir");

	snprintf(folder, sizeof folder, "%s/proto/vectors", top ? top : ".");
	return folder;
}

size_t
vector_file_count(void)
{
	char *pattern;
	glob_t found;

	if (files_read)
		return file_count;
	files_read = true;
	pattern = x_asprintf("%s/*.txt", vector_folder());
	if (glob(pattern, 0, NULL, &found) != 0) {
		fprintf(stderr, "there is no %s\n", pattern);
		exit(EXIT_FAILURE);
	}
	free(pattern);
	files = x_calloc(found.gl_pathc, sizeof files[0]);
	for (file_count = 0; file_count < found.gl_pathc; file_count++) {
		struct vector_file *file = &files[file_count];
		const char *path = found.gl_pathv[file_count];
		const char *name = strrchr(path, '/') + 1;

		file->path = x_strdup(path);
		file->name = x_strndup(name, strlen(name) - strlen(".txt"));
		read_file(file);
	}
	globfree(&found);
	return file_count;
}

struct vector_file *
vector_file_at(size_t index)
{
	return index < vector_file_count() ? &files[index] : NULL;
}

struct vector_file *
vector_file_find(const char *name)
{
	for (size_t i = 0; i < vector_file_count(); i++)
		if (strcmp(files[i].name, name) == 0)
			return &files[i];
	return NULL;
}

static void
free_vector(struct vector *vector)
{
	for (size_t i = 0; i < vector->step_count; i++) {
		free(vector->steps[i].text);
		free(vector->steps[i].open);
		buf_free(&vector->steps[i].bytes);
	}
	free(vector->steps);
	free(vector->name);
	free(vector->about);
}

void
vector_files_free(void)
{
	for (size_t i = 0; i < file_count; i++) {
		for (size_t k = 0; k < files[i].count; k++)
			free_vector(&files[i].list[k]);
		free(files[i].list);
		free(files[i].path);
		free(files[i].name);
		free(files[i].head);
	}
	free(files);
	files = NULL;
	file_count = 0;
	files_read = false;
}

/* ---- writing ---- */

/* How many columns it takes up to the next place where a line may be broken. */
static size_t
piece_columns(const char *text)
{
	bool quoted = false;
	size_t columns = 0;

	for (; *text && (quoted || *text != ','); text++) {
		if (*text == '"')
			quoted = !quoted;
		if (quoted && *text == '\\' && text[1])
			text++, columns++;
		columns += !quoted && *text == ':' && text[1] != ' ' ? 2 : 1;
	}
	return columns + 1;
}

/* JSON with a blank behind each comma and colon, over several lines, broken in no text. */
static void
write_meaning(FILE *stream, const char *text, size_t column)
{
	bool quoted = false;

	for (const char *at = text; *at; at++) {
		if (quoted && *at == '\\')
			(void)fputc(*at++, stream), column++;
		else if (*at == '"')
			quoted = !quoted;
		(void)fputc(*at, stream);
		column++;
		if (quoted || (*at != ',' && *at != ':'))
			continue;
		bool breaks = *at == ',';
		at += strspn(at + 1, " ");
		breaks &= column + 1 + piece_columns(at + 1) > 99;
		column = breaks ? 4 : column + 1;
		(void)fputs(breaks ? "\n    " : " ", stream);
	}
}

static void
write_step(FILE *stream, const struct vector_step *step)
{
	static const char *const keys[] = {"given", "send", "receive", "closed"};
	struct buf hex;

	fprintf(stream, "%s: ", keys[step->kind]);
	if (step->kind != VECTOR_SEND && step->kind != VECTOR_RECEIVE) {
		fprintf(stream, "%s\n", step->text);
		return;
	}
	write_meaning(stream, step->text, strlen(keys[step->kind]) + 2);
	buf_init(&hex, MESSAGE_MAX_BYTES);
	vector_hex(step, &hex);
	fprintf(stream, "\nhex:%s\n", hex.data);
	buf_free(&hex);
}

void
vector_file_write(const struct vector_file *file)
{
	FILE *stream = fopen(file->path, "w");

	if (!stream)
		die(file, 0, "cannot be written");
	fputs(file->head, stream);
	for (size_t i = 0; i < file->count; i++) {
		const struct vector *vector = &file->list[i];

		fprintf(stream, "\nvector: %s\nabout: %s\n", vector->name,
			vector->about ? vector->about : "");
		for (size_t k = 0; k < vector->step_count; k++)
			write_step(stream, &vector->steps[k]);
	}
	(void)fclose(stream);
}
