/* SPDX-License-Identifier: MIT */
/*
 * How long 3,000 models take to be read, and how long one takes to be found: LiteLLM's list in its
 * own shape and size, the same models as a file of ours, and what is shipped. Best of ten.
 *
 *   bench_registry MODELS.YAML
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config.h"

#define MODELS 3000
#define ROUNDS 10
#define ONE "providers: {openai: {api_key: k, models: [m]}}\n"

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* About 480 bytes a model, as there. */
static void
write_litellm(FILE *file)
{
	for (int i = 0; i < MODELS; i++)
		fprintf(file,
			"%s    \"provider_%d/some-model-%d-instruct\": {\n"
			"        \"input_cost_per_token\": %d.%de-07,\n"
			"        \"cache_read_input_token_cost\": 1.25e-07,\n"
			"        \"litellm_provider\": \"provider_%d\",\n"
			"        \"max_input_tokens\": 128000,\n"
			"        \"max_output_tokens\": 16384,\n"
			"        \"max_tokens\": 16384,\n"
			"        \"mode\": \"chat\",\n"
			"        \"output_cost_per_token\": 1e-06,\n"
			"        \"supports_function_calling\": true,\n"
			"        \"supports_parallel_function_calling\": true,\n"
			"        \"supports_prompt_caching\": true,\n"
			"        \"supports_vision\": true\n    }",
			i ? ",\n" : "{\n", i % 80, i, i % 9 + 1, i % 100, i % 80);
	fputs("\n}\n", file);
}

static void
write_ours(FILE *file)
{
	fputs("models:\n", file);
	for (int i = 0; i < MODELS; i++)
		fprintf(file,
			"  openai/some-model-%d-instruct:\n"
			"    context: 128000\n"
			"    max_output: 16384\n"
			"    price: {input: %d.%d, cached_input: 0.125, output: 1.00}\n"
			"    capabilities: [chat, tools, vision]\n",
			i, i % 9 + 1, i % 100);
}

static int64_t
read_once(const char *path, struct config **config)
{
	struct config_env env = {.models_path = path};
	struct config_faults faults = {0};
	int64_t start = now_us();

	*config = config_read_text(ONE, strlen(ONE), "bench", &env, &faults);
	int64_t took = now_us() - start;
	if (!*config || faults.count > 0) {
		fprintf(stderr, "%s: %s\n", path, faults.count ? faults.list[0].text : "?");
		exit(1);
	}
	return took;
}

static void
measure(const char *what, const char *path)
{
	struct config *config;
	int64_t best = INT64_MAX;
	size_t count = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t took = read_once(path, &config);

		best = took < best ? took : best;
		count = registry_count(config->registry);
		config_unref(config);
	}
	printf("%-24s %5zu models  %6.1f ms\n", what, count, (double)best / 1000);
}

static void
measure_written(const char *what, void (*write)(FILE *file))
{
	char path[] = "/tmp/llmfo-bench-registry.XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!file) {
		perror(path);
		exit(1);
	}
	write(file);
	fclose(file);
	measure(what, path);
	remove(path);
}

int
main(int argc, char **argv)
{
	measure_written("LiteLLM's list", write_litellm);
	measure_written("a file of ours", write_ours);
	if (argc > 1)
		measure("what is shipped", argv[1]);
	return 0;
}
