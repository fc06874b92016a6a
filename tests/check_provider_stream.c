/* SPDX-License-Identifier: MIT */
/*
 * Streamed answers of all families, in their APIs' real shapes: each is read in one piece, byte by
 * byte and cut at every point, and comes to the same.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/family.h"

/* In these texts ' stands for ", which C and JSON both want. */
#define DATA(json) "data: " json "\n\n"
#define NAMED(name, json) "event: " name "\ndata: " json "\n\n"
#define DONE DATA("[DONE]")

struct stream_row {
	const char *preset, *stream, *record;
};

/* ---- OpenAI's chunks ---- */

#define CHUNK(delta, finish) \
	DATA("{'id':'chatcmpl-1','object':'chat.completion.chunk','created':1795176000,'model':" \
	     "'gpt-4o','choices':[{'index':0,'delta':" delta ",'logprobs':null,'finish_reason'" \
	     ":" finish "}],'usage':null}")
#define ROLE CHUNK("{'role':'assistant','content':'','refusal':null}", "null")
#define TEXT(text) CHUNK("{'content':'" text "'}", "null")
#define STOP CHUNK("{}", "'stop'")
#define USAGE \
	DATA("{'id':'chatcmpl-1','object':'chat.completion.chunk','choices':[],'usage':" \
	     "{'prompt_tokens':10,'completion_tokens':5,'total_tokens':15," \
	     "'prompt_tokens_details':{'cached_tokens':4}}}")
#define CALLS(calls) CHUNK("{'tool_calls':[" calls "]}", "null")
#define CALL_F(id, arguments) \
	"<{'id':'" id "','function':{'name':'f','arguments':'" arguments "'},'type':'function'}>"

static const struct stream_row openai_rows[] = {
	{"openai", ROLE TEXT("Hello") TEXT(" \xf0\x9f\x8c\x8d\xe2\x82\xac.") STOP USAGE DONE,
		"Hello \xf0\x9f\x8c\x8d\xe2\x82\xac.|stop 10+5=15, 4 cached"},
	{"openai", TEXT("a") CHUNK("{'content':'b'}", "'length'") DONE, "ab|length"},
	{"openai", TEXT("a\\n\\u0000\\ud83c\\udf0d") STOP DONE, "a\n"},
	/* A pair that is cut between two events is no character. */
	{"openai", TEXT("a\\ud83c") TEXT("\\udf0db") STOP DONE,
		"a\xef\xbf\xbd\xef\xbf\xbd"
		"b|stop"},
	{"openai", TEXT("a\xff") STOP DONE, "a\xef\xbf\xbd|stop"},
	/* Ends: no [DONE], no empty line, something behind it, a cut within what does not matter.
         */
	{"openai", TEXT("a") STOP, "a|stop"},
	{"openai", TEXT("a") STOP "data: [DONE]", "a|stop"},
	{"openai", TEXT("a") STOP "data: [DO", "a|stop"},
	{"openai", TEXT("a") STOP DONE TEXT("b") "data: {\n\n\n", "a|stop"},
	{"openai",
		TEXT("a") STOP "data: {'choices':[],'usage':{'prompt_tokens':1,"
			       "'completion_tokens':2}}",
		"a|stop 1+2=3"},
	{"openai", TEXT("a") STOP TEXT("b") DONE, "ab|stop"},
	{"openai", TEXT("a") TEXT("b"),
		"ab|malformed_response!: the stream ended without a finish reason"},
	{"openai", TEXT("a") DONE,
		"a|malformed_response!: the stream ended without a finish reason"},
	{"openai", TEXT("a") "data: {'choices':[{'del",
		"a|malformed_response!: the stream ended without a finish reason"},
	{"openai", DONE, "|malformed_response!: the stream ended without a finish reason"},
	/* What came before it was known for a stream is not what is wrong with it. */
	{"openai", "<html>\n" TEXT("a"),
		"a|malformed_response!: the stream ended without a finish reason"},
	{"openai", "data: {'promptFeedback':{'blockReason':'PROHIBITED'}}\n\n",
		"|malformed_response!: the stream ended without a finish reason"},
	/* How events may look. */
	{"openai",
		": ping\r\n\r\ndata:{'choices':[{'delta':{'content':'a'}}]}\r\n\r\n"
		"event:\r\nid: 1\r\nretry:5\r\nunknown\r\nalso: this\r\n"
		"data: {'choices':[{'delta':{\r\ndata: 'content':'b'},\r\n"
		"data:'finish_reason':'stop'}]}\r\n\r\n:\r\ndata: [DONE]\r\n\r\n",
		"ab|stop"},
	{"openai",
		"\xef\xbb\xbf"
		"data: {'choices':[{'delta':{'content':'a'}}]}\r\rdata\r\r"
		"data: {'choices':[{'delta':{},'finish_reason':'stop'}]}\r\r",
		"a|stop"},
	{"openai", "\n\n: OPENROUTER PROCESSING\n\n\n\ndata:\n\ndata: \n\n" TEXT("a") STOP,
		"a|stop"},
	{"openai", "event: completion\n" TEXT("a") NAMED("ping", "{}") STOP, "a|stop"},
	/* What is no text. */
	{"openai",
		ROLE ROLE CHUNK("{'content':null}", "null") CHUNK("null", "null") TEXT("")
			CHUNK("{'content':'a','obfuscation':'xyz'}", "'stop'"),
		"a|stop"},
	{"openai",
		CHUNK("{'content':{'a':1}}", "null") CHUNK("{'content':5}", "null") TEXT("a") STOP,
		"a|stop"},
	{"deepseek", CHUNK("{'content':null,'reasoning_content':'hm'}", "null") TEXT("a") STOP,
		"a|stop~"},
	{"deepseek", CHUNK("{'content':'','reasoning_content':''}", "null") TEXT("a") STOP,
		"a|stop"},
	{"openrouter",
		CHUNK("{'content':'','reasoning':'hm','reasoning_details':[{}]}", "null") TEXT("a")
			STOP,
		"a|stop~"},
	{"mistral",
		CHUNK("{'content':[{'type':'thinking','thinking':[{'type':'text','text':'t'}]},"
		      "{'type':'text','text':'a'}]}",
			"null")
			DATA("{'choices':[{'index':0,'delta':{'content':''},'finish_reason':'stop'}"
			     "],"
			     "'usage':{'prompt_tokens':7,'total_tokens':9,'completion_tokens':2}}")
				DONE,
		"a|stop 7+2=9~"},
	{"mistral", TEXT("a") CHUNK("{'content':''}", "'model_length'"), "a|length"},
	{"groq",
		TEXT("a") DATA("{'choices':[{'index':0,'delta':{},'finish_reason':'stop'}],"
			       "'x_groq':{'id':'r','usage':{'prompt_tokens':3,"
			       "'completion_tokens':4,'total_tokens':7}}}") DONE,
		"a|stop 3+4=7"},
	{"azure",
		DATA("{'choices':[],'prompt_filter_results':[{'prompt_index':0}]}") TEXT("a") STOP,
		"a|stop"},
	{"together",
		DATA("{'choices':[{'index':0,'text':'a','delta':{'token_id':5,'content':'a'}"
		     "}]}") STOP,
		"a|stop"},
	/* Usage that grows with every chunk; usage that is none. */
	{"vllm",
		DATA("{'choices':[{'delta':{'content':'a'}}],'usage':{'prompt_tokens':3,"
		     "'completion_tokens':1}}") DATA("{'choices':[{'delta':{'content':'b'},'finish_"
						     "reason':'stop'}],'usage':"
						     "{'prompt_tokens':3,'completion_tokens':2}}")
			DONE,
		"ab|stop 3+2=5"},
	{"openai", TEXT("a") STOP DATA("{'choices':[],'usage':{'prompt_tokens':-1}}") DONE,
		"a|stop"},
	/* Answers without text. */
	{"openai", ROLE CHUNK("{}", "'length'"), "|length"},
	{"openai", ROLE STOP USAGE DONE, "|malformed_response!: the reply holds no answer"},
	{"openai", CHUNK("{'refusal':'I '}", "null") CHUNK("{'refusal':'cannot'}", "null") STOP,
		"I cannot|content_filter"},
	{"azure", TEXT("a") CHUNK("{}", "'content_filter'"), "a|content_filter"},
	{"azure", ROLE CHUNK("{}", "'content_filter'") DONE,
		"|content_policy: the answer was withheld"},
	/* Tool calls. */
	{"openai",
		CHUNK("{'role':'assistant','content':null,'tool_calls':[{'index':0,'id':'c1',"
		      "'type':'function','function':{'name':'f','arguments':''}}]}",
			"null") CALLS("{'index':0,'function':{'arguments':'{\\'x\\'   '}}")
			CALLS("{'index':0,'function':{'arguments':':1}'}}")
				CALLS("{'index':1,'id':'c2','type':'function','function':{'name':'"
				      "f','arguments':"
				      "'{}'}}") CHUNK("{}", "'tool_calls'") USAGE DONE,
		CALL_F("c1", "{\\'x\\'   :1}") CALL_F("c2", "{}") "|tool_calls 10+5=15, 4 cached~"},
	{"openai", TEXT("Let me see.") CALLS("{'index':0,'id':'c1','function':{'name':'f'}}") STOP,
		"Let me see." CALL_F("c1", "{}") "|tool_calls~"},
	/* Places that do not tell calls apart, pieces that say all again, arguments as an object.
         */
	{"gemini-openai",
		CALLS("{'index':0,'id':'c1','function':{'name':'f','arguments':'{}'}},"
		      "{'index':0,'id':'c2','function':{'name':'f','arguments':'{}'}}") STOP DONE,
		CALL_F("c1", "{}") CALL_F("c2", "{}") "|tool_calls~"},
	{"mistral",
		CALLS("{'id':'c1','function':{'name':'f','arguments':'{}'}},"
		      "{'id':'c2','function':{'name':'f','arguments':{'x':1}}}") STOP DONE,
		CALL_F("c1", "{}") CALL_F("c2", "{\\'x\\':1}") "|tool_calls~"},
	{"vllm",
		CALLS("{'index':0,'id':'c1','function':{'name':'f','arguments':'{'}}") CALLS(
			"{'index':0,'id':'c1','function':{'name':'f','arguments':'}'}}")
			CALLS("{'index':1,'id':'c2','function':{'name':'f','arguments':'{}'}}")
				CALLS("{'index':0,'function':{'arguments':''}}") STOP DONE,
		CALL_F("c1", "{}") CALL_F("c2", "{}") "|tool_calls~"},
	{"gemini-openai",
		CALLS("{'index':0,'id':'c1','function':{'name':'f','arguments':'{}'},"
		      "'extra_content':{'google':{'thought_signature':'s'}}}") STOP DONE,
		"<{'id':'c1','function':{'name':'f','arguments':'{}'},"
		"'extra_content':{'google':{'thought_signature':'s'}},'type':'function'}>"
		"|tool_calls~"},
	{"openai",
		CHUNK("{'function_call':{'name':'f','arguments':'{'}}", "null")
			CHUNK("{'function_call':{'arguments':'}'}}", "null")
				CHUNK("{}", "'function_call'"),
		"<{'function':{'name':'f','arguments':'{}'},'id':'call_141172f9_0','type':"
		"'function'}>|tool_calls~"},
	{"openai",
		CALLS("{'index':0,'id':'c1','function':{'name':'f','arguments':'{'}}")
			CHUNK("{}", "'length'"),
		"|malformed_response: the model called a tool with arguments that are no JSON "
		"object~"},
	{"openai", TEXT("a") CALLS("{'index':0,'function':{'arguments':'{}'}}") STOP,
		"a|malformed_response: the model called a tool without naming it~"},
	/* Errors within the stream. */
	{"openai", DATA("{'error':{'message':'m','type':'server_error','code':null}}"),
		"|server_error!: m"},
	{"groq",
		DATA("{'error':{'message':'The server had an error','type':'invalid_request_error'"
		     "}}") DONE,
		"|server_error!: The server had an error"},
	{"groq",
		TEXT("a") DATA("{'choices':[{'delta':{},'finish_reason':null}],'x_groq':{'error':"
			       "'over capacity'}}"),
		"a|overloaded!: over capacity"},
	{"vllm",
		TEXT("a") DATA("{'error':{'message':'EngineCore','type':'InternalServerError',"
			       "'code':500}}") DONE,
		"a|server_error!: EngineCore"},
	{"vllm", DATA("{'object':'error','message':'m','type':'BadRequestError','code':400}") DONE,
		"|bad_request: m"},
	{"mistral",
		DATA("{'object':'error','message':'Service tier capacity exceeded','code':"
		     "'3505'}"),
		"|overloaded!: Service tier capacity exceeded"},
	{"openai", DATA("{'error':'no'}"), "|server_error!: no"},
	{"openrouter",
		": OPENROUTER PROCESSING\n\n" TEXT("Hi")
			DATA("{'error':{'code':429,'message':'Rate limit exceeded','metadata':"
			     "{'error_type':'rate_limit_exceeded'}},'choices':[{'index':0,'delta':"
			     "{'content':''},'finish_reason':'error'}]}"),
		"Hi|rate_limited: Rate limit exceeded"},
	{"openrouter",
		TEXT("Hi") DATA("{'choices':[{'delta':{},'finish_reason':'error','error':"
				"{'code':502,'message':'gone','metadata':{'error_type':"
				"'provider_unavailable'}}}]}"),
		"Hi|unavailable!: gone"},
	{"openrouter", TEXT("Hi") CHUNK("{}", "'error'") DONE,
		"Hi|server_error!: the answer was withheld"},
	{"azure", NAMED("error", "{'error':{'code':'rate_limit_exceeded','message':'wait'}}"),
		"|rate_limited: wait"},
	{"azure", NAMED("error", "{'code':'429','message':'wait'}"), "|rate_limited: wait"},
	{"vllm", "event: error\ndata: it fell over\n\n", "|server_error!: it fell over"},
	{"llamacpp",
		TEXT("a") "error: {'code':503,'message':'Loading model','type':"
			  "'unavailable_error'}\n\n",
		"a|unavailable!: Loading model"},
	/* Events that are none. */
	{"openai", TEXT("a") DATA("{'broken': ") TEXT("b"),
		"a|malformed_response!: an event of the stream is not JSON"},
	{"openai", TEXT("a") DATA("5"),
		"a|malformed_response!: an event of the stream is not JSON"},
	/* Replies that are no stream. */
	{"openai", "", "|malformed_response!: an empty reply"},
	{"openai", "\n\n\n", "|malformed_response!: an empty reply"},
	{"openai", ": ping\n\n", "|malformed_response!: the stream ended without a finish reason"},
	{"openai", "<html><title>busy</title></html>",
		"|malformed_response!: a web page instead of an answer"},
	{"openai", "hello", "|malformed_response!: the reply is not JSON"},
	{"openai",
		"  \n{'id':'x','choices':[{'message':{'role':'assistant','content':'Hello'},"
		"'finish_reason':'stop'}],\n\n'usage':{'prompt_tokens':1,'completion_tokens':2}}\n",
		"Hello|stop 1+2=3"},
	{"openai",
		"{'choices':[{'message':{'content':'Hello','tool_calls':[{'id':'c','function':"
		"{'name':'f','arguments':'{}'}}]},'finish_reason':'stop'}]}",
		"Hello" CALL_F("c", "{}") "|tool_calls"},
	{"openai", "{'error':{'message':'m','type':'server_error'}}", "|server_error!: m"},
	{"openai", "{'choices':[{'message':{'content':'Hel",
		"|malformed_response!: the reply is not JSON"},
	{"gemini-openai", "[{'error':{'code':429,'message':'m','status':'RESOURCE_EXHAUSTED'}}]",
		"|rate_limited: m"},
};

/* ---- Anthropic's events ---- */

#define EVENT(type, rest) NAMED(type, "{'type':'" type "'" rest "}")
#define START \
	EVENT("message_start", \
		",'message':{'id':'msg_1','type':'message','role':'assistant','content':[]," \
		"'stop_reason':null,'usage':{'input_tokens':10,'cache_read_input_tokens':3," \
		"'cache_creation_input_tokens':2,'output_tokens':1}}")
#define BLOCK(at, block) EVENT("content_block_start", ",'index':" at ",'content_block':" block)
#define DELTA(at, delta) EVENT("content_block_delta", ",'index':" at ",'delta':" delta)
#define BLOCK_END(at) EVENT("content_block_stop", ",'index':" at)
#define END(reason) \
	EVENT("message_delta", \
		",'delta':{'stop_reason':" reason ",'stop_sequence':null}," \
		"'usage':{'output_tokens':5}") \
	EVENT("message_stop", "")
#define PING EVENT("ping", "")
#define SAID(text) DELTA("0", "{'type':'text_delta','text':'" text "'}")
#define WORDS BLOCK("0", "{'type':'text','text':''}") PING SAID("Hel") SAID("lo") BLOCK_END("0")
#define USE(at, id) BLOCK(at, "{'type':'tool_use','id':'" id "','name':'f','input':{}}")
#define INPUT(at, json) DELTA(at, "{'type':'input_json_delta','partial_json':'" json "'}")

static const struct stream_row anthropic_rows[] = {
	{"anthropic", START WORDS END("'end_turn'"), "Hello|stop 15+5=20, 3 cached"},
	{"anthropic", START WORDS END("'max_tokens'"), "Hello|length 15+5=20, 3 cached"},
	{"anthropic", START END("'max_tokens'"), "|length 15+5=20, 3 cached"},
	{"anthropic", START END("'stop_sequence'"), "|stop 15+5=20, 3 cached"},
	{"anthropic", START END("'end_turn'"), "|malformed_response!: the reply holds no answer"},
	{"anthropic", START END("'refusal'"), "|content_policy: the answer was withheld"},
	{"anthropic", START WORDS END("'refusal'"),
		"Hello|content_policy: the answer was withheld"},
	{"anthropic", START WORDS END("'something_new'") PING "data: {",
		"Hello|stop 15+5=20, 3 cached"},
	/* Usage that comes late, in full, or not at all. */
	{"anthropic",
		EVENT("message_start", ",'message':{'usage':{'input_tokens':0,'output_tokens':0}}")
			WORDS EVENT("message_delta",
				",'delta':{'stop_reason':'end_turn'},'usage':"
				"{'input_tokens':8,'cache_read_input_tokens':null,"
				"'output_tokens':2}") EVENT("message_stop", ""),
		"Hello|stop 8+2=10"},
	{"anthropic", WORDS END("'end_turn'"), "Hello|stop"},
	/* Ends. */
	{"anthropic", START WORDS EVENT("message_delta", ",'delta':{'stop_reason':'end_turn'}"),
		"Hello|stop 15+1=16, 3 cached"},
	{"anthropic", START WORDS,
		"Hello|malformed_response!: the stream ended without a finish reason"},
	{"anthropic", START WORDS EVENT("message_stop", ""),
		"Hello|malformed_response!: the stream ended without a finish reason"},
	/* Thoughts and tools. */
	{"anthropic",
		START BLOCK("0", "{'type':'thinking','thinking':'','signature':''}")
			DELTA("0", "{'type':'thinking_delta','thinking':'hm'}") DELTA(
				"0", "{'type':'signature_delta','signature':'s'}") BLOCK_END("0")
				BLOCK("1", "{'type':'redacted_thinking','data':'x'}") BLOCK_END("1")
					BLOCK("2", "{'type':'text','text':'a'}") DELTA(
						"2", "{'type':'citations_delta','citation':{}}")
						DELTA("2", "{'type':'text_delta','text':'b'}")
							BLOCK_END("2") END("'end_turn'"),
		"ab|stop 15+5=20, 3 cached~"},
	{"anthropic",
		START WORDS USE("1", "t1") INPUT("1", "") INPUT("1", "{\\'x\\'") INPUT("1", ": 1}")
			BLOCK_END("1") USE("2", "t2") BLOCK_END("2") END("'tool_use'"),
		"Hello" CALL_F("t1", "{\\'x\\': 1}")
			CALL_F("t2", "{}") "|tool_calls 15+5=20, 3 cached~"},
	{"anthropic",
		START BLOCK("0", "{'type':'tool_use','id':'t','name':'f','input':{'x':1}}")
			BLOCK_END("0") BLOCK(
				"1", "{'type':'server_tool_use','id':'s','name':'w','input':{}}")
				INPUT("1", "{}") BLOCK_END("1") END("'tool_use'"),
		CALL_F("t", "{\\'x\\':1}") "|tool_calls 15+5=20, 3 cached~"},
	{"anthropic", START USE("0", "t") INPUT("0", "{'") END("'max_tokens'"),
		"|malformed_response!: an event of the stream is not JSON~"},
	{"anthropic", START USE("0", "t") INPUT("0", "{") END("'max_tokens'"),
		"|malformed_response: the model called a tool with arguments that are no JSON "
		"object~"},
	/* Errors. */
	{"anthropic", EVENT("error", ",'error':{'type':'overloaded_error','message':'Overloaded'}"),
		"|overloaded!: Overloaded"},
	{"anthropic",
		START WORDS EVENT("error",
			",'error':{'type':'api_error','message':"
			"'Internal server error'}"),
		"Hello|server_error!: Internal server error"},
	{"anthropic",
		START EVENT("error",
			",'error':{'details':null,'type':'rate_limit_error',"
			"'message':'slow down'},'request_id':'r'"),
		"|rate_limited: slow down"},
	{"anthropic", "data: {'type':'error','error':null}\n\n",
		"|server_error!: the answer was withheld"},
	{"anthropic", START SAID("a") NAMED("content_block_delta", "{'type':'content_bl"),
		"a|malformed_response!: an event of the stream is not JSON"},
	/* No stream. */
	{"anthropic",
		"{'type':'message','content':[{'type':'text','text':'Hello'}],'stop_reason':"
		"'end_turn','usage':{'input_tokens':1,'output_tokens':2}}",
		"Hello|stop 1+2=3"},
	{"anthropic", "{'type':'error','error':{'type':'overloaded_error','message':'Overloaded'}}",
		"|overloaded!: Overloaded"},
};

/* ---- Ollama's lines ---- */

#define LINE(message, rest) \
	"{'model':'llama3.2','created_at':'2026-11-20T12:00:00.2Z','message':" message rest "}\n"
#define REPLY(text) LINE("{'role':'assistant','content':'" text "'}", ",'done':false")
#define LAST(text, rest) \
	LINE("{'role':'assistant','content':'" text "'}", \
		",'done':true,'total_duration':5,'prompt_eval_count':10,'eval_count':5" rest)

static const struct stream_row ollama_rows[] = {
	{"ollama", REPLY("Hel") REPLY("lo") LAST("", ",'done_reason':'stop'"),
		"Hello|stop 10+5=15"},
	{"ollama", REPLY("Hel") LAST("lo", ""), "Hello|stop 10+5=15"},
	{"ollama", REPLY("a") "\r\n\n" LAST("", ",'done_reason':'length'") REPLY("b") "{",
		"a|length 10+5=15"},
	{"ollama", REPLY("a") LINE("{'content':''}", ",'done':true"), "a|stop"},
	{"ollama", LAST("", ",'done_reason':'length'"), "|length 10+5=15"},
	{"ollama", LAST("", ",'done_reason':'load'"),
		"|malformed_response!: the reply holds no answer"},
	{"ollama", LINE("{'content':'','thinking':'hm'}", "") REPLY("a") LAST("", ""),
		"a|stop 10+5=15~"},
	{"ollama",
		REPLY("a") LINE("{'content':'','tool_calls':[{'id':'c1','function':{'name':'f',"
				"'arguments':{'x':1}}},{'id':'c2','function':{'name':'f',"
				"'arguments':{}}}]}",
			",'done':false") LAST("", ",'done_reason':'stop'"),
		"a<{'id':'c1','function':{'name':'f','arguments':'{\\'x\\':1}'},'type':'function'}>"
		"<{'id':'c2','function':{'name':'f','arguments':'{}'},'type':'function'}>"
		"|tool_calls 10+5=15"},
	{"ollama",
		LINE("{'tool_calls':[{'function':{'name':'f','arguments':[]}}]}", "") LAST("", ""),
		"|malformed_response: the model called a tool with arguments that are no JSON "
		"object"},
	/* Ends and errors. */
	{"ollama", REPLY("a") "{'model':'llama3.2','mess",
		"a|malformed_response!: the stream ended without a finish reason"},
	{"ollama", REPLY("a"), "a|malformed_response!: the stream ended without a finish reason"},
	{"ollama", REPLY("a") "{'error':'an error was encountered while running the model'}\n",
		"a|server_error!: an error was encountered while running the model"},
	{"ollama", "{'error':'Server overloaded, please retry shortly'}",
		"|overloaded!: Server overloaded, please retry shortly"},
	{"ollama", REPLY("a") "{'broken': \n" REPLY("b"),
		"a|malformed_response!: an event of the stream is not JSON"},
	{"ollama", "", "|malformed_response!: an empty reply"},
	{"ollama", "<html>\n<title>busy</title>",
		"|malformed_response!: a web page instead of an answer"},
	/* One answer, laid out for people or not. */
	{"ollama",
		"{'message':{'content':'Hello'},'done':true,'prompt_eval_count':1,'eval_count':2}",
		"Hello|stop 1+2=3"},
	{"ollama",
		"{\n  'message': {\n    'content': 'Hello'\n  },\n  'done': true,\n"
		"  'prompt_eval_count': 1,\n  'eval_count': 2\n}\n",
		"Hello|stop 1+2=3"},
	{"ollama", "{\r\n  'error': 'server busy'\r\n}\r\n", "|overloaded!: server busy"},
};

/* ---- Gemini's replies ---- */

#define PARTS(parts, rest) \
	"data: {'candidates':[{'content':{'role':'model','parts':[" parts "]}" rest \
	",'index':0}],'usageMetadata':{'promptTokenCount':10,'candidatesTokenCount':5," \
	"'thoughtsTokenCount':2,'totalTokenCount':17},'modelVersion':'g','responseId':'r'}" \
	"\r\n\r\n"
#define PART(text) "{'text':'" text "'}"
#define GEMINI_STOP ",'finishReason':'STOP'"
#define BLOCKED \
	"'promptFeedback':{'blockReason':'PROHIBITED_CONTENT'},'usageMetadata':" \
	"{'promptTokenCount':31}}"

static const struct stream_row gemini_rows[] = {
	{"gemini", PARTS(PART("Hel"), "") PARTS(PART("lo"), GEMINI_STOP), "Hello|stop 10+7=17"},
	{"gemini", PARTS(PART("Hel"), GEMINI_STOP) PARTS(PART("lo"), GEMINI_STOP),
		"Hello|stop 10+7=17"},
	{"gemini", PARTS(PART("a") "," PART("b"), "") PARTS("", ",'finishReason':'MAX_TOKENS'"),
		"ab|length 10+7=17"},
	{"gemini",
		PARTS("{'text':'hm','thought':true}", "") PARTS(
			"{'text':'a','thoughtSignature':'s'}", "") PARTS(PART(""), GEMINI_STOP),
		"a|stop 10+7=17~"},
	{"gemini", PARTS("", ",'finishReason':'MAX_TOKENS'"), "|length 10+7=17"},
	{"gemini", PARTS("", GEMINI_STOP), "|malformed_response!: the reply holds no answer"},
	/* Tools: whole ones, whatever the answer ends with. */
	{"gemini",
		PARTS(PART("a") ",{'functionCall':{'name':'f','args':{'x':1},'id':'c'},"
				"'thoughtSignature':'s'}",
			"") PARTS("{'functionCall':{'id':'d','name':'f','args':{}}}", GEMINI_STOP),
		"a<{'id':'c','function':{'name':'f','arguments':'{\\'x\\':1}'},'extra_content':"
		"{'google':{'thought_signature':'s'}},'type':'function'}>"
		"<{'id':'d','function':{'name':'f','arguments':'{}'},'type':'function'}>"
		"|tool_calls 10+7=17"},
	{"gemini", PARTS("{'functionCall':{'args':{}}}", GEMINI_STOP),
		"|malformed_response: the model called a tool without naming it"},
	{"gemini", PARTS("", ",'finishReason':'MALFORMED_FUNCTION_CALL','finishMessage':'no'"),
		"|malformed_response: the model made an unusable tool call or answer"},
	/* What was filtered. */
	{"gemini", PARTS(PART("a"), "") PARTS("", ",'finishReason':'SAFETY'"),
		"a|content_filter 10+7=17"},
	{"gemini", PARTS("", ",'finishReason':'SAFETY'"),
		"|content_policy: the answer was withheld"},
	{"gemini", "data: {" BLOCKED "\r\n\r\n", "|content_policy: PROHIBITED_CONTENT"},
	{"gemini", "{" BLOCKED, "|content_policy: PROHIBITED_CONTENT"},
	/* Ends and errors. */
	{"gemini", PARTS(PART("a"), ""),
		"a|malformed_response!: the stream ended without a finish reason"},
	{"gemini",
		PARTS(PART("a"), "")
			DATA("{'error':{'code':503,'message':'The model is overloaded','status':"
			     "'UNAVAILABLE'}}"),
		"a|overloaded!: The model is overloaded"},
	{"gemini",
		DATA("{'error':{'code':429,'message':'m','status':'RESOURCE_EXHAUSTED',"
		     "'details':[{'retryDelay':'34.4s'}]}}"),
		"|rate_limited: m"},
	{"gemini", PARTS(PART("a"), "") "data: {'candidates':\r\n\r\n",
		"a|malformed_response!: an event of the stream is not JSON"},
	{"gemini",
		"{'candidates':[{'content':{'parts':[{'text':'Hello'}]},'finishReason':'STOP'}]}",
		"Hello|stop"},
};

/* ---- all of them ---- */

static char *
with_quotes(const char *text)
{
	char *made = x_strdup(text);

	for (char *at = made; *at; at++)
		if (*at == '\'')
			*at = '"';
	return made;
}

static void
check_row(const struct stream_row *row)
{
	char *stream = with_quotes(row->stream), *record = with_quotes(row->record);
	size_t length = strlen(stream);

	for (size_t cut = 0; cut < length || cut == 0; cut++) {
		char *got = family_stream(row->preset, stream, length, cut);
		ck_assert_msg(strcmp(got, record) == 0, "%s\ncut %zu: %s\nwanted: %s", stream, cut,
			got, record);
		free(got);
	}
	free(stream);
	free(record);
}

START_TEST(an_openai_stream_comes_to_the_same_wherever_it_is_cut)
{
	check_row(&openai_rows[_i]);
}
END_TEST

START_TEST(an_anthropic_stream_comes_to_the_same_wherever_it_is_cut)
{
	check_row(&anthropic_rows[_i]);
}
END_TEST

START_TEST(an_ollama_stream_comes_to_the_same_wherever_it_is_cut)
{
	check_row(&ollama_rows[_i]);
}
END_TEST

START_TEST(a_gemini_stream_comes_to_the_same_wherever_it_is_cut)
{
	check_row(&gemini_rows[_i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("provider_stream");
	TCase *tcase = tcase_create("families");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, an_openai_stream_comes_to_the_same_wherever_it_is_cut, 0,
		(int)UTIL_COUNT(openai_rows));
	tcase_add_loop_test(tcase, an_anthropic_stream_comes_to_the_same_wherever_it_is_cut, 0,
		(int)UTIL_COUNT(anthropic_rows));
	tcase_add_loop_test(tcase, an_ollama_stream_comes_to_the_same_wherever_it_is_cut, 0,
		(int)UTIL_COUNT(ollama_rows));
	tcase_add_loop_test(tcase, a_gemini_stream_comes_to_the_same_wherever_it_is_cut, 0,
		(int)UTIL_COUNT(gemini_rows));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
