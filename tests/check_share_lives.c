/* SPDX-License-Identifier: MIT */
/*
 * Whole lives of fleets, drawn from seeds: calls, administrators, hosts that are cut off, a shared
 * place that freezes, forgets, refuses and loses news. Once everything is well again, all hosts
 * agree within the time of one reading, and what an administrator said last is what holds.
 * LLMFO_SEED=N lives that one alone, LLMFO_LONG=1 many more.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "support/config_support.h"
#include "support/fleet.h"

#define LIVES 400
#define LONG_LIVES 20000
#define STEPS 120
/* Until every host has read everything once more. */
#define CALM_MS (20 * FLEET_SECOND)
#define APART_MS 3000
/* What is said so soon after something else is told from it by nobody. */
#define TIE_MS 20
/* Of a life; a quiet one takes 2,000. */
#define OPERATIONS_MAX 10000

static const char yaml[] =
	"providers:\n"
	"  a: {api: openai, base_url: 'http://a.test', api_key: k, models: [m, n]}\n"
	"  b: {api: openai, base_url: 'http://b.test', api_key: k, models: [m]}\n"
	"chains:\n"
	"  default: {targets: [a/m, b/m]}\n"
	"  other: {targets: [a/n, a/m, b/m]}\n"
	"health: {cooldown: 1m, cooldown_max: 8m, failure_threshold: 2}\n";

static const char *const targets[] = {"a/m", "a/n", "b/m"};
static const char *const names[] = {"a/m", "a/n", "b/m", "a", "b"};
static const char *const chains[] = {"default", "other"};
static const char *const providers[] = {"a", "b"};
static const enum outcome_class classes[] = {OUTCOME_OK, OUTCOME_OK, OUTCOME_UNAVAILABLE,
	OUTCOME_UNAVAILABLE, OUTCOME_RATE_LIMITED, OUTCOME_AUTH, OUTCOME_CONNECT_FAILED,
	OUTCOME_CANCELLED, OUTCOME_BAD_REQUEST};

struct life {
	unsigned seed;
	unsigned short draw[3];
	struct fleet *fleet;
	const char *forced; /* what an administrator said last, "" for nobody */
	int64_t forced_at_ms, forced_until_ms;
	bool tie;
};

/* Of one life alone everything is told. */
static bool telling;

static void
on_log(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	printf("%s\n", line);
}

static void
tell(const struct life *life, size_t host, const char *what, const char *name)
{
	if (telling)
		printf("%lld host %zu: %s %s\n", (long long)fleet_now_ms(life->fleet), host, what,
			name ? name : "");
}

#define DRAW(life, list) ((list)[(size_t)draw(life, UTIL_COUNT(list))])

static long
draw(struct life *life, size_t count)
{
	return nrand48(life->draw) % (long)count;
}

static void
force(struct life *life, size_t host)
{
	bool any = draw(life, 3) > 0;
	int64_t for_ms = (1 + draw(life, 60)) * FLEET_MINUTE;

	life->tie = fleet_now_ms(life->fleet) - life->forced_at_ms < TIE_MS;
	life->forced_at_ms = fleet_now_ms(life->fleet);
	life->forced = any ? DRAW(life, providers) : "";
	life->forced_until_ms = fleet_now_ms(life->fleet) + for_ms;
	tell(life, host, "forces", life->forced);
	fleet_force(life->fleet, host, any ? life->forced : NULL, for_ms);
}

/* A call, if it is let through; as long as it runs time may pass. */
static void
call(struct life *life, size_t host)
{
	const char *target = DRAW(life, targets);
	enum outcome_class class = DRAW(life, classes);
	int64_t wait_ms = draw(life, 2) ? (1 + draw(life, 600)) * FLEET_SECOND : 0;

	tell(life, host, outcome_text(class), target);
	if (fleet_admits(life->fleet, host, target))
		fleet_call(life->fleet, host, target, class, wait_ms);
}

static void
weather(struct life *life, size_t host)
{
	struct fleet *fleet = life->fleet;

	static const char *const kinds[] = {
		"cut", "uncut", "freezes or thaws", "restarts", "loses or has news", "full or not"};
	size_t kind = (size_t)draw(life, UTIL_COUNT(kinds));

	tell(life, host, "weather:", kinds[kind]);
	switch (kind) {
	case 0: fake_store_cut(&fleet->hosts[host].store, true); break;
	case 1: fake_store_cut(&fleet->hosts[host].store, false); break;
	case 2: fake_place_freeze(&fleet->place, !fleet->place.frozen); break;
	case 3: fake_place_restart(&fleet->place); break;
	case 4: fleet->place.loses_news = !fleet->place.loses_news; break;
	default: fleet->place.full = !fleet->place.full; break;
	}
}

static void
step(struct life *life)
{
	struct fleet *fleet = life->fleet;
	size_t host = (size_t)draw(life, fleet->count);
	struct health *health = fleet->hosts[host].health;

	const char *name = draw(life, 2) ? DRAW(life, names) : NULL;
	const char *chain = DRAW(life, chains), *target = draw(life, 2) ? "b/m" : "a/m";

	switch (draw(life, 16)) {
	case 0: force(life, host); break;
	case 1:
		tell(life, host, "resets", name);
		(void)health_reset(health, name);
		break;
	case 2:
		tell(life, host, "clears", NULL);
		(void)health_unprefer_all(health);
		break;
	case 3:
		tell(life, host, "is back in", chain);
		(void)health_unprefer(health, chain);
		break;
	case 4: weather(life, host); break;
	case 5:
	case 6:
		tell(life, host, chain, target);
		(void)health_prefer(health, chain, target, fleet_now_ms(fleet));
		break;
	default: call(life, host); break;
	}
	/* mostly at once, sometimes long after */
	fleet_after(fleet, draw(life, 4) ? draw(life, 20) : draw(life, 90 * FLEET_SECOND));
}

static void
make_well(struct life *life)
{
	struct fleet *fleet = life->fleet;

	fleet->place.full = fleet->place.loses_news = false;
	fake_place_freeze(&fleet->place, false);
	for (size_t i = 0; i < fleet->count; i++)
		fake_store_cut(&fleet->hosts[i].store, false);
	fleet_after(fleet, CALM_MS);
}

/* Open for as long as on the first host; one that is about to be probed may be closed elsewhere. */
static void
assert_circuits_agree(const struct life *life)
{
	for (size_t i = 1; i < life->fleet->count; i++)
		for (size_t k = 0; k < UTIL_COUNT(names); k++) {
			int64_t here_ms = fleet_left_ms(life->fleet, i, names[k]);
			int64_t there_ms = fleet_left_ms(life->fleet, 0, names[k]);

			ck_assert_msg(llabs(here_ms - there_ms) <= APART_MS,
				"seed %u: %s is open for %lld ms on host 0, %lld ms on host %zu",
				life->seed, names[k], (long long)there_ms, (long long)here_ms, i);
		}
}

static void
assert_choices_agree(const struct life *life)
{
	bool over = life->forced_until_ms <= fleet_now_ms(life->fleet);
	const char *last = life->tie ? fleet_forced(life->fleet, 0) : over ? "" : life->forced;

	for (size_t i = 0; i < life->fleet->count; i++) {
		ck_assert_msg(strcmp(fleet_forced(life->fleet, i), last) == 0,
			"seed %u: host %zu has `%s` forced, not `%s`", life->seed, i,
			fleet_forced(life->fleet, i), last);
		for (size_t k = 0; k < UTIL_COUNT(chains); k++) {
			const char *here = fleet_preferred(life->fleet, i, chains[k]);
			const char *there = fleet_preferred(life->fleet, 0, chains[k]);

			ck_assert_msg(strcmp(here, there) == 0,
				"seed %u: %s prefers `%s` on host 0, `%s` on host %zu", life->seed,
				chains[k], there, here, i);
		}
	}
}

/* Hosts that contradict each other must not do so for ever. */
static void
assert_no_storm(const struct life *life)
{
	ck_assert_msg(life->fleet->place.operations < OPERATIONS_MAX,
		"seed %u: %zu operations in the place that is shared", life->seed,
		life->fleet->place.operations);
}

static void
live(unsigned seed)
{
	struct life life = {.seed = seed, .draw = {0x330e, (unsigned short)seed,
						  (unsigned short)(seed >> 16)},
		.forced = ""};

	life.fleet = fleet_new(2 + (size_t)draw(&life, FLEET_MAX - 1), yaml);
	if (telling)
		log_capture(on_log, NULL);
	for (int i = 0; i < STEPS; i++)
		step(&life);
	make_well(&life);
	assert_circuits_agree(&life);
	assert_choices_agree(&life);
	assert_no_storm(&life);
	fleet_free(life.fleet);
}

START_TEST(once_all_is_well_all_agree)
{
	const char *seed = getenv("LLMFO_SEED");
	unsigned lives = getenv("LLMFO_LONG") ? LONG_LIVES : LIVES;

	telling = seed != NULL;
	if (seed)
		live((unsigned)strtoul(seed, NULL, 10));
	for (unsigned i = 1; i <= lives && !seed; i++)
		live(i);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("share_lives");
	TCase *tests = tcase_create("lives");

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 300);
	tcase_add_test(tests, once_all_is_well_all_agree);
	return support_run(suite);
}
