== run ask --stream --on-break restart hello
== request generate
[{"on_break":"restart","prompt":"hello","stream":true}]
== deltas generate
{"text": "He"}
{"text": "llo"}
{"tool_call": {"id": "c"}}
reset
{"text": "Hello "}
{"text": "there."}
== result generate
{
 "text": "Hello there.",
 "finish_reason": "stop",
 "provider_used": "b",
 "model_used": "model",
 "fallback_occurred": true,
 "attempts": [],
 "total_latency_ms": 1214,
 "usage": {
  "prompt_tokens": 12,
  "completion_tokens": 34,
  "estimated": false
 },
 "cost_picousd": 0
}
== stdout
Hello
Hello there.
== stderr
-- broken off: the answer begins anew --
answered by b/model (fallback) in 1.2 s, 12+34 tokens
== exit 0
