== run ask --json hello
== result generate
{
 "text": "Hi",
 "provider_used": "b",
 "model_used": "m",
 "fallback_occurred": false,
 "total_latency_ms": 5,
 "attempts": [],
 "usage": {}
}
== stdout
{
  "text": "Hi",
  "provider_used": "b",
  "model_used": "m",
  "fallback_occurred": false,
  "total_latency_ms": 5,
  "attempts": [
  ],
  "usage": {
  }
}
== stderr
answered by b/m in 5 ms, 0+0 tokens
== exit 0
