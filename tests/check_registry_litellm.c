/* SPDX-License-Identifier: MIT */
/* LiteLLM's price list: what is taken from it, exactly, and what is left unknown. */
#include "support/config_support.h"

#include "registry_litellm.h"

#define LIST_MAX_BYTES ((size_t)8 << 20)

static struct registry *registry;

/* Reads a list; what is reported, a new string. */
static char *
read_list(const char *text)
{
	registry = registry_new();
	registry_open(registry);
	registry_litellm_read(registry, text, strlen(text), "t.yaml", &support_faults);
	registry_close(registry);
	return support_report();
}

static void
find(const char *preset, const char *model, struct model_facts *facts)
{
	struct registry_key key = {.preset = preset, .model = model};

	registry_find(registry, &key, facts);
}

#define NOBODYS "warning: 1:3: a: has no litellm_provider: ignored\n"

#define SPEC \
	"\"sample_spec\": {\"max_input_tokens\": \"max input tokens\", \"mode\": \"one of: " \
	"chat\"}"

static const char list[] =
	"{\n" SPEC ",\n"
	"\"fallback_generalizations\": [{\"pattern\": \".*\"}],\n"
	"\"gpt-4o\": {\"litellm_provider\": \"openai\", \"mode\": \"chat\", "
	"\"max_input_tokens\": 128000, \"max_output_tokens\": 16384, "
	"\"input_cost_per_token\": 2.5e-06, \"cache_read_input_token_cost\": 1.25e-06, "
	"\"output_cost_per_token\": 0.00001, \"supports_vision\": true, "
	"\"supports_function_calling\": true, \"supports_reasoning\": false, "
	"\"supports_response_schema\": null, \"input_cost_per_token_above_200k_tokens\": 1, "
	"\"tiered_pricing\": [{\"range\": [0, 1e3], \"input_cost_per_token\": 9}]},\n"
	"\"together_ai/meta-llama/Llama-3\": {\"litellm_provider\": \"together_ai\", "
	"\"mode\": \"chat\", \"input_cost_per_token\": 1.8e-07, \"output_cost_per_token\": 0},\n"
	"\"xai/grok\": {\"litellm_provider\": \"xai\", \"mode\": \"chat\", "
	"\"max_input_tokens\": 2000000.0},\n"
	"\"databricks/dbrx\": {\"litellm_provider\": \"databricks\", "
	"\"input_cost_per_token\": 2.9999900000000002e-06},\n"
	"\"mistral/embed\": {\"litellm_provider\": \"mistral\", \"mode\": \"embedding\"},\n"
	"\"dall-e-2\": {\"litellm_provider\": \"openai\", \"mode\": \"image_generation\"},\n"
	"\"ollama/qwen:7b\": {\"litellm_provider\": \"ollama\", \"mode\": \"completion\", "
	"\"input_cost_per_token\": 0.0, \"output_cost_per_token\": 0.0}\n"
	"}\n";

static void
begin(void)
{
	char *report = read_list(list);

	ck_assert_str_eq(report, "");
	free(report);
}

static void
end(void)
{
	registry_free(registry);
	registry = NULL;
}

START_TEST(a_model_comes_with_all_that_is_said_of_it)
{
	struct model_facts facts;

	find("openai", "gpt-4o", &facts);
	ck_assert_int_eq(facts.context_tokens, 128000);
	ck_assert_int_eq(facts.max_output_tokens, 16384);
	ck_assert_int_eq(facts.input_picousd, 2500000);
	ck_assert_int_eq(facts.cached_picousd, 1250000);
	ck_assert_int_eq(facts.output_picousd, 10000000);
	ck_assert_uint_eq(facts.known, MODEL_CONTEXT | MODEL_MAX_OUTPUT | MODEL_PRICES);
	ck_assert_uint_eq(facts.capabilities,
		MODEL_CAN_CHAT | MODEL_CAN_VISION | MODEL_CAN_TOOLS | MODEL_CAN_LONG_CONTEXT);
	ck_assert_uint_eq(facts.capabilities_known,
		facts.capabilities | MODEL_CAN_REASONING | MODEL_CAN_EMBEDDING);
}
END_TEST

START_TEST(providers_are_called_as_they_are_here)
{
	struct model_facts facts;

	find("together", "meta-llama/Llama-3", &facts);
	ck_assert_int_eq(facts.input_picousd, 180000);
	find("ollama", "qwen:7b", &facts);
	ck_assert_uint_eq(facts.known & MODEL_PRICES, MODEL_PRICES);
}
END_TEST

START_TEST(a_price_that_is_missing_is_unknown_and_one_of_nothing_is_free)
{
	struct model_facts facts;

	find("xai", "grok", &facts);
	ck_assert_uint_eq(facts.known, MODEL_CONTEXT);
	ck_assert_int_eq(facts.context_tokens, 2000000);
	find("together", "meta-llama/Llama-3", &facts);
	ck_assert_uint_eq(facts.known, MODEL_PRICES);
	ck_assert_int_eq(facts.output_picousd, 0);
	ck_assert_int_eq(facts.cached_picousd, facts.input_picousd);
}
END_TEST

START_TEST(noise_beyond_a_picodollar_is_rounded)
{
	struct model_facts facts;

	find("databricks", "dbrx", &facts);
	ck_assert_int_eq(facts.input_picousd, 2999990);
}
END_TEST

START_TEST(what_makes_pictures_is_not_there)
{
	struct model_facts facts;

	ck_assert_uint_eq(registry_count(registry), 6);
	find("mistral", "embed", &facts);
	ck_assert_uint_eq(facts.capabilities, MODEL_CAN_EMBEDDING);
	ck_assert_uint_eq(facts.capabilities_known, MODEL_CAN_EMBEDDING | MODEL_CAN_CHAT);
}
END_TEST

static const struct {
	const char *text, *report;
} faulty[] = {
	{"", "1:1: not valid JSON: unexpected end\n"},
	{"[]", "1:1: not valid JSON: expected {\n"},
	{"{\"a\": {}", NOBODYS "1:9: not valid JSON: unexpected end\n"},
	{"{\"a\": {\"b\": \"c", "1:15: not valid JSON: unexpected end\n"},
	{"{\"a\": {\"b\": \"c\\", "1:16: not valid JSON: unexpected end\n"},
	{"{\"a\": {},\n}", NOBODYS "2:1: not valid JSON: expected a key\n"},
	{"{\"a\" {}}", "1:6: not valid JSON: expected :\n"},
	{"{\"a\": {} \"b\": {}}", NOBODYS "1:10: not valid JSON: expected , or }\n"},
	{"{\"a\": {\"b\": [1,]}}", "1:16: not valid JSON: expected a value\n"},
	{"{\"a\": {\"b\": [1 2]}}", "1:16: not valid JSON: expected , or ]\n"},
	{"{\"a\": {\"b\": tru}}", "1:13: not valid JSON: expected a value\n"},
	{"{\"a\": {\"b\": 01}}", "1:13: not valid JSON: not a number\n"},
	{"{\"a\": {\"b\": 1.}}", "1:13: not valid JSON: not a number\n"},
	{"{\"a\": {\"b\": 1e}}", "1:13: not valid JSON: not a number\n"},
	{"{\"a\": {\"b\": -}}", "1:13: not valid JSON: not a number\n"},
	{"{\"a\": {\"b\": \"\n\"}}", "1:14: not valid JSON: a control character in a text\n"},
	{"{} x", "1:4: not valid JSON: expected the end\n"},
	{"{\"a\": 1}", "warning: 1:7: a: is no model: ignored\n"},
	{"{\n \"a\": {\"mode\": \"chat\"}}", "warning: 2:3: a: has no litellm_provider: ignored\n"},
	{"{\"a\": {\"litellm_provider\": \"x\", \"input_cost_per_token\": \"0.1\"}}",
		"warning: 1:58: a.input_cost_per_token: is no number: unknown\n"},
	{"{\"a\": {\"litellm_provider\": \"x\", \"input_cost_per_token\": -1e-6}}",
		"warning: 1:57: a.input_cost_per_token: cannot be: unknown\n"},
	{"{\"a\": {\"litellm_provider\": \"x\", \"output_cost_per_token\": 1e300}}",
		"warning: 1:58: a.output_cost_per_token: cannot be: unknown\n"},
	{"{\"a\\u0062\": {\"litellm_provider\": \"x\"}}",
		"warning: 1:3: a\\u0062: is no model's name: ignored\n"},
};

START_TEST(faults_are_told_with_their_place)
{
	char *report = read_list(faulty[_i].text);

	ck_assert_str_eq(report, faulty[_i].report);
	free(report);
}
END_TEST

START_TEST(what_is_nested_too_deep_is_a_fault)
{
	struct buf text;

	buf_init(&text, LIST_MAX_BYTES);
	buf_puts(&text, "{\"a\": {\"b\": ");
	for (int i = 0; i < 100000; i++)
		buf_putc(&text, '[');
	char *report = read_list(text.data);
	ck_assert_ptr_nonnull(strstr(report, "nested too deep"));
	free(report);
	buf_free(&text);
}
END_TEST

START_TEST(of_many_faults_ten_are_told_and_the_rest_counted)
{
	struct buf text;

	buf_init(&text, LIST_MAX_BYTES);
	for (int i = 0; i < 3000; i++)
		buf_printf(&text,
			"%s\"x/m%d\": {\"litellm_provider\": \"x\", \"mode\": \"chat\", "
			"\"input_cost_per_token\": %s}",
			i ? ",\n" : "{", i, i % 100 ? "1e-6" : "\"?\"");
	buf_putc(&text, '}');
	char *report = read_list(text.data);
	ck_assert_uint_eq(registry_count(registry), 3000);
	ck_assert_ptr_nonnull(strstr(report, "warning: 901:"));
	ck_assert_ptr_null(strstr(report, "warning: 1001:"));
	ck_assert_ptr_nonnull(strstr(report, "warning: 20 more values cannot be used\n"));
	free(report);
	buf_free(&text);
}
END_TEST

START_TEST(a_list_is_known_by_its_first_byte)
{
	struct config *c;

	support_make_folder();
	support_put("prices.json", list, 0600);
	char *report = support_read_there(
		"providers: {xai: {api: openai, base_url: \"https://api.x.ai/v1\", api_key: k, "
		"models: [grok]}}\nregistry: [prices.json]\n",
		false, &c);
	ck_assert_str_eq(report, "");
	ck_assert_int_eq(c->targets[0]->facts.context_tokens, 2000000);
	config_unref(c);
	free(report);
	support_put("prices.json", "{\n\"a\": {\"b\": ?}}", 0600);
	report = support_read_there(ONE "registry: [prices.json]\n", false, &c);
	ck_assert_str_eq(report, "2:12: not valid JSON: expected a value\n");
	free(report);
	support_remove_folder();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("registry_litellm");
	TCase *whole = tcase_create("a list"), *tests = tcase_create("its faults");

	tcase_add_checked_fixture(whole, begin, end);
	tcase_add_test(whole, a_model_comes_with_all_that_is_said_of_it);
	tcase_add_test(whole, providers_are_called_as_they_are_here);
	tcase_add_test(whole, a_price_that_is_missing_is_unknown_and_one_of_nothing_is_free);
	tcase_add_test(whole, noise_beyond_a_picodollar_is_rounded);
	tcase_add_test(whole, what_makes_pictures_is_not_there);
	suite_add_tcase(suite, whole);
	tcase_add_checked_fixture(tests, NULL, end);
	tcase_add_loop_test(tests, faults_are_told_with_their_place, 0, UTIL_COUNT(faulty));
	tcase_add_test(tests, what_is_nested_too_deep_is_a_fault);
	tcase_add_test(tests, of_many_faults_ten_are_told_and_the_rest_counted);
	tcase_add_test(tests, a_list_is_known_by_its_first_byte);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
