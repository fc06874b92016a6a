/* SPDX-License-Identifier: MIT */
/* Lines are one line each, in three forms, whatever is in them. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "log.h"
#include "utf8.h"

static char *last;
static enum log_level last_level;
static int lines;

static void
on_line(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	free(last);
	last = x_strdup(line);
	last_level = level;
	lines++;
}

static void
set_up(void)
{
	lines = 0;
	log_setup(LOG_INFO, LOG_TEXT, false);
	log_capture(on_line, NULL);
}

static void
tear_down(void)
{
	log_capture(NULL, NULL);
	log_setup(LOG_WARNING, LOG_TEXT, false);
	free(last);
	last = NULL;
}

static const struct log_field fields[] = {
	LOG_STRING("chain", "default"),
	LOG_STRING("from", NULL),
	LOG_STRING("message", "it said \"no\""),
	LOG_NUMBER("latency_ms", 42),
};

START_TEST(only_what_is_wanted_is_said)
{
	log_debug("%s", "too fine");
	ck_assert_int_eq(lines, 0);
	log_info("%s", "fine");
	ck_assert_int_eq(lines, 1);
	ck_assert_int_eq(last_level, LOG_INFO);
	log_setup(LOG_ERROR, LOG_TEXT, false);
	ck_assert(!log_wants(LOG_WARNING));
	log_warning("%s", "no");
	ck_assert_int_eq(lines, 1);
}
END_TEST

START_TEST(text_is_the_message_and_its_fields)
{
	log_line(LOG_WARNING, fields, UTIL_COUNT(fields), "a %s", "failed");
	ck_assert_str_eq(
		last, "a failed chain=default message=\"it said \\\"no\\\"\" latency_ms=42");
}
END_TEST

static const struct {
	const char *said, *written;
} harmful[] = {
	{"a\033[2Jb\177", "a\\x1b[2Jb\\x7f"},
	{"\xc2\x9b"
	 "2J\xc2\x85",
		"\\u009b2J\\u0085"},
	{"x\xe2\x80\xae"
	 "y\xe2\x81\xa6\xd8\x9c\xe2\x80\xa8",
		"x\\u202ey\\u2066\\u061c\\u2028"},
	{"\x9b"
	 "2J\xe2\x80",
		"\\x9b2J\\xe2\\x80"},
	{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
		"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
};

START_TEST(nothing_reaches_a_terminal_that_it_would_obey)
{
	log_info("%s", harmful[_i].said);
	ck_assert_str_eq(last, harmful[_i].written);
}
END_TEST

/* Every byte of it harms nobody, and who parses it has what was said. */
START_TEST(json_too_escapes_what_a_terminal_would_obey)
{
	const char *said = harmful[_i].said;
	struct log_field field = LOG_STRING("key", said);
	struct json *tree;

	log_setup(LOG_INFO, LOG_JSON, false);
	log_line(LOG_ERROR, &field, 1, "%s", said);
	ck_assert_ptr_null(strchr(last, '\033'));
	ck_assert_ptr_null(strchr(last, '\177'));
	ck_assert_ptr_null(strstr(last, "\xc2\x9b"));
	ck_assert_ptr_null(strstr(last, "\xc2\x85"));
	ck_assert_ptr_null(strstr(last, "\xd8\x9c"));
	ck_assert_ptr_null(strstr(last, "\xe2\x80"));
	ck_assert_ptr_null(strstr(last, "\xe2\x81"));
	tree = json_parse(last, strlen(last), true, NULL);
	ck_assert_ptr_nonnull(tree);
	if (utf8_valid(said, strlen(said))) {
		ck_assert_str_eq(json_text(tree, "msg"), said);
		ck_assert_str_eq(json_text(tree, "key"), said);
	}
	json_free(tree);
}
END_TEST

START_TEST(logfmt_begins_with_time_level_and_message)
{
	log_setup(LOG_INFO, LOG_LOGFMT, false);
	log_line(LOG_ERROR, fields, UTIL_COUNT(fields), "a failed");
	ck_assert_ptr_nonnull(strstr(last, "time=2"));
	ck_assert_ptr_nonnull(strstr(last,
		"Z level=error msg=\"a failed\" chain=default message=\"it said \\\"no\\\"\" "
		"latency_ms=42"));
}
END_TEST

START_TEST(json_is_an_object_with_everything_in_it)
{
	struct json *tree;

	log_setup(LOG_INFO, LOG_JSON, false);
	log_line(LOG_WARNING, fields, UTIL_COUNT(fields), "a\nfailed");
	tree = json_parse(last, strlen(last), true, NULL);
	ck_assert_str_eq(json_text(tree, "level"), "warning");
	ck_assert_str_eq(json_text(tree, "msg"), "a\nfailed");
	ck_assert_str_eq(json_text(tree, "message"), "it said \"no\"");
	ck_assert_int_eq(json_type(json_get(tree, "latency_ms")), JSON_INT);
	ck_assert_int_eq(json_type(json_get(tree, "from")), JSON_NONE);
	json_free(tree);
	ck_assert_ptr_null(strchr(last, '\n'));
}
END_TEST

START_TEST(control_characters_are_made_harmless)
{
	const struct log_field field = LOG_STRING("key", "a\033[31m b\n");

	log_line(LOG_ERROR, &field, 1, "line\r\nfeed\033]0;title\a");
	ck_assert_str_eq(last, "line\\x0d\\x0afeed\\x1b]0;title\\x07 key=\"a\\x1b[31m b\\x0a\"");
}
END_TEST

/* Texts that do not fit as they are, or only before they are escaped. */
static const char *const fillers[] = {
	"x", "\"", "\\", "\n", "\001", "\xc3\xa4", "\xc2\x9b", "\177", "\x9b", "\xf0\x9f\x98\x80"};

START_TEST(what_is_too_long_is_cut_and_the_line_stays_whole)
{
	for (int format = LOG_TEXT; format <= LOG_JSON; format++)
		for (size_t count = 1000; count <= 6000; count += 499) {
			struct buf text;

			buf_init(&text, 1 << 20);
			for (size_t i = 0; i < count; i++)
				(void)buf_puts(&text, fillers[_i]);
			log_setup(LOG_INFO, (enum log_format)format, false);
			log_line(LOG_ERROR, fields, UTIL_COUNT(fields), "it said: %s", text.data);
			buf_free(&text);
			ck_assert_uint_lt(strlen(last), 4090);
			ck_assert_ptr_nonnull(strstr(last, "it said: "));
			ck_assert_ptr_nonnull(strstr(last, "latency_ms"));
			if (format != LOG_JSON)
				continue;
			struct json *tree = json_parse(last, strlen(last), true, NULL);
			ck_assert_ptr_nonnull(tree);
			json_free(tree);
		}
}
END_TEST

START_TEST(a_reader_that_does_not_read_costs_lines_and_no_time)
{
	int ends[2], old = dup(STDERR_FILENO);
	uint64_t before = log_dropped();

	log_capture(NULL, NULL);
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	for (int i = 0; i < 5000; i++)
		log_error("a line that nobody reads, number %d", i);
	ck_assert_int_ge(dup2(old, STDERR_FILENO), 0);
	ck_assert_uint_gt(log_dropped(), before);
	char bytes[64];
	ck_assert_int_gt(read(ends[0], bytes, sizeof bytes), 0);
	ck_assert_int_eq(strncmp(bytes, "<3>a line that nobody reads, number 0\n<3>", 40), 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)close(old);
}
END_TEST

START_TEST(names_of_levels_and_formats_are_known)
{
	ck_assert_int_eq(log_level_from_text("debug"), LOG_DEBUG);
	ck_assert_int_eq(log_level_from_text("loud"), -1);
	ck_assert_int_eq(log_format_from_text("json"), LOG_JSON);
	ck_assert_int_eq(log_format_from_text(""), -1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, only_what_is_wanted_is_said);
	tcase_add_test(tcase, text_is_the_message_and_its_fields);
	tcase_add_test(tcase, logfmt_begins_with_time_level_and_message);
	tcase_add_loop_test(
		tcase, nothing_reaches_a_terminal_that_it_would_obey, 0, (int)UTIL_COUNT(harmful));
	tcase_add_loop_test(
		tcase, json_too_escapes_what_a_terminal_would_obey, 0, (int)UTIL_COUNT(harmful));
	tcase_add_test(tcase, json_is_an_object_with_everything_in_it);
	tcase_add_test(tcase, control_characters_are_made_harmless);
	tcase_add_loop_test(tcase, what_is_too_long_is_cut_and_the_line_stays_whole, 0,
		(int)UTIL_COUNT(fillers));
	tcase_add_test(tcase, a_reader_that_does_not_read_costs_lines_and_no_time);
	tcase_add_test(tcase, names_of_levels_and_formats_are_known);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
