== run check openai
== request check
[{"provider":"openai"}]
== result check
{
 "providers": [
  {
   "name": "openai",
   "configured": true,
   "reachable": true,
   "key_ok": false,
   "models_missing": [
    "gpt-5",
    "gpt-6"
   ],
   "latency_ms": 140,
   "error": "401: incorrect key"
  }
 ]
}
== stdout
PROVIDER  CONFIGURED  REACHABLE  KEY    TIME  MODELS MISSING
openai    yes         yes        no   140 ms  gpt-5, gpt-6    401: incorrect key
== exit 1
