/* SPDX-License-Identifier: MIT */
/*
 * Text of a provider made fit to be shown: one line of UTF-8 that cannot steer a terminal and holds
 * no key. Cleaning comes first, so that a key cannot hide behind an escape sequence within it.
 */
#include <stdlib.h>
#include <string.h>

#include "outcome.h"
#include "utf8.h"

#define SECRET_MARK "[secret]"
/* No more of a text is looked at: what is shown is far shorter, and a body may be many MiB. */
#define TEXT_MAX_BYTES 16384
/* A shorter key is a placeholder ("x", "none") that would only tear holes into words. */
#define SECRET_MIN_BYTES 4
/* So much of our key's beginning counts as the key. */
#define SECRET_PREFIX_BYTES 8

/* What keys begin with or stand behind, and how many characters must follow for it to be one. */
static const struct form {
	const char *prefix;
	size_t min_bytes;
	bool keeps_prefix;
	bool has_digit; /* else it is an ordinary word ("bearer authentication") */
} forms[] = {
	{"bearer ", 8, true, true},
	{"basic ", 8, true, true},
	{"api_key=", 4, true, false},
	{"apikey=", 4, true, false},
	{"api-key: ", 8, true, false},
	{"key=", 8, true, false},
	{"token=", 8, true, false},
	{"password=", 1, true, false},
	{"sk-", 8, false, false},
	{"sk_", 16, false, false},
	{"gsk_", 8, false, false},
	{"xai-", 16, false, false},
	{"hf_", 16, false, false},
	{"r8_", 16, false, false},
	{"pplx-", 16, false, false},
	{"tgp_", 16, false, false},
	{"csk-", 16, false, false},
	{"nvapi-", 16, false, false},
	{"ghp_", 16, false, false},
	{"github_pat_", 16, false, false},
	{"ya29.", 16, false, false},
	{"eyj", 40, false, false},
	{"aiza", 20, false, false},
	{"akia", 12, false, false},
};

static bool
is_key_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		c == '_' || c == '-' || c == '.' || c == '~' || c == '+' || c == '/' || c == '=' ||
		c == '*';
}

static size_t
key_bytes(const char *text)
{
	size_t bytes = 0;

	while (is_key_char(text[bytes]))
		bytes++;
	while (bytes > 0 && text[bytes - 1] == '.')
		bytes--;
	return bytes;
}

static bool
starts_nocase(const char *text, const char *prefix)
{
	for (; *prefix; text++, prefix++) {
		char c = *text >= 'A' && *text <= 'Z' ? (char)(*text + ('a' - 'A')) : *text;
		if (c != *prefix)
			return false;
	}
	return true;
}

/* ---- cleaning ---- */

/* Bytes of the escape sequence at text, which begins with ESC. */
static size_t
escape_bytes(const char *text, size_t length)
{
	size_t i = 1;

	if (length < 2)
		return length;
	if (text[1] == '[') {
		for (i = 2; i < length && (unsigned char)text[i] >= 0x20 &&
			(unsigned char)text[i] < 0x40;
			i++)
			;
		return i < length ? i + 1 : i;
	}
	if (strchr("]PX^_", text[1])) {
		while (i < length && text[i] != '\a' && text[i] != '\x1b' && text[i] != '\n')
			i++;
		return i + 1 < length && text[i] == '\x1b' && text[i + 1] == '\\' ? i + 2 : i;
	}
	return 2;
}

/* Characters that reorder, hide or break a line: C1, bidirectional marks, separators, zero width.
 */
static bool
is_treacherous(const char *text, size_t bytes)
{
	const unsigned char *u = (const unsigned char *)text;

	if (bytes == 2)
		return (u[0] == 0xc2 && u[1] < 0xa0) || (u[0] == 0xd8 && u[1] == 0x9c);
	if (bytes != 3)
		return false;
	return (u[0] == 0xe2 && u[1] == 0x80 && u[2] >= 0x8b && u[2] <= 0x8f) ||
		(u[0] == 0xe2 && u[1] == 0x80 && u[2] >= 0xa8 && u[2] <= 0xae) ||
		(u[0] == 0xe2 && u[1] == 0x81 && u[2] >= 0xa0 && u[2] <= 0xaf) ||
		(u[0] == 0xef && u[1] == 0xbb && u[2] == 0xbf);
}

static void
add_blank(struct buf *out)
{
	if (out->len > 0 && out->data[out->len - 1] != ' ')
		buf_putc(out, ' ');
}

/* One line of UTF-8 without control characters. */
static void
clean(const char *text, size_t length, struct buf *out)
{
	for (size_t at = 0; at < length;) {
		size_t bytes = utf8_char_bytes(text + at, length - at);
		unsigned char c = (unsigned char)text[at];
		if (c == 0x1b) {
			at += escape_bytes(text + at, length - at);
			continue;
		}
		if (bytes == 0)
			buf_puts(out, UTF8_REPLACEMENT);
		else if (c == ' ' || (c >= '\t' && c <= '\r'))
			add_blank(out);
		else if (c >= 0x20 && c != 0x7f && !is_treacherous(text + at, bytes))
			buf_add(out, text + at, bytes);
		at += bytes ? bytes : 1;
	}
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}

/* ---- keys ---- */

/* Bytes of our own key at text, or of enough of its beginning, with what of a key follows. */
static size_t
own_key_bytes(const char *text, const char *secret)
{
	size_t length = secret ? strlen(secret) : 0, same = 0;

	if (length < SECRET_MIN_BYTES)
		return 0;
	while (same < length && text[same] == secret[same])
		same++;
	if (same == length)
		return length;
	return same >= SECRET_PREFIX_BYTES ? same + key_bytes(text + same) : 0;
}

/* Bytes of what looks like a key at text; *kept of them may be shown. */
static size_t
foreign_key_bytes(const char *text, char before, size_t *kept)
{
	if ((before >= 'a' && before <= 'z') || (before >= 'A' && before <= 'Z') ||
		(before >= '0' && before <= '9'))
		return 0;
	for (size_t i = 0; i < UTIL_COUNT(forms); i++) {
		const struct form *form = &forms[i];
		size_t prefix = strlen(form->prefix);
		if (!starts_nocase(text, form->prefix))
			continue;
		size_t bytes = key_bytes(text + prefix);
		bool digit = strcspn(text + prefix, "0123456789") < bytes;
		*kept = form->keeps_prefix ? prefix : 0;
		if (bytes >= form->min_bytes && (digit || !form->has_digit))
			return prefix + bytes;
	}
	return 0;
}

static void
hide_keys(const char *text, const char *secret, struct buf *out)
{
	char before = ' ';

	while (*text) {
		size_t kept = 0, bytes = own_key_bytes(text, secret);
		if (bytes == 0)
			bytes = foreign_key_bytes(text, before, &kept);
		if (bytes == 0) {
			buf_putc(out, before = *text++);
			continue;
		}
		buf_add(out, text, kept);
		buf_puts(out, SECRET_MARK);
		text += bytes;
		before = ']';
	}
}

/* Copies as many whole characters as fit. */
static void
copy_cut(const struct buf *text, char *out, size_t size)
{
	size_t at = 0;

	while (at < text->len) {
		size_t bytes = utf8_char_bytes(text->data + at, text->len - at);
		if (bytes == 0 || at + bytes >= size)
			break;
		at += bytes;
	}
	memcpy(out, text->data, at);
	out[at] = '\0';
}

/* Takes away what may be the beginning of a key that the end of the text cut through. */
static void
drop_last_word(struct buf *text)
{
	while (text->len > 0 && is_key_char(text->data[text->len - 1]))
		text->data[--text->len] = '\0';
}

void
outcome_scrub(const char *text, size_t length, const char *secret, char *out, size_t size)
{
	struct buf cleaned, hidden;
	bool clipped = length > TEXT_MAX_BYTES;

	if (clipped)
		length = TEXT_MAX_BYTES;
	/* Each byte becomes at most a replacement character; each byte then at most a mark. */
	buf_init(&cleaned, length * strlen(UTF8_REPLACEMENT));
	clean(text, length, &cleaned);
	if (clipped)
		drop_last_word(&cleaned);
	buf_init(&hidden, cleaned.len * strlen(SECRET_MARK));
	hide_keys(cleaned.data, secret, &hidden);
	if (size > 0)
		copy_cut(&hidden, out, size);
	buf_free(&cleaned);
	buf_free(&hidden);
}
