/* SPDX-License-Identifier: MIT */
/*
 * See transport_wait.h. A look-up outlives the transfer that began it: whoever is cancelled or too
 * late meanwhile is told so, but its handle goes on, mute, for those that wait for the same name.
 * Otherwise each of a thousand callers who give up would leave a thread behind.
 */
#include "transport_wait.h"

#include <stdlib.h>

/* How long a look-up goes on that nobody may be waiting for; the system gives up long before. */
#define LOOKUP_MAX_MS 60000
/* A pilot's limit is watched here, so that libcurl, which would end the look-up, must be later. */
#define PILOT_MARGIN_MS 100

static int64_t
now_ms(void)
{
	return (int64_t)(uv_hrtime() / 1000000);
}

struct transport_wait *
transport_wait_new(struct transport_poll *poll, struct list *queued)
{
	struct transport_wait *wait = x_calloc(1, sizeof(*wait));

	wait->poll = poll;
	wait->queued = queued;
	wait->lookup = transport_lookup_new();
	list_init(&wait->waiting);
	list_init(&wait->looking);
	list_init(&wait->late);
	list_init(&wait->stale);
	return wait;
}

void
transport_wait_free(struct transport_wait *wait)
{
	transport_lookup_free(wait->lookup);
	free(wait);
}

void
transport_wait_begin(struct transfer *transfer, int64_t connect_timeout_ms)
{
	transfer->deadline_ms = 0;
	if (connect_timeout_ms > 0)
		transfer->deadline_ms = util_add_clamped(now_ms(), connect_timeout_ms);
}

/* The alarm comes at the earliest of the deadlines it was told, or before. */
static void
set_alarm(struct transport_wait *wait, int64_t at_ms)
{
	if (at_ms == 0 || (wait->alarm_ms && wait->alarm_ms <= at_ms))
		return;
	wait->alarm_ms = at_ms;
	transport_poll_alarm(wait->poll, at_ms - now_ms());
}

bool
transport_wait_must(struct transport_wait *wait, struct transfer *transfer)
{
	if (transfer->name)
		transport_lookup_enter(wait->lookup, &transfer->seat, transfer->name, now_ms());
	free(transfer->name);
	transfer->name = NULL;
	if (transfer->seat.role != TRANSPORT_LOOKUP_WAITING)
		return false;
	transport_transfer_enter(transfer, &wait->waiting, TRANSFER_WAITING);
	set_alarm(wait, transfer->deadline_ms);
	return true;
}

void
transport_wait_limit(struct transport_wait *wait, struct transfer *transfer)
{
	bool pilot = transfer->seat.role == TRANSPORT_LOOKUP_PILOT;
	int64_t left_ms = transfer->deadline_ms - now_ms();

	transport_easy_look_up(transfer->easy, pilot);
	if (!transfer->deadline_ms)
		return;
	if (left_ms < 1)
		left_ms = 1;
	transport_easy_limit_connect(transfer->easy, left_ms + (pilot ? PILOT_MARGIN_MS : 0));
	if (pilot)
		set_alarm(wait, transfer->deadline_ms);
}

void
transport_wait_queue(struct transport_wait *wait, struct transfer *transfer)
{
	list_remove(&transfer->link);
	transport_transfer_enter(transfer, wait->queued, TRANSFER_QUEUED);
	transport_poll_wake(wait->poll);
}

/* Lets those start, or end with the verdict, that wait no longer. */
static void
take_ready(struct transport_wait *wait, const struct transport_result *verdict)
{
	struct transport_lookup_seat *seat;

	while ((seat = transport_lookup_next(wait->lookup))) {
		struct transfer *transfer = UTIL_OWNER(seat, struct transfer, seat);
		if (seat->role == TRANSPORT_LOOKUP_FAILED) {
			transport_lookup_seat_init(seat);
			transfer->judged = true;
			transfer->verdict = *verdict;
		}
		transport_wait_queue(wait, transfer);
	}
}

/* One that got a connection of the pool looked nothing up: the next one may be luckier. */
void
transport_wait_mind_pilots(struct transport_wait *wait)
{
	const struct list *pilots = transport_lookup_pilots(wait->lookup);
	struct list *next;

	for (struct list *node = pilots->next; node != pilots; node = next) {
		struct transfer *transfer = LIST_OWNER(node, struct transfer, seat.link);
		next = node->next;
		if (transfer->found)
			transport_lookup_found(wait->lookup, &transfer->seat, now_ms());
		else if (transfer->sent)
			transport_lookup_leave(wait->lookup, &transfer->seat);
	}
	take_ready(wait, NULL);
}

void
transport_wait_fail(struct transport_wait *wait, struct transfer *transfer,
	const struct transport_result *result)
{
	if (transfer->seat.role != TRANSPORT_LOOKUP_PILOT)
		return;
	transport_lookup_failed(wait->lookup, &transfer->seat);
	take_ready(wait, result);
}

void
transport_wait_leave(struct transport_wait *wait, struct transfer *transfer)
{
	transport_lookup_leave(wait->lookup, &transfer->seat);
	take_ready(wait, NULL);
}

bool
transport_wait_looks_up(const struct transfer *transfer)
{
	return transfer->seat.role == TRANSPORT_LOOKUP_PILOT && !transfer->found && !transfer->sent;
}

void
transport_wait_abandon(struct transport_wait *wait, struct transfer *transfer)
{
	list_remove(&transfer->link);
	transport_transfer_enter(transfer, &wait->looking, TRANSFER_LOOKING);
	transport_transfer_forget(transfer);
	transport_easy_limit_connect(transfer->easy, 2 * LOOKUP_MAX_MS);
	transfer->deadline_ms = now_ms() + LOOKUP_MAX_MS;
	set_alarm(wait, transfer->deadline_ms);
}

static bool
is_late(struct transport_wait *wait, const struct transfer *transfer, int64_t at_ms)
{
	if (transfer->deadline_ms && transfer->deadline_ms <= at_ms)
		return true;
	set_alarm(wait, transfer->deadline_ms);
	return false;
}

static void
end_waiting(struct transport_wait *wait, int64_t at_ms)
{
	struct list *next;

	for (struct list *node = wait->waiting.next; node != &wait->waiting; node = next) {
		struct transfer *transfer = LIST_OWNER(node, struct transfer, link);
		next = node->next;
		if (!is_late(wait, transfer, at_ms))
			continue;
		transport_lookup_leave(wait->lookup, &transfer->seat);
		transport_transfer_settle(
			transfer, TRANSPORT_CONNECT_TIMEOUT, "no connection in time");
		transport_wait_queue(wait, transfer);
	}
}

/* One that is queued sees itself that its time is over. */
static void
find_late_pilots(struct transport_wait *wait, int64_t at_ms)
{
	const struct list *pilots = transport_lookup_pilots(wait->lookup);

	for (struct list *node = pilots->next; node != pilots; node = node->next) {
		struct transfer *transfer = LIST_OWNER(node, struct transfer, seat.link);
		bool running = transfer->state == TRANSFER_RUNNING;
		if (transfer->state == TRANSFER_QUEUED || !is_late(wait, transfer, at_ms))
			continue;
		list_remove(&transfer->link);
		list_append(running ? &wait->late : &wait->stale, &transfer->link);
	}
}

void
transport_wait_mind_time(struct transport_wait *wait)
{
	int64_t at_ms = now_ms();

	wait->alarm_ms = 0;
	end_waiting(wait, at_ms);
	find_late_pilots(wait, at_ms);
}

void
transport_wait_forget(struct transport_wait *wait)
{
	transport_lookup_forget(wait->lookup);
}
