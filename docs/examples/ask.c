/* SPDX-License-Identifier: MIT */
/*
 * Asks a model through llmfod and says who answered.
 *
 *     cc ask.c $(pkg-config --cflags --libs llmfo) -o ask && ./ask "Why is the sky blue?"
 */
#include <llmfo.h>
#include <stdio.h>
#include <stdlib.h>

static void
print_answer(const struct llmfo_reply *reply)
{
	printf("%s\n", llmfo_reply_string(reply, "text"));
	fprintf(stderr, "answered by %s/%s, %lld tokens\n",
		llmfo_reply_string(reply, "provider_used"), llmfo_reply_string(reply, "model_used"),
		(long long)llmfo_reply_int(reply, "usage.total_tokens", 0));
}

/* The error of a daemon is a map, too: here are the targets that it tried. */
static void
print_failure(const struct llmfo_client *client, const struct llmfo_reply *reply)
{
	const struct llmfo_value *attempts = llmfo_value_get(llmfo_reply_value(reply), "attempts");

	fprintf(stderr, "%s\n", llmfo_client_error(client));
	for (size_t i = 0; i < llmfo_value_count(attempts); i++) {
		const struct llmfo_value *attempt = llmfo_value_at(attempts, i);
		const char *target = llmfo_value_string(llmfo_value_get(attempt, "target"), NULL);
		const char *class = llmfo_value_string(llmfo_value_get(attempt, "class"), NULL);

		fprintf(stderr, "  %s: %s\n", target ? target : "?", class ? class : "?");
	}
}

int
main(int argc, char **argv)
{
	struct llmfo_params *params = llmfo_params_new();
	struct llmfo_client *client = NULL;
	struct llmfo_reply *reply = NULL;
	int error = llmfo_client_new(&client, NULL);

	/* A setter that fails is remembered, and the call fails with the same code. */
	(void)llmfo_params_add_message(params, "user", argc > 1 ? argv[1] : "Say hello.");
	(void)llmfo_params_set_int(params, "max_tokens", 500);
	if (!error)
		error = llmfo_generate(client, params, 60000, &reply);
	if (error)
		print_failure(client, reply);
	else
		print_answer(reply);
	llmfo_reply_free(reply);
	llmfo_client_free(client);
	llmfo_params_free(params);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
