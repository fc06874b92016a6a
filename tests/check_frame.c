/* SPDX-License-Identifier: MIT */
/* The end of a message is found at every way of cutting it, and nothing that a header claims costs
 * memory. */
#include <check.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

struct row {
	const char *why;
	const char *bytes;
	size_t count;
	enum frame_status status;
	size_t used;
	enum frame_excess excess;
};

#define ROW(why, text, status, used, excess) \
	{ \
		why, text, sizeof(text) - 1, status, used, excess \
	}

static const struct row rows[] = {
	ROW("nothing yet", "", FRAME_MORE, 0, FRAME_FITS),
	ROW("a small number", "\x07", FRAME_COMPLETE, 1, FRAME_FITS),
	ROW("a negative one", "\xff", FRAME_COMPLETE, 1, FRAME_FITS),
	ROW("an empty array", "\x90", FRAME_COMPLETE, 1, FRAME_FITS),
	ROW("an empty map, and what follows it", "\x80\x80", FRAME_COMPLETE, 1, FRAME_FITS),
	ROW("a request", "\x94\x00\x01\xa4ping\x90", FRAME_COMPLETE, 9, FRAME_FITS),
	ROW("a request that is not all there", "\x94\x00\x01\xa4pi", FRAME_MORE, 6, FRAME_FITS),
	ROW("a header that is not all there", "\xdb\x00\x00", FRAME_MORE, 3, FRAME_FITS),
	ROW("nested maps",
		"\x81\xa1"
		"a\x81\xa1"
		"b\x92\xc0\xc3",
		FRAME_COMPLETE, 9, FRAME_FITS),
	ROW("empty containers within", "\x93\x90\x80\x01", FRAME_COMPLETE, 4, FRAME_FITS),
	ROW("every width of number",
		"\x99\xcc\x01\xcd\x01\x01\xce\x01\x01\x01\x01\xd0\x01\xd1\x01\x01\xca\x01\x01\x01"
                "\x01"
		"\xcf\x01\x01\x01\x01\x01\x01\x01\x01\xcb\x01\x01\x01\x01\x01\x01\x01\x01\xc2",
		FRAME_COMPLETE, 40, FRAME_FITS),
	ROW("str8, bin16",
		"\x92\xd9\x02"
		"ab\xc5\x00\x03"
		"abc",
		FRAME_COMPLETE, 11, FRAME_FITS),
	ROW("the byte that is not MessagePack", "\x92\xc1", FRAME_INVALID, 2, FRAME_FITS),
	ROW("an array of 2^32 claims", "\xdd\xff\xff\xff\xff", FRAME_INVALID, 5, FRAME_TOO_LONG),
	ROW("an array of 2^28 claims", "\xdd\x10\x00\x00\x00", FRAME_MORE, 5, FRAME_TOO_LONG),
	ROW("a map of 2^26 claims", "\xdf\x04\x00\x00\x00", FRAME_MORE, 5, FRAME_TOO_LONG),
	ROW("a string of 4 GiB", "\xdb\xff\xff\xff\xff", FRAME_INVALID, 5, FRAME_TOO_LONG),
	ROW("an extension type", "\x92\xd4\x01\x00\x05", FRAME_COMPLETE, 5, FRAME_HAS_EXT),
	ROW("a long extension type",
		"\xc7\x03\x01"
		"abc",
		FRAME_COMPLETE, 6, FRAME_HAS_EXT),
};

#define MAX_BYTES (1 << 20)

START_TEST(each_kind_of_message_ends_where_it_ends)
{
	const struct row *row = &rows[_i];
	struct frame frame;
	size_t used;

	frame_init(&frame, MAX_BYTES);
	ck_assert_msg(
		frame_scan(&frame, row->bytes, row->count, &used) == row->status, "%s", row->why);
	ck_assert_msg(used == row->used, "%s: used %zu", row->why, used);
	ck_assert_msg(
		frame.excess == row->excess, "%s: %s", row->why, frame_excess_text(frame.excess));
}
END_TEST

START_TEST(the_pieces_do_not_matter)
{
	const struct row *row = &rows[_i];
	struct frame frame;
	size_t total = 0, used;
	enum frame_status status = FRAME_MORE;

	frame_init(&frame, MAX_BYTES);
	for (size_t i = 0; i < row->count && status == FRAME_MORE; i++) {
		status = frame_scan(&frame, row->bytes + i, 1, &used);
		total += used;
	}
	/* a body that is not there yet is only passed over with its bytes */
	ck_assert_msg(status == row->status, "%s", row->why);
	ck_assert_msg(total == row->used, "%s: used %zu", row->why, total);
}
END_TEST

/* N arrays of one, each within the other. */
static enum frame_status
scan_nested(unsigned char first, size_t levels, struct frame *frame, size_t *used)
{
	unsigned char *bytes = malloc(levels + 1);

	ck_assert_ptr_nonnull(bytes);
	memset(bytes, first, levels);
	bytes[levels] = 0x01;
	frame_init(frame, MAX_BYTES);
	enum frame_status status = frame_scan(frame, bytes, levels + 1, used);
	free(bytes);
	return status;
}

START_TEST(thirty_two_levels_pass_and_more_are_passed_over)
{
	struct frame frame;
	size_t used;

	ck_assert_int_eq(scan_nested(0x91, 32, &frame, &used), FRAME_COMPLETE);
	ck_assert_int_eq(frame.excess, FRAME_FITS);
	ck_assert_int_eq(scan_nested(0x91, 33, &frame, &used), FRAME_COMPLETE);
	ck_assert_int_eq(frame.excess, FRAME_TOO_DEEP);
	ck_assert_int_eq(scan_nested(0x91, 100000, &frame, &used), FRAME_COMPLETE);
	ck_assert_int_eq(frame.excess, FRAME_TOO_DEEP);
	ck_assert_uint_eq(used, 100001);
}
END_TEST

START_TEST(msgpack_c_takes_what_the_scanner_lets_through)
{
	unsigned char bytes[33];
	msgpack_unpacked result;
	size_t offset = 0;

	memset(bytes, 0x91, 32);
	bytes[32] = 0x01;
	msgpack_unpacked_init(&result);
	ck_assert_int_eq(msgpack_unpack_next(&result, (char *)bytes, sizeof bytes, &offset),
		MSGPACK_UNPACK_SUCCESS);
	msgpack_unpacked_destroy(&result);
}
END_TEST

START_TEST(siblings_do_not_add_to_the_depth)
{
	/* 100 arrays beside one another within 30 levels */
	unsigned char bytes[512];
	size_t n = 0, used;
	struct frame frame;

	for (int i = 0; i < 29; i++)
		bytes[n++] = 0x91;
	bytes[n++] = 0xdc;
	bytes[n++] = 0;
	bytes[n++] = 100;
	for (int i = 0; i < 100; i++) {
		bytes[n++] = 0x91;
		bytes[n++] = 0x90;
	}
	frame_init(&frame, MAX_BYTES);
	ck_assert_int_eq(frame_scan(&frame, bytes, n, &used), FRAME_COMPLETE);
	ck_assert_uint_eq(used, n);
	ck_assert_int_eq(frame.excess, FRAME_FITS);
	ck_assert_uint_eq(frame.depth, 0);
}
END_TEST

START_TEST(too_many_values_are_told)
{
	size_t count = FRAME_VALUES_MAX, used;
	unsigned char *bytes = malloc(count + 5);
	struct frame frame;

	ck_assert_ptr_nonnull(bytes);
	bytes[0] = 0xdd;
	bytes[1] = (unsigned char)(count >> 24);
	bytes[2] = (unsigned char)(count >> 16);
	bytes[3] = (unsigned char)(count >> 8);
	bytes[4] = (unsigned char)count;
	memset(bytes + 5, 0xc0, count);
	frame_init(&frame, MAX_BYTES);
	ck_assert_int_eq(frame_scan(&frame, bytes, count + 5, &used), FRAME_COMPLETE);
	ck_assert_int_eq(frame.excess, FRAME_TOO_MANY);
	free(bytes);
}
END_TEST

START_TEST(nested_claims_add_up)
{
	/* 30 arrays of 2^26 items, each the first item of the one before: together more than any
	 * message may claim */
	unsigned char bytes[150];
	struct frame frame;
	size_t used;

	for (size_t i = 0; i < sizeof bytes; i += 5)
		memcpy(bytes + i, "\xdd\x04\x00\x00\x00", 5);
	frame_init(&frame, MAX_BYTES);
	ck_assert_int_eq(frame_scan(&frame, bytes, sizeof bytes, &used), FRAME_INVALID);
}
END_TEST

static Suite *
frame_suite(void)
{
	Suite *suite = suite_create("frame");
	TCase *tcase = tcase_create("frame");

	tcase_add_loop_test(tcase, each_kind_of_message_ends_where_it_ends, 0,
		(int)(sizeof rows / sizeof rows[0]));
	tcase_add_loop_test(
		tcase, the_pieces_do_not_matter, 0, (int)(sizeof rows / sizeof rows[0]));
	tcase_add_test(tcase, thirty_two_levels_pass_and_more_are_passed_over);
	tcase_add_test(tcase, msgpack_c_takes_what_the_scanner_lets_through);
	tcase_add_test(tcase, siblings_do_not_add_to_the_depth);
	tcase_add_test(tcase, too_many_values_are_told);
	tcase_add_test(tcase, nested_claims_add_up);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(frame_suite());

	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
