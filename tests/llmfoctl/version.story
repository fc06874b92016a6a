== run version
== request hello
[{"client":"llmfoctl","protocol":1}]
== result hello
{
 "server": "llmfod",
 "version": "0.1.0",
 "protocol": 1,
 "features": []
}
== stdout
llmfoctl 0.1.0
llmfod 0.1.0
== exit 0
