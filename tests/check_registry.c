/* SPDX-License-Identifier: MIT */
/* What is known of a model: which of several words about it holds, and what namesakes lend. */
#include "support/config_support.h"

#include "registry.h"

/* Facts about models of one test, read as the file that is shipped. */
static struct config *
read_with(const char *shipped, const char *text)
{
	struct config_env env = support_env(NULL);
	char *path = x_asprintf("%s/shipped.yaml", support_folder);
	char *name = x_asprintf("%s/llmfo.yaml", support_folder);

	support_put("shipped.yaml", shipped, 0600);
	env.models_path = path;
	struct config *config = config_read_text(text, strlen(text), name, &env, &support_faults);
	char *report = support_report();
	ck_assert_msg(config != NULL, "%s", report);
	free(report);
	free(path);
	free(name);
	return config;
}

static const struct model_facts *
facts_of(const struct config *config, const char *name)
{
	const struct config_target *target = config_find_target(config, name);

	ck_assert_msg(target != NULL, "%s", name);
	return &target->facts;
}

START_TEST(what_nobody_says_is_unknown)
{
	struct config *c = read_with("models: {openai/x: {quality: 5}}", ONE);
	const struct model_facts *facts = facts_of(c, "openai/m");

	ck_assert_uint_eq(facts->known, 0);
	ck_assert_uint_eq(facts->capabilities_known, 0);
	ck_assert(!facts->local);
	config_unref(c);
}
END_TEST

START_TEST(what_the_configuration_says_outranks_files_fact_by_fact)
{
	support_put("one.yaml",
		"models: {openai/m: {context: 1, max_output: 1, price: {input: 1, output: 1}}}",
		0600);
	support_put("two.yaml", "models: {m: {context: 2, price: {input: 2}}}", 0600);
	struct config *c = read_with("models: {openai/m: {quality: 9, context: 9, latency: 9ms}}",
		ONE "registry: [one.yaml, two.yaml]\n"
		    "models: {openai/m: {price: {input: 3.000001}}}\n");
	const struct model_facts *facts = facts_of(c, "openai/m");

	ck_assert_int_eq(facts->input_picousd, 3000001);
	ck_assert_int_eq(facts->output_picousd, 1000000);
	ck_assert_int_eq(facts->context_tokens, 2);
	ck_assert_int_eq(facts->max_output_tokens, 1);
	ck_assert_int_eq(facts->quality, 9);
	ck_assert_int_eq(facts->typical_latency_ms, 9);
	ck_assert_uint_eq(facts->known, MODEL_EVERYTHING & ~(MODEL_CACHED_PRICE | MODEL_CAPABLE));
	config_unref(c);
}
END_TEST

START_TEST(a_providers_own_name_goes_before_its_kind_and_both_before_the_bare_model)
{
	struct config *c = read_with("models: {m: {quality: 1, context: 1, max_output: 1}, "
				     "openai/m: {quality: 2, context: 2}, eu/m: {quality: 3}}",
		"providers: {eu: {api: openai, api_key: k, models: [m]}}");
	const struct model_facts *facts = facts_of(c, "eu/m");

	ck_assert_int_eq(facts->quality, 3);
	ck_assert_int_eq(facts->context_tokens, 2);
	ck_assert_int_eq(facts->max_output_tokens, 1);
	config_unref(c);
}
END_TEST

#define WHOLE "{context: 5, price: {input: 1, output: 1}, quality: 4, capabilities: [vision]}"

/* What a target gets from facts about another name. */
static const struct {
	const char *known, *provider, *model;
	bool price, quality, context;
} kin[] = {
	{"ollama/llama3.2", "ollama", "llama3.2:latest", true, true, true},
	{"ollama/llama3.2:latest", "ollama", "llama3.2", true, true, true},
	{"ollama/llama3.2", "ollama", "llama3.2:1b", false, false, true},
	{"ollama/gemma3:1b", "ollama", "gemma3:27b", false, false, false},
	{"anthropic/claude-haiku-4-5", "anthropic", "claude-haiku-4-5-20251001", true, true, true},
	{"openai/gpt-4o", "openai", "gpt-4o-2024-08-06", false, false, true},
	{"openai/gpt-4o", "openai", "gpt-4o-mini", false, false, false},
	{"openai/gpt-4o", "azure", "gpt-4o", false, true, true},
	{"openai/gpt-4o", "openrouter", "openai/gpt-4o", false, true, true},
	{"gpt-4o", "azure", "gpt-4o", true, true, true},
	{"gemini/gemini-2.5-pro", "gemini", "models/gemini-2.5-pro", true, true, true},
};

START_TEST(namesakes_lend_what_they_can_do_not_their_price)
{
	char *shipped = x_asprintf("models: {\"%s\": " WHOLE "}", kin[_i].known);
	char *text = x_asprintf("providers: {%s: {base_url: \"http://x.example\", local: false, "
				"api_key: k, models: [\"%s\"]}}",
		kin[_i].provider, kin[_i].model);
	char *name = x_asprintf("%s/%s", kin[_i].provider, kin[_i].model);
	struct config *c = read_with(shipped, text);
	const struct model_facts *facts = facts_of(c, name);

	ck_assert_int_eq((facts->known & MODEL_INPUT_PRICE) != 0, kin[_i].price);
	ck_assert_int_eq((facts->known & MODEL_QUALITY) != 0, kin[_i].quality);
	ck_assert_int_eq((facts->known & MODEL_CONTEXT) != 0, kin[_i].context);
	ck_assert_int_eq((facts->capabilities & MODEL_CAN_VISION) != 0, kin[_i].context);
	config_unref(c);
	free(name);
	free(text);
	free(shipped);
}
END_TEST

START_TEST(what_goes_to_a_local_provider_costs_nothing)
{
	struct config *c = read_with(
		"models: {ollama/x: " WHOLE "}", "providers: {ollama: {models: [x, unheard-of]}}");

	ck_assert_int_eq(facts_of(c, "ollama/x")->input_picousd, 0);
	ck_assert_uint_eq(facts_of(c, "ollama/unheard-of")->known, MODEL_PRICES);
	ck_assert(facts_of(c, "ollama/unheard-of")->local);
	config_unref(c);
}
END_TEST

START_TEST(a_context_says_whether_it_is_long)
{
	struct config *c = read_with("models: {a: {context: 99999}, b: {context: 100000}, "
				     "c: {context: 200000, capabilities: [chat]}}",
		"providers: {openai: {api_key: k, models: [a, b, c]}}");

	ck_assert_uint_eq(facts_of(c, "openai/a")->capabilities, 0);
	ck_assert_uint_eq(facts_of(c, "openai/a")->capabilities_known, MODEL_CAN_LONG_CONTEXT);
	ck_assert_uint_eq(facts_of(c, "openai/b")->capabilities, MODEL_CAN_LONG_CONTEXT);
	ck_assert_uint_eq(facts_of(c, "openai/c")->capabilities, MODEL_CAN_CHAT);
	config_unref(c);
}
END_TEST

START_TEST(a_target_that_a_call_names_is_known_too)
{
	struct config *c = read_with("models: {openai/other: {context: 77}}",
		"providers: {openai: {api_key: k, models: [m]}}");
	const char *name = "openai/other";
	struct config_chain *chain;
	struct buf why;

	buf_init(&why, 200);
	ck_assert_int_eq(config_make_chain(c, &name, 1, &chain, &why), 0);
	ck_assert_int_eq(chain->targets[0]->facts.context_tokens, 77);
	config_chain_free(chain);
	config_unref(c);
}
END_TEST

START_TEST(without_the_shipped_file_all_works_and_nothing_is_known)
{
	struct config_env env = support_env(NULL);

	env.models_path = "/nowhere/models.yaml";
	struct config *c = config_read_text(ONE, strlen(ONE), "t.yaml", &env, &support_faults);
	char *report = support_report();

	ck_assert_ptr_nonnull(c);
	ck_assert_str_eq(report,
		"warning: cannot be read: No such file or directory; what models cost and can do "
		"is not known\n");
	free(report);
	config_unref(c);
}
END_TEST

START_TEST(the_shipped_file_holds_what_the_environment_makes)
{
	char *shipped = support_shipped("data/models.yaml");
	struct config_env env = support_env(
		(const char *[]){"OPENAI_API_KEY", "k", "ANTHROPIC_API_KEY", "k", "GEMINI_API_KEY",
			"k", "GROQ_API_KEY", "k", "MISTRAL_API_KEY", "k", "TOGETHER_API_KEY", "k",
			"DEEPSEEK_API_KEY", "k", "OLLAMA_URL", "http://localhost:11434", NULL});
	char *path = x_asprintf("%s/shipped.yaml", support_folder);

	support_put("shipped.yaml", shipped, 0600);
	env.models_path = path;
	struct config *c = config_from_env(&env, &support_faults);
	char *report = support_report();
	ck_assert_msg(c != NULL, "%s", report);
	ck_assert_uint_ge(registry_count(c->registry), 89);
	ck_assert_uint_eq(c->target_count, 8);
	for (size_t i = 0; i < c->target_count; i++)
		ck_assert_msg(c->targets[i]->facts.known == (MODEL_EVERYTHING & ~MODEL_CAPABLE),
			"%s", c->targets[i]->name);
	ck_assert_int_eq(facts_of(c, "openai/gpt-4o-mini")->input_picousd, 150000);
	config_unref(c);
	free(report);
	free(path);
	free(shipped);
}
END_TEST

/* Faults of a file under registry:, with their places. */
static const struct {
	const char *file, *report;
} faulty[] = {
	{"", "holds no models; it needs a map `models: {provider/model: {...}}`\n"},
	{"model:\n  a: {}\n", "1:1: model: unknown key `model`; known here: models\n"},
	{"models: [a]\n", "1:1: models: must be a map of models: `provider/model: {...}`\n"},
	{"models:\n  a: {contxt: 1}\n",
		"2:7: models.a.contxt: unknown key `contxt`; did you mean `context`?\n"},
	{"models:\n  a: {price: {input: -1}}\n",
		"2:22: models.a.price.input: `-1` must not be negative\n"},
	{"models:\n  a: {price: {input: 1.0000001}}\n",
		"2:22: models.a.price.input: `1.0000001` has more than 6 places behind the "
		"point\n"},
	{"models:\n  a: {price: {input: $1}}\n",
		"2:22: models.a.price.input: `$1` must be USD per million tokens as a decimal, "
		"such as 2.50\n"},
	{"models:\n  a: {price: {input: 1000001}}\n",
		"2:22: models.a.price.input: `1000001` is out of range: 0.00 to 1000000.00\n"},
	{"models:\n  a: {price: 1}\n", "2:14: models.a.price: must be a map of keys\n"},
	{"models:\n  a: {capabilities: [visoin]}\n",
		"2:22: models.a.capabilities[0]: there is no capability `visoin`; did you mean "
		"`vision`?\n"},
	{"models:\n  a: {quality: 101}\n",
		"2:16: models.a.quality: `101` is out of range: 0 to 100\n"},
	{"models:\n  a: {latency: 5}\n",
		"2:16: models.a.latency: `5` has no unit; write it as in 500ms, 30s or 1m30s\n"},
};

START_TEST(faults_in_a_file_of_facts_are_told_with_their_place)
{
	struct config *c;

	support_put("facts.yaml", faulty[_i].file, 0600);
	char *report = support_read_there(ONE "registry: [facts.yaml]\n", false, &c);
	ck_assert_ptr_null(c);
	ck_assert_str_eq(report, faulty[_i].report);
	free(report);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("registry");
	TCase *tests = tcase_create("registry");

	tcase_add_checked_fixture(tests, support_make_folder, support_remove_folder);
	tcase_add_test(tests, what_nobody_says_is_unknown);
	tcase_add_test(tests, what_the_configuration_says_outranks_files_fact_by_fact);
	tcase_add_test(
		tests, a_providers_own_name_goes_before_its_kind_and_both_before_the_bare_model);
	tcase_add_loop_test(
		tests, namesakes_lend_what_they_can_do_not_their_price, 0, UTIL_COUNT(kin));
	tcase_add_test(tests, what_goes_to_a_local_provider_costs_nothing);
	tcase_add_test(tests, a_context_says_whether_it_is_long);
	tcase_add_test(tests, a_target_that_a_call_names_is_known_too);
	tcase_add_test(tests, without_the_shipped_file_all_works_and_nothing_is_known);
	tcase_add_test(tests, the_shipped_file_holds_what_the_environment_makes);
	tcase_add_loop_test(
		tests, faults_in_a_file_of_facts_are_told_with_their_place, 0, UTIL_COUNT(faulty));
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
