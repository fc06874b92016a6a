/* SPDX-License-Identifier: MIT */
/* See server_config.h. */
#include "server_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "environment.h"
#include "log.h"

/* Where variables come from. */
struct variables {
	struct environment *environment;
	struct env_file *file; /* may be NULL */
};

/* The environment first: what a service manager or a shell set outranks a file. */
static const char *
variable(void *arg, const char *name)
{
	const struct variables *variables = arg;
	const char *value = environment_get(variables->environment, name);

	return value && value[0] ? value : env_file_get(variables->file, name);
}

bool
server_config_exists(const char *path)
{
	struct stat there;

	return lstat(path, &there) == 0 || errno != ENOENT;
}

struct config *
server_config_read(const struct server_options *options, struct config_faults *faults)
{
	const char *path = options->config ? options->config : getenv("LLMFO_CONFIG");
	const char *models = getenv("LLMFO_MODELS");
	struct config *config = NULL;
	struct variables variables = {.environment = options->environment};

	if (options->env_file) {
		variables.file = env_file_read(options->env_file, faults);
		if (!variables.file)
			return NULL;
	}
	struct config_env env = {
		.get = variable,
		.arg = &variables,
		.credentials_dir = getenv("CREDENTIALS_DIRECTORY"),
		.models_path = models && models[0] ? models : SERVER_MODELS_FILE,
	};
	if (path && path[0])
		config = config_read_file(path, &env, faults);
	else if (server_config_exists(SERVER_CONFIG_FILE))
		config = config_read_file(SERVER_CONFIG_FILE, &env, faults);
	else
		config = config_from_env(&env, faults);
	env_file_free(variables.file);
	return config;
}

char *
server_config_socket(const struct server_options *options, const struct config *config)
{
	const char *from_env = getenv("LLMFO_SOCKET");
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (options->socket)
		return x_strdup(options->socket);
	if (from_env && from_env[0])
		return x_strdup(from_env);
	if (config->socket_path)
		return x_strdup(config->socket_path);
	if (geteuid() != 0 && runtime && runtime[0])
		return x_asprintf("%s/llmfo/llmfo.sock", runtime);
	return x_strdup(SERVER_SOCKET);
}

/* Where systemd or the user's own settings say that state belongs; NULL: nowhere. */
static char *
state_place(void)
{
	const char *folders = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	/* several are separated by colons; the first one is ours */
	if (folders && folders[0] == '/')
		return x_asprintf("%.*s/llmfo.db", (int)strcspn(folders, ":"), folders);
	if (geteuid() == 0)
		return x_strdup(SERVER_STATE);
	if (xdg && xdg[0] == '/')
		return x_asprintf("%s/llmfo/llmfo.db", xdg);
	if (home && home[0] == '/')
		return x_asprintf("%s/.local/state/llmfo/llmfo.db", home);
	return NULL;
}

/* The same file wherever the process goes. */
static char *
absolute(const char *path)
{
	char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
	char *whole = here ? x_asprintf("%s/%s", here, path) : x_strdup(path);

	free(here);
	return whole;
}

char *
server_config_state(const struct server_options *options, const struct config *config)
{
	const char *given = options->state ? options->state : config->state_path;

	if (given)
		return strcmp(given, CONFIG_STATE_NONE) == 0 ? NULL : absolute(given);
	char *path = state_place();
	if (!path)
		log_warning("state: nothing is remembered over a restart, for neither --state, "
			    "state.path, $STATE_DIRECTORY, $XDG_STATE_HOME nor $HOME says where");
	return path;
}

char *
server_config_summary(const struct config_faults *faults)
{
	char *first = NULL;

	for (size_t i = 0; i < faults->count && !first; i++)
		if (!faults->list[i].warning)
			first = config_fault_text(&faults->list[i]);
	if (faults->errors < 2)
		return first;
	char *summary = x_asprintf("%s (and %zu more)", first, faults->errors - 1);
	free(first);
	return summary;
}

void
server_config_log(const struct config_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		char *text = config_fault_text(&faults->list[i]);

		log_line(faults->list[i].warning ? LOG_WARNING : LOG_ERROR, NULL, 0, "%s", text);
		free(text);
	}
}

void
server_config_print(const struct config_faults *faults, bool ok)
{
	for (size_t i = 0; i < faults->count; i++) {
		char *text = config_fault_text(&faults->list[i]);

		if (faults->list[i].warning)
			fprintf(stderr, "warning: %s\n", text);
		else
			printf("%s\n", text);
		free(text);
	}
	if (ok)
		printf("configuration ok\n");
}
