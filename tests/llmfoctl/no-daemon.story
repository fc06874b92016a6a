== run status
== stderr
llmfoctl: no daemon at @SOCKET@: No such file or directory
is llmfod running? --socket or LLMFO_SOCKET names another place
== exit 3
