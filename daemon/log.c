/* SPDX-License-Identifier: MIT */
/* See log.h. The sink is the one global state of the daemon. */
#include "log.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "utf8.h"

/* A pipe that is ready takes this much at once without blocking (PIPE_BUF of Linux). */
#define LINE_BYTES 4096
/* How much of it the message may take, and each field, when every character is escaped. */
#define MESSAGE_BYTES 2048
#define FIELD_BYTES 256

static struct {
	enum log_level level;
	enum log_format format;
	bool terminal;
	_Atomic uint64_t dropped;
	_Atomic uint64_t told; /* how many of them were spoken of */
	void (*sink)(void *arg, enum log_level level, const char *line);
	void *sink_arg;
} log_state = {.level = LOG_WARNING};

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const char *const format_names[] = {"text", "logfmt", "json"};

void
log_setup(enum log_level level, enum log_format format, bool terminal)
{
	log_state.level = level;
	log_state.format = format;
	log_state.terminal = terminal;
}

bool
log_wants(enum log_level level)
{
	return level <= log_state.level;
}

void
log_capture(void (*sink)(void *arg, enum log_level level, const char *line), void *arg)
{
	log_state.sink = sink;
	log_state.sink_arg = arg;
}

bool
log_rate_allows(struct log_rate *rate, int64_t now_ms)
{
	if (rate->count++ > 0 && now_ms - rate->last_ms < 1000)
		return false;
	rate->last_ms = now_ms;
	return true;
}

uint64_t
log_dropped(void)
{
	return log_state.dropped;
}

static int
find(const char *const *names, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], text) == 0)
			return (int)i;
	return -1;
}

int
log_level_from_text(const char *text)
{
	return find(level_names, UTIL_COUNT(level_names), text);
}

int
log_format_from_text(const char *text)
{
	return find(format_names, UTIL_COUNT(format_names), text);
}

/*
 * The character at text: its bytes, 1 for what belongs to none. code: what it is to be written as a
 * number for, 0 if it harms nobody. Controls (of both sets) make a terminal do things, marks of
 * direction and line make a line look like another one.
 */
static size_t
read_char(const char *text, size_t length, unsigned *code)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t bytes = utf8_char_bytes(text, length);

	*code = 0;
	if (bytes == 0 || (bytes == 1 && (*at < 0x20 || *at == 0x7f))) {
		*code = *at;
		return 1;
	}
	unsigned value = bytes == 2 ? (at[0] & 0x1fU) << 6 | (at[1] & 0x3fU)
		: bytes == 3        ? (at[0] & 0x0fU) << 12 | (at[1] & 0x3fU) << 6 | (at[2] & 0x3fU)
				    : 0;
	if ((value >= 0x80 && value <= 0x9f) || value == 0x61c || value == 0x200e ||
		value == 0x200f || (value >= 0x2028 && value <= 0x202e) ||
		(value >= 0x2066 && value <= 0x2069))
		*code = value;
	return bytes;
}

/* The length of the beginning of text that takes no more than max_bytes in any of the formats; no
 * character is cut in two. */
static size_t
fitting(const char *text, size_t max_bytes)
{
	size_t all = strlen(text), used = 0, length = 0;

	while (length < all) {
		unsigned code;
		size_t bytes = read_char(text + length, all - length, &code);

		used += code ? 6 : text[length] == '"' || text[length] == '\\' ? 2 : bytes;
		if (used > max_bytes)
			break;
		length += bytes;
	}
	return length;
}

/* Appends text with what harms a reader and, if quoted, quotes and backslashes escaped. */
static void
add_escaped(struct buf *line, const char *text, size_t length, bool quoted)
{
	while (length > 0) {
		unsigned code;
		size_t bytes = read_char(text, length, &code);

		if (code)
			(void)buf_printf(line, bytes == 1 ? "\\x%02x" : "\\u%04x", code);
		else if (quoted && (*text == '"' || *text == '\\'))
			(void)buf_printf(line, "\\%c", *text);
		else
			(void)buf_add(line, text, bytes);
		text += bytes;
		length -= bytes;
	}
}

static void
add_value(struct buf *line, const struct log_field *field, size_t max_bytes)
{
	if (!field->text) {
		(void)buf_printf(line, "%lld", (long long)field->number);
		return;
	}
	bool quote = field->text[0] == '\0' || strpbrk(field->text, " =\"\\\t\r\n");
	if (quote)
		(void)buf_putc(line, '"');
	add_escaped(line, field->text, fitting(field->text, max_bytes), quote);
	if (quote)
		(void)buf_putc(line, '"');
}

static void
add_fields(struct buf *line, const struct log_field *fields, size_t count, size_t max_bytes)
{
	for (size_t i = 0; i < count; i++) {
		if (!fields[i].key[0])
			continue;
		(void)buf_printf(line, "%s%s=", line->len ? " " : "", fields[i].key);
		add_value(line, &fields[i], max_bytes);
	}
}

static void
add_time(struct buf *line, bool full)
{
	struct timespec now;
	struct tm parts;
	char text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	if (strftime(text, sizeof text, full ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S", &parts) > 0)
		(void)buf_printf(line, "%s.%03ldZ", text, now.tv_nsec / 1000000);
}

static void
format_text(struct buf *line, enum log_level level, const struct log_field *fields, size_t count,
	const char *message)
{
	static const char *const colours[] = {"\033[31m", "\033[33m", "\033[32m", "\033[2m"};

	if (log_state.terminal) {
		(void)buf_puts(line, "\033[2m");
		add_time(line, false);
		(void)buf_printf(
			line, "\033[0m %s%-7s\033[0m ", colours[level], level_names[level]);
	}
	add_escaped(line, message, fitting(message, MESSAGE_BYTES), false);
	add_fields(line, fields, count, FIELD_BYTES);
}

static void
format_logfmt(struct buf *line, enum log_level level, const struct log_field *fields, size_t count,
	const char *message)
{
	const struct log_field head[] = {
		LOG_STRING("level", level_names[level]), LOG_STRING("msg", message)};

	(void)buf_puts(line, "time=");
	add_time(line, true);
	add_fields(line, head, UTIL_COUNT(head), MESSAGE_BYTES);
	add_fields(line, fields, count, FIELD_BYTES);
}

/* Appends JSON text. What is not ASCII there, and the one control JSON allows as it is, stands in a
 * string, so that JSON's own escape may stand for it. */
static void
add_json(struct buf *line, const struct buf *json)
{
	for (size_t at = 0; at < json->len;) {
		unsigned code;
		size_t bytes = read_char(json->data + at, json->len - at, &code);

		if (code)
			(void)buf_printf(line, "\\u%04x", code);
		else
			(void)buf_add(line, json->data + at, bytes);
		at += bytes;
	}
}

static void
format_json(struct buf *line, enum log_level level, const struct log_field *fields, size_t count,
	const char *message)
{
	struct json *object = json_new_object();
	struct buf time_text, written;

	buf_init(&time_text, 64);
	buf_init(&written, LINE_BYTES);
	add_time(&time_text, true);
	json_set_text(object, "time", time_text.data);
	json_set_text(object, "level", level_names[level]);
	json_set(object, "msg", json_new_string(message, fitting(message, MESSAGE_BYTES)));
	for (size_t i = 0; i < count; i++) {
		const char *text = fields[i].text;

		if (fields[i].key[0] && text)
			json_set(object, fields[i].key,
				json_new_string(text, fitting(text, FIELD_BYTES)));
		else if (fields[i].key[0])
			json_set_int(object, fields[i].key, fields[i].number);
	}
	(void)json_write(object, &written);
	add_json(line, &written);
	json_free(object);
	buf_free(&time_text);
	buf_free(&written);
}

/* The whole line at once or not at all; a pipe or socket that is full is not waited for. */
static void
write_out(const char *bytes, size_t count)
{
	struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
	struct stat kind;

	if (fstat(STDERR_FILENO, &kind) == 0 && !S_ISREG(kind.st_mode) &&
		(poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))) {
		log_state.dropped++;
		return;
	}
	if (write(STDERR_FILENO, bytes, count) < 0) {
		log_state.dropped++;
	} else if (log_state.dropped > log_state.told) {
		uint64_t lost = log_state.dropped - log_state.told;

		log_state.told = log_state.dropped;
		log_warning("%llu log lines were lost: nobody read them", (unsigned long long)lost);
	}
}

void
log_line(
	enum log_level level, const struct log_field *fields, size_t count, const char *format, ...)
{
	/* syslog's err, warning, info, debug, as sd-daemon(3) has them */
	static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};
	static void (*const formats[])(struct buf *, enum log_level, const struct log_field *,
		size_t, const char *) = {format_text, format_logfmt, format_json};
	struct buf line;
	va_list args;

	if (!log_wants(level))
		return;
	buf_init(&line, LINE_BYTES - 16);
	va_start(args, format);
	char *message = x_vasprintf(format, args);
	va_end(args);
	formats[log_state.format](&line, level, fields, count, message);
	if (log_state.sink) {
		log_state.sink(log_state.sink_arg, level, line.data);
	} else {
		struct buf out;

		buf_init(&out, LINE_BYTES);
		(void)buf_printf(
			&out, "%s%s\n", log_state.terminal ? "" : priorities[level], line.data);
		write_out(out.data, out.len);
		buf_free(&out);
	}
	buf_free(&line);
	free(message);
}
