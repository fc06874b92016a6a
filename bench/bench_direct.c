/* SPDX-License-Identifier: MIT */
/*
 * The calls without anything between: libcurl, its connections kept, as a program would do that
 * talks to its provider itself. Sockets stay in epoll from one transfer to the next, and what
 * libcurl wants at once is done at once: so it is about as fast as libcurl goes.
 *
 *   bench_direct [-c IN_FLIGHT] [-n CALLS] [-s] URL
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "measure.h"

#define SOCKETS_MAX 65536

struct direct {
	struct measure m;
	CURLM *multi;
	int epoll;
	int64_t wake_us; /* when libcurl wants its turn; -1: not */
	unsigned char watched[SOCKETS_MAX];
	char *body;
	struct curl_slist *headers;
	size_t sent, done;
};

struct transfer {
	struct direct *d;
	CURL *easy;
	int64_t since_us, first_us;
	struct measure_scan scan;
};

static size_t
direct_on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;

	if (t->d->m.plan.stream)
		measure_scan(&t->d->m, &t->scan, bytes, size * count, &t->first_us);
	return size * count;
}

static int
direct_on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct direct *d = arg;
	unsigned char wanted = (unsigned char)((what & CURL_POLL_IN ? EPOLLIN : 0) |
		(what & CURL_POLL_OUT ? EPOLLOUT : 0));
	struct epoll_event event = {.events = wanted, .data.fd = fd};

	(void)easy, (void)socket_arg;
	if (what == CURL_POLL_REMOVE || d->watched[fd] == wanted)
		return 0;
	if (epoll_ctl(d->epoll, d->watched[fd] ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0)
		measure_fail("epoll_ctl");
	d->watched[fd] = wanted;
	return 0;
}

static int
direct_on_close(void *arg, curl_socket_t fd)
{
	struct direct *d = arg;

	d->watched[fd] = 0;
	return close(fd);
}

static int
direct_on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct direct *d = arg;

	(void)multi;
	d->wake_us = timeout_ms < 0 ? -1 : measure_now_us() + timeout_ms * 1000;
	return 0;
}

static void
direct_send(struct transfer *t)
{
	t->since_us = t->first_us = measure_now_us();
	t->d->sent++;
	curl_multi_add_handle(t->d->multi, t->easy);
}

static void
direct_open(struct direct *d, struct transfer *t)
{
	t->d = d;
	t->easy = curl_easy_init();
	if (!t->easy)
		measure_fail("curl_easy_init");
	curl_easy_setopt(t->easy, CURLOPT_URL, d->m.plan.target);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, d->body);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, d->headers);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, direct_on_bytes);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETFUNCTION, direct_on_close);
	curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETDATA, d);
}

static void
direct_over(struct direct *d, struct transfer *t, CURLcode result)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (result != CURLE_OK || status != 200) {
		fprintf(stderr, "bench_direct: %s, status %ld\n", curl_easy_strerror(result),
			status);
		exit(1);
	}
	curl_multi_remove_handle(d->multi, t->easy);
	d->done++;
	measure_call(&d->m, t->since_us);
	if (d->sent < d->m.plan.calls)
		direct_send(t);
}

static void
direct_collect(struct direct *d)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(d->multi, &left))) {
		struct transfer *t;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		direct_over(d, t, message->data.result);
	}
}

/* Gives libcurl its turn as often as it wants one by now. */
static void
direct_wake(struct direct *d)
{
	int running;

	while (d->wake_us >= 0 && d->wake_us <= measure_now_us()) {
		d->wake_us = -1;
		curl_multi_socket_action(d->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		direct_collect(d);
	}
}

static void
direct_turn(struct direct *d, int wait_ms)
{
	struct epoll_event events[256];
	int count = epoll_wait(d->epoll, events, 256, wait_ms), running;

	if (count < 0 && errno != EINTR)
		measure_fail("epoll_wait");
	for (int i = 0; i < count; i++) {
		int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			(events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			(events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		curl_multi_socket_action(d->multi, events[i].data.fd, what, &running);
		direct_collect(d);
		direct_wake(d);
	}
	direct_wake(d);
}

static void
direct_init(struct direct *d, int argc, char **argv)
{
	measure_init(&d->m, argc, argv);
	d->body = measure_body(d->m.plan.stream);
	curl_global_init(CURL_GLOBAL_ALL);
	d->headers = curl_slist_append(d->headers, "Content-Type: application/json");
	d->headers = curl_slist_append(d->headers, "Authorization: Bearer none");
	d->headers = curl_slist_append(d->headers, "Expect:");
	d->headers = curl_slist_append(d->headers, "Accept:");
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	d->multi = curl_multi_init();
	d->wake_us = -1;
	curl_multi_setopt(d->multi, CURLMOPT_SOCKETFUNCTION, direct_on_socket);
	curl_multi_setopt(d->multi, CURLMOPT_SOCKETDATA, d);
	curl_multi_setopt(d->multi, CURLMOPT_TIMERFUNCTION, direct_on_timer);
	curl_multi_setopt(d->multi, CURLMOPT_TIMERDATA, d);
	curl_multi_setopt(d->multi, CURLMOPT_MAXCONNECTS, 20000L);
}

int
main(int argc, char **argv)
{
	static struct direct d;

	direct_init(&d, argc, argv);
	size_t in_flight = d.m.plan.in_flight;
	struct transfer *transfers = calloc(in_flight, sizeof *transfers);
	while (transfers && d.done < d.m.plan.calls) {
		if (measure_may_open(&d.m)) {
			struct transfer *t = &transfers[d.m.opened - 1];

			direct_open(&d, t);
			direct_send(t);
			direct_wake(&d);
		}
		direct_turn(&d, d.m.opened < in_flight ? 1 : d.wake_us < 0 ? -1 : 10);
	}
	measure_report(&d.m);
	for (size_t i = 0; transfers && i < d.m.opened; i++)
		curl_easy_cleanup(transfers[i].easy);
	free(transfers);
	curl_multi_cleanup(d.multi);
	curl_slist_free_all(d.headers);
	free(d.body);
	close(d.epoll);
	return 0;
}
