== run status
== result status
{
 "daemon": {
  "version": "0.1.0",
  "pid": 4711,
  "uptime_ms": 900,
  "connections": 1,
  "calls_in_flight": 0,
  "config": null,
  "last_reload_error": null
 },
 "store": {
  "kind": "memory",
  "connected": true
 },
 "forced": null,
 "preferred": [],
 "providers": [],
 "targets": [],
 "fallback": {
  "total_requests": 0,
  "fallback_requests": 0,
  "fallback_rate": 0.0,
  "overall_success_rate": 0.0,
  "models_used": {},
  "counters_since_ms": 0
 }
}
== stdout
llmfod 0.1.0, up 900 ms, pid 4711, 1 connection, 0 calls in flight, store memory

✓ all well

no targets are configured
no calls yet
== exit 0
