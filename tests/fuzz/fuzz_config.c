/* SPDX-License-Identifier: MIT */
/* The configuration file: there is a configuration, or there are faults, each with its words. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "fuzz.h"

const char fuzz_name[] = "config";

/* libfyaml 0.7.12 loses a kilobyte over a string with very many quotes in it. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

static const char *
variable(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "KEY") == 0 ? "sk-fuzz" : NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	struct config_env env = {.get = variable};
	struct config_faults faults = {0};
	struct config *config =
		config_read_text((const char *)bytes, count, "/nowhere/fuzz.yaml", &env, &faults);

	if (!config != (faults.errors > 0))
		abort();
	for (size_t i = 0; i < faults.count; i++) {
		char *text = config_fault_text(&faults.list[i]);

		if (faults.list[i].text[0] == '\0' || text[0] == '\0')
			abort();
		free(text);
	}
	config_unref(config);
	config_faults_free(&faults);
	return 0;
}
