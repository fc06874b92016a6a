/* SPDX-License-Identifier: MIT */
/*
 * A client in the loop of libuv: asks what its arguments say, all at once, and tells what happens
 * at the daemon meanwhile.
 *
 *     cc loop_uv.c $(pkg-config --cflags --libs llmfo libuv) -o loop_uv
 *     ./loop_uv "Name a river." "Name a lake."
 */
#include <llmfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define MINUTE_MS 60000

struct program {
	struct llmfo_client *client;
	uv_loop_t loop;
	uv_poll_t readable;
	uv_timer_t timer;
	int left; /* questions without an end */
	int failed;
};

static void on_timer(uv_timer_t *timer);

/* Whatever was done with the client: until when does it want to be called? */
static void
set_timer(struct program *program)
{
	int64_t wait_ms = llmfo_timeout_ms(program->client);

	if (wait_ms < 0)
		uv_timer_stop(&program->timer);
	else
		uv_timer_start(&program->timer, on_timer, (uint64_t)wait_ms, 0);
}

static void
process(struct program *program)
{
	(void)llmfo_process(program->client);
	set_timer(program);
	if (program->left == 0)
		uv_stop(&program->loop);
}

static void
on_timer(uv_timer_t *timer)
{
	process(timer->data);
}

static void
on_readable(uv_poll_t *readable, int status, int events)
{
	(void)status, (void)events;
	process(readable->data);
}

static void
on_answer(void *arg, uint64_t call_id, int error, struct llmfo_reply *reply)
{
	struct program *program = arg;

	if (error)
		printf("%llu: %s\n", (unsigned long long)call_id,
			llmfo_client_error(program->client));
	else
		printf("%llu: %s\n", (unsigned long long)call_id,
			llmfo_reply_string(reply, "text"));
	program->failed += error != 0;
	program->left--;
	llmfo_reply_free(reply);
}

static void
on_event(void *arg, int error, const struct llmfo_value *event)
{
	const char *type = llmfo_value_string(llmfo_value_get(event, "type"), NULL);

	(void)arg;
	if (error)
		fprintf(stderr, "no events: %s\n", llmfo_error_code(error));
	else if (event)
		fprintf(stderr, "event: %s\n", type ? type : "?");
}

static int
ask(struct program *program, const char *text)
{
	struct llmfo_params *params = llmfo_params_new();
	int error;

	(void)llmfo_params_add_message(params, "user", text);
	error = llmfo_start(
		program->client, "generate", params, MINUTE_MS, on_answer, program, NULL);
	program->left += error == 0;
	llmfo_params_free(params);
	return error;
}

/* The client's descriptor is one for its whole life, so it is watched once and for all. */
static int
watch(struct program *program)
{
	int fd = llmfo_fd(program->client);

	if (fd < 0 || uv_loop_init(&program->loop) < 0)
		return LLMFO_ENO_MEMORY;
	program->readable.data = program;
	program->timer.data = program;
	if (uv_timer_init(&program->loop, &program->timer) < 0 ||
		uv_poll_init(&program->loop, &program->readable, fd) < 0 ||
		uv_poll_start(&program->readable, UV_READABLE, on_readable) < 0)
		return LLMFO_ENO_MEMORY;
	return 0;
}

/* First the watching ends, then the descriptor. */
static void
end(struct program *program)
{
	uv_close((uv_handle_t *)&program->readable, NULL);
	uv_close((uv_handle_t *)&program->timer, NULL);
	(void)uv_run(&program->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&program->loop);
	llmfo_client_free(program->client);
}

int
main(int argc, char **argv)
{
	struct program program = {.client = NULL};
	int error = llmfo_client_new(&program.client, NULL);

	if (!error)
		error = watch(&program);
	if (error) {
		fprintf(stderr, "%s\n", llmfo_error_text(error));
		return EXIT_FAILURE;
	}
	error = llmfo_subscribe(program.client, NULL, on_event, NULL);
	for (int i = 1; i < argc && !error; i++)
		error = ask(&program, argv[i]);
	set_timer(&program);
	if (program.left > 0 && !error)
		(void)uv_run(&program.loop, UV_RUN_DEFAULT);
	end(&program);
	return error || program.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
