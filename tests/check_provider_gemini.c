/* SPDX-License-Identifier: MIT */
/* What the family gemini makes of chats and replies, in its API's real shapes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "support/family.h"

static const struct {
	const char *model, *chat, *body;
} requests[] = {
	{"gemini-2.5-flash", "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]}"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"temperature\":0"
		".5,\"top_p\":0.9,\"max_tokens\":64,\"stop\":[\"a\",\"\"],\"seed\":-7,\"u"
		"ser\":\"u\"}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
		"rationConfig\":{\"maxOutputTokens\":64,\"temperature\":0.5,\"topP\":0.9,"
		"\"stopSequences\":[\"a\",\"\"],\"seed\":-7}}"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"system\",\"content\":\"s1\"},{\"role\":\"user"
		"\",\"content\":\"hi\"},{\"role\":\"developer\",\"content\":[{\"type\":\""
		"text\",\"text\":\"s2\"}]},{\"role\":\"assistant\",\"content\":\"y\"},{\"r"
		"ole\":\"user\",\"content\":\"hi\"}]}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role"
		"\":\"model\",\"parts\":[{\"text\":\"y\"}]},{\"role\":\"user\",\"parts\":["
		"{\"text\":\"hi\"}]}],\"systemInstruction\":{\"parts\":[{\"text\":\"s1\"}"
		",{\"text\":\"s2\"}]}}"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant"
		"\",\"content\":\"The \"}]}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role"
		"\":\"model\",\"parts\":[{\"text\":\"The \"}]}]}"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text"
		"\":\"a\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/pn"
		"g;base64,AAAA\"}},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https"
		"://x.test/cat.png?v=1\"}},{\"type\":\"image_url\",\"image_url\":\"https:"
		"//x.test/y\"}]}]}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a\"},{\"inlineD"
		"ata\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}},{\"fileData\":{\"m"
		"imeType\":\"image/png\",\"fileUri\":\"https://x.test/cat.png?v=1\"}},{\""
		"fileData\":{\"fileUri\":\"https://x.test/y\"}}]}]}"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"th"
		"e weather \342\230\202\",\"parameters\":{\"type\":\"object\",\"propertie"
		"s\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]},\"strict\""
		":true}},{\"type\":\"function\",\"function\":{\"name\":\"now\"}}]}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
		"s\":[{\"functionDeclarations\":[{\"name\":\"weather\",\"description\":\""
		"the weather \342\230\202\",\"parametersJsonSchema\":{\"type\":\"object\""
		",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]"
		"}},{\"name\":\"now\"}]}]}"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"th"
		"e weather \342\230\202\",\"parameters\":{\"type\":\"object\",\"propertie"
		"s\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]},\"strict\""
		":true}},{\"type\":\"function\",\"function\":{\"name\":\"now\"}}],\"tool_"
		"choice\":\"auto\"}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
		"s\":[{\"functionDeclarations\":[{\"name\":\"weather\",\"description\":\""
		"the weather \342\230\202\",\"parametersJsonSchema\":{\"type\":\"object\""
		",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]"
		"}},{\"name\":\"now\"}]}]}"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"th"
		"e weather \342\230\202\",\"parameters\":{\"type\":\"object\",\"propertie"
		"s\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]},\"strict\""
		":true}},{\"type\":\"function\",\"function\":{\"name\":\"now\"}}],\"tool_"
		"choice\":\"required\"}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
		"s\":[{\"functionDeclarations\":[{\"name\":\"weather\",\"description\":\""
		"the weather \342\230\202\",\"parametersJsonSchema\":{\"type\":\"object\""
		",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]"
		"}},{\"name\":\"now\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mo"
		"de\":\"ANY\"}}}"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"th"
		"e weather \342\230\202\",\"parameters\":{\"type\":\"object\",\"propertie"
		"s\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]},\"strict\""
		":true}},{\"type\":\"function\",\"function\":{\"name\":\"now\"}}],\"tool_"
		"choice\":{\"type\":\"function\",\"function\":{\"name\":\"now\"}}}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
		"s\":[{\"functionDeclarations\":[{\"name\":\"weather\",\"description\":\""
		"the weather \342\230\202\",\"parametersJsonSchema\":{\"type\":\"object\""
		",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]"
		"}},{\"name\":\"now\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mo"
		"de\":\"ANY\",\"allowedFunctionNames\":[\"now\"]}}}"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"th"
		"e weather \342\230\202\",\"parameters\":{\"type\":\"object\",\"propertie"
		"s\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]},\"strict\""
		":true}}],\"tool_choice\":\"none\"}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]}"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
		"ant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"fun"
		"ction\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\""
		":\\\"K\303\266ln\\\",\\\"big\\\":9007199254740993}\"}},{\"id\":\"toolu_2"
		"\",\"type\":\"function\",\"function\":{\"name\":\"now\",\"arguments\":\""
		"\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"rain"
		"\"},{\"role\":\"tool\",\"tool_call_id\":\"toolu_2\",\"content\":\"\"},{"
		"\"role\":\"user\",\"content\":\"hi\"}]}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role"
		"\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"call_1\",\"name\":\""
		"weather\",\"args\":{\"city\":\"K\303\266ln\",\"big\":9007199254740993}}}"
		",{\"functionCall\":{\"id\":\"toolu_2\",\"name\":\"now\",\"args\":{}}}]},"
		"{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"call_1\","
		"\"name\":\"weather\",\"response\":{\"output\":\"rain\"}}},{\"functionRes"
		"ponse\":{\"id\":\"toolu_2\",\"name\":\"now\",\"response\":{\"output\":\""
		"\"}}}]},{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]}"},
	{"gemini-3.6-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
		"ant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"fun"
		"ction\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\""
		":\\\"K\303\266ln\\\",\\\"big\\\":9007199254740993}\"}},{\"id\":\"toolu_2"
		"\",\"type\":\"function\",\"function\":{\"name\":\"now\",\"arguments\":\""
		"\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"rain"
		"\"},{\"role\":\"tool\",\"tool_call_id\":\"toolu_2\",\"content\":\"\"}]}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role"
		"\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"call_1\",\"name\":\""
		"weather\",\"args\":{\"city\":\"K\303\266ln\",\"big\":9007199254740993}},"
		"\"thoughtSignature\":\"skip_thought_signature_validator\"},{\"functionCa"
		"ll\":{\"id\":\"toolu_2\",\"name\":\"now\",\"args\":{}}}]},{\"role\":\"us"
		"er\",\"parts\":[{\"functionResponse\":{\"id\":\"call_1\",\"name\":\"weat"
		"her\",\"response\":{\"output\":\"rain\"}}},{\"functionResponse\":{\"id\""
		":\"toolu_2\",\"name\":\"now\",\"response\":{\"output\":\"\"}}}]}]}"},
	{"gemini-3.6-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
		"ant\",\"content\":\"I look\",\"tool_calls\":[{\"id\":\"call_1\",\"type\""
		":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"ci"
		"ty\\\":\\\"K\303\266ln\\\",\\\"big\\\":9007199254740993}\"},\"extra_cont"
		"ent\":{\"google\":{\"thought_signature\":\"c2ln\"}}},{\"id\":\"toolu_2\""
		",\"type\":\"function\",\"function\":{\"name\":\"now\",\"arguments\":\"\""
		"}}]},{\"role\":\"tool\",\"tool_call_id\":\"toolu_2\",\"content\":[{\"typ"
		"e\":\"text\",\"text\":\"12\"},{\"type\":\"image_url\",\"image_url\":{\"u"
		"rl\":\"data:image/png;base64,AAAA\"}}]},{\"role\":\"tool\",\"tool_call_i"
		"d\":\"call_1\",\"content\":\"rain\"}]}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role"
		"\":\"model\",\"parts\":[{\"text\":\"I look\"},{\"functionCall\":{\"id\":"
		"\"call_1\",\"name\":\"weather\",\"args\":{\"city\":\"K\303\266ln\",\"big"
		"\":9007199254740993}},\"thoughtSignature\":\"c2ln\"},{\"functionCall\":{"
		"\"id\":\"toolu_2\",\"name\":\"now\",\"args\":{}}}]},{\"role\":\"user\","
		"\"parts\":[{\"functionResponse\":{\"id\":\"toolu_2\",\"name\":\"now\",\""
		"response\":{\"output\":\"12\"}}},{\"inlineData\":{\"mimeType\":\"image/p"
		"ng\",\"data\":\"AAAA\"}},{\"functionResponse\":{\"id\":\"call_1\",\"name"
		"\":\"weather\",\"response\":{\"output\":\"rain\"}}}]}]}"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_format"
		"\":{\"type\":\"json_object\"}}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
		"rationConfig\":{\"responseMimeType\":\"application/json\"}}"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_format"
		"\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":"
		"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"maxim"
		"um\":9007199254740993}},\"additionalProperties\":false}}}}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
		"rationConfig\":{\"responseMimeType\":\"application/json\",\"responseJson"
		"Schema\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer"
		"\",\"maximum\":9007199254740993}},\"additionalProperties\":false}}}"},
	{"gemini-3.6-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_format"
		"\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":"
		"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"maxim"
		"um\":9007199254740993}},\"additionalProperties\":false}}},\"tools\":[{\""
		"type\":\"function\",\"function\":{\"name\":\"now\"}}]}",
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
		"s\":[{\"functionDeclarations\":[{\"name\":\"now\"}]}],\"generationConfig"
		"\":{\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\""
		"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"maximum"
		"\":9007199254740993}},\"additionalProperties\":false}}}"},
};

START_TEST(a_chat_is_translated)
{
	struct family_request request = family_ask("gemini", requests[_i].model, requests[_i].chat);
	char *url = x_asprintf(
		"https://generativelanguage.googleapis.com/v1beta/models/%s:generateContent",
		requests[_i].model);

	ck_assert_msg(request.error == 0, "%s", request.why);
	ck_assert_str_eq(request.body, requests[_i].body);
	ck_assert_str_eq(request.url, url);
	ck_assert_str_eq(request.headers,
		"Accept: application/json\n"
		"Content-Type: application/json\n"
		"x-goog-api-key: k\n");
	family_request_free(&request);
	free(url);
}
END_TEST

static const struct {
	const char *model, *chat, *why;
} refusals[] = {
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_format"
		"\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":"
		"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"maxim"
		"um\":9007199254740993}},\"additionalProperties\":false}}},\"tools\":[{\""
		"type\":\"function\",\"function\":{\"name\":\"now\"}}]}",
		"gemini cannot take tools and a JSON response_format in one request"},
	{"gemini-2.0-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
		"\"image_url\":{\"url\":\"https://x.test/cat.png?v=1\"}}]}]}",
		"gemini takes no images by URL"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stop\":[\"a\","
		"\"b\",\"c\",\"d\",\"e\",\"f\"]}",
		"gemini takes no more than 5 stop texts"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":21474836"
		"48}",
		"gemini takes seeds of 32 bits only"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_format"
		"\":{\"type\":\"grammar\"}}",
		"gemini takes no other response_format than text, json_object and json_sc"
		"hema"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_format"
		"\":{\"type\":\"json_schema\"}}",
		"response_format json_schema holds no schema"},
	{"gemini-2.5-flash", "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}]}",
		"gemini takes no system message without another"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"name\":\"bob\",\"content\":\"x\"}]}",
		"gemini cannot carry the names of speakers"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file"
		"\":{}}]}]}",
		"gemini takes no audio or files"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
		"e\":\"function\",\"function\":{\"name\":\"now\"}}],\"tool_choice\":\"may"
		"be\"}",
		"gemini has no such tool_choice"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"tool\""
		",\"tool_call_id\":\"z\",\"content\":\"x\"}]}",
		"the result of a tool answers no call of the message before"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
		"ant\",\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{"
		"\"name\":\"f\",\"arguments\":\"x\"}}]}]}",
		"the arguments of a tool call are not a JSON object"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
		"ant\",\"tool_calls\":[{\"id\":\"a\"}]}]}",
		"a tool call has no name"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
		"ant\",\"content\":null,\"tool_calls\":[]}]}",
		"gemini takes no empty message"},
	{"gemini-2.5-flash",
		"{\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"image_url\""
		",\"image_url\":\"https://h/x.png\"}]},{\"role\":\"user\",\"content\":\"hi\"}]}",
		"gemini takes no images in a system message"},
};

START_TEST(what_it_cannot_say_is_refused_with_the_reason)
{
	struct family_request request = family_ask("gemini", refusals[_i].model, refusals[_i].chat);

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

	struct family_request request = family_ask("gemini", "m", shapes[_i]);
	ck_assert(request.error == 0 || request.error == LLMFO_EBAD_REQUEST);
	family_request_free(&request);
}
END_TEST

static const struct {
	const char *body, *wanted;
} answers[] = {
	{"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"I think\",\"though"
	 "t\":true},{\"text\":\"Hello\"},{\"text\":\" \342\230\203\"}],\"role\":\""
	 "model\"},\"index\":0,\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"pr"
	 "omptTokenCount\":10,\"toolUsePromptTokenCount\":2,\"candidatesTokenCount"
	 "\":4,\"thoughtsTokenCount\":3,\"cachedContentTokenCount\":5,\"totalToken"
	 "Count\":19},\"modelVersion\":\"m\"}",
		"{\"text\":\"Hello \342\230\203\",\"finish\":\"stop\",\"usage\":[12,7,5,1"
		"9]}"},
	{"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"cut\"}],\"role\":"
	 "\"model\"},\"index\":0,\"finishReason\":\"MAX_TOKENS\"}],\"usageMetadata"
	 "\":{\"promptTokenCount\":3,\"totalTokenCount\":3},\"modelVersion\":\"m\""
	 "}",
		"{\"text\":\"cut\",\"finish\":\"length\",\"usage\":[3,0,0,3]}"},
	{"{\"candidates\":[{\"content\":{\"parts\":[],\"role\":\"model\"},\"index"
	 "\":0,\"finishReason\":\"MAX_TOKENS\"}],\"modelVersion\":\"m\"}",
		"{\"text\":\"\",\"finish\":\"length\",\"usage\":[]}"},
	{"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}],\"role\":\"m"
	 "odel\"},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":10,\"toolU"
	 "sePromptTokenCount\":2,\"candidatesTokenCount\":4,\"thoughtsTokenCount\""
	 ":3,\"cachedContentTokenCount\":5,\"totalTokenCount\":19},\"modelVersion"
	 "\":\"m\"}",
		"{\"text\":\"x\",\"finish\":\"stop\",\"usage\":[12,7,5,19]}"},
	{"{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\""
	 "weather\",\"args\":{\"city\":\"K\303\266ln\",\"big\":9007199254740993}},"
	 "\"thoughtSignature\":\"c2ln\"},{\"functionCall\":{\"id\":\"x\",\"name\":"
	 "\"now\"}}],\"role\":\"model\"},\"index\":0,\"finishReason\":\"STOP\"}],"
	 "\"usageMetadata\":{\"promptTokenCount\":10,\"toolUsePromptTokenCount\":2"
	 ",\"candidatesTokenCount\":4,\"thoughtsTokenCount\":3,\"cachedContentToke"
	 "nCount\":5,\"totalTokenCount\":19},\"modelVersion\":\"m\"}",
		"{\"text\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"weather\",\"arg"
		"uments\":\"{\\\"city\\\":\\\"K\303\266ln\\\",\\\"big\\\":900719925474099"
		"3}\"},\"extra_content\":{\"google\":{\"thought_signature\":\"c2ln\"}},\""
		"id\":\"call_d2066610_0\",\"type\":\"function\"},{\"id\":\"x\",\"function"
		"\":{\"name\":\"now\",\"arguments\":\"{}\"},\"type\":\"function\"}],\"fin"
		"ish\":\"tool_calls\",\"usage\":[12,7,5,19]}"},
	{"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"some\"}],\"role\":"
	 "\"model\"},\"index\":0,\"finishReason\":\"SAFETY\"}],\"usageMetadata\":{"
	 "\"promptTokenCount\":10,\"toolUsePromptTokenCount\":2,\"candidatesTokenC"
	 "ount\":4,\"thoughtsTokenCount\":3,\"cachedContentTokenCount\":5,\"totalT"
	 "okenCount\":19},\"modelVersion\":\"m\"}",
		"{\"text\":\"some\",\"finish\":\"content_filter\",\"usage\":[12,7,5,19]}"},
	{"{\"candidates\":[{\"content\":{\"parts\":[],\"role\":\"model\"},\"index"
	 "\":0,\"finishReason\":\"SAFETY\"}],\"usageMetadata\":{\"promptTokenCount"
	 "\":10,\"toolUsePromptTokenCount\":2,\"candidatesTokenCount\":4,\"thought"
	 "sTokenCount\":3,\"cachedContentTokenCount\":5,\"totalTokenCount\":19},\""
	 "modelVersion\":\"m\"}",
		"content_policy"},
	{"{\"candidates\":[{\"content\":{\"parts\":[],\"role\":\"model\"},\"index"
	 "\":0,\"finishReason\":\"RECITATION\"}],\"usageMetadata\":{\"promptTokenC"
	 "ount\":10,\"toolUsePromptTokenCount\":2,\"candidatesTokenCount\":4,\"tho"
	 "ughtsTokenCount\":3,\"cachedContentTokenCount\":5,\"totalTokenCount\":19"
	 "},\"modelVersion\":\"m\"}",
		"content_policy"},
	{"{\"candidates\":[{\"content\":{\"parts\":[],\"role\":\"model\"},\"index"
	 "\":0,\"finishReason\":\"MALFORMED_FUNCTION_CALL\",\"finishMessage\":\"Ma"
	 "lformed function call: print(\"}],\"usageMetadata\":{\"promptTokenCount"
	 "\":10,\"toolUsePromptTokenCount\":2,\"candidatesTokenCount\":4,\"thought"
	 "sTokenCount\":3,\"cachedContentTokenCount\":5,\"totalTokenCount\":19},\""
	 "modelVersion\":\"m\"}",
		"malformed_response"},
	{"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}],\"role\":\"m"
	 "odel\"},\"index\":0,\"finishReason\":\"UNEXPECTED_TOOL_CALL\"}],\"usageM"
	 "etadata\":{\"promptTokenCount\":10,\"toolUsePromptTokenCount\":2,\"candi"
	 "datesTokenCount\":4,\"thoughtsTokenCount\":3,\"cachedContentTokenCount\""
	 ":5,\"totalTokenCount\":19},\"modelVersion\":\"m\"}",
		"malformed_response"},
	{"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}],\"role\":\"m"
	 "odel\"},\"index\":0,\"finishReason\":\"OTHER\"}],\"usageMetadata\":{\"pr"
	 "omptTokenCount\":10,\"toolUsePromptTokenCount\":2,\"candidatesTokenCount"
	 "\":4,\"thoughtsTokenCount\":3,\"cachedContentTokenCount\":5,\"totalToken"
	 "Count\":19},\"modelVersion\":\"m\"}",
		"malformed_response!"},
	{"{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"args\":{}"
	 "}}],\"role\":\"model\"},\"index\":0,\"finishReason\":\"STOP\"}],\"usageM"
	 "etadata\":{\"promptTokenCount\":10,\"toolUsePromptTokenCount\":2,\"candi"
	 "datesTokenCount\":4,\"thoughtsTokenCount\":3,\"cachedContentTokenCount\""
	 ":5,\"totalTokenCount\":19},\"modelVersion\":\"m\"}",
		"malformed_response"},
	{"{\"candidates\":[{\"content\":{\"parts\":[],\"role\":\"model\"},\"index"
	 "\":0,\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\""
	 ":10,\"toolUsePromptTokenCount\":2,\"candidatesTokenCount\":4,\"thoughtsT"
	 "okenCount\":3,\"cachedContentTokenCount\":5,\"totalTokenCount\":19},\"mo"
	 "delVersion\":\"m\"}",
		"malformed_response!"},
	{"{\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"},\"usageMeta"
	 "data\":{\"promptTokenCount\":10,\"toolUsePromptTokenCount\":2,\"candidat"
	 "esTokenCount\":4,\"thoughtsTokenCount\":3,\"cachedContentTokenCount\":5,"
	 "\"totalTokenCount\":19}}",
		"content_policy"},
	{"{\"error\":{\"code\":503,\"message\":\"The model is overloaded. Please t"
	 "ry again later.\",\"status\":\"UNAVAILABLE\"}}",
		"overloaded!"},
	{"", "malformed_response!"},
	{"{}", "malformed_response!"},
	{"<html>", "malformed_response!"},
};

START_TEST(an_answer_comes_back_in_openai_s_form)
{
	char *got = family_read("gemini", answers[_i].body);

	ck_assert_str_eq(got, answers[_i].wanted);
	free(got);
}
END_TEST

static const struct {
	const char *base_url, *url;
} checks[] = {
	{"https://generativelanguage.googleapis.com",
		"https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000"},
	{"http://h/v1beta", "http://h/v1beta/models?pageSize=1000"},
	{"http://h/v1", "http://h/v1/models?pageSize=1000"},
	{"http://h/v1beta/openai", "http://h/v1beta/models?pageSize=1000"},
};

START_TEST(a_check_asks_for_the_models)
{
	struct provider_endpoint endpoint = {
		provider_preset("gemini"), checks[_i].base_url, "k", NULL};
	struct http_request http;

	http_request_init(&http, 0);
	ck_assert_int_eq(provider_gemini.check(&endpoint, &http), 0);
	ck_assert_str_eq(http.method, "GET");
	ck_assert_str_eq(http.url, checks[_i].url);
	ck_assert_str_eq(http.headers.data,
		"Accept: application/json\n"
		"x-goog-api-key: k\n");
	http_request_free(&http);
}
END_TEST

static const struct {
	const char *body, *model;
	int found;
} lists[] = {
	{"{\"models\":[{\"name\":\"models/gemini-2.5-flash\"},{\"name\":\"models/g"
	 "emini-2.5-pro\"}]}",
		"gemini-2.5-flash", 1},
	{"{\"models\":[{\"name\":\"models/gemini-2.5-flash\"},{\"name\":\"models/g"
	 "emini-2.5-pro\"}]}",
		"models/gemini-2.5-flash", 1},
	{"{\"models\":[{\"name\":\"models/gemini-2.5-flash\"},{\"name\":\"models/g"
	 "emini-2.5-pro\"}]}",
		"gemini-2.5", 0},
	{"{\"models\":null}", "x", -1},
	{"", "x", -1},
};

START_TEST(a_model_is_found_by_all_its_names)
{
	ck_assert_int_eq(provider_gemini.check_has_model(
				 lists[_i].body, strlen(lists[_i].body), lists[_i].model),
		lists[_i].found);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("provider_gemini");
	TCase *tcase = tcase_create("family");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, a_chat_is_translated, 0, (int)UTIL_COUNT(requests));
	tcase_add_loop_test(
		tcase, what_it_cannot_say_is_refused_with_the_reason, 0, (int)UTIL_COUNT(refusals));
	tcase_add_loop_test(tcase, chats_of_any_shape_do_no_harm, 0, 10);
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
