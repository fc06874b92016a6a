/* SPDX-License-Identifier: MIT */
/* The presets, base URLs and the estimates of tokens. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "provider.h"

START_TEST(every_preset_is_complete)
{
	const struct provider_preset *preset = provider_preset_at((size_t)_i);
	const char *why = NULL;

	if (!preset)
		return;
	ck_assert_ptr_eq(provider_preset(preset->name), preset);
	ck_assert_ptr_nonnull(preset->family);
	ck_assert_ptr_nonnull(strstr(provider_preset_names(), preset->name));
	ck_assert((preset->flags & PROVIDER_KEYLESS) || preset->key_variables[0]);
	if (preset->base_url[0] == '\0')
		return;
	char *url = provider_base_url(preset, preset->base_url, &why);
	ck_assert_msg(url != NULL, "%s: %s", preset->name, why);
	ck_assert_str_eq(url, preset->base_url);
	free(url);
}
END_TEST

START_TEST(presets_are_found_in_any_case_and_by_their_other_names)
{
	ck_assert_str_eq(provider_preset("OpenAI")->name, "openai");
	ck_assert_str_eq(provider_preset("GOOGLE")->name, "gemini");
	ck_assert_ptr_null(provider_preset("nobody"));
	ck_assert_ptr_null(provider_preset(""));
	ck_assert_ptr_null(provider_preset_at(1000));
	ck_assert_int_eq(strncmp(provider_preset_names(), "openai, groq", 12), 0);
}
END_TEST

static const struct {
	const char *preset, *url, *normal; /* NULL: refused */
} urls[] = {
	{"openai", "https://api.openai.com", "https://api.openai.com/v1"},
	{"openai", "https://api.openai.com/", "https://api.openai.com/v1"},
	{"openai", "https://api.openai.com/v1/", "https://api.openai.com/v1"},
	{"openai", "HTTPS://api.openai.com/v1", "https://api.openai.com/v1"},
	{"openai", "http://10.0.0.1:8080/a/b//", "http://10.0.0.1:8080/a/b"},
	{"groq", "https://api.groq.com", "https://api.groq.com/openai/v1"},
	{"ollama", "http://localhost:11434/", "http://localhost:11434"},
	{"vllm", "http://[::1]:8000", "http://[::1]:8000/v1"},
	{"vllm", "http://[::1]", "http://[::1]/v1"},
	{NULL, "http://host", "http://host"},
	{"openai", "", NULL},
	{"openai", "api.openai.com", NULL},
	{"openai", "ftp://api.openai.com", NULL},
	{"openai", "https://", NULL},
	{"openai", "https:///v1", NULL},
	{"openai", "https://:80", NULL},
	{"openai", "https://user:pw@host/v1", NULL},
	{"openai", "https://key@host", NULL},
	{"openai", "https://host?x=1", NULL},
	{"openai", "https://host/v1#x", NULL},
	{"openai", "https://ho st", NULL},
	{"openai", "https://host\nX: y", NULL},
	{"openai", "https://h\xc3\xb6st", NULL},
	{"openai", "https://host:", NULL},
	{"openai", "https://host:0", NULL},
	{"openai", "https://host:65536", NULL},
	{"openai", "https://host:80a", NULL},
	{"openai", "http://[::1", NULL},
	{"openai", "http://[::1]x", NULL},
	{"openai", "https://host/v1/chat/completions", NULL},
};

START_TEST(base_urls_are_checked_and_made_alike)
{
	const struct provider_preset *preset =
		urls[_i].preset ? provider_preset(urls[_i].preset) : NULL;
	const char *why = NULL;
	char *url = provider_base_url(preset, urls[_i].url, &why);

	if (urls[_i].normal) {
		ck_assert_msg(url != NULL, "%s: %s", urls[_i].url, why);
		ck_assert_str_eq(url, urls[_i].normal);
	} else {
		ck_assert_msg(url == NULL, "%s", urls[_i].url);
		ck_assert_ptr_nonnull(why);
	}
	free(url);
}
END_TEST

START_TEST(the_host_of_a_base_url_has_its_port)
{
	char *host = provider_url_host("http://[::1]:8000/v1");
	char *plain = provider_url_host("https://api.openai.com/v1");

	ck_assert_str_eq(host, "[::1]:8000");
	ck_assert_str_eq(plain, "api.openai.com");
	free(host);
	free(plain);
}
END_TEST

START_TEST(finishes_have_openai_s_names)
{
	ck_assert_str_eq(provider_finish_text(PROVIDER_FINISH_STOP), "stop");
	ck_assert_str_eq(provider_finish_text(PROVIDER_FINISH_LENGTH), "length");
	ck_assert_str_eq(provider_finish_text(PROVIDER_FINISH_TOOL_CALLS), "tool_calls");
	ck_assert_str_eq(provider_finish_text(PROVIDER_FINISH_CONTENT_FILTER), "content_filter");
}
END_TEST

START_TEST(tokens_are_estimated_from_text_and_not_from_image_data)
{
	static const char text[] =
		"[{\"role\":\"user\",\"content\":\"12345678\"},"
		"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"1234\"},"
		"{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:,xxxx\"}},null]},"
		"null,7]";
	struct json *messages = json_parse(text, strlen(text), true, NULL);
	struct provider_chat chat = {.messages = messages};

	ck_assert_int_eq(provider_estimate_text_tokens("", 0), 0);
	ck_assert_int_eq(provider_estimate_text_tokens("12345", 5), 2);
	ck_assert_int_eq(provider_estimate_text_tokens("\xe2\x82\xac\xe2\x82\xac", 6), 2);
	ck_assert_int_eq(provider_estimate_prompt_tokens(&chat), 4 * 4 + 3 + 2 + 800);
	json_free(messages);
	chat.messages = NULL;
	ck_assert_int_eq(provider_estimate_prompt_tokens(&chat), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("provider");
	TCase *tcase = tcase_create("presets");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, every_preset_is_complete, 0, 20);
	tcase_add_test(tcase, presets_are_found_in_any_case_and_by_their_other_names);
	tcase_add_loop_test(tcase, base_urls_are_checked_and_made_alike, 0, (int)UTIL_COUNT(urls));
	tcase_add_test(tcase, the_host_of_a_base_url_has_its_port);
	tcase_add_test(tcase, finishes_have_openai_s_names);
	tcase_add_test(tcase, tokens_are_estimated_from_text_and_not_from_image_data);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
