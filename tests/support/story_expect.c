/* SPDX-License-Identifier: MIT */
/* See story.h. Every expectation looks at the scene and changes nothing in it. */
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "story.h"

/* ---- replies ---- */

static char *
attempts_text(const struct scene_call *call)
{
	struct buf text;

	buf_init(&text, 65536);
	for (size_t i = 0; i < call->attempt_count; i++)
		(void)buf_printf(&text, "%s%s %s", i ? ", " : "", call->attempts[i].target,
			outcome_text(call->attempts[i].class));
	return buf_take(&text, NULL);
}

/* What the reply was, for messages. */
static char *
reply_text(const struct scene_call *call)
{
	if (call->cancelled)
		return x_strdup("it was cancelled");
	if (call->replies == 0)
		return x_strdup("there is no reply yet");
	char *attempts = attempts_text(call);
	char *text = call->error == 0
		? x_asprintf("the answer is \"%s\" from %s (attempts: %s)", call->text,
			  call->target, attempts)
		: x_asprintf("the error is %s, \"%s\" (attempts: %s)",
			  llmfo_error_code(call->error), call->message, attempts);
	free(attempts);
	return text;
}

/* The rest of the line is the list of attempts. */
static char *
expect_attempts(const struct scene_call *call, struct words *words)
{
	struct buf wanted;
	char *fault = NULL;

	buf_init(&wanted, 65536);
	while (!words_end(words)) {
		const char *word = words_take(words);
		(void)buf_printf(
			&wanted, "%s%s", strcmp(word, ",") == 0 || !wanted.len ? "" : " ", word);
	}
	char *seen = attempts_text(call);
	if (strcmp(seen, wanted.data) != 0)
		fault = x_asprintf("the attempts were: %s", *seen ? seen : "none");
	free(seen);
	buf_free(&wanted);
	return fault;
}

static char *
expect_took(const struct scene_call *call, struct words *words)
{
	int64_t ms, took_ms = call->over_ms - call->asked_ms;

	if (!words_time(words, &ms))
		return words_fault(words, "a time");
	if (ms == took_ms)
		return NULL;
	return x_asprintf("the reply came after %lld ms", (long long)took_ms);
}

static char *
expect_retry_after(const struct scene_call *call, struct words *words)
{
	int64_t ms = -1;

	if (!words_accept(words, "never") && !words_time(words, &ms))
		return words_fault(words, "a time or never");
	if (ms == call->retry_after_ms)
		return NULL;
	return x_asprintf("retry_after_ms is %lld", (long long)call->retry_after_ms);
}

static char *
expect_usage(const struct scene_call *call, struct words *words)
{
	int64_t prompt, completion;

	if (!words_number(words, &prompt) || !words_number(words, &completion))
		return words_fault(words, "tokens of prompt and completion");
	if (prompt == call->prompt_tokens && completion == call->completion_tokens)
		return NULL;
	return x_asprintf("the usage is %lld and %lld", (long long)call->prompt_tokens,
		(long long)call->completion_tokens);
}

static char *
expect_free_failures(const struct scene_call *call)
{
	for (size_t i = 0; i < call->attempt_count; i++)
		if (call->attempts[i].class != OUTCOME_OK &&
			(call->attempts[i].cost_picousd != 0 || call->attempts[i].cost_may))
			return x_asprintf("attempt %zu has cost something", i + 1);
	return NULL;
}

/* "12" and, where a price is not known, "at-least" before it. */
static char *
expect_cost(const struct scene_call *call, struct words *words)
{
	bool unknown = words_accept(words, "at-least");
	int64_t cost;

	if (!words_number(words, &cost))
		return words_fault(words, "a cost in pico-USD");
	if (cost == call->cost_picousd && unknown == call->cost_unknown)
		return NULL;
	return x_asprintf("the cost is %s%lld", call->cost_unknown ? "at-least " : "",
		(long long)call->cost_picousd);
}

/* What each attempt cost, with "perhaps" before what it may have cost. */
static char *
expect_costs(const struct scene_call *call, struct words *words)
{
	for (size_t i = 0; i < call->attempt_count; i++) {
		const struct scene_attempt *attempt = &call->attempts[i];
		bool unknown = words_accept(words, "at-least");
		bool may = words_accept(words, "perhaps");
		int64_t cost;

		if (!words_number(words, &cost))
			return words_fault(words, "the cost of each attempt");
		if (cost != attempt->cost_picousd || unknown != attempt->cost_unknown ||
			may != attempt->cost_may)
			return x_asprintf("attempt %zu has cost %s%s%lld", i + 1,
				attempt->cost_unknown ? "at-least " : "",
				attempt->cost_may ? "perhaps " : "",
				(long long)attempt->cost_picousd);
	}
	return NULL;
}

static char *
expect_message(const struct scene_call *call, struct words *words)
{
	bool wanted = !words_accept(words, "without");

	if (wanted)
		(void)words_accept(words, "contains");
	if (words_end(words))
		return words_fault(words, "a text");
	if ((strstr(call->message, words_take(words)) != NULL) == wanted)
		return NULL;
	return x_asprintf("the message is \"%s\"", call->message);
}

/* What holds for answers and errors alike, after a comma. */
static char *
expect_of_reply(const struct scene_call *call, struct words *words)
{
	if (words_accept(words, "attempts"))
		return expect_attempts(call, words);
	if (words_accept(words, "after"))
		return expect_took(call, words);
	if (words_accept(words, "estimated"))
		return call->estimated ? NULL : x_strdup("the usage is no estimate");
	if (words_accept(words, "fallback"))
		return call->fallback ? NULL : x_strdup("fallback_occurred is false");
	if (words_accept(words, "no-fallback"))
		return call->fallback ? x_strdup("fallback_occurred is true") : NULL;
	if (call->error && words_accept(words, "retry-after"))
		return expect_retry_after(call, words);
	if (call->error && words_accept(words, "message"))
		return expect_message(call, words);
	if (call->error && words_accept(words, "partial"))
		return story_expect_partial(call, words);
	if (words_accept(words, "usage"))
		return expect_usage(call, words);
	if (words_accept(words, "cost"))
		return expect_cost(call, words);
	if (words_accept(words, "costs"))
		return expect_costs(call, words);
	if (words_accept(words, "free-failures"))
		return expect_free_failures(call);
	if (words_accept(words, "first-token"))
		return story_expect_first_token(call, words);
	return words_fault(words, "something to expect of a reply");
}

static char *
expect_rest_of_reply(const struct scene_call *call, struct words *words)
{
	char *fault = NULL;

	while (!fault && words_accept(words, ","))
		fault = expect_of_reply(call, words);
	return fault;
}

/* "of call 2", or the last one. */
static struct scene_call *
which(struct scene *scene, struct words *words, char **fault)
{
	(void)words_accept(words, "of");
	return story_call(scene, words, fault);
}

static char *
expect_answer(struct scene *scene, struct words *words)
{
	char *fault;
	const struct scene_call *call = which(scene, words, &fault);

	if (!call)
		return fault;
	if (words_end(words))
		return words_fault(words, "the answer");
	const char *text = words_take(words);
	const char *target = words_accept(words, "from") ? words_take(words) : NULL;
	if (call->replies == 0 || call->error || strcmp(call->text, text) != 0 ||
		(target && strcmp(call->target, target) != 0))
		return reply_text(call);
	return expect_rest_of_reply(call, words);
}

static char *
expect_error(struct scene *scene, struct words *words)
{
	char *fault;
	const struct scene_call *call = which(scene, words, &fault);

	if (!call)
		return fault;
	if (words_end(words))
		return words_fault(words, "an error's code");
	if (call->replies == 0 || strcmp(llmfo_error_code(call->error), words_take(words)) != 0)
		return reply_text(call);
	return expect_rest_of_reply(call, words);
}

/* ---- the log ---- */

static char *
expect_log(struct scene *scene, struct words *words, bool wanted)
{
	int level = words_end(words) ? -1 : log_level_from_text(words_take(words));
	const struct scene_log *found = NULL;

	if (level < 0 || words_end(words))
		return words_fault(words, "a level and a text");
	const char *text = words_take(words);
	for (size_t i = 0; i < scene->log_count && !found; i++)
		if (scene->log[i].level == (enum log_level)level &&
			strstr(scene->log[i].text, text))
			found = &scene->log[i];
	if (wanted)
		return found ? NULL : x_strdup("there is no such line in the log");
	return found ? x_asprintf("the log has \"%s\"", found->text) : NULL;
}

static char *
expect_a_log(struct scene *scene, struct words *words)
{
	return expect_log(scene, words, true);
}

static char *
expect_no(struct scene *scene, struct words *words)
{
	char *fault;

	if (words_accept(words, "log"))
		return expect_log(scene, words, false);
	if (words_accept(words, "event"))
		return story_expect_event(scene, words, false);
	if (!words_accept(words, "reply"))
		return words_fault(words, "reply, log or event");
	const struct scene_call *call = which(scene, words, &fault);
	if (!call)
		return fault;
	return call->replies ? reply_text(call) : NULL;
}

static char *
expect_an_event(struct scene *scene, struct words *words)
{
	return story_expect_event(scene, words, true);
}

/* ---- health ---- */

static const struct health_subject *
subject_of(struct scene *scene, const char *name)
{
	return health_find(
		scene->core.health, strchr(name, '/') ? HEALTH_TARGET : HEALTH_PROVIDER, name);
}

static char *
expect_circuit(struct scene *scene, struct words *words)
{
	const char *name = words_take(words);
	const struct health_subject *subject = name ? subject_of(scene, name) : NULL;
	int64_t now_ms = scene->clock.time_ms, ms;

	if (!subject)
		return x_strdup("health knows nothing of that name");
	const char *state = circuit_state_text(circuit_state(&subject->circuit, now_ms));
	int64_t remaining_ms = circuit_remaining_ms(&subject->circuit, now_ms);
	if (!words_accept(words, state))
		return x_asprintf(
			"the circuit is %s (for %lld ms)", state, (long long)remaining_ms);
	if (words_time(words, &ms) && ms != remaining_ms)
		return x_asprintf("the circuit is open for %lld ms", (long long)remaining_ms);
	return NULL;
}

/* "NAME NUMBER, NAME NUMBER ..." */
static char *
expect_numbers(struct scene *scene, struct words *words,
	int64_t (*read)(struct scene *scene, const char *name))
{
	do {
		const char *name = words_take(words);
		int64_t wanted, seen;

		if (!name || !words_number(words, &wanted))
			return words_fault(words, "a name and a number");
		seen = read(scene, name);
		if (seen != wanted)
			return x_asprintf("%s has %lld", name, (long long)seen);
	} while (words_accept(words, ","));
	return NULL;
}

static int64_t
failures_in_a_row(struct scene *scene, const char *name)
{
	const struct health_subject *subject = subject_of(scene, name);

	return subject ? subject->circuit.consecutive_failures : 0;
}

static int64_t
failures_in_all(struct scene *scene, const char *name)
{
	const struct health_subject *subject = subject_of(scene, name);

	return subject ? subject->failures : 0;
}

static int64_t
successes_in_all(struct scene *scene, const char *name)
{
	const struct health_subject *subject = subject_of(scene, name);

	return subject ? subject->successes : 0;
}

static int64_t
in_flight_at(struct scene *scene, const char *name)
{
	const struct health_subject *subject = subject_of(scene, name);

	return subject ? subject->in_flight : 0;
}

static int64_t
requests_to(struct scene *scene, const char *name)
{
	return (int64_t)fake_transport_count(&scene->transport, name);
}

static int64_t
counter(struct scene *scene, const char *name)
{
#define X(counter, help) \
	if (strcmp(name, #counter) == 0) \
		return scene->core.stats.counter;
#include "stats.def"
#undef X
	return -1;
}

static char *
expect_failures(struct scene *scene, struct words *words)
{
	if (words_accept(words, "in-all"))
		return expect_numbers(scene, words, failures_in_all);
	return expect_numbers(scene, words, failures_in_a_row);
}

static char *
expect_successes(struct scene *scene, struct words *words)
{
	return expect_numbers(scene, words, successes_in_all);
}

static char *
expect_in_flight(struct scene *scene, struct words *words)
{
	return expect_numbers(scene, words, in_flight_at);
}

static char *
expect_requests(struct scene *scene, struct words *words)
{
	return expect_numbers(scene, words, requests_to);
}

static char *
expect_counters(struct scene *scene, struct words *words)
{
	return expect_numbers(scene, words, counter);
}

static char *
expect_last_error(struct scene *scene, struct words *words)
{
	const char *name = words_take(words);
	const struct health_subject *subject = name ? subject_of(scene, name) : NULL;
	const char *seen = !subject || subject->last_error.class == OUTCOME_OK
		? "none"
		: outcome_text(subject->last_error.class);

	return words_accept(words, seen) ? NULL : x_asprintf("the last error is %s", seen);
}

/* ---- what is preferred and forced ---- */

static char *
expect_until(const struct scene *scene, struct words *words, int64_t until_ms)
{
	int64_t ms, remaining_ms = until_ms - scene->clock.time_ms;

	if (!words_time(words, &ms) || ms == remaining_ms)
		return NULL;
	return x_asprintf("it has %lld ms left", (long long)remaining_ms);
}

static char *
expect_preferred(struct scene *scene, struct words *words)
{
	const char *chain = words_take(words);
	const struct health_preferred *entry =
		chain ? health_preferred(scene->core.health, chain, scene->clock.time_ms) : NULL;
	const char *seen = entry ? entry->target : "nothing";

	if (!words_accept(words, seen))
		return x_asprintf("%s is preferred", seen);
	return entry ? expect_until(scene, words, entry->until_ms) : NULL;
}

static char *
expect_forced(struct scene *scene, struct words *words)
{
	const struct health_forced *forced =
		health_forced(scene->core.health, scene->clock.time_ms);
	const char *seen = forced ? forced->provider : "nobody";

	if (!words_accept(words, seen))
		return x_asprintf("%s is forced", seen);
	return forced ? expect_until(scene, words, forced->until_ms) : NULL;
}

/* ---- what was sent ---- */

static char *
expect_sent(struct scene *scene, struct words *words)
{
	const char *host = words_take(words);
	const struct fake_request *request =
		host ? fake_transport_last(&scene->transport, host) : NULL;

	if (!request)
		return x_strdup("nothing was sent there");
	bool wanted = !words_accept(words, "without");
	const char *text = words_take(words);
	if (!text)
		return words_fault(words, "a text");
	if ((strstr(request->body, text) || strstr(request->headers, text) ||
		    strstr(request->url, text)) == wanted)
		return NULL;
	return x_asprintf("what was sent to %s is %s", request->url, request->body);
}

static const struct {
	const char *word;
	char *(*look)(struct scene *scene, struct words *words);
} things[] = {
	{"answer", expect_answer},
	{"error", expect_error},
	{"no", expect_no},
	{"log", expect_a_log},
	{"event", expect_an_event},
	{"pick", story_expect_pick},
	{"deltas", story_expect_deltas},
	{"resets", story_expect_resets},
	{"tool-calls", story_expect_tool_calls},
	{"circuit", expect_circuit},
	{"failures", expect_failures},
	{"successes", expect_successes},
	{"in-flight", expect_in_flight},
	{"requests", expect_requests},
	{"counters", expect_counters},
	{"last-error", expect_last_error},
	{"preferred", expect_preferred},
	{"forced", expect_forced},
	{"sent", expect_sent},
};

char *
story_expect(struct scene *scene, struct words *words)
{
	for (size_t i = 0; i < UTIL_COUNT(things); i++)
		if (words_accept(words, things[i].word))
			return things[i].look(scene, words);
	return words_fault(words, "something to expect");
}
