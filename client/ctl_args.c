/* SPDX-License-Identifier: MIT */
/*
 * The command line: options as tables, from which come the parser, the help and the parameters of
 * the request. What is mistyped is told with what was probably meant.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* What an option and its value have in the help, more only where one is longer. */
#define OPTION_COLUMNS 22
#define FIRST_OPTION 1000 /* getopt's values of a command's own options begin here */
#define YEAR_MS (INT64_C(365) * 24 * 3600 * 1000)

const struct ctl_option ctl_global_options[] = {
	{"socket", CTL_TEXT, "PATH", NULL, "the daemon's socket"},
	{"json", CTL_FLAG, NULL, NULL, "print JSON"},
	{"help", CTL_FLAG, NULL, NULL, "print what there is, or what a command takes"},
	{"version", CTL_FLAG, NULL, NULL, "print the version of llmfoctl"},
	{0},
};

static const char global_letters[] = "sjhV";

int
ctl_usage(struct ctl_out *err, const struct ctl_command *command, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = ctl_must(NULL);
	va_end(args);
	ctl_line(err, CTL_PLAIN, "llmfoctl%s%s: %s", command ? " " : "",
		command ? command->name : "", text);
	ctl_line(err, CTL_PLAIN, "'llmfoctl%s%s --help' says more", command ? " " : "",
		command ? command->name : "");
	free(text);
	return CTL_USAGE;
}

static int
least(int a, int b, int c)
{
	int smaller = a < b ? a : b;

	return smaller < c ? smaller : c;
}

/* How many letters have to be added, left out, changed or swapped with their neighbour. */
static int
distance(const char *a, const char *b)
{
	enum { LONGEST = 31 };
	int rows[LONGEST + 1][LONGEST + 1];
	size_t a_length = strlen(a);
	size_t b_length = strlen(b);

	if (a_length > LONGEST || b_length > LONGEST)
		return LONGEST;
	for (size_t i = 0; i <= a_length; i++)
		rows[i][0] = (int)i;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = (int)j;
	for (size_t i = 1; i <= a_length; i++) {
		for (size_t j = 1; j <= b_length; j++) {
			int change = a[i - 1] == b[j - 1] ? 0 : 1;

			rows[i][j] = least(rows[i - 1][j] + 1, rows[i][j - 1] + 1,
				rows[i - 1][j - 1] + change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				rows[i - 2][j - 2] + 1 < rows[i][j])
				rows[i][j] = rows[i - 2][j - 2] + 1;
		}
	}
	return rows[a_length][b_length];
}

const char *
ctl_nearest(const char *typed, const char *const *names, size_t count)
{
	int limit = strlen(typed) > 5 ? 2 : 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		int steps = distance(typed, names[i]);

		if (steps <= limit) {
			nearest = names[i];
			limit = steps - 1;
		}
	}
	for (size_t i = 0; i < count && !nearest && strlen(typed) >= 3; i++)
		if (strncmp(typed, names[i], strlen(typed)) == 0)
			nearest = names[i];
	return nearest;
}

static int64_t
unit_ms(const char *text, size_t *length)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		*length = strlen(units[i].name);
		if (strncmp(text, units[i].name, *length) == 0)
			return units[i].ms;
	}
	return -1;
}

int64_t
ctl_duration_ms(const char *text)
{
	int64_t total_ms = 0;

	if (!*text)
		return -1;
	while (*text) {
		char *end;
		size_t length;

		if (*text < '0' || *text > '9')
			return -1;
		errno = 0;
		long long number = strtoll(text, &end, 10);
		int64_t unit = unit_ms(end, &length);
		if (errno || unit < 0 || number > YEAR_MS / unit)
			return -1;
		total_ms += number * unit;
		if (total_ms > YEAR_MS)
			return -1;
		text = end + length;
	}
	return total_ms;
}

static size_t
option_count(const struct ctl_option *options)
{
	size_t count = 0;

	while (options && options[count].name)
		count++;
	return count;
}

/* getopt's table: the global options, then the command's. */
static void
fill_table(struct option *table, const struct ctl_option *options)
{
	size_t globals = option_count(ctl_global_options);

	for (size_t i = 0; i < globals; i++) {
		table[i] = (struct option){.name = ctl_global_options[i].name,
			.has_arg = ctl_global_options[i].value ? 1 : 0,
			.val = global_letters[i]};
	}
	for (size_t i = 0; i < option_count(options); i++) {
		table[globals + i] = (struct option){.name = options[i].name,
			.has_arg = options[i].value ? 1 : 0,
			.val = FIRST_OPTION + (int)i};
	}
}

static bool
take_global(int letter, const char *text, struct ctl_globals *globals)
{
	switch (letter) {
	case 's': globals->socket = text; return true;
	case 'j': globals->json = true; return true;
	case 'h': globals->help = true; return true;
	case 'V': globals->version = true; return true;
	default: return false;
	}
}

static int
bad_option(struct ctl_out *err, const struct ctl_command *command, int letter, const char *typed,
	const struct option *table, size_t count)
{
	const char *names[CTL_OPTIONS_MAX + 4];
	char name[64];

	if (letter == ':')
		return ctl_usage(err, command, "%s needs a value", typed);
	if (strncmp(typed, "--", 2) != 0)
		return ctl_usage(err, command, "unknown option %s", typed);
	snprintf(name, sizeof name, "%.*s", (int)strcspn(typed + 2, "="), typed + 2);
	for (size_t i = 0; i < count; i++) {
		names[i] = table[i].name;
		if (strcmp(name, names[i]) == 0)
			return ctl_usage(err, command, "--%s takes no value", name);
	}
	const char *near = ctl_nearest(name, names, count);
	if (near)
		return ctl_usage(
			err, command, "unknown option --%s, perhaps --%s is meant", name, near);
	return ctl_usage(err, command, "unknown option --%s", name);
}

/* Reads options; each of the command's own is stored in given. */
static int
read_options(const struct ctl_command *command, int argc, char *const *argv, const char *letters,
	struct ctl_globals *globals, const char **given, struct ctl_out *err)
{
	struct option table[CTL_OPTIONS_MAX + 5] = {0};
	const struct ctl_option *options = command ? command->options : NULL;
	int letter;

	fill_table(table, options);
	opterr = 0;
	optind = 0; /* begin anew, as the two passes have different tables */
	while ((letter = getopt_long(argc, argv, letters, table, NULL)) != -1) {
		if (letter >= FIRST_OPTION)
			given[letter - FIRST_OPTION] = optarg ? optarg : "";
		else if (!take_global(letter, optarg, globals))
			return bad_option(err, command, letter, argv[optind - 1], table,
				option_count(ctl_global_options) + option_count(options));
	}
	return CTL_DONE;
}

int
ctl_parse_globals(
	int argc, char *const *argv, struct ctl_globals *globals, int *next, struct ctl_out *err)
{
	int status = read_options(NULL, argc, argv, "+:h", globals, NULL, err);

	*next = optind;
	return status;
}

static int
set_list(struct llmfo_params *params, const char *param, const char *text)
{
	int error = 0;

	while (*text && !error) {
		size_t length = strcspn(text, ",");
		char *item = ctl_must(strndup(text, length));

		if (length)
			error = llmfo_params_add_string(params, param, item);
		free(item);
		text += length + (text[length] == ',');
	}
	return error;
}

static int
set_number(struct llmfo_params *params, const struct ctl_option *option, const char *text)
{
	char *end;

	errno = 0;
	if (option->kind == CTL_INT) {
		long long number = strtoll(text, &end, 10);

		if (errno || end == text || *end)
			return -1;
		return option->param ? llmfo_params_set_int(params, option->param, number) : 0;
	}
	double number = strtod(text, &end);
	if (errno || end == text || *end)
		return -1;
	return option->param ? llmfo_params_set_double(params, option->param, number) : 0;
}

static int
set_duration(struct llmfo_params *params, const struct ctl_option *option, const char *text)
{
	int64_t time = ctl_duration_ms(text);

	if (time <= 0)
		return -1;
	if (option->kind == CTL_SECONDS)
		time = (time + 999) / 1000;
	return option->param ? llmfo_params_set_int(params, option->param, time) : 0;
}

static int
set_param(const struct ctl_command *command, struct llmfo_params *params,
	const struct ctl_option *option, const char *text, struct ctl_out *err)
{
	switch (option->kind) {
	case CTL_INT:
	case CTL_NUMBER:
		if (set_number(params, option, text) < 0)
			return ctl_usage(
				err, command, "--%s takes a number, not '%s'", option->name, text);
		return CTL_DONE;
	case CTL_MS:
	case CTL_SECONDS:
		if (set_duration(params, option, text) < 0)
			return ctl_usage(err, command,
				"--%s takes a time with its unit, such as 30s, 5m or 1h30m, "
				"not '%s'",
				option->name, text);
		return CTL_DONE;
	default: break;
	}
	/* What a setter fails at is remembered and told by the call. */
	if (!option->param)
		return CTL_DONE;
	if (option->kind == CTL_TEXT)
		(void)llmfo_params_set_string(params, option->param, text);
	else if (option->kind == CTL_LIST)
		(void)set_list(params, option->param, text);
	else
		(void)llmfo_params_set_bool(params, option->param, option->kind == CTL_FLAG);
	return CTL_DONE;
}

static int
check_words(const struct ctl_args *args, struct ctl_out *err)
{
	const struct ctl_command *command = args->command;

	if (args->word_count < command->min_words)
		return ctl_usage(err, command, "%s is missing", command->words);
	if (args->word_count > command->max_words)
		return ctl_usage(err, command, "'%s' is too much", args->words[command->max_words]);
	return CTL_DONE;
}

int
ctl_parse(const struct ctl_command *command, int argc, char *const *argv,
	struct ctl_globals *globals, struct ctl_args *args, struct ctl_out *err)
{
	*args = (struct ctl_args){.command = command};
	args->params = ctl_must(llmfo_params_new());
	int status = read_options(command, argc, argv, ":h", globals, args->given, err);
	if (status || globals->help || globals->version)
		return status;
	args->words = argv + optind;
	args->word_count = argc - optind;
	for (size_t i = 0; !status && i < option_count(command->options); i++)
		if (args->given[i])
			status = set_param(
				command, args->params, &command->options[i], args->given[i], err);
	return status ? status : check_words(args, err);
}

void
ctl_args_free(struct ctl_args *args)
{
	llmfo_params_free(args->params);
}

const char *
ctl_given(const struct ctl_args *args, const char *name)
{
	const struct ctl_option *options = args->command->options;

	for (size_t i = 0; i < option_count(options); i++)
		if (strcmp(options[i].name, name) == 0)
			return args->given[i];
	return NULL;
}

/* "--chain NAME" */
static int
option_words(const struct ctl_option *option, char *words, size_t bytes)
{
	return snprintf(words, bytes, "--%s%s%s", option->name, option->value ? " " : "",
		option->value ? option->value : "");
}

void
ctl_print_options(struct ctl_out *out, const struct ctl_option *options)
{
	size_t count = option_count(options);
	int width = OPTION_COLUMNS;
	char words[64];

	for (size_t i = 0; i < count; i++) {
		int columns = option_words(&options[i], words, sizeof words);

		width = columns > width ? columns : width;
	}
	for (size_t i = 0; i < count; i++) {
		(void)option_words(&options[i], words, sizeof words);
		ctl_line(out, CTL_PLAIN, "  %-*s %s", width, words, options[i].help);
	}
}
