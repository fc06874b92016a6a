== run ask --max-tokens many hello
== stderr
llmfoctl ask: --max-tokens takes a number, not 'many'
'llmfoctl ask --help' says more
== exit 2
