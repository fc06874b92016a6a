/* SPDX-License-Identifier: MIT */
/* See fake_redis.h. */
#include "fake_redis.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

#define IN_MAX_BYTES (64 * 1024 * 1024)

struct fake_redis_client {
	uv_tcp_t tcp;
	struct fake_redis *fake;
	struct fake_redis_client *next;
	struct buf in;
	bool subscribed;
};

struct out {
	uv_write_t write;
	struct fake_redis_client *client;
	bool close;
	char bytes[];
};

static void
on_closed(uv_handle_t *handle)
{
	struct fake_redis_client *client = handle->data, **at = &client->fake->clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	client->fake->open--;
	buf_free(&client->in);
	free(client);
}

static void
close_client(struct fake_redis_client *client)
{
	if (!uv_is_closing((uv_handle_t *)&client->tcp))
		uv_close((uv_handle_t *)&client->tcp, on_closed);
}

static void
on_written(uv_write_t *write, int status)
{
	struct out *out = write->data;

	if (status == 0 && out->close)
		close_client(out->client);
	free(out);
}

static void
send_bytes(struct fake_redis_client *client, const char *bytes, size_t length, bool close)
{
	struct out *out = x_calloc(1, sizeof *out + length);
	uv_buf_t vector = uv_buf_init(out->bytes, (unsigned)length);

	memcpy(out->bytes, bytes, length);
	out->client = client;
	out->close = close;
	out->write.data = out;
	if (uv_is_closing((uv_handle_t *)&client->tcp) ||
		uv_write(&out->write, (uv_stream_t *)&client->tcp, &vector, 1, on_written))
		free(out);
}

static void
say(struct fake_redis_client *client, const char *text, bool close)
{
	size_t length = strlen(text);

	for (size_t i = 0; client->fake->script->drip && i + 1 < length; i++, text++)
		send_bytes(client, text, 1, false);
	if (*text || close)
		send_bytes(client, text, strlen(text), close);
}

/* ---- commands ---- */

static const char *
or_real(const char *scripted, const char *real)
{
	return scripted ? scripted : real;
}

static void
answer(struct fake_redis_client *client, const char *name)
{
	const struct fake_redis_script *script = client->fake->script;

	if (strcmp(name, "AUTH") == 0) {
		say(client, or_real(script->auth, "+OK\r\n"), false);
	} else if (strcmp(name, "PING") == 0) {
		say(client,
			or_real(script->ping,
				client->subscribed ? "*2\r\n$4\r\npong\r\n$0\r\n\r\n"
						   : "+PONG\r\n"),
			false);
	} else if (strcmp(name, "SUBSCRIBE") == 0) {
		client->subscribed = true;
		say(client,
			or_real(script->subscribe,
				"*3\r\n$9\r\nsubscribe\r\n$10\r\nllmfo:news\r\n:1\r\n"),
			false);
	} else if (strcmp(name, "GETRANGE") == 0) {
		say(client, or_real(script->get, "$3\r\nabc\r\n"), script->close_told);
	} else if (strcmp(name, "PTTL") == 0) {
		say(client, or_real(script->ttl, ":1000\r\n"), script->close_told);
	} else if (strcmp(name, "SET") == 0) {
		say(client, or_real(script->set, "+OK\r\n"), script->close_told);
	} else {
		say(client, or_real(script->other, "+OK\r\n"), script->close_told);
	}
}

/* A line of digits behind a sign at *at, which then stands behind it; -1: it is not whole. */
static long
number_at(const char **at)
{
	const char *end = strstr(*at, "\r\n");

	if (!end)
		return -1;
	long number = strtol(*at + 1, NULL, 10);
	*at = end + 2;
	return number;
}

/* The bytes of the command in front, with its name; 0: it is not whole. */
static size_t
command(const struct buf *in, char *name, size_t size)
{
	const char *at = in->data, *end = in->data + in->len;
	long words = number_at(&at);

	for (long i = 0; i < words; i++) {
		long length = number_at(&at);
		if (length < 0 || at + length + 2 > end)
			return 0;
		if (i == 0)
			snprintf(name, size, "%.*s", (int)length, at);
		at += length + 2;
	}
	return words < 1 ? 0 : (size_t)(at - in->data);
}

static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *vector)
{
	struct fake_redis_client *client = stream->data;
	char name[32];
	size_t length;

	(void)vector;
	if (count < 0) {
		close_client(client);
		return;
	}
	buf_added(&client->in, (size_t)count);
	while ((length = command(&client->in, name, sizeof name)) > 0) {
		client->fake->commands++;
		buf_consume(&client->in, length);
		answer(client, name);
	}
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *vector)
{
	struct fake_redis_client *client = handle->data;
	char *room = buf_reserve(&client->in, suggested);

	*vector = uv_buf_init(room, room ? (unsigned)suggested : 0);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct fake_redis *fake = listener->data;
	struct fake_redis_client *client = x_calloc(1, sizeof *client);

	ck_assert_int_eq(status, 0);
	client->fake = fake;
	client->tcp.data = client;
	client->next = fake->clients;
	fake->clients = client;
	buf_init(&client->in, IN_MAX_BYTES);
	uv_tcp_init(fake->loop, &client->tcp);
	if (fake->connections < FAKE_REDIS_TIMES_MAX)
		fake->came_ms[fake->connections] = (int64_t)uv_now(fake->loop);
	fake->connections++;
	fake->open++;
	ck_assert_int_eq(uv_accept(listener, (uv_stream_t *)&client->tcp), 0);
	ck_assert_int_eq(uv_tcp_nodelay(&client->tcp, 1), 0);
	ck_assert_int_eq(uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read), 0);
	say(client, or_real(fake->script->accept, ""), fake->script->close);
}

void
fake_redis_open(struct fake_redis *fake, uv_loop_t *loop)
{
	static const struct fake_redis_script well = {.accept = NULL};
	struct sockaddr_in address;
	int length = sizeof address;

	*fake = (struct fake_redis){.loop = loop, .script = &well};
	uv_tcp_init(loop, &fake->listener);
	fake->listener.data = fake;
	uv_ip4_addr("127.0.0.1", 0, &address);
	ck_assert_int_eq(uv_tcp_bind(&fake->listener, (const struct sockaddr *)&address, 0), 0);
	ck_assert_int_eq(uv_listen((uv_stream_t *)&fake->listener, 64, on_connection), 0);
	ck_assert_int_eq(
		uv_tcp_getsockname(&fake->listener, (struct sockaddr *)&address, &length), 0);
	fake->port = ntohs(address.sin_port);
}

void
fake_redis_close(struct fake_redis *fake)
{
	for (struct fake_redis_client *client = fake->clients; client; client = client->next)
		close_client(client);
	uv_close((uv_handle_t *)&fake->listener, NULL);
}

void
fake_redis_say(struct fake_redis *fake, const char *bytes)
{
	for (struct fake_redis_client *client = fake->clients; client; client = client->next)
		say(client, bytes, false);
}
