== run drill --yes
== result drill
{
 "chain": "default",
 "plan": false,
 "rows": [
  {"target": "a/m", "asked": true, "ok": true, "class": "ok", "http_status": 200, "latency_ms": 340, "cost_picousd": 0},
  {"target": "b/m", "asked": true, "ok": true, "class": "ok", "http_status": 200, "latency_ms": 1210, "cost_picousd": 120000000}
 ],
 "cost_picousd": 120000000
}
== stdout
TARGET  RESULT        TIME      COST  WHY
a/m     takes over  340 ms     $0.00
b/m     takes over   1.2 s  $0.00012
== stderr
chain default: 2 small calls, one after the other; cost: $0.00012
== exit 0
