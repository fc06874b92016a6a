/* SPDX-License-Identifier: MIT */
/*
 * Every row of tests/data/provider-errors.jsonl; those of more-errors.jsonl, which has failures of
 * the same providers in other words and traps that only sound like something else; and all the ends
 * of a transport.
 */
#include <check.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "outcome.h"

/* Fri, 20 Nov 2026 12:00:00 GMT */
#define NOON_MS INT64_C(1795176000000)

static struct json **rows;
static size_t row_count;

static void
read_rows(const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[PATH_MAX], *line = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "%s/tests/data/%s", top ? top : ".", name);
	FILE *file = fopen(path, "r");
	if (!file) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	for (ssize_t length; (length = getline(&line, &size, file)) > 0;) {
		rows = realloc(rows, (row_count + 1) * sizeof(rows[0]));
		rows[row_count] = json_parse(line, (size_t)length, true, NULL);
		if (!rows[row_count]) {
			fprintf(stderr, "%s: row %zu is not JSON\n", path, row_count);
			exit(EXIT_FAILURE);
		}
		row_count++;
	}
	free(line);
	fclose(file);
}

static void
free_rows(void)
{
	for (size_t i = 0; i < row_count; i++)
		json_free(rows[i]);
	free(rows);
}

static bool
add_header(const char *key, struct json *value, void *arg)
{
	struct buf line;

	buf_init(&line, 10000);
	buf_printf(&line, "%s: %s", key, json_string(value, NULL));
	http_headers_add_line(arg, line.data, line.len);
	buf_free(&line);
	return true;
}

static enum transport_end
end_of(const struct json *row)
{
	static const struct {
		const char *text;
		enum transport_end end;
	} ends[] = {
		{"refused", TRANSPORT_REFUSED},
		{"dns", TRANSPORT_DNS},
		{"tls", TRANSPORT_TLS},
		{"reset", TRANSPORT_RESET},
		{"timeout", TRANSPORT_TIMEOUT},
		{"eof-mid-stream", TRANSPORT_TRUNCATED},
	};
	const char *text = json_text(row, "transport");

	for (size_t i = 0; text && i < UTIL_COUNT(ends); i++) {
		if (strcmp(ends[i].text, text) == 0)
			return ends[i].end;
	}
	return TRANSPORT_DONE;
}

START_TEST(a_known_failure_is_judged_as_its_row_says)
{
	const struct json *row = rows[_i];
	const char *id = json_text(row, "id");
	struct http_headers headers;
	struct outcome outcome;
	int64_t status = 0;
	double cooldown;

	http_headers_init(&headers);
	json_each(json_get(row, "headers"), add_header, &headers);
	struct outcome_input in = {.end = end_of(row),
		.headers = &headers,
		.body = json_text(row, "body"),
		.wall_ms = NOON_MS};
	json_int(json_get(row, "http_status"), &status);
	if (in.end == TRANSPORT_TRUNCATED)
		status = 200;
	in.status = (int)status;
	in.body_bytes = in.body ? strlen(in.body) : 0;
	outcome_judge(&in, &outcome);
	ck_assert_msg(strcmp(outcome_text(outcome.class), json_text(row, "class")) == 0,
		"%s: %s instead of %s (%s)", id, outcome_text(outcome.class),
		json_text(row, "class"), outcome.message);
	ck_assert_msg(outcome_fails_over(&outcome) == json_bool(json_get(row, "failover"), false),
		"%s: failover", id);
	ck_assert_msg(outcome.counts == json_bool(json_get(row, "counts_against_health"), false),
		"%s: counts", id);
	int64_t wait_ms = json_double(json_get(row, "cooldown_s"), &cooldown)
		? (int64_t)llround(cooldown * 1000)
		: -1;
	ck_assert_msg(outcome.retry_after_ms == wait_ms, "%s: %lld ms instead of %lld", id,
		(long long)outcome.retry_after_ms, (long long)wait_ms);
	ck_assert_msg(outcome.message[0] != '\0', "%s: no message", id);
	http_headers_free(&headers);
}
END_TEST

static void
judge(int status, const char *body, struct outcome *outcome)
{
	struct outcome_input in = {.status = status,
		.body = body,
		.body_bytes = strlen(body),
		.wall_ms = NOON_MS,
		.secret = "sk-the-key-of-this-provider"};

	outcome_judge(&in, outcome);
}

static const struct {
	enum transport_end end;
	int status;
	enum outcome_class class;
	bool counts, refused;
} ends[] = {
	{TRANSPORT_REFUSED, 0, OUTCOME_CONNECT_FAILED, true, true},
	{TRANSPORT_UNREACHABLE, 0, OUTCOME_CONNECT_FAILED, true, true},
	{TRANSPORT_DNS, 0, OUTCOME_CONNECT_FAILED, true, true},
	{TRANSPORT_TLS, 0, OUTCOME_CONNECT_FAILED, true, true},
	{TRANSPORT_RESET, 0, OUTCOME_CONNECT_FAILED, true, false},
	{TRANSPORT_CONNECT_TIMEOUT, 0, OUTCOME_TIMEOUT, true, false},
	{TRANSPORT_TIMEOUT, 0, OUTCOME_TIMEOUT, true, false},
	{TRANSPORT_TIMEOUT, 200, OUTCOME_TIMEOUT, true, false},
	{TRANSPORT_TIMEOUT, 429, OUTCOME_RATE_LIMITED, false, false},
	{TRANSPORT_TRUNCATED, 200, OUTCOME_MALFORMED_RESPONSE, true, false},
	{TRANSPORT_TRUNCATED, 401, OUTCOME_AUTH, false, false},
	{TRANSPORT_TOO_LARGE, 200, OUTCOME_MALFORMED_RESPONSE, true, false},
	{TRANSPORT_TOO_LARGE, 503, OUTCOME_UNAVAILABLE, true, false},
	{TRANSPORT_PROTOCOL, 0, OUTCOME_MALFORMED_RESPONSE, true, false},
	{TRANSPORT_INTERNAL, 0, OUTCOME_UNAVAILABLE, false, false},
};

START_TEST(every_end_of_a_transport_is_judged)
{
	struct outcome_input in = {.end = ends[_i].end, .status = ends[_i].status};
	struct outcome outcome;

	outcome_judge(&in, &outcome);
	ck_assert_str_eq(outcome_text(outcome.class), outcome_text(ends[_i].class));
	ck_assert_int_eq(outcome.counts, ends[_i].counts);
	ck_assert_int_eq(outcome.refused, ends[_i].refused);
	ck_assert_int_eq(outcome.http_status, ends[_i].status);
	ck_assert_int_eq(outcome.retry_after_ms, -1);
	ck_assert_int_ne(outcome.message[0], '\0');
}
END_TEST

START_TEST(the_transport_s_own_words_are_kept)
{
	struct outcome_input in = {
		.end = TRANSPORT_REFUSED, .detail = "Connection\nrefused by ::1"};
	struct outcome outcome;

	outcome_judge(&in, &outcome);
	ck_assert_str_eq(outcome.message, "Connection refused by ::1");
}
END_TEST

static const struct {
	const char *body, *message;
} messages[] = {
	{"{\"error\":{\"message\":\"Bad\\nthing\"}}", "Bad thing"},
	{"{\"error\":\"just text\"}", "just text"},
	{"{\"error\":{\"message\":\"Provider returned error\",\"metadata\":{\"raw\":\"busy "
	 "now\"}}}",
		"busy now"},
	{"{\"error\":{\"message\":\"{\\\"error\\\":{\\\"message\\\":\\\"inner\\\"}}\"}}", "inner"},
	{"[{\"error\":{\"message\":\"in an array\"}}]", "in an array"},
	{"{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\"}]}", "field required"},
	{"<html><head><title>502 Bad Gateway</title></head></html>", "502 Bad Gateway"},
	{"upstream connect error", "upstream connect error"},
	{"\"a JSON string\"", "\"a JSON string\""},
	{"{}", "HTTP status 500 without a message"},
	{"", "HTTP status 500 without a message"},
	{"<html></html>", "HTTP status 500 without a message"},
	{"{\"error\":{\"message\":\"key sk-the-key-of-this-provider is bad\"}}",
		"key [secret] is bad"},
};

START_TEST(the_message_is_the_provider_s_own)
{
	struct outcome outcome;

	judge(500, messages[_i].body, &outcome);
	ck_assert_str_eq(outcome.message, messages[_i].message);
}
END_TEST

START_TEST(a_body_of_any_shape_does_no_harm)
{
	static const char *const bodies[] = {
		"[]",
		"[[]]",
		"null",
		"0",
		"{\"error\":null}",
		"{\"error\":[]}",
		"{\"error\":[[]]}",
		"{\"error\":{\"error\":{\"error\":{\"error\":{\"error\":{\"error\":{\"error\":{}}}}"
		"}}}}",
		"{\"error\":{\"details\":[null,1,\"x\",{\"violations\":[null,{\"quotaId\":1}]}]}}",
		"{\"choices\":[{\"error\":7}]}",
		"{\"choices\":{\"error\":\"x\"}}",
		"{\"code\":1e999}",
		"{\"error\":{\"code\":{},\"type\":[],\"status\":{},\"metadata\":\"x\",\"errors\":{}"
		"}}",
		"data: \ndata: {\nerror: {}\n\n{\"error\"",
		"\xff\xfe{}",
		"{\"message\":{\"message\":{}}}",
		"{\"error\":{\"message\":\"[[[[[[[[[[\"}}",
		"{\"error\":{\"message\":\"{}\"}}",
		"{\"retry_after\":{\"seconds\":{\"seconds\":{}}}}",
	};
	static const int statuses[] = {0, 200, 204, 302, 400, 429, 500, 599, 999};
	struct outcome outcome;

	for (size_t i = 0; i < UTIL_COUNT(bodies); i++) {
		for (size_t j = 0; j < UTIL_COUNT(statuses); j++) {
			judge(statuses[j], bodies[i], &outcome);
			ck_assert_int_ne(outcome.class, OUTCOME_OK);
			ck_assert_int_ne(outcome.message[0], '\0');
		}
	}
}
END_TEST

START_TEST(classes_are_found_by_their_text)
{
	for (int i = 0; i < OUTCOME_CLASSES; i++) {
		ck_assert_int_eq(outcome_from_text(outcome_text((enum outcome_class)i)), i);
		ck_assert_ptr_eq(outcome_rule((enum outcome_class)i)->text,
			outcome_text((enum outcome_class)i));
	}
	ck_assert_int_eq(outcome_from_text("no such class"), -1);
}
END_TEST

START_TEST(an_outcome_of_ours_has_our_message)
{
	struct outcome outcome;

	outcome_set(&outcome, OUTCOME_BAD_REQUEST, "no %s\nhere", "images");
	ck_assert_int_eq(outcome.class, OUTCOME_BAD_REQUEST);
	ck_assert_str_eq(outcome.message, "no images here");
	ck_assert_int_eq(outcome.retry_after_ms, -1);
	ck_assert(!outcome_fails_over(&outcome));
	outcome.lacks_capability = true;
	ck_assert(outcome_fails_over(&outcome));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("outcome");
	TCase *tcase = tcase_create("judge");
	SRunner *runner = srunner_create(suite);
	int failed;

	read_rows("provider-errors.jsonl");
	read_rows("more-errors.jsonl");
	tcase_add_loop_test(tcase, a_known_failure_is_judged_as_its_row_says, 0, (int)row_count);
	tcase_add_loop_test(tcase, every_end_of_a_transport_is_judged, 0, (int)UTIL_COUNT(ends));
	tcase_add_test(tcase, the_transport_s_own_words_are_kept);
	tcase_add_loop_test(tcase, the_message_is_the_provider_s_own, 0, (int)UTIL_COUNT(messages));
	tcase_add_test(tcase, a_body_of_any_shape_does_no_harm);
	tcase_add_test(tcase, classes_are_found_by_their_text);
	tcase_add_test(tcase, an_outcome_of_ours_has_our_message);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	free_rows();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
