/* SPDX-License-Identifier: MIT */
/*
 * `ask`: one call. The answer alone on standard output, who gave it and what failed before on
 * standard error. A terminal gets the answer as it comes; a pipe gets it when it is whole, since
 * what was written there cannot be taken back.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "ctl_choose.h"

#define PROMPT_MAX_BYTES ((size_t)64 * 1024 * 1024)
/* Without --deadline the daemon's own holds, and it always answers: this is for one that hangs. */
#define ASK_TIMEOUT_MS (INT64_C(3600) * 1000)

const struct ctl_option ctl_ask_options[] = {
	CTL_CHOOSE_OPTIONS,
	{"system", CTL_TEXT, "TEXT", "system", "the system prompt"},
	{"no-fallback", CTL_FLAG_OFF, NULL, "enable_fallback", "try the first target alone"},
	{"no-stream", CTL_FLAG, NULL, NULL, "the answer at once when it is whole"},
	{"stream", CTL_FLAG, NULL, NULL, "the answer as it comes, even through a pipe"},
	{"on-break", CTL_TEXT, "WHAT", "on_break",
		"if that breaks off: error, restart or continue"},
	{"deadline", CTL_MS, "DURATION", "deadline_ms", "when to give up (default: the daemon's)"},
	{"max-tokens", CTL_INT, "NUMBER", "max_tokens", "the longest answer, in tokens"},
	{"temperature", CTL_NUMBER, "NUMBER", "temperature",
		"how freely the model chooses its words"},
	{"workspace", CTL_TEXT, "NAME", "workspace", "what the call is for, a label for the log"},
	{"user", CTL_TEXT, "NAME", "user", "for whom the call is made"},
	{0},
};

static char *
read_all(FILE *file, size_t *length)
{
	char *text = NULL;
	size_t bytes = 0;
	char part[16384];
	size_t count;
	FILE *memory = ctl_must(open_memstream(&text, &bytes));
	size_t total = 0;

	while (total <= PROMPT_MAX_BYTES && (count = fread(part, 1, sizeof part, file)) > 0) {
		fwrite(part, 1, count, memory);
		total += count;
	}
	fclose(memory);
	*length = bytes;
	return ctl_must(text);
}

/* The words with a blank between them, or standard input for "-". */
static char *
prompt_text(const struct ctl_args *args, size_t *length)
{
	char *text = NULL;
	FILE *memory;

	if (args->word_count == 1 && strcmp(args->words[0], "-") == 0)
		return read_all(stdin, length);
	memory = ctl_must(open_memstream(&text, length));
	for (int i = 0; i < args->word_count; i++)
		fprintf(memory, "%s%s", i ? " " : "", args->words[i]);
	fclose(memory);
	return ctl_must(text);
}

static int
set_prompt(struct ctl *ctl, struct ctl_args *args)
{
	size_t length;
	char *text = prompt_text(args, &length);
	int status = CTL_DONE;

	if (ferror(stdin))
		status = ctl_usage(&ctl->err, args->command, "standard input: %s", strerror(errno));
	else if (length > PROMPT_MAX_BYTES)
		status = ctl_usage(&ctl->err, args->command, "the prompt is longer than 64 MiB");
	else if (length == 0)
		status = ctl_usage(&ctl->err, args->command, "the prompt is empty");
	else
		(void)llmfo_params_set_string_len(args->params, "prompt", text, length);
	free(text);
	return status;
}

/* An answer on its way. */
struct answer {
	struct ctl *ctl;
	bool told;  /* something of it, since it began */
	bool ended; /* the last of that was the end of a line */
	int lost;   /* the errno with which standard output took no more */
};

static void
end_line(struct answer *answer)
{
	if (answer->told && !answer->ended)
		fputc('\n', answer->ctl->out.file);
	answer->ended = true;
	(void)fflush(answer->ctl->out.file);
}

static void
begin_anew(struct answer *answer)
{
	if (!answer->told)
		return;
	end_line(answer);
	answer->told = false;
	ctl_line(&answer->ctl->err, CTL_YELLOW, "-- broken off: the answer begins anew --");
}

static void
on_delta(void *arg, uint64_t call_id, const struct llmfo_value *delta)
{
	struct answer *answer = arg;
	struct ctl_out *out = &answer->ctl->out;
	size_t length;
	const char *text = llmfo_value_string(llmfo_value_get(delta, "text"), &length);

	if (!delta)
		begin_anew(answer);
	if (!text || length == 0)
		return;
	if (out->terminal)
		ctl_piece(out, text, length);
	else
		fwrite(text, 1, length, out->file);
	answer->told = true;
	answer->ended = text[length - 1] == '\n';
	/* nobody gets the rest, which would cost money */
	if (fflush(out->file) != 0 && !answer->lost) {
		answer->lost = errno;
		(void)llmfo_cancel(answer->ctl->client, call_id);
	}
}

static void
put_answer(struct ctl *ctl, const struct llmfo_reply *reply)
{
	size_t length;
	const char *text =
		llmfo_value_string(llmfo_value_get(llmfo_reply_value(reply), "text"), &length);

	if (!text)
		text = "";
	if (ctl->out.terminal) {
		ctl_text(&ctl->out, text, length);
		return;
	}
	fwrite(text, 1, length, ctl->out.file);
	if (length == 0 || text[length - 1] != '\n')
		fputc('\n', ctl->out.file);
}

static void
put_summary(struct ctl_out *err, const struct llmfo_reply *reply)
{
	const struct llmfo_value *result = llmfo_reply_value(reply);
	bool fallback = llmfo_value_bool(llmfo_value_get(result, "fallback_occurred"), false);
	bool estimated = llmfo_value_bool(llmfo_value_get(result, "usage.estimated"), false);
	int64_t cost = llmfo_reply_int(reply, "cost_picousd", 0);
	bool unknown = llmfo_value_bool(llmfo_value_get(result, "cost_unknown"), false);
	const char *reason = llmfo_reply_string(reply, "finish_reason");

	ctl_put(err, CTL_DIM, "answered by ");
	ctl_put(err, fallback ? CTL_YELLOW : CTL_GREEN, "%s/%s",
		llmfo_reply_string(reply, "provider_used"),
		llmfo_reply_string(reply, "model_used"));
	ctl_put(err, CTL_DIM, "%s in %s", fallback ? " (fallback)" : "",
		ctl_time(llmfo_reply_int(reply, "total_latency_ms", 0)).text);
	ctl_put(err, CTL_DIM, ", %s%" PRId64 "+%" PRId64 " tokens", estimated ? "about " : "",
		llmfo_reply_int(reply, "usage.prompt_tokens", 0),
		llmfo_reply_int(reply, "usage.completion_tokens", 0));
	if (cost > 0)
		ctl_put(err, CTL_DIM, ", %s%s", unknown ? "at least " : "", ctl_money(cost).text);
	if (strcmp(reason, "length") == 0)
		ctl_put(err, CTL_YELLOW, ", cut off at its token limit");
	fputc('\n', err->file);
}

static void
put_warnings(struct ctl_out *err, const struct llmfo_value *warnings)
{
	for (size_t i = 0; i < llmfo_value_count(warnings); i++) {
		const char *text = llmfo_value_string(llmfo_value_at(warnings, i), NULL);

		ctl_put(err, CTL_YELLOW, "warning: ");
		ctl_line(err, CTL_PLAIN, "%s", text ? text : "?");
	}
}

static bool
streams(const struct ctl *ctl, const struct ctl_args *args)
{
	bool fits = ctl->out.terminal && !ctl->json && !ctl_given(args, "no-stream");

	return ctl_given(args, "stream") || fits;
}

static int
check_stream(struct ctl *ctl, const struct ctl_args *args)
{
	if (!ctl_given(args, "stream"))
		return CTL_DONE;
	if (ctl_given(args, "no-stream"))
		return ctl_usage(
			&ctl->err, args->command, "--stream and --no-stream exclude each other");
	if (ctl->json)
		return ctl_usage(&ctl->err, args->command, "--json gives the whole result, once");
	return CTL_DONE;
}

/* The reply, and in *answer what of it is out already. */
static int
generate(struct ctl *ctl, const struct ctl_args *args, int64_t timeout_ms,
	struct llmfo_reply **reply, struct answer *answer)
{
	*answer = (struct answer){.ctl = ctl};
	if (!streams(ctl, args))
		return llmfo_generate(ctl->client, args->params, timeout_ms, reply);
	/* where it is seen that it begins anew, that is better than an error */
	if (ctl->out.terminal && !ctl_given(args, "on-break"))
		(void)llmfo_params_set_string(args->params, "on_break", "restart");
	int error = llmfo_generate_stream(
		ctl->client, args->params, timeout_ms, on_delta, answer, reply);
	end_line(answer);
	return error;
}

static int
fail_lost(struct ctl *ctl, int number)
{
	ctl_put(&ctl->err, CTL_RED, "llmfoctl: ");
	ctl_line(&ctl->err, CTL_PLAIN, "standard output: %s", strerror(number));
	return CTL_FAILED;
}

int
ctl_ask(struct ctl *ctl, struct ctl_args *args)
{
	struct answer answer;
	const char *deadline = ctl_given(args, "deadline");
	int64_t timeout_ms = deadline ? ctl_duration_ms(deadline) + CTL_TIMEOUT_MS : ASK_TIMEOUT_MS;
	struct llmfo_reply *reply;
	int status = check_stream(ctl, args);

	if (!status)
		status = set_prompt(ctl, args);
	if (status)
		return status;
	if (!deadline)
		(void)llmfo_params_set_nil(args->params, "deadline_ms");
	int error = generate(ctl, args, timeout_ms, &reply, &answer);
	if (error == LLMFO_ECANCELLED && answer.lost)
		return fail_lost(ctl, answer.lost);
	if (error)
		return ctl_fail(ctl, error, reply);
	const struct llmfo_value *result = llmfo_reply_value(reply);
	if (ctl->json)
		ctl_json(ctl->out.file, result, true);
	else if (!answer.told)
		put_answer(ctl, reply);
	(void)fflush(
		ctl->out.file); /* before what goes to standard error; main looks at its failure */
	ctl_put_attempts(&ctl->err, llmfo_value_get(result, "attempts"));
	put_warnings(&ctl->err, llmfo_value_get(result, "warnings"));
	put_summary(&ctl->err, reply);
	llmfo_reply_free(reply);
	return CTL_DONE;
}
