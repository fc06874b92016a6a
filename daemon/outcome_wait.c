/* SPDX-License-Identifier: MIT */
/*
 * The hints stand in one table in the order of trust: milliseconds, Retry-After, fields of the
 * body, reset headers, prose. Numbers are read by hand: strtod() would take "nan", "inf" and
 * "0x10".
 */
#include "outcome_wait.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "outcome_rules.h"

#define SECOND_MS ((int64_t)1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define WAIT_MAX_MS (366 * DAY_MS)
#define EPOCH_S_MIN ((int64_t)1000000000)
#define EPOCH_MS_MIN (EPOCH_S_MIN * 1000)
#define NUMBER_DIGITS_MAX 15
#define VALUE_BYTES 64
#define PROSE_BYTES 1000

/* ---- numbers and durations ---- */

static const char *
skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* Reads digits with an optional fraction as thousandths; where it ends, or NULL. */
static const char *
read_thousandths(const char *text, int64_t *thousandths)
{
	size_t digits = strspn(text, "0123456789");
	int64_t whole = 0, fraction = 0;

	if (digits == 0 || digits > NUMBER_DIGITS_MAX)
		return NULL;
	for (size_t i = 0; i < digits; i++)
		whole = whole * 10 + (text[i] - '0');
	text += digits;
	if (*text == '.') {
		size_t count = strspn(++text, "0123456789");
		for (size_t i = 0; i < 3; i++)
			fraction = fraction * 10 + (i < count ? text[i] - '0' : 0);
		text += count;
	}
	*thousandths = whole * 1000 + fraction;
	return text;
}

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {
	{"milliseconds", 1},
	{"millisecond", 1},
	{"ms", 1},
	{"seconds", SECOND_MS},
	{"second", SECOND_MS},
	{"secs", SECOND_MS},
	{"sec", SECOND_MS},
	{"s", SECOND_MS},
	{"minutes", MINUTE_MS},
	{"minute", MINUTE_MS},
	{"mins", MINUTE_MS},
	{"min", MINUTE_MS},
	{"m", MINUTE_MS},
	{"hours", HOUR_MS},
	{"hour", HOUR_MS},
	{"hrs", HOUR_MS},
	{"hr", HOUR_MS},
	{"h", HOUR_MS},
	{"days", DAY_MS},
	{"day", DAY_MS},
	{"d", DAY_MS},
};

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const struct unit *
find_unit(const char *text)
{
	for (size_t i = 0; i < UTIL_COUNT(units); i++) {
		if (util_starts_with(text, units[i].name) &&
			!is_letter(text[strlen(units[i].name)]))
			return &units[i];
	}
	return NULL;
}

/* Reads "1m12.5s", "2 minutes 3 seconds"; where it ends, or NULL when there is none. */
static const char *
read_duration(const char *text, int64_t *ms)
{
	const char *end = NULL;
	int64_t total = 0, part;

	for (;;) {
		const char *next = read_thousandths(skip_blanks(text), &part);
		const struct unit *unit = next ? find_unit(skip_blanks(next)) : NULL;
		int64_t part_ms;
		if (!unit)
			break;
		if (__builtin_mul_overflow(part, unit->ms, &part_ms))
			return NULL;
		total = util_add_clamped(total, part_ms / 1000);
		end = text = skip_blanks(next) + strlen(unit->name);
	}
	*ms = total;
	return end;
}

/* The wait itself, -1 for one that nobody can mean. */
static int64_t
usable(int64_t wait_ms)
{
	return wait_ms > 0 && wait_ms <= WAIT_MAX_MS ? wait_ms : -1;
}

static bool
is_end(const char *text)
{
	return text && *skip_blanks(text) == '\0';
}

/* ---- dates ---- */

/* RFC 3339's fraction and offset after the seconds; false when it is none. */
static bool
read_offset(const char *text, int64_t *fraction_ms, int64_t *offset_ms)
{
	struct tm clock = {0};

	*fraction_ms = *offset_ms = 0;
	if (*text == '.') {
		char digits[24] = "0";
		size_t count = strspn(text + 1, "0123456789");
		if (count == 0 || count > NUMBER_DIGITS_MAX)
			return false;
		memcpy(digits + 1, text, count + 1);
		read_thousandths(digits, fraction_ms);
		text += 1 + count;
	}
	if (*text == 'Z' || *text == 'z')
		return is_end(text + 1);
	if (*text != '+' && *text != '-')
		return false;
	const char *end = strptime(text + 1, "%H:%M", &clock);
	*offset_ms = clock.tm_hour * HOUR_MS + clock.tm_min * MINUTE_MS;
	if (*text == '-')
		*offset_ms = -*offset_ms;
	return is_end(end);
}

/* A date as ms since the epoch, or -1. */
static int64_t
parse_date_ms(const char *text)
{
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"};
	int64_t fraction_ms, offset_ms;
	struct tm tm = {0};

	for (size_t i = 0; i < UTIL_COUNT(forms); i++) {
		tm = (struct tm){0};
		if (is_end(strptime(text, forms[i], &tm)))
			return (int64_t)timegm(&tm) * SECOND_MS;
	}
	tm = (struct tm){0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!end || !read_offset(end, &fraction_ms, &offset_ms))
		return -1;
	return (int64_t)timegm(&tm) * SECOND_MS + fraction_ms - offset_ms;
}

int64_t
outcome_wait_parse(const char *text, int64_t unit_ms, int64_t now_ms)
{
	int64_t number, ms;

	text = skip_blanks(text);
	if (is_end(read_thousandths(text, &number))) {
		if (number / 1000 >= EPOCH_MS_MIN)
			return usable(number / 1000 - now_ms);
		if (number / 1000 >= EPOCH_S_MIN)
			return usable(number - now_ms);
		return usable(unit_ms == 1 ? number / 1000 : number);
	}
	if (is_end(read_duration(text, &ms)))
		return usable(ms);
	int64_t date_ms = parse_date_ms(text);
	return date_ms < 0 ? -1 : usable(date_ms - now_ms);
}

/* ---- prose ---- */

/* Reads "21:16:41"; whether it is one. */
static bool
read_clock(const char *text, int64_t *ms)
{
	static const int64_t parts[] = {HOUR_MS, MINUTE_MS, SECOND_MS};

	*ms = 0;
	for (size_t i = 0; i < UTIL_COUNT(parts); i++) {
		if (strspn(text, "0123456789") != 2)
			return false;
		*ms += ((text[0] - '0') * 10 + (text[1] - '0')) * parts[i];
		text += 2;
		if (i + 1 < UTIL_COUNT(parts) && *text++ != ':')
			return false;
	}
	return true;
}

int64_t
outcome_wait_prose(const char *text)
{
	static const char *const leads[] = {"try again in ", "try again after ", "retry in ",
		"retry after ", "retry your request after ", "retry your request in ",
		"reset after ", "resets in ", "reset in ", "please wait ", "wait for ",
		"available in ", "replenished in "};
	char plain[PROSE_BYTES];

	outcome_rules_normalise(text, plain, sizeof(plain));
	for (size_t i = 0; i < UTIL_COUNT(leads); i++) {
		const char *at = plain;
		while ((at = outcome_rules_find(at, leads[i]))) {
			int64_t ms;
			if (util_starts_with(at, "about "))
				at += strlen("about ");
			if ((read_clock(at, &ms) || read_duration(at, &ms)) && usable(ms) > 0)
				return ms;
		}
	}
	return -1;
}

/* ---- where hints stand ---- */

struct search {
	const struct outcome_input *in;
	const struct outcome_facts *facts;
	int64_t now_ms;
};

/* The provider's own clock where it tells it, so that ours need not agree. */
int64_t
outcome_wait_now_ms(const struct outcome_input *in)
{
	char date[VALUE_BYTES];

	if (!in->headers || !http_headers_get(in->headers, "date", date, sizeof(date)))
		return in->wall_ms;
	int64_t date_ms = parse_date_ms(date);
	return date_ms < 0 ? in->wall_ms : date_ms;
}

static bool
get_header(const struct search *search, const char *name, char *value)
{
	value[0] = '\0';
	return search->in->headers &&
		http_headers_get(search->in->headers, name, value, VALUE_BYTES);
}

static int64_t
from_headers(const struct search *search)
{
	static const struct {
		const char *name;
		int64_t unit_ms;
	} names[] = {
		{"retry-after-ms", 1},
		{"x-ms-retry-after-ms", 1},
		{"retry-after", SECOND_MS},
	};
	char value[VALUE_BYTES];

	for (size_t i = 0; i < UTIL_COUNT(names); i++) {
		int64_t ms = get_header(search, names[i].name, value)
			? outcome_wait_parse(value, names[i].unit_ms, search->now_ms)
			: -1;
		if (ms > 0)
			return ms;
	}
	return -1;
}

static int64_t
from_field(const struct json *value, int64_t unit_ms, int64_t now_ms)
{
	const char *text = json_string(value, NULL);

	if (json_type(value) == JSON_INT || json_type(value) == JSON_DOUBLE)
		text = json_number_text(value);
	if (json_type(value) == JSON_OBJECT) /* google.protobuf.Duration spelled out */
		return from_field(json_get(value, "seconds"), unit_ms, now_ms);
	return text ? outcome_wait_parse(text, unit_ms, now_ms) : -1;
}

static int64_t
from_body(const struct search *search)
{
	static const struct {
		const char *name;
		int64_t unit_ms;
	} fields[] = {
		{"retry_after_ms", 1},
		{"retryDelay", SECOND_MS},
		{"retry_after", SECOND_MS},
		{"retryAfter", SECOND_MS},
		{"retry_after_seconds", SECOND_MS},
		{"Retry-After", SECOND_MS},
		{"retry-after", SECOND_MS},
		{"X-RateLimit-Reset", SECOND_MS},
		{"x-ratelimit-reset", SECOND_MS},
	};

	for (size_t i = 0; i < UTIL_COUNT(fields); i++) {
		for (size_t p = 0; p < search->facts->place_count; p++) {
			const struct json *value =
				json_get(search->facts->places[p], fields[i].name);
			int64_t ms = from_field(value, fields[i].unit_ms, search->now_ms);
			if (ms > 0)
				return ms;
		}
	}
	return -1;
}

/* What a provider counts: what is left of each, and when it is full again. */
static const struct dimension {
	const char *remaining, *reset;
} dimensions[] = {
#define X(tokens, limit, remaining, reset) {remaining, reset},
#include "quota_header.def"
#undef X
};

static bool
is_zero(const char *text)
{
	int64_t number;

	return is_end(read_thousandths(skip_blanks(text), &number)) && number == 0;
}

/* The longest reset of those used up; else of those that do not say what is left. */
static int64_t
from_resets(const struct search *search)
{
	int64_t used_up_ms = -1, untold_ms = -1;
	char remaining[VALUE_BYTES], reset[VALUE_BYTES];

	for (size_t i = 0; i < UTIL_COUNT(dimensions); i++) {
		bool told = get_header(search, dimensions[i].remaining, remaining);
		int64_t ms = get_header(search, dimensions[i].reset, reset)
			? outcome_wait_parse(reset, SECOND_MS, search->now_ms)
			: -1;
		if (told && is_zero(remaining) && ms > used_up_ms)
			used_up_ms = ms;
		if (!told && ms > untold_ms)
			untold_ms = ms;
	}
	return used_up_ms > 0 ? used_up_ms : untold_ms;
}

static int64_t
from_messages(const struct outcome_facts *facts)
{
	for (size_t i = 0; i < facts->message_count; i++) {
		int64_t ms = outcome_wait_prose(facts->messages[i]);
		if (ms > 0)
			return ms;
	}
	return -1;
}

int64_t
outcome_wait_ms(
	const struct outcome_input *in, const struct outcome_facts *facts, bool limited, bool prose)
{
	struct search search = {in, facts, outcome_wait_now_ms(in)};
	int64_t ms = from_headers(&search);

	if (ms < 0)
		ms = from_body(&search);
	if (ms < 0 && limited)
		ms = from_resets(&search);
	if (ms < 0 && prose)
		ms = from_messages(facts);
	return ms;
}
