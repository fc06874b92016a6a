/* SPDX-License-Identifier: MIT */
/*
 * What a provider says. A word is its token: usage, max_tokens and the events of a stream all count
 * them.
 */
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stream.h"

static char *
answer_counted(int64_t n, bool stamps)
{
	struct out o = {0};

	for (int64_t i = 1; i <= n && stamps; i++)
		out_put(&o, "%s%s", i > 1 ? " " : "", REPLY_STAMP);
	for (int64_t i = 1; i <= n && !stamps; i++)
		out_put(&o, "%sword%d", i > 1 ? " " : "", i);
	return out_take(&o);
}

static char *
answer_text(const struct ask *ask, const struct step *step)
{
	const char *name = ask->provider->name;
	struct out o = {0};

	if (script_text(&step->text))
		return out_strndup(step->text.data, step->text.len);
	if (step->tokens >= 0)
		return answer_counted(step->tokens, step->stamps > 0);
	if (step->utf8_split > 0)
		out_put(&o,
			"Gr\xc3\xbc\xc3\x9f"
			"e aus %s: \xe4\xbd\xa0\xe5\xa5\xbd, "
			"\xd0\xbc\xd0\xb8\xd1\x80 \xf0\x9f\x8e\x89 na\xc3\xafve",
			name);
	else
		out_put(&o, "Hello from %s (%s).", name, ask->model);
	if (ask->said && step->utf8_split <= 0)
		out_put(&o, " You said: %s", ask->said);
	return out_take(&o);
}

/* The next word with the blanks before it; the last one has those behind it too. */
static size_t
answer_word_length(const char *text)
{
	size_t n = strspn(text, " \t\n");

	n += strcspn(text + n, " \t\n");
	if (text[n + strspn(text + n, " \t\n")] == '\0')
		n = strlen(text);
	return n;
}

static void
answer_cut_words(struct answer *a, char *text, int64_t most)
{
	char *at = text;

	while (*at && (most < 0 || (int64_t)a->n_words < most)) {
		size_t n = answer_word_length(at);

		if (a->n_words % 64 == 0)
			a->words = out_realloc(a->words, (a->n_words + 64) * sizeof(*a->words));
		a->words[a->n_words++] = out_strndup(at, n);
		at += n;
	}
	if (*at)
		a->finish = "length";
	*at = '\0';
	a->text = text;
}

static void
answer_tool(struct answer *a, const char *call)
{
	size_t n = strcspn(call, ":");

	a->tool_name = out_strndup(call, n);
	a->tool_arguments = call[n] ? call + n + 1 : "{}";
	a->finish = "tool_calls";
}

static void
answer_usage(struct answer *a, const struct ask *ask, const char *usage)
{
	static const char *const odd[][2] = {
		{"huge", "9223372036854775808"},
		{"negative", "-1"},
		{"float", "1.5"},
	};
	int64_t completion = a->n_words ? (int64_t)a->n_words : a->tool_name != NULL;

	a->usage = !usage || strcmp(usage, "none") != 0;
	snprintf(a->prompt_tokens, sizeof(a->prompt_tokens), "%lld", (long long)ask->prompt_words);
	snprintf(a->completion_tokens, sizeof(a->completion_tokens), "%lld", (long long)completion);
	snprintf(a->total_tokens, sizeof(a->total_tokens), "%lld",
		(long long)(ask->prompt_words + completion));
	for (size_t i = 0; usage && i < sizeof(odd) / sizeof(odd[0]); i++) {
		if (strcmp(usage, odd[i][0]) != 0)
			continue;
		snprintf(a->prompt_tokens, sizeof(a->prompt_tokens), "%s", odd[i][1]);
		snprintf(a->completion_tokens, sizeof(a->completion_tokens), "%s", odd[i][1]);
		snprintf(a->total_tokens, sizeof(a->total_tokens), "%s", odd[i][1]);
	}
}

void
answer_make(struct answer *a, const struct ask *ask, const struct step *step)
{
	const char *finish = script_text(&step->finish);
	bool silent =
		step->kind_of == STEP_NO_CHOICES || (finish && strcmp(finish, "blocked") == 0);

	memset(a, 0, sizeof(*a));
	snprintf(a->id, sizeof(a->id), "fake%06lld", (long long)++ask->provider->serial);
	a->created_s = (int64_t)time(NULL);
	a->model = ask->model;
	a->finish = "stop";
	a->reasoning = script_text(&step->reasoning);
	a->nothing = step->kind_of == STEP_NO_CHOICES;
	if (script_text(&step->tool_call))
		answer_tool(a, script_text(&step->tool_call));
	if (silent || (a->tool_name && !script_text(&step->text)))
		a->text = out_strndup("", 0);
	else
		answer_cut_words(a, answer_text(ask, step), ask->max_words);
	if (finish)
		a->finish = finish;
	answer_usage(a, ask, script_text(&step->usage));
	if (!ask->stream && (step->big_body >= 0 || step->bigline >= 0)) {
		free(a->text);
		a->text = out_strndup(STREAM_FILL_MARK, strlen(STREAM_FILL_MARK));
	}
}

void
answer_free(struct answer *a)
{
	for (size_t i = 0; i < a->n_words; i++)
		free(a->words[i]);
	free(a->words);
	free(a->text);
	free(a->tool_name);
}
