== run ask hello
== result generate
{
 "text": "Hello there.",
 "finish_reason": "stop",
 "provider_used": "b",
 "model_used": "model",
 "fallback_occurred": true,
 "attempts": [
  {
   "target": "a/model",
   "class": "cancelled",
   "message": "another target answered first",
   "latency_ms": 1210,
   "cost_picousd": 0
  },
  {
   "target": "c/model",
   "class": "cancelled",
   "message": "cancelled",
   "latency_ms": 1210,
   "cost_picousd": 0
  },
  {
   "target": "b/model",
   "class": "ok",
   "http_status": 200,
   "latency_ms": 1210,
   "cost_picousd": 0
  }
 ],
 "total_latency_ms": 1214,
 "usage": {
  "prompt_tokens": 12,
  "completion_tokens": 34,
  "cached_tokens": 0,
  "total_tokens": 46,
  "estimated": false
 },
 "cost_picousd": 0,
 "request_id": "r1"
}
== stdout
Hello there.
== stderr
a/model cancelled: another target answered first
c/model cancelled
answered by b/model (fallback) in 1.2 s, 12+34 tokens
== exit 0
