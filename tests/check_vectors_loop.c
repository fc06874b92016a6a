/* SPDX-License-Identifier: MIT */
/*
 * proto/vectors against the half of the library that does not block: requests that run side by
 * side, subscriptions, and the events that come between replies. The daemon is made up.
 */
#include <poll.h>
#include <stdio.h>

#include "support/config_support.h"
#include "support/fake_daemon.h"
#include "support/vector_client.h"

#include "message.h"

#define PATIENCE_MS 10000
#define REQUESTS_MAX 16

/* The end of one request, by its msgid. */
struct end {
	struct play *play;
	bool there, subscription;
	int error;
	struct llmfo_reply *reply;
};

struct play {
	const struct vector_file *file;
	const struct vector *vector;
	struct llmfo_client *client;
	struct end ends[REQUESTS_MAX];
	size_t requests;
	size_t next; /* the step at which events are looked for */
	char *fault; /* the first */
};

/* ---- what can be played ---- */

/* Has it types in an array, or none? */
static bool
can_subscribe(const struct json *request)
{
	const struct json *map = json_at(json_at(request, 3), 0);

	return json_count(map) == (json_get(map, "types") != NULL) &&
		(json_count(map) == 0 || json_type(json_get(map, "types")) == JSON_ARRAY);
}

static bool
can_send(const struct vector_step *step, int64_t msgid)
{
	struct json *tree = vector_tree(step);
	const char *method = json_string(json_at(tree, 2), NULL);
	bool can = method && strcmp(method, "subscribe") == 0 ? can_subscribe(tree)
							      : vector_can_make(step->text, msgid);

	json_free(tree);
	return can;
}

static bool
can_play(const struct vector *vector)
{
	int64_t msgid = 0;

	for (size_t i = 0; i < vector->step_count; i++) {
		const struct vector_step *step = &vector->steps[i];

		if (step->kind == VECTOR_CLOSED || vector_is_refusal(step) ||
			(step->kind == VECTOR_SEND && !can_send(step, msgid++)))
			return false;
	}
	return msgid > 0 && msgid <= REQUESTS_MAX;
}

/* ---- what comes ---- */

static void
on_done(void *arg, uint64_t call_id, int error, struct llmfo_reply *reply)
{
	struct end *end = arg;

	(void)call_id;
	ck_assert(!end->there);
	end->there = true;
	end->error = error;
	end->reply = reply;
}

/* The next event is the vector's next notification. */
static void
take_event(struct play *play, const struct llmfo_value *event)
{
	const struct vector *vector = play->vector;

	while (play->next < vector->step_count &&
		!vector_is_notification(&vector->steps[play->next]))
		play->next++;
	if (play->next == vector->step_count) {
		play->fault = x_strdup("an event more");
		return;
	}
	const struct vector_step *step = &vector->steps[play->next++];
	struct json *tree = vector_tree(step);
	if (!vector_same(json_at(json_at(tree, 2), 0), event) && !play->fault)
		play->fault =
			x_asprintf("%s:%d: it hears something else", play->file->path, step->line);
	json_free(tree);
}

static void
on_event(void *arg, int error, const struct llmfo_value *event)
{
	struct end *end = arg;

	if (!error && event) {
		take_event(end->play, event);
		return;
	}
	end->there = true;
	end->error = error;
}

static void
turn(struct play *play)
{
	struct pollfd pollfd = {.fd = llmfo_fd(play->client)};
	int wants = llmfo_events(play->client);

	pollfd.events = (short)((wants & LLMFO_WANT_READ ? POLLIN : 0) |
		(wants & LLMFO_WANT_WRITE ? POLLOUT : 0));
	int64_t timeout_ms = llmfo_timeout_ms(play->client);
	ck_assert_int_ge(pollfd.fd, 0);
	ck_assert(timeout_ms != 0 || wants != 0);
	ck_assert_int_ge(poll(&pollfd, 1, (int)timeout_ms), 0);
	ck_assert_int_eq(llmfo_process(play->client), 0);
}

/* ---- steps ---- */

static void
subscribe(struct play *play, const struct json *request, struct end *end)
{
	const struct json *types = json_get(json_at(json_at(request, 3), 0), "types");
	const char *names[REQUESTS_MAX] = {NULL};

	ck_assert_uint_lt(json_count(types), REQUESTS_MAX);
	for (size_t i = 0; i < json_count(types); i++)
		names[i] = json_string(json_at(types, i), NULL);
	end->subscription = true;
	if (types && !names[0]) {
		llmfo_unsubscribe(play->client);
		end->there = true; /* nobody is told */
	} else {
		ck_assert_int_eq(
			llmfo_subscribe(play->client, types ? names : NULL, on_event, end), 0);
	}
}

/* Each request goes out before the next one is made, as msgids say. */
static void
send_step(struct play *play, const struct vector_step *step)
{
	struct end *end = &play->ends[play->requests++];
	struct json *tree = vector_tree(step);
	const char *method = json_string(json_at(tree, 2), NULL);

	end->play = play;
	if (strcmp(method, "subscribe") == 0) {
		subscribe(play, tree, end);
	} else {
		struct llmfo_params *params = vector_params(tree);

		ck_assert_int_eq(
			llmfo_start(play->client, method, params, PATIENCE_MS, on_done, end, NULL),
			0);
		llmfo_params_free(params);
	}
	json_free(tree);
	ck_assert_int_eq(llmfo_process(play->client), 0);
}

static void
receive_step(struct play *play, const struct vector_step *step)
{
	struct json *tree = vector_tree(step);
	const char *code = json_text(json_at(tree, 2), "code");
	int64_t msgid = -1;

	ck_assert(json_int(json_at(tree, 1), &msgid) && msgid >= 0 && msgid < REQUESTS_MAX);
	struct end *end = &play->ends[msgid];
	while (!end->there)
		turn(play);
	if (!end->subscription && !play->fault)
		play->fault =
			vector_look(play->file, step, end->error, llmfo_reply_value(end->reply));
	if (end->subscription && !play->fault)
		ck_assert_int_eq(end->error, code ? llmfo_error_from_code(code) : 0);
	json_free(tree);
}

/* The events that are left: they came behind the last reply. */
static void
hear_rest(struct play *play)
{
	size_t last = 0;

	for (size_t i = 0; i < play->vector->step_count; i++)
		if (vector_is_notification(&play->vector->steps[i]))
			last = i + 1;
	while (play->ends[0].subscription && play->next < last && !play->fault)
		turn(play);
}

static void
play_one(const struct vector_file *file, const struct vector *vector)
{
	struct play play = {.file = file, .vector = vector};
	struct fake_daemon fake;

	fake_daemon_start(&fake, vector_serve, vector);
	ck_assert_int_eq(llmfo_client_new(&play.client, fake.path), 0);
	for (size_t i = 0; i < vector->step_count; i++) {
		const struct vector_step *step = &vector->steps[i];

		if (step->kind == VECTOR_SEND)
			send_step(&play, step);
		else if (step->kind == VECTOR_RECEIVE && !vector_is_notification(step))
			receive_step(&play, step);
	}
	hear_rest(&play);
	ck_assert_msg(!play.fault, "%s (%s)", play.fault, vector->name);
	llmfo_client_free(play.client);
	for (size_t i = 0; i < play.requests; i++)
		llmfo_reply_free(play.ends[i].reply);
	fake_daemon_stop(&fake);
}

START_TEST(the_loop_makes_and_reads_these_bytes)
{
	const struct vector_file *file = vector_file_at((size_t)_i);

	for (size_t i = 0; i < file->count; i++)
		if (can_play(&file->list[i]))
			play_one(file, &file->list[i]);
}
END_TEST

START_TEST(those_side_by_side_and_those_with_events_are_played)
{
	static const struct {
		const char *file;
		size_t least;
	} rows[] = {{"cancel", 3}, {"generate", 20}, {"subscribe", 7}, {"report", 5}};

	for (size_t i = 0; i < UTIL_COUNT(rows); i++) {
		const struct vector_file *file = vector_file_find(rows[i].file);
		size_t played = 0;

		for (size_t k = 0; file && k < file->count; k++)
			played += can_play(&file->list[k]);
		ck_assert_msg(played >= rows[i].least, "%s: %zu", rows[i].file, played);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vectors of the library's loop");
	TCase *tests = tcase_create("vectors");
	int files = (int)vector_file_count(), status;

	tcase_add_loop_test(tests, the_loop_makes_and_reads_these_bytes, 0, files);
	tcase_add_test(tests, those_side_by_side_and_those_with_events_are_played);
	suite_add_tcase(suite, tests);
	status = support_run(suite);
	vector_files_free();
	return status;
}
