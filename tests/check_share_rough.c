/* SPDX-License-Identifier: MIT */
/* Hosts that share more than fits into one question, that are configured differently, and a place
 * with texts in it that no daemon wrote. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "log.h"
#include "support/config_support.h"
#include "support/fleet.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define MODELS 3000
/* Of a reading names alone may be under way at once; a link takes some thousand commands. */
#define READ_AT_ONCE (2 * STORE_READ_MAX)

#define B "  b: {api: openai, base_url: 'http://b.test', api_key: k, models: [m]}\n"
#define YAML(more) \
	"providers:\n" \
	"  a: {api: openai, base_url: 'http://a.test', api_key: k, models: [m]}\n" more \
	"chains: {default: {targets: [a/m]}}\n"

static struct fleet *fleet;
static const char *counted; /* lines with these words in them */
static int lines;

static void
on_log(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	lines += counted && strstr(line, counted) != NULL;
}

static void
begin(size_t hosts, const char *text)
{
	log_setup(LOG_INFO, LOG_TEXT, false);
	counted = NULL;
	lines = 0;
	fleet = fleet_new(hosts, text);
	log_capture(on_log, NULL);
}

static void
end(void)
{
	fleet_free(fleet);
}

/* One host is configured otherwise from now on. */
static void
reload(size_t host, const char *text)
{
	struct config *config = support_read(text, NULL);

	ck_assert_ptr_nonnull(config);
	share_configure(fleet->hosts[host].share, config);
	config_unref(config);
}

static void
begin_with_many(size_t hosts)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	buf_puts(&text, "providers:\n  a: {api: openai, base_url: 'http://a.test', api_key: k, "
			"models: [m");
	for (int i = 0; i < MODELS; i++)
		buf_printf(&text, ", m%d", i);
	buf_puts(&text, "]}\nchains: {default: {targets: [a/m]}}\n");
	begin(hosts, text.data);
	buf_free(&text);
}

START_TEST(many_names_are_read_a_few_at_a_time)
{
	char last[32];

	begin_with_many(2);
	fleet_after(fleet, SECOND);
	snprintf(last, sizeof last, "a/m%d", MODELS - 1);
	fleet_call(fleet, 0, last, OUTCOME_AUTH, 0);
	fleet->place.loses_news = true;
	fleet_call(fleet, 0, "a/m7", OUTCOME_MODEL_NOT_FOUND, 0);
	fleet_call(fleet, 0, last, OUTCOME_MODEL_NOT_FOUND, 0);
	fleet_after(fleet, 20 * SECOND);
	ck_assert_int_eq(fleet_state(fleet, 1, "a/m7"), CIRCUIT_OPEN);
	ck_assert_int_eq(fleet_state(fleet, 1, last), CIRCUIT_OPEN);
	for (size_t i = 0; i < 2; i++)
		ck_assert_uint_le(fleet->hosts[i].store.most_read, READ_AT_ONCE);
	end();
}
END_TEST

/* So slow that a reading is not over when the next one is due: those at the end have their turn. */
START_TEST(many_names_are_all_read_however_slow_it_is)
{
	char last[32];

	begin_with_many(2);
	fleet->hosts[1].store.delay_ms = 3 * SECOND;
	snprintf(last, sizeof last, "a/m%d", MODELS - 1);
	fleet->place.loses_news = true;
	for (int i = 0; i < MODELS; i++) {
		char name[32];
		snprintf(name, sizeof name, "a/m%d", i);
		fleet_call(fleet, 0, name, OUTCOME_MODEL_NOT_FOUND, 0);
	}
	fleet_after(fleet, 2 * MINUTE);
	for (int i = 0; i < MODELS; i++) {
		char name[32];
		snprintf(name, sizeof name, "a/m%d", i);
		ck_assert_int_eq(fleet_state(fleet, 1, name), CIRCUIT_OPEN);
	}
	end();
}
END_TEST

/* Whoever looks at everything then would else look at it thousands of times. */
START_TEST(who_owns_it_hears_once_of_all_that_happens_in_a_turn)
{
	begin_with_many(1);
	for (int i = 0; i < MODELS; i++) {
		char name[32];
		snprintf(name, sizeof name, "a/m%d", i);
		fleet_call(fleet, 0, name, OUTCOME_MODEL_NOT_FOUND, 0);
	}
	size_t before = fleet->hosts[0].changes;
	fleet_after(fleet, 100);
	ck_assert_ptr_nonnull(fake_place_find(&fleet->place, "open:a/m2999"));
	ck_assert_uint_ge(fleet->hosts[0].changes, before + 1);
	ck_assert_uint_le(fleet->hosts[0].changes, before + 3);
	end();
}
END_TEST

START_TEST(where_nothing_happens_nothing_is_new)
{
	begin(2, YAML(B));
	fleet_call(fleet, 0, "a/m", OUTCOME_MODEL_NOT_FOUND, 0);
	fleet_force(fleet, 0, "b", 60 * MINUTE);
	fleet_after(fleet, MINUTE);
	size_t before[] = {fleet->hosts[0].changes, fleet->hosts[1].changes};
	fleet_after(fleet, 3 * MINUTE);
	for (size_t i = 0; i < 2; i++)
		ck_assert_uint_eq(fleet->hosts[i].changes, before[i]);
	end();
}
END_TEST

/* A host that does not know the provider is the first to find a place that lost its memory. */
START_TEST(who_does_not_know_the_forced_one_takes_nobodys_word_back)
{
	begin(2, YAML(B));
	counted = "not configured here";
	reload(1, YAML(""));
	fleet_force(fleet, 0, "b", 60 * MINUTE);
	fleet_after(fleet, MINUTE);
	ck_assert_str_eq(fleet_forced(fleet, 1), "");
	ck_assert_int_eq(lines, 1);
	fake_store_cut(&fleet->hosts[0].store, true);
	fake_place_restart(&fleet->place);
	fleet_after(fleet, MINUTE);
	fake_store_cut(&fleet->hosts[0].store, false);
	fleet_after(fleet, MINUTE);
	ck_assert_str_eq(fleet_forced(fleet, 0), "b");
	ck_assert_str_eq(fleet_forced(fleet, 1), "");
	/* it is configured there after all */
	reload(1, YAML(B));
	fleet_after(fleet, 20);
	ck_assert_str_eq(fleet_forced(fleet, 1), "b");
	end();
}
END_TEST

START_TEST(a_place_that_may_be_read_later_is_shared_then)
{
	begin(2, YAML(B));
	fleet->place.unreadable = true;
	fleet_restart(fleet, 1);
	fleet_call(fleet, 0, "a/m", OUTCOME_MODEL_NOT_FOUND, 0);
	fleet_after(fleet, 20 * SECOND);
	ck_assert_int_eq(fleet_state(fleet, 1, "a/m"), CIRCUIT_CLOSED);
	fleet->place.unreadable = false;
	fleet_after(fleet, 16 * SECOND);
	ck_assert_int_eq(fleet_state(fleet, 1, "a/m"), CIRCUIT_OPEN);
	end();
}
END_TEST

/* It was killed, and begins anew with what it had last written to its disk. */
START_TEST(a_place_that_lost_the_end_of_its_memory_is_told_it_again)
{
	begin(2, YAML(B));
	char *epoch = x_strdup(fake_place_find(&fleet->place, "epoch")->text);
	fleet_call(fleet, 0, "a/m", OUTCOME_MODEL_NOT_FOUND, 0);
	fleet_force(fleet, 0, "b", 60 * MINUTE);
	fleet_after(fleet, MINUTE);
	fake_place_restart(&fleet->place);
	fake_place_put(&fleet->place, "epoch", epoch, -1);
	for (size_t i = 0; i < 2; i++)
		snprintf(fleet->hosts[i].store.store.run, 3, "%s", "2");
	fleet_after(fleet, MINUTE);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(fleet_state(fleet, i, "a/m"), CIRCUIT_OPEN);
		ck_assert_str_eq(fleet_forced(fleet, i), "b");
	}
	ck_assert_ptr_nonnull(fake_place_find(&fleet->place, "open:a/m"));
	free(epoch);
	end();
}
END_TEST

/* As after a debugger or a sleeping machine: meanwhile another host got it. */
START_TEST(a_leave_that_ran_out_is_asked_for_anew)
{
	begin(2, YAML(B));
	fleet_call(fleet, 0, "a/m", OUTCOME_MODEL_NOT_FOUND, 0);
	fleet_after(fleet, 5 * MINUTE + SECOND);
	struct health_subject *subject = NULL;
	for (size_t i = 0; i < 2 && !(subject && subject->mark.leave == HEALTH_LEAVE_HELD); i++)
		subject = health_find(fleet->hosts[i].health, HEALTH_TARGET, "a/m");
	ck_assert_int_eq(subject->mark.leave, HEALTH_LEAVE_HELD);
	ck_assert(subject->circuit.leave);
	subject->mark.leave_ms = fleet_now_ms(fleet) - 1;
	fake_place_put(&fleet->place, "probe:a/m", "another", MINUTE);
	fleet_after(fleet, 8 * SECOND);
	ck_assert(!subject->circuit.leave);
	ck_assert_str_eq(fake_place_find(&fleet->place, "probe:a/m")->text, "another");
	end();
}
END_TEST

static const char *const no_names[] = {"a/", "a/\xff\xfe", "a/x\ny", "a/\x1b[31m", "a/\x7f"};

START_TEST(what_could_not_be_named_is_not_told)
{
	begin(1, YAML(B));
	char *name = x_asprintf("open:%s", no_names[_i]);
	char *news = x_asprintf("changed %s", name);

	fake_place_put(&fleet->place, name, "auth", MINUTE);
	fake_store_hear(&fleet->hosts[0].store, news);
	fleet_after(fleet, 20);
	ck_assert_ptr_null(health_find(fleet->hosts[0].health, HEALTH_TARGET, no_names[_i]));
	free(news);
	free(name);
	end();
}
END_TEST

static const struct {
	const char *name, *text, *line;
} endless[] = {
	{"open:a/m", "auth", "opened"},
	{"forced", "b", "is forced"},
};

START_TEST(what_has_no_end_is_said_once)
{
	begin(1, YAML(B));
	counted = endless[_i].line;
	fake_place_put(&fleet->place, endless[_i].name, endless[_i].text, -1);
	fleet_after(fleet, 10 * MINUTE);
	ck_assert_int_eq(lines, 1);
	fake_place_put(&fleet->place, "forced", "a", -1);
	counted = "is forced";
	lines = 0;
	fleet_after(fleet, MINUTE);
	ck_assert_int_eq(lines, 1);
	ck_assert_str_eq(fleet_forced(fleet, 0), "a");
	end();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("share_rough");
	TCase *tests = tcase_create("share_rough");

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, many_names_are_read_a_few_at_a_time);
	tcase_add_test(tests, many_names_are_all_read_however_slow_it_is);
	tcase_add_test(tests, who_owns_it_hears_once_of_all_that_happens_in_a_turn);
	tcase_add_test(tests, where_nothing_happens_nothing_is_new);
	tcase_add_test(tests, who_does_not_know_the_forced_one_takes_nobodys_word_back);
	tcase_add_test(tests, a_place_that_may_be_read_later_is_shared_then);
	tcase_add_test(tests, a_place_that_lost_the_end_of_its_memory_is_told_it_again);
	tcase_add_test(tests, a_leave_that_ran_out_is_asked_for_anew);
	tcase_add_loop_test(
		tests, what_could_not_be_named_is_not_told, 0, UTIL_COUNT(no_names));
	tcase_add_loop_test(tests, what_has_no_end_is_said_once, 0, UTIL_COUNT(endless));
	return support_run(suite);
}
