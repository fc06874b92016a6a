/* SPDX-License-Identifier: MIT */
/*
 * What the loads of the comparison have in common: what they send, what they note down, and the
 * line that they print of it. Nothing here knows how a request travels.
 */
#ifndef LLMFO_BENCH_MEASURE_H
#define LLMFO_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What is asked for, the same in each load. */
struct measure_plan {
	size_t in_flight;
	size_t connections; /* that the calls in flight are spread over */
	size_t calls;       /* in all; a stream is one */
	bool stream;
	pid_t pid; /* whose CPU time counts; 0: this process's own */
	const char *target;
};

/* Times in microseconds. */
struct measure_times {
	int64_t *us;
	size_t count, room;
};

struct measure {
	struct measure_plan plan;
	struct measure_times calls;  /* from a request to its whole answer */
	struct measure_times firsts; /* to its first token */
	struct measure_times tokens; /* from a token's sending to its coming */
	size_t warm;                 /* calls that are still not noted down */
	int64_t began_us, cpu_us;
	size_t opened; /* calls begun for the first time */
	int64_t opened_us;
};

/* A run of digits in what came, byte by byte: words of 16 digits tell when they were sent. */
struct measure_scan {
	int64_t value;
	unsigned digits;
};

/* Reads the options; ends the program if they are wrong. */
void measure_init(struct measure *m, int argc, char **argv);
int64_t measure_now_us(void);
_Noreturn void measure_fail(const char *what);
/* The prompt of every load, 1.2 KB; terminated. */
const char *measure_prompt(void);
/* The JSON body that a provider of OpenAI's shape takes; the caller frees it. */
char *measure_body(bool stream);
/* True if the next of those in flight may begin: streams a millisecond after one another, since
 * those that begin together drip together. */
bool measure_may_open(struct measure *m);
/* Looks for tokens. *since_us is when their call began, and 0 once its first token came. */
void measure_scan(struct measure *m, struct measure_scan *scan, const char *bytes, size_t count,
	int64_t *since_us);
/* A call ended that began at since_us. */
void measure_call(struct measure *m, int64_t since_us);
void measure_note(struct measure_times *times, int64_t us);
/* Sorts them. 0 if there are none. */
int64_t measure_percentile(struct measure_times *times, size_t percent);
/* Prints the line of the run. */
void measure_report(struct measure *m);

#endif
