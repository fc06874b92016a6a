/* SPDX-License-Identifier: MIT */
/* See fake_reply.h. Here are the moments; fake_form.c has the words of the families. */
#include "fake_reply.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fake_form.h"

#define BODY_MAX_BYTES ((size_t)64 << 20)

struct fake_behaviour
fake_behaviour_new(void)
{
	struct fake_behaviour behaviour = {.end = TRANSPORT_DONE, .status = 200, .begins_ms = -1};

	buf_init(&behaviour.headers, HTTP_HEADERS_MAX_BYTES);
	return behaviour;
}

void
fake_behaviour_free(struct fake_behaviour *behaviour)
{
	for (size_t i = 0; i < behaviour->piece_count; i++)
		free(behaviour->pieces[i].text);
	free(behaviour->pieces);
	free(behaviour->text);
	free(behaviour->type);
	free(behaviour->code);
	free(behaviour->body);
	buf_free(&behaviour->headers);
}

static void
add_piece(struct fake_behaviour *behaviour, int64_t after_ms, enum fake_piece_kind kind, char *text)
{
	behaviour->pieces = x_realloc(
		behaviour->pieces, (behaviour->piece_count + 1) * sizeof *behaviour->pieces);
	behaviour->pieces[behaviour->piece_count++] =
		(struct fake_piece){.after_ms = after_ms, .kind = kind, .text = text};
}

void
fake_behaviour_add(struct fake_behaviour *behaviour, int64_t after_ms, enum fake_piece_kind kind,
	const char *text)
{
	add_piece(behaviour, after_ms, kind, text ? x_strdup(text) : NULL);
}

static size_t
word_length(const char *text)
{
	size_t length = strcspn(text, " ");

	return length + strspn(text + length, " ");
}

void
fake_behaviour_add_words(struct fake_behaviour *behaviour, int64_t after_ms, const char *text)
{
	for (size_t length; *text; text += length) {
		length = word_length(text);
		add_piece(behaviour, after_ms, FAKE_TEXT, x_strndup(text, length));
	}
	fake_behaviour_add(behaviour, 0, FAKE_FINISH, NULL);
	fake_behaviour_add(behaviour, 0, FAKE_MARK, NULL);
}

/* ---- moments ---- */

static void
add_step(struct fake_reply *reply, int64_t at_ms, size_t bytes)
{
	reply->steps = x_realloc(reply->steps, (reply->step_count + 1) * sizeof *reply->steps);
	reply->steps[reply->step_count++] = (struct fake_step){.at_ms = at_ms, .bytes = bytes};
}

/* All that is there, in one go, of which the first bytes may come earlier. */
static void
plan_whole(struct fake_reply *reply, const struct fake_behaviour *behaviour, size_t first)
{
	size_t half = reply->body.len / 2;

	if (first > reply->body.len)
		first = reply->body.len;
	if (behaviour->begins_ms >= 0 && behaviour->status > 0)
		add_step(reply, behaviour->begins_ms, behaviour->hangs ? 0 : first);
	if (behaviour->hangs)
		return;
	reply->end_ms = behaviour->after_ms;
	if (behaviour->status == 0)
		return;
	add_step(reply, behaviour->after_ms, half > first ? half : first);
	if (behaviour->end == TRANSPORT_DONE)
		add_step(reply, behaviour->after_ms, reply->body.len);
}

static void
make_words(struct fake_reply *reply, const struct fake_behaviour *behaviour, enum fake_form form,
	const char *text)
{
	struct fake_behaviour words = fake_behaviour_new();
	size_t first = 0;

	fake_behaviour_add_words(&words, 0, text);
	fake_form_begin(form, &reply->body);
	for (size_t i = 0; i < words.piece_count; i++) {
		fake_form_piece(form, &words.pieces[i], behaviour->no_usage, &reply->body);
		if (i == 0)
			first = reply->body.len;
	}
	plan_whole(reply, behaviour, first);
	fake_behaviour_free(&words);
}

static void
make_pieces(struct fake_reply *reply, const struct fake_behaviour *behaviour, enum fake_form form)
{
	int64_t at_ms = 0;

	if (behaviour->pieces[0].kind != FAKE_BYTES)
		fake_form_begin(form, &reply->body);
	if (behaviour->begins_ms >= 0) {
		at_ms = behaviour->begins_ms;
		add_step(reply, at_ms, reply->body.len);
	}
	for (size_t i = 0; i < behaviour->piece_count; i++) {
		const struct fake_piece *piece = &behaviour->pieces[i];

		fake_form_piece(form, piece, behaviour->no_usage, &reply->body);
		at_ms += piece->after_ms;
		add_step(reply, at_ms, reply->body.len);
	}
	if (!behaviour->hangs)
		reply->end_ms = at_ms + behaviour->after_ms;
}

/* The same for one who asked for no stream. */
static void
make_joined(struct fake_reply *reply, const struct fake_behaviour *behaviour, enum fake_form form)
{
	struct fake_behaviour whole = *behaviour;
	bool finished = false;
	struct buf text;

	buf_init(&text, BODY_MAX_BYTES);
	for (size_t i = 0; i < behaviour->piece_count; i++) {
		const struct fake_piece *piece = &behaviour->pieces[i];

		whole.after_ms += piece->after_ms;
		finished = finished || piece->kind == FAKE_FINISH;
		if (piece->kind == FAKE_TEXT)
			(void)buf_puts(&text, piece->text);
	}
	if (behaviour->begins_ms >= 0)
		whole.after_ms += behaviour->begins_ms;
	if (!finished && whole.end == TRANSPORT_DONE)
		whole.end = TRANSPORT_TRUNCATED;
	reply->end = whole.end;
	fake_form_answer(form, text.data, behaviour->no_usage, &reply->body);
	plan_whole(reply, &whole, 1);
	buf_free(&text);
}

void
fake_reply_make(struct fake_reply *reply, const struct fake_behaviour *behaviour, const char *host,
	const char *url, bool stream)
{
	enum fake_form form = fake_form_of(url);
	bool good = behaviour->status >= 200 && behaviour->status <= 299;
	char *text = behaviour->text ? x_strdup(behaviour->text)
		: good               ? x_asprintf("hello from %s", host)
				     : x_asprintf("%s says %d", host, behaviour->status);

	*reply = (struct fake_reply){.end = behaviour->end, .end_ms = CLOCK_NEVER};
	buf_init(&reply->body, BODY_MAX_BYTES);
	if (behaviour->piece_count > 0 && good && stream) {
		make_pieces(reply, behaviour, form);
	} else if (behaviour->piece_count > 0 && good) {
		make_joined(reply, behaviour, form);
	} else if (good && stream && !behaviour->body) {
		make_words(reply, behaviour, form, text);
	} else {
		if (behaviour->body)
			(void)buf_puts(&reply->body, behaviour->body);
		else if (good)
			fake_form_answer(form, text, behaviour->no_usage, &reply->body);
		else if (behaviour->status > 0)
			fake_form_error(form, text, behaviour->type, behaviour->code, &reply->body);
		plan_whole(reply, behaviour, 1);
	}
	free(text);
}

void
fake_reply_free(struct fake_reply *reply)
{
	buf_free(&reply->body);
	free(reply->steps);
}
