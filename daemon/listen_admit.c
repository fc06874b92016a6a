/* SPDX-License-Identifier: MIT */
/* See listen_admit.h. */
#include "listen_admit.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* As many groups as most have; with more the kernel tells how much room they need. */
#define GROUPS_EXPECTED 64

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

const char *
admit_fault(const struct config *config, bool admin, int open, int own)
{
	const char *why = "there may be no more (socket.max_connections)";
	int own_limit = user_limits(config).connections;
	int64_t limit = config->max_connections;
	struct rlimit files;

	/* a quarter of all descriptors is for providers */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY &&
		files.rlim_cur / 4 * 3 < (rlim_t)limit) {
		limit = (int64_t)(files.rlim_cur / 4 * 3);
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
