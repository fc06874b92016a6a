/* SPDX-License-Identifier: MIT */
/*
 * Calls through a process that listens at a Unix socket: a running llmfod, or (a TARGET that
 * begins with `relay:`) a bare relay, whose frames are a length of four bytes and a body, then a
 * byte that is 1 in the last frame of an answer; it takes one call at a time of a connection. The
 * CPU time is that of the process whose PID is given.
 *
 *   bench_load [-c IN_FLIGHT] [-m CONNECTIONS] [-n CALLS] [-s] -p PID [relay:]SOCKET
 */
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "frame.h"
#include "measure.h"

#define MESSAGE_MAX (256 << 10)
#define RELAY "relay:"

struct slot {
	int64_t since_us, first_us;
};

struct connection {
	int fd;
	char *bytes;
	size_t have;
	struct slot *slots; /* by msgid */
	size_t count;
};

struct load {
	struct measure m;
	bool relay;
	const char *path;
	int epoll;
	char *body;
	size_t sent, done;
};

static void
load_write(struct connection *c, const void *bytes, size_t count)
{
	if (write(c->fd, bytes, count) != (ssize_t)count)
		measure_fail("write");
}

static void
load_text(msgpack_packer *packer, const char *text)
{
	msgpack_pack_str_with_body(packer, text, strlen(text));
}

static void
load_send_llmfo(struct load *l, struct connection *c, uint32_t msgid)
{
	msgpack_sbuffer bytes;
	msgpack_packer packer;

	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 4);
	msgpack_pack_int(&packer, 0);
	msgpack_pack_uint32(&packer, msgid);
	load_text(&packer, "generate");
	msgpack_pack_array(&packer, 1);
	msgpack_pack_map(&packer, 2);
	load_text(&packer, "prompt");
	load_text(&packer, measure_prompt());
	load_text(&packer, "stream");
	if (l->m.plan.stream)
		msgpack_pack_true(&packer);
	else
		msgpack_pack_false(&packer);
	load_write(c, bytes.data, bytes.size);
	msgpack_sbuffer_destroy(&bytes);
}

static void
load_send_relay(struct load *l, struct connection *c)
{
	char frame[8192];
	uint32_t length = (uint32_t)strlen(l->body);

	memcpy(frame, &length, 4);
	memcpy(frame + 4, l->body, length);
	load_write(c, frame, 4 + length);
}

static void
load_send(struct load *l, struct connection *c, uint32_t msgid)
{
	struct slot *slot = &c->slots[msgid];

	slot->since_us = slot->first_us = measure_now_us();
	l->sent++;
	if (l->relay)
		load_send_relay(l, c);
	else
		load_send_llmfo(l, c, msgid);
}

static void
load_over(struct load *l, struct connection *c, uint32_t msgid)
{
	l->done++;
	measure_call(&l->m, c->slots[msgid].since_us);
	if (l->sent < l->m.plan.calls)
		load_send(l, c, msgid);
}

/* A whole message of llmfod's. */
static void
load_look_llmfo(struct load *l, struct connection *c, const char *bytes, size_t count)
{
	struct measure_scan scan = {0};
	msgpack_unpacked message;
	size_t offset = 0;

	msgpack_unpacked_init(&message);
	if (msgpack_unpack_next(&message, bytes, count, &offset) != MSGPACK_UNPACK_SUCCESS ||
		message.data.type != MSGPACK_OBJECT_ARRAY)
		measure_fail("a message is not understood");
	const msgpack_object_array *items = &message.data.via.array;
	if (items->size == 3 && items->ptr[2].via.array.size == 2) {
		uint64_t msgid = items->ptr[2].via.array.ptr[0].via.u64;

		measure_scan(&l->m, &scan, bytes, count, &c->slots[msgid].first_us);
		measure_scan(&l->m, &scan, "", 1, &c->slots[msgid].first_us);
	} else if (items->size == 4 && items->ptr[2].type == MSGPACK_OBJECT_NIL) {
		load_over(l, c, (uint32_t)items->ptr[1].via.u64);
	} else {
		msgpack_object_print(stderr, message.data);
		exit(1);
	}
	msgpack_unpacked_destroy(&message);
}

/* How many bytes of what came were a whole message; 0: none yet. */
static size_t
load_take_llmfo(struct load *l, struct connection *c, const char *bytes, size_t count)
{
	struct frame frame;
	size_t used;

	frame_init(&frame, MESSAGE_MAX);
	if (count == 0 || frame_scan(&frame, bytes, count, &used) != FRAME_COMPLETE)
		return 0;
	load_look_llmfo(l, c, bytes, used);
	return used;
}

static size_t
load_take_relay(struct load *l, struct connection *c, const char *bytes, size_t count)
{
	struct measure_scan scan = {0};
	uint32_t length;

	if (count < 5)
		return 0;
	memcpy(&length, bytes, 4);
	if (count < 4 + (size_t)length)
		return 0;
	if (l->m.plan.stream)
		measure_scan(&l->m, &scan, bytes + 5, length - 1, &c->slots[0].first_us);
	if (bytes[4])
		load_over(l, c, 0);
	return 4 + (size_t)length;
}

static void
load_read(struct load *l, struct connection *c)
{
	ssize_t got = read(c->fd, c->bytes + c->have, MESSAGE_MAX - c->have);
	size_t at = 0, used;

	if (got <= 0)
		measure_fail("read");
	c->have += (size_t)got;
	do {
		used = l->relay ? load_take_relay(l, c, c->bytes + at, c->have - at)
				: load_take_llmfo(l, c, c->bytes + at, c->have - at);
		at += used;
	} while (used);
	memmove(c->bytes, c->bytes + at, c->have - at);
	c->have -= at;
}

static void
load_connect(struct load *l, struct connection *c, size_t slots)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || strlen(l->path) >= sizeof address.sun_path)
		measure_fail(l->path);
	memcpy(address.sun_path, l->path, strlen(l->path) + 1);
	if (connect(c->fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
		epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		measure_fail(l->path);
	c->bytes = malloc(MESSAGE_MAX);
	c->slots = calloc(slots, sizeof c->slots[0]);
	if (!c->bytes || !c->slots)
		measure_fail("malloc");
}

static void
load_run(struct load *l, struct connection *connections)
{
	struct measure_plan *plan = &l->m.plan;

	while (l->done < plan->calls) {
		struct epoll_event events[256];
		if (measure_may_open(&l->m)) {
			struct connection *c = &connections[l->m.opened % plan->connections];

			load_send(l, c, (uint32_t)c->count++);
		}
		int wait_ms = l->m.opened == plan->in_flight ? -1 : plan->stream ? 1 : 0;
		int count = epoll_wait(l->epoll, events, 256, wait_ms);

		for (int i = 0; i < count; i++)
			load_read(l, events[i].data.ptr);
	}
}

int
main(int argc, char **argv)
{
	struct load l = {0};

	measure_init(&l.m, argc, argv);
	struct measure_plan *plan = &l.m.plan;
	l.relay = strncmp(plan->target, RELAY, strlen(RELAY)) == 0;
	l.path = plan->target + (l.relay ? strlen(RELAY) : 0);
	if (l.relay)
		plan->connections = plan->in_flight;
	l.body = measure_body(plan->stream);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	struct connection *connections = calloc(plan->connections, sizeof *connections);
	if (!connections)
		measure_fail("calloc");
	for (size_t i = 0; i < plan->connections; i++)
		load_connect(&l, &connections[i], plan->in_flight / plan->connections + 1);
	load_run(&l, connections);
	measure_report(&l.m);
	for (size_t i = 0; i < plan->connections; i++) {
		close(connections[i].fd);
		free(connections[i].bytes);
		free(connections[i].slots);
	}
	free(connections);
	free(l.body);
	close(l.epoll);
	return 0;
}
