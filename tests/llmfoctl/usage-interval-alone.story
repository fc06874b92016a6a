== run status --interval 2s
== stderr
llmfoctl status: --interval belongs to --watch
'llmfoctl status --help' says more
== exit 2
