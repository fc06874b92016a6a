== run explain
== request explain
[{}]
== result explain
{
 "candidates": [
  {
   "target": "b/y",
   "in": true,
   "why": null,
   "rank": 1,
   "state": "closed",
   "out_for_ms": null,
   "cost_estimate_picousd": 7500000000,
   "latency_estimate_ms": 1410,
   "latency_source": "registry"
  },
  {
   "target": "a/x",
   "in": false,
   "why": "its circuit is open",
   "rank": null,
   "state": "open",
   "out_for_ms": 252000,
   "cost_estimate_picousd": null,
   "latency_estimate_ms": 820,
   "latency_source": "measured"
  }
 ]
}
== stdout
RANK  TARGET  STATE   OUT FOR     COST  LATENCY  WHY
   1  b/y     closed           $0.0075   ~1.4 s  in
   -  a/x     open     4m 12s        ?   820 ms  out: its circuit is open
== exit 0
