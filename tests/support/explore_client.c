/* SPDX-License-Identifier: MIT */
/*
 * The explorer's clients that speak to the daemon in bytes: several calls at once on a connection,
 * requests cut anywhere, some that wait for no answer, cancel, stop reading, close or half-close.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore_state.h"
#include "llmfo.h"
#include "wire.h"

#define CLIENTS 4
#define OUT_BYTES ((size_t)1 << 20)

/* ---- the daemon's side of the connection ---- */

static void
on_send(void *arg, const char *bytes, size_t count)
{
	struct explore_client *client = arg;

	client->unread_bytes += count;
	explore_hear(client, bytes, count);
}

/* From here on the session has to hold its streams. */
static void
on_tell(void *arg, const char *bytes, size_t count)
{
	struct explore_client *client = arg;
	const struct core *core = &client->explore->scene->core;

	on_send(arg, bytes, count);
	client->over |= client->unread_bytes > core->config->stream_queue_bytes;
}

static void
on_close(void *arg)
{
	struct explore_client *client = arg;

	explore_say(client->explore, "client %zu is to go", client->number);
	if (client->half_closed && client->asked_count > 0)
		explore_blame(client->explore, "Who has said all is closed when all is answered",
			"client %zu waits for %zu replies", client->number, client->asked_count);
	client->ending = true;
}

static size_t
on_waiting(void *arg)
{
	const struct explore_client *client = arg;

	return client->unread_bytes;
}

/* ---- coming and going ---- */

static struct explore_client *
come(struct explore *explore)
{
	static const struct session_ops ops = {
		.send = on_send, .tell = on_tell, .close = on_close, .waiting = on_waiting};
	uint32_t uid = explore_some_uid(explore);
	const struct session_peer peer = {.uid = uid, .gid = uid, .pid = 1};
	struct explore_client *client = x_calloc(1, sizeof *client);

	client->explore = explore;
	client->number = explore->client_count;
	client->reads = true;
	buf_init(&client->out, OUT_BYTES);
	client->session = session_new(&explore->scene->core, &peer, &ops, client);
	explore->clients =
		x_realloc(explore->clients, (explore->client_count + 1) * sizeof(void *));
	explore->clients[explore->client_count++] = client;
	explore_say(explore, "client %zu comes", client->number);
	return client;
}

static void
go(struct explore_client *client)
{
	struct session *session = client->session;

	explore_say(client->explore, "client %zu closes", client->number);
	client->session = NULL;
	session_free(session);
	for (size_t i = 0; i < client->asked_count; i++)
		buf_free(&client->asked[i].heard);
	client->asked_count = 0;
}

static void
stop_sending(struct explore_client *client)
{
	if (client->half_closed || client->ending)
		return;
	explore_say(client->explore, "client %zu sends no more", client->number);
	client->half_closed = true;
	/* what did not come whole is nobody's */
	for (size_t i = client->asked_count; i-- > 0;) {
		if (client->asked[i].until <= client->taken)
			continue;
		buf_free(&client->asked[i].heard);
		client->asked[i] = client->asked[--client->asked_count];
	}
	session_end_of_input(client->session);
}

/* ---- reading ---- */

void
explore_client_stop_reading(struct explore_client *client)
{
	const struct core *core = &client->explore->scene->core;

	if (!client->reads || !client->session)
		return;
	client->reads = false;
	/* most of what may wait does so already, and perhaps nothing more is listened to */
	client->unread_bytes +=
		core->config->stream_queue_bytes - (size_t)explore_below(client->explore, 900);
	client->session->held = explore_one_in(client->explore, 3);
	explore_say(client->explore, "client %zu stops reading, %zu bytes wait", client->number,
		client->unread_bytes);
}

static void
read_some(struct explore_client *client, size_t left_bytes)
{
	const struct core *core = &client->explore->scene->core;

	client->unread_bytes = left_bytes;
	if (left_bytes <= core->config->stream_queue_bytes / 2)
		client->over = false;
	session_sent(client->session);
}

static void
read_again(struct explore_client *client)
{
	explore_say(client->explore, "client %zu reads again", client->number);
	client->reads = true;
	client->session->held = false;
	read_some(client, client->unread_bytes / (1 + (size_t)explore_below(client->explore, 3)));
}

void
explore_clients_turn(struct explore *explore)
{
	for (size_t i = 0; i < explore->client_count; i++) {
		struct explore_client *client = explore->clients[i];

		if (client->session && client->ending)
			go(client);
		else if (client->session && client->reads && client->unread_bytes > 0)
			read_some(
				client, explore_one_in(explore, 4) ? client->unread_bytes / 2 : 0);
	}
}

/* ---- sending ---- */

/* At most so much of what there is to send; false: the daemon did not take all of it. */
static bool
feed(struct explore_client *client, size_t count)
{
	size_t left = client->out.len - client->taken;
	size_t before = client->explore->scene->call_count;

	if (count > left)
		count = left;
	client->explore->speaker = client;
	size_t used = session_feed(client->session, client->out.data + client->taken, count);
	client->explore->speaker = NULL;
	client->taken += used;
	explore_say(client->explore, "client %zu sends %zu bytes, %zu are taken, %zu calls begin",
		client->number, count, used, client->explore->scene->call_count - before);
	if (client->session->held && used > 0 && !client->session->closing)
		explore_blame(client->explore, "Nothing is taken from who is held",
			"client %zu: %zu bytes", client->number, used);
	explore_check_turn(client->explore);
	return used == count && !client->ending;
}

static void
send_some(struct explore_client *client)
{
	struct explore *explore = client->explore;
	int piece = explore_one_in(explore, 2) ? 1 << 20 : 1 + explore_below(explore, 100);
	bool stops = explore_one_in(explore, 6);

	while (!client->ending && !explore->broken && client->taken < client->out.len &&
		!(stops && explore_one_in(explore, 4)))
		if (!feed(client, 1 + (size_t)explore_below(explore, piece)))
			break;
}

/* One that no request has, often of one that was answered. */
static uint32_t
free_msgid(struct explore_client *client)
{
	uint32_t msgid;

	do
		msgid = (uint32_t)explore_below(client->explore, client->last_msgid + 2);
	while (explore_asked(client, msgid));
	if ((int)msgid > client->last_msgid)
		client->last_msgid = (int)msgid;
	return msgid;
}

/* map: the parameters as JSON. */
static struct explore_asked *
ask(struct explore_client *client, enum message_method method, const char *map)
{
	char *params = x_asprintf("[%s]", map);
	uint32_t msgid = free_msgid(client);
	size_t count;
	char *bytes;
	struct explore_asked *asked;

	client->asked =
		x_realloc(client->asked, (client->asked_count + 1) * sizeof client->asked[0]);
	asked = &client->asked[client->asked_count++];
	*asked = (struct explore_asked){.msgid = msgid, .method = method};
	buf_init(&asked->heard, (size_t)1 << 20);
	bytes = wire_pack(asked->msgid, message_info(method)->name, params, &count);
	(void)buf_add(&client->out, bytes, count);
	free(bytes);
	asked->until = client->out.len;
	/* leases have names from the kernel's chance */
	explore_say(client->explore, "client %zu, %u: %s %s", client->number, asked->msgid,
		message_info(method)->name, method == MESSAGE_M_report ? "" : map);
	free(params);
	return asked;
}

/* ---- what it asks for ---- */

static void
add_choice(struct buf *json, const struct scene_wish *wish)
{
	const struct {
		const char *key, *value;
	} texts[] = {{"chain", wish->chain}, {"provider", wish->provider}, {"model", wish->model},
		{"strategy", wish->strategy}};

	for (size_t i = 0; i < UTIL_COUNT(texts); i++)
		if (texts[i].value)
			(void)buf_printf(json, ",\"%s\":\"%s\"", texts[i].key, texts[i].value);
	for (size_t i = 0; i < wish->target_count; i++)
		(void)buf_printf(json, "%s\"%s\"", i ? "," : ",\"targets\":[", wish->targets[i]);
	if (wish->target_count > 0)
		(void)buf_puts(json, "]");
	if (wish->no_fallback)
		(void)buf_puts(json, ",\"enable_fallback\":false");
}

static void
add_manner(struct explore *explore, struct buf *json, const struct scene_wish *wish)
{
	static const char *const breaks[] = {"error", "restart", "continue"};

	if (!explore_one_in(explore, 4))
		(void)buf_printf(json, ",\"stream\":true,\"on_break\":\"%s\"",
			breaks[explore_below(explore, UTIL_COUNT(breaks))]);
	if (wish->deadline_ms > 0)
		(void)buf_printf(json, ",\"deadline_ms\":%lld", (long long)wish->deadline_ms);
	if (wish->timeout_ms > 0)
		(void)buf_printf(json, ",\"timeout_ms\":%lld", (long long)wish->timeout_ms);
	if (wish->has_max_retries)
		(void)buf_printf(json, ",\"max_retries_per_model\":%d", wish->max_retries);
	if (wish->has_retry_on)
		(void)buf_puts(json, ",\"retry_on\":\"any\"");
}

static void
ask_for(struct explore_client *client, enum message_method method)
{
	struct explore *explore = client->explore;
	struct scene_wish wish = {.prompt = ""};
	size_t label = explore->labels++;
	char names[4][16];
	struct buf json;

	explore_draw_choice(explore, &wish, names);
	explore_draw_wish(explore, &wish);
	if (explore_one_in(explore, 5))
		wish.strategy = "fastest";
	else if (explore_one_in(explore, 3))
		wish.strategy =
			strategy_name((enum strategy)explore_below(explore, STRATEGY_COUNT));
	buf_init(&json, OUT_BYTES);
	(void)buf_printf(&json, "{\"prompt\":\"call <%zu>\"", label);
	add_choice(&json, &wish);
	if (method == MESSAGE_M_generate)
		add_manner(explore, &json, &wish);
	(void)buf_puts(&json, "}");
	ask(client, method, json.data)->label = label;
	buf_free(&json);
}

/* Of one that runs, that was answered, or that never was. */
static void
ask_cancel(struct explore_client *client, uint32_t msgid)
{
	char params[40];

	(void)snprintf(params, sizeof params, "{\"msgid\":%u}", msgid);
	ask(client, MESSAGE_M_cancel, params)->cancels = msgid;
}

static void
ask_some_cancel(struct explore_client *client)
{
	struct explore *explore = client->explore;

	if (client->asked_count > 0 && !explore_one_in(explore, 6))
		ask_cancel(client,
			client->asked[explore_below(explore, (int)client->asked_count)].msgid);
	else
		ask_cancel(client, (uint32_t)explore_below(explore, client->last_msgid + 3));
}

static void
ask_report(struct explore_client *client)
{
	struct explore *explore = client->explore;
	const struct scene *scene = explore->scene;
	const struct scene_pick *pick = NULL;
	struct outcome outcome;
	char target[32];
	struct buf json;

	if (scene->pick_count > 0)
		pick = &scene->picks[explore_below(explore, (int)scene->pick_count)];
	(void)snprintf(target, sizeof target, "%s/m",
		explore->hosts[explore_below(explore, (int)explore->host_count)].name);
	explore_draw_report(explore, &outcome);
	buf_init(&json, OUT_BYTES);
	if (pick && pick->target) {
		(void)snprintf(target, sizeof target, "%s", pick->target);
		(void)buf_printf(&json, "{\"lease\":\"%s\"", pick->lease);
	} else
		(void)buf_printf(&json, "{\"target\":\"%s\"", target);
	if (outcome.class == OUTCOME_OK)
		(void)buf_puts(&json, ",\"outcome\":\"ok\"}");
	else
		(void)buf_printf(&json, ",\"outcome\":\"failed\",\"class\":\"%s\"}",
			outcome_text(outcome.class));
	struct explore_asked *asked = ask(client, MESSAGE_M_report, json.data);
	asked->outcome = outcome;
	explore_say(explore, "%s of %s", outcome_text(outcome.class), target);
	(void)snprintf(asked->target, sizeof asked->target, "%s", target);
	buf_free(&json);
}

static void
ask_something(struct explore_client *client)
{
	static const enum message_method views[] = {
		MESSAGE_M_hello, MESSAGE_M_status, MESSAGE_M_providers, MESSAGE_M_models};

	switch (explore_below(client->explore, 10)) {
	case 0: ask_some_cancel(client); break;
	case 1: ask_for(client, MESSAGE_M_explain); break;
	case 2: ask_for(client, MESSAGE_M_pick); break;
	case 3: ask_report(client); break;
	case 5:
		if (explore_one_in(client->explore, 4)) {
			client->subscribed = true;
			(void)ask(client, MESSAGE_M_subscribe, "{}");
			break;
		}
		ask_for(client, MESSAGE_M_generate);
		break;
	case 4:
		(void)ask(client, views[explore_below(client->explore, UTIL_COUNT(views))], "{}");
		break;
	default: ask_for(client, MESSAGE_M_generate); break;
	}
}

static struct explore_client *
someone(struct explore *explore)
{
	struct explore_client *open[CLIENTS];
	int count = 0;

	for (size_t i = 0; i < explore->client_count; i++)
		if (explore->clients[i]->session && !explore->clients[i]->ending)
			open[count++] = explore->clients[i];
	if (count == 0 || (count < CLIENTS && explore_one_in(explore, 6)))
		return come(explore);
	return open[explore_below(explore, count)];
}

void
explore_speak(struct explore *explore)
{
	struct explore_client *client = someone(explore);

	if (!client->half_closed) {
		do
			ask_something(client);
		while (explore_one_in(explore, 3));
		if (explore_one_in(explore, 80))
			(void)buf_add(&client->out, "\xc1", 1);
		send_some(client);
	}
	if (client->ending)
		return;
	if (!client->reads && explore_one_in(explore, 4))
		read_again(client);
	else if (explore_one_in(explore, 20))
		explore_client_stop_reading(client);
	else if (explore_one_in(explore, 30))
		stop_sending(client);
	else if (explore_one_in(explore, 40))
		go(client);
	explore_check_turn(explore);
}

void
explore_client_bear(struct explore_call *call)
{
	struct explore_client *client = call->client;
	struct explore *explore = call->explore;

	if (!client->session || client->ending)
		return;
	if (!client->reads)
		read_again(client);
	else if (explore_one_in(explore, 2))
		explore_client_stop_reading(client);
	else if (explore_one_in(explore, 4) || client->half_closed)
		go(client);
	else {
		for (size_t i = client->asked_count; i-- > 0;)
			if (client->asked[i].call == call) {
				ask_cancel(client, client->asked[i].msgid);
				break;
			}
		send_some(client);
	}
	explore_check_turn(explore);
}

/* ---- the end ---- */

void
explore_clients_catch_up(struct explore *explore)
{
	for (size_t i = 0; i < explore->client_count && !explore->broken; i++) {
		struct explore_client *client = explore->clients[i];

		if (!client->session || client->ending)
			continue;
		if (!client->reads)
			read_again(client);
		while (!client->half_closed && !client->ending && !explore->broken &&
			client->taken < client->out.len)
			(void)feed(client, OUT_BYTES);
	}
}

void
explore_clients_shut_down(struct explore *explore)
{
	explore->scene->core.draining = true;
	for (size_t i = 0; i < explore->client_count; i++)
		if (explore->clients[i]->session)
			session_abort_all(explore->clients[i]->session, LLMFO_ESHUTTING_DOWN,
				"the daemon is shutting down");
}

void
explore_clients_free(struct explore *explore)
{
	for (size_t i = 0; i < explore->client_count; i++)
		if (explore->clients[i]->session)
			go(explore->clients[i]);
	if (explore->scene->core.input_bytes != 0)
		explore_blame(explore, "Nothing is kept of clients that are gone", "%zu bytes",
			explore->scene->core.input_bytes);
	for (size_t i = 0; i < explore->client_count; i++) {
		buf_free(&explore->clients[i]->out);
		free(explore->clients[i]->asked);
		free(explore->clients[i]);
	}
	free(explore->clients);
}
