== run --json ask --stream hello
== stderr
llmfoctl ask: --json gives the whole result, once
'llmfoctl ask --help' says more
== exit 2
