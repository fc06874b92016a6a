== run drain
== result drain
{
 "draining": true,
 "calls_in_flight": 3,
 "calls_waiting": 1,
 "drain_timeout_ms": 30000
}
== stdout
the daemon takes no new calls and ends; 4 calls may take 30 s yet
== stderr
== exit 0
