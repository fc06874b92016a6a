/* SPDX-License-Identifier: MIT */
/* What rate-limit headers leave, in every provider's form. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "quota.h"

/* Fri, 20 Nov 2026 12:00:00 GMT */
#define WALL_MS INT64_C(1795176000000)
#define NOW_MS 5000

static const struct row {
	const char *what, *headers;
	int64_t requests, tokens, reset_ms; /* -1: not known */
} rows[] = {
	{"OpenAI",
		"x-ratelimit-limit-requests: 500\nx-ratelimit-remaining-requests: 499\n"
		"x-ratelimit-reset-requests: 120ms\nx-ratelimit-remaining-tokens: 29000\n"
		"x-ratelimit-reset-tokens: 1m2.5s\n",
		499, 29000, 62500},
	{"the used-up one has the time",
		"x-ratelimit-remaining-requests: 14399\nx-ratelimit-reset-requests: 20h\n"
		"x-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 7.66s\n",
		14399, 0, 7660},
	{"Anthropic, the smaller of input and output",
		"anthropic-ratelimit-requests-remaining: 49\n"
		"anthropic-ratelimit-requests-reset: 2026-11-20T12:00:01Z\n"
		"anthropic-ratelimit-input-tokens-remaining: 30000\n"
		"anthropic-ratelimit-input-tokens-reset: 2026-11-20T12:00:10Z\n"
		"anthropic-ratelimit-output-tokens-remaining: 7000\n"
		"anthropic-ratelimit-output-tokens-reset: 2026-11-20T12:00:20Z\n",
		49, 7000, 20000},
	{"by the provider's own clock",
		"date: Fri, 20 Nov 2026 13:00:00 GMT\n"
		"anthropic-ratelimit-requests-remaining: 5\n"
		"anthropic-ratelimit-requests-reset: 2026-11-20T13:00:30Z\n",
		5, -1, 30000},
	{"Mistral, without times",
		"x-ratelimit-remaining-req-minute: 299\n"
		"x-ratelimit-remaining-tokens-minute: 499990\n",
		299, 499990, -1},
	{"Mistral, with times",
		"x-ratelimit-remaining-req-minute: 0\nx-ratelimit-reset-req-minute: 12\n"
		"x-ratelimit-remaining-tokens-minute: 9000\n"
		"x-ratelimit-reset-tokens-minute: 40\n",
		0, 9000, 12000},
	{"Together, without a kind",
		"x-ratelimit-limit: 10\nx-ratelimit-remaining: 9\n"
		"x-ratelimit-reset: 2\n",
		9, -1, 2000},
	{"OpenRouter's epoch in milliseconds",
		"x-ratelimit-remaining: 0\nx-ratelimit-reset: 1795176004000\n", 0, -1, 4000},
	{"Azure, requests alone", "x-ratelimit-remaining-requests: 17\n", 17, -1, -1},
	{"a minute and a day, the smaller",
		"x-ratelimit-remaining-requests-minute: 30\n"
		"x-ratelimit-remaining-requests-day: 12\n"
		"x-ratelimit-reset-requests-day: 3600\n",
		12, -1, 3600000},
	{"-1 is no count", "x-ratelimit-remaining-requests: -1\nx-ratelimit-remaining-tokens: 5\n",
		-1, 5, -1},
	{"a fraction", "x-ratelimit-remaining-tokens: 12.75\n", -1, 12, -1},
	{"a time that has passed is none",
		"anthropic-ratelimit-requests-remaining: 5\n"
		"anthropic-ratelimit-requests-reset: 2026-11-20T11:00:30Z\n",
		5, -1, -1},
	{"a time that is garbage is none",
		"x-ratelimit-remaining-requests: 5\nx-ratelimit-reset-requests: soon\n", 5, -1, -1},
};

static const char *const nothing[] = {
	"",
	"x-ratelimit-limit-requests: 500\nx-ratelimit-reset-requests: 1s\n",
	"x-ratelimit-remaining-requests: -1\nx-ratelimit-remaining-tokens: -1\n",
	"x-ratelimit-remaining-requests: many\n",
	"x-ratelimit-remaining-requests: 0x10\n",
	"x-ratelimit-remaining-requests: 99999999999999999999\n",
	"x-ratelimit-remaining-requests:\n",
	"retry-after: 5\n",
};

static struct quota
read_quota(const char *text)
{
	struct http_headers headers;

	http_headers_init(&headers);
	for (const char *at = text; *at; at += strcspn(at, "\n") + 1)
		http_headers_add_line(&headers, at, strcspn(at, "\n"));
	struct quota quota = quota_read(&headers, WALL_MS, NOW_MS);
	http_headers_free(&headers);
	return quota;
}

START_TEST(every_form_tells_what_is_left_and_until_when)
{
	const struct row *row = &rows[_i];
	struct quota quota = read_quota(row->headers);

	ck_assert_msg(quota.known, "%s", row->what);
	ck_assert_msg(quota.requests_remaining == row->requests, "%s: %lld requests", row->what,
		(long long)quota.requests_remaining);
	ck_assert_msg(quota.tokens_remaining == row->tokens, "%s: %lld tokens", row->what,
		(long long)quota.tokens_remaining);
	ck_assert_msg(quota.timed == (row->reset_ms >= 0), "%s: a time", row->what);
	int64_t until_ms = NOW_MS + (quota.timed ? row->reset_ms : QUOTA_UNTIMED_MS);
	ck_assert_msg(
		quota.until_ms == until_ms, "%s: until %lld", row->what, (long long)quota.until_ms);
}
END_TEST

START_TEST(what_is_no_count_tells_nothing)
{
	ck_assert_msg(!read_quota(nothing[_i]).known, "%s", nothing[_i]);
}
END_TEST

START_TEST(no_headers_tell_nothing)
{
	ck_assert(!quota_read(NULL, WALL_MS, NOW_MS).known);
}
END_TEST

START_TEST(it_holds_until_the_limits_are_full_again)
{
	struct quota quota =
		read_quota("x-ratelimit-remaining-requests: 1\nx-ratelimit-reset-requests: 10s\n");

	ck_assert(quota_holds(&quota, NOW_MS + 9999));
	ck_assert(!quota_holds(&quota, NOW_MS + 10000));
	quota = read_quota("x-ratelimit-remaining-requests: 1\n");
	ck_assert(quota_holds(&quota, NOW_MS + QUOTA_UNTIMED_MS - 1));
	ck_assert(!quota_holds(&quota, NOW_MS + QUOTA_UNTIMED_MS));
}
END_TEST

START_TEST(less_than_a_tenth_is_low_where_the_limit_is_told)
{
	ck_assert(!read_quota("x-ratelimit-limit-requests: 100\n"
			      "x-ratelimit-remaining-requests: 10\n")
			   .low);
	ck_assert(read_quota("x-ratelimit-limit-requests: 100\n"
			     "x-ratelimit-remaining-requests: 9\n")
			  .low);
	ck_assert(read_quota("anthropic-ratelimit-output-tokens-limit: 8000\n"
			     "anthropic-ratelimit-output-tokens-remaining: 799\n"
			     "anthropic-ratelimit-requests-limit: 50\n"
			     "anthropic-ratelimit-requests-remaining: 49\n")
			  .low);
	ck_assert(!read_quota("x-ratelimit-remaining-requests: 1\n").low);
	ck_assert(!read_quota("x-ratelimit-limit-requests: many\n"
			      "x-ratelimit-remaining-requests: 1\n")
			   .low);
}
END_TEST

START_TEST(nothing_left_lasts_until_the_reset_and_an_hour_at_most)
{
	struct quota quota =
		read_quota("x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 10s\n");

	ck_assert_int_eq(quota_used_up_ms(&quota, NOW_MS), 10000);
	ck_assert_int_eq(quota_used_up_ms(&quota, NOW_MS + 9000), 1000);
	ck_assert_int_eq(quota_used_up_ms(&quota, NOW_MS + 10000), 0);
	quota = read_quota("x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 20h\n");
	ck_assert_int_eq(quota_used_up_ms(&quota, NOW_MS), QUOTA_BELIEVED_MS);
	/* without a time nobody knows until when */
	quota = read_quota("x-ratelimit-remaining-requests: 0\n");
	ck_assert_int_eq(quota_used_up_ms(&quota, NOW_MS), 0);
	quota = read_quota("x-ratelimit-remaining-requests: 1\nx-ratelimit-reset-requests: 10s\n");
	ck_assert_int_eq(quota_used_up_ms(&quota, NOW_MS), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("quota");
	TCase *tests = tcase_create("quota");

	tcase_add_loop_test(
		tests, every_form_tells_what_is_left_and_until_when, 0, (int)UTIL_COUNT(rows));
	tcase_add_loop_test(tests, what_is_no_count_tells_nothing, 0, (int)UTIL_COUNT(nothing));
	tcase_add_test(tests, no_headers_tell_nothing);
	tcase_add_test(tests, less_than_a_tenth_is_low_where_the_limit_is_told);
	tcase_add_test(tests, nothing_left_lasts_until_the_reset_and_an_hour_at_most);
	tcase_add_test(tests, it_holds_until_the_limits_are_full_again);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
