/* SPDX-License-Identifier: MIT */
/*
 * The script language. A word is found in the table made from script.def and its value stored at
 * the row's offset, so a new word is one row and the place that acts on it.
 */
#include "script.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum word_type { WORD_KIND, WORD_NUMBER, WORD_FLAG, WORD_TEXT };
enum { NEEDED = -1, NONE = -2, TEXT = -3 };

struct word {
	const char *name;
	enum word_type type;
	enum step_kind kind;
	size_t field;
	int64_t otherwise;
	const char *help;
};

static const struct word words[] = {
#define KIND(name, kind, value, help) {name, WORD_KIND, kind, 0, value, help},
#define NUMBER(name, field, value, help) \
	{name, WORD_NUMBER, STEP_OK, offsetof(struct step, field), value, help},
#define FLAG(name, field, help) \
	{name, WORD_FLAG, STEP_OK, offsetof(struct step, field), NONE, help},
#define TEXT(name, field, help) \
	{name, WORD_TEXT, STEP_OK, offsetof(struct step, field), NEEDED, help},
#include "script.def"
#undef KIND
#undef NUMBER
#undef FLAG
#undef TEXT
};

static const char *const kinds[] = {
	"auth",
	"billing",
	"capacity",
	"context",
	"daily",
	"insufficient_quota",
	"loading",
	"model",
	"overloaded",
	"param",
	"permission",
	"policy",
	"region",
	"spend_limit",
	"tokens",
	"too_large",
	"unsupported",
};

static const char *const usages[] = {"none", "huge", "negative", "float"};

struct reader {
	const char *at;
	struct out why;
};

static int
script_fail(struct reader *r, const char *what, const char *word)
{
	out_put(&r->why, "%s: '%s'", what, word);
	return -1;
}

static void
step_init(struct step *step)
{
	memset(step, 0, sizeof(*step));
	step->status = 200;
	step->times = 1;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].type == WORD_NUMBER || words[i].type == WORD_FLAG)
			*(int64_t *)(void *)((char *)step + words[i].field) = -1;
	}
}

static void
step_free(struct step *step)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].type == WORD_TEXT)
			out_free((struct out *)(void *)((char *)step + words[i].field));
	}
	out_free(&step->value);
	free(step->source);
}

static char
script_escape(struct reader *r)
{
	char c = *r->at++;
	char hex[3] = {0};

	if (c == 'n')
		return '\n';
	if (c == 'r')
		return '\r';
	if (c == 't')
		return '\t';
	if (c == 'x' && isxdigit((unsigned char)r->at[0]) && isxdigit((unsigned char)r->at[1])) {
		memcpy(hex, r->at, 2);
		r->at += 2;
		return (char)strtol(hex, NULL, 16);
	}
	return c;
}

/* A value: bare up to a space or `;`, 'as it is', or "with \n \r \t \xHH". */
static int
script_value(struct reader *r, struct out *value)
{
	char quote = *r->at;

	value->len = 0;
	if (quote != '"' && quote != '\'') {
		size_t n = strcspn(r->at, " \t\r\n;");

		out_add(value, r->at, n);
		r->at += n;
		return 0;
	}
	for (r->at++; *r->at && *r->at != quote;) {
		char c = *r->at++;

		if (c == '\\' && quote == '"' && *r->at)
			c = script_escape(r);
		out_add(value, &c, 1);
	}
	if (*r->at != quote)
		return script_fail(r, "a quote is not closed", value->len ? "..." : "");
	r->at++;
	return 0;
}

/* A whole number with an optional k, M or G (powers of 1024). */
static int
script_number(struct reader *r, const char *text, int64_t *n)
{
	char *end;
	long long value = strtoll(text, &end, 10);
	int shift = *end == 'k' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;

	if (end == text || value < 0 || value > (1LL << 32) || end[shift ? 1 : 0] != '\0')
		return script_fail(r, "not a whole number of 0 or more", text);
	*n = value << shift;
	return 0;
}

static bool
script_among(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(text, list[i]) == 0)
			return true;
	}
	return false;
}

static int
script_read_file(struct reader *r, const char *path, struct out *into)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		return script_fail(r, "cannot read", path);
	into->len = 0;
	do {
		n = fread(out_room(into, 65536), 1, 65536, f);
		into->len += n;
	} while (n);
	fclose(f);
	return 0;
}

static int
script_text_word(struct reader *r, struct step *step, const struct word *w, struct out *value)
{
	struct out *field = (struct out *)(void *)((char *)step + w->field);
	const char *text;

	if (field == &step->headers) {
		out_add(field, value->data, value->len);
		out_text(field, "\r\n");
		return 0;
	}
	field->len = 0;
	out_add(field, value->data, value->len);
	out_add(field, "", 1); /* a string for those who want one ... */
	field->len--;          /* ... that is not counted */
	text = field->data;
	if (field == &step->kind && !script_among(text, kinds, sizeof(kinds) / sizeof(kinds[0])))
		return script_fail(r, "no such kind", text);
	if (field == &step->usage && !script_among(text, usages, 4))
		return script_fail(r, "usage is none, huge, negative or float", text);
	if (field == &step->body_file)
		return script_read_file(r, text, &step->body);
	return 0;
}

static int
script_kind_word(struct reader *r, struct step *step, const struct word *w, const char *value)
{
	step->kind_of = w->kind;
	step->amount = w->otherwise;
	if (w->otherwise == TEXT && !value)
		return script_fail(r, "needs a value", w->name);
	if (w->otherwise == TEXT)
		out_add(&step->value, value, strlen(value) + 1);
	else if (value && w->otherwise == NONE)
		return script_fail(r, "takes no value", w->name);
	else if (value)
		return script_number(r, value, &step->amount);
	if (w->kind == STEP_REDIRECT)
		step->status = 307;
	return 0;
}

static int
script_apply(struct reader *r, struct step *step, const struct word *w, struct out *value)
{
	const char *text = value ? value->data : NULL;
	int64_t *number = (int64_t *)(void *)((char *)step + w->field);

	if (w->type == WORD_KIND)
		return script_kind_word(r, step, w, text);
	if (!text && w->otherwise == NEEDED)
		return script_fail(r, "needs a value", w->name);
	if (w->type == WORD_TEXT)
		return script_text_word(r, step, w, value);
	if (w->type == WORD_FLAG && text)
		return script_fail(r, "takes no value", w->name);
	*number = w->type == WORD_FLAG ? 1 : w->otherwise;
	return text ? script_number(r, text, number) : 0;
}

/* `x3` and three-digit statuses are words that stand in no table. */
static bool
script_bare_number(struct step *step, const char *name, bool has_value)
{
	char *end;
	long n;

	if (has_value || !name[0] || strlen(name) > 9)
		return false;
	n = strtol(name[0] == 'x' ? name + 1 : name, &end, 10);
	if (*end != '\0' || !isdigit((unsigned char)end[-1]) || n < 1)
		return false;
	if (name[0] == 'x') {
		step->times = n;
		return true;
	}
	if (n < 200 || n > 599)
		return false;
	step->status = (int)n;
	step->kind_of = n < 300 ? STEP_OK : STEP_STATUS;
	return true;
}

static int
script_word(struct reader *r, struct step *step)
{
	size_t n = strcspn(r->at, "= \t\r\n;");
	char *name = out_strndup(r->at, n);
	struct out value = {0};
	bool has_value = r->at[n] == '=';
	size_t i = 0, count = sizeof(words) / sizeof(words[0]);
	int result = 0;

	r->at += n;
	if (has_value) {
		r->at++;
		result = script_value(r, &value);
		out_add(&value, "", 1);
		value.len--;
	}
	while (i < count && strcmp(words[i].name, name) != 0)
		i++;
	if (result == 0 && i < count)
		result = script_apply(r, step, &words[i], has_value ? &value : NULL);
	else if (result == 0 && !script_bare_number(step, name, has_value))
		result = script_fail(r, "unknown word", name);
	out_free(&value);
	free(name);
	return result;
}

static void
script_skip_blanks(struct reader *r, const char *blanks)
{
	for (;;) {
		r->at += strspn(r->at, blanks);
		if (*r->at != '#')
			return;
		r->at += strcspn(r->at, "\n");
	}
}

/* One step; its end is a `;`, a new line or the end of the text. */
static int
script_step(struct reader *r, struct step *step)
{
	const char *start = r->at, *end;

	step_init(step);
	while (*r->at && *r->at != ';' && *r->at != '\n') {
		if (script_word(r, step) != 0)
			return -1;
		script_skip_blanks(r, " \t\r");
	}
	for (end = r->at; end > start && isspace((unsigned char)end[-1]);)
		end--;
	step->source = out_strndup(start, (size_t)(end - start));
	return 0;
}

static struct step *
script_append(struct script *s)
{
	s->steps = out_realloc(s->steps, sizeof(*s->steps) * (size_t)(s->n_steps + 1));
	return &s->steps[s->n_steps++];
}

int
script_parse(struct script *s, const char *text, char **why)
{
	struct script fresh = {0};
	struct reader r = {.at = text};
	int result = 0;

	for (;;) {
		script_skip_blanks(&r, " \t\r\n;");
		if (!*r.at || result != 0)
			break;
		result = script_step(&r, script_append(&fresh));
	}
	if (result != 0) {
		*why = out_take(&r.why);
		script_free(&fresh);
		return -1;
	}
	if (!fresh.n_steps) {
		r.at = "ok";
		script_step(&r, script_append(&fresh));
	}
	script_free(s);
	*s = fresh;
	return 0;
}

void
script_free(struct script *s)
{
	for (int i = 0; i < s->n_steps; i++)
		step_free(&s->steps[i]);
	free(s->steps);
	memset(s, 0, sizeof(*s));
}

const struct step *
script_peek(const struct script *s)
{
	return &s->steps[s->at];
}

const struct step *
script_next(struct script *s)
{
	const struct step *step = &s->steps[s->at];

	if (++s->used >= step->times && s->at + 1 < s->n_steps) {
		s->at++;
		s->used = 0;
	}
	return step;
}

void
script_skip(struct script *s)
{
	struct reader r = {.at = "ok"};

	if (s->at + 1 == s->n_steps)
		script_step(&r, script_append(s));
	s->at++;
	s->used = 0;
}

const char *
script_text(const struct out *text)
{
	return text->data;
}

char *
script_help(void)
{
	struct out o = {0};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct word *w = &words[i];
		size_t before = o.len;

		out_put(&o, "  %s", w->name);
		if (w->type == WORD_TEXT || (w->type == WORD_KIND && w->otherwise == TEXT))
			out_text(&o, "=TEXT");
		else if (w->otherwise == NEEDED)
			out_text(&o, "=N");
		else if (w->otherwise != NONE)
			out_text(&o, "[=N]");
		do
			out_text(&o, " ");
		while (o.len - before < 24);
		out_put(&o, "%s\n", w->help);
	}
	out_text(&o, "\nkinds:");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		out_put(&o, " %s", kinds[i]);
	out_text(&o, "\n");
	return out_take(&o);
}
