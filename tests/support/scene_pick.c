/* SPDX-License-Identifier: MIT */
/* Of scene.h: programs that make their calls themselves, and those that listen to what happens. */
#include <stdlib.h>
#include <string.h>

#include "pick.h"
#include "scene.h"

char *
scene_pick(struct scene *scene, const struct scene_wish *wish)
{
	char *fault;
	struct call_request *request = scene_request(scene, wish, &fault);
	struct pick pick = {.target = NULL};
	struct scene_pick *row;

	if (!request)
		return fault;
	scene->picks = x_realloc(scene->picks, (scene->pick_count + 1) * sizeof *row);
	row = &scene->picks[scene->pick_count++];
	*row = (struct scene_pick){.error = pick_take(&scene->core, request, &pick)};
	if (row->error == 0) {
		row->target = x_strdup(pick.target->name);
		memcpy(row->lease, pick.lease->id, sizeof row->lease);
	}
	call_request_free(request);
	scene_check(scene);
	return NULL;
}

char *
scene_report(struct scene *scene, const struct scene_pick *pick, const char *target,
	const struct outcome *outcome)
{
	enum circuit_state state;
	struct pick_report report = {
		.uid = 1000,
		.lease = pick ? pick->lease : NULL,
		.target = target,
		.outcome = outcome,
		.latency_ms = -1,
	};
	int error = pick_report(&scene->core, &report, &state);

	scene_check(scene);
	return error ? x_asprintf("the report is refused: %s", pick ? pick->lease : target) : NULL;
}

static void
add_field(struct buf *text, const struct event_field *field)
{
	if (!field->key)
		return;
	if (field->kind == EVENT_TEXT)
		(void)buf_printf(text, " %s %s", field->key, field->text ? field->text : "nil");
	else
		(void)buf_printf(text, " %s %lld", field->key, (long long)field->number);
}

static void
on_event(void *arg, const struct event *event)
{
	struct scene *scene = arg;
	struct buf text;

	buf_init(&text, 4096);
	(void)buf_puts(&text, event_text(event->type));
	for (size_t i = 0; i < event->count; i++)
		add_field(&text, &event->fields[i]);
	scene->events =
		x_realloc(scene->events, (scene->event_count + 1) * sizeof scene->events[0]);
	scene->events[scene->event_count++] = buf_take(&text, NULL);
}

void
scene_listen(struct scene *scene)
{
	scene->listener.hear = on_event;
	scene->listener.arg = scene;
	event_listen(&scene->core.events, &scene->listener, EVENT_ALL);
}

void
scene_forget(struct scene *scene)
{
	for (size_t i = 0; i < scene->event_count; i++)
		free(scene->events[i]);
	for (size_t i = 0; i < scene->pick_count; i++)
		free(scene->picks[i].target);
	free(scene->events);
	free(scene->picks);
}
