/* SPDX-License-Identifier: MIT */
/* Texts and lists of texts out of the file's tree, and how a fault is tied to a node. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_reader.h"
#include "config_value.h"
#include "llmfo.h"

#define NAME_MAX_BYTES 128

static void UTIL_PRINTF(5, 0) complain(struct config_reader *r, const struct config_node *node,
	bool warning, bool at_key, const char *format, va_list args)
{
	char *path = config_node_path(node);
	at_key |= node->kind != CONFIG_SCALAR && node->key;
	struct config_place place = {
		.file = node->file,
		.line = at_key ? node->key_line : node->line,
		.column = at_key ? node->key_column : node->column,
		.path = path,
	};

	config_fault_vadd(r->faults, warning, place, format, args);
	free(path);
}

void
config_error(struct config_reader *r, struct config_node *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(r, node, false, false, format, args);
	va_end(args);
	node->bad = true;
}

void
config_warning(struct config_reader *r, const struct config_node *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(r, node, true, false, format, args);
	va_end(args);
}

void
config_key_error(struct config_reader *r, struct config_node *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(r, node, false, true, format, args);
	va_end(args);
	node->bad = true;
}

/* ---- one text ---- */

static bool
has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* Replaces node's text by what its variables make of it. */
static int
expand(struct config_reader *r, struct config_node *node, bool may_be_unset)
{
	struct buf out, why;
	char *unset;

	buf_init(&out, CONFIG_VALUE_MAX_BYTES);
	buf_init(&why, 500);
	node->expanded = true;
	int error = config_value_expand(node->text, r->env, &out, &node->variable, &unset, &why);
	if (error)
		config_error(r, node, "%s", why.data);
	else if (unset && !may_be_unset) {
		config_error(
			r, node, "%s is not set; set it or write ${%s:-default}", unset, unset);
		error = LLMFO_EINVALID_REQUEST;
	}
	node->unset = unset != NULL;
	if (unset) {
		free(node->variable);
		node->variable = x_strdup(unset);
	}
	util_wipe(node->text, strlen(node->text));
	free(node->text);
	node->text = node->unset ? x_strdup("") : x_strdup(out.data);
	util_wipe(out.data, out.len);
	buf_free(&out);
	buf_free(&why);
	free(unset);
	return error;
}

static const char *
text_of(struct config_reader *r, struct config_node *node, bool may_be_unset, bool any_character)
{
	if (node->bad)
		return NULL;
	if (node->kind != CONFIG_SCALAR) {
		config_error(r, node, "must be one value, not a %s",
			node->kind == CONFIG_MAP ? "map" : "list");
		return NULL;
	}
	if (node->null)
		return "";
	if (!node->expanded && expand(r, node, may_be_unset) != 0)
		return NULL;
	if (!any_character && has_control(node->text)) {
		config_error(r, node, "holds a line break or another control character");
		return NULL;
	}
	return node->text;
}

const char *
config_text(struct config_reader *r, struct config_node *node)
{
	return text_of(r, node, false, false);
}

const char *
config_text_secret(struct config_reader *r, struct config_node *node)
{
	return text_of(r, node, true, true);
}

const char *
config_text_free(struct config_reader *r, struct config_node *node)
{
	return text_of(r, node, false, true);
}

/* ---- lists ---- */

bool
config_is_list(struct config_reader *r, struct config_node *node, const char *example)
{
	if (node->kind == CONFIG_LIST || node->null)
		return true;
	if (!node->bad)
		config_error(r, node, "must be a list; write %s", example);
	return false;
}

static bool
is_double(struct config_reader *r, struct config_node *node, char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(texts[i], node->text) == 0) {
			config_warning(r, node, "`%s` is listed twice", node->text);
			return true;
		}
	return false;
}

char **
config_texts(struct config_reader *r, struct config_node *list)
{
	char **texts = x_calloc(list->count + 1, sizeof *texts);
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		const char *text = config_text(r, list->items[i]);
		if (!text)
			continue;
		if (!*text)
			config_error(r, list->items[i], "is empty");
		else if (strlen(text) > 255)
			config_error(r, list->items[i], "is too long: at most 255 bytes");
		else if (!is_double(r, list->items[i], texts, count))
			texts[count++] = x_strdup(text);
	}
	return texts;
}

void
config_texts_free(char **texts)
{
	for (char **text = texts; text && *text; text++)
		free(*text);
	free(texts);
}

/* ---- names ---- */

static bool
is_plain_character(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return !first && (c == '-' || c == '_' || c == '.');
}

bool
config_name_ok(struct config_reader *r, struct config_node *node, bool strict)
{
	const char *name = node->key;

	if (!*name || strlen(name) > NAME_MAX_BYTES) {
		config_key_error(r, node, "a name has 1 to %d bytes", NAME_MAX_BYTES);
		return false;
	}
	if (has_control(name)) {
		config_key_error(r, node, "a name holds no control characters");
		return false;
	}
	for (const char *c = name; strict && *c; c++)
		if (!is_plain_character(*c, c == name)) {
			config_key_error(r, node,
				"`%s` is no name for a provider: letters, digits, - _ and . "
				"alone, a letter or digit first",
				name);
			return false;
		}
	return true;
}

static char
fold(char c)
{
	return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Edits between two short words (a swap of neighbours is one); case does not count. */
static size_t
distance(const char *a, const char *b)
{
	enum { LONGEST = 40 };
	size_t row[3][LONGEST + 1], n = strlen(a), m = strlen(b);

	if (n > LONGEST || m > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = row[i % 3], *before = row[(i + 2) % 3], *two = row[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = before[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));
			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
				fold(a[i - 2]) == fold(b[j - 1]) && two[j - 2] + 1 < best)
				best = two[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[n % 3][m];
}

const char *
config_nearest(const char *word, const char *const *words)
{
	const char *nearest = NULL;
	size_t limit = strlen(word) / 3, best = limit > 3 ? 4 : limit + 1;

	for (; *words; words++) {
		size_t edits = distance(word, *words);
		if (edits < best) {
			best = edits;
			nearest = *words;
		}
	}
	return nearest;
}

/* ---- files ---- */

char *
config_relative(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');

	if (path[0] == '/' || !slash)
		return x_strdup(path);
	return x_asprintf("%.*s/%s", (int)(slash - file), file, path);
}

static int
slurp_open(int fd, struct buf *out)
{
	for (;;) {
		char part[4096];
		ssize_t count = read(fd, part, sizeof part);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		int error = count > 0 ? buf_add(out, part, (size_t)count) : 0;
		util_wipe(part, sizeof part);
		if (error)
			return error == LLMFO_ENO_MEMORY ? -ENOMEM : -EFBIG;
		if (count == 0)
			return 0;
	}
}

int
config_slurp(const char *path, size_t max, struct buf *out, unsigned *mode, unsigned *owner)
{
	struct stat about;
	int error = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &about) != 0)
		error = -errno;
	else if (!S_ISREG(about.st_mode))
		error = -EINVAL;
	else if (about.st_size > (off_t)max)
		error = -EFBIG;
	if (!error)
		error = slurp_open(fd, out);
	if (mode)
		*mode = about.st_mode & 07777;
	if (owner)
		*owner = about.st_uid;
	close(fd);
	return error;
}

const char *
config_slurp_text(int error, const char *too_large)
{
	return error == -EINVAL   ? "not a regular file"
		: error == -EFBIG ? too_large
				  : strerror(-error);
}
