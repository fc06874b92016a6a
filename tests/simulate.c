/* SPDX-License-Identifier: MIT */
/*
 * Lives of a daemon drawn from seeds, in simulated time: tools/simulate. For each that breaks a
 * rule it prints the seed, the rule and how to live it again.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "simulate_heap.h"
#include "support/explore.h"
#include "util.h"

struct options {
	uint64_t from, seeds;
	int jobs;
	bool verbose;
	bool stop; /* with the first that is broken */
};

/* What a process has lived through. */
struct sum {
	uint64_t lives;
	long calls, requests, turns, deltas;
	uint64_t broken;
};

static void
usage(FILE *out)
{
	(void)fputs("usage: simulate [--seeds N] [--from S] [--jobs N] [--stop]\n"
		    "       simulate [-v] --seed S\n"
		    "  --seeds N  so many lives (1000)\n"
		    "  --from S   the first one's seed (drawn)\n"
		    "  --seed S   this one alone\n"
		    "  --jobs N   processes (one a processor)\n"
		    "  --stop     no further than to the first that breaks a rule\n"
		    "  -v         tell all that happens\n",
		out);
}

static bool
number_of(const char *text, uint64_t *number)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	*number = strtoull(text, &end, 0);
	return *end == '\0';
}

/* The value of an option, false if there is none of that name or its value is no number. */
static bool
take(struct options *options, const char *name, const char *value)
{
	uint64_t number;

	if (!number_of(value, &number))
		return false;
	if (strcmp(name, "--seeds") == 0) {
		options->seeds = number;
	} else if (strcmp(name, "--from") == 0) {
		options->from = number;
	} else if (strcmp(name, "--seed") == 0) {
		options->from = number;
		options->seeds = 1;
	} else if (strcmp(name, "--jobs") == 0 && number > 0 && number <= 1024) {
		options->jobs = (int)number;
	} else {
		return false;
	}
	return true;
}

static void
read_options(struct options *options, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0) {
			options->verbose = true;
		} else if (strcmp(argv[i], "--stop") == 0) {
			options->stop = true;
		} else if (strcmp(argv[i], "--help") == 0) {
			usage(stdout);
			exit(EXIT_SUCCESS);
		} else if (i + 1 < argc && take(options, argv[i], argv[i + 1])) {
			i++;
		} else {
			usage(stderr);
			exit(2);
		}
	}
}

static volatile uint64_t living;

/* Says in which life it was, and ends of it. */
static void
on_crash(int number)
{
	char text[80] = "seed ", digits[24];
	uint64_t seed = living;
	size_t length = strlen(text), count = 0;

	do
		digits[count++] = (char)('0' + seed % 10);
	while ((seed /= 10) > 0);
	while (count > 0)
		text[length++] = digits[--count];
	memcpy(text + length, ": it crashed\n", 13);
	if (write(STDOUT_FILENO, text, length + 13) > 0)
		(void)signal(number, SIG_DFL);
	(void)raise(number);
}

/* Something was allocated that is not free. Libraries may keep what they make at its first use:
 * then another such life leaves nothing more. */
static void
look_for_leak(uint64_t seed, struct explore_life *life)
{
	struct explore_life again;
	long before = simulate_heap_blocks();

	explore_live(seed, NULL, &again);
	long left = simulate_heap_blocks() - before;
	if (left != 0 && !again.broken)
		life->broken =
			x_asprintf("Nothing is allocated when all is over: %ld blocks are", left);
	free(again.broken);
}

static void
live(uint64_t seed, bool verbose, struct sum *sum)
{
	struct explore_life life;

	long before = simulate_heap_blocks();

	living = seed;
	explore_live(seed, verbose ? stdout : NULL, &life);
	if (!life.broken && simulate_heap_blocks() != before)
		look_for_leak(seed, &life);
	sum->lives++;
	sum->calls += life.calls;
	sum->requests += life.requests;
	sum->turns += life.turns;
	sum->deltas += life.deltas;
	if (!life.broken)
		return;
	sum->broken++;
	printf("seed %" PRIu64 ": %s\n  again: tools/simulate -v --seed %" PRIu64 "\n", seed,
		life.broken, seed);
	(void)fflush(stdout);
	free(life.broken);
}

/* Every jobs-th life, from the one that is `number`. */
static void
live_some(const struct options *options, int number, struct sum *sum)
{
	for (uint64_t i = (uint64_t)number;
		i < options->seeds && !(options->stop && sum->broken > 0);
		i += (uint64_t)options->jobs)
		live(options->from + i, options->verbose, sum);
}

/* In processes of their own: false if one of them ended badly. */
static bool
live_all(const struct options *options, struct sum *all)
{
	bool well = true;
	int ends[2];

	if (options->jobs == 1) {
		live_some(options, 0, all);
		return true;
	}
	if (pipe(ends))
		return false;
	for (int i = 0; i < options->jobs; i++) {
		struct sum sum = {0};

		if (fork() != 0)
			continue;
		live_some(options, i, &sum);
		_exit(write(ends[1], &sum, sizeof sum) == (ssize_t)sizeof sum ? 0 : 1);
	}
	for (int status; wait(&status) > 0;)
		well &= status == 0;
	(void)close(ends[1]);
	for (struct sum sum; read(ends[0], &sum, sizeof sum) == (ssize_t)sizeof sum;) {
		all->lives += sum.lives;
		all->calls += sum.calls;
		all->requests += sum.requests;
		all->turns += sum.turns;
		all->deltas += sum.deltas;
		all->broken += sum.broken;
	}
	(void)close(ends[0]);
	return well;
}

static double
seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct options options = {.seeds = 1000, .jobs = (int)sysconf(_SC_NPROCESSORS_ONLN)};
	struct sum sum = {0};
	double start = seconds();

	options.from = (uint64_t)time(NULL) * 1000000;
	read_options(&options, argc, argv);
	(void)signal(SIGABRT, on_crash);
	(void)signal(SIGSEGV, on_crash);
	if (options.jobs < 1 || options.verbose || options.seeds < 100)
		options.jobs = 1;
	printf("seeds %" PRIu64 " to %" PRIu64 "\n", options.from,
		options.from + options.seeds - 1);
	(void)fflush(stdout);
	bool well = live_all(&options, &sum);
	double took = seconds() - start;
	printf("%" PRIu64 " lives, %" PRIu64 " broken: %ld calls, %ld requests, %ld deltas, "
	       "%ld turns of the clock in %.1f s\n",
		sum.lives, sum.broken, sum.calls, sum.requests, sum.deltas, sum.turns, took);
	if (!well)
		printf("a process ended before its time\n");
	return well && sum.broken == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
