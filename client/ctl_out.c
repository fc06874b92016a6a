/* SPDX-License-Identifier: MIT */
/* See ctl_out.h. */
#include "ctl_out.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "utf8.h"

static const char *const codes[] = {
	[CTL_PLAIN] = "",
	[CTL_BOLD] = "\033[1m",
	[CTL_DIM] = "\033[2m",
	[CTL_RED] = "\033[31m",
	[CTL_GREEN] = "\033[32m",
	[CTL_YELLOW] = "\033[33m",
	[CTL_CYAN] = "\033[36m",
};

void *
ctl_must(void *memory)
{
	if (!memory) {
		fputs("llmfoctl: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

void
ctl_out_init(struct ctl_out *out, FILE *file)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	bool dumb = term && strcmp(term, "dumb") == 0;

	out->file = file;
	out->terminal = isatty(fileno(file));
	out->colour = out->terminal && !(no_colour && *no_colour) && !dumb;
}

size_t
ctl_utf8(const char *text, size_t length, int32_t *code)
{
	size_t bytes = utf8_char_bytes(text, length);

	*code = -1;
	if (bytes == 0)
		return 1;
	*code = bytes == 1 ? text[0] : (unsigned char)text[0] & 0x7f >> bytes;
	for (size_t i = 1; i < bytes; i++)
		*code = *code << 6 | ((unsigned char)text[i] & 0x3f);
	return bytes;
}

bool
ctl_is_harmful(int32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
		code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
		(code >= 0x2066 && code <= 0x2069);
}

static void
put_escape(FILE *file, const char *text, int32_t code)
{
	if (code == '\n')
		fputs("\\n", file);
	else if (code == '\t')
		fputs("\\t", file);
	else if (code < 0x80)
		fprintf(file, "\\x%02x", (unsigned char)*text);
	else
		fprintf(file, "\\u%04x", (unsigned)code);
}

static void
put_harmless(FILE *file, const char *text, size_t length, bool lines)
{
	for (size_t i = 0; i < length;) {
		int32_t code;
		size_t bytes = ctl_utf8(text + i, length - i, &code);
		bool kept = lines && (code == '\n' || code == '\t');

		if (kept || !ctl_is_harmful(code))
			fwrite(text + i, 1, bytes, file);
		else
			put_escape(file, text + i, code);
		i += bytes;
	}
}

char *
ctl_harmless(const char *text, size_t length)
{
	char *result = NULL;
	size_t bytes = 0;
	FILE *file = ctl_must(open_memstream(&result, &bytes));

	put_harmless(file, text, length, false);
	fclose(file);
	return ctl_must(result);
}

__attribute__((format(printf, 3, 0))) static void
put(struct ctl_out *out, enum ctl_style style, const char *format, va_list args)
{
	char *text;
	bool colour = out->colour && style != CTL_PLAIN;

	if (vasprintf(&text, format, args) < 0)
		text = ctl_must(NULL);
	if (colour)
		fputs(codes[style], out->file);
	put_harmless(out->file, text, strlen(text), false);
	if (colour)
		fputs("\033[0m", out->file);
	free(text);
}

void
ctl_put(struct ctl_out *out, enum ctl_style style, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(out, style, format, args);
	va_end(args);
}

void
ctl_line(struct ctl_out *out, enum ctl_style style, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(out, style, format, args);
	va_end(args);
	fputc('\n', out->file);
}

void
ctl_text(struct ctl_out *out, const char *text, size_t length)
{
	put_harmless(out->file, text, length, true);
	if (length == 0 || text[length - 1] != '\n')
		fputc('\n', out->file);
}

void
ctl_piece(struct ctl_out *out, const char *text, size_t length)
{
	put_harmless(out->file, text, length, true);
}

int
ctl_width(const char *text)
{
	size_t length = strlen(text);
	int width = 0;

	for (size_t i = 0; i < length;) {
		int32_t code;

		i += ctl_utf8(text + i, length - i, &code);
		int columns = code < 0 ? 1 : wcwidth((wchar_t)code);
		width += columns < 0 ? 1 : columns;
	}
	return width;
}
