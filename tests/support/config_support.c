/* SPDX-License-Identifier: MIT */
/* See config_support.h. */
#include "config_support.h"

#include <stdio.h>
#include <unistd.h>

#include "config_reader.h"

#define FOLDER "/tmp/llmfo-check-config.XXXXXX"

struct config_faults support_faults;
char support_folder[] = FOLDER;

static const char *
get(void *arg, const char *name)
{
	for (const char **pairs = arg; pairs && pairs[0]; pairs += 2)
		if (strcmp(pairs[0], name) == 0)
			return pairs[1];
	return NULL;
}

struct config_env
support_env(const char *const *pairs)
{
	static const char *kept[64];
	size_t count = 0;

	for (; pairs && pairs[count]; count++)
		kept[count] = pairs[count];
	kept[count] = NULL;
	return (struct config_env){.get = get, .arg = kept};
}

char *
support_report(void)
{
	struct buf out;

	buf_init(&out, 200000);
	for (size_t i = 0; i < support_faults.count; i++) {
		const struct config_fault *fault = &support_faults.list[i];
		char *text = config_fault_text(fault);
		size_t skip = strlen(fault->file);
		buf_printf(&out, "%s%s\n", fault->warning ? "warning: " : "",
			text + skip + strspn(text + skip, ": "));
		free(text);
	}
	config_faults_free(&support_faults);
	return buf_take(&out, NULL);
}

struct config *
support_read(const char *text, const char *const *pairs)
{
	struct config_env env = support_env(pairs);
	struct config *config =
		config_read_text(text, strlen(text), "t.yaml", &env, &support_faults);
	char *report = support_report();

	ck_assert_msg(config != NULL, "%s\n%s", text, report);
	free(report);
	return config;
}

void
support_targets(const struct config_chain *chain, const char *expected)
{
	struct buf names;

	ck_assert_ptr_nonnull(chain);
	buf_init(&names, 1000);
	for (size_t i = 0; i < chain->target_count; i++)
		buf_printf(&names, "%s%s", i ? " " : "", chain->targets[i]->name);
	ck_assert_str_eq(names.data, expected);
	buf_free(&names);
}

char *
support_shipped(const char *name)
{
	const char *top = getenv("top_srcdir");
	char *path = x_asprintf("%s/%s", top ? top : ".", name);
	struct buf text;

	buf_init(&text, 1024 * 1024);
	ck_assert_msg(config_slurp(path, 1024 * 1024, &text, NULL, NULL) == 0, "%s", path);
	free(path);
	return buf_take(&text, NULL);
}

void
support_make_folder(void)
{
	memcpy(support_folder, FOLDER, sizeof FOLDER);
	ck_assert_ptr_nonnull(mkdtemp(support_folder));
}

void
support_remove_folder(void)
{
	char *command = x_asprintf("rm -rf '%s'", support_folder);

	ck_assert_int_eq(system(command), 0);
	free(command);
}

void
support_put(const char *name, const char *content, mode_t mode)
{
	char *path = x_asprintf("%s/%s", support_folder, name);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(content, file);
	fclose(file);
	ck_assert_int_eq(chmod(path, mode), 0);
	free(path);
}

char *
support_read_there(const char *text, bool credentials, struct config **config)
{
	char *name = x_asprintf("%s/llmfo.yaml", support_folder);
	struct config_env env = support_env(NULL);

	if (credentials)
		env.credentials_dir = support_folder;
	*config = config_read_text(text, strlen(text), name, &env, &support_faults);
	free(name);
	return support_report();
}

int
support_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
