/* SPDX-License-Identifier: MIT */
/*
 * Two users of one llmfod. The victim makes calls at a steady rate on one connection, and notes how
 * long each took from the moment it was due; prints p50, p99 and the longest in microseconds. The
 * hog has many connections and asks on all of them, as fast as it can, until it is killed:
 *
 *   calls    one call in flight on each connection
 *   flood    calls one behind the other, answered or not
 *   status   the same, with status
 *   garbage  bytes that are no message, over connections that are ended for it and made anew
 *
 *   bench_fair [-u UID] [-n CALLS] [-r A_SECOND] victim SOCKET CHAIN
 *   bench_fair [-u UID] [-c CONNECTIONS] calls|flood|status|garbage SOCKET CHAIN
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <msgpack.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "frame.h"
#include "measure.h"

#define MESSAGE_MAX (1 << 20)
#define BATCH_BYTES (64 << 10)

struct plan {
	size_t calls, rate, connections;
	const char *kind, *path, *chain;
};

/* ---- what is sent ---- */

static void
fair_text(msgpack_packer *packer, const char *text)
{
	msgpack_pack_str_with_body(packer, text, strlen(text));
}

static void
fair_pack(msgpack_sbuffer *out, uint32_t msgid, const char *method, const char *chain)
{
	msgpack_packer packer;

	msgpack_packer_init(&packer, out, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 4);
	msgpack_pack_int(&packer, 0);
	msgpack_pack_uint32(&packer, msgid);
	fair_text(&packer, method);
	msgpack_pack_array(&packer, chain ? 1 : 0);
	if (!chain)
		return;
	msgpack_pack_map(&packer, 2);
	fair_text(&packer, "prompt");
	fair_text(&packer, measure_prompt());
	fair_text(&packer, "chain");
	fair_text(&packer, chain);
}

/* -1: there is no place, or the connection was ended. */
static int
fair_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof address.sun_path)
		measure_fail(path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

/* ---- the victim ---- */

struct victim {
	const struct plan *plan;
	struct measure_times times;
	int64_t *due_us; /* by msgid */
	int fd;
	size_t sent, done, have;
	char bytes[MESSAGE_MAX];
};

static void
fair_victim_send(struct victim *v)
{
	msgpack_sbuffer out;

	msgpack_sbuffer_init(&out);
	fair_pack(&out, (uint32_t)v->sent, "generate", v->plan->chain);
	if (write(v->fd, out.data, out.size) != (ssize_t)out.size)
		measure_fail("write");
	msgpack_sbuffer_destroy(&out);
	v->sent++;
}

static void
fair_victim_look(struct victim *v, const char *bytes, size_t count)
{
	msgpack_unpacked message;
	size_t offset = 0;

	msgpack_unpacked_init(&message);
	if (msgpack_unpack_next(&message, bytes, count, &offset) != MSGPACK_UNPACK_SUCCESS ||
		message.data.via.array.size != 4)
		measure_fail("a message is not understood");
	const msgpack_object *items = message.data.via.array.ptr;
	if (items[2].type != MSGPACK_OBJECT_NIL) {
		msgpack_object_print(stderr, message.data);
		exit(1);
	}
	measure_note(&v->times, measure_now_us() - v->due_us[items[1].via.u64]);
	msgpack_unpacked_destroy(&message);
	v->done++;
}

static void
fair_victim_read(struct victim *v)
{
	ssize_t got = read(v->fd, v->bytes + v->have, sizeof v->bytes - v->have);
	size_t at = 0, used;
	struct frame frame;

	if (got <= 0)
		measure_fail("read");
	v->have += (size_t)got;
	for (;;) {
		frame_init(&frame, MESSAGE_MAX);
		if (at == v->have ||
			frame_scan(&frame, v->bytes + at, v->have - at, &used) != FRAME_COMPLETE)
			break;
		fair_victim_look(v, v->bytes + at, used);
		at += used;
	}
	memmove(v->bytes, v->bytes + at, v->have - at);
	v->have -= at;
}

static void
fair_victim(const struct plan *plan)
{
	struct victim *v = calloc(1, sizeof *v);
	int64_t gap_us = (int64_t)(1000000 / plan->rate), next_us = measure_now_us();

	if (!v || !(v->due_us = calloc(plan->calls, sizeof v->due_us[0])))
		measure_fail("calloc");
	v->plan = plan;
	v->fd = fair_connect(plan->path);
	if (v->fd < 0)
		measure_fail(plan->path);
	while (v->done < plan->calls) {
		struct pollfd wait = {.fd = v->fd, .events = POLLIN};
		int64_t left_us = next_us - measure_now_us();

		if (v->sent < plan->calls && left_us <= 0) {
			v->due_us[v->sent] = next_us;
			fair_victim_send(v);
			next_us += gap_us;
			continue;
		}
		struct timespec patience = {left_us / 1000000, left_us % 1000000 * 1000};
		if (ppoll(&wait, 1, v->sent < plan->calls ? &patience : NULL, NULL) > 0)
			fair_victim_read(v);
	}
	printf("%lld %lld %lld\n", (long long)measure_percentile(&v->times, 50),
		(long long)measure_percentile(&v->times, 99),
		(long long)measure_percentile(&v->times, 100));
	close(v->fd);
	free(v->times.us);
	free(v->due_us);
	free(v);
}

/* ---- the hog ---- */

struct hog {
	const struct plan *plan;
	int epoll;
	bool once;   /* one request at a time of a connection */
	char *bytes; /* what it sends, over and over */
	size_t count;
};

struct hose {
	int fd;
	size_t at; /* in hog->bytes */
};

static void
fair_watch(struct hog *hog, struct hose *hose)
{
	uint32_t events = hog->once ? EPOLLIN : EPOLLIN | EPOLLOUT;
	struct epoll_event event = {.events = events, .data.ptr = hose};

	/* until there is a place again */
	while ((hose->fd = fair_connect(hog->plan->path)) < 0)
		usleep(1000);
	hose->at = 0;
	(void)fcntl(hose->fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(hog->epoll, EPOLL_CTL_ADD, hose->fd, &event) < 0)
		measure_fail("epoll_ctl");
}

static void
fair_pour(struct hog *hog, struct hose *hose)
{
	ssize_t sent = send(hose->fd, hog->bytes + hose->at, hog->count - hose->at,
		MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent > 0)
		hose->at = (hose->at + (size_t)sent) % hog->count;
}

static void
fair_turn(struct hog *hog, struct hose *hose, uint32_t events)
{
	static char drain[256 << 10];
	bool ended = events & (EPOLLHUP | EPOLLERR);

	if (events & EPOLLIN) {
		ssize_t got = read(hose->fd, drain, sizeof drain);

		ended |= got == 0 || (got < 0 && errno != EAGAIN);
		if (got > 0 && hog->once)
			fair_pour(hog, hose);
	}
	if (ended) {
		close(hose->fd);
		fair_watch(hog, hose);
		if (hog->once)
			fair_pour(hog, hose);
	} else if (events & EPOLLOUT) {
		fair_pour(hog, hose);
	}
}

static void
fair_load(struct hog *hog)
{
	const struct plan *plan = hog->plan;
	bool status = strcmp(plan->kind, "status") == 0;
	msgpack_sbuffer out;

	msgpack_sbuffer_init(&out);
	if (strcmp(plan->kind, "garbage") == 0)
		(void)msgpack_sbuffer_write(&out, "\xc1GET / HTTP/1.1\r\n\r\n", 20);
	for (uint32_t i = 0; out.size == 0 || (!hog->once && out.size < BATCH_BYTES); i++)
		fair_pack(&out, i, status ? "status" : "generate", status ? NULL : plan->chain);
	hog->bytes = out.data;
	hog->count = out.size;
}

static _Noreturn void
fair_hog(const struct plan *plan)
{
	struct hog hog = {.plan = plan, .once = strcmp(plan->kind, "calls") == 0};
	struct hose *hoses = calloc(plan->connections, sizeof *hoses);

	hog.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!hoses || hog.epoll < 0)
		measure_fail("epoll");
	if (strcmp(plan->kind, "garbage") == 0)
		hog.once = true;
	fair_load(&hog);
	for (size_t i = 0; i < plan->connections; i++) {
		fair_watch(&hog, &hoses[i]);
		if (hog.once)
			fair_pour(&hog, &hoses[i]);
	}
	puts("goes");
	fflush(stdout);
	for (;;) {
		struct epoll_event events[64];
		int count = epoll_wait(hog.epoll, events, 64, -1);

		for (int i = 0; i < count; i++)
			fair_turn(&hog, events[i].data.ptr, events[i].events);
	}
}

static void
fair_become(uid_t uid)
{
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		measure_fail("another user is only root's to become");
}

int
main(int argc, char **argv)
{
	struct plan plan = {.calls = 250, .rate = 50, .connections = 500};
	int option;

	while ((option = getopt(argc, argv, "u:n:r:c:")) != -1) {
		if (option == 'u')
			fair_become((uid_t)strtoul(optarg, NULL, 10));
		else if (option == 'n')
			plan.calls = strtoul(optarg, NULL, 10);
		else if (option == 'r')
			plan.rate = strtoul(optarg, NULL, 10);
		else if (option == 'c')
			plan.connections = strtoul(optarg, NULL, 10);
	}
	if (optind + 3 != argc || plan.calls == 0 || plan.rate == 0) {
		fprintf(stderr, "usage: see bench_fair.c\n");
		return 2;
	}
	plan.kind = argv[optind];
	plan.path = argv[optind + 1];
	plan.chain = argv[optind + 2];
	if (strcmp(plan.kind, "victim") != 0)
		fair_hog(&plan);
	fair_victim(&plan);
	return 0;
}
