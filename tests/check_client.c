/* SPDX-License-Identifier: MIT */
/* The client library against a daemon that behaves: what arrives there, and what comes back. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "support/fake_daemon.h"

#define LONG_MS 10000

static struct fake_daemon fake;
static struct llmfo_client *client;
static struct llmfo_reply *reply;

static void
connect_to(fake_serve *serve, const void *arg)
{
	fake_daemon_start(&fake, serve, arg);
	ck_assert_int_eq(llmfo_client_new(&client, fake.path), 0);
}

static void
clean_up(void)
{
	llmfo_reply_free(reply);
	llmfo_client_free(client);
	fake_daemon_stop(&fake);
}

static void
call_again(int expected)
{
	llmfo_reply_free(reply);
	ck_assert_int_eq(llmfo_call(client, "ping", NULL, LONG_MS, &reply), expected);
}

START_TEST(every_kind_of_parameter_arrives_as_it_was_set)
{
	struct llmfo_params *params = llmfo_params_new();

	connect_to(fake_serve_echo, NULL);
	ck_assert_int_eq(llmfo_params_set_string(params, "s", "grüß"), 0);
	ck_assert_int_eq(llmfo_params_set_string_len(params, "part", "abcdef", 3), 0);
	ck_assert_int_eq(llmfo_params_set_int(params, "i", -9007199254740993), 0);
	ck_assert_int_eq(llmfo_params_set_double(params, "d", 0.5), 0);
	ck_assert_int_eq(llmfo_params_set_bool(params, "yes", true), 0);
	ck_assert_int_eq(llmfo_params_set_bool(params, "no", false), 0);
	ck_assert_int_eq(llmfo_params_set_nil(params, "nil"), 0);
	ck_assert_int_eq(llmfo_params_add_string(params, "targets", "a/x"), 0);
	ck_assert_int_eq(llmfo_params_add_string(params, "targets", "b/y"), 0);
	ck_assert_int_eq(llmfo_params_add_message(params, "system", "be brief"), 0);
	ck_assert_int_eq(llmfo_params_add_message(params, "user", "hello"), 0);
	ck_assert_int_eq(llmfo_call(client, "some_method", params, LONG_MS, &reply), 0);
	ck_assert_str_eq(llmfo_reply_string(reply, "method"), "some_method");
	ck_assert_str_eq(llmfo_reply_string(reply, "params"),
		"[{\"s\":\"grüß\",\"part\":\"abc\",\"i\":-9007199254740993,\"d\":0.5,"
		"\"yes\":true,\"no\":false,\"nil\":null,\"targets\":[\"a\\/x\",\"b\\/y\"],"
		"\"messages\":[{\"role\":\"system\",\"content\":\"be brief\"},"
		"{\"role\":\"user\",\"content\":\"hello\"}]}]");
	llmfo_params_free(params);
	clean_up();
}
END_TEST

START_TEST(setting_a_key_again_replaces_what_it_was)
{
	struct llmfo_params *params = llmfo_params_new();

	connect_to(fake_serve_echo, NULL);
	ck_assert_int_eq(llmfo_params_set_string(params, "k", "a long first value"), 0);
	ck_assert_int_eq(llmfo_params_add_string(params, "l", "gone"), 0);
	ck_assert_int_eq(llmfo_params_set_int(params, "k", 7), 0);
	ck_assert_int_eq(llmfo_params_set_bool(params, "l", true), 0);
	ck_assert_int_eq(llmfo_call(client, "m", params, LONG_MS, &reply), 0);
	ck_assert_str_eq(llmfo_reply_string(reply, "params"), "[{\"k\":7,\"l\":true}]");
	llmfo_params_free(params);
	clean_up();
}
END_TEST

START_TEST(a_setter_that_failed_fails_the_call)
{
	struct llmfo_params *params = llmfo_params_new();

	connect_to(fake_serve_echo, NULL);
	ck_assert_int_eq(llmfo_params_set_string(params, "k", "a scalar"), 0);
	ck_assert_int_eq(llmfo_params_add_string(params, "k", "item"), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_params_set_int(params, "fine", 1), 0);
	ck_assert_int_eq(llmfo_call(client, "m", params, LONG_MS, &reply), LLMFO_EUSAGE);
	ck_assert_ptr_null(reply);
	ck_assert_int_eq(llmfo_params_set_string(params, "k", NULL), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_params_set_int(params, NULL, 1), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_params_set_int(NULL, "k", 1), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_params_add_message(params, "user", NULL), LLMFO_EUSAGE);
	llmfo_params_free(params);
	clean_up();
}
END_TEST

START_TEST(a_call_without_method_client_or_time_is_refused)
{
	connect_to(fake_serve_echo, NULL);
	ck_assert_int_eq(llmfo_call(NULL, "m", NULL, LONG_MS, &reply), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_call(client, NULL, NULL, LONG_MS, &reply), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_call(client, "m", NULL, 0, &reply), LLMFO_EUSAGE);
	ck_assert_ptr_null(reply);
	ck_assert_int_eq(llmfo_call(client, "m", NULL, INT64_MAX, NULL), 0);
	clean_up();
}
END_TEST

START_TEST(a_reply_can_be_read_by_path_by_index_and_by_key)
{
	const struct llmfo_value *list;

	connect_to(fake_serve_canned,
		"{\"a\": {\"b\": {\"c\": 5}}, \"list\": [1, \"two\", null, 2.5, true],"
		" \"text\": \"x\\u0000y\", \"t\": true, \"dotted.key\": 1}");
	call_again(0);
	ck_assert_int_eq(llmfo_reply_int(reply, "a.b.c", 0), 5);
	ck_assert_int_eq(llmfo_reply_int(reply, "a.x.c", -3), -3);
	ck_assert_int_eq(llmfo_reply_int(reply, "text", -3), -3);
	ck_assert_str_eq(llmfo_reply_string(reply, "a"), "");
	list = llmfo_value_get(llmfo_reply_value(reply), "list");
	ck_assert_int_eq(llmfo_value_type(list), LLMFO_ARRAY);
	ck_assert_uint_eq(llmfo_value_count(list), 5);
	ck_assert_str_eq(llmfo_value_string(llmfo_value_at(list, 1), NULL), "two");
	ck_assert_int_eq(llmfo_value_type(llmfo_value_at(list, 2)), LLMFO_NIL);
	ck_assert(llmfo_value_double(llmfo_value_at(list, 3), 0) == 2.5);
	ck_assert(llmfo_value_double(llmfo_value_at(list, 0), 0) == 1.0);
	ck_assert_int_eq(llmfo_value_int(llmfo_value_at(list, 3), -1), -1);
	ck_assert(llmfo_value_bool(llmfo_value_at(list, 4), false));
	ck_assert_ptr_null(llmfo_value_at(list, 5));
	ck_assert_ptr_null(llmfo_value_key(list, 0));
	ck_assert_str_eq(llmfo_value_key(llmfo_reply_value(reply), 4), "dotted.key");
	ck_assert_ptr_null(llmfo_value_key(llmfo_reply_value(reply), 5));
	clean_up();
}
END_TEST

START_TEST(a_string_with_a_nul_in_it_keeps_its_length)
{
	const struct llmfo_value *text;
	size_t length;

	connect_to(fake_serve_canned, "{\"text\": \"x\\u0000y\"}");
	call_again(0);
	text = llmfo_value_get(llmfo_reply_value(reply), "text");
	ck_assert_mem_eq(llmfo_value_string(text, &length), "x\0y", 4);
	ck_assert_uint_eq(length, 3);
	clean_up();
}
END_TEST

START_TEST(readers_take_null_as_nil)
{
	size_t length = 9;

	ck_assert_int_eq(llmfo_value_type(NULL), LLMFO_NIL);
	ck_assert_uint_eq(llmfo_value_count(NULL), 0);
	ck_assert_ptr_null(llmfo_value_at(NULL, 0));
	ck_assert_ptr_null(llmfo_value_key(NULL, 0));
	ck_assert_ptr_null(llmfo_value_get(NULL, "a.b"));
	ck_assert_ptr_null(llmfo_value_string(NULL, &length));
	ck_assert_uint_eq(length, 0);
	ck_assert_int_eq(llmfo_value_int(NULL, 4), 4);
	ck_assert(llmfo_value_bool(NULL, true));
	ck_assert_str_eq(llmfo_reply_string(NULL, "a"), "");
	ck_assert_ptr_null(llmfo_reply_value(NULL));
	llmfo_reply_free(NULL);
	llmfo_params_free(NULL);
	llmfo_client_free(NULL);
	ck_assert_str_eq(llmfo_client_error(NULL), "");
}
END_TEST

START_TEST(a_generate_takes_its_time_as_its_deadline)
{
	struct llmfo_params *params = llmfo_params_new();

	connect_to(fake_serve_echo, NULL);
	ck_assert_int_eq(llmfo_generate(client, params, 1234, &reply), 0);
	ck_assert_str_eq(llmfo_reply_string(reply, "params"), "[{\"deadline_ms\":1234}]");
	llmfo_reply_free(reply);
	ck_assert_int_eq(llmfo_params_set_int(params, "deadline_ms", 77), 0);
	ck_assert_int_eq(llmfo_generate(client, params, 1234, &reply), 0);
	ck_assert_str_eq(llmfo_reply_string(reply, "params"), "[{\"deadline_ms\":77}]");
	llmfo_reply_free(reply);
	ck_assert_int_eq(llmfo_params_set_nil(params, "deadline_ms"), 0);
	ck_assert_int_eq(llmfo_generate(client, params, 1234, &reply), 0);
	ck_assert_str_eq(llmfo_reply_string(reply, "params"), "[{}]");
	llmfo_reply_free(reply);
	ck_assert_int_eq(llmfo_call(client, "pick", NULL, 1234, &reply), 0);
	ck_assert_str_eq(llmfo_reply_string(reply, "params"), "[{}]");
	llmfo_params_free(params);
	clean_up();
}
END_TEST

START_TEST(an_error_of_the_daemon_is_a_code_and_a_map)
{
	connect_to(fake_serve_canned,
		"!{\"code\": \"all_failed\", \"message\": \"all 2 targets failed\", "
		"\"attempts\": [{\"target\": \"a/x\"}], \"retry_after_ms\": 1200}");
	call_again(LLMFO_EALL_FAILED);
	ck_assert_str_eq(llmfo_reply_string(reply, "message"), "all 2 targets failed");
	ck_assert_int_eq(llmfo_reply_int(reply, "retry_after_ms", 0), 1200);
	ck_assert_str_eq(llmfo_client_error(client), "all_failed: all 2 targets failed");
	clean_up();
}
END_TEST

START_TEST(a_code_that_no_daemon_sends_is_an_internal_error)
{
	static const char *const errors[] = {
		"!{\"code\": \"of_a_later_version\"}",
		"!{\"code\": \"timed_out\"}",
		"!{\"code\": \"no_daemon\", \"message\": \"nonsense\"}",
	};

	connect_to(fake_serve_canned, errors[_i]);
	call_again(LLMFO_EINTERNAL);
	ck_assert_ptr_nonnull(reply);
	clean_up();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client");
	TCase *tcase = tcase_create("parameters and replies");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, every_kind_of_parameter_arrives_as_it_was_set);
	tcase_add_test(tcase, setting_a_key_again_replaces_what_it_was);
	tcase_add_test(tcase, a_setter_that_failed_fails_the_call);
	tcase_add_test(tcase, a_call_without_method_client_or_time_is_refused);
	tcase_add_test(tcase, a_reply_can_be_read_by_path_by_index_and_by_key);
	tcase_add_test(tcase, a_string_with_a_nul_in_it_keeps_its_length);
	tcase_add_test(tcase, readers_take_null_as_nil);
	tcase_add_test(tcase, a_generate_takes_its_time_as_its_deadline);
	tcase_add_test(tcase, an_error_of_the_daemon_is_a_code_and_a_map);
	tcase_add_loop_test(tcase, a_code_that_no_daemon_sends_is_an_internal_error, 0, 3);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
