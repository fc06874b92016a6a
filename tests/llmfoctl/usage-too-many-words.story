== run status now
== stderr
llmfoctl status: 'now' is too much
'llmfoctl status --help' says more
== exit 2
