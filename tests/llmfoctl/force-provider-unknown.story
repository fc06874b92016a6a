== run force-provider opnai
== error force_provider
{
 "code": "not_found",
 "message": "no provider 'opnai': there are ollama, openai"
}
== stderr
llmfoctl: not_found: no provider 'opnai': there are ollama, openai
== exit 1
