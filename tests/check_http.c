/* SPDX-License-Identifier: MIT */
/* Requests, the headers of replies, and the words for how an exchange ended. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "transport.h"
#include "utf8.h"

START_TEST(request_headers_are_lines)
{
	struct http_request request;

	http_request_init(&request, 10);
	ck_assert_str_eq(request.method, "GET");
	ck_assert_int_eq(http_request_header(&request, "A", "b c"), 0);
	ck_assert_int_eq(http_request_header(&request, "D", ""), 0);
	ck_assert_str_eq(request.headers.data, "A: b c\nD: \n");
	ck_assert_int_eq(buf_puts(&request.body, "12345678901"), LLMFO_ETOO_LARGE);
	http_request_free(&request);
}
END_TEST

static const struct {
	const char *name, *value;
} smuggled[] = {
	{"A", "x\r\nB: y"},
	{"A", "x\ny"},
	{"A", "\x7f"},
	{"A\n", "x"},
	{"A:", "x"},
	{"", "x"},
	{"A b", "x"},
};

START_TEST(a_value_cannot_smuggle_in_another_header)
{
	struct http_request request;

	http_request_init(&request, 10);
	ck_assert_int_eq(http_request_header(&request, smuggled[_i].name, smuggled[_i].value),
		LLMFO_EINVALID_REQUEST);
	ck_assert_uint_eq(request.headers.len, 0);
	http_request_free(&request);
}
END_TEST

static void
add(struct http_headers *headers, const char *line)
{
	http_headers_add_line(headers, line, strlen(line));
}

START_TEST(reply_headers_are_found_by_their_whole_name)
{
	struct http_headers headers;
	char value[32];

	http_headers_init(&headers);
	add(&headers, "HTTP/1.1 200 OK: really\r\n");
	add(&headers, "no colon\r\n");
	add(&headers, ": no name\r\n");
	add(&headers, "Retry-After-MS: 12\r\n");
	add(&headers, "Retry-After:\t 3 \r\n");
	add(&headers, "retry-after: 4\r\n");
	add(&headers, "X-Empty:\r\n");
	add(&headers, "X-Odd: a\tb\rc\r\n");
	ck_assert(http_headers_get(&headers, "retry-after", value, sizeof(value)));
	ck_assert_str_eq(value, "3");
	ck_assert(http_headers_get(&headers, "x-empty", value, sizeof(value)));
	ck_assert_str_eq(value, "");
	ck_assert(http_headers_get(&headers, "x-odd", value, sizeof(value)));
	ck_assert_str_eq(value, "a b c");
	ck_assert(http_headers_get(&headers, "retry-after-ms", value, 2));
	ck_assert_str_eq(value, "1");
	ck_assert(!http_headers_get(&headers, "retry", value, sizeof(value)));
	ck_assert_str_eq(value, "");
	ck_assert_ptr_null(strstr(headers.text.data, "really"));
	http_headers_clear(&headers);
	ck_assert(!http_headers_get(&headers, "retry-after", value, sizeof(value)));
	http_headers_free(&headers);
}
END_TEST

START_TEST(headers_beyond_the_ceiling_are_dropped_and_the_rest_is_kept)
{
	struct http_headers headers;
	char line[1024], value[8];

	memset(line, 'x', sizeof(line));
	line[1] = ':';
	http_headers_init(&headers);
	add(&headers, "first: 1");
	for (int i = 0; i < 200; i++)
		http_headers_add_line(&headers, line, sizeof(line));
	ck_assert_uint_le(headers.text.len, HTTP_HEADERS_MAX_BYTES);
	ck_assert(http_headers_get(&headers, "first", value, sizeof(value)));
	http_headers_free(&headers);
}
END_TEST

START_TEST(every_end_has_its_own_name)
{
	for (int i = TRANSPORT_DONE; i <= TRANSPORT_INTERNAL; i++) {
		for (int j = TRANSPORT_DONE; j < i; j++)
			ck_assert_str_ne(transport_end_name((enum transport_end)i),
				transport_end_name((enum transport_end)j));
		ck_assert_str_ne(transport_end_name((enum transport_end)i), "unknown");
	}
}
END_TEST

static const struct {
	const char *text, *mended;
} texts[] = {
	{"", ""},
	{"a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
	{"\x80", UTF8_REPLACEMENT},
	{"a\xc3", "a" UTF8_REPLACEMENT},
	{"\xc0\xafz", UTF8_REPLACEMENT UTF8_REPLACEMENT "z"},
	{"\xed\xa0\x80", UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT},
	{"\xf4\x90\x80\x80", UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT},
	{"\xe2\x82", UTF8_REPLACEMENT UTF8_REPLACEMENT},
};

START_TEST(broken_utf8_is_seen_and_mended)
{
	size_t length = strlen(texts[_i].text);
	struct buf out;

	buf_init(&out, 100);
	ck_assert_int_eq(
		utf8_valid(texts[_i].text, length), strcmp(texts[_i].text, texts[_i].mended) == 0);
	ck_assert_int_eq(buf_add_mended(&out, texts[_i].text, length), 0);
	ck_assert_str_eq(out.data, texts[_i].mended);
	ck_assert(utf8_valid(out.data, out.len));
	buf_free(&out);
	buf_init(&out, 1);
	ck_assert_int_eq(buf_add_mended(&out, "\xff", 1), LLMFO_ETOO_LARGE);
	buf_free(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("http");
	TCase *tcase = tcase_create("values");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, request_headers_are_lines);
	tcase_add_loop_test(
		tcase, a_value_cannot_smuggle_in_another_header, 0, (int)UTIL_COUNT(smuggled));
	tcase_add_test(tcase, reply_headers_are_found_by_their_whole_name);
	tcase_add_test(tcase, headers_beyond_the_ceiling_are_dropped_and_the_rest_is_kept);
	tcase_add_test(tcase, every_end_has_its_own_name);
	tcase_add_loop_test(tcase, broken_utf8_is_seen_and_mended, 0, (int)UTIL_COUNT(texts));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
