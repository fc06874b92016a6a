== run drill --yes deep
== result drill
{
 "chain": "default",
 "plan": false,
 "rows": [
  {"target": "a/m", "asked": true, "ok": false, "class": "unavailable", "http_status": 503, "message": "maintenance", "latency_ms": 34, "cost_picousd": 0},
  {"target": "b/m", "asked": true, "ok": false, "class": "timeout", "message": "no content within 5000 ms", "latency_ms": 5000, "cost_picousd": 0},
  {"target": "c/m", "asked": false, "ok": false, "class": null, "message": "disabled by an administrator", "latency_ms": 0, "cost_picousd": 0},
  {"target": "d/m", "asked": true, "ok": true, "class": "ok", "http_status": 200, "latency_ms": 1210, "cost_picousd": 0, "cost_unknown": true}
 ],
 "cost_picousd": 0, "cost_unknown": true
}
== stdout
TARGET  RESULT       TIME     COST  WHY
a/m     fails       34 ms    $0.00  unavailable (503): maintenance
b/m     fails       5.0 s    $0.00  timeout: no content within 5000 ms
c/m     fails           -        -  disabled by an administrator
d/m     takes over  1.2 s  unknown
== stderr
chain default: 3 small calls, one after the other; cost: unknown
== exit 1
