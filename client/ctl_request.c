/* SPDX-License-Identifier: MIT */
/* One request to the daemon, and what a person, a program and the exit status are told when it
 * fails. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static int
exit_status(struct ctl *ctl, int error)
{
	bool closed_to_us = error == LLMFO_ENO_DAEMON &&
		access(llmfo_client_socket(ctl->client), W_OK) < 0 && errno == EACCES;

	if (error == LLMFO_ENOT_PERMITTED || closed_to_us)
		return CTL_NOT_PERMITTED;
	return error == LLMFO_ENO_DAEMON ? CTL_NO_DAEMON : CTL_FAILED;
}

void
ctl_put_failure(struct ctl_out *out, const struct llmfo_value *failure)
{
	const char *class = llmfo_value_string(llmfo_value_get(failure, "class"), NULL);
	const char *message = llmfo_value_string(llmfo_value_get(failure, "message"), NULL);
	int64_t status = llmfo_value_int(llmfo_value_get(failure, "http_status"), 0);

	ctl_put(out, CTL_PLAIN, "%s", class ? class : "failed");
	if (status)
		ctl_put(out, CTL_PLAIN, " (%" PRId64 ")", status);
	if (message && *message)
		ctl_put(out, CTL_PLAIN, ": %s", message);
}

/* It was left, say for one that answered first: that is no failure. */
static void
put_cancelled(struct ctl_out *out, const char *target, const struct llmfo_value *attempt)
{
	const char *why = llmfo_value_string(llmfo_value_get(attempt, "message"), NULL);
	bool more = why && *why && strcmp(why, "cancelled") != 0;

	ctl_line(out, CTL_DIM, "%s cancelled%s%s", target, more ? ": " : "", more ? why : "");
}

void
ctl_put_attempts(struct ctl_out *out, const struct llmfo_value *attempts)
{
	for (size_t i = 0; i < llmfo_value_count(attempts); i++) {
		const struct llmfo_value *attempt = llmfo_value_at(attempts, i);
		const char *class = llmfo_value_string(llmfo_value_get(attempt, "class"), NULL);
		const char *target = llmfo_value_string(llmfo_value_get(attempt, "target"), NULL);

		if (class && strcmp(class, "ok") == 0)
			continue;
		if (class && strcmp(class, "cancelled") == 0) {
			put_cancelled(out, target ? target : "?", attempt);
			continue;
		}
		ctl_put(out, CTL_YELLOW, "%s failed: ", target ? target : "?");
		ctl_put_failure(out, attempt);
		fputc('\n', out->file);
	}
}

static void
put_reply_error(struct ctl *ctl, int error, const struct llmfo_reply *reply)
{
	const struct llmfo_value *attempts = llmfo_value_get(llmfo_reply_value(reply), "attempts");
	const char *message = llmfo_reply_string(reply, "message");
	int64_t retry_after_ms = llmfo_reply_int(reply, "retry_after_ms", -1);
	struct ctl_out *err = &ctl->err;

	ctl_put_attempts(err, attempts);
	if (!*message || (error == LLMFO_EALL_FAILED && llmfo_value_count(attempts) > 0))
		message = llmfo_error_text(error); /* the attempts are told already */
	size_t first = strcspn(message, "\n");
	ctl_put(err, CTL_RED, "llmfoctl: ");
	ctl_put(err, CTL_PLAIN, "%s: %.*s", llmfo_reply_string(reply, "code"), (int)first, message);
	if (retry_after_ms >= 0)
		ctl_put(err, CTL_PLAIN, "; try again in %s", ctl_time(retry_after_ms).text);
	fputc('\n', err->file);
	if (message[first] && message[first + 1])
		ctl_text(err, message + first + 1, strlen(message + first + 1));
}

/* The same for a program: {"error": {...}}. */
static void
put_json_error(struct ctl *ctl, int error, const struct llmfo_reply *reply)
{
	if (reply)
		ctl_json_within(ctl->out.file, NULL, NULL, "error", llmfo_reply_value(reply));
	else
		ctl_json_error(
			ctl->out.file, llmfo_error_code(error), llmfo_client_error(ctl->client));
}

int
ctl_fail(struct ctl *ctl, int error, struct llmfo_reply *reply)
{
	int status = exit_status(ctl, error);

	if (ctl->json)
		put_json_error(ctl, error, reply);
	if (reply) {
		put_reply_error(ctl, error, reply);
	} else {
		const char *message = llmfo_client_error(ctl->client);

		ctl_put(&ctl->err, CTL_RED, "llmfoctl: ");
		ctl_line(&ctl->err, CTL_PLAIN, "%s", *message ? message : llmfo_error_text(error));
		if (status == CTL_NOT_PERMITTED)
			ctl_line(&ctl->err, CTL_PLAIN,
				"the socket is open to its owner and group alone: "
				"ask to be taken into that group");
		else if (status == CTL_NO_DAEMON)
			ctl_line(&ctl->err, CTL_PLAIN,
				"is llmfod running? --socket or LLMFO_SOCKET names "
				"another place");
	}
	llmfo_reply_free(reply);
	return status;
}

int
ctl_request(struct ctl *ctl, const char *method, const struct llmfo_params *params,
	int64_t timeout_ms, struct llmfo_reply **reply)
{
	int error = llmfo_call(ctl->client, method, params, timeout_ms, reply);

	return error ? ctl_fail(ctl, error, *reply) : CTL_DONE;
}
