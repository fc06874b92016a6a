/* SPDX-License-Identifier: MIT */
/* See listen_admit.h. */
#include "listen_admit.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error.h"
#include "llmfo.h"
#include "rpc.h"
#include "session_peek.h"

/* As many groups as most have; with more the kernel tells how much room they need. */
#define GROUPS_EXPECTED 64
/* As much of a first request says which one it is. */
#define HEAD_BYTES 4096

/* A new list, which the caller frees; empty if the kernel does not say. */
static uint32_t *
ask_groups(int fd, size_t *count)
{
	socklen_t bytes = GROUPS_EXPECTED * sizeof(uint32_t);
	/* room for the primary group is added behind them */
	uint32_t *groups = x_malloc(bytes + sizeof groups[0]);
	int error = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes);

	if (error < 0 && errno == ERANGE) {
		free(groups);
		groups = x_malloc(bytes + sizeof groups[0]);
		error = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes);
	}
	*count = error < 0 ? 0 : bytes / sizeof groups[0];
	return groups;
}

int
admit_ask_peer(int fd, struct session_peer *peer)
{
	struct ucred credentials;
	socklen_t length = sizeof credentials;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
		return -1;
	*peer = (struct session_peer){
		.uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid};
	peer->groups = ask_groups(fd, &peer->group_count);
	peer->groups[peer->group_count++] = credentials.gid;
	return 0;
}

/* A quarter of all descriptors is for providers, and the daemon's own need some. */
static int64_t
for_connections(rlim_t files)
{
	rlim_t others = files / 4 > ADMIT_FILES_RESERVE ? files / 4 : ADMIT_FILES_RESERVE;

	return files > others ? (int64_t)(files - others) : 1;
}

void
admit_refuse(int fd, const char *why)
{
	char head[HEAD_BYTES];
	ssize_t count = recv(fd, head, sizeof head, MSG_DONTWAIT);
	msgpack_sbuffer out;
	msgpack_packer packer;
	uint32_t msgid;

	if (count <= 0 || !session_peek_msgid(head, (size_t)count, &msgid))
		return;
	msgpack_sbuffer_init(&out);
	msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 4);
	msgpack_pack_int(&packer, 1);
	msgpack_pack_uint32(&packer, msgid);
	msgpack_pack_map(&packer, 2);
	rpc_pack_pair_text(&packer, "code", error_code(LLMFO_EBUSY));
	rpc_pack_pair_text(&packer, "message", why);
	msgpack_pack_nil(&packer);
	/* it is new, so that this has room */
	(void)send(fd, out.data, out.size, MSG_DONTWAIT | MSG_NOSIGNAL);
	msgpack_sbuffer_destroy(&out);
}

const char *
admit_fault(const struct config *config, bool admin, int open, int own)
{
	const char *why = "there may be no more (socket.max_connections)";
	int own_limit = user_limits(config).connections;
	int64_t limit = config->max_connections;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY &&
		for_connections(files.rlim_cur) < limit) {
		limit = for_connections(files.rlim_cur);
		why = "descriptors run out (LimitNOFILE=)";
	}
	if (open > limit)
		return why;
	if (admin)
		return NULL;
	if (own > own_limit)
		return "a single user may have no more (limits.user_connections)";
	if (own_limit == INT_MAX && own > (limit + 1) / 2)
		return "a single user may have half of them (limits.user_connections)";
	if (open > limit - (limit / 4 < ADMIT_RESERVE ? limit / 4 : ADMIT_RESERVE))
		return "the last ones are for administrators (socket.max_connections)";
	return NULL;
}
