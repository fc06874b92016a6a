/* SPDX-License-Identifier: MIT */
/* Trees from text and from MessagePack, and back without harm to anything in them. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "llmfo.h"

static struct json *
parse(const char *text, bool strict)
{
	return json_parse(text, strlen(text), strict, NULL);
}

static void
written_is(const struct json *json, const char *wanted)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	ck_assert_int_eq(json_write(json, &out), 0);
	ck_assert_str_eq(out.data, wanted);
	buf_free(&out);
}

/* What comes out as it went in, strictly read. */
static const char *const unharmed[] = {
	"null",
	"true",
	"0",
	"-9223372036854775808",
	"18446744073709551615",
	"9007199254740993",
	"0.1",
	"1e400",
	"1.10",
	"\"\"",
	"\"a/b \\\"quoted\\\" \\\\ \\n\\r\\t\\u0000\\u0001\x7f\"",
	"\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \xe2\x80\xa8\"",
	"[]",
	"{}",
	"[1,null,[{}],\"\"]",
	"{\"\":1,\"b\":{\"c\":null},\"a\":[false]}",
};

START_TEST(what_is_read_is_written_again_unharmed)
{
	struct json *json = parse(unharmed[_i], true);

	ck_assert_ptr_nonnull(json);
	written_is(json, unharmed[_i]);
	json_free(json);
}
END_TEST

static const char *const refused[] = {
	"",
	" ",
	"{",
	"[1",
	"\"",
	"tru",
	"{\"a\"}",
	"{\"a\":1,}",
	"[1,]",
	"[1 2]",
	"1 2",
	"{} x",
	"'a'",
	"nan",
	"NaN",
	"Infinity",
	"-",
	"01",
	"{\"a\\u0000b\":1}",
	"[{\"\\\\\\u0000\" : 1}]",
	"/* c */ 1",
	"\"\x01\"",
	"\"\n\"",
	"1e",
	"-x",
	"1x",
	"nulls",
	"\"\xff\"",
	"\"\xc0\xaf\"",
	"\"\xed\xa0\x80\"",
	"{a:1}",
	"+1",
	"\xef\xbb\xbf{}",
	"1.",
	"\"\\x\"",
	"\"\\u12\"",
};

START_TEST(what_is_not_json_is_refused_with_a_reason)
{
	const char *why = NULL;

	ck_assert_msg(!json_parse(refused[_i], strlen(refused[_i]), true, &why), "%s", refused[_i]);
	ck_assert_ptr_nonnull(why);
	ck_assert_int_ne(why[0], '\0');
}
END_TEST

static const struct {
	const char *text, *written;
} wide[] = {
	{"18446744073709551616", "18446744073709551616"},
	{"-9223372036854775809", "-9223372036854775809"},
	{"[18446744073709551616e0,5e-000000000000000000]",
		"[18446744073709551616e0,5e-000000000000000000]"},
	{"{\"a\\\\u0000\":\"\\u0000\"}", "{\"a\\\\u0000\":\"\\u0000\"}"},
	{"[18446744073709551615,-9223372036854775808,1]",
		"[18446744073709551615,-9223372036854775808,1]"},
	{"{\"18446744073709551616\":\"a\\\"18446744073709551616\",\"n\":"
	 "123456789012345678901234567890}",
		"{\"18446744073709551616\":\"a\\\"18446744073709551616\",\"n\":"
		"123456789012345678901234567890}"},
	{"[123456789012345678901234567890.5]", "[123456789012345678901234567890.5]"},
};

START_TEST(an_integer_beyond_64_bits_keeps_its_text)
{
	size_t row = (size_t)_i / 2;
	struct json *json = json_parse(wide[row].text, strlen(wide[row].text), _i % 2 == 0, NULL);
	struct buf out;

	buf_init(&out, 1000);
	ck_assert_ptr_nonnull(json);
	ck_assert_int_eq(json_write(json, &out), 0);
	ck_assert_str_eq(out.data, wide[row].written);
	buf_free(&out);
	json_free(json);
}
END_TEST

START_TEST(nesting_has_a_limit)
{
	char text[2 * 100000];
	struct json *json;

	memset(text, '[', sizeof(text) / 2);
	memset(text + sizeof(text) / 2, ']', sizeof(text) / 2);
	ck_assert_ptr_null(json_parse(text, sizeof(text), false, NULL));
	memset(text, '[', 100);
	memset(text + 100, ']', 100);
	json = json_parse(text, 200, true, NULL);
	ck_assert_ptr_nonnull(json);
	json_free(json);
}
END_TEST

START_TEST(only_the_given_length_is_read)
{
	struct json *json = json_parse("123456", 3, true, NULL);
	int64_t number;

	ck_assert(json_int(json, &number));
	ck_assert_int_eq(number, 123);
	json_free(json);
	ck_assert_ptr_null(json_parse("1\0", 2, false, NULL));
}
END_TEST

START_TEST(a_tolerant_read_mends_what_is_not_utf8)
{
	struct json *json = parse(" {\"a\":\"x\xff\xc3y\"}\n", false);

	ck_assert_str_eq(json_text(json, "a"), "x\xef\xbf\xbd\xef\xbf\xbdy");
	json_free(json);
}
END_TEST

START_TEST(a_number_that_json_cannot_have_is_made_null_and_written_as_it_was_read)
{
	struct json *json = parse("[NaN, -Infinity, 1e999]", false);

	written_is(json, "[NaN,-Infinity,1e999]");
	json_free(json);
	json = json_new_double(NAN);
	ck_assert_int_eq(json_type(json), JSON_NULL);
}
END_TEST

START_TEST(null_is_told_from_not_there)
{
	struct json *json = parse("{\"a\":null,\"b\":[null]}", true);

	ck_assert_int_eq(json_type(json_get(json, "a")), JSON_NULL);
	ck_assert_int_eq(json_type(json_at(json_get(json, "b"), 0)), JSON_NULL);
	ck_assert_int_eq(json_type(json_at(json_get(json, "b"), 1)), JSON_NONE);
	ck_assert_int_eq(json_type(json_get(json, "c")), JSON_NONE);
	json_free(json);
}
END_TEST

START_TEST(getters_chain_over_what_is_not_there)
{
	struct json *json = parse("[1]", true);
	int64_t number = 7;
	double fraction = 7;

	ck_assert_ptr_null(json_get(json_get(json, "x"), "y"));
	ck_assert_ptr_null(json_get(json, "x"));
	ck_assert_ptr_null(json_text(NULL, "x"));
	ck_assert_ptr_null(json_string(json, NULL));
	ck_assert(!json_int(json, &number));
	ck_assert(!json_double(NULL, &fraction));
	ck_assert(json_bool(NULL, true));
	ck_assert_str_eq(json_number_text(json), "");
	ck_assert_uint_eq(json_count(NULL), 0);
	ck_assert_ptr_null(json_ref(NULL));
	json_each(json, NULL, NULL);
	json_free(json);
	json_free(NULL);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	int64_t number;
} integers[] = {
	{"5", true, 5},
	{"5.0", true, 5},
	{"1e3", true, 1000},
	{"5.5", false, 0},
	{"1e19", false, 0},
	{"-9223372036854775808", true, INT64_MIN},
	{"9223372036854775807", true, INT64_MAX},
	{"9223372036854775808", false, 0},
	{"99999999999999999999999", false, 0},
	{"\"5\"", false, 0},
	{"true", false, 0},
};

START_TEST(integers_are_whole_and_fit)
{
	struct json *json = parse(integers[_i].text, false);
	int64_t number = 0;

	ck_assert_int_eq(json_int(json, &number), integers[_i].ok);
	if (integers[_i].ok)
		ck_assert_int_eq(number, integers[_i].number);
	json_free(json);
}
END_TEST

START_TEST(trees_can_be_built)
{
	struct json *json = json_new_object();
	struct json *list = json_new_array();
	struct json *shared = json_new_double(0.7);

	json_push(list, json_ref(shared));
	json_push(list, NULL);
	json_push(list, json_new_double(2));
	json_push(list, json_new_bool(true));
	json_push(list, json_new_uint(UINT64_MAX));
	json_set(json, "list", list);
	json_set(json, "none", json_new_null());
	json_set_text(json, "text", "x");
	json_set_text(json, "text", "y");
	json_set_int(json, "n", INT64_MIN);
	json_set_bool(json, "no", false);
	written_is(json,
		"{\"list\":[0.7,null,2.0,true,18446744073709551615],\"none\":null,"
		"\"text\":\"y\",\"n\":-9223372036854775808,\"no\":false}");
	json_free(json);
	written_is(shared, "0.7");
	json_free(shared);
}
END_TEST

START_TEST(writing_stops_at_the_ceiling)
{
	static const char text[] = "{\"a\":[1,2,3,\"x\\ny\"]}";
	struct json *json = parse(text, true);
	struct buf out;

	for (size_t max = 0; max < sizeof(text) - 1; max++) {
		buf_init(&out, max);
		ck_assert_int_eq(json_write(json, &out), LLMFO_ETOO_LARGE);
		buf_free(&out);
	}
	json_free(json);
}
END_TEST

START_TEST(messagepack_and_back_changes_nothing)
{
	struct json *json = parse(unharmed[_i], true);
	msgpack_sbuffer bytes;
	msgpack_packer packer;
	msgpack_unpacked unpacked;

	if (strcmp(unharmed[_i], "1e400") == 0 || strcmp(unharmed[_i], "1.10") == 0) {
		json_free(json);
		return;
	}
	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
	json_pack(json, &packer);
	json_free(json);
	msgpack_unpacked_init(&unpacked);
	ck_assert_int_eq(msgpack_unpack_next(&unpacked, bytes.data, bytes.size, NULL),
		MSGPACK_UNPACK_SUCCESS);
	json = json_from_msgpack(&unpacked.data, NULL);
	ck_assert_ptr_nonnull(json);
	written_is(json, unharmed[_i]);
	json_free(json);
	msgpack_unpacked_destroy(&unpacked);
	msgpack_sbuffer_destroy(&bytes);
}
END_TEST

static const struct {
	const char *bytes;
	size_t length;
} foreign[] = {
	{"\x81\x01\x02", 3},             /* a key that is a number */
	{"\x81\xa2x\x00\x02", 5},        /* a key with a NUL */
	{"\x81\xa1\xff\x02", 4},         /* a key that is not UTF-8 */
	{"\x91\xa1\xff", 3},             /* a string that is not UTF-8 */
	{"\x91\xc4\x01\xff", 4},         /* bytes that are not UTF-8 */
	{"\xcb\x7f\xf0\0\0\0\0\0\0", 9}, /* infinity */
	{"\x81\xa1x\xd4\x05\x00", 6},    /* an extension */
};

START_TEST(messagepack_that_json_cannot_say_is_refused)
{
	msgpack_unpacked unpacked;
	const char *why = NULL;

	msgpack_unpacked_init(&unpacked);
	ck_assert_int_eq(
		msgpack_unpack_next(&unpacked, foreign[_i].bytes, foreign[_i].length, NULL),
		MSGPACK_UNPACK_SUCCESS);
	ck_assert_ptr_null(json_from_msgpack(&unpacked.data, &why));
	ck_assert_ptr_nonnull(why);
	msgpack_unpacked_destroy(&unpacked);
}
END_TEST

START_TEST(messagepack_bytes_are_a_string)
{
	msgpack_unpacked unpacked;

	msgpack_unpacked_init(&unpacked);
	ck_assert_int_eq(
		msgpack_unpack_next(&unpacked, "\xc4\x02hi", 4, NULL), MSGPACK_UNPACK_SUCCESS);
	struct json *json = json_from_msgpack(&unpacked.data, NULL);
	written_is(json, "\"hi\"");
	json_free(json);
	msgpack_unpacked_destroy(&unpacked);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("json");
	TCase *tcase = tcase_create("trees");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(
		tcase, what_is_read_is_written_again_unharmed, 0, (int)UTIL_COUNT(unharmed));
	tcase_add_loop_test(
		tcase, what_is_not_json_is_refused_with_a_reason, 0, (int)UTIL_COUNT(refused));
	tcase_add_test(tcase, nesting_has_a_limit);
	tcase_add_loop_test(
		tcase, an_integer_beyond_64_bits_keeps_its_text, 0, 2 * (int)UTIL_COUNT(wide));
	tcase_add_test(tcase, only_the_given_length_is_read);
	tcase_add_test(tcase, a_tolerant_read_mends_what_is_not_utf8);
	tcase_add_test(
		tcase, a_number_that_json_cannot_have_is_made_null_and_written_as_it_was_read);
	tcase_add_test(tcase, null_is_told_from_not_there);
	tcase_add_test(tcase, getters_chain_over_what_is_not_there);
	tcase_add_loop_test(tcase, integers_are_whole_and_fit, 0, (int)UTIL_COUNT(integers));
	tcase_add_test(tcase, trees_can_be_built);
	tcase_add_test(tcase, writing_stops_at_the_ceiling);
	tcase_add_loop_test(
		tcase, messagepack_and_back_changes_nothing, 0, (int)UTIL_COUNT(unharmed));
	tcase_add_loop_test(
		tcase, messagepack_that_json_cannot_say_is_refused, 0, (int)UTIL_COUNT(foreign));
	tcase_add_test(tcase, messagepack_bytes_are_a_string);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
