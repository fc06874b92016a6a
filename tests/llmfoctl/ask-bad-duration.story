== run ask --deadline 30 hello
== stderr
llmfoctl ask: --deadline takes a time with its unit, such as 30s, 5m or 1h30m, not '30'
'llmfoctl ask --help' says more
== exit 2
