/* SPDX-License-Identifier: MIT */
/*
 * From a request to its handler: the permission is a column of methods.def, the parameters are
 * checked against messages.def, both here and nowhere else. Handlers (rpc_generate.c, rpc_view.c,
 * rpc_admin.c) reply at once or hold on to the request.
 */
#ifndef LLMFO_RPC_H
#define LLMFO_RPC_H

#include "session.h"

/* Checks a request and hands it to its handler. params may be anything. */
void rpc_handle(struct session_request *request, const msgpack_object *params);

/* Handlers, one a method of the same name. map is NULL when there are no parameters. */
#define X(name, who, help) \
	void rpc_##name(struct session_request *request, const msgpack_object_map *map);
#include "methods.def"
#undef X

/* ---- what handlers share ---- */

/* Is the client among those, as the configuration has it now? */
bool rpc_permitted(const struct session *session, enum message_who who);
/* Is it one whom no user's share holds up: root, the daemon's own user, an administrator? */
bool rpc_privileged(const struct core *core, const struct session_peer *peer);

void rpc_pack_text(msgpack_packer *packer, const char *text);
/* nil for NULL. */
void rpc_pack_text_or_nil(msgpack_packer *packer, const char *text);
/* A key with its value. */
void rpc_pack_pair_text(msgpack_packer *packer, const char *key, const char *text);
void rpc_pack_pair_int(msgpack_packer *packer, const char *key, int64_t number);
void rpc_pack_pair_bool(msgpack_packer *packer, const char *key, bool yes);
/* The forced provider as `status` and `force_provider` show it; nil for NULL. */
void rpc_pack_forced(msgpack_packer *packer, const struct health_forced *forced, int64_t now_ms);
/* A new string from a checked string parameter, NULL if it was not given. */
char *rpc_text(const msgpack_object_map *map, const char *key);
/* The daemon ends: refuses the request, which may be sent to the next one. False: it goes on. */
bool rpc_shuts_down(struct session_request *request);
/* Answers not_found, naming what there is of `what`: a provider, a target, or either. */
void rpc_no_such(struct session_request *request, const char *what, const char *name);

/* Tells a subscriber that reads again how many events it lost, if any. */
void rpc_caught_up(struct session *session);

/* Fills chain, filters, and what is to be said, as far as it is given, of a fresh call_request;
 * false: the request was answered with an error. */
bool rpc_choose(
	struct session_request *request, const msgpack_object_map *map, struct call_request *call);
/* The half of that which rpc_choose() leaves to generate: messages, tools, parameters. */
bool rpc_read_content(
	struct session_request *request, const msgpack_object_map *map, struct call_request *call);
/* A call_request of nothing but defaults. */
struct call_request *rpc_call_request(struct session_request *request);

#endif
