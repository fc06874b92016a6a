/* SPDX-License-Identifier: MIT */
/*
 * One user that takes all it can get, and what others notice: the real daemon of root, asked by
 * several users. Only root can become another user, so for anybody else there is little to see.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/daemon.h"
#include "support/fake_provider.h"
#include "util.h"

/* Users that no machine has. */
#define HOG 54321
#define SECOND_HOG 54322
#define OTHER 54323
#define ADMIN 54324

#define GENERATE "[{\"prompt\":\"hello\"}]"
#define BIG_BYTES ((size_t)60 << 10)
#define TRIES_MAX 2000

static struct daemon daemon_;
static struct daemon *const d = &daemon_;
static struct fake_provider *fp;

static void
start(const char *settings)
{
	static const char *const options[] = {"--provider", "a=openai", NULL};

	fp = fake_provider_start(options);
	daemon_init(d);
	daemon_configure(d,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: k, models: [m]}\n"
		"chains: {default: {targets: [a/m]}}\n"
		"access: {admins: [54324]}\n"
		"%s",
		fake_provider_url(fp, "a"), settings);
	ck_assert_int_eq(chmod(d->directory, 0755), 0);
	daemon_start(d);
}

static void
stop(void)
{
	daemon_stop(d);
	fake_provider_stop(fp);
}

/* A connection of that user's. */
static void
open_as(struct wire *wire, uid_t uid)
{
	ck_assert_int_eq(seteuid(uid), 0);
	wire_open(wire, d->socket);
	ck_assert_int_eq(seteuid(0), 0);
}

/* Is that connection served? */
static bool
is_served(struct wire *wire)
{
	size_t count;
	char *bytes = wire_pack(1, "hello", "[]", &count);

	/* who is turned away may find it closed already */
	(void)wire_send(wire, bytes, count);
	free(bytes);
	struct wire_reply reply = wire_read(wire);
	bool served = !reply.closed && strcmp(wire_code(&reply), "busy") != 0;
	wire_reply_free(&reply);
	return served;
}

static bool
finds_a_place(uid_t uid)
{
	struct wire wire;

	open_as(&wire, uid);
	bool served = is_served(&wire);
	wire_close(&wire);
	return served;
}

/* How many of so many connections of that user's are served; the others are closed. */
static int
open_many(struct wire *wires, int count, uid_t uid)
{
	int served = 0;

	for (int i = 0; i < count; i++) {
		open_as(&wires[served], uid);
		if (is_served(&wires[served]))
			served++;
		else
			wire_close(&wires[served]);
	}
	return served;
}

START_TEST(one_users_connections_run_out_and_others_find_theirs)
{
	enum { MANY = 40 };
	struct wire hog[MANY], second[MANY];
	int tries = 0;

	start("socket: {mode: \"0666\", max_connections: 40}\n");
	ck_assert_int_eq(open_many(hog, MANY, HOG), MANY / 2);
	ck_assert(finds_a_place(OTHER));
	/* together two of them take all but those that are kept for administrators */
	ck_assert_int_eq(open_many(second, MANY, SECOND_HOG), MANY / 4);
	ck_assert(!finds_a_place(OTHER));
	ck_assert(finds_a_place(ADMIN));
	ck_assert(finds_a_place(0));
	for (int i = 0; i < MANY / 4; i++)
		wire_close(&second[i]);
	while (!finds_a_place(OTHER))
		ck_assert_int_lt(++tries, TRIES_MAX);
	for (int i = 0; i < MANY / 2; i++)
		wire_close(&hog[i]);
	stop();
}
END_TEST

START_TEST(one_users_calls_fill_neither_the_places_nor_the_queue)
{
	struct wire hog[2], other, admin;

	start("socket: {mode: \"0666\"}\nlimits: {calls: 4, queue: 4}\n");
	fake_provider_script(fp, "a", "hold x20; ok");
	open_as(&hog[0], HOG);
	open_as(&hog[1], HOG);
	/* three quarters run, and as many wait */
	for (uint32_t i = 0; i < 6; i++)
		wire_request(&hog[i % 2], i, "generate", GENERATE);
	fake_provider_wait(fp, "a", "in_flight=3");
	for (uint32_t i = 6; i < 8; i++) {
		wire_request(&hog[i % 2], i, "generate", GENERATE);
		struct wire_reply reply = wire_expect(&hog[i % 2], i, "busy");
		ck_assert_ptr_nonnull(
			strstr(json_text(reply.error, "message"), "limits.user_queue"));
		wire_reply_free(&reply);
	}
	open_as(&other, OTHER);
	wire_request(&other, 1, "generate", GENERATE);
	fake_provider_wait(fp, "a", "in_flight=4");
	open_as(&admin, ADMIN);
	wire_request(&admin, 1, "generate", GENERATE);
	fake_provider_wait(fp, "a", "in_flight=5");
	wire_request(&admin, 2, "clear_cache", "[]");
	wire_expect_only(&admin, 2, NULL);
	wire_close(&hog[0]);
	wire_close(&hog[1]);
	fake_provider_wait(fp, "a", "cancelled=3&in_flight=2");
	ck_assert_int_eq(fake_provider_release(fp, "a"), 2);
	wire_expect_only(&other, 1, NULL);
	wire_expect_only(&admin, 1, NULL);
	wire_close(&other);
	wire_close(&admin);
	stop();
}
END_TEST

static char *
big_params(void)
{
	char *text = x_malloc(BIG_BYTES + 1);
	memset(text, 'x', BIG_BYTES);
	text[BIG_BYTES] = '\0';
	char *params = x_asprintf("[{\"prompt\":\"%s\"}]", text);
	free(text);
	return params;
}

START_TEST(one_users_bytes_leave_room_for_those_of_others)
{
	struct wire hog, other, admin;
	char *params = big_params();

	start("socket: {mode: \"0666\"}\nlimits: {user_queued: 256KiB}\n");
	fake_provider_script(fp, "a", "hold x20; ok");
	open_as(&hog, HOG);
	for (uint32_t i = 0; i < 5; i++)
		wire_request(&hog, i, "generate", params);
	struct wire_reply reply = wire_expect(&hog, 4, "busy");
	ck_assert_ptr_nonnull(strstr(json_text(reply.error, "message"), "limits.user_queued"));
	wire_reply_free(&reply);
	fake_provider_wait(fp, "a", "in_flight=4");
	open_as(&other, OTHER);
	wire_request(&other, 1, "generate", params);
	fake_provider_wait(fp, "a", "in_flight=5");
	open_as(&admin, ADMIN);
	for (uint32_t i = 0; i < 5; i++)
		wire_request(&admin, i, "generate", params);
	fake_provider_wait(fp, "a", "in_flight=10");
	wire_close(&hog);
	wire_close(&other);
	wire_close(&admin);
	fake_provider_wait(fp, "a", "in_flight=0");
	free(params);
	stop();
}
END_TEST

START_TEST(one_that_reads_nothing_is_ended_when_its_user_owes_too_much)
{
	char bytes[32 * 1024];
	size_t all = 0, count;
	struct wire hog;

	start("socket: {mode: \"0666\"}\nlimits: {user_queued: 64KiB}\n");
	while (all + 32 < sizeof bytes) {
		char *one = wire_pack((uint32_t)all, "status", "[]", &count);

		memcpy(bytes + all, one, count);
		all += count;
		free(one);
	}
	open_as(&hog, HOG);
	ck_assert(wire_send(&hog, bytes, all));
	/* it is told so in the log when the end has come; then what was sent before can be read */
	for (int tries = 0; daemon_logged(d, "does not read its replies") == 0; tries++) {
		ck_assert_int_lt(tries, TRIES_MAX);
		ck_assert(finds_a_place(OTHER));
	}
	(void)wire_drain(&hog);
	wire_close(&hog);
	stop();
}
END_TEST

START_TEST(who_is_handed_a_connection_has_the_rights_of_the_one_that_made_it)
{
	struct wire wire, handed;

	start("socket: {mode: \"0666\"}\n");
	open_as(&wire, OTHER);
	/* root speaks over it, as a process that it was passed to would: still that user's */
	wire_attach(&handed, dup(wire.fd));
	wire_request(&handed, 1, "clear_cache", "[]");
	struct wire_reply reply = wire_expect(&handed, 1, "not_permitted");
	ck_assert_ptr_nonnull(strstr(json_text(reply.error, "message"), "uid 54323"));
	wire_reply_free(&reply);
	wire_close(&handed);
	wire_close(&wire);
	/* and the other way round: a stranger with root's */
	wire_open(&wire, d->socket);
	ck_assert_int_eq(seteuid(OTHER), 0);
	wire_request(&wire, 1, "clear_cache", "[]");
	wire_expect_only(&wire, 1, NULL);
	ck_assert_int_eq(seteuid(0), 0);
	wire_close(&wire);
	stop();
}
END_TEST

START_TEST(nobody_cancels_what_is_anothers)
{
	struct wire mine, second, other;

	start("socket: {mode: \"0666\"}\n");
	fake_provider_script(fp, "a", "hold; ok");
	open_as(&mine, HOG);
	open_as(&second, HOG);
	open_as(&other, OTHER);
	wire_request(&mine, 7, "generate", GENERATE);
	fake_provider_wait(fp, "a", "held=1");
	wire_request(&other, 1, "cancel", "[{\"msgid\":7}]");
	wire_expect_only(&other, 1, "not_found");
	/* not over another connection of the same user, either */
	wire_request(&second, 1, "cancel", "[{\"msgid\":7}]");
	wire_expect_only(&second, 1, "not_found");
	ck_assert_int_eq(fake_provider_release(fp, "a"), 1);
	wire_expect_only(&mine, 7, NULL);
	wire_close(&mine);
	wire_close(&second);
	wire_close(&other);
	stop();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("users of the daemon");
	TCase *tests = tcase_create("users");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 60);
	if (geteuid() == 0) {
		tcase_add_test(tests, one_users_connections_run_out_and_others_find_theirs);
		tcase_add_test(tests, one_users_calls_fill_neither_the_places_nor_the_queue);
		tcase_add_test(tests, one_users_bytes_leave_room_for_those_of_others);
		tcase_add_test(tests, one_that_reads_nothing_is_ended_when_its_user_owes_too_much);
		tcase_add_test(
			tests, who_is_handed_a_connection_has_the_rights_of_the_one_that_made_it);
		tcase_add_test(tests, nobody_cancels_what_is_anothers);
	}
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
