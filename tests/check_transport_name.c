/* SPDX-License-Identifier: MIT */
/* Requests that need the same look-ups have one name, those that need none have none. */
#include <check.h>
#include <stdlib.h>

#include "transport_name.h"
#include "util.h"

static const struct {
	const char *url, *proxy, *name;
	bool late;
} cases[] = {
	{"https://api.example.com/v1/chat?x=1", NULL, "api.example.com:443", false},
	{"http://api.example.com/v1", NULL, "api.example.com:80", false},
	{"http://key@api.example.com:8080/", NULL, "api.example.com:8080", false},
	{"http://127.0.0.1:11434/api", NULL, NULL, false},
	{"http://127.1/api", NULL, NULL, false},
	{"http://[::1]:11434/api", NULL, NULL, false},
	{"http://", NULL, NULL, false},
	{"", NULL, NULL, false},
	{"https://api.example.com/", "http://10.0.0.1:3128", NULL, false},
	{"https://api.example.com/", "http://proxy.example:3128", "http://proxy.example:3128",
		false},
	{"https://other.example.com/", "http://proxy.example", "http://proxy.example:", false},
	{"https://api.example.com/", "socks5h://proxy.example:1080", "socks5h://proxy.example:1080",
		false},
	{"https://api.example.com/", "socks5h://[::1]", NULL, false},
	{"https://api.example.com/", "socks5://proxy.example",
		"api.example.com:443 by socks5://proxy.example:", true},
	{"https://api.example.com/", "socks5://10.0.0.1", "api.example.com:443 by ", true},
	{"https://10.0.0.2/", "socks5://proxy.example", " by socks5://proxy.example:", false},
	{"https://10.0.0.2/", "socks5://10.0.0.1", NULL, false},
};

START_TEST(a_name_tells_what_has_to_be_looked_up)
{
	bool late;
	char *name = transport_name(cases[_i].url, cases[_i].proxy, &late);

	if (cases[_i].name)
		ck_assert_str_eq(name, cases[_i].name);
	else
		ck_assert_msg(!name, "%s", name);
	ck_assert_int_eq(late, cases[_i].late);
	free(name);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("transport_name");
	TCase *tc = tcase_create("names");
	tcase_add_loop_test(tc, a_name_tells_what_has_to_be_looked_up, 0, (int)UTIL_COUNT(cases));
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
