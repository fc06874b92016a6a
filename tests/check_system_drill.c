/* SPDX-License-Identifier: MIT */
/* drill against the real daemon: what it says, what it sends, and that nothing is changed by it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/daemon.h"
#include "support/fake_provider.h"
#include "util.h"

static struct daemon daemon_;
static struct daemon *const d = &daemon_;
static struct fake_provider *fp;

static void
setup(void)
{
	fp = fake_provider_start((const char *const[]){"--provider", "a=openai", "--provider",
		"b=anthropic", "--provider", "c=ollama", NULL});
	daemon_begin(d,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: key-of-a, models: [m]}\n"
		"  b: {api: anthropic, base_url: '%s', api_key: key-of-b, models: [m]}\n"
		"  c: {api: ollama, base_url: '%s', models: [m]}\n"
		"  d: {api: openai, base_url: 'http://127.0.0.1:1', api_key: '${NOT_SET}'}\n"
		"chains:\n"
		"  default: {targets: [a/m, b/m, c/m]}\n"
		"  keyless: {targets: [c/m, d/m]}\n",
		fake_provider_url(fp, "a"), fake_provider_url(fp, "b"), fake_provider_url(fp, "c"));
}

static void
teardown(void)
{
	daemon_stop(d);
	fake_provider_stop(fp);
}

static int64_t
asked(const char *name)
{
	return fake_provider_stats(fp, name).requests;
}

START_TEST(every_target_of_a_chain_answers_in_turn)
{
	struct run run = daemon_ctl(d, "drill", "--yes", NULL);

	ck_assert_msg(run.status == 0, "%s%s", run.out, run.err);
	ck_assert_ptr_nonnull(strstr(run.err, "chain default: 3 small calls"));
	ck_assert_ptr_nonnull(strstr(run.out, "a/m     takes over"));
	ck_assert_ptr_nonnull(strstr(run.out, "b/m     takes over"));
	ck_assert_ptr_nonnull(strstr(run.out, "c/m     takes over"));
	run_free(&run);
	ck_assert_int_eq(asked("a") + asked("b") + asked("c"), 3);
	ck_assert_uint_eq(daemon_logged(d, "drill of default by an administrator"), 1);
}
END_TEST

START_TEST(it_leaves_no_trace_in_the_health)
{
	fake_provider_script(fp, "a", "401");
	fake_provider_script(fp, "b", "503");
	struct run run = daemon_ctl(d, "drill", "--yes", NULL);

	ck_assert_int_eq(run.status, 1);
	ck_assert_ptr_nonnull(strstr(run.out, "a/m     fails"));
	ck_assert_ptr_nonnull(strstr(run.out, "auth (401)"));
	ck_assert_ptr_nonnull(strstr(run.out, "b/m     fails"));
	ck_assert_ptr_nonnull(strstr(run.out, "c/m     takes over"));
	run_free(&run);
	struct json *status = daemon_view(d, "status");
	ck_assert_str_eq(tree_text(status, "targets.a/m.state"), "closed");
	ck_assert_str_eq(tree_text(status, "providers.a.state"), "closed");
	ck_assert_int_eq(tree_int(status, "targets.a/m.failure_count"), 0);
	ck_assert_int_eq(tree_int(status, "targets.b/m.failure_count"), 0);
	ck_assert_int_eq(tree_int(status, "targets.c/m.success_count"), 0);
	ck_assert_int_eq(tree_int(status, "fallback.total_requests"), 0);
	ck_assert_ptr_null(tree_get(status, "preferred.0"));
	json_free(status);
}
END_TEST

START_TEST(a_plan_asks_nobody)
{
	struct run run = daemon_ctl(d, "drill", "--plan", "keyless", NULL);

	ck_assert_int_eq(run.status, 0);
	ck_assert_ptr_nonnull(strstr(run.out, "not asked"));
	ck_assert_ptr_nonnull(strstr(run.out, "NOT_SET is not set"));
	run_free(&run);
	run = daemon_ctl(d, "drill", NULL);
	ck_assert_int_eq(run.status, 1);
	run_free(&run);
	ck_assert_int_eq(asked("a") + asked("b") + asked("c"), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system: drill");
	TCase *tests = tcase_create("drill");
	SRunner *runner = srunner_create(suite);

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, every_target_of_a_chain_answers_in_turn);
	tcase_add_test(tests, it_leaves_no_trace_in_the_health);
	tcase_add_test(tests, a_plan_asks_nobody);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
