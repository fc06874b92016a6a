/* SPDX-License-Identifier: MIT */
/* Agents: their candidates, endpoints of their own, the files of agents_dir. */
#include <stdio.h>

#include "support/config_support.h"

#define TWO \
	"providers:\n" \
	"  ollama: {models: [l]}\n" \
	"  openai: {api_key: k, models: [m, n], max_retries: 5, timeout: 9s}\n"

static const struct config_chain *
agent(const struct config *config, const char *name)
{
	const struct config_chain *chain = config_find_chain(config, name, true);

	ck_assert_ptr_nonnull(chain);
	return chain;
}

START_TEST(an_agent_is_a_chain_with_defaults)
{
	struct config *c = support_read(TWO
		"agents: {x: {primary: {model: l, provider: ollama},\n"
		"  backup: {model: other, provider: openai}, deadline: 10s, timeout: 2s,\n"
		"  retry_on: [any], params: {temperature: 1}, workspace: ws-1,\n"
		"  strategy: sequential}}\n",
		NULL);
	const struct config_chain *x = agent(c, "x");

	support_targets(x, "ollama/l openai/other");
	ck_assert(x->targets[0]->listed && !x->targets[1]->listed);
	ck_assert_int_eq(x->deadline_ms, 10000);
	ck_assert_int_eq(x->timeout_ms, 2000);
	ck_assert(x->retry_on.any && x->params.has_temperature);
	ck_assert_str_eq(x->workspace, "ws-1");
	ck_assert_int_eq(x->max_retries_per_model, -1);
	ck_assert_ptr_null(config_find_chain(c, "x", false));
	ck_assert_ptr_null(config_find_chain(c, "X", true));
	config_unref(c);
}
END_TEST

START_TEST(candidates_come_in_order)
{
	static const struct {
		const char *agent, *targets;
	} table[] = {
		{"{primary: {model: l, provider: ollama}}", "ollama/l"},
		{"{model: l, provider: ollama}", "ollama/l"},
		{"{model: l, provider: ollama, backup: {model: m, provider: openai}}",
			"ollama/l openai/m"},
		{"{primary: {model: a/b, provider: openai}, backup: [{model: m, provider: openai},"
		 " {model: l, provider: ollama}]}",
			"openai/a/b openai/m ollama/l"},
		{"{primary: {model: n, provider: openai}, backup: {chain: POOL}}",
			"openai/n openai/m ollama/l"},
		{"{primary: {model: m, provider: openai}, backup: [{chain: pool},"
		 " {model: n, provider: openai}]}",
			"openai/m ollama/l openai/n"},
		{"{chain: pool}", "openai/m ollama/l"},
		{"{primary: {model: n, provider: openai}, chain: pool}",
			"openai/n openai/m ollama/l"},
		{"{primary: {model: m, provider: openai}, backup: {chain: default}}",
			"openai/m ollama/l openai/n"},
	};
	char *text = x_asprintf(TWO "chains: {Pool: {targets: [openai/m, ollama/l]}}\n"
				    "agents: {x: %s}\n",
		table[_i].agent);
	struct config *c = support_read(text, NULL);

	support_targets(agent(c, "x"), table[_i].targets);
	config_unref(c);
	free(text);
}
END_TEST

START_TEST(a_chain_lends_an_agent_what_it_lacks)
{
	struct config *c = support_read(TWO
		"chains: {pool: {targets: [openai/m], retry_on: [any], timeout: 3s, deadline: "
	        "30s,\n"
		"  max_retries_per_model: 2, params: {temperature: 0, seed: 1}}}\n"
		"agents:\n"
		"  a: {chain: pool}\n"
		"  b: {chain: pool, timeout: 5s, deadline: 5s, retry_on: [timeout],\n"
		"    params: {seed: 2}}\n",
		NULL);
	const struct config_chain *a = agent(c, "a"), *b = agent(c, "b");

	ck_assert(a->retry_on.any && !b->retry_on.any);
	ck_assert_int_eq(a->timeout_ms, 3000);
	ck_assert_int_eq(b->timeout_ms, 3000);
	ck_assert_int_eq(a->deadline_ms, 30000);
	ck_assert_int_eq(b->deadline_ms, 5000);
	ck_assert_int_eq(b->max_retries_per_model, 2);
	ck_assert(b->params.has_temperature && b->params.seed == 2);
	config_unref(c);
}
END_TEST

START_TEST(a_provider_url_is_an_endpoint_of_its_own)
{
	struct config *c = support_read(TWO
		"agents:\n"
		"  a: {primary: {model: m, provider: openai,\n"
		"    provider_url: https://api-eu.openai.com/v1/}}\n"
		"  b: {primary: {model: n, provider: openai,\n"
		"    provider_url: https://api-eu.openai.com/v1}}\n"
		"  c: {primary: {model: m, provider: openai,\n"
		"    provider_url: https://api-eu.openai.com/v2}}\n"
		"  d: {primary: {model: m, provider: openai,\n"
		"    provider_url: https://api.openai.com/v1}}\n"
		"  e: {model: l, provider: ollama, provider_url: \"http://10.1.1.1:11434\"}\n",
		NULL);
	const struct config_provider *eu = config_find_provider(c, "openai@api-eu.openai.com");

	support_targets(agent(c, "a"), "openai@api-eu.openai.com/m");
	support_targets(agent(c, "b"), "openai@api-eu.openai.com/n");
	support_targets(agent(c, "c"), "openai@api-eu.openai.com#2/m");
	support_targets(agent(c, "d"), "openai/m");
	support_targets(agent(c, "e"), "ollama@10.1.1.1:11434/l");
	ck_assert_str_eq(eu->derived_from, "openai");
	ck_assert_str_eq(eu->endpoint.key, "k");
	ck_assert_str_eq(eu->endpoint.base_url, "https://api-eu.openai.com/v1");
	ck_assert_int_eq(eu->max_retries, 5);
	ck_assert_int_eq(eu->timeout.total_ms, 9000);
	ck_assert(eu->configured);
	ck_assert(!config_find_provider(c, "ollama@10.1.1.1:11434")->local);
	ck_assert_uint_eq(config_find_chain(c, "default", false)->target_count, 3);
	config_unref(c);
}
END_TEST

START_TEST(an_agent_is_a_file)
{
	struct config *c;

	support_put("a.yaml",
		"id: reviewer\nname: The reviewer\ntools: [x]\n"
		"primary: {model: m, provider: openai, temperature: 0.5}\n",
		0600);
	support_put("b.yml", "model: l\nprovider: ollama\n", 0600);
	support_put(".hidden.yaml", "[", 0600);
	support_put("c.txt", "[", 0600);
	char *report = support_read_there(TWO "agents_dir: .\n", false, &c);
	ck_assert_str_eq(report,
		"warning: ignored keys that are not llmfo's: name, tools, primary.temperature\n"
		"warning: 1:1: agent 'b': the flat form (model, provider, provider_url) is "
		"deprecated; write primary: {…}\n");
	free(report);
	support_targets(agent(c, "reviewer"), "openai/m");
	support_targets(agent(c, "b"), "ollama/l");
	config_unref(c);
}
END_TEST

START_TEST(faults_of_agent_files_are_told)
{
	static const struct {
		const char *content, *report;
	} table[] = {
		{"", "must be a map of an agent's keys\n"},
		{"- a\n", "must be a map of an agent's keys\n"},
		{"primary: {\n", "2:1: not valid YAML: "},
		{"id: [a]\n", "1:1: id: must be one value, not a list\n"},
		{"id: \"a\\nb\"\n", "1:5: id: holds a line break"},
		{"description: x\n",
			"warning: ignored keys that are not llmfo's: description\n"
			"1:1: agent 'a': primary model configuration is missing\n"},
		{"primary: {model: m}\n",
			"1:1: primary: agent 'a': primary.provider is required\n"},
		{"primary: {model: m, provider: nope}\n",
			"1:31: primary.provider: there is no provider `nope`; there are: "},
		{"timeout: 30\nprimary: {model: m, provider: openai}\n",
			"1:10: timeout: `30` has no unit"},
		{"id: x\nprimary: {model: m, provider: openai}\n",
			"1:1: agent 'x': is configured twice\n"},
	};
	struct config *c;

	support_put("a.yaml", table[_i].content, 0600);
	char *report = support_read_there(TWO "agents: {x: {primary: {model: l, provider: ollama}}}"
					      "\nagents_dir: .\n",
		false, &c);
	ck_assert_ptr_null(c);
	ck_assert_msg(
		util_starts_with(report, table[_i].report), "%s\n%s", table[_i].content, report);
	free(report);
}
END_TEST

START_TEST(a_broken_agent_file_hides_nothing)
{
	struct config *c;

	support_put("a.yaml", "deadline: 3\nprimary: {\n", 0600);
	support_put("b.yaml", "primary: {model: m, provider: nope}\n", 0600);
	char *report = support_read_there(TWO "chains: {c: {targets: [opnai/m]}}\n"
					      "agents: {x: {chain: nope}}\n"
					      "agents_dir: .\n",
		false, &c);
	ck_assert_ptr_null(c);
	ck_assert_ptr_nonnull(strstr(report, "1:11: deadline: `3` has no unit"));
	ck_assert_ptr_nonnull(strstr(report, "\n3:1: not valid YAML: "));
	ck_assert_ptr_nonnull(
		strstr(report, "\n1:31: primary.provider: there is no provider `nope`"));
	ck_assert_ptr_nonnull(
		strstr(report, "4:24: chains.c.targets[0]: there is no provider `opnai`"));
	ck_assert_ptr_nonnull(strstr(report, "5:21: agents.x.chain: there is no chain `nope`"));
	ck_assert_ptr_null(strstr(report, "primary model configuration is missing"));
	free(report);
}
END_TEST

START_TEST(a_broken_file_does_not_hide_its_agents)
{
	struct config *c;

	support_put("a.yaml", "deadline: 3\n", 0600);
	char *report = support_read_there(TWO "agents_dir: .\nchains: {\n", false, &c);
	ck_assert_ptr_null(c);
	ck_assert_ptr_nonnull(strstr(report, "6:1: not valid YAML: "));
	ck_assert_ptr_nonnull(strstr(report, "1:11: deadline: `3` has no unit"));
	free(report);
}
END_TEST

START_TEST(a_folder_among_the_agents_is_named_as_what_it_is)
{
	struct config *c;
	char *path = x_asprintf("%s/a.yaml", support_folder);

	ck_assert_int_eq(mkdir(path, 0700), 0);
	char *report = support_read_there(TWO "agents_dir: .\n", false, &c);
	ck_assert_ptr_null(c);
	ck_assert_str_eq(report, "cannot be read: not a regular file\n");
	free(report);
	free(path);
}
END_TEST

START_TEST(more_agents_than_there_may_be_are_a_fault)
{
	struct config *c;
	char name[32];

	for (int i = 0; i <= 10000; i++) {
		snprintf(name, sizeof name, "%d.yaml", i);
		support_put(name, "", 0600);
	}
	char *report = support_read_there(TWO "agents_dir: .\n", false, &c);
	ck_assert_ptr_null(c);
	ck_assert_ptr_nonnull(strstr(report, "holds more than 10000 agents\n"));
	ck_assert_uint_eq(strspn(strchr(report, '\n'), "\n"), strlen(strchr(report, '\n')));
	free(report);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config_agents");
	TCase *tests = tcase_create("config_agents");

	tcase_add_checked_fixture(tests, support_make_folder, support_remove_folder);
	tcase_add_test(tests, an_agent_is_a_chain_with_defaults);
	tcase_add_loop_test(tests, candidates_come_in_order, 0, 9);
	tcase_add_test(tests, a_chain_lends_an_agent_what_it_lacks);
	tcase_add_test(tests, a_provider_url_is_an_endpoint_of_its_own);
	tcase_add_test(tests, an_agent_is_a_file);
	tcase_add_test(tests, a_broken_agent_file_hides_nothing);
	tcase_add_test(tests, a_broken_file_does_not_hide_its_agents);
	tcase_add_test(tests, a_folder_among_the_agents_is_named_as_what_it_is);
	tcase_add_test(tests, more_agents_than_there_may_be_are_a_fault);
	tcase_add_loop_test(tests, faults_of_agent_files_are_told, 0, 10);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
