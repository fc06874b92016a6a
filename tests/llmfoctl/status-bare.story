== run status
== result status
{}
== stdout
llmfod ?, up 0 ms, pid 0, 0 connections, 0 calls in flight, store ?

✓ all well

no targets are configured
no calls yet
== exit 0
