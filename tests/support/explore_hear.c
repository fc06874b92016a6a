/* SPDX-License-Identifier: MIT */
/* What the explorer's clients get from the daemon in bytes, and what must hold of that. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "explore_rule.h"
#include "llmfo.h"

#define ONE_REPLY "Every request of a client gets one reply, and deltas only before it"
#define AS_TOLD "A client gets what its call tells, all of it and nothing twice"
#define AS_ANSWERED "A client's reply is what its call came to"
#define SHAPE "What a client gets are whole messages of the protocol"

struct explore_asked *
explore_asked(struct explore_client *client, uint32_t msgid)
{
	for (size_t i = 0; i < client->asked_count; i++)
		if (client->asked[i].msgid == msgid)
			return &client->asked[i];
	return NULL;
}

static void
forget(struct explore_client *client, struct explore_asked *asked)
{
	buf_free(&asked->heard);
	*asked = client->asked[--client->asked_count];
}

/* ---- replies ---- */

static const msgpack_object *
member(const msgpack_object *map, const char *key)
{
	for (uint32_t i = 0; map->type == MSGPACK_OBJECT_MAP && i < map->via.map.size; i++) {
		const msgpack_object_kv *pair = &map->via.map.ptr[i];

		if (pair->key.type == MSGPACK_OBJECT_STR && pair->key.via.str.size == strlen(key) &&
			memcmp(pair->key.via.str.ptr, key, strlen(key)) == 0)
			return &pair->val;
	}
	return NULL;
}

static bool
is_text(const msgpack_object *object, const char *bytes, size_t length)
{
	return object && object->type == MSGPACK_OBJECT_STR && object->via.str.size == length &&
		(length == 0 || memcmp(object->via.str.ptr, bytes, length) == 0);
}

static bool
is_code(const msgpack_object *error, int code)
{
	const char *text = error_code(code);

	return is_text(member(error, "code"), text, strlen(text));
}

static void
hear_result(
	const struct explore_asked *asked, const msgpack_object *error, const msgpack_object *value)
{
	struct explore_call *call = asked->call;
	const struct call_result *result = call->result;
	const msgpack_object *from = result->error ? error : value;
	const msgpack_object *attempts = member(from, "attempts");
	const msgpack_object *text = member(from, result->error ? "partial" : "text");
	const char *bytes = result->error ? result->partial : result->answer->text.data;
	size_t length = result->error ? result->partial_length : result->answer->text.len;
	bool as_heard = !call->stream || call->client->session->closing ||
		(asked->heard.len == length &&
			(length == 0 || memcmp(asked->heard.data, bytes, length) == 0) &&
			asked->heard_tools == call->told_tools);

	if ((error->type == MSGPACK_OBJECT_NIL) != (result->error == 0) ||
		(result->error && !is_code(error, result->error)) || !attempts ||
		attempts->type != MSGPACK_OBJECT_ARRAY ||
		attempts->via.array.size != result->attempt_count ||
		(bytes || !result->error ? !is_text(text, bytes, length) : text != NULL))
		explore_blame(call->explore, AS_ANSWERED, "call %zu", call->number);
	else if (!as_heard)
		explore_blame(call->explore, "A stream's reply is what its client heard",
			"call %zu: \"%.*s\"", call->number, (int)asked->heard.len,
			asked->heard.len ? asked->heard.data : "");
}

static bool
is_to_be_cancelled(const struct explore_client *client, uint32_t msgid)
{
	for (size_t i = 0; i < client->asked_count; i++)
		if (client->asked[i].method == MESSAGE_M_cancel &&
			client->asked[i].cancels == msgid)
			return true;
	return false;
}

static void
hear_generated(struct explore_client *client, const struct explore_asked *asked,
	const msgpack_object *error, const msgpack_object *value)
{
	if (asked->call && asked->call->result)
		hear_result(asked, error, value);
	else if (asked->call &&
		!(is_to_be_cancelled(client, asked->msgid) && asked->call->row->cancelled &&
			is_code(error, LLMFO_ECANCELLED)))
		explore_blame(client->explore, AS_ANSWERED, "call %zu of client %zu goes on",
			asked->call->number, client->number);
	else if (error->type != MSGPACK_OBJECT_MAP)
		explore_blame(client->explore, AS_ANSWERED, "client %zu, %u: no call was made",
			client->number, asked->msgid);
}

static void
hear_picked(struct explore *explore, const msgpack_object *value)
{
	struct scene *scene = explore->scene;
	const msgpack_object *target = member(value, "target"), *lease = member(value, "lease");

	if (!target || !lease)
		return;
	scene->picks = x_realloc(scene->picks, (scene->pick_count + 1) * sizeof scene->picks[0]);
	struct scene_pick *row = &scene->picks[scene->pick_count++];
	*row = (struct scene_pick){.target = x_strndup(target->via.str.ptr, target->via.str.size)};
	(void)snprintf(row->lease, sizeof row->lease, "%.*s", (int)lease->via.str.size,
		lease->via.str.ptr);
}

static void
hear_reply(struct explore_client *client, const msgpack_object *items)
{
	struct explore *explore = client->explore;
	uint32_t msgid = (uint32_t)items[1].via.u64;
	const msgpack_object *error = &items[2];
	const msgpack_object *code = member(error, "code");
	struct explore_asked *asked = explore_asked(client, msgid);

	explore_say(explore, "client %zu, %u: %.*s", client->number, msgid,
		code ? (int)code->via.str.size : 2, code ? code->via.str.ptr : "ok");
	if (!asked) {
		explore_blame(explore, ONE_REPLY, "client %zu, %u", client->number, msgid);
		return;
	}
	if (asked->method == MESSAGE_M_generate)
		hear_generated(client, asked, error, &items[3]);
	else if (asked->method == MESSAGE_M_pick)
		hear_picked(explore, &items[3]);
	else if (asked->method == MESSAGE_M_report && !code)
		explore_count(explore, asked->target, &asked->outcome);
	forget(client, asked);
}

/* ---- streams ---- */

static void
hear_notice(struct explore_client *client, const msgpack_object *items)
{
	const msgpack_object_array *params = &items[2].via.array;
	uint32_t msgid = (uint32_t)params->ptr[0].via.u64;
	struct explore_asked *asked = explore_asked(client, msgid);

	if (!asked || !asked->call || asked->call->result) {
		explore_blame(client->explore, ONE_REPLY, "client %zu, %u", client->number, msgid);
		return;
	}
	if (is_text(&items[1], "reset", 5)) {
		buf_clear(&asked->heard);
		asked->heard_tools = 0;
		return;
	}
	const msgpack_object *text = params->size > 1 ? member(&params->ptr[1], "text") : NULL;
	if (text)
		(void)buf_add(&asked->heard, text->via.str.ptr, text->via.str.size);
	else
		asked->heard_tools++;
}

void
explore_hear(struct explore_client *client, const char *bytes, size_t count)
{
	msgpack_unpacked unpacked;
	size_t used = 0;

	if (!client->session) {
		explore_blame(client->explore, "Nothing is sent to who is gone", "client %zu",
			client->number);
		return;
	}
	msgpack_unpacked_init(&unpacked);
	bool whole =
		msgpack_unpack_next(&unpacked, bytes, count, &used) == MSGPACK_UNPACK_SUCCESS &&
		used == count && unpacked.data.type == MSGPACK_OBJECT_ARRAY;
	const msgpack_object_array *message = &unpacked.data.via.array;
	if (whole && message->size == 4 && message->ptr[0].via.u64 == 1)
		hear_reply(client, message->ptr);
	else if (whole && message->size == 3 && client->subscribed &&
		is_text(&message->ptr[1], "event", 5))
		explore_say(client->explore, "client %zu hears what happens", client->number);
	else if (whole && message->size == 3 && message->ptr[0].via.u64 == 2)
		hear_notice(client, message->ptr);
	else
		explore_blame(client->explore, SHAPE, "client %zu", client->number);
	msgpack_unpacked_destroy(&unpacked);
}

void
explore_check_heard(struct explore_call *call)
{
	struct explore_client *client = call->client;

	if (!client->session || client->session->closing)
		return;
	for (size_t i = 0; i < client->asked_count; i++) {
		const struct explore_asked *asked = &client->asked[i];

		if (asked->call != call)
			continue;
		if (asked->heard.len != call->told.len || asked->heard_tools != call->told_tools ||
			(call->told.len > 0 &&
				memcmp(asked->heard.data, call->told.data, call->told.len) != 0))
			explore_blame(call->explore, AS_TOLD, "call %zu: \"%.*s\"", call->number,
				(int)asked->heard.len, asked->heard.len ? asked->heard.data : "");
		return;
	}
	explore_blame(call->explore, ONE_REPLY, "call %zu tells more", call->number);
}

/* ---- after every turn ---- */

static bool
all_are_answered_or_run(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;

	for (size_t i = 0; i < explore->client_count; i++) {
		const struct explore_client *client = explore->clients[i];

		for (size_t j = 0; j < client->asked_count && !client->ending; j++) {
			const struct explore_asked *asked = &client->asked[j];

			if (asked->until <= client->taken &&
				!(asked->call && asked->call->row->call))
				return explore_holds(
					moment, false, "client %zu, %u", i, asked->msgid);
		}
	}
	return true;
}

static bool
none_run_for_who_is_gone(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;

	for (size_t i = 0; i < explore->call_count; i++) {
		const struct explore_call *call = explore->calls[i];

		if (call->row->call && call->client && !call->client->session)
			return explore_holds(
				moment, false, "call %zu of client %zu", i, call->client->number);
	}
	return true;
}

static bool
streams_are_held_alike(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;

	for (size_t i = 0; i < explore->call_count; i++) {
		const struct explore_call *call = explore->calls[i];
		const struct explore_client *client = call->client;

		if (client && call->row->call && call->stream && client->session &&
			!client->ending && call->held != client->over)
			return explore_holds(
				moment, false, "call %zu, %zu bytes wait", i, client->unread_bytes);
	}
	return true;
}

static bool
none_stay_who_have_said_all(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;

	for (size_t i = 0; i < explore->client_count; i++) {
		const struct explore_client *client = explore->clients[i];

		if (client->session && client->half_closed && client->asked_count == 0 &&
			!client->ending)
			return explore_holds(moment, false, "client %zu", i);
	}
	return true;
}

static const struct explore_rule at_turn[] = {
	{"Every request of a client is answered, or its call runs", all_are_answered_or_run},
	{"Who has said all is closed when all is answered", none_stay_who_have_said_all},
	{"Nothing runs for a client that is gone", none_run_for_who_is_gone},
	{"Streams are held above limits.stream_queue, down to half of it", streams_are_held_alike},
};

void
explore_check_clients(struct explore *explore)
{
	struct explore_moment moment = {.explore = explore};

	explore_apply(&moment, at_turn, UTIL_COUNT(at_turn));
}
