/* SPDX-License-Identifier: MIT */
/*
 * What it costs to answer `explain` for 100 targets, by every strategy: from the bytes of the
 * request to those of the reply, all of it, in CPU time. Best of ten rounds of a thousand.
 *
 *   bench_explain
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "strategy.h"
#include "support/talk.h"

#define TARGETS 100
#define ROUNDS 10
#define REQUESTS 1000

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* An agent of 100 targets at two providers, and facts about each of them. */
static char *
settings(void)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		abort();
	fputs("models:\n", file);
	for (int i = 0; i < TARGETS; i++)
		fprintf(file,
			"  %c/model-%d: {context: %d, price: {input: %d.5, output: %d}, "
			"capabilities: [chat, code], quality: %d, latency: %dms}\n",
			i % 2 ? 'a' : 'b', i, 8000 + i, i % 7, i % 11, i % 90, 500 + i * 37 % 2000);
	fputs("agents:\n  wide:\n    primary: {provider: b, model: model-0}\n    backup:\n", file);
	for (int i = 1; i < TARGETS; i++)
		fprintf(file, "    - {provider: %c, model: model-%d}\n", i % 2 ? 'a' : 'b', i);
	fclose(file);
	return text;
}

static void
ask(struct talk *talk, const char *bytes, size_t count)
{
	if (session_feed(talk->session, bytes, count) != count || talk->out.len == 0)
		abort();
	buf_clear(&talk->out);
}

static void
pack(const char *text, msgpack_sbuffer *bytes)
{
	struct json *json = json_parse(text, strlen(text), true, NULL);
	msgpack_packer packer;

	msgpack_sbuffer_init(bytes);
	msgpack_packer_init(&packer, bytes, msgpack_sbuffer_write);
	json_pack(json, &packer);
	json_free(json);
}

/* Every target has a past, as it has in a daemon that runs. */
static void
live(struct talk *talk)
{
	for (int i = 0; i < TARGETS * 20; i++) {
		const char *provider = i % 2 ? "a" : "b";
		char *target = x_asprintf("%s/model-%d", provider, i % TARGETS);
		struct outcome outcome;

		outcome_set(&outcome, i % 13 ? OUTCOME_OK : OUTCOME_TIMEOUT, "%s", "");
		(void)health_note(
			talk->core.health, provider, target, &outcome, 300 + i % 1000, 1000 + i);
		free(target);
	}
}

int
main(void)
{
	char *text = settings();
	struct talk talk;

	talk_begin(&talk, text, 0);
	live(&talk);
	printf("%-20s %s\n", "strategy", "us of CPU");
	for (enum strategy strategy = 0; strategy < STRATEGY_COUNT; strategy++) {
		char *request = x_asprintf(
			"[0,1,\"explain\",[{\"agent\":\"wide\",\"prompt\":\"Hello there.\","
			"\"strategy\":\"%s\"}]]",
			strategy_name(strategy));
		msgpack_sbuffer bytes;
		int64_t best_us = INT64_MAX;

		pack(request, &bytes);
		for (int round = 0; round < ROUNDS; round++) {
			int64_t begin_us = now_us();
			for (int i = 0; i < REQUESTS; i++)
				ask(&talk, bytes.data, bytes.size);
			int64_t took_us = now_us() - begin_us;
			best_us = took_us < best_us ? took_us : best_us;
		}
		printf("%-20s %.1f\n", strategy_name(strategy), (double)best_us / REQUESTS);
		msgpack_sbuffer_destroy(&bytes);
		free(request);
	}
	talk_end(&talk);
	free(text);
	return EXIT_SUCCESS;
}
