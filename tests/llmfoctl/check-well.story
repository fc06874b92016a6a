== run check
== request check
[{}]
== result check
{
 "providers": [
  {
   "name": "ollama",
   "configured": true,
   "reachable": true,
   "key_ok": null,
   "models_missing": [],
   "latency_ms": 3
  },
  {
   "name": "groq",
   "configured": false,
   "reachable": null,
   "key_ok": null,
   "models_missing": [],
   "latency_ms": null,
   "error": "GROQ_API_KEY is not set"
  }
 ]
}
== stdout
PROVIDER  CONFIGURED  REACHABLE  KEY  TIME  MODELS MISSING
ollama    yes         yes        -    3 ms
groq      no          -          -       -                  GROQ_API_KEY is not set
== exit 0
