== run --version
== stdout
llmfoctl 0.1.0
== exit 0
