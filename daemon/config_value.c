/* SPDX-License-Identifier: MIT */
/* See config_value.h. */
#include "config_value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "llmfo.h"

/* A USD per million tokens is so many tens of pico-USD a token. */
#define PRICE_PLACES 6

struct unit {
	const char *name;
	int64_t factor;
};

/* Largest first: this is also the order in which they are printed. */
static const struct unit duration_units[] = {
	{"d", 86400000},
	{"h", 3600000},
	{"m", 60000},
	{"s", 1000},
	{"ms", 1},
};

static const struct unit size_units[] = {
	{"GiB", 1024 * 1024 * 1024},
	{"MiB", 1024 * 1024},
	{"KiB", 1024},
	{"B", 1},
	{"KB", 1000},
	{"MB", 1000 * 1000},
	{"GB", 1000 * 1000 * 1000},
};

#define SIZE_UNITS_PRINTED 4

/* The length of a run of decimal digits and its value; false beyond int64. */
static bool
digits(const char *text, size_t *length, int64_t *value)
{
	*value = 0;
	for (*length = 0; text[*length] >= '0' && text[*length] <= '9'; (*length)++)
		if (__builtin_mul_overflow(*value, 10, value) ||
			__builtin_add_overflow(*value, text[*length] - '0', value))
			return false;
	return true;
}

static const struct unit *
unit_find(const struct unit *units, size_t count, const char *text, size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(units[i].name) == length && memcmp(units[i].name, text, length) == 0)
			return &units[i];
	return NULL;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t
letters(const char *text)
{
	size_t length = 0;

	while (is_letter(text[length]))
		length++;
	return length;
}

/* One number with its unit; *used is what it took of text. */
static int
quantity(const char *text, const struct unit *units, size_t count, int64_t *value, size_t *used,
	const char *example, struct buf *why)
{
	size_t number, name;

	if (text[0] == '-') {
		buf_puts(why, "must not be negative");
		return LLMFO_EINVALID_REQUEST;
	}
	if (!digits(text, &number, value)) {
		buf_puts(why, "is out of range");
		return LLMFO_EINVALID_REQUEST;
	}
	name = letters(text + number);
	if (number == 0) {
		buf_printf(why, "must be a whole number with a unit, such as %s", example);
		return LLMFO_EINVALID_REQUEST;
	}
	if (name == 0 && text[number] == '\0') {
		buf_printf(why, "has no unit; write it as in %s", example);
		return LLMFO_EINVALID_REQUEST;
	}
	const struct unit *unit = unit_find(units, count, text + number, name);
	if (!unit) {
		buf_printf(why, "must be a whole number with a unit (");
		for (size_t i = 0; i < count; i++)
			buf_printf(why, "%s%s", i ? ", " : "", units[i].name);
		buf_printf(why, "), such as %s", example);
		return LLMFO_EINVALID_REQUEST;
	}
	if (__builtin_mul_overflow(*value, unit->factor, value)) {
		buf_puts(why, "is out of range");
		return LLMFO_EINVALID_REQUEST;
	}
	*used = number + name;
	return 0;
}

int
config_value_duration(const char *text, int64_t *ms, struct buf *why)
{
	int64_t part;
	size_t used;

	*ms = 0;
	do {
		int error = quantity(text, duration_units, UTIL_COUNT(duration_units), &part, &used,
			"500ms, 30s or 1m30s", why);
		if (error)
			return error;
		*ms = util_add_clamped(*ms, part);
		text += used;
	} while (*text);
	return 0;
}

int
config_value_size(const char *text, int64_t *bytes, struct buf *why)
{
	size_t used = 0;
	int error = quantity(
		text, size_units, UTIL_COUNT(size_units), bytes, &used, "512KiB or 16MiB", why);

	if (!error && text[used]) {
		buf_puts(why, "must be one whole number with a unit, such as 512KiB or 16MiB");
		error = LLMFO_EINVALID_REQUEST;
	}
	return error;
}

int
config_value_int(const char *text, int64_t *number, struct buf *why)
{
	bool negative = text[0] == '-';
	size_t length;
	bool fits = digits(text + negative, &length, number);

	if (length == 0 || (fits && text[negative + length] != '\0')) {
		buf_puts(why, "must be a whole number");
		return LLMFO_EINVALID_REQUEST;
	}
	if (!fits) {
		buf_puts(why, "is out of range");
		return LLMFO_EINVALID_REQUEST;
	}
	if (negative)
		*number = -*number;
	return 0;
}

int
config_value_decimal(const char *text, double *number, struct buf *why)
{
	char *end = NULL;

	*number = strtod(text, &end);
	if (!text[0] || strspn(text, "0123456789.eE+-") != strlen(text) || *end ||
		!isfinite(*number)) {
		buf_puts(why, "must be a number");
		return LLMFO_EINVALID_REQUEST;
	}
	return 0;
}

int
config_value_bool(const char *text, bool *yes, struct buf *why)
{
	*yes = util_equal_nocase(text, "true");
	if (*yes || util_equal_nocase(text, "false"))
		return 0;
	buf_puts(why, "must be true or false");
	return LLMFO_EINVALID_REQUEST;
}

int
config_value_price(const char *text, int64_t *picousd, struct buf *why)
{
	bool exact;
	int error = decimal_read(text, strlen(text), PRICE_PLACES, picousd, &exact);

	if (error == LLMFO_ETOO_LARGE)
		buf_puts(why, "is out of range");
	else if (error)
		buf_puts(why, "must be USD per million tokens as a decimal, such as 2.50");
	else if (*picousd < 0 || text[0] == '-')
		buf_puts(why, "must not be negative");
	else if (!exact)
		buf_printf(why, "has more than %d places behind the point", PRICE_PLACES);
	else
		return 0;
	return LLMFO_EINVALID_REQUEST;
}

void
config_value_print_price(int64_t picousd, struct buf *out)
{
	char text[DECIMAL_TEXT_BYTES];

	decimal_text(picousd, PRICE_PLACES, 2, text);
	(void)buf_puts(out, text);
}

int
config_value_mode(const char *text, unsigned *mode, struct buf *why)
{
	size_t length = strlen(text);

	*mode = 0;
	if (length < 3 || length > 4 || strspn(text, "01234567") != length ||
		(length == 4 && text[0] != '0')) {
		buf_puts(why, "must be permissions in octal, such as \"0660\"");
		return LLMFO_EINVALID_REQUEST;
	}
	for (; *text; text++)
		*mode = *mode * 8 + (unsigned)(*text - '0');
	return 0;
}

void
config_value_print_duration(int64_t ms, struct buf *out)
{
	size_t before = out->len;

	for (size_t i = 0; i < UTIL_COUNT(duration_units); i++) {
		const struct unit *unit = &duration_units[i];
		if (ms >= unit->factor)
			buf_printf(out, "%lld%s", (long long)(ms / unit->factor), unit->name);
		ms %= unit->factor;
	}
	if (out->len == before)
		buf_puts(out, "0s");
}

void
config_value_print_size(int64_t bytes, struct buf *out)
{
	size_t i = 0;

	while (i + 1 < SIZE_UNITS_PRINTED &&
		(bytes < size_units[i].factor || bytes % size_units[i].factor))
		i++;
	buf_printf(out, "%lld%s", (long long)(bytes / size_units[i].factor), size_units[i].name);
}

/* ---- ${VAR} ---- */

static size_t
name_length(const char *text)
{
	size_t length = 0;

	while (text[length] == '_' || is_letter(text[length]) ||
		(length > 0 && text[length] >= '0' && text[length] <= '9'))
		length++;
	return length;
}

/* One expression, from behind "${" to its "}" at end. */
static int
expand_one(const char *text, const char *end, const struct config_env *env, struct buf *out,
	char **variable, char **unset, struct buf *why)
{
	size_t length = name_length(text);
	const char *rest = text + length;
	bool has_default = util_starts_with(rest, ":-");
	bool required = util_starts_with(rest, ":?");

	if (length == 0 || (rest != end && !has_default && !required)) {
		buf_puts(why,
			"has a ${ that is none of ${VAR}, ${VAR:-default} and "
			"${VAR:?message}; $${ stands for a literal ${");
		return LLMFO_EINVALID_REQUEST;
	}
	char *name = x_strndup(text, length);
	const char *value = env && env->get ? env->get(env->arg, name) : NULL;
	int error = 0;
	if (!*variable)
		*variable = x_strdup(name);
	if (value && *value) {
		error = buf_puts(out, value);
	} else if (has_default) {
		error = buf_add(out, rest + 2, (size_t)(end - rest - 2));
	} else if (required) {
		buf_printf(why, "needs %s, which is not set%s%.*s", name,
			end - rest > 2 ? ": " : "", (int)(end - rest - 2), rest + 2);
		error = LLMFO_EINVALID_REQUEST;
	} else if (!*unset) {
		*unset = x_strdup(name);
	}
	free(name);
	return error;
}

int
config_value_expand(const char *text, const struct config_env *env, struct buf *out,
	char **variable, char **unset, struct buf *why)
{
	int error = 0;

	*variable = *unset = NULL;
	while (*text && !error) {
		if (util_starts_with(text, "$${")) {
			error = buf_puts(out, "${");
			text += 3;
		} else if (util_starts_with(text, "${")) {
			const char *end = strchr(text, '}');
			if (!end) {
				buf_puts(why, "has a ${ without its }");
				return LLMFO_EINVALID_REQUEST;
			}
			error = expand_one(text + 2, end, env, out, variable, unset, why);
			text = end + 1;
		} else {
			error = buf_putc(out, *text++);
		}
	}
	if (error && why->len == 0)
		buf_puts(why, "is too long with its variables filled in");
	return error ? LLMFO_EINVALID_REQUEST : 0;
}
