/* SPDX-License-Identifier: MIT */
/* See storm.h. */
#include "storm.h"

#include <check.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "llmfo.h"

#define CALL_MS 60000
#define SIDE_BY_SIDE 6

struct storm_shared {
	_Atomic int stop;
	struct storm_count counts[STORM_KINDS];
};

/* One call of a client process. */
struct ask {
	struct storm_count *count;
	char prompt[40];
	char told[200]; /* of a stream, so far */
	int times;
	int64_t start_ms;
};

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct llmfo_params *
begin(struct ask *ask, struct storm_count *count, int kind)
{
	struct llmfo_params *params = llmfo_params_new();

	*ask = (struct ask){.count = count, .start_ms = now_ms()};
	snprintf(ask->prompt, sizeof ask->prompt, "call %d-%lld.", kind,
		(long long)++count->started);
	(void)llmfo_params_set_string(params, "prompt", ask->prompt);
	return params;
}

static void
end(struct ask *ask, int error, const struct llmfo_reply *reply, bool stream)
{
	struct storm_count *count = ask->count;
	const char *text = llmfo_reply_string(reply, "text");
	int64_t took_ms = now_ms() - ask->start_ms;

	if (++ask->times > 1) {
		count->doubled++;
		return;
	}
	if (!error && (!strstr(text, ask->prompt) || (stream && strcmp(text, ask->told) != 0)))
		count->wrong++;
	count->with[-error]++;
	if (took_ms > count->longest_ms)
		count->longest_ms = took_ms;
	count->ended++;
}

static void
on_delta(void *arg, uint64_t id, const struct llmfo_value *delta)
{
	struct ask *ask = arg;
	const char *text = llmfo_value_string(llmfo_value_get(delta, "text"), NULL);
	size_t length = strlen(ask->told);

	(void)id;
	snprintf(ask->told + length, sizeof ask->told - length, "%s", text ? text : "");
}

static void
on_done(void *arg, uint64_t id, int error, struct llmfo_reply *reply)
{
	(void)id;
	end(arg, error, reply, false);
	llmfo_reply_free(reply);
}

static void
on_stream_done(void *arg, uint64_t id, int error, struct llmfo_reply *reply)
{
	(void)id;
	end(arg, error, reply, true);
	llmfo_reply_free(reply);
}

static struct llmfo_client *
connect_to(const char *socket)
{
	struct llmfo_client *client;

	if (llmfo_client_new(&client, socket) < 0)
		_exit(3);
	return client;
}

static void
call_and_wait(const char *socket, struct storm_shared *shared, enum storm_kind kind)
{
	struct storm_count *count = &shared->counts[kind];
	struct llmfo_client *client = connect_to(socket);

	while (!shared->stop) {
		struct llmfo_reply *reply;
		struct ask ask;
		struct llmfo_params *params = begin(&ask, count, kind);
		bool stream = kind == STORM_BLOCKING_STREAM;
		int error = stream ? llmfo_generate_stream(
					     client, params, CALL_MS, on_delta, &ask, &reply)
				   : llmfo_generate(client, params, CALL_MS, &reply);

		end(&ask, error, reply, stream);
		llmfo_reply_free(reply);
		llmfo_params_free(params);
		if (kind == STORM_FRESH) {
			llmfo_client_free(client);
			client = connect_to(socket);
		}
	}
	llmfo_client_free(client);
}

static void
start_one(struct llmfo_client *client, struct ask *ask, struct storm_count *count, int kind)
{
	struct llmfo_params *params = begin(ask, count, kind);
	int error = kind == STORM_LOOP
		? llmfo_start(client, "generate", params, CALL_MS, on_done, ask, NULL)
		: llmfo_start_stream(client, params, CALL_MS, on_delta, on_stream_done, ask, NULL);

	if (error)
		_exit(4);
	llmfo_params_free(params);
}

static void
call_side_by_side(const char *socket, struct storm_shared *shared, enum storm_kind kind)
{
	struct storm_count *count = &shared->counts[kind];
	struct llmfo_client *client = connect_to(socket);
	static struct ask asks[SIDE_BY_SIDE];
	struct pollfd ready = {.fd = llmfo_fd(client), .events = POLLIN};

	while (!shared->stop || count->ended < count->started) {
		for (int i = 0; i < SIDE_BY_SIDE && !shared->stop; i++)
			if (count->started == count->ended || asks[i].times > 0 ||
				!asks[i].prompt[0])
				start_one(client, &asks[i], count, kind);
		int64_t wait_ms = llmfo_timeout_ms(client);
		(void)poll(&ready, 1, wait_ms > INT_MAX ? INT_MAX : (int)wait_ms);
		(void)llmfo_process(client);
	}
	llmfo_client_free(client);
}

void
storm_start(struct storm *storm, const char *socket)
{
	storm->shared = mmap(NULL, sizeof *storm->shared, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(storm->shared != MAP_FAILED);
	for (int kind = 0; kind < STORM_KINDS; kind++) {
		storm->pids[kind] = fork();
		ck_assert_int_ge(storm->pids[kind], 0);
		if (storm->pids[kind] > 0)
			continue;
		child_leaves_check();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (kind == STORM_LOOP || kind == STORM_LOOP_STREAM)
			call_side_by_side(socket, storm->shared, (enum storm_kind)kind);
		else
			call_and_wait(socket, storm->shared, (enum storm_kind)kind);
		_exit(0);
	}
}

int64_t
storm_ended(const struct storm *storm)
{
	int64_t ended = 0;

	for (int kind = 0; kind < STORM_KINDS; kind++)
		ended += storm->shared->counts[kind].ended;
	return ended;
}

void
storm_stop(struct storm *storm)
{
	int status;

	storm->shared->stop = 1;
	for (int kind = 0; kind < STORM_KINDS; kind++) {
		ck_assert_int_eq(waitpid(storm->pids[kind], &status, 0), storm->pids[kind]);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
			"client process %d ended with %d", kind, status);
	}
}

static void
tell(const char *name, const struct storm_count *count)
{
	printf("%-16s %7lld calls, %lld doubled, %lld wrong, longest %lld ms", name,
		(long long)count->started, (long long)count->doubled, (long long)count->wrong,
		(long long)count->longest_ms);
	for (int i = 1; i < 64; i++)
		if (count->with[i])
			printf(", %s: %lld", llmfo_error_code(-i), (long long)count->with[i]);
	printf("\n");
}

static void
add(struct storm_count *sum, const struct storm_count *count)
{
	sum->started += count->started;
	sum->ended += count->ended;
	sum->doubled += count->doubled;
	sum->wrong += count->wrong;
	if (count->longest_ms > sum->longest_ms)
		sum->longest_ms = count->longest_ms;
	for (int i = 0; i < 64; i++)
		sum->with[i] += count->with[i];
}

void
storm_sum(const struct storm *storm, struct storm_count *sum)
{
	static const char *const names[] = {
		"blocking", "blocking stream", "loop", "loop stream", "fresh client"};

	memset(sum, 0, sizeof *sum);
	for (int kind = 0; kind < STORM_KINDS; kind++) {
		tell(names[kind], &storm->shared->counts[kind]);
		add(sum, &storm->shared->counts[kind]);
	}
	tell("all", sum);
}

void
storm_free(struct storm *storm)
{
	(void)munmap(storm->shared, sizeof *storm->shared);
}
