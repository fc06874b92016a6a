/* SPDX-License-Identifier: MIT */
/* The commands that change something in the daemon. Each says what is so afterwards. */
#include <inttypes.h>
#include <string.h>

#include "ctl.h"

const struct ctl_option ctl_force_options[] = {
	{"for", CTL_SECONDS, "DURATION", "duration_s", "how long (default 1h, at most 7d)"},
	{"strict", CTL_FLAG, NULL, "strict", "use nothing else, not even when it fails"},
	{"clear", CTL_FLAG, NULL, NULL, "force no provider any more"},
	{0},
};

/* Makes the request; a JSON reply is printed here. NULL: *status is what the command ends with. */
static struct llmfo_reply *
change(struct ctl *ctl, const char *method, const struct llmfo_params *params, int *status)
{
	struct llmfo_reply *reply;

	*status = ctl_request(ctl, method, params, CTL_TIMEOUT_MS, &reply);
	if (*status)
		return NULL;
	if (!ctl->json)
		return reply;
	ctl_json(ctl->out.file, llmfo_reply_value(reply), true);
	llmfo_reply_free(reply);
	return NULL;
}

static void
put_forced(struct ctl_out *out, const struct llmfo_reply *reply)
{
	const struct llmfo_value *result = llmfo_reply_value(reply);
	bool strict = llmfo_value_bool(llmfo_value_get(result, "forced.strict"), false);
	const char *provider = llmfo_reply_string(reply, "forced.provider");
	const char *was = llmfo_reply_string(reply, "was.provider");

	if (*provider)
		ctl_put(out, CTL_PLAIN, "%s is forced%s for %s", provider,
			strict ? " (strict)" : "",
			ctl_time(llmfo_reply_int(reply, "forced.remaining_ms", 0)).text);
	else
		ctl_put(out, CTL_PLAIN, "no provider is forced");
	if (*was && strcmp(was, provider) != 0)
		ctl_put(out, CTL_PLAIN, " (until now: %s)", was);
	fputc('\n', out->file);
}

int
ctl_force_provider(struct ctl *ctl, struct ctl_args *args)
{
	bool clear = ctl_given(args, "clear");
	bool named = args->word_count == 1;
	int status;

	if (clear && (named || ctl_given(args, "for") || ctl_given(args, "strict")))
		return ctl_usage(&ctl->err, args->command, "--clear goes alone");
	if (!clear && !named)
		return ctl_usage(
			&ctl->err, args->command, "a provider's NAME or --clear is missing");
	if (clear)
		(void)llmfo_params_set_nil(args->params, "provider");
	else
		(void)llmfo_params_set_string(args->params, "provider", args->words[0]);
	struct llmfo_reply *reply = change(ctl, "force_provider", args->params, &status);
	if (reply)
		put_forced(&ctl->out, reply);
	llmfo_reply_free(reply);
	return status;
}

int
ctl_clear_cache(struct ctl *ctl, struct ctl_args *args)
{
	int status;
	struct llmfo_reply *reply = change(ctl, "clear_cache", args->params, &status);

	if (reply)
		ctl_line(&ctl->out, CTL_PLAIN, "%s forgotten",
			ctl_count(llmfo_reply_int(reply, "cleared", 0), "preferred target").text);
	llmfo_reply_free(reply);
	return status;
}

int
ctl_reset_health(struct ctl *ctl, struct ctl_args *args)
{
	int status;

	if (args->word_count)
		(void)llmfo_params_set_string(args->params, "name", args->words[0]);
	struct llmfo_reply *reply = change(ctl, "reset_health", args->params, &status);
	if (reply)
		ctl_line(&ctl->out, CTL_PLAIN, "%s reset",
			ctl_count(llmfo_reply_int(reply, "reset", 0), "circuit").text);
	llmfo_reply_free(reply);
	return status;
}

static int
set_enabled(struct ctl *ctl, struct ctl_args *args, const char *method)
{
	int status;

	(void)llmfo_params_set_string(args->params, "name", args->words[0]);
	struct llmfo_reply *reply = change(ctl, method, args->params, &status);
	if (reply) {
		const struct llmfo_value *result = llmfo_reply_value(reply);
		bool enabled = llmfo_value_bool(llmfo_value_get(result, "enabled"), false);

		ctl_line(&ctl->out, CTL_PLAIN, "%s is %s", llmfo_reply_string(reply, "name"),
			enabled ? "enabled" : "disabled");
	}
	llmfo_reply_free(reply);
	return status;
}

int
ctl_enable(struct ctl *ctl, struct ctl_args *args)
{
	return set_enabled(ctl, args, "enable");
}

int
ctl_disable(struct ctl *ctl, struct ctl_args *args)
{
	return set_enabled(ctl, args, "disable");
}

int
ctl_drain(struct ctl *ctl, struct ctl_args *args)
{
	int status;
	struct llmfo_reply *reply = change(ctl, "drain", args->params, &status);

	if (reply)
		ctl_line(&ctl->out, CTL_PLAIN,
			"the daemon takes no new calls and ends; %s may take %s yet",
			ctl_count(llmfo_reply_int(reply, "calls_in_flight", 0) +
					llmfo_reply_int(reply, "calls_waiting", 0),
				"call")
				.text,
			ctl_time(llmfo_reply_int(reply, "drain_timeout_ms", 0)).text);
	llmfo_reply_free(reply);
	return status;
}

int
ctl_reload(struct ctl *ctl, struct ctl_args *args)
{
	int status;
	struct llmfo_reply *reply = change(ctl, "reload", args->params, &status);
	const struct llmfo_value *warnings = llmfo_value_get(llmfo_reply_value(reply), "warnings");

	for (size_t i = 0; i < llmfo_value_count(warnings); i++) {
		const char *text = llmfo_value_string(llmfo_value_at(warnings, i), NULL);

		ctl_put(&ctl->err, CTL_YELLOW, "warning: ");
		ctl_line(&ctl->err, CTL_PLAIN, "%s", text ? text : "?");
	}
	if (reply)
		ctl_line(&ctl->out, CTL_PLAIN, "the configuration was read anew and is in use");
	llmfo_reply_free(reply);
	return status;
}
