== run force-provider
== stderr
llmfoctl force-provider: a provider's NAME or --clear is missing
'llmfoctl force-provider --help' says more
== exit 2
