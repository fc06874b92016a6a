/* SPDX-License-Identifier: MIT */
/* Of story.h: sentences about programs that make their calls themselves, and about events. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "story.h"

/* "pick 2", or the last one. */
static struct scene_pick *
which(struct scene *scene, struct words *words, char **fault)
{
	int64_t number = (int64_t)scene->pick_count;

	*fault = NULL;
	if (words_accept(words, "pick") && !words_number(words, &number))
		*fault = words_fault(words, "the number of a pick");
	else if (number < 1 || number > (int64_t)scene->pick_count)
		*fault = x_asprintf("there is no pick %lld yet", (long long)number);
	return *fault ? NULL : &scene->picks[number - 1];
}

/* "ok", or a class, perhaps with the provider's own wait. */
static char *
read_outcome(struct words *words, struct outcome *outcome)
{
	int class = words_end(words) ? -1 : outcome_from_text(words_take(words));

	if (class < 0)
		return words_fault(words, "ok or a class");
	outcome_set(outcome, (enum outcome_class) class, "%s", "as reported");
	outcome->reported = true;
	if (words_accept(words, "retry-after") && !words_time(words, &outcome->retry_after_ms))
		return words_fault(words, "a time");
	return NULL;
}

char *
story_report(struct scene *scene, struct words *words)
{
	const char *target = words_accept(words, "target") ? words_take(words) : NULL;
	char *fault = NULL;
	struct scene_pick *pick = target ? NULL : which(scene, words, &fault);
	struct outcome outcome;

	if (!fault)
		fault = read_outcome(words, &outcome);
	if (fault)
		return fault;
	bool refused = words_accept(words, "in-vain");
	fault = scene_report(scene, pick, target, &outcome);
	if (!refused)
		return fault;
	if (!fault)
		return x_strdup("the report is taken");
	free(fault);
	return NULL;
}

char *
story_expect_pick(struct scene *scene, struct words *words)
{
	char *fault;
	(void)words_accept(words, "of");
	const struct scene_pick *pick = which(scene, words, &fault);

	if (!pick)
		return fault;
	const char *seen = pick->target ? pick->target : error_code(pick->error);
	return words_accept(words, seen) ? NULL : x_asprintf("the pick is %s", seen);
}

char *
story_expect_event(struct scene *scene, struct words *words, bool wanted)
{
	const char *text = words_take(words), *found = NULL;

	if (!text)
		return words_fault(words, "a text");
	for (size_t i = 0; i < scene->event_count && !found; i++)
		if (strstr(scene->events[i], text))
			found = scene->events[i];
	if (!wanted)
		return found ? x_asprintf("there was the event \"%s\"", found) : NULL;
	return found ? NULL
		     : x_asprintf("there was no such event; the last is \"%s\"",
			       scene->event_count ? scene->events[scene->event_count - 1] : "");
}
