/* SPDX-License-Identifier: MIT */
/*
 * What streams tell between a request and its reply, and their backpressure: a client that does not
 * read has a bounded queue, above which its streams are held. A delta is small and there are very
 * many: it is packed where the stack is and goes out in one write.
 */
#include <string.h>

#include "rpc.h"
#include "session.h"

/* A delta with a text up to this length is packed without an allocation. */
#define SMALL_BYTES 960
#define NOTE_BYTES 1024
/* While so much waits for all clients together, or half of what he may have for those of a user,
 * each may have no more than the second. */
#define CROWDED_BYTES ((size_t)128 << 20)
#define CROWDED_QUEUE_BYTES 4096

struct note {
	size_t count;
	char bytes[NOTE_BYTES];
};

static int
write_note(void *arg, const char *bytes, size_t count)
{
	struct note *note = arg;

	if (count > sizeof note->bytes - note->count)
		return -1;
	memcpy(note->bytes + note->count, bytes, count);
	note->count += count;
	return 0;
}

static size_t
unread_bytes(const struct session *session)
{
	return session->ops->waiting ? session->ops->waiting(session->arg) : 0;
}

static size_t
queue_bytes(const struct session *session)
{
	const struct core *core = session->core;
	bool crowded = core->output_bytes > CROWDED_BYTES ||
		session->user->output_bytes > user_limits(core->config).bytes / 2;

	return crowded ? CROWDED_QUEUE_BYTES : core->config->stream_queue_bytes;
}

static void
hold_all(struct session *session, bool held)
{
	session->streams_held = held;
	for (struct list *node = session->requests.next; node != &session->requests;
		node = node->next) {
		struct session_request *request = LIST_OWNER(node, struct session_request, node);

		if (request->hold)
			request->hold(request->arg, held);
	}
}

/* Nothing more for a connection that is on its way out. */
static void
tell(struct session *session, const char *bytes, size_t count)
{
	if (session->closing)
		return;
	if (session->ops->tell)
		session->ops->tell(session->arg, bytes, count);
	else
		session->ops->send(session->arg, bytes, count);
	if (!session->streams_held && unread_bytes(session) > queue_bytes(session))
		hold_all(session, true);
}

void
session_sent(struct session *session)
{
	if (session->streams_held && unread_bytes(session) <= queue_bytes(session) / 2)
		hold_all(session, false);
	rpc_caught_up(session);
}

static void
pack_head(msgpack_packer *packer, const char *method, uint32_t msgid, size_t params)
{
	msgpack_pack_array(packer, 3);
	msgpack_pack_int(packer, 2);
	msgpack_pack_str_with_body(packer, method, strlen(method));
	msgpack_pack_array(packer, params);
	msgpack_pack_uint32(packer, msgid);
}

static void
pack_text(msgpack_packer *packer, uint32_t msgid, const char *text, size_t length)
{
	pack_head(packer, "delta", msgid, 2);
	msgpack_pack_map(packer, 1);
	rpc_pack_text(packer, "text");
	msgpack_pack_str_with_body(packer, text, length);
}

static void
tell_packed(struct session *session, msgpack_sbuffer *out)
{
	tell(session, out->data, out->size);
	msgpack_sbuffer_destroy(out);
}

void
session_delta_text(struct session_request *request, const char *text, size_t length)
{
	msgpack_packer packer;
	msgpack_sbuffer out;
	struct note note;

	if (length <= SMALL_BYTES) {
		note.count = 0;
		msgpack_packer_init(&packer, &note, write_note);
		pack_text(&packer, request->msgid, text, length);
		tell(request->session, note.bytes, note.count);
		return;
	}
	msgpack_sbuffer_init(&out);
	msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
	pack_text(&packer, request->msgid, text, length);
	tell_packed(request->session, &out);
}

void
session_delta_tool_call(struct session_request *request, const struct json *call)
{
	msgpack_packer packer;
	msgpack_sbuffer out;

	msgpack_sbuffer_init(&out);
	msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
	pack_head(&packer, "delta", request->msgid, 2);
	msgpack_pack_map(&packer, 1);
	rpc_pack_text(&packer, "tool_call");
	json_pack(call, &packer);
	tell_packed(request->session, &out);
}

void
session_reset(struct session_request *request)
{
	msgpack_packer packer;
	struct note note;

	note.count = 0;
	msgpack_packer_init(&packer, &note, write_note);
	pack_head(&packer, "reset", request->msgid, 1);
	tell(request->session, note.bytes, note.count);
}
