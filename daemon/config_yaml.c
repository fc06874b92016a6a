/* SPDX-License-Identifier: MIT */
/*
 * libfyaml's events into our tree; see config_yaml.h. The library's own document is not used: it
 * keeps duplicate keys from us, resolves aliases without a ceiling and recurses as deep as the
 * text says. What it reads wrongly without a word (NUL, broken UTF-8) is refused beforehand.
 */
#include "config_yaml.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

struct anchor {
	char *name;
	struct config_node *node;
};

struct parse {
	const char *file;
	const char *text;
	size_t length;
	struct config_faults *faults;
	struct config_node *root;
	struct config_node *open; /* the container that takes the next node; NULL: outside */
	char *key;                /* of the next node, owned; NULL */
	int key_line, key_column;
	struct anchor *anchors; /* owned, their nodes borrowed from the tree */
	size_t anchor_count;
	size_t nodes;
	bool second; /* a document has ended */
	bool stop;
};

static void UTIL_PRINTF(4, 5)
	stop_at(struct parse *p, int line, int column, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct config_place place = {p->file, line, column, ""};
	config_fault_vadd(p->faults, false, place, format, args);
	va_end(args);
	p->stop = true;
}

/* ---- bytes that no YAML text may hold ---- */

static const char *
bad_byte(const char *text, size_t left, size_t *width)
{
	unsigned char c = (unsigned char)*text;

	*width = utf8_char_bytes(text, left);
	if (*width == 0)
		return "is not UTF-8; save the file as UTF-8";
	if (c == 0)
		return "is a NUL byte; a configuration is text";
	if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
		return "is a control character; remove it";
	return NULL;
}

static bool
check_bytes(struct parse *p, const char *text, size_t length)
{
	int line = 1, column = 1;
	size_t width;

	for (size_t i = 0; i < length; i += width) {
		const char *why = bad_byte(text + i, length - i, &width);
		if (why) {
			stop_at(p, line, column, "byte 0x%02x %s", (unsigned char)text[i], why);
			return false;
		}
		column++;
		if (text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	return true;
}

static bool
check_text(struct parse *p, const char *text, size_t length)
{
	if (length > CONFIG_YAML_MAX_BYTES) {
		stop_at(p, 0, 0, "is larger than 1 MiB; that is no configuration");
		return false;
	}
	if (length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
		stop_at(p, 1, 1, "is UTF-16; save the file as UTF-8");
		return false;
	}
	return check_bytes(p, text, length);
}

/* ---- building the tree ---- */

static struct config_node *
node_new(struct parse *p, enum config_kind kind, int line, int column)
{
	if (++p->nodes > CONFIG_YAML_MAX_NODES) {
		if (!p->stop)
			stop_at(p, line, column, "more than %d values (aliases counted)",
				CONFIG_YAML_MAX_NODES);
		return NULL;
	}
	struct config_node *node = x_calloc(1, sizeof *node);
	node->kind = kind;
	node->file = p->file;
	node->line = node->key_line = line;
	node->column = node->key_column = column;
	return node;
}

static void
append(struct config_node *parent, struct config_node *node)
{
	node->parent = parent;
	if ((parent->count & (parent->count - 1)) == 0)
		parent->items = x_realloc(parent->items,
			(parent->count ? parent->count * 2 : 1) * sizeof(struct config_node *));
	parent->items[parent->count++] = node;
}

static void
attach(struct parse *p, struct config_node *node)
{
	if (!p->open) {
		p->root = node;
		return;
	}
	if (p->key) {
		node->key = p->key;
		node->key_line = p->key_line;
		node->key_column = p->key_column;
		p->key = NULL;
	}
	append(p->open, node);
}

/* A copy of a subtree without its key; NULL once there are too many nodes. */
static struct config_node *
copy(struct parse *p, const struct config_node *from)
{
	struct config_node *node = node_new(p, from->kind, from->line, from->column);

	if (!node)
		return NULL;
	node->plain = from->plain;
	node->null = from->null;
	node->bad = from->bad;
	node->text = x_strdup(from->text);
	for (size_t i = 0; i < from->count; i++) {
		struct config_node *item = copy(p, from->items[i]);
		if (!item)
			break;
		item->key = x_strdup(from->items[i]->key);
		item->key_line = from->items[i]->key_line;
		item->key_column = from->items[i]->key_column;
		append(node, item);
	}
	return node;
}

static void
fault_at_key(struct parse *p, const struct config_node *node, const char *text, int line)
{
	char *path = config_node_path(node);
	struct config_place place = {p->file, node->key_line, node->key_column, path};

	config_fault_add(p->faults, false, place, "%s%d", text, line);
	free(path);
}

struct keyed {
	struct config_node *node;
	size_t index;
};

static int
compare_keys(const void *left, const void *right)
{
	const struct keyed *a = left, *b = right;
	int order = strcmp(a->node->key, b->node->key);

	return order ? order : a->index < b->index ? -1 : 1;
}

/* No alias may reach into a subtree that is about to be freed. */
static void
forget_anchors(struct parse *p, const struct config_node *gone)
{
	for (size_t i = 0; i < p->anchor_count; i++)
		for (struct config_node *node = p->anchors[i].node; node; node = node->parent)
			if (node == gone) {
				p->anchors[i].node = NULL;
				break;
			}
}

/* A key that stands twice: the second one is complained about and dropped. */
static void
drop_duplicates(struct parse *p, struct config_node *map)
{
	struct keyed *sorted = x_calloc(map->count, sizeof *sorted);
	size_t kept = 0;

	for (size_t i = 0; i < map->count; i++)
		sorted[i] = (struct keyed){map->items[i], i};
	qsort(sorted, map->count, sizeof *sorted, compare_keys);
	for (size_t i = 1; i < map->count; i++) {
		struct keyed *first = &sorted[i - 1], *second = &sorted[i];
		if (strcmp(first->node->key, second->node->key) != 0)
			continue;
		fault_at_key(
			p, second->node, "this key stands already in line ", first->node->key_line);
		map->items[second->index] = NULL;
		forget_anchors(p, second->node);
		config_yaml_free(second->node);
		second->node = first->node;
	}
	free(sorted);
	for (size_t i = 0; i < map->count; i++)
		if (map->items[i])
			map->items[kept++] = map->items[i];
	map->count = kept;
}

/* What a merge key brings in: the pairs of source that map does not have itself. */
static void
merge_from(struct parse *p, struct config_node *map, struct config_node *source)
{
	if (source->kind != CONFIG_MAP) {
		stop_at(p, source->line, source->column, "<< takes a map or a list of maps");
		return;
	}
	for (size_t i = 0; i < source->count && !p->stop; i++) {
		if (config_node_get(map, source->items[i]->key))
			continue;
		struct config_node *node = copy(p, source->items[i]);
		if (!node)
			return;
		node->key = x_strdup(source->items[i]->key);
		node->key_line = source->items[i]->key_line;
		node->key_column = source->items[i]->key_column;
		append(map, node);
	}
}

static void
merge(struct parse *p, struct config_node *map)
{
	struct config_node *source = config_node_get(map, "<<");
	size_t kept = 0;

	if (!source)
		return;
	for (size_t i = 0; i < map->count; i++)
		if (map->items[i] != source)
			map->items[kept++] = map->items[i];
	map->count = kept;
	if (source->kind == CONFIG_LIST)
		for (size_t i = 0; i < source->count; i++)
			merge_from(p, map, source->items[i]);
	else
		merge_from(p, map, source);
	forget_anchors(p, source);
	config_yaml_free(source);
}

static void
close_container(struct parse *p)
{
	struct config_node *node = p->open;

	if (node->kind == CONFIG_MAP) {
		drop_duplicates(p, node);
		merge(p, node);
	}
	p->open = node->parent;
}

/* ---- events ---- */

static char *
token_text(struct fy_token *token, size_t *length)
{
	const char *text = token ? fy_token_get_text(token, length) : NULL;

	if (!text) {
		*length = 0;
		text = "";
	}
	char *copied = x_malloc(*length + 1);
	memcpy(copied, text, *length);
	copied[*length] = '\0';
	return copied;
}

static void
on_scalar(struct parse *p, struct fy_token *token, int line, int column)
{
	size_t length;
	char *text = token_text(token, &length);
	enum fy_scalar_style style = token ? fy_token_scalar_style(token) : FYSS_PLAIN;
	bool plain = style == FYSS_PLAIN;

	/* The library's place is behind the quote. */
	if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) && column > 1)
		column--;

	if (strlen(text) != length)
		stop_at(p, line, column, "an escaped NUL has no place in a configuration");
	if (p->open && p->open->kind == CONFIG_MAP && !p->key) {
		p->key = text;
		p->key_line = line;
		p->key_column = column;
		return;
	}
	struct config_node *node = node_new(p, CONFIG_SCALAR, line, column);
	if (!node) {
		util_wipe(text, length);
		free(text);
		return;
	}
	node->text = text;
	node->plain = plain;
	node->null = plain && (length == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
	attach(p, node);
}

static void
on_start(struct parse *p, enum config_kind kind, int line, int column)
{
	int depth = 0;

	for (struct config_node *node = p->open; node; node = node->parent)
		depth++;
	if (depth >= CONFIG_YAML_MAX_DEPTH) {
		stop_at(p, line, column, "is nested more than %d deep", CONFIG_YAML_MAX_DEPTH);
		return;
	}
	if (p->open && p->open->kind == CONFIG_MAP && !p->key) {
		stop_at(p, line, column, "a key must be text, not a map or a list");
		return;
	}
	struct config_node *node = node_new(p, kind, line, column);
	if (!node)
		return;
	attach(p, node);
	p->open = node;
}

static struct config_node *
find_anchor(const struct parse *p, const char *name)
{
	for (size_t i = p->anchor_count; i > 0; i--)
		if (strcmp(p->anchors[i - 1].name, name) == 0)
			return p->anchors[i - 1].node;
	return NULL;
}

static void
on_alias(struct parse *p, struct fy_token *token, int line, int column)
{
	size_t length;
	char *name = token_text(token, &length);
	const struct config_node *target = find_anchor(p, name);

	for (const struct config_node *node = p->open; node && target; node = node->parent)
		if (node == target)
			target = NULL;
	if (!p->open || (p->open->kind == CONFIG_MAP && !p->key)) {
		stop_at(p, line, column, "an alias cannot stand here");
	} else if (!target) {
		stop_at(p, line, column, "the alias *%s names no anchor that stands before it",
			name);
	} else {
		struct config_node *node = copy(p, target);
		if (node)
			attach(p, node);
	}
	free(name);
}

static void
note_anchor(struct parse *p, struct fy_event *event, struct config_node *node)
{
	struct fy_token *token = fy_event_get_anchor_token(event);
	size_t length;

	if (!token || event->type == FYET_ALIAS || !node)
		return;
	if (p->anchor_count >= 1000) {
		stop_at(p, node->line, node->column, "more than 1000 anchors");
		return;
	}
	p->anchors = x_realloc(p->anchors, (p->anchor_count + 1) * sizeof *p->anchors);
	p->anchors[p->anchor_count++] = (struct anchor){token_text(token, &length), node};
}

/* The node that was attached last: what an anchor in this event stands for. */
static struct config_node *
newest(const struct parse *p, const struct fy_event *event)
{
	if (event->type != FYET_SCALAR)
		return p->open;
	if (!p->open)
		return p->root;
	return p->key || p->open->count == 0 ? NULL : p->open->items[p->open->count - 1];
}

static void
on_event(struct parse *p, struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event);
	int line = mark ? mark->line + 1 : p->key_line;
	int column = mark ? mark->column + 1 : p->key_column;

	switch (event->type) {
	case FYET_DOCUMENT_START:
		if (p->second)
			stop_at(p, line, column, "a second document; a configuration is one");
		return;
	case FYET_DOCUMENT_END: p->second = true; return;
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END: close_container(p); return;
	case FYET_ALIAS: on_alias(p, fy_event_get_token(event), line, column); return;
	case FYET_SCALAR: on_scalar(p, fy_event_get_token(event), line, column); break;
	case FYET_MAPPING_START: on_start(p, CONFIG_MAP, line, column); break;
	case FYET_SEQUENCE_START: on_start(p, CONFIG_LIST, line, column); break;
	default: return;
	}
	if (!p->stop && fy_event_get_tag_token(event))
		stop_at(p, line, column, "tags (!...) are not supported; leave it out");
	if (!p->stop)
		note_anchor(p, event, newest(p, event));
}

/* ---- the library's side ---- */

/* Two of its messages speak of its inside rather than of what to do. */
static const char *
plain_words(const char *message)
{
	if (strstr(message, "tab "))
		return "a tab cannot indent YAML; use spaces";
	if (strstr(message, "cannot start with"))
		return "a value that starts with @, `, %, * or & needs quotes around it";
	return message;
}

/* Does the text have ${ in this line? Inside { } and [ ] that is YAML, unless it is quoted. */
static bool
has_variable(const struct parse *p, int line)
{
	const char *at = p->text, *end = p->text + p->length;

	while (at && --line > 0) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return false;
	const char *stop = memchr(at, '\n', (size_t)(end - at));
	return memmem(at, (size_t)((stop ? stop : end) - at), "${", 2) != NULL;
}

static void
report(struct parse *p, struct fy_diag *diag)
{
	const struct fy_diag_error *error;
	void *at = NULL;
	bool any = false;

	while ((error = fy_diag_errors_iterate(diag, &at)) != NULL) {
		const char *hint = has_variable(p, error->line)
			? "; inside { } and [ ] a ${VAR} needs quotes around it"
			: "";
		stop_at(p, error->line, error->column, "not valid YAML: %s%s",
			plain_words(error->msg ? error->msg : "?"), hint);
		any = true;
	}
	if (!any)
		stop_at(p, 0, 0, "not valid YAML");
}

static void
run(struct parse *p, struct fy_parser *parser, struct fy_diag *diag)
{
	struct fy_event *event;

	while (!p->stop && (event = fy_parser_parse(parser)) != NULL) {
		on_event(p, event);
		fy_parser_event_free(parser, event);
	}
	if (!p->stop && (fy_parser_get_stream_error(parser) || fy_diag_got_error(diag)))
		report(p, diag);
}

static void
parse_with_library(struct parse *p, const char *text, size_t length)
{
	struct fy_diag_cfg how;
	struct fy_parser *parser = NULL;

	fy_diag_cfg_default(&how);
	how.fp = NULL;
	how.level = FYET_ERROR;
	struct fy_diag *diag = fy_diag_create(&how);
	if (diag) {
		fy_diag_set_collect_errors(diag, true);
		struct fy_parse_cfg cfg = {
			.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 |
				FYPCF_JSON_NONE | FYPCF_DISABLE_MMAP_OPT,
			.diag = diag,
		};
		parser = fy_parser_create(&cfg);
	}
	if (!parser || fy_parser_set_string(parser, text, length) != 0)
		stop_at(p, 0, 0, "the YAML library could not be started");
	else
		run(p, parser, diag);
	fy_parser_destroy(parser);
	fy_diag_destroy(diag);
}

struct config_node *
config_yaml_parse(const char *text, size_t length, const char *file, struct config_faults *faults,
	bool *broken)
{
	struct parse p = {.file = file, .text = text, .length = length, .faults = faults};

	if (check_text(&p, text, length) && length > 0)
		parse_with_library(&p, text, length);
	while (p.open) {
		p.open->cut = true;
		close_container(&p);
	}
	for (size_t i = 0; i < p.anchor_count; i++)
		free(p.anchors[i].name);
	free(p.anchors);
	free(p.key);
	*broken = p.stop;
	return p.root;
}
