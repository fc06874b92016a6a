== run ask --chain moderation --agent a --targets x/1,y/2 --model m --provider p --strategy sequential --system 'be brief' --no-fallback --deadline 1m30s --max-tokens 100 --temperature 0.5 --workspace w --user u hello world
== request generate
[{"chain":"moderation","agent":"a","targets":["x\/1","y\/2"],"model":"m","provider":"p","strategy":"sequential","system":"be brief","enable_fallback":false,"deadline_ms":90000,"max_tokens":100,"temperature":0.5,"workspace":"w","user":"u","prompt":"hello world"}]
== result generate
{
 "text": "Two\nlines\n",
 "finish_reason": "length",
 "provider_used": "b",
 "model_used": "model",
 "fallback_occurred": false,
 "attempts": [
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
  "estimated": true
 },
 "cost_picousd": 1234567890,
 "request_id": "r1",
 "warnings": [
  "task_type is unknown"
 ]
}
== stdout
Two
lines
== stderr
warning: task_type is unknown
answered by b/model in 1.2 s, about 12+34 tokens, $0.001234, cut off at its token limit
== exit 0
