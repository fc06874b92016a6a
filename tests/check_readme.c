/* SPDX-License-Identifier: MIT */
/*
 * README.md against what ships: its configuration is without fault, its examples are those of
 * docs/examples, its links lead somewhere, and its session is played with simulated providers and
 * prints what stands there (numbers aside).
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/config_support.h"
#include "support/fake_provider.h"

static char *readme;

static void
set_up(void)
{
	readme = support_shipped("README.md");
	support_make_folder();
	/* what a test's own environment has of the kind must not decide */
	unsetenv("LLMFO_CONFIG");
	setenv("GROQ_API_KEY", "gsk-readme", 1);
	setenv("OPENAI_API_KEY", "sk-readme", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	unsetenv("NO_COLOR");
}

static void
tear_down(void)
{
	support_remove_folder();
	free(readme);
}

/* The one block of code in that language, a new string. */
static char *
block(const char *language)
{
	char *head = x_asprintf("\n```%s\n", language);
	const char *at = strstr(readme, head);

	ck_assert_msg(at != NULL, "%s", language);
	at += strlen(head);
	const char *end = strstr(at, "\n```\n");
	ck_assert_ptr_nonnull(end);
	free(head);
	return x_strndup(at, (size_t)(end + 1 - at));
}

/* What a shell command prints to both streams, a new string; *status is its exit status. */
static char *
output_of(const char *command, int *status)
{
	char *line = x_asprintf("{ %s ; } 2>&1 </dev/null", command);
	FILE *pipe = popen(line, "r");
	struct buf text;
	char bytes[4096];
	size_t count;

	ck_assert_ptr_nonnull(pipe);
	buf_init(&text, 1024 * 1024);
	while ((count = fread(bytes, 1, sizeof bytes, pipe)) > 0)
		ck_assert_int_eq(buf_add(&text, bytes, count), 0);
	*status = pclose(pipe);
	free(line);
	return buf_take(&text, NULL);
}

static const char *
program(const char *variable, const char *otherwise)
{
	const char *path = getenv(variable);

	return path ? path : otherwise;
}

START_TEST(its_configuration_has_ten_lines_and_no_fault)
{
	char *yaml = block("yaml");
	char *command = x_asprintf("'%s' --check-config --config '%s/llmfo.yaml'",
		program("LLMFOD", "./llmfod"), support_folder);
	int status, lines = 0;

	for (const char *at = yaml; *at; at++)
		lines += *at == '\n';
	ck_assert_int_le(lines, 10);
	support_put("llmfo.yaml", yaml, 0600);
	char *said = output_of(command, &status);
	ck_assert_str_eq(said, "configuration ok\n");
	ck_assert_int_eq(status, 0);
	free(said);
	free(command);
	free(yaml);
}
END_TEST

static const struct {
	const char *language, *file;
} examples[] = {{"python", "docs/examples/ask.py"}, {"c", "docs/examples/ask.c"}};

START_TEST(its_examples_are_those_that_ship)
{
	char *shown = block(examples[_i].language);
	char *shipped = support_shipped(examples[_i].file);
	const char *at = strstr(shipped, shown);

	ck_assert_msg(at != NULL, "%s", examples[_i].file);
	ck_assert_str_eq(at, shown);
	free(shipped);
	free(shown);
}
END_TEST

START_TEST(its_links_lead_to_files)
{
	const char *top = getenv("top_srcdir");
	int links = 0;

	for (const char *at = readme; (at = strstr(at, "](")) != NULL; at++, links++) {
		char *path =
			x_asprintf("%s/%.*s", top ? top : ".", (int)strcspn(at + 2, ")"), at + 2);

		ck_assert_msg(access(path, R_OK) == 0, "%s", path);
		free(path);
	}
	ck_assert_int_ge(links, 8);
}
END_TEST

START_TEST(every_command_that_it_names_exists)
{
	char *command = x_asprintf("'%s' --help", program("LLMFOCTL", "./llmfoctl"));
	int status, commands = 0;
	char *help = output_of(command, &status);

	for (const char *at = readme; (at = strstr(at, "llmfoctl ")) != NULL; at++) {
		const char *name = at + strlen("llmfoctl ");
		size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz-");
		bool is_code = at > readme && (at[-1] == '`' || at[-1] == ' ');

		if (!is_code || length == 0 || (at[-1] == ' ' && at[-2] != '$'))
			continue;
		char *wanted = x_asprintf("\n  %.*s ", (int)length, name);
		ck_assert_msg(strstr(help, wanted), "%.*s", (int)length, name);
		free(wanted);
		commands++;
	}
	ck_assert_int_ge(commands, 6);
	free(help);
	free(command);
}
END_TEST

/* ---- the session ---- */

static bool
is_unit(const char *word, size_t length)
{
	static const char *const units[] = {"ms", "s", "m", "h"};

	while (length > 0 && word[length - 1] == ',')
		length--;
	for (size_t i = 0; i < UTIL_COUNT(units); i++)
		if (strlen(units[i]) == length && memcmp(word, units[i], length) == 0)
			return true;
	return false;
}

/*
 * What has to be the same each time: words between single blanks, "#" for one that begins with a
 * digit and the units and numbers behind it, "..." for a path.
 */
static char *
essence(const char *text)
{
	struct buf out;
	bool number = false;

	buf_init(&out, 1024 * 1024);
	for (size_t length; *text; text += length) {
		length = strspn(text, " ");
		if (length > 0)
			continue;
		length = *text == '\n' ? 1 : strcspn(text, " \n");
		bool digit = isdigit((unsigned char)*text);
		if (number && (digit || is_unit(text, length)))
			continue;
		number = digit;
		if (*text == '\n')
			(void)buf_putc(&out, '\n');
		else if (digit || *text == '/')
			(void)buf_printf(&out, "%s ", digit ? "#" : "...");
		else
			(void)buf_printf(&out, "%.*s ", (int)length, text);
	}
	return buf_take(&out, NULL);
}

/* The configuration of the README, its providers being simulated ones. */
static void
put_configuration(struct fake_provider *fake)
{
	char *yaml = block("yaml");
	struct buf text;
	size_t length;

	buf_init(&text, 64 * 1024);
	for (const char *at = yaml; *at; at += length) {
		length = strcspn(at, "\n") + 1;
		(void)buf_add(&text, at, length);
		for (const char *const *name = (const char *const[]){"groq", "openai", NULL}; *name;
			name++)
			if (strncmp(at, "  ", 2) == 0 && strncmp(at + 2, *name, strlen(*name)) == 0)
				(void)buf_printf(&text, "    base_url: %s/v1\n",
					fake_provider_url(fake, *name));
	}
	support_put("llmfo.yaml", text.data, 0600);
	buf_free(&text);
	free(yaml);
}

/* Starts llmfod with its log in the folder, and returns when it answers. */
static pid_t
start_daemon(void)
{
	char *config = x_asprintf("%s/llmfo.yaml", support_folder);
	char *log = x_asprintf("%s/llmfod.log", support_folder);
	char *ping =
		x_asprintf("for i in $(seq 200); do '%s' ping >/dev/null && exit 0; sleep 0.05;"
			   " done; cat '%s'; exit 1",
			program("LLMFOCTL", "./llmfoctl"), log);
	char *state = x_asprintf("%s/llmfo.db", support_folder);
	const char *path = program("LLMFOD", "./llmfod");
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && freopen(log, "w", stderr))
			execl(path, path, "--config", config, "--state", state, (char *)NULL);
		_exit(127);
	}
	char *said = output_of(ping, &status);
	ck_assert_msg(status == 0, "%s", said);
	free(said);
	free(ping);
	free(log);
	free(state);
	free(config);
	return pid;
}

/* Runs the command of a line "$ llmfoctl ..." and appends both to the transcript. */
static void
play(struct buf *transcript, const char *line, size_t length)
{
	static const char prompt[] = "$ llmfoctl ";
	size_t skip = strlen(prompt);
	char *command = x_asprintf(
		"'%s' %.*s", program("LLMFOCTL", "./llmfoctl"), (int)(length - skip), line + skip);
	int status;
	char *said = output_of(command, &status);

	ck_assert_msg(status == 0, "%s: %s", command, said);
	(void)buf_printf(transcript, "%.*s\n%s", (int)length, line, said);
	free(said);
	free(command);
}

START_TEST(its_session_prints_what_it_says)
{
	struct fake_provider *fake = fake_provider_start((const char *const[]){"--provider",
		"groq=openai", "--provider", "openai=openai", "--script",
		"groq:429 retry-after=30 message=\"Rate limit reached, please try again in 30s\"",
		"--script", "openai:ok delay=2 text=101; ok delay=2 text=211", NULL});
	char *socket = x_asprintf("%s/llmfo.sock", support_folder);
	char *session = block("console");
	struct buf transcript;
	int status;

	setenv("LLMFO_SOCKET", socket, 1);
	put_configuration(fake);
	pid_t daemon = start_daemon();
	buf_init(&transcript, 1024 * 1024);
	for (const char *at = session; *at; at += strcspn(at, "\n") + 1)
		if (strncmp(at, "$ ", 2) == 0)
			play(&transcript, at, strcspn(at, "\n"));
	char *expected = essence(session), *seen = essence(transcript.data);
	ck_assert_str_eq(seen, expected);
	ck_assert_int_eq(kill(daemon, SIGTERM), 0);
	ck_assert_int_eq(waitpid(daemon, &status, 0), daemon);
	ck_assert_int_eq(status, 0);
	fake_provider_stop(fake);
	free(expected);
	free(seen);
	buf_free(&transcript);
	free(session);
	free(socket);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("readme");
	TCase *tests = tcase_create("readme");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, its_configuration_has_ten_lines_and_no_fault);
	tcase_add_loop_test(tests, its_examples_are_those_that_ship, 0, (int)UTIL_COUNT(examples));
	tcase_add_test(tests, its_links_lead_to_files);
	tcase_add_test(tests, every_command_that_it_names_exists);
	tcase_add_test(tests, its_session_prints_what_it_says);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
