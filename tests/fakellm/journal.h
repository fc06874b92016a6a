/* SPDX-License-Identifier: MIT */
/*
 * What a provider was asked, for tests to look at: the last requests as they came, bounded in
 * number and in bytes. It holds references to the requests and copies nothing, so that it costs the
 * answer nothing.
 */
#ifndef FAKELLM_JOURNAL_H
#define FAKELLM_JOURNAL_H

#include <stdint.h>

#include "http.h"
#include "out.h"

#define JOURNAL_MAX_REQUESTS 1000
#define JOURNAL_MAX_BYTES (256u << 20)

struct journal_entry {
	struct request *req;
	int64_t at_ms; /* monotonic */
	int64_t connection;
};

struct journal {
	struct journal_entry entries[JOURNAL_MAX_REQUESTS]; /* a ring */
	unsigned first;
	unsigned n;
	size_t bytes;
};

void journal_add(struct journal *j, struct request *req, int64_t at_ms, int64_t connection);
void journal_clear(struct journal *j);
/* A JSON array, oldest first. */
void journal_print(const struct journal *j, struct out *o);

#endif
