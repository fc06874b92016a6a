/* SPDX-License-Identifier: MIT */
/*
 * Who is chosen, by the facts that ship: every strategy and every chain by rule over a small fleet,
 * with why the winner wins; and what calls name, demand and are told.
 */
#include "support/config_support.h"

#include "choose.h"
#include "llmfo.h"
#include "task.h"

static const char fleet[] =
	"providers:\n"
	"  openai: {api_key: k, models: [gpt-4o, gpt-4o-mini, gpt-5-nano, gpt-4]}\n"
	"  anthropic: {api_key: k, models: [claude-opus-5, claude-haiku-4-5]}\n"
	"  mistral: {api_key: k, models: [codestral-latest, mistral-small-latest]}\n"
	"  groq: {api_key: k, models: [llama-3.1-8b-instant, openai/gpt-oss-20b]}\n"
	"  gemini: {api_key: k, models: [gemini-2.5-flash]}\n"
	"  deepseek: {api_key: k, models: [deepseek-v4-flash]}\n"
	"  ollama: {models: [llama3.2, \"gemma3:1b\"]}\n"
	"  embed: {api: openai, base_url: \"https://e.example/v1\", api_key: k,\n"
	"    models: [text-embedding-3-small, gpt-4o]}\n"
	"  elsewhere: {api: openai, base_url: \"https://eu.example/v1\", api_key: k, region: EU,\n"
	"    models: [house-model]}\n"
	"chains:\n"
	"  all: {targets: [openai/gpt-4o-mini, openai/gpt-4o, openai/gpt-4, "
	"anthropic/claude-opus-5,\n"
	"    anthropic/claude-haiku-4-5, mistral/codestral-latest, groq/llama-3.1-8b-instant,\n"
	"    groq/openai/gpt-oss-20b, gemini/gemini-2.5-flash, ollama/llama3.2,\n"
	"    elsewhere/house-model]}\n"
	"  pair: {targets: [openai/gpt-4o, anthropic/claude-opus-5], strategy: load_balanced}\n"
	"  drawn: {targets: [openai/gpt-4o: 50, anthropic/claude-opus-5: 50], sticky: user}\n"
	"  Analyses: {targets: [openai/gpt-4o]}\n"
	"  empty_task: {targets: [mistral/mistral-small-latest]}\n"
	"agents:\n"
	"  local: {chain: local_only}\n"
	"  pooled: {primary: {model: gpt-4o, provider: openai}, backup: {chain: local_only}}\n";

static struct config *config;
static struct health *health;
static struct call_request *request;
static struct route route;

static struct call_request *
new_request(const char *prompt)
{
	struct call_request *made = x_calloc(1, sizeof *made);
	struct json *message = json_new_object();

	made->config = config_ref(config);
	made->fallback = true;
	made->max_retries = -1;
	made->messages = json_new_array();
	json_set_text(message, "role", "user");
	json_set_text(message, "content", prompt);
	json_push(made->messages, message);
	call_request_judge(made);
	return made;
}

static void
set_up(void)
{
	support_make_folder();
	char *shipped = support_shipped("data/models.yaml");
	support_put("models.yaml", shipped, 0600);
	free(shipped);
	char *path = x_asprintf("%s/models.yaml", support_folder);
	struct config_env env = support_env(NULL);
	env.models_path = path;
	config = config_read_text(fleet, sizeof fleet - 1, "fleet.yaml", &env, &support_faults);
	char *report = support_report();
	ck_assert_msg(config != NULL, "%s", report);
	free(report);
	free(path);
	health = health_new();
}

static void
tear_down(void)
{
	call_request_free(request);
	request = NULL;
	route_free(&route);
	health_free(health);
	config_unref(config);
	support_remove_folder();
}

/* Chooses for a wish and orders. */
static void
order(const char *prompt, const struct choose_wish *wish)
{
	struct buf why;

	call_request_free(request);
	route_free(&route);
	request = new_request(prompt);
	buf_init(&why, 2000);
	int error = choose(request, wish, &why);
	ck_assert_msg(error == 0, "%s", why.data);
	buf_free(&why);
	struct route_want want = call_request_want(request);
	route_order(&route, health, &want, 1000);
}

/* The names of those that are in, or as many of them as are expected. */
static void
expect_in(const char *expected, size_t most)
{
	struct buf seen;
	size_t count = 0;

	buf_init(&seen, 4000);
	for (size_t i = 0; i < route.count && count < most; i++)
		if (route.candidates[i].out == ROUTE_IN)
			(void)buf_printf(&seen, "%s%s", count++ ? " " : "",
				route.candidates[i].target->name);
	ck_assert_str_eq(seen.data ? seen.data : "", expected);
	buf_free(&seen);
}

/* ---- the winners ---- */

static const struct winner {
	const char *strategy, *chain, *winners;
} winners[] = {
	/* written first in the chain */
	{"sequential", "all", "openai/gpt-4o-mini openai/gpt-4o openai/gpt-4"},
	{"fastest", "all", "openai/gpt-4o-mini openai/gpt-4o openai/gpt-4"},
	/* the least latency weighs most when all are well and idle: 400, 560, 1410 ms */
	{"load_balanced", "all", "groq/openai/gpt-oss-20b groq/llama-3.1-8b-instant openai/gpt-4o"},
	/* the quickest but for one, for a tenth of the price of what is better */
	{"balanced", "all", "groq/openai/gpt-oss-20b"},
	/* nothing; 200 answer tokens at 0.08 a million, then at 0.30 */
	{"cost_optimized", "all",
		"ollama/llama3.2 groq/llama-3.1-8b-instant groq/openai/gpt-oss-20b"},
	/* 400 ms, 560 ms, 1410 ms by the registry */
	{"latency_optimized", "all",
		"groq/openai/gpt-oss-20b groq/llama-3.1-8b-instant openai/gpt-4o"},
	/* 95, 70, 65 */
	{"quality_optimized", "all",
		"anthropic/claude-opus-5 anthropic/claude-haiku-4-5 gemini/gemini-2.5-flash"},
	/* the local one, then the cheapest of the others */
	{"local_first", "all", "ollama/llama3.2 groq/llama-3.1-8b-instant"},
	/* nothing is wanted: all tie, the price decides */
	{"capability_match", "all", "ollama/llama3.2 groq/llama-3.1-8b-instant"},
	/* 95, then 80 (deepseek-v4-flash), then 70 */
	{NULL, "high_quality",
		"anthropic/claude-opus-5 deepseek/deepseek-v4-flash anthropic/claude-haiku-4-5"},
	/* both cost nothing: the quicker one (840 against 1720 ms) */
	{NULL, "COST_optimized", "ollama/gemma3:1b ollama/llama3.2 groq/llama-3.1-8b-instant"},
	{NULL, "fast_latency", "groq/openai/gpt-oss-20b groq/llama-3.1-8b-instant"},
	{NULL, "local_only", "ollama/gemma3:1b ollama/llama3.2"},
	/* made for code and nothing else; then the best of the others that can code */
	{NULL, "code_generation", "mistral/codestral-latest anthropic/claude-opus-5"},
	/* 1048576, then a million each: the cheaper one */
	{NULL, "long_context",
		"gemini/gemini-2.5-flash deepseek/deepseek-v4-flash anthropic/claude-opus-5"},
	{NULL, "analysis", "anthropic/claude-opus-5 deepseek/deepseek-v4-flash"},
	/* as quick as its price is low: 0.0001 USD is nothing beside 400 ms */
	{NULL, "simple_tasks", "groq/openai/gpt-oss-20b groq/llama-3.1-8b-instant"},
};

START_TEST(the_winner_is_who_should_win)
{
	const struct winner *row = &winners[_i];
	struct choose_wish wish = {.strategy = row->strategy, .chain = row->chain};
	size_t count = 1;

	for (const char *c = row->winners; *c; c++)
		count += *c == ' ';
	order("Hello there.", &wish);
	expect_in(row->winners, count);
}
END_TEST

START_TEST(the_length_of_the_prompt_changes_who_is_cheapest)
{
	struct choose_wish wish = {
		.targets = (const char *const[]){"openai/gpt-5-nano", "groq/llama-3.1-8b-instant"},
		.target_count = 2,
		.strategy = "cost_optimized"};
	char *longer = x_malloc(200001);

	/* 200 answer tokens at 0.40 are dearer than at 0.08 */
	order("Hello.", &wish);
	expect_in("groq/llama-3.1-8b-instant openai/gpt-5-nano", 2);
	memset(longer, 'x', 200000);
	longer[200000] = '\0';
	order(longer, &wish);
	ck_assert_int_gt(route.candidates[0].cost_picousd, 0);
	ck_assert_int_le(route.candidates[0].cost_picousd, route.candidates[1].cost_picousd);
	free(longer);
}
END_TEST

/* ---- what candidates have to fit ---- */

START_TEST(what_is_required_has_to_be_known)
{
	struct choose_wish wish = {.chain = "all",
		.require = (const char *const[]){"vision", "reasoning"},
		.require_count = 2};

	/* the house model may see, but nobody knows */
	order("Hello.", &wish);
	expect_in("anthropic/claude-opus-5 anthropic/claude-haiku-4-5 gemini/gemini-2.5-flash", 9);
}
END_TEST

START_TEST(capabilities_alone_make_a_choice_of_all_that_is_offered)
{
	struct choose_wish wish = {.require = (const char *const[]){"local"}, .require_count = 1};

	order("Hello.", &wish);
	expect_in("ollama/gemma3:1b ollama/llama3.2", 9);
	ck_assert(!request->remembers);
	wish.require = (const char *const[]){"region:eu"};
	order("Hello.", &wish);
	expect_in("elsewhere/house-model", 9);
	wish = (struct choose_wish){
		.prefer = (const char *const[]){"reasoning", "vision"}, .prefer_count = 2};
	order("Hello.", &wish);
	expect_in("openai/gpt-5-nano mistral/mistral-small-latest gemini/gemini-2.5-flash", 3);
}
END_TEST

START_TEST(what_makes_embeddings_alone_is_for_those_who_require_them)
{
	struct choose_wish wish = {.provider = "embed"};

	order("Hello.", &wish);
	expect_in("embed/gpt-4o", 9);
	wish.require = (const char *const[]){"embedding"};
	wish.require_count = 1;
	order("Hello.", &wish);
	expect_in("embed/text-embedding-3-small", 9);
	wish = (struct choose_wish){.has_budget = true, .budget_picousd = 1000000000000};
	order("Hello.", &wish);
	for (size_t i = 0; i < route.count; i++)
		ck_assert(!strstr(route.candidates[i].target->name, "embedding") ||
			route.candidates[i].out == ROUTE_UNFIT);
}
END_TEST

START_TEST(a_budget_keeps_out_what_is_dearer_and_what_nobody_knows)
{
	struct choose_wish wish = {.chain = "all", .has_budget = true, .budget_picousd = 70000000};

	/* 200 answer tokens: groq's two cost 16 and 60 micro-dollars, the local one nothing */
	order("Hello.", &wish);
	expect_in("groq/llama-3.1-8b-instant groq/openai/gpt-oss-20b ollama/llama3.2", 9);
	wish.budget_picousd = 0;
	order("Hello.", &wish);
	expect_in("ollama/llama3.2", 9);
}
END_TEST

START_TEST(a_latency_keeps_out_what_is_known_to_be_slower)
{
	struct choose_wish wish = {.chain = "all", .max_latency_ms = 600};

	order("Hello.", &wish);
	expect_in("groq/llama-3.1-8b-instant groq/openai/gpt-oss-20b elsewhere/house-model", 9);
}
END_TEST

START_TEST(a_prompt_that_is_too_long_needs_no_word)
{
	struct choose_wish wish = {.chain = "all"};
	char *prompt = x_malloc(1200001);

	for (size_t i = 0; i < 1200000; i++)
		prompt[i] = i % 5 == 4 ? ' ' : 'x';
	prompt[1200000] = '\0';
	order(prompt, &wish);
	for (size_t i = 0; i < route.count; i++)
		if (strcmp(route.candidates[i].target->name, "openai/gpt-4") == 0 ||
			strcmp(route.candidates[i].target->name, "openai/gpt-4o") == 0)
			ck_assert_int_eq(route.candidates[i].out, ROUTE_TOO_SHORT);
	expect_in("anthropic/claude-opus-5", 1);
	free(prompt);
}
END_TEST

START_TEST(a_prompt_that_may_fit_is_the_providers_to_judge)
{
	struct choose_wish wish = {
		.targets = (const char *const[]){"openai/gpt-4"}, .target_count = 1};
	char prompt[4 * 10300 + 1];

	/* a context of 8192: what is estimated may be a quarter too high, 10240 */
	for (size_t words = 10200; words <= 10300; words += 100) {
		for (size_t i = 0; i < words; i++)
			memcpy(prompt + 4 * i, "the ", 4);
		prompt[4 * words] = '\0';
		order(prompt, &wish);
		ck_assert_int_ge(request->demand.prompt_tokens, (int64_t)words);
		ck_assert_int_eq(
			route.candidates[0].out, words == 10200 ? ROUTE_IN : ROUTE_TOO_SHORT);
	}
}
END_TEST

START_TEST(measured_latency_outranks_the_registry)
{
	struct outcome outcome;
	struct choose_wish wish = {.chain = "all", .strategy = "latency_optimized"};

	outcome_set(&outcome, OUTCOME_OK, "%s", "");
	(void)health_note(health, "groq", "groq/openai/gpt-oss-20b", &outcome, 9000, 500);
	(void)health_note(health, "openai", "openai/gpt-4", &outcome, 90, 500);
	order("Hello.", &wish);
	expect_in("openai/gpt-4 groq/llama-3.1-8b-instant", 2);
	ck_assert_str_eq(route_latency_source(&route.candidates[0]), "measured");
	ck_assert_str_eq(route_latency_source(&route.candidates[1]), "registry");
}
END_TEST

START_TEST(a_slow_hour_does_not_last_for_ever)
{
	struct health_policy policy = {.circuit = {3, 60000, 60000, 0}, .tracking = true};
	struct choose_wish wish = {.max_latency_ms = 2000,
		.targets = (const char *const[]){"elsewhere/house-model", "openai/gpt-4"},
		.target_count = 2};
	struct outcome outcome;

	health_set_policy(health, &policy);
	outcome_set(&outcome, OUTCOME_OK, "%s", "");
	(void)health_note(health, "elsewhere", "elsewhere/house-model", &outcome, 9000, 500);
	(void)health_note(health, "openai", "openai/gpt-4", &outcome, 9000, 500);
	order("Hello.", &wish);
	ck_assert_int_eq(route.candidates[0].out, ROUTE_TOO_SLOW);
	ck_assert_int_eq(route.candidates[0].out_for_ms, 59500);
	/* the registry has 5450 ms for it: that does not pass */
	ck_assert_int_eq(route.candidates[1].out, ROUTE_TOO_SLOW);
	ck_assert_int_eq(route.candidates[1].out_for_ms, 0);
	struct route_want want = call_request_want(request);
	route_free(&route);
	route_order(&route, health, &want, 60500);
	ck_assert_int_eq(route.candidates[0].out, ROUTE_IN);
	ck_assert_int_eq(route.candidates[1].out, ROUTE_TOO_SLOW);
}
END_TEST

/* How many of a thousand calls go to a target first, at that time. */
static int
firsts(const char *target, int64_t now_ms)
{
	struct choose_wish wish = {.chain = "pair"};
	int count = 0;

	for (int n = 1; n <= 1000; n++) {
		order("Hello.", &wish);
		route_free(&route);
		request->seed = (uint64_t)n;
		struct route_want want = call_request_want(request);
		route_order(&route, health, &want, now_ms);
		count += strcmp(route.candidates[0].target->name, target) == 0;
	}
	return count;
}

static void
ends(const char *provider, const char *target, enum outcome_class class, int64_t latency_ms,
	int times, int64_t now_ms)
{
	struct outcome outcome;

	outcome_set(&outcome, class, "%s", "");
	while (times-- > 0)
		(void)health_note(health, provider, target, &outcome, latency_ms, now_ms);
}

START_TEST(load_balanced_leans_away_within_seconds_and_comes_back)
{
	ends("openai", "openai/gpt-4o", OUTCOME_OK, 1000, 5, 1000);
	ends("anthropic", "anthropic/claude-opus-5", OUTCOME_OK, 1000, 5, 1000);
	int before = firsts("openai/gpt-4o", 1000);
	ck_assert_int_gt(before, 430);
	ck_assert_int_lt(before, 570);
	/* five failures in the next two seconds */
	ends("openai", "openai/gpt-4o", OUTCOME_SERVER_ERROR, 100, 5, 3000);
	int failing = firsts("openai/gpt-4o", 3000);
	ck_assert_int_lt(failing, 260);
	ck_assert_int_gt(firsts("openai/gpt-4o", 63000), 400);
	/* five slow answers */
	ends("openai", "openai/gpt-4o", OUTCOME_OK, 20000, 5, 63000);
	ck_assert_int_lt(firsts("openai/gpt-4o", 63000), 120);
	/* or calls that hang there */
	ends("openai", "openai/gpt-4o", OUTCOME_OK, 1000, 40, 64000);
	ck_assert_int_gt(firsts("openai/gpt-4o", 64000), 430);
	for (int i = 0; i < 9; i++)
		(void)health_begin(health, "openai", "openai/gpt-4o", 64000);
	ck_assert_int_lt(firsts("openai/gpt-4o", 64000), 120);
}
END_TEST

/* ---- what is named ---- */

static const struct task {
	const char *type, *chain, *warning;
} tasks[] = {
	{"code", "code_generation", NULL},
	{"CODE-GENERATIONS", "code_generation", NULL},
	{"simple_task", "simple_tasks", NULL},
	{"analysis", "analysis", NULL},
	{"analyse", "Analyses", NULL},
	{"poetry", "all", "task_type `poetry` is not known"},
};

START_TEST(a_task_takes_the_chain_of_its_name)
{
	struct choose_wish wish = {.task_type = tasks[_i].type};

	free(config->default_chain);
	config->default_chain = x_strdup("all");
	order("Hello.", &wish);
	ck_assert_str_eq(request->chain->name, tasks[_i].chain);
	if (!tasks[_i].warning) {
		ck_assert_ptr_null(request->warnings);
		return;
	}
	const char *text = json_string(json_at(request->warnings, 0), NULL);
	ck_assert(util_starts_with(text, tasks[_i].warning));
}
END_TEST

static const struct judged {
	const char *prompt, *chain;
} judged[] = {
	{"What is the capital of Norway?", "simple_tasks"},
	{"Why does this fail?\n```\nx = 1\n```", "code_generation"},
	{"def f(x):\n  return x != 2", "code_generation"},
	{"Tell me of the class struggle.", "simple_tasks"},
};

START_TEST(a_user_has_the_luck_of_the_weights_alone_for_ever)
{
	struct choose_wish wish = {.chain = "drawn"};

	order("Hello.", &wish);
	request->end_user = x_strdup("u1");
	/* else one user in twenty would explore with every call */
	request->strategy = STRATEGY_latency_optimized;
	choose_stick(request);
	ck_assert_uint_eq(request->seed, 0);
	request->strategy = STRATEGY_sequential;
	choose_stick(request);
	ck_assert_uint_eq(request->seed, strategy_seed("drawn", "u1"));
}
END_TEST

START_TEST(auto_judges_by_the_request)
{
	struct choose_wish wish = {.task_type = "auto"};

	order(judged[_i].prompt, &wish);
	ck_assert_str_eq(request->chain->name, judged[_i].chain);
}
END_TEST

START_TEST(auto_knows_lengths_images_and_tools)
{
	struct json *none = json_new_array();

	ck_assert_str_eq(task_judge(none, true, false, 90000), "balanced");
	ck_assert_str_eq(task_judge(none, false, false, TASK_LONG_TOKENS), "long_context");
	ck_assert_str_eq(task_judge(none, false, false, TASK_SHORT_TOKENS), "simple_tasks");
	ck_assert_str_eq(task_judge(none, false, true, TASK_SHORT_TOKENS), "balanced");
	ck_assert_str_eq(task_judge(none, false, false, TASK_SHORT_TOKENS + 1), "balanced");
	json_free(none);
}
END_TEST

START_TEST(a_provider_alone_stays_alone_whatever_the_task)
{
	struct choose_wish wish = {.provider = "ollama", .task_type = "high_quality"};

	order("Hello.", &wish);
	ck_assert_uint_eq(route.count, 2);
	/* by the task's order: llama3.2 has 35, gemma3:1b 30 */
	expect_in("ollama/llama3.2 ollama/gemma3:1b", 2);
}
END_TEST

START_TEST(by_the_local_task_nothing_leaves_the_host)
{
	struct choose_wish wish = {.provider = "openai", .task_type = "Local-Only"};
	struct config_chain *chain = config_find_chain(config, "local_only", false);
	struct buf why;

	order("Hello.", &wish);
	expect_in("", 9);
	ck_assert_int_eq(route.candidates[0].out, ROUTE_ELSEWHERE);
	wish.provider = NULL;
	chain->target_count = 0;
	call_request_free(request);
	request = new_request("Hello.");
	buf_init(&why, 4000);
	ck_assert_int_eq(choose(request, &wish, &why), LLMFO_ENOT_FOUND);
	ck_assert_str_eq(
		why.data, "no configured target fits the chain `local_only` (local ones alone)");
	buf_free(&why);
}
END_TEST

START_TEST(agents_can_use_chains_made_by_rule)
{
	struct choose_wish wish = {.agent = "local"};

	order("Hello.", &wish);
	expect_in("ollama/gemma3:1b ollama/llama3.2", 9);
	wish.agent = "pooled";
	order("Hello.", &wish);
	expect_in("openai/gpt-4o ollama/llama3.2 ollama/gemma3:1b", 9);
}
END_TEST

static const struct refusal {
	struct choose_wish wish;
	int error;
	const char *why;
} refusals[] = {
	{{.chain = "all", .agent = "local"}, LLMFO_EINVALID_REQUEST, "give one of `targets`"},
	{{.strategy = "best"}, LLMFO_EINVALID_REQUEST,
		"parameter `strategy`: `best` is not one of: sequential, "},
	{{.require = (const char *const[]){"sight"}, .require_count = 1}, LLMFO_EINVALID_REQUEST,
		"parameter `require`: `sight` is not one of: chat, code, "},
	{{.prefer = (const char *const[]){"local"}, .prefer_count = 1}, LLMFO_EINVALID_REQUEST,
		"parameter `prefer`: `local` is not one of: chat, code, "},
	{{.chain = "none"}, LLMFO_ENOT_FOUND, "there is no chain `none`; there are: all, "},
	{{.provider = "nobody"}, LLMFO_ENOT_FOUND, "there is no provider `nobody`; there are: "},
	{{.model = "gpt-9"}, LLMFO_ENOT_FOUND, "no provider lists the model `gpt-9`"},
};

START_TEST(what_is_not_there_is_told_with_what_there_is)
{
	const struct refusal *row = &refusals[_i];
	struct buf why;

	request = new_request("Hello.");
	buf_init(&why, 4000);
	ck_assert_int_eq(choose(request, &row->wish, &why), row->error);
	ck_assert_msg(util_starts_with(why.data, row->why), "%s", why.data);
	buf_free(&why);
}
END_TEST

START_TEST(the_strategy_says_whether_it_is_a_race_and_what_is_remembered)
{
	struct choose_wish wish = {.chain = "all"};

	order("Hello.", &wish);
	ck_assert(request->remembers);
	ck_assert_int_eq(request->race.max_parallel, 1);
	wish.strategy = "fastest";
	order("Hello.", &wish);
	ck_assert(!request->remembers);
	ck_assert_int_eq(request->race.max_parallel, 0);
	ck_assert_int_eq(request->race.hedge_after_ms, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("choose");
	TCase *tests = tcase_create("choose");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, the_winner_is_who_should_win, 0, UTIL_COUNT(winners));
	tcase_add_test(tests, the_length_of_the_prompt_changes_who_is_cheapest);
	tcase_add_test(tests, what_is_required_has_to_be_known);
	tcase_add_test(tests, capabilities_alone_make_a_choice_of_all_that_is_offered);
	tcase_add_test(tests, what_makes_embeddings_alone_is_for_those_who_require_them);
	tcase_add_test(tests, a_budget_keeps_out_what_is_dearer_and_what_nobody_knows);
	tcase_add_test(tests, a_latency_keeps_out_what_is_known_to_be_slower);
	tcase_add_test(tests, a_prompt_that_is_too_long_needs_no_word);
	tcase_add_test(tests, a_prompt_that_may_fit_is_the_providers_to_judge);
	tcase_add_test(tests, measured_latency_outranks_the_registry);
	tcase_add_test(tests, a_slow_hour_does_not_last_for_ever);
	tcase_add_test(tests, load_balanced_leans_away_within_seconds_and_comes_back);
	tcase_add_loop_test(tests, a_task_takes_the_chain_of_its_name, 0, UTIL_COUNT(tasks));
	tcase_add_test(tests, a_user_has_the_luck_of_the_weights_alone_for_ever);
	tcase_add_loop_test(tests, auto_judges_by_the_request, 0, UTIL_COUNT(judged));
	tcase_add_test(tests, auto_knows_lengths_images_and_tools);
	tcase_add_test(tests, a_provider_alone_stays_alone_whatever_the_task);
	tcase_add_test(tests, by_the_local_task_nothing_leaves_the_host);
	tcase_add_test(tests, agents_can_use_chains_made_by_rule);
	tcase_add_loop_test(
		tests, what_is_not_there_is_told_with_what_there_is, 0, UTIL_COUNT(refusals));
	tcase_add_test(tests, the_strategy_says_whether_it_is_a_race_and_what_is_remembered);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
