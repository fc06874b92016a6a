/* SPDX-License-Identifier: MIT */
/*
 * Scripted providers for C tests: starts tests/fakellm as a child and talks to its control port.
 * Any failure of its own ends the test with a message, so that no caller needs to look at results.
 */
#ifndef LLMFO_TESTS_FAKE_PROVIDER_H
#define LLMFO_TESTS_FAKE_PROVIDER_H

#include <stdint.h>

struct fake_provider;

struct fake_provider_stats {
	int64_t requests;         /* chat requests, refused ones too */
	int64_t checks;           /* listings and the like */
	int64_t connections_open; /* control requests are not counted anywhere */
	int64_t connections_total;
	int64_t in_flight;
	int64_t in_flight_max;
	int64_t held;      /* answers that wait for fake_provider_release */
	int64_t cancelled; /* the client closed while its answer was under way */
};

/*
 * Starts fakellm with these options (NULL-terminated; see tests/fakellm/README.md), for instance
 * {"--provider", "a=openai", "--script", "a:429 x2; ok", NULL}, and returns when it listens. It
 * ends with the process that started it at the latest.
 */
struct fake_provider *fake_provider_start(const char *const *options);
/* Ends it; a child that did not end cleanly (a sanitizer's report) ends the test. */
void fake_provider_stop(struct fake_provider *fp);

int fake_provider_port(const struct fake_provider *fp, const char *name);
/* http://127.0.0.1:PORT, which lives as long as `fp`. */
const char *fake_provider_url(const struct fake_provider *fp, const char *name);

/* Replaces what the provider's chat requests get from now on. */
void fake_provider_script(struct fake_provider *fp, const char *name, const char *script);
/* The same for its listings. */
void fake_provider_check_script(struct fake_provider *fp, const char *name, const char *script);
/* Connections are refused until fake_provider_open. */
void fake_provider_refuse(struct fake_provider *fp, const char *name);
void fake_provider_open(struct fake_provider *fp, const char *name);
/* Lets answers go on that `hold` or `hold-after` stopped; returns how many there were. */
int64_t fake_provider_release(struct fake_provider *fp, const char *name);

/* What was asked, a JSON array of the last 1000; the caller frees it. */
char *fake_provider_requests(struct fake_provider *fp, const char *name);
void fake_provider_forget_requests(struct fake_provider *fp, const char *name);
struct fake_provider_stats fake_provider_stats(struct fake_provider *fp, const char *name);
/*
 * Returns as soon as the counters are what `counts` says, as a query: "cancelled=1&in_flight=0".
 * requests, checks, cancelled and connections_total: at least; connections_open, in_flight, held:
 * exactly. After 10 seconds, or timeout_ms=N of the query, the test ends.
 */
void fake_provider_wait(struct fake_provider *fp, const char *name, const char *counts);

#endif
