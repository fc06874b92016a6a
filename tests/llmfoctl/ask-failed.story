== run ask hello
== error generate
{
 "code": "all_failed",
 "message": "all 2 targets failed: a/model rate_limited (429: slow down); b/model unavailable (503: maintenance)",
 "attempts": [
  {
   "target": "a/model",
   "class": "rate_limited",
   "http_status": 429,
   "message": "slow down",
   "latency_ms": 3,
   "cost_picousd": 0
  },
  {
   "target": "b/model",
   "class": "unavailable",
   "http_status": 503,
   "message": "maintenance",
   "latency_ms": 4,
   "cost_picousd": 0
  }
 ],
 "retry_after_ms": 12000
}
== stderr
a/model failed: rate_limited (429): slow down
b/model failed: unavailable (503): maintenance
llmfoctl: all_failed: every target failed; try again in 12 s
== exit 1
