/* SPDX-License-Identifier: MIT */
/* The small readers behind the judge: waits in all their forms, phrases, and text fit to be shown.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "outcome_rules.h"
#include "outcome_wait.h"
#include "utf8.h"

/* Fri, 20 Nov 2026 12:00:00 GMT */
#define NOON_MS INT64_C(1795176000000)

static const struct {
	const char *text;
	int64_t unit_ms, wait_ms;
} waits[] = {
	{"3", 1000, 3000},
	{" 3\t", 1000, 3000},
	{"0.644", 1000, 644},
	{"644", 1, 644},
	{"12.9", 1, 12},
	{"12ms", 1000, 12},
	{"1m12.5s", 1000, 72500},
	{"6m0s", 1000, 360000},
	{"2h3m", 1000, 7380000},
	{"34.4s", 1000, 34400},
	{"34.074824224s", 1000, 34074},
	{"1d", 1000, 86400000},
	{"86400", 1000, 86400000},
	{"Fri, 20 Nov 2026 12:01:30 GMT", 1000, 90000},
	{"Friday, 20-Nov-26 12:01:30 GMT", 1000, 90000},
	{"Fri Nov 20 12:01:30 2026", 1000, 90000},
	{"2026-11-20T12:00:27Z", 1000, 27000},
	{"2026-11-20T12:00:27.25Z", 1000, 27250},
	{"2026-11-20T14:00:27+02:00", 1000, 27000},
	{"2026-11-20T07:00:27-05:00", 1000, 27000},
	{"1795176030", 1000, 30000},
	{"1795176030.5", 1000, 30500},
	{"1795176030000", 1000, 30000},
	{"1795176030000", 1, 30000},
	/* Garbage, the past, and what nobody can mean. */
	{"", 1000, -1},
	{"0", 1000, -1},
	{"0s", 1000, -1},
	{"-1", 1000, -1},
	{"-5s", 1000, -1},
	{"nan", 1000, -1},
	{"inf", 1000, -1},
	{"1e308", 1000, -1},
	{"1e3", 1000, -1},
	{"0x10", 1000, -1},
	{"5, 5", 1000, -1},
	{"5 apples", 1000, -1},
	{"soon", 1000, -1},
	{".5", 1000, -1},
	{"99999999999999999999", 1000, -1},
	{"999999999999999d", 1000, -1},
	{"999999999999999", 1000, -1},
	{"400d", 1000, -1},
	{"1795175999", 1000, -1},
	{"Fri, 20 Nov 2026 11:59:59 GMT", 1000, -1},
	{"Fri, 20 Nov 9999 12:00:00 GMT", 1000, -1},
	{"2026-11-20T12:00:27", 1000, -1},
	{"2026-11-20T12:00:27.Z", 1000, -1},
	{"2026-11-20T12:00:27.99999999999999999999Z", 1000, -1},
	{"2026-11-20", 1000, -1},
};

START_TEST(a_wait_is_read_in_every_form_and_garbage_is_not)
{
	ck_assert_int_eq(
		outcome_wait_parse(waits[_i].text, waits[_i].unit_ms, NOON_MS), waits[_i].wait_ms);
}
END_TEST

static const struct {
	const char *text;
	int64_t wait_ms;
} sentences[] = {
	{"Please try again in 644ms. Visit https://example.com", 644},
	{"Please try again in 18.642s.", 18642},
	{"Please try again in 1m2s.", 62000},
	{"Please try again in 9m38.016s. Need more tokens?", 578016},
	{"Try again in 2 seconds.", 2000},
	{"Please retry after 45 seconds", 45000},
	{"PLEASE RETRY AFTER 1 MINUTE", 60000},
	{"Please retry in 47.4s.", 47400},
	{"Your quota will reset after 14h32m11s.", 52331000},
	{"Please wait 5 minutes and 3 seconds", 300000},
	{"try again in about 3 hours", 10800000},
	{"Please try again in a bit. Retry after 5s", 5000},
	{"Quota will be replenished in 21:16:41.", 76601000},
	{"Quota will be replenished in 12.03:14:15.", -1},
	{"Quota will be replenished in 1:02", -1},
	{"please try again later", -1},
	{"try again in -5s", -1},
	{"try again in 5", -1},
	{"try again in 5 attempts", -1},
	{"You will regain access on 2026-12-01 at 00:00 UTC.", -1},
	{"Invalid value: 'try again in 5 seconds'", -1},
	{"", -1},
};

START_TEST(a_wait_is_found_in_a_sentence)
{
	ck_assert_int_eq(outcome_wait_prose(sentences[_i].text), sentences[_i].wait_ms);
}
END_TEST

static int64_t
wait_of(const char *headers, const char *body, bool limited)
{
	struct outcome_facts facts;
	struct http_headers parsed;

	http_headers_init(&parsed);
	while (*headers) {
		size_t length = strcspn(headers, "\n");
		http_headers_add_line(&parsed, headers, length);
		headers += length + (headers[length] == '\n');
	}
	struct outcome_input in = {.status = 429,
		.headers = &parsed,
		.body = body,
		.body_bytes = strlen(body),
		.wall_ms = NOON_MS};
	outcome_facts_init(&facts, &in);
	int64_t ms = outcome_wait_ms(&in, &facts, limited, true);
	outcome_facts_free(&facts);
	http_headers_free(&parsed);
	return ms;
}

static const struct {
	const char *headers, *body;
	bool limited;
	int64_t wait_ms;
} replies[] = {
	{"retry-after: 1\nretry-after-ms: 644", "", true, 644},
	{"retry-after: 2\nx-ms-retry-after-ms: 1234", "", true, 1234},
	{"retry-after-ms: -1\nretry-after: 2", "", true, 2000},
	{"retry-after: 0", "{\"retry_after\":4}", true, 4000},
	{"retry-after: nan", "{\"error\":\"try again in 3s\"}", true, 3000},
	{"retry-after: 2", "{\"retry_after\":4}", true, 2000},
	/* The provider's own clock holds, ours may be wrong. */
	{"date: Fri, 20 Nov 2026 10:00:00 GMT\nretry-after: Fri, 20 Nov 2026 10:00:05 GMT", "",
		true, 5000},
	{"date: nonsense\nretry-after: Fri, 20 Nov 2026 12:00:05 GMT", "", true, 5000},
	/* Fields. */
	{"", "{\"error\":{\"details\":[{\"retryDelay\":\"34.4s\"}]}}", true, 34400},
	{"", "{\"error\":{\"details\":[{\"retryDelay\":{\"seconds\":\"7\"}}]}}", true, 7000},
	{"", "{\"error\":{\"availability\":{\"retry_after\":40}}}", true, 40000},
	{"", "{\"error\":{\"metadata\":{\"retry_after_seconds\":9.5}}}", true, 9500},
	{"", "{\"error\":{\"metadata\":{\"headers\":{\"X-RateLimit-Reset\":\"1795176030000\"}}}}",
		true, 30000},
	{"", "{\"retry_after\":-4}", true, -1},
	{"", "{\"retry_after\":1e308}", true, -1},
	{"", "{\"retry_after\":true}", true, -1},
	/* Reset headers: the dimension that is used up; the longest of several; none that is not.
         */
	{"x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 2m52.8s\n"
	 "x-ratelimit-remaining-tokens: 7927\nx-ratelimit-reset-tokens: 547ms",
		"", true, 172800},
	{"x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 2s\n"
	 "x-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 7s",
		"", true, 7000},
	{"x-ratelimit-remaining-tokens: 5\nx-ratelimit-reset-tokens: 7s", "", true, -1},
	{"x-ratelimit-remaining-tokens: -1\nx-ratelimit-reset-tokens: 7s", "", true, -1},
	{"x-rate-limit-reset-tokens: 55\nx-ratelimit-remaining-requests: 238", "", true, 55000},
	{"x-ratelimit-remaining: 0\nx-ratelimit-reset: 1795219200000", "", true, 43200000},
	{"anthropic-ratelimit-input-tokens-remaining: 0\n"
	 "anthropic-ratelimit-input-tokens-reset: 2026-11-20T12:00:27Z",
		"", true, 27000},
	{"x-ratelimit-remaining-req-minute: 0\nx-ratelimit-reset-req-minute: 12\n"
	 "x-ratelimit-remaining-tokens-minute: 9000\nx-ratelimit-reset-tokens-minute: 40",
		"", true, 12000},
	{"x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 2s", "", false, -1},
	{"x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 2s",
		"{\"error\":\"try again in 9s\"}", true, 2000},
	{"", "{\"error\":{\"message\":\"Please retry after 86400 seconds.\"}}", true, 86400000},
	{"", "", true, -1},
};

START_TEST(the_best_hint_of_a_reply_is_taken)
{
	ck_assert_int_eq(wait_of(replies[_i].headers, replies[_i].body, replies[_i].limited),
		replies[_i].wait_ms);
}
END_TEST

static const struct {
	const char *text, *phrase;
	bool found;
} phrases[] = {
	{"the model is overloaded", "overloaded", true},
	{"the model is overloaded", "^overloaded", false},
	{"overloaded", "^overloaded", true},
	{"limit 30000, requested 31538.", "limit #, requested #", true},
	{"limit 30,000, requested 31,538.", "limit #, requested #", true},
	{"limit 30000, used 1, requested 385", "limit #, requested #", false},
	{"limit x, requested 5", "limit #, requested #", false},
	{"the model `x` does not exist", "^the model * does not exist", true},
	{"is the model `x` does not exist", "^the model * does not exist", false},
	{"does not exist: the model x", "^the model * does not exist", false},
	{"a b c", "a*b*c", true},
	{"a c b", "a*b*c", false},
	{"", "a", false},
	{"", "", true},
	{"no slot available", "no {slot|slots} available", true},
	{"no slots available", "no {slot|slots} available", true},
	{"no room available", "no {slot|slots} available", false},
	{"limited to 5 / month", "{/ |per }month", true},
	{"tools are not supported", "~{ is| are|} not supported$", true},
	{"tools are not supported.", "~{ is| are|} not supported$", true},
	{"tools are not supported here", "~{ is| are|} not supported$", false},
	{"`tool calling` is not supported", "~ is not supported", true},
	{"the 'stop' parameter is not supported", "~ is not supported", true},
	{"image format is not supported", "~ is not supported", false},
	{"nonstop is not supported", "~ is not supported", false},
	{"response_format.limit is not supported", "~ is not supported", false},
	{"does not support image inputs", "does not support {the |}~", true},
	{"does not support the imagination", "does not support ~", false},
	{"model x is gone", "^model % is gone", true},
	{"model is gone", "^model % is gone", false},
	{"", "%", false},
	{"{", "{a|b}", false},
	{"", "~", false},
	{"", "$", true},
};

START_TEST(a_phrase_is_found_where_it_may_stand)
{
	ck_assert_int_eq(outcome_rules_find(phrases[_i].text, phrases[_i].phrase) != NULL,
		phrases[_i].found);
}
END_TEST

static const struct {
	const char *text, *normal;
} normals[] = {
	{"  Two  Blanks\nand a\tTAB ", "two blanks and a tab "},
	{"This model's maximum isn\xe2\x80\x99t it", "this model's maximum is not it"},
	{"got 'a whole sentence' here", "got here"},
	{"got 'it isn't one' here", "got here"},
	{"got \"a whole sentence\"", "got "},
	{"model 'x' and \"y\" stay", "model 'x' and \"y\" stay"},
	{"it doesn't, you can't", "it does not, you can't"},
	{"an 'open quote stays", "an 'open quote stays"},
};

START_TEST(quoted_sentences_and_case_do_not_count)
{
	char out[100];

	outcome_rules_normalise(normals[_i].text, out, sizeof(out));
	ck_assert_str_eq(out, normals[_i].normal);
	outcome_rules_normalise(normals[_i].text, out, 4);
	ck_assert_uint_le(strlen(out), 3);
}
END_TEST

#define KEY "sk-proj-AbC123def456"

static const struct {
	const char *text, *shown;
} shown[] = {
	{"plain text", "plain text"},
	{"  two\r\nlines\t\tand\v\fmore ", "two lines and more"},
	{"your key " KEY " is bad", "your key [secret] is bad"},
	{KEY KEY, "[secret][secret]"},
	{"cut: sk-proj-AbC12 ...", "cut: [secret] ..."},
	{"split: sk-proj-\x1b[31mAbC123def456", "split: [secret]"},
	{"masked sk-proj-********3456", "masked [secret]"},
	{"another: sk-ant-api03-abcdefgh.", "another: [secret]."},
	{"AIzaSyA1234567890abcdefghijk here", "[secret] here"},
	{"Authorization: Bearer abc123def456ghi", "Authorization: Bearer [secret]"},
	{"Bearer authentication is needed", "Bearer authentication is needed"},
	{"basic information", "basic information"},
	{"https://x/v1?key=abcdef0123456789&alt=sse", "https://x/v1?key=[secret]&alt=sse"},
	{"gsk_abcdefgh12345678 and hf_abcdefghijklmnop", "[secret] and [secret]"},
	{"task-based risk-averse mask_x", "task-based risk-averse mask_x"},
	{"\x1b[2J\x1b]0;title\x07gone\x1b]8;;x\x1b\\too\x1bM", "gonetoo"},
	{"unfinished \x1b[", "unfinished"},
	{"unfinished \x1b", "unfinished"},
	{"bad \xff\xc3 bytes", "bad " UTF8_REPLACEMENT UTF8_REPLACEMENT " bytes"},
	{"C1 \xc2\x9b[31m, bidi \xe2\x80\xaetxt, bom \xef\xbb\xbf.", "C1 [31m, bidi txt, bom ."},
	{"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"},
	{"del\x7f\x01", "del"},
	{"", ""},
};

START_TEST(text_is_one_clean_line_without_a_key)
{
	char out[200];

	outcome_scrub(shown[_i].text, strlen(shown[_i].text), KEY, out, sizeof(out));
	ck_assert_str_eq(out, shown[_i].shown);
}
END_TEST

START_TEST(a_cut_keeps_whole_characters)
{
	char out[8];

	for (size_t size = 1; size <= sizeof(out); size++) {
		outcome_scrub("\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 9, NULL, out, size);
		ck_assert(utf8_valid(out, strlen(out)));
		ck_assert_uint_lt(strlen(out), size);
	}
	outcome_scrub("a\0b", 3, NULL, out, sizeof(out));
	ck_assert_str_eq(out, "ab");
	outcome_scrub("x is x", 6, "x", out, sizeof(out));
	ck_assert_str_eq(out, "x is x");
}
END_TEST

START_TEST(a_key_at_the_end_of_what_is_looked_at_is_not_shown)
{
	static char text[20000], out[200];
	size_t key = strlen(KEY);

	for (size_t cut = 0; cut <= key; cut++) {
		memset(text, '\x01', sizeof(text));
		memcpy(text, "seen it ", 8);
		memcpy(text + 16384 - cut, KEY, key);
		outcome_scrub(text, sizeof(text), KEY, out, sizeof(out));
		ck_assert_ptr_null(strstr(out, "sk-"));
		ck_assert_int_eq(strncmp(out, "seen", 4), 0);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("outcome_text");
	TCase *tcase = tcase_create("readers");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(
		tcase, a_wait_is_read_in_every_form_and_garbage_is_not, 0, (int)UTIL_COUNT(waits));
	tcase_add_loop_test(tcase, a_wait_is_found_in_a_sentence, 0, (int)UTIL_COUNT(sentences));
	tcase_add_loop_test(tcase, the_best_hint_of_a_reply_is_taken, 0, (int)UTIL_COUNT(replies));
	tcase_add_loop_test(
		tcase, a_phrase_is_found_where_it_may_stand, 0, (int)UTIL_COUNT(phrases));
	tcase_add_loop_test(
		tcase, quoted_sentences_and_case_do_not_count, 0, (int)UTIL_COUNT(normals));
	tcase_add_loop_test(tcase, text_is_one_clean_line_without_a_key, 0, (int)UTIL_COUNT(shown));
	tcase_add_test(tcase, a_cut_keeps_whole_characters);
	tcase_add_test(tcase, a_key_at_the_end_of_what_is_looked_at_is_not_shown);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
