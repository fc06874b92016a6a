== run reload
== error reload
{
 "code": "invalid_request",
 "message": "the configuration has 2 faults, nothing was changed\nllmfo.yaml:3:5: socket.mdoe: unknown key\nllmfo.yaml:9:1: chains.default: is empty"
}
== stderr
llmfoctl: invalid_request: the configuration has 2 faults, nothing was changed
llmfo.yaml:3:5: socket.mdoe: unknown key
llmfo.yaml:9:1: chains.default: is empty
== exit 1
