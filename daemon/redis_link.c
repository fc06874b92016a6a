/* SPDX-License-Identifier: MIT */
/*
 * See redis_link.h. The memory goes in the close callback of the socket. What was sent may hold the
 * password and is wiped.
 */
#include "redis_link.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "list.h"
#include "redis_error.h"
#include "redis_guard.h"

#define READ_BYTES 16384
#define OUT_MAX_BYTES (32 * 1024 * 1024)
#define KEEPALIVE_S 60
/* What the loop was late with may lie in the socket: so long is given to look there first. */
#define GRACE_MS 2

enum state { CONNECTING, GREETING, READY, OVER };

struct command {
	struct list link;
	int64_t asked_ms;
	redis_link_answer *answer;
	void *arg;
};

struct redis_link {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} socket;
	uv_connect_t connect;
	struct clock *clock;
	const struct redis_url *url;
	char *channel;
	const struct redis_link_events *events;
	void *arg;
	enum state state;
	bool connected, writing, late;
	int failed; /* libuv's error, which ends it in the next turn; 0 */
	struct clock_timer timer;
	struct list waiting; /* commands, the oldest first */
	size_t waiting_count;
	int64_t heard_ms;
	struct redis_guard guard;
	redisReader *reader;
	struct buf out; /* not yet given to libuv */
	char run[REDIS_LINK_RUN_BYTES];
	char in[READ_BYTES];
};

struct writing {
	uv_write_t write;
	struct redis_link *link;
	char *bytes;
	size_t length;
};

/* ---- the end ---- */

static void
drop_commands(struct redis_link *link)
{
	while (!list_empty(&link->waiting)) {
		struct command *command = LIST_OWNER(link->waiting.next, struct command, link);
		list_remove(&command->link);
		free(command);
	}
	link->waiting_count = 0;
}

static void
on_closed(uv_handle_t *handle)
{
	struct redis_link *link = handle->data;
	void (*gone)(void *) = link->events->gone;
	void *arg = link->arg;

	redisReaderFree(link->reader);
	util_wipe(link->out.data, link->out.len);
	buf_free(&link->out);
	free(link->channel);
	free(link);
	gone(arg);
}

/* Whatever it was waiting for is over, and its socket closed. */
static void
stop(struct redis_link *link)
{
	link->state = OVER;
	clock_stop(link->clock, &link->timer);
	drop_commands(link);
	uv_close(&link->socket.handle, on_closed);
}

static void
end(struct redis_link *link, const char *why)
{
	if (link->state == OVER)
		return;
	stop(link);
	link->events->ended(link->arg, why, link->connected);
}

static void
end_by(struct redis_link *link, const char *what, int error)
{
	char why[REDIS_LINK_WHY_BYTES];

	(void)snprintf(why, sizeof why, "%s: %s", what, uv_strerror(error));
	end(link, why);
}

void
redis_link_close(struct redis_link *link)
{
	assert(link->state != OVER);
	stop(link);
}

/* ---- time ---- */

static void on_time(void *arg);

/* The one moment it has to look at itself: when what it waits for is late. */
static void
watch(struct redis_link *link)
{
	int64_t at_ms = link->heard_ms + REDIS_LINK_QUIET_MS;

	if (link->state != READY || link->failed)
		return;
	if (!list_empty(&link->waiting))
		at_ms = LIST_OWNER(link->waiting.next, struct command, link)->asked_ms +
			REDIS_LINK_ANSWER_MS;
	link->late = false;
	clock_start(link->clock, &link->timer, at_ms, on_time, link);
}

static void
on_time(void *arg)
{
	static const char *const words[] = {"PING"};
	struct redis_link *link = arg;

	if (link->state == READY && list_empty(&link->waiting)) {
		(void)redis_link_ask(link, 1, words, NULL, NULL);
	} else if (!link->late) {
		link->late = true;
		clock_start(link->clock, &link->timer, clock_now_ms(link->clock) + GRACE_MS,
			on_time, link);
	} else if (link->state == CONNECTING) {
		end(link, "it cannot be reached within 2 s");
	} else {
		end(link,
			link->state == READY ? "Redis does not answer within 1 s"
					     : "Redis takes the connection, but says nothing");
	}
}

/* ---- out ---- */

static void flush(struct redis_link *link);

static void
on_failed(void *arg)
{
	struct redis_link *link = arg;

	if (link->failed == UV_ENOBUFS)
		end(link, "more was asked of Redis at once than it could answer");
	else
		end_by(link, link->connected ? "the connection broke" : "it cannot be reached",
			link->failed);
}

/* What libuv refused at once is told like what it refuses later. */
static void
fail_soon(struct redis_link *link, int error)
{
	link->failed = error;
	clock_soon(link->clock, &link->timer, on_failed, link);
}

static void
on_written(uv_write_t *write, int status)
{
	struct writing *writing = UTIL_OWNER(write, struct writing, write);
	struct redis_link *link = writing->link;

	util_wipe(writing->bytes, writing->length);
	free(writing->bytes);
	free(writing);
	link->writing = false;
	if (link->state == OVER)
		return;
	if (status < 0)
		end_by(link, "the connection broke", status);
	else
		flush(link);
}

/* One write at a time: what comes meanwhile goes with the next. */
static void
flush(struct redis_link *link)
{
	if (link->writing || link->out.len == 0)
		return;
	struct writing *writing = x_calloc(1, sizeof *writing);
	writing->link = link;
	writing->bytes = buf_take(&link->out, &writing->length);
	uv_buf_t vector = uv_buf_init(writing->bytes, (unsigned)writing->length);
	link->writing = true;
	int error = uv_write(&writing->write, &link->socket.stream, &vector, 1, on_written);
	if (error) {
		fail_soon(link, error);
		util_wipe(writing->bytes, writing->length);
		free(writing->bytes);
		free(writing);
	}
}

static bool
put(struct redis_link *link, int count, const char *const *words)
{
	char *bytes = NULL;
	/* it does not change them, and says so in later versions alone */
	long long length = redisFormatCommandArgv(
		&bytes, count, (const char **)(uintptr_t)words, NULL);

	if (length < 0)
		return false;
	int error = buf_add(&link->out, bytes, (size_t)length);
	util_wipe(bytes, (size_t)length);
	redisFreeCommand(bytes);
	return error == 0;
}

static bool
ask(struct redis_link *link, int count, const char *const *words, redis_link_answer *answer,
	void *arg)
{
	if (link->failed)
		return false;
	if (link->waiting_count >= REDIS_LINK_WAITING_MAX || !put(link, count, words)) {
		fail_soon(link, UV_ENOBUFS);
		return false;
	}
	struct command *command = x_calloc(1, sizeof *command);
	command->asked_ms = clock_now_ms(link->clock);
	command->answer = answer;
	command->arg = arg;
	list_append(&link->waiting, &command->link);
	link->waiting_count++;
	return true;
}

bool
redis_link_ask(struct redis_link *link, int count, const char *const *words,
	redis_link_answer *answer, void *arg)
{
	if (link->state != READY || !ask(link, count, words, answer, arg))
		return false;
	flush(link);
	if (link->waiting_count == 1)
		watch(link);
	return true;
}

/* ---- the greeting ---- */

static void
refuse(struct redis_link *link, enum redis_error_at at, const redisReply *reply)
{
	char why[REDIS_LINK_WHY_BYTES];

	redis_error_text(link->url, at, reply->str, reply->len, why, sizeof why);
	end(link, why);
}

static void
on_auth(void *arg, const redisReply *reply)
{
	struct redis_link *link = arg;

	if (reply->type == REDIS_REPLY_ERROR)
		refuse(link, REDIS_ERROR_AT_AUTH, reply);
	else if (reply->type != REDIS_REPLY_STATUS)
		end(link, "what answers is no Redis");
}

static void
on_select(void *arg, const redisReply *reply)
{
	struct redis_link *link = arg;

	if (reply->type == REDIS_REPLY_ERROR)
		refuse(link, REDIS_ERROR_AT_START, reply);
	else if (reply->type != REDIS_REPLY_STATUS)
		end(link, "what answers is no Redis");
}

/* Who may not ask for it goes without. */
static void
on_info(void *arg, const redisReply *reply)
{
	static const char key[] = "\nrun_id:";
	struct redis_link *link = arg;
	const char *at = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, key) : NULL;

	if (at)
		(void)snprintf(link->run, sizeof link->run, "%.*s",
			(int)strspn(at + strlen(key), "0123456789abcdef"), at + strlen(key));
}

const char *
redis_link_run(const struct redis_link *link)
{
	return link->run;
}

/* The last one: to PING, or to SUBSCRIBE. */
static void
on_greeted(void *arg, const redisReply *reply)
{
	struct redis_link *link = arg;
	int type = link->channel ? REDIS_REPLY_ARRAY : REDIS_REPLY_STATUS;

	if (reply->type == REDIS_REPLY_ERROR) {
		refuse(link, REDIS_ERROR_AT_START, reply);
	} else if (reply->type != type) {
		end(link, "what answers is no Redis");
	} else {
		link->state = READY;
		watch(link);
		link->events->ready(link->arg);
	}
}

static bool
ask_to_be_let_in(struct redis_link *link)
{
	const struct redis_url *url = link->url;
	const char *const with_user[] = {"AUTH", url->user, url->password ? url->password : ""};
	const char *const alone[] = {"AUTH", url->password};

	if (url->user)
		return ask(link, 3, with_user, on_auth, link);
	return !url->password || ask(link, 2, alone, on_auth, link);
}

/* All of it goes out at once; the first error ends it. */
static void
greet(struct redis_link *link)
{
	char db[16];
	const char *const select[] = {"SELECT", db};
	const char *const info[] = {"INFO", "server"};
	const char *const ping[] = {"PING"};
	const char *const subscribe[] = {"SUBSCRIBE", link->channel};

	(void)snprintf(db, sizeof db, "%d", link->url->db);
	link->state = GREETING;
	link->late = false;
	clock_start(link->clock, &link->timer, clock_now_ms(link->clock) + REDIS_LINK_READY_MS,
		on_time, link);
	if (ask_to_be_let_in(link) && (!link->url->db || ask(link, 2, select, on_select, link)) &&
		(link->channel || ask(link, 2, info, on_info, link)) &&
		ask(link, link->channel ? 2 : 1, link->channel ? subscribe : ping, on_greeted,
			link))
		flush(link);
}

/* ---- in ---- */

static bool
is_word(const redisReply *reply, size_t index, const char *word)
{
	const redisReply *item = reply->element[index];

	return item->type == REDIS_REPLY_STRING && item->len == strlen(word) &&
		strncasecmp(item->str, word, item->len) == 0;
}

/* Is it news, rather than an answer? */
static bool
is_message(const struct redis_link *link, const redisReply *reply)
{
	return link->channel && link->state == READY && reply->type == REDIS_REPLY_ARRAY &&
		reply->elements == 3 && is_word(reply, 0, "message") &&
		reply->element[2]->type == REDIS_REPLY_STRING;
}

static void
take(struct redis_link *link, const redisReply *reply)
{
	if (is_message(link, reply)) {
		const redisReply *text = reply->element[2];
		link->events->message(link->arg, text->str, text->len);
		return;
	}
	if (list_empty(&link->waiting)) {
		if (reply->type == REDIS_REPLY_ERROR)
			refuse(link, REDIS_ERROR_LATER, reply);
		else
			end(link, "Redis answers what nobody asked");
		return;
	}
	struct command *command = LIST_OWNER(link->waiting.next, struct command, link);
	redis_link_answer *answer = command->answer;
	void *arg = command->arg;
	list_remove(&command->link);
	free(command);
	link->waiting_count--;
	if (reply->type == REDIS_REPLY_ERROR && link->state == READY &&
		redis_error_is_away(reply->str, reply->len))
		refuse(link, REDIS_ERROR_LATER, reply);
	else if (answer)
		answer(arg, reply);
}

static void
take_all(struct redis_link *link)
{
	void *reply;

	while (link->state != OVER && !link->failed) {
		if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
			end(link, "Redis talks nonsense");
			return;
		}
		if (!reply)
			break;
		take(link, reply);
		freeReplyObject(reply);
	}
	watch(link);
}

static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *vector)
{
	struct redis_link *link = stream->data;
	char why[REDIS_LINK_WHY_BYTES];

	if (count == 0 || link->state == OVER || link->failed)
		return;
	if (count < 0) {
		if (count == UV_EOF)
			end(link, "Redis closed the connection");
		else
			end_by(link, "the connection broke", (int)count);
		return;
	}
	link->heard_ms = clock_now_ms(link->clock);
	const char *nonsense = redis_guard_pass(&link->guard, vector->base, (size_t)count);
	if (nonsense) {
		(void)snprintf(why, sizeof why, "Redis talks nonsense: it sends %s", nonsense);
		end(link, why);
	} else if (redisReaderFeed(link->reader, vector->base, (size_t)count) != REDIS_OK) {
		end(link, "there is not enough memory for what Redis sends");
	} else {
		take_all(link);
	}
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *vector)
{
	struct redis_link *link = handle->data;

	(void)suggested;
	*vector = uv_buf_init(link->in, sizeof link->in);
}

/* ---- the beginning ---- */

static void
on_connected(uv_connect_t *connect, int status)
{
	struct redis_link *link = UTIL_OWNER(connect, struct redis_link, connect);

	if (link->state == OVER || link->failed)
		return;
	if (status < 0) {
		end_by(link, "it cannot be reached", status);
		return;
	}
	link->connected = true;
	if (!link->url->path) {
		/* without either it works as well */
		(void)uv_tcp_nodelay(&link->socket.tcp, 1);
		(void)uv_tcp_keepalive(&link->socket.tcp, 1, KEEPALIVE_S);
	}
	int error = uv_read_start(&link->socket.stream, on_alloc, on_read);
	if (error)
		end_by(link, "the connection broke", error);
	else
		greet(link);
}

static int
begin(struct redis_link *link, uv_loop_t *loop, const struct sockaddr *address)
{
	if (!address) {
		int error = uv_pipe_init(loop, &link->socket.pipe, 0);
		assert(error == 0);
		uv_pipe_connect(
			&link->connect, &link->socket.pipe, link->url->path, on_connected);
		return error;
	}
	int error = uv_tcp_init(loop, &link->socket.tcp);
	assert(error == 0);
	return uv_tcp_connect(&link->connect, &link->socket.tcp, address, on_connected);
}

struct redis_link *
redis_link_new(uv_loop_t *loop, struct clock *clock, const struct redis_url *url,
	const struct sockaddr *address, const char *channel, const struct redis_link_events *events,
	void *arg)
{
	struct redis_link *link = x_calloc(1, sizeof *link);

	link->clock = clock;
	link->url = url;
	link->channel = x_strdup(channel);
	link->events = events;
	link->arg = arg;
	list_init(&link->waiting);
	buf_init(&link->out, OUT_MAX_BYTES);
	/* with room for the greeting, so that growing leaves no copy of it behind */
	(void)buf_reserve(&link->out, 4096);
	link->reader = redisReaderCreate();
	link->heard_ms = clock_now_ms(clock);
	clock_start(clock, &link->timer, link->heard_ms + REDIS_LINK_READY_MS, on_time, link);
	int error = begin(link, loop, address);
	link->socket.handle.data = link;
	if (error || !link->reader)
		fail_soon(link, error ? error : UV_ENOMEM);
	return link;
}
