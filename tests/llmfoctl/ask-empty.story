== run ask ''
== stderr
llmfoctl ask: the prompt is empty
'llmfoctl ask --help' says more
== exit 2
