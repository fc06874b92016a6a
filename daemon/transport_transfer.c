/* SPDX-License-Identifier: MIT */
/*
 * See transport_transfer.h. Any of the callbacks may find that the transfer was cancelled
 * meanwhile, and must then touch nothing that was lent.
 */
#include "transport_transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "transport_name.h"

/* All headers of a reply, interim replies included, which could go on for ever. */
#define REPLY_HEADERS_MAX_BYTES ((size_t)256 * 1024)

static size_t
end_of_headers(struct transfer *transfer, size_t count)
{
	long status = 0;

	transfer->in_block = false;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 101)
		transfer->stop = TRANSPORT_STOP_NO_STATUS;
	if (status < 200)
		return transfer->stop ? 0 : count;
	transfer->whole_headers = true;
	transfer->callbacks.on_headers(transfer->arg, (int)status, &transfer->headers);
	return transfer->state == TRANSFER_RUNNING ? count : 0;
}

static size_t
on_header(char *line, size_t size, size_t items, void *arg)
{
	struct transfer *transfer = arg;
	size_t count = size * items;

	if (transfer->state != TRANSFER_RUNNING)
		return 0;
	transfer->header_bytes += count;
	if (transfer->header_bytes > REPLY_HEADERS_MAX_BYTES) {
		transfer->stop = TRANSPORT_STOP_HEADERS_TOO_LARGE;
		return 0;
	}
	if (transfer->whole_headers)
		return count; /* trailers */
	if (line[0] == '\r' || line[0] == '\n')
		return end_of_headers(transfer, count);
	if (transfer->in_block)
		http_headers_add_line(&transfer->headers, line, count);
	else
		http_headers_clear(&transfer->headers);
	transfer->in_block = true;
	return count;
}

static size_t
on_body(char *bytes, size_t size, size_t items, void *arg)
{
	struct transfer *transfer = arg;
	size_t count = size * items;

	if (transfer->state != TRANSFER_RUNNING)
		return 0;
	if (transfer->held) {
		transfer->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (!transfer->whole_headers)
		transfer->stop = TRANSPORT_STOP_NO_STATUS;
	else if (count > transfer->reply_max - transfer->reply_bytes)
		transfer->stop = TRANSPORT_STOP_BODY_TOO_LARGE;
	if (transfer->stop)
		return 0;
	transfer->reply_bytes += count;
	if (count)
		transfer->callbacks.on_body(transfer->arg, bytes, count);
	return transfer->state == TRANSFER_RUNNING ? count : 0;
}

static size_t
on_read(char *bytes, size_t size, size_t items, void *arg)
{
	struct transfer *transfer = arg;

	if (transfer->state != TRANSFER_RUNNING)
		return CURL_READFUNC_ABORT;
	size_t count = transfer->body->len - transfer->body_sent;
	if (count > size * items)
		count = size * items;
	memcpy(bytes, transfer->body->data + transfer->body_sent, count);
	transfer->body_sent += count;
	return count;
}

/* Rewinding would be for a second sending alone. */
static int
on_seek(void *arg, curl_off_t offset, int origin)
{
	struct transfer *transfer = arg;

	(void)offset;
	(void)origin;
	transfer->stop = TRANSPORT_STOP_SECOND_SENDING;
	return CURL_SEEKFUNC_FAIL;
}

static int
before_request(void *arg, char *peer, char *own, int peer_port, int own_port)
{
	struct transfer *transfer = arg;
	long connects = 0;

	(void)peer;
	(void)own;
	(void)peer_port;
	(void)own_port;
	if (transfer->state != TRANSFER_RUNNING)
		return CURL_PREREQFUNC_ABORT;
	if (transfer->sent) {
		transfer->stop = TRANSPORT_STOP_SECOND_SENDING;
		return CURL_PREREQFUNC_ABORT;
	}
	curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
	transfer->reused = connects == 0;
	transfer->found = transfer->found || !transfer->reused;
	transfer->sent = true;
	return CURL_PREREQFUNC_OK;
}

static curl_socket_t
on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = arg;

	(void)purpose;
	transfer->found = transfer->found || !transfer->late;
	if (transfer->state != TRANSFER_RUNNING)
		return CURL_SOCKET_BAD;
	if (transfer->sent) {
		transfer->stop = TRANSPORT_STOP_SECOND_SENDING;
		return CURL_SOCKET_BAD;
	}
	int fd = transport_poll_open_socket(transfer->poll, address);
	if (fd < 0) {
		transfer->open_error = -fd;
		return CURL_SOCKET_BAD;
	}
	return fd;
}

static const struct transport_easy_hooks hooks = {
	.header = on_header,
	.body = on_body,
	.read = on_read,
	.seek = on_seek,
	.before_request = before_request,
	.open_socket = on_open_socket,
	.close_socket = transport_poll_close_socket,
};

static bool
is_starved(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd < 0 && (errno == EMFILE || errno == ENFILE);
}

static int
system_error_of(const struct transfer *transfer, CURLcode code)
{
	long error = 0;

	if (code == CURLE_COULDNT_CONNECT && transfer->open_error)
		return transfer->open_error;
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR)
		curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);
	return (int)error;
}

static enum transport_phase
phase_of(const struct transfer *transfer)
{
	if (!transfer->sent)
		return TRANSPORT_CONNECTING;
	return transfer->header_bytes > 0 ? TRANSPORT_REPLYING : TRANSPORT_WAITING;
}

static int64_t
connect_time_ms(CURL *easy)
{
	curl_off_t connected = 0, handshaken = 0;

	curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
	curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &handshaken);
	return (handshaken > connected ? handshaken : connected) / 1000;
}

void
transport_transfer_judge(
	const struct transfer *transfer, CURLcode code, struct transport_result *result)
{
	struct transport_facts facts = {
		.code = code,
		.phase = phase_of(transfer),
		.stop = transfer->stop,
		.whole_headers = transfer->whole_headers,
		.starved = code && !transfer->sent && is_starved(),
		.system_error = system_error_of(transfer, code),
		.text = transfer->error_text,
	};
	long status = 0;
	const char *scheme = NULL;

	curl_easy_getinfo(transfer->easy, CURLINFO_SCHEME, &scheme);
	facts.encrypted = scheme && strcasecmp(scheme, "https") == 0;
	if (transfer->whole_headers)
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	result->status = (int)status;
	result->reused = transfer->reused;
	if (transfer->sent && !transfer->reused)
		result->connect_ms = connect_time_ms(transfer->easy);
	transport_verdict(&facts, result);
}

void
transport_transfer_settle(struct transfer *transfer, enum transport_end end, const char *text)
{
	transfer->judged = true;
	transfer->verdict = (struct transport_result){.end = end};
	snprintf(transfer->verdict.detail, sizeof(transfer->verdict.detail), "%s", text);
}

struct transfer *
transport_transfer_new(
	struct transport_curl *owner, struct transport_poll *poll, const char *user_agent)
{
	struct transfer *transfer = x_calloc(1, sizeof(*transfer));

	transfer->owner = owner;
	transfer->poll = poll;
	list_init(&transfer->resumed);
	http_headers_init(&transfer->headers);
	transfer->easy =
		transport_easy_new(&hooks, transfer, poll, user_agent, transfer->error_text);
	return transfer;
}

void
transport_transfer_prepare(struct transfer *transfer, const struct transport_request *request,
	const struct transport_callbacks *callbacks, void *arg, const char *system_ca)
{
	transfer->callbacks = *callbacks;
	transfer->arg = arg;
	transfer->body = &request->http->body;
	transfer->reply_max = request->max_reply_bytes;
	transfer->body_sent = transfer->reply_bytes = transfer->header_bytes = 0;
	transfer->sent = transfer->reused = transfer->in_block = transfer->whole_headers = false;
	transfer->stop = TRANSPORT_STOP_NONE;
	transfer->open_error = 0;
	transfer->error_text[0] = '\0';
	transfer->judged = transfer->found = false;
	transfer->held = transfer->paused = false;
	transport_lookup_seat_init(&transfer->seat);
	transfer->name = transport_name(request->http->url, request->proxy, &transfer->late);
	if (!transfer->easy)
		transport_transfer_settle(transfer, TRANSPORT_INTERNAL, "libcurl is out of memory");
	else if (transport_easy_request(
			 transfer->easy, request, system_ca, &transfer->request_headers))
		transport_transfer_settle(
			transfer, TRANSPORT_INTERNAL, "libcurl does not take the request");
}

void
transport_transfer_forget(struct transfer *transfer)
{
	list_remove(&transfer->resumed);
	transport_easy_forget(transfer->easy, &transfer->request_headers);
	http_headers_clear(&transfer->headers);
	transfer->body = NULL;
	free(transfer->name);
	transfer->name = NULL;
}

void
transport_transfer_free(struct transfer *transfer)
{
	transport_transfer_forget(transfer);
	http_headers_free(&transfer->headers);
	curl_easy_cleanup(transfer->easy);
	free(transfer);
}
