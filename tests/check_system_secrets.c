/* SPDX-License-Identifier: MIT */
/*
 * Where keys can be found: in the requests to their own provider, and nowhere else, whatever
 * providers answer and whatever is asked. Every key has CANARY in it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/daemon.h"
#include "support/fake_provider.h"
#include "util.h"

#define CANARY "CANARY"
#define KEY_A "sk-CANARY-literal-0123456789abcdef"
#define KEY_B "sk-CANARY-variable-0123456789abcdef"
#define KEY_C "sk-CANARY-keyfile-0123456789abcdef"
#define KEY_E "sk-CANARY-credential-0123456789abcdef"

static const char *const names[] = {"a", "b", "c", "e"};
static const char *const keys[] = {KEY_A, KEY_B, KEY_C, KEY_E};

static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;
static char credentials[128];

static void
setup(void)
{
	static const char *const options[] = {"--provider", "a=openai", "--provider", "b=openai",
		"--provider", "c=openai", "--provider", "e=ollama", "--key", "a:" KEY_A, "--key",
		"b:" KEY_B, "--key", "c:" KEY_C, "--models", "a:m", "--models", "b:m", "--models",
		"c:m", "--models", "e:m", NULL};
	static const char *variables[] = {"CANARY_VARIABLE=" KEY_B, credentials, NULL};
	char key_file[128];

	fp = fake_provider_start(options);
	daemon_init(d);
	memcpy(key_file, daemon_file(d, "key-of-c", KEY_C "\n"), sizeof key_file);
	(void)daemon_file(d, "e", KEY_E "\n");
	snprintf(credentials, sizeof credentials, "CREDENTIALS_DIRECTORY=%s", d->directory);
	d->variables = variables;
	daemon_configure(d,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: " KEY_A
		", models: [m], max_retries: 0}\n"
		"  b: {api: openai, base_url: '%s/v1', api_key: '${CANARY_VARIABLE}', models: [m], "
	        "max_retries: 0}\n"
		"  c: {api: openai, base_url: '%s/v1', api_key_file: '%s', models: [m], "
	        "max_retries: 0}\n"
		"  e: {api: ollama, base_url: '%s', models: [m], max_retries: 0}\n"
		"chains: {default: {targets: [a/m, b/m, c/m, e/m]}}\n"
		"health: {failure_threshold: 2, check_interval: 50ms}\n",
		fake_provider_url(fp, "a"), fake_provider_url(fp, "b"), fake_provider_url(fp, "c"),
		key_file, fake_provider_url(fp, "e"));
}

static void
assert_none(const char *where, const char *text)
{
	ck_assert_msg(strstr(text, CANARY) == NULL, "%s has a key: %s", where, text);
}

/* Everything that people see of it. */
static void
look_everywhere(void)
{
	static const char *const commands[][3] = {{"status", NULL}, {"providers", NULL},
		{"chains", NULL}, {"check", NULL}, {"explain", NULL}, {"pick", NULL},
		{"ask", "hello", NULL}, {"disable", "nothing", NULL},
		{"force-provider", "nothing", NULL}, {"reload", NULL}, {"clear-cache", NULL},
		{"reset-health", NULL}, {"version", NULL}, {"ping", NULL}};

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		struct run run = daemon_ctl(d, commands[i][0], commands[i][1], NULL);
		struct run json = daemon_ctl(d, "--json", commands[i][0], commands[i][1], NULL);

		assert_none(commands[i][0], run.out);
		assert_none(commands[i][0], run.err);
		assert_none(commands[i][0], json.out);
		assert_none(commands[i][0], json.err);
		run_free(&run);
		run_free(&json);
	}
}

static const char *const scripts[] = {
	"401 echo-key",
	"429 echo-key",
	"500 echo-key",
	"400 echo-key",
	"400 body='{\"error\":{\"message\":\"You sent sk-CANARY-literal-0123456789abcdef and "
	"sk-CANARY-variable-0123456789abcdef sk-CANARY-keyfile-0123456789abcdef\"}}'",
	"503 content-type=text/html body='<p>sk-CANARY-literal-0123456789abcdef "
	"sk-CANARY-variable-0123456789abcdef sk-CANARY-keyfile-0123456789abcdef</p>'",
	"ok",
};

static const char *const formats[] = {"text", "logfmt", "json"};

/* Keys that a caller's own words repeat are the caller's; here only providers repeat them. */
START_TEST(what_providers_repeat_of_a_key_is_seen_nowhere)
{
	const char *options[] = {"--log-level", "debug", "--log-format", formats[_i], NULL};

	setup();
	d->options = options;
	daemon_start(d);
	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		for (int k = 0; k < 3; k++) {
			fake_provider_script(fp, names[k], scripts[i]);
			fake_provider_check_script(fp, names[k], i % 2 ? scripts[i] : "ok");
		}
		fake_provider_script(fp, "e", "503 echo-key");
		look_everywhere();
	}
	daemon_signal(d, 1);
	daemon_wait_told(d, "READY=1");
	daemon_signal(d, 15);
	ck_assert_int_eq(daemon_wait(d), 0);
	char *log = daemon_log(d);
	ck_assert_uint_gt(strlen(log), 1000);
	assert_none("the log", log);
	free(log);
	daemon_clean(d);
	fake_provider_stop(fp);
}
END_TEST

START_TEST(a_key_goes_to_its_own_provider_alone)
{
	setup();
	daemon_start(d);
	for (int i = 0; i < 3; i++)
		fake_provider_script(fp, names[i], "503");
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
	daemon_ctl_ends(d, 0, "check", NULL);
	for (int i = 0; i < 4; i++) {
		char *seen = fake_provider_requests(fp, names[i]);

		for (int k = 0; k < 4; k++)
			ck_assert_msg(!strstr(seen, keys[k]) == (i != k), "%s and %s: %s", names[i],
				names[k], seen);
		free(seen);
	}
	daemon_stop(d);
	fake_provider_stop(fp);
}
END_TEST

START_TEST(a_redirect_is_not_followed)
{
	char script[128];

	setup();
	daemon_start(d);
	snprintf(script, sizeof script, "redirect=%s/v1/chat/completions",
		fake_provider_url(fp, "b"));
	fake_provider_script(fp, "a", script);
	fake_provider_check_script(fp, "a", script);
	struct run run = daemon_ctl(d, "ask", "--provider", "a", "hello", NULL);
	ck_assert_int_eq(run.status, 1);
	ck_assert_ptr_nonnull(strstr(run.err, "307"));
	run_free(&run);
	daemon_ctl_ends(d, 1, "check", "a", NULL);
	ck_assert_int_ge(fake_provider_stats(fp, "a").requests, 1);
	ck_assert_int_eq(fake_provider_stats(fp, "b").requests, 0);
	ck_assert_int_eq(fake_provider_stats(fp, "b").checks, 0);
	daemon_stop(d);
	fake_provider_stop(fp);
}
END_TEST

/* Each form in which a key travels, and a place on another port or of another name. */
static const struct {
	const char *api, *family, *path;
} key_forms[] = {
	{"openai", "openai", "/v1"},       /* Authorization */
	{"anthropic", "anthropic", "/v1"}, /* x-api-key */
	{"gemini", "gemini", "/v1beta"},   /* x-goog-api-key */
	{"azure", "openai", "/v1"},        /* api-key */
};

START_TEST(no_form_of_a_key_goes_where_a_redirect_points)
{
	bool other_name = _i % 2;
	const char *family = key_forms[_i / 2].family;
	char *provider = x_asprintf("a=%s", family);
	const char *options[] = {"--provider", provider, "--provider", "b=openai", NULL};

	fp = fake_provider_start(options);
	daemon_begin(d,
		"providers: {a: {api: %s, base_url: '%s%s', api_key: " KEY_A ", models: [m],"
		" max_retries: 0}}\n"
		"chains: {default: {targets: [a/m]}}\n",
		key_forms[_i / 2].api, fake_provider_url(fp, "a"), key_forms[_i / 2].path);
	char *script = x_asprintf("redirect=http://%s:%d/v1/chat/completions",
		other_name ? "localhost" : "127.0.0.1", fake_provider_port(fp, "b"));
	fake_provider_script(fp, "a", script);
	struct run run = daemon_ctl(d, "ask", "hello", NULL);
	ck_assert_int_eq(run.status, 1);
	ck_assert_msg(strstr(run.err, "307") != NULL, "%s", run.err);
	assert_none("the error", run.err);
	run_free(&run);
	char *seen = fake_provider_requests(fp, "a");
	ck_assert_msg(strstr(seen, KEY_A) != NULL, "%s", seen);
	free(seen);
	ck_assert_int_eq(fake_provider_stats(fp, "b").connections_total, 0);
	daemon_stop(d);
	fake_provider_stop(fp);
	free(script);
	free(provider);
}
END_TEST

/* What others can read of the process. */
static char *
proc_file(const char *name)
{
	char path[64];
	char *text = NULL;
	size_t size = 0;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)d->pid, name);
	FILE *file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s", path);
	ck_assert_int_gt(getline(&text, &size, file), 0);
	for (char *at = text; strcmp(name, "limits") == 0 && getline(&at, &size, file) > 0;) {
		text = at;
		if (strstr(text, "Max core file size"))
			break;
	}
	fclose(file);
	return text;
}

START_TEST(the_process_leaves_no_key_behind_it)
{
	setup();
	daemon_start(d);
	char *line = proc_file("cmdline");
	assert_none("the command line", line);
	free(line);
	char *limit = proc_file("limits");
	ck_assert_msg(strstr(limit, "Max core file size        0                    0") != NULL,
		"%s", limit);
	free(limit);
	daemon_signal(d, 6);
	ck_assert_int_eq(daemon_wait(d), 128 + 6);
	ck_assert_int_ne(access("core", F_OK), 0);
	daemon_clean(d);
	fake_provider_stop(fp);
}
END_TEST

START_TEST(faults_of_a_configuration_repeat_no_key)
{
	setup();
	daemon_start(d);
	daemon_configure(d,
		"providers:\n"
		"  a: {api: openai, api_key: " KEY_A ", " KEY_A ": 1, models: 3}\n"
		"  b: {api: openai, api_key: [" KEY_A "]}\n"
		"  c: {api: openai, api_key: " KEY_A ", api_key_file: /nowhere}\n"
		"  f: {api: openai, api_key: \"" KEY_A "\\x01\"}\n");
	struct run run = daemon_ctl(d, "reload", NULL);
	ck_assert_int_eq(run.status, 1);
	ck_assert_ptr_null(strstr(run.err, "api_key: " KEY_A));
	run_free(&run);
	daemon_stop(d);
	fake_provider_stop(fp);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("keys");
	TCase *tests = tcase_create("keys");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, what_providers_repeat_of_a_key_is_seen_nowhere, 0, 3);
	tcase_add_test(tests, a_key_goes_to_its_own_provider_alone);
	tcase_add_test(tests, a_redirect_is_not_followed);
	tcase_add_loop_test(tests, no_form_of_a_key_goes_where_a_redirect_points, 0,
		2 * sizeof key_forms / sizeof key_forms[0]);
	tcase_add_test(tests, the_process_leaves_no_key_behind_it);
	tcase_add_test(tests, faults_of_a_configuration_repeat_no_key);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
