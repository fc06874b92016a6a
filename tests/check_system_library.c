/* SPDX-License-Identifier: MIT */
/*
 * The library and the real daemon: what happens there is told to who listens, across a restart, and
 * what one client learns by its own calls the others act on at once.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "llmfo.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/fake_provider.h"
#include "support/tally.h"
#include "util.h"

#define LONG_MS 10000
/* What a client process is asked to do, and what it answers with, each a line of this length. */
#define LINE_BYTES 128

static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;
static struct llmfo_client *client;
static struct tally tally;

static void
setup(void)
{
	static const char *const options[] = {
		"--provider", "a=openai", "--provider", "b=openai", NULL};

	fp = fake_provider_start(options);
	daemon_init(d);
	daemon_configure(d,
		"health: {failure_threshold: 2, check_interval: 0s}\n"
		"features: {preferred: true}\n"
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: k, models: [m]}\n"
		"  b: {api: openai, base_url: '%s/v1', api_key: k, models: [m]}\n"
		"chains: {default: {targets: [a/m, b/m]}}\n",
		fake_provider_url(fp, "a"), fake_provider_url(fp, "b"));
	daemon_start(d);
	ck_assert_int_eq(llmfo_client_new(&client, d->socket), 0);
	tally_init(&tally, client);
}

static void
teardown(void)
{
	tally_check(&tally);
	llmfo_client_free(client);
	daemon_stop(d);
	fake_provider_stop(fp);
}

/* ---- events ---- */

/* What the callback was told so far, a word each. */
static struct buf told;

static const char *
word(const struct llmfo_value *event, const char *key)
{
	const char *text = llmfo_value_string(llmfo_value_get(event, key), NULL);

	return text ? text : "nil";
}

static void
on_event(void *arg, int error, const struct llmfo_value *event)
{
	const char *type = word(event, "type");

	ck_assert_ptr_eq(arg, &told);
	if (error || !event) {
		(void)buf_printf(&told, "%s ", error ? llmfo_error_code(error) : "stands");
		return;
	}
	ck_assert_int_gt(llmfo_value_int(llmfo_value_get(event, "at_ms"), 0), 0);
	if (strcmp(type, "failover") == 0)
		(void)buf_printf(&told, "%s:%s:%s:%s ", type, word(event, "from"),
			word(event, "to"), word(event, "class"));
	else if (strcmp(type, "circuit") == 0)
		(void)buf_printf(
			&told, "%s:%s:%s ", type, word(event, "target"), word(event, "state"));
	else if (strcmp(type, "preferred") == 0)
		(void)buf_printf(&told, "%s:%s ", type, word(event, "target"));
	else if (strcmp(type, "forced") == 0)
		(void)buf_printf(&told, "%s:%s ", type, word(event, "provider"));
	else
		(void)buf_printf(&told, "%s ", type);
}

/* Lets the client go on until a word was told, be it by now. */
static void
hear(const char *what)
{
	for (int i = 0; i < 2000 && !strstr(told.len ? told.data : "", what); i++)
		tally_step(&tally, 10);
	ck_assert_msg(strstr(told.len ? told.data : "", what) != NULL, "no %s: %s", what,
		told.len ? told.data : "");
}

static void
forget(void)
{
	buf_free(&told);
	buf_init(&told, 65536);
}

/* Asks with the client that listens, without waiting. */
static void
generate(void)
{
	struct llmfo_params *params = llmfo_params_new();

	(void)llmfo_params_set_string(params, "prompt", "hello");
	(void)llmfo_params_set_int(params, "max_retries_per_model", 0);
	tally_start(&tally, "generate", params, LONG_MS);
	tally_run(&tally, tally.started);
	llmfo_params_free(params);
}

START_TEST(each_type_of_event_arrives)
{
	forget();
	ck_assert_int_eq(llmfo_subscribe(client, NULL, on_event, &told), 0);
	hear("stands ");
	fake_provider_script(fp, "a", "404; ok");
	generate();
	hear("circuit:a/m:open ");
	hear("failover:a/m:b/m:model_not_found ");
	hear("preferred:b/m ");
	daemon_ctl_ends(d, 0, "force-provider", "a", NULL);
	hear("forced:a ");
	daemon_ctl_ends(d, 0, "force-provider", "--clear", NULL);
	hear("forced:nil ");
	daemon_ctl_ends(d, 0, "reset-health", NULL);
	hear("circuit:a/m:closed ");
	daemon_signal(d, SIGHUP);
	hear("reloaded ");
	fake_provider_script(fp, "a", "404");
	fake_provider_script(fp, "b", "404");
	generate();
	hear("all_failed ");
	ck_assert_int_eq(tally.calls[1].error, LLMFO_EALL_FAILED);
	ck_assert_ptr_null(strstr(told.data, "disconnected"));
	buf_free(&told);
}
END_TEST

START_TEST(only_what_was_subscribed_to_arrives)
{
	static const char *const types[] = {"reloaded", NULL};

	forget();
	ck_assert_int_eq(llmfo_subscribe(client, types, on_event, &told), 0);
	hear("stands ");
	daemon_ctl_ends(d, 0, "force-provider", "a", NULL);
	daemon_ctl_ends(d, 0, "reload", NULL);
	hear("reloaded ");
	ck_assert_str_eq(told.data, "stands reloaded ");
	buf_free(&told);
}
END_TEST

START_TEST(a_daemon_that_was_restarted_is_subscribed_to_anew)
{
	forget();
	ck_assert_int_eq(llmfo_subscribe(client, NULL, on_event, &told), 0);
	hear("stands ");
	for (int i = 0; i < 2; i++) {
		forget();
		daemon_signal(d, i ? SIGKILL : SIGTERM);
		ck_assert_int_eq(daemon_wait(d), i ? 128 + SIGKILL : 0);
		hear("disconnected ");
		daemon_start(d);
		hear("stands ");
		daemon_ctl_ends(d, 0, "reload", NULL);
		hear("reloaded ");
		ck_assert_str_eq(told.data, "disconnected stands reloaded ");
	}
	buf_free(&told);
}
END_TEST

/* ---- pick and report ---- */

/* What the report of a lease is answered with; *state, if it was noted, is the circuit's. */
static int
report(struct llmfo_client *who, const char *lease, int http_status, char *state, size_t size)
{
	struct llmfo_params *params = llmfo_params_new();
	struct llmfo_reply *reply;

	(void)llmfo_params_set_string(params, "lease", lease);
	(void)llmfo_params_set_string(params, "outcome", http_status ? "failed" : "ok");
	if (http_status)
		(void)llmfo_params_set_int(params, "http_status", http_status);
	int error = llmfo_report(who, params, LONG_MS, &reply);
	snprintf(state, size, "%s", llmfo_reply_string(reply, "state"));
	llmfo_reply_free(reply);
	llmfo_params_free(params);
	return error;
}

START_TEST(a_lease_is_good_for_one_report)
{
	struct llmfo_reply *picked;
	char state[32];

	ck_assert_int_eq(llmfo_pick(client, NULL, LONG_MS, &picked), 0);
	const char *lease = llmfo_reply_string(picked, "lease");
	ck_assert_str_eq(llmfo_reply_string(picked, "target"), "a/m");
	ck_assert_int_gt(llmfo_reply_int(picked, "valid_ms", 0), 0);
	ck_assert_int_eq(report(client, lease, 0, state, sizeof state), 0);
	ck_assert_str_eq(state, "closed");
	ck_assert_int_eq(report(client, lease, 0, state, sizeof state), LLMFO_ENOT_FOUND);
	ck_assert_int_eq(report(client, "of nobody", 0, state, sizeof state), LLMFO_ENOT_FOUND);
	ck_assert(*llmfo_client_error(client));
	llmfo_reply_free(picked);
}
END_TEST

/* A client process of its own, which does what it is told by a line, and answers with a line. */
struct process {
	pid_t pid;
	int fd;
};

/* Picks, reports an HTTP status, and says what it picked and what became of the circuit. */
static void
pick_and_report(struct llmfo_client *who, int http_status, char *answer)
{
	struct llmfo_reply *picked;
	char state[32] = "";
	int error = llmfo_pick(who, NULL, LONG_MS, &picked);

	if (!error)
		error = report(
			who, llmfo_reply_string(picked, "lease"), http_status, state, sizeof state);
	snprintf(answer, LINE_BYTES, "%s %s", llmfo_reply_string(picked, "target"),
		error ? llmfo_error_code(error) : state);
	llmfo_reply_free(picked);
}

/* The process's life: it picks and reports and does nothing else. */
static void
live_by_picking(int fd)
{
	struct llmfo_client *own;
	char line[LINE_BYTES], answer[LINE_BYTES] = "";

	if (llmfo_client_new(&own, d->socket) != 0)
		_exit(1);
	while (read(fd, line, sizeof line) == sizeof line) {
		memset(answer, 0, sizeof answer);
		pick_and_report(own, (int)strtol(line, NULL, 10), answer);
		if (write(fd, answer, sizeof answer) != sizeof answer)
			_exit(1);
	}
	llmfo_client_free(own);
	_exit(0);
}

static void
process_start(struct process *process)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	process->pid = fork();
	ck_assert_int_ge(process->pid, 0);
	if (process->pid == 0) {
		child_leaves_check();
		close(ends[0]);
		live_by_picking(ends[1]);
	}
	close(ends[1]);
	process->fd = ends[0];
}

static void
process_expect(struct process *process, int http_status, const char *expected)
{
	char line[LINE_BYTES] = "";

	snprintf(line, sizeof line, "%d", http_status);
	ck_assert_int_eq(write(process->fd, line, sizeof line), sizeof line);
	ck_assert_int_eq(read(process->fd, line, sizeof line), sizeof line);
	ck_assert_str_eq(line, expected);
}

static void
process_end(struct process *process)
{
	int status;

	close(process->fd);
	ck_assert_int_eq(waitpid(process->pid, &status, 0), process->pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* What this process, which only calls, is answered by. */
static void
call_expect(const char *provider, int64_t attempts)
{
	struct llmfo_params *params = llmfo_params_new();
	struct llmfo_reply *reply;

	(void)llmfo_params_set_string(params, "prompt", "hello");
	ck_assert_int_eq(llmfo_generate(client, params, LONG_MS, &reply), 0);
	ck_assert_str_eq(llmfo_reply_string(reply, "provider_used"), provider);
	ck_assert_int_eq(
		(int64_t)llmfo_value_count(llmfo_value_get(llmfo_reply_value(reply), "attempts")),
		attempts);
	llmfo_reply_free(reply);
	llmfo_params_free(params);
}

START_TEST(what_one_learns_by_its_own_calls_the_other_acts_on)
{
	struct process picker;

	process_start(&picker);
	call_expect("a", 1);
	process_expect(&picker, 503, "a/m closed");
	process_expect(&picker, 503, "a/m open");
	call_expect("b", 1);
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, 1);
	process_end(&picker);
}
END_TEST

START_TEST(what_one_learns_by_a_call_the_one_that_picks_acts_on)
{
	struct process picker;

	process_start(&picker);
	process_expect(&picker, 0, "a/m closed");
	fake_provider_script(fp, "a", "404");
	call_expect("b", 2);
	process_expect(&picker, 0, "b/m closed");
	process_end(&picker);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("the library and the daemon");
	TCase *tests = tcase_create("library");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, each_type_of_event_arrives);
	tcase_add_test(tests, only_what_was_subscribed_to_arrives);
	tcase_add_test(tests, a_daemon_that_was_restarted_is_subscribed_to_anew);
	tcase_add_test(tests, a_lease_is_good_for_one_report);
	tcase_add_test(tests, what_one_learns_by_its_own_calls_the_other_acts_on);
	tcase_add_test(tests, what_one_learns_by_a_call_the_one_that_picks_acts_on);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
