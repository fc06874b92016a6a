/* SPDX-License-Identifier: MIT */
/*
 * The client library without memory: every allocation of a whole session, its own and those of
 * MessagePack, is made to fail once. Each time the call fails with the code for it or works, what
 * was started is called back once, and nothing is left allocated. The C library's allocator is
 * replaced for this, which a sanitizer does not allow: there this program has nothing to test.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "support/fake_daemon.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static struct {
	bool armed;
	long left; /* allocations until one fails */
	long live; /* blocks allocated while armed and not freed */
	bool failed;
} memory;

#if !SANITIZED
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);
extern void __libc_free(void *block);

static bool
fails(void)
{
	if (!memory.armed || --memory.left != 0)
		return false;
	memory.failed = true;
	errno = ENOMEM;
	return true;
}

static void *
count(void *block)
{
	if (memory.armed && block)
		memory.live++;
	return block;
}

void *
malloc(size_t bytes)
{
	return fails() ? NULL : count(__libc_malloc(bytes));
}

void *
calloc(size_t number, size_t bytes)
{
	return fails() ? NULL : count(__libc_calloc(number, bytes));
}

void *
realloc(void *old, size_t bytes)
{
	if (fails())
		return NULL;
	return old ? __libc_realloc(old, bytes) : count(__libc_realloc(NULL, bytes));
}

void
free(void *block)
{
	if (memory.armed && block)
		memory.live--;
	__libc_free(block);
}
#endif

static void
serve_status(int fd, int connection, const void *arg)
{
	struct fake_request request;

	(void)connection, (void)arg;
	while (fake_read(fd, &request)) {
		if (strcmp(request.method, "bad") == 0)
			fake_reply(fd, request.msgid,
				"{\"code\": \"busy\", \"message\": \"no room\"}", NULL);
		else if (strcmp(request.method, "generate") == 0)
			fake_notify(fd, "delta", request.msgid, "{\"text\": \"x\"}");
		if (strcmp(request.method, "bad") != 0)
			fake_reply(fd, request.msgid, NULL,
				"{\"list\": [1, [2, [3, {}]], {\"a\": \"b\"}], \"text\": \"x\"}");
		fake_request_free(&request);
	}
}

static void
on_delta(void *arg, uint64_t id, const struct llmfo_value *delta)
{
	(void)id;
	*(int *)arg += llmfo_value_get(delta, "text") != NULL;
}

/* Three calls with all kinds of parameters, one a stream. The first error, or 0. */
static int
session(const char *path)
{
	struct llmfo_params *params = llmfo_params_new();
	struct llmfo_client *client = NULL;
	struct llmfo_reply *good = NULL;
	struct llmfo_reply *bad = NULL;
	int deltas = 0;
	int error = params ? llmfo_client_new(&client, path) : LLMFO_ENO_MEMORY;

	(void)llmfo_params_set_string(params, "a", "text");
	(void)llmfo_params_add_string(params, "b", "item");
	(void)llmfo_params_add_message(params, "user", "hello");
	(void)llmfo_params_set_bool(params, "c", true);
	if (!error)
		error = llmfo_generate(client, params, 10000, &good);
	if (!error && llmfo_reply_int(good, "list", -1) != -1)
		error = LLMFO_EINTERNAL;
	llmfo_reply_free(good);
	good = NULL;
	if (!error)
		error = llmfo_generate_stream(client, params, 10000, on_delta, &deltas, &good);
	if (!error && deltas != 1)
		error = LLMFO_EINTERNAL;
	if (!error)
		error = llmfo_call(client, "bad", params, 10000, &bad);
	llmfo_reply_free(good);
	llmfo_reply_free(bad);
	llmfo_client_free(client);
	llmfo_params_free(params);
	return error;
}

START_TEST(no_allocation_that_fails_does_more_than_fail_the_call)
{
	struct fake_daemon fake;
	long number = 0;

	fake_daemon_start(&fake, serve_status, NULL);
	do {
		memory.failed = false;
		memory.live = 0;
		memory.left = ++number;
		memory.armed = true;
		int error = session(fake.path);
		memory.armed = false;
		ck_assert_msg(error == (memory.failed ? LLMFO_ENO_MEMORY : LLMFO_EBUSY),
			"allocation %ld: %s", number, llmfo_error_code(error));
		ck_assert_msg(memory.live == 0, "allocation %ld: %ld blocks are left", number,
			memory.live);
	} while (memory.failed);
	ck_assert_int_gt(number, 10);
	fake_daemon_stop(&fake);
}
END_TEST

/* What came of a session with started calls and a subscription. */
struct story {
	int started, ended, with_memory_error, refused;
	int events, stands;
	uint64_t last_id;
	struct llmfo_client *client;
};

static void
on_done(void *arg, uint64_t id, int error, struct llmfo_reply *reply)
{
	struct story *story = arg;

	(void)id;
	story->ended++;
	story->with_memory_error += error == LLMFO_ENO_MEMORY;
	llmfo_reply_free(reply);
}

static void
on_event(void *arg, int error, const struct llmfo_value *event)
{
	struct story *story = arg;

	story->events++;
	story->stands += !error && !event;
}

static void
start(struct story *story, const char *method, const struct llmfo_params *params)
{
	int error = llmfo_start(story->client, method, params, 10000, on_done, story, NULL);

	story->started += error == 0;
	story->refused += error == LLMFO_ENO_MEMORY;
	if (error && error != LLMFO_ENO_MEMORY)
		abort();
}

static void
on_piece(void *arg, uint64_t id, const struct llmfo_value *delta)
{
	(void)arg, (void)id, (void)delta;
}

static void
start_stream(struct story *story, const struct llmfo_params *params)
{
	int error =
		llmfo_start_stream(story->client, params, 10000, on_piece, on_done, story, NULL);

	story->started += error == 0;
	story->refused += error == LLMFO_ENO_MEMORY;
	if (error && error != LLMFO_ENO_MEMORY)
		abort();
}

static void
run_story(struct story *story)
{
	for (int i = 0; i < 100 && (story->ended < story->started || !story->stands); i++) {
		int64_t wait_ms = llmfo_timeout_ms(story->client);
		int fd = llmfo_fd(story->client);
		struct pollfd pollfd = {.fd = fd, .events = POLLIN};

		(void)poll(&pollfd, 1, wait_ms < 0 || wait_ms > 1000 ? 1000 : (int)wait_ms);
		if (llmfo_process(story->client) < 0)
			abort();
	}
}

/* Six calls, one a stream and one cancelled, and a subscription. */
static void
tell_story(const char *path, struct story *story)
{
	static const char *const types[] = {"forced", "circuit", NULL};
	struct llmfo_params *params = llmfo_params_new();
	uint64_t id = 0;

	*story = (struct story){.started = 0};
	if (!params || llmfo_client_new(&story->client, path) < 0) {
		llmfo_params_free(params);
		return;
	}
	(void)llmfo_params_set_string(params, "a", "text");
	while (llmfo_subscribe(story->client, types, on_event, story) < 0)
		continue;
	start(story, "m", NULL);
	start(story, "generate", params);
	start(story, "bad", NULL);
	start_stream(story, params);
	if (llmfo_start(story->client, "m", NULL, 10000, on_done, story, &id) == 0)
		story->started++;
	run_story(story);
	if (llmfo_start(story->client, "m", NULL, 10000, on_done, story, &id) == 0) {
		story->started++;
		(void)llmfo_process(story->client);
		(void)llmfo_cancel(story->client, id);
	}
	run_story(story);
	llmfo_unsubscribe(story->client);
	(void)llmfo_process(story->client);
	llmfo_client_free(story->client);
	llmfo_params_free(params);
}

START_TEST(no_allocation_that_fails_loses_a_started_call)
{
	struct fake_daemon fake;
	struct story story;
	long number = 0;

	fake_daemon_start(&fake, serve_status, NULL);
	do {
		memory.failed = false;
		memory.live = 0;
		memory.left = ++number;
		memory.armed = true;
		tell_story(fake.path, &story);
		memory.armed = false;
		ck_assert_msg(story.ended == story.started, "allocation %ld: %d of %d have ended",
			number, story.ended, story.started);
		ck_assert_msg(memory.live == 0, "allocation %ld: %ld blocks are left", number,
			memory.live);
		ck_assert_msg(!story.client || story.stands, "allocation %ld: no events", number);
	} while (memory.failed);
	ck_assert_int_eq(story.started, 6);
	ck_assert_int_eq(story.with_memory_error, 0);
	ck_assert_int_gt(number, 20);
	fake_daemon_stop(&fake);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client without memory");
	TCase *tcase = tcase_create("allocations");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (!SANITIZED && !getenv("LLMFO_VALGRIND"))
		tcase_add_test(tcase, no_allocation_that_fails_does_more_than_fail_the_call);
	if (!SANITIZED && !getenv("LLMFO_VALGRIND"))
		tcase_add_test(tcase, no_allocation_that_fails_loses_a_started_call);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
