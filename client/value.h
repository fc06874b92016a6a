/* SPDX-License-Identifier: MIT */
/*
 * What a message holds, as a tree of values in one allocation that is freed at once: the readers of
 * llmfo.h walk it. It owns the copy out of MessagePack (strings get their NUL there); it does not
 * know what a message means.
 */
#ifndef LLMFO_CLIENT_VALUE_H
#define LLMFO_CLIENT_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "llmfo.h"

struct llmfo_value {
	enum llmfo_type type;
	uint32_t count; /* items, pairs, or bytes of a string */
	union {
		bool yes;
		int64_t number;
		double real;
		const char *text;                /* borrowed from the tree, NUL-terminated */
		const struct llmfo_value *items; /* a map's are key, value, key, value ... */
	} as;
};

struct llmfo_reply {
	const struct llmfo_value *root; /* what the reply's reader sees: a part of the message */
	struct llmfo_value values[]; /* all of them, the message itself first, their texts behind */
};

/*
 * Makes the tree of exactly one message that the frame scanner found whole and fit: *reply, whose
 * root is the message itself, is the caller's to free by llmfo_reply_free(). LLMFO_EPROTOCOL,
 * LLMFO_ENO_MEMORY.
 */
int value_unpack(const char *message, size_t length, struct llmfo_reply **reply);

#endif
