== run reset-health a/x
== request reset_health
[{"name":"a\/x"}]
== result reset_health
{
 "reset": 1
}
== stdout
1 circuit reset
== exit 0
