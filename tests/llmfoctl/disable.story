== run disable a
== request disable
[{"name":"a"}]
== result disable
{
 "name": "a",
 "enabled": false
}
== stdout
a is disabled
== exit 0
