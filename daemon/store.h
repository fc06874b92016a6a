/* SPDX-License-Identifier: MIT */
/*
 * A place that hosts share: small texts under names, each with a lifetime of its own, and news that
 * whoever looks at it hears at once. Nobody waits for it: what is asked of it is answered later,
 * and it may be away at any time. store_redis.c is one; tests have another. What the texts mean is
 * share.c's business, and what comes from here is to be checked there.
 */
#ifndef LLMFO_STORE_H
#define LLMFO_STORE_H

#include "util.h"

/* No text is longer, none that is longer is handed on. */
#define STORE_TEXT_MAX_BYTES 4096
/* So many names may be read at once. */
#define STORE_READ_MAX 256

enum store_result {
	STORE_DONE,
	STORE_TAKEN,   /* of STORE_IF_ABSENT: there is one already, and it stays */
	STORE_REFUSED, /* it answered, but would not: full, read-only, ... */
	STORE_AWAY,    /* it is not there, or went away meanwhile: perhaps it did, perhaps not */
};

enum store_when { STORE_ALWAYS, STORE_IF_ABSENT };

/* What stands under a name. Borrowed: valid within the callback. */
struct store_item {
	const char *text; /* NUL-terminated; NULL: nothing stands there */
	int64_t ttl_ms;   /* how long yet; -1: for ever */
};

/* The end of an operation: exactly once for each, never from inside the call that asked for it, but
 * for none after the store was closed. */
typedef void store_done(void *arg, enum store_result result);
/* items: as many as names were asked for, in their order; NULL unless STORE_DONE. */
typedef void store_read_done(
	void *arg, enum store_result result, const struct store_item *items, size_t count);

/* What a store tells its one owner, by itself and never from inside an operation. */
struct store_events {
	/* It is there, and hears news from now on. What was told before that was missed. */
	void (*joined)(void *arg);
	/* It is away, after joined; every operation that was under way has ended as STORE_AWAY. It
	 * tries to come back by itself. */
	void (*parted)(void *arg);
	/* Somebody else's news, not NUL-terminated, unchecked. One's own are not heard. */
	void (*heard)(void *arg, const char *news, size_t length);
};

struct store;

struct store_ops {
	/* ttl_ms above 0; -1: for ever. done may be NULL. */
	void (*set)(struct store *store, const char *name, const char *text, int64_t ttl_ms,
		enum store_when when, store_done *done, void *arg);
	/* done may be NULL. */
	void (*remove)(struct store *store, const char *name, store_done *done, void *arg);
	/* Up to STORE_READ_MAX names. Seen at about the same time; whatever this host set or
	 * removed before is seen. */
	void (*read)(struct store *store, const char *const *names, size_t count,
		store_read_done *done, void *arg);
	/* News to all others that are there, behind what was set and removed before. */
	void (*tell)(struct store *store, const char *news);
	/* Begins to look for it; events is borrowed. */
	void (*open)(struct store *store, const struct store_events *events, void *arg);
};

/* Embedded first in every implementation. The rest but run is for `status` alone. */
struct store {
	const struct store_ops *ops;
	bool joined;
	int64_t since_ms;  /* when that changed last, monotonic */
	const char *where; /* without secrets: "redis://127.0.0.1:6379/0" */
	/* What its present run is called, while it is joined; "": nobody knows. What stood there in
	 * another one may have got lost. */
	char run[48];
	char why[160];     /* why it is away, or why it refused the last time; "": all is well */
};

#endif
