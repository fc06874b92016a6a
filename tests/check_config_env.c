/* SPDX-License-Identifier: MIT */
/* The configuration that the environment makes. */
#include <unistd.h>

#include "server_config.h"
#include "support/config_support.h"

static struct config *
from_env(const char *const *pairs, char **report)
{
	struct config_env env = support_env(pairs);
	struct config *config = config_from_env(&env, &support_faults);

	*report = support_report();
	return config;
}

START_TEST(the_order_is_fixed_and_the_free_one_comes_first)
{
	char *report;
	struct config *c = from_env(
		(const char *[]){"OPENROUTER_API_KEY", "k", "DEEPSEEK_API_KEY", "k",
			"TOGETHER_API_KEY", "k", "MISTRAL_API_KEY", "k", "OPENAI_API_KEY", "k",
			"GROQ_API_KEY", "k", "GEMINI_API_KEY", "k", "ANTHROPIC_API_KEY", "k",
			"OLLAMA_URL", "http://localhost:11434/", NULL},
		&report);
	static const char *const order[] = {"ollama", "gemini", "groq", "openai", "anthropic",
		"mistral", "together", "deepseek", "openrouter"};

	ck_assert_str_eq(report, "");
	ck_assert_uint_eq(c->provider_count, UTIL_COUNT(order));
	const struct config_chain *chain = config_find_chain(c, "default", false);
	ck_assert_uint_eq(chain->target_count, UTIL_COUNT(order));
	for (size_t i = 0; i < UTIL_COUNT(order); i++) {
		const struct config_provider *provider = chain->targets[i]->provider;
		ck_assert_str_eq(provider->name, order[i]);
		ck_assert(provider->configured);
		ck_assert_str_eq(
			chain->targets[i]->model, provider->endpoint.preset->default_model);
	}
	ck_assert(c->providers[0]->local && !c->providers[1]->local);
	ck_assert_str_eq(c->source, "environment");
	ck_assert_str_eq(c->default_chain, "default");
	ck_assert(c->enable_fallback && c->callers.everybody);
	config_unref(c);
	free(report);
}
END_TEST

START_TEST(a_provider_takes_its_variables)
{
	char *report;
	struct config *c =
		from_env((const char *[]){"OPENAI_API_KEY", "k", "OPENAI_MODEL_NAME", "b",
				 "OPENAI_MODEL", "a", "OPENAI_BASE_URL", "https://api.example/v1/",
				 "OPENAI_TIMEOUT", "2.5", "GROQ_API_KEY", "g", "GROQ_MODEL_NAME",
				 "llama-x", "MISTRAL_API_KEY", "", NULL},
			&report);
	const struct config_provider *openai = config_find_provider(c, "openai");

	ck_assert_str_eq(report, "");
	support_targets(config_find_chain(c, "default", false), "groq/llama-x openai/a");
	ck_assert_str_eq(openai->endpoint.base_url, "https://api.example/v1");
	ck_assert_str_eq(openai->endpoint.key, "k");
	ck_assert_str_eq(openai->key_variable, "OPENAI_API_KEY");
	ck_assert_int_eq(openai->timeout.total_ms, 2500);
	ck_assert_int_eq(openai->timeout.connect_ms, 2000);
	ck_assert_int_eq(openai->timeout.first_token_ms, 2500);
	config_unref(c);
	free(report);
}
END_TEST

START_TEST(the_first_one_can_be_named)
{
	static const struct {
		const char *variable, *value, *first;
	} table[] = {
		{"PRIMARY_LLM", "openai", "openai"},
		{"PRIMARY_LLM", "OpenAI", "openai"},
		{"PRIMARY_LLM", "google", "gemini"},
		{"PRIMARY_LLM", "GEMINI", "gemini"},
		{"LLM_DEFAULT_PROVIDER", "groq", "groq"},
		{"PRIMARY_LLM", "ollama", "ollama"},
	};
	char *report;
	struct config *c =
		from_env((const char *[]){"OPENAI_API_KEY", "k", "GROQ_API_KEY", "k",
				 "GEMINI_API_KEY", "k", "OLLAMA_BASE_URL", "http://localhost:11434",
				 table[_i].variable, table[_i].value, NULL},
			&report);

	ck_assert_str_eq(report, "");
	ck_assert_str_eq(c->chains[0]->targets[0]->provider->name, table[_i].first);
	ck_assert_uint_eq(c->chains[0]->target_count, 4);
	config_unref(c);
	free(report);
}
END_TEST

START_TEST(faults_of_the_environment_are_told)
{
	static const struct {
		const char *name, *value, *report;
	} table[] = {
		{"PRIMARY_LLM", "groq", "PRIMARY_LLM is 'groq' but GROQ_API_KEY is not set\n"},
		{"PRIMARY_LLM", "Claude",
			"PRIMARY_LLM is 'Claude' but ANTHROPIC_API_KEY is not set\n"},
		{"LLM_DEFAULT_PROVIDER", "ollama",
			"LLM_DEFAULT_PROVIDER is 'ollama' but OLLAMA_BASE_URL is not set\n"},
		{"PRIMARY_LLM", "hal",
			"PRIMARY_LLM is 'hal'; it must be one of ollama, gemini, "
			"groq, openai, anthropic, mistral, together, deepseek, openrouter\n"},
		{"OPENAI_TIMEOUT", "0",
			"OPENAI_TIMEOUT is '0'; it must be a number of seconds "
			"from 0.001 to 86400\n"},
		{"OPENAI_TIMEOUT", "-3", "OPENAI_TIMEOUT is '-3'; it must be a number"},
		{"OPENAI_TIMEOUT", "30s", "OPENAI_TIMEOUT is '30s'; it must be a number"},
		{"OPENAI_TIMEOUT", "nan", "OPENAI_TIMEOUT is 'nan'; it must be a number"},
		{"OPENAI_BASE_URL", "ftp://x", "the URL of openai cannot be used: "},
		{"LLM_ROUTING_STRATEGY", "quickest",
			"LLM_ROUTING_STRATEGY is 'quickest': unknown "
			"strategy; available: sequential, fastest, "},
		{"LLM_ENABLE_FALLBACK", "maybe",
			"LLM_ENABLE_FALLBACK is 'maybe'; it must be true or false\n"},
		{"GROQ_API_KEY", "two words", "GROQ_API_KEY: the key holds a line break, a blank"},
	};
	char *report;
	struct config *c = from_env(
		(const char *[]){"OPENAI_API_KEY", "k", table[_i].name, table[_i].value, NULL},
		&report);

	ck_assert_ptr_null(c);
	ck_assert_msg(util_starts_with(report, table[_i].report), "%s", report);
	free(report);
}
END_TEST

START_TEST(a_faulty_key_is_not_called_unset)
{
	char *report;

	ck_assert_ptr_null(
		from_env((const char *[]){"OPENAI_API_KEY", "two words", NULL}, &report));
	ck_assert_str_eq(report,
		"OPENAI_API_KEY: the key holds a line break, a blank or another character that no "
		"key has\n");
	free(report);
}
END_TEST

START_TEST(only_no_file_at_all_means_the_environment)
{
	char *nothing = x_asprintf("%s/nothing", support_folder);
	char *link = x_asprintf("%s/link", support_folder);
	char *beneath = x_asprintf("%s/file/llmfo.yaml", support_folder);

	support_put("file", "", 0600);
	ck_assert_int_eq(symlink(nothing, link), 0);
	ck_assert(!server_config_exists(nothing));
	ck_assert(server_config_exists(support_folder));
	ck_assert(server_config_exists(link));
	ck_assert(server_config_exists(beneath));
	free(beneath);
	free(link);
	free(nothing);
}
END_TEST

START_TEST(administrators_are_root_and_a_group_that_may_be_missing)
{
	char *report;
	struct config *c = from_env((const char *[]){"OPENAI_API_KEY", "k", NULL}, &report);

	ck_assert_str_eq(report, "");
	ck_assert_str_eq(c->admins.names[0], "root");
	ck_assert_str_eq(c->admins.names[1], "@llmfo-admin");
	ck_assert_uint_eq(c->admins.uid_count, 1);
	ck_assert_uint_le(c->admins.gid_count, 1);
	free(report);
	config_unref(c);
}
END_TEST

START_TEST(a_key_that_goes_unencrypted_is_a_warning)
{
	static const struct {
		const char *name, *value, *report;
	} table[] = {
		{"OPENAI_BASE_URL", "http://far.example/v1",
			"warning: the key of openai goes over "
			"the network unencrypted; use https\n"},
		{"OPENAI_BASE_URL", "http://127.0.0.1:9/v1", ""},
	};
	char *report;
	struct config *c = from_env(
		(const char *[]){"OPENAI_API_KEY", "k", table[_i].name, table[_i].value, NULL},
		&report);

	ck_assert_ptr_nonnull(c);
	ck_assert_str_eq(report, table[_i].report);
	config_unref(c);
	free(report);
}
END_TEST

START_TEST(a_redis_is_taken_from_its_variable)
{
	static const struct {
		const char *value, *report, *shown;
	} table[] = {
		{"redis://:s3cret@h", "", "redis://h:6379/0"},
		{"", "", NULL},
		{"rediss://:s3cret@h", "REDIS_URL cannot be used: TLS is not supported", NULL},
		{"s3cret", "REDIS_URL cannot be used: it must begin with redis://", NULL},
	};
	char *report;
	struct config *c = from_env(
		(const char *[]){"OPENAI_API_KEY", "k", "REDIS_URL", table[_i].value, NULL},
		&report);

	ck_assert((c != NULL) == !table[_i].report[0]);
	ck_assert_msg(util_starts_with(report, table[_i].report), "%s", report);
	ck_assert_ptr_null(strstr(report, "s3cret"));
	if (c)
		ck_assert_pstr_eq(c->redis ? c->redis->shown : NULL, table[_i].shown);
	if (c)
		ck_assert_str_eq(c->redis_prefix, "llmfo:");
	config_unref(c);
	free(report);
}
END_TEST

START_TEST(nothing_at_all_is_a_fault_that_says_what_to_set)
{
	char *report;

	ck_assert_ptr_null(from_env(NULL, &report));
	ck_assert(util_starts_with(report,
		"no provider is configured; set one of "
		"OLLAMA_BASE_URL, GEMINI_API_KEY, GROQ_API_KEY, OPENAI_API_KEY"));
	free(report);
}
END_TEST

START_TEST(fallback_can_be_off_by_default)
{
	char *report;
	struct config *c = from_env(
		(const char *[]){"OPENAI_API_KEY", "k", "LLM_ENABLE_FALLBACK", "False", NULL},
		&report);

	ck_assert(!c->enable_fallback && c->fallback);
	config_unref(c);
	free(report);
}
END_TEST

START_TEST(the_strategy_can_be_named_and_local_first_preferred)
{
	static const struct {
		const char *strategy, *local;
		enum strategy expected;
	} table[] = {
		{"", "", STRATEGY_sequential},
		{"Fastest", "", STRATEGY_fastest},
		{"", "true", STRATEGY_local_first},
		{"", "false", STRATEGY_sequential},
		{"balanced", "true", STRATEGY_balanced},
	};
	char *report;
	struct config *c =
		from_env((const char *[]){"OPENAI_API_KEY", "k", "LLM_ROUTING_STRATEGY",
				 table[_i].strategy, "LLM_PREFER_LOCAL", table[_i].local, NULL},
			&report);

	ck_assert_str_eq(report, "");
	ck_assert_int_eq(c->strategy, table[_i].expected);
	ck_assert_int_eq(c->chains[0]->strategy, table[_i].expected);
	config_unref(c);
	free(report);
}
END_TEST

START_TEST(a_credential_makes_a_provider)
{
	struct config_env env = support_env(NULL);

	env.credentials_dir = support_folder;
	support_put("groq", "from-credential\n", 0400);
	struct config *c = config_from_env(&env, &support_faults);
	ck_assert_uint_eq(support_faults.count, 0);
	ck_assert_str_eq(config_find_provider(c, "groq")->key, "from-credential");
	config_unref(c);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config_env");
	TCase *tests = tcase_create("config_env");

	tcase_add_checked_fixture(tests, support_make_folder, support_remove_folder);
	tcase_add_test(tests, the_order_is_fixed_and_the_free_one_comes_first);
	tcase_add_test(tests, a_provider_takes_its_variables);
	tcase_add_loop_test(tests, the_first_one_can_be_named, 0, 6);
	tcase_add_loop_test(tests, faults_of_the_environment_are_told, 0, 12);
	tcase_add_test(tests, a_faulty_key_is_not_called_unset);
	tcase_add_test(tests, only_no_file_at_all_means_the_environment);
	tcase_add_test(tests, administrators_are_root_and_a_group_that_may_be_missing);
	tcase_add_loop_test(tests, a_key_that_goes_unencrypted_is_a_warning, 0, 2);
	tcase_add_loop_test(tests, a_redis_is_taken_from_its_variable, 0, 4);
	tcase_add_test(tests, nothing_at_all_is_a_fault_that_says_what_to_set);
	tcase_add_test(tests, fallback_can_be_off_by_default);
	tcase_add_loop_test(tests, the_strategy_can_be_named_and_local_first_preferred, 0, 5);
	tcase_add_test(tests, a_credential_makes_a_provider);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
