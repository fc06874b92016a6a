/* SPDX-License-Identifier: MIT */
/* pick and report as methods: what they take, refuse and answer, and who may. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attempt.h"
#include "log.h"
#include "support/daemon.h"
#include "support/talk.h"

#define STRANGER 4000000

static struct talk talk_;
static struct talk *const t = &talk_;

static void
setup(void)
{
	talk_begin(t, "", STRANGER);
}

static void
teardown(void)
{
	talk_end(t);
}

/* Picks; the lease, valid until the next one. */
static const char *
pick(const char *params)
{
	static char lease[64];
	struct wire_reply reply = talk_get(t, "pick", params);

	snprintf(lease, sizeof lease, "%s", tree_text(reply.result, "lease"));
	ck_assert_msg(lease[0], "%s", wire_code(&reply));
	wire_reply_free(&reply);
	return lease;
}

/* Reports of a lease with more fields: the code, "" for none. */
static const char *
report(const char *lease, const char *more)
{
	static char code[32];
	char *params = x_asprintf("[{\"lease\":\"%s\",%s}]", lease, more);
	struct wire_reply reply = talk_get(t, "report", params);

	snprintf(code, sizeof code, "%s", wire_code(&reply));
	wire_reply_free(&reply);
	free(params);
	return code;
}

static const struct health_subject *
subject(enum health_kind kind, const char *name)
{
	const struct health_subject *found = health_find(t->core.health, kind, name);

	ck_assert_msg(found != NULL, "%s", name);
	return found;
}

START_TEST(a_pick_says_where_and_for_how_long)
{
	struct wire_reply reply = talk_get(t, "pick", "[]");

	ck_assert_str_eq(tree_text(reply.result, "target"), "a/m");
	ck_assert_str_eq(tree_text(reply.result, "provider"), "a");
	ck_assert_str_eq(tree_text(reply.result, "model"), "m");
	ck_assert_str_eq(tree_text(reply.result, "api"), "ollama");
	ck_assert_str_eq(tree_text(reply.result, "base_url"), "http://a:1");
	ck_assert_uint_eq(strlen(tree_text(reply.result, "lease")), 32);
	ck_assert_int_eq(tree_int(reply.result, "valid_ms"), 120000);
	wire_reply_free(&reply);
}
END_TEST

START_TEST(the_configuration_says_how_long_a_lease_holds)
{
	talk_end(t);
	talk_begin(t, "limits: {lease: 5s}\n", STRANGER);
	struct wire_reply reply = talk_get(t, "pick", "[]");
	ck_assert_int_eq(tree_int(reply.result, "valid_ms"), 5000);
	wire_reply_free(&reply);
	fake_clock_advance(&t->clock, 5000);
	ck_assert_int_eq(t->core.leases.count, 0);
}
END_TEST

START_TEST(explain_takes_no_lease)
{
	talk_expect(t, "explain", "[]", "");
	ck_assert_int_eq(t->core.leases.count, 0);
}
END_TEST

START_TEST(a_lease_is_reported_once)
{
	const char *lease = pick("[]");

	ck_assert_str_eq(report(lease, "\"outcome\":\"ok\",\"latency_ms\":250"), "");
	ck_assert_str_eq(report(lease, "\"outcome\":\"ok\""), "not_found");
	ck_assert_int_eq(subject(HEALTH_TARGET, "a/m")->successes, 1);
	ck_assert_int_eq(subject(HEALTH_TARGET, "a/m")->latency.sum_ms, 250);
	ck_assert_int_eq(subject(HEALTH_PROVIDER, "a")->successes, 1);
}
END_TEST

START_TEST(without_a_latency_it_is_the_time_since_the_pick)
{
	const char *lease = pick("[]");

	fake_clock_advance(&t->clock, 700);
	ck_assert_str_eq(report(lease, "\"outcome\":\"ok\""), "");
	ck_assert_int_eq(subject(HEALTH_TARGET, "a/m")->latency.sum_ms, 700);
	talk_expect(t, "report", "[{\"target\":\"a/m\",\"outcome\":\"ok\"}]", "");
	ck_assert_int_eq(subject(HEALTH_TARGET, "a/m")->successes, 2);
	ck_assert_int_eq(subject(HEALTH_TARGET, "a/m")->latency.count, 1);
}
END_TEST

START_TEST(a_lease_outlives_its_connection_but_not_its_user)
{
	char lease[64];
	struct session_peer other = {.uid = STRANGER + 1};

	snprintf(lease, sizeof lease, "%s", pick("[]"));
	const struct session_ops *ops = t->session->ops;
	talk_hang_up(t);
	ck_assert_int_eq(t->core.leases.count, 1);
	t->session = session_new(&t->core, &other, ops, t);
	ck_assert_str_eq(report(lease, "\"outcome\":\"ok\""), "not_found");
	talk_hang_up(t);
	other.uid = STRANGER;
	t->session = session_new(&t->core, &other, ops, t);
	ck_assert_str_eq(report(lease, "\"outcome\":\"ok\""), "");
}
END_TEST

/* What a failure is, by class or by status and the provider's words. */
static const struct row {
	const char *more;
	enum outcome_class class;
	const char *state;
} rows[] = {
	{"\"class\":\"auth\"", OUTCOME_AUTH, "open"},
	{"\"class\":\"rate_limited\",\"retry_after_ms\":9000", OUTCOME_RATE_LIMITED, "open"},
	{"\"class\":\"rate_limited\"", OUTCOME_RATE_LIMITED, "closed"},
	{"\"class\":\"model_not_found\",\"http_status\":404", OUTCOME_MODEL_NOT_FOUND, "open"},
	{"\"class\":\"timeout\",\"message\":\"nothing came\"", OUTCOME_TIMEOUT, "closed"},
	/* the request's own fault is no error of the target's */
	{"\"class\":\"bad_request\"", OUTCOME_OK, "closed"},
	{"\"http_status\":401", OUTCOME_AUTH, "open"},
	{"\"http_status\":429", OUTCOME_RATE_LIMITED, "closed"},
	{"\"http_status\":429,\"message\":\"Please try again in 20s.\"", OUTCOME_RATE_LIMITED,
		"open"},
	{"\"http_status\":429,\"message\":"
	 "\"{\\\"error\\\":{\\\"code\\\":\\\"insufficient_quota\\\"}}\"",
		OUTCOME_QUOTA_EXHAUSTED, "open"},
	{"\"http_status\":500", OUTCOME_SERVER_ERROR, "closed"},
	{"\"http_status\":503,\"latency_ms\":0", OUTCOME_UNAVAILABLE, "closed"},
	{"\"http_status\":200,\"class\":\"malformed_response\"", OUTCOME_MALFORMED_RESPONSE,
		"closed"},
};

START_TEST(a_failure_is_told_by_class_or_by_status)
{
	char *params = x_asprintf(
		"[{\"lease\":\"%s\",\"outcome\":\"failed\",%s}]", pick("[]"), rows[_i].more);
	struct wire_reply reply = talk_get(t, "report", params);

	ck_assert_msg(reply.result != NULL, "%s", wire_code(&reply));
	ck_assert(json_bool(tree_get(reply.result, "noted"), false));
	ck_assert_str_eq(tree_text(reply.result, "state"), rows[_i].state);
	const struct health_error *error = &subject(HEALTH_TARGET, "a/m")->last_error;
	ck_assert_str_eq(outcome_text(error->class), outcome_text(rows[_i].class));
	wire_reply_free(&reply);
	free(params);
}
END_TEST

START_TEST(a_probe_that_was_refused_its_request_closes_as_the_daemons_own_does)
{
	struct outcome outcome;

	outcome_set(&outcome, OUTCOME_MODEL_NOT_FOUND, "%s", "");
	(void)health_note(t->core.health, "a", "a/m", &outcome, 1, clock_now_ms(t->core.clock));
	ck_assert(subject(HEALTH_TARGET, "a/m")->circuit.open);
	fake_clock_advance(&t->clock, 300000);
	const char *lease = pick("[{\"targets\":[\"a/m\"]}]");
	ck_assert_str_eq(report(lease, "\"outcome\":\"failed\",\"class\":\"bad_request\""), "");
	ck_assert(!subject(HEALTH_TARGET, "a/m")->circuit.open);
}
END_TEST

START_TEST(no_key_in_a_message_is_kept)
{
	ck_assert_str_eq(report(pick("[]"),
				 "\"outcome\":\"failed\",\"class\":\"server_error\","
				 "\"message\":\"with Bearer sk-abcdefghijklmnopqrstuvwx\\n!\""),
		"");
	const char *message = subject(HEALTH_TARGET, "a/m")->last_error.message;
	ck_assert_ptr_null(strstr(message, "abcdef"));
	ck_assert_ptr_null(strchr(message, '\n'));
}
END_TEST

static const char *const refused[] = {
	"{}",
	"{\"outcome\":\"ok\"}",
	"{\"target\":\"a/m\"}",
	"{\"target\":\"a/m\",\"lease\":\"x\",\"outcome\":\"ok\"}",
	"{\"target\":\"a/m\",\"outcome\":\"fine\"}",
	"{\"target\":\"a/m\",\"outcome\":\"failed\"}",
	"{\"target\":\"a/m\",\"outcome\":\"failed\",\"class\":\"ok\"}",
	"{\"target\":\"a/m\",\"outcome\":\"failed\",\"class\":\"\"}",
	"{\"target\":\"a/m\",\"outcome\":\"failed\",\"class\":\"broken\"}",
	"{\"target\":\"a/m\",\"outcome\":\"failed\",\"http_status\":99}",
	"{\"target\":\"a/m\",\"outcome\":\"failed\",\"http_status\":600}",
	"{\"target\":\"a/m\",\"outcome\":\"failed\",\"http_status\":399}",
	"{\"target\":\"a/m\",\"outcome\":\"failed\",\"http_status\":200,\"message\":\"no\"}",
	"{\"target\":\"a/m\",\"outcome\":\"ok\",\"http_status\":400}",
	"{\"target\":\"a/m\",\"outcome\":\"ok\",\"http_status\":503}",
	"{\"target\":\"a/m\",\"outcome\":\"failed\",\"http_status\":-9223372036854775808}",
	"{\"target\":\"a/m\",\"outcome\":\"failed\",\"class\":\"timeout\",\"retry_after_ms\":-1}",
	"{\"target\":\"a/m\",\"outcome\":\"ok\",\"class\":\"timeout\"}",
	"{\"target\":\"a/m\",\"outcome\":\"ok\",\"retry_after_ms\":1}",
	"{\"target\":\"a/m\",\"outcome\":\"ok\",\"latency_ms\":-1}",
	"{\"target\":\"a/m\",\"outcome\":\"ok\",\"latency_ms\":86400001}",
	"{\"target\":\"a/m\",\"outcome\":\"ok\",\"usage\":[]}",
	"{\"target\":\"a/m\",\"outcome\":\"ok\",\"usage\":\"nonsense\"}",
	"{\"target\":\"a/m\",\"outcome\":\"ok\",\"usage\":{\"prompt_tokens\":-1}}",
	"{\"target\":\"a/m\",\"outcome\":\"ok\",\"usage\":{\"completion_tokens\":\"3\"}}",
};

START_TEST(what_makes_no_sense_is_refused_and_changes_nothing)
{
	char *params = x_asprintf("[%s]", refused[_i]);

	talk_expect(t, "report", params, "invalid_request");
	const struct health_subject *known = health_find(t->core.health, HEALTH_TARGET, "a/m");
	ck_assert_int_eq(known ? known->successes + known->failures : 0, 0);
	free(params);
}
END_TEST

START_TEST(a_usage_is_taken_as_a_map_or_as_text)
{
	ck_assert_str_eq(report(pick("[]"),
				 "\"outcome\":\"ok\",\"usage\":{\"prompt_tokens\":3,"
				 "\"completion_tokens\":4,\"total_tokens\":7}"),
		"");
	ck_assert_str_eq(
		report(pick("[]"), "\"outcome\":\"ok\",\"usage\":\"{\\\"prompt_tokens\\\":3}\""),
		"");
}
END_TEST

START_TEST(a_report_may_be_of_known_targets_alone)
{
	talk_expect(t, "report", "[{\"target\":\"c/m\",\"outcome\":\"ok\"}]", "not_found");
	talk_expect(t, "report", "[{\"target\":\"a/new\",\"outcome\":\"ok\"}]", "not_found");
	talk_expect(t, "report", "[{\"target\":\"a\",\"outcome\":\"ok\"}]", "not_found");
	talk_expect(t, "report", "[{\"target\":\"\",\"outcome\":\"ok\"}]", "not_found");
	/* one that a caller named and used is known */
	talk_expect(t, "generate", "[{\"prompt\":\"x\",\"targets\":\"a/new\"}]", "");
	talk_expect(t, "report", "[{\"target\":\"a/new\",\"outcome\":\"ok\"}]", "");
}
END_TEST

START_TEST(who_names_no_target_is_told_the_targets_alone)
{
	struct wire_reply reply =
		talk_get(t, "report", "[{\"target\":\"a/n\",\"outcome\":\"ok\"}]");
	const char *message = tree_text(reply.error, "message");

	ck_assert_msg(strstr(message, ": a/m, b/m") != NULL, "%s", message);
	wire_reply_free(&reply);
}
END_TEST

START_TEST(one_user_holds_no_more_leases_than_it_may)
{
	for (int i = 0; i < LEASE_USER_MAX; i++)
		(void)pick("[]");
	talk_expect(t, "pick", "[]", "busy");
}
END_TEST

START_TEST(a_daemon_that_ends_hands_out_no_leases)
{
	const char *lease = pick("[]");

	t->core.draining = true;
	talk_expect(t, "pick", "[]", "shutting_down");
	ck_assert_str_eq(report(lease, "\"outcome\":\"ok\""), "");
}
END_TEST

START_TEST(reporters_are_the_callers_unless_the_configuration_says_otherwise)
{
	static const struct {
		const char *access;
		const char *pick, *report;
	} cases[] = {
		{"", "", ""},
		{"access: {callers: [root]}\n", "not_permitted", "not_permitted"},
		{"access: {reporters: [root]}\n", "", "not_permitted"},
		{"access: {callers: [root], reporters: [4000000]}\n", "not_permitted", ""},
		{"access: {reporters: []}\n", "", "not_permitted"},
	};

	for (size_t i = 0; i < UTIL_COUNT(cases); i++) {
		talk_end(t);
		talk_begin(t, cases[i].access, STRANGER);
		talk_expect(t, "pick", "[]", cases[i].pick);
		talk_expect(
			t, "report", "[{\"target\":\"a/m\",\"outcome\":\"ok\"}]", cases[i].report);
	}
}
END_TEST

START_TEST(status_shows_what_a_target_has_left)
{
	struct fake_behaviour answers = fake_behaviour_new();

	answers.status = 200;
	(void)buf_puts(&answers.headers,
		"x-ratelimit-remaining-requests: 7\n"
		"x-ratelimit-reset-requests: 10s\n");
	fake_transport_script(&t->transport, "a", &answers, false);
	talk_expect(t, "generate", "[{\"prompt\":\"x\"}]", "");
	fake_clock_advance(&t->clock, 4000);
	struct wire_reply reply = talk_get(t, "status", "[]");
	ck_assert_int_eq(tree_int(reply.result, "targets.a/m.quota.requests_remaining"), 7);
	ck_assert_int_eq(tree_int(reply.result, "targets.a/m.quota.reset_ms"), 6000);
	ck_assert_int_eq(
		json_type(tree_get(reply.result, "targets.a/m.quota.tokens_remaining")), JSON_NULL);
	ck_assert_int_eq(json_type(tree_get(reply.result, "targets.b/m.quota")), JSON_NULL);
	wire_reply_free(&reply);
	/* a reply that tells nothing takes nothing back */
	talk_expect(t, "generate", "[{\"prompt\":\"x\"}]", "");
	fake_clock_advance(&t->clock, 5999);
	reply = talk_get(t, "status", "[]");
	ck_assert_int_eq(tree_int(reply.result, "targets.a/m.quota.reset_ms"), 1);
	wire_reply_free(&reply);
	fake_clock_advance(&t->clock, 1);
	reply = talk_get(t, "status", "[]");
	ck_assert_int_eq(json_type(tree_get(reply.result, "targets.a/m.quota")), JSON_NULL);
	wire_reply_free(&reply);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("report");
	TCase *tests = tcase_create("report");
	SRunner *runner = srunner_create(suite);

	log_setup(LOG_ERROR, LOG_TEXT, false);
	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_pick_says_where_and_for_how_long);
	tcase_add_test(tests, the_configuration_says_how_long_a_lease_holds);
	tcase_add_test(tests, explain_takes_no_lease);
	tcase_add_test(tests, a_lease_is_reported_once);
	tcase_add_test(tests, without_a_latency_it_is_the_time_since_the_pick);
	tcase_add_test(tests, a_lease_outlives_its_connection_but_not_its_user);
	tcase_add_loop_test(
		tests, a_failure_is_told_by_class_or_by_status, 0, (int)UTIL_COUNT(rows));
	tcase_add_test(tests, a_probe_that_was_refused_its_request_closes_as_the_daemons_own_does);
	tcase_add_test(tests, no_key_in_a_message_is_kept);
	tcase_add_loop_test(tests, what_makes_no_sense_is_refused_and_changes_nothing, 0,
		(int)UTIL_COUNT(refused));
	tcase_add_test(tests, a_usage_is_taken_as_a_map_or_as_text);
	tcase_add_test(tests, a_report_may_be_of_known_targets_alone);
	tcase_add_test(tests, who_names_no_target_is_told_the_targets_alone);
	tcase_add_test(tests, one_user_holds_no_more_leases_than_it_may);
	tcase_add_test(tests, a_daemon_that_ends_hands_out_no_leases);
	tcase_add_test(tests, reporters_are_the_callers_unless_the_configuration_says_otherwise);
	tcase_add_test(tests, status_shows_what_a_target_has_left);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
