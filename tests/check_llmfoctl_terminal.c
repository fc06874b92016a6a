/* SPDX-License-Identifier: MIT */
/*
 * llmfoctl on a terminal: colours, nothing of a provider's that steers it, and `status --watch`,
 * which survives its daemon and leaves the terminal as it was.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fake_daemon.h"

#define WAIT_MS 10000

/* A run of llmfoctl and all that it has written so far. */
struct run {
	pid_t pid;
	int fd;
	char *text;
	size_t length;
	size_t looked; /* where the next wait_for() begins */
};

static struct fake_daemon fake;

static void
exec_llmfoctl(const char *arguments)
{
	const char *program = getenv("LLMFOCTL");
	char line[512];

	snprintf(line, sizeof line, "exec '%s' %s", program ? program : "./llmfoctl", arguments);
	setenv("LLMFO_SOCKET", fake.path, 1);
	execl("/bin/sh", "sh", "-c", line, (char *)NULL);
	_exit(127);
}

static void
start_on_terminal(struct run *run, const char *arguments)
{
	struct winsize window = {.ws_row = 20, .ws_col = 60};

	*run = (struct run){.fd = -1};
	run->pid = forkpty(&run->fd, NULL, NULL, &window);
	ck_assert_int_ge(run->pid, 0);
	if (run->pid == 0) {
		setenv("TERM", "xterm", 1);
		exec_llmfoctl(arguments);
	}
}

static void
start_on_pipe(struct run *run, const char *arguments)
{
	int ends[2];

	*run = (struct run){.fd = -1};
	ck_assert_int_eq(pipe(ends), 0);
	run->pid = fork();
	ck_assert_int_ge(run->pid, 0);
	if (run->pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		exec_llmfoctl(arguments);
	}
	close(ends[1]);
	run->fd = ends[0];
}

/* Reads what there is. false at its end. */
static bool
read_more(struct run *run)
{
	struct pollfd pollfd = {.fd = run->fd, .events = POLLIN};
	char part[4096];

	ck_assert_msg(poll(&pollfd, 1, WAIT_MS) == 1, "nothing comes after:\n%s", run->text);
	ssize_t count = read(run->fd, part, sizeof part);
	if (count <= 0)
		return false;
	run->text = realloc(run->text, run->length + (size_t)count + 1);
	ck_assert_ptr_nonnull(run->text);
	memcpy(run->text + run->length, part, (size_t)count);
	run->length += (size_t)count;
	run->text[run->length] = '\0';
	return true;
}

/* Until the text comes after where the last one was found. */
static void
wait_for(struct run *run, const char *wanted)
{
	char *found;

	while (!run->text || !(found = strstr(run->text + run->looked, wanted)))
		ck_assert_msg(read_more(run), "there is no '%s' in:\n%s", wanted,
			run->text ? run->text : "");
	run->looked = (size_t)(found - run->text) + strlen(wanted);
}

/* Until it has ended. How it ended, as waitpid() has it. */
static int
finish(struct run *run)
{
	int status;

	while (read_more(run))
		continue;
	ck_assert_int_eq(waitpid(run->pid, &status, 0), run->pid);
	close(run->fd);
	return status;
}

static const char status_text[] =
	"{\"daemon\": {\"version\": \"0.1.0\", \"pid\": 17, \"uptime_ms\": 5000},"
	" \"store\": {\"kind\": \"memory\", \"connected\": true},"
	" \"targets\": [{\"name\": \"a/x\", \"state\": \"open\", \"cooldown_remaining_ms\": 1000,"
	" \"last_error\": {\"class\": \"auth\", \"message\": \"\\u001b[2J\\u0007\"}}]}";
static const char restarted_text[] =
	"{\"daemon\": {\"version\": \"0.1.0\", \"pid\": 18, \"uptime_ms\": 1},"
	" \"store\": {\"kind\": \"memory\", \"connected\": true}, \"targets\": []}";

static const char status_words[] = "status";
static const char watch_words[] = "status --watch --interval 20ms";

START_TEST(a_terminal_gets_colours_but_nothing_that_steers_it)
{
	struct run run;

	unsetenv("NO_COLOR");
	fake_daemon_start(&fake, fake_serve_canned, status_text);
	start_on_terminal(&run, status_words);
	ck_assert_int_eq(finish(&run), 0);
	ck_assert_ptr_nonnull(strstr(run.text, "\033[1mllmfod 0.1.0\033[0m"));
	ck_assert_ptr_nonnull(strstr(run.text, "\033[31m✗ a/x\033[0m"));
	ck_assert_ptr_nonnull(strstr(run.text, "\\x1b[2J\\x07"));
	ck_assert_ptr_null(strstr(run.text, "\033[2J"));
	ck_assert_ptr_null(strchr(run.text, '\a'));
	free(run.text);
	fake_daemon_stop(&fake);
}
END_TEST

START_TEST(no_color_means_none)
{
	struct run run;

	setenv("NO_COLOR", "1", 1);
	fake_daemon_start(&fake, fake_serve_canned, status_text);
	start_on_terminal(&run, status_words);
	ck_assert_int_eq(finish(&run), 0);
	ck_assert_ptr_null(strchr(run.text, '\033'));
	free(run.text);
	fake_daemon_stop(&fake);
}
END_TEST

START_TEST(an_answer_cannot_steer_the_terminal)
{
	struct run run;

	fake_daemon_start(
		&fake, fake_serve_canned, "{\"text\": \"one\\n\\ttwo\\u001b]0;title\\u0007\"}");
	start_on_terminal(&run, "ask hello");
	ck_assert_int_eq(finish(&run), 0);
	ck_assert_ptr_nonnull(strstr(run.text, "one\r\n"));
	ck_assert_ptr_nonnull(strstr(run.text, "two\\x1b]0;title\\x07\r\n"));
	free(run.text);
	fake_daemon_stop(&fake);
}
END_TEST

/* Streams an answer that begins anew, waits for a byte through the pipe in arg, and ends it. */
static void
serve_stream(int fd, int connection, const void *arg)
{
	const int *go = arg;
	struct fake_request request;
	char byte;

	(void)connection;
	while (fake_read(fd, &request)) {
		const char *params = strstr(request.params, "\"on_break\":\"restart\"");

		fake_notify(fd, "delta", request.msgid, "{\"text\": \"Hel\\u001b[2J\"}");
		fake_notify(fd, "reset", request.msgid, NULL);
		fake_notify(fd, "delta", request.msgid, "{\"text\": \"Hello\"}");
		if (read(go[0], &byte, 1) != 1)
			return;
		fake_notify(fd, "delta", request.msgid, "{\"text\": \" there\"}");
		fake_reply(fd, request.msgid, NULL,
			params ? "{\"text\": \"Hello there\", \"provider_used\": \"p\"}" : "{}");
		fake_request_free(&request);
	}
}

START_TEST(a_terminal_sees_an_answer_as_it_comes_and_where_it_begins_anew)
{
	int go[2];
	struct run run;

	setenv("NO_COLOR", "1", 1);
	ck_assert_int_eq(pipe(go), 0);
	fake_daemon_start(&fake, serve_stream, go);
	start_on_terminal(&run, "ask hello");
	wait_for(&run, "Hel\\x1b[2J\r\n-- broken off: the answer begins anew --\r\nHello");
	ck_assert_ptr_null(strstr(run.text, "there"));
	ck_assert_int_eq(write(go[1], "x", 1), 1);
	wait_for(&run, " there\r\nanswered by p/");
	ck_assert_int_eq(finish(&run), 0);
	ck_assert_ptr_null(strstr(run.text + run.looked, "there"));
	free(run.text);
	close(go[0]);
	close(go[1]);
	fake_daemon_stop(&fake);
}
END_TEST

/* Streams a piece, and says by a byte through the pipe in arg that its client has gone. */
static void
serve_until_gone(int fd, int connection, const void *arg)
{
	const int *gone = arg;
	struct fake_request request;

	(void)connection;
	if (!fake_read(fd, &request))
		return;
	fake_notify(fd, "delta", request.msgid, "{\"text\": \"Hello\"}");
	fake_request_free(&request);
	while (fake_read(fd, &request))
		fake_request_free(&request);
	fake_write(gone[1], "x", 1);
}

START_TEST(an_interrupted_ask_is_gone_and_with_it_its_call)
{
	int gone[2];
	char byte;
	struct run run;

	ck_assert_int_eq(pipe(gone), 0);
	fake_daemon_start(&fake, serve_until_gone, gone);
	start_on_terminal(&run, "ask hello");
	wait_for(&run, "Hello");
	ck_assert_int_eq(write(run.fd, "\003", 1), 1); /* Ctrl-C, typed */
	ck_assert_int_eq(read(gone[0], &byte, 1), 1);
	ck_assert(WIFSIGNALED(finish(&run)));
	free(run.text);
	close(gone[0]);
	close(gone[1]);
	fake_daemon_stop(&fake);
}
END_TEST

START_TEST(watching_survives_the_daemon_and_restores_the_terminal)
{
	struct run run;

	fake_daemon_start(&fake, fake_serve_canned, status_text);
	start_on_terminal(&run, watch_words);
	wait_for(&run, "\033[?1049h\033[?25l\033[H");
	wait_for(&run, "a/x");
	wait_for(&run, "\033[J\033[H");
	fake_daemon_kill(&fake);
	wait_for(&run, "! the daemon is away");
	wait_for(&run, "a/x");
	fake_daemon_restart(&fake, fake_serve_canned, restarted_text);
	wait_for(&run, "! the daemon was restarted: pid 17 is now 18");
	wait_for(&run, "no targets are configured");
	kill(run.pid, _i == 0 ? SIGINT : SIGTERM);
	ck_assert_int_eq(finish(&run), 0);
	ck_assert_str_eq(
		run.text + run.length - strlen("\033[?25h\033[?1049l"), "\033[?25h\033[?1049l");
	free(run.text);
	fake_daemon_stop(&fake);
}
END_TEST

START_TEST(watching_through_a_pipe_prints_block_after_block)
{
	struct run run;

	fake_daemon_start(&fake, fake_serve_canned, status_text);
	start_on_pipe(&run, watch_words);
	wait_for(&run, "llmfod 0.1.0, up 5.0 s");
	wait_for(&run, "\n\nllmfod 0.1.0, up 5.0 s");
	fake_daemon_restart(&fake, fake_serve_canned, restarted_text);
	wait_for(&run, "llmfod 0.1.0, up 1 ms, pid 18");
	ck_assert_ptr_null(strchr(run.text, '\033'));
	kill(run.pid, SIGTERM);
	ck_assert(WIFSIGNALED(finish(&run)));
	free(run.text);
	fake_daemon_stop(&fake);
}
END_TEST

START_TEST(watching_where_there_is_no_daemon_ends_at_once)
{
	struct run run;

	fake_daemon_start(&fake, fake_serve_canned, status_text);
	fake_daemon_kill(&fake);
	start_on_terminal(&run, watch_words);
	int status = finish(&run);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 3);
	ck_assert_ptr_null(strstr(run.text, "\033[?1049h"));
	free(run.text);
	fake_daemon_stop(&fake);
}
END_TEST

START_TEST(a_full_disk_is_a_failure)
{
	char command[256];

	fake_daemon_start(&fake, fake_serve_canned, status_text);
	snprintf(command, sizeof command, "LLMFO_SOCKET='%s' '%s' status >/dev/full 2>/dev/null",
		fake.path, getenv("LLMFOCTL") ? getenv("LLMFOCTL") : "./llmfoctl");
	int status = system(command);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 1);
	fake_daemon_stop(&fake);
}
END_TEST

/* A stream that goes on until it is cancelled. */
static void
serve_endless_stream(int fd, int connection, const void *arg)
{
	struct fake_request request;

	(void)connection;
	(void)arg;
	for (uint32_t msgid = 0; fake_read(fd, &request); fake_request_free(&request)) {
		if (strcmp(request.method, "cancel") == 0) {
			fake_reply(fd, msgid, "{\"code\": \"cancelled\"}", NULL);
			fake_reply(fd, request.msgid, NULL, "{}");
			continue;
		}
		msgid = request.msgid;
		fake_notify(fd, "delta", msgid, "{\"text\": \"one \"}");
		fake_notify(fd, "delta", msgid, "{\"text\": \"two \"}");
	}
}

START_TEST(a_stream_that_nobody_can_take_is_cancelled)
{
	char command[320], said[256] = "";

	fake_daemon_start(&fake, serve_endless_stream, NULL);
	snprintf(command, sizeof command,
		"LLMFO_SOCKET='%s' '%s' ask --stream hello 2>&1 >/dev/full", fake.path,
		getenv("LLMFOCTL") ? getenv("LLMFOCTL") : "./llmfoctl");
	FILE *pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	ck_assert_ptr_nonnull(fgets(said, sizeof said, pipe));
	ck_assert_str_eq(said, "llmfoctl: standard output: No space left on device\n");
	ck_assert_ptr_null(fgets(said, sizeof said, pipe));
	ck_assert_int_eq(WEXITSTATUS(pclose(pipe)), 1);
	fake_daemon_stop(&fake);
}
END_TEST

START_TEST(a_closed_standard_output_is_a_failure_and_no_place_for_the_daemon)
{
	char command[256];

	fake_daemon_start(&fake, fake_serve_canned, status_text);
	snprintf(command, sizeof command, "LLMFO_SOCKET='%s' '%s' ask hello >&- 2>/dev/null",
		fake.path, getenv("LLMFOCTL") ? getenv("LLMFOCTL") : "./llmfoctl");
	int status = system(command);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 1);
	fake_daemon_stop(&fake);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("llmfoctl on a terminal");
	TCase *tcase = tcase_create("terminal");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, a_terminal_gets_colours_but_nothing_that_steers_it);
	tcase_add_test(tcase, no_color_means_none);
	tcase_add_test(tcase, an_answer_cannot_steer_the_terminal);
	tcase_add_test(tcase, a_terminal_sees_an_answer_as_it_comes_and_where_it_begins_anew);
	tcase_add_test(tcase, an_interrupted_ask_is_gone_and_with_it_its_call);
	tcase_add_loop_test(tcase, watching_survives_the_daemon_and_restores_the_terminal, 0, 2);
	tcase_add_test(tcase, watching_through_a_pipe_prints_block_after_block);
	tcase_add_test(tcase, watching_where_there_is_no_daemon_ends_at_once);
	tcase_add_test(tcase, a_full_disk_is_a_failure);
	tcase_add_test(tcase, a_stream_that_nobody_can_take_is_cancelled);
	tcase_add_test(tcase, a_closed_standard_output_is_a_failure_and_no_place_for_the_daemon);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
