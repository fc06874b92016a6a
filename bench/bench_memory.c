/* SPDX-License-Identifier: MIT */
/*
 * What one stream in flight costs a running llmfod in memory: opens so many streams, waits until
 * the first tokens of each have come, and looks at the daemon's resident size before and after.
 * What the kernel holds for the sockets is not in it. The provider holds each stream after TOKENS
 * tokens (`hold-after=3`), so that all are in flight when the memory is looked at. The streams are
 * left to their end by closing.
 *
 *   bench_memory SOCKET PID STREAMS
 */
#include <errno.h>
#include <msgpack.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "frame.h"

#define TOKENS 3
#define CONNECTIONS_MAX 64
#define STREAMS_A_CONNECTION 1000
#define STREAMS_MAX (CONNECTIONS_MAX * STREAMS_A_CONNECTION)
#define MESSAGE_MAX (1 << 20)

struct connection {
	int fd;
	char *bytes;
	size_t have;
};

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static int
connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof address.sun_path)
		fail(path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		fail(path);
	return fd;
}

static void
pack_text(msgpack_packer *packer, const char *text)
{
	msgpack_pack_str_with_body(packer, text, strlen(text));
}

static void
send_request(int fd, uint32_t msgid)
{
	msgpack_sbuffer bytes;
	msgpack_packer packer;

	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 4);
	msgpack_pack_int(&packer, 0);
	msgpack_pack_uint32(&packer, msgid);
	pack_text(&packer, "generate");
	msgpack_pack_array(&packer, 1);
	msgpack_pack_map(&packer, 2);
	pack_text(&packer, "prompt");
	pack_text(&packer, "hello");
	pack_text(&packer, "stream");
	msgpack_pack_true(&packer);
	if (write(fd, bytes.data, bytes.size) != (ssize_t)bytes.size)
		fail("write");
	msgpack_sbuffer_destroy(&bytes);
}

/* Kilobytes. */
static long
resident(const char *pid)
{
	char path[64], line[256];
	long kb = -1;

	snprintf(path, sizeof path, "/proc/%s/status", pid);
	FILE *file = fopen(path, "r");
	if (!file)
		fail(path);
	while (fgets(line, sizeof line, file))
		if (strncmp(line, "VmRSS:", 6) == 0)
			kb = strtol(line + 6, NULL, 10);
	fclose(file);
	return kb;
}

/* One message, which must be a notification. */
static void
look(const char *bytes, size_t count)
{
	msgpack_unpacked message;
	size_t offset = 0;

	if (count > 1 && (unsigned char)bytes[0] == 0x93)
		return;
	msgpack_unpacked_init(&message);
	if (msgpack_unpack_next(&message, bytes, count, &offset) == MSGPACK_UNPACK_SUCCESS)
		msgpack_object_print(stderr, message.data);
	fputs("\nbench_memory: a stream ended early\n", stderr);
	exit(1);
}

/* How many messages came at once. */
static size_t
receive(struct connection *c)
{
	ssize_t got = read(c->fd, c->bytes + c->have, MESSAGE_MAX - c->have);
	size_t at = 0, used, messages = 0;
	struct frame frame;

	if (got <= 0)
		fail("read");
	c->have += (size_t)got;
	for (;; messages++) {
		frame_init(&frame, MESSAGE_MAX);
		if (frame_scan(&frame, c->bytes + at, c->have - at, &used) != FRAME_COMPLETE)
			break;
		look(c->bytes + at, used);
		at += used;
	}
	memmove(c->bytes, c->bytes + at, c->have - at);
	c->have -= at;
	return messages;
}

/* Until that many deltas have come on all connections together. */
static void
read_deltas(struct connection *connections, size_t count, size_t deltas)
{
	struct pollfd ready[CONNECTIONS_MAX];

	while (deltas > 0) {
		for (size_t i = 0; i < count; i++)
			ready[i] = (struct pollfd){.fd = connections[i].fd, .events = POLLIN};
		if (poll(ready, count, -1) < 0)
			fail("poll");
		for (size_t i = 0; i < count; i++) {
			size_t got = ready[i].revents ? receive(&connections[i]) : 0;

			deltas -= got < deltas ? got : deltas;
		}
	}
}

int
main(int argc, char **argv)
{
	struct connection connections[CONNECTIONS_MAX];
	long streams = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	size_t count = ((size_t)streams + STREAMS_A_CONNECTION - 1) / STREAMS_A_CONNECTION;

	if (streams <= 0 || streams > STREAMS_MAX) {
		fputs("usage: bench_memory SOCKET PID STREAMS\n", stderr);
		return 2;
	}
	long before = resident(argv[2]);
	for (size_t i = 0; i < count; i++) {
		connections[i] = (struct connection){connect_to(argv[1]), malloc(MESSAGE_MAX), 0};
		if (!connections[i].bytes)
			fail("malloc");
	}
	for (long i = 0; i < streams; i++)
		send_request(connections[i / STREAMS_A_CONNECTION].fd,
			(uint32_t)(i % STREAMS_A_CONNECTION));
	read_deltas(connections, count, (size_t)streams * TOKENS);
	long after = resident(argv[2]);
	printf("%5ld streams: %6ld KiB before, %6ld KiB with them, %.1f KiB a stream\n", streams,
		before, after, (double)(after - before) / (double)streams);
	for (size_t i = 0; i < count; i++) {
		close(connections[i].fd);
		free(connections[i].bytes);
	}
	return 0;
}
