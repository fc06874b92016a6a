== run ask --stream hello
== deltas generate
{"text": "One\n"}
{"text": "Two\n"}
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
One
Two
== stderr
answered by b/model (fallback) in 1.2 s, 12+34 tokens
== exit 0
