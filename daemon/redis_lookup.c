/* SPDX-License-Identifier: MIT */
/*
 * See redis_lookup.h. Two sides hold what they share, the loop and the thread; the later one to let
 * go frees it.
 */
#include "redis_lookup.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What both sides hold. */
struct shared {
	pthread_mutex_t lock;
	int sides;
	uv_async_t *wake; /* NULL: nobody waits any more */
	struct redis_addresses addresses;
	int error; /* getaddrinfo's */
	char *host;
	char port[16];
};

struct redis_lookup {
	uv_async_t wake;
	struct shared *shared;
	redis_lookup_done *done;
	void (*gone)(void *arg);
	void *arg;
};

bool
redis_lookup_is_address(const char *host, int port, struct redis_addresses *addresses)
{
	struct sockaddr_storage *first = &addresses->list[0];

	addresses->count = 1;
	return uv_ip4_addr(host, port, (struct sockaddr_in *)first) == 0 ||
		uv_ip6_addr(host, port, (struct sockaddr_in6 *)first) == 0;
}

static void
let_go(struct shared *shared)
{
	pthread_mutex_lock(&shared->lock);
	bool last = --shared->sides == 0;
	pthread_mutex_unlock(&shared->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&shared->lock);
	free(shared->host);
	free(shared);
}

static void
take_over(struct redis_addresses *into, const struct addrinfo *found)
{
	for (; found && into->count < REDIS_LOOKUP_MAX; found = found->ai_next)
		if (found->ai_addrlen <= sizeof into->list[0])
			memcpy(&into->list[into->count++], found->ai_addr, found->ai_addrlen);
}

static void *
run(void *arg)
{
	struct shared *shared = arg;
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
	struct addrinfo *found = NULL;

	int error = getaddrinfo(shared->host, shared->port, &hints, &found);
	pthread_mutex_lock(&shared->lock);
	shared->error = error;
	if (!error)
		take_over(&shared->addresses, found);
	if (shared->wake)
		uv_async_send(shared->wake);
	pthread_mutex_unlock(&shared->lock);
	if (!error)
		freeaddrinfo(found);
	let_go(shared);
	return NULL;
}

static void
on_closed(uv_handle_t *handle)
{
	struct redis_lookup *lookup = UTIL_OWNER(handle, struct redis_lookup, wake);
	void (*gone)(void *) = lookup->gone;
	void *arg = lookup->arg;

	let_go(lookup->shared);
	free(lookup);
	gone(arg);
}

static void
on_found(uv_async_t *wake)
{
	struct redis_lookup *lookup = UTIL_OWNER(wake, struct redis_lookup, wake);
	struct shared *shared = lookup->shared;

	if (uv_is_closing((uv_handle_t *)wake))
		return;
	redis_lookup_cancel(lookup);
	/* the thread has done its work: nobody but us looks at it now */
	if (shared->addresses.count)
		lookup->done(lookup->arg, &shared->addresses, NULL);
	else
		lookup->done(lookup->arg, NULL,
			shared->error ? gai_strerror(shared->error) : "it has no address");
}

/* A thread that nobody waits for and that no signal goes to. */
static bool
start_thread(struct shared *shared)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	pthread_t thread;

	if (pthread_attr_init(&attributes))
		return false;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&thread, &attributes, run, shared);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return error == 0;
}

struct redis_lookup *
redis_lookup_start(uv_loop_t *loop, const char *host, int port, redis_lookup_done *done,
	void (*gone)(void *arg), void *arg)
{
	struct redis_lookup *lookup = x_calloc(1, sizeof *lookup);
	struct shared *shared = x_calloc(1, sizeof *shared);

	*lookup = (struct redis_lookup){.shared = shared, .done = done, .gone = gone, .arg = arg};
	if (uv_async_init(loop, &lookup->wake, on_found)) {
		free(shared);
		free(lookup);
		return NULL;
	}
	pthread_mutex_init(&shared->lock, NULL);
	shared->host = x_strdup(host);
	(void)snprintf(shared->port, sizeof shared->port, "%d", port);
	shared->wake = &lookup->wake;
	shared->sides = 2;
	if (!start_thread(shared)) {
		shared->sides = 1;
		shared->error = EAI_AGAIN;
		uv_async_send(&lookup->wake);
	}
	return lookup;
}

void
redis_lookup_cancel(struct redis_lookup *lookup)
{
	pthread_mutex_lock(&lookup->shared->lock);
	lookup->shared->wake = NULL;
	pthread_mutex_unlock(&lookup->shared->lock);
	uv_close((uv_handle_t *)&lookup->wake, on_closed);
}
