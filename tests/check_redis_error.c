/* SPDX-License-Identifier: MIT */
/* What is made of a Redis' errors: words that help, and no secret. */
#include <check.h>
#include <string.h>

#include "redis_error.h"
#include "support/config_support.h"
#include "utf8.h"

static const struct row {
	enum redis_error_at at;
	const char *error, *why;
	bool away;
} rows[] = {
	{REDIS_ERROR_AT_START, "NOAUTH Authentication required.", "Redis asks for a password",
		true},
	{REDIS_ERROR_AT_AUTH, "WRONGPASS invalid username-password pair or user is disabled.",
		"does not take this user and password", true},
	{REDIS_ERROR_AT_AUTH, "ERR invalid password", "does not take this password", true},
	{REDIS_ERROR_AT_AUTH,
		"ERR AUTH <password> called without any password configured for the default user. "
		"Are you sure your configuration is correct?",
		"asks for no password, but one is configured", true},
	{REDIS_ERROR_AT_START, "ERR max number of clients reached", "maxclients", true},
	{REDIS_ERROR_AT_START, "ERR DB index is out of range", "no database of that number", true},
	{REDIS_ERROR_AT_START, "LOADING Redis is loading the dataset in memory", "still loading",
		true},
	{REDIS_ERROR_AT_START, "NOPERM this user has no permissions to run the 'ping' command",
		"it needs GETRANGE, PTTL", false},
	{REDIS_ERROR_LATER, "OOM command not allowed when used memory > 'maxmemory'.",
		"no memory left", false},
	{REDIS_ERROR_LATER, "READONLY You can't write against a read only replica.", "a replica",
		false},
	{REDIS_ERROR_LATER, "MISCONF Redis is configured to save RDB snapshots", "MISCONF", false},
	{REDIS_ERROR_LATER, "MOVED 3999 127.0.0.1:6381", "a Redis cluster", false},
	{REDIS_ERROR_LATER, "ERR something else", "Redis says: ERR something else", false},
	{REDIS_ERROR_LATER, "", "Redis says: ", false},
	{REDIS_ERROR_LATER, "ERR a\x1b[31mb\tc\x7f\xff", "Redis says: ERR a [31mb c \xef\xbf\xbd",
		false},
	{REDIS_ERROR_LATER, "ERR unknown command, with args beginning with: 's3cret'",
		"Redis says: ERR", false},
	{REDIS_ERROR_AT_AUTH, "ERR unknown command 'AUTH', with args beginning with: 's3cre'",
		"Redis says: ERR", false},
	{REDIS_ERROR_AT_AUTH, "s3cret", "Redis says: an error to the password", false},
};

START_TEST(errors_become_words_without_secrets)
{
	const struct row *row = &rows[_i];
	const char *why;
	struct redis_url *url = redis_url_parse("redis://me:s3cret@h", &why);
	char text[160];

	redis_error_text(url, row->at, row->error, strlen(row->error), text, sizeof text);
	ck_assert_msg(strstr(text, row->why) != NULL, "%s", text);
	ck_assert_ptr_null(strstr(text, "s3c"));
	for (const char *c = text; *c; c++)
		ck_assert((unsigned char)*c >= 0x20 && *c != 0x7f);
	ck_assert(redis_error_is_away(row->error, strlen(row->error)) == row->away);
	redis_url_free(url);
}
END_TEST

START_TEST(a_text_is_cut_where_a_character_ends)
{
	const char *why;
	struct redis_url *url = redis_url_parse("redis://h", &why);
	char error[200] = "ERR ", text[160];

	for (int i = 0; i < 60; i++)
		memcpy(error + 4 + 3 * i, "\xe2\x82\xac", 3);
	for (size_t size = 1; size <= sizeof text; size++) {
		redis_error_text(url, REDIS_ERROR_LATER, error, 184, text, size);
		ck_assert_uint_lt(strlen(text), size);
		ck_assert(utf8_valid(text, strlen(text)));
	}
	redis_url_free(url);
}
END_TEST

START_TEST(every_byte_of_an_error_may_be_its_last)
{
	const char *why;
	struct redis_url *url = redis_url_parse("redis://me:s3cret@h", &why);
	char text[160];

	for (size_t i = 0; i < UTIL_COUNT(rows); i++)
		for (size_t length = 0; length <= strlen(rows[i].error); length++) {
			char *exact = x_malloc(length);
			memcpy(exact, rows[i].error, length);
			redis_error_text(url, rows[i].at, exact, length, text, sizeof text);
			ck_assert_str_ne(text, "");
			free(exact);
		}
	redis_url_free(url);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("redis_error");
	TCase *tc = tcase_create("error");

	tcase_add_loop_test(tc, errors_become_words_without_secrets, 0, UTIL_COUNT(rows));
	tcase_add_test(tc, a_text_is_cut_where_a_character_ends);
	tcase_add_test(tc, every_byte_of_an_error_may_be_its_last);
	suite_add_tcase(suite, tc);
	return support_run(suite);
}
