/* SPDX-License-Identifier: MIT */
/* See wire.h. */
#include "wire.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 20000

_Noreturn void
wire_broken(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

void
wire_attach(struct wire *wire, int fd)
{
	wire->fd = fd;
	ck_assert(msgpack_unpacker_init(&wire->unpacker, 64 * 1024));
}

void
wire_open(struct wire *wire, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	ck_assert_msg(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0,
		"cannot connect to %s: %s", path, strerror(errno));
	wire_attach(wire, fd);
}

void
wire_close(struct wire *wire)
{
	if (wire->fd < 0)
		return;
	close(wire->fd);
	wire->fd = -1;
	msgpack_unpacker_destroy(&wire->unpacker);
}

bool
wire_send(struct wire *wire, const void *bytes, size_t count)
{
	const char *at = bytes;

	while (count > 0) {
		ssize_t sent = send(wire->fd, at, count, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		at += sent;
		count -= (size_t)sent;
	}
	return true;
}

char *
wire_pack(uint32_t msgid, const char *method, const char *params, size_t *count)
{
	struct json *tree = json_parse(params, strlen(params), false, NULL);
	msgpack_sbuffer bytes;
	msgpack_packer packer;

	WIRE_MUST(tree != NULL);
	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 4);
	msgpack_pack_int(&packer, 0);
	msgpack_pack_uint32(&packer, msgid);
	msgpack_pack_str_with_body(&packer, method, strlen(method));
	json_pack(tree, &packer);
	json_free(tree);
	*count = bytes.size;
	return msgpack_sbuffer_release(&bytes);
}

void
wire_request(struct wire *wire, uint32_t msgid, const char *method, const char *params)
{
	size_t count;
	char *bytes = wire_pack(msgid, method, params, &count);

	ck_assert(wire_send(wire, bytes, count));
	free(bytes);
}

/* More bytes into the unpacker; false at the end. */
static bool
receive(struct wire *wire)
{
	struct pollfd readable = {.fd = wire->fd, .events = POLLIN};

	ck_assert_msg(poll(&readable, 1, PATIENCE_MS) == 1, "nothing comes");
	ck_assert(msgpack_unpacker_reserve_buffer(&wire->unpacker, 64 * 1024));
	ssize_t count = recv(wire->fd, msgpack_unpacker_buffer(&wire->unpacker),
		msgpack_unpacker_buffer_capacity(&wire->unpacker), 0);
	if (count <= 0)
		return false;
	msgpack_unpacker_buffer_consumed(&wire->unpacker, (size_t)count);
	return true;
}

static struct wire_reply
take(const msgpack_object *object)
{
	struct wire_reply reply = {.closed = false};
	const char *why = NULL;
	int64_t kind, msgid;

	reply.message = json_from_msgpack(object, &why);
	WIRE_MUST(reply.message != NULL);
	WIRE_MUST(json_int(json_at(reply.message, 0), &kind) && (kind == 1 || kind == 2));
	if (kind == 2) {
		const char *method = json_string(json_at(reply.message, 1), NULL);

		WIRE_MUST(json_count(reply.message) == 3);
		WIRE_MUST(method &&
			(strcmp(method, "event") == 0 || strcmp(method, "delta") == 0 ||
				strcmp(method, "reset") == 0));
		WIRE_MUST(json_count(json_at(reply.message, 2)) >= 1);
		reply.event = json_at(json_at(reply.message, 2), 0);
		return reply;
	}
	WIRE_MUST(json_count(reply.message) == 4);
	WIRE_MUST(json_int(json_at(reply.message, 1), &msgid));
	reply.msgid = (uint32_t)msgid;
	reply.error = json_at(reply.message, 2);
	reply.result = json_at(reply.message, 3);
	return reply;
}

struct wire_reply
wire_read(struct wire *wire)
{
	struct wire_reply reply = {.closed = true};
	msgpack_unpacked unpacked;

	msgpack_unpacked_init(&unpacked);
	for (;;) {
		msgpack_unpack_return got = msgpack_unpacker_next(&wire->unpacker, &unpacked);

		ck_assert_msg(got >= 0, "what came is not MessagePack");
		if (got != MSGPACK_UNPACK_CONTINUE) {
			reply = take(&unpacked.data);
			break;
		}
		if (!receive(wire))
			break;
	}
	msgpack_unpacked_destroy(&unpacked);
	return reply;
}

struct wire_reply
wire_parse(const char *bytes, size_t count, size_t *used)
{
	struct wire_reply reply = {.closed = true};
	msgpack_unpacked unpacked;

	*used = 0;
	msgpack_unpacked_init(&unpacked);
	if (msgpack_unpack_next(&unpacked, bytes, count, used) == MSGPACK_UNPACK_SUCCESS)
		reply = take(&unpacked.data);
	msgpack_unpacked_destroy(&unpacked);
	return reply;
}

void
wire_reply_free(struct wire_reply *reply)
{
	json_free(reply->message);
	reply->message = NULL;
}

const char *
wire_code(const struct wire_reply *reply)
{
	const char *code = json_text(reply->error, "code");

	return code ? code : "";
}

struct wire_reply
wire_expect(struct wire *wire, uint32_t msgid, const char *code)
{
	struct wire_reply reply = wire_read(wire);
	const char *message = reply.closed ? "closed" : json_text(reply.error, "message");

	ck_assert_msg(!reply.closed, "closed instead of a reply to %u", msgid);
	ck_assert_uint_eq(reply.msgid, msgid);
	ck_assert_msg(strcmp(wire_code(&reply), code ? code : "") == 0, "reply to %u: %s (%s)",
		msgid, wire_code(&reply), message ? message : "");
	return reply;
}

void
wire_expect_only(struct wire *wire, uint32_t msgid, const char *code)
{
	struct wire_reply reply = wire_expect(wire, msgid, code);

	wire_reply_free(&reply);
}

unsigned
wire_drain(struct wire *wire)
{
	unsigned count = 0;

	for (;;) {
		struct wire_reply reply = wire_read(wire);

		wire_reply_free(&reply);
		if (reply.closed)
			return count;
		count++;
	}
}
