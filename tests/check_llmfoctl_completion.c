/* SPDX-License-Identifier: MIT */
/* What bash offers behind `llmfoctl ...`: each row is a line as typed, the cursor at its end, and
 * what is offered, with blanks between. The daemon is made up. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "support/config_support.h"
#include "support/fake_daemon.h"

static struct fake_daemon fake;

static void
serve(int fd, int connection, const void *arg)
{
	struct fake_request request;

	(void)connection;
	(void)arg;
	while (fake_read(fd, &request)) {
		fake_reply(fd, request.msgid, NULL,
			strcmp(request.method, "chains") == 0
				? "{\"chains\": [{\"name\": \"default\", \"agent\": false,"
				  " \"targets\": [\"ollama/gemma3:1b\", \"openai/gpt-4o\"]},"
				  " {\"name\": \"deep\", \"agent\": false, \"targets\": []},"
				  " {\"name\": \"reviewer\", \"agent\": true,"
				  " \"targets\": [\"openai/o3\"]}]}"
				: "{\"providers\": [{\"name\": \"ollama\", \"api\": \"ollama\","
				  " \"models\": [\"gemma3:1b\", \"gemma3:4b\"], \"key\": \"none\"},"
				  " {\"name\": \"openai\", \"models\": [\"gpt-4o\"]},"
				  " {\"name\": \"$(echo x)\", \"models\": []}]}");
		fake_request_free(&request);
	}
}

static void
set_up(void)
{
	fake_daemon_start(&fake, serve, NULL);
	setenv("LLMFO_SOCKET", fake.path, 1);
}

static void
tear_down(void)
{
	fake_daemon_stop(&fake);
}

/* What a shell command prints, with blanks for line ends; a new string. */
static char *
output_of(const char *command)
{
	FILE *pipe = popen(command, "r");
	char *text = NULL;
	size_t size = 0;

	ck_assert_ptr_nonnull(pipe);
	if (getdelim(&text, &size, '\0', pipe) < 0) {
		free(text);
		text = x_strdup("");
	}
	ck_assert_int_eq(pclose(pipe), 0);
	for (char *end; (end = strchr(text, '\n')) != NULL;)
		*end = end[1] ? ' ' : '\0';
	return text;
}

/* What is offered behind a line. */
static char *
offered(const char *line)
{
	const char *top = getenv("top_srcdir"), *program = getenv("LLMFOCTL");

	setenv("LINE", line, 1);
	char *command = x_asprintf("bash --norc -c '. \"%s/client/llmfoctl.bash\";"
				   " COMP_LINE=$LINE COMP_POINT=${#LINE}; _llmfoctl \"%s\";"
				   " ((${#COMPREPLY[@]})) && printf \"%%s\\n\" \"${COMPREPLY[@]}\";"
				   " true'",
		top ? top : ".", program ? program : "./llmfoctl");
	char *text = output_of(command);
	free(command);
	return text;
}

static const struct {
	const char *line, *offered;
} rows[] = {
	{"llmfoctl st", "status"},
	{"llmfoctl re", "reset-health reload"},
	{"llmfoctl --json ch", "check chains"},
	{"llmfoctl --s", "--socket"},
	{"llmfoctl ask --no", "--no-fallback --no-stream"},
	{"llmfoctl ask --js", "--json"},
	{"llmfoctl ask hello --cha", "--chain"},
	{"llmfoctl status --", "--watch --interval --socket --json --help --version"},
	{"llmfoctl ask --chain ", "default deep"},
	{"llmfoctl ask --chain=def", "default"},
	{"llmfoctl ask --agent ", "reviewer"},
	{"llmfoctl ask --provider o", "ollama openai"},
	{"llmfoctl ask --model g", "gemma3:1b gemma3:4b gpt-4o"},
	{"llmfoctl ask --model gemma3:", "1b 4b"},
	{"llmfoctl ask --targets openai", "openai/gpt-4o openai/o3"},
	{"llmfoctl pick --targets openai/o3,oll",
		"openai/o3,ollama/gemma3:1b openai/o3,ollama/gemma3:4b"},
	{"llmfoctl pick --targets openai/o3,ollama/gemma3:", "1b 4b"},
	{"llmfoctl pick --targets=ollama/gemma3:4b,open", "4b,openai/gpt-4o 4b,openai/o3"},
	{"llmfoctl explain --strategy l", "load_balanced latency_optimized local_first"},
	{"llmfoctl models --capability ",
		"chat code reasoning analysis vision long_context multilingual tools json "
		"embedding"},
	{"llmfoctl check op", "openai"},
	{"llmfoctl drill de", "default deep"},
	{"llmfoctl ask --on-break re", "restart"},
	{"llmfoctl check $", "$(echo x)"},
	{"llmfoctl force-provider --strict ol", "ollama"},
	{"llmfoctl force-provider openai --for 3", "30s 30m"},
	{"llmfoctl disable openai", "openai openai/gpt-4o openai/o3"},
	{"llmfoctl enable ollama/gemma3:4", "4b"},
	{"llmfoctl ask --system ", ""},
	{"llmfoctl nonsense ", ""},
	{"llmfoctl ping ", ""},
	{"llmfoctl --socket /dev/null ask --chain ", ""},
	{"llmfoctl --socket /dev/nul", "/dev/null"},
	{"llmfoctl --socket=/dev/nul", "/dev/null"},
};

START_TEST(it_offers_what_may_stand_there)
{
	char *text = offered(rows[_i].line);

	ck_assert_msg(strcmp(text, rows[_i].offered) == 0, "%s: %s", rows[_i].line, text);
	free(text);
}
END_TEST

START_TEST(it_offers_every_command_and_option)
{
	const char *program = getenv("LLMFOCTL");
	char *command = x_asprintf(
		"'%s' --help | awk '/^  [a-z]/ { print $1 }'", program ? program : "./llmfoctl");
	char *commands = output_of(command), *rest = NULL;
	char *text = offered("llmfoctl ");
	int count = 0;

	ck_assert_str_eq(text, commands);
	free(text);
	for (char *name = strtok_r(commands, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
		char *line = x_asprintf("llmfoctl %s --", name);
		char *listing =
			x_asprintf("for c in %s ''; do '%s' $c --help; done | awk '/^  --/ { print "
				   "$1 }'",
				name, program ? program : "./llmfoctl");
		char *options = output_of(listing);

		text = offered(line);
		ck_assert_msg(strcmp(text, options) == 0, "%s: %s", line, text);
		free(options);
		free(listing);
		free(line);
		free(text);
		count++;
	}
	ck_assert_int_ge(count, 15);
	free(commands);
	free(command);
}
END_TEST

START_TEST(without_a_daemon_it_offers_no_names)
{
	fake_daemon_kill(&fake);
	char *text = offered("llmfoctl ask --chain ");

	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("completion of llmfoctl");
	TCase *tests = tcase_create("in bash");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	if (system("bash -c 'mapfile x </dev/null' 2>/dev/null") == 0) {
		tcase_add_loop_test(
			tests, it_offers_what_may_stand_there, 0, (int)UTIL_COUNT(rows));
		tcase_add_test(tests, it_offers_every_command_and_option);
		tcase_add_test(tests, without_a_daemon_it_offers_no_names);
	} else {
		fprintf(stderr, "skipped: there is no bash\n");
	}
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
