/* SPDX-License-Identifier: MIT */
/*
 * See sse.h. A line that lies whole in the bytes at hand is read where it lies, and so is the data
 * of an event that is one line; only what is cut by their end is copied.
 */
#include "sse.h"

#include <string.h>

#include "llmfo.h"

#define MARK "\xef\xbb\xbf"
#define MARK_BYTES (sizeof(MARK) - 1)

void
sse_init(struct sse *sse, enum sse_framing framing, size_t max_bytes)
{
	*sse = (struct sse){.framing = framing};
	buf_init(&sse->line, max_bytes);
	buf_init(&sse->data, max_bytes);
}

void
sse_free(struct sse *sse)
{
	buf_free(&sse->line);
	buf_free(&sse->data);
}

static bool
is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n')
			return false;
	return true;
}

/* ---- events ---- */

/* Puts the data that lies in the bytes at hand where it stays. */
static int
keep_one(struct sse *sse)
{
	const char *one = sse->one;

	sse->one = NULL;
	return one ? buf_add(&sse->data, one, sse->one_length) : 0;
}

static int
add_data(struct sse *sse, const char *text, size_t length)
{
	if (length > sse->data.max)
		return LLMFO_ETOO_LARGE;
	if (!sse->has_data) {
		sse->has_data = true;
		sse->one = text;
		sse->one_length = length;
		return 0;
	}
	int error = keep_one(sse);
	if (!error)
		error = buf_putc(&sse->data, '\n');
	return error ? error : buf_add(&sse->data, text, length);
}

static void
set_name(struct sse *sse, const char *text, size_t length)
{
	if (length > SSE_NAME_MAX_BYTES)
		length = 0;
	memcpy(sse->name, text, length);
	sse->name[length] = '\0';
}

/* Some servers send `error: {...}` as a field of its own. */
static int
take_field(struct sse *sse, const char *line, size_t length)
{
	static const struct field {
		const char *name;
		bool names, data;
	} fields[] = {
		{"data", false, true}, {"event", true, false}, {"error", true, true},
		{"id", false, false}, {"retry", false, false}, {"", false, false}, /* a comment */
	};
	const char *colon = memchr(line, ':', length);
	size_t name = colon ? (size_t)(colon - line) : length;
	const char *value = colon ? colon + 1 : line + length;
	size_t bytes = (size_t)(line + length - value);
	const struct field *field = NULL;

	for (size_t i = 0; i < UTIL_COUNT(fields) && !field; i++)
		if (strlen(fields[i].name) == name && memcmp(fields[i].name, line, name) == 0)
			field = &fields[i];
	if (!field)
		return 0;
	sse->known = true;
	if (bytes > 0 && *value == ' ') {
		value++;
		bytes--;
	}
	if (field->names && field->data)
		set_name(sse, "error", strlen("error"));
	else if (field->names)
		set_name(sse, value, bytes);
	return field->data ? add_data(sse, value, bytes) : 0;
}

/* The event that has been gathered: true if there is anything in it. */
static bool
give(struct sse *sse, struct sse_event *event)
{
	event->name = sse->name;
	event->data = sse->one ? sse->one : sse->data.data;
	event->length = sse->one ? sse->one_length : sse->data.len;
	sse->given = sse->has_data && !is_blank(event->data, event->length);
	return sse->given;
}

/* Forgets the event that was given, or that came to nothing. */
static void
begin(struct sse *sse)
{
	sse->given = false;
	sse->has_data = false;
	sse->one = NULL;
	sse->name[0] = '\0';
	buf_clear(&sse->data);
}

/* Lets go of the event that was given last. */
static void
begin_next(struct sse *sse)
{
	if (sse->given)
		begin(sse);
}

/* A whole line: 1 if it ends an event. */
static int
take_line(struct sse *sse, const char *line, size_t length, struct sse_event *event)
{
	if (sse->framing == SSE_EVENTS && length > 0)
		return take_field(sse, line, length);
	if (sse->framing == SSE_LINES) {
		sse->has_data = true;
		sse->one = line;
		sse->one_length = length;
	}
	if (give(sse, event)) {
		sse->known = true;
		return 1;
	}
	begin(sse);
	return 0;
}

/* ---- lines ---- */

/* Takes away a byte order mark at the very beginning. */
static void
skip_mark(struct sse *sse, const char **bytes, size_t *count)
{
	while (*count > 0 && sse->mark < MARK_BYTES) {
		if (**bytes != MARK[sse->mark]) {
			sse->mark = MARK_BYTES;
			return;
		}
		sse->mark++;
		++*bytes;
		--*count;
	}
}

static void
skip(struct sse *sse, const char **bytes, size_t *count)
{
	skip_mark(sse, bytes, count);
	if (*count > 0 && sse->after_cr) {
		sse->after_cr = false;
		if (**bytes == '\n') {
			++*bytes;
			--*count;
		}
	}
}

/* The end of the line at text, NULL if it is not there yet. A line feed is looked for only once,
 * however many carriage returns stand before it. */
static const char *
find_end(struct sse *sse, const char *text, size_t count)
{
	const char *end = text + count;

	if (!sse->feed || sse->feed < text) {
		sse->feed = memchr(text, '\n', count);
		if (!sse->feed)
			sse->feed = end;
	}
	const char *cr = memchr(text, '\r', (size_t)(sse->feed - text));
	if (cr)
		return cr;
	return sse->feed < end ? sse->feed : NULL;
}

static int
join(struct sse *sse, const char *text, size_t count)
{
	if (sse->joined)
		buf_clear(&sse->line);
	sse->joined = false;
	return buf_add(&sse->line, text, count);
}

/* What is left of the bytes at hand is no whole line. */
static int
keep_rest(struct sse *sse, const char **bytes, size_t *count)
{
	int error = keep_one(sse);

	if (!error && *count > 0)
		error = join(sse, *bytes, *count);
	*bytes += *count;
	*count = 0;
	sse->feed = NULL;
	return error;
}

int
sse_next(struct sse *sse, const char **bytes, size_t *count, struct sse_event *event)
{
	int got = 0;

	begin_next(sse);
	while (got == 0) {
		skip(sse, bytes, count);
		const char *line = *bytes;
		const char *end = *count > 0 ? find_end(sse, line, *count) : NULL;
		if (!end)
			return keep_rest(sse, bytes, count);
		size_t length = (size_t)(end - line);
		*count -= length + 1;
		*bytes = end + 1;
		sse->after_cr = *end == '\r';
		if (length > sse->line.max)
			return LLMFO_ETOO_LARGE;
		if (sse->line.len > 0 && !sse->joined) {
			got = join(sse, line, length);
			if (got)
				return got;
			sse->joined = true;
			line = sse->line.data;
			length = sse->line.len;
		}
		got = take_line(sse, line, length, event);
	}
	return got;
}

bool
sse_rest(struct sse *sse, struct sse_event *event)
{
	bool cut = sse->line.len > 0 && !sse->joined;

	begin_next(sse);
	sse->joined = cut;
	if (cut && take_line(sse, sse->line.data, sse->line.len, event) == 1)
		return true;
	return sse->framing == SSE_EVENTS && give(sse, event);
}
