/* SPDX-License-Identifier: MIT */
/* Costs to the last pico-dollar, and what is not known or too large said to be so. */
#include "support/config_support.h"

#include "pricing.h"

static struct registry *registry;

/* The registry as it is shipped. */
static void
load(void)
{
	char *text = support_shipped("data/models.yaml");
	struct config_env env = support_env(NULL);

	support_make_folder();
	support_put("models.yaml", text, 0600);
	free(text);
	char *path = x_asprintf("%s/models.yaml", support_folder);
	env.models_path = path;
	struct config *config = config_read_text(ONE, strlen(ONE), "t.yaml", &env, &support_faults);
	ck_assert_ptr_nonnull(config);
	registry = config->registry;
	config->registry = NULL;
	config_unref(config);
	free(path);
}

static void
unload(void)
{
	registry_free(registry);
	config_faults_free(&support_faults);
	support_remove_folder();
}

static const struct {
	const char *preset, *model;
	int64_t prompt, cached, completion, picousd;
} worked[] = {
	{"openai", "gpt-4o", 1000, 0, 500, INT64_C(7500000000)},
	{"openai", "gpt-4o-mini", 12345, 10240, 678, INT64_C(1490550000)},
	{"openai", "gpt-4", 8000, 0, 192, INT64_C(251520000000)},
	{"openai", "gpt-3.5-turbo", 1, 0, 1, INT64_C(2000000)},
	{"openai", "gpt-5-nano", 100001, 99999, 7, INT64_C(502895000)},
	{"anthropic", "claude-3-haiku-20240307", 2000, 1024, 300, INT64_C(649720000)},
	{"anthropic", "claude-opus-5", 150000, 120000, 8000, INT64_C(410000000000)},
	{"mistral", "mistral-tiny", 777, 0, 333, INT64_C(277500000)},
	{"groq", "llama-3.1-8b-instant", 128000, 0, 8192, INT64_C(7055360000)},
	{"groq", "openai/gpt-oss-20b", 1001, 1000, 3, INT64_C(38475000)},
	{"deepseek", "deepseek-v4-pro", 65537, 65536, 1, INT64_C(238873000)},
	{"ollama", "qwen2.5:0.5b", 5000, 0, 5000, INT64_C(0)},
};

START_TEST(worked_costs_come_out_to_the_last_picodollar)
{
	struct provider_usage usage = {
		.prompt_tokens = worked[_i].prompt,
		.cached_tokens = worked[_i].cached,
		.completion_tokens = worked[_i].completion,
	};
	struct registry_key key = {.preset = worked[_i].preset, .model = worked[_i].model};
	struct model_facts facts;

	registry_find(registry, &key, &facts);
	struct pricing_cost cost = pricing_of_usage(&facts, &usage);
	ck_assert_msg(cost.picousd == worked[_i].picousd && !cost.unknown, "%s: %lld",
		worked[_i].model, (long long)cost.picousd);
}
END_TEST

#define ALL MODEL_PRICES
#define IN MODEL_INPUT_PRICE
#define OUT MODEL_OUTPUT_PRICE
#define CACHED MODEL_CACHED_PRICE

/* Prices 10, 1 (cached) and 100, as far as they are known. */
static const struct {
	unsigned known;
	int64_t prompt, cached, completion, picousd;
	bool unknown;
} partial[] = {
	{ALL, 5, 2, 3, 332, false},
	{ALL, 0, 0, 0, 0, false},
	{0, 0, 0, 0, 0, false},
	{0, 1, 0, 0, 0, true},
	{0, 0, 0, 1, 0, true},
	{IN, 5, 0, 0, 50, false},
	{IN, 5, 0, 1, 50, true},
	{IN | OUT, 5, 2, 1, 150, false}, /* no price for the cached: as dear as the rest */
	{OUT, 5, 0, 1, 100, true},
	{CACHED | OUT, 5, 5, 1, 105, false},
	{CACHED | OUT, 5, 4, 1, 104, true},
	{ALL, 5, 9, 0, 5, false}, /* more cached than there was: no more than all */
	{ALL, -5, -1, -7, 0, false},
	{ALL, INT64_MAX, 0, 0, INT64_MAX, true},
	{ALL, INT64_MAX / 10, 0, INT64_MAX / 100, INT64_MAX, true},
};

START_TEST(what_is_unknown_or_beyond_counting_is_marked)
{
	struct model_facts facts = {
		.known = partial[_i].known,
		.input_picousd = 10,
		.cached_picousd = 1,
		.output_picousd = 100,
	};
	struct provider_usage usage = {
		.prompt_tokens = partial[_i].prompt,
		.cached_tokens = partial[_i].cached,
		.completion_tokens = partial[_i].completion,
	};

	struct pricing_cost cost = pricing_of_usage(&facts, &usage);
	ck_assert_int_eq(cost.picousd, partial[_i].picousd);
	ck_assert_int_eq(cost.unknown, partial[_i].unknown);
}
END_TEST

START_TEST(an_estimate_takes_nothing_as_cached)
{
	struct model_facts facts = {
		.known = ALL, .input_picousd = 10, .cached_picousd = 1, .output_picousd = 100};

	ck_assert_int_eq(pricing_estimate(&facts, 5, 3).picousd, 350);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pricing");
	TCase *tests = tcase_create("pricing");

	tcase_add_checked_fixture(tests, load, unload);
	tcase_add_loop_test(
		tests, worked_costs_come_out_to_the_last_picodollar, 0, UTIL_COUNT(worked));
	tcase_add_loop_test(
		tests, what_is_unknown_or_beyond_counting_is_marked, 0, UTIL_COUNT(partial));
	tcase_add_test(tests, an_estimate_takes_nothing_as_cached);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
