== run force-provider openai --for 90m --strict
== request force_provider
[{"duration_s":5400,"strict":true,"provider":"openai"}]
== result force_provider
{
 "forced": {
  "provider": "openai",
  "strict": true,
  "remaining_ms": 5400000
 },
 "was": {
  "provider": "groq",
  "strict": false,
  "remaining_ms": 10
 }
}
== stdout
openai is forced (strict) for 1h 30m (until now: groq)
== exit 0
