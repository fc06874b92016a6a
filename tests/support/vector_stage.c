/* SPDX-License-Identifier: MIT */
/* See vector_stage.h. */
#include "vector_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "session.h"
#include "story.h"

#define OUTPUT_MAX_BYTES ((size_t)1 << 24)
#define OPEN_MAX 64
#define SEED 1
/* What the daemon says that its file is called. */
#define CONFIG_NAME "/etc/llmfo/llmfo.yaml"

struct stage {
	struct scene *scene;
	struct session *session; /* NULL: not connected yet */
	char *config;            /* the file that is read next */
	uint32_t uid;
	struct buf out; /* what the daemon sent */
	size_t taken;   /* of it, by steps */
	bool closed;
	/* the values in the open places of the message that came last */
	struct buf values;
	struct vector_span seen[OPEN_MAX];
	size_t seen_count;
};

/* ---- the daemon ---- */

static const char *
get_variable(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "OPENAI_API_KEY") == 0 ? "sk-secret-1" : NULL;
}

static char *
read_text(const char *path)
{
	FILE *stream = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (stream && getdelim(&text, &size, '\0', stream) < 0) {
		free(text);
		text = NULL;
	}
	if (stream)
		(void)fclose(stream);
	return text;
}

static struct config *
read_config(struct stage *stage, struct config_faults *faults)
{
	const struct config_env env = {.get = get_variable};
	char *path = x_asprintf("%s/%s", vector_folder(), stage->config);
	char *text = read_text(path);
	struct config *config =
		text ? config_read_text(text, strlen(text), CONFIG_NAME, &env, faults) : NULL;

	free(path);
	free(text);
	return config;
}

/* As the server does it. */
static int
on_reload(void *arg, struct config_faults *faults)
{
	struct stage *stage = arg;
	struct core *core = &stage->scene->core;
	struct config *config = read_config(stage, faults);
	const struct event_field field = {
		.key = "ok", .kind = EVENT_YES_NO, .number = config != NULL};

	if (config)
		core_configure(core, config);
	event_tell(&core->events, EVENT_reloaded, 0, &field, 1);
	config_unref(config);
	return config ? 0 : -1;
}

static int
on_connections(void *arg)
{
	const struct stage *stage = arg;

	return stage->session != NULL;
}

static void
on_send(void *arg, const char *bytes, size_t count)
{
	struct stage *stage = arg;

	(void)buf_add(&stage->out, bytes, count);
}

static void
on_close(void *arg)
{
	struct stage *stage = arg;

	stage->closed = true;
}

static char *
configure(struct stage *stage)
{
	const struct core_hooks hooks = {
		.reload = on_reload, .connections = on_connections, .arg = stage};
	struct config_faults faults = {0};
	struct config *config;

	if (stage->scene->configured)
		return NULL;
	config = read_config(stage, &faults);
	config_faults_free(&faults);
	if (!config)
		return x_asprintf("%s is no usable configuration", stage->config);
	core_init(&stage->scene->core, &stage->scene->clock.clock,
		&stage->scene->transport.transport, config, &hooks, SEED);
	stage->scene->configured = true;
	config_unref(config);
	return NULL;
}

static struct stage *
stage_new(void)
{
	struct stage *stage = x_calloc(1, sizeof *stage);

	stage->scene = scene_new();
	stage->scene->guests = true;
	stage->config = x_strdup("llmfo.yaml");
	buf_init(&stage->out, OUTPUT_MAX_BYTES);
	buf_init(&stage->values, OUTPUT_MAX_BYTES);
	return stage;
}

/* NULL, or what did not hold. */
static char *
stage_free(struct stage *stage)
{
	char *fault;

	if (stage->session)
		session_free(stage->session);
	stage->session = NULL;
	fault = scene_free(stage->scene);
	buf_free(&stage->out);
	buf_free(&stage->values);
	free(stage->config);
	free(stage);
	return fault;
}

/* ---- steps ---- */

/* What the server does when it was told to end and has waited long enough. */
static char *
shut_down(struct stage *stage)
{
	stage->scene->core.draining = true;
	session_abort_all(stage->session, LLMFO_ESHUTTING_DOWN, "the daemon is shutting down");
	scene_advance(stage->scene, 0);
	return NULL;
}

/* Of the sentences these are ours: which file is read next, who speaks, and the end. The rest is a
 * story. */
static char *
give(struct stage *stage, const char *text)
{
	unsigned long uid;
	char *end;

	if (strncmp(text, "file ", 5) == 0) {
		free(stage->config);
		stage->config = x_strdup(text + 5);
		return NULL;
	}
	if (strncmp(text, "uid ", 4) == 0) {
		uid = strtoul(text + 4, &end, 10);
		stage->uid = (uint32_t)uid;
		return *end ? x_strdup("a uid is a number") : NULL;
	}
	if (strcmp(text, "daemon shuts-down") == 0 && stage->session)
		return shut_down(stage);
	char *fault = configure(stage);
	return fault ? fault : story_sentence(stage->scene, text);
}

/* The bytes of a step, with what came last in its open places. */
static void
fill_in(const struct stage *stage, const struct vector_step *step, struct buf *bytes)
{
	size_t at = 0;

	for (size_t i = 0; i < step->open_count && i < stage->seen_count; i++) {
		(void)buf_add(bytes, step->bytes.data + at, step->open[i].at - at);
		(void)buf_add(bytes, stage->values.data + stage->seen[i].at, stage->seen[i].count);
		at = step->open[i].at + step->open[i].count;
	}
	(void)buf_add(bytes, step->bytes.data + at, step->bytes.len - at);
}

static char *
send_step(struct stage *stage, const struct vector_step *step)
{
	static const struct session_ops ops = {.send = on_send, .close = on_close};
	const struct session_peer peer = {.uid = stage->uid, .gid = stage->uid, .pid = 1};
	struct buf bytes;
	char *fault = configure(stage);
	size_t at = 0;

	if (fault)
		return fault;
	if (!stage->session)
		stage->session = session_new(&stage->scene->core, &peer, &ops, stage);
	buf_init(&bytes, OUTPUT_MAX_BYTES);
	fill_in(stage, step, &bytes);
	while (at < bytes.len)
		at += session_feed(stage->session, bytes.data + at, bytes.len - at);
	buf_free(&bytes);
	scene_advance(stage->scene, 0);
	return NULL;
}

static char *
receive_step(struct stage *stage, const struct vector_step *step)
{
	struct buf message;
	char *fault = NULL;

	buf_init(&message, OUTPUT_MAX_BYTES);
	if (step->open_count > OPEN_MAX)
		fault = x_strdup("too many open places");
	else if (!vector_next(&stage->out, &stage->taken, &message))
		fault = x_strdup("nothing came");
	else
		fault = vector_compare(step, &message, stage->seen);
	stage->seen_count = fault ? 0 : step->open_count;
	buf_free(&stage->values);
	stage->values = message;
	return fault;
}

static char *
play_step(struct stage *stage, const struct vector_step *step)
{
	switch (step->kind) {
	case VECTOR_GIVEN: return give(stage, step->text);
	case VECTOR_SEND: return send_step(stage, step);
	case VECTOR_RECEIVE: return receive_step(stage, step);
	case VECTOR_CLOSED: return stage->closed ? NULL : x_strdup("it did not close");
	}
	return NULL;
}

static bool
says_closed(const struct vector *vector)
{
	return vector->step_count > 0 &&
		vector->steps[vector->step_count - 1].kind == VECTOR_CLOSED;
}

static char *
at_line(const struct vector_file *file, int line, char *fault)
{
	char *text = fault ? x_asprintf("%s:%d: %s", file->path, line, fault) : NULL;

	free(fault);
	return text;
}

/* A vector ends when everything that came was expected. */
static char *
end(const struct stage *stage, const struct vector *vector)
{
	if (stage->taken < stage->out.len)
		return x_strdup("the daemon sent more than that");
	if (stage->closed && !says_closed(vector))
		return x_strdup("the daemon closed the connection");
	return NULL;
}

char *
vector_stage_play(const struct vector_file *file, const struct vector *vector)
{
	struct stage *stage = stage_new();
	char *fault = NULL, *left;

	for (size_t i = 0; i < vector->step_count && !fault; i++)
		fault = at_line(file, vector->steps[i].line, play_step(stage, &vector->steps[i]));
	if (!fault)
		fault = at_line(file, vector->line, end(stage, vector));
	left = at_line(file, vector->line, stage_free(stage));
	if (fault)
		free(left);
	return fault ? fault : left;
}

/* The bytes as JSON, a new string. */
static char *
meaning_of(const struct buf *bytes)
{
	msgpack_unpacked unpacked;
	struct json *tree;
	struct buf text;

	msgpack_unpacked_init(&unpacked);
	(void)msgpack_unpack_next(&unpacked, bytes->data, bytes->len, NULL);
	tree = json_from_msgpack(&unpacked.data, NULL);
	buf_init(&text, OUTPUT_MAX_BYTES);
	(void)json_write(tree, &text);
	json_free(tree);
	msgpack_unpacked_destroy(&unpacked);
	return buf_take(&text, NULL);
}

/* What came, as a step; one that says it already stays as it is. */
static char *
fill_receive(struct stage *stage, struct vector_step *step)
{
	size_t begin = stage->taken;
	char *fault = receive_step(stage, step);

	if (!fault || stage->taken == begin)
		return fault;
	free(fault);
	buf_clear(&step->bytes);
	(void)buf_add(&step->bytes, stage->values.data, stage->values.len);
	free(step->text);
	step->text = meaning_of(&step->bytes);
	vector_open(step);
	stage->taken = begin;
	return receive_step(stage, step);
}

char *
vector_stage_fill(const struct vector_file *file, struct vector *vector)
{
	struct stage *stage = stage_new();
	char *fault = NULL;

	for (size_t i = 0; i < vector->step_count && !fault; i++) {
		struct vector_step *step = &vector->steps[i];

		if (step->kind == VECTOR_SEND && vector_pack(step->text, &step->bytes))
			vector_open(step);
		if (step->kind == VECTOR_RECEIVE)
			fault = fill_receive(stage, step);
		else
			fault = play_step(stage, step);
		fault = at_line(file, step->line, fault);
	}
	if (!fault)
		fault = at_line(file, vector->line, end(stage, vector));
	free(stage_free(stage));
	return fault;
}
