/* SPDX-License-Identifier: MIT */
/* subscribe: who hears what, of whom, and what becomes of one that does not read. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "support/daemon.h"
#include "support/talk.h"

#define ME 4000000
#define OTHER 4000001

static struct talk talk_;
static struct talk *const t = &talk_;

static void
setup(void)
{
	talk_begin(t, "access: {admins: [4000009]}\n", ME);
}

static void
teardown(void)
{
	talk_end(t);
}

/* Does something with the daemon as somebody else would. */
static void
as_admin(const char *method, const char *params)
{
	struct talk other = *t;
	struct session_peer admin = {.uid = 4000009};

	other.session = session_new(&t->core, &admin, t->session->ops, &other);
	buf_init(&other.out, 65536);
	talk_ask(&other, 1, method, params);
	session_free(other.session);
	struct wire_reply reply = talk_reply(&other);
	ck_assert_msg(!reply.closed && !*wire_code(&reply), "%s: %s", method, wire_code(&reply));
	wire_reply_free(&reply);
	buf_free(&other.out);
}

static void
subscribe(const char *params, const char *to)
{
	struct wire_reply reply = talk_get(t, "subscribe", params);
	const struct json *list = json_get(reply.result, "subscribed");
	struct buf names;

	buf_init(&names, 1000);
	for (size_t i = 0; i < json_count(list); i++)
		(void)buf_printf(&names, "%s%s", i ? " " : "", json_string(json_at(list, i), NULL));
	ck_assert_str_eq(names.data, to);
	buf_free(&names);
	wire_reply_free(&reply);
}

/* The next event, of that type. Freed by wire_reply_free(). */
static struct wire_reply
hear(const char *type)
{
	struct wire_reply event = talk_reply(t);

	ck_assert_msg(!event.closed, "no %s", type);
	ck_assert_msg(event.event != NULL, "a reply instead of %s", type);
	ck_assert_str_eq(tree_text(event.event, "type"), type);
	ck_assert_int_eq(tree_int(event.event, "at_ms"), clock_wall_ms(&t->clock.clock));
	return event;
}

static void
hear_with(const char *type, const char *path, const char *text)
{
	struct wire_reply event = hear(type);

	ck_assert_str_eq(tree_text(event.event, path), text);
	wire_reply_free(&event);
}

static void
hear_nothing(void)
{
	struct wire_reply event = talk_reply(t);

	ck_assert_msg(event.closed, "there was something");
}

static void
refuse_once(const char *host)
{
	struct fake_behaviour refuses = fake_behaviour_new();

	refuses.end = TRANSPORT_REFUSED;
	fake_transport_script(&t->transport, host, &refuses, false);
}

static void
generate_as(uint32_t uid)
{
	struct talk other = *t;
	struct session_peer peer = {.uid = uid};

	other.session = session_new(&t->core, &peer, t->session->ops, &other);
	buf_init(&other.out, 65536);
	talk_ask(&other, 1, "generate", "[{\"prompt\":\"x\",\"max_retries_per_model\":0}]");
	fake_clock_advance(&t->clock, 0);
	session_free(other.session);
	buf_free(&other.out);
}

START_TEST(types_are_chosen_replaced_and_ended)
{
	subscribe("[]", "failover all_failed circuit preferred forced reloaded");
	subscribe("[{\"types\":[\"forced\",\"failover\"]}]", "failover forced");
	subscribe("[{\"types\":\"circuit\"}]", "circuit");
	as_admin("force_provider", "[{\"provider\":\"b\"}]");
	hear_nothing();
	subscribe("[{\"types\":[]}]", "");
	ck_assert(list_empty(&t->core.events.listeners));
}
END_TEST

START_TEST(an_unknown_type_is_refused_and_changes_nothing)
{
	subscribe("[{\"types\":[\"forced\"]}]", "forced");
	struct wire_reply reply =
		talk_get(t, "subscribe", "[{\"types\":[\"failover\",\"budget\"]}]");
	ck_assert_str_eq(wire_code(&reply), "invalid_request");
	const char *message = json_text(reply.error, "message");
	ck_assert_ptr_nonnull(strstr(message, "`budget`"));
	ck_assert_ptr_nonnull(strstr(message, "preferred"));
	wire_reply_free(&reply);
	ck_assert_uint_eq(t->session->events.types, EVENT_BIT(EVENT_forced));
}
END_TEST

START_TEST(a_failover_is_told_with_whose_it_is_to_its_own_user)
{
	subscribe("[{\"types\":[\"failover\",\"preferred\"]}]", "failover preferred");
	refuse_once("a");
	generate_as(ME);
	struct wire_reply event = hear("failover");
	ck_assert_str_eq(tree_text(event.event, "from"), "a/m");
	ck_assert_str_eq(tree_text(event.event, "to"), "b/m");
	ck_assert_str_eq(tree_text(event.event, "class"), "connect_failed");
	ck_assert_str_eq(tree_text(event.event, "chain"), "default");
	ck_assert_int_eq(tree_int(event.event, "uid"), ME);
	ck_assert_uint_eq(strlen(tree_text(event.event, "request_id")), 32);
	wire_reply_free(&event);
	hear_with("preferred", "target", "b/m");
	hear_nothing();
}
END_TEST

START_TEST(of_others_calls_nobody_hears_whose_they_are)
{
	subscribe("[{\"types\":[\"failover\",\"all_failed\"]}]", "failover all_failed");
	refuse_once("a");
	refuse_once("b");
	generate_as(OTHER);
	static const char *const types[] = {"failover", "all_failed"};
	for (size_t i = 0; i < UTIL_COUNT(types); i++) {
		struct wire_reply event = hear(types[i]);

		ck_assert_ptr_null(json_get(event.event, "uid"));
		ck_assert_ptr_null(json_get(event.event, "chain"));
		ck_assert_ptr_null(json_get(event.event, "request_id"));
		wire_reply_free(&event);
	}
	hear_nothing();
}
END_TEST

START_TEST(a_circuit_is_told_at_each_of_its_turns)
{
	struct wire_reply event;

	subscribe("[{\"types\":[\"circuit\"]}]", "circuit");
	talk_ask(t, 5, "report",
		"[{\"target\":\"a/m\",\"outcome\":\"failed\",\"class\":\"model_not_found\"}]");
	event = hear("circuit");
	ck_assert_str_eq(tree_text(event.event, "target"), "a/m");
	ck_assert_str_eq(tree_text(event.event, "state"), "open");
	ck_assert_str_eq(tree_text(event.event, "class"), "model_not_found");
	ck_assert_int_eq(tree_int(event.event, "for_ms"), 300000);
	wire_reply_free(&event);
	event = talk_reply(t);
	ck_assert_ptr_null(event.event);
	wire_reply_free(&event);
	fake_clock_advance(&t->clock, 299999);
	hear_nothing();
	fake_clock_advance(&t->clock, 1);
	hear_with("circuit", "state", "half_open");
	generate_as(ME);
	hear_with("circuit", "state", "closed");
	hear_nothing();
}
END_TEST

START_TEST(a_reset_tells_of_those_it_closed_alone)
{
	talk_expect(t, "report", "[{\"target\":\"a/m\",\"outcome\":\"failed\",\"class\":\"auth\"}]",
		"");
	subscribe("[{\"types\":[\"circuit\"]}]", "circuit");
	hear_nothing();
	as_admin("reset_health", "[{}]");
	struct wire_reply event = hear("circuit");
	ck_assert_str_eq(tree_text(event.event, "provider"), "a");
	ck_assert_str_eq(tree_text(event.event, "state"), "closed");
	ck_assert_ptr_null(json_get(event.event, "class"));
	wire_reply_free(&event);
	hear_nothing();
}
END_TEST

START_TEST(what_administrators_do_is_told)
{
	subscribe("[{\"types\":[\"forced\",\"preferred\"]}]", "preferred forced");
	as_admin("force_provider", "[{\"provider\":\"b\",\"duration_s\":60,\"strict\":true}]");
	struct wire_reply event = hear("forced");
	ck_assert_str_eq(tree_text(event.event, "provider"), "b");
	ck_assert_int_eq(tree_int(event.event, "for_ms"), 60000);
	ck_assert(json_bool(json_get(event.event, "strict"), false));
	wire_reply_free(&event);
	as_admin("force_provider", "[{\"provider\":null}]");
	event = hear("forced");
	ck_assert_int_eq(json_type(json_get(event.event, "provider")), JSON_NULL);
	ck_assert_ptr_null(json_get(event.event, "for_ms"));
	wire_reply_free(&event);
	refuse_once("a");
	generate_as(ME);
	hear_with("preferred", "target", "b/m");
	as_admin("clear_cache", "[]");
	event = hear("preferred");
	ck_assert_str_eq(tree_text(event.event, "chain"), "default");
	ck_assert_int_eq(json_type(json_get(event.event, "target")), JSON_NULL);
	wire_reply_free(&event);
}
END_TEST

START_TEST(who_does_not_read_loses_events_and_is_told_how_many)
{
	subscribe("[{\"types\":[\"forced\"]}]", "forced");
	t->unread_bytes = 300 * 1024;
	for (int i = 0; i < 1000; i++)
		as_admin("force_provider", "[{\"provider\":\"b\"}]");
	hear_nothing();
	/* not at the first byte that it reads */
	t->unread_bytes = 200 * 1024;
	session_sent(t->session);
	as_admin("force_provider", "[{\"provider\":\"b\"}]");
	hear_nothing();
	t->unread_bytes = 100 * 1024;
	session_sent(t->session);
	struct wire_reply event = hear("lost");
	ck_assert_int_eq(tree_int(event.event, "count"), 1001);
	wire_reply_free(&event);
	session_sent(t->session);
	hear_nothing();
	as_admin("force_provider", "[{\"provider\":\"a\"}]");
	hear_with("forced", "provider", "a");
}
END_TEST

START_TEST(what_was_lost_is_told_before_the_next)
{
	subscribe("[{\"types\":[\"forced\"]}]", "forced");
	t->unread_bytes = 300 * 1024;
	as_admin("force_provider", "[{\"provider\":\"b\"}]");
	t->unread_bytes = 0;
	as_admin("force_provider", "[{\"provider\":\"a\"}]");
	struct wire_reply event = hear("lost");
	wire_reply_free(&event);
	hear_with("forced", "provider", "a");
}
END_TEST

START_TEST(who_leaves_hears_nothing_more)
{
	subscribe("[]", "failover all_failed circuit preferred forced reloaded");
	talk_hang_up(t);
	ck_assert(list_empty(&t->core.events.listeners));
}
END_TEST

START_TEST(nobody_who_listens_means_that_nothing_ticks)
{
	talk_expect(t, "report",
		"[{\"target\":\"a/m\",\"outcome\":\"failed\",\"class\":\"model_not_found\"}]", "");
	ck_assert_uint_eq(t->clock.clock.count, 0);
	subscribe("[{\"types\":[\"circuit\"]}]", "circuit");
	ck_assert_uint_eq(t->clock.clock.count, 1);
	subscribe("[{\"types\":[\"forced\"]}]", "forced");
	ck_assert_uint_eq(t->clock.clock.count, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("subscribe");
	TCase *tests = tcase_create("subscribe");
	SRunner *runner = srunner_create(suite);

	log_setup(LOG_ERROR, LOG_TEXT, false);
	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, types_are_chosen_replaced_and_ended);
	tcase_add_test(tests, an_unknown_type_is_refused_and_changes_nothing);
	tcase_add_test(tests, a_failover_is_told_with_whose_it_is_to_its_own_user);
	tcase_add_test(tests, of_others_calls_nobody_hears_whose_they_are);
	tcase_add_test(tests, a_circuit_is_told_at_each_of_its_turns);
	tcase_add_test(tests, a_reset_tells_of_those_it_closed_alone);
	tcase_add_test(tests, what_administrators_do_is_told);
	tcase_add_test(tests, who_does_not_read_loses_events_and_is_told_how_many);
	tcase_add_test(tests, what_was_lost_is_told_before_the_next);
	tcase_add_test(tests, who_leaves_hears_nothing_more);
	tcase_add_test(tests, nobody_who_listens_means_that_nothing_ticks);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
