/* SPDX-License-Identifier: MIT */
/* What a good configuration becomes: its values and defaults, chains, the snapshot's life. */
#include "support/config_support.h"

#include "llmfo.h"

/* ---- the file ---- */

START_TEST(the_defaults_are_those_of_the_manual)
{
	struct config *c = support_read(ONE, NULL);
	const struct config_provider *p = c->providers[0];

	ck_assert_ptr_null(c->socket_path);
	ck_assert_ptr_null(c->socket_group);
	ck_assert_ptr_null(c->state_path);
	ck_assert_uint_eq(c->socket_mode, 0660);
	ck_assert_uint_eq(c->max_message_bytes, 16777216);
	ck_assert_int_eq(c->max_connections, 4096);
	ck_assert(c->callers.everybody && !c->admins.everybody);
	ck_assert_str_eq(c->admins.names[0], "root");
	ck_assert_str_eq(c->admins.names[1], "@llmfo-admin");
	ck_assert(config_access_allows(&c->admins, 0, NULL, 0));
	ck_assert(!config_access_allows(&c->admins, 1000, NULL, 0));
	ck_assert_int_eq(c->failure_threshold, 3);
	ck_assert_int_eq(c->cooldown_ms, 300000);
	ck_assert_int_eq(c->cooldown_max_ms, 300000);
	ck_assert_int_eq(c->preferred_ttl_ms, 1800000);
	ck_assert_int_eq(c->check_interval_ms, 15000);
	ck_assert(c->when_all_open_try);
	ck_assert_int_eq(c->max_calls, 4096);
	ck_assert_int_eq(c->max_queue, 1024);
	ck_assert_int_eq(c->default_deadline_ms, 120000);
	ck_assert(c->fallback && c->preferred && c->health_tracking && c->active_checks);
	ck_assert(c->enable_fallback);
	ck_assert(!c->params.has_temperature && c->params.max_tokens == 0);
	ck_assert_int_eq(p->timeout.connect_ms, 2000);
	ck_assert_int_eq(p->timeout.first_token_ms, 60000);
	ck_assert_int_eq(p->timeout.idle_ms, 30000);
	ck_assert_int_eq(p->timeout.total_ms, 120000);
	ck_assert_int_eq(p->max_retries, 1);
	ck_assert_int_eq(p->retry_after_max_ms, 2000);
	ck_assert_int_eq(p->max_concurrency, 0);
	ck_assert(p->configured && !p->local);
	ck_assert_str_eq(p->key, "k");
	ck_assert_str_eq(c->source, "t.yaml");
	config_unref(c);
}
END_TEST

START_TEST(every_value_is_taken)
{
	struct config *c = support_read(
		"socket: {path: /tmp/s, mode: \"0600\", group: root, max_message: 1MiB,"
		" max_connections: 7}\n"
		"access: {callers: [root, \"@root\", 4242], admins: [\"@77\"]}\n"
		"health: {failure_threshold: 2, cooldown: 1s, cooldown_max: 2s, preferred_ttl: "
	        "0s,\n"
		"  check_interval: 10ms, when_all_open: fail}\n"
		"limits: {calls: 8, queue: 0}\n"
		"state: {path: /tmp/db}\n"
		"defaults: {chain: FAST, strategy: sequential, deadline: 3s}\n"
		"features: {fallback: false, preferred: false, health_tracking: false,\n"
		"  active_checks: false}\n"
		"providers:\n"
		"  mine:\n"
		"    api: openai\n"
		"    base_url: https://api.example/v1/\n"
		"    api_key: ${K}\n"
		"    local: true\n"
		"    models: [a, \"b:1\", org/c]\n"
		"    timeout: {connect: 1s, first_token: 2s, idle: 3s, total: 4s}\n"
		"    max_retries: ${N}\n"
		"    retry_after_max: 1s\n"
		"    max_concurrency: \"${N}\"\n"
		"    proxy: http://proxy.example:3128\n"
		"    ca_file: /dev/null\n"
		"chains: {Fast: {targets: [mine/a, \"mine/b:1\", mine/org/c, mine/z]}}\n",
		(const char *[]){"K", "secret", "N", "3", NULL});
	const struct config_provider *p = config_find_provider(c, "mine");
	const struct config_chain *chain = config_find_chain(c, "fast", false);

	ck_assert_str_eq(c->socket_path, "/tmp/s");
	ck_assert_str_eq(c->state_path, "/tmp/db");
	ck_assert_uint_eq(c->socket_mode, 0600);
	ck_assert_str_eq(c->socket_group, "root");
	ck_assert_uint_eq(c->max_message_bytes, 1048576);
	ck_assert_int_eq(c->max_connections, 7);
	ck_assert(config_access_allows(&c->callers, 4242, NULL, 0));
	ck_assert(config_access_allows(&c->callers, 5, (const uint32_t[]){9, 0}, 2));
	ck_assert(!config_access_allows(&c->callers, 5, (const uint32_t[]){9}, 1));
	ck_assert(config_access_allows(&c->admins, 5, (const uint32_t[]){77}, 1));
	ck_assert_int_eq(c->preferred_ttl_ms, 0);
	ck_assert(!c->when_all_open_try);
	ck_assert_int_eq(c->max_queue, 0);
	ck_assert(!c->fallback && !c->preferred && !c->health_tracking && !c->active_checks);
	ck_assert_str_eq(c->default_chain, "Fast");
	ck_assert_str_eq(p->endpoint.base_url, "https://api.example/v1");
	ck_assert_str_eq(p->endpoint.key, "secret");
	ck_assert_str_eq(p->key_variable, "K");
	ck_assert(p->local);
	ck_assert_int_eq(p->timeout.idle_ms, 3000);
	ck_assert_int_eq(p->max_retries, 3);
	ck_assert_int_eq(p->max_concurrency, 3);
	ck_assert_uint_eq(chain->target_count, 4);
	ck_assert_str_eq(chain->targets[2]->model, "org/c");
	ck_assert(chain->targets[2]->listed && !chain->targets[3]->listed);
	ck_assert_ptr_eq(config_find_target(c, "mine/b:1"), chain->targets[1]);
	config_unref(c);
}
END_TEST

START_TEST(one_duration_is_the_total_timeout)
{
	struct config *c = support_read("providers:\n"
					"  openai: {api_key: k, timeout: 1s}\n"
					"  groq: {api_key: k, timeout: 45s}\n"
					"  mistral: {api_key: k, timeout: {total: 5m}}\n",
		NULL);

	ck_assert_int_eq(c->providers[0]->timeout.total_ms, 1000);
	ck_assert_int_eq(c->providers[0]->timeout.connect_ms, 1000);
	ck_assert_int_eq(c->providers[1]->timeout.total_ms, 45000);
	ck_assert_int_eq(c->providers[1]->timeout.connect_ms, 2000);
	ck_assert_int_eq(c->providers[1]->timeout.first_token_ms, 45000);
	ck_assert_int_eq(c->providers[2]->timeout.first_token_ms, 60000);
	config_unref(c);
}
END_TEST

START_TEST(parameters_keep_their_types)
{
	struct config *c = support_read(ONE
		"defaults: {params: {temperature: 0.7, top_p: 1, max_tokens: 1024, seed: -5,\n"
		"  stop: [\"a\\nb\", c], response_format: {type: json_schema, json_schema:\n"
		"    {strict: true, n: 3, x: 0.5, s: \"3\", l: [a, null]}}}}\n",
		NULL);
	struct buf text;

	buf_init(&text, 1000);
	ck_assert(c->params.has_temperature && c->params.temperature > 0.69);
	ck_assert(c->params.has_top_p && c->params.top_p > 0.99);
	ck_assert(c->params.has_seed && c->params.seed == -5);
	ck_assert_int_eq(c->params.max_tokens, 1024);
	json_write(c->params.stop, &text);
	json_write(c->params.response_format, &text);
	ck_assert_str_eq(text.data,
		"[\"a\\nb\",\"c\"]{\"type\":\"json_schema\",\"json_schema\":"
		"{\"strict\":true,\"n\":3,\"x\":0.5,\"s\":\"3\",\"l\":[\"a\",null]}}");
	buf_free(&text);
	config_unref(c);
}
END_TEST

START_TEST(anchors_and_merge_keys_are_copies)
{
	struct config *c =
		support_read("providers:\n"
			     "  openai: &base {api_key: k, models: [m], max_retries: 2}\n"
			     "  mine: {<<: *base, api: openai, max_retries: 0}\n"
			     "chains:\n"
			     "  default: {targets: &t [openai/m, mine/m]}\n"
			     "  other: {targets: *t}\n",
			NULL);

	ck_assert_int_eq(config_find_provider(c, "openai")->max_retries, 2);
	ck_assert_int_eq(config_find_provider(c, "mine")->max_retries, 0);
	ck_assert_str_eq(config_find_provider(c, "mine")->key, "k");
	ck_assert_uint_eq(config_find_chain(c, "other", false)->target_count, 2);
	config_unref(c);
}
END_TEST

START_TEST(a_mark_at_the_beginning_is_no_fault)
{
	config_unref(support_read("\xef\xbb\xbf" ONE, NULL));
}
END_TEST

START_TEST(a_longer_cooldown_raises_its_maximum)
{
	struct config *c = support_read(ONE "health: {cooldown: 10m}\n", NULL);

	ck_assert_int_eq(c->cooldown_max_ms, 600000);
	config_unref(c);
}
END_TEST

/* ---- chains ---- */

START_TEST(without_chains_there_is_one_of_every_listed_model)
{
	struct config *c = support_read("providers:\n"
					"  mine: {api: openai, api_key: k, models: [a, b]}\n"
					"  ollama: {models: [c]}\n"
					"agents: {x: {primary: {model: z, provider: ollama}}}\n",
		NULL);

	ck_assert_str_eq(c->default_chain, "default");
	support_targets(config_find_chain(c, "default", false), "mine/a mine/b ollama/c");
	ck_assert(!c->chains[0]->agent && c->chains[c->chain_count - 1]->agent);
	config_unref(c);
}
END_TEST

START_TEST(a_provider_without_models_offers_its_presets)
{
	struct config *c = support_read("providers: {ollama: }\n", NULL);

	support_targets(config_find_chain(c, "DEFAULT", false), "ollama/llama3.2");
	config_unref(c);
}
END_TEST

START_TEST(a_default_is_made_beside_other_chains)
{
	struct config *c = support_read(ONE "chains: {fast: {targets: [openai/x]}}\n", NULL);

	support_targets(config_find_chain(c, c->default_chain, false), "openai/m");
	config_unref(c);
}
END_TEST

START_TEST(a_chains_own_rules_are_read)
{
	struct config *c = support_read(ONE
		"chains: {default: {targets: [openai/m],\n"
		"  retry_on: [default, content_policy, 418, 5xx], timeout: 30s, deadline: 1m,\n"
		"  max_retries_per_model: 0, params: {temperature: 0}}}\n",
		NULL);
	const struct config_chain *chain = c->chains[0];
	const struct config_retry_on *on = &chain->retry_on;

	ck_assert_int_eq(chain->timeout_ms, 30000);
	ck_assert_int_eq(chain->deadline_ms, 60000);
	ck_assert_int_eq(chain->max_retries_per_model, 0);
	ck_assert(chain->params.has_temperature);
	ck_assert(config_retries_on(on, OUTCOME_RATE_LIMITED, 429, true));
	ck_assert(config_retries_on(on, OUTCOME_CONTENT_POLICY, 400, false));
	ck_assert(config_retries_on(on, OUTCOME_BAD_REQUEST, 418, false));
	ck_assert(config_retries_on(on, OUTCOME_BAD_REQUEST, 501, false));
	ck_assert(!config_retries_on(on, OUTCOME_BAD_REQUEST, 400, false));
	config_unref(c);
}
END_TEST

START_TEST(rules_of_failover)
{
	struct config_retry_on none = {.set = false}, any = {.set = false}, only = {.set = false};

	ck_assert(config_retries_on(&none, OUTCOME_TIMEOUT, 0, true));
	ck_assert(!config_retries_on(&none, OUTCOME_BAD_REQUEST, 400, false));
	ck_assert_int_eq(config_retry_on_add(&any, "any"), 0);
	ck_assert(config_retries_on(&any, OUTCOME_BAD_REQUEST, 400, false));
	ck_assert(!config_retries_on(&any, OUTCOME_CANCELLED, 0, false));
	ck_assert(!config_retries_on(&any, OUTCOME_OK, 200, false));
	ck_assert_int_eq(config_retry_on_add(&only, "rate_limited"), 0);
	ck_assert(!config_retries_on(&only, OUTCOME_TIMEOUT, 0, true));
	ck_assert(config_retries_on(&only, OUTCOME_RATE_LIMITED, 429, true));
	ck_assert_int_eq(config_retry_on_add(&only, "cancelled"), LLMFO_EINVALID_REQUEST);
	ck_assert_int_eq(config_retry_on_add(&only, ""), LLMFO_EINVALID_REQUEST);
	ck_assert_int_eq(config_retry_on_add(&only, "42"), LLMFO_EINVALID_REQUEST);
	ck_assert_int_eq(config_retry_on_add(&only, "4x9"), LLMFO_EINVALID_REQUEST);
	for (int i = 0; i < CONFIG_RETRY_STATUSES; i++)
		ck_assert_int_eq(config_retry_on_add(&only, "4XX"), 0);
	ck_assert_int_eq(config_retry_on_add(&only, "429"), LLMFO_EINVALID_REQUEST);
}
END_TEST

START_TEST(a_chain_is_made_for_a_call)
{
	struct config *c = support_read("providers: {openai: {api_key: k, models: [m]},"
					" ollama: {models: [l]}}\n",
		NULL);
	static const char *const good[] = {"openai/m", "openai/new", "ollama/l", "openai/new"};
	static const char *const unknown[] = {"openai/m", "openai/new", "nope/m"};
	static const char *const bad[] = {"openai/new", "m"};
	struct config_chain *chain;
	struct buf why;

	buf_init(&why, 1000);
	ck_assert_int_eq(config_make_chain(c, good, 4, &chain, &why), 0);
	support_targets(chain, "openai/m openai/new ollama/l");
	ck_assert_ptr_eq(chain->targets[0], config_find_target(c, "openai/m"));
	ck_assert(!chain->targets[1]->listed && chain->targets[1]->transient);
	ck_assert_ptr_null(config_find_target(c, "openai/new"));
	config_chain_free(chain);
	ck_assert_int_eq(config_make_chain(c, unknown, 3, &chain, &why), LLMFO_ENOT_FOUND);
	ck_assert_ptr_null(chain);
	ck_assert_str_eq(why.data, "there is no provider `nope`; there are: openai, ollama");
	buf_clear(&why);
	ck_assert_int_eq(config_make_chain(c, bad, 2, &chain, &why), LLMFO_EINVALID_REQUEST);
	ck_assert_str_eq(why.data, "`m` is no target; write provider/model");
	ck_assert_int_eq(config_make_chain(c, bad, 0, &chain, &why), LLMFO_EINVALID_REQUEST);
	buf_free(&why);
	config_unref(c);
}
END_TEST

START_TEST(a_snapshot_lives_as_long_as_somebody_holds_it)
{
	struct config *c = support_read(ONE, NULL), *held = config_ref(c);

	config_unref(c);
	ck_assert_str_eq(held->providers[0]->name, "openai");
	config_unref(held);
	config_unref(NULL);
}
END_TEST

START_TEST(what_only_a_start_brings_into_effect_stays)
{
	struct config *now = support_read(ONE "socket: {path: /run/a, mode: \"0600\"}\n"
					    "state: {path: none}\n", NULL);
	struct config *same = support_read(ONE "socket: {path: /run/a, mode: \"0600\"}\n"
					     "state: {path: none}\n", NULL);
	struct config *next =
		support_read(ONE "socket: {path: /run/b, group: root, max_connections: 7}\n", NULL);

	config_keep_unreloadable(same, now, &support_faults);
	ck_assert_uint_eq(support_faults.count, 0);
	config_keep_unreloadable(next, now, &support_faults);
	ck_assert_uint_eq(support_faults.errors, 0);
	char *report = support_report();
	ck_assert_str_eq(report,
		"warning: socket.path: takes effect at the next start\n"
		"warning: socket.mode: takes effect at the next start\n"
		"warning: socket.group: takes effect at the next start\n"
		"warning: state.path: takes effect at the next start\n");
	free(report);
	ck_assert_str_eq(next->socket_path, "/run/a");
	ck_assert_uint_eq(next->socket_mode, 0600);
	ck_assert_ptr_null(next->socket_group);
	ck_assert_str_eq(next->state_path, "none");
	ck_assert_int_eq(next->max_connections, 7);
	config_unref(next);
	config_unref(same);
	config_unref(now);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config");
	TCase *tests = tcase_create("config");

	tcase_add_test(tests, the_defaults_are_those_of_the_manual);
	tcase_add_test(tests, every_value_is_taken);
	tcase_add_test(tests, one_duration_is_the_total_timeout);
	tcase_add_test(tests, parameters_keep_their_types);
	tcase_add_test(tests, anchors_and_merge_keys_are_copies);
	tcase_add_test(tests, a_mark_at_the_beginning_is_no_fault);
	tcase_add_test(tests, a_longer_cooldown_raises_its_maximum);
	tcase_add_test(tests, without_chains_there_is_one_of_every_listed_model);
	tcase_add_test(tests, a_provider_without_models_offers_its_presets);
	tcase_add_test(tests, a_default_is_made_beside_other_chains);
	tcase_add_test(tests, a_chains_own_rules_are_read);
	tcase_add_test(tests, rules_of_failover);
	tcase_add_test(tests, a_chain_is_made_for_a_call);
	tcase_add_test(tests, what_only_a_start_brings_into_effect_stays);
	tcase_add_test(tests, a_snapshot_lives_as_long_as_somebody_holds_it);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
