== run reload
== result reload
{
 "ok": true,
 "warnings": [
  "agent 'old-agent': the flat form (model, provider, provider_url) is deprecated; write primary: {…}"
 ]
}
== stdout
the configuration was read anew and is in use
== stderr
warning: agent 'old-agent': the flat form (model, provider, provider_url) is deprecated; write primary: {…}
== exit 0
