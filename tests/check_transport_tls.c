/* SPDX-License-Identifier: MIT */
/*
 * The real transport over TLS and HTTP/2, against nginx with certificates of a test CA. Skipped
 * where there is no nginx or no openssl command.
 */
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/exchange.h"

#define MANY 60

enum port { GOOD, EXPIRED, SHORT_LIVED, PLAIN, PORTS };

extern char **environ;

static char folder[] = "/tmp/llmfo-tls-XXXXXX";
static char *ca_file;
static int ports[PORTS];
static pid_t nginx;
static struct stage stage;
static struct exchange one;

static const char *
nginx_path(void)
{
	static const char *const places[] = {
		"/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"};

	for (size_t i = 0; i < UTIL_COUNT(places); i++) {
		if (access(places[i], X_OK) == 0)
			return places[i];
	}
	return NULL;
}

static bool
shell(const char *script)
{
	char *command = x_asprintf("cd '%s' && { %s; } >log 2>&1", folder, script);
	int status = system(command);

	free(command);
	return status == 0;
}

static bool
make_certificates(void)
{
	return shell("new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';"
		     "sign='openssl x509 -req -in s.csr -CA ca.pem -CAkey ca.key"
		     " -copy_extensions copy';"
		     "openssl req -x509 $new -keyout ca.key -out ca.pem -days 2 -subj /CN=test &&"
		     "openssl req $new -keyout s.key -out s.csr -subj /CN=localhost"
		     " -addext subjectAltName=DNS:localhost &&"
		     "$sign -days 2 -out good.pem && $sign -days -1 -out expired.pem");
}

/* Ports that are free now, held until all are known, so that no two are the same. */
static void
choose_ports(void)
{
	int held[PORTS];

	for (int i = 0; i < PORTS; i++) {
		struct sockaddr_in address = {.sin_family = AF_INET};
		socklen_t length = sizeof(address);

		held[i] = socket(AF_INET, SOCK_STREAM, 0);
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		bind(held[i], (const struct sockaddr *)&address, sizeof(address));
		getsockname(held[i], (struct sockaddr *)&address, &length);
		ports[i] = ntohs(address.sin_port);
	}
	for (int i = 0; i < PORTS; i++)
		close(held[i]);
}

static void
write_server(FILE *out, enum port port, const char *certificate, int requests)
{
	fprintf(out,
		"server { listen 127.0.0.1:%d ssl http2; ssl_certificate %s.pem;\n"
		"  ssl_certificate_key s.key; keepalive_requests %d;\n"
		"  location = /slow { limit_rate 1000; postpone_output 0; root .; }\n"
		"  location = /numbers { root .; }\n"
		"  location / { proxy_pass http://127.0.0.1:%d; } }\n",
		ports[port], certificate, requests, ports[PLAIN]);
}

static void
write_configuration(void)
{
	char *path = x_asprintf("%s/nginx.conf", folder);
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	choose_ports();
	fprintf(out,
		"daemon off; master_process off; pid pid; error_log error.log;\n"
		"events { worker_connections 512; }\n"
		"http { access_log off; client_body_temp_path body; proxy_temp_path proxy;\n"
		"  fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;\n"
		"server { listen 127.0.0.1:%d; location / { return 200 up; } }\n",
		ports[PLAIN]);
	write_server(out, GOOD, "good", 100000);
	write_server(out, EXPIRED, "expired", 100000);
	write_server(out, SHORT_LIVED, "good", 3);
	fputs("}\n", out);
	ck_assert_int_eq(fclose(out), 0);
	free(path);
}

static bool
answers(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int error = connect(fd, (const struct sockaddr *)&address, sizeof(address));
	close(fd);
	return error == 0;
}

static void
start_nginx(void)
{
	char conf[] = "nginx.conf", prefix_option[] = "-p", conf_option[] = "-c";
	char *path = x_strdup(nginx_path());
	char *arguments[] = {path, prefix_option, folder, conf_option, conf, NULL};
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};

	write_configuration();
	ck_assert_int_eq(posix_spawn(&nginx, path, NULL, NULL, arguments, environ), 0);
	for (int i = 0; i < 500 && !answers(ports[SHORT_LIVED]); i++)
		nanosleep(&pause, NULL);
	ck_assert(answers(ports[SHORT_LIVED]));
	free(path);
}

static void
stop_nginx(void)
{
	if (nginx > 0) {
		kill(nginx, SIGKILL);
		waitpid(nginx, NULL, 0);
	}
	nginx = 0;
}

static void
point(struct exchange *exchange, const char *host, enum port port, const char *path)
{
	char *url = x_asprintf("https://%s:%d%s", host, ports[port], path);

	exchange_url(exchange, url);
	exchange->request.ca_file = ca_file;
	free(url);
}

static void
set_up(void)
{
	start_nginx();
	stage_open(&stage);
	exchange_init(&one, &stage, ports[PLAIN]);
	point(&one, "localhost", GOOD, "/");
}

static void
tear_down(void)
{
	exchange_free(&one);
	stage_close(&stage);
	stop_nginx();
}

START_TEST(a_good_certificate_is_trusted_and_its_connection_reused)
{
	ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
	ck_assert_str_eq(one.body.data, "up");
	ck_assert(!one.result.reused);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
		ck_assert(one.result.reused);
	}
}
END_TEST

static void
run_many(struct exchange *many, enum port port)
{
	for (int i = 0; i < MANY; i++) {
		exchange_init(&many[i], &stage, 1);
		point(&many[i], "localhost", port, "/");
	}
	for (int i = 0; i < MANY; i++)
		exchange_start(&many[i]);
	stage_run(&stage);
	for (int i = 0; i < MANY; i++)
		exchange_free(&many[i]);
}

START_TEST(many_at_once_share_one_connection)
{
	static struct exchange many[MANY];

	ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
	run_many(many, GOOD);
	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(many[i].result.end, TRANSPORT_DONE);
		ck_assert(many[i].result.reused);
	}
}
END_TEST

START_TEST(a_server_that_says_goodbye_harms_no_one_for_good)
{
	static struct exchange many[MANY];

	point(&one, "localhost", SHORT_LIVED, "/");
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
	run_many(many, SHORT_LIVED);
	for (int i = 0; i < MANY; i++) {
		ck_assert_uint_eq(many[i].done_told, 1);
		if (many[i].result.end != TRANSPORT_DONE)
			ck_assert_int_eq(many[i].result.end, TRANSPORT_RESET);
	}
	ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
}
END_TEST

static const struct bad_row {
	const char *host;
	enum port port;
	bool system_ca;
	const char *detail;
} bad_rows[] = {
	{"localhost", EXPIRED, false, "expired"},
	{"127.0.0.1", GOOD, false, "matches target host name"},
	{"localhost", GOOD, true, "unable to get local issuer certificate"},
	{"localhost", PLAIN, false, "wrong version number"},
};

START_TEST(a_bad_certificate_is_refused_and_said_why)
{
	const struct bad_row *row = &bad_rows[_i];

	point(&one, row->host, row->port, "/");
	if (row->system_ca)
		one.request.ca_file = NULL;
	ck_assert_int_eq(exchange_run(&one), TRANSPORT_TLS);
	ck_assert_msg(strstr(one.result.detail, row->detail), "%s", one.result.detail);
	ck_assert_int_eq(one.result.status, 0);
}
END_TEST

START_TEST(a_missing_bundle_is_told)
{
	one.request.ca_file = "/nowhere/ca.pem";
	ck_assert_int_eq(exchange_run(&one), TRANSPORT_TLS);
	ck_assert_ptr_nonnull(strstr(one.result.detail, "certificate"));
}
END_TEST

START_TEST(a_connection_that_trusted_another_ca_is_not_reused)
{
	ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
	one.request.ca_file = NULL;
	ck_assert_int_eq(exchange_run(&one), TRANSPORT_TLS);
}
END_TEST

static void
kill_nginx(struct exchange *exchange, enum exchange_event event)
{
	(void)exchange;
	if (event == EXCHANGE_HEADERS)
		stop_nginx();
}

START_TEST(a_server_that_dies_within_its_reply_leaves_it_truncated)
{
	ck_assert(shell("head -c 100000 /dev/zero >slow && chmod 755 . && chmod 644 slow"));
	point(&one, "localhost", GOOD, "/slow");
	one.http.method = "GET";
	one.hook = kill_nginx;
	ck_assert_int_eq(exchange_run(&one), TRANSPORT_TRUNCATED);
	ck_assert_int_eq(one.result.status, 200);
}
END_TEST

START_TEST(a_server_that_dies_while_idle_resets_or_refuses_no_more_than_one)
{
	ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
	stop_nginx();
	enum transport_end end = exchange_run(&one);
	ck_assert(end == TRANSPORT_RESET || end == TRANSPORT_REFUSED);
	ck_assert_int_eq(exchange_run(&one), TRANSPORT_REFUSED);
}
END_TEST

START_TEST(cancelling_streams_leaves_their_siblings_alone)
{
	static struct exchange many[MANY];

	ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
	for (int i = 0; i < MANY; i++) {
		exchange_init(&many[i], &stage, 1);
		point(&many[i], "localhost", GOOD, "/");
		exchange_start(&many[i]);
	}
	uv_run(&stage.loop, UV_RUN_NOWAIT);
	for (int i = 0; i < MANY; i += 2) {
		if (many[i].transfer)
			exchange_cancel(&many[i]);
	}
	stage_run(&stage);
	for (int i = 1; i < MANY; i += 2)
		ck_assert_int_eq(many[i].result.end, TRANSPORT_DONE);
	for (int i = 0; i < MANY; i++)
		exchange_free(&many[i]);
}
END_TEST

START_TEST(a_stream_has_a_connection_of_its_own)
{
	static struct exchange whole;

	exchange_init(&whole, &stage, 1);
	point(&whole, "localhost", GOOD, "/");
	ck_assert_int_eq(exchange_run(&whole), TRANSPORT_DONE);
	one.request.stream = true;
	ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
	ck_assert(!one.result.reused);
	ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
	ck_assert(one.result.reused);
	exchange_start(&one);
	exchange_start(&whole);
	stage_run(&stage);
	ck_assert(one.result.reused && whole.result.reused);
	exchange_free(&whole);
}
END_TEST

static void
hold_it(struct exchange *exchange, enum exchange_event event)
{
	if (event == EXCHANGE_BODY)
		transport_hold(stage.transport, exchange->transfer, true);
}

/* What TLS has read already, and the socket will not tell of any more, comes too. */
START_TEST(every_byte_comes_once_though_it_is_held)
{
	char number[16];
	const char *at;

	ck_assert(shell("seq 1 100000 >numbers && chmod 755 . && chmod 644 numbers"));
	point(&one, "localhost", GOOD, "/numbers");
	one.http.method = "GET";
	one.hook = hold_it;
	one.request.stream = _i == 0;
	exchange_start(&one);
	while (stage.running) {
		uv_run(&stage.loop, UV_RUN_ONCE);
		if (one.transfer)
			transport_hold(stage.transport, one.transfer, false);
	}
	ck_assert_int_eq(one.result.end, TRANSPORT_DONE);
	at = one.body.data;
	for (int i = 1; i <= 100000; i++) {
		int length = snprintf(number, sizeof(number), "%d\n", i);
		ck_assert_int_eq(strncmp(at, number, (size_t)length), 0);
		at += length;
	}
	ck_assert_str_eq(at, "");
}
END_TEST

static TCase *
over_tls(void)
{
	TCase *tc = tcase_create("tls");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_good_certificate_is_trusted_and_its_connection_reused);
	tcase_add_test(tc, many_at_once_share_one_connection);
	tcase_add_test(tc, a_server_that_says_goodbye_harms_no_one_for_good);
	tcase_add_loop_test(tc, a_bad_certificate_is_refused_and_said_why, 0, UTIL_COUNT(bad_rows));
	tcase_add_test(tc, a_missing_bundle_is_told);
	tcase_add_test(tc, a_connection_that_trusted_another_ca_is_not_reused);
	tcase_add_test(tc, a_server_that_dies_within_its_reply_leaves_it_truncated);
	tcase_add_test(tc, a_server_that_dies_while_idle_resets_or_refuses_no_more_than_one);
	tcase_add_test(tc, cancelling_streams_leaves_their_siblings_alone);
	tcase_add_test(tc, a_stream_has_a_connection_of_its_own);
	tcase_add_loop_test(tc, every_byte_comes_once_though_it_is_held, 0, 2);
	return tc;
}

int
main(void)
{
	if (!nginx_path() || !mkdtemp(folder) || !make_certificates()) {
		puts("no nginx or no openssl command: skipped");
		return 77;
	}
	ca_file = x_asprintf("%s/ca.pem", folder);
	Suite *suite = suite_create("transport_tls");
	suite_add_tcase(suite, over_tls());
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	shell("rm -rf '../'\"${PWD##*/}\"");
	free(ca_file);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
