/* SPDX-License-Identifier: MIT */
/* How far estimates of tokens are from what a vocabulary makes of the same texts. */
#include "support/config_support.h"

#include "json.h"
#include "stats.h"
#include "tokens.h"

#define WORST_PERCENT 25
#define MEAN_PERCENT 9

START_TEST(samples_of_many_kinds_are_estimated_to_within_a_quarter)
{
	char *lines = support_shipped("tests/data/token-samples.jsonl"), *rest = lines, *line;
	int64_t sum = 0, count = 0;

	while ((line = strsep(&rest, "\n")) != NULL && *line) {
		struct json *sample = json_parse(line, strlen(line), true, NULL);
		size_t length = 0;
		const char *text = json_string(json_get(sample, "text"), &length);
		int64_t tokens = 0;

		ck_assert_ptr_nonnull(text);
		ck_assert(json_int(json_get(sample, "o200k"), &tokens));
		int64_t estimate = tokens_estimate(text, length);
		int64_t percent = llabs(estimate - tokens) * 100 / tokens;
		ck_assert_msg(percent <= WORST_PERCENT, "%s: %lld instead of %lld",
			json_text(sample, "name"), (long long)estimate, (long long)tokens);
		sum += percent;
		count++;
		json_free(sample);
	}
	ck_assert_int_gt(count, 20);
	ck_assert_msg(sum <= MEAN_PERCENT * count, "%lld %%", (long long)(sum / count));
	free(lines);
}
END_TEST

static const struct {
	const char *text;
	int64_t tokens;
} texts[] = {
	{"", 0},
	{" ", 1},
	{"a", 1},
	{"hello world", 2},
	{"camelCase", 2},
	{"HTTP", 2},
	{"1234567", 3},
	{"==", 2},
	{"\n\n", 1},
	{"\xff\xfe", 3},
	{"\xe2\x82", 3},
};

START_TEST(a_text_is_cut_where_vocabularies_cut)
{
	ck_assert_msg(tokens_estimate(texts[_i].text, strlen(texts[_i].text)) == texts[_i].tokens,
		"%s: %lld", texts[_i].text,
		(long long)tokens_estimate(texts[_i].text, strlen(texts[_i].text)));
}
END_TEST

START_TEST(long_runs_of_one_thing_are_not_free)
{
	char text[16000];

	memset(text, ' ', sizeof text);
	ck_assert_int_ge(tokens_estimate(text, sizeof text), 500);
	memset(text, 'w', sizeof text);
	ck_assert_int_ge(tokens_estimate(text, sizeof text), 2000);
	memset(text, '-', sizeof text);
	ck_assert_int_ge(tokens_estimate(text, sizeof text), 2000);
}
END_TEST

START_TEST(the_error_of_estimates_is_a_mean_without_sign)
{
	struct stats stats = {0};

	ck_assert_int_eq(stats_estimate_error_permille(&stats), -1);
	stats_note_estimate(&stats, 90, 100);
	stats_note_estimate(&stats, 130, 100);
	ck_assert_int_eq(stats_estimate_error_permille(&stats), 200);
	stats_note_estimate(&stats, 5, 0);
	stats_note_estimate(&stats, 5, -1);
	ck_assert_int_eq(stats.estimate.count, 2);
	/* one that is absurd counts as ten times as much */
	stats_note_estimate(&stats, INT64_MAX, 1);
	ck_assert_int_eq(stats_estimate_error_permille(&stats), (400 + 10000) / 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tokens");
	TCase *tests = tcase_create("tokens");

	tcase_add_test(tests, samples_of_many_kinds_are_estimated_to_within_a_quarter);
	tcase_add_loop_test(tests, a_text_is_cut_where_vocabularies_cut, 0, UTIL_COUNT(texts));
	tcase_add_test(tests, the_error_of_estimates_is_a_mean_without_sign);
	tcase_add_test(tests, long_runs_of_one_thing_are_not_free);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
