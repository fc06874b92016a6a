/* SPDX-License-Identifier: MIT */
/* Where a Redis is, out of a URL, and what is said of one that is none. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "redis_url.h"
#include "support/config_support.h"

static const struct good_row {
	const char *text, *shown, *host, *path;
	int port, db;
	const char *user, *password;
} good[] = {
	{"redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0", "127.0.0.1", NULL, 6379, 0, NULL,
		NULL},
	{"redis://cache", "redis://cache:6379/0", "cache", NULL, 6379, 0, NULL, NULL},
	{"redis://cache/", "redis://cache:6379/0", "cache", NULL, 6379, 0, NULL, NULL},
	{"REDIS://Cache.example:1/15", "redis://Cache.example:1/15", "Cache.example", NULL, 1, 15,
		NULL, NULL},
	{"redis://h?db=3", "redis://h:6379/3", "h", NULL, 6379, 3, NULL, NULL},
	{"redis://:pw@h", "redis://h:6379/0", "h", NULL, 6379, 0, NULL, "pw"},
	{"redis://me:pw@h:7/1", "redis://h:7/1", "h", NULL, 7, 1, "me", "pw"},
	{"redis://me@h", "redis://h:6379/0", "h", NULL, 6379, 0, "me", NULL},
	{"redis://:@h", "redis://h:6379/0", "h", NULL, 6379, 0, NULL, NULL},
	{"redis://@h", "redis://h:6379/0", "h", NULL, 6379, 0, NULL, NULL},
	{"redis://m%65:p%40%3a%2Fw@h", "redis://h:6379/0", "h", NULL, 6379, 0, "me", "p@:/w"},
	{"redis://me:p@ss:w@h", "redis://h:6379/0", "h", NULL, 6379, 0, "me", "p@ss:w"},
	{"redis://:%25%c3%a9@h", "redis://h:6379/0", "h", NULL, 6379, 0, NULL, "%\xc3\xa9"},
	{"redis://h?user=u&password=p%26", "redis://h:6379/0", "h", NULL, 6379, 0, "u", "p&"},
	{"redis://[::1]:6380/2", "redis://[::1]:6380/2", "::1", NULL, 6380, 2, NULL, NULL},
	{"redis://:p@[fe80::1]", "redis://[fe80::1]:6379/0", "fe80::1", NULL, 6379, 0, NULL, "p"},
	{"unix:///run/redis/redis.sock", "unix:///run/redis/redis.sock", NULL,
		"/run/redis/redis.sock", 0, 0, NULL, NULL},
	{"redis+unix:///r%20x?db=2", "unix:///r x?db=2", NULL, "/r x", 0, 2, NULL, NULL},
	{"unix://me:pw@/r?db=0", "unix:///r", NULL, "/r", 0, 0, "me", "pw"},
	{"unix:///r?password=pw", "unix:///r", NULL, "/r", 0, 0, NULL, "pw"},
	{"unix:///r?username=me&db=7&password=pw", "unix:///r?db=7", NULL, "/r", 0, 7, "me", "pw"},
};

START_TEST(a_url_says_where_a_redis_is)
{
	const struct good_row *row = &good[_i];
	const char *why;
	struct redis_url *url = redis_url_parse(row->text, &why);

	ck_assert_msg(url != NULL, "%s: %s", row->text, why);
	ck_assert_str_eq(url->shown, row->shown);
	ck_assert_pstr_eq(url->host, row->host);
	ck_assert_pstr_eq(url->path, row->path);
	ck_assert_int_eq(url->port, row->port);
	ck_assert_int_eq(url->db, row->db);
	ck_assert_pstr_eq(url->user, row->user);
	ck_assert_pstr_eq(url->password, row->password);
	struct redis_url *copy = redis_url_copy(url);
	ck_assert(redis_url_equal(url, copy));
	ck_assert_str_eq(copy->shown, row->shown);
	redis_url_free(copy);
	redis_url_free(url);
}
END_TEST

static const struct bad_row {
	const char *text, *why;
} bad[] = {
	{"", "must begin with redis:// or unix://"},
	{"127.0.0.1:6379", "must begin with redis:// or unix://"},
	{"redis:h", "must begin with redis:// or unix://"},
	{"http://s3cret@h", "must begin with redis:// or unix://"},
	{"rediss://:s3cret@h", "TLS is not supported: let a local stunnel"},
	{"redis+sentinel://h:26379/mymaster", "Sentinel is not supported"},
	{"redis-sentinel://h", "Sentinel is not supported"},
	{"sentinel://h", "Sentinel is not supported"},
	{"redis+cluster://h", "a cluster is not supported"},
	{"redis://:s3cret@a,b", "several hosts; a cluster or Sentinel is not"},
	{"redis://:s3cret@a:1,b:2", "several hosts; a cluster or Sentinel is not"},
	{"redis://", "names no host"},
	{"redis:///0", "names no host"},
	{"redis://:s3cret@", "names no host"},
	{"redis://:s3cret@:6379", "names no host"},
	{"redis://h$", "a character that no host's name has"},
	{"redis://h%41", "a character that no host's name has"},
	{"redis://h:", "the port must be a number from 1 to 65535"},
	{"redis://h:0", "the port must be a number from 1 to 65535"},
	{"redis://h:65536", "the port must be a number from 1 to 65535"},
	{"redis://h:+1", "the port must be a number from 1 to 65535"},
	{"redis://h:99999999999", "the port must be a number from 1 to 65535"},
	{"redis://h:s3cret", "the port must be a number from 1 to 65535"},
	{"redis://fe80::1", "an IPv6 address stands in brackets"},
	{"redis://[::1", "the bracket of its IPv6 address is not closed"},
	{"redis://[h]", "what stands in brackets is no IPv6 address"},
	{"redis://[::1]6379", "behind the bracket"},
	{"redis://h/a", "the database must be a number from 0 to 1000000"},
	{"redis://h/-1", "the database must be a number from 0 to 1000000"},
	{"redis://h/1000001", "the database must be a number from 0 to 1000000"},
	{"redis://h/0/", "the database must be a number from 0 to 1000000"},
	{"redis://h?db=", "the database must be a number from 0 to 1000000"},
	{"redis://h/1?db=1", "twice"},
	{"redis://:s3cret@h?password=s3cret", "twice"},
	{"redis://h?ssl=true", "behind its ? may stand db=, user= and password= alone"},
	{"redis://h#1", "a # has no place in it"},
	{"redis://h/0#1", "a # has no place in it"},
	{"redis://:s3/cret@h", "must be percent-encoded: %2F"},
	{"redis://:s3#cret@h", "must be percent-encoded: %2F"},
	{"redis://:s3cret%4@h", "must be followed by two hexadecimal digits"},
	{"redis://:s3cret%@h", "must be followed by two hexadecimal digits"},
	{"redis://:s3cret%zz@h", "must be followed by two hexadecimal digits"},
	{"redis://:s3cret%0a@h", "it holds a control character"},
	{"redis://:s3cret%00@h", "it holds a control character"},
	{"redis://:s3 cret@h", "a blank or a control character"},
	{"redis://:s3\ncret@h", "a blank or a control character"},
	{"unix://", "names no file"},
	{"unix:///", "names no file"},
	{"unix://run/redis.sock", "the path of a socket begins with a slash"},
	{"unix:///a%00b", "it holds a control character"},
	{"unix:///a%ff", "its path is not UTF-8"},
	{"unix:///123456789012345678901234567890123456789012345678901234567890123456789012345678901"
	 "23456789012345678901234567",
		"at most 107 bytes"},
};

START_TEST(what_is_none_is_refused_and_not_quoted)
{
	const char *why = NULL;
	struct redis_url *url = redis_url_parse(bad[_i].text, &why);

	ck_assert_msg(!url, "%s", bad[_i].text);
	ck_assert_msg(strstr(why, bad[_i].why) != NULL, "%s: %s", bad[_i].text, why);
	ck_assert_ptr_null(strstr(why, "s3"));
}
END_TEST

START_TEST(what_is_too_long_is_refused)
{
	static const char *const forms[] = {"redis://%s", "redis://:%s@h", "redis://%s:@h"};
	static const size_t lengths[] = {254, 513, 513};
	const char *why = NULL;
	char *fill = x_calloc(REDIS_URL_MAX_BYTES + 1, 1);

	memset(fill, 'x', REDIS_URL_MAX_BYTES);
	for (size_t i = 0; i < UTIL_COUNT(forms); i++) {
		const char *cut = strstr(forms[i], "%s");
		char *text = x_asprintf("%.*s%.*s%s", (int)(cut - forms[i]), forms[i],
			(int)lengths[i], fill, cut + 2);
		ck_assert_ptr_null(redis_url_parse(text, &why));
		ck_assert_ptr_nonnull(strstr(why, i ? "512 bytes" : "253 bytes"));
		free(text);
	}
	char *whole = x_asprintf("redis://:%s@h", fill);
	ck_assert_ptr_null(redis_url_parse(whole, &why));
	ck_assert_ptr_nonnull(strstr(why, "more than 2048 bytes"));
	free(whole);
	free(fill);
}
END_TEST

START_TEST(a_password_can_follow_the_url)
{
	const char *why;
	struct redis_url *url = redis_url_parse("redis://me@h", &why);
	struct redis_url *other = redis_url_parse("redis://me@h", &why);

	ck_assert(redis_url_equal(url, other));
	ck_assert_ptr_null(redis_url_set_password(url, "two words"));
	ck_assert_str_eq(url->password, "two words");
	ck_assert_ptr_null(strstr(url->shown, "words"));
	ck_assert(!redis_url_equal(url, other));
	ck_assert_ptr_null(redis_url_set_password(other, "two words"));
	ck_assert(redis_url_equal(url, other));
	ck_assert_ptr_nonnull(redis_url_set_password(url, "s3cret\n"));
	ck_assert_str_eq(url->password, "two words");
	redis_url_free(other);
	redis_url_free(url);
}
END_TEST

START_TEST(any_bytes_are_a_url_or_none)
{
	static const char pieces[] = "redis://unix:[]@%/?#&=,-0123456789abf\x80\xff";
	unsigned state = 1;
	char text[40];

	for (int round = 0; round < 200000; round++) {
		const char *why = NULL;
		size_t length = 0;
		if (round % 2)
			length = (size_t)snprintf(text, sizeof text, "redis://");
		while (length < sizeof text - 1 && (state = state * 1103515245 + 12345) >> 28)
			text[length++] = pieces[(state >> 8) % (sizeof pieces - 1)];
		text[length] = '\0';
		struct redis_url *url = redis_url_parse(text, &why);
		ck_assert((url != NULL) == (why == NULL));
		redis_url_free(url);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("redis_url");
	TCase *tc = tcase_create("url");

	tcase_add_loop_test(tc, a_url_says_where_a_redis_is, 0, UTIL_COUNT(good));
	tcase_add_loop_test(tc, what_is_none_is_refused_and_not_quoted, 0, UTIL_COUNT(bad));
	tcase_add_test(tc, what_is_too_long_is_refused);
	tcase_add_test(tc, a_password_can_follow_the_url);
	tcase_add_test(tc, any_bytes_are_a_url_or_none);
	suite_add_tcase(suite, tc);
	return support_run(suite);
}
