== run ask --provder a hello
== stderr
llmfoctl ask: unknown option --provder, perhaps --provider is meant
'llmfoctl ask --help' says more
== exit 2
