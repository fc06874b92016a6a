/* SPDX-License-Identifier: MIT */
/*
 * Maps of the configuration file, read by the rows of config.def: unknown keys, types, units and
 * ranges, and where each value is stored. What a value means beside others is not known here.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"
#include "config_value.h"
#include "llmfo.h"

enum type {
	GROUP,
	NAMED,
	TEXT,
	NAME,
	BOOL,
	COUNT,
	NUMBER,
	DECIMAL,
	DURATION,
	SIZE,
	MODE,
	SECRET,
	TEXTS,
	FREE,
	STRATEGY,
	TRY_OR_FAIL,
	PARAMS,
	TIMEOUT,
	HEDGE,
	STICKY,
	STRATEGIES,
	PRICE,
	TYPES
};

#define NOWHERE SIZE_MAX
#define OFFSET_none(field) NOWHERE
#define OFFSET_config(field) offsetof(struct config, field)
#define OFFSET_provider(field) offsetof(struct config_provider, field)
#define OFFSET_chain(field) offsetof(struct config_chain, field)
#define OFFSET_params(field) offsetof(struct config_params, field)
#define OFFSET_timeout(field) offsetof(struct config_timeout, field)
#define OFFSET_strategies(field) offsetof(struct strategy_settings, field)
#define OFFSET_facts(field) offsetof(struct model_facts, field)

static const struct row {
	const char *path;
	const char *type_name;
	enum type type;
	size_t offset;
	int64_t min, max;
	const char *default_text;
	bool reload;
	const char *help;
} rows[] = {
#define X(path, type, owner, field, min, max, def, reload, help) \
	{path, #type, type, OFFSET_##owner(field), min, max, def, reload, help},
#include "config.def"
#undef X
};

/* The last part of a row's path if the row stands directly under prefix, else NULL. */
static const char *
key_under(const struct row *row, const char *prefix)
{
	size_t length = strlen(prefix);
	const char *key = row->path;

	if (length > 0) {
		if (strncmp(key, prefix, length) != 0 || key[length] != '.')
			return NULL;
		key += length + 1;
	}
	return strchr(key, '.') || strcmp(key, "*") == 0 ? NULL : key;
}

/* The rows params, price, timeout and primary stand for a type; they are no keys of the file. */
static bool
is_key(const struct row *row, const char *prefix)
{
	return key_under(row, prefix) &&
		(prefix[0] ||
			(strcmp(row->path, "params") != 0 && strcmp(row->path, "timeout") != 0 &&
				strcmp(row->path, "price") != 0 &&
				strcmp(row->path, "primary") != 0));
}

static const struct row *
find_row(const char *prefix, const char *key)
{
	for (size_t i = 0; i < UTIL_COUNT(rows); i++)
		if (is_key(&rows[i], prefix) && strcmp(key_under(&rows[i], prefix), key) == 0)
			return &rows[i];
	return NULL;
}

static void
unknown_key(struct config_reader *r, struct config_node *node, const char *prefix)
{
	const char *known[UTIL_COUNT(rows) + 1] = {NULL};
	struct buf list;
	size_t count = 0;

	if (r->foreign) {
		char *path = config_node_path(node);
		buf_printf(r->foreign, "%s%s", r->foreign->len ? ", " : "", path);
		free(path);
		return;
	}
	buf_init(&list, 1000);
	for (size_t i = 0; i < UTIL_COUNT(rows); i++)
		if (is_key(&rows[i], prefix)) {
			known[count] = key_under(&rows[i], prefix);
			buf_printf(&list, "%s%s", count ? ", " : "", known[count]);
			count++;
		}
	const char *nearest = config_nearest(node->key, known);
	if (nearest)
		config_key_error(
			r, node, "unknown key `%s`; did you mean `%s`?", node->key, nearest);
	else
		config_key_error(r, node, "unknown key `%s`; known here: %s", node->key, list.data);
	buf_free(&list);
}

/* ---- values ---- */

static void
out_of_range(struct config_reader *r, struct config_node *node, const struct row *row,
	const char *text, void (*print)(int64_t, struct buf *))
{
	struct buf range;

	buf_init(&range, 200);
	print(row->min, &range);
	buf_puts(&range, " to ");
	print(row->max, &range);
	config_error(r, node, "`%s` is out of range: %s", text, range.data);
	buf_free(&range);
}

static void
print_int(int64_t number, struct buf *out)
{
	buf_printf(out, "%lld", (long long)number);
}

static bool
in_range(const struct row *row, int64_t value)
{
	return (row->min == 0 && row->max == 0) || (value >= row->min && value <= row->max);
}

/* The text of a scalar that must not be empty; NULL after a fault. */
static const char *
some_text(struct config_reader *r, struct config_node *node)
{
	const char *text = config_text(r, node);

	if (!text || *text)
		return text;
	if (node->variable)
		config_error(r, node, "is empty with ${%s} filled in", node->variable);
	else
		config_error(r, node, "is empty; give a value or remove the key");
	return NULL;
}

/*
 * The text of something that is not text: quotes around it are a fault, unless they stand there for
 * a variable's sake.
 */
static const char *
bare_text(struct config_reader *r, struct config_node *node)
{
	const char *text = some_text(r, node);

	if (text && !node->plain && !node->variable) {
		config_error(r, node, "must not be in quotes");
		return NULL;
	}
	return text;
}

static void
read_text(struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	const char *text = row->type == NAME ? config_text(r, node) : some_text(r, node);

	if (!text)
		return;
	if (!in_range(row, (int64_t)strlen(text)))
		config_error(r, node, "is too long: at most %lld bytes", (long long)row->max);
	else if (into) {
		free(*(char **)into);
		*(char **)into = x_strdup(text);
	}
}

static void
refuse(struct config_reader *r, struct config_node *node, const char *text, struct buf *why)
{
	config_error(r, node, "`%s` %s", text, why->data);
	buf_free(why);
}

static void
read_bool(struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	const char *text = bare_text(r, node);
	struct buf why;
	bool yes;

	(void)row;
	buf_init(&why, 200);
	if (text && config_value_bool(text, &yes, &why) != 0)
		refuse(r, node, text, &why);
	else if (text)
		*(bool *)into = yes;
}

/* Everything that is an integer in the end. */
static void
read_number(struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	static int (*const parse[TYPES])(const char *, int64_t *, struct buf *) = {
		[COUNT] = config_value_int,
		[NUMBER] = config_value_int,
		[DURATION] = config_value_duration,
		[HEDGE] = config_value_duration,
		[SIZE] = config_value_size,
		[PRICE] = config_value_price,
	};
	static void (*const print[TYPES])(int64_t, struct buf *) = {
		[COUNT] = print_int,
		[NUMBER] = print_int,
		[DURATION] = config_value_print_duration,
		[HEDGE] = config_value_print_duration,
		[SIZE] = config_value_print_size,
		[PRICE] = config_value_print_price,
	};
	bool quotable = row->type == DURATION || row->type == HEDGE || row->type == SIZE;
	const char *text = quotable ? some_text(r, node) : bare_text(r, node);
	struct buf why;
	int64_t value;

	buf_init(&why, 300);
	if (!text)
		return;
	if (parse[row->type](text, &value, &why) != 0)
		refuse(r, node, text, &why);
	else if (!in_range(row, value))
		out_of_range(r, node, row, text, print[row->type]);
	else if (row->type == COUNT)
		*(int *)into = (int)value;
	else if (row->type == SIZE)
		*(size_t *)into = (size_t)value;
	else
		*(int64_t *)into = value;
}

static void
read_decimal(struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	const char *text = bare_text(r, node);
	struct buf why;
	double value;

	buf_init(&why, 200);
	if (!text)
		return;
	if (config_value_decimal(text, &value, &why) != 0)
		refuse(r, node, text, &why);
	else if (value < (double)row->min || value > (double)row->max)
		out_of_range(r, node, row, text, print_int);
	else
		*(double *)into = value;
}

static void
read_mode(struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	const char *text = some_text(r, node);
	struct buf why;
	unsigned mode;

	(void)row;
	buf_init(&why, 200);
	if (text && config_value_mode(text, &mode, &why) != 0)
		refuse(r, node, text, &why);
	else if (text)
		*(unsigned *)into = mode;
}

static void
read_strategy(struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	const char *text = some_text(r, node);
	enum strategy strategy = text ? strategy_find(text) : STRATEGY_COUNT;

	(void)row;
	if (strategy < STRATEGY_COUNT)
		*(enum strategy *)into = strategy;
	else if (text)
		config_error(
			r, node, "unknown strategy `%s`; available: %s", text, strategy_names());
}

static void
read_try_or_fail(
	struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	const char *text = some_text(r, node);

	(void)row;
	if (!text)
		return;
	if (strcmp(text, "try") != 0 && strcmp(text, "fail") != 0)
		config_error(r, node, "`%s` must be try or fail", text);
	else
		*(bool *)into = strcmp(text, "try") == 0;
}

static void
read_sticky(struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	const char *text = some_text(r, node);

	(void)row;
	if (text && strcmp(text, "user") != 0)
		config_error(r, node, "`%s` must be user", text);
	else if (text)
		*(bool *)into = true;
}

static void
read_params(struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	(void)row;
	config_params_read(r, node, into);
}

static void
read_timeout(struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	(void)row;
	config_timeout_read(r, node, into);
}

static void
read_hedge(struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	if (node->kind == CONFIG_SCALAR && node->text && strcmp(node->text, "auto") == 0)
		*(int64_t *)into = STRATEGY_HEDGE_AUTO;
	else
		read_number(r, node, row, into);
}

static void
read_strategies(
	struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	(void)row;
	config_section_read(r, node, "strategies", into);
}

static void
read_group(struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	config_section_read(r, node, row->path, into);
}

/* A map of names is read by its own part; here it is only seen to be a map. */
static void
read_named(struct config_reader *r, struct config_node *node, const struct row *row, void *into)
{
	(void)into;
	if (node->kind != CONFIG_MAP && !node->null)
		config_error(r, node, "must be a map of names: `%s: {NAME: {...}}`", row->path);
}

typedef void read_fn(
	struct config_reader *r, struct config_node *node, const struct row *row, void *into);

/* Types that are missing here are read by the part that owns them. */
static read_fn *const readers[TYPES] = {
	[GROUP] = read_group,
	[NAMED] = read_named,
	[TEXT] = read_text,
	[NAME] = read_text,
	[BOOL] = read_bool,
	[COUNT] = read_number,
	[NUMBER] = read_number,
	[DECIMAL] = read_decimal,
	[DURATION] = read_number,
	[SIZE] = read_number,
	[PRICE] = read_number,
	[MODE] = read_mode,
	[STRATEGY] = read_strategy,
	[TRY_OR_FAIL] = read_try_or_fail,
	[PARAMS] = read_params,
	[TIMEOUT] = read_timeout,
	[HEDGE] = read_hedge,
	[STICKY] = read_sticky,
	[STRATEGIES] = read_strategies,
};

void
config_section_read(
	struct config_reader *r, struct config_node *node, const char *prefix, void *into)
{
	if (node->null)
		return;
	if (node->kind != CONFIG_MAP) {
		config_error(r, node, "must be a map of keys");
		return;
	}
	for (size_t i = 0; i < node->count; i++) {
		struct config_node *item = node->items[i];
		const struct row *row = find_row(prefix, item->key);
		if (!row) {
			unknown_key(r, item, prefix);
			continue;
		}
		bool in_place = row->type == GROUP || row->offset == NOWHERE;
		void *field = in_place ? NULL : (char *)into + row->offset;
		if (row->type == GROUP)
			field = into;
		if (readers[row->type])
			readers[row->type](r, item, row, field);
	}
}

void
config_section_value(
	struct config_reader *r, struct config_node *node, const char *path, void *into)
{
	for (size_t i = 0; i < UTIL_COUNT(rows); i++)
		if (strcmp(rows[i].path, path) == 0)
			readers[rows[i].type](r, node, &rows[i], (char *)into + rows[i].offset);
}

void
config_section_defaults(const char *prefix, void *into)
{
	struct config_faults faults = {.count = 0};
	struct config_reader r = {.faults = &faults};
	size_t length = strlen(prefix);

	for (size_t i = 0; i < UTIL_COUNT(rows); i++) {
		const struct row *row = &rows[i];
		if (strncmp(row->path, prefix, length) != 0 || row->path[length] != '.' ||
			row->offset == NOWHERE || !row->default_text[0])
			continue;
		struct config_node node = {
			.kind = CONFIG_SCALAR,
			.plain = true,
			.text = x_strdup(row->default_text),
		};
		readers[row->type](&r, &node, row, (char *)into + row->offset);
		free(node.text);
	}
	assert(faults.errors == 0);
}

/* Sets *next to what holds now; was it something else? */
static bool
keep_text(char **next, const char *now)
{
	bool same = *next && now ? strcmp(*next, now) == 0 : !*next && !now;

	if (same)
		return false;
	free(*next);
	*next = x_strdup(now);
	return true;
}

static bool
keep_mode(unsigned *next, unsigned now)
{
	bool same = *next == now;

	*next = now;
	return !same;
}

void
config_keep_unreloadable(
	struct config *next, const struct config *now, struct config_faults *faults)
{
	for (size_t i = 0; i < UTIL_COUNT(rows); i++) {
		const struct row *row = &rows[i];
		if (row->reload || row->offset == NOWHERE)
			continue;
		void *to = (char *)next + row->offset;
		const void *from = (const char *)now + row->offset;
		struct config_place place = {next->source, 0, 0, row->path};
		/* rows that a reload cannot bring into effect are of these types */
		assert(row->type == TEXT || row->type == MODE);
		bool changed = row->type == TEXT ? keep_text(to, *(char *const *)from)
						 : keep_mode(to, *(const unsigned *)from);
		if (changed)
			config_fault_add(faults, true, place, "takes effect at the next start");
	}
}

bool
config_section_row(size_t index, struct config_row *row)
{
	if (index >= UTIL_COUNT(rows))
		return false;
	*row = (struct config_row){rows[index].path, rows[index].type_name,
		rows[index].default_text, rows[index].help, rows[index].reload};
	return true;
}
