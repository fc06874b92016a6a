/* SPDX-License-Identifier: MIT */
/*
 * Noting down and printing. The first calls of a run, which open connections, do not count.
 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STAMP_DIGITS 16

int64_t
measure_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

_Noreturn void
measure_fail(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t
measure_cpu_us(pid_t pid)
{
	struct timespec used;
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &used) != 0)
		measure_fail("the CPU time of the process measured");
	return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

static size_t
measure_number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || value == 0 || value > 100000000) {
		fprintf(stderr, "`%s` is no number of such things\n", text);
		exit(2);
	}
	return value;
}

static void
measure_begin(struct measure *m)
{
	m->began_us = measure_now_us();
	m->cpu_us = measure_cpu_us(m->plan.pid);
}

void
measure_init(struct measure *m, int argc, char **argv)
{
	int option;

	memset(m, 0, sizeof *m);
	m->plan = (struct measure_plan){.in_flight = 1, .calls = 10000};
	while ((option = getopt(argc, argv, "c:m:n:p:s")) != -1) {
		if (option == 'c')
			m->plan.in_flight = measure_number(optarg);
		else if (option == 'm')
			m->plan.connections = measure_number(optarg);
		else if (option == 'n')
			m->plan.calls = measure_number(optarg);
		else if (option == 'p')
			m->plan.pid = (pid_t)measure_number(optarg);
		else if (option == 's')
			m->plan.stream = true;
		else
			exit(2);
	}
	if (optind + 1 != argc) {
		fprintf(stderr,
			"usage: %s [-c IN_FLIGHT] [-m CONNECTIONS] [-n CALLS] [-p PID] [-s] "
			"TARGET\n",
			argv[0]);
		exit(2);
	}
	m->plan.target = argv[optind];
	if (m->plan.connections == 0 || m->plan.connections > m->plan.in_flight)
		m->plan.connections = m->plan.in_flight;
	m->warm = m->plan.stream ? 0 : 10 * m->plan.in_flight;
	m->plan.calls += m->warm;
	measure_begin(m);
}

const char *
measure_prompt(void)
{
	static char prompt[1201];

	memset(prompt, 'a', sizeof prompt - 1);
	return prompt;
}

char *
measure_body(bool stream)
{
	char *body;

	if (asprintf(&body,
		    "{\"model\":\"m\",\"temperature\":0.2,\"max_tokens\":4096,\"stream\":%s,"
		    "\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}",
		    stream ? "true" : "false", measure_prompt()) < 0)
		measure_fail("a body");
	return body;
}

bool
measure_may_open(struct measure *m)
{
	int64_t now_us = measure_now_us();

	if (m->opened == m->plan.in_flight || (m->plan.stream && now_us < m->opened_us + 1000))
		return false;
	m->opened++;
	m->opened_us = now_us;
	return true;
}

void
measure_note(struct measure_times *times, int64_t us)
{
	if (times->count == times->room) {
		times->room = times->room ? 2 * times->room : 65536;
		times->us = realloc(times->us, times->room * sizeof times->us[0]);
		if (!times->us)
			measure_fail("a list of times");
	}
	times->us[times->count++] = us;
}

static void
measure_token(struct measure *m, int64_t sent_us, int64_t *since_us)
{
	int64_t now_us = measure_now_us();

	measure_note(&m->tokens, now_us - sent_us);
	if (*since_us)
		measure_note(&m->firsts, now_us - *since_us);
	*since_us = 0;
}

void
measure_scan(struct measure *m, struct measure_scan *scan, const char *bytes, size_t count,
	int64_t *since_us)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] >= '0' && bytes[i] <= '9') {
			if (scan->digits++ < STAMP_DIGITS)
				scan->value = scan->value * 10 + (bytes[i] - '0');
			continue;
		}
		if (scan->digits == STAMP_DIGITS)
			measure_token(m, scan->value, since_us);
		*scan = (struct measure_scan){0};
	}
}

void
measure_call(struct measure *m, int64_t since_us)
{
	if (m->warm == 0) {
		measure_note(&m->calls, measure_now_us() - since_us);
		return;
	}
	if (--m->warm == 0)
		measure_begin(m);
}

static int
measure_by_value(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

int64_t
measure_percentile(struct measure_times *times, size_t percent)
{
	qsort(times->us, times->count, sizeof times->us[0], measure_by_value);
	return times->count ? times->us[(times->count - 1) * percent / 100] : 0;
}

/* p50, p99, then calls a second and CPU a call; of streams p50 and p99 of the tokens, p50 of the
 * first ones, tokens a second and CPU a token. Bare numbers: a script takes medians of them. */
void
measure_report(struct measure *m)
{
	double took_us = (double)(measure_now_us() - m->began_us);
	double cpu_us = (double)(measure_cpu_us(m->plan.pid) - m->cpu_us);
	struct measure_times *times = m->plan.stream ? &m->tokens : &m->calls;
	double count = (double)(times->count ? times->count : 1);

	printf("%lld %lld %lld %.0f %.1f %zu\n", (long long)measure_percentile(times, 50),
		(long long)measure_percentile(times, 99),
		(long long)measure_percentile(&m->firsts, 50), count * 1e6 / took_us,
		cpu_us / count, times->count);
	free(m->calls.us);
	free(m->firsts.us);
	free(m->tokens.us);
}
