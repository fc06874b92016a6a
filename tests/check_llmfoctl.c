/* SPDX-License-Identifier: MIT */
/*
 * llmfoctl as a person and a script see it: each file in tests/llmfoctl/ is one run of it against
 * a made-up daemon, with what it must print and how it must end. A file has sections, each begun
 * by a line with "== ":
 *
 *     == run ARGUMENTS           the command line; words in '' may have blanks
 *     == stdin                   what it reads
 *     == request METHOD          the parameters that must arrive, as one line of JSON
 *     == result METHOD           what the daemon answers, as JSON
 *     == error METHOD            the error it answers with instead
 *     == deltas METHOD           what it streams before that, a line each: JSON, or reset
 *     == stdout, == stderr       what must be printed; @SOCKET@ is the socket's path
 *     == exit STATUS
 *
 * A run without result or error has no daemon.
 */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fake_daemon.h"

#define SECTIONS_MAX 16
#define WORDS_MAX 32

struct section {
	const char *head; /* borrowed from the text, as is the body */
	const char *body;
};

struct story {
	char *text;
	struct section sections[SECTIONS_MAX];
	size_t count;
};

static glob_t files;

static char *
read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	ck_assert_msg(file != NULL, "%s cannot be read", path);
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(file);
	return text;
}

/* Cuts the text into its sections, in place: where one begins, the one before it ends. */
static void
read_story(const char *path, struct story *story)
{
	char *line;

	*story = (struct story){.text = read_file(path)};
	for (line = story->text; line && *line;) {
		char *next = strchr(line, '\n');

		ck_assert_ptr_nonnull(next);
		if (strncmp(line, "== ", 3) == 0) {
			struct section *section = &story->sections[story->count++];

			ck_assert_uint_lt(story->count, SECTIONS_MAX);
			*line = '\0';
			*next = '\0';
			section->head = line + 3;
			section->body = next + 1;
		}
		line = next + 1;
	}
}

/* The rest of the head behind the name, and the body; NULL when there is no such section. */
static const char *
section_of(const struct story *story, const char *name, const char **rest)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < story->count; i++) {
		const char *head = story->sections[i].head;

		if (strncmp(head, name, length) != 0 || (head[length] && head[length] != ' '))
			continue;
		if (rest)
			*rest = head[length] ? head + length + 1 : "";
		return story->sections[i].body;
	}
	return NULL;
}

static const char *
method_section(const struct story *story, const char *kind, const char *method)
{
	char name[128];

	snprintf(name, sizeof name, "%s %s", kind, method);
	return section_of(story, name, NULL);
}

static void
stream(int fd, const struct story *story, const struct fake_request *request)
{
	const char *body = method_section(story, "deltas", request->method);
	char *lines = strdup(body ? body : "");
	char *rest = lines, *line;

	while ((line = strsep(&rest, "\n")) != NULL && *line) {
		if (strcmp(line, "reset") == 0)
			fake_notify(fd, "reset", request->msgid, NULL);
		else
			fake_notify(fd, "delta", request->msgid, line);
	}
	free(lines);
}

static void
answer(int fd, const struct story *story, const struct fake_request *request)
{
	const char *expected = method_section(story, "request", request->method);
	const char *result = method_section(story, "result", request->method);
	const char *error = method_section(story, "error", request->method);

	stream(fd, story, request);
	if (expected && strncmp(request->params, expected, strlen(request->params)) != 0) {
		fprintf(stderr, "the request was %s\n", request->params);
		fake_reply(fd, request->msgid, "{\"code\": \"internal\"}", NULL);
	} else if (error) {
		fake_reply(fd, request->msgid, error, NULL);
	} else if (result) {
		fake_reply(fd, request->msgid, NULL, result);
	} else {
		fake_reply(fd, request->msgid, "{\"code\": \"unknown_method\"}", NULL);
	}
}

static void
serve_story(int fd, int connection, const void *arg)
{
	struct fake_request request;

	(void)connection;
	while (fake_read(fd, &request)) {
		answer(fd, arg, &request);
		fake_request_free(&request);
	}
}

/* Splits a command line; quotes keep blanks. */
static void
split(char *line, char **words)
{
	int count = 0;

	while (*line) {
		char stop = *line == '\'' ? '\'' : ' ';

		ck_assert_int_lt(count, WORDS_MAX);
		words[count++] = line += stop == '\'';
		while (*line && *line != stop)
			line++;
		while (*line && (*line == stop || *line == ' '))
			*line++ = '\0';
	}
	words[count] = NULL;
}

static const char *
program(void)
{
	const char *named = getenv("LLMFOCTL");

	return named ? named : "./llmfoctl";
}

/* Runs llmfoctl with what it prints in the folder's files out and err. Its exit status. */
static int
run(const char *command, const char *folder, const char *input)
{
	char *line;
	char *words[WORDS_MAX + 1];
	int status;
	pid_t pid;

	ck_assert_int_gt(asprintf(&line, "llmfoctl %s", command), 0);
	split(line, words);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		FILE *in;

		if (chdir(folder) < 0 || !(in = fopen("in", "w")) || fputs(input, in) < 0 ||
			fclose(in) != 0)
			_exit(126);
		if (!freopen("in", "r", stdin) || !freopen("out", "w", stdout) ||
			!freopen("err", "w", stderr))
			_exit(126);
		execv(program(), words);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	free(line);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* With every @SOCKET@ made the path. */
static char *
expand(const char *text, const char *path)
{
	char *result = calloc(1, strlen(text) + 64 * strlen(path) + 1);
	char *at = result;

	while (*text) {
		if (strncmp(text, "@SOCKET@", 8) == 0) {
			memcpy(at, path, strlen(path));
			at += strlen(path);
			text += 8;
		} else {
			*at++ = *text++;
		}
	}
	return result;
}

static void
compare(const char *what, const char *file, const struct fake_daemon *fake, const char *expected)
{
	char path[128];
	char *wanted = expand(expected ? expected : "", fake->path);
	char *got;

	snprintf(path, sizeof path, "%s/%s", fake->directory, file);
	got = read_file(path);
	ck_assert_msg(strcmp(got, wanted) == 0, "%s: %s is\n%s--- instead of\n%s---", what, file,
		got, wanted);
	unlink(path);
	free(wanted);
	free(got);
}

START_TEST(llmfoctl_prints_and_ends_as_the_story_tells)
{
	const char *path = files.gl_pathv[_i];
	const char *input;
	const char *command;
	const char *status;
	struct fake_daemon fake;
	struct story story;
	char in[128];

	read_story(path, &story);
	fake_daemon_start(&fake, serve_story, &story);
	if (!section_of(&story, "result", NULL) && !section_of(&story, "error", NULL)) {
		fake_daemon_kill(&fake);
		unlink(fake.path);
	}
	setenv("LLMFO_SOCKET", fake.path, 1);
	ck_assert_ptr_nonnull(section_of(&story, "run", &command));
	ck_assert_ptr_nonnull(section_of(&story, "exit", &status));
	input = section_of(&story, "stdin", NULL);
	int got = run(command, fake.directory, input ? input : "");
	compare(path, "err", &fake, section_of(&story, "stderr", NULL));
	compare(path, "out", &fake, section_of(&story, "stdout", NULL));
	ck_assert_msg(got == (int)strtol(status, NULL, 10), "%s: exit status %d", path, got);
	snprintf(in, sizeof in, "%s/in", fake.directory);
	unlink(in);
	fake_daemon_stop(&fake);
	free(story.text);
}
END_TEST

/* Root may connect to everything, so it becomes somebody else first, if the program lets it. */
START_TEST(a_socket_that_is_closed_to_the_user_is_not_permitted)
{
	struct fake_daemon fake;
	int status;
	pid_t pid;

	fake_daemon_start(&fake, serve_story, NULL);
	ck_assert_int_eq(chmod(fake.path, 0), 0);
	ck_assert_int_eq(chmod(fake.directory, 0755), 0);
	setenv("LLMFO_SOCKET", fake.path, 1);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(127);
		if (!freopen("/dev/null", "w", stderr))
			_exit(127);
		execl(program(), "llmfoctl", "status", (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 127)
		fprintf(stderr, "skipped: llmfoctl stands where others may not run it\n");
	else
		ck_assert_int_eq(WEXITSTATUS(status), 4);
	fake_daemon_stop(&fake);
}
END_TEST

START_TEST(a_ping_tells_where_and_how_quickly)
{
	static char text[] = "== result hello\n{\"server\": \"llmfod\", \"version\": \"9\"}\n";
	struct story story = {.text = text, .count = 1, .sections = {{"result hello", text + 16}}};
	struct fake_daemon fake;
	char path[128];
	char wanted[128];
	char *got;

	fake_daemon_start(&fake, serve_story, &story);
	setenv("LLMFO_SOCKET", fake.path, 1);
	ck_assert_int_eq(run("ping", fake.directory, ""), 0);
	snprintf(path, sizeof path, "%s/out", fake.directory);
	snprintf(wanted, sizeof wanted, "llmfod 9 answers at %s in ", fake.path);
	got = read_file(path);
	ck_assert_msg(strncmp(got, wanted, strlen(wanted)) == 0 && strstr(got, " ms\n"), "%s", got);
	free(got);
	unlink(path);
	snprintf(path, sizeof path, "%s/err", fake.directory);
	unlink(path);
	snprintf(path, sizeof path, "%s/in", fake.directory);
	unlink(path);
	fake_daemon_stop(&fake);
}
END_TEST

static void
find_stories(void)
{
	const char *source = getenv("top_srcdir");
	char *pattern;

	if (asprintf(&pattern, "%s/tests/llmfoctl/*.story", source ? source : ".") < 0 ||
		glob(pattern, 0, NULL, &files) != 0) {
		fprintf(stderr, "there are no stories at %s\n", pattern);
		exit(EXIT_FAILURE);
	}
	free(pattern);
}

int
main(void)
{
	Suite *suite = suite_create("llmfoctl");
	TCase *tcase = tcase_create("stories");
	SRunner *runner = srunner_create(suite);
	int failed;

	find_stories();
	unsetenv("LANG");
	unsetenv("LC_ALL");
	tcase_add_loop_test(
		tcase, llmfoctl_prints_and_ends_as_the_story_tells, 0, (int)files.gl_pathc);
	tcase_add_test(tcase, a_socket_that_is_closed_to_the_user_is_not_permitted);
	tcase_add_test(tcase, a_ping_tells_where_and_how_quickly);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	globfree(&files);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
