/* SPDX-License-Identifier: MIT */
/* See told.h. */
#include "told.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX_BYTES ((size_t)64 << 20)

static void
told_init(struct told *told, uint32_t msgid)
{
	memset(told, 0, sizeof *told);
	told->msgid = msgid;
	buf_init(&told->text, TEXT_MAX_BYTES);
	buf_init(&told->void_text, TEXT_MAX_BYTES);
}

void
told_ask(struct told *told, struct wire *wire, uint32_t msgid, const char *params)
{
	char *all = x_asprintf("[{\"stream\":true,%s}]", params);

	told_init(told, msgid);
	wire_request(wire, msgid, "generate", all);
	free(all);
}

static void
take_delta(struct told *told, const struct json *piece)
{
	size_t length = 0;
	const char *text = json_string(json_get(piece, "text"), &length);
	const struct json *call = json_get(piece, "tool_call");

	told->deltas++;
	ck_assert_msg((text != NULL) != (call != NULL), "a delta is one of text and tool_call");
	if (call) {
		ck_assert_ptr_nonnull(json_text(call, "id"));
		told->tool_calls++;
		return;
	}
	ck_assert_uint_gt(length, 0);
	ck_assert_int_eq(buf_add(&told->text, text, length), 0);
}

static void
take_reset(struct told *told)
{
	buf_free(&told->void_text);
	told->void_text = told->text;
	buf_init(&told->text, TEXT_MAX_BYTES);
	told->tool_calls = 0;
	told->resets++;
}

static void
take_reply(struct told *told, struct wire_reply *reply)
{
	const char *partial = json_text(reply->error, "partial");

	told->reply = *reply;
	reply->message = NULL;
	if (told->other)
		return;
	if (json_type(reply->error) == JSON_NULL) {
		ck_assert_str_eq(told->text.data, json_text(reply->result, "text"));
		ck_assert_uint_eq(
			told->tool_calls, json_count(json_get(reply->result, "tool_calls")));
	} else if (partial) {
		ck_assert_str_eq(told->text.data, partial);
	} else if (strcmp(wire_code(&told->reply), "cancelled") != 0) {
		ck_assert_str_eq(told->text.data, "");
	}
}

struct told *
told_next(struct told *all, size_t count, uint32_t first, struct wire *wire)
{
	struct wire_reply reply = wire_read(wire);
	const char *method = json_string(json_at(reply.message, 1), NULL);
	const struct json *params = json_at(reply.message, 2);
	int64_t msgid = reply.msgid;

	ck_assert_msg(!reply.closed, "closed in mid-stream");
	if (method)
		ck_assert(json_int(json_at(params, 0), &msgid));
	ck_assert_msg(msgid >= first && (uint64_t)msgid < first + count, "of what is not awaited");
	struct told *told = &all[msgid - first];
	ck_assert_uint_eq(told->msgid, msgid);
	ck_assert_msg(!told->reply.message, "something comes after the reply");
	if (!method)
		take_reply(told, &reply);
	else if (strcmp(method, "delta") == 0)
		take_delta(told, json_at(params, 1));
	else if (strcmp(method, "reset") == 0)
		take_reset(told);
	else
		ck_abort_msg("notification %s", method);
	wire_reply_free(&reply);
	return told;
}

void
told_all(struct told *told, struct wire *wire, const char *code)
{
	while (!told->reply.message)
		told_next(told, 1, told->msgid, wire);
	const char *message = json_text(told->reply.error, "message");
	ck_assert_msg(strcmp(wire_code(&told->reply), code ? code : "") == 0, "%s (%s), not %s",
		wire_code(&told->reply), message ? message : "", code ? code : "a result");
}

void
told_free(struct told *told)
{
	buf_free(&told->text);
	buf_free(&told->void_text);
	wire_reply_free(&told->reply);
}
