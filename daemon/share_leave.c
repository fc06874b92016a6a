/* SPDX-License-Identifier: MIT */
/*
 * See share.h: the probe of a half-open circuit, which one host alone makes. Its leave stands in
 * the store for a while and is asked for when the circuit becomes half-open, so that no call waits
 * for it. Who has it and makes no calls gives it to a host that wants it. While the store is away
 * every host probes for itself.
 */
#include <stdlib.h>
#include <string.h>

#include "share_inside.h"

/* Who is denied it asks again, at the earliest, after so long. */
#define ASK_AGAIN_MS 500
/* Who has it and does not use it keeps it at least so long, whoever wants it. */
#define KEEP_MS 200
/* When it has done its work it stays for a moment, until what came of it is known everywhere. */
#define LINGER_MS 1000
/* However often another host has it: so long a call here is kept from probing, and no longer. */
#define PATIENCE_MS 120000

static void
grant(struct health_subject *subject, int64_t until_ms)
{
	subject->circuit.leave = true;
	subject->mark.leave = HEALTH_LEAVE_HELD;
	subject->mark.leave_ms = until_ms;
	subject->mark.wanted_ms = 0;
}

static void
on_asked(void *arg, enum store_result result)
{
	struct share_wait *wait = arg;
	struct share *share = wait->share;
	const char *name = wait->names[0].name;
	struct health_subject *subject = share_subject(share, name);

	if (subject && subject->mark.leave == HEALTH_LEAVE_ASKED) {
		int64_t now_ms = share_now_ms(share);

		subject->mark.leave = HEALTH_LEAVE_NONE;
		if (result == STORE_TAKEN) {
			subject->mark.leave = HEALTH_LEAVE_TAKEN;
			subject->mark.leave_ms = now_ms + ASK_AGAIN_MS;
		} else if (circuit_state(&subject->circuit, now_ms) == CIRCUIT_HALF_OPEN) {
			/* where it cannot be asked for, nobody else is kept from it either */
			grant(subject, subject->mark.asked_ms + SHARE_LEAVE_MS);
			share_leave_soon(share);
			share_changed(share);
		}
	}
	share_wait_free(wait);
}

static void
ask(struct share *share, struct health_subject *subject)
{
	char *name = x_asprintf("probe:%s", subject->name);
	struct share_due *names = x_calloc(1, sizeof *names);

	names[0].name = x_strdup(subject->name);
	subject->mark.leave = HEALTH_LEAVE_ASKED;
	subject->mark.asked_ms = share_now_ms(share);
	share->store->ops->set(share->store, name, share->host, SHARE_LEAVE_MS, STORE_IF_ABSENT,
		on_asked, share_wait_new(share, names, 1));
	free(name);
}

static void
renew(struct share *share, struct health_subject *subject, int64_t now_ms)
{
	share_set(share, "probe:", subject->name, share->host, SHARE_LEAVE_MS);
	subject->mark.leave_ms = now_ms + SHARE_LEAVE_MS;
}

struct look {
	struct share *share;
	int64_t now_ms, next_ms;
};

static void
next_at(struct look *look, int64_t at_ms)
{
	if (at_ms < look->next_ms)
		look->next_ms = at_ms;
}

static void
look_held(struct look *look, struct health_subject *subject)
{
	/* this host stood still for so long that another one may have it by now */
	if (subject->mark.leave_ms <= look->now_ms) {
		subject->circuit.leave = false;
		ask(look->share, subject);
		return;
	}
	if (subject->mark.leave_ms - look->now_ms <= SHARE_LEAVE_MS / 2)
		renew(look->share, subject, look->now_ms);
	next_at(look, subject->mark.leave_ms - SHARE_LEAVE_MS / 2);
}

static void
look_at(struct health_subject *subject, void *arg)
{
	struct look *look = arg;
	struct circuit *circuit = &subject->circuit;

	if (!circuit->open || !circuit->by_leave)
		return;
	if (circuit_state(circuit, look->now_ms) == CIRCUIT_OPEN) {
		next_at(look, circuit->open_until_ms);
		return;
	}
	switch (subject->mark.leave) {
	case HEALTH_LEAVE_NONE: ask(look->share, subject); break;
	case HEALTH_LEAVE_HELD: look_held(look, subject); break;
	case HEALTH_LEAVE_ASKED:
	case HEALTH_LEAVE_TAKEN: break;
	}
}

/* Asks for the leaves that are wanted, renews those that are held, and waits for the next. */
static void
on_timer(void *arg)
{
	struct share *share = arg;
	struct look look = {share, share_now_ms(share), CLOCK_NEVER};

	health_each(share->health, look_at, &look);
	if (look.next_ms != CLOCK_NEVER)
		clock_start(share->clock, &share->leave_timer, look.next_ms, on_timer, share);
}

void
share_leave_soon(struct share *share)
{
	if (share->joined)
		clock_soon(share->clock, &share->leave_timer, on_timer, share);
}

void
share_leave_wanted(struct share *share, struct health_subject *subject)
{
	struct health_mark *mark = &subject->mark;
	int64_t now_ms = share_now_ms(share);

	if (mark->wanted_ms == 0)
		mark->wanted_ms = now_ms > 0 ? now_ms : 1;
	if (now_ms - mark->wanted_ms >= PATIENCE_MS) {
		grant(subject, now_ms + SHARE_LEAVE_MS);
	} else if (mark->leave == HEALTH_LEAVE_NONE) {
		ask(share, subject);
	} else if (mark->leave == HEALTH_LEAVE_TAKEN && now_ms >= mark->leave_ms) {
		share_tell(share, "want", "", subject->name);
		ask(share, subject);
	}
}

void
share_leave_end(struct share *share, struct health_subject *subject)
{
	if (subject->mark.leave == HEALTH_LEAVE_HELD)
		share_set(share, "probe:", subject->name, share->host, LINGER_MS);
	subject->mark.leave = HEALTH_LEAVE_NONE;
	subject->mark.wanted_ms = 0;
	subject->circuit.leave = false;
}

static struct health_subject *
find_by_leave(const struct share *share, const char *name)
{
	struct health_subject *subject = share_subject(share, name);

	return subject && subject->circuit.open && subject->circuit.by_leave ? subject : NULL;
}

void
share_leave_asked(struct share *share, const char *name)
{
	struct health_subject *subject = find_by_leave(share, name);
	int64_t now_ms = share_now_ms(share);

	if (!subject || subject->mark.leave != HEALTH_LEAVE_HELD || subject->circuit.probing ||
		now_ms - subject->mark.asked_ms < KEEP_MS)
		return;
	subject->circuit.leave = false;
	subject->mark.leave = HEALTH_LEAVE_TAKEN;
	subject->mark.leave_ms = now_ms + ASK_AGAIN_MS;
	share_remove(share, "probe:", name);
	share_tell(share, "free", "", name);
}

void
share_leave_free(struct share *share, const char *name)
{
	struct health_subject *subject = find_by_leave(share, name);

	if (subject && subject->mark.leave == HEALTH_LEAVE_TAKEN && subject->mark.wanted_ms > 0)
		ask(share, subject);
}

struct rule {
	const struct share *share;
	bool joined;
};

static void
rule(struct health_subject *subject, void *arg)
{
	const struct rule *rule = arg;
	bool by_leave = rule->joined && subject->circuit.open &&
		share_has(rule->share, subject->name);

	if (by_leave == subject->circuit.by_leave)
		return;
	subject->circuit.by_leave = by_leave;
	subject->circuit.leave = false;
	subject->mark.leave = HEALTH_LEAVE_NONE;
	subject->mark.wanted_ms = 0;
}

void
share_leave_rule(struct share *share, bool joined)
{
	struct rule all = {share, joined};

	health_each(share->health, rule, &all);
	share_leave_soon(share);
}
