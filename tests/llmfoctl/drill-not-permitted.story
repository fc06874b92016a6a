== run drill --yes
== error drill
{
 "code": "not_permitted",
 "message": "uid 5 may not call drill (access.admins)"
}
== stderr
llmfoctl: not_permitted: uid 5 may not call drill (access.admins)
== exit 4
