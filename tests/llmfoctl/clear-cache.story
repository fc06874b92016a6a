== run clear-cache
== result clear_cache
{
 "cleared": 2
}
== stdout
2 preferred targets forgotten
== exit 0
