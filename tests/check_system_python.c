/* SPDX-License-Identifier: MIT */
/* The protocol from another language: docs/examples/client.py against the real daemon, and
 * proto/vectors read by Python. Without a Python that has the module msgpack it is skipped. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/config_support.h"
#include "support/daemon.h"
#include "support/fake_provider.h"

static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;
static const char *python;

static void
start_both(void)
{
	fp = fake_provider_start(
		(const char *const[]){"--provider", "a=openai", "--provider", "b=openai", NULL});
	daemon_begin(d,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: key-of-a, models: [m]}\n"
		"  b: {api: openai, base_url: '%s/v1', api_key: key-of-b, models: [m]}\n"
		"chains: {default: {targets: [a/m, b/m]}}\n",
		fake_provider_url(fp, "a"), fake_provider_url(fp, "b"));
}

static void
stop_both(void)
{
	daemon_stop(d);
	fake_provider_stop(fp);
}

/* Runs Python with a program's path or `-c`, and what belongs to it. */
static struct run
run_python(const char *first, const char *second, const char *third)
{
	return daemon_run(d, python, (const char *const[]){"-B", first, second, third, NULL});
}

static char *
folder(void)
{
	const char *top = getenv("top_srcdir");

	return x_asprintf("%s/docs/examples", top ? top : ".");
}

/* Runs client.py with a method and its parameters. */
static struct run
run_client(const char *method, const char *params)
{
	char *path = x_asprintf(
		"%s/docs/examples/client.py", getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	struct run run = run_python(path, method, params);

	free(path);
	return run;
}

START_TEST(it_calls_any_method_and_prints_the_result)
{
	fake_provider_script(fp, "a", "429");
	fake_provider_script(fp, "b", "ok text='Gr\xc3\xbc\xc3\x9f dich'");
	struct run run = run_client("generate", "{\"prompt\": \"hello\", \"max_tokens\": 50}");

	ck_assert_msg(run.status == 0, "%s", run.err);
	struct json *result = json_parse(run.out, strlen(run.out), true, NULL);
	ck_assert_str_eq(tree_text(result, "text"), "Gr\xc3\xbc\xc3\x9f dich");
	ck_assert_str_eq(tree_text(result, "provider_used"), "b");
	ck_assert_str_eq(tree_text(result, "attempts.0.class"), "rate_limited");
	json_free(result);
	run_free(&run);
	run = run_client("hello", "{\"client\": \"client.py\"}");
	ck_assert_msg(strstr(run.out, "\"server\": \"llmfod\"") != NULL, "%s", run.out);
	run_free(&run);
}
END_TEST

START_TEST(it_hears_an_answer_as_it_comes_and_where_it_begins_anew)
{
	static const char program[] =
		"import sys; sys.path.insert(0, sys.argv[1])\n"
		"from client import Client\n"
		"c = Client()\n"
		"pieces = list(c.stream(prompt='hello', on_break='restart'))\n"
		"print(pieces)\n"
		"print(''.join(p['text'] for p in pieces[pieces.index(None) + 1:]))\n"
		"print(c.call('generate', prompt='hello')['text'], c.waiting)\n";
	char *path = folder();

	fake_provider_script(fp, "a", "ok text='one two three' cut-after=2; ok text=again");
	fake_provider_script(fp, "b", "ok text='four five'");
	struct run run = run_python("-c", program, path);
	ck_assert_msg(run.status == 0, "%s", run.err);
	ck_assert_ptr_nonnull(strstr(run.out, "None"));
	ck_assert_ptr_nonnull(strstr(run.out, "\nfour five\n"));
	ck_assert_ptr_nonnull(strstr(run.out, "{})\n"));
	run_free(&run);
	run = run_client("stream", "{\"prompt\": \"hello\"}");
	ck_assert_msg(run.status == 0, "%s", run.err);
	ck_assert_ptr_nonnull(strstr(run.out, "{\"text\": \""));
	run_free(&run);
	free(path);
}
END_TEST

START_TEST(it_says_what_the_daemon_refused)
{
	struct run run = run_client("generate", "{\"prompt\": \"hello\", \"chain\": \"x\"}");

	ck_assert_int_eq(run.status, 1);
	ck_assert_str_eq(run.out, "");
	ck_assert_ptr_nonnull(
		strstr(run.err, "not_found: there is no chain `x`; there are: default, "));
	run_free(&run);
}
END_TEST

START_TEST(it_has_many_calls_under_way_at_once)
{
	static const char program[] =
		"import sys; sys.path.insert(0, sys.argv[1])\n"
		"from client import Client, Error\n"
		"c = Client()\n"
		"ids = [c.start('generate', prompt=f'number {i}') for i in range(100)]\n"
		"answers = [c.finish(i) for i in reversed(ids)]\n"
		"print(len(answers), {a['text'] for a in answers})\n"
		"first = c.start('generate', prompt='hello', deadline_ms=60000)\n"
		"try: c.call('cancel', msgid=first + 1)\n"
		"except Error as error: print(error.code)\n"
		"print(c.finish(first)['finish_reason'])\n";
	char *path = folder();
	struct run run;

	fake_provider_script(fp, "a", "ok text=Yes");
	run = run_python("-c", program, path);
	ck_assert_msg(run.status == 0, "%s", run.err);
	ck_assert_str_eq(run.out, "100 {'Yes'}\nnot_found\nstop\n");
	run_free(&run);
	free(path);
}
END_TEST

START_TEST(it_hears_what_happens)
{
	static const char program[] =
		"import sys; sys.path.insert(0, sys.argv[1])\n"
		"from client import Client\n"
		"c, other = Client(), Client()\n"
		"c.call('subscribe', types=['forced', 'failover'])\n"
		"other.call('force_provider', provider='a', duration_s=60)\n"
		"other.call('generate', prompt='hello')\n"
		"other.call('force_provider', provider=None)\n"
		"events = c.events(types=['forced', 'failover'])\n"
		"for i in range(3):\n"
		"    event = next(events)\n"
		"    print(event['type'], event.get('provider'), event.get('to'))\n";
	char *path = folder();
	struct run run;

	fake_provider_script(fp, "a", "429");
	run = run_python("-c", program, path);
	ck_assert_msg(run.status == 0, "%s", run.err);
	ck_assert_str_eq(run.out, "forced a None\nfailover None b/m\nforced None None\n");
	run_free(&run);
	free(path);
}
END_TEST

START_TEST(the_vectors_can_be_read_by_their_readme_alone)
{
	const char *top = getenv("top_srcdir");
	char *program = x_asprintf("%s/tests/vectors.py", top ? top : ".");
	char *vectors = x_asprintf("%s/proto/vectors", top ? top : ".");
	struct run run = run_python(program, vectors, NULL);

	ck_assert_msg(run.status == 0, "%s", run.err);
	ck_assert_int_ge(strtol(run.out, NULL, 10), 200);
	run_free(&run);
	free(vectors);
	free(program);
}
END_TEST

START_TEST(it_is_as_short_as_it_says)
{
	char *text = support_shipped("docs/examples/client.py");
	int lines = 0;

	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	ck_assert_int_le(lines, 75);
	free(text);
}
END_TEST

/* Debian's interpreter, if it has the module msgpack; NULL if not. */
static const char *
find_python(void)
{
	return system("/usr/bin/python3 -c 'import msgpack' 2>/dev/null") == 0 ? "/usr/bin/python3"
									       : NULL;
}

int
main(void)
{
	Suite *suite = suite_create("client.py");
	TCase *tests = tcase_create("against the daemon");

	python = find_python();
	if (python) {
		tcase_add_test(tests, it_calls_any_method_and_prints_the_result);
		tcase_add_test(tests, it_hears_an_answer_as_it_comes_and_where_it_begins_anew);
		tcase_add_test(tests, it_says_what_the_daemon_refused);
		tcase_add_test(tests, it_has_many_calls_under_way_at_once);
		tcase_add_test(tests, it_hears_what_happens);
		tcase_add_test(tests, the_vectors_can_be_read_by_their_readme_alone);
	} else {
		fprintf(stderr, "skipped: there is no Python with the module msgpack\n");
	}
	tcase_add_checked_fixture(tests, start_both, stop_both);
	suite_add_tcase(suite, tests);
	tests = tcase_create("the file");
	tcase_add_test(tests, it_is_as_short_as_it_says);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
