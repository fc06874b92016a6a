/* SPDX-License-Identifier: MIT */
/*
 * See share.h: what chains prefer and who is forced. Each is set by the last one who said so; which
 * of two hosts that was, when both did while the store was away, is told by how long ago it was.
 */
#include <stdlib.h>
#include <string.h>

#include "share_inside.h"

#define GONE_MAX 4096

/* ---- preferred ---- */

static const struct config_chain *
find_chain(const struct share *share, const char *memory)
{
	for (size_t i = 0; i < share->config->chain_count; i++)
		if (strcmp(share->config->chains[i]->memory, memory) == 0)
			return share->config->chains[i];
	return NULL;
}

/* A chain with targets that are local to each host fares differently on each. */
static bool
is_shared(const struct config_chain *chain)
{
	for (size_t i = 0; chain && i < chain->target_count; i++)
		if (chain->targets[i]->provider->local)
			return false;
	return chain != NULL;
}

static bool
has_target(const struct config_chain *chain, const char *target)
{
	for (size_t i = 0; i < chain->target_count; i++)
		if (strcmp(chain->targets[i]->name, target) == 0)
			return true;
	return false;
}

static struct share_gone *
find_gone(struct share *share, const char *chain)
{
	for (size_t i = 0; i < share->gone_count; i++)
		if (strcmp(share->gone[i].chain, chain) == 0)
			return &share->gone[i];
	return NULL;
}

static void
drop_gone(struct share *share, struct share_gone *gone)
{
	free(gone->chain);
	*gone = share->gone[--share->gone_count];
}

static void
note_gone(struct share *share, const char *chain)
{
	struct share_gone *gone = find_gone(share, chain);

	if (!gone && share->gone_count < GONE_MAX) {
		share->gone = x_realloc(
			share->gone, (share->gone_count + 1) * sizeof share->gone[0]);
		gone = &share->gone[share->gone_count++];
		gone->chain = x_strdup(chain);
	}
	if (gone) {
		gone->changed = share->changes;
		gone->at_ms = share_now_ms(share);
	}
}

void
share_gone_free(struct share *share)
{
	while (share->gone_count > 0)
		drop_gone(share, &share->gone[0]);
	free(share->gone);
}

static void
put_preferred(struct share *share, struct health_preferred *entry)
{
	int64_t left_ms = entry->until_ms - share_now_ms(share);

	if (left_ms <= 0)
		return;
	entry->told_until_ms = entry->until_ms;
	share_put(share, "preferred:", entry->chain, entry->target, left_ms);
}

void
share_preferred_stands(struct share *share, const char *chain, bool stands, uint64_t changed)
{
	struct health_preferred *entry =
		health_preferred(share->health, chain, share_now_ms(share));

	if (entry && entry->changed <= changed)
		entry->there = stands;
}

static void
remove_preferred(struct share *share, const char *chain)
{
	share_remove(share, "preferred:", chain);
	share_tell(share, "changed", "preferred:", chain);
}

static void
entry_changed(struct share *share, struct health_preferred *entry)
{
	struct share_gone *gone = find_gone(share, entry->chain);

	if (gone)
		drop_gone(share, gone);
	/* it holds a little longer than others know */
	if (entry->there && entry->until_ms - entry->told_until_ms < SHARE_SLACK_MS)
		return;
	entry->changed = ++share->changes;
	entry->there = false;
	if (share->joined)
		put_preferred(share, entry);
}

void
share_preferred_changed(struct share *share, const char *chain)
{
	struct health_preferred *entry =
		health_preferred(share->health, chain, share_now_ms(share));

	if (!is_shared(find_chain(share, chain)))
		return;
	if (entry) {
		entry_changed(share, entry);
		return;
	}
	share->changes++;
	note_gone(share, chain);
	if (share->joined)
		remove_preferred(share, chain);
}

/* How long ago an entry was made that holds so long yet. */
static int64_t
age_ms(const struct share *share, int64_t left_ms)
{
	return health_policy(share->health)->preferred_ttl_ms - left_ms;
}

/* Of two entries of one chain this host's holds if it is the younger one: who else was away wrote
 * the other one without having seen it. */
static bool
is_younger(struct share *share, const struct health_preferred *entry, int64_t left_ms)
{
	int64_t slack_ms = entry->there ? SHARE_SLACK_MS : 0;

	return entry->until_ms - share_now_ms(share) > left_ms + slack_ms;
}

static void
take_preferred(struct share *share, const struct config_chain *chain, const struct store_item *item)
{
	int64_t now_ms = share_now_ms(share);
	struct health_preferred *entry = health_preferred(share->health, chain->memory, now_ms);
	struct share_gone *gone = find_gone(share, chain->memory);
	int64_t left_ms = share_preferred_left_ms(
		item->ttl_ms, health_policy(share->health)->preferred_ttl_ms);

	/* a longer life than this host would give it does not begin anew at each reading */
	if (entry && strcmp(entry->target, item->text) == 0 && item->ttl_ms > left_ms)
		left_ms = entry->until_ms - now_ms;
	if (!has_target(chain, item->text)) {
		/* nor need it, where configurations differ */
		log_debug("chain %s has no %s, which another host prefers", chain->name,
			item->text);
	} else if (entry && is_younger(share, entry, left_ms)) {
		put_preferred(share, entry);
	} else if (!entry && gone && now_ms - gone->at_ms < age_ms(share, left_ms)) {
		remove_preferred(share, chain->memory);
	} else if (health_heard_preferred(
			   share->health, chain->memory, item->text, now_ms + left_ms)) {
		log_info("chain %s now prefers %s, as told by another host", chain->name,
			item->text);
		event_preferred(share->events, chain->memory, item->text);
	}
	entry = health_preferred(share->health, chain->memory, now_ms);
	if (entry && strcmp(entry->target, item->text) == 0) {
		share_mark(share, &entry->there, true);
		entry->told_until_ms = entry->until_ms;
	}
}

/* It was taken away, or never told, or its time has come. */
static void
take_no_preferred(struct share *share, struct health_preferred *entry)
{
	int64_t left_ms = entry->until_ms - share_now_ms(share);
	char *chain;

	if (!entry->there)
		put_preferred(share, entry);
	if (!entry->there || left_ms <= SHARE_SLACK_MS)
		return;
	chain = x_strdup(entry->chain);
	(void)health_heard_preferred(share->health, chain, NULL, 0);
	log_info("chain %s prefers nothing any more, as told by another host", chain);
	event_preferred(share->events, chain, NULL);
	free(chain);
}

void
share_preferred_read(
	struct share *share, const char *memory, const struct store_item *item, uint64_t changed)
{
	const struct config_chain *chain = find_chain(share, memory);
	struct share_gone *gone = find_gone(share, memory);
	struct health_preferred *entry =
		health_preferred(share->health, memory, share_now_ms(share));

	if (!is_shared(chain) || (entry && entry->changed > changed) ||
		(gone && gone->changed > changed))
		return;
	if (item->text)
		take_preferred(share, chain, item);
	else if (entry)
		take_no_preferred(share, entry);
	/* it has been read that it is gone, or what came of that */
	gone = find_gone(share, memory);
	if (gone)
		drop_gone(share, gone);
}

/* ---- forced ---- */

/* Nobody forced stands there as well, for as long as anybody could be: else a host that was away
 * would not know that its own word is the older one. */
static void
put_forced(struct share *share, struct health_forced *forced)
{
	int64_t now_ms = share_now_ms(share);
	bool anybody = health_forced(share->health, now_ms) != NULL;
	int64_t until_ms = anybody ? forced->until_ms
				   : util_add_clamped(forced->set_ms, SHARE_FORCE_MAX_MS);
	char text[SHARE_TEXT_BYTES];

	if (until_ms <= now_ms)
		return;
	share_write_forced(text, forced, until_ms - forced->set_ms, share->host);
	share_put(share, "forced", "", text, until_ms - now_ms);
}

void
share_forced_stands(struct share *share, bool stands, uint64_t changed)
{
	struct health_forced *forced = health_forced_entry(share->health);

	if (forced->changed <= changed)
		forced->there = stands;
}

void
share_forced_changed(struct share *share)
{
	struct health_forced *forced = health_forced_entry(share->health);

	forced->changed = ++share->changes;
	forced->there = false;
	if (share->joined)
		put_forced(share, forced);
}

static bool
same_provider(const struct health_forced *a, const struct health_forced *b)
{
	return a->provider && b->provider
		? strcmp(a->provider, b->provider) == 0 && a->strict == b->strict
		: a->provider == b->provider;
}

static bool
same_forced(const struct health_forced *a, const struct health_forced *b)
{
	int64_t apart_ms = a->until_ms - b->until_ms;

	return same_provider(a, b) &&
		(!a->provider || (apart_ms < SHARE_SLACK_MS && apart_ms > -SHARE_SLACK_MS));
}

/* Nobody is forced here then, but that is no word of this host's: whoever knows the provider has to
 * say it again where it got lost. */
static void
pass_over(struct share *share, struct health_forced *heard)
{
	if (share->foreign_ms == 0 || heard->set_ms - share->foreign_ms > SHARE_SLACK_MS)
		share_odd(share, "forced", "is a provider that is not configured here");
	share->foreign_ms = heard->set_ms;
	free(heard->provider);
	heard->provider = NULL;
	heard->set_ms = 0;
}

static void
adopt_forced(struct share *share, struct health_forced *heard, bool endless)
{
	struct health_forced *forced = health_forced_entry(share->health);

	if (heard->provider && !config_find_provider(share->config, heard->provider))
		pass_over(share, heard);
	(void)health_forced(share->health, share_now_ms(share));
	heard->there = heard->heard = true;
	heard->changed = forced->changed;
	if (same_forced(forced, heard)) {
		share_mark(share, &forced->there, true);
		if (llabs(heard->set_ms - forced->set_ms) > SHARE_SLACK_MS)
			share_changed(share);
		forced->set_ms = heard->set_ms;
		return;
	}
	/* what has no end goes on and on, which is no news each time */
	bool news = !endless || !same_provider(forced, heard);
	health_heard_forced(share->health, heard);
	if (!news)
		return;
	if (heard->provider)
		log_warning("provider %s is forced%s for %lld s, as told by another host",
			heard->provider, heard->strict ? " strictly" : "",
			(long long)((heard->until_ms - share_now_ms(share)) / 1000));
	else
		log_warning("no provider is forced any more, as told by another host");
	event_forced(share->events);
}

/* Was it said after what is heard? Who else was away wrote that without having seen it. What is
 * heard seems younger than it is, by the time it took, never older: of its own word a host is sure.
 */
static bool
is_later(const struct health_forced *forced, const struct health_forced *heard)
{
	int64_t slack_ms = forced->heard ? SHARE_SLACK_MS : 0;

	return forced->set_ms != 0 && forced->set_ms > heard->set_ms + slack_ms;
}

void
share_forced_read(struct share *share, const struct store_item *item, uint64_t changed)
{
	struct health_forced *forced = health_forced_entry(share->health);
	int64_t now_ms = share_now_ms(share);
	struct health_forced heard = {.set_ms = forced->set_ms};

	if (forced->changed > changed)
		return;
	if (item->text && !share_read_forced(item, now_ms, &heard)) {
		share_odd(share, "forced", "is said in words that make no sense");
	} else if (item->text ? is_later(forced, &heard) : !forced->there && forced->set_ms != 0) {
		put_forced(share, forced);
	} else if (item->text || (forced->there && health_forced(share->health, now_ms) &&
					 forced->until_ms - now_ms > SHARE_SLACK_MS)) {
		/* what stood there and is gone was taken away, or replaced and over since */
		adopt_forced(share, &heard, item->text && item->ttl_ms < 0);
	}
	free(heard.provider);
}

/* ---- both ---- */

static void
forget(const struct health_preferred *preferred, void *arg)
{
	struct share *share = arg;

	health_preferred(share->health, preferred->chain, share_now_ms(share))->there = false;
}

void
share_choice_forget(struct share *share)
{
	health_each_preferred(share->health, share_now_ms(share), forget, share);
	health_forced_entry(share->health)->there = false;
}
