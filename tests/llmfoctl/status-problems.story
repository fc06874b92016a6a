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
  "last_reload_error": "/etc/llmfo/llmfo.yaml:12:3: providers.groq.modles: unknown key"
 },
 "store": {
  "kind": "redis",
  "connected": false,
  "url": "redis://10.0.0.5:6379/0",
  "since_ms": 42000,
  "error": "Connection refused",
  "state": {
   "path": "/var/lib/llmfo/llmfo.db",
   "ok": false,
   "error": "database or disk is full"
  }
 },
 "forced": {
  "provider": "openai",
  "strict": true,
  "remaining_ms": 3541000
 },
 "preferred": [
  {
   "chain": "default",
   "target": "openai/gpt-4o-mini",
   "remaining_ms": 1745000
  }
 ],
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
  },
  {
   "name": "groq",
   "state": "not_configured",
   "is_healthy": false,
   "consecutive_failures": 0,
   "cooldown_remaining_ms": 0,
   "success_count": 0,
   "failure_count": 0,
   "success_rate": 1.0,
   "average_latency_ms": null,
   "latency_ms": null,
   "in_flight": 0,
   "last_error": null,
   "reason": "GROQ_API_KEY is not set"
  },
  {
   "name": "mistral",
   "state": "disabled",
   "is_healthy": false,
   "consecutive_failures": 0,
   "cooldown_remaining_ms": 0,
   "success_count": 0,
   "failure_count": 0,
   "success_rate": 1.0,
   "average_latency_ms": null,
   "latency_ms": null,
   "in_flight": 0,
   "last_error": null
  },
  {
   "name": "\u65e5\u672c",
   "state": "open",
   "is_healthy": false,
   "consecutive_failures": 1,
   "cooldown_remaining_ms": 252000,
   "success_count": 0,
   "failure_count": 1,
   "success_rate": 0.0,
   "average_latency_ms": null,
   "latency_ms": null,
   "in_flight": 0,
   "last_error": {
    "class": "auth",
    "http_status": 401,
    "message": "Incorrect API key provided: sk-***",
    "age_ms": 48000
   }
  }
 ],
 "targets": [
  {
   "name": "ollama/llama3.2",
   "state": "open",
   "is_healthy": false,
   "consecutive_failures": 3,
   "cooldown_remaining_ms": 252000,
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
   "last_error": {
    "class": "rate_limited",
    "http_status": 429,
    "message": "Rate limit reached\nfor \u001b[31mmodel\u202e x",
    "age_ms": 48000
   },
   "provider": "ollama",
   "model": "llama3.2",
   "listed": true
  },
  {
   "quota": {"requests_remaining": 0, "tokens_remaining": 4000, "reset_ms": 41000},
   "name": "openai/gpt-4o-mini",
   "state": "closed",
   "is_healthy": true,
   "consecutive_failures": 2,
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
   "last_error": {
    "class": "timeout",
    "message": "no answer within 30 s",
    "age_ms": 900
   },
   "provider": "openai",
   "model": "gpt-4o-mini",
   "listed": true
  },
  {
   "name": "\u65e5\u672c/\u30e2\u30c7\u30eb",
   "state": "half_open",
   "is_healthy": false,
   "consecutive_failures": 4,
   "cooldown_remaining_ms": 0,
   "success_count": 1,
   "failure_count": 4,
   "success_rate": 0.2,
   "average_latency_ms": null,
   "latency_ms": null,
   "in_flight": 0,
   "last_error": {
    "class": "connect_failed",
    "message": "connection refused",
    "age_ms": 120000
   }
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
llmfod 0.1.0, up 2h 5m, pid 4711, 3 connections, 1 call in flight, store redis (redis://10.0.0.5:6379/0)
configuration /etc/llmfo/llmfo.yaml

✗ the last reload failed, the configuration before it is in use — /etc/llmfo/llmfo.yaml:12:3: providers.groq.modles: unknown key
✗ store redis away for 42 s, this host goes on with what it knows — Connection refused
✗ state /var/lib/llmfo/llmfo.db cannot be kept — database or disk is full
✗ 日本  open, 4m 12s left — auth (401): Incorrect API key provided: sk-***, 48 s ago
✗ ollama/llama3.2  open, 4m 12s left — rate_limited (429): Rate limit reached\nfor \x1b[31mmodel\u202e x, 48 s ago
~ 日本/モデル  half-open, the next call is its probe — connect_failed: connection refused, 2m ago
! openai/gpt-4o-mini  2 failures in a row — timeout: no answer within 30 s, 900 ms ago
– groq  not configured — GROQ_API_KEY is not set
– mistral  disabled

forced     openai (strict), 59m 1s left
preferred  openai/gpt-4o-mini by chain default, 29m 5s left
used up    openai/gpt-4o-mini: no requests left, for 41 s

TARGET              STATE          FAILURES  SUCCESS  AVERAGE     P95  IN FLIGHT  CALLS
ollama/llama3.2     ✗ open 4m 12s         3   99.6 %    1.2 s   2.9 s          1   1090
openai/gpt-4o-mini  ! closed              2    100 %   640 ms  980 ms          0    108
日本/モデル         ~ half-open           4     20 %        -       -          0      5

PROVIDER  STATE             FAILURES  SUCCESS  AVERAGE     P95  IN FLIGHT  CALLS
ollama    ✓ closed                 0   99.6 %    1.2 s   2.9 s          0   1090
openai    ✓ closed                 0    100 %   640 ms  980 ms          0    108
groq      – not configured         0        -        -       -          0      0
mistral   – disabled               0        -        -       -          0      0
日本      ✗ open 4m 12s            1      0 %        -       -          0      1

1204 calls, 99.2 % answered, 118 by a fallback (9.8 %)
answered by ollama/llama3.2 1086, openai/gpt-4o-mini 108
== exit 0
