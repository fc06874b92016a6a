/* SPDX-License-Identifier: MIT */
/* `redis:`, and where its password comes from. */
#include "support/config_support.h"

#define URL "redis: {url: \"redis://h:1/2\""

static const struct fault_row {
	const char *text, *report;
} faults[] = {
	{ONE "redis: {url: \"rediss://:s3cret@h\"}\n",
		"2:14: redis.url: TLS is not supported: let a local stunnel or the like do it, "
		"and give its address as redis:// or unix://\n"},
	{ONE "redis: {url: \"redis+sentinel://:s3cret@h/0\"}\n",
		"2:14: redis.url: Sentinel is not supported: give the address of the Redis "
		"itself\n"},
	{ONE "redis: {url: 127.0.0.1:s3cret}\n",
		"2:14: redis.url: it must begin with redis:// or unix://, as in "
		"redis://127.0.0.1:6379/0 or unix:///run/redis/redis.sock\n"},
	{ONE "redis: {prefix: a}\n",
		"warning: 2:1: redis: has no url: every host keeps what it knows to itself\n"},
	{ONE "redis: {url: \"${NOPE}\"}\n",
		"warning: 2:14: redis.url: NOPE is not set: every host keeps what it knows to "
		"itself\n"},
	{ONE "redis: {url: \"redis://h\", password: \"${NOPE}\"}\n",
		"warning: 2:37: redis.password: NOPE is not set; Redis gets no password from "
		"here\n"},
	{ONE "redis: {url: \"redis://:s3cret@h\", password: s3cret, password_file: /p}\n",
		"2:45: redis.password: there is a password already, in redis.url; leave one of "
		"them out\n"
		"2:68: redis.password_file: there is a password already, in redis.url; leave "
		"one of them out\n"},
	{ONE "redis: {url: \"redis://h\", password: \"s3\\ncret\"}\n",
		"2:37: redis.password: the password holds a line break or another control "
		"character\n"},
	{ONE "redis: {url: \"redis://h\", password_file: /nonexistent/p}\n",
		"2:42: redis.password_file: `/nonexistent/p` cannot be read: No such file or "
		"directory\n"},
	{ONE "redis: {url: \"redis://h\", prefix: \"a*\"}\n",
		"2:35: redis.prefix: must have no blanks, no letters but English ones and none "
		"of * ? [ ] \\ ^\n"},
	{ONE "redis: {url: \"redis://h\", prefix: \"a b\"}\n",
		"2:35: redis.prefix: must have no blanks, no letters but English ones and none "
		"of * ? [ ] \\ ^\n"},
	{ONE "redis: {url: \"redis://h\", pasword: x}\n",
		"2:27: redis.pasword: unknown key `pasword`; did you mean `password`?\n"},
	{ONE "redis: redis://h\n",
		"2:8: redis: must be a map of keys\n"},
};

START_TEST(every_fault_is_told_with_its_place_and_no_secret)
{
	struct config *c;
	char *report = support_read_there(faults[_i].text, false, &c);

	ck_assert_str_eq(report, faults[_i].report);
	ck_assert((c == NULL) == !util_starts_with(report, "warning"));
	ck_assert_ptr_null(strstr(report, "s3"));
	config_unref(c);
	free(report);
}
END_TEST

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
	tcase_add_loop_test(tc, every_fault_is_told_with_its_place_and_no_secret, 0,
		UTIL_COUNT(faults));
	tcase_add_test(tc, without_a_section_there_is_no_redis);
	tcase_add_test(tc, place_and_prefix_are_read);
	tcase_add_loop_test(tc, the_password_comes_from_one_place, 0, 14);
	tcase_add_test(tc, the_credential_of_redis_is_no_providers_key);
	suite_add_tcase(suite, tc);
	return support_run(suite);
}
