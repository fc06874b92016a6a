/* SPDX-License-Identifier: MIT */
/* An attempt whose stream is held: nothing comes meanwhile, and no time of it is the provider's. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/attempt_stage.h"
#include "support/config_support.h"

static void
script_words(const char *words, bool hangs)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	behaviour.hangs = hangs;
	fake_behaviour_add_words(&behaviour, 100, words);
	fake_transport_script(&stage.network, "a", &behaviour, false);
}

START_TEST(nothing_comes_while_held_and_all_of_it_after)
{
	script_words("one two three four", false);
	attempt_stage_start();
	attempt_stage_pass(150);
	ck_assert_str_eq(stage.text.data, "one ");
	attempt_hold(stage.attempt, true);
	attempt_stage_pass(HOUR / 2);
	ck_assert_str_eq(stage.text.data, "one ");
	ck_assert_int_eq(stage.done, 0);
	attempt_hold(stage.attempt, false);
	ck_assert_str_eq(stage.text.data, "one ");
	attempt_stage_pass(0);
	ck_assert_str_eq(stage.text.data, "one two three four");
	ck_assert_int_eq(stage.told.outcome.class, OUTCOME_OK);
}
END_TEST

static void
hold_it(void)
{
	attempt_hold(stage.attempt, true);
}

START_TEST(it_may_be_held_from_inside)
{
	script_words("one two three four", false);
	stage.at_text = hold_it;
	attempt_stage_start();
	attempt_stage_pass(1000);
	ck_assert_str_eq(stage.text.data, "one ");
	stage.at_text = NULL;
	attempt_hold(stage.attempt, false);
	attempt_stage_pass(0);
	ck_assert_str_eq(stage.text.data, "one two three four");
	ck_assert_int_eq(stage.done, 1);
}
END_TEST

START_TEST(silence_counts_from_when_it_is_let_go)
{
	attempt_stage_script("a", fake_behaviour_new(),
		(const struct fake_piece[PIECES]){TEXT(100, "a"), TEXT(2 * HOUR, "b")});
	attempt_stage_start();
	attempt_stage_pass(1100);
	attempt_hold(stage.attempt, true);
	attempt_hold(stage.attempt, true);
	attempt_stage_pass(60000);
	attempt_hold(stage.attempt, false);
	attempt_stage_pass(3999);
	ck_assert_int_eq(stage.done, 0);
	attempt_stage_pass(1);
	ck_assert_int_eq(stage.told.outcome.class, OUTCOME_TIMEOUT);
	ck_assert(stage.told.outcome.counts);
	ck_assert_int_eq(stage.told.latency_ms, 65100);
}
END_TEST

START_TEST(the_first_content_may_be_late_because_it_is_held)
{
	script_words("one", false);
	stage.request.first_content_ms = 5000;
	attempt_stage_start();
	attempt_hold(stage.attempt, true);
	attempt_stage_pass(60000);
	ck_assert_int_eq(stage.done, 0);
	attempt_hold(stage.attempt, false);
	attempt_stage_pass(0);
	ck_assert_str_eq(stage.text.data, "one");
	ck_assert_int_eq(stage.told.outcome.class, OUTCOME_OK);
}
END_TEST

START_TEST(limits_of_the_whole_hold_but_prove_nothing)
{
	attempt_stage_script("a", fake_behaviour_new(),
		(const struct fake_piece[PIECES]){
			TEXT(100, "a"), TEXT(3000, "b"), TEXT(3000, "c"), TEXT(3000, "d")});
	stage.request.own_limit_ms = stage.request.limit_ms = 8000;
	if (_i == 1)
		stage.request.deadline_ms = stage.clock.time_ms + 8000;
	attempt_stage_start();
	attempt_stage_pass(150);
	attempt_hold(stage.attempt, true);
	attempt_stage_pass(1000);
	if (_i == 2)
		attempt_hold(stage.attempt, false);
	attempt_stage_pass(HOUR);
	ck_assert_int_eq(stage.done, 1);
	ck_assert_int_eq(
		stage.told.outcome.class, _i == 1 ? OUTCOME_DEADLINE_EXCEEDED : OUTCOME_TIMEOUT);
	ck_assert(!stage.told.outcome.counts);
	ck_assert_int_eq(stage.told.latency_ms, 8000);
	ck_assert_str_eq(stage.text.data, _i == 2 ? "abc" : "a");
}
END_TEST

START_TEST(a_replaced_connection_is_held_too)
{
	struct fake_behaviour dead = fake_behaviour_new();

	dead.end = TRANSPORT_RESET;
	dead.status = 0;
	dead.reused = true;
	fake_transport_script(&stage.network, "a", &dead, false);
	attempt_stage_start();
	attempt_hold(stage.attempt, true);
	attempt_stage_pass(1000);
	ck_assert_uint_eq(fake_transport_count(&stage.network, "a"), 2);
	ck_assert_uint_eq(stage.text.len, 0);
	attempt_hold(stage.attempt, false);
	attempt_stage_pass(0);
	ck_assert_str_eq(stage.text.data, "hello from a");
	ck_assert_int_eq(stage.done, 1);
}
END_TEST

START_TEST(what_cannot_be_sent_ends_though_it_is_held)
{
	static const char list[] = "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
				   "\"image_url\":{\"url\":\"http://x/y.png\"}}]}]";
	struct json *images = json_parse(list, strlen(list), true, NULL);

	stage.request.target = config_find_target(stage.config, "o/m");
	stage.chat.messages = images;
	attempt_stage_start();
	attempt_hold(stage.attempt, true);
	attempt_hold(stage.attempt, false);
	attempt_stage_pass(0);
	ck_assert_int_eq(stage.done, 1);
	ck_assert_int_eq(stage.told.outcome.class, OUTCOME_BAD_REQUEST);
	ck_assert(stage.told.outcome.lacks_capability);
	json_free(images);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("attempt_hold");
	TCase *tc = tcase_create("held");

	tcase_add_checked_fixture(tc, attempt_stage_open, attempt_stage_close);
	tcase_add_test(tc, nothing_comes_while_held_and_all_of_it_after);
	tcase_add_test(tc, it_may_be_held_from_inside);
	tcase_add_test(tc, silence_counts_from_when_it_is_let_go);
	tcase_add_test(tc, the_first_content_may_be_late_because_it_is_held);
	tcase_add_loop_test(tc, limits_of_the_whole_hold_but_prove_nothing, 0, 3);
	tcase_add_test(tc, a_replaced_connection_is_held_too);
	tcase_add_test(tc, what_cannot_be_sent_ends_though_it_is_held);
	suite_add_tcase(suite, tc);
	return support_run(suite);
}
