/* SPDX-License-Identifier: MIT */
/* What the family anthropic makes of chats and replies, in its API's real shapes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "support/family.h"

static const struct {
	const char *model, *chat, *body;
} requests[] = {
	{"claude-haiku-4-5", "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]}"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"temperature\":0"
		".5,\"top_p\":1,\"max_tokens\":64,\"stop\":[\"a\",\"END\"],\"user\":\"u\""
		"}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":64,\"temperature\":0.5,\""
		"stop_sequences\":[\"a\",\"END\"],\"metadata\":{\"user_id\":\"u\"},\"mess"
		"ages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi"
		"\"}]}]}"},
	{"claude-3-haiku-20240307", "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
		"{\"model\":\"claude-3-haiku-20240307\",\"max_tokens\":4096,\"messages\":"
		"[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]}"},
	{"claude-3-haiku-20240307",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"temperature\":0"
		".5,\"top_p\":1}",
		"{\"model\":\"claude-3-haiku-20240307\",\"max_tokens\":4096,\"temperature"
		"\":0.5,\"top_p\":1.0,\"messages\":[{\"role\":\"user\",\"content\":[{\"ty"
		"pe\":\"text\",\"text\":\"hi\"}]}]}"},
	{"claude-sonnet-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"temperature\":1"
		"}",
		"{\"model\":\"claude-sonnet-5\",\"max_tokens\":8192,\"messages\":[{\"role"
		"\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]}"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"system\",\"content\":\"s1\"},{\"role\":\"user"
		"\",\"content\":\"hi\"},{\"role\":\"developer\",\"content\":[{\"type\":\""
		"text\",\"text\":\"s2\"},{\"type\":\"text\",\"text\":\"s3\"}]},{\"role\":"
		"\"system\",\"content\":\"\"}]}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}],\"syste"
		"m\":[{\"type\":\"text\",\"text\":\"s1\"},{\"type\":\"text\",\"text\":\"s"
		"2\"},{\"type\":\"text\",\"text\":\"s3\"}]}"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text"
		"\":\"a\"},{\"type\":\"text\",\"text\":\" \\n\"},{\"type\":\"image_url\","
		"\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}},{\"type\":\"imag"
		"e_url\",\"image_url\":{\"url\":\"https://x.test/cat.png?v=1\"}},{\"type"
		"\":\"text\",\"text\":\"\"}]}]}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a \\n\"},{\"type"
		"\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png"
		"\",\"data\":\"AAAA\"}},{\"type\":\"image\",\"source\":{\"type\":\"url\","
		"\"url\":\"https://x.test/cat.png?v=1\"}}]}]}"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"th"
		"e weather \342\230\202\",\"parameters\":{\"type\":\"object\",\"propertie"
		"s\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]},\"strict\""
		":true}},{\"type\":\"function\",\"function\":{\"name\":\"now\"}}]}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}],\"tools"
		"\":[{\"name\":\"weather\",\"description\":\"the weather \342\230\202\","
		"\"input_schema\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\""
		":\"string\"}},\"required\":[\"city\"]},\"strict\":true},{\"name\":\"now"
		"\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}]}"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"th"
		"e weather \342\230\202\",\"parameters\":{\"type\":\"object\",\"propertie"
		"s\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]},\"strict\""
		":true}},{\"type\":\"function\",\"function\":{\"name\":\"now\"}}],\"tool_"
		"choice\":\"auto\"}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}],\"tools"
		"\":[{\"name\":\"weather\",\"description\":\"the weather \342\230\202\","
		"\"input_schema\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\""
		":\"string\"}},\"required\":[\"city\"]},\"strict\":true},{\"name\":\"now"
		"\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_cho"
		"ice\":{\"type\":\"auto\"}}"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"th"
		"e weather \342\230\202\",\"parameters\":{\"type\":\"object\",\"propertie"
		"s\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]},\"strict\""
		":true}},{\"type\":\"function\",\"function\":{\"name\":\"now\"}}],\"tool_"
		"choice\":\"none\"}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}],\"tools"
		"\":[{\"name\":\"weather\",\"description\":\"the weather \342\230\202\","
		"\"input_schema\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\""
		":\"string\"}},\"required\":[\"city\"]},\"strict\":true},{\"name\":\"now"
		"\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_cho"
		"ice\":{\"type\":\"none\"}}"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"th"
		"e weather \342\230\202\",\"parameters\":{\"type\":\"object\",\"propertie"
		"s\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]},\"strict\""
		":true}},{\"type\":\"function\",\"function\":{\"name\":\"now\"}}],\"tool_"
		"choice\":\"required\"}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}],\"tools"
		"\":[{\"name\":\"weather\",\"description\":\"the weather \342\230\202\","
		"\"input_schema\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\""
		":\"string\"}},\"required\":[\"city\"]},\"strict\":true},{\"name\":\"now"
		"\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_cho"
		"ice\":{\"type\":\"any\"}}"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"th"
		"e weather \342\230\202\",\"parameters\":{\"type\":\"object\",\"propertie"
		"s\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]},\"strict\""
		":true}},{\"type\":\"function\",\"function\":{\"name\":\"now\"}}],\"tool_"
		"choice\":{\"type\":\"function\",\"function\":{\"name\":\"now\"}}}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}],\"tools"
		"\":[{\"name\":\"weather\",\"description\":\"the weather \342\230\202\","
		"\"input_schema\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\""
		":\"string\"}},\"required\":[\"city\"]},\"strict\":true},{\"name\":\"now"
		"\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_cho"
		"ice\":{\"type\":\"tool\",\"name\":\"now\"}}"},
	{"claude-haiku-4-5", "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[]}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]}"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
		"ant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"fun"
		"ction\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\""
		":\\\"K\303\266ln\\\",\\\"big\\\":9007199254740993}\"}},{\"id\":\"toolu_2"
		"\",\"type\":\"function\",\"function\":{\"name\":\"now\",\"arguments\":\""
		"\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"rain"
		"\"},{\"role\":\"tool\",\"tool_call_id\":\"toolu_2\",\"content\":\"\"},{"
		"\"role\":\"user\",\"content\":\"hi\"}]}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]},{\"role"
		"\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"call_1\","
		"\"name\":\"weather\",\"input\":{\"city\":\"K\303\266ln\",\"big\":9007199"
		"254740993}},{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"now\","
		"\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result"
		"\",\"tool_use_id\":\"call_1\",\"content\":\"rain\"},{\"type\":\"tool_res"
		"ult\",\"tool_use_id\":\"toolu_2\",\"content\":\"\"}]},{\"role\":\"user\""
		",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]}"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
		"ant\",\"content\":\"let me see\",\"tool_calls\":[{\"id\":\"functions.now"
		":0\",\"type\":\"function\",\"function\":{\"name\":\"now\",\"arguments\":"
		"\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"functions.now:0\",\"con"
		"tent\":[{\"type\":\"text\",\"text\":\"12\"},{\"type\":\"image_url\",\"im"
		"age_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]}]}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]},{\"role"
		"\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"let me see\""
		"},{\"type\":\"tool_use\",\"id\":\"call_5d908299c288ad22\",\"name\":\"now"
		"\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_resu"
		"lt\",\"tool_use_id\":\"call_5d908299c288ad22\",\"content\":[{\"type\":\""
		"text\",\"text\":\"12\"},{\"type\":\"image\",\"source\":{\"type\":\"base6"
		"4\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}}]}]}]}"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_format"
		"\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":"
		"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"maxim"
		"um\":9007199254740993}},\"additionalProperties\":false}}}}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}],\"outpu"
		"t_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\""
		"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"maximum\":9007199"
		"254740993}},\"additionalProperties\":false}}}}"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_format"
		"\":{\"type\":\"text\"}}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]}"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
		"ant\",\"content\":\"{\"}]}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]},{\"role"
		"\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"{\"}]}]}"},
	/* What is to be gone on from ends in no white space, whatever it is made of. */
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"assistant\",\"content\":\"a \"},{\"role\":\"user"
		"\",\"content\":\"hi \"},{\"role\":\"assistant\",\"content\":[{\"type\":\"te"
		"xt\",\"text\":\" x \"},{\"type\":\"text\",\"text\":\"y \"},{\"type\":\"te"
		"xt\",\"text\":\" \\r\\n\\t\"}]}]}",
		"{\"model\":\"claude-haiku-4-5\",\"max_tokens\":8192,\"messages\":[{\"rol"
		"e\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"a \"}]},{\"ro"
		"le\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi \"}]},{\"role"
		"\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\" x \"},{\"type"
		"\":\"text\",\"text\":\"y\"}]}]}"},
};

START_TEST(a_chat_is_translated)
{
	struct family_request request =
		family_ask("anthropic", requests[_i].model, requests[_i].chat);
	char *url = x_asprintf("https://api.anthropic.com/v1/messages");

	ck_assert_msg(request.error == 0, "%s", request.why);
	ck_assert_str_eq(request.body, requests[_i].body);
	ck_assert_str_eq(request.url, url);
	ck_assert_str_eq(request.headers,
		"Accept: application/json\n"
		"Content-Type: application/json\n"
		"x-api-key: k\nanthropic-version: 2023-06-01\n");
	family_request_free(&request);
	free(url);
}
END_TEST

static const struct {
	const char *model, *chat, *why;
} refusals[] = {
	{"claude-haiku-4-5", "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1}",
		"anthropic takes no seed"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":1,\"resp"
		"onse_format\":{\"type\":\"json_object\"}}",
		"anthropic has no response_format json_object, takes no seed"},
	{"claude-3-haiku-20240307",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_format"
		"\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":"
		"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"maxim"
		"um\":9007199254740993}},\"additionalProperties\":false}}}}",
		"anthropic has no response_format json_schema"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"temperature\":1"
		".2}",
		"anthropic takes no temperature above 1"},
	{"claude-opus-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"temperature\":0"
		".2}",
		"anthropic takes no other temperature or top_p than 1"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"temperature\":0"
		".2,\"top_p\":0.5}",
		"anthropic takes temperature or top_p, not both"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stop\":[\"a\","
		"\"\\n\"]}",
		"anthropic takes no stop text of white space alone"},
	{"claude-opus-4-6",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
		"ant\",\"content\":\"{\"}]}",
		"anthropic cannot go on from the assistant's own last words"},
	{"claude-haiku-4-5", "{\"messages\":[{\"role\":\"user\",\"content\":\" \"}]}",
		"anthropic takes no empty message"},
	{"claude-haiku-4-5", "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}]}",
		"anthropic takes no system message without another"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"name\":\"bob\",\"content\":\"x\"}]}",
		"anthropic cannot carry the names of speakers"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\""
		",\"input_audio\":{}}]}]}",
		"anthropic takes no audio or files"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"custom\",\"custom\":{\"name\":\"x\"}}]}",
		"anthropic takes tools of type function only"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"function\",\"function\":{\"name\":\"now\"}}],\"tool_choice\":{\"ty"
		"pe\":\"allowed_tools\"}}",
		"anthropic has no such tool_choice"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"function\",\"function\":{\"name\":\"now\"}}],\"tool_choice\":\"may"
		"be\"}",
		"anthropic has no such tool_choice"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_format"
		"\":{\"type\":\"json_schema\"}}",
		"response_format json_schema holds no schema"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
		"\"image_url\":{\"url\":\"data:image/png,AA\"}}]}]}",
		"an image's data must be base64 with its type before it"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]"
		"}]}",
		"an image has no URL"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
		"ant\",\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{"
		"\"name\":\"f\",\"arguments\":\"[1]\"}}]}]}",
		"the arguments of a tool call are not a JSON object"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
		"ant\",\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]}]}",
		"a tool call has no id or no name"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"tool\""
		",\"content\":\"x\"}]}",
		"the result of a tool has no tool_call_id"},
	{"claude-haiku-4-5",
		"{\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"image_url\""
		",\"image_url\":\"https://h/x.png\"}]},{\"role\":\"user\",\"content\":\"hi\"}]}",
		"anthropic takes no images in a system message"},
};

START_TEST(what_it_cannot_say_is_refused_with_the_reason)
{
	struct family_request request =
		family_ask("anthropic", refusals[_i].model, refusals[_i].chat);

	ck_assert_int_eq(request.error, LLMFO_EBAD_REQUEST);
	ck_assert_str_eq(request.why, refusals[_i].why);
	family_request_free(&request);
}
END_TEST

START_TEST(chats_of_any_shape_do_no_harm)
{
	static const char *const shapes[] = {"{}", "{\"messages\":7}", "{\"messages\":{}}",
		"{\"messages\":[null,7,\"x\",[]]}", "{\"messages\":[{\"role\":7,\"content\":{}}]}",
		"{\"messages\":[{\"role\":\"tool\",\"tool_call_id\":7,\"tool_calls\":{}}]}",
		"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[null,{},7]}]}",
		"{\"messages\":[{\"role\":\"user\",\"content\":[null,7,[]]}]}",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":[null,7,{}],"
		"\"tool_choice\":[],\"response_format\":[]}",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":{\"a\":1},"
		"\"tool_choice\":{\"function\":7},\"response_format\":{\"type\":7}}"};

	struct family_request request = family_ask("anthropic", "m", shapes[_i]);
	ck_assert(request.error == 0 || request.error == LLMFO_EBAD_REQUEST);
	family_request_free(&request);
}
END_TEST

static const struct {
	const char *body, *wanted;
} answers[] = {
	{"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	 "\"m\",\"content\":[{\"type\":\"text\",\"text\":\"Hello\"},{\"type\":\"te"
	 "xt\",\"text\":\" \342\230\203\"}],\"stop_reason\":\"end_turn\",\"stop_se"
	 "quence\":null,\"usage\":{\"input_tokens\":10,\"cache_creation_input_toke"
	 "ns\":3,\"cache_read_input_tokens\":5,\"output_tokens\":7}}",
		"{\"text\":\"Hello \342\230\203\",\"finish\":\"stop\",\"usage\":[18,7,5,2"
		"5]}"},
	{"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	 "\"m\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signatur"
	 "e\":\"x\"},{\"type\":\"text\",\"text\":\"ok\"}],\"stop_reason\":\"stop_s"
	 "equence\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":10,\"cache_"
	 "creation_input_tokens\":3,\"cache_read_input_tokens\":5,\"output_tokens"
	 "\":7}}",
		"{\"text\":\"ok\",\"finish\":\"stop\",\"usage\":[18,7,5,25]}"},
	{"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	 "\"m\",\"content\":[{\"type\":\"text\",\"text\":\"cut\"}],\"stop_reason\""
	 ":\"max_tokens\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":10,\""
	 "cache_creation_input_tokens\":3,\"cache_read_input_tokens\":5,\"output_t"
	 "okens\":7}}",
		"{\"text\":\"cut\",\"finish\":\"length\",\"usage\":[18,7,5,25]}"},
	{"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	 "\"m\",\"content\":[{\"type\":\"text\",\"text\":\"cut\"}],\"stop_reason\""
	 ":\"model_context_window_exceeded\",\"stop_sequence\":null,\"usage\":{\"i"
	 "nput_tokens\":1,\"output_tokens\":2}}",
		"{\"text\":\"cut\",\"finish\":\"length\",\"usage\":[1,2,0,3]}"},
	{"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	 "\"m\",\"content\":[],\"stop_reason\":\"max_tokens\",\"stop_sequence\":nu"
	 "ll}",
		"{\"text\":\"\",\"finish\":\"length\",\"usage\":[]}"},
	{"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	 "\"m\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"stop_reason\":"
	 "\"pause_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":-1,\"o"
	 "utput_tokens\":2}}",
		"{\"text\":\"x\",\"finish\":\"stop\",\"usage\":[]}"},
	{"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	 "\"m\",\"content\":[{\"type\":\"text\",\"text\":\"I look\"},{\"type\":\"t"
	 "ool_use\",\"id\":\"toolu_1\",\"name\":\"weather\",\"input\":{\"city\":\""
	 "K\303\266ln\",\"big\":9007199254740993,\"f\":1.10}},{\"type\":\"tool_use"
	 "\",\"id\":\"toolu_2\",\"name\":\"now\",\"input\":{}}],\"stop_reason\":\""
	 "tool_use\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":10,\"cache"
	 "_creation_input_tokens\":3,\"cache_read_input_tokens\":5,\"output_tokens"
	 "\":7}}",
		"{\"text\":\"I look\",\"tool_calls\":[{\"id\":\"toolu_1\",\"function\":{"
		"\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"K\303\266ln\\\","
		"\\\"big\\\":9007199254740993,\\\"f\\\":1.10}\"},\"type\":\"function\"},{"
		"\"id\":\"toolu_2\",\"function\":{\"name\":\"now\",\"arguments\":\"{}\"},"
		"\"type\":\"function\"}],\"finish\":\"tool_calls\",\"usage\":[18,7,5,25]}"},
	{"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	 "\"m\",\"content\":[{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"input\":{"
	 "}}],\"stop_reason\":\"tool_use\",\"stop_sequence\":null,\"usage\":{\"inp"
	 "ut_tokens\":10,\"cache_creation_input_tokens\":3,\"cache_read_input_toke"
	 "ns\":5,\"output_tokens\":7}}",
		"malformed_response"},
	{"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	 "\"m\",\"content\":[],\"stop_reason\":\"end_turn\",\"stop_sequence\":null"
	 ",\"usage\":{\"input_tokens\":10,\"cache_creation_input_tokens\":3,\"cach"
	 "e_read_input_tokens\":5,\"output_tokens\":7}}",
		"malformed_response!"},
	{"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	 "\"m\",\"content\":[],\"stop_reason\":\"refusal\",\"stop_sequence\":null,"
	 "\"usage\":{\"input_tokens\":10,\"cache_creation_input_tokens\":3,\"cache"
	 "_read_input_tokens\":5,\"output_tokens\":7}}",
		"content_policy"},
	{"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	 "\"m\",\"content\":[{\"type\":\"text\",\"text\":\"I began\"}],\"stop_reas"
	 "on\":\"refusal\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":10,"
	 "\"cache_creation_input_tokens\":3,\"cache_read_input_tokens\":5,\"output"
	 "_tokens\":7}}",
		"content_policy"},
	{"", "malformed_response!"},
	{"[]", "malformed_response!"},
	{"{}", "malformed_response!"},
	{"<html>", "malformed_response!"},
	{"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\""
	 ":\"Overloaded\"}}",
		"overloaded!"},
	{"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	 "\"m\",\"content\":{\"a\":1},\"stop_reason\":\"end_turn\",\"stop_sequence"
	 "\":null,\"usage\":{\"input_tokens\":10,\"cache_creation_input_tokens\":3"
	 ",\"cache_read_input_tokens\":5,\"output_tokens\":7}}",
		"malformed_response!"},
	{"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	 "\"m\",\"content\":\"text\",\"stop_reason\":\"end_turn\",\"stop_sequence"
	 "\":null,\"usage\":{\"input_tokens\":10,\"cache_creation_input_tokens\":3"
	 ",\"cache_read_input_tokens\":5,\"output_tokens\":7}}",
		"malformed_response!"},
	{"{\"content\":[],\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"END\"}",
		"{\"text\":\"\",\"finish\":\"stop\",\"usage\":[]}"},
};

START_TEST(an_answer_comes_back_in_openai_s_form)
{
	char *got = family_read("anthropic", answers[_i].body);

	ck_assert_str_eq(got, answers[_i].wanted);
	free(got);
}
END_TEST

/* Each part costs its own bytes, not those of all before it. */
START_TEST(a_long_text_and_many_blank_ones_are_joined_in_one_go)
{
	static const char blank[] = ",{\"type\":\"text\",\"text\":\" \"}";
	enum { TEXT = 8 << 20, BLANKS = 50000 };
	struct buf chat;

	buf_init(&chat, (size_t)64 << 20);
	buf_puts(&chat,
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"");
	memset(buf_reserve(&chat, TEXT), 'x', TEXT);
	buf_added(&chat, TEXT);
	buf_puts(&chat, "\"}");
	for (int i = 0; i < BLANKS; i++)
		buf_puts(&chat, blank);
	buf_puts(&chat, "]}]}");
	struct family_request request = family_ask("anthropic", "claude-haiku-4-5", chat.data);
	ck_assert_int_eq(request.error, 0);
	const char *end = strchr(strstr(request.body, "xxxx"), '"');
	ck_assert_int_eq(strspn(end - BLANKS, " "), BLANKS);
	ck_assert_int_eq(end[-BLANKS - 1], 'x');
	family_request_free(&request);
	buf_free(&chat);
}
END_TEST

static const struct {
	const char *base_url, *url;
} checks[] = {
	{"https://api.anthropic.com", "https://api.anthropic.com/v1/models?limit=1000"},
	{"http://h:1/v1", "http://h:1/v1/models?limit=1000"},
	{"http://h/proxy", "http://h/proxy/v1/models?limit=1000"},
};

START_TEST(a_check_asks_for_the_models)
{
	struct provider_endpoint endpoint = {
		provider_preset("anthropic"), checks[_i].base_url, "k", NULL};
	struct http_request http;

	http_request_init(&http, 0);
	ck_assert_int_eq(provider_anthropic.check(&endpoint, &http), 0);
	ck_assert_str_eq(http.method, "GET");
	ck_assert_str_eq(http.url, checks[_i].url);
	ck_assert_str_eq(http.headers.data,
		"Accept: application/json\n"
		"x-api-key: k\nanthropic-version: 2023-06-01\n");
	http_request_free(&http);
}
END_TEST

static const struct {
	const char *body, *model;
	int found;
} lists[] = {
	{"{\"data\":[{\"type\":\"model\",\"id\":\"claude-haiku-4-5-20251001\"},{\""
	 "id\":\"claude-3-7-sonnet-20250219\"},{\"id\":\"claude-sonnet-5\"}],\"has"
	 "_more\":false}",
		"claude-haiku-4-5", 1},
	{"{\"data\":[{\"type\":\"model\",\"id\":\"claude-haiku-4-5-20251001\"},{\""
	 "id\":\"claude-3-7-sonnet-20250219\"},{\"id\":\"claude-sonnet-5\"}],\"has"
	 "_more\":false}",
		"claude-haiku-4-5-20251001", 1},
	{"{\"data\":[{\"type\":\"model\",\"id\":\"claude-haiku-4-5-20251001\"},{\""
	 "id\":\"claude-3-7-sonnet-20250219\"},{\"id\":\"claude-sonnet-5\"}],\"has"
	 "_more\":false}",
		"claude-3-7-sonnet-latest", 1},
	{"{\"data\":[{\"type\":\"model\",\"id\":\"claude-haiku-4-5-20251001\"},{\""
	 "id\":\"claude-3-7-sonnet-20250219\"},{\"id\":\"claude-sonnet-5\"}],\"has"
	 "_more\":false}",
		"claude-sonnet-5", 1},
	{"{\"data\":[{\"type\":\"model\",\"id\":\"claude-haiku-4-5-20251001\"},{\""
	 "id\":\"claude-3-7-sonnet-20250219\"},{\"id\":\"claude-sonnet-5\"}],\"has"
	 "_more\":false}",
		"claude-haiku-4", 0},
	{"{\"data\":[{\"type\":\"model\",\"id\":\"claude-haiku-4-5-20251001\"},{\""
	 "id\":\"claude-3-7-sonnet-20250219\"},{\"id\":\"claude-sonnet-5\"}],\"has"
	 "_more\":false}",
		"claude-opus-5", 0},
	{"{\"data\":[]}", "x", 0},
	{"{\"data\":7}", "x", -1},
	{"", "x", -1},
};

START_TEST(a_model_is_found_by_all_its_names)
{
	ck_assert_int_eq(provider_anthropic.check_has_model(
				 lists[_i].body, strlen(lists[_i].body), lists[_i].model),
		lists[_i].found);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("provider_anthropic");
	TCase *tcase = tcase_create("family");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, a_chat_is_translated, 0, (int)UTIL_COUNT(requests));
	tcase_add_loop_test(
		tcase, what_it_cannot_say_is_refused_with_the_reason, 0, (int)UTIL_COUNT(refusals));
	tcase_add_loop_test(tcase, chats_of_any_shape_do_no_harm, 0, 10);
	tcase_add_test(tcase, a_long_text_and_many_blank_ones_are_joined_in_one_go);
	tcase_add_loop_test(
		tcase, an_answer_comes_back_in_openai_s_form, 0, (int)UTIL_COUNT(answers));
	tcase_add_loop_test(tcase, a_check_asks_for_the_models, 0, (int)UTIL_COUNT(checks));
	tcase_add_loop_test(tcase, a_model_is_found_by_all_its_names, 0, (int)UTIL_COUNT(lists));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
