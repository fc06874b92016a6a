== run ask --stream --no-stream hello
== stderr
llmfoctl ask: --stream and --no-stream exclude each other
'llmfoctl ask --help' says more
== exit 2
