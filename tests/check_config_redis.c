/* SPDX-License-Identifier: MIT */
/* `redis:`, and where its password comes from. */
#include "support/config_support.h"

#define URL "redis: {url: \"redis://h:1/2\""

START_TEST(without_a_section_there_is_no_redis)
{
	struct config *c = support_read(ONE, (const char *[]){"REDIS_URL", "redis://h", NULL});

	ck_assert_ptr_null(c->redis);
	ck_assert_str_eq(c->redis_prefix, "llmfo:");
	config_unref(c);
}
END_TEST

START_TEST(place_and_prefix_are_read)
{
	struct config *c = support_read(ONE "redis: {url: \"${REDIS_URL}\", prefix: \"a:b/\"}\n",
		(const char *[]){"REDIS_URL", "redis://me:s3cret@h:1/2", NULL});

	ck_assert_str_eq(c->redis->shown, "redis://h:1/2");
	ck_assert_str_eq(c->redis->user, "me");
	ck_assert_str_eq(c->redis->password, "s3cret");
	ck_assert_str_eq(c->redis_prefix, "a:b/");
	config_unref(c);
}
END_TEST

START_TEST(the_password_comes_from_one_place)
{
	static const struct {
		const char *section;
		const char *credential; /* NULL: there is none */
		const char *password, *report;
	} table[] = {
		{URL "}", NULL, NULL, ""},
		{URL ", password: s3cret}", NULL, "s3cret", ""},
		{URL ", password: \"two words\"}", NULL, "two words", ""},
		{URL ", password_file: p}", NULL, "from-file", ""},
		{URL ", password_file: open}", NULL, "from-file", "chmod 600 keeps the password"},
		{URL ", password_file: empty}", NULL, NULL, "is empty; Redis gets no password"},
		{URL ", password_file: nul}", NULL, NULL, "the password holds a line break"},
		{URL "}", "from-systemd\n", "from-systemd", ""},
		{URL "}", "", NULL, ""},
		{URL "}", "a\nb", NULL, "the password holds a line break"},
		{URL ", password: s3cret}", "from-systemd", "s3cret", ""},
		{URL ", password_file: p}", "from-systemd", "from-file", ""},
		{URL ", password: \"\"}", "from-systemd", "from-systemd",
			"the password is empty; Redis gets no password from here"},
		{"redis: {url: \"redis://:in-url@h\"}", "from-systemd", "in-url", ""},
	};
	char *text = x_asprintf(ONE "%s\n", table[_i].section);
	struct config *c;

	support_put("p", "from-file\n", 0600);
	support_put("open", "from-file", 0644);
	support_put("empty", "\n", 0600);
	support_put("nul", "s3\001cret", 0600);
	if (table[_i].credential)
		support_put("redis", table[_i].credential, 0400);
	char *report = support_read_there(text, true, &c);
	ck_assert_msg(table[_i].report[0] ? strstr(report, table[_i].report) != NULL : !report[0],
		"%s", report);
	ck_assert_ptr_null(strstr(report, "s3"));
	if (c)
		ck_assert_pstr_eq(c->redis->password, table[_i].password);
	else
		ck_assert_ptr_null(table[_i].password);
	config_unref(c);
	free(report);
	free(text);
}
END_TEST

START_TEST(the_credential_of_redis_is_no_providers_key)
{
	struct config *c;

	support_put("redis", "s3cret", 0400);
	char *report = support_read_there(ONE URL "}\n"
					      "models: {}\n",
		true, &c);
	ck_assert_str_eq(report, "");
	config_unref(c);
	free(report);
	report = support_read_there("providers:\n"
				    "  redis: {api: openai, base_url: \"https://far.example\"}\n"
				    "  ollama: {models: [l]}\n",
		true, &c);
	ck_assert_ptr_nonnull(strstr(report, "provider redis not configured"));
	ck_assert_ptr_null(c->providers[0]->key);
	config_unref(c);
	free(report);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config_redis");
	TCase *tc = tcase_create("redis");

	tcase_add_checked_fixture(tc, support_make_folder, support_remove_folder);
	tcase_add_test(tc, without_a_section_there_is_no_redis);
	tcase_add_test(tc, place_and_prefix_are_read);
	tcase_add_loop_test(tc, the_password_comes_from_one_place, 0, 14);
	tcase_add_test(tc, the_credential_of_redis_is_no_providers_key);
	suite_add_tcase(suite, tc);
	return support_run(suite);
}
