/* SPDX-License-Identifier: MIT */
/*
 * subscribe: what happens, as notifications on the connection that asked. One that does not read
 * loses events beyond a ceiling, and is told how many once it reads again; nobody else notices.
 */
#include <string.h>

#include "llmfo.h"
#include "rpc.h"

/* So much may wait to be read before events are dropped. */
#define UNREAD_MAX_BYTES ((size_t)256 << 10)

static size_t
unread_bytes(const struct session *session)
{
	return session->ops->waiting ? session->ops->waiting(session->arg) : 0;
}

static void
begin(msgpack_sbuffer *out, msgpack_packer *packer, const char *type, int64_t at_ms, size_t more)
{
	msgpack_sbuffer_init(out);
	msgpack_packer_init(packer, out, msgpack_sbuffer_write);
	msgpack_pack_array(packer, 3);
	msgpack_pack_int(packer, 2);
	rpc_pack_text(packer, "event");
	msgpack_pack_array(packer, 1);
	msgpack_pack_map(packer, 2 + more);
	rpc_pack_pair_text(packer, "type", type);
	rpc_pack_pair_int(packer, "at_ms", at_ms);
}

static void
end(struct session *session, msgpack_sbuffer *out)
{
	session->ops->send(session->arg, out->data, out->size);
	msgpack_sbuffer_destroy(out);
}

static void
tell_lost(struct session *session)
{
	msgpack_sbuffer out;
	msgpack_packer packer;

	begin(&out, &packer, "lost", clock_wall_ms(session->core->clock), 1);
	rpc_pack_pair_int(&packer, "count", session->events_lost);
	session->events_lost = 0;
	end(session, &out);
}

static bool
is_shown(const struct event_field *field, bool own)
{
	return field->key && (own || !field->own);
}

static void
pack_field(msgpack_packer *packer, const struct event_field *field)
{
	switch (field->kind) {
	case EVENT_TEXT: rpc_pack_pair_text(packer, field->key, field->text); break;
	case EVENT_NUMBER: rpc_pack_pair_int(packer, field->key, field->number); break;
	case EVENT_YES_NO: rpc_pack_pair_bool(packer, field->key, field->number != 0); break;
	}
}

static void
tell(struct session *session, const struct event *event)
{
	bool own = event->uid == session->peer.uid || rpc_permitted(session, MESSAGE_ADMINS);
	msgpack_sbuffer out;
	msgpack_packer packer;
	size_t shown = 0;

	for (size_t i = 0; i < event->count; i++)
		shown += is_shown(&event->fields[i], own);
	begin(&out, &packer, event_text(event->type), event->at_ms, shown);
	for (size_t i = 0; i < event->count; i++)
		if (is_shown(&event->fields[i], own))
			pack_field(&packer, &event->fields[i]);
	end(session, &out);
}

void
rpc_caught_up(struct session *session)
{
	if (session->events_lost > 0 && !session->closing &&
		unread_bytes(session) <= UNREAD_MAX_BYTES / 2)
		tell_lost(session);
}

/* A reload may have taken its right to look. */
static void
on_event(void *arg, const struct event *event)
{
	struct session *session = arg;

	if (session->closing || !rpc_permitted(session, MESSAGE_CALLERS))
		return;
	rpc_caught_up(session);
	if (session->events_lost > 0 || unread_bytes(session) > UNREAD_MAX_BYTES)
		session->events_lost++;
	else
		tell(session, event);
}

/* The types that a request lists, all if it lists none. False: the request was answered. */
static bool
take_types(struct session_request *request, const msgpack_object *value, unsigned *types)
{
	uint32_t count = value && value->type == MSGPACK_OBJECT_ARRAY ? value->via.array.size : 1;
	const msgpack_object *items =
		value && value->type == MSGPACK_OBJECT_ARRAY ? value->via.array.ptr : value;

	*types = value ? 0 : EVENT_ALL;
	for (uint32_t i = 0; value && i < count; i++) {
		int type = event_from_text(items[i].via.str.ptr, items[i].via.str.size);

		if (type < 0) {
			session_fail(request, LLMFO_EINVALID_REQUEST,
				"parameter `types`: `%.*s` is not one of: "
#define X(name, help) #name " "
#include "event.def"
#undef X
				"(or an empty list)",
				(int)(items[i].via.str.size < 40 ? items[i].via.str.size : 40),
				items[i].via.str.ptr);
			return false;
		}
		*types |= EVENT_BIT(type);
	}
	return true;
}

void
rpc_subscribe(struct session_request *request, const msgpack_object_map *map)
{
	struct session *session = request->session;
	unsigned types;

	if (!take_types(request, message_get(map, "types"), &types))
		return;
	session->events.hear = on_event;
	session->events.arg = session;
	event_listen(&session->core->events, &session->events, types);
	if (types == 0)
		session->events_lost = 0;
	msgpack_packer *packer = session_reply_begin(request);
	msgpack_pack_map(packer, 1);
	rpc_pack_text(packer, "subscribed");
	msgpack_pack_array(packer, (size_t)__builtin_popcount(types));
	for (int i = 0; i < EVENT_TYPES; i++)
		if (types & EVENT_BIT(i))
			rpc_pack_text(packer, event_text((enum event_type)i));
	session_reply_end(request);
}
