/* SPDX-License-Identifier: MIT */
/* See turn.h. */
#include "turn.h"

void
turns_init(struct turns *turns)
{
	*turns = (struct turns){.number = 1};
	list_init(&turns->users);
}

void
turn_user_init(struct turn_user *user)
{
	*user = (struct turn_user){.entry_ns = TURN_ENTRY_NS};
	list_init(&user->node);
	list_init(&user->entries);
}

void
turn_entry_init(struct turn_entry *entry, struct turn_user *user)
{
	entry->user = user;
	list_init(&entry->node);
}

void
turns_begin(struct turns *turns)
{
	turns->number++;
}

static int64_t
slice_ns(const struct turns *turns, bool alone)
{
	if (alone)
		return TURN_ALONE_NS;
	if (turns->waiting <= 1)
		return TURN_SLICE_NS;
	int64_t part_ns = TURN_SLICE_NS / turns->waiting;
	return part_ns > TURN_LEAST_NS ? part_ns : TURN_LEAST_NS;
}

bool
turn_has_time(const struct turns *turns, const struct turn_user *user, bool alone)
{
	return user->number != turns->number || user->used_ns < slice_ns(turns, alone);
}

void
turn_spend(struct turns *turns, struct turn_user *user, int64_t ns)
{
	if (user->number != turns->number)
		user->used_ns = 0;
	user->number = turns->number;
	user->used_ns += ns;
}

void
turn_wait(struct turns *turns, struct turn_entry *entry)
{
	struct turn_user *user = entry->user;

	if (!list_empty(&entry->node))
		return;
	if (list_empty(&user->entries)) {
		list_append(&turns->users, &user->node);
		turns->waiting++;
	}
	list_append(&user->entries, &entry->node);
}

void
turn_forget(struct turns *turns, struct turn_entry *entry)
{
	struct turn_user *user = entry->user;

	if (list_empty(&entry->node))
		return;
	list_remove(&entry->node);
	if (!list_empty(&user->entries))
		return;
	list_remove(&user->node);
	turns->waiting--;
}

struct turn_entry *
turns_next(struct turns *turns, bool alone)
{
	for (struct list *node = turns->users.next; node != &turns->users; node = node->next) {
		struct turn_user *user = LIST_OWNER(node, struct turn_user, node);
		struct turn_entry *entry =
			LIST_OWNER(user->entries.next, struct turn_entry, node);

		if (!turn_has_time(turns, user, alone))
			continue;
		turn_spend(turns, user, user->entry_ns);
		turn_forget(turns, entry);
		if (!list_empty(&user->entries)) {
			list_remove(&user->node);
			list_append(&turns->users, &user->node);
		}
		return entry;
	}
	return NULL;
}

void
turn_settle(struct turns *turns, struct turn_user *user, int64_t ns)
{
	turn_spend(turns, user, ns - user->entry_ns);
	user->entry_ns += (ns - user->entry_ns) / 8;
	if (user->entry_ns < TURN_ENTRY_LEAST_NS)
		user->entry_ns = TURN_ENTRY_LEAST_NS;
}
