== run enable a/x
== request enable
[{"name":"a\/x"}]
== result enable
{
 "name": "a/x",
 "enabled": true
}
== stdout
a/x is enabled
== exit 0
