/* SPDX-License-Identifier: MIT */
/* See tiny_http.h. */
#include "tiny_http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "list.h"

#define REQUEST_MAX_BYTES (8 * 1024 * 1024)

struct tiny_http {
	uv_tcp_t listener;
	const struct tiny_reply *replies;
	size_t count;
	struct list clients;
	struct buf last;
	int port;
	unsigned connections, requests, open, handles;
	bool hold;
};

struct client {
	uv_tcp_t tcp;
	struct list link;
	struct tiny_http *tiny;
	struct buf in;
	bool waiting; /* a whole request lies there, its answer is held back */
};

struct out {
	uv_write_t write;
	struct client *client;
	enum tiny_then then;
	bool last;
	char bytes[];
};

static void
drop(struct tiny_http *tiny)
{
	if (--tiny->handles > 0)
		return;
	buf_free(&tiny->last);
	free(tiny);
}

static void
on_client_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;
	struct tiny_http *tiny = client->tiny;

	list_remove(&client->link);
	buf_free(&client->in);
	free(client);
	tiny->open--;
	drop(tiny);
}

static void
close_client(struct client *client, bool reset)
{
	if (uv_is_closing((uv_handle_t *)&client->tcp))
		return;
	if (reset && uv_tcp_close_reset(&client->tcp, on_client_closed) == 0)
		return;
	uv_close((uv_handle_t *)&client->tcp, on_client_closed);
}

static void
on_written(uv_write_t *write, int status)
{
	struct out *out = write->data;

	if (status == 0 && out->last && out->then != TINY_KEEP)
		close_client(out->client, out->then == TINY_RESET);
	free(out);
}

static void
send_bytes(struct client *client, const char *bytes, size_t count, enum tiny_then then, bool last)
{
	struct out *out = x_calloc(1, sizeof(*out) + count);

	if (count)
		memcpy(out->bytes, bytes, count);
	out->client = client;
	out->then = then;
	out->last = last;
	out->write.data = out;
	uv_buf_t vector = uv_buf_init(out->bytes, (unsigned)count);
	if (uv_write(&out->write, (uv_stream_t *)&client->tcp, &vector, 1, on_written))
		free(out);
}

static void
send_reply(struct client *client, const struct tiny_reply *reply)
{
	size_t length = reply->length;

	if (!length && reply->bytes)
		length = strlen(reply->bytes);
	if (reply->drip) {
		for (size_t i = 0; i < length; i++)
			send_bytes(client, reply->bytes + i, 1, reply->then, false);
	} else if (length) {
		send_bytes(client, reply->bytes, length, reply->then, false);
	}
	if (reply->more && reply->times) {
		char *bytes = x_malloc(reply->more_length * reply->times);
		for (size_t i = 0; i < reply->times; i++)
			memcpy(bytes + i * reply->more_length, reply->more, reply->more_length);
		send_bytes(client, bytes, reply->more_length * reply->times, reply->then, false);
		free(bytes);
	}
	if (reply->then != TINY_KEEP)
		send_bytes(client, NULL, 0, reply->then, true);
}

/* Bytes of the whole request in front of the buffer, 0 when there is none yet. */
static size_t
request_bytes(const struct buf *in)
{
	const char *end = strstr(in->data, "\r\n\r\n");

	if (!end)
		return 0;
	size_t head = (size_t)(end - in->data) + 4, body = 0;
	const char *length = strcasestr(in->data, "\r\nContent-Length:");
	if (length && length < end)
		body = strtoul(length + 17, NULL, 10);
	return in->len >= head + body ? head + body : 0;
}

static void
serve(struct client *client)
{
	struct tiny_http *tiny = client->tiny;
	size_t count;

	while ((count = request_bytes(&client->in)) > 0) {
		client->waiting = tiny->hold;
		if (client->waiting)
			return;
		size_t turn = tiny->requests < tiny->count ? tiny->requests : tiny->count - 1;
		tiny->requests++;
		buf_clear(&tiny->last);
		int error = buf_add(&tiny->last, client->in.data, count);
		assert(error == 0);
		(void)error;
		buf_consume(&client->in, count);
		send_reply(client, &tiny->replies[turn]);
	}
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *vector)
{
	struct client *client = handle->data;
	char *room = buf_reserve(&client->in, suggested);

	*vector = uv_buf_init(room, room ? (unsigned)suggested : 0);
}

static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *vector)
{
	struct client *client = stream->data;

	(void)vector;
	if (count < 0) {
		close_client(client, false);
		return;
	}
	buf_added(&client->in, (size_t)count);
	serve(client);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct tiny_http *tiny = listener->data;
	struct client *client = x_calloc(1, sizeof(*client));

	assert(status == 0);
	(void)status;
	client->tiny = tiny;
	client->tcp.data = client;
	buf_init(&client->in, REQUEST_MAX_BYTES);
	uv_tcp_init(listener->loop, &client->tcp);
	list_append(&tiny->clients, &client->link);
	tiny->handles++;
	tiny->open++;
	tiny->connections++;
	if (uv_accept(listener, (uv_stream_t *)&client->tcp) ||
		uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read))
		close_client(client, false);
	else
		uv_tcp_nodelay(&client->tcp, 1);
}

struct tiny_http *
tiny_http_new(uv_loop_t *loop, const struct tiny_reply *replies, size_t count)
{
	struct tiny_http *tiny = x_calloc(1, sizeof(*tiny));
	struct sockaddr_in address;
	int length = sizeof(address), error;

	tiny->replies = replies;
	tiny->count = count;
	tiny->handles = 1;
	buf_init(&tiny->last, REQUEST_MAX_BYTES);
	list_init(&tiny->clients);
	uv_tcp_init(loop, &tiny->listener);
	tiny->listener.data = tiny;
	uv_ip4_addr("127.0.0.1", 0, &address);
	error = uv_tcp_bind(&tiny->listener, (const struct sockaddr *)&address, 0);
	assert(error == 0);
	error = uv_listen((uv_stream_t *)&tiny->listener, 512, on_connection);
	assert(error == 0);
	error = uv_tcp_getsockname(&tiny->listener, (struct sockaddr *)&address, &length);
	assert(error == 0);
	(void)error;
	tiny->port = ntohs(address.sin_port);
	return tiny;
}

static void
on_listener_closed(uv_handle_t *handle)
{
	drop(handle->data);
}

void
tiny_http_close(struct tiny_http *tiny)
{
	/* By a reset: no port is kept waiting for what might still come. */
	for (struct list *node = tiny->clients.next; node != &tiny->clients; node = node->next)
		close_client(LIST_OWNER(node, struct client, link), true);
	uv_close((uv_handle_t *)&tiny->listener, on_listener_closed);
}

int
tiny_http_port(const struct tiny_http *tiny)
{
	return tiny->port;
}

unsigned
tiny_http_connections(const struct tiny_http *tiny)
{
	return tiny->connections;
}

unsigned
tiny_http_requests(const struct tiny_http *tiny)
{
	return tiny->requests;
}

unsigned
tiny_http_open(const struct tiny_http *tiny)
{
	return tiny->open;
}

const char *
tiny_http_last(const struct tiny_http *tiny)
{
	return tiny->last.data;
}

void
tiny_http_hold(struct tiny_http *tiny, bool hold)
{
	tiny->hold = hold;
	for (struct list *node = tiny->clients.next; node != &tiny->clients; node = node->next) {
		struct client *client = LIST_OWNER(node, struct client, link);
		if (client->waiting)
			serve(client);
	}
}
