/* SPDX-License-Identifier: MIT */
/* The inside of the explorer, shared by explore*.c. Nobody else includes it. */
#ifndef LLMFO_EXPLORE_STATE_H
#define LLMFO_EXPLORE_STATE_H

#include "explore.h"
#include "scene.h"
#include "session.h"

#define EXPLORE_HOSTS 5
#define EXPLORE_MODELS 3
#define EXPLORE_CANDIDATES 8
#define EXPLORE_USERS 3
#define EXPLORE_FIRST_UID 1000u

/* What a host is like at the moment. */
enum explore_weather {
	EXPLORE_FAIR,
	EXPLORE_SLOW,
	EXPLORE_LIMITED,
	EXPLORE_FAILING,
	EXPLORE_REFUSING,
	EXPLORE_RESETTING,
	EXPLORE_SILENT,
	EXPLORE_BREAKING,
	EXPLORE_REJECTING,
	EXPLORE_MIXED,
	EXPLORE_WEATHERS,
};

/* Did a provider send its whole answer? */
enum explore_whole { EXPLORE_CUT, EXPLORE_DOUBTFUL, EXPLORE_WHOLE };

/* A request, parallel to those of the transport. */
struct explore_request {
	size_t call;
	size_t candidate; /* among the call's */
	bool stream;
	int64_t at_ms;
	bool fresh; /* it takes the place of one over a dead connection: no attempt of its own */
	bool continues; /* it was to go on from what was told */
	bool over;
	int status;
	enum explore_whole whole;
	char *text; /* all the caller has been told when it is through: owned */
	int tools;  /* calls of tools, likewise */
};

/* A target that a call may use. */
struct explore_candidate {
	char name[32];
	size_t host;
	char model[16];
	bool configured;
	int max_repeats, max_concurrency;
	int64_t limit_ms; /* of an attempt */
	int attempts;     /* so far */
	int unjudged; /* of them: they lost a race, or would not go on from what was told, and the
	                 next one is no repeat */
	bool judged;  /* the last of them was none of these */
	int ended;    /* of them */
	bool limited; /* one of them met a limit, which may be waited out */
	enum outcome_class last; /* what the last of them came to */
	bool lasts;              /* that does not pass by itself */
};

/* A request of a client's that has no reply yet. */
struct explore_asked {
	uint32_t msgid;
	enum message_method method;
	size_t label, pick;        /* of a call; whose lease is reported, + 1 */
	size_t until;              /* where it ends in what the client sends */
	struct explore_call *call; /* NULL: it did not begin */
	uint32_t cancels;          /* of a cancel: which it is to end */
	struct buf heard;          /* since the last reset */
	int heard_tools;
	struct outcome outcome; /* that is reported */
	char target[32];        /* of which, or "" */
};

/* A client at a connection of its own. */
struct explore_client {
	struct explore *explore;
	size_t number;
	struct session *session;     /* NULL: it has closed */
	struct buf out;              /* what it has to send */
	size_t taken;                /* of it, by the daemon */
	struct explore_asked *asked; /* owned */
	size_t asked_count;
	int last_msgid;
	bool reads;
	size_t unread_bytes;
	bool over;        /* more waited than limits.stream_queue, and more than half of it does */
	bool half_closed; /* by the client */
	bool subscribed;  /* it asked to be told what happens */
	bool ending;      /* the daemon wants it closed */
};

/* A call, as its client and its providers see it. */
struct explore_call {
	struct explore *explore;
	size_t number;                    /* from 0 */
	size_t label;                     /* by which its requests are known */
	struct explore_client *client;    /* NULL: it speaks to the call itself */
	const struct call_events *events; /* the daemon's own, of a client */
	void *events_arg;
	const struct call_result *result; /* while it is being told */
	struct scene_call *row;
	struct config *config; /* a reference */
	bool fallback, stream;
	enum call_on_break on_break;
	struct call_race race;
	int64_t deadline_ms; /* absolute */
	struct explore_candidate candidates[EXPLORE_CANDIDATES];
	size_t candidate_count;
	struct buf told; /* since the last reset */
	int told_tools;
	int resets;
	bool void_yet; /* since the last reset nothing was told */
	bool held;
	int64_t held_ms; /* since when, or when it was */
	size_t teller;   /* whose words it is told, a request's number + 1; 0: nobody's yet */
	int64_t teller_ms;
	int in_flight, made; /* requests; fresh ones aside */
	int64_t last_ms;     /* when the last of them began */
	int64_t first_ms;    /* when it was first told something; 0: it was not */
	bool was_held;       /* at any time */
	bool names_provider; /* it asked for one by its name */
	bool has_needs;      /* it asks for what not everybody can do */
	size_t counted;      /* of its attempts: those that are in the counts */
};

/* What should stand in a subject's counters. */
struct explore_count {
	char name[32];
	enum health_kind kind;
	int64_t successes, failures;
	int64_t repeats, answers; /* of a provider: what its retry budget comes from */
};

struct explore_host {
	char name[2];
	enum explore_weather weather;
	int64_t pace_ms;
	int64_t forced_until_ms;
};

struct explore {
	uint64_t seed, state; /* of all that is drawn */
	FILE *trace;
	uint64_t hash;
	struct scene *scene;
	struct explore_host hosts[EXPLORE_HOSTS];
	size_t host_count;
	struct explore_call **calls; /* owned, parallel to scene->calls */
	size_t call_count;
	bool spoken; /* its clients speak to the daemon in bytes */
	size_t labels;
	struct explore_client **clients; /* owned */
	size_t client_count;
	struct explore_client *speaker;   /* whose bytes are being taken */
	struct explore_request *requests; /* owned */
	size_t request_count;
	struct explore_count counts[64];
	size_t count_count;
	bool strict;                       /* somebody was forced strictly at some time */
	const struct explore_host *forced; /* strictly, now; NULL */
	int64_t forced_ms;                 /* since when */
	int waited;                        /* calls that waited when it was last looked */
	int ran_of[EXPLORE_USERS];         /* of each user, likewise */
	int waited_of[EXPLORE_USERS];
	struct stats expected;             /* what the daemon's counters should be */
	size_t logged;                     /* lines of the log that were traced */
	long turns, deltas;
	char *broken; /* owned */
	/* the scene's own, behind ours */
	void (*scene_started)(void *arg, size_t request);
	void (*scene_ended)(void *arg, size_t request);
	void (*scene_turned)(void *arg);
};

/* ---- explore_draw.c: chance, and what is told of it ---- */

uint64_t explore_draw(struct explore *explore);
/* From 0 to limit - 1. */
int explore_below(struct explore *explore, int limit);
bool explore_one_in(struct explore *explore, int count);
/* A time of any scale: mostly short, sometimes minutes. */
int64_t explore_some_ms(struct explore *explore);
uint32_t explore_some_uid(struct explore *explore);
/* A line of the trace, and of its hash. */
void explore_say(struct explore *explore, const char *format, ...) UTIL_PRINTF(2, 3);
/* A sentence does not hold; the first one is kept. */
void explore_blame(struct explore *explore, const char *sentence, const char *format, ...)
	UTIL_PRINTF(3, 4);

/* ---- explore_config.c ---- */

/* Draws a configuration and takes it, the first or by a reload. */
void explore_configure(struct explore *explore);

/* ---- explore_weather.c: what hosts do ---- */

void explore_change_weather(struct explore *explore);
/* What the host does with a request, which is filled in with what comes of it. */
struct fake_behaviour explore_behave(struct explore *explore, struct explore_request *request);

/* ---- explore_call.c: clients ---- */

void explore_ask(struct explore *explore);
/* A running call, or NULL. */
struct explore_call *explore_some_call(struct explore *explore);
void explore_cancel(struct explore_call *call);
/* Its client stops reading, or goes on. */
void explore_hold(struct explore_call *call, bool held);
/* A client that calls itself asks where, or says what came of it. */
void explore_pick(struct explore *explore);
void explore_report(struct explore *explore);
void explore_call_free(struct explore_call *call);
/* The moments of the transport. */
struct fake_behaviour explore_on_request(void *arg, size_t request);
void explore_on_ended(void *arg, size_t request);

/* What a call is told. arg is the struct explore_call. */
extern const struct call_events explore_told;
struct explore_call *explore_keep_call(
	struct explore *explore, const struct call_request *request, size_t label);
/* It ends without a reply: what is expected of that. */
void explore_leave(struct explore_call *call);
/* The parts of a client's wishes. The texts of targets are made in names. */
void explore_draw_choice(struct explore *explore, struct scene_wish *wish, char names[4][16]);
void explore_draw_wish(struct explore *explore, struct scene_wish *wish);
void explore_draw_report(struct explore *explore, struct outcome *outcome);

/* ---- explore_client.c: clients that speak to the daemon ---- */

/* One of them does something, or one more comes. */
void explore_speak(struct explore *explore);
/* The one whose call this is does. */
void explore_client_bear(struct explore_call *call);
void explore_client_stop_reading(struct explore_client *client);
/* After a turn: they read, and go where the daemon wants them to. */
void explore_clients_turn(struct explore *explore);
/* All send and read what there is. */
void explore_clients_catch_up(struct explore *explore);
void explore_clients_shut_down(struct explore *explore);
void explore_clients_free(struct explore *explore);

/* ---- explore_hear.c: what they get, and what must hold of it ---- */

void explore_hear(struct explore_client *client, const char *bytes, size_t count);
/* What was told is on its way to the client. */
void explore_check_heard(struct explore_call *call);
void explore_check_clients(struct explore *explore);
struct explore_asked *explore_asked(struct explore_client *client, uint32_t msgid);

/* ---- explore_wrap.c: what stands between sessions and calls ---- */

/* Whose life it is; NULL: nobody's. */
void explore_wrap(struct explore *explore);

/* ---- explore_count.c: what counters should say ---- */

/* Puts an attempt's outcome, or a reported one, into what is expected. */
void explore_count(struct explore *explore, const char *target, const struct outcome *outcome);
/* Counts what a call's attempts came to since it was last looked. */
void explore_count_attempts(
	struct explore_call *call, const struct call_attempt *attempts, size_t count);
/* The counters of this provider or target, or (NULL) of all, begin anew. */
void explore_count_reset(struct explore *explore, const char *name);
/* A reload made subjects new: those of providers whose endpoint changed. */
void explore_count_reloaded(
	struct explore *explore, const struct config *before, const struct config *now);
struct explore_count *explore_counts(
	struct explore *explore, enum health_kind kind, const char *name);

/* ---- explore_rules.c, explore_request.c, explore_reply.c: what must hold ---- */

void explore_check_turn(struct explore *explore);
void explore_check_request(struct explore_call *call, struct explore_request *request);
/* Before it is added to what was told. */
void explore_check_told(struct explore_call *call);
void explore_check_reset(struct explore_call *call);
void explore_check_reply(struct explore_call *call, const struct call_result *result);
/* The daemon has gone. */
void explore_check_shutdown(struct explore *explore);
void explore_check_end(struct explore *explore);

#endif
