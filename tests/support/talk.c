/* SPDX-License-Identifier: MIT */
/* See talk.h. */
#include "talk.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void
on_send(void *arg, const char *bytes, size_t count)
{
	struct talk *talk = arg;

	WIRE_MUST(buf_add(&talk->out, bytes, count) == 0);
	talk->sent++;
}

static void
on_close(void *arg)
{
	struct talk *talk = arg;

	WIRE_MUST(!talk->closed);
	talk->closed = true;
}

static size_t
on_waiting(void *arg)
{
	return ((struct talk *)arg)->unread_bytes;
}

static int
on_reload(void *arg, struct config_faults *faults)
{
	struct talk *talk = arg;

	(void)faults;
	talk->reloads++;
	return 0;
}

static int
connections(void *arg)
{
	(void)arg;
	return 1;
}

static struct config *
read_config(const char *settings)
{
	char *text = x_asprintf("%s%s", TALK_CONFIG, settings);
	struct config_faults faults = {0};
	struct config_env env = {0};
	struct config *config = config_read_text(text, strlen(text), "talk.yaml", &env, &faults);

	WIRE_MUST(config != NULL);
	config_faults_free(&faults);
	free(text);
	return config;
}

void
talk_begin(struct talk *talk, const char *settings, uint32_t uid)
{
	static const struct session_ops ops = {
		.send = on_send, .close = on_close, .waiting = on_waiting};
	struct core_hooks hooks = {.reload = on_reload, .connections = connections, .arg = talk};
	struct session_peer peer = {.uid = uid, .gid = uid, .pid = 1};
	struct config *config = read_config(settings);

	*talk = (struct talk){.closed = false};
	buf_init(&talk->out, (size_t)64 << 20);
	fake_clock_init(&talk->clock);
	fake_transport_init(&talk->transport, &talk->clock);
	core_init(&talk->core, &talk->clock.clock, &talk->transport.transport, config, &hooks, 1);
	config_unref(config);
	talk->session = session_new(&talk->core, &peer, &ops, talk);
}

void
talk_hang_up(struct talk *talk)
{
	if (talk->session)
		session_free(talk->session);
	talk->session = NULL;
}

void
talk_end(struct talk *talk)
{
	talk_hang_up(talk);
	WIRE_MUST(talk->core.gate.running == 0);
	WIRE_MUST(talk->core.gate.waiting == 0);
	core_free(&talk->core);
	fake_transport_free(&talk->transport);
	fake_clock_free(&talk->clock);
	buf_free(&talk->out);
}

void
talk_feed(struct talk *talk, const char *bytes, size_t count)
{
	while (count > 0 && !talk->closed) {
		size_t used = session_feed(talk->session, bytes, count);

		WIRE_MUST(used > 0 && used <= count);
		bytes += used;
		count -= used;
	}
}

void
talk_ask(struct talk *talk, uint32_t msgid, const char *method, const char *params)
{
	size_t count;
	char *bytes = wire_pack(msgid, method, params, &count);

	talk_feed(talk, bytes, count);
	free(bytes);
}

struct wire_reply
talk_reply(struct talk *talk)
{
	size_t used;
	struct wire_reply reply = wire_parse(talk->out.data, talk->out.len, &used);

	if (!reply.closed)
		buf_consume(&talk->out, used);
	return reply;
}

struct wire_reply
talk_get(struct talk *talk, const char *method, const char *params)
{
	talk_ask(talk, 99, method, params);
	fake_clock_advance(&talk->clock, 0);
	struct wire_reply reply = talk_reply(talk);
	ck_assert_msg(!reply.closed && reply.msgid == 99, "%s %s has no reply", method, params);
	return reply;
}

void
talk_expect(struct talk *talk, const char *method, const char *params, const char *code)
{
	struct wire_reply reply = talk_get(talk, method, params);

	ck_assert_msg(strcmp(wire_code(&reply), code) == 0, "%s %s: %s", method, params,
		wire_code(&reply));
	wire_reply_free(&reply);
}
