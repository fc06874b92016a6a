/* SPDX-License-Identifier: MIT */
/*
 * The real transport when libcurl's n-th allocation fails, for every n, once and from then on:
 * every exchange still ends once, the transport works again when there is memory, and nothing is
 * left over.
 */
#include <check.h>
#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/exchange.h"
#include "support/tiny_http.h"

#define NONE_FAILS (-1000000000L)

/* libcurl also allocates on a thread of its own, which looks up names. */
static atomic_long countdown = NONE_FAILS; /* allocations until one fails; below it: none */
static atomic_long live;                   /* blocks that libcurl holds */
static atomic_long failed_allocations;
static bool for_ever;

static bool
fails(void)
{
	long left = atomic_fetch_sub(&countdown, 1);

	if (left != 1 && !(for_ever && left < 1 && left > NONE_FAILS))
		return false;
	atomic_fetch_add(&failed_allocations, 1);
	return true;
}

static void *
count(void *memory)
{
	atomic_fetch_add(&live, memory != NULL);
	return memory;
}

static void *
test_malloc(size_t bytes)
{
	return fails() ? NULL : count(malloc(bytes));
}

static void *
test_calloc(size_t items, size_t bytes)
{
	return fails() ? NULL : count(calloc(items, bytes));
}

static void *
test_realloc(void *old, size_t bytes)
{
	if (fails())
		return NULL;
	void *memory = realloc(old, bytes);
	atomic_fetch_add(&live, !old && memory);
	return memory;
}

static char *
test_strdup(const char *text)
{
	return fails() ? NULL : count(strdup(text));
}

static void
test_free(void *memory)
{
	atomic_fetch_sub(&live, memory != NULL);
	free(memory);
}

/* A look-up that was given up ends when it likes. */
static bool
all_is_given_back(void)
{
	const struct timespec pause = {.tv_nsec = 1000 * 1000};

	for (int i = 0; i < 5000 && live > 0; i++)
		nanosleep(&pause, NULL);
	return live == 0;
}

static const struct tiny_reply reply = {
	.bytes = "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\n\r\nok"};

/* Until all are done; what is held is let go once its headers were told, and its body waits. */
static void
run_held(struct stage *stage, struct exchange *held)
{
	while (stage->running > 0) {
		uv_run(&stage->loop, UV_RUN_ONCE);
		if (held->transfer && held->headers_told)
			transport_hold(stage->transport, held->transfer, false);
	}
}

/*
 * Two at once, one of them held for a while, and a third that reuses a connection: whether all of
 * them were answered.
 */
static bool
play(struct stage *stage, struct exchange *exchanges)
{
	bool answered = true;

	exchanges[1].request.stream = true;
	exchange_start(&exchanges[0]);
	exchange_start(&exchanges[1]);
	transport_hold(stage->transport, exchanges[1].transfer, true);
	run_held(stage, &exchanges[1]);
	exchange_start(&exchanges[2]);
	stage_run(stage);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(exchanges[i].done_told, 1);
		answered = answered && exchanges[i].result.end == TRANSPORT_DONE;
	}
	return answered;
}

/* Whether an allocation failed before the play was over. */
static bool
play_with_failure(long n)
{
	struct stage stage;
	struct exchange exchanges[3];

	ck_assert_int_eq(curl_global_init_mem(CURL_GLOBAL_DEFAULT, test_malloc, test_free,
				 test_realloc, test_strdup, test_calloc),
		CURLE_OK);
	stage_open(&stage);
	struct tiny_http *tiny = tiny_http_new(&stage.loop, &reply, 1);
	for (int i = 0; i < 3; i++)
		exchange_init(&exchanges[i], &stage, tiny_http_port(tiny));
	failed_allocations = 0;
	countdown = n;
	bool answered = play(&stage, exchanges);
	countdown = NONE_FAILS;
	bool failed = failed_allocations > 0;
	ck_assert(answered || failed);
	ck_assert(play(&stage, exchanges));
	for (int i = 0; i < 3; i++)
		exchange_free(&exchanges[i]);
	tiny_http_close(tiny);
	stage_close(&stage);
	curl_global_cleanup();
	ck_assert_msg(
		all_is_given_back(), "%ld blocks left after allocation %ld failed", (long)live, n);
	return failed;
}

START_TEST(no_failed_allocation_loses_an_exchange)
{
	long n = 1;

	for_ever = _i == 1;
	while (play_with_failure(n))
		n++;
	ck_assert_int_gt(n, 50);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("transport_torture");
	TCase *tc = tcase_create("memory");

	tcase_add_loop_test(tc, no_failed_allocation_loses_an_exchange, 0, 2);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
