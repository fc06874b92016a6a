== run force-provider openai --clear
== stderr
llmfoctl force-provider: --clear goes alone
'llmfoctl force-provider --help' says more
== exit 2
