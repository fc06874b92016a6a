== run status --watch=5
== stderr
llmfoctl status: --watch takes no value
'llmfoctl status --help' says more
== exit 2
