/* SPDX-License-Identifier: MIT */
/* See redis.h. The server's own word on its output is what tells that it is ready. */
#include "redis.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <hiredis.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"

#define PATIENCE_MS 25000
#define WORDS_MAX 48
#define TEXT_MAX_BYTES (1024 * 1024)

static const char *
program(void)
{
	static const char *const places[] = {"/usr/bin/redis-server", "/usr/local/bin/redis-server",
		"/usr/sbin/redis-server"};

	for (size_t i = 0; i < UTIL_COUNT(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

bool
redis_is_installed(void)
{
	return program() != NULL;
}

void
redis_init(struct redis *redis)
{
	*redis = (struct redis){0};
	snprintf(redis->folder, sizeof redis->folder, "/tmp/llmfo-redis-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(redis->folder));
	snprintf(redis->socket, sizeof redis->socket, "%s/redis.sock", redis->folder);
	snprintf(redis->url, sizeof redis->url, "unix://%s", redis->socket);
}

void
redis_use_port(struct redis *redis)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	close(fd);
	redis->port = ntohs(address.sin_port);
}

/* In the child: becomes redis-server, which tells on `out` how it is. */
static void
become_server(const struct redis *redis, int out)
{
	char port[16];
	const char *const fixed[] = {program(), "--port", port, "--bind", "127.0.0.1",
		"--unixsocket", redis->socket, "--save", "", "--appendonly", "no", "--dir",
		redis->folder, "--daemonize", "no", "--logfile", ""};
	char *words[WORDS_MAX];
	size_t n = 0;

	snprintf(port, sizeof port, "%d", redis->port);
	for (size_t i = 0; i < UTIL_COUNT(fixed); i++)
		words[n++] = strdup(fixed[i]);
	if (redis->password) {
		words[n++] = strdup("--requirepass");
		words[n++] = strdup(redis->password);
	}
	for (size_t i = 0; redis->options && redis->options[i] && n < WORDS_MAX - 1; i++)
		words[n++] = strdup(redis->options[i]);
	words[n] = NULL;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	execv(words[0], words);
	_exit(127);
}

/* Reads what it says until it is ready; it is not read any further, and does not mind. */
static void
wait_ready(int out)
{
	char said[16384] = "";
	size_t length = 0;

	while (!strstr(said, "Ready to accept connections") && !strstr(said, "ready to accept")) {
		struct pollfd readable = {.fd = out, .events = POLLIN};
		ck_assert_msg(poll(&readable, 1, PATIENCE_MS) == 1, "redis-server: %s", said);
		ssize_t count = read(out, said + length, sizeof said - 1 - length);
		ck_assert_msg(count > 0, "redis-server ended: %s", said);
		length += (size_t)count;
		said[length] = '\0';
	}
}

void
redis_start(struct redis *redis)
{
	int ends[2];

	ck_assert_int_eq(redis->pid, 0);
	ck_assert_msg(redis_is_installed(), "there is no redis-server");
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	redis->pid = fork();
	ck_assert_int_ge(redis->pid, 0);
	if (redis->pid == 0)
		become_server(redis, ends[1]);
	close(ends[1]);
	wait_ready(ends[0]);
	close(ends[0]);
}

void
redis_freeze(struct redis *redis)
{
	int status;

	ck_assert_int_eq(kill(redis->pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(redis->pid, &status, WUNTRACED), redis->pid);
	ck_assert(WIFSTOPPED(status));
}

void
redis_thaw(struct redis *redis)
{
	ck_assert_int_eq(kill(redis->pid, SIGCONT), 0);
}

void
redis_kill(struct redis *redis)
{
	ck_assert_int_eq(kill(redis->pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(redis->pid, NULL, 0), redis->pid);
	redis->pid = 0;
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
redis_stop(struct redis *redis)
{
	if (redis->pid)
		redis_kill(redis);
	(void)nftw(redis->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- commands ---- */

static void
add_reply(struct buf *text, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_INTEGER)
		buf_printf(text, "%lld", reply->integer);
	else if (reply->type == REDIS_REPLY_NIL)
		buf_puts(text, "(nil)");
	else if (reply->type != REDIS_REPLY_ARRAY)
		buf_add(text, reply->str, reply->len);
	for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
		if (i)
			buf_putc(text, '\n');
		add_reply(text, reply->element[i]);
	}
}

static redisContext *
connect_to(const struct redis *redis)
{
	const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	redisContext *context = redisConnectUnixWithTimeout(redis->socket, patience);

	ck_assert_ptr_nonnull(context);
	ck_assert_msg(!context->err, "%s: %s", redis->socket, context->errstr);
	ck_assert_int_eq(redisSetTimeout(context, patience), REDIS_OK);
	if (redis->password) {
		redisReply *reply = redisCommand(context, "AUTH %s", redis->password);
		ck_assert_ptr_nonnull(reply);
		freeReplyObject(reply);
	}
	return context;
}

static char *
ask(const struct redis *redis, va_list args, bool *is_error)
{
	const char *words[WORDS_MAX];
	int count = 0;
	struct buf text;

	while (count < WORDS_MAX && (words[count] = va_arg(args, const char *)))
		count++;
	redisContext *context = connect_to(redis);
	redisReply *reply = redisCommandArgv(context, count, words, NULL);
	ck_assert_msg(reply != NULL, "%s: %s", words[0], context->errstr);
	*is_error = reply->type == REDIS_REPLY_ERROR;
	buf_init(&text, TEXT_MAX_BYTES);
	add_reply(&text, reply);
	ck_assert(!text.failed);
	freeReplyObject(reply);
	redisFree(context);
	return buf_take(&text, NULL);
}

char *
redis_ask(const struct redis *redis, ...)
{
	bool is_error;
	va_list args;

	va_start(args, redis);
	char *text = ask(redis, args, &is_error);
	va_end(args);
	return text;
}

void
redis_do(const struct redis *redis, ...)
{
	bool is_error;
	va_list args;

	va_start(args, redis);
	char *text = ask(redis, args, &is_error);
	va_end(args);
	ck_assert_msg(!is_error, "%s", text);
	free(text);
}

bool
redis_answers(const struct redis *redis, const char *answer, ...)
{
	bool is_error;
	va_list args;

	va_start(args, answer);
	char *text = ask(redis, args, &is_error);
	va_end(args);
	bool same = strcmp(text, answer) == 0;
	free(text);
	return same;
}
