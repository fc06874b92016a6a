/* SPDX-License-Identifier: MIT */
/* See rpc.h. */
#include "rpc.h"

#include <string.h>

#include "error.h"
#include "llmfo.h"

typedef void (*handler)(struct session_request *request, const msgpack_object_map *map);

static const handler handlers[MESSAGE_METHODS] = {
#define X(name, who, help) [MESSAGE_M_##name] = rpc_##name,
#include "methods.def"
#undef X
};

static bool
allows(const struct config_access *access, const struct session_peer *peer)
{
	return config_access_allows(access, peer->uid, peer->groups, peer->group_count);
}

static bool
is_admin(const struct core *core, const struct session_peer *peer)
{
	return allows(&core->config->admins, peer) || peer->uid == core->hooks.own_uid;
}

bool
rpc_privileged(const struct core *core, const struct session_peer *peer)
{
	return peer->uid == 0 || is_admin(core, peer);
}

/* The daemon's own user and root may do everything; others what the configuration says. */
bool
rpc_permitted(const struct session *session, enum message_who who)
{
	const struct session_peer *peer = &session->peer;
	const struct config *config = session->core->config;
	bool admin = is_admin(session->core, peer);
	bool as_callers = who == MESSAGE_CALLERS || !config->reporters.names;

	switch (who) {
	case MESSAGE_ALL: return true;
	case MESSAGE_CALLERS:
	case MESSAGE_REPORTERS:
		return admin || allows(as_callers ? &config->callers : &config->reporters, peer);
	case MESSAGE_ADMINS: return admin;
	}
	return false;
}

/* The key of the configuration that says who they are. */
static const char *
access_key(const struct config *config, enum message_who who)
{
	if (who == MESSAGE_ADMINS)
		return "admins";
	return who == MESSAGE_REPORTERS && config->reporters.names ? "reporters" : "callers";
}

void
rpc_handle(struct session_request *request, const msgpack_object *params)
{
	const struct message_info *info = message_info(request->method);
	const msgpack_object_map *map;
	char why[200];

	if (!rpc_permitted(request->session, info->who)) {
		session_fail(request, LLMFO_ENOT_PERMITTED, "uid %u may not call %s (access.%s)",
			request->session->peer.uid, info->name,
			access_key(request->session->core->config, info->who));
		return;
	}
	if (message_check(request->method, params, &map, why, sizeof why)) {
		session_fail(request, LLMFO_EINVALID_REQUEST, "%s", why);
		return;
	}
	handlers[request->method](request, map);
}

bool
rpc_shuts_down(struct session_request *request)
{
	if (!request->session->core->draining)
		return false;
	msgpack_packer *packer = session_error_begin(
		request, LLMFO_ESHUTTING_DOWN, error_text(LLMFO_ESHUTTING_DOWN), 1);
	rpc_pack_pair_bool(packer, "begun", false);
	msgpack_pack_nil(packer);
	session_reply_end(request);
	return true;
}

void
rpc_pack_text(msgpack_packer *packer, const char *text)
{
	msgpack_pack_str_with_body(packer, text, strlen(text));
}

void
rpc_pack_text_or_nil(msgpack_packer *packer, const char *text)
{
	if (text)
		rpc_pack_text(packer, text);
	else
		msgpack_pack_nil(packer);
}

void
rpc_pack_pair_text(msgpack_packer *packer, const char *key, const char *text)
{
	rpc_pack_text(packer, key);
	rpc_pack_text_or_nil(packer, text);
}

void
rpc_pack_pair_int(msgpack_packer *packer, const char *key, int64_t number)
{
	rpc_pack_text(packer, key);
	msgpack_pack_int64(packer, number);
}

void
rpc_pack_pair_bool(msgpack_packer *packer, const char *key, bool yes)
{
	rpc_pack_text(packer, key);
	if (yes)
		msgpack_pack_true(packer);
	else
		msgpack_pack_false(packer);
}

char *
rpc_text(const msgpack_object_map *map, const char *key)
{
	size_t length;
	const char *text = message_string(map, key, &length);

	return text ? x_strndup(text, length) : NULL;
}

void
rpc_hello(struct session_request *request, const msgpack_object_map *map)
{
	size_t length;
	const char *client = message_string(map, "client", &length);
	struct session *session = request->session;

	if (message_int(map, "protocol", MESSAGE_PROTOCOL) != MESSAGE_PROTOCOL) {
		session_fail(request, LLMFO_EINVALID_REQUEST, "this daemon speaks protocol %d",
			MESSAGE_PROTOCOL);
		return;
	}
	if (client)
		outcome_scrub(client, length, NULL, session->client, sizeof session->client);
	msgpack_packer *packer = session_reply_begin(request);
	msgpack_pack_map(packer, 4);
	rpc_pack_pair_text(packer, "server", "llmfod");
	rpc_pack_pair_text(packer, "version", PACKAGE_VERSION);
	rpc_pack_pair_int(packer, "protocol", MESSAGE_PROTOCOL);
	rpc_pack_text(packer, "features");
	msgpack_pack_array(packer, MESSAGE_METHODS);
	for (int i = 0; i < MESSAGE_METHODS; i++)
		rpc_pack_text(packer, message_info((enum message_method)i)->name);
	session_reply_end(request);
}

void
rpc_cancel(struct session_request *request, const msgpack_object_map *map)
{
	int64_t msgid = message_int(map, "msgid", -1);
	struct session_request *other = NULL;

	if (!message_get(map, "msgid")) {
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `msgid` is missing: that of the request to end");
		return;
	}
	if (msgid >= 0 && msgid <= UINT32_MAX && msgid != request->msgid)
		other = session_find(request->session, (uint32_t)msgid);
	if (!other) {
		session_fail(request, LLMFO_ENOT_FOUND,
			"no request with msgid %lld is in flight on this connection",
			(long long)msgid);
		return;
	}
	if (other->cancel)
		other->cancel(other->arg);
	session_fail(other, LLMFO_ECANCELLED, "cancelled by the client");
	msgpack_packer *packer = session_reply_begin(request);
	msgpack_pack_map(packer, 1);
	rpc_pack_pair_bool(packer, "cancelled", true);
	session_reply_end(request);
}
