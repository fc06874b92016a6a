== run stauts
== stderr
llmfoctl: unknown command 'stauts', perhaps 'status' is meant
'llmfoctl --help' says more
== exit 2
