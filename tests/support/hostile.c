/* SPDX-License-Identifier: MIT */
/* See hostile.h. */
#include "hostile.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What allocators and connection pools may keep. */
#define GROWTH_MAX_KB 24576
/* So often the status is asked for at most, until the others are gone. */
#define TRIES_MAX 5000

struct fake_provider *hostile_fp;
struct daemon hostile_daemon;

static struct wire eye; /* open all the time, so that nothing of it comes or goes */
static int descriptors;
static long resident_kb;
static uint64_t state;

/* Those of the daemon alone: the pool of connections to the provider comes and goes. */
static int
own_descriptors(void)
{
	int count = daemon_descriptors(&hostile_daemon);

	return count < 0 ? -1 : count - (int)fake_provider_stats(hostile_fp, "a").connections_open;
}

/* Asks for the status until nobody is connected but the one who asks. */
static void
wait_alone(void)
{
	int64_t open = -1;

	for (uint32_t i = 0; i < TRIES_MAX && open != 1; i++) {
		wire_request(&eye, i, "status", "[]");
		struct wire_reply reply = wire_expect(&eye, i, NULL);
		open = tree_int(reply.result, "daemon.connections");
		wire_reply_free(&reply);
	}
	ck_assert_int_eq(open, 1);
}

void
hostile_honest_call(void)
{
	struct wire wire;

	wire_open(&wire, hostile_daemon.socket);
	wire_request(&wire, 77, "generate", "[{\"prompt\":\"hello\"}]");
	struct wire_reply reply = wire_expect(&wire, 77, NULL);
	ck_assert_str_eq(tree_text(reply.result, "provider_used"), "a");
	wire_reply_free(&reply);
	wire_close(&wire);
}

void
hostile_begin(const char *settings)
{
	static const char *const options[] = {"--provider", "a=openai", NULL};

	hostile_fp = fake_provider_start(options);
	daemon_begin(&hostile_daemon,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: k, models: [m]}\n"
		"chains: {default: {targets: [a/m]}}\n"
		"%s",
		fake_provider_url(hostile_fp, "a"), settings);
	wire_open(&eye, hostile_daemon.socket);
	hostile_honest_call();
	wait_alone();
	descriptors = own_descriptors();
	resident_kb = daemon_resident_kb(&hostile_daemon);
}

void
hostile_setup(void)
{
	hostile_begin("");
}

void
hostile_as_before(void)
{
	hostile_honest_call();
	wait_alone();
	ck_assert_int_eq(own_descriptors(), descriptors);
	long grown_kb = daemon_resident_kb(&hostile_daemon) - resident_kb;
	ck_assert_msg(daemon_is_sanitized() || grown_kb < GROWTH_MAX_KB, "%ld kB more", grown_kb);
	ck_assert_int_eq(fake_provider_stats(hostile_fp, "a").in_flight, 0);
}

void
hostile_teardown(void)
{
	hostile_as_before();
	wire_close(&eye);
	daemon_stop(&hostile_daemon);
	fake_provider_stop(hostile_fp);
}

uint32_t
hostile_random(void)
{
	if (state == 0) {
		const char *seed = getenv("LLMFO_SEED");

		state = seed ? strtoull(seed, NULL, 0) : 20250117;
		printf("LLMFO_SEED=%llu\n", (unsigned long long)state);
		state = state * 2 + 1;
	}
	state = state * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(state >> 33);
}

void
hostile_random_bytes(char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = (char)hostile_random();
}

unsigned
hostile_rounds(unsigned few, unsigned many)
{
	return getenv("LLMFO_LONG") ? many : few;
}
