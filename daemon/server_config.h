/* SPDX-License-Identifier: MIT */
/* Where the daemon's configuration comes from, and how its faults are told. Used by server.c alone.
 */
#ifndef LLMFO_SERVER_CONFIG_H
#define LLMFO_SERVER_CONFIG_H

#include "config.h"
#include "server.h"

#define SERVER_CONFIG_FILE "/etc/llmfo/llmfo.yaml"
#define SERVER_SOCKET "/run/llmfo/llmfo.sock"
#define SERVER_STATE "/var/lib/llmfo/llmfo.db"
#define SERVER_MODELS_FILE LLMFO_PKGDATADIR "/models.yaml"

/*
 * Reads --config, else $LLMFO_CONFIG, else /etc/llmfo/llmfo.yaml, else (where that is not there)
 * the environment; variables come from the environment and then from --env-file, which is read anew
 * each time. What is shipped about models is in $LLMFO_MODELS, else where it was installed.
 */
struct config *server_config_read(
	const struct server_options *options, struct config_faults *faults);
/*
 * Is there anything of that name? What cannot be looked at, and a link that leads nowhere, is
 * there: only who has no file at all means the environment.
 */
bool server_config_exists(const char *path);
/* The socket's path: --socket, $LLMFO_SOCKET, socket.path, else the user's or the host's. A new
 * string. */
char *server_config_socket(const struct server_options *options, const struct config *config);
/*
 * The state file's path, absolute: --state, state.path, in $STATE_DIRECTORY, else the host's or the
 * user's. A new string; NULL: nothing is to be kept, or (with a warning in the log) there is no
 * place for it.
 */
char *server_config_state(const struct server_options *options, const struct config *config);
/* The first fault and how many more there are, a new string; for status. */
char *server_config_summary(const struct config_faults *faults);
/* Faults and warnings to the log, or (--check-config) faults to stdout and warnings to stderr. */
void server_config_log(const struct config_faults *faults);
void server_config_print(const struct config_faults *faults, bool ok);

#endif
