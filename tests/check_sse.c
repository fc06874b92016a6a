/* SPDX-License-Identifier: MIT */
/* What stands around events: fields, lines, their ends; the same wherever the bytes are cut. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "sse.h"
#include "support/config_support.h"

#define MAX_BYTES 100
#define MARK "\xef\xbb\xbf"

/* The events as name[data], what was not ended behind a "+"; "?" if nothing says that it is such a
 * stream. */
static char *
read_all(enum sse_framing framing, const char *bytes, size_t length, size_t cut)
{
	struct sse_event event;
	struct buf record;
	struct sse sse;
	int got = 0;

	sse_init(&sse, framing, MAX_BYTES);
	buf_init(&record, 10000);
	for (size_t at = 0; at < length && got == 0;) {
		size_t part = cut == 1 ? 1 : at < cut ? cut : length - at, count = part;
		char *exact = x_malloc(part);
		const char *next = exact;

		memcpy(exact, bytes + at, part);
		while ((got = sse_next(&sse, &next, &count, &event)) == 1)
			buf_printf(&record, "%s[%.*s]", event.name, (int)event.length, event.data);
		ck_assert(got < 0 || (count == 0 && next == exact + part));
		free(exact);
		at += part;
	}
	if (got < 0)
		buf_printf(&record, "!%d", got == LLMFO_ETOO_LARGE);
	else if (sse_rest(&sse, &event))
		buf_printf(&record, "+%s[%.*s]", event.name, (int)event.length, event.data);
	if (!sse.known)
		buf_putc(&record, '?');
	sse_free(&sse);
	return buf_take(&record, NULL);
}

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define SIXTY_THREE TEN TEN TEN TEN TEN TEN "abc"

static const struct {
	enum sse_framing framing;
	const char *bytes, *record;
} rows[] = {
	{SSE_EVENTS, "data: a\n\ndata: b\n\n", "[a][b]"},
	{SSE_EVENTS, "data:a\n\ndata:  b \n\n", "[a][ b ]"},
	{SSE_EVENTS, "data: a\ndata: b\n\n", "[a\nb]"},
	{SSE_EVENTS, "data\ndata: a\ndata:\n\n", "[\na\n]"},
	{SSE_EVENTS, "data: a: b\n\n", "[a: b]"},
	/* The three ends of lines, mixed too. */
	{SSE_EVENTS, "data: a\r\n\r\ndata: b\r\n\r\n", "[a][b]"},
	{SSE_EVENTS, "data: a\r\rdata: b\r\r", "[a][b]"},
	{SSE_EVENTS, "data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", "[a][b][c]"},
	{SSE_EVENTS, "data: a\r\ndata: b\rdata: c\n\n", "[a\nb\nc]"},
	/* Names hold for one event. */
	{SSE_EVENTS, "event: x\ndata: a\n\ndata: b\n\n", "x[a][b]"},
	{SSE_EVENTS, "data: a\nevent: x\n\n", "x[a]"},
	{SSE_EVENTS, "event: x\n\ndata: a\n\n", "[a]"},
	{SSE_EVENTS, "event: x\nevent: y\ndata: a\n\n", "y[a]"},
	{SSE_EVENTS, "event: " SIXTY_THREE "\ndata: a\n\n", SIXTY_THREE "[a]"},
	{SSE_EVENTS, "event: " SIXTY_THREE "d\ndata: a\n\n", "[a]"},
	{SSE_EVENTS, "error: {}\n\n", "error[{}]"},
	/* What is no data. */
	{SSE_EVENTS, ": comment\n\n:\n\nid: 1\nretry: 5\n\n", ""},
	{SSE_EVENTS, ": comment\ndata: a\n: comment\n\n", "[a]"},
	{SSE_EVENTS, "data:\n\ndata: \n\ndata: \t\ndata\n\ndata: a\n\n", "[a]"},
	{SSE_EVENTS, "\n\n\r\n\r\rdata: a\n\n", "[a]"},
	{SSE_EVENTS, "dat: a\ndatas: b\n data: c\nDATA: d\n\n", "?"},
	{SSE_EVENTS, "<html>\n<body>no: thing</body>\n\n", "?"},
	{SSE_EVENTS, "", "?"},
	/* A byte order mark counts at the very beginning alone. */
	{SSE_EVENTS, MARK "data: a\n\n", "[a]"},
	{SSE_EVENTS, MARK MARK "data: a\n\ndata: b\n\n", "[b]"},
	{SSE_EVENTS, "data: a\n\n" MARK "data: b\n\n", "[a]"},
	{SSE_EVENTS, MARK, "?"},
	/* The end of the bytes. */
	{SSE_EVENTS, "data: a\n\ndata: b\n", "[a]+[b]"},
	{SSE_EVENTS, "data: a\n\ndata: b", "[a]+[b]"},
	{SSE_EVENTS, "event: x\ndata: a\ndata: b", "+x[a\nb]"},
	{SSE_EVENTS, "data: a\n\nevent: x", "[a]"},
	{SSE_EVENTS, "data: a\n\ndata:", "[a]"},
	{SSE_EVENTS, "data: a\r", "+[a]"},
	/* Too long: a line, the data, where it is not yet ended too. */
	{SSE_EVENTS, "data: " FIFTY FIFTY "\n\n", "!1?"},
	{SSE_EVENTS, "data: " FIFTY FIFTY TEN, "!1?"},
	{SSE_EVENTS, "data: a\n\ndata: " FIFTY "\ndata: " FIFTY "\n\n", "[a]!1"},
	{SSE_EVENTS, "data: " FIFTY "\n\ndata: " FIFTY "\n\n", "[" FIFTY "][" FIFTY "]"},
	{SSE_EVENTS, ": " FIFTY "\n: " FIFTY "\n: " FIFTY "\ndata: a\n\n", "[a]"},
	/* Lines. */
	{SSE_LINES, "{1}\n{2}\r\n{3}\r", "[{1}][{2}][{3}]"},
	{SSE_LINES, "\n \n\t\r\n{1}\n\n", "[{1}]"},
	{SSE_LINES, "{1}\n{2}", "[{1}]+[{2}]"},
	{SSE_LINES, "{1}\n \t", "[{1}]"},
	{SSE_LINES, MARK "{1}\n" MARK "\n", "[{1}][" MARK "]"},
	{SSE_LINES, "data: a\n\n", "[data: a]"},
	{SSE_LINES, "", "?"},
	{SSE_LINES, " \n", "?"},
	{SSE_LINES, FIFTY FIFTY "\n", "[" FIFTY FIFTY "]"},
	{SSE_LINES, "{1}\n" FIFTY FIFTY "1\n", "[{1}]!1"},
};

START_TEST(events_are_the_same_wherever_the_bytes_are_cut)
{
	size_t length = strlen(rows[_i].bytes);

	for (size_t cut = 0; cut < length || cut == 0; cut++) {
		char *record = read_all(rows[_i].framing, rows[_i].bytes, length, cut);
		ck_assert_msg(strcmp(record, rows[_i].record) == 0, "cut %zu: %s\nnot: %s", cut,
			record, rows[_i].record);
		free(record);
	}
}
END_TEST

START_TEST(a_nul_is_a_byte_like_any_other)
{
	static const char bytes[] = "data: a\0b\n\n";
	const char *next = bytes;
	size_t count = sizeof bytes - 1;
	struct sse_event event;
	struct sse sse;

	sse_init(&sse, SSE_EVENTS, MAX_BYTES);
	ck_assert_int_eq(sse_next(&sse, &next, &count, &event), 1);
	ck_assert_uint_eq(event.length, 3);
	ck_assert_mem_eq(event.data, "a\0b", 3);
	ck_assert_int_eq(sse_next(&sse, &next, &count, &event), 0);
	ck_assert(!sse_rest(&sse, &event));
	sse_free(&sse);
}
END_TEST

/* Nothing is copied of events that lie whole in the bytes at hand. */
START_TEST(a_whole_event_is_read_where_it_lies)
{
	static const char bytes[] = "event: x\ndata: a\n\ndata: b\n\n";
	const char *next = bytes;
	size_t count = sizeof bytes - 1;
	struct sse_event event;
	struct sse sse;

	sse_init(&sse, SSE_EVENTS, MAX_BYTES);
	ck_assert_int_eq(sse_next(&sse, &next, &count, &event), 1);
	ck_assert_ptr_eq(event.data, strstr(bytes, "a\n\n"));
	ck_assert_int_eq(sse_next(&sse, &next, &count, &event), 1);
	ck_assert_ptr_eq(event.data, strstr(bytes, "b\n"));
	ck_assert_int_eq(sse_next(&sse, &next, &count, &event), 0);
	ck_assert_uint_eq(sse.data.cap + sse.line.cap, 0);
	sse_free(&sse);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sse");
	TCase *tests = tcase_create("sse");

	tcase_add_loop_test(
		tests, events_are_the_same_wherever_the_bytes_are_cut, 0, (int)UTIL_COUNT(rows));
	tcase_add_test(tests, a_nul_is_a_byte_like_any_other);
	tcase_add_test(tests, a_whole_event_is_read_where_it_lies);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
