/* SPDX-License-Identifier: MIT */
/* See duo.h. */
#include "duo.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const duo_on_breaks[] = {"error", "restart", "continue"};

static struct daemon daemon_;
struct fake_provider *duo_fp;
struct daemon *const duo_daemon = &daemon_;
struct wire duo_wire;
struct told duo_told;

void
duo_begin(const char *timeout, const char *more)
{
	static const char *const options[] = {
		"--provider", "a=openai", "--models", "a:m", "--provider", "b=ollama", NULL};

	duo_fp = fake_provider_start(options);
	fake_provider_script(duo_fp, "b", "ok text='" DUO_TEXT_OF_B "'");
	daemon_begin(duo_daemon,
		"providers:\n"
		"  a: {api: vllm, base_url: '%s/v1', models: [m], timeout: {%s}}\n"
		"  b: {api: ollama, base_url: '%s', models: [m, long]}\n"
		"chains: {default: {targets: [a/m, b/m]}, three: {targets: [a/m, b/m, b/long]}}\n"
		"%s",
		fake_provider_url(duo_fp, "a"), timeout, fake_provider_url(duo_fp, "b"), more);
	wire_open(&duo_wire, duo_daemon->socket);
}

void
duo_end(void)
{
	wire_close(&duo_wire);
	daemon_stop(duo_daemon);
	fake_provider_stop(duo_fp);
}

const struct wire_reply *
duo_ask_with(enum duo_mode mode, const char *params, const char *code)
{
	if (mode == DUO_STREAMED) {
		told_ask(&duo_told, &duo_wire, 1, params);
		told_all(&duo_told, &duo_wire, code);
	} else {
		char *all = x_asprintf("[{%s}]", params);

		memset(&duo_told, 0, sizeof duo_told);
		wire_request(&duo_wire, 1, "generate", all);
		duo_told.reply = wire_expect(&duo_wire, 1, code);
		free(all);
	}
	return &duo_told.reply;
}

const struct wire_reply *
duo_ask(enum duo_mode mode)
{
	return duo_ask_with(mode, DUO_HELLO, NULL);
}

void
duo_forget(void)
{
	told_free(&duo_told);
}

void
duo_answers(enum duo_mode mode, const char *text, const char *provider)
{
	const struct wire_reply *reply = duo_ask(mode);

	ck_assert_str_eq(tree_text(reply->result, "text"), text);
	ck_assert_str_eq(tree_text(reply->result, "provider_used"), provider);
	ck_assert_uint_eq(duo_told.resets, 0);
	duo_forget();
}

void
duo_assert_asked(int64_t at_a, int64_t at_b)
{
	ck_assert_int_eq(fake_provider_stats(duo_fp, "a").requests, at_a);
	ck_assert_int_eq(fake_provider_stats(duo_fp, "b").requests, at_b);
}

void
duo_assert_class(size_t attempt, const char *class)
{
	char path[64];

	snprintf(path, sizeof path, "attempts.%zu.class", attempt);
	ck_assert_str_eq(tree_text(duo_told.reply.result, path), class);
}

void
duo_assert_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no `%s` in: %s", part, text);
}

char *
duo_words(int from, int to)
{
	struct buf text;

	buf_init(&text, 65536);
	for (int i = from; i <= to; i++)
		ck_assert_int_eq(buf_printf(&text, "%sword%d", i > 1 ? " " : "", i), 0);
	return buf_take(&text, NULL);
}
