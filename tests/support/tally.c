/* SPDX-License-Identifier: MIT */
/* See tally.h. */
#include "tally.h"

#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void
tally_init(struct tally *tally, struct llmfo_client *client)
{
	memset(tally, 0, sizeof *tally);
	tally->client = client;
}

void
tally_check(struct tally *tally)
{
	ck_assert_uint_eq(tally->ended, tally->started);
	for (size_t i = 0; i < tally->started; i++) {
		ck_assert_int_eq(tally->calls[i].times, 1);
		llmfo_reply_free(tally->calls[i].reply);
		tally->calls[i].reply = NULL;
	}
}

static void
on_done(void *arg, uint64_t id, int error, struct llmfo_reply *reply)
{
	struct tally_call *call = arg;
	struct tally *tally = call->tally;

	ck_assert(!tally->starting);
	ck_assert_uint_eq(id, call->id);
	ck_assert_int_eq(++call->times, 1);
	ck_assert((error < 0 && error >= -39 && error != LLMFO_ECANCELLED) || error == 0
			? reply != NULL
			: error == LLMFO_ECANCELLED || !reply);
	ck_assert(!error || *llmfo_client_error(tally->client));
	call->error = error;
	call->reply = reply;
	tally->ended++;
	tally->with[-error]++;
	if (tally->then)
		tally->then(tally, call);
}

size_t
tally_start(struct tally *tally, const char *method, const struct llmfo_params *params,
	int64_t timeout_ms)
{
	struct tally_call *call = &tally->calls[tally->started];
	bool before = tally->starting;

	ck_assert_uint_lt(tally->started, TALLY_MAX);
	call->tally = tally;
	tally->starting = true;
	ck_assert_int_eq(
		llmfo_start(tally->client, method, params, timeout_ms, on_done, call, &call->id),
		0);
	tally->starting = before;
	ck_assert_uint_ne(call->id, 0);
	return tally->started++;
}

void
tally_cancel(struct tally *tally, size_t index)
{
	tally->starting = true;
	ck_assert_int_eq(llmfo_cancel(tally->client, tally->calls[index].id), 0);
	tally->starting = false;
}

void
tally_step(struct tally *tally, int64_t at_most_ms)
{
	int64_t wait_ms = llmfo_timeout_ms(tally->client);
	struct pollfd pollfd = {.fd = llmfo_fd(tally->client), .events = 0};
	int events = llmfo_events(tally->client);

	ck_assert_int_ge(pollfd.fd, 0);
	if (events & LLMFO_WANT_READ)
		pollfd.events |= POLLIN;
	if (events & LLMFO_WANT_WRITE)
		pollfd.events |= POLLOUT;
	if (wait_ms < 0 || wait_ms > at_most_ms)
		wait_ms = at_most_ms;
	ck_assert_int_ge(poll(&pollfd, 1, (int)wait_ms), 0);
	ck_assert_int_eq(llmfo_process(tally->client), 0);
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
tally_run(struct tally *tally, size_t ended)
{
	int64_t until_ms = now_ms() + TALLY_LONG_MS;

	while (tally->ended < ended) {
		int64_t left_ms = until_ms - now_ms();

		ck_assert_msg(left_ms > 0, "%zu of %zu calls have ended", tally->ended, ended);
		tally_step(tally, left_ms);
	}
	ck_assert_uint_eq(tally->ended, ended);
}

struct llmfo_params *
tally_params(size_t length)
{
	struct llmfo_params *params = llmfo_params_new();
	char *text = malloc(length);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', length);
	ck_assert_int_eq(llmfo_params_set_string_len(params, "prompt", text, length), 0);
	free(text);
	return params;
}
