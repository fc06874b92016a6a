== run ask
== stderr
llmfoctl ask: PROMPT|- is missing
'llmfoctl ask --help' says more
== exit 2
