== run models
== result models
{
 "rows": [
  {
   "target": "openai/gpt-4o",
   "provider": "openai",
   "model": "gpt-4o",
   "state": "closed",
   "listed": true,
   "local": false,
   "context_tokens": 128000,
   "max_output_tokens": 16384,
   "input_picousd_per_token": 2500000,
   "cached_input_picousd_per_token": 1250000,
   "output_picousd_per_token": 10000000,
   "capabilities": [
    "chat",
    "vision"
   ],
   "capabilities_unknown": [
    "json"
   ],
   "quality": 50,
   "latency_ms": 1410,
   "latency_source": "registry"
  },
  {
   "target": "deepseek/deepseek-v4-pro",
   "provider": "deepseek",
   "model": "deepseek-v4-pro",
   "state": "open",
   "listed": true,
   "local": false,
   "context_tokens": 1000000,
   "max_output_tokens": 8192,
   "input_picousd_per_token": 435000,
   "cached_input_picousd_per_token": 3625,
   "output_picousd_per_token": 870001,
   "capabilities": [],
   "capabilities_unknown": [],
   "quality": 80,
   "latency_ms": 340,
   "latency_source": "measured"
  },
  {
   "target": "ollama/unheard-of",
   "provider": "ollama",
   "model": "unheard-of",
   "state": "closed",
   "listed": true,
   "local": true,
   "context_tokens": null,
   "max_output_tokens": null,
   "input_picousd_per_token": 0,
   "cached_input_picousd_per_token": 0,
   "output_picousd_per_token": null,
   "capabilities": [],
   "capabilities_unknown": [
    "chat",
    "code"
   ],
   "quality": null,
   "latency_ms": null,
   "latency_source": null
  }
 ]
}
== stdout
MODEL                     STATE   CONTEXT  INPUT $/M  OUTPUT $/M  QUALITY  LATENCY  CAPABILITIES
openai/gpt-4o             closed   128000       2.50       10.00       50   ~1.4 s  chat, vision, json?
deepseek/deepseek-v4-pro  open    1000000      0.435    0.870001       80   340 ms
ollama/unheard-of         closed        ?       0.00           ?        ?        ?  chat?, code?
== exit 0
