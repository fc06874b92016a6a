/* SPDX-License-Identifier: MIT */
/*
 * Users and @groups of access.*. Names become numbers when the configuration is read, so that no
 * call waits for a directory service. A name that the host does not know is a warning (its group
 * may be made later) and matches nobody.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"
#include "config_value.h"

#define ENTRY_MAX_BYTES (256 * 1024)

static bool
number(const char *name, uint32_t *id)
{
	struct buf why;
	int64_t value;

	buf_init(&why, 200);
	bool yes = config_value_int(name, &value, &why) == 0 && value >= 0 && value < UINT32_MAX;
	buf_free(&why);
	*id = yes ? (uint32_t)value : 0;
	return yes;
}

/* What the host's user or group data base says; grows the room for it as it asks. */
static bool
look_up(const char *name, bool group, uint32_t *id)
{
	int error = ERANGE;
	bool found = false;

	for (size_t size = 4096; error == ERANGE && size <= ENTRY_MAX_BYTES; size *= 4) {
		char *room = x_malloc(size);
		struct group g, *got_group = NULL;
		struct passwd p, *got_user = NULL;
		if (group)
			error = getgrnam_r(name, &g, room, size, &got_group);
		else
			error = getpwnam_r(name, &p, room, size, &got_user);
		if (got_group || got_user) {
			*id = got_group ? got_group->gr_gid : got_user->pw_uid;
			found = true;
		}
		free(room);
	}
	return found;
}

static void
append_id(uint32_t **ids, size_t *count, uint32_t id)
{
	*ids = x_realloc(*ids, (*count + 1) * sizeof **ids);
	(*ids)[(*count)++] = id;
}

/* False if the host knows no such user or group. */
static bool
add(struct config_access *access, const char *name)
{
	bool group = name[0] == '@';
	uint32_t id;

	if (strcmp(name, "*") == 0) {
		access->everybody = true;
		return true;
	}
	if (!look_up(name + group, group, &id) && !number(name + group, &id))
		return false;
	if (group)
		append_id(&access->gids, &access->gid_count, id);
	else
		append_id(&access->uids, &access->uid_count, id);
	return true;
}

static void
add_node(struct config_reader *r, struct config_access *access, struct config_node *node)
{
	const char *name = config_text(r, node);

	if (!name)
		return;
	if (!*name || strcmp(name, "@") == 0)
		config_error(r, node, "is no user and no @group");
	else if (!add(access, name))
		config_warning(r, node, "there is no %s `%s` on this host; nobody matches it",
			name[0] == '@' ? "group" : "user", name + (name[0] == '@'));
}

/* Those that hold without a word in the file: one that is not on this host is not missed. */
static void
add_defaults(struct config_access *access, const char *const *names)
{
	size_t count = 0;

	while (names[count])
		count++;
	access->names = x_calloc(count + 1, sizeof *access->names);
	for (size_t i = 0; i < count; i++) {
		access->names[i] = x_strdup(names[i]);
		(void)add(access, names[i]);
	}
}

bool
config_access_is_group(const char *name)
{
	uint32_t id;

	return look_up(name, true, &id);
}

const char *const config_access_everybody[] = {"*", NULL};
const char *const config_access_root[] = {"root", "@llmfo-admin", NULL};

void
config_access_read(struct config_reader *r, struct config_node *list, const char *const *defaults,
	struct config_access *access)
{
	if (!defaults && (!list || list->null))
		return;
	if (!list || list->null) {
		add_defaults(access, defaults);
		return;
	}
	if (!config_is_list(r, list, "[root, \"@llmfo-admin\"]")) {
		access->names = x_calloc(1, sizeof *access->names);
		return;
	}
	access->names = config_texts(r, list);
	for (size_t i = 0; i < list->count; i++)
		add_node(r, access, list->items[i]);
}

void
config_access_free(struct config_access *access)
{
	free(access->uids);
	free(access->gids);
	config_texts_free(access->names);
}

bool
config_access_allows(
	const struct config_access *access, uint32_t uid, const uint32_t *gids, size_t gid_count)
{
	if (access->everybody)
		return true;
	for (size_t i = 0; i < access->uid_count; i++)
		if (access->uids[i] == uid)
			return true;
	for (size_t i = 0; i < access->gid_count; i++)
		for (size_t j = 0; j < gid_count; j++)
			if (access->gids[i] == gids[j])
				return true;
	return false;
}
