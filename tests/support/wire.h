/* SPDX-License-Identifier: MIT */
/*
 * One end of a Unix socket that speaks MessagePack-RPC by hand, right or wrong as the test likes:
 * bytes go out as they are given, replies come back as JSON trees. Nothing here waits longer than
 * 20 seconds; what goes wrong with the socket itself ends the test.
 */
#ifndef LLMFO_TESTS_WIRE_H
#define LLMFO_TESTS_WIRE_H

#include <msgpack.h>

#include "json.h"

/* An assertion for what fuzzers run as well, where Check's own do not work: says so and aborts. */
#define WIRE_MUST(what) ((what) ? (void)0 : wire_broken(__FILE__, __LINE__, #what))
_Noreturn void wire_broken(const char *file, int line, const char *what);

struct wire {
	int fd;
	msgpack_unpacker unpacker;
};

/* [1, msgid, error, result] as it came. Freed by wire_reply_free(). */
struct wire_reply {
	bool closed; /* the other side closed instead */
	uint32_t msgid;
	struct json *message;     /* owned */
	const struct json *error; /* type JSON_NULL: none */
	const struct json *result;
	/* It is a notification: its first parameter, of `event` the event; NULL: a reply. */
	const struct json *event;
};

void wire_open(struct wire *wire, const char *path);
/* A wire over an end of a socketpair or the like, which it owns from then on. */
void wire_attach(struct wire *wire, int fd);
void wire_close(struct wire *wire);

/* Sends all of it, reading nothing meanwhile. False: the other side has closed. */
bool wire_send(struct wire *wire, const void *bytes, size_t count);
/* Sends [0, msgid, method, params], params being written as JSON. */
void wire_request(struct wire *wire, uint32_t msgid, const char *method, const char *params);
/* The bytes of such a request, to be changed, cut or sent later. The caller frees them. */
char *wire_pack(uint32_t msgid, const char *method, const char *params, size_t *count);

/* The next reply, or closed. */
struct wire_reply wire_read(struct wire *wire);
void wire_reply_free(struct wire_reply *reply);
/* Reads one reply, which must be to msgid: with that error code (NULL: a result). */
struct wire_reply wire_expect(struct wire *wire, uint32_t msgid, const char *code);
/* The same, of no further interest. */
void wire_expect_only(struct wire *wire, uint32_t msgid, const char *code);
/* Reads until the other side has closed; how many replies came before. */
unsigned wire_drain(struct wire *wire);
/* The reply at the beginning of bytes, closed if none is whole; *used: how many bytes it has. */
struct wire_reply wire_parse(const char *bytes, size_t count, size_t *used);
/* The code of a reply's error, "" for none. */
const char *wire_code(const struct wire_reply *reply);

#endif
