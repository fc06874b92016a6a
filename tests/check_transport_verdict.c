/* SPDX-License-Identifier: MIT */
/* What each way a libcurl transfer can end is called. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport_verdict.h"

static const struct row {
	struct transport_facts facts;
	enum transport_end end;
	const char *detail; /* NULL: of no interest */
} rows[] = {
	{{.code = CURLE_OK, .phase = TRANSPORT_REPLYING, .whole_headers = true}, TRANSPORT_DONE,
		""},
	{{.code = CURLE_OK, .phase = TRANSPORT_REPLYING}, TRANSPORT_TRUNCATED,
		"the connection broke within the reply"},
	{{.code = CURLE_COULDNT_RESOLVE_HOST, .text = "Could not resolve host: h"}, TRANSPORT_DNS,
		"the name has no address"},
	{{.code = CURLE_COULDNT_RESOLVE_HOST, .starved = true}, TRANSPORT_INTERNAL,
		"Too many open files"},
	{{.code = CURLE_COULDNT_RESOLVE_PROXY, .text = "proxy http://user:secret@h"}, TRANSPORT_DNS,
		"the proxy's name has no address"},
	{{.code = CURLE_COULDNT_CONNECT, .system_error = ECONNREFUSED}, TRANSPORT_REFUSED,
		"Connection refused"},
	{{.code = CURLE_COULDNT_CONNECT, .system_error = EHOSTUNREACH}, TRANSPORT_UNREACHABLE,
		"No route to host"},
	{{.code = CURLE_COULDNT_CONNECT, .system_error = EPERM}, TRANSPORT_UNREACHABLE,
		"Operation not permitted"},
	{{.code = CURLE_COULDNT_CONNECT, .system_error = ETIMEDOUT}, TRANSPORT_CONNECT_TIMEOUT,
		"Connection timed out"},
	{{.code = CURLE_COULDNT_CONNECT, .system_error = EMFILE}, TRANSPORT_INTERNAL,
		"Too many open files"},
	{{.code = CURLE_COULDNT_CONNECT, .system_error = EADDRNOTAVAIL}, TRANSPORT_INTERNAL, NULL},
	{{.code = CURLE_COULDNT_CONNECT}, TRANSPORT_UNREACHABLE, "cannot connect"},
	{{.code = CURLE_OPERATION_TIMEDOUT}, TRANSPORT_CONNECT_TIMEOUT, "no connection in time"},
	{{.code = CURLE_OPERATION_TIMEDOUT, .phase = TRANSPORT_WAITING}, TRANSPORT_TIMEOUT,
		"no reply in time"},
	{{.code = CURLE_OPERATION_TIMEDOUT, .phase = TRANSPORT_REPLYING}, TRANSPORT_TIMEOUT,
		"the reply was not complete in time"},
	{{.code = CURLE_GOT_NOTHING, .phase = TRANSPORT_WAITING}, TRANSPORT_RESET,
		"the connection broke before a reply came"},
	{{.code = CURLE_RECV_ERROR, .phase = TRANSPORT_WAITING, .system_error = ECONNRESET},
		TRANSPORT_RESET, "Connection reset by peer"},
	{{.code = CURLE_RECV_ERROR, .phase = TRANSPORT_REPLYING, .system_error = ECONNRESET},
		TRANSPORT_TRUNCATED, "Connection reset by peer"},
	{{.code = CURLE_RECV_ERROR, .phase = TRANSPORT_REPLYING, .encrypted = true},
		TRANSPORT_TRUNCATED, "the connection broke within the reply"},
	{{.code = CURLE_RECV_ERROR, .phase = TRANSPORT_REPLYING}, TRANSPORT_PROTOCOL,
		"what came is not HTTP"},
	{{.code = CURLE_SEND_ERROR, .phase = TRANSPORT_WAITING, .system_error = EPIPE},
		TRANSPORT_RESET, "Broken pipe"},
	{{.code = CURLE_SEND_FAIL_REWIND, .phase = TRANSPORT_WAITING}, TRANSPORT_RESET, NULL},
	{{.code = CURLE_ABORTED_BY_CALLBACK,
		 .phase = TRANSPORT_WAITING,
		 .stop = TRANSPORT_STOP_SECOND_SENDING},
		TRANSPORT_RESET, "the connection broke before a reply came"},
	{{.code = CURLE_COULDNT_CONNECT,
		 .phase = TRANSPORT_WAITING,
		 .stop = TRANSPORT_STOP_SECOND_SENDING},
		TRANSPORT_RESET, NULL},
	{{.code = CURLE_HTTP2, .phase = TRANSPORT_WAITING}, TRANSPORT_RESET, NULL},
	{{.code = CURLE_HTTP2_STREAM, .phase = TRANSPORT_WAITING}, TRANSPORT_RESET, NULL},
	{{.code = CURLE_HTTP2_STREAM, .phase = TRANSPORT_REPLYING}, TRANSPORT_TRUNCATED, NULL},
	{{.code = CURLE_PEER_FAILED_VERIFICATION,
		 .text = "SSL certificate problem: certificate has expired"},
		TRANSPORT_TLS, "SSL certificate problem: certificate has expired"},
	{{.code = CURLE_SSL_CONNECT_ERROR, .text = "a\nb\x1b[0m", .system_error = ECONNRESET},
		TRANSPORT_TLS, "a b [0m"},
	{{.code = CURLE_SSL_CACERT_BADFILE, .starved = true}, TRANSPORT_INTERNAL, NULL},
	{{.code = CURLE_UNSUPPORTED_PROTOCOL}, TRANSPORT_INTERNAL, NULL},
	{{.code = CURLE_UNSUPPORTED_PROTOCOL, .phase = TRANSPORT_WAITING}, TRANSPORT_PROTOCOL,
		NULL},
	{{.code = CURLE_OUT_OF_MEMORY}, TRANSPORT_INTERNAL, "Out of memory"},
	{{.code = CURLE_OUT_OF_MEMORY, .phase = TRANSPORT_WAITING}, TRANSPORT_INTERNAL, NULL},
	{{.code = CURLE_OUT_OF_MEMORY, .phase = TRANSPORT_REPLYING}, TRANSPORT_TOO_LARGE, NULL},
	{{.code = CURLE_OUT_OF_MEMORY, .phase = TRANSPORT_REPLYING, .whole_headers = true},
		TRANSPORT_INTERNAL, NULL},
	{{.code = CURLE_FTP_WEIRD_PASV_REPLY}, TRANSPORT_INTERNAL, NULL},
};

START_TEST(every_end_has_its_name)
{
	struct transport_facts facts = rows[_i].facts;
	struct transport_result result = {0};

	if (!facts.text)
		facts.text = "";
	transport_verdict(&facts, &result);
	ck_assert_str_eq(transport_end_name(result.end), transport_end_name(rows[_i].end));
	if (rows[_i].detail)
		ck_assert_str_eq(result.detail, rows[_i].detail);
	ck_assert_int_eq(result.detail[0] == '\0', result.end == TRANSPORT_DONE);
}
END_TEST

START_TEST(a_long_message_is_cut)
{
	char text[400];
	struct transport_facts facts = {.code = CURLE_SSL_CONNECT_ERROR, .text = text};
	struct transport_result result = {0};

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	transport_verdict(&facts, &result);
	ck_assert_uint_eq(strlen(result.detail), sizeof(result.detail) - 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("transport_verdict");
	TCase *tc = tcase_create("ends");

	tcase_add_loop_test(tc, every_end_has_its_name, 0, UTIL_COUNT(rows));
	tcase_add_test(tc, a_long_message_is_cut);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
