/* SPDX-License-Identifier: MIT */
/* What the configuration says of strategies, and what chains and agents take over from where. */
#include "support/config_support.h"

static struct config *config;

static void
tear_down(void)
{
	config_unref(config);
	config = NULL;
}

static const struct config_chain *
chain(const char *name)
{
	const struct config_chain *found = config_find_chain(config, name, false);

	ck_assert_ptr_nonnull(found);
	return found;
}

static const struct config_chain *
agent(const char *name)
{
	const struct config_chain *found = config_find_chain(config, name, true);

	ck_assert_ptr_nonnull(found);
	return found;
}

START_TEST(without_a_word_everything_is_sequential_and_the_weights_are_those_of_the_manual)
{
	config = support_read(ONE, NULL);

	const struct config_chain *own = chain("default");

	ck_assert_int_eq(own->strategy, STRATEGY_sequential);
	ck_assert_int_eq(own->strategies.balanced.cost, 1);
	ck_assert_int_eq(own->strategies.balanced.quality, 1);
	ck_assert_int_eq(own->strategies.balanced.latency, 1);
	ck_assert_int_eq(own->strategies.fastest.hedge_after_ms, 0);
	ck_assert_int_eq(own->strategies.fastest.max_parallel, 0);
	ck_assert_int_eq(own->strategies.load_balanced.success, 2);
	ck_assert_int_eq(own->strategies.load_balanced.latency, 1);
	ck_assert_int_eq(own->strategies.load_balanced.in_flight, 1);
}
END_TEST

START_TEST(a_chain_goes_by_the_defaults_but_for_what_it_says_itself)
{
	config = support_read(ONE
		"defaults: {strategy: balanced}\n"
		"strategies: {balanced: {cost: 7}, fastest: {hedge_after: auto}}\n"
		"chains:\n"
		"  plain: {targets: [openai/m]}\n"
		"  own: {targets: [openai/m], strategy: FASTEST,\n"
		"    strategies: {fastest: {max_parallel: 2}, balanced: {latency: 0}}}\n",
		NULL);
	ck_assert_int_eq(chain("default")->strategy, STRATEGY_balanced);
	ck_assert_int_eq(chain("plain")->strategy, STRATEGY_balanced);
	ck_assert_int_eq(chain("plain")->strategies.balanced.cost, 7);
	ck_assert_int_eq(chain("plain")->strategies.balanced.latency, 1);
	ck_assert_int_eq(chain("own")->strategy, STRATEGY_fastest);
	ck_assert_int_eq(chain("own")->strategies.balanced.cost, 7);
	ck_assert_int_eq(chain("own")->strategies.balanced.latency, 0);
	ck_assert_int_eq(chain("own")->strategies.fastest.hedge_after_ms, STRATEGY_HEDGE_AUTO);
	ck_assert_int_eq(chain("own")->strategies.fastest.max_parallel, 2);
}
END_TEST

START_TEST(an_agent_with_a_primary_goes_there_first_and_one_of_a_chain_alone_goes_by_it)
{
	config = support_read(ONE "defaults: {strategy: quality_optimized}\n"
				  "chains: {pool: {targets: [openai/m], strategy: load_balanced,\n"
				  "  strategies: {load_balanced: {success: 9}}}}\n"
				  "agents:\n"
				  "  first: {primary: {model: a, provider: openai}, chain: pool}\n"
				  "  flat: {model: a, provider: openai}\n"
				  "  pooled: {chain: pool}\n"
				  "  own: {chain: pool, strategy: fastest,\n"
				  "    strategies: {fastest: {hedge_after: 200ms}}}\n",
		NULL);
	ck_assert_int_eq(agent("first")->strategy, STRATEGY_sequential);
	ck_assert_int_eq(agent("flat")->strategy, STRATEGY_sequential);
	ck_assert_int_eq(agent("pooled")->strategy, STRATEGY_load_balanced);
	ck_assert_int_eq(agent("pooled")->strategies.load_balanced.success, 9);
	ck_assert_int_eq(agent("own")->strategy, STRATEGY_fastest);
	ck_assert_int_eq(agent("own")->strategies.fastest.hedge_after_ms, 200);
}
END_TEST

START_TEST(weights_are_read_and_lent_to_an_agent_that_has_nothing_else)
{
	config = support_read(ONE "chains: {split: {sticky: user,\n"
				  "  targets: [openai/m: 90, openai/n: 10, \"openai/o:1\"]}}\n"
				  "agents:\n"
				  "  pooled: {chain: split}\n"
				  "  own: {primary: {model: m, provider: openai}, chain: split}\n",
		NULL);
	ck_assert(chain("split")->sticky);
	ck_assert_int_eq(chain("split")->weights[0], 90);
	ck_assert_int_eq(chain("split")->weights[1], 10);
	ck_assert_int_eq(chain("split")->weights[2], 0);
	ck_assert_str_eq(chain("split")->targets[2]->name, "openai/o:1");
	ck_assert_int_eq(agent("pooled")->weights[0], 90);
	ck_assert(agent("pooled")->sticky);
	ck_assert_ptr_null(agent("own")->weights);
}
END_TEST

START_TEST(a_chain_of_the_name_of_a_rule_replaces_it)
{
	config = support_read(
		"providers: {openai: {api_key: k, models: [m, n]}, ollama: {models: [l]}}\n"
		"defaults: {chain: local_only}\n"
		"chains: {Balanced: {targets: [openai/n]}}\n"
		"agents: {x: {chain: high_quality}}\n",
		NULL);
	support_targets(chain("balanced"), "openai/n");
	ck_assert_ptr_null(chain("balanced")->rule);
	support_targets(chain("local_only"), "ollama/l");
	support_targets(chain("HIGH_quality"), "openai/m openai/n ollama/l");
	support_targets(agent("x"), "openai/m openai/n ollama/l");
	ck_assert_int_eq(agent("x")->strategy, STRATEGY_quality_optimized);
	support_targets(config->offered, "openai/m openai/n ollama/l");
	/* what a provider that lists nothing offers is what chains name */
	config_unref(config);
	config = support_read("providers: {openai: {api_key: k}}\n"
			      "chains: {one: {targets: [openai/x]}}\n",
		NULL);
	ck_assert_str_eq(config->offered->targets[0]->name, "openai/x");
}
END_TEST

START_TEST(the_manual_tells_every_strategy_and_every_chain_by_rule)
{
	static const char *const chains[] = {
#define X(name, order, able, local, help) #name,
#include "chain_rule.def"
#undef X
	};
	char *manual = support_shipped("docs/llmfod.8");
	char *protocol = support_shipped("proto/PROTOCOL.md");

	for (enum strategy s = 0; s < STRATEGY_COUNT; s++) {
		char *item = x_asprintf("\n.It Cm %s\n", strategy_name(s));
		char *word = x_asprintf("`%s`", strategy_name(s));
		ck_assert_msg(strstr(manual, item) != NULL, "%s", item);
		ck_assert_msg(strstr(protocol, word) != NULL, "%s", word);
		free(item);
		free(word);
	}
	for (size_t i = 0; i < UTIL_COUNT(chains); i++) {
		char *item = x_asprintf("\n.It Cm %s\n", chains[i]);
		ck_assert_msg(strstr(manual, item) != NULL, "%s", item);
		free(item);
	}
	free(manual);
	free(protocol);
}
END_TEST

START_TEST(every_strategy_has_a_name_that_finds_it)
{
	for (enum strategy s = 0; s < STRATEGY_COUNT; s++) {
		ck_assert_int_eq(strategy_find(strategy_name(s)), s);
		ck_assert_ptr_nonnull(strstr(strategy_names(), strategy_name(s)));
	}
	ck_assert_int_eq(strategy_find("quickest"), STRATEGY_COUNT);
	ck_assert_int_eq(strategy_find(""), STRATEGY_COUNT);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config_strategy");
	TCase *tests = tcase_create("config_strategy");

	tcase_add_checked_fixture(tests, NULL, tear_down);
	tcase_add_test(tests,
		without_a_word_everything_is_sequential_and_the_weights_are_those_of_the_manual);
	tcase_add_test(tests, a_chain_goes_by_the_defaults_but_for_what_it_says_itself);
	tcase_add_test(tests,
		an_agent_with_a_primary_goes_there_first_and_one_of_a_chain_alone_goes_by_it);
	tcase_add_test(tests, weights_are_read_and_lent_to_an_agent_that_has_nothing_else);
	tcase_add_test(tests, a_chain_of_the_name_of_a_rule_replaces_it);
	tcase_add_test(tests, the_manual_tells_every_strategy_and_every_chain_by_rule);
	tcase_add_test(tests, every_strategy_has_a_name_that_finds_it);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
