/* SPDX-License-Identifier: MIT */
/* What simulated providers say, in the words of OpenAI's family and of Ollama's. Pure. */
#ifndef LLMFO_FAKE_FORM_H
#define LLMFO_FAKE_FORM_H

#include "fake_reply.h"

enum fake_form { FAKE_OPENAI, FAKE_OLLAMA };

/* The family that a URL belongs to. */
enum fake_form fake_form_of(const char *url);
/* A whole answer. */
void fake_form_answer(enum fake_form form, const char *text, bool no_usage, struct buf *out);
/* An error's body; type and code may be NULL. */
void fake_form_error(
	enum fake_form form, const char *text, const char *type, const char *code, struct buf *out);
/* What comes before the first content of a stream: an event that says who speaks, in OpenAI's. */
void fake_form_begin(enum fake_form form, struct buf *out);
/* A piece of a stream. no_usage: the finish tells none. */
void fake_form_piece(
	enum fake_form form, const struct fake_piece *piece, bool no_usage, struct buf *out);

#endif
