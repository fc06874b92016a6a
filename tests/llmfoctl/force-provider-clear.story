== run force-provider --clear
== request force_provider
[{"provider":null}]
== result force_provider
{
 "forced": null,
 "was": {
  "provider": "openai",
  "strict": true,
  "remaining_ms": 10
 }
}
== stdout
no provider is forced (until now: openai)
== exit 0
