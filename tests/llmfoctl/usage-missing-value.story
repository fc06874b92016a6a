== run ask --chain
== stderr
llmfoctl ask: --chain needs a value
'llmfoctl ask --help' says more
== exit 2
