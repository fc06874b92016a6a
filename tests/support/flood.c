/* SPDX-License-Identifier: MIT */
/* See flood.h. */
#include "flood.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define CYCLE 251
/* Whole cycles, so that each piece begins with 0. */
#define PIECE_BYTES (CYCLE * 256)

struct client {
	uv_tcp_t tcp;
	uv_write_t write;
	struct flood *flood;
	int64_t left; /* of the body */
	size_t writing;
	char in[4096], out[256];
};

static const char *
piece(void)
{
	static char bytes[PIECE_BYTES];

	if (!bytes[1])
		for (int i = 0; i < PIECE_BYTES; i++)
			bytes[i] = (char)(i % CYCLE);
	return bytes;
}

static void
on_client_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	client->flood->clients--;
	free(client);
}

static void
close_client(struct client *client)
{
	if (!uv_is_closing((uv_handle_t *)&client->tcp))
		uv_close((uv_handle_t *)&client->tcp, on_client_closed);
}

static void go_on(struct client *client);

static void
on_written(uv_write_t *write, int status)
{
	struct client *client = write->data;

	if (status)
		return;
	client->flood->sent += (int64_t)client->writing;
	client->left -= (int64_t)client->writing;
	if (client->left > 0)
		go_on(client);
	else if (client->flood->cut_at < client->flood->length)
		close_client(client);
}

static void
write_out(struct client *client, const char *bytes, size_t count)
{
	uv_buf_t vector = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)count);

	client->write.data = client;
	ck_assert_int_eq(
		uv_write(&client->write, (uv_stream_t *)&client->tcp, &vector, 1, on_written), 0);
}

static void
go_on(struct client *client)
{
	client->writing = client->left < PIECE_BYTES ? (size_t)client->left : PIECE_BYTES;
	write_out(client, piece(), client->writing);
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *vector)
{
	struct client *client = handle->data;

	(void)suggested;
	*vector = uv_buf_init(client->in, sizeof(client->in));
}

/* The tests' requests are short: each comes in one read. */
static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *vector)
{
	struct client *client = stream->data;
	struct flood *flood = client->flood;

	(void)vector;
	if (count < 0) {
		close_client(client);
		return;
	}
	flood->requests++;
	client->left = flood->cut_at < flood->length ? flood->cut_at : flood->length;
	client->writing = 0;
	int head = snprintf(client->out, sizeof(client->out),
		"HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n", (long long)flood->length);
	write_out(client, client->out, (size_t)head);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct client *client = x_calloc(1, sizeof(*client));

	ck_assert_int_eq(status, 0);
	client->flood = listener->data;
	client->tcp.data = client;
	client->flood->clients++;
	uv_tcp_init(listener->loop, &client->tcp);
	ck_assert_int_eq(uv_accept(listener, (uv_stream_t *)&client->tcp), 0);
	ck_assert_int_eq(uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read), 0);
}

void
flood_open(struct flood *flood, uv_loop_t *loop, int64_t length)
{
	struct sockaddr_in address;
	int size = sizeof(address);

	*flood = (struct flood){.loop = loop, .length = length, .cut_at = length};
	uv_tcp_init(loop, &flood->listener);
	flood->listener.data = flood;
	uv_ip4_addr("127.0.0.1", 0, &address);
	ck_assert_int_eq(uv_tcp_bind(&flood->listener, (const struct sockaddr *)&address, 0), 0);
	ck_assert_int_eq(uv_listen((uv_stream_t *)&flood->listener, 64, on_connection), 0);
	ck_assert_int_eq(
		uv_tcp_getsockname(&flood->listener, (struct sockaddr *)&address, &size), 0);
	flood->port = ntohs(address.sin_port);
}

void
flood_close(struct flood *flood)
{
	uv_close((uv_handle_t *)&flood->listener, NULL);
}
