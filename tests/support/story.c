/* SPDX-License-Identifier: MIT */
/* See story.h. Here is what makes things happen; story_expect.c has what is expected. */
#include "story.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scene_call *
story_call(struct scene *scene, struct words *words, char **fault)
{
	int64_t number = (int64_t)scene->call_count;

	*fault = NULL;
	if (words_accept(words, "call") && !words_number(words, &number))
		*fault = words_fault(words, "the number of a call");
	else if (number < 1 || number > (int64_t)scene->call_count)
		*fault = x_asprintf("there is no call %lld yet", (long long)number);
	return *fault ? NULL : scene->calls[number - 1];
}

/* ---- provider NAME does this, then that ---- */

static const struct {
	const char *word;
	enum transport_end end;
	int status;
} ways[] = {
	{"refuses", TRANSPORT_REFUSED, 0},
	{"resets", TRANSPORT_RESET, 0},
	{"is-unreachable", TRANSPORT_UNREACHABLE, 0},
	{"has-no-address", TRANSPORT_DNS, 0},
	{"fails-tls", TRANSPORT_TLS, 0},
	{"never-connects", TRANSPORT_CONNECT_TIMEOUT, 0},
	{"breaks-off", TRANSPORT_TRUNCATED, 200},
	{"talks-nonsense", TRANSPORT_PROTOCOL, 0},
	{"sends-too-much", TRANSPORT_TOO_LARGE, 200},
};

/* What it does, up to its options. */
static char *
read_way(struct words *words, struct fake_behaviour *behaviour)
{
	int64_t status;

	for (size_t i = 0; i < UTIL_COUNT(ways); i++)
		if (words_accept(words, ways[i].word)) {
			behaviour->end = ways[i].end;
			behaviour->status = ways[i].status;
			return NULL;
		}
	if (words_accept(words, "hangs")) {
		behaviour->hangs = true;
		return NULL;
	}
	if (words_accept(words, "streams"))
		return story_read_stream(words, behaviour);
	(void)words_accept(words, "answers");
	if (!words_number(words, &status))
		return words_fault(words, "what the provider does, or a status");
	behaviour->status = (int)status;
	return NULL;
}

static void
add_header(struct fake_behaviour *behaviour, const char *name, const char *value)
{
	(void)buf_printf(&behaviour->headers, "%s: %s\n", name, value);
}

static bool
takes_text(struct words *words, const char *option, char **text)
{
	if (!words_accept(words, option))
		return false;
	free(*text);
	*text = x_strdup(words_end(words) ? "" : words_take(words));
	return true;
}

/* One option: *done when there is none. */
static char *
read_option(struct words *words, struct fake_behaviour *behaviour, bool *forever, bool *done)
{
	if (!words_end(words) && words->quoted[words->next]) {
		free(behaviour->text);
		behaviour->text = x_strdup(words_take(words));
	} else if (takes_text(words, "type", &behaviour->type) ||
		takes_text(words, "code", &behaviour->code) ||
		takes_text(words, "body", &behaviour->body)) {
		return NULL;
	} else if (words_accept(words, "retry-after")) {
		add_header(behaviour, "retry-after", words_end(words) ? "" : words_take(words));
	} else if (words_accept(words, "retry-after-ms")) {
		add_header(behaviour, "retry-after-ms", words_end(words) ? "" : words_take(words));
	} else if (words_accept(words, "header")) {
		const char *name = words_take(words), *value = words_take(words);

		if (!value)
			return words_fault(words, "a header's name and value");
		add_header(behaviour, name, value);
	} else if (words_accept(words, "after")) {
		if (!words_time(words, &behaviour->after_ms))
			return words_fault(words, "a time");
	} else if (words_accept(words, "begins")) {
		if (!words_time(words, &behaviour->begins_ms))
			return words_fault(words, "a time");
	} else if (words_accept(words, "in-bytes")) {
		int64_t count;

		if (!words_number(words, &count))
			return words_fault(words, "a number");
		behaviour->cut_bytes = (size_t)count;
	} else if (words_accept(words, "on-a-pooled-connection")) {
		behaviour->reused = true;
	} else if (words_accept(words, "without-usage")) {
		behaviour->no_usage = true;
	} else if (words_accept(words, "always")) {
		*forever = true;
	} else {
		*done = true;
	}
	return NULL;
}

/* What it lists from now on when it is asked for its models. */
static char *
pass_checks(struct scene *scene, const char *host, struct words *words)
{
	struct buf list;

	/* OpenAI's form and Ollama's in one */
	buf_init(&list, 65536);
	for (int form = 0; form < 2; form++) {
		size_t begin = words->next;

		(void)buf_puts(&list, form ? "],\"models\":[" : "{\"data\":[");
		for (size_t i = begin; i < words->count; i++)
			(void)buf_printf(&list, "%s{\"%s\":\"%s\"}", i > begin ? "," : "",
				form ? "name" : "id", words->text[i]);
	}
	(void)buf_puts(&list, "]}");
	words->next = words->count;
	fake_transport_check(&scene->transport, host, list.data);
	buf_free(&list);
	return NULL;
}

static char *
do_provider(struct scene *scene, struct words *words)
{
	const char *host = words_take(words);
	char *fault = host ? NULL : words_fault(words, "a provider's name");

	if (words_accept(words, "fails-checks")) {
		fake_transport_check(&scene->transport, host, NULL);
		return fault;
	}
	if (words_accept(words, "passes-checks"))
		return pass_checks(scene, host, words);
	while (!fault) {
		struct fake_behaviour behaviour = fake_behaviour_new();
		bool forever = false, done = false;

		fault = read_way(words, &behaviour);
		while (!fault && !done)
			fault = read_option(words, &behaviour, &forever, &done);
		fake_transport_script(&scene->transport, host, &behaviour, forever);
		if (fault || !words_accept(words, ","))
			break;
		(void)words_accept(words, "then");
	}
	return fault;
}

/* ---- client asks, client cancels ---- */

static char *
read_list(struct words *words, struct scene_wish *wish)
{
	do {
		if (words_end(words) || wish->target_count == UTIL_COUNT(wish->targets))
			return words_fault(words, "a target");
		wish->targets[wish->target_count++] = words_take(words);
	} while (words_accept(words, ","));
	return NULL;
}

static char *
read_names(struct words *words, const char *names[8], size_t *count)
{
	do {
		if (words_end(words) || *count == 8)
			return words_fault(words, "a capability");
		names[(*count)++] = words_take(words);
	} while (words_accept(words, ","));
	return NULL;
}

static char *
read_retry_on(struct words *words, struct scene_wish *wish)
{
	wish->has_retry_on = true;
	do {
		if (words_end(words) || config_retry_on_add(&wish->retry_on, words_peek(words)))
			return words_fault(words, "a class or a status");
		(void)words_take(words);
	} while (words_accept(words, ","));
	return NULL;
}

static char *
read_params(struct words *words, struct scene_wish *wish)
{
	int64_t number;

	if (words_accept(words, "max-tokens")) {
		if (!words_number(words, &wish->params.max_tokens))
			return words_fault(words, "a number");
	} else if (words_accept(words, "retries")) {
		if (!words_number(words, &number))
			return words_fault(words, "a number");
		wish->has_max_retries = true;
		wish->max_retries = (int)number;
	} else if (words_accept(words, "temperature") && !words_end(words)) {
		wish->params.has_temperature = true;
		wish->params.temperature = strtod(words_take(words), NULL);
	} else {
		return words_fault(words, "something a client may ask for");
	}
	return NULL;
}

static char *
read_wish(struct words *words, struct scene_wish *wish)
{
	static const struct {
		const char *word;
		size_t text, time; /* offsets in the wish */
	} fields[] = {
		{"chain", offsetof(struct scene_wish, chain), 0},
		{"agent", offsetof(struct scene_wish, agent), 0},
		{"provider", offsetof(struct scene_wish, provider), 0},
		{"model", offsetof(struct scene_wish, model), 0},
		{"image", offsetof(struct scene_wish, image), 0},
		{"strategy", offsetof(struct scene_wish, strategy), 0},
		{"task", offsetof(struct scene_wish, task_type), 0},
		{"user", offsetof(struct scene_wish, user), 0},
		{"max-latency", 0, offsetof(struct scene_wish, max_latency_ms)},
		{"deadline", 0, offsetof(struct scene_wish, deadline_ms)},
		{"timeout", 0, offsetof(struct scene_wish, timeout_ms)},
	};

	for (size_t i = 0; i < UTIL_COUNT(fields); i++) {
		if (!words_accept(words, fields[i].word))
			continue;
		if (fields[i].time) {
			int64_t *ms = (int64_t *)(void *)((char *)wish + fields[i].time);
			return words_time(words, ms) ? NULL : words_fault(words, "a time");
		}
		const char **text = (const char **)(void *)((char *)wish + fields[i].text);
		*text = words_take(words);
		return *text ? NULL : words_fault(words, "a name");
	}
	if (words_accept(words, "targets"))
		return read_list(words, wish);
	if (words_accept(words, "require"))
		return read_names(words, wish->require, &wish->require_count);
	if (words_accept(words, "prefer"))
		return read_names(words, wish->prefer, &wish->prefer_count);
	if (words_accept(words, "budget")) {
		wish->has_budget = true;
		return words_number(words, &wish->budget_picousd)
			? NULL
			: words_fault(words, "pico-dollars");
	}
	if (words_accept(words, "as-uid"))
		return words_number(words, &wish->uid) ? NULL : words_fault(words, "a uid");
	if (words_accept(words, "retry-on"))
		return read_retry_on(words, wish);
	if (words_accept(words, "race"))
		return story_read_race(words, wish);
	if (words_accept(words, "stream"))
		return story_read_on_break(words, wish);
	if (words_accept(words, "no-fallback")) {
		wish->no_fallback = true;
		return NULL;
	}
	return read_params(words, wish);
}

static char *
do_client(struct scene *scene, struct words *words)
{
	struct scene_wish wish = {0};
	char *fault = NULL;

	if (words_accept(words, "cancels")) {
		struct scene_call *call = story_call(scene, words, &fault);

		if (call && !call->call)
			return x_strdup("that call is over already");
		if (call)
			scene_cancel(scene, call);
		return fault;
	}
	if (words_accept(words, "reports"))
		return story_report(scene, words);
	if (words_accept(words, "stops-reading"))
		return story_hold(scene, words, true);
	if (words_accept(words, "reads-again"))
		return story_hold(scene, words, false);
	bool picks = words_accept(words, "picks");
	if (!picks && (!words_accept(words, "asks") || words_end(words)))
		return words_fault(words, "asks \"...\", cancels, picks or reports");
	wish.prompt = picks ? "" : words_take(words);
	while (!fault && !words_end(words))
		fault = read_wish(words, &wish);
	if (fault)
		return fault;
	return picks ? scene_pick(scene, &wish) : scene_ask(scene, &wish);
}

/* ---- admin, daemon, time ---- */

static char *
force(struct scene *scene, struct words *words)
{
	const char *provider = words_take(words);
	int64_t for_ms = 3600000;

	if (!provider)
		return words_fault(words, "a provider's name");
	(void)words_time(words, &for_ms);
	bool strict = words_accept(words, "strict");
	health_force(scene->core.health, provider, strict, scene->clock.time_ms + for_ms, 0,
		scene->clock.time_ms);
	return NULL;
}

static char *
able(struct scene *scene, struct words *words, bool disabled)
{
	const char *name = words_take(words);

	if (!name)
		return words_fault(words, "a provider or a target");
	(void)health_disable(scene->core.health,
		strchr(name, '/') ? HEALTH_TARGET : HEALTH_PROVIDER, name, disabled);
	return NULL;
}

static char *
do_admin(struct scene *scene, struct words *words)
{
	if (words_accept(words, "forces"))
		return force(scene, words);
	if (words_accept(words, "disables"))
		return able(scene, words, true);
	if (words_accept(words, "enables"))
		return able(scene, words, false);
	if (words_accept(words, "forces-nobody"))
		health_force(scene->core.health, NULL, false, 0, 0, scene->clock.time_ms);
	else if (words_accept(words, "clears-cache"))
		(void)health_unprefer_all(scene->core.health);
	else if (words_accept(words, "resets-health"))
		(void)health_reset(scene->core.health, words_take(words));
	else
		return words_fault(words, "something an administrator does");
	scene_check(scene);
	return NULL;
}

static char *
do_daemon(struct scene *scene, struct words *words)
{
	if (!words_accept(words, "shuts-down"))
		return words_fault(words, "shuts-down");
	scene_shut_down(scene);
	return NULL;
}

static char *
do_after(struct scene *scene, struct words *words)
{
	int64_t ms;

	if (!words_time(words, &ms))
		return words_fault(words, "a time");
	scene_advance(scene, ms);
	return NULL;
}

/* As much as happens in no time at all. */
static char *
do_soon(struct scene *scene, struct words *words)
{
	(void)words;
	scene_advance(scene, 0);
	return NULL;
}

static const struct {
	const char *word;
	char *(*act)(struct scene *scene, struct words *words);
} verbs[] = {
	{"provider", do_provider},
	{"client", do_client},
	{"after", do_after},
	{"soon", do_soon},
	{"admin", do_admin},
	{"daemon", do_daemon},
	{"expect", story_expect},
};

static char *
play_line(struct scene *scene, struct words *words)
{
	char *fault = NULL;

	for (size_t i = 0; i < UTIL_COUNT(verbs); i++) {
		if (!words_accept(words, verbs[i].word))
			continue;
		if (!scene->configured)
			return x_strdup("there is no configuration yet");
		fault = verbs[i].act(scene, words);
		if (!fault && !words_end(words))
			fault = words_fault(words, "the end of the line");
		if (!fault && scene->fault)
			fault = x_strdup(scene->fault);
		return fault;
	}
	return words_end(words) ? NULL : words_fault(words, "the beginning of a sentence");
}

char *
story_sentence(struct scene *scene, const char *line)
{
	struct words words;
	char *fault = words_cut(&words, line);

	if (!fault)
		fault = play_line(scene, &words);
	words_free(&words);
	return fault;
}

/* ---- the file ---- */

struct reading {
	FILE *file;
	char *line; /* owned, by getline() */
	size_t size;
	int number;
};

static bool
next_line(struct reading *reading)
{
	if (getline(&reading->line, &reading->size, reading->file) < 0)
		return false;
	reading->number++;
	return true;
}

/* The lines up to "end" are YAML. */
static char *
read_config(struct scene *scene, struct reading *reading)
{
	int begin = reading->number;
	struct buf yaml;
	char *fault;

	buf_init(&yaml, 1 << 20);
	while (next_line(reading) && strcmp(reading->line, "end\n") != 0)
		(void)buf_puts(&yaml, reading->line);
	if (feof(reading->file))
		fault = x_asprintf("the configuration of line %d has no end", begin);
	else
		fault = scene_configure(scene, yaml.data, yaml.len);
	buf_free(&yaml);
	return fault;
}

static char *
play_next(struct scene *scene, struct reading *reading)
{
	if (strcmp(reading->line, "config\n") == 0 || strcmp(reading->line, "reload\n") == 0)
		return read_config(scene, reading);
	return story_sentence(scene, reading->line);
}

char *
story_play(const char *path)
{
	struct reading reading = {.file = fopen(path, "r")};
	char *fault = NULL;

	if (!reading.file)
		return x_asprintf("%s: cannot be opened", path);
	struct scene *scene = scene_new();
	while (!fault && next_line(&reading))
		fault = play_next(scene, &reading);
	char *left = scene_free(scene);
	if (!fault && left)
		fault = x_strdup(left);
	free(left);
	if (fault) {
		char *where = x_asprintf("%s:%d: %s", path, reading.number, fault);
		free(fault);
		fault = where;
	}
	free(reading.line);
	(void)fclose(reading.file);
	return fault;
}
