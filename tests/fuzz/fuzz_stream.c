/* SPDX-License-Identifier: MIT */
/*
 * A provider's stream, of any family: the same comes of it in one piece and in small ones, texts
 * are whole characters, tool calls can be carried out, and what broke it can be judged. The first
 * byte is the family, the second the length of the pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "provider_stream.h"
#include "utf8.h"

#define MAX_BYTES 65536

const char fuzz_name[] = "stream";

struct told {
	struct buf record; /* texts and calls, one behind the other */
	size_t text_bytes;
};

static void
on_text(void *arg, const char *text, size_t length)
{
	struct told *told = arg;

	if (length == 0 || !utf8_valid(text, length))
		abort();
	told->text_bytes += length;
	(void)buf_add(&told->record, text, length);
}

static void
on_call(void *arg, const struct json *call)
{
	struct told *told = arg;
	const struct json *function = json_get(call, "function");
	const char *arguments = json_text(function, "arguments");
	struct json *object = NULL;

	if (!json_text(call, "id") || !json_text(function, "name") || !arguments)
		abort();
	object = json_parse(arguments, strlen(arguments), false, NULL);
	if (json_type(object) != JSON_OBJECT)
		abort();
	json_free(object);
	(void)json_write(call, &told->record);
}

static void
on_progress(void *arg)
{
	(void)arg;
}

static void
conclude(struct provider_stream *stream, struct told *told, bool whole)
{
	struct provider_answer *answer = provider_stream_answer(stream);
	const struct buf *fault = provider_stream_fault(stream);
	struct outcome outcome;

	if (whole && (answer->bad_call || answer->text.len != told->text_bytes))
		abort();
	(void)buf_printf(&told->record, "|%d", whole);
	if (whole) {
		(void)buf_printf(&told->record, "%s %ld", provider_finish_text(answer->finish),
			(long)answer->usage.total_tokens);
		return;
	}
	outcome_judge(&(struct outcome_input){.status = 200,
			      .body = fault->data,
			      .body_bytes = fault->len,
			      .bad_call = answer->bad_call,
			      .why = provider_stream_why(stream)},
		&outcome);
	if (outcome.class == OUTCOME_OK || !utf8_valid(outcome.message, strlen(outcome.message)))
		abort();
	(void)buf_printf(&told->record, "%s %s", outcome_text(outcome.class), outcome.message);
}

static void
read_in_pieces(const struct provider_family *family, const char *bytes, size_t count, size_t piece,
	struct told *told)
{
	static const struct provider_stream_sink sink = {on_text, on_call, on_progress};
	struct provider_stream *stream = provider_stream_new(family, &sink, told, MAX_BYTES);
	bool going = true;

	*told = (struct told){0};
	buf_init(&told->record, (size_t)16 << 20);
	for (size_t at = 0; at < count && going; at += piece)
		going = provider_stream_feed(
			stream, bytes + at, count - at < piece ? count - at : piece);
	conclude(stream, told, going && provider_stream_end(stream));
	provider_stream_free(stream);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	static const char *const presets[] = {"openai", "anthropic", "ollama", "gemini"};
	struct told whole, pieces;

	if (count < 3)
		return 0;
	const struct provider_family *family = provider_preset(presets[bytes[0] % 4])->family;
	const char *text = (const char *)bytes + 2;
	read_in_pieces(family, text, count - 2, count, &whole);
	read_in_pieces(family, text, count - 2, 1 + bytes[1] % 64U, &pieces);
	if (whole.record.len != pieces.record.len ||
		memcmp(whole.record.data, pieces.record.data, whole.record.len) != 0)
		abort();
	buf_free(&whole.record);
	buf_free(&pieces.record);
	return 0;
}
