== run status
== result status
{
 "daemon": {
  "version": "0.1.0",
  "pid": 4711,
  "uptime_ms": 7512000,
  "connections": 3,
  "calls_in_flight": 1,
  "config": "/etc/llmfo/llmfo.yaml",
  "last_reload_error": null
 },
 "store": {
  "kind": "memory",
  "connected": true
 },
 "forced": null,
 "preferred": [],
 "providers": [
  {
   "name": "ollama",
   "state": "closed",
   "is_healthy": true,
   "consecutive_failures": 0,
   "cooldown_remaining_ms": 0,
   "success_count": 1086,
   "failure_count": 4,
   "success_rate": 0.9963,
   "average_latency_ms": 1240,
   "latency_ms": {
    "p50": 1100,
    "p95": 2900,
    "p99": 4100
   },
   "in_flight": 0,
   "last_error": null,
   "api": "ollama",
   "base_url": "http://localhost:11434",
   "local": true,
   "enabled": true
  },
  {
   "name": "openai",
   "state": "closed",
   "is_healthy": true,
   "consecutive_failures": 0,
   "cooldown_remaining_ms": 0,
   "success_count": 108,
   "failure_count": 0,
   "success_rate": 1.0,
   "average_latency_ms": 640,
   "latency_ms": {
    "p50": 610,
    "p95": 980,
    "p99": 1500
   },
   "in_flight": 0,
   "last_error": null,
   "api": "openai",
   "base_url": "https://api.openai.com/v1",
   "local": false,
   "enabled": true
  }
 ],
 "targets": [
  {
   "name": "ollama/llama3.2",
   "state": "closed",
   "is_healthy": true,
   "consecutive_failures": 0,
   "cooldown_remaining_ms": 0,
   "success_count": 1086,
   "failure_count": 4,
   "success_rate": 0.9963,
   "average_latency_ms": 1240,
   "latency_ms": {
    "p50": 1100,
    "p95": 2900,
    "p99": 4100
   },
   "in_flight": 1,
   "last_error": null,
   "provider": "ollama",
   "model": "llama3.2",
   "listed": true
  },
  {
   "name": "openai/gpt-4o-mini",
   "state": "closed",
   "is_healthy": true,
   "consecutive_failures": 0,
   "cooldown_remaining_ms": 0,
   "success_count": 108,
   "failure_count": 0,
   "success_rate": 1.0,
   "average_latency_ms": 640,
   "latency_ms": {
    "p50": 610,
    "p95": 980,
    "p99": 1500
   },
   "in_flight": 0,
   "last_error": null,
   "provider": "openai",
   "model": "gpt-4o-mini",
   "listed": true
  }
 ],
 "fallback": {
  "total_requests": 1204,
  "fallback_requests": 118,
  "fallback_rate": 0.09800664451827243,
  "overall_success_rate": 0.9917,
  "models_used": {
   "ollama/llama3.2": 1086,
   "openai/gpt-4o-mini": 108
  },
  "counters_since_ms": 7512000
 }
}
== stdout
llmfod 0.1.0, up 2h 5m, pid 4711, 3 connections, 1 call in flight, store memory
configuration /etc/llmfo/llmfo.yaml

✓ all well

TARGET              STATE     FAILURES  SUCCESS  AVERAGE     P95  IN FLIGHT  CALLS
ollama/llama3.2     ✓ closed         0   99.6 %    1.2 s   2.9 s          1   1090
openai/gpt-4o-mini  ✓ closed         0    100 %   640 ms  980 ms          0    108

PROVIDER  STATE     FAILURES  SUCCESS  AVERAGE     P95  IN FLIGHT  CALLS
ollama    ✓ closed         0   99.6 %    1.2 s   2.9 s          0   1090
openai    ✓ closed         0    100 %   640 ms  980 ms          0    108

1204 calls, 99.2 % answered, 118 by a fallback (9.8 %)
answered by ollama/llama3.2 1086, openai/gpt-4o-mini 108
== exit 0
