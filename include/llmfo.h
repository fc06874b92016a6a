/* SPDX-License-Identifier: MIT */
/*
 * libllmfo: a thin client for llmfod, the host's failover daemon for language models.
 *
 * A client connects to the daemon's Unix socket, sends named parameters, and gets one reply for
 * each call. Every function that returns int gives 0 or one of the negative codes of
 * LLMFO_ERROR_MAP. The library never prints, never aborts, never touches signals or the environment
 * (but for reading LLMFO_SOCKET and XDG_RUNTIME_DIR), and exports nothing but llmfo_*. One client
 * belongs to one thread at a time, its callbacks come in the thread that called; different clients
 * are independent of one another. Parameters that nobody changes, and replies, may be read by
 * several threads at once. After fork() one of the two processes may go on with a client, the other
 * has to leave it alone. All times are milliseconds. Strings are UTF-8 and NUL-terminated unless a
 * length is given beside them.
 */
#ifndef LLMFO_H
#define LLMFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define LLMFO_API __attribute__((visibility("default")))
#define LLMFO_MUST_CHECK __attribute__((warn_unused_result))
#else
#define LLMFO_API
#define LLMFO_MUST_CHECK
#endif

/*
 * Every error: name, value, its code on the wire, a sentence. Values -1 to -39 are what a daemon
 * answers; from -40 on they are what the library found out by itself and never travel.
 */
#define LLMFO_ERROR_MAP(X) \
	X(INVALID_REQUEST, -1, "invalid_request", "the request is not valid") \
	X(UNKNOWN_METHOD, -2, "unknown_method", "the daemon has no such method") \
	X(NOT_FOUND, -3, "not_found", "there is nothing of that name") \
	X(NOT_PERMITTED, -4, "not_permitted", "this user may not do that") \
	X(TOO_LARGE, -5, "too_large", "the request is too large") \
	X(ALL_FAILED, -6, "all_failed", "every target failed") \
	X(INTERRUPTED, -7, "interrupted", "the answer broke off after it had begun") \
	X(BAD_REQUEST, -8, "bad_request", "the provider refused the request itself") \
	X(CONTEXT_LENGTH, -9, "context_length", "the prompt is longer than the model's context") \
	X(CONTENT_POLICY, -10, "content_policy", "the provider refused the content") \
	X(BUDGET_EXCEEDED, -11, "budget_exceeded", "the budget is used up") \
	X(DEADLINE_EXCEEDED, -12, "deadline_exceeded", "the deadline passed before an answer") \
	X(CANCELLED, -13, "cancelled", "the call was cancelled") \
	X(BUSY, -14, "busy", "the daemon has as many calls as it may take") \
	X(SHUTTING_DOWN, -15, "shutting_down", "the daemon is shutting down") \
	X(INTERNAL, -16, "internal", "an internal error of the daemon") \
	X(NO_DAEMON, -40, "no_daemon", "no daemon answers at the socket") \
	X(DISCONNECTED, -41, "disconnected", "the connection broke after the request was sent") \
	X(TIMED_OUT, -42, "timed_out", "no reply within the time given") \
	X(PROTOCOL, -43, "protocol", "the daemon sent something that is not the protocol") \
	X(NO_MEMORY, -44, "no_memory", "out of memory") \
	X(USAGE, -45, "usage", "the function was called with unusable arguments")

enum llmfo_error {
	LLMFO_OK = 0,
#define LLMFO_X(name, value, code, text) LLMFO_E##name = (value),
	LLMFO_ERROR_MAP(LLMFO_X)
#undef LLMFO_X
};

/* The library's version, as "0.1.0". */
LLMFO_API const char *llmfo_version(void);
/* The wire code of an error ("all_failed"), "ok" for 0, "unknown" for a value that is none. Never
 * NULL. */
LLMFO_API const char *llmfo_error_code(int error);
/* A sentence for an error. Never NULL. */
LLMFO_API const char *llmfo_error_text(int error);
/* The error that a wire code names; LLMFO_EINTERNAL for a code this version does not know. */
LLMFO_API int llmfo_error_from_code(const char *code);

/* ---- values: what a reply holds. All pointers stay valid until the reply is freed. ---- */

struct llmfo_value;

enum llmfo_type {
	LLMFO_NIL,
	LLMFO_BOOL,
	LLMFO_INT,
	LLMFO_DOUBLE,
	LLMFO_STRING,
	LLMFO_ARRAY,
	LLMFO_MAP,
};

/* Every reader takes NULL as nil, so that look-ups can be chained without a test in between. */
LLMFO_API enum llmfo_type llmfo_value_type(const struct llmfo_value *value);
/* Number of items of an array or of pairs of a map, else 0. */
LLMFO_API size_t llmfo_value_count(const struct llmfo_value *value);
/* The item at index of an array, the value at index of a map; NULL beyond the end. */
LLMFO_API const struct llmfo_value *llmfo_value_at(const struct llmfo_value *value, size_t index);
/* The key at index of a map, NULL if there is none or it is not a string. */
LLMFO_API const char *llmfo_value_key(const struct llmfo_value *value, size_t index);
/* The value under a path of keys with dots between ("usage.total_tokens"); NULL when any step is
 * missing. */
LLMFO_API const struct llmfo_value *llmfo_value_get(
	const struct llmfo_value *value, const char *path);
/* The text of a string, NULL for anything else. It may contain NULs: ask for its length. length may
 * be NULL. */
LLMFO_API const char *llmfo_value_string(const struct llmfo_value *value, size_t *length);
/* The integer (an integer beyond int64 is clamped), or fallback for anything that is not one. */
LLMFO_API int64_t llmfo_value_int(const struct llmfo_value *value, int64_t fallback);
/* The number as a double, or fallback. */
LLMFO_API double llmfo_value_double(const struct llmfo_value *value, double fallback);
LLMFO_API bool llmfo_value_bool(const struct llmfo_value *value, bool fallback);

/* ---- parameters: what a call takes ---- */

struct llmfo_params;

/*
 * A map of named parameters, to be filled and handed to any number of calls. NULL when out of
 * memory. The setters copy what they are given; setting a key twice replaces the first. A setter
 * that fails (LLMFO_ENO_MEMORY, LLMFO_EUSAGE) is remembered: the call it is used for fails with the
 * same code, so a chain of setters need not be checked one by one.
 */
LLMFO_API struct llmfo_params *llmfo_params_new(void);
LLMFO_API void llmfo_params_free(struct llmfo_params *params);
LLMFO_API int llmfo_params_set_string(
	struct llmfo_params *params, const char *key, const char *text);
LLMFO_API int llmfo_params_set_string_len(
	struct llmfo_params *params, const char *key, const char *text, size_t length);
LLMFO_API int llmfo_params_set_int(struct llmfo_params *params, const char *key, int64_t number);
LLMFO_API int llmfo_params_set_double(struct llmfo_params *params, const char *key, double number);
LLMFO_API int llmfo_params_set_bool(struct llmfo_params *params, const char *key, bool yes);
LLMFO_API int llmfo_params_set_nil(struct llmfo_params *params, const char *key);
/* A map within the map, a copy of other parameters (`usage` of a report). */
LLMFO_API int llmfo_params_set_map(
	struct llmfo_params *params, const char *key, const struct llmfo_params *map);
/* Appends a string to the array under key (targets, stop, require, retry_on, tags), which is made
 * if it is not there. */
LLMFO_API int llmfo_params_add_string(
	struct llmfo_params *params, const char *key, const char *text);
/*
 * Appends {role, content} to `messages`; content is the text itself, always. A conversation that
 * has more than text in it (images, tool calls, tool results) is set as a whole, as the JSON text
 * of its array: llmfo_params_set_string(params, "messages", "[{...}, ...]").
 */
LLMFO_API int llmfo_params_add_message(
	struct llmfo_params *params, const char *role, const char *content);

/* ---- client and calls ---- */

struct llmfo_client;
struct llmfo_reply;

/*
 * Makes a client for the daemon at socket_path; NULL means $LLMFO_SOCKET, else the user's own
 * socket
 * ($XDG_RUNTIME_DIR/llmfo/llmfo.sock) if something answers there, else the host's
 * (/run/llmfo/llmfo.sock). It connects when first needed and again after the daemon was restarted.
 * LLMFO_EUSAGE: the path is longer than a socket's may be.
 */
LLMFO_API int llmfo_client_new(
	struct llmfo_client **client, const char *socket_path) LLMFO_MUST_CHECK;
/* Closes the connection, which cancels what is still running; started calls end in LLMFO_ECANCELLED
 * before this returns. NULL is fine. */
LLMFO_API void llmfo_client_free(struct llmfo_client *client);
/* The path of the socket it is connected to, or tried last. Never NULL, "" for no client. */
LLMFO_API const char *llmfo_client_socket(const struct llmfo_client *client);
/* What went wrong last, in words with the details, "" if nothing did. Valid until the next call. */
LLMFO_API const char *llmfo_client_error(const struct llmfo_client *client);

/*
 * Calls a method and waits for its reply, at most timeout_ms (above 0; more than a day counts as a
 * day). params may be NULL. What is given up is cancelled at the daemon.
 *
 * A `generate` takes timeout_ms as its deadline_ms too where that is not set, so that the daemon
 * gives up when we do; half a second longer is then waited for the reply that says so. deadline_ms
 * set to nil sends none: the daemon's own holds, and timeout_ms should be longer than that.
 *
 * 0: *reply is the result. A code of the daemon (-1 to -39): *reply is the error, a map with code,
 * message and what else the daemon has to say. A code of the library's own: *reply is NULL, nothing
 * came. Where no daemon answers, that is LLMFO_ENO_DAEMON at once; but where there was one when the
 * client last looked, it is given five seconds to be back, as long as timeout_ms allows. A request
 * that was never wholly sent because the daemon went away, or that a daemon refuses because it
 * ends, is sent again over a new connection; any other that was sent is not:
 * LLMFO_EDISCONNECTED. A reply longer than 64 MiB, or nested deeper than 32, is
 * LLMFO_EPROTOCOL. A socket that this user may not open is LLMFO_ENO_DAEMON.
 * The caller frees the reply. reply may be NULL when it is of no interest.
 */
LLMFO_API int llmfo_call(struct llmfo_client *client, const char *method,
	const struct llmfo_params *params, int64_t timeout_ms,
	struct llmfo_reply **reply) LLMFO_MUST_CHECK;
/* llmfo_call() of `generate`. */
LLMFO_API int llmfo_generate(struct llmfo_client *client, const struct llmfo_params *params,
	int64_t timeout_ms, struct llmfo_reply **reply) LLMFO_MUST_CHECK;

/*
 * A piece of a stream, before the call's end is told: delta is a map with text (whole UTF-8
 * characters, never empty) or tool_call (a map, whole), and perhaps more in later versions; it
 * lives until the callback returns. NULL: what was told so far is void, the answer begins anew. The
 * rules of all callbacks hold, see below; llmfo_cancel() with call_id ends the call from in here.
 */
typedef void llmfo_delta(void *arg, uint64_t call_id, const struct llmfo_value *delta);

/*
 * llmfo_generate() that hands on the answer as it comes, by `stream`, which is true unless params
 * say otherwise; *reply has the whole of it in the end. What becomes of a stream that breaks after
 * its first piece is up to the parameter `on_break`; of an error, `partial` of the reply is what
 * the daemon had told. Without a reply (LLMFO_EDISCONNECTED, LLMFO_ETIMED_OUT, ...) that is what
 * the callback got.
 */
LLMFO_API int llmfo_generate_stream(struct llmfo_client *client, const struct llmfo_params *params,
	int64_t timeout_ms, llmfo_delta *delta, void *arg,
	struct llmfo_reply **reply) LLMFO_MUST_CHECK;

/* llmfo_call() of `pick`: a target to be called by the program itself, and a lease. */
LLMFO_API int llmfo_pick(struct llmfo_client *client, const struct llmfo_params *params,
	int64_t timeout_ms, struct llmfo_reply **reply) LLMFO_MUST_CHECK;
/* llmfo_call() of `report`: what came of such a call, so that the daemon learns from it. */
LLMFO_API int llmfo_report(struct llmfo_client *client, const struct llmfo_params *params,
	int64_t timeout_ms, struct llmfo_reply **reply) LLMFO_MUST_CHECK;

/* The result or the error map of a reply; NULL for NULL. */
LLMFO_API const struct llmfo_value *llmfo_reply_value(const struct llmfo_reply *reply);
/* Shorthands for llmfo_value_get() on it: a string ("" if there is none) and an integer. */
LLMFO_API const char *llmfo_reply_string(const struct llmfo_reply *reply, const char *path);
LLMFO_API int64_t llmfo_reply_int(
	const struct llmfo_reply *reply, const char *path, int64_t fallback);
LLMFO_API void llmfo_reply_free(struct llmfo_reply *reply);

/* ---- without blocking: many calls at once, in a program's own loop ---- */

/*
 * The program waits until llmfo_fd() is ready for llmfo_events(), at most llmfo_timeout_ms(), and
 * calls llmfo_process(): that does all that can be done at once, and calls back. Nothing here waits
 * and only llmfo_process(), llmfo_call() and its kin, and llmfo_client_free() call back: never a
 * function that starts or cancels something.
 *
 * A callback may start and cancel calls, subscribe and unsubscribe, on any client. On its own
 * client it must not process, make a blocking call (both are LLMFO_EUSAGE) or free it (nothing
 * happens).
 *
 * A client without a connection makes one when a call is waiting. Where nobody answers, the calls
 * end in LLMFO_ENO_DAEMON, but where there was a daemon until a moment ago, a restart is given five
 * seconds. A call that had not been wholly sent when the connection broke is sent over the next
 * one, up to four times; one that had been ends in LLMFO_EDISCONNECTED, as the daemon may have
 * acted on it. A started call lives alongside blocking ones, which serve it too while they wait.
 */
enum llmfo_want {
	LLMFO_WANT_READ = 1,
	LLMFO_WANT_WRITE = 2,
};

/*
 * The end of a started call, exactly once: 0 and codes as llmfo_call() has them, the reply being
 * the callee's to free, LLMFO_ECANCELLED without a reply after llmfo_cancel() or if the client was
 * freed. llmfo_client_error() has the words until the callback returns.
 */
typedef void llmfo_done(void *arg, uint64_t call_id, int error, struct llmfo_reply *reply);

/*
 * Starts a call as llmfo_call() makes one, timeout_ms included, and returns at once; it is sent by
 * the next llmfo_process(). The parameters are copied. *call_id is never 0, and no other call of
 * this client has it; call_id may be NULL. 0, or LLMFO_EUSAGE, LLMFO_ENO_MEMORY, and the
 * parameters' own error: then there is no call, and no callback.
 */
LLMFO_API int llmfo_start(struct llmfo_client *client, const char *method,
	const struct llmfo_params *params, int64_t timeout_ms, llmfo_done *done, void *arg,
	uint64_t *call_id) LLMFO_MUST_CHECK;
/* The same for a `generate` that streams: delta for each piece, then done, with the same arg. After
 * done, and after llmfo_cancel(), no more pieces are told. */
LLMFO_API int llmfo_start_stream(struct llmfo_client *client, const struct llmfo_params *params,
	int64_t timeout_ms, llmfo_delta *delta, llmfo_done *done, void *arg,
	uint64_t *call_id) LLMFO_MUST_CHECK;
/* Gives a call up, here and at the daemon: its callback comes with LLMFO_ECANCELLED.
 * LLMFO_ENOT_FOUND when its end was told already, or is about to be. */
LLMFO_API int llmfo_cancel(struct llmfo_client *client, uint64_t call_id);

/* The descriptor to wait for. It stays the same as long as the client lives, whatever becomes of
 * its connection, and is not for reading. Below 0: LLMFO_EUSAGE, LLMFO_ENO_MEMORY (the system has
 * none left). */
LLMFO_API int llmfo_fd(struct llmfo_client *client);
/* What to wait for on it: LLMFO_WANT_... bits, 0 for nothing. Ask again after each llmfo_process().
 * The waiting has to be level-triggered, as poll()'s is. */
LLMFO_API int llmfo_events(const struct llmfo_client *client);
/* How long to wait at most: 0 for not at all, -1 for any time. Ask again after everything that was
 * called on the client. */
LLMFO_API int64_t llmfo_timeout_ms(const struct llmfo_client *client);
/* Does what can be done without waiting; calling it too often does no harm. What goes wrong goes to
 * the callbacks. LLMFO_EUSAGE: no client, or from inside one of its callbacks. */
LLMFO_API int llmfo_process(struct llmfo_client *client);

/*
 * Something happened. error 0: event is a map with type, at_ms (since 1970) and more, which lives
 * until the callback returns; NULL says that the subscription stands from now on.
 * LLMFO_EDISCONNECTED and other codes with no event: it does not stand at the moment, what happens
 * is missed; the client tries anew until NULL tells that it stands again. A code with an event: the
 * daemon has refused, and this is its error; the subscription has ended.
 */
typedef void llmfo_event(void *arg, int error, const struct llmfo_value *event);

/*
 * Subscribes to what happens at the daemon: types is NULL-terminated, NULL means all of them. A
 * second subscription of a client replaces the first. It outlives restarts of the daemon.
 * LLMFO_EUSAGE, LLMFO_ENO_MEMORY: the one before, if any, stays.
 */
LLMFO_API int llmfo_subscribe(struct llmfo_client *client, const char *const *types,
	llmfo_event *event, void *arg) LLMFO_MUST_CHECK;
/* Ends it: its callback is not called any more. */
LLMFO_API void llmfo_unsubscribe(struct llmfo_client *client);

#ifdef __cplusplus
}
#endif

#endif
