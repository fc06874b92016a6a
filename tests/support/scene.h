/* SPDX-License-Identifier: MIT */
/*
 * A whole daemon's inside without its edges: configuration, health, gate and calls on a fake clock
 * and a fake network. What must hold at every moment is checked here, after every turn of the
 * clock, so that no story has to say it: one reply a call, no attempt without its call, one probe
 * at a time, counts that agree.
 */
#ifndef LLMFO_SCENE_H
#define LLMFO_SCENE_H

#include "core.h"
#include "fake_clock.h"
#include "fake_transport.h"
#include "log.h"

/* One attempt of a call that got its reply. */
struct scene_attempt {
	char *target;
	enum outcome_class class;
	int64_t latency_ms;
	int64_t cost_picousd;
	bool cost_unknown, cost_may;
};

/* A call of the story, and its reply once that has come. */
struct scene_call {
	struct scene *scene;
	struct call *call; /* NULL: answered or cancelled */
	bool cancelled;
	int replies;
	int64_t asked_ms;
	int64_t over_ms; /* answered or cancelled */
	int error;
	char *text;    /* the answer */
	char *message; /* of the error */
	char *target;  /* that answered */
	bool fallback;
	bool estimated;
	int64_t retry_after_ms;
	struct scene_attempt *attempts;
	size_t attempt_count;
	bool stream;
	struct buf told; /* deltas since the last reset */
	size_t deltas, tool_calls, resets;
	char *partial; /* of an error; NULL */
	int64_t prompt_tokens, completion_tokens;
	int64_t cost_picousd;
	bool cost_unknown;
	int64_t first_token_ms;
};

/* What a program got that asked where to call itself. */
struct scene_pick {
	int error;
	char *target; /* NULL: none */
	char lease[LEASE_ID_BYTES];
};

/* A line of the log. */
struct scene_log {
	enum log_level level;
	char *text;
};

/* A request in flight that went through an open circuit: a probe, or forced. */
struct scene_probe {
	size_t request;
	char *subject;
	enum health_kind kind;
};

struct scene {
	struct fake_clock clock;
	struct fake_transport transport;
	struct core core;
	bool configured; /* core is there */
	struct scene_call **calls;
	size_t call_count;
	struct scene_pick *picks;
	size_t pick_count;
	struct scene_log *log;
	size_t log_count;
	struct event_listener listener; /* to all that happens */
	char **events;                  /* "circuit target a/m state open ..." */
	size_t event_count;
	struct scene_probe *probes;
	size_t probe_count;
	int ran;     /* calls that ran when it was last looked */
	bool guests; /* calls come from elsewhere too: what counts them is not looked at */
	char *fault; /* what did not hold, the first; NULL */
};

/* What a client asks for. Borrowed texts; zeroed is a plain call. */
struct scene_wish {
	const char *prompt;
	const char *image; /* a URL beside the prompt; NULL */
	const char *chain, *agent, *provider, *model, *strategy, *task_type, *user;
	const char *require[8], *prefer[8];
	size_t require_count, prefer_count;
	int64_t max_latency_ms, budget_picousd;
	bool has_budget;
	const char *targets[16];
	size_t target_count;
	int64_t uid; /* 0: any one, always the same */
	bool no_fallback, has_retry_on, has_max_retries;
	struct config_retry_on retry_on;
	int64_t deadline_ms, timeout_ms;
	int max_retries;
	struct config_params params; /* without stop and response_format */
	bool races;
	struct call_race race; /* if it races */
	bool stream;
	enum call_on_break on_break;
};

struct scene *scene_new(void);
/* Frees it. What is still running is cancelled first; NULL, or what is left over then or did not
 * hold before, a new string. */
char *scene_free(struct scene *scene);
/* Reads a configuration (the first, or a reload): NULL, or what is wrong with it, a new string. */
char *scene_configure(struct scene *scene, const char *yaml, size_t length);
/* Starts a call: NULL, or why the daemon would not have started it, a new string. */
char *scene_ask(struct scene *scene, const struct scene_wish *wish);
/* Picks for a program that calls itself: NULL, or why the daemon would not have looked. */
char *scene_pick(struct scene *scene, const struct scene_wish *wish);
/* It reports: of a pick, or (NULL) of a call at a target. NULL, or the daemon's refusal. */
char *scene_report(struct scene *scene, const struct scene_pick *pick, const char *target,
	const struct outcome *outcome);
void scene_cancel(struct scene *scene, struct scene_call *call);
void scene_advance(struct scene *scene, int64_t ms);
/* Every running call ends with LLMFO_ESHUTTING_DOWN. */
void scene_shut_down(struct scene *scene);
/* A request of that wish; NULL: *fault says why the daemon would not have taken it. */
struct call_request *scene_request(
	struct scene *scene, const struct scene_wish *wish, char **fault);
/* What listens to everything that happens, and forgets it. */
void scene_listen(struct scene *scene);
void scene_forget(struct scene *scene);
/* What the calls of scene_ask() are told by; arg is their struct scene_call. */
extern const struct call_events scene_call_events;
/* Something does not hold: the first such thing is scene->fault. */
void scene_blame(struct scene *scene, const char *format, ...) UTIL_PRINTF(2, 3);
/* Looks whether everything holds; what does not is scene->fault. */
void scene_check(struct scene *scene);

#endif
