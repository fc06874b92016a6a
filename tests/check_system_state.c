/* SPDX-License-Identifier: MIT */
/* A real daemon that is started anew, whether it ended or was killed, goes on with what it knew. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/daemon.h"
#include "support/fake_provider.h"

#define MINUTE_MS 60000
#define KEY "CANARY-key-of-a-0123456789"

static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;

static void
setup(void)
{
	static const char *const options[] = {
		"--provider", "a=openai", "--provider", "b=openai", NULL};

	fp = fake_provider_start(options);
	fake_provider_script(fp, "a", "429 retry-after=600");
	daemon_init(d);
	daemon_configure(d,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: " KEY ", models: [m]}\n"
		"  b: {api: openai, base_url: '%s/v1', api_key: " KEY ", models: [m, n]}\n"
		"chains: {default: {targets: [a/m, b/m, b/n]}}\n",
		fake_provider_url(fp, "a"), fake_provider_url(fp, "b"));
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
expect_within(struct json *view, const char *path, int64_t least, int64_t most)
{
	int64_t number = tree_int(view, path);

	ck_assert_msg(number > least && number <= most, "%s: %lld", path, (long long)number);
}

static void
expect_all(void)
{
	struct json *view = daemon_view(d, "status");

	ck_assert_str_eq(tree_text(view, "targets.a/m.state"), "open");
	expect_within(view, "targets.a/m.cooldown_remaining_ms", 9 * MINUTE_MS, 10 * MINUTE_MS);
	ck_assert_str_eq(tree_text(view, "targets.b/n.state"), "disabled");
	ck_assert_str_eq(tree_text(view, "preferred.0.target"), "b/m");
	expect_within(view, "preferred.0.remaining_ms", 29 * MINUTE_MS, 30 * MINUTE_MS);
	ck_assert_str_eq(tree_text(view, "forced.provider"), "b");
	expect_within(view, "forced.remaining_ms", 59 * MINUTE_MS, 60 * MINUTE_MS);
	json_free(view);
}

static void
do_all(void)
{
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
	daemon_ctl_ends(d, 0, "disable", "b/n", NULL);
	daemon_ctl_ends(d, 0, "force-provider", "b", NULL);
}

START_TEST(what_was_open_preferred_forced_and_disabled_is_so_after_a_restart)
{
	daemon_start(d);
	do_all();
	expect_all();
	for (int i = 0; i < 5; i++) {
		daemon_signal(d, SIGTERM);
		ck_assert_int_eq(daemon_wait(d), 0);
		daemon_start(d);
		expect_all();
	}
	int64_t asked = fake_provider_stats(fp, "a").requests;
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, asked);
}
END_TEST

/* Until the file says what happened last: a test's look, the daemon waits for nobody. */
static void
wait_until_written(void)
{
	sqlite3 *sqlite = NULL;
	bool there = false;

	ck_assert_int_eq(
		sqlite3_open_v2(d->state, &sqlite, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	(void)sqlite3_busy_timeout(sqlite, 5000);
	for (int i = 0; i < 1000 && !there; i++) {
		sqlite3_stmt *statement = NULL;

		ck_assert_int_eq(sqlite3_prepare_v2(sqlite, "SELECT provider FROM forced", -1,
					 &statement, NULL),
			SQLITE_OK);
		there = sqlite3_step(statement) == SQLITE_ROW &&
			sqlite3_column_type(statement, 0) == SQLITE_TEXT;
		(void)sqlite3_finalize(statement);
		(void)usleep(10000);
	}
	ck_assert(there);
	(void)sqlite3_close(sqlite);
}

START_TEST(it_is_so_after_the_daemon_was_killed_too)
{
	daemon_start(d);
	do_all();
	wait_until_written();
	daemon_signal(d, SIGKILL);
	ck_assert_int_eq(daemon_wait(d), 128 + SIGKILL);
	daemon_start(d);
	expect_all();
	ck_assert_uint_eq(daemon_logged(d, "state:"), 0);
}
END_TEST

static bool
holds(const char *path, const char *part)
{
	FILE *file = fopen(path, "r");
	char bytes[65536];
	bool found = false;

	if (!file)
		return false;
	for (size_t count; !found && (count = fread(bytes, 1, sizeof bytes, file)) > 0;)
		found = memmem(bytes, count, part, strlen(part)) != NULL;
	fclose(file);
	return found;
}

START_TEST(no_key_is_in_the_file)
{
	char log[128];

	daemon_start(d);
	do_all();
	wait_until_written();
	snprintf(log, sizeof log, "%s-wal", d->state);
	ck_assert(holds(log, "a/m"));
	ck_assert(!holds(log, "CANARY") && !holds(d->state, "CANARY"));
	daemon_signal(d, SIGTERM);
	ck_assert_int_eq(daemon_wait(d), 0);
	ck_assert(holds(d->state, "a/m"));
	ck_assert(!holds(d->state, "CANARY"));
}
END_TEST

START_TEST(a_daemon_starts_whatever_is_there)
{
	daemon_file(d, "llmfo.db", "no database at all, whatever its name says");
	daemon_start(d);
	do_all();
	expect_all();
	ck_assert_uint_eq(daemon_logged(d, "llmfo.db.broken-1, and a new one is begun"), 1);
	daemon_signal(d, SIGTERM);
	ck_assert_int_eq(daemon_wait(d), 0);
	daemon_start(d);
	expect_all();
}
END_TEST

START_TEST(a_daemon_may_be_told_to_keep_nothing)
{
	static const char *const options[] = {"--state", "none", NULL};
	struct stat there;

	d->options = options;
	daemon_start(d);
	do_all();
	daemon_signal(d, SIGTERM);
	ck_assert_int_eq(daemon_wait(d), 0);
	ck_assert_int_lt(stat(d->state, &there), 0);
	daemon_start(d);
	struct json *view = daemon_view(d, "status");
	ck_assert_str_eq(tree_text(view, "targets.a/m.state"), "closed");
	ck_assert_ptr_null(tree_get(view, "preferred.0"));
	json_free(view);
}
END_TEST

START_TEST(the_service_manager_says_where_the_file_is)
{
	char variable[128], path[128];
	const char *variables[] = {variable, NULL};
	struct stat about;

	snprintf(variable, sizeof variable, "STATE_DIRECTORY=%s/first:/nowhere", d->directory);
	snprintf(path, sizeof path, "%s/first/llmfo.db", d->directory);
	d->variables = variables;
	d->no_state = true;
	daemon_start(d);
	ck_assert_int_eq(stat(path, &about), 0);
	ck_assert_int_eq(about.st_mode & 07777, 0600);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_state");
	TCase *tests = tcase_create("system_state");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_was_open_preferred_forced_and_disabled_is_so_after_a_restart);
	tcase_add_test(tests, it_is_so_after_the_daemon_was_killed_too);
	tcase_add_test(tests, no_key_is_in_the_file);
	tcase_add_test(tests, a_daemon_starts_whatever_is_there);
	tcase_add_test(tests, a_daemon_may_be_told_to_keep_nothing);
	tcase_add_test(tests, the_service_manager_says_where_the_file_is);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
