/* SPDX-License-Identifier: MIT */
/* What of a Redis' bytes hiredis may see: the same however they are cut. */
#include <check.h>
#include <hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "redis_guard.h"
#include "support/config_support.h"

static const struct row {
	const char *bytes;
	const char *why; /* NULL: passes, and ends a reply */
} rows[] = {
	{"+OK\r\n", NULL},
	{"+\r\n", NULL},
	{"-ERR no\r\n", NULL},
	{":0\r\n", NULL},
	{":-12\r\n", NULL},
	{":9223372036854775807\r\n", NULL},
	{"$0\r\n\r\n", NULL},
	{"$5\r\na\r\nb\n\r\n", NULL},
	{"$-1\r\n", NULL},
	{"*0\r\n", NULL},
	{"*-1\r\n", NULL},
	{"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n", NULL},
	{"*2\r\n*2\r\n:1\r\n*0\r\n*1\r\n*1\r\n$-1\r\n", NULL},
	{"+a\r\n:1\r\n*1\r\n+b\r\n", NULL},
	{"*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", NULL},
	{"*1024\r\n", ""},
	{"$69632\r\n", ""},
	{"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "lists too deep in each other"},
	{"*1025\r\n", "a list of too many items"},
	{"*4294967296\r\n", "a list of too many items"},
	{"*4000000000\r\n", "a list of too many items"},
	{"*9223372036854775807\r\n", "a list of too many items"},
	{"*2\r\n*1000\r\n", ""},
	{"*30\r\n*995\r\n", "a list of too many items"},
	{"*9223372036854775808\r\n", "a number that is none"},
	{"*00000000000000000001\r\n", "a number that is none"},
	{"*-2\r\n", "a length below nothing"},
	{"$-0\r\n", "a number that is none"},
	{":01\r\n", "a number that is none"},
	{":-01\r\n", "a number that is none"},
	{"$69633\r\n", "a text that is too long"},
	{"$2\r\nabc\r\n", "a text that is longer than it says"},
	{"$2\r\nab\rc", "a text that is longer than it says"},
	{":\r\n", "a number that is none"},
	{":-\r\n", "a number that is none"},
	{":+1\r\n", "a number that is none"},
	{":1.5\r\n", "a number that is none"},
	{":1-\r\n", "a number that is none"},
	{"$ 5\r\n", "a number that is none"},
	{"+a\nb\r\n", "a line that does not end as one"},
	{"+a\rb\r\n", "a line that does not end as one"},
	{"\r\n", "what is no RESP"},
	{"_\r\n", "what is no RESP"},
	{"%1\r\n+a\r\n+b\r\n", "what is no RESP"},
	{"HTTP/1.1 400 Bad Request\r\n\r\n", "what is no RESP"},
	{"\x15\x03\x01", "what is no RESP"},
};

START_TEST(replies_pass_and_claims_do_not_wherever_they_are_cut)
{
	const struct row *row = &rows[_i];
	size_t length = strlen(row->bytes);

	for (size_t cut = 0; cut <= length; cut++) {
		struct redis_guard guard = {0};
		(void)redis_guard_pass(&guard, row->bytes, cut);
		const char *why = redis_guard_pass(&guard, row->bytes + cut, length - cut);
		ck_assert_pstr_eq(why, row->why && row->why[0] ? row->why : NULL);
		ck_assert(redis_guard_is_between(&guard) == !row->why);
		if (why)
			ck_assert_pstr_eq(redis_guard_pass(&guard, "+OK\r\n", 5), why);
	}
}
END_TEST

/* What it is told in any pieces hiredis understands. */
START_TEST(what_passes_is_what_hiredis_reads)
{
	const struct row *row = &rows[_i];
	redisReader *reader = redisReaderCreate();
	void *reply = NULL;

	if (!row->why) {
		int replies = 0;
		for (const char *byte = row->bytes; *byte; byte++) {
			ck_assert_int_eq(redisReaderFeed(reader, byte, 1), REDIS_OK);
			ck_assert_int_eq(redisReaderGetReply(reader, &reply), REDIS_OK);
			if (!reply)
				continue;
			replies++;
			freeReplyObject(reply);
		}
		ck_assert_int_ge(replies, 1);
	}
	redisReaderFree(reader);
}
END_TEST

static const char *
pass_fill(struct redis_guard *guard, const char *head, size_t fill, const char *tail)
{
	char *bytes = x_malloc(fill);

	memset(bytes, 'x', fill);
	(void)redis_guard_pass(guard, head, strlen(head));
	(void)redis_guard_pass(guard, bytes, fill);
	free(bytes);
	return redis_guard_pass(guard, tail, strlen(tail));
}

START_TEST(lines_and_whole_replies_have_an_end)
{
	struct redis_guard line = {0}, longer = {0}, whole = {0};

	ck_assert_ptr_null(pass_fill(&line, "-", REDIS_GUARD_LINE_MAX_BYTES, "\r\n"));
	ck_assert_pstr_eq(pass_fill(&longer, "-", REDIS_GUARD_LINE_MAX_BYTES + 1, "\r\n"),
		"a line that is too long");
	(void)redis_guard_pass(&whole, "*5\r\n", 4);
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_null(
			pass_fill(&whole, "$69632\r\n", REDIS_GUARD_TEXT_MAX_BYTES, "\r\n"));
	ck_assert_pstr_eq(pass_fill(&whole, "$69632\r\n", REDIS_GUARD_TEXT_MAX_BYTES, "\r\n"),
		"a reply that is too long");
}
END_TEST

START_TEST(each_reply_is_counted_by_itself)
{
	static const char reply[] = "*2\r\n$3\r\nabc\r\n:1\r\n";
	struct redis_guard guard = {0};

	for (int i = 0; i < 100000; i++)
		ck_assert_ptr_null(redis_guard_pass(&guard, reply, sizeof reply - 1));
	ck_assert(redis_guard_is_between(&guard));
}
END_TEST

/* Whatever passes makes hiredis neither complain nor allocate beyond what the limits allow. */
START_TEST(any_bytes_that_pass_are_read_without_complaint)
{
	static const char pieces[] = "+-:$*0123\r\n\r\n\r\nab";
	unsigned state = 1, replies = 0;

	for (int round = 0; round < 300000; round++) {
		struct redis_guard guard = {0};
		redisReader *reader = redisReaderCreate();
		char seen[40];
		for (int i = 0; i < 40; i++) {
			void *reply = NULL;
			state = state * 1103515245 + 12345;
			char byte = pieces[(state >> 8) % (sizeof pieces - 1)];
			seen[i] = byte;
			if (redis_guard_pass(&guard, &byte, 1))
				break;
			ck_assert_int_eq(redisReaderFeed(reader, &byte, 1), REDIS_OK);
			ck_assert_msg(redisReaderGetReply(reader, &reply) == REDIS_OK,
				"%s after %.*s", reader->errstr, i, seen);
			ck_assert((reply != NULL) == redis_guard_is_between(&guard));
			if (!reply)
				continue;
			replies++;
			freeReplyObject(reply);
		}
		redisReaderFree(reader);
	}
	ck_assert_uint_gt(replies, 100);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("redis_guard");
	TCase *tc = tcase_create("guard");

	tcase_add_loop_test(
		tc, replies_pass_and_claims_do_not_wherever_they_are_cut, 0, UTIL_COUNT(rows));
	tcase_add_loop_test(tc, what_passes_is_what_hiredis_reads, 0, UTIL_COUNT(rows));
	tcase_add_test(tc, lines_and_whole_replies_have_an_end);
	tcase_add_test(tc, each_reply_is_counted_by_itself);
	tcase_add_test(tc, any_bytes_that_pass_are_read_without_complaint);
	suite_add_tcase(suite, tc);
	return support_run(suite);
}
