/* SPDX-License-Identifier: MIT */
/* See redis_guard.h. One function a part of the grammar; each takes one byte. */
#include "redis_guard.h"

#define DIGITS_MAX 19

enum part { HEAD, LINE, LINE_END, TEXT, TEXT_END, TEXT_LAST };

/* An item is complete: so are the lists whose last one it was. */
static void
end_item(struct redis_guard *guard)
{
	guard->part = HEAD;
	while (guard->depth > 0 && --guard->left[guard->depth - 1] == 0)
		guard->depth--;
	if (guard->depth == 0)
		guard->bytes = guard->items = 0;
}

static const char *
begin_list(struct redis_guard *guard)
{
	if (guard->negative || guard->number == 0) {
		end_item(guard);
		return NULL;
	}
	if (guard->number > REDIS_GUARD_ITEMS_MAX ||
		guard->items + (size_t)guard->number > REDIS_GUARD_ITEMS_MAX)
		return "a list of too many items";
	if (guard->depth == REDIS_GUARD_DEPTH_MAX)
		return "lists too deep in each other";
	guard->items += (size_t)guard->number;
	guard->left[guard->depth++] = guard->number;
	guard->part = HEAD;
	return NULL;
}

static const char *
begin_text(struct redis_guard *guard)
{
	if (guard->negative) {
		end_item(guard);
		return NULL;
	}
	if (guard->number > REDIS_GUARD_TEXT_MAX_BYTES)
		return "a text that is too long";
	guard->line = (size_t)guard->number;
	guard->part = guard->line ? TEXT : TEXT_END;
	return NULL;
}

static const char *
on_head(struct redis_guard *guard, char c)
{
	if (c != '+' && c != '-' && c != ':' && c != '$' && c != '*')
		return "what is no RESP";
	guard->kind = c;
	guard->negative = false;
	guard->digits = 0;
	guard->number = 0;
	guard->line = 0;
	guard->part = LINE;
	return NULL;
}

static const char *
on_digit(struct redis_guard *guard, char c)
{
	if (c == '-' && guard->line == 1) {
		guard->negative = true;
		return NULL;
	}
	bool after_zero = guard->digits > 0 && guard->number == 0;
	if (c < '0' || c > '9' || after_zero || (c == '0' && guard->negative && !guard->digits) ||
		++guard->digits > DIGITS_MAX || guard->number > (INT64_MAX - (c - '0')) / 10)
		return "a number that is none";
	guard->number = guard->number * 10 + (c - '0');
	return NULL;
}

static const char *
on_line(struct redis_guard *guard, char c)
{
	if (c == '\r') {
		guard->part = LINE_END;
		return NULL;
	}
	if (c == '\n')
		return "a line that does not end as one";
	if (++guard->line > REDIS_GUARD_LINE_MAX_BYTES)
		return "a line that is too long";
	return guard->kind == '+' || guard->kind == '-' ? NULL : on_digit(guard, c);
}

static const char *
on_line_end(struct redis_guard *guard, char c)
{
	if (c != '\n')
		return "a line that does not end as one";
	if (guard->kind != '+' && guard->kind != '-' && guard->digits == 0)
		return "a number that is none";
	/* nothing at all is written as a length of -1 */
	if ((guard->kind == '$' || guard->kind == '*') && guard->negative && guard->number != 1)
		return "a length below nothing";
	if (guard->kind == '*')
		return begin_list(guard);
	if (guard->kind == '$')
		return begin_text(guard);
	end_item(guard);
	return NULL;
}

static const char *
on_text(struct redis_guard *guard, char c)
{
	(void)c;
	if (--guard->line == 0)
		guard->part = TEXT_END;
	return NULL;
}

static const char *
on_text_end(struct redis_guard *guard, char c)
{
	guard->part = TEXT_LAST;
	return c == '\r' ? NULL : "a text that is longer than it says";
}

static const char *
on_text_last(struct redis_guard *guard, char c)
{
	end_item(guard);
	return c == '\n' ? NULL : "a text that is longer than it says";
}

const char *
redis_guard_pass(struct redis_guard *guard, const char *bytes, size_t count)
{
	static const char *(*const take[])(struct redis_guard *, char) = {
		[HEAD] = on_head,
		[LINE] = on_line,
		[LINE_END] = on_line_end,
		[TEXT] = on_text,
		[TEXT_END] = on_text_end,
		[TEXT_LAST] = on_text_last,
	};

	for (size_t i = 0; !guard->why && i < count; i++)
		if (++guard->bytes > REDIS_GUARD_REPLY_MAX_BYTES)
			guard->why = "a reply that is too long";
		else
			guard->why = take[guard->part](guard, bytes[i]);
	return guard->why;
}

bool
redis_guard_is_between(const struct redis_guard *guard)
{
	return guard->part == HEAD && guard->depth == 0 && !guard->why;
}
