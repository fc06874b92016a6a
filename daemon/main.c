/* SPDX-License-Identifier: MIT */
/* The command line of llmfod, and what a process has to set right before anything else. */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "environment.h"
#include "log.h"
#include "server.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static const char usage[] =
	"usage: llmfod [options]\n"
	"  --config FILE         configuration (default: $LLMFO_CONFIG, else\n"
	"                        /etc/llmfo/llmfo.yaml, else made from the environment)\n"
	"  --socket PATH         socket (default: $LLMFO_SOCKET, else socket.path, else a\n"
	"                        user's own, else /run/llmfo/llmfo.sock)\n"
	"  --state FILE          what is remembered over a restart; `none`: nothing is\n"
	"                        (default: state.path, else $STATE_DIRECTORY/llmfo.db, else\n"
	"                        /var/lib/llmfo/llmfo.db, else a user's own)\n"
	"  --env-file FILE       variables for ${VAR} and keys, read again at each reload\n"
	"  --check-config        print every fault of the configuration and end\n"
	"  --log-level LEVEL     error, warning, info (default) or debug\n"
	"  --log-format FORMAT   text (default), logfmt or json\n"
	"  --version, --help\n"
	"See llmfod(8).\n";

enum {
	OPTION_CONFIG = 256,
	OPTION_SOCKET,
	OPTION_STATE,
	OPTION_ENV_FILE,
	OPTION_CHECK,
	OPTION_LEVEL,
	OPTION_FORMAT,
	OPTION_VERSION
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"state", required_argument, NULL, OPTION_STATE},
	{"env-file", required_argument, NULL, OPTION_ENV_FILE},
	{"check-config", no_argument, NULL, OPTION_CHECK},
	{"log-level", required_argument, NULL, OPTION_LEVEL},
	{"log-format", required_argument, NULL, OPTION_FORMAT},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* A choice that is not there ends the program with what there is. */
static int
choice(int value, const char *option, const char *given, const char *known)
{
	if (value < 0) {
		fprintf(stderr, "llmfod: %s: `%s` is none of %s\n", option, given, known);
		exit(2);
	}
	return value;
}

static const char *
state_path(const char *given)
{
	if (!given[0]) {
		fprintf(stderr, "llmfod: --state: no path; `none` keeps nothing\n");
		exit(2);
	}
	return given;
}

static void
parse(int argc, char **argv, struct server_options *options)
{
	int level = LOG_INFO, format = LOG_TEXT, option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (option) {
		case OPTION_CONFIG: options->config = optarg; break;
		case OPTION_SOCKET: options->socket = optarg; break;
		case OPTION_STATE: options->state = state_path(optarg); break;
		case OPTION_ENV_FILE: options->env_file = optarg; break;
		case OPTION_CHECK: options->check_config = true; break;
		case OPTION_LEVEL:
			level = choice(log_level_from_text(optarg), "--log-level", optarg,
				"error, warning, info, debug");
			break;
		case OPTION_FORMAT:
			format = choice(log_format_from_text(optarg), "--log-format", optarg,
				"text, logfmt, json");
			break;
		case OPTION_VERSION: printf("llmfod %s\n", PACKAGE_VERSION); exit(0);
		case 'h': fputs(usage, stdout); exit(0);
		default: fputs(usage, stderr); exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "llmfod: `%s` is not understood\n%s", argv[optind], usage);
		exit(2);
	}
	log_setup((enum log_level)level, (enum log_format)format, isatty(STDERR_FILENO));
}

/* Keys live in this process: no core files, no reading of its memory by others of the same user, no
 * key log of TLS. */
static void
guard_secrets(void)
{
	struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	if (!SANITIZED)
		(void)prctl(PR_SET_DUMPABLE, 0);
	(void)unsetenv("SSLKEYLOGFILE");
}

static void
set_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	/* libcurl gives back and takes its buffers at every call: do not hand them to the kernel in
	 * between */
	(void)mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

int
main(int argc, char **argv)
{
	struct server_options options = {0};

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return 1;
	guard_secrets();
	set_limits();
	parse(argc, argv, &options);
	options.environment = environment_take();
	int status = server_run(&options);
	environment_free(options.environment);
	return status;
}
