/* SPDX-License-Identifier: MIT */
/* Where a provider's key comes from, and what needs none. */
#include "support/config_support.h"

START_TEST(a_key_comes_from_the_presets_variable)
{
	struct config *c = support_read("providers: {openai: {models: [m]}}\n",
		(const char *[]){"OPENAI_API_KEY", "from-env", NULL});

	ck_assert_str_eq(c->providers[0]->key, "from-env");
	ck_assert_str_eq(c->providers[0]->key_variable, "OPENAI_API_KEY");
	config_unref(c);
}
END_TEST

START_TEST(a_key_of_the_environment_goes_to_its_own_host_alone)
{
	static const struct {
		const char *section;
		bool taken, configured;
	} table[] = {
		{"openai: {models: [m]}", true, true},
		{"openai: {base_url: https://far.example/v1}", true, true},
		{"OpenAI: {base_url: https://far.example/v1}", true, true},
		{"mine: {api: openai}", true, true},
		{"mine: {api: openai, base_url: https://API.openai.com/v1/}", true, true},
		{"mine: {api: openai, base_url: https://far.example/v1}", false, false},
		{"mine: {api: openai, base_url: https://api.openai.com.far.example/v1}", false,
			false},
		{"mine: {api: openai, base_url: https://eu.api.openai.com/v1}", false, false},
		{"mine: {api: openai, base_url: https://api.openai.com:8443/v1}", false, false},
		{"mine: {api: openai, base_url: http://localhost:8080/v1}", false, true},
		{"mine: {api: openai, base_url: http://10.0.0.2/v1, local: true}", false, true},
		{"groq: {api: openai, base_url: https://api.groq.com/openai/v1}", false, false},
		{"azure: {base_url: https://a.openai.azure.com}", true, true},
		{"azure-eu: {api: azure, base_url: https://b.openai.azure.com}", false, false},
		{"vllm: {base_url: http://10.0.0.2:8000}", true, true},
		{"far: {api: vllm, base_url: http://10.0.0.2:8000}", false, true},
	};
	char *text = x_asprintf("providers:\n  %s\n  ollama: {}\n", table[_i].section);
	struct config *c = support_read(text,
		(const char *[]){"OPENAI_API_KEY", "k", "AZURE_OPENAI_API_KEY", "k", "VLLM_API_KEY",
			"k", "GROQ_API_KEY", "g", NULL});

	ck_assert_msg((c->providers[0]->key != NULL) == table[_i].taken, "%s", text);
	ck_assert_msg(c->providers[0]->configured == table[_i].configured, "%s", text);
	config_unref(c);
	free(text);
}
END_TEST

START_TEST(what_has_no_key_is_left_out)
{
	struct config *c = support_read("providers:\n"
					"  openai: {models: [m], api_key: \"${K}\"}\n"
					"  ollama: {models: [l]}\n",
		(const char *[]){"K", "", NULL});

	ck_assert(!c->providers[0]->configured);
	ck_assert_str_eq(c->providers[0]->reason, "K is not set");
	ck_assert_str_eq(c->providers[0]->key_variable, "K");
	ck_assert_ptr_null(c->providers[0]->key);
	ck_assert(c->providers[1]->configured);
	config_unref(c);
}
END_TEST

START_TEST(this_very_host_needs_no_key)
{
	static const char *const urls[] = {
		"http://localhost:8080/v1", "http://127.0.0.1:8080/v1", "http://[::1]:8080/v1"};
	char *text = x_asprintf("providers: {mine: {api: openai, base_url: \"%s\"}}\n", urls[_i]);
	struct config *c = support_read(text, NULL);

	ck_assert(c->providers[0]->configured);
	ck_assert(!c->providers[0]->local);
	config_unref(c);
	free(text);
}
END_TEST

START_TEST(a_local_kind_elsewhere_is_not_local)
{
	struct config *c = support_read(
		"providers:\n"
		"  ollama: {models: [l]}\n"
		"  far: {api: ollama, base_url: \"http://127.example:11434\"}\n"
		"  lan: {api: ollama, base_url: \"http://10.0.0.2:11434\", local: true}\n",
		NULL);

	ck_assert(config_find_provider(c, "ollama")->local);
	ck_assert(!config_find_provider(c, "far")->local);
	ck_assert(config_find_provider(c, "lan")->local);
	config_unref(c);
}
END_TEST

START_TEST(key_files_are_read_and_looked_at)
{
	static const struct {
		const char *content;
		mode_t mode;
		const char *key, *report;
	} table[] = {
		{"canary\n", 0600, "canary", ""},
		{"canary", 0600, "canary", ""},
		{"canary\r\n", 0600, "canary", ""},
		{"canary\n", 0644, "canary", "can be read by others (mode 0644); chmod 600"},
		{"", 0600, NULL, "provider openai not configured: "},
		{"\n", 0600, NULL, "is empty"},
		{"canary\n\n", 0600, NULL, "cannot be used: the key holds a line break"},
		{"two words\n", 0600, NULL, "cannot be used: the key holds a line break, a blank"},
	};
	struct config *c;

	support_put("key", table[_i].content, table[_i].mode);
	char *report = support_read_there(
		"providers: {openai: {api_key_file: key}, ollama: {models: [l]}}\n", false, &c);
	ck_assert_msg(
		strstr(report, table[_i].report) && (*report || !*table[_i].report), "%s", report);
	ck_assert(!strstr(report, "canary") && !strstr(report, "two words"));
	if (c)
		ck_assert_pstr_eq(c->providers[0]->key, table[_i].key);
	config_unref(c);
	free(report);
}
END_TEST

START_TEST(a_credential_comes_before_everything)
{
	struct config *c;

	support_put("openai", "from-credential\n", 0400);
	char *report = support_read_there(
		"providers: {openai: {api_key: other, api_key_file: /nope}}\n", true, &c);
	ck_assert_str_eq(report, "");
	ck_assert_str_eq(c->providers[0]->key, "from-credential");
	config_unref(c);
	free(report);
}
END_TEST

START_TEST(a_credential_that_is_none_is_a_fault)
{
	struct config *c;

	support_put("openai", "two\nlines\n", 0400);
	char *report = support_read_there("providers: {openai: {}}\n", true, &c);
	ck_assert_ptr_null(c);
	ck_assert_ptr_nonnull(strstr(report, "cannot be used: the key holds a line break"));
	free(report);
}
END_TEST

START_TEST(a_file_is_read_with_what_it_names)
{
	struct config_env env = support_env(NULL);
	char *path = x_asprintf("%s/llmfo.yaml", support_folder);

	support_put("llmfo.yaml", "providers: {openai: {api_key_file: key, models: [m]}}\n", 0600);
	support_put("key", "k\n", 0600);
	struct config *c = config_read_file(path, &env, &support_faults);
	ck_assert_uint_eq(support_faults.count, 0);
	ck_assert_str_eq(c->source, path);
	config_unref(c);
	ck_assert_ptr_null(config_read_file("/nonexistent", &env, &support_faults));
	ck_assert_ptr_null(config_read_file(support_folder, &env, &support_faults));
	char *report = support_report();
	ck_assert_str_eq(report,
		"cannot be read: No such file or directory\n"
		"cannot be read: not a regular file\n");
	free(report);
	free(path);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config_key");
	TCase *tests = tcase_create("config_key");

	tcase_add_checked_fixture(tests, support_make_folder, support_remove_folder);
	tcase_add_test(tests, a_key_comes_from_the_presets_variable);
	tcase_add_loop_test(tests, a_key_of_the_environment_goes_to_its_own_host_alone, 0, 16);
	tcase_add_test(tests, what_has_no_key_is_left_out);
	tcase_add_loop_test(tests, this_very_host_needs_no_key, 0, 3);
	tcase_add_test(tests, a_local_kind_elsewhere_is_not_local);
	tcase_add_loop_test(tests, key_files_are_read_and_looked_at, 0, 8);
	tcase_add_test(tests, a_credential_comes_before_everything);
	tcase_add_test(tests, a_credential_that_is_none_is_a_fault);
	tcase_add_test(tests, a_file_is_read_with_what_it_names);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
