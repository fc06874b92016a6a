/* SPDX-License-Identifier: MIT */
/*
 * A daemon's bytes against the client library, with calls under way, one of them given up, and a
 * subscription: each call ends exactly once, whatever comes, and nothing is left over.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "llmfo.h"

const char fuzz_name[] = "client";

#define CALLS 8

struct calls {
	struct llmfo_client *client;
	struct call {
		struct calls *calls;
		int ended;
	} each[CALLS];
	int count;
	bool again; /* the first end starts another call */
};

static int listener = -1;
static struct sockaddr_un address = {.sun_family = AF_UNIX};

/* A socket in a folder of its own. */
static void
listen_once(void)
{
	char directory[] = "/tmp/llmfo-fuzz-XXXXXX";

	if (listener >= 0)
		return;
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || !mkdtemp(directory))
		abort();
	snprintf(address.sun_path, sizeof address.sun_path, "%s/s", directory);
	if (bind(listener, (const struct sockaddr *)&address, sizeof address) < 0 ||
		listen(listener, 4) < 0)
		abort();
}

static void
tidy(void)
{
	char *slash = strrchr(address.sun_path, '/');

	(void)unlink(address.sun_path);
	*slash = '\0';
	(void)rmdir(address.sun_path);
	*slash = '/';
	close(listener);
	listener = -1;
}

static void on_done(void *arg, uint64_t id, int error, struct llmfo_reply *reply);

static void
start(struct calls *calls)
{
	struct call *call = &calls->each[calls->count];

	call->calls = calls;
	if (llmfo_start(calls->client, "m", NULL, 1000, on_done, call, NULL) == 0)
		calls->count++;
}

static void
on_done(void *arg, uint64_t id, int error, struct llmfo_reply *reply)
{
	struct call *call = arg;
	bool again = call->calls->again;

	(void)error;
	if (id == 0 || call->ended++)
		abort();
	(void)llmfo_reply_string(reply, "usage.text");
	(void)llmfo_value_count(llmfo_value_at(llmfo_reply_value(reply), 0));
	llmfo_reply_free(reply);
	call->calls->again = false;
	if (again)
		start(call->calls);
}

static void
on_event(void *arg, int error, const struct llmfo_value *event)
{
	(void)arg, (void)error;
	(void)llmfo_value_string(llmfo_value_get(event, "type"), NULL);
}

/* All but the last of the calls, and the subscription, sent and lying at the daemon. */
static int
begin(struct calls *calls)
{
	if (llmfo_client_new(&calls->client, address.sun_path) < 0)
		abort();
	if (llmfo_subscribe(calls->client, NULL, on_event, NULL) < 0)
		abort();
	for (int i = 0; i < CALLS - 1; i++)
		start(calls);
	(void)llmfo_process(calls->client);
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 || llmfo_cancel(calls->client, 3) < 0)
		abort();
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	struct calls calls = {.again = true};
	size_t sent = 0;

	listen_once();
	int fd = begin(&calls);
	while (sent < count) {
		ssize_t done = send(fd, bytes + sent, count - sent, MSG_NOSIGNAL);

		(void)llmfo_process(calls.client);
		if (done < 0 && errno != EAGAIN)
			break; /* the client has had enough */
		sent += done > 0 ? (size_t)done : 0;
	}
	(void)llmfo_process(calls.client);
	close(fd);
	(void)llmfo_process(calls.client);
	llmfo_client_free(calls.client);
	for (int i = 0; i < calls.count; i++)
		if (calls.each[i].ended != 1)
			abort();
	tidy();
	return 0;
}
