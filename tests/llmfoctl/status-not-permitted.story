== run status
== error status
{
 "code": "not_permitted",
 "message": "uid 1000 is not among access.callers"
}
== stderr
llmfoctl: not_permitted: uid 1000 is not among access.callers
== exit 4
