/* SPDX-License-Identifier: MIT */
/*
 * How long calls through a running llmfod take: each argument is a chain, measured in turn, round
 * after round, so that what the machine does meanwhile meets all of them alike. Prints the median,
 * the 99th percentile and (with several in flight) calls a second.
 *
 *   bench_call [-n CALLS] [-c IN_FLIGHT] [-r ROUNDS] SOCKET CHAIN...
 */
#include <errno.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"

#define IN_FLIGHT_MAX 512

struct run {
	const char *chain;
	int64_t *took_us;
	size_t count;
	int64_t busy_us; /* wall time of all rounds */
};

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

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

/* A prompt of 1.4 KB, as the peers in such comparisons are sent. */
static void
send_request(int fd, uint32_t msgid, const char *chain)
{
	static char prompt[1200];
	msgpack_sbuffer bytes;
	msgpack_packer packer;

	memset(prompt, 'a', sizeof prompt - 1);
	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 4);
	msgpack_pack_int(&packer, 0);
	msgpack_pack_uint32(&packer, msgid);
	pack_text(&packer, "generate");
	msgpack_pack_array(&packer, 1);
	msgpack_pack_map(&packer, 2);
	pack_text(&packer, "prompt");
	pack_text(&packer, prompt);
	pack_text(&packer, "chain");
	pack_text(&packer, chain);
	if (write(fd, bytes.data, bytes.size) != (ssize_t)bytes.size)
		fail("write");
	msgpack_sbuffer_destroy(&bytes);
}

/* The msgid of a reply; ends the program if it is an error. */
static uint32_t
read_reply(const char *bytes, size_t count)
{
	msgpack_unpacked reply;
	size_t offset = 0;

	msgpack_unpacked_init(&reply);
	if (msgpack_unpack_next(&reply, bytes, count, &offset) != MSGPACK_UNPACK_SUCCESS ||
		reply.data.type != MSGPACK_OBJECT_ARRAY || reply.data.via.array.size != 4) {
		fputs("bench_call: a reply is not understood\n", stderr);
		exit(1);
	}
	const msgpack_object *items = reply.data.via.array.ptr;
	if (items[2].type != MSGPACK_OBJECT_NIL) {
		msgpack_object_print(stderr, items[2]);
		fputc('\n', stderr);
		exit(1);
	}
	uint32_t msgid = (uint32_t)items[1].via.u64;
	msgpack_unpacked_destroy(&reply);
	return msgid;
}

/* One round of one chain: calls, in_flight at once, on one connection. */
static void
measure(int fd, struct run *run, size_t calls, size_t in_flight)
{
	static char bytes[1 << 20];
	int64_t started_us[IN_FLIGHT_MAX];
	size_t sent = 0, done = 0, have = 0;
	int64_t begin_us = now_us();

	for (; sent < in_flight && sent < calls; sent++) {
		started_us[sent] = now_us();
		send_request(fd, (uint32_t)sent, run->chain);
	}
	while (done < calls) {
		ssize_t got = read(fd, bytes + have, sizeof bytes - have);
		size_t at = 0, used;
		struct frame frame;

		if (got <= 0)
			fail("read");
		have += (size_t)got;
		for (;;) {
			frame_init(&frame, sizeof bytes);
			if (frame_scan(&frame, bytes + at, have - at, &used) != FRAME_COMPLETE)
				break;
			uint32_t slot = read_reply(bytes + at, used);
			at += used;
			done++;
			run->took_us[run->count++] = now_us() - started_us[slot];
			if (sent++ < calls) {
				started_us[slot] = now_us();
				send_request(fd, slot, run->chain);
			}
		}
		memmove(bytes, bytes + at, have - at);
		have -= at;
	}
	run->busy_us += now_us() - begin_us;
}

static int
by_value(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

static void
report(struct run *run)
{
	qsort(run->took_us, run->count, sizeof run->took_us[0], by_value);
	printf("%-16s p50 %6lld us   p99 %6lld us   %8.0f calls/s\n", run->chain,
		(long long)run->took_us[run->count / 2],
		(long long)run->took_us[run->count * 99 / 100],
		(double)run->count * 1e6 / (double)run->busy_us);
}

static size_t
number(const char *text, size_t max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || value == 0 || value > max) {
		fprintf(stderr, "bench_call: `%s` is no number from 1 to %zu\n", text, max);
		exit(2);
	}
	return value;
}

int
main(int argc, char **argv)
{
	size_t calls = 2000, in_flight = 1, rounds = 5, chains;
	int option;

	while ((option = getopt(argc, argv, "n:c:r:")) != -1) {
		if (option == 'n')
			calls = number(optarg, 10000000);
		else if (option == 'c')
			in_flight = number(optarg, IN_FLIGHT_MAX);
		else if (option == 'r')
			rounds = number(optarg, 1000);
		else
			return 2;
	}
	if (argc - optind < 2) {
		fputs("usage: bench_call [-n CALLS] [-c IN_FLIGHT] [-r ROUNDS] SOCKET CHAIN...\n",
			stderr);
		return 2;
	}
	chains = (size_t)(argc - optind - 1);
	struct run *runs = calloc(chains, sizeof *runs);
	int fd = connect_to(argv[optind]);
	for (size_t i = 0; runs && i < chains; i++) {
		runs[i].chain = argv[optind + 1 + (int)i];
		runs[i].took_us = calloc(calls * rounds, sizeof(int64_t));
		if (!runs[i].took_us)
			fail("calloc");
	}
	for (size_t round = 0; runs && round < rounds; round++)
		for (size_t i = 0; i < chains; i++)
			measure(fd, &runs[i], calls, in_flight);
	for (size_t i = 0; runs && i < chains; i++) {
		report(&runs[i]);
		free(runs[i].took_us);
	}
	free(runs);
	close(fd);
	return 0;
}
