/* SPDX-License-Identifier: MIT */
/*
 * fakellm: scripted LLM providers for tests, the quick start and benchmarks. Options in, ports out;
 * the rest is the server's.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "out.h"
#include "provider.h"
#include "script.h"
#include "server.h"

struct options {
	struct provider **providers;
	size_t n;
	const char *port_file;
	const char *log;
};

static const struct option long_options[] = {
	{"provider", required_argument, NULL, 'p'},
	{"script", required_argument, NULL, 's'},
	{"script-file", required_argument, NULL, 'f'},
	{"key", required_argument, NULL, 'k'},
	{"models", required_argument, NULL, 'm'},
	{"port-file", required_argument, NULL, 'o'},
	{"log", required_argument, NULL, 'l'},
	{"exit-with-parent", no_argument, NULL, 'e'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"Usage: fakellm --provider NAME=FORMAT[@PORT] [OPTION]...\n"
	"Scripted LLM providers, each on a port of its own on 127.0.0.1.\n"
	"\n"
	"  --provider NAME=FORMAT[@PORT]  FORMAT: openai, anthropic, gemini, ollama; may be given "
	"again;\n"
	"                                 no port, or 0: any\n"
	"  --script NAME:SCRIPT           what its chat requests get, one step each, the last one "
	"for ever\n"
	"  --script NAME:check=SCRIPT     what its listings get\n"
	"  --script-file FILE             lines of NAME:SCRIPT\n"
	"  --key NAME:KEY                 the key it demands\n"
	"  --models NAME:MODEL,...        the models it has; without: any\n"
	"  --port-file FILE               lines of NAME PORT, written when all listen\n"
	"  --log FILE                     a line a request\n"
	"  --exit-with-parent             ends when the process that started it does\n"
	"\n"
	"When all listen: `fakellm: control http://127.0.0.1:PORT`, then such a line for each "
	"provider.\n"
	"A script is steps separated by `;`, each a few words; `x3` repeats a step. The words:\n"
	"\n";

static void
usage_and_exit(void)
{
	char *words = script_help();

	printf("%s%s", usage, words);
	free(words);
	exit(0);
}

static int
fail(const char *what, const char *why)
{
	fprintf(stderr, "fakellm: %s: %s\n", what, why);
	return -1;
}

static int
add_provider(struct options *o, const char *spec)
{
	const char *why;
	struct provider *p = provider_new(spec, &why);

	if (!p)
		return fail(spec, why);
	o->providers = out_realloc(o->providers, (o->n + 1) * sizeof(*o->providers));
	o->providers[o->n++] = p;
	return 0;
}

/* The provider that NAME:... names, and where the rest begins. */
static struct provider *
named_provider(const struct options *o, const char *text, const char **rest)
{
	size_t n = strcspn(text, ":");

	for (size_t i = 0; i < o->n && text[n]; i++) {
		if (strlen(o->providers[i]->name) == n &&
			memcmp(o->providers[i]->name, text, n) == 0) {
			*rest = text + n + 1;
			return o->providers[i];
		}
	}
	fail(text, "names no provider given before it (NAME:...)");
	return NULL;
}

static int
set_script(const struct options *o, const char *text)
{
	static const char check[] = "check=";
	const char *rest;
	struct provider *p = named_provider(o, text, &rest);
	bool is_check;
	char *why = NULL;

	if (!p)
		return -1;
	is_check = strncmp(rest, check, sizeof(check) - 1) == 0;
	if (is_check)
		rest += sizeof(check) - 1;
	if (provider_set_script(p, is_check, rest, &why) == 0)
		return 0;
	fail(text, why);
	free(why);
	return -1;
}

static int
read_scripts(const struct options *o, const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;
	int result = 0;

	if (!f)
		return fail(path, strerror(errno));
	while (result == 0 && getline(&line, &cap, f) >= 0) {
		char *text = line + strspn(line, " \t\r\n");

		if (*text && *text != '#')
			result = set_script(o, text);
	}
	free(line);
	fclose(f);
	return result;
}

static int
set_key_or_models(const struct options *o, const char *text, bool key)
{
	const char *rest;
	struct provider *p = named_provider(o, text, &rest);

	if (!p)
		return -1;
	if (!key) {
		provider_set_models(p, rest);
		return 0;
	}
	free(p->key);
	p->key = out_strndup(rest, strlen(rest));
	return 0;
}

static int
die_with_parent(void)
{
	pid_t parent = getppid();

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		return fail("--exit-with-parent", strerror(errno));
	return getppid() != parent ? fail("--exit-with-parent", "the parent is gone") : 0;
}

static int
take_option(struct options *o, int option)
{
	switch (option) {
	case 'p': return add_provider(o, optarg);
	case 's': return set_script(o, optarg);
	case 'f': return read_scripts(o, optarg);
	case 'k':
	case 'm': return set_key_or_models(o, optarg, option == 'k');
	case 'o': o->port_file = optarg; return 0;
	case 'l': o->log = optarg; return 0;
	case 'e': return die_with_parent();
	case 'h': usage_and_exit();
	}
	return -1;
}

static int
read_options(struct options *o, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (take_option(o, option) != 0)
			return -1;
	}
	if (optind < argc)
		return fail(argv[optind], "unexpected argument");
	return o->n ? 0 : fail("no --provider", "see --help");
}

static int
write_port_file(const struct server *s, const char *path)
{
	struct out name = {0};
	char *temporary;
	FILE *f;
	int result = -1;

	out_put(&name, "%s.new", path);
	temporary = out_take(&name);
	f = fopen(temporary, "w");
	if (f) {
		fprintf(f, "control %d\n", s->control_port);
		for (size_t i = 0; i < s->n_sites; i++)
			fprintf(f, "%s %d\n", s->sites[i].provider->name,
				s->sites[i].provider->port);
		result = fclose(f);
	}
	if (result == 0)
		result = rename(temporary, path);
	if (result != 0)
		fail(path, strerror(errno));
	free(temporary);
	return result;
}

static void
announce(const struct server *s)
{
	printf("fakellm: control http://127.0.0.1:%d\n", s->control_port);
	for (size_t i = 0; i < s->n_sites; i++)
		printf("fakellm: %s http://127.0.0.1:%d\n", s->sites[i].provider->name,
			s->sites[i].provider->port);
	fflush(stdout);
}

static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static FILE *
open_log(const char *path)
{
	FILE *log = fopen(path, "a");

	if (!log) {
		fail(path, strerror(errno));
		exit(1);
	}
	return log;
}

int
main(int argc, char **argv)
{
	struct options o = {0};
	struct server *server = out_alloc(sizeof(*server));
	FILE *log = NULL;
	int result;

	signal(SIGPIPE, SIG_IGN);
	raise_file_limit();
	if (read_options(&o, argc, argv) != 0)
		exit(2);
	if (o.log)
		log = open_log(o.log);
	result = server_start(server, o.providers, o.n, log);
	if (result != 0) {
		fail("cannot listen", uv_strerror(result));
		exit(1);
	}
	if (o.port_file && write_port_file(server, o.port_file) != 0)
		exit(1);
	announce(server);
	server_run(server);
	free(server);
	free(o.providers);
	if (log)
		fclose(log);
	return 0;
}
