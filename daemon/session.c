/* SPDX-License-Identifier: MIT */
/*
 * See session.h. Bytes are kept only while a message is incomplete: what arrives whole is looked at
 * where it lies. A message that is too large, too deep or too full is passed over to its end and
 * answered; the connection goes on.
 */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "frame.h"
#include "llmfo.h"
#include "log.h"
#include "rpc.h"
#include "session_peek.h"
#include "utf8.h"

/* More than this is not kept allocated for the next message. */
#define IDLE_BYTES 4096
/* As much of a message that is passed over is kept: enough for its msgid, in the longest form. */
#define HEAD_BYTES 32

/* All clients together may have input here that fills so many messages of the greatest size: half
 * messages, and requests that run. Small messages are let in even then. */
#define INPUT_MESSAGES 16
#define SMALL_BYTES (64 * 1024)

#define USER_OVER \
	"the requests and unread replies of this user are as large, taken together, as they may " \
	"be (limits.user_queued)"
/* A user who has as much here as he may can still send messages of that length: to cancel, to see.
 */
#define TINY_BYTES 4096

struct session_input {
	struct frame frame;
	struct buf kept; /* the beginning of a message that is not whole yet */
	bool over;       /* that message is passed over: its user has too much here */
	struct partial partial;
	msgpack_zone zone;   /* of the message being handled */
	msgpack_sbuffer out; /* the reply being packed */
	msgpack_packer packer;
};

/* Is there no room for more bytes, even when the oldest half messages of others are dropped? A
 * caller that means it sends a message in one go. */
static bool
is_crowded(const struct session *session, size_t more_bytes)
{
	struct core *core = session->core;
	size_t max_bytes = INPUT_MESSAGES * core->config->max_message_bytes;

	while (core->input_bytes + more_bytes > max_bytes)
		if (!partials_drop(&core->partials, &session->input->partial, SMALL_BYTES))
			return true;
	return false;
}

/* Has its user as much here as one may have, with more bytes? */
static bool
is_over(const struct session *session, size_t more_bytes)
{
	return user_bytes(session->user) + more_bytes > user_limits(session->core->config).bytes &&
		!rpc_privileged(session->core, &session->peer);
}

static void
count_input(struct session *session, size_t before, size_t now)
{
	session->core->input_bytes += now - before;
	session->user->input_bytes += now - before;
}

static void
forget_kept(struct session *session)
{
	struct buf *kept = &session->input->kept;

	count_input(session, kept->len, 0);
	partial_end(&session->core->partials, &session->input->partial);
	if (kept->cap > IDLE_BYTES)
		buf_free(kept);
	buf_clear(kept);
}

static void
expect_message(struct session *session)
{
	frame_init(&session->input->frame, session->core->config->max_message_bytes);
	forget_kept(session);
	session->input->kept.max = session->core->config->max_message_bytes;
	session->input->over = false;
}

static void on_drop(void *arg, bool crowded);

struct session *
session_new(struct core *core, const struct session_peer *peer, const struct session_ops *ops,
	void *arg)
{
	struct session *session = x_calloc(1, sizeof *session);

	session->core = core;
	session->ops = ops;
	session->arg = arg;
	session->peer = *peer;
	session->user = users_take(&core->users, peer->uid);
	session->user->connections++;
	list_init(&session->requests);
	session->input = x_calloc(1, sizeof *session->input);
	buf_init(&session->input->kept, core->config->max_message_bytes);
	if (!msgpack_zone_init(&session->input->zone, 1024))
		abort();
	msgpack_sbuffer_init(&session->input->out);
	partial_init(&session->input->partial, &session->held, on_drop, session);
	expect_message(session);
	return session;
}

static void
free_request(struct session_request *request)
{
	list_remove(&request->node);
	count_input(request->session, request->bytes, 0);
	request->session->request_count--;
	free(request);
}

static struct session_request *
first_request(struct session *session)
{
	return LIST_OWNER(session->requests.next, struct session_request, node);
}

void
session_free(struct session *session)
{
	session->closing = true;
	event_listen(&session->core->events, &session->events, 0);
	while (!list_empty(&session->requests)) {
		struct session_request *request = first_request(session);

		if (request->cancel)
			request->cancel(request->arg);
		free_request(request);
	}
	forget_kept(session);
	buf_free(&session->input->kept);
	msgpack_zone_destroy(&session->input->zone);
	msgpack_sbuffer_destroy(&session->input->out);
	free(session->input);
	session->user->connections--;
	user_release(session->user);
	free(session->peer.groups);
	free(session);
}

struct session_request *
session_find(struct session *session, uint32_t msgid)
{
	for (struct list *node = session->requests.next; node != &session->requests;
		node = node->next) {
		struct session_request *request = LIST_OWNER(node, struct session_request, node);

		if (request->msgid == msgid)
			return request;
	}
	return NULL;
}

/* ---- out ---- */

static msgpack_packer *
begin_reply(struct session *session, uint32_t msgid)
{
	struct session_input *input = session->input;

	msgpack_sbuffer_clear(&input->out);
	msgpack_packer_init(&input->packer, &input->out, msgpack_sbuffer_write);
	msgpack_pack_array(&input->packer, 4);
	msgpack_pack_int(&input->packer, 1);
	msgpack_pack_uint32(&input->packer, msgid);
	return &input->packer;
}

static void
send_reply(struct session *session)
{
	msgpack_sbuffer *out = &session->input->out;

	session->turn_bytes += out->size;
	session->ops->send(session->arg, out->data, out->size);
	msgpack_sbuffer_destroy(out);
	msgpack_sbuffer_init(out);
}

/* After a reply: nothing more to do for one that only waited for its answers. */
static void
finish_request(struct session_request *request)
{
	struct session *session = request->session;

	free_request(request);
	send_reply(session);
	if (session->half_closed && list_empty(&session->requests) && !session->closing) {
		session->closing = true;
		session->ops->close(session->arg);
	}
}

msgpack_packer *
session_reply_begin(struct session_request *request)
{
	msgpack_packer *packer = begin_reply(request->session, request->msgid);

	msgpack_pack_nil(packer);
	return packer;
}

void
session_reply_end(struct session_request *request)
{
	if (request->session->input->packer.data == NULL)
		abort();
	finish_request(request);
}

static void
pack_text(msgpack_packer *packer, const char *text)
{
	msgpack_pack_str_with_body(packer, text, strlen(text));
}

/* What a caller sent may stand in it, cut anywhere. */
static void
pack_mended(msgpack_packer *packer, const char *text)
{
	size_t length = strlen(text), good;
	struct buf mended;

	buf_init(&mended, length * strlen(UTF8_REPLACEMENT));
	while ((good = utf8_good_bytes(text, length)) < length) {
		(void)buf_add(&mended, text, good);
		(void)buf_puts(&mended, UTF8_REPLACEMENT);
		text += good + 1;
		length -= good + 1;
	}
	(void)buf_add(&mended, text, length);
	pack_text(packer, mended.data);
	buf_free(&mended);
}

static void
pack_error(msgpack_packer *packer, int error, const char *message, size_t more_fields)
{
	msgpack_pack_map(packer, 2 + more_fields);
	pack_text(packer, "code");
	pack_text(packer, error_code(error));
	pack_text(packer, "message");
	pack_mended(packer, message);
}

msgpack_packer *
session_error_begin(
	struct session_request *request, int error, const char *message, size_t more_fields)
{
	msgpack_packer *packer = begin_reply(request->session, request->msgid);

	pack_error(packer, error, message, more_fields);
	return packer;
}

void
session_fail(struct session_request *request, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *message = x_vasprintf(format, args);
	va_end(args);
	msgpack_packer *packer = session_error_begin(request, error, message, 0);
	msgpack_pack_nil(packer);
	free(message);
	finish_request(request);
}

/* An error reply to something that never became a request. */
static void
refuse(struct session *session, uint32_t msgid, int error, const char *message)
{
	msgpack_packer *packer = begin_reply(session, msgid);

	pack_error(packer, error, message, 0);
	msgpack_pack_nil(packer);
	send_reply(session);
}

/* ---- in ---- */

/* What was kept of its input goes at once, the session itself later. */
static void
break_off(struct session *session, const char *why)
{
	struct core *core = session->core;

	if (log_rate_allows(&core->broken_lines, clock_now_ms(core->clock)))
		log_warning("connection of uid %u pid %d closed: %s (%llu such connections so far)",
			session->peer.uid, session->peer.pid, why,
			(unsigned long long)core->broken_lines.count);
	forget_kept(session);
	session->closing = true;
	session->ops->close(session->arg);
}

static int
excess_error(enum frame_excess excess)
{
	return excess == FRAME_TOO_LONG || excess == FRAME_TOO_MANY ? LLMFO_ETOO_LARGE
								    : LLMFO_EINVALID_REQUEST;
}

/* A whole message that is MessagePack but not for us. */
static void
answer_excess(struct session *session, const char *head, size_t count)
{
	enum frame_excess excess = session->input->frame.excess;
	int error = excess_error(excess);
	char text[160];
	uint32_t msgid;

	if (excess == FRAME_TOO_LONG)
		snprintf(text, sizeof text,
			"the message is longer than %zu bytes (socket.max_message)",
			session->core->config->max_message_bytes);
	else
		snprintf(text, sizeof text, "%s", frame_excess_text(excess));
	if (session_peek_msgid(head, count, &msgid))
		refuse(session, msgid, error, text);
	else
		break_off(session, text);
}

/* [0, msgid, method, params] or nothing of ours. */
static const char *
shape_fault(const msgpack_object *message)
{
	const msgpack_object *items = message->via.array.ptr;

	if (message->type != MSGPACK_OBJECT_ARRAY || message->via.array.size == 0)
		return "a message is an array";
	if (items[0].type == MSGPACK_OBJECT_POSITIVE_INTEGER && items[0].via.u64 == 2)
		return "a client sends no notifications";
	if (message->via.array.size != 4 || items[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
		items[0].via.u64 != 0)
		return "a request is [0, msgid, method, params]";
	if (items[1].type != MSGPACK_OBJECT_POSITIVE_INTEGER || items[1].via.u64 > UINT32_MAX)
		return "a msgid is an integer from 0 to 4294967295";
	return NULL;
}

static void
take_request(struct session *session, const msgpack_object *message, size_t bytes)
{
	const msgpack_object *items = message->via.array.ptr;
	uint32_t msgid = (uint32_t)items[1].via.u64;

	if (items[2].type != MSGPACK_OBJECT_STR) {
		refuse(session, msgid, LLMFO_EINVALID_REQUEST, "the method must be a string");
		return;
	}
	if (session_find(session, msgid)) {
		refuse(session, msgid, LLMFO_EINVALID_REQUEST,
			"a request with this msgid is in flight on this connection");
		return;
	}
	int method = message_method(items[2].via.str.ptr, items[2].via.str.size);
	if (method < 0) {
		refuse(session, msgid, LLMFO_EUNKNOWN_METHOD,
			"there is no such method; `hello` lists those there are");
		return;
	}
	if (bytes > SMALL_BYTES && is_crowded(session, bytes)) {
		refuse(session, msgid, LLMFO_EBUSY,
			"the requests that run are as large, taken together, as they may be");
		return;
	}
	/* what of it came before is counted already */
	if (bytes > TINY_BYTES && is_over(session, bytes - session->input->kept.len)) {
		refuse(session, msgid, LLMFO_EBUSY, USER_OVER);
		return;
	}
	if (session->request_count >= SESSION_REQUESTS && method != MESSAGE_M_cancel) {
		refuse(session, msgid, LLMFO_EBUSY, "too many requests run on this connection");
		return;
	}
	struct session_request *request = x_calloc(1, sizeof *request);
	request->session = session;
	request->bytes = bytes;
	count_input(session, 0, bytes);
	request->msgid = msgid;
	request->method = (enum message_method)method;
	list_append(&session->requests, &request->node);
	session->request_count++;
	rpc_handle(request, &items[3]);
}

static void
take_message(struct session *session, const char *bytes, size_t count)
{
	msgpack_object message;
	size_t offset = 0;
	uint32_t msgid;

	if (msgpack_unpack(bytes, count, &offset, &session->input->zone, &message) < 0) {
		break_off(session, "a message could not be unpacked");
		return;
	}
	const char *fault = shape_fault(&message);
	if (!fault) {
		take_request(session, &message, count);
	} else {
		if (session_peek_msgid(bytes, count, &msgid))
			refuse(session, msgid, LLMFO_EINVALID_REQUEST, fault);
		break_off(session, fault);
	}
	/* a connection that is idle holds nothing of what it said */
	msgpack_zone_clear(&session->input->zone);
}

/* Keeps what belongs to a message that is not whole; of one that is passed over only its head. */
static void
keep(struct session *session, const char *bytes, size_t count)
{
	struct buf *kept = &session->input->kept;
	size_t before = kept->len;

	if (session->input->frame.excess != FRAME_FITS || session->input->over) {
		if (kept->len > HEAD_BYTES) {
			struct buf head;

			buf_init(&head, HEAD_BYTES);
			(void)buf_add(&head, kept->data, HEAD_BYTES);
			buf_free(kept);
			*kept = head;
		}
		kept->max = HEAD_BYTES;
		size_t room = HEAD_BYTES - kept->len;
		count = count < room ? count : room;
	}
	(void)buf_add(kept, bytes, count);
	count_input(session, before, kept->len);
}

/* Half a message has to go: there is no room, or its rest does not come. */
static void
on_drop(void *arg, bool crowded)
{
	struct session *session = arg;
	const struct buf *kept = &session->input->kept;
	const char *why = crowded
		? "the messages under way are as large, taken together, as they may be"
		: "the rest of a message did not come within 30 s";
	uint32_t msgid;

	if (session_peek_msgid(kept->data, kept->len, &msgid))
		refuse(session, msgid, crowded ? LLMFO_EBUSY : LLMFO_EINVALID_REQUEST, why);
	break_off(session, why);
}

/* Half a message came. */
static void
take_part(struct session *session, const char *bytes, size_t count)
{
	const struct buf *kept = &session->input->kept;

	keep(session, bytes, count);
	if (kept->len > TINY_BYTES && is_over(session, 0)) {
		session->input->over = true;
		keep(session, bytes, 0);
	}
	partial_set(&session->core->partials, &session->input->partial, kept->len);
	if (kept->len > SMALL_BYTES && is_crowded(session, 0))
		on_drop(session, true);
}

/* The end of a message came whose user has too much here. */
static void
answer_over(struct session *session, const char *head, size_t count)
{
	uint32_t msgid;

	if (session_peek_msgid(head, count, &msgid))
		refuse(session, msgid, LLMFO_EBUSY, USER_OVER);
	else
		break_off(session, USER_OVER);
}

/* A whole message ends at bytes + count; its beginning may have been kept. */
static void
take_whole(struct session *session, const char *bytes, size_t count)
{
	struct buf *kept = &session->input->kept;

	if (kept->len > 0 || session->input->frame.excess != FRAME_FITS) {
		keep(session, bytes, count);
		bytes = kept->data;
		count = kept->len;
	}
	if (session->input->frame.excess != FRAME_FITS)
		answer_excess(session, bytes, count);
	else if (session->input->over)
		answer_over(session, bytes, count);
	else
		take_message(session, bytes, count);
	expect_message(session);
}

/* What it sent is no message, or has no end in sight: where a msgid is known it gets an answer. */
static void
give_up(struct session *session, const char *bytes, size_t count)
{
	const struct frame *frame = &session->input->frame;
	const char *why = frame->excess == FRAME_FITS ? "what it sent is not MessagePack"
						      : frame_excess_text(frame->excess);
	uint32_t msgid;

	keep(session, bytes, count);
	if (session_peek_msgid(session->input->kept.data, session->input->kept.len, &msgid))
		refuse(session, msgid, excess_error(frame->excess), why);
	break_off(session, why);
}

size_t
session_feed(struct session *session, const void *bytes, size_t count)
{
	const char *at = bytes;
	const char *end = at + count;
	unsigned messages = 0;
	size_t used;

	session->turn_bytes = 0;
	while (at < end && !session->closing && !session->held &&
		messages < SESSION_TURN_MESSAGES && session->turn_bytes < SESSION_TURN_BYTES &&
		(messages == 0 || !session->ops->goes_on || session->ops->goes_on(session->arg))) {
		switch (frame_scan(&session->input->frame, at, (size_t)(end - at), &used)) {
		case FRAME_MORE: take_part(session, at, used); break;
		case FRAME_COMPLETE:
			take_whole(session, at, used);
			messages++;
			break;
		case FRAME_INVALID: give_up(session, at, used); break;
		}
		at += used;
	}
	return session->closing ? count : (size_t)(at - (const char *)bytes);
}

void
session_end_of_input(struct session *session)
{
	session->half_closed = true;
	/* what is not whole never will be; what runs goes on */
	expect_message(session);
	if (list_empty(&session->requests) && !session->closing) {
		session->closing = true;
		session->ops->close(session->arg);
	}
}

void
session_abort_all(struct session *session, int error, const char *message)
{
	struct list requests;
	bool half_closed = session->half_closed;

	/* replies take requests off the list, so they are walked from a list of their own */
	session->half_closed = false;
	list_init(&requests);
	list_splice(&requests, &session->requests);
	while (!list_empty(&requests)) {
		struct session_request *request =
			LIST_OWNER(requests.next, struct session_request, node);

		list_remove(&request->node);
		list_append(&session->requests, &request->node);
		if (request->abort) {
			request->abort(request->arg, error, message);
			continue;
		}
		if (request->cancel)
			request->cancel(request->arg);
		session_fail(request, error, "%s", message);
	}
	if (half_closed)
		session_end_of_input(session);
}
