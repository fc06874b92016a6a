/* SPDX-License-Identifier: MIT */
/*
 * Streamed answers: the parts of a shape in their order, with the faults of a step between them. It
 * owns the framing of events (SSE, lines of JSON, a JSON array) and writes into a reply.
 */
#ifndef FAKELLM_STREAM_H
#define FAKELLM_STREAM_H

#include "reply.h"
#include "shape.h"

/* The text that stands for a filling of many bytes, in whatever is made with it. */
#define STREAM_FILL_MARK "@fill@"

enum stream_framing { STREAM_SSE, STREAM_LINES, STREAM_ARRAY };

struct sink {
	struct reply *reply;
	const struct step *step;
	const struct ask *ask;
	enum stream_framing framing;
	struct out payload; /* of the event being made */
	bool began;         /* an array has had its first element */
};

/* Writes the stream's body; the head is there already. */
void stream_write(struct reply *r, const struct step *step, const struct ask *ask,
	const struct answer *a, const struct fault *fault);

/* For the shapes: one event with the payload of the sink, which is empty afterwards. NULL: no name.
 */
void sink_event(struct sink *s, const char *name);
/* Text between events, as it is but for the line ends. */
void sink_raw(struct sink *s, const char *text);

/* `bytes` of body that may hold the mark, replaced by `fill` bytes. */
void stream_filled(struct reply *r, const char *bytes, size_t len, int64_t fill);

#endif
