/* SPDX-License-Identifier: MIT */
/* The explorer's configurations. */
#include <stdlib.h>
#include <string.h>

#include "explore_state.h"

#define TEXT_MAX_BYTES ((size_t)64 << 10)

static const char *
yes_but_one_in(struct explore *explore, int count)
{
	return explore_one_in(explore, count) ? "false" : "true";
}

/* From 1 to about the limit, mostly round. */
static int
some_seconds(struct explore *explore, int limit)
{
	return 1 + explore_below(explore, limit);
}

static void
draw_timeout(struct explore *explore, struct buf *yaml)
{
	switch (explore_below(explore, 3)) {
	case 0: (void)buf_printf(yaml, ", timeout: %ds", some_seconds(explore, 60)); break;
	case 1:
		(void)buf_printf(yaml,
			", timeout: {connect: %ds, first_token: %ds, idle: %ds, total: %ds}",
			some_seconds(explore, 5), some_seconds(explore, 30),
			some_seconds(explore, 20), some_seconds(explore, 200));
		break;
	default: break;
	}
}

static void
draw_provider(struct explore *explore, struct buf *yaml, size_t index)
{
	static const char *const apis[] = {
		"openai", "openai", "groq", "mistral", "deepseek", "ollama", "ollama"};
	const char *name = explore->hosts[index].name;
	const char *api = apis[(explore->seed + index) % UTIL_COUNT(apis)];

	if (explore_one_in(explore, 12))
		api = apis[explore_below(explore, UTIL_COUNT(apis))];
	(void)buf_printf(yaml, "  %s: {api: %s, base_url: \"http://%s.test%s\"", name, api, name,
		explore_one_in(explore, 12) ? ":8080" : "");
	/* the first one can always be used */
	if (strcmp(api, "ollama") != 0)
		(void)buf_printf(yaml, ", api_key: \"%s\"",
			index > 0 && explore_one_in(explore, 10) ? ""
				: explore_one_in(explore, 12)    ? "sk-secret-2"
								 : "sk-secret-1");
	(void)buf_puts(yaml, ", models: [m, n]");
	if (explore_one_in(explore, 3))
		(void)buf_printf(yaml, ", max_concurrency: %d", explore_below(explore, 4));
	if (explore_one_in(explore, 2))
		(void)buf_printf(yaml, ", max_retries: %d", explore_below(explore, 4));
	if (explore_one_in(explore, 4))
		(void)buf_printf(yaml, ", retry_after_max: %ds", explore_below(explore, 20));
	draw_timeout(explore, yaml);
	(void)buf_puts(yaml, "}\n");
}

static void
draw_targets(struct explore *explore, struct buf *yaml)
{
	static const char *const models[EXPLORE_MODELS] = {"m", "n", "o"};
	size_t all = explore->host_count * EXPLORE_MODELS;
	size_t count = 1 + (size_t)explore_below(explore, 6);
	size_t at = (size_t)explore_draw(explore) % all;
	/* no two of these steps meet before all were there: all is 3, 6, 9, 12 or 15 */
	size_t by = explore_one_in(explore, 2) ? 1 : 7;

	if (count > all)
		count = all;
	(void)buf_puts(yaml, "[");
	for (size_t i = 0; i < count; i++, at = (at + by) % all)
		(void)buf_printf(yaml, "%s%s/%s", i ? ", " : "",
			explore->hosts[at % explore->host_count].name,
			models[at / explore->host_count]);
	(void)buf_puts(yaml, "]");
}

static void
draw_chain(struct explore *explore, struct buf *yaml, const char *name)
{
	static const char *const retry_on[] = {
		"any", "default, content_policy", "429, 5xx", "timeout", "default, 400"};

	(void)buf_printf(yaml, "  %s: {targets: ", name);
	draw_targets(explore, yaml);
	if (explore_one_in(explore, 5))
		(void)buf_printf(yaml, ", retry_on: [%s]",
			retry_on[explore_below(explore, UTIL_COUNT(retry_on))]);
	if (explore_one_in(explore, 5))
		(void)buf_printf(yaml, ", timeout: %ds", some_seconds(explore, 60));
	if (explore_one_in(explore, 5))
		(void)buf_printf(yaml, ", deadline: %ds", some_seconds(explore, 100));
	if (explore_one_in(explore, 4))
		(void)buf_printf(yaml, ", max_retries_per_model: %d", explore_below(explore, 4));
	(void)buf_puts(yaml, "}\n");
}

static void
draw_rest(struct explore *explore, struct buf *yaml)
{
	(void)buf_printf(yaml,
		"health: {failure_threshold: %d, cooldown: %ds, cooldown_max: %ds,"
		" preferred_ttl: %ds, check_interval: %ds, when_all_open: %s}\n",
		1 + explore_below(explore, 4), some_seconds(explore, 300), 300,
		some_seconds(explore, 1800), explore_one_in(explore, 3) ? 0 : 15,
		explore_one_in(explore, 3) ? "fail" : "try");
	if (explore_one_in(explore, 2))
		(void)buf_printf(yaml,
			"limits: {calls: %d, queue: %d, lease: %ds, stream_stall: %ds,"
			" stream_queue: 4KiB}\n",
			1 + explore_below(explore, 8), explore_below(explore, 5),
			some_seconds(explore, 120), some_seconds(explore, 60));
	else if (explore_one_in(explore, 2))
		(void)buf_printf(yaml,
			"limits: {calls: %d, queue: %d, user_calls: %d, user_queue: %d}\n",
			1 + explore_below(explore, 8), 1 + explore_below(explore, 8),
			explore_below(explore, 4), explore_below(explore, 4));
	if (explore_one_in(explore, 2))
		(void)buf_printf(yaml, "defaults: {deadline: %ds}\n", some_seconds(explore, 200));
	if (explore_one_in(explore, 2))
		(void)buf_printf(yaml,
			"features: {fallback: %s, preferred: %s, health_tracking: %s,"
			" active_checks: %s, hedging: %s}\n",
			yes_but_one_in(explore, 8), yes_but_one_in(explore, 4),
			yes_but_one_in(explore, 8), yes_but_one_in(explore, 4),
			yes_but_one_in(explore, 4));
}

static char *
draw_yaml(struct explore *explore)
{
	struct buf yaml;

	buf_init(&yaml, TEXT_MAX_BYTES);
	(void)buf_puts(&yaml, "providers:\n");
	for (size_t i = 0; i < explore->host_count; i++)
		draw_provider(explore, &yaml, i);
	(void)buf_puts(&yaml, "chains:\n");
	draw_chain(explore, &yaml, "default");
	draw_chain(explore, &yaml, "other");
	draw_rest(explore, &yaml);
	return buf_take(&yaml, NULL);
}

static void
say_all(struct explore *explore, const char *yaml)
{
	while (*yaml) {
		size_t length = strcspn(yaml, "\n");

		explore_say(explore, "    %.*s", (int)length, yaml);
		yaml += length + (yaml[length] != '\0');
	}
}

void
explore_configure(struct explore *explore)
{
	struct scene *scene = explore->scene;
	struct config *before = scene->configured ? config_ref(scene->core.config) : NULL;
	char *yaml = draw_yaml(explore);

	explore_say(explore, before ? "reload" : "start");
	say_all(explore, yaml);
	char *fault = scene_configure(scene, yaml, strlen(yaml));
	if (fault)
		explore_blame(explore, "Every configuration that is drawn is good", "%s", fault);
	else if (before)
		explore_count_reloaded(explore, before, scene->core.config);
	free(fault);
	free(yaml);
	config_unref(before);
}
