/* SPDX-License-Identifier: MIT */
/* The tables of the protocol, and what a request's parameters must be like. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "llmfo.h"
#include "message.h"

static msgpack_zone zone;
static const msgpack_object_map *map;
static char why[200];

static void
setup(void)
{
	ck_assert(msgpack_zone_init(&zone, 1024));
}

static void
teardown(void)
{
	msgpack_zone_destroy(&zone);
}

/* Checks params, given as JSON, for a method. */
static int
check(const char *method, const char *params)
{
	struct json *tree = json_parse(params, strlen(params), false, NULL);
	msgpack_sbuffer bytes;
	msgpack_packer packer;
	msgpack_object object;
	size_t offset = 0;

	ck_assert_msg(tree != NULL, "%s", params);
	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
	json_pack(tree, &packer);
	json_free(tree);
	char *kept = msgpack_zone_malloc(&zone, bytes.size);
	memcpy(kept, bytes.data, bytes.size);
	ck_assert_int_eq(
		msgpack_unpack(kept, bytes.size, &offset, &zone, &object), MSGPACK_UNPACK_SUCCESS);
	msgpack_sbuffer_destroy(&bytes);
	msgpack_object *last = msgpack_zone_malloc(&zone, sizeof object);
	*last = object;
	int found = message_method(method, strlen(method));
	ck_assert_int_ge(found, 0);
	why[0] = '\0';
	return message_check((enum message_method)found, last, &map, why, sizeof why);
}

START_TEST(a_method_is_found_by_its_whole_name)
{
	for (int i = 0; i < MESSAGE_METHODS; i++) {
		const char *name = message_info((enum message_method)i)->name;

		ck_assert_int_eq(message_method(name, strlen(name)), i);
		ck_assert_int_eq(message_method(name, strlen(name) - 1), -1);
		ck_assert(message_info((enum message_method)i)->help[0] != '\0');
	}
	ck_assert_int_eq(message_method("", 0), -1);
	ck_assert_int_eq(message_method("hello\0", 6), -1);
}
END_TEST

START_TEST(every_field_belongs_to_a_method_and_stands_once)
{
	const struct message_field *field;

	for (size_t i = 0; (field = message_field_at(i)) != NULL; i++) {
		ck_assert(field->methods != 0 && field->methods >> MESSAGE_METHODS == 0);
		ck_assert(field->help[0] != '\0');
		for (size_t k = 0; k < i; k++)
			ck_assert_msg(strcmp(field->name, message_field_at(k)->name) != 0 ||
					(field->methods & message_field_at(k)->methods) == 0,
				"%s", field->name);
	}
}
END_TEST

static const struct {
	const char *method, *params, *why; /* NULL: they are right */
} table[] = {
	{"hello", "[]", NULL},
	{"hello", "[{}]", NULL},
	{"hello", "[{\"client\":\"x\",\"protocol\":1}]", NULL},
	{"hello", "{}", "params"},
	{"hello", "null", "params"},
	{"hello", "\"x\"", "params"},
	{"hello", "[[]]", "params"},
	{"hello", "[{},{}]", "params"},
	{"hello", "[{\"nothing\":1}]", "hello takes no parameter `nothing`"},
	{"hello", "[{\"prompt\":\"x\"}]", "hello takes no parameter `prompt`"},
	{"hello", "[{\"client\":1}]", "`client` must be a string of valid UTF-8"},
	{"hello", "[{\"client\":null}]", "`client` must be a string of valid UTF-8"},
	{"hello", "[{\"client\":\"a\\u0000b\"}]",
		"`client` must be a string of valid UTF-8 without NUL"},
	{"hello", "[{\"protocol\":\"1\"}]", "`protocol` must be an integer"},
	{"hello", "[{\"protocol\":1.5}]", "`protocol` must be an integer"},
	{"hello", "[{\"protocol\":18446744073709551615}]", "`protocol` must be an integer"},
	{"hello", "[{\"\\u001b[31m\":1}]", "takes no parameter `?[31m`"},
	{"generate", "[{\"prompt\":\"a\\u0000b\"}]", NULL},
	{"generate", "[{\"temperature\":1}]", NULL},
	{"generate", "[{\"temperature\":0.5}]", NULL},
	{"generate", "[{\"temperature\":\"hot\"}]", "`temperature` must be a number"},
	{"generate", "[{\"enable_fallback\":1}]", "`enable_fallback` must be true or false"},
	{"generate", "[{\"stop\":\"x\"}]", NULL},
	{"generate", "[{\"stop\":[\"x\",\"y\"]}]", NULL},
	{"generate", "[{\"stop\":[\"x\",1]}]", "`stop` must be a string or an array"},
	{"generate", "[{\"messages\":[]}]", NULL},
	{"generate", "[{\"messages\":\"[]\"}]", NULL},
	{"generate", "[{\"messages\":3}]", "`messages` must be a map, an array"},
	{"force_provider", "[{\"provider\":null}]", NULL},
	{"force_provider", "[{\"provider\":3}]", "or nil"},
	{"reload", "[{\"name\":\"x\"}]", "reload takes no parameter `name`"},
};

START_TEST(parameters_are_right_or_it_is_said_what_is_wrong)
{
	int error = check(table[_i].method, table[_i].params);

	ck_assert_msg(error == (table[_i].why ? LLMFO_EINVALID_REQUEST : 0), "%s", why);
	ck_assert_msg(!table[_i].why || strstr(why, table[_i].why) != NULL, "%s", why);
}
END_TEST

START_TEST(a_parameter_that_is_given_twice_is_refused)
{
	msgpack_object_kv pairs[2];
	msgpack_object params, list = {.type = MSGPACK_OBJECT_MAP};

	for (int i = 0; i < 2; i++) {
		pairs[i].key.type = pairs[i].val.type = MSGPACK_OBJECT_STR;
		pairs[i].key.via.str.ptr = pairs[i].val.via.str.ptr = "client";
		pairs[i].key.via.str.size = pairs[i].val.via.str.size = 6;
	}
	list.via.map.ptr = pairs;
	list.via.map.size = 2;
	params.type = MSGPACK_OBJECT_ARRAY;
	params.via.array.ptr = &list;
	params.via.array.size = 1;
	ck_assert_int_eq(message_check(MESSAGE_M_hello, &params, &map, why, sizeof why),
		LLMFO_EINVALID_REQUEST);
	ck_assert_str_eq(why, "parameter `client` is given twice");
	list.via.map.size = 1;
	ck_assert_int_eq(message_check(MESSAGE_M_hello, &params, &map, why, sizeof why), 0);
	pairs[0].val.via.str.ptr = "ab\xff"
				   "cde";
	ck_assert_int_eq(message_check(MESSAGE_M_hello, &params, &map, why, sizeof why),
		LLMFO_EINVALID_REQUEST);
}
END_TEST

START_TEST(what_is_not_given_has_its_stand_in)
{
	size_t length;

	ck_assert_int_eq(check("generate", "[{\"max_tokens\":5,\"prompt\":\"abc\"}]"), 0);
	ck_assert_int_eq(message_int(map, "max_tokens", -1), 5);
	ck_assert_int_eq(message_int(map, "seed", -1), -1);
	ck_assert(message_bool(map, "enable_fallback", true));
	ck_assert(!message_bool(map, "enable_fallback", false));
	ck_assert_mem_eq(message_string(map, "prompt", &length), "abc", 3);
	ck_assert_uint_eq(length, 3);
	ck_assert_ptr_null(message_string(map, "system", &length));
	ck_assert_int_eq(check("generate", "[]"), 0);
	ck_assert_ptr_null(map);
	ck_assert_ptr_null(message_get(map, "prompt"));
	ck_assert_int_eq(message_int(map, "seed", 3), 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("message");
	TCase *tests = tcase_create("message");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_method_is_found_by_its_whole_name);
	tcase_add_test(tests, every_field_belongs_to_a_method_and_stands_once);
	tcase_add_loop_test(tests, parameters_are_right_or_it_is_said_what_is_wrong, 0,
		sizeof table / sizeof table[0]);
	tcase_add_test(tests, a_parameter_that_is_given_twice_is_refused);
	tcase_add_test(tests, what_is_not_given_has_its_stand_in);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
