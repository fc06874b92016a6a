/* SPDX-License-Identifier: MIT */
/*
 * The scripted provider's faults and its control port, seen by libcurl: that each fault is what it
 * is named after, and that a test can wait for things without sleeping.
 */
#include <check.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/asker.h"

struct fault_row {
	const char *script, *body;
	CURLcode result;
	long status;
	const char *has; /* in head or body, or NULL */
};

static const struct fault_row faults[] = {
	{"reset", ASK_OPENAI, CURLE_RECV_ERROR, 0, NULL},
	{"close", ASK_OPENAI, CURLE_GOT_NOTHING, 0, NULL},
	{"reset-after-headers", ASK_OPENAI, CURLE_RECV_ERROR, 200, NULL},
	{"refuse", ASK_OPENAI, CURLE_COULDNT_CONNECT, 0, NULL},
	{"truncated=5", ASK_OPENAI, CURLE_PARTIAL_FILE, 200, "chat.completion"},
	{"html", ASK_OPENAI, CURLE_OK, 200, "<html"},
	{"empty", ASK_OPENAI, CURLE_OK, 200, "content-length: 0"},
	{"bad-json", ASK_OPENAI, CURLE_OK, 200, "{\"id\""},
	{"no-choices", ASK_OPENAI, CURLE_OK, 200, "\"choices\":[]"},
	{"blank-lines=3", ASK_OPENAI, CURLE_OK, 200, "\r\n\r\n"},
	{"redirect=http://127.0.0.1:9/x", ASK_OPENAI, CURLE_OK, 307,
		"location: http://127.0.0.1:9/x"},
	{"big-headers=200000", ASK_OPENAI, CURLE_OK, 200, "x-big-194: x"},
	{"chunk=10", ASK_OPENAI, CURLE_OK, 200, "transfer-encoding: chunked"},
	{"split", ASK_OPENAI, CURLE_OK, 200, "\"finish_reason\":\"stop\""},
	{"drip=0", ASK_OPENAI, CURLE_OK, 200, "\"finish_reason\":\"stop\""},
	{"slow-headers=0", ASK_OPENAI, CURLE_OK, 200, "\"finish_reason\":\"stop\""},
	{"connection-close", ASK_OPENAI, CURLE_OK, 200, "connection: close"},
	{"error-first", ASK_OPENAI, CURLE_OK, 200, "\"error\""},
	{"usage=huge", ASK_OPENAI, CURLE_OK, 200, "\"total_tokens\":9223372036854775808"},
	{"usage=negative", ASK_OPENAI, CURLE_OK, 200, "\"total_tokens\":-1"},
	{"usage=float", ASK_OPENAI, CURLE_OK, 200, "\"total_tokens\":1.5"},
	{"text='' finish=length", ASK_OPENAI, CURLE_OK, 200, "\"finish_reason\":\"length\""},
	{"tool_call='f:{\"a\":1}'", ASK_OPENAI, CURLE_OK, 200, "\"arguments\":\"{\\\"a\\\":1}\""},
	{"reasoning=hm", ASK_OPENAI, CURLE_OK, 200, "\"reasoning_content\":\"hm\""},
	{"utf8-split", ASK_OPENAI, CURLE_OK, 200, "\xe4\xbd\xa0\xe5\xa5\xbd"},
	{"cut-after=2", ASK_OPENAI_STREAM, CURLE_PARTIAL_FILE, 200, "\" from\""},
	{"reset-after=2", ASK_OPENAI_STREAM, CURLE_RECV_ERROR, 200, NULL},
	{"error-after=2 kind=overloaded", ASK_OPENAI_STREAM, CURLE_OK, 200,
		"\"type\": \"server_error\""},
	{"error-first", ASK_OPENAI_STREAM, CURLE_OK, 200, "data: {     \"error\""},
	{"bad-event-after=1", ASK_OPENAI_STREAM, CURLE_OK, 200, "data: {\"broken\": \n\n"},
	{"pings=2", ASK_OPENAI_STREAM, CURLE_OK, 200, ": keep-alive\n\n: keep-alive\n\n"},
	{"crlf", ASK_OPENAI_STREAM, CURLE_OK, 200, "data: [DONE]\r\n\r\n"},
	{"tool_call='f:{\"a\":1}'", ASK_OPENAI_STREAM, CURLE_OK, 200,
		"\"tool_calls\":[{\"index\":0"},
	{"bigline=300000", ASK_OPENAI_STREAM, CURLE_OK, 200, "xxxxxxxx"},
};

START_TEST(each_fault_is_what_its_name_says)
{
	const struct fault_row *row = &faults[_i];
	struct asker_reply r = asker_ask_scripted(row->script, row->body);

	ck_assert_msg(r.result == row->result, "%s: %s", row->script, curl_easy_strerror(r.result));
	ck_assert_int_eq(r.status, row->status);
	if (row->has && !strstr(r.head, row->has))
		asker_assert_has(r.body, row->has);
	asker_free(&r);
}
END_TEST

START_TEST(a_stream_lacks_what_it_is_told_to_lack)
{
	struct asker_reply r = asker_ask_scripted("no-done", ASK_OPENAI_STREAM);

	ck_assert_int_eq(asker_count(r.body, "[DONE]"), 0);
	ck_assert_int_eq(asker_count(r.body, "\"finish_reason\":\"stop\""), 1);
	asker_free(&r);
	r = asker_ask_scripted("no-finish", ASK_OPENAI_STREAM);
	ck_assert_int_eq(asker_count(r.body, "[DONE]"), 1);
	ck_assert_int_eq(asker_count(r.body, "\"finish_reason\":\"stop\""), 0);
	asker_free(&r);
	r = asker_ask_scripted("cut-after=2", ASK_OPENAI_STREAM);
	ck_assert_int_eq(asker_count(r.body, "\"content\":\""), 3);
	asker_free(&r);
}
END_TEST

/* The stamps of a stream of `count`; each at its time, hence in order. */
static int64_t
assert_stamps(const char *body, int count)
{
	static const char before[] = "\"content\":\"";
	int64_t last_us = 0;
	int n = 0;

	for (const char *at = body; (at = strstr(at, before)); n += last_us > 0) {
		int64_t us = strtoll(at + sizeof(before) - 1, NULL, 10);

		at += sizeof(before) - 1;
		ck_assert_int_ge(us, last_us);
		last_us = us;
	}
	ck_assert_int_eq(n, count);
	return last_us;
}

START_TEST(words_may_be_the_time_at_which_they_are_sent)
{
	struct asker_reply r = asker_ask_scripted("tokens=3 stamps gap=1", ASK_OPENAI_STREAM);
	int64_t first_us = assert_stamps(r.body, 3);

	asker_free(&r);
	/* an equal request is answered anew */
	r = asker_ask("o", "/v1/chat/completions", ASK_OPENAI_STREAM);
	ck_assert_int_gt(assert_stamps(r.body, 3), first_us);
	asker_free(&r);
}
END_TEST

START_TEST(usage_in_a_stream_comes_when_it_is_asked_for)
{
	static const char asked[] = "{\"model\":\"m\"," ASK_MESSAGES
				    ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
	struct asker_reply r = asker_ask("o", "/v1/chat/completions", ASK_OPENAI_STREAM);

	ck_assert_int_eq(asker_count(r.body, "\"usage\":{"), 0);
	asker_free(&r);
	r = asker_ask("o", "/v1/chat/completions", asked);
	ck_assert_int_eq(asker_count(r.body, "\"choices\":[],\"usage\":{\"prompt_tokens\":1"), 1);
	asker_free(&r);
}
END_TEST

START_TEST(max_tokens_cuts_the_answer_by_words)
{
	static const char two[] = "{\"model\":\"m\",\"max_tokens\":2," ASK_MESSAGES "}";
	struct asker_reply r = asker_ask_scripted("tokens=5", two);

	asker_assert_has(r.body, "\"content\":\"word1 word2\"");
	asker_assert_has(r.body, "\"finish_reason\":\"length\"");
	asker_assert_has(r.body, "\"completion_tokens\":2");
	asker_free(&r);
}
END_TEST

START_TEST(a_big_body_is_valid_json_of_the_size_asked_for)
{
	struct asker_reply r = asker_ask_scripted("big-body=1000000", ASK_OPENAI);
	json_object *json = json_tokener_parse(r.body);
	json_object *message = NULL, *content = NULL;

	ck_assert_ptr_nonnull(json);
	message = json_object_array_get_idx(json_object_object_get(json, "choices"), 0);
	content = json_object_object_get(json_object_object_get(message, "message"), "content");
	ck_assert_int_eq(json_object_get_string_len(content), 1000000);
	json_object_put(json);
	asker_free(&r);
}
END_TEST

static size_t
count_bytes(char *bytes, size_t size, size_t n, void *arg)
{
	(void)bytes;
	*(size_t *)arg += size * n;
	return size * n;
}

/* Asks once more for the last thing asked, decoding gzip, and returns the bytes that came. */
static size_t
ask_counting(CURLcode *result)
{
	size_t total = 0;

	curl_easy_setopt(asker_curl, CURLOPT_HEADERFUNCTION, NULL);
	curl_easy_setopt(asker_curl, CURLOPT_HEADERDATA, NULL);
	curl_easy_setopt(asker_curl, CURLOPT_WRITEFUNCTION, count_bytes);
	curl_easy_setopt(asker_curl, CURLOPT_WRITEDATA, &total);
	curl_easy_setopt(asker_curl, CURLOPT_ACCEPT_ENCODING, "gzip");
	*result = curl_easy_perform(asker_curl);
	return total;
}

START_TEST(a_gzip_bomb_unpacks_without_a_fault)
{
	struct asker_reply r = asker_ask_scripted("gzip-bomb=3M", ASK_OPENAI);
	CURLcode result;

	ck_assert_int_lt((int)r.body_len, 30000);
	ck_assert_int_ge((int)ask_counting(&result), 3 << 20);
	ck_assert_int_eq(result, CURLE_OK);
	asker_free(&r);
}
END_TEST

START_TEST(a_big_stream_is_sent_to_the_end)
{
	struct asker_reply r = asker_ask_scripted("ok", ASK_OPENAI_STREAM);
	CURLcode result;

	fake_provider_script(asker_fp, "o", "big-body=8M");
	ck_assert_int_ge((int)ask_counting(&result), 8 << 20);
	ck_assert_int_eq(result, CURLE_OK);
	asker_free(&r);
}
END_TEST

static const char *const silences[] = {
	"hang", "headers-hang", "stall-after=2", "1xx-forever=5", "drip=1000", "delay=60000"};

START_TEST(a_client_that_gives_up_is_counted_as_cancelled)
{
	struct fake_provider_stats stats;
	struct asker_reply r;

	fake_provider_script(asker_fp, "o", silences[_i]);
	r = asker_ask_with("o", "/v1/chat/completions", ASK_OPENAI_STREAM, NULL, 50);
	ck_assert_int_eq(r.result, CURLE_OPERATION_TIMEDOUT);
	asker_free(&r);
	fake_provider_wait(asker_fp, "o", "cancelled=1&in_flight=0");
	stats = fake_provider_stats(asker_fp, "o");
	ck_assert_int_eq(stats.requests, 1);
	ck_assert_int_eq(stats.connections_open, 0);
}
END_TEST

START_TEST(a_reused_connection_may_die_with_the_second_request)
{
	struct asker_reply r;

	fake_provider_script(asker_fp, "o", "close-on-reuse");
	r = asker_ask("o", "/v1/chat/completions", ASK_OPENAI);
	ck_assert_int_eq(r.status, 200);
	asker_free(&r);
	/* libcurl asks again by itself, on a new connection. */
	r = asker_ask("o", "/v1/chat/completions", ASK_OPENAI);
	ck_assert_int_eq(r.status, 200);
	ck_assert_int_eq(r.new_connections, 1);
	asker_free(&r);
	ck_assert_int_eq(fake_provider_stats(asker_fp, "o").requests, 3);
}
END_TEST

START_TEST(a_connection_is_kept_after_answers_and_errors)
{
	struct fake_provider_stats stats;
	struct asker_reply r;

	fake_provider_script(asker_fp, "o", "ok x2; 429; ok");
	for (int i = 0; i < 4; i++) {
		r = asker_ask("o", "/v1/chat/completions", ASK_OPENAI);
		ck_assert_int_eq(r.result, CURLE_OK);
		asker_free(&r);
	}
	stats = fake_provider_stats(asker_fp, "o");
	ck_assert_int_eq(stats.requests, 4);
	ck_assert_int_eq(stats.connections_total, 1);
	ck_assert_int_eq(stats.connections_open, 1);
}
END_TEST

START_TEST(a_provider_refuses_until_it_is_opened)
{
	struct asker_reply r;

	fake_provider_refuse(asker_fp, "o");
	r = asker_ask("o", "/v1/chat/completions", ASK_OPENAI);
	ck_assert_int_eq(r.result, CURLE_COULDNT_CONNECT);
	asker_free(&r);
	fake_provider_open(asker_fp, "o");
	r = asker_ask("o", "/v1/chat/completions", ASK_OPENAI);
	ck_assert_int_eq(r.status, 200);
	asker_free(&r);
	/* As a step of a script: after it, the next one. */
	r = asker_ask_scripted("ok; refuse; 503", ASK_OPENAI);
	ck_assert_int_eq(r.status, 200);
	asker_free(&r);
	r = asker_ask("o", "/v1/chat/completions", ASK_OPENAI);
	ck_assert_int_eq(r.result, CURLE_COULDNT_CONNECT);
	asker_free(&r);
	fake_provider_open(asker_fp, "o");
	r = asker_ask("o", "/v1/chat/completions", ASK_OPENAI);
	ck_assert_int_eq(r.status, 503);
	asker_free(&r);
}
END_TEST

START_TEST(a_held_answer_waits_for_its_release)
{
	CURLM *multi = curl_multi_init();
	struct asker_reply r = asker_ask_scripted("ok", ASK_OPENAI_STREAM), held = {0};
	int running = 1;

	fake_provider_script(asker_fp, "o", "hold-after=1");
	curl_easy_setopt(asker_curl, CURLOPT_HEADERDATA, &held);
	curl_easy_setopt(asker_curl, CURLOPT_WRITEDATA, &held);
	curl_multi_add_handle(multi, asker_curl);
	while (running && asker_count(held.body ? held.body : "", "\"content\":\"") < 2) {
		curl_multi_perform(multi, &running);
		if (running)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	fake_provider_wait(asker_fp, "o", "held=1");
	ck_assert_int_eq(asker_count(held.body, "[DONE]"), 0);
	ck_assert_int_eq(fake_provider_release(asker_fp, "o"), 1);
	while (running) {
		curl_multi_perform(multi, &running);
		if (running)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	ck_assert_int_eq(asker_count(held.body, "[DONE]"), 1);
	curl_multi_remove_handle(multi, asker_curl);
	curl_multi_cleanup(multi);
	asker_free(&r);
	asker_free(&held);
}
END_TEST

START_TEST(what_was_asked_can_be_looked_at)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Authorization: Bearer secret");
	struct asker_reply r =
		asker_ask_with("o", "/x/chat/completions?q=1", ASK_OPENAI, headers, 0);
	char *text = fake_provider_requests(asker_fp, "o");
	json_object *json = json_tokener_parse(text);
	json_object *first = json_object_array_get_idx(json, 0);

	ck_assert_int_eq((int)json_object_array_length(json), 1);
	ck_assert_str_eq(json_object_get_string(json_object_object_get(first, "method")), "POST");
	ck_assert_str_eq(json_object_get_string(json_object_object_get(first, "query")), "q=1");
	ck_assert_str_eq(json_object_get_string(json_object_object_get(first, "body")), ASK_OPENAI);
	asker_assert_has(text, "\"authorization\":\"Bearer secret\"");
	fake_provider_forget_requests(asker_fp, "o");
	free(text);
	text = fake_provider_requests(asker_fp, "o");
	ck_assert_str_eq(text, "[]\n");
	free(text);
	json_object_put(json);
	curl_slist_free_all(headers);
	asker_free(&r);
}
END_TEST

static Suite *
fakellm_faults_suite(void)
{
	Suite *suite = suite_create("fakellm_faults");
	TCase *tc = tcase_create("fakellm_faults");

	tcase_add_checked_fixture(tc, asker_setup, asker_teardown);
	tcase_add_loop_test(tc, each_fault_is_what_its_name_says, ASKER_FIRST, ASKER_END(faults));
	tcase_add_test(tc, a_stream_lacks_what_it_is_told_to_lack);
	tcase_add_test(tc, words_may_be_the_time_at_which_they_are_sent);
	tcase_add_test(tc, usage_in_a_stream_comes_when_it_is_asked_for);
	tcase_add_test(tc, max_tokens_cuts_the_answer_by_words);
	tcase_add_test(tc, a_big_body_is_valid_json_of_the_size_asked_for);
	tcase_add_test(tc, a_gzip_bomb_unpacks_without_a_fault);
	tcase_add_test(tc, a_big_stream_is_sent_to_the_end);
	tcase_add_loop_test(tc, a_client_that_gives_up_is_counted_as_cancelled, ASKER_FIRST,
		ASKER_END(silences));
	tcase_add_test(tc, a_reused_connection_may_die_with_the_second_request);
	tcase_add_test(tc, a_connection_is_kept_after_answers_and_errors);
	tcase_add_test(tc, a_provider_refuses_until_it_is_opened);
	tcase_add_test(tc, a_held_answer_waits_for_its_release);
	tcase_add_test(tc, what_was_asked_can_be_looked_at);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(fakellm_faults_suite());

	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
