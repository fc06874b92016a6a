/* SPDX-License-Identifier: MIT */
/*
 * The real daemon without a configuration file, the ways to tell it where things are, and the two
 * example programs, built and run against it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/daemon.h"
#include "support/fake_provider.h"

#define HOST_CONFIG "/etc/llmfo/llmfo.yaml"

static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;
static char variables_text[4][128];
static const char *variables[8];

static void
setup(void)
{
	static const char *const options[] = {
		"--provider", "a=openai", "--provider", "l=ollama", NULL};

	fp = fake_provider_start(options);
	daemon_init(d);
	d->variables = variables;
	snprintf(variables_text[0], 128, "OPENAI_BASE_URL=%s/v1", fake_provider_url(fp, "a"));
	snprintf(variables_text[1], 128, "OLLAMA_URL=%s", fake_provider_url(fp, "l"));
}

static void
teardown(void)
{
	if (d->pid)
		daemon_stop(d);
	else
		daemon_clean(d);
	fake_provider_stop(fp);
}

static void
assert_ok(struct run run, const char *out)
{
	ck_assert_msg(run.status == 0, "%d: %s%s", run.status, run.out, run.err);
	ck_assert_str_eq(run.out, out);
	run_free(&run);
}

START_TEST(without_a_file_the_environment_is_the_configuration)
{
	if (access(HOST_CONFIG, F_OK) == 0)
		return;
	d->no_config = true;
	variables[0] = variables_text[0];
	variables[1] = "OPENAI_API_KEY=sk-of-openai";
	variables[2] = variables_text[1];
	variables[3] = "OPENAI_MODEL=some-model";
	variables[4] = "OLLAMA_MODEL=near";
	daemon_start(d);
	fake_provider_script(fp, "a", "ok text=far");
	fake_provider_script(fp, "l", "ok text=near; 503");
	assert_ok(daemon_ctl(d, "ask", "hello", NULL), "near\n");
	assert_ok(daemon_ctl(d, "ask", "hello", NULL), "far\n");
	struct json *view = daemon_view(d, "status");
	ck_assert_str_eq(tree_text(view, "daemon.config"), "environment");
	ck_assert_str_eq(tree_text(view, "targets.0.name"), "ollama/near");
	ck_assert_str_eq(tree_text(view, "targets.1.name"), "openai/some-model");
	json_free(view);
	char *seen = fake_provider_requests(fp, "a");
	ck_assert_ptr_nonnull(strstr(seen, "sk-of-openai"));
	free(seen);
}
END_TEST

START_TEST(without_any_provider_it_says_what_to_set)
{
	if (access(HOST_CONFIG, F_OK) == 0)
		return;
	d->no_config = true;
	ck_assert_int_eq(daemon_start_failing(d), 1);
	char *log = daemon_log(d);
	ck_assert_ptr_nonnull(strstr(log, "OPENAI_API_KEY"));
	ck_assert_ptr_nonnull(strstr(log, "OLLAMA_BASE_URL"));
	free(log);
}
END_TEST

START_TEST(a_key_that_is_not_set_leaves_its_provider_out_and_says_so)
{
	daemon_configure(d,
		"providers:\n"
		"  x: {api: openai, api_key: '${NO_SUCH_KEY}', models: [m]}\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: k, models: [m]}\n"
		"chains: {default: {targets: [x/m, a/m]}}\n",
		fake_provider_url(fp, "a"));
	daemon_start(d);
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
	ck_assert_uint_eq(
		daemon_logged(d, "provider x not configured: NO_SUCH_KEY is not set"), 1);
	struct json *view = daemon_view(d, "status");
	ck_assert_str_eq(tree_text(view, "providers.x.state"), "not_configured");
	ck_assert_str_eq(tree_text(view, "targets.x/m.state"), "not_configured");
	json_free(view);
}
END_TEST

static void
configure_by_env_file(void)
{
	daemon_configure(d,
		"providers:\n"
		"  a: {api: openai, base_url: '${URL_OF_A}/v1', api_key: '${KEY_OF_A}', models: "
	        "[m]}\n"
		"chains: {default: {targets: [a/m]}}\n");
}

START_TEST(an_env_file_fills_the_variables_and_is_read_again_by_a_reload)
{
	const char *options[] = {"--env-file", NULL, NULL};
	char text[256], path[160];

	configure_by_env_file();
	snprintf(text, sizeof text, "export URL_OF_A=\"%s\"  # where\nKEY_OF_A='sk-one'\n",
		fake_provider_url(fp, "a"));
	snprintf(path, sizeof path, "%s", daemon_file(d, "llmfo.env", text));
	options[1] = path;
	d->options = options;
	daemon_start(d);
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
	snprintf(text, sizeof text, "URL_OF_A=%s\nKEY_OF_A=sk-two\n", fake_provider_url(fp, "a"));
	(void)daemon_file(d, "llmfo.env", text);
	daemon_ctl_ends(d, 0, "reload", NULL);
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
	char *seen = fake_provider_requests(fp, "a");
	ck_assert_ptr_nonnull(strstr(seen, "sk-one"));
	ck_assert_ptr_nonnull(strstr(seen, "sk-two"));
	free(seen);
	(void)daemon_file(d, "llmfo.env", "this is no line\n");
	daemon_ctl_ends(d, 1, "reload", NULL);
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
}
END_TEST

/* Runs llmfod to its end. */
static struct run
llmfod(const char *one, const char *two, const char *three)
{
	const char *arguments[] = {one, two, three, NULL};

	return daemon_run(d, getenv("LLMFOD"), arguments);
}

START_TEST(a_configuration_can_be_checked_without_a_start)
{
	daemon_configure(d,
		"providers: {a: {api: ollama, base_url: 'http://127.0.0.1:1', "
		"models: [m]}}\nchains: {default: {targets: [a/m]}}\n");
	assert_ok(llmfod("--check-config", "--config", d->config), "configuration ok\n");
	daemon_configure(d, "providers:\n  a: {api: nothing, models: 3}\nwhatever: 1\n");
	struct run run = llmfod("--check-config", "--config", d->config);
	ck_assert_int_eq(run.status, 1);
	ck_assert_ptr_nonnull(strstr(run.out, "llmfo.yaml:2:"));
	ck_assert_ptr_nonnull(strstr(run.out, "llmfo.yaml:3:"));
	ck_assert_ptr_nonnull(strstr(run.out, "whatever"));
	ck_assert_ptr_null(strstr(run.out, "configuration ok"));
	run_free(&run);
	run = llmfod("--check-config", "--config", "/nowhere/at/all");
	ck_assert_int_eq(run.status, 1);
	ck_assert_ptr_nonnull(strstr(run.out, "/nowhere/at/all"));
	run_free(&run);
	ck_assert_int_ne(access(d->socket, F_OK), 0);
}
END_TEST

START_TEST(its_command_line_is_checked)
{
	static const struct {
		const char *words[3];
		int status;
	} lines[] = {
		{{"--version"}, 0},
		{{"--help"}, 0},
		{{"--nothing"}, 2},
		{{"nothing"}, 2},
		{{"--log-level", "loud"}, 2},
		{{"--log-format", "xml"}, 2},
		{{"--config"}, 2},
		{{"--state"}, 2},
		{{"--state", ""}, 2},
	};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct run run = llmfod(lines[i].words[0], lines[i].words[1], lines[i].words[2]);

		ck_assert_msg(
			run.status == lines[i].status, "%s: %d", lines[i].words[0], run.status);
		ck_assert(strlen(run.status ? run.err : run.out) > 0);
		run_free(&run);
	}
}
END_TEST

/* ---- the examples ---- */

static void
start_for_examples(void)
{
	daemon_configure(d,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: k, models: [m]}\n"
		"chains: {default: {targets: [a/m]}}\n",
		fake_provider_url(fp, "a"));
	daemon_start(d);
	fake_provider_script(fp, "a", "ok text=Hello; 429");
}

START_TEST(the_example_in_c_asks_and_tells_what_failed)
{
	static const char *const words[] = {"hello", NULL};
	char program[512];

	start_for_examples();
	ck_assert_ptr_nonnull(getenv("top_builddir"));
	snprintf(program, sizeof program, "%s/docs/examples/ask", getenv("top_builddir"));
	struct run run = daemon_run(d, program, words);
	ck_assert_msg(strstr(run.err, "answered by a/m") != NULL, "%s", run.err);
	assert_ok(run, "Hello\n");
	run = daemon_run(d, program, words);
	ck_assert_int_eq(run.status, 1);
	ck_assert_str_eq(run.out, "");
	ck_assert_ptr_nonnull(strstr(run.err, "a/m: rate_limited"));
	run_free(&run);
}
END_TEST

START_TEST(the_example_in_python_asks_and_tells_what_failed)
{
	static const char python[] = "/usr/bin/python3";
	static const char *const try_it[] = {"-c", "import msgpack", NULL};
	char program[512];
	const char *words[] = {program, "hello", NULL};

	if (access(python, X_OK) != 0)
		return;
	struct run run = daemon_run(d, python, try_it);
	bool there = run.status == 0;
	run_free(&run);
	if (!there)
		return;
	start_for_examples();
	ck_assert_ptr_nonnull(getenv("top_srcdir"));
	snprintf(program, sizeof program, "%s/docs/examples/ask.py", getenv("top_srcdir"));
	run = daemon_run(d, python, words);
	ck_assert_msg(strstr(run.err, "answered by a/m") != NULL, "%s", run.err);
	assert_ok(run, "Hello\n");
	run = daemon_run(d, python, words);
	ck_assert_int_eq(run.status, 1);
	ck_assert_ptr_nonnull(strstr(run.err, "all_failed"));
	run_free(&run);
}
END_TEST

static void
add_tests(TCase *tests)
{
	tcase_add_test(tests, without_a_file_the_environment_is_the_configuration);
	tcase_add_test(tests, without_any_provider_it_says_what_to_set);
	tcase_add_test(tests, a_key_that_is_not_set_leaves_its_provider_out_and_says_so);
	tcase_add_test(tests, an_env_file_fills_the_variables_and_is_read_again_by_a_reload);
	tcase_add_test(tests, a_configuration_can_be_checked_without_a_start);
	tcase_add_test(tests, its_command_line_is_checked);
	tcase_add_test(tests, the_example_in_c_asks_and_tells_what_failed);
	tcase_add_test(tests, the_example_in_python_asks_and_tells_what_failed);
}

int
main(void)
{
	Suite *suite = suite_create("environment and examples");
	TCase *tests = tcase_create("environment");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	add_tests(tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
