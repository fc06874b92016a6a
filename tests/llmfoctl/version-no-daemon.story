== run version
== stdout
llmfoctl 0.1.0
no daemon at @SOCKET@: No such file or directory
== exit 0
