/* SPDX-License-Identifier: MIT */
/*
 * What the explorer's hosts do: each has its weather, which changes, and in it draws what it does
 * with every request. No two requests get the same words, so that what a caller is told shows whose
 * words they are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore_state.h"

void
explore_change_weather(struct explore *explore)
{
	static const char *const names[] = {"fair", "slow", "limited", "failing", "refusing",
		"resetting", "silent", "breaking", "rejecting", "mixed"};
	struct explore_host *host =
		&explore->hosts[explore_below(explore, (int)explore->host_count)];
	bool listed = explore_one_in(explore, 2);

	host->weather = explore_one_in(explore, 3)
		? EXPLORE_FAIR
		: (enum explore_weather)explore_below(explore, EXPLORE_WEATHERS);
	host->pace_ms = explore_some_ms(explore);
	explore_say(explore, "%s is %s at %lld ms%s", host->name, names[host->weather],
		(long long)host->pace_ms, listed ? ", and answers checks" : "");
	fake_transport_check(&explore->scene->transport, host->name,
		listed ? "{\"data\":[{\"id\":\"m\"},{\"id\":\"n\"},{\"id\":\"o\"}]}" : NULL);
}

/* ---- answers ---- */

/* The words of an answer; request and place make them what no other has. */
static char *
some_words(struct explore *explore, const struct explore_request *request)
{
	static const char *const odd[] = {"", "", "", "é", "→", "🙂", "\\n", "\""};
	static const char *const gaps[] = {" ", " ", " ", "\n", "  "};
	int count = explore_below(explore, explore_one_in(explore, 10) ? 40 : 8);
	struct buf words;

	buf_init(&words, (size_t)64 << 10);
	if (request->continues && explore_one_in(explore, 2))
		(void)buf_puts(&words, " ");
	for (int i = 0; i < count; i++)
		(void)buf_printf(&words, "r%td.%d%s%s", request - explore->requests, i,
			odd[explore_below(explore, UTIL_COUNT(odd))],
			i + 1 < count || explore_one_in(explore, 5)
				? gaps[explore_below(explore, UTIL_COUNT(gaps))]
				: "");
	return words.len ? buf_take(&words, NULL) : x_strdup("");
}

static int64_t
some_gap_ms(struct explore *explore)
{
	return explore_one_in(explore, 20) ? explore_some_ms(explore) : explore_below(explore, 40);
}

/* What is no content, between the pieces that are. */
static void
add_small_talk(struct explore *explore, struct fake_behaviour *behaviour)
{
	if (explore_one_in(explore, 6))
		fake_behaviour_add(behaviour, some_gap_ms(explore), FAKE_PING, NULL);
	if (explore_one_in(explore, 12))
		fake_behaviour_add(behaviour, some_gap_ms(explore), FAKE_REASONING, "hm ");
}

static void
add_tool(struct explore *explore, struct fake_behaviour *behaviour, struct explore_request *request)
{
	char text[64];

	(void)snprintf(text, sizeof text, "t%td.%d {\"n\":%d}", request - explore->requests,
		request->tools, request->tools);
	fake_behaviour_add(behaviour, some_gap_ms(explore), FAKE_TOOL, text);
	request->tools++;
}

/* Adds the text in pieces, of which so many come. */
static void
add_text(struct explore *explore, struct fake_behaviour *behaviour, const char *text, int pieces)
{
	char piece[64];

	while (*text && pieces-- > 0) {
		size_t length = strcspn(text + 1, " ") + 1;

		if (length >= sizeof piece)
			for (length = sizeof piece - 1; (text[length] & 0xc0) == 0x80;)
				length--;
		memcpy(piece, text, length);
		piece[length] = '\0';
		add_small_talk(explore, behaviour);
		fake_behaviour_add(behaviour, some_gap_ms(explore), FAKE_TEXT, piece);
		text += length;
	}
}

static void
finish(struct explore *explore, struct fake_behaviour *behaviour)
{
	fake_behaviour_add(behaviour, some_gap_ms(explore), FAKE_FINISH, NULL);
	if (!explore_one_in(explore, 8))
		fake_behaviour_add(behaviour, 0, FAKE_MARK, NULL);
	behaviour->after_ms = explore_one_in(explore, 10) ? explore_some_ms(explore) : 0;
}

static void
add_mishap(struct explore *explore, struct fake_behaviour *behaviour)
{
	switch (explore_below(explore, 6)) {
	case 0: behaviour->end = TRANSPORT_TRUNCATED; break;
	case 1: behaviour->hangs = true; break;
	case 2: fake_behaviour_add(behaviour, 0, FAKE_NONSENSE, NULL); break;
	case 3: fake_behaviour_add(behaviour, 0, FAKE_ERROR, "the engine is overloaded"); break;
	case 4:
		while (explore_below(explore, 8))
			fake_behaviour_add(
				behaviour, explore_below(explore, 20000), FAKE_PING, NULL);
		behaviour->hangs = true;
		break;
	default: break; /* it ends without a finish reason */
	}
}

/* An answer, whole or not, begun after so long. */
static struct fake_behaviour
answer(struct explore *explore, struct explore_request *request, int64_t begins_ms, bool whole)
{
	struct fake_behaviour behaviour = fake_behaviour_new();
	char *words = some_words(explore, request);
	bool tools = request->stream && explore_one_in(explore, 8);

	behaviour.begins_ms = explore_one_in(explore, 2) ? begins_ms : -1;
	behaviour.cut_bytes = explore_one_in(explore, 3) ? (size_t)explore_below(explore, 9) : 0;
	behaviour.no_usage = explore_one_in(explore, 6);
	fake_behaviour_add(&behaviour, behaviour.begins_ms < 0 ? begins_ms : 0, FAKE_PING, NULL);
	add_text(explore, &behaviour, words, whole ? 1000 : explore_below(explore, 12));
	if (tools)
		add_tool(explore, &behaviour, request);
	if (whole)
		finish(explore, &behaviour);
	else
		add_mishap(explore, &behaviour);
	request->whole = !whole ? EXPLORE_CUT : *words || tools ? EXPLORE_WHOLE : EXPLORE_DOUBTFUL;
	request->text = words;
	return behaviour;
}

/* ---- failures ---- */

/* A wait that the provider asks for, in one of the forms that there are. */
static void
add_wait(struct explore *explore, struct fake_behaviour *behaviour)
{
	struct buf *headers = &behaviour->headers;
	int number = explore_below(explore, explore_one_in(explore, 2) ? 3 : 60);

	switch (explore_below(explore, 8)) {
	case 0: (void)buf_printf(headers, "retry-after: %d.5\n", number); break;
	case 1: (void)buf_printf(headers, "retry-after-ms: %d\n", number * 100); break;
	case 2:
		(void)buf_printf(headers, "retry-after: Fri, 20 Nov 2026 12:%02d:00 GMT\n", number);
		break;
	case 3: (void)buf_printf(headers, "retry-after: -%d\n", number); break;
	case 4: (void)buf_printf(headers, "retry-after: soon\n"); break;
	case 5: (void)buf_printf(headers, "retry-after: %d000000000000\n", number); break;
	default: (void)buf_printf(headers, "retry-after: %d\n", number); break;
	}
}

static struct fake_behaviour
refuse_with(struct explore *explore, struct explore_request *request, int64_t after_ms, int status,
	const char *code)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	behaviour.status = status;
	behaviour.after_ms = after_ms;
	behaviour.code = x_strdup(code);
	if (explore_one_in(explore, 4) && after_ms > 0)
		behaviour.begins_ms = explore_below(explore, (int)after_ms);
	if (explore_one_in(explore, status == 429 ? 2 : 6))
		add_wait(explore, &behaviour);
	request->status = status;
	return behaviour;
}

static struct fake_behaviour
end_with(struct explore *explore, enum transport_end end, int64_t after_ms)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	behaviour.end = end;
	behaviour.status = 0;
	behaviour.after_ms = after_ms;
	behaviour.reused = explore_one_in(explore, 3);
	return behaviour;
}

static struct fake_behaviour
hang(struct explore *explore, int64_t begins_ms)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	behaviour.hangs = true;
	behaviour.begins_ms = explore_one_in(explore, 2) ? begins_ms : -1;
	return behaviour;
}

static struct fake_behaviour
reject(struct explore *explore, struct explore_request *request, int64_t after_ms)
{
	static const struct {
		int status;
		const char *code;
	} rejections[] = {{400, NULL}, {400, "context_length_exceeded"},
		{400, "content_policy_violation"}, {401, NULL}, {402, NULL}, {403, NULL},
		{404, "model_not_found"}, {413, NULL}, {429, "insufficient_quota"}, {422, NULL}};
	int which = explore_below(explore, UTIL_COUNT(rejections));

	return refuse_with(
		explore, request, after_ms, rejections[which].status, rejections[which].code);
}

static struct fake_behaviour
fail(struct explore *explore, struct explore_request *request, int64_t after_ms)
{
	static const int statuses[] = {500, 500, 502, 503, 503, 504, 529, 408};

	return refuse_with(explore, request, after_ms,
		statuses[explore_below(explore, UTIL_COUNT(statuses))], NULL);
}

/* A whole answer in form, and what is no answer in it. */
static struct fake_behaviour
garble(struct explore *explore, int64_t after_ms)
{
	static const char *const bodies[] = {"", "{", "null", "[]", "{\"choices\":[]}",
		"<html>welcome</html>", "{\"error\":{\"message\":\"no\"}}"};
	struct fake_behaviour behaviour = fake_behaviour_new();

	behaviour.body = x_strdup(bodies[explore_below(explore, UTIL_COUNT(bodies))]);
	behaviour.after_ms = after_ms;
	return behaviour;
}

struct fake_behaviour
explore_behave(struct explore *explore, struct explore_request *request)
{
	struct explore_call *call = explore->calls[request->call];
	const struct explore_host *host =
		&explore->hosts[call->candidates[request->candidate].host];
	enum explore_weather weather = host->weather;
	int64_t pace_ms = host->pace_ms, quick_ms = pace_ms < 400 ? pace_ms : 400;

	if (weather == EXPLORE_MIXED)
		weather = (enum explore_weather)explore_below(explore, EXPLORE_MIXED);
	switch (weather) {
	case EXPLORE_SLOW: return answer(explore, request, pace_ms, true);
	case EXPLORE_LIMITED: return refuse_with(explore, request, quick_ms, 429, NULL);
	case EXPLORE_FAILING: return fail(explore, request, quick_ms);
	case EXPLORE_REFUSING: {
		static const enum transport_end ends[] = {TRANSPORT_REFUSED, TRANSPORT_UNREACHABLE,
			TRANSPORT_DNS, TRANSPORT_TLS, TRANSPORT_CONNECT_TIMEOUT};
		return end_with(explore, ends[explore_below(explore, UTIL_COUNT(ends))], quick_ms);
	}
	case EXPLORE_RESETTING: return end_with(explore, TRANSPORT_RESET, quick_ms);
	case EXPLORE_SILENT: return hang(explore, quick_ms);
	case EXPLORE_BREAKING:
		return explore_one_in(explore, 5) ? garble(explore, quick_ms)
						  : answer(explore, request, quick_ms, false);
	case EXPLORE_REJECTING: return reject(explore, request, quick_ms);
	default: return answer(explore, request, quick_ms, true);
	}
}
