/* SPDX-License-Identifier: MIT */
/* What users have, and what they may have, by themselves and in sessions. */
#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "rpc.h"
#include "support/talk.h"
#include "user.h"

#define ME 54321
#define OTHER 54322

START_TEST(a_user_is_there_as_long_as_anything_of_it_is)
{
	struct users users;

	users_init(&users);
	ck_assert_ptr_null(users_find(&users, ME));
	struct user *me = users_take(&users, ME), *other = users_take(&users, OTHER);
	ck_assert_ptr_ne(me, other);
	ck_assert_ptr_eq(users_take(&users, ME), me);
	ck_assert_ptr_eq(users_find(&users, ME), me);
	ck_assert_int_eq(users.count, 2);
	user_release(me);
	ck_assert_ptr_eq(users_find(&users, ME), me);
	user_release(me);
	ck_assert_ptr_null(users_find(&users, ME));
	ck_assert_ptr_eq(users_find(&users, OTHER), other);
	user_release(other);
	users_free(&users);
}
END_TEST

static const struct {
	struct config config;
	struct user_limits limits;
} limits[] = {
	{{.max_calls = 4096, .max_queue = 1024, .max_message_bytes = 1 << 20},
		{INT_MAX, 3072, 768, 8 << 20}},
	/* of few places all, but room in the queue for another one */
	{{.max_calls = 1, .max_queue = 0, .max_message_bytes = 1024}, {INT_MAX, 1, 0, 8192}},
	{{.max_calls = 2, .max_queue = 3, .max_message_bytes = 1024}, {INT_MAX, 2, 2, 8192}},
	{{.max_calls = 3, .max_queue = 1, .max_message_bytes = 1024}, {INT_MAX, 3, 1, 8192}},
	{{.max_calls = 4, .max_queue = 5, .max_message_bytes = 1024}, {INT_MAX, 3, 3, 8192}},
	{{.max_calls = 4,
		 .max_queue = 5,
		 .max_message_bytes = 1024,
		 .max_user_connections = 7,
		 .max_user_calls = 8,
		 .max_user_queue = 9,
		 .max_user_bytes = 10},
		{7, 8, 9, 10}},
};

START_TEST(a_user_may_have_most_unless_the_configuration_says_how_much)
{
	struct user_limits is = user_limits(&limits[_i].config);

	ck_assert_int_eq(is.connections, limits[_i].limits.connections);
	ck_assert_int_eq(is.calls, limits[_i].limits.calls);
	ck_assert_int_eq(is.queue, limits[_i].limits.queue);
	ck_assert_uint_eq(is.bytes, limits[_i].limits.bytes);
}
END_TEST

/* ---- in sessions ---- */

static struct talk talk_;
static struct talk *const t = &talk_;

static const struct user *
me(void)
{
	return users_find(&t->core.users, ME);
}

/* A request that asks no provider is answered at once. */
static void
expect_now(const char *method, const char *params, const char *code)
{
	talk_ask(t, 99, method, params);
	struct wire_reply reply = talk_reply(t);
	ck_assert(!reply.closed);
	ck_assert_uint_eq(reply.msgid, 99);
	ck_assert_str_eq(wire_code(&reply), code);
	wire_reply_free(&reply);
}

static void
expect_busy(uint32_t msgid, const char *key)
{
	struct wire_reply reply = talk_reply(t);

	ck_assert(!reply.closed);
	ck_assert_uint_eq(reply.msgid, msgid);
	ck_assert_str_eq(wire_code(&reply), "busy");
	ck_assert_ptr_nonnull(strstr(json_text(reply.error, "message"), key));
	wire_reply_free(&reply);
}

START_TEST(requests_and_half_messages_count_until_they_are_gone)
{
	size_t count;
	char *bytes = wire_pack(2, "generate", "[{\"prompt\":\"hello\"}]", &count);

	talk_begin(t, "", ME);
	ck_assert_int_eq(me()->connections, 1);
	talk_ask(t, 1, "generate", "[{\"prompt\":\"hello\"}]");
	ck_assert_uint_eq(me()->input_bytes, count);
	ck_assert_int_eq(me()->calls.running, 1);
	talk_feed(t, bytes, count - 3);
	ck_assert_uint_eq(me()->input_bytes, 2 * count - 3);
	ck_assert_uint_eq(t->core.input_bytes, 2 * count - 3);
	talk_hang_up(t);
	ck_assert_ptr_null(me());
	ck_assert_uint_eq(t->core.input_bytes, 0);
	talk_end(t);
	free(bytes);
}
END_TEST

START_TEST(calls_beyond_a_users_places_wait_and_beyond_its_queue_are_busy)
{
	talk_begin(t, "limits: {calls: 10, queue: 10, user_calls: 1, user_queue: 1}\n", ME);
	for (uint32_t i = 1; i <= 3; i++)
		talk_ask(t, i, "generate", "[{\"prompt\":\"hello\"}]");
	ck_assert_int_eq(t->core.gate.running, 1);
	ck_assert_int_eq(t->core.gate.waiting, 1);
	expect_busy(3, "limits.user_queue");
	/* what asks no provider goes on */
	expect_now("status", "[]", "");
	talk_end(t);
}
END_TEST

START_TEST(an_administrators_calls_find_a_place)
{
	talk_begin(t, "limits: {calls: 1, queue: 0, user_calls: 1}\n", 0);
	for (uint32_t i = 1; i <= 1 + GATE_RESERVE; i++)
		talk_ask(t, i, "generate", "[{\"prompt\":\"hello\"}]");
	ck_assert_int_eq(t->core.gate.running, 1 + GATE_RESERVE);
	ck_assert_int_eq(t->core.gate.waiting, 0);
	talk_end(t);
}
END_TEST

/* A request of so many bytes and some. */
static char *
long_request(uint32_t msgid, size_t length, size_t *count)
{
	char *text = x_malloc(length + 1);
	memset(text, 'x', length);
	text[length] = '\0';
	char *params = x_asprintf("[{\"prompt\":\"%s\"}]", text);
	char *bytes = wire_pack(msgid, "generate", params, count);
	free(params);
	free(text);
	return bytes;
}

START_TEST(a_user_that_has_as_many_bytes_here_as_it_may_is_busy_and_may_still_look)
{
	size_t count;
	char *bytes;

	talk_begin(t, "limits: {user_queued: 100KiB}\n", ME);
	for (uint32_t i = 1; i <= 3; i++) {
		bytes = long_request(i, (size_t)40 << 10, &count);
		talk_feed(t, bytes, count);
		free(bytes);
	}
	ck_assert_int_eq(t->core.gate.running, 2);
	expect_busy(3, "limits.user_queued");
	expect_now("status", "[]", "");
	expect_now("cancel", "[{\"msgid\":77}]", "not_found");
	/* nothing is kept of one that comes in pieces, and what runs goes on */
	size_t before = me()->input_bytes;
	bytes = long_request(4, (size_t)40 << 10, &count);
	talk_feed(t, bytes, (size_t)30 << 10);
	ck_assert_uint_lt(me()->input_bytes, before + 100);
	talk_feed(t, bytes + ((size_t)30 << 10), count - ((size_t)30 << 10));
	expect_busy(4, "limits.user_queued");
	ck_assert(!t->closed);
	ck_assert_uint_eq(me()->input_bytes, before);
	ck_assert_int_eq(t->core.gate.running, 2);
	talk_end(t);
	free(bytes);
}
END_TEST

START_TEST(an_administrator_may_have_more_bytes_here)
{
	talk_begin(t, "limits: {user_queued: 100KiB}\n", 0);
	for (uint32_t i = 1; i <= 3; i++) {
		size_t count;
		char *bytes = long_request(i, (size_t)40 << 10, &count);
		talk_feed(t, bytes, count);
		free(bytes);
	}
	ck_assert_int_eq(t->core.gate.running, 3);
	talk_end(t);
}
END_TEST

static const struct {
	const char *access;
	uint32_t uid, gid;
	bool privileged;
} peers[] = {
	{"", 0, 5, true},
	{"access: {admins: [54321]}\n", 0, 5, true},
	{"access: {admins: [54321]}\n", ME, 5, true},
	{"access: {admins: [\"@54321\"]}\n", OTHER, ME, true},
	{"access: {admins: [54321, \"@54321\"]}\n", OTHER, OTHER, false},
	{"", ME, ME, false},
};

START_TEST(no_share_holds_up_root_and_administrators)
{
	uint32_t groups[] = {1, peers[_i].gid};
	struct session_peer peer = {.uid = peers[_i].uid, .groups = groups, .group_count = 2};

	talk_begin(t, peers[_i].access, ME);
	ck_assert_int_eq(rpc_privileged(&t->core, &peer), peers[_i].privileged);
	talk_end(t);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("users");
	TCase *tests = tcase_create("users");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, a_user_is_there_as_long_as_anything_of_it_is);
	tcase_add_loop_test(tests, a_user_may_have_most_unless_the_configuration_says_how_much, 0,
		UTIL_COUNT(limits));
	tcase_add_test(tests, requests_and_half_messages_count_until_they_are_gone);
	tcase_add_test(tests, calls_beyond_a_users_places_wait_and_beyond_its_queue_are_busy);
	tcase_add_test(tests, an_administrators_calls_find_a_place);
	tcase_add_test(
		tests, a_user_that_has_as_many_bytes_here_as_it_may_is_busy_and_may_still_look);
	tcase_add_test(tests, an_administrator_may_have_more_bytes_here);
	tcase_add_loop_test(
		tests, no_share_holds_up_root_and_administrators, 0, UTIL_COUNT(peers));
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
