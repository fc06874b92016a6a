/* SPDX-License-Identifier: MIT */
/* See daemon.h. daemon_look.c has what only looks at it. */
#include "daemon.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 25000
#define OPTIONS_MAX 32
#define NOBODY 65534
#define LIFE_FD 40

void
daemon_init(struct daemon *d)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*d = (struct daemon){.life = -1};
	snprintf(d->directory, sizeof d->directory, "/tmp/llmfo-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(d->directory));
	snprintf(d->socket, sizeof d->socket, "%s/llmfo.sock", d->directory);
	snprintf(d->config, sizeof d->config, "%s/llmfo.yaml", d->directory);
	snprintf(d->log, sizeof d->log, "%s/log", d->directory);
	snprintf(d->state, sizeof d->state, "%s/llmfo.db", d->directory);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", d->directory);
	d->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert(d->notify >= 0 &&
		bind(d->notify, (const struct sockaddr *)&address, sizeof address) == 0);
}

const char *
daemon_file(struct daemon *d, const char *name, const char *text)
{
	static char path[160];

	snprintf(path, sizeof path, "%s/%s", d->directory, name);
	FILE *file = fopen(path, "w");
	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	return path;
}

__attribute__((format(printf, 2, 0))) static void
configure(struct daemon *d, const char *format, va_list args)
{
	char *text = x_vasprintf(format, args);

	(void)daemon_file(d, "llmfo.yaml", text);
	free(text);
}

void
daemon_configure(struct daemon *d, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	configure(d, format, args);
	va_end(args);
}

static char *
writable(const char *text)
{
	return strdup(text);
}

/* In the child: nothing of the environment but what programs run by, and how sanitizers report. */
static void
clean_environment(void)
{
	static const char *const kept[] = {"PATH", "LLMFO_MODELS", "ASAN_OPTIONS", "UBSAN_OPTIONS",
		"LSAN_OPTIONS", "LD_LIBRARY_PATH"};
	const char *values[sizeof kept / sizeof kept[0]];

	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
		values[i] = x_strdup(getenv(kept[i]));
	clearenv();
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
		if (values[i])
			setenv(kept[i], values[i], 1);
}

/* In the child: becomes llmfod. */
static void
become_daemon(const struct daemon *d)
{
	char *arguments[OPTIONS_MAX];
	char text[128];
	int n = 0;
	int log = open(d->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	arguments[n++] = writable(getenv("LLMFOD"));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log, STDERR_FILENO);
	clean_environment();
	snprintf(text, sizeof text, "%s/notify", d->directory);
	setenv("NOTIFY_SOCKET", text, 1);
	for (size_t i = 0; d->variables && d->variables[i]; i++)
		putenv(writable(d->variables[i]));
	if (d->inherited) {
		dup2(d->inherited, 3);
		snprintf(text, sizeof text, "%d", (int)getpid());
		setenv("LISTEN_PID", text, 1);
		setenv("LISTEN_FDS", "1", 1);
	}
	if (!d->no_config) {
		arguments[n++] = writable("--config");
		arguments[n++] = writable(d->config);
	}
	if (!d->no_socket) {
		arguments[n++] = writable("--socket");
		arguments[n++] = writable(d->socket);
	}
	if (!d->no_state) {
		arguments[n++] = writable("--state");
		arguments[n++] = writable(d->state);
	}
	for (size_t i = 0; d->options && d->options[i] && n < OPTIONS_MAX - 1; i++)
		arguments[n++] = writable(d->options[i]);
	arguments[n] = NULL;
	execv(arguments[0], arguments);
	_exit(127);
}

void
daemon_launch(struct daemon *d)
{
	ck_assert_msg(getenv("LLMFOD") != NULL, "LLMFOD is to be the path of llmfod");
	int ends[2];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	d->pid = fork();
	ck_assert_int_ge(d->pid, 0);
	if (d->pid == 0) {
		/* the daemon keeps this end as long as it lives; out of the way of what is passed
		 */
		(void)fcntl(ends[1], F_DUPFD, LIFE_FD);
		become_daemon(d);
	}
	close(ends[1]);
	d->life = ends[0];
}

const char *
daemon_told(struct daemon *d)
{
	static char text[1024];
	struct pollfd ready[] = {{.fd = d->notify, .events = POLLIN}, {.fd = d->life, .events = 0}};

	ck_assert_msg(poll(ready, 2, PATIENCE_MS) > 0, "the daemon says nothing");
	if (!(ready[0].revents & POLLIN)) {
		char *log = daemon_log(d);
		ck_abort_msg("the daemon ended: %s", log);
	}
	ssize_t count = recv(d->notify, text, sizeof text - 1, 0);
	ck_assert_int_gt(count, 0);
	text[count] = '\0';
	return text;
}

void
daemon_wait_told(struct daemon *d, const char *part)
{
	while (!strstr(daemon_told(d), part))
		;
}

bool
daemon_is_ready(struct daemon *d)
{
	struct pollfd ready[] = {{.fd = d->notify, .events = POLLIN}, {.fd = d->life, .events = 0}};

	ck_assert_msg(poll(ready, 2, PATIENCE_MS) > 0, "the daemon says nothing");
	if (ready[0].revents & POLLIN)
		return true;
	(void)daemon_wait(d);
	return false;
}

void
daemon_start(struct daemon *d)
{
	daemon_launch(d);
	daemon_wait_told(d, "READY=1");
}

void
daemon_begin(struct daemon *d, const char *format, ...)
{
	va_list args;

	daemon_init(d);
	va_start(args, format);
	configure(d, format, args);
	va_end(args);
	daemon_start(d);
}

int
daemon_start_failing(struct daemon *d)
{
	daemon_launch(d);
	return daemon_wait(d);
}

void
daemon_signal(struct daemon *d, int number)
{
	ck_assert_int_eq(kill(d->pid, number), 0);
}

static int
exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
daemon_wait(struct daemon *d)
{
	struct pollfd ended = {.fd = d->life, .events = 0};
	int status;

	if (poll(&ended, 1, PATIENCE_MS) != 1) {
		char *log = daemon_log(d);
		kill(d->pid, SIGKILL);
		ck_abort_msg("the daemon does not end: %s", log);
	}
	ck_assert_int_eq(waitpid(d->pid, &status, 0), d->pid);
	close(d->life);
	d->life = -1;
	d->pid = 0;
	return exit_status(status);
}

static int
remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
	(void)about;
	(void)kind;
	(void)place;
	return remove(path);
}

void
daemon_clean(struct daemon *d)
{
	close(d->notify);
	(void)nftw(d->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void
daemon_stop(struct daemon *d)
{
	daemon_signal(d, SIGTERM);
	int status = daemon_wait(d);
	char *log = daemon_log(d);

	ck_assert_msg(status == 0, "llmfod ended with %d: %s", status, log);
	ck_assert_msg(!strstr(log, "left open"), "%s", log);
	free(log);
	daemon_clean(d);
}

/* ---- programs ---- */

static char *
contents(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = x_calloc((size_t)size + 1, 1);

	ck_assert_int_eq(pread(fd, text, (size_t)size, 0), size);
	close(fd);
	return text;
}

/* In the child: the user that the test wants to be. */
static void
become_client(const struct daemon *d)
{
	gid_t gid = d->client_gid;

	if (d->client_uid == 0)
		return;
	if (setgroups(gid ? 1 : 0, &gid) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		setresuid(d->client_uid, d->client_uid, d->client_uid) < 0)
		_exit(126);
}

static struct run
run_with(const struct daemon *d, const char *program, const char *const *arguments,
	const char *input)
{
	int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC),
	    err = memfd_create("err", MFD_CLOEXEC);
	struct run run;
	int status, binary = open(program, O_RDONLY);

	ck_assert_msg(binary >= 0, "%s: %s", program, strerror(errno));
	ck_assert(in >= 0 && out >= 0 && err >= 0);
	ck_assert_int_eq(write(in, input, strlen(input)), (ssize_t)strlen(input));
	ck_assert_int_eq(lseek(in, 0, SEEK_SET), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		char *words[OPTIONS_MAX] = {writable(program)};

		for (int i = 0; arguments[i] && i + 2 < OPTIONS_MAX; i++)
			words[i + 1] = writable(arguments[i]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv("LLMFO_SOCKET", d->socket, 1);
		dup2(in, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		become_client(d);
		/* by its descriptor, for the way to it may be closed to that user */
		fexecve(binary, words, environ);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	close(binary);
	close(in);
	run.status = exit_status(status);
	run.out = contents(out);
	run.err = contents(err);
	return run;
}

struct run
daemon_run(const struct daemon *d, const char *program, const char *const *arguments)
{
	return run_with(d, program, arguments, "");
}

static struct run
ctl(const struct daemon *d, va_list args)
{
	const char *words[OPTIONS_MAX] = {NULL}, *word, *input = "";

	for (int i = 0; (word = va_arg(args, const char *)) && i + 1 < OPTIONS_MAX; i++) {
		if (word[0] == '|')
			input = word + 1;
		else
			words[i] = word;
	}
	ck_assert_ptr_nonnull(getenv("LLMFOCTL"));
	return run_with(d, getenv("LLMFOCTL"), words, input);
}

struct run
daemon_ctl(const struct daemon *d, ...)
{
	va_list args;

	va_start(args, d);
	struct run run = ctl(d, args);
	va_end(args);
	return run;
}

void
daemon_ctl_ends(const struct daemon *d, int status, ...)
{
	va_list args;

	va_start(args, status);
	struct run run = ctl(d, args);
	va_end(args);
	ck_assert_msg(
		run.status == status, "llmfoctl ended with %d: %s%s", run.status, run.out, run.err);
	run_free(&run);
}

void
run_free(struct run *run)
{
	free(run->out);
	free(run->err);
	run->out = run->err = NULL;
}

struct json *
daemon_view(const struct daemon *d, const char *command)
{
	struct run run = daemon_ctl(d, "--json", command, NULL);
	const char *why = NULL;
	struct json *tree = json_parse(run.out, strlen(run.out), true, &why);

	ck_assert_msg(run.status == 0 && tree, "llmfoctl --json %s: %d %s %s%s", command,
		run.status, why ? why : "", run.out, run.err);
	run_free(&run);
	return tree;
}
