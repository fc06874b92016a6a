/* SPDX-License-Identifier: MIT */
/*
 * Turns on a real loop: a user with many connections full of requests, and one request of another
 * user. Only root can be two users; for anybody else there is nothing to see here.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "listen.h"
#include "support/fake_clock.h"
#include "support/fake_transport.h"
#include "support/wire.h"

#define HOG 54321
#define OTHER 54322
#define CONNECTIONS 60
#define REQUESTS 100
#define CONFIG \
	"socket: {mode: \"0666\"}\n" \
	"providers:\n" \
	"  a: {api: ollama, base_url: 'http://a:1', models: [m]}\n" \
	"chains: {default: {targets: [a/m]}}\n"

static uv_loop_t loop;
static struct fake_clock fake;
static struct fake_transport transport;
static struct core core;
static struct listener *listener;
static char directory[] = "/tmp/llmfo-check-connection-XXXXXX";
static char path[sizeof directory + 8];
static struct wire hog[CONNECTIONS], other;

static void
setup(void)
{
	struct config_faults faults = {0};
	struct config_env env = {0};
	struct config *config = config_read_text(CONFIG, strlen(CONFIG), "c.yaml", &env, &faults);
	struct buf why;

	signal(SIGPIPE, SIG_IGN);
	ck_assert_ptr_nonnull(config);
	config_faults_free(&faults);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chmod(directory, 0755), 0);
	snprintf(path, sizeof path, "%s/s", directory);
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	fake_clock_init(&fake);
	fake_transport_init(&transport, &fake);
	core_init(&core, &fake.clock, &transport.transport, config, NULL, 1);
	config_unref(config);
	buf_init(&why, 1000);
	listener = listen_start(&loop, &core, path, -1, &why);
	ck_assert_msg(listener != NULL, "%s", why.data);
	buf_free(&why);
}

static void
on_closed(void *arg)
{
	*(bool *)arg = true;
}

static void
teardown(void)
{
	bool closed = false;

	listen_close(listener, on_closed, &closed);
	ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
	ck_assert(closed);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
	core_free(&core);
	fake_transport_free(&transport);
	fake_clock_free(&fake);
	ck_assert_int_eq(rmdir(directory), 0);
}

static void
open_as(struct wire *wire, uid_t uid)
{
	ck_assert_int_eq(seteuid(uid), 0);
	wire_open(wire, path);
	ck_assert_int_eq(seteuid(0), 0);
}

static void
one_turn(void)
{
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	fake_clock_advance(&fake, 0);
}

static bool
has_answer(const struct wire *wire)
{
	char byte;

	return recv(wire->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* How many whole replies are there to be read. */
static unsigned
answers(struct wire *wire)
{
	static char bytes[1 << 20];
	ssize_t count = recv(wire->fd, bytes, sizeof bytes, MSG_DONTWAIT);
	unsigned replies = 0;
	size_t at = 0, used;

	while (count > 0 && at < (size_t)count) {
		struct wire_reply reply = wire_parse(bytes + at, (size_t)count - at, &used);

		if (reply.closed)
			break;
		wire_reply_free(&reply);
		at += used;
		replies++;
	}
	return replies;
}

static void
ask_much(struct wire *wire, uint32_t requests)
{
	char *bytes = x_malloc((size_t)requests * 32);
	size_t all = 0, count;

	for (uint32_t i = 0; i < requests; i++) {
		char *one = wire_pack(i, "hello", "[]", &count);

		memcpy(bytes + all, one, count);
		all += count;
		free(one);
	}
	ck_assert(wire_send(wire, bytes, all));
	free(bytes);
}

/* All of the hog's are there before, each with as much as a turn of one connection would take. */
START_TEST(one_request_is_answered_before_thousands_of_another_user)
{
	unsigned before = 0, all = 0;
	int turns = 0;

	for (int i = 0; i < CONNECTIONS; i++)
		open_as(&hog[i], HOG);
	open_as(&other, OTHER);
	while (listen_connections(listener) < CONNECTIONS + 1)
		one_turn();
	for (int i = 0; i < CONNECTIONS; i++)
		ask_much(&hog[i], REQUESTS);
	wire_request(&other, 1, "hello", "[]");
	for (; !has_answer(&other); turns++)
		one_turn();
	ck_assert_int_le(turns, 2);
	for (int i = 0; i < CONNECTIONS; i++)
		before += answers(&hog[i]);
	printf("%u of %d before\n", before, CONNECTIONS * REQUESTS);
	ck_assert_uint_lt(before, CONNECTIONS * REQUESTS / 4);
	/* the others are not forgotten */
	for (all = before; all < CONNECTIONS * REQUESTS;) {
		one_turn();
		for (int i = 0; i < CONNECTIONS; i++)
			all += answers(&hog[i]);
	}
	for (int i = 0; i < CONNECTIONS; i++)
		wire_close(&hog[i]);
	wire_close(&other);
}
END_TEST

START_TEST(no_connection_of_a_user_waits_for_all_of_another)
{
	open_as(&hog[0], HOG);
	open_as(&hog[1], HOG);
	open_as(&other, OTHER);
	while (listen_connections(listener) < 3)
		one_turn();
	ask_much(&hog[0], 20 * REQUESTS);
	wire_request(&hog[1], 1, "hello", "[]");
	while (!has_answer(&hog[1]))
		one_turn();
	ck_assert_uint_lt(answers(&hog[0]), 20 * REQUESTS);
	wire_close(&hog[0]);
	wire_close(&hog[1]);
	wire_close(&other);
}
END_TEST

/* As one that leaves in the middle does. */
START_TEST(who_goes_while_its_turn_is_still_to_come_leaves_nothing)
{
	open_as(&hog[0], HOG);
	open_as(&other, OTHER);
	while (listen_connections(listener) < 2)
		one_turn();
	ask_much(&hog[0], 20 * REQUESTS);
	one_turn();
	wire_close(&hog[0]);
	while (listen_connections(listener) > 1)
		one_turn();
	wire_request(&other, 1, "hello", "[]");
	while (!has_answer(&other))
		one_turn();
	ck_assert_int_eq(core.users.count, 1);
	wire_close(&other);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("connections");
	TCase *tests = tcase_create("connections");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	if (geteuid() == 0) {
		tcase_add_test(tests, one_request_is_answered_before_thousands_of_another_user);
		tcase_add_test(tests, no_connection_of_a_user_waits_for_all_of_another);
		tcase_add_test(tests, who_goes_while_its_turn_is_still_to_come_leaves_nothing);
	}
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
