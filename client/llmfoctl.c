/* SPDX-License-Identifier: MIT */
/*
 * The command llmfoctl: the table of its commands, the help made from it, and the way from the
 * command line to the function of a row. What a command does stands in the ctl_*.c of its family.
 */
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct ctl_command commands[] = {
	{"status", "", 0, 0, "how providers, targets and the daemon are; what is wrong first",
		ctl_status_options, ctl_status},
	{"ask", "PROMPT|-", 1, 1000, "make one call and print its answer ('-': the prompt is read)",
		ctl_ask_options, ctl_ask},
	{"pick", "", 0, 0, "say which target a call would use, without making it",
		ctl_choose_options, ctl_pick},
	{"explain", "", 0, 0, "say of every candidate whether it is in and why", ctl_choose_options,
		ctl_explain},
	{"check", "[NAME]", 0, 1, "ask each provider now: there, key good, models there", NULL,
		ctl_check},
	{"providers", "", 0, 0, "list the configured providers", NULL, ctl_providers},
	{"models", "", 0, 0, "list what the configured models are, cost and can do",
		ctl_models_options, ctl_models},
	{"chains", "", 0, 0, "list the chains and agents", NULL, ctl_chains},
	{"force-provider", "NAME|--clear", 0, 1,
		"move a provider's targets to the front for a while", ctl_force_options,
		ctl_force_provider},
	{"clear-cache", "", 0, 0, "forget the preferred targets", NULL, ctl_clear_cache},
	{"reset-health", "[NAME]", 0, 1, "close the circuits of one provider or target, or of all",
		NULL, ctl_reset_health},
	{"enable", "NAME", 1, 1, "use a provider or target again", NULL, ctl_enable},
	{"disable", "NAME", 1, 1, "use a provider or target no more", NULL, ctl_disable},
	{"drill", "[CHAIN]", 0, 1, "have each target of a chain answer a small call, in turn",
		ctl_drill_options, ctl_drill},
	{"reload", "", 0, 0, "have the daemon read its configuration anew", NULL, ctl_reload},
	{"drain", "", 0, 0, "have the daemon let running calls finish, and end", NULL, ctl_drain},
	{"ping", "", 0, 0, "see whether the daemon answers, and how quickly", NULL, ctl_ping},
	{"version", "", 0, 0, "print the versions of llmfoctl and of the daemon", NULL,
		ctl_version},
};

static void
print_help(struct ctl_out *out)
{
	ctl_line(out, CTL_PLAIN, "usage: llmfoctl [--socket PATH] [--json] COMMAND [...]");
	ctl_line(out, CTL_BOLD, "%s", "");
	for (size_t i = 0; i < COUNT(commands); i++) {
		char name[64];

		snprintf(name, sizeof name, "%s %s", commands[i].name, commands[i].words);
		ctl_line(out, CTL_PLAIN, "  %-28s %s", name, commands[i].help);
	}
	ctl_line(out, CTL_PLAIN, "%s", "");
	ctl_print_options(out, ctl_global_options);
	ctl_line(out, CTL_PLAIN, "%s", "");
	ctl_line(out, CTL_PLAIN,
		"'llmfoctl COMMAND --help' lists what a command takes; llmfoctl(1) says more.");
}

static void
print_command_help(struct ctl_out *out, const struct ctl_command *command)
{
	ctl_line(out, CTL_PLAIN, "usage: llmfoctl %s%s%s%s", command->name,
		command->options ? " [options]" : "", *command->words ? " " : "", command->words);
	ctl_line(out, CTL_PLAIN, "%s", "");
	ctl_line(out, CTL_PLAIN, "%s", command->help);
	if (command->options) {
		ctl_line(out, CTL_PLAIN, "%s", "");
		ctl_print_options(out, command->options);
	}
}

static int
unknown_command(struct ctl_out *err, const char *typed)
{
	const char *names[COUNT(commands)];

	for (size_t i = 0; i < COUNT(commands); i++)
		names[i] = commands[i].name;
	const char *near = ctl_nearest(typed, names, COUNT(names));
	if (near)
		return ctl_usage(
			err, NULL, "unknown command '%s', perhaps '%s' is meant", typed, near);
	return ctl_usage(err, NULL, "unknown command '%s'", typed);
}

static const struct ctl_command *
find_command(const char *name)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int
run(struct ctl *ctl, struct ctl_args *args, const char *socket)
{
	int error = llmfo_client_new(&ctl->client, socket);

	if (error == LLMFO_EUSAGE)
		return ctl_usage(&ctl->err, NULL, "a socket's path is empty or too long");
	if (error)
		ctl_must(NULL);
	int status = args->command->run(ctl, args);
	llmfo_client_free(ctl->client);
	return status;
}

static int
run_command(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv,
	struct ctl_globals *globals)
{
	struct ctl_args args;
	int status = ctl_parse(command, argc, argv, globals, &args, &ctl->err);

	ctl->json = globals->json;
	if (!status && globals->help)
		print_command_help(&ctl->out, command);
	else if (!status && globals->version)
		ctl_line(&ctl->out, CTL_PLAIN, "llmfoctl %s", llmfo_version());
	else if (!status)
		status = run(ctl, &args, globals->socket);
	ctl_args_free(&args);
	return status;
}

static int
run_line(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_globals globals = {0};
	int next;
	int status = ctl_parse_globals(argc, argv, &globals, &next, &ctl->err);

	if (status)
		return status;
	if (globals.help && next == argc) {
		print_help(&ctl->out);
		return CTL_DONE;
	}
	if (globals.version) {
		ctl_line(&ctl->out, CTL_PLAIN, "llmfoctl %s", llmfo_version());
		return CTL_DONE;
	}
	if (next == argc) {
		print_help(&ctl->err);
		return CTL_USAGE;
	}
	const struct ctl_command *command = find_command(argv[next]);
	if (!command)
		return unknown_command(&ctl->err, argv[next]);
	return run_command(ctl, command, argc - next, argv + next, &globals);
}

/* Widths of characters come from the locale; ours is UTF-8 whatever the user's is. */
static void
set_locale(void)
{
	const char *found = setlocale(LC_CTYPE, "");

	if (!found || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
}

/* Where a standard stream is closed, the daemon's connection would take its number, and would be
 * written to. Opened the wrong way round, what is said there still fails. */
static void
fill_standard_streams(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int
main(int argc, char **argv)
{
	struct ctl ctl = {0};

	fill_standard_streams();
	set_locale();
	ctl_out_init(&ctl.out, stdout);
	ctl_out_init(&ctl.err, stderr);
	int status = run_line(&ctl, argc, argv);
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == CTL_DONE) {
		perror("llmfoctl: standard output");
		status = CTL_FAILED;
	}
	return status;
}
