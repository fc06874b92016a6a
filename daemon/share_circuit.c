/* SPDX-License-Identifier: MIT */
/*
 * See share.h: open circuits. One that opens here stands in the store for as long as it is open,
 * one that closes is taken away; the later end of two openings holds, and of an opening and a
 * closing the younger one.
 */
#include <stdlib.h>
#include <string.h>

#include "share_inside.h"
#include "utf8.h"

bool
share_has(const struct share *share, const char *name)
{
	const struct config_provider *provider = strchr(name, '/')
		? config_find_provider_of(share->config, name)
		: config_find_provider(share->config, name);

	/* what is local to a host says nothing about any other */
	return provider && provider->configured && !provider->local;
}

static enum health_kind
kind_of(const char *name)
{
	return strchr(name, '/') ? HEALTH_TARGET : HEALTH_PROVIDER;
}

struct health_subject *
share_subject(const struct share *share, const char *name)
{
	return health_find(share->health, kind_of(name), name);
}

void
share_circuit_stands(struct share *share, const char *name, bool stands, uint64_t changed)
{
	struct health_subject *subject = share_subject(share, name);

	if (subject && subject->mark.changed <= changed)
		subject->mark.there = stands;
}

/* Its time as this host knows it. */
static void
put(struct share *share, struct health_subject *subject)
{
	const struct circuit *circuit = &subject->circuit;
	int64_t left_ms = circuit_remaining_ms(circuit, share_now_ms(share));
	int64_t from_ms = subject->mark.changed_ms;
	char text[SHARE_TEXT_BYTES];

	share_write_open(text, circuit, from_ms > 0 ? circuit->open_until_ms - from_ms : left_ms,
		share->host);
	share_put(share, "open:", subject->name, text, left_ms);
}

static void
take_away(struct share *share, struct health_subject *subject)
{
	share_remove(share, "open:", subject->name);
	share_tell(share, "closed", "", subject->name);
	subject->mark.there = false;
}

void
share_circuit_changed(struct share *share, struct health_subject *subject)
{
	int64_t now_ms = share_now_ms(share);

	if (!share_has(share, subject->name))
		return;
	subject->mark.changed = ++share->changes;
	subject->mark.changed_ms = now_ms > 0 ? now_ms : 1;
	subject->circuit.by_leave = subject->circuit.open && share->joined;
	if (!share->joined) {
		subject->mark.there = false;
		return;
	}
	if (!subject->circuit.open)
		take_away(share, subject);
	else if (circuit_state(&subject->circuit, now_ms) == CIRCUIT_OPEN)
		put(share, subject);
	share_leave_end(share, subject);
	share_leave_soon(share);
}

static const char *
kind_text(const struct health_subject *subject)
{
	return subject->kind == HEALTH_PROVIDER ? "provider" : "target";
}

static void
say_heard(const struct health_subject *subject, const struct circuit_word *word, const char *by)
{
	log_info("circuit of %s %s opened for %lld s (%s, told by %s)", kind_text(subject),
		subject->name, (long long)((word->left_ms + 999) / 1000),
		outcome_text(word->class), by);
}

/* It stands in the store. */
static void
take_open(struct share *share, const char *name, const struct store_item *item)
{
	struct health_subject *subject = share_subject(share, name);
	int64_t now_ms = share_now_ms(share), age_ms;
	struct circuit_word word;
	char by[64];

	if (!share_read_open(item, &health_policy(share->health)->circuit, &word, &age_ms, by,
		    sizeof by)) {
		share_odd(share, name, "is said to be open in words that make no sense");
		return;
	}
	bool closed_since = subject && !subject->circuit.open && subject->mark.changed_ms > 0 &&
		now_ms - subject->mark.changed_ms < age_ms;
	if (closed_since) {
		take_away(share, subject);
		return;
	}
	/* what has no end goes on and on */
	bool news = item->ttl_ms >= 0 || !subject || !subject->circuit.open;
	bool heard = health_heard_open(share->health, kind_of(name), name, &word, by, now_ms);
	subject = share_subject(share, name);
	if (heard) {
		if (news)
			say_heard(subject, &word, by);
		share_leave_end(share, subject);
	}
	if (!subject || !subject->circuit.open)
		return;
	subject->circuit.by_leave = true;
	share_mark(share, &subject->mark.there, true);
	/* the later end holds: it is this host's */
	if (circuit_remaining_ms(&subject->circuit, now_ms) > word.left_ms + SHARE_SLACK_MS)
		put(share, subject);
}

/* Nothing stands there: it was closed, or never told, or its time has come. */
static void
take_nothing(struct share *share, const struct share_due *due, struct health_subject *subject)
{
	int64_t left_ms = circuit_remaining_ms(&subject->circuit, share_now_ms(share));

	if (due->closed || (subject->mark.there && left_ms > SHARE_SLACK_MS)) {
		share_mark(share, &subject->mark.there, false);
		share_leave_end(share, subject);
		if (health_heard_closed(share->health, subject->kind, subject->name,
			    share_now_ms(share)))
			log_info("circuit of %s %s closed, as told by another host",
				kind_text(subject), subject->name);
	} else if (!subject->mark.there && left_ms > 0) {
		put(share, subject);
	}
}

/* Might a call or a configuration name it so? */
static bool
is_name(const char *name)
{
	const char *slash = strchr(name, '/');

	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return !(slash && !slash[1]) && strlen(name) <= CONFIG_TARGET_MAX_BYTES &&
		utf8_valid(name, strlen(name));
}

void
share_circuit_read(struct share *share, const struct share_due *due, const char *name,
	const struct store_item *item, uint64_t changed)
{
	struct health_subject *subject = share_subject(share, name);

	if (!share_has(share, name) || (!subject && !is_name(name)))
		return;
	/* it has changed here since it was asked for: what was read is older than that */
	if (subject && subject->mark.changed > changed)
		return;
	if (item->text)
		take_open(share, name, item);
	else if (subject && subject->circuit.open)
		take_nothing(share, due, subject);
}

static void
forget(struct health_subject *subject, void *arg)
{
	(void)arg;
	subject->mark.there = false;
}

void
share_circuit_forget(struct share *share)
{
	health_each(share->health, forget, NULL);
}
