/* SPDX-License-Identifier: MIT */
/* drill: each target is asked once, one after the other, and nothing that calls go by notices. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "support/talk.h"

#define ADMIN 4000009

static struct talk talk_;
static struct talk *const t = &talk_;

static void
setup(void)
{
	talk_begin(t, "access: {admins: [4000009]}\n", ADMIN);
}

static void
teardown(void)
{
	ck_assert(!t->core.drilling);
	talk_end(t);
}

static void
script(const char *host, int status, int64_t after_ms)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	behaviour.status = status;
	behaviour.text = x_strdup(status == 200 ? "OK" : "slow down");
	behaviour.after_ms = after_ms;
	fake_transport_script(&t->transport, host, &behaviour, true);
}

/* The result of a method, once so much time has passed, as JSON text; to be freed. */
static char *
result_of(const char *method, const char *params, int64_t ms)
{
	struct buf text;

	talk_ask(t, 5, method, params);
	fake_clock_advance(&t->clock, ms);
	struct wire_reply reply = talk_reply(t);
	ck_assert_msg(!reply.closed, "no reply after %lld ms", (long long)ms);
	buf_init(&text, 65536);
	ck_assert_int_eq(json_write(*wire_code(&reply) ? reply.error : reply.result, &text), 0);
	wire_reply_free(&reply);
	return buf_take(&text, NULL);
}

static void
drill_is(const char *params, int64_t ms, const char *expected)
{
	char *result = result_of("drill", params, ms);

	ck_assert_str_eq(result, expected);
	free(result);
}

#define ROW(target, ms) \
	"{\"target\":\"" target "\",\"asked\":true,\"ok\":true,\"class\":\"ok\"," \
	"\"http_status\":200,\"latency_ms\":" ms ",\"cost_picousd\":0,\"cost_unknown\":true}"
#define HEAD "{\"chain\":\"default\",\"plan\":false,\"rows\":["
#define TAIL "],\"cost_picousd\":0,\"cost_unknown\":true}"

START_TEST(each_target_is_asked_in_turn_also_behind_one_that_works)
{
	script("a", 200, 40);
	script("b", 200, 70);
	drill_is("[]", 110, HEAD ROW("a/m", "40") "," ROW("b/m", "70") TAIL);
	ck_assert_uint_eq(t->transport.request_count, 2);
	ck_assert_int_eq(t->transport.requests[1].at_ms - t->transport.requests[0].at_ms, 40);
	ck_assert_ptr_nonnull(strstr(t->transport.requests[0].body, "Reply with OK."));
	ck_assert_ptr_nonnull(strstr(t->transport.requests[0].body, "\"num_predict\":16"));
}
END_TEST

START_TEST(one_that_fails_is_asked_once_and_the_next_one_all_the_same)
{
	script("a", 503, 40);
	script("b", 200, 70);
	drill_is("[{\"chain\":\"default\"}]", 110,
		HEAD "{\"target\":\"a/m\",\"asked\":true,\"ok\":false,\"class\":\"overloaded\","
		     "\"http_status\":503,\"message\":\"slow down\",\"latency_ms\":40,"
		     "\"cost_picousd\":0}," ROW("b/m", "70") TAIL);
	ck_assert_uint_eq(fake_transport_count(&t->transport, "a"), 1);
}
END_TEST

START_TEST(a_plan_sends_nothing)
{
	drill_is("[{\"plan\":true}]", 0,
		"{\"chain\":\"default\",\"plan\":true,\"rows\":["
		"{\"target\":\"a/m\",\"asked\":true,\"ok\":null,\"class\":null,\"latency_ms\":0,"
		"\"cost_picousd\":0,\"cost_unknown\":true},"
		"{\"target\":\"b/m\",\"asked\":true,\"ok\":null,\"class\":null,\"latency_ms\":0,"
		"\"cost_picousd\":0,\"cost_unknown\":true}" TAIL);
	fake_clock_advance(&t->clock, 1000);
	ck_assert_uint_eq(t->transport.request_count, 0);
}
END_TEST

START_TEST(what_is_disabled_is_not_asked_and_could_not_take_over)
{
	talk_expect(t, "disable", "[{\"name\":\"b\"}]", "");
	drill_is("[]", 0,
		HEAD ROW("a/m", "0") ",{\"target\":\"b/m\",\"asked\":false,\"ok\":false,"
				     "\"class\":null,\"message\":\"disabled by an administrator\","
				     "\"latency_ms\":0,\"cost_picousd\":0}" TAIL);
	ck_assert_uint_eq(fake_transport_count(&t->transport, "b"), 0);
}
END_TEST

/* Half the world is broken: one circuit is open, a chain prefers another target, counters count. */
static void
break_a(void)
{
	script("a", 401, 0);
	talk_expect(t, "generate", "[{\"prompt\":\"x\"}]", "");
	ck_assert_ptr_nonnull(health_find(t->core.health, HEALTH_TARGET, "a/m"));
}

START_TEST(health_is_not_asked_and_not_told)
{
	break_a();
	char *before = result_of("status", "[]", 0);
	script("b", 503, 0);
	char *result = result_of("drill", "[]", 0);
	ck_assert_ptr_nonnull(strstr(result, "\"class\":\"auth\""));
	ck_assert_ptr_nonnull(strstr(result, "\"class\":\"overloaded\""));
	free(result);
	for (int i = 0; i < 5; i++)
		free(result_of("drill", "[]", 0));
	char *after = result_of("status", "[]", 0);
	ck_assert_str_eq(after, before);
	ck_assert_ptr_nonnull(strstr(before, "\"open\""));
	free(before);
	free(after);
}
END_TEST

static void
hang(const char *host)
{
	struct fake_behaviour hangs = fake_behaviour_new();

	hangs.hangs = true;
	fake_transport_script(&t->transport, host, &hangs, true);
}

START_TEST(a_silent_target_has_its_time_and_no_more)
{
	hang("a");
	script("b", 200, 0);
	char *result = result_of("drill", "[]", 120000);
	ck_assert_ptr_nonnull(strstr(result, "\"class\":\"timeout\""));
	ck_assert_ptr_nonnull(strstr(result, "\"class\":\"ok\""));
	free(result);
}
END_TEST

START_TEST(one_drill_runs_at_a_time)
{
	hang("a");
	talk_ask(t, 1, "drill", "[]");
	fake_clock_advance(&t->clock, 10);
	talk_expect(t, "drill", "[]", "busy");
	talk_expect(t, "drill", "[{\"plan\":true}]", "");
	talk_ask(t, 2, "cancel", "[{\"msgid\":1}]");
	struct wire_reply reply = talk_reply(t);
	ck_assert_str_eq(wire_code(&reply), "cancelled");
	wire_reply_free(&reply);
	ck_assert(!t->core.drilling);
	ck_assert_int_eq(t->transport.in_flight, 0);
}
END_TEST

START_TEST(it_ends_with_its_client_and_with_the_daemon)
{
	hang("a");
	talk_ask(t, 1, "drill", "[]");
	fake_clock_advance(&t->clock, 10);
	ck_assert_int_eq(t->transport.in_flight, 1);
	if (_i == 0) {
		talk_hang_up(t);
	} else {
		session_abort_all(t->session, LLMFO_ESHUTTING_DOWN, "over");
		struct wire_reply reply = talk_reply(t);
		ck_assert_str_eq(wire_code(&reply), "shutting_down");
		wire_reply_free(&reply);
	}
	ck_assert_int_eq(t->transport.in_flight, 0);
	fake_clock_advance(&t->clock, 1000000);
	ck_assert_uint_eq(fake_transport_count(&t->transport, "b"), 0);
}
END_TEST

START_TEST(a_chain_that_there_is_not_is_said)
{
	char *result = result_of("drill", "[{\"chain\":\"x\"}]", 0);

	ck_assert_ptr_nonnull(strstr(result, "\"not_found\""));
	ck_assert_ptr_nonnull(strstr(result, "there is no chain `x`; there are: default"));
	free(result);
	/* neither of the two is local */
	result = result_of("drill", "[{\"chain\":\"local_only\"}]", 0);
	ck_assert_ptr_nonnull(strstr(result, "no configured target fits the chain `local_only`"));
	free(result);
	t->core.draining = true;
	talk_expect(t, "drill", "[]", "shutting_down");
}
END_TEST

/* Prices are known of one model, and of the other not; a third has no key. */
static const char priced[] =
	"providers:\n"
	"  a: {api: openai, base_url: 'http://a:1', api_key: k, models: [m]}\n"
	"  b: {api: openai, base_url: 'http://b:1', api_key: k, models: [unheard-of]}\n"
	"  c: {api: openai, base_url: 'http://c:1', api_key: '${NOT_SET}', models: [m]}\n"
	"models: {m: {price: {input: 1, output: 10}}}\n"
	"chains: {default: {targets: [a/m, b/unheard-of, c/m]}}\n"
	"access: {admins: [4000009]}\n";

static void
configure(const char *text)
{
	struct config_faults faults = {0};
	struct config_env env = {0};
	struct config *config = config_read_text(text, strlen(text), "drill.yaml", &env, &faults);

	ck_assert_msg(config != NULL, "%s", "a fault");
	core_configure(&t->core, config);
	config_unref(config);
	config_faults_free(&faults);
}

START_TEST(costs_are_told_before_and_after_and_what_is_unknown)
{
	configure(priced);
	char *plan = result_of("drill", "[{\"plan\":true}]", 0);
	ck_assert_ptr_nonnull(strstr(plan, "\"cost_unknown\":true"));
	ck_assert_ptr_null(strstr(plan, "\"cost_picousd\":0},{\"target\":\"b"));
	ck_assert_ptr_nonnull(strstr(plan, "{\"target\":\"c/m\",\"asked\":false"));
	free(plan);
	char *result = result_of("drill", "[]", 0);
	ck_assert_ptr_nonnull(strstr(result, "\"cost_picousd\":35000000},{\"target\":\"b"));
	free(result);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("drill");
	TCase *tests = tcase_create("drill");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, each_target_is_asked_in_turn_also_behind_one_that_works);
	tcase_add_test(tests, one_that_fails_is_asked_once_and_the_next_one_all_the_same);
	tcase_add_test(tests, a_plan_sends_nothing);
	tcase_add_test(tests, what_is_disabled_is_not_asked_and_could_not_take_over);
	tcase_add_test(tests, health_is_not_asked_and_not_told);
	tcase_add_test(tests, a_silent_target_has_its_time_and_no_more);
	tcase_add_test(tests, one_drill_runs_at_a_time);
	tcase_add_loop_test(tests, it_ends_with_its_client_and_with_the_daemon, 0, 2);
	tcase_add_test(tests, a_chain_that_there_is_not_is_said);
	tcase_add_test(tests, costs_are_told_before_and_after_and_what_is_unknown);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
