/* SPDX-License-Identifier: MIT */
/*
 * Streamed answers. Waits become segments of the reply, so that a stream without a gap is one
 * write.
 */
#include "stream.h"

#include <string.h>

enum { STREAM_FILL_WORD_BYTES = 1024 };

void
stream_filled(struct reply *r, const char *bytes, size_t len, int64_t fill)
{
	size_t n = strlen(STREAM_FILL_MARK);
	const char *mark = fill >= 0 ? memmem(bytes, len, STREAM_FILL_MARK, n) : NULL;

	if (!mark) {
		reply_body(r, bytes, len);
		return;
	}
	reply_body(r, bytes, (size_t)(mark - bytes));
	reply_fill(r, fill);
	reply_body(r, mark + n, len - n - (size_t)(mark - bytes));
}

static const char *
sink_eol(const struct sink *s)
{
	return s->step->crlf > 0 ? "\r\n" : "\n";
}

static void
sink_frame(struct sink *s, const char *name, struct out *framed)
{
	const char *eol = sink_eol(s);

	if (s->framing == STREAM_ARRAY)
		out_text(framed, s->began ? ",\n" : "[");
	if (s->framing == STREAM_SSE && name)
		out_put(framed, "event: %s%s", name, eol);
	if (s->framing == STREAM_SSE)
		out_text(framed, "data: ");
	out_add(framed, s->payload.data, s->payload.len);
	if (s->framing != STREAM_ARRAY)
		out_text(framed, eol);
	if (s->framing == STREAM_SSE)
		out_text(framed, eol);
	s->began = true;
	s->payload.len = 0;
}

void
sink_event(struct sink *s, const char *name)
{
	struct out framed = {0};

	sink_frame(s, name, &framed);
	stream_filled(s->reply, framed.data, framed.len, s->step->bigline);
	out_free(&framed);
}

void
sink_raw(struct sink *s, const char *text)
{
	struct out o = {0};

	for (; *text; text++) {
		if (*text == '\n')
			out_text(&o, sink_eol(s));
		else
			out_add(&o, text, 1);
	}
	reply_body(s->reply, o.data, o.len);
	out_free(&o);
}

static void
stream_error(struct sink *s, const struct fault *fault)
{
	const struct shape *shape = ask_error_shape(s->ask);

	shape->error(&s->payload, s->ask, fault);
	while (s->payload.len && s->payload.data[s->payload.len - 1] == '\n')
		s->payload.len--;
	for (size_t i = 0; i < s->payload.len; i++) {
		if (s->payload.data[i] == '\n') /* an event is one line */
			s->payload.data[i] = ' ';
	}
	sink_event(s, shape == &shape_anthropic ? "error" : NULL);
}

/* What a step wants done after `n` tokens; true if the stream goes on. */
static bool
stream_fault(struct sink *s, int64_t n, const struct fault *fault)
{
	const struct step *step = s->step;

	if (step->hold_after == n) {
		reply_cut(s->reply, 0);
		reply_last(s->reply)->hold = true;
	}
	if (step->bad_event_after == n) {
		out_text(&s->payload, "{\"broken\": ");
		sink_event(s, NULL);
	}
	if (step->error_after == n) {
		stream_error(s, fault);
		reply_finish(s->reply);
		s->reply->end = REPLY_CLOSE;
		return false;
	}
	if (step->cut_after == n)
		s->reply->end = REPLY_CLOSE;
	else if (step->reset_after == n)
		s->reply->end = REPLY_RESET;
	else if (step->stall_after == n)
		s->reply->end = REPLY_HANG;
	else
		return true;
	return false;
}

/* Many equal events, made once. */
static void
stream_big(struct sink *s, const struct answer *a)
{
	struct reply *aside = reply_new();
	struct reply *real = s->reply;
	char word[STREAM_FILL_WORD_BYTES + 1];

	memset(word, 'x', sizeof(word));
	word[0] = ' ';
	word[STREAM_FILL_WORD_BYTES] = '\0';
	s->reply = aside;
	s->ask->shape->delta(s, a, word);
	s->reply = real;
	reply_repeat(real, aside->bytes.data, aside->bytes.len,
		s->step->big_body / STREAM_FILL_WORD_BYTES);
	reply_unref(aside);
}

static bool
stream_words(struct sink *s, const struct answer *a, const struct fault *fault)
{
	const struct shape *shape = s->ask->shape;

	for (size_t i = 0; i < a->n_words; i++) {
		if (!stream_fault(s, (int64_t)i, fault))
			return false;
		if (i && s->step->gap_ms > 0)
			reply_cut(s->reply, s->step->gap_ms);
		shape->delta(s, a, a->words[i]);
	}
	if (s->step->big_body >= 0)
		stream_big(s, a);
	if (s->step->bigline >= 0)
		shape->delta(s, a, STREAM_FILL_MARK);
	return stream_fault(s, (int64_t)a->n_words, fault);
}

static void
stream_pings(struct sink *s, const struct answer *a)
{
	for (int64_t i = 0; i < s->step->pings; i++) {
		s->ask->shape->ping(s, a);
		if (s->step->gap_ms > 0)
			reply_cut(s->reply, s->step->gap_ms);
	}
}

static enum stream_framing
stream_framing(const struct ask *ask)
{
	if (ask->json_stream)
		return STREAM_ARRAY;
	return ask->shape == &shape_ollama ? STREAM_LINES : STREAM_SSE;
}

void
stream_write(struct reply *r, const struct step *step, const struct ask *ask,
	const struct answer *a, const struct fault *fault)
{
	struct sink s = {.reply = r, .step = step, .ask = ask, .framing = stream_framing(ask)};
	const struct shape *shape = ask->shape;

	if (step->first_token_ms > 0)
		reply_cut(r, step->first_token_ms);
	if (step->error_after != 0) {
		shape->begin(&s, a);
		stream_pings(&s, a);
		if (a->reasoning)
			shape->thought(&s, a);
	}
	if (stream_words(&s, a, fault)) {
		if (a->tool_name)
			shape->tool(&s, a);
		shape->finish(&s, a, step->no_finish <= 0);
		if (step->no_done <= 0)
			shape->done(&s, a);
		if (s.framing == STREAM_ARRAY)
			sink_raw(&s, "]\n");
		reply_finish(r);
	}
	out_free(&s.payload);
}
