== run disable a
== error disable
{
 "code": "not_permitted",
 "message": "only administrators may do that: root, @llmfo-admin"
}
== stderr
llmfoctl: not_permitted: only administrators may do that: root, @llmfo-admin
== exit 4
