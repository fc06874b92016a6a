/* SPDX-License-Identifier: MIT */
/* What methods answer, and to whom, on a core without edges: permissions, views, changes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "support/daemon.h"
#include "support/talk.h"

#define STRANGER 4000000

/* Whom the daemon of a test runs as. */
#define OWN_UID 0

static struct talk talk_;
static struct talk *const t = &talk_;

static void
setup(void)
{
	talk_begin(t, "", OWN_UID);
}

static void
teardown(void)
{
	talk_end(t);
}

/* As somebody who is neither the daemon's user nor named anywhere. */
static void
as_stranger(const char *access)
{
	talk_end(t);
	talk_begin(t, access, STRANGER);
}

START_TEST(a_caller_may_call_and_not_change)
{
	const struct message_info *info = message_info((enum message_method)_i);

	as_stranger("");
	struct wire_reply reply = talk_get(t, info->name, "[{\"nothing\":1}]");
	ck_assert_str_eq(wire_code(&reply),
		info->who == MESSAGE_ADMINS ? "not_permitted" : "invalid_request");
	wire_reply_free(&reply);
}
END_TEST

START_TEST(who_is_no_caller_may_only_say_hello)
{
	const struct message_info *info = message_info((enum message_method)_i);

	as_stranger("access: {callers: [root]}\n");
	struct wire_reply reply = talk_get(t, info->name, "[{\"nothing\":1}]");
	ck_assert_str_eq(
		wire_code(&reply), info->who == MESSAGE_ALL ? "invalid_request" : "not_permitted");
	wire_reply_free(&reply);
}
END_TEST

START_TEST(the_daemons_own_user_may_do_everything)
{
	const struct message_info *info = message_info((enum message_method)_i);

	talk_end(t);
	talk_begin(t, "access: {callers: [], admins: []}\n", OWN_UID);
	talk_expect(t, info->name, "[{\"nothing\":1}]", "invalid_request");
}
END_TEST

START_TEST(hello_says_what_there_is)
{
	struct wire_reply reply = talk_get(t, "hello", "[{\"client\":\"me\",\"protocol\":1}]");

	ck_assert_str_eq(tree_text(reply.result, "server"), "llmfod");
	ck_assert_str_eq(tree_text(reply.result, "version"), PACKAGE_VERSION);
	ck_assert_int_eq(tree_int(reply.result, "protocol"), 1);
	ck_assert_uint_eq(json_count(tree_get(reply.result, "features")), MESSAGE_METHODS);
	wire_reply_free(&reply);
	talk_expect(t, "hello", "[{\"protocol\":0}]", "invalid_request");
}
END_TEST

/* Everything that a status has at least. */
static const char *const status_paths[] = {"daemon.version", "daemon.pid", "daemon.uptime_ms",
	"daemon.connections", "daemon.calls_in_flight", "daemon.config", "daemon.last_reload_error",
	"store.kind", "store.connected", "forced", "preferred", "providers.a.name",
	"providers.a.state", "providers.a.is_healthy", "providers.a.consecutive_failures",
	"providers.a.cooldown_remaining_ms", "providers.a.success_count",
	"providers.a.failure_count", "providers.a.success_rate", "providers.a.average_latency_ms",
	"providers.a.latency_ms", "providers.a.in_flight", "providers.a.last_error",
	"targets.a/m.name", "targets.a/m.state", "targets.a/m.is_healthy",
	"targets.a/m.consecutive_failures", "targets.a/m.cooldown_remaining_ms",
	"targets.a/m.success_count", "targets.a/m.failure_count", "targets.a/m.success_rate",
	"targets.a/m.average_latency_ms", "targets.a/m.latency_ms", "targets.a/m.in_flight",
	"targets.a/m.last_error", "targets.a/m.quota", "fallback.total_requests",
	"fallback.fallback_requests", "fallback.fallback_rate", "fallback.overall_success_rate",
	"fallback.models_used", "fallback.counters_since_ms"};

START_TEST(a_status_has_all_that_is_promised)
{
	struct wire_reply reply = talk_get(t, "status", "[]");

	for (size_t i = 0; i < sizeof status_paths / sizeof status_paths[0]; i++)
		ck_assert_msg(json_type(tree_get(reply.result, status_paths[i])) != JSON_NONE, "%s",
			status_paths[i]);
	ck_assert_str_eq(tree_text(reply.result, "targets.a/m.state"), "closed");
	wire_reply_free(&reply);
	talk_expect(t, "generate", "[{\"prompt\":\"x\"}]", "");
	reply = talk_get(t, "status", "[]");
	ck_assert_int_eq(tree_int(reply.result, "targets.a/m.success_count"), 1);
	ck_assert_int_ge(tree_int(reply.result, "targets.a/m.latency_ms.p95"), 0);
	ck_assert_int_eq(tree_int(reply.result, "fallback.models_used.a/m"), 1);
	wire_reply_free(&reply);
}
END_TEST

START_TEST(an_answer_has_all_that_is_promised)
{
	static const char *const paths[] = {"text", "finish_reason", "provider_used", "model_used",
		"fallback_occurred", "attempts.0.target", "attempts.0.class",
		"attempts.0.latency_ms", "attempts.0.cost_picousd", "total_latency_ms",
		"usage.prompt_tokens", "usage.completion_tokens", "usage.cached_tokens",
		"usage.total_tokens", "usage.estimated", "cost_picousd", "request_id"};
	struct wire_reply reply = talk_get(t, "generate", "[{\"prompt\":\"x\"}]");

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
		ck_assert_msg(
			json_type(tree_get(reply.result, paths[i])) != JSON_NONE, "%s", paths[i]);
	ck_assert_str_eq(tree_text(reply.result, "attempts.0.class"), "ok");
	wire_reply_free(&reply);
}
END_TEST

START_TEST(a_disabled_provider_is_passed_over_until_it_is_enabled)
{
	talk_expect(t, "disable", "[{\"name\":\"a\"}]", "");
	struct wire_reply reply = talk_get(t, "pick", "[]");
	ck_assert_str_eq(tree_text(reply.result, "target"), "b/m");
	wire_reply_free(&reply);
	reply = talk_get(t, "explain", "[]");
	ck_assert_str_eq(tree_text(reply.result, "candidates.0.target"), "a/m");
	ck_assert(!json_bool(tree_get(reply.result, "candidates.0.in"), true));
	ck_assert_ptr_nonnull(strstr(tree_text(reply.result, "candidates.0.why"), "disabled"));
	ck_assert_int_eq(tree_int(reply.result, "candidates.1.rank"), 1);
	wire_reply_free(&reply);
	talk_expect(t, "disable", "[{\"name\":\"b/m\"}]", "");
	talk_expect(t, "pick", "[]", "all_failed");
	talk_expect(t, "generate", "[{\"prompt\":\"x\"}]", "all_failed");
	talk_expect(t, "enable", "[{\"name\":\"a\"}]", "");
	talk_expect(t, "enable", "[{\"name\":\"b/m\"}]", "");
	reply = talk_get(t, "pick", "[]");
	ck_assert_str_eq(tree_text(reply.result, "target"), "a/m");
	wire_reply_free(&reply);
}
END_TEST

START_TEST(a_forced_provider_comes_first_until_it_is_cleared)
{
	struct wire_reply reply =
		talk_get(t, "force_provider", "[{\"provider\":\"b\",\"duration_s\":60}]");

	ck_assert_str_eq(tree_text(reply.result, "forced.provider"), "b");
	ck_assert_int_eq(tree_int(reply.result, "forced.remaining_ms"), 60000);
	ck_assert_int_eq(json_type(json_get(reply.result, "was")), JSON_NULL);
	wire_reply_free(&reply);
	reply = talk_get(t, "pick", "[]");
	ck_assert_str_eq(tree_text(reply.result, "target"), "b/m");
	wire_reply_free(&reply);
	fake_clock_advance(&t->clock, 60000);
	reply = talk_get(t, "pick", "[]");
	ck_assert_str_eq(tree_text(reply.result, "target"), "a/m");
	wire_reply_free(&reply);
	talk_expect(t, "force_provider", "[{\"provider\":\"b\",\"strict\":true}]", "");
	talk_expect(t, "pick", "[{\"targets\":[\"a/m\"]}]", "not_found");
	talk_expect(t, "generate", "[{\"prompt\":\"x\",\"targets\":\"a/m\"}]", "not_found");
	talk_expect(t, "force_provider", "[{\"provider\":null}]", "");
	reply = talk_get(t, "status", "[]");
	ck_assert_int_eq(json_type(tree_get(reply.result, "forced")), JSON_NULL);
	wire_reply_free(&reply);
}
END_TEST

START_TEST(what_callers_name_does_not_pile_up)
{
	char params[96];

	for (int i = 0; i < 3000; i++) {
		snprintf(
			params, sizeof params, "[{\"prompt\":\"x\",\"targets\":\"a/name-%d\"}]", i);
		talk_expect(t, "generate", params, "");
	}
	struct wire_reply reply = talk_get(t, "status", "[]");
	ck_assert_uint_le(json_count(tree_get(reply.result, "targets")), 1002);
	ck_assert_str_eq(tree_text(reply.result, "targets.0.name"), "a/m");
	wire_reply_free(&reply);
}
END_TEST

START_TEST(a_reset_closes_circuits_and_forgets)
{
	struct fake_behaviour broken = fake_behaviour_new();

	broken.status = 401;
	fake_transport_script(&t->transport, "a", &broken, true);
	talk_expect(t, "generate", "[{\"prompt\":\"x\"}]", "");
	struct wire_reply reply = talk_get(t, "status", "[]");
	ck_assert_str_eq(tree_text(reply.result, "providers.a.state"), "open");
	ck_assert_str_eq(tree_text(reply.result, "providers.a.last_error.class"), "auth");
	ck_assert_str_eq(tree_text(reply.result, "preferred.0.target"), "b/m");
	wire_reply_free(&reply);
	talk_expect(t, "clear_cache", "[]", "");
	talk_expect(t, "reset_health", "[{\"name\":\"a\"}]", "");
	reply = talk_get(t, "status", "[]");
	ck_assert_str_eq(tree_text(reply.result, "providers.a.state"), "closed");
	ck_assert_uint_eq(json_count(tree_get(reply.result, "preferred")), 0);
	wire_reply_free(&reply);
}
END_TEST

START_TEST(a_reload_is_handed_on)
{
	talk_expect(t, "reload", "[]", "");
	ck_assert_uint_eq(t->reloads, 1);
}
END_TEST

static void
add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, a_caller_may_call_and_not_change, 0, MESSAGE_METHODS);
	tcase_add_loop_test(tests, who_is_no_caller_may_only_say_hello, 0, MESSAGE_METHODS);
	tcase_add_loop_test(tests, the_daemons_own_user_may_do_everything, 0, MESSAGE_METHODS);
	tcase_add_test(tests, hello_says_what_there_is);
	tcase_add_test(tests, a_status_has_all_that_is_promised);
	tcase_add_test(tests, an_answer_has_all_that_is_promised);
	tcase_add_test(tests, a_disabled_provider_is_passed_over_until_it_is_enabled);
	tcase_add_test(tests, a_forced_provider_comes_first_until_it_is_cleared);
	tcase_add_test(tests, what_callers_name_does_not_pile_up);
	tcase_add_test(tests, a_reset_closes_circuits_and_forgets);
	tcase_add_test(tests, a_reload_is_handed_on);
}

int
main(void)
{
	Suite *suite = suite_create("rpc");
	TCase *tests = tcase_create("rpc");
	SRunner *runner = srunner_create(suite);

	log_setup(LOG_ERROR, LOG_TEXT, false);
	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	add_tests(tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
